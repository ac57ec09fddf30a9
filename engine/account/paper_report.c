/* paper_report.c - the paper's figures and their predictions, as lines of JSON and as a table.
 * SPDX-License-Identifier: MIT */
#include "engine/account/paper.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

static void put_text(struct json *j, const char *key, const char *text)
{
    json_put_string(j, key, *text ? text : NULL);
}

void paper_json(const struct paper *p, FILE *f)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct paper_row *r = &p->rows[i];
        int inside = paper_inside(r);
        struct json j;
        json_begin(&j, f);
        json_object(&j);
        json_put_string(&j, "figure", r->figure);
        json_put_string(&j, "device", paper_device(p, r));
        json_put_string(&j, "unit", r->unit);
        json_put_number(&j, "published", r->published);
        json_put_number(&j, "predicted", r->predicted);
        json_key(&j, "interval95");
        json_array(&j);
        json_number(&j, r->low);
        json_number(&j, r->high);
        json_array_end(&j);
        json_key(&j, "inside");
        if (inside < 0)
            json_null(&j);
        else
            json_bool(&j, inside);
        put_text(&j, "missing", r->missing);
        put_text(&j, "note", r->note);
        json_put_string(&j, "sha256", p->sha256);
        json_object_end(&j);
        json_end(&j);
    }
}

/* A change as percent with its sign, a ratio with an x, anything else as it is; "-" where not known. */
static void put_value(FILE *f, int width, double v, const char *unit)
{
    char text[32] = "-";
    if (!isnan(v) && !strcmp(unit, "change"))
        snprintf(text, sizeof text, "%+.1f %%", 100 * v);
    else if (!isnan(v) && !strcmp(unit, "ratio"))
        snprintf(text, sizeof text, "%.2fx", v);
    else if (!isnan(v) && !strcmp(unit, "px"))
        snprintf(text, sizeof text, "%.0f px", v);
    else if (!isnan(v))
        snprintf(text, sizeof text, "%.3g%s%s", v, strcmp(unit, "1") ? " " : "", strcmp(unit, "1") ? unit : "");
    fprintf(f, "%*s", width, text);
}

void paper_print(const struct paper *p, FILE *f)
{
    static const char *const insides[] = {"no", "yes"};
    for (size_t i = 0; i < p->n; i++) {
        const struct paper_row *r = &p->rows[i];
        const char *device = paper_device(p, r);
        if (!i || r->machine != p->rows[i - 1].machine)
            fprintf(f, "%s%-34s %11s %11s   %-24s %s\n", i ? "\n" : "", device ? device : "any machine", "published",
                    "predicted", "95 % interval", "inside");
        int inside = paper_inside(r);
        fprintf(f, "%-34s ", r->figure);
        put_value(f, 11, r->published, r->unit);
        fputc(' ', f);
        put_value(f, 11, r->predicted, r->unit);
        put_value(f, 12, r->low, r->unit);
        put_value(f, 13, r->high, r->unit);
        fprintf(f, "  %s\n", inside < 0 ? "-" : insides[inside]);
        if (*r->missing) fprintf(f, "    missing: %s\n", r->missing);
        if (*r->note) fprintf(f, "    %s\n", r->note);
    }
    fprintf(f, "\ninputs, all drawn at once, thousands of times: evenly from a range or its logarithm, one of alternatives, or "
               "normal\n");
    for (size_t i = 0; i < PAPER_N_INPUTS; i++) {
        const struct paper_input_word *w = &paper_inputs[i];
        fprintf(f, "%-17s %-7s", w->name, w->kind);
        for (size_t k = 0; k < p->n_machines; k++) {
            const double *range = p->machines[k].range[i];
            bool same = k && range[0] == p->machines[0].range[i][0] && range[1] == p->machines[0].range[i][1];
            if (same) continue;
            if (k) fprintf(f, "; %s ", p->machines[k].name);
            fprintf(f, strcmp(w->kind, "NORMAL") && strcmp(w->kind, "FIXED") ? "%.3g to %.3g" : "%.3g", range[0], range[1]);
        }
        fprintf(f, "  %s\n", w->what);
    }
    fprintf(f, "sha256     %s\n", p->sha256);
}
