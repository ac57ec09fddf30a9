/* paper.c - bundled profiles against what was published of their machines, the vision tower's closed form, the paper's figures.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "engine/account/bundled.h"
#include "engine/account/paper.h"
#include "engine/account/paper_cost.h"
#include "engine/account/predict.h"
#include "engine/account/tower_cost.h"
#include "kernels/kernel.h"
#include "tests/test.h"

static struct error e;

static bool near(double a, double b, double relative)
{
    return fabs(a - b) <= relative * fabs(b);
}
static void silent(const char *format, ...)
{
    (void)format;
}

/* ---- The tower ---- */

static void test_tower(void)
{
    /* The grids and TFLOPs of Qwen2-VL-2B at the paper's clamps, worked out by hand from its config.json. */
    static const struct {
        int width, height, grid_width, grid_height, tokens;
        enum tower_rounding rounding;
        double tflop, quadratic;
    } cases[] = {
        {1024, 720, 1036, 728, 962, TOWER_UP, 7.35, 0.33},      {854, 594, 840, 588, 630, TOWER_HALF_EVEN, 4.26, 0.24},
        {854, 594, 868, 588, 651, TOWER_HALF_AWAY, 4.44, 0.25}, {714, 496, 728, 504, 468, TOWER_HALF_EVEN, 2.97, 0.19},
        {714, 496, 728, 504, 468, TOWER_HALF_AWAY, 2.97, 0.19}, {854, 594, 868, 616, 682, TOWER_UP, 4.71, 0.26},
        {1, 1, 28, 28, 1, TOWER_HALF_EVEN, 0.005, 0},
    };
    size_t wrong = 0, first = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tower_grid g = tower_grid(cases[i].width, cases[i].height, cases[i].rounding);
        struct tower_flops f = tower_flops(g.patches);
        double sum = f.linear + f.quadratic;
        bool ok = g.width == cases[i].grid_width && g.height == cases[i].grid_height && g.tokens == cases[i].tokens &&
                  fabs(sum / 1e12 - cases[i].tflop) < 0.0051 && fabs(f.quadratic / sum - cases[i].quadratic) < 0.0051;
        if (!ok && !wrong++) first = i;
    }
    TEST("tower: grids and FLOPs at the three clamps", !wrong, "%zu of them wrong, the first %dx%d", wrong, cases[first].width,
         cases[first].height);
    /* Qwen2-VL's makers say 675 M for the tower. */
    TEST("tower: parameters", near(tower_parameters(), 6.65e8, 0.02), "found %g", tower_parameters());
    /* 7680 patches: attention's products cost what the layers' matrices do (8 d^2 + 4 d m = 4 P d, so P = 2 d + m). */
    struct tower_flops f = tower_flops(7680);
    TEST("tower: attention costs as much as the layers at 7680 patches", near(f.quadratic, f.linear, 0.02), "found %g and %g",
         f.quadratic, f.linear);
    /* 1008 is 36 * 28 wide: one pixel more needs another column. */
    TEST("tower: the knee is where the last stair begins",
         tower_knee(1024, 720, TOWER_UP) == 1009 && tower_knee(714, 496, TOWER_UP) == 701, "found %d and %d",
         tower_knee(1024, 720, TOWER_UP), tower_knee(714, 496, TOWER_UP));
}

/* ---- Bundled profiles ---- */

