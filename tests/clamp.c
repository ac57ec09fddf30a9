/* clamp.c - the grids of each rule on kept sizes (computed by an independent implementation of each) and, where there is the
 * reference data, on those that llama.cpp itself gave; the text of clamps; what is used when nothing is said.
 * SPDX-License-Identifier: MIT */
#include "tests/test.h"
#include "vision/clamp.h"
#include "vision/picture.h"

static const struct clamp_keys qwen = {.patch = 14, .merge = 2};

static bool apply(const char *text, const struct clamp_keys *keys, int w, int h, struct clamped *r, struct error *e)
{
    struct clamp c;
    return clamp_parse(text, &c, e) && clamp_apply(&c, keys, w, h, r, e);
}

static void test_kept(void)
{
    static const struct {
        int w, h;
        const char *clamp;
        int to_w, to_h;
    } cases[] = {
        /* the paper's picture and its three clamps; half-way cases; the smallest */
        {1024, 720, "edge:1024", 1036, 728},
        {2048, 1440, "edge:1024", 1036, 728},
        {2048, 1440, "edge:854", 868, 616},
        {2048, 1440, "edge:714", 728, 504},
        {2048, 1440, "box:1024x720", 1036, 728},
        {2048, 1440, "box:854x594", 868, 616},
        {2048, 1440, "box:714x496", 728, 504},
        {1440, 2048, "box:1024x720", 532, 728},
        {640, 450, "box:1024x720", 644, 476},
        {2048, 1440, "tokens:8..963", 1036, 728},
        {2048, 1440, "tokens:8..689", 868, 616},
        {2048, 1440, "tokens:8..476", 728, 504},
        {2048, 1440, "llama.cpp", 2044, 1428},
        {2048, 1440, "llama.cpp-2025", 1036, 728},
        {2048, 1440, "none", 2072, 1456},
        {70, 42, "tokens:1..4096", 84, 56},
        {70, 42, "hf:1..12845056", 56, 56},
        {2000, 1, "edge:1024", 1036, 28},
        {1, 1, "llama.cpp", 84, 84},
        {29, 28, "none", 56, 28},
        {2048, 1440, "hf", 2044, 1428},
        {2048, 1440, "hf:3136..1003520", 1176, 812},
        {1344, 812, "tokens:8..4096", 1344, 812},
        {19, 31, "tokens:8..4096", 84, 112},
        {18, 2, "tokens:64..4096", 700, 84},
        {266, 210, "tokens:8..963", 280, 224},
        {481, 358, "tokens:1..100", 308, 224},
        {1680, 1849, "tokens:8..4096", 1680, 1848},
        {14, 42, "tokens:64..100", 140, 392},
        {7, 14, "tokens:1..4096", 28, 28},
        {37, 30, "tokens:8..100", 112, 84},
        {28, 42, "tokens:8..963", 84, 112},
        {26, 38, "tokens:8..4096", 84, 112},
        {3299, 6047, "tokens:8..476", 448, 812},
        {14, 14, "tokens:64..4096", 224, 224},
        {1773, 483, "tokens:1..100", 532, 140},
        {459, 5331, "tokens:64..4096", 448, 5320},
        {154, 280, "tokens:8..4096", 168, 280},
        {2892, 6679, "tokens:64..100", 168, 420},
        {4, 31, "tokens:8..4096", 56, 224},
        {28, 14, "tokens:64..4096", 336, 168},
        {3899, 845, "tokens:8..4096", 3836, 812},
        {860, 353, "tokens:8..4096", 868, 364},
        {14, 28, "tokens:8..100", 56, 112},
        {4724, 5834, "tokens:64..476", 532, 672},
        {2451, 423, "tokens:64..100", 672, 112},
        {2422, 4438, "tokens:1..963", 616, 1176},
        {1550, 150, "tokens:64..4096", 1540, 140},
        {2, 10, "tokens:8..4096", 56, 196},
        {42, 14, "tokens:8..476", 140, 56},
        {56, 341, "tokens:64..963", 112, 560},
        {4001, 4363, "tokens:64..4096", 1708, 1848},
        {6930, 2058, "tokens:1..4096", 3276, 952},
        {1291, 794, "tokens:1..963", 1092, 672},
        {6138, 6290, "tokens:64..100", 252, 280},
        {2100, 3108, "tokens:1..4096", 1456, 2156},
        {423, 595, "tokens:8..963", 420, 588},
        {14, 38, "tokens:8..100", 56, 140},
        {42, 14, "tokens:8..963", 140, 56},
        {335, 176, "tokens:8..100", 336, 168},
        {710, 5754, "tokens:1..4096", 616, 5096},
        {1862, 28, "tokens:8..476", 1876, 28},
        {6910, 1220, "edge:714", 728, 140},
        {2184, 315, "edge:714", 728, 112},
        {57, 17, "edge:714", 84, 28},
        {20, 327, "edge:854", 28, 336},
        {2090, 5187, "edge:1024", 420, 1036},
        {5476, 720, "edge:1024", 1036, 140},
        {282, 374, "edge:714", 308, 392},
        {5856, 587, "edge:1024", 1036, 112},
        {3946, 1672, "edge:854", 868, 364},
        {1921, 941, "edge:1024", 1036, 504},
        {2366, 1787, "edge:714", 728, 560},
        {5402, 4561, "edge:1024", 1036, 868},
        {395, 868, "edge:854", 392, 868},
        {5478, 2710, "edge:854", 868, 448},
        {3517, 1568, "edge:854", 868, 392},
        {1747, 2083, "edge:854", 728, 868},
        {81, 177, "edge:1024", 84, 196},
        {2158, 1831, "edge:854", 868, 728},
        {2018, 981, "edge:1024", 1036, 504},
        {2408, 279, "edge:854", 868, 112},
        {714, 42, "hf:3136..1003520", 728, 56},
        {3548, 4280, "hf:3136..1003520", 896, 1092},
        {6736, 6579, "hf:3136..12845056", 3612, 3528},
        {6594, 4438, "hf:3136..1003520", 1204, 812},
        {4025, 3145, "hf:3136..12845056", 4032, 3136},
        {3190, 4550, "hf:3136..1003520", 812, 1176},
        {98, 2450, "hf:3136..1003520", 112, 2464},
        {1806, 2103, "hf:3136..1003520", 924, 1064},
        {83, 19, "hf:3136..1003520", 140, 28},
        {1526, 1106, "hf:3136..12845056", 1512, 1120},
        {1469, 608, "hf:3136..12845056", 1456, 616},
        {5733, 1187, "hf:3136..12845056", 5740, 1176},
        {70, 70, "hf:3136..1003520", 56, 56},
        {1473, 388, "hf:3136..1003520", 1484, 392},
        {98, 178, "hf:3136..1003520", 112, 168},
        {70, 98, "hf:3136..12845056", 56, 112},
        {1907, 1651, "hf:3136..12845056", 1904, 1652},
        {887, 5015, "hf:3136..1003520", 420, 2380},
        {14, 14, "hf:3136..12845056", 56, 56},
        {2003, 1925, "hf:3136..1003520", 1008, 980},
        {4414, 639, "hf:3136..12845056", 4424, 644},
        {2142, 966, "hf:3136..12845056", 2128, 952},
        {101, 296, "hf:3136..12845056", 112, 308},
        {1446, 1256, "hf:3136..12845056", 1456, 1260},
        {70, 42, "hf:3136..1003520", 56, 56},
        {5788, 5404, "hf:3136..1003520", 1036, 952},
        {68, 289, "hf:3136..1003520", 56, 280},
        {6006, 3150, "hf:3136..1003520", 1372, 700},
        {797, 3039, "hf:3136..12845056", 784, 3052},
        {91, 73, "hf:3136..12845056", 84, 84},
    };
    int wrong = 0;
    struct error e = {""};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct clamped r = {0};
        bool ok = apply(cases[i].clamp, &qwen, cases[i].w, cases[i].h, &r, &e) && r.width == cases[i].to_w &&
                  r.height == cases[i].to_h;
        if (!ok)
            printf("# %dx%d, %s: found %dx%d, expected %dx%d\n", cases[i].w, cases[i].h, cases[i].clamp, r.width, r.height,
                   cases[i].to_w, cases[i].to_h);
        wrong += !ok;
    }
    TEST("kept sizes", !wrong, "%d of %zu wrong %s", wrong, sizeof cases / sizeof *cases, e.text);
}

