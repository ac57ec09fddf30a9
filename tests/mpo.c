/* mpo.c - factorised layers: against the dense matrices that they stand for, against counted kernels, on any number of threads;
 * orders against all orders; and files whose factors do not fit. SPDX-License-Identifier: MIT */
#include <math.h>
#include <unistd.h>

#include "base/random.h"
#include "engine/account/predict.h"
#include "engine/exec.h"
#include "engine/session.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "loader/file.h"
#include "tests/densify.h"
#include "tests/numbers.h"
#include "tests/round_device.h"
#include "tests/test.h"

enum { N_IDS = 21 };

static int32_t ids[N_IDS];
static char dir[160];
static struct error e;

static const char *at(const char *name)
{
    static char path[4][256];
    static int turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

/* ---- Logits ---- */

/* Of every position, fed in steps of `batch`. */
static float *logits_of(const struct model *m, bool exact, int threads, size_t batch)
{
    struct session_options o = {
        .n_ctx = N_IDS, .n_batch = batch, .n_out = batch, .exact = exact, .threads = threads, .kv_type = TYPE_F32};
    struct session *s = session_new(m, &o, &e);
    struct kept_rows r = {calloc(N_IDS * (size_t)m->hp.n_vocab, sizeof(float)), (size_t)m->hp.n_vocab};
    bool ok = s && session_feed_all(s, ids, N_IDS, 0, keep_row, &r, &e);
    session_free(s);
    if (ok) return r.to;
    free(r.to);
    return NULL;
}

/* Root of the mean squared difference over that of the mean square; infinite where one is missing. */
static double difference(const float *x, const float *want, size_t n)
{
    double d = 0, w = 0;
    if (!x || !want) return INFINITY;
    for (size_t i = 0; i < n; i++) d += pow((double)x[i] - (double)want[i], 2), w += pow((double)want[i], 2);
    return sqrt(d / w);
}

/* ---- A model and its dense twin ---- */

/* Worst relative errors of one factorised model against its twin: exact and fast, many rows a step and one. */
struct errors {
    double exact, fast;
    bool threads; /* bits are the same on one thread and on three */
};

static bool compare(const char *shape, struct errors *r)
{
    *r = (struct errors){INFINITY, INFINITY, false};
    struct model twin = {0};
    size_t size = 0;
    char *bytes = NULL;
    struct model *m = synth_write(&(struct synth_options){.shape = shape, .seed = 5, .threads = 2}, at("m.gguf"), NULL, &e)
                          ? model_open(at("m.gguf"), NULL, MODEL_NO_TOKENIZER, &e)
                          : NULL;
    if (m) bytes = densify(m->gguf, m->hp.n_layer, &size, &e);
    struct gguf *g = bytes ? gguf_parse(bytes, size, 0, &e) : NULL;
    bool ok = g && model_bind(&twin, g, "twin", MODEL_NO_TOKENIZER, &e);
    if (ok) {
        size_t n = N_IDS * (size_t)m->hp.n_vocab;
        float *want = logits_of(&twin, true, 1, N_IDS), *exact[2], *fast[2], *three[2];
        r->exact = r->fast = 0;
        r->threads = true;
        for (int i = 0; i < 2; i++) {
            size_t batch = i ? 1 : N_IDS;
            exact[i] = logits_of(m, true, 2, batch);
            fast[i] = logits_of(m, false, 1, batch);
            three[i] = logits_of(m, false, 3, batch);
            r->exact = fmax(r->exact, difference(exact[i], want, n));
            r->fast = fmax(r->fast, difference(fast[i], want, n));
            r->threads &= fast[i] && three[i] && !memcmp(fast[i], three[i], n * sizeof(float));
            free(exact[i]);
            free(fast[i]);
            free(three[i]);
        }
        free(want);
    }
    gguf_free(g);
    free(bytes);
    model_close(m);
    unlink(at("m.gguf"));
    return ok;
}

#define SMALL "L=1,D=64,H=4,KV=2,F=96,V=300"
#define ODD   "L=2,D=60,H=3,KV=1,F=105,V=300"
#define LONG  "L=1,D=64,H=4,KV=2,F=800,V=300" /* rows of joined chunks that are more than are merged at a time */
#define WIDE  "L=1,D=256,H=4,KV=2,F=256,V=300"

static void test_structures(void)
{
    static const char *const shapes[] = {
        SMALL ":F32:mpo,bond=32",
        SMALL ":F32:mpo,bond=1",
        SMALL ":F32:mpo,bond=32,gauge",
        SMALL ":F32:mpo,bond=32,gauge,joint",
        SMALL ":F32:mpo,bond=32,gauge,joint,shuffled",
        SMALL ":F32:mpo,bond=32,joint",
        SMALL ":F32:mpo,s=2,bond=32",
        SMALL ":F32:mpo,s=4,bond=16,gauge",
        SMALL ":F32:mpo,s=8,bond=24",
        SMALL ":F32:mpo,u=2,bond=16,gauge",
        SMALL ":F32:mpo,u=4,bond=16,gauge,joint",
        SMALL ":F32:mpo,d=1",
        SMALL ":F32:mpo,d=3,bond=7",
        SMALL ":F32:mpo,d=3,bond=8,gauge",
        SMALL ":F32:mpo,d=3,bond=8,gauge,joint",
        SMALL ":F32:mpo,d=4,bond=5",
        SMALL ":F32:mpo,d=4,bond=6,gauge,joint",
        SMALL ":F32:mpo,d=5,bond=3,gauge",
        SMALL ":F32:mpo,d=6,bond=4",
        SMALL ":F32:mpo,dense,correct=3",
        SMALL ":F32:mpo,dense,correct=3,keep=5,bias",
        SMALL ":F32:mpo,dense,bias",
        SMALL ":F32:mpo,bond=8,keep=70",
        SMALL ":F32:mpo,bond=8,permuted",
        SMALL ":F32:mpo,s=2,bond=8,gauge,permuted,bias,keep=2,correct=2",
        SMALL ":F32:mpo,d=3,bond=8,gauge,joint,permuted,bias,keep=2,correct=2",
        ODD ":F32:mpo,bond=13,gauge,joint",
        ODD ":F32:mpo,s=5,bond=7,gauge",
        LONG ":F32:mpo,bond=32,gauge",
        LONG ":F32:mpo,s=2,bond=32,gauge",
        LONG ":F32:mpo,bond=64,gauge,shuffled",
        LONG ":F32:mpo,s=2,bond=32,gauge,shuffled",
        ODD ":F32:mpo,d=3,bond=11,gauge,joint",
        ODD ":F16:mpo,d=4,bond=3,permuted",
        SMALL ":F32:mpo,bond=32,reversed",
        SMALL ":F16:mpo,bond=16,reversed,gauge,bias",
        ODD ":F32:mpo,s=5,bond=5,reversed,keep=2",
        "tiny-gemma3:F32:mpo,bond=32,gauge,joint",
        "tiny-qwen2:F32:mpo,bond=32,gauge,joint",
        "tiny-qwen3:BF16:mpo,bond=32,gauge",
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct errors r;
        bool ok = compare(shapes[i], &r);
        /* Floats in another order of summation, over all layers; fast is the same for float weights. */
        TEST(shapes[i], ok && r.exact < 1e-5 && r.fast < 1e-5 && r.threads, "exact %.2g, fast %.2g, threads %s (%s)", r.exact,
             r.fast, r.threads ? "agree" : "differ", e.text);
    }
}

/* Every type of core, where rows are whole blocks and where the shape makes do with another type. Activations of 8 bits cost
 * what they cost a dense model of that width. */
static void test_types(void)
{
    static const char *const types[] = {"F16",  "BF16", "Q8_0", "Q5_0", "Q5_1", "Q4_0",  "Q4_1",
                                        "Q6_K", "Q5_K", "Q4_K", "Q3_K", "Q2_K", "Q4_K_M"};
    static const char *const structures[] = {
        "bond=256,gauge,joint",    "s=2,bond=128", "u=2,bond=256,gauge,keep=3,correct=4", "dense,correct=4,keep=2,bias",
        "d=3,bond=32,gauge,joint", "bond=96,gauge"};
    size_t n = getenv("HARTREE_SLOW") ? sizeof structures / sizeof *structures : 3;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        struct errors worst = {0, 0, true};
        char name[96], shape[128];
        bool ok = true;
        for (size_t i = 0; ok && i < n; i++) {
            struct errors r;
            snprintf(shape, sizeof shape, WIDE ":%s:mpo,%s", types[t], structures[i]);
            ok = compare(shape, &r);
            worst = (struct errors){fmax(worst.exact, r.exact), fmax(worst.fast, r.fast), worst.threads && r.threads};
        }
        snprintf(name, sizeof name, "cores of %s: as the dequantised matrices", types[t]);
        double limit = t < 2 ? 1e-5 : 0.04;
        TEST(name, ok && worst.exact < 1e-5 && worst.fast < limit && worst.threads,
             "exact %.2g, fast %.2g, threads %s: %s (%s)", worst.exact, worst.fast, worst.threads ? "agree" : "differ", shape,
             e.text);
    }
}

