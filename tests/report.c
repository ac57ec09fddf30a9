/* report.c - the page: JSON read without trust, text escaped, figures of any values, HTML that is well-formed and alone.
 * SPDX-License-Identifier: MIT */
#include "engine/report/chart.h"
#include "engine/report/dots.h"
#include "engine/report/html.h"
#include "engine/report/page.h"
#include "tests/test.h"

#include <ctype.h>
#include <math.h>

/* ---- What was written ---- */

static char *text;
static size_t size;
static FILE *out;

static void begin(void)
{
    free(text);
    text = NULL;
    out = open_memstream(&text, &size);
    if (!out) abort();
}

static void end(void)
{
    fclose(out);
}

/* ---- HTML ---- */

/* The name of a tag at p. */
static size_t name_length(const char *p)
{
    size_t n = 0;
    while (isalnum((unsigned char)p[n])) n++;
    return n;
}

/* Past an attribute's list, *self whether it ends in "/"; NULL where a value has no end. */
static const char *skip_attributes(const char *p, bool *self)
{
    for (*self = false; *p && *p != '>'; p++) {
        if (*p == '<') return NULL;
        *self = *p == '/';
        if (*p == '"' && !(p = strchr(p + 1, '"'))) return NULL;
    }
    return *p ? p + 1 : NULL;
}

static bool is_entity(const char *p)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strncmp(p, known[i], strlen(known[i]))) return true;
    return false;
}

/* Every tag closed in its order, every ampersand an entity, no bare angle; `why` says where it is not so. */
static bool well_formed(const char *p, char why[80])
{
    const char *stack[64];
    size_t n = 0;
    for (; *p; p++) {
        snprintf(why, 80, "at '%.40s'", p);
        if (*p == '>' || (*p == '&' && !is_entity(p))) return false;
        if (*p != '<') continue;
        if (!strncmp(p, "<!DOCTYPE html>", 15)) {
            p += 14;
            continue;
        }
        bool closing = p[1] == '/', self;
        const char *name = p + 1 + closing;
        size_t length = name_length(name);
        const char *after = length ? skip_attributes(name + length, &self) : NULL;
        if (!after) return false;
        if (closing) {
            if (!n-- || strncmp(stack[n], name, length) || name_length(stack[n]) != length) return false;
        } else if (!self && strncmp(name, "meta", 4) && strncmp(name, "link", 4)) {
            if (n == 64) return false;
            stack[n++] = name;
        }
        p = after - 1;
        if (!closing && !strncmp(name, "style", 5)) p = strstr(p, "</style>") - 1; /* CSS is no text */
    }
    snprintf(why, 80, "%zu tags open at the end", n);
    return !n;
}

/* Whether a page is well-formed, needs nothing from elsewhere and has no number that is none. */
static bool page_is_good(const char *page, char why[80])
{
    static const char *const never[] = {"<script", " src=", "http:", "https:", "url(", "@import",
                                        "\"nan",   " nan",  "\"inf", "-nan",   "Mnan", "Lnan"};
    if (!well_formed(page, why)) return false;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(page, never[i])) return snprintf(why, 80, "found '%s'", never[i]), false;
    return true;
}

static void test_escapes(void)
{
    begin();
    html_text(out, "<b a=\"1\">'x' & y</b> \xC3\xA9 \x01 \xFF \xED\xA0\x80");
    end();
    const char *want = "&lt;b a=&quot;1&quot;&gt;&#39;x&#39; &amp; y&lt;/b&gt; \xC3\xA9 \xEF\xBF\xBD \xEF\xBF\xBD "
                       "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD";
    TEST("text is escaped", !strcmp(text, want), "found '%s'", text);
    begin();
    html_file(out, "a\".csv", "what", "x,\"y\"\n100 %<", 12);
    end();
    TEST("a file is a link and its lines",
         strstr(text, "href=\"data:text/plain;charset=utf-8,x,%22y%22%0A100%20%25%3C\"") &&
             strstr(text, "<pre>x,&quot;y&quot;\n100 %&lt;</pre>") && strstr(text, "download=\"a&quot;.csv\""),
         "found '%s'", text);
}

/* ---- JSON ---- */

