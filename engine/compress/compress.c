/* SPDX-License-Identifier: MIT */
#include "engine/compress/compress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compress/allocate.h"
#include "engine/compress/importance.h"
#include "engine/compress/overlay.h"
#include "engine/compress/survey.h"
#include "engine/rows.h"
#include "tensor/lapack.h"

void compress_result_free(struct compress_result *r)
{
    free(r->tensors);
    *r = (struct compress_result){.n = 0};
}

double compress_bits(const struct compress_result *r)
{
    double bytes = 0;
    for (size_t i = 0; i < r->n; i++) bytes += (double)r->tensors[i].bytes;
    return 8 * bytes / r->parameters_before;
}

struct compressor {
    const struct model *model;
    const struct compress_options *options; /* with the defaults filled in */
    struct cores_options cores;
    struct unit *units;
    size_t n;
    struct work_file *work;
    struct compress_result *result;
    /* Sequential: the model with what is compressed so far in the place of the matrices, and its plan. */
    struct overlay overlay;
    struct plan *plan;
    float **products; /* one a unit */
};

/* ---- What is to be done ---- */

static struct compress_options with_defaults(const struct compress_options *o)
{
    struct compress_options d = *o;
    if (!d.context) d.context = 512;
    if (!d.threads) d.threads = pool_default_threads();
    return d;
}

static bool check_options(const struct compressor *c, struct error *e)
{
    const struct type_info *t = type_get(c->options->core_type);
    if (!t->op) return fail(e, "found cores of type %s, expected one that can be multiplied", t->name);
    if (c->cores.gauge && t->block_bytes < t->block) /* less than a byte each */
        return fail(e,
                    "found gauged cores of type %s, expected one of 8 bits or more: the identity's rows make small errors "
                    "large (without a gauge any type is possible)",
                    t->name);
    for (size_t i = 0; i < c->n; i++) {
        const struct unit *u = &c->units[i];
        if (!c->cores.sites && u->n_in % t->block)
            return fail(e, "%s: found rows of %zu, expected a multiple of %zu for %s", u->role[0], u->n_in, t->block, t->name);
        struct mpo m;
        if (c->cores.sites && !cores_structure(u, &c->cores, 1, &m, e)) return false;
        if (!c->cores.sites && c->options->rank && c->options->rank < u->full && c->options->rank % t->block)
            return fail(e, "found rank %zu, expected a multiple of %zu for %s", c->options->rank, t->block, t->name);
    }
    if (c->options->rank || c->cores.sites) return true;
    double least = allocate_least(c->units, c->n, c->cores.gauge, c->options->core_type);
    return c->options->ratio >= least || fail(e, "ratio: found %g, expected at least %.4f, which is that of the least ranks",
                                              c->options->ratio, least + 0.00005); /* rounded up */
}

/* Name the survey and the work by the model's bytes, the text and the options that their results depend on. */
static void hash_work(const struct model *m, const struct compress_options *o, char survey[SHA256_HEX], char work[SHA256_HEX])
{
    const struct gguf *g = m->gguf;
    struct sha256 s;
    sha256_begin(&s);
    for (size_t i = 0; i < g->n_tensors; i++) {
        sha256_text(&s, "%s %s\n", g->tensors[i].name, type_name(g->tensors[i].type));
        sha256_add(&s, g->tensors[i].data, g->tensors[i].bytes);
    }
    sha256_text(&s, "survey 2 %d %d %zu %zu\n", o->separate, o->no_gauge, o->tokens, o->context);
    sha256_add(&s, o->text, o->text_len);
    struct sha256 more = s;
    sha256_end(&s, survey);
    sha256_text(&more, "\nwork 7 %d %d %s %d %d %zu %d %d %d\n", (int)o->scope, o->plain, type_name(o->core_type), o->uniform,
                o->sequential, o->rank, o->sites, o->split, o->parts);
    sha256_numbers(&more, &o->ratio, 1);
    sha256_end(&more, work);
}

/* What a file says that it was made of. */
static const char work_key[] = "mpo.work_sha256";

