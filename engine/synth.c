/* synth.c - see synth.h.
 * SPDX-License-Identifier: MIT */
#include "engine/synth.h"

#include "base/random.h"
#include "base/suffix.h"
#include "engine/rows.h"
#include "engine/tower/tower_shapes.h"
#include "loader/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256, POOL = 4096 /* blocks */ };

/* How one tensor's elements are distributed, and the blocks that it is put together from. */
struct recipe {
    uint64_t seed;
    float mean, deviation;
    enum type type;
    int64_t row_blocks; /* of a row, the last one perhaps in part */
    int64_t n;          /* blocks in the pool: all of the tensor's, or POOL */
    bool drawn;         /* the tensor has more: each of its places draws one */
    size_t block_bytes;
    unsigned char *pool;
    struct pool *threads;
};

/* Sums of four uniform 16-bit numbers: near enough to normal for weights, and the same bits on every machine. */
static void random_block(const struct recipe *r, uint64_t block, float x[BLOCK])
{
    const float scale = r->deviation / (65536.0f * 0.57735027f); /* four uniforms deviate by sqrt(4 / 12) of their width */
    uint64_t seed = random_at(r->seed, block);
    for (int i = 0; i < BLOCK; i++) {
        uint64_t u = random_at(seed, (uint64_t)i);
        int sum = (int)(u & 0xffff) + (int)(u >> 16 & 0xffff) + (int)(u >> 32 & 0xffff) + (int)(u >> 48);
        x[i] = r->mean + ((float)sum - 131070.0f) * scale;
    }
}

static void fill_pool(void *ctx, int thread)
{
    (void)thread;
    const struct recipe *r = ctx;
    float x[BLOCK];
    for (size_t i; (i = pool_chunk(r->threads)) < (size_t)r->n;) {
        random_block(r, i, x);
        type_quantise(r->type, r->pool + i * r->block_bytes, x, NULL, BLOCK);
    }
}

/* Blocks are independent of each other in every type, so that a row of them is what quantising the whole row would give. */
static void random_row(const void *ctx, const struct tensor *t, int64_t row, float *floats, void *out)
{
    (void)floats;
    const struct recipe *r = ctx;
    for (int64_t k = 0; k < r->row_blocks; k++) {
        uint64_t place = (uint64_t)(row * r->row_blocks + k), block = r->drawn ? random_at(~r->seed, place) % POOL : place;
        size_t done = (size_t)k * r->block_bytes, left = t->row_bytes - done;
        memcpy((char *)out + done, r->pool + block * r->block_bytes, left < r->block_bytes ? left : r->block_bytes);
    }
}

static void given_row(const void *ctx, const struct tensor *t, int64_t row, float *floats, void *out)
{
    (void)row;
    (void)floats;
    memcpy(out, ctx, t->row_bytes);
}

/* With unit inputs a matrix of deviation 1 / sqrt(n_in) gives unit outputs. The two that add to the residual stream are
 * smaller, so that 2 L branches together add what one would (GPT-2's scheme); the output is larger, since logits of a trained
 * model spread over several units, unless it is also an embedding that is scaled up: a token would then predict itself. */
static struct recipe recipe_for(const struct shape *s, const struct arch *a, const struct tensor *t, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: a tensor's stream depends on its name, not on its place in the file */
    for (const char *c = t->name; *c; c++) h = (h ^ (unsigned char)*c) * 0x100000001b3u;
    struct recipe r = {.seed = random_mix(seed ^ h), .type = t->type, .block_bytes = type_bytes(t->type, BLOCK)};
    r.row_blocks = (t->ne[0] + BLOCK - 1) / BLOCK;
    r.n = r.row_blocks * tensor_rows(t);
    r.drawn = r.n > POOL;
    if (r.drawn) r.n = POOL;
    float unit = 1 / sqrtf((float)(t->n_dims == 4 ? tensor_elements(t) / t->ne[3] : t->ne[0])); /* of what a product sums */
    bool output =
        !strcmp(t->name, "output.weight") || (s->tied && !a->scale_embedding && !strcmp(t->name, "token_embd.weight"));
    bool branch = ends_with(t->name, "attn_output.weight") || ends_with(t->name, "attn_out.weight") ||
                  ends_with(t->name, "ffn_down.weight");
    /* Of a factorised layer the core that all paths lead through is the smaller; a correction is small against what it
     * corrects. */
    const char *core = strstr(t->name, ".mpo.");
    if (core && atoi(core + 5) == s->mpo.d - 1) branch = strstr(t->name, "attn_output.") || strstr(t->name, "ffn_down.");
    if (ends_with(t->name, ".mpo.left") || ends_with(t->name, ".mpo.res"))
        r.deviation = 0.02f;
    else if (t->n_dims >= 2)
        r.deviation = output ? 2 * unit : branch ? unit / sqrtf(2.0f * (float)s->n_layer) : unit;
    else if (ends_with(t->name, ".bias"))
        r.deviation = 0.1f;
    else
        r.mean = 1, r.deviation = 0.05f; /* norms */
    return r;
}

