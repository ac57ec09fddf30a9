/* shapes.c - see shapes.h.
 *
 * The numbers are those of each model's config.json as published by its makers on Hugging Face (meta-llama, mistralai,
 * HuggingFaceTB, Qwen, google), with the parameter counts of their safetensors; tests/synth.c holds the rows to those counts.
 * SPDX-License-Identifier: MIT */
#include "engine/shapes.h"
#include "base/nearest.h"
#include "engine/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LLAMA  .arch = "llama", .eps = 1e-5f
#define LLAMA3 LLAMA, .rope_base = 5e5f, .n_ctx = 131072, .n_vocab = 128256
#define SMOLLM LLAMA, .rope_base = 1e4f, .n_ctx = 2048, .n_vocab = 49152, .head_dim = 64, .tied = true
#define QWEN2  .arch = "qwen2", .eps = 1e-6f, .rope_base = 1e6f, .n_ctx = 32768
#define QWEN3  .arch = "qwen3", .eps = 1e-6f, .rope_base = 1e6f, .n_ctx = 40960, .head_dim = 128, .tied = true
/* mrope_section in config.json, and the 0 that converters add. */
#define QWEN2VL                                                                                                                \
    .arch = "qwen2vl", .eps = 1e-6f, .rope_base = 1e6f, .n_ctx = 32768, .head_dim = 128, .rope_sections = {16, 24, 24, 0}
#define GEMMA3 .arch = "gemma3", .eps = 1e-6f, .rope_base = 1e6f, .tied = true
/* No rope: positions are learned, as many as n_ctx. */
#define BERT                 .arch = "bert", .eps = 1e-12f, .n_ctx = 512, .tied = true
#define SIZE(l, d, h, kv, f) .n_layer = l, .n_embd = d, .n_head = h, .n_head_kv = kv, .n_ff = f

