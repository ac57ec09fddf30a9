/* SPDX-License-Identifier: MIT */
#include "engine/compress/remake.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compress/correction.h"
#include "engine/compress/feedback.h"
#include "engine/compress/statistics.h"

/* ---- Names and shapes ---- */

/* Layers of one input find the selection of joined rows under one name. */
static void name_joint(struct remake *r)
{
    static const char *const groups[SITE_COUNT] = {[SITE_QKV] = "attn_qkv", [SITE_GATE_UP] = "ffn_gate_up"};
    const char *role = strrchr(r->prefix, '.') + 1;
    snprintf(r->joint, sizeof r->joint, "%s", r->prefix);
    for (int site = 0; site < SITE_COUNT; site++)
        for (int i = 0; groups[site] && i < SITE_MAX_ROLES && site_roles[site][i]; i++)
            if (!strcmp(role, site_roles[site][i]))
                snprintf(r->joint, sizeof r->joint, "%.*s%s.join%zu", (int)(role - r->prefix), r->prefix, groups[site],
                         r->join);
}

static void add(struct remake *r, const char *prefix, const char *suffix, enum type type, int64_t ne0, int64_t ne1, int64_t ne2)
{
    struct tensor *t = &r->tensors[r->n++];
    *t = (struct tensor){.type = type, .n_dims = ne2 > 1 ? 3 : ne1 > 0 ? 2 : 1, .ne = {ne0, ne1 > 0 ? ne1 : 1, ne2, 1}};
    snprintf(t->name, sizeof t->name, "%.40s.%s", prefix, suffix);
    t->row_bytes = type_bytes(type, (size_t)ne0);
    t->bytes = t->row_bytes * (size_t)tensor_rows(t);
}

/* The order here is that of remake_run. */
static void list_tensors(struct remake *r)
{
    int64_t n = r->from->ne[0], n_out = r->from->ne[1], ne[3], rank = (int64_t)r->options.rank;
    if (r->join > 1) {
        mpo_core_shape(&r->mpo, 0, ne);
        add(r, r->prefix, "mpo.0", r->type, ne[0], ne[1], ne[2]);
        mpo_core_shape(&r->mpo, 1, ne);
        add(r, r->joint, "mpo.1", TYPE_Q4_0, ne[0], ne[1], ne[2]); /* ones and zeros are exact in it */
    } else {
        add(r, r->prefix, "weight", r->type, n, n_out, 1);
    }
    if (rank > 0) {
        add(r, r->prefix, "mpo.right", correction_type((size_t)n), n, rank, 1);
        add(r, r->prefix, "mpo.left", correction_type((size_t)n_out), n_out, rank, 1);
    }
    if (r->options.mean) add(r, r->prefix, r->bias ? "bias" : "mpo.bias", TYPE_F32, n_out, 0, 1);
}

bool remake_plan(struct remake *r, const struct gguf *g, const struct tensor *from, enum type type,
                 const struct compact_metric *m, const struct remake_options *o, struct error *e)
{
    size_t n = (size_t)from->ne[0], n_out = (size_t)from->ne[1], least = n < n_out ? n : n_out;
    char name[TENSOR_MAX_NAME + 16];
    *r = (struct remake){.options = *o, .from = from, .metric = m, .type = type};
    if (m->n != n)
        return fail(e, "tensor '%s': found rows of %zu, expected %zu as the inputs of the importance matrix have", from->name,
                    n, m->n);
    if (o->rank && !m->k)
        return fail(e, "tensor '%s': found inputs without vectors, expected an importance matrix from hartree imatrix",
                    from->name);
    if (o->mean && !m->mean)
        return fail(e, "tensor '%s': found inputs without a mean, expected an importance matrix from hartree imatrix",
                    from->name);
    snprintf(r->prefix, sizeof r->prefix, "%.*s", (int)(strlen(from->name) - strlen(".weight")), from->name);
    snprintf(name, sizeof name, "%s.bias", r->prefix);
    r->bias = gguf_tensor(g, name);
    if (o->rank > least) r->options.rank = least;
    r->join = join_rows(type, n, n_out);
    if (!r->join)
        return fail(e, "tensor '%s': found rows of %zu, expected a length that blocks of %s fit", from->name, n,
                    type_name(type));
    if (r->join > 1) join_mpo(r->join, n, n_out, &r->mpo);
    name_joint(r);
    list_tensors(r);
    return true;
}

/* ---- Numbers ---- */

