/* Byte-level BPE: the text is cut into words (pretokenize.c), each byte of a word is a symbol, and the pair that stands first
 * in the file's list of merges goes first. Follows llama.cpp (src/llama-vocab.cpp, llm_tokenizer_bpe), bad UTF-8 included: a
 * byte that belongs to no character is tokenized as U+FFFD. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "engine/text/unicode.h"
#include "engine/text/vocab.h"

/* GPT-2 writes every byte as a visible character: printable Latin-1 as itself, the other 68 bytes from U+0100 on. */
enum { FIRST_MARK = 0x100, END_MARK = FIRST_MARK + 68 };

static bool is_itself(int b) { return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE; }

static uint32_t char_of_byte(int b)
{
    if (is_itself(b)) return (uint32_t)b;
    uint32_t mark = FIRST_MARK;
    for (int i = 0; i < b; i++) mark += !is_itself(i);
    return mark;
}

static int byte_of_char(uint32_t c)
{
    if (c < FIRST_MARK) return is_itself((int)c) ? (int)c : -1;
    if (c >= END_MARK) return -1;
    /* The bytes that are not themselves lie in three runs. */
    static const struct {
        uint8_t first, count;
    } runs[] = {{0x00, 0x21}, {0x7F, 0x22}, {0xAD, 1}};
    uint32_t i = c - FIRST_MARK;
    for (size_t k = 0; k < sizeof runs / sizeof *runs; i -= runs[k++].count)
        if (i < runs[k].count) return (int)(runs[k].first + i);
    return -1;
}

size_t bpe_render(const struct gguf_string *text, char *out)
{
    size_t n = 0;
    for (size_t at = 0, len; at < text->len; at += len) {
        uint32_t c;
        len = utf8_decode(text->data + at, text->len - at, &c);
        int byte = byte_of_char(c);
        if (byte >= 0) out[n++] = (char)byte;
        else {
            memcpy(out + n, text->data + at, len);
            n += len;
        }
    }
    return n;
}

static uint64_t pair_hash(int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static const struct merge_slot *merge_find(const struct tokenizer_tables *v, int32_t left, int32_t right)
{
    for (size_t i = pair_hash(left, right) & v->merge_mask;; i = (i + 1) & v->merge_mask) {
        const struct merge_slot *m = &v->merge[i];
        if (m->left < 0) return NULL;
        if (m->left == left && m->right == right) return m;
    }
}

/* One line of the file's merges, "LEFT RIGHT", into ids; false if it is not two tokens that make a third. */
static bool read_merge(const struct tokenizer_tables *v, const struct gguf_string *line, char *joined, struct merge_slot *m)
{
    if (line->len < 3 || line->len - 1 > v->max_len) return false;
    const char *blank = memchr(line->data + 1, ' ', line->len - 1); /* a token may itself start with a blank */
    if (!blank) return false;
    size_t left = (size_t)(blank - line->data), right = line->len - left - 1;
    memcpy(joined, line->data, left);
    memcpy(joined + left, blank + 1, right);
    m->left = text_map_find(v, joined, left);
    m->right = text_map_find(v, joined + left, right);
    m->id = text_map_find(v, joined, left + right);
    return m->left >= 0 && m->right >= 0 && m->id >= 0;
}

static bool load_merges(struct tokenizer *t, const struct gguf *g, struct error *e)
{
    struct tokenizer_tables *v = t->tables;
    const struct gguf_kv *kv = gguf_find(g, "tokenizer.ggml.merges");
    if (!kv)
        return fail(
            e, "metadata 'tokenizer.ggml.merges': found nothing: a vocabulary without merges; expected an array of strings");
    if (kv->type != GGUF_ARRAY || kv->element != GGUF_STRING)
        return fail(e, "metadata 'tokenizer.ggml.merges': found %s of %s, expected an array of strings",
                    gguf_value_name(kv->type), gguf_value_name(kv->element));
    if (kv->n == 0) return fail(e, "metadata 'tokenizer.ggml.merges': found none: a vocabulary without merges; expected some");
    if (kv->n >= INT32_MAX)
        return fail(e, "metadata 'tokenizer.ggml.merges': found %llu, expected fewer than 2^31", (unsigned long long)kv->n);
    size_t slots = 2;
    while (slots < 2 * kv->n) slots *= 2;
    v->merge = malloc(slots * sizeof *v->merge);
    char *joined = malloc(v->max_len + 1);
    if (!v->merge || !joined) {
        free(joined);
        return fail(e, "no memory for %llu merges", (unsigned long long)kv->n);
    }
    v->merge_mask = slots - 1;
    for (size_t i = 0; i < slots; i++) v->merge[i].left = -1;
    for (uint64_t i = 0; i < kv->n; i++) {
        struct merge_slot m = {.rank = (uint32_t)i};
        const struct gguf_string *line = &kv->strings[i];
        if (!read_merge(v, line, joined, &m)) {
            free(joined);
            return fail(e,
                        "metadata 'tokenizer.ggml.merges': entry %llu: found '%.*s', expected two tokens that join to a third",
                        (unsigned long long)i, (int)(line->len < 100 ? line->len : 100), line->data);
        }
        size_t at = pair_hash(m.left, m.right) & v->merge_mask;
        while (v->merge[at].left >= 0 && (v->merge[at].left != m.left || v->merge[at].right != m.right))
            at = (at + 1) & v->merge_mask;
        if (v->merge[at].left < 0) v->merge[at] = m; /* of a pair given twice the first counts */
    }
    free(joined);
    return true;
}

bool bpe_load(struct tokenizer *t, const struct gguf *g, struct error *e)
{
    struct tokenizer_tables *v = t->tables;
    struct gguf_string pre = {"nothing", 7};
    enum gguf_presence presence = gguf_get_string(g, "tokenizer.ggml.pre", &pre, e);
    if (presence == GGUF_WRONG) return false;
    v->pre = presence == GGUF_FOUND ? pretokenizer_find(pre.data, pre.len) : NULL;
    if (!v->pre) {
        char names[512];
        pretokenizer_names(names, sizeof names);
        return fail(e, "metadata 'tokenizer.ggml.pre': found %.*s, expected a known pre-tokenizer: %s",
                    (int)(pre.len < 60 ? pre.len : 60), pre.data, names);
    }
    if (!load_merges(t, g, e)) return false;
    for (int b = 0; b < 256; b++) {
        char c[4];
        v->byte[b] = text_map_find(v, c, utf8_encode(char_of_byte(b), c));
    }
    return true;
}

static bool join_by_rank(const struct tokenizer_tables *v, const char *text, const struct symbol *left,
                         const struct symbol *right, uint32_t *order, int32_t *id)
{
    (void)text;
    if (left->id < 0 || right->id < 0) return false;
    const struct merge_slot *m = merge_find(v, left->id, right->id);
    if (!m) return false;
    *order = m->rank;
    *id = m->id;
    return true;
}

/* The whole word as one token, as the vocabulary spells it; -1 if it is none. */
static int32_t whole_word(const struct tokenizer_tables *v, const char *word, size_t len, char *spelt)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int32_t id = v->byte[(unsigned char)word[i]];
        if (id < 0 || n + v->text[id].len > v->max_len) return -1;
        memcpy(spelt + n, v->text[id].data, v->text[id].len);
        n += v->text[id].len;
    }
    return text_map_find(v, spelt, n);
}

