/* cmd_quantize.c - a model with its matrices in other types.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/quantise.h"
#include "tools/common_args.h"

#include <inttypes.h>

static const struct option options[] = {{.name = NULL}};

static void writing(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    progress("quantizing", done, total);
}

/* A misspelt type is wrong usage. */
static int refuse(const char *type, const struct error *e)
{
    enum { MAX_NAMES = 64 };
    const char *words[MAX_NAMES + 1] = {NULL};
    for (size_t i = 0; i < MAX_NAMES && mix_at(i); i++) words[i] = mix_name(mix_at(i));
    const char *near = nearest_word(type, words);
    return near ? usage_error("unknown type '%s', did you mean '%s'?", type, near) : usage_error("%s", e->text);
}

static void print_types(const char *what, const struct type_sum totals[TYPE_FILE_END])
{
    for (unsigned t = 0; t < TYPE_FILE_END; t++)
        if (totals[t].tensors)
            printf("%-6s  %-5s  %7" PRIu64 "  %15" PRIu64 "\n", what, type_name(t), totals[t].tensors, totals[t].bytes);
}

static int run(int n_args, char **args)
{
    (void)n_args;
    struct error e = {""};
    struct quantise_options o = {
        .mix = mix_find(args[2], &e), .threads = arg_threads(), .progress = writing, .stop = &interrupted};
    if (!o.mix) return refuse(args[2], &e);
    struct quantise_result r;
    signals_catch();
    if (!quantise_file(args[0], args[1], &o, &r, &e)) return failed(&e);
    if (common.json) {
        struct json j;
        json_begin(&j, stdout);
        json_object(&j);
        json_put_string(&j, "input", args[0]);
        json_put_string(&j, "output", args[1]);
        json_put_string(&j, "type", mix_name(o.mix));
        json_put_integer(&j, "bytes_before", (int64_t)r.file_bytes_in);
        json_put_integer(&j, "bytes_after", (int64_t)r.file_bytes_out);
        json_put_integer(&j, "parameters", (int64_t)r.parameters);
        json_put_integer(&j, "tensors", (int64_t)r.tensors);
        json_put_integer(&j, "converted", (int64_t)r.converted);
        json_put_types(&j, "types_before", r.in);
        json_put_types(&j, "types_after", r.out);
        json_object_end(&j);
        json_end(&j);
        return EXIT_DONE;
    }
    printf("        type   tensors            bytes\n");
    print_types("before", r.in);
    print_types("after", r.out);
    printf("%s: %" PRIu64 " bytes\n%s: %" PRIu64 " bytes, %.1f %%, %.2f bits a parameter, %zu of %zu tensors converted\n",
           args[0], r.file_bytes_in, args[1], r.file_bytes_out, 100.0 * (double)r.file_bytes_out / (double)r.file_bytes_in,
           8.0 * (double)r.file_bytes_out / (double)(r.parameters ? r.parameters : 1), r.converted, r.tensors);
    return EXIT_DONE;
}

const struct command command_quantize = {
    .name = "quantize",
    .summary = "write a model with its matrices in other types",
    .usage = "IN OUT TYPE",
    .description =
        "TYPE is a mix as llama-quantize makes it (Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M) or one type for "
        "every matrix (F32 F16 BF16 Q8_0 Q5_0 Q5_1 Q4_0 Q4_1 Q2_K Q3_K Q4_K Q5_K Q6_K). Vectors become F32. A row "
        "that a type's blocks of 256 do not divide gets the nearest type with smaller ones, as llama-quantize does.",
    .options = options,
    .min_args = 3,
    .max_args = 3,
    .run = run,
};
