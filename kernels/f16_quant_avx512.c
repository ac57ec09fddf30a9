/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/convert.h"

static void f16_quant_avx512(const struct quant_args *a)
{
    convert_to_f16(a);
}

KERNEL(f16_quant, avx512, .needs = VEC_NEEDS, .exact = true);