static const struct shape shapes[] = {
    {"llama-3.1-8b", NULL, LLAMA3, SIZE(32, 4096, 32, 8, 14336), .head_dim = 128, .rope_factor = 8, .parameters = 8030261248},
    {"llama-3.2-1b", NULL, LLAMA3, SIZE(16, 2048, 32, 8, 8192), .head_dim = 64, .rope_factor = 32, .tied = true,
     .parameters = 1235814400},
    {"llama-3.2-3b", NULL, LLAMA3, SIZE(28, 3072, 24, 8, 8192), .head_dim = 128, .rope_factor = 32, .tied = true,
     .parameters = 3212749824},
    {"llama-2-7b", NULL, LLAMA, SIZE(32, 4096, 32, 32, 11008), .head_dim = 128, .n_vocab = 32000, .n_ctx = 4096,
     .rope_base = 1e4f, .parameters = 6738415616},
    /* v0.3, which has no sliding window. */
    {"mistral-7b", NULL, LLAMA, SIZE(32, 4096, 32, 8, 14336), .head_dim = 128, .n_vocab = 32768, .n_ctx = 32768,
     .rope_base = 1e6f, .parameters = 7248023552},
    /* Width, depth and vocabulary stay, since embeddings and the residual stream pass through every layer, and heads and FFN
     * shrink to what is left. */
    {"gilda-3.2b", NULL, LLAMA3, SIZE(32, 4096, 8, 2, 4608), .head_dim = 128, .rope_factor = 8, .mpo_of = "llama-3.1-8b",
     .mpo_as = "ratio=0.314,gauge,joint",
     .assumed =
         "all but the 3.2 B parameters, which arXiv 2512.16531 gives: Llama-3.1-8B's width, depth and vocabulary, with 8 "
         "heads and an FFN of 4608"},

    {"smollm-135m", NULL, SMOLLM, SIZE(30, 576, 9, 3, 1536), .parameters = 134515008},
    {"smollm-360m", NULL, SMOLLM, SIZE(32, 960, 15, 5, 2560), .parameters = 361821120},
    {"smollm-1.7b", NULL, SMOLLM, SIZE(24, 2048, 32, 32, 8192), .parameters = 1711376384},

    {"qwen2.5-0.5b", "qwen2.5-coder-0.5b", QWEN2, SIZE(24, 896, 14, 2, 4864), .head_dim = 64, .n_vocab = 151936, .tied = true,
     .parameters = 494032768},
    {"qwen2.5-1.5b", "qwen2.5-coder-1.5b", QWEN2, SIZE(28, 1536, 12, 2, 8960), .head_dim = 128, .n_vocab = 151936, .tied = true,
     .parameters = 1543714304},
    {"qwen2.5-3b", "qwen2.5-coder-3b", QWEN2, SIZE(36, 2048, 16, 2, 11008), .head_dim = 128, .n_vocab = 151936, .tied = true,
     .parameters = 3085938688},
    {"qwen2.5-7b", "qwen2.5-coder-7b", QWEN2, SIZE(28, 3584, 28, 4, 18944), .head_dim = 128, .n_vocab = 152064,
     .parameters = 7615616512},
    {"qwen2.5-14b", "qwen2.5-coder-14b", QWEN2, SIZE(48, 5120, 40, 8, 13824), .head_dim = 128, .n_vocab = 152064,
     .parameters = 14770033664},
    {"qwen2.5-32b", "qwen2.5-coder-32b", QWEN2, SIZE(64, 5120, 40, 8, 27648), .head_dim = 128, .n_vocab = 152064,
     .parameters = 32763876352},
    {"qwen2.5-72b", NULL, QWEN2, SIZE(80, 8192, 64, 8, 29568), .head_dim = 128, .n_vocab = 152064, .parameters = 72706203648},
    /* The text part: its parameters are published only together with the vision tower's. */
    {"qwen2-vl-2b", NULL, QWEN2VL, SIZE(28, 1536, 12, 2, 8960), .n_vocab = 151936, .tied = true},
    {"axolotl-1.1b", NULL, QWEN2VL, SIZE(28, 1536, 12, 2, 5536), .n_vocab = 151936, .tied = true,
     .assumed = "all but the 1.1 B parameters, which arXiv 2512.16531 gives: Qwen2-VL-2B's text part with an FFN of 5536, all "
                "of the 1.1 B in the text part"},
    {"qwen3-0.6b", NULL, QWEN3, SIZE(28, 1024, 16, 8, 3072), .n_vocab = 151936, .parameters = 596049920},
    {"qwen3-1.7b", NULL, QWEN3, SIZE(28, 2048, 16, 8, 6144), .n_vocab = 151936, .parameters = 1720574976},
    {"qwen3-4b", NULL, QWEN3, SIZE(36, 2560, 32, 8, 9728), .n_vocab = 151936, .parameters = 4022468096},

    {"gemma-3-270m", NULL, GEMMA3, SIZE(18, 640, 4, 1, 2048), .head_dim = 256, .n_vocab = 262144, .n_ctx = 32768, .window = 512,
     .parameters = 268098176},
    {"gemma-3-1b", NULL, GEMMA3, SIZE(26, 1152, 4, 1, 6912), .head_dim = 256, .n_vocab = 262144, .n_ctx = 32768, .window = 512,
     .parameters = 999885952},
    /* The text parts, whose parameters are published only together with the vision tower's. */
    {"gemma-3-4b", NULL, GEMMA3, SIZE(34, 2560, 8, 4, 10240), .head_dim = 256, .n_vocab = 262208, .n_ctx = 131072,
     .window = 1024, .rope_factor = 8},
    {"gemma-3-12b", NULL, GEMMA3, SIZE(48, 3840, 16, 8, 15360), .head_dim = 256, .n_vocab = 262208, .n_ctx = 131072,
     .window = 1024, .rope_factor = 8},
    {"gemma-3-27b", NULL, GEMMA3, SIZE(62, 5376, 32, 16, 21504), .head_dim = 128, .n_vocab = 262208, .n_ctx = 131072,
     .window = 1024, .rope_factor = 8},

    /* sentence-transformers/all-MiniLM-L6-v2; 22,713,216 are published with the pooler, which no sentence embedding uses. */
    {"minilm-l6", "all-minilm-l6-v2", BERT, SIZE(6, 384, 12, 12, 1536), .head_dim = 32, .n_vocab = 30522,
     .parameters = 22565376},

    /* For tests: few layers, GQA, odd vocabularies, a width that no 256-block divides, heads that don't add up to the width,
     * a window shorter than a test's prompt and one layer without it. */
    {"tiny-llama", NULL, LLAMA, SIZE(4, 256, 8, 2, 768), .head_dim = 32, .n_vocab = 1031, .n_ctx = 2048, .rope_base = 1e4f},
    {"tiny-qwen2", NULL, QWEN2, SIZE(4, 192, 6, 2, 512), .head_dim = 32, .n_vocab = 1033, .tied = true},
    {"tiny-qwen2-vl", NULL, QWEN2VL, SIZE(3, 256, 2, 1, 512), .n_vocab = 1033, .tied = true},
    /* Beside the narrow tower, in the proportions of the real pair. */
    {"narrow-qwen2-vl", NULL, QWEN2VL, SIZE(8, 256, 2, 1, 1536), .n_vocab = 4096, .tied = true},
    {"tiny-qwen3", NULL, QWEN3, SIZE(4, 256, 4, 2, 512), .n_vocab = 1039},
    {"tiny-gemma3", NULL, GEMMA3, SIZE(7, 256, 4, 1, 512), .head_dim = 64, .n_vocab = 1049, .n_ctx = 2048, .window = 16},
    {"tiny-bert", NULL, BERT, SIZE(3, 192, 6, 6, 512), .head_dim = 32, .n_vocab = 1061},
};