static void test_profile(const char *name)
{
    char title[96];
    struct device d, again;
    bool ok = bundled_load(&d, name, &e);
    snprintf(title, sizeof title, "%s loads", name);
    TEST(title, ok, "%s", e.text);
    if (!ok) return;
    size_t unsourced = 0, measured = 0, published = 0;
    for (size_t i = 0; i < d.n; i++) {
        unsourced += d.entries[i].from == PUBLISHED && strlen(d.entries[i].source) < 10;
        measured += d.entries[i].from != PUBLISHED && d.entries[i].from != ASSUMED;
        published += d.entries[i].from == PUBLISHED;
    }
    snprintf(title, sizeof title, "%s: every value is published, with its source, or assumed", name);
    TEST(title, d.n > 90 && published >= 10 && !unsourced && !measured,
         "%zu values, %zu published, %zu without source, %zu other", d.n, published, unsourced, measured);

    /* What device_print writes of it is a profile again. */
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f) device_print(&d, f), fclose(f);
    ok = f && device_parse(&again, text, size, "printed", &e) && again.n == d.n;
    for (size_t i = 0; ok && i < d.n; i++)
        ok = !strcmp(d.entries[i].key, again.entries[i].key) && d.entries[i].value == again.entries[i].value;
    snprintf(title, sizeof title, "%s reads back as it was", name);
    TEST(title, ok, "%s", e.text);
    if (f) device_free(&again);
    free(text);

    /* No model of any family, type and cache lacks a rate. */
    static const char *const shapes[] = {"llama-3.1-8b:Q4_K_M", "qwen2.5-0.5b:Q8_0", "gemma-3-1b:Q5_K_M", "qwen3-0.6b:Q2_K",
                                         "smollm-135m:F32",     "tiny-llama:BF16",   "tiny-llama:Q3_K_L", "tiny-llama:Q5_1"};
    char lacking[DEVICE_KEY] = "";
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct model *m = model_from_shape(shapes[i], &e);
        struct plan *p = m ? plan_new(m, false, &e) : NULL;
        struct prediction r = {0};
        enum type kv = i % 3 == 0 ? TYPE_F16 : i % 3 == 1 ? TYPE_F32 : TYPE_Q8_0;
        struct predict_options o = {.threads = (int)(i % 4) + 1, .prompt = 33, .gen = 3, .kv_type = kv};
        if (!p || !predict(&r, p, &d, &o, &e) || !(r.time_s > 0) || !(r.energy_j > 0))
            snprintf(lacking, sizeof lacking, "%.24s: %.20s", shapes[i], r.missing);
        prediction_free(&r);
        plan_free(p);
        model_close(m);
    }
    snprintf(title, sizeof title, "%s: every type, cache and 1 to 4 threads are priced", name);
    TEST(title, !*lacking, "not %s", lacking);
    device_free(&d);
}

/* Decoding on a Raspberry Pi 5 as others measured it. The profile's one bandwidth is the median of sixteen such figures, these
 * among them, so this is no test of the profile on unseen data: it says how far one constant carries over models of 0.35 to 7.2
 * GB, and holds shapes, mixes, cache and overheads to it. Errors found: -4.3 % Q3_K_M, -5.6 % Q4_K_M, -0.7 % Q5_K_M, -7.2 %
 * Q8_0 (llama.cpp #26484); +4.4 and -1.3 % Llama 3.1 8B, +8.2 and 0.0 % Llama 3.2 3B (ai-benchmarks #7, without and with its
 * SDRAM setting); +1.0 % for Llama 2 13B. #26484's Q2_K is a mix that we have no rule for. */
static void test_pi_decode(void)
{
    static const struct {
        const char *shape;
        double tokens_per_s;
    } cases[] = {
        {"qwen2.5-0.5b:Q3_K_M", 28.39}, {"qwen2.5-0.5b:Q4_K_M", 25.77}, {"qwen2.5-0.5b:Q5_K_M", 23.23},
        {"qwen2.5-0.5b:Q8_0", 19.87},   {"llama-3.1-8b:Q4_K_M", 2.05},  {"llama-3.1-8b:Q4_K_M", 2.17},
        {"llama-3.2-3b:Q4_K_M", 4.51},  {"llama-3.2-3b:Q4_K_M", 4.88},  {"L=40,D=5120,H=40,KV=40,F=13824,V=32000:Q4_0", 1.35},
    };
    enum { N = sizeof cases / sizeof *cases };
    struct device d;
    bool ok = bundled_load(&d, "rpi5", &e);
    double worst = 0, sum = 0, sweep = 0;
    char text[400] = "";
    for (size_t i = 0; ok && i < N; i++) {
        struct paper_cost c;
        ok = paper_cost(&c, cases[i].shape, &d, &e);
        double error = 128 / paper_decode(&c.s, 1, 129) / cases[i].tokens_per_s - 1;
        worst = fmax(worst, fabs(error));
        sum += fabs(error) / N;
        if (i < 4) sweep += fabs(error) / 4;
        snprintf(text + strlen(text), 40, "%+.1f %% ", 100 * error);
    }
    TEST("rpi5: decoding is predicted to within 9 %, 5 % on average", ok && worst < 0.09 && sum < 0.05 && sweep < 0.05, "%s %s",
         text, e.text);
    device_free(&d);
}

