/* compact_metric.c - quantising in the metric of the inputs: eigenvectors, weights, error feedback, joined rows, corrections,
 * and the file that the inputs stand in. SPDX-License-Identifier: MIT */
#include <math.h>
#include <unistd.h>

#include "base/random.h"
#include "engine/compress/correction.h"
#include "engine/compress/imatrix.h"
#include "engine/compress/feedback.h"
#include "engine/compress/subspace.h"
#include "engine/model.h"
#include "engine/quantise.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tests/test.h"

static struct error e;
static struct pool *pool;
static char folder[200];
static uint64_t state = 1;

static float normal(void)
{
    float sum = 0;
    for (int i = 0; i < 6; i++) sum += random_signed(&state);
    return sum / 1.41421356f;
}

static float *matrix(size_t rows, size_t n)
{
    float *w = malloc(rows * n * sizeof *w);
    for (size_t i = 0; w && i < rows * n; i++) w[i] = normal();
    return w;
}

/* Inputs that lie mostly in a few directions about a mean, as those of language models do: their moments. */
static bool make_moments(struct moments *m, size_t n)
{
    enum { ROWS = 384, DIRECTIONS = 6 };
    float *direction = matrix(DIRECTIONS + 1, n), *x = malloc(ROWS * n * sizeof *x);
    bool ok = direction && x && moments_new(m, n, false, 2, &e);
    for (size_t r = 0; ok && r < ROWS; r++) {
        for (size_t i = 0; i < n; i++) x[r * n + i] = 0.3f * normal() * (i % 7 ? 1 : 4) + direction[i];
        for (size_t d = 1; d <= DIRECTIONS; d++) {
            float a = normal() * 2 / (float)d;
            for (size_t i = 0; i < n; i++) x[r * n + i] += a * direction[d * n + i];
        }
    }
    if (ok) moments_add(m, x, NULL, ROWS, pool);
    ok = ok && moments_finish(m, pool);
    free(direction);
    free(x);
    return ok;
}

/* ---- Eigenvectors ---- */

struct small {
    const float *a;
    size_t n;
};

static void apply_small(void *ctx, const float *x, size_t k, float *y)
{
    const struct small *s = ctx;
    subspace_multiply(pool, s->a, s->n, s->n, x, k, y);
}

static void test_subspace(void)
{
    enum { N = 48, K = 5 };
    float *g = matrix(N, N), a[N * N], v[K * N];
    double full[N * N], vectors[N * N], values[N], leading[K], inverse[N * N];
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            double sum = i == j;
            for (size_t k = 0; k < N; k++) sum += (double)g[i * N + k] * (double)g[j * N + k] / (double)(1 + k * k);
            full[i * N + j] = inverse[i * N + j] = sum, a[i * N + j] = (float)sum;
        }
    bool inverted = subspace_invert(N, inverse);
    double off = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            double sum = -(double)(i == j);
            for (size_t k = 0; k < N; k++) sum += full[i * N + k] * inverse[k * N + j];
            off = fmax(off, fabs(sum));
        }
    TEST("a matrix and its inverse", inverted && off < 1e-9, "found %g", off);
    subspace_eigen(N, full, vectors, values);
    bool ok = subspace_leading(apply_small, &(struct small){a, N}, N, K, 8, 12, v, leading, &e);
    double worst = 0;
    for (int j = 0; ok && j < K; j++) worst = fmax(worst, fabs(leading[j] / values[j] - 1));
    TEST("leading eigenvalues are those of all", ok && worst < 1e-3, "found %g off", worst);
    inverse[0] = -1;
    TEST("what is not positive definite has no inverse", !subspace_invert(N, inverse), "found one");
    free(g);
}

/* ---- Weights of blocks ---- */