const struct shape *shape_at(size_t i)
{
    return i < sizeof shapes / sizeof shapes[0] ? &shapes[i] : NULL;
}

bool shape_is_encoder(const struct shape *s)
{
    const struct arch *a = arch_find((struct gguf_string){s->arch, strlen(s->arch)}, NULL);
    return a && a->encoder;
}

/* ---- Reading a spec ---- */

static bool named(const char *name, size_t len, struct shape *s, struct error *e)
{
    char known[900];
    size_t n = 0;
    for (size_t i = 0; shape_at(i); i++) {
        const char *names[] = {shapes[i].name, shapes[i].alias};
        for (int k = 0; k < 2 && names[k]; k++) {
            if (strlen(names[k]) == len && !strncmp(name, names[k], len)) {
                *s = shapes[i];
                s->name = names[k];
                return true;
            }
            if (n < sizeof known) n += (size_t)snprintf(known + n, sizeof known - n, " %s", names[k]);
        }
    }
    return fail(e, "shape: found '%.*s', expected L=..,D=.. or one of%s", len > 64 ? 64 : (int)len, name, known);
}

/* One field of a shape made of numbers: KEY=NUMBER, arch=NAME or tied. */
struct number {
    const char *key;
    int *value;
    int max;
};

static bool wrong_field(const char *at, const char *end, struct error *e)
{
    static const char *const keys[] = {"L", "D", "H", "KV", "HD", "F", "V", "tied", "arch", NULL};
    char word[16];
    int field = (int)(end - at), n = 0;
    while (n < field && at[n] != '=') n++;
    snprintf(word, sizeof word, "%.*s", n, at);
    const char *near = n ? nearest_word(word, keys) : NULL;
    if (near && strcmp(near, word))
        return fail(e, "shape: found '%.*s', did you mean '%s'?", field > 32 ? 32 : field, at, near);
    return fail(e, "shape: found '%.*s', expected L= D= H= KV= HD= F= or V= and a number, tied, or arch=NAME",
                field > 32 ? 32 : field, at);
}