/* Sizes whose grids llama.cpp gave: rows of [w, h, min tokens, max tokens, nx, ny], -1 for its defaults. */
static void test_oracle(void)
{
    char path[512], text[64];
    enum { ROWS = 295 };
    int n = 0, wrong = 0, v[6];
    const char *shared = test_shared();
    if (shared) snprintf(path, sizeof path, "%s/oracle/vl/oracle/resize_sizes.json", shared);
    FILE *f = shared ? fopen(path, "r") : NULL;
    if (!f) {
        SKIP("llama.cpp's grids", "no reference data");
        return;
    }
    for (int c; (c = getc(f)) != EOF;) {
        if (c != '[' || fscanf(f, "%d, %d, %d, %d, %d, %d", v, v + 1, v + 2, v + 3, v + 4, v + 5) != 6) continue;
        struct clamped r = {0};
        struct error e;
        snprintf(text, sizeof text, "tokens:%d..%d", v[2] < 0 ? 8 : v[2], v[3] < 0 ? 4096 : v[3]);
        n++;
        wrong += !apply(text, &qwen, v[0], v[1], &r, &e) || r.nx != v[4] || r.ny != v[5];
    }
    fclose(f);
    TEST("llama.cpp's grids", n == ROWS && !wrong, "%d of %d wrong, expected %d", wrong, n, ROWS);
}

