/* fuzz_model.c - runs models whose files lie: metadata, shapes, types, vocabularies and weights changed in ways that leave the
 * file readable, so that what is wrong must be found by the engine. Each copy is described, tokenized with, planned, priced
 * and, where all of that succeeds, run; some go through a file and `quantize` too. fuzz_gguf.c does the same to the format
 * itself. The seed is fixed: a run that fails does so again. 200 copies, 3,600 under HARTREE_SLOW; meant for
 * SAN=address,undefined. SPDX-License-Identifier: MIT */
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "engine/account/predict.h"
#include "engine/conversation.h"
#include "engine/embed.h"
#include "engine/prompt.h"
#include "engine/quantise.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "loader/describe.h"
#include "tests/draft.h"
#include "tests/test.h"

/* ---- The models to begin with: each family of tokenizer, an encoder, a chat template, rope factors ---- */

enum { N_SEEDS = 4 };

static char dir[160];
static const char chatml[] = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}";

/* As the byte-level vocabularies spell a byte. */
static size_t spell(int byte, char *out)
{
    bool itself = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    int c = byte, mark = 0x100;
    for (int i = 0; i < byte; i++) mark += !((i >= 0x21 && i <= 0x7e) || (i >= 0xa1 && i <= 0xac) || i >= 0xae);
    if (!itself) c = mark;
    if (c < 0x80) return out[0] = (char)c, 1;
    out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 0x3f));
    return 2;
}

/* Bytes, pairs of letters with their merges, some special tokens, and names that fill it up. */
static void put_bpe(struct draft *d, size_t n)
{
    enum { LETTERS = 26, PAIRS = LETTERS * LETTERS, WIDTH = 24 };
    static const char *const specials[] = {"<|im_start|>", "<|im_end|>", "<|endoftext|>"};
    char *text = own(d, (n + PAIRS) * WIDTH);
    struct gguf_string *tokens = own(d, n * sizeof *tokens), *merges = own(d, PAIRS * sizeof *merges);
    int32_t *type = own(d, n * sizeof *type);
    for (size_t i = 0; i < n; i++, text += WIDTH) {
        size_t pair = i - 256, special = i - 256 - PAIRS;
        size_t len = i < 256 ? spell((int)i, text)
                     : pair < PAIRS
                         ? (size_t)snprintf(text, WIDTH, "%c%c", 'a' + (int)pair / LETTERS, 'a' + (int)pair % LETTERS)
                     : special < 3 ? (size_t)snprintf(text, WIDTH, "%s", specials[special])
                                   : (size_t)snprintf(text, WIDTH, "[unused%zu]", i);
        tokens[i] = (struct gguf_string){text, len};
        type[i] = pair >= PAIRS && i >= 256 ? special < 3 ? TOKEN_CONTROL : TOKEN_UNUSED : TOKEN_NORMAL;
    }
    for (size_t i = 0; i < PAIRS; i++, text += WIDTH)
        merges[i] =
            (struct gguf_string){text, (size_t)snprintf(text, WIDTH, "%c %c", 'a' + (int)i / LETTERS, 'a' + (int)i % LETTERS)};
    put_string(d, "tokenizer.ggml.model", "gpt2", 4);
    put_string(d, "tokenizer.ggml.pre", "qwen2", 5);
    put(d, "tokenizer.ggml.tokens", GGUF_ARRAY, GGUF_STRING, n)->strings = tokens;
    put(d, "tokenizer.ggml.merges", GGUF_ARRAY, GGUF_STRING, PAIRS)->strings = merges;
    put(d, "tokenizer.ggml.token_type", GGUF_ARRAY, GGUF_I32, n)->data = type;
    uint32_t end = 256 + PAIRS + 1;
    put_number(d, "tokenizer.ggml.eos_token_id", GGUF_U32, &end, 4);
}

