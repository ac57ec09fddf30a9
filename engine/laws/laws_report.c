/* laws_report.c - a sweep's result as a table and as JSON.
 * SPDX-License-Identifier: MIT */
#include "engine/laws/laws_parts.h"

#include "base/json.h"
#include "base/si.h"
#include "engine/account/report.h"
#include "engine/divergence.h"

#include <math.h>
#include <string.h>

double laws_error(double predicted, double measured)
{
    return measured > 0 ? predicted / measured - 1 : NAN;
}

/* ---- JSON ---- */

static void put_prompt(struct json *j, const struct laws *l, const struct laws_point *p)
{
    json_key(j, "point");
    if (p->plan->prompt)
        json_integer(j, p->plan->prompt);
    else
        json_null(j);
    json_put_integer(j, "prompt", (int64_t)p->plan->tokens.n);
    json_put_integer(j, "gen", l->sweep->options.gen);
    enum stratum stratum = laws_stratum(p->plan->tokens.n, (size_t)l->sweep->options.gen, l->sweep->options.ubatch);
    json_put_string(j, "stratum", stratum_names[stratum]);
}

/* Questions that were asked at a point, with answers and scores. */
static void put_questions(struct json *j, const char *key, const struct answers *a, int model, int point)
{
    json_key(j, key);
    json_array(j);
    for (int q = 0; q < a->n_questions; q++) {
        int i = point * a->n_questions + q;
        json_object(j);
        json_put_string(j, "question", a->question[q]);
        json_put_string(j, "answer", a->text[model][i]);
        json_put_string(j, "reference", a->reference[q]);
        json_put_number(j, "semantic_accuracy", a->semantic[model][i]);
        json_put_number(j, "exact", a->exact[model][i]);
        json_object_end(j);
    }
    json_array_end(j);
}

/* A prompt's answer, or those to the questions about a picture, and their scores, where they were asked for. */
static void put_answer(struct json *j, const struct laws *l, int model, int point)
{
    const struct answers *a = l->answers;
    if (!a || a->beside) return;
    json_put_number(j, "semantic_accuracy", answers_of_point(a, a->semantic[model], point));
    json_put_number(j, "exact", answers_of_point(a, a->exact[model], point));
    if (!a->question) {
        json_put_string(j, "answer", a->text[model][point]);
        json_put_string(j, "reference", a->reference[point]);
    } else {
        put_questions(j, "answers", a, model, point);
    }
}

static void put_accuracy(struct json *j, const char *key, const char *interval, const struct accuracy *a)
{
    json_put_number(j, key, a->mean);
    json_put_pair(j, interval, a->low, a->high);
}

static void put_point(struct json *j, const struct laws *l, const struct laws_model *m, const struct laws_point *p)
{
    bool modelled = !strcmp(l->energy_kind, "modelled");
    json_object(j);
    if (sweep_sees(&l->sweep->options))
        pictures_json_point(j, l, p);
    else
        put_prompt(j, l, p);
    json_put_number(j, "steps", p->plan->steps);
    json_put_integer(j, "windows", p->windows);
    json_put_integer(j, "passes", p->plan->passes);
    json_put_number(j, "window_s", p->window_s);
    json_put_number(j, "time_s", p->time_s);
    json_put_number(j, "fastest_s", p->fastest_s);
    json_put_number(j, "slowest_s", p->slowest_s);
    json_put_number(j, "predicted_s", p->plan->time_s);
    json_put_pair(j, "interval95_s", p->plan->interval95_s[0], p->plan->interval95_s[1]);
    json_put_number(j, "error", laws_error(p->plan->time_s, p->time_s));
    json_put_number(j, "prefill_s", p->prefill_s);
    json_put_number(j, "predicted_prefill_s", p->plan->prefill_s);
    json_put_number(j, "decode_s", p->decode_s);
    json_put_number(j, "predicted_decode_s", p->plan->decode_s);
    json_put_number(j, "sample_s", p->sample_s);
    json_put_number(j, "cpu_auc", p->cpu_auc);
    json_put_number(j, "predicted_cpu_auc", p->plan->cpu_auc);
    json_put_number(j, "ram_auc", p->ram_auc);
    json_put_number(j, "predicted_ram_auc", p->plan->ram_auc);
    json_put_number(j, "pss_auc", p->pss_auc);
    json_put_number(j, "others_cpu_s", p->others_cpu_s);
    json_put_number(j, "pace_prefill", p->pace_prefill);
    json_put_number(j, "pace_decode", p->pace_decode);
    json_put_number(j, "paced_s", p->paced_s);
    json_put_number(j, "energy_j", modelled ? p->plan->energy_j : p->energy_j);
    json_put_number(j, "energy_net_j", p->energy_net_j);
    json_put_number(j, "predicted_energy_j", p->plan->energy_j);
    json_put_string(j, "sha256", p->plan->sha256);
    put_answer(j, l, (int)(m - l->model), p->index);
    json_object_end(j);
}

