/* predict.c - see predict.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/predict.h"

#include "engine/account/energy_terms.h"
#include "engine/cost.h"
#include "engine/exec.h"
#include "engine/ops/attention.h"
#include "kernels/kernel.h"
#include "tensor/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Rates ---- */

/* What prices one op on some number of threads: looked up once and kept while that number stays. */
struct op_rates {
    int threads; /* 0: not looked up yet */
    double one, many, bandwidth;
    double stream, group, unpack, unpack_memory;
    double score[2], edge[2], strip; /* pairs are of one row, of many; NAN where the profile has none */
    double copy; /* B/s of outputs to their places: of a thread vector.gather.decode, a row at a time; NAN of no core */
};

struct pricer {
    const struct plan *plan;
    const struct device *device; /* NULL: nothing is known */
    int threads;
    enum type kv_type;
    double tau, exponent, llc;
    unsigned char few[TYPE_FILE_END]; /* as linear_few says them of the kernels in use, but of the device's */
    struct op_rates *rates;           /* one an op */
    struct op_cost *costs;            /* one an op, of the step at hand */
    char missing[DEVICE_KEY];         /* the first rate that the device lacks */
};

void op_rate_key(const struct op *op, enum type kv_type, char key[DEVICE_KEY])
{
    if (op->kind == OP_REBUILD || op->kind == OP_CONTRACT)
        snprintf(key, DEVICE_KEY, "linear.f32"); /* what they make of their cores are floats */
    else if (op_multiplies(op))
        snprintf(key, DEVICE_KEY, "linear.%s", type_get(op->w->type)->op);
    else if (op->kind == OP_PICK)
        snprintf(key, DEVICE_KEY, "vector.gather");
    else if (op->kind == OP_ADD_ROW || op->kind == OP_POOL)
        snprintf(key, DEVICE_KEY, "vector.add"); /* what they do is that */
    else if (op->kind == OP_ATTEND)
        snprintf(key, DEVICE_KEY, "attend.%s", type_get(kv_type)->op);
    else
        snprintf(key, DEVICE_KEY, "vector.%s", op_defs[op->kind]->name);
}

static double look_up(struct pricer *m, const char *key, int threads)
{
    double v = m->device ? device_rate(m->device, key, threads) : NAN;
    if (isnan(v) && !*m->missing) snprintf(m->missing, DEVICE_KEY, "%.36s.%d", key, threads);
    return v;
}

/* A rate that a profile need not have: NAN then. */
static double look_up_phase(const struct pricer *m, const char *key, const char *phase, int threads)
{
    char whole[DEVICE_KEY];
    snprintf(whole, sizeof whole, "%.30s.%s", key, phase);
    return m->device ? device_rate(m->device, whole, threads) : NAN;
}

static double need_phase(struct pricer *m, const char *key, const char *phase, int threads)
{
    char whole[DEVICE_KEY];
    snprintf(whole, sizeof whole, "%.30s.%s", key, phase);
    return look_up(m, whole, threads);
}

/* Ops that only encoders have, which never decode: a profile has one rate of them, that of many rows. */
static bool never_decodes(const struct op *op)
{
    return op->kind == OP_PATCHES || op->kind == OP_GRID_ANGLES || op->kind == OP_LAYER_NORM || op->kind == OP_ACT;
}

