/* gguf.c - the GGUF writer and parser: what one writes the other reads, and bad files get the line that fits them.
 * SPDX-License-Identifier: MIT */
#include "loader/file.h"
#include "tests/specimen.h"
#include "tests/test.h"

#include <math.h>

/* ---- Files made by hand ---- */

struct bytes {
    unsigned char b[2048];
    size_t n;
};

static void put(struct bytes *f, const void *p, size_t n)
{
    memcpy(f->b + f->n, p, n);
    f->n += n;
}
static void u32(struct bytes *f, uint32_t v)
{
    put(f, &v, 4);
}
static void u64(struct bytes *f, uint64_t v)
{
    put(f, &v, 8);
}
static void string(struct bytes *f, const char *s)
{
    u64(f, strlen(s)), put(f, s, strlen(s));
}

static struct bytes start(uint32_t version, uint64_t n_tensors, uint64_t n_kv)
{
    struct bytes f = {.n = 0};
    put(&f, "GGUF", 4), u32(&f, version), u64(&f, n_tensors), u64(&f, n_kv);
    return f;
}

static void kv_u32(struct bytes *f, const char *key, uint32_t v)
{
    string(f, key), u32(f, GGUF_U32), u32(f, v);
}

static void tensor(struct bytes *f, const char *name, unsigned n_dims, const uint64_t *ne, uint32_t type, uint64_t offset)
{
    string(f, name), u32(f, n_dims);
    for (unsigned d = 0; d < n_dims; d++) u64(f, ne[d]);
    u32(f, type), u64(f, offset);
}

static void zeros(struct bytes *f, size_t n) /* aligned, then n */
{
    while (f->n % 32) f->b[f->n++] = 0;
    memset(f->b + f->n, 0, n);
    f->n += n;
}

/* Parsed from memory of exactly that size, so that a sanitizer sees one byte too many. */
static bool parse(const struct bytes *f, int flags, struct error *e)
{
    unsigned char *copy = malloc(f->n ? f->n : 1);
    memcpy(copy, f->b, f->n);
    strcpy(e->text, "parsed");
    struct gguf *g = gguf_parse(copy, f->n, flags, e);
    bool ok = g;
    gguf_free(g);
    free(copy);
    return ok;
}

static void refuses(const char *what, const struct bytes *f, const char *expected)
{
    struct error e;
    char name[128];
    snprintf(name, sizeof name, "refuses %s", what);
    bool ok = parse(f, 0, &e);
    TEST(name, !ok && strstr(e.text, expected), "found '%s', expected '%s'", e.text, expected);
}

static void bad_headers(void)
{
    struct bytes f = {.n = 0};
    refuses("nothing", &f, "header: found the end of the file at byte 0");
    put(&f, "PK\3\4........................", 28);
    refuses("another magic", &f, "header: found bytes 50 4b 03 04, expected \"GGUF\"");
    f = start(1, 0, 0);
    refuses("version 1", &f, "header: found GGUF version 1, whose counts are 32-bit, expected 2 or 3");
    f = start(4, 0, 0);
    refuses("version 4", &f, "header: found GGUF version 4, expected 2 or 3");
    f = start(3u << 24, 0, 0);
    refuses("big-endian", &f, "header: found a big-endian file, expected a little-endian one");
    f = start(3, 0, 0);
    f.n = 20;
    refuses("half a header", &f, "header: found the end of the file at byte 20, expected the number of metadata values");
    f = start(3, 0, UINT64_MAX);
    refuses("2^64 - 1 metadata values", &f, "header: found 18446744073709551615 metadata values, expected at most 0");
    f = start(3, UINT64_C(1) << 58, 0);
    refuses("2^58 tensors", &f, "header: found 288230376151711744 tensors, expected at most 0");
}

