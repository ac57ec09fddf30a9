/* SPDX-License-Identifier: MIT */
#include "tensor/train_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/lapack.h"

static float *floats_new(size_t n, struct error *e)
{
    float *a = malloc(n * sizeof *a);
    if (!a) fail(e, "found no memory for %zu numbers", n);
    return a;
}

static float *floats(const double *a, size_t n, struct error *e)
{
    float *b = floats_new(n, e);
    for (size_t i = 0; b && i < n; i++) b[i] = (float)a[i];
    return b;
}

/* ---- Gauges ---- */

/* a, symmetric r x r, becomes its Cholesky factor. Of rows that depend on each other, or are zeros, there is one with `ridge`
 * times the mean diagonal added. */
static bool factor(size_t r, double ridge, double *a, struct error *e)
{
    double trace = 0;
    for (size_t i = 0; i < r; i++) trace += a[i * r + i];
    for (size_t i = 0; i < r; i++) a[i * r + i] += trace > 0 ? ridge * trace / (double)r : 1;
    return matrix_cholesky(r, a, e);
}

/* That of the Gram matrix of g's r columns, or of its r rows, each n long. What it is divided out of and multiplied into has
 * the same product whatever it is. */
static double *gram_factor(const double *g, bool columns, size_t r, size_t n, struct error *e)
{
    double *l = matrix_new(r, r, e);
    if (!l) return NULL;
    matrix_product(columns, !columns, r, r, n, g, g, l);
    if (factor(r, 1e-13, l, e)) return l;
    free(l);
    return NULL;
}

/* The same chain, with the columns of core k over its right bond orthonormal: core k + 1 takes what they were. */
static bool push_right(struct train *t, int k, struct error *e)
{
    size_t r = t->m.r[k + 1], rows = train_core_size(&t->m, k) / r, rest = train_core_size(&t->m, k + 1) / r;
    double *l = gram_factor(t->core[k], true, r, rows, e), *next = l ? matrix_new(r, rest, e) : NULL;
    if (next) {
        matrix_solve_right(rows, r, true, l, t->core[k]);
        matrix_product(true, false, r, rest, r, l, t->core[k + 1], next);
        free(t->core[k + 1]);
        t->core[k + 1] = next;
    }
    bool ok = next;
    free(l);
    return ok;
}

/* ... or the rows of core k over its left bond: core k - 1 takes it. */
static bool push_left(struct train *t, int k, struct error *e)
{
    size_t r = t->m.r[k], columns = train_core_size(&t->m, k) / r;
    double *l = gram_factor(t->core[k], false, r, columns, e);
    if (l) {
        matrix_solve_left(r, columns, false, l, t->core[k]);
        matrix_times_triangle(train_core_size(&t->m, k - 1) / r, r, l, t->core[k - 1]);
    }
    bool ok = l;
    free(l);
    return ok;
}

/* ---- A chain as seen from one core ---- */

/* The cores to its left and to its right as two matrices, and room for the whole. */
struct view {
    struct train *t;
    size_t n, *at;                   /* elements of the matrix, and where each is in the chain's layout */
    float *left[MPO_MAX_CORES + 1];  /* (o_1 i_1 .. o_k i_k) x r_k: of the first k cores */
    float *right[MPO_MAX_CORES + 1]; /* r_k x (o_{k+1} ..): of the cores from k on */
    size_t n_left[MPO_MAX_CORES + 1], n_right[MPO_MAX_CORES + 1];
    float *half, *chain, *matrix, *times; /* a product's halfway; in the chain's layout; in its own; times the metric */
};

static bool see_left(struct view *s, int k, struct error *e)
{
    const struct mpo *m = &s->t->m;
    size_t digits = m->o[k] * m->i[k];
    s->n_left[k + 1] = s->n_left[k] * digits;
    s->left[k + 1] = floats_new(s->n_left[k + 1] * m->r[k + 1], e);
    float *core = s->left[k + 1] ? floats(s->t->core[k], train_core_size(m, k), e) : NULL;
    if (core)
        matrix_product_single(false, false, s->n_left[k], digits * m->r[k + 1], m->r[k], s->left[k], core, s->left[k + 1]);
    bool ok = core;
    free(core);
    return ok;
}

static bool see_right(struct view *s, int k, struct error *e)
{
    const struct mpo *m = &s->t->m;
    size_t digits = m->o[k] * m->i[k];
    s->n_right[k] = s->n_right[k + 1] * digits;
    s->right[k] = floats_new(m->r[k] * s->n_right[k], e);
    float *core = s->right[k] ? floats(s->t->core[k], train_core_size(m, k), e) : NULL;
    if (core)
        matrix_product_single(false, false, m->r[k] * digits, s->n_right[k + 1], m->r[k + 1], core, s->right[k + 1],
                              s->right[k]);
    bool ok = core;
    free(core);
    return ok;
}

static void view_free(struct view *s)
{
    for (int k = 0; k <= MPO_MAX_CORES; k++) free(s->left[k]), free(s->right[k]);
    free(s->half), free(s->chain), free(s->matrix), free(s->times), free(s->at);
}

