/* fit.c - energy terms from metered runs: the solver against a search, coverage of intervals by simulation, collinear designs,
 * conformal and Wilson intervals, validation, and logs that are wrong.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <unistd.h>

#include "base/random.h"
#include "base/wilson.h"
#include "engine/account/conformal.h"
#include "engine/account/fit.h"
#include "tests/round_device.h"

static struct error e;
static uint64_t state = 20260101;

static double uniform(void)
{
    return random_fraction(&state);
}

static double normal(void) /* Box and Muller */
{
    return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}

/* Whether a share that should be `want` was met in `hits` of n trials: within 3.3 standard deviations, so that a right program
 * would fail for one seed in a thousand. */
static bool is_covered(size_t hits, size_t n, double want)
{
    double interval[2];
    wilson_interval(hits, n, 3.3, interval);
    return interval[0] <= want && want <= interval[1];
}

/* ---- Wilson, conformal ---- */

static void test_wilson(void)
{
    /* 8 of 10 and 0 of 10, 95 %: Newcombe, Statistics in Medicine 17 (1998), method 3 */
    double a[2], b[2], none[2];
    wilson_interval(8, 10, NORMAL_97_5, a);
    wilson_interval(0, 10, NORMAL_97_5, b);
    wilson_interval(0, 0, NORMAL_97_5, none);
    TEST("Wilson's interval of 8 in 10", fabs(a[0] - 0.4902) < 5e-5 && fabs(a[1] - 0.9433) < 5e-5, "found %g to %g", a[0],
         a[1]);
    TEST("Wilson's interval of 0 in 10", b[0] == 0 && fabs(b[1] - 0.2775) < 5e-5, "found %g to %g", b[0], b[1]);
    TEST("no trials say nothing", isnan(none[0]) && isnan(none[1]), "found %g to %g", none[0], none[1]);
}

static void test_conformal(void)
{
    double r[99];
    for (int i = 0; i < 99; i++) r[i] = (i % 2 ? -1 : 1) * 0.01 * (double)((i * 37) % 99 + 1); /* 0.01 to 0.99, shuffled */
    TEST("95 % takes 19 residuals",
         conformal_least(0.95) == 19 && isnan(conformal_half_width(r, 18, 0.95)) && !isnan(conformal_half_width(r, 19, 0.95)),
         "found %zu", conformal_least(0.95));
    double most = 0;
    for (int i = 0; i < 19; i++) most = fmax(most, fabs(r[i]));
    TEST("of 19 it is the largest", conformal_half_width(r, 19, 0.95) == most, "found %g", conformal_half_width(r, 19, 0.95));
    TEST("of 99 the 95th", fabs(conformal_half_width(r, 99, 0.95) - 0.95) < 1e-12, "found %g",
         conformal_half_width(r, 99, 0.95));
    TEST("of 99 the 50th", conformal_half_width(r, 99, 0.5) == 0.5, "found %g", conformal_half_width(r, 99, 0.5));
    for (int i = 0; i < 40; i++) r[i] = i < 30 ? -0.5 : 0.25;
    TEST("equal residuals count each", conformal_half_width(r, 40, 0.25) == 0.5 && conformal_half_width(r, 40, 0.24) == 0.25,
         "found %g and %g", conformal_half_width(r, 40, 0.25), conformal_half_width(r, 40, 0.24));
    r[3] = NAN;
    TEST("a residual that is not known leaves the width unknown", isnan(conformal_half_width(r, 40, 0.9)), "found a number");
    r[3] = 0;
    TEST("a level of 0 or 1 has no width", isnan(conformal_half_width(r, 40, 0)) && isnan(conformal_half_width(r, 40, 1)),
         "found a number");

    /* Whatever the distribution: a new residual falls inside with probability k / (n + 1), here 38 / 40. */
    size_t hits = 0, n = 20000;
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < 39; k++) r[k] = normal() / (0.05 + uniform());
        hits += fabs(normal() / (0.05 + uniform())) <= conformal_half_width(r, 39, 0.95);
    }
    TEST("conformal intervals cover as they say", is_covered(hits, n, 38.0 / 40), "found %zu of %zu, expected 95 %%", hits, n);
}

