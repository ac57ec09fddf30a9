/* type.c - the table of types, and calls through the kernel table by type.
 * SPDX-License-Identifier: MIT */
#include "kernels/type.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/blocks.h"
#include "kernels/kernel.h"

#define QUANTISED(t, prefix, n, act) \
    [TYPE_##t] = {#t, #prefix, n, sizeof(struct block_##prefix), TYPE_##act}

static const struct type_info types[TYPE_COUNT] = {
    [TYPE_F32] = {"F32", "f32", 1, 4, TYPE_F32},
    [TYPE_F16] = {"F16", "f16", 1, 2, TYPE_F32},
    [TYPE_BF16] = {"BF16", "bf16", 1, 2, TYPE_F32},
    [TYPE_I32] = {"I32", NULL, 1, 4, TYPE_F32},
    QUANTISED(Q8_0, q8_0, BLOCK_32, Q8_A32),
    QUANTISED(Q5_0, q5_0, BLOCK_32, Q8_A32),
    QUANTISED(Q5_1, q5_1, BLOCK_32, Q8_A32),
    QUANTISED(Q4_0, q4_0, BLOCK_32, Q8_A32),
    QUANTISED(Q4_1, q4_1, BLOCK_32, Q8_A32),
    QUANTISED(Q2_K, q2_K, BLOCK_K, Q8_A256),
    QUANTISED(Q3_K, q3_K, BLOCK_K, Q8_A256),
    QUANTISED(Q4_K, q4_K, BLOCK_K, Q8_A256),
    QUANTISED(Q5_K, q5_K, BLOCK_K, Q8_A256),
    QUANTISED(Q6_K, q6_K, BLOCK_K, Q8_A256),
    QUANTISED(Q8_A32, q8_a32, BLOCK_32, Q8_A32),
    QUANTISED(Q8_A256, q8_a256, BLOCK_K, Q8_A256),
};

/* ggml's numbers that hartree does not support, and those that ggml itself has retired. */
static const char *const foreign[TYPE_FILE_END] = {
    [4] = "Q4_2",      [5] = "Q4_3",      [9] = "Q8_1",      [15] = "Q8_K",       [16] = "IQ2_XXS",    [17] = "IQ2_XS",
    [18] = "IQ3_XXS",  [19] = "IQ1_S",    [20] = "IQ4_NL",   [21] = "IQ3_S",      [22] = "IQ2_S",      [23] = "IQ4_XS",
    [24] = "I8",       [25] = "I16",      [27] = "I64",      [28] = "F64",        [29] = "IQ1_M",      [31] = "Q4_0_4_4",
    [32] = "Q4_0_4_8", [33] = "Q4_0_8_8", [34] = "TQ1_0",    [35] = "TQ2_0",      [36] = "IQ4_NL_4_4", [37] = "IQ4_NL_4_8",
    [38] = "IQ4_NL_8_8", [39] = "MXFP4",  [40] = "NVFP4",    [41] = "Q1_0",       [42] = "Q2_0",
};

const struct type_info *type_get(unsigned type)
{
    return type < TYPE_COUNT && types[type].name ? &types[type] : NULL;
}

const char *type_name(unsigned type)
{
    static _Thread_local char unknown[24];
    if (type_get(type)) return types[type].name;
    if (type < TYPE_FILE_END && foreign[type]) return foreign[type];
    snprintf(unknown, sizeof unknown, "type %u", type);
    return unknown;
}

static bool same_name(const char *a, const char *b)
{
    while (*a && toupper((unsigned char)*a) == toupper((unsigned char)*b)) a++, b++;
    return !*a && !*b;
}

bool type_by_name(const char *name, enum type *out)
{
    for (int t = 0; t < TYPE_FILE_END; t++) {
        if (!types[t].name || !same_name(types[t].name, name)) continue;
        *out = (enum type)t;
        return true;
    }
    return false;
}

size_t type_bytes(enum type type, size_t n)
{
    const struct type_info *t = type_get(type);
    assert(t && n % t->block == 0);
    return n / t->block * t->block_bytes;
}

#define WEIGHT_TYPES(X)                                                                                           \
    X(F32, f32) X(F16, f16) X(BF16, bf16) X(Q8_0, q8_0) X(Q5_0, q5_0) X(Q5_1, q5_1) X(Q4_0, q4_0) X(Q4_1, q4_1)   \
    X(Q2_K, q2_K) X(Q3_K, q3_K) X(Q4_K, q4_K) X(Q5_K, q5_K) X(Q6_K, q6_K)

void type_dequantise(enum type type, float *y, const void *x, size_t n)
{
    const struct dequant_args a = {y, x, n};
    switch ((int)type) {
#define X(T, op) \
    case TYPE_##T: K.op##_dequant(&a); return;
        WEIGHT_TYPES(X)
#undef X
    }
    abort(); /* the caller has checked type_get()->op */
}

void type_quantise(enum type type, void *y, const float *x, const float *importance, size_t n)
{
    const struct quant_args a = {y, x, importance, n};
    switch ((int)type) {
#define X(T, op) \
    case TYPE_##T: K.op##_quant(&a); return;
        WEIGHT_TYPES(X)
        X(Q8_A32, q8_a32)
        X(Q8_A256, q8_a256)
#undef X
    }
    abort();
}

void type_dot(enum type type, const struct dot_args *args)
{
    switch ((int)type) {
#define X(T, op) \
    case TYPE_##T: K.op##_dot(args); return;
        WEIGHT_TYPES(X)
#undef X
    }
    abort();
}

unsigned type_dot_few(enum type type)
{
    switch ((int)type) {
#define X(T, op) \
    case TYPE_##T: return kernel_bound_rows.op##_dot->few;
        WEIGHT_TYPES(X)
#undef X
    }
    abort();
}

void type_gemm(enum type type, const struct dot_args *args)
{
    switch ((int)type) {
#define X(T, op) \
    case TYPE_##T: K.op##_gemm(args); return;
        WEIGHT_TYPES(X)
#undef X
    }
    abort();
}
