/* bert.c - encoders: against a naive reference, against themselves however they are run, their costs against a count, and what
 * does not fit. SPDX-License-Identifier: MIT */
#include <math.h>
#include <unistd.h>

#include "engine/account/measure.h"
#include "engine/cost.h"
#include "engine/embed.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tests/draft.h"
#include "tests/reference.h"
#include "tests/test.h"

static char dir[160];
static struct error e;

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static struct model *make(const char *shape)
{
    bool made = synth_write(&(struct synth_options){.shape = shape, .seed = 5, .threads = 1}, path_of("m.gguf"), NULL, &e);
    struct model *m = made ? model_open(path_of("m.gguf"), NULL, 0, &e) : NULL;
    unlink(path_of("m.gguf"));
    return m;
}

/* ---- A second implementation, in double, from the paper's formulas ---- */

static void ref_layer_norm(const struct model *m, int layer, const char *name, double *x, int rows)
{
    char full[64];
    int n = m->hp.n_embd;
    snprintf(full, sizeof full, "%s.weight", name);
    double *w = ref_load(m, layer, full);
    snprintf(full, sizeof full, "%s.bias", name);
    double *b = ref_load(m, layer, full);
    for (int t = 0; t < rows; t++) {
        double mean = 0, square = 0, *p = x + (size_t)t * (size_t)n;
        for (int i = 0; i < n; i++) mean += p[i] / n;
        for (int i = 0; i < n; i++) square += (p[i] - mean) * (p[i] - mean) / n;
        for (int i = 0; i < n; i++) p[i] = (p[i] - mean) / sqrt(square + (double)m->hp.eps) * w[i] + b[i];
    }
    free(w);
    free(b);
}

static double *ref_full_attention(const struct hparams *h, const double *q, const double *k, const double *v, int rows)
{
    int d = h->head_dim, H = h->n_head, G = h->n_head_kv;
    double *y = calloc((size_t)rows * (size_t)(H * d), sizeof *y), *s = malloc((size_t)rows * sizeof *s);
    for (int t = 0; t < rows; t++)
        for (int i = 0; i < H; i++) {
            double sum = 0;
            int g = i / (H / G);
            for (int u = 0; u < rows; u++) {
                double dot = 0;
                for (int c = 0; c < d; c++) dot += q[(t * H + i) * d + c] * k[(u * G + g) * d + c];
                sum += s[u] = exp(dot / sqrt(d));
            }
            for (int u = 0; u < rows; u++)
                for (int c = 0; c < d; c++) y[(t * H + i) * d + c] += s[u] / sum * v[(u * G + g) * d + c];
        }
    free(s);
    return y;
}

static double *ref_branch_ffn(const struct model *m, int l, const double *x, int rows)
{
    const struct hparams *h = &m->hp;
    double *up = ref_linear(m, l, "ffn_up", x, rows, h->n_embd, h->n_ff);
    for (size_t i = 0; i < (size_t)rows * (size_t)h->n_ff; i++) up[i] = ref_gate(m, up[i]);
    double *o = ref_linear(m, l, "ffn_down", up, rows, h->n_ff, h->n_embd);
    free(up);
    return o;
}

static double *ref_branch_attention(const struct model *m, int l, const double *x, int rows)
{
    const struct hparams *h = &m->hp;
    int width = h->n_head * h->head_dim, kv = h->n_head_kv * h->head_dim;
    double *q = ref_linear(m, l, "attn_q", x, rows, h->n_embd, width), *k = ref_linear(m, l, "attn_k", x, rows, h->n_embd, kv);
    double *v = ref_linear(m, l, "attn_v", x, rows, h->n_embd, kv), *a = ref_full_attention(h, q, k, v, rows);
    double *o = ref_linear(m, l, "attn_output", a, rows, width, h->n_embd);
    free(q), free(k), free(v), free(a);
    return o;
}

