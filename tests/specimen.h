/* specimen.h - a small GGUF with a value of every kind and tensors of several types, made by the writer; for the loader's
 * tests. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPECIMEN_H
#define HARTREE_SPECIMEN_H

#include "loader/gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct specimen_tensor {
    const char *name;
    enum type type;
    unsigned n_dims;
    int64_t ne[4];
};

static const struct specimen_tensor specimen_tensors[] = {
    {"token_embd.weight", TYPE_Q8_0, 2, {32, 5}},     {"blk.0.attn_norm.weight", TYPE_F32, 1, {32}},
    {"blk.0.attn_q.weight", TYPE_F16, 2, {32, 3}},    {"blk.0.ffn_down.weight", TYPE_Q4_K, 2, {256, 3}},
    {"blk.1.ffn_down.weight", TYPE_Q6_K, 3, {256, 1, 2}}, {"positions", TYPE_I32, 1, {7}},
    {"patch", TYPE_BF16, 4, {2, 2, 3, 5}},            {"output.weight", TYPE_Q4_0, 2, {64, 2}},
};
enum { SPECIMEN_TENSORS = sizeof specimen_tensors / sizeof *specimen_tensors };

/* Byte i of the data of tensor t. */
static inline unsigned char specimen_byte(size_t t, size_t i) { return (unsigned char)(t * 31 + i * 7 + 1); }

static inline void specimen_metadata(struct gguf_writer *w)
{
    static const struct gguf_string words[] = {{"<s>", 3}, {"", 0}, {"\xe2\x96\x81the", 6}, {"a\0b", 3}};
    static const struct { const char *key; enum gguf_value type; uint64_t n; } numbers[] = {
        {"t.u8", GGUF_U8, 3},   {"t.i8", GGUF_I8, 2},   {"t.u16", GGUF_U16, 3}, {"t.i16", GGUF_I16, 1}, {"t.u32", GGUF_U32, 5},
        {"t.i32", GGUF_I32, 4}, {"t.f32", GGUF_F32, 6}, {"t.u64", GGUF_U64, 2}, {"t.i64", GGUF_I64, 3}, {"t.f64", GGUF_F64, 2},
        {"t.none", GGUF_F32, 0},
    };
    static const unsigned char bytes[64] = {1, 0x80, 3, 0xff, 5, 6, 7, 0x40, 9, 10, 11, 12, 13, 14, 15, 0xc0};
    gguf_set_string(w, "general.architecture", "llama", 5);
    gguf_set_string(w, "general.name", "specimen", 8);
    gguf_set_u32(w, "llama.block_count", 2);
    gguf_set_i32(w, "s.i32", -5);
    gguf_set_u64(w, "s.u64", UINT64_C(1) << 40);
    gguf_set_f32(w, "s.f32", 0.1f);
    gguf_set_bool(w, "s.bool", true);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        gguf_set_array(w, numbers[i].key, numbers[i].type, bytes, numbers[i].n);
    gguf_set_array(w, "t.bool", GGUF_BOOL, (unsigned char[]){1, 0, 1}, 3);
    gguf_set_strings(w, "tokenizer.ggml.tokens", words, 4);
    /* The scalar kinds that have no setter of their own come in by copying, as the quantizer would copy them. */
    static const struct { const char *key; enum gguf_value type;
    } scalars[] = {
        {"s.u8", GGUF_U8},   {"s.i8", GGUF_I8},   {"s.u16", GGUF_U16},
        {"s.i16", GGUF_I16}, {"s.i64", GGUF_I64}, {"s.f64", GGUF_F64},
    };
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++)
        gguf_copy_kv(w, &(struct gguf_kv){.key = {scalars[i].key, strlen(scalars[i].key)}, .type = scalars[i].type,
                                          .element = scalars[i].type, .n = 1, .data = bytes});
}

