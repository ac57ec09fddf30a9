/* SPDX-License-Identifier: MIT */
#include "engine/text/tokenizer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "engine/text/unicode.h"
#include "engine/text/vocab.h"

/* ---- Lists of ids ---- */

void tokens_free(struct tokens *t)
{
    free(t->id);
    *t = (struct tokens){0};
}

bool tokens_push(struct tokens *t, int32_t id)
{
    int32_t *ids = memory_grow(t->id, &t->capacity, t->n + 1, sizeof *ids);
    if (!ids) return false;
    t->id = ids;
    t->id[t->n++] = id;
    return true;
}

/* ---- Text to id ---- */

uint64_t text_hash(uint64_t seed, const char *s, size_t n)
{
    uint64_t h = seed ^ n;
    for (; n >= 8; n -= 8, s += 8) {
        uint64_t word;
        memcpy(&word, s, 8);
        h = (h ^ word) * 0x9FB21C651E98DF25u;
        h ^= h >> 32;
    }
    uint64_t rest = 0;
    if (n >= 4) { /* the two halves overlap; with n in h that loses nothing */
        uint32_t head, tail;
        memcpy(&head, s, 4);
        memcpy(&tail, s + n - 4, 4);
        rest = (uint64_t)head << 32 | tail;
    } else if (n > 0)
        rest = (uint64_t)(unsigned char)s[0] << 16 | (uint64_t)(unsigned char)s[n / 2] << 8 | (unsigned char)s[n - 1];
    h = (h ^ rest) * 0x9FB21C651E98DF25u;
    return h ^ h >> 32;
}

int32_t text_map_find(const struct tokenizer_tables *v, const char *s, size_t n)
{
    const struct text_map *m = &v->map;
    for (size_t i = text_hash(m->seed, s, n) & m->mask; m->slot[i]; i = (i + 1) & m->mask) {
        const struct gguf_string *text = &v->text[m->slot[i] - 1];
        if (text->len == n && memcmp(text->data, s, n) == 0) return (int32_t)(m->slot[i] - 1);
    }
    return -1;
}

static bool map_build(struct tokenizer *t, struct error *e)
{
    struct tokenizer_tables *v = t->tables;
    size_t slots = 2;
    while (slots < 2 * (size_t)t->n_vocab) slots *= 2;
    v->map.slot = calloc(slots, sizeof *v->map.slot);
    if (!v->map.slot) return fail(e, "no memory for %d tokens", t->n_vocab);
    v->map.mask = slots - 1;
    v->map.seed = ((uint64_t)(uintptr_t)v ^ (uint64_t)time(NULL) << 32) * 0x9E3779B97F4A7C15u;
    for (int32_t i = 0; i < t->n_vocab; i++) {
        const struct gguf_string *s = &v->text[i];
        if (s->len > v->max_len) v->max_len = s->len;
        if (s->len == 0) continue; /* rows that only fill the table up: no text ever becomes one */
        int32_t twin = text_map_find(v, s->data, s->len);
        if (twin >= 0)
            return fail(e,
                        "metadata 'tokenizer.ggml.tokens': entry %d: found '%.*s' a second time, expected it only as entry %d",
                        i, (int)(s->len < 60 ? s->len : 60), s->data, twin);
        size_t at = text_hash(v->map.seed, s->data, s->len) & v->map.mask;
        while (v->map.slot[at]) at = (at + 1) & v->map.mask;
        v->map.slot[at] = (uint32_t)i + 1;
    }
    return true;
}

/* ---- Loading ---- */

static bool load_tokens(struct tokenizer *t, const struct gguf *g, struct error *e)
{
    struct tokenizer_tables *v = t->tables;
    const struct gguf_kv *kv = gguf_find(g, "tokenizer.ggml.tokens");
    if (!kv) return fail(e, "metadata 'tokenizer.ggml.tokens': found nothing, expected an array of strings");
    if (kv->type != GGUF_ARRAY || kv->element != GGUF_STRING)
        return fail(e, "metadata 'tokenizer.ggml.tokens': found %s of %s, expected an array of strings",
                    gguf_value_name(kv->type), gguf_value_name(kv->element));
    if (kv->n == 0 || kv->n >= INT32_MAX / 4)
        return fail(e, "metadata 'tokenizer.ggml.tokens': found %llu, expected 1 to 2^29", (unsigned long long)kv->n);
    t->n_vocab = (int32_t)kv->n;
    v->text = kv->strings;
    v->type = malloc((size_t)kv->n);
    v->ends = calloc((size_t)kv->n, sizeof *v->ends);
    if (!v->type || !v->ends) return fail(e, "no memory for %d tokens", t->n_vocab);
    memset(v->type, TOKEN_NORMAL, (size_t)kv->n);
    return map_build(t, e);
}

