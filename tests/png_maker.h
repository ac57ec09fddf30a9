/* png_maker.h - PNG files made byte by byte, right and wrong ones, with a CRC, an Adler sum and a deflate of their own, so that
 * the reader under test is not tested against itself. Source: PNG specification (W3C, third edition), RFC 1950, RFC 1951.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PNG_MAKER_H
#define HARTREE_PNG_MAKER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

struct bytes {
    uint8_t *data;
    size_t n, cap;
};

static inline void bytes_add(struct bytes *b, const void *data, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = (b->n + n) * 2 + 64;
        b->data = realloc(b->data, b->cap);
        if (!b->data) abort();
    }
    if (n) memcpy(b->data + b->n, data, n);
    b->n += n;
}

static inline void bytes_byte(struct bytes *b, unsigned v)
{
    bytes_add(b, &(uint8_t){(uint8_t)v}, 1);
}

static inline void bytes_be32(struct bytes *b, uint32_t v)
{
    for (int i = 24; i >= 0; i -= 8) bytes_byte(b, v >> i & 255);
}

static inline uint32_t crc32_of(const uint8_t *p, size_t n)
{
    uint32_t c = 0xffffffff;
    while (n--) {
        c ^= *p++;
        for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
    }
    return ~c;
}

static inline void png_chunk(struct bytes *b, const char *type, const void *data, size_t n)
{
    bytes_be32(b, (uint32_t)n);
    size_t start = b->n;
    bytes_add(b, type, 4);
    bytes_add(b, data, n);
    bytes_be32(b, crc32_of(b->data + start, b->n - start));
}

static inline void png_signature(struct bytes *b)
{
    bytes_add(b, "\x89PNG\r\n\x1a\n", 8);
}

static inline void png_ihdr(struct bytes *b, uint32_t w, uint32_t h, int depth, int type, int interlace)
{
    struct bytes d = {0};
    bytes_be32(&d, w);
    bytes_be32(&d, h);
    bytes_byte(&d, (unsigned)depth);
    bytes_byte(&d, (unsigned)type);
    bytes_add(&d, "\0\0", 2);
    bytes_byte(&d, (unsigned)interlace);
    png_chunk(b, "IHDR", d.data, d.n);
    free(d.data);
}

/* zlib in stored blocks */
static inline void zlib_stored(struct bytes *out, const uint8_t *p, size_t n)
{
    uint32_t a = 1, s = 0;
    bytes_add(out, "\x78\x01", 2);
    for (size_t at = 0;;) {
        size_t len = n - at < 65535 ? n - at : 65535;
        bytes_byte(out, at + len == n);
        bytes_byte(out, len & 255), bytes_byte(out, len >> 8 & 255);
        bytes_byte(out, ~len & 255), bytes_byte(out, ~len >> 8 & 255);
        bytes_add(out, p + at, len);
        at += len;
        if (at == n) break;
    }
    for (size_t i = 0; i < n; i++) a = (a + p[i]) % 65521, s = (s + a) % 65521;
    bytes_be32(out, s << 16 | a);
}

/* zlib: a zero, then `matches` times the 258 zeros before, in the fixed code: 13 bits each. Inflates 159 times. */
static inline void zlib_zeros(struct bytes *out, size_t matches)
{
    uint64_t hold = 0;
    int n = 0;
    uint32_t s = (uint32_t)((matches * 258 + 1) % 65521); /* Adler: a stays 1 */
#define BITS(value, count)                                                                                                     \
    do {                                                                                                                       \
        hold |= (uint64_t)(value) << n;                                                                                        \
        for (n += (count); n >= 8; n -= 8, hold >>= 8) bytes_byte(out, hold & 255);                                            \
    } while (0)
    bytes_add(out, "\x78\x01", 2);
    BITS(3, 3);    /* last block, fixed code */
    BITS(0x0c, 8); /* literal 0: 00110000, codes come from their upper bit on */
    for (size_t i = 0; i < matches; i++) {
        BITS(0xa3, 8); /* length 258: symbol 285: 11000101 */
        BITS(0, 5);    /* distance 1 */
    }
    BITS(0, 7); /* the end */
    BITS(0, 7); /* what is left */
#undef BITS
    bytes_be32(out, s << 16 | 1);
}

