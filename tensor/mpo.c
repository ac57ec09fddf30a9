/* mpo.c - the arithmetic of factors and bonds: shapes, costs, orders.
 * SPDX-License-Identifier: MIT */
#include "tensor/mpo.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- Shapes ---- */

static bool factors_fit(const char *what, const size_t *factor, int d, size_t n, struct error *e)
{
    size_t product = 1;
    for (int k = 0; k < d; k++) {
        if (factor[k] < 1 || factor[k] > MPO_MAX_FACTOR)
            return fail(e, "%s: found %zu, expected 1 to %d", what, factor[k], MPO_MAX_FACTOR);
        if (product > n / factor[k]) return fail(e, "%s: found a product above %zu, expected %zu", what, n, n);
        product *= factor[k];
    }
    return product == n || fail(e, "%s: found a product of %zu, expected %zu", what, product, n);
}

bool mpo_check(const struct mpo *m, size_t n_in, size_t n_out, struct error *e)
{
    if (m->d < 1 || m->d > MPO_MAX_CORES) return fail(e, "bonds: found %d cores, expected 1 to %d", m->d, MPO_MAX_CORES);
    if (!factors_fit("row_factors", m->o, m->d, n_out, e) || !factors_fit("col_factors", m->i, m->d, n_in, e)) return false;
    if (m->r[0] != 1 || m->r[m->d] != 1)
        return fail(e, "bonds: found %zu and %zu at the ends, expected 1 and 1", m->r[0], m->r[m->d]);
    for (int k = 0; k < m->d; k++) {
        if (m->r[k] < 1 || m->r[k] > MPO_MAX_FACTOR)
            return fail(e, "bonds: found %zu, expected 1 to %d", m->r[k], MPO_MAX_FACTOR);
        /* Each of the four is below 2^25, so that products of two do not overflow. */
        size_t rows = m->o[k] * m->r[k], cols = m->i[k] * m->r[k + 1];
        if (rows > UINT32_MAX || cols > UINT32_MAX || rows * m->i[k] > UINT32_MAX)
            return fail(e, "bonds: found core %d of %zu x %zu, expected fewer than 2^32 rows and columns", k, rows, cols);
        if (m->pivots[k] && (k == m->d - 1 || m->pivots[k] > m->r[k + 1] || m->pivots[k] >= rows * m->i[k]))
            return fail(e,
                        "gauge: found %zu identity rows in core %d, expected at most its right bond, and fewer than its rows",
                        m->pivots[k], k);
    }
    for (int k = m->d - 1; k > 0; k--) {
        double n = 1;
        for (int j = 0; j < m->d; j++) n *= (double)(j < k ? m->i[j] : m->o[j]);
        if (n * (double)m->r[k] > (double)MPO_MAX_STATE)
            return fail(e, "bonds: found %.3g activations a token before core %d, expected at most %.3g", n * (double)m->r[k],
                        k - 1, (double)MPO_MAX_STATE);
    }
    return true;
}

struct mpo_step mpo_step(const struct mpo *m, int k)
{
    struct mpo_step s = {.vectors = 1, .rows = m->o[k] * m->r[k], .run = m->r[k], .pivots = m->pivots[k]};
    for (int j = 0; j < m->d; j++)
        if (j != k) s.vectors *= j < k ? m->i[j] : m->o[j];
    s.slices = s.pivots ? m->i[k] : 1;
    s.cols = s.pivots ? m->r[k + 1] : m->i[k] * m->r[k + 1];
    return s;
}

void mpo_core_shape(const struct mpo *m, int k, int64_t ne[3])
{
    struct mpo_step s = mpo_step(m, k);
    ne[0] = (int64_t)s.cols;
    ne[1] = (int64_t)(s.pivots ? s.rows * s.slices - s.pivots : m->r[k]);
    ne[2] = (int64_t)(s.pivots ? 1 : m->o[k]);
}

size_t mpo_state(const struct mpo *m, int k)
{
    struct mpo_step s = mpo_step(m, k);
    return s.vectors * s.rows;
}

static int put_list(char *text, int at, const char *name, const size_t *v, int n, const char *between)
{
    for (int k = 0; k < n; k++) at += snprintf(text + at, (size_t)(MPO_SPEC - at), "%s%zu", k ? between : name, v[k]);
    return at;
}

void mpo_balance(size_t n, int d, size_t *factor)
{
    for (int k = 0; k < d; k++) {
        double root = pow((double)n, 1.0 / (d - k));
        size_t best = 1;
        for (size_t f = 1; f <= n; f++)
            if (n % f == 0 && fabs((double)f - root) < fabs((double)best - root)) best = f;
        factor[k] = k == d - 1 ? n : best;
        n /= factor[k];
    }
}

