/* mpo_multiply.c - steps of a contraction on the kernels that multiply any other weight, and the matrix made of its cores.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "kernels/kernel.h"
#include "tensor/linear.h"
#include "tensor/mpo.h"

/* Pivots before `place`. */
static size_t pivots_before(const struct mpo_pivot *p, size_t n, size_t place)
{
    size_t low = 0;
    while (low < n) {
        size_t mid = (low + n) / 2;
        if (p[mid].place < place)
            low = mid + 1;
        else
            n = mid;
    }
    return low;
}

/* ---- Gauged cores: what is stored goes between the identity rows, which hand their element of the vector on ---- */

/* Rows that are merged together, and the pivots first .. last-1 among them. */
enum { MERGED_ROWS = 512 /* 2 KiB of stack for what pivots hand on */ };
struct merged {
    uint64_t mask[MERGED_ROWS / 64]; /* of the pivots */
    size_t rows, first, last;
    bool in_order; /* each pivot's column is the one after the last pivot's */
};

/* Those from `place` on, `rows` at most, with the pivots from `first` on. */
static struct merged merged_rows(const struct mpo_part *p, size_t place, size_t rows, size_t first)
{
    struct merged m = {.rows = rows < MERGED_ROWS ? rows : MERGED_ROWS, .first = first, .last = first, .in_order = true};
    const struct mpo_pivot *pivots = p->pivots;
    for (; m.last < p->step.pivots && pivots[m.last].place < place + m.rows; m.last++) {
        size_t row = pivots[m.last].place - place;
        m.mask[row / 64] |= (uint64_t)1 << row % 64;
        m.in_order = m.in_order && pivots[m.last].column == pivots[first].column + (m.last - first);
    }
    return m;
}

/* What the pivots hand on of the vector z: where it stands, if that is in order, else in `copy`. */
static const float *handed_on(const struct mpo_part *p, const struct merged *m, const float *z, float copy[MERGED_ROWS])
{
    if (m->first == m->last) return z;
    if (m->in_order) return z + p->pivots[m->first].column;
    for (size_t i = m->first; i < m->last; i++) copy[i - m->first] = z[p->pivots[i].column];
    return copy;
}

/* The rows of slice s, from the pivot `first` on, into `to` (columns `ld` floats apart): set in the first slice, then added.
 * The stored ones come densely, n_stored a column. */
static void merge(const struct mpo_part *p, size_t s, size_t first, const float *stored, size_t n_stored, float *to, size_t ld)
{
    size_t begin = s * p->step.rows + p->row, vector = p->step.slices * p->step.cols;
    float copy[MERGED_ROWS];
    for (size_t row = 0; row < p->rows;) {
        struct merged m = merged_rows(p, begin + row, p->rows - row, first);
        for (size_t c = 0; c < p->cols; c++) {
            const float *z = p->z + (p->col + c) * vector + s * p->step.cols;
            K.f32_expand(&(struct expand_args){.y = to + c * ld + row,
                                               .x = {stored + c * n_stored, handed_on(p, &m, z, copy)},
                                               .mask = m.mask,
                                               .n = m.rows,
                                               .add = s > 0});
        }
        row += m.rows;
        stored += m.rows - (m.last - m.first);
        first = m.last;
    }
}

static void multiply_stored(const struct mpo_part *p, size_t row, size_t rows, size_t offset, float *y, size_t ldy,
                            float *scratch)
{
    struct linear_part part = {.w = p->w,
                               .row = row,
                               .rows = rows,
                               .x = (const char *)p->x + p->col * p->x_vector + offset,
                               .x_stride = p->x_vector,
                               .cols = p->cols,
                               .y = y,
                               .ldy = ldy};
    if (p->exact)
        linear_multiply_exact(&part, scratch);
    else
        linear_multiply(&part);
}

static void multiply_gauged(const struct mpo_part *p, float *to, size_t ld, float *stored)
{
    const struct mpo_step *s = &p->step;
    for (size_t i = 0; i < s->slices; i++) {
        size_t begin = i * s->rows + p->row, first = pivots_before(p->pivots, s->pivots, begin),
               last = pivots_before(p->pivots, s->pivots, begin + p->rows), n = p->rows - (last - first);
        if (n) multiply_stored(p, begin - first, n, i * (p->x_vector / s->slices), stored, n, stored + n * p->cols);
        merge(p, i, first, stored, n, to, ld);
    }
}

/* ---- Outputs to their places ---- */

