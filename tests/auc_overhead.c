/* auc_overhead.c - what sampling does to the work beside it: decoding, by pairs with and without the sampler.
 *
 *     build/x86_64-cc/tests/auc_overhead [HZ [PAIRS [SECONDS]]]
 *
 * Each pair does the same steps of a small model on all cores twice, in turns A B, B A, so that what else the machine does
 * spoils a pair and not the answer. Printed are the median of the pairs' ratios and its 95 % interval, by the sign test: of n
 * ratios the k-th smallest and the k-th largest, with the greatest k that leaves no more than 2.5 % on either side (Conover,
 * Practical Nonparametric Statistics, section 3.2). SPDX-License-Identifier: MIT */
#include <math.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/median.h"
#include "engine/meter/auc.h"
#include "engine/session.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tests/test.h"

#if defined(__linux__)

enum { MAX_PAIRS = 1000, CONTEXT = 512 };

struct work {
    struct session *session;
    size_t steps; /* in each half of a pair: so many that it takes long enough to be sampled */
};

/* Seconds of the work; NAN: it failed. */
static double work_seconds(const struct work *w)
{
    struct error e;
    const int32_t token = 1;
    double start = clock_now();
    for (size_t i = 0; i < w->steps; i++) {
        if (i % CONTEXT == 0) session_reset(w->session);
        if (!session_feed(w->session, &token, 1, PHASE_DECODE, NULL, NULL, &e)) return NAN;
    }
    return clock_now() - start;
}

/* So many steps that they take `seconds`, as those before have. */
static bool fix_steps(struct work *w, double seconds)
{
    for (w->steps = 16;;) {
        double took = work_seconds(w);
        if (isnan(took)) return false;
        bool enough = took > seconds / 2;
        w->steps = enough ? (size_t)ceil((double)w->steps * seconds / took) : 2 * w->steps;
        if (enough) return true;
    }
}

struct overhead {
    double ratio[MAX_PAIRS]; /* with / without, sorted */
    size_t pairs;
    double median, low, high; /* NAN: too few pairs for an interval */
    double sampler_share;     /* of a core, by the sampler's own account */
};

/* By the sign test; see above. */
static void put_interval(struct overhead *o)
{
    size_t n = o->pairs, k = 0;
    double chance = pow(0.5, (double)n), below = chance; /* of at most k ratios below the median */
    while (below <= 0.025) {
        k++;
        chance *= (double)(n - k + 1) / (double)k;
        below += chance;
    }
    o->low = k ? o->ratio[k - 1] : NAN;
    o->high = k ? o->ratio[n - k] : NAN;
}

static bool measure_overhead(struct overhead *o, const struct work *w, const struct auc_options *sampling, size_t pairs,
                             struct error *e)
{
    double sampler_s = 0, recorded_s = 0;
    o->pairs = pairs;
    for (size_t i = 0; i < pairs; i++) {
        double seconds[2];
        for (size_t k = 0; k < 2; k++) {
            bool on = k ^ (i & 1);
            struct auc *a = on ? auc_start(sampling, e) : NULL;
            struct auc_result r;
            if (on && !a) return false;
            double t0 = on ? auc_mark(a) : 0;
            seconds[on] = work_seconds(w);
            bool ok = !isnan(seconds[on]) || fail(e, "the work failed");
            if (on) {
                ok = ok && auc_between(a, t0, auc_mark(a), &r, e);
                if (ok) sampler_s += r.sampler_cpu_s, recorded_s += r.time_s;
                auc_free(a);
            }
            if (!ok) return false;
        }
        o->ratio[i] = seconds[1] / seconds[0];
    }
    o->median = median(o->ratio, pairs); /* sorts */
    o->sampler_share = sampler_s / recorded_s;
    put_interval(o);
    return true;
}

static void print_overhead(const struct overhead *o, double hz, double seconds, int threads)
{
    printf("# the sampler at %g Hz: time x %.4f (95 %%: %.4f to %.4f), by its own account %.2f %% of a core; "
           "%zu pairs of %.2g s on %d threads\n",
           hz, o->median, o->low, o->high, 100 * o->sampler_share, o->pairs, seconds, threads);
}