static void bad_metadata(void)
{
    struct bytes f = start(3, 0, 1);
    u64(&f, 1000), put(&f, "abcdefghij", 10);
    refuses("a key beyond the end", &f, "metadata 1 of 1: found 1000 bytes in a string, expected at most 10");
    f = start(3, 0, 1);
    string(&f, ""), u32(&f, GGUF_U32), u32(&f, 1);
    refuses("an empty key", &f, "metadata 1 of 1: found a key of 0 bytes, expected 1 to 65535");
    f = start(3, 0, 1);
    u64(&f, 3), put(&f, "a\0b", 3), u32(&f, GGUF_U32), u32(&f, 1);
    refuses("a NUL in a key", &f, "found a NUL byte in a key");
    f = start(3, 0, 1);
    string(&f, "k"), u32(&f, 13), u32(&f, 1);
    refuses("an unknown value type", &f, "metadata 'k': found value type 13, expected 0 to 12");
    f = start(3, 0, 1);
    string(&f, "k"), u32(&f, GGUF_ARRAY), u32(&f, 99), u64(&f, 0);
    refuses("an unknown element type", &f, "metadata 'k': found an array of value type 99, expected 0 to 12");
    f = start(3, 0, 1);
    string(&f, "k"), u32(&f, GGUF_ARRAY), u32(&f, GGUF_ARRAY), u64(&f, 1), u32(&f, GGUF_U8), u64(&f, 1), u32(&f, 1);
    refuses("an array of arrays", &f, "metadata 'k': found an array of arrays");
    f = start(3, 0, 1);
    string(&f, "k"), u32(&f, GGUF_ARRAY), u32(&f, GGUF_F64), u64(&f, (UINT64_C(1) << 61) + 1), u64(&f, 0);
    refuses("an array whose bytes overflow", &f, "metadata 'k': found 2305843009213693953 array elements, expected at most 1");
    f = start(3, 0, 1);
    string(&f, "k"), u32(&f, GGUF_ARRAY), u32(&f, GGUF_STRING), u64(&f, UINT64_C(1) << 60), u64(&f, 0);
    refuses("2^60 strings", &f, "metadata 'k': found 1152921504606846976 strings, expected at most 1");
    f = start(3, 0, 1);
    string(&f, "k"), u32(&f, GGUF_ARRAY), u32(&f, GGUF_STRING), u64(&f, 2), string(&f, "abcdefgh"), u32(&f, 0);
    refuses("a cut array of strings", &f, "metadata 'k': found the end of the file");
    f = start(3, 0, 1);
    string(&f, "k"), u32(&f, GGUF_BOOL), put(&f, "\2", 1);
    refuses("a bool of 2", &f, "metadata 'k': found a bool of value 2, expected 0 or 1");
    f = start(3, 0, 2);
    kv_u32(&f, "same", 1), kv_u32(&f, "same", 2);
    refuses("a key twice", &f, "metadata 'same': found twice, expected once");
    f = start(3, 0, 1);
    string(&f, "general.alignment"), u32(&f, GGUF_STRING), string(&f, "x");
    refuses("an alignment that is text", &f, "metadata 'general.alignment': found a value of type string, expected an integer");
    static const uint32_t alignments[] = {0, 4, 33, 1 << 17, 1u << 31};
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++) {
        char name[64], expected[128];
        f = start(3, 0, 1);
        kv_u32(&f, "general.alignment", alignments[i]);
        snprintf(name, sizeof name, "alignment %u", alignments[i]);
        snprintf(expected, sizeof expected, "'general.alignment': found %u, expected a power of two from 8 to 65536",
                 alignments[i]);
        refuses(name, &f, expected);
    }
    f = start(3, 0, 1);
    string(&f, "k\x1b[2J\n\xc2\x9b"
               "31m"),
        u32(&f, 13), u32(&f, 1);
    struct error e;
    parse(&f, 0, &e);
    TEST("hostile key is made harmless", strstr(e.text, "metadata 'k?[2J???31m'"), "found '%s'", e.text);
}

static void one_tensor(const char *what, const char *name, unsigned n_dims, const uint64_t *ne, uint32_t type, uint64_t offset,
                       const char *expected)
{
    struct bytes f = start(3, 1, 0);
    tensor(&f, name, n_dims, ne, type, offset);
    zeros(&f, 256);
    refuses(what, &f, expected);
}

