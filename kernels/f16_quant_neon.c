/* f16_quant_neon.c - four at a time by FCVTN, which rounds to nearest, ties to even; the rest through a padded copy.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_neon.h"

static void f16_quant_neon(const struct quant_args *a)
{
    uint8_t *y = a->y;
    size_t i = 0;
    for (; i + 4 <= a->n; i += 4) vst1_u8(y + 2 * i, vreinterpret_u8_f16(vcvt_f16_f32(vld1q_f32(a->x + i))));
    if (i < a->n) {
        float in[4] = {0};
        uint8_t out[8];
        memcpy(in, a->x + i, (a->n - i) * sizeof *in);
        vst1_u8(out, vreinterpret_u8_f16(vcvt_f16_f32(vld1q_f32(in))));
        memcpy(y + 2 * i, out, (a->n - i) * 2);
    }
}

KERNEL(f16_quant, neon, .needs = CPU_NEON, .exact = true);
