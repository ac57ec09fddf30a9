/* page_answers.c - how right answers are: of each model with its interval, of a pair the difference on the same questions.
 * SPDX-License-Identifier: MIT */
#include "engine/report/chart.h"
#include "engine/report/html.h"
#include "engine/report/page_parts.h"

#include <math.h>
#include <string.h>

enum { CLAMPS = 4 };

/* Prompts' answers, or those to questions about pictures. */
static const struct json_value *sweep_of(const struct page_result *r, bool pictures)
{
    return page_sweep(r, pictures ? PAGE_IMAGE : PAGE_TEXT);
}

static bool has_answers(const struct page_result *r, bool pictures)
{
    return json_find_number(sweep_of(r, pictures), "answers") > 0;
}

/* Whether some score of this kind is known: the semantic one needs a judge. */
static bool has_scores(const struct page_result *r, size_t n, bool pictures, const char *key)
{
    for (size_t i = 0; i < n; i++)
        for (int m = 0; m < PAGE_MODELS; m++)
            if (!isnan(json_find_number(page_model(sweep_of(&r[i], pictures), m), key))) return true;
    return false;
}

/* Whether a text sweep was asked questions beside its prompts. */
static bool has_questions(const struct page_result *r)
{
    const struct json_value *all = json_find(r->text, "questions");
    return all && all->type == JSON_ARRAY && all->n;
}

/* ---- Figures ---- */

static void draw_prompts(FILE *f, const struct page_result *r, bool named)
{
    static double x[PAGE_MODELS][PAGE_POINTS], y[PAGE_MODELS][PAGE_POINTS];
    char means[PAGE_MODELS][16], points[PAGE_MODELS][16];
    struct chart_series series[PAGE_MODELS];
    struct chart_rule rules[PAGE_MODELS];
    char title[PAGE_LABEL + 64];
    size_t n = 0;
    for (int m = 0; m < PAGE_MODELS; m++) {
        const struct json_value *model = page_model(r->text, m);
        size_t count = page_points(model);
        if (!count) continue;
        snprintf(means[m], sizeof means[m], "%c, mean", page_letter(m));
        snprintf(points[m], sizeof points[m], "%c, measured", page_letter(m));
        page_column(model, "prompt", x[m]);
        page_column(model, "semantic_accuracy", y[m]);
        for (size_t i = 0; i < count; i++) y[m][i] *= 100;
        double mean = 100 * json_find_number(model, "semantic_accuracy");
        rules[n] = (struct chart_rule){mean, true, means[m], m % CHART_COLOURS, m > 0};
        series[n++] = (struct chart_series){points[m], CHART_POINTS, m % CHART_COLOURS, count, x[m], y[m], NULL, NULL};
    }
    snprintf(title, sizeof title, "Semantic accuracy of the answers%s%s", named ? ": " : "", named ? r->label : "");
    const struct chart chart = {.title = title,
                                .caption = "Points: measured, the cosine of an answer's and its reference's embeddings. Lines: "
                                           "their means over the prompts.",
                                .x_label = "prompt",
                                .x_unit = "tokens",
                                .y_label = "semantic accuracy, %",
                                .y_unit = "",
                                .y_zero = true,
                                .series = series,
                                .n_series = n,
                                .rules = rules,
                                .n_rules = n};
    chart_write(&chart, f);
}

