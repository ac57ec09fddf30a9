/* attend_tiled.h - attention over a cache of any type, as a template over the vectors of vec.h. A kernel file includes one of
 * vec_*.h, then this, and gives the function that reads a few elements of a row as floats.
 *
 * Vectors q are taken in blocks of up to 96, positions in tiles of 64, so that keys and values are converted once for a block:
 *
 *      WIDTH keys, transposed           scores, 64 a vector               STRIP of values, as they lie
 *      kt[d][WIDTH]                     score[96][64]                     strip[64][WIDTH]
 *      q[0..6)[j] times kt[j]   ->      exp(score - max)            ->    acc[0..6) += score[0..6)[t] times strip[t]
 *
 * Both products have one inner loop: of 6 vectors by 2 registers, 12 sums, which hide the latency of a fused multiply-add on any
 * core with two such units, for 8 loads of which 6 are broadcasts. No sum crosses lanes. With 16 registers this is the largest
 * such tile, and it is bound by its 12 multiply-adds: two a cycle, 32 FLOPs on AVX2. What stands beside it is the softmax, about
 * 20 instructions for a register of scores (d / 4 instructions of product for d elements).
 *
 * A vector's own chain of operations is the same in a block of any size: scores are sums over j = 0 .. d-1 in order, y a sum over
 * its positions in order, tile after tile; only positions in its range are added.
 *
 * Stack: acc 48 KiB, score 24, kt WIDTH * d * 4 (16 KiB at d = 128 on AVX2 and twice that on AVX-512), strip 4.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ATTEND_TILED_H
#define HARTREE_ATTEND_TILED_H

#include "kernels/attend_range.h"
#include "kernels/blocks.h"

enum {
    ATTEND_WIDTH = 2 * VF_LANES, /* positions of a piece of keys, elements of a strip of values */
    ATTEND_TILE = 64,
    ATTEND_ROWS = 6,             /* vectors of an inner loop */
    ATTEND_MAX_Q = 96,
    ATTEND_ACC = (12 << 10) + ATTEND_MAX_Q * ATTEND_WIDTH, /* elements of attend_block(d) vectors, each padded */
};
_Static_assert(ATTEND_TILE % ATTEND_WIDTH == 0 && ATTEND_PIECE % ATTEND_TILE == 0, "a tile is whole pieces of keys");

/* Elements j .. j + n - 1 of the row at p as floats, then zeros; 1 <= n <= VF_LANES. */
typedef vf attend_load_fn(const char *p, size_t j, size_t n);

static inline size_t attend_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t attend_max(size_t a, size_t b) { return a > b ? a : b; }

/* One block of vectors: positions, heads by number, and for each the range it sees. */
struct attend_vectors {
    size_t n, padded; /* vectors; d rounded up to whole strips */
    const float *q[ATTEND_MAX_Q];
    size_t begin[ATTEND_MAX_Q], end[ATTEND_MAX_Q];
    struct attend_state part[ATTEND_MAX_Q];
    float shrink[ATTEND_MAX_Q];
    _Alignas(64) float score[ATTEND_MAX_Q][ATTEND_TILE];
    _Alignas(64) float acc[ATTEND_ACC];
};

/* kt[j][i] = row[i][j] */
VEC_INLINE void attend_transpose(float *kt, const char *const row[ATTEND_WIDTH], size_t d, attend_load_fn *load)
{
    for (size_t j = 0; j < d; j += VF_LANES)
        for (size_t half = 0; half < ATTEND_WIDTH; half += VF_LANES) {
            vf v[VF_LANES];
            if (d - j >= VF_LANES)
                for (int i = 0; i < VF_LANES; i++) v[i] = load(row[half + i], j, VF_LANES);
            else
                for (int i = 0; i < VF_LANES; i++) v[i] = load(row[half + i], j, d - j);
            vf_transpose(v);
            for (int i = 0; i < VF_LANES; i++) vf_store(kt + (j + i) * ATTEND_WIDTH + half, v[i]);
        }
}