void compress_keys(const struct model *m, const struct compress_options *o, char survey[SHA256_HEX], char file[SHA256_HEX])
{
    struct compress_options options = with_defaults(o);
    hash_work(m, &options, survey, file);
}

bool compress_made(const char *path, const char key[SHA256_HEX])
{
    struct error none;
    struct gguf_string said;
    struct model_file *f = model_file_open(path, NULL, &none);
    bool made = f && gguf_get_string(f->gguf, work_key, &said, &none) == GGUF_FOUND && said.len == SHA256_HEX - 1 &&
                !memcmp(said.data, key, said.len);
    model_file_close(f);
    return made;
}

/* OUT and what follows it. */
static bool beside(char path[4096], const char *out, const char *suffix, struct error *e)
{
    return snprintf(path, 4096, "%s%s", out, suffix) < 4096 ||
           fail(e, "%s: found a name too long for '%s' behind it", out, suffix);
}

static bool survey_and_allocate(struct compressor *c, const char *path, const char *key, struct error *e)
{
    struct work_file *f = work_file_open(path, key, c->options->survey, e); /* what a user keeps took hours, perhaps */
    bool ok = f && survey_run(c->model, c->options, c->units, c->n, f, e);
    work_file_close(f, false);
    return ok && allocate_ranks(c->units, c->n, c->options->ratio, c->cores.gauge, c->options->core_type, e);
}

static bool choose_ranks(struct compressor *c, const char *survey, const char *key, struct error *e)
{
    const struct compress_options *o = c->options;
    if (!o->rank && !o->uniform && !o->sites) return survey_and_allocate(c, survey, key, e);
    for (size_t i = 0; i < c->n; i++) {
        struct unit *u = &c->units[i];
        u->rank = o->rank < u->full ? o->rank : u->full;
        if (o->rank) continue;
        u->rank = o->sites ? cores_bond_for(u, &c->cores, o->ratio)
                           : unit_rank_for(u, o->ratio, c->cores.gauge, unit_rank_step(u, o->core_type));
    }
    return true;
}

/* ---- Cores, layer by layer ---- */

/* A record: the struct, whose pointers mean nothing, then the tensors' bytes. */
static bool remember(struct compressor *c, size_t i, const struct cores *cores, struct error *e)
{
    struct work_piece pieces[1 + CORES_MAX] = {{cores, sizeof *cores}};
    for (int k = 0; k < cores->n; k++) pieces[1 + k] = (struct work_piece){cores->t[k].data, cores->t[k].bytes};
    return work_file_add(c->work, RECORD_CORES, (uint32_t)i, pieces, 1 + (size_t)cores->n, e);
}

/* The tensors' data point into *record, which is to be freed. */
static bool recall(const struct compressor *c, size_t i, struct cores *cores, char **record, struct error *e)
{
    size_t bytes, at = sizeof *cores;
    *record = work_file_read(c->work, RECORD_CORES, (uint32_t)i, &bytes, e);
    if (!*record) return false;
    memcpy(cores, *record, sizeof *cores);
    for (int k = 0; k < cores->n; at += cores->t[k++].bytes) cores->t[k].data = *record + at;
    return at == bytes || fail(e, "cores: found a record of %zu bytes, expected %zu", bytes, at);
}

/* Sequential: what the unit's cores stand for, in the place of its matrices. */
static void lay_over(struct compressor *c, size_t i)
{
    const struct unit *u = &c->units[i];
    const float *row = c->products[i];
    for (int r = 0; r < u->n_roles; row += u->out[r++] * u->n_in) {
        char name[TENSOR_MAX_NAME];
        unit_tensor(u, r, name);
        overlay_put(&c->overlay, name, row);
    }
}

/* Before the cores' record: a unit that has one has the other. */
static bool remember_product(struct compressor *c, size_t i, struct error *e)
{
    const struct work_piece piece = {c->products[i], c->units[i].n_out * c->units[i].n_in * sizeof **c->products};
    return work_file_add(c->work, RECORD_PRODUCT, (uint32_t)i, &piece, 1, e);
}