/* ---- Orders of contraction, against all of them ---- */

static uint64_t state = 1;

static size_t below(size_t n)
{
    return random_below(&state, n);
}

static void permute(const struct mpo *m, int *order, int n, double *best)
{
    if (n == m->d) *best = fmin(*best, mpo_order_flops(m, order));
    for (int k = n; k < m->d; k++) {
        int swap = order[n];
        order[n] = order[k], order[k] = swap;
        permute(m, order, n + 1, best);
        swap = order[n];
        order[n] = order[k], order[k] = swap;
    }
}

static void test_orders(void)
{
    bool all = true, stored = true, consistent = true;
    for (int run = 0; run < 300; run++) {
        struct mpo m = {.d = 1 + (int)below(6)};
        int order[MPO_MAX_CORES], found[MPO_MAX_CORES];
        double best = INFINITY;
        for (int k = 0; k < m.d; k++)
            m.o[k] = 1 + below(9), m.i[k] = 1 + below(9), m.r[k] = k ? 1 + below(20) : 1, order[k] = k;
        m.r[m.d] = 1;
        permute(&m, order, 0, &best);
        double cost = mpo_best_order(&m, found);
        all &= cost == best;
        consistent &= mpo_order_flops(&m, found) == cost;
        for (int k = 0; k < m.d; k++) order[k] = m.d - 1 - k;
        stored &= mpo_order_flops(&m, order) == mpo_flops(&m);
    }
    TEST("the planned order is the cheapest of all orders", all && consistent, "it isn't");
    TEST("from the last core to the first costs what the steps cost", stored, "it doesn't");
    struct mpo svd = {.d = 2, .o = {4096, 1}, .i = {1, 4096}, .r = {1, 512, 1}};
    TEST("a low-rank layer costs 2 r (in + out), and in the other order 1024 times a dense one",
         mpo_flops(&svd) == 2.0 * 512 * 8192 && mpo_order_flops(&svd, (int[]){0, 1}) == 1024 * 2.0 * 4096 * 4096, "found %g",
         mpo_flops(&svd));
    svd.pivots[0] = 512;
    TEST("the identity gauge saves r^2 parameters and 2 r^2 FLOPs",
         mpo_flops(&svd) == 2.0 * 512 * (8192 - 512) && mpo_parameters(&svd) == 512.0 * (8192 - 512), "found %g",
         mpo_flops(&svd));
}

