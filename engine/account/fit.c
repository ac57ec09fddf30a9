/* fit.c - see fit.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/median.h"
#include "base/random.h"
#include "base/regress.h"
#include "engine/account/conformal.h"

/* ---- Terms ---- */

/* Idle power stands first among the terms and active power second; then bytes, if any were read, and classes of work. */
enum { IDLE, ACTIVE };

/* What terms that are no class of work have in place of one. */
enum { OF_IDLE = -3, OF_ACTIVE, OF_BYTES };

/* What a fit knows of each run, and what it adds up for each session. */
struct work_space {
    const struct energy_log *log;
    int classes[FIT_MAX_TERMS]; /* of each term */
    int n_terms;
    int groups[FIT_MAX_TERMS], leader[NNLS_MAX], n_groups; /* a term's column of the design; a column's first term */
    struct normal_equations *sessions;                     /* of each session */
    double *idle_w;                                        /* of each session, mean over its runs */
    size_t *session_runs;                                  /* of each session, how many */
    struct validation_point *points;                       /* one a run */
    double *residuals;                                     /* one a run */
    struct baseline_run *baselines;                        /* one a run */
    double *draws;                                         /* [terms][resamples] */
    struct normal_equations all;
    double coefficients[FIT_MAX_TERMS]; /* of all runs */
};

static bool is_flops(const struct work_space *w, int term)
{
    return w->classes[term] >= 0 && w->classes[term] != ENERGY_VECTOR;
}

/* The amount of a term in a run, that its coefficient is multiplied with. */
static double amount(const struct work_space *w, const struct energy_run *run, int term)
{
    int c = w->classes[term];
    return c >= 0 ? run->work.work[c] : c == OF_BYTES ? run->work.bytes : run->work.time_s;
}

static bool find_terms(struct energy_fit *fit, struct work_space *w, struct error *e)
{
    const struct energy_log *log = w->log;
    w->n_terms = 0;
    for (int c = OF_IDLE; c < ENERGY_CLASSES; c++) {
        char word[DEVICE_KEY] = "";
        double sum = 0;
        if (c >= 0 && !energy_class_name((size_t)c, word)) continue;
        if (w->n_terms == FIT_MAX_TERMS) return fail(e, "found more than %d terms, expected fewer", FIT_MAX_TERMS);
        struct energy_term *term = &fit->terms[w->n_terms];
        *term = (struct energy_term){.group = w->n_terms, .low95 = NAN, .high95 = NAN, .vif = NAN};
        if (c < 0) strcpy(word, c == OF_IDLE ? "idle" : c == OF_ACTIVE ? "active" : "byte");
        snprintf(term->key, sizeof term->key, "energy.%.40s", word);
        w->classes[w->n_terms] = c;
        for (size_t i = 0; i < log->n; i++) sum += amount(w, &log->runs[i], w->n_terms);
        if (sum > 0) w->n_terms++; /* work that no run did has no term */
    }
    fit->n_terms = w->n_terms;
    return true;
}

/* ---- The design ---- */

/* Whether a term has a coefficient of its own or has part in its leader's; else the leader has taken it all. */
static bool has_coefficient(const struct work_space *w, int term)
{
    int leader = w->leader[w->groups[term]];
    return term == leader || (is_flops(w, term) && is_flops(w, leader));
}

/* A run's row of the design and its observation, both relative to its gross joules. */
static double design_row(const struct work_space *w, const struct energy_run *run, double *row)
{
    for (int g = 0; g < w->n_groups; g++) row[g] = 0;
    for (int t = ACTIVE; t < w->n_terms; t++) {
        if (has_coefficient(w, t)) row[w->groups[t]] += amount(w, run, t) / run->energy_j;
    }
    return 1 - run->idle_w * run->work.time_s / run->energy_j;
}

static void build(struct work_space *w)
{
    const struct energy_log *log = w->log;
    w->all = (struct normal_equations){.p = w->n_groups};
    for (size_t s = 0; s < log->n_sessions; s++) w->sessions[s] = (struct normal_equations){.p = w->n_groups};
    for (size_t i = 0; i < log->n; i++) {
        double row[NNLS_MAX], y = design_row(w, &log->runs[i], row);
        normal_add(&w->sessions[log->runs[i].session], row, y, 1);
        normal_add(&w->all, row, y, 1);
    }
}

