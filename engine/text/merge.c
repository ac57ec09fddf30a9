/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/memory.h"
#include "engine/text/vocab.h"

void text_work_free(struct text_work *w)
{
    free(w->symbol);
    free(w->heap);
    free(w->c);
    free(w->flags);
    cuts_free(&w->cuts);
    free(w->bytes);
    free(w->spelt);
}

bool text_work_bytes(struct text_work *w, size_t n)
{
    char *bytes = memory_grow(w->bytes, &w->bytes_capacity, n, 1);
    if (bytes) w->bytes = bytes;
    return bytes != NULL;
}

bool text_work_push(struct text_work *w, uint32_t at, uint32_t len, int32_t id)
{
    struct symbol *symbol = memory_grow(w->symbol, &w->symbol_capacity, w->n_symbols + 1, sizeof *symbol);
    if (!symbol) return false;
    w->symbol = symbol;
    int32_t i = (int32_t)w->n_symbols++;
    w->symbol[i] = (struct symbol){.at = at, .len = len, .prev = i - 1, .next = -1, .id = id};
    if (i > 0) w->symbol[i - 1].next = i;
    return true;
}

static void sift_down(struct pair *heap, size_t n, size_t i)
{
    struct pair p = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1].key < heap[child].key) child++;
        if (p.key <= heap[child].key) break;
        heap[i] = heap[child];
    }
    heap[i] = p;
}

static void sift_up(struct pair *heap, size_t i)
{
    struct pair p = heap[i];
    for (; i > 0 && heap[(i - 1) / 2].key > p.key; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = p;
}

static bool reserve_pairs(struct text_work *w, size_t n)
{
    struct pair *heap = memory_grow(w->heap, &w->heap_capacity, n, sizeof *heap);
    if (heap) w->heap = heap;
    return heap != NULL;
}

bool text_merge(struct text_work *w, const struct tokenizer_tables *v, const char *text, join_fn *join)
{
    size_t n = w->n_symbols, n_heap = 0;
    if (n < 2) return true;
    struct symbol *s = w->symbol;
    /* Every merge takes one symbol away and offers at most two pairs, so 3n pairs are the most that were ever there. */
    if (!reserve_pairs(w, n)) return false;
    for (size_t i = 0; i + 1 < n; i++) {
        uint32_t order;
        int32_t id;
        if (!join(v, text, &s[i], &s[i + 1], &order, &id)) continue;
        w->heap[n_heap++] =
            (struct pair){.key = (uint64_t)order << 32 | i, .right = (uint32_t)i + 1, .len = s[i].len + s[i + 1].len, .id = id};
    }
    for (size_t i = n_heap / 2; i-- > 0;) sift_down(w->heap, n_heap, i);
    while (n_heap > 0) {
        struct pair p = w->heap[0];
        w->heap[0] = w->heap[--n_heap];
        if (n_heap > 0) sift_down(w->heap, n_heap, 0);
        int32_t at = (int32_t)(uint32_t)p.key;
        struct symbol *left = &s[at], *right = &s[p.right];
        /* One of the two has since grown or gone: symbols only ever grow, so the lengths tell. */
        if (left->len == 0 || right->len == 0 || left->len + right->len != p.len) continue;
        left->len = p.len;
        left->id = p.id;
        right->len = 0;
        left->next = right->next;
        if (right->next >= 0) s[right->next].prev = at;
        if (!reserve_pairs(w, n_heap + 2)) return false;
        for (int side = 0; side < 2; side++) {
            int32_t a = side == 0 ? left->prev : at, b = side == 0 ? at : left->next;
            uint32_t order;
            int32_t id;
            if (a < 0 || b < 0 || !join(v, text, &s[a], &s[b], &order, &id)) continue;
            w->heap[n_heap] = (struct pair){
                .key = (uint64_t)order << 32 | (uint32_t)a, .right = (uint32_t)b, .len = s[a].len + s[b].len, .id = id};
            sift_up(w->heap, n_heap++);
        }
    }
    return true;
}
