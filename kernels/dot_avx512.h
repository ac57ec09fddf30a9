/* dot_avx512.h - few columns: the AVX-512 products of quantised weights that read each weight where it lies, one row by up to
 * four columns at a time, for which its codes and scales are unpacked once. 64 codes fill a register.
 *
 * Blocks of 256: products are added in pairs to int16 (maddubs: 2 * 63 * 127 fits) and these by twos, times the sub-blocks'
 * scales, to int32 (dpwssd): per 64 codes these two and a permutation that spreads the scales, beside the unpacking.
 *
 * Blocks of 32: two blocks a register, dpbusd. Four blocks share what follows, so the activations are laid out anew by fours,
 * once a call, or once a strip of very long rows. Signed codes are raised to unsigned ones; what that adds is known before, and
 * taken off each lane's sum. Where the last blocks make no four, the row's last four
 * are multiplied, of which those that had their turn count nothing; of rows shorter than four blocks what follows them counts
 * nothing. Blocks copied to where zeros follow them would be loaded before their stores are done, which stalls for longer than
 * a short row takes: so only those at the end of all rows are.
 *
 * Blocks lie at any address, so most loads of weights cross a line and take two of the one 512-bit load a cycle that Zen 4
 * has: as many as the arithmetic takes. One load therefore brings the nibbles of two blocks or the scales of four, and
 * activations are aligned.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_AVX512_H
#define HARTREE_DOT_AVX512_H

#include "kernels/dot_avx2.h"
#include "kernels/simd_avx512.h"

KERNEL_INLINE float avx512_hsum(__m512 v)
{
    return avx2_hsum(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)));
}

/* n where bytes of the lower half are meant, m for the upper half, as counts for shifts of 16-bit lanes. */
KERNEL_INLINE __m512i avx512_halves(int n, int m)
{
    return _mm512_inserti64x4(_mm512_set1_epi16((int16_t)n), _mm256_set1_epi16((int16_t)m), 1);
}

/* The same 32 bytes in both halves. */
KERNEL_INLINE __m512i avx512_twice(const void *p)
{
    return _mm512_broadcast_i64x4(avx2_load(p));
}

/* ---- Blocks of 256 ---- */

typedef __m512i dot_codes256(const void *block, int j); /* unsigned codes of elements 64j .. 64j+63 */

/* One row by `cols` columns; `shift` as in dot_avx2.h. */
KERNEL_INLINE void dot_row256_avx512(const char *w, const struct block_q8_a256 *x[DOT_COLS], size_t blocks, float y[DOT_COLS],
                                     const int cols, const size_t w_block, avx2_open256 *open, dot_codes256 *codes,
                                     const int shift)
{
    const int one = 0x00010001; /* for each int16 of two products the number of its sub-block, less 4j */
    const __m512i first = _mm512_setr_epi32(0, 0, 0, 0, one, one, one, one, 2 * one, 2 * one, 2 * one, 2 * one, 3 * one,
                                            3 * one, 3 * one, 3 * one);
    __m512 sum[DOT_COLS];
    __m256 least[DOT_COLS];
    for (int i = 0; i < cols; i++) sum[i] = _mm512_setzero_ps(), least[i] = _mm256_setzero_ps();
    for (; blocks; blocks--, w += w_block) {
        dot_ahead(w, w_block);
        const struct avx2_block256 s = open(w);
        const __m512i scales = _mm512_castsi256_si512(_mm256_cvtepi8_epi16(s.scale));
        const __m256i offset = _mm256_cvtepi8_epi16(s.offset);
        __m512i p[DOT_COLS];
        for (int i = 0; i < cols; i++) {
            const __m256i m = _mm256_madd_epi16(offset, avx2_load((const char *)x[i] + offsetof(struct block_q8_a256, bsums)));
            p[i] = _mm512_setzero_si512();
            if (shift == AVX2_MINIMA)
                least[i] = _mm256_fmadd_ps(_mm256_set1_ps(s.dmin * x[i]->d), _mm256_cvtepi32_ps(m), least[i]);
            else
                p[i] = _mm512_sub_epi32(p[i], _mm512_zextsi256_si512(_mm256_slli_epi32(m, shift)));
        }
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const __m512i at = _mm512_add_epi16(first, _mm512_set1_epi16((int16_t)(4 * j)));
            const __m512i q = codes(w, j), scale = _mm512_permutexvar_epi16(at, scales);
            for (int i = 0; i < cols; i++)
                p[i] = _mm512_dpwssd_epi32(p[i], _mm512_maddubs_epi16(q, _mm512_loadu_si512(x[i]->qs + 64 * j)), scale);
        }
        for (int i = 0; i < cols; i++)
            sum[i] = _mm512_fmadd_ps(_mm512_set1_ps(s.d * x[i]++->d), _mm512_cvtepi32_ps(p[i]), sum[i]);
    }
    for (int i = 0; i < cols; i++)
        y[i] = shift == AVX2_MINIMA ? avx512_hsum(sum[i]) - avx2_hsum(least[i]) : avx512_hsum(sum[i]);
}