/* ---- Non-negative least squares ---- */

enum { ROWS = 9, TERMS = 5 };

static double objective(double a[ROWS][TERMS], const double *b, const double *x)
{
    double sum = 0;
    for (int i = 0; i < ROWS; i++) {
        double r = -b[i];
        for (int j = 0; j < TERMS; j++) r += a[i][j] * x[j];
        sum += r * r;
    }
    return sum;
}

/* Least squares of the terms in `mask`, by Gauss's elimination with pivots. False if they depend on each other. */
static bool solve_subset(double a[ROWS][TERMS], const double *b, unsigned mask, double *x)
{
    double m[TERMS][TERMS + 1];
    int set[TERMS], n = 0;
    for (int j = 0; j < TERMS; j++)
        if (x[j] = 0, mask >> j & 1) set[n++] = j;
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= n; j++) {
            m[i][j] = 0;
            for (int k = 0; k < ROWS; k++) m[i][j] += a[k][set[i]] * (j < n ? a[k][set[j]] : b[k]);
        }
    for (int i = 0; i < n; i++) {
        int best = i;
        for (int k = i + 1; k < n; k++)
            if (fabs(m[k][i]) > fabs(m[best][i])) best = k;
        if (fabs(m[best][i]) < 1e-9) return false;
        for (int j = 0; j <= n; j++) {
            double t = m[i][j];
            m[i][j] = m[best][j], m[best][j] = t;
        }
        for (int k = 0; k < n; k++) {
            double f = m[k][i] / m[i][i];
            for (int j = i; j <= n && k != i; j++) m[k][j] -= f * m[i][j];
        }
    }
    for (int i = 0; i < n; i++) x[set[i]] = m[i][n] / m[i][i];
    return true;
}

static void test_nnls(void)
{
    double worst = 0;
    int negative = 0, failures = 0, bound = 0;
    for (int trial = 0; trial < 3000; trial++) {
        double a[ROWS][TERMS], b[ROWS], x[TERMS], best = INFINITY;
        struct normal_equations eq = {.p = TERMS};
        for (int i = 0; i < ROWS; i++) {
            for (int j = 0; j < TERMS; j++) a[i][j] = normal() + (trial % 3 ? 1 : 0);
            if (trial % 7 == 0) a[i][4] = a[i][1]; /* two equal columns */
            if (trial % 11 == 0) a[i][2] = 0;
            b[i] = normal() + (trial % 2 ? 2 * a[i][0] : 0);
            normal_add(&eq, a[i], b[i], 1);
        }
        for (unsigned mask = 0; mask < 1 << TERMS; mask++) {
            bool feasible = solve_subset(a, b, mask, x);
            for (int j = 0; j < TERMS; j++) feasible &= x[j] >= 0;
            if (feasible) best = fmin(best, objective(a, b, x));
        }
        failures += !nnls(&eq, x);
        for (int j = 0; j < TERMS; j++) negative += !(x[j] >= 0), bound += x[j] == 0;
        worst = fmax(worst, objective(a, b, x) - best);
    }
    TEST("nnls finds what a search of all active sets finds", failures == 0 && worst < 1e-9, "%d failed, %g too much", failures,
         worst);
    TEST("nnls: nothing is negative, and bounds hold", negative == 0 && bound > 1000, "%d below 0, %d at 0", negative, bound);
    double x[2];
    struct normal_equations bad = {.p = 2, .g = {{1, 0}, {0, NAN}}, .h = {1, 1}};
    TEST("nnls of a number that is none ends", (nnls(&bad, x), true), "it does not");
}

