/* SPDX-License-Identifier: MIT */
#include "vision/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRACTION = 22, HALF = 1 << (FRACTION - 1) };

/* Which inputs make an output, and with what weights: out[i] = sum of weight[i * width + k] * in[first[i] + k], k < n[i]. */
struct taps {
    int *first, *n;
    int32_t *weight;
    size_t width;
};

static double cubic(double x)
{
    const double a = -0.5;
    if (x < 0) x = -x;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static void taps_free(struct taps *t)
{
    free(t->first);
    free(t->n);
    free(t->weight);
}

static bool taps_new(struct taps *t, int in, int out, struct error *e)
{
    double scale = (double)in / out, stretch = scale > 1 ? scale : 1, support = 2 * stretch, narrow = 1 / stretch;
    t->width = (size_t)ceil(support) * 2 + 1;
    t->first = calloc((size_t)out, sizeof *t->first);
    t->n = calloc((size_t)out, sizeof *t->n);
    t->weight = calloc((size_t)out * t->width, sizeof *t->weight);
    double *w = calloc(t->width, sizeof *w);
    if (!t->first || !t->n || !t->weight || !w) {
        free(w);
        taps_free(t);
        return fail(e, "found no memory for the weights of %d pixels, expected some", out);
    }
    for (int i = 0; i < out; i++) {
        double centre = (i + 0.5) * scale, sum = 0;
        int from = (int)(centre - support + 0.5), to = (int)(centre + support + 0.5);
        if (from < 0) from = 0;
        if (to > in) to = in;
        for (int k = 0; k < to - from; k++) sum += w[k] = cubic((k + from - centre + 0.5) * narrow);
        for (int k = 0; k < to - from; k++) {
            double v = (sum != 0 ? w[k] / sum : w[k]) * (1 << FRACTION);
            t->weight[(size_t)i * t->width + k] = (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
        }
        t->first[i] = from;
        t->n[i] = to - from;
    }
    free(w);
    return true;
}

static uint8_t to_8_bits(int32_t sum)
{
    int32_t v = sum >> FRACTION;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void across(const struct picture *in, const struct taps *t, struct picture *out)
{
    for (int y = 0; y < in->height; y++) {
        const uint8_t *row = in->rgb + (size_t)y * in->width * 3;
        uint8_t *p = out->rgb + (size_t)y * out->width * 3;
        for (int x = 0; x < out->width; x++, p += 3) {
            const uint8_t *s = row + (size_t)t->first[x] * 3;
            const int32_t *w = t->weight + (size_t)x * t->width;
            int32_t r = HALF, g = HALF, b = HALF;
            for (int k = 0; k < t->n[x]; k++, s += 3) {
                r += w[k] * s[0];
                g += w[k] * s[1];
                b += w[k] * s[2];
            }
            p[0] = to_8_bits(r);
            p[1] = to_8_bits(g);
            p[2] = to_8_bits(b);
        }
    }
}

/* Row by row, so that memory is read as it lies: `sums` holds the output row's sums. */
static void down(const struct picture *in, const struct taps *t, int32_t *restrict sums, struct picture *out)
{
    size_t row = (size_t)in->width * 3;
    for (int y = 0; y < out->height; y++) {
        for (size_t i = 0; i < row; i++) sums[i] = HALF;
        for (int k = 0; k < t->n[y]; k++) {
            const uint8_t *restrict s = in->rgb + (size_t)(t->first[y] + k) * row;
            int32_t w = t->weight[(size_t)y * t->width + k];
            for (size_t i = 0; i < row; i++) sums[i] += w * s[i];
        }
        uint8_t *p = out->rgb + (size_t)y * row;
        for (size_t i = 0; i < row; i++) p[i] = to_8_bits(sums[i]);
    }
}

static bool resize_across(const struct picture *in, int width, struct picture *out, struct error *e)
{
    struct taps t;
    if (!taps_new(&t, in->width, width, e)) return false;
    bool ok = picture_new(out, width, in->height, e);
    if (ok) across(in, &t, out);
    taps_free(&t);
    return ok;
}

static bool resize_down(const struct picture *in, int height, struct picture *out, struct error *e)
{
    struct taps t;
    if (!taps_new(&t, in->height, height, e)) return false;
    int32_t *sums = calloc((size_t)in->width * 3, sizeof *sums);
    bool ok = sums ? picture_new(out, in->width, height, e) : fail(e, "found no memory for a row of pixels, expected some");
    if (ok) down(in, &t, sums, out);
    free(sums);
    taps_free(&t);
    return ok;
}

static bool copy(const struct picture *in, struct picture *out, struct error *e)
{
    if (!picture_new(out, in->width, in->height, e)) return false;
    memcpy(out->rgb, in->rgb, (size_t)in->width * in->height * 3);
    return true;
}

bool resize_bicubic(const struct picture *in, int width, int height, struct picture *out, struct error *e)
{
    *out = (struct picture){0};
    if (width < 1 || height < 1) return fail(e, "found a size of %dx%d, expected at least 1x1", width, height);
    if (width == in->width) return height == in->height ? copy(in, out, e) : resize_down(in, height, out, e);
    if (height == in->height) return resize_across(in, width, out, e);
    struct picture wide;
    if (!resize_across(in, width, &wide, e)) return false;
    bool ok = resize_down(&wide, height, out, e);
    picture_free(&wide);
    return ok;
}

bool resize_fit(const struct picture *in, const struct clamped *fit, struct picture *out, struct error *e)
{
    if (fit->inner_width == fit->width && fit->inner_height == fit->height)
        return resize_bicubic(in, fit->width, fit->height, out, e);
    struct picture inner;
    *out = (struct picture){0};
    if (!resize_bicubic(in, fit->inner_width, fit->inner_height, &inner, e)) return false;
    bool ok = picture_new(out, fit->width, fit->height, e);
    size_t row = (size_t)inner.width * 3;
    for (int y = 0; ok && y < inner.height; y++)
        memcpy(out->rgb + ((size_t)(fit->y + y) * out->width + fit->x) * 3, inner.rgb + (size_t)y * row, row);
    picture_free(&inner);
    return ok;
}