static void put_fit(struct json *j, const struct laws_fit *f)
{
    json_key(j, "fit");
    json_object(j);
    for (int c = 0; c < LAW_COUNT; c++) json_put_number(j, law_names[c], f->b[c]);
    json_key(j, "ci95");
    json_object(j);
    for (int c = 0; c < LAW_COUNT; c++) json_put_pair(j, law_names[c], f->low[c], f->high[c]);
    json_object_end(j);
    json_key(j, "predicted");
    json_object(j);
    for (int c = 0; c < LAW_COUNT; c++) json_put_number(j, law_names[c], f->predicted[c]);
    json_object_end(j);
    const bool tests[] = {f->square_agrees, f->square_seen};
    static const char *const words[] = {"a2_agrees", "a2_above_0"};
    for (int i = 0; i < 2; i++) {
        json_key(j, words[i]);
        if (isnan(f->low[LAW_A2]))
            json_null(j);
        else
            json_bool(j, tests[i]);
    }
    json_object_end(j);
}

void laws_json_line(struct json *j, const char *key, const struct laws_line *line)
{
    json_key(j, key);
    json_object(j);
    json_put_number(j, "intercept", line->measured.b[0]);
    json_put_pair(j, "intercept_ci95", line->measured.low[0], line->measured.high[0]);
    json_put_number(j, "slope", line->measured.b[1]);
    json_put_pair(j, "slope_ci95", line->measured.low[1], line->measured.high[1]);
    json_put_number(j, "predicted_intercept", line->predicted.b[0]);
    json_put_number(j, "predicted_slope", line->predicted.b[1]);
    json_object_end(j);
}

static void put_validation(struct json *j, const char *key, const struct validation *v)
{
    json_key(j, key);
    json_object(j);
    validation_json(j, v);
    json_object_end(j);
}

static void put_laws(struct json *j, const struct laws_model *m)
{
    put_fit(j, &m->fit);
    json_key(j, "strata");
    json_object(j);
    for (int k = 0; k < STRATUM_COUNT; k++)
        if (m->by_length[k].n) put_validation(j, stratum_names[k], &m->by_length[k]);
    json_object_end(j);
    laws_json_line(j, "cpu_line", &m->cpu_line);
    laws_json_line(j, "ram_line", &m->ram_line);
}

void laws_json_sums(struct json *j, const struct laws *l, const struct laws_model *m)
{
    if (l->answers) {
        put_accuracy(j, "semantic_accuracy", "semantic_accuracy_ci95", &l->answers->semantic_mean[m - l->model]);
        put_accuracy(j, "exact_accuracy", "exact_accuracy_ci95", &l->answers->exact_share[m - l->model]);
        json_put_integer(j, "answers", (int64_t)l->answers->exact_share[m - l->model].n);
        if (l->answers->beside) put_questions(j, "questions", l->answers, (int)(m - l->model), 0);
    }
    if (sweep_sees(&l->sweep->options))
        pictures_json_model(j, m, l->sweep);
    else
        put_laws(j, m);
    json_put_number(j, "mape", m->time.mape);
    json_put_number(j, "bias", m->time.bias);
    json_put_number(j, "worst", m->time.worst);
    put_validation(j, "time", &m->time);
    put_validation(j, "paced", &m->paced);
    put_validation(j, "fit_held_out", &m->held_out);
    put_validation(j, "cpu_auc", &m->cpu);
    put_validation(j, "ram_auc", &m->ram);
    put_validation(j, "energy", &m->energy);
    json_put_number(j, "edge_error", m->edge);
}

