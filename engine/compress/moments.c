/* SPDX-License-Identifier: MIT */
#include "engine/compress/moments.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tensor/linear.h"

/* Channels of a tile: as many rows as a gemm takes at once, and enough columns that unpacking pays. */
enum { TILE_ROWS = LINEAR_MAX_ROWS, TILE_COLS = LINEAR_MAX_ROWS, BLOCK = 64 };

void moments_free(struct moments *m)
{
    free(m->second);
    free(m->square);
    free(m->mean);
    free(m->panel);
    free(m->tiles);
    *m = (struct moments){.n = 0};
}

bool moments_new(struct moments *m, size_t n, size_t panel_rows, bool diagonal, int threads, struct error *e)
{
    *m = (struct moments){.n = n, .panel_rows = panel_rows};
    m->square = memory_new(n * sizeof *m->square);
    m->mean = memory_new(n * sizeof *m->mean);
    m->panel = memory_new(n * panel_rows * sizeof *m->panel);
    m->tiles = diagonal ? NULL : memory_new((size_t)threads * TILE_ROWS * TILE_COLS * sizeof *m->tiles);
    m->second = diagonal ? NULL : memory_new(n * n * sizeof *m->second);
    if (m->square && m->mean && m->panel && (diagonal || (m->tiles && m->second))) return true;
    moments_free(m);
    return fail(e, "statistics: found no memory for %zu x %zu sums", n, diagonal ? (size_t)1 : n);
}

struct job {
    struct moments *m;
    const float *x, *weight;
    size_t rows;
    struct pool *pool;
};

/* Rows times sqrt(w) into the panel's columns, for BLOCK channels, and their sums. */
static void transpose(const struct job *j, size_t block)
{
    struct moments *m = j->m;
    size_t first = block * BLOCK, end = first + BLOCK < m->n ? first + BLOCK : m->n;
    for (size_t r = 0; r < j->rows; r++) {
        float w = j->weight ? j->weight[r] : 1, root = sqrtf(w);
        const float *x = j->x + r * m->n;
        for (size_t i = first; i < end; i++) {
            m->panel[i * m->panel_rows + r] = root * x[i];
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
                       .ne = {(int64_t)j->rows, (int64_t)m->n, 1, 1},
                       .row_bytes = m->panel_rows * sizeof(float),
                       .data = m->panel};
    linear_multiply(&(struct linear_part){.w = &w,
                                          .row = row,
                                          .rows = rows,
                                          .x = m->panel + col * m->panel_rows,
                                          .x_stride = m->panel_rows * sizeof(float),
                                          .cols = cols,
                                          .y = tile,
                                          .ldy = rows});
    for (size_t c = 0; c < cols; c++)
        for (size_t r = 0; r < rows; r++) m->second[(row + r) * m->n + col + c] += (double)tile[c * rows + r];
}

static void run(void *ctx, int thread)
{
    struct job *j = ctx;
    size_t blocks = (j->m->n + BLOCK - 1) / BLOCK, tiles = (j->m->n + TILE_ROWS - 1) / TILE_ROWS;
    for (size_t c; (c = pool_chunk(j->pool)) < blocks;) transpose(j, c);
    if (!j->m->second) return;
    pool_barrier(j->pool);
    float *tile = j->m->tiles + (size_t)thread * TILE_ROWS * TILE_COLS;
    for (size_t c; (c = pool_chunk(j->pool)) < tiles * tiles;)
        if (c % tiles <= c / tiles) add_tile(j, c / tiles * TILE_ROWS, c % tiles * TILE_COLS, tile);
}

void moments_add(struct moments *m, const float *x, const float *weight, size_t rows, struct pool *pool)
{
    struct job j = {m, x, weight, rows, pool};
    pool_run(pool, run, &j);
    for (size_t r = 0; r < rows; r++) m->weight += weight ? (double)weight[r] : 1;
    m->tokens += rows;
}

bool moments_finish(struct moments *m)
{
    double scale = 1 / m->weight, sum = 0;
    for (size_t i = 0; i < m->n; i++) {
        m->mean[i] *= scale;
        sum += m->square[i] *= scale;
    }
    for (size_t i = 0; m->second && i < m->n; i++)
        for (size_t k = 0; k <= i; k++) m->second[k * m->n + i] = m->second[i * m->n + k] *= scale;
    return m->weight > 0 && isfinite(sum);
}