static bool load_types(struct tokenizer *t, const struct gguf *g, struct error *e)
{
    const struct gguf_kv *kv = gguf_find(g, "tokenizer.ggml.token_type");
    if (!kv) return true; /* optional: all are normal */
    if (kv->type != GGUF_ARRAY || (kv->element != GGUF_I32 && kv->element != GGUF_U32))
        return fail(e, "metadata 'tokenizer.ggml.token_type': found %s of %s, expected an array of i32",
                    gguf_value_name(kv->type), gguf_value_name(kv->element));
    if (kv->n < (uint64_t)t->n_vocab)
        return fail(e, "metadata 'tokenizer.ggml.token_type': found %llu, expected %d, one a token", (unsigned long long)kv->n,
                    t->n_vocab);
    for (int32_t i = 0; i < t->n_vocab; i++) {
        int64_t type = gguf_integer(kv, (uint64_t)i);
        if (type < 0 || type > TOKEN_BYTE)
            return fail(e, "metadata 'tokenizer.ggml.token_type': entry %d: found %lld, expected 1 to %d", i, (long long)type,
                        TOKEN_BYTE);
        t->tables->type[i] = type == 0 ? TOKEN_UNUSED : (uint8_t)type; /* 0 is "undefined" */
    }
    return true;
}

static bool load_id(const struct tokenizer *t, const struct gguf *g, const char *key, int32_t *id, struct error *e)
{
    uint32_t u;
    if (*id >= t->n_vocab) *id = -1; /* the kind's default, which this vocabulary does not reach */
    enum gguf_presence presence = gguf_get_u32(g, key, &u, e);
    if (presence != GGUF_FOUND) return presence == GGUF_ABSENT;
    if (u == UINT32_MAX) *id = -1; /* how converters write "none" */
    else if (u >= (uint32_t)t->n_vocab)
        return fail(e, "metadata '%s': found %u, expected a token below %d", key, u, t->n_vocab);
    else *id = (int32_t)u;
    return true;
}

static bool load_flag(const struct gguf *g, const char *key, bool *flag, struct error *e)
{
    return gguf_get_bool(g, key, flag, e) != GGUF_WRONG;
}

/* Tokens that llama.cpp knows by name (src/llama-vocab.cpp): they end a generation whatever the file says of their type.
 * `eot`: also the end of a turn, where the file names none; the first of these that the vocabulary has. */
static const struct {
    const char *name;
    bool eot;
} ends_by_name[] = {
    {"<|eot_id|>", true},     {"<|im_end|>", true},         {"<|end|>", true},     {"<end_of_turn>", true},
    {"<|endoftext|>", true},  {"<|end_of_text|>", true},    {"<EOT>", true},       {"_<EOT>", true},
    {"[EOT]", true},          {"<｜end▁of▁sentence｜>", true}, {"<end_of_utterance>", true},
    {"<|eom_id|>", false},    {"</s>", false},              {"<|return|>", false}, {"<|call|>", false},
    {"[EOS]", false},         {"<eos>", false},
    /* padding, repository and file marks of fill-in-the-middle models: past them there is no answer either */
    {"<|fim_pad|>", false},   {"<fim-pad>", false},         {"<fim_pad>", false},  {"<PAD>", false},
    {"[PAD]", false},         {"<|fim_repo|>", false},      {"<|repo_name|>", false}, {"<fim-repo>", false},
    {"<REPO>", false},        {"<reponame>", false},        {"<|file_sep|>", false},
};

/* The rest of the fill-in-the-middle marks: control tokens too, but generation goes on. */
static const char *const control_by_name[] = {
    "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
    "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>",  "<SUF>", "▁<SUF>",
    "<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>",   "<MID>", "▁<MID>",
};

