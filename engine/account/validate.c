/* validate.c - see validate.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/validate.h"

#include <math.h>

#include "base/wilson.h"

const char *const stratum_names[STRATUM_COUNT] = {"interpolated", "extrapolated", "far",       "unseen_quant",
                                                  "unseen_model", "unseen_clamp", "factorised"};
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
    json_put_pair(j, "coverage95", v->coverage95[0], v->coverage95[1]);
    json_put_integer(j, "with_interval", (int64_t)v->with_interval);
    json_put_integer(j, "covered", (int64_t)v->covered);
    for (int skill = 0; skill < 2; skill++) {
        json_key(j, skill ? "skill" : "baseline_mape");
        json_object(j);
        for (int b = 0; b < BASELINE_COUNT; b++)
            json_put_number(j, baseline_names[b], skill ? v->skill[b] : v->baseline_mape[b]);
        json_object_end(j);
    }
}
