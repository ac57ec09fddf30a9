/* page.c - the page as a whole, what its sections share, and two that are no figure: origin, numbers.
 * SPDX-License-Identifier: MIT */
#include "engine/report/page.h"

#include "engine/report/chart.h"
#include "engine/report/html.h"
#include "engine/report/page_parts.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- Models and points ---- */

const struct json_value *page_model(const struct json_value *result, int i)
{
    const struct json_value *second = json_find(result, "second"), *variants = json_find(result, "variants");
    if (!i) return result;
    if (second) return i == 1 ? second : NULL;
    return variants && variants->type == JSON_ARRAY && (size_t)i <= variants->n ? &variants->item[i - 1] : NULL;
}

bool page_has_sweep(const struct page_result *r, size_t n, enum page_sweep kind)
{
    for (size_t k = 0; k < n; k++)
        if (page_sweep(&r[k], kind)) return true;
    return false;
}

bool page_has_model(const struct page_result *r, size_t n, enum page_sweep kind, int i)
{
    for (size_t k = 0; k < n; k++)
        if (page_model(page_sweep(&r[k], kind), i)) return true;
    return false;
}

struct page_text page_heading(const struct page_result *r, size_t n, enum page_sweep kind, int i)
{
    struct page_text t;
    bool both = page_has_sweep(r, n, PAGE_TEXT) && page_has_sweep(r, n, PAGE_IMAGE);
    const char *sweep = kind == PAGE_TEXT ? "Prompts" : "Pictures";
    if (i < 0)
        snprintf(t.s, sizeof t.s, "%s", sweep);
    else
        snprintf(t.s, sizeof t.s, "%s%sodel %c", both ? sweep : "", both ? ": m" : "M", page_letter(i));
    return t;
}

size_t page_points(const struct json_value *model)
{
    const struct json_value *points = json_find(model, "points");
    if (!points || points->type != JSON_ARRAY) return 0;
    return points->n < PAGE_POINTS ? points->n : PAGE_POINTS;
}

void page_column(const struct json_value *model, const char *path, double *v)
{
    const struct json_value *points = json_find(model, "points");
    size_t n = page_points(model);
    for (size_t i = 0; i < n; i++) v[i] = json_find_number(&points->item[i], path);
}

bool page_metered(const struct json_value *sweep)
{
    const char *kind = json_find_string(sweep, "energy_kind");
    return kind && !strcmp(kind, "measured");
}

double page_area_end(const struct json_value *point, double predicted, size_t end)
{
    return predicted * json_find_element(point, "interval95_s", end) / json_find_number(point, "predicted_s");
}

/* ---- Texts ---- */

struct page_text page_interval(double v, double low, double high, const char *unit)
{
    struct page_text t;
    struct chart_text middle = chart_value(v, unit);
    if (isnan(v) || isnan(low))
        snprintf(t.s, sizeof t.s, "%s", middle.s);
    else
        snprintf(t.s, sizeof t.s, "%s (%s to %s)", middle.s, chart_value(low, unit).s, chart_value(high, unit).s);
    return t;
}

struct page_text page_change(double part)
{
    struct page_text t = {"-"};
    if (isfinite(part)) snprintf(t.s, sizeof t.s, "%s%.1f %%", part < 0 ? "\xE2\x88\x92" : "+", fabs(100 * part));
    return t;
}

struct page_text page_change_interval(double ratio, double low, double high)
{
    struct page_text t = page_change(ratio - 1);
    size_t n = strlen(t.s);
    if (isfinite(ratio) && isfinite(low) && isfinite(high))
        snprintf(t.s + n, sizeof t.s - n, " (%.40s to %.40s)", page_change(low - 1).s, page_change(high - 1).s);
    return t;
}

struct page_text page_percent(double part)
{
    struct page_text t = {"-"};
    if (isfinite(part)) snprintf(t.s, sizeof t.s, "%.1f %%", 100 * part);
    return t;
}

struct page_text page_count(double v)
{
    struct page_text t = {"-"};
    if (isfinite(v)) snprintf(t.s, sizeof t.s, "%.0f", v);
    return t;
}

struct page_text page_ratio(double v)
{
    struct page_text t = {"-"};
    if (isfinite(v)) snprintf(t.s, sizeof t.s, "%.2f\xC3\x97", v);
    return t;
}

/* ---- Tables ---- */

