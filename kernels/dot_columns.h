/* dot_columns.h - the frame of the dots that take up to four columns together: a row's codes and scales are unpacked once for
 * them. An output's chain of operations is the same however many there are: its bits depend on nothing beside it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_COLUMNS_H
#define HARTREE_DOT_COLUMNS_H

#include "kernels/inline.h"
#include "kernels/kernel.h"

/* All rows by `cols` columns from c on. */
typedef void dot_strip(const struct dot_args *a, size_t c, const int cols);

KERNEL_INLINE void dot_columns(const struct dot_args *a, dot_strip *strip)
{
    for (size_t c = 0; c < a->cols; c += DOT_COLS) {
        switch (a->cols - c) {
        case 1: strip(a, c, 1); break;
        case 2: strip(a, c, 2); break;
        case 3: strip(a, c, 3); break;
        default: strip(a, c, DOT_COLS);
        }
    }
}

/* The first activations of column c. */
KERNEL_INLINE const void *dot_column(const struct dot_args *a, size_t c)
{
    return (const char *)a->x + c * a->x_stride;
}

/* A file's kernel and its row: strip(a, c, cols, ...) is a dot_strip. `columns`: as `few` of struct kernel. */
#define DOT_KERNEL(type, isa, features, columns, strip, ...)                                                                   \
    KERNEL_INLINE void type##_strip(const struct dot_args *a, size_t c, const int cols)                                        \
    {                                                                                                                          \
        strip(a, c, cols, __VA_ARGS__);                                                                                        \
    }                                                                                                                          \
    static void type##_dot_##isa(const struct dot_args *a)                                                                     \
    {                                                                                                                          \
        dot_columns(a, type##_strip);                                                                                          \
    }                                                                                                                          \
    KERNEL(type##_dot, isa, .needs = features, .few = columns)

#endif
