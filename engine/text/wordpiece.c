/* WordPiece as BERT's own tokenizer does it: clean, set Han characters apart, strip accents and lower-case if the model says
 * so, cut at blanks and punctuation, then in each word always the longest token that fits. A word of more than 100 characters,
 * or with a part that fits nothing, is unknown. Where llama.cpp differs (it drops spacing vowel signs and has no limit), this
 * follows the way the models were trained (google-research/bert, tokenization.py; huggingface/tokenizers, BertNormalizer).
 *
 * The GGUF form of the vocabulary: U+2581 before what begins a word, nothing before what continues one.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/utf8.h"
#include "engine/text/unicode.h"
#include "engine/text/vocab.h"

enum { WORDPIECE_MAX_CHARS = 100, WORDPIECE_MAX_BYTES = 4 * WORDPIECE_MAX_CHARS };

struct word {
    char b[3 + WORDPIECE_MAX_BYTES]; /* U+2581, then the word */
    size_t bytes, chars;             /* without the U+2581; chars counts on where bytes stopped */
};

static bool is_han(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/* All visible ASCII but letters and digits counts as punctuation, symbols too. */
static bool is_punctuation(uint32_t c)
{
    uint8_t f = unicode_class(c);
    return f & UNICODE_PUNCTUATION || (c < 0x80 && f & UNICODE_SYMBOL);
}

static bool end_word(const struct tokenizer *t, struct word *w, struct tokens *out)
{
    size_t n = w->bytes + 3, mark = out->n, chars = w->chars;
    w->bytes = w->chars = 0;
    if (chars == 0) return true;
    bool known = chars <= WORDPIECE_MAX_CHARS;
    for (size_t at = 0; known && at < n;) {
        size_t end = n - at > t->tables->max_len ? at + t->tables->max_len : n;
        /* The first piece holds more than the mark itself: that alone would be a token of no text. */
        size_t least = at == 0 ? 3 : at;
        int32_t id = -1;
        /* A U+2581 of the text is not the mark: after the beginning it could only match what begins a word. */
        if (at > 0 && n - at >= 3 && memcmp(w->b + at, "\xe2\x96\x81", 3) == 0) end = least;
        while (end > least && (id = text_map_find(t->tables, w->b + at, end - at)) < 0) end--;
        known = id >= 0;
        if (known && !tokens_push(out, id)) return false;
        at = end;
    }
    if (known) return true;
    out->n = mark;
    return t->unk < 0 || tokens_push(out, t->unk);
}

static void put(struct word *w, uint32_t c)
{
    if (w->chars++ < WORDPIECE_MAX_CHARS) w->bytes += utf8_encode(c, w->b + 3 + w->bytes);
}

/* One character after cleaning and case folding. `apart`: it is a word of its own whatever it is. */
static bool take(const struct tokenizer *t, struct word *w, uint32_t c, bool apart, struct tokens *out)
{
    if (unicode_class(c) & UNICODE_SPACE) return end_word(t, w, out);
    if (!apart && !is_punctuation(c)) {
        put(w, c);
        return true;
    }
    if (!end_word(t, w, out)) return false;
    put(w, c);
    return end_word(t, w, out);
}

bool wordpiece_tokenize(const struct tokenizer *t, const char *text, size_t len, struct text_work *work, struct tokens *out)
{
    (void)work;
    const struct tokenizer_tables *v = t->tables;
    struct word w;
    w.bytes = w.chars = 0;
    memcpy(w.b, "\xe2\x96\x81", 3);
    for (size_t at = 0; at < len;) {
        uint32_t c, bare[3];
        at += utf8_decode(text + at, len - at, &c);
        bool blank = c == '\t' || c == '\n' || c == '\r';
        if (c == 0 || c == UTF8_REPLACEMENT || (!blank && unicode_class(c) & UNICODE_CONTROL)) continue;
        bool apart = is_han(c);
        size_t n = 1;
        bare[0] = c;
        if (v->strip_accents) n = unicode_bare(c, bare);
        for (size_t i = 0; i < n; i++) {
            bool two = v->lowercase && bare[i] == 0x130; /* the one letter whose lower case is two characters */
            if (two ? !take(t, &w, 'i', apart, out) || !take(t, &w, 0x307, apart, out)
                    : !take(t, &w, v->lowercase ? unicode_lower(bare[i]) : bare[i], apart, out))
                return false;
        }
    }
    return end_word(t, &w, out);
}
