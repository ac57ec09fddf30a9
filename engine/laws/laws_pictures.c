/* laws_pictures.c - what a sweep of pictures says: knees, plateaus, the cost of a patch; see laws.h.
 * SPDX-License-Identifier: MIT */
#include "engine/laws/laws.h"

#include "base/median.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const curve_names[CURVE_COUNT] = {"c", "a", "b"};
const char *const curve_units[CURVE_COUNT] = {"s", "s/patch", "s/patch^2"};

static int clamp_of(const struct laws_point *p, const struct sweep *s)
{
    return p->index / s->options.pictures.n_edges;
}

static int longest(const struct laws_point *p)
{
    const struct clamped *fit = &p->plan->fit;
    return longest_edge(fit->in_width, fit->in_height);
}

/* ---- Knees and plateaus ---- */

/* The place where the stairs reach so many patches, in pixels. */
static double edge_of(const struct sweep_clamp *c, double patches)
{
    for (size_t i = 0; i < c->n_stairs; i++)
        if ((double)c->stairs[i].stair.unbounded >= patches) return c->stairs[i].stair.edge;
    return NAN;
}

static bool find_knee(struct laws_clamp *k, const struct laws_model *m, const struct sweep *s, int clamp, struct error *e)
{
    const struct sweep_clamp *c = k->plan;
    struct knee_point points[SWEEP_EDGES];
    size_t n = 0, n_levels = 0;
    double *levels = malloc(c->n_stairs * sizeof *levels);
    if (!levels) return fail(e, "knee: found no memory for %zu steps", c->n_stairs);
    for (int i = 0; i < m->n_points; i++)
        if (clamp_of(&m->point[i], s) == clamp)
            points[n++] = (struct knee_point){m->point[i].plan->unbounded, m->point[i].time_s};
    for (size_t i = 0; i < c->n_stairs; i++) {
        double patches = (double)c->stairs[i].stair.unbounded;
        if (!n_levels || patches > levels[n_levels - 1]) levels[n_levels++] = patches;
    }
    bool ok = knee_fit(&k->knee, points, n, levels, n_levels, e);
    free(levels);
    k->knee_predicted_px = c->knee ? c->knee : NAN;
    k->knee_measured_px = edge_of(c, k->knee.at);
    k->knee_low_px = edge_of(c, k->knee.low);
    k->knee_high_px = edge_of(c, k->knee.high);
    return ok;
}

/* Where a clamp binds nowhere there is no plateau. Medians: what disturbed one size is not the plateau's, and a rule that
 * bounds the area gives its sizes several grids. */
static void find_plateau(struct laws_clamp *k, const struct laws_model *m, const struct sweep *s, int clamp)
{
    double time[SWEEP_EDGES], predicted[SWEEP_EDGES], grid[SWEEP_EDGES], flops[SWEEP_EDGES];
    k->patches = k->flops = k->time_s = k->predicted_s = NAN;
    for (int i = 0; i < m->n_points; i++) {
        const struct laws_point *p = &m->point[i];
        if (clamp_of(p, s) != clamp || !(longest(p) >= k->knee_predicted_px)) continue;
        time[k->n] = p->time_s;
        predicted[k->n] = p->plan->time_s;
        grid[k->n] = (double)p->plan->fit.patches;
        flops[k->n++] = p->plan->flops;
    }
    if (!k->n) return;
    k->time_s = median(time, (size_t)k->n);
    k->predicted_s = median(predicted, (size_t)k->n);
    k->patches = median(grid, (size_t)k->n);
    k->flops = median(flops, (size_t)k->n);
}

/* ---- The curve ---- */

static double patches(const struct laws_point *p)
{
    return (double)p->plan->fit.patches;
}

/* Its place among the different numbers of patches, so that pictures of the same grid are never on both sides. */
static int rank(const struct laws_model *m, int of)
{
    int below = 0;
    for (int i = 0; i < m->n_points; i++) {
        bool seen = patches(&m->point[i]) >= patches(&m->point[of]);
        for (int k = 0; k < i && !seen; k++) seen = patches(&m->point[k]) == patches(&m->point[i]);
        below += !seen;
    }
    return below;
}

