/* SPDX-License-Identifier: MIT */
#include "engine/compress/imatrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/suffix.h"
#include "loader/file.h"

void imatrix_free(struct imatrix *im)
{
    if (!im) return;
    for (size_t i = 0; i < im->n; i++)
        if (!im->entry[i].borrowed) compact_metric_free(&im->entry[i].metric);
    free(im->entry);
    free(im);
}

/* Takes the metric over unless it is borrowed; false and *e for want of memory. */
static bool push(struct imatrix *im, const char *name, const struct compact_metric *m, bool borrowed, struct error *e)
{
    const struct compact_metric taken = *m; /* m may lie in the list, which moves as it grows */
    struct imatrix_entry *grown = memory_grow(im->entry, &im->capacity, im->n + 1, sizeof *grown);
    if (!grown) return fail(e, "importance matrix: found no memory for %zu tensors", im->n + 1);
    im->entry = grown;
    struct imatrix_entry *to = &im->entry[im->n++];
    *to = (struct imatrix_entry){.metric = taken, .borrowed = borrowed};
    snprintf(to->name, sizeof to->name, "%s", name);
    return true;
}

const struct compact_metric *imatrix_find(const struct imatrix *im, const char *tensor)
{
    for (size_t i = 0; i < im->n; i++)
        if (!strcmp(im->entry[i].name, tensor)) return &im->entry[i].metric;
    return NULL;
}

/* ---- From a text ---- */

static bool take_layer(void *ctx, const struct statistics_layer *s, const struct plan **next, struct error *e)
{
    struct imatrix *im = ctx;
    (void)next;
    for (int site = 0; site < SITE_COUNT; site++) {
        const struct moments *x = s->input[site];
        struct compact_metric m;
        if (!x) continue;
        if (!compact_metric_new(&m, x, s->pool, e)) return false;
        for (int i = 0; i < SITE_MAX_ROLES && site_roles[site][i]; i++) {
            char name[TENSOR_MAX_NAME];
            snprintf(name, sizeof name, "blk.%d.%s.weight", s->layer, site_roles[site][i]);
            if (push(im, name, &m, i > 0, e)) continue;
            if (!i) compact_metric_free(&m);
            return false;
        }
        im->tokens = x->tokens;
    }
    return true;
}

struct imatrix *imatrix_collect(const struct model *m, const struct calibration *c, const struct statistics_options *o,
                                struct error *e)
{
    struct imatrix *im = calloc(1, sizeof *im);
    if (!im) {
        fail(e, "importance matrix: found no memory");
        return NULL;
    }
    if (statistics_run(m, c, o, take_layer, im, e)) return im;
    imatrix_free(im);
    return NULL;
}

/* ---- To a file ---- */

/* What stands in the file of one entry, in this order. */
enum part { SUM2, COUNTS, SUM, VECTORS, VALUES, PARTS };
static const char *const suffixes[PARTS] = {".in_sum2", ".counts", ".in_sum", ".vectors", ".values"};

static size_t part_size(const struct imatrix_entry *t, enum part p)
{
    switch (p) {
    case SUM2: return t->metric.n;
    case COUNTS: return 1;
    case SUM: return t->metric.mean ? t->metric.n : 0;
    case VECTORS: return t->borrowed ? 0 : t->metric.n * t->metric.k;
    default: return t->borrowed ? 0 : t->metric.k;
    }
}

static bool put_scaled(struct gguf_writer *w, const float *v, size_t n, float scale, struct error *e)
{
    for (size_t i = 0; i < n; i++) {
        float x = v[i] * scale;
        if (!gguf_write_data(w, &x, sizeof x, e)) return false;
    }
    return true;
}

static bool put_part(const struct imatrix *im, const struct imatrix_entry *t, enum part p, struct gguf_writer *w,
                     struct error *e)
{
    float count = (float)im->tokens;
    switch (p) {
    case SUM2: return put_scaled(w, t->metric.square, t->metric.n, count, e);
    case COUNTS: return put_scaled(w, &count, 1, 1, e);
    case SUM: return put_scaled(w, t->metric.mean, t->metric.n, count, e);
    case VECTORS: return gguf_write_data(w, t->metric.v, t->metric.n * t->metric.k * sizeof(float), e);
    default: return gguf_write_data(w, t->metric.value, t->metric.k * sizeof(float), e);
    }
}

