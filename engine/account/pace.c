/* SPDX-License-Identifier: MIT */
#include "engine/account/pace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/account/measure.h"
#include "engine/account/probe.h"

const char *const pace_names[PACES] = {"prefill", "decode"};

enum { ROWS = 64, MIB = 1 << 20, LEAST_RUNS = 2 };
/* Where a neighbour shares the core, speed alternates within tens of milliseconds: the time of each piece is a mean over so
 * long. */
static const double taken_s = 0.06;

struct piece {
    struct model *model;
    struct session *session;
    int32_t *tokens;
    size_t rows;
};

struct pace {
    struct probe_weights memory;
    bool huge;
    struct piece piece[PACES];
};

size_t pace_bytes(double llc)
{
    return (size_t)fmin(512.0 * MIB, fmax(64.0 * MIB, 2 * llc));
}

/* One layer for arithmetic, wide enough that threads share it out as they do a real one's: one that is slowed for a moment then
 * leaves its chunks to the others. For memory as many layers as there are weights. */
static void piece_shape(int which, size_t bytes, char shape[PROBE_SHAPE])
{
    if (which == PACE_PREFILL) strcpy(shape, "L=1,D=1024,H=8,KV=2,F=3072,V=256:Q4_K");
    else probe_cold_shape(shape, TYPE_Q4_K, bytes);
}

static bool piece_new(struct piece *p, int which, const struct probe_weights *memory, int threads, struct error *e)
{
    char shape[PROBE_SHAPE];
    struct session_options o = {.n_ctx = ROWS, .n_batch = ROWS, .kv_type = TYPE_F16, .threads = threads};
    piece_shape(which, memory->n, shape);
    p->rows = which == PACE_PREFILL ? ROWS : 1;
    if (!(p->model = probe_model(shape, memory, e)) || !(p->session = session_new(p->model, &o, e))) return false;
    p->tokens = fixed_tokens(p->rows, p->model->hp.n_vocab);
    return p->tokens || fail(e, "pace: found no memory for %zu tokens", p->rows);
}

static void piece_free(struct piece *p)
{
    free(p->tokens);
    session_free(p->session);
    model_close(p->model);
}

void pace_free(struct pace *p)
{
    if (!p) return;
    for (int i = 0; i < PACES; i++) piece_free(&p->piece[i]);
    if (p->huge) memory_huge_free(p->memory.bytes, p->memory.n);
    else free(p->memory.bytes);
    free(p);
}

struct pace *pace_new(int threads, double llc, struct error *e)
{
    struct pace *p = calloc(1, sizeof *p);
    if (!p) {
        fail(e, "pace: found no memory");
        return NULL;
    }
    p->memory.n = pace_bytes(llc);
    p->huge = (p->memory.bytes = memory_huge(p->memory.n)); /* as the weights of a model are */
    bool ok = p->huge || (p->memory.bytes = memory_new(p->memory.n)) ||
              fail(e, "pace: found no memory for %zu MB", p->memory.n / MIB);
    if (ok) probe_weights_fill(&p->memory);
    for (int i = 0; ok && i < PACES; i++) ok = piece_new(&p->piece[i], i, &p->memory, threads, e);
    if (ok) return p;
    pace_free(p);
    return NULL;
}

double pace_takes(const double seconds[PACES])
{
    double all = 0;
    for (int i = 0; i < PACES; i++) all += seconds[i] + fmax(taken_s, LEAST_RUNS * seconds[i]);
    return all;
}

static bool run_piece(struct piece *p, enum phase phase, double *seconds, struct error *e)
{
    session_reset(p->session);
    double start = clock_now();
    bool ok = session_feed(p->session, p->tokens, p->rows, phase, NULL, NULL, e);
    *seconds = clock_now() - start;
    return ok;
}

bool pace_take(struct pace *p, double seconds[PACES], struct error *e)
{
    for (int i = 0; i < PACES; i++) {
        enum phase phase = i == PACE_PREFILL ? PHASE_PREFILL : PHASE_DECODE;
        double once, sum = 0;
        int runs = 0;
        if (!run_piece(&p->piece[i], phase, &once, e)) return false; /* wakes threads and fills caches */
        for (; runs < LEAST_RUNS || sum < taken_s; runs++, sum += once)
            if (!run_piece(&p->piece[i], phase, &once, e)) return false;
        seconds[i] = sum / runs;
    }
    return true;
}

bool pace_usual(const struct device *d, int threads, double usual[PACES])
{
    for (int i = 0; i < PACES; i++) {
        char key[DEVICE_KEY];
        snprintf(key, sizeof key, "pace.%s", pace_names[i]);
        usual[i] = device_rate(d, key, threads);
        if (isnan(usual[i])) return false;
    }
    return true;
}

struct pace *pace_of(const struct device *d, int threads, double usual[PACES], struct error *e)
{
    e->text[0] = '\0';
    return pace_usual(d, threads, usual) ? pace_new(threads, device_get(d, "llc"), e) : NULL;
}