/* The vector of unit length; to be freed. */
static double *ref_embedding(const struct model *m, const int32_t *ids, int rows)
{
    int D = m->hp.n_embd;
    size_t n = (size_t)rows * (size_t)D;
    double *word = ref_load(m, -1, "token_embd.weight"), *place = ref_load(m, -1, "position_embd.weight");
    double *type = ref_load(m, -1, "token_types.weight"), *x = malloc(n * sizeof *x), *y = calloc((size_t)D, sizeof *y);
    for (int t = 0; t < rows; t++)
        for (int i = 0; i < D; i++) x[t * D + i] = word[(size_t)ids[t] * (size_t)D + (size_t)i] + place[t * D + i] + type[i];
    free(word), free(place), free(type);
    ref_layer_norm(m, -1, "token_embd_norm", x, rows);
    for (int l = 0; l < m->hp.n_layer; l++)
        for (int branch = 0; branch < 2; branch++) {
            double *o = branch ? ref_branch_ffn(m, l, x, rows) : ref_branch_attention(m, l, x, rows);
            for (size_t i = 0; i < n; i++) x[i] += o[i];
            free(o);
            ref_layer_norm(m, l, branch ? "layer_output_norm" : "attn_output_norm", x, rows);
        }
    double length = 0;
    int first = m->hp.pooling == POOLING_LAST ? rows - 1 : 0, end = m->hp.pooling == POOLING_MEAN ? rows : first + 1;
    for (int t = first; t < end; t++)
        for (int i = 0; i < D; i++) y[i] += x[t * D + i];
    for (int i = 0; i < D; i++) length += y[i] * y[i];
    for (int i = 0; i < D; i++) y[i] /= sqrt(length);
    free(x);
    return y;
}

/* ---- Texts ---- */

/* None, a word, more than a block of attention, all positions, and more than those. */
enum { N_TEXTS = 5 };
static char texts[N_TEXTS][8192];

static void make_texts(void)
{
    static const char *const words[] = {"Water ", "of the TOWN, ", "energy; ", "caf\xc3\xa9 ",
                                        "1234 ",  "don't ",        "zx\xe4\xb8\xad! "};
    static const size_t counts[N_TEXTS] = {0, 1, 9, 25, 900};
    for (int i = 0; i < N_TEXTS; i++)
        for (size_t k = 0; k < counts[i]; k++) strcat(texts[i], words[(k * 5 + (size_t)i) % 7]);
}

/* Vectors of all texts, with so many threads, from last to first where `backwards`; to be freed. NULL: it failed. */
static float *embed_texts(const struct model *m, int threads, bool exact, bool backwards, struct embedded r[N_TEXTS])
{
    struct embedder *s = embedder_new(m, &(struct embed_options){.threads = threads, .exact = exact}, &e);
    size_t width = s ? embedder_width(s) : 0;
    float *all = s ? malloc(N_TEXTS * width * sizeof *all) : NULL;
    bool ok = all;
    for (size_t i = 0; ok && i < N_TEXTS; i++) {
        size_t k = backwards ? N_TEXTS - 1 - i : i;
        ok = embed(s, texts[k], strlen(texts[k]), all + k * width, &r[k], &e);
    }
    embedder_free(s);
    if (ok) return all;
    free(all);
    return NULL;
}

/* What the model reads of a text: its tokens, cut before the last mark where they are too many. */
static void ids_of(const struct model *m, const char *text, struct tokens *ids)
{
    ids->n = 0;
    tokenize(m->tokenizer, text, strlen(text), TOKENIZE_ADD_SPECIAL, ids, &e);
    size_t most = (size_t)m->hp.n_ctx_train;
    if (ids->n <= most) return;
    ids->id[most - 1] = ids->id[ids->n - 1];
    ids->n = most;
}

