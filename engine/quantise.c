/* quantise.c - see quantise.h.
 * SPDX-License-Identifier: MIT */
#include "engine/quantise.h"
#include "engine/rows.h"
#include "engine/weights.h"
#include "loader/file.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/suffix.h"
#include "engine/compress/feedback.h"

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

/* One tensor of the output. */
struct target {
    struct tensor to;
    const struct tensor *from;   /* copied or converted; NULL: made by `remake` */
    float *importance;           /* of a conversion's columns, owned; NULL: not known */
    const struct remake *remake; /* at the first of its tensors; the others follow, with none of the two */
    bool shared;                 /* stands there already, for a neighbour */
};

struct targets {
    struct target *t;
    size_t n, capacity;
    struct remake *remake; /* room for one a tensor of the file, so that they stay where they are */
    size_t n_remade;
};

static void targets_free(struct targets *l)
{
    for (size_t i = 0; i < l->n; i++) free(l->t[i].importance);
    free(l->t);
    free(l->remake);
}

static bool push(struct targets *l, const struct target *t, struct error *e)
{
    struct target *grown = memory_grow(l->t, &l->capacity, l->n + 1, sizeof *grown);
    if (!grown) return fail(e, "no memory for the table of %zu tensors", l->n + 1);
    l->t = grown;
    l->t[l->n++] = *t;
    return true;
}

static void set_type(struct tensor *t, enum type type)
{
    t->type = type;
    t->row_bytes = type_bytes(type, (size_t)t->ne[0]);
    t->bytes = t->row_bytes * (size_t)tensor_rows(t);
}

/* Whether more is asked for than weights for the quantisers. */
static bool remakes(const struct quantise_options *o)
{
    return o->imatrix && (o->remake.rank || o->remake.mean || o->remake.feedback);
}

/* Quantised formats have blocks; in floats there is nothing to fit. */
static bool has_blocks(enum type type)
{
    return type_get(type)->block > 1;
}

/* Q8_0, or F16 where its blocks do not fit. */
static enum type eight_bits(const struct tensor *t)
{
    return t->ne[0] % (int64_t)type_get(TYPE_Q8_0)->block ? TYPE_F16 : TYPE_Q8_0;
}

/* Of a core: floats where the mix is of floats. Else floats become 8 bits, fewer of which ruin a layer in identity gauge
 * (docs/mpo.md); what has blocks already was made so on purpose (compress/remake.h). */
static enum type core_type(const struct mix *mix, const struct mix_model *model, const struct tensor *t)
{
    enum type type = mix_type(mix, model, t);
    return !has_blocks(type) ? type : has_blocks(t->type) ? t->type : eight_bits(t);
}

/* A tensor that is converted or copied, as it will be written. */
static struct tensor converted(const struct quantise_options *o, const struct mix_model *model, const struct tensor *t)
{
    struct tensor to = *t;
    if (t->type == TYPE_I32) return to;
    bool floats = type_get(t->type)->block == 1;
    if (mix_applies(t) && remakes(o) && mix_is_pure(o->mix)) /* not one of the blocks' */
        set_type(&to, floats ? eight_bits(t) : t->type);
    else if (mix_applies(t))
        set_type(&to, mix_type(o->mix, model, t));
    else if (t->n_dims == 1)
        set_type(&to, TYPE_F32);
    else if (strstr(t->name, ".mpo."))
        set_type(&to, core_type(o->mix, model, t));
    return to;
}

/* The type that the mix means for a matrix whose rows may be joined. */
static enum type joined_type(const struct quantise_options *o, const struct mix_model *model, const struct tensor *t)
{
    struct tensor wide = *t;
    wide.ne[0] = t->ne[0] * 256; /* blocks of any type fit it */
    enum type type = mix_type(o->mix, model, &wide);
    return join_rows(type, (size_t)t->ne[0], (size_t)t->ne[1]) ? type : mix_type(o->mix, model, t);
}

/* A matrix of a block that is made anew: all that will stand for it. */
static bool push_remade(struct targets *l, const struct gguf *g, const struct tensor *from, const struct compact_metric *m,
                        const struct quantise_options *o, const struct mix_model *model, struct error *e)
{
    struct remake *r = &l->remake[l->n_remade++];
    if (!remake_plan(r, g, from, joined_type(o, model, from), m, &o->remake, e)) return false;
    for (int k = 0; k < r->n; k++) {
        struct target t = {.to = r->tensors[k], .remake = k ? NULL : r};
        for (size_t i = 0; i < l->n; i++) t.shared = t.shared || !strcmp(l->t[i].to.name, t.to.name);
        if (!push(l, &t, e)) return false;
    }
    return true;
}

