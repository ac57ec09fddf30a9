/* statistics.c - sums over the inputs of linear layers, against the same sums made by hand from what a layer reads.
 * SPDX-License-Identifier: MIT */
#include "engine/compress/statistics.h"

#include <math.h>
#include <unistd.h>

#include "base/random.h"
#include "base/sha256.h"
#include "engine/compress/bundled_text.h"
#include "engine/compress/importance.h"
#include "engine/session.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tests/reference.h"
#include "tests/test.h"

enum { CONTEXT = 24, SEQUENCES = 3 };

static struct error e;

static double worse(double worst, double found, double want, double scale)
{
    return fmax(worst, fabs(found - want) / scale);
}

struct seen {
    const struct model *model;
    int calls, layer_to_change;
    bool diagonal;
    double input, symmetric, square, stream;
    float *last_after, *after_change; /* the stream out of a layer, as the callback and the next layer see it */
    size_t floats;
    const struct plan *changed;
    double trace[SITE_COUNT];
    double slope, importance;
};

/* ---- Moments ---- */

/* Calls of several lengths: one that fills a panel, one longer than a panel, some within one. Channel 0 starts with a token far
 * from all others, as language models have it. */
static void test_moments(struct pool *pool)
{
    enum { N = 200, CALLS = 5, ROWS = 700 + 1348 + 2500 + 1 + 300 };
    static const size_t rows[CALLS] = {700, 1348, 2500, 1, 300};
    uint64_t state = 7;
    float *x = malloc(ROWS * N * sizeof *x), *weight = malloc(ROWS * sizeof *weight);
    double *want = calloc(N * N, sizeof *want), mean[N] = {0}, all = 0, off = 0, off_mean = 0, trace = 0;
    struct moments m, diagonal;
    for (size_t r = 0; r < ROWS; r++) {
        weight[r] = 1.25f + 0.75f * random_signed(&state);
        all += (double)weight[r];
        for (size_t i = 0; i < N; i++) x[r * N + i] = random_signed(&state) + 0.1f;
        if (!r) x[0] = 100;
        for (size_t i = 0; i < N; i++) {
            mean[i] += (double)weight[r] * (double)x[r * N + i];
            for (size_t k = 0; k < N; k++) want[i * N + k] += (double)weight[r] * (double)x[r * N + i] * (double)x[r * N + k];
        }
    }
    bool ok = moments_new(&m, N, false, 2, &e) && moments_new(&diagonal, N, true, 2, &e), symmetric = true, same;
    for (size_t c = 0, at = 0; ok && c < CALLS; at += rows[c++]) {
        moments_add(&m, x + at * N, weight + at, rows[c], pool);
        moments_add(&diagonal, x + at * N, weight + at, rows[c], pool);
    }
    ok = ok && moments_finish(&m, pool) && moments_finish(&diagonal, pool) && !diagonal.second;
    for (size_t i = 0; ok && i < N; i++) {
        off_mean = worse(off_mean, m.mean[i], mean[i] / all, 1);
        trace += want[i * N + i] / all / N;
        off = worse(off, m.square[i], want[i * N + i] / all, want[i * N + i] / all);
    }
    TEST("moments of several panels: means and squares", ok && off_mean < 1e-12 && off < 1e-6, "off by %g and %g %s", off_mean,
         off, e.text);
    off = 0;
    for (size_t i = 0; ok && i < N; i++)
        for (size_t k = 0; k < N; k++) {
            off = worse(off, m.second[i * N + k], want[i * N + k] / all, trace);
            symmetric &= m.second[i * N + k] == m.second[k * N + i];
        }
    TEST("and their products, to a part of the mean diagonal", ok && off < 5e-5 && symmetric, "off by %g", off);
    same = ok && !memcmp(m.square, diagonal.square, sizeof mean) && !memcmp(m.mean, diagonal.mean, sizeof mean);
    TEST("the diagonal alone is the same", same && diagonal.weight == m.weight && m.tokens == ROWS, "%zu rows", m.tokens);
    moments_free(&m);
    moments_free(&diagonal);
    ok = moments_new(&m, N, false, 2, &e);
    TEST("refused: moments of no rows", ok && !moments_finish(&m, pool), "taken");
    moments_free(&m);
    free(x), free(weight), free(want);
}

/* ---- Statistics ---- */

/* RMS norm of a row by the tensor "blk.LAYER.NAME". */
static void norm_row(const struct model *m, int layer, const char *name, const float *x, double *y)
{
    const float *w = model_tensor(m, layer, name)->data;
    size_t n = (size_t)m->hp.n_embd;
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    double scale = 1 / sqrt(sum / (double)n + (double)m->hp.eps);
    for (size_t i = 0; i < n; i++) y[i] = (double)x[i] * scale * (double)w[i];
}

