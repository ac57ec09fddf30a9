/* trial.c - trials against the KL divergence in plain loops, and what a survey makes of a model in which some matrices do
 * nothing. SPDX-License-Identifier: MIT */
#include "engine/compress/trial.h"

#include <math.h>
#include <unistd.h>

#include "engine/compress/allocate.h"
#include "engine/compress/bundled_text.h"
#include "engine/compress/overlay.h"
#include "engine/compress/survey.h"
#include "engine/session.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tensor/lapack.h"
#include "tests/test.h"

enum { CONTEXT = 48, SEQUENCES = 2, VOCABULARY = 300, KEPT = 256 };

static struct error e;

static struct model *make(const char *dir, const char *shape)
{
    char path[256];
    snprintf(path, sizeof path, "%s/model.gguf", dir);
    struct model *m = synth_write(&(struct synth_options){.shape = shape, .seed = 5, .threads = 2}, path, NULL, &e)
                          ? model_open(path, NULL, 0, &e)
                          : NULL;
    unlink(path);
    return m;
}

/* The matrix with `share` of noise, row by row; 0: nothing but zeros. To be freed. */
static float *changed(const struct model *m, const char *name, float share)
{
    const struct tensor *t = gguf_tensor(m->gguf, name);
    size_t n = (size_t)t->ne[0], rows = (size_t)t->ne[1];
    float *w = calloc(n * rows, sizeof *w);
    for (size_t r = 0; share > 0 && r < rows; r++) {
        type_dequantise(t->type, w + r * n, tensor_row(t, (int64_t)r), n);
        for (size_t i = 0; i < n; i++) w[r * n + i] *= 1 + share * (float)((int)((r * 31 + i * 17) % 13) - 6) / 6;
    }
    return w;
}

/* Of the tokens with in[i]. */
static double log_sum(const float *z, const bool *in)
{
    double sum = 0;
    for (int i = 0; i < VOCABULARY; i++) sum += in[i] ? exp((double)z[i]) : 0;
    return log(sum);
}

/* The KEPT likeliest. */
static void likeliest(const float *z, bool *in)
{
    for (int i = 0; i < VOCABULARY; i++) {
        int above = 0;
        for (int k = 0; k < VOCABULARY; k++) above += z[k] > z[i] || (z[k] == z[i] && k < i);
        in[i] = above < KEPT;
    }
}

struct divergence_sum {
    const float *original; /* logits of all positions */
    float *keep;
    double kl;
};

static bool each_logits(void *ctx, size_t row, const float *q)
{
    struct divergence_sum *s = ctx;
    if (s->keep) return memcpy(s->keep + row * VOCABULARY, q, VOCABULARY * sizeof *q), true;
    const float *p = s->original + row * VOCABULARY;
    bool in[VOCABULARY];
    likeliest(p, in);
    double lp = log_sum(p, in), lq = log_sum(q, in);
    for (int i = 0; i < VOCABULARY; i++)
        if (in[i]) s->kl += exp((double)p[i] - lp) * ((double)p[i] - lp - (double)q[i] + lq);
    return true;
}

static bool feed(const struct model *m, const int32_t *ids, struct divergence_sum *s)
{
    struct session *x =
        session_new(m, &(struct session_options){.n_ctx = CONTEXT, .n_out = CONTEXT, .exact = true, .threads = 1}, &e);
    bool ok = x && session_feed_all(x, ids, CONTEXT, 0, each_logits, s, &e);
    session_free(x);
    return ok;
}

static double by_hand(const struct model *a, const struct model *b, const struct calibration *c)
{
    static float logits[CONTEXT * VOCABULARY];
    struct divergence_sum first = {.keep = logits}, second = {.original = logits};
    for (size_t s = 0; s < c->sequences; s++)
        if (!feed(a, c->id + s * CONTEXT, &first) || !feed(b, c->id + s * CONTEXT, &second)) return NAN;
    return second.kl / (double)(c->sequences * CONTEXT);
}