/* Largest distance of the vectors from the reference's; of the longest text only where `all_texts`, for it takes long. */
static double distance(const struct model *m, const float *all, bool all_texts)
{
    double worst = 0;
    struct tokens ids = {0};
    for (int i = 0; i < N_TEXTS - !all_texts; i++) {
        ids_of(m, texts[i], &ids);
        double *want = ref_embedding(m, ids.id, (int)ids.n), sum = 0;
        for (int k = 0; k < m->hp.n_embd; k++) {
            double d = (double)all[i * m->hp.n_embd + k] - want[k];
            sum += d * d;
        }
        worst = fmax(worst, isnan(sum) ? INFINITY : sqrt(sum));
        free(want);
    }
    tokens_free(&ids);
    return worst;
}

static void test_model(struct model *m, const char *what, double noise, bool all_texts)
{
    struct embedded r[N_TEXTS], again[N_TEXTS];
    char name[128];
    TEST(what, m != NULL, "%s", e.text);
    if (!m) return;
    size_t bytes = N_TEXTS * (size_t)m->hp.n_embd * sizeof(float);
    float *exact = embed_texts(m, 2, true, false, r), *fast = embed_texts(m, 1, false, false, r);
    double apart[] = {exact ? distance(m, exact, all_texts) : NAN, fast ? distance(m, fast, all_texts) : NAN};
    snprintf(name, sizeof name, "%s: exact vectors as the reference's", what);
    TEST(name, apart[0] < 1e-5, "%g apart %s", apart[0], e.text);
    snprintf(name, sizeof name, "%s: fast vectors near them", what);
    TEST(name, apart[1] < noise, "%g apart %s", apart[1], e.text);
    snprintf(name, sizeof name, "%s: two marks and what they enclose, cut to the positions there are", what);
    TEST(name, fast && r[0].tokens == 2 && r[2].tokens > 9 && !r[2].cut && r[4].tokens == 512 && r[4].cut > 0,
         "%zu, %zu and %zu tokens, %zu cut", r[0].tokens, r[2].tokens, r[4].tokens, r[4].cut);
    for (int threads = 2; threads <= 3; threads++) {
        float *other = embed_texts(m, threads, false, threads == 3, again);
        snprintf(name, sizeof name, "%s: the same bits on %d threads%s", what, threads,
                 threads == 3 ? ", in another order" : "");
        TEST(name, other && fast && !memcmp(other, fast, bytes), "they differ %s", e.text);
        free(other);
    }
    free(exact);
    free(fast);
}

static void test_shapes(void)
{
    static const struct {
        const char *shape;
        double noise;
    } shapes[] = {{"tiny-bert:F32", 2e-3},
                  {"tiny-bert:F16", 2e-3},
                  {"tiny-bert:Q8_0", 0.05},
                  {"tiny-bert:Q4_0", 0.05},
                  {"L=2,D=48,H=3,KV=3,F=70,V=200,arch=bert:F16", 2e-3},
                  {"L=2,D=64,H=4,KV=2,HD=32,F=96,V=300,arch=bert:F32", 2e-3}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct model *m = make(shapes[i].shape);
        test_model(m, shapes[i].shape, shapes[i].noise, i == 4); /* the smallest */
        model_close(m);
    }
}

/* ---- Costs ---- */