/* Of a unit that is finished: the layers after it are fitted to what it gives. */
static bool recall_product(struct compressor *c, size_t i, struct error *e)
{
    size_t bytes, want = c->units[i].n_out * c->units[i].n_in * sizeof **c->products;
    c->products[i] = work_file_read(c->work, RECORD_PRODUCT, (uint32_t)i, &bytes, e);
    if (!c->products[i]) return false;
    if (bytes != want) return fail(e, "product: found a record of %zu bytes, expected %zu", bytes, want);
    lay_over(c, i);
    return true;
}

static bool make_unit(struct compressor *c, size_t i, const struct statistics_layer *l, const struct metric *m, struct error *e)
{
    const struct unit *u = &c->units[i];
    struct cores cores;
    double *w = unit_matrix(u, c->model, e), *importance = malloc(u->n_out * sizeof *importance);
    bool ok = w && (importance || fail(e, "found no memory for a row of %zu", u->n_out)) &&
              importance_of(u, c->model, l, importance, e);
    if (ok && c->options->sequential) {
        c->products[i] = malloc(u->n_out * u->n_in * sizeof *c->products[i]);
        ok = c->products[i] || fail(e, "found no memory for a matrix of %zu x %zu", u->n_out, u->n_in);
    }
    ok = ok && cores_make(&cores, u, w, m, importance, &c->cores, c->products[i], e);
    if (ok) {
        ok = (!c->products[i] || remember_product(c, i, e)) && remember(c, i, &cores, e);
        cores_free(&cores);
    }
    free(importance);
    free(w);
    if (ok && c->products[i]) lay_over(c, i);
    return ok;
}

static bool each_layer(void *ctx, const struct statistics_layer *l, const struct plan **next, struct error *e)
{
    struct compressor *c = ctx;
    struct metric metric = {.n = 0};
    int site = -1;
    bool ok = true;
    for (size_t i = 0; ok && i < c->n; i++) {
        const struct unit *u = &c->units[i];
        if (u->layer != l->layer || u->rank == u->full) continue;
        if (work_file_has(c->work, RECORD_CORES, (uint32_t)i)) {
            ok = !c->options->sequential || recall_product(c, i, e);
            continue;
        }
        if ((int)u->site != site) {
            metric_free(&metric);
            site = (int)u->site;
            ok = metric_new(&metric, c->options->plain ? NULL : l->input[site]->second, u->n_in, COMPRESS_DAMPING, e);
        }
        ok = ok && make_unit(c, i, l, &metric, e);
    }
    metric_free(&metric);
    if (ok && c->options->sequential) {
        plan_free(c->plan);
        *next = c->plan = plan_new(&c->overlay.model, false, e);
        ok = c->plan;
    }
    return ok;
}

static void fitting(void *ctx, uint64_t done, uint64_t total)
{
    const struct compress_options *o = ctx;
    if (o->progress) o->progress(o->progress_ctx, "fitting", done, total);
}

static bool make_cores(struct compressor *c, struct error *e)
{
    const struct compress_options *o = c->options;
    int first = c->model->hp.n_layer;
    for (size_t i = c->n; i-- > 0;) {
        bool made = c->units[i].rank == c->units[i].full || work_file_has(c->work, RECORD_CORES, (uint32_t)i);
        if (!made) first = c->units[i].layer;
    }
    if (first == c->model->hp.n_layer) return true;
    if (o->sequential) first = 0; /* finished layers have to be laid over the model again */
    struct calibration text = {.id = NULL};
    struct statistics_options so = {
        .slopes = true, .threads = o->threads, .first = first, .progress = fitting, .progress_ctx = (void *)o, .stop = o->stop};
    c->products = calloc(c->n, sizeof *c->products);
    bool ok = (c->products || fail(e, "found no memory for %zu matrices", c->n)) && overlay_new(&c->overlay, c->model, e) &&
              calibration_read(&text, c->model, o->text, o->text_len, o->context, o->tokens, e) &&
              statistics_run(c->model, &text, &so, each_layer, c, e);
    calibration_free(&text);
    plan_free(c->plan);
    overlay_free(&c->overlay);
    for (size_t i = 0; c->products && i < c->n; i++) free(c->products[i]);
    free(c->products);
    return ok;
}

