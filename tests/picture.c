/* picture.c - every kind of PNG and PNM that there is, made here, read to the pixel; and every kind of broken one, which must
 * give one line and take neither memory nor time. The mutations' seed is fixed: 3,000 copies, 60,000 under HARTREE_SLOW.
 * SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/memory.h"
#include "tests/png_maker.h"
#include "tests/test.h"
#include "vision/picture.h"

#include <unistd.h>

static bool reads_as(const struct bytes *b, int w, int h, const uint8_t *rgb, struct error *e)
{
    struct picture p;
    if (!picture_decode(b->data, b->n, &p, e)) return false;
    bool same = p.width == w && p.height == h && !memcmp(p.rgb, rgb, (size_t)w * h * 3);
    if (!same) fail(e, "other pixels");
    picture_free(&p);
    return same;
}

/* Whether it is refused with a line that holds `word`, and no picture is left. */
static bool refused(const void *data, size_t n, const char *word, struct error *e)
{
    struct picture p = {1, 1, (uint8_t *)""};
    snprintf(e->text, sizeof e->text, "accepted");
    if (picture_decode(data, n, &p, e)) {
        picture_free(&p);
        return false;
    }
    return !p.rgb && *e->text && !strchr(e->text, '\n') && strstr(e->text, word);
}

static void test_kinds(void)
{
    static const struct {
        const char *name;
        int type, depths[6];
    } kinds[] = {{"gray", GRAY, {1, 2, 4, 8, 16}},
                 {"RGB", RGB, {8, 16}},
                 {"palette", PALETTE, {1, 2, 4, 8}},
                 {"gray and alpha", GRAY_ALPHA, {8, 16}},
                 {"RGBA", RGBA, {8, 16}}};
    static const int sizes[][2] = {{1, 1}, {5, 3}, {2, 9}, {33, 17}, {400, 70}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int d = 0; kinds[k].depths[d]; d++)
            for (int way = 0; way < 4; way++) {
                bool interlace = way & 1, trns = way & 2;
                struct error e = {""};
                char name[96];
                bool ok = true;
                if (trns && kinds[k].type > PALETTE) continue;
                for (size_t s = 0; s < sizeof sizes / sizeof *sizes && ok; s++) {
                    struct made m = make_png(sizes[s][0], sizes[s][1], kinds[k].depths[d], kinds[k].type, interlace, trns,
                                             1 + (int)s, s * 77 + k);
                    ok = reads_as(&m.png, m.w, m.h, m.rgb, &e);
                    made_free(&m);
                }
                snprintf(name, sizeof name, "png: %s, %d bits%s%s", kinds[k].name, kinds[k].depths[d],
                         interlace ? ", interlaced" : "", trns ? ", tRNS" : "");
                TEST(name, ok, "%s", e.text);
            }
}

/* ---- Broken PNG ---- */

/* A file of these parts: IHDR as given (depth < 0: none), PLTE of that many bytes (< 0: none), IDAT of a 4x4 picture or none.
 */
static struct bytes odd(int depth, int type, int palette_bytes, bool idat, bool end)
{
    struct bytes b = {0}, z = {0};
    uint8_t zeros[1024] = {0};
    png_signature(&b);
    if (depth >= 0) png_ihdr(&b, 4, 4, depth, type, 0);
    if (palette_bytes >= 0) png_chunk(&b, "PLTE", zeros, (size_t)palette_bytes);
    zlib_stored(&z, zeros, 4 * (1 + 4 * 3));
    if (idat) png_chunk(&b, "IDAT", z.data, z.n);
    if (end) png_chunk(&b, "IEND", NULL, 0);
    free(z.data);
    return b;
}

