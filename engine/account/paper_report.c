/* paper_report.c - the paper's figures and their predictions, as lines of JSON and as a table.
 * SPDX-License-Identifier: MIT */
#include "engine/account/paper.h"

#include "base/json.h"
#include "base/si.h"

#include <math.h>
#include <string.h>

static void put_text(struct json *j, const char *key, const char *text)
{
    json_put_string(j, key, *text ? text : NULL);
}

void paper_put_row(const struct paper *p, const struct paper_row *r, struct json *j)
{
    int inside = paper_inside(r);
    json_object(j);
    json_put_string(j, "figure", r->figure);
    json_put_string(j, "device", paper_device(p, r));
    json_put_string(j, "unit", r->unit);
    json_put_number(j, "published", r->published);
    json_put_number(j, "predicted", r->predicted);
    json_key(j, "interval95");
    json_array(j);
    json_number(j, r->low);
    json_number(j, r->high);
    json_array_end(j);
    json_key(j, "inside");
    if (inside < 0)
        json_null(j);
    else
        json_bool(j, inside);
    json_put_number(j, "deviation", paper_deviation(r));
    put_text(j, "missing", r->missing);
    put_text(j, "note", r->note);
    json_put_string(j, "sha256", p->sha256);
    json_object_end(j);
}

void paper_json(const struct paper *p, FILE *f)
{
    for (size_t i = 0; i < p->n; i++) {
        struct json j;
        json_begin(&j, f);
        paper_put_row(p, &p->rows[i], &j);
        json_end(&j);
    }
}

/* A change as percent with its sign, a ratio with an x, anything else as it is; "-" where not known. `more` digits than usual.
 * */
static void format_value(char text[32], double v, const char *unit, int more)
{
    snprintf(text, 32, "-");
    if (!isnan(v) && !strcmp(unit, "change"))
        snprintf(text, 32, "%+.*f %%", 1 + more, 100 * v);
    else if (!isnan(v) && !strcmp(unit, "ratio"))
        snprintf(text, 32, "%.*fx", 2 + more, v);
    else if (!isnan(v) && !strcmp(unit, "px"))
        snprintf(text, 32, "%.*f px", more, v);
    else if (!isnan(v))
        snprintf(text, 32, "%.*g%s%s", 3 + more, v, strcmp(unit, "1") ? " " : "", strcmp(unit, "1") ? unit : "");
}

static void put_value(FILE *f, int width, double v, const char *unit)
{
    char text[32];
    format_value(text, v, unit, 0);
    fprintf(f, "%*s", width, text);
}

/* An end of the interval; with more digits where it would read like the published figure that it does not reach. */
static void put_end(FILE *f, int width, const struct paper_row *r, double end)
{
    enum { MOST = 9 };
    char text[32], published[32];
    for (int more = 0; more <= MOST; more++) {
        format_value(text, end, r->unit, more);
        format_value(published, r->published, r->unit, more);
        if (paper_inside(r) != 0 || strcmp(text, published)) break;
    }
    fprintf(f, "%*s", width, text);
}

/* Words in lines of at most 120 columns, each indented by 4. */
static void put_wrapped(FILE *f, const char *head, const char *text)
{
    enum { INDENT = 4, WIDTH = 120 };
    size_t column = INDENT + strlen(head);
    fprintf(f, "%*s%s", INDENT, "", head);
    for (const char *w = text; *w;) {
        size_t n = strcspn(w, " ");
        bool first = w == text;
        if (!first && column + 1 + n > WIDTH) {
            fprintf(f, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (!first) {
            fputc(' ', f);
            column++;
        }
        fprintf(f, "%.*s", (int)n, w);
        column += n;
        w += n + (w[n] == ' ');
    }
    fputc('\n', f);
}

/* How an input is drawn, in words. */
static void put_range(FILE *f, const char *kind, const double range[2])
{
    if (!strcmp(kind, "ONE_OF"))
        fprintf(f, "one of %.0f", range[1] - range[0] + 1);
    else if (!strcmp(kind, "NORMAL"))
        fprintf(f, "log-normal %.3g", range[0]);
    else if (!strcmp(kind, "FIXED"))
        fprintf(f, "fixed %.3g", range[0]);
    else
        fprintf(f, "%s %.3g to %.3g", strcmp(kind, "LOG") ? "even" : "log-even", range[0], range[1]);
}

static void print_inputs(const struct paper *p, FILE *f)
{
    fprintf(f,
            "\ninputs, all drawn at once, %d draws: even in a range, even in its logarithm, one of alternatives, or a factor "
            "with a normal logarithm\n",
            PAPER_DRAWS);
    for (size_t i = 0; i < PAPER_N_INPUTS; i++) {
        const struct paper_input_word *w = &paper_inputs[i];
        fprintf(f, "%-17s ", w->name);
        for (size_t k = 0; k < p->n_machines; k++) {
            const double *range = p->machines[k].range[i];
            bool same = k && range[0] == p->machines[0].range[i][0] && range[1] == p->machines[0].range[i][1];
            if (same) continue;
            if (k) fprintf(f, "; %s ", p->machines[k].name);
            put_range(f, w->kind, range);
        }
        fprintf(f, "  %s\n", w->what);
    }
}

void paper_print(const struct paper *p, FILE *f)
{
    static const char *const insides[] = {"no", "yes"};
    size_t compared = 0, within = 0, n_inside = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct paper_row *r = &p->rows[i];
        const char *device = paper_device(p, r);
        if (!i || r->machine != p->rows[i - 1].machine)
            fprintf(f, "%s%-34s %11s %11s %10s   %-24s %s\n", i ? "\n" : "", device ? device : "any machine", "published",
                    "predicted", "deviation", "95 % interval", "inside");
        int inside = paper_inside(r);
        double deviation = paper_deviation(r);
        compared += !isnan(deviation);
        within += fabs(deviation) <= 0.1;
        n_inside += inside == 1;
        fprintf(f, "%-34s ", r->figure);
        put_value(f, 11, r->published, r->unit);
        fputc(' ', f);
        put_value(f, 11, r->predicted, r->unit);
        fprintf(f, " %10s", signed_percent(deviation).s);
        put_end(f, 12, r, r->low);
        put_end(f, 13, r, r->high);
        fprintf(f, "  %s\n", inside < 0 ? "-" : insides[inside]);
        if (*r->missing) put_wrapped(f, "missing: ", r->missing);
        if (*r->note) put_wrapped(f, "", r->note);
    }
    print_inputs(p, f);
    fprintf(f, "sha256     %s\n", p->sha256);
    fprintf(f, "of %zu published figures that are predicted, %zu come within 10 %%, %zu lie inside\n", compared,
            within, n_inside);
}