static void test_collinearity(void)
{
    struct normal_equations eq = {.p = 2};
    struct collinearity c;
    /* Columns at 60 degrees: singular values sqrt(1 + 1/2) and sqrt(1 - 1/2), VIF 1 / (1 - 1/4). */
    normal_add(&eq, (double[]){1, 500}, 0, 1);
    normal_add(&eq, (double[]){0, 500 * sqrt(3)}, 0, 1);
    collinearity(&c, &eq);
    TEST("condition number and VIF of two columns",
         fabs(c.condition - sqrt(3)) < 1e-12 && fabs(c.vif[0] - 4.0 / 3) < 1e-12 && fabs(c.vif[1] - 4.0 / 3) < 1e-12,
         "found %g, %g, %g", c.condition, c.vif[0], c.vif[1]);
    struct normal_equations same = {.p = 3};
    for (int i = 0; i < 20; i++) {
        double u = uniform();
        normal_add(&same, (double[]){u, 1e9 * u, uniform()}, 0, 1);
    }
    collinearity(&c, &same);
    TEST("equal columns are found",
         isinf(c.condition) && isinf(c.vif[0]) && isinf(c.vif[1]) && isfinite(c.vif[2]) &&
             fabs(fabs(c.weakest[0]) - sqrt(0.5)) < 1e-6 && fabs(c.weakest[2]) < 1e-6,
         "condition %g, VIF %g %g %g", c.condition, c.vif[0], c.vif[1], c.vif[2]);
}

/* ---- Simulated machines ---- */

/* A board of round numbers; all runs of a session share a baseline's error, and a meter's drift. */
static const double true_idle = 3, true_active = 2.5, true_byte = 2e-10, true_q4 = 4e-11, true_q8 = 2.5e-11;

static void simulate(struct energy_log *log, size_t sessions, size_t runs, double noise, bool decode_only)
{
    *log = (struct energy_log){.device = "simulated", .n = sessions * runs, .n_sessions = sessions};
    log->runs = calloc(log->n, sizeof *log->runs);
    log->sessions = calloc(sessions, sizeof *log->sessions);
    for (size_t s = 0, i = 0; s < sessions; s++) {
        double idle = true_idle * (1 + noise * normal()), drift = 1 + noise * normal();
        snprintf(log->sessions[s], sizeof log->sessions[s], "s%zu", s);
        for (size_t k = 0; k < runs; k++, i++) {
            struct energy_run *run = &log->runs[i];
            double prompt = decode_only ? 0 : floor(1 + 2000 * uniform()), gen = floor(8 + 120 * uniform());
            int threads = decode_only ? 4 : 1 + (int)(4 * uniform());
            double file = 5e8, steps = ceil(prompt / 512) + gen, flops = 1e9 * (prompt + gen);
            bool q8 = k % 2; /* of two models */
            run->session = s, run->threads = threads, run->idle_w = idle;
            run->tokens = prompt + gen, run->file_bytes = file * steps;
            struct energy_work *w = &run->work;
            w->bytes = file * steps;
            w->work[q8 && !decode_only ? TYPE_Q8_0 : TYPE_Q4_K] = flops;
            w->time_s = w->bytes / (4e9 + 2e9 * threads) + (decode_only ? 0 : flops / (1e10 * threads));
            double net =
                true_active * w->time_s + true_byte * w->bytes + true_q4 * w->work[TYPE_Q4_K] + true_q8 * w->work[TYPE_Q8_0];
            run->energy_j = (true_idle * w->time_s + drift * net) * (1 + noise * normal());
        }
    }
}

static const struct energy_term *find_term(const struct energy_fit *fit, const char *key)
{
    for (int t = 0; t < fit->n_terms; t++)
        if (!strcmp(fit->terms[t].key, key)) return &fit->terms[t];
    return NULL;
}

