/* SPDX-License-Identifier: MIT */
#include "engine/text/pretokenize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/text/unicode.h"
#include "engine/text/vocab.h"

enum {
    L = UNICODE_LETTER,
    N = UNICODE_NUMBER,
    M = UNICODE_MARK,
    P = UNICODE_PUNCTUATION,
    S = UNICODE_SYMBOL,
    BLANK = UNICODE_SPACE
};

/* ---- Pieces of patterns. Each returns how far it gets from i; i where it matches nothing. ---- */

static bool is(const struct span *s, size_t i, int classes) { return i < s->end && s->flags[i] & classes; }
static bool is_newline(const struct span *s, size_t i) { return i < s->end && (s->c[i] == '\r' || s->c[i] == '\n'); }
static bool is_char(const struct span *s, size_t i, uint32_t c) { return i < s->end && s->c[i] == c; }

static size_t run(const struct span *s, size_t i, int classes)
{
    while (is(s, i, classes)) i++;
    return i;
}

/* As many characters as there are of none of these classes. */
static size_t run_not(const struct span *s, size_t i, int classes)
{
    while (i < s->end && !(s->flags[i] & classes)) i++;
    return i;
}

static size_t run_newlines(const struct span *s, size_t i)
{
    while (is_newline(s, i)) i++;
    return i;
}

/* 's|'t|'re|'ve|'m|'ll|'d, in any case if `fold` */
static size_t contraction(const struct span *s, size_t i, bool fold)
{
    if (!is_char(s, i, '\'') || i + 1 >= s->end) return i;
    uint32_t bit = fold ? 0x20 : 0, a = s->c[i + 1], b = i + 2 < s->end ? s->c[i + 2] : 0;
    if (a < 0x80) a |= a >= 'A' && a <= 'Z' ? bit : 0;
    if (b < 0x80) b |= b >= 'A' && b <= 'Z' ? bit : 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return i + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return i + 3;
    return i;
}

/* \s+(?!\S)|\s+ : blanks, but the last stays with the word that follows, if there is one */
static size_t blanks(const struct span *s, size_t i)
{
    size_t end = run(s, i, BLANK);
    return end < s->end && end - i > 1 ? end - 1 : end;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ */
static size_t blanks_by_line(const struct span *s, size_t i)
{
    size_t end = run(s, i, BLANK);
    for (size_t k = end; k > i; k--)
        if (is_newline(s, k - 1)) return k;
    return blanks(s, i);
}

/* ---- Patterns ---- */

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t match_gpt2(const struct span *s, size_t i)
{
    size_t end = contraction(s, i, false), word = i + is_char(s, i, ' ');
    if (end > i) return end;
    if (is(s, word, L)) return run(s, word, L);
    if (is(s, word, N)) return run(s, word, N);
    if ((end = run_not(s, word, BLANK | L | N)) > word) return end;
    return blanks(s, i);
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?W+|\p{N}{1,digits}| ?[^\s W \p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * where W is \p{L}, or letters and marks */
static size_t match_by_line(const struct span *s, size_t i, int word, size_t digits)
{
    size_t end = contraction(s, i, true);
    if (end > i) return end;
    if (!is_newline(s, i) && !is(s, i, L | N) && is(s, i + 1, word)) return run(s, i + 1, word);
    if (is(s, i, word)) return run(s, i, word);
    if (is(s, i, N)) {
        for (end = i + 1; end - i < digits && is(s, end, N);) end++;
        return end;
    }
    size_t other = i + is_char(s, i, ' ');
    if ((end = run_not(s, other, BLANK | word | N)) > other) return run_newlines(s, end);
    return blanks_by_line(s, i);
}

static size_t match_llama3(const struct span *s, size_t i) { return match_by_line(s, i, L, 3); }
static size_t match_qwen2(const struct span *s, size_t i) { return match_by_line(s, i, L, 1); }
static size_t match_qwen35(const struct span *s, size_t i) { return match_by_line(s, i, L | M, 1); }

static size_t match_number(const struct span *s, size_t i) { return i + is(s, i, N); }
static size_t match_numbers(const struct span *s, size_t i) { return run(s, i, N); }
static size_t match_newline(const struct span *s, size_t i) { return i + is_newline(s, i); }

/* \p{N}{1,3} */
static size_t match_3_numbers(const struct span *s, size_t i)
{
    size_t end = i;
    while (end - i < 3 && is(s, end, N)) end++;
    return end;
}

/* [0-9][0-9][0-9] */
static size_t match_3_digits(const struct span *s, size_t i)
{
    for (size_t k = i; k < i + 3; k++)
        if (k >= s->end || s->c[k] < '0' || s->c[k] > '9') return i;
    return i + 3;
}

/* [\p{P}$+<=>^~|]+ */
static size_t match_punctuation(const struct span *s, size_t i)
{
    while (is(s, i, P) || (i < s->end && s->c[i] > 0 && s->c[i] < 0x80 && strchr("$+<=>^~|", (int)s->c[i]))) i++;
    return i;
}

/* ---- DeepSeek ---- */

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct range *r, size_t n)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c < r[middle].first) high = middle;
        else if (c > r[middle].last) low = middle + 1;
        else return true;
    }
    return false;
}

