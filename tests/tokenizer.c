/* Tokenizers on small vocabularies of their own, on hostile ones, and on the reference data where it is there.
 * SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <time.h>

#include "engine/text/pretokenize.h"
#include "engine/text/tokenizer.h"
#include "base/utf8.h"
#include "engine/text/unicode.h"
#include "loader/file.h"
#include "tests/json_file.h"

/* ---- Vocabularies made here ---- */

struct made {
    struct gguf_writer *w;
    char *bytes;
    struct gguf *g;
    struct tokenizer *t;
    struct error e;
};

static void set_words(struct gguf_writer *w, const char *key, const char *const *words, size_t n)
{
    struct gguf_string *s = calloc(n ? n : 1, sizeof *s);
    for (size_t i = 0; i < n; i++) s[i] = (struct gguf_string){words[i], strlen(words[i])};
    gguf_set_strings(w, key, s, n);
    free(s);
}

static struct made begin(const char *model)
{
    struct made m = {.w = gguf_writer_new(0)};
    gguf_set_string(m.w, "tokenizer.ggml.model", model, strlen(model));
    return m;
}

/* Writes the file, reads it back and makes its tokenizer; m->t is NULL and m->e filled in if that fails. */
static void finish(struct made *m)
{
    FILE *f = tmpfile();
    bool ok = f && gguf_writer_begin(m->w, f, &m->e) && gguf_writer_end(m->w, &m->e);
    long n = ok ? (fseek(f, 0, SEEK_END), ftell(f)) : 0;
    m->bytes = malloc((size_t)n + 1);
    if (ok) rewind(f);
    if (ok && fread(m->bytes, 1, (size_t)n, f) == (size_t)n) m->g = gguf_parse(m->bytes, (size_t)n, 0, &m->e);
    if (f) fclose(f);
    gguf_writer_free(m->w);
    if (m->g) m->t = tokenizer_new(m->g, &m->e);
}

static void end(struct made *m)
{
    tokenizer_free(m->t);
    gguf_free(m->g);
    free(m->bytes);
}

static const char *const spm_words[] = {"<unk>", "<s>", "</s>", "<0x0A>", "<0xC3>", "<0xA9>", "▁",      "h",  "e",         "l",
                                        "o",     "he",  "ll",   "llo",    "hello",  "▁hello", "<user>", "▁▁", "<|im_end|>"};
static const float spm_scores[] = {0, 0, 0, 0, 0, 0, -1, -9, -9, -9, -9, -1, -2, -3, -4, -5, 0, -6, 0};
static const int32_t spm_types[] = {2, 3, 3, 6, 6, 6, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1, 3};
enum { SPM_WORDS = sizeof spm_words / sizeof *spm_words };

static struct made begin_spm(void)
{
    struct made m = begin("llama");
    set_words(m.w, "tokenizer.ggml.tokens", spm_words, SPM_WORDS);
    gguf_set_array(m.w, "tokenizer.ggml.scores", GGUF_F32, spm_scores, SPM_WORDS);
    gguf_set_array(m.w, "tokenizer.ggml.token_type", GGUF_I32, spm_types, SPM_WORDS);
    return m;
}

static const char *const bpe_words[] = {"a",  "b",   "c",   "Ġ",  "1",  "2",       "'", "s", "Ċ",
                                        "ab", "Ġab", "abc", "12", "'s", "<|end|>", "ï", "¿", "½"};
static const char *const bpe_merges[] = {"a b", "Ġ ab", "ab c", "1 2", "' s"};
static const int32_t bpe_types[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 1, 1, 1};
enum { BPE_WORDS = sizeof bpe_words / sizeof *bpe_words, BPE_MERGES = sizeof bpe_merges / sizeof *bpe_merges };

static struct made begin_bpe(const char *pre)
{
    struct made m = begin("gpt2");
    gguf_set_string(m.w, "tokenizer.ggml.pre", pre, strlen(pre));
    set_words(m.w, "tokenizer.ggml.tokens", bpe_words, BPE_WORDS);
    set_words(m.w, "tokenizer.ggml.merges", bpe_merges, BPE_MERGES);
    gguf_set_array(m.w, "tokenizer.ggml.token_type", GGUF_I32, bpe_types, BPE_WORDS);
    return m;
}

static const char *const bert_words[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁caf",    "e",
                                         "▁.",    "▁un",   "do",    "▁中",   "▁straße", "▁c"};

