/* decompose.c - factors of a matrix in the metric of its inputs, against what the definitions say.
 * SPDX-License-Identifier: MIT */
#include "tensor/decompose.h"

#include <math.h>
#include <stdint.h>

#include "base/random.h"
#include "engine/compress/cores.h"
#include "engine/compress/rounding.h"
#include "kernels/kernel.h"
#include "tensor/lapack.h"
#include "tensor/train_fit.h"
#include "tests/test.h"

static struct error e;

static double normal(void) /* of variance 1, from twelve uniform numbers */
{
    static uint64_t state = 11;
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += random_fraction(&state);
    return sum;
}

static double *random_matrix(size_t rows, size_t columns)
{
    double *w = malloc(rows * columns * sizeof *w);
    for (size_t i = 0; i < rows * columns; i++) w[i] = normal();
    return w;
}

/* Second moments of inputs with a few strong directions. */
static double *random_moments(size_t n)
{
    double *x = random_matrix(2 * n, n), *c = calloc(n * n, sizeof *c);
    for (size_t t = 0; t < 2 * n; t++)
        for (size_t i = 0; i < n; i++) x[t * n + i] *= 1 / (1.0 + (double)((t * 7 + i) % n) * 0.3);
    matrix_product(true, false, n, n, 2 * n, x, x, c);
    free(x);
    return c;
}

/* tr((W - W') C (W - W')^T) in plain loops. */
static double plain_error(const double *w, const double *v, size_t rows, size_t n, const double *c)
{
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++) sum += (w[r * n + i] - v[r * n + i]) * c[i * n + k] * (w[r * n + k] - v[r * n + k]);
    return sum;
}

static bool take_apart(struct decomposition *d, const double *w, size_t n_out, size_t n_in, const struct metric *m)
{
    return decompose(d, w, metric_image(m, w, n_out, &e), n_out, n_in, m, &e);
}