/* The input of q, k, v is the normed stream: E[x x^T], E[x] and E[x^2] of it in plain loops. */
static void check_qkv(struct seen *s, const struct statistics_layer *l)
{
    size_t n = (size_t)s->model->hp.n_embd, tokens = l->calibration->sequences * l->calibration->context;
    const struct moments *c = l->input[SITE_QKV];
    double *x = malloc(tokens * n * sizeof *x), trace = 0;
    for (size_t t = 0; t < tokens; t++) norm_row(s->model, l->layer, "attn_norm.weight", l->before + t * n, x + t * n);
    for (size_t i = 0; i < n; i++) trace += c->square[i] / (double)n;
    for (size_t i = 0; i < n; i += 7) {
        double mean = 0, square = 0;
        for (size_t t = 0; t < tokens; t++) mean += x[t * n + i] / (double)tokens;
        for (size_t t = 0; t < tokens; t++) square += x[t * n + i] * x[t * n + i] / (double)tokens;
        s->input = worse(s->input, c->mean[i], mean, sqrt(trace));
        s->square = worse(s->square, c->square[i], square, trace);
        for (size_t k = 0; c->second && k < n; k += 5) {
            double sum = 0;
            for (size_t t = 0; t < tokens; t++) sum += x[t * n + i] * x[t * n + k] / (double)tokens;
            s->input = worse(s->input, c->second[i * n + k], sum, trace);
            s->symmetric = worse(s->symmetric, c->second[i * n + k], c->second[k * n + i], trace);
        }
        if (c->second) s->square = worse(s->square, c->second[i * n + i], c->square[i], trace);
    }
    free(x);
}

static bool look(void *ctx, const struct statistics_layer *l, const struct plan **next, struct error *why)
{
    struct seen *s = ctx;
    (void)why;
    s->floats = l->calibration->sequences * l->calibration->context * (size_t)s->model->hp.n_embd;
    if (s->calls++ != l->layer) s->input = INFINITY;
    check_qkv(s, l);
    if (s->last_after)
        for (size_t i = 0; i < s->floats; i++) s->stream = fmax(s->stream, fabs((double)(s->last_after[i] - l->before[i])));
    s->last_after = realloc(s->last_after, s->floats * sizeof(float));
    memcpy(s->last_after, l->after, s->floats * sizeof(float));
    for (int i = 0; i < SITE_COUNT; i++) {
        s->trace[i] = 0;
        for (size_t k = 0; k < l->input[i]->n; k++) s->trace[i] += l->input[i]->square[k] / (double)l->input[i]->n;
    }
    if (l->layer == s->layer_to_change) *next = s->changed;
    return true;
}

static bool run(struct seen *s, const struct model *m, const struct calibration *c, bool diagonal, bool unweighted)
{
    s->model = m;
    return statistics_run(m, c, &(struct statistics_options){.threads = 2, .diagonal = diagonal, .unweighted = unweighted},
                          look, s, &e);
}

/* Logits of a sequence's last token from the stream that the last layer left, against a session's. */
static double head_error(const struct model *m, const struct calibration *c, const float *after)
{
    struct session_options o = {.n_ctx = CONTEXT, .n_batch = CONTEXT, .kv_type = TYPE_F16, .threads = 1};
    struct session *s = session_new(m, &o, &e);
    if (!s) return INFINITY;
    session_feed(s, c->id, CONTEXT, PHASE_PREFILL, NULL, NULL, &e);
    const float *logits = session_logits(s);
    size_t n = (size_t)m->hp.n_embd;
    double *x = malloc(n * sizeof *x), worst = 0;
    float *row = malloc(n * sizeof *row);
    const struct tensor *head = model_tensor(m, -1, "output.weight");
    if (!head) head = model_tensor(m, -1, "token_embd.weight");
    norm_row(m, -1, "output_norm.weight", after + (CONTEXT - 1) * n, x);
    for (int v = 0; v < m->hp.n_vocab; v += 11) {
        double sum = 0;
        type_dequantise(head->type, row, tensor_row(head, v), n);
        for (size_t i = 0; i < n; i++) sum += x[i] * (double)row[i];
        worst = worse(worst, (double)logits[v], sum, 1);
    }
    free(row);
    free(x);
    session_free(s);
    return worst;
}

