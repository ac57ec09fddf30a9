/* SPDX-License-Identifier: MIT */
#include "engine/account/law.h"

#include "base/regress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const law_names[LAW_COUNT] = {"a0", "a1", "a2", "b0", "b1"};
const char *const law_units[LAW_COUNT] = {"s", "s/token", "s/token^2", "s/token", "s/token^2"};

/* A phase's part of the form: its coefficients stand together. */
static const struct part {
    int first, count;
} parts[PHASE_COUNT] = {{LAW_T0, 3}, {LAW_B0, 2}};

double law_prefill(const double c[LAW_COUNT], double n)
{
    return c[LAW_T0] + n * (c[LAW_A1] + n * c[LAW_A2]);
}

double law_decode(const double c[LAW_COUNT], double n, double m)
{
    return c[LAW_B0] * m + c[LAW_B1] * (m * n + m * (m + 1) / 2);
}

/* ---- Exact prices at lengths over the range ---- */

enum { SAMPLES = 64 };

/* What every op costs at each length: prompt tokens in prefill, positions seen in decode. */
struct grid {
    const struct plan *plan;
    enum phase phase;
    size_t n, length[SAMPLES];
    double basis[SAMPLES * 3]; /* 1, n, n^2 or 1, t */
    double total[SAMPLES], weight[SAMPLES], steps[SAMPLES];
    struct prediction_row *rows; /* [n][n_ops] */
};

static void place_lengths(struct grid *g, size_t low, size_t high)
{
    size_t span = high - low;
    g->n = span < SAMPLES ? span + 1 : SAMPLES;
    for (size_t i = 0; i < g->n; i++) g->length[i] = g->n > 1 ? low + (span * i + (g->n - 1) / 2) / (g->n - 1) : low;
}

/* One length's row of the grid. */
static bool price(struct grid *g, size_t i, const struct device *d, const struct predict_options *o, struct error *e)
{
    struct prediction_row *rows = g->rows + i * g->plan->n_ops;
    size_t length = g->length[i];
    g->steps[i] = 1;
    if (g->phase == PHASE_DECODE) {
        struct step s = {.n = 1, .p = length - 1, .n_out = 1, .kv_type = o->kv_type};
        return predict_step(rows, g->plan, d, o->threads, &s, e);
    }
    struct predict_options one = {
        .threads = o->threads, .prompt = length, .gen = 1, .ubatch = o->ubatch, .kv_type = o->kv_type};
    struct prediction r;
    if (!predict(&r, g->plan, d, &one, e)) return false;
    memcpy(rows, r.rows, g->plan->n_ops * sizeof *rows);
    g->steps[i] = ceil((double)length / (double)r.options.ubatch);
    bool known = !isnan(r.time_s);
    if (!known) fail(e, "device profile: found no %s, expected one to price the law with", r.missing);
    prediction_free(&r);
    return known;
}

static bool price_all(struct grid *g, const struct device *d, const struct predict_options *o, struct error *e)
{
    size_t n_ops = g->plan->n_ops;
    if (!(g->rows = calloc(g->n * n_ops, sizeof *g->rows))) return fail(e, "law of %zu ops: found no memory", n_ops);
    for (size_t i = 0; i < g->n; i++) {
        if (!price(g, i, d, o, e)) return false;
        double length = (double)g->length[i], *row = g->basis + i * (size_t)parts[g->phase].count;
        g->total[i] = 0;
        for (size_t k = 0; k < n_ops; k++) g->total[i] += g->rows[i * n_ops + k].time_s;
        if (!(g->total[i] > 0)) return fail(e, "device profile: found no rates, expected those to price the law with");
        g->weight[i] = 1 / (g->total[i] * g->total[i]);
        row[0] = 1;
        row[1] = length;
        if (g->phase == PHASE_PREFILL) row[2] = length * length;
    }
    return true;
}

/* The form nearest to a series over the grid, into the phase's coefficients. */
static bool project(const struct grid *g, const double *series, double c[LAW_COUNT], struct error *e)
{
    struct regression r;
    const struct part *part = &parts[g->phase];
    if (!regress(&r, g->basis, series, g->weight, g->n, part->count))
        return fail(e, "law: found %zu lengths, expected more to tell its coefficients apart", g->n);
    double highest = 0, longest = (double)g->length[g->n - 1];
    for (size_t i = 0; i < g->n; i++) highest = fmax(highest, fabs(series[i]));
    for (int k = 0; k < part->count; k++) /* what nowhere amounts to anything is rounding */
        c[part->first + k] = fabs(r.b[k]) * pow(longest, k) > 1e-9 * highest ? r.b[k] : 0;
    return true;
}

