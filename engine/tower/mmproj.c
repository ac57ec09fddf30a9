/* mmproj.c - see mmproj.h.
 * SPDX-License-Identifier: MIT */
#include "engine/tower/mmproj.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tower/tower_shapes.h"

enum { MAX_PATCH = 256, MAX_MERGE = 64, MAX_EMBD = 1 << 16 };

/* State of a reading; after a first failure every call does nothing. */
struct reader {
    struct mmproj *m;
    const struct gguf *g;
    struct error *e;
    bool ok;
};

/* ---- Metadata ---- */

/* A text that must be what is expected. */
static void expect_text(struct reader *r, const char *key, const char *want)
{
    struct gguf_string s = {"", 0};
    if (!r->ok) return;
    enum gguf_presence presence = gguf_get_string(r->g, key, &s, r->e);
    if (presence == GGUF_FOUND && s.len == strlen(want) && !memcmp(s.data, want, s.len)) return;
    r->ok = false;
    if (presence == GGUF_ABSENT)
        fail(r->e, "metadata '%s': found nothing, expected '%s'", key, want);
    else if (presence == GGUF_FOUND)
        fail(r->e, "metadata '%s': found '%.*s', expected '%s'", key, (int)(s.len < 64 ? s.len : 64), s.data, want);
}

/* An integer in [min, max]; `fallback` < 0: it has to be there. */
static int64_t integer(struct reader *r, const char *key, int64_t fallback, int64_t min, int64_t max)
{
    uint32_t v = 0;
    if (!r->ok) return min;
    enum gguf_presence presence = gguf_get_u32(r->g, key, &v, r->e);
    if (presence == GGUF_ABSENT && fallback >= 0) return fallback;
    if (presence == GGUF_ABSENT)
        r->ok = fail(r->e, "metadata '%s': found nothing, expected an integer", key);
    else if (presence == GGUF_WRONG)
        r->ok = false;
    else if (v < min || v > max)
        r->ok = fail(r->e, "metadata '%s': found %u, expected %lld to %lld", key, v, (long long)min, (long long)max);
    return r->ok ? v : min;
}

static bool flag(struct reader *r, const char *key, bool fallback)
{
    bool v = fallback;
    if (r->ok && gguf_get_bool(r->g, key, &v, r->e) == GGUF_WRONG) r->ok = false;
    return v;
}

/* Three floats, one a colour. */
static void colours(struct reader *r, const char *key, double above, float out[3])
{
    const struct gguf_kv *kv = r->ok ? gguf_find(r->g, key) : NULL;
    if (!r->ok) return;
    if (!kv || kv->type != GGUF_ARRAY || (kv->element != GGUF_F32 && kv->element != GGUF_F64) || kv->n != 3) {
        r->ok = fail(r->e, "metadata '%s': found %s, expected an array of 3 floats", key, kv ? "something else" : "nothing");
        return;
    }
    for (uint64_t c = 0; r->ok && c < 3; c++) {
        double v = gguf_number(kv, c);
        if (!(v > above && v < 1e6)) r->ok = fail(r->e, "metadata '%s': found %g, expected more than %g and less than 1e6", key, v, above);
        out[c] = (float)v;
    }
}

