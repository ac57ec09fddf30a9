/* simd_avx2.h - what the AVX2 kernels of the tensor types share: the walk over outputs, and the two shapes of a quantised
 * product.
 *
 * The walk. Outputs are computed in tiles of one weight row by four activation rows (then by one for the rest), so that a
 * weight block is unpacked once for four products and the four activation rows stay in the first-level cache while weight rows
 * pass by. Weight rows are taken in strips that fit the second-level cache: memory sees each weight once, however many columns
 * there are. An output's own chain of operations is the same in both tile shapes, so its bits do not depend on where it falls.
 *
 * Overflow. maddubs adds two u8 * s8 products in int16. Activation codes lie in -127..127, so the largest is 2 * 128 * 127 =
 * 32512 (q8_0's -128); all other types' codes are below 64.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SIMD_AVX2_H
#define HARTREE_SIMD_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "kernels/blocks.h"
#include "kernels/kernel.h"

/* The tiles are templates: `nc` and the unpacking functions are constants that must be seen through. */
#define AVX2_INLINE static inline __attribute__((always_inline))

enum { DOT_COLS = 4, DOT_STRIP_BYTES = 128 * 1024 };

/* A single column's weights come from memory and are soon used up: they are asked for this far ahead, in the order of their
 * addresses. The hardware's own prefetcher stops at every page. Beyond a matrix's end this is only a hint that goes unheard. */
enum { DOT_AHEAD_BYTES = 2048 };

AVX2_INLINE void dot_ahead(const char *w, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64) _mm_prefetch((const char *)((uintptr_t)w + DOT_AHEAD_BYTES + i), _MM_HINT_T0);
}

typedef void dot_tile(const struct dot_args *a, size_t r, size_t c);

static inline void dot_walk(const struct dot_args *a, dot_tile *four, dot_tile *one)
{
    size_t strip = a->w_stride ? DOT_STRIP_BYTES / a->w_stride : 1;
    if (strip == 0) strip = 1;
    for (size_t r0 = 0; r0 < a->rows; r0 += strip) {
        size_t r1 = r0 + strip < a->rows ? r0 + strip : a->rows, c = 0;
        for (; c + DOT_COLS <= a->cols; c += DOT_COLS)
            for (size_t r = r0; r < r1; r++) four(a, r, c);
        for (; c < a->cols; c++)
            for (size_t r = r0; r < r1; r++) one(a, r, c);
    }
}

/* A file's two tile shapes, its kernel and its row, all of its `tile(a, r, c, nc)`; `isa` is as in the name of the file. */
#define DOT_KERNEL_AVX2(prefix, isa)                                                                                           \
    static void tile_four(const struct dot_args *a, size_t r, size_t c)                                                        \
    {                                                                                                                          \
        tile(a, r, c, DOT_COLS);                                                                                               \
    }                                                                                                                          \
    static void tile_one(const struct dot_args *a, size_t r, size_t c)                                                         \
    {                                                                                                                          \
        tile(a, r, c, 1);                                                                                                      \
    }                                                                                                                          \
    static void prefix##_dot_##isa(const struct dot_args *a)                                                                   \
    {                                                                                                                          \
        dot_walk(a, tile_four, tile_one);                                                                                      \
    }                                                                                                                          \
    KERNEL(prefix##_dot, isa, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C)

AVX2_INLINE float avx2_hsum(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

AVX2_INLINE float avx2_f16(uint16_t h)
{
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}

AVX2_INLINE __m256i avx2_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

/* Each byte shifted left (right where n < 0) and masked: bits that cross a byte's border are masked away. */
AVX2_INLINE __m256i avx2_bits(__m256i v, int n, int mask)
{
    v = n > 0 ? _mm256_slli_epi16(v, n) : n < 0 ? _mm256_srli_epi16(v, -n) : v;
    return _mm256_and_si256(v, _mm256_set1_epi8((char)mask));
}

/* ---- Dequantising: y = d * q, or with has_m d * q - m, each operation rounded as in the scalar rows ---- */

AVX2_INLINE void avx2_store16(float *y, __m128i q, __m256 d, __m256 m, const int has_m)
{
    for (int i = 0; i < 2; i++) {
        __m256 v = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(i ? _mm_srli_si128(q, 8) : q)));
        _mm256_storeu_ps(y + 8 * i, has_m ? _mm256_sub_ps(v, m) : v);
    }
}

