/* SPDX-License-Identifier: MIT */
#include "tools/calibration_args.h"

#include <stdlib.h>

#include "engine/compress/bundled_text.h"
#include "loader/file.h"
#include "tools/common_args.h"

struct calibration_args calibration_args = {.tokens = 32768};

static void show(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    progress("calibrating", done, total);
}

const char *arg_calibration_name(void)
{
    return calibration_args.calib ? calibration_args.calib : bundled_text_name;
}

struct imatrix *arg_collect(const struct model *m, struct error *e)
{
    enum { MAX_TEXT = 1 << 30 };
    struct statistics_options o = {.threads = arg_threads(), .progress = show, .stop = &interrupted};
    struct calibration c;
    size_t len = bundled_text_len;
    char *text = calibration_args.calib ? file_read(calibration_args.calib, MAX_TEXT, &len, e) : NULL;
    if (calibration_args.calib && !text) return NULL;
    struct imatrix *im = NULL;
    if (!calibration_read(&c, m, text ? text : bundled_text, len, CALIBRATION_CONTEXT, (size_t)calibration_args.tokens, e)) {
        fail_in(e, arg_calibration_name());
    } else {
        im = imatrix_collect(m, &c, &o, e);
        calibration_free(&c);
    }
    free(text);
    return im;
}
