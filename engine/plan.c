/* plan.c - the one builder: architecture facts and tensors in, ops out.
 * SPDX-License-Identifier: MIT */
#include "engine/builder.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define X(kind, name) extern const struct op_def op_##name;
OP_KINDS(X)
#undef X

const struct op_def *const op_defs[OP_KIND_COUNT] = {
#define X(kind, name) [OP_##kind] = &op_##name,
    OP_KINDS(X)
#undef X
};

int builder_buffer(struct builder *b, const char *name, size_t width, enum type type, bool sampled)
{
    struct plan *p = b->plan;
    if (!b->ok) return 0;
    assert(p->n_buffers < MAX_BUFFERS);
    p->buffers[p->n_buffers] = (struct plan_buffer){name, width, type, sampled, NO_BUFFER, 0};
    b->quantised[p->n_buffers][0] = b->quantised[p->n_buffers][1] = NO_BUFFER;
    return (int)p->n_buffers++;
}

int builder_guest(struct builder *b, const char *name, size_t width, int host, size_t skip)
{
    int buffer = builder_buffer(b, name, width, TYPE_F32, false);
    if (!b->ok) return 0;
    assert(skip + width <= b->plan->buffers[host].width);
    b->plan->buffers[buffer].host = host;
    b->plan->buffers[buffer].skip = skip;
    return buffer;
}

struct op *builder_op(struct builder *b, enum op_kind kind, const char *role, int dst, int src)
{
    struct plan *p = b->plan;
    if (!b->ok) return &b->ignored;
    struct op *ops = memory_grow(p->ops, &b->ops_capacity, p->n_ops + 1, sizeof *ops);
    if (!ops) {
        b->ok = fail(b->e, "plan: found no memory for %zu ops", p->n_ops + 1);
        return &b->ignored;
    }
    p->ops = ops;
    struct op *op = &p->ops[p->n_ops++];
    *op = (struct op){.kind = kind, .layer = b->layer, .role = role, .dst = dst, .src = src, .src2 = NO_BUFFER};
    if (dst != NO_BUFFER) {
        op->sampled = p->buffers[dst].sampled || b->sampled;
        op->n_out = (int)p->buffers[dst].width;
        b->fresh[dst][0] = b->fresh[dst][1] = false;
    }
    if (src != NO_BUFFER) op->n_in = (int)p->buffers[src].width;
    return op;
}

const struct tensor *builder_tensor(struct builder *b, const char *name, int64_t ne0, int64_t ne1, enum presence presence)
{
    if (!b->ok) return NULL;
    char full[TENSOR_MAX_NAME];
    if (b->layer < 0) snprintf(full, sizeof full, "%s", name);
    else snprintf(full, sizeof full, "blk.%d.%s", b->layer, name);
    const struct tensor *t = gguf_tensor(b->model->gguf, full);
    if (!t) {
        if (presence == REQUIRED)
            b->ok = ne1 ? fail(b->e, "tensor '%s': found nothing, expected [%lld, %lld]", full, (long long)ne0, (long long)ne1)
                        : fail(b->e, "tensor '%s': found nothing, expected [%lld]", full, (long long)ne0);
        return NULL;
    }
    if (t->ne[0] != ne0 || t->ne[1] != (ne1 ? ne1 : 1) || t->ne[2] != 1 || t->ne[3] != 1) {
        if (ne1)
            b->ok = fail(b->e, "tensor '%s': found [%lld, %lld, %lld], expected [%lld, %lld]", full, (long long)t->ne[0],
                         (long long)t->ne[1], (long long)t->ne[2], (long long)ne0, (long long)ne1);
        else
            b->ok = fail(b->e, "tensor '%s': found [%lld, %lld], expected [%lld]", full, (long long)t->ne[0],
                         (long long)t->ne[1], (long long)ne0);
        return NULL;
    }
    /* Vectors are used in place as float arrays: gguf_parse has checked that tensor data is aligned for them. */
    if (!ne1 && t->type != TYPE_F32) {
        b->ok = fail(b->e, "tensor '%s': found type %s, expected F32", full, type_name(t->type));
        return NULL;
    }
    if (ne1 && !type_get(t->type)->op) {
        b->ok = fail(b->e, "tensor '%s': found type %s, expected one that can be multiplied", full, type_name(t->type));
        return NULL;
    }
    return t;
}

static void norm(struct builder *b, const char *role, int dst, int src, int heads, int n, enum presence presence)
{
    char name[40];
    snprintf(name, sizeof name, "%s.weight", role);
    const struct tensor *w = builder_tensor(b, name, n, 0, presence);
    if (!w) return;
    struct op *op = builder_op(b, OP_NORM, role, dst, src);
    op->w = w;
    op->u.norm.heads = heads;
    op->u.norm.eps = b->model->hp.eps;
}