static void test_weights(void)
{
    static const enum type types[] = {TYPE_Q4_0, TYPE_Q4_1, TYPE_Q5_0, TYPE_Q5_1, TYPE_Q2_K,
                                      TYPE_Q3_K, TYPE_Q4_K, TYPE_Q5_K, TYPE_Q6_K};
    enum { ROWS = 48, N = 512 };
    float *w = matrix(ROWS, N), importance[N], y[N];
    char stored[N * 4];
    for (size_t i = 0; i < N; i++) importance[i] = expf(2 * normal());
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        double error[2] = {0, 0};
        char name[64];
        for (size_t r = 0; r < ROWS; r++)
            for (int weighted = 0; weighted < 2; weighted++) {
                type_quantise(types[t], stored, w + r * N, weighted ? importance : NULL, N);
                type_dequantise(types[t], y, stored, N);
                for (size_t i = 0; i < N; i++) error[weighted] += (double)importance[i] * pow((double)(w[r * N + i] - y[i]), 2);
            }
        snprintf(name, sizeof name, "weights lessen the weighted error of %s", type_name(types[t]));
        TEST(name, error[1] < error[0], "found %g, %g without", error[1], error[0]);
    }
    free(w);
}

/* ---- Feedback and corrections ---- */

static double cost_of(const struct compact_form *f, const float *w, const float *q, size_t rows)
{
    float *d = malloc(rows * f->n * sizeof *d);
    for (size_t i = 0; d && i < rows * f->n; i++) d[i] = w[i] - q[i];
    double cost = d ? compact_form_cost(f, pool, d, rows) : NAN;
    free(d);
    return cost;
}

/* tr(d C d^T) by the definition, from the moments themselves, undamped. */
static double plain_cost(const struct moments *m, const float *d, size_t rows)
{
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < m->n; i++)
            for (size_t j = 0; j < m->n; j++)
                sum += (double)d[r * m->n + i] * m->second[i * m->n + j] * (double)d[r * m->n + j];
    return sum;
}

