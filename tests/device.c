/* device.c - profiles: read, refused, written, measured, and what rounds of measuring say. SPDX-License-Identifier: MIT */
#include <math.h>
#include <unistd.h>

#include "base/random.h"
#include "engine/account/bundled.h"
#include "engine/account/calibrate.h"
#include "engine/account/picture_cost.h"
#include "engine/account/rounds.h"
#include "kernels/kernel.h"
#include "tensor/linear.h"
#include "tests/round_device.h"
#include "tests/test.h"

static struct error e;

static char folder[256];

static char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void test_round_trip(const struct device *d)
{
    struct device again;
    const char *path = in_folder("device");
    bool ok = device_save(d, path, &e) && device_load(&again, path, &e);
    TEST("a profile reads back as it was", ok && same_device(d, &again), "%s", ok ? "it differs" : e.text);
    if (ok) device_free(&again);
    unlink(path);
    struct device sparse = {0};
    ok = device_set(&sparse, "vector.add.decode.1", 1e9, MEASURED, NULL, &e) &&
         device_set(&sparse, "vector.add.decode.5", 3e9, MEASURED, NULL, &e);
    TEST("a rate between two numbers of threads is interpolated", ok && device_rate(&sparse, "vector.add.decode", 2) == 1.5e9,
         "found %g", device_rate(&sparse, "vector.add.decode", 2));
    TEST("a rate that was measured is taken as it is", device_rate(&sparse, "vector.add.decode", 5) == 3e9, "found %g",
         device_rate(&sparse, "vector.add.decode", 5));
    device_free(&sparse);
    TEST("a rate beyond the most threads is not known", isnan(device_rate(d, "read_bandwidth", 3)), "found %g",
         device_rate(d, "read_bandwidth", 3));
    TEST("a missing rate is not known", isnan(device_rate(d, "linear.q9_K.decode", 1)), "found a number");
}