/* d act(g) / dg and act(g), from their definitions. */
static double act(enum activation a, double g, double *slope)
{
    if (a == ACT_SILU) {
        double s = 1 / (1 + exp(-g));
        *slope = s * (1 + g * (1 - s));
        return g * s;
    }
    double t = tanh(0.7978845608028654 * (g + 0.044715 * g * g * g));
    *slope = (1 + t) / 2 + g / 2 * (1 - t * t) * 0.7978845608028654 * (1 + 3 * 0.044715 * g * g);
    return g * (1 + t) / 2;
}

/* Sequences of one token attend to themselves alone, so that the FFN's input is attn_output times v away from the stream. */
static bool look_at_slopes(void *ctx, const struct statistics_layer *l, const struct plan **next, struct error *why)
{
    struct seen *s = ctx;
    const struct model *m = s->model;
    int tokens = (int)l->calibration->sequences, n = m->hp.n_embd, head = m->hp.head_dim, ff = m->hp.n_ff;
    int group = m->hp.n_head / m->hp.n_head_kv, kv = m->hp.n_head_kv * head, wide = m->hp.n_head * head, layer = l->layer;
    (void)next;
    double *x = malloc((size_t)(tokens * n) * sizeof *x), *h = malloc((size_t)(tokens * wide) * sizeof *h);
    for (int i = 0; i < tokens * n; i++) x[i] = (double)l->before[i];
    ref_norm(m, layer, "attn_norm.weight", x, tokens, n);
    double *v = ref_linear(m, layer, "attn_v", x, tokens, n, kv);
    for (int t = 0; t < tokens; t++)
        for (int i = 0; i < wide; i++) h[t * wide + i] = v[t * kv + i / head / group * head + i % head];
    double *o = ref_linear(m, layer, "attn_output", h, tokens, wide, n);
    ref_norm(m, layer, "post_attention_norm.weight", o, tokens, n);
    for (int i = 0; i < tokens * n; i++) x[i] = (double)l->before[i] + o[i];
    ref_norm(m, layer, "ffn_norm.weight", x, tokens, n);
    double *g = ref_linear(m, layer, "ffn_gate", x, tokens, n, ff), *u = ref_linear(m, layer, "ffn_up", x, tokens, n, ff);
    double *by_gate = malloc((size_t)(tokens * ff) * sizeof *by_gate), *by_up = malloc((size_t)(tokens * ff) * sizeof *by_up);
    for (int i = 0; i < tokens * ff; i++) {
        by_up[i] = act(m->arch->activation, g[i], &by_gate[i]);
        by_gate[i] *= u[i];
        u[i] *= by_up[i];
    }
    double *y = ref_linear(m, layer, "ffn_down", u, tokens, ff, n), *down = ref_load(m, layer, "ffn_down.weight"), all = 0;
    double *sum[SLOPE_COUNT] = {calloc((size_t)ff, sizeof **sum), calloc((size_t)ff, sizeof **sum)};
    for (int t = 0; t < tokens; t++) {
        double w = 0;
        for (int i = 0; i < n; i++) w += y[t * n + i] * y[t * n + i] / n;
        w = m->arch->sandwich_norms ? 1 / (w + (double)m->hp.eps) : 1;
        all += w;
        for (int j = 0; j < ff; j++) sum[SLOPE_GATE][j] += w * by_gate[t * ff + j] * by_gate[t * ff + j];
        for (int j = 0; j < ff; j++) sum[SLOPE_UP][j] += w * by_up[t * ff + j] * by_up[t * ff + j];
    }
    struct unit gate = {.layer = layer, .site = SITE_GATE_UP, .n_roles = 1, .role = {"ffn_gate"}, .out = {(size_t)ff}},
                up = gate;
    gate.n_out = up.n_out = (size_t)ff;
    up.role[0] = "ffn_up";
    double *found[SLOPE_COUNT] = {malloc((size_t)ff * sizeof **found), malloc((size_t)ff * sizeof **found)};
    bool ok = importance_of(&gate, m, l, found[SLOPE_GATE], why) && importance_of(&up, m, l, found[SLOPE_UP], why);
    for (int k = 0; ok && k < SLOPE_COUNT; k++)
        for (int j = 0; j < ff; j++) {
            double squares = 0, slope = sum[k][j] / all;
            for (int i = 0; i < n; i++) squares += down[i * ff + j] * down[i * ff + j];
            s->slope = worse(s->slope, l->slope[k]->square[j], slope, slope);
            s->importance = worse(s->importance, found[k][j], slope * squares, slope * squares);
        }
    s->calls++;
    free(x), free(h), free(v), free(o), free(g), free(u), free(by_gate), free(by_up), free(y), free(down);
    for (int k = 0; k < SLOPE_COUNT; k++) free(sum[k]), free(found[k]);
    return ok;
}