/* Reads the field [at, end), which must be one of the n numbers, tied or arch=. */
static bool read_field(const char *at, const char *end, const struct number *numbers, size_t n, struct shape *s,
                       struct error *e)
{
    size_t len = (size_t)(end - at);
    if (len == 4 && !memcmp(at, "tied", 4))
        return s->tied ? fail(e, "shape: tied: found twice, expected once") : (s->tied = true);
    const char *equals = memchr(at, '=', len);
    size_t key = equals ? (size_t)(equals - at) : 0, i = 0;
    if (key == 4 && !memcmp(at, "arch", 4)) {
        if (s->arch) return fail(e, "shape: arch: found twice, expected once");
        struct error why;
        const struct arch *a = arch_find((struct gguf_string){equals + 1, (size_t)(end - equals - 1)}, &why);
        if (!a) return fail(e, "shape: arch: %s", strstr(why.text, "found")); /* what comes before names a file's key */
        s->arch = a->name;
        return true;
    }
    while (i < n && !(key && strlen(numbers[i].key) == key && !memcmp(at, numbers[i].key, key))) i++;
    char *after = NULL;
    long v = i < n && equals[1] >= '0' && equals[1] <= '9' ? strtol(equals + 1, &after, 10) : 0;
    if (i == n || (after && after != end)) return wrong_field(at, end, e);
    if (v < 1 || v > numbers[i].max)
        return fail(e, "shape: %s: found '%.*s', expected 1 to %d", numbers[i].key,
                    (int)(end - equals) > 24 ? 24 : (int)(end - equals - 1), equals + 1, numbers[i].max);
    if (*numbers[i].value) return fail(e, "shape: %s: found twice, expected once", numbers[i].key);
    *numbers[i].value = (int)v;
    return true;
}

static bool numbered(const char *spec, size_t len, struct shape *s, struct error *e)
{
    *s = (struct shape){.name = "shape", .numbered = true, .eps = 1e-5f, .rope_base = 5e5f, .n_ctx = 131072};
    const struct number numbers[] = {
        {"L", &s->n_layer, MAX_LAYERS},     {"D", &s->n_embd, 1 << 20},        {"H", &s->n_head, 4096},
        {"KV", &s->n_head_kv, 4096},        {"F", &s->n_ff, 1 << 22},          {"V", &s->n_vocab, 1 << 24},
        {"HD", &s->head_dim, MAX_HEAD_DIM}, {"d", &s->head_dim, MAX_HEAD_DIM}, /* d: the older word for HD */
    };
    enum { N = sizeof numbers / sizeof numbers[0], NEEDED = N - 2 };
    const char *end = spec + len;
    for (const char *at = spec, *comma; at <= end; at = comma + 1) {
        comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
        if (!comma) comma = end;
        if (!read_field(at, comma, numbers, N, s, e)) return false;
    }
    for (size_t i = 0; i < NEEDED; i++)
        if (!*numbers[i].value) return fail(e, "shape: %s: missing, expected L=,D=,H=,KV=,F=,V=", numbers[i].key);
    if (s->n_head % s->n_head_kv) return fail(e, "shape: H: found %d, expected a multiple of KV=%d", s->n_head, s->n_head_kv);
    if (!s->head_dim && s->n_embd % s->n_head)
        return fail(e, "shape: D: found %d, expected a multiple of H=%d where HD= is not given", s->n_embd, s->n_head);
    if (!s->head_dim) s->head_dim = s->n_embd / s->n_head;
    if (s->head_dim > MAX_HEAD_DIM || s->head_dim % 2)
        return fail(e, "shape: HD: found %d, expected an even number up to %d", s->head_dim, MAX_HEAD_DIM);
    if (!s->arch) {
        s->arch = "llama";
        s->assumed = "a llama's ops, as no arch= says otherwise";
    }
    if (shape_is_encoder(s)) { /* positions are rows of a matrix */
        s->n_ctx = 512;
        s->tied = true; /* it has no output matrix */
    }
    if (!strcmp(s->arch, "qwen2vl")) { /* in the proportions of the published ones */
        int pairs = s->head_dim / 2, time = pairs / 4, row = (pairs - time) / 2;
        s->rope_sections[0] = time;
        s->rope_sections[1] = row;
        s->rope_sections[2] = pairs - time - row;
    }
    return true;
}

/* What follows ":mpo" in `text`, of `len` bytes: the recipe of a shape, which may be that of another name. */
static bool factorised(const char *text, size_t len, struct shape *s, struct error *e)
{
    const char *name = s->name, *recipe = len ? text + 1 : s->mpo_as ? s->mpo_as : "gauge,joint";
    const char *assumed = s->mpo_of ? "the structure: low-rank layers, all cut alike, where nobody published one" : s->assumed;
    if (s->mpo_of && !named(s->mpo_of, strlen(s->mpo_of), s, e)) return false;
    s->name = name;
    s->assumed = assumed;
    return recipe_parse(recipe, len ? len - 1 : strlen(recipe), &s->mpo, e);
}

