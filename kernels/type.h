/* type.h - the tensor types: names, sizes, and which kernels handle them.
 *
 * Numbers are those of GGUF (ggml's enum ggml_type), so that a value read from a file needs no translation. The two
 * activation formats never stand in a file. Block layouts are in blocks.h.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_TYPE_H
#define HARTREE_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum type {
    TYPE_F32 = 0,
    TYPE_F16 = 1,
    TYPE_Q4_0 = 2,
    TYPE_Q4_1 = 3,
    TYPE_Q5_0 = 6,
    TYPE_Q5_1 = 7,
    TYPE_Q8_0 = 8,
    TYPE_Q2_K = 10,
    TYPE_Q3_K = 11,
    TYPE_Q4_K = 12,
    TYPE_Q5_K = 13,
    TYPE_Q6_K = 14,
    TYPE_I32 = 26, /* stored and described, never multiplied */
    TYPE_BF16 = 30,
    TYPE_FILE_END = 64, /* every number below may occur in a file; type_known says whether it is supported */
    TYPE_Q8_A32 = 64,   /* activations: 8 bits in blocks of 32 */
    TYPE_Q8_A256 = 65,  /* activations: 8 bits in blocks of 256 */
    TYPE_COUNT
};

struct type_info {
    const char *name;    /* "Q4_K" */
    const char *op;      /* kernel op prefix "q4_K", so "q4_K_dot"; NULL where there are no kernels */
    size_t block;        /* elements a block */
    size_t block_bytes;  /* bytes a block */
    enum type activation; /* the format that <op>_dot and <op>_gemm want their activations in: F32, Q8_A32 or Q8_A256 */
};

/* NULL for a number that is no supported type. The activation formats are found too: for a file's number check < TYPE_FILE_END
 * first. */
const struct type_info *type_get(unsigned type);

/* The name of any GGUF type number, supported or not ("IQ4_XS"), "type 99" where even the number is unknown (that text
 * lasts until the thread's next call). */
const char *type_name(unsigned type);

/* By name, any case ("q4_k", "F16"); false if there is none that hartree supports in files. */
bool type_by_name(const char *name, enum type *out);

/* Bytes of n elements; n must be a multiple of the block. */
size_t type_bytes(enum type type, size_t n);

/* Calls through the bound kernel table, for code that does not know the type. Arguments as in kernel.h. The type must have
 * the kernel (type_get()->op; the activation formats can only be quantised to); anything else aborts. */
struct dot_args;
void type_dequantise(enum type type, float *y, const void *x, size_t n);
void type_quantise(enum type type, void *y, const float *x, const float *importance, size_t n);
void type_dot(enum type type, const struct dot_args *args);
void type_gemm(enum type type, const struct dot_args *args);

/* What the bound <op>_dot says of itself as `few` (kernel.h). */
unsigned type_dot_few(enum type type);

#endif
