/* oracle.c - logits and greedy ids against other engines' numbers, where those files are there (../shared/oracle).
 *
 * Tiny models: exact logits within 5e-3 of the numpy reference, the fast path's noise at most twice llama.cpp's. Real models,
 * under HARTREE_SLOW: the same by the bounds of the reference files' README, and perplexity. SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/perplexity.h"
#include "kernels/kernel.h"
#include "tests/json_read.h"
#include "tests/test.h"

static char text[512];

static const char *str(const struct jval *v) { return v && v->type == J_STRING ? v->string : ""; }

static int32_t *ids_of(const struct jval *v, size_t *n)
{
    *n = v ? v->n : 0;
    int32_t *ids = malloc((*n + 1) * sizeof *ids);
    for (size_t i = 0; i < *n; i++) ids[i] = (int32_t)v->item[i].number;
    return ids;
}

static float *read_floats(const char *path, size_t n)
{
    FILE *f = fopen(path, "rb");
    float *p = malloc(n * sizeof *p);
    if (!f || fread(p, sizeof *p, n, f) != n) {
        free(p);
        p = NULL;
    }
    if (f) fclose(f);
    return p;
}

struct sums {
    const float *want; /* rows of n_vocab, from row 0 */
    size_t n_vocab;
    double square, worst;
    size_t n;
};

static bool compare_row(void *ctx, size_t index, const float *logits)
{
    struct sums *s = ctx;
    for (size_t i = 0; i < s->n_vocab; i++) {
        double d = (double)logits[i] - (double)s->want[index * s->n_vocab + i];
        s->square += d * d;
        if (!(fabs(d) <= s->worst)) s->worst = fabs(d);
        s->n++;
    }
    return true;
}

/* Differences of all positions' logits from `want`. */
static bool compare_all(const struct model *m, bool exact, const int32_t *ids, size_t n, const float *want, struct sums *out,
                        struct error *e)
{
    *out = (struct sums){.want = want, .n_vocab = (size_t)m->hp.n_vocab};
    struct session *s =
        session_new(m, &(struct session_options){.n_ctx = n, .n_out = 16, .kv_type = TYPE_F16, .exact = exact}, e);
    bool ok = s && session_feed_all(s, ids, n, 0, compare_row, out, e);
    session_free(s);
    return ok;
}

