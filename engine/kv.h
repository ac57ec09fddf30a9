/* kv.h - keys and values of the positions seen so far.
 *
 * Per layer and per KV head, one contiguous array of positions: [layer][head][position][head_dim], so that attention streams
 * one head at a time.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_KV_H
#define HARTREE_KV_H

#include "engine/arch.h"

struct kv {
    enum type type; /* F32, F16 or Q8_0 */
    int n_layer, n_head, head_dim;
    size_t capacity; /* positions */
    size_t used;
    size_t row_bytes; /* one head at one position */
    char *k, *v;
};

/* NULL and *e if it does not fit in memory (the line says how many bytes were asked for and how many are free) or head_dim
 * does not suit the type. */
struct kv *kv_new(const struct hparams *h, enum type type, size_t capacity, struct error *e);
void kv_free(struct kv *kv);
/* SIZE_MAX where it is more than that. */
size_t kv_bytes(const struct hparams *h, enum type type, size_t capacity);

/* Row of a head at a position. */
static inline char *kv_row(const struct kv *kv, char *base, int layer, int head, size_t position)
{
    return base + (((size_t)layer * (size_t)kv->n_head + (size_t)head) * kv->capacity + position) * kv->row_bytes;
}

#endif