/* `rows`: of the step. A rate that they don't need may be missing: of some ops there is never a single row. */
static const struct op_rates *op_rates(struct pricer *m, size_t i, int threads, size_t rows)
{
    struct op_rates *r = &m->rates[i];
    const struct op *op = &m->plan->ops[i];
    char key[DEVICE_KEY];
    bool known = r->threads == threads;
    if (known && (!isnan(rows > 1 ? r->many : r->one) || *m->missing)) return r;
    op_rate_key(op, m->kv_type, key);
    r->threads = threads;
    r->bandwidth = look_up(m, "read_bandwidth", threads);
    bool both = op_multiplies(op);
    if (never_decodes(op)) {
        r->one = r->many = need_phase(m, key, "prefill", threads);
        return r;
    }
    r->one = rows == 1 || both ? need_phase(m, key, "decode", threads) : look_up_phase(m, key, "decode", threads);
    bool many = rows > 1 || (both && !op->sampled);
    r->many = many ? need_phase(m, key, "prefill", threads) : look_up_phase(m, key, "prefill", threads);
    r->stream = look_up_phase(m, key, "stream", threads);
    r->group = look_up_phase(m, key, "group", threads);
    r->unpack = look_up_phase(m, key, "unpack", threads);
    r->unpack_memory = look_up_phase(m, key, "unpack.memory", threads);
    r->copy = op->kind == OP_CORE ? threads * look_up_phase(m, "vector.gather", "decode", 1) : NAN;
    for (int many = 0; many < 2; many++) {
        r->score[many] = look_up_phase(m, key, many ? "score.prefill" : "score.decode", threads);
        r->edge[many] = look_up_phase(m, key, many ? "edge.prefill" : "edge.decode", threads);
    }
    char strip[DEVICE_KEY];
    snprintf(strip, sizeof strip, "%.30s.strip", key);
    r->strip = m->device && op->kind == OP_ATTEND ? device_get(m->device, strip) : NAN;
    return r;
}

/* ---- Time ---- */

/* Columns that an op multiplies: its rows, of a core as often as it has vectors in each. */
static size_t columns(const struct op *op, const struct step *s)
{
    return op_rows(op, s) * (op->kind == OP_CORE ? mpo_step(&op->u.core.layer->mpo, op->u.core.core).vectors : 1);
}

/* work_seconds of so many FLOPs of products. */
static double product_seconds(const struct op *op, const struct step *s, double flops, const struct op_rates *r,
                              size_t cold_blocks)
{
    /* Two that multiply one column after another; and one column. */
    size_t cols = columns(op, s), first = (size_t)s->few[op->w->type] + 1;
    if (op->kind == OP_OUTER || op->kind == OP_CONTRACT || cols == 1) return flops / r->one;
    double weights = flops / (double)cols / 2, one = 2 * weights / r->one;
    if (cols < first && !isnan(r->group)) {
        double group = 2 * weights * DOT_COLS / r->group;
        size_t rest = cols % DOT_COLS;
        return (double)(cols / DOT_COLS) * group + (rest ? one + (group - one) * (double)(rest - 1) / (DOT_COLS - 1) : 0);
    }
    /* Without a figure for unpacking, it is what a row alone takes longer than one of many. */
    double unpack = isnan(r->unpack) ? 2 * fmax(0, 1 / r->one - 1 / r->many) : r->unpack;
    size_t many = cols < first ? first : cols;
    double gemm = 2 * weights * (double)many / r->many + weights * unpack * (double)(linear_blocks(many) - cold_blocks);
    if (cold_blocks) gemm += weights * r->unpack_memory * (double)cold_blocks;
    return cols < first ? one + (gemm - one) * (double)(cols - 1) / (double)(first - 1) : gemm;
}

/* Seconds of arithmetic, as if all operands were in the cache; but for a gemm's first `cold_blocks` blocks of columns, for
 * which the time that unpacking waits for memory is in it. */
static double work_seconds(const struct op *op, const struct step *s, const struct op_cost *c, const struct op_rates *r,
                           size_t cold_blocks)
{
    size_t rows = op_rows(op, s);
    double rate = rows > 1 ? r->many : r->one;
    if (op->kind == OP_ATTEND) {
        double edge = r->edge[rows > 1], score = r->score[rows > 1], width = op->u.attend.head_dim;
        double values = rows > 1 && !isnan(r->strip) ? ceil(width / r->strip) * r->strip : width;
        double scores = c->flops / (4 * width) + (isnan(edge) ? 0 : edge * op->u.attend.n_head * (double)rows);
        return scores * (2 * (width + values) / rate + (isnan(score) ? 0 : score));
    }
    if (!op_multiplies(op)) return cost_bytes(c) / rate;
    /* A matrix that is made of its cores is made by dots, of which each row has but a few columns. */
    double made = op->kind == OP_REBUILD ? fmax(0, c->flops - 2 * (double)rows * op->n_in * op->n_out) : 0;
    return made / r->one + product_seconds(op, s, c->flops - made, r, cold_blocks);
}