static void test_trials(const char *dir, const char *shape)
{
    int32_t ids[CONTEXT * SEQUENCES];
    for (int i = 0; i < CONTEXT * SEQUENCES; i++) ids[i] = 3 + i * 37 % 290;
    struct calibration c = {ids, SEQUENCES, CONTEXT};
    struct model *m = make(dir, shape);
    struct trial *t = m ? trial_new(m, &c, 2, &e) : NULL;
    struct overlay o;
    char name[160];
    bool ok = t && overlay_new(&o, m, &e);
    snprintf(name, sizeof name, "%s: sequences are remembered", shape);
    TEST(name, ok, "%s", e.text);
    if (!ok) return;
    double same, first = 0, again = 0, small = 0;
    ok = trial_run(t, &o.model, &same, &e);
    snprintf(name, sizeof name, "%s: an unchanged model is no way off", shape);
    TEST(name, ok && fabs(same) < 1e-9, "found %g, %s", same, e.text);
    float *rough = changed(m, "blk.1.ffn_up.weight", .5f), *fine = changed(m, "blk.1.ffn_up.weight", .05f);
    overlay_put(&o, "blk.1.ffn_up.weight", fine);
    ok = trial_run(t, &o.model, &small, &e);
    overlay_put(&o, "blk.1.ffn_up.weight", rough);
    ok = ok && trial_run(t, &o.model, &first, &e);
    double want = by_hand(m, &o.model, &c);
    snprintf(name, sizeof name, "%s: a changed one as far as both models' logits say", shape);
    TEST(name, ok && want > 0 && fabs(first / want - 1) < 1e-3, "found %g, expected %g, %s", first, want, e.text);
    snprintf(name, sizeof name, "%s: a small change is no rounding's: it costs its square", shape);
    TEST(name, small > 0 && first / small > 50 && first / small < 200, "found %g and %g", small, first);
    ok = trial_advance(t, 1, &e) && trial_run(t, &o.model, &again, &e);
    snprintf(name, sizeof name, "%s: the same from the layer on that is changed", shape);
    TEST(name, ok && fabs(again / first - 1) < 1e-4, "found %g, expected %g, %s", again, first, e.text);
    overlay_free(&o);
    trial_free(t);
    model_close(m);
    free(rough);
    free(fine);
}

/* Layer 1's attention and layer 0's FFN add nothing, whatever their errors. */
static void test_survey(const char *dir)
{
    static const char *const nothing[] = {"blk.1.attn_output.weight", "blk.0.ffn_down.weight"};
    char path[256], key[SHA256_HEX] = "key";
    struct model *m = make(dir, "L=2,D=256,H=4,KV=2,F=512,V=300:F16");
    struct overlay o;
    if (!m || !overlay_new(&o, m, &e)) {
        TEST("a model to survey", false, "%s", e.text);
        return;
    }
    float *zeros[2];
    for (int i = 0; i < 2; i++) overlay_put(&o, nothing[i], zeros[i] = changed(m, nothing[i], 0));
    struct compress_options options = {
        .text = bundled_text, .text_len = 20000, .context = 64, .tokens = 1024, .core_type = TYPE_Q8_0, .threads = 2};
    size_t n, silent = 0, least = 0;
    struct unit *u = units_new(&o.model, SCOPE_ALL, true, &n, &e);
    snprintf(path, sizeof path, "%s/survey", dir);
    struct work_file *f = work_file_open(path, key, false, &e);
    bool ok = u && f && survey_run(&o.model, &options, u, n, f, &e) && allocate_ranks(u, n, .6, true, TYPE_Q8_0, &e);
    work_file_close(f, true);
    TEST("a survey runs", ok, "%s", e.text);
    for (size_t i = 0; ok && i < n; i++) {
        bool idle = u[i].site <= SITE_OUTPUT ? u[i].layer == 1 : u[i].layer == 0;
        double shares = 0;
        for (int k = 0; k < u[i].n_roles; k++) shares += u[i].share[k];
        silent += idle == (u[i].weight == 0) && shares > .99 && shares < 1.05;
        least += !idle || u[i].rank == unit_rank_step(&u[i], TYPE_Q8_0);
    }
    TEST("what adds nothing costs nothing, all else something", ok && silent == n, "so of %zu of %zu", silent, n);
    TEST("it gets the least ranks", ok && least == n, "so of %zu of %zu", least, n);
    units_free(u, n);
    overlay_free(&o);
    model_close(m);
    for (int i = 0; i < 2; i++) free(zeros[i]);
}

int main(void)
{
    char message[256], dir[160];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) return puts(message), 1;
    if (!test_folder(dir, sizeof dir)) return perror(dir), 1;
    test_trials(dir, "L=3,D=256,H=4,KV=2,F=384,V=300:F16");
    test_trials(dir, "L=3,D=256,H=4,KV=2,F=384,V=300:Q8_0");
    if (lapack_require(2, &e))
        test_survey(dir);
    else
        SKIP("a survey", "%s", e.text);
    rmdir(dir);
    TEST_MAIN_END();
}
