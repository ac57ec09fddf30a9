/* engine.c - the engine against a naive reference, against itself, and against what does not fit.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <unistd.h>

#include "engine/session.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tensor/linear.h"
#include "tests/reference.h"
#include "tests/numbers.h"
#include "tests/test.h"

enum { N_IDS = 45 };       /* more than tiny-gemma3's window of 16, and no multiple of anything */
enum { N_LONG_IDS = 301, N_SEVENTH = 43 }; /* more than a piece of attention and a block of columns; part of it, by a gemm */

static int32_t ids[N_LONG_IDS];
static char dir[160];

static struct model *make(const char *shape, struct error *e)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.gguf", dir, shape);
    if (access(path, R_OK) && !synth_write(&(struct synth_options){.shape = shape, .seed = 7, .threads = 1}, path, NULL, e))
        return NULL;
    return model_open(path, NULL, 0, e);
}

/* Logits of the first n positions, fed in steps of `batch`. */
static float *logits_of(const struct model *m, struct session_options o, size_t n, size_t batch, struct error *e)
{
    o.n_ctx = n;
    o.n_batch = o.n_out = batch;
    struct session *s = session_new(m, &o, e);
    if (!s) return NULL;
    struct kept_rows r = {malloc(n * (size_t)m->hp.n_vocab * sizeof(float)), (size_t)m->hp.n_vocab};
    if (!session_feed_all(s, ids, n, 0, keep_row, &r, e)) {
        free(r.to);
        r.to = NULL;
    }
    session_free(s);
    return r.to;
}

static float *all_logits(const struct model *m, struct session_options o, size_t batch, struct error *e)
{
    return logits_of(m, o, N_IDS, batch, e);
}

static double rms(const float *a, const float *b, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(s / (double)n);
}

static void make_ids(const struct model *m)
{
    for (int i = 0; i < N_LONG_IDS; i++) ids[i] = (int32_t)((i * 7919 + 13) % m->hp.n_vocab);
}

/* How many of a model's tensors are of a type that a step of so many rows unpacks: what does for one does for all later ones.
 */
static size_t unpacking(const struct model *m, size_t rows)
{
    size_t n = 0;
    for (size_t i = 0; i < m->gguf->n_tensors; i++) n += linear_unpacks(m->gguf->tensors[i].type, rows);
    return n;
}

/* Steps of few rows multiply by dot, longer ones by gemm: each has its own rounding, and within it nothing matters. */
static void test_steps(const char *shape, const struct model *m, const struct session_options *fast)
{
    enum { KINDS = 16 };
    char name[96];
    struct error e = {""};
    struct {
        size_t unpacking;
        float *logits;
    } like[KINDS] = {{0}};
    size_t n = N_IDS * (size_t)m->hp.n_vocab, kinds = 0;
    for (size_t batch = 1; batch <= N_IDS; batch += batch < 24 ? 1 : N_IDS - 24) {
        size_t last = N_IDS % batch ? N_IDS % batch : batch, k = 0;
        if (unpacking(m, batch) != unpacking(m, last)) continue;
        float *steps = all_logits(m, *fast, batch, &e);
        while (k < kinds && like[k].unpacking != unpacking(m, batch)) k++;
        if (k == kinds) {
            snprintf(name, sizeof name, "%s: steps of %zu, the first of their kind", shape, batch);
            TEST(name, steps && k < KINDS, "%s kind %zu", e.text, k);
            if (k < KINDS)
                like[k].unpacking = unpacking(m, batch), like[k].logits = steps, kinds++;
            else
                free(steps);
            continue;
        }
        snprintf(name, sizeof name, "%s: the same bits in steps of %zu", shape, batch);
        TEST(name, steps && like[k].logits && !memcmp(like[k].logits, steps, n * sizeof *steps), "%s rms %g apart", e.text,
             steps && like[k].logits ? rms(like[k].logits, steps, n) : NAN);
        free(steps);
    }
    snprintf(name, sizeof name, "%s: steps of one and of many are of two kinds", shape);
    TEST(name, kinds >= 2, "%zu", kinds);
    for (size_t k = 0; k < kinds; k++) free(like[k].logits);
}

