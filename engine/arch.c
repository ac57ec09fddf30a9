/* arch.c - the rows of facts, and the reading of a model's numbers.
 * SPDX-License-Identifier: MIT */
#include "engine/arch.h"

#include <math.h>
#include <string.h>

/* Sources: the reference implementations of each family (modeling_*.py of the published models) and the GGUF key table. */
static const struct arch archs[] = {
    /* Llama 1-3.x, Mistral, SmolLM and most that copy them; attention biases exist in a few derivatives. */
    {.name = "llama", .rope = ROPE_NORM, .activation = ACT_SILU, .qkv_bias = OPTIONAL, .qk_norm = ABSENT},
    {.name = "qwen2", .rope = ROPE_NEOX, .activation = ACT_SILU, .qkv_bias = REQUIRED, .qk_norm = ABSENT},
    /* The text part of Qwen2-VL. */
    {.name = "qwen2vl", .rope = ROPE_NEOX, .activation = ACT_SILU, .qkv_bias = REQUIRED, .qk_norm = ABSENT, .sections = true},
    {.name = "qwen3", .rope = ROPE_NEOX, .activation = ACT_SILU, .qkv_bias = ABSENT, .qk_norm = REQUIRED},
    {.name = "gemma3", .rope = ROPE_NEOX, .activation = ACT_GELU, .qkv_bias = ABSENT, .qk_norm = REQUIRED,
     .sandwich_norms = true, .scale_embedding = true, .window_period = 6, .local_rope_base = 10000.0f},
    /* BERT and the sentence encoders made of it (arXiv 1810.04805, 1908.10084). */
    {.name = "bert", .activation = ACT_GELU, .qkv_bias = REQUIRED, .qk_norm = ABSENT, .encoder = true},
};
enum { N_ARCHS = sizeof archs / sizeof *archs };

const struct arch *arch_at(size_t i) { return i < N_ARCHS ? &archs[i] : NULL; }

const struct arch *arch_find(struct gguf_string name, struct error *e)
{
    char known[256] = "";
    for (size_t i = 0, n = 0; i < N_ARCHS; i++) {
        if (strlen(archs[i].name) == name.len && !memcmp(archs[i].name, name.data, name.len)) return &archs[i];
        if (n < sizeof known) n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", archs[i].name);
    }
    fail(e, "metadata 'general.architecture': found '%.*s', expected one of %s", (int)(name.len < 64 ? name.len : 64),
         name.data, known);
    return NULL;
}

/* Reads "ARCH.KEY" as an integer in [min, max]; `fallback` < 0 makes the key mandatory. A fallback comes of other keys, so it
 * is trusted no more than a value. */
static bool read_int(const struct gguf *g, const struct arch *a, const char *key, int64_t fallback, int64_t min, int64_t max,
                     int *out, struct error *e)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", a->name, key);
    const struct gguf_kv *kv = gguf_find(g, name);
    if (!kv) {
        if (fallback < 0) return fail(e, "metadata '%s': found nothing, expected an integer", name);
        if (fallback < min || fallback > max)
            return fail(e, "metadata '%s': found nothing, which means %lld, expected %lld to %lld", name, (long long)fallback,
                        (long long)min, (long long)max);
        *out = (int)fallback;
        return true;
    }
    if (kv->type == GGUF_ARRAY)
        return fail(e, "metadata '%s': found an array (a value per layer), expected one integer for all layers", name);
    uint32_t v;
    if (gguf_get_u32(g, name, &v, e) != GGUF_FOUND) return false; /* wrong: that it is there is known */
    if (v < min || v > max)
        return fail(e, "metadata '%s': found %u, expected %lld to %lld", name, v, (long long)min, (long long)max);
    *out = (int)v;
    return true;
}

static bool read_float(const struct gguf *g, const struct arch *a, const char *key, float fallback, float min, float max,
                       float *out, struct error *e)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", a->name, key);
    *out = fallback;
    if (gguf_get_f32(g, name, out, e) == GGUF_WRONG) return false;
    if (!(*out >= min && *out <= max)) return fail(e, "metadata '%s': found %g, expected %g to %g", name, *out, min, max);
    return true;
}

/* Only linear scaling is a key; Llama 3's factors are a tensor (rope_freqs.weight) that the plan reads. */
static bool read_rope_scaling(struct hparams *h, const struct arch *a, const struct gguf *g, struct error *e)
{
    char name[96];
    struct gguf_string type = {NULL, 0};
    snprintf(name, sizeof name, "%s.rope.scaling.type", a->name);
    if (gguf_get_string(g, name, &type, e) == GGUF_WRONG) return false;
    bool linear = type.len == 6 && !memcmp(type.data, "linear", 6);
    bool none = !type.data || (type.len == 4 && !memcmp(type.data, "none", 4));
    if (!linear && !none)
        return fail(e, "metadata '%s': found '%.*s', expected 'none' or 'linear'", name, (int)(type.len < 40 ? type.len : 40),
                    type.data);
    /* rope.scale_linear is the older name of the same factor. */
    float old;
    if (!read_float(g, a, "rope.scale_linear", 1, 1e-3f, 1e6f, &old, e)) return false;
    h->rope_scale = old;
    return !linear || read_float(g, a, "rope.scaling.factor", old, 1e-3f, 1e6f, &h->rope_scale, e);
}