void page_table_begin(FILE *f, const struct page_result *r, size_t n, const char *first, const char *only)
{
    fputs("<div class=\"scroll\"><table>\n<thead><tr>", f);
    html_element(f, "th", "%s", first);
    if (n == 1)
        html_element(f, "th", "%s", only);
    else
        for (size_t i = 0; i < n; i++) html_element(f, "th", "%s", r[i].label);
    fputs("</tr></thead>\n<tbody>\n", f);
}

void page_table_end(FILE *f)
{
    fputs("</tbody></table></div>\n", f);
}

void page_group(FILE *f, size_t n, const char *heading)
{
    fprintf(f, "<tr class=\"group\"><th colspan=\"%zu\">", n + 1);
    html_text(f, heading);
    fputs("</th></tr>\n", f);
}

void page_row(FILE *f, const char *name)
{
    fputs("<tr>", f);
    html_element(f, "th", "%s", name);
}

void page_cell(FILE *f, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    html_element(f, "td", "%s", text);
}

void page_row_end(FILE *f)
{
    fputs("</tr>\n", f);
}

/* ---- Origin ---- */

static void put_pair(FILE *f, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void put_pair(FILE *f, const char *name, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    html_element(f, "dt", "%s", name);
    html_element(f, "dd", "%s", text);
    fputc('\n', f);
}

static const char *known(const char *s)
{
    return s ? s : "-";
}

static void put_origin(FILE *f, const struct json_value *o)
{
    const struct json_value *p = json_find(o, "profile");
    fputs("<dl>\n", f);
    put_pair(f, "machine", "%s, %s processors, %s of memory", known(json_find_string(o, "machine")),
             page_count(json_find_number(o, "cores")).s, chart_value(json_find_number(o, "memory_bytes"), "*B").s);
    put_pair(f, "system", "%s", known(json_find_string(o, "system")));
    put_pair(f, "program", "%s, built by %s, kernels %s", known(json_find_string(o, "program")),
             known(json_find_string(o, "compiler")), known(json_find_string(o, "isa")));
    put_pair(f, "profile", "%s, kernels %s, of %s", known(json_find_string(p, "name")), known(json_find_string(p, "isa")),
             known(json_find_string(p, "date")));
    put_pair(f, "its rates",
             "%s of memory bandwidth on %s threads (repeats scatter by %s), %s of last-level cache, %s a barrier",
             chart_value(json_find_number(p, "read_bandwidth"), "*B/s").s, page_count(json_find_number(o, "threads")).s,
             page_percent(json_find_number(p, "noise")).s, chart_value(json_find_number(p, "llc_bytes"), "*B").s,
             chart_value(json_find_number(p, "stage_s"), "*s").s);
    if (!isnan(json_find_number(p, "idle_w")))
        put_pair(f, "its powers", "%s idle, %s more while a model runs", chart_value(json_find_number(p, "idle_w"), "*W").s,
                 chart_value(json_find_number(p, "active_w"), "*W").s);
    fputs("</dl>\n", f);
}

static void put_command(FILE *f, const struct json_value *result)
{
    const char *command = json_find_string(result, "origin.command");
    if (!command) return;
    fputs("<pre class=\"wrap\">", f);
    html_text(f, command);
    fputs("</pre>\n", f);
}

bool page_origin(FILE *f, const struct page_result *r, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) any = any || r[i].origin;
    if (!any || !f) return any;
    html_section(f, "origin", "Machine, program, commands");
    for (size_t i = 0; i < n; i++) {
        if (n > 1) html_element(f, "h3", "%s", r[i].label);
        if (r[i].origin)
            put_origin(f, r[i].origin);
        else
            html_missing(f, "the result does not say what machine and program it is of");
        fputs("<p class=\"note\">The commands that measure these figures again:</p>\n", f);
        put_command(f, r[i].whole);
        put_command(f, r[i].text);
        put_command(f, r[i].image);
        if (r[i].paper) fputs("<pre class=\"wrap\">hartree paper --predict</pre>\n", f);
    }
    html_section_end(f);
    return true;
}

/* ---- Numbers ---- */

static void put_field(FILE *f, const struct json_value *v)
{
    if (!v || v->type == JSON_NULL) return;
    if (v->type == JSON_NUMBER) fprintf(f, "%.9g", v->number);
    if (v->type == JSON_BOOL) fputs(v->boolean ? "1" : "0", f);
    if (v->type != JSON_STRING) return;
    fputc('"', f);
    for (const char *s = v->string; *s; s++) fprintf(f, *s == '"' ? "\"\"" : "%c", *s);
    fputc('"', f);
}

