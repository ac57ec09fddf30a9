/* SPDX-License-Identifier: MIT */
#include "engine/compress/cores.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compress/rounding.h"
#include "tensor/lapack.h"
#include "tensor/train_fit.h"

/* Of the mean: below that a row's inputs on the calibration text say too little of those on others. */
#define LEAST_IMPORTANCE 1e-3

void cores_free(struct cores *c)
{
    for (int i = 0; i < c->n; i++) free((void *)c->t[i].data);
    *c = (struct cores){.n = 0};
}

/* ---- Scales of the rows ---- */

static double sum_of_squares(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sum;
}

bool cores_scales(const struct unit *u, const double *image, const double *importance, double *scale,
                  double norms[SITE_MAX_ROLES], struct error *e)
{
    for (int i = 0; i < u->n_roles; scale += u->out[i], importance += importance ? u->out[i] : 0, i++) {
        double mean = 0, norm = 0;
        norms[i] = 0;
        for (size_t o = 0; importance && o < u->out[i]; o++) mean += importance[o] / (double)u->out[i];
        for (size_t o = 0; o < u->out[i]; o++, image += u->n_in) {
            scale[o] = mean > 0 ? fmax(importance[o] / mean, LEAST_IMPORTANCE) : 1;
            double square = sum_of_squares(image, u->n_in);
            norm += scale[o] * square;
            norms[i] += square;
        }
        if (!isfinite(norm)) {
            char name[TENSOR_MAX_NAME];
            unit_tensor(u, i, name);
            return fail(e, "tensor '%s': found a norm of %g on the inputs, expected a number", name, norm);
        }
        for (size_t o = 0; o < u->out[i]; o++)
            scale[o] = sqrt(u->share[i] * (norm > 0 ? scale[o] / norm : scale[o])); /* zeros stay zeros */
    }
    return true;
}

void cores_scale(const struct unit *u, const double *scale, bool back, double *w)
{
    for (size_t o = 0; o < u->n_out; o++) {
        double s = back ? 1 / scale[o] : scale[o];
        for (size_t k = 0; k < u->n_in; k++) *w++ *= s;
    }
}

/* ---- Rounding ---- */

struct work {
    const struct unit *u;
    const struct cores_options *o;
    const struct metric *metric;
    double *scale; /* of each row */
    double *w;     /* scaled */
    struct low_rank l;
};

/* The scale of the row that B's row j is. Without a gauge B belongs to no row. */
static double right_scale(const struct work *k, size_t j)
{
    return k->l.gauge ? k->scale[k->l.order[j]] : 1;
}

/* What stands in files is W' = P [I; T] B of unscaled rows: T[o, j] by scale_j / scale_o, B[j] by 1 / scale_j. */
static void scale_left(struct work *k, bool back)
{
    size_t r = k->l.rank, first = k->l.gauge ? r : 0;
    for (size_t o = first; o < k->l.n_out; o++) {
        double row = k->scale[k->l.order[o]];
        for (size_t j = 0; j < r; j++) {
            double s = right_scale(k, j) / row;
            k->l.left[(o - first) * r + j] *= back ? 1 / s : s;
        }
    }
}

static void scale_right(struct work *k, bool back)
{
    for (size_t j = 0; j < k->l.rank; j++)
        for (size_t i = 0; i < k->l.n_in; i++)
            k->l.right[j * k->l.n_in + i] *= back ? right_scale(k, j) : 1 / right_scale(k, j);
}

/* `inner`: of low_rank_fit_left, which this changes: what is stored is multiplied with B's rows by 1 / their scales. NULL: no
 * feedback. */
static bool round_left(struct work *k, double *inner, struct error *e)
{
    size_t r = k->l.rank;
    for (size_t j = 0; inner && j < r; j++)
        for (size_t i = 0; i <= j; i++) inner[j * r + i] /= right_scale(k, j);
    scale_left(k, false);
    bool ok = round_with_feedback(k->o->type, k->l.left, k->l.n_out - (k->l.gauge ? r : 0), r, inner, e);
    scale_left(k, true);
    return ok;
}

static bool round_right(struct work *k, struct error *e)
{
    scale_right(k, false);
    bool ok = round_with_feedback(k->o->type, k->l.right, k->l.rank, k->l.n_in, k->metric->l, e);
    scale_right(k, true);
    return ok;
}