static void test_bad_profiles(void)
{
#define HEAD "name = m\nisa = i\ndate = d\n"
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"unknown key", HEAD "warp = 1 # 1, measured\n", "line 4: found key 'warp'"},
        {"unknown type", HEAD "linear.q9_K.decode.1 = 1e9 # FLOP/s, measured\n", "line 4: found key 'linear.q9_K.decode.1'"},
        {"threads of 0", HEAD "stage.0 = 1e-6 # s, measured\n", "line 4: found key 'stage.0'"},
        {"half a row", HEAD "linear.q4_K.few = 2.5 # 1, measured\n",
         "line 4: linear.q4_K.few: found 2.5, expected a whole number"},
        {"no row", HEAD "linear.q4_K.few = 0 # 1, measured\n", "line 4: linear.q4_K.few: found 0, expected 1 to 15"},
        {"too many rows", HEAD "linear.q4_K.few = 16 # 1, measured\n", "line 4: linear.q4_K.few: found 16, expected 1 to 15"},
        {"half an element", HEAD "attend.f16.strip = 2.5 # 1, assumed\n",
         "line 4: attend.f16.strip: found 2.5, expected a whole number"},
        {"no element", HEAD "attend.f16.strip = 0 # 1, assumed\n", "line 4: attend.f16.strip: found 0, expected 1 to 1024"},
        {"strips by threads", HEAD "attend.f16.strip.2 = 8 # 1, assumed\n", "line 4: found key 'attend.f16.strip.2'"},
        {"few rows by threads", HEAD "linear.q4_K.few.2 = 3 # 1, measured\n", "line 4: found key 'linear.q4_K.few.2'"},
        {"half a core", HEAD "cores = 1.5 # 1, measured\n", "line 4: cores: found 1.5, expected a whole number"},
        {"repeated key", HEAD "cores = 1 # 1, measured\n\ncores = 2 # 1, measured\n", "line 6: found a second 'cores'"},
        {"repeated name", HEAD "name = n\n", "line 4: found a second 'name'"},
        {"repeated build", HEAD "build = a\nbuild = b\n", "line 5: found a second 'build'"},
        {"out of range", HEAD "cores = 0 # 1, measured\n", "line 4: cores: found 0, expected 1 to 1024"},
        {"not a number", HEAD "cores = two # 1, measured\n", "line 4: cores: found 'two', expected a number"},
        {"nan", HEAD "cores = nan # 1, measured\n", "line 4: cores: found nan"},
        {"wrong unit", HEAD "read_bandwidth.1 = 10 # GB/s, measured\n", "line 4: found unit 'GB/s', expected 'B/s'"},
        {"no provenance", HEAD "cores = 1 # 1\n", "line 4: found '# 1', expected"},
        {"fitted by nobody", HEAD "energy.idle = 3 # W, fitted\n", "line 4: found provenance 'fitted'"},
        {"negative joules", HEAD "energy.byte = -1 # J/B, assumed\n", "line 4: energy.byte: found -1, expected 0 to"},
        {"an unknown bound", HEAD "energy.byte.low = 0 # J/B, assumed\n", "line 4: found key 'energy.byte.low'"},
        {"unknown provenance", HEAD "cores = 1 # 1, guessed\n", "line 4: found provenance 'guessed'"},
        {"no comment", HEAD "cores = 1\n", "line 4: cores: found no comment"},
        {"no equals sign", HEAD "cores\n", "line 4: found 'cores', expected key = value"},
        {"missing key", HEAD "cores = 1 # 1, measured\n", "end of file: found no key 'llc'"},
        {"missing rate",
         HEAD "cores = 1 # 1, measured\nllc = 0 # B, assumed\nexponent = inf # 1, assumed\nnoise = 0 # 1, assumed\n"
              "read_bandwidth.4 = 1e9 # B/s, measured\n",
         "end of file: found no key 'stage.4'"},
        {"empty", "", "end of file: found no key 'name'"},
        {"an escape in a name", "name = a\033[31mb\n", "line 1: name: found a byte 1b, expected printable text"},
        {"an escape in a source", HEAD "cores = 1 # 1, published a\033[31mb\n",
         "line 4: cores: found a byte 1b, expected printable text"},
        {"a source that is no UTF-8", HEAD "cores = 1 # 1, published a\xff\n", "line 4: cores: found a byte ff"},
        {"a mark before the text", "\xef\xbb\xbf" HEAD "warp = 1 # 1, measured\n", "line 4: found key 'warp'"},
        {"another format", HEAD "format = 3 # 1, assumed\n", "line 4: found key 'format', expected one that"},
        {"infinite", HEAD "noise = 1e999 # 1, measured\n", "line 4: noise: found inf, expected 0 to 10"},
        {"a negative rate", HEAD "linear.q4_K.decode.1 = -1e9 # FLOP/s, measured\n",
         "line 4: linear.q4_K.decode.1: found -1e+09, expected 1000 to 1e+18 FLOP/s"},
        {"a huge rate", HEAD "vector.add.decode.1 = 1e30 # B/s, measured\n", "line 4: vector.add.decode.1: found 1e+30"},
        {"a number's tail", HEAD "noise = 0.1x # 1, measured\n", "line 4: noise: found '0.1x', expected a number"},
        {"no number", HEAD "noise = # 1, measured\n", "line 4: noise: found '', expected a number"},
        {"no key", HEAD " = 5 # 1, measured\n", "line 4: found key '', expected one that"},
        {"threads from 1", HEAD "stage.01 = 1e-6 # s, measured\n", "line 4: found key 'stage.01'"},
        {"too many threads", HEAD "stage.1025 = 1e-6 # s, measured\n", "line 4: found key 'stage.1025'"},
        {"a log in its place", "session,device,threads\n", "line 1: found 'session,device,threads', expected key = value"},
        {"a comment behind a text", "name = m # of mine\n", "line 1: name: found '#', expected no comment behind a text"},
    };
    const char *path = in_folder("bad");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct device d;
        char name[64];
        FILE *f = fopen(path, "w");
        if (!f) return (void)SKIP("bad profiles", "cannot write %s", path);
        fputs(cases[i].text, f);
        fclose(f);
        bool loaded = device_load(&d, path, &e);
        if (loaded) device_free(&d);
        snprintf(name, sizeof name, "profile refused: %s", cases[i].name);
        TEST(name, !loaded && !strncmp(e.text, path, strlen(path)) && strstr(e.text, cases[i].want), "found '%s'",
             loaded ? "loaded" : e.text);
    }
    unlink(path);
}

/* Bytes that no text has, where they stand. */
static void test_bytes(void)
{
    char text[] = HEAD "cores = 1 # 1, assumed\nllc = \0 # B, assumed\n";
    struct device d;
    bool loaded = device_parse(&d, text, sizeof text - 1, "x", &e);
    if (loaded) device_free(&d);
    TEST("a NUL byte is told with its line", !loaded && strstr(e.text, "x: line 5: found a NUL byte, expected text"),
         "found '%s'", loaded ? "loaded" : e.text);
    char cut[] = HEAD "cores = 1 # 1, assumed\0";
    loaded = device_parse(&d, cut, sizeof cut - 1, "x", &e);
    if (loaded) device_free(&d);
    TEST("at the end, too", !loaded && strstr(e.text, "x: line 4: found a NUL byte"), "found '%s'", loaded ? "loaded" : e.text);
}