int builder_activations(struct builder *b, const struct tensor *w, int src, size_t n)
{
    static const struct { enum type type; const char *role; } formats[2] = {
        {TYPE_Q8_A32, "quantise_32"}, {TYPE_Q8_A256, "quantise_256"}};
    enum type want = type_get(w->type)->activation;
    if (b->plan->exact || want == TYPE_F32) return src;
    int i = want == TYPE_Q8_A256;
    const struct plan_buffer from = b->plan->buffers[src];
    /* Several of its rows may be one of the product's, in blocks that one alone does not fill. */
    size_t block = type_get(formats[i].type)->block, width = (from.width + block - 1) / block * block;
    if (b->quantised[src][i] == NO_BUFFER)
        b->quantised[src][i] = builder_buffer(b, from.name, width, formats[i].type, from.sampled);
    int dst = b->quantised[src][i];
    if (b->ok && b->plan->buffers[dst].width < width) b->plan->buffers[dst].width = width;
    if (!b->fresh[src][i]) {
        struct op *op = builder_op(b, OP_QUANTISE, formats[i].role, dst, src);
        op->n_in = op->n_out = (int)n;
        b->fresh[src][i] = true;
    }
    return dst;
}

static void multiply(struct builder *b, const char *role, const struct tensor *w, const struct tensor *bias, int dst, int src)
{
    if (!b->ok) return;
    int from = builder_activations(b, w, src, b->plan->buffers[src].width);
    struct op *op = builder_op(b, OP_LINEAR, role, dst, from);
    op->w = w;
    op->bias = bias;
}

const struct tensor *builder_matrix(struct builder *b, const char *role, int n_in, int n_out)
{
    char name[48];
    snprintf(name, sizeof name, "%s.weight", role);
    const struct tensor *w = builder_tensor(b, name, n_in, n_out, REQUIRED);
    if (w && n_in % (int)type_get(w->type)->block)
        b->ok = fail(b->e, "tensor '%s': found rows of %d, expected a multiple of %zu for %s", w->name, n_in,
                     type_get(w->type)->block, type_name(w->type));
    return b->ok ? w : NULL;
}

static void linear(struct builder *b, const char *role, int dst, int src, enum presence bias)
{
    builder_linear(b, &(struct linear_role){role, dst, bias}, 1, src);
}

static void rope(struct builder *b, const char *role, int x, int heads, int angles)
{
    const struct hparams *h = &b->model->hp;
    struct op *op = builder_op(b, OP_ROPE, role, x, x);
    op->src2 = angles;
    op->u.rope.kind = b->model->arch->rope;
    op->u.rope.heads = heads;
    op->u.rope.head_dim = h->head_dim;
    op->u.rope.n_rot = h->n_rot;
    op->u.rope.angles = angles;
}

struct op *builder_attend(struct builder *b, int dst, int q, int k, int v, int slot)
{
    const struct hparams *h = &b->model->hp;
    struct op *op = builder_op(b, OP_STORE, "store_v", NO_BUFFER, v);
    op->u.store.value = true;
    op->u.store.slot = slot;
    builder_op(b, OP_STORE, "store_k", NO_BUFFER, k)->u.store.slot = slot;
    op = builder_op(b, OP_ATTEND, "attend", dst, q);
    op->u.attend.n_head = h->n_head;
    op->u.attend.n_head_kv = h->n_head_kv;
    op->u.attend.head_dim = h->head_dim;
    op->u.attend.slot = slot;
    op->u.attend.scale = h->attention_scale;
    return op;
}

static void add(struct builder *b, const char *role, int dst, int src) { builder_op(b, OP_ADD, role, dst, src); }

/* Frequencies base^(-2j / n_rot) / scale, divided by the factors of rope_freqs.weight where the file has them (Llama 3.1). */
static int add_rope_table(struct builder *b, double base, double scale)
{
    struct plan *p = b->plan;
    if (!b->ok) return 0;
    size_t half = (size_t)b->model->hp.n_rot / 2;
    const struct tensor *factors = builder_tensor(b, "rope_freqs.weight", (int64_t)half, 0, OPTIONAL);
    const float *divide = factors ? factors->data : NULL;
    double *freq = malloc(half * sizeof *freq);
    if (!freq || !b->ok) {
        if (b->ok) b->ok = fail(b->e, "plan: found no memory for %zu rope frequencies", half);
        free(freq);
        return 0;
    }
    for (size_t j = 0; j < half; j++) {
        freq[j] = pow(base, -(double)j / (double)half) / scale;
        if (divide) freq[j] /= (double)divide[j];
    }
    p->rope[p->n_ropes] = (struct rope_table){(int)(2 * half), freq};
    return (int)p->n_ropes++;
}