static void test_coverage(void)
{
    static const struct {
        const char *key;
        const double *value;
    } terms[] = {{"energy.idle", &true_idle},
                 {"energy.active", &true_active},
                 {"energy.byte", &true_byte},
                 {"energy.linear.q4_K", &true_q4},
                 {"energy.linear.q8_0", &true_q8}};
    enum { SETS = 1000, N_TERMS = sizeof terms / sizeof *terms };
    size_t hits[N_TERMS] = {0}, inside = 0, failures = 0, merged = 0;
    double sum[N_TERMS] = {0};
    for (int set = 0; set < SETS; set++) {
        struct energy_log log, fresh;
        struct energy_fit fit;
        simulate(&log, 16, 5, 0.01, false);
        simulate(&fresh, 1, 1, 0.01, false);
        if (!energy_fit(&fit, &log, &(struct fit_options){.resamples = 1000, .seed = (uint64_t)set, .gain_error = NAN}, &e))
            failures++;
        else {
            double predicted = 0;
            const struct energy_work *w = &fresh.runs[0].work;
            const double amounts[] = {w->time_s, w->time_s, w->bytes, w->work[TYPE_Q4_K], w->work[TYPE_Q8_0]};
            merged += fit.n_fitted != N_TERMS - 1;
            for (int t = 0; t < N_TERMS; t++) {
                const struct energy_term *term = find_term(&fit, terms[t].key);
                hits[t] += term && term->low95 <= *terms[t].value && *terms[t].value <= term->high95;
                sum[t] += term ? term->value / SETS : NAN;
                predicted += term ? term->value * amounts[t] : NAN;
            }
            inside += fabs(fresh.runs[0].energy_j - predicted) <= fit.half_width95 * predicted;
        }
        energy_log_free(&log);
        energy_log_free(&fresh);
    }
    TEST("simulated runs are fitted, each term for itself", failures == 0 && merged == 0, "%zu failed, %zu merged: %s",
         failures, merged, e.text);
    for (int t = 0; t < N_TERMS; t++) {
        char name[96];
        snprintf(name, sizeof name, "%s: 95 %% intervals cover as they say", terms[t].key);
        TEST(name, is_covered(hits[t], SETS, 0.95), "found %zu of %d", hits[t], SETS);
        snprintf(name, sizeof name, "%s: recovered without bias", terms[t].key);
        TEST(name, fabs(sum[t] / *terms[t].value - 1) < 0.02, "found %g on average, expected %g", sum[t], *terms[t].value);
    }
    TEST("a new session's joules fall into the prediction's interval", is_covered(inside, SETS, 0.95), "found %zu of %d",
         inside, SETS);
}

static void test_results(void)
{
    struct energy_log log;
    struct energy_fit fit, again, few;
    simulate(&log, 8, 6, 0.01, false);
    struct fit_options o = {.seed = 7, .gain_error = 0.02};
    bool ok = energy_fit(&fit, &log, &o, &e) && energy_fit(&again, &log, &o, &e);
    TEST("one seed, one result", ok && !memcmp(&fit, &again, sizeof fit), "%s", ok ? "they differ" : e.text);
    TEST("the model beats the baselines on sessions held out",
         fit.held_out.n == 48 && fit.held_out.mape < 0.02 && fit.held_out.skill[BASELINE_CONSTANT] > 0.5 &&
             fit.held_out.skill[BASELINE_LINEAR] > 0.5 && fit.held_out.skill[BASELINE_FILE_BYTES] > 0.5,
         "n %zu, MAPE %g, skill %g %g %g", fit.held_out.n, fit.held_out.mape, fit.held_out.skill[0], fit.held_out.skill[1],
         fit.held_out.skill[2]);
    struct device d = {.name = "simulated"}, other = {.name = "another"};
    ok = energy_fit_store(&fit, &d, "a test", &e);
    TEST("terms go into a profile",
         ok && device_get(&d, "energy.byte") == find_term(&fit, "energy.byte")->value &&
             device_get(&d, "energy.byte.low95") < device_get(&d, "energy.byte.high95") &&
             device_get(&d, "energy.gain_error") == 0.02 && device_get(&d, "energy.interval95") == fit.half_width95,
         "%s", e.text);
    size_t n = d.n;
    TEST("a second fit replaces the first", ok && energy_fit_store(&fit, &d, "a test", &e) && d.n == n, "found %zu entries",
         d.n);
    TEST("a foreign profile is refused",
         !energy_fit_store(&fit, &other, "a test", &e) && strstr(e.text, "found runs of 'simulated'"), "found '%s'", e.text);
    device_free(&d);
    /* 18 runs of three sessions: neither kind of interval has enough to stand on. */
    log.n = 18, log.n_sessions = 3;
    ok = energy_fit(&few, &log, &o, &e);
    TEST("few runs leave intervals unknown",
         ok && isnan(few.half_width95) && isnan(few.terms[1].low95) && !isnan(few.terms[1].value), "%s",
         ok ? "found a number" : e.text);
    log.n = 6, log.n_sessions = 1;
    ok = energy_fit(&few, &log, &o, &e);
    TEST("one session holds nothing out", ok && few.held_out.n == 0 && isnan(few.held_out.mape) && few.in_sample.n == 6, "%s",
         ok ? "found a held-out error" : e.text);
    log.n = 1;
    TEST("one run is too few", !energy_fit(&few, &log, &o, &e) && strstr(e.text, "found 1 metered run, expected at least 2"),
         "found '%s'", e.text);
    log.n = 0;
    TEST("no run is none", !energy_fit(&few, &log, &o, &e) && strstr(e.text, "found no metered run"), "found '%s'", e.text);
    energy_log_free(&log);
}

