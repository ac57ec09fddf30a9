/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/convert.h"

static void f16_quant_avx2(const struct quant_args *a)
{
    convert_to_f16(a);
}

KERNEL(f16_quant, avx2, .needs = VEC_NEEDS, .exact = true);
