/* run.c - the windows of a sweep, one by one, between two idle intervals.
 * SPDX-License-Identifier: MIT */
#include "engine/laws/sweep.h"

#include "base/clock.h"
#include "base/median.h"
#include "base/memory.h"
#include "base/random.h"
#include "engine/account/pace.h"
#include "engine/laws/journal.h"
#include "engine/tower/tower.h"
#include "vision/resize.h"
#include "engine/meter/auc.h"
#include "engine/meter/meter.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

struct run {
    struct sweep *s;
    const struct sweep_hooks *hooks;
    struct auc *auc;
    struct model *model; /* of s->model[loaded]; NULL: none is in memory, or a tower alone */
    struct tower *tower; /* of s->model[loaded]; NULL: none is in memory, or there are no pictures */
    struct album album;  /* the picture that a session's prompt holds */
    int loaded;
    double done_s, total_s; /* predicted, of the windows that were missing */
    size_t done, total;     /* of them */
    bool told;              /* that joules are missing */
    double pulsed_at;       /* when the meter's log last got a pulse */
    struct pace *pace;      /* NULL: not compared with the calibration's */
    double usual[PACES];
};

static bool stopped(const struct run *r)
{
    return r->hooks->interrupted && *r->hooks->interrupted;
}

static bool go_on(void *ctx, size_t done, size_t total)
{
    (void)done, (void)total;
    return !stopped(ctx);
}

static void show(const struct run *r, double of_window)
{
    if (r->hooks->progress) r->hooks->progress(r->hooks->ctx, r->done_s + of_window, r->total_s, r->done, r->total);
}

/* ---- One pass ---- */

/* Seconds of a pass, and of a window their medians. */
enum { READ, RESIZE, VISION, PREFILL, DECODE, SAMPLE, PARTS };

/* A picture as it comes: a file, in memory. */
struct shown {
    void *file;
    size_t size;
    const char *clamp;
};

static bool show_picture(const struct run *r, int point, struct shown *shown, struct error *e)
{
    const struct sweep_options *o = &r->s->options;
    const struct clamped *fit = &r->s->model[r->loaded].point[point].fit;
    struct picture scaled;
    *shown = (struct shown){.clamp = o->pictures.clamp[point / o->pictures.n_edges]};
    if (!resize_bicubic(&r->s->picture, fit->in_width, fit->in_height, &scaled, e)) return false;
    shown->file = picture_file(&scaled, &shown->size, e);
    picture_free(&scaled);
    return shown->file;
}

static bool see(struct run *r, const struct shown *shown, double parts[PARTS], struct error *e)
{
    struct preprocessed p;
    struct seen seen;
    if (!preprocess_file(shown->file, shown->size, shown->clamp, &r->tower->mmproj->keys, &p, e)) return false;
    bool ok = tower_encode(r->tower, &p, &seen, e);
    album_free(&r->album);
    ok = ok && (!r->model || album_add(&r->album, seen.nx, seen.ny, seen.n_embd, seen.rows, e));
    parts[READ] = p.decode_s;
    parts[RESIZE] = p.resize_s;
    parts[VISION] = seen.encode_s;
    seen_free(&seen);
    preprocessed_free(&p);
    return ok && stopped(r) ? fail(e, "interrupted") : ok;
}

static bool answer(struct run *r, struct session *session, const struct tokens *t, size_t gen, double parts[PARTS],
                   struct error *e)
{
    struct generate_options o = {.max_tokens = gen,
                                 .sample = {.top_p = 1, .repeat_penalty = 1}, /* temperature 0: greedy */
                                 .ignore_eos = true,
                                 .prefill_progress = go_on,
                                 .ctx = r,
                                 .interrupted = r->hooks->interrupted};
    struct generate_result g;
    session_reset(session);
    bool ok = session_generate(session, t->id, t->n, &o, &g, e);
    generate_result_free(&g);
    if (ok && g.stop == STOP_INTERRUPT) return fail(e, "interrupted");
    if (ok && g.generated_tokens != gen) return fail(e, "found %zu tokens generated, expected %zu", g.generated_tokens, gen);
    parts[PREFILL] = g.prefill_s;
    parts[DECODE] = g.decode_s;
    parts[SAMPLE] = g.sample_s;
    return ok;
}

/* `shown` NULL: a prompt of text. `session` NULL: a tower alone. */
static bool run_pass(struct run *r, struct session *session, const struct shown *shown, const struct tokens *t, size_t gen,
                     double parts[PARTS], struct error *e)
{
    for (int i = 0; i < PARTS; i++) parts[i] = 0;
    return (!shown || see(r, shown, parts, e)) && (!session || answer(r, session, t, gen, parts, e));
}

/* For a model of text; *session is NULL for a tower alone. */
static bool begin_session(struct run *r, size_t positions, struct session **session, struct error *e)
{
    const struct sweep_options *o = &r->s->options;
    struct session_options so = {.n_ctx = positions,
                                 .n_batch = o->ubatch,
                                 .kv_type = o->kv_type,
                                 .threads = o->threads,
                                 .album = r->tower ? &r->album : NULL};
    *session = r->model ? session_new(r->model, &so, e) : NULL;
    return *session || !r->model;
}

