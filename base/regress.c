/* SPDX-License-Identifier: MIT */
#include "base/regress.h"

#include <math.h>
#include <stdlib.h>

double student_975(size_t freedom)
{
    /* Exact to the digits shown; beyond them the expansion of Abramowitz and Stegun 26.7.5, good to 1e-4 there. */
    static const double table[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281};
    if (freedom < 1) return NAN;
    if (freedom <= sizeof table / sizeof *table) return table[freedom - 1];
    const double z = 1.9599640, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
    double v = (double)freedom;
    return z + (z3 + z) / (4 * v) + (5 * z5 + 16 * z3 + 3 * z) / (96 * v * v) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * v * v * v);
}

/* The columns of a (n x k, row by row) made orthonormal in place: a = q r. False if one depends on those before it. */
static bool orthogonalise(double *a, size_t n, int k, double r[REGRESS_MAX][REGRESS_MAX])
{
    for (int j = 0; j < k; j++) {
        double before = 0, after = 0;
        for (size_t i = 0; i < n; i++) before += a[i * (size_t)k + j] * a[i * (size_t)k + j];
        for (int l = 0; l < j; l++) {
            double dot = 0;
            for (size_t i = 0; i < n; i++) dot += a[i * (size_t)k + l] * a[i * (size_t)k + j];
            r[l][j] = dot;
            for (size_t i = 0; i < n; i++) a[i * (size_t)k + j] -= dot * a[i * (size_t)k + l];
        }
        for (size_t i = 0; i < n; i++) after += a[i * (size_t)k + j] * a[i * (size_t)k + j];
        if (!(after > 1e-20 * before) || !isfinite(after)) return false; /* what is left of it is rounding */
        r[j][j] = sqrt(after);
        for (size_t i = 0; i < n; i++) a[i * (size_t)k + j] /= r[j][j];
    }
    return true;
}

/* b and the intervals from q, r and the weighted y, which becomes the residual. */
static void solve(struct regression *out, const double *q, double r[REGRESS_MAX][REGRESS_MAX], double *y)
{
    int k = out->k;
    size_t n = out->n;
    double c[REGRESS_MAX], square = 0;
    for (int j = 0; j < k; j++) {
        c[j] = 0;
        for (size_t i = 0; i < n; i++) c[j] += q[i * (size_t)k + j] * y[i];
        for (size_t i = 0; i < n; i++) y[i] -= c[j] * q[i * (size_t)k + j];
    }
    for (size_t i = 0; i < n; i++) square += y[i] * y[i];
    out->scatter = n > (size_t)k ? sqrt(square / (double)(n - (size_t)k)) : NAN;
    for (int j = k - 1; j >= 0; j--) {
        out->b[j] = c[j];
        for (int l = j + 1; l < k; l++) out->b[j] -= r[j][l] * out->b[l];
        out->b[j] /= r[j][j];
    }
    /* The covariance is scatter^2 (r^-1)(r^-1)^T: row j of the inverse, column by column. */
    double inverse[REGRESS_MAX][REGRESS_MAX] = {{0}};
    for (int j = k - 1; j >= 0; j--) {
        double sum = 0;
        for (int col = j; col < k; col++) {
            double v = col == j;
            for (int l = j + 1; l <= col; l++) v -= r[j][l] * inverse[l][col];
            inverse[j][col] = v / r[j][j];
            sum += inverse[j][col] * inverse[j][col];
        }
        double half = n > (size_t)k ? student_975(n - (size_t)k) * out->scatter * sqrt(sum) : NAN;
        out->low[j] = out->b[j] - half;
        out->high[j] = out->b[j] + half;
    }
}

bool regress(struct regression *out, const double *x, const double *y, const double *weight, size_t n, int k)
{
    *out = (struct regression){.n = n, .k = k, .scatter = NAN};
    for (int j = 0; j < REGRESS_MAX; j++) out->b[j] = out->low[j] = out->high[j] = NAN;
    if (n < (size_t)k) return false;
    double *a = malloc(n * (size_t)(k + 1) * sizeof *a), *b = a ? a + n * (size_t)k : NULL;
    double scale[REGRESS_MAX] = {0}, r[REGRESS_MAX][REGRESS_MAX] = {{0}};
    bool ok = a;
    for (size_t i = 0; ok && i < n; i++) {
        double root = weight ? sqrt(weight[i]) : 1;
        ok = root > 0 && isfinite(b[i] = root * y[i]);
        for (int j = 0; ok && j < k; j++) {
            double v = a[i * (size_t)k + j] = root * x[i * (size_t)k + j];
            ok = isfinite(v);
            scale[j] += v * v;
        }
    }
    for (int j = 0; ok && j < k; j++) ok = (scale[j] = sqrt(scale[j])) > 0;
    for (size_t i = 0; ok && i < n; i++)
        for (int j = 0; j < k; j++) a[i * (size_t)k + j] /= scale[j];
    ok = ok && orthogonalise(a, n, k, r);
    if (ok) {
        solve(out, a, r, b);
        for (int j = 0; j < k; j++) out->b[j] /= scale[j], out->low[j] /= scale[j], out->high[j] /= scale[j];
    }
    free(a);
    return ok;
}