/* ---- Whole pictures of random samples ---- */

struct made {
    struct bytes png;
    int w, h;
    uint8_t *rgb; /* what a reader should make of it */
};

enum { GRAY = 0, RGB = 2, PALETTE = 3, GRAY_ALPHA = 4, RGBA = 6 };

/* Adds the rows of one pass (x = x0, x0 + dx ..., y likewise), each after its filter byte. */
static inline void made_pass(struct bytes *raw, const uint32_t *samples, int w, int h, int channels, int depth,
                             const int pass[4])
{
    for (int y = pass[1]; y < h; y += pass[3]) {
        if (pass[0] >= w) return;
        unsigned hold = 0;
        int bits = 0;
        bytes_byte(raw, 0);
        for (int x = pass[0]; x < w; x += pass[2])
            for (int c = 0; c < channels; c++) {
                uint32_t v = samples[((size_t)y * w + x) * channels + c];
                if (depth == 16) bytes_byte(raw, v >> 8);
                if (depth >= 8) {
                    bytes_byte(raw, v & 255);
                    continue;
                }
                hold = hold << depth | v;
                bits += depth;
                if (bits == 8) bytes_byte(raw, hold), bits = 0, hold = 0;
            }
        if (bits) bytes_byte(raw, hold << (8 - bits));
    }
}

/* A picture of random samples; `trns` adds that chunk, which must not matter. n_idat: how many IDAT chunks. */
static inline struct made make_png(int w, int h, int depth, int type, bool interlace, bool trns, int n_idat, uint64_t seed)
{
    static const int channels_of[] = {1, 0, 3, 1, 2, 0, 4}, all[4] = {0, 0, 1, 1};
    static const int adam7[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                    {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    int channels = channels_of[type], max = (1 << depth) - 1;
    struct made m = {.w = w, .h = h};
    uint8_t palette[256 * 3];
    uint32_t *samples = malloc((size_t)w * h * channels * sizeof *samples);
    m.rgb = malloc((size_t)w * h * 3);
    if (!samples || !m.rgb) abort();
    for (size_t i = 0; i < sizeof palette; i++) palette[i] = (uint8_t)random_next(&seed);
    for (int i = 0; i < w * h; i++) {
        uint32_t *s = samples + (size_t)i * channels;
        for (int c = 0; c < channels; c++) s[c] = (uint32_t)random_next(&seed) & (uint32_t)max;
        for (int c = 0; c < 3; c++) {
            uint32_t v = s[channels < 3 ? 0 : c];
            m.rgb[i * 3 + c] = (uint8_t)(type == PALETTE ? palette[v * 3 + c] : depth == 16 ? v >> 8 : v * 255 / (uint32_t)max);
        }
    }
    struct bytes raw = {0}, z = {0};
    if (!interlace) made_pass(&raw, samples, w, h, channels, depth, all);
    for (int i = 0; interlace && i < 7; i++) made_pass(&raw, samples, w, h, channels, depth, adam7[i]);
    zlib_stored(&z, raw.data, raw.n);
    png_signature(&m.png);
    png_ihdr(&m.png, (uint32_t)w, (uint32_t)h, depth, type, interlace);
    if (type == PALETTE) png_chunk(&m.png, "PLTE", palette, (size_t)3 << depth);
    if (trns) png_chunk(&m.png, "tRNS", "\0\1\0\1\0\1", type == GRAY ? 2 : type == RGB ? 6 : 2);
    for (int i = 0; i < n_idat; i++) {
        size_t from = z.n * i / n_idat, to = z.n * (i + 1) / n_idat;
        png_chunk(&m.png, "IDAT", z.data + from, to - from);
    }
    png_chunk(&m.png, "IEND", NULL, 0);
    free(raw.data), free(z.data), free(samples);
    return m;
}

static inline void made_free(struct made *m)
{
    free(m->png.data);
    free(m->rgb);
}

#endif
