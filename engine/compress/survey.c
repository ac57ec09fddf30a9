/* SPDX-License-Identifier: MIT */
#include "engine/compress/survey.h"

#include <stdlib.h>
#include <string.h>

#include "engine/compress/overlay.h"
#include "engine/divergence.h"

/* Singular values settle on fewer tokens than the factors themselves; what a trial needs is a figure good to some percent. */
enum { SURVEY_SHARE = 4, SURVEY_MIN_TOKENS = 4096, TRIAL_CONTEXT = 256, TRIAL_CHUNKS = 2 };
static const double trial_ratio = 0.6;

/* What is tried together: errors of matrices that one product reads or makes do not add up, those of groups do. */
enum group { GROUP_ATTENTION, GROUP_GATE_UP, GROUP_DOWN, GROUP_COUNT };

static enum group group_of(const struct unit *u)
{
    return u->site == SITE_DOWN ? GROUP_DOWN : u->site == SITE_GATE_UP ? GROUP_GATE_UP : GROUP_ATTENTION;
}

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
    struct divergence_reference *reference;
    struct overlay overlay;
};

/* The unit's error curve, and its matrices as they are at the trial's rank in the overlay. */
static bool look_at(struct survey *s, struct unit *u, const struct metric *metric, float **trial, struct error *e)
{
    size_t n = u->n_out * u->n_in;
    double scale[SITE_MAX_ROLES], *w = unit_matrix(u, s->model, e);
    struct decomposition d = {.n_out = 0};
    struct low_rank l = {.rank = 0};
    u->error = calloc(u->full + 1, sizeof *u->error);
    *trial = malloc(n * sizeof **trial);
    bool ok = w && ((u->error && *trial) || fail(e, "found no memory for a matrix of %zu x %zu", u->n_out, u->n_in)) &&
              cores_scales(u, w, metric, scale, e);
    if (ok) cores_scale(u, scale, w);
    ok = ok && decompose(&d, w, u->n_out, u->n_in, metric, e);
    for (size_t r = 0; ok && r <= u->full; r++) u->error[r] = decomposition_error(&d, r);
    size_t step = unit_rank_step(u, s->options->core_type), rank = unit_rank_for(u, trial_ratio, !s->options->no_gauge, step);
    if (ok && rank < u->full) ok = low_rank_new(&l, &d, rank, false, e) && low_rank_product(&l, w, e);
    u->rank = rank;
    for (int i = 0; ok && i < u->n_roles; i++) scale[i] = 1 / scale[i];
    if (ok) cores_scale(u, scale, w);
    for (size_t i = 0; ok && i < n; i++) (*trial)[i] = (float)w[i];
    low_rank_free(&l);
    decomposition_free(&d);
    free(w);
    return ok;
}

static void lay_over(struct survey *s, const struct unit *u, const float *data)
{
    for (int i = 0; i < u->n_roles; i++) {
        char name[TENSOR_MAX_NAME];
        unit_tensor(u, i, name);
        overlay_put(&s->overlay, name, data);
        if (data) data += u->out[i] * u->n_in;
    }
}

/* The cost of the group's errors, shared among its units by these: all have the same weight. */
static bool weigh(struct survey *s, struct unit *first, size_t n, enum group group, float *const *trial, struct error *e)
{
    struct divergence d;
    double errors = 0;
    for (size_t i = 0; i < n; i++)
        if (group_of(&first[i]) == group) {
            lay_over(s, &first[i], trial[i]);
            errors += first[i].error[first[i].rank];
        }
    bool ok = divergence_from(s->reference, &s->overlay.model, &d, e);
    for (size_t i = 0; i < n; i++)
        if (group_of(&first[i]) == group) {
            lay_over(s, &first[i], NULL);
            first[i].weight = ok && errors > 0 ? d.kl / errors : 0;
        }
    return ok;
}

static bool remember(struct survey *s, const struct unit *u, struct error *e)
{
    const struct work_piece pieces[] = {{&u->weight, sizeof u->weight}, {u->error, (u->full + 1) * sizeof *u->error}};
    return work_file_add(s->work, RECORD_SURVEY, record_of(u), pieces, 2, e);
}

static bool recall(struct survey *s, struct unit *u, struct error *e)
{
    size_t bytes, curve = (u->full + 1) * sizeof *u->error;
    char *record = work_file_read(s->work, RECORD_SURVEY, record_of(u), &bytes, e);
    if (!record) return false;
    u->error = bytes == sizeof u->weight + curve ? malloc(curve) : NULL;
    if (u->error) {
        memcpy(&u->weight, record, sizeof u->weight);
        memcpy(u->error, record + sizeof u->weight, curve);
    }
    free(record);
    return u->error || fail(e, "survey: found a record of %zu bytes, expected %zu", bytes, sizeof u->weight + curve);
}

static bool each_layer(void *ctx, const struct statistics_layer *l, const struct plan **next, struct error *e)
{
    struct survey *s = ctx;
    enum { MAX_UNITS = SITE_COUNT * SITE_MAX_ROLES };
    float *trial[MAX_UNITS] = {NULL};
    (void)next;
    size_t first = 0, n = 0;
    while (s->units[first].layer < l->layer) first++;
    while (first + n < s->n && s->units[first + n].layer == l->layer) n++;
    struct unit *u = s->units + first;
    struct metric metric = {.n = 0};
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        if (!i || u[i].site != u[i - 1].site) {
            metric_free(&metric);
            ok = metric_new(&metric, l->input[u[i].site]->second, u[i].n_in, COMPRESS_DAMPING, e);
        }
        ok = ok && look_at(s, &u[i], &metric, &trial[i], e);
    }
    metric_free(&metric);
    for (int g = 0; ok && g < GROUP_COUNT; g++) {
        bool any = false;
        for (size_t i = 0; i < n; i++) any |= group_of(&u[i]) == (enum group)g;
        ok = !any || weigh(s, u, n, (enum group)g, trial, e);
    }
    for (size_t i = 0; i < n; i++) free(trial[i]);
    for (size_t i = 0; ok && i < n; i++) ok = remember(s, &u[i], e);
    return ok;
}

static void surveying(void *ctx, uint64_t done, uint64_t total)
{
    const struct compress_options *o = ctx;
    if (o->progress) o->progress(o->progress_ctx, "surveying", done, total);
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
    struct divergence_options trial = {
        .context = TRIAL_CONTEXT, .max_chunks = TRIAL_CHUNKS, .kv_type = TYPE_F16, .threads = o->threads};
    struct statistics_options so = {
        .threads = o->threads, .first = units[known].layer, .progress = surveying, .progress_ctx = (void *)o, .stop = o->stop};
    bool ok = calibration_read(&c, m, o->text, o->text_len, o->context, o->tokens, e) && overlay_new(&s.overlay, m, e);
    size_t part = c.sequences / SURVEY_SHARE, least = (SURVEY_MIN_TOKENS + o->context - 1) / o->context; /* 1 or more */
    if (part < least) part = least;
    if (part < c.sequences) c.sequences = part;
    s.reference = ok ? divergence_remember(m, o->text, o->text_len, &trial, e) : NULL;
    ok = s.reference && statistics_run(m, &c, &so, each_layer, &s, e);
    divergence_forget(s.reference);
    overlay_free(&s.overlay);
    calibration_free(&c);
    return ok;
}
