/* plan.h - a model as a flat list of ops, which exec runs, cost adds up and profile times.
 *
 * An op reads and writes buffers of rows (one row a token) and may use a weight, the KV cache and per-step facts. What it does
 * to n rows at position p, and what that costs, stand side by side in engine/ops/<op>.c as one struct op_def. So a
 * prediction can't drift from the program: both walk this list.
 *
 * Ops that work on each row for itself run in chains: a chunk takes its row through all of them (residual, norm, quantise)
 * before the next row is touched. Chains, and other ops, that do not depend on each other (q, k, v; gate, up) form a stage:
 * their chunks are handed out together and one barrier follows the stage.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PLAN_H
#define HARTREE_PLAN_H

#include "engine/model.h"
#include "engine/weights.h"

/* X(KIND, name): op_<name> is its definition, in engine/ops/ (linear.c, factorised.c, attention.c, rowwise.c, picture.c). */
#define OP_KINDS(X)            \
    X(EMBED, embed)            \
    X(ANGLES, angles)          \
    X(NORM, norm)              \
    X(QUANTISE, quantise)      \
    X(LINEAR, linear)          \
    X(CORE, core)              \
    X(CONTRACT, contract)      \
    X(REBUILD, rebuild)        \
    X(OUTER, outer)            \
    X(PICK, pick)              \
    X(ROPE, rope)              \
    X(STORE, store)            \
    X(ATTEND, attend)          \
    X(GLU, glu)                \
    X(ADD, add)                \
    X(GATHER, gather)          \
    X(PATCHES, patches)        \
    X(GRID_ANGLES, grid_angles) \
    X(LAYER_NORM, layer_norm)  \
    X(ACT, act)                \
    X(ADD_ROW, add_row)        \
    X(POOL, pool)

enum op_kind {
#define X(kind, name) OP_##kind,
    OP_KINDS(X)
#undef X
    OP_KIND_COUNT
};

enum { NO_BUFFER = -1 };

struct op {
    enum op_kind kind;
    int layer;              /* -1: before or after the layers */
    const char *role;       /* "attn_q", "ffn_down", "attn_norm" ...: the tensor's name, or what the op is for */
    int dst, src, src2;     /* buffer numbers, NO_BUFFER where unused */
    bool sampled;           /* works on the rows whose logits are wanted, not on all */
    bool chained;           /* runs in the chunks of the op before it, right after it, with no barrier between */
    const struct tensor *w; /* weight, NULL if none */
    const struct tensor *bias; /* n_out floats, NULL if none */
    int n_in, n_out;        /* elements a row read from src and written to dst */
    union {
        struct { int heads; float eps; } norm;    /* each row holds `heads` vectors, each normed for itself; LAYER_NORM: 1 */
        struct { enum rope_kind kind; int heads, head_dim, n_rot, angles; } rope; /* angles: a buffer of cos, sin pairs */
        struct { int table, merge; } angles;      /* plan->rope[table]; GRID_ANGLES: patches a token, each way */
        struct { bool value; int slot; } store;   /* into the value cache, else the key cache; which layer's part of it */
        /* window 0: all positions; `full`: rows see those after them in the step, too */
        struct { int n_head, n_head_kv, head_dim, window, slot; bool full; float scale; } attend;
        struct { enum activation activation; } glu; /* and ACT */
        struct { int size, merge; float mean[3], std[3]; } patches; /* pixels each way; patches a token, each way */
        struct { float scale; } embed;
        struct { bool first; } add_row;           /* row 0 of w, else the one of the row's own position */
        struct { enum pooling how; } pool;
        /* A step of a contraction: of core `core` in the stored order (CORE), number `core` of the layer's own order
         * (CONTRACT). And the layer's other way, to make the matrix (REBUILD): from `rebuild_from` rows on this runs, below
         * that the steps do. */
        struct { const struct layer_weights *layer; int core; size_t rebuild_from; } core;
        struct { const struct tensor *index; } pick; /* which elements of a row */
    } u;
};

/* A buffer holds rows of `width` elements; those of a quantised type hold width elements in blocks. What lies between the
 * steps of factorised layers has room for the widest: there, rows lie one after another by the elements that the op at hand
 * writes. */