/* What holds for every size and rule: multiples of align, the inner picture inside with its aspect, counts that belong
 * together. */
static void test_invariants(void)
{
    static const char *const clamps[] = {"none",          "edge:1024",           "box:300x900", "tokens:8..4096",
                                         "tokens:16..16", "pixels:6272..500000", "hf",          "none,stretch",
                                         "hf,pad"};
    static const struct clamp_keys keys[] = {{.patch = 14, .merge = 2}, {.patch = 16, .merge = 1}, {.patch = 7, .merge = 3}};
    int n = 0, wrong = 0;
    struct error e;
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < sizeof clamps / sizeof *clamps; i++)
            for (int w = 10; w < 3000; w += 1 + w / 9)
                for (int h = 10; h < 3000; h += 1 + h / 7) {
                    struct clamped r;
                    int align = keys[k].patch * keys[k].merge;
                    if (!apply(clamps[i], &keys[k], w, h, &r, &e)) {
                        wrong += strncmp(clamps[i], "hf", 2) != 0;
                        continue;
                    }
                    n++;
                    bool ok =
                        r.width % align == 0 && r.height % align == 0 && r.nx * align == r.width && r.ny * align == r.height;
                    ok = ok && r.nx >= 1 && r.ny >= 1 && r.tokens == (int64_t)r.nx * r.ny &&
                         r.patches == r.tokens * keys[k].merge * keys[k].merge;
                    ok = ok && r.x >= 0 && r.y >= 0 && r.x + r.inner_width <= r.width && r.y + r.inner_height <= r.height;
                    ok = ok && (r.inner_width == r.width || r.inner_height == r.height) && r.inner_width >= 1 &&
                         r.inner_height >= 1;
                    wrong += !ok;
                }
    TEST("invariants", n > 10000 && !wrong, "%d of %d wrong: %s", wrong, n, e.text);
}

static void test_text(void)
{
    static const char *const same[] = {"none",
                                       "edge:1024",
                                       "box:1024x720",
                                       "tokens:8..4096",
                                       "pixels:6272..3211264",
                                       "hf:3136..12845056",
                                       "none,stretch",
                                       "edge:714,stretch",
                                       "tokens:1..1,stretch",
                                       "hf:3136..12845056,pad"};
    static const char *const other[][2] = {{"llama.cpp", "tokens:8..4096"},     {"llama.cpp-2025", "edge:1024,stretch"},
                                           {"hf", "hf:3136..12845056"},         {"edge:1024,pad", "edge:1024"},
                                           {"llama.cpp-2025,pad", "edge:1024"}, {"llama.cpp,stretch", "tokens:8..4096,stretch"},
                                           {"hf,stretch", "hf:3136..12845056"}, {"edge:007", "edge:7"}};
    static const char *const bad[] = {"",
                                      "non",
                                      "none:3",
                                      "edge",
                                      "edge:",
                                      "edge:0",
                                      "edge:1.5",
                                      "edge:-3",
                                      "edge:70000",
                                      "edge:1024x720",
                                      "edge: 5",
                                      "box:1024",
                                      "box:1024x",
                                      "box:0x5",
                                      "tokens:8",
                                      "tokens:8..",
                                      "tokens:9..8",
                                      "tokens:0..8",
                                      "tokens:8...9",
                                      "tokens:8..9 ",
                                      "pixels:1..999999999",
                                      "pixels:1..99999999999999999999",
                                      "edge:1024,",
                                      "edge:1024,crop",
                                      "edge:1024,pad,stretch",
                                      ",pad",
                                      "llama.cpp-2024",
                                      "hf:5",
                                      "Edge:1024",
                                      "tokens:8..4096,pad ",
                                      "edge:1024 pad",
                                      "pixels:000000000000000000000000000000000000000000000000000000000000000000001..5"};
    struct clamp c;
    struct error e = {""};
    char text[CLAMP_TEXT];
    int wrong = 0;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++, wrong += strcmp(text, same[i - 1]) != 0) {
        *text = 0;
        if (clamp_parse(same[i], &c, &e)) clamp_text(&c, text);
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++, wrong += strcmp(text, other[i - 1][1]) != 0) {
        *text = 0;
        if (clamp_parse(other[i][0], &c, &e)) clamp_text(&c, text);
    }
    TEST("text and back", !wrong, "%d wrong: %s", wrong, e.text);
    for (size_t i = wrong = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!clamp_parse(bad[i], &c, &e)) continue;
        printf("# accepted: '%s'\n", bad[i]);
        wrong++;
    }
    TEST("wrong text", !wrong && strstr(e.text, "clamp: found"), "%d accepted; %s", wrong, e.text);
}