/* Writes tensors [from, to) and, in part 1 of `parts` or an unsplit file (parts == 0), the metadata. */
static inline bool specimen_write(FILE *f, uint32_t alignment, size_t from, size_t to, unsigned part, unsigned parts,
                                  struct error *e)
{
    struct gguf_writer *w = gguf_writer_new(alignment);
    if (!w) return false;
    if (part <= 1) specimen_metadata(w);
    if (parts) {
        uint16_t no = (uint16_t)(part - 1), count = (uint16_t)parts;
        gguf_copy_kv(w, &(struct gguf_kv){.key = {"split.no", 8}, .type = GGUF_U16, .element = GGUF_U16, .n = 1, .data = &no});
        gguf_copy_kv(
            w, &(struct gguf_kv){.key = {"split.count", 11}, .type = GGUF_U16, .element = GGUF_U16, .n = 1, .data = &count});
        gguf_set_i32(w, "split.tensors.count", SPECIMEN_TENSORS);
    }
    for (size_t t = from; t < to; t++)
        gguf_add_tensor(w, specimen_tensors[t].name, specimen_tensors[t].type, specimen_tensors[t].n_dims,
                        specimen_tensors[t].ne);
    bool ok = gguf_writer_begin(w, f, e);
    for (size_t t = from; ok && t < to; t++) {
        const struct specimen_tensor *s = &specimen_tensors[t];
        size_t n = 1;
        for (unsigned d = 0; d < s->n_dims; d++) n *= (size_t)s->ne[d];
        unsigned char data[4096];
        n = type_bytes(s->type, n);
        for (size_t i = 0; i < n; i++) data[i] = specimen_byte(t, i);
        ok = gguf_write_data(w, data, n / 3, e) && gguf_write_data(w, data + n / 3, n - n / 3, e); /* in pieces */
    }
    ok = ok && gguf_writer_end(w, e) && (uint64_t)ftello(f) == gguf_writer_size(w);
    gguf_writer_free(w);
    return ok;
}

/* The whole specimen in memory, to be freed. */
static inline unsigned char *specimen(uint32_t alignment, size_t *size)
{
    char *data = NULL;
    struct error e;
    FILE *f = open_memstream(&data, size);
    if (!f) return NULL;
    bool ok = specimen_write(f, alignment, 0, SPECIMEN_TENSORS, 1, 0, &e);
    fclose(f);
    if (ok) return (unsigned char *)data;
    free(data);
    return NULL;
}

/* What was parsed, written again, to be freed; NULL and *e where the writer refused. */
static inline char *specimen_rewritten(const struct gguf *g, uint32_t alignment, size_t *n, struct error *e)
{
    char *copy = NULL;
    FILE *f = open_memstream(&copy, n);
    struct gguf_writer *w = f ? gguf_writer_new(alignment) : NULL;
    if (!w) abort();
    for (size_t i = 0; i < g->n_kv; i++) gguf_copy_kv(w, &g->kv[i]);
    for (size_t i = 0; i < g->n_tensors; i++)
        gguf_add_tensor(w, g->tensors[i].name, g->tensors[i].type, g->tensors[i].n_dims, g->tensors[i].ne);
    bool ok = gguf_writer_begin(w, f, e);
    for (size_t i = 0; ok && i < g->n_tensors; i++) ok = gguf_write_data(w, g->tensors[i].data, g->tensors[i].bytes, e);
    ok = ok && gguf_writer_end(w, e);
    gguf_writer_free(w);
    fclose(f);
    if (ok) return copy;
    free(copy);
    return NULL;
}

/* Whether tensors and their bytes are the specimen's. */
static inline bool specimen_tensors_equal(const struct gguf *g)
{
    if (g->n_tensors != SPECIMEN_TENSORS) return false;
    for (size_t t = 0; t < SPECIMEN_TENSORS; t++) {
        const struct specimen_tensor *s = &specimen_tensors[t];
        const struct tensor *found = gguf_tensor(g, s->name);
        if (found != &g->tensors[t] || found->type != s->type || found->n_dims != s->n_dims || !found->data) return false;
        for (unsigned d = 0; d < 4; d++)
            if (found->ne[d] != (d < s->n_dims ? s->ne[d] : 1)) return false;
        if (found->bytes != type_bytes(s->type, (size_t)tensor_elements(found))) return false;
        if (found->row_bytes != type_bytes(s->type, (size_t)s->ne[0])) return false;
        for (size_t i = 0; i < found->bytes; i++)
            if (((const unsigned char *)found->data)[i] != specimen_byte(t, i)) return false;
    }
    return true;
}

#endif
