/* cmd_fit.c - metered runs into a device's energy terms.
 * SPDX-License-Identifier: MIT */
#include "engine/account/bundled.h"
#include "engine/account/calibrate.h"
#include "engine/account/conformal.h"
#include "engine/account/fit.h"
#include "loader/file.h"
#include "tools/account_args.h"

#include <math.h>
#include <string.h>
#include <time.h>

static const char *out;
static bool strict;
static double gain_error = NAN, max_condition = 30;
static int64_t seed = 1, resamples = 2000;

static const char *judgement(const struct energy_term *t)
{
    return t->plausibility == TOO_LOW ? "low" : t->plausibility == TOO_HIGH ? "high" : NULL;
}

static void put_validation(struct json *j, const char *key, const struct validation *v)
{
    json_key(j, key);
    json_object(j);
    validation_json(j, v);
    json_object_end(j);
}

static void print_json(const struct energy_fit *fit, FILE *f)
{
    struct json j;
    json_begin(&j, f);
    json_object(&j);
    json_put_string(&j, "device", fit->device);
    json_put_integer(&j, "runs", (int64_t)fit->n_runs);
    json_put_integer(&j, "runs_without_energy", (int64_t)fit->without_energy);
    json_put_integer(&j, "sessions", (int64_t)fit->n_sessions);
    json_key(&j, "terms");
    json_array(&j);
    for (int t = 0; t < fit->n_terms; t++) {
        const struct energy_term *term = &fit->terms[t];
        json_object(&j);
        json_put_string(&j, "term", term->key);
        json_put_number(&j, "value", term->value);
        json_put_string(&j, "unit", device_unit(term->key));
        json_key(&j, "ci95");
        json_array(&j);
        json_number(&j, term->low95);
        json_number(&j, term->high95);
        json_array_end(&j);
        json_put_number(&j, "gain_error", term->value * fit->gain_error);
        json_put_number(&j, "vif", term->vif);
        json_put_string(&j, "merged_into", term->group == t ? NULL : fit->terms[term->group].key);
        json_put_string(&j, "implausible", judgement(term));
        json_object_end(&j);
    }
    json_array_end(&j);
    json_put_number(&j, "condition", fit->condition);
    json_put_number(&j, "condition_before_merging", fit->condition_before);
    json_key(&j, "dependent_before_merging"); /* tells infinite from unknown, which are both null */
    json_bool(&j, isinf(fit->condition_before));
    put_validation(&j, "in_sample", &fit->in_sample);
    put_validation(&j, "held_out", &fit->held_out);
    json_put_number(&j, "interval95", fit->half_width95);
    json_put_number(&j, "gain_error", fit->gain_error);
    json_put_integer(&j, "resamples", fit->resamples);
    json_put_integer(&j, "seed", (int64_t)fit->seed);
    json_object_end(&j);
    json_end(&j);
}

static void print_share(FILE *f, const char *name, double share)
{
    if (isnan(share))
        fprintf(f, "  %s -", name);
    else
        fprintf(f, "  %s %.2f %%", name, 100 * share);
}

static void print_validation(FILE *f, const char *name, const struct validation *v)
{
    fprintf(f, "%-11s", name);
    print_share(f, "MAPE", v->mape);
    print_share(f, "bias", v->bias);
    print_share(f, "worst", v->worst);
    for (int b = 0; b < BASELINE_COUNT; b++) {
        fprintf(f, "%s %s", b ? "," : "; skill against", baseline_names[b]);
        if (isnan(v->skill[b]))
            fprintf(f, " -");
        else
            fprintf(f, " %+.2f (%.2f %%)", v->skill[b], 100 * v->baseline_mape[b]);
    }
    fputc('\n', f);
}

static void print_text(const struct energy_fit *fit, FILE *f)
{
    fprintf(f, "device      %s\nruns        %zu in %zu session%s\n\n", fit->device, fit->n_runs, fit->n_sessions,
            fit->n_sessions == 1 ? "" : "s");
    fprintf(f, "%-22s %12s %12s %12s %-6s %8s\n", "term", "value", "low 95 %", "high 95 %", "unit", "VIF");
    for (int t = 0; t < fit->n_terms; t++) {
        const struct energy_term *term = &fit->terms[t];
        double band[2];
        char low[16] = "-", high[16] = "-", vif[16] = "-";
        if (!isnan(term->low95)) snprintf(low, sizeof low, "%.4g", term->low95);
        if (!isnan(term->high95)) snprintf(high, sizeof high, "%.4g", term->high95);
        if (!isnan(term->vif)) snprintf(vif, sizeof vif, "%.3g", term->vif);
        fprintf(f, "%-22s %12.4g %12s %12s %-6s %8s", term->key, term->value, low, high, device_unit(term->key), vif);
        if (term->group != t) fprintf(f, "  merged into %s", fit->terms[term->group].key);
        if (judgement(term) && fit_band(term->key, band))
            fprintf(f, "  implausibly %s: outside %.3g to %.3g", judgement(term), band[0], band[1]);
        fputc('\n', f);
    }
    fprintf(f, "\ncondition   %.3g", fit->condition);
    if (fit->condition != fit->condition_before) fprintf(f, ", %.3g before terms were merged", fit->condition_before);
    fputc('\n', f);
    print_validation(f, "in sample", &fit->in_sample);
    print_validation(f, "held out", &fit->held_out);
    if (isnan(fit->half_width95))
        fprintf(f, "interval    not known: 95 %% take %zu runs of %d or more sessions\n", conformal_least(0.95),
                FIT_LEAST_SESSIONS);
    else
        fprintf(f,
                "interval    about 95 %% of predictions within %.2f %% (cross-conformal over sessions), the time being known\n",
                100 * fit->half_width95);
    if (fit->n_sessions < FIT_LEAST_SESSIONS)
        fprintf(f, "            the terms' intervals are not known: a bootstrap takes %d sessions\n", FIT_LEAST_SESSIONS);
    if (isnan(fit->gain_error))
        fprintf(f, "gain error  of the meter not given (--gain-error): predictions get no interval\n");
    else
        fprintf(f, "gain error  of the meter %.2f %%, on top of every interval above\n", 100 * fit->gain_error);
}