/* What is stored is read back, whatever the resamples say: of runs that agree to the last digit they scatter in it alone, and
 * may all lie beside the value. */
static void test_stored(void)
{
    int outside = 0, refused = 0;
    struct device d, again;
    make_round_device(&d, 1e6, 1);
    for (int set = 0; set < 12; set++) {
        struct energy_log log;
        struct energy_fit fit;
        char *text = NULL;
        size_t size;
        simulate(&log, 8 + (size_t)set, 4, 0, false);
        strcpy(d.name, log.device);
        FILE *f = open_memstream(&text, &size);
        bool ok = f && energy_fit(&fit, &log, &(struct fit_options){.seed = 1, .resamples = 200, .gain_error = NAN}, &e) &&
                  energy_fit_store(&fit, &d, "a test", &e);
        for (int t = 0; ok && t < fit.n_terms; t++)
            outside += !(fit.terms[t].low95 <= fit.terms[t].value && fit.terms[t].value <= fit.terms[t].high95);
        if (ok) device_print(&d, f);
        if (f) fclose(f);
        ok = ok && device_parse(&again, text, size, "stored", &e);
        refused += !ok;
        if (ok) device_free(&again);
        free(text);
        energy_log_free(&log);
    }
    device_free(&d);
    TEST("an interval holds the value that it stands beside", !outside, "%d of 60 do not", outside);
    TEST("what a fit stores is a profile that loads", !refused, "%d of 12 do not: %s", refused, e.text);
}

static void test_collinear_fit(void)
{
    struct energy_log log;
    struct energy_fit fit;
    simulate(&log, 10, 4, 0.005, true);
    struct fit_options o = {.seed = 1, .strict = true, .gain_error = NAN};
    bool refused = !energy_fit(&fit, &log, &o, &e);
    TEST("decoding alone can't tell power, bytes and work apart: refused, with their names",
         refused && strstr(e.text, "condition number") && strstr(e.text, "energy.active") && strstr(e.text, "energy.byte") &&
             !strchr(e.text, '\n'),
         "found '%s'", refused ? e.text : "a fit");
    o.strict = false;
    bool ok = energy_fit(&fit, &log, &o, &e);
    const struct energy_term *active = find_term(&fit, "energy.active"), *byte = find_term(&fit, "energy.byte");
    TEST("or merged: one coefficient, power",
         ok && fit.n_fitted == 1 && isinf(fit.condition_before) && fit.condition == 1 && byte && byte->value == 0 &&
             isnan(byte->low95) && byte->group == 1,
         "%s", ok ? "not so" : e.text);
    /* 12 GB/s: the power takes in the bytes' joules, and those of a FLOP for each half byte. */
    double want = true_active + 12e9 * (true_byte + true_q4 * 2);
    TEST("that holds the joules of all", ok && fabs(active->value / want - 1) < 0.01 && fit.held_out.mape < 0.02,
         "found %g W, expected %g", ok ? active->value : NAN, want);
    struct device d = {.name = "simulated"};
    ok = ok && energy_fit_store(&fit, &d, "a test", &e);
    bool said = false;
    for (size_t i = 0; i < d.n; i++)
        said |= !strcmp(d.entries[i].key, "energy.byte") && strstr(d.entries[i].source, "merged into energy.active");
    TEST("and the profile says so", ok && said, "%s", ok ? "it does not" : e.text);
    device_free(&d);
    energy_log_free(&log);
}

