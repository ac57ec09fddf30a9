/* SPDX-License-Identifier: MIT */
#include "vision/preprocess.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "loader/file.h"
#include "vision/resize.h"

bool preprocess(const char *path, const char *clamp_flag, const struct clamp_keys *keys, struct preprocessed *out,
                struct error *e)
{
    struct picture file;
    double start = clock_now();
    *out = (struct preprocessed){0};
    if (!clamp_choose(clamp_flag, keys, &out->clamp, e) || !picture_read(path, &file, e)) return false;
    double read = clock_now();
    bool ok = (clamp_apply(&out->clamp, keys, file.width, file.height, &out->fit, e) &&
               resize_fit(&file, &out->fit, &out->picture, e)) ||
              fail_in(e, path);
    out->decode_s = read - start;
    out->resize_s = clock_now() - read;
    picture_free(&file);
    return ok;
}

void preprocessed_free(struct preprocessed *p)
{
    picture_free(&p->picture);
}

bool preprocessed_write(const struct preprocessed *p, const char *path, struct error *e)
{
    struct file_output *o = file_output_open(path, e);
    if (!o) return false;
    size_t n = (size_t)p->picture.width * p->picture.height;
    if (fwrite(p->picture.rgb, 3, n, file_output_stream(o)) == n) return file_output_commit(o, e);
    fail(e, "cannot write: %s", strerror(errno));
    file_output_discard(o);
    return fail_in(e, path);
}
