/* SPDX-License-Identifier: MIT */
#include "engine/album.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void album_free(struct album *a)
{
    free(a->picture);
    free(a->rows);
    *a = (struct album){0};
}

bool album_add(struct album *a, int nx, int ny, int n_embd, const float *rows, struct error *e)
{
    size_t n = (size_t)nx * (size_t)ny, width = (size_t)n_embd;
    if (a->n && a->n_embd != n_embd) return fail(e, "picture: found rows of %d, expected %d", n_embd, a->n_embd);
    if (n > (size_t)INT32_MAX - a->n_rows) return fail(e, "pictures: found more than %d tokens", INT32_MAX);
    struct album_picture *picture = memory_grow(a->picture, &a->capacity, a->n + 1, sizeof *picture);
    if (picture) a->picture = picture;
    float *all = picture ? realloc(a->rows, (a->n_rows + n) * width * sizeof *all) : NULL;
    if (!all) return fail(e, "picture of %zu tokens: found no memory", n);
    a->rows = all;
    memcpy(all + a->n_rows * width, rows, n * width * sizeof *all);
    a->n_embd = n_embd;
    a->picture[a->n++] = (struct album_picture){a->n_rows, nx, ny};
    a->n_rows += n;
    return true;
}

bool album_push(const struct album *a, size_t i, struct tokens *out)
{
    const struct album_picture *p = &a->picture[i];
    for (size_t r = 0; r < (size_t)p->nx * (size_t)p->ny; r++)
        if (!tokens_push(out, -1 - (int32_t)(p->first + r))) return false;
    return true;
}

/* The picture that holds a row. */
static const struct album_picture *picture_of(const struct album *a, size_t row)
{
    size_t i = a->n - 1;
    while (a->picture[i].first > row) i--;
    return &a->picture[i];
}

void album_places(const struct album *a, const int32_t *tokens, size_t n, int32_t next, struct place *out)
{
    int32_t start = next;
    for (size_t i = 0; i < n; i++) {
        if (tokens[i] >= 0) {
            out[i] = (struct place){start, start, start, start + 1};
            start++;
            continue;
        }
        const struct album_picture *p = picture_of(a, (size_t)(-1 - tokens[i]));
        int32_t at = (int32_t)((size_t)(-1 - tokens[i]) - p->first), longest = p->nx > p->ny ? p->nx : p->ny;
        /* Rows of a picture that is fed in pieces go on from its beginning. */
        if (at > 0 && i == 0) start = next - longest;
        out[i] = (struct place){start, start + at / p->nx, start + at % p->nx, start + longest};
        if (at + 1 == p->nx * p->ny || i + 1 == n || tokens[i + 1] >= 0) start += longest;
    }
}