static struct made begin_bert(void)
{
    static const int32_t types[] = {3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
    struct made m = begin("bert");
    set_words(m.w, "tokenizer.ggml.tokens", bert_words, sizeof bert_words / sizeof *bert_words);
    gguf_set_array(m.w, "tokenizer.ggml.token_type", GGUF_I32, types, sizeof types / sizeof *types);
    gguf_set_u32(m.w, "tokenizer.ggml.unknown_token_id", 1);
    gguf_set_u32(m.w, "tokenizer.ggml.cls_token_id", 2);
    gguf_set_u32(m.w, "tokenizer.ggml.seperator_token_id", 3);
    return m;
}

/* ---- Small texts ---- */

/* The ids as "1 2 3", in one of a few buffers. */
static const char *ids_of(const struct tokenizer *t, const char *text, size_t len, int flags)
{
    static char buffer[4][512];
    static int turn;
    char *out = buffer[turn++ & 3];
    struct tokens ids = {0};
    struct error e;
    size_t n = 0;
    out[0] = 0;
    if (!t || !tokenize(t, text, len, flags, &ids, &e)) return "no ids";
    for (size_t i = 0; i < ids.n && n < 480; i++) n += (size_t)snprintf(out + n, 512 - n, i ? " %d" : "%d", ids.id[i]);
    tokens_free(&ids);
    return out;
}

static void expect(const char *name, const struct tokenizer *t, const char *text, int flags, const char *ids)
{
    const char *got = ids_of(t, text, strlen(text), flags);
    TEST(name, strcmp(got, ids) == 0, "found %s, expected %s", got, ids);
}

static void test_spm(void)
{
    struct made m = begin_spm();
    finish(&m);
    TEST("spm loads", m.t && m.t->kind == TOKENIZER_SPM && m.t->bos == 1 && m.t->eos == 2 && m.t->eot == 18, "%s", m.e.text);
    expect("spm merges by score", m.t, "hello", 0, "15");
    expect("spm byte fallback", m.t, "é\n", 0, "6 4 5 3");
    expect("spm bos and special text", m.t, "hello<|im_end|>hello", TOKENIZE_ADD_SPECIAL | TOKENIZE_PARSE_SPECIAL,
           "1 15 18 15");
    expect("spm user-defined tokens match where special ones do not", m.t, "hello<user>hello", 0, "15 16 15");
    expect("spm empty text", m.t, "", TOKENIZE_ADD_SPECIAL, "1");
    char *text = NULL;
    size_t len = 0;
    int32_t ids[] = {15, 17, 4, 5, 1};
    bool ok = m.t && detokenize(m.t, ids, 5, false, &text, &len, &m.e);
    TEST("spm detokenizes, without the space it put in front", ok && strcmp(text, "hello  é") == 0, "found '%s'",
         text ? text : "");
    free(text);
    TEST("generation ends at eos and <|im_end|>",
         m.t && token_ends_generation(m.t, 2) && token_ends_generation(m.t, 18) && !token_ends_generation(m.t, 14) &&
             !token_ends_generation(m.t, -1) && !token_ends_generation(m.t, 1000),
         "wrong set");
    end(&m);
    m = begin_spm();
    gguf_set_bool(m.w, "tokenizer.ggml.add_space_prefix", false);
    finish(&m);
    expect("spm without a space in front", m.t, "hello hello", 0, "14 15");
    end(&m);
}

static void test_bpe(void)
{
    struct made m = begin_bpe("gpt-2");
    finish(&m);
    TEST("bpe loads", m.t && m.t->kind == TOKENIZER_BPE && m.t->bos == -1 && !m.t->add_bos, "%s", m.e.text);
    expect("bpe merges by rank", m.t, "abc ab 12's", 0, "11 10 3 12 13");
    expect("bpe control tokens are text unless asked for", m.t, "ab<|end|>", TOKENIZE_PARSE_SPECIAL, "9 14");
    expect("bpe bad bytes are U+FFFD", m.t, "a\xff", 0, "0 15 16 17");
    end(&m);
    m = begin_bpe("llama-bpe");
    gguf_set_bool(m.w, "tokenizer.ggml.add_bos_token", false);
    finish(&m);
    expect("bpe of three digits, and contractions in any case", m.t, "12121's\n", 0, "12 4 5 4 13 8");
    end(&m);
}

static void test_wordpiece(void)
{
    struct made m = begin_bert();
    finish(&m);
    TEST("wordpiece loads", m.t && m.t->kind == TOKENIZER_WORDPIECE, "%s", m.e.text);
    expect("wordpiece folds case and accents", m.t, "CAFÉ undo.", TOKENIZE_ADD_SPECIAL, "2 4 5 7 8 6 3");
    expect("wordpiece sets Han characters apart", m.t, "c中c", 0, "11 9 11");
    expect("wordpiece unknown words", m.t, "undone x", 0, "1 1");
    expect("wordpiece: U+2581 begins no word inside one", m.t, "c▁c", 0, "1");
    char long_word[103];
    memset(long_word, 'e', 102), long_word[0] = 'c', long_word[1] = 'a', long_word[102] = 0;
    const char *at = ids_of(m.t, long_word, 101, 0);
    TEST("wordpiece: more than 100 characters are unknown", strcmp(at, "1") == 0, "found %s", at);
    end(&m);
}

static void test_utf8(void)
{
    static const struct {
        const char *s;
        size_t complete;
    } cases[] = {{"abc", 3},      {"ab\xc3", 2},   {"\xe2\x82", 0}, {"\xe2\x82\xac", 3}, {"\xf0\x9f\x98", 0}, {"x\xff", 2},
                 {"\x80\x80", 2}, {"\xe0\x80", 2}, {"\xed\xa0", 2}, {"\xf4\x90", 2},     {"\xc0", 1},         {"", 0}};
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        wrong += utf8_complete(cases[i].s, strlen(cases[i].s)) != cases[i].complete;
    TEST("utf8_complete keeps back only what can become a character", wrong == 0, "%zu cases wrong", wrong);
    uint32_t bare[3];
    size_t n = unicode_bare(0xD55C, bare);
    TEST("bare letters", n == 3 && bare[0] == 0x1112 && bare[2] == 0x11AB && unicode_bare(0xC9, bare) == 1 && bare[0] == 'E' &&
                             unicode_bare(0x301, bare) == 0 && unicode_bare(0x1E69, bare) == 1 && bare[0] == 's',
         "wrong decomposition");
    TEST("classes and lower case",
         unicode_class('a') == UNICODE_LETTER && unicode_class(0x661) == UNICODE_NUMBER &&
             unicode_class(0x3000) == UNICODE_SPACE && unicode_class(0x378) == 0 && unicode_class(0x110000) == 0 &&
             unicode_lower(0x41A) == 0x43A && unicode_lower('[') == '[',
         "wrong class");
}

/* Words of a pre-tokenizer, joined by '|'. */
static void expect_words(const char *pre, const char *text, const char *words)
{
    uint32_t c[128];
    uint8_t flags[128];
    size_t n = 0, start = 0, used = 0, len = strlen(text);
    char out[512] = "", name[96];
    for (size_t at = 0; at < len && n < 128; n++) {
        at += utf8_decode(text + at, len - at, &c[n]);
        flags[n] = unicode_class(c[n]);
    }
    struct cuts cuts = {0};
    const struct pretokenizer *p = pretokenizer_find(pre, strlen(pre));
    bool ok = p && pretokenize(p, c, flags, n, &cuts);
    for (size_t k = 0; ok && k < cuts.n; start = cuts.end[k++]) {
        if (k) out[used++] = '|';
        for (size_t i = start; i < cuts.end[k] && used < 500; i++) used += utf8_encode(c[i], out + used);
        out[used] = 0;
    }
    cuts_free(&cuts);
    snprintf(name, sizeof name, "pre-tokenizer %s", pre);
    TEST(name, ok && strcmp(out, words) == 0, "found %s", out);
}

static void test_pretokenizers(void)
{
    expect_words("gpt-2", "I'm  he'LL x1234 ¡a\n\n b", "I|'m| | he|'|LL| x|1234| ¡|a|\n\n| b");
    expect_words("llama-bpe", "I'M  12345 _a!!\n\n  b\t", "I|'M| | |123|45| _|a|!!\n\n| | b|\t");
    expect_words("qwen2", "a12 \r\n c नि", "a|1|2| \r\n| c| न|ि");
    expect_words("qwen35", "a12 नि", "a|1|2| नि");
    expect_words("smollm", "ab12 34 cd", "ab|1|2| |3|4| cd");
    expect_words("deepseek-llm", "ab éx\n中文ab12 .,  ", "ab| é|x|\n|中文|ab|12| .,|  ");
    expect_words("deepseek-coder", "ab 12\n中文..  x", "ab| |1|2|\n|中文|..| | x");
    expect_words("deepseek-v3", "a1234.b ~~中文かx  \n", "a|123|4|.b| ~~|中文か|x|  \n");
    expect_words("default", "ab..12345  x", "ab|..|123|45| | x");
    TEST("pre-tokenizers are found by whole names only",
         !pretokenizer_find("gpt", 3) && !pretokenizer_find("", 0) && !pretokenizer_find("gpt-2 phi-2", 11), "found one");
}

/* ---- Bad vocabularies: one line each, that says what was found ---- */

static void expect_error(const char *name, struct made *m, const char *part)
{
    finish(m);
    TEST(name, !m->t && strstr(m->e.text, part), "found '%s', expected an error with '%s'", m->t ? "a tokenizer" : m->e.text,
         part);
    end(m);
}

static void test_bad(void)
{
    struct made m = begin("rwkv");
    expect_error("an unknown kind", &m, "rwkv");
    m = (struct made){.w = gguf_writer_new(0)};
    expect_error("no kind", &m, "tokenizer.ggml.model");
    m = begin("llama");
    expect_error("no tokens", &m, "tokenizer.ggml.tokens");
    m = begin("llama");
    set_words(m.w, "tokenizer.ggml.tokens", NULL, 0);
    expect_error("an empty vocabulary", &m, "found 0");
    m = begin("llama");
    gguf_set_u32(m.w, "tokenizer.ggml.tokens", 7);
    expect_error("tokens that are a number", &m, "array of strings");
    m = begin_spm();
    gguf_set_array(m.w, "tokenizer.ggml.scores", GGUF_F32, spm_scores, 3);
    expect_error("too few scores", &m, "found 3");
    m = begin_spm();
    gguf_set_string(m.w, "tokenizer.ggml.scores", "x", 1);
    expect_error("scores that are a string", &m, "tokenizer.ggml.scores");
    m = begin_spm();
    float nan_scores[SPM_WORDS];
    memcpy(nan_scores, spm_scores, sizeof nan_scores);
    nan_scores[5] = (float)strtod("nan", NULL);
    gguf_set_array(m.w, "tokenizer.ggml.scores", GGUF_F32, nan_scores, SPM_WORDS);
    expect_error("a score that is no number", &m, "nan");
    m = begin_spm();
    int32_t types[SPM_WORDS] = {99};
    gguf_set_array(m.w, "tokenizer.ggml.token_type", GGUF_I32, types, SPM_WORDS);
    expect_error("a token type out of range", &m, "found 99");
    m = begin_spm();
    gguf_set_array(m.w, "tokenizer.ggml.token_type", GGUF_I32, types, 2);
    expect_error("too few token types", &m, "found 2");
    m = begin_spm();
    gguf_set_u32(m.w, "tokenizer.ggml.bos_token_id", 1000);
    expect_error("a BOS out of range", &m, "found 1000");
    m = begin_spm();
    gguf_set_string(m.w, "tokenizer.ggml.eos_token_id", "two", 3);
    expect_error("an EOS that is a string", &m, "eos_token_id");
    m = begin("llama");
    set_words(m.w, "tokenizer.ggml.tokens", (const char *const[]){"a", "b", "a"}, 3);
    expect_error("a token given twice", &m, "second time");
    m = begin_bpe("no-such");
    expect_error("an unknown pre-tokenizer is named", &m, "no-such");
    m = begin("gpt2");
    set_words(m.w, "tokenizer.ggml.tokens", bpe_words, BPE_WORDS);
    gguf_set_string(m.w, "tokenizer.ggml.pre", "gpt-2", 5);
    expect_error("a vocabulary without merges", &m, "without merges");
    m = begin_bpe("gpt-2");
    set_words(m.w, "tokenizer.ggml.merges", (const char *const[]){"a b", "a zzz"}, 2);
    expect_error("a merge of an unknown token", &m, "a zzz");
    m = begin_bpe("gpt-2");
    set_words(m.w, "tokenizer.ggml.merges", (const char *const[]){"ab"}, 1);
    expect_error("a merge of one token", &m, "'ab'");
    m = begin_bpe("gpt-2");
    gguf_set_bool(m.w, "tokenizer.ggml.add_bos_token", true);
    expect_error("a BOS to be added that is not there", &m, "bos_token_id");
}

/* ---- Long texts ---- */

static void test_long(void)
{
    enum { LONG = 1 << 20 };
    static const char *const fills[] = {"a", " ", "\n", "ab", "hello ", "<", "<user", "\xff", "12", "'s", "  a", "é"};
    struct made made[] = {begin_spm(), begin_bpe("gpt-2"), begin_bpe("deepseek-llm"), begin_bpe("qwen2"), begin_bert()};
    char *text = malloc(LONG);
    double worst = 0;
    bool ok = true;
    const char *which = "";
    for (size_t k = 0; k < sizeof made / sizeof *made; k++) {
        finish(&made[k]);
        for (size_t i = 0; i < sizeof fills / sizeof *fills; i++) {
            size_t len = strlen(fills[i]);
            for (size_t at = 0; at < LONG; at++) text[at] = fills[i][at % len];
            struct tokens ids = {0};
            clock_t start = clock();
            ok = ok && made[k].t && tokenize(made[k].t, text, LONG, TOKENIZE_PARSE_SPECIAL, &ids, &made[k].e);
            double s = (double)(clock() - start) / CLOCKS_PER_SEC;
            if (s > worst) worst = s, which = fills[i];
            tokens_free(&ids);
        }
        end(&made[k]);
    }
    free(text);
    /* A quadratic step would take minutes; the limit leaves room for sanitizers on a busy machine. */
    TEST("a megabyte of anything takes seconds at most", ok && worst < 30, "%.1f s on '%s'", worst, which);
}

/* ---- Reference data ---- */

struct opened {
    struct model_file *f;
    struct tokenizer *t;
    struct error e;
};

static struct opened open_vocabulary(const char *folder, const char *name)
{
    char path[512];
    struct opened o = {0};
    struct file_options header = {.header_only = true};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    o.f = model_file_open(path, &header, &o.e);
    if (o.f) o.t = tokenizer_new(o.f->gguf, &o.e);
    return o;
}

static void close_vocabulary(struct opened *o)
{
    tokenizer_free(o->t);
    model_file_close(o->f);
}

static bool same_ids(const struct tokenizer *t, const struct json_value *text, int flags, const struct json_value *ids,
                     size_t limit)
{
    struct tokens got = {0};
    struct error e;
    if (!text || !ids || !tokenize(t, text->string, text->n, flags, &got, &e)) return false;
    if (limit && got.n > limit) got.id[limit - 1] = got.id[got.n - 1], got.n = limit;
    bool same = got.n == ids->n;
    for (size_t i = 0; same && i < got.n; i++) same = got.id[i] == (int32_t)ids->item[i].number;
    tokens_free(&got);
    return same;
}

/* All cases of one list; flags from add_and_parse_special where a case says so. `why`: what kept the tokenizer from loading. */
static void check_cases(const char *name, const struct tokenizer *t, const char *why, const struct json_value *cases,
                        const char *text_key, int flags, size_t limit)
{
    size_t wrong = 0, n = 0;
    const char *first = "";
    for (size_t i = 0; t && cases && i < cases->n; i++, n++) {
        const struct json_value *c = &cases->item[i], *ids = json_member(c, "ids");
        const struct json_value *both = json_member(c, "add_and_parse_special");
        const struct json_value *text = json_member(c, text_key), *parsed = json_member(c, "ids_parse_special");
        int f = both ? (both->boolean ? TOKENIZE_ADD_SPECIAL | TOKENIZE_PARSE_SPECIAL : 0) : flags;
        bool ok = same_ids(t, text, f, ids, limit);
        if (ok && parsed) ok = same_ids(t, text, f | TOKENIZE_PARSE_SPECIAL, parsed, limit);
        if (!ok && wrong++ == 0 && text) first = text->string;
    }
    TEST(name, n > 0 && wrong == 0, "%zu of %zu texts differ, first '%.60s' %s", wrong, n, first, why);
}

static void check_file(const char *name, const char *folder, const char *model, const struct json_value *cases,
                       const char *text_key, int flags)
{
    struct opened o = open_vocabulary(folder, model);
    check_cases(name, o.t, o.e.text, cases, text_key, flags, 0);
    close_vocabulary(&o);
}

/* The WordPiece vocabulary of a BERT model's vocab.txt, in the form that GGUF has it. */
static bool begin_vocab_txt(const char *path, struct made *m)
{
    static const char *const control[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    static const char *const keys[] = {"padding", "unknown", "cls", "seperator", "mask"};
    struct error e;
    size_t size, n = 0;
    char *text = file_read(path, 1 << 24, &size, &e), key[64];
    if (!text) return false;
    char *words = malloc(4 * size + 4), *out = words;
    struct gguf_string *s = malloc((size + 1) * sizeof *s);
    int32_t *types = malloc((size + 1) * sizeof *types);
    *m = begin("bert");
    for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n"), n++) {
        types[n] = TOKEN_NORMAL;
        for (size_t i = 0; i < 5; i++) {
            if (strcmp(line, control[i]) != 0) continue;
            types[n] = TOKEN_CONTROL;
            snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", keys[i]);
            gguf_set_u32(m->w, key, (uint32_t)n);
        }
        bool continues = strncmp(line, "##", 2) == 0;
        const char *mark = continues || types[n] == TOKEN_CONTROL ? "" : "▁";
        int len = sprintf(out, "%s%s", mark, line + (continues ? 2 : 0));
        s[n] = (struct gguf_string){out, (size_t)len};
        out += len + 1;
    }
    gguf_set_strings(m->w, "tokenizer.ggml.tokens", s, n);
    gguf_set_array(m->w, "tokenizer.ggml.token_type", GGUF_I32, types, n);
    free(types);
    free(s);
    free(words);
    free(text);
    return true;
}

static void test_shared_data(const char *shared)
{
    char folder[400];
    snprintf(folder, sizeof folder, "%s/oracle/text", shared);
    struct json_value *v = json_file(folder, "oracle/tokenize.json");
    if (v) {
        check_file("reference: Llama 2", folder, "ggml-vocab-llama-spm.gguf", json_member(v, "llama-spm"), "text", 0);
        check_file("reference: GPT-2", folder, "ggml-vocab-gpt-2.gguf", json_member(v, "gpt2:gpt-2"), "text", 0);
        check_file("reference: tiny Llama", folder, "tiny-llama-q8_0.gguf", json_member(v, "tiny-llama"), "text", 0);
        check_file("reference: tiny Qwen2", folder, "tiny-qwen2-q4_k_m.gguf", json_member(v, "tiny-qwen2"), "text", 0);
    }
    json_free(v);
    v = json_file(folder, "oracle/tokenize-real.json");
    if (v) {
        check_file("reference: Llama 3.1", folder, "vocab-llama-3.1.gguf", json_member(v, "llama-3.1"), "text", 0);
        check_file("reference: Qwen2", folder, "vocab-qwen2.gguf", json_member(v, "qwen2"), "text", 0);
    }
    json_free(v);
}

static void test_real(const char *shared, const char *models)
{
    static const char *const prompts[][2] = {{"gemma-3-270m", "gemma-3-270m-q4_k_m.gguf"},
                                             {"qwen2.5-coder-0.5b", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"}};
    char folder[400], name[96];
    snprintf(folder, sizeof folder, "%s/oracle/real", shared);
    struct json_value *v = json_file(folder, "gemma-3-270m.tokenize.json");
    if (v) check_file("reference: Gemma 3", models, prompts[0][1], json_member(v, "cases"), "text", TOKENIZE_ADD_SPECIAL);
    json_free(v);
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s.manifest.json", prompts[i][0]);
        if (!(v = json_file(folder, name))) continue;
        snprintf(name, sizeof name, "reference: prompts of %s", prompts[i][0]);
        check_file(name, models, prompts[i][1], json_member(v, "prompts"), "prompt",
                   TOKENIZE_ADD_SPECIAL | TOKENIZE_PARSE_SPECIAL);
        json_free(v);
    }
    struct made m = {0};
    char vocab[512];
    snprintf(vocab, sizeof vocab, "%s/minilm-l6/vocab.txt", models);
    if (begin_vocab_txt(vocab, &m)) {
        finish(&m);
        if ((v = json_file(folder, "minilm.json")))
            check_cases("reference: MiniLM", m.t, m.e.text, json_member(v, "sentences"), "text", TOKENIZE_ADD_SPECIAL, 512);
        json_free(v);
        end(&m);
    } else SKIP("reference: MiniLM", "no %s", vocab);
}

int main(void)
{
    test_utf8();
    test_spm();
    test_bpe();
    test_wordpiece();
    test_pretokenizers();
    test_bad();
    test_long();
    const char *shared = test_shared(), *models = test_models();
    if (shared) test_shared_data(shared);
    else SKIP("reference ids", "no reference data here");
    if (shared && models) test_real(shared, models);
    else SKIP("reference ids of real models", "no reference data or no models here");
    TEST_MAIN_END();
}
