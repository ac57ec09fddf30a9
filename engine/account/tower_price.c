/* SPDX-License-Identifier: MIT */
#include "engine/account/tower_price.h"

#include <math.h>
#include <stdio.h>

#include "base/si.h"

bool tower_predict(struct prediction *r, const struct tower *t, const struct device *d, int threads, const struct clamped *fit,
                   struct error *e)
{
    struct step s = tower_step(t, fit);
    double kv = (double)kv_bytes(&t->mmproj->model.hp, s.kv_type, s.n);
    return predict_one_step(r, t->plan, d, threads, &s, kv, e);
}

bool tower_afford(const struct tower *t, const struct clamped *fit, const struct prediction *r, double max_seconds,
                  struct error *e)
{
    if (!tower_fits(t, fit, r->options.threads, e)) return false;
    if (!(max_seconds > 0) || r->time_s <= max_seconds) return true;
    if (isnan(r->time_s))
        return fail(e, "picture of %lld patches: found no time predicted%s%s, expected one to hold to %g s",
                    (long long)fit->patches, *r->missing ? " for want of the device's " : "", r->missing, max_seconds);
    return fail(e, "picture of %lld patches: found %.3g s predicted, expected at most %g s; a clamp makes it smaller",
                (long long)fit->patches, r->time_s, max_seconds);
}

void tower_price_line(const struct prediction *r, char line[TOWER_PRICE_LINE])
{
    char time[DEVICE_KEY + 64] = "no time predicted";
    if (!isnan(r->time_s))
        snprintf(time, sizeof time, "%s predicted", si(r->time_s, "s").s);
    else if (*r->missing)
        snprintf(time, sizeof time, "no time predicted: the device profile has no %s", r->missing);
    snprintf(line, TOWER_PRICE_LINE, "%s, %s beside %s of weights, %s", si(r->flops, "FLOP").s,
             si(r->peak_memory_bytes - r->weight_bytes, "B").s, si(r->weight_bytes, "B").s, time);
}

void tower_offer_line(const struct preprocessed *p, const struct prediction *r, char line[TOWER_OFFER_LINE])
{
    char becomes[CLAMP_LINE], price[TOWER_PRICE_LINE];
    clamp_line(&p->clamp, &p->fit, becomes);
    tower_price_line(r, price);
    snprintf(line, TOWER_OFFER_LINE, "%s; %s", becomes, price);
}