static void test_json(void)
{
    static const char good[] =
        " {\"a\": [1, -2.5e3, null, true], \"b\": {\"c\": \"x\\u00e9\\ud83d\\ude42\\n\\u0000y\"}, \"a\": 0} \n";
    struct error e;
    struct json_value *v = json_parse(good, sizeof good - 1, &e);
    const char *s = json_find_string(v, "b.c");
    TEST("JSON is read",
         v && v->n == 3 && json_find_element(v, "a", 1) == -2500 && isnan(json_find_element(v, "a", 2)) &&
             isnan(json_find_element(v, "a", 9)) && s && !memcmp(s, "x\xC3\xA9\xF0\x9F\x99\x82\n\0y", 10) &&
             json_find(v, "b.c")->n == 10,
         "%s", v ? "other values" : e.text);
    TEST("what is not there is not known",
         v && !json_find(v, "b.d") && !json_find(v, "a.b") && isnan(json_find_number(v, "b.c")) && !json_find_string(NULL, "a"),
         "found something");
    json_free(v);

    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "[",
                                      "[1,",
                                      "[1 2]",
                                      "[1,]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{\"a\":1 \"b\":2}",
                                      "01",
                                      "-",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "1e",
                                      "1e999",
                                      "0x10",
                                      "inf",
                                      "nan",
                                      "tru",
                                      "nulll",
                                      "1 1",
                                      "\"",
                                      "\"\\",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\ud800\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\udc00\"",
                                      "\"\xFF\"",
                                      "\"\xED\xA0\x80\"",
                                      "\"\n\"",
                                      "]",
                                      "}",
                                      ",",
                                      "'a'",
                                      "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
                                      "1111111111111111111111111111111111111111111111111111111111111111111111111"};
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        v = json_parse(bad[i], strlen(bad[i]), &e);
        if (v) printf("taken: %s\n", bad[i]);
        wrong += v || strncmp(e.text, "line ", 5);
        json_free(v);
    }
    TEST("what is no JSON is refused with its line", !wrong, "%zu of them are not", wrong);

    /* Every beginning of a text, and every byte of it changed: refused or read, but nothing beyond it (the sanitizer looks). */
    size_t n = sizeof good - 1;
    for (size_t i = 0; i < n; i++) {
        char *cut = malloc(i ? i : 1), *changed = malloc(n);
        if (!cut || !changed) abort();
        memcpy(cut, good, i);
        json_free(json_parse(cut, i, &e));
        for (int c = 0; c < 256; c++) {
            memcpy(changed, good, n);
            changed[i] = (char)c;
            json_free(json_parse(changed, n, &e));
        }
        free(cut);
        free(changed);
    }
    TEST("JSON cut or changed anywhere", true, "-");
}

/* ---- Charts ---- */

