/* fit.h - the searches by which the quantisers choose scales: least squares over a grid of candidate scales.
 *
 * Both minimise the weighted squared error over codes and scale together. For fixed codes the best scale has a closed form, for
 * a fixed scale the best codes are the nearest; a grid of starting scales around "the largest element gets the largest code"
 * decides which of the many local minima is reached. (The idea is that of ggml's make_qx_quants and make_qkx2_quants.)
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_FIT_H
#define HARTREE_FIT_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "kernels/half.h"

/* Adding 1.5 * 2^23 leaves no bits for a fraction: nearest, ties to even, as the vector units round. */
static inline int fit_round(float x, int lo, int hi)
{
    if (!(x > (float)lo)) return lo; /* NaN too */
    if (x > (float)hi) return hi;
    return (int)((x + 0x1.8p23f) - 0x1.8p23f);
}

/* Below this a block counts as zero: 1 / x would leave float's range, and f16 scales end far above. */
#define FIT_TINY 1e-30f

/* The weight of each element's squared error: its importance, and large elements count somewhat more, since they carry more of
 * a product. Returns false where x holds no finite non-zero number worth fitting: the block is then stored as zero (or as NaN,
 * *scale_if_not, where it holds one or an infinity). */
static inline bool fit_weights(int n, const float *x, const float *importance, float *w, float *scale_if_not)
{
    float sum = 0, amax = 0;
    bool finite = true;
    for (int i = 0; i < n; i++) {
        sum += x[i] * x[i];
        finite &= fabsf(x[i]) <= FLT_MAX;
        if (fabsf(x[i]) > amax) amax = fabsf(x[i]);
    }
    *scale_if_not = finite ? 0 : NAN;
    if (!finite || amax < FIT_TINY) return false;
    float mean = sum / (float)n, rms = sqrtf(mean);
    if (!(rms > 0 && rms <= FLT_MAX)) rms = amax; /* the squares left float's range */
    for (int i = 0; i < n; i++) {
        float size = rms + fabsf(x[i]);
        w[i] = importance ? importance[i] * size : size;
    }
    return true;
}

/* Chooses d and integers q in lo..hi so that x ~ d * q; lo may be negative (or 0 for x >= 0). *curvature, if given, is
 * sum w q^2: what an error in d costs. All arrays have n <= 256 elements. Returns d, 0 for x = 0. */
static inline float fit_scale(int n, int lo, int hi, const float *x, const float *w, int *q, float *curvature)
{
    double best = -1;
    float extreme = 0, d = 0;
    for (int i = 0; i < n; i++) {
        q[i] = 0;
        if (fabsf(x[i]) > fabsf(extreme)) extreme = x[i];
    }
    if (curvature) *curvature = 0;
    if (fabsf(extreme) < FIT_TINY) return 0;
    for (int end = lo < 0 ? 0 : 1; end < 2; end++) { /* the extreme gets the lowest code, or the highest */
        for (int t = -8; t <= 8; t++) {
            float inverse = ((float)(end ? hi : lo) + (float)(end ? t : -t) * 0.1f) / extreme;
            for (int pass = 0; pass < 2; pass++) { /* the second from the first one's best scale */
                double xq = 0, qq = 0;
                for (int i = 0; i < n; i++) {
                    double c = fit_round(x[i] * inverse, lo, hi), wc = w[i] * c;
                    xq += wc * x[i];
                    qq += wc * c;
                }
                if (!(qq > 0) || xq == 0) break;
                if (xq / qq * xq > best) { /* the error is sum w x^2 - xq^2 / qq */
                    best = xq / qq * xq;
                    d = (float)(xq / qq);
                    if (curvature) *curvature = (float)qq;
                    for (int i = 0; i < n; i++) q[i] = fit_round(x[i] * inverse, lo, hi);
                }
                inverse = (float)(qq / xq);
            }
        }
    }
    return d;
}

