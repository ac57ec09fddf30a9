/* auc_window.c - what was used in a window of a recording, above idle.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/auc_private.h"

#include <math.h>
#include <unistd.h>

#define BLOCK_S 0.2 /* of idle: five a second, as the default samples */

/* What was summed up to time t, which lies within the recording, and the index of the first sample at or after it. */
static struct sample at(const struct auc *a, double t, size_t *index)
{
    size_t low = 0, high = a->n - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->s[middle].t < t)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    struct sample s = a->s[low];
    if (!low || s.t == t) return s;
    const struct sample *p = &a->s[low - 1];
    double x = (t - p->t) / (s.t - p->t);
#define BETWEEN(field) s.field = p->field + x * (s.field - p->field)
    BETWEEN(cpu_s);
    BETWEEN(system_cpu_s);
    BETWEEN(steal_s);
    BETWEEN(sampler_s);
    BETWEEN(rss_area);
    BETWEEN(pss_area);
    BETWEEN(pss_gap_s);
    BETWEEN(system_used_area);
#undef BETWEEN
    s.t = t;
    return s;
}

/* The five curves that have an idle level: what is used in a stretch from p to q. */
enum { CPU, RSS, PSS, SYSTEM_CPU, SYSTEM_USED, CURVES };

static void used(const struct sample *p, const struct sample *q, double v[CURVES])
{
    v[CPU] = q->cpu_s - p->cpu_s;
    v[RSS] = q->rss_area - p->rss_area;
    v[PSS] = q->pss_gap_s > p->pss_gap_s ? NAN : q->pss_area - p->pss_area;
    v[SYSTEM_CPU] = q->system_cpu_s - p->system_cpu_s;
    v[SYSTEM_USED] = q->system_used_area - p->system_used_area;
}

static struct auc_level *level_of(struct auc_idle *i, int curve)
{
    struct auc_level *of[CURVES] = {&i->cpu, &i->rss, &i->pss, &i->system_cpu, &i->system_used};
    return of[curve];
}

/* Of n block means, whose distances x from the first add up to `sum`, `squares` and, neighbour by neighbour, `products`; `last`
 * is the last. */
static struct auc_level level_from(double mean, double n, double sum, double squares, double products, double last)
{
    if (n < 2) return (struct auc_level){.mean = mean, .variance = NAN, .correlation = NAN};
    double m = sum / n, spread = fmax(0, squares - n * m * m);
    /* The first x is 0. */
    double together = products - m * (2 * sum - last) + (n - 1) * m * m;
    double r = spread > 0 ? together / spread : 0, rho = n > 4 ? (r + 1 / n) / (1 - 4 / n) : r;
    return (struct auc_level){.mean = mean, .variance = spread / (n - 1), .correlation = fmin(1, fmax(0, rho))};
}

/* The variance that sums of blocks have for each block: neighbours that are alike average out more slowly. */
static double long_run(const struct auc_level *l, double blocks)
{
    double factor = (1 + l->correlation) / (1 - l->correlation);
    return l->variance * fmin(factor, blocks);
}

static struct auc_idle idle_level(const struct auc *a, double t0, double t1)
{
    struct auc_idle r = {.t0 = t0, .t1 = t1};
    size_t first, last;
    struct sample begin = at(a, t0, &first), end = at(a, t1, &last), block = begin;
    double v[CURVES], sum[CURVES] = {0}, squares[CURVES] = {0}, products[CURVES] = {0}, origin[CURVES] = {0}, x[CURVES] = {0};
    for (size_t i = first; i <= last; i++) {
        const struct sample *s = i == last ? &end : &a->s[i];
        double dt = s->t - block.t;
        if (dt < 0.75 * BLOCK_S) continue; /* the last block may be short, and is left out of the variance */
        used(&block, s, v);
        for (int k = 0; k < CURVES; k++) {
            double previous = x[k];
            if (!r.blocks) origin[k] = v[k] / dt;
            x[k] = v[k] / dt - origin[k];
            sum[k] += x[k];
            squares[k] += x[k] * x[k];
            products[k] += x[k] * previous;
        }
        r.blocks++;
        r.block_s = (s->t - t0) / (double)r.blocks;
        block = *s;
    }
    used(&begin, &end, v);
    for (int k = 0; k < CURVES; k++)
        *level_of(&r, k) = level_from(v[k] / (t1 - t0), (double)r.blocks, sum[k], squares[k], products[k], x[k]);
    r.busy = r.system_cpu.mean / (double)sysconf(_SC_NPROCESSORS_ONLN);
    return r;
}