/* A family: exact against the reference, the fast path near exact, and the same bits however it is run. */
static void test_family(const char *shape, double noise)
{
    char name[96];
    struct error e = {""};
    struct model *m = make(shape, &e);
    snprintf(name, sizeof name, "%s opens", shape);
    TEST(name, m != NULL, "%s", e.text);
    if (!m) return;
    size_t n = N_IDS * (size_t)m->hp.n_vocab;
    make_ids(m);

    double *reference = ref_logits(m, ids, N_IDS), worst = 0, square = 0;
    float *exact = all_logits(m, (struct session_options){.exact = true, .threads = 2}, N_IDS, &e);
    for (size_t i = 0; exact && i < n; i++) {
        double d = fabs((double)exact[i] - reference[i]);
        worst = d > worst || isnan(d) ? d : worst;
        square += reference[i] * reference[i];
    }
    snprintf(name, sizeof name, "%s: exact logits as the reference's", shape);
    TEST(name, exact && worst <= 1e-3 && sqrt(square / (double)n) > 0.1, "%s max-abs %g at rms %g", e.text, worst,
         sqrt(square / (double)n));
    free(reference);

    const struct session_options fast = {.kv_type = TYPE_F16, .threads = 1};
    float *one = all_logits(m, fast, N_IDS, &e);
    snprintf(name, sizeof name, "%s: fast logits near the exact ones", shape);
    double r = exact && one ? rms(exact, one, n) / sqrt(square / (double)n) : NAN;
    TEST(name, r <= noise, "%s rms %g of the logits', expected at most %g", e.text, r, noise);
    for (int threads = 2; threads <= 4; threads++) {
        struct session_options o = fast;
        o.threads = threads;
        float *more = all_logits(m, o, N_IDS, &e);
        snprintf(name, sizeof name, "%s: the same bits on %d threads", shape, threads);
        TEST(name, more && one && !memcmp(one, more, n * sizeof *one), "%s rms %g apart", e.text,
             more && one ? rms(one, more, n) : NAN);
        free(more);
    }
    test_steps(shape, m, &fast);
    float *single = all_logits(m, fast, 1, &e);
    r = exact && single ? rms(exact, single, n) / sqrt(square / (double)n) : NAN;
    snprintf(name, sizeof name, "%s: in steps of one as near the exact logits", shape);
    TEST(name, r <= noise, "%s rms %g of the logits', expected at most %g", e.text, r, noise);
    free(single);
    struct session_options o = fast;
    o.kv_type = TYPE_Q8_0;
    float *q8 = all_logits(m, o, N_IDS, &e);
    r = q8 && one ? rms(one, q8, n) / sqrt(square / (double)n) : NAN;
    snprintf(name, sizeof name, "%s: a q8_0 cache costs little", shape);
    TEST(name, r <= 0.05, "%s rms %g of the logits'", e.text, r);
    free(q8);
    free(one);
    free(exact);
    model_close(m);
}

/* A row alone has its attention shared out by pieces, a row of two has not; the rest of the engine treats them alike. */
static void test_long(const char *shape)
{
    char name[96];
    struct error e = {""};
    struct model *m = make(shape, &e);
    size_t n = N_LONG_IDS * (size_t)(m ? m->hp.n_vocab : 0);
    const struct session_options on_one = {.kv_type = TYPE_F16, .threads = 1}, on_three = {.kv_type = TYPE_F16, .threads = 3};
    if (m) make_ids(m);
    float *whole = m ? logits_of(m, on_one, N_LONG_IDS, 2, &e) : NULL;
    for (int shared = 0; shared < 2; shared++) {
        float *pieces = m ? logits_of(m, shared ? on_three : on_one, N_LONG_IDS, 1, &e) : NULL;
        snprintf(name, sizeof name, "%s: attention in pieces has the same bits on %d threads", shape, shared ? 3 : 1);
        TEST(name, whole && pieces && !memcmp(whole, pieces, n * sizeof *whole), "%s rms %g apart", e.text,
             whole && pieces ? rms(whole, pieces, n) : NAN);
        free(pieces);
    }
    free(whole);
    float *at_once = m ? logits_of(m, on_three, N_LONG_IDS, N_LONG_IDS, &e) : NULL;
    float *in_parts = m ? logits_of(m, on_one, N_LONG_IDS, N_SEVENTH, &e) : NULL;
    snprintf(name, sizeof name, "%s: products by blocks of columns have the same bits", shape);
    TEST(name, at_once && in_parts && !memcmp(at_once, in_parts, n * sizeof *at_once), "%s rms %g apart", e.text,
         at_once && in_parts ? rms(at_once, in_parts, n) : NAN);
    free(at_once);
    free(in_parts);
    model_close(m);
}

static void expect(const char *name, bool ok, const struct error *e, const char *part)
{
    TEST(name, !ok && strstr(e->text, part), "%s", ok ? "no error" : e->text);
}