/* Into the object that is open. */
static void put_model(struct json *j, const struct laws *l, const struct laws_model *m)
{
    const char *slash = strrchr(m->plan->path, '/');
    json_put_string(j, "model", m->plan->name);
    json_put_string(j, "file", slash ? slash + 1 : m->plan->path);
    json_put_string(j, "identity", m->plan->identity);
    json_put_number(j, "file_bytes", m->plan->file_bytes);
    json_key(j, "points");
    json_array(j);
    for (int i = 0; i < m->n_points; i++) put_point(j, l, m, &m->point[i]);
    json_array_end(j);
    laws_json_sums(j, l, m);
    json_put_number(j, "bandwidth", m->plan->law.bandwidth);
    if (!sweep_sees(&l->sweep->options)) law_json(&m->plan->law, j);
    if (l->quality[m - l->model]) {
        json_key(j, "quality");
        json_object(j);
        json_put_divergence(j, l->quality[m - l->model]);
        json_object_end(j);
    }
    laws_json_costs(j, l, m->plan);
}

void laws_json_ratios(struct json *j, const struct laws *l, int model)
{
    for (int k = 0; k < LAWS_FIGURES; k++) {
        struct laws_ratio r = laws_compare(l, model, k);
        json_key(j, laws_figure_names[k]);
        json_object(j);
        json_put_number(j, "ratio", r.ratio);
        json_put_pair(j, "ci95", r.low, r.high);
        json_put_number(j, "predicted", r.predicted);
        json_object_end(j);
    }
}

static void put_ratios(struct json *j, const struct laws *l, int model)
{
    json_key(j, "ratios");
    json_object(j);
    laws_json_ratios(j, l, model);
    json_object_end(j);
}

void laws_json_pair(struct json *j, const struct laws *l)
{
    put_ratios(j, l, 1);
    if (!l->answers) return;
    json_key(j, "accuracy_difference");
    json_object(j);
    put_accuracy(j, "semantic", "semantic_ci95", &l->answers->semantic_difference);
    put_accuracy(j, "exact", "exact_ci95", &l->answers->exact_difference);
    json_object_end(j);
}

static void put_second(struct json *j, const struct laws *l)
{
    json_key(j, "second");
    json_object(j);
    put_model(j, l, &l->model[1]);
    json_object_end(j);
    laws_json_pair(j, l);
}

/* More than a pair: each of the others with its ratios to the first. */
static void put_variants(struct json *j, const struct laws *l)
{
    json_key(j, "variants");
    json_array(j);
    for (int i = 1; i < l->sweep->options.n_models; i++) {
        json_object(j);
        put_model(j, l, &l->model[i]);
        put_ratios(j, l, i);
        json_object_end(j);
    }
    json_array_end(j);
}

void laws_put(const struct laws *l, struct json *j)
{
    const struct sweep_options *o = &l->sweep->options;
    json_object(j);
    json_put_string(j, "kind", sweep_sees(o) ? "laws image" : "laws text");
    json_put_string(j, "sha256", l->sweep->sha256);
    json_put_string(j, "device", o->device->name);
    json_put_integer(j, "threads", o->threads);
    json_put_number(j, "hz", o->hz);
    json_put_integer(j, "gen", o->gen);
    json_put_integer(j, "ubatch", (int64_t)o->ubatch);
    json_put_integer(j, "repeats", o->repeats);
    json_put_number(j, "window_s", o->window_s);
    laws_json_origin(j, l);
    json_put_integer(j, "missing", (int64_t)l->missing);
    json_put_integer(j, "without_idle_after", (int64_t)l->half_idle);
    json_put_string(j, "energy_kind", l->energy_kind);
    json_put_string(j, "energy_source", o->energy);
    put_model(j, l, &l->model[0]);
    if (o->n_models == SWEEP_PAIR) put_second(j, l);
    if (o->n_models > SWEEP_PAIR) put_variants(j, l);
    if (l->answers) json_put_string(j, "judge", *l->answers->judge ? l->answers->judge : NULL);
    json_object_end(j);
}