static void read_facts(struct reader *r)
{
    struct mmproj *m = r->m;
    struct hparams *h = &m->model.hp;
    expect_text(r, "general.architecture", "clip");
    expect_text(r, "clip.projector_type", "qwen2vl_merger");
    if (!flag(r, "clip.has_vision_encoder", true) && r->ok)
        r->ok = fail(r->e, "metadata 'clip.has_vision_encoder': found false, expected true");
    bool silu = flag(r, "clip.use_silu", false);
    m->activation = flag(r, "clip.use_gelu", false) ? ACT_GELU : ACT_QUICK_GELU;
    if (r->ok && silu) r->ok = fail(r->e, "metadata 'clip.use_silu': found true, expected GELU or, by default, quick GELU");
    m->keys.patch = (int)integer(r, "clip.vision.patch_size", -1, 1, MAX_PATCH);
    m->keys.merge = (int)integer(r, "clip.vision.spatial_merge_size", 2, 1, MAX_MERGE);
    m->keys.min_pixels = integer(r, "clip.vision.image_min_pixels", 0, 1, UINT32_MAX);
    m->keys.max_pixels = integer(r, "clip.vision.image_max_pixels", 0, 1, UINT32_MAX);
    h->n_layer = (int)integer(r, "clip.vision.block_count", -1, 1, MAX_LAYERS);
    h->n_embd = (int)integer(r, "clip.vision.embedding_length", -1, 4, MAX_EMBD);
    h->n_head = h->n_head_kv = (int)integer(r, "clip.vision.attention.head_count", -1, 1, 4096);
    colours(r, "clip.vision.image_mean", -1e6, m->mean);
    colours(r, "clip.vision.image_std", 0, m->std);
    if (!r->ok) return;
    const char *key = "clip.vision.attention.layer_norm_epsilon";
    enum gguf_presence presence = gguf_get_f32(r->g, key, &h->eps, r->e);
    if (presence == GGUF_ABSENT)
        r->ok = fail(r->e, "metadata '%s': found nothing, expected a number", key);
    else if (presence == GGUF_WRONG)
        r->ok = false;
    else if (!(h->eps > 0 && h->eps < 1))
        r->ok = fail(r->e, "metadata '%s': found %g, expected 0 to 1", key, h->eps);
    h->head_dim = h->n_rot = h->n_embd / h->n_head;
    /* Rope turns half a head's pairs by the row and half by the column. */
    if (r->ok && (h->n_embd % h->n_head || h->head_dim % 4 || h->head_dim > MAX_HEAD_DIM))
        r->ok =
            fail(r->e,
                 "metadata 'clip.vision.attention.head_count': found %d of a width of %d, expected heads of a multiple of 4 "
                 "elements, up to %d",
                 h->n_head, h->n_embd, MAX_HEAD_DIM);
    h->rope_base = 10000;
    h->cache_layers = 1;
    h->rope_scale = h->embedding_scale = 1;
    h->attention_scale = 1 / sqrtf((float)h->head_dim);
}

/* ---- Tensors ---- */

static bool is_type(struct reader *r, const struct tensor *t, bool vector)
{
    const struct type_info *type = type_get(t->type);
    if (vector)
        return t->type == TYPE_F32 || fail(r->e, "tensor '%s': found type %s, expected F32", t->name, type_name(t->type));
    if (!type->op) return fail(r->e, "tensor '%s': found type %s, expected one that can be multiplied", t->name, type->name);
    return t->ne[0] % (int64_t)type->block == 0 ||
           fail(r->e, "tensor '%s': found rows of %lld, expected a multiple of %zu for %s", t->name, (long long)t->ne[0],
                type->block, type->name);
}

/* The tensor of this shape. ne[1] 0: a vector; ne[i] < 0: any size there. */
static const struct tensor *tensor(struct reader *r, const char *name, const int64_t ne[4])
{
    const struct tensor *t = r->ok ? gguf_tensor(r->g, name) : NULL;
    char want[96] = "";
    bool same = t;
    int dims = ne[1] == 0 ? 1 : ne[2] == 1 ? 2 : 4;
    for (int i = 0, n = 0; i < 4; i++) {
        int64_t size = i < dims ? ne[i] : 1;
        if (same && size >= 0 && t->ne[i] != size) same = false;
        if (i < dims && size < 0)
            n += snprintf(want + n, sizeof want - (size_t)n, "%sn", i ? ", " : "");
        else if (i < dims)
            n += snprintf(want + n, sizeof want - (size_t)n, "%s%lld", i ? ", " : "", (long long)size);
    }
    if (!r->ok) return NULL;
    if (!t)
        r->ok = fail(r->e, "tensor '%s': found nothing, expected [%s]", name, want);
    else if (!same)
        r->ok = fail(r->e, "tensor '%s': found [%lld, %lld, %lld, %lld], expected [%s]", name, (long long)t->ne[0],
                     (long long)t->ne[1], (long long)t->ne[2], (long long)t->ne[3], want);
    else
        r->ok = is_type(r, t, dims == 1);
    return r->ok ? t : NULL;
}