static bool fit_rounded(struct work *k, struct error *e)
{
    if (k->o->type == TYPE_F32) return true;
    double *inner = matrix_new(k->l.rank, k->l.rank, e);
    bool ok = inner && round_left(k, NULL, e) && low_rank_fit_right(&k->l, k->w, e) && round_right(k, e) &&
              low_rank_fit_left(&k->l, k->w, k->metric, inner, e) && round_left(k, inner, e);
    free(inner);
    return ok;
}

/* ---- As tensors ---- */

/* A tensor of `rows` rows of n numbers, taken from row(s) of doubles by `from`; dims 3: the last of them is `rows`. */
static bool put(struct cores *c, const char *prefix, const char *suffix, enum type type, unsigned n_dims, const int64_t ne[3],
                struct error *e)
{
    struct tensor *t = &c->t[c->n];
    *t = (struct tensor){.type = type, .n_dims = n_dims, .ne = {ne[0], ne[1], ne[2], 1}};
    snprintf(t->name, sizeof t->name, "%.40s.%.20s", prefix, suffix);
    t->row_bytes = type == TYPE_I32 ? (size_t)ne[0] * sizeof(int32_t) : type_bytes(type, (size_t)ne[0]);
    t->bytes = t->row_bytes * (size_t)(ne[1] * ne[2]);
    t->data = malloc(t->bytes);
    if (!t->data) return fail(e, "tensor '%s': found no memory for %zu bytes", t->name, t->bytes);
    c->n++;
    return true;
}

static void store_row(struct tensor *t, size_t row, const double *from, float *floats)
{
    for (int64_t i = 0; i < t->ne[0]; i++) floats[i] = (float)from[i];
    type_quantise(t->type, (char *)t->data + row * t->row_bytes, floats, NULL, (size_t)t->ne[0]);
}

/* Member i's left core: its rows in order without its pivots, and which those are. `at[o]` is where row o of the unit stands in
 * low_rank.order. */
static bool put_left(struct cores *c, const struct work *k, int i, size_t first_row, const size_t *at, float *floats,
                     struct error *e)
{
    const struct low_rank *l = &k->l;
    size_t r = l->rank, out = k->u->out[i], pivots = 0;
    char prefix[TENSOR_MAX_NAME];
    int64_t ne[3];
    for (size_t o = 0; l->gauge && o < out; o++) pivots += at[first_row + o] < r;
    /* One row at least is stored: where all are pivots the last of them is, as a row of the identity. */
    bool all = pivots == out;
    pivots -= all;
    c->mpo[i] = (struct mpo){.d = 2, .o = {out, 1}, .i = {1, l->n_in}, .r = {1, r, 1}, .pivots = {pivots}};
    mpo_core_shape(&c->mpo[i], 0, ne);
    unit_prefix(k->u, i, prefix);
    if (!put(c, prefix, "mpo.0", k->o->type, pivots ? 2 : 3, ne, e)) return false;
    struct tensor *t = &c->t[c->n - 1];
    int32_t *pivot = NULL;
    if (pivots) {
        if (!put(c, prefix, "mpo.0.pivot", TYPE_I32, 1, (const int64_t[]){(int64_t)r, 1, 1}, e)) return false;
        pivot = (int32_t *)c->t[c->n - 1].data;
        for (size_t j = 0; j < r; j++) pivot[j] = -1;
    }
    double *one = calloc(r, sizeof *one);
    if (!one) return fail(e, "found no memory for a row of %zu", r);
    for (size_t o = 0, stored = 0; o < out; o++) {
        size_t place = at[first_row + o];
        if (l->gauge && place < r) {
            if (!all || o + 1 < out) {
                pivot[place] = (int32_t)o;
                continue;
            }
            one[place] = 1;
            store_row(t, stored++, one, floats);
        } else {
            store_row(t, stored++, l->left + (place - (l->gauge ? r : 0)) * r, floats);
        }
    }
    free(one);
    return true;
}

static bool put_right(struct cores *c, const struct work *k, float *floats, struct error *e)
{
    char prefix[TENSOR_MAX_NAME];
    int64_t ne[3];
    unit_prefix(k->u, 0, prefix);
    if (k->u->n_roles > 1) {
        snprintf(c->joint, sizeof c->joint, "blk.%d.attn_qkv", k->u->layer); /* the one site whose members share a core */
        snprintf(prefix, sizeof prefix, "%s", c->joint);
    }
    mpo_core_shape(&c->mpo[0], 1, ne);
    if (!put(c, prefix, "mpo.1", k->o->type, 3, ne, e)) return false;
    for (size_t j = 0; j < k->l.rank; j++) store_row(&c->t[c->n - 1], j, k->l.right + j * k->l.n_in, floats);
    return true;
}