/* Of one model: the share of right answers over the picture's size, a series a clamp. */
static void draw_pictures(FILE *f, const struct page_result *r, int m, bool named)
{
    static double x[CLAMPS][PAGE_POINTS], y[CLAMPS][PAGE_POINTS];
    const struct json_value *model = page_model(r->image, m), *points = json_find(model, "points");
    const struct json_value *clamps = json_find(model, "clamps");
    struct chart_series series[CLAMPS];
    char title[PAGE_LABEL + 64], names[CLAMPS][96];
    size_t n = 0;
    for (size_t c = 0; clamps && clamps->type == JSON_ARRAY && c < clamps->n && n < CLAMPS; c++) {
        const char *clamp = json_find_string(&clamps->item[c], "clamp");
        size_t count = 0;
        for (size_t i = 0; clamp && i < page_points(model); i++) {
            const struct json_value *p = &points->item[i];
            const char *of = json_find_string(p, "clamp");
            if (!of || strcmp(of, clamp)) continue;
            x[n][count] = fmax(json_find_number(p, "width"), json_find_number(p, "height"));
            y[n][count++] = 100 * json_find_number(p, "exact");
        }
        if (!count) continue;
        snprintf(names[n], sizeof names[n], "%.60s, measured", clamp);
        series[n] = (struct chart_series){names[n], CHART_POINTS, (int)n, count, x[n], y[n], NULL, NULL};
        n++;
    }
    snprintf(title, sizeof title, "Right answers about the picture, model %c%s%s", page_letter(m), named ? ": " : "",
             named ? r->label : "");
    const struct chart chart = {.title = title,
                                .caption = "Points: measured, the share of all questions whose answer has the reference's "
                                           "words. The first clamps, at most four.",
                                .x_label = "longest edge of the picture",
                                .x_unit = "px",
                                .y_label = "right answers, %",
                                .y_unit = "",
                                .y_zero = true,
                                .series = series,
                                .n_series = n};
    chart_write(&chart, f);
}

/* ---- Tables ---- */

struct score {
    double v, low, high;
};

static struct score score_at(const struct json_value *v, const char *key)
{
    char interval[64];
    snprintf(interval, sizeof interval, "%s_ci95", key);
    return (struct score){json_find_number(v, key), json_find_element(v, interval, 0), json_find_element(v, interval, 1)};
}

/* A difference of shares as percentage points. */
static struct page_text points(double part)
{
    struct page_text t;
    snprintf(t.s, sizeof t.s, "%s%.1f", part < 0 ? "\xE2\x88\x92" : "+", fabs(100 * part));
    return t;
}

/* "81.3 % (78.0 % to 84.6 %)"; of a difference "+4.0 points (+1.2 to +6.8)". */
static void put_score(FILE *f, struct score s, bool difference)
{
    if (isnan(s.v))
        page_cell(f, "-");
    else if (difference && isnan(s.low))
        page_cell(f, "%s points", points(s.v).s);
    else if (difference)
        page_cell(f, "%s points (%s to %s)", points(s.v).s, points(s.low).s, points(s.high).s);
    else if (isnan(s.low))
        page_cell(f, "%s", page_percent(s.v).s);
    else
        page_cell(f, "%s (%s to %s)", page_percent(s.v).s, page_percent(s.low).s, page_percent(s.high).s);
}

enum { DIFFERENCE = PAGE_MODELS };

/* The row of a model, or of a pair's difference. */
static void put_row(FILE *f, const struct page_result *r, size_t n, bool pictures, int m, bool semantic)
{
    bool difference = m == DIFFERENCE;
    page_row(f, semantic ? "semantic accuracy" : "exact accuracy");
    for (size_t i = 0; i < n; i++) {
        const struct json_value *sweep = sweep_of(&r[i], pictures);
        const struct json_value *of = difference ? json_find(sweep, "accuracy_difference") : page_model(sweep, m);
        put_score(f,
                  score_at(of, difference ? semantic ? "semantic" : "exact"
                               : semantic ? "semantic_accuracy"
                                          : "exact_accuracy"),
                  difference);
    }
    page_row_end(f);
}

/* Names in a row of their own, as machines may have compared different models. */
static void put_names(FILE *f, const struct page_result *r, size_t n, bool pictures, int m)
{
    page_row(f, "model");
    for (size_t i = 0; i < n; i++) {
        const char *name = json_find_string(page_model(sweep_of(&r[i], pictures), m), "model");
        page_cell(f, "%s", name ? name : "-");
    }
    page_row_end(f);
}

static void put_sizes(FILE *f, const struct page_result *r, size_t n, bool pictures, bool asked)
{
    page_row(f, asked ? "questions" : "answers of each model");
    for (size_t i = 0; i < n; i++) page_cell(f, "%s", page_count(json_find_number(sweep_of(&r[i], pictures), "answers")).s);
    page_row_end(f);
    page_row(f, "judge");
    for (size_t i = 0; i < n; i++) {
        const char *judge = json_find_string(sweep_of(&r[i], pictures), "judge");
        page_cell(f, "%s", judge ? judge : "none: words alone");
    }
    page_row_end(f);
}