AVX2_INLINE void avx2_store32(float *y, __m256i q, __m256 d, __m256 m, const int has_m)
{
    avx2_store16(y, _mm256_castsi256_si128(q), d, m, has_m);
    avx2_store16(y + 16, _mm256_extracti128_si256(q, 1), d, m, has_m);
}

/* ---- f32, f16, bf16 ---- */

typedef __m256 avx2_load8(const void *w); /* eight weights as floats */

/* y[c..c+nc) of one row. Two sums, of even and of odd groups of eight, hide some of the additions' latency. The last group is
 * padded with zeros, which change no sum. */
AVX2_INLINE void avx2_tile_float(const struct dot_args *a, size_t r, size_t c, const int nc, const size_t w_bytes,
                                 avx2_load8 *load)
{
    const char *w = (const char *)a->w + r * a->w_stride, *x[DOT_COLS];
    __m256 even[DOT_COLS], odd[DOT_COLS];
    for (int i = 0; i < nc; i++) {
        x[i] = (const char *)a->x + (c + (size_t)i) * a->x_stride;
        even[i] = odd[i] = _mm256_setzero_ps();
    }
    size_t k = 0;
    for (; k + 16 <= a->n; k += 16) {
        const __m256 w0 = load(w + k * w_bytes), w1 = load(w + (k + 8) * w_bytes);
        if (nc == 1) dot_ahead(w + k * w_bytes, 16 * w_bytes);
        for (int i = 0; i < nc; i++) {
            const float *p = (const float *)x[i] + k;
            even[i] = _mm256_fmadd_ps(w0, _mm256_loadu_ps(p), even[i]);
            odd[i] = _mm256_fmadd_ps(w1, _mm256_loadu_ps(p + 8), odd[i]);
        }
    }
    if (k < a->n) {
        float end[16] = {0}; /* room for 16 weights of any of the types */
        memcpy(end, w + k * w_bytes, (a->n - k) * w_bytes);
        const __m256 w0 = load(end), w1 = load((const char *)end + 8 * w_bytes);
        for (int i = 0; i < nc; i++) {
            float p[16] = {0};
            memcpy(p, (const float *)x[i] + k, (a->n - k) * sizeof *p);
            even[i] = _mm256_fmadd_ps(w0, _mm256_loadu_ps(p), even[i]);
            odd[i] = _mm256_fmadd_ps(w1, _mm256_loadu_ps(p + 8), odd[i]);
        }
    }
    for (int i = 0; i < nc; i++) a->y[(c + (size_t)i) * a->ldy + r] = avx2_hsum(_mm256_add_ps(even[i], odd[i]));
}

/* ---- Blocks of 32 ---- */

/* The 4-bit codes of 16 bytes in element order: low nibbles, then high ones. */
AVX2_INLINE __m256i avx2_codes4(const uint8_t qs[16])
{
    __m256i v = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)qs));
    return _mm256_and_si256(_mm256_srlv_epi64(v, _mm256_setr_epi64x(0, 0, 4, 4)), _mm256_set1_epi8(15));
}

/* All ones in every byte whose bit of the 32 is set: each byte gets the one of the four that holds its bit, and tests it. */
AVX2_INLINE __m256i avx2_bits32(const uint8_t qh[4])
{
    int32_t bits;
    memcpy(&bits, qh, sizeof bits);
    const __m256i where = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i v = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(bits), where), bit);
    return _mm256_cmpeq_epi8(v, bit);
}