/* (a^p + b^p)^(1/p), scaled by the greater so that nothing over- or underflows. */
double p_norm(double a, double b, double p)
{
    double high = fmax(a, b), low = fmin(a, b);
    if (isnan(a) || isnan(b)) return NAN;
    if (high == 0 || isinf(p)) return high;
    return high * pow(1 + pow(low / high, p), 1 / p);
}

/* Bytes that an op reads of weights and cache in a step, each once. A matrix is read again for each block of columns, and by
 * attention of several rows the positions they share for each block of rows, but after the first time from the last-level cache
 * if they fit there. */
static double read_once(const struct op *op, const struct step *s, const struct op_cost *c, double llc)
{
    if (op->kind == OP_LINEAR && c->weight_bytes > llc) return c->weight_bytes * (double)linear_blocks(op_rows(op, s));
    if (op->kind != OP_ATTEND) return c->weight_bytes + c->kv_read;
    size_t seen = s->p + s->n, window = (size_t)op->u.attend.window;
    if (window && seen > window + s->n - 1) seen = window + s->n - 1;
    double once = 2.0 * (double)seen * op->u.attend.n_head_kv * (double)type_bytes(s->kv_type, (size_t)op->u.attend.head_dim);
    double rows = (double)op_rows(op, s), block = fmin(rows, (double)attend_rows(op));
    return once <= llc ? once : fmax(once, c->kv_read / block);
}

/* Q: bytes that an op moves to and from memory; `cold`: what the step reads of weights and cache is in no cache. */
static double op_memory(const struct op *op, const struct step *s, const struct op_cost *c, double llc, bool cold)
{
    double q = cold ? read_once(op, s, c, llc) + c->kv_write : 0;
    return c->activation_bytes > llc ? q + c->activation_bytes : q;
}

/* Seconds in which a core's outputs go to their places: among those that a gauge hands on, once a slice, and one by one where
 * a token has several vectors or rows are permuted; runs of them, which lie in the cache, take next to none. Nothing of a core
 * that does not run, and where the profile does not say. */
static double copy_seconds(const struct op *op, const struct step *s, const struct op_cost *c, const struct op_rates *r)
{
    if (op->kind != OP_CORE || isnan(r->copy) || c->flops == 0) return 0;
    struct mpo_step step = mpo_step(&op->u.core.layer->mpo, op->u.core.core);
    bool permuted = op->u.core.core == 0 && op->u.core.layer->perm_out;
    double times = (step.pivots ? (double)step.slices : 0) + (step.run == 1 && !mpo_is_direct(&step, permuted));
    return 2 * sizeof(float) * times * (double)columns(op, s) * (double)step.rows / r->copy;
}

/* Blocks of columns for which a gemm unpacks weights that come from memory; 0 where the profile does not say what that takes.
 */
static size_t cold_blocks(const struct pricer *m, const struct op *op, const struct step *s, const struct op_cost *c,
                          const struct op_rates *r, bool cold)
{
    bool product = op->kind == OP_LINEAR || op->kind == OP_CORE;
    if (!cold || !product || isnan(r->unpack_memory) || columns(op, s) <= s->few[op->w->type]) return 0;
    return op->kind == OP_LINEAR && c->weight_bytes > m->llc ? linear_blocks(op_rows(op, s)) : 1;
}