static void put_table(FILE *f, const struct page_result *r, size_t n, bool pictures)
{
    bool semantic = has_scores(r, n, pictures, "semantic_accuracy"), pair = false;
    size_t asked = 0, answered = 0; /* machines */
    for (size_t i = 0; i < n; i++) {
        pair = pair || json_find(sweep_of(&r[i], pictures), "accuracy_difference");
        asked += pictures || has_questions(&r[i]);
        answered += has_answers(&r[i], pictures);
    }
    const char *what = pictures            ? "questions about the picture"
                       : !asked            ? "answers to the prompts"
                       : asked == answered ? "questions beside the prompts"
                                           : "answers to the prompts, or to questions beside them";
    page_table_begin(f, r, n, what, "measured (95 % interval)");
    put_sizes(f, r, n, pictures, asked);
    for (int m = 0; m <= (pair ? DIFFERENCE : DIFFERENCE - 1); m++) {
        char model[16];
        bool there = m == DIFFERENCE;
        for (size_t i = 0; i < n; i++) there = there || page_model(sweep_of(&r[i], pictures), m);
        if (!there) continue;
        snprintf(model, sizeof model, "Model %c", page_letter(m));
        page_group(f, n, m == DIFFERENCE ? "B less A, question by question" : model);
        if (m != DIFFERENCE) put_names(f, r, n, pictures, m);
        if (semantic) put_row(f, r, n, pictures, m, true);
        put_row(f, r, n, pictures, m, false);
    }
    page_table_end(f);
}

/* What the paper says of its own pair, where this page has its figures. */
static void put_published(FILE *f, const struct page_result *r, size_t n, bool pictures)
{
    static const char *const devices[][2] = {{"m2", "MacBook M2"}, {"rpi5", "Raspberry Pi 5"}};
    static const char *const figures[2][2] = {{"llm_semantic_accuracy_original", "llm_semantic_accuracy_compressed"},
                                              {"vlm_semantic_accuracy_original", "vlm_semantic_accuracy_compressed"}};
    size_t i = 0;
    while (i < n && !r[i].paper) i++;
    for (size_t d = 0; i < n && d < 2; d++) {
        double a = page_published_figure(&r[i], figures[pictures][0], devices[d][0]);
        double b = page_published_figure(&r[i], figures[pictures][1], devices[d][0]);
        if (isnan(a) || isnan(b)) continue;
        html_element(f, "p class=note",
                     "Published, %s: semantic accuracy %s of %s and %s of %s, by SimCSE and references of a large commercial "
                     "model: of one kind with the above, not on one scale.",
                     devices[d][1], page_percent(a).s, pictures ? "Qwen2-VL-2B" : "Llama-3.1-8B", page_percent(b).s,
                     pictures ? "Axolotl 1.1B" : "Gilda 3.2B");
    }
}

bool page_answers(FILE *f, const struct page_result *r, size_t n)
{
    bool any[2] = {false, false};
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) any[k] = any[k] || has_answers(&r[i], k);
    if (!(any[0] || any[1]) || !f) return any[0] || any[1];
    html_section(f, "answers", "How right the answers are");
    fputs("<p>Semantic accuracy is the mean cosine of two sentence embeddings, an answer's and its reference's; exact accuracy "
          "the share of answers that have the reference's words. The two models of a pair answer the same questions, so their "
          "difference is taken question by question.</p>\n<div class=\"grid\">\n",
          f);
    for (size_t i = 0; i < n; i++) {
        if (has_answers(&r[i], false) && !has_questions(&r[i]) && has_scores(&r[i], 1, false, "semantic_accuracy"))
            draw_prompts(f, &r[i], n > 1);
        for (int m = 0; m < PAGE_MODELS && has_answers(&r[i], true); m++)
            if (page_model(r[i].image, m)) draw_pictures(f, &r[i], m, n > 1);
    }
    fputs("</div>\n", f);
    for (int k = 0; k < 2; k++) {
        if (!any[k]) continue;
        put_table(f, r, n, k);
        put_published(f, r, n, k);
    }
    html_section_end(f);
    return true;
}
