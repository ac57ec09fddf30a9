/* encoder_plan.c - the graph of BERT (arXiv 1810.04805) up to a sentence's vector: embeddings of words, positions and the
 * first token type, normed; blocks of full attention and an FFN, whose branches are added and then normed; and of all rows one.
 * Names are those of llama.cpp's files (src/llama-arch.cpp, LLM_ARCH_BERT).
 *
 * A text is one step: a row sees those after it, so that nothing can be fed later. Keys and values of a layer are done with
 * when the next begins, whose own then lie there. SPDX-License-Identifier: MIT */
#include "engine/builder.h"

struct buffers {
    int x, q, k, v, attended;
    int branch; /* what is added to x */
    int wide;   /* the FFN's inner values */
};

static void norm(struct builder *b, const char *role, int x)
{
    char name[48];
    int n = b->model->hp.n_embd;
    snprintf(name, sizeof name, "%s.weight", role);
    const struct tensor *w = builder_tensor(b, name, n, 0, REQUIRED);
    snprintf(name, sizeof name, "%s.bias", role);
    const struct tensor *bias = builder_tensor(b, name, n, 0, REQUIRED);
    struct op *op = builder_op(b, OP_LAYER_NORM, role, x, x);
    op->w = w;
    op->bias = bias;
    op->u.norm.heads = 1;
    op->u.norm.eps = b->model->hp.eps;
}

static void linear(struct builder *b, const char *role, int dst, int src)
{
    builder_linear(b, &(struct linear_role){role, dst, REQUIRED}, 1, src);
}

static void add_row(struct builder *b, const char *role, int x, int rows, bool first)
{
    const struct tensor *w = builder_matrix(b, role, b->model->hp.n_embd, rows);
    struct op *op = builder_op(b, OP_ADD_ROW, role, x, NO_BUFFER);
    op->w = w;
    op->u.add_row.first = first;
}

static void embed(struct builder *b, int x)
{
    const struct hparams *h = &b->model->hp;
    const struct tensor *w = builder_matrix(b, "token_embd", h->n_embd, h->n_vocab);
    const struct tensor *types = model_tensor(b->model, -1, "token_types.weight");
    int n_types = types && types->ne[1] <= INT32_MAX ? (int)types->ne[1] : 1; /* how many there are is nowhere else */
    struct op *op = builder_op(b, OP_EMBED, "token_embd", x, NO_BUFFER);
    op->w = w;
    op->u.embed.scale = h->embedding_scale;
    add_row(b, "position_embd", x, h->n_ctx_train, false);
    add_row(b, "token_types", x, n_types, true);
    norm(b, "token_embd_norm", x);
}

static void layer(struct builder *b, const struct buffers *r)
{
    const struct linear_role qkv[] = {{"attn_q", r->q, REQUIRED}, {"attn_k", r->k, REQUIRED}, {"attn_v", r->v, REQUIRED}};
    builder_linear(b, qkv, 3, r->x);
    builder_attend(b, r->attended, r->q, r->k, r->v, 0)->u.attend.full = true;
    linear(b, "attn_output", r->branch, r->attended);
    builder_op(b, OP_ADD, "attn_residual", r->x, r->branch);
    norm(b, "attn_output_norm", r->x);

    linear(b, "ffn_up", r->wide, r->x);
    struct op *op = builder_op(b, OP_ACT, "ffn_act", r->wide, r->wide);
    op->u.glu.activation = b->model->arch->activation;
    linear(b, "ffn_down", r->branch, r->wide);
    builder_op(b, OP_ADD, "ffn_residual", r->x, r->branch);
    norm(b, "layer_output_norm", r->x);
}

void builder_encoder(struct builder *b)
{
    const struct hparams *h = &b->model->hp;
    size_t n_embd = (size_t)h->n_embd, width = (size_t)(h->n_head * h->head_dim);
    size_t kv_width = (size_t)(h->n_head_kv * h->head_dim);

    b->layer = -1;
    struct buffers r;
    r.x = builder_buffer(b, "x", n_embd, TYPE_F32, false);
    r.q = builder_buffer(b, "q", width, TYPE_F32, false);
    r.k = builder_buffer(b, "k", kv_width, TYPE_F32, false);
    r.v = builder_buffer(b, "v", kv_width, TYPE_F32, false);
    r.attended = builder_buffer(b, "attended", width, TYPE_F32, false);
    r.branch = builder_buffer(b, "branch", n_embd, TYPE_F32, false);
    r.wide = builder_buffer(b, "wide", (size_t)h->n_ff, TYPE_F32, false);
    int pooled = builder_buffer(b, "pooled", n_embd, TYPE_F32, true);

    embed(b, r.x);
    for (int i = 0; i < h->n_layer && b->ok; i++) {
        b->layer = i;
        layer(b, &r);
    }
    b->layer = -1;
    builder_op(b, OP_POOL, "pool", pooled, r.x)->u.pool.how = h->pooling;
    b->plan->logits = pooled;
}