static bool view_new(struct view *s, struct train *t, struct error *e)
{
    const struct mpo *m = &t->m;
    *s = (struct view){.t = t, .n = t->n_out * t->n_in, .n_left = {1}};
    s->n_right[m->d] = 1;
    size_t widest = 0, before = 1;
    for (int k = 0; k < m->d; k++) {
        before *= m->o[k] * m->i[k];
        if (before * m->r[k + 1] > widest) widest = before * m->r[k + 1];
    }
    s->at = train_layout(m, e);
    s->half = s->at ? floats_new(widest, e) : NULL;
    s->chain = s->half ? floats_new(s->n, e) : NULL;
    s->matrix = s->chain ? floats_new(s->n, e) : NULL;
    s->times = s->matrix ? floats_new(s->n, e) : NULL;
    s->left[0] = s->times ? floats(&(double){1}, 1, e) : NULL;
    s->right[m->d] = s->left[0] ? floats(&(double){1}, 1, e) : NULL;
    return s->right[m->d];
}

/* The matrix that the chain is with `core` in place k, into s->matrix. */
static void forward(struct view *s, int k, const float *core)
{
    const struct mpo *m = &s->t->m;
    size_t digits = m->o[k] * m->i[k];
    matrix_product_single(false, false, s->n_left[k], digits * m->r[k + 1], m->r[k], s->left[k], core, s->half);
    matrix_product_single(false, false, s->n_left[k] * digits, s->n_right[k + 1], m->r[k + 1], s->half, s->right[k + 1],
                          s->chain);
    for (size_t j = 0; j < s->n; j++) s->matrix[j] = s->chain[s->at[j]];
}

/* The transpose of `forward`, of s->times. */
static void backward(struct view *s, int k, float *core)
{
    const struct mpo *m = &s->t->m;
    size_t digits = m->o[k] * m->i[k];
    for (size_t j = 0; j < s->n; j++) s->chain[s->at[j]] = s->times[j];
    matrix_product_single(false, true, s->n_left[k] * digits, m->r[k + 1], s->n_right[k + 1], s->chain, s->right[k + 1],
                          s->half);
    matrix_product_single(true, false, m->r[k], digits * m->r[k + 1], s->n_left[k], s->left[k], s->half, core);
}

static double dot(const float *x, const float *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)y[i];
    return sum;
}

/* |s->matrix|_C^2, and s->matrix times C into s->times. */
static double measure(struct view *s, const float *c)
{
    const struct train *t = s->t;
    matrix_product_single(false, false, t->n_out, t->n_in, t->n_in, s->matrix, c, s->times);
    return dot(s->matrix, s->times, s->n);
}

/* ---- The first core ---- */

/* The first core's normal equations have at most so many unknowns where they are solved ... */
enum { MOST_UNKNOWNS = 4096 };
/* ... and making them may take as long as so many steps of conjugate gradients. */
enum { STEPS_TO_MAKE = 4 };

static bool is_solved(const struct train *t)
{
    const struct mpo *m = &t->m;
    return m->d > 1 && m->i[0] * m->r[1] <= MOST_UNKNOWNS && t->n_out / m->o[0] * m->r[1] <= STEPS_TO_MAKE * t->n_out;
}

/* The Cholesky factor of N[(i_1 a), (i_1' a')], the sum over the other cores' outputs o of R_o C R_o^T: R_o is a x (i_2 ..),
 * the part of what stands right of the first core that gives o, C the block (i_1, i_1') of the metric. */
static double *normal_factor(const struct train_fit *f, const struct view *s, struct error *e)
{
    const struct train *t = &f->t;
    struct mpo others = {.d = t->m.d - 1};
    for (int k = 0; k < others.d; k++) others.o[k] = t->m.o[k + 1], others.i[k] = t->m.i[k + 1];
    size_t first = t->m.i[0], r = t->m.r[1], q = first * r, n_out = t->n_out / t->m.o[0], n_in = t->n_in / first;
    size_t *at = train_layout(&others, e);
    float *part = at ? floats_new(r * n_in, e) : NULL, *times = part ? floats_new(r * t->n_in, e) : NULL;
    float *block = times ? floats_new(r * q, e) : NULL;
    double *n = block ? matrix_new(q, q, e) : NULL;
    if (n) memset(n, 0, q * q * sizeof *n);
    for (size_t o = 0; n && o < n_out; o++) {
        for (size_t a = 0; a < r; a++)
            for (size_t i = 0; i < n_in; i++) part[a * n_in + i] = s->right[1][a * s->n_right[1] + at[o * n_in + i]];
        for (size_t i = 0; i < first; i++) {
            /* Rows a x (i_1' i_2' ..) are rows (a i_1') x (i_2' ..): so a block of N's rows comes out as it lies. */
            matrix_product_single(false, false, r, t->n_in, n_in, part, f->c + i * n_in * t->n_in, times);
            matrix_product_single(false, true, q, r, n_in, times, part, block);
            for (size_t j = 0; j < r * q; j++) n[i * r * q + j] += (double)block[j];
        }
    }
    free(at), free(part), free(times), free(block);
    /* Summed in single precision: they are what they are to 1e-7. */
    if (n && factor(q, 1e-6, n, e)) return n;
    free(n);
    return NULL;
}

