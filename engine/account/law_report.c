/* law_report.c - a law as text and as JSON, each coefficient with the ops that it comes from.
 * SPDX-License-Identifier: MIT */
#include "engine/account/report.h"

#include "base/json.h"
#include "base/si.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_of(const struct law_term *t, int c)
{
    return (t->phase == PHASE_PREFILL) == (c < LAW_B0);
}

/* ---- JSON ---- */

static void put_coefficients(struct json *j, const char *key, const double v[LAW_COUNT], enum phase phase)
{
    json_key(j, key);
    json_object(j);
    for (int c = 0; c < LAW_COUNT; c++)
        if ((phase == PHASE_PREFILL) == (c < LAW_B0)) json_put_number(j, law_names[c], v[c]);
    json_object_end(j);
}

void law_json(const struct law *law, struct json *j)
{
    json_key(j, "law");
    json_object(j);
    for (int c = 0; c < LAW_COUNT; c++) json_put_number(j, law_names[c], law->seconds[c]);
    json_put_integer(j, "prompt_min", (int64_t)law->range.prompt_min);
    json_put_integer(j, "prompt_max", (int64_t)law->range.prompt_max);
    json_put_integer(j, "gen", (int64_t)law->range.gen);
    json_put_number(j, "residual_prefill", law->residual_prefill);
    json_put_number(j, "residual_decode", law->residual_decode);
    json_put_number(j, "bandwidth", law->bandwidth);
    json_key(j, "terms");
    json_array(j);
    for (size_t i = 0; i < law->n_terms; i++) {
        const struct law_term *t = &law->terms[i];
        json_object(j);
        json_put_string(j, "op", t->op);
        json_put_string(j, "phase", t->phase == PHASE_PREFILL ? "prefill" : "decode");
        json_put_string(j, "type", t->type);
        json_put_integer(j, "ops", t->ops);
        json_put_string(j, "layers", *t->layers ? t->layers : NULL);
        json_key(j, "window");
        if (t->window)
            json_integer(j, t->window);
        else
            json_null(j);
        json_put_string(j, "rate", t->rate);
        json_put_number(j, "rate_value", t->rate_value);
        put_coefficients(j, "time_s", t->seconds, t->phase);
        put_coefficients(j, "flops", t->flops, t->phase);
        put_coefficients(j, "bytes", t->bytes, t->phase);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

/* ---- Text ---- */

static int sorted_by; /* qsort passes no context; commands print from one thread */

static int by_size(const void *a, const void *b)
{
    double x = fabs((*(struct law_term *const *)a)->seconds[sorted_by]),
           y = fabs((*(struct law_term *const *)b)->seconds[sorted_by]);
    return (x < y) - (x > y);
}

static void print_term(const struct law_term *t, int c, double whole, FILE *f)
{
    char cost[96] = "", rows[24];
    bool stages = !t->type;
    if (t->flops[c] != 0) snprintf(cost, sizeof cost, "%s ", si(t->flops[c], "FLOP").s);
    if (t->bytes[c] != 0) snprintf(cost + strlen(cost), sizeof cost - strlen(cost), "%s ", si(t->bytes[c], "B").s);
    snprintf(rows, sizeof rows, "%d %s%s", t->ops, stages ? "stage" : "op", t->ops == 1 ? "" : "s");
    fprintf(f, "     %7s  %-14s %-5s %-10s %-23s %s = %s", percent(t->seconds[c] / whole).s, t->op, stages ? "-" : t->type,
            rows, cost, t->rate,
            si(t->rate_value, stages                           ? "s"
                              : !strncmp(t->rate, "vector", 6) ? "B/s"
                                                               : "FLOP/s")
                .s);
    if (*t->layers) fprintf(f, ", layers %s", t->layers);
    if (t->window) fprintf(f, ", window %d", t->window);
    fputc('\n', f);
}

void law_print(const struct law *law, FILE *f)
{
    fprintf(f, "\nlaw        T(n, m) = a0 + a1 n + a2 n^2 + b0 m + b1 (mn + m(m+1)/2): n prompt tokens, then m decode steps\n");
    fprintf(f,
            "           for %zu to %zu prompt tokens and up to %zu generated: off the prediction by at most %s (prefill) and "
            "%s (decode)\n",
            law->range.prompt_min, law->range.prompt_max, law->range.gen, percent(law->residual_prefill).s,
            percent(law->residual_decode).s);
    fprintf(f, "           weights and cache from memory at %s\n", si(law->bandwidth, "B/s").s);
    const struct law_term **sorted = calloc(law->n_terms, sizeof *sorted);
    for (int c = 0; c < LAW_COUNT; c++) {
        fprintf(f, "%-4s %.6g %s\n", law_names[c], law->seconds[c], law_units[c]);
        size_t n = 0;
        double rest = 0;
        for (size_t i = 0; sorted && i < law->n_terms; i++)
            if (is_of(&law->terms[i], c)) sorted[n++] = &law->terms[i];
        sorted_by = c;
        if (n) qsort(sorted, n, sizeof *sorted, by_size);
        for (size_t i = 0; i < n; i++) {
            if (fabs(sorted[i]->seconds[c]) >= 0.01 * fabs(law->seconds[c]))
                print_term(sorted[i], c, law->seconds[c], f);
            else
                rest += sorted[i]->seconds[c];
        }
        if (rest != 0) fprintf(f, "     %7s  the rest\n", percent(rest / law->seconds[c]).s);
    }
    free(sorted);
}