static void test_odd(void)
{
    static const struct {
        const char *name;
        int depth, type, palette;
        bool idat, end;
    } cases[] = {
        {"colour type 1", 8, 1, -1, true, true},
        {"colour type 9", 8, 9, -1, true, true},
        {"bit depth 0", 0, RGB, -1, true, true},
        {"bit depth 3", 3, RGB, -1, true, true},
        {"bit depth 99", 99, RGB, -1, true, true},
        {"4-bit RGB", 4, RGB, -1, true, true},
        {"16-bit palette", 16, PALETTE, 12, true, true},
        {"no IHDR", -1, RGB, -1, true, true},
        {"no PLTE", 8, PALETTE, -1, true, true},
        {"an empty PLTE", 8, PALETTE, 0, true, true},
        {"PLTE of 4 bytes", 8, PALETTE, 4, true, true},
        {"no IDAT", 8, RGB, -1, false, true},
        {"no IEND", 8, RGB, -1, true, false},
        {"nothing but IHDR", 8, RGB, -1, false, false},
        {"PLTE in a gray picture", 8, GRAY, -1, false, true},
        {"PLTE of 300 colours", 8, PALETTE, 900, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e;
        char name[96];
        struct bytes b = odd(cases[i].depth, cases[i].type, cases[i].palette, cases[i].idat, cases[i].end);
        snprintf(name, sizeof name, "png: %s", cases[i].name);
        TEST(name, refused(b.data, b.n, "PNG: ", &e), "%s", e.text);
        free(b.data);
    }
    struct made m = make_png(9, 7, 8, RGB, false, false, 2, 3);
    struct error e = {""};
    int wrong = 0;
    for (size_t i = 0; i < 8; i++) { /* each byte of the signature; the first two make it another kind of file */
        m.png.data[i] ^= 0x20;
        wrong += !refused(m.png.data, m.png.n, "expected", &e);
        m.png.data[i] ^= 0x20;
    }
    TEST("png: a wrong signature", !wrong, "%d of 8: %s", wrong, e.text);
    wrong = 0;
    for (size_t n = 0; n < m.png.n; n++) wrong += !refused(m.png.data, n, "expected", &e);
    TEST("png: cut short at every byte", !wrong, "%d of %zu: %s", wrong, m.png.n, e.text);
    /* IHDR's CRC stands at 29, that of the first IDAT before the second chunk. */
    m.png.data[30] ^= 1;
    TEST("png: a wrong CRC of IHDR", refused(m.png.data, m.png.n, "CRC", &e), "%s", e.text);
    m.png.data[30] ^= 1;
    size_t len = (size_t)m.png.data[35] << 8 | m.png.data[36];
    m.png.data[33 + 8 + len] ^= 1;
    TEST("png: a wrong CRC of IDAT", refused(m.png.data, m.png.n, "CRC", &e), "%s", e.text);
    m.png.data[33 + 8 + len] ^= 1;
    TEST("png: put right again", reads_as(&m.png, m.w, m.h, m.rgb, &e), "%s", e.text);
    /* A line end turned from CR LF to LF in transfer, and the other way, as in PngSuite's xlf and xcr. */
    struct bytes lf = {0}, cr = {0};
    bytes_add(&lf, "\x89PNG\n\x1a\n", 7), bytes_add(&lf, m.png.data + 8, m.png.n - 8);
    bytes_add(&cr, "\x89PNG\r\n\x1a\r\n", 9), bytes_add(&cr, m.png.data + 8, m.png.n - 8);
    TEST("png: line ends changed", refused(lf.data, lf.n, "expected", &e) && refused(cr.data, cr.n, "expected", &e), "%s",
         e.text);
    free(lf.data), free(cr.data);
    made_free(&m);
}

/* ---- Absurd sizes, bombs ---- */

static void test_sizes(void)
{
    static const struct {
        uint32_t w, h;
        int depth, type;
        const char *word;
    } cases[] = {{30000, 30000, 8, RGB, "at most 134217728"},
                 {0, 1, 8, RGB, "1 to 65535"},
                 {1, 0, 8, RGB, "1 to 65535"},
                 {65536, 1, 8, RGB, "1 to 65535"},
                 {0x7fffffff, 0x7fffffff, 8, RGB, "1 to 65535"},
                 {0xffffffff, 1, 8, RGB, "1 to 65535"},
                 {11000, 11000, 16, RGBA, "bytes for 11000x11000"},
                 {11000, 11000, 1, GRAY, "bytes for 11000x11000"}};
    uint64_t before = memory_peak();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes b = {0}, z = {0};
        struct error e;
        char name[96];
        png_signature(&b);
        png_ihdr(&b, cases[i].w, cases[i].h, cases[i].depth, cases[i].type, 0);
        zlib_zeros(&z, 100);
        png_chunk(&b, "IDAT", z.data, z.n);
        png_chunk(&b, "IEND", NULL, 0);
        snprintf(name, sizeof name, "png: a header of %ux%u", cases[i].w, cases[i].h);
        TEST(name, refused(b.data, b.n, cases[i].word, &e), "%s", e.text);
        free(b.data), free(z.data);
    }
    uint64_t grown = memory_peak() - before;
    TEST("png: absurd sizes take no memory", grown < 32 << 20, "%zu bytes", (size_t)grown);
    struct picture p;
    struct error e;
    TEST("a picture beyond the limit", !picture_new(&p, 1 << 14, (1 << 13) + 1, &e) && !p.rgb && strstr(e.text, "at most"),
         "%s", e.text);
    TEST("a picture of no size", !picture_new(&p, 0, 3, &e) && !picture_new(&p, 3, -1, &e), "accepted");
}