/* Pairs by time, row, column, and a fourth number that Qwen2-VL has no use for: each pair turns by one of the three. */
static bool read_sections(struct hparams *h, const struct arch *a, const struct gguf *g, struct error *e)
{
    char name[96];
    snprintf(name, sizeof name, "%s.rope.dimension_sections", a->name);
    const struct gguf_kv *kv = gguf_find(g, name);
    if (!kv || kv->type != GGUF_ARRAY || kv->n != 4 || kv->strings)
        return fail(e, "metadata '%s': found %s, expected an array of 4 numbers", name, kv ? "something else" : "nothing");
    int64_t sum = 0, last = gguf_integer(kv, 3), left = h->n_rot / 2;
    for (uint64_t i = 0; i < 3; i++) {
        int64_t n = gguf_integer(kv, i);
        if (n < 0 || n > left) sum = INT32_MIN;
        else h->rope_sections[i] = (int)n, sum += n;
    }
    if (sum == left && last == 0) return true;
    return fail(e, "metadata '%s': found [%lld, %lld, %lld, %lld], expected three that make %lld pairs, and 0", name,
                (long long)gguf_integer(kv, 0), (long long)gguf_integer(kv, 1), (long long)gguf_integer(kv, 2), (long long)last,
                (long long)left);
}

static bool read_rope(struct hparams *h, const struct arch *a, const struct gguf *g, struct error *e)
{
    return read_float(g, a, "rope.freq_base", 10000, 1, 1e12f, &h->rope_base, e) &&
           read_float(g, a, "rope.freq_base_swa", a->local_rope_base ? a->local_rope_base : h->rope_base, 1, 1e12f,
                      &h->rope_base_local, e) &&
           read_rope_scaling(h, a, g, e) && (!a->sections || read_sections(h, a, g, e));
}

/* Keys that only encoders have. */
static bool read_encoder(struct hparams *h, const struct arch *a, const struct gguf *g, struct error *e)
{
    char name[96];
    bool causal = false;
    int pooling;
    snprintf(name, sizeof name, "%s.attention.causal", a->name);
    if (gguf_get_bool(g, name, &causal, e) == GGUF_WRONG) return false;
    if (causal) return fail(e, "metadata '%s': found true, expected false in an encoder", name);
    if (!read_int(g, a, "pooling_type", -1, POOLING_MEAN, POOLING_LAST, &pooling, e)) return false;
    h->pooling = (enum pooling)pooling;
    h->cache_layers = 1;
    return true;
}

bool hparams_read(struct hparams *h, const struct arch *a, const struct gguf *g, struct error *e)
{
    memset(h, 0, sizeof *h);
    int value_dim;
    if (!read_int(g, a, "block_count", -1, 1, MAX_LAYERS, &h->n_layer, e) ||
        !read_int(g, a, "embedding_length", -1, 1, 1 << 20, &h->n_embd, e) ||
        !read_int(g, a, "feed_forward_length", -1, 1, 1 << 22, &h->n_ff, e) ||
        !read_int(g, a, "attention.head_count", -1, 1, 4096, &h->n_head, e) ||
        !read_int(g, a, "attention.head_count_kv", h->n_head, 1, 4096, &h->n_head_kv, e) ||
        !read_int(g, a, "attention.key_length", h->n_embd / h->n_head, 2, MAX_HEAD_DIM, &h->head_dim, e) ||
        !read_int(g, a, "attention.value_length", h->head_dim, 2, MAX_HEAD_DIM, &value_dim, e) ||
        !read_int(g, a, "rope.dimension_count", h->head_dim, 2, h->head_dim, &h->n_rot, e) ||
        !read_int(g, a, "context_length", -1, 1, 1 << 30, &h->n_ctx_train, e))
        return false;
    if (h->n_head % h->n_head_kv)
        return fail(e, "metadata '%s.attention.head_count_kv': found %d, expected a divisor of %d heads", a->name, h->n_head_kv,
                    h->n_head);
    if (value_dim != h->head_dim)
        return fail(e, "metadata '%s.attention.value_length': found %d, expected %d as key_length", a->name, value_dim,
                    h->head_dim);
    if (h->n_rot % 2)
        return fail(e, "metadata '%s.rope.dimension_count': found %d, expected an even number", a->name, h->n_rot);
    const char *eps = a->encoder ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
    h->cache_layers = h->n_layer;
    if (!read_float(g, a, eps, a->encoder ? 1e-12f : 1e-5f, 0, 1, &h->eps, e)) return false;
    if (a->encoder && !read_encoder(h, a, g, e)) return false;
    if (!a->encoder && !read_rope(h, a, g, e)) return false;
    if (a->window_period) {
        if (!read_int(g, a, "attention.sliding_window", 0, 0, 1 << 30, &h->window, e) ||
            !read_int(g, a, "attention.sliding_window_pattern", a->window_period, 1, MAX_LAYERS, &h->window_period, e))
            return false;
    }
    h->embedding_scale = a->scale_embedding ? sqrtf((float)h->n_embd) : 1.0f;
    h->attention_scale = 1.0f / sqrtf((float)h->head_dim);
    /* Gemma 3 27B alone (62 layers) scales by its width per head, which is not its head_dim (query_pre_attn_scalar 168). */
    if (a->sandwich_norms && h->n_layer == 62) h->attention_scale = 1.0f / sqrtf((float)(h->n_embd / h->n_head));

    const struct tensor *embedding = gguf_tensor(g, "token_embd.weight");
    if (!embedding) return fail(e, "tensor 'token_embd.weight': found nothing, expected [%d, n_vocab]", h->n_embd);
    if (embedding->n_dims != 2 || embedding->ne[0] != h->n_embd || embedding->ne[1] > INT32_MAX / 4)
        return fail(e, "tensor 'token_embd.weight': found [%lld, %lld], expected [%d, n_vocab]", (long long)embedding->ne[0],
                    (long long)embedding->ne[1], h->n_embd);
    h->n_vocab = (int)embedding->ne[1];
    return true;
}
