/* paper.c - see paper.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/paper.h"

#include "base/median.h"
#include "base/random.h"
#include "engine/account/bundled.h"
#include "engine/account/calibrate.h"
#include "engine/account/energy_terms.h"
#include "engine/account/paper_cost.h"
#include "engine/account/tower_cost.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = PAPER_DRAWS, SEED = 1, PROMPTS = 19, PICTURE_TEXT = 40 /* tokens of the question beside a picture: assumed */ };

static const double joules_per_wh = 3600, normal_of_median_deviation = 1.4826;

/* ---- The models ---- */

static const char *const original = "llama-3.1-8b:Q4_K_M";
static const char *const compressed[] = {
    "gilda-3.2b:Q4_K_M",
    "L=10,D=4096,H=32,KV=8,HD=128,F=14336,V=128256:Q4_K_M",
    "llama-3.2-3b:Q4_K_M",
};
/* Qwen2-VL-2B's text part has Qwen2.5-1.5B's shape. Its 1.54 B and the tower's 0.67 B are 2.2 B together; 1.1 B are left of
 * both, or of the text part (0.44 B beside an untouched tower), or are the text part's alone. Layers and width stay. */
#define AXOLOTL "L=28,D=1536,HD=128,V=151936,tied,arch=qwen2,"
static const char *const picture_original = "qwen2.5-1.5b:F16";
static const char *const picture_compressed[] = {
    AXOLOTL "H=12,KV=2,F=2944:F16",
    AXOLOTL "H=4,KV=2,F=1056:F16",
    AXOLOTL "H=12,KV=2,F=5536:F16",
};
/* Of the tower's linear work; attention's square of patches stays. */
static const double tower_left[] = {0.5, 1, 1};

/* ---- Inputs ---- */

enum distribution { EVEN, LOG, ONE_OF, NORMAL, FIXED };

struct range {
    enum distribution kind;
    double low, high;
};

static const struct range input_ranges[PAPER_N_INPUTS] = {
#define X(name, kind, low, high, what) {kind, low, high},
    PAPER_INPUTS(X)
#undef X
};

const struct paper_input_word paper_inputs[PAPER_N_INPUTS] = {
#define X(name, kind, low, high, what) {#name, #kind, what},
    PAPER_INPUTS(X)
#undef X
};

/* Ranges that depend on the machine. */
static const struct machine_ranges {
    const char *name;
    double storage[2], arithmetic[2], floats[2];
} machine_ranges[] = {
    /* From a microSD card (SDR104) to the page cache; Q5_K's rate to Q4_K repacked (1.9 times, llama.cpp PR 17494); 43 to 105
     * of the profile's 67 GFLOP/s (see its comment). */
    {"rpi5", {9e7, 1e10}, {0.71, 1.9}, {0.64, 1.57}},
    /* From its SSD to the page cache; from no Accelerate (3.9 times slower, see the profile's comment) to its rate. */
    {"m2", {1.5e9, 5e10}, {0.26, 1}, {0.26, 1}},
    {NULL, {1e8, 1e10}, {0.8, 1.25}, {0.8, 1.25}}, /* any other: a profile's rates are taken to be its own */
};

struct machine {
    int number; /* in paper.machines */
    const char *name;
    struct range ranges[PAPER_N_INPUTS];
    double idle[2], active[2];            /* W; from and to; NAN: not known */
    double tower_rate, tower_attend_rate; /* FLOP/s */
    double tower_j, tower_attend_j;       /* J/FLOP beside power times time */
    struct paper_cost original, compressed[3], picture_original, picture_compressed[3];
};

static void set_range(struct machine *m, enum paper_input i, const double range[2])
{
    m->ranges[i].low = range[0];
    m->ranges[i].high = range[1];
}

static void power_range(const struct device *d, const char *key, double range[2])
{
    static const char *const bounds[] = {"low95", "high95"};
    for (int i = 0; i < 2; i++) {
        char bound[DEVICE_KEY];
        snprintf(bound, sizeof bound, "%s.%s", key, bounds[i]);
        range[i] = device_get(d, bound);
        if (isnan(range[i])) range[i] = device_get(d, key);
    }
}