/* Nibbles and a fifth bit minus 16, as signed bytes: the upper half is all ones where the fifth bit is not set. */
AVX2_INLINE __m256i avx2_codes5_signed(const uint8_t qs[16], const uint8_t qh[4])
{
    return _mm256_or_si256(avx2_codes4(qs), _mm256_andnot_si256(avx2_bits32(qh), _mm256_set1_epi8((char)0xf0)));
}

/* The 32 codes of a block. Every block begins with its f16 scale d; where there is an offset m, it is next. */
typedef __m256i avx2_codes32(const void *block);

/* What codes are: signed bytes, signed ones of size <= 16, or unsigned ones below 32 that m is added to. */
enum avx2_kind { AVX2_SIGNED8, AVX2_SIGNED5, AVX2_OFFSET };

enum { GROUP = 4 }; /* blocks that share their sums' last steps */

/* The f16 that stands `at` bytes into each of n blocks, n = 1 or GROUP; 0 for the rest. */
AVX2_INLINE __m128 avx2_group_f16(const char *block, size_t stride, size_t at, const int n)
{
    uint16_t h[GROUP] = {0};
    for (int i = 0; i < n; i++) memcpy(&h[i], block + (size_t)i * stride + at, sizeof h[i]);
    __m128i v = _mm_cvtsi32_si128(h[0]);
    if (n > 1) v = _mm_insert_epi16(_mm_insert_epi16(_mm_insert_epi16(v, h[1], 1), h[2], 2), h[3], 3);
    return _mm_cvtph_ps(v);
}

/* The scales, and the sums of codes, of n activation blocks. */
AVX2_INLINE __m128 avx2_group_d(const char *block, const int n)
{
    const struct block_q8_a32 *b = (const struct block_q8_a32 *)block;
    return n == 1 ? _mm_set_ss(b[0].d) : _mm_setr_ps(b[0].d, b[1].d, b[2].d, b[3].d);
}

AVX2_INLINE __m128 avx2_group_sum(const char *block, const int n)
{
    const struct block_q8_a32 *b = (const struct block_q8_a32 *)block;
    return _mm_cvtepi32_ps(n == 1 ? _mm_cvtsi32_si128(b[0].sum) : _mm_setr_epi32(b[0].sum, b[1].sum, b[2].sum, b[3].sum));
}

/* Adds to nc outputs what n = 1 or GROUP blocks give. The products of a block are added up in integers to two sums, of its
 * elements 0..15 and 16..31; those of the group's blocks stand side by side in the two halves of one vector, so that one
 * conversion and one multiplication by the scales serve four blocks. Signed codes: |w| times x with w's sign. Codes of 5 bits
 * leave room to add four products in int16: 4 * 2 * 31 * 127 = 31496. */
AVX2_INLINE void avx2_group32(const char *w, const char *const x[], const int n, const int nc, const size_t w_bytes,
                              avx2_codes32 *codes, const enum avx2_kind kind, __m256 sum[], __m128 offset[])
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i q[GROUP];
    for (int k = 0; k < n; k++) q[k] = codes(w + (size_t)k * w_bytes);
    const __m128 d = avx2_group_f16(w, w_bytes, 0, n);
    const __m128 m = kind == AVX2_OFFSET ? avx2_group_f16(w, w_bytes, 2, n) : _mm_setzero_ps();
    for (int i = 0; i < nc; i++) {
        __m256i p[GROUP], s;
        for (int k = 0; k < GROUP; k++) {
            if (k >= n) {
                p[k] = _mm256_setzero_si256();
                continue;
            }
            const __m256i v = avx2_load(((const struct block_q8_a32 *)x[i] + k)->qs);
            p[k] = kind == AVX2_OFFSET ? _mm256_maddubs_epi16(q[k], v)
                                       : _mm256_maddubs_epi16(_mm256_abs_epi8(q[k]), _mm256_sign_epi8(v, q[k]));
            if (kind == AVX2_SIGNED8) p[k] = _mm256_madd_epi16(p[k], ones);
        }
        if (kind == AVX2_SIGNED8)
            s = _mm256_hadd_epi32(_mm256_hadd_epi32(p[0], p[1]), _mm256_hadd_epi32(p[2], p[3]));
        else
            s = _mm256_madd_epi16(_mm256_hadd_epi16(_mm256_hadd_epi16(p[0], p[1]), _mm256_hadd_epi16(p[2], p[3])), ones);
        const __m128 dx = avx2_group_d(x[i], n), scale = _mm_mul_ps(d, dx);
        sum[i] = _mm256_fmadd_ps(_mm256_set_m128(scale, scale), _mm256_cvtepi32_ps(s), sum[i]);
        if (kind == AVX2_OFFSET)
            offset[i] = _mm_fmadd_ps(_mm_mul_ps(m, dx), avx2_group_sum(x[i], n), offset[i]);
    }
}