static void mark_by_name(struct tokenizer *t)
{
    struct tokenizer_tables *v = t->tables;
    for (size_t i = 0; i < sizeof ends_by_name / sizeof *ends_by_name; i++) {
        int32_t id = token_find(t, ends_by_name[i].name, strlen(ends_by_name[i].name));
        if (id < 0) continue;
        v->type[id] = TOKEN_CONTROL;
        v->ends[id] = true;
        if (ends_by_name[i].eot && t->eot < 0) t->eot = id;
    }
    for (size_t i = 0; i < sizeof control_by_name / sizeof *control_by_name; i++) {
        int32_t id = token_find(t, control_by_name[i], strlen(control_by_name[i]));
        if (id >= 0) v->type[id] = TOKEN_CONTROL;
    }
    if (t->eos >= 0) v->ends[t->eos] = true;
    if (t->eot >= 0) v->ends[t->eot] = true;
}

static bool load_special(struct tokenizer *t, const struct gguf *g, struct error *e)
{
    static const int32_t defaults[][7] = {
        /* bos, eos, unk, sep, pad, cls, mask where the file is silent, as llama.cpp has them */
        [TOKENIZER_SPM] = {1, 2, 0, -1, -1, -1, -1},
        [TOKENIZER_BPE] = {-1, -1, -1, -1, -1, -1, -1},
        [TOKENIZER_WORDPIECE] = {-1, -1, 100, 102, 0, 101, 103},
    };
    const int32_t *d = defaults[t->kind];
    t->bos = d[0], t->eos = d[1], t->unk = d[2], t->sep = d[3], t->pad = d[4], t->cls = d[5], t->mask = d[6], t->eot = -1;
    t->add_bos = t->kind != TOKENIZER_BPE;
    t->add_eos = false;
    /* "seperator" is how the format spells it. */
    if (!load_id(t, g, "tokenizer.ggml.bos_token_id", &t->bos, e) ||
        !load_id(t, g, "tokenizer.ggml.eos_token_id", &t->eos, e) ||
        !load_id(t, g, "tokenizer.ggml.eot_token_id", &t->eot, e) ||
        !load_id(t, g, "tokenizer.ggml.unknown_token_id", &t->unk, e) ||
        !load_id(t, g, "tokenizer.ggml.seperator_token_id", &t->sep, e) ||
        !load_id(t, g, "tokenizer.ggml.cls_token_id", &t->cls, e) ||
        !load_id(t, g, "tokenizer.ggml.padding_token_id", &t->pad, e) ||
        !load_id(t, g, "tokenizer.ggml.mask_token_id", &t->mask, e))
        return false;
    return true;
}

/* After the kind's own tables, since a pre-tokenizer may bring its own default. */
static bool load_added(struct tokenizer *t, const struct gguf *g, struct error *e)
{
    if (t->kind == TOKENIZER_BPE && t->tables->pre->add_bos) t->add_bos = true;
    if (!load_flag(g, "tokenizer.ggml.add_bos_token", &t->add_bos, e) ||
        !load_flag(g, "tokenizer.ggml.add_eos_token", &t->add_eos, e))
        return false;
    if (t->kind == TOKENIZER_WORDPIECE) {
        if (t->cls < 0) t->cls = t->bos;
        if (t->cls < 0 || t->sep < 0)
            return fail(e, "metadata 'tokenizer.ggml.%s_token_id': found nothing, expected one in a WordPiece vocabulary",
                        t->cls < 0 ? "cls" : "seperator");
        return true;
    }
    if (t->add_bos && t->bos < 0)
        return fail(e, "metadata 'tokenizer.ggml.bos_token_id': found nothing, expected one since texts are to begin with it");
    if (t->add_eos && t->eos < 0)
        return fail(e, "metadata 'tokenizer.ggml.eos_token_id': found nothing, expected one since texts are to end with it");
    return true;
}

/* ---- Special tokens in the text ---- */

static bool in_set(const struct tokenizer_tables *v, const struct special_set *set, int32_t id)
{
    uint8_t type = v->type[id];
    return type == TOKEN_USER_DEFINED || (set->control && (type == TOKEN_CONTROL || type == TOKEN_UNKNOWN));
}

static int longer_first(const void *a, const void *b)
{
    size_t x = ((const struct special_length *)a)->len, y = ((const struct special_length *)b)->len;
    return (x < y) - (x > y);
}

