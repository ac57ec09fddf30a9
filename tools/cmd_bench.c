/* cmd_bench.c - `hartree bench KIND ...`: finds the kind by its first word. A kind is one line here and one file
 * cmd_bench_KIND.c. SPDX-License-Identifier: MIT */
#include "tools/cmd_bench.h"

#include <string.h>

#include "bench/bench_model.h"
#include "tools/account_args.h"

struct bench_options bench_options = {.prompts = {{512}, 1}, .gens = {{128}, 1}, .rows = {{1, 8, 64, 512}, 4}, .repeats = 5};

static const struct option options[] = {
    {.name = "list",
     .kind = OPTION_FLAG,
     .target = &bench_options.list,
     .help = "kernels: list what is built and bound, time nothing"},
    ARG_MODEL,
    ARG_KV,
    {"prompt", "p", OPTION_INTS, &bench_options.prompts, "N,...", "model: prompt lengths to feed, 0 for none (default 512)", 0,
     INT32_MAX, NULL},
    {"gen", "n", OPTION_INTS, &bench_options.gens, "N,...", "model: numbers of tokens to decode, 0 for none (default 128)", 0,
     INT32_MAX, NULL},
    {"rows", NULL, OPTION_INTS, &bench_options.rows, "N,...", "layer: numbers of tokens a step (default 1,8,64,512)", 1, 65536,
     NULL},
    {"past", "d", OPTION_INT, &bench_options.past, "N", "layer, model: tokens in the cache before what is timed (default 0)", 0,
     INT32_MAX, NULL},
    ARG_DEVICE,
    {"threads", "t", OPTION_INTS, &bench_options.threads, "N,...",
     "layer, model: numbers of threads (default: the physical cores)", 1, 1024, NULL},
    {"shard", NULL, OPTION_STRING, &bench_options.shard, "I/N",
     "measure the I-th of N parts of the operations (kernels) or tests (layer, model)", 0, 0, NULL},
    {"repeats", "r", OPTION_INT, &bench_options.repeats, "N", "layer, model: timed runs of each test (default 5)", 1,
     BENCH_MODEL_MAX_RUNS, NULL},
    {0},
};

static const struct kind {
    const char *name;
    int (*run)(int n_args, char **args);
    const char *options[9]; /* those of the table that it takes */
} kinds[] = {
    {"kernels", bench_kernels_run, {"list", "shard"}},
    {"layer", bench_layer_run, {"model", "kv", "rows", "past", "device", "threads", "repeats", "shard"}},
    {"model", bench_model_run, {"model", "kv", "prompt", "gen", "past", "threads", "repeats", "shard"}},
};

static bool takes(const struct kind *k, const char *option)
{
    for (size_t i = 0; k->options[i]; i++)
        if (!strcmp(k->options[i], option)) return true;
    return false;
}

static int run(int n_args, char **args)
{
    const struct kind *kind = kinds;
    while (strcmp(args[0], kind->name)) kind++; /* one of them it is: command_bench.kinds */
    for (const struct option *o = options; o->name; o++)
        if (option_given(o) && !takes(kind, o->name))
            return usage_error("found --%s, which bench %s does not take", o->name, kind->name);
    if (!shard_parse(bench_options.shard, &bench_options.part))
        return usage_error("--shard: found '%s', expected I/N with I from 1 to N", bench_options.shard);
    return kind->run(n_args - 1, args + 1);
}

const struct command command_bench = {
    .name = "bench",
    .summary = "time kernels, each held to its reference first, layers, or whole models",
    .usage = "kernels [OP...] [--list] | layer -m M NAME [--rows 1,8,64,512] | model -m M [-p 512] [-n 128] [-d 4096] [-t 1,2] "
             "[-r 5] [--shard I/N]",
    .description =
        "bench kernels checks every kernel of the operations named (default: all) against the scalar one on every test\n"
        "case, then times it on the largest. A kernel that is wrong is not timed, and the exit status is 1. The share is its\n"
        "multiply-adds a second over the most that its instruction set gives on this machine, measured in the same run.\n"
        "HARTREE_ISA=scalar|avx2|... masks, HARTREE_KERNEL=op:isa_tag[,...] pins what the engine uses.\n"
        "bench layer times a part of one layer: a tensor (blk.3.ffn_down), blk.3.attn, blk.3.ffn or the whole layer, blk.3.\n"
        "Its weights come from memory, as in a step of the whole model, and the prediction stands beside the time.\n"
        "bench model prints tokens per second of prefill (pp) and decode (tg) as llama-bench does: from an empty context,\n"
        "or with --past tokens in it.\n"
        "--shard gives every N-th operation, or row of the table, to one of N machines; their JSON arrays are parts of one list.",
    .kinds = "kernels|layer|model",
    .options = options,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