static bool tokenize_word(const struct tokenizer_tables *v, const char *word, size_t len, struct text_work *w,
                          struct tokens *out)
{
    if (v->pre->ignore_merges) {
        int32_t id = whole_word(v, word, len, w->spelt);
        if (id >= 0) return tokens_push(out, id);
    }
    w->n_symbols = 0;
    for (size_t i = 0; i < len; i++)
        if (!text_work_push(w, (uint32_t)i, 1, v->byte[(unsigned char)word[i]])) return false;
    if (!text_merge(w, v, word, join_by_rank)) return false;
    for (int32_t i = w->n_symbols ? 0 : -1; i >= 0; i = w->symbol[i].next)
        if (w->symbol[i].id >= 0 && !tokens_push(out, w->symbol[i].id)) return false;
    return true;
}

/* Room for `len` decoded characters with their classes, and for a token of `max_len` bytes spelt out. */
static bool reserve_characters(struct text_work *w, size_t len, size_t max_len)
{
    char *spelt = memory_grow(w->spelt, &w->spelt_capacity, max_len, 1);
    if (spelt) w->spelt = spelt;
    uint32_t *c = memory_grow(w->c, &w->c_capacity, len, sizeof *c);
    if (c) w->c = c;
    uint8_t *flags = memory_grow(w->flags, &w->flags_capacity, len, sizeof *flags);
    if (flags) w->flags = flags;
    return spelt && c && flags;
}

bool bpe_tokenize(const struct tokenizer *t, const char *text, size_t len, struct text_work *w, struct tokens *out)
{
    size_t n = 0;
    if (!reserve_characters(w, len, t->tables->max_len)) return false;
    for (size_t at = 0; at < len; n++) {
        at += utf8_decode(text + at, len - at, &w->c[n]);
        w->flags[n] = unicode_class(w->c[n]);
    }
    if (!pretokenize(t->tables->pre, w->c, w->flags, n, &w->cuts)) return false;
    /* Written back from the characters, since bad bytes have become U+FFFD: at most three times as long. */
    size_t start = 0;
    for (size_t k = 0; k < w->cuts.n; k++) {
        size_t end = w->cuts.end[k], bytes = 0;
        if (!text_work_bytes(w, 4 * (end - start))) return false;
        for (size_t i = start; i < end; i++) bytes += utf8_encode(w->c[i], w->bytes + bytes);
        if (!tokenize_word(t->tables, w->bytes, bytes, w, out)) return false;
        start = end;
    }
    return true;
}