/* A sampler that takes every core for half of its time. */
enum { SPIN_MS = 100 };

static void spin(void *ctx, int thread)
{
    (void)ctx, (void)thread;
    for (double end = clock_now() + 1e-3 * SPIN_MS; clock_now() < end;) {
    }
}

static void greedy_tick(void *ctx)
{
    struct error e;
    struct pool *p = pool_new((int)sysconf(_SC_NPROCESSORS_ONLN), &e);
    (void)ctx;
    if (p) pool_run(p, spin, NULL);
    pool_free(p);
}

/* Not above this even at the interval's lower end: all that a test can say on a machine that others use too. */
#define MOST 1.05

static void test_overhead(const struct work *w, double hz, size_t pairs, double seconds)
{
    static struct overhead o;
    struct error e = {""};
    struct auc_options sampling = {.hz = hz};
    bool ok = measure_overhead(&o, w, &sampling, pairs, &e);
    if (ok) print_overhead(&o, hz, seconds, pool_threads(w->session->pool));
    TEST("sampling does not slow what runs beside it", ok && o.low < MOST, "found time x %.3f at least: %s", o.low, e.text);
}

static void test_greedy(const struct work *w)
{
    enum { PAIRS = 6 };
    static struct overhead o;
    struct error e = {""};
    struct auc_options greedy = {.hz = 500.0 / SPIN_MS, .tick = greedy_tick};
    bool ok = measure_overhead(&o, w, &greedy, PAIRS, &e);
    TEST("a sampler that would is seen", ok && o.median >= MOST, "found time x %.3f: %s", o.median, e.text);
}

/* A decoder's usual work in small: products of quantised weights, attention, a barrier after each stage. */
static const char shape[] = "L=4,D=512,H=8,KV=2,F=1536,V=4096:Q4_K_M";

int main(int argc, char **argv)
{
    double hz = argc > 1 ? atof(argv[1]) : 5, pairs = argc > 2 ? atof(argv[2]) : 8, seconds = argc > 3 ? atof(argv[3]) : 0.25;
    if (argc > 4 || !(hz > 0 && hz <= AUC_MAX_HZ) || !(pairs >= 6 && pairs <= MAX_PAIRS) || !(seconds > 0 && seconds <= 600)) {
        fprintf(stderr, "auc_overhead: expected [HZ [PAIRS [SECONDS]]]: up to %d Hz, 6 to %d pairs, up to 600 s each half\n",
                AUC_MAX_HZ, MAX_PAIRS);
        return 2;
    }
    if (argc == 1 && !getenv("HARTREE_SLOW")) {
        SKIP("what sampling costs the work beside it", "takes seconds of a machine that does nothing else; set HARTREE_SLOW");
        TEST_MAIN_END();
    }
    char message[256], folder[256], path[300];
    struct error e = {""};
    TEST("kernels", kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message), "%s", message);
    if (!test_folder(folder, sizeof folder)) return perror("a folder for a model"), 1;
    snprintf(path, sizeof path, "%s/model.gguf", folder);
    bool made = synth_write(&(struct synth_options){.shape = shape, .seed = 1}, path, NULL, &e);
    struct model *m = made ? model_open(path, NULL, MODEL_NO_TOKENIZER, &e) : NULL;
    struct session_options o = {.n_ctx = CONTEXT, .kv_type = TYPE_F16};
    struct work w = {.session = m ? session_new(m, &o, &e) : NULL};
    bool ready = w.session && fix_steps(&w, seconds);
    TEST("a model to decode with", ready, "%s", e.text);
    if (ready) test_overhead(&w, hz, (size_t)pairs, seconds);
    if (ready && argc == 1) test_greedy(&w);
    session_free(w.session);
    model_close(m);
    unlink(path);
    rmdir(folder);
    TEST_MAIN_END();
}

#else

int main(void)
{
    SKIP("the sampler", "not on this system");
    TEST_MAIN_END();
}

#endif