/* A step of any order against the sum that defines the product, as one test of all combinations of closed and open bonds. */
static void test_contractions(void)
{
    double worst = 0;
    for (int run = 0; run < 200; run++) {
        struct mpo m = {.d = 1 + (int)below(4)};
        struct tensor core[4];
        float *data[4], x[2 * 81], *from = x, *next = NULL, scratch[512];
        size_t n_in = 1, n_out = 1;
        int order[4] = {0, 1, 2, 3};
        for (int k = 0; k < m.d; k++) {
            m.o[k] = 1 + below(3), m.i[k] = 1 + below(3), m.r[k] = k ? 1 + below(4) : 1;
            n_in *= m.i[k], n_out *= m.o[k];
        }
        m.r[m.d] = 1;
        for (int k = 0; k < m.d; k++) {
            size_t n = m.o[k] * m.r[k] * m.i[k] * m.r[k + 1], swap = (size_t)k + below((size_t)(m.d - k));
            int was = order[k];
            order[k] = order[swap], order[swap] = was;
            data[k] = malloc(n * sizeof(float));
            for (size_t j = 0; j < n; j++) data[k][j] = (float)below(2001) / 1000 - 1;
            core[k] = (struct tensor){.type = TYPE_F32,
                                      .ne = {(int64_t)(m.i[k] * m.r[k + 1]), (int64_t)m.r[k], (int64_t)m.o[k], 1},
                                      .row_bytes = m.i[k] * m.r[k + 1] * sizeof(float),
                                      .data = data[k]};
        }
        for (size_t j = 0; j < 2 * n_in; j++) x[j] = (float)below(2001) / 1000 - 1;
        for (int j = 0; j < m.d; j++) {
            struct mpo_contraction c = mpo_contraction(&m, order, j);
            next = calloc(2 * c.n_out, sizeof *next);
            for (size_t o = 0; o < m.o[c.core]; o++)
                mpo_contract(&m, &c, &core[c.core], NULL, o, 0, 2 * c.batch, from, next, NULL, scratch);
            if (from != x) free(from);
            from = next;
        }
        for (size_t t = 0; t < 2; t++)
            for (size_t o = 0; o < n_out; o++) {
                double want = 0;
                for (size_t i = 0; i < n_in; i++) {
                    double v[4] = {1};
                    size_t oo = o, ii = i, od[4], id[4];
                    for (int k = m.d - 1; k >= 0; k--) od[k] = oo % m.o[k], oo /= m.o[k], id[k] = ii % m.i[k], ii /= m.i[k];
                    for (int k = 0; k < m.d; k++) {
                        double u[4] = {0};
                        for (size_t a = 0; a < m.r[k]; a++)
                            for (size_t b = 0; b < m.r[k + 1]; b++)
                                u[b] += v[a] * data[k][((od[k] * m.r[k] + a) * m.i[k] + id[k]) * m.r[k + 1] + b];
                        memcpy(v, u, sizeof v);
                    }
                    want += v[0] * x[t * n_in + i];
                }
                worst = fmax(worst, fabs(want - from[t * n_out + o]));
            }
        free(from);
        for (int k = 0; k < m.d; k++) free(data[k]);
    }
    TEST("cores contracted in any order give the product", worst < 1e-4, "off by %.3g", worst);
}