static void test_matrix(size_t n, size_t rows, enum type type, const char *what)
{
    struct moments x;
    struct compact_metric m;
    struct compact_form f = {.n = 0}, diagonal = {.n = 0}, centred = {.n = 0};
    char name[96];
    size_t join = join_rows(type, n, rows);
    float *w = matrix(rows, n), *q = malloc(rows * n * sizeof *q), *p = malloc(rows * n * sizeof *p);
    char *stored = malloc(rows * n * 4);
    bool ok = join && w && q && p && stored && make_moments(&x, n) && compact_metric_new(&m, &x, pool, &e) &&
              compact_form_new(&f, &m, false, true, &e) && compact_form_new(&diagonal, &m, false, false, &e) &&
              compact_form_new(&centred, &m, true, true, &e);
    ok = ok && feedback_quantise(&diagonal, w, rows, type, join, pool, stored, p, &e) &&
         feedback_quantise(&f, w, rows, type, join, pool, stored, q, &e);
    snprintf(name, sizeof name, "%s: quantised", what);
    TEST(name, ok, "join %zu: %s", join, e.text);
    if (!ok) return;
    double plain = cost_of(&f, w, p, rows), fed = cost_of(&f, w, q, rows);
    snprintf(name, sizeof name, "%s: feedback lessens the error", what);
    TEST(name, fed < 0.9 * plain, "found %g, %g without", fed, plain);
    if (join == 1) {
        float y[4096];
        type_dequantise(type, y, stored, n);
        snprintf(name, sizeof name, "%s: what is stored is what was reckoned with", what);
        TEST(name, !memcmp(y, q, n * sizeof *y), "found other numbers");
    } else {
        struct mpo mpo;
        float *one = malloc(join * join * 32 * 32 * sizeof *one), *scratch = NULL, *y = malloc(rows * n * sizeof *y);
        join_mpo(join, n, rows, &mpo);
        join_selection(join, one);
        struct tensor t[2] = {
            {.type = type, .n_dims = 2, .ne = {(int64_t)(n * join), (int64_t)(rows / join), 1, 1}, .data = stored},
            {.type = TYPE_F32, .n_dims = 3, .ne = {32, (int64_t)(join * 32), (int64_t)join, 1}, .data = one}};
        for (int k = 0; k < 2; k++) t[k].row_bytes = type_bytes(t[k].type, (size_t)t[k].ne[0]);
        const struct tensor *core[2] = {&t[0], &t[1]};
        const struct mpo_pivot *none[2] = {NULL, NULL};
        scratch = malloc(mpo_rebuild_scratch(&mpo, rows) * sizeof *scratch);
        bool fits = mpo_check(&mpo, n, rows, &e);
        if (fits) mpo_rebuild_rows(&mpo, core, none, 0, rows, y, scratch);
        snprintf(name, sizeof name, "%s: the product of the cores is what was reckoned with", what);
        size_t off = 0; /* -0 and 0 are one number: a sum of zeros has lost its sign */
        for (size_t i = 0; fits && i < rows * n; i++) off += y[i] != q[i];
        TEST(name, fits && !off, "found %zu other numbers: %s", off, e.text);
        free(one), free(scratch), free(y);
    }
    double last = INFINITY;
    bool falls = true;
    static const size_t ranks[] = {0, 1, 2, 4, 8, 16};
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        struct correction c;
        for (size_t k = 0; k < rows * n; k++) p[k] = w[k] - q[k];
        ok = correction_fit(&c, &f, NULL, p, rows, ranks[i], pool, &e);
        double cost = ok ? compact_form_cost(&f, pool, p, rows) : NAN;
        falls = falls && ok && cost < last && c.rank == ranks[i];
        last = cost;
        if (ok) correction_free(&c);
    }
    snprintf(name, sizeof name, "%s: a higher rank leaves less", what);
    TEST(name, falls && last < 0.9 * fed, "found %g of %g: %s", last, fed, e.text);
    /* A bias takes exactly the error on the mean. */
    struct correction c;
    for (size_t k = 0; k < rows * n; k++) p[k] = w[k] - q[k];
    double before = plain_cost(&x, p, rows), after = before;
    ok = correction_fit(&c, &centred, m.mean, p, rows, 0, pool, &e);
    for (size_t r = 0; ok && r < rows; r++) after -= (double)c.bias[r] * (double)c.bias[r];
    double by_form = compact_form_cost(&centred, pool, p, rows), trace = 0, squares = 0;
    for (size_t i = 0; i < n; i++) trace += (double)m.square[i] - (double)m.mean[i] * (double)m.mean[i];
    for (size_t k = 0; k < rows * n; k++) squares += (double)p[k] * (double)p[k];
    after += 0.01 * trace / (double)n * squares; /* what is added for inputs that were not seen */
    snprintf(name, sizeof name, "%s: a bias leaves what the centred metric says", what);
    TEST(name, ok && after < before && fabs(by_form / after - 1) < 0.05, "found %g, expected %g, %g before", by_form, after,
         before);
    if (ok) correction_free(&c);
    compact_form_free(&f), compact_form_free(&diagonal), compact_form_free(&centred);
    compact_metric_free(&m);
    moments_free(&x);
    free(w), free(q), free(p), free(stored);
}

/* ---- Files ---- */

static bool copy_with(const char *from, const char *to, long at, int byte, long length)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    bool ok = in && out;
    for (long i = 0; ok; i++) {
        int c = fgetc(in);
        if (c == EOF || i == length) break;
        ok = fputc(i == at ? byte : c, out) != EOF;
    }
    if (in) fclose(in);
    if (out) ok = !fclose(out) && ok;
    return ok;
}

static void refuse(const char *name, const char *path)
{
    struct imatrix *im = imatrix_read(path, &e);
    TEST(name, !im && strstr(e.text, path) && !strchr(e.text, '\n'), "found '%s'", im ? "an importance matrix" : e.text);
    imatrix_free(im);
}

