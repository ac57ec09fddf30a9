/* nnls.c - see nnls.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/nnls.h"

#include <math.h>
#include <string.h>

void normal_add(struct normal_equations *e, const double *a, double b, double times)
{
    for (int i = 0; i < e->p; i++) {
        e->h[i] += times * a[i] * b;
        for (int j = 0; j < e->p; j++) e->g[i][j] += times * a[i] * a[j];
    }
}

void normal_add_all(struct normal_equations *sum, const struct normal_equations *e, double times)
{
    for (int i = 0; i < sum->p; i++) {
        sum->h[i] += times * e->h[i];
        for (int j = 0; j < sum->p; j++) sum->g[i][j] += times * e->g[i][j];
    }
}

/* The same with columns of unit length, so that one tolerance suits terms of any unit; length[i] 0: a column of zeros. */
static void scale(struct normal_equations *to, double *length, const struct normal_equations *from)
{
    to->p = from->p;
    for (int i = 0; i < from->p; i++) length[i] = sqrt(fmax(0, from->g[i][i]));
    for (int i = 0; i < from->p; i++) {
        to->h[i] = length[i] > 0 ? from->h[i] / length[i] : 0;
        for (int j = 0; j < from->p; j++)
            to->g[i][j] = length[i] > 0 && length[j] > 0 ? from->g[i][j] / length[i] / length[j] : 0;
    }
}

/* ---- Non-negative least squares ---- */

/* Solves the equations of the terms in set[0 .. n) by Cholesky's decomposition. False if one depends on those before it. */
static bool solve(const struct normal_equations *e, const int *set, int n, double *s)
{
    double l[NNLS_MAX][NNLS_MAX];
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double sum = e->g[set[i]][set[j]];
            for (int k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
            if (i > j)
                l[i][j] = sum / l[j][j];
            else if (sum > 1e-14) /* of a unit column */
                l[i][i] = sqrt(sum);
            else
                return false;
        }
    for (int i = 0; i < n; i++) {
        s[i] = e->h[set[i]];
        for (int k = 0; k < i; k++) s[i] -= l[i][k] * s[k];
        s[i] /= l[i][i];
    }
    for (int i = n; i-- > 0;) {
        for (int k = i + 1; k < n; k++) s[i] -= l[k][i] * s[k];
        s[i] /= l[i][i];
    }
    return true;
}

/* The term out of the set along which the fit improves most; -1: none. */
static int steepest(const struct normal_equations *e, const double *x, const bool *in, const bool *refused)
{
    int best = -1;
    double most = 0;
    for (int i = 0; i < e->p; i++) {
        double slope = e->h[i], size = fabs(e->h[i]);
        if (in[i] || refused[i]) continue;
        for (int j = 0; j < e->p; j++) slope -= e->g[i][j] * x[j], size += fabs(e->g[i][j] * x[j]);
        if (slope > 1e-12 * size && slope > most) best = i, most = slope;
    }
    return best;
}

bool nnls(const struct normal_equations *equations, double *x)
{
    struct normal_equations e;
    double length[NNLS_MAX], s[NNLS_MAX];
    bool in[NNLS_MAX] = {false}, refused[NNLS_MAX] = {false};
    int set[NNLS_MAX], n = 0;
    scale(&e, length, equations);
    for (int i = 0; i < e.p; i++) x[i] = 0, refused[i] = !(length[i] > 0);
    for (int turns = 0; turns < 16 * NNLS_MAX; turns++) {
        int add = steepest(&e, x, in, refused);
        if (add < 0) {
            for (int i = 0; i < e.p; i++) x[i] = length[i] > 0 ? x[i] / length[i] : 0;
            return true;
        }
        set[n++] = add;
        in[add] = true;
        if (!solve(&e, set, n, s) || !(s[n - 1] > 0)) { /* dependent, or its slope was a rounding error */
            in[add] = false, refused[add] = true, n--;
            continue;
        }
        /* Terms that would turn negative go out: walk towards the solution until the first of them is 0, and solve again. */
        for (;;) {
            int first = -1, kept = 0;
            double walk = 1;
            for (int i = 0; i < n; i++) {
                double to_zero = s[i] <= 0 ? x[set[i]] / (x[set[i]] - s[i]) : 1;
                if (s[i] <= 0 && (first < 0 || to_zero < walk)) first = i, walk = to_zero;
            }
            for (int i = 0; i < n; i++) {
                double *xi = &x[set[i]];
                *xi = first < 0 ? s[i] : *xi + walk * (s[i] - *xi);
                if (i == first || (first >= 0 && *xi <= 0))
                    *xi = 0, in[set[i]] = false;
                else
                    set[kept++] = set[i];
            }
            if (first < 0) break;
            n = kept;
            if (!solve(&e, set, n, s)) return false;
        }
        if (!isfinite(x[add])) return false;
    }
    return false;
}

/* ---- Diagnostics ---- */

/* Eigenvalues of the symmetric m into its diagonal, vectors into the columns of v, by Jacobi's rotations. */
static void diagonalise(double m[NNLS_MAX][NNLS_MAX], double v[NNLS_MAX][NNLS_MAX], int p)
{
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++) v[i][j] = i == j;
    for (int sweep = 0; sweep < 50; sweep++) {
        double off = 0;
        for (int i = 0; i < p; i++)
            for (int j = i + 1; j < p; j++) {
                off += m[i][j] * m[i][j];
                if (fabs(m[i][j]) < 1e-300) continue;
                double theta = (m[j][j] - m[i][i]) / (2 * m[i][j]);
                double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < p; k++) {
                    double a = m[k][i], b = m[k][j];
                    m[k][i] = c * a - s * b, m[k][j] = s * a + c * b;
                }
                for (int k = 0; k < p; k++) {
                    double a = m[i][k], b = m[j][k];
                    m[i][k] = c * a - s * b, m[j][k] = s * a + c * b;
                    a = v[k][i], b = v[k][j];
                    v[k][i] = c * a - s * b, v[k][j] = s * a + c * b;
                }
            }
        if (off < 1e-30) return;
    }
}

void collinearity(struct collinearity *c, const struct normal_equations *equations)
{
    struct normal_equations e;
    double length[NNLS_MAX], v[NNLS_MAX][NNLS_MAX];
    int p = equations->p, low = 0, high = 0;
    scale(&e, length, equations);
    diagonalise(e.g, v, p);
    for (int i = 1; i < p; i++) {
        if (e.g[i][i] < e.g[low][low]) low = i;
        if (e.g[i][i] > e.g[high][high]) high = i;
    }
    double least = 1e-14 * e.g[high][high]; /* rounding leaves no more of an eigenvalue that is 0 */
    c->condition = e.g[low][low] > least ? sqrt(e.g[high][high] / e.g[low][low]) : INFINITY;
    for (int i = 0; i < p; i++) {
        c->weakest[i] = v[i][low];
        c->vif[i] = 0;
        for (int k = 0; k < p; k++) {
            double part = v[i][k] * v[i][k];
            if (e.g[k][k] > least)
                c->vif[i] += part / e.g[k][k];
            else if (part > 1e-12)
                c->vif[i] = INFINITY;
        }
    }
}