/* ---- The matrix made of its cores ---- */

static void test_rebuild(void)
{
    /* 16 x 16 by bonds of 64 costs more than dense from some rows on; the plan then makes the matrix. */
    static const char shape[] = "L=1,D=256,H=4,KV=2,F=256,V=300:F32:mpo,s=16,bond=64,bias";
    struct model *m = model_from_shape(shape, &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    size_t from = 0, n_rebuild = 0;
    double below_n = 0, above_n = 0;
    for (size_t i = 0; p && i < p->n_ops; i++)
        if (p->ops[i].kind == OP_REBUILD) n_rebuild++, from = p->ops[i].u.core.rebuild_from;
    for (size_t i = 0; p && i < p->n_ops; i++) {
        const struct op *op = &p->ops[i];
        if (op->kind != OP_REBUILD && op->kind != OP_CORE) continue;
        struct step few = {.n = op->u.core.rebuild_from - 1, .n_out = 1}, many = {.n = op->u.core.rebuild_from, .n_out = 1};
        double f = op_defs[op->kind]->cost(op, p, &few).flops, g = op_defs[op->kind]->cost(op, p, &many).flops;
        below_n += op->kind == OP_REBUILD ? f : 0;
        above_n += op->kind == OP_CORE ? g : 0;
    }
    TEST("where steps cost more, the plan makes the matrix from so many rows on",
         p && n_rebuild == 7 && from > 1 && from < 100000, "%zu layers, from %zu rows %s", n_rebuild, from, e.text);
    TEST("one of the two ways runs, never both", below_n == 0 && above_n == 0, "they do");
    plan_free(p);
    model_close(m);
    static const char *const shapes[] = {"L=1,D=64,H=4,KV=2,F=96,V=300:F32:mpo,s=16,bond=20,bias",
                                         "L=1,D=64,H=4,KV=2,F=96,V=300:F32:mpo,d=3,bond=40,gauge,bias",
                                         "L=1,D=64,H=4,KV=2,F=96,V=300:F16:mpo,s=16,bond=20,joint"};
    for (size_t i = 0; i < 3; i++) {
        struct errors r;
        char name[128];
        m = model_from_shape(shapes[i], &e);
        p = m ? plan_new(m, false, &e) : NULL;
        bool used = false;
        for (size_t j = 0; p && j < p->n_ops; j++)
            used |= p->ops[j].kind == OP_REBUILD && p->ops[j].u.core.rebuild_from <= N_IDS;
        plan_free(p);
        model_close(m);
        bool ok = compare(shapes[i], &r);
        snprintf(name, sizeof name, "made of its cores: %s", shapes[i]);
        TEST(name, ok && used && r.exact < 1e-5 && r.fast < 1e-5 && r.threads, "%s; exact %.2g, fast %.2g, threads %s (%s)",
             used ? "used" : "not used", r.exact, r.fast, r.threads ? "agree" : "differ", e.text);
    }
}

/* ---- Files whose factors do not fit ---- */

/* A copy of the model's metadata with one value changed. */
struct change {
    const char *name, *key; /* "bonds" of blk.0.attn_q, or a whole key */
    const uint32_t v[4];    /* as an array of n integers */
    uint64_t n;             /* 0: the key is left out */
    const char *want;
};

static bool refused(const struct gguf *g, const struct change *c, struct error *why)
{
    char key[96];
    struct model m = {0};
    struct gguf_writer *w = gguf_writer_new(0);
    char *bytes = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&bytes, &size);
    snprintf(key, sizeof key, strchr(c->key, '.') ? "%s" : "mpo.blk.0.attn_q.%s", c->key);
    for (size_t i = 0; i < g->n_kv; i++) {
        if (g->kv[i].key.len != strlen(key) || memcmp(g->kv[i].key.data, key, strlen(key)))
            gguf_copy_kv(w, &g->kv[i]);
        else if (c->n)
            gguf_set_array(w, key, GGUF_U32, c->v, c->n);
    }
    for (size_t i = 0; i < g->n_tensors; i++)
        gguf_add_tensor(w, g->tensors[i].name, g->tensors[i].type, g->tensors[i].n_dims, g->tensors[i].ne);
    bool ok = gguf_writer_begin(w, f, why);
    gguf_writer_free(w);
    fclose(f);
    struct gguf *changed = ok ? gguf_parse(bytes, size, GGUF_HEADER_ONLY, why) : NULL;
    struct plan *p = changed && model_bind(&m, changed, "copy", MODEL_HEADER_ONLY, why) ? plan_new(&m, false, why) : NULL;
    ok = changed && !p;
    plan_free(p);
    gguf_free(changed);
    free(bytes);
    return ok;
}

