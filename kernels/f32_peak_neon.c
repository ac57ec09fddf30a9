/* f32_peak_neon.c - fused multiply-adds of four floats, in sixteen chains: enough where four start a cycle and each takes four.
 * SPDX-License-Identifier: MIT */
#include <arm_neon.h>

#include "kernels/kernel.h"

enum { CHAINS = 16, LANES = 4 };

static void f32_peak_neon(const struct peak_args *a)
{
    const float *x = a->x;
    const float32x4_t u = vdupq_n_f32(x[PEAK_F32_CHAINS]), v = vdupq_n_f32(x[PEAK_F32_CHAINS + 1]);
    for (int i = 0; i < PEAK_F32_CHAINS; i += CHAINS * LANES) {
        float32x4_t s[CHAINS];
        for (int k = 0; k < CHAINS; k++) s[k] = vld1q_f32(x + i + k * LANES);
        for (size_t n = 0; n < a->n; n++)
            for (int k = 0; k < CHAINS; k++) s[k] = vfmaq_f32(s[k], u, v);
        for (int k = 0; k < CHAINS; k++) vst1q_f32((float *)a->y + i + k * LANES, s[k]);
    }
}

KERNEL(f32_peak, neon, .needs = CPU_NEON, .exact = true);
