/* SentencePiece BPE: every character is a symbol, and of all neighbours that join to a token, the pair with the best score goes
 * first. What is no token in the end is spelt in byte tokens. Follows llama.cpp (src/llama-vocab.cpp, llm_tokenizer_spm).
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text/vocab.h"

static const char space[] = "\xe2\x96\x81"; /* U+2581 stands for a space */

bool spm_load(struct tokenizer *t, const struct gguf *g, struct error *e)
{
    struct tokenizer_tables *v = t->tables;
    const struct gguf_kv *kv = gguf_find(g, "tokenizer.ggml.scores");
    if (!kv) return fail(e, "metadata 'tokenizer.ggml.scores': found nothing, expected %d scores", t->n_vocab);
    if (kv->type != GGUF_ARRAY || (kv->element != GGUF_F32 && kv->element != GGUF_I32))
        return fail(e, "metadata 'tokenizer.ggml.scores': found %s of %s, expected an array of f32", gguf_value_name(kv->type),
                    gguf_value_name(kv->element));
    if (kv->n < (uint64_t)t->n_vocab)
        return fail(e, "metadata 'tokenizer.ggml.scores': found %llu, expected %d, one a token", (unsigned long long)kv->n,
                    t->n_vocab);
    v->score = malloc((size_t)t->n_vocab * sizeof *v->score);
    if (!v->score) return fail(e, "no memory for %d scores", t->n_vocab);
    for (int32_t i = 0; i < t->n_vocab; i++) {
        v->score[i] = (float)gguf_number(kv, (uint64_t)i);
        if (isnan(v->score[i])) return fail(e, "metadata 'tokenizer.ggml.scores': entry %d: found nan, expected a number", i);
    }
    v->add_space_prefix = true;
    if (gguf_get_bool(g, "tokenizer.ggml.add_space_prefix", &v->add_space_prefix, e) == GGUF_WRONG) return false;
    for (int32_t i = 0; i < t->n_vocab; i++) {
        const struct gguf_string *s = &v->text[i];
        for (size_t k = 1; k + 3 <= s->len; k++)
            if (memcmp(s->data + k, space, 3) == 0) v->joins_space[(unsigned char)s->data[k - 1]] = true;
    }
    for (int b = 0; b < 256; b++) {
        char name[8] = "<0x00>", one = (char)b;
        name[3] = "0123456789ABCDEF"[b >> 4];
        name[4] = "0123456789ABCDEF"[b & 15];
        v->byte[b] = text_map_find(v, name, 6);
        if (v->byte[b] < 0) v->byte[b] = text_map_find(v, &one, 1);
        if (v->byte[b] < 0) v->byte[b] = t->unk;
    }
    return true;
}

static bool join_by_score(const struct tokenizer_tables *v, const char *text, const struct symbol *left,
                          const struct symbol *right, uint32_t *order, int32_t *id)
{
    size_t len = (size_t)left->len + right->len;
    if (len > v->max_len) return false;
    *id = text_map_find(v, text + left->at, len);
    if (*id < 0) return false;
    /* A float's bits in an order that falls as the score rises; both zeros are one number. */
    float score = v->score[*id] + 0.0f;
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    *order = bits >> 31 ? bits : ~(bits | 0x80000000u);
    return true;
}

/* Characters go by their first byte alone, well-formed or not, as in llama.cpp. */
static uint32_t length_by_high_bits(char c)
{
    static const uint8_t length[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
    return length[(unsigned char)c >> 4];
}

/* Tokenizes b[at..end), with spaces already written as U+2581. */
static bool tokenize_part(const struct tokenizer_tables *v, const char *b, size_t at, size_t end, struct text_work *w,
                          struct tokens *out)
{
    w->n_symbols = 0;
    while (at < end) {
        uint32_t l = length_by_high_bits(b[at]);
        if (l > end - at) l = (uint32_t)(end - at);
        if (!text_work_push(w, (uint32_t)at, l, text_map_find(v, b + at, l))) return false;
        at += l;
    }
    if (!text_merge(w, v, b, join_by_score)) return false;
    for (int32_t i = w->n_symbols ? 0 : -1; i >= 0; i = w->symbol[i].next) {
        const struct symbol *s = &w->symbol[i];
        if (s->id >= 0) {
            if (!tokens_push(out, s->id)) return false;
            continue;
        }
        for (uint32_t k = 0; k < s->len; k++) {
            int32_t id = v->byte[(unsigned char)b[s->at + k]];
            if (id >= 0 && !tokens_push(out, id)) return false;
        }
    }
    return true;
}

bool spm_tokenize(const struct tokenizer *t, const char *text, size_t len, bool prefix, struct text_work *w, struct tokens *out)
{
    const struct tokenizer_tables *v = t->tables;
    if (!text_work_bytes(w, 3 * (len + 1))) return false;
    char *b = w->bytes;
    size_t n = 0;
    if (prefix && v->add_space_prefix) {
        memcpy(b, space, 3);
        n = 3;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ') {
            memcpy(b + n, space, 3);
            n += 3;
        } else b[n++] = text[i];
    }
    /* The same tokens as in one go, but the pairs of a word fit the nearest cache. */
    size_t start = 0;
    for (size_t at = 0; at < n;) {
        size_t l = length_by_high_bits(b[at]);
        if (at > start && n - at >= 3 && memcmp(b + at, space, 3) == 0 && !v->joins_space[(unsigned char)b[at - 1]]) {
            if (!tokenize_part(v, b, start, at, w, out)) return false;
            start = at;
        }
        at += l;
    }
    return start == n || tokenize_part(v, b, start, n, w, out);
}