/* "PREFIX.weight" of n_in x n_out (n_in 0: a vector of n_out) and "PREFIX.bias". n_out < 0: as many as there are. */
static struct mmproj_tensors pair(struct reader *r, const char *prefix, int64_t n_in, int64_t n_out)
{
    char name[TENSOR_MAX_NAME];
    struct mmproj_tensors t = {NULL, NULL};
    snprintf(name, sizeof name, "%s.weight", prefix);
    t.w = n_in ? tensor(r, name, (int64_t[]){n_in, n_out, 1, 1}) : tensor(r, name, (int64_t[]){n_out, 0, 1, 1});
    if (r->ok && n_out < 0) n_out = t.w->ne[1];
    snprintf(name, sizeof name, "%s.bias", prefix);
    t.b = tensor(r, name, (int64_t[]){n_out, 0, 1, 1});
    return t;
}

static struct mmproj_tensors block_pair(struct reader *r, int layer, const char *role, int64_t n_in, int64_t n_out)
{
    char prefix[TENSOR_MAX_NAME];
    snprintf(prefix, sizeof prefix, "v.blk.%d.%s", layer, role);
    return pair(r, prefix, n_in, n_out);
}

/* A kernel [patch, patch, 3, n_embd] is n_embd rows of a patch's values in their order. */
static void read_kernel(struct reader *r, const char *name, struct tensor *out)
{
    int64_t patch = r->m->keys.patch, n_embd = r->m->model.hp.n_embd;
    const struct tensor *t = tensor(r, name, (int64_t[]){patch, patch, 3, n_embd});
    if (!t) return;
    if (type_get(t->type)->block != 1) {
        r->ok = fail(r->e, "tensor '%s': found type %s, expected F32, F16 or BF16", name, type_name(t->type));
        return;
    }
    *out = *t;
    out->n_dims = 2;
    out->ne[0] = 3 * patch * patch;
    out->ne[1] = n_embd;
    out->ne[2] = out->ne[3] = 1;
    out->row_bytes = type_bytes(t->type, (size_t)out->ne[0]);
}

static void read_tensors(struct reader *r)
{
    struct mmproj *m = r->m;
    struct hparams *h = &m->model.hp;
    int64_t n = h->n_embd, merged = n * m->keys.merge * m->keys.merge;
    if (!r->ok) return;
    m->blocks = calloc((size_t)h->n_layer, sizeof *m->blocks);
    if (!m->blocks) r->ok = fail(r->e, "tower of %d layers: found no memory", h->n_layer);
    read_kernel(r, "v.patch_embd.weight", &m->kernel[0]);
    read_kernel(r, "v.patch_embd.weight.1", &m->kernel[1]);
    /* The first layer tells whether up and down changed names, and the FFN's width. */
    const struct tensor *down = r->ok ? gguf_tensor(r->g, "v.blk.0.ffn_down.weight") : NULL;
    bool swapped = down && down->ne[0] == n;
    const char *fc1 = swapped ? "ffn_down" : "ffn_up", *fc2 = swapped ? "ffn_up" : "ffn_down";
    for (int i = 0; r->ok && i < h->n_layer; i++) {
        static const char *const attention[] = {"attn_q", "attn_k", "attn_v", "attn_out"};
        struct mmproj_block *b = &m->blocks[i];
        b->norm1 = block_pair(r, i, "ln1", 0, n);
        b->norm2 = block_pair(r, i, "ln2", 0, n);
        for (int k = 0; k < 4; k++) b->layer[k] = block_pair(r, i, attention[k], n, n);
        b->layer[MMPROJ_FC1] = block_pair(r, i, fc1, n, i ? h->n_ff : -1);
        if (r->ok && i == 0 && b->layer[MMPROJ_FC1].w->ne[1] > 1 << 22)
            r->ok = fail(r->e, "tensor '%s': found %lld rows, expected at most %d", b->layer[MMPROJ_FC1].w->name,
                         (long long)b->layer[MMPROJ_FC1].w->ne[1], 1 << 22);
        if (r->ok && i == 0) h->n_ff = (int)b->layer[MMPROJ_FC1].w->ne[1];
        b->layer[MMPROJ_FC2] = block_pair(r, i, fc2, h->n_ff, n);
    }
    m->post_norm = pair(r, "v.post_ln", 0, n);
    m->merge1 = pair(r, "mm.0", merged, merged);
    m->merge2 = pair(r, "mm.2", merged, -1);
    if (r->ok && m->merge2.w->ne[1] > 1 << 20)
        r->ok =
            fail(r->e, "tensor 'mm.2.weight': found %lld rows, expected at most %d", (long long)m->merge2.w->ne[1], 1 << 20);
    if (r->ok) m->n_out = (int)m->merge2.w->ne[1];
}

