/* dot_avx512.h - products with few columns: weights are read where they lie, once, in the order of their addresses, for up to
 * four columns at a time; 64 codes of one row fill a register. The walk and the fetching ahead are as in simd_avx2.h.
 *
 * Blocks of 256: products are added in pairs to int16 (maddubs: 2 * 63 * 127 fits) and then by twos, times the sub-blocks'
 * scales, to int32 (dpwssd): per 64 codes these two and a permutation that spreads the scales, beside the unpacking.
 *
 * Blocks of 32: two blocks a register, dpbusd. Four blocks share what follows, so the activations are laid out anew first, by
 * fours, once for all rows. Signed codes are raised to unsigned ones, which the activations' sums take off again, in integers.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_AVX512_H
#define HARTREE_DOT_AVX512_H

#include "kernels/simd_avx2.h"
#include "kernels/simd_avx512.h"

AVX512_INLINE float avx512_hsum(__m512 v)
{
    return avx2_hsum(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)));
}

/* n where bytes of the lower half are meant, m for the upper half, as counts for shifts of 16-bit lanes. */
AVX512_INLINE __m512i avx512_halves(int n, int m)
{
    return _mm512_inserti64x4(_mm512_set1_epi16((int16_t)n), _mm256_set1_epi16((int16_t)m), 1);
}

/* The same 32 bytes in both halves. */
AVX512_INLINE __m512i avx512_twice(const void *p)
{
    return _mm512_broadcast_i64x4(avx2_load(p));
}

/* ---- Blocks of 256 ---- */

/* The scales of a block: 16 int16 (or 8, of sub-blocks of 32), and what multiplies the bsums. */
struct dot_block256 {
    __m256i scale, offset;
    float d, dmin;
};
typedef struct dot_block256 dot_open256(const void *block);
typedef __m512i dot_codes256(const void *block, int j); /* unsigned codes of elements 64j .. 64j+63 */

enum { DOT_MINIMA, DOT_TOO_HIGH }; /* offset is taken off times dmin; or is in units of the products, and negative */

/* y[c..c+nc) of one row. */
AVX512_INLINE void dot_tile256(const struct dot_args *a, size_t r, size_t c, const int nc, const size_t w_bytes,
                               dot_open256 *open, dot_codes256 *codes, const int kind, const int sub)
{
    const char *w = (const char *)a->w + r * a->w_stride, *x = (const char *)a->x + c * a->x_stride;
    __m512 sum[DOT_COLS];
    __m256 least[DOT_COLS];
    for (int i = 0; i < nc; i++) sum[i] = _mm512_setzero_ps(), least[i] = _mm256_setzero_ps();
    /* For each int16 of two products the number of its sub-block, less 64j / sub. */
    const int one = 0x00010001;
    const __m512i first = sub == 32 ? avx512_halves(0, 1)
                                    : _mm512_setr_epi32(0, 0, 0, 0, one, one, one, one, 2 * one, 2 * one, 2 * one, 2 * one,
                                                        3 * one, 3 * one, 3 * one, 3 * one);
    for (size_t k = 0; k < a->n; k += 256, w += w_bytes, x += sizeof(struct block_q8_a256)) {
        if (nc == 1) dot_ahead(w, w_bytes);
        const struct dot_block256 b = open(w);
        __m512i p[DOT_COLS];
        for (int i = 0; i < nc; i++) {
            const struct block_q8_a256 *xb = (const struct block_q8_a256 *)(x + (size_t)i * a->x_stride);
            const __m256i m = _mm256_madd_epi16(b.offset, avx2_load((const char *)xb + offsetof(struct block_q8_a256, bsums)));
            p[i] = kind == DOT_MINIMA ? _mm512_setzero_si512() : _mm512_zextsi256_si512(m);
            if (kind == DOT_MINIMA) least[i] = _mm256_fmadd_ps(_mm256_set1_ps(b.dmin * xb->d), _mm256_cvtepi32_ps(m), least[i]);
        }
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const __m512i q = codes(w, j), at = _mm512_add_epi16(first, _mm512_set1_epi16((int16_t)(64 / sub * j)));
            const __m512i scale = _mm512_permutexvar_epi16(at, _mm512_castsi256_si512(b.scale));
            for (int i = 0; i < nc; i++) {
                const struct block_q8_a256 *xb = (const struct block_q8_a256 *)(x + (size_t)i * a->x_stride);
                p[i] = _mm512_dpwssd_epi32(p[i], _mm512_maddubs_epi16(q, _mm512_loadu_si512(xb->qs + 64 * j)), scale);
            }
        }
        for (int i = 0; i < nc; i++) {
            const struct block_q8_a256 *xb = (const struct block_q8_a256 *)(x + (size_t)i * a->x_stride);
            sum[i] = _mm512_fmadd_ps(_mm512_set1_ps(b.d * xb->d), _mm512_cvtepi32_ps(p[i]), sum[i]);
        }
    }
    for (int i = 0; i < nc; i++) {
        float y = avx512_hsum(sum[i]);
        a->y[(c + (size_t)i) * a->ldy + r] = kind == DOT_MINIMA ? y - avx2_hsum(least[i]) : y;
    }
}