static void test_shape(size_t n_out, size_t n_in, size_t r)
{
    char name[128];
    double *w = random_matrix(n_out, n_in), *c = random_moments(n_in), *v = malloc(n_out * n_in * sizeof *v);
    struct metric m = {.n = 0};
    struct decomposition d = {.n_out = 0};
    struct low_rank gauged = {.rank = 0}, plain = {.rank = 0};
    bool ok = metric_new(&m, c, n_in, 0.01, &e) && take_apart(&d, w, n_out, n_in, &m) &&
              low_rank_new(&gauged, &d, r, true, &e) && low_rank_new(&plain, &d, r, false, &e);
    snprintf(name, sizeof name, "%zu x %zu to rank %zu", n_out, n_in, r);
    TEST(name, ok, "%s", e.text);
    if (ok) {
        double zero = metric_norm(&m, w, n_out), want = decomposition_error(&d, r) * d.total;
        snprintf(name, sizeof name, "%zu x %zu: the singular values' squares add up to |W|^2 in the metric", n_out, n_in);
        TEST(name, fabs(zero / d.total - 1) < 1e-10, "%g against %g", zero, d.total);
        low_rank_product(&plain, v, &e);
        double found = plain_error(w, v, n_out, n_in, m.c);
        snprintf(name, sizeof name, "%zu x %zu, rank %zu: the error is the sum of what was discarded", n_out, n_in, r);
        TEST(name, fabs(found - want) < 1e-8 * d.total, "%g, expected %g", found, want);
        double *u = malloc(n_out * n_in * sizeof *u), worst = 0, largest = 0;
        low_rank_product(&gauged, u, &e);
        for (size_t i = 0; i < n_out * n_in; i++) worst = fmax(worst, fabs(u[i] - v[i]));
        for (size_t i = 0; i < (n_out - r) * r; i++) largest = fmax(largest, fabs(gauged.left[i]));
        snprintf(name, sizeof name, "%zu x %zu, rank %zu: the gauge changes nothing", n_out, n_in, r);
        TEST(name, worst < 1e-9 && largest < 20, "off by %g, |T| up to %g", worst, largest);
        worst = 0;
        for (size_t j = 0; j < r; j++)
            for (size_t i = 0; i < n_in; i++)
                worst = fmax(worst, fabs(u[gauged.order[j] * n_in + i] - gauged.right[j * n_in + i]));
        snprintf(name, sizeof name, "%zu x %zu, rank %zu: pivot rows are the right factor's", n_out, n_in, r);
        TEST(name, worst == 0, "off by %g", worst);
        size_t risen = 1;
        while (risen < r && gauged.order[risen] > gauged.order[risen - 1]) risen++;
        snprintf(name, sizeof name, "%zu x %zu, rank %zu: pivots stand in the order of their rows", n_out, n_in, r);
        TEST(name, risen == r, "found row %zu after %zu", gauged.order[risen % r], gauged.order[risen - 1]);
        /* Any other factors of the rank are no better, and fitting changed ones anew never hurts. */
        for (size_t i = 0; i < (n_out - r) * r; i++) gauged.left[i] += 0.02 * normal();
        low_rank_product(&gauged, u, &e);
        double disturbed = plain_error(w, u, n_out, n_in, m.c);
        double *inner = malloc(r * r * sizeof *inner);
        bool refitted = low_rank_fit_left(&gauged, w, &m, inner, &e);
        low_rank_product(&gauged, u, &e);
        double fitted = plain_error(w, u, n_out, n_in, m.c);
        snprintf(name, sizeof name, "%zu x %zu, rank %zu: a disturbed factor fitted anew is the best again", n_out, n_in, r);
        TEST(name,
             disturbed > found * 1.0001 && fitted <= disturbed && fitted >= found * (1 - 1e-9) && fitted < found * (1 + 1e-6),
             "best %g, disturbed %g, fitted %g", found, disturbed, fitted);
        double most = 0, scale = 0;
        for (size_t j = 0; j < r; j++) /* (B C B^T)_jk two ways */
            for (size_t k = 0; k <= j; k++) {
                double got = 0, want = 0;
                for (size_t i = 0; i <= k; i++) got += inner[j * r + i] * inner[k * r + i];
                for (size_t x = 0; x < n_in; x++)
                    for (size_t y = 0; y < n_in; y++)
                        want += gauged.right[j * n_in + x] * m.c[x * n_in + y] * gauged.right[k * n_in + y];
                most = fmax(most, fabs(got - want)), scale = fmax(scale, want);
            }
        snprintf(name, sizeof name, "%zu x %zu, rank %zu: the metric of what the right factor gives", n_out, n_in, r);
        TEST(name, refitted && most < 1e-9 * scale, "off by %g of %g", most, scale);
        free(inner);
        free(u);
    }
    low_rank_free(&gauged), low_rank_free(&plain);
    decomposition_free(&d);
    metric_free(&m);
    free(w), free(c), free(v);
}

/* Rows that are taken in strips. */
static void test_norm(void)
{
    enum { ROWS = 1100, N = 20 };
    double *w = random_matrix(ROWS, N), *c = random_moments(N), *zeros = calloc(ROWS * N, sizeof *zeros);
    struct metric m;
    bool ok = metric_new(&m, c, N, 0.01, &e);
    double want = ok ? plain_error(w, zeros, ROWS, N, m.c) : 0, got = ok ? metric_norm(&m, w, ROWS) : 0;
    TEST("a norm of 1100 rows", ok && fabs(got - want) < 1e-10 * want, "found %g, expected %g %s", got, want, e.text);
    metric_free(&m);
    free(w), free(c), free(zeros);
}

