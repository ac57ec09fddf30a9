/* mix.c - see mix.h.
 * SPDX-License-Identifier: MIT */
#include "engine/mix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/suffix.h"

enum layers { NONE, ALL, FIRST_2, FIRST_4, FIRST_8TH, FIRST_16TH, MORE_BITS };

/* In the chosen layers a tensor gets `type`, elsewhere `other`. */
struct pick {
    enum layers layers;
    enum type type, other;
};

struct mix {
    const char *name;
    uint32_t file_type; /* enum llama_ftype */
    enum type base;     /* of every matrix that no pick names */
    bool pure;          /* no picks, and the output is no exception */
    struct pick attn_v, ffn_down, attn_output;
};

#define PURE(type, number) {.name = #type, .file_type = number, .base = TYPE_##type, .pure = true}

static const struct mix mixes[] = {
    PURE(F32, 0),
    PURE(F16, 1),
    PURE(BF16, 32),
    PURE(Q8_0, 7),
    PURE(Q5_0, 8),
    PURE(Q5_1, 9),
    PURE(Q4_0, 2),
    PURE(Q4_1, 3),
    PURE(Q2_K, 10),
    PURE(Q3_K, 11),
    PURE(Q4_K, 14),
    PURE(Q5_K, 16),
    PURE(Q6_K, 18),
    {.name = "Q3_K_S", .file_type = 11, .base = TYPE_Q3_K},
    {.name = "Q3_K_M", .file_type = 12, .base = TYPE_Q3_K,
     .attn_v = {FIRST_2, TYPE_Q5_K, TYPE_Q4_K},
     .ffn_down = {FIRST_16TH, TYPE_Q5_K, TYPE_Q4_K},
     .attn_output = {ALL, TYPE_Q4_K, TYPE_Q4_K}},
    {.name = "Q3_K_L", .file_type = 13, .base = TYPE_Q3_K,
     .attn_v = {ALL, TYPE_Q5_K, TYPE_Q5_K},
     .ffn_down = {ALL, TYPE_Q5_K, TYPE_Q5_K},
     .attn_output = {ALL, TYPE_Q5_K, TYPE_Q5_K}},
    {.name = "Q4_K_S", .file_type = 14, .base = TYPE_Q4_K,
     .attn_v = {FIRST_4, TYPE_Q5_K, TYPE_Q4_K},
     .ffn_down = {FIRST_8TH, TYPE_Q5_K, TYPE_Q4_K}},
    {.name = "Q4_K_M", .file_type = 15, .base = TYPE_Q4_K,
     .attn_v = {MORE_BITS, TYPE_Q6_K, TYPE_Q4_K},
     .ffn_down = {MORE_BITS, TYPE_Q6_K, TYPE_Q4_K}},
    {.name = "Q5_K_S", .file_type = 16, .base = TYPE_Q5_K},
    {.name = "Q5_K_M", .file_type = 17, .base = TYPE_Q5_K,
     .attn_v = {MORE_BITS, TYPE_Q6_K, TYPE_Q5_K},
     .ffn_down = {MORE_BITS, TYPE_Q6_K, TYPE_Q5_K}},
};

const struct mix *mix_at(size_t i) { return i < sizeof mixes / sizeof mixes[0] ? &mixes[i] : NULL; }
const char *mix_name(const struct mix *m) { return m->name; }
bool mix_is_pure(const struct mix *m) { return m->pure; }
uint32_t mix_file_type(const struct mix *m) { return m->file_type; }

const struct mix *mix_find(const char *name, struct error *e)
{
    char known[512];
    size_t n = 0;
    for (size_t i = 0; mix_at(i); i++) {
        if (!strcasecmp(name, mixes[i].name)) return &mixes[i];
        if (n < sizeof known) n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? " " : "", mixes[i].name);
    }
    fail(e, "type: found '%.64s', expected one of %s", name, known);
    return NULL;
}

static bool in_layers(enum layers which, long layer, int n)
{
    switch (which) {
    case NONE: return false;
    case ALL: return true;
    case FIRST_2: return layer < 2;
    case FIRST_4: return layer < 4;
    case FIRST_8TH: return layer < n / 8;
    case FIRST_16TH: return layer < n / 16;
    case MORE_BITS: return layer < n / 8 || layer >= 7 * n / 8 || (layer - n / 8) % 3 == 2;
    }
    return false;
}

/* What takes the place of a type whose blocks don't fit the row. */
static enum type fitting(enum type type, int64_t row)
{
    if (row % (int64_t)type_get(type)->block == 0) return type;
    enum type small = TYPE_F16;
    switch (type) {
    case TYPE_Q2_K:
    case TYPE_Q3_K: small = TYPE_Q4_0; break;
    case TYPE_Q4_K: small = TYPE_Q5_0; break;
    case TYPE_Q5_K: small = TYPE_Q5_1; break;
    case TYPE_Q6_K: small = TYPE_Q8_0; break;
    default: break;
    }
    return row % (int64_t)type_get(small)->block == 0 ? small : TYPE_F16;
}

bool mix_applies(const struct tensor *t)
{
    return t->n_dims >= 2 && ends_with(t->name, ".weight") && !ends_with(t->name, "_norm.weight") &&
           strcmp(t->name, "position_embd.weight") && strcmp(t->name, "token_types.weight");
}

enum type mix_type(const struct mix *m, const struct mix_model *model, const struct tensor *t)
{
    enum type type = m->base;
    long layer = 0;
    const char *role = t->name;
    if (!strncmp(t->name, "blk.", 4)) {
        char *end;
        layer = strtol(t->name + 4, &end, 10); /* saturates */
        if (*end == '.') role = end + 1;
    }

    if (m->pure) return fitting(type, t->ne[0]);
    if (!strcmp(role, "output.weight") || (model->tied && !strcmp(role, "token_embd.weight"))) {
        /* The output sees every token: more bits, or 8 where the row does not suit the mix. */
        bool suits = t->ne[0] % (int64_t)type_get(m->base)->block == 0;
        return fitting(suits ? TYPE_Q6_K : TYPE_Q8_0, t->ne[0]);
    }
    const struct pick *pick = !strcmp(role, "attn_v.weight")        ? &m->attn_v
                              : !strcmp(role, "ffn_down.weight")    ? &m->ffn_down
                              : !strcmp(role, "attn_output.weight") ? &m->attn_output
                                                                    : NULL;
    if (pick && pick->layers != NONE) type = in_layers(pick->layers, layer, model->n_layer) ? pick->type : pick->other;
    /* In the 70B models eight heads share attn_v, so that more bits there cost next to nothing. */
    if (pick == &m->attn_v && model->n_layer == 80 && model->n_head != model->n_head_kv &&
        (type == TYPE_Q3_K || type == TYPE_Q4_K))
        type = TYPE_Q5_K;
    return fitting(type, t->ne[0]);
}
