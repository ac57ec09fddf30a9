/* cmd_info.c - what a GGUF file holds. Reads the header alone, so that it also works on a download in progress.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/printable.h"
#include "engine/factorised.h"
#include "loader/file.h"
#include "tools/common_args.h"

static bool all_tensors;
static const char *model; /* as other commands name it */

/* The layers that are no plain matrices, read by the engine: none where the file is of no architecture that it knows. */
struct factorised {
    struct factorised_row *rows;
    size_t n;
};

/* ---- JSON ---- */

static void put_string(struct json *j, const char *key, struct gguf_string s)
{
    json_key(j, key);
    if (s.data) json_bytes(j, s.data, s.len);
    else json_null(j);
}

static void put_element(struct json *j, const struct gguf_kv *kv, uint64_t i)
{
    switch (kv->element) {
    case GGUF_STRING: json_bytes(j, kv->strings[i].data, kv->strings[i].len); break;
    case GGUF_BOOL: json_bool(j, gguf_integer(kv, i)); break;
    case GGUF_F32: case GGUF_F64: json_number(j, gguf_number(kv, i)); break;
    default: json_integer(j, gguf_integer(kv, i)); break;
    }
}

static void put_hparams(struct json *j, const struct description *d, const struct gguf *g)
{
    json_key(j, "hparams");
    json_object(j);
    for (size_t i = 0; i < g->n_kv; i++) {
        const struct gguf_kv *kv = &g->kv[i];
        struct gguf_string name;
        if (!describe_hparam(d, kv, &name)) continue;
        static char key[UINT16_MAX + 1]; /* the format's longest */
        snprintf(key, sizeof key, "%.*s", (int)name.len, name.data);
        json_key(j, key);
        if (kv->type == GGUF_ARRAY) json_array(j);
        for (uint64_t k = 0; k < kv->n; k++) put_element(j, kv, k);
        if (kv->type == GGUF_ARRAY) json_array_end(j);
    }
    json_object_end(j);
}

static void put_factorised(struct json *j, const struct factorised *list)
{
    json_key(j, "factorised");
    json_array(j);
    for (size_t i = 0; i < list->n; i++) {
        const struct factorised_row *r = &list->rows[i];
        json_object(j);
        json_put_string(j, "name", r->name);
        json_put_string(j, "spec", r->spec);
        json_put_string(j, "added", r->added);
        json_put_number(j, "parameters", r->parameters);
        json_put_number(j, "dense_parameters", r->dense_parameters);
        json_put_number(j, "flops_per_row", r->flops);
        json_put_number(j, "dense_flops_per_row", r->dense_flops);
        json_put_string(j, "order", r->order);
        json_key(j, "rebuilt_from_rows");
        if (r->rebuild_from == SIZE_MAX) json_null(j);
        else json_integer(j, (int64_t)r->rebuild_from);
        json_object_end(j);
    }
    json_array_end(j);
}

static void print_json(const struct model_file *f, const struct description *d, const struct factorised *list)
{
    struct json j;
    const struct gguf *g = f->gguf;
    json_begin(&j, stdout);
    json_object(&j);
    put_string(&j, "architecture", d->architecture);
    put_string(&j, "name", d->name);
    json_put_integer(&j, "file_bytes", (int64_t)f->bytes);
    json_put_integer(&j, "missing_bytes", (int64_t)f->missing);
    json_put_integer(&j, "parts", (int64_t)f->n_parts);
    json_put_integer(&j, "parameters", (int64_t)d->all.parameters);
    json_key(&j, "layers");
    if (d->has_layers) json_integer(&j, d->layers);
    else json_null(&j);
    put_hparams(&j, d, g);
    json_put_types(&j, "types", d->types);
    if (list->n) put_factorised(&j, list);
    json_key(&j, "tensors");
    json_array(&j);
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct tensor *t = &g->tensors[i];
        json_object(&j);
        json_put_string(&j, "name", t->name);
        json_put_string(&j, "type", type_name(t->type));
        json_key(&j, "shape");
        json_array(&j);
        for (unsigned k = 0; k < t->n_dims; k++) json_integer(&j, t->ne[k]);
        json_array_end(&j);
        json_put_integer(&j, "bytes", (int64_t)t->bytes);
        json_put_integer(&j, "offset", (int64_t)t->offset);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
}