static bool special_build(const struct tokenizer *t, struct special_set *set, bool control)
{
    const struct tokenizer_tables *v = t->tables;
    size_t capacity = 0;
    set->control = control;
    uint32_t *at = calloc(v->max_len + 1, sizeof *at); /* a length's place + 1 */
    bool ok = at != NULL;
    for (int32_t i = 0; ok && i < t->n_vocab; i++) {
        const struct gguf_string *s = &v->text[i];
        if (s->len == 0 || !in_set(v, set, i)) continue;
        if (!at[s->len]) {
            struct special_length *length = memory_grow(set->length, &capacity, set->n + 1, sizeof *length);
            if (!(ok = length != NULL)) break;
            set->length = length;
            set->length[set->n] = (struct special_length){.len = s->len};
            at[s->len] = (uint32_t)++set->n;
        }
        struct special_length *l = &set->length[at[s->len] - 1];
        unsigned char first = (unsigned char)s->data[0], last = (unsigned char)s->data[s->len - 1];
        l->first[first >> 5] |= 1u << (first & 31);
        l->last[last >> 5] |= 1u << (last & 31);
    }
    free(at);
    if (ok && set->n > 1) qsort(set->length, set->n, sizeof *set->length, longer_first);
    return ok;
}

/* A stretch of the text, or a special token in it. */
struct fragment {
    size_t at, len;
    int32_t id; /* -1: text */
};

struct fragments {
    struct fragment *f;
    size_t n, capacity;
};

static bool fragments_push(struct fragments *l, size_t at, size_t len, int32_t id)
{
    if (id < 0 && len == 0) return true;
    struct fragment *f = memory_grow(l->f, &l->capacity, l->n + 1, sizeof *f);
    if (!f) return false;
    l->f = f;
    l->f[l->n++] = (struct fragment){at, len, id};
    return true;
}

/* Cuts one stretch at all special tokens of one length. */
static bool cut_length(const struct tokenizer_tables *v, const struct special_set *set, const struct special_length *l,
                       const char *text, struct fragment f, struct fragments *out)
{
    size_t done = f.at, end = f.at + f.len;
    for (size_t i = f.at; i + l->len <= end;) {
        unsigned char first = (unsigned char)text[i], last = (unsigned char)text[i + l->len - 1];
        int32_t id = -1;
        if (l->first[first >> 5] >> (first & 31) & 1 && l->last[last >> 5] >> (last & 31) & 1)
            id = text_map_find(v, text + i, l->len);
        if (id < 0 || !in_set(v, set, id)) {
            i++;
            continue;
        }
        if (!fragments_push(out, done, i - done, -1) || !fragments_push(out, i, l->len, id)) return false;
        i += l->len;
        done = i;
    }
    return fragments_push(out, done, end - done, -1);
}

/* Longer special tokens take their places before shorter ones, wherever in the text they are. */
static bool cut_special(const struct tokenizer_tables *v, const struct special_set *set, const char *text, size_t len,
                        struct fragments *out)
{
    struct fragments next = {0};
    bool ok = fragments_push(out, 0, len, -1);
    for (size_t k = 0; ok && k < set->n; k++) {
        next.n = 0;
        for (size_t i = 0; ok && i < out->n; i++) {
            struct fragment f = out->f[i];
            if (f.id >= 0 || f.len < set->length[k].len) ok = fragments_push(&next, f.at, f.len, f.id);
            else ok = cut_length(v, set, &set->length[k], text, f, &next);
        }
        struct fragments swap = *out;
        *out = next;
        next = swap;
    }
    free(next.f);
    return ok;
}

/* ---- Bytes of tokens ---- */

/* Appends the bytes that token i stands for. The buffer has room for its text and one byte more. */
static size_t render(const struct tokenizer *t, int32_t i, char *out)
{
    const struct tokenizer_tables *v = t->tables;
    const struct gguf_string *s = &v->text[i];
    size_t n = 0;
    enum token_type type = (enum token_type)v->type[i];
    if (type == TOKEN_BYTE && s->len == 6 && memcmp(s->data, "<0x", 3) == 0) {
        char hex[3] = {s->data[3], s->data[4], 0}, *end;
        long b = strtol(hex, &end, 16);
        if (end == hex + 2) {
            out[0] = (char)b;
            return 1;
        }
    }
    if (type == TOKEN_UNUSED || type == TOKEN_BYTE) return 0;
    if (type == TOKEN_NORMAL && t->kind == TOKENIZER_BPE) return bpe_render(s, out);
    for (size_t at = 0; at < s->len;) {
        if (type == TOKEN_NORMAL && s->len - at >= 3 && memcmp(s->data + at, "\xe2\x96\x81", 3) == 0) {
            out[n++] = ' ';
            at += 3;
        } else out[n++] = s->data[at++];
    }
    return n;
}