static void bad_tensors(void)
{
    static const uint64_t eight[] = {8, 1, 1, 1, 1};
    char name[TENSOR_MAX_NAME + 1] = "";
    memset(name, 'n', TENSOR_MAX_NAME);
    one_tensor("a long name", name, 1, eight, TYPE_F32, 0, "found a name of 64 bytes, expected 1 to 63");
    one_tensor("an empty name", "", 1, eight, TYPE_F32, 0, "tensor 1 of 1: found a name of 0 bytes");
    one_tensor("no dimensions", "a", 0, eight, TYPE_F32, 0, "tensor 'a': found 0 dimensions, expected 1 to 4");
    one_tensor("five dimensions", "a", 5, eight, TYPE_F32, 0, "tensor 'a': found 5 dimensions, expected 1 to 4");
    one_tensor("a dimension of 0", "a", 2, (uint64_t[]){8, 0}, TYPE_F32, 0, "tensor 'a': found dimension 1 of 0 elements");
    one_tensor("a dimension of 2^63", "a", 1, (uint64_t[]){UINT64_C(1) << 63}, TYPE_F32, 0,
               "tensor 'a': found dimension 0 of 9223");
    one_tensor("a product beyond 2^63", "a", 2, (uint64_t[]){UINT64_C(1) << 32, UINT64_C(1) << 31}, TYPE_Q8_0, 0,
               "tensor 'a': found more than 2^63 elements");
    one_tensor("bytes beyond 2^63", "a", 2, (uint64_t[]){UINT64_C(1) << 31, UINT64_C(1) << 31}, TYPE_F32, 0,
               "tensor 'a': found more bytes than can be addressed");
    one_tensor("a row that is no whole block", "a", 1, (uint64_t[]){100}, TYPE_Q8_0, 0,
               "tensor 'a': found rows of 100 elements, expected a multiple of 32 for type Q8_0");
    one_tensor("an unsupported type", "blk.0.w", 1, (uint64_t[]){256}, 23, 0,
               "tensor 'blk.0.w': found type IQ4_XS, expected a supp");
    one_tensor("an unknown type", "a", 1, eight, 12345, 0, "tensor 'a': found type number 12345, expected less than 64");
    one_tensor("an activation type", "a", 1, (uint64_t[]){256}, TYPE_Q8_A256, 0, "tensor 'a': found type number 65");
    one_tensor("an unaligned offset", "a", 1, eight, TYPE_F32, 16,
               "tensor 'a': found offset 16, expected a multiple of the alignment");
    one_tensor("an offset of 2^64 - 32", "a", 1, eight, TYPE_F32, UINT64_MAX - 31,
               "tensor 'a': found offset 18446744073709551584");
    one_tensor("an offset beyond the end", "a", 1, eight, TYPE_F32, 1 << 20,
               "tensor data: found 256 bytes, expected 1048608: the file is cut short before the end of tensor 'a'");

    struct bytes f = start(3, 2, 0);
    tensor(&f, "a", 1, eight, TYPE_F32, 0), tensor(&f, "a", 1, eight, TYPE_F32, 32), zeros(&f, 64);
    refuses("a tensor twice", &f, "tensor 'a': found twice, expected once");
    f = start(3, 2, 0);
    tensor(&f, "b", 1, eight, TYPE_F32, 32), tensor(&f, "a", 1, (uint64_t[]){9}, TYPE_F32, 0), zeros(&f, 128);
    refuses("tensors that overlap", &f, "tensor 'b': found offset 32, expected at least 36, where tensor 'a' ends");
    struct error e;
    bool ok = parse(&f, GGUF_HEADER_ONLY, &e);
    TEST("header only still refuses an overlap", !ok && strstr(e.text, "where tensor 'a' ends"), "found '%s'", e.text);
    f = start(3, 2, 0);
    tensor(&f, "b", 1, eight, TYPE_F32, 64), tensor(&f, "a", 1, eight, TYPE_F32, 0), zeros(&f, 96);
    ok = parse(&f, 0, &e);
    TEST("accepts gaps and any order", ok, "found '%s'", e.text);
    f.n--;
    refuses("tensor data cut by a byte", &f, "tensor data: found 95 bytes, expected 96: the file is cut short");
    ok = parse(&f, GGUF_HEADER_ONLY, &e);
    TEST("header only needs no tensor data", ok, "found '%s'", e.text);
    f = start(2, 1, 0);
    tensor(&f, "a", 1, eight, TYPE_F32, 0), zeros(&f, 32);
    ok = parse(&f, 0, &e);
    TEST("accepts version 2", ok, "found '%s'", e.text);
}