/* An array of like objects as a table: a column for each member of the first, or two of a member that is a pair. Other arrays
 * and objects are left out. */
static void put_csv(FILE *f, const struct json_value *rows)
{
    const struct json_value *first = &rows->item[0];
    for (size_t i = 0; i <= rows->n; i++) {
        const char *comma = "";
        for (size_t k = 0; k < first->n; k++) {
            const struct json_value *like = &first->item[k], *v = i ? json_member(&rows->item[i - 1], first->key[k]) : NULL;
            bool pair = like->type == JSON_ARRAY && like->n == 2 && like->item[0].type != JSON_ARRAY;
            if (like->type == JSON_OBJECT || (like->type == JSON_ARRAY && !pair)) continue;
            for (size_t part = 0; part < (pair ? 2 : 1); part++) {
                const struct json_value *one = !pair ? v : v && v->type == JSON_ARRAY && part < v->n ? &v->item[part] : NULL;
                fputs(comma, f);
                comma = ",";
                if (i)
                    put_field(f, one);
                else
                    fprintf(f, "%s%s", first->key[k], !pair ? "" : part ? "_2" : "_1");
            }
        }
        fputc('\n', f);
    }
}

static void put_table_file(FILE *f, const struct page_result *r, size_t n, size_t i, const struct json_value *rows,
                           const char *name, const char *what)
{
    char *text = NULL, file[64], about[PAGE_LABEL + 80];
    size_t size = 0;
    if (!rows || rows->type != JSON_ARRAY || !rows->n || rows->item[0].type != JSON_OBJECT) return;
    snprintf(file, sizeof file, n > 1 ? "%s-%zu.csv" : "%s.csv", name, i + 1);
    snprintf(about, sizeof about, "%s%s%s", what, n > 1 ? ", " : "", n > 1 ? r[i].label : "");
    FILE *csv = open_memstream(&text, &size);
    bool ok = csv != NULL;
    if (csv) {
        put_csv(csv, rows);
        ok = !ferror(csv);
        if (fclose(csv)) ok = false;
    }
    if (ok)
        html_file(f, file, about, text, size);
    else
        html_missing(f, "%s: found no memory", file);
    free(text);
}

/* A model's points; its ops in the longest run, or what each clamp made of the picture. */
static void put_model_files(FILE *f, const struct page_result *r, size_t n, size_t i, enum page_sweep kind, int m)
{
    const struct json_value *model = page_model(page_sweep(&r[i], kind), m), *clamps = json_find(model, "clamps");
    char letter = (char)(page_letter(m) - 'A' + 'a'), name[32], what[160];
    snprintf(name, sizeof name, "%s-%c", kind == PAGE_TEXT ? "points" : "pictures", letter);
    snprintf(what, sizeof what, "model %c, a line a %s", page_letter(m), kind == PAGE_TEXT ? "prompt" : "picture and clamp");
    put_table_file(f, r, n, i, json_find(model, "points"), name, what);
    snprintf(name, sizeof name, "%s-%c", kind == PAGE_TEXT ? "ops" : "picture-ops", letter);
    snprintf(what, sizeof what, "model %c's longest run, predicted, a line an op and phase", page_letter(m));
    put_table_file(f, r, n, i, json_find(model, "costs.ops"), name, what);
    snprintf(name, sizeof name, "clamps-%c", letter);
    snprintf(what, sizeof what, "model %c, a line a clamp: knee and plateau", page_letter(m));
    put_table_file(f, r, n, i, clamps, name, what);
    for (size_t k = 0; clamps && clamps->type == JSON_ARRAY && k < clamps->n; k++) {
        const char *clamp = json_find_string(&clamps->item[k], "clamp");
        snprintf(name, sizeof name, "stairs-%c-%zu", letter, k + 1);
        snprintf(what, sizeof what, "model %c under %.60s, a line a step of the prediction", page_letter(m),
                 clamp ? clamp : "-");
        put_table_file(f, r, n, i, json_find(&clamps->item[k], "stairs"), name, what);
    }
}

bool page_numbers(FILE *f, const struct page_result *r, size_t n)
{
    if (!f) return true;
    html_section(f, "numbers", "Raw numbers");
    fputs("<p class=\"note\">Tables as text, carried in this page. Units stand in the names: _s seconds, _j joules; cpu_auc "
          "core-seconds, "
          "ram_auc byte-seconds. Empty: not known.</p>\n",
          f);
    for (size_t i = 0; i < n; i++) {
        for (enum page_sweep kind = PAGE_TEXT; kind < PAGE_SWEEPS; kind++)
            for (int m = 0; m < PAGE_MODELS; m++) put_model_files(f, r, n, i, kind, m);
        put_table_file(f, r, n, i, json_find(r[i].paper, "rows"), "paper", "the paper's figures, published and predicted");
    }
    html_section_end(f);
    return true;
}