static unsigned char *make_seed(int which, size_t *size, struct error *e)
{
    static const char *const shapes[N_SEEDS] = {"tiny-llama:Q4_K_M", "tiny-qwen2:Q4_0", "tiny-gemma3:Q8_0", "tiny-bert:Q8_0"};
    static float factors[16] = {1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8};
    char path[192];
    snprintf(path, sizeof path, "%s/seed", dir);
    if (!synth_write(&(struct synth_options){.shape = shapes[which], .threads = 1}, path, NULL, e)) return NULL;
    char *file = file_read(path, 1 << 24, size, e);
    unlink(path);
    struct gguf *g = file ? gguf_parse(file, *size, 0, e) : NULL;
    unsigned char *seed = NULL;
    if (g) {
        struct draft d;
        draft_from(&d, g);
        if (which == 0)
            d.t[d.n_t++] = (struct tensor){.name = "rope_freqs.weight",
                                           .type = TYPE_F32,
                                           .n_dims = 1,
                                           .ne = {16, 1, 1, 1},
                                           .row_bytes = sizeof factors,
                                           .bytes = sizeof factors,
                                           .data = factors};
        if (which == 1) put_bpe(&d, find_kv(&d, "tokenizer.ggml.tokens")->n);
        if (which == 2)
            put_string(&d, "tokenizer.chat_template", "<start_of_turn>", 15);
        else
            put_string(&d, "tokenizer.chat_template", chatml, sizeof chatml - 1);
        seed = draft_write(&d, size);
        draft_free(&d);
    }
    gguf_free(g);
    free(file);
    return seed;
}

/* ---- Changes ---- */

static const char long_text[3000] = "\xc3";
#define WORD(s)                                                                                                                \
    {                                                                                                                          \
        s, sizeof s - 1                                                                                                        \
    }
/* clang-format off */
static const struct gguf_string words[] = {
    WORD(""), WORD("llama"), WORD("qwen2"), WORD("qwen3"), WORD("gemma3"), WORD("phi9"), WORD("gpt2"), WORD("bert"),
    WORD("none"),
    WORD("linear"), WORD("yarn"), WORD("default"), WORD("llama-bpe"), WORD("smollm"), WORD("deepseek-llm"), WORD("qwen2"),
    WORD(chatml), WORD("[INST]<<SYS>>"), WORD("<|start_header_id|><|end_header_id|>"), WORD("<start_of_turn>"), WORD("<unk>"),
    WORD("</s>"), WORD("<|im_end|>"), WORD("<eos>"), WORD("<0x0A>"), WORD("<0xZZ>"), WORD("a"), WORD("a b"), WORD(" "),
    WORD("a  b"),
    WORD("\xe2\x96\x81"), WORD("\xe2\x96\x81the"), WORD("\xff\xfe\x80"), WORD("\xf0\x9f"), WORD("a\0b"), WORD("\n\033[31m"),
    {long_text, sizeof long_text},
};
/* clang-format on */
enum { N_WORDS = sizeof words / sizeof *words };

static uint64_t integer_near(uint64_t was)
{
    /* clang-format off */
    static const uint64_t values[] = {
        0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 62, 64, 255, 256, 257, 511, 512, 513, 1024, 1025, 4096, 4097, 65536, 1 << 20,
        1 << 24, 1 << 30, INT32_MAX, UINT64_C(1) << 31, UINT32_MAX, UINT32_MAX - 1,
    };
    /* clang-format on */
    switch (below(4)) {
    case 0: return was + below(5) - 2;
    case 1: return below(2) ? was * 2 : was / 2;
    default: return values[below(sizeof values / sizeof *values)];
    }
}

static float float_any(void)
{
    static const float values[] = {0,    -0.0f, 1,     -1,    1e-30f, 1e-5f, 0.5f,     2,
                                   1e4f, 1e6f,  1e12f, 1e30f, -1e30f, NAN,   INFINITY, -INFINITY};
    return values[below(sizeof values / sizeof *values)];
}