static int32_t best_of(const float *x, int n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

/* Feeds the reference's own greedy ids and counts the steps where this engine would have chosen otherwise although the
 * reference's margin was at least `margin`. The prompt has been fed. */
static size_t greedy_differences(struct session *s, const struct jval *greedy, const struct jval *margins, double margin,
                                 struct error *e)
{
    size_t wrong = 0;
    for (size_t i = 0; i < greedy->n; i++) {
        int32_t want = (int32_t)greedy->item[i].number;
        if (best_of(session_logits(s), s->model->hp.n_vocab) != want && margins->item[i].number >= margin) wrong++;
        if (i + 1 < greedy->n && !session_feed(s, &want, 1, PHASE_DECODE, NULL, NULL, e)) return greedy->n;
    }
    return wrong;
}

static void test_tiny(const char *shared, const struct jval *c)
{
    char path[512], name[160];
    struct error e = {""};
    size_t n;
    const char *file = str(jget(c, "model"));
    snprintf(path, sizeof path, "%s/oracle/text/%s", shared, file);
    struct model *m = model_open(path, NULL, MODEL_NO_TOKENIZER, &e);
    int32_t *ids = ids_of(jget(c, "tokens"), &n);
    snprintf(path, sizeof path, "%s/oracle/text/oracle/%s", shared, str(jget(jget(c, "logits_C"), "file")));
    float *want = m ? read_floats(path, n * (size_t)m->hp.n_vocab) : NULL;
    struct sums exact = {0}, fast = {0};
    bool ok = m && want && compare_all(m, true, ids, n, want, &exact, &e) && compare_all(m, false, ids, n, want, &fast, &e);
    snprintf(name, sizeof name, "%s: exact logits within 5e-3", file);
    TEST(name, ok && exact.worst <= 5e-3, "%s max-abs %g", e.text, exact.worst);
    /* An F16 cache alone costs 0.005 on logits of standard deviation 6, whatever the weights. */
    double rms = sqrt(fast.square / (double)fast.n), noise = jget(jget(c, "A_minus_C"), "rms")->number;
    snprintf(name, sizeof name, "%s: fast logits no noisier than twice llama.cpp's", file);
    TEST(name, ok && rms <= 2 * noise + 0.01, "%s rms %g, llama.cpp's %g", e.text, rms, noise);

    /* These ids are llama.cpp's, chosen with quantised activations: a margin below its own largest deviation decides nothing.
     */
    double deviation = jget(jget(c, "A_minus_C"), "max")->number;
    struct session *s = m ? session_new(m, &(struct session_options){.n_ctx = n + 64, .exact = true}, &e) : NULL;
    size_t wrong = 1;
    if (s && session_feed(s, ids, n, PHASE_PREFILL, NULL, NULL, &e))
        wrong = greedy_differences(s, jget(c, "greedy_A"), jget(c, "margin_A"), deviation + 1e-3, &e);
    snprintf(name, sizeof name, "%s: greedy ids", file);
    TEST(name, !wrong, "%s %zu steps differ", e.text, wrong);
    session_free(s);
    free(want);
    free(ids);
    model_close(m);
}

/* ---- Real models ---- */

struct real {
    const struct model *m;
    const char *name, *shared;
    double ours, theirs; /* noise, summed over cases */
    size_t cases;
};

static double rms_of(const float *a, const float *b, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(s / (double)n);
}

static double largest_noise(const struct jval *noise)
{
    static const char *const keys[] = {"rms_last", "rms_last_f32kv_nofa", "rms_last_haswell"};
    double worst = 0;
    for (size_t i = 0; i < 3; i++) {
        const struct jval *v = jget(noise, keys[i]);
        if (v && v->number > worst) worst = v->number;
    }
    return worst;
}

/* One prompt: exact against the reference's logits where there are some; fast against exact; greedy. */
static void test_prompt(struct real *r, const struct jval *p, bool with_exact)
{
    char name[160], path[512];
    struct error e = {""};
    size_t n, n_vocab = (size_t)r->m->hp.n_vocab;
    const char *prompt = str(jget(p, "name"));
    int32_t *ids = ids_of(jget(p, "ids"), &n);
    snprintf(path, sizeof path, "%s/oracle/real/%s.%s.logits.f32", r->shared, r->name, prompt);
    float *want = read_floats(path, n_vocab);
    bool given = want != NULL;
    if (!given) want = malloc(n_vocab * sizeof *want);
    if (with_exact || !given) {
        struct session *s = session_new(r->m, &(struct session_options){.n_ctx = n, .exact = true}, &e);
        bool ok = s && session_feed(s, ids, n, PHASE_PREFILL, NULL, NULL, &e);
        double d = ok && given ? rms_of(session_logits(s), want, n_vocab) : 0;
        snprintf(name, sizeof name, "%s %s: exact logits", r->name, prompt);
        if (given) TEST(name, ok && d <= 1e-3, "%s rms %g", e.text, d);
        else if (ok) memcpy(want, session_logits(s), n_vocab * sizeof *want);
        session_free(s);
    }
    const struct jval *greedy = jget(p, "exact");
    struct session *s =
        session_new(r->m, &(struct session_options){.n_ctx = n + jget(greedy, "greedy")->n, .kv_type = TYPE_F16}, &e);
    bool ok = s && session_feed(s, ids, n, PHASE_PREFILL, NULL, NULL, &e);
    double d = ok ? rms_of(session_logits(s), want, n_vocab) : NAN, noise = largest_noise(jget(p, "noise"));
    snprintf(name, sizeof name, "%s %s: fast logits at most twice llama.cpp's noise", r->name, prompt);
    TEST(name, d <= 2 * noise, "%s rms %g, llama.cpp's %g", e.text, d, noise);
    r->ours += d;
    r->theirs += jget(jget(p, "noise"), "rms_last")->number;
    r->cases++;
    size_t wrong = ok ? greedy_differences(s, jget(greedy, "greedy"), jget(greedy, "margin"), 4 * d, &e) : 1;
    snprintf(name, sizeof name, "%s %s: greedy ids part only where the margin is small", r->name, prompt);
    TEST(name, !wrong, "%s %zu steps differ", e.text, wrong);
    session_free(s);
    free(want);
    free(ids);
}

static void test_perplexity(const struct real *r, const struct jval *c)
{
    char path[512], name[160];
    struct error e = {""};
    size_t size = 0, chunks = 8;
    snprintf(path, sizeof path, "%s/oracle/real/%s", r->shared, str(jget(c, "text")));
    char *t = file_read(path, 1 << 24, &size, &e);
    struct session *s = session_new(r->m, &(struct session_options){.n_ctx = 512, .n_out = 128, .kv_type = TYPE_F16}, &e);
    struct perplexity p = {0};
    bool ok = t && s && perplexity_run(s, t, size, 512, chunks, NULL, NULL, &p, &e);
    double want = jget(c, "running")->item[chunks - 1].number;
    snprintf(name, sizeof name, "%s: perplexity within 1 %% of llama.cpp's", r->name);
    TEST(name, ok && fabs(p.perplexity / want - 1) <= 0.01, "%s %.4f, expected %.4f", e.text, p.perplexity, want);
    session_free(s);
    free(t);
}

static void test_real(const char *shared, const char *models, const char *name, const char *file)
{
    char path[512];
    struct error e = {""};
    struct jval manifest;
    snprintf(path, sizeof path, "%s/oracle/real/%s.manifest.json", shared, name);
    if (!jfile(path, &manifest)) return;
    snprintf(path, sizeof path, "%s/%s", models, file);
    struct model *m = model_open(path, NULL, 0, &e);
    if (!m) {
        SKIP(name, "%s", e.text);
        jfree(&manifest);
        return;
    }
    struct real r = {.m = m, .name = name, .shared = shared};
    const struct jval *prompts = jget(&manifest, "prompts"), *ppl = jget(&manifest, "perplexity");
    /* The reference's logits are there for three prompts; for the others this engine's own exact path stands in, which the
     * three verify. On the largest model that takes minutes, so only the three are run. */
    for (size_t i = 0; i < prompts->n; i++) {
        snprintf(path, sizeof path, "%s/oracle/real/%s.%s.logits.f32", shared, name, str(jget(&prompts->item[i], "name")));
        FILE *f = fopen(path, "rb");
        if (f) fclose(f);
        if (f || m->hp.n_layer * m->hp.n_embd < 25000) test_prompt(&r, &prompts->item[i], f != NULL);
    }
    snprintf(text, sizeof text, "%s: mean noise at most 1.2 times llama.cpp's", name);
    TEST(text, r.ours <= 1.2 * r.theirs, "%g against %g over %zu cases", r.ours / (double)r.cases, r.theirs / (double)r.cases,
         r.cases);
    for (size_t i = 0; i < ppl->n; i++) test_perplexity(&r, &ppl->item[i]);
    model_close(m);
    jfree(&manifest);
}

int main(void)
{
    char message[256], path[512];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) {
        printf("FAIL kernels: %s\n", message);
        return 1;
    }
    const char *shared = test_shared(), *models = test_models();
    if (!shared) {
        SKIP("oracles", "no reference data (HARTREE_SHARED)");
        return 0;
    }
    struct jval manifest;
    snprintf(path, sizeof path, "%s/oracle/text/oracle/manifest.json", shared);
    if (jfile(path, &manifest)) {
        const struct jval *cases = jget(&manifest, "cases");
        for (size_t i = 0; i < cases->n; i++) test_tiny(shared, &cases->item[i]);
        jfree(&manifest);
    } else
        SKIP("tiny models", "no %s", path);
    if (!getenv("HARTREE_SLOW") || !models) {
        SKIP("real models", "%s", models ? "minutes long; set HARTREE_SLOW" : "not there (HARTREE_MODELS)");
        TEST_MAIN_END();
    }
    test_real(shared, models, "gemma-3-270m", "gemma-3-270m-q4_k_m.gguf");
    test_real(shared, models, "qwen2.5-coder-0.5b", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf");
    test_real(shared, models, "qwen2.5-coder-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf");
    TEST_MAIN_END();
}
