/* cmd_bench_layer.c - `hartree bench layer NAME`: ops of one layer of a real model, timed beside their prediction.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "bench/layer.h"
#include "engine/account/calibrate.h"
#include "tools/account_args.h"
#include "tools/cmd_bench.h"

/* What was asked for: the tensor's own name where it is one. */
static const char *shown_name(const struct layer_ops *l, const char *name)
{
    return l->w ? l->w->name : name;
}

static void put_row(struct json *j, const char *name, const struct layer_ops *l, const struct bench_layer_options *o,
                    const struct bench_layer_result *r)
{
    char kernels[DEVICE_TEXT];
    device_kernels(kernels, sizeof kernels);
    json_object(j);
    json_put_string(j, "tensor", shown_name(l, name));
    json_put_string(j, "type", l->w ? type_name(l->w->type) : NULL);
    json_key(j, "shape");
    json_array(j);
    for (int i = 0; l->w && i < (int)l->w->n_dims; i++) json_integer(j, l->w->ne[i]);
    json_array_end(j);
    json_put_integer(j, "rows", (int64_t)o->rows);
    json_put_string(j, "isa", kernels);
    json_put_integer(j, "threads", o->threads);
    json_put_number(j, "time_s", r->time_s);
    json_put_number(j, "flops", r->flops);
    json_put_number(j, "bytes", r->bytes);
    json_put_number(j, "gflops", r->flops / r->time_s * 1e-9);
    json_put_number(j, "gbps", r->bytes / r->time_s * 1e-9);
    json_put_number(j, "share_of_peak", r->share_of_peak);
    json_put_number(j, "predicted_s", r->predicted_s);
    json_object_end(j);
}

/* A figure in a width of 10, "-" where it is not known. */
static void print_cell(double v, int digits, const char *unit)
{
    char text[32] = "-";
    if (!isnan(v)) snprintf(text, sizeof text, "%.*f%s", digits, v, unit);
    printf(" %10s", text);
}

static void print_row(const char *name, const struct layer_ops *l, const struct bench_layer_options *o,
                      const struct bench_layer_result *r)
{
    printf("%-28s %-6s %6zu %7d", shown_name(l, name), l->w ? type_name(l->w->type) : "", o->rows, o->threads);
    print_cell(r->time_s * 1e6, 1, "");
    print_cell(r->predicted_s * 1e6, 1, "");
    print_cell(r->flops / r->time_s * 1e-9, 2, "");
    print_cell(r->bytes / r->time_s * 1e-9, 2, "");
    print_cell(r->share_of_peak * 100, 1, " %");
    char kernels[DEVICE_TEXT];
    device_kernels(kernels, sizeof kernels);
    printf("  %s\n", kernels);
    fflush(stdout);
}

/* Names that would have been right, of the layer that was meant if there is such a one, else of the first. */
static int unknown_name(const struct plan *p, int layer, const char *name)
{
    enum { MAX_NAMES = 96 };
    static char text[MAX_NAMES][TENSOR_MAX_NAME];
    const char *words[MAX_NAMES + 1] = {NULL};
    size_t n = 0;
    if (layer >= p->model->hp.n_layer)
        return usage_error("found layer %d in '%s', expected one from 0 to %d", layer, name, p->model->hp.n_layer - 1);
    if (layer < 0) layer = 0;
    static const char *const parts[] = {"", ".attn", ".ffn"};
    for (int i = 0; i < 3; i++) snprintf(text[n++], sizeof text[0], "blk.%d%s", layer, parts[i]);
    for (size_t i = 0; i < p->n_ops && n < MAX_NAMES; i++) {
        const struct op *op = &p->ops[i];
        if (op->layer == -1) snprintf(text[n++], sizeof text[0], "%s", op->role);
        if (op->layer == layer) snprintf(text[n++], sizeof text[0], "blk.%d.%s", layer, op->role);
    }
    for (size_t i = 0; i < n; i++) words[i] = text[i];
    const char *near = nearest_word(name, words);
    return usage_error("found '%s', expected a tensor, blk.N.attn, blk.N.ffn or blk.N%s%s%s", name,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Every number of threads and of rows. JSON goes out at the end, so that a run that fails prints none. */
static bool run_list(const struct plan *p, const struct layer_ops *l, const struct device *d, const char *name, struct error *e)
{
    const struct bench_options *b = &bench_options;
    struct int_list threads = b->threads;
    if (!threads.n) threads = (struct int_list){.v = {pool_default_threads()}, .n = 1};
    size_t most = threads.n * b->rows.n, n = 0, test = 0;
    struct bench_layer_options *options = calloc(most + 1, sizeof *options);
    struct bench_layer_result *results = calloc(most + 1, sizeof *results);
    bool ok = (options && results) || fail(e, "bench: found no memory for %zu rows", most);
    for (size_t t = 0; ok && t < threads.n; t++)
        for (size_t i = 0; ok && i < b->rows.n; i++) {
            if (!shard_has(&b->part, test++)) continue;
            options[n] = (struct bench_layer_options){.rows = (size_t)b->rows.v[i],
                                                      .past = (size_t)b->past,
                                                      .threads = (int)threads.v[t],
                                                      .repeats = (int)b->repeats,
                                                      .kv_type = arg_kv_type(),
                                                      .interrupted = &interrupted};
            ok = bench_layer(&results[n], p, l, d, &options[n], e);
            if (ok && !common.json && !n)
                printf("%-28s %-6s %6s %7s %10s %10s %10s %10s %10s  %s\n", "tensor", "type", "rows", "threads", "us",
                       "predicted", "GFLOP/s", "GB/s", "of peak", "isa");
            if (ok && !common.json) print_row(name, l, &options[n], &results[n]);
            n += ok;
        }
    if (ok && common.json) {
        struct json j;
        json_begin(&j, stdout);
        json_array(&j);
        for (size_t i = 0; i < n; i++) put_row(&j, name, l, &options[i], &results[i]);
        json_array_end(&j);
        json_end(&j);
    }
    free(options);
    free(results);
    return ok;
}

int bench_layer_run(int n_args, char **args)
{
    if (n_args != 1)
        return usage_error("found %d names, expected one: a tensor (blk.3.ffn_down), blk.3.attn, blk.3.ffn or blk.3", n_args);
    struct error e = {""};
    signals_catch();
    struct model *m = arg_open_model(MODEL_NO_TOKENIZER, &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    struct layer_ops l = {.layer = -1};
    struct device d = {0};
    bool ok = p && layer_ops_find(&l, p, args[0], &e);
    int status = ok && !l.chosen ? unknown_name(p, l.layer, args[0]) : EXIT_DONE;
    if (status == EXIT_DONE) {
        ok = ok && device_find(&d, account_args.device, note, &interrupted, &e) && run_list(p, &l, &d, args[0], &e);
        status = ok ? EXIT_DONE : failed(&e);
    }
    device_free(&d);
    layer_ops_free(&l);
    plan_free(p);
    model_close(m);
    return status;
}
