/* plan_linear.c - linear layers as ops: one product where a layer is dense, a step a core where it is factorised, and what is
 * added. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/builder.h"

/* Names of what a layer's ops are for, as literals: rows of predictions keep them when the plan is gone. */
#define CORES(r)                                                                                                               \
    {                                                                                                                          \
        r ".mpo.0", r ".mpo.1", r ".mpo.2", r ".mpo.3", r ".mpo.4", r ".mpo.5", r ".mpo.6", r ".mpo.7", r ".mpo.8",            \
            r ".mpo.9", r ".mpo.10", r ".mpo.11"                                                                               \
    }
#define ROLE(r)                                                                                                                \
    {                                                                                                                          \
        r, r ".mpo.perm_in", r ".mpo.right", r ".mpo.left", r ".mpo.res_idx", r ".mpo.res", r ".mpo.rebuild", CORES(r)         \
    }

static const struct names {
    const char *role, *permute, *right, *left, *kept_index, *kept, *rebuild, *core[MPO_MAX_CORES];
} all_names[] = {
    ROLE("attn_q"),   ROLE("attn_k"), ROLE("attn_v"),   ROLE("attn_output"),
    ROLE("ffn_gate"), ROLE("ffn_up"), ROLE("ffn_down"), ROLE("output"),
};

static const struct names *names_of(const char *role)
{
    size_t i = 0;
    while (strcmp(all_names[i].role, role)) i++; /* roles are the callers' literals, and each has a row */
    return &all_names[i];
}

/* One layer of the group while its ops are being listed. */
struct member {
    const struct names *names;
    struct layer_weights *w;
    int dst, at;        /* where its outputs go; the buffer that its next step reads */
    size_t at_elements; /* ... and a row of it */
    size_t rebuild_from;
};

/* A buffer between steps, made at its first use and widened at each. */
static int state_buffer(struct builder *b, int member, int which, size_t elements)
{
    static const char *const names[STATE_COUNT] = {"state", "state", "right", "kept"};
    if (!b->ok) return 0;
    size_t width = (elements + 255) / 256 * 256; /* whole blocks of any type; at most MPO_MAX_STATE, so that it fits an int */
    int *buffer = &b->state[member][which];
    if (*buffer == NO_BUFFER) *buffer = builder_buffer(b, names[which], width, TYPE_F32, false);
    struct plan_buffer *p = &b->plan->buffers[*buffer];
    if (p->width < width) p->width = width;
    size_t most = PLAN_MAX_STATE / width;
    if (b->plan->max_rows > most) b->plan->max_rows = most ? most : 1;
    return *buffer;
}

static struct op *step_op(struct builder *b, enum op_kind kind, const char *role, int dst, int src,
                          const struct layer_weights *w, size_t n_in, size_t n_out)
{
    struct op *op = builder_op(b, kind, role, dst, src);
    op->n_in = (int)n_in;
    op->n_out = (int)n_out;
    op->u.core.layer = w;
    op->u.core.rebuild_from = SIZE_MAX;
    return op;
}

/* Elements `index` of each row into a buffer. */
static int pick(struct builder *b, int member, const char *role, int which, int src, const struct tensor *index)
{
    size_t n = (size_t)index->ne[0];
    int dst = state_buffer(b, member, which, n);
    struct op *op = builder_op(b, OP_PICK, role, dst, src);
    op->n_out = (int)n;
    op->u.pick.index = index;
    return dst;
}

/* Reads the layer's weights, which the plan keeps where they are more than one matrix and its bias. */
static bool open_member(struct builder *b, struct member *m, const struct linear_role *l, int src)
{
    struct plan *p = b->plan;
    size_t n_in = p->buffers[src].width, n_out = p->buffers[l->dst].width;
    *m = (struct member){.names = names_of(l->role), .dst = l->dst, .at = src, .at_elements = n_in, .rebuild_from = SIZE_MAX};
    struct layer_weights **list = memory_grow(p->layers, &b->layers_capacity, p->n_layers + 1, sizeof *list);
    if (!list) return fail(b->e, "plan: found no memory for %zu layers", p->n_layers + 1);
    p->layers = list;
    m->w = list[p->n_layers] = weights_read(b->model->gguf, b->layer, l->role, n_in, n_out, l->bias, b->e);
    if (!m->w) return false;
    p->n_layers++;
    b->n_mpo += m->w->mpo.d > 0;
    return true;
}

