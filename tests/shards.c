/* shards.c - shards of a sweep joined from their results alone: the sums are those of a whole one, and no figure of a hostile
 * result does harm. SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/laws/shards.h"
#include "engine/laws/sweep.h"
#include "engine/report/page.h"
#include "tests/test.h"

/* Prompts of 100, 200 ... tokens; a whole sweep is 12 windows of each of two models. */
enum { POINTS = 6, PICTURES = 12, CAP = 196, GEN = 9 };

/* What is written in the place of figure number `at`, counted from 0 as they are written; NULL: nothing. */
struct fault {
    const char *text;
    int at, seen;
};

static void put(FILE *f, struct fault *bad, double v)
{
    if (bad->text && bad->seen++ == bad->at)
        fputs(bad->text, f);
    else
        fprintf(f, "%.17g", v);
}

static void put_figure(FILE *f, struct fault *bad, const char *name, double v)
{
    fprintf(f, ", \"%s\": ", name);
    put(f, bad, v);
}

/* Times that are exactly 2 ms a token and 10 ms a step, of the second model half of it; predicted a tenth too long. */
static void put_prompt(FILE *f, struct fault *bad, int i, double speed)
{
    double n = 100 * (i + 1), prefill = speed * 2e-3 * n, decode = speed * (GEN - 1) * 1e-2;
    fprintf(f, "{\"model\": 0");
    put_figure(f, bad, "point", i + 1);
    put_figure(f, bad, "prompt", n);
    put_figure(f, bad, "windows", 2);
    put_figure(f, bad, "steps", GEN);
    put_figure(f, bad, "window_s", 4);
    put_figure(f, bad, "time_s", prefill + decode);
    put_figure(f, bad, "predicted_s", 1.1 * (prefill + decode));
    put_figure(f, bad, "prefill_s", prefill);
    put_figure(f, bad, "predicted_prefill_s", 1.1 * prefill);
    put_figure(f, bad, "decode_s", decode);
    put_figure(f, bad, "predicted_decode_s", 1.1 * decode);
    put_figure(f, bad, "cpu_auc", 2 * (prefill + decode));
    put_figure(f, bad, "predicted_cpu_auc", 2.2 * (prefill + decode));
    put_figure(f, bad, "ram_auc", 1e9 * (prefill + decode));
    put_figure(f, bad, "predicted_ram_auc", 1e9 * (prefill + decode));
    put_figure(f, bad, "energy_j", 5 * (prefill + decode));
    put_figure(f, bad, "predicted_energy_j", 6 * (prefill + decode));
    put_figure(f, bad, "paced_s", prefill + decode);
    put_figure(f, bad, "semantic_accuracy", 0.5 + 0.05 * i);
    put_figure(f, bad, "exact", i % 2);
    fputs(", \"interval95_s\": [0.1, 9]}", f);
}

static void put_picture(FILE *f, struct fault *bad, int i)
{
    double patches = 4 * (i + 1) * (i + 1), shown = fmin(patches, CAP);
    fputs("{\"clamp\": \"edge:196\"", f);
    put_figure(f, bad, "width", 28 * (i + 1));
    put_figure(f, bad, "height", 28 * (i + 1));
    put_figure(f, bad, "patches", shown);
    put_figure(f, bad, "patches_unbounded", patches);
    put_figure(f, bad, "tokens", shown / 4);
    put_figure(f, bad, "prompt", shown / 4 + 20);
    put_figure(f, bad, "flops", 1e6 * shown);
    put_figure(f, bad, "windows", 2);
    put_figure(f, bad, "steps", 4);
    put_figure(f, bad, "window_s", 4);
    put_figure(f, bad, "time_s", 1e-2 * shown * (1 + 0.002 * (i % 3 - 1)));
    put_figure(f, bad, "predicted_s", 1e-2 * shown);
    fputs(", \"answers\": [{\"exact\": 1}, {\"exact\": ", f);
    put(f, bad, 0);
    fputs("}]}", f);
}