static void test_plausibility(void)
{
    struct energy_log log;
    struct energy_fit fit;
    simulate(&log, 6, 6, 0.001, false);
    for (size_t i = 0; i < log.n; i++) log.runs[i].work.bytes *= 1e-3; /* kilobytes, by mistake */
    bool ok = energy_fit(&fit, &log, &(struct fit_options){.seed = 1, .gain_error = NAN}, &e);
    TEST("a coefficient of a wrong unit is pointed at",
         ok && find_term(&fit, "energy.byte")->plausibility == TOO_HIGH &&
             find_term(&fit, "energy.linear.q4_K")->plausibility == PLAUSIBLE,
         "%s", ok ? "not so" : e.text);
    energy_log_free(&log);
}

/* ---- Validation ---- */

static void test_validate(void)
{
    const struct baseline_run runs[] = {{10, 100, 25}, {20, 200, 45}, {40, 100, 85}, {40, 100, NAN}}; /* 5 + 2 tokens */
    struct baselines b;
    double said[BASELINE_COUNT];
    baselines_fit(&b, runs, 4);
    baselines_predict(&b, &(struct baseline_run){100, 50, NAN}, said);
    TEST("the line is found",
         fabs(b.intercept - 5) < 1e-9 && fabs(b.slope - 2) < 1e-12 && fabs(said[BASELINE_LINEAR] - 205) < 1e-9,
         "found %g + %g n", b.intercept, b.slope);
    double per_token = (10.0 / 25 + 20.0 / 45 + 40.0 / 85) / (0.16 + 400.0 / 2025 + 1600.0 / 7225);
    TEST("so much a token, by relative errors", fabs(said[BASELINE_CONSTANT] / 100 - per_token) < 1e-12,
         "found %g, expected %g", said[BASELINE_CONSTANT] / 100, per_token);
    baselines_fit(&b, runs, 1);
    TEST("one length gives no line", isnan(b.slope) && fabs(b.per_token - 2.5) < 1e-12, "found %g", b.slope);

    const struct validation_point points[] = {
        {.stratum = STRATUM_INTERPOLATED, .predicted = 110, .measured = 100, .interval = {90, 130}, .baseline = {120, NAN, 80}},
        {.stratum = STRATUM_INTERPOLATED, .predicted = 95, .measured = 100, .interval = {96, 99}, .baseline = {80, 100, 120}},
        {.stratum = STRATUM_EXTRAPOLATED,
         .predicted = 70,
         .measured = 100,
         .interval = {NAN, NAN},
         .baseline = {NAN, NAN, NAN}},
        {.stratum = STRATUM_EXTRAPOLATED, .predicted = NAN, .measured = 100, .interval = {NAN, NAN}},
    };
    struct validation v;
    validate(&v, points, 4, STRATUM_INTERPOLATED);
    TEST("errors of a stratum",
         v.n == 2 && v.unknown == 0 && fabs(v.mape - 0.075) < 1e-12 && fabs(v.bias - 0.025) < 1e-12 &&
             fabs(v.worst - 0.1) < 1e-12,
         "found n %zu, MAPE %g, bias %g, worst %g", v.n, v.mape, v.bias, v.worst);
    double half[2];
    wilson_interval(1, 2, NORMAL_97_5, half);
    TEST("coverage of a stratum", v.coverage == 0.5 && v.coverage95[0] == half[0] && v.coverage95[1] == half[1], "found %g",
         v.coverage);
    TEST("skill against the baselines",
         fabs(v.skill[0] - (1 - 0.15 / 0.4)) < 1e-12 && isnan(v.skill[1]) && fabs(v.skill[2] - 0.625) < 1e-12 &&
             v.baseline_mape[1] == 0,
         "found %g %g %g", v.skill[0], v.skill[1], v.skill[2]);
    validate(&v, points, 4, STRATUM_ALL);
    TEST("errors of all", v.n == 3 && v.unknown == 1 && fabs(v.worst + 0.3) < 1e-12 && v.with_interval == 2, "n %zu, worst %g",
         v.n, v.worst);
    validate(&v, points, 4, STRATUM_UNSEEN_MODEL);
    TEST("nothing is said of no points",
         v.n == 0 && isnan(v.mape) && isnan(v.bias) && isnan(v.worst) && isnan(v.coverage) && isnan(v.skill[0]), "found %g",
         v.mape);
}

