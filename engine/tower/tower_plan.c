/* tower_plan.c - see tower_plan.h. The graph is that of Qwen2-VL: pre-norm blocks of full attention and an FFN without a gate,
 * rope by row and column, then a merger that joins each merge x merge patches.
 *
 * Buffers are few, since a picture has thousands of rows: q, k and v lie where the FFN's inner values come later, attention's
 * output where the keys were (they are in the cache by then), and a branch's output where its input was normed.
 * SPDX-License-Identifier: MIT */
#include "engine/tower/tower_plan.h"

#include <math.h>
#include <stdlib.h>

#include "engine/builder.h"

struct buffers {
    int x, normed; /* the residual stream; a branch's input, and then its output */
    int wide;      /* patches, the FFN's and the merger's inner values */
    int q, k, v;   /* within it */
    int angles;
};

static void norm(struct builder *b, const char *role, int dst, int src, const struct mmproj_tensors *t)
{
    struct op *op = builder_op(b, OP_LAYER_NORM, role, dst, src);
    op->w = t->w;
    op->bias = t->b;
    op->u.norm.heads = 1;
    op->u.norm.eps = b->model->hp.eps;
}

/* The product of a weight with rows of `src`, which hold as many elements as it has columns. */
static void multiply(struct builder *b, const char *role, const struct tensor *w, const struct tensor *bias, int dst, int src)
{
    int from = builder_activations(b, w, src, (size_t)w->ne[0]);
    struct op *op = builder_op(b, OP_LINEAR, role, dst, from);
    op->w = w;
    op->bias = bias;
    op->n_in = (int)w->ne[0];
    op->n_out = (int)w->ne[1];
}

static void act(struct builder *b, const char *role, int buffer, int64_t n, enum activation activation)
{
    struct op *op = builder_op(b, OP_ACT, role, buffer, buffer);
    op->n_in = op->n_out = (int)n;
    op->u.glu.activation = activation;
}

static void rope(struct builder *b, const char *role, int x, int angles)
{
    const struct hparams *h = &b->model->hp;
    struct op *op = builder_op(b, OP_ROPE, role, x, x);
    op->src2 = angles;
    op->u.rope.kind = ROPE_NEOX;
    op->u.rope.heads = h->n_head;
    op->u.rope.head_dim = op->u.rope.n_rot = h->head_dim;
    op->u.rope.angles = angles;
}

static void add_angles(struct builder *b, int dst, int merge)
{
    struct plan *p = b->plan;
    size_t pairs = (size_t)b->model->hp.head_dim / 2, n = pairs / 2;
    double *freq = b->ok ? malloc(pairs * sizeof *freq) : NULL;
    if (!freq) {
        if (b->ok) b->ok = fail(b->e, "plan: found no memory for %zu rope frequencies", pairs);
        return;
    }
    for (size_t j = 0; j < pairs; j++) freq[j] = pow(b->model->hp.rope_base, -(double)(j % n) / (double)n);
    p->rope[p->n_ropes] = (struct rope_table){(int)(2 * pairs), freq};
    struct op *op = builder_op(b, OP_GRID_ANGLES, "rope_angles", dst, NO_BUFFER);
    op->u.angles.table = (int)p->n_ropes++;
    op->u.angles.merge = merge;
}

/* Both temporal kernels see the same still picture. */
static void embed(struct builder *b, const struct buffers *r, const struct mmproj *m)
{
    struct op *op = builder_op(b, OP_PATCHES, "patches", r->wide, NO_BUFFER);
    op->n_out = (int)m->kernel[0].ne[0];
    op->u.patches.size = m->keys.patch;
    op->u.patches.merge = m->keys.merge;
    for (int c = 0; c < 3; c++) {
        op->u.patches.mean[c] = m->mean[c];
        op->u.patches.std[c] = m->std[c];
    }
    multiply(b, "patch_embd", &m->kernel[0], NULL, r->x, r->wide);
    multiply(b, "patch_embd.1", &m->kernel[1], NULL, r->normed, r->wide);
    builder_op(b, OP_ADD, "patch_sum", r->x, r->normed);
}