static int n_pictures = PICTURES;

static void put_points(FILE *f, struct fault *bad, bool pictures, int shard, int shards, double speed)
{
    fputs(", \"points\": [", f);
    for (int i = shard, first = 1; i < (pictures ? n_pictures : POINTS); i += shards, first = 0) {
        if (!first) fputs(", ", f);
        if (pictures)
            put_picture(f, bad, i);
        else
            put_prompt(f, bad, i, speed);
    }
    fputs("]", f);
    put_figure(f, bad, "file_bytes", 1e8);
    put_figure(f, bad, "bandwidth", 1e10);
    fputs(", \"mape\": 7", f); /* what a shard says of itself is replaced */
    if (!pictures) return;
    fputs(", \"clamps\": [{\"clamp\": \"edge:196\"", f);
    put_figure(f, bad, "knee_predicted_px", 196);
    fputs(", \"stairs\": [", f);
    for (int i = 0; i < PICTURES; i++) {
        double patches = 4 * (i + 1) * (i + 1);
        fprintf(f, "%s{\"x\": 0", i ? ", " : "");
        put_figure(f, bad, "edge", 28 * (i + 1));
        put_figure(f, bad, "patches", fmin(patches, CAP));
        put_figure(f, bad, "patches_unbounded", patches);
        put_figure(f, bad, "predicted_s", 1e-2 * fmin(patches, CAP));
        fputc('}', f);
    }
    fputs("]}]", f);
}

/* The result of one shard; of shards = 1 the whole with a window missing, so that it passes for a shard. */
static struct json_value *shard_of(bool pictures, int shard, int shards, struct fault *bad)
{
    char *text;
    size_t size;
    struct error e;
    FILE *f = open_memstream(&text, &size);
    int windows = 0, models = pictures ? 1 : 2;
    for (int i = shard; i < (pictures ? PICTURES : POINTS); i += shards) windows += 2 * models;
    fprintf(f, "{\"kind\": \"laws %s\", \"sha256\": \"s\", \"energy_kind\": \"modelled\"", pictures ? "image" : "text");
    put_figure(f, bad, "missing", (pictures ? PICTURES : POINTS) * 2 * models - windows + (shards == 1));
    put_figure(f, bad, "gen", GEN);
    put_figure(f, bad, "ubatch", 512);
    put_figure(f, bad, "repeats", 2);
    put_figure(f, bad, "hz", 5);
    put_figure(f, bad, "without_idle_after", 1);
    put_points(f, bad, pictures, shard, shards, 1);
    if (!pictures) {
        fputs(", \"second\": {\"model\": \"b\"", f);
        put_points(f, bad, pictures, shard, shards, 0.5);
        fputc('}', f);
    }
    fputc('}', f);
    fclose(f);
    struct json_value *v = json_parse(text, size, &e);
    free(text);
    return v;
}

static struct json_value *join(bool pictures, int shards, struct fault *bad, struct error *e)
{
    struct json_value *part[3], *v;
    struct fault none = {0};
    for (int i = 0; i < shards; i++) part[i] = shard_of(pictures, i, shards, i ? &none : bad);
    bool read = true;
    for (int i = 0; i < shards; i++) read = read && part[i];
    v = read ? shards_join((const struct json_value *const *)part, (size_t)shards, e) : NULL;
    for (int i = 0; i < shards; i++) json_free(part[i]);
    return v;
}

static bool near(const struct json_value *v, const char *path, double want)
{
    double found = json_find_number(v, path);
    if (fabs(found - want) <= 1e-9 * fabs(want)) return true;
    printf("%s: found %.17g, expected %.17g\n", path, found, want);
    return false;
}