bool shape_parse(const char *spec, struct shape *s, const struct mix **mix, struct error *e)
{
    size_t len = strcspn(spec, ":"), n;
    const char *type = "F16", *mpo = NULL;
    for (const char *part = spec + len; *part; part += n) {
        n = 1 + strcspn(part + 1, ":");
        if (!strncmp(part, ":mpo", 4) && (n == 4 || part[4] == ','))
            mpo = part;
        else
            type = part + 1;
    }
    char word[32];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(type, ":"), type);
    *mix = mix_find(word, e);
    if (!*mix || !(memchr(spec, '=', len) ? numbered(spec, len, s, e) : named(spec, len, s, e))) return false;
    return !mpo || factorised(mpo + 4, strcspn(mpo + 4, ":"), s, e);
}

/* ---- From numbers to tensors and metadata ---- */

struct list {
    struct tensor *t;
    size_t n;
    const struct mix *mix;
    struct mix_model model;
};

static void add(struct list *l, int layer, const char *role, unsigned n_dims, int64_t n_in, int64_t n_out)
{
    struct tensor *t = &l->t[l->n++];
    *t = (struct tensor){.type = TYPE_F32, .n_dims = n_dims, .ne = {n_in, n_out, 1, 1}};
    if (layer < 0)
        snprintf(t->name, sizeof t->name, "%s", role);
    else
        snprintf(t->name, sizeof t->name, "blk.%d.%s", layer, role);
    if (mix_applies(t)) t->type = mix_type(l->mix, &l->model, t);
    t->row_bytes = type_bytes(t->type, (size_t)n_in);
    t->bytes = t->row_bytes * (size_t)n_out;
}

static void vector(struct list *l, int layer, const char *role, int64_t n)
{
    add(l, layer, role, 1, n, 1);
}
static void matrix(struct list *l, int layer, const char *role, int64_t n_in, int64_t n_out)
{
    add(l, layer, role, 2, n_in, n_out);
}

static void affine(struct list *l, int layer, const char *role, int64_t n_in, int64_t n_out)
{
    char name[40];
    snprintf(name, sizeof name, "%s.weight", role);
    if (n_in)
        matrix(l, layer, name, n_in, n_out);
    else
        vector(l, layer, name, n_out); /* of a norm */
    snprintf(name, sizeof name, "%s.bias", role);
    vector(l, layer, name, n_out);
}

enum { TOKEN_TYPES = 2 }; /* of every BERT: the first sentence of a pair, the second */

static void encoder_tensors(struct list *l, const struct shape *s)
{
    int64_t d = s->n_embd, q = (int64_t)s->n_head * s->head_dim, kv = (int64_t)s->n_head_kv * s->head_dim;
    matrix(l, -1, "token_embd.weight", d, s->n_vocab);
    matrix(l, -1, "position_embd.weight", d, s->n_ctx);
    matrix(l, -1, "token_types.weight", d, TOKEN_TYPES);
    affine(l, -1, "token_embd_norm", 0, d);
    for (int i = 0; i < s->n_layer; i++) {
        affine(l, i, "attn_q", d, q);
        affine(l, i, "attn_k", d, kv);
        affine(l, i, "attn_v", d, kv);
        affine(l, i, "attn_output", q, d);
        affine(l, i, "attn_output_norm", 0, d);
        affine(l, i, "ffn_up", d, s->n_ff);
        affine(l, i, "ffn_down", s->n_ff, d);
        affine(l, i, "layer_output_norm", 0, d);
    }
}

