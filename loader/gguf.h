/* gguf.h - GGUF v2 and v3 from memory to tables, and back.
 *
 * gguf_parse does no I/O and trusts nothing: every count, length, type, offset, alignment, product and overlap is checked
 * before use, and memory is bounded by a small multiple of the input's size. Little-endian files only.
 * Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GGUF_H
#define HARTREE_GGUF_H

#include <stdio.h>

#include "base/error.h"
#include "tensor/tensor.h"

enum gguf_value {
    GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL,
    GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64, GGUF_VALUES
};

struct gguf_string {
    const char *data; /* into the parsed bytes; not NUL-terminated, may hold any byte */
    size_t len;
};

struct gguf_kv {
    struct gguf_string key;
    enum gguf_value type;        /* GGUF_ARRAY for an array */
    enum gguf_value element;     /* an array's element type, else the same as type; arrays of arrays are refused */
    uint64_t n;                  /* elements; 1 unless an array */
    const void *data;            /* the value's bytes, little-endian, any alignment */
    struct gguf_string *strings; /* n strings of a string or an array of them, else NULL */
};

struct gguf {
    uint32_t version, alignment;
    size_t n_kv, n_tensors;
    struct gguf_kv *kv;
    struct tensor *tensors; /* .data points into the parsed bytes, or is NULL with GGUF_HEADER_ONLY */
    size_t data_offset;     /* where tensor data begins */
};

enum { GGUF_HEADER_ONLY = 1 }; /* tensor data need not be there; offsets are still checked against each other */

/* Parses `size` bytes. The result borrows `data`, which must outlive it. On failure NULL and *e ("metadata 'KEY': found X,
 * expected Y", "tensor 'NAME': ...", "header: ..."). */
struct gguf *gguf_parse(const void *data, size_t size, int flags, struct error *e);
void gguf_free(struct gguf *g); /* NULL is fine */

/* Lookups; linear or hashed, NULL when absent. */
const struct gguf_kv *gguf_find(const struct gguf *g, const char *key);
const struct tensor *gguf_tensor(const struct gguf *g, const char *name);

/* Typed reads of a scalar value: false when the key is absent. A present value of a wrong kind or range fills *e and also
 * gives false, so callers test e->text[0] or use the _or forms of their own. Integers of any width convert if they fit. */
bool gguf_get_u32(const struct gguf *g, const char *key, uint32_t *out, struct error *e);
bool gguf_get_f32(const struct gguf *g, const char *key, float *out, struct error *e);
bool gguf_get_bool(const struct gguf *g, const char *key, bool *out, struct error *e);
bool gguf_get_string(const struct gguf *g, const char *key, struct gguf_string *out, struct error *e);

/* Element i of a numeric kv (scalar or array), converted. i < kv->n. */
double gguf_number(const struct gguf_kv *kv, uint64_t i);
int64_t gguf_integer(const struct gguf_kv *kv, uint64_t i);

/* "u32", "array of string" ... for messages and info. */
const char *gguf_value_name(enum gguf_value type);

/* ---- Writer: metadata and tensor headers first, then the tensors' bytes in the same order ---- */

struct gguf_writer;
struct gguf_writer *gguf_writer_new(uint32_t alignment); /* 0: 32. NULL: no memory */
void gguf_writer_free(struct gguf_writer *w);
/* Keys and strings are copied. A key set twice keeps the last value. Memory shortage is remembered and reported by
 * gguf_writer_begin. */
void gguf_set_u32(struct gguf_writer *w, const char *key, uint32_t v);
void gguf_set_i32(struct gguf_writer *w, const char *key, int32_t v);
void gguf_set_u64(struct gguf_writer *w, const char *key, uint64_t v);
void gguf_set_f32(struct gguf_writer *w, const char *key, float v);
void gguf_set_bool(struct gguf_writer *w, const char *key, bool v);
void gguf_set_string(struct gguf_writer *w, const char *key, const char *s, size_t len);
void gguf_set_array(struct gguf_writer *w, const char *key, enum gguf_value element, const void *data, uint64_t n); /* numbers */
void gguf_set_strings(struct gguf_writer *w, const char *key, const struct gguf_string *s, uint64_t n);
void gguf_copy_kv(struct gguf_writer *w, const struct gguf_kv *kv); /* any value, as it is */
void gguf_add_tensor(struct gguf_writer *w, const char *name, enum type type, unsigned n_dims, const int64_t *ne);
/* Writes header, metadata and tensor infos to `f`; then call gguf_write_data once per tensor, in order, with its bytes (in
 * any number of pieces); gguf_writer_end checks that all were written whole. False and *e on an I/O error. */
bool gguf_writer_begin(struct gguf_writer *w, FILE *f, struct error *e);
bool gguf_write_data(struct gguf_writer *w, const void *data, size_t bytes, struct error *e);
bool gguf_writer_end(struct gguf_writer *w, struct error *e);
/* Size that the finished file will have; valid after gguf_writer_begin. */
uint64_t gguf_writer_size(const struct gguf_writer *w);

#endif
