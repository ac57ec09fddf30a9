/* tower_shapes.c - see tower_shapes.h. The numbers of the published ones are "vision_config" in their config.json
 * (Qwen/Qwen2-VL-2B- and -7B-Instruct on Hugging Face): patches of 14, merged 2 x 2, the FFN four times as wide.
 * SPDX-License-Identifier: MIT */
#include "engine/tower/tower_shapes.h"

#include <stdlib.h>
#include <string.h>

static const struct tower_shape shapes[] = {
    {"qwen2-vl-2b", 32, 1280, 16, 5120, 1536},
    {"qwen2-vl-7b", 32, 1280, 16, 5120, 3584},
    /* Assumed: compressing left the tower as it was. */
    {"axolotl-1.1b", 32, 1280, 16, 5120, 1536},
    /* For tests, and for machines on which the real one takes minutes. */
    {"narrow-qwen2-vl", 8, 320, 4, 1280, 256},
    {"tiny-qwen2-vl", 3, 96, 4, 160, 256},
    /* For calibration: a layer as wide as takes little time. */
    {"probe-qwen2-vl", 1, 640, 8, 2560, 64},
};

enum { PATCH = 14, MERGE = 2 };

const struct tower_shape *tower_shape_at(size_t i)
{
    return i < sizeof shapes / sizeof shapes[0] ? &shapes[i] : NULL;
}

bool tower_shape_parse(const char *spec, const struct tower_shape **s, const struct mix **mix, struct error *e)
{
    size_t len = strcspn(spec, ":"), n = 0;
    char known[256] = "";
    *mix = mix_find(spec[len] ? spec + len + 1 : "F16", e);
    if (!*mix) return false;
    for (size_t i = 0; (*s = tower_shape_at(i)); i++) {
        if (strlen((*s)->name) == len && !memcmp((*s)->name, spec, len)) return true;
        n += (size_t)snprintf(known + n, sizeof known - n, " %s", (*s)->name);
    }
    return fail(e, "vision shape: found '%.*s', expected one of%s", len > 64 ? 64 : (int)len, spec, known);
}

struct list {
    struct tensor *t;
    size_t n;
    const struct mix *mix;
    const struct tower_shape *s;
};

static void add(struct list *l, const char *name, unsigned n_dims, const int64_t ne[4], enum type type)
{
    struct tensor *t = &l->t[l->n++];
    *t = (struct tensor){.type = type, .n_dims = n_dims, .ne = {ne[0], ne[1], ne[2], ne[3]}};
    snprintf(t->name, sizeof t->name, "%s", name);
    struct mix_model model = {l->s->n_layer, l->s->n_head, l->s->n_head, false};
    if (n_dims == 2) t->type = mix_type(l->mix, &model, t);
    t->row_bytes = type_bytes(t->type, (size_t)ne[0]);
    t->bytes = t->row_bytes * (size_t)tensor_rows(t);
}

static void layer(struct list *l, const char *prefix, const char *role, int64_t n_in, int64_t n_out)
{
    char name[TENSOR_MAX_NAME];
    snprintf(name, sizeof name, "%s%s.weight", prefix, role);
    add(l, name, n_in ? 2 : 1, n_in ? (int64_t[]){n_in, n_out, 1, 1} : (int64_t[]){n_out, 1, 1, 1}, TYPE_F32);
    snprintf(name, sizeof name, "%s%s.bias", prefix, role);
    add(l, name, 1, (int64_t[]){n_out, 1, 1, 1}, TYPE_F32);
}