/* 16 bytes of scales and of offsets; codes that are 2^shift too high. */
AVX512_INLINE struct dot_block256 dot_scales16(__m128i scale, int shift, float d)
{
    const __m256i s = _mm256_cvtepi8_epi16(scale);
    return (struct dot_block256){s, _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_slli_epi16(s, shift)), d, 0};
}

/* q4_K's and q5_K's 12 bytes. */
AVX512_INLINE struct dot_block256 dot_scales8(const uint8_t scales[12], float d, float dmin)
{
    const struct avx2_block256 b = avx2_scales8(scales, d, dmin); /* its scales stand in both halves */
    return (struct dot_block256){b.scale, b.offset, d, dmin};
}

/* ---- Blocks of 32 ---- */

/* Four blocks of activations. */
struct dot_group {
    int8_t qs[4][32];
    int32_t too_high[16]; /* what codes that are too high add to dot_parts */
    float d[4], dsum[4];  /* dsum = d * sum of the codes */
};
enum { DOT_NO_SHIFT = -1 }; /* for a shift, which says that codes are 2^shift too high: they are not, and m is added */
enum { DOT_GROUPS = 16 };   /* those of 2048 elements: what of a row is multiplied at a time */

typedef __m512i dot_codes32(const void *block0, const void *block1); /* the unsigned codes of two blocks */

/* The products of four blocks, 8 parts to a block's sum, lane by lane of 128 bits: of blocks 0 2 0 2, 0 2 0 2, 1 3 1 3, 1 3 1 3. */
AVX512_INLINE __m512i dot_parts(__m512i q01, __m512i q23, const struct dot_group *g)
{
    const __m512i p01 = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q01, _mm512_loadu_si512(g->qs[0]));
    const __m512i p23 = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q23, _mm512_loadu_si512(g->qs[2]));
    return _mm512_add_epi32(_mm512_unpacklo_epi32(p01, p23), _mm512_unpackhi_epi32(p01, p23));
}

/* Blocks that are not there become zeros. */
AVX512_INLINE void dot_group32(struct dot_group *g, const char *x, size_t blocks, const int shift)
{
    memset(g, 0, sizeof *g);
    for (size_t i = 0; i < blocks; i++, x += sizeof(struct block_q8_a32)) {
        const struct block_q8_a32 *b = (const struct block_q8_a32 *)x;
        memcpy(g->qs[i], b->qs, sizeof b->qs);
        g->d[i] = b->d;
        g->dsum[i] = b->d * (float)b->sum;
    }
    const __m512i one = _mm512_set1_epi8(shift == DOT_NO_SHIFT ? 0 : (char)(1 << shift));
    _mm512_storeu_si512(g->too_high, dot_parts(one, one, g));
}

/* The part of y[c..c+nc) of one row that `blocks` blocks at w give. */
AVX512_INLINE void dot_tile32(const struct dot_args *a, size_t r, size_t c, const int nc, const size_t w_bytes, const char *w,
                              size_t blocks, bool first, const struct dot_group groups[][DOT_GROUPS], dot_codes32 *codes,
                              const int shift)
{
    const __m512i spread = _mm512_setr_epi32(0, 2, 0, 2, 0, 2, 0, 2, 1, 3, 1, 3, 1, 3, 1, 3);
    char end[4 * sizeof(struct block_q8_0)] = {0}; /* the last blocks and zeros, where they make no four */
    __m512 sum[DOT_COLS];
    __m128 least[DOT_COLS];
    for (int i = 0; i < nc; i++) sum[i] = _mm512_setzero_ps(), least[i] = _mm_setzero_ps();
    for (size_t k = 0; k < blocks; k += 4, w += 4 * w_bytes) {
        if (nc == 1) dot_ahead(w, 4 * w_bytes);
        if (k + 4 > blocks) w = memcpy(end, w, (blocks - k) * w_bytes);
        const __m512i q01 = codes(w, w + w_bytes), q23 = codes(w + 2 * w_bytes, w + 3 * w_bytes);
        const __m128 d = avx2_group_f16(w, w_bytes, 0, 4);
        for (int i = 0; i < nc; i++) {
            const struct dot_group *g = &groups[i][k / 4];
            __m512i p = dot_parts(q01, q23, g);
            if (shift != DOT_NO_SHIFT) p = _mm512_sub_epi32(p, _mm512_loadu_si512(g->too_high));
            const __m512 scale = _mm512_castps128_ps512(_mm_mul_ps(d, _mm_loadu_ps(g->d)));
            sum[i] = _mm512_fmadd_ps(_mm512_permutexvar_ps(spread, scale), _mm512_cvtepi32_ps(p), sum[i]);
            if (shift == DOT_NO_SHIFT)
                least[i] = _mm_fmadd_ps(avx2_group_f16(w, w_bytes, 2, 4), _mm_loadu_ps(g->dsum), least[i]);
        }
    }
    for (int i = 0; i < nc; i++) {
        float *y = a->y + (c + (size_t)i) * a->ldy + r, part = avx512_hsum(sum[i]);
        if (shift == DOT_NO_SHIFT) part += avx2_hsum(_mm256_zextps128_ps256(least[i]));
        *y = first ? part : *y + part;
    }
}