static bool put_all(struct cores *c, struct work *k, struct error *e)
{
    const struct low_rank *l = &k->l;
    size_t widest = l->n_in > l->rank ? l->n_in : l->rank, *at = malloc(l->n_out * sizeof *at), first = 0;
    float *floats = malloc(widest * sizeof *floats);
    bool ok = (at && floats) || fail(e, "found no memory for %zu rows", l->n_out);
    if (ok) {
        for (size_t j = 0; j < l->n_out; j++) at[l->order[j]] = j;
        scale_left(k, false);
        scale_right(k, false);
    }
    for (int i = 0; ok && i < k->u->n_roles; first += k->u->out[i++]) ok = put_left(c, k, i, first, at, floats, e);
    ok = ok && put_right(c, k, floats, e);
    free(at);
    free(floats);
    return ok;
}

/* ---- All of it ---- */

/* Relative errors of what is stored; `w` is unscaled, as the factors are by now, and norm |w|_C^2 of each member. */
static bool judge(struct cores *c, const struct work *k, const double *w, const double *norm, float *product, struct error *e)
{
    size_t n = k->l.n_out * k->l.n_in;
    double *p = malloc(n * sizeof *p);
    bool ok =
        (p || fail(e, "found no memory for a matrix of %zu x %zu", k->l.n_out, k->l.n_in)) && low_rank_product(&k->l, p, e);
    for (size_t i = 0; ok && product && i < n; i++) product[i] = (float)p[i];
    for (size_t i = 0; ok && i < n; i++) p[i] -= w[i];
    const double *difference = p;
    for (int i = 0; ok && i < k->u->n_roles; difference += k->u->out[i++] * k->l.n_in) {
        double left = metric_norm(k->metric, difference, k->u->out[i]);
        if (isnan(left)) ok = fail(e, "found no memory for the norm of a matrix, or numbers that are none");
        c->rel_error[i] = norm[i] > 0 ? left / norm[i] : 0;
    }
    free(p);
    return ok;
}

/* ---- Chains of cores ---- */

bool cores_structure(const struct unit *u, const struct cores_options *o, size_t bond, struct mpo *m, struct error *e)
{
    *m = (struct mpo){.d = o->sites, .r = {1}};
    size_t split = (size_t)o->split, parts = (size_t)o->parts, left = 1, right = u->n_out * u->n_in;
    if (u->n_out % split || u->n_in % split || u->n_in % parts)
        return fail(e, "%s: found %zu x %zu, expected multiples of %zu", u->role[0], u->n_out, u->n_in,
                    split > 1 ? split : parts);
    if (o->sites == 2) {
        m->o[0] = u->n_out / split, m->o[1] = split;
        m->i[0] = split > 1 ? split : parts, m->i[1] = u->n_in / m->i[0];
    } else {
        mpo_balance(u->n_out, m->d, m->o);
        mpo_balance(u->n_in, m->d, m->i);
    }
    for (int k = 0; k < m->d; k++) {
        left *= m->o[k] * m->i[k], right /= m->o[k] * m->i[k];
        size_t most = left < right ? left : right;
        m->r[k + 1] = bond < most ? bond : most;
    }
    return mpo_check(m, u->n_in, u->n_out, e);
}

size_t cores_bond_for(const struct unit *u, const struct cores_options *o, double ratio)
{
    enum { STEP = 32 };
    size_t best = 1;
    struct mpo m;
    if (ratio >= 1) return u->full;
    for (size_t bond = 1; bond < u->full; bond += bond < STEP ? 1 : STEP)
        if (cores_structure(u, o, bond, &m, NULL) && mpo_parameters(&m) <= ratio * (double)u->n_in * (double)u->n_out)
            best = bond;
    return best;
}

enum { MAX_SWEEPS = 6, SWEEP_STEPS = 8 };

/* Sweeps until one gains less than a hundredth. */
static bool fit_chain(struct train *t, const double *w, const struct metric *m, const struct mpo *structure, struct error *e)
{
    struct train_fit f;
    if (!train_fit_new(&f, w, m, structure, e)) return false;
    bool ok = true;
    double before = INFINITY;
    for (int i = 0; ok && i < MAX_SWEEPS; i++, before = f.error) {
        ok = train_fit_sweep(&f, SWEEP_STEPS, e);
        if (f.error > 0.99 * before) break;
    }
    if (ok) *t = train_fit_take(&f);
    train_fit_free(&f);
    return ok;
}

/* Core k in the order of a file, rounded; the chain then holds the rounded numbers. A type whose blocks do not fill a row gives
 * way to F16. */