/* Over all points, or those of rank `odd` (0, 1) modulo 2. */
static bool fit_curve(struct regression *r, const struct laws_model *m, bool predicted, int odd)
{
    double *x = malloc((CURVE_COUNT + 2) * (size_t)m->n_points * sizeof *x), *y = x + CURVE_COUNT * m->n_points;
    double *weight = y + m->n_points;
    size_t n = 0;
    for (int i = 0; x && i < m->n_points; i++) {
        const struct laws_point *p = &m->point[i];
        if (odd >= 0 && rank(m, i) % 2 != odd) continue;
        x[CURVE_COUNT * n] = 1;
        x[CURVE_COUNT * n + 1] = patches(p);
        x[CURVE_COUNT * n + 2] = patches(p) * patches(p);
        y[n] = predicted ? p->plan->time_s : p->time_s;
        weight[n] = 1 / (y[n] * y[n]);
        n++;
    }
    bool ok = x && regress(r, x, y, weight, n, CURVE_COUNT);
    free(x);
    return ok;
}

static void take_curve(struct laws_model *m)
{
    struct laws_curve *c = &m->curve;
    struct regression measured, predicted;
    int most = 0;
    for (int i = 0; i < m->n_points; i++) most = rank(m, i) > most ? rank(m, i) : most;
    c->known = most >= CURVE_COUNT && fit_curve(&measured, m, false, -1) && fit_curve(&predicted, m, true, -1);
    for (int i = 0; i < CURVE_COUNT; i++) {
        c->b[i] = c->known ? measured.b[i] : NAN;
        c->low[i] = c->known ? measured.low[i] : NAN;
        c->high[i] = c->known ? measured.high[i] : NAN;
        c->predicted[i] = c->known ? predicted.b[i] : NAN;
    }
}

/* ---- Errors ---- */

/* What a baseline sees: tokens, a picture's among them. */
static struct baseline_run as_run(const struct laws_model *m, const struct laws_point *p, const struct sweep *s)
{
    size_t n = p->plan->tokens.n;
    double all = n ? (double)n + (double)s->options.gen : (double)p->plan->fit.tokens;
    return (struct baseline_run){all, m->plan->file_bytes * p->plan->steps, p->time_s};
}

/* Baselines and the curve are shown the grids of the other rank; a prediction none. */
static bool judge(struct laws_model *m, const struct sweep *s, struct error *e)
{
    size_t n = (size_t)m->n_points;
    struct validation_point *points = malloc(n * sizeof *points), *fitted = malloc(n * sizeof *points);
    struct validation_point *paced = malloc(n * sizeof *points);
    struct baseline_run *runs = malloc(n * sizeof *runs);
    bool ok = (points && fitted && paced && runs) || fail(e, "sweep of %zu points: found no memory", n);
    for (int odd = 0; ok && odd < 2; odd++) {
        struct baselines b;
        struct regression r;
        size_t others = 0;
        for (int i = 0; i < m->n_points; i++)
            if (rank(m, i) % 2 != odd) runs[others++] = as_run(m, &m->point[i], s);
        baselines_fit(&b, runs, others);
        b.per_byte = 1 / m->plan->law.bandwidth;
        bool known = fit_curve(&r, m, false, !odd);
        for (int i = 0; i < m->n_points; i++) {
            const struct laws_point *p = &m->point[i];
            struct baseline_run run = as_run(m, p, s);
            double N = patches(p);
            if (rank(m, i) % 2 != odd) continue;
            points[i] = (struct validation_point){.stratum = STRATUM_UNSEEN_CLAMP,
                                                  .predicted = p->plan->time_s,
                                                  .measured = p->time_s,
                                                  .interval = {NAN, NAN},
                                                  .baseline = {NAN, NAN, NAN}};
            fitted[i] = paced[i] = points[i];
            paced[i].measured = p->paced_s;
            memcpy(points[i].interval, p->plan->interval95_s, sizeof points[i].interval);
            baselines_predict(&b, &run, points[i].baseline);
            fitted[i].predicted = known ? r.b[CURVE_C] + r.b[CURVE_A] * N + r.b[CURVE_B] * N * N : NAN;
        }
    }
    if (ok) {
        validate(&m->time, points, n, STRATUM_ALL);
        validate(&m->paced, paced, n, STRATUM_ALL);
        validate(&m->held_out, fitted, n, STRATUM_ALL);
    }
    free(points);
    free(fitted);
    free(paced);
    free(runs);
    return ok;
}

bool laws_sum_up_pictures(struct laws_model *m, const struct sweep *s, int model, struct error *e)
{
    for (int c = 0; c < s->options.pictures.n_clamps; c++) {
        struct laws_clamp *k = &m->clamp[c];
        *k = (struct laws_clamp){.plan = &s->model[model].clamp[c]};
        if (!find_knee(k, m, s, c, e)) return false;
        find_plateau(k, m, s, c);
        k->ratio = k->time_s / m->clamp[0].time_s;
        k->predicted_ratio = k->predicted_s / m->clamp[0].predicted_s;
    }
    take_curve(m);
    return judge(m, s, e);
}