static void test_refusals(void)
{
    static const struct change changes[] = {
        {"no bonds", "bonds", {0}, 0, "tensor 'blk.0.attn_q.weight': found nothing"},
        {"a bond too many", "bonds", {1, 32, 1, 1}, 4, "metadata 'mpo.blk.0.attn_q.bonds': found 4 elements, expected 3"},
        {"a bond of 0", "bonds", {1, 0, 1}, 3, "metadata 'mpo.blk.0.attn_q.bonds': found 0, expected 1 to"},
        {"a bond beyond any", "bonds", {1, UINT32_MAX, 1}, 3, "metadata 'mpo.blk.0.attn_q.bonds': found 4294967295"},
        {"another bond", "bonds", {1, 31, 1}, 3, "tensor 'blk.0.attn_q.mpo.0"},
        {"an open end", "bonds", {2, 32, 1}, 3, "metadata 'mpo.blk.0.attn_q': bonds: found 2 and 1 at the ends"},
        {"factors of another product", "row_factors", {63, 1}, 2, "row_factors: found a product of 63, expected 64"},
        {"factors that overflow", "col_factors", {1 << 24, 1 << 24}, 2, "col_factors: found a product above 64"},
        {"factors in another order", "row_factors", {1, 64}, 2, "tensor 'blk.0.attn_q.mpo.0'"},
        {"another spec", "spec", {7}, 1, "metadata 'mpo.blk.0.attn_q.spec': found an array"},
        {"no spec",
         "spec",
         {0},
         0,
         "metadata 'mpo.blk.0.attn_q.spec': found nothing, expected 'o=64x1 i=1x64 r=1,32,1 gauge=0'"},
        {"no place of the joint core", "joint", {0}, 0, "tensor 'blk.0.attn_q.mpo.1': found nothing, expected core 1 of 2"},
        {"no version", "mpo.version", {0}, 0, "metadata 'mpo.version': found 0, expected 1"},
        {"no layout", "mpo.layout", {0}, 0, "metadata 'mpo.layout': found ''"},
        {"no list", "mpo.tensors", {0}, 0, "metadata 'mpo.tensors': found nothing"},
    };
    struct model *m = model_from_shape(SMALL ":F32:mpo,bond=32,gauge,joint", &e);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct error why = {""};
        char name[96];
        snprintf(name, sizeof name, "refused: %s", changes[i].name);
        TEST(name, m && refused(m->gguf, &changes[i], &why) && strstr(why.text, changes[i].want), "found '%s'", why.text);
    }
    model_close(m);
}

