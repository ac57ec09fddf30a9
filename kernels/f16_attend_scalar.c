/* SPDX-License-Identifier: MIT */
#define KV_BLOCK       1
#define KV_BLOCK_BYTES 2
#include "kernels/half.h"
#include "kernels/spec_attend.h"

static void load(float *row, const void *p, size_t d)
{
    for (size_t j = 0; j < d; j++) {
        uint16_t h;
        memcpy(&h, (const char *)p + 2 * j, sizeof h);
        row[j] = f16_to_f32(h);
    }
}

static void store(void *p, const float *row, size_t d)
{
    for (size_t j = 0; j < d; j++) {
        uint16_t h = f16_from_f32(row[j]);
        memcpy((char *)p + 2 * j, &h, sizeof h);
    }
}

static void f16_attend_scalar(const struct attend_args *a)
{
    attend_scalar(a, load);
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    fill_cache(c, seed, r, args, store);
}

static const struct kernel_spec spec = ATTEND_SPEC(fill, 1);

KERNEL(f16_attend, scalar, .spec = &spec);