static bool pieces_build(struct tokenizer *t, struct error *e)
{
    struct tokenizer_tables *v = t->tables;
    size_t bytes = 0, n = 0;
    for (int32_t i = 0; i < t->n_vocab; i++) bytes += v->text[i].len + 1; /* no overflow: all of it lies in memory */
    v->piece = malloc(bytes);
    v->piece_at = malloc(((size_t)t->n_vocab + 1) * sizeof *v->piece_at);
    if (!v->piece || !v->piece_at) return fail(e, "no memory for %d tokens", t->n_vocab);
    for (int32_t i = 0; i < t->n_vocab; i++) {
        v->piece_at[i] = n;
        n += render(t, i, v->piece + n);
    }
    v->piece_at[t->n_vocab] = n;
    return true;
}

const char *token_bytes(const struct tokenizer *t, int32_t id, bool special, bool first, size_t *len)
{
    const struct tokenizer_tables *v = t->tables;
    *len = 0;
    if (id < 0 || id >= t->n_vocab) return "";
    if (!special && (v->type[id] == TOKEN_CONTROL || v->type[id] == TOKEN_UNKNOWN)) return "";
    const char *s = v->piece + v->piece_at[id];
    *len = (size_t)(v->piece_at[id + 1] - v->piece_at[id]);
    bool own_space = t->kind == TOKENIZER_WORDPIECE || (t->kind == TOKENIZER_SPM && v->add_space_prefix);
    if (first && own_space && *len > 0 && *s == ' ') {
        s++;
        --*len;
    }
    return s;
}

bool detokenize(const struct tokenizer *t, const int32_t *id, size_t n, bool special, char **text, size_t *len, struct error *e)
{
    size_t capacity = 0, used = 0;
    char *out = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t l;
        const char *s = token_bytes(t, id[i], special, i == 0, &l);
        char *grown = memory_grow(out, &capacity, used + l + 1, 1);
        if (!grown) {
            free(out);
            return fail(e, "no memory for the text of %zu tokens", n);
        }
        out = grown;
        memcpy(out + used, s, l);
        used += l;
    }
    if (!out && !(out = malloc(1))) return fail(e, "no memory");
    out[used] = 0;
    *text = out;
    *len = used;
    return true;
}

/* ---- The front ---- */

static bool load(struct tokenizer *t, const struct gguf *g, struct error *e)
{
    struct gguf_string model;
    enum gguf_presence presence = gguf_get_string(g, "tokenizer.ggml.model", &model, e);
    if (presence == GGUF_WRONG) return false;
    if (presence == GGUF_ABSENT) return fail(e, "metadata 'tokenizer.ggml.model': found nothing, expected llama, gpt2 or bert");
    if (model.len == 5 && memcmp(model.data, "llama", 5) == 0) t->kind = TOKENIZER_SPM;
    else if (model.len == 4 && memcmp(model.data, "gpt2", 4) == 0) t->kind = TOKENIZER_BPE;
    else if (model.len == 4 && memcmp(model.data, "bert", 4) == 0) t->kind = TOKENIZER_WORDPIECE;
    else
        return fail(e, "metadata 'tokenizer.ggml.model': found '%.*s', expected llama, gpt2 or bert",
                    (int)(model.len < 60 ? model.len : 60), model.data);
    if (!load_tokens(t, g, e) || !load_types(t, g, e) || !load_special(t, g, e)) return false;
    mark_by_name(t);
    struct tokenizer_tables *v = t->tables;
    if (t->kind == TOKENIZER_SPM && !spm_load(t, g, e)) return false;
    if (t->kind == TOKENIZER_BPE && !bpe_load(t, g, e)) return false;
    if (t->kind == TOKENIZER_WORDPIECE) {
        v->lowercase = true;
        if (!load_flag(g, "tokenizer.ggml.normalizer.lowercase", &v->lowercase, e)) return false;
        v->strip_accents = v->lowercase;
        if (!load_flag(g, "tokenizer.ggml.normalizer.strip_accents", &v->strip_accents, e)) return false;
    }
    if (!load_added(t, g, e) || !pieces_build(t, e)) return false;
    if (!special_build(t, &v->user, false) || !special_build(t, &v->all, true))
        return fail(e, "no memory for the special tokens");
    return gguf_get_string(g, "tokenizer.chat_template", &t->chat_template, e) != GGUF_WRONG; /* absent: zero */
}

