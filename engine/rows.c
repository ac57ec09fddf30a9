/* rows.c - see rows.h.
 * SPDX-License-Identifier: MIT */
#include "engine/rows.h"

#include <stdlib.h>

#include "base/memory.h"

enum {
    BLOCK_BYTES = 4 << 20, /* written at once: large for a disk, small enough that a stop is noticed soon */
    CHUNK_ELEMENTS = 1 << 15, /* handed to a thread at once */
};

struct job {
    struct row_writer *w;
    const struct tensor *t;
    row_fn *row;
    const void *ctx;
    int64_t first, end;  /* rows of this block */
    int64_t chunk;       /* rows a thread takes at once */
    size_t float_stride; /* floats a thread has */
};

static void make_rows(void *ctx, int thread)
{
    const struct job *j = ctx;
    float *floats = j->w->floats + (size_t)thread * j->float_stride;
    for (;;) {
        int64_t from = j->first + (int64_t)pool_chunk(j->w->pool) * j->chunk;
        if (from >= j->end) return;
        int64_t to = j->end - from < j->chunk ? j->end : from + j->chunk;
        for (int64_t r = from; r < to; r++)
            j->row(j->ctx, j->t, r, floats, j->w->block + (size_t)(r - j->first) * j->t->row_bytes);
    }
}

static bool put(struct row_writer *w, const void *data, size_t bytes, struct error *e)
{
    if (!gguf_write_data(w->out, data, bytes, e)) return false;
    w->done += bytes;
    if (w->progress) w->progress(w->progress_ctx, w->done, w->total);
    if (w->stop && *w->stop) return fail(e, "interrupted");
    return true;
}

bool rows_write(struct row_writer *w, const struct tensor *t, row_fn *row, const void *ctx, struct error *e)
{
    int64_t rows = tensor_rows(t), step = BLOCK_BYTES / (int64_t)(t->row_bytes ? t->row_bytes : 1);
    struct job j = {.w = w, .t = t, .row = row, .ctx = ctx, .float_stride = (size_t)t->ne[0]};
    if (step < 1) step = 1;
    j.chunk = CHUNK_ELEMENTS / (t->ne[0] ? t->ne[0] : 1);
    if (j.chunk < 1) j.chunk = 1;
    size_t held = (size_t)(rows < step ? rows : step), threads = (size_t)pool_threads(w->pool);
    char *block = memory_grow(w->block, &w->block_capacity, held * t->row_bytes, 1);
    if (block) w->block = block;
    float *floats = memory_grow(w->floats, &w->floats_capacity, threads * j.float_stride, sizeof *floats);
    if (floats) w->floats = floats;
    if (!block || !floats) return fail(e, "tensor '%s': found no memory for %zu rows of it", t->name, held);
    for (j.first = 0; j.first < rows; j.first = j.end) {
        j.end = rows - j.first < step ? rows : j.first + step;
        pool_run(w->pool, make_rows, &j);
        if (!put(w, w->block, (size_t)(j.end - j.first) * t->row_bytes, e)) return false;
    }
    return true;
}

bool rows_copy(struct row_writer *w, const struct tensor *t, const void *data, struct error *e)
{
    for (size_t at = 0; at < t->bytes; at += BLOCK_BYTES)
        if (!put(w, (const char *)data + at, t->bytes - at < BLOCK_BYTES ? t->bytes - at : BLOCK_BYTES, e)) return false;
    return true;
}

void rows_free(struct row_writer *w)
{
    free(w->block);
    free(w->floats);
    w->block = NULL, w->floats = NULL;
    w->block_capacity = w->floats_capacity = 0;
}
