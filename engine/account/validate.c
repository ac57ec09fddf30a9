/* validate.c - see validate.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/validate.h"

#include <math.h>

#include "base/wilson.h"

const char *const stratum_names[STRATUM_COUNT + 1] = {"interpolated", "extrapolated", "unseen quant", "unseen model",
                                                      "unseen clamp", "factorised",   "all"};
const char *const baseline_names[BASELINE_COUNT] = {"constant", "linear", "file_bytes"};

/* ---- Baselines ---- */

/* argmin_c of the sum of (1 - c x / y)^2 is sum(x / y) / sum((x / y)^2); NAN if there is none. */
static double ratio(double xy, double xxyy)
{
    return xxyy > 0 ? xy / xxyy : NAN;
}

void baselines_fit(struct baselines *b, const struct baseline_run *runs, size_t n)
{
    /* Weighted by 1 / measured^2: w stands for 1 / measured, t for tokens / measured, q for bytes / measured. */
    double w1 = 0, t1 = 0, q1 = 0, ww = 0, wt = 0, tt = 0, qq = 0;
    for (size_t i = 0; i < n; i++) {
        double y = runs[i].measured;
        if (!(isfinite(y) && y > 0)) continue;
        double w = 1 / y, t = runs[i].tokens / y, q = runs[i].file_bytes / y;
        w1 += w, t1 += t, q1 += q;
        ww += w * w, wt += w * t, tt += t * t, qq += q * q;
    }
    double determinant = ww * tt - wt * wt;
    b->per_token = ratio(t1, tt);
    b->per_byte = ratio(q1, qq);
    b->intercept = b->slope = NAN;
    /* One number of tokens alone leaves a determinant of rounding errors. */
    if (!(determinant > 1e-12 * ww * tt)) return;
    b->intercept = (w1 * tt - t1 * wt) / determinant;
    b->slope = (ww * t1 - wt * w1) / determinant;
}

void baselines_predict(const struct baselines *b, const struct baseline_run *run, double predicted[BASELINE_COUNT])
{
    predicted[BASELINE_CONSTANT] = b->per_token * run->tokens;
    predicted[BASELINE_LINEAR] = b->intercept + b->slope * run->tokens;
    predicted[BASELINE_FILE_BYTES] = b->per_byte * run->file_bytes;
}

/* ---- Points ---- */

static bool is_judged(const struct validation_point *p)
{
    return isfinite(p->predicted) && isfinite(p->measured) && p->measured > 0;
}

static double error_of(double predicted, double measured)
{
    return (predicted - measured) / measured;
}

/* Against one baseline, over the points that both predict. */
static void compare(struct validation *v, const struct validation_point *points, size_t n, enum stratum stratum,
                    enum baseline which)
{
    double model = 0, baseline = 0;
    size_t both = 0;
    for (size_t i = 0; i < n; i++) {
        const struct validation_point *p = &points[i];
        if ((stratum != STRATUM_ALL && p->stratum != stratum) || !is_judged(p) || !isfinite(p->baseline[which])) continue;
        model += fabs(error_of(p->predicted, p->measured));
        baseline += fabs(error_of(p->baseline[which], p->measured));
        both++;
    }
    v->baseline_mape[which] = both ? baseline / (double)both : NAN;
    v->skill[which] = baseline > 0 ? 1 - model / baseline : NAN;
}

void validate(struct validation *v, const struct validation_point *points, size_t n, enum stratum stratum)
{
    *v = (struct validation){.mape = NAN, .bias = NAN, .worst = NAN, .coverage = NAN};
    double sum = 0, sum_absolute = 0, worst = 0;
    for (size_t i = 0; i < n; i++) {
        const struct validation_point *p = &points[i];
        if (stratum != STRATUM_ALL && p->stratum != stratum) continue;
        if (!is_judged(p)) {
            v->unknown++;
            continue;
        }
        double error = error_of(p->predicted, p->measured);
        sum += error;
        sum_absolute += fabs(error);
        if (fabs(error) > fabs(worst)) worst = error;
        v->n++;
        if (!isfinite(p->interval[0]) || !isfinite(p->interval[1])) continue;
        v->with_interval++;
        v->covered += p->interval[0] <= p->measured && p->measured <= p->interval[1];
    }
    if (v->n) {
        v->mape = sum_absolute / (double)v->n;
        v->bias = sum / (double)v->n;
        v->worst = worst;
    }
    if (v->with_interval) v->coverage = (double)v->covered / (double)v->with_interval;
    wilson_interval(v->covered, v->with_interval, NORMAL_97_5, v->coverage95);
    for (int b = 0; b < BASELINE_COUNT; b++) compare(v, points, n, stratum, b);
}

void validation_json(struct json *j, const struct validation *v)
{
    json_put_integer(j, "n", (int64_t)v->n);
    json_put_integer(j, "unknown", (int64_t)v->unknown);
    json_put_number(j, "mape", v->mape);
    json_put_number(j, "bias", v->bias);
    json_put_number(j, "worst", v->worst);
    json_put_number(j, "coverage", v->coverage);
    json_key(j, "coverage95");
    json_array(j);
    json_number(j, v->coverage95[0]);
    json_number(j, v->coverage95[1]);
    json_array_end(j);
    for (int skill = 0; skill < 2; skill++) {
        json_key(j, skill ? "skill" : "baseline_mape");
        json_object(j);
        for (int b = 0; b < BASELINE_COUNT; b++)
            json_put_number(j, baseline_names[b], skill ? v->skill[b] : v->baseline_mape[b]);
        json_object_end(j);
    }
}

/* A share as a percentage in `width` columns, "-" where it is not known. */
static void print_percent(FILE *f, int width, const char *format, double share)
{
    char s[32] = "-";
    if (!isnan(share)) snprintf(s, sizeof s, format, 100 * share);
    fprintf(f, " %*s", width, s);
}

void validation_print(const struct validation_point *points, size_t n, FILE *f)
{
    fprintf(f, "%-13s %4s %8s %8s %8s %9s %15s  skill against:", "stratum", "n", "MAPE", "bias", "worst", "coverage", "(Wilson 95 %)");
    for (int b = 0; b < BASELINE_COUNT; b++) fprintf(f, " %11s", baseline_names[b]);
    fputc('\n', f);
    for (int s = 0; s <= STRATUM_ALL; s++) {
        struct validation v;
        validate(&v, points, n, s);
        if (!v.n && !v.unknown) continue;
        fprintf(f, "%-13s %4zu", stratum_names[s], v.n);
        print_percent(f, 8, "%.2f %%", v.mape);
        print_percent(f, 8, "%+.2f %%", v.bias);
        print_percent(f, 8, "%+.2f %%", v.worst);
        print_percent(f, 9, "%.1f %%", v.coverage);
        char wilson[32] = "-";
        if (v.with_interval) snprintf(wilson, sizeof wilson, "%.1f .. %.1f %%", 100 * v.coverage95[0], 100 * v.coverage95[1]);
        fprintf(f, " %15s                ", wilson);
        for (int b = 0; b < BASELINE_COUNT; b++) print_percent(f, 11, "%+.2f", v.skill[b] / 100);
        if (v.unknown) fprintf(f, "  (%zu more not known)", v.unknown);
        fputc('\n', f);
    }
}