/* Chooses d, m and q in 0..hi so that x ~ d * q - m; with `one_sided`, m >= 0, as types with stored minima need. Returns d. */
static inline float fit_scale_min(int n, int hi, bool one_sided, const float *x, const float *w, float *m, float *curvature)
{
    float low = x[0], high = x[0];
    double sw = 0, sx = 0, sxx = 0;
    for (int i = 0; i < n; i++) {
        low = fminf(low, x[i]), high = fmaxf(high, x[i]);
        sw += w[i], sx += (double)w[i] * x[i], sxx += (double)w[i] * x[i] * x[i];
    }
    if (one_sided && low > 0) low = 0;
    *m = -low;
    *curvature = 0;
    if (high - low < FIT_TINY) return 0;
    double best = INFINITY;
    float d = (high - low) / (float)hi;
    for (int t = -10; t <= 10; t++) {
        float inverse = ((float)hi + (float)t * 0.1f) / (high - low), base = low;
        for (int pass = 0; pass < 2; pass++) {
            double sq = 0, sqq = 0, sxq = 0;
            for (int i = 0; i < n; i++) {
                double c = fit_round((x[i] - base) * inverse, 0, hi), wc = w[i] * c;
                sq += wc, sqq += wc * c, sxq += wc * x[i];
            }
            double det = sw * sqq - sq * sq;
            if (!(det > 0)) break;
            double slope = (sw * sxq - sq * sx) / det, offset = (sqq * sx - sq * sxq) / det;
            if (one_sided && offset > 0) offset = 0, slope = sxq / sqq;
            if (!(slope > 0)) break;
            /* sum w (slope q + offset - x)^2, expanded */
            double error =
                sxx + slope * slope * sqq + offset * offset * sw + 2 * (slope * offset * sq - slope * sxq - offset * sx);
            if (error < best) best = error, d = (float)slope, *m = (float)-offset, *curvature = (float)sqq;
            inverse = (float)(1 / slope);
            base = (float)offset;
        }
    }
    return d;
}

/* The f16 nearest to a scale; one that f16 cannot hold becomes its largest, so that a finite x never turns into infinity. */
static inline uint16_t fit_f16(float d)
{
    if (d > 65504.0f) d = 65504.0f;
    if (d < -65504.0f) d = -65504.0f;
    return f16_from_f32(d);
}

/* ---- Super-blocks of 256: scales of sub-blocks that are themselves integers times one f16 ----
 * Each sub-block's best scale is found first, then integers and an f16 that fit these scales, where an error counts by what it
 * costs (the curvature); last the codes nearest under the scales as stored. */

/* x ~ d * sc[s] * q with sc in lo_s..hi_s and q in lo..hi, sub-blocks of `sub`. Returns d as f16. */
static inline uint16_t fit_super(int sub, int lo, int hi, int lo_s, int hi_s, const float *x, const float *importance,
                                 int8_t *sc, int q[256])
{
    float w[256], scale[16], cost[16], none;
    int code[16];
    memset(sc, 0, (size_t)(256 / sub));
    memset(q, 0, 256 * sizeof *q);
    if (!fit_weights(256, x, importance, w, &none)) return f16_from_f32(none);
    for (int s = 0; s < 256 / sub; s++) scale[s] = fit_scale(sub, lo, hi, x + s * sub, w + s * sub, q + s * sub, &cost[s]);
    uint16_t d16 = fit_f16(fit_scale(256 / sub, lo_s, hi_s, scale, cost, code, NULL));
    for (int s = 0; s < 256 / sub; s++) {
        float d = f16_to_f32(d16) * (float)code[s];
        sc[s] = (int8_t)code[s];
        for (int i = s * sub; i < (s + 1) * sub; i++) q[i] = d != 0 ? fit_round(x[i] / d, lo, hi) : 0;
    }
    return d16;
}