/* ---- Logs ---- */

#define HEAD "session,device,threads,tokens,file_bytes,time_s,idle_w,energy_j,energy_kind,bytes,flops.linear.q4_K\n"

static bool read_text(struct energy_log *log, const char *text)
{
    char path[512], folder[400];
    if (!test_folder(folder, sizeof folder)) return fail(&e, "no folder");
    snprintf(path, sizeof path, "%s/log.csv", folder);
    FILE *f = fopen(path, "w");
    if (f) fputs(text, f), fclose(f);
    *log = (struct energy_log){.runs = NULL};
    bool ok = energy_log_read(log, path, &e);
    unlink(path);
    rmdir(folder);
    return ok;
}

static void test_wrong_logs(void)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"empty", "", "log.csv: found no line"},
        {"columns missing", "session,device,threads,tokens,file_bytes,bytes\n",
         "line 1: found no column time_s, idle_w, energy_j, energy_kind, expected"},
        {"an unknown class", "session,flops.linear.q9_K\n", "line 1: found column 'flops.linear.q9_K'"},
        {"a column given twice", "session,device,session\n", "line 1: found a second column 'session'"},
        {"too few fields", HEAD "a,m,1,5,1e6\n", "line 2: found 5 fields, expected 11"},
        {"too many fields", HEAD "a,m,1,5,1e6,1,3,5,measured,1e6,1e9,7\n", "line 2: found 12 fields"},
        {"no number", HEAD "a,m,1,5,1e6,fast,3,5,measured,1e6,1e9\n", "line 2: time_s: found 'fast', expected a number"},
        {"a number with a tail", HEAD "a,m,1,5,1e6,1s,3,5,measured,1e6,1e9\n", "line 2: time_s: found '1s'"},
        {"nan", HEAD "a,m,1,5,1e6,1,3,nan,measured,1e6,1e9\n", "line 2: energy_j: found 'nan'"},
        {"an infinite number", HEAD "a,m,1,5,1e6,1,3,5,measured,inf,1e9\n", "line 2: bytes: found 'inf'"},
        {"an empty field", HEAD "a,m,1,5,1e6,1,3,,measured,1e6,1e9\n", "line 2: energy_j: found ''"},
        {"no joules", HEAD "a,m,1,5,1e6,1,3,0,measured,1e6,1e9\n", "line 2: energy_j: found '0'"},
        {"less than idle takes", HEAD "a,m,1,5,1e6,2,3,2.9,measured,1e6,1e9\n",
         "line 2: energy_j: found 2.9, expected gross joules, idle included: 3 W for 2 s alone are 6"},
        {"a mark before the text", "\xef\xbb\xbf" HEAD "a,m,1,5,1e6\n", "line 2: found 5 fields"},
        {"negative work", HEAD "a,m,1,5,1e6,1,3,5,measured,1e6,-1\n", "line 2: flops.linear.q4_K: found '-1'"},
        {"half a thread", HEAD "a,m,1.5,5,1e6,1,3,5,measured,1e6,1e9\n", "line 2: threads: found 1.5"},
        {"no session", HEAD ",m,1,5,1e6,1,3,5,measured,1e6,1e9\n", "line 2: session: found 0 characters"},
        {"modelled joules", HEAD "a,m,1,5,1e6,1,3,5,modelled,1e6,1e9\n", "line 2: energy_kind: found modelled joules"},
        {"an unknown kind", HEAD "a,m,1,5,1e6,1,3,5,guessed,1e6,1e9\n", "line 2: energy_kind: found 'guessed'"},
        {"two devices", HEAD "a,m,1,5,1e6,1,3,5,measured,1e6,1e9\n# x\n\na,n,1,5,1e6,1,3,5,measured,1e6,1e9\n",
         "line 5: device: found 'n', expected 'm'"},
        {"an open quote", HEAD "\"a,m,1,5,1e6,1,3,5,measured,1e6,1e9\n", "line 2: field 1: found a quote without its end"},
        {"text after a quote", HEAD "\"a\"b,m,1,5,1e6,1,3,5,measured,1e6,1e9\n", "line 2: field 1: found a quote"},
    };
    struct energy_log log;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[80];
        snprintf(name, sizeof name, "log: %s", cases[i].name);
        bool ok = read_text(&log, cases[i].text);
        TEST(name, !ok && strstr(e.text, cases[i].want) && !strchr(e.text, '\n'), "found '%s', expected '%s'",
             ok ? "no error" : e.text, cases[i].want);
        energy_log_free(&log);
    }
}

