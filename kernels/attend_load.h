/* attend_load.h - how attention reads a row of the cache of type ATTEND_TYPE, which the kernel file defines: an enum type of
 * type.h. SPDX-License-Identifier: MIT */
#ifndef HARTREE_ATTEND_LOAD_H
#define HARTREE_ATTEND_LOAD_H

#include "kernels/blocks.h"
#include "kernels/type.h"

/* Elements j .. j + n - 1 of the row at p as floats, then zeros; 1 <= n <= VF_LANES. */
KERNEL_INLINE vf attend_load(const char *p, size_t j, size_t n)
{
    if (ATTEND_TYPE == TYPE_F32) {
        const float *x = (const float *)(const void *)p + j;
        return n == VF_LANES ? vf_load(x) : vf_load_n(x, n);
    }
    if (ATTEND_TYPE == TYPE_F16) return n == VF_LANES ? vf_load_f16(p + 2 * j) : vf_load_f16_n(p + 2 * j, n);
    const struct block_q8_0 *b = (const struct block_q8_0 *)(const void *)p + j / 32; /* whole blocks, hence whole vectors */
    return vf_mul(vf_load_i8(b->qs + j % 32), vf_set1_f16(&b->d));
}

static inline size_t attend_row_bytes(size_t d)
{
    if (ATTEND_TYPE == TYPE_Q8_0) return d * sizeof(struct block_q8_0) / 32;
    return d * (ATTEND_TYPE == TYPE_F32 ? 4 : 2);
}

#endif