void laws_json(const struct laws *l, FILE *f)
{
    struct json j;
    json_begin(&j, f);
    laws_put(l, &j);
    json_end(&j);
}

/* ---- The table ---- */

static void print_points(const struct laws *l, const struct laws_model *m, FILE *f)
{
    fprintf(f, "%63s %20s\n", "CPU AUC", "RAM AUC");
    fprintf(f, "%6s %7s %6s %10s %10s %8s %10s %9s %10s %9s %10s\n", "prompt", "tokens", "passes", "measured", "predicted",
            "error", "core-s", "error", "GB s", "error", "energy");
    for (int i = 0; i < m->n_points; i++) {
        const struct laws_point *p = &m->point[i];
        bool modelled = !strcmp(l->energy_kind, "modelled");
        char name[16] = "-", cpu[24] = "-", ram[24] = "-";
        if (!isnan(p->cpu_auc)) snprintf(cpu, sizeof cpu, "%.4g", p->cpu_auc);
        if (!isnan(p->ram_auc)) snprintf(ram, sizeof ram, "%.4g", p->ram_auc * 1e-9);
        if (p->plan->prompt) snprintf(name, sizeof name, "P%d", p->plan->prompt);
        fprintf(f, "%6s %7zu %6d %10s %10s %8s %10s %9s %10s %9s %10s\n", name, p->plan->tokens.n, p->plan->passes,
                si(p->time_s, "s").s, si(p->plan->time_s, "s").s, signed_percent(laws_error(p->plan->time_s, p->time_s)).s, cpu,
                signed_percent(laws_error(p->plan->cpu_auc, p->cpu_auc)).s, ram,
                signed_percent(laws_error(p->plan->ram_auc, p->ram_auc)).s,
                si(modelled ? p->plan->energy_j : p->energy_j, "J").s);
    }
}

static void print_validation(const char *what, const struct validation *v, FILE *f)
{
    if (!v->n) return;
    fprintf(f, "%-10s MAPE %s, bias %s, worst %s of %zu", what, percent(v->mape).s, signed_percent(v->bias).s,
            signed_percent(v->worst).s, v->n);
    if (v->with_interval)
        fprintf(f, "; %zu of %zu in their 95 %% intervals (%s to %s)", v->covered, v->with_interval,
                percent(v->coverage95[0]).s, percent(v->coverage95[1]).s);
    fputc('\n', f);
}

/* Times by how far the lengths are from those calibrated, a row a stratum. */
static void print_strata(const struct laws_model *m, FILE *f)
{
    fprintf(f, "%-13s %4s %8s %8s %8s %22s  %s\n", "length", "n", "MAPE", "bias", "worst", "in 95 % (Wilson)",
            "MAPE of the baselines: constant, line, bandwidth");
    for (int k = 0; k < STRATUM_COUNT; k++) {
        const struct validation *v = &m->by_length[k];
        char covered[64] = "-";
        if (!v->n) continue;
        if (v->with_interval)
            snprintf(covered, sizeof covered, "%.0f %% (%.0f to %.0f %%)", 100 * v->coverage, 100 * v->coverage95[0],
                     100 * v->coverage95[1]);
        fprintf(f, "%-13s %4zu %8s %8s %8s %22s  %s, %s, %s\n", stratum_names[k], v->n, percent(v->mape).s,
                signed_percent(v->bias).s, signed_percent(v->worst).s, covered, percent(v->baseline_mape[BASELINE_CONSTANT]).s,
                percent(v->baseline_mape[BASELINE_LINEAR]).s, percent(v->baseline_mape[BASELINE_FILE_BYTES]).s);
    }
}