/* Seconds of an op but for its stage's cost and idle threads; q as op_memory has it. */
static double op_seconds(const struct pricer *m, const struct op *op, const struct step *s, const struct op_cost *c,
                         const struct op_rates *r, double q, bool cold)
{
    bool product = op->kind == OP_LINEAR || op->kind == OP_CORE;
    double copy = copy_seconds(op, s, c, r);
    if (product && cold && columns(op, s) == 1 && !isnan(r->stream)) return c->flops / r->stream + copy;
    size_t blocks = cold_blocks(m, op, s, c, r, cold);
    if (blocks) q = op_memory(op, s, c, m->llc, false);
    return p_norm(work_seconds(op, s, c, r, blocks), q / r->bandwidth, m->exponent) + copy;
}

struct stage_share stage_share(const struct plan *p, size_t stage, const struct step *s, int threads)
{
    size_t chunks = stage_chunks(p, stage, s);
    size_t width = chunks < (size_t)threads ? chunks : (size_t)threads;
    if (!width) return (struct stage_share){0, 0};
    return (struct stage_share){width, ceil((double)chunks / (double)width) * (double)width / (double)chunks};
}

/* Books one step's cost and time in rows[0 .. n_ops). */
static void price_step(struct pricer *m, const struct step *step, struct prediction_row *rows)
{
    const struct plan *p = m->plan;
    struct step priced = *step, *s = &priced;
    priced.few = m->few;
    double from_memory = 0;
    for (size_t i = 0; i < p->n_ops; i++) {
        m->costs[i] = cost_op(p, i, s);
        from_memory += read_once(&p->ops[i], s, &m->costs[i], m->llc);
    }
    bool cold = from_memory > m->llc;
    for (size_t stage = 0; stage < p->n_stages; stage++) {
        size_t first = p->stage[stage], end = p->stage[stage + 1];
        struct stage_share share = stage_share(p, stage, s, m->threads);
        for (size_t i = first; i < end; i++) {
            const struct op_cost *c = &m->costs[i];
            rows[i].flops += c->flops;
            rows[i].special += c->special;
            rows[i].bytes += cost_bytes(c);
            rows[i].streamed_bytes += read_once(&p->ops[i], s, c, m->llc);
            double q = op_memory(&p->ops[i], s, c, m->llc, cold);
            rows[i].memory_bytes += q;
            rows[i].time_s += m->tau / (double)(end - first);
            if (!share.width) continue;
            bool scales = op_multiplies(&p->ops[i]) || p->ops[i].kind == OP_ATTEND;
            const struct op_rates *r = op_rates(m, i, scales ? (int)share.width : m->threads, op_rows(&p->ops[i], s));
            rows[i].time_s += share.waste * op_seconds(m, &p->ops[i], s, c, r, q, cold);
        }
    }
}

/* What the profile says of its kernels, and where it is silent what holds of kernels that nobody measured: this host's would
 * make a prediction of another machine depend on where it was made. */
static void take_few(struct pricer *m)
{
    for (unsigned t = 0; t < TYPE_FILE_END; t++) {
        const struct type_info *type = type_get(t);
        if (!type || !type->op) continue;
        char key[DEVICE_KEY];
        snprintf(key, sizeof key, "linear.%s.few", type->op);
        double few = m->device ? device_get(m->device, key) : NAN;
        m->few[t] = (unsigned char)(isnan(few) ? (double)linear_few_unmeasured((enum type)t) : few);
    }
}

static void end_pricing(struct pricer *m)
{
    free(m->rates);
    free(m->costs);
}

static bool begin_pricing(struct pricer *m, const struct plan *p, const struct device *d, int threads, enum type kv_type,
                          struct error *e)
{
    if (p->exact) d = NULL;
    *m = (struct pricer){.plan = p, .device = d, .threads = threads, .kv_type = kv_type, .tau = NAN, .exponent = NAN};
    m->rates = calloc(p->n_ops, sizeof *m->rates);
    m->costs = calloc(p->n_ops, sizeof *m->costs);
    if (!m->rates || !m->costs) {
        end_pricing(m);
        return fail(e, "prediction of %zu ops: found no memory", p->n_ops);
    }
    if (d) {
        m->tau = look_up(m, "stage", threads);
        m->exponent = device_get(d, "exponent");
        m->llc = device_get(d, "llc");
    }
    take_few(m);
    return true;
}