/* Another value, mostly of the same kind. */
static void change_value(struct draft *d, struct gguf_kv *kv)
{
    uint64_t u = integer_near(kv->data && kv->element == GGUF_U32 ? (uint64_t)gguf_integer(kv, 0) : 8);
    enum gguf_value type = kv->type == GGUF_ARRAY || !below(8) ? (enum gguf_value)below(GGUF_VALUES) : kv->type;
    if (type == GGUF_ARRAY) {
        kv->type = GGUF_ARRAY, kv->element = GGUF_U32, kv->n = below(4), kv->strings = NULL;
        kv->data = own(d, 16);
        return;
    }
    kv->type = kv->element = type, kv->n = 1, kv->strings = NULL, kv->data = NULL;
    if (type == GGUF_STRING) {
        kv->strings = own(d, sizeof *kv->strings);
        *kv->strings = words[below(N_WORDS)];
    } else if (type == GGUF_F32) {
        float *f = own(d, 8);
        kv->data = f, *f = float_any();
    } else if (type == GGUF_F64) {
        double *f = own(d, 8);
        kv->data = f, *f = (double)float_any() * 1e30;
    } else {
        uint64_t *v = own(d, 8);
        kv->data = v, *v = type == GGUF_BOOL ? below(2) : u;
    }
}

/* Some elements of an array, or its length. */
static void change_array(struct draft *d, struct gguf_kv *kv)
{
    if (!below(3)) {
        kv->n = below(2) ? kv->n - (kv->n > 0) : below(kv->n + 1);
        return;
    }
    size_t n = kv->n, changes = 1 + below(16);
    if (!n) return;
    if (kv->strings) {
        struct gguf_string *copy = memcpy(own(d, n * sizeof *copy), kv->strings, n * sizeof *copy);
        for (size_t k = 0; k < changes; k++) copy[below(n)] = below(3) ? words[below(N_WORDS)] : copy[below(n)];
        kv->strings = copy;
    } else if (kv->element == GGUF_F32 || kv->element == GGUF_I32) {
        unsigned char *copy = memcpy(own(d, 4 * n), kv->data, 4 * n);
        for (size_t k = 0; k < changes; k++) {
            int32_t i = (int32_t)below(9) - 1;
            float f = float_any();
            memcpy(copy + 4 * below(n), kv->element == GGUF_F32 ? (void *)&f : (void *)&i, 4);
        }
        kv->data = copy;
    }
}

/* A key that files may have and these do not, or a second idea of one that they have. */
static void add_key(struct draft *d)
{
    /* clang-format off */
    static const char *const keys[] = {
        "rope.scaling.type", "rope.scaling.factor", "rope.scale_linear", "rope.freq_base", "rope.freq_base_swa",
        "rope.dimension_count", "attention.sliding_window", "attention.sliding_window_pattern", "attention.key_length",
        "attention.value_length", "attention.head_count", "attention.head_count_kv", "block_count", "context_length",
        "attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon", "attention.causal", "pooling_type",
    };
    static const char *const others[] = {
        "tokenizer.ggml.add_eos_token", "tokenizer.ggml.add_bos_token", "tokenizer.ggml.eot_token_id",
        "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.merges", "tokenizer.ggml.scores", "tokenizer.ggml.add_space_prefix",
        "split.count", "general.alignment", "tokenizer.ggml.cls_token_id", "tokenizer.ggml.seperator_token_id", "general.name",
    };
    /* clang-format on */
    char key[96];
    const struct gguf_kv *arch = find_kv(d, "general.architecture");
    if (below(3) && arch && arch->strings && arch->strings->len < 32)
        snprintf(key, sizeof key, "%.*s.%s", (int)arch->strings->len, arch->strings->data,
                 keys[below(sizeof keys / sizeof *keys)]);
    else
        snprintf(key, sizeof key, "%s", others[below(sizeof others / sizeof *others)]);
    if (!strlen(key)) return;
    struct gguf_kv *kv = put(d, key, below(2) ? GGUF_U32 : below(2) ? GGUF_F32 : GGUF_STRING, GGUF_U32, 1);
    if (kv) change_value(d, kv);
}

