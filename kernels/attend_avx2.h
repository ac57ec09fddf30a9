/* attend_avx2.h - the algorithm of the three AVX2 attention kernels, which differ in how a row of the cache becomes floats.
 *
 * Positions go by in tiles of 64: scores of the tile for every query, its maximum, exp, then its share of y. Within a tile,
 * rows go by eight, converted once to floats in the first-level cache (8 rows of 128 elements are 4 KiB) and used by every
 * query. The score's inner loop keeps eight sums, one a row, which is what hides the latency of a fused multiply-add; the other
 * one reads eight rows of v for each load and store of y. Each query's arithmetic is the same whatever stands beside it.
 *
 * Rows past the last position are the last row again with weight 0, so that the loops need no other form.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ATTEND_AVX2_H
#define HARTREE_ATTEND_AVX2_H

#include <math.h>
#include <string.h>

#include "kernels/kernel.h"
#include "kernels/simd_avx2_math.h"

enum { ATTEND_MAX_D = 512, ATTEND_ROWS = 8, ATTEND_TILE = 64, ATTEND_MAX_Q = 32 };

/* Gives d floats of the row at p: writes them to `row` (32-byte aligned, zeros up to a multiple of 8) and returns it, or
 * returns p. */
typedef const float *attend_load_fn(float *row, const void *p, size_t d);

struct attend_state {
    float max, sum, shrink;
};

/* Eight scores of one query: <q, row[i]> for i < 8. */
static inline __m256 attend_scores(const float *q, const float *const row[ATTEND_ROWS], size_t d)
{
    __m256 s[ATTEND_ROWS];
    for (int i = 0; i < ATTEND_ROWS; i++) s[i] = _mm256_setzero_ps();
    size_t j = 0;
    for (; j + 8 <= d; j += 8) {
        __m256 x = _mm256_loadu_ps(q + j);
        for (int i = 0; i < ATTEND_ROWS; i++) s[i] = _mm256_fmadd_ps(x, _mm256_loadu_ps(row[i] + j), s[i]);
    }
    if (j < d) {
        __m256i tail = avx2_mask8(d - j);
        __m256 x = _mm256_maskload_ps(q + j, tail);
        for (int i = 0; i < ATTEND_ROWS; i++) s[i] = _mm256_fmadd_ps(x, _mm256_maskload_ps(row[i] + j, tail), s[i]);
    }
    return avx2_sums8(s);
}

/* y = y * shrink + sum over i < 8 of p[i] * row[i] */
static inline void attend_gather(float *y, float shrink, const float *p, const float *const row[ATTEND_ROWS], size_t d)
{
    __m256 w[ATTEND_ROWS], c = _mm256_set1_ps(shrink);
    for (int i = 0; i < ATTEND_ROWS; i++) w[i] = _mm256_set1_ps(p[i]);
    size_t j = 0;
    for (; j + 8 <= d; j += 8) {
        __m256 s = _mm256_mul_ps(_mm256_loadu_ps(y + j), c);
        for (int i = 0; i < ATTEND_ROWS; i++) s = _mm256_fmadd_ps(w[i], _mm256_loadu_ps(row[i] + j), s);
        _mm256_storeu_ps(y + j, s);
    }
    if (j < d) {
        __m256i tail = avx2_mask8(d - j);
        __m256 s = _mm256_mul_ps(_mm256_maskload_ps(y + j, tail), c);
        for (int i = 0; i < ATTEND_ROWS; i++) s = _mm256_fmadd_ps(w[i], _mm256_maskload_ps(row[i] + j, tail), s);
        _mm256_maskstore_ps(y + j, tail, s);
    }
}

/* The same for two queries at once, with the same result: a row, once loaded, serves both, since loads and not multiplications
 * are what these loops are short of (on Zen 3 up to a quarter of the time). Scores go to s0 and s1. */
