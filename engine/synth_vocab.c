/* synth_vocab.c - an SPM vocabulary of any size that tokenizes any text; or WordPiece, for lower-cased ASCII.
 *
 * Ids: <unk>, <s>, </s>, 256 bytes, the characters of ASCII (the space as U+2581, as SPM has it), common English words, then
 * made-up words to fill up. SPM joins neighbours into pieces that exist, so every beginning of a word is a piece too, and the
 * words come out whole. A made-up word starts with a capital after U+2581, which no piece does, and is therefore never found in
 * a text: how a text is cut does not depend on the size of the vocabulary.
 *
 * Those of WordPiece: [PAD], [UNK], [CLS], [SEP], [MASK], the characters of ASCII but for capitals, each to begin a word and to
 * continue one, the words, made-up words.
 * SPDX-License-Identifier: MIT */
#include "engine/synth.h"
#include "engine/text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

enum { SPECIALS = 3, BYTES = 256, PIECE = 24 /* bytes of the longest piece and its NUL */ };

#define SPACE "\xe2\x96\x81" /* U+2581 */

static const char *const words[] = {
    "the", "of", "and", "a", "to", "in", "is", "you", "that", "it", "he", "was", "for", "on", "are", "as", "with",
    "his", "they", "I", "at", "be", "this", "have", "from", "or", "one", "had", "by", "word", "but", "not", "what",
    "all", "were", "we", "when", "your", "can", "said", "there", "use", "an", "each", "which", "she", "do", "how",
    "their", "if", "will", "up", "other", "about", "out", "many", "then", "them", "these", "so", "some", "her", "would",
    "make", "like", "him", "into", "time", "has", "look", "two", "more", "write", "go", "see", "number", "no", "way",
    "could", "people", "my", "than", "first", "water", "been", "call", "who", "oil", "its", "now", "find", "long",
    "down", "day", "did", "get", "come", "made", "may", "part", "energy", "model", "layer", "light", "world",
};

struct vocabulary {
    char (*piece)[PIECE];
    size_t n, capacity;
    size_t marks; /* the last ones */
};

/* Of a model with vision: what stands around a picture, and in its place. */
static const char *const marks[] = {"<|vision_start|>", "<|vision_end|>", "<|image_pad|>"};
enum { MARKS = sizeof marks / sizeof *marks };

/* Adds a piece unless it is there or there is no room. The few that are not made up are searched one by one. */
static void add(struct vocabulary *v, const char *piece)
{
    for (size_t i = 0; i < v->n; i++)
        if (!strcmp(v->piece[i], piece)) return;
    if (v->n < v->capacity) strcpy(v->piece[v->n++], piece);
}

/* The i-th made-up word: i in digits of one syllable each. */
static void made_up(size_t i, char piece[PIECE])
{
    static const char consonants[] = "bdfghjklmnprstvwz", vowels[] = "aeiou";
    enum { C = sizeof consonants - 1, V = sizeof vowels - 1, SYLLABLES = C * V };
    char *at = piece + snprintf(piece, PIECE, SPACE);
    char *first = at;
    /* Counting from one without a zero digit, every number has one spelling and every spelling one number. */
    for (i++; i; i = (i - 1) / SYLLABLES) {
        size_t digit = (i - 1) % SYLLABLES;
        *at++ = consonants[digit / V];
        *at++ = vowels[digit % V];
    }
    *at = 0;
    *first -= 'a' - 'A';
}

static void fill(struct vocabulary *v)
{
    char piece[PIECE];
    add(v, "<unk>");
    add(v, "<s>");
    add(v, "</s>");
    for (int b = 0; b < BYTES; b++) {
        snprintf(piece, sizeof piece, "<0x%02X>", b);
        add(v, piece);
    }
    add(v, SPACE);
    for (char c = '!'; c <= '~'; c++) add(v, (char[]){c, 0});
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int len = 1; len <= (int)strlen(words[i]); len++) {
            snprintf(piece, sizeof piece, SPACE "%.*s", len, words[i]);
            add(v, piece);
        }
    for (size_t i = 0; v->n < v->capacity; i++) made_up(i, v->piece[v->n++]);
}