/* ---- Models ---- */

static void unload(struct run *r)
{
    model_close(r->model);
    tower_free(r->tower);
    album_free(&r->album);
    r->model = NULL;
    r->tower = NULL;
}

static bool open_model(struct run *r, struct error *e)
{
    const struct sweep_options *o = &r->s->options;
    if (o->model[r->loaded] && !(r->model = model_open(o->model[r->loaded], NULL, 0, e))) return false;
    if (r->model) model_file_settle(r->model->file, NULL, NULL);
    if (!sweep_sees(o)) return true;
    const struct tower_options t = {.threads = o->threads, .interrupted = r->hooks->interrupted};
    return (r->tower = tower_open(o->pictures.mmproj[r->loaded], &t, e));
}

/* Runs a few tokens, or the smallest picture, so that the first window meets no cold page of the program or the weights. */
static bool warm_up(struct run *r, int point, struct error *e)
{
    const struct sweep_model *m = &r->s->model[r->loaded];
    const struct tokens *t = &m->point[point].tokens;
    struct tokens few = {t->id, t->n < 16 ? t->n : 16, 0};
    struct session *session;
    struct shown shown = {0};
    double ignored[PARTS];
    for (int i = 0; r->tower && i < r->s->options.n_points; i++)
        if (m->point[i].fit.patches < m->point[point].fit.patches) point = i;
    if (r->tower) few = m->point[point].tokens;
    bool ok = begin_session(r, few.n + 2, &session, e) && (!r->tower || show_picture(r, point, &shown, e)) &&
              run_pass(r, session, r->tower ? &shown : NULL, &few, 2, ignored, e);
    session_free(session);
    free(shown.file);
    return ok;
}

/* Brings a model in; `point` is that of the window that wants it. */
static bool load(struct run *r, int index, int point, struct error *e)
{
    if ((r->model || r->tower) && r->loaded == index) return true;
    unload(r);
    r->loaded = index;
    return open_model(r, e) && warm_up(r, point, e);
}

/* ---- One window ---- */

/* Joules from t0 to t1; NAN where no meter supports them, which is told once. */
static double joules(struct run *r, double t0, double t1)
{
    struct energy energy = energy_none;
    struct error why;
    if (!r->hooks->meter || !meter_measures(r->hooks->meter)) return NAN;
    if (meter_between(r->hooks->meter, t0, t1, &energy, &why)) return energy.gross_j;
    if (!r->told && r->hooks->say) r->hooks->say("no joules for some windows: %s", why.text);
    r->told = true;
    return NAN;
}

static bool measure_passes(struct run *r, struct session *session, const struct shown *shown, const struct sweep_point *p,
                           double predicted, struct sweep_window *w, struct error *e)
{
    size_t n = (size_t)w->passes;
    double *times = malloc(PARTS * n * sizeof *times), parts[PARTS];
    bool ok = times || fail(e, "window of %d passes: found no memory", w->passes);
    for (size_t i = 0; ok && i < n; i++) {
        show(r, predicted * (double)i / (double)n);
        ok = run_pass(r, session, shown, &p->tokens, (size_t)r->s->options.gen, parts, e);
        for (size_t k = 0; ok && k < PARTS; k++) times[k * n + i] = parts[k];
    }
    double *to[PARTS] = {&w->read_s, &w->resize_s, &w->vision_s, &w->prefill_s, &w->decode_s, &w->sample_s};
    for (size_t k = 0; ok && k < PARTS; k++) *to[k] = median(times + k * n, n);
    free(times);
    return ok;
}

/* Adds half of the machine's pace at the moment, relative to the calibration's: once before a window and once after. */
static bool add_pace(struct run *r, struct sweep_window *w, struct error *e)
{
    double now[PACES] = {NAN, NAN};
    if (r->pace && !pace_take(r->pace, now, e)) return false;
    w->pace_prefill += now[PACE_PREFILL] / r->usual[PACE_PREFILL] / 2;
    w->pace_decode += now[PACE_DECODE] / r->usual[PACE_DECODE] / 2;
    return true;
}

static bool measure_window(struct run *r, struct sweep_window *w, struct error *e)
{
    const struct sweep_point *p = &r->s->model[w->model].point[w->point];
    double predicted = sweep_window_seconds(r->s, w->model, w->point);
    struct session *session;
    struct shown shown = {0};
    w->passes = p->passes;
    if (!load(r, w->model, w->point, e) || (r->tower && !show_picture(r, w->point, &shown, e))) return false;
    memory_trim(); /* what an earlier, longer window took is not this one's */
    bool ok = begin_session(r, p->tokens.n + (size_t)r->s->options.gen, &session, e) && add_pace(r, w, e);
    double t0 = auc_mark(r->auc);
    ok = ok && measure_passes(r, session, r->tower ? &shown : NULL, p, predicted, w, e);
    double t1 = auc_mark(r->auc);
    session_free(session);
    free(shown.file);
    struct auc_result a;
    if (!ok || !auc_between(r->auc, t0, t1, &a, e) || !add_pace(r, w, e)) return false;
    w->window_s = t1 - t0;
    w->cpu_s = a.cpu.gross;
    w->rss_bs = a.rss.gross;
    w->pss_bs = a.pss.gross;
    w->system_cpu_s = a.system_cpu.gross;
    w->energy_j = joules(r, t0, t1);
    if (r->hooks->journal && !journal_window(r->hooks->journal, w, e)) return false;
    r->done_s += predicted;
    r->done++;
    show(r, 0);
    return sweep_push(r->s, w) || fail(e, "window: found no memory");
}