/* ---- The whole ---- */

static bool is_kind(const struct json_value *v, const char *kind)
{
    const char *s = json_find_string(v, "kind");
    return s && !strcmp(s, kind);
}

/* Of `paper` at least what became of its steps, which it always says. */
static bool has_steps(const struct json_value *paper)
{
    const struct json_value *steps = json_find(paper, "steps");
    return steps && steps->type == JSON_ARRAY && steps->n;
}

bool page_check(const struct json_value *result, const char *file, struct error *e)
{
    const char *kind = json_find_string(result, "kind");
    bool paper = is_kind(result, "paper"), sweep = is_kind(result, "laws text") || is_kind(result, "laws image");
    if ((paper && has_steps(result)) || (sweep && page_points(result))) return true;
    if (paper) return fail(e, "%s: found 'paper' without steps, expected the result.json of laws or paper", file);
    if (kind)
        return fail(e, "%s: found '%.60s'%s, expected the result.json of laws or paper", file, kind,
                    page_points(result) ? "" : " without points");
    return fail(e, "%s: found no \"kind\", expected the result.json of laws or paper", file);
}

static void take_result(struct page_result *r, const struct json_value *v)
{
    *r = (struct page_result){.label = ""};
    if (is_kind(v, "paper")) {
        r->text = json_find(v, "text");
        r->image = json_find(v, "image");
        r->paper = json_find(v, "paper");
        r->steps = json_find(v, "steps");
        r->whole = v;
    } else if (is_kind(v, "laws text")) {
        r->text = v;
    } else {
        r->image = v;
    }
    if (!page_points(r->text)) r->text = NULL; /* null where a step of `paper` failed */
    if (!page_points(r->image)) r->image = NULL;
    r->origin = json_find(r->text ? r->text : r->image ? r->image : v, "origin");
}

static const char *machine_of(const struct page_result *r)
{
    const char *name = json_find_string(r->origin, "machine");
    if (!name) name = json_find_string(r->text, "device");
    return name ? name : "unknown machine";
}

/* The machines' names, numbered where they are the same. */
static void name_results(struct page_result *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *name = machine_of(&r[i]);
        size_t same = 0;
        for (size_t k = 0; k < i; k++) same += !strncmp(machine_of(&r[k]), name, 120);
        snprintf(r[i].label, sizeof r[i].label, "%.120s", name);
        if (same) snprintf(r[i].label, sizeof r[i].label, "%.120s (%zu)", name, same + 1);
    }
}

void page_write(const struct json_value *const *results, size_t n, FILE *f)
{
    static const struct {
        const char *anchor, *name;
        bool (*write)(FILE *f, const struct page_result *r, size_t n);
    } sections[] = {
        {"short", "errors", page_short},        {"tokens", "law 1", page_law_tokens}, {"pixels", "law 2", page_law_pixels},
        {"pair", "law 3", page_law_pair},       {"family", "variants", page_family},  {"answers", "answers", page_answers},
        {"paper", "the paper", page_published}, {"layers", "layers", page_costs},     {"fit", "closed form", page_errors},
        {"origin", "machine", page_origin},     {"numbers", "numbers", page_numbers}};
    struct page_result r[PAGE_RESULTS];
    for (size_t i = 0; i < n; i++) take_result(&r[i], results[i]);
    name_results(r, n);
    html_begin(f, "Scaling laws of local inference: predicted and measured");
    page_head(f, r, n);
    fputs("<nav>", f);
    for (size_t k = 0; k < sizeof sections / sizeof *sections; k++)
        if (sections[k].write(NULL, r, n)) fprintf(f, "<a href=\"#%s\">%s</a> ", sections[k].anchor, sections[k].name);
    fputs("</nav>\n", f);
    for (size_t k = 0; k < sizeof sections / sizeof *sections; k++) sections[k].write(f, r, n);
    html_end(f);
}

bool page_write_text(const char *json, size_t size, FILE *f, struct error *e)
{
    struct json_value *v = json_parse(json, size, e);
    bool ok = v && page_check(v, "result.json", e);
    const struct json_value *one = v;
    if (ok) page_write(&one, 1, f);
    json_free(v);
    return ok;
}
