/* SPDX-License-Identifier: MIT */
#include "vision/picture.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/suffix.h"
#include "loader/file.h"
#include "vision/codec.h"

bool picture_new(struct picture *out, int64_t width, int64_t height, struct error *e)
{
    *out = (struct picture){0};
    if (width < 1 || height < 1) return fail(e, "found %" PRId64 "x%" PRId64 " pixels, expected at least 1x1", width, height);
    if (width > PICTURE_MAX_PIXELS / height)
        return fail(e, "found %" PRId64 "x%" PRId64 " pixels, expected at most %d in all", width, height, PICTURE_MAX_PIXELS);
    uint64_t bytes = (uint64_t)(width * height) * 3, most = memory_available() / 2;
    if (bytes > most)
        return fail(e,
                    "found %" PRId64 "x%" PRId64 " pixels, which take %" PRIu64 " bytes, expected at most %" PRIu64
                    ", half of the free memory",
                    width, height, bytes, most);
    out->rgb = calloc(bytes, 1);
    if (!out->rgb) return fail(e, "found no memory for %" PRIu64 " bytes of pixels, expected enough", bytes);
    out->width = (int)width;
    out->height = (int)height;
    return true;
}

void picture_free(struct picture *p)
{
    free(p->rgb);
    *p = (struct picture){0};
}

bool picture_parse_size(const char *text, int *width, int *height)
{
    int *side[2] = {width, height};
    for (int i = 0; i < 2; i++, text++) {
        if (!isdigit((unsigned char)*text)) return false;
        for (*side[i] = 0; isdigit((unsigned char)*text) && *side[i] <= PICTURE_MAX_SIDE; text++)
            *side[i] = *side[i] * 10 + (*text - '0');
        if (*side[i] < 1 || *side[i] > PICTURE_MAX_SIDE || *text != (i ? 0 : 'x')) return false;
    }
    return true;
}

bool codec_size_ok(uint64_t width, uint64_t height, struct error *e)
{
    if (!width || !height || width > PICTURE_MAX_SIDE || height > PICTURE_MAX_SIDE)
        return fail(e, "size: found %" PRIu64 "x%" PRIu64 " pixels, expected sides of 1 to %d", width, height,
                    PICTURE_MAX_SIDE);
    if (width * height > PICTURE_MAX_PIXELS)
        return fail(e, "size: found %" PRIu64 "x%" PRIu64 " pixels, expected at most %d in all", width, height,
                    PICTURE_MAX_PIXELS);
    return true;
}

/* ---- What a file is, by its first bytes ---- */

static const struct format {
    const char *name, *mark;
    size_t at, bytes;                                                                    /* where the mark stands */
    bool (*decode)(const void *data, size_t size, struct picture *out, struct error *e); /* NULL: not read here */
} formats[] = {
    {"PNG", "\x89PNG\r\n\x1a\n", 0, 8, png_decode},
    {"PGM", "P2", 0, 2, pnm_decode},
    {"PPM", "P3", 0, 2, pnm_decode},
    {"PGM", "P5", 0, 2, pnm_decode},
    {"PPM", "P6", 0, 2, pnm_decode},
    {"PBM", "P1", 0, 2, NULL},
    {"PBM", "P4", 0, 2, NULL},
    {"PAM", "P7", 0, 2, NULL},
    {"JPEG", "\xff\xd8\xff", 0, 3, NULL},
    {"WebP", "WEBP", 8, 4, NULL},
    {"GIF", "GIF8", 0, 4, NULL},
    {"BMP", "BM", 0, 2, NULL},
    {"TIFF", "II*\0", 0, 4, NULL},
    {"TIFF", "MM\0*", 0, 4, NULL},
    {"HEIF or AVIF", "ftyp", 4, 4, NULL},
    {"JPEG XL", "\xff\x0a", 0, 2, NULL},
    {"JPEG XL", "JXL ", 4, 4, NULL},
};

bool picture_decode(const void *data, size_t size, struct picture *out, struct error *e)
{
    *out = (struct picture){0};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct format *f = &formats[i];
        if (size < f->at + f->bytes || memcmp((const char *)data + f->at, f->mark, f->bytes)) continue;
        if (!f->decode)
            return fail(
                e,
                "found a %s file, expected PNG, PPM or PGM: convert it first, as by 'magick IN OUT.png' (ImageMagick) or "
                "'ffmpeg -i IN OUT.png'",
                f->name);
        return f->decode(data, size, out, e) || fail_in(e, f->name);
    }
    if (!size) return fail(e, "found an empty file, expected a picture: PNG, PPM or PGM");
    return fail(e, "found an unknown kind of file, expected a picture: PNG, PPM or PGM");
}

bool picture_read(const char *path, struct picture *out, struct error *e)
{
    size_t size;
    *out = (struct picture){0};
    char *data = file_read(path, PICTURE_MAX_FILE, &size, e);
    if (!data) return false;
    bool ok = picture_decode(data, size, out, e) || fail_in(e, picture_name(path));
    free(data);
    return ok;
}

bool picture_writable(const char *path, struct error *e)
{
    if (ends_with(path, ".ppm")) return true;
    if (!ends_with(path, ".png")) return fail(e, "found '%s', expected a name that ends in .png or .ppm", path);
    if (!picture_libpng())
        return fail(e, "found '%s', expected a name that ends in .ppm: this build has no libpng (build with libpng-dev)", path);
    return true;
}

bool picture_write(const struct picture *p, const char *path, struct error *e)
{
    if (!picture_writable(path, e)) return false;
    struct file_output *o = file_output_open(path, e);
    if (!o) return false;
    bool ok = (ends_with(path, ".png") ? png_encode : pnm_encode)(p, file_output_stream(o), e);
    if (ok) return file_output_commit(o, e);
    file_output_discard(o);
    return fail_in(e, path);
}

void *picture_file(const struct picture *p, size_t *size, struct error *e)
{
    char *bytes = NULL;
    FILE *f = open_memstream(&bytes, size);
    bool ok = f && (picture_libpng() ? png_encode : pnm_encode)(p, f, e), whole = f && !ferror(f);
    whole = f && !fclose(f) && whole;
    if (ok && whole) return bytes;
    if (!f || ok) fail(e, "picture of %dx%d: found no memory for its file", p->width, p->height);
    free(bytes);
    return NULL;
}