/* Two columns into one: the first term of both leads. */
static void merge(struct work_space *w, int a, int b)
{
    int low = w->leader[a] < w->leader[b] ? a : b, high = low == a ? b : a;
    for (int t = ACTIVE; t < w->n_terms; t++) {
        if (w->groups[t] == high) w->groups[t] = low;
        if (w->groups[t] > high) w->groups[t]--;
    }
    for (int g = high; g + 1 < w->n_groups; g++) w->leader[g] = w->leader[g + 1];
    w->n_groups--;
}

/* The names of the terms that weigh in the weakest direction. */
static void name_dependent(const struct energy_fit *fit, const struct work_space *w, const struct collinearity *c, char *text,
                           size_t size)
{
    size_t n = 0;
    *text = 0;
    for (int g = 0; g < w->n_groups; g++)
        if (fabs(c->weakest[g]) > 0.2 && n < size)
            n += (size_t)snprintf(text + n, size - n, "%s%s", n ? ", " : "", fit->terms[w->leader[g]].key);
}

static bool make_design(struct energy_fit *fit, struct work_space *w, const struct fit_options *o, struct error *e)
{
    struct collinearity c;
    w->n_groups = w->n_terms - 1;
    for (int t = ACTIVE; t < w->n_terms; t++) w->groups[t] = t - ACTIVE, w->leader[t - ACTIVE] = t;
    for (bool first = true;; first = false) {
        build(w);
        collinearity(&c, &w->all);
        fit->condition = c.condition;
        if (first) fit->condition_before = c.condition;
        if (c.condition <= o->max_condition || w->n_groups == 1) break;
        if (o->strict) {
            char names[512];
            name_dependent(fit, w, &c, names, sizeof names);
            return fail(e,
                        "design of %zu runs: found a condition number of %.3g, expected at most %g: %s rise and fall together; "
                        "vary threads, prompt lengths and models",
                        w->log->n, c.condition, o->max_condition, names);
        }
        int a = 0, b;
        for (int g = 1; g < w->n_groups; g++)
            if (fabs(c.weakest[g]) > fabs(c.weakest[a])) a = g;
        b = a == 0;
        for (int g = 0; g < w->n_groups; g++)
            if (g != a && fabs(c.weakest[g]) > fabs(c.weakest[b])) b = g;
        merge(w, a, b);
    }
    fit->n_fitted = w->n_groups;
    for (int t = ACTIVE; t < w->n_terms; t++) {
        fit->terms[t].group = w->leader[w->groups[t]];
        fit->terms[t].vif = c.vif[w->groups[t]];
    }
    if (w->log->n < (size_t)w->n_groups + 1)
        return fail(e, "found %zu metered run%s, expected at least %d for %d coefficient%s", w->log->n,
                    w->log->n == 1 ? "" : "s", w->n_groups + 1, w->n_groups, w->n_groups == 1 ? "" : "s");
    return true;
}

/* All terms' values from normal equations and an idle power. */
static bool solve(const struct work_space *w, const struct normal_equations *equations, double idle_w, double *values)
{
    double x[NNLS_MAX];
    if (!nnls(equations, x)) return false;
    values[IDLE] = idle_w;
    for (int t = ACTIVE; t < w->n_terms; t++) values[t] = has_coefficient(w, t) ? x[w->groups[t]] : 0;
    return true;
}

static double gross(const struct work_space *w, const struct energy_run *run, const double *values)
{
    double sum = 0;
    for (int t = IDLE; t < w->n_terms; t++) sum += values[t] * amount(w, run, t);
    return sum;
}

/* ---- Uncertainty ---- */

/* The share of draws to cut off at each end. Percentiles of n sessions are too near each other by sqrt((n - 1) / n) and by a
 * normal's quantile in place of Student's. */
static double cut(size_t n)
{
    double widening = sqrt((double)n / (double)(n - 1));
    return erfc(student_975(n - 1) * widening / sqrt(2)) / 2;
}