/* A file's kernel and its row, of its `codes`. */
#define DOT_KERNEL_AVX512_256(prefix, isa, shift, columns)                                                                     \
    DOT_KERNEL_256(prefix, isa, AVX512_NEEDS, columns, dot_row256_avx512, sizeof(struct block_##prefix), open_##prefix, codes, \
                   shift)

/* ---- Blocks of 32 ---- */

/* Four blocks of activations. */
struct dot_group {
    _Alignas(64) int8_t qs[4][32];
    int32_t too_high[16]; /* what codes that are too high add to dot_parts */
    float d[16], dsum[4]; /* d for each of dot_parts; dsum = d * sum of the codes */
};
enum { DOT_MINIMA = -1 }; /* for a shift, which says that codes are 2^shift too high: they are not, and m is added */
/* What of a row is multiplied at a time, whatever the number of columns, for the bits' sake: 8192 elements. Where rows are
 * longer, a strip of them is multiplied by all slices before the next, so that memory is read nearly in order. */
enum { DOT_GROUPS = 64, DOT_STRIP_ROWS = 32 };

/* Four blocks of weights: what lies at w, its first 64 bytes, and its last, or, of long blocks, the next. */
struct dot_four {
    const char *w;
    __m512i head, tail;
};

typedef __m512i dot_codes32(const struct dot_four *b, const int pair); /* the unsigned codes of blocks 2 pair, 2 pair + 1 */

/* Where tail begins. */
KERNEL_INLINE size_t dot_tail(size_t w_block)
{
    return w_block < 32 ? 4 * w_block - 64 : 64;
}

/* Where a word, two bytes `at` bytes into block i, stands among those of head and tail, for permutations of both. */
KERNEL_INLINE int dot_word(size_t w_block, size_t i, size_t at)
{
    const size_t byte = i * w_block + at;
    return (int)(byte < 64 ? byte : byte - dot_tail(w_block) + 64) / 2;
}

/* Needs then >= at. The words `at` bytes into blocks 0 2 0 2, 0 2 0 2, 1 3 1 3, 1 3 1 3, and those `then` bytes into blocks 0 1
 * 2 3. */
KERNEL_INLINE __m512i dot_words(const struct dot_four *b, const size_t w_block, const size_t at, const size_t then)
{
    const int even = dot_word(w_block, 0, at) | dot_word(w_block, 2, at) << 16,
              odd = dot_word(w_block, 1, at) | dot_word(w_block, 3, at) << 16,
              low = dot_word(w_block, 0, then) | dot_word(w_block, 1, then) << 16,
              high = dot_word(w_block, 2, then) | dot_word(w_block, 3, then) << 16;
    const __m512i from = _mm512_setr_epi32(even, even, even, even, odd, odd, odd, odd, low, high, 0, 0, 0, 0, 0, 0);
    if (3 * w_block + then < 64) return _mm512_permutexvar_epi16(from, b->head);
    return _mm512_permutex2var_epi16(b->head, from, b->tail);
}

/* The products of four blocks, 8 parts to a block's sum, lane by lane of 128 bits: of blocks 0 2 0 2, 0 2 0 2, 1 3 1 3, 1 3
 * 1 3. */
KERNEL_INLINE __m512i dot_parts(__m512i q01, __m512i q23, const struct dot_group *g)
{
    const __m512i p01 = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q01, _mm512_loadu_si512(g->qs[0]));
    const __m512i p23 = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q23, _mm512_loadu_si512(g->qs[2]));
    return _mm512_add_epi32(_mm512_unpacklo_epi32(p01, p23), _mm512_unpackhi_epi32(p01, p23));
}