static void decoder_tensors(struct list *l, const struct shape *s, const struct arch *a)
{
    int64_t d = s->n_embd, q = (int64_t)s->n_head * s->head_dim, kv = (int64_t)s->n_head_kv * s->head_dim;
    matrix(l, -1, "token_embd.weight", d, s->n_vocab);
    if (s->rope_factor > 0 && a->window_period == 0) vector(l, -1, "rope_freqs.weight", s->head_dim / 2);
    for (int i = 0; i < s->n_layer; i++) {
        vector(l, i, "attn_norm.weight", d);
        matrix(l, i, "attn_q.weight", d, q);
        matrix(l, i, "attn_k.weight", d, kv);
        matrix(l, i, "attn_v.weight", d, kv);
        if (a->qkv_bias == REQUIRED) {
            vector(l, i, "attn_q.bias", q);
            vector(l, i, "attn_k.bias", kv);
            vector(l, i, "attn_v.bias", kv);
        }
        if (a->qk_norm == REQUIRED) {
            vector(l, i, "attn_q_norm.weight", s->head_dim);
            vector(l, i, "attn_k_norm.weight", s->head_dim);
        }
        matrix(l, i, "attn_output.weight", q, d);
        if (a->sandwich_norms) vector(l, i, "post_attention_norm.weight", d);
        vector(l, i, "ffn_norm.weight", d);
        matrix(l, i, "ffn_gate.weight", d, s->n_ff);
        matrix(l, i, "ffn_up.weight", d, s->n_ff);
        matrix(l, i, "ffn_down.weight", s->n_ff, d);
        if (a->sandwich_norms) vector(l, i, "post_ffw_norm.weight", d);
    }
    vector(l, -1, "output_norm.weight", d);
    if (!s->tied) matrix(l, -1, "output.weight", d, s->n_vocab);
}

struct tensor *shape_tensors(const struct shape *s, const struct mix *mix, size_t *n, struct error *e)
{
    enum { PER_LAYER = 16, OUTSIDE = 5 };
    const struct arch *a = arch_find((struct gguf_string){s->arch, strlen(s->arch)}, e);
    if (!a) return NULL;
    struct list l = {.mix = mix, .model = {s->n_layer, s->n_head, s->n_head_kv, s->tied}};
    l.t = calloc((size_t)s->n_layer * PER_LAYER + OUTSIDE, sizeof *l.t);
    if (!l.t) {
        fail(e, "shape '%s': no memory for its tensors", s->name);
        return NULL;
    }
    if (a->encoder)
        encoder_tensors(&l, s);
    else
        decoder_tensors(&l, s, a);
    *n = l.n;
    return s->mpo.used ? recipe_apply(s, mix, l.t, n, e) : l.t;
}

void shape_name(const struct shape *s, const struct mix *mix, char name[SHAPE_NAME])
{
    char numbers[SHAPE_NAME];
    snprintf(numbers, sizeof numbers, "L=%d,D=%d,H=%d,KV=%d,F=%d,V=%d", s->n_layer, s->n_embd, s->n_head, s->n_head_kv, s->n_ff,
             s->n_vocab);
    snprintf(name, SHAPE_NAME, "%.64s:%.16s%s", s->numbered ? numbers : s->name, mix_name(mix), s->mpo.used ? ":mpo" : "");
}

