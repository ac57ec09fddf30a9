/* SPDX-License-Identifier: MIT */
#define KV_BLOCK       32
#define KV_BLOCK_BYTES 34
#include "kernels/blocks.h"
#include "kernels/half.h"
#include "kernels/spec_attend.h"

static void load(float *row, const void *p, size_t d)
{
    const struct block_q8_0 *b = p;
    for (size_t j = 0; j < d; j++) row[j] = f16_to_f32(b[j / 32].d) * (float)b[j / 32].qs[j % 32];
}

static void store(void *p, const float *row, size_t d)
{
    struct block_q8_0 *b = p;
    for (size_t i = 0; i < d / 32; i++, row += 32) {
        float top = 0;
        for (size_t j = 0; j < 32; j++) top = fmaxf(top, fabsf(row[j]));
        b[i].d = f16_from_f32(top / 127);
        for (size_t j = 0; j < 32; j++) b[i].qs[j] = (int8_t)lrintf(top > 0 ? row[j] * (127 / top) : 0);
    }
}

static void q8_0_attend_scalar(const struct attend_args *a)
{
    attend_scalar(a, load);
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    fill_cache(c, seed, r, args, store);
}

static const struct kernel_spec spec = ATTEND_SPEC(fill, 1);

KERNEL(q8_0_attend, scalar, .spec = &spec);