/* `blocks` of them from the group's block `first` on; the others become zeros. */
KERNEL_INLINE void dot_group32(struct dot_group *g, const struct block_q8_a32 *x, size_t first, size_t blocks, const int shift)
{
    float d[4] = {0};
    memset(g, 0, sizeof *g);
    for (size_t i = first; i < first + blocks; i++, x++) {
        memcpy(g->qs[i], x->qs, sizeof x->qs);
        d[i] = x->d;
        g->dsum[i] = x->d * (float)x->sum;
    }
    const __m512i raised = _mm512_set1_epi8(shift == DOT_MINIMA ? 0 : (char)(1 << shift));
    _mm512_storeu_si512(g->too_high, dot_parts(raised, raised, g));
    for (int i = 0; i < 16; i++) g->d[i] = d[i / 8 + i % 2 * 2];
}

/* Weights that are used after a row's slice more: for the second-level cache, since the first is full of activations. A strip's
 * last row asks for one of the next strip. */
KERNEL_INLINE void dot_later(const char *w, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64) _mm_prefetch(w + i, _MM_HINT_T1);
}

/* A set of a group's blocks, as bits, as lanes of dot_parts. */
KERNEL_INLINE __mmask16 dot_lanes(unsigned set)
{
    return (__mmask16)((set & 1) * 0x0055 + (set >> 1 & 1) * 0x5500 + (set >> 2 & 1) * 0x00aa + (set >> 3 & 1) * 0xaa00);
}

/* What the groups of one row at w give with `cols` columns; of the last group's blocks those of the set `last`. Where this is a
 * slice, next_row says how many bytes on the next row's is. `end`: of the last group, where it is not in place. */
KERNEL_INLINE void dot_row32_avx512(float y[DOT_COLS], const char *w, const char *end, struct dot_group g[DOT_COLS][DOT_GROUPS],
                                    size_t groups, unsigned last, size_t next_row, const int cols, const size_t w_block,
                                    dot_codes32 *codes, const int shift)
{
    __m512 sum[DOT_COLS];
    __m128 offset[DOT_COLS];
    for (int i = 0; i < cols; i++) sum[i] = _mm512_setzero_ps(), offset[i] = _mm_setzero_ps();
    for (size_t k = 0; k < groups; k++, w += 4 * w_block) {
        const unsigned set = k + 1 < groups ? 15 : last;
        if (next_row)
            dot_later((const char *)((uintptr_t)w + next_row), 4 * w_block);
        else
            dot_ahead(w, 4 * w_block);
        if (k + 1 == groups) w = end;
        const struct dot_four b = {w, _mm512_loadu_si512(w), _mm512_loadu_si512(w + dot_tail(w_block))};
        const __m512i q01 = codes(&b, 0), q23 = codes(&b, 1), words = dot_words(&b, w_block, 0, 2);
        const __m512 d = _mm512_maskz_cvtph_ps(dot_lanes(set), _mm512_castsi512_si256(words));
        const __m128 m =
            shift == DOT_MINIMA ? _mm_maskz_cvtph_ps((__mmask8)set, _mm512_extracti32x4_epi32(words, 2)) : _mm_setzero_ps();
        for (int i = 0; i < cols; i++) {
            const struct dot_group *x = &g[i][k];
            __m512i p = dot_parts(q01, q23, x);
            if (shift != DOT_MINIMA)
                p = _mm512_sub_epi32(p, _mm512_loadu_si512(x->too_high));
            else
                offset[i] = _mm_fmadd_ps(m, _mm_loadu_ps(x->dsum), offset[i]);
            sum[i] = _mm512_fmadd_ps(_mm512_mul_ps(d, _mm512_loadu_ps(x->d)), _mm512_cvtepi32_ps(p), sum[i]);
        }
    }
    for (int i = 0; i < cols; i++) {
        y[i] = avx512_hsum(sum[i]);
        if (shift == DOT_MINIMA) y[i] += avx2_hsum(_mm256_zextps128_ps256(offset[i]));
    }
}

