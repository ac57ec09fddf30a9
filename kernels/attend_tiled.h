/* attend_tiled.h - attention over a cache of type ATTEND_TYPE, as a template over the vectors of vec.h. A kernel file includes
 * one of vec_*.h, defines ATTEND_TYPE, then includes this.
 *
 * Vectors q are taken in blocks of up to 96, positions in tiles of 64, so that keys and values are converted once for a block:
 *
 *      keys, transposed                 scores, 64 a vector               a strip of values, as they lie
 *      kt[d][WIDTH]                     score[96][64]                     strip[64][WIDTH]
 *      q[0..6)[j] times kt[j]   ->      exp(score - max)            ->    acc[0..6) += score[0..6)[t] times strip[t]
 *
 * Both products have one inner loop, of 6 vectors by 2 registers: 12 sums, enough to hide the latency of a multiply-add where
 * two are begun a cycle, for 8 loads of which 6 are broadcasts. No sum crosses lanes. It is the largest such tile that 16
 * registers hold, bound by its multiply-adds: 32 FLOPs a cycle on AVX2. Beside it stand the softmax, about 20 instructions for
 * a register of scores that took d multiply-adds and will take d again, and the edges of causal ranges. Measured on Zen 3: 62
 * to 68 % of the FMA peak in prefill for d of 64 to 256.
 *
 * In decode keys and values are used by a group of heads once, so that transposing, 24 shuffles for 64 elements on AVX2, costs
 * as much as 3 heads' products; those loops take up to 8 vectors and read the cache itself, and ask memory ahead.
 *
 * A vector's own chain of operations is the same in all of them: scores are sums over j = 0 .. d-1 in order, y a sum over its
 * positions in order, tile after tile; only positions in its range are added.
 *
 * Stack: acc, scores, transposed keys with room for d = 512, a strip of values: 121 KiB on AVX2, 165 on AVX-512.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ATTEND_TILED_H
#define HARTREE_ATTEND_TILED_H

#include "kernels/attend_load.h"
#include "kernels/attend_range.h"

enum {
    ATTEND_TILE = 64,            /* positions */
    ATTEND_WIDTH = 2 * VF_LANES, /* positions of transposed keys, elements of a strip of values */
    ATTEND_ROWS = 6,             /* vectors of an inner loop; of one that reads the cache itself: */
    ATTEND_FEW = 8,
    ATTEND_AHEAD_BYTES = 4 << 10,  /* of keys, between asking and use; beyond the cache's end a hint that goes unheard */
    ATTEND_GATHER_BYTES = 8 << 10, /* of values that stay in the first-level cache while columns of them pass */
    ATTEND_ACC = ATTEND_BLOCK_ELEMENTS + ATTEND_BLOCK * ATTEND_WIDTH, /* a block's elements, each vector padded */
};
_Static_assert(ATTEND_TILE % ATTEND_WIDTH == 0 && ATTEND_PIECE % ATTEND_TILE == 0, "a tile is whole pieces of keys");

static inline size_t attend_min(size_t a, size_t b)
{
    return a < b ? a : b;
}
static inline size_t attend_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* One block of vectors: positions, heads by number, and for each the range it sees. */
struct attend_vectors {
    size_t n, padded; /* vectors; d rounded up to whole strips */
    const float *q[ATTEND_BLOCK];
    size_t begin[ATTEND_BLOCK], end[ATTEND_BLOCK];
    struct attend_state part[ATTEND_BLOCK];
    float shrink[ATTEND_BLOCK];
    _Alignas(64) float score[ATTEND_BLOCK][ATTEND_TILE];
    _Alignas(64) float acc[ATTEND_ACC];
};

/* v[i] = elements j .. j + n - 1 of row[i] */
KERNEL_INLINE void attend_load_rows(vf v[VF_LANES], const char *const *row, size_t j, size_t n)
{
    for (int i = 0; i < VF_LANES; i++) v[i] = attend_load(row[i], j, n);
}

/* kt[j][i] = row[i][j] */
static inline void attend_transpose(float *kt, const char *const row[ATTEND_WIDTH], size_t d)
{
    for (size_t j = 0; j < d; j += VF_LANES)
        for (size_t half = 0; half < ATTEND_WIDTH; half += VF_LANES) {
            vf v[VF_LANES];
            if (d - j >= VF_LANES)
                attend_load_rows(v, row + half, j, VF_LANES);
            else
                attend_load_rows(v, row + half, j, d - j);
            vf_transpose(v);
            for (int i = 0; i < VF_LANES; i++) vf_store(kt + (j + i) * ATTEND_WIDTH + half, v[i]);
        }
}

