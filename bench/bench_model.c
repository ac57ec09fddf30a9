/* SPDX-License-Identifier: MIT */
#include "bench/bench_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/account/measure.h"

static bool go_on(void *interrupted, size_t done, size_t total)
{
    (void)done, (void)total;
    return !(interrupted && *(const volatile int *)interrupted);
}

/* The context is as long as `past` again before each: what the run before added is forgotten. */
static bool run_once(struct session *s, const int32_t *tokens, size_t past, size_t n, bool one_by_one,
                     const volatile int *interrupted, double *tps, struct error *e)
{
    s->kv->used = past;
    double start = clock_now();
    for (size_t done = 0; done < n;) {
        size_t rows = one_by_one ? 1 : n;
        if (!session_feed(s, tokens + done, rows, one_by_one ? PHASE_DECODE : PHASE_PREFILL, go_on, (void *)interrupted, e))
            return false;
        if (!go_on((void *)interrupted, 0, 0)) return fail(e, "interrupted");
        done += rows;
    }
    *tps = (double)n / (clock_now() - start);
    return true;
}

bool bench_model(struct bench_model_result *r, const struct model *m, const char *kind, size_t tokens, size_t past, int threads,
                 int runs, enum type kv_type, const volatile int *interrupted, struct error *e)
{
    *r = (struct bench_model_result){.kind = kind, .tokens = tokens, .past = past, .threads = threads, .n_runs = runs};
    if (runs < 1 || runs > BENCH_MODEL_MAX_RUNS)
        return fail(e, "bench: found %d runs, expected 1 to %d", runs, BENCH_MODEL_MAX_RUNS);
    size_t all = past + tokens;
    struct session *s = session_new(m, &(struct session_options){.n_ctx = all, .kv_type = kv_type, .threads = threads}, e);
    int32_t *ids = s ? fixed_tokens(all, m->hp.n_vocab) : NULL; /* a context that does not fit needs none */
    bool ok = s && (ids || fail(e, "bench: found no memory for %zu tokens", all)), one_by_one = !strcmp(kind, "tg");
    ok = ok && (!past || session_feed(s, ids, past, PHASE_PREFILL, go_on, (void *)interrupted, e));
    /* Warm up with one token a step where steps are of one token: enough to fault in every weight. */
    double ignored;
    ok = ok && run_once(s, ids + past, past, one_by_one ? 1 : tokens, one_by_one, interrupted, &ignored, e);
    for (int i = 0; ok && i < runs; i++) ok = run_once(s, ids + past, past, tokens, one_by_one, interrupted, &r->tps[i], e);
    for (int i = 0; ok && i < runs; i++) r->tps_avg += r->tps[i] / runs;
    for (int i = 0; ok && runs > 1 && i < runs; i++) r->tps_stddev += pow(r->tps[i] - r->tps_avg, 2) / (runs - 1);
    r->tps_stddev = sqrt(r->tps_stddev);
    free(ids);
    session_free(s);
    return ok;
}
