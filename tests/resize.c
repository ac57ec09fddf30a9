/* resize.c - the bicubic filter held to hashes of what Pillow 12.0 made of the same pixels, and to a plain second
 * implementation; letterboxes; time. SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/sha256.h"
#include "tests/lcg.h"
#include "tests/test.h"
#include "vision/resize.h"

#include <math.h>

/* Pixels by lot; `hard` turns them into black and white, so that overshoots are clipped. */
static bool noise(struct picture *p, int w, int h, bool hard, struct error *e)
{
    if (!picture_new(p, w, h, e)) return false;
    uint32_t s = (uint32_t)(w * 65536 + h);
    for (size_t i = 0; i < (size_t)w * h * 3; i++) {
        uint8_t v = lcg_byte(&s);
        p->rgb[i] = hard ? (v >> 7 ? 255 : 0) : v;
    }
    return true;
}

static void hash(const struct picture *p, char hex[SHA256_HEX])
{
    struct sha256 s;
    sha256_begin(&s);
    sha256_add(&s, p->rgb, (size_t)p->width * p->height * 3);
    sha256_end(&s, hex);
}

static void test_golden(void)
{
    static const struct {
        int w, h, to_w, to_h;
        bool hard;
        const char *sha256; /* its first 16 digits */
    } cases[] = {
        {1, 1, 5, 7, false, "177759d72e7e3f92"},         {7, 5, 1, 1, false, "a3b952cac14a4868"},
        {64, 48, 64, 48, false, "9c9d48feebfd0fb6"},     {64, 48, 31, 48, false, "eb50d7050528110f"},
        {64, 48, 64, 19, false, "7f6c5bb7d202a910"},     {64, 48, 100, 48, false, "02b67affc2a67692"},
        {64, 48, 100, 90, true, "539bf25ec4cfdf14"},     {64, 48, 100, 20, true, "ad4c84a1f93d0cdd"},
        {64, 48, 20, 90, true, "a9ae389416ea1592"},      {320, 240, 112, 84, false, "cf7f03edb5606115"},
        {400, 90, 392, 84, true, "8da6e877f188bf21"},    {3, 500, 28, 56, false, "81109d22fcaf672f"},
        {714, 496, 728, 504, false, "91cce86e5cca657a"}, {1024, 720, 1036, 728, true, "cb637552d096f758"},
        {640, 450, 197, 131, true, "5d4b658a78d68689"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture in = {0}, out = {0};
        struct error e = {""};
        char hex[SHA256_HEX] = "", name[96];
        if (noise(&in, cases[i].w, cases[i].h, cases[i].hard, &e) &&
            resize_bicubic(&in, cases[i].to_w, cases[i].to_h, &out, &e))
            hash(&out, hex);
        snprintf(name, sizeof name, "as Pillow: %dx%d to %dx%d%s", cases[i].w, cases[i].h, cases[i].to_w, cases[i].to_h,
                 cases[i].hard ? ", black and white" : "");
        TEST(name, !strncmp(hex, cases[i].sha256, 16), "found %.16s, expected %s %s", hex, cases[i].sha256, e.text);
        picture_free(&in);
        picture_free(&out);
    }
}

/* One output pixel by the definition, in double: the fixed point and the 8 bits between the passes may cost a level or two. */
static double at(const struct picture *p, int w, int h, int x, int y, int c)
{
    double sum = 0, weights = 0, sx = (double)p->width / w, sy = (double)p->height / h, fx = fmax(sx, 1), fy = fmax(sy, 1);
    for (int j = 0; j < p->height; j++)
        for (int i = 0; i < p->width; i++) {
            double d[2] = {fabs(i + 0.5 - (x + 0.5) * sx) / fx, fabs(j + 0.5 - (y + 0.5) * sy) / fy}, k = 1;
            for (int n = 0; n < 2; n++)
                k *= d[n] < 1   ? 1.5 * d[n] * d[n] * d[n] - 2.5 * d[n] * d[n] + 1
                     : d[n] < 2 ? -0.5 * d[n] * d[n] * d[n] + 2.5 * d[n] * d[n] - 4 * d[n] + 2
                                : 0;
            sum += k * p->rgb[((size_t)j * p->width + i) * 3 + c];
            weights += k;
        }
    return fmin(fmax(sum / weights, 0), 255);
}

static void test_definition(void)
{
    static const int cases[][4] = {{40, 30, 17, 13}, {9, 7, 31, 22}, {20, 33, 20, 12}, {6, 6, 13, 2}};
    for (size_t i = 0; i < 4; i++) {
        const int *c = cases[i];
        struct picture in = {0}, out = {0};
        struct error e = {""};
        double worst = 0;
        if (!noise(&in, c[0], c[1], false, &e)) return;
        for (int k = 0; k < c[0] * c[1] * 3; k++)
            in.rgb[k] = (uint8_t)(64 + in.rgb[k] / 2); /* nothing to clip between the passes */
        bool ok = resize_bicubic(&in, c[2], c[3], &out, &e);
        for (int y = 0; ok && y < c[3]; y++)
            for (int x = 0; x < c[2]; x++)
                for (int k = 0; k < 3; k++)
                    worst = fmax(worst, fabs(at(&in, c[2], c[3], x, y, k) - out.rgb[(y * c[2] + x) * 3 + k]));
        char name[96];
        snprintf(name, sizeof name, "as defined: %dx%d to %dx%d", c[0], c[1], c[2], c[3]);
        TEST(name, ok && worst < 1.6, "off by %.2f levels %s", worst, e.text);
        picture_free(&in);
        picture_free(&out);
    }
}

static bool black(const uint8_t *p)
{
    return !p[0] && !p[1] && !p[2];
}

static void test_fit(void)
{
    struct picture in = {0}, out = {0}, inner = {0};
    struct error e = {""};
    if (!noise(&in, 90, 40, false, &e)) return;
    struct clamped fit = {
        .in_width = 90, .in_height = 40, .width = 56, .height = 56, .x = 0, .y = 15, .inner_width = 56, .inner_height = 25};
    bool ok = resize_fit(&in, &fit, &out, &e) && resize_bicubic(&in, 56, 25, &inner, &e);
    for (int y = 0; ok && y < 56; y++)
        for (int x = 0; ok && x < 56; x++) {
            const uint8_t *p = out.rgb + (y * 56 + x) * 3;
            ok = y < 15 || y >= 40 ? black(p) : !memcmp(p, inner.rgb + ((y - 15) * 56 + x) * 3, 3);
        }
    TEST("letterbox", ok, "%s", e.text);
    picture_free(&out);
    picture_free(&inner);
    fit = (struct clamped){.in_width = 90, .in_height = 40, .width = 90, .height = 40, .inner_width = 90, .inner_height = 40};
    TEST("a size that fits is copied", resize_fit(&in, &fit, &out, &e) && !memcmp(in.rgb, out.rgb, 90 * 40 * 3), "%s", e.text);
    picture_free(&out);
    TEST("a size of nothing", !resize_bicubic(&in, 0, 5, &out, &e) && !out.rgb && strstr(e.text, "at least 1x1"), "%s", e.text);
    TEST("a size beyond all", !resize_bicubic(&in, 60000, 60000, &out, &e) && !out.rgb, "accepted");
    picture_free(&in);
}

static void test_time(void)
{
    struct picture in = {0}, out = {0};
    struct error e;
    double best = 1e9;
    if (!noise(&in, 2048, 1440, false, &e)) return;
    for (int i = 0; i < 3; i++) {
        double start = clock_now();
        if (!resize_bicubic(&in, 1036, 728, &out, &e)) break;
        best = fmin(best, clock_now() - start);
        picture_free(&out);
    }
    /* 30 ms on a core of 2020; sanitizers and emulators may take long. */
    TEST("2048x1440 to 1036x728 in time", best < 10, "%.3f s", best);
    picture_free(&in);
}

int main(void)
{
    test_golden();
    test_definition();
    test_fit();
    test_time();
    TEST_MAIN_END();
}
