/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/convert.h"

static void bf16_dequant_avx512(const struct dequant_args *a)
{
    convert_from_16(a, vf_load_bf16, vf_load_bf16_n);
}

KERNEL(bf16_dequant, avx512, .needs = VEC_NEEDS, .exact = true);