static bool chosen(const char *flag, const struct clamp_keys *keys, const char *expected, struct error *e)
{
    struct clamp c;
    char text[CLAMP_TEXT];
    if (!clamp_choose(flag, keys, &c, e)) return strstr(e->text, expected);
    clamp_text(&c, text);
    return !strcmp(text, expected);
}

static void test_choice(void)
{
    struct clamp_keys both = qwen, least = qwen, most = qwen, wrong = qwen, none = {.patch = 0, .merge = 2},
                      huge = {.patch = 5000, .merge = 1};
    struct error e = {""};
    both.min_pixels = 3136, both.max_pixels = 12845056;
    least.min_pixels = 784, most.max_pixels = 1003520;
    wrong.min_pixels = 10000, wrong.max_pixels = 9999;
    TEST("nothing said", chosen(NULL, &qwen, "tokens:8..4096", &e), "%s", e.text);
    TEST("the file's keys", chosen(NULL, &both, "pixels:3136..12845056", &e), "%s", e.text);
    TEST("the file's least alone", chosen(NULL, &least, "pixels:784..3211264", &e), "%s", e.text);
    TEST("the file's most alone", chosen(NULL, &most, "pixels:6272..1003520", &e), "%s", e.text);
    TEST("the flag before the file", chosen("edge:714", &both, "edge:714", &e), "%s", e.text);
    TEST("keys that contradict", chosen(NULL, &wrong, "found 10000 and 9999", &e), "%s", e.text);
    TEST("a wrong flag", chosen("edge", &both, "found 'edge'", &e), "%s", e.text);
    TEST("a patch size of 0", chosen(NULL, &none, "found 0 and 2", &e), "%s", e.text);
    TEST("a patch size beyond all", chosen(NULL, &huge, "found 5000 and 1", &e), "%s", e.text);
}

static void test_refused(void)
{
    struct clamped r;
    struct error e = {""};
    TEST("hf: a side too small", !apply("hf", &qwen, 9, 100, &r, &e) && strstr(e.text, "at least 10"), "%s", e.text);
    TEST("hf: an aspect too long", !apply("hf", &qwen, 2011, 10, &r, &e) && apply("hf", &qwen, 2000, 10, &r, &e), "%s", e.text);
    TEST("no size", !apply("none", &qwen, 0, 5, &r, &e) && !apply("none", &qwen, 5, -1, &r, &e), "accepted");
    TEST("more pixels than a picture may have",
         !apply("pixels:134217728..134217728", &qwen, 65535, 3, &r, &e) && strstr(e.text, "at most"), "%s", e.text);
    char line[CLAMP_LINE];
    struct clamp c;
    bool ok = clamp_parse("edge:1024", &c, &e) && clamp_apply(&c, &qwen, 2048, 1440, &r, &e);
    if (ok) clamp_line(&c, &r, line);
    TEST("the line", ok && !strcmp(line, "in 2048x1440 -> 1036x728 -> 3848 patches -> 962 tokens (clamp edge:1024)"), "%s",
         ok ? line : e.text);
}

int main(void)
{
    test_kept();
    test_oracle();
    test_invariants();
    test_text();
    test_choice();
    test_refused();
    TEST_MAIN_END();
}