static bool describe(struct machine *m, const struct paper_machine *of, int number, struct error *e)
{
    const struct device *d = &of->device;
    const struct machine_ranges *r = machine_ranges;
    int cores = (int)device_get(d, "cores");
    *m = (struct machine){.number = number, .name = of->name};
    memcpy(m->ranges, input_ranges, sizeof m->ranges);
    while (r->name && strcmp(r->name, m->name)) r++;
    set_range(m, PAPER_STORAGE, r->storage);
    set_range(m, PAPER_ARITHMETIC, r->arithmetic);
    set_range(m, PAPER_FLOAT_ARITHMETIC, r->floats);
    m->ranges[PAPER_BANDWIDTH].low = normal_of_median_deviation * device_get(d, "noise");
    power_range(d, "energy.idle", m->idle);
    power_range(d, "energy.active", m->active);
    m->tower_rate = device_rate(d, "linear.f16.prefill", cores);
    m->tower_attend_rate = device_rate(d, "attend.f16.prefill", cores);
    m->tower_j = energy_beside_power(d, &(struct energy_work){.work[TYPE_F16] = 1});
    m->tower_attend_j = energy_beside_power(d, &(struct energy_work){.work[ENERGY_ATTEND] = 1});
    bool ok = paper_cost(&m->original, original, d, e) && paper_cost(&m->picture_original, picture_original, d, e);
    for (int i = 0; ok && i < 3; i++)
        ok = paper_cost(&m->compressed[i], compressed[i], d, e) &&
             paper_cost(&m->picture_compressed[i], picture_compressed[i], d, e);
    return ok;
}

/* A place u in [0, 1) of an input's range; z is a normal deviate. */
static double place(const struct range *r, double u, double z)
{
    switch (r->kind) {
    case EVEN: return r->low + (r->high - r->low) * u;
    case LOG: return r->low * pow(r->high / r->low, u);
    case ONE_OF: return r->low + floor((r->high - r->low + 1) * u);
    case NORMAL: return exp(r->low * z);
    case FIXED: break;
    }
    return r->low;
}

static void draw(const struct machine *m, uint64_t *state, double x[PAPER_N_INPUTS])
{
    for (int i = 0; i < PAPER_N_INPUTS; i++) {
        double u = random_fraction(state), v = random_fraction(state);
        x[i] = place(&m->ranges[i], u, sqrt(-2 * log1p(-u)) * cos(6.283185307179586 * v)); /* Box and Muller */
    }
}

/* The middle of every input; of alternatives the first. */
static void middle(const struct machine *m, double x[PAPER_N_INPUTS])
{
    for (int i = 0; i < PAPER_N_INPUTS; i++) x[i] = place(&m->ranges[i], m->ranges[i].kind == ONE_OF ? 0 : 0.5, 0);
}

/* ---- The figures of one draw ---- */

/* clang-format off */
enum figure {
    LLM_CPU_AUC, LLM_RAM_AUC, LLM_THROUGHPUT, LLM_ENERGY, LLM_WH_PROMPT_A, LLM_WH_PROMPT_B, LLM_WH_RUN_A, LLM_WH_RUN_B,
    VLM_THROUGHPUT, VLM_ENERGY, VLM_WH_PROMPT_A, VLM_WH_PROMPT_B,
    N_FIGURES
};
/* clang-format on */

/* One model's side of a pair: sums over the prompts. */
struct side {
    double time_s, last_s;   /* of all prompts; of the last and longest */
    double work_j, last_j;   /* joules beside power times time, the same */
    double decode_s, tokens; /* decode steps and what they generate */
    double ram_auc;          /* byte-seconds above idle */
};

static struct side text_side(const struct paper_cost *c, const double x[PAPER_N_INPUTS], double answer, double own_bandwidth)
{
    struct side s = {0};
    for (int i = 1; i <= PROMPTS; i++) {
        double n = i * x[PAPER_PROMPT_STEP];
        double decode = paper_decode(&c->s, n, answer) / (x[PAPER_BANDWIDTH] * own_bandwidth);
        decode += (answer - 1) * x[PAPER_TOKEN_TIME];
        double time = paper_prefill(&c->s, n) / x[PAPER_ARITHMETIC] + decode + x[PAPER_COMMON_TIME];
        double footprint = x[PAPER_WEIGHTS_SHARE] * c->weight_bytes + x[PAPER_BESIDE] + (n + answer) * c->kv_bytes;
        s.last_j = paper_prefill(&c->j, n) + paper_decode(&c->j, n, answer);
        s.work_j += s.last_j;
        s.time_s += time;
        s.last_s = time;
        s.decode_s += decode;
        s.tokens += answer - 1;
        s.ram_auc += footprint * time;
    }
    return s;
}