struct text interval_text(double low, double high)
{
    struct text t = {""};
    if (!isnan(low)) snprintf(t.s, sizeof t.s, " (%.4g to %.4g)", low, high);
    return t;
}

static void print_fit(const struct laws_model *m, FILE *f)
{
    const struct laws_fit *q = &m->fit;
    if (!q->known) {
        fprintf(f, "fit        - (fewer than three lengths)\n");
        return;
    }
    fprintf(f, "fit        T(n, m) = a0 + a1 n + a2 n^2 + b0 m + b1 (mn + m(m+1)/2)\n");
    for (int c = 0; c < LAW_COUNT; c++)
        if (!isnan(q->b[c]))
            fprintf(f, "  %-3s %11.4g%-26s predicted %-11.4g %s\n", law_names[c], q->b[c],
                    interval_text(q->low[c], q->high[c]).s, q->predicted[c], law_units[c]);
    if (isnan(q->low[LAW_A2]))
        fprintf(f, "  n^2 - (three lengths leave no interval to test by)\n");
    else
        fprintf(f, "  n^2 %s; predicted a2 %s the interval\n",
                q->square_seen ? "is there: time is not linear in tokens" : "not told from 0",
                q->square_agrees ? "lies in" : "lies outside");
}

/* `scale`: of the unit in those that were measured. */
static void print_line(const char *what, const struct laws_line *line, double scale, const char *unit, FILE *f)
{
    const struct regression *r = &line->measured, *p = &line->predicted;
    if (isnan(r->b[1])) return;
    fprintf(f, "%-10s %.4g%s %s + %.4g%s %s/token; predicted %.4g + %.4g\n", what, scale * r->b[0],
            interval_text(scale * r->low[0], scale * r->high[0]).s, unit, scale * r->b[1],
            interval_text(scale * r->low[1], scale * r->high[1]).s, unit, scale * p->b[0], scale * p->b[1]);
}

/* Cores that other programs took while this model ran, by the sums over its points. */
static double others_cores(const struct laws_model *m)
{
    double cpu = 0, time = 0;
    for (int i = 0; i < m->n_points; i++) {
        cpu += m->point[i].others_cpu_s;
        time += m->point[i].window_s / m->point[i].plan->passes;
    }
    return cpu / time;
}

/* How far the machine was from its speed at calibration, and what is off beside that. */
static void print_pace(const struct laws_model *m, FILE *f)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < m->n_points; i++) {
        low = fmin(low, fmin(m->point[i].pace_prefill, m->point[i].pace_decode));
        high = fmax(high, fmax(m->point[i].pace_prefill, m->point[i].pace_decode));
    }
    if (!m->paced.n) return;
    fprintf(f, "pace       the same work took %.2f to %.2f of its time at calibration\n", low, high);
    print_validation("at its pace", &m->paced, f);
}

static void print_accuracy(const char *what, const struct laws *l, const struct accuracy *a, bool difference, FILE *f)
{
    const char *unit = l->answers->question ? "question" : "answer";
    if (!a->n || isnan(a->mean)) return;
    struct text (*share)(double) = difference ? signed_percent : percent;
    fprintf(f, "%-10s %s", what, share(a->mean).s);
    if (!isnan(a->low)) fprintf(f, " (%s to %s)", share(a->low).s, share(a->high).s);
    fprintf(f, " of %zu %s%s", a->n, unit, a->n == 1 ? "" : "s");
    if (sweep_sees(&l->sweep->options)) fprintf(f, ", each about %d pictures", l->answers->n_points);
    fputc('\n', f);
}