/* score[i][0..WIDTH) = <q[i], keys> for i < n */
VEC_INLINE void attend_score_rows(float (*score)[ATTEND_TILE], const float *const *q, const float *kt, size_t d, int n)
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
VEC_INLINE void attend_gather_rows(float *acc, size_t padded, const float *shrink, const float (*score)[ATTEND_TILE],
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

/* The number of vectors as a constant: f(..., n) for 1 <= n <= ATTEND_ROWS. */
#define ATTEND_BY_ROWS(n, f, ...)               \
    switch (n) {                                \
    case 1: f(__VA_ARGS__, 1); break;           \
    case 2: f(__VA_ARGS__, 2); break;           \
    case 3: f(__VA_ARGS__, 3); break;           \
    case 4: f(__VA_ARGS__, 4); break;           \
    case 5: f(__VA_ARGS__, 5); break;           \
    default: f(__VA_ARGS__, ATTEND_ROWS); break; \
    }

static inline void attend_scores(struct attend_vectors *b, size_t i, size_t n, const float *kt, size_t at, size_t d)
{
    float(*score)[ATTEND_TILE] = (float(*)[ATTEND_TILE])(b->score[i] + at);
    ATTEND_BY_ROWS(n, attend_score_rows, score, b->q + i, kt, d)
}

static inline void attend_gather(struct attend_vectors *b, size_t i, size_t n, size_t column, const float *shrink,
                                 const float *strip, size_t t0, size_t t1)
{
    const float(*score)[ATTEND_TILE] = (const float(*)[ATTEND_TILE])b->score[i];
    ATTEND_BY_ROWS(n, attend_gather_rows, b->acc + i * b->padded + column, b->padded, shrink, score, strip, t0, t1)
}

/* Up to ATTEND_ROWS vectors from i on. What all of them see goes through one loop; what only some see, at the edges of causal and
 * windowed ranges, vector by vector. */
static inline void attend_gather_ranges(struct attend_vectors *b, size_t i, size_t n, size_t column, const float *strip,
                                        size_t tile)
{
    static const float ones[ATTEND_ROWS] = {1, 1, 1, 1, 1, 1};
    size_t low[ATTEND_ROWS], high[ATTEND_ROWS];
    for (size_t r = 0; r < n; r++) {
        low[r] = attend_max(b->begin[i + r], tile) - tile;
        high[r] = attend_min(b->end[i + r], tile + ATTEND_TILE) - tile;
    }
    size_t from = low[n - 1], to = high[0]; /* neither bound falls from one vector to the next */
    if (low[0] == from && high[n - 1] == to) return attend_gather(b, i, n, column, b->shrink + i, strip, from, to);
    if (from >= to) {
        for (size_t r = 0; r < n; r++) attend_gather(b, i + r, 1, column, b->shrink + i + r, strip, low[r], high[r]);
        return;
    }
    for (size_t r = 0; r < n; r++) attend_gather(b, i + r, 1, column, b->shrink + i + r, strip, low[r], from);
    attend_gather(b, i, n, column, ones, strip, from, to);
    for (size_t r = 0; r < n; r++) attend_gather(b, i + r, 1, column, ones, strip, to, high[r]);
}

/* Turns one vector's products of a tile, of which it sees [low, high), into weights exp(scale * product - max), and says by how
 * much what came before shrinks. */
static inline void attend_weigh(float *score, size_t low, size_t high, float scale, struct attend_state *part, float *shrink)
{
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
    *shrink = expf(part->max - max);
    *part = (struct attend_state){max, part->sum * *shrink + vf_sum(sum)};
}

/* The block's vectors over one tile. */
VEC_INLINE void attend_tile(const struct attend_args *a, struct attend_vectors *b, size_t tile, size_t bytes, attend_load_fn *load)
{
    _Alignas(64) float kt[(ATTEND_MAX_D + VF_LANES) * ATTEND_WIDTH];
    _Alignas(64) float strip[ATTEND_TILE * ATTEND_WIDTH];
    size_t first = 0, last = b->n, d = a->d; /* the vectors that see any of the tile */
    while (first < last && b->end[first] <= tile) first++;
    while (last > first && b->begin[last - 1] >= tile + ATTEND_TILE) last--;
    if (first == last) return;
    size_t row0 = attend_max(tile, b->begin[first]), row1 = attend_min(tile + ATTEND_TILE, b->end[last - 1]);

    for (size_t at = row0 / ATTEND_WIDTH * ATTEND_WIDTH, i0 = first; at < row1; at += ATTEND_WIDTH) {
        const char *row[ATTEND_WIDTH];
        for (size_t i = 0; i < ATTEND_WIDTH; i++) { /* a key that none sees is another's again, in lanes that are not used */
            size_t t = attend_min(attend_max(at + i, row0), row1 - 1);
            row[i] = (const char *)a->k + t * a->k_stride;
            for (size_t line = 0; line < bytes; line += 64) __builtin_prefetch((const char *)a->v + t * a->v_stride + line);
        }
        attend_transpose(kt, row, d, load);
        while (b->end[i0] <= at) i0++;
        for (size_t i = i0, left = last - i0, n; left; i += n, left -= n) {
            n = left / ((left + ATTEND_ROWS - 1) / ATTEND_ROWS); /* 7 as 3 and 4, since a loop of 1 takes as long as one of 4 */
            attend_scores(b, i, n, kt, at - tile, d);
        }
    }
    for (size_t i = first; i < last; i++)
        attend_weigh(b->score[i], attend_max(b->begin[i], tile) - tile, attend_min(b->end[i], tile + ATTEND_TILE) - tile, a->scale,
                     &b->part[i], &b->shrink[i]);
    for (size_t column = 0; column < d; column += ATTEND_WIDTH) {
        for (size_t t = row0; t < row1; t++)
            for (size_t j = 0; j < ATTEND_WIDTH; j += VF_LANES) {
                const char *p = (const char *)a->v + t * a->v_stride;
                size_t left = d - attend_min(d, column + j);
                vf v = left >= VF_LANES ? load(p, column + j, VF_LANES) : left ? load(p, column + j, left) : vf_zero();
                vf_store(strip + (t - tile) * ATTEND_WIDTH + j, v);
            }
        for (size_t i = first, left = last - first, n; left; i += n, left -= n) {
            n = left / ((left + ATTEND_ROWS - 1) / ATTEND_ROWS);
            attend_gather_ranges(b, i, n, column, strip, tile);
        }
    }
}

/* n vectors from number i0 on, at most attend_block(d). `bytes`: those of a row. */
VEC_INLINE void attend_block_of(const struct attend_args *a, size_t i0, size_t n, size_t bytes, attend_load_fn *load)
{
    struct attend_vectors b;
    struct attend_state whole[ATTEND_MAX_Q];
    float *y[ATTEND_MAX_Q];
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
        for (size_t tile = piece; tile < piece + ATTEND_PIECE; tile += ATTEND_TILE) attend_tile(a, &b, tile, bytes, load);
        for (size_t i = 0; i < n; i++)
            if (b.begin[i] < piece + ATTEND_PIECE && b.end[i] > piece)
                attend_fold(y[i], &whole[i], b.acc + i * b.padded, b.part[i], a->d);
    }
    for (size_t i = 0; i < n; i++)
        if (a->state) memcpy(a->state + 2 * (i0 + i), &whole[i], sizeof whole[i]);
        else attend_finish(y[i], whole[i], a->d);
}

VEC_INLINE void attend_tiled(const struct attend_args *a, size_t bytes, attend_load_fn *load)
{
    size_t n = a->n_pos * a->group, block = attend_block(a->d);
    for (size_t i = 0; i < n; i += block) attend_block_of(a, i, attend_min(n - i, block), bytes, load);
}

/* ---- The types of a cache ---- */

VEC_INLINE vf attend_load_f32(const char *p, size_t j, size_t n)
{
    const float *x = (const float *)(const void *)p + j;
    return n == VF_LANES ? vf_load(x) : vf_load_n(x, n);
}

VEC_INLINE vf attend_load_f16(const char *p, size_t j, size_t n)
{
    return n == VF_LANES ? vf_load_f16(p + 2 * j) : vf_load_f16_n(p + 2 * j, n);
}

/* Rows are whole blocks of 32, hence whole vectors. */
VEC_INLINE vf attend_load_q8_0(const char *p, size_t j, size_t n)
{
    const struct block_q8_0 *b = (const struct block_q8_0 *)(const void *)p + j / 32;
    (void)n;
    return vf_mul(vf_load_i8(b->qs + j % 32), vf_set1_f16(&b->d));
}

#endif
