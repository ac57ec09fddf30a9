/* importance.h - what an error in each row of a linear layer's output matters to the branch that it is part of.
 *
 * The metric of the inputs (decompose.h) counts the outputs of a matrix alike, but what follows does not. An error in hidden
 * unit j of an FFN, down (act(gate x) * (up x)), reaches the branch's output through column j of down, times the slope of the
 * unit. To first order, with slopes, inputs and other rows' errors taken as independent, row j of gate and of up so counts by
 * E[w slope_j^2] sum_i down_ij^2, and a row of v by the columns of attn_output that read it. Other rows count alike: for those
 * of down and attn_output the weights of norms, and of what reads the residual stream later, were tried, and cost more than
 * they gave. Weights of rows are scales, so the closed form of the best product stays.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_IMPORTANCE_H
#define HARTREE_IMPORTANCE_H

#include "engine/compress/unit.h"

/* Of each row of the unit's members, n_out of them, not below 0; `l` with slopes. False and *e for want of memory or of what
 * reads the rows. */
bool importance_of(const struct unit *u, const struct model *m, const struct statistics_layer *l, double *importance,
                   struct error *e);

#endif