/* attn_v's rows by all columns of attn_output that read them; q's and k's alike. */
static bool look_at_values(void *ctx, const struct statistics_layer *l, const struct plan **next, struct error *why)
{
    struct seen *s = ctx;
    const struct model *m = s->model;
    size_t n, head = (size_t)m->hp.head_dim, group = (size_t)(m->hp.n_head / m->hp.n_head_kv);
    (void)next;
    struct unit *u = units_new(m, SCOPE_ATTENTION, true, &n, why);
    if (u && u[0].layer != l->layer) return units_free(u, n), true;
    double *importance = u ? malloc(u[0].n_out * sizeof *importance) : NULL, *o = ref_load(m, l->layer, "attn_output.weight");
    bool ok = importance && importance_of(&u[0], m, l, importance, why);
    for (size_t j = 0; ok && j < u[0].out[0] + u[0].out[1]; j++) s->importance = worse(s->importance, importance[j], 1, 1);
    for (size_t j = 0; ok && j < u[0].out[2]; j++) {
        double sum = 0;
        for (size_t i = 0; i < (size_t)m->hp.n_embd; i++)
            for (size_t h = 0; h < group; h++) {
                size_t column = (j / head * group + h) * head + j % head;
                sum += o[i * group * u[0].out[2] + column] * o[i * group * u[0].out[2] + column];
            }
        s->importance = worse(s->importance, importance[u[0].out[0] + u[0].out[1] + j], sum, sum);
    }
    s->calls += ok;
    free(o);
    free(importance);
    units_free(u, n);
    return ok;
}

static void test_importance(const struct model *m, const int32_t *ids, size_t n, const char *shape)
{
    char name[160];
    struct calibration single = {(int32_t *)ids, n, 1};
    struct seen s = {.model = m}, values = {.model = m};
    struct statistics_options o = {.threads = 2, .diagonal = true, .slopes = true};
    bool ok = statistics_run(m, &single, &o, look_at_slopes, &s, &e);
    snprintf(name, sizeof name, "%s: slopes of hidden units are the activation's", shape);
    TEST(name, ok && s.calls == m->hp.n_layer && s.slope < 1e-2, "off by %.2g, %s", s.slope, e.text);
    snprintf(name, sizeof name, "%s: rows of gate and up count by slopes and columns of down", shape);
    TEST(name, ok && s.importance < 1e-2, "off by %.2g", s.importance);
    ok = statistics_run(m, &single, &o, look_at_values, &values, &e);
    snprintf(name, sizeof name, "%s: rows of v count by the columns that read them", shape);
    TEST(name, ok && values.calls == 1 && values.importance < 1e-6, "off by %.2g, %s", values.importance, e.text);
}

/* Of the same numbers, whatever the type. The file is gone from the folder then, but stays mapped. */
static struct model *open_as(const char *dir, const char *file, const char *shape, const char *type)
{
    char path[256], typed[64];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    snprintf(typed, sizeof typed, "%s:%s", shape, type);
    const struct synth_options o = {.shape = typed, .seed = 5, .threads = 2};
    struct model *m = synth_write(&o, path, NULL, &e) ? model_open(path, NULL, 0, &e) : NULL;
    unlink(path);
    return m;
}

