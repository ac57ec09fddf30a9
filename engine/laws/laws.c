/* SPDX-License-Identifier: MIT */
#include "engine/laws/laws.h"

#include "base/median.h"
#include "engine/account/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const laws_figure_names[LAWS_FIGURES] = {"time", "cpu_auc", "ram_auc", "throughput", "energy"};

/* ---- Points ---- */

/* Median of a figure over a prompt's windows; NAN where one of them lacks it. */
static double middle(double *v, int n)
{
    for (int i = 0; i < n; i++)
        if (isnan(v[i])) return NAN;
    return n ? median(v, (size_t)n) : NAN;
}

/* Figures of one window, a pass of it. */
enum figure {
    TIME,
    VISION,
    READ,
    RESIZE,
    PREFILL,
    DECODE,
    SAMPLE,
    WINDOW,
    CPU,
    RAM,
    PSS,
    OTHERS,
    JOULES,
    NET,
    PACED,
    PACE0,
    PACE1,
    FIGURES
};

static void take_window(const struct sweep_window *w, double v[FIGURES])
{
    double passes = w->passes, t = w->window_s;
    v[TIME] = w->vision_s + w->prefill_s + w->decode_s - w->sample_s;
    v[VISION] = w->vision_s;
    v[READ] = w->read_s;
    v[RESIZE] = w->resize_s;
    v[PREFILL] = w->prefill_s;
    v[DECODE] = w->decode_s - w->sample_s;
    v[SAMPLE] = w->sample_s;
    v[WINDOW] = t;
    v[CPU] = (w->cpu_s - w->idle_cpu * t) / passes;
    v[RAM] = (w->rss_bs - w->idle_rss * t) / passes;
    v[PSS] = (w->pss_bs - w->idle_pss * t) / passes;
    v[OTHERS] = (w->system_cpu_s - w->cpu_s) / passes;
    v[JOULES] = w->energy_j / passes;
    v[NET] = (w->energy_j - w->idle_w * t) / passes;
    v[PACED] = (v[VISION] + v[PREFILL]) / w->pace_prefill + (v[DECODE] > 0 ? v[DECODE] / w->pace_decode : 0);
    v[PACE0] = w->pace_prefill;
    v[PACE1] = w->pace_decode;
}

static bool take_point(struct laws_point *p, const struct sweep *s, int model, int index, struct error *e)
{
    int repeats = s->options.repeats, n = 0;
    double *v = malloc(FIGURES * (size_t)repeats * sizeof *v), one[FIGURES];
    if (!v) return fail(e, "sweep of %d windows: found no memory", repeats);
    *p = (struct laws_point){.plan = &s->model[model].point[index], .index = index, .fastest_s = INFINITY};
    for (size_t i = 0; i < s->n_windows && n < repeats; i++) {
        const struct sweep_window *w = &s->windows[i];
        if (w->model != model || w->point != index) continue;
        take_window(w, one);
        for (int k = 0; k < FIGURES; k++) v[k * repeats + n] = one[k];
        p->fastest_s = fmin(p->fastest_s, one[TIME]);
        p->slowest_s = fmax(p->slowest_s, one[TIME]);
        n++;
    }
    double *to[FIGURES] = {&p->time_s,   &p->vision_s,     &p->read_s,  &p->resize_s,     &p->prefill_s,  &p->decode_s,
                           &p->sample_s, &p->window_s,     &p->cpu_auc, &p->ram_auc,      &p->pss_auc,    &p->others_cpu_s,
                           &p->energy_j, &p->energy_net_j, &p->paced_s, &p->pace_prefill, &p->pace_decode};
    for (int k = 0; k < FIGURES; k++) *to[k] = middle(v + k * repeats, n);
    p->windows = n;
    free(v);
    return true;
}

static int by_tokens(const void *a, const void *b)
{
    const struct laws_point *p = a, *q = b;
    size_t x = p->plan->tokens.n, y = q->plan->tokens.n;
    return x != y ? (x > y) - (x < y) : p->index - q->index;
}

/* ---- The closed form ---- */

static double tokens(const struct laws_point *p)
{
    return (double)p->plan->tokens.n;
}