/* Columns of `n` outputs, ld apart, as rows of `vectors`: what the vectors of a token give lies side by side. */
static inline void interleave(float *restrict y, const float *restrict from, size_t ld, size_t n, const size_t vectors)
{
    for (size_t j = 0; j < n; j++)
        for (size_t v = 0; v < vectors; v++) y[j * vectors + v] = from[v * ld + j];
}

/* A token's outputs of the first core, of `n` vectors from `vector` on. */
static void scatter_singly(const struct mpo_part *p, const float *from, float *y, size_t vector, size_t n)
{
    const size_t vectors = p->step.vectors, rows = p->rows;
    y += p->row * vectors + vector;
    if (n == vectors && n == 2) return interleave(y, from, rows, rows, 2);
    if (n == vectors && n == 4) return interleave(y, from, rows, rows, 4);
    for (size_t v = 0; v < n; v++)
        for (size_t j = 0; j < rows; j++) y[j * vectors + v] = from[v * rows + j];
}

/* A vector's outputs of another core: runs of them lie together. */
static void scatter_runs(const struct mpo_part *p, const float *from, float *y, size_t vector)
{
    const struct mpo_step *s = &p->step;
    for (size_t r = 0, n; r < p->rows; r += n) {
        size_t o = (p->row + r) / s->run, a = (p->row + r) % s->run;
        n = s->run - a < p->rows - r ? s->run - a : p->rows - r;
        memcpy(y + (o * s->vectors + vector) * s->run + a, from + r, n * sizeof *y);
    }
}

/* A vector's outputs of the first core, permuted, or with a bias. */
static void scatter_placed(const struct mpo_part *p, const float *from, float *y, size_t vector)
{
    for (size_t r = 0; r < p->rows; r++) {
        size_t at = (p->row + r) * p->step.vectors + vector, to = p->place ? (size_t)p->place[at] : at;
        y[to] = from[r] + (p->bias ? p->bias[to] : 0);
    }
}

static void scatter(const struct mpo_part *p, const float *from)
{
    const struct mpo_step *s = &p->step;
    for (size_t c = 0, n; c < p->cols; c += n, from += n * p->rows) {
        size_t token = (p->col + c) / s->vectors, vector = (p->col + c) % s->vectors;
        float *y = p->y + token * p->ldy;
        n = 1;
        if (s->run > 1) { /* not the first core: neither permuted nor with a bias */
            scatter_runs(p, from, y, vector);
        } else if (p->place || p->bias) {
            scatter_placed(p, from, y, vector);
        } else {
            n = s->vectors - vector < p->cols - c ? s->vectors - vector : p->cols - c;
            scatter_singly(p, from, y, vector, n);
        }
    }
}

size_t mpo_outputs(size_t rows)
{
    return rows * LINEAR_MAX_COLS;
}

size_t mpo_scratch(size_t rows)
{
    return 2 * mpo_outputs(rows);
}

void mpo_multiply(const struct mpo_part *p, float *scratch)
{
    /* With one vector a token, outputs lie where the kernel puts them. */
    bool direct = mpo_is_direct(&p->step, p->place);
    float *stored = direct ? scratch : scratch + p->rows * p->cols, *to = direct ? p->y + p->col * p->ldy + p->row : scratch;
    size_t ld = direct ? p->ldy : p->rows;
    if (p->pivots)
        multiply_gauged(p, to, ld, stored);
    else
        multiply_stored(p, p->row, p->rows, 0, to, ld, stored);
    if (!direct) scatter(p, scratch);
    for (size_t c = 0; direct && p->bias && c < p->cols; c++)
        K.f32_add(&(struct vec_args){.y = to + c * ld, .x = p->bias + p->row, .n = p->rows});
}

size_t mpo_place(const struct mpo_pivot *pivots, size_t n, size_t stored)
{
    size_t low = 0;
    while (low < n) {
        size_t mid = (low + n) / 2;
        if (pivots[mid].place - mid <= stored)
            low = mid + 1;
        else
            n = mid;
    }
    return stored + low;
}

/* ---- The matrix itself ---- */

void mpo_core_row(const struct mpo *m, int k, const struct tensor *w, const struct mpo_pivot *pivots, size_t o, size_t a,
                  float *y)
{
    struct mpo_step s = mpo_step(m, k);
    for (size_t i = 0; i < s.slices; i++, y += s.cols) {
        size_t place = i * s.rows + o * s.run + a, before = pivots_before(pivots, s.pivots, place);
        if (before < s.pivots && pivots[before].place == place) {
            memset(y, 0, s.cols * sizeof *y);
            y[pivots[before].column] = 1;
        } else {
            type_dequantise(w->type, y, tensor_row(w, (int64_t)(place - before)), s.cols);
        }
    }
}