/* Seconds of one picture at 1024x720: loading, tower, prefill, decoding. Loading leaves the cores idle. */
static struct side picture_side(const struct machine *m, const struct paper_cost *c, const double x[PAPER_N_INPUTS],
                                double tower_part, double answer, double own_bandwidth, double *load_s)
{
    struct tower_grid g = tower_grid(1024, 720, TOWER_UP);
    struct tower_flops f = tower_flops(g.patches);
    double tower = tower_part * f.linear / m->tower_rate + f.quadratic / m->tower_attend_rate, n = g.tokens + PICTURE_TEXT;
    struct side s = {.tokens = answer - 1};
    *load_s = (c->weight_bytes + 2 * tower_part * tower_parameters()) / x[PAPER_STORAGE];
    s.decode_s = paper_decode(&c->s, n, answer) / (x[PAPER_BANDWIDTH] * own_bandwidth) + (answer - 1) * x[PAPER_TOKEN_TIME];
    s.time_s = *load_s + (tower + paper_prefill(&c->s, n)) / x[PAPER_FLOAT_ARITHMETIC] + s.decode_s + x[PAPER_COMMON_TIME];
    s.work_j = tower_part * f.linear * m->tower_j + f.quadratic * m->tower_attend_j + paper_prefill(&c->j, n) +
               paper_decode(&c->j, n, answer);
    return s;
}

static void evaluate(const struct machine *m, const double x[PAPER_N_INPUTS], double out[N_FIGURES])
{
    int gilda = (int)x[PAPER_GILDA], axolotl = (int)x[PAPER_AXOLOTL];
    double idle = m->idle[0] + (m->idle[1] - m->idle[0]) * x[PAPER_POWER],
           busy = idle + m->active[0] + (m->active[1] - m->active[0]) * x[PAPER_POWER];
    struct side a = text_side(&m->original, x, x[PAPER_ANSWER], x[PAPER_OWN_BANDWIDTH_A]),
                b = text_side(&m->compressed[gilda], x, x[PAPER_ANSWER] * x[PAPER_ANSWER_RATIO], x[PAPER_OWN_BANDWIDTH_B]);
    double wh_a = x[PAPER_OWN_POWER_A] / joules_per_wh, wh_b = x[PAPER_OWN_POWER_B] / joules_per_wh; /* of a modelled joule */
    /* Every thread is busy from a run's begin to its end, so the threads cancel and time is left. */
    out[LLM_CPU_AUC] = b.time_s / a.time_s - 1;
    out[LLM_RAM_AUC] = b.ram_auc / a.ram_auc - 1;
    out[LLM_THROUGHPUT] = b.tokens / b.decode_s * a.decode_s / a.tokens;
    out[LLM_WH_PROMPT_A] = wh_a * (busy * a.last_s + a.last_j);
    out[LLM_WH_PROMPT_B] = wh_b * (busy * b.last_s + b.last_j);
    out[LLM_WH_RUN_A] = wh_a * (busy * a.time_s + a.work_j);
    out[LLM_WH_RUN_B] = wh_b * (busy * b.time_s + b.work_j);
    out[LLM_ENERGY] = out[LLM_WH_RUN_B] / out[LLM_WH_RUN_A] - 1;

    double load_a, load_b, answer = x[PAPER_PICTURE_ANSWER];
    a = picture_side(m, &m->picture_original, x, 1, answer, x[PAPER_OWN_BANDWIDTH_A], &load_a);
    b = picture_side(m, &m->picture_compressed[axolotl], x, tower_left[axolotl], answer * x[PAPER_ANSWER_RATIO],
                     x[PAPER_OWN_BANDWIDTH_B], &load_b);
    out[VLM_THROUGHPUT] = b.tokens / b.decode_s * a.decode_s / a.tokens;
    out[VLM_WH_PROMPT_A] = wh_a * (busy * (a.time_s - load_a) + a.work_j) + idle * load_a / joules_per_wh;
    out[VLM_WH_PROMPT_B] = wh_b * (busy * (b.time_s - load_b) + b.work_j) + idle * load_b / joules_per_wh;
    out[VLM_ENERGY] = out[VLM_WH_PROMPT_B] / out[VLM_WH_PROMPT_A] - 1;
}

/* ---- What would have to hold ---- */

/* An input that could explain a figure: from, to, and how a solution is said (its value times `scale`). */
struct explanation {
    enum paper_input input;
    double low, high, scale;
    const char *format;
    int axolotl; /* which of the compressed models of pictures */
};