KERNEL_INLINE void dot_strip32_avx512(const struct dot_args *a, size_t c, const int cols, const size_t w_block,
                                      dot_codes32 *codes, const int shift)
{
    struct dot_group groups[DOT_COLS][DOT_GROUPS];
    char copy[4 * sizeof(struct block_q8_0)];
    const size_t blocks = a->n / 32, slice = 4 * DOT_GROUPS, strip = blocks > slice ? DOT_STRIP_ROWS : a->rows;
    const size_t next_row = blocks > slice ? a->w_stride : 0;
    for (size_t r0 = 0; r0 < a->rows; r0 += strip) {
        const size_t r1 = a->rows - r0 < strip ? a->rows : r0 + strip;
        size_t k = 0;
        do {
            const size_t n = blocks - k < slice ? blocks - k : slice, n_groups = (n + 3) / 4, lacks = 4 * n_groups - n;
            const size_t before = k + n >= 4 ? lacks : 0; /* blocks that had their turn and stand in the last group again */
            for (size_t i = 0; i < (size_t)cols; i++) {
                const struct block_q8_a32 *x = dot_column(a, c + i);
                x += k;
                for (size_t g = 0; g + 1 < n_groups; g++) dot_group32(&groups[i][g], x + 4 * g, 0, 4, shift);
                if (n) dot_group32(&groups[i][n_groups - 1], x + n - (4 - lacks), before, 4 - lacks, shift);
            }
            for (size_t r = r0; r < r1; r++) {
                const char *w = (const char *)a->w + r * a->w_stride + k * w_block;
                const char *end = w + n * w_block - (4 - lacks + before) * w_block;
                float y[DOT_COLS], *to = a->y + c * a->ldy + r;
                if (lacks > before && (a->rows - 1 - r) * a->w_stride < lacks * w_block)
                    end = memcpy(memset(copy, 0, sizeof copy), w, n * w_block);
                dot_row32_avx512(y, w, end, groups, n_groups, (15u >> lacks) << before, next_row, cols, w_block, codes, shift);
                for (size_t i = 0; i < (size_t)cols; i++) to[i * a->ldy] = (k ? to[i * a->ldy] : 0) + y[i];
            }
            k += n;
        } while (k < blocks);
    }
}

#define DOT_KERNEL_AVX512_32(prefix, isa, shift, columns)                                                                      \
    DOT_KERNEL(prefix, isa, AVX512_NEEDS, columns, dot_strip32_avx512, sizeof(struct block_##prefix), codes, shift)

/* Needs blocks two of which lie in 64 bytes. The nibbles, `at` bytes into their blocks, of blocks 2 pair and 2 pair + 1 in
 * element order: low ones, then high ones. */
KERNEL_INLINE __m512i dot_nibbles(const struct dot_four *b, const int pair, const size_t w_block, const size_t at)
{
    const int64_t each = 0x0001000100010001, next = 0x0003000200010000; /* four words from one on */
    const size_t skip = pair ? dot_tail(w_block) : 0;                   /* what comes before head, or before tail */
    const int64_t low = (int64_t)(2 * (size_t)pair * w_block + at - skip) / 2 * each + next,
                  high = (int64_t)((2 * (size_t)pair + 1) * w_block + at - skip) / 2 * each + next;
    const __m512i from =
        _mm512_setr_epi64(low, low + 4 * each, low, low + 4 * each, high, high + 4 * each, high, high + 4 * each);
    const __m512i v = _mm512_permutexvar_epi16(from, pair ? b->tail : b->head);
    const __m512i shift = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
    return _mm512_and_si512(_mm512_srlv_epi64(v, shift), _mm512_set1_epi8(15));
}

/* 16 more where a code's bit is set, in the 32 bits that stand `at` bytes into its block. */
KERNEL_INLINE __m512i dot_fifth_bits(__m512i q, const struct dot_four *b, const int pair, const size_t w_block, const size_t at)
{
    uint32_t low, high;
    memcpy(&low, b->w + 2 * (size_t)pair * w_block + at, sizeof low);
    memcpy(&high, b->w + (2 * (size_t)pair + 1) * w_block + at, sizeof high);
    return _mm512_mask_add_epi8(q, (__mmask64)(low | (uint64_t)high << 32), q, _mm512_set1_epi8(16));
}

#endif