/* ---- Terms ---- */

static int window_of(const struct op *op)
{
    return op->kind == OP_ATTEND ? op->u.attend.window : 0;
}

static bool same_term(const struct op *a, const struct op *b)
{
    return !strcmp(a->role, b->role) && a->kind == b->kind && window_of(a) == window_of(b) &&
           (a->w ? (int)a->w->type : -1) == (b->w ? (int)b->w->type : -1);
}

/* "0-4,6,8-9" of the ops like `first`; "..." where there is no more room. Plans list layers in order. */
static void name_layers(const struct plan *p, const struct op *first, char *out, size_t size)
{
    int begin = -1, end = -1;
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i <= p->n_ops; i++) {
        const struct op *op = i < p->n_ops ? &p->ops[i] : NULL;
        if (op && (!same_term(op, first) || op->layer < 0 || op->layer == end)) continue;
        if (op && op->layer == end + 1 && begin >= 0) {
            end = op->layer;
            continue;
        }
        char range[32] = "";
        if (begin >= 0 && begin == end)
            snprintf(range, sizeof range, "%s%d", used ? "," : "", begin);
        else if (begin >= 0)
            snprintf(range, sizeof range, "%s%d-%d", used ? "," : "", begin, end);
        if (used + strlen(range) + sizeof ",..." > size) {
            snprintf(out + used, size - used, ",...");
            return;
        }
        used += (size_t)snprintf(out + used, size - used, "%s", range);
        if (op) begin = end = op->layer;
    }
}

/* Dispatch and barriers come to each op in equal parts of its stage's; they are a term of their own. */
static double share_of_stage(const struct plan *p, size_t i, double tau)
{
    for (size_t s = 0; s < p->n_stages; s++)
        if (i < p->stage[s + 1]) return tau / (double)(p->stage[s + 1] - p->stage[s]);
    return 0;
}

static bool project_term(const struct grid *g, size_t first, double tau, struct law_term *t, struct error *e)
{
    const struct plan *p = g->plan;
    double seconds[SAMPLES] = {0}, flops[SAMPLES] = {0}, bytes[SAMPLES] = {0};
    for (size_t k = first; k < p->n_ops; k++) {
        if (!same_term(&p->ops[k], &p->ops[first])) continue;
        double share = share_of_stage(p, k, tau);
        t->ops++;
        for (size_t i = 0; i < g->n; i++) {
            const struct prediction_row *row = &g->rows[i * p->n_ops + k];
            seconds[i] += row->time_s - share * g->steps[i];
            flops[i] += row->flops;
            bytes[i] += row->streamed_bytes;
        }
    }
    return project(g, seconds, t->seconds, e) && project(g, flops, t->flops, e) && project(g, bytes, t->bytes, e);
}

static bool is_first(const struct plan *p, size_t k)
{
    for (size_t i = 0; i < k; i++)
        if (same_term(&p->ops[i], &p->ops[k])) return false;
    return true;
}

/* The key of the rate that prices an op in a phase (predict.h): one row of weights from memory has a rate of its own where the
 * profile knows it. An op on the sampled rows alone runs one row even in prefill; a core may have many vectors even of one. */
static void name_rate(struct law_term *t, const struct op *op, bool cold, const struct device *d,
                      const struct predict_options *o)
{
    char key[DEVICE_KEY], with_phase[DEVICE_KEY];
    bool core = op->kind == OP_CORE, one_by_one = op->kind == OP_OUTER || op->kind == OP_CONTRACT;
    size_t vectors = core ? mpo_step(&op->u.core.layer->mpo, op->u.core.core).vectors : 1;
    bool one = one_by_one || ((t->phase == PHASE_DECODE || op->sampled) && vectors == 1);
    op_rate_key(op, o->kv_type, key);
    snprintf(with_phase, sizeof with_phase, "%.30s.stream", key);
    if (!(op->kind == OP_LINEAR || core) || !one || !cold || isnan(device_rate(d, with_phase, o->threads)))
        snprintf(with_phase, sizeof with_phase, "%.30s.%s", key, one ? "decode" : "prefill");
    t->rate_value = device_rate(d, with_phase, o->threads);
    snprintf(t->rate, sizeof t->rate, "%.40s.%d", with_phase, o->threads);
}

