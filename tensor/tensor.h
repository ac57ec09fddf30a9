/* tensor.h - a view of a tensor: never owns its bytes.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_TENSOR_H
#define HARTREE_TENSOR_H

#include "kernels/type.h"

enum { TENSOR_MAX_DIMS = 4, TENSOR_MAX_NAME = 64 };

struct tensor {
    char name[TENSOR_MAX_NAME]; /* NUL-terminated */
    enum type type;
    unsigned n_dims;
    int64_t ne[TENSOR_MAX_DIMS]; /* ne[0] is the row length; 1 beyond n_dims */
    size_t row_bytes;            /* ne[0] elements in this type */
    size_t bytes;
    uint64_t offset;  /* in its file, for info */
    const void *data; /* NULL when only the header was read */
};

/* Elements, and rows of ne[0]. */
static inline int64_t tensor_elements(const struct tensor *t) { return t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]; }

/* Its part of a model's parameters: all elements, and none of indices. */
static inline uint64_t tensor_parameters(const struct tensor *t)
{
    return t->type == TYPE_I32 ? 0 : (uint64_t)tensor_elements(t);
}
static inline int64_t tensor_rows(const struct tensor *t) { return t->ne[1] * t->ne[2] * t->ne[3]; }
static inline const void *tensor_row(const struct tensor *t, int64_t row)
{
    return (const char *)t->data + (size_t)row * t->row_bytes;
}

#endif