static void change_tensor(struct draft *d)
{
    struct tensor *t = &d->t[below(d->n_t)], *other = &d->t[below(d->n_t)];
    switch (below(5)) {
    case 0: t->ne[below(t->n_dims)] += (int64_t)below(3) - 1; return;
    case 1: {
        size_t dim = below(t->n_dims);
        t->ne[dim] = below(2) ? 2 * t->ne[dim] : t->ne[dim] / 2;
        return;
    }
    case 2: t->type = (enum type)below(TYPE_FILE_END); return;
    case 3: swap_names(t, other); return;
    default: t->n_dims = 1 + (unsigned)below(4); return;
    }
}

static void change(struct draft *d)
{
    struct gguf_kv *kv = &d->kv[below(d->n_kv)];
    switch (below(10)) {
    case 0: *kv = d->kv[--d->n_kv]; return;
    case 1: d->t[below(d->n_t)] = d->t[d->n_t - 1], d->n_t--; return;
    case 2: add_key(d); return;
    case 3:
    case 4: change_tensor(d); return;
    default:
        if (kv->type == GGUF_ARRAY && below(8))
            change_array(d, kv);
        else
            change_value(d, kv);
    }
}

/* Anything at all as weights: NaNs and infinities among them. */
static void change_weights(unsigned char *bytes, size_t size, size_t from)
{
    static const unsigned char patterns[] = {0xff, 0x7f, 0x7c, 0x80, 0x00};
    for (size_t k = 1 + below(64); k && from < size; k--) {
        size_t at = from + below(size - from), n = below(16);
        memset(bytes + at, below(2) ? (int)below(256) : patterns[below(sizeof patterns)], n < size - at ? n : size - at);
    }
}

/* ---- What is done with a copy ---- */

static struct {
    unsigned parsed, bound, planned, ran, quantised, bad_lines;
    char line[1024]; /* the first that is no proper error line */
} seen;

/* A refusal says in one line what was found and what was expected. */
static void refused(const struct error *e)
{
    if (e->text[0] && !strchr(e->text, '\n') && strstr(e->text, "found") && strstr(e->text, "expected")) return;
    if (!seen.bad_lines++) snprintf(seen.line, sizeof seen.line, "%s", e->text);
}

static void describe(const struct gguf *g)
{
    struct description d;
    struct error e = {""};
    FILE *f = fopen("/dev/null", "w");
    if (describe_model(&d, g, &e))
        describe_free(&d);
    else
        refused(&e);
    for (size_t i = 0; f && i < g->n_kv; i++) describe_value(f, &g->kv[i], 60);
    if (f) fclose(f);
}

static const char sample[] =
    "The <0x0A>law <|im_end|>of</s> abc \xf0\x9f\x99\x82 \xff\xfe\x80 12345\n\t <start_of_turn>user \0x zz";

static const char *use_vocabulary(const struct tokenizer *t, struct tokens *prompt)
{
    static const struct chat_message talk[] = {
        {"system", " be \xff brief "}, {"user", "why?"}, {"assistant", ""}, {"user", "so"}};
    struct error e = {""};
    const char *why = NULL;
    for (int flags = 0; !why && flags < 4; flags++) {
        char *text = NULL;
        size_t len;
        prompt->n = 0;
        if (!tokenize(t, sample, sizeof sample - 1, flags, prompt, &e)) return "a text is not tokenized";
        for (size_t i = 0; i < prompt->n; i++)
            if (prompt->id[i] < 0 || prompt->id[i] >= t->n_vocab) return "a token outside the vocabulary";
        if (!detokenize(t, prompt->id, prompt->n, flags & 1, &text, &len, &e)) return "ids are not detokenized";
        free(text);
    }
    const struct chat_format *f = chat_format_find(t, NULL, &e);
    if (!f) {
        refused(&e);
        f = chat_format_find(t, "llama3", &e);
    }
    struct tokens ids = {0};
    if (!f || !prompt_from_chat(t, f, talk, 4, &ids, &e)) why = "a conversation is not rendered";
    tokens_free(&ids);
    return why;
}