static void test_model(const char *dir, const char *shape, bool normed_outputs)
{
    char name[160];
    struct model *m = open_as(dir, "model.gguf", shape, "F32");
    snprintf(name, sizeof name, "%s: opens", shape);
    TEST(name, m, "%s", e.text);
    if (!m) return;
    int32_t ids[CONTEXT * SEQUENCES];
    for (int i = 0; i < CONTEXT * SEQUENCES; i++) ids[i] = 3 + i * 37 % 900;
    struct calibration c = {ids, SEQUENCES, CONTEXT};
    struct seen full = {.layer_to_change = -1}, diagonal = {.layer_to_change = -1}, plain = {.layer_to_change = -1};
    bool ok = run(&full, m, &c, false, false) && run(&diagonal, m, &c, true, false) && run(&plain, m, &c, true, true);
    snprintf(name, sizeof name, "%s: a call a layer", shape);
    TEST(name, ok && full.calls == m->hp.n_layer, "%d calls %s", full.calls, e.text);
    snprintf(name, sizeof name, "%s: second moments and means are those of the normed stream", shape);
    TEST(name, full.input < 1e-5 && full.symmetric == 0, "off by %.2g, asymmetric by %.2g", full.input, full.symmetric);
    snprintf(name, sizeof name, "%s: squares are the diagonal, asked for alone or not", shape);
    TEST(name, full.square < 1e-5 && diagonal.square < 1e-5 && diagonal.input < 1e-5, "off by %.2g and %.2g", full.square,
         diagonal.square);
    snprintf(name, sizeof name, "%s: a layer reads what the one before it left", shape);
    TEST(name, full.stream == 0, "off by %.2g", full.stream);
    double head = head_error(m, &c, full.last_after);
    snprintf(name, sizeof name, "%s: the stream ends where a session's does", shape);
    TEST(name, head < 1e-3, "logits off by %.2g %s", head, e.text);
    bool differ = full.trace[SITE_DOWN] != plain.trace[SITE_DOWN] && full.trace[SITE_OUTPUT] != plain.trace[SITE_OUTPUT];
    snprintf(name, sizeof name, "%s: tokens are weighted %s", shape, normed_outputs ? "where outputs are normed" : "alike");
    TEST(name, differ == normed_outputs && full.trace[SITE_QKV] == plain.trace[SITE_QKV], "found %g and %g",
         full.trace[SITE_DOWN], plain.trace[SITE_DOWN]);

    test_importance(m, ids, CONTEXT, shape);

    /* A layer in the place of another: the next one starts from what it leaves, here the same, and that of rounded weights. */
    struct model *halves = open_as(dir, "halves.gguf", shape, "F16");
    struct plan *same = plan_new(m, false, &e), *rounded = halves ? plan_new(halves, false, &e) : NULL;
    struct seen unchanged = {.layer_to_change = 0, .changed = same}, changed = {.layer_to_change = 0, .changed = rounded};
    ok = same && rounded && run(&unchanged, m, &c, true, false) && run(&changed, m, &c, true, false);
    snprintf(name, sizeof name, "%s: a changed layer's outputs go on to the next", shape);
    TEST(name, ok && unchanged.stream == 0 && changed.stream > 0 && changed.stream < 1, "off by %.2g and %.2g %s",
         unchanged.stream, changed.stream, e.text);
    plan_free(same);
    plan_free(rounded);
    model_close(halves);
    free(full.last_after), free(diagonal.last_after), free(plain.last_after);
    free(unchanged.last_after), free(changed.last_after);

    const struct calibration short_text = {0};
    struct calibration read = short_text;
    ok = calibration_read(&read, m, "a few words", 11, 64, 0, &e);
    snprintf(name, sizeof name, "%s: refused: a text shorter than a sequence", shape);
    TEST(name, !ok && strstr(e.text, "expected at least one sequence of 64"), "found '%s'", e.text);
    static const char text[] = "the quick brown fox jumps over the lazy dog and the cat and the cow and the hen and the pig";
    ok = calibration_read(&read, m, text, sizeof text - 1, 8, 15, &e);
    snprintf(name, sizeof name, "%s: whole sequences, about as many tokens as asked for", shape);
    TEST(name, ok && read.sequences == 2 && read.context == 8 && (!m->tokenizer->add_bos || read.id[8] == m->tokenizer->bos),
         "%zu of %zu %s", read.sequences, read.context, e.text);
    calibration_free(&read);
    const int stop = 1;
    ok = statistics_run(m, &c, &(struct statistics_options){.threads = 1, .stop = &stop}, look, &full, &e);
    snprintf(name, sizeof name, "%s: stops when asked to", shape);
    TEST(name, !ok && strstr(e.text, "interrupted"), "found '%s'", e.text);
    model_close(m);
}

/* What results were made with stays as it is: another text is to have another name. */
static void test_bundled_text(void)
{
    static const char want[] = "616135b5594ffa358a10a5d543359ce5d4f82796ff44525e8ba23c311b3d02bb";
    char found[SHA256_HEX];
    struct sha256 s;
    sha256_begin(&s);
    sha256_add(&s, bundled_text, bundled_text_len);
    sha256_end(&s, found);
    TEST("the bundled text is what it was", !strcmp(bundled_text_name, "bundled text 1") && !strcmp(found, want), "found %s",
         found);
}

int main(void)
{
    char message[256], dir[160];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) return puts(message), 1;
    if (!test_folder(dir, sizeof dir)) return perror(dir), 1;
    struct pool *pool = pool_new(2, &e);
    if (!pool) return puts(e.text), 1;
    test_moments(pool);
    pool_free(pool);
    test_bundled_text();
    test_model(dir, "tiny-llama", false);
    test_model(dir, "tiny-gemma3", true);
    rmdir(dir);
    TEST_MAIN_END();
}