/* clang-format off */
#define LONGER {PAPER_ANSWER_RATIO, 0.05, 20, 1, "the compressed model's answers have %.2f times the length", 0}
#define TOKENS(input) {input, 2, 1e5, 1, "an answer has %.0f tokens", 0}
#define PER_TOKEN {PAPER_TOKEN_TIME, 0, 10, 1e3, "%.1f ms a token pass in both beside reading the model", 0}
#define COMMON {PAPER_COMMON_TIME, 0, 1e5, 1, "each prompt holds %.0f s of the same work in both", 0}
#define FLOATS {PAPER_FLOAT_ARITHMETIC, 0.05, 20, 1, "tower and prefill run at %.2f times the profile's F16 rates", 0}
#define COUNTED {PAPER_WEIGHTS_SHARE, 0, 1, 100, "%.1f %% of the weights count as memory in use", 0}
#define WHOLE_TOWER \
    {PAPER_COMMON_TIME, 0, 1e5, 1, \
     "the tower stayed whole beside a text part of 1.1 B and each prompt holds %.0f s of the same work in both", 2}
/* clang-format on */

enum { EXPLANATIONS = 4 };

static const struct figure_row {
    const char *figure, *unit;
    double rpi5, m2;  /* published, NAN: not */
    const char *term; /* what the model has no term for and the figure may hold */
    struct explanation explanations[EXPLANATIONS];
} figures[N_FIGURES] = {
    /* clang-format off */
    [LLM_CPU_AUC] = {"llm_cpu_auc", "change", -0.605, -0.313, "how busy the cores are: here every thread is, throughout",
                     {LONGER, PER_TOKEN, COMMON}},
    [LLM_RAM_AUC] = {"llm_ram_auc", "change", -0.719, -0.559, "what the system and the sampler count as memory in use",
                     {COUNTED, LONGER, COMMON}},
    [LLM_THROUGHPUT] = {"llm_throughput", "ratio", 2.6, 2.1, "time a token beside its bytes", {PER_TOKEN}},
    [LLM_ENERGY] = {"llm_energy", "change", -0.62, -0.50, "power that differs between the two models", {LONGER, COMMON}},
    [LLM_WH_PROMPT_A] = {"llm_wh_prompt_original", "Wh", 0.34, NAN, "the length of an answer", {TOKENS(PAPER_ANSWER)}},
    [LLM_WH_PROMPT_B] = {"llm_wh_prompt_compressed", "Wh", 0.13, NAN, "the length of an answer", {TOKENS(PAPER_ANSWER)}},
    [LLM_WH_RUN_A] = {"llm_wh_run_original", "Wh", 6.50, NAN, "the length of an answer", {TOKENS(PAPER_ANSWER)}},
    [LLM_WH_RUN_B] = {"llm_wh_run_compressed", "Wh", 2.50, NAN, "the length of an answer", {TOKENS(PAPER_ANSWER)}},
    [VLM_THROUGHPUT] = {"vlm_throughput", "ratio", 2.0, 1.8, "time a token beside its bytes", {PER_TOKEN}},
    [VLM_ENERGY] = {"vlm_energy", "change", -0.059, -0.375, "what compression did to the tower",
                    {COMMON, LONGER, FLOATS, WHOLE_TOWER}},
    [VLM_WH_PROMPT_A] = {"vlm_wh_prompt_original", "Wh", NAN, 0.16, "the tower's own rate",
                         {TOKENS(PAPER_PICTURE_ANSWER), FLOATS}},
    [VLM_WH_PROMPT_B] = {"vlm_wh_prompt_compressed", "Wh", NAN, 0.10, "the tower's own rate",
                         {TOKENS(PAPER_PICTURE_ANSWER), FLOATS}},
    /* clang-format on */
};

/* The value of the input at which the figure is `wanted`, all else in the middle; NAN if there is none between its ends. */
static double solve(const struct machine *m, enum figure figure, const struct explanation *s, double wanted)
{
    double x[PAPER_N_INPUTS], out[N_FIGURES], low = s->low, high = s->high;
    middle(m, x);
    x[PAPER_AXOLOTL] = s->axolotl;
    x[s->input] = low;
    evaluate(m, x, out);
    bool below = out[figure] < wanted;
    x[s->input] = high;
    evaluate(m, x, out);
    if (isnan(out[figure]) || (out[figure] < wanted) == below) return NAN;
    for (int i = 0; i < 100; i++) {
        x[s->input] = (low + high) / 2;
        evaluate(m, x, out);
        *((out[figure] < wanted) == below ? &low : &high) = x[s->input];
    }
    return (low + high) / 2;
}