static bool ignore_text(void *ctx, const char *bytes, size_t n)
{
    (void)bytes;
    *(size_t *)ctx += n;
    return true;
}

/* Vectors of a few texts. False: refused. */
static bool run_encoder(const struct model *m)
{
    struct error e = {""};
    struct embed_options o = {.threads = 1 + (int)below(2), .exact = below(2)};
    struct embedder *s = embedder_new(m, &o, &e);
    float *v = s ? malloc(embedder_width(s) * sizeof *v) : NULL;
    struct embedded r;
    bool ok = v;
    for (size_t i = 0; ok && i < 3; i++) ok = embed(s, sample, i * (sizeof sample - 1) / 2, v, &r, &e);
    if (!ok) refused(&e);
    seen.ran += ok;
    free(v);
    embedder_free(s);
    return ok;
}

/* Plans in both modes, a prediction, and where that is possible a few tokens. False: refused. */
static bool run_model(const struct model *m, const struct tokens *prompt)
{
    struct error e = {""};
    struct plan *exact = plan_new(m, true, &e), *fast = exact ? plan_new(m, false, &e) : NULL;
    struct prediction r = {0};
    enum type kv = (enum type[]){TYPE_F32, TYPE_F16, TYPE_Q8_0}[below(3)];
    struct predict_options po = {.threads = 2, .prompt = 5, .gen = m->arch->encoder ? 0 : 3, .kv_type = kv};
    bool ok = fast && predict(&r, fast, NULL, &po, &e);
    prediction_free(&r);
    plan_free(exact);
    plan_free(fast);
    seen.planned += ok;
    if (ok && m->arch->encoder) return run_encoder(m);
    struct session_options so = {
        .n_ctx = below(8) ? 24 : 0, .n_batch = 1 + below(8), .kv_type = kv, .threads = 1 + (int)below(2), .exact = below(2)};
    struct session *s = ok ? session_new(m, &so, &e) : NULL;
    if (!s) return refused(&e), false;
    int32_t ids[10];
    for (size_t i = 0; i < 10; i++)
        ids[i] = i < prompt->n && prompt->id[i] < m->hp.n_vocab ? prompt->id[i] : (int32_t)below((size_t)m->hp.n_vocab);
    size_t written = 0;
    struct generate_options o = {.max_tokens = 3, .sample = sample_defaults, .text = ignore_text, .ctx = &written};
    o.sample.temperature = below(2) ? 0 : 0.8f;
    struct generate_result g = {0};
    ok = session_generate(s, ids, 1 + below(10), &o, &g, &e);
    if (!ok) refused(&e);
    seen.ran += ok;
    generate_result_free(&g);
    session_free(s);
    return ok;
}

static const char *through_file(const unsigned char *bytes, size_t size)
{
    char in[192], out[192];
    struct error e = {""};
    snprintf(in, sizeof in, "%s/in.gguf", dir);
    snprintf(out, sizeof out, "%s/out.gguf", dir);
    FILE *f = fopen(in, "wb");
    if (!f || fwrite(bytes, 1, size, f) != size || fclose(f)) return "a temporary file cannot be written";
    for (int flags = 0; flags <= MODEL_NO_TOKENIZER; flags++) {
        struct model *m = model_open(in, NULL, flags, &e);
        if (!m) refused(&e);
        struct plan *p = m ? plan_new(m, false, &e) : NULL;
        if (m && !p) refused(&e);
        plan_free(p);
        model_close(m);
    }
    size_t n = 0;
    while (mix_at(n)) n++;
    struct quantise_result r;
    bool ok = quantise_file(in, out, &(struct quantise_options){.mix = mix_at(below(n)), .threads = 1}, &r, &e);
    if (!ok) refused(&e);
    seen.quantised += ok;
    if (ok) quantise_result_free(&r);
    bool left = !access(out, F_OK);
    unlink(in);
    unlink(out);
    return left == ok ? NULL : "quantising leaves a file behind, or none";
}

