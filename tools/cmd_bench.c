/* cmd_bench.c - `hartree bench KIND ...`: finds the kind by its first word. A kind is one line here and one file
 * cmd_bench_KIND.c. SPDX-License-Identifier: MIT */
#include "tools/cmd_bench.h"

#include <string.h>

#include "tools/cli.h"

struct bench_options bench_options;

static const struct kind {
    const char *name;
    int (*run)(int n_args, char **args);
} kinds[] = {
    {"kernels", bench_kernels_run},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static int run(int n_args, char **args)
{
    const char *names[N_KINDS + 1] = {NULL};
    for (size_t i = 0; i < N_KINDS; i++) {
        if (!strcmp(args[0], kinds[i].name)) return kinds[i].run(n_args - 1, args + 1);
        names[i] = kinds[i].name;
    }
    const char *near = nearest_word(args[0], names);
    return usage_error("found '%s', expected a kind of benchmark such as '%s'", args[0], near ? near : names[0]);
}

static const struct option options[] = {
    {.name = "list",
     .kind = OPTION_FLAG,
     .target = &bench_options.list,
     .help = "kernels: list what is built and bound, time nothing"},
    {0},
};

const struct command command_bench = {
    .name = "bench",
    .summary = "time kernels, each held to its reference first",
    .usage = "kernels [OP...] [--list]",
    .description =
        "bench kernels checks every kernel of the operations named (default: all) against the scalar one on every test\n"
        "case, then times it on the largest. A kernel that is wrong is not timed, and the exit status is 1.\n"
        "HARTREE_ISA=scalar|avx2|... masks, HARTREE_KERNEL=op:isa_tag[,...] pins what the engine uses.",
    .options = options,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