/* y[c..c+nc) of one row. */
AVX2_INLINE void avx2_tile32(const struct dot_args *a, size_t r, size_t c, const int nc, const size_t w_bytes,
                             avx2_codes32 *codes, const enum avx2_kind kind)
{
    const char *w = (const char *)a->w + r * a->w_stride, *x[DOT_COLS];
    __m256 sum[DOT_COLS];
    __m128 offset[DOT_COLS];
    for (int i = 0; i < nc; i++) {
        x[i] = (const char *)a->x + (c + (size_t)i) * a->x_stride;
        sum[i] = _mm256_setzero_ps();
        offset[i] = _mm_setzero_ps();
    }
    size_t k = 0;
    for (; k + GROUP * 32 <= a->n; k += GROUP * 32, w += GROUP * w_bytes) {
        if (nc == 1) dot_ahead(w, GROUP * w_bytes);
        avx2_group32(w, x, GROUP, nc, w_bytes, codes, kind, sum, offset);
        for (int i = 0; i < nc; i++) x[i] += GROUP * sizeof(struct block_q8_a32);
    }
    for (; k < a->n; k += 32, w += w_bytes) {
        avx2_group32(w, x, 1, nc, w_bytes, codes, kind, sum, offset);
        for (int i = 0; i < nc; i++) x[i] += sizeof(struct block_q8_a32);
    }
    for (int i = 0; i < nc; i++) {
        if (kind == AVX2_OFFSET) sum[i] = _mm256_add_ps(sum[i], _mm256_zextps128_ps256(offset[i]));
        a->y[(c + (size_t)i) * a->ldy + r] = avx2_hsum(sum[i]);
    }
}

/* ---- Blocks of 256 ---- */

/* The scales of a block. `scale`: int16 scales of the 16-element sub-blocks, even ones in the low half, odd ones in the high
 * half (sub-blocks of 32: the same in both), so that one in-lane shuffle spreads those of 32 elements. `offset`: what
 * multiplies bsums, in order. */
struct avx2_block256 {
    __m256i scale, offset;
    float d, dmin;
};
typedef struct avx2_block256 avx2_open256(const void *block);
typedef __m256i avx2_codes256(const void *block, int j); /* unsigned codes of elements 32j .. 32j+31 */

enum { AVX2_MINIMA = -1 };

/* y[c..c+nc) of one row. The block's offset is dmin * <offset, bsums> where shift is AVX2_MINIMA, else codes are 2^shift too
 * high: <offset, bsums> << shift is taken off the integer sum. */