static void test_sums(void)
{
    struct error e = {""};
    struct fault none = {0};
    struct json_value *v = join(false, 3, &none, &e);
    const struct json_value *points = json_find(v, "points");
    TEST("prompts: all points, by their tokens",
         points && points->n == POINTS && json_find_number(&points->item[0], "prompt") == 100 &&
             json_find_number(&points->item[5], "prompt") == 600 && near(v, "missing", 0) && near(v, "shards", 3),
         "%s", e.text);
    TEST("prompts: the form is fitted anew",
         near(v, "fit.a1", 2e-3) && near(v, "fit.predicted.a1", 2.2e-3) && near(v, "fit.b0", 1e-2) &&
             near(v, "second.fit.a1", 1e-3),
         "%s", e.text);
    TEST("prompts: errors, lines and ratios",
         near(v, "mape", 0.1) && near(v, "second.bias", 0.1) && near(v, "cpu_auc.mape", 0.1) &&
             near(v, "cpu_line.slope", 4e-3) && near(v, "ratios.time.ratio", 0.5) && near(v, "ratios.throughput.ratio", 2) &&
             near(v, "without_idle_after", 3),
         "%s", e.text);
    TEST("prompts: answers",
         near(v, "semantic_accuracy", 0.625) && near(v, "exact_accuracy", 0.5) && near(v, "answers", POINTS), "%s", e.text);
    json_free(v);
    v = join(false, 1, &none, &e);
    TEST("one shard with a window missing", near(v, "missing", 1) && near(v, "mape", 0.1), "%s", e.text);
    json_free(v);
    v = join(true, 3, &none, &e);
    points = json_find(v, "points");
    const struct json_value *clamps = json_find(v, "clamps");
    TEST("pictures: all points, their knee and plateau",
         points && points->n == PICTURES && clamps && near(&clamps->item[0], "knee_measured_px", 196) &&
             near(&clamps->item[0], "plateau_points", 6) && near(&clamps->item[0], "plateau_predicted_s", 1.96) &&
             near(v, "curve.predicted.a", 1e-2),
         "%s", e.text);
    TEST("pictures: answers by question", near(v, "exact_accuracy", 0.5) && near(v, "answers", 2), "%s", e.text);
    json_free(v);
}

/* Each figure of the first shard in turn is something else. What comes of it is an error with a line, or a page. */
/* A sweep has fewer sizes than a file may have points. */
static void test_many_sizes(void)
{
    struct fault none = {NULL, 0, 0};
    struct error e = {""};
    n_pictures = SWEEP_EDGES + 1;
    struct json_value *v = join(true, 3, &none, &e);
    n_pictures = PICTURES;
    TEST("more sizes than a sweep has are refused", !v && strstr(e.text, "found 65 sizes, expected at most 64"), "%s", e.text);
    json_free(v);
}

static void test_hostile(void)
{
    static const char *const values[] = {"null", "0", "-1", "1e300", "1e-300", "-0.5", "4294967297", "\"x\"", "[]", "{}"};
    size_t joined = 0, refused = 0, wrong = 0;
    for (int pictures = 0; pictures < 2; pictures++)
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            for (int at = 0;; at++) {
                struct fault bad = {values[k], at, 0};
                struct error e = {""};
                struct json_value *v = join(pictures, 3, &bad, &e);
                if (bad.seen <= at) {
                    json_free(v);
                    break;
                }
                if (!v) {
                    refused++;
                    wrong += !e.text[0];
                    continue;
                }
                const struct json_value *one = v;
                char *text = NULL;
                size_t size = 0;
                FILE *f = open_memstream(&text, &size);
                page_write(&one, 1, f);
                fclose(f);
                wrong += !strstr(text, "</html>");
                joined++;
                free(text);
                json_free(v);
            }
    TEST("hostile shards", !wrong && joined > 300 && refused > 300, "%zu wrong, %zu joined, %zu refused", wrong, joined,
         refused);
}

int main(void)
{
    test_sums();
    test_many_sizes();
    test_hostile();
    TEST_MAIN_END();
}