/* x ~ d * sc[s] * q - dmin * mn[s] with sc and mn in 0..hi_s and q in 0..hi, sub-blocks of `sub`. f16 d and dmin. */
static inline void fit_super_min(int sub, int hi, int hi_s, const float *x, const float *importance, uint16_t *d16,
                                 uint16_t *dmin16, uint8_t *sc, uint8_t *mn, uint8_t q[256])
{
    float w[256], scale[16], least[16], cost[16], weight[16], none;
    int code[16], least_code[16];
    memset(sc, 0, (size_t)(256 / sub));
    memset(mn, 0, (size_t)(256 / sub));
    memset(q, 0, 256);
    *d16 = *dmin16 = 0;
    if (!fit_weights(256, x, importance, w, &none)) {
        *d16 = f16_from_f32(none);
        return;
    }
    for (int s = 0; s < 256 / sub; s++) {
        scale[s] = fit_scale_min(sub, hi, true, x + s * sub, w + s * sub, &least[s], &cost[s]);
        weight[s] = 0;
        for (int i = s * sub; i < (s + 1) * sub; i++) weight[s] += w[i];
    }
    float d = fit_scale(256 / sub, 0, hi_s, scale, cost, code, NULL),
          dmin = fit_scale(256 / sub, 0, hi_s, least, weight, least_code, NULL);
    for (int s = 0; s < 256 / sub; s++) sc[s] = (uint8_t)code[s], mn[s] = (uint8_t)least_code[s];
    /* With the integers chosen, d and dmin again have a closed form: least squares in two unknowns. */
    double best = INFINITY;
    for (int pass = 0; pass < 3; pass++) {
        uint16_t try_d = fit_f16(d), try_min = fit_f16(dmin);
        uint8_t codes[256];
        double error = 0, aa = 0, ab = 0, bb = 0, ax = 0, bx = 0; /* x ~ d * a - dmin * b */
        for (int i = 0; i < 256; i++) {
            float step = f16_to_f32(try_d) * sc[i / sub], m = f16_to_f32(try_min) * mn[i / sub];
            codes[i] = step > 0 ? (uint8_t)fit_round((x[i] + m) / step, 0, hi) : 0;
            double e = (double)step * codes[i] - m - x[i], a = sc[i / sub] * codes[i], b = mn[i / sub];
            error += w[i] * e * e;
            aa += w[i] * a * a, ab += w[i] * a * b, bb += w[i] * b * b, ax += w[i] * a * x[i], bx += w[i] * b * x[i];
        }
        if (!(error < best)) break;
        best = error;
        *d16 = try_d, *dmin16 = try_min;
        memcpy(q, codes, sizeof codes);
        double det = aa * bb - ab * ab;
        if (!(det > 0)) break;
        d = (float)((bb * ax - ab * bx) / det), dmin = (float)((ab * ax - aa * bx) / det);
        if (!(d > 0) || !(dmin >= 0)) break;
    }
}

/* A block of 32 about zero: returns d as the block stores it, and the codes of x[i] = d * (q[i] - offset), 0 to 2 offset - 1.
 * Codes are rounded by the stored d. */
static inline uint16_t fit_block32(int offset, const float *x, const float *importance, uint8_t q[32])
{
    float w[32], d;
    int code[32];
    if (fit_weights(32, x, importance, w, &d)) d = fit_scale(32, -offset, offset - 1, x, w, code, NULL);
    uint16_t d16 = fit_f16(d);
    d = f16_to_f32(d16);
    for (int i = 0; i < 32; i++) q[i] = (uint8_t)((d != 0 ? fit_round(x[i] / d, -offset, offset - 1) : 0) + offset);
    return d16;
}

/* A block of 32 with a minimum: d and m as the block stores them, and codes 0 .. hi of x[i] = d * q[i] + m. */
static inline void fit_block32_min(int hi, const float *x, const float *importance, uint16_t *d16, uint16_t *m16,
                                   uint8_t q[32])
{
    float w[32], d, m = 0, curvature;
    if (fit_weights(32, x, importance, w, &d)) d = fit_scale_min(32, hi, false, x, w, &m, &curvature);
    *d16 = fit_f16(d);
    *m16 = fit_f16(-m);
    d = f16_to_f32(*d16);
    m = f16_to_f32(*m16);
    for (int i = 0; i < 32; i++) q[i] = d > 0 ? (uint8_t)fit_round((x[i] - m) / d, 0, hi) : 0;
}

#endif