/* Elements of the widest product of leading cores for one row: i_1 .. i_k times r_k. */
static size_t widest_prefix(const struct mpo *m)
{
    size_t widest = 0, before = 1;
    for (int k = 0; k < m->d; k++) {
        before *= m->i[k];
        if (before * m->r[k + 1] > widest) widest = before * m->r[k + 1];
    }
    return widest;
}

/* Elements of the largest core's part for one digit of its outputs. */
static size_t widest_digit(const struct mpo *m)
{
    size_t widest = 0;
    for (int k = 0; k < m->d; k++) {
        size_t n = m->r[k] * m->i[k] * m->r[k + 1];
        if (n > widest) widest = n;
    }
    return widest;
}

size_t mpo_rebuild_scratch(const struct mpo *m, size_t rows)
{
    return 2 * rows * widest_prefix(m) + 2 * widest_digit(m);
}

/* Rows of a product of leading cores: numbers of the first digits, which run on from `first`. */
struct prefixes {
    size_t first, n;
};

/* Those of the cores 0 .. k that rows have. */
static struct prefixes prefixes(const struct mpo *m, int k, size_t row, size_t rows)
{
    size_t group = 1;
    for (int j = k + 1; j < m->d; j++) group *= m->o[j];
    return (struct prefixes){row / group, (row + rows - 1) / group - row / group + 1};
}

/* What core k has for one digit o of its outputs, as rows (i_k, a_k) of r_{k-1}. `rows` is room for as much. */
static void digit_columns(const struct mpo *m, int k, const struct tensor *w, const struct mpo_pivot *pivots, size_t o,
                          float *columns, float *rows)
{
    enum { TILE = 16 };
    size_t r = m->r[k], run = m->i[k] * m->r[k + 1];
    for (size_t a = 0; a < r; a++) mpo_core_row(m, k, w, pivots, o, a, rows + a * run);
    for (size_t i = 0; i < run; i += TILE)
        for (size_t a = 0; a < r; a += TILE) {
            size_t i_end = run - i < TILE ? run : i + TILE, a_end = r - a < TILE ? r : a + TILE;
            for (size_t j = i; j < i_end; j++)
                for (size_t b = a; b < a_end; b++) columns[j * r + b] = rows[b * run + j];
        }
}

/* The products of cores 0 .. k from those of 0 .. k - 1. */
static void extend(const struct mpo *m, int k, const struct tensor *w, const struct mpo_pivot *pivots, struct prefixes from,
                   struct prefixes to, const float *x, float *y, size_t stride, float *core)
{
    size_t before = 1, run = m->i[k] * m->r[k + 1], digits = m->o[k];
    for (int j = 0; j < k; j++) before *= m->i[j];
    struct tensor columns = {.type = TYPE_F32,
                             .n_dims = 2,
                             .ne = {(int64_t)m->r[k], (int64_t)run, 1, 1},
                             .row_bytes = m->r[k] * sizeof *core,
                             .data = core};
    for (size_t digit = 0; digit < digits; digit++) {
        size_t p = (digit + digits - to.first % digits) % digits; /* the first that has it */
        if (p < to.n) digit_columns(m, k, w, pivots, digit, core, core + m->r[k] * run);
        for (; p < to.n; p += digits)
            linear_multiply(&(struct linear_part){.w = &columns,
                                                  .rows = run,
                                                  .x = x + ((to.first + p) / digits - from.first) * stride,
                                                  .x_stride = columns.row_bytes,
                                                  .cols = before,
                                                  .y = y + p * stride,
                                                  .ldy = run});
    }
}

void mpo_rebuild_rows(const struct mpo *m, const struct tensor *const *core, const struct mpo_pivot *const *pivots, size_t row,
                      size_t rows, float *y, float *scratch)
{
    size_t stride = widest_prefix(m), n_in = 1;
    float *from = scratch, *to = scratch + rows * stride, *one = to + rows * stride;
    struct prefixes p = prefixes(m, 0, row, rows);
    for (int k = 0; k < m->d; k++) n_in *= m->i[k];
    for (size_t r = 0; r < p.n; r++) mpo_core_row(m, 0, core[0], pivots[0], p.first + r, 0, from + r * stride);
    for (int k = 1; k < m->d; k++) {
        struct prefixes next = prefixes(m, k, row, rows);
        extend(m, k, core[k], pivots[k], p, next, from, to, stride, one);
        float *swap = from;
        from = to, to = swap;
        p = next;
    }
    for (size_t r = 0; r < rows; r++) memcpy(y + r * n_in, from + r * stride, n_in * sizeof *y);
}
