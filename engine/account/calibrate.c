/* calibrate.c - see calibrate.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/calibrate.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/median.h"
#include "base/memory.h"
#include "engine/account/conformal.h"
#include "engine/account/holdout.h"
#include "engine/account/machine.h"
#include "engine/account/pace.h"
#include "engine/account/peak.h"
#include "engine/account/picture_cost.h"
#include "engine/account/probe.h"
#include "engine/account/read_rate.h"
#include "engine/account/rounds.h"
#include "kernels/kernel.h"
#include "tensor/linear.h"

enum { MAX_COUNTS = 16, MIB = 1 << 20 };

struct calibration {
    struct device *device;
    const struct calibrate_options *options;
    int counts[MAX_COUNTS], n_counts; /* numbers of threads */
    int threads;                      /* of the count at hand */
    struct probe_weights memory;      /* far more than the cache holds */
    struct picture_probe *picture;
    struct rounds rounds;
    size_t many;           /* rows of a long step of linear layers */
    double seen[2][2];     /* positions that a row of attention saw: in decode and prefill, of few and of many */
    double start, seconds; /* rounds go on until so much time has passed */
    struct error *e;
};

static bool note(struct calibration *c, bool seconds, double value, const char *format, va_list ap)
{
    char key[DEVICE_KEY];
    vsnprintf(key, sizeof key, format, ap);
    return rounds_note(&c->rounds, key, seconds, value, c->e);
}