static void test_costs(const char *shape)
{
    struct model *m = make(shape);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    struct embedder *s = p ? embedder_new(m, &(struct embed_options){.threads = 2}, &e) : NULL;
    float *v = s ? malloc(embedder_width(s) * sizeof *v) : NULL;
    bool ok = v;
    struct kernel_work counted = {0};
    struct op_cost cost = {0};
    for (int i = 0; ok && i < N_TEXTS; i++) {
        struct embedded r;
        kernel_count_begin();
        ok = embed(s, texts[i], strlen(texts[i]), v, &r, &e);
        counted = kernel_count_end();
        if (!ok) break;
        cost = cost_step(p, &(struct step){.n = r.tokens, .n_out = 1, .kv_type = TYPE_F16});
        ok = counted.flops == cost.flops;
    }
    char name[96];
    snprintf(name, sizeof name, "%s: FLOPs are those counted", shape);
    TEST(name, ok && counted.flops > 0, "%.17g counted, %.17g predicted %s", counted.flops, cost.flops, e.text);
    struct prediction r;
    struct predict_options o = {.threads = 2, .prompt = 100};
    ok = p && predict(&r, p, NULL, &o, &e);
    if (p) cost = cost_step(p, &(struct step){.n = 100, .n_out = 1, .kv_type = TYPE_F32});
    TEST("a text is one step, and nothing is generated", ok && r.flops == cost.flops && r.flops_decode == 0 &&
         isnan(r.weight_bytes_per_token) && r.kv_bytes == 2.0 * 100 * m->hp.n_head_kv * m->hp.head_dim * 4, "%s", e.text);
    if (ok) prediction_free(&r);
    o.gen = 1;
    TEST("no encoder generates", p && !predict(&r, p, NULL, &o, &e) && strstr(e.text, "none generated"), "%s", e.text);
    o = (struct predict_options){.threads = 2, .prompt = 513};
    TEST("none reads more than it has positions", p && !predict(&r, p, NULL, &o, &e) && strstr(e.text, "at most 512"), "%s",
         e.text);
    struct measurement measured;
    struct measure_options mo = {.run = {.threads = 2, .prompt = 33, .kv_type = TYPE_F16}, .repeats = 1};
    ok = m && measure(&measured, m, NULL, &mo, &e);
    TEST("one is measured, op by op", ok && measured.prefill_s > 0 && measured.decode_s == 0 &&
         fabs(measured.unattributed_s) < measured.measured_s, "%s", e.text);
    if (ok) measurement_free(&measured);
    free(v);
    embedder_free(s);
    plan_free(p);
    model_close(m);
}

/* ---- What does not fit ---- */

static void test_kinds(void)
{
    struct model *encoder = make("tiny-bert:F16");
    struct session *s = encoder ? session_new(encoder, &(struct session_options){.threads = 1}, &e) : NULL;
    TEST("a session for logits refuses an encoder", !s && strstr(e.text, "found 'bert', an encoder"), "%s", e.text);
    struct session_options long_one = {.embed = true, .n_ctx = 513};
    s = encoder ? session_new(encoder, &long_one, &e) : NULL;
    TEST("positions end where the file's do", !s && strstr(e.text, "found an encoder of 512"), "%s", e.text);
    model_close(encoder);
    struct model *decoder = make("tiny-llama:F16");
    TEST("an embedder refuses a decoder", decoder && !embedder_new(decoder, &(struct embed_options){0}, &e) &&
         strstr(e.text, "found 'llama', expected an encoder"), "%s", e.text);
    model_close(decoder);
}

/* The model of a file whose tables were changed; NULL and e. */
static struct model *changed(void (*change)(struct draft *d))
{
    bool made = synth_write(&(struct synth_options){.shape = "tiny-bert:F16", .seed = 5}, path_of("m.gguf"), NULL, &e);
    size_t size;
    char *file = made ? file_read(path_of("m.gguf"), 1 << 24, &size, &e) : NULL;
    struct gguf *g = file ? gguf_parse(file, size, 0, &e) : NULL;
    struct model *m = calloc(1, sizeof *m);
    if (g) {
        struct draft d;
        draft_from(&d, g);
        change(&d);
        m->header = (char *)draft_write(&d, &size);
        draft_free(&d);
    }
    gguf_free(g);
    free(file);
    unlink(path_of("m.gguf"));
    m->header_gguf = m->header ? gguf_parse(m->header, size, 0, &e) : NULL;
    if (m->header_gguf && model_bind(m, m->header_gguf, "copy", 0, &e)) return m;
    model_close(m);
    return NULL;
}

