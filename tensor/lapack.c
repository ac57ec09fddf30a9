/* SPDX-License-Identifier: MIT */
#include "tensor/lapack.h"

#ifdef HAVE_DLOPEN
#include <dlfcn.h>
#endif
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double *matrix_new(size_t rows, size_t columns, struct error *e)
{
    double *p = columns && rows > SIZE_MAX / sizeof *p / columns ? NULL : malloc(rows * columns * sizeof *p + 1);
    if (!p) fail(e, "found no memory for a matrix of %zu x %zu", rows, columns);
    return p;
}

#ifdef HAVE_DLOPEN

#if defined(__APPLE__)
static const char *const libraries[] = {"libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
                                        "/usr/local/opt/openblas/lib/libopenblas.dylib"};
#else
static const char *const libraries[] = {"libopenblas.so.0"};
#endif

/* LAPACK as Fortran has it: columns lie one after another, everything goes by address, and the length of each character
 * argument follows at the end. A row-major matrix is the transpose of the one that it sees, a lower triangle an upper one. */
static void (*dgemm)(const char *, const char *, const int *, const int *, const int *, const double *, const double *,
                     const int *, const double *, const int *, const double *, double *, const int *, size_t, size_t);
static void (*sgemm)(const char *, const char *, const int *, const int *, const int *, const float *, const float *,
                     const int *, const float *, const int *, const float *, float *, const int *, size_t, size_t);
static void (*dtrsm)(const char *, const char *, const char *, const char *, const int *, const int *, const double *,
                     const double *, const int *, double *, const int *, size_t, size_t, size_t, size_t);
static void (*dtrmm)(const char *, const char *, const char *, const char *, const int *, const int *, const double *,
                     const double *, const int *, double *, const int *, size_t, size_t, size_t, size_t);
static void (*dpotrf)(const char *, const int *, double *, const int *, int *, size_t);
static void (*dsyevd)(const char *, const char *, const int *, double *, const int *, double *, double *, const int *, int *,
                      const int *, int *, size_t, size_t);
static void (*dgeqp3)(const int *, const int *, double *, const int *, int *, double *, double *, const int *, int *);
static char *(*get_config)(void);
static void (*set_num_threads)(int);

static const struct {
    const char *name;
    void *pointer; /* one of the above, which dlsym's void * is copied into */
} functions[] = {{"dgemm_", &dgemm},
                 {"sgemm_", &sgemm},
                 {"dtrsm_", &dtrsm},
                 {"dtrmm_", &dtrmm},
                 {"dpotrf_", &dpotrf},
                 {"dsyevd_", &dsyevd},
                 {"dgeqp3_", &dgeqp3},
                 {"openblas_get_config", &get_config},
                 {"openblas_set_num_threads", &set_num_threads}};

/* Opens OpenBLAS unless that is done. It starts its threads as it is opened, and where they find no memory the process hangs
 * at its end: so it gets no more than are asked for, and only a command that computes with it opens it. */
static bool open_library(int threads, struct error *e)
{
    static bool is_open;
    void *library = NULL;
    char count[16];
    if (is_open) return true;
    snprintf(count, sizeof count, "%d", threads);
    setenv("OPENBLAS_NUM_THREADS", count, 1);
    for (size_t i = 0; !library && i < sizeof libraries / sizeof *libraries; i++)
        library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) return fail(e, "found no OpenBLAS (%s), expected it: install libopenblas0 (tools/deps does)", dlerror());
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function) {
            dlclose(library);
            return fail(e, "OpenBLAS: found no %s in it, expected a build with LAPACK", functions[i].name);
        }
        memcpy(functions[i].pointer, &function, sizeof function);
    }
    return is_open = true;
}

const char *lapack_version(void)
{
    static char version[24];
    struct error e;
    if (!open_library(1, &e)) return NULL;
    sscanf(get_config(), "OpenBLAS %23s", version); /* "OpenBLAS 0.3.21 DYNAMIC_ARCH ..." */
    return version;
}

bool lapack_require(int threads, struct error *e)
{
    if (!open_library(threads, e)) return false;
    set_num_threads(threads);
    return true;
}

void matrix_product(bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k, const double *a, const double *b,
                    double *c)
{
    const double one = 1, zero = 0;
    const int rows = (int)m, columns = (int)n, inner = (int)k;
    dgemm(b_transposed ? "T" : "N", a_transposed ? "T" : "N", &columns, &rows, &inner, &one, b,
          b_transposed ? &inner : &columns, a, a_transposed ? &rows : &inner, &zero, c, &columns, 1, 1);
}

void matrix_product_single(bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k, const float *a, const float *b,
                           float *c)
{
    const float one = 1, zero = 0;
    const int rows = (int)m, columns = (int)n, inner = (int)k;
    sgemm(b_transposed ? "T" : "N", a_transposed ? "T" : "N", &columns, &rows, &inner, &one, b,
          b_transposed ? &inner : &columns, a, a_transposed ? &rows : &inner, &zero, c, &columns, 1, 1);
}

bool matrix_cholesky(size_t n, double *a, struct error *e)
{
    const int order = (int)n;
    int info;
    dpotrf("U", &order, a, &order, &info, 1);
    if (info) return fail(e, "found a matrix of %zu that is not positive definite at row %d, expected one that is", n, info);
    for (size_t i = 0; i < n; i++) memset(a + i * n + i + 1, 0, (n - i - 1) * sizeof *a);
    return true;
}

void matrix_times_triangle(size_t rows, size_t n, const double *l, double *b)
{
    const double one = 1;
    const int m = (int)n, columns = (int)rows;
    dtrmm("L", "U", "N", "N", &m, &columns, &one, l, &m, b, &m, 1, 1, 1, 1);
}