void shape_describe(const struct shape *s, const struct mix *mix, const struct tensor *tensors, size_t n, struct gguf_writer *w)
{
    char text[SHAPE_NAME];
    gguf_set_string(w, "general.architecture", s->arch, strlen(s->arch));
    gguf_set_string(w, "general.type", "model", 5);
    shape_name(s, mix, text);
    gguf_set_string(w, "general.name", text, strlen(text));
    gguf_set_u32(w, "general.file_type", mix_file_type(mix));
    gguf_set_u32(w, "general.quantization_version", 2); /* ggml's number for the block layouts in use since 2023 */

#define SET(kind, key, value) (snprintf(text, sizeof text, "%s." key, s->arch), gguf_set_##kind(w, text, value))
    SET(u32, "block_count", (uint32_t)s->n_layer);
    SET(u32, "context_length", (uint32_t)s->n_ctx);
    SET(u32, "embedding_length", (uint32_t)s->n_embd);
    SET(u32, "feed_forward_length", (uint32_t)s->n_ff);
    SET(u32, "vocab_size", (uint32_t)s->n_vocab);
    SET(u32, "attention.head_count", (uint32_t)s->n_head);
    SET(u32, "attention.head_count_kv", (uint32_t)s->n_head_kv);
    SET(u32, "attention.key_length", (uint32_t)s->head_dim);
    SET(u32, "attention.value_length", (uint32_t)s->head_dim);
    if (shape_is_encoder(s)) {
        SET(f32, "attention.layer_norm_epsilon", s->eps);
        SET(bool, "attention.causal", false);
        SET(u32, "pooling_type", POOLING_MEAN);
        gguf_set_u32(w, "tokenizer.ggml.token_type_count", TOKEN_TYPES);
    } else {
        SET(f32, "attention.layer_norm_rms_epsilon", s->eps);
        SET(u32, "rope.dimension_count", (uint32_t)s->head_dim);
        SET(f32, "rope.freq_base", s->rope_base);
    }
    if (s->rope_sections[2]) { /* those of other architectures have none */
        snprintf(text, sizeof text, "%s.rope.dimension_sections", s->arch);
        gguf_set_array(w, text, GGUF_I32, s->rope_sections, 4);
    }
    if (s->window) SET(u32, "attention.sliding_window", (uint32_t)s->window);
    if (s->window && s->rope_factor > 0) {
        snprintf(text, sizeof text, "%s.rope.scaling.type", s->arch);
        gguf_set_string(w, text, "linear", 6);
        SET(f32, "rope.scaling.factor", s->rope_factor);
    }
#undef SET
    if (s->mpo.used) recipe_describe(s, w);
    for (size_t i = 0; i < n; i++) gguf_add_tensor(w, tensors[i].name, tensors[i].type, tensors[i].n_dims, tensors[i].ne);
}

/* Source: "rope_type": "llama3" in Llama 3.1's config.json, with low_freq_factor 1, high_freq_factor 4 and 8192 original
 * positions; waves shorter than 8192 / 4 stay, those longer than 8192 are stretched by the factor, between them it blends. */
void shape_rope_factors(const struct shape *s, float *freqs)
{
    const double low = 1, high = 4, original = 8192, pi = 3.14159265358979323846;
    for (int j = 0; j < s->head_dim / 2; j++) {
        double wave = 2 * pi * pow(s->rope_base, 2.0 * j / s->head_dim);
        double blend = (original / wave - low) / (high - low);
        if (blend > 1) blend = 1;
        if (blend < 0) blend = 0;
        freqs[j] = (float)(1 / ((1 - blend) / s->rope_factor + blend));
    }
}

/* ---- A model without weights ---- */

/* The header of a file that holds the shape, to be freed; *size its bytes, *file_size those of the whole file. */
static char *header(const struct shape *s, const struct mix *mix, size_t *size, uint64_t *file_size, struct error *e)
{
    size_t n;
    char *bytes = NULL;
    struct tensor *tensors = shape_tensors(s, mix, &n, e);
    if (!tensors) return NULL;
    struct gguf_writer *w = gguf_writer_new(0);
    FILE *f = open_memstream(&bytes, size);
    bool ok = w && f;
    if (!ok) fail(e, "shape '%s': no memory for its header", s->name);
    if (ok) {
        shape_describe(s, mix, tensors, n, w);
        ok = gguf_writer_begin(w, f, e);
        *file_size = gguf_writer_size(w);
    }
    if (f && fclose(f) && ok) ok = fail(e, "shape '%s': no memory for its header", s->name);
    gguf_writer_free(w);
    free(tensors);
    if (ok) return bytes;
    free(bytes);
    return NULL;
}

struct model *model_from_shape(const char *spec, struct error *e)
{
    struct shape s;
    const struct mix *mix;
    if (!shape_parse(spec, &s, &mix, e)) return NULL;
    struct model *m = calloc(1, sizeof *m);
    if (!m) {
        fail(e, "shape '%s': no memory", s.name);
        return NULL;
    }
    size_t size;
    uint64_t file_size = 0;
    m->header = header(&s, mix, &size, &file_size, e);
    m->header_gguf = m->header ? gguf_parse(m->header, size, GGUF_HEADER_ONLY, e) : NULL;
    if (!m->header_gguf || !model_bind(m, m->header_gguf, spec, MODEL_HEADER_ONLY, e)) {
        model_close(m);
        return NULL;
    }
    m->file_bytes = file_size;
    return m;
}