/* Whether this matrix is made anew. */
static bool is_remade(const struct tensor *t, const struct quantise_options *o, const struct mix_model *model)
{
    return remakes(o) && t->n_dims == 2 && mix_applies(t) && imatrix_find(o->imatrix, t->name) &&
           has_blocks(joined_type(o, model, t));
}

/* Whether the tensor is the bias of such a matrix, which then writes it. */
static bool is_remade_bias(const struct gguf *g, const struct tensor *t, const struct quantise_options *o,
                           const struct mix_model *model)
{
    char name[TENSOR_MAX_NAME + 8];
    if (!o->remake.mean || !ends_with(t->name, ".bias")) return false;
    snprintf(name, sizeof name, "%.*s.weight", (int)(strlen(t->name) - strlen(".bias")), t->name);
    const struct tensor *matrix = gguf_tensor(g, name);
    return matrix && is_remade(matrix, o, model);
}

/* What errors of a matrix's columns cost, no column nothing: an input that the text never moved may move on another. */
static bool take_importance(struct target *t, const struct compact_metric *m, struct error *e)
{
    struct compact_form f;
    if (m->n != (size_t)t->from->ne[0])
        return fail(e, "tensor '%s': found rows of %lld, expected %zu as the inputs of the importance matrix have",
                    t->from->name, (long long)t->from->ne[0], m->n);
    if (!compact_form_new(&f, m, false, false, e)) return fail_in(e, t->from->name);
    t->importance = f.rest;
    f.rest = NULL;
    compact_form_free(&f);
    return true;
}

static bool plan_target(struct targets *l, const struct gguf *g, const struct tensor *from, const struct quantise_options *o,
                        const struct mix_model *model, struct error *e)
{
    const struct compact_metric *m = o->imatrix && mix_applies(from) ? imatrix_find(o->imatrix, from->name) : NULL;
    if (is_remade(from, o, model)) return push_remade(l, g, from, m, o, model, e);
    if (is_remade_bias(g, from, o, model)) return true;
    struct target t = {.to = converted(o, model, from), .from = from};
    if (m && !take_importance(&t, m, e)) return false;
    if (push(l, &t, e)) return true;
    free(t.importance);
    return false;
}

/* Whether it counts what is known of the matrix's inputs. The embedding has none, nor has the imatrix an output's as a rule. */
static bool asks_for_inputs(const struct tensor *t, const struct quantise_options *o, const struct mix_model *model)
{
    if (!o->imatrix || strncmp(t->name, "blk.", 4) || t->n_dims != 2 || !mix_applies(t)) return false;
    return remakes(o) ? has_blocks(joined_type(o, model, t))
                      : has_blocks(mix_type(o->mix, model, t)) && t->type != mix_type(o->mix, model, t);
}

static void note_inputs(struct quantise_result *r, const struct tensor *t, const struct quantise_options *o)
{
    r->matrices++;
    if (imatrix_find(o->imatrix, t->name)) return;
    if (r->n_lacking < QUANTISE_NAMED) snprintf(r->lacking[r->n_lacking], TENSOR_MAX_NAME, "%s", t->name);
    r->n_lacking++;
}

static bool starts_with(struct gguf_string s, const char *start)
{
    return s.len >= strlen(start) && !memcmp(s.data, start, strlen(start));
}

static void describe(const struct gguf *g, const struct quantise_options *o, const struct targets *l, struct gguf_writer *w)
{
    for (size_t i = 0; i < g->n_kv; i++)
        if (!starts_with(g->kv[i].key, "split.")) gguf_copy_kv(w, &g->kv[i]); /* the output is one file */
    gguf_set_u32(w, "general.file_type", mix_file_type(o->mix));
    gguf_set_u32(w, "general.quantization_version", 2); /* ggml's number for the block layouts in use since 2023 */
    for (size_t i = 0; i < l->n; i++)
        if (!l->t[i].shared) gguf_add_tensor(w, l->t[i].to.name, l->t[i].to.type, l->t[i].to.n_dims, l->t[i].to.ne);
}