/* ---- The file ---- */

/* The unit that the tensor is a member of, and which. */
static const struct unit *unit_of(const struct compressor *c, const struct tensor *t, int *member)
{
    for (size_t i = 0; i < c->n; i++)
        for (*member = 0; *member < c->units[i].n_roles; ++*member) {
            char name[TENSOR_MAX_NAME];
            unit_tensor(&c->units[i], *member, name);
            if (!strcmp(name, t->name)) return &c->units[i];
        }
    return NULL;
}

static void report(struct compressor *c, const struct unit *u, int member, const struct cores *cores, const struct tensor *t)
{
    struct compress_result *r = c->result;
    struct compress_tensor *row = &r->tensors[r->n++];
    *row = (struct compress_tensor){.structure = "dense", .rank = u->rank};
    unit_prefix(u, member, row->name);
    double parameters = (double)u->n_in * (double)u->out[member];
    r->parameters_before += parameters;
    if (!cores) {
        row->bytes = t->bytes;
        r->parameters_after += parameters;
        return;
    }
    row->structure = c->cores.sites ? "mpo" : "svd";
    row->rel_error = cores->rel_error[member];
    mpo_spec(&cores->mpo[member], row->spec);
    for (int k = 0; k < cores->n; k++) {
        size_t n = strlen(row->name);
        bool own = !strncmp(cores->t[k].name, row->name, n) && cores->t[k].name[n] == '.';
        bool shared = member == 0 && cores->joint[0] && !strncmp(cores->t[k].name, cores->joint, strlen(cores->joint));
        if (!own && !shared) continue;
        row->bytes += cores->t[k].bytes;
        if (cores->t[k].type != TYPE_I32) r->parameters_after += (double)tensor_elements(&cores->t[k]);
    }
}

static void describe(struct compressor *c, const char *key, const struct gguf_string *layers, size_t n, struct gguf_writer *w)
{
    const struct gguf *g = c->model->gguf;
    for (size_t i = 0; i < g->n_kv; i++)
        if (g->kv[i].key.len < 6 || memcmp(g->kv[i].key.data, "split.", 6)) gguf_copy_kv(w, &g->kv[i]); /* one file */
    if (n) weights_describe_file(layers, n, w);
    gguf_set_string(w, "mpo.metric", c->options->plain ? "none" : "inputs", c->options->plain ? 4 : 6);
    gguf_set_string(w, work_key, key, SHA256_HEX - 1);
}

/* What stands in the file in the place of the source's tensor: itself, or the cores of its unit, with the unit's first one. */
static bool each_output(struct compressor *c, const struct tensor *t, struct gguf_writer *header, struct row_writer *rows,
                        struct error *e)
{
    int member;
    const struct unit *u = unit_of(c, t, &member);
    if (!u || u->rank == u->full) {
        if (rows) return rows_copy(rows, t, t->data, e);
        gguf_add_tensor(header, t->name, t->type, t->n_dims, t->ne);
        if (u) report(c, u, member, NULL, t);
        return true;
    }
    struct cores cores;
    char *record = NULL, prefix[TENSOR_MAX_NAME];
    bool ok = recall(c, (size_t)(u - c->units), &cores, &record, e);
    if (ok && header) {
        unit_prefix(u, member, prefix);
        weights_describe(&cores.mpo[member], prefix, cores.joint[0] ? cores.joint : NULL, header);
        report(c, u, member, &cores, t);
    }
    for (int k = 0; ok && member == 0 && k < cores.n; k++) {
        if (header)
            gguf_add_tensor(header, cores.t[k].name, cores.t[k].type, cores.t[k].n_dims, cores.t[k].ne);
        else
            ok = rows_copy(rows, &cores.t[k], cores.t[k].data, e);
    }
    free(record);
    return ok;
}