/* score[i][0 .. WIDTH) = <q[i], keys> for i < n */
KERNEL_INLINE void attend_score(float (*score)[ATTEND_TILE], const float *const *q, const float *kt, size_t d, int n)
{
    vf s[ATTEND_ROWS][2];
    for (int i = 0; i < n; i++) s[i][0] = s[i][1] = vf_zero();
    for (size_t j = 0; j < d; j++) {
        vf k0 = vf_load(kt + j * ATTEND_WIDTH), k1 = vf_load(kt + j * ATTEND_WIDTH + VF_LANES);
        for (int i = 0; i < n; i++) {
            vf x = vf_set1(q[i][j]);
            s[i][0] = vf_fma(x, k0, s[i][0]);
            s[i][1] = vf_fma(x, k1, s[i][1]);
        }
    }
    for (int i = 0; i < n; i++) {
        vf_store(score[i], s[i][0]);
        vf_store(score[i] + VF_LANES, s[i][1]);
    }
}

/* acc[i] = acc[i] * shrink[i] + sum over t0 <= t < t1 of score[i][t] strip[t], for i < n */
KERNEL_INLINE void attend_gather(float *acc, size_t padded, const float *shrink, const float (*score)[ATTEND_TILE],
                                 const float *strip, size_t t0, size_t t1, int n)
{
    vf s[ATTEND_ROWS][2];
    for (int i = 0; i < n; i++) {
        vf c = vf_set1(shrink[i]);
        s[i][0] = vf_mul(vf_load(acc + i * padded), c);
        s[i][1] = vf_mul(vf_load(acc + i * padded + VF_LANES), c);
    }
    for (size_t t = t0; t < t1; t++) {
        vf v0 = vf_load(strip + t * ATTEND_WIDTH), v1 = vf_load(strip + t * ATTEND_WIDTH + VF_LANES);
        for (int i = 0; i < n; i++) {
            vf p = vf_set1(score[i][t]);
            s[i][0] = vf_fma(p, v0, s[i][0]);
            s[i][1] = vf_fma(p, v1, s[i][1]);
        }
    }
    for (int i = 0; i < n; i++) {
        vf_store(acc + i * padded, s[i][0]);
        vf_store(acc + i * padded + VF_LANES, s[i][1]);
    }
}

/* ---- One position's few vectors, as in decode: each key and value is used once, so nothing is stored in between ----
 *
 * The same chains of operations, and hence bits, in another order: 8 sums at most, of n vectors by some registers, since with
 * few vectors more registers of positions, or of elements, must hide the latency. The vectors lie d apart and see the same. */

/* The most registers beside one another: a power of two, so that a tile is whole runs of them. */
#define ATTEND_BESIDE(n)                                                                                                       \
    ((n) == 1 ? (ATTEND_TILE / VF_LANES < 8 ? ATTEND_TILE / VF_LANES : 8) : (n) == 2 ? 4 : (n) <= 4 ? 2 : 1)

/* Asks memory for as many bytes as VF_LANES rows have in VF_LANES elements, and says where they end. */
KERNEL_INLINE uintptr_t attend_ahead(uintptr_t p)
{
    size_t bytes = attend_row_bytes(VF_LANES * VF_LANES);
    for (size_t line = 0; line < bytes; line += 64) __builtin_prefetch((const void *)(p + line));
    return p + bytes;
}

/* score[i][0 .. ATTEND_BESIDE(n) * VF_LANES) = <q[i], k> for i < n and the keys at `row`. As it goes, it asks memory for as
 * many bytes from k_ahead and v_ahead on: all at once they would keep it from its own loads. */
