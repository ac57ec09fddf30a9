/* paper_cost.c - see paper_cost.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/paper_cost.h"

#include "engine/account/predict.h"
#include "engine/cost.h"
#include "engine/kv.h"

#include <math.h>
#include <stdlib.h>

enum { UBATCH = 512, FAR = 4096 };

/* The seconds of one step; *ok false and *e if memory is short. */
static double seconds(const struct plan *p, const struct device *d, size_t n, size_t at, bool *ok, struct error *e)
{
    struct step s = {.n = n, .p = at, .n_out = 1, .kv_type = TYPE_F16};
    struct prediction_row *rows = calloc(p->n_ops, sizeof *rows);
    double sum = 0;
    if (!rows) fail(e, "%s: found no memory for its prices", p->model->name);
    *ok = *ok && rows && predict_step(rows, p, d, (int)device_get(d, "cores"), &s, e);
    for (size_t i = 0; *ok && i < p->n_ops; i++) sum += rows[i].time_s;
    free(rows);
    return sum;
}

bool paper_cost(struct paper_cost *c, const char *shape, const struct device *d, struct error *e)
{
    struct model *m = model_from_shape(shape, e);
    struct plan *p = m ? plan_new(m, false, e) : NULL;
    bool ok = p;
    *c = (struct paper_cost){0};
    if (ok) {
        struct op_cost step = cost_step(p, &(struct step){.n = 1, .n_out = 1, .kv_type = TYPE_F16});
        c->weight_bytes = (double)m->tensor_bytes;
        c->streamed_bytes = step.weight_bytes;
        c->kv_bytes = (double)kv_bytes(&m->hp, TYPE_F16, 1);
        c->step_s = seconds(p, d, 1, 0, &ok, e);
        c->step_growth_s = (seconds(p, d, 1, FAR, &ok, e) - c->step_s) / FAR;
        for (int i = 0; ok && i < PAPER_COST_LENGTHS; i++) {
            size_t n = (size_t)1 << i;
            for (size_t at = 0; at < n; at += UBATCH)
                c->prefill_s[i] += seconds(p, d, n - at < UBATCH ? n - at : UBATCH, at, &ok, e);
        }
    }
    plan_free(p);
    model_close(m);
    return ok;
}

double paper_prefill(const struct paper_cost *c, double n)
{
    int i = 0;
    while (i < PAPER_COST_LENGTHS - 2 && n > (double)(2 << i)) i++;
    double low = (double)(1 << i);
    return c->prefill_s[i] + (c->prefill_s[i + 1] - c->prefill_s[i]) * (n - low) / low;
}

double paper_decode(const struct paper_cost *c, double n, double m)
{
    return m > 1 ? (m - 1) * (c->step_s + c->step_growth_s * (n + (m - 2) / 2)) : 0;
}