bool predict_step(struct prediction_row *rows, const struct plan *p, const struct device *d, int threads, const struct step *s,
                  struct error *e)
{
    struct pricer m;
    if (!begin_pricing(&m, p, d, threads, s->kv_type, e)) return false;
    price_step(&m, s, rows);
    end_pricing(&m);
    return true;
}

double to_grain(double v)
{
    return ldexp(nearbyint(ldexp(v, 36)), -36);
}

/* ---- The run ---- */

static void begin_rows(const struct plan *p, const struct predict_options *o, struct prediction_row *rows)
{
    for (size_t i = 0; i < PHASE_COUNT * p->n_ops; i++) {
        const struct op *op = &p->ops[i % p->n_ops];
        bool uses_cache = op->kind == OP_ATTEND || op->kind == OP_STORE;
        enum type type = op->w ? op->w->type : uses_cache ? o->kv_type : TYPE_F32;
        rows[i] = (struct prediction_row){.layer = op->layer,
                                          .op = op->role,
                                          .phase = i < p->n_ops ? PHASE_PREFILL : PHASE_DECODE,
                                          .type = type_get(type)->name,
                                          .energy_j = NAN,
                                          .measured_s = NAN};
    }
}

static void add_up(struct prediction *r)
{
    r->flops_prefill = r->flops_decode = r->prefill_s = r->decode_s = 0;
    for (size_t i = 0; i < r->n_rows; i++) {
        struct prediction_row *row = &r->rows[i];
        row->time_s = to_grain(row->time_s);
        *(row->phase == PHASE_PREFILL ? &r->flops_prefill : &r->flops_decode) += row->flops;
        *(row->phase == PHASE_PREFILL ? &r->prefill_s : &r->decode_s) += row->time_s;
    }
    r->flops = r->flops_prefill + r->flops_decode;
    r->time_s = r->prefill_s + r->decode_s;
}

static void price_run(struct pricer *m, struct prediction *r)
{
    const struct predict_options *o = &r->options;
    struct step s = {.kv_type = o->kv_type};
    size_t end = o->past + o->prompt;
    for (s.p = o->past; s.p < end; s.p += s.n) {
        s.n = end - s.p < o->ubatch ? end - s.p : o->ubatch;
        s.n_out = s.p + s.n == end;
        price_step(m, &s, r->rows);
    }
    for (size_t i = 0; i + 1 < o->gen; i++) {
        s = (struct step){.n = 1, .p = end + i, .n_out = 1, .kv_type = o->kv_type};
        price_step(m, &s, r->rows + m->plan->n_ops);
    }
    add_up(r);
}

static void freeze(struct prediction *r, const struct device *d)
{
    struct sha256 h;
    const struct predict_options *o = &r->options;
    sha256_begin(&h);
    sha256_text(&h, "hartree prediction 3\nmodel %s\nthreads %d past %zu prompt %zu gen %zu ubatch %zu kv %s\n", r->model,
                o->threads, o->past, o->prompt, o->gen, o->ubatch, type_get(o->kv_type)->name);
    sha256_text(&h, "weight_bytes %.17g %.17g kv_bytes %.17g peak %.17g\n", r->weight_bytes, r->weight_bytes_per_token,
                r->kv_bytes, r->peak_memory_bytes);
    sha256_text(&h, "FLOPs and seconds of prefill and decode, interval");
    sha256_numbers(
        &h,
        (const double[]){r->flops_prefill, r->prefill_s, r->flops_decode, r->decode_s, r->interval95_s[0], r->interval95_s[1]},
        6);
    sha256_text(&h, "energy %s", r->energy_kind);
    sha256_numbers(&h, (const double[]){r->energy_j, r->energy_net_j, r->interval95_j[0], r->interval95_j[1]}, 4);
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct prediction_row *row = &r->rows[i];
        sha256_text(&h, "%d %s %d %s", row->layer, row->op, row->phase, row->type);
        sha256_numbers(&h,
                       (const double[]){row->flops, row->special, row->bytes, row->streamed_bytes, row->memory_bytes,
                                        row->time_s, row->energy_j},
                       7);
    }
    if (d) {
        sha256_text(&h, "device %s, %s, %s\n", d->name, d->isa, d->date);
        for (size_t i = 0; i < d->n; i++) sha256_text(&h, "%s %.17g\n", d->entries[i].key, d->entries[i].value);
    }
    sha256_end(&h, r->sha256);
}