/* ---- Cores ---- */

/* How much dearer than those of 8-bit products FLOPs of floats are taken to be. */
enum { FLOAT_WEIGHT = 4 };

static bool float_cores(const struct layer_weights *w)
{
    for (int k = 0; k < w->mpo.d; k++)
        if (type_get(w->core[k]->type)->activation != TYPE_F32) return false;
    return true;
}

/* Making the matrix, which is of floats, is weighed only where its panels stay small and its rows are in order. */
static size_t rebuild_from(const struct layer_weights *w)
{
    enum { MAX_SCRATCH = 4 << 20 };
    bool can = !w->perm_out && REBUILD_ROWS * w->n_in + mpo_rebuild_scratch(&w->mpo, REBUILD_ROWS) <= MAX_SCRATCH;
    double flops = w->reordered ? mpo_order_flops(&w->mpo, w->order) : mpo_flops(&w->mpo);
    return can ? mpo_rebuild_from(&w->mpo, w->reordered || float_cores(w) ? flops : flops / FLOAT_WEIGHT, REBUILD_ROWS)
               : SIZE_MAX;
}

/* Another order multiplies floats, one column after another: it is taken where it saves so many FLOPs that it is the faster all
 * the same, where its states are no wider than is allowed and the outputs' rows in order. */
static bool reorder(struct layer_weights *w)
{
    const struct mpo *m = &w->mpo;
    if (w->perm_out || mpo_best_order(m, w->order) * FLOAT_WEIGHT >= mpo_flops(m)) return false;
    for (int j = 0; j < m->d; j++)
        if (mpo_contraction(m, w->order, j).n_out > MPO_MAX_STATE) return false;
    return true;
}

/* Whether two members' last cores are one tensor and multiply the same vectors: then one product serves both. */
static bool share_core(const struct member *x, const struct member *y)
{
    const struct mpo *a = &x->w->mpo, *c = &y->w->mpo;
    if (!a->d || !c->d || x->w->reordered || y->w->reordered || x->w->core[a->d - 1] != y->w->core[c->d - 1] || x->w->perm_in ||
        y->w->perm_in)
        return false;
    return mpo_step(a, a->d - 1).vectors == mpo_step(c, c->d - 1).vectors;
}

/* Core k as an op from `from`, which holds m->at in the format that the core multiplies with. */
static void core_op(struct builder *b, struct member *m, int member, int k, int from)
{
    const struct layer_weights *w = m->w;
    const struct mpo_step s = mpo_step(&w->mpo, k);
    size_t elements = mpo_state(&w->mpo, k);
    int dst = k ? state_buffer(b, member, k % 2 ? STATE_ODD : STATE_EVEN, elements) : m->dst;
    /* One vector a token and rows in order: a product like that of any matrix. */
    bool plain = s.vectors == 1 && !s.pivots && (k || !w->perm_out) && m->rebuild_from == SIZE_MAX;
    struct op *op = step_op(b, plain ? OP_LINEAR : OP_CORE, m->names->core[k], dst, from, w, m->at_elements, elements);
    op->w = w->core[k];
    op->bias = k ? NULL : w->bias;
    op->u.core.core = k;
    op->u.core.rebuild_from = m->rebuild_from;
    if (s.pivots) op->src2 = m->at;
    m->at = dst;
    m->at_elements = elements;
}

/* Step j of the layer's own order, which multiplies floats. */
static void contract_op(struct builder *b, struct member *m, int member, int j)
{
    const struct layer_weights *w = m->w;
    size_t elements = mpo_contraction(&w->mpo, w->order, j).n_out;
    bool last = j == w->mpo.d - 1;
    int dst = last ? m->dst : state_buffer(b, member, (w->mpo.d - 1 - j) % 2 ? STATE_ODD : STATE_EVEN, elements);
    struct op *op = step_op(b, OP_CONTRACT, m->names->core[w->order[j]], dst, m->at, w, m->at_elements, elements);
    op->w = w->core[w->order[j]];
    op->bias = last ? w->bias : NULL;
    op->u.core.core = j;
    op->u.core.rebuild_from = m->rebuild_from;
    m->at = dst;
    m->at_elements = elements;
}