/* Every prefix of a whole file must be refused, and in the header as a file that lacks bytes. */
static void truncations(const unsigned char *data, size_t size, size_t header)
{
    size_t accepted = 0, no_more = 0;
    for (size_t n = 0; n < size; n++) {
        unsigned char *copy = malloc(n ? n : 1);
        memcpy(copy, data, n);
        struct gguf *g = gguf_parse(copy, n, 0, NULL);
        accepted += g != NULL && n + 32 < size; /* the last tensor's padding is not needed */
        gguf_free(g);
        bool more = false;
        g = gguf_parse_start(copy, n, &more, NULL);
        no_more += n < header && (g || !more);
        gguf_free(g);
        free(copy);
    }
    TEST("refuses every truncation", accepted == 0, "%zu prefixes were accepted", accepted);
    TEST("parse_start asks for more until the header is whole", no_more == 0, "%zu prefixes did not", no_more);
}

/* ---- Round trip ---- */

static void values(const struct gguf *g)
{
    struct error e = {""};
    uint32_t u = 0;
    float f = 0;
    bool b = false;
    struct gguf_string s;
    TEST("reads u32", gguf_get_u32(g, "llama.block_count", &u, &e) == GGUF_FOUND && u == 2, "found %u %s", u, e.text);
    TEST("reads u32 from u64 only if it fits",
         gguf_get_u32(g, "s.u64", &u, &e) == GGUF_WRONG &&
             strstr(e.text, "metadata 's.u64': found 1099511627776, expected 0 to 4294967295"),
         "%s", e.text);
    TEST("refuses a negative u32", gguf_get_u32(g, "s.i32", &u, &e) == GGUF_WRONG && strstr(e.text, "found -5"), "%s", e.text);
    TEST("refuses f32 as u32",
         gguf_get_u32(g, "s.f32", &u, &e) == GGUF_WRONG && strstr(e.text, "found a value of type f32, expected an integer"),
         "%s", e.text);
    TEST("refuses an array as u32", gguf_get_u32(g, "t.u32", &u, &e) == GGUF_WRONG && strstr(e.text, "found an array of u32"),
         "%s", e.text);
    TEST("reads f32", gguf_get_f32(g, "s.f32", &f, &e) == GGUF_FOUND && f == 0.1f, "found %g", f);
    TEST("reads bool", gguf_get_bool(g, "s.bool", &b, &e) == GGUF_FOUND && b, "%s", e.text);
    TEST("reads a string",
         gguf_get_string(g, "general.name", &s, &e) == GGUF_FOUND && s.len == 8 && !memcmp(s.data, "specimen", 8), "%s",
         e.text);
    e.text[0] = 0;
    TEST("an absent key is no error", gguf_get_u32(g, "absent", &u, &e) == GGUF_ABSENT && !e.text[0], "%s", e.text);

    const struct gguf_kv *tokens = gguf_find(g, "tokenizer.ggml.tokens");
    TEST("reads strings of any bytes",
         tokens && tokens->n == 4 && tokens->strings[1].len == 0 && tokens->strings[3].len == 3 &&
             !memcmp(tokens->strings[3].data, "a\0b", 3),
         "they differ");
    /* the bytes 01 80 03 ff 05 06 07 40, read as each kind */
    static const struct {
        const char *key;
        uint64_t i;
        int64_t v;
    } integers[] = {
        {"t.u8", 1, 0x80},
        {"t.i8", 1, -128},
        {"t.u16", 1, 0xff03},
        {"t.i16", 0, -32767},
        {"t.u32", 0, 0xff038001},
        {"t.i32", 0, -16547839},
        {"t.u64", 0, 0x40070605ff038001},
        {"t.u64", 1, INT64_MAX},
        {"t.i64", 1, -0x3ff0f1f2f3f4f5f7},
        {"t.bool", 2, 1},
        {"t.f64", 0, 2},
        {"s.u8", 0, 1},
        {"s.i8", 0, 1},
        {"s.u16", 0, 0x8001},
        {"s.i16", 0, -32767},
        {"s.i64", 0, 0x40070605ff038001},
    };
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        const struct gguf_kv *kv = gguf_find(g, integers[i].key);
        if (kv && gguf_integer(kv, integers[i].i) == integers[i].v) continue;
        printf("# %s[%d] is %lld\n", integers[i].key, (int)integers[i].i, kv ? (long long)gguf_integer(kv, integers[i].i) : 0);
        wrong++;
    }
    TEST("reads every kind of integer", !wrong, "%zu differ", wrong);
    double f64 = gguf_number(gguf_find(g, "t.f64"), 0);
    TEST("reads f64", fabs(f64 - 2.8779408) < 1e-6, "found %.9g", f64);
    const struct gguf_kv *none = gguf_find(g, "t.none");
    TEST("reads an empty array", none && none->n == 0 && none->type == GGUF_ARRAY && none->element == GGUF_F32, "it differs");
}

