/* SPDX-License-Identifier: MIT */
#define KV_BLOCK       1
#define KV_BLOCK_BYTES 4
#include "kernels/spec_attend.h"

static void load(float *row, const void *p, size_t d)
{
    memcpy(row, p, d * sizeof *row);
}
static void store(void *p, const float *row, size_t d)
{
    memcpy(p, row, d * sizeof *row);
}

static void f32_attend_scalar(const struct attend_args *a)
{
    attend_scalar(a, load);
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    fill_cache(c, seed, r, args, store);
}

static const struct kernel_spec spec = ATTEND_SPEC(fill, 4);

KERNEL(f32_attend, scalar, .spec = &spec);
