/* f32_expand_avx512.c - 16 outputs at a time: as many of either vector as the mask asks for, expanded to their lanes as they
 * are loaded. SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/expand.h"

KERNEL_INLINE vf lanes(const float *x, const float *z, unsigned second, size_t n)
{
    const __mmask16 first = (__mmask16)(~second & ((1u << n) - 1));
    return _mm512_mask_expandloadu_ps(_mm512_maskz_expandloadu_ps(first, x), (__mmask16)second, z);
}

static void f32_expand_avx512(const struct expand_args *a)
{
    expand(a, lanes);
}

KERNEL(f32_expand, avx512, .needs = VEC_NEEDS, .exact = true);