static void name_term(struct law_term *t, const struct plan *p, const struct op *op, enum phase phase,
                      const struct predict_options *o)
{
    bool uses_cache = op->kind == OP_ATTEND || op->kind == OP_STORE;
    *t = (struct law_term){.op = op->role,
                           .phase = phase,
                           .window = window_of(op),
                           .type = type_get(op->w        ? op->w->type
                                            : uses_cache ? o->kv_type
                                                         : TYPE_F32)
                                       ->name};
    name_layers(p, op, t->layers, sizeof t->layers);
}

/* Whether a step of the shortest length reads more than the last-level cache holds. */
static bool is_cold(const struct grid *g, const struct device *d)
{
    double bytes = 0;
    for (size_t k = 0; k < g->plan->n_ops; k++) bytes += g->rows[k].streamed_bytes;
    return bytes / g->steps[0] > device_get(d, "llc");
}

/* ---- The whole ---- */

static bool add_phase(struct law *law, struct grid *g, const struct device *d, const struct predict_options *o,
                      double *residual, struct error *e)
{
    const struct plan *p = g->plan;
    double tau = device_rate(d, "stage", o->threads), stages[SAMPLES];
    if (!price_all(g, d, o, e)) return false;
    bool cold = is_cold(g, d);
    for (size_t k = 0; k < p->n_ops; k++) {
        if (!is_first(p, k)) continue;
        struct law_term *t = &law->terms[law->n_terms++];
        name_term(t, p, &p->ops[k], g->phase, o);
        name_rate(t, &p->ops[k], cold, d, o);
        if (!project_term(g, k, tau, t, e)) return false;
    }
    struct law_term *t = &law->terms[law->n_terms++];
    *t = (struct law_term){.op = "stages", .phase = g->phase, .ops = (int)p->n_stages, .rate_value = tau};
    snprintf(t->rate, sizeof t->rate, "stage.%d", o->threads);
    for (size_t i = 0; i < g->n; i++) stages[i] = tau * (double)p->n_stages * g->steps[i];
    if (!project(g, stages, t->seconds, e)) return false;

    *residual = 0;
    const struct part *part = &parts[g->phase];
    for (int c = part->first; c < part->first + part->count; c++)
        for (size_t i = 0; i < law->n_terms; i++) law->seconds[c] += law->terms[i].seconds[c];
    for (size_t i = 0; i < g->n; i++) {
        double value = 0;
        for (int c = 0; c < part->count; c++)
            value += law->seconds[part->first + c] * g->basis[i * (size_t)part->count + (size_t)c];
        *residual = fmax(*residual, fabs(value - g->total[i]) / g->total[i]);
    }
    return true;
}

bool law_predict(struct law *law, const struct plan *p, const struct device *d, const struct predict_options *o,
                 const struct law_range *range, struct error *e)
{
    *law = (struct law){.range = *range};
    if (range->prompt_min < 1 || range->prompt_max < range->prompt_min + 2 || range->gen < 1 ||
        range->prompt_max > PREDICT_MAX_STEPS || range->gen > PREDICT_MAX_STEPS)
        return fail(e, "law: found prompts of %zu to %zu tokens, expected at least three lengths of 1 to %d", range->prompt_min,
                    range->prompt_max, PREDICT_MAX_STEPS);
    if (p->model->arch->encoder) return fail(e, "law: found an encoder, expected a model that generates");
    law->bandwidth = device_rate(d, "read_bandwidth", o->threads);
    law->terms = calloc(PHASE_COUNT * (p->n_ops + 1), sizeof *law->terms);
    struct grid *grids = calloc(PHASE_COUNT, sizeof *grids);
    bool ok = (law->terms && grids) || fail(e, "law of %zu ops: found no memory", p->n_ops);
    if (ok) {
        grids[PHASE_PREFILL].plan = grids[PHASE_DECODE].plan = p;
        grids[PHASE_DECODE].phase = PHASE_DECODE;
        place_lengths(&grids[PHASE_PREFILL], range->prompt_min, range->prompt_max);
        place_lengths(&grids[PHASE_DECODE], range->prompt_min + 1, range->prompt_max + (range->gen > 1 ? range->gen - 1 : 1));
        ok = add_phase(law, &grids[PHASE_PREFILL], d, o, &law->residual_prefill, e) &&
             add_phase(law, &grids[PHASE_DECODE], d, o, &law->residual_decode, e);
    }
    for (int i = 0; grids && i < PHASE_COUNT; i++) free(grids[i].rows);
    free(grids);
    if (!ok) law_free(law);
    return ok;
}

void law_free(struct law *law)
{
    free(law->terms);
    law->terms = NULL;
    law->n_terms = 0;
}
