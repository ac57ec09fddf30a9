/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/convert.h"

static void f16_dequant_neon(const struct dequant_args *a)
{
    convert_from_16(a, vf_load_f16, vf_load_f16_n);
}

KERNEL(f16_dequant, neon, .needs = VEC_NEEDS, .exact = true);