/* Runs of characters in ranges. Blanks beyond ASCII are never in one: llama.cpp has made them vertical tabs by then. */
static size_t run_ranges(const struct span *s, size_t i, const struct range *r, size_t n)
{
    while (i < s->end && in_ranges(s->c[i], r, n) && !is(s, i, BLANK)) i++;
    return i;
}

#define RUN_RANGES(s, i, r) run_ranges(s, i, r, sizeof(r) / sizeof *(r))

/* Cased letters, as the tokenizer.json of deepseek-llm lists them. */
static const struct range deepseek_letters[] = {
    {'A', 'Z'}, {'a', 'z'}, {0xB5, 0xB5}, {0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x1BA}, {0x1BC, 0x1BF}, {0x1C4, 0x293},
    {0x295, 0x2AF}, {0x370, 0x373}, {0x376, 0x377}, {0x37B, 0x37D}, {0x37F, 0x37F}, {0x386, 0x386}, {0x388, 0x38A},
    {0x38C, 0x38C}, {0x38E, 0x3A1}, {0x3A3, 0x3F5}, {0x3F7, 0x481}, {0x48A, 0x52F}, {0x531, 0x556}, {0x10A0, 0x10C5},
    {0x13A0, 0x13F5}, {0x13F8, 0x13FD}, {0x1C90, 0x1CBA}, {0x1CBD, 0x1CBF}, {0x1D00, 0x1D2B}, {0x1D6B, 0x1D77},
    {0x1D79, 0x1D9A}, {0x1E00, 0x1F15}, {0x1F18, 0x1F1D}, {0x1F20, 0x1F45}, {0x1F48, 0x1F4D}, {0x1F50, 0x1F57},
    {0x1F59, 0x1F59}, {0x1F5B, 0x1F5B}, {0x1F5D, 0x1F5D}, {0x1F5F, 0x1F7D}, {0x1F80, 0x1FB4}, {0x1FB6, 0x1FBC},
    {0x1FBE, 0x1FBE}, {0x1FC2, 0x1FC4}, {0x1FC6, 0x1FCC}, {0x1FD0, 0x1FD3}, {0x1FD6, 0x1FDB}, {0x1FE0, 0x1FEC},
    {0x1FF2, 0x1FF4}, {0x1FF6, 0x1FFC}, {0x2102, 0x2102}, {0x2107, 0x2107}, {0x210A, 0x2113}, {0x2115, 0x2115},
    {0x2119, 0x211D}, {0x2124, 0x2124}, {0x2126, 0x2126}, {0x2128, 0x2128}, {0x212A, 0x212D}, {0x212F, 0x2134},
    {0x2139, 0x2139}, {0x213C, 0x213F}, {0x2145, 0x2149}, {0x214E, 0x214E}, {0x2183, 0x2184}, {0x2C00, 0x2C7B},
    {0x2C7E, 0x2CE4}, {0x2CEB, 0x2CEE}, {0x2CF2, 0x2CF3}, {0xA640, 0xA66D}, {0xA680, 0xA69B}, {0xA722, 0xA76F},
    {0xA771, 0xA787}, {0xA78B, 0xA78E}, {0xAB70, 0xABBF}, {0xFB00, 0xFB06}, {0xFB13, 0xFB17}, {0xFF21, 0xFF3A},
    {0xFF41, 0xFF5A}, {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB}, {0x10C80, 0x10CB2},
    {0x10CC0, 0x10CF2}, {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
};
/* [!-/:-~！-／：-～‘-‟　-。]: ':' to '~' takes in the ASCII letters, as written there */
static const struct range deepseek_punctuation[] = {
    {'!', '/'}, {':', '~'}, {0x2018, 0x201F}, {0x3000, 0x3002}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E},
};
static const struct range east_asian[] = {{0x800, 0x9FA5}, {0xAC00, 0xD7FF}}; /* [一-龥ࠀ-一가-퟿] */
static const struct range han_kana[] = {{0x3040, 0x30FF}, {0x4E00, 0x9FA5}};  /* [一-龥぀-ゟ゠-ヿ] */

/* \s?X+ over ranges */
static size_t blank_then_ranges(const struct span *s, size_t i, const struct range *r, size_t n)
{
    size_t word = i + is(s, i, BLANK), end = run_ranges(s, word, r, n);
    return end > word ? end : i;
}

static size_t match_deepseek_letters(const struct span *s, size_t i)
{
    return blank_then_ranges(s, i, deepseek_letters, sizeof deepseek_letters / sizeof *deepseek_letters);
}

static size_t match_deepseek_punctuation(const struct span *s, size_t i)
{
    return blank_then_ranges(s, i, deepseek_punctuation, sizeof deepseek_punctuation / sizeof *deepseek_punctuation);
}

/* \s+$ */
static size_t match_tail(const struct span *s, size_t i) { return i == s->tail ? s->end : i; }
static size_t match_east_asian(const struct span *s, size_t i) { return RUN_RANGES(s, i, east_asian); }
static size_t match_han_kana(const struct span *s, size_t i) { return RUN_RANGES(s, i, han_kana); }

