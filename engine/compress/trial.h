/* trial.h - what a change of one layer's matrices does to a model's predictions, by trial, as often as a survey asks.
 *
 * A few sequences of a text wait before the layer at hand, as rows of the residual stream. A trial runs this layer and all
 * after it, changed, and compares the predictions at each position with the original's: the KL divergence among the tokens that
 * the original holds likeliest there, 256 of them, each side's probabilities divided by their sum. The other tokens' logits,
 * most of the work in a small model, are so never made. By the chain rule of the KL divergence what is left out is a change of
 * the others' sum and within them.
 *
 * Activations are floats (as --exact): rounding to 8 bits elsewhere differs by .008 nats from one run to another where a matrix
 * has changed by next to nothing, more than most trials are to find.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_TRIAL_H
#define HARTREE_TRIAL_H

#include "engine/compress/statistics.h"

struct trial;

/* Takes sequences from all over the text, of c->context tokens at most, before layer 0. Borrows the model. NULL and *e: no
 * memory, or a model whose output is factorised. */
struct trial *trial_new(const struct model *m, const struct calibration *c, int threads, struct error *e);
void trial_free(struct trial *t); /* NULL is fine */

/* Goes on to before layer `layer`, through the original's layers. */
bool trial_advance(struct trial *t, int layer, struct error *e);

/* Mean over positions, in nats, of a model that differs from the original in this layer or later ones. False and *e. */
bool trial_run(struct trial *t, const struct model *changed, double *kl, struct error *e);

#endif