KERNEL_INLINE void attend_score_few(float (*score)[ATTEND_TILE], const float *q, const char *const *row, size_t d,
                                    uintptr_t k_ahead, uintptr_t v_ahead, int n)
{
    const int m = ATTEND_BESIDE(n);
    vf s[ATTEND_FEW], v[VF_LANES];
    size_t j = 0;
    for (int i = 0; i < n * m; i++) s[i] = vf_zero();
    for (; j + VF_LANES <= d; j += VF_LANES)
        for (int r = 0; r < m; r++) {
            attend_load_rows(v, row + r * VF_LANES, j, VF_LANES);
            k_ahead = attend_ahead(k_ahead);
            v_ahead = attend_ahead(v_ahead);
            vf_transpose(v);
            for (int l = 0; l < VF_LANES; l++)
                for (int i = 0; i < n; i++) s[i * m + r] = vf_fma(vf_set1(q[i * d + j + l]), v[l], s[i * m + r]);
        }
    for (int r = 0; r < m && j < d; r++) {
        vf last[VF_LANES];
        attend_load_rows(last, row + r * VF_LANES, j, d - j);
        vf_transpose(last);
        for (size_t l = 0; l < d - j; l++)
            for (int i = 0; i < n; i++) s[i * m + r] = vf_fma(vf_set1(q[i * d + j + l]), last[l], s[i * m + r]);
    }
    for (int i = 0; i < n; i++)
        for (int r = 0; r < m; r++) vf_store(score[i] + r * VF_LANES, s[i * m + r]);
}

/* acc[i] = acc[i] * shrink[i] + sum over t0 <= t < t1 of score[i][t] v[t], for i < n and m registers, each of `left` elements
 * from j on; v is the row of t = 0. */
KERNEL_INLINE void attend_gather_column(float *acc, size_t padded, const float *shrink, const float (*score)[ATTEND_TILE],
                                        const char *v, size_t stride, size_t t0, size_t t1, size_t j, size_t left, int n, int m)
{
    vf s[ATTEND_FEW];
    for (int i = 0; i < n; i++)
        for (int r = 0; r < m; r++) s[i * m + r] = vf_mul(vf_load(acc + i * padded + j + r * VF_LANES), vf_set1(shrink[i]));
    for (size_t t = t0; t < t1; t++)
        for (int r = 0; r < m; r++) {
            vf x = attend_load(v + t * stride, j + r * VF_LANES, left);
            for (int i = 0; i < n; i++) s[i * m + r] = vf_fma(vf_set1(score[i][t]), x, s[i * m + r]);
        }
    for (int i = 0; i < n; i++)
        for (int r = 0; r < m; r++) vf_store(acc + i * padded + j + r * VF_LANES, s[i * m + r]);
}

KERNEL_INLINE void attend_gather_few(float *acc, size_t padded, const float *shrink, const float (*score)[ATTEND_TILE],
                                     const char *v, size_t stride, size_t t0, size_t t1, size_t d, int n)
{
    const int m = ATTEND_BESIDE(n);
    size_t j = 0;
    for (; j + m * VF_LANES <= d; j += m * VF_LANES)
        attend_gather_column(acc, padded, shrink, score, v, stride, t0, t1, j, VF_LANES, n, m);
    for (; j + VF_LANES <= d; j += VF_LANES)
        attend_gather_column(acc, padded, shrink, score, v, stride, t0, t1, j, VF_LANES, n, 1);
    if (j < d) attend_gather_column(acc, padded, shrink, score, v, stride, t0, t1, j, d - j, n, 1);
}

/* ---- The loops for each number of vectors: functions of their own, for nothing but the loop shall take registers ---- */

#define ATTEND_LOOPS(n)                                                                                                        \
    static __attribute__((noinline)) void attend_score_##n(float(*score)[ATTEND_TILE], const float *const *q, const float *kt, \
                                                           size_t d)                                                           \
    {                                                                                                                          \
        attend_score(score, q, kt, d, n);                                                                                      \
    }                                                                                                                          \
    static __attribute__((noinline)) void attend_gather_##n(float *acc, size_t padded, const float *shrink,                    \
                                                            const float(*score)[ATTEND_TILE], const float *strip, size_t t0,   \
                                                            size_t t1)                                                         \
    {                                                                                                                          \
        attend_gather(acc, padded, shrink, score, strip, t0, t1, n);                                                           \
    }
#define ATTEND_LOOPS_FEW(n)                                                                                                    \
    static __attribute__((noinline)) void attend_score_few_##n(                                                                \
        float(*score)[ATTEND_TILE], const float *q, const char *const *row, size_t d, uintptr_t k_ahead, uintptr_t v_ahead)    \
    {                                                                                                                          \
        attend_score_few(score, q, row, d, k_ahead, v_ahead, n);                                                               \
    }                                                                                                                          \
    static __attribute__((noinline)) void attend_gather_few_##n(float *acc, size_t padded, const float *shrink,                \
                                                                const float(*score)[ATTEND_TILE], const char *v,               \
                                                                size_t stride, size_t t0, size_t t1, size_t d)                 \
    {                                                                                                                          \
        attend_gather_few(acc, padded, shrink, score, v, stride, t0, t1, d, n);                                                \
    }
