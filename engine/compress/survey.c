/* SPDX-License-Identifier: MIT */
#include "engine/compress/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compress/importance.h"
#include "engine/compress/overlay.h"
#include "engine/compress/trial.h"

/* Singular values settle on fewer tokens than the factors themselves, and trials need a part of the text that the survey's
 * decompositions have not seen: on the part that they have, errors of 0.8 of Gemma 270M cost half. Of a text of no more than
 * SURVEY_MIN_TOKENS there is none: all of it serves both. */
enum { SURVEY_SHARE = 2, SURVEY_MIN_TOKENS = 4096 };
/* What a unit's decompositions and trials take, as tokens that go through its layer for statistics: about that many for
 * Qwen2.5 1.5B. Neither depends on the text. */
enum { UNIT_TOKENS = 32768 };
static const double trial_ratio = 0.6;
#define LEAST_SHARE 0.01 /* of a unit's cost: a trial that found nothing is no proof */

/* The same for a unit whatever the scope. */
static uint32_t record_of(const struct unit *u)
{
    uint32_t role = 0;
    while (strcmp(site_roles[u->site][role], u->role[0])) role++;
    return ((uint32_t)u->layer * SITE_COUNT + u->site) * SITE_MAX_ROLES + role;
}

struct survey {
    const struct model *model;
    const struct compress_options *options;
    struct unit *units;
    size_t n;
    struct work_file *work;
    struct trial *trial;
    struct overlay overlay;
    uint64_t done, total;     /* sequences through layers, of statistics_run */
    uint64_t looked, to_look; /* units, in this run */
    uint64_t per_unit;        /* what one of them counts beside the sequences */
};

/* A unit at hand. */
struct subject {
    struct unit *u;
    double *w, *importance, *scale; /* its matrices, scaled or not; of each row */
    struct decomposition d;         /* of w, scaled */
    float *trial;                   /* its matrices at the trial's rank */
    double error[SITE_MAX_ROLES];   /* the relative error of each there */
};

static void subject_free(struct subject *t)
{
    decomposition_free(&t->d);
    free(t->w);
    free(t->importance);
    free(t->scale);
    free(t->trial);
}

static bool subject_new(struct subject *t, struct survey *s, struct unit *u, const struct statistics_layer *l, struct error *e)
{
    *t = (struct subject){.u = u, .w = unit_matrix(u, s->model, e)};
    t->importance = malloc(u->n_out * sizeof *t->importance);
    t->scale = malloc(u->n_out * sizeof *t->scale);
    t->trial = malloc(u->n_out * u->n_in * sizeof *t->trial);
    u->error = calloc(u->full + 1, sizeof *u->error);
    bool ok = t->w && ((t->importance && t->scale && t->trial && u->error) ||
                       fail(e, "found no memory for a matrix of %zu x %zu", u->n_out, u->n_in));
    if (ok && importance_of(u, s->model, l, t->importance, e)) return true;
    subject_free(t);
    return false;
}

/* By the unit's shares, as they are now. Leaves w scaled. */
static bool take_apart(struct subject *t, const struct metric *m, struct error *e)
{
    decomposition_free(&t->d);
    double norms[SITE_MAX_ROLES], *image = metric_image(m, t->w, t->u->n_out, e);
    if (!image || !cores_scales(t->u, image, t->importance, t->scale, norms, e)) {
        free(image);
        return false;
    }
    cores_scale(t->u, t->scale, false, t->w);
    cores_scale(t->u, t->scale, false, image);
    return decompose(&t->d, t->w, image, t->u->n_out, t->u->n_in, m, e);
}

/* The matrices at the trial's rank, and their errors. Leaves w as it is in the model. */
static bool make_trial(struct subject *t, size_t rank, const struct metric *m, struct error *e)
{
    const struct unit *u = t->u;
    size_t n = u->n_out * u->n_in;
    struct low_rank l = {.rank = 0};
    double *product = malloc(n * sizeof *product);
    bool ok = product || fail(e, "found no memory for a matrix of %zu x %zu", u->n_out, u->n_in);
    ok = ok && low_rank_new(&l, &t->d, rank, false, e) && low_rank_product(&l, product, e);
    low_rank_free(&l);
    if (ok) {
        cores_scale(u, t->scale, true, t->w);
        for (size_t i = 0; i < n; i++) {
            t->trial[i] = (float)(product[i] / t->scale[i / u->n_in]);
            product[i] -= t->w[i] * t->scale[i / u->n_in];
        }
    }
    const double *row = product;
    for (int i = 0; ok && i < u->n_roles; row += u->out[i++] * u->n_in) {
        t->error[i] = metric_norm(m, row, u->out[i]) / u->share[i];
        ok = !isnan(t->error[i]) || fail(e, "found no memory for the norm of a matrix, or numbers that are none");
    }
    free(product);
    return ok;
}

/* What an error of each matrix costs: with that one alone as in the trial. */
static bool probe(struct survey *s, struct subject *t, struct error *e)
{
    struct unit *u = t->u;
    const float *row = t->trial;
    double cost[SITE_MAX_ROLES] = {0};
    u->weight = 0;
    for (int i = 0; i < u->n_roles; row += u->out[i++] * u->n_in) {
        char name[TENSOR_MAX_NAME];
        double kl;
        unit_tensor(u, i, name);
        overlay_put(&s->overlay, name, row);
        bool ok = trial_run(s->trial, &s->overlay.model, &kl, e);
        overlay_put(&s->overlay, name, NULL);
        if (!ok) return false;
        cost[i] = t->error[i] > 0 && kl > 0 ? kl / t->error[i] : 0;
        u->weight += cost[i];
    }
    for (int i = 0; i < u->n_roles; i++)
        u->share[i] = u->weight > 0 ? fmax(cost[i] / u->weight, LEAST_SHARE) : 1 / (double)u->n_roles;
    return true;
}

