/* cmd_synth.c - a model of a known shape with random weights.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/synth.h"
#include "engine/tower/tower_shapes.h"
#include "tools/common_args.h"

#include <inttypes.h>

static const char *shape, *output;
static int64_t seed = 1;
static bool mmproj;

static const struct option options[] = {
    {"shape", NULL, OPTION_STRING, &shape, "NAME[:TYPE]",
     "a bundled shape, or L=..,D=..,H=..,KV=..,F=..,V=..; the type is F16 unless given", 0, 0, NULL},
    {"mmproj", NULL, OPTION_FLAG, &mmproj, NULL,
     "the vision tower that belongs to the shape (qwen2-vl-2b, narrow-qwen2-vl, tiny-qwen2-vl ...)", 0, 0, NULL},
    {"seed", "s", OPTION_INT, &seed, "S", "same seed, same weights (default 1)", 0, 9e15, NULL},
    {"output", "o", OPTION_STRING, &output, "FILE", "the model file to write (required)", 0, 0, NULL},
    {.name = NULL},
};

static void writing(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    progress("writing", done, total);
}

static int run(int n_args, char **args)
{
    (void)n_args;
    (void)args;
    if (!shape) return usage_error("found no --shape, expected --shape NAME[:TYPE]");
    if (!output) return usage_error("found no -o, expected -o FILE");
    struct error e = {""};
    struct shape parsed;
    const struct mix *mix;
    const struct tower_shape *tower = NULL;
    if (mmproj && !tower_shape_parse(shape, &tower, &mix, &e)) return usage_error("%s", e.text);
    if (!mmproj && !shape_parse(shape, &parsed, &mix, &e)) return arg_wrong_shape(shape, &e);
    const char *name = tower ? tower->name : parsed.name;
    signals_catch();
    struct synth_options o = {.shape = shape,
                              .mmproj = mmproj,
                              .seed = (uint64_t)seed,
                              .threads = arg_threads(),
                              .progress = writing,
                              .stop = &interrupted};
    struct synth_result r;
    if (!synth_write(&o, output, &r, &e)) return failed(&e);
    if (common.json) {
        struct json j;
        json_begin(&j, stdout);
        json_object(&j);
        json_put_string(&j, "shape", name);
        json_put_string(&j, "type", mix_name(mix));
        json_put_string(&j, "name", r.name);
        json_put_integer(&j, "seed", seed);
        json_put_string(&j, "output", output);
        json_put_integer(&j, "file_bytes", (int64_t)r.file_bytes);
        json_put_integer(&j, "tensor_bytes", (int64_t)r.tensor_bytes);
        json_put_integer(&j, "parameters", (int64_t)r.parameters);
        json_put_integer(&j, "tensors", (int64_t)r.tensors);
        json_object_end(&j);
        json_end(&j);
    } else {
        printf("%s: %s, %" PRIu64 " parameters, %" PRIu64 " bytes\n", output, r.name, r.parameters, r.file_bytes);
    }
    return EXIT_DONE;
}

const struct command command_synth = {
    .name = "synth",
    .summary = "write a model of a known shape with random weights",
    .usage = "--shape NAME[:TYPE][:mpo[,RECIPE]] [--mmproj] [--seed S] -o FILE",
    .description = "For speed work and tests without a download: weights of the right statistics, an SPM vocabulary that "
                   "tokenizes any text. Same shape, type and seed give the same bytes. A misspelt NAME or TYPE prints the "
                   "known ones. :mpo makes factorised layers: low-rank ones of half the parameters, or what a RECIPE says, "
                   "mpo,d=2,s=1,ratio=0.5,gauge,joint (docs/mpo.md).",
    .options = options,
    .run = run,
};