static void test_charts(void)
{
    static const double cases[][4] = {{1, 2, 3, 4},
                                      {NAN, 2, NAN, 4},
                                      {NAN, NAN, NAN, NAN},
                                      {5, 5, 5, 5},
                                      {0, 0, 0, 0},
                                      {-1, 0, 1, 2},
                                      {1e299, -1e299, 1, 0},
                                      {1e308, 1e308, INFINITY, -INFINITY},
                                      {4.9e-324, 1e-310, 0, 0},
                                      {1e-12, 2e-12, 3e-12, 4e-12},
                                      {1, 1 + 1e-15, 1, 1},
                                      {1e299, 1e-299, 3, 1e12}};
    static const double x[4] = {0, 10, 20, 1e6};
    size_t wrong = 0;
    char why[80] = "";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t n = 0; n <= 4; n++)
            for (int zero = 0; zero < 2; zero++) {
                const double *y = cases[i];
                const struct chart_series s[] = {{"band <1>", CHART_BAND, 0, n, x, NULL, y, y},
                                                 {"line", CHART_LINE, 1, n, x, y, NULL, NULL},
                                                 {"dashes", CHART_DASHES, 2, n, x, y, NULL, NULL},
                                                 {"points & more", CHART_POINTS, 3, n, x, y, y, y}};
                const struct chart_rule rule[] = {{y[0], true, "a level", 4, false}, {y[1], false, "a place", 5, true}};
                const struct chart c = {.title = "a \"title\"",
                                        .caption = "what & how",
                                        .x_label = "x",
                                        .x_unit = "tokens",
                                        .y_label = "y",
                                        .y_unit = "*s",
                                        .y_zero = zero,
                                        .series = s,
                                        .n_series = 4,
                                        .rules = rule,
                                        .n_rules = 2};
                const struct dots_series d[] = {{"all", 0, true, y, y, y}, {"outline", 3, false, y, NULL, NULL}};
                static const char *const names[] = {"a", "b<", "c", "d"};
                const struct dots dots = {"dots", "caption", "x", names, n, d, 2};
                const struct bars bars = {"bars", "caption", "x", "y", "*s", n / 2, 2, names, names, y};
                begin();
                chart_write(&c, out);
                dots_write(&dots, out);
                bars_write(&bars, out);
                end();
                char now[80];
                if (page_is_good(text, now)) continue;
                wrong++;
                snprintf(why, sizeof why, "case %zu of %zu: %.50s", i, n, now);
            }
    TEST("figures of any values are well-formed", !wrong, "%zu are not, such as %s", wrong, why);

    const double y[] = {0.002, 0.004, 0.008, 0.016};
    const struct chart_series s = {"measured", CHART_POINTS, 0, 4, (const double[]){100, 200, 300, 400}, y, NULL, NULL};
    const struct chart c = {.title = "t",
                            .x_label = "prompt",
                            .x_unit = "tokens",
                            .y_label = "time",
                            .y_unit = "*s",
                            .y_zero = true,
                            .series = &s,
                            .n_series = 1};
    begin();
    chart_write(&c, out);
    end();
    TEST("axes have units, prefixes and round ticks",
         strstr(text, ">time, ms<") && strstr(text, ">prompt, tokens<") && strstr(text, ">15<") && strstr(text, ">20<") &&
             strstr(text, ">400<"),
         "found '%s'", text);
    TEST("a point's tooltip has its figures", strstr(text, "<title>measured: 300 tokens; 8 ms</title>") != NULL, "found '%s'",
         text);
    const struct chart_series none = {"measured", CHART_POINTS, 0, 2, y, (const double[]){NAN, NAN}, NULL, NULL};
    const struct chart empty = {
        .title = "t", .x_label = "x", .x_unit = "", .y_label = "y", .y_unit = "", .series = &none, .n_series = 1};
    begin();
    chart_write(&empty, out);
    end();
    TEST("a figure without values says so", strstr(text, "no value of this figure is known") && !strstr(text, "<svg"),
         "found '%s'", text);
    TEST("values with units",
         !strcmp(chart_value(4.2e9, "*B s").s, "4.2 GB s") && !strcmp(chart_value(1234, "*s").s, "1234 s") &&
             !strcmp(chart_value(2.5e-5, "core-*s").s, "25 core-\xC2\xB5s") && !strcmp(chart_value(NAN, "*s").s, "-") &&
             !strcmp(chart_value(960, "px").s, "960 px"),
         "found %s, %s, %s", chart_value(4.2e9, "*B s").s, chart_value(1234, "*s").s, chart_value(2.5e-5, "core-*s").s);
}

/* ---- Pages ---- */