static inline void attend_scores_of_two(const float *q, float *s0, float *s1, const float *const row[ATTEND_ROWS], size_t d)
{
    for (int half = 0; half < ATTEND_ROWS; half += 4) {
        __m256 s[8];
        for (int i = 0; i < 8; i++) s[i] = _mm256_setzero_ps();
        size_t j = 0;
        for (; j + 8 <= d; j += 8) {
            __m256 x0 = _mm256_loadu_ps(q + j), x1 = _mm256_loadu_ps(q + d + j);
            for (int i = 0; i < 4; i++) {
                __m256 r = avx2_in_register(_mm256_loadu_ps(row[half + i] + j));
                s[i] = _mm256_fmadd_ps(x0, r, s[i]);
                s[4 + i] = _mm256_fmadd_ps(x1, r, s[4 + i]);
            }
        }
        if (j < d) {
            __m256i tail = avx2_mask8(d - j);
            __m256 x0 = _mm256_maskload_ps(q + j, tail), x1 = _mm256_maskload_ps(q + d + j, tail);
            for (int i = 0; i < 4; i++) {
                __m256 r = _mm256_maskload_ps(row[half + i] + j, tail);
                s[i] = _mm256_fmadd_ps(x0, r, s[i]);
                s[4 + i] = _mm256_fmadd_ps(x1, r, s[4 + i]);
            }
        }
        __m256 sums = avx2_sums8(s);
        _mm_store_ps(s0 + half, _mm256_castps256_ps128(sums));
        _mm_store_ps(s1 + half, _mm256_extractf128_ps(sums, 1));
    }
}

static inline void attend_gather_of_two(float *y, float shrink0, float shrink1, const float *p0, const float *p1,
                                        const float *const row[ATTEND_ROWS], size_t d)
{
    for (int half = 0; half < ATTEND_ROWS; half += 4) {
        __m256 w0[4], w1[4], c0 = _mm256_set1_ps(half ? 1 : shrink0), c1 = _mm256_set1_ps(half ? 1 : shrink1);
        for (int i = 0; i < 4; i++) w0[i] = _mm256_set1_ps(p0[half + i]), w1[i] = _mm256_set1_ps(p1[half + i]);
        size_t j = 0;
        for (; j + 8 <= d; j += 8) {
            __m256 a = _mm256_mul_ps(_mm256_loadu_ps(y + j), c0), b = _mm256_mul_ps(_mm256_loadu_ps(y + d + j), c1);
            for (int i = 0; i < 4; i++) {
                __m256 r = avx2_in_register(_mm256_loadu_ps(row[half + i] + j));
                a = _mm256_fmadd_ps(w0[i], r, a);
                b = _mm256_fmadd_ps(w1[i], r, b);
            }
            _mm256_storeu_ps(y + j, a);
            _mm256_storeu_ps(y + d + j, b);
        }
        if (j < d) {
            __m256i tail = avx2_mask8(d - j);
            __m256 a = _mm256_mul_ps(_mm256_maskload_ps(y + j, tail), c0),
                   b = _mm256_mul_ps(_mm256_maskload_ps(y + d + j, tail), c1);
            for (int i = 0; i < 4; i++) {
                __m256 r = _mm256_maskload_ps(row[half + i] + j, tail);
                a = _mm256_fmadd_ps(w0[i], r, a);
                b = _mm256_fmadd_ps(w1[i], r, b);
            }
            _mm256_maskstore_ps(y + j, tail, a);
            _mm256_maskstore_ps(y + d + j, tail, b);
        }
    }
}

/* Turns one query's products of a tile into weights exp(scale * product - max), and says by how much what came before shrinks.
 */