static bool write_all(const struct imatrix *im, const char *dataset, size_t context, FILE *f, struct error *e)
{
    struct gguf_writer *w = gguf_writer_new(0);
    if (!w) return fail(e, "no memory");
    struct gguf_string name = {dataset, strlen(dataset)};
    gguf_set_string(w, "general.type", "imatrix", 7);
    gguf_set_strings(w, "imatrix.datasets", &name, 1);
    gguf_set_u32(w, "imatrix.chunk_count", (uint32_t)(im->tokens / context));
    gguf_set_u32(w, "imatrix.chunk_size", (uint32_t)context);
    for (size_t i = 0; i < im->n; i++)
        for (enum part p = 0; p < PARTS; p++) {
            const struct imatrix_entry *t = &im->entry[i];
            int64_t n = (int64_t)t->metric.n, ne[2] = {p == COUNTS   ? 1
                                                       : p == VALUES ? (int64_t)t->metric.k
                                                                     : n,
                                                       p == VECTORS ? (int64_t)t->metric.k : 1};
            char text[2 * TENSOR_MAX_NAME];
            snprintf(text, sizeof text, "%s%s", t->name, suffixes[p]);
            if (part_size(t, p)) gguf_add_tensor(w, text, TYPE_F32, 2, ne);
        }
    bool ok = gguf_writer_begin(w, f, e);
    for (size_t i = 0; ok && i < im->n; i++)
        for (enum part p = 0; ok && p < PARTS; p++)
            if (part_size(&im->entry[i], p)) ok = put_part(im, &im->entry[i], p, w, e);
    ok = ok && gguf_writer_end(w, e);
    gguf_writer_free(w);
    return ok;
}

bool imatrix_write(const struct imatrix *im, const char *path, const char *dataset, size_t context, struct error *e)
{
    struct file_output *o = file_output_open(path, e);
    if (!o) return false;
    if (write_all(im, dataset, context, file_output_stream(o), e)) return file_output_commit(o, e);
    file_output_discard(o);
    return fail_in(e, path);
}

/* ---- From a file ---- */

/* The part of a tensor's entry as floats, borrowed; *out NULL where there is none. */
static bool find_part(const struct gguf *g, const char *name, enum part p, int64_t ne0, int64_t ne1, const float **out,
                      struct error *e)
{
    char text[2 * TENSOR_MAX_NAME];
    snprintf(text, sizeof text, "%s%s", name, suffixes[p]);
    const struct tensor *t = gguf_tensor(g, text);
    *out = NULL;
    if (!t) return true;
    if (t->type != TYPE_F32) return fail(e, "tensor '%s': found type %s, expected F32", text, type_name(t->type));
    if (t->ne[0] != ne0 || tensor_rows(t) != ne1)
        return fail(e, "tensor '%s': found [%lld, %lld], expected [%lld, %lld]", text, (long long)t->ne[0],
                    (long long)tensor_rows(t), (long long)ne0, (long long)ne1);
    const float *v = *out = t->data;
    for (int64_t i = 0; i < ne0 * ne1; i++)
        if (!isfinite(v[i]) || (v[i] < 0 && (p == SUM2 || p == COUNTS || p == VALUES)))
            return fail(e, "tensor '%s': found %g at place %lld, expected a number%s", text, (double)v[i], (long long)i,
                        p == SUM || p == VECTORS ? "" : " of 0 or more");
    return true;
}

static float *scaled_copy(const float *v, size_t n, float scale)
{
    float *to = malloc((n + 1) * sizeof *to);
    for (size_t i = 0; to && i < n; i++) to[i] = v[i] * scale;
    return to;
}