static void begin_cores(struct builder *b, struct member *m, int member, int src)
{
    struct layer_weights *w = m->w;
    if (!w->mpo.d) return;
    if (w->perm_in) m->at = pick(b, member, m->names->permute, w->mpo.d % 2 ? STATE_ODD : STATE_EVEN, src, w->perm_in);
    w->reordered = reorder(w);
    m->rebuild_from = rebuild_from(w);
    if (m->rebuild_from == SIZE_MAX) return;
    struct op *op = step_op(b, OP_REBUILD, m->names->rebuild, m->dst, m->at, w, w->n_in, w->n_out);
    op->w = w->core[0];
    op->bias = w->bias;
    op->u.core.rebuild_from = m->rebuild_from;
}

/* ---- A group ---- */

/* The round's products: of members with that many cores the one that it is the turn of, from the last one to the first. What
 * has to be quantised is so before the first product, that all of these may share a stage. */
static void round_of_cores(struct builder *b, struct member *m, int n, int round)
{
    int from[MAX_GROUP], joint[MAX_GROUP];
    for (int i = 0; i < n; i++) {
        int k = m[i].w->mpo.d - 1 - round;
        if (k < 0) continue;
        joint[i] = i;
        for (int j = 0; j < i && !round; j++)
            if (joint[i] == i && share_core(&m[i], &m[j])) joint[i] = j;
        if (!m[i].w->reordered) from[i] = builder_activations(b, m[i].w->core[k], m[i].at, m[i].at_elements);
    }
    for (int i = 0; i < n; i++) {
        int k = m[i].w->mpo.d - 1 - round;
        if (k < 0) continue;
        if (m[i].w->reordered) {
            contract_op(b, &m[i], i, round);
        } else if (joint[i] == i) {
            core_op(b, &m[i], i, k, from[i]);
        } else {
            m[i].at = m[joint[i]].at;
            m[i].at_elements = m[joint[i]].at_elements;
        }
    }
}

static void dense_op(struct builder *b, const struct member *m, const struct tensor *w, const char *role, int dst, int src,
                     size_t n_out)
{
    struct op *op = step_op(b, OP_LINEAR, role, dst, builder_activations(b, w, src, m->w->n_in), m->w, m->w->n_in, n_out);
    op->w = w;
    op->bias = w == m->w->dense ? m->w->bias : NULL;
}

static void outer(struct builder *b, const struct member *m, const char *role, const struct tensor *rows, int src)
{
    struct op *op = step_op(b, OP_OUTER, role, m->dst, src, m->w, (size_t)rows->ne[1], m->w->n_out);
    op->w = rows;
}

void builder_linear(struct builder *b, const struct linear_role *l, int n, int src)
{
    struct member m[MAX_GROUP];
    int cores = 0, right[MAX_GROUP] = {0}, kept[MAX_GROUP] = {0};
    if (!b->ok) return;
    for (int i = 0; i < n; i++) {
        b->ok = open_member(b, &m[i], &l[i], src);
        if (!b->ok) return;
        if (m[i].w->mpo.d > cores) cores = m[i].w->mpo.d;
    }
    b->sampled = b->plan->buffers[src].sampled;
    for (int i = 0; i < n; i++) {
        begin_cores(b, &m[i], i, src);
        if (m[i].w->kept) kept[i] = pick(b, i, m[i].names->kept_index, STATE_KEPT, src, m[i].w->kept_index);
    }
    /* All that reads the input is quantised for, then multiplied. */
    for (int i = 0; i < n; i++) {
        if (m[i].w->dense) builder_activations(b, m[i].w->dense, src, m[i].w->n_in);
        if (m[i].w->right) builder_activations(b, m[i].w->right, src, m[i].w->n_in);
    }
    for (int i = 0; i < n; i++) {
        if (m[i].w->right) {
            size_t rank = (size_t)m[i].w->right->ne[1];
            right[i] = state_buffer(b, i, STATE_RIGHT, rank);
            dense_op(b, &m[i], m[i].w->right, m[i].names->right, right[i], src, rank);
        }
        if (!m[i].w->dense) continue;
        dense_op(b, &m[i], m[i].w->dense, m[i].names->role, m[i].dst, src, m[i].w->n_out);
    }
    for (int round = 0; round < cores; round++) round_of_cores(b, m, n, round);
    for (int i = 0; i < n; i++) {
        if (m[i].w->right) outer(b, &m[i], m[i].names->left, m[i].w->left, right[i]);
        if (m[i].w->kept) outer(b, &m[i], m[i].names->kept, m[i].w->kept, kept[i]);
    }
    b->sampled = false;
}