ATTEND_LOOPS(1)
ATTEND_LOOPS(2)
ATTEND_LOOPS(3)
ATTEND_LOOPS(4)
ATTEND_LOOPS(5)
ATTEND_LOOPS(6)
ATTEND_LOOPS_FEW(1)
ATTEND_LOOPS_FEW(2)
ATTEND_LOOPS_FEW(3)
ATTEND_LOOPS_FEW(4)
ATTEND_LOOPS_FEW(5)
ATTEND_LOOPS_FEW(6)
ATTEND_LOOPS_FEW(7)
ATTEND_LOOPS_FEW(8)

/* By number of vectors */
static const struct attend_loops {
    void (*score)(float (*score)[ATTEND_TILE], const float *const *q, const float *kt, size_t d);
    void (*gather)(float *acc, size_t padded, const float *shrink, const float (*score)[ATTEND_TILE], const float *strip,
                   size_t t0, size_t t1);
} attend_loops[ATTEND_ROWS + 1] = {{NULL, NULL},
                                   {attend_score_1, attend_gather_1},
                                   {attend_score_2, attend_gather_2},
                                   {attend_score_3, attend_gather_3},
                                   {attend_score_4, attend_gather_4},
                                   {attend_score_5, attend_gather_5},
                                   {attend_score_6, attend_gather_6}};

static const struct attend_loops_few {
    void (*score)(float (*score)[ATTEND_TILE], const float *q, const char *const *row, size_t d, uintptr_t k_ahead,
                  uintptr_t v_ahead);
    void (*gather)(float *acc, size_t padded, const float *shrink, const float (*score)[ATTEND_TILE], const char *v,
                   size_t stride, size_t t0, size_t t1, size_t d);
} attend_loops_few[ATTEND_FEW + 1] = {{NULL, NULL},
                                      {attend_score_few_1, attend_gather_few_1},
                                      {attend_score_few_2, attend_gather_few_2},
                                      {attend_score_few_3, attend_gather_few_3},
                                      {attend_score_few_4, attend_gather_few_4},
                                      {attend_score_few_5, attend_gather_few_5},
                                      {attend_score_few_6, attend_gather_few_6},
                                      {attend_score_few_7, attend_gather_few_7},
                                      {attend_score_few_8, attend_gather_few_8}};

/* ---- A tile ---- */

static const float attend_ones[ATTEND_FEW] = {1, 1, 1, 1, 1, 1, 1, 1};

/* The score rows from `at` on, which a loop sees as rows of a tile. */
static inline float (*attend_score_at(struct attend_vectors *b, size_t i, size_t at))[ATTEND_TILE]
{
    return (float(*)[ATTEND_TILE])(b->score[i] + at);
}

static inline void attend_gather_range(struct attend_vectors *b, size_t i, size_t n, size_t column, const float *shrink,
                                       const float *strip, size_t t0, size_t t1)
{
    attend_loops[n].gather(b->acc + i * b->padded + column, b->padded, shrink, (const float(*)[ATTEND_TILE])b->score[i], strip,
                           t0, t1);
}

/* Up to ATTEND_ROWS vectors from i on. What all of them see goes through one loop; what only some see, at the edges of causal
 * and windowed ranges, vector by vector. */
static inline void attend_gather_ranges(struct attend_vectors *b, size_t i, size_t n, size_t column, const float *strip,
                                        size_t tile)
{
    size_t low[ATTEND_ROWS], high[ATTEND_ROWS];
    for (size_t r = 0; r < n; r++) {
        low[r] = attend_max(b->begin[i + r], tile) - tile;
        high[r] = attend_min(b->end[i + r], tile + ATTEND_TILE) - tile;
    }
    size_t from = low[n - 1], to = high[0]; /* neither bound falls from one vector to the next */
    if (low[0] == from && high[n - 1] == to) return attend_gather_range(b, i, n, column, b->shrink + i, strip, from, to);
    if (from >= to) {
        for (size_t r = 0; r < n; r++) attend_gather_range(b, i + r, 1, column, b->shrink + i + r, strip, low[r], high[r]);
        return;
    }
    for (size_t r = 0; r < n; r++) attend_gather_range(b, i + r, 1, column, b->shrink + i + r, strip, low[r], from);
    attend_gather_range(b, i, n, column, attend_ones, strip, from, to);
    for (size_t r = 0; r < n; r++) attend_gather_range(b, i + r, 1, column, attend_ones, strip, to, high[r]);
}