static void test_bombs(void)
{
    static const char *const kinds[] = {"iCCP", "zTXt", "iTXt", "IDAT"};
    struct bytes zeros = {0};
    zlib_zeros(&zeros, 900000); /* 1.4 MB that inflate to 232 MB */
    for (int i = 0; i < 4; i++) {
        struct bytes b = {0}, bomb = {0}, z = {0};
        struct error e = {""};
        uint8_t rows[4 * 13] = {0}, black[48] = {0};
        char name[96];
        png_signature(&b);
        png_ihdr(&b, 4, 4, 8, RGB, 0);
        bytes_add(&bomb, "name\0", i == 3 ? 0 : 5);
        if (i < 2) bytes_byte(&bomb, 0);
        if (i == 2) bytes_add(&bomb, "\1\0en\0text\0", 10);
        bytes_add(&bomb, zeros.data, zeros.n);
        png_chunk(&b, kinds[i], bomb.data, bomb.n);
        zlib_stored(&z, rows, sizeof rows);
        if (i < 3) png_chunk(&b, "IDAT", z.data, z.n);
        png_chunk(&b, "IEND", NULL, 0);
        uint64_t before = memory_peak();
        double start = clock_now();
        bool read = reads_as(&b, 4, 4, black, &e);
        double took = clock_now() - start;
        uint64_t grown = memory_peak() - before;
        snprintf(name, sizeof name, "png: a bomb in %s", kinds[i]);
        TEST(name, read && grown < 16 << 20 && took < 1, "%s; %.2f s, %zu bytes", e.text, took, (size_t)grown);
        free(b.data), free(bomb.data), free(z.data);
    }
    free(zeros.data);
}

/* ---- PNM ---- */