static bool note_rate(struct calibration *c, double value, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool note_rate(struct calibration *c, double value, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    bool ok = note(c, false, value, format, ap);
    va_end(ap);
    return ok;
}

static bool note_seconds(struct calibration *c, double value, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool note_seconds(struct calibration *c, double value, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    bool ok = note(c, true, value, format, ap);
    va_end(ap);
    return ok;
}

/* What the rounds say of a figure; NAN if nothing was noted. */
static double figure_of(const struct calibration *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static double figure_of(const struct calibration *c, const char *format, ...)
{
    char key[DEVICE_KEY];
    va_list ap;
    va_start(ap, format);
    vsnprintf(key, sizeof key, format, ap);
    va_end(ap);
    return rounds_usual(&c->rounds, rounds_find(&c->rounds, key));
}

static bool put_from(struct calibration *c, enum provenance from, double value, const char *format, va_list ap)
{
    char key[DEVICE_KEY], digits[32]; /* six digits are more than any measurement has */
    vsnprintf(key, sizeof key, format, ap);
    snprintf(digits, sizeof digits, "%.6g", value);
    return device_set(c->device, key, strtod(digits, NULL), from, NULL, c->e);
}

static bool put(struct calibration *c, double value, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool put(struct calibration *c, double value, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    bool ok = put_from(c, MEASURED, value, format, ap);
    va_end(ap);
    return ok;
}

/* A figure that measurements contradicted and a reason of another kind gave. */
static bool put_assumed(struct calibration *c, double value, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool put_assumed(struct calibration *c, double value, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    bool ok = put_from(c, ASSUMED, value, format, ap);
    va_end(ap);
    return ok;
}

/* The most that the machine's multiply-adds gave; infinite of scalar kernels, which have no such figure. `operands`: "i8" or
 * "f32". */
static double peak_of(const struct calibration *c, const char *operands, int threads)
{
    char name[DEVICE_KEY];
    snprintf(name, sizeof name, "peak.%s.%d", operands, threads);
    double peak = rounds_largest(rounds_find(&c->rounds, name));
    return isnan(peak) ? INFINITY : peak;
}

/* A rate of arithmetic: `measured`, unless a disturbance lifted it above what the machine's multiply-adds give; then that is
 * `assumed` in its place. */
static bool put_rate(struct calibration *c, double rate, const char *operands, int threads, const char *key)
{
    double peak = peak_of(c, operands, threads);
    return rate > peak ? put_assumed(c, peak, "%s", key) : put(c, rate, "%s", key);
}

/* The weight type that device keys call `op`. */
static enum type type_of_op(const char *op)
{
    unsigned t = 0;
    while (t < TYPE_FILE_END && !(type_get(t) && type_get(t)->op && !strcmp(type_get(t)->op, op))) t++;
    return (enum type)t;
}

static const char *operands_of(enum type weight)
{
    return type_get(weight)->activation == TYPE_F32 ? "f32" : "i8";
}

static bool interrupted(const struct calibration *c)
{
    const struct calibrate_options *o = c->options;
    return o->interrupted && *o->interrupted && !fail(c->e, "interrupted");
}

/* ---- Memory and arithmetic ---- */

static bool measure_machine(struct calibration *c)
{
    struct pool *pool = pool_new(c->threads, c->e);
    if (!pool) return false;
    int t = c->threads;
    bool ok = note_rate(c, read_rate(pool, c->memory.bytes, c->memory.n, 0), "read_bandwidth.%d", t);
    double most = device_get(c->device, "llc") / 2 / t;
    for (size_t kib = 16; ok && (double)kib * 1024 <= most; kib *= 8) /* 16K, 128K, 1M ...: levels lie further apart */
        ok = note_rate(c, read_rate(pool, c->memory.bytes, kib * 1024 * (size_t)t, 2e-4), "read_cache.%zuK.%d", kib, t);
    double i8 = peak_rate(PEAK_I8, pool), f32 = peak_rate(PEAK_F32, pool);
    ok = ok && (isnan(i8) || note_rate(c, i8, "peak.i8.%d", t)) && (isnan(f32) || note_rate(c, f32, "peak.f32.%d", t));
    pool_free(pool);
    return ok;
}

/* ---- Ops, in small models ---- */

/* Hundreds of stages with next to nothing in them: what handing out chunks and waiting for each other takes. */
static bool measure_stage(struct calibration *c, double *tau)
{
    struct probe_sums sums = {0};
    struct probe p = {"L=24,D=32,H=1,KV=1,F=32,V=32:F32", &c->memory, TYPE_F16, c->threads, 0, 1, PROBE_MAX_STEPS};
    if (!probe_run(&sums, &p, 0, c->e)) return false;
    *tau = sums.seconds / sums.stages;
    return note_seconds(c, *tau, "stage.%d", c->threads);
}

/* Rows where every type is multiplied by its gemm and unpacking counts; CALIBRATED_ROWS is where it hardly does. */
enum { FEW = LINEAR_MAX_FEW + 1 };

static bool measure_linear(struct calibration *c, enum type type, double tau)
{
    const char *op = type_get(type)->op;
    int t = c->threads;
    char cold[PROBE_SHAPE], warm[PROBE_SHAPE], prompt[PROBE_SHAPE];
    /* Scalar kernels alone, which take minutes: their rates depend little on rows or on where weights come from. */
    char peak[DEVICE_KEY];
    snprintf(peak, sizeof peak, "peak.i8.%d", t);
    size_t less = rounds_find(&c->rounds, peak) ? 1 : 4;
    c->many = CALIBRATED_ROWS / less;
    probe_cold_shape(cold, type, c->memory.n / less);
    snprintf(warm, sizeof warm, "L=1,D=512,H=4,KV=2,F=1536,V=256:%s", type_name(type));
    snprintf(prompt, sizeof prompt, "L=1,D=1024,H=8,KV=4,F=3072,V=256:%s", type_name(type));
    const struct {
        const char *shape;
        size_t rows;
        int steps;
    } runs[] = {{cold, 1, 2}, {warm, 1, 9}, {prompt, FEW, 3}, {prompt, c->many, 2}, {cold, FEW, 1}, {warm, DOT_COLS, 5}};
    static const char *const gemms[] = {"few", "many", "raw.memory"};
    for (int i = 0; i < (linear_unpacks(type, DOT_COLS) ? 5 : 6); i++) {
        struct probe_sums sums = {0};
        struct probe p = {runs[i].shape, &c->memory, TYPE_F16, t, 0, runs[i].rows, runs[i].steps};
        if (!probe_run(&sums, &p, tau, c->e) || interrupted(c)) return false;
        const struct probe_sum *s = &sums.linear[type];
        double rate = s->work / s->seconds;
        bool ok = i == 0   ? note_rate(c, rate, "linear.%s.stream.%d", op, t)
                  : i == 1 ? note_rate(c, rate, "linear.%s.decode.%d", op, t)
                  : i == 5 ? note_rate(c, rate, "linear.%s.group.%d", op, t)
                           : note_seconds(c, s->seconds / s->each, "%s.%s.%d", gemms[i - 2], op, t);
        for (int k = 0; ok && (i == 0 || i == 3) && k < OP_KIND_COUNT; k++)
            if (sums.vector[k].work > 0)
                ok = note_rate(c, sums.vector[k].work / sums.vector[k].seconds, "vector.%s.%s.%d", op_defs[k]->name,
                                 i ? "prefill" : "decode", t);
        if (!ok) return false;
    }
    return true;
}

/* Heads as models have them: 64 wide in sevens, 128 in fours, 256 in fours; and those of small models and towers. */
enum { N_HEADS = 4 };
static const struct {
    const char *shape;
    int head_dim;
} heads[N_HEADS] = {{"H=8,KV=4,d=32", 32}, {"H=14,KV=2,d=64", 64}, {"H=8,KV=2,d=128", 128}, {"H=4,KV=1,d=256", 256}};

/* As many rows with few positions in sight as with many: what the causal edge of a prompt wastes is then the same in both. */
static const struct {
    const char *name;
    size_t rows, few, many; /* few and many positions before the rows' own */
    int steps;
} attend_phases[] = {{"decode", 1, 32, CALIBRATED_POSITIONS, 5}, {"prefill", 96, 0, 288, 3}};

static bool measure_attend(struct calibration *c, enum type kv, double tau)
{
    for (int i = 0; i < 4 * N_HEADS; i++) {
        int phase = i & 1, many = i >> 1 & 1, h = i >> 2;
        size_t before = many ? attend_phases[phase].many : attend_phases[phase].few, rows = attend_phases[phase].rows;
        char shape[64];
        struct probe_sums sums = {0};
        snprintf(shape, sizeof shape, "L=1,D=64,%s,F=64,V=64:F32", heads[h].shape);
        struct probe p = {shape, &c->memory, kv, c->threads, before, rows, attend_phases[phase].steps};
        if (!probe_run(&sums, &p, tau, c->e) || interrupted(c)) return false;
        const struct probe_sum *s = &sums.attend[kv];
        c->seen[phase][many] = s->work / s->each;
        if (!note_seconds(c, s->seconds / s->each * 4 * heads[h].head_dim, "%s.%s.%s.%d.%d", many ? "many" : "few",
                         type_get(kv)->op, attend_phases[phase].name, heads[h].head_dim, c->threads))
            return false;
    }
    return true;
}

/* What only vision towers do; the rest of them is the same as in language models. */
static bool measure_tower(struct calibration *c, double tau)
{
    static const enum op_kind kinds[] = {OP_PATCHES, OP_GRID_ANGLES, OP_LAYER_NORM, OP_ACT};
    struct probe_sums sums = {0};
    if (!probe_tower(&sums, &c->memory, c->threads, tau, c->e) || interrupted(c)) return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct probe_sum *s = &sums.vector[kinds[i]];
        if (!note_rate(c, s->work / s->seconds, "vector.%s.prefill.%d", op_defs[kinds[i]]->name, c->threads)) return false;
    }
    return true;
}

static const enum type kv_types[] = {TYPE_F32, TYPE_F16, TYPE_Q8_0};

/* The time of the work that tells a later moment from this one. */
static bool measure_pace(struct calibration *c)
{
    double seconds[PACES];
    struct pace *p = pace_new(c->threads, device_get(c->device, "llc"), c->e);
    bool ok = p && pace_take(p, seconds, c->e);
    for (int i = 0; ok && i < PACES; i++) ok = note_seconds(c, seconds[i], "pace.%s.%d", pace_names[i], c->threads);
    pace_free(p);
    return ok && !interrupted(c);
}

/* What a picture takes before a tower sees it, on one thread whatever their number. */
static bool measure_picture(struct calibration *c)
{
    double seconds[PICTURE_TIMES];
    bool ok = picture_probe_take(c->picture, seconds, c->e);
    for (int i = 0; ok && i < PICTURE_TIMES; i++) ok = note_seconds(c, seconds[i], "raw.picture.%d", i);
    return ok && !interrupted(c);
}

static bool measure_round(struct calibration *c)
{
    double tau;
    if (!measure_picture(c)) return false;
    for (int i = 0; i < c->n_counts; i++) {
        c->threads = c->counts[i];
        if (!measure_machine(c) || !measure_stage(c, &tau)) return false;
        for (unsigned t = 0; t < TYPE_FILE_END; t++)
            if (type_get(t) && type_get(t)->op && !measure_linear(c, (enum type)t, tau)) return false;
        for (size_t k = 0; k < sizeof kv_types / sizeof *kv_types; k++)
            if (!measure_attend(c, kv_types[k], tau)) return false;
        if (!measure_tower(c, tau) || !measure_pace(c)) return false;
    }
    return true;
}

/* ---- What the rounds say together ---- */

/* The exponent that tells best how long a row takes whose weights come from memory, of arithmetic and bytes alone; 2, between
 * the sum and the maximum, where for every type one of them takes several times as long as the other and so tells nothing. */
static bool put_exponent(struct calibration *c)
{
    static const double exponents[] = {1, 2, INFINITY};
    double squares[3] = {0};
    int tried = 0, best = 0;
    for (int i = 0; i < c->n_counts; i++)
        for (unsigned t = 0; t < TYPE_FILE_END; t++) {
            const char *op = type_get(t) ? type_get(t)->op : NULL;
            if (!op) continue;
            double work = 1 / figure_of(c, "linear.%s.decode.%d", op, c->counts[i]);
            double bytes = (double)type_bytes(t, 256) / 512 / figure_of(c, "read_bandwidth.%d", c->counts[i]);
            double taken = 1 / figure_of(c, "linear.%s.stream.%d", op, c->counts[i]);
            if (fmax(work, bytes) > 4 * fmin(work, bytes)) continue;
            for (int k = 0; k < 3; k++) squares[k] += pow(log(p_norm(work, bytes, exponents[k]) / taken), 2);
            tried++;
        }
    for (int k = 1; k < 3; k++)
        if (squares[k] < squares[best]) best = k;
    return tried ? put(c, exponents[best], "exponent") : device_set(c->device, "exponent", 2, ASSUMED, NULL, c->e);
}

/* Of seconds a weight with FEW and c->many rows, what a row adds and what does not depend on rows; and of FEW rows through
 * weights from memory the same of these. */
static bool put_gemm(struct calibration *c, enum type type, int threads)
{
    const char *op = type_get(type)->op;
    double few = figure_of(c, "few.%s.%d", op, threads), many = figure_of(c, "many.%s.%d", op, threads);
    double row = (many - few) / (double)(c->many - FEW), unpack = few - FEW * row;
    char rate[DEVICE_KEY];
    snprintf(rate, sizeof rate, "linear.%s.prefill.%d", op, threads);
    if (row > 0 && unpack >= 0) {
        double memory = figure_of(c, "raw.memory.%s.%d", op, threads) - FEW * row;
        return put_rate(c, 2 / row, operands_of(type), threads, rate) && put(c, unpack, "linear.%s.unpack.%d", op, threads) &&
               (memory >= unpack ? put(c, memory, "linear.%s.unpack.memory.%d", op, threads)
                                 : put_assumed(c, unpack, "linear.%s.unpack.memory.%d", op, threads));
    }
    /* So disturbed that more rows seemed to take less, or fewer too little: all is the rows'. */
    return put_assumed(c, fmin(2 * (double)c->many / many, peak_of(c, operands_of(type), threads)), "%s", rate) &&
           put_assumed(c, 0, "linear.%s.unpack.%d", op, threads);
}

/* Of the seconds that a query head takes at one row with few and with many positions in sight, for each width of heads: what a
 * position takes, and what a row takes beside, in positions. */
static void attend_times(const struct calibration *c, const char *op, int phase, int threads, double each[N_HEADS],
                         double edge[N_HEADS])
{
    const char *name = attend_phases[phase].name;
    const double *seen = c->seen[phase];
    for (int h = 0; h < N_HEADS; h++) {
        double few = figure_of(c, "few.%s.%s.%d.%d", op, name, heads[h].head_dim, threads);
        double many = figure_of(c, "many.%s.%s.%d.%d", op, name, heads[h].head_dim, threads);
        each[h] = (many - few) / (seen[1] - seen[0]);
        /* On a machine so busy that more positions seemed to take less: all is the positions'. */
        if (!(each[h] > 0) || few < seen[0] * each[h]) each[h] = many / seen[1];
        edge[h] = fmax(0, few / each[h] - seen[0]);
    }
}

/* Seconds of an element of a position where its score takes as long as `score` elements. */
static double attend_element(const double each[N_HEADS], double score)
{
    double element[N_HEADS];
    for (int h = 0; h < N_HEADS; h++) element[h] = each[h] / (score + heads[h].head_dim);
    return median(element, N_HEADS);
}

/* Of a phase, by number of threads and type of the cache. */
struct attend_times {
    double each[N_HEADS], edge[N_HEADS];
};
typedef struct attend_times attend_table[MAX_COUNTS][sizeof kv_types / sizeof *kv_types];

/* How many elements of a position its score takes as long as: what the times of all widths agree on best, by relative errors
 * and not their squares. One number for the phase, since the same loops run on any number of threads and once a cache's type is
 * converted: a line through four widths of each by themselves has an intercept that is mostly noise. */
static double attend_score(const struct calibration *c, attend_table times)
{
    enum { MOST = 64 };
    double best = 0, least = INFINITY;
    for (double score = 0; score <= MOST; score += 0.5) {
        double off = 0;
        for (int i = 0; i < c->n_counts; i++)
            for (size_t k = 0; k < sizeof kv_types / sizeof *kv_types; k++) {
                const double *each = times[i][k].each;
                double element = attend_element(each, score);
                for (int h = 0; h < N_HEADS; h++) off += fabs(log(each[h] / (element * (score + heads[h].head_dim))));
            }
        if (off < least) least = off, best = score;
    }
    return best;
}

static bool put_attend(struct calibration *c, int phase)
{
    const char *name = attend_phases[phase].name;
    attend_table times;
    for (int i = 0; i < c->n_counts; i++)
        for (size_t k = 0; k < sizeof kv_types / sizeof *kv_types; k++)
            attend_times(c, type_get(kv_types[k])->op, phase, c->counts[i], times[i][k].each, times[i][k].edge);
    double score = attend_score(c, times);
    for (int i = 0; i < c->n_counts; i++)
        for (size_t k = 0; k < sizeof kv_types / sizeof *kv_types; k++) {
            const char *op = type_get(kv_types[k])->op;
            int t = c->counts[i];
            double element = attend_element(times[i][k].each, score);
            char rate[DEVICE_KEY];
            snprintf(rate, sizeof rate, "attend.%s.%s.%d", op, name, t);
            /* No score without its exponential: where none showed, the widths' noise hid it. */
            if (!put_rate(c, 4 / element, "f32", t, rate) ||
                !(score > 0 ? put(c, score * element, "attend.%s.score.%s.%d", op, name, t)
                            : put_assumed(c, 0, "attend.%s.score.%s.%d", op, name, t)) ||
                !put(c, median(times[i][k].edge, N_HEADS), "attend.%s.edge.%s.%d", op, name, t))
                return false;
        }
    return true;
}

static bool put_picture(struct calibration *c)
{
    double seconds[PICTURE_TIMES], rates[PICTURE_RATES];
    bool contradicted[PICTURE_RATES], ok = true;
    for (int i = 0; i < PICTURE_TIMES; i++) seconds[i] = figure_of(c, "raw.picture.%d", i);
    picture_rates(seconds, rates, contradicted);
    for (int i = 0; ok && i < PICTURE_RATES; i++)
        ok = contradicted[i] ? put_assumed(c, rates[i], "picture.%s", picture_rate_names[i])
                             : put(c, rates[i], "picture.%s", picture_rate_names[i]);
    return ok;
}

/* The relative scatter of bandwidth over the rounds; of few of them, what it is on a machine that others use too. */
static bool put_noise(struct calibration *c)
{
    enum { LEAST = 3 };
    double noise = 0;
    for (int i = 0; i < c->n_counts; i++) {
        char key[DEVICE_KEY];
        double values[ROUNDS_MOST], off[ROUNDS_MOST], middle;
        snprintf(key, sizeof key, "read_bandwidth.%d", c->counts[i]);
        const struct rounds_figure *f = rounds_find(&c->rounds, key);
        if (f->n < LEAST) return put_assumed(c, 0.1, "noise");
        memcpy(values, f->values, f->n * sizeof *values);
        middle = median(values, f->n);
        for (size_t k = 0; k < f->n; k++) off[k] = fabs(f->values[k] - middle) / middle;
        noise = fmax(noise, median(off, f->n));
    }
    return put(c, noise, "noise");
}

static bool put_figures(struct calibration *c)
{
    if (!rounds_weigh(&c->rounds, c->e) || !put(c, c->rounds.load[LOAD_ARITHMETIC], "load.arithmetic") ||
        !put(c, c->rounds.load[LOAD_MEMORY], "load.memory"))
        return false;
    for (size_t i = 0; i < c->rounds.n; i++) {
        const struct rounds_figure *f = &c->rounds.figures[i];
        double kept = rounds_usual(&c->rounds, f), best = rounds_largest(f);
        char type[16];
        int threads;
        /* Times that rates are made of. */
        if (!strncmp(f->key, "few.", 4) || !strncmp(f->key, "many.", 5) || !strncmp(f->key, "raw.", 4)) continue;
        bool product = sscanf(f->key, "linear.%15[^.].%*[^.].%d", type, &threads) == 2, peak = !strncmp(f->key, "peak.", 5);
        if (!(product ? put_rate(c, kept, operands_of(type_of_op(type)), threads, f->key)
                      : put(c, peak ? best : kept, "%s", f->key)))
            return false;
        if (!strncmp(f->key, "read_bandwidth.", 15) && !put(c, best, "read_peak.%s", f->key + 15)) return false;
    }
    for (int i = 0; i < c->n_counts; i++) {
        for (unsigned t = 0; t < TYPE_FILE_END; t++)
            if (type_get(t) && type_get(t)->op && !put_gemm(c, (enum type)t, c->counts[i])) return false;
    }
    return put_attend(c, 0) && put_attend(c, 1) && put_picture(c) && put_exponent(c) && put_noise(c);
}

/* ---- All of it ---- */

static void plan_counts(struct calibration *c, int most)
{
    for (int t = 1; t < most && c->n_counts < MAX_COUNTS - 1; t *= c->options->quick ? most : 2) c->counts[c->n_counts++] = t;
    c->counts[c->n_counts++] = most;
}

bool calibrate_kernels(struct device *d, struct error *e)
{
    char key[DEVICE_KEY];
    for (unsigned t = 0; t < TYPE_FILE_END; t++) {
        if (!type_get(t) || !type_get(t)->op) continue;
        snprintf(key, sizeof key, "linear.%s.few", type_get(t)->op);
        if (!device_set(d, key, (double)linear_few((enum type)t), ASSUMED, NULL, e)) return false;
    }
    for (size_t i = 0; i < sizeof kv_types / sizeof *kv_types; i++) {
        snprintf(key, sizeof key, "%s_attend", type_get(kv_types[i])->op);
        unsigned strip = kernel_bound(key)->strip;
        snprintf(key, sizeof key, "attend.%s.strip", type_get(kv_types[i])->op);
        if (strip && !device_set(d, key, strip, ASSUMED, NULL, e)) return false;
    }
    return true;
}

static bool describe(struct calibration *c)
{
    struct device *d = c->device;
    double llc = machine_llc();
    time_t now = time(NULL);
    struct tm day;
    machine_name(d->name, sizeof d->name);
    device_kernels(d->isa, sizeof d->isa);
    snprintf(d->build, sizeof d->build, "%s", device_build());
    if (!gmtime_r(&now, &day) || !strftime(d->date, sizeof d->date, "%Y-%m-%d", &day))
        return fail(c->e, "clock: found no date");
    /* 8 MiB where the system keeps silent: between the 2 MiB of a Raspberry Pi 5 and a laptop's 16. */
    return put(c, pool_default_threads(), "cores") &&
           device_set(d, "llc", llc > 0 ? llc : 8 * MIB, llc > 0 ? MEASURED : ASSUMED, NULL, c->e) &&
           calibrate_kernels(d, c->e);
}

/* Of the progress, in thousandths; the rest are runs held out. */
enum { PROGRESS = 1000, ROUNDS_SHARE = 750 };

static bool measure_rounds(struct calibration *c)
{
    const struct calibrate_options *o = c->options;
    double share = 0;
    for (int round = 0; round < ROUNDS_MOST && share < 1; round++) {
        if (!measure_round(c)) return false;
        share = fmin(1, (clock_now() - c->start) / c->seconds);
        if (o->progress) o->progress(o->progress_ctx, (uint64_t)(share * ROUNDS_SHARE), PROGRESS);
    }
    return true;
}

/* The interval that held-out runs ask for; as for them everything else has to be put before. */
static bool put_interval(struct calibration *c)
{
    const struct calibrate_options *o = c->options;
    for (int i = 0; i < c->n_counts; i++) {
        double residuals[HOLDOUT_RUNS];
        if (o->progress)
            o->progress(o->progress_ctx, (uint64_t)(ROUNDS_SHARE + i * (PROGRESS - ROUNDS_SHARE) / c->n_counts), PROGRESS);
        if (!holdout_residuals(residuals, c->device, &c->memory, c->counts[i], o->interrupted, c->e)) return false;
        if (!put(c, conformal_half_width(residuals, HOLDOUT_RUNS, 0.95), "interval95.%d", c->counts[i])) return false;
    }
    if (o->progress) o->progress(o->progress_ctx, PROGRESS, PROGRESS);
    return true;
}

bool calibrate(struct device *d, const struct calibrate_options *o, struct error *e)
{
    struct calibration c = {.device = d,
                            .options = o,
                            .e = e,
                            .start = clock_now(),
                            .seconds = o->seconds > 0 ? o->seconds
                                       : o->quick     ? 1.5
                                                      : 30};
    *d = (struct device){0};
    plan_counts(&c, o->threads ? o->threads : pool_default_threads());
    bool ok = describe(&c);
    size_t bytes = c.memory.n = (size_t)fmax(256.0 * MIB, 4 * device_get(d, "llc"));
    if (ok && (double)bytes > 0.8 * (double)memory_available())
        ok = fail(e, "calibration: found %llu MB free, expected %zu MB to read from beyond the cache",
                  (unsigned long long)(memory_available() / MIB), bytes / MIB);
    /* On huge pages where there are any, as a model's weights are. */
    c.memory.bytes = ok ? memory_huge(bytes) : NULL;
    bool huge = c.memory.bytes;
    if (ok && !huge && !(c.memory.bytes = memory_new(bytes)))
        ok = fail(e, "calibration: found no memory for %zu MB", bytes / MIB);
    if (ok) probe_weights_fill(&c.memory);
    ok = ok && (c.picture = picture_probe_new(e)) && measure_rounds(&c) && put_figures(&c) && (o->quick || put_interval(&c));
    rounds_free(&c.rounds);
    picture_probe_free(c.picture);
    if (huge)
        memory_huge_free(c.memory.bytes, bytes);
    else
        free(c.memory.bytes);
    if (!ok) device_free(d);
    return ok;
}