static void test_planted(void)
{
    enum { OUT = 60, IN = 44, RANK = 9 };
    double *a = random_matrix(OUT, RANK), *b = random_matrix(RANK, IN), w[OUT * IN], v[OUT * IN], worst = 0;
    matrix_product(false, false, OUT, IN, RANK, a, b, w);
    double *c = random_moments(IN);
    struct metric m;
    struct decomposition d;
    struct low_rank l;
    bool ok = metric_new(&m, c, IN, 0.01, &e) && take_apart(&d, w, OUT, IN, &m);
    TEST("a planted rank is found", ok && decomposition_error(&d, RANK) < 1e-12 && decomposition_error(&d, RANK - 1) > 1e-6,
         "%g left at it, %g below it", decomposition_error(&d, RANK), decomposition_error(&d, RANK - 1));
    ok = low_rank_new(&l, &d, RANK, true, &e) && low_rank_product(&l, v, &e);
    for (int i = 0; i < OUT * IN; i++) worst = fmax(worst, fabs(v[i] - w[i]));
    TEST("a matrix of the planted rank comes back", ok && worst < 1e-8, "off by %g %s", worst, e.text);
    low_rank_free(&l);
    ok = low_rank_new(&l, &d, RANK + 5, true, &e);
    TEST("refused: more pivots than there are independent rows", !ok && strstr(e.text, "independent rows"), "found '%s'",
         e.text);
    ok = low_rank_new(&l, &d, IN, false, &e) && low_rank_product(&l, v, &e);
    worst = 0;
    for (int i = 0; i < OUT * IN; i++) worst = fmax(worst, fabs(v[i] - w[i]));
    TEST("the full rank, with more than W has, gives W", ok && worst < 1e-6, "off by %g %s", worst, e.text);
    low_rank_free(&l);
    decomposition_free(&d);
    metric_free(&m);
    free(a), free(b), free(c);
}

static void test_metric(void)
{
    enum { N = 12 };
    double c[N * N] = {0}, w[N] = {3, 4};
    struct metric m;
    bool ok = metric_new(&m, c, N, 0.01, &e);
    TEST("inputs that are all zeros: the identity", ok && metric_norm(&m, w, 1) == 25, "%s", e.text);
    metric_free(&m);
    c[0] = NAN;
    TEST("refused: second moments that are no numbers", !metric_new(&m, c, N, 0.01, &e) && strstr(e.text, "found a trace of"),
         "found '%s'", e.text);
    for (int i = 0; i < N * N; i++) c[i] = i % (N + 1) ? 5 : 1; /* |correlations| above 1 */
    TEST("refused: moments of no inputs", !metric_new(&m, c, N, 0.01, &e) && strstr(e.text, "not positive definite"),
         "found '%s'", e.text);
    double zeros[N * N] = {0};
    struct decomposition d;
    ok = metric_new(&m, NULL, N, 0, &e) && take_apart(&d, zeros, N, N, &m);
    TEST("a matrix of zeros has no error at any rank", ok && d.total == 0 && decomposition_error(&d, 1) == 0, "%s", e.text);
    decomposition_free(&d);
    TEST("refused: no image", !decompose(&d, zeros, NULL, N, N, &m, &e), "taken");
    zeros[5] = NAN;
    TEST("refused: weights that are no numbers", !take_apart(&d, zeros, N, N, &m), "taken");
    metric_free(&m);
}

/* Each block b of (W - W') L, times L_bb^-1, is what was rounded off once its columns had been moved, whatever the columns
 * after it lost: the largest part of it, as a share of what rounding alone may leave. */
