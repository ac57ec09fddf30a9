/* energy_text.c - joules as a word, as JSON and as a line.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/meter/meter.h"

#include <math.h>

const char *energy_kind_name(enum energy_kind kind)
{
    static const char *const names[] = {"none", "modelled", "measured"};
    return names[kind];
}

void energy_json(struct json *j, const struct energy *e)
{
    json_key(j, "energy");
    json_object(j);
    json_put_number(j, "joules", e->gross_j);
    json_put_string(j, "kind", energy_kind_name(e->kind));
    json_put_string(j, "source", e->source);
    if (e->kind == ENERGY_MEASURED) {
        json_put_string(j, "domain", e->domain);
        json_put_number(j, "net_joules", e->net_j);
        json_put_number(j, "net_error_joules", e->net_error_j);
        json_put_number(j, "idle_w", e->idle_w);
        json_put_number(j, "idle_error_w", e->idle_error_w);
        json_put_number(j, "edge_joules", e->edge_j);
        json_put_number(j, "interval_s", e->interval_s);
        json_put_number(j, "max_gap_s", e->max_gap_s);
        json_put_number(j, "resolution", e->resolution);
        json_put_number(j, "clock_error_s", e->clock_error_s);
        json_put_integer(j, "readings", (int64_t)e->readings);
        json_key(j, "parts");
        json_array(j);
        for (size_t i = 0; i < e->n_parts; i++) {
            json_object(j);
            json_put_string(j, "name", e->part[i].name);
            json_put_number(j, "joules", e->part[i].joules);
            json_object_end(j);
        }
        json_array_end(j);
        json_put_string(j, "remark", *e->remark ? e->remark : NULL);
    }
    json_object_end(j);
}

void energy_print(const struct energy *e, FILE *f)
{
    if (e->kind == ENERGY_NONE) {
        fputs("not measured", f);
        return;
    }
    fprintf(f, "%.4g J %s by %s", e->gross_j, energy_kind_name(e->kind), e->source);
    if (*e->domain) fprintf(f, " (%s)", e->domain);
    /* What is left of two figures that cancel is rounding, not joules. */
    double least = 1e-6 * fabs(e->gross_j), net = fabs(e->net_j) < least ? 0 : e->net_j;
    if (isfinite(e->net_j)) fprintf(f, ", %.4g +- %.2g J above idle", net, fmax(e->net_error_j, least));
    if (e->edge_j > 0.01 * e->gross_j) fprintf(f, ", ends uncertain by %.2g J", e->edge_j);
    if (*e->remark) fprintf(f, "; %s", e->remark);
}
