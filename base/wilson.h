/* wilson.h - how well a share is known from the trials that it was counted in.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_WILSON_H
#define HARTREE_WILSON_H

#include <stddef.h>

/* The standard normal's quantile that cuts off 2.5 % above. */
#define NORMAL_97_5 1.959963984540054

/* The score interval of a probability of which `hits` of n trials came true; z standard deviations to each side. {NAN, NAN} for
 * n == 0. Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927. */
void wilson_interval(size_t hits, size_t n, double z, double interval[2]);

#endif
