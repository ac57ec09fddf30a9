/* shards.c - shards of a sweep joined from their results alone: the sums are those of a whole one, and no figure of a hostile
 * result does harm. SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/laws/shards.h"
#include "engine/laws/sweep.h"
#include "engine/report/page.h"
#include "tests/test.h"

/* Prompts of 100, 200 ... tokens; a whole sweep is 12 windows of each model. */
enum { POINTS = 6, PICTURES = 12, CAP = 196, GEN = 9, SHARDS = 3 };

/* What kind of sweep the shards are of, and what of each shard's joules is said. Each model is twice as fast as the one before.
 */
struct kind {
    bool pictures;
    int models; /* 2: a pair; more: a family */
    const char *energy[SHARDS];
};
static const struct kind prompts = {false, 2, {"modelled", "modelled", "modelled"}},
                         pictures = {true, 1, {"modelled", "modelled", "modelled"}},
                         family = {false, 4, {"modelled", "modelled", "modelled"}},
                         two_towers = {true, 2, {"none", "none", "none"}};
static const char *const files[SHARDS] = {"a.json", "b.json", "c.json"};

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
static void put_prompt(FILE *f, struct fault *bad, int i, double speed, bool joules)
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
    if (joules) put_figure(f, bad, "energy_j", 5 * (prefill + decode));
    put_figure(f, bad, "predicted_energy_j", 6 * (prefill + decode));
    put_figure(f, bad, "paced_s", prefill + decode);
    put_figure(f, bad, "semantic_accuracy", 0.5 + 0.05 * i);
    put_figure(f, bad, "exact", i % 2);
    fputs(", \"interval95_s\": [0.1, 9]}", f);
}

static void put_picture(FILE *f, struct fault *bad, int i, double speed)
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
    put_figure(f, bad, "time_s", speed * 1e-2 * shown * (1 + 0.002 * (i % 3 - 1)));
    put_figure(f, bad, "predicted_s", speed * 1e-2 * shown);
    fputs(", \"answers\": [{\"exact\": 1}, {\"exact\": ", f);
    put(f, bad, 0);
    fputs("}]}", f);
}

static int n_pictures = PICTURES, second_clamps = 1;

static void put_clamp(FILE *f, struct fault *bad, double speed)
{
    fputs("{\"clamp\": \"edge:196\"", f);
    put_figure(f, bad, "knee_predicted_px", 196);
    fputs(", \"stairs\": [", f);
    for (int i = 0; i < PICTURES; i++) {
        double patches = 4 * (i + 1) * (i + 1);
        fprintf(f, "%s{\"x\": 0", i ? ", " : "");
        put_figure(f, bad, "edge", 28 * (i + 1));
        put_figure(f, bad, "patches", fmin(patches, CAP));
        put_figure(f, bad, "patches_unbounded", patches);
        put_figure(f, bad, "predicted_s", speed * 1e-2 * fmin(patches, CAP));
        fputc('}', f);
    }
    fputs("]}", f);
}

static void put_points(FILE *f, struct fault *bad, const struct kind *k, int model, int shard, int shards)
{
    double speed = ldexp(1, -model);
    fputs(", \"points\": [", f);
    for (int i = shard, first = 1; i < (k->pictures ? n_pictures : POINTS); i += shards, first = 0) {
        if (!first) fputs(", ", f);
        if (k->pictures)
            put_picture(f, bad, i, speed);
        else
            put_prompt(f, bad, i, speed, strcmp(k->energy[shard], "none") != 0);
    }
    fputs("]", f);
    put_figure(f, bad, "file_bytes", 1e8);
    put_figure(f, bad, "bandwidth", 1e10);
    fputs(", \"mape\": 7", f); /* what a shard says of itself is replaced */
    if (!k->pictures) return;
    fputs(", \"clamps\": [", f);
    for (int c = 0; c < (model ? second_clamps : 1); c++) {
        if (c) fputs(", ", f);
        put_clamp(f, bad, speed);
    }
    fputs("]", f);
}