static bool bind(struct mmproj *m, const struct gguf *g, const char *path, struct error *e)
{
    struct reader r = {.m = m, .g = g, .e = e, .ok = true};
    model_describe(&m->model, g, path);
    read_facts(&r);
    read_tensors(&r);
    return r.ok;
}

static struct mmproj *new_mmproj(const char *name, struct error *e)
{
    struct mmproj *m = calloc(1, sizeof *m);
    if (!m) fail(e, "%s: found no memory for the tower's tables", name);
    return m;
}

struct mmproj *mmproj_open(const char *path, const struct file_options *o, int flags, struct error *e)
{
    struct file_options options = o ? *o : (struct file_options){0};
    options.header_only = flags & MODEL_HEADER_ONLY;
    struct mmproj *m = new_mmproj(path, e);
    if (!m || !(m->model.file = model_file_open(path, &options, e))) {
        free(m);
        return NULL;
    }
    m->model.file_bytes = m->model.file->bytes;
    if (bind(m, m->model.file->gguf, path, e)) return m;
    fail_in(e, path);
    mmproj_close(m);
    return NULL;
}

struct mmproj *mmproj_from_shape(const char *spec, struct error *e)
{
    struct mmproj *m = new_mmproj(spec, e);
    if (!m) return NULL;
    size_t size;
    m->model.header = tower_shape_header(spec, &size, &m->model.file_bytes, e);
    m->model.header_gguf = m->model.header ? gguf_parse(m->model.header, size, GGUF_HEADER_ONLY, e) : NULL;
    if (m->model.header_gguf && bind(m, m->model.header_gguf, spec, e)) return m;
    mmproj_close(m);
    return NULL;
}

void mmproj_close(struct mmproj *m)
{
    if (!m) return;
    model_file_close(m->model.file);
    gguf_free(m->model.header_gguf);
    free(m->model.header);
    free(m->blocks);
    free(m);
}

bool mmproj_beside(const char *model, char path[PATH_MAX], struct error *e)
{
    const char *name = strrchr(model, '/');
    int folder = name ? (int)(name - model) + 1 : 0, found = 0;
    char dir[PATH_MAX];
    if (snprintf(dir, sizeof dir, "%.*s", folder, folder ? model : "") >= PATH_MAX)
        return fail(e, "%.100s...: found a path too long, expected fewer than %d bytes", model, PATH_MAX);
    DIR *d = opendir(folder ? dir : ".");
    if (!d) return fail(e, "%s: %s", folder ? dir : ".", strerror(errno));
    for (struct dirent *entry; (entry = readdir(d));) {
        size_t n = strlen(entry->d_name);
        if (n < 5 || strcmp(entry->d_name + n - 5, ".gguf") != 0 || !strstr(entry->d_name, "mmproj")) continue;
        if (snprintf(path, PATH_MAX, "%s%s", dir, entry->d_name) >= PATH_MAX) continue;
        found++;
    }
    closedir(d);
    return found == 1 || fail(e, "%s: found %d files *mmproj*.gguf beside it, expected one, or --mmproj", model, found);
}