/* A bundled profile with a few bytes changed, taken out or put in anywhere: it is refused in one line, or is a profile that
 * reads back from what is printed of it. */
static void test_changed(void)
{
    enum { TRIALS = 400 };
    const char *whole = bundled_at(0)->text;
    size_t n = strlen(whole), refused = 0, wrong = 0;
    uint64_t state = 5;
    char why[160] = "";
    for (int trial = 0; trial < TRIALS; trial++) {
        char *text = malloc(n + 8), *printed = NULL;
        size_t size = n, printed_size;
        struct device d, again;
        if (!text) abort();
        memcpy(text, whole, n + 1);
        for (size_t k = random_below(&state, 4) + 1; k--;) {
            size_t at = random_below(&state, size);
            int kind = (int)random_below(&state, 3);
            if (kind == 1) memmove(text + at, text + at + 1, size-- - at);
            if (kind == 2) memmove(text + at + 1, text + at, ++size - at);
            if (kind != 1) text[at] = (char)random_below(&state, 256);
        }
        text[size] = 0;
        bool loaded = device_parse(&d, text, size, "changed", &e),
             ok = loaded || (!strchr(e.text, '\n') && !strncmp(e.text, "changed: ", 9));
        refused += !loaded;
        FILE *f = loaded ? open_memstream(&printed, &printed_size) : NULL;
        if (f) {
            device_print(&d, f);
            fclose(f);
            ok = device_parse(&again, printed, printed_size, "printed", &e) && same_device(&d, &again);
            device_free(&again);
        }
        if (!ok && !wrong++) snprintf(why, sizeof why, "%d: %.140s", trial, e.text);
        if (loaded) device_free(&d);
        free(printed);
        free(text);
    }
    TEST("a profile with bytes changed anywhere is refused in a line, or is one",
         !wrong && refused > 100 && refused < TRIALS - 50, "%zu of %d wrong, %zu refused; %s", wrong, TRIALS, refused, why);
}

/* ---- Rounds ---- */

static bool note_all(struct rounds *r, const char *key, bool seconds, const double *values, size_t n)
{
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) ok = rounds_note(r, key, seconds, values[i], &e);
    return ok;
}

static double quartile(const struct rounds *r, const char *key)
{
    return rounds_quartile(rounds_find(r, key));
}

static void test_rounds(void)
{
    static const double five[] = {30, 10, 50, 20, 40}, four[] = {4, 1, 3, 2}, disturbed[] = {100, 51, 99, 48, 101};
    struct rounds r = {.n = 0};
    bool ok = note_all(&r, "rate", false, five, 5) && note_all(&r, "seconds", true, five, 5) &&
              note_all(&r, "rate of four", false, four, 4) && note_all(&r, "seconds of four", true, four, 4) &&
              note_all(&r, "one", true, five, 1) && note_all(&r, "two", false, four, 2) &&
              note_all(&r, "disturbed", false, disturbed, 5);
    TEST("of rates the upper quartile is kept, of seconds the lower",
         ok && quartile(&r, "rate") == 40 && quartile(&r, "seconds") == 20, "found %g and %g %s", quartile(&r, "rate"),
         quartile(&r, "seconds"), e.text);
    TEST("between two rounds it is interpolated",
         ok && quartile(&r, "rate of four") == 3.25 && quartile(&r, "seconds of four") == 1.75 && quartile(&r, "two") == 3.25,
         "found %g, %g, %g", quartile(&r, "rate of four"), quartile(&r, "seconds of four"), quartile(&r, "two"));
    TEST("one round says what it gave", ok && quartile(&r, "one") == 30, "found %g", quartile(&r, "one"));
    TEST("disturbed rounds do not count, nor does the luckiest", ok && quartile(&r, "disturbed") == 100, "found %g",
         quartile(&r, "disturbed"));
    TEST("the most that was reached", ok && rounds_largest(rounds_find(&r, "seconds")) == 50, "found %g",
         rounds_largest(rounds_find(&r, "seconds")));
    TEST("what was not measured is not known",
         !rounds_find(&r, "ra") && isnan(quartile(&r, "ra")) && isnan(rounds_largest(rounds_find(&r, "ra"))), "found a number");
    const struct rounds_figure *one = rounds_find(&r, "rate");
    TEST("values stay in the order of the rounds, figures in that of their first",
         ok && r.n == 7 && one == r.figures && !memcmp(one->values, five, sizeof five) &&
             !strcmp(r.figures[6].key, "disturbed"),
         "found %zu figures", r.n);
    for (int i = 0; ok && i < ROUNDS_MOST + 9; i++) ok = rounds_note(&r, "many", true, i < ROUNDS_MOST ? 7 : 1, &e);
    TEST("of more rounds than are kept the first count", ok && quartile(&r, "many") == 7, "found %g %s", quartile(&r, "many"),
         e.text);
    rounds_free(&r);
    TEST("nothing stays of them", !r.n && !r.figures, "found %zu", r.n);
}