struct job {
    const struct synth_options *o;
    struct shape shape; /* of a tower: name and layers alone */
    const struct tower_shape *tower; /* NULL: a language model */
    const struct mix *mix;
    struct tensor *tensors;
    size_t n;
};

static bool write_tensors(const struct job *j, struct row_writer *rows, struct error *e)
{
    const struct arch *a = j->tower ? NULL : arch_find((struct gguf_string){j->shape.arch, strlen(j->shape.arch)}, e);
    unsigned char *pool = malloc(POOL * BLOCK * sizeof(float));
    bool ok = (a || j->tower) && (pool || fail(e, "no memory for %d blocks of weights", POOL));
    for (size_t i = 0; ok && i < j->n; i++) {
        const struct tensor *t = &j->tensors[i];
        if (!strcmp(t->name, "rope_freqs.weight")) {
            float factors[MAX_HEAD_DIM / 2];
            shape_rope_factors(&j->shape, factors);
            ok = rows_write(rows, t, given_row, factors, e);
            continue;
        }
        if (t->type == TYPE_I32) {
            int32_t *indices = malloc(t->bytes);
            if (indices) recipe_indices(&j->shape, t, indices);
            ok = indices ? rows_write(rows, t, given_row, indices, e) : fail(e, "no memory for %zu bytes of indices", t->bytes);
            free(indices);
            continue;
        }
        struct recipe r = recipe_for(&j->shape, a, t, j->o->seed);
        r.pool = pool;
        r.threads = rows->pool;
        pool_run(rows->pool, fill_pool, &r);
        ok = rows_write(rows, t, random_row, &r, e);
    }
    free(pool);
    return ok;
}

static enum synth_vocabulary vocabulary_of(const struct shape *s)
{
    if (shape_is_encoder(s)) return SYNTH_WORDPIECE;
    return s->rope_sections[2] > 0 ? SYNTH_SPM_PICTURES : SYNTH_SPM;
}

static bool write_file(const struct job *j, FILE *f, struct synth_result *r, struct error *e)
{
    struct row_writer rows = {.progress = j->o->progress, .progress_ctx = j->o->progress_ctx, .stop = j->o->stop};
    rows.out = gguf_writer_new(0);
    rows.pool = pool_new(j->o->threads ? j->o->threads : pool_default_threads(), e);
    bool ok = rows.pool && (rows.out || fail(e, "no memory"));
    if (ok) {
        if (j->tower) tower_shape_describe(j->tower, j->mix, j->tensors, j->n, rows.out);
        else shape_describe(&j->shape, j->mix, j->tensors, j->n, rows.out);
        ok = (j->tower || synth_vocabulary(j->shape.n_vocab, vocabulary_of(&j->shape), rows.out, e)) &&
             gguf_writer_begin(rows.out, f, e);
    }
    for (size_t i = 0; i < j->n; i++) {
        rows.total += j->tensors[i].bytes;
        r->parameters += tensor_parameters(&j->tensors[i]);
    }
    r->tensor_bytes = rows.total;
    r->tensors = j->n;
    if (ok) r->file_bytes = gguf_writer_size(rows.out);
    ok = ok && write_tensors(j, &rows, e) && gguf_writer_end(rows.out, e);
    rows_free(&rows);
    gguf_writer_free(rows.out);
    pool_free(rows.pool);
    return ok;
}

bool synth_write(const struct synth_options *o, const char *path, struct synth_result *r, struct error *e)
{
    struct job j = {.o = o};
    struct synth_result ignored;
    if (!r) r = &ignored;
    *r = (struct synth_result){0};
    if (o->mmproj) {
        if (!tower_shape_parse(o->shape, &j.tower, &j.mix, e)) return false;
        j.shape = (struct shape){.name = j.tower->name, .n_layer = j.tower->n_layer};
        snprintf(r->name, sizeof r->name, "%s:%s", j.tower->name, mix_name(j.mix));
        j.tensors = tower_shape_tensors(j.tower, j.mix, &j.n, e);
    } else {
        if (!shape_parse(o->shape, &j.shape, &j.mix, e)) return false;
        shape_name(&j.shape, j.mix, r->name);
        j.tensors = shape_tensors(&j.shape, j.mix, &j.n, e);
    }
    if (!j.tensors) return false;
    struct file_output *out = file_output_open(path, e);
    bool ok = out && (write_file(&j, file_output_stream(out), r, e) || fail_in(e, path));
    if (ok)
        ok = file_output_commit(out, e);
    else if (out)
        file_output_discard(out);
    free(j.tensors);
    return ok;
}