/* Times of one kind, measured or predicted, as rows to be fitted. */
struct times {
    double prefill[SWEEP_POINTS], decode[SWEEP_POINTS], n[SWEEP_POINTS];
    size_t count;
};

/* Every point, or those whose place is `odd` (0, 1) modulo 2. */
static void collect(struct times *t, const struct laws_model *m, bool predicted, int odd)
{
    t->count = 0;
    for (int i = 0; i < m->n_points; i++) {
        const struct laws_point *p = &m->point[i];
        if (odd >= 0 && i % 2 != odd) continue;
        t->n[t->count] = tokens(p);
        t->prefill[t->count] = predicted ? p->plan->prefill_s : p->prefill_s;
        t->decode[t->count++] = predicted ? p->plan->decode_s : p->decode_s;
    }
}

/* Into c, and the intervals where wanted; what can't be told is NAN, but for the decode's of runs that have none. */
static bool fit_form(const struct times *t, double m, double c[LAW_COUNT], double low[LAW_COUNT], double high[LAW_COUNT])
{
    double x[SWEEP_POINTS * 3], weight[SWEEP_POINTS];
    struct regression prefill, decode;
    for (size_t i = 0; i < t->count; i++) {
        x[3 * i] = 1;
        x[3 * i + 1] = t->n[i];
        x[3 * i + 2] = t->n[i] * t->n[i];
        weight[i] = 1 / (t->prefill[i] * t->prefill[i]);
    }
    bool ok = regress(&prefill, x, t->prefill, weight, t->count, 3);
    for (size_t i = 0; i < t->count; i++) {
        x[2 * i] = m;
        x[2 * i + 1] = m * t->n[i] + m * (m + 1) / 2;
        weight[i] = 1 / (t->decode[i] * t->decode[i]);
    }
    if (!regress(&decode, x, t->decode, m > 0 ? weight : NULL, t->count, 2) && m > 0) ok = false;
    for (int i = 0; i < LAW_COUNT; i++) {
        const struct regression *r = i < LAW_B0 ? &prefill : &decode;
        int k = i < LAW_B0 ? i : i - LAW_B0;
        c[i] = r->b[k];
        if (low) low[i] = r->low[k], high[i] = r->high[k];
    }
    return ok;
}

static double steps_after(const struct sweep *s)
{
    return (double)s->options.gen - 1;
}

static void fit_model(struct laws_model *m, const struct sweep *s)
{
    struct times t;
    struct laws_fit *f = &m->fit;
    collect(&t, m, false, -1);
    f->known = fit_form(&t, steps_after(s), f->b, f->low, f->high);
    collect(&t, m, true, -1);
    fit_form(&t, steps_after(s), f->predicted, NULL, NULL);
    f->square_agrees = f->low[LAW_A2] <= f->predicted[LAW_A2] && f->predicted[LAW_A2] <= f->high[LAW_A2];
    f->square_seen = f->low[LAW_A2] > 0;
}

/* ---- How far predictions were off ---- */

enum stratum laws_stratum(size_t prompt, size_t gen, size_t ubatch)
{
    double rows = (double)(prompt < ubatch ? prompt : ubatch) / CALIBRATED_ROWS;
    double positions = (double)(prompt + gen) / CALIBRATED_POSITIONS, out = fmax(rows, positions);
    return out <= 1 ? STRATUM_INTERPOLATED : out <= 2 ? STRATUM_EXTRAPOLATED : STRATUM_FAR;
}

static enum stratum stratum_of(const struct laws_point *p, const struct sweep *s)
{
    if (sweep_sees(&s->options)) return STRATUM_UNSEEN_CLAMP;
    return laws_stratum(p->plan->tokens.n, (size_t)s->options.gen, s->options.ubatch);
}

static struct baseline_run as_run(const struct laws_model *m, const struct laws_point *p, double gen)
{
    return (struct baseline_run){tokens(p) + gen, m->plan->file_bytes * p->plan->steps, p->time_s};
}