/* A machine that takes half as long again in every other round, reading from memory but a tenth more. */
static void test_load(void)
{
    struct error e = {{0}};
    struct rounds r = {.n = 0};
    bool ok = true;
    for (int i = 0; ok && i < 8; i++) {
        double arithmetic = i % 2 ? 1.5 : 1, memory = i % 2 ? 1.1 : 1;
        ok = rounds_note(&r, "stage.1", true, 2 * arithmetic, &e) &&
             rounds_note(&r, "vector.add.prefill.1", false, 3 / arithmetic, &e) &&
             rounds_note(&r, "linear.q4_k.prefill.1", false, 5 / arithmetic, &e) &&
             rounds_note(&r, "linear.q4_k.stream.1", false, 7 / memory, &e) &&
             rounds_note(&r, "read_peak.1", false, 9 / memory, &e);
    }
    ok = ok && rounds_weigh(&r, &e);
    double loads[] = {r.load[LOAD_ARITHMETIC], r.load[LOAD_MEMORY]};
    TEST("a load is the mean of the rounds over the faster ones",
         ok && fabs(loads[0] - 1.25) < 1e-9 && fabs(loads[1] - 1.05) < 1e-9, "found %g and %g %s", loads[0], loads[1], e.text);
    double seconds = rounds_usual(&r, rounds_find(&r, "stage.1")), rate = rounds_usual(&r, rounds_find(&r, "read_peak.1"));
    TEST("a figure is at its load", ok && fabs(seconds - 2.5) < 1e-9 && fabs(rate - 9 / 1.05) < 1e-9, "found %g and %g",
         seconds, rate);
    TEST("no figure has none", isnan(rounds_usual(&r, NULL)), "found a number");
    rounds_free(&r);

    const double still[] = {4, 5};
    ok = note_all(&r, "stage.1", true, still, 2) && rounds_weigh(&r, &e);
    TEST("two rounds tell no load", ok && r.load[LOAD_ARITHMETIC] == 1 && r.load[LOAD_MEMORY] == 1, "found %g and %g",
         r.load[LOAD_ARITHMETIC], r.load[LOAD_MEMORY]);
    rounds_free(&r);
}