static double worst_rounding(enum type type, const double *w, const double *v, size_t rows, size_t n, const struct metric *m)
{
    enum { STEP = 32 };
    double *r = malloc(rows * n * sizeof *r), worst = 0, square[STEP * STEP], part[STEP];
    for (size_t i = 0; i < rows * n; i++) r[i] = w[i] - v[i];
    matrix_times_triangle(rows, n, m->l, r);
    for (size_t end = n, cols; end; end -= cols) {
        cols = end % STEP ? end % STEP : STEP;
        size_t first = end - cols;
        for (size_t i = 0; i < cols; i++)
            memcpy(square + i * cols, m->l + (first + i) * n + first, cols * sizeof *square);
        for (size_t o = 0; o < rows; o++) {
            double most = 0;
            memcpy(part, r + o * n + first, cols * sizeof *part);
            matrix_solve_right(1, cols, false, square, part);
            for (size_t i = 0; i < cols; i++) most = fmax(most, fabs(v[o * n + first + i]));
            for (size_t i = 0; i < cols; i++) {
                double stored = fabs(v[o * n + first + i]);
                /* F16: half of its last digit. Q8_0: half a step, which F16 rounds, too. */
                double bound = type == TYPE_F16 ? 0x1p-11 * stored + 1e-7 : most * (0.51 / 127 + 0x1p-11);
                worst = fmax(worst, fabs(part[i]) / bound);
            }
        }
    }
    free(r);
    return worst;
}

/* Rounding with feedback: blocks are those of the type, and outputs on the metric's inputs are nearer. */
static void test_feedback(enum type type, size_t n, double least_gain)
{
    enum { ROWS = 192 }; /* enough that the gain is not one draw's luck */
    char name[96];
    double *w = random_matrix(ROWS, n), *c = random_moments(n);
    size_t bytes = ROWS * n * sizeof *w;
    double *plain = malloc(bytes), *fed = malloc(bytes), *again = malloc(bytes);
    struct metric m;
    bool ok = metric_new(&m, c, n, 0.01, &e);
    memcpy(plain, w, bytes), memcpy(fed, w, bytes);
    ok = ok && round_with_feedback(type, plain, ROWS, n, NULL, &e) && round_with_feedback(type, fed, ROWS, n, m.l, &e);
    double without = plain_error(w, plain, ROWS, n, m.c), with = plain_error(w, fed, ROWS, n, m.c), worst = 0;
    memcpy(again, fed, bytes);
    ok = ok && round_with_feedback(type, again, ROWS, n, NULL, &e);
    for (size_t i = 0; i < ROWS * n; i++) worst = fmax(worst, fabs(again[i] - fed[i]));
    snprintf(name, sizeof name, "%s, rows of %zu, with feedback: outputs change less, and it is the type's own numbers",
             type_name(type), n);
    TEST(name, ok && with < without * least_gain && worst < 1e-3, "error %g, %g without; off the type by %g %s", with, without,
         worst, e.text);
    if (ok && (type == TYPE_F16 || type == TYPE_Q8_0)) {
        snprintf(name, sizeof name, "%s, rows of %zu: what later columns lost is made up for, to the rounding", type_name(type),
                 n);
        double most = worst_rounding(type, w, fed, ROWS, n, &m);
        TEST(name, most > 0.5 && most <= 1, "%g of the bound", most);
    }
    metric_free(&m);
    free(w), free(c), free(plain), free(fed), free(again);
}