/* A result of laws text with n points, made as laws_report.c writes it, its strings hostile where `name` is. */
static void put_text(FILE *f, const char *name, int n, const char *value, bool pair)
{
    fprintf(f,
            "\"kind\": \"laws text\", \"sha256\": \"%s\", \"missing\": 0, \"gen\": 8, \"repeats\": 3, \"hz\": 5, \"window_s\": "
            "4, \"energy_kind\": "
            "\"none\", \"origin\": {\"machine\": \"%s\", \"system\": \"%s\", \"threads\": 2, \"command\": \"%s\", \"profile\": "
            "{\"name\": \"%s\"}}, ",
            name, name, name, name, name);
    for (int m = 0; m <= pair; m++) {
        if (m) fputs(", \"second\": {", f);
        fprintf(f, "\"model\": \"%s\", \"file\": \"%s\", \"file_bytes\": %s, \"points\": [", name, name, value);
        for (int i = 0; i < n; i++)
            fprintf(
                f,
                "%s{\"point\": %d, \"prompt\": %d, \"semantic_accuracy\": 0.5, \"exact\": 1, \"time_s\": %s, \"fastest_s\": "
                "%s, \"slowest_s\": %s, \"predicted_s\": %s, "
                "\"interval95_s\": [%s, %s], \"decode_s\": %s, \"predicted_decode_s\": 1, \"cpu_auc\": %s, \"ram_auc\": %s}",
                i ? ", " : "", i + 1, 50 * i, value, value, value, value, value, value, value, value, value);
        fprintf(f,
                "], \"semantic_accuracy\": %s, \"semantic_accuracy_ci95\": [%s, 1], \"exact_accuracy\": %s, \"answers\": 3, "
                "\"judge\": "
                "\"%s\", \"fit\": {\"a0\": %s, \"ci95\": {\"a0\": [%s, %s]}}, \"time\": {\"mape\": %s, \"n\": %d}, \"strata\": "
                "{\"far\": {\"mape\": %s}}, "
                "\"costs\": {\"prompt\": 900, \"gen\": 8, \"ops\": [{\"op\": \"%s\", \"phase\": \"prefill\", \"layers\": [[0, "
                "%s], [1, 2], [-1, 3], [1e9, 1], [-7, 1], []], "
                "\"time_s\": 1, \"flops\": %s, \"bytes\": 3}]}",
                value, value, value, name, value, value, value, value, n, value, name, value, value);
        if (m) fputs("}", f);
    }
    if (pair)
        fprintf(f,
                ", \"ratios\": {\"time\": {\"ratio\": %s, \"ci95\": [%s, %s], \"predicted\": 0.5}}, \"accuracy_difference\": "
                "{\"semantic\": %s, \"semantic_ci95\": [-0.1, %s], \"exact\": 0.25}",
                value, value, value, value, value);
}

static void put_paper(FILE *f, const char *name, const char *value)
{
    fprintf(f,
            "{\"kind\": \"paper\", \"origin\": {\"machine\": \"%s\"}, \"steps\": [{\"step\": \"prompts\", \"failed\": \"%s\", "
            "\"note\": null}, {}, 3], \"text\": {",
            name, name);
    put_text(f, name, 3, value, true);
    fprintf(f,
            "}, \"image\": {\"kind\": \"laws image\", \"answers\": 2, \"exact_accuracy\": 0.75, \"points\": [{\"width\": 100, "
            "\"height\": 50, \"clamp\": \"%s\", \"exact\": 0.5, \"time_s\": %s}], \"clamps\": [{\"clamp\": "
            "\"%s\", \"knee_predicted_px\": %s, \"stairs\": [{\"edge\": 28, \"predicted_s\": %s}, {\"edge\": 56, "
            "\"predicted_s\": 1}, 4]}, {}]}, \"paper\": {\"rows\": "
            "[{\"figure\": \"%s\", \"device\": \"rpi5\", \"unit\": \"change\", \"published\": %s, \"predicted\": -0.5, "
            "\"interval95\": [-0.6, %s], \"inside\": "
            "true, \"missing\": \"%s\"}, {}, null]}}",
            name, value, name, value, value, name, value, value, name);
}

static struct json_value *made(void (*put)(FILE *f, const char *name, const char *value), const char *name, const char *value)
{
    struct error e;
    begin();
    put(out, name, value);
    end();
    struct json_value *v = json_parse(text, size, &e);
    if (!v) printf("fixture: %s\n", e.text);
    return v;
}

static void put_one_text(FILE *f, const char *name, const char *value)
{
    fputc('{', f);
    put_text(f, name, 1, value, false);
    fputc('}', f);
}

/* A family of four, as laws compress keeps it. */
static void put_family(FILE *f, const char *name, const char *value)
{
    fputc('{', f);
    put_text(f, name, 2, value, false);
    fputs(", \"quality\": {\"perplexity\": 11}, \"variants\": [", f);
    for (int i = 0; i < 3; i++)
        fprintf(f,
                "%s{\"model\": \"%s\", \"file\": \"%s\", \"file_bytes\": %s, \"points\": [{\"prompt\": 50, \"time_s\": %s, "
                "\"predicted_s\": 2}], \"cpu_line\": {\"slope\": %s}, \"quality\": {\"perplexity\": %s, \"ratio\": 1.25, "
                "\"log_ratio_stderr\": 0.02, \"kl\": %s}, \"ratios\": {\"time\": {\"ratio\": %s, \"ci95\": [0.5, %s], "
                "\"predicted\": 0.625}}}",
                i ? ", " : "", name, name, value, value, value, value, value, value, value);
    fputs("]}", f);
}

