/* calibrate.c - see calibrate.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/calibrate.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/median.h"
#include "base/memory.h"
#include "engine/account/bundled.h"
#include "engine/account/machine.h"
#include "engine/account/micro.h"
#include "engine/account/peak.h"
#include "engine/account/predict.h"
#include "engine/cost.h"
#include "kernels/kernel.h"

enum { MAX_COUNTS = 16, MIN_REPEATS = 3, MAX_REPEATS = 32, MIB = 1 << 20 };

struct calibration {
    struct device *device;
    const struct calibrate_options *options;
    int counts[MAX_COUNTS], n_counts; /* numbers of threads */
    struct pool *pool;                /* of the count at hand */
    int threads;
    char *memory; /* far more than the cache holds */
    size_t bytes;
    volatile uint64_t *sums; /* one a thread: keeps the loads from being optimised away */
    int repeats;
    double seconds; /* after which one figure's repeats end */
    uint64_t done, total;
    struct error *e;
};

static bool put(struct calibration *c, double value, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool put(struct calibration *c, double value, const char *format, ...)
{
    char key[DEVICE_KEY];
    va_list ap;
    va_start(ap, format);
    vsnprintf(key, sizeof key, format, ap);
    va_end(ap);
    char digits[32]; /* six digits are more than any measurement has */
    snprintf(digits, sizeof digits, "%.6g", value);
    return device_set(c->device, key, strtod(digits, NULL), MEASURED, NULL, c->e);
}

/* Counts one figure as done; false if the user wants no more. */
static bool tick(struct calibration *c)
{
    const struct calibrate_options *o = c->options;
    c->done++;
    if (o->progress) o->progress(o->progress_ctx, c->done, c->total);
    return !(o->interrupted && *o->interrupted) || fail(c->e, "interrupted");
}

/* ---- Bandwidth ---- */

static void read_slice(void *ctx, int thread)
{
    struct calibration *c = ctx;
    size_t n = c->bytes / sizeof(uint64_t) / (size_t)c->threads / 8 * 8, i;
    const uint64_t *p = (const uint64_t *)c->memory + (size_t)thread * n;
    uint64_t s[8] = {0};
    for (i = 0; i < n; i += 8)
        for (int j = 0; j < 8; j++) s[j] += p[i + (size_t)j];
    c->sums[thread] = s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

/* Of n repeats' seconds, which it sorts, the median of the faster half: what else runs on a machine only ever adds time. */
static double fast_median(double *t, size_t n)
{
    median(t, n);
    return median(t, (n + 1) / 2);
}

static bool measure_bandwidth(struct calibration *c, double *noise)
{
    double t[MAX_REPEATS], best = INFINITY;
    size_t bytes = c->bytes / sizeof(uint64_t) / (size_t)c->threads / 8 * 8 * sizeof(uint64_t) * (size_t)c->threads;
    pool_run(c->pool, read_slice, c); /* not counted: wakes the threads */
    for (int i = 0; i < c->repeats; i++) {
        double start = clock_now();
        pool_run(c->pool, read_slice, c);
        t[i] = clock_now() - start;
        best = fmin(best, t[i]);
    }
    size_t n = (size_t)c->repeats;
    double seconds = fast_median(t, n), middle = median(t, n);
    for (size_t i = 0; i < n; i++) t[i] = fabs(t[i] - middle) / middle;
    *noise = fmax(*noise, median(t, n));
    return put(c, (double)bytes / seconds, "read_bandwidth.%d", c->threads) &&
           put(c, (double)bytes / best, "read_peak.%d", c->threads) && tick(c);
}

static bool measure_peak(struct calibration *c, enum kernel_peak kind, const char *name)
{
    double rate = peak_rate(kind, c->pool);
    return (isnan(rate) || put(c, rate, "peak.%s.%d", name, c->threads)) && tick(c);
}

/* ---- Ops ---- */

/* Seconds of one op of a micro plan, its stage's share taken off; 0 and *e on failure. */
static double op_seconds(struct calibration *c, const struct micro *m, double tau)
{
    struct micro_run *run = micro_new(m, c->pool, c->e);
    if (!run) return 0;
    double t[MAX_REPEATS], start = clock_now();
    int n = 0;
    micro_step(run); /* not counted: pages and caches */
    do {
        double since = clock_now();
        micro_step(run);
        t[n++] = (clock_now() - since) / m->stages;
    } while (n < MIN_REPEATS || (n < c->repeats && clock_now() - start < c->seconds));
    micro_free(run);
    double seconds = fast_median(t, (size_t)n);
    /* An op shorter than the scatter of a stage's cost can't be told from it; a tenth keeps the rate finite and on record. */
    return fmax(seconds - tau, seconds / 10);
}

/* What the last, partly filled round of chunks wastes, as in predict.h. */
static double waste(const struct calibration *c, const struct micro *m)
{
    double chunks = (double)micro_chunks(m);
    return ceil(chunks / c->threads) * c->threads / chunks;
}

static bool measure_stage(struct calibration *c, double *tau)
{
    struct micro m = micro_vector(OP_ADD, 1, 1, NULL);
    m.stages = 256;
    *tau = op_seconds(c, &m, 0);
    return *tau > 0 && put(c, *tau, "stage.%d", c->threads) && tick(c);
}

static bool measure_linear(struct calibration *c, enum type type, double tau)
{
    static const char *const phases[] = {"decode", "prefill"};
    for (int many = 0; many < 2; many++) {
        struct micro m = micro_linear(type, 1024, (many ? 64 : 128) * c->threads, many ? 64 : 1, c->memory);
        m.stages = many ? 1 : 4;
        double t = op_seconds(c, &m, tau);
        double flops = 2.0 * m.op.n_in * m.op.n_out * (double)m.step.n;
        if (!(t > 0) || !put(c, flops * waste(c, &m) / t, "linear.%s.%s.%d", type_get(type)->op, phases[many], c->threads) ||
            !tick(c))
            return false;
    }
    return true;
}

static bool measure_attend(struct calibration *c, enum type kv, double tau)
{
    static const char *const phases[] = {"decode", "prefill"};
    for (int many = 0; many < 2; many++) {
        struct micro m = micro_attend(kv, 4 * c->threads, 4, 128, 256, many ? 16 : 1);
        double t = op_seconds(c, &m, tau);
        double flops = micro_cost(&m).flops;
        if (!(t > 0) || !put(c, flops * waste(c, &m) / t, "attend.%s.%s.%d", type_get(kv)->op, phases[many], c->threads) ||
            !tick(c))
            return false;
    }
    return true;
}

static bool measure_vector(struct calibration *c, enum op_kind kind, double tau)
{
    struct micro m = micro_vector(kind, 2048, 16 * (size_t)c->threads, c->memory);
    double t = op_seconds(c, &m, tau);
    struct op_cost cost = micro_cost(&m);
    return t > 0 && put(c, cost_bytes(&cost) * waste(c, &m) / t, "vector.%s.%d", op_defs[kind]->name, c->threads) && tick(c);
}

/* ---- The exponent ---- */

static const double exponents[] = {1, 2, INFINITY};
enum { N_EXPONENTS = 3 };

/* Adds to squares[] the squared log error that each exponent leaves on a matrix of `type` far beyond the cache; counts it in
 * *tried. A matrix whose arithmetic takes several times as long as its bytes, or the reverse, tells nothing of the exponent. */
static bool try_exponents(struct calibration *c, enum type type, double tau, double squares[N_EXPONENTS], int *tried)
{
    char key[DEVICE_KEY];
    int n_in = 4096, n_out = (int)(c->bytes / 2 / type_bytes(type, (size_t)n_in)) & ~127;
    struct micro m = micro_linear(type, n_in, n_out, 1, c->memory);
    snprintf(key, sizeof key, "linear.%s.decode", type_get(type)->op);
    double work = 2.0 * n_in * n_out / device_rate(c->device, key, c->threads);
    double bytes = (double)m.weight.bytes / device_rate(c->device, "read_bandwidth", c->threads);
    if (fmax(work, bytes) > 4 * fmin(work, bytes)) return tick(c);
    double t = op_seconds(c, &m, tau);
    for (int i = 0; t > 0 && i < N_EXPONENTS; i++) {
        double error = log(p_norm(work, bytes, exponents[i]) / t);
        squares[i] += error * error;
    }
    ++*tried;
    return t > 0 && tick(c);
}

/* The exponent that fits best; 2, between the sum and the maximum, where no matrix told. */
static bool put_exponent(struct calibration *c, const double squares[N_EXPONENTS], int tried)
{
    int best = 0;
    for (int i = 1; i < N_EXPONENTS; i++)
        if (squares[i] < squares[best]) best = i;
    return tried ? put(c, exponents[best], "exponent") : device_set(c->device, "exponent", 2, ASSUMED, NULL, c->e);
}

/* ---- All of it ---- */

static const enum type exponent_types[] = {TYPE_Q4_K, TYPE_Q6_K, TYPE_Q8_0, TYPE_F16};
static const enum type kv_types[] = {TYPE_F32, TYPE_F16, TYPE_Q8_0};
static const enum op_kind vector_ops[] = {OP_EMBED, OP_ANGLES, OP_NORM, OP_QUANTISE, OP_ROPE,
                                          OP_STORE, OP_GLU,    OP_ADD,  OP_GATHER};

static bool measure_threads(struct calibration *c, double *noise, double squares[N_EXPONENTS], int *tried)
{
    double tau;
    bool ok = measure_bandwidth(c, noise) && measure_peak(c, PEAK_I8, "i8") && measure_peak(c, PEAK_F32, "f32") &&
              measure_stage(c, &tau);
    for (unsigned t = 0; ok && t < TYPE_FILE_END; t++)
        if (type_get(t) && type_get(t)->op) ok = measure_linear(c, (enum type)t, tau);
    for (size_t i = 0; ok && i < sizeof kv_types / sizeof *kv_types; i++) ok = measure_attend(c, kv_types[i], tau);
    for (size_t i = 0; ok && i < sizeof vector_ops / sizeof *vector_ops; i++) ok = measure_vector(c, vector_ops[i], tau);
    for (size_t i = 0; ok && i < sizeof exponent_types / sizeof *exponent_types; i++)
        ok = try_exponents(c, exponent_types[i], tau, squares, tried);
    return ok;
}

static void plan_counts(struct calibration *c, int most)
{
    for (int t = 1; t < most && c->n_counts < MAX_COUNTS - 1; t *= c->options->quick ? most : 2) c->counts[c->n_counts++] = t;
    c->counts[c->n_counts++] = most;
    uint64_t figures = 4 + sizeof kv_types / sizeof *kv_types * 2 + sizeof vector_ops / sizeof *vector_ops +
                       sizeof exponent_types / sizeof *exponent_types;
    for (unsigned t = 0; t < TYPE_FILE_END; t++)
        if (type_get(t) && type_get(t)->op) figures += 2;
    c->total = figures * (uint64_t)c->n_counts;
}

static bool describe(struct calibration *c)
{
    struct device *d = c->device;
    double llc = machine_llc();
    time_t now = time(NULL);
    struct tm day;
    machine_name(d->name, sizeof d->name);
    device_kernels(d->isa, sizeof d->isa);
    if (!gmtime_r(&now, &day) || !strftime(d->date, sizeof d->date, "%Y-%m-%d", &day))
        return fail(c->e, "clock: found no date");
    /* 8 MiB where the system keeps silent: between the 2 MiB of a Raspberry Pi 5 and a laptop's 16. */
    return put(c, pool_default_threads(), "cores") &&
           device_set(d, "llc", llc > 0 ? llc : 8 * MIB, llc > 0 ? MEASURED : ASSUMED, NULL, c->e);
}

bool calibrate(struct device *d, const struct calibrate_options *o, struct error *e)
{
    int most = o->threads ? o->threads : pool_default_threads();
    struct calibration c = {.device = d, .options = o, .e = e, .repeats = o->quick ? 5 : 15, .seconds = o->quick ? 0.006 : 0.1};
    *d = (struct device){0};
    plan_counts(&c, most);
    bool ok = describe(&c);
    double llc = device_get(d, "llc"), noise = 0, squares[N_EXPONENTS] = {0};
    int tried = 0;
    c.bytes = (size_t)fmax(256.0 * MIB, 4 * llc);
    if (ok && (double)c.bytes > 0.8 * (double)memory_available())
        ok = fail(e, "calibration: found %llu MB free, expected %zu MB to read from beyond the cache",
                  (unsigned long long)(memory_available() / MIB), c.bytes / MIB);
    /* On huge pages where there are any, as a model's weights are. */
    c.memory = ok ? memory_huge(c.bytes) : NULL;
    bool huge = c.memory;
    if (ok && !huge && !(c.memory = memory_new(c.bytes))) ok = fail(e, "calibration: found no memory for %zu MB", c.bytes / MIB);
    if (ok && !(c.sums = calloc((size_t)most, sizeof *c.sums))) ok = fail(e, "calibration: found no memory");
    /* Writing maps every page; these bytes are an ordinary small number in every weight type. */
    if (ok) memset(c.memory, 0x3c, c.bytes);
    for (int i = 0; ok && i < c.n_counts; i++) {
        c.threads = c.counts[i];
        c.pool = pool_new(c.threads, e);
        ok = c.pool && measure_threads(&c, &noise, squares, &tried);
        pool_free(c.pool);
    }
    ok = ok && put_exponent(&c, squares, tried) && put(&c, noise, "noise");
    free((void *)c.sums);
    if (huge) memory_huge_free(c.memory, c.bytes);
    else free(c.memory);
    if (!ok) device_free(d);
    return ok;
}

/* ---- The device of this machine ---- */

static bool is_this_machine(const struct device *d)
{
    char name[DEVICE_TEXT], isa[DEVICE_TEXT];
    machine_name(name, sizeof name);
    device_kernels(isa, sizeof isa);
    return !strcmp(d->name, name) && !strcmp(d->isa, isa) && device_get(d, "cores") == pool_default_threads();
}

bool device_find(struct device *d, const char *which, void (*say)(const char *format, ...), struct error *e)
{
    char path[1024];
    struct error why;
    if (which && strcmp(which, "this")) {
        bool path_given = !bundled_find(which) && (strchr(which, '/') || !access(which, F_OK));
        return path_given ? device_load(d, which, e) : bundled_load(d, which, e);
    }
    bool cache = device_cache_path(path, sizeof path, &why);
    if (cache && device_load(d, path, &why)) {
        if (is_this_machine(d)) return true;
        say("%s: found %s with %s kernels, measuring this machine anew (about 3 s)", path, d->name, d->isa);
        device_free(d);
    } else
        say("no profile of this machine yet (%s), measuring it (about 3 s)", why.text);
    if (!calibrate(d, &(struct calibrate_options){.quick = true}, e)) return false;
    if (!cache || !device_cache_make(&why) || !device_save(d, path, &why)) say("the profile was not kept: %s", why.text);
    return true;
}