struct tokenizer *tokenizer_new(const struct gguf *g, struct error *e)
{
    struct tokenizer *t = calloc(1, sizeof *t);
    if (!t || !(t->tables = calloc(1, sizeof *t->tables))) {
        free(t);
        fail(e, "no memory for a tokenizer");
        return NULL;
    }
    if (load(t, g, e)) return t;
    tokenizer_free(t);
    return NULL;
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t) return;
    struct tokenizer_tables *v = t->tables;
    free(v->type);
    free(v->ends);
    free(v->map.slot);
    free(v->user.length);
    free(v->all.length);
    free(v->piece);
    free(v->piece_at);
    free(v->score);
    free(v->merge);
    free(v);
    free(t);
}

size_t tokenizer_memory(const struct tokenizer *t)
{
    const struct tokenizer_tables *v = t->tables;
    size_t n = (size_t)t->n_vocab;
    return sizeof *t + sizeof *v + n * (sizeof *v->type + sizeof *v->ends) + (v->map.mask + 1) * sizeof *v->map.slot +
           (v->user.n + v->all.n) * sizeof *v->all.length + (size_t)v->piece_at[n] + (n + 1) * sizeof *v->piece_at +
           (v->score ? n * sizeof *v->score : 0) + (v->merge ? (v->merge_mask + 1) * sizeof *v->merge : 0);
}

static bool tokenize_text(const struct tokenizer *t, const char *text, size_t len, bool after_special, struct text_work *w,
                          struct tokens *out)
{
    switch (t->kind) {
    case TOKENIZER_SPM: return spm_tokenize(t, text, len, after_special, w, out);
    case TOKENIZER_BPE: return bpe_tokenize(t, text, len, w, out);
    case TOKENIZER_WORDPIECE: return wordpiece_tokenize(t, text, len, w, out);
    }
    return false;
}

bool tokenize(const struct tokenizer *t, const char *text, size_t len, int flags, struct tokens *out, struct error *e)
{
    const struct tokenizer_tables *v = t->tables;
    if (len > INT32_MAX / 4) return fail(e, "text: found %zu bytes, expected at most %d", len, INT32_MAX / 4);
    bool wordpiece = t->kind == TOKENIZER_WORDPIECE, add = flags & TOKENIZE_ADD_SPECIAL;
    bool ok = true, after_special = true;
    struct fragments parts = {0};
    struct text_work w = {0};
    if (add && (wordpiece || t->add_bos)) ok = tokens_push(out, wordpiece ? t->cls : t->bos);
    ok = ok && cut_special(v, flags & TOKENIZE_PARSE_SPECIAL ? &v->all : &v->user, text, len, &parts);
    for (size_t i = 0; ok && i < parts.n; i++) {
        const struct fragment *f = &parts.f[i];
        ok = f->id >= 0 ? tokens_push(out, f->id) : tokenize_text(t, text + f->at, f->len, after_special, &w, out);
        after_special = f->id >= 0;
    }
    if (ok && add && (wordpiece || t->add_eos)) ok = tokens_push(out, wordpiece ? t->sep : t->eos);
    free(parts.f);
    text_work_free(&w);
    return ok || fail(e, "no memory to tokenize %zu bytes", len);
}

enum token_type token_type_of(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->n_vocab ? (enum token_type)t->tables->type[id] : TOKEN_UNUSED;
}

struct gguf_string token_text(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->n_vocab ? t->tables->text[id] : (struct gguf_string){"", 0};
}

void tokenizer_digest(const struct tokenizer *t, char hex[SHA256_HEX])
{
    struct sha256 s;
    sha256_begin(&s);
    for (int32_t id = 0; id < t->n_vocab; id++) {
        struct gguf_string text = token_text(t, id);
        sha256_text(&s, "%d %llu ", (int)token_type_of(t, id), (unsigned long long)text.len); /* no two lists alike */
        sha256_add(&s, text.data, text.len);
    }
    sha256_end(&s, hex);
}

int32_t token_find(const struct tokenizer *t, const char *text, size_t len) { return text_map_find(t->tables, text, len); }

bool token_ends_generation(const struct tokenizer *t, int32_t id) { return id >= 0 && id < t->n_vocab && t->tables->ends[id]; }