static const char *const bert_marks[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
enum {
    BERT_MARKS = sizeof bert_marks / sizeof *bert_marks,
    BERT_CHARACTERS = 94 - 26,
    BERT_LEAST = BERT_MARKS + 2 * BERT_CHARACTERS
};

static void fill_wordpiece(struct vocabulary *v)
{
    char piece[PIECE];
    for (int i = 0; i < BERT_MARKS; i++) add(v, bert_marks[i]);
    for (char c = '!'; c <= '~'; c++) {
        if (c >= 'A' && c <= 'Z') continue;
        add(v, (char[]){c, 0});
        snprintf(piece, sizeof piece, SPACE "%c", c);
        add(v, piece);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        snprintf(piece, sizeof piece, SPACE "%s", words[i]);
        add(v, piece);
    }
    for (size_t i = 0; v->n < v->capacity; i++) made_up(i, v->piece[v->n++]);
}

static void put_wordpiece(const struct vocabulary *v, struct gguf_string *text, int32_t *type, struct gguf_writer *w)
{
    static const char *const keys[BERT_MARKS] = {"padding", "unknown", "cls", "seperator", "mask"}; /* spelt so */
    char key[64];
    for (size_t i = 0; i < v->n; i++) {
        text[i] = (struct gguf_string){v->piece[i], strlen(v->piece[i])};
        type[i] = i < BERT_MARKS ? TOKEN_CONTROL : TOKEN_NORMAL;
    }
    gguf_set_string(w, "tokenizer.ggml.model", "bert", 4);
    gguf_set_strings(w, "tokenizer.ggml.tokens", text, v->n);
    gguf_set_array(w, "tokenizer.ggml.token_type", GGUF_I32, type, v->n);
    for (uint32_t i = 0; i < BERT_MARKS; i++) {
        snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", keys[i]);
        gguf_set_u32(w, key, i);
    }
}

static void put(const struct vocabulary *v, struct gguf_string *text, float *score, int32_t *type, struct gguf_writer *w)
{
    for (size_t i = 0; i < v->n; i++) {
        bool special = i < SPECIALS, byte = !special && i < SPECIALS + BYTES;
        text[i] = (struct gguf_string){v->piece[i], strlen(v->piece[i])};
        score[i] = special || byte ? 0 : -(float)i; /* earlier pieces are joined first */
        type[i] = i == 0 ? TOKEN_UNKNOWN : special || i >= v->n - v->marks ? TOKEN_CONTROL : byte ? TOKEN_BYTE : TOKEN_NORMAL;
    }
    gguf_set_string(w, "tokenizer.ggml.model", "llama", 5);
    gguf_set_string(w, "tokenizer.ggml.pre", "default", 7);
    gguf_set_strings(w, "tokenizer.ggml.tokens", text, v->n);
    gguf_set_array(w, "tokenizer.ggml.scores", GGUF_F32, score, v->n);
    gguf_set_array(w, "tokenizer.ggml.token_type", GGUF_I32, type, v->n);
    gguf_set_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    gguf_set_u32(w, "tokenizer.ggml.bos_token_id", 1);
    gguf_set_u32(w, "tokenizer.ggml.eos_token_id", 2);
    gguf_set_bool(w, "tokenizer.ggml.add_bos_token", true);
    gguf_set_bool(w, "tokenizer.ggml.add_eos_token", false);
    gguf_set_bool(w, "tokenizer.ggml.add_space_prefix", true);
}

bool synth_vocabulary(int n_vocab, enum synth_vocabulary kind, struct gguf_writer *w, struct error *e)
{
    int least = kind == SYNTH_WORDPIECE ? BERT_LEAST : SPECIALS + BYTES;
    if (n_vocab < least) return fail(e, "vocabulary: found %d tokens, expected at least %d", n_vocab, least);
    size_t n = (size_t)n_vocab;
    struct vocabulary v = {.piece = malloc(n * PIECE), .capacity = n};
    struct gguf_string *text = malloc(n * sizeof *text);
    float *score = malloc(n * sizeof *score);
    int32_t *type = malloc(n * sizeof *type);
    bool ok = v.piece && text && score && type;
    if (ok && kind == SYNTH_WORDPIECE) {
        fill_wordpiece(&v);
        put_wordpiece(&v, text, type, w);
    } else if (ok) {
        fill(&v);
        v.marks = kind == SYNTH_SPM_PICTURES ? MARKS : 0;
        for (size_t i = 0; i < v.marks; i++) strcpy(v.piece[v.n - MARKS + i], marks[i]);
        put(&v, text, score, type, w);
    } else {
        fail(e, "vocabulary: no memory for %d tokens", n_vocab);
    }
    free(v.piece);
    free(text);
    free(score);
    free(type);
    return ok;
}