/* All of it, on `bytes`, which it frees. What is wrong, or NULL. */
static const char *exercise(unsigned char *bytes, size_t size)
{
    struct error e = {""};
    const char *why = below(12) ? NULL : through_file(bytes, size);
    struct model *m = calloc(1, sizeof *m);
    m->header = (char *)bytes;
    m->header_gguf = gguf_parse(bytes, size, 0, &e);
    struct tokens prompt = {0};
    if (!m->header_gguf)
        refused(&e);
    else {
        seen.parsed++;
        describe(m->header_gguf);
        bool bound = model_bind(m, m->header_gguf, "copy", 0, &e);
        if (!bound) refused(&e);
        seen.bound += bound;
        if (bound && !why) why = use_vocabulary(m->tokenizer, &prompt);
        if (bound && !why) run_model(m, &prompt);
    }
    tokens_free(&prompt);
    model_close(m);
    return why;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Copies of one seed; what is wrong with the copy after which it stopped, or NULL. */
static const char *fuzz(const struct gguf *seed, unsigned runs, double *slowest)
{
    for (unsigned run = 0; run < runs; run++) {
        double start = now();
        struct draft d;
        draft_from(&d, seed);
        for (size_t k = below(8) ? 1 + below(3) : 0; k; k--) change(&d);
        size_t size;
        unsigned char *bytes = draft_write(&d, &size);
        draft_free(&d);
        if (!bytes) continue; /* what the writer refuses is fuzz_gguf's business */
        if (!below(4)) change_weights(bytes, size, size / 8);
        if (!below(8)) bytes[below(size / 16)] ^= (unsigned char)(1 << below(8));
        alarm(300);
        const char *why = exercise(bytes, size);
        alarm(0);
        if (now() - start > *slowest) *slowest = now() - start;
        if (why) return printf("# copy %u\n", run), why;
    }
    return NULL;
}

int main(void)
{
    unsigned runs = getenv("HARTREE_SLOW") ? 900 : 50;
    double slowest = 0;
    char message[512];
    if (!kernel_init(getenv("HARTREE_ISA"), NULL, message, sizeof message) || !test_folder(dir, sizeof dir)) return 1;
    uint64_t before = memory_peak();
    static const char *const names[N_SEEDS] = {"copies of a llama", "copies of a qwen2 with merges", "copies of a gemma3",
                                                "copies of a bert"};
    for (int i = 0; i < N_SEEDS; i++) {
        struct error e = {""};
        size_t size;
        state = (uint64_t)i;
        unsigned char *bytes = make_seed(i, &size, &e);
        struct gguf *g = bytes ? gguf_parse(bytes, size, 0, &e) : NULL;
        const char *why = g ? fuzz(g, runs, &slowest) : e.text;
        TEST(names[i], !why, "%s", why);
        gguf_free(g);
        free(bytes);
    }
    rmdir(dir);
    printf("# %u copies: %u parsed, %u bound, %u planned, %u ran, %u quantised, the slowest took %.2f s\n", N_SEEDS * runs,
           seen.parsed, seen.bound, seen.planned, seen.ran, seen.quantised, slowest);
    TEST("each refusal says found and expected", !seen.bad_lines, "%u do not, first '%s'", seen.bad_lines, seen.line);
    TEST("copies are both run and refused", seen.ran > runs / 2 && seen.ran < 3 * runs, "%u of %u ran", seen.ran,
         N_SEEDS * runs);
    TEST("no copy takes long", slowest < 60, "%.1f s", slowest);
    uint64_t taken = (memory_peak() - before) >> 20;
    TEST("no copy takes much memory", taken < 1500, "%llu MB", (unsigned long long)taken);
    TEST_MAIN_END();
}