static void name_prediction(struct prediction *r, const struct plan *p, const struct device *d)
{
    if (d) snprintf(r->device, sizeof r->device, "%s", d->name);
    snprintf(r->model, sizeof r->model, "%s", p->model->name);
    r->weight_bytes = (double)p->model->tensor_bytes;
}

/* What follows from the rows, and the end of the pricer. */
static void end_prediction(struct prediction *r, struct pricer *m)
{
    const struct device *d = m->device;
    memcpy(r->missing, m->missing, sizeof r->missing);
    double half = d ? device_rate(d, "interval95", r->options.threads) : NAN;
    r->interval95_s[0] = r->time_s / (1 + half);
    r->interval95_s[1] = r->time_s * (1 + half);
    energy_price(r, m->plan, d);
    freeze(r, d);
    end_pricing(m);
}

bool predict(struct prediction *r, const struct plan *p, const struct device *d, const struct predict_options *o,
             struct error *e)
{
    *r = (struct prediction){.options = *o, .interval95_s = {NAN, NAN}, .flops_vision = NAN, .vision_s = NAN, .prepare_s = NAN};
    if (!r->options.ubatch) r->options.ubatch = 512;
    if (r->options.ubatch > p->max_rows) r->options.ubatch = p->max_rows;
    o = &r->options;
    if (o->prompt < 1 || o->past > INT32_MAX || (o->gen < 1 && !p->model->arch->encoder) || o->prompt > INT32_MAX ||
        o->gen > INT32_MAX)
        return fail(e, "prediction: found %zu prompt and %zu generated tokens, expected 1 to %d of each", o->prompt, o->gen,
                    INT32_MAX);
    if (p->model->arch->encoder && (o->past || o->gen || o->prompt > (size_t)p->model->hp.n_ctx_train))
        return fail(e,
                    "prediction: found %zu tokens after %zu and %zu generated, expected at most %d and none generated of an "
                    "encoder",
                    o->prompt, o->past, o->gen, p->model->hp.n_ctx_train);
    if (p->model->arch->encoder) r->options.ubatch = o->prompt;
    size_t steps = (o->prompt + o->ubatch - 1) / o->ubatch + o->gen - 1;
    if (o->ubatch > INT32_MAX || steps > PREDICT_MAX_STEPS)
        return fail(e, "prediction: found %zu steps, expected at most %d: fewer tokens or larger micro-batches", steps,
                    PREDICT_MAX_STEPS);
    if (o->threads < 1 || o->threads > DEVICE_MAX_THREADS)
        return fail(e, "prediction: found %d threads, expected 1 to %d", o->threads, DEVICE_MAX_THREADS);

    const struct type_info *kv = type_get(o->kv_type);
    if ((size_t)p->model->hp.head_dim % kv->block)
        return fail(e, "cache of %s: found heads of %d, expected a multiple of %zu", kv->name, p->model->hp.head_dim,
                    kv->block);
    if (p->exact) d = NULL;
    const struct model *m = p->model;
    struct pricer pricer;
    if (!begin_pricing(&pricer, p, d, o->threads, o->kv_type, e)) return false;
    r->n_rows = PHASE_COUNT * p->n_ops;
    r->rows = calloc(r->n_rows, sizeof *r->rows);
    if (!r->rows) {
        end_pricing(&pricer);
        prediction_free(r);
        return fail(e, "prediction of %zu ops: found no memory", p->n_ops);
    }
    name_prediction(r, p, d);
    struct op_cost token = cost_step(p, &(struct step){.n = 1, .p = o->past + o->prompt, .n_out = 1, .kv_type = o->kv_type});
    r->weight_bytes_per_token = p->model->arch->encoder ? NAN : token.weight_bytes;
    r->kv_bytes = (double)kv_bytes(&m->hp, o->kv_type, o->past + o->prompt + o->gen);
    r->peak_memory_bytes =
        r->weight_bytes + r->kv_bytes +
        (double)exec_bytes(p, o->prompt < o->ubatch ? o->prompt : o->ubatch, 1, o->past + o->prompt + o->gen, o->threads);
    begin_rows(p, o, r->rows);
    price_run(&pricer, r);
    end_prediction(r, &pricer);
    return true;
}