static void writing(void *ctx, uint64_t done, uint64_t total)
{
    const struct compress_options *o = ctx;
    if (o->progress) o->progress(o->progress_ctx, "writing", done, total);
}

static bool write_model(struct compressor *c, const char *key, FILE *f, struct error *e)
{
    const struct gguf *g = c->model->gguf;
    struct compress_result *r = c->result;
    struct row_writer rows = {.progress = writing, .progress_ctx = (void *)c->options, .stop = c->options->stop};
    size_t most = c->n * SITE_MAX_ROLES, n = 0;
    rows.out = gguf_writer_new(g->alignment);
    r->tensors = calloc(most + 1, sizeof *r->tensors);
    struct gguf_string *layers = calloc(most + 1, sizeof *layers);
    bool ok = (rows.out && r->tensors && layers) || fail(e, "found no memory for %zu matrices", most);
    for (size_t i = 0; ok && i < g->n_tensors; i++) ok = each_output(c, &g->tensors[i], rows.out, NULL, e);
    for (size_t i = 0; ok && i < r->n; i++)
        if (r->tensors[i].spec[0]) layers[n++] = (struct gguf_string){r->tensors[i].name, strlen(r->tensors[i].name)};
    if (ok) {
        describe(c, key, layers, n, rows.out);
        ok = gguf_writer_begin(rows.out, f, e);
        rows.total = r->bytes_after = gguf_writer_size(rows.out);
    }
    for (size_t i = 0; ok && i < g->n_tensors; i++) ok = each_output(c, &g->tensors[i], NULL, &rows, e);
    ok = ok && gguf_writer_end(rows.out, e);
    if (c->options->progress) writing((void *)c->options, rows.total, rows.total);
    r->bytes_before = c->model->file_bytes;
    r->ratio = r->parameters_after / r->parameters_before;
    free(layers);
    gguf_writer_free(rows.out);
    rows_free(&rows);
    return ok;
}

/* ---- All of it ---- */

static bool run(struct compressor *c, const char *out, struct error *e)
{
    char survey_key[SHA256_HEX], key[SHA256_HEX], path[4096], survey[4096];
    if (!lapack_require(c->options->threads, e) || !check_options(c, e)) return false;
    if (!beside(path, out, ".work", e) || !beside(survey, out, ".survey", e)) return false;
    hash_work(c->model, c->options, survey_key, key);
    c->work = work_file_open(path, key, false, e);
    bool ok = c->work && choose_ranks(c, c->options->survey ? c->options->survey : survey, survey_key, e) && make_cores(c, e);
    struct file_output *f = ok ? file_output_open(out, e) : NULL;
    ok = f && (write_model(c, key, file_output_stream(f), e) || fail_in(e, out));
    if (ok)
        ok = file_output_commit(f, e);
    else if (f)
        file_output_discard(f);
    work_file_close(c->work, ok);
    if (ok && !c->options->survey) remove(survey);
    return ok;
}

bool compress_run(const struct model *m, const char *out, const struct compress_options *o, struct compress_result *r,
                  struct error *e)
{
    struct compress_options options = with_defaults(o);
    struct compressor c = {.model = m,
                           .options = &options,
                           .cores = {.type = o->core_type,
                                     .gauge = !o->no_gauge && !o->sites,
                                     .sites = o->sites,
                                     .split = o->split,
                                     .parts = o->parts},
                           .result = r};
    *r = (struct compress_result){.n = 0};
    struct sha256 text;
    sha256_begin(&text);
    sha256_add(&text, o->text, o->text_len);
    sha256_end(&text, r->text_sha256);
    if (m->file && model_file_is_part(m->file, out))
        return fail(e, "%s: found a file of the model that is read, expected another", out);
    c.units = units_new(m, o->scope, !o->separate && !o->sites, &c.n, e);
    bool ok = c.units && run(&c, out, e);
    units_free(c.units, c.n);
    if (!ok) compress_result_free(r);
    return ok;
}