static inline void attend_weigh(float *score, size_t n, float scale, struct attend_state *state)
{
    size_t padded = (n + 7) & ~(size_t)7;
    for (size_t t = 0; t < padded; t += 8)
        _mm256_store_ps(score + t, _mm256_mul_ps(_mm256_load_ps(score + t), _mm256_set1_ps(scale)));
    for (size_t t = n; t < padded; t++) score[t] = -INFINITY;
    __m256 top = _mm256_set1_ps(state->max), sum = _mm256_setzero_ps();
    for (size_t t = 0; t < padded; t += 8) top = _mm256_max_ps(top, _mm256_load_ps(score + t));
    float max = avx2_max8(top);
    top = _mm256_set1_ps(max);
    for (size_t t = 0; t < padded; t += 8) {
        __m256 p = avx2_exp8(_mm256_sub_ps(_mm256_load_ps(score + t), top));
        _mm256_store_ps(score + t, p);
        sum = _mm256_add_ps(sum, p);
    }
    state->shrink = expf(state->max - max);
    state->sum = state->sum * state->shrink + avx2_sum8(sum);
    state->max = max;
}

/* The eight rows from position t on as floats; at least one is there. */
static inline void attend_rows(const float *row[ATTEND_ROWS], float *buffer, const char *base, size_t stride, size_t t,
                               size_t n_kv, size_t d, attend_load_fn *load)
{
    size_t n = n_kv - t < ATTEND_ROWS ? n_kv - t : ATTEND_ROWS;
    size_t step = ((d + 7) & ~(size_t)7) + 8; /* no power of two, which would crowd the rows into few sets of the cache */
    for (size_t i = 0; i < n; i++) row[i] = load(buffer + i * step, base + (t + i) * stride, d);
    for (size_t i = n; i < ATTEND_ROWS; i++) row[i] = row[n - 1];
}

/* At most ATTEND_MAX_Q queries */
static inline void attend_group(const struct attend_args *a, const float *q, float *y, size_t n_q, attend_load_fn *load)
{
    _Alignas(32) float buffer[ATTEND_ROWS * (ATTEND_MAX_D + 8)];
    _Alignas(32) float score[ATTEND_MAX_Q][ATTEND_TILE];
    const float *row[ATTEND_ROWS];
    struct attend_state state[ATTEND_MAX_Q];
    size_t d = a->d;

    for (size_t i = 0; i < n_q; i++) state[i] = (struct attend_state){.max = -INFINITY};
    memset(y, 0, n_q * d * sizeof *y);
    for (size_t t0 = 0; t0 < a->n_kv; t0 += ATTEND_TILE) {
        size_t n = a->n_kv - t0 < ATTEND_TILE ? a->n_kv - t0 : ATTEND_TILE;
        for (size_t t = 0; t < n; t += ATTEND_ROWS) {
            attend_rows(row, buffer, a->k, a->k_stride, t0 + t, a->n_kv, d, load);
            size_t i = 0;
            for (; i + 2 <= n_q; i += 2) attend_scores_of_two(q + i * d, &score[i][t], &score[i + 1][t], row, d);
            if (i < n_q) _mm256_store_ps(&score[i][t], attend_scores(q + i * d, row, d));
        }
        for (size_t i = 0; i < n_q; i++) attend_weigh(score[i], n, a->scale, &state[i]);
        for (size_t t = 0; t < n; t += ATTEND_ROWS) {
            attend_rows(row, buffer, a->v, a->v_stride, t0 + t, a->n_kv, d, load);
            size_t i = 0;
            for (; i + 2 <= n_q; i += 2)
                attend_gather_of_two(y + i * d, t ? 1 : state[i].shrink, t ? 1 : state[i + 1].shrink, &score[i][t],
                                     &score[i + 1][t], row, d);
            if (i < n_q) attend_gather(y + i * d, t ? 1 : state[i].shrink, &score[i][t], row, d);
        }
    }
    for (size_t i = 0; i < n_q; i++)
        for (size_t j = 0; j < d; j++) y[i * d + j] /= state[i].sum;
}

static inline void attend_avx2(const struct attend_args *a, attend_load_fn *load)
{
    for (size_t i = 0; i < a->n_q; i += ATTEND_MAX_Q)
        attend_group(a, a->q + i * a->d, a->y + i * a->d, a->n_q - i < ATTEND_MAX_Q ? a->n_q - i : ATTEND_MAX_Q, load);
}

#endif