static bool bootstrap(struct energy_fit *fit, struct work_space *w, struct error *e)
{
    size_t n = w->log->n_sessions;
    uint64_t state = fit->seed;
    for (int r = 0; r < fit->resamples; r++) {
        struct normal_equations sum = {.p = w->n_groups};
        double idle = 0, values[FIT_MAX_TERMS];
        for (size_t k = 0; k < n; k++) {
            size_t s = random_below(&state, n);
            normal_add_all(&sum, &w->sessions[s], 1);
            idle += w->idle_w[s];
        }
        if (!solve(w, &sum, idle / (double)n, values)) return fail(e, "bootstrap: found no solution in resample %d", r);
        for (int t = 0; t < w->n_terms; t++) w->draws[t * fit->resamples + r] = values[t];
    }
    for (int t = 0; t < w->n_terms; t++) {
        if (t != IDLE && !has_coefficient(w, t)) continue;
        double *of = w->draws + (size_t)t * (size_t)fit->resamples;
        sort_numbers(of, (size_t)fit->resamples);
        /* Percentiles may pass by the estimate: in the last digits where all sessions agree, or where it takes all of them
         * together to tell terms apart, and a resample has some two thirds of them. An interval is used as distances from the
         * value that it stands beside, and it is no narrower for reaching as far as that. */
        fit->terms[t].low95 = fmin(quantile(of, (size_t)fit->resamples, cut(n)), w->coefficients[t]);
        fit->terms[t].high95 = fmax(quantile(of, (size_t)fit->resamples, 1 - cut(n)), w->coefficients[t]);
    }
    return true;
}

/* ---- Validation ---- */

static double mean_idle(const struct work_space *w, size_t without)
{
    double sum = 0;
    size_t n = 0;
    for (size_t s = 0; s < w->log->n_sessions; s++)
        if (s != without) sum += w->idle_w[s], n++;
    return sum / (double)n;
}

/* Predicts the runs of each session from the others. */
static bool hold_out(struct energy_fit *fit, struct work_space *w, struct error *e)
{
    const struct energy_log *log = w->log;
    for (size_t s = 0; s < log->n_sessions; s++) {
        struct normal_equations rest = w->all;
        struct baselines baselines;
        double values[FIT_MAX_TERMS];
        size_t n = 0;
        normal_add_all(&rest, &w->sessions[s], -1);
        if (!solve(w, &rest, mean_idle(w, s), values))
            return fail(e, "found no solution without session '%s'", log->sessions[s]);
        for (size_t i = 0; i < log->n; i++)
            if (log->runs[i].session != s)
                w->baselines[n++] = (struct baseline_run){log->runs[i].tokens, log->runs[i].file_bytes, log->runs[i].energy_j};
        baselines_fit(&baselines, w->baselines, n);
        for (size_t i = 0; i < log->n; i++) {
            const struct energy_run *run = &log->runs[i];
            if (run->session != s) continue;
            struct validation_point *p = &w->points[i];
            p->predicted = gross(w, run, values);
            baselines_predict(&baselines, &(struct baseline_run){run->tokens, run->file_bytes, NAN}, p->baseline);
            w->residuals[i] = (run->energy_j - p->predicted) / p->predicted;
        }
    }
    validate(&fit->held_out, w->points, log->n, STRATUM_ALL);
    /* Runs of one session err together: of few sessions many runs are few residuals. */
    if (log->n_sessions >= FIT_LEAST_SESSIONS) fit->half_width95 = conformal_half_width(w->residuals, log->n, 0.95);
    return true;
}

static void fit_sample(struct energy_fit *fit, struct work_space *w)
{
    const struct energy_log *log = w->log;
    struct baselines baselines;
    for (size_t i = 0; i < log->n; i++)
        w->baselines[i] = (struct baseline_run){log->runs[i].tokens, log->runs[i].file_bytes, log->runs[i].energy_j};
    baselines_fit(&baselines, w->baselines, log->n);
    for (size_t i = 0; i < log->n; i++) {
        w->points[i] = (struct validation_point){
            .predicted = gross(w, &log->runs[i], w->coefficients), .measured = log->runs[i].energy_j, .interval = {NAN, NAN}};
        baselines_predict(&baselines, &w->baselines[i], w->points[i].baseline);
    }
    validate(&fit->in_sample, w->points, log->n, STRATUM_ALL);
}

bool fit_band(const char *key, double band[2])
{
    static const struct {
        const char *prefix;
        double low, high;
    } bands[] = {
        {"energy.byte", 16e-12, 3.25e-9},
        {"energy.linear.", 0.01e-12, 230e-12},
        {"energy.attend", 0.01e-12, 230e-12},
        {"energy.vector", 0.125e-12, 3.25e-9},
    };
    for (size_t i = 0; i < sizeof bands / sizeof *bands; i++)
        if (!strncmp(key, bands[i].prefix, strlen(bands[i].prefix))) {
            band[0] = bands[i].low, band[1] = bands[i].high;
            return true;
        }
    return false;
}

static enum plausibility judge(const struct energy_term *term)
{
    double band[2];
    if (term->value == 0 || !fit_band(term->key, band)) return PLAUSIBLE;
    return term->value < band[0] ? TOO_LOW : term->value > band[1] ? TOO_HIGH : PLAUSIBLE;
}