static void test_pages(void)
{
    static const char *const names[] = {"plain", "<script>alert(1)</script>&amp;'", "\\u0000\\u001f\\\"></svg>",
                                        "\xF0\x9F\x99\x82 ]]>", ""};
    static const char *const values[] = {"1.5", "null", "0", "-3e4", "1e300", "1e-300", "\"x\"", "[]", "{}", "true"};
    size_t wrong = 0, pages = 0;
    char why[80] = "", now[80];
    struct error e = {""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            struct json_value *one = made(put_one_text, names[i], values[k]), *all = made(put_paper, names[i], values[k]),
                              *family = made(put_family, names[i], values[k]);
            const struct json_value *both[] = {one, all, family, one};
            bool ok = one && all && family && page_check(one, "one", &e) && page_check(all, "all", &e) &&
                      page_check(family, "family", &e);
            for (size_t n = 1; ok && n <= 4; n++) {
                begin();
                page_write(both, n, out);
                end();
                pages++;
                if (page_is_good(text, now)) continue;
                wrong++;
                snprintf(why, sizeof why, "'%s' of %zu: %.60s", values[k], n, now);
            }
            wrong += !ok;
            json_free(one);
            json_free(all);
            json_free(family);
        }
    TEST("pages of any result are well-formed and alone", !wrong && pages == 200, "%zu of %zu are not: %s%s", wrong, pages, why,
         e.text);

    struct json_value *all = made(put_paper, "plain", "1.5");
    const struct json_value *one = all;
    begin();
    page_write(&one, 1, out);
    end();
    static const char *const needed[] = {"id=\"answers\"",
                                         "150.0 % (150.0 % to 100.0 %)",
                                         "+25.0 points",
                                         "id=\"tokens\"",
                                         "id=\"pixels\"",
                                         "id=\"pair\"",
                                         "id=\"paper\"",
                                         "id=\"layers\"",
                                         "id=\"fit\"",
                                         "id=\"origin\"",
                                         "id=\"numbers\"",
                                         "prompts: plain",
                                         "A measured",
                                         "A predicted",
                                         "published, Raspberry Pi 5",
                                         "points-a.csv",
                                         "pictures-a.csv",
                                         "prefers-color-scheme:dark",
                                         "@media print",
                                         "name=\"viewport\""};
    const char *lacking = NULL;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!strstr(text, needed[i])) lacking = needed[i];
    TEST("a whole result has all sections", !lacking, "no %s", lacking);
    json_free(all);

    struct json_value *family = made(put_family, "plain", "0.75");
    one = family;
    begin();
    page_write(&one, 1, out);
    end();
    static const char *const of_each[] = {"model D",
                                          "Model D",
                                          "D measured",
                                          "D - plain",
                                          "points-d.csv",
                                          "1.25 \xC2\xB1 0.025",
                                          "0.75 (0.5 to 0.75); predicted 0.625",
                                          "id=\"family\""};
    lacking = NULL;
    for (size_t i = 0; i < sizeof of_each / sizeof *of_each; i++)
        if (!strstr(text, of_each[i])) lacking = of_each[i];
    TEST("a family's page has every variant", !lacking && !strstr(text, "odel E"), "no %s, or a fifth",
         lacking ? lacking : "more");
    json_free(family);

    static const char *const others[] = {"1",
                                         "[]",
                                         "{}",
                                         "{\"kind\": 3}",
                                         "{\"kind\": \"bench\"}",
                                         "{\"kind\": \"laws text\"}",
                                         "{\"kind\": \"laws text\", \"points\": {}}"};
    wrong = 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct json_value *v = json_parse(others[i], strlen(others[i]), &e);
        wrong += !v || page_check(v, "FILE", &e) || strncmp(e.text, "FILE: found ", 12);
        json_free(v);
    }
    TEST("what is no result is refused", !wrong, "%zu are not", wrong);
}

int main(void)
{
    test_escapes();
    test_json();
    test_charts();
    test_pages();
    free(text);
    TEST_MAIN_END();
}
