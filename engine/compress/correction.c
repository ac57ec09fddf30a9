/* SPDX-License-Identifier: MIT */
#include "engine/compress/correction.h"

#include <math.h>
#include <stdlib.h>

#include "engine/compress/subspace.h"

enum type correction_type(size_t n)
{
    return n % type_get(TYPE_Q8_0)->block ? TYPE_F16 : TYPE_Q8_0;
}

void correction_free(struct correction *c)
{
    free(c->left);
    free(c->right);
    free(c->bias);
    *c = (struct correction){.rank = 0};
}

struct fit {
    struct pool *pool;
    const struct compact_form *f;
    const float *error; /* n_out x n */
    float *error_t;     /* n x n_out */
    size_t n_out;
    float *y, *z; /* n floats a vector */
    bool ok;
    struct error *e;
};

/* E C E^T x */
static void apply(void *ctx, const float *x, size_t k, float *out)
{
    struct fit *j = ctx;
    subspace_multiply(j->pool, j->error_t, j->f->n, j->n_out, x, k, j->y);
    j->ok = j->ok && compact_form_multiply(j->f, j->pool, j->y, k, j->z, j->e);
    if (j->ok) subspace_multiply(j->pool, j->error, j->n_out, j->f->n, j->z, k, out);
}

/* Quantises `rows` rows of n, and puts back what they have become. */
static void store(enum type type, void *to, float *x, const float *weight, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++) {
        char *row = (char *)to + r * type_bytes(type, n);
        type_quantise(type, row, x + r * n, weight, n);
        type_dequantise(type, x + r * n, row, n);
    }
}

/* right = (left left^T)^-1 left E, from left as it is stored. */
static bool fit_right(struct fit *j, const float *left, size_t rank, float *right)
{
    size_t n = j->f->n, n_out = j->n_out;
    double *g = malloc(rank * rank * sizeof *g);
    if (!g) return fail(j->e, "correction: found no memory for %zu x %zu numbers", rank, rank);
    for (size_t a = 0; a < rank; a++)
        for (size_t b = 0; b < rank; b++) {
            double sum = 0;
            for (size_t o = 0; o < n_out; o++) sum += (double)left[a * n_out + o] * (double)left[b * n_out + o];
            g[a * rank + b] = sum + (a == b ? 1e-30 : 0); /* a vector of zeros, where the error has a lower rank */
        }
    bool ok = subspace_invert(rank, g) || fail(j->e, "correction: found vectors that depend on each other");
    subspace_multiply(j->pool, j->error_t, n, n_out, left, rank, j->y);
    for (size_t a = 0; ok && a < rank; a++)
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (size_t b = 0; b < rank; b++) sum += g[a * rank + b] * (double)j->y[b * n + i];
            right[a * n + i] = (float)sum;
        }
    free(g);
    return ok;
}

static bool fit_low_rank(struct correction *c, struct fit *j, float *error, size_t rank, const float *weight)
{
    enum { ROUNDS = 8, EXTRA = 8 };
    size_t n = j->f->n, n_out = j->n_out, wide = rank + EXTRA;
    enum type left_type = correction_type(n_out), right_type = correction_type(n);
    float *left = malloc(rank * n_out * sizeof *left), *right = malloc(rank * n * sizeof *right);
    double *value = malloc(rank * sizeof *value);
    j->error_t = malloc(n * n_out * sizeof *j->error_t);
    j->y = malloc(2 * wide * n * sizeof *j->y);
    j->z = j->y ? j->y + wide * n : NULL;
    c->left = malloc(rank * type_bytes(left_type, n_out));
    c->right = malloc(rank * type_bytes(right_type, n));
    bool ok = (left && right && value && j->error_t && j->y && c->left && c->right) ||
              fail(j->e, "correction: found no memory for %zu x %zu numbers", n_out, n);
    for (size_t o = 0; ok && o < n_out; o++)
        for (size_t i = 0; i < n; i++) j->error_t[i * n_out + o] = error[o * n + i];
    ok = ok && subspace_leading(apply, j, n_out, rank, EXTRA, ROUNDS, left, value, j->e) && j->ok;
    if (ok) {
        /* Of unit length a vector's numbers would be near the least that a block's f16 scale holds. */
        for (size_t i = 0; i < rank * n_out; i++) left[i] *= sqrtf((float)n_out);
        store(left_type, c->left, left, NULL, rank, n_out);
        ok = fit_right(j, left, rank, right);
    }
    if (ok) {
        store(right_type, c->right, right, weight, rank, n);
        for (size_t o = 0; o < n_out; o++)
            for (size_t r = 0; r < rank; r++) {
                float a = left[r * n_out + o];
                for (size_t i = 0; i < n; i++) error[o * n + i] -= a * right[r * n + i];
            }
    }
    free(left);
    free(right);
    free(value);
    free(j->error_t);
    free(j->y);
    return ok;
}

static bool fit_bias(struct correction *c, const float *mean, const float *error, size_t n_out, size_t n, struct error *e)
{
    c->bias = malloc(n_out * sizeof *c->bias);
    if (!c->bias) return fail(e, "correction: found no memory for %zu numbers", n_out);
    for (size_t o = 0; o < n_out; o++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += (double)error[o * n + i] * (double)mean[i];
        c->bias[o] = (float)sum;
    }
    return true;
}

bool correction_fit(struct correction *c, const struct compact_form *f, const float *mean, float *error, size_t n_out,
                    size_t rank, struct pool *pool, struct error *e)
{
    size_t n = f->n, most = n < n_out ? n : n_out;
    struct fit j = {.pool = pool, .f = f, .error = error, .n_out = n_out, .ok = true, .e = e};
    *c = (struct correction){.rank = rank < most ? rank : most};
    float *weight = malloc(n * sizeof *weight);
    bool ok = weight || fail(e, "correction: found no memory for %zu numbers", n);
    for (size_t i = 0; ok && i < n; i++) {
        weight[i] = f->rest[i];
        for (size_t a = 0; a < f->k; a++) weight[i] += f->u[a * n + i] * f->u[a * n + i];
    }
    ok = ok && (!c->rank || fit_low_rank(c, &j, error, c->rank, weight)) && (!mean || fit_bias(c, mean, error, n_out, n, e));
    free(weight);
    if (!ok) correction_free(c);
    return ok;
}