/* x, the first core, to where the error is least, given half the error's negative gradient g there. */
static bool solve_first(struct train_fit *f, const struct view *s, const float *g, float *x, struct error *e)
{
    const struct mpo *m = &f->t.m;
    size_t q = m->i[0] * m->r[1], n = m->o[0] * q;
    double *l = normal_factor(f, s, e), *step = l ? matrix_new(n, 1, e) : NULL;
    if (step) {
        for (size_t i = 0; i < n; i++) step[i] = (double)g[i];
        matrix_solve_right(m->o[0], q, true, l, step);
        matrix_solve_right(m->o[0], q, false, l, step);
        for (size_t i = 0; i < n; i++) x[i] += (float)step[i], f->error -= step[i] * (double)g[i];
    }
    bool ok = step;
    free(l), free(step);
    return ok;
}

/* ---- Any core ---- */

/* A core is left alone once a step gains less than this of the error. */
static const double STEP_GAIN = 1e-3;

/* Conjugate gradients on core k's normal equations, from x, where half the error's negative gradient is g. */
static bool descend(struct train_fit *f, struct view *s, int k, int steps, float *g, float *x, struct error *e)
{
    size_t n = train_core_size(&f->t.m, k);
    float *p = floats_new(n, e), *q = p ? floats_new(n, e) : NULL;
    double norm = q ? dot(g, g, n) : 0;
    if (q) memcpy(p, g, n * sizeof *p);
    for (int step = 0; q && step < steps && norm > 0; step++) {
        forward(s, k, p);
        double curvature = measure(s, f->c);
        if (!(curvature > 0)) break;
        backward(s, k, q);
        double alpha = norm / curvature, gain = alpha * norm;
        for (size_t i = 0; i < n; i++) x[i] += (float)alpha * p[i], g[i] -= (float)alpha * q[i];
        f->error -= gain;
        if (gain < STEP_GAIN * f->error) break;
        double next = dot(g, g, n);
        for (size_t i = 0; i < n; i++) p[i] = g[i] + (float)(next / norm) * p[i];
        norm = next;
    }
    bool ok = q;
    free(p), free(q);
    return ok;
}

/* Core k to a lower error, or the least, into f->error. */
static bool improve(struct train_fit *f, struct view *s, int k, int steps, struct error *e)
{
    size_t n = train_core_size(&f->t.m, k);
    float *x = floats(f->t.core[k], n, e), *g = x ? floats_new(n, e) : NULL;
    bool ok = g;
    if (ok) {
        forward(s, k, x);
        for (size_t j = 0; j < s->n; j++) s->matrix[j] = f->w[j] - s->matrix[j];
        f->error = measure(s, f->c);
        backward(s, k, g);
        ok = !k && is_solved(&f->t) ? solve_first(f, s, g, x, e) : descend(f, s, k, steps, g, x, e);
    }
    for (size_t i = 0; ok && i < n; i++) f->t.core[k][i] = (double)x[i];
    free(x), free(g);
    return ok;
}

/* ---- All of it ---- */

bool train_fit_new(struct train_fit *f, const double *w, const struct metric *metric, const struct mpo *m, struct error *e)
{
    *f = (struct train_fit){.error = INFINITY};
    size_t n_in = metric->n, n_out = 1;
    for (int k = 0; k < m->d; k++) n_out *= m->o[k];
    double *white = NULL, *c = NULL;
    bool ok = kronecker_new(&f->whitening, metric, m, e) && (c = kronecker_metric(&f->whitening, metric, e)) &&
              (f->c = floats(c, n_in * n_in, e)) && (white = matrix_new(n_out, n_in, e));
    free(c);
    if (ok) memcpy(white, w, n_out * n_in * sizeof *w);
    ok = ok && kronecker_whiten(&f->whitening, n_out, white, e) && train_new(&f->t, white, m, e) &&
         (f->w = floats(white, n_out * n_in, e));
    free(white);
    if (!ok) train_fit_free(f);
    return ok;
}

void train_fit_free(struct train_fit *f)
{
    kronecker_free(&f->whitening);
    train_free(&f->t);
    free(f->w), free(f->c);
    *f = (struct train_fit){.error = INFINITY};
}

bool train_fit_sweep(struct train_fit *f, int steps, struct error *e)
{
    struct view s;
    struct train *t = &f->t;
    bool ok = view_new(&s, t, e);
    for (int k = 0; ok && k < t->m.d - 1; k++) ok = push_right(t, k, e) && see_left(&s, k, e);
    for (int k = t->m.d - 1; ok && k >= 0; k--)
        ok = improve(f, &s, k, steps, e) && (!k || (push_left(t, k, e) && see_right(&s, k, e)));
    view_free(&s);
    return ok;
}

struct train train_fit_take(struct train_fit *f)
{
    struct train t = f->t;
    f->t = (struct train){.discarded = 0};
    for (int k = 0; k < t.m.d; k++) kronecker_colour(&f->whitening, k, t.m.r[k] * t.m.o[k], t.m.r[k + 1], t.core[k]);
    return t;
}