/* The models whose prompt tokens a second the prefill rates were worked out from must come back at that speed, although the
 * output layer, attention and the other ops, which the working out left aside, count here: -1 and -5 % found. */
static void test_prefill(void)
{
    static const struct {
        const char *device, *shape;
        size_t n;
        double tokens_per_s, tolerance;
    } cases[] = {
        {"rpi5", "llama-2-7b:Q4_0", 109, 8.10, 0.06}, /* llama.cpp PR 6928 */
        {"m2", "llama-2-7b:Q4_0", 512, 60.48, 0.10},  /* llama.cpp #10435 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char title[64];
        struct device d;
        struct paper_cost c = {0};
        bool ok = bundled_load(&d, cases[i].device, &e) && paper_cost(&c, cases[i].shape, &d, &e);
        double found = ok ? (double)cases[i].n / paper_prefill(&c.s, (double)cases[i].n) : 0;
        snprintf(title, sizeof title, "%s: prefill of %s", cases[i].device, cases[i].shape);
        TEST(title, near(found, cases[i].tokens_per_s, cases[i].tolerance), "found %g tokens/s, published %g", found,
             cases[i].tokens_per_s);
        device_free(&d);
    }
}

/* Profiles that contradict themselves. */
static void test_contradictions(void)
{
#define HEAD                                                                                                                   \
    "name = m\nisa = i\ndate = d\ncores = 1 # 1, assumed\nllc = 1 # B, assumed\nexponent = 1 # 1, assumed\n"                   \
    "noise = 0 # 1, assumed\nstage.1 = 0 # s, assumed\nread_peak.1 = 2e9 # B/s, assumed\n"
    static const struct {
        const char *text, *want;
    } cases[] = {
        {HEAD "read_bandwidth.1 = 2.1e9 # B/s, assumed\n",
         "x: line 10: read_bandwidth.1: found 2.1e+09, expected at most read_peak.1 = 2e+09"},
        {HEAD "read_bandwidth.1 = 1e9 # B/s, assumed\npeak.i8.1 = 1e9 # FLOP/s, assumed\nlinear.q4_K.prefill.1 = 1.3e9 # "
              "FLOP/s, assumed\n",
         "x: line 12: linear.q4_K.prefill.1: found 1.3e+09, expected at most peak.i8.1 = 1e+09 and a quarter"},
        {HEAD "read_bandwidth.1 = 1e9 # B/s, assumed\npeak.f32.1 = 1e9 # FLOP/s, assumed\nattend.q8_0.decode.1 = 2e9 # FLOP/s, "
              "assumed\n",
         "x: line 12: attend.q8_0.decode.1: found 2e+09, expected at most peak.f32.1"},
        {HEAD "read_bandwidth.1 = 1e9 # B/s, assumed\npeak.f32.1 = 1e9 # FLOP/s, assumed\nlinear.bf16.decode.1 = 2e9 # FLOP/s, "
              "assumed\n",
         "x: line 12: linear.bf16.decode.1: found 2e+09, expected at most peak.f32.1"},
        {HEAD "read_bandwidth.1 = 1e9 # B/s, assumed\npeak.f32.1 = 1e9 # FLOP/s, assumed\nlinear.q4_K.decode.1 = 2e9 # FLOP/s, "
              "assumed\n",
         NULL},
        {HEAD "read_bandwidth.1 = 2e9 # B/s, assumed\npeak.i8.1 = 1e9 # FLOP/s, assumed\nlinear.q4_K.decode.1 = 1.2e9 # "
              "FLOP/s, assumed\n",
         NULL},
#define WATTS HEAD "read_bandwidth.1 = 1e9 # B/s, assumed\nenergy.idle = 3 # W, assumed\n"
        {WATTS "energy.idle.low95 = 3.1 # W, assumed\n",
         "x: line 12: energy.idle.low95: found 3.1, expected at most energy.idle = 3"},
        {WATTS "energy.idle.high95 = 2.9 # W, assumed\n",
         "x: line 12: energy.idle.high95: found 2.9, expected at least energy.idle = 3"},
        {WATTS "energy.idle.high95 = 2 # W, assumed\nenergy.idle.low95 = 4 # W, assumed\n",
         "x: line 12: energy.idle.high95: found 2, expected at least energy.idle = 3"},
        {WATTS "energy.linear.q4_K = 1e-11 # J/FLOP, assumed\nenergy.linear.q4_K.low95 = 2e-11 # J/FLOP, assumed\n",
         "x: line 13: energy.linear.q4_K.low95: found 2e-11, expected at most energy.linear.q4_K = 1e-11"},
        {WATTS "energy.byte.low95 = 0 # J/B, assumed\n",
         "x: line 12: energy.byte.low95: found no 'energy.byte' that it is an end of, expected one"},
        {WATTS "energy.idle.low95 = 3 # W, assumed\nenergy.idle.high95 = 3 # W, assumed\n", NULL},
        {WATTS "energy.idle.high95 = 4 # W, assumed\n", NULL},
    };
    size_t wrong = 0, first = 0;
    struct error why = {""};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct device d;
        char *text = strdup(cases[i].text);
        struct error found = {""};
        bool loaded = text && device_parse(&d, text, strlen(text), "x", &found);
        if (loaded) device_free(&d);
        free(text);
        if (loaded == !cases[i].want && (loaded || strstr(found.text, cases[i].want))) continue;
        if (!wrong++) first = i, why = found;
    }
    TEST("profiles that contradict themselves are refused, others not", !wrong, "%zu wrong, the first %zu: '%s'", wrong, first,
         why.text);
    struct device d;
    TEST("an unknown device names the known ones",
         !bundled_load(&d, "rpi6", &e) && strstr(e.text, "found 'rpi6'") && strstr(e.text, "m2, rpi5"), "%s", e.text);
}

/* ---- A model as few numbers ---- */

static void test_cost(void)
{
    struct device d;
    struct paper_cost c;
    struct model *m = model_from_shape("llama-3.1-8b:Q4_K_M", &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    bool ok = p && bundled_load(&d, "rpi5", &e) && paper_cost(&c, "llama-3.1-8b:Q4_K_M", &d, &e);
    TEST("a model is priced by few steps",
         ok && near(c.weight_bytes, 4.913e9, 1e-4) && near(c.streamed_bytes, 4.617e9, 1e-4) && c.kv_bytes == 131072, "%s",
         e.text);
    static const size_t lengths[] = {1, 7, 48, 300, 512, 900};
    double worst_prefill = 0, worst_decode = 0, worst_j = 0,
           watts = device_get(&d, "energy.idle") + device_get(&d, "energy.active");
    for (size_t i = 0; ok && i < 6; i++) {
        struct prediction r;
        if (!(ok = predict(&r, p, &d,
                           &(struct predict_options){.threads = 4, .prompt = lengths[i], .gen = 70, .kv_type = TYPE_F16}, &e)))
            break;
        worst_prefill = fmax(worst_prefill, fabs(paper_prefill(&c.s, (double)lengths[i]) / r.prefill_s - 1));
        worst_decode = fmax(worst_decode, fabs(paper_decode(&c.s, (double)lengths[i], 70) / r.decode_s - 1));
        double beside = paper_prefill(&c.j, (double)lengths[i]) + paper_decode(&c.j, (double)lengths[i], 70);
        worst_j = fmax(worst_j, fabs(beside / (r.energy_j - watts * r.time_s) - 1));
        prediction_free(&r);
    }
    TEST("they stand for the whole prediction", ok && worst_prefill < 0.03 && worst_decode < 1e-3 && worst_j < 0.03,
         "prefill %g, decode %g, joules %g %s", worst_prefill, worst_decode, worst_j, e.text);
    device_free(&d);
    plan_free(p);
    model_close(m);
    TEST("a shape that is none is refused", bundled_load(&d, "m2", &e) && !paper_cost(&c, "llama-9b", &d, &e), "accepted");
    device_free(&d);
}

/* ---- The figures ---- */

static const struct paper_row *find(const struct paper *p, const char *device, const char *figure)
{
    for (size_t i = 0; i < p->n; i++)
        if (!strcmp(p->rows[i].figure, figure) && (!device || !strcmp(paper_device(p, &p->rows[i]), device)))
            return &p->rows[i];
    return NULL;
}

static void test_figures(void)
{
    static struct paper p, again, one;
    bool ok = paper_predict(&p, NULL, silent, &e) && paper_predict(&again, NULL, silent, &e) &&
              paper_predict(&one, "rpi5", silent, &e);
    TEST("the paper is predicted", ok && p.n == 38 && one.n == 22, "%zu rows %s", p.n, e.text);
    if (!ok) return;
    TEST("the same prediction has the same hash, another machine's another",
         !strcmp(p.sha256, again.sha256) && strcmp(p.sha256, one.sha256), "%s", p.sha256);

    size_t disordered = 0, silent_rows = 0;
    for (size_t i = 0; i < p.n; i++) {
        const struct paper_row *r = &p.rows[i];
        disordered += !isnan(r->predicted) && !(r->low <= r->predicted && r->predicted <= r->high);
        silent_rows += (paper_inside(r) == 0 && !*r->missing) || (isnan(r->predicted) && !*r->note) ||
                       (paper_inside(r) == 1 && *r->missing);
    }
    TEST("a prediction lies in its interval", !disordered, "%zu don't", disordered);
    TEST("what is not explained or not predicted says why", !silent_rows, "%zu rows don't", silent_rows);

    /* Where bytes and bandwidth determine a figure it must come within 10 %. */
    const struct paper_row *speed = find(&p, "rpi5", "llm_throughput"), *cpu = find(&p, "rpi5", "llm_cpu_auc"),
                           *energy = find(&p, "rpi5", "llm_energy"), *vlm = find(&p, "rpi5", "vlm_throughput");
    TEST("Pi 5: throughput 2.6x within 10 %", near(speed->predicted, 2.6, 0.1), "found %g", speed->predicted);
    TEST("Pi 5: CPU AUC within 10 %", near(1 + cpu->predicted, 1 - 0.605, 0.1), "found %g", cpu->predicted);
    TEST("Pi 5: energy within 10 %", near(1 + energy->predicted, 1 - 0.62, 0.1), "found %g", energy->predicted);
    TEST("Pi 5: pictures' throughput 2.0x within 10 %", near(vlm->predicted, 2, 0.1), "found %g", vlm->predicted);
    /* By hand: 4.617 GB against 1.722 (Gilda as bundled) is 2.68, against 2.012 (Llama 3.2 3B) 2.30. */
    TEST("the ratio of bytes bounds the throughput", speed->low > 2 && speed->high < 3, "%g to %g", speed->low, speed->high);
    TEST("a published figure outside is explained by numbers",
         paper_inside(find(&p, "m2", "llm_cpu_auc")) == 0 &&
             strstr(find(&p, "m2", "llm_cpu_auc")->missing, "holds if the compressed model's answers have "),
         "%s", find(&p, "m2", "llm_cpu_auc")->missing);
    TEST("a deviation is of what a change leaves",
         near(paper_deviation(energy), (1 + energy->predicted) / 0.38 - 1, 1e-9) &&
             isnan(paper_deviation(find(&p, "m2", "vlm_semantic_accuracy_compressed"))),
         "found %g", paper_deviation(energy));
    TEST("accuracy is not predicted",
         isnan(find(&p, "m2", "vlm_semantic_accuracy_compressed")->predicted) &&
             find(&p, "m2", "vlm_semantic_accuracy_compressed")->published == 0.774,
         "it is");
    TEST("the knee lies at most a stair below the clamp", find(&p, NULL, "vlm_knee_854x594")->predicted > 854 - 28, "found %g",
         find(&p, NULL, "vlm_knee_854x594")->predicted);
    paper_free(&p);
    paper_free(&again);
    paper_free(&one);

    /* Joules of bytes and of work count beside power times time: 0.2 nJ a byte is 2 W at 10 GB/s. */
    struct device priced = {.n = 0};
    char priced_dir[200], priced_path[220];
    bool priced_made = test_folder(priced_dir, sizeof priced_dir);
    snprintf(priced_path, sizeof priced_path, "%s/profile", priced_dir);
    double wh[3] = {NAN, NAN, NAN}, seen[3] = {NAN, NAN, NAN};
    ok = priced_made && bundled_load(&priced, "rpi5", &e);
    if (ok) device_clear(&priced, "energy.linear.");
    for (int i = 0; ok && i < 3; i++) {
        if (i == 1) ok = device_set(&priced, "energy.byte", 2e-10, ASSUMED, NULL, &e);
        if (i == 2) ok = device_set(&priced, "energy.linear.q4_K", 1e-10, ASSUMED, NULL, &e);
        ok = ok && device_save(&priced, priced_path, &e) && paper_predict(&one, priced_path, silent, &e);
        if (!ok) break;
        wh[i] = find(&one, NULL, "llm_wh_run_original")->predicted;
        seen[i] = find(&one, NULL, "vlm_wh_prompt_original")->predicted;
        paper_free(&one);
    }
    TEST("joules of bytes are beside those of power and time",
         ok && wh[1] > 1.1 * wh[0] && wh[1] < 1.4 * wh[0] && seen[1] > seen[0],
         "found %g and %g Wh of text, %g and %g of a picture: %s", wh[0], wh[1], seen[0], seen[1], e.text);
    TEST("joules of a type that the profile does not know are not known", ok && isnan(wh[2]) && isnan(seen[2]),
         "found %g and %g Wh", wh[2], seen[2]);
    device_free(&priced);
    if (priced_made) unlink(priced_path), rmdir(priced_dir);

    /* A profile without energy terms, and without one rate. */
    static const char *const cut[] = {"energy.idle", "linear.f16.prefill.4"};
    for (int i = 0; i < 2; i++) {
        char dir[200], path[220];
        struct device d = {.n = 0};
        bool made = test_folder(dir, sizeof dir);
        snprintf(path, sizeof path, "%s/profile", dir);
        ok = made && bundled_load(&d, "rpi5", &e);
        if (ok) device_clear(&d, cut[i]);
        ok = ok && device_save(&d, path, &e) && paper_predict(&one, path, silent, &e);
        const struct paper_row *joules = ok ? find(&one, NULL, "llm_wh_run_original") : NULL,
                               *ratio = ok ? find(&one, NULL, "llm_throughput") : NULL,
                               *picture = ok ? find(&one, NULL, "vlm_energy") : NULL;
        TEST(cut[i],
             ok && isnan(joules->predicted) == !i && !isnan(ratio->predicted) && isnan(picture->predicted) &&
                 isnan(ratio->published) && *picture->note,
             "%s", e.text);
        device_free(&d);
        paper_free(&one);
        if (made) unlink(path), rmdir(dir);
    }
}

int main(void)
{
    char message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) return puts(message), 1;
    test_tower();
    for (size_t i = 0; bundled_at(i); i++) test_profile(bundled_at(i)->name);
    test_pi_decode();
    test_prefill();
    test_contradictions();
    test_cost();
    test_figures();
    TEST_MAIN_END();
}
