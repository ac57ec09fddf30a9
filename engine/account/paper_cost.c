/* paper_cost.c - see paper_cost.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/paper_cost.h"

#include "engine/account/energy_terms.h"
#include "engine/cost.h"
#include "engine/kv.h"

#include <math.h>
#include <stdlib.h>

enum { UBATCH = 512, FAR = 4096 };

struct price {
    double s, j;
};

/* Of one step; *ok false and *e if memory is short. */
static struct price price(const struct plan *p, const struct device *d, size_t n, size_t at, bool *ok, struct error *e)
{
    struct step s = {.n = n, .p = at, .n_out = 1, .kv_type = TYPE_F16};
    struct prediction r = {.rows = calloc(p->n_ops, sizeof *r.rows), .n_rows = p->n_ops};
    struct energy_work work;
    if (!r.rows) fail(e, "%s: found no memory for its prices", p->model->name);
    *ok = *ok && r.rows && predict_step(r.rows, p, d, (int)device_get(d, "cores"), &s, e);
    for (size_t i = 0; *ok && i < p->n_ops; i++) r.time_s += r.rows[i].time_s;
    if (*ok) energy_work(&work, &r, p);
    struct price sum = {r.time_s, *ok ? energy_beside_power(d, &work) : NAN};
    prediction_free(&r);
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
        struct price first = price(p, d, 1, 0, &ok, e), far = price(p, d, 1, FAR, &ok, e);
        c->s.step = first.s, c->s.growth = (far.s - first.s) / FAR;
        c->j.step = first.j, c->j.growth = (far.j - first.j) / FAR;
        for (int i = 0; ok && i < PAPER_COST_LENGTHS; i++) {
            size_t n = (size_t)1 << i;
            for (size_t at = 0; at < n; at += UBATCH) {
                struct price more = price(p, d, n - at < UBATCH ? n - at : UBATCH, at, &ok, e);
                c->s.prefill[i] += more.s;
                c->j.prefill[i] += more.j;
            }
        }
    }
    plan_free(p);
    model_close(m);
    return ok;
}

double paper_prefill(const struct paper_steps *s, double n)
{
    int i = 0;
    while (i < PAPER_COST_LENGTHS - 2 && n > (double)(2 << i)) i++;
    double low = (double)(1 << i);
    return s->prefill[i] + (s->prefill[i + 1] - s->prefill[i]) * (n - low) / low;
}

double paper_decode(const struct paper_steps *s, double n, double m)
{
    return m > 1 ? (m - 1) * (s->step + s->growth * (n + (m - 2) / 2)) : 0;
}
