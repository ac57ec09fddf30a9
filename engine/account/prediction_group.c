/* prediction_group.c - rows of a prediction added up by what they have in common; see predict.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/predict.h"

#include <stdlib.h>
#include <string.h>

bool prediction_by(const char *words, unsigned *by, struct error *e)
{
    static const char *const names[] = {"layer", "op", "type", "phase"};
    *by = 0;
    for (const char *w = words;; w++) {
        size_t n = strcspn(w, ",");
        unsigned bit = 0;
        for (unsigned i = 0; i < 4; i++)
            if (strlen(names[i]) == n && !memcmp(names[i], w, n)) bit = 1u << i;
        if (!bit) return fail(e, "--by: found '%.*s', expected layer, op, type or phase", (int)n, w);
        *by |= bit;
        w += n;
        if (!*w) return true;
    }
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool is_same_group(const struct prediction_row *a, const struct prediction_row *b)
{
    return a->layer == b->layer && a->phase == b->phase && is_same(a->op, b->op) && is_same(a->type, b->type);
}

/* FNV-1a of what names a group. */
static size_t group_hash(const struct prediction_row *row)
{
    const char *words[] = {row->op ? row->op : "", row->type ? row->type : ""};
    uint64_t h = 0xcbf29ce484222325u;
    for (int i = 0; i < 2; i++)
        for (const char *c = words[i]; *c; c++) h = (h ^ (unsigned char)*c) * 0x100000001b3u;
    h = (h ^ (uint64_t)(row->layer - ROW_MANY)) * 0x100000001b3u;
    h = (h ^ (uint64_t)(row->phase - ROW_MANY)) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

struct prediction_row *prediction_group(const struct prediction *r, unsigned by, size_t *n)
{
    /* Open addressing, at most half full; a slot holds a group's place + 1. Layers may be many: pairs would be too many. */
    size_t slots = 16;
    while (slots < 2 * r->n_rows) slots *= 2;
    size_t *slot = calloc(slots, sizeof *slot);
    struct prediction_row *groups = slot ? calloc(r->n_rows ? r->n_rows : 1, sizeof *groups) : NULL;
    *n = 0;
    for (size_t i = 0; groups && i < r->n_rows; i++) {
        struct prediction_row row = r->rows[i];
        if (!(by & BY_LAYER)) row.layer = ROW_MANY;
        if (!(by & BY_OP)) row.op = NULL;
        if (!(by & BY_TYPE)) row.type = NULL;
        if (!(by & BY_PHASE)) row.phase = ROW_MANY;
        size_t at = group_hash(&row) & (slots - 1);
        while (slot[at] && !is_same_group(&groups[slot[at] - 1], &row)) at = (at + 1) & (slots - 1);
        if (!slot[at]) {
            groups[*n] = row;
            slot[at] = ++*n;
            continue;
        }
        struct prediction_row *g = &groups[slot[at] - 1];
        g->flops += row.flops;
        g->special += row.special;
        g->bytes += row.bytes;
        g->streamed_bytes += row.streamed_bytes;
        g->memory_bytes += row.memory_bytes;
        g->time_s += row.time_s;
        g->energy_j += row.energy_j;
        g->measured_s += row.measured_s;
    }
    free(slot);
    return groups;
}