struct plan_buffer {
    const char *name;
    size_t width;
    enum type type;
    bool sampled; /* has as many rows as there are logits wanted */
    int host;     /* the buffer of floats that it lies in, after `skip` elements a row; NO_BUFFER: in memory of its own */
    size_t skip;
};

/* Frequencies of one kind of rope: angle of pair j at position p = p * freq[j]. */
struct rope_table {
    int n_rot;
    double *freq; /* n_rot / 2 */
};

struct plan {
    const struct model *model;
    bool exact;             /* dequantised weights and f32 activations: no QUANTISE ops */
    size_t n_ops, n_stages, n_buffers, n_ropes;
    struct op *ops;
    size_t *stage;          /* n_stages + 1 op numbers: stage s is ops[stage[s]] .. ops[stage[s + 1] - 1] */
    struct plan_buffer *buffers;
    struct rope_table rope[2];
    struct layer_weights **layers; /* every linear layer as it is stored; owned */
    size_t n_layers;
    size_t max_rows;        /* of a step, so that no buffer between the cores of a layer outgrows PLAN_MAX_STATE */
    int logits;             /* the buffer that holds the result */
};

/* Floats of a buffer between two cores: 256 MB. */
#define PLAN_MAX_STATE ((size_t)1 << 26)

enum { REBUILD_ROWS = 16 }; /* of a matrix, that are made of its cores and multiplied by at once */

/* Turns a model into its plan, checking every tensor's presence, shape and type on the way. NULL and *e
 * ("FILE: tensor 'blk.3.attn_q.weight': found [640, 512], expected [640, 1024]"). Borrows the model. */
struct plan *plan_new(const struct model *m, bool exact, struct error *e);
void plan_free(struct plan *p);

/* ---- One step: what exec runs and cost prices ---- */

/* n rows at positions p .. p + n - 1, of which n_out have their logits wanted. */
struct step {
    size_t n, p, n_out;
    enum type kv_type;
    const unsigned char *few; /* by weight type, the most columns that the machine it is priced for multiplies by a dot; NULL:
                                 those of the kernels in use (linear_rows) */
};

/* What one op costs in one step. FLOPs are those the kernels count (kernel.h): multiply-adds of matmul and attention, two
 * each; `special` is the rest. Bytes are what must cross from memory if nothing stays in a cache. */
struct op_cost {
    double flops, special;
    double weight_bytes;     /* of op->w's type; for EMBED the rows that are read */
    double kv_read, kv_write;
    double activation_bytes; /* buffers read and written */
};

struct exec; /* exec.h */

/* An op kind's three sides. */
struct op_def {
    const char *name;
    /* How many chunks the work of a step falls into: a function of shapes and the step's `few` alone, never of the number of
     * threads, so that results do not depend on it. */
    size_t (*chunks)(const struct op *op, const struct step *s);
    /* Runs one chunk on one thread; NULL where there is run_joined. */
    void (*run)(const struct op *op, struct exec *x, size_t chunk, int thread);
    struct op_cost (*cost)(const struct op *op, const struct plan *p, const struct step *s);
    /* A chunk reads and writes, of buffers that change within a layer, its own row (or segment of it) alone. */
    bool by_row;
    /* Floats of scratch that a call wants on its thread; NULL: none. */
    size_t (*scratch)(const struct op *op, const struct plan *p);
    /* Of an op that never runs in a chain: runs `count` chunks from `chunk` on, all that the thread has claimed, where one call
     * is cheaper than one by one. Their number depends on what other threads do, the bits of the result must not. */
    void (*run_joined)(const struct op *op, struct exec *x, size_t chunk, size_t count, int thread);
};
extern const struct op_def *const op_defs[OP_KIND_COUNT];

/* Rows that an op works on in a step. */
static inline size_t op_rows(const struct op *op, const struct step *s) { return op->sampled ? s->n_out : s->n; }

/* Whether it multiplies by a weight, at the rates of products. */
static inline bool op_multiplies(const struct op *op)
{
    return op->kind == OP_LINEAR || (op->kind >= OP_CORE && op->kind <= OP_OUTER);
}

/* Bytes of one row of a buffer. */
static inline size_t buffer_row_bytes(const struct plan_buffer *b) { return type_bytes(b->type, b->width); }

#endif
