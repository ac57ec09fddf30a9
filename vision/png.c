/* png.c - PNG through libpng, where the build has it: the one file that needs it.
 *
 * What a hostile file can cost is bounded before libpng sees more than its header: the size by codec_size_ok and the free
 * memory, and by the file's own length, since deflate never packs better than 1032 to 1 (a file of 60 bytes that says
 * 10,000x10,000 is refused without an allocation). Inside, chunks that do not bear on pixels (iCCP, zTXt, iTXt, eXIf ...) are
 * skipped without being inflated, so that none of them can be a bomb; of IDAT no more is inflated than the picture's rows.
 * Source: PNG specification (W3C, third edition); libpng manual. SPDX-License-Identifier: MIT */
#include "vision/codec.h"

#include <string.h>

#ifdef HAVE_PNG

#include <inttypes.h>
#include <png.h>
#include <setjmp.h>

enum { DEFLATE_MAX_RATIO = 1032 }; /* a 258-byte match in 2 bits; zlib technical details */

/* What libpng's callbacks are handed. */
struct source {
    const uint8_t *data;
    size_t size, at;
    struct error *e;
};

static void on_error(png_structp png, png_const_charp message)
{
    struct source *s = png_get_error_ptr(png);
    fail(s->e, "byte %zu: found damage (%s), expected a whole PNG file", s->at, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message; /* of what does not change pixels */
}

static void on_read(png_structp png, png_bytep out, size_t n)
{
    struct source *s = png_get_io_ptr(png);
    if (n > s->size - s->at) {
        fail(s->e, "byte %zu: found the end of the file, expected %zu bytes more: it is cut short", s->size,
             n - (s->size - s->at));
        png_longjmp(png, 1);
    }
    memcpy(out, s->data + s->at, n);
    s->at += n;
}

/* IHDR comes first; it is read by hand so that what it says is judged before libpng allocates by it. */
static bool size_ok(const struct source *s, struct error *e)
{
    enum { IHDR_END = 8 + 8 + 13 + 4 };
    const uint8_t *d = s->data;
    if (s->size < IHDR_END)
        return fail(e, "byte %zu: found the end of the file, expected its header: it is cut short", s->size);
    if (memcmp(d + 8, "\0\0\0\x0dIHDR", 8)) return fail(e, "byte 8: found another chunk, expected IHDR of 13 bytes");
    return codec_size_ok(png_get_uint_32(d + 16), png_get_uint_32(d + 20), e);
}

static bool decode(png_structp png, png_infop info, struct source *s, struct picture *out)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_read_fn(png, s, on_read);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* all but IHDR, PLTE, tRNS, IDAT and IEND */
    png_read_info(png, info);

    uint64_t raw = (uint64_t)png_get_rowbytes(png, info) * png_get_image_height(png, info);
    if (raw / DEFLATE_MAX_RATIO > s->size)
        return fail(s->e, "size: found a file of %zu bytes for %" PRIu32 "x%" PRIu32 " pixels, expected at least %" PRIu64,
                    s->size, png_get_image_width(png, info), png_get_image_height(png, info), raw / DEFLATE_MAX_RATIO);
    if (!picture_new(out, png_get_image_width(png, info), png_get_image_height(png, info), s->e)) return false;

    png_set_expand(png); /* palette to RGB, 1, 2 and 4 bits to 8, tRNS to alpha */
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != (size_t)out->width * 3) png_error(png, "rows that are not 8-bit RGB");
    for (int pass = 0; pass < passes; pass++) /* each pass of an interlaced picture adds its pixels to the rows */
        for (int y = 0; y < out->height; y++) png_read_row(png, out->rgb + (size_t)y * out->width * 3, NULL);
    png_read_end(png, NULL);
    return true;
}

bool png_decode(const void *data, size_t size, struct picture *out, struct error *e)
{
    struct source s = {data, size, 0, e};
    if (!size_ok(&s, e)) return false;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool ok = info ? decode(png, info, &s, out) : fail(e, "found no memory for libpng, expected some");
    png_destroy_read_struct(&png, &info, NULL);
    if (!ok) picture_free(out);
    return ok;
}

/* ---- Writing ---- */

static void on_write_error(png_structp png, png_const_charp message)
{
    fail(png_get_error_ptr(png), "cannot write: %s", message);
    png_longjmp(png, 1);
}

static bool encode(png_structp png, png_infop info, const struct picture *p, FILE *f)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_init_io(png, f);
    png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < p->height; y++) png_write_row(png, p->rgb + (size_t)y * p->width * 3);
    png_write_end(png, info);
    return true;
}

bool png_encode(const struct picture *p, FILE *f, struct error *e)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, e, on_write_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool ok = info ? encode(png, info, p, f) : fail(e, "found no memory for libpng, expected some");
    png_destroy_write_struct(&png, &info);
    return ok;
}

const char *picture_libpng(void)
{
    return png_get_libpng_ver(NULL);
}

#else /* what can be reached says what to do */

bool png_decode(const void *data, size_t size, struct picture *out, struct error *e)
{
    (void)data, (void)size, (void)out;
    return fail(
        e, "found a PNG file, expected PPM or PGM: this build has no libpng; convert it (pngtopnm), or build with libpng-dev");
}

bool png_encode(const struct picture *p, FILE *f, struct error *e)
{
    (void)p, (void)f;
    return fail(e, "found no libpng in this build, expected it for writing PNG");
}

const char *picture_libpng(void)
{
    return NULL;
}

#endif