/* What was parsed, written again, must give the same bytes. */
static void rewrite(const char *name, const struct gguf *g, const unsigned char *data, size_t size, uint32_t alignment)
{
    struct error e = {""};
    size_t n;
    char *copy = specimen_rewritten(g, alignment, &n, &e);
    TEST(name, copy && n == size && !memcmp(copy, data, n), "%zu bytes for %zu %s", n, size, e.text);
    free(copy);
}

static void round_trip(void)
{
    static const uint32_t alignments[] = {0, 8, 4096};
    for (size_t i = 0; i < 3; i++) {
        size_t size;
        struct error e = {""};
        char name[64];
        unsigned char *data = specimen(alignments[i], &size);
        struct gguf *g = data ? gguf_parse(data, size, 0, &e) : NULL;
        snprintf(name, sizeof name, "round trip at alignment %u", alignments[i]);
        TEST(name, g && g->version == 3 && g->alignment == (alignments[i] ? alignments[i] : 32) && specimen_tensors_equal(g),
             "%s", e.text);
        if (g && i == 0) {
            values(g);
            truncations(data, size, g->data_offset - 32);
        }
        if (g) rewrite("a copy has the same bytes", g, data, size, alignments[i]);
        gguf_free(g);
        free(data);
    }
}

/* A file that another program wrote: the writer must lay out the same tables in the same bytes. */
static void foreign(void)
{
    static const char name[] = "a file of another program, written again, has the same bytes";
    char path[512];
    struct error e = {""};
    size_t size;
    if (!test_shared()) {
        SKIP(name, "no shared folder");
        return;
    }
    snprintf(path, sizeof path, "%s/oracle/text/tiny-llama-q4_k_m.gguf", test_shared());
    char *data = file_read(path, 1 << 24, &size, &e);
    struct gguf *g = data ? gguf_parse(data, size, 0, &e) : NULL;
    TEST("parses a file of another program", g && gguf_tensor(g, "blk.1.ffn_down.weight"), "%s", e.text);
    if (g) rewrite(name, g, (unsigned char *)data, size, g->alignment);
    gguf_free(g);
    free(data);
}

/* ---- The writer's own refusals ---- */

static void writer_refuses(const char *name, struct gguf_writer *w, const char *expected)
{
    struct error e = {""};
    FILE *f = tmpfile();
    bool ok = gguf_writer_begin(w, f, &e);
    TEST(name, !ok && strstr(e.text, expected), "found '%s', expected '%s'", e.text, expected);
    gguf_writer_free(w);
    fclose(f);
}