/* Turns vector i's products of a tile into weights exp(scale * product - max), 0 where it does not see, and says by how much
 * what came before shrinks. */
static inline void attend_weigh(struct attend_vectors *b, size_t i, size_t tile, float scale)
{
    float *score = b->score[i];
    struct attend_state *part = &b->part[i];
    size_t low = attend_max(b->begin[i], tile) - tile, high = attend_min(b->end[i], tile + ATTEND_TILE) - tile;
    vf factor = vf_set1(scale), top = vf_set1(part->max), sum = vf_zero();
    for (size_t t = 0; t < low; t++) score[t] = -INFINITY;
    for (size_t t = high; t < ATTEND_TILE; t++) score[t] = -INFINITY;
    for (size_t t = 0; t < ATTEND_TILE; t += VF_LANES) {
        vf s = vf_mul(vf_load(score + t), factor);
        vf_store(score + t, s);
        top = vf_max(s, top);
    }
    float max = vf_max_of(top);
    top = vf_set1(max);
    for (size_t t = 0; t < ATTEND_TILE; t += VF_LANES) {
        vf p = vf_exp(vf_sub(vf_load(score + t), top));
        vf_store(score + t, p);
        sum = vf_add(sum, p);
    }
    float shrink = expf(part->max - max);
    *part = (struct attend_state){max, part->sum * shrink + vf_sum(sum)};
    b->shrink[i] = shrink;
}

/* The rows of n keys from position t on. One that none sees is another's again, in lanes that are not used. */
static inline void attend_rows(const char **row, const struct attend_args *a, size_t t, size_t n, size_t row0, size_t row1)
{
    for (size_t i = 0; i < n; i++) row[i] = (const char *)a->k + attend_min(attend_max(t + i, row0), row1 - 1) * a->k_stride;
}

/* All n vectors, from i on, see rows row0 .. row1 - 1 of the tile. */
static inline void attend_tile_few(const struct attend_args *a, struct attend_vectors *b, size_t i, size_t n, size_t tile,
                                   size_t row0, size_t row1)
{
    const struct attend_loops_few *loops = &attend_loops_few[n];
    const size_t step = (size_t)ATTEND_BESIDE(n) * VF_LANES;
    const char *row[ATTEND_TILE];
    for (size_t at = (row0 - tile) / step * step; at < row1 - tile; at += step) {
        attend_rows(row, a, tile + at, step, row0, row1);
        uintptr_t k = (uintptr_t)a->k + (tile + at) * a->k_stride + ATTEND_AHEAD_BYTES;
        loops->score(attend_score_at(b, i, at), b->q[i], row, a->d, k, (uintptr_t)a->v + (tile + at) * a->v_stride);
    }
    for (size_t r = i; r < i + n; r++) attend_weigh(b, r, tile, a->scale);
    const float *shrink = b->shrink + i;
    size_t most = ATTEND_GATHER_BYTES / attend_row_bytes(a->d);
    for (size_t t = row0, end; t < row1; t = end, shrink = attend_ones) {
        end = attend_min(row1, t + attend_max(most, 4));
        loops->gather(b->acc + i * b->padded, b->padded, shrink, (const float(*)[ATTEND_TILE])b->score[i],
                      (const char *)a->v + tile * a->v_stride, a->v_stride, t - tile, end - tile, a->d);
    }
}