static int angles(struct builder *b, const char *role, double base, double scale)
{
    int table = add_rope_table(b, base, scale);
    int dst = builder_buffer(b, role, (size_t)b->model->hp.n_rot, TYPE_F32, false);
    builder_op(b, OP_ANGLES, role, dst, NO_BUFFER)->u.angles.table = table;
    return dst;
}

/* The buffers that all layers share. */
struct layer_buffers {
    int x;                   /* the residual stream */
    int normed;              /* what a branch reads */
    int q, k, v, attended;
    int gate, up;
    int branch;              /* what it adds to x */
};

static void layer(struct builder *b, const struct layer_buffers *r, int angle)
{
    const struct arch *a = b->model->arch;
    const struct hparams *h = &b->model->hp;

    norm(b, "attn_norm", r->normed, r->x, 1, h->n_embd, REQUIRED);
    const struct linear_role qkv[] = {
        {"attn_q", r->q, a->qkv_bias}, {"attn_k", r->k, a->qkv_bias}, {"attn_v", r->v, a->qkv_bias}};
    builder_linear(b, qkv, 3, r->normed);
    if (a->qk_norm != ABSENT) {
        norm(b, "attn_q_norm", r->q, r->q, h->n_head, h->head_dim, a->qk_norm);
        norm(b, "attn_k_norm", r->k, r->k, h->n_head_kv, h->head_dim, a->qk_norm);
    }
    rope(b, "rope_q", r->q, h->n_head, angle);
    rope(b, "rope_k", r->k, h->n_head_kv, angle);
    struct op *op = builder_attend(b, r->attended, r->q, r->k, r->v, b->layer);
    op->u.attend.window = layer_is_windowed(h, b->layer) ? h->window : 0;
    linear(b, "attn_output", r->branch, r->attended, a->qkv_bias == REQUIRED ? ABSENT : a->qkv_bias);
    if (a->sandwich_norms) norm(b, "post_attention_norm", r->branch, r->branch, 1, h->n_embd, REQUIRED);
    add(b, "attn_residual", r->x, r->branch);

    norm(b, "ffn_norm", r->normed, r->x, 1, h->n_embd, REQUIRED);
    builder_linear(b, (struct linear_role[]){{"ffn_gate", r->gate, ABSENT}, {"ffn_up", r->up, ABSENT}}, 2, r->normed);
    op = builder_op(b, OP_GLU, "ffn_act", r->gate, r->gate);
    op->src2 = r->up;
    op->u.glu.activation = a->activation;
    linear(b, "ffn_down", r->branch, r->gate, ABSENT);
    if (a->sandwich_norms) norm(b, "post_ffw_norm", r->branch, r->branch, 1, h->n_embd, REQUIRED);
    add(b, "ffn_residual", r->x, r->branch);
}

static void decoder(struct builder *b)
{
    const struct hparams *h = &b->model->hp;
    size_t n_embd = (size_t)h->n_embd, kv_width = (size_t)(h->n_head_kv * h->head_dim),
           q_width = (size_t)(h->n_head * h->head_dim);

    b->layer = -1;
    struct layer_buffers r;
    r.x = builder_buffer(b, "x", n_embd, TYPE_F32, false);
    r.normed = builder_buffer(b, "normed", n_embd, TYPE_F32, false);
    r.q = builder_buffer(b, "q", q_width, TYPE_F32, false);
    r.k = builder_buffer(b, "k", kv_width, TYPE_F32, false);
    r.v = builder_buffer(b, "v", kv_width, TYPE_F32, false);
    r.attended = builder_buffer(b, "attended", q_width, TYPE_F32, false);
    r.branch = builder_buffer(b, "branch", n_embd, TYPE_F32, false);
    r.gate = builder_buffer(b, "gate", (size_t)h->n_ff, TYPE_F32, false);
    r.up = builder_buffer(b, "up", (size_t)h->n_ff, TYPE_F32, false);

    const struct tensor *embedding = builder_matrix(b, "token_embd", h->n_embd, h->n_vocab);
    struct op *op = builder_op(b, OP_EMBED, "token_embd", r.x, NO_BUFFER);
    op->w = embedding;
    op->u.embed.scale = h->embedding_scale;
    int global = angles(b, "rope_angles", h->rope_base, h->rope_scale);
    int local = h->window ? angles(b, "rope_angles_local", h->rope_base_local, 1) : global;

    for (int i = 0; i < h->n_layer && b->ok; i++) {
        b->layer = i;
        layer(b, &r, layer_is_windowed(h, i) ? local : global);
    }

    b->layer = -1;
    int sampled = builder_buffer(b, "x_sampled", n_embd, TYPE_F32, true);
    int last = builder_buffer(b, "normed_sampled", n_embd, TYPE_F32, true);
    int logits = builder_buffer(b, "logits", (size_t)h->n_vocab, TYPE_F32, true);
    builder_op(b, OP_GATHER, "sampled_rows", sampled, r.x);
    norm(b, "output_norm", last, sampled, 1, h->n_embd, REQUIRED);
    /* Tied embeddings: the head is the embedding matrix where the file has no output.weight. */
    bool untied = b->ok && (model_tensor(b->model, -1, "output.weight") || gguf_find(b->model->gguf, "mpo.output.bonds"));
    if (untied) linear(b, "output", logits, last, ABSENT);
    else if (b->ok) multiply(b, "output", embedding, NULL, logits, last);
    b->plan->logits = logits;
}