static void test_limits(void)
{
    struct error e = {""};
    struct model *m = make("tiny-llama:F32", &e);
    if (!m) {
        TEST("limits", false, "%s", e.text);
        return;
    }
    struct session *s = session_new(m, &(struct session_options){.n_ctx = 8, .threads = 1}, &e);
    int32_t few[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, wrong[2] = {1, m->hp.n_vocab};
    expect("a prompt longer than the context", session_feed(s, few, 9, PHASE_PREFILL, NULL, NULL, &e), &e,
           "expected at most 8");
    expect("a token that is none", session_feed(s, wrong, 2, PHASE_PREFILL, NULL, NULL, &e), &e, "found token");
    TEST("a refused prompt leaves the cache as it was", s->kv->used == 0, "%zu positions used", s->kv->used);

    struct generate_result g;
    struct generate_options o = {
        .max_tokens = 100, .sample = {.temperature = 0, .repeat_penalty = 1, .top_p = 1}, .ignore_eos = true};
    bool ok = session_generate(s, few, 4, &o, &g, &e);
    TEST("generation stops where the context ends", ok && g.stop == STOP_CONTEXT && g.generated_tokens == 5 && s->kv->used == 8,
         "%s stop %s after %zu", e.text, stop_name(g.stop), g.generated_tokens);
    generate_result_free(&g);

    session_reset(s);
    volatile int stop = 1;
    o.interrupted = &stop;
    ok = session_generate(s, few, 4, &o, &g, &e);
    TEST("an interrupt stops with what was done",
         ok && g.stop == STOP_INTERRUPT && g.generated_tokens == 0 && g.prompt_tokens == 4, "%s stop %s", e.text,
         stop_name(g.stop));
    generate_result_free(&g);
    expect("an empty prompt", session_generate(s, few, 0, &o, &g, &e), &e, "no tokens");
    session_free(s);

    e.text[0] = 0;
    s = session_new(m, &(struct session_options){.n_ctx = (size_t)1 << 40, .threads = 1}, &e);
    expect("a context that won't fit in memory", s != NULL, &e, "MB free");
    session_free(s);
    model_close(m);
}

/* A llama of one layer that holds its embedding and nothing else, without attention.key_length. */
static bool write_bare(const char *path, uint32_t n_head, struct error *e)
{
    static const float embedding[4 * 1024];
    static const struct {
        const char *key;
        uint32_t value;
    } numbers[] = {{"llama.block_count", 1},
                   {"llama.embedding_length", 1024},
                   {"llama.feed_forward_length", 64},
                   {"llama.context_length", 64}};
    struct gguf_writer *w = gguf_writer_new(0);
    FILE *f = fopen(path, "wb");
    gguf_set_string(w, "general.architecture", "llama", 5);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) gguf_set_u32(w, numbers[i].key, numbers[i].value);
    gguf_set_u32(w, "llama.attention.head_count", n_head);
    gguf_add_tensor(w, "token_embd.weight", TYPE_F32, 2, (int64_t[]){1024, 4});
    bool ok = f && gguf_writer_begin(w, f, e) && gguf_write_data(w, embedding, sizeof embedding, e) && gguf_writer_end(w, e);
    if (f) ok &= !fclose(f);
    gguf_writer_free(w);
    return ok;
}

static void test_bad_models(void)
{
    char path[256], missing[512];
    struct error e = {""};
    snprintf(path, sizeof path, "%s/bare.gguf", dir);
    static const struct {
        const char *name;
        uint32_t n_head;
    } widths[] = {{"a head wider than any kernel's, by no key", 1}, {"a head of no element, by no key", 2048}};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        struct model *m = write_bare(path, widths[i].n_head, &e) ? model_open(path, NULL, MODEL_NO_TOKENIZER, &e) : NULL;
        expect(widths[i].name, m != NULL, &e, "attention.key_length': found nothing, which means");
        model_close(m);
    }
    struct model *m = write_bare(path, 16, &e) ? model_open(path, NULL, MODEL_NO_TOKENIZER, &e) : NULL;
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    snprintf(missing, sizeof missing, "%s: tensor 'blk.0.attn_norm.weight': found nothing, expected [1024]", path);
    expect("a missing tensor is named with its file", p != NULL, &e, missing);
    plan_free(p);
    model_close(m);
    unlink(path);
}

int main(void)
{
    char message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) {
        printf("FAIL kernels: %s\n", message);
        return 1;
    }
    if (!test_folder(dir, sizeof dir)) {
        printf("FAIL temporary folder: %s\n", dir);
        return 1;
    }
    static const struct {
        const char *shape;
        double noise;
    } families[] = {{"tiny-llama:F32", 1e-3},
                    {"tiny-llama:Q4_K_M", 0.05},
                    {"tiny-qwen2:Q8_0", 0.05},
                    {"tiny-qwen3:F16", 1e-3},
                    {"tiny-gemma3:Q4_0", 0.05}};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) test_family(families[i].shape, families[i].noise);
    test_long("tiny-qwen2:Q8_0");
    test_limits();
    test_bad_models();
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s.gguf", dir, families[i].shape);
        unlink(path);
    }
    rmdir(dir);
    TEST_MAIN_END();
}