/* Where the profile goes that was read from `which`: back, unless that is a bundled one. */
static bool find_output(char *path, size_t size, const char *which, struct error *e)
{
    if (out) return snprintf(path, size, "%s", out) < (int)size || fail(e, "-o: found a path of %zu bytes", strlen(out));
    if (!which || !strcmp(which, "this")) return device_cache_path(path, size, e);
    if (bundled_find(which)) return fail(e, "%s: found a bundled profile, expected -o FILE for the fitted one", which);
    return snprintf(path, size, "%s", which) < (int)size || fail(e, "--device: found a path of %zu bytes", strlen(which));
}

static int run(int n_args, char **args)
{
    struct error e = {""};
    struct energy_log log = {.runs = NULL};
    struct device d = {.entries = NULL};
    struct energy_fit fit;
    char path[1024], source[DEVICE_SOURCE], day[16];
    bool ok = true;
    for (int i = 0; ok && i < n_args; i++)
        ok = (!out || arg_spares(out, NULL, args[i], &e)) && energy_log_read(&log, args[i], &e);
    struct fit_options o = {.max_condition = max_condition,
                            .strict = strict,
                            .resamples = (int)resamples,
                            .seed = (uint64_t)seed,
                            .gain_error = gain_error};
    ok = ok && energy_fit(&fit, &log, &o, &e) && device_find(&d, account_args.device, note, &interrupted, &e) &&
         find_output(path, sizeof path, account_args.device, &e);
    if (ok) {
        time_t now = time(NULL);
        struct tm utc;
        strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&now, &utc));
        snprintf(source, sizeof source, "%s, %zu runs in %zu sessions, condition %.3g", day, fit.n_runs, fit.n_sessions,
                 fit.condition);
        ok = energy_fit_store(&fit, &d, source, &e) && device_save(&d, path, &e);
    }
    if (ok && common.json)
        print_json(&fit, stdout);
    else if (ok)
        print_text(&fit, stdout);
    if (ok) note("written to %s", path);
    device_free(&d);
    energy_log_free(&log);
    return ok ? EXIT_DONE : failed(&e);
}

static const struct option options[] = {
    ARG_DEVICE,
    {"output", "o", OPTION_STRING, &out, "FILE", "where the profile goes (default: back to where it was read)", 0, 0, NULL},
    {"gain-error", NULL, OPTION_FLOAT, &gain_error, "SHARE",
     "what the meter may be off by as a whole, such as 0.01 (default: not known)", 0, 1, NULL},
    {"max-condition", NULL, OPTION_FLOAT, &max_condition, "N",
     "merge terms until the design's condition number is at most this (default 30)", 1, 1e6, NULL},
    {"strict", NULL, OPTION_FLAG, &strict, NULL, "refuse such a design instead of merging its terms", 0, 0, NULL},
    {"resamples", NULL, OPTION_INT, &resamples, "N", "bootstrap resamples of the sessions (default 2000)", 100, 1000000, NULL},
    {"seed", NULL, OPTION_INT, &seed, "N", "of the bootstrap (default 1)", 0, INT32_MAX, NULL},
    {.name = NULL},
};

const struct command command_fit = {
    .name = "fit",
    .summary = "a device's energy terms from metered runs",
    .usage = "LOG... [--device FILE] [-o FILE] [--gain-error SHARE] [--strict]",
    .description =
        "Fits joules = idle power * time + active power * time + J/B * bytes + J/FLOP * work by type, none below 0, to the "
        "measured\n"
        "joules of logs (CSV; docs/energy.md lists the columns), with errors relative to each run, and writes the "
        "terms\n"
        "into the device profile, from which predict then models joules.\n\n"
        "Terms that rise and fall together can't be told apart, as power and bytes in decoding alone: vary threads, prompt "
        "lengths and\n"
        "models. Such terms are merged, or refused under --strict. Intervals come from resampling whole sessions; five are "
        "needed.",
    .options = options,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