static void print_model(const struct laws *l, const struct laws_model *m, FILE *f)
{
    bool sees = sweep_sees(&l->sweep->options);
    fprintf(f, "\n%s\n", m->plan->name);
    if (sees)
        pictures_print_points(l, m, f);
    else
        print_points(l, m, f);
    print_validation("time", &m->time, f);
    fprintf(
        f,
        "baselines  MAPE %s of seconds a token, %s of a line in tokens (both were shown the other half), %s of file bytes / "
        "bandwidth\n",
        percent(m->time.baseline_mape[BASELINE_CONSTANT]).s, percent(m->time.baseline_mape[BASELINE_LINEAR]).s,
        percent(m->time.baseline_mape[BASELINE_FILE_BYTES]).s);
    print_pace(m, f);
    if (sees)
        pictures_print_model(l, m, f);
    else
        print_strata(m, f), print_fit(m, f);
    print_validation("held out", &m->held_out, f);
    print_validation("CPU AUC", &m->cpu, f);
    print_validation("RAM AUC", &m->ram, f);
    print_validation("energy", &m->energy, f);
    if (!sees) {
        print_line("CPU AUC =", &m->cpu_line, 1, "core-s", f);
        print_line("RAM AUC =", &m->ram_line, 1e-9, "GB s", f);
    }
    if (l->answers) {
        print_accuracy("semantic", l, &l->answers->semantic_mean[m - l->model], false, f);
        print_accuracy("exact", l, &l->answers->exact_share[m - l->model], false, f);
    }
    double others = others_cores(m);
    if (others > 0.05)
        fprintf(f, "machine    others took %.2f cores meanwhile: times are longer for it, no statistics mend that\n", others);
    if (m->edge > 0.01) fprintf(f, "windows    one sample is up to %s of a window\n", percent(m->edge).s);
}

void laws_print(const struct laws *l, FILE *f)
{
    const struct sweep_options *o = &l->sweep->options;
    fprintf(f, "sweep      %d %s", o->n_points, sweep_sees(o) ? "pictures" : "prompts");
    if (o->model[0]) fprintf(f, ", %lld token%s generated after each", (long long)o->gen, o->gen == 1 ? "" : "s");
    fprintf(f, "; %d window%s of at least %s, sampled at %g Hz\n", o->repeats, o->repeats == 1 ? "" : "s",
            si(o->window_s, "s").s, o->hz);
    fprintf(f, "device     %s, %d thread%s\nenergy     %s%s%s\nsha256     %s\n", o->device->name, o->threads,
            o->threads == 1 ? "" : "s", l->energy_kind, strcmp(l->energy_kind, "measured") ? "" : " by ",
            strcmp(l->energy_kind, "measured") ? "" : o->energy, l->sweep->sha256);
    if (l->missing) fprintf(f, "missing    %zu window%s of the whole sweep\n", l->missing, l->missing == 1 ? "" : "s");
    if (l->half_idle)
        fprintf(f, "idle       %zu window%s of a session that was cut short: above idle before alone, drift unseen\n",
                l->half_idle, l->half_idle == 1 ? "" : "s");
    for (int i = 0; i < o->n_models; i++) print_model(l, &l->model[i], f);
    if (o->n_models != 2) return; /* of more, laws_compress prints a table */
    fprintf(f, "\nsecond over first, geometric means over all points, with 95 %% intervals\n");
    for (int k = 0; k < LAWS_FIGURES; k++) {
        const struct laws_ratio *r = &l->ratio[k];
        if (isnan(r->ratio) && isnan(r->predicted)) continue;
        if (k == LAWS_THROUGHPUT)
            fprintf(f, "%-10s %.2fx (%.2f to %.2f), predicted %.2fx\n", laws_figure_names[k], r->ratio, r->low, r->high,
                    r->predicted);
        else
            fprintf(f, "%-10s %s (%s to %s), predicted %s\n", laws_figure_names[k], signed_percent(r->ratio - 1).s,
                    signed_percent(r->low - 1).s, signed_percent(r->high - 1).s, signed_percent(r->predicted - 1).s);
    }
    if (!l->answers) return;
    print_accuracy("semantic", l, &l->answers->semantic_difference, true, f);
    print_accuracy("exact", l, &l->answers->exact_difference, true, f);
}
