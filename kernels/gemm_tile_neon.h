/* gemm_tile_neon.h - the tile of all gemms of aarch64, eight rows by four columns, around what an instruction set's header has
 * defined before it includes this one:
 *
 *    gemm_dot16       adds the products of 16 k of eight rows and four columns to eight vectors of sums
 *    gemm_for         a vector of four rows' scales, laid out as the sums are that they multiply
 *    gemm_lanes       turns the sums to what follows here: lane i of s[h][t] is row 4h + i and column t
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_TILE_NEON_H
#define HARTREE_GEMM_TILE_NEON_H

KERNEL_INLINE void gemm_tile32(const union gemm_vector *panel, const char *const x[GEMM_COLS], size_t blocks,
                               float y[GEMM_COLS][GEMM_ROWS], const int has_min, const int wide)
{
    float32x4_t sum[2][GEMM_COLS];
#pragma GCC unroll 4
    for (int t = 0; t < GEMM_COLS; t++) {
        sum[0][t] = vld1q_f32(y[t]);
        sum[1][t] = vld1q_f32(y[t] + 4);
    }
    const struct block_q8_a32 *xb[GEMM_COLS];
    for (int t = 0; t < GEMM_COLS; t++) xb[t] = (const struct block_q8_a32 *)x[t];
    for (; blocks; blocks--, panel += GEMM_SIZE32(has_min)) {
        int32x4_t acc[2][GEMM_COLS];
        for (int t = 0; t < GEMM_COLS; t++) acc[0][t] = acc[1][t] = vdupq_n_s32(0);
        for (int h = 0; h < 2; h++) {
            int8x16_t q[GEMM_COLS];
            for (int t = 0; t < GEMM_COLS; t++) q[t] = vld1q_s8(xb[t]->qs + 16 * h);
            gemm_dot16(acc, panel + h * GEMM_CODES, q, wide);
        }
        gemm_lanes(acc);
        const union gemm_vector *d = panel + 2 * GEMM_CODES, *m = d + GEMM_NUMBERS;
        const float32x4_t d0 = vld1q_f32(d[0].f32), d1 = vld1q_f32(d[1].f32);
        for (int t = 0; t < GEMM_COLS; t++) {
            const float dx = xb[t]->d;
            sum[0][t] = vfmaq_f32(sum[0][t], vcvtq_f32_s32(acc[0][t]), vmulq_n_f32(d0, dx));
            sum[1][t] = vfmaq_f32(sum[1][t], vcvtq_f32_s32(acc[1][t]), vmulq_n_f32(d1, dx));
            if (has_min) {
                const float s = dx * (float)xb[t]->sum;
                sum[0][t] = vfmaq_n_f32(sum[0][t], vld1q_f32(m[0].f32), s);
                sum[1][t] = vfmaq_n_f32(sum[1][t], vld1q_f32(m[1].f32), s);
            }
            xb[t]++;
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < GEMM_COLS; t++) {
        vst1q_f32(y[t], sum[0][t]);
        vst1q_f32(y[t] + 4, sum[1][t]);
    }
}

/* m[i][t] += the minima of eight sub-blocks, of rows 4i .. 4i+3, times the sums of column t's codes in them. */
KERNEL_INLINE void gemm_minima8(int32x4_t m[2][GEMM_COLS], const union gemm_vector *mn, const int16x8_t sums[GEMM_COLS])
{
#define STEP(lane)                                                                                                             \
    do {                                                                                                                       \
        const int16x8_t v = vld1q_s16(mn[lane].s16);                                                                           \
        for (int t = 0; t < GEMM_COLS; t++) m[0][t] = vmlal_laneq_s16(m[0][t], vget_low_s16(v), sums[t], lane);                \
        for (int t = 0; t < GEMM_COLS; t++) m[1][t] = vmlal_high_laneq_s16(m[1][t], v, sums[t], lane);                         \
        gemm_pin(m);                                                                                                           \
    } while (0)
    STEP(0);
    STEP(1);
    STEP(2);
    STEP(3);
    STEP(4);
    STEP(5);
    STEP(6);
    STEP(7);
#undef STEP
}

KERNEL_INLINE void gemm_tile256(const union gemm_vector *panel, const char *const x[GEMM_COLS], size_t blocks,
                                float y[GEMM_COLS][GEMM_ROWS], const int subs, const int has_min)
{
    const int sub = GEMM_SIZE_SUB(subs);
    const struct block_q8_a256 *xb[GEMM_COLS];
    for (int t = 0; t < GEMM_COLS; t++) xb[t] = (const struct block_q8_a256 *)x[t];
    for (; blocks; blocks--, panel += GEMM_SIZE256(subs, has_min)) {
        int32x4_t acc[2][GEMM_COLS], sum[2][GEMM_COLS];
        for (int t = 0; t < GEMM_COLS; t++) acc[0][t] = acc[1][t] = sum[0][t] = sum[1][t] = vdupq_n_s32(0);
        gemm_pin(sum);
#pragma GCC unroll 1
        for (int s = 0; s < subs; s++) {
            const union gemm_vector *p = panel + s * sub, *scale = p + sub - GEMM_NUMBERS;
            for (int h = 0; h < 16 / subs; h++) {
                int8x16_t q[GEMM_COLS];
                for (int t = 0; t < GEMM_COLS; t++) q[t] = vld1q_s8(xb[t]->qs + 256 / subs * s + 16 * h);
                gemm_dot16(acc, p + h * GEMM_CODES, q, 0);
            }
            const int32x4_t s0 = vld1q_s32(scale[0].s32), s1 = vld1q_s32(scale[1].s32);
            for (int t = 0; t < GEMM_COLS; t++) {
                sum[0][t] = vmlaq_s32(sum[0][t], acc[0][t], gemm_for(s0, t));
                sum[1][t] = vmlaq_s32(sum[1][t], acc[1][t], gemm_for(s1, t));
            }
        }
        gemm_lanes(sum);
        const union gemm_vector *mn = panel + subs * sub;
        const union gemm_vector *d = mn + (has_min ? subs * GEMM_SUB_MINIMA : 0), *dmin = d + GEMM_NUMBERS;
        if (has_min) {
            int16x8_t low[GEMM_COLS], high[GEMM_COLS];
            for (int t = 0; t < GEMM_COLS; t++) {
                low[t] = neon_bsums(xb[t], 0), high[t] = neon_bsums(xb[t], 1);
                if (subs == 8) low[t] = vpaddq_s16(low[t], high[t]);
                acc[0][t] = acc[1][t] = vdupq_n_s32(0);
            }
            gemm_minima8(acc, mn, low);
            if (subs == 16) gemm_minima8(acc, mn + 8 * GEMM_SUB_MINIMA, high);
        }
        for (int t = 0; t < GEMM_COLS; t++) {
            const float dx = xb[t]->d;
            for (int i = 0; i < 2; i++) {
                float32x4_t v = vld1q_f32(y[t] + 4 * i);
                v = vfmaq_f32(v, vcvtq_f32_s32(sum[i][t]), vmulq_n_f32(vld1q_f32(d[i].f32), dx));
                if (has_min) v = vfmsq_f32(v, vcvtq_f32_s32(acc[i][t]), vmulq_n_f32(vld1q_f32(dmin[i].f32), dx));
                vst1q_f32(y[t] + 4 * i, v);
            }
            xb[t]++;
        }
    }
}

#endif
