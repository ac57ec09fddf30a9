/* cost.h - adds up what a plan costs, without touching a weight.
 *
 * FLOPs and bytes are exact closed forms of shapes, one function an op in engine/ops/; tests hold them to a count by the
 * kernels. What they cost in seconds is account/predict.h's business. SPDX-License-Identifier: MIT */
#ifndef HARTREE_COST_H
#define HARTREE_COST_H

#include "engine/plan.h"

/* Cost of op i in one step. */
struct op_cost cost_op(const struct plan *p, size_t i, const struct step *s);

/* Sum over all ops of one step. */
struct op_cost cost_step(const struct plan *p, const struct step *s);

void cost_add(struct op_cost *sum, const struct op_cost *c, double times);

/* All bytes of a cost. */
double cost_bytes(const struct op_cost *c);

#endif