/* Baselines see the other half of the measured points, which the prediction never does; bytes by the device's bandwidth. */
static void judge_time(struct laws_model *m, const struct sweep *s)
{
    struct validation_point points[SWEEP_POINTS], fitted[SWEEP_POINTS], paced[SWEEP_POINTS];
    double gen = (double)s->options.gen, c[LAW_COUNT];
    for (int odd = 0; odd < 2; odd++) {
        struct baseline_run runs[SWEEP_POINTS];
        struct baselines b;
        struct times t;
        size_t n = 0;
        for (int i = 0; i < m->n_points; i++)
            if (i % 2 != odd) runs[n++] = as_run(m, &m->point[i], gen);
        baselines_fit(&b, runs, n);
        b.per_byte = 1 / m->plan->law.bandwidth;
        collect(&t, m, false, !odd);
        bool known = fit_form(&t, steps_after(s), c, NULL, NULL);
        for (int i = odd; i < m->n_points; i += 2) {
            const struct laws_point *p = &m->point[i];
            struct baseline_run run = as_run(m, p, gen);
            points[i] = (struct validation_point){.stratum = stratum_of(p, s),
                                                  .predicted = p->plan->time_s,
                                                  .measured = p->time_s,
                                                  .interval = {NAN, NAN},
                                                  .baseline = {NAN, NAN, NAN}};
            fitted[i] = paced[i] = points[i];
            paced[i].measured = p->paced_s;
            memcpy(points[i].interval, p->plan->interval95_s, sizeof points[i].interval);
            baselines_predict(&b, &run, points[i].baseline);
            fitted[i].predicted =
                !known ? NAN : law_prefill(c, tokens(p)) + (steps_after(s) > 0 ? law_decode(c, tokens(p), steps_after(s)) : 0);
        }
    }
    validate(&m->time, points, (size_t)m->n_points, STRATUM_ALL);
    for (int k = 0; k < STRATUM_COUNT; k++) validate(&m->by_length[k], points, (size_t)m->n_points, k);
    validate(&m->paced, paced, (size_t)m->n_points, STRATUM_ALL);
    validate(&m->held_out, fitted, (size_t)m->n_points, STRATUM_ALL);
}

static void judge_areas(struct laws_model *m, const struct sweep *s)
{
    struct validation_point cpu[SWEEP_POINTS], ram[SWEEP_POINTS], energy[SWEEP_POINTS];
    for (int i = 0; i < m->n_points; i++) {
        const struct laws_point *p = &m->point[i];
        cpu[i] = (struct validation_point){stratum_of(p, s), p->plan->cpu_auc, p->cpu_auc, {NAN, NAN}, {NAN, NAN, NAN}};
        ram[i] = cpu[i], energy[i] = cpu[i];
        ram[i].predicted = p->plan->ram_auc, ram[i].measured = p->ram_auc;
        energy[i].predicted = p->plan->energy_j, energy[i].measured = p->energy_j;
    }
    validate(&m->cpu, cpu, (size_t)m->n_points, STRATUM_ALL);
    validate(&m->ram, ram, (size_t)m->n_points, STRATUM_ALL);
    validate(&m->energy, energy, (size_t)m->n_points, STRATUM_ALL);
}

/* ---- Law 1 ---- */

static void fit_lines(struct laws_model *m)
{
    double x[SWEEP_POINTS * 2], cpu[SWEEP_POINTS], ram[SWEEP_POINTS], cpu_said[SWEEP_POINTS], ram_said[SWEEP_POINTS];
    size_t n = (size_t)m->n_points;
    for (size_t i = 0; i < n; i++) {
        const struct laws_point *p = &m->point[i];
        x[2 * i] = 1;
        x[2 * i + 1] = tokens(p);
        cpu[i] = p->cpu_auc, ram[i] = p->ram_auc;
        cpu_said[i] = p->plan->cpu_auc, ram_said[i] = p->plan->ram_auc;
    }
    regress(&m->cpu_line.measured, x, cpu, NULL, n, 2);
    regress(&m->ram_line.measured, x, ram, NULL, n, 2);
    regress(&m->cpu_line.predicted, x, cpu_said, NULL, n, 2);
    regress(&m->ram_line.predicted, x, ram_said, NULL, n, 2);
}

/* ---- Models beside each other ---- */