void mpo_spec(const struct mpo *m, char text[MPO_SPEC])
{
    int at = put_list(text, 0, "o=", m->o, m->d, "x");
    at = put_list(text, at, " i=", m->i, m->d, "x");
    at = put_list(text, at, " r=", m->r, m->d + 1, ",");
    bool any = false;
    for (int k = 0; k < m->d; k++) {
        if (!m->pivots[k]) continue;
        at += snprintf(text + at, (size_t)(MPO_SPEC - at), any ? ",%d" : " gauge=%d", k);
        any = true;
    }
}

/* ---- Costs ---- */

static double step_flops(const struct mpo_step *s)
{
    return 2 * (double)s->vectors * (double)(s->rows * s->slices - s->pivots) * (double)s->cols;
}

double mpo_parameters(const struct mpo *m)
{
    double sum = 0;
    for (int k = 0; k < m->d; k++) {
        struct mpo_step s = mpo_step(m, k);
        sum += (double)(s.rows * s.slices - s.pivots) * (double)s.cols;
    }
    return sum;
}

double mpo_flops(const struct mpo *m)
{
    double sum = 0;
    for (int k = 0; k < m->d; k++) {
        struct mpo_step s = mpo_step(m, k);
        sum += step_flops(&s);
    }
    return sum;
}

/* FLOPs of contracting core k when those in `done` have been: all digits but k's own are a batch, and so are the bonds that
 * stand open elsewhere. */
static double contraction_flops(const struct mpo *m, unsigned done, int k)
{
    double n = 2 * (double)(m->o[k] * m->r[k]) * (double)(m->i[k] * m->r[k + 1]);
    for (int j = 0; j < m->d; j++) {
        bool in = done >> j & 1, next = done >> (j + 1) & 1;
        if (j != k) n *= (double)(in ? m->o[j] : m->i[j]);
        if (in != next && j != k && j + 1 != k && j + 1 < m->d) n *= (double)m->r[j + 1];
    }
    return n;
}

double mpo_order_flops(const struct mpo *m, const int *order)
{
    double sum = 0;
    unsigned done = 0;
    for (int j = 0; j < m->d; j++) {
        sum += contraction_flops(m, done, order[j]);
        done |= 1u << order[j];
    }
    return sum;
}

double mpo_best_order(const struct mpo *m, int order[MPO_MAX_CORES])
{
    enum { SETS = 1 << MPO_MAX_CORES };
    double best[SETS];
    signed char last[SETS];
    unsigned all = (1u << m->d) - 1;
    best[0] = 0;
    for (unsigned set = 1; set <= all; set++) {
        best[set] = INFINITY;
        /* From the last core on, so that of equally cheap orders the stored one is found. */
        for (int k = 0; k < m->d; k++) {
            if (!(set >> k & 1)) continue;
            double cost = best[set & ~(1u << k)] + contraction_flops(m, set & ~(1u << k), k);
            if (cost < best[set]) best[set] = cost, last[set] = (signed char)k;
        }
    }
    for (unsigned set = all, j = (unsigned)m->d; set; set &= ~(1u << last[set])) order[--j] = last[set];
    return best[all];
}

/* Different first k + 1 digits among rows that are taken `at_once`: each prefix is counted again where one of the takings
 * begins within it. */
static double prefixes(const struct mpo *m, int k, size_t at_once)
{
    size_t out = 1, group = 1;
    for (int j = 0; j < m->d; j++) out *= m->o[j];
    for (int j = k + 1; j < m->d; j++) group *= m->o[j];
    size_t begins = (out - 1) / at_once, a = group, b = at_once;
    while (b) {
        size_t rest = a % b;
        a = b, b = rest;
    }
    return (double)(out / group + begins - begins / (group / a));
}

double mpo_rebuild_flops(const struct mpo *m, size_t at_once)
{
    double flops = 0, before = (double)m->i[0];
    for (int k = 1; k < m->d; k++) {
        flops += 2 * prefixes(m, k, at_once) * before * (double)m->r[k] * (double)m->i[k] * (double)m->r[k + 1];
        before *= (double)m->i[k];
    }
    return flops;
}

size_t mpo_rebuild_from(const struct mpo *m, double flops, size_t at_once)
{
    double in = 1, out = 1;
    for (int k = 0; k < m->d; k++) in *= (double)m->i[k], out *= (double)m->o[k];
    double saved = flops - 2 * in * out, n = saved > 0 ? floor(mpo_rebuild_flops(m, at_once) / saved) + 1 : INFINITY;
    return n < 1e15 ? (size_t)n : SIZE_MAX;
}