/* The block's vectors over one tile. */
static inline void attend_tile(const struct attend_args *a, struct attend_vectors *b, size_t tile)
{
    _Alignas(64) float kt[(ATTEND_MAX_D + VF_LANES) * ATTEND_WIDTH];
    _Alignas(64) float strip[ATTEND_TILE * ATTEND_WIDTH];
    size_t first = 0, last = b->n, d = a->d; /* the vectors that see any of the tile */
    while (first < last && b->end[first] <= tile) first++;
    while (last > first && b->begin[last - 1] >= tile + ATTEND_TILE) last--;
    if (first == last) return;
    size_t row0 = attend_max(tile, b->begin[first]), row1 = attend_min(tile + ATTEND_TILE, b->end[last - 1]);

    if (last - first <= ATTEND_FEW && b->q[last - 1] == b->q[first] + (last - 1 - first) * d &&
        b->begin[first] == b->begin[last - 1] && b->end[first] == b->end[last - 1])
        return attend_tile_few(a, b, first, last - first, tile, row0, row1);
    for (size_t at = row0 / ATTEND_WIDTH * ATTEND_WIDTH, i0 = first; at < row1; at += ATTEND_WIDTH) {
        const char *row[ATTEND_WIDTH];
        attend_rows(row, a, at, ATTEND_WIDTH, row0, row1);
        attend_transpose(kt, row, d);
        while (b->end[i0] <= at) i0++;
        for (size_t i = i0, left = last - i0, n; left; i += n, left -= n) {
            n = left / ((left + ATTEND_ROWS - 1) / ATTEND_ROWS); /* 7 as 3 and 4, since a loop of 1 takes as long as one of 4 */
            attend_loops[n].score(attend_score_at(b, i, at - tile), b->q + i, kt, d);
        }
    }
    for (size_t i = first; i < last; i++) attend_weigh(b, i, tile, a->scale);
    for (size_t column = 0; column < d; column += ATTEND_WIDTH) {
        for (size_t t = row0; t < row1; t++)
            for (size_t j = 0; j < ATTEND_WIDTH; j += VF_LANES) {
                const char *p = (const char *)a->v + t * a->v_stride;
                size_t left = d - attend_min(d, column + j);
                vf v = left >= VF_LANES ? attend_load(p, column + j, VF_LANES)
                       : left           ? attend_load(p, column + j, left)
                                        : vf_zero();
                vf_store(strip + (t - tile) * ATTEND_WIDTH + j, v);
            }
        for (size_t i = first, left = last - first, n; left; i += n, left -= n) {
            n = left / ((left + ATTEND_ROWS - 1) / ATTEND_ROWS);
            attend_gather_ranges(b, i, n, column, strip, tile);
        }
    }
}

/* n vectors from number i0 on, at most attend_block(d). */
static inline void attend_block_of(const struct attend_args *a, size_t i0, size_t n)
{
    struct attend_vectors b;
    struct attend_state whole[ATTEND_BLOCK];
    float *y[ATTEND_BLOCK];
    b.n = n;
    b.padded = (a->d + ATTEND_WIDTH - 1) / ATTEND_WIDTH * ATTEND_WIDTH;
    for (size_t i = 0; i < n; i++) {
        size_t pos = (i0 + i) / a->group, head = (i0 + i) % a->group;
        b.q[i] = a->q + pos * a->q_stride + head * a->d;
        b.begin[i] = attend_begin(a, pos);
        b.end[i] = attend_end(a, pos);
        y[i] = a->y + pos * a->y_stride + head * a->d;
        memset(y[i], 0, a->d * sizeof *y[i]);
        whole[i] = (struct attend_state){-INFINITY, 0};
    }
    size_t first = attend_begin(a, i0 / a->group), last = attend_end(a, (i0 + n - 1) / a->group);
    for (size_t piece = first / ATTEND_PIECE * ATTEND_PIECE; piece < last; piece += ATTEND_PIECE) {
        memset(b.acc, 0, n * b.padded * sizeof *b.acc);
        for (size_t i = 0; i < n; i++) b.part[i] = (struct attend_state){-INFINITY, 0};
        for (size_t tile = piece; tile < piece + ATTEND_PIECE; tile += ATTEND_TILE) attend_tile(a, &b, tile);
        for (size_t i = 0; i < n; i++)
            if (b.begin[i] < piece + ATTEND_PIECE && b.end[i] > piece)
                attend_fold(y[i], &whole[i], b.acc + i * b.padded, b.part[i], a->d);
    }
    for (size_t i = 0; i < n; i++)
        if (a->state)
            memcpy(a->state + 2 * (i0 + i), &whole[i], sizeof whole[i]);
        else
            attend_finish(y[i], whole[i], a->d);
}

static inline void attend_tiled(const struct attend_args *a)
{
    size_t n = a->n_pos * a->group, block = attend_block(a->d);
    for (size_t i = 0; i < n; i += block) attend_block_of(a, i, attend_min(n - i, block));
}

#endif
