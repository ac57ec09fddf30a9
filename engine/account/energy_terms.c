/* energy_terms.c - see energy_terms.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/energy_terms.h"

#include <math.h>
#include <string.h>

bool energy_class_name(size_t c, char word[DEVICE_KEY])
{
    const struct type_info *type = c < TYPE_FILE_END ? type_get((unsigned)c) : NULL;
    if (type && type->op)
        snprintf(word, DEVICE_KEY, "linear.%s", type->op);
    else if (c == ENERGY_ATTEND || c == ENERGY_VECTOR)
        snprintf(word, DEVICE_KEY, c == ENERGY_ATTEND ? "attend" : "vector");
    else
        return false;
    return true;
}

size_t energy_class(const struct op *op)
{
    if (op->kind == OP_REBUILD || op->kind == OP_CONTRACT) return TYPE_F32; /* products of floats, as op_rate_key has it */
    return op_multiplies(op) ? (size_t)op->w->type : op->kind == OP_ATTEND ? ENERGY_ATTEND : ENERGY_VECTOR;
}

/* A row's work in its class. */
static double work_of(const struct prediction_row *row, size_t c)
{
    return c == ENERGY_VECTOR ? row->bytes : row->flops;
}

void energy_work(struct energy_work *w, const struct prediction *r, const struct plan *p)
{
    *w = (struct energy_work){.time_s = r->time_s};
    for (size_t i = 0; i < r->n_rows; i++) {
        size_t c = energy_class(&p->ops[i % p->n_ops]);
        w->bytes += r->rows[i].memory_bytes;
        w->work[c] += work_of(&r->rows[i], c);
    }
}

void energy_work_add(struct energy_work *w, const struct energy_work *part)
{
    w->time_s += part->time_s;
    w->bytes += part->bytes;
    for (size_t c = 0; c < ENERGY_CLASSES; c++) w->work[c] += part->work[c];
}

/* ---- Prices ---- */

struct prices {
    double idle, active, byte, work[ENERGY_CLASSES];
};

/* A term of which the profile may be silent. */
static double term(const struct device *d, const char *key)
{
    double v = device_get(d, key);
    return isnan(v) ? 0 : v;
}

/* False if the device has no energy terms. A class that is not known is NAN. */
static bool find_prices(struct prices *prices, const struct device *d)
{
    if (!d) return false;
    prices->idle = device_get(d, "energy.idle");
    prices->active = device_get(d, "energy.active");
    prices->byte = term(d, "energy.byte");
    bool by_type = false;
    for (size_t c = 0; c < ENERGY_CLASSES; c++) {
        char word[DEVICE_KEY], key[DEVICE_KEY];
        prices->work[c] = 0;
        if (!energy_class_name(c, word)) continue;
        snprintf(key, sizeof key, "energy.%.40s", word);
        prices->work[c] = c < TYPE_FILE_END ? device_get(d, key) : term(d, key);
        by_type |= c < TYPE_FILE_END && !isnan(prices->work[c]);
    }
    for (size_t c = 0; c < TYPE_FILE_END && !by_type; c++) prices->work[c] = 0;
    return !isnan(prices->idle) && !isnan(prices->active);
}

double energy_beside_power(const struct device *d, const struct energy_work *w)
{
    struct prices prices;
    if (!find_prices(&prices, d)) return NAN;
    double joules = prices.byte * w->bytes;
    for (size_t c = 0; c < ENERGY_CLASSES; c++) joules += w->work[c] > 0 ? prices.work[c] * w->work[c] : 0;
    return joules;
}

/* Watts from both powers down to their low95 (end 0) or up to their high95 (1): all there is of a profile that was not fitted.
 * NAN where a bound is not there, or where work and bytes cost joules too. */
static double power_error(const struct prices *prices, const struct device *d, int end)
{
    double idle = device_get(d, end ? "energy.idle.high95" : "energy.idle.low95");
    double active = device_get(d, end ? "energy.active.high95" : "energy.active.low95");
    bool powers_alone = prices->byte == 0;
    for (size_t c = 0; c < ENERGY_CLASSES; c++) powers_alone &= prices->work[c] == 0;
    return powers_alone ? fabs(idle - prices->idle) + fabs(active - prices->active) : NAN;
}

void energy_price(struct prediction *r, const struct plan *p, const struct device *d)
{
    struct prices prices;
    r->energy_j = r->energy_net_j = r->interval95_j[0] = r->interval95_j[1] = NAN;
    r->energy_kind = "none";
    *r->energy_missing = 0;
    if (!find_prices(&prices, d)) {
        snprintf(r->energy_missing, sizeof r->energy_missing, "energy.%s",
                 d && isnan(device_get(d, "energy.idle")) ? "idle" : "active");
        return;
    }
    double gross = 0, idle = 0;
    for (size_t i = 0; i < r->n_rows; i++) {
        struct prediction_row *row = &r->rows[i];
        size_t c = energy_class(&p->ops[i % p->n_ops]);
        double work = work_of(row, c);
        /* A phase that did not run has rows without work: a term that is not known costs it nothing. */
        if (isnan(prices.work[c]) && work > 0 && !*r->energy_missing) {
            char word[DEVICE_KEY];
            energy_class_name(c, word);
            snprintf(r->energy_missing, sizeof r->energy_missing, "energy.%.40s", word);
        }
        double of_work = work > 0 ? prices.work[c] * work : 0;
        row->energy_j = to_grain((prices.idle + prices.active) * row->time_s + prices.byte * row->memory_bytes + of_work);
        gross += row->energy_j;
        idle += prices.idle * row->time_s;
    }
    if (isnan(gross)) {
        for (size_t i = 0; i < r->n_rows; i++) r->rows[i].energy_j = NAN;
        return;
    }
    r->energy_j = gross;
    r->energy_net_j = gross - idle;
    r->energy_kind = "modelled";
    double time = fmax(r->interval95_s[1] - r->time_s, r->time_s - r->interval95_s[0]);
    double fitted = gross * (device_get(d, "energy.interval95") + device_get(d, "energy.gain_error"));
    for (int end = 0; end < 2; end++) {
        double half = isnan(fitted) ? power_error(&prices, d, end) * r->time_s : fitted;
        r->interval95_j[end] = gross + (end ? 1 : -1) * (half + (prices.idle + prices.active) * time);
    }
    if (r->interval95_j[0] < 0) r->interval95_j[0] = 0;
}