static bool put_core(struct cores *c, const struct work *k, struct train *t, int core, struct error *e)
{
    const struct mpo *m = &t->m;
    size_t o = m->o[core], i = m->i[core], a = m->r[core], b = m->r[core + 1], n = i * b;
    enum type type = n % type_get(k->o->type)->block ? TYPE_F16 : k->o->type;
    char prefix[TENSOR_MAX_NAME], suffix[16];
    int64_t ne[3];
    unit_prefix(k->u, 0, prefix);
    snprintf(suffix, sizeof suffix, "mpo.%d", core);
    mpo_core_shape(m, core, ne);
    float *floats = malloc(n * sizeof *floats);
    bool ok = (floats || fail(e, "found no memory for a row of %zu", n)) && put(c, prefix, suffix, type, 3, ne, e);
    for (size_t r = 0; ok && r < o * a; r++) {
        struct tensor *tensor = &c->t[c->n - 1];
        double *from = t->core[core] + ((r % a) * o + r / a) * n; /* [a][o][i][b] of row (o, a) */
        store_row(tensor, r, from, floats);
        type_dequantise(type, floats, tensor_row(tensor, (int64_t)r), n);
        for (size_t j = 0; j < n; j++) from[j] = (double)floats[j];
    }
    free(floats);
    return ok;
}

static bool make_chain(struct cores *c, const struct unit *u, const double *w, const struct metric *m,
                       const struct cores_options *o, float *product, struct error *e)
{
    size_t n = u->n_out * u->n_in;
    struct work k = {.u = u, .o = o, .metric = m};
    struct train t = {.discarded = 0};
    struct mpo structure;
    *c = (struct cores){.n = 0};
    double *p = malloc(n * sizeof *p);
    bool ok = (p || fail(e, "found no memory for a matrix of %zu x %zu", u->n_out, u->n_in)) &&
              cores_structure(u, o, u->rank, &structure, e) && fit_chain(&t, w, m, &structure, e);
    c->mpo[0] = t.m;
    for (int core = 0; ok && core < t.m.d; core++) ok = put_core(c, &k, &t, core, e);
    ok = ok && train_product(&t, p, e);
    if (ok) {
        double was = metric_norm(m, w, u->n_out);
        for (size_t j = 0; product && j < n; j++) product[j] = (float)p[j];
        for (size_t j = 0; j < n; j++) p[j] -= w[j];
        double left = metric_norm(m, p, u->n_out);
        if (isnan(was) || isnan(left)) ok = fail(e, "found no memory for the norm of a matrix, or numbers that are none");
        c->rel_error[0] = was > 0 ? left / was : 0;
    }
    free(p);
    train_free(&t);
    if (!ok) cores_free(c);
    return ok;
}

/* ---- Either ---- */

bool cores_make(struct cores *c, const struct unit *u, const double *w, const struct metric *m, const double *importance,
                const struct cores_options *o, float *product, struct error *e)
{
    if (o->sites) return make_chain(c, u, w, m, o, product, e);
    size_t n = u->n_out * u->n_in;
    struct work k = {.u = u, .o = o, .metric = m};
    struct decomposition d = {.n_out = 0};
    *c = (struct cores){.n = 0};
    double norm[SITE_MAX_ROLES], *image = metric_image(m, w, u->n_out, e);
    k.w = malloc(n * sizeof *k.w);
    k.scale = malloc(u->n_out * sizeof *k.scale);
    bool ok = image && ((k.w && k.scale) || fail(e, "found no memory for a matrix of %zu x %zu", u->n_out, u->n_in)) &&
              cores_scales(u, image, importance, k.scale, norm, e);
    if (ok) {
        memcpy(k.w, w, n * sizeof *w);
        cores_scale(u, k.scale, false, k.w);
        cores_scale(u, k.scale, false, image);
        ok = decompose(&d, k.w, image, u->n_out, u->n_in, m, e);
        image = NULL;
        /* A matrix of a lower rank has not so many rows to be pivots: it keeps both factors. */
        bool pivots = ok && d.value[u->rank - 1] > 0x1p-46 * d.value[0];
        ok = ok && low_rank_new(&k.l, &d, u->rank, o->gauge && pivots, e);
        decomposition_free(&d);
    }
    ok = ok && fit_rounded(&k, e) && put_all(c, &k, e) && judge(c, &k, w, norm, product, e);
    free(image);
    if (!ok) cores_free(c);
    low_rank_free(&k.l);
    free(k.scale);
    free(k.w);
    return ok;
}
