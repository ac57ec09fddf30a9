/* cmd_bench_kernels.c - `hartree bench kernels [OP...] [--list]`
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "bench/kernels.h"
#include "tools/cli.h"
#include "tools/cmd_bench.h"

/* "avx2_r4" is ISA "avx2", tag "r4". */
struct isa_name {
    char isa[16];
    const char *tag;
};

static struct isa_name split(const struct kernel *row)
{
    struct isa_name s = {.tag = strchr(row->isa, '_')};
    snprintf(s.isa, sizeof s.isa, "%.*s", (int)strcspn(row->isa, "_"), row->isa);
    if (s.tag) s.tag++;
    return s;
}

static bool usable(const struct kernel *row)
{
    return (row->needs & kernel_active_features()) == row->needs;
}

static bool wanted(const struct kernel *row, int n_ops, char **ops)
{
    for (int i = 0; i < n_ops; i++)
        if (!strcmp(row->op, ops[i])) return true;
    return n_ops == 0;
}

static void put_name(struct json *j, const struct kernel *row)
{
    struct isa_name s = split(row);
    json_put_string(j, "op", row->op);
    json_put_string(j, "isa", s.isa);
    json_put_string(j, "tag", s.tag);
}

static bool list_row(const struct kernel *row, struct json *j)
{
    bool bound = kernel_bound(row->op) == row;
    if (common.json) {
        json_object(j);
        put_name(j, row);
        json_key(j, "usable");
        json_bool(j, usable(row));
        json_key(j, "bound");
        json_bool(j, bound);
        json_object_end(j);
    } else {
        printf("%-16s %-16s %s\n", row->op, row->isa,
               bound         ? "bound"
               : usable(row) ? ""
                             : "not allowed by this CPU or HARTREE_ISA");
    }
    return true;
}

static void put_result(struct json *j, const struct kernel *row, const struct kernel_bench *b)
{
    json_object(j);
    put_name(j, row);
    json_put_string(j, "case", b->c->name);
    json_key(j, "ok");
    json_bool(j, b->ok);
    json_put_number(j, "max_error", b->max_error);
    json_put_number(j, "tolerance", b->tolerance);
    const char *times[] = {"time_s", "mad_s"};
    double values[] = {b->time.median_s, b->time.mad_s};
    for (int i = 0; i < 2; i++) {
        json_key(j, times[i]);
        if (b->ok)
            json_number(j, values[i]);
        else
            json_null(j);
    }
    json_put_number(j, "flops", b->work.flops);
    json_put_number(j, "special", b->work.special);
    json_put_number(j, "bytes", b->work.bytes);
    json_put_number(j, "share_of_peak", b->share_of_peak);
    json_object_end(j);
}

static void print_result(const struct kernel *row, const struct kernel_bench *b, double scalar_s)
{
    printf("%-16s %-16s %-14s ", row->op, row->isa, b->c->name);
    if (b->ok) {
        double t = b->time.median_s;
        char share[16] = "-";
        if (!isnan(b->share_of_peak)) snprintf(share, sizeof share, "%.1f %%", 100 * b->share_of_peak);
        printf("%12.1f %6.1f %9.2f %8.2f %8s %8.2f  %.2g\n", t * 1e9, 100 * b->time.mad_s / t,
               (b->work.flops + b->work.special) / t * 1e-9, b->work.bytes / t * 1e-9, share, scalar_s / t, b->max_error);
    } else {
        printf("WRONG: error %g, tolerance %g%s\n", b->max_error, b->tolerance,
               row->exact ? ", or not bit-equal as it claims" : "");
    }
    fflush(stdout);
}

/* Times one row. *scalar_s is set by an op's first row, the scalar one. False where the kernel is wrong or memory ran out. */
static bool bench_row(const struct kernel *row, struct json *j, double *scalar_s)
{
    struct kernel_bench b;
    struct error e;
    if (!usable(row)) {
        detail("%s:%s left out: not allowed by this CPU or HARTREE_ISA", row->op, row->isa);
        return true;
    }
    if (!bench_kernel(row, NULL, &b, &e)) {
        failed(&e);
        return false;
    }
    if (!strcmp(row->isa, "scalar")) *scalar_s = b.time.median_s;
    if (common.json)
        put_result(j, row, &b);
    else
        print_result(row, &b, *scalar_s);
    return b.ok;
}

static int unknown_op(const char *op)
{
    const char *ops[256] = {NULL};
    for (size_t i = 0, n = 0; i < kernel_n_rows && n < 255; i++)
        if (kernel_rows[i] == kernel_reference(kernel_rows[i]->op)) ops[n++] = kernel_rows[i]->op;
    const char *near = nearest_word(op, ops);
    return usage_error("found operation '%s', expected one that --list names%s%s", op, near ? ", such as " : "",
                       near ? near : "");
}

int bench_kernels_run(int n_ops, char **ops)
{
    for (int i = 0; i < n_ops; i++)
        if (!kernel_reference(ops[i])) return unknown_op(ops[i]);
    struct json j;
    int status = EXIT_DONE;
    if (common.json) {
        json_begin(&j, stdout);
        json_array(&j);
    } else if (!bench_options.list) {
        printf("%-16s %-16s %-14s %12s %6s %9s %8s %8s %8s  %s\n", "op", "kernel", "case", "ns", "+- %", "GFLOP/s", "GB/s",
               "share", "x scalar", "error");
    }
    signals_catch();
    double scalar_s = 0;
    size_t op = 0;
    /* Rows stand in ISA order; print them op by op, each op's scalar row first. */
    for (size_t i = 0; i < kernel_n_rows && !interrupted; i++) {
        if (kernel_rows[i] != kernel_reference(kernel_rows[i]->op) || !wanted(kernel_rows[i], n_ops, ops)) continue;
        if (!shard_has(&bench_options.part, op++)) continue;
        for (size_t k = i; k < kernel_n_rows && !interrupted; k++) {
            if (strcmp(kernel_rows[k]->op, kernel_rows[i]->op)) continue;
            bool ok = bench_options.list ? list_row(kernel_rows[k], &j) : bench_row(kernel_rows[k], &j, &scalar_s);
            if (!ok) status = EXIT_FAILED;
        }
    }
    if (common.json) {
        json_array_end(&j);
        json_end(&j);
    }
    return finish_stdout(interrupted ? EXIT_FAILED : status);
}