/* Cores as files have them: what rounding adds to the error, in rows that count by an importance. */
static void test_cores(bool gauge, double most)
{
    enum { OUT = 640, IN = 128, RANK = 64, COMMON = 4 };
    char name[96];
    double *w = random_matrix(OUT, IN), *c = random_moments(IN), importance[OUT], error[2] = {0, 0};
    float *product = malloc(OUT * IN * sizeof *product);
    struct metric m;
    struct unit u = {
        .role = {"ffn_up"}, .n_roles = 1, .out = {OUT}, .n_in = IN, .n_out = OUT, .full = IN, .share = {1}, .rank = RANK};
    bool ok = metric_new(&m, c, IN, 0.01, &e);
    /* Rows go together, so that what the right core gives does, too: there feedback has something to work with. */
    double *a = random_matrix(OUT, COMMON), *b = random_matrix(COMMON, IN), *common = malloc(OUT * IN * sizeof *common);
    matrix_product(false, false, OUT, IN, COMMON, a, b, common);
    for (size_t i = 0; i < OUT * IN; i++) w[i] = 0.2 * w[i] + common[i];
    for (size_t o = 0; o < OUT; o++) importance[o] = o % 4 ? 0.02 : 4; /* a row's scale is its root */
    for (int rounded = 0; ok && rounded < 2; rounded++) {
        struct cores_options o = {.type = rounded ? TYPE_Q8_0 : TYPE_F32, .gauge = gauge};
        struct cores cores;
        ok = cores_make(&cores, &u, w, &m, importance, &o, product, &e);
        for (size_t r = 0; ok && r < OUT; r++) {
            double row[IN];
            for (size_t i = 0; i < IN; i++) row[i] = w[r * IN + i] - (double)product[r * IN + i];
            error[rounded] += importance[r] * metric_norm(&m, row, 1);
        }
        if (ok) cores_free(&cores);
    }
    snprintf(name, sizeof name, "cores of Q8_0%s: rounding adds little to the error", gauge ? ", gauged" : "");
    TEST(name, ok && error[1] < error[0] * (1 + most), "%.4f of it; %s", error[1] / error[0] - 1, ok ? "" : e.text);
    metric_free(&m);
    free(w), free(c), free(a), free(b), free(common), free(product);
}

/* ---- Chains ---- */

/* |W - W'|_C^2 of the chain of so many sweeps, W - W' in v, and the error that was said of it. NAN: *e says why. */
static double fitted(const double *w, const struct metric *metric, const struct mpo *m, size_t n_out, int sweeps, double *v,
                     double *said)
{
    struct train_fit f;
    struct train t = {.discarded = 0};
    bool ok = train_fit_new(&f, w, metric, m, &e);
    for (int i = 0; ok && i < sweeps; i++) ok = train_fit_sweep(&f, 6, &e);
    *said = f.error;
    if (ok) t = train_fit_take(&f);
    ok = ok && train_product(&t, v, &e);
    for (size_t j = 0; ok && j < n_out * metric->n; j++) v[j] -= w[j];
    train_free(&t);
    train_fit_free(&f);
    return ok ? metric_norm(metric, v, n_out) : NAN;
}

static void test_chain(const char *what, const struct mpo *m, bool full)
{
    char name[128];
    size_t n_out = 1, n_in = 1;
    for (int k = 0; k < m->d; k++) n_out *= m->o[k], n_in *= m->i[k];
    double *w = random_matrix(n_out, n_in), *c = random_moments(n_in), *v = malloc(n_out * n_in * sizeof *v), left = 0,
           whole = 0;
    struct metric metric = {.n = 0};
    struct train t = {.discarded = 0};
    bool ok = metric_new(&metric, c, n_in, 0.01, &e) && train_new(&t, w, m, &e) && train_product(&t, v, &e);
    for (size_t j = 0; ok && j < n_out * n_in; j++) left += (w[j] - v[j]) * (w[j] - v[j]), whole += w[j] * w[j];
    snprintf(name, sizeof name, "chain %s: its squared error is the sum of what was discarded", what);
    TEST(name, ok && fabs(left - t.discarded) < 1e-9 * whole && (full ? left < 1e-12 * whole : left > 1e-3 * whole),
         "%g, discarded %g, of %g %s", left, t.discarded, whole, e.text);
    double norm = metric_norm(&metric, w, n_out), last = INFINITY, start = 0;
    for (size_t j = 0; ok && j < n_out * n_in; j++) v[j] -= w[j];
    if (ok) start = metric_norm(&metric, v, n_out);
    train_free(&t);

    /* Judged in double, of the chain that so many sweeps give. */
    bool monotone = ok, told = ok;
    for (int sweeps = 1; ok && sweeps <= 4; sweeps++) {
        double said, is = fitted(w, &metric, m, n_out, sweeps, v, &said);
        ok = !isnan(is);
        monotone &= is <= last * (1 + 1e-9) + 1e-12 * norm;
        told &= fabs(is - said) < 1e-5 * is + 1e-9 * norm;
        last = is;
    }
    snprintf(name, sizeof name, "chain %s: sweeps never raise the error on the inputs", what);
    TEST(name, ok && monotone && (full ? last < 1e-9 * norm : last > 1e-3 * norm && last < 0.95 * start),
         "%g, by TT-SVD alone %g, of %g %s", last, start, norm, e.text);
    snprintf(name, sizeof name, "chain %s: the error is that of the chain that is taken", what);
    TEST(name, ok && told, "%g at last %s", last, e.text);
    metric_free(&metric);
    free(w), free(c), free(v);
}