bool predict_one_step(struct prediction *r, const struct plan *p, const struct device *d, int threads, const struct step *s,
                      double kv_bytes, struct error *e)
{
    *r = (struct prediction){.options = {.threads = threads, .prompt = s->n, .ubatch = s->n, .kv_type = s->kv_type},
                             .interval95_s = {NAN, NAN},
                             .flops_vision = NAN,
                             .vision_s = NAN,
                             .prepare_s = NAN};
    if (threads < 1 || threads > DEVICE_MAX_THREADS)
        return fail(e, "prediction: found %d threads, expected 1 to %d", threads, DEVICE_MAX_THREADS);
    struct pricer pricer;
    if (p->exact) d = NULL;
    if (!begin_pricing(&pricer, p, d, threads, s->kv_type, e)) return false;
    r->rows = calloc(PHASE_COUNT * p->n_ops, sizeof *r->rows);
    if (!r->rows) {
        end_pricing(&pricer);
        return fail(e, "prediction of %zu ops: found no memory", p->n_ops);
    }
    begin_rows(p, &r->options, r->rows);
    r->n_rows = p->n_ops;
    name_prediction(r, p, d);
    r->kv_bytes = kv_bytes;
    r->peak_memory_bytes = r->weight_bytes + kv_bytes + (double)exec_bytes(p, s->n, s->n_out, s->n, threads);
    price_step(&pricer, s, r->rows);
    add_up(r);
    end_prediction(r, &pricer);
    return true;
}

bool prediction_join(struct prediction *r, const struct prediction *tower, const char *image, const char *clamp,
                     struct error *e)
{
    struct prediction_row *rows = realloc(r->rows, (r->n_rows + tower->n_rows) * sizeof *rows);
    if (!rows) return fail(e, "prediction of %zu ops: found no memory", r->n_rows + tower->n_rows);
    r->rows = rows;
    for (size_t i = 0; i < tower->n_rows; i++) {
        rows[r->n_rows] = tower->rows[i];
        rows[r->n_rows++].phase = ROW_VISION;
    }
    double longer = (r->time_s + tower->time_s) / r->time_s; /* the interval is relative to the time */
    snprintf(r->image, sizeof r->image, "%s", image);
    snprintf(r->clamp, sizeof r->clamp, "%s", clamp);
    r->flops_vision = tower->flops;
    r->vision_s = tower->time_s;
    r->flops += tower->flops;
    r->time_s += tower->time_s;
    r->interval95_s[0] *= longer;
    r->interval95_s[1] *= longer;
    r->interval95_j[0] += tower->interval95_j[0];
    r->interval95_j[1] += tower->interval95_j[1];
    r->energy_j += tower->energy_j;
    r->energy_net_j += tower->energy_net_j;
    r->weight_bytes += tower->weight_bytes;
    r->peak_memory_bytes += tower->peak_memory_bytes;
    if (!*r->missing) memcpy(r->missing, tower->missing, sizeof r->missing);
    struct sha256 h;
    sha256_begin(&h);
    sha256_text(&h, "%s\nimage %s clamp %s prepared %.17g\n%s\n", r->sha256, r->image, r->clamp, r->prepare_s, tower->sha256);
    sha256_end(&h, r->sha256);
    return true;
}

void prediction_free(struct prediction *r)
{
    free(r->rows);
    r->rows = NULL;
    r->n_rows = 0;
}
