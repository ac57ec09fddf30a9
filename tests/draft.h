/* draft.h - random numbers, and a GGUF file as tables that can be changed and written again: for the tests that run models
 * whose files lie. SPDX-License-Identifier: MIT */
#ifndef HARTREE_DRAFT_H
#define HARTREE_DRAFT_H

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "loader/gguf.h"

static uint64_t state;

static inline uint64_t random_u64(void) { return random_next(&state); }

static inline size_t below(size_t n)
{
    return random_below(&state, n);
}

/* ---- A file as tables that can be changed ---- */

enum { MAX_KV = 96, MAX_TENSORS = 160, MAX_OWNED = 64 };

struct draft {
    struct gguf_kv kv[MAX_KV];
    struct tensor t[MAX_TENSORS];
    size_t n_kv, n_t;
    void *owned[MAX_OWNED]; /* what changed values point to */
    size_t n_owned;
};

static inline void swap_names(struct tensor *a, struct tensor *b)
{
    char name[TENSOR_MAX_NAME];
    memcpy(name, a->name, sizeof name);
    memcpy(a->name, b->name, sizeof name);
    memcpy(b->name, name, sizeof name);
}

static inline void *own(struct draft *d, size_t bytes)
{
    if (d->n_owned == MAX_OWNED) abort();
    return d->owned[d->n_owned++] = calloc(1, bytes ? bytes : 1);
}

static inline void draft_free(struct draft *d)
{
    while (d->n_owned) free(d->owned[--d->n_owned]);
}

static inline void draft_from(struct draft *d, const struct gguf *g)
{
    *d = (struct draft){.n_kv = g->n_kv, .n_t = g->n_tensors};
    memcpy(d->kv, g->kv, g->n_kv * sizeof *g->kv);
    memcpy(d->t, g->tensors, g->n_tensors * sizeof *g->tensors);
}

static inline struct gguf_kv *find_kv(struct draft *d, const char *key)
{
    for (size_t i = 0; i < d->n_kv; i++)
        if (d->kv[i].key.len == strlen(key) && !memcmp(d->kv[i].key.data, key, strlen(key))) return &d->kv[i];
    return NULL;
}

/* Sets a value, new or not; NULL where the table is full. */
static inline struct gguf_kv *put(struct draft *d, const char *key, enum gguf_value type, enum gguf_value element, uint64_t n)
{
    struct gguf_kv *kv = find_kv(d, key);
    if (!kv && d->n_kv < MAX_KV) {
        kv = &d->kv[d->n_kv++];
        char *name = own(d, strlen(key) + 1);
        strcpy(name, key);
        kv->key = (struct gguf_string){name, strlen(key)};
    }
    if (kv) kv->type = type, kv->element = element, kv->n = n, kv->data = NULL, kv->strings = NULL;
    return kv;
}

static inline void put_string(struct draft *d, const char *key, const char *s, size_t n)
{
    struct gguf_kv *kv = put(d, key, GGUF_STRING, GGUF_STRING, 1);
    if (!kv) return;
    kv->strings = own(d, sizeof *kv->strings);
    *kv->strings = (struct gguf_string){s, n};
}

static inline void put_number(struct draft *d, const char *key, enum gguf_value type, const void *value, size_t bytes)
{
    struct gguf_kv *kv = put(d, key, type, type, 1);
    if (kv) kv->data = memcpy(own(d, 8), value, bytes);
}

/* The bytes of the file that the tables describe; NULL if there can be none. Tensors that grew are filled up with zeros. */
static inline unsigned char *draft_write(const struct draft *d, size_t *size)
{
    static const char zeros[4096];
    char *bytes = NULL;
    struct error e;
    FILE *f = open_memstream(&bytes, size);
    struct gguf_writer *w = gguf_writer_new(0);
    for (size_t i = 0; i < d->n_kv; i++) gguf_copy_kv(w, &d->kv[i]);
    for (size_t i = 0; i < d->n_t; i++) gguf_add_tensor(w, d->t[i].name, d->t[i].type, d->t[i].n_dims, d->t[i].ne);
    bool ok = gguf_writer_begin(w, f, &e) && gguf_writer_size(w) < 16 << 20;
    for (size_t i = 0; ok && i < d->n_t; i++) {
        const struct tensor *t = &d->t[i];
        size_t want = type_bytes(t->type, (size_t)t->ne[0]) * (size_t)tensor_rows(t), have = t->bytes < want ? t->bytes : want;
        ok = gguf_write_data(w, t->data, have, &e);
        for (; ok && have < want; have += want - have < 4096 ? want - have : 4096)
            ok = gguf_write_data(w, zeros, want - have < 4096 ? want - have : 4096, &e);
    }
    ok = ok && gguf_writer_end(w, &e);
    gguf_writer_free(w);
    fclose(f);
    if (ok) return (unsigned char *)bytes;
    free(bytes);
    return NULL;
}

#endif