/* The result of one shard; of shards = 1 the whole with a window missing, so that it passes for a shard. */
static struct json_value *shard_of(const struct kind *k, int shard, int shards, struct fault *bad)
{
    char *text;
    size_t size;
    struct error e;
    FILE *f = open_memstream(&text, &size);
    int windows = 0, points = k->pictures ? PICTURES : POINTS;
    for (int i = shard; i < points; i += shards) windows += 2 * k->models;
    fprintf(f, "{\"kind\": \"laws %s\", \"sha256\": \"s\", \"energy_kind\": \"%s\"", k->pictures ? "image" : "text",
            k->energy[shard]);
    put_figure(f, bad, "missing", points * 2 * k->models - windows + (shards == 1));
    put_figure(f, bad, "gen", GEN);
    put_figure(f, bad, "ubatch", 512);
    put_figure(f, bad, "repeats", 2);
    put_figure(f, bad, "hz", 5);
    put_figure(f, bad, "without_idle_after", 1);
    put_points(f, bad, k, 0, shard, shards);
    if (k->models > 1) fputs(k->models > 2 ? ", \"variants\": [" : ", \"second\": ", f);
    for (int m = 1; m < k->models; m++) {
        fprintf(f, "%s{\"model\": \"%c\"", m > 1 ? ", " : "", 'a' + m);
        put_points(f, bad, k, m, shard, shards);
        fputc('}', f);
    }
    fputs(k->models > 2 ? "]}" : "}", f);
    fclose(f);
    struct json_value *v = json_parse(text, size, &e);
    free(text);
    return v;
}

/* Shards of one sweep as they are, joined; `bad` is in the one at `at`. */
static struct json_value *join_with(const struct kind *k, int shards, struct fault *bad, int at, struct error *e)
{
    struct json_value *part[SHARDS], *v;
    struct fault none = {0};
    for (int i = 0; i < shards; i++) part[i] = shard_of(k, i, shards, i == at ? bad : &none);
    bool read = true;
    for (int i = 0; i < shards; i++) read = read && part[i];
    v = read ? shards_join((const struct json_value *const *)part, files, (size_t)shards, e) : NULL;
    for (int i = 0; i < shards; i++) json_free(part[i]);
    return v;
}

