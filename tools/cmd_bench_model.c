/* cmd_bench_model.c - `hartree bench model`: the table that users of llama-bench know.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "bench/bench_model.h"
#include "engine/account/device.h"
#include "tools/cmd_bench.h"
#include "tools/common_args.h"

#include <stdlib.h>

/* As llama-bench writes it: "tg64", "tg64 @ d4096". */
static void name_test(char name[48], const struct bench_model_result *r)
{
    int n = snprintf(name, 48, "%s%zu", r->kind, r->tokens);
    if (r->past) snprintf(name + n, 48 - (size_t)n, " @ d%zu", r->past);
}

/* Only once there is a row to stand under it. */
static void print_head(void)
{
    static const char dashes[] = "------------------------------";
    printf("| %-30s | %11s | %9s | %-8s | %7s | %13s | %18s |\n", "model", "size", "params", "backend", "threads", "test",
           "t/s");
    printf("| %.30s | %.10s: | %.8s: | %.8s | %.6s: | %.12s: | %.17s: |\n", dashes, dashes, dashes, dashes, dashes, dashes,
           dashes);
}

static void print_row(const struct model *m, const struct bench_model_result *r)
{
    char test[48], speed[48], kernels[DEVICE_TEXT];
    device_kernels(kernels, sizeof kernels);
    name_test(test, r);
    snprintf(speed, sizeof speed, "%.2f ± %.2f", r->tps_avg, r->tps_stddev);
    printf("| %-30.30s | %7.2f GiB | %7.2f M | %-8s | %7d | %13s | %19s |\n", m->name, (double)m->file_bytes / (1 << 30),
           (double)m->parameters / 1e6, kernels, r->threads, test, speed);
    fflush(stdout);
}

static void put_row(struct json *j, const struct model *m, const struct bench_model_result *r)
{
    char test[48], kernels[DEVICE_TEXT];
    name_test(test, r);
    device_kernels(kernels, sizeof kernels);
    json_object(j);
    json_put_string(j, "model", m->name);
    json_put_integer(j, "size_bytes", (int64_t)m->file_bytes);
    json_put_integer(j, "params", (int64_t)m->parameters);
    json_put_string(j, "isa", kernels);
    json_put_integer(j, "threads", r->threads);
    json_put_string(j, "test", test);
    json_put_number(j, "tps_avg", r->tps_avg);
    json_put_number(j, "tps_stddev", r->tps_stddev);
    json_put_numbers(j, "runs", r->tps, (size_t)r->n_runs);
    json_object_end(j);
}

/* Every test of the lists, prompts before generations as llama-bench orders them; a length of 0 is no test. JSON goes out at
 * the end, so that a run that fails prints none. */
static bool run_tests(const struct model *m, struct bench_model_result *results, size_t *n, struct error *e)
{
    const struct bench_options *o = &bench_options;
    static const char *const kinds[] = {"pp", "tg"};
    const struct int_list *lists[] = {&o->prompts, &o->gens};
    struct int_list threads = o->threads;
    size_t test = 0;
    if (!threads.n) threads = (struct int_list){.v = {pool_default_threads()}, .n = 1};
    for (size_t t = 0; t < threads.n; t++)
        for (int kind = 0; kind < 2; kind++)
            for (size_t i = 0; i < lists[kind]->n; i++) {
                if (!lists[kind]->v[i] || !shard_has(&o->part, test++)) continue;
                struct bench_model_result *r = &results[*n];
                if (!bench_model(r, m, kinds[kind], (size_t)lists[kind]->v[i], (size_t)o->past, (int)threads.v[t],
                                 (int)o->repeats, arg_kv_type(), &interrupted, e))
                    return false;
                if (!common.json && !*n) print_head();
                if (!common.json) print_row(m, r);
                ++*n;
            }
    return true;
}

int bench_model_run(int n_args, char **args)
{
    if (n_args) return usage_error("found '%s', expected no further argument", args[0]);
    int64_t lengths = 0;
    for (size_t i = 0; i < bench_options.prompts.n; i++) lengths |= bench_options.prompts.v[i];
    for (size_t i = 0; i < bench_options.gens.n; i++) lengths |= bench_options.gens.v[i];
    if (!lengths) return usage_error("found only lengths of 0, expected a test of --prompt or --gen");
    struct error e = {""};
    size_t most = (bench_options.prompts.n + bench_options.gens.n) * (bench_options.threads.n ? bench_options.threads.n : 1),
           n = 0;
    struct bench_model_result *results = calloc(most + 1, sizeof *results);
    if (!results) return fail(&e, "bench: found no memory for %zu tests", most), failed(&e);
    signals_catch();
    struct model *m = arg_open_model(MODEL_NO_TOKENIZER, &e);
    bool ok = m && run_tests(m, results, &n, &e);
    if (ok && common.json) {
        struct json j;
        json_begin(&j, stdout);
        json_array(&j);
        for (size_t i = 0; i < n; i++) put_row(&j, m, &results[i]);
        json_array_end(&j);
        json_end(&j);
    }
    free(results);
    model_close(m);
    return ok ? EXIT_DONE : failed(&e);
}