/* \s?\p{L}+ and \s?\p{P}+ */
static size_t blank_then(const struct span *s, size_t i, int classes)
{
    size_t word = i + is(s, i, BLANK), end = run(s, word, classes);
    return end > word ? end : i;
}
static size_t match_blank_letters(const struct span *s, size_t i) { return blank_then(s, i, L); }
static size_t match_blank_punctuation(const struct span *s, size_t i) { return blank_then(s, i, P); }

/* [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|
 * ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
static size_t match_deepseek3(const struct span *s, size_t i)
{
    static const struct range ascii_letters[] = {{'A', 'Z'}, {'a', 'z'}};
    size_t end;
    if (is(s, i, P | S) && s->c[i] < 0x80 && (end = RUN_RANGES(s, i + 1, ascii_letters)) > i + 1) return end;
    if (!is_newline(s, i) && !is(s, i, L | P | S) && is(s, i + 1, L | M)) return run(s, i + 1, L | M);
    if (is(s, i, L | M)) return run(s, i, L | M);
    size_t sign = i + is_char(s, i, ' ');
    if ((end = run(s, sign, P | S)) > sign) return run_newlines(s, end);
    return blanks_by_line(s, i);
}

/* ---- The rows ---- */

static const struct pretokenizer pretokenizers[] = {
    {"gpt-2 phi-2 mpt olmo jais exaone4 modern-bert", {match_gpt2}, false, false},
    {"llama-bpe llama3 llama-v3 falcon3 pixtral", {match_llama3}, true, true},
    {"smaug-bpe dbrx", {match_llama3}, false, false},
    {"qwen2 deepseek-r1-qwen megrez stablelm2", {match_qwen2}, false, false},
    {"qwen35", {match_qwen35}, false, false},
    {"smollm starcoder refact command-r codeshell exaone minerva-7b", {match_number, match_gpt2}, false, false},
    {"deepseek-llm",
     {match_newline, match_deepseek_letters, match_deepseek_punctuation, match_tail, match_east_asian, match_numbers},
     false,
     false},
    {"deepseek-coder",
     {match_newline, match_blank_letters, match_blank_punctuation, match_east_asian, match_number},
     false,
     false},
    {"deepseek-v3", {match_3_numbers, match_han_kana, match_deepseek3}, false, false},
    {"default", {match_punctuation, match_gpt2, match_numbers, match_3_digits}, false, false},
};
enum { N_PRETOKENIZERS = sizeof pretokenizers / sizeof *pretokenizers };

const struct pretokenizer *pretokenizer_find(const char *name, size_t len)
{
    if (len == 0 || memchr(name, ' ', len)) return NULL;
    for (size_t i = 0; i < N_PRETOKENIZERS; i++) {
        for (const char *word = pretokenizers[i].names; *word;) {
            size_t n = strcspn(word, " ");
            if (n == len && memcmp(word, name, n) == 0) return &pretokenizers[i];
            word += n + (word[n] == ' ');
        }
    }
    return NULL;
}

void pretokenizer_names(char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < N_PRETOKENIZERS && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s", i ? " " : "", pretokenizers[i].names);
}

void cuts_free(struct cuts *cuts)
{
    free(cuts->end);
    free(cuts->spare);
}

/* Cuts [start, s->end) by one stage into *n ends at `end`, which has room for a cut a character. */
static void cut_piece(struct span *s, size_t start, match_fn *match, size_t *end, size_t *n)
{
    for (s->tail = s->end; s->tail > start && s->flags[s->tail - 1] & BLANK;) s->tail--;
    size_t done = start;
    for (size_t i = start; i < s->end;) {
        size_t to = match(s, i);
        if (to == i) {
            i++;
            continue;
        }
        if (i > done) end[(*n)++] = i;
        end[(*n)++] = done = i = to;
    }
    if (done < s->end) end[(*n)++] = s->end;
}

bool pretokenize(const struct pretokenizer *p, const uint32_t *c, const uint8_t *flags, size_t n, struct cuts *out)
{
    /* A text of n characters has at most n words. */
    size_t *ends = memory_grow(out->end, &out->capacity, n, sizeof *ends);
    if (ends) out->end = ends;
    size_t *spare = memory_grow(out->spare, &out->spare_capacity, n, sizeof *spare);
    if (spare) out->spare = spare;
    if (!ends || !spare) return false;
    out->n = n > 0;
    if (n > 0) out->end[0] = n;
    for (size_t k = 0; k < PRETOKENIZER_STAGES && p->stage[k]; k++) {
        struct span s = {.c = c, .flags = flags};
        size_t start = 0, cuts = 0;
        for (size_t i = 0; i < out->n; i++) {
            s.end = out->end[i];
            cut_piece(&s, start, p->stage[k], out->spare, &cuts);
            start = s.end;
        }
        size_t *swap = out->end, swap_capacity = out->capacity;
        out->end = out->spare;
        out->capacity = out->spare_capacity;
        out->spare = swap;
        out->spare_capacity = swap_capacity;
        out->n = cuts;
    }
    return true;
}
