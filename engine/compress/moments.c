/* SPDX-License-Identifier: MIT */
#include "engine/compress/moments.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tensor/linear.h"

/* Channels of a tile: as many rows as a gemm takes at once, and enough columns that unpacking pays. */
enum { TILE_ROWS = LINEAR_MAX_ROWS, TILE_COLS = LINEAR_MAX_ROWS, BLOCK = 64 };
/* Rows of a panel: `second` is read and written once a panel, 640 MB of 9,000 channels. From one channel's rows to the next
 * one's it is an odd number of cache lines: at powers of two the channels that a tile reads together would share one set of the
 * first cache. */
enum { PANEL = 2048, STRIDE = PANEL + 16 };

void moments_free(struct moments *m)
{
    free(m->second);
    free(m->square);
    free(m->mean);
    free(m->panel);
    free(m->tiles);
    *m = (struct moments){.n = 0};
}

bool moments_new(struct moments *m, size_t n, bool diagonal, int threads, struct error *e)
{
    *m = (struct moments){.n = n};
    m->square = memory_new(n * sizeof *m->square);
    m->mean = memory_new(n * sizeof *m->mean);
    m->panel = diagonal ? NULL : memory_new(n * STRIDE * sizeof *m->panel);
    m->tiles = diagonal ? NULL : memory_new((size_t)threads * TILE_ROWS * TILE_COLS * sizeof *m->tiles);
    m->second = diagonal ? NULL : memory_new(n * n * sizeof *m->second);
    if (m->square && m->mean && (diagonal || (m->panel && m->tiles && m->second))) return true;
    moments_free(m);
    return fail(e, "statistics: found no memory for %zu x %zu sums", n, diagonal ? (size_t)1 : n);
}

struct job {
    struct moments *m;
    struct pool *pool;
    const float *x, *weight; /* rows that are taken; of a panel's tiles none */
    size_t rows;
};

/* Sums of BLOCK channels, and their rows times sqrt(w) into the panel's next columns. */
static void take_rows(const struct job *j, size_t block)
{
    struct moments *m = j->m;
    size_t first = block * BLOCK, end = first + BLOCK < m->n ? first + BLOCK : m->n;
    for (size_t r = 0; r < j->rows; r++) {
        float w = j->weight ? j->weight[r] : 1, root = sqrtf(w);
        const float *x = j->x + r * m->n;
        for (size_t i = first; i < end; i++) {
            if (m->panel) m->panel[i * STRIDE + m->used + r] = root * x[i];
            m->mean[i] += (double)w * (double)x[i];
            m->square[i] += (double)w * (double)x[i] * (double)x[i];
        }
    }
}

static void add_tile(const struct job *j, size_t row, size_t col, float *tile)
{
    struct moments *m = j->m;
    size_t rows = m->n - row < TILE_ROWS ? m->n - row : TILE_ROWS, cols = m->n - col < TILE_COLS ? m->n - col : TILE_COLS;
    struct tensor w = {.type = TYPE_F32,
                       .ne = {(int64_t)m->used, (int64_t)m->n, 1, 1},
                       .row_bytes = STRIDE * sizeof(float),
                       .data = m->panel};
    linear_multiply(&(struct linear_part){.w = &w,
                                          .row = row,
                                          .rows = rows,
                                          .x = m->panel + col * STRIDE,
                                          .x_stride = STRIDE * sizeof(float),
                                          .cols = cols,
                                          .y = tile,
                                          .ldy = rows});
    /* Into the upper half, where the tile's columns are rows. */
    for (size_t c = 0; c < cols; c++)
        for (size_t r = 0; r < rows; r++) m->second[(col + c) * m->n + row + r] += (double)tile[c * rows + r];
}

static void take_blocks(void *ctx, int thread)
{
    (void)thread;
    const struct job *j = ctx;
    size_t blocks = (j->m->n + BLOCK - 1) / BLOCK;
    for (size_t c; (c = pool_chunk(j->pool)) < blocks;) take_rows(j, c);
}

static void add_tiles(void *ctx, int thread)
{
    const struct job *j = ctx;
    size_t tiles = (j->m->n + TILE_ROWS - 1) / TILE_ROWS;
    float *tile = j->m->tiles + (size_t)thread * TILE_ROWS * TILE_COLS;
    for (size_t c; (c = pool_chunk(j->pool)) < tiles * tiles;)
        if (c % tiles <= c / tiles) add_tile(j, c / tiles * TILE_ROWS, c % tiles * TILE_COLS, tile);
}

static void add_panel(struct moments *m, struct pool *pool)
{
    struct job j = {.m = m, .pool = pool};
    if (m->used) pool_run(pool, add_tiles, &j);
    m->used = 0;
}

void moments_add(struct moments *m, const float *x, const float *weight, size_t rows, struct pool *pool)
{
    for (size_t r = 0; r < rows; r++) m->weight += weight ? (double)weight[r] : 1;
    m->tokens += rows;
    for (size_t taken; rows; rows -= taken) {
        taken = rows < PANEL - m->used ? rows : PANEL - m->used;
        struct job j = {m, pool, x, weight, taken};
        pool_run(pool, take_blocks, &j);
        x += taken * m->n;
        if (weight) weight += taken;
        if (m->panel) m->used += taken;
        if (m->used == PANEL) add_panel(m, pool);
    }
}

/* A block of the upper half, scaled, into the lower one. */
static void mirror(struct moments *m, size_t row, size_t col, double scale)
{
    size_t n = m->n, row_end = row + BLOCK < n ? row + BLOCK : n, col_end = col + BLOCK < n ? col + BLOCK : n;
    for (size_t i = row; i < row_end; i++)
        for (size_t k = col > i ? col : i; k < col_end; k++) {
            double x = m->second[i * n + k] * scale;
            m->second[i * n + k] = m->second[k * n + i] = x;
        }
}

bool moments_finish(struct moments *m, struct pool *pool)
{
    add_panel(m, pool);
    double scale = 1 / m->weight, sum = 0;
    for (size_t i = 0; i < m->n; i++) {
        m->mean[i] *= scale;
        sum += m->square[i] *= scale;
    }
    for (size_t row = 0; m->second && row < m->n; row += BLOCK)
        for (size_t col = row; col < m->n; col += BLOCK) mirror(m, row, col, scale);
    return m->weight > 0 && isfinite(sum);
}