/* Matrices of a lower rank than the bonds: nothing to divide by, and nothing left. */
static void test_chain_of_less(size_t rank)
{
    enum { OUT = 12, IN = 20 };
    char name[96];
    double *a = random_matrix(OUT, rank + 1), *b = random_matrix(rank + 1, IN), *c = random_moments(IN), w[OUT * IN] = {0};
    for (size_t j = 0; j < OUT * IN; j++)
        for (size_t r = 0; r < rank; r++) w[j] += a[j / IN * rank + r] * b[r * IN + j % IN];
    struct metric metric = {.n = 0};
    struct train_fit f = {.error = 0};
    const struct mpo m = {.d = 3, .o = {3, 1, 4}, .i = {1, 4, 5}, .r = {1, 3, 20, 1}};
    bool ok = metric_new(&metric, c, IN, 0.01, &e) && train_fit_new(&f, w, &metric, &m, &e);
    for (int sweep = 0; ok && sweep < 3; sweep++) ok = train_fit_sweep(&f, 6, &e);
    double norm = metric_norm(&metric, w, OUT);
    snprintf(name, sizeof name, "a matrix of rank %zu in bonds of more", rank);
    TEST(name, ok && fabs(f.error) <= 1e-9 * norm, "%g of %g; %s", f.error, norm, ok ? "" : e.text);
    train_fit_free(&f);
    metric_free(&metric);
    free(a), free(b), free(c);
}

/* Of any metric, whitening changes coordinates and no norm; of a product, it leaves the identity. */
static void test_kronecker(const struct mpo *m, bool is_product)
{
    enum { ROWS = 5 };
    size_t n = 1;
    for (int k = 0; k < m->d; k++) n *= m->i[k];
    double *c = random_moments(n), *w = random_matrix(ROWS, n), *white = malloc(ROWS * n * sizeof *white), off = 0;
    if (is_product)
        for (int k = 0; k < m->d; k++) {
            size_t d = m->i[k], after = 1;
            for (int j = k + 1; j < m->d; j++) after *= m->i[j];
            double *part = random_moments(d);
            for (size_t j = 0; j < n * n; j++)
                c[j] = (k ? c[j] : 1) *
                       (part[j / n / after % d * d + j % n / after % d] + (j / n / after % d == j % n / after % d));
            free(part);
        }
    struct metric metric = {.n = 0};
    struct kronecker k = {.d = 0};
    memcpy(white, w, ROWS * n * sizeof *w);
    bool ok = metric_new(&metric, c, n, is_product ? 0 : 0.01, &e) && kronecker_new(&k, &metric, m, &e) &&
              kronecker_whiten(&k, ROWS, white, &e);
    double *left = ok ? kronecker_metric(&k, &metric, &e) : NULL, norm = ok ? metric_norm(&metric, w, ROWS) : 0, now = 0,
           trace = 0;
    for (size_t j = 0; left && j < n * n; j++) {
        off = fmax(off, fabs(left[j] - (j / n == j % n)));
        trace += j / n == j % n ? left[j] : 0;
        for (size_t r = 0; r < ROWS; r++) now += white[r * n + j / n] * left[j] * white[r * n + j % n];
    }
    TEST("whitened by a product: norms on the inputs stay", left && fabs(now - norm) < 1e-9 * norm, "%g, expected %g %s", now,
         norm, e.text);
    TEST("whitened by a product: the metric's mean is 1", left && fabs(trace - (double)n) < 1e-9 * (double)n,
         "%g, expected %zu %s", trace, n, e.text);
    if (is_product)
        TEST("a metric that is a product: whitened, the identity", left && off < 1e-9, "%g beside it %s", off, e.text);
    free(left), free(c), free(w), free(white);
    kronecker_free(&k);
    metric_free(&metric);
}