/* ---- The whole ---- */

static void average_idle(struct work_space *w)
{
    const struct energy_log *log = w->log;
    for (size_t i = 0; i < log->n; i++) {
        size_t s = log->runs[i].session, n = ++w->session_runs[s];
        w->idle_w[s] += (log->runs[i].idle_w - w->idle_w[s]) / (double)n;
    }
}

static bool fit_all(struct energy_fit *fit, struct work_space *w, const struct fit_options *o, struct error *e)
{
    average_idle(w);
    if (!find_terms(fit, w, e) || !make_design(fit, w, o, e)) return false;
    if (!solve(w, &w->all, mean_idle(w, SIZE_MAX), w->coefficients)) return fail(e, "found no solution of the fit");
    fit_sample(fit, w);
    if (w->log->n_sessions > 1 && !hold_out(fit, w, e)) return false;
    if (w->log->n_sessions >= FIT_LEAST_SESSIONS && !bootstrap(fit, w, e)) return false;
    for (int t = 0; t < w->n_terms; t++) {
        fit->terms[t].value = w->coefficients[t];
        fit->terms[t].plausibility = judge(&fit->terms[t]);
    }
    return true;
}

bool energy_fit(struct energy_fit *fit, const struct energy_log *log, const struct fit_options *options, struct error *e)
{
    struct fit_options o = *options;
    if (!(o.max_condition > 0)) o.max_condition = 30;
    if (o.resamples < 2) o.resamples = 2000;
    *fit = (struct energy_fit){.n_runs = log->n,
                               .n_sessions = log->n_sessions,
                               .without_energy = log->without_energy,
                               .half_width95 = NAN,
                               .gain_error = o.gain_error,
                               .resamples = o.resamples,
                               .seed = o.seed};
    memcpy(fit->device, log->device, sizeof fit->device);
    validate(&fit->held_out, NULL, 0, STRATUM_ALL);
    if (!log->n)
        return fail(e, "found no metered run (%zu without joules), expected some of energy_kind measured", log->without_energy);
    struct work_space *w = calloc(1, sizeof *w);
    bool ok = w != NULL;
    if (ok) {
        w->log = log;
        w->sessions = calloc(log->n_sessions, sizeof *w->sessions);
        w->idle_w = calloc(log->n_sessions, sizeof *w->idle_w);
        w->session_runs = calloc(log->n_sessions, sizeof *w->session_runs);
        w->points = calloc(log->n, sizeof *w->points);
        w->residuals = calloc(log->n, sizeof *w->residuals);
        w->baselines = calloc(log->n, sizeof *w->baselines);
        w->draws = calloc(FIT_MAX_TERMS * (size_t)o.resamples, sizeof *w->draws);
        ok = w->sessions && w->idle_w && w->session_runs && w->points && w->residuals && w->baselines && w->draws;
    }
    if (!ok) fail(e, "fit of %zu runs: found no memory", log->n);
    ok = ok && fit_all(fit, w, &o, e);
    if (w)
        free(w->sessions), free(w->idle_w), free(w->session_runs), free(w->points), free(w->residuals), free(w->baselines),
            free(w->draws);
    free(w);
    return ok;
}

bool energy_fit_store(const struct energy_fit *fit, struct device *d, const char *source, struct error *e)
{
    if (strcmp(fit->device, d->name))
        return fail(e, "device: found runs of '%.80s', expected '%.80s', the profile's", fit->device, d->name);
    device_clear(d, "energy.");
    for (int t = 0; t < fit->n_terms; t++) {
        const struct energy_term *term = &fit->terms[t];
        char key[DEVICE_KEY], from[DEVICE_SOURCE];
        snprintf(from, sizeof from, "%.60s", source);
        if (term->group != t) snprintf(from, sizeof from, "%.60s; merged into %.40s", source, fit->terms[term->group].key);
        if (!device_set(d, term->key, term->value, FITTED, from, e)) return false;
        if (isnan(term->low95)) continue;
        snprintf(key, sizeof key, "%.40s.low95", term->key);
        if (!device_set(d, key, term->low95, FITTED, from, e)) return false;
        snprintf(key, sizeof key, "%.39s.high95", term->key);
        if (!device_set(d, key, term->high95, FITTED, from, e)) return false;
    }
    return (isnan(fit->half_width95) || device_set(d, "energy.interval95", fit->half_width95, FITTED, source, e)) &&
           (isnan(fit->gain_error) || device_set(d, "energy.gain_error", fit->gain_error, ASSUMED, NULL, e));
}