void matrix_solve_right(size_t rows, size_t n, bool transposed, const double *l, double *b)
{
    const double one = 1;
    const int m = (int)n, columns = (int)rows;
    dtrsm("L", "U", transposed ? "T" : "N", "N", &m, &columns, &one, l, &m, b, &m, 1, 1, 1, 1);
}

void matrix_solve_left(size_t n, size_t columns, bool transposed, const double *l, double *b)
{
    const double one = 1;
    const int m = (int)columns, order = (int)n;
    dtrsm("R", "U", transposed ? "T" : "N", "N", &m, &order, &one, l, &order, b, &m, 1, 1, 1, 1);
}

bool matrix_eigen(size_t n, double *a, double *value, struct error *e)
{
    const int order = (int)n, ask = -1;
    int info, integers, doubles;
    double want;
    dsyevd("V", "U", &order, a, &order, value, &want, &ask, &integers, &ask, &info, 1, 1);
    doubles = (int)want;
    double *work = malloc((size_t)doubles * sizeof *work);
    int *iwork = malloc((size_t)integers * sizeof *iwork);
    bool ok = (work && iwork) || fail(e, "found no memory for the eigenvectors of %zu x %zu", n, n);
    if (ok) dsyevd("V", "U", &order, a, &order, value, work, &doubles, iwork, &integers, &info, 1, 1);
    ok = ok && (!info || fail(e, "eigenvectors of %zu x %zu: found no convergence", n, n));
    /* Smallest first, as LAPACK gives them: the other way round. */
    for (size_t i = 0, j = n - 1; ok && i < j; i++, j--) {
        double v = value[i];
        value[i] = value[j], value[j] = v;
        for (size_t c = 0; c < n; c++) v = a[i * n + c], a[i * n + c] = a[j * n + c], a[j * n + c] = v;
    }
    free(work);
    free(iwork);
    return ok;
}

/* others = (R11^-1 R12)^T, of the triangle that QR has left in s: column j of R is row j of s. */
static bool express(size_t n, size_t r, const double *s, double *others, struct error *e)
{
    double *l = calloc(r * r, sizeof *l);
    if (!l) return fail(e, "found no memory for %zu pivots", r);
    for (size_t i = 0; i < r; i++) memcpy(l + i * r, s + i * r, (i + 1) * sizeof *l);
    bool ok = fabs(l[r * r - 1]) > 0x1p-50 * fabs(l[0]) ||
              fail(e, "found fewer than %zu independent rows, expected as many as the rank", r);
    if (ok) {
        memcpy(others, s + r * r, (n - r) * r * sizeof *others);
        matrix_solve_right(n - r, r, false, l, others);
    }
    free(l);
    return ok;
}

bool matrix_pivots(size_t n, size_t r, double *s, size_t *order, double *others, struct error *e)
{
    const int rows = (int)r, columns = (int)n, ask = -1;
    int info, doubles, *pivot = calloc(n, sizeof *pivot);
    double want, *tau = malloc(r * sizeof *tau), *work = NULL;
    if (pivot && tau) {
        dgeqp3(&rows, &columns, s, &rows, pivot, tau, &want, &ask, &info);
        doubles = (int)want;
        work = malloc((size_t)doubles * sizeof *work);
    }
    bool ok = work || fail(e, "found no memory for pivots of %zu x %zu", n, r);
    if (ok) {
        dgeqp3(&rows, &columns, s, &rows, pivot, tau, work, &doubles, &info);
        for (size_t j = 0; j < n; j++) order[j] = (size_t)pivot[j] - 1;
        ok = express(n, r, s, others, e);
    }
    free(pivot);
    free(tau);
    free(work);
    return ok;
}

#else

const char *lapack_version(void)
{
    return NULL;
}

bool lapack_require(int threads, struct error *e)
{
    (void)threads;
    return fail(e, "found a static build, expected one that can open OpenBLAS: make without STATIC=1");
}

/* Never reached: lapack_require comes before. */
void matrix_product(bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k, const double *a, const double *b,
                    double *c)
{
    (void)a_transposed, (void)b_transposed, (void)m, (void)n, (void)k, (void)a, (void)b, (void)c;
    abort();
}

void matrix_product_single(bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k, const float *a, const float *b,
                           float *c)
{
    (void)a_transposed, (void)b_transposed, (void)m, (void)n, (void)k, (void)a, (void)b, (void)c;
    abort();
}

bool matrix_cholesky(size_t n, double *a, struct error *e)
{
    (void)n, (void)a;
    return lapack_require(1, e);
}

void matrix_times_triangle(size_t rows, size_t n, const double *l, double *b)
{
    (void)rows, (void)n, (void)l, (void)b;
    abort();
}

void matrix_solve_right(size_t rows, size_t n, bool transposed, const double *l, double *b)
{
    (void)rows, (void)n, (void)transposed, (void)l, (void)b;
    abort();
}

void matrix_solve_left(size_t n, size_t columns, bool transposed, const double *l, double *b)
{
    (void)n, (void)columns, (void)transposed, (void)l, (void)b;
    abort();
}

bool matrix_eigen(size_t n, double *a, double *value, struct error *e)
{
    (void)n, (void)a, (void)value;
    return lapack_require(1, e);
}

bool matrix_pivots(size_t n, size_t r, double *s, size_t *order, double *others, struct error *e)
{
    (void)n, (void)r, (void)s, (void)order, (void)others;
    return lapack_require(1, e);
}

#endif
