/* describe.c - the sums that `hartree info` prints, and hostile text made fit for a terminal.
 * SPDX-License-Identifier: MIT */
#include "base/printable.h"
#include "loader/describe.h"
#include "tests/specimen.h"
#include "tests/test.h"

static bool is(struct gguf_string s, const char *text) { return s.len == strlen(text) && !memcmp(s.data, text, s.len); }

static void sums(void)
{
    struct error e = {""};
    struct description d;
    size_t size;
    unsigned char *data = specimen(0, &size);
    struct gguf *g = gguf_parse(data, size, GGUF_HEADER_ONLY, &e);
    bool ok = g && describe_model(&d, g, &e);
    TEST("describes a model", ok, "%s", e.text);
    if (!ok) exit(1);
    TEST("finds architecture, name and layers",
         is(d.architecture, "llama") && is(d.name, "specimen") && d.has_layers && d.layers == 2, "they differ");
    /* 160 + 32 + 96 + 768 + 512 + 60 + 128 elements (seven more are integers, no parameters), and all bytes */
    TEST("sums parameters and bytes",
         d.all.tensors == 8 && d.all.parameters == 1756 && d.all.bytes == 170 + 128 + 192 + 432 + 420 + 28 + 120 + 72,
         "%llu parameters, %llu bytes", (unsigned long long)d.all.parameters, (unsigned long long)d.all.bytes);
    TEST("sums by type",
         d.types[TYPE_Q4_K].tensors == 1 && d.types[TYPE_Q4_K].bytes == 432 && d.types[TYPE_Q8_0].parameters == 160 &&
             !d.types[TYPE_Q2_K].tensors,
         "they differ");
    static const char *const order[] = {"token_embd", "positions", "patch", "output", "blk.0", "blk.1"};
    bool same = d.n_sums == 6;
    for (size_t i = 0; same && i < 6; i++) same = is(d.sums[i].name, order[i]);
    TEST("groups tensors by layer, numbered layers last", same, "%zu groups, the first '%.*s'", d.n_sums,
         (int)d.sums[0].name.len, d.sums[0].name.data);
    TEST("sums a layer",
         same && d.sums[4].all.tensors == 3 && d.sums[4].all.bytes == 752 && d.sums[4].type_bytes[TYPE_F16] == 192,
         "they differ");
    describe_free(&d);
    gguf_free(g);
    free(data);
}

/* Layers that a file lists as 10, 2, 1, with a tensor of layer 10 apart from the others. */
static void order(void)
{
    static const char *const names[] = {"blk.10.a", "v.blk.0.a", "blk.2.a",      "output_norm.weight",
                                        "blk.1.a",  "blk.10.b",  "output.weight"};
    static const char *const expected[] = {"output_norm", "output", "blk.1", "blk.2", "blk.10", "v.blk.0"};
    struct error e = {""};
    struct description d = {.n_sums = 0};
    char *data = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&data, &size);
    struct gguf_writer *w = gguf_writer_new(0);
    for (size_t i = 0; i < 7; i++) gguf_add_tensor(w, names[i], TYPE_F32, 1, (int64_t[]){1});
    bool ok = gguf_writer_begin(w, f, &e);
    fclose(f);
    gguf_writer_free(w);
    struct gguf *g = ok ? gguf_parse(data, size, GGUF_HEADER_ONLY, &e) : NULL;
    ok = g && describe_model(&d, g, &e) && d.n_sums == 6;
    for (size_t i = 0; ok && i < 6; i++) ok = is(d.sums[i].name, expected[i]);
    TEST("orders layers by number", ok && d.sums[4].all.tensors == 2, "%zu groups %s", d.n_sums, e.text);
    TEST("a file that does not say its architecture has none", ok && !d.architecture.data && !d.name.data && !d.has_layers,
         "it has");
    describe_free(&d);
    gguf_free(g);
    free(data);
}

static void wrong_kind(const char *what, const char *key, const char *expected)
{
    struct error e = {""};
    struct description d;
    char *data = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&data, &size);
    struct gguf_writer *w = gguf_writer_new(0);
    gguf_set_string(w, "general.architecture", "llama", 5);
    gguf_set_f32(w, key, 1);
    bool ok = gguf_writer_begin(w, f, &e);
    fclose(f);
    gguf_writer_free(w);
    struct gguf *g = ok ? gguf_parse(data, size, 0, &e) : NULL;
    ok = g && describe_model(&d, g, &e);
    TEST(what, !ok && strstr(e.text, expected), "found '%s'", e.text);
    gguf_free(g);
    free(data);
}

static void escapes(const char *name, const char *s, size_t n, size_t max, const char *expected)
{
    char *out = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&out, &size);
    print_escaped(f, s, n, max);
    fclose(f);
    TEST(name, !strcmp(out, expected), "found '%s', expected '%s'", out, expected);
    free(out);
}

static void shows(const char *name, const struct gguf_kv *kv, const char *expected)
{
    char *out = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&out, &size);
    describe_value(f, kv, 60);
    fclose(f);
    TEST(name, !strcmp(out, expected), "found '%s', expected '%s'", out, expected);
    free(out);
}

static void text(void)
{
    escapes("text stays as it is", "na\xc3\xafve \xe4\xb8\xad\xf0\x9f\x98\x80", 14, 80,
            "na\xc3\xafve \xe4\xb8\xad\xf0\x9f\x98\x80");
    escapes("control characters are escaped", "\x1b[2J\r\n\t\0\x7f", 9, 80, "\\x1b[2J\\x0d\\n\\t\\x00\\x7f");
    escapes("C1 control characters are escaped", "\xc2\x9b" "31m", 5, 80, "\\xc2\\x9b31m");
    escapes("what turns the direction is escaped", "a\xe2\x80\xae" "b", 5, 80, "a\\xe2\\x80\\xaeb");
    escapes("broken UTF-8 is escaped", "\xc3(\xe4\xb8\xff\xc0\xaf\xed\xa0\x80", 10, 80,
            "\\xc3(\\xe4\\xb8\\xff\\xc0\\xaf\\xed\\xa0\\x80");
    escapes("quotes and backslashes are escaped", "\"\\", 2, 80, "\\\"\\\\");
    escapes("long text is cut", "abcdefgh", 8, 5, "abcde...");

    float f = 1e-6f;
    shows("shows a float in few digits", &(struct gguf_kv){.type = GGUF_F32, .element = GGUF_F32, .n = 1, .data = &f}, "1e-06");
    static const uint8_t many[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    struct gguf_kv array = {.type = GGUF_ARRAY, .element = GGUF_U8, .n = 8, .data = many};
    shows("shortens an array", &array, "[0, 1, 2, 3, 4, 5, ...]");
    array.n = 2;
    shows("shows a short array", &array, "[0, 1]");
    array.n = 0;
    shows("shows an empty array", &array, "[]");
    struct gguf_string s[] = {{"a\nb", 3}, {"abcdefghijklmnop", 16}};
    shows("shortens strings", &(struct gguf_kv){.type = GGUF_ARRAY, .element = GGUF_STRING, .n = 2, .strings = s},
          "[\"a\\nb\", \"abcdefghij...\"]");
}

int main(void)
{
    sums();
    order();
    wrong_kind("refuses a name that is no string", "general.name",
               "metadata 'general.name': found a value of type f32, expected a string");
    wrong_kind("refuses layers that are no integer", "llama.block_count",
               "metadata 'llama.block_count': found a value of type f32");
    text();
    TEST_MAIN_END();
}