/* A weight that is no number is named before anything is written, whichever way its matrix would be made. */
static void test_not_finite(const char *model, const struct imatrix *im, const char *bad, const char *out)
{
    struct model_file *f = model_file_open(model, NULL, &e);
    const struct tensor *t = f ? gguf_tensor(f->gguf, "blk.1.ffn_up.weight") : NULL;
    bool spoilt = t && copy_with(model, bad, (long)t->offset + 7, 0x7e, -1); /* F16: all ones for an exponent */
    model_file_close(f);
    TEST("a model to spoil", spoilt, "%s", e.text);
    struct quantise_result r;
    struct quantise_options o = {.mix = mix_find("Q3_K", &e), .threads = 2};
    static const char said[] = "bad: tensor 'blk.1.ffn_up.weight': found 1 numbers that are not finite among 24576";
    for (int anew = 0; spoilt && anew < 2; anew++) {
        if (anew) o.imatrix = im, o.remake.feedback = true;
        e.text[0] = 0;
        bool made = quantise_file(bad, out, &o, &r, &e);
        TEST(anew ? "a NaN in a matrix made anew" : "a NaN in a matrix", !made && strstr(e.text, said) && access(out, F_OK),
             "found '%s'", e.text);
        if (made) quantise_result_free(&r);
    }
}

/* An importance matrix of other names is refused, one that lacks some says which. */
static void test_lacking(const char *model, struct imatrix *im, const char *out)
{
    struct quantise_options o = {.mix = mix_find("Q4_0", &e), .imatrix = im, .threads = 2};
    struct quantise_result r = {.rows = NULL};
    bool made = quantise_file(model, out, &o, &r, &e);
    TEST("nothing is lacking", made && r.matrices == 14 && r.n_lacking == 0, "%zu of %zu %s", r.n_lacking, r.matrices, e.text);
    for (size_t i = 0; i < im->n; i++)
        if (i != 5) im->entry[i].name[0] = 'x';
    made = quantise_file(model, out, &o, &r, &e);
    TEST("thirteen are, and the first are named",
         made && r.matrices == 14 && r.n_lacking == 13 && !strcmp(r.lacking[0], "blk.0.attn_q.weight") &&
             !strcmp(r.lacking[2], "blk.0.attn_v.weight"),
         "%zu of %zu: %s %s", r.n_lacking, r.matrices, r.lacking[0], e.text);
    im->entry[5].name[0] = 'x';
    TEST("none matches", !quantise_file(model, out, &o, &r, &e) && strstr(e.text, "found none of the importance matrix's 14"),
         "found '%s'", e.text);
    for (size_t i = 0; i < im->n; i++) im->entry[i].name[0] = 'b';
}