static void put_u32(struct draft *d, const char *key, uint32_t v) { put_number(d, key, GGUF_U32, &v, sizeof v); }

static struct tensor *find_tensor(struct draft *d, const char *name)
{
    size_t i = 0;
    while (strcmp(d->t[i].name, name)) i++;
    return &d->t[i];
}

static void pool_cls(struct draft *d) { put_u32(d, "bert.pooling_type", 2); }
static void pool_last(struct draft *d) { put_u32(d, "bert.pooling_type", 3); }
static void pool_rank(struct draft *d) { put_u32(d, "bert.pooling_type", 4); }
static void pool_nothing(struct draft *d) { find_kv(d, "bert.pooling_type")->key.len--; }
static void causal(struct draft *d) { put_number(d, "bert.attention.causal", GGUF_BOOL, &(bool){true}, 1); }
static void longer(struct draft *d) { put_u32(d, "bert.context_length", 513); }
static void no_types(struct draft *d) { strcpy(find_tensor(d, "token_types.weight")->name, "x"); }
static void no_bias(struct draft *d) { strcpy(find_tensor(d, "blk.1.attn_output_norm.bias")->name, "x"); }
static void wide_types(struct draft *d) { find_tensor(d, "token_types.weight")->ne[0] = 7; }
static void half_positions(struct draft *d)
{
    struct tensor *t = find_tensor(d, "position_embd.weight");
    size_t n = t->bytes / sizeof(float);
    void *halves = own(d, n * 2);
    type_quantise(TYPE_F16, halves, t->data, NULL, n);
    t->type = TYPE_F16, t->data = halves, t->bytes = n * 2;
}
static void nan_weights(struct draft *d)
{
    struct tensor *t = find_tensor(d, "token_embd_norm.weight");
    float *nan = own(d, t->bytes);
    for (size_t i = 0; i < t->bytes / sizeof *nan; i++) nan[i] = NAN;
    t->data = nan;
}

static void test_changed(void)
{
    static const struct {
        const char *name;
        void (*change)(struct draft *d);
    } good[] = {{"pooling by the first row", pool_cls},
                {"pooling by the last row", pool_last},
                {"positions of halves", half_positions}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct model *m = changed(good[i].change);
        test_model(m, good[i].name, 2e-3, false);
        model_close(m);
    }
    static const struct {
        const char *name;
        void (*change)(struct draft *d);
        const char *want;
    } bad[] = {
        {"pooling by rank", pool_rank, "'bert.pooling_type': found 4, expected 1 to 3"},
        {"no pooling", pool_nothing, "'bert.pooling_type': found nothing"},
        {"a causal encoder", causal, "'bert.attention.causal': found true, expected false"},
        {"more positions than rows", longer, "'position_embd.weight': found [192, 512, 1], expected [192, 513]"},
        {"no token types", no_types, "'token_types.weight': found nothing"},
        {"narrow token types", wide_types, "'token_types.weight': found [7, 2, 1], expected [192, 2]"},
        {"a norm without a bias", no_bias, "'blk.1.attn_output_norm.bias': found nothing"},
        {"weights that are no numbers", nan_weights, "found a vector of length nan"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct embedded r[N_TEXTS];
        e.text[0] = 0;
        struct model *m = changed(bad[i].change);
        float *all = m ? embed_texts(m, 1, false, false, r) : NULL;
        TEST(bad[i].name, !all && strstr(e.text, bad[i].want), "found '%s'", e.text);
        free(all);
        model_close(m);
    }
}

int main(void)
{
    char message[256];
    TEST("kernels", kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message), "%s", message);
    if (!test_folder(dir, sizeof dir)) return 1;
    make_texts();
    test_shapes();
    test_costs("tiny-bert:Q8_0");
    test_costs("tiny-bert:F16:mpo,bond=32,gauge,joint");
    test_kinds();
    test_changed();
    rmdir(dir);
    TEST_MAIN_END();
}