/* The convention of docs/mpo.md, where matrices were made anew. */
static bool describe_remade(const struct targets *l, struct gguf_writer *w, struct error *e)
{
    struct gguf_string *names = calloc(l->n_remade + 1, sizeof *names);
    size_t n = 0;
    if (!names) return fail(e, "no memory for %zu names", l->n_remade);
    for (size_t i = 0; i < l->n_remade; i++) {
        const struct remake *r = &l->remake[i];
        if (!r->mpo.d) continue;
        weights_describe(&r->mpo, r->prefix, strcmp(r->joint, r->prefix) ? r->joint : NULL, w);
        names[n++] = (struct gguf_string){r->prefix, strlen(r->prefix)};
    }
    if (l->n_remade) weights_describe_file(names, n, w);
    free(names);
    return true;
}

/* ---- What it is made of ---- */

enum { CHUNK_ELEMENTS = 1 << 15 }; /* handed to a thread at once */

struct check {
    const struct tensor *t;
    struct pool *pool;
    float *floats; /* a row a thread */
    int64_t chunk; /* rows */
    atomic_size_t bad;
};

static void check_rows(void *ctx, int thread)
{
    struct check *c = ctx;
    size_t n = (size_t)c->t->ne[0], bad = 0;
    float *floats = c->floats + (size_t)thread * n;
    for (int64_t first; (first = (int64_t)pool_chunk(c->pool) * c->chunk) < tensor_rows(c->t);)
        for (int64_t row = first; row < first + c->chunk && row < tensor_rows(c->t); row++) {
            type_dequantise(c->t->type, floats, tensor_row(c->t, row), n);
            for (size_t i = 0; i < n; i++) bad += !isfinite(floats[i]);
        }
    c->bad += bad;
}

static bool check_tensor(const struct tensor *t, struct pool *pool, struct error *e)
{
    struct check c = {.t = t, .pool = pool, .chunk = 1 + CHUNK_ELEMENTS / (t->ne[0] ? t->ne[0] : 1)};
    c.floats = malloc((size_t)pool_threads(pool) * (size_t)t->ne[0] * sizeof *c.floats + 1);
    if (!c.floats) return fail(e, "tensor '%s': found no memory for %lld floats", t->name, (long long)t->ne[0]);
    pool_run(pool, check_rows, &c);
    free(c.floats);
    return !c.bad || fail(e, "tensor '%s': found %zu numbers that are not finite among %lld, expected none", t->name,
                          (size_t)c.bad, (long long)tensor_elements(t));
}

/* A block of any type with one such number becomes NaN as a whole, and a model with it says nothing but NaN. So this is told
 * before anything is written. */
static bool check_numbers(const struct targets *l, const struct quantise_options *o, struct pool *pool, struct error *e)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct target *t = &l->t[i];
        const struct tensor *from = t->remake ? t->remake->from : t->from;
        if (!from || (!t->remake && from->type == t->to.type)) continue; /* one of a remade matrix's tensors, or copied */
        if (o->stop && *o->stop) return true;                            /* the writing says so */
        if (!check_tensor(from, pool, e)) return false;
    }
    return true;
}

/* ---- Writing it ---- */

static void convert_row(const void *ctx, const struct tensor *to, int64_t row, float *floats, void *out)
{
    const struct target *t = ctx;
    type_dequantise(t->from->type, floats, tensor_row(t->from, row), (size_t)to->ne[0]);
    type_quantise(to->type, out, floats, t->importance, (size_t)to->ne[0]);
}

/* All tensors of one matrix; `at` is the first. */
static bool write_remade(struct row_writer *rows, const struct target *at, struct quantise_row *row, struct error *e)
{
    const struct remake *r = at->remake;
    void *data[REMAKE_MAX_TENSORS];
    double cost[2] = {NAN, NAN};
    bool ok = remake_run(r, rows->pool, data, cost, e);
    *row = (struct quantise_row){.type = r->type,
                                 .join = r->join,
                                 .rank = r->options.rank,
                                 .parameters = (uint64_t)tensor_elements(r->from),
                                 .error = cost[0],
                                 .corrected = cost[1]};
    snprintf(row->prefix, sizeof row->prefix, "%s", r->prefix);
    for (int k = 0; k < r->n; k++) {
        row->bytes += at[k].shared ? 0 : at[k].to.bytes;
        ok = ok && (at[k].shared || rows_copy(rows, &at[k].to, data[k], e));
        free(data[k]);
    }
    return ok;
}

static bool write_tensors(struct row_writer *rows, const struct targets *l, struct quantise_result *r, struct error *e)
{
    bool ok = true;
    for (size_t i = 0; ok && i < l->n; i++) {
        const struct target *t = &l->t[i];
        if (t->remake)
            ok = write_remade(rows, t, &r->rows[r->n_rows++], e);
        else if (t->from)
            ok = t->from->type == t->to.type ? rows_copy(rows, t->from, t->from->data, e)
                                             : rows_write(rows, &t->to, convert_row, t, e);
    }
    return ok;
}