static void attention(struct builder *b, const struct buffers *r, const struct mmproj_block *t)
{
    const struct mmproj_tensors *l = t->layer;
    norm(b, "ln1", r->normed, r->x, &t->norm1);
    multiply(b, "attn_q", l[MMPROJ_Q].w, l[MMPROJ_Q].b, r->q, r->normed);
    multiply(b, "attn_k", l[MMPROJ_K].w, l[MMPROJ_K].b, r->k, r->normed);
    multiply(b, "attn_v", l[MMPROJ_V].w, l[MMPROJ_V].b, r->v, r->normed);
    rope(b, "rope_q", r->q, r->angles);
    rope(b, "rope_k", r->k, r->angles);
    builder_attend(b, r->k, r->q, r->k, r->v, 0)->u.attend.full = true;
    multiply(b, "attn_out", l[MMPROJ_OUT].w, l[MMPROJ_OUT].b, r->normed, r->k);
    builder_op(b, OP_ADD, "attn_residual", r->x, r->normed);
}

static void ffn(struct builder *b, const struct buffers *r, const struct mmproj_block *t, enum activation activation)
{
    const struct mmproj_tensors *l = t->layer;
    norm(b, "ln2", r->normed, r->x, &t->norm2);
    multiply(b, "ffn_up", l[MMPROJ_FC1].w, l[MMPROJ_FC1].b, r->wide, r->normed);
    act(b, "ffn_act", r->wide, b->model->hp.n_ff, activation);
    multiply(b, "ffn_down", l[MMPROJ_FC2].w, l[MMPROJ_FC2].b, r->normed, r->wide);
    builder_op(b, OP_ADD, "ffn_residual", r->x, r->normed);
}

struct plan *tower_plan_new(const struct mmproj *m, bool exact, struct error *e)
{
    struct builder b;
    if (!builder_begin(&b, &m->model, exact, e)) return NULL;
    const struct hparams *h = &m->model.hp;
    size_t n = (size_t)h->n_embd, patch = (size_t)m->kernel[0].ne[0], wide = 3 * n;
    if (wide < (size_t)h->n_ff) wide = (size_t)h->n_ff;
    if (wide < patch) wide = patch;
    wide = (wide + 255) / 256 * 256; /* whole blocks of any type, should it be quantised */

    b.layer = -1;
    struct buffers r;
    r.x = builder_buffer(&b, "x", n, TYPE_F32, false);
    r.normed = builder_buffer(&b, "normed", n, TYPE_F32, false);
    r.wide = builder_buffer(&b, "wide", wide, TYPE_F32, false);
    r.q = builder_guest(&b, "q", n, r.wide, 0);
    r.k = builder_guest(&b, "k", n, r.wide, n);
    r.v = builder_guest(&b, "v", n, r.wide, 2 * n);
    r.angles = builder_buffer(&b, "rope_angles", (size_t)h->head_dim, TYPE_F32, false);
    int out = builder_buffer(&b, "embeddings", (size_t)m->n_out, TYPE_F32, true);

    add_angles(&b, r.angles, m->keys.merge);
    embed(&b, &r, m);
    for (int i = 0; i < h->n_layer; i++) {
        b.layer = i;
        attention(&b, &r, &m->blocks[i]);
        ffn(&b, &r, &m->blocks[i], m->activation);
    }
    b.layer = -1;
    norm(&b, "post_ln", r.normed, r.x, &m->post_norm);
    b.sampled = true; /* from here on a row is a token: its patches' rows one after another */
    multiply(&b, "mm.0", m->merge1.w, m->merge1.b, r.wide, r.normed);
    act(&b, "mm_act", r.wide, m->merge1.w->ne[1], ACT_GELU);
    multiply(&b, "mm.2", m->merge2.w, m->merge2.b, out, r.wide);
    b.plan->logits = out;
    return builder_end(&b);
}