static void test_logs(void)
{
    struct energy_log log, again;
    bool ok = read_text(&log, "# a comment\r\n" HEAD "a,\"m, \"\"2\"\"\",2,5,1e6,1.5,3,5,measured,1e6,1e9\r\n\r\n"
                              "b,\"m, \"\"2\"\"\",1,5,1e6,2,3,,none,,\nb,\"m, \"\"2\"\"\",1,5,1e6,2,3,7,measured,1e6,2e9");
    TEST("a log is read",
         ok && log.n == 2 && log.n_sessions == 2 && log.without_energy == 1 && !strcmp(log.device, "m, \"2\"") &&
             log.runs[0].threads == 2 && log.runs[0].work.time_s == 1.5 && log.runs[1].session == 1 &&
             log.runs[1].energy_j == 7 && log.runs[1].work.work[TYPE_Q4_K] == 2e9 && log.runs[1].work.work[ENERGY_ATTEND] == 0,
         "%s", ok ? "not so" : e.text);
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    energy_log_head(f);
    for (size_t i = 0; i < log.n; i++) energy_log_run(f, &log.runs[i], i ? "#1" : "a, b", log.device, "measured");
    energy_log_run(f, &(struct energy_run){.threads = 1, .idle_w = NAN, .energy_j = NAN}, "c", log.device, "none");
    fclose(f);
    bool same = read_text(&again, text) && again.n == log.n && again.without_energy == 1 && !strcmp(again.device, log.device) &&
                !strcmp(again.sessions[0], "a, b") && !strcmp(again.sessions[1], "#1");
    for (size_t i = 0; same && i < log.n; i++) same = !memcmp(&log.runs[i], &again.runs[i], sizeof log.runs[i]);
    TEST("a log that is written reads back as it was", ok && same, "%s", same ? "" : e.text);
    free(text);
    energy_log_free(&log);
    energy_log_free(&again);
}

int main(void)
{
    test_wilson();
    test_conformal();
    test_nnls();
    test_collinearity();
    test_validate();
    test_logs();
    test_wrong_logs();
    test_results();
    test_stored();
    test_collinear_fit();
    test_plausibility();
    test_coverage();
    TEST_MAIN_END();
}
