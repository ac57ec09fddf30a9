/* pnm.c - PPM and PGM, plain (P3, P2) and raw (P6, P5); of a file that holds several pictures, the first.
 * Source: Netpbm's ppm(5) and pgm(5). SPDX-License-Identifier: MIT */
#include "vision/codec.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct reader {
    const uint8_t *data;
    size_t size, at;
    struct error *e;
};

static bool cut_short(const struct reader *r, const char *expected)
{
    return fail(r->e, "byte %zu: found the end of the file, expected %s: it is cut short", r->size, expected);
}

/* The next decimal number, after blanks and comments, which run from '#' to the end of their line. */
static bool number(struct reader *r, const char *what, uint32_t most, uint32_t *out)
{
    bool comment = false;
    for (; r->at < r->size; r->at++) {
        uint8_t c = r->data[r->at];
        if (comment ? c == '\n' || c == '\r' : c == '#')
            comment = !comment;
        else if (!comment && !isspace(c))
            break;
    }
    if (r->at == r->size) return cut_short(r, what);
    size_t start = r->at;
    uint64_t v = 0;
    for (; r->at < r->size && isdigit(r->data[r->at]) && v <= most; r->at++) v = v * 10 + (r->data[r->at] - '0');
    if (r->at == start) return fail(r->e, "byte %zu: found no digit, expected %s", start, what);
    if (v > most) return fail(r->e, "byte %zu: found %s above %" PRIu32 ", expected at most that", start, what, most);
    *out = (uint32_t)v;
    return true;
}

static uint8_t to_8_bits(uint32_t v, uint32_t max)
{
    return max == 255 ? (uint8_t)v : (uint8_t)((v * 255 + max / 2) / max);
}

static bool sample(struct reader *r, bool plain, uint32_t max, uint8_t *out)
{
    uint32_t v;
    if (plain) {
        if (!number(r, "a sample", max, &v)) return false;
    } else {
        v = r->data[r->at++]; /* pnm_decode saw that they are all there */
        if (max > 255) v = v << 8 | r->data[r->at++];
        if (v > max) return fail(r->e, "byte %zu: found a sample of %" PRIu32 ", expected at most %" PRIu32, r->at, v, max);
    }
    *out = to_8_bits(v, max);
    return true;
}

bool pnm_decode(const void *data, size_t size, struct picture *out, struct error *e)
{
    struct reader r = {data, size, 2, e};
    char kind = (char)r.data[1];
    bool plain = kind == '2' || kind == '3', gray = kind == '2' || kind == '5';
    uint32_t width, height, max;
    if (!number(&r, "a width", UINT32_MAX, &width) || !number(&r, "a height", UINT32_MAX, &height) ||
        !number(&r, "a maxval", 65535, &max))
        return false;
    if (!max) return fail(e, "maxval: found 0, expected 1 to 65535");
    if (r.at == size) return cut_short(&r, "pixels");
    if (!isspace(r.data[r.at++])) return fail(e, "byte %zu: found no blank after the maxval, expected one", r.at - 1);
    if (!codec_size_ok(width, height, e)) return false;
    /* A plain sample takes a digit and, but for the last, a blank. */
    uint64_t samples = (uint64_t)width * height * (gray ? 1 : 3), need = plain       ? samples * 2 - 1
                                                                         : max > 255 ? samples * 2
                                                                                     : samples;
    if (size - r.at < need)
        return fail(e, "byte %zu: found %zu bytes of pixels, expected at least %" PRIu64 ": it is cut short", r.at, size - r.at,
                    need);
    if (!picture_new(out, width, height, e)) return false;

    uint8_t *p = out->rgb;
    bool ok = true;
    for (uint64_t i = 0; ok && i < samples; i++) {
        ok = sample(&r, plain, max, p);
        if (gray) p[1] = p[2] = p[0];
        p += gray ? 3 : 1;
    }
    if (!ok) picture_free(out);
    return ok;
}

bool pnm_encode(const struct picture *p, FILE *f, struct error *e)
{
    size_t bytes = (size_t)p->width * p->height * 3;
    if (fprintf(f, "P6\n%d %d\n255\n", p->width, p->height) < 0 || fwrite(p->rgb, 1, bytes, f) != bytes)
        return fail(e, "cannot write: %s", strerror(errno));
    return true;
}
