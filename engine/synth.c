/* synth.c - see synth.h.
 * SPDX-License-Identifier: MIT */
#include "engine/synth.h"
#include "engine/rows.h"
#include "loader/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How one tensor's elements are distributed, and the stream they come from. */
struct recipe {
    uint64_t seed;
    int64_t n; /* elements a row */
    float mean, deviation;
    const float *values; /* instead: these */
};

/* splitmix64 (Steele, Lea, Flood 2014): consecutive states give independent bits, so any number can be a stream's start. */
static uint64_t mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The sum of four uniform 16-bit numbers is close enough to normal for weights, and ten times as fast as an exact one. */
static void random_row(const void *ctx, int64_t row, float *out)
{
    const struct recipe *r = ctx;
    if (r->values) {
        memcpy(out, r->values, (size_t)r->n * sizeof *out);
        return;
    }
    const float scale = r->deviation / (65536.0f * 0.57735027f); /* four uniforms deviate by sqrt(4 / 12) of their width */
    uint64_t state = mix64(r->seed + 0x9e3779b97f4a7c15u * (uint64_t)(row + 1));
    for (int64_t i = 0; i < r->n; i++) {
        uint64_t u = mix64(state += 0x9e3779b97f4a7c15u);
        int sum = (int)(u & 0xffff) + (int)(u >> 16 & 0xffff) + (int)(u >> 32 & 0xffff) + (int)(u >> 48);
        out[i] = r->mean + ((float)sum - 131070.0f) * scale;
    }
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

/* With unit inputs a matrix of deviation 1 / sqrt(n_in) gives unit outputs. The two that add to the residual stream are
 * smaller, so that 2 L branches together add what one would (GPT-2's scheme); the output is larger, since logits of a trained model
 * spread over several units, unless it is also an embedding that is scaled up: a token would then predict itself. */
static struct recipe recipe_for(const struct shape *s, const struct arch *a, const struct tensor *t, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: a tensor's stream depends on its name, not on its place in the file */
    for (const char *c = t->name; *c; c++) h = (h ^ (unsigned char)*c) * 0x100000001b3u;
    struct recipe r = {.seed = mix64(seed ^ h), .n = t->ne[0]};
    float unit = 1 / sqrtf((float)t->ne[0]);
    bool output = !strcmp(t->name, "output.weight") || (s->tied && !a->scale_embedding && !strcmp(t->name, "token_embd.weight"));
    bool branch = ends_with(t->name, "attn_output.weight") || ends_with(t->name, "ffn_down.weight");
    if (t->n_dims >= 2) r.deviation = output ? 2 * unit : branch ? unit / sqrtf(2.0f * (float)s->n_layer) : unit;
    else if (ends_with(t->name, ".bias")) r.deviation = 0.1f;
    else r.mean = 1, r.deviation = 0.05f; /* norms */
    return r;
}

struct job {
    const struct synth_options *o;
    struct shape shape;
    const struct mix *mix;
    struct tensor *tensors;
    size_t n;
};

static bool write_tensors(const struct job *j, struct row_writer *rows, struct error *e)
{
    float factors[MAX_HEAD_DIM / 2];
    const struct arch *a = arch_find((struct gguf_string){j->shape.arch, strlen(j->shape.arch)}, e);
    if (!a) return false;
    for (size_t i = 0; i < j->n; i++) {
        struct recipe r = recipe_for(&j->shape, a, &j->tensors[i], j->o->seed);
        if (!strcmp(j->tensors[i].name, "rope_freqs.weight")) {
            shape_rope_factors(&j->shape, factors);
            r.values = factors;
        }
        if (!rows_write(rows, &j->tensors[i], random_row, &r, e)) return false;
    }
    return true;
}

static bool write_file(const struct job *j, FILE *f, struct synth_result *r, struct error *e)
{
    struct row_writer rows = {.progress = j->o->progress, .progress_ctx = j->o->progress_ctx, .stop = j->o->stop};
    rows.out = gguf_writer_new(0);
    rows.pool = pool_new(j->o->threads ? j->o->threads : pool_default_threads(), e);
    bool ok = rows.pool && (rows.out || fail(e, "no memory"));
    if (ok) {
        shape_describe(&j->shape, j->mix, j->tensors, j->n, rows.out);
        ok = synth_vocabulary(j->shape.n_vocab, rows.out, e) && gguf_writer_begin(rows.out, f, e);
    }
    for (size_t i = 0; i < j->n; i++) {
        rows.total += j->tensors[i].bytes;
        r->parameters += (uint64_t)tensor_elements(&j->tensors[i]);
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
    if (!shape_parse(o->shape, &j.shape, &j.mix, e)) return false;
    j.tensors = shape_tensors(&j.shape, j.mix, &j.n, e);
    if (!j.tensors) return false;
    struct file_output *out = file_output_open(path, e);
    bool ok = out && (write_file(&j, file_output_stream(out), r, e) || fail_in(e, path));
    if (ok) ok = file_output_commit(out, e);
    else if (out) file_output_discard(out);
    free(j.tensors);
    return ok;
}