static void writer(void)
{
    static const int64_t shape[] = {32, 2}, odd[] = {33, 2};
    struct error e = {""};
    writer_refuses("writer refuses alignment 12", gguf_writer_new(12), "alignment: found 12");
    struct gguf_writer *w = gguf_writer_new(0);
    gguf_add_tensor(w, "a", TYPE_Q8_0, 2, odd);
    writer_refuses("writer refuses a row that is no whole block", w, "tensor 'a': found rows of 33 elements");
    w = gguf_writer_new(0);
    gguf_add_tensor(w, "a", TYPE_F32, 2, shape), gguf_add_tensor(w, "a", TYPE_F32, 2, shape);
    writer_refuses("writer refuses a tensor twice", w, "tensor 'a': found twice");
    w = gguf_writer_new(0);
    gguf_set_array(w, "k", GGUF_STRING, "", 0);
    writer_refuses("writer refuses strings as numbers", w, "metadata 'k': found an array of string");

    FILE *f = tmpfile();
    w = gguf_writer_new(0);
    gguf_set_u32(w, "k", 1), gguf_set_u32(w, "k", 2);
    gguf_add_tensor(w, "a", TYPE_F32, 1, shape);
    bool ok = gguf_writer_begin(w, f, &e) && gguf_write_data(w, (char[100]){0}, 100, &e);
    TEST("writer refuses less than a whole tensor",
         ok && !gguf_writer_end(w, &e) && strstr(e.text, "tensor 'a': found 100 bytes, expected 128"), "found '%s'", e.text);
    TEST("writer refuses more than a tensor",
         !gguf_write_data(w, (char[29]){0}, 29, &e) && strstr(e.text, "tensor 'a': found more than its 128 bytes"),
         "found '%s'", e.text);
    ok = gguf_write_data(w, (char[28]){0}, 28, &e) && gguf_writer_end(w, &e);
    TEST("writer refuses bytes after the last tensor",
         ok && !gguf_write_data(w, "x", 1, &e) && strstr(e.text, "after the last tensor"), "found '%s'", e.text);
    long size = ftell(f);
    char *data = calloc(1, (size_t)size);
    rewind(f);
    ok = fread(data, 1, (size_t)size, f) == (size_t)size;
    struct gguf *g = ok ? gguf_parse(data, (size_t)size, 0, &e) : NULL;
    uint32_t v = 0;
    TEST("a key set twice keeps the last value", g && g->n_kv == 1 && gguf_get_u32(g, "k", &v, &e) == GGUF_FOUND && v == 2,
         "found %u", v);
    gguf_free(g);
    free(data);
    fclose(f);
    gguf_writer_free(w);

    f = fopen("/dev/full", "w");
    if (!f) {
        SKIP("writer reports a full disk", "no /dev/full here");
        return;
    }
    setvbuf(f, NULL, _IONBF, 0);
    w = gguf_writer_new(0);
    ok = gguf_writer_begin(w, f, &e);
    TEST("writer reports a full disk", !ok && strstr(e.text, "cannot write: No space left on device"), "found '%s'", e.text);
    gguf_writer_free(w);
    fclose(f);
}

/* A table of many names must not take quadratic time, nor a lookup find the wrong one. */
static void many(void)
{
    struct error e = {""};
    enum { N = 20000 };
    struct gguf_writer *w = gguf_writer_new(0);
    char *data = NULL, name[32];
    size_t size = 0, wrong = 0;
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "t%d", i * 7919 % N);
        gguf_add_tensor(w, name, TYPE_F32, 1, (int64_t[]){1 + i % 8});
    }
    FILE *f = open_memstream(&data, &size);
    bool ok = gguf_writer_begin(w, f, &e);
    fclose(f);
    gguf_writer_free(w);
    struct gguf *g = ok ? gguf_parse(data, size, GGUF_HEADER_ONLY, &e) : NULL;
    for (int i = 0; g && i < N; i++) {
        snprintf(name, sizeof name, "t%d", i * 7919 % N);
        const struct tensor *t = gguf_tensor(g, name);
        wrong += !t || strcmp(t->name, name) || t->ne[0] != 1 + i % 8;
    }
    TEST("finds each of 20,000 tensors", g && !wrong && !gguf_tensor(g, "t20000") && !gguf_tensor(g, ""), "%zu wrong %s", wrong,
         e.text);
    gguf_free(g);
    free(data);
}

int main(void)
{
    bad_headers();
    bad_metadata();
    bad_tensors();
    round_trip();
    foreign();
    writer();
    many();
    TEST_MAIN_END();
}