static double figure_of(const struct laws_point *p, int figure, bool predicted, double decode_steps)
{
    switch (figure) {
    case LAWS_TIME: return predicted ? p->plan->time_s : p->time_s;
    case LAWS_CPU: return predicted ? p->plan->cpu_auc : p->cpu_auc;
    case LAWS_RAM: return predicted ? p->plan->ram_auc : p->ram_auc;
    case LAWS_THROUGHPUT: return decode_steps / (predicted ? p->plan->decode_s : p->decode_s);
    default: return predicted ? p->plan->energy_j : p->energy_j;
    }
}

static const struct laws_point *find_point(const struct laws_model *m, int index)
{
    for (int i = 0; i < m->n_points; i++)
        if (m->point[i].index == index) return &m->point[i];
    return NULL;
}

/* Ratios multiply: their mean is that of the logarithms, and so is its interval, which holds it. */
struct laws_ratio laws_compare(const struct laws *l, int model, int figure)
{
    double logs[2][SWEEP_POINTS], ones[SWEEP_POINTS], steps = steps_after(l->sweep);
    size_t n = 0;
    for (int i = 0; i < l->model[0].n_points; i++) {
        const struct laws_point *a = &l->model[0].point[i], *b = find_point(&l->model[model], a->index);
        if (!b) continue;
        for (int predicted = 0; predicted < 2; predicted++)
            logs[predicted][n] = log(figure_of(b, figure, predicted, steps) / figure_of(a, figure, predicted, steps));
        ones[n++] = 1;
    }
    struct regression measured, predicted;
    regress(&measured, ones, logs[0], NULL, n, 1);
    regress(&predicted, ones, logs[1], NULL, n, 1);
    return (struct laws_ratio){exp(measured.b[0]), exp(measured.low[0]), exp(measured.high[0]), exp(predicted.b[0])};
}

/* ---- The whole ---- */

static bool take_points(struct laws_model *m, const struct sweep *s, int model, struct error *e)
{
    *m = (struct laws_model){.plan = &s->model[model]};
    for (int i = 0; i < s->options.n_points; i++) {
        struct laws_point p = {.windows = 0};
        if (!take_point(&p, s, model, i, e)) return false;
        if (p.windows) m->point[m->n_points++] = p;
    }
    if (!m->n_points) return fail(e, "%s: found no measured window, expected some", s->model[model].path);
    if (!sweep_sees(&s->options)) qsort(m->point, (size_t)m->n_points, sizeof *m->point, by_tokens);
    return true;
}

static bool judge_model(struct laws_model *m, const struct sweep *s, int model, struct error *e)
{
    for (int i = 0; i < m->n_points; i++) m->edge = fmax(m->edge, 1 / (s->options.hz * m->point[i].window_s));
    judge_areas(m, s);
    if (sweep_sees(&s->options)) return laws_sum_up_pictures(m, s, model, e);
    fit_model(m, s);
    judge_time(m, s);
    fit_lines(m);
    return true;
}

bool laws_judge(struct laws *l, struct error *e)
{
    const struct sweep_options *o = &l->sweep->options;
    for (int i = 0; i < o->n_models; i++)
        if (!judge_model(&l->model[i], l->sweep, i, e)) return false;
    for (int k = 0; k < LAWS_FIGURES && o->n_models == SWEEP_PAIR; k++) l->ratio[k] = laws_compare(l, 1, k);
    return true;
}

bool laws_sum_up(struct laws *l, struct sweep *s, struct error *e)
{
    *l = (struct laws){.sweep = s, .energy_kind = "none"};
    for (int i = 0; i < s->options.n_models; i++)
        if (!take_points(&l->model[i], s, i, e)) return false;
    if (!laws_judge(l, e)) return false;
    /* One kind for all figures of a result: where some window has measured joules, others' are not known, never modelled. */
    bool measured = false;
    for (size_t i = 0; i < s->n_windows; i++) {
        measured = measured || !isnan(s->windows[i].energy_j);
        l->half_idle += !s->windows[i].idle_after;
    }
    if (measured)
        l->energy_kind = "measured";
    else if (!isnan(l->model[0].point[0].plan->energy_j))
        l->energy_kind = "modelled";
    const struct sweep_options *o = &s->options;
    l->missing = (size_t)o->n_models * (size_t)o->n_points * (size_t)o->repeats - s->n_windows;
    return true;
}