struct tensor *tower_shape_tensors(const struct tower_shape *s, const struct mix *mix, size_t *n, struct error *e)
{
    enum { PER_LAYER = 16, OUTSIDE = 8 };
    struct list l = {.mix = mix, .s = s};
    l.t = calloc((size_t)s->n_layer * PER_LAYER + OUTSIDE, sizeof *l.t);
    if (!l.t) {
        fail(e, "vision shape '%s': no memory for its tensors", s->name);
        return NULL;
    }
    int64_t d = s->n_embd, merged = d * MERGE * MERGE;
    /* Kernels, whose rows no block fits, stay floats: halves but where the file is to be exact. */
    enum type kernel = strcmp(mix_name(mix), "F32") ? TYPE_F16 : TYPE_F32;
    add(&l, "v.patch_embd.weight", 4, (int64_t[]){PATCH, PATCH, 3, d}, kernel);
    add(&l, "v.patch_embd.weight.1", 4, (int64_t[]){PATCH, PATCH, 3, d}, kernel);
    for (int i = 0; i < s->n_layer; i++) {
        static const char *const square[] = {"attn_q", "attn_k", "attn_v", "attn_out"};
        char prefix[32];
        snprintf(prefix, sizeof prefix, "v.blk.%d.", i);
        layer(&l, prefix, "ln1", 0, d);
        for (int k = 0; k < 4; k++) layer(&l, prefix, square[k], d, d);
        layer(&l, prefix, "ln2", 0, d);
        layer(&l, prefix, "ffn_up", d, s->n_ff);
        layer(&l, prefix, "ffn_down", s->n_ff, d);
    }
    layer(&l, "", "v.post_ln", 0, d);
    layer(&l, "", "mm.0", merged, merged);
    layer(&l, "", "mm.2", merged, s->n_out);
    *n = l.n;
    return l.t;
}

void tower_shape_describe(const struct tower_shape *s, const struct mix *mix, const struct tensor *tensors, size_t n,
                          struct gguf_writer *w)
{
    /* Of OpenAI's CLIP, which Qwen2-VL's processor kept. */
    static const float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f}, std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    char name[64];
    snprintf(name, sizeof name, "%s mmproj", s->name);
    gguf_set_string(w, "general.architecture", "clip", 4);
    gguf_set_string(w, "general.name", name, strlen(name));
    gguf_set_u32(w, "general.file_type", mix_file_type(mix));
    gguf_set_string(w, "clip.projector_type", "qwen2vl_merger", 14);
    gguf_set_bool(w, "clip.has_vision_encoder", true);
    gguf_set_u32(w, "clip.vision.image_size", 560);
    gguf_set_u32(w, "clip.vision.patch_size", PATCH);
    gguf_set_u32(w, "clip.vision.spatial_merge_size", MERGE);
    gguf_set_u32(w, "clip.vision.embedding_length", (uint32_t)s->n_embd);
    gguf_set_u32(w, "clip.vision.feed_forward_length", (uint32_t)s->n_ff);
    gguf_set_u32(w, "clip.vision.projection_dim", (uint32_t)s->n_out);
    gguf_set_u32(w, "clip.vision.block_count", (uint32_t)s->n_layer);
    gguf_set_u32(w, "clip.vision.attention.head_count", (uint32_t)s->n_head);
    gguf_set_f32(w, "clip.vision.attention.layer_norm_epsilon", 1e-6f);
    gguf_set_array(w, "clip.vision.image_mean", GGUF_F32, mean, 3);
    gguf_set_array(w, "clip.vision.image_std", GGUF_F32, std, 3);
    for (size_t i = 0; i < n; i++) gguf_add_tensor(w, tensors[i].name, tensors[i].type, tensors[i].n_dims, tensors[i].ne);
}

char *tower_shape_header(const char *spec, size_t *size, uint64_t *file_size, struct error *e)
{
    const struct tower_shape *s;
    const struct mix *mix;
    size_t n;
    char *bytes = NULL;
    if (!tower_shape_parse(spec, &s, &mix, e)) return NULL;
    struct tensor *tensors = tower_shape_tensors(s, mix, &n, e);
    if (!tensors) return NULL;
    struct gguf_writer *w = gguf_writer_new(0);
    FILE *f = open_memstream(&bytes, size);
    bool ok = w && f;
    if (!ok) fail(e, "vision shape '%s': no memory for its header", s->name);
    if (ok) {
        tower_shape_describe(s, mix, tensors, n, w);
        ok = gguf_writer_begin(w, f, e);
        *file_size = gguf_writer_size(w);
    }
    if (f && fclose(f) && ok) ok = fail(e, "vision shape '%s': no memory for its header", s->name);
    gguf_writer_free(w);
    free(tensors);
    if (ok) return bytes;
    free(bytes);
    return NULL;
}