/* The last interval that ended before the window and the first that began after it. */
static void find_idle(const struct auc *a, struct auc_result *r)
{
    const double none = NAN;
    size_t before = a->n_idle, after = a->n_idle;
    r->before = r->after = (struct auc_idle){.t0 = none, .t1 = none};
    for (size_t i = 0; i < a->n_idle; i++) {
        if (a->idle[i].t1 <= r->t0 && (before == a->n_idle || a->idle[i].t1 > a->idle[before].t1)) before = i;
        if (a->idle[i].t0 >= r->t1 && (after == a->n_idle || a->idle[i].t0 < a->idle[after].t0)) after = i;
    }
    if (before < a->n_idle) r->before = idle_level(a, a->idle[before].t0, a->idle[before].t1);
    if (after < a->n_idle) r->after = idle_level(a, a->idle[after].t0, a->idle[after].t1);
}

/* The area above idle, by the formula in auc.h. `error_s2`: variance of the gross figure itself. */
static struct auc_area above_idle(const struct auc_result *r, int curve, double gross, double error_s2)
{
    struct auc_idle before = r->before, after = r->after;
    bool b = !isnan(before.t0), f = !isnan(after.t0);
    if (!b && !f) return (struct auc_area){gross, NAN, NAN};
    if (!b) before = after;
    if (!f) after = before;
    const struct auc_level *l1 = level_of(&before, curve), *l2 = level_of(&after, curve);
    double T = r->time_s, drift = l2->mean - l1->mean;
    double n1 = (double)before.blocks, n2 = (double)after.blocks, s1 = long_run(l1, n1), s2 = long_run(l2, n2);
    double of_mean = (s1 / n1 + s2 / n2) / (b && f ? 4 : 2);
    double in_window = T * (before.block_s + after.block_s) / 2 * (s1 + s2) / 2;
    return (struct auc_area){
        .gross = gross,
        .net = gross - T * (l1->mean + l2->mean) / 2,
        .sd = sqrt(T * T * (of_mean + drift * drift / 12) + in_window + error_s2),
    };
}

/* The integral of utilisation as sampled at ticks, each the mean since the tick before (as psutil.cpu_percent has it), by
 * trapezoids; the ends are filled with the nearest. NAN: no tick in the window. */
static double sampled_cpu(const struct auc *a, const struct auc_result *r)
{
    double area = 0, last_t = r->t0, last_use = NAN;
    const struct sample *tick = NULL;
    for (size_t i = 0; i < a->n && a->s[i].t <= r->t1; i++) {
        const struct sample *s = &a->s[i];
        if (s->mark && i) continue;
        if (tick && s->t >= r->t0 && s->t > tick->t) {
            double use = (s->cpu_s - tick->cpu_s) / (s->t - tick->t);
            area += (s->t - last_t) * (isnan(last_use) ? use : (use + last_use) / 2);
            last_t = s->t;
            last_use = use;
        }
        tick = s;
    }
    return area + last_use * (r->t1 - last_t);
}

void auc_window(const struct auc *a, struct auc_result *r)
{
    size_t first, last;
    struct sample begin = at(a, r->t0, &first), end = at(a, r->t1, &last);
    double v[CURVES], tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    find_idle(a, r);
    used(&begin, &end, v);
    for (size_t i = first; i <= last; i++) {
        const struct sample *s = &a->s[i];
        if (s->t >= r->t0 && s->t <= r->t1) {
            r->samples++;
            r->peak_rss_bytes = fmax(r->peak_rss_bytes, s->t == r->t0 ? s->rss : s->peak_rss);
        }
        if (i > first || s->t > r->t0) r->max_gap_s = fmax(r->max_gap_s, s->max_gap_s);
    }
    if (a->o.below_root) {
        /* Nothing was started yet: no noise, no drift. */
        r->cpu = (struct auc_area){v[CPU], v[CPU], sqrt(tick_s * tick_s / 6)};
        r->rss = (struct auc_area){v[RSS], v[RSS], 0};
        r->pss = (struct auc_area){v[PSS], v[PSS], isnan(v[PSS]) ? NAN : 0};
        /* It came and went between two samples, or was seen only as it began or ended: nobody saw its memory. */
        if (!(v[RSS] > 0)) r->rss = r->pss = (struct auc_area){NAN, NAN, NAN}, r->peak_rss_bytes = NAN;
        if (!(v[PSS] > 0)) r->pss = (struct auc_area){NAN, NAN, NAN};
    } else {
        r->cpu = above_idle(r, CPU, v[CPU], tick_s * tick_s / 6);
        r->rss = above_idle(r, RSS, v[RSS], 0);
        r->pss = above_idle(r, PSS, v[PSS], 0);
    }
    r->system_cpu = above_idle(r, SYSTEM_CPU, v[SYSTEM_CPU], tick_s * tick_s / 6);
    r->system_used = above_idle(r, SYSTEM_USED, v[SYSTEM_USED], 0);
    r->cpu_sampled = sampled_cpu(a, r) - (r->cpu.gross - r->cpu.net);
    r->steal_s = end.steal_s - begin.steal_s;
    r->sampler_cpu_s = end.sampler_s - begin.sampler_s;
    r->pss_samples = end.pss_reads - begin.pss_reads;
    r->missed = a->missed;
    r->hz = a->o.hz;
}