/* Whether op y must wait for op x, which stands before it in the same stage. */
static bool depends(const struct op *y, const struct op *x)
{
    if (y->kind == OP_ATTEND && x->kind == OP_STORE) return true;
    if (x->dst != NO_BUFFER && (y->src == x->dst || y->src2 == x->dst || y->dst == x->dst)) return true;
    return y->dst != NO_BUFFER && (x->src == y->dst || x->src2 == y->dst);
}

static size_t chunks_of_one_row(const struct op *op)
{
    return op_defs[op->kind]->chunks(op, &(struct step){.n = 1, .n_out = 1});
}

/* Whether y can run in the chunks of x, the op before it: both by row, of the same rows cut alike. */
static bool chains(const struct op *y, const struct op *x)
{
    return op_defs[x->kind]->by_row && op_defs[y->kind]->by_row && x->sampled == y->sampled &&
           chunks_of_one_row(x) == chunks_of_one_row(y);
}

static bool build_stages(struct builder *b)
{
    struct plan *p = b->plan;
    p->stage = malloc((p->n_ops + 1) * sizeof *p->stage);
    if (!p->stage) return fail(b->e, "plan: found no memory for %zu stages", p->n_ops);
    p->n_stages = 0;
    p->stage[0] = 0;
    for (size_t i = 1, chain = 0; i < p->n_ops; i++) {
        bool chained = chains(&p->ops[i], &p->ops[i - 1]), waits = false;
        if (!chained) chain = i;
        for (size_t j = p->stage[p->n_stages]; j < chain; j++) waits |= depends(&p->ops[i], &p->ops[j]);
        p->ops[i].chained = chained && !waits;
        if (waits) p->stage[++p->n_stages] = chain = i;
    }
    p->stage[++p->n_stages] = p->n_ops;
    return true;
}

bool builder_begin(struct builder *b, const struct model *m, bool exact, struct error *e)
{
    struct plan *p = calloc(1, sizeof *p);
    if (p) p->buffers = calloc(MAX_BUFFERS, sizeof *p->buffers);
    if (!p || !p->buffers) {
        free(p);
        return fail(e, "plan: found no memory");
    }
    p->model = m;
    p->exact = exact;
    p->max_rows = SIZE_MAX;
    *b = (struct builder){.plan = p, .model = m, .e = e, .ok = true};
    for (int i = 0; i < MAX_GROUP * STATE_COUNT; i++) b->state[i / STATE_COUNT][i % STATE_COUNT] = NO_BUFFER;
    return true;
}

struct plan *builder_end(struct builder *b)
{
    if (b->ok && build_stages(b)) return b->plan;
    if (b->model->file) fail_in(b->e, b->model->file->path);
    plan_free(b->plan);
    return NULL;
}

struct plan *plan_new(const struct model *m, bool exact, struct error *e)
{
    struct builder b;
    if (!builder_begin(&b, m, exact, e)) return NULL;
    b.ok = weights_check_format(m->gguf, e);
    if (m->arch->encoder) builder_encoder(&b);
    else decoder(&b);
    b.ok = b.ok && weights_check_count(m->gguf, b.n_mpo, e);
    return builder_end(&b);
}

void plan_free(struct plan *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->n_ropes; i++) free(p->rope[i].freq);
    for (size_t i = 0; i < p->n_layers; i++) weights_free(p->layers[i]);
    free(p->layers);
    free(p->ops);
    free(p->stage);
    free(p->buffers);
    free(p);
}