/* Columns c..c+nc of all rows, 2048 elements at a time. */
AVX512_INLINE void dot_columns32(const struct dot_args *a, size_t c, const int nc, const size_t w_bytes, dot_codes32 *codes,
                                 const int shift)
{
    struct dot_group groups[DOT_COLS][DOT_GROUPS];
    const size_t blocks = a->n / 32;
    size_t k = 0;
    do {
        const size_t n = blocks - k < 4 * DOT_GROUPS ? blocks - k : 4 * DOT_GROUPS;
        for (int i = 0; i < nc; i++) {
            const char *x = (const char *)a->x + (c + (size_t)i) * a->x_stride + k * sizeof(struct block_q8_a32);
            for (size_t b = 0; b < n; b += 4)
                dot_group32(&groups[i][b / 4], x + b * sizeof(struct block_q8_a32), n - b < 4 ? n - b : 4, shift);
        }
        for (size_t r = 0; r < a->rows; r++)
            dot_tile32(a, r, c, nc, w_bytes, (const char *)a->w + r * a->w_stride + k * w_bytes, n, k == 0, groups, codes, shift);
        k += n;
    } while (k < blocks);
}

/* The nibbles of two blocks in element order: low ones, then high ones, of either's 16 bytes. */
AVX512_INLINE __m512i dot_nibbles(const uint8_t qs0[16], const uint8_t qs1[16])
{
    const __m256i first = _mm256_broadcastsi128_si256(avx512_load16(qs0)), second = _mm256_broadcastsi128_si256(avx512_load16(qs1));
    const __m512i v = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
    const __m512i shift = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
    return _mm512_and_si512(_mm512_srlv_epi64(v, shift), _mm512_set1_epi8(15));
}

/* 16 more where a code's bit is set. */
AVX512_INLINE __m512i dot_fifth_bits(__m512i q, const uint8_t qh0[4], const uint8_t qh1[4])
{
    uint32_t low, high;
    memcpy(&low, qh0, sizeof low);
    memcpy(&high, qh1, sizeof high);
    return _mm512_mask_add_epi8(q, (__mmask64)(low | (uint64_t)high << 32), q, _mm512_set1_epi8(16));
}

/* A file's kernel and its row, of its `codes`. */
#define DOT_KERNEL32_AVX512(prefix, shift)                                                          \
    static void prefix##_dot_avx512(const struct dot_args *a)                                       \
    {                                                                                               \
        size_t c = 0;                                                                               \
        for (; c + DOT_COLS <= a->cols; c += DOT_COLS)                                              \
            dot_columns32(a, c, DOT_COLS, sizeof(struct block_##prefix), codes, shift);             \
        for (; c < a->cols; c++) dot_columns32(a, c, 1, sizeof(struct block_##prefix), codes, shift); \
    }                                                                                               \
    KERNEL(prefix##_dot, avx512, .needs = AVX512_NEEDS)

/* The same, of its `open_block` and `codes`. */
#define DOT_KERNEL256_AVX512(prefix, kind, sub)                                                     \
    static void tile_four(const struct dot_args *a, size_t r, size_t c)                             \
    {                                                                                               \
        dot_tile256(a, r, c, DOT_COLS, sizeof(struct block_##prefix), open_block, codes, kind, sub); \
    }                                                                                               \
    static void tile_one(const struct dot_args *a, size_t r, size_t c)                              \
    {                                                                                               \
        dot_tile256(a, r, c, 1, sizeof(struct block_##prefix), open_block, codes, kind, sub);       \
    }                                                                                               \
    static void prefix##_dot_avx512(const struct dot_args *a)                                       \
    {                                                                                               \
        dot_walk(a, tile_four, tile_one);                                                           \
    }                                                                                               \
    KERNEL(prefix##_dot, avx512, .needs = AVX512_NEEDS)

#endif