static void test_files(void)
{
    char model[256], file[256], bad[256], out[256];
    const char *const paths[] = {model, file, bad, out};
    snprintf(model, sizeof model, "%s/m", folder), snprintf(file, sizeof file, "%s/im", folder);
    snprintf(bad, sizeof bad, "%s/bad", folder), snprintf(out, sizeof out, "%s/out", folder);
    struct calibration c = {.id = NULL};
    struct model *m = NULL;
    struct imatrix *im = NULL, *back = NULL;
    char text[6000] = "";
    for (int i = 0; i < 1000; i++) strcat(text, i % 3 ? "one " : i % 5 ? "two " : "six.");
    bool ok = synth_write(&(struct synth_options){.shape = "L=2,D=96,H=4,KV=2,F=256,V=600:F16", .seed = 4, .threads = 1}, model,
                          NULL, &e) &&
              (m = model_open(model, NULL, 0, &e)) && calibration_read(&c, m, text, strlen(text), 64, 512, &e) &&
              (im = imatrix_collect(m, &c, &(struct statistics_options){.threads = 2}, &e)) &&
              imatrix_write(im, file, "a text", 64, &e) && (back = imatrix_read(file, &e));
    TEST("inputs are collected, written and read", ok && back->n == im->n && back->n == 14, "%s", e.text);
    if (ok) {
        bool same = true;
        for (size_t i = 0; i < im->n; i++) {
            const struct compact_metric *a = &im->entry[i].metric, *b = imatrix_find(back, im->entry[i].name);
            same = same && b && a->n == b->n && a->k == b->k && !memcmp(a->v, b->v, a->n * a->k * sizeof *a->v);
            for (size_t k = 0; same && k < a->n; k++) same = fabsf(a->square[k] - b->square[k]) <= 1e-5f * a->square[k];
        }
        TEST("they are what they were", same, "found others");
        TEST("q, k and v share theirs",
             imatrix_find(back, "blk.1.attn_v.weight")->v == imatrix_find(back, "blk.1.attn_q.weight")->v, "found two");
        TEST("of other tensors nothing is known", !imatrix_find(back, "output.weight"), "found some");
        struct quantise_options o = {
            .mix = mix_find("Q3_K", &e), .imatrix = back, .remake = {.rank = 2, .mean = true, .feedback = true}, .threads = 2};
        struct quantise_result r;
        bool made = quantise_file(model, out, &o, &r, &e);
        struct model *q = made ? model_open(out, NULL, 0, &e) : NULL;
        struct plan *p = q ? plan_new(q, false, &e) : NULL;
        TEST("a model is made of it that runs", p && r.n_rows == 14 && r.rows[0].join == 8, "%s", e.text);
        TEST("... with the bits that are said", made && quantise_bits(&r) > 3.4375 && quantise_bits(&r) < 20, "%g",
             made ? quantise_bits(&r) : NAN);
        bool less = made;
        for (size_t i = 0; less && i < r.n_rows; i++) less = r.rows[i].corrected < r.rows[i].error;
        TEST("... each matrix corrected", less, "found one that was not");
        plan_free(p);
        model_close(q);
        if (made) {
            TEST("a corrected model is not corrected again",
                 !quantise_file(out, bad, &o, &(struct quantise_result){0}, &e) && strstr(e.text, "mpo.version"), "found '%s'",
                 e.text);
            quantise_result_free(&r);
        }
        back->entry[0].metric.n--;
        TEST("inputs of another width", !quantise_file(model, bad, &o, &r, &e) && strstr(e.text, "expected 95"), "found '%s'",
             e.text);
        back->entry[0].metric.n++;
        unlink(out);
        test_not_finite(model, back, bad, out);
        test_lacking(model, back, out);
    }
    ok = ok && copy_with(file, bad, -1, 0, 3000);
    if (ok) refuse("a file that ends early", bad);
    struct model_file *parsed = ok ? model_file_open(file, NULL, &e) : NULL;
    const struct tensor *values = parsed ? gguf_tensor(parsed->gguf, "blk.1.ffn_down.weight.values") : NULL;
    long at = values ? (long)values->offset : 0;
    model_file_close(parsed);
    bool spoilt = at && copy_with(file, bad, at + 3, 0x7f, -1) && copy_with(bad, out, at + 2, 0x80, -1);
    TEST("a file to spoil", spoilt, "%s", e.text);
    if (spoilt) refuse("an eigenvalue that is not finite", out);
    refuse("a model is no importance matrix", model);
    imatrix_free(im);
    imatrix_free(back);
    calibration_free(&c);
    model_close(m);
    for (size_t i = 0; i < 4; i++) unlink(paths[i]);
}

int main(void)
{
    char message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) return puts(message), 1;
    pool = pool_new(2, &e);
    if (!pool || !test_folder(folder, sizeof folder)) return 1;
    test_subspace();
    test_weights();
    test_matrix(512, 96, TYPE_Q3_K, "Q3_K");
    test_matrix(640, 64, TYPE_Q3_K, "Q3_K in joined rows");
    test_matrix(224, 64, TYPE_Q4_K, "Q4_K, eight rows joined");
    test_matrix(160, 64, TYPE_Q4_0, "Q4_0");
    test_files();
    rmdir(folder);
    pool_free(pool);
    TEST_MAIN_END();
}
