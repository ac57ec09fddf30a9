/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/convert.h"

static void f16_quant_neon(const struct quant_args *a)
{
    convert_to_f16(a);
}

KERNEL(f16_quant, neon, .needs = VEC_NEEDS, .exact = true);