/* Says in `text` what would make the figure the published one, all else in the middle. */
static void explain(const struct machine *m, enum figure figure, double wanted, char *text, size_t size)
{
    size_t n = 0;
    for (int i = 0; i < EXPLANATIONS; i++) {
        const struct explanation *s = &figures[figure].explanations[i];
        double v = s->format ? solve(m, figure, s, wanted) : NAN;
        if (isnan(v) || n >= size) continue;
        n += (size_t)snprintf(text + n, size - n, n ? ", or if " : "holds if ");
        if (n < size) n += (size_t)snprintf(text + n, size - n, s->format, v * s->scale);
    }
    if (!n) snprintf(text, size, "no input alone explains it");
}

/* ---- Rows ---- */

static struct paper_row *add_row(struct paper *p, const char *figure, const char *unit, int machine, double published)
{
    struct paper_row *r = &p->rows[p->n++];
    *r = (struct paper_row){
        .figure = figure, .unit = unit, .machine = machine, .published = published, .predicted = NAN, .low = NAN, .high = NAN};
    return r;
}

const char *paper_device(const struct paper *p, const struct paper_row *r)
{
    return r->machine < 0 ? NULL : p->machines[r->machine].name;
}

int paper_inside(const struct paper_row *r)
{
    if (isnan(r->published) || isnan(r->low) || isnan(r->high)) return -1;
    return r->published >= r->low && r->published <= r->high;
}

double paper_deviation(const struct paper_row *r)
{
    double one = strcmp(r->unit, "change") ? 0 : 1;
    return (r->predicted + one) / (r->published + one) - 1;
}

static void add_figure(struct paper *p, const struct machine *m, enum figure i, double *values)
{
    const struct figure_row *f = &figures[i];
    bool pi = !strcmp(m->name, "rpi5"), mac = !strcmp(m->name, "m2");
    struct paper_row *r = add_row(p, f->figure, f->unit, m->number, pi ? f->rpi5 : mac ? f->m2 : NAN);
    bool known = true;
    for (size_t k = 0; k < DRAWS; k++) known = known && !isnan(values[k]);
    if (!known) {
        snprintf(r->note, sizeof r->note, "not predicted: the profile lacks a rate or an energy term that it takes");
        return;
    }
    r->predicted = median(values, DRAWS);
    r->low = quantile(values, DRAWS, 0.025);
    r->high = quantile(values, DRAWS, 0.975);
    if (paper_inside(r) == 0) {
        int n = snprintf(r->missing, sizeof r->missing, "%s; ", f->term);
        explain(m, i, r->published, r->missing + n, sizeof r->missing - (size_t)n);
    } else if (fabs(paper_deviation(r)) > 0.1)
        explain(m, i, r->published, r->note, sizeof r->note);
}

static void add_accuracy(struct paper *p, const struct machine *m)
{
    static const struct {
        const char *figure;
        double rpi5, m2;
    } rows[] = {
        {"llm_semantic_accuracy_original", 0.770, 0.800},
        {"llm_semantic_accuracy_compressed", 0.908, 0.891},
        {"vlm_semantic_accuracy_original", 0.709, 0.705},
        {"vlm_semantic_accuracy_compressed", 0.767, 0.774},
    };
    bool pi = !strcmp(m->name, "rpi5"), mac = !strcmp(m->name, "m2");
    for (size_t i = 0; i < 4 && (pi || mac); i++) {
        struct paper_row *r = add_row(p, rows[i].figure, "1", m->number, pi ? rows[i].rpi5 : rows[i].m2);
        snprintf(r->note, sizeof r->note, "not predicted: shapes and rates don't say what a model answers");
    }
}

static bool add_machine(struct paper *p, int number, struct error *e)
{
    struct paper_machine *of = &p->machines[number];
    struct machine *m = malloc(sizeof *m);
    double(*values)[DRAWS] = malloc(N_FIGURES * sizeof *values);
    bool ok = (m && values) || fail(e, "paper: found no memory for %d draws", DRAWS);
    ok = ok && describe(m, of, number, e);
    for (int i = 0; ok && i < PAPER_N_INPUTS; i++) {
        of->range[i][0] = m->ranges[i].low;
        of->range[i][1] = m->ranges[i].high;
    }
    uint64_t state = SEED; /* every machine has the same draws: only the ranges differ */
    for (int k = 0; ok && k < DRAWS; k++) {
        double x[PAPER_N_INPUTS], out[N_FIGURES];
        draw(m, &state, x);
        evaluate(m, x, out);
        for (int i = 0; i < N_FIGURES; i++) values[i][k] = out[i];
    }
    for (int i = 0; ok && i < N_FIGURES; i++) add_figure(p, m, (enum figure)i, values[i]);
    if (ok) add_accuracy(p, m);
    free(values);
    free(m);
    return ok;
}