AVX2_INLINE void avx2_tile256(const struct dot_args *a, size_t r, size_t c, const int nc, const size_t w_bytes,
                              avx2_open256 *open, avx2_codes256 *codes, const int shift)
{
    const char *w = (const char *)a->w + r * a->w_stride, *x[DOT_COLS];
    __m256 sum[DOT_COLS];
    for (int i = 0; i < nc; i++) {
        x[i] = (const char *)a->x + (c + (size_t)i) * a->x_stride;
        sum[i] = _mm256_setzero_ps();
    }
    for (size_t k = 0, at = 0; k < a->n; k += 256, w += w_bytes, at += sizeof(struct block_q8_a256)) {
        if (nc == 1) dot_ahead(w, w_bytes);
        const struct avx2_block256 b = open(w);
        __m256i p[DOT_COLS];
        for (int i = 0; i < nc; i++) p[i] = _mm256_setzero_si256();
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) {
            const __m256i q = codes(w, j);
            const __m256i scale = _mm256_shuffle_epi8(b.scale, _mm256_set1_epi16((short)(0x0100 + 0x0202 * j)));
            for (int i = 0; i < nc; i++) {
                const struct block_q8_a256 *xb = (const struct block_q8_a256 *)(x[i] + at);
                __m256i t = _mm256_maddubs_epi16(q, avx2_load(xb->qs + 32 * j));
                p[i] = _mm256_add_epi32(p[i], _mm256_madd_epi16(t, scale));
                __asm__("" : "+x"(p[i])); /* keeps the compiler from regrouping the sums: it would spill half of them */
            }
        }
        for (int i = 0; i < nc; i++) {
            const struct block_q8_a256 *xb = (const struct block_q8_a256 *)(x[i] + at);
            __m256i m = _mm256_madd_epi16(b.offset, avx2_load((const char *)xb + offsetof(struct block_q8_a256, bsums)));
            if (shift != AVX2_MINIMA) p[i] = _mm256_sub_epi32(p[i], _mm256_slli_epi32(m, shift));
            sum[i] = _mm256_fmadd_ps(_mm256_set1_ps(b.d * xb->d), _mm256_cvtepi32_ps(p[i]), sum[i]);
            if (shift == AVX2_MINIMA) sum[i] = _mm256_fnmadd_ps(_mm256_set1_ps(b.dmin * xb->d), _mm256_cvtepi32_ps(m), sum[i]);
        }
    }
    for (int i = 0; i < nc; i++) a->y[(c + (size_t)i) * a->ldy + r] = avx2_hsum(sum[i]);
}

/* 16 signed bytes, one a sub-block of 16, as `scale` and `offset` of a block. */
AVX2_INLINE struct avx2_block256 avx2_scales16(__m128i scale, __m128i offset, float d, float dmin)
{
    const __m128i even_odd = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    return (struct avx2_block256){_mm256_cvtepi8_epi16(_mm_shuffle_epi8(scale, even_odd)), _mm256_cvtepi8_epi16(offset), d,
                                  dmin};
}

/* q3_K's 16 scales as they multiply, signed bytes. */
AVX2_INLINE __m128i avx2_scales_q3(const uint8_t scales[12])
{
    uint32_t u[3];
    memcpy(u, scales, sizeof u);
    const uint32_t low = 0x0f0f0f0f, high = 0x30303030; /* the pairs of bits go up to 5:4 */
    __m128i s = _mm_setr_epi32((int)((u[0] & low) | (u[2] << 4 & high)), (int)((u[1] & low) | (u[2] << 2 & high)),
                               (int)((u[0] >> 4 & low) | (u[2] & high)), (int)((u[1] >> 4 & low) | (u[2] >> 2 & high)));
    return _mm_sub_epi8(s, _mm_set1_epi8(32));
}

/* q4_K's and q5_K's 12 bytes: in each of three words of four, 6-bit fields as blocks.h draws them. */
AVX2_INLINE struct avx2_block256 avx2_scales8(const uint8_t scales[12], float d, float dmin)
{
    uint32_t u[3];
    memcpy(u, scales, sizeof u);
    uint64_t sc = (u[0] & 0x3f3f3f3f) | (uint64_t)((u[2] & 0x0f0f0f0f) | (u[0] >> 2 & 0x30303030)) << 32;
    uint64_t mn = (u[1] & 0x3f3f3f3f) | (uint64_t)((u[2] >> 4 & 0x0f0f0f0f) | (u[1] >> 2 & 0x30303030)) << 32;
    __m128i s = _mm_cvtepu8_epi16(_mm_cvtsi64_si128((long long)sc)), m = _mm_cvtsi64_si128((long long)mn);
    return (struct avx2_block256){_mm256_broadcastsi128_si256(s), _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(m, m)), d, dmin};
}

#endif
