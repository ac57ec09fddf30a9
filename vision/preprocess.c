/* SPDX-License-Identifier: MIT */
#include "vision/preprocess.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "loader/file.h"
#include "vision/resize.h"

bool preprocess_picture(const struct picture *p, const char *clamp_flag, const struct clamp_keys *keys,
                        struct preprocessed *out, struct error *e)
{
    double start = clock_now();
    *out = (struct preprocessed){0};
    bool ok = clamp_choose(clamp_flag, keys, &out->clamp, e) &&
              clamp_apply(&out->clamp, keys, p->width, p->height, &out->fit, e) && resize_fit(p, &out->fit, &out->picture, e);
    out->resize_s = clock_now() - start;
    return ok;
}

/* Takes over the picture that was `read_s` in reading. */
static bool fit(struct picture *file, double read_s, const char *clamp_flag, const struct clamp_keys *keys,
                struct preprocessed *out, struct error *e)
{
    bool ok = preprocess_picture(file, clamp_flag, keys, out, e);
    out->decode_s = read_s;
    picture_free(file);
    return ok;
}

bool preprocess_file(const void *data, size_t size, const char *clamp_flag, const struct clamp_keys *keys,
                     struct preprocessed *out, struct error *e)
{
    struct picture file;
    double start = clock_now();
    *out = (struct preprocessed){0};
    return picture_decode(data, size, &file, e) && fit(&file, clock_now() - start, clamp_flag, keys, out, e);
}

bool preprocess(const char *path, const char *clamp_flag, const struct clamp_keys *keys, struct preprocessed *out,
                struct error *e)
{
    struct picture file;
    double start = clock_now();
    *out = (struct preprocessed){0};
    if (!clamp_choose(clamp_flag, keys, &out->clamp, e) || !picture_read(path, &file, e)) return false;
    return fit(&file, clock_now() - start, clamp_flag, keys, out, e) || fail_in(e, picture_name(path));
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