/* ---- Memory ---- */

static void test_memory(void)
{
    struct model *m = model_from_shape("gilda-3.2b:Q8_0:mpo", &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    double bytes = p ? (double)exec_bytes(p, 1, 1, 16, 1) : 0, dense = 4096.0 * 1024;
    TEST("gilda-3.2b:mpo has 3.2 B parameters", m && fabs((double)m->parameters / 3.2e9 - 1) < 0.01, "%llu %s",
         (unsigned long long)(m ? m->parameters : 0), e.text);
    TEST("nothing of the size of a matrix is allocated", p && bytes < dense, "%.0f bytes %s", bytes, e.text);
    plan_free(p);
    model_close(m);
    /* Balanced factors leave millions of numbers a token between the cores. */
    m = model_from_shape("llama-3.1-8b:F16:mpo,d=2,s=64,bond=1024", &e);
    p = m ? plan_new(m, false, &e) : NULL;
    struct prediction r = {0};
    bool ok =
        p && predict(&r, p, NULL, &(struct predict_options){.threads = 1, .prompt = 512, .gen = 1, .kv_type = TYPE_F16}, &e);
    TEST("however wide the states, a step's buffers are bounded",
         ok && r.options.ubatch < 512 && exec_bytes(p, r.options.ubatch, 1, 512, 1) < 1u << 31, "%zu rows, %zu MB %s",
         r.options.ubatch, p ? exec_bytes(p, r.options.ubatch, 1, 512, 1) >> 20 : 0, e.text);
    prediction_free(&r);
    plan_free(p);
    model_close(m);
}

/* ---- What outputs take that do not lie as they are made ---- */

static double predicted_s(const struct plan *p, const struct device *d)
{
    struct prediction r;
    if (!p || !predict(&r, p, d, &(struct predict_options){.threads = 2, .prompt = 64, .gen = 1, .kv_type = TYPE_F16}, &e))
        return NAN;
    double time_s = r.time_s;
    prediction_free(&r);
    return time_s;
}

/* Of each first core, `times` copies of its outputs, at 4 GB/s a thread: with a profile that has that rate and one without. */
static void test_copies(const char *shape, int times)
{
    struct model *m = model_from_shape(shape, &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    struct device d;
    char name[160];
    make_round_device(&d, 1e6, 1);
    double with = predicted_s(p, &d), want = 0;
    device_clear(&d, "vector.gather.decode.1");
    double without = predicted_s(p, &d);
    for (size_t s = 0; p && s < p->n_stages; s++)
        for (size_t i = p->stage[s]; i < p->stage[s + 1]; i++) {
            const struct op *op = &p->ops[i];
            const struct step step = {.n = 64, .n_out = 1, .kv_type = TYPE_F16};
            if (op->kind != OP_CORE || op->u.core.core) continue;
            struct stage_share share = stage_share(p, s, &step, 2);
            want += share.waste * times * 8.0 * 64 * op->n_out / ((double)share.width * 4e9);
        }
    snprintf(name, sizeof name, "%s: %d copies of what first cores give are priced", shape, times);
    TEST(name, fabs(with - without - want) < 1e-7 * with, "%g s more, expected %g; %s", with - without, want, e.text);
    device_free(&d);
    plan_free(p);
    model_close(m);
}

int main(void)
{
    char message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) return puts(message), 1;
    if (!test_folder(dir, sizeof dir)) return perror(dir), 1;
    for (int i = 0; i < N_IDS; i++) ids[i] = 3 + i * 13;
    test_orders();
    test_contractions();
    test_structures();
    test_types();
    test_rebuild();
    test_refusals();
    test_memory();
    test_copies(SMALL ":Q8_0:mpo,bond=32", 0);
    test_copies(SMALL ":Q8_0:mpo,bond=32,gauge", 1);
    test_copies(SMALL ":Q8_0:mpo,bond=32,gauge,permuted", 2);
    rmdir(dir);
    TEST_MAIN_END();
}
