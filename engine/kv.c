/* SPDX-License-Identifier: MIT */
#include "engine/kv.h"

#include <stdlib.h>

#include "base/memory.h"

size_t kv_bytes(const struct hparams *h, enum type type, size_t capacity)
{
    size_t bytes = 2 * (size_t)h->cache_layers * (size_t)h->n_head_kv * type_bytes(type, (size_t)h->head_dim);
    return __builtin_mul_overflow(bytes, capacity, &bytes) ? SIZE_MAX : bytes;
}

struct kv *kv_new(const struct hparams *h, enum type type, size_t capacity, struct error *e)
{
    if ((size_t)h->head_dim % type_get(type)->block) {
        fail(e, "cache type %s: found heads of %d elements, expected a multiple of %zu", type_name(type), h->head_dim,
             type_get(type)->block);
        return NULL;
    }
    size_t half = kv_bytes(h, type, capacity) / 2;
    struct kv *kv = calloc(1, sizeof *kv);
    if (kv) {
        *kv = (struct kv){.type = type, .n_layer = h->cache_layers, .n_head = h->n_head_kv, .head_dim = h->head_dim,
                          .capacity = capacity, .row_bytes = type_bytes(type, (size_t)h->head_dim)};
        /* calloc, not memory_new: untouched pages of a long context then cost nothing until they are used. */
        kv->k = calloc(1, half);
        kv->v = calloc(1, half);
    }
    if (!kv || !kv->k || !kv->v) {
        kv_free(kv);
        fail(e, "context of %zu tokens: found no memory for a cache of %zu MB", capacity, 2 * half >> 20);
        return NULL;
    }
    return kv;
}

void kv_free(struct kv *kv)
{
    if (!kv) return;
    free(kv->k);
    free(kv->v);
    free(kv);
}
