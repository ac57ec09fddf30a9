/* cmd_paper.c - the figures of arXiv 2512.16531, predicted.
 * SPDX-License-Identifier: MIT */
#include "engine/account/paper.h"
#include "tools/cli.h"

static bool predict_only;
static const char *device;

static int run(int n_args, char **args)
{
    (void)n_args, (void)args;
    struct error e = {""};
    struct paper p;
    if (!predict_only) return usage_error("found no --predict, expected it");
    if (!paper_predict(&p, device, note, &e)) return failed(&e);
    if (common.json)
        paper_json(&p, stdout);
    else
        paper_print(&p, stdout);
    paper_free(&p);
    return EXIT_DONE;
}

static const struct option options[] = {
    {"predict", NULL, OPTION_FLAG, &predict_only, NULL,
     "predict the paper's figures from shapes and device profiles alone (required)", 0, 0, NULL},
    {"device", NULL, OPTION_STRING, &device, "DEVICE",
     "rpi5, m2, this, or a profile's path (default: the paper's two, rpi5 and m2)", 0, 0, NULL},
    {.name = NULL},
};

const struct command command_paper = {
    .name = "paper",
    .summary = "the energy paper's figures, predicted beside the published ones",
    .usage = "--predict [--device D]",
    .description =
        "Predicts each figure of arXiv 2512.16531 (Llama-3.1-8B against Gilda, Qwen2-VL-2B against Axolotl, on a MacBook M2 "
        "and "
        "a\n"
        "Raspberry Pi 5): AUCs, throughput, energy, with a 95 % interval over all that the paper or a profile leaves open. "
        "Nothing\n"
        "is fitted to the figures; where one lies outside, the report says what would have to hold. With --json a line a "
        "figure.",
    .options = options,
    .run = run,
};
