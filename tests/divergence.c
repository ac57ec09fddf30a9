/* divergence.c - two models on one text: held to perplexity.h, and a model against itself.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <unistd.h>

#include "base/random.h"
#include "engine/divergence.h"
#include "engine/perplexity.h"
#include "engine/quantise.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tests/test.h"

static char folder[200], path[2][256];

/* Words in a random order: what they are does not matter, as the models' weights are random. */
static char *make_text(void)
{
    static const char *const words[] = {"one ", "river ", "of ", "time ", "and ", "cold ", "water. "};
    char *text = calloc(1, 9000), *at = text;
    for (uint64_t state = 1; text && at < text + 8000;) at += sprintf(at, "%s", words[random_below(&state, 7)]);
    return text;
}

static bool make_models(const char *shape, struct model *m[2], struct error *e)
{
    struct quantise_options q = {.mix = mix_find("Q4_K", e), .threads = 1};
    struct quantise_result r;
    for (int i = 0; i < 2; i++) snprintf(path[i], sizeof path[i], "%s/%d", folder, i);
    return q.mix && synth_write(&(struct synth_options){.shape = shape, .seed = 3, .threads = 1}, path[0], NULL, e) &&
           quantise_file(path[0], path[1], &q, &r, e) && (m[0] = model_open(path[0], NULL, 0, e)) &&
           (m[1] = model_open(path[1], NULL, 0, e));
}

static void test_perplexity(const struct model *m, const char *text, double said, double said_error, const char *name)
{
    struct error e = {""};
    struct perplexity p;
    struct session *s = session_new(m, &(struct session_options){.n_ctx = 64, .n_out = 128, .threads = 1}, &e);
    bool ok = s && perplexity_run(s, text, strlen(text), 64, 0, NULL, NULL, &p, &e);
    TEST(name, ok && fabs(p.perplexity / said - 1) < 1e-9 && fabs(p.standard_error / said_error - 1) < 1e-6,
         "found %.12g +- %g, expected %.12g +- %g as ppl says %s", said, said_error, p.perplexity, p.standard_error, e.text);
    session_free(s);
}

static void test_pair(struct model *m[2], const char *text)
{
    struct error e = {""};
    struct divergence_options o = {.context = 64, .threads = 2};
    struct divergence d, same;
    size_t len = strlen(text);
    bool ok = divergence_run(m[0], m[1], text, len, &o, &d, &e);
    TEST("two models run", ok, "%s", e.text);
    if (!ok) return;
    test_perplexity(m[0], text, d.original, d.original_error, "the original's perplexity");
    test_perplexity(m[1], text, d.perplexity, d.error, "the other's perplexity");
    TEST("their ratio", fabs(exp(d.log_ratio) * d.original / d.perplexity - 1) < 1e-9, "found %g", exp(d.log_ratio));
    TEST("KL is above 0 and known", d.kl > 1e-4 && d.kl_error > 0 && d.kl_error < d.kl, "found %g +- %g", d.kl, d.kl_error);
    TEST("pairs are known better than either", d.log_ratio_error < d.error / d.perplexity, "found %g", d.log_ratio_error);
    ok = divergence_run(m[0], m[0], text, len, &o, &same, &e);
    TEST("a model against itself", ok && same.kl == 0 && same.log_ratio == 0 && same.same_top == 1, "found KL %g, %g, %s",
         same.kl, same.log_ratio, e.text);
    TEST("a short text", !divergence_run(m[0], m[1], "one", 3, &o, &d, &e) && strstr(e.text, "at least one chunk of 64"),
         "found '%s'", e.text);
    o.context = 2;
    TEST("a short context", !divergence_run(m[0], m[1], text, len, &o, &d, &e) && strstr(e.text, "expected 3 or more"),
         "found '%s'", e.text);
}

/* A copy of the first model whose last token has another text. */
static bool rename_token(const struct model *m, const char *to, struct error *e)
{
    struct gguf_string last = token_text(m->tokenizer, m->hp.n_vocab - 1);
    size_t size, at = 0;
    char *bytes = file_read(path[0], 1 << 26, &size, e);
    while (bytes && at + last.len < size && memcmp(bytes + at, last.data, last.len)) at++;
    if (bytes) bytes[at] = bytes[at] == 'x' ? 'y' : 'x';
    FILE *f = bytes ? fopen(to, "wb") : NULL;
    bool ok = f && fwrite(bytes, 1, size, f) == size;
    if (f) ok = !fclose(f) && ok;
    free(bytes);
    return ok;
}

int main(void)
{
    struct error e = {""};
    struct model *m[2] = {NULL, NULL}, *other = NULL;
    char *text = make_text(), third[256], message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) return puts(message), 1;
    if (!text || !test_folder(folder, sizeof folder)) return 1;
    snprintf(third, sizeof third, "%s/third", folder);
    bool made = make_models("L=2,D=256,H=4,KV=2,F=256,V=700:F32", m, &e);
    TEST("models to compare", made, "%s", e.text);
    if (made) test_pair(m, text);
    made = made &&
           synth_write(&(struct synth_options){.shape = "L=1,D=64,H=4,KV=2,F=64,V=600:F32", .threads = 1}, third, NULL, &e) &&
           (other = model_open(third, NULL, 0, &e));
    struct divergence d;
    TEST("another vocabulary",
         made && !divergence_run(m[0], other, text, strlen(text), &(struct divergence_options){0}, &d, &e) &&
             strstr(e.text, "found 600 tokens, expected 700"),
         "found '%s'", e.text);
    model_close(other);
    other = NULL;
    made = made && rename_token(m[0], third, &e) && (other = model_open(third, NULL, 0, &e));
    TEST("as many tokens, one of another text",
         made && !divergence_run(m[0], other, text, strlen(text), &(struct divergence_options){.context = 64}, &d, &e) &&
             strstr(e.text, "vocabulary: found tokens of sha256 ") && strstr(e.text, "expected the original's"),
         "found '%s'", e.text);
    for (int i = 0; i < 2; i++) model_close(m[i]), unlink(path[i]);
    model_close(other);
    unlink(third);
    rmdir(folder);
    free(text);
    TEST_MAIN_END();
}
