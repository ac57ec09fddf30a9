/* gguf_private.h - what the files of loader/ that handle GGUF tables share; nobody outside includes it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GGUF_PRIVATE_H
#define HARTREE_GGUF_PRIVATE_H

#include "loader/gguf.h"

enum {
    GGUF_DEFAULT_ALIGNMENT = 32,
    GGUF_MIN_ALIGNMENT = 8, /* the format's own minimum; it also keeps float32 and float16 data aligned in memory */
    GGUF_MAX_ALIGNMENT = 65536,
    GGUF_MAX_KEY = 65535,   /* bytes, by the format */
};

/* Bytes of one value of a type; 0 for strings and arrays, whose size is written before them. */
extern const size_t gguf_value_bytes[GGUF_VALUES];

/* Names in order. Sorted and bisected rather than hashed, so that no choice of names makes a lookup or the search for
 * duplicates slow. */
struct gguf_name {
    const char *data;
    size_t len;
    size_t at; /* its place in the table that it names */
};
void gguf_names_sort(struct gguf_name *names, size_t n);
const struct gguf_name *gguf_names_duplicate(const struct gguf_name *names, size_t n);
const struct gguf_name *gguf_names_find(const struct gguf_name *names, size_t n, const char *name);

/* Checks type number, n_dims and ne of a tensor, and fills in type, row_bytes and bytes, and 1 in the dimensions beyond n_dims.
 * Says "found X, expected Y" on failure. */
bool gguf_tensor_shape(struct tensor *t, uint32_t type, struct error *e);

static inline bool gguf_alignment_ok(uint64_t a)
{
    return a >= GGUF_MIN_ALIGNMENT && a <= GGUF_MAX_ALIGNMENT && (a & (a - 1)) == 0;
}

static inline uint64_t gguf_align(uint64_t n, uint32_t alignment) { return (n + alignment - 1) & ~(uint64_t)(alignment - 1); }

#endif