static void test_picture(void)
{
    /* A picture of 100 x 50, made half as wide: 2500 pixels of 8 taps each, and no pass down. */
    const struct clamped fit = {
        .in_width = 100, .in_height = 50, .width = 64, .height = 50, .inner_width = 50, .inner_height = 50};
    static const char *const keys[PICTURE_RATES] = {"picture.open", "picture.pixel", "picture.output", "picture.tap"};
    struct device d = {0};
    bool ok = true;
    for (int i = 0; i < PICTURE_RATES; i++) {
        TEST("a picture's time is not known without all of its rates", isnan(picture_seconds(&d, &fit)), "it is with %d", i);
        ok = ok && device_set(&d, keys[i], 1e-6 * (1 + i), MEASURED, NULL, &e);
    }
    double want = 1e-6 * (1 + 2 * 5000 + 3 * 2500 + 4 * 8 * 2500), got = picture_seconds(&d, &fit);
    TEST("a picture's time is its file's and its passes'", ok && fabs(got - want) < 1e-12, "found %g, expected %g", got, want);
    TEST("and its bytes those of both sizes", picture_bytes(&fit) == 3 * (5000 + 3200), "found %g", picture_bytes(&fit));
    device_free(&d);
    struct picture_probe *p = picture_probe_new(&e);
    double times[PICTURE_TIMES] = {0}, rates[PICTURE_RATES];
    ok = p && picture_probe_take(p, times, &e);
    for (int i = 0; i < PICTURE_TIMES; i++) ok = ok && times[i] > 0 && times[i] < 10;
    TEST("a scene is read and resized", ok, "%s", e.text);
    picture_probe_free(p);
    /* Opening 1 and 2 ms, 10 ns a pixel of the file (1024 x 720), then 5 ns an output and 1 ns a tap of 1148 x 812 and of
     * 224 x 154. */
    const double up = 720 * 1148.0 + 812 * 1148.0, down = 720 * 224.0 + 154 * 224.0;
    const double down_taps = 720 * 224.0 * 4 * (1024 / 224.0) + 154 * 224.0 * 4 * (720 / 154.0);
    const double told[PICTURE_TIMES] = {1e-3, 2e-3, 1e-3 + 1e-8 * 1024 * 720, 2e-3 + 5e-9 * up + 1e-9 * 4 * up,
                                        2e-3 + 5e-9 * down + 1e-9 * down_taps};
    static const double right[PICTURE_RATES] = {3e-3, 1e-8, 5e-9, 1e-9};
    bool contradicted[PICTURE_RATES];
    picture_rates(told, rates, contradicted);
    ok = true;
    for (int i = 0; i < PICTURE_RATES; i++) ok = ok && !contradicted[i] && fabs(rates[i] / right[i] - 1) < 1e-9;
    TEST("rates come back from their times", ok, "found %g %g %g %g", rates[0], rates[1], rates[2], rates[3]);
    /* A large file faster than a small one, and more taps that take less; taps that take so much that an output would take less
     * than 0. */
    static const double disturbed[][PICTURE_TIMES] = {{1, 1, 0.5, 3, 1.01}, {1e-3, 1e-3, 9e-3, 1e-3, 1}};
    for (int k = 0; k < 2; k++) {
        picture_rates(disturbed[k], rates, contradicted);
        ok = contradicted[PICTURE_PIXEL] == !k && contradicted[PICTURE_OUTPUT] && contradicted[PICTURE_TAP];
        for (int i = 0; i < PICTURE_RATES; i++) ok = ok && rates[i] >= 0;
        TEST("times that contradict each other are told", ok && rates[PICTURE_PIXEL] > 0, "case %d: %g %g %g", k, rates[1],
             rates[2], rates[3]);
    }
}

static void test_calibrate(void)
{
    struct device d = {0}, again = {0};
    const char *path = in_folder("calibrated");
    if (!getenv("HARTREE_SLOW")) return (void)SKIP("calibration", "takes seconds; set HARTREE_SLOW");
    bool ok = calibrate(&d, &(struct calibrate_options){.quick = true, .threads = 1}, &e) && device_save(&d, path, &e) &&
              device_load(&again, path, &e);
    TEST("a calibrated profile is complete and reads back", ok && same_device(&d, &again), "%s", e.text);
    for (unsigned t = 0; ok && t < TYPE_FILE_END; t++) {
        char key[DEVICE_KEY];
        if (!type_get(t) || !type_get(t)->op) continue;
        snprintf(key, sizeof key, "linear.%s.few", type_get(t)->op);
        ok = device_get(&d, key) == (double)linear_few((enum type)t);
    }
    TEST("it says of its kernels what they say of themselves", ok, "it doesn't");
    const struct clamped fit = {
        .in_width = 640, .in_height = 480, .width = 56, .height = 56, .inner_width = 56, .inner_height = 56};
    double picture_s = picture_seconds(&d, &fit);
    TEST("it knows what reading and resizing a picture take", picture_s > 1e-5 && picture_s < 10, "found %g s", picture_s);
    TEST("it keeps the time of the work that tells the pace",
         device_get(&d, "pace.prefill.1") > 1e-5 && device_get(&d, "pace.prefill.1") < 60 &&
             device_get(&d, "pace.decode.1") > 1e-5 && device_get(&d, "pace.decode.1") < 60,
         "found %g and %g s", device_get(&d, "pace.prefill.1"), device_get(&d, "pace.decode.1"));
    device_free(&d);
    device_free(&again);
    unlink(path);
}

int main(void)
{
    char message[256];
    struct device d;
    TEST("kernels", kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message), "%s", message);
    if (!test_folder(folder, sizeof folder)) return perror("a folder for profiles"), 1;
    make_round_device(&d, 1e6, 1);
    test_round_trip(&d);
    test_bad_profiles();
    test_bytes();
    test_changed();
    test_rounds();
    test_load();
    test_picture();
    test_calibrate();
    device_free(&d);
    rmdir(folder);
    TEST_MAIN_END();
}
