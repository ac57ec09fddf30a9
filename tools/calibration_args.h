/* calibration_args.h - the calibration text of commands that look at a model's inputs.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CALIBRATION_ARGS_H
#define HARTREE_CALIBRATION_ARGS_H

#include "engine/compress/imatrix.h"
#include "tools/cli.h"

enum { CALIBRATION_CONTEXT = 512 };

struct calibration_args {
    const char *calib;
    int64_t tokens;
};
extern struct calibration_args calibration_args;

/* clang-format off */
#define ARG_CALIB {"calib", NULL, OPTION_STRING, &calibration_args.calib, "FILE", \
     "the text to calibrate on: what the model will be used on (default: a bundled one)", 0, 0, NULL}
#define ARG_TOKENS \
    {"tokens", NULL, OPTION_INT, &calibration_args.tokens, "N", "of the calibration text at most (default 32768)", 512, \
     1 << 24, NULL}
/* clang-format on */

/* Runs the calibration text through the model. NULL and *e. */
struct imatrix *arg_collect(const struct model *m, struct error *e);
const char *arg_calibration_name(void);

#endif