/* The unit's error curve, and what errors cost. */
static bool look_at(struct survey *s, struct unit *u, const struct statistics_layer *l, const struct metric *metric,
                    struct error *e)
{
    struct subject t;
    if (!subject_new(&t, s, u, l, e)) return false;
    size_t step = unit_rank_step(u, s->options->core_type), rank = unit_rank_for(u, trial_ratio, !s->options->no_gauge, step);
    bool ok = take_apart(&t, metric, e) && (rank == u->full || (make_trial(&t, rank, metric, e) && probe(s, &t, e)));
    if (ok && u->n_roles > 1 && rank < u->full) ok = take_apart(&t, metric, e); /* shares have changed */
    for (size_t r = 0; ok && r <= u->full; r++) u->error[r] = decomposition_error(&t.d, r);
    subject_free(&t);
    return ok;
}

static bool remember(struct survey *s, const struct unit *u, struct error *e)
{
    const struct work_piece pieces[] = {
        {&u->weight, sizeof u->weight}, {u->share, sizeof u->share}, {u->error, (u->full + 1) * sizeof *u->error}};
    return work_file_add(s->work, RECORD_SURVEY, record_of(u), pieces, 3, e);
}

static bool recall(struct survey *s, struct unit *u, struct error *e)
{
    size_t bytes, head = sizeof u->weight + sizeof u->share, curve = (u->full + 1) * sizeof *u->error;
    char *record = work_file_read(s->work, RECORD_SURVEY, record_of(u), &bytes, e);
    if (!record) return false;
    u->error = bytes == head + curve ? malloc(curve) : NULL;
    if (u->error) {
        memcpy(&u->weight, record, sizeof u->weight);
        memcpy(u->share, record + sizeof u->weight, sizeof u->share);
        memcpy(u->error, record + head, curve);
    }
    free(record);
    return u->error || fail(e, "survey: found a record of %zu bytes, expected %zu", bytes, head + curve);
}

static void report(const struct survey *s)
{
    const struct compress_options *o = s->options;
    uint64_t done = s->done + s->per_unit * s->looked, total = s->total + s->per_unit * s->to_look;
    if (o->progress) o->progress(o->progress_ctx, "surveying", done, total);
}

static bool each_layer(void *ctx, const struct statistics_layer *l, const struct plan **next, struct error *e)
{
    struct survey *s = ctx;
    (void)next;
    size_t first = 0, n = 0;
    while (s->units[first].layer < l->layer) first++;
    while (first + n < s->n && s->units[first + n].layer == l->layer) n++;
    struct unit *u = s->units + first;
    struct metric metric = {.n = 0};
    bool ok = trial_advance(s->trial, l->layer, e);
    for (size_t i = 0; ok && i < n; i++) {
        if (s->options->stop && *s->options->stop) ok = fail(e, "interrupted");
        if (ok && (!i || u[i].site != u[i - 1].site)) {
            metric_free(&metric);
            ok = metric_new(&metric, l->input[u[i].site]->second, u[i].n_in, COMPRESS_DAMPING, e);
        }
        ok = ok && look_at(s, &u[i], l, &metric, e);
        if (ok) s->looked++, report(s);
    }
    metric_free(&metric);
    for (size_t i = 0; ok && i < n; i++) ok = remember(s, &u[i], e);
    return ok;
}

static void surveying(void *ctx, uint64_t done, uint64_t total)
{
    struct survey *s = ctx;
    s->done = done;
    s->total = total;
    report(s);
}

bool survey_run(const struct model *m, const struct compress_options *o, struct unit *units, size_t n, struct work_file *work,
                struct error *e)
{
    struct survey s = {.model = m, .options = o, .units = units, .n = n, .work = work};
    size_t known = 0;
    while (known < n && work_file_has(work, RECORD_SURVEY, record_of(&units[known]))) known++;
    /* Of the last layer that is known some may be missing. */
    while (known && known < n && units[known - 1].layer == units[known].layer) known--;
    for (size_t i = 0; i < known; i++)
        if (!recall(&s, &units[i], e)) return false;
    if (known == n) return true;
    struct calibration c = {.id = NULL};
    struct statistics_options so = {.slopes = true,
                                    .threads = o->threads,
                                    .first = units[known].layer,
                                    .progress = surveying,
                                    .progress_ctx = &s,
                                    .stop = o->stop};
    bool ok = calibration_read(&c, m, o->text, o->text_len, o->context, o->tokens, e) && overlay_new(&s.overlay, m, e);
    size_t part = c.sequences / SURVEY_SHARE, least = (SURVEY_MIN_TOKENS + o->context - 1) / o->context; /* 1 or more */
    if (part < least) part = least;
    struct calibration unseen = c;
    if (part < c.sequences) {
        unseen.id += part * c.context;
        unseen.sequences -= part;
        c.sequences = part;
    }
    s.to_look = n - known;
    s.per_unit = UNIT_TOKENS / o->context;
    s.trial = ok ? trial_new(m, &unseen, o->threads, e) : NULL;
    ok = s.trial && statistics_run(m, &c, &so, each_layer, &s, e);
    trial_free(s.trial);
    overlay_free(&s.overlay);
    calibration_free(&c);
    return ok;
}
