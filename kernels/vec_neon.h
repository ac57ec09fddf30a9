/* vec_neon.h - vec.h's names for NEON as every aarch64 has it: four lanes. Parts of a vector go through a padded copy.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_VEC_NEON_H
#define HARTREE_VEC_NEON_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/inline.h"

#define VEC_NEEDS  CPU_NEON

typedef float32x4_t vf;
#define VF_LANES 4

KERNEL_INLINE vf vf_load(const void *p) { return vld1q_f32(p); }
KERNEL_INLINE vf vf_load_n(const void *p, size_t n)
{
    float f[VF_LANES] = {0};
    memcpy(f, p, n * sizeof *f);
    return vld1q_f32(f);
}
KERNEL_INLINE void vf_store(float *p, vf v) { vst1q_f32(p, v); }
KERNEL_INLINE void vf_store_n(float *p, vf v, size_t n)
{
    float f[VF_LANES];
    vst1q_f32(f, v);
    for (size_t i = 0; i < n; i++) p[i] = f[i];
}

/* 16-bit elements may stand at odd addresses, so they are loaded as bytes. */
KERNEL_INLINE vf vf_load_f16(const void *p) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p))); }
KERNEL_INLINE vf vf_load_bf16(const void *p) { return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16)); }
KERNEL_INLINE void vf_store_f16(void *p, vf v) { vst1_u8(p, vreinterpret_u8_f16(vcvt_f16_f32(v))); }
KERNEL_INLINE vf vf_load_f16_n(const void *p, size_t n)
{
    uint16_t h[VF_LANES] = {0};
    memcpy(h, p, n * sizeof *h);
    return vf_load_f16(h);
}
KERNEL_INLINE vf vf_load_bf16_n(const void *p, size_t n)
{
    uint16_t h[VF_LANES] = {0};
    memcpy(h, p, n * sizeof *h);
    return vf_load_bf16(h);
}
KERNEL_INLINE void vf_store_f16_n(void *p, vf v, size_t n)
{
    uint16_t h[VF_LANES];
    vf_store_f16(h, v);
    memcpy(p, h, n * sizeof *h);
}
KERNEL_INLINE vf vf_load_i8(const void *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}

KERNEL_INLINE vf vf_set1(float x) { return vdupq_n_f32(x); }
KERNEL_INLINE vf vf_set1_f16(const void *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(h)));
}
KERNEL_INLINE vf vf_zero(void) { return vdupq_n_f32(0); }
KERNEL_INLINE vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
KERNEL_INLINE vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
KERNEL_INLINE vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
KERNEL_INLINE vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
KERNEL_INLINE vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
KERNEL_INLINE vf vf_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
KERNEL_INLINE vf vf_max(vf a, vf b) { return vbslq_f32(vcgtq_f32(a, b), a, b); } /* fmax would return NaN for NaN in a */
KERNEL_INLINE vf vf_min(vf a, vf b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
KERNEL_INLINE vf vf_round(vf v) { return vrndnq_f32(v); }

/* 2^k in two factors, since neither 2^128 nor 2^-149 is a normal float. */
KERNEL_INLINE vf vf_ldexp(vf v, vf k)
{
    int32x4_t n = vcvtq_s32_f32(k), half = vshrq_n_s32(n, 1), bias = vdupq_n_s32(127);
    int32x4_t a = vshlq_n_s32(vaddq_s32(half, bias), 23), b = vshlq_n_s32(vaddq_s32(vsubq_s32(n, half), bias), 23);
    return vmulq_f32(vmulq_f32(v, vreinterpretq_f32_s32(a)), vreinterpretq_f32_s32(b));
}

KERNEL_INLINE vf vf_keep_n(vf v, size_t n)
{
    static const uint32_t lane[VF_LANES] = {0, 1, 2, 3};
    uint32x4_t below = vcltq_u32(vld1q_u32(lane), vdupq_n_u32((uint32_t)n));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), below));
}

KERNEL_INLINE float vf_sum(vf v) { return vaddvq_f32(v); }
KERNEL_INLINE float vf_max_of(vf v) { return vmaxvq_f32(v); }

KERNEL_INLINE bool vf_any_greater(vf a, vf b) { return vmaxvq_u32(vcgtq_f32(a, b)) != 0; }
KERNEL_INLINE unsigned vf_greater_bits(vf a, vf b)
{
    static const uint32_t bit[VF_LANES] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcgtq_f32(a, b), vld1q_u32(bit)));
}

KERNEL_INLINE vf vf_swap_pairs(vf v) { return vrev64q_f32(v); }
KERNEL_INLINE vf vf_even_twice(vf v) { return vtrn1q_f32(v, v); }
KERNEL_INLINE vf vf_odd_twice(vf v) { return vtrn2q_f32(v, v); }
KERNEL_INLINE vf vf_sub_add(vf a, vf b)
{
    static const uint32_t even_sign[VF_LANES] = {0x80000000, 0, 0x80000000, 0};
    return vaddq_f32(a, vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(b), vld1q_u32(even_sign))));
}
KERNEL_INLINE void vf_part(vf u, vf v, vf *even, vf *odd)
{
    *even = vuzp1q_f32(u, v);
    *odd = vuzp2q_f32(u, v);
}
KERNEL_INLINE void vf_transpose(vf v[VF_LANES])
{
    float32x4_t a = vzip1q_f32(v[0], v[2]), b = vzip2q_f32(v[0], v[2]), c = vzip1q_f32(v[1], v[3]), d = vzip2q_f32(v[1], v[3]);
    v[0] = vzip1q_f32(a, c), v[1] = vzip2q_f32(a, c), v[2] = vzip1q_f32(b, d), v[3] = vzip2q_f32(b, d);
}

/* fmla takes one lane of a register as its factor. */
typedef float32x4_t vf4;
KERNEL_INLINE vf4 vf_load4(const float *p) { return vld1q_f32(p); }
KERNEL_INLINE vf vf_fma_lane(vf v, vf4 x, const int lane, vf c)
{
    switch (lane) { /* the instruction's lane must be a literal */
    case 0: return vfmaq_laneq_f32(c, v, x, 0);
    case 1: return vfmaq_laneq_f32(c, v, x, 1);
    case 2: return vfmaq_laneq_f32(c, v, x, 2);
    default: return vfmaq_laneq_f32(c, v, x, 3);
    }
}

KERNEL_INLINE vf vf_in_register(vf v)
{
    __asm__("" : "+w"(v));
    return v;
}

typedef struct {
    float64x2_t low, high;
} vd;

KERNEL_INLINE vd vd_zero(void) { return (vd){vdupq_n_f64(0), vdupq_n_f64(0)}; }
KERNEL_INLINE vd vd_add(vd a, vd b) { return (vd){vaddq_f64(a.low, b.low), vaddq_f64(a.high, b.high)}; }
KERNEL_INLINE vd vd_of_floats(vf v) { return (vd){vcvt_f64_f32(vget_low_f32(v)), vcvt_high_f64_f32(v)}; }
KERNEL_INLINE vd vd_add_floats(vd s, vf v) { return vd_add(s, vd_of_floats(v)); }
KERNEL_INLINE vd vd_add_squares(vd s, vf v)
{
    vd d = vd_of_floats(v);
    return (vd){vfmaq_f64(s.low, d.low, d.low), vfmaq_f64(s.high, d.high, d.high)};
}
KERNEL_INLINE double vd_sum(vd v) { return vaddvq_f64(vaddq_f64(v.low, v.high)); }

#include "kernels/vec.h"

#endif
