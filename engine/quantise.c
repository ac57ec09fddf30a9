/* quantise.c - see quantise.h.
 * SPDX-License-Identifier: MIT */
#include "engine/quantise.h"
#include "engine/rows.h"
#include "loader/file.h"

#include <stdlib.h>
#include <string.h>

/* ---- What the output will hold ---- */

/* "ARCH.KEY" as an integer, the first one if every layer has its own. */
static bool model_number(const struct gguf *g, const char *key, int *out, struct error *e)
{
    struct gguf_string arch = {NULL, 0};
    char name[160];
    enum gguf_presence presence = gguf_get_string(g, "general.architecture", &arch, e);
    if (presence == GGUF_WRONG) return false;
    if (presence == GGUF_ABSENT) return fail(e, "metadata 'general.architecture': found nothing, expected a name");
    snprintf(name, sizeof name, "%.*s.%s", arch.len > 100 ? 100 : (int)arch.len, arch.data, key);
    const struct gguf_kv *kv = gguf_find(g, name);
    bool integer = kv && kv->n && kv->element != GGUF_STRING && kv->element != GGUF_F32 && kv->element != GGUF_F64;
    int64_t v = integer ? gguf_integer(kv, 0) : 0;
    if (v < 1 || v > INT32_MAX) return fail(e, "metadata '%s': found no number of 1 or more, expected one", name);
    *out = (int)v;
    return true;
}

static bool read_model(const struct gguf *g, struct mix_model *m, struct error *e)
{
    m->tied = !gguf_tensor(g, "output.weight");
    if (!model_number(g, "block_count", &m->n_layer, e) || !model_number(g, "attention.head_count", &m->n_head, e))
        return false;
    struct error none;
    if (!model_number(g, "attention.head_count_kv", &m->n_head_kv, &none)) m->n_head_kv = m->n_head;
    return true;
}

/* The tensor as it will be written. */
static struct tensor target(const struct mix *mix, const struct mix_model *model, const struct tensor *t)
{
    struct tensor to = *t;
    if (t->type == TYPE_I32) return to;
    if (mix_applies(t))
        to.type = mix_type(mix, model, t);
    else if (t->n_dims == 1)
        to.type = TYPE_F32;
    to.row_bytes = type_bytes(to.type, (size_t)to.ne[0]);
    to.bytes = to.row_bytes * (size_t)tensor_rows(&to);
    return to;
}

static bool starts_with(struct gguf_string s, const char *start)
{
    return s.len >= strlen(start) && !memcmp(s.data, start, strlen(start));
}

static void describe(const struct gguf *g, const struct mix *mix, const struct tensor *to, struct gguf_writer *w)
{
    for (size_t i = 0; i < g->n_kv; i++)
        if (!starts_with(g->kv[i].key, "split.")) gguf_copy_kv(w, &g->kv[i]); /* the output is one file */
    gguf_set_u32(w, "general.file_type", mix_file_type(mix));
    gguf_set_u32(w, "general.quantization_version", 2); /* ggml's number for the block layouts in use since 2023 */
    for (size_t i = 0; i < g->n_tensors; i++) gguf_add_tensor(w, to[i].name, to[i].type, to[i].n_dims, to[i].ne);
}

/* ---- Writing it ---- */

static void convert_row(const void *ctx, const struct tensor *to, int64_t row, float *floats, void *out)
{
    const struct tensor *from = ctx;
    type_dequantise(from->type, floats, tensor_row(from, row), (size_t)from->ne[0]);
    type_quantise(to->type, out, floats, NULL, (size_t)to->ne[0]);
}

static bool write_file(const struct gguf *g, const struct tensor *to, const struct quantise_options *o, FILE *f,
                       struct quantise_result *r, struct error *e)
{
    struct row_writer rows = {.progress = o->progress, .progress_ctx = o->progress_ctx, .stop = o->stop};
    rows.out = gguf_writer_new(g->alignment);
    rows.pool = pool_new(o->threads ? o->threads : pool_default_threads(), e);
    bool ok = rows.pool && (rows.out || fail(e, "no memory"));
    for (size_t i = 0; i < g->n_tensors; i++) rows.total += to[i].bytes;
    if (ok) {
        describe(g, o->mix, to, rows.out);
        ok = gguf_writer_begin(rows.out, f, e);
        r->file_bytes_out = gguf_writer_size(rows.out);
    }
    for (size_t i = 0; ok && i < g->n_tensors; i++) {
        const struct tensor *from = &g->tensors[i];
        ok = from->type == to[i].type ? rows_copy(&rows, from, from->data, e) : rows_write(&rows, &to[i], convert_row, from, e);
    }
    ok = ok && gguf_writer_end(rows.out, e);
    rows_free(&rows);
    gguf_writer_free(rows.out);
    pool_free(rows.pool);
    return ok;
}

static struct tensor *plan_targets(const struct gguf *g, const struct mix *mix, struct quantise_result *r, struct error *e)
{
    struct mix_model model;
    if (!read_model(g, &model, e)) return NULL;
    struct tensor *to = malloc((g->n_tensors + 1) * sizeof *to);
    if (!to) {
        fail(e, "no memory for the table of %zu tensors", g->n_tensors);
        return NULL;
    }
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct tensor *from = &g->tensors[i];
        to[i] = target(mix, &model, from);
        type_sum_add(&r->in[from->type], from);
        type_sum_add(&r->out[to[i].type], &to[i]);
        r->parameters += tensor_parameters(from);
        r->converted += from->type != to[i].type;
    }
    r->tensors = g->n_tensors;
    return to;
}

bool quantise_file(const char *in, const char *out, const struct quantise_options *o, struct quantise_result *r,
                   struct error *e)
{
    *r = (struct quantise_result){0};
    struct model_file *file = model_file_open(in, NULL, e);
    if (!file) return false;
    r->file_bytes_in = file->bytes;
    struct file_output *output = NULL;
    struct tensor *to = NULL;
    bool ok = !model_file_is_part(file, out) || fail(e, "%s: found a file of the model that is read, expected another", out);
    if (ok) {
        to = plan_targets(file->gguf, o->mix, r, e);
        ok = to || fail_in(e, in);
    }
    ok = ok && (output = file_output_open(out, e));
    ok = ok && (write_file(file->gguf, to, o, file_output_stream(output), r, e) || fail_in(e, out));
    if (ok)
        ok = file_output_commit(output, e);
    else if (output)
        file_output_discard(output);
    free(to);
    model_file_close(file);
    return ok;
}