static bool write_file(const struct gguf *g, const struct targets *l, const struct quantise_options *o, FILE *f,
                       struct pool *pool, struct quantise_result *r, struct error *e)
{
    struct row_writer rows = {.pool = pool, .progress = o->progress, .progress_ctx = o->progress_ctx, .stop = o->stop};
    rows.out = gguf_writer_new(g->alignment);
    if (l->n_remade) r->rows = calloc(l->n_remade, sizeof *r->rows);
    bool ok = (rows.out && (r->rows || !l->n_remade)) || fail(e, "no memory");
    for (size_t i = 0; i < l->n; i++) rows.total += l->t[i].shared ? 0 : l->t[i].to.bytes;
    if (ok) {
        describe(g, o, l, rows.out);
        ok = describe_remade(l, rows.out, e) && gguf_writer_begin(rows.out, f, e);
        if (ok) r->file_bytes_out = gguf_writer_size(rows.out);
    }
    ok = ok && write_tensors(&rows, l, r, e) && gguf_writer_end(rows.out, e);
    rows_free(&rows);
    gguf_writer_free(rows.out);
    return ok;
}

static bool plan_targets(struct targets *l, const struct gguf *g, const struct quantise_options *o, struct quantise_result *r,
                         struct error *e)
{
    struct mix_model model;
    if (!read_model(g, &model, e)) return false;
    if (remakes(o) && gguf_find(g, "mpo.version"))
        return fail(e, "metadata 'mpo.version': found a model with factorised or corrected layers, expected one without");
    l->remake = calloc(g->n_tensors + 1, sizeof *l->remake);
    if (!l->remake) return fail(e, "no memory for the table of %zu tensors", g->n_tensors);
    size_t known = 0; /* of the importance matrix's names */
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct tensor *from = &g->tensors[i];
        size_t at = l->n;
        if (!plan_target(l, g, from, o, &model, e)) return false;
        type_sum_add(&r->in[from->type], from);
        r->parameters += tensor_parameters(from);
        r->converted += at < l->n && (l->t[at].remake || from->type != l->t[at].to.type);
        known += o->imatrix && imatrix_find(o->imatrix, from->name);
        if (asks_for_inputs(from, o, &model)) note_inputs(r, from, o);
    }
    for (size_t i = 0; i < l->n; i++)
        if (!l->t[i].shared) type_sum_add(&r->out[l->t[i].to.type], &l->t[i].to);
    r->tensors = g->n_tensors;
    if (!o->imatrix || (known && (!r->matrices || r->n_lacking < r->matrices))) return true;
    return fail(e, "tensors: found none of the importance matrix's %zu, expected another", o->imatrix->n);
}

double quantise_bits(const struct quantise_result *r)
{
    double bytes = 0, parameters = 0;
    for (size_t i = 0; i < r->n_rows; i++) bytes += (double)r->rows[i].bytes, parameters += (double)r->rows[i].parameters;
    return r->n_rows ? 8 * bytes / parameters : NAN;
}

void quantise_result_free(struct quantise_result *r)
{
    free(r->rows);
    r->rows = NULL;
    r->n_rows = 0;
}

bool quantise_file(const char *in, const char *out, const struct quantise_options *o, struct quantise_result *r,
                   struct error *e)
{
    *r = (struct quantise_result){0};
    struct model_file *file = model_file_open(in, NULL, e);
    if (!file) return false;
    r->file_bytes_in = file->bytes;
    struct file_output *output = NULL;
    struct targets l = {.n = 0};
    struct pool *pool = NULL;
    bool ok = !model_file_is_part(file, out) || fail(e, "%s: found a file of the model that is read, expected another", out);
    ok = ok && (plan_targets(&l, file->gguf, o, r, e) || fail_in(e, in));
    ok = ok && (pool = pool_new(o->threads ? o->threads : pool_default_threads(), e));
    ok = ok && (check_numbers(&l, o, pool, e) || fail_in(e, in));
    ok = ok && (output = file_output_open(out, e));
    ok = ok && (write_file(file->gguf, &l, o, file_output_stream(output), pool, r, e) || fail_in(e, out));
    if (ok)
        ok = file_output_commit(output, e);
    else if (output)
        file_output_discard(output);
    targets_free(&l);
    pool_free(pool);
    if (!ok) quantise_result_free(r);
    model_file_close(file);
    return ok;
}