/* The entry whose input the role at hand reads, too: the first of its site, if that has been read; else NULL. */
static const struct compact_metric *first_of_site(const struct imatrix *im, const char *name)
{
    const char *role = strncmp(name, "blk.", 4) ? NULL : strchr(name + 4, '.');
    for (int site = 0; role && site < SITE_COUNT; site++)
        for (int i = 1; i < SITE_MAX_ROLES && site_roles[site][i]; i++) {
            size_t n = strlen(site_roles[site][i]);
            char first[TENSOR_MAX_NAME + 32];
            if (strncmp(role + 1, site_roles[site][i], n) || strcmp(role + 1 + n, ".weight")) continue;
            snprintf(first, sizeof first, "%.*s.%s.weight", (int)(role - name), name, site_roles[site][0]);
            return imatrix_find(im, first);
        }
    return NULL;
}

static bool read_entry(struct imatrix *im, const struct gguf *g, const struct tensor *sum2, struct error *e)
{
    char name[TENSOR_MAX_NAME];
    snprintf(name, sizeof name, "%.*s", (int)(strlen(sum2->name) - strlen(suffixes[SUM2])), sum2->name);
    const float *square, *count, *sum, *vectors, *values;
    char key[2 * TENSOR_MAX_NAME];
    snprintf(key, sizeof key, "%s%s", name, suffixes[VALUES]);
    const struct tensor *t = gguf_tensor(g, key);
    int64_t n = sum2->ne[0], k = t ? t->ne[0] : 0;
    if (k > COMPACT_VECTORS || (k && k > n))
        return fail(e, "tensor '%s': found %lld, expected at most %d", key, (long long)k, COMPACT_VECTORS);
    if (tensor_rows(sum2) != 1)
        return fail(e, "tensor '%s': found %lld matrices, expected 1: mixtures of experts are not supported", sum2->name,
                    (long long)tensor_rows(sum2));
    if (!find_part(g, name, SUM2, n, 1, &square, e) || !find_part(g, name, COUNTS, 1, 1, &count, e) ||
        !find_part(g, name, SUM, n, 1, &sum, e) || !find_part(g, name, VECTORS, n, k, &vectors, e) ||
        !find_part(g, name, VALUES, k, 1, &values, e))
        return false;
    if (!count || !(count[0] > 0))
        return fail(e, "tensor '%s.counts': found none above 0, expected the number of tokens", name);
    const struct compact_metric *first = first_of_site(im, name);
    if (first && first->k && !k && first->n == (size_t)n) return push(im, name, first, true, e);
    struct compact_metric m = {.n = (size_t)n, .k = vectors && values && sum ? (size_t)k : 0};
    m.square = scaled_copy(square, m.n, 1 / count[0]);
    m.mean = sum ? scaled_copy(sum, m.n, 1 / count[0]) : NULL;
    m.v = m.k ? scaled_copy(vectors, m.n * m.k, 1) : NULL;
    m.value = m.k ? scaled_copy(values, m.k, 1) : NULL;
    bool held = m.square && (m.mean || !sum) && ((m.v && m.value) || !m.k);
    im->tokens = (size_t)count[0];
    if ((held || fail(e, "importance matrix: found no memory for tensor '%s'", name)) && push(im, name, &m, false, e))
        return true;
    compact_metric_free(&m);
    return false;
}

struct imatrix *imatrix_read(const char *path, struct error *e)
{
    struct model_file *file = model_file_open(path, NULL, e);
    struct imatrix *im = file ? calloc(1, sizeof *im) : NULL;
    if (!file) return NULL;
    bool ok = im || fail(e, "importance matrix: found no memory");
    for (size_t i = 0; ok && i < file->gguf->n_tensors; i++)
        if (ends_with(file->gguf->tensors[i].name, suffixes[SUM2])) ok = read_entry(im, file->gguf, &file->gguf->tensors[i], e);
    ok = ok &&
         (im->n || fail(e, "tensors: found no NAME.in_sum2 among %zu, expected an importance matrix", file->gguf->n_tensors));
    model_file_close(file);
    if (ok) return im;
    imatrix_free(im);
    fail_in(e, path);
    return NULL;
}
