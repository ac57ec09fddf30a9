/* kernels.h - checks one kernel against its scalar row, then times it on its spec's largest case.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_BENCH_KERNELS_H
#define HARTREE_BENCH_KERNELS_H

#include <stdbool.h>

#include "base/error.h"
#include "bench/timer.h"
#include "kernels/kernel.h"

struct kernel_bench {
    const struct kernel_case *c; /* the case that was timed: the last of most bytes */
    bool ok;                     /* within the tolerance in every case, and bit-equal where the row claims it */
    double max_error, tolerance; /* the worst of all cases, in the spec's unit */
    struct timer_result time;    /* zero where !ok: a wrong kernel has no speed */
    struct kernel_work work;     /* of one call */
    /* The rate of its FLOPs over that of the peak kernel (i8_peak, f32_peak) of the same instruction set, or of the next lower
     * one that has one; measured in one run, the peak just before and just after. Of both kernels the best sample counts: a
     * busy machine then widens the scatter of the times, but hardly moves the share. NAN where no arithmetic bounds the op,
     * and of scalar rows: how fast plain C is, the compiler decides. */
    double share_of_peak;
};

/* The CPU must have the row's instructions. Fails only for want of memory. */
bool bench_kernel(const struct kernel *row, const struct timer_options *options, struct kernel_bench *out, struct error *e);

#endif
