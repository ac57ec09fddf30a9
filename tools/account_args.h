/* account_args.h - what predict and measure have in common: the model, the device, the run.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ACCOUNT_ARGS_H
#define HARTREE_ACCOUNT_ARGS_H

#include "engine/account/predict.h"
#include "tools/common_args.h"

struct account_args {
    const char *shape, *device, *by;
    int64_t prompt, gen, ubatch; /* 0: not given */
};
extern struct account_args account_args;

/* clang-format off */
#define ARG_DEVICE \
    {"device", NULL, OPTION_STRING, &account_args.device, "DEVICE", \
     "rpi5, m2, or a profile's path (default: this machine's profile, measured now if there is none yet)", 0, 0, NULL}
#define ARGS_RUN \
    ARG_DEVICE, ARG_KV, \
    {"prompt", "p", OPTION_INT, &account_args.prompt, "N", "prompt tokens (default 512, or as many as an encoder reads)", 1, INT32_MAX, NULL}, \
    {"gen", "n", OPTION_INT, &account_args.gen, "N", "generated tokens (default 128; an encoder generates none)", 1, INT32_MAX, NULL}, \
    {"ubatch", NULL, OPTION_INT, &account_args.ubatch, "N", "rows a micro-batch in prefill (default 512)", 1, INT32_MAX, \
     NULL}, \
    {"by", NULL, OPTION_STRING, &account_args.by, "WORDS", \
     "add rows up by layer, op, type or phase, or by several (default: op,phase; with --json every op)", 0, 0, NULL}
/* clang-format on */

/* The run of the model that the options describe. */
struct predict_options account_run(const struct model *m);

/* A prediction of another machine is for all its cores where -t does not say otherwise. */
void account_threads(struct predict_options *o, const struct device *d);

/* --by as a mask. */
bool account_by(unsigned *by, struct error *e);

#endif