/* ---- Idle ---- */

static double seconds_since_1970(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-6 * (double)(t.tv_nsec / 1000);
}

static bool measure_idle(struct run *r, bool after, struct idle_use *u, struct error *e)
{
    memory_trim();
    double at = seconds_since_1970(), t0 = auc_mark(r->auc);
    bool ok = auc_idle(r->auc, r->s->options.window_s, r->hooks->interrupted, e);
    double t1 = auc_mark(r->auc);
    struct auc_result a;
    if (stopped(r)) return fail(e, "interrupted");
    if (!ok || !auc_between(r->auc, t0, t1, &a, e)) return false;
    *u = (struct idle_use){.after = after,
                           .at = at,
                           .time_s = t1 - t0,
                           .cpu = a.cpu.gross / a.time_s,
                           .rss = a.rss.gross / a.time_s,
                           .pss = a.pss.gross / a.time_s,
                           .watts = joules(r, t0, t1) / (t1 - t0)};
    return !r->hooks->journal || journal_idle(r->hooks->journal, u, e);
}

/* ---- Order ---- */

/* A permutation of 0 .. n-1 (Fisher and Yates) for one round. */
static void shuffle(int *order, int n, uint64_t seed, int round)
{
    uint64_t state = random_at(seed, (uint64_t)round);
    for (int i = 0; i < n; i++) order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int k = (int)random_below(&state, (size_t)i + 1), swapped = order[i];
        order[i] = order[k];
        order[k] = swapped;
    }
}

/* A pulse in the meter's log where its clock is not ours: at first, and again every five minutes, so that what one clock gains
 * on the other over a long sweep is known. 100 parts in a million, which is a poor clock, are 30 ms of a window by then. */
static bool pulse(struct run *r, struct error *e)
{
    const double every_s = 300;
    struct meter *m = r->hooks->meter;
    if (!m || !meter_wants_pulse(m) || clock_now() - r->pulsed_at < every_s) return true;
    if (!meter_pulse(m, r->hooks->interrupted, e)) return false;
    r->pulsed_at = clock_now();
    return true;
}

static bool measure_all(struct run *r, struct error *e)
{
    const struct sweep_options *o = &r->s->options;
    int order[SWEEP_POINTS];
    bool ok = true;
    for (int round = 0; ok && round < o->repeats; round++) {
        shuffle(order, o->n_points, o->seed, round);
        for (int i = 0; ok && i < o->n_points; i++) {
            if (order[i] % o->shards != o->shard) continue;
            for (int k = 0; ok && k < o->n_models; k++) {
                int model = i % 2 ? o->n_models - 1 - k : k; /* A B, B A, A B ... */
                struct sweep_window w = {.model = model, .point = order[i], .repeat = round};
                if (sweep_has(r->s, model, order[i], round)) continue;
                ok = stopped(r) ? fail(e, "interrupted") : pulse(r, e) && measure_window(r, &w, e);
            }
        }
    }
    unload(r);
    return ok;
}

/* The work that tells the machine's pace, where that is to be found. It is made before the idle interval: its memory is no
 * window's. */
static bool begin_pace(struct run *r, struct error *e)
{
    const struct sweep_options *o = &r->s->options;
    return !(sweep_pace_seconds(r->s) > 0) || (r->pace = pace_of(o->device, o->threads, r->usual, e));
}

bool sweep_measure(struct sweep *s, const struct sweep_hooks *h, struct error *e)
{
    struct run r = {.s = s, .hooks = h, .pulsed_at = -INFINITY};
    size_t first = s->n_windows;
    if (!(r.total = sweep_missing(s, &r.total_s))) return true;
    struct auc_options ao = {.hz = s->options.hz, .tick = h->meter ? meter_tick : NULL, .tick_ctx = h->meter};
    if (!begin_pace(&r, e)) return false;
    if (!(r.auc = auc_start(&ao, e))) {
        pace_free(r.pace);
        return false;
    }
    struct idle_use before, after;
    bool begun = pulse(&r, e) && measure_idle(&r, false, &before, e);
    bool ok = begun && measure_all(&r, e) && measure_idle(&r, true, &after, e);
    if (begun) take_idle(s, first, &before, ok ? &after : NULL); /* as the journal has a session that was cut short */
    auc_free(r.auc);
    pace_free(r.pace);
    return ok;
}
