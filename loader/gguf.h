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
    uint64_t data_bytes;    /* from there to the end of the last tensor */
    struct gguf_name *kv_index, *tensor_index; /* private: the names in order, for gguf_find and gguf_tensor */
};

enum { GGUF_HEADER_ONLY = 1 }; /* tensor data need not be there; offsets are still checked against each other */

/* Parses `size` bytes. The result borrows `data`, which must outlive it. On failure NULL and *e ("metadata 'KEY': found X,
 * expected Y", "tensor 'NAME': ...", "tensor data: ...", "header: ..."). `data` should be aligned to 8 bytes for tensors to be
 * used in place: their offsets are multiples of the file's alignment, which is a power of two from 8 to 65536. */
struct gguf *gguf_parse(const void *data, size_t size, int flags, struct error *e);

/* gguf_parse with GGUF_HEADER_ONLY, for a reader that has but the first bytes of a file. On failure *more says whether the
 * only complaint is that bytes are missing, so that it may be asked again with more of them. */
struct gguf *gguf_parse_start(const void *data, size_t size, bool *more, struct error *e);

/* Appends the tensors of the n `parts` of a split model to those of `first`; a name that occurs twice is an error, after
 * which `first` is as before. The parts keep their own tables. */
bool gguf_join(struct gguf *first, struct gguf *const *parts, size_t n, struct error *e);

/* Bytes that the tables take in memory, and those that they borrow of the parsed bytes up to the tensors' data. Of what
 * gguf_join appended, the tables alone. */
size_t gguf_memory(const struct gguf *g);

void gguf_free(struct gguf *g); /* NULL is fine */

/* Lookups by bisection of the sorted names; NULL when absent. */
const struct gguf_kv *gguf_find(const struct gguf *g, const char *key);
const struct tensor *gguf_tensor(const struct gguf *g, const char *name);

/* Typed reads of a scalar value into *out, which is only written when one is found. A value of a wrong kind or range (for f32:
 * one that is not finite) fills *e. Integers of any width convert if they fit, and so does f64 to f32. */
enum gguf_presence { GGUF_ABSENT, GGUF_FOUND, GGUF_WRONG };
enum gguf_presence gguf_get_u32(const struct gguf *g, const char *key, uint32_t *out, struct error *e);
enum gguf_presence gguf_get_f32(const struct gguf *g, const char *key, float *out, struct error *e);
enum gguf_presence gguf_get_bool(const struct gguf *g, const char *key, bool *out, struct error *e);
enum gguf_presence gguf_get_string(const struct gguf *g, const char *key, struct gguf_string *out, struct error *e);

/* Element i of a numeric kv (scalar or array; a bool is 0 or 1), converted. i < kv->n. gguf_integer saturates where the value
 * does not fit, and drops a fraction. */
double gguf_number(const struct gguf_kv *kv, uint64_t i);
int64_t gguf_integer(const struct gguf_kv *kv, uint64_t i);

/* "u32", "string", "array" ... for messages and info; "unknown" for a number that is no value type. */
const char *gguf_value_name(enum gguf_value type);

/* ---- Writer: metadata and tensor headers first, then the tensors' bytes in the same order ---- */

struct gguf_writer;
/* alignment: a power of two from 8 to 65536, or 0 for 32; it decides general.alignment, whatever is set or copied under that
 * key. NULL: no memory. */
struct gguf_writer *gguf_writer_new(uint32_t alignment);
void gguf_writer_free(struct gguf_writer *w);
/* Keys and strings are copied. A key set twice keeps the last value. Memory shortage, and a name, key, type or shape that
 * gguf_parse would refuse, is remembered and reported by gguf_writer_begin. */
void gguf_set_u32(struct gguf_writer *w, const char *key, uint32_t v);
void gguf_set_i32(struct gguf_writer *w, const char *key, int32_t v);
void gguf_set_u64(struct gguf_writer *w, const char *key, uint64_t v);
void gguf_set_f32(struct gguf_writer *w, const char *key, float v);
void gguf_set_bool(struct gguf_writer *w, const char *key, bool v);
void gguf_set_string(struct gguf_writer *w, const char *key, const char *s, size_t len);
/* Of numbers or bools, little-endian. */
void gguf_set_array(struct gguf_writer *w, const char *key, enum gguf_value element, const void *data, uint64_t n);
void gguf_set_strings(struct gguf_writer *w, const char *key, const struct gguf_string *s, uint64_t n);
void gguf_copy_kv(struct gguf_writer *w, const struct gguf_kv *kv); /* any value, as it is */
void gguf_add_tensor(struct gguf_writer *w, const char *name, enum type type, unsigned n_dims, const int64_t *ne);
/* Writes header, metadata and tensor infos (GGUF v3) to `f`; then call gguf_write_data for each tensor, in order, with its
 * bytes in any number of pieces; gguf_writer_end checks that all were written whole. False and *e on an I/O error. */
bool gguf_writer_begin(struct gguf_writer *w, FILE *f, struct error *e);
bool gguf_write_data(struct gguf_writer *w, const void *data, size_t bytes, struct error *e);
bool gguf_writer_end(struct gguf_writer *w, struct error *e);
/* Size that the finished file will have; valid after gguf_writer_begin. */
uint64_t gguf_writer_size(const struct gguf_writer *w);

#endif
