/* SPDX-License-Identifier: MIT */
#include "engine/cost.h"

struct op_cost cost_op(const struct plan *p, size_t i, const struct step *s)
{
    return op_defs[p->ops[i].kind]->cost(&p->ops[i], p, s);
}

void cost_add(struct op_cost *sum, const struct op_cost *c, double times)
{
    sum->flops += times * c->flops;
    sum->special += times * c->special;
    sum->weight_bytes += times * c->weight_bytes;
    sum->kv_read += times * c->kv_read;
    sum->kv_write += times * c->kv_write;
    sum->activation_bytes += times * c->activation_bytes;
}

struct op_cost cost_step(const struct plan *p, const struct step *s)
{
    struct op_cost sum = {0};
    for (size_t i = 0; i < p->n_ops; i++) {
        struct op_cost c = cost_op(p, i, s);
        cost_add(&sum, &c, 1);
    }
    return sum;
}

double cost_bytes(const struct op_cost *c) { return c->weight_bytes + c->kv_read + c->kv_write + c->activation_bytes; }
