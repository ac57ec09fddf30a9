/* cmd_bench.h - what `hartree bench` and its kinds share: one option table serves them all, each in its own file.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CMD_BENCH_H
#define HARTREE_CMD_BENCH_H

#include "tools/cli.h"
#include "tools/shard_args.h"

struct bench_options {
    bool list;                             /* kernels */
    struct int_list prompts, gens;         /* model */
    struct int_list rows;                  /* layer */
    int64_t past;                          /* layer, model */
    struct int_list threads;               /* model, layer */
    int64_t repeats;                       /* model, layer */
    const char *shard;
    struct shard part;                     /* what that says */
};
extern struct bench_options bench_options;

/* Each takes the words after its name and returns the exit status. */
int bench_kernels_run(int n_args, char **args);
int bench_layer_run(int n_args, char **args);
int bench_model_run(int n_args, char **args);

#endif