/* The tower's work and the knee at the paper's three clamps, which no machine changes. */
static void add_clamps(struct paper *p)
{
    static const struct {
        int width, height;
        const char *tflop, *knee;
    } clamps[] = {
        {1024, 720, "vlm_tower_tflop_1024x720", "vlm_knee_1024x720"},
        {854, 594, "vlm_tower_tflop_854x594", "vlm_knee_854x594"},
        {714, 496, "vlm_tower_tflop_714x496", "vlm_knee_714x496"},
    };
    for (size_t i = 0; i < 3; i++) {
        int w = clamps[i].width, h = clamps[i].height;
        struct tower_grid up = tower_grid(w, h, TOWER_UP);
        struct paper_row *r = add_row(p, clamps[i].tflop, "TFLOP", -1, NAN);
        struct paper_row *knee = add_row(p, clamps[i].knee, "px", -1, NAN);
        r->low = knee->low = INFINITY;
        r->high = knee->high = 0;
        for (int rounding = TOWER_HALF_EVEN; rounding <= TOWER_UP; rounding++) {
            struct tower_flops f = tower_flops(tower_grid(w, h, rounding).patches);
            double t = (f.linear + f.quadratic) / 1e12;
            r->predicted = t; /* the last is TOWER_UP, llama.cpp's at the paper's time */
            r->low = fmin(r->low, t);
            r->high = fmax(r->high, t);
            knee->predicted = tower_knee(w, h, rounding);
            knee->low = fmin(knee->low, knee->predicted);
            knee->high = fmax(knee->high, knee->predicted);
        }
        snprintf(r->note, sizeof r->note,
                 "%dx%d, %.0f patches, %.0f tokens rounding up to 28, the interval over three ways to round", up.width,
                 up.height, up.patches, up.tokens);
        snprintf(
            knee->note, sizeof knee->note,
            "longest edge; sizes come in stairs of 28, so the last one begins below the clamp. The paper measured no knee: it "
            "says that there is one at the clamp, %d",
            w);
    }
}

/* ---- The hash ---- */

static void freeze(struct paper *p)
{
    struct sha256 h;
    sha256_begin(&h);
    sha256_text(&h, "hartree paper 2\n");
    for (size_t i = 0; i < p->n; i++) {
        const struct paper_row *r = &p->rows[i];
        sha256_text(&h, "%s %s %d", r->figure, r->unit, r->machine);
        sha256_numbers(&h, (const double[]){r->predicted, r->low, r->high}, 3);
    }
    for (size_t k = 0; k < p->n_machines; k++) {
        const struct paper_machine *m = &p->machines[k];
        sha256_text(&h, "device %s\n", m->name);
        for (size_t i = 0; i < PAPER_N_INPUTS; i++)
            sha256_text(&h, "%s %s %.17g %.17g\n", paper_inputs[i].name, paper_inputs[i].kind, m->range[i][0], m->range[i][1]);
        for (size_t i = 0; i < m->device.n; i++)
            sha256_text(&h, "%s %.17g\n", m->device.entries[i].key, m->device.entries[i].value);
    }
    sha256_end(&h, p->sha256);
}

bool paper_predict(struct paper *p, const char *which, void (*say)(const char *format, ...), struct error *e)
{
    static const char *const both[PAPER_MACHINES] = {"rpi5", "m2"};
    *p = (struct paper){.n = 0};
    for (size_t i = 0; i < (which ? 1 : PAPER_MACHINES); i++) {
        const char *word = which ? which : both[i];
        struct paper_machine *m = &p->machines[p->n_machines];
        if (!device_find(&m->device, word, say, NULL, e)) return paper_free(p), false;
        p->n_machines++;
        snprintf(m->name, sizeof m->name, "%s", bundled_find(word) ? word : m->device.name);
        if (!add_machine(p, (int)i, e)) return paper_free(p), false;
    }
    add_clamps(p);
    freeze(p);
    return true;
}

void paper_free(struct paper *p)
{
    for (size_t i = 0; i < p->n_machines; i++) device_free(&p->machines[i].device);
    p->n_machines = 0;
}