struct work {
    const struct remake *r;
    struct pool *pool;
    struct compact_form form;
    float *w, *q, *bias; /* q becomes the error */
};

static void read_rows(void *ctx, int thread)
{
    (void)thread;
    const struct work *k = ctx;
    const struct tensor *t = k->r->from;
    for (size_t row; (row = pool_chunk(k->pool)) < (size_t)t->ne[1];)
        type_dequantise(t->type, k->w + row * (size_t)t->ne[0], tensor_row(t, (int64_t)row), (size_t)t->ne[0]);
}

/* The bias of the correction, or the layer's own and it. */
static float *whole_bias(const struct remake *r, struct correction *c, struct error *e)
{
    size_t n_out = (size_t)r->from->ne[1];
    float *b = c->bias;
    c->bias = NULL;
    if (!r->bias) return b;
    float *own = malloc(n_out * sizeof *own);
    if (!own || r->bias->ne[0] != (int64_t)n_out) {
        free(own);
        free(b);
        fail(e, "tensor '%s': found %lld numbers, expected %zu and memory for them", r->bias->name, (long long)r->bias->ne[0],
             n_out);
        return NULL;
    }
    type_dequantise(r->bias->type, own, r->bias->data, n_out);
    for (size_t i = 0; i < n_out; i++) b[i] += own[i];
    free(own);
    return b;
}

static bool make_numbers(struct work *k, void *data[REMAKE_MAX_TENSORS], double cost[2], struct error *e)
{
    const struct remake *r = k->r;
    size_t n = (size_t)r->from->ne[0], n_out = (size_t)r->from->ne[1];
    int at = 0;
    if (!(data[at] = malloc(r->tensors[0].bytes))) return fail(e, "tensor '%s': found no memory for it", r->tensors[0].name);
    if (!feedback_quantise(&k->form, k->w, n_out, r->type, r->join, k->pool, data[at++], k->q, e)) return false;
    if (r->join > 1) {
        float *one = malloc((size_t)tensor_elements(&r->tensors[at]) * sizeof *one);
        data[at] = malloc(r->tensors[at].bytes);
        if (one && data[at]) {
            join_selection(r->join, one);
            type_quantise(TYPE_Q4_0, data[at], one, NULL, (size_t)tensor_elements(&r->tensors[at]));
        }
        free(one);
        if (!one || !data[at]) return fail(e, "tensor '%s': found no memory for it", r->tensors[at].name);
        at++;
    }
    struct compact_form judge = {.n = 0}; /* centred where a bias takes the mean, but never without its vectors */
    struct correction c;
    if (!compact_form_new(&judge, r->metric, r->options.mean, r->metric->k > 0, e)) return false;
    double whole = compact_form_cost(&judge, k->pool, k->w, n_out);
    for (size_t i = 0; i < n * n_out; i++) k->q[i] = k->w[i] - k->q[i];
    cost[0] = compact_form_cost(&judge, k->pool, k->q, n_out) / whole;
    bool ok = correction_fit(&c, &judge, r->options.mean ? r->metric->mean : NULL, k->q, n_out, r->options.rank, k->pool, e);
    cost[1] = ok ? compact_form_cost(&judge, k->pool, k->q, n_out) / whole : NAN;
    compact_form_free(&judge);
    if (!ok) return false;
    if (c.rank) data[at++] = c.right, data[at++] = c.left, c.right = c.left = NULL;
    if (r->options.mean) ok = (data[at] = whole_bias(r, &c, e));
    correction_free(&c);
    return ok;
}

bool remake_run(const struct remake *r, struct pool *pool, void *data[REMAKE_MAX_TENSORS], double cost[2], struct error *e)
{
    size_t size = (size_t)tensor_elements(r->from);
    struct work k = {.r = r, .pool = pool};
    memset(data, 0, REMAKE_MAX_TENSORS * sizeof *data);
    k.w = malloc(2 * size * sizeof *k.w);
    k.q = k.w ? k.w + size : NULL;
    bool ok = (k.w || fail(e, "tensor '%s': found no memory for %zu floats", r->from->name, 2 * size)) &&
              compact_form_new(&k.form, r->metric, r->options.mean, r->options.feedback && r->metric->k > 0, e);
    if (ok) pool_run(pool, read_rows, &k);
    ok = ok && make_numbers(&k, data, cost, e);
    compact_form_free(&k.form);
    free(k.w);
    return ok || fail_in(e, r->prefix);
}