static struct json_value *join(const struct kind *k, int shards, struct error *e)
{
    struct fault none = {0};
    return join_with(k, shards, &none, 0, e);
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
    struct json_value *v = join(&prompts, SHARDS, &e);
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
    v = join(&prompts, 1, &e);
    TEST("one shard with a window missing", near(v, "missing", 1) && near(v, "mape", 0.1), "%s", e.text);
    json_free(v);
    v = join(&pictures, SHARDS, &e);
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

static void test_family(void)
{
    struct error e = {""};
    struct json_value *v = join(&family, SHARDS, &e);
    const struct json_value *variants = json_find(v, "variants"),
                            *last = variants && variants->n == 3 ? &variants->item[2] : NULL;
    const struct json_value *points = json_find(last, "points");
    TEST("a family: each variant has all points, and its sums anew",
         points && points->n == POINTS && near(last, "fit.a1", 2.5e-4) && near(&variants->item[0], "fit.a1", 1e-3) &&
             near(last, "mape", 0.1) && near(last, "cpu_line.slope", 5e-4) && near(last, "answers", POINTS),
         "%s", e.text);
    TEST("a family: each variant has its ratios to the first",
         near(last, "ratios.time.ratio", 0.125) && near(last, "ratios.throughput.ratio", 8) &&
             near(last, "ratios.energy.predicted", 0.125) && near(&variants->item[1], "ratios.time.ratio", 0.25) &&
             !json_find(v, "ratios") && !json_find(v, "second") && near(v, "missing", 0),
         "%s", e.text);
    json_free(v);
}

static void test_two_towers(void)
{
    struct error e = {""};
    struct json_value *v = join(&two_towers, SHARDS, &e);
    const struct json_value *points = json_find(v, "second.points"), *clamps = json_find(v, "second.clamps");
    TEST("two picture models: the second's points, knee and plateau",
         points && points->n == PICTURES && clamps && clamps->n == 1 && near(&clamps->item[0], "knee_measured_px", 196) &&
             near(&clamps->item[0], "plateau_predicted_s", 0.98) && near(v, "second.curve.predicted.a", 5e-3) &&
             near(v, "curve.predicted.a", 1e-2),
         "%s", e.text);
    TEST("two picture models: their ratios and answers",
         near(v, "ratios.time.ratio", 0.5) && near(v, "second.exact_accuracy", 0.5) && near(v, "accuracy_difference.exact", 0),
         "%s", e.text);
    json_free(v);
    second_clamps = 2;
    v = join(&two_towers, SHARDS, &e);
    second_clamps = 1;
    TEST("two picture models under different clamps are refused",
         !v && !strcmp(e.text, "a.json: 'clamps': found other ones of the second model"), "%s", e.text);
    json_free(v);
}

/* How many of the points have joules. */
static size_t with_joules(const struct json_value *points)
{
    size_t n = 0;
    for (size_t i = 0; points && i < points->n; i++) n += !isnan(json_find_number(&points->item[i], "energy_j"));
    return n;
}

/* Joules of a result are of one kind: the best that a shard has; of the others' points they are then not known. */
static void test_energy(void)
{
    static const struct {
        const char *energy[SHARDS], *whole;
        size_t known, judged; /* points with joules; with measured ones */
    } cases[] = {
        {{"measured", "modelled", "modelled"}, "measured", 2, 2},
        {{"modelled", "none", "measured"}, "measured", 2, 2},
        {{"measured", "none", "measured"}, "measured", 4, 4},
        {{"measured", "measured", "measured"}, "measured", 6, 6},
        {{"modelled", "none", "none"}, "modelled", 2, 0},
        {{"none", "modelled", "none"}, "modelled", 2, 0},
        {{"none", "none", "none"}, "none", 0, 0},
        {{"guessed", "none", "none"}, "none", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kind k = prompts;
        struct error e = {""};
        char name[80];
        memcpy(k.energy, cases[i].energy, sizeof k.energy);
        struct json_value *v = join(&k, SHARDS, &e);
        const char *whole = json_find_string(v, "energy_kind");
        size_t known = with_joules(json_find(v, "points")), second = with_joules(json_find(v, "second.points"));
        snprintf(name, sizeof name, "joules %s, %s and %s", k.energy[0], k.energy[1], k.energy[2]);
        bool ratio = isnan(json_find_number(v, "ratios.energy.ratio")) == (cases[i].judged < POINTS); /* a mean over all */
        TEST(name,
             whole && !strcmp(whole, cases[i].whole) && known == cases[i].known && second == known &&
                 near(v, "energy.n", (double)cases[i].judged) && ratio && (!cases[i].judged || near(v, "energy.mape", 0.2)),
             "%s, %zu and %zu points %s", whole ? whole : "nothing", known, second, e.text);
        json_free(v);
    }
}

/* A point belongs to one shard, and an error says which file has the other one. */
static void test_overlap(void)
{
    for (int at = 0; at < 2; at++) {
        const struct kind *k = at ? &two_towers : &family;
        struct fault none = {0};
        struct error e = {""};
        struct json_value *part[SHARDS];
        for (int i = 0; i < SHARDS; i++) part[i] = shard_of(k, i < 2 ? i : 1, SHARDS, &none);
        struct json_value *v = shards_join((const struct json_value *const *)part, files, SHARDS, &e);
        const char *want = at ? "c.json: found a point (longest edge 56) that b.json has, expected each in one shard"
                              : "c.json: found a point (prompt 2) that b.json has, expected each in one shard";
        TEST(at ? "a picture in two shards is refused" : "a prompt in two shards is refused", !v && !strcmp(e.text, want), "%s",
             e.text);
        json_free(v);
        for (int i = 0; i < SHARDS; i++) json_free(part[i]);
    }
}

/* A sweep has fewer sizes than a file may have points. */
static void test_many_sizes(void)
{
    struct error e = {""};
    n_pictures = SWEEP_EDGES + 1;
    struct json_value *v = join(&pictures, SHARDS, &e);
    n_pictures = PICTURES;
    TEST("more sizes than a sweep has are refused", !v && strstr(e.text, "found 65 sizes, expected at most 64"), "%s", e.text);
    json_free(v);
}

/* Each figure of one shard in turn is something else. What comes of it is an error with a line, which names a file, or a page.
 */
static void test_hostile(void)
{
    static const struct kind *const kinds[] = {&prompts, &pictures, &family, &two_towers};
    static const char *const values[] = {"null", "0", "-1", "1e300", "1e-300", "-0.5", "4294967297", "\"x\"", "[]", "{}"};
    size_t joined = 0, refused = 0, wrong = 0;
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            for (int at = 0;; at++) {
                struct fault bad = {values[k], at, 0};
                struct error e = {""};
                int shard = (int)kind % 2; /* of which what all shards share is not read */
                struct json_value *v = join_with(kinds[kind], SHARDS, &bad, shard, &e);
                if (bad.seen <= at) {
                    json_free(v);
                    break;
                }
                if (!v) {
                    refused++;
                    wrong += strncmp(e.text, "a.json: ", 8) && strncmp(e.text, "b.json: ", 8) && strncmp(e.text, "c.json: ", 8);
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
    test_family();
    test_two_towers();
    test_energy();
    test_overlap();
    test_many_sizes();
    test_hostile();
    TEST_MAIN_END();
}
