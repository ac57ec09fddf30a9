/* page_family.c - variants of a model: what compression saves, and what it costs in quality.
 * SPDX-License-Identifier: MIT */
#include "engine/report/chart.h"
#include "engine/report/html.h"
#include "engine/report/page_parts.h"

#include <math.h>

static bool is_family(const struct page_result *r)
{
    return json_find(r->text, "variants") || json_find(r->text, "quality");
}

/* "0.62 (0.60 to 0.64); predicted 0.61" */
static void put_ratio(FILE *f, const struct json_value *sweep, int m, const char *figure)
{
    const struct json_value *ratios = json_find(page_model(sweep, m), "ratios");
    if (!ratios && m == 1) ratios = json_find(sweep, "ratios"); /* a pair's stand beside its second model */
    const struct json_value *v = m ? json_find(ratios, figure) : NULL;
    double measured = json_find_number(v, "ratio"), predicted = json_find_number(v, "predicted");
    if (isnan(measured) && isnan(predicted))
        html_element(f, "td class=n", "%s", m ? "-" : "1");
    else
        html_element(f, "td class=n", "%s; predicted %s",
                     page_interval(measured, json_find_element(v, "ci95", 0), json_find_element(v, "ci95", 1), "").s,
                     chart_value(predicted, "").s);
}

/* "14.2 +- 0.3" */
static void put_with_error(FILE *f, double v, double error)
{
    if (!isfinite(v))
        html_element(f, "td class=n", "-");
    else if (!isfinite(error))
        html_element(f, "td class=n", "%s", chart_value(v, "").s);
    else
        html_element(f, "td class=n", "%s \xC2\xB1 %s", chart_value(v, "").s, chart_value(error, "").s);
}

static void put_variant(FILE *f, const struct json_value *sweep, int m)
{
    const struct json_value *model = page_model(sweep, m), *q = json_find(model, "quality");
    const char *name = json_find_string(model, "model"), *file = json_find_string(model, "file");
    fputs("<tr>", f);
    html_element(f, "th", "%c - %s", page_letter(m), file ? file : name ? name : "-");
    html_element(f, "td class=n", "%s", chart_value(json_find_number(model, "file_bytes"), "*B").s);
    put_ratio(f, sweep, m, "time");
    put_ratio(f, sweep, m, "cpu_auc");
    put_ratio(f, sweep, m, "ram_auc");
    put_ratio(f, sweep, m, "energy");
    double ratio = json_find_number(q, "ratio");
    put_with_error(f, json_find_number(q, "perplexity"), json_find_number(q, "stderr"));
    put_with_error(f, ratio, ratio * json_find_number(q, "log_ratio_stderr")); /* of the ratio, to first order */
    put_with_error(f, json_find_number(q, "kl"), json_find_number(q, "kl_stderr"));
    html_element(f, "td class=n", "%s", page_percent(json_find_number(q, "same_top")).s);
    fputs("</tr>\n", f);
}

bool page_family(FILE *f, const struct page_result *r, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) any = any || is_family(&r[i]);
    if (!any || !f) return any;
    html_section(f, "family", "Variants: what is saved, and what it costs");
    fputs(
        "<p>Time, areas and energy are ratios to model A: geometric means over the prompts, measured with 95 % intervals, "
        "and as predicted. Perplexity and KL divergence from model A (nats a token) are of one text, with standard errors over "
        "its positions; same: the share of positions at which both find the same token likeliest.</p>\n",
        f);
    for (size_t i = 0; i < n; i++) {
        if (!is_family(&r[i])) continue;
        if (n > 1) html_element(f, "h3", "%s", r[i].label);
        fputs("<div class=\"scroll\"><table>\n<thead><tr><th>variant</th><th class=n>file</th><th class=n>time</th><th "
              "class=n>CPU AUC</th><th class=n>RAM AUC</th><th class=n>energy</th><th class=n>perplexity</th><th class=n>its "
              "ratio</th><th class=n>KL</th><th class=n>same</th></tr></thead>\n<tbody>\n",
              f);
        for (int m = 0; m < PAGE_MODELS; m++)
            if (page_model(r[i].text, m)) put_variant(f, r[i].text, m);
        fputs("</tbody></table></div>\n", f);
    }
    html_section_end(f);
    return true;
}