static void test_pnm(void)
{
#define PNM(text) text, sizeof text - 1
    static const struct {
        const char *name, *data;
        size_t n;
        int w, h;
        const char *rgb;
    } good[] = {
        {"P3", PNM("P3\n2 1\n255\n1 2 3\n250 251 252\n"), 2, 1, "\1\2\3\372\373\374"},
        {"P3 without a last line end", PNM("P3 1 1 255 1 2 3"), 1, 1, "\1\2\3"},
        {"comments", PNM("P3 # a\n#b 9 9\n1#c\n 1 # 7\n255\n1 2 #d\n3"), 1, 1, "\1\2\3"},
        {"P2, maxval 15", PNM("P2 3 1 15\n0 15 7\n"), 3, 1, "\0\0\0\377\377\377\167\167\167"},
        {"P2, maxval 1", PNM("P2 2 1 1\n0 1\n"), 2, 1, "\0\0\0\377\377\377"},
        {"P6", PNM("P6 1 2 255\n\1\2\3\4\5\6"), 1, 2, "\1\2\3\4\5\6"},
        {"P6, the first of two", PNM("P6 1 1 255\n\1\2\3P6 1 1 255\n\4\5\6"), 1, 1, "\1\2\3"},
        {"P6, maxval 1000", PNM("P6 1 1 1000\n\3\350\1\364\0\2"), 1, 1, "\377\200\1"},
        {"P5", PNM("P5\n2\t1\r255 \7\11"), 2, 1, "\7\7\7\11\11\11"},
        {"P5, maxval 65535", PNM("P5 2 1 65535\n\377\377\200\0"), 2, 1, "\377\377\377\200\200\200"},
        {"P5, maxval 127", PNM("P5 1 1 127\n\177"), 1, 1, "\377\377\377"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct error e = {""};
        char name[96];
        struct bytes b = {(uint8_t *)good[i].data, good[i].n, 0};
        snprintf(name, sizeof name, "pnm: %s", good[i].name);
        TEST(name, reads_as(&b, good[i].w, good[i].h, (const uint8_t *)good[i].rgb, &e), "%s", e.text);
    }
    static const struct {
        const char *data;
        size_t n;
        const char *word;
    } bad[] = {
        {PNM("P3"), "cut short"},
        {PNM("P3 1 1 255 1 2"), "cut short"},
        {PNM("P3 1 1 255 1 2 x"), "no digit"},
        {PNM("P3 1 1 255 1 2 256"), "above 255"},
        {PNM("P3 1 1 255 1 2 -1"), "no digit"},
        {PNM("P3 1 1 0 1 2 3"), "maxval"},
        {PNM("P3 1 1 65536 1 2 3"), "above 65535"},
        {PNM("P3 0 1 255 "), "sides of 1"},
        {PNM("P6 70000 1 255 "), "sides of 1"},
        {PNM("P6 30000 30000 255 "), "at most 134217728"},
        {PNM("P6 99999999999999999999 1 255 "), "above 4294967295"},
        {PNM("P6 11000 11000 255 abc"), "cut short"},
        {PNM("P3 11000 11000 255 1 2 3"), "cut short"},
        {PNM("P6 1 1 255"), "cut short"},
        {PNM("P6 1 1 255x123"), "no blank"},
        {PNM("P6 1 1 255\n12"), "cut short"},
        {PNM("P5 1 1 100 \310"), "sample of 200"},
        {PNM("P5 1 1 300 \2\0"), "sample of 512"},
        {PNM("P6 # no end"), "cut short"},
        {PNM("P6 a"), "no digit"},
    };
    int wrong = 0;
    struct error e, first = {""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!refused(bad[i].data, bad[i].n, bad[i].word, &e) && !wrong++) first = e;
    TEST("pnm: broken ones", !wrong, "%d, the first: %s", wrong, first.text);
    static const struct {
        const char *data;
        size_t n;
        const char *word;
    } others[] = {
        {PNM("\xff\xd8\xff\xe0JFIF"), "a JPEG file, expected PNG, PPM or PGM: convert it"},
        {PNM("RIFF....WEBPVP8 "), "a WebP file"},
        {PNM("GIF89a"), "a GIF file"},
        {PNM("BM123456"), "a BMP file"},
        {PNM("II*\0...."), "a TIFF file"},
        {PNM("....ftypheic"), "HEIF"},
        {PNM("P4 1 1 \1"), "a PBM file"},
        {PNM("P7\n"), "a PAM file"},
        {PNM("\xff\x0a..."), "a JPEG XL file"},
        {PNM(""), "empty"},
        {PNM("<svg"), "unknown kind"},
        {PNM("\x89PN"), "unknown kind"},
    };
    for (size_t i = wrong = 0; i < sizeof others / sizeof *others; i++)
        if (!refused(others[i].data, others[i].n, others[i].word, &e) && !wrong++) first = e;
    TEST("pictures of other kinds say how to convert them", !wrong, "%d, the first: %s", wrong, first.text);
#undef PNM
}

/* ---- Files ---- */

static void test_files(void)
{
    char folder[256], path[320];
    struct error e = {""};
    struct picture p, q = {0};
    if (!test_folder(folder, sizeof folder) || !picture_new(&p, 37, 21, &e)) return;
    uint64_t state = 5;
    for (int i = 0; i < 37 * 21 * 3; i++) p.rgb[i] = (uint8_t)random_next(&state);
    for (int i = 0; i < 2; i++) {
        const char *end = i ? "ppm" : "png";
        if (!i && !picture_libpng()) continue;
        snprintf(path, sizeof path, "%s/a.%s", folder, end);
        bool ok = picture_write(&p, path, &e) && picture_read(path, &q, &e) && q.width == 37 && q.height == 21 &&
                  !memcmp(p.rgb, q.rgb, 37 * 21 * 3);
        picture_free(&q);
        char name[32];
        snprintf(name, sizeof name, "written and read: %s", end);
        TEST(name, ok, "%s", e.text);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/a.jpg", folder);
    TEST("no JPEG is written", !picture_write(&p, path, &e) && strstr(e.text, "ends in .png or .ppm"), "%s", e.text);
    TEST("a picture that is not there", !picture_read(path, &q, &e) && strstr(e.text, "a.jpg: cannot open"), "%s", e.text);
    TEST("a folder", !picture_read(folder, &q, &e) && strstr(e.text, "directory"), "%s", e.text);
    int w, h;
    TEST("a size", picture_parse_size("1024x720", &w, &h) && w == 1024 && h == 720, "%dx%d", w, h);
    static const char *const bad[] = {"",     "x",   "1x",  "x1",      "1x1x", "1 x1",
                                      "-1x1", "0x1", "1x0", "65536x1", "1X1",  "99999999999x1"};
    int wrong = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) wrong += picture_parse_size(bad[i], &w, &h);
    TEST("what is no size", !wrong, "%d accepted", wrong);
    picture_free(&p);
    rmdir(folder);
}

/* ---- Mutations ---- */

static uint64_t state = 11;
static size_t below(size_t n)
{
    return random_below(&state, n);
}

/* Puts the CRCs of all chunks right again, so that what was changed is seen by what lies behind them. */
static void mend(struct bytes *b)
{
    for (size_t at = 8; at + 12 <= b->n;) {
        size_t len = (size_t)b->data[at] << 24 | (size_t)b->data[at + 1] << 16 | (size_t)b->data[at + 2] << 8 | b->data[at + 3];
        if (len > b->n - at - 12) return;
        uint32_t crc = crc32_of(b->data + at + 4, len + 4);
        for (int i = 0; i < 4; i++) b->data[at + 8 + len + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += len + 12;
    }
}

static bool survives(const struct bytes *original, bool png)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    struct bytes b = {0};
    struct picture p;
    struct error e = {""};
    bytes_add(&b, original->data, original->n);
    for (size_t n = 1 + below(4); n--;) {
        size_t at = below(4) ? below(b.n) : below(b.n < 64 ? b.n : 64);
        switch (below(4)) {
        case 0: b.data[at] ^= (uint8_t)(1 << below(8)); break;
        case 1: b.data[at] = values[below(5)]; break;
        case 2: b.data[at] = (uint8_t)below(256); break;
        default: {
            size_t len = below(16) + 1;
            if (at + len < b.n) memmove(b.data + at, b.data + at + len, b.n - at - len), b.n -= len;
        }
        }
    }
    if (png && below(4)) mend(&b);
    bool ok = picture_decode(b.data, b.n, &p, &e);
    if (ok) { /* all of it is there to be read */
        unsigned sum = 0;
        for (size_t i = 0; i < (size_t)p.width * p.height * 3; i++) sum += p.rgb[i];
        ok = p.width > 0 && p.height > 0 && sum < 0xffffffff;
        picture_free(&p);
    } else {
        ok = !p.rgb && *e.text && !strchr(e.text, '\n');
    }
    free(b.data);
    return ok;
}

static void test_mutations(void)
{
    int copies = getenv("HARTREE_SLOW") ? 60000 : 3000, wrong = 0;
    struct made made[8];
    static const int kinds[8][2] = {{1, GRAY},  {8, GRAY},    {16, GRAY},   {8, RGB},
                                    {16, RGBA}, {4, PALETTE}, {8, PALETTE}, {8, GRAY_ALPHA}};
    for (int i = 0; i < 8; i++) made[i] = make_png(19, 11, kinds[i][0], kinds[i][1], i & 1, i < 2, 1 + i % 3, (uint64_t)i);
    for (int i = 0; picture_libpng() && i < copies; i++) wrong += !survives(&made[i % 8].png, true);
    if (picture_libpng()) TEST("png: mutated copies", !wrong, "%d of %d", wrong, copies);
    for (int i = 0; i < 8; i++) made_free(&made[i]);
    static char *const texts[] = {"P3 3 2 200\n1 2 3 40 50 60 7 8 9 100 200 30 4 5 6 77 88 99\n",
                                  "P2\n# c\n4 2\n15 1 2 3 4 5 6 7 8\n", "P6 2 2 255\nabcdefghijkl",
                                  "P5 3 2 1000\n\1\2\3\4\1\2\3\4\1\2\3\4"};
    for (int i = wrong = 0; i < copies; i++) {
        struct bytes b = {(uint8_t *)texts[i % 4], strlen(texts[i % 4]), 0};
        wrong += !survives(&b, false);
    }
    TEST("pnm: mutated copies", !wrong, "%d of %d", wrong, copies);
}

int main(void)
{
    if (picture_libpng()) {
        test_kinds();
        test_odd();
        test_sizes();
        test_bombs();
    } else {
        struct error e;
        SKIP("png", "this build has no libpng");
        TEST("png without libpng says so", refused("\x89PNG\r\n\x1a\n", 8, "no libpng", &e), "%s", e.text);
    }
    test_pnm();
    test_files();
    test_mutations();
    TEST_MAIN_END();
}