/* Low rank as a chain: the metric is one digit's, so the start is what the closed form gives. */
static void test_chain_of_two(void)
{
    enum { OUT = 30, IN = 24, RANK = 7 };
    double *w = random_matrix(OUT, IN), *c = random_moments(IN);
    struct metric metric;
    struct decomposition d = {.n_out = 0};
    const struct mpo m = {.d = 2, .o = {OUT, 1}, .i = {1, IN}, .r = {1, RANK, 1}};
    double v[OUT * IN], said;
    bool ok = metric_new(&metric, c, IN, 0.01, &e) && take_apart(&d, w, OUT, IN, &metric);
    double is = ok ? fitted(w, &metric, &m, OUT, 1, v, &said) : NAN, want = decomposition_error(&d, RANK) * d.total;
    TEST("two cores of a low rank start at the whitened SVD", ok && is > want * (1 - 1e-9) && is < want * (1 + 1e-5),
         "%g, expected %g %s", is, want, e.text);
    decomposition_free(&d);
    metric_free(&metric);
    free(w), free(c);
}

int main(void)
{
    char message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) return puts(message), 1;
    if (!lapack_require(1, &e)) {
        SKIP("decompose", "%s", e.text);
        return 0;
    }
    test_shape(40, 64, 17);
    test_shape(64, 40, 17);
    test_shape(33, 33, 32);
    test_shape(96, 31, 1);
    test_norm();
    test_planted();
    test_metric();
    test_feedback(TYPE_Q8_0, 128, 0.95);
    test_feedback(TYPE_Q4_0, 128, 0.95);
    test_feedback(TYPE_F16, 100, 1.5);
    test_feedback(TYPE_Q6_K, 512, 1);
    test_cores(true, 0.13); /* .154 with a left core that is rounded without feedback */
    test_cores(false, 0.03);
    test_chain("of one core", &(struct mpo){.d = 1, .o = {6}, .i = {5}, .r = {1, 1}}, true);
    test_chain("o=8x3 i=3x8", &(struct mpo){.d = 2, .o = {8, 3}, .i = {3, 8}, .r = {1, 9, 1}}, false);
    test_chain("with parts", &(struct mpo){.d = 2, .o = {24, 1}, .i = {2, 12}, .r = {1, 6, 1}}, false);
    test_chain("o=3x2x4 i=2x5x2", &(struct mpo){.d = 3, .o = {3, 2, 4}, .i = {2, 5, 2}, .r = {1, 4, 5, 1}}, false);
    test_chain("of bonds that hold all", &(struct mpo){.d = 3, .o = {3, 2, 4}, .i = {2, 1, 3}, .r = {1, 99, 99, 1}}, true);
    test_chain("of five cores", &(struct mpo){.d = 5, .o = {2, 1, 3, 2, 1}, .i = {1, 2, 2, 1, 3}, .r = {1, 9, 9, 9, 9, 1}},
               true);
    test_chain_of_two();
    for (size_t rank = 0; rank < 3; rank++) test_chain_of_less(rank);
    test_kronecker(&(struct mpo){.d = 2, .i = {3, 8}}, true);
    test_kronecker(&(struct mpo){.d = 4, .i = {2, 1, 5, 2}}, true);
    test_kronecker(&(struct mpo){.d = 3, .i = {4, 3, 2}}, false);
    TEST_MAIN_END();
}