/* ---- Text ---- */

static void print_bytes(uint64_t n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)n;
    size_t u = 0;
    for (; v >= 1024 && u + 1 < sizeof units / sizeof *units; u++) v /= 1024;
    printf(u ? "%9.1f %-3s" : "%9.0f %-3s", v, units[u]);
}

static void print_metadata(const struct gguf *g)
{
    printf("\nmetadata\n");
    for (size_t i = 0; i < g->n_kv; i++) {
        const struct gguf_kv *kv = &g->kv[i];
        char kind[48];
        /* Five lines a layer, of which the table of factorised layers makes one. */
        if (!common.verbose && kv->key.len > 8 && !memcmp(kv->key.data, "mpo.blk.", 8)) continue;
        if (kv->type == GGUF_ARRAY) snprintf(kind, sizeof kind, "%s[%" PRIu64 "]", gguf_value_name(kv->element), kv->n);
        else snprintf(kind, sizeof kind, "%s", gguf_value_name(kv->type));
        printf("  ");
        print_escaped(stdout, kv->key.data, kv->key.len, 120);
        int pad = kv->key.len < 40 ? 40 - (int)kv->key.len : 1;
        printf("%*s%-16s ", pad, "", kind);
        describe_value(stdout, kv, common.verbose ? 4000 : 72);
        putchar('\n');
    }
}

/* The types of a layer, largest first, with their share of its bytes where there are several. */
static void print_types(const struct layer_sum *s)
{
    bool done[TYPE_FILE_END] = {false};
    for (bool first = true;; first = false) {
        unsigned best = TYPE_FILE_END;
        for (unsigned t = 0; t < TYPE_FILE_END; t++)
            if (!done[t] && s->type_bytes[t] && (best == TYPE_FILE_END || s->type_bytes[t] > s->type_bytes[best])) best = t;
        if (best == TYPE_FILE_END) return;
        done[best] = true;
        printf("%s%s", first ? "" : ", ", type_name(best));
        double share = 100 * (double)s->type_bytes[best] / (double)s->all.bytes;
        if (s->type_bytes[best] < s->all.bytes) printf(share < 1 ? " <1 %%" : " %.0f %%", share);
    }
}

static void print_layers(const struct description *d)
{
    printf("\n%-32s %8s %14s %13s  types\n", "layer", "tensors", "parameters", "bytes");
    for (size_t i = 0; i < d->n_sums; i++) {
        const struct layer_sum *s = &d->sums[i];
        print_escaped(stdout, s->name.data, s->name.len, 60);
        printf("%*s %8" PRIu64 " %14" PRIu64 " ", s->name.len < 32 ? 32 - (int)s->name.len : 0, "", s->all.tensors,
               s->all.parameters);
        print_bytes(s->all.bytes);
        printf("  ");
        print_types(s);
        putchar('\n');
    }
    printf("%-32s %8" PRIu64 " %14" PRIu64 " ", "all", d->all.tensors, d->all.parameters);
    print_bytes(d->all.bytes);
    printf("\n\n%-32s %8s %14s %13s  bits a parameter\n", "type", "tensors", "parameters", "bytes");
    for (unsigned t = 0; t < TYPE_FILE_END; t++) {
        const struct type_sum *s = &d->types[t];
        if (!s->tensors) continue;
        printf("%-32s %8" PRIu64 " %14" PRIu64 " ", type_name(t), s->tensors, s->parameters);
        print_bytes(s->bytes);
        printf("  %.4g\n", 8 * (double)s->bytes / (double)s->parameters);
    }
}

static void print_factorised(const struct factorised *list)
{
    printf("\n%-24s %12s %9s %9s  structure\n", "factorised layer", "parameters", "of dense", "FLOPs");
    for (size_t i = 0; i < list->n; i++) {
        const struct factorised_row *r = &list->rows[i];
        printf("%-24s %12.0f %7.1f %% %7.1f %%  %s%s%s", r->name, r->parameters, 100 * r->parameters / r->dense_parameters,
               100 * r->flops / r->dense_flops, r->spec, *r->added ? "; " : "", r->added);
        if (*r->order) printf("; contracted in the order %s", r->order);
        if (r->rebuild_from != SIZE_MAX) printf("; the matrix is made from %zu rows on", r->rebuild_from);
        putchar('\n');
    }
}

