/* picture.c - what a vision tower makes of a picture before anything is multiplied: patches, and the angles of their places.
 *
 * Rows are patches in the order of tokens: of each block of merge x merge patches one after another, blocks in raster order. So
 * the patches that the merger joins lie side by side. SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/exec.h"

static size_t row_chunks(const struct op *op, const struct step *s)
{
    return op_rows(op, s);
}

/* Where row `row` lies in the grid of patches. */
static void place(size_t row, size_t columns, size_t merge, size_t *y, size_t *x)
{
    size_t block = row / (merge * merge), within = row % (merge * merge), across = columns / merge;
    *y = block / across * merge + within / merge;
    *x = block % across * merge + within % merge;
}

/* ---- patches: the values of a patch, colour by colour, normalised ---- */

static void patches_run(const struct op *op, struct exec *x, size_t row, int thread)
{
    (void)thread;
    const struct exec_picture *p = &x->picture;
    size_t size = (size_t)op->u.patches.size, top, left;
    float *to = exec_to(x, op, row);
    place(row, p->columns, (size_t)op->u.patches.merge, &top, &left);
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < size; i++) {
            const unsigned char *from = p->rgb + ((top * size + i) * p->width + left * size) * 3 + c;
            for (size_t j = 0; j < size; j++)
                *to++ = ((float)from[3 * j] / 255.0f - op->u.patches.mean[c]) / op->u.patches.std[c];
        }
}

static struct op_cost patches_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    (void)p;
    double values = (double)op_rows(op, s) * op->n_out;
    return (struct op_cost){.activation_bytes = 5 * values}; /* a byte in, a float out */
}

const struct op_def op_patches = {"patches", row_chunks, patches_run, patches_cost, .by_row = true};

/* ---- grid angles: the first half of a table's pairs turn by the patch's row, the others by its column ---- */

static void grid_angles_run(const struct op *op, struct exec *x, size_t row, int thread)
{
    (void)thread;
    const struct rope_table *t = &x->plan->rope[op->u.angles.table];
    float *cs = exec_to(x, op, row);
    size_t at[2], pairs = (size_t)t->n_rot / 2;
    place(row, x->picture.columns, (size_t)op->u.angles.merge, &at[0], &at[1]);
    for (size_t j = 0; j < pairs; j++) {
        double angle = (double)at[2 * j >= pairs] * t->freq[j];
        cs[2 * j] = (float)cos(angle);
        cs[2 * j + 1] = (float)sin(angle);
    }
}

static struct op_cost grid_angles_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    (void)p;
    return (struct op_cost){.activation_bytes = 4.0 * (double)op_rows(op, s) * op->n_out};
}

const struct op_def op_grid_angles = {"grid_angles", row_chunks, grid_angles_run, grid_angles_cost, .by_row = true};
