/* cmd_imatrix.c - what a model's layers get as inputs, collected from a text into a file.
 * SPDX-License-Identifier: MIT */
#include "engine/compress/imatrix.h"

#include <stdlib.h>

#include "tools/calibration_args.h"
#include "tools/common_args.h"

static const char *output;

static const struct option options[] = {
    ARG_MODEL,
    {"output", "o", OPTION_STRING, &output, "FILE", "where to write it, a GGUF file", 0, 0, NULL},
    ARG_CALIB,
    ARG_TOKENS,
    {.name = NULL},
};

static int run(int n_args, char **args)
{
    (void)n_args;
    (void)args;
    struct error e = {""};
    if (!output) return usage_error("found no -o FILE, expected where to write the importance matrix");
    signals_catch();
    struct model *m = arg_open_model(0, &e);
    struct imatrix *im = m && arg_spares(output, m, calibration_args.calib, &e) ? arg_collect(m, &e) : NULL;
    bool ok = im && imatrix_write(im, output, arg_calibration_name(), CALIBRATION_CONTEXT, &e);
    if (ok && common.json) {
        struct json j;
        json_begin(&j, stdout);
        json_object(&j);
        json_put_string(&j, "output", output);
        json_put_integer(&j, "tokens", (int64_t)im->tokens);
        json_put_integer(&j, "tensors", (int64_t)im->n);
        json_object_end(&j);
        json_end(&j);
    } else if (ok) {
        printf("%s: inputs of %zu matrices on %zu tokens\n", output, im->n, im->tokens);
    }
    imatrix_free(im);
    model_close(m);
    return ok ? EXIT_DONE : failed(&e);
}

const struct command command_imatrix = {
    .name = "imatrix",
    .summary = "collect what a model's layers get as inputs on a text, for quantize",
    .usage = "-m M -o FILE [--calib TEXT]",
    .description =
        "Runs the text through the model layer by layer and keeps, of each input of a linear layer, squares, means and "
        "leading directions. The file is an importance matrix in llama.cpp's GGUF layout with more beside it.",
    .options = options,
    .run = run,
};