static void print_tensors(const struct gguf *g)
{
    printf("\n%-40s %-5s %13s %14s  shape\n", "tensor", "type", "bytes", "offset");
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct tensor *t = &g->tensors[i];
        size_t len = strlen(t->name);
        print_escaped(stdout, t->name, len, TENSOR_MAX_NAME);
        printf("%*s %-5s ", len < 40 ? 40 - (int)len : 0, "", type_name(t->type));
        print_bytes(t->bytes);
        printf(" %14" PRIu64 "  [", t->offset);
        for (unsigned k = 0; k < t->n_dims; k++) printf("%s%" PRId64, k ? ", " : "", t->ne[k]);
        printf("]\n");
    }
}

static void print_text(const struct model_file *f, const struct description *d, const struct factorised *list)
{
    const struct gguf *g = f->gguf;
    printf("file          ");
    print_escaped(stdout, f->path, strlen(f->path), SIZE_MAX);
    printf("\nformat        GGUF version %" PRIu32 ", aligned to %" PRIu32, g->version, g->alignment);
    if (f->n_parts > 1) printf(", in %zu parts", f->n_parts);
    printf("\nfile bytes    %" PRIu64 "\narchitecture  ", f->bytes);
    if (d->architecture.data) print_escaped(stdout, d->architecture.data, d->architecture.len, 100);
    else printf("not said");
    printf("\nname          ");
    if (d->name.data) print_escaped(stdout, d->name.data, d->name.len, 100);
    else printf("not said");
    printf("\nparameters    %" PRIu64 "\nlayers        ", d->all.parameters);
    if (d->has_layers) printf("%" PRIu32 "\n", d->layers);
    else printf("not said\n");
    print_metadata(g);
    print_layers(d);
    if (list->n) print_factorised(list);
    if (all_tensors) print_tensors(g);
}

/* Whether the file holds a tensor of the convention for factorised layers. */
static bool is_factorised(const struct gguf *g)
{
    for (size_t i = 0; i < g->n_tensors; i++)
        if (strstr(g->tensors[i].name, ".mpo.")) return true;
    return false;
}

/* A file that the engine refuses is described all the same, with a note why. */
static struct factorised read_factorised(const char *path, const struct gguf *g)
{
    struct factorised list = {0};
    struct error e = {""};
    if (!is_factorised(g)) return list;
    struct model *m = model_open(path, NULL, MODEL_HEADER_ONLY, &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    if (p) list.rows = factorised_list(p, &list.n, &e);
    if (!list.rows) note("%s", e.text);
    plan_free(p);
    model_close(m);
    return list;
}

static int run(int n_args, char **args)
{
    struct error e;
    struct description d;
    if (!n_args == !model) return usage_error("found %s, expected FILE", model ? "both FILE and -m" : "no file");
    const char *path = model ? model : args[0];
    struct model_file *f = model_file_open(path, &(struct file_options){.header_only = true}, &e);
    if (!f) return failed(&e);
    if (!describe_model(&d, f->gguf, &e)) {
        fail_in(&e, path);
        model_file_close(f);
        return failed(&e);
    }
    arg_note_cut(f);
    struct factorised list = read_factorised(path, f->gguf);
    if (common.json) print_json(f, &d, &list);
    else print_text(f, &d, &list);
    free(list.rows);
    describe_free(&d);
    model_file_close(f);
    return EXIT_DONE;
}

static const struct option options[] = {
    {.name = "model", .alias = "m", .kind = OPTION_STRING, .target = &model, .metavar = "FILE", .help = "the same as FILE"},
    {.name = "tensors",
     .kind = OPTION_FLAG,
     .target = &all_tensors,
     .help = "list every tensor with its shape and offset; JSON always does"},
    {.name = NULL},
};

const struct command command_info = {
    .name = "info",
    .summary = "what a GGUF file holds: metadata, layers, types and bytes",
    .usage = "FILE [--tensors] [--json]",
    .description =
        "Metadata, architecture, and a table of the layers with their parameters, types and bytes. FILE may be one part of a "
        "split model or a .gguf.zst. Only the header is read; where the file ends before its tensor data do, a note on "
        "stderr says by how much. Values that are long are cut; -v shows more of them.",
    .options = options,
    .max_args = 1,
    .run = run,
};
