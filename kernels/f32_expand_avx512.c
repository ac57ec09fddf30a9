/* f32_expand_avx512.c - 16 outputs at a time: as many of either vector as the mask asks for, expanded to their lanes as they are
 * loaded.
 * SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/kernel.h"

/* Outputs i .. i+15 of those that are `there`; x and z move on behind what they take. */
KERNEL_INLINE void expand_16(float *y, const float **x, const float **z, const uint64_t *mask, size_t i, const __mmask16 there,
                             const bool add)
{
    uint16_t bits;
    memcpy(&bits, (const char *)mask + i / 8, sizeof bits);
    const __mmask16 second = bits & there, first = (__mmask16)(~bits & there);
    vf v = _mm512_mask_expandloadu_ps(_mm512_maskz_expandloadu_ps(first, *x), second, *z);
    if (add) v = vf_add(_mm512_maskz_loadu_ps(there, y + i), v);
    _mm512_mask_storeu_ps(y + i, there, v);
    *x += __builtin_popcount(first);
    *z += __builtin_popcount(second);
}

KERNEL_INLINE void expand(const struct expand_args *a, const bool add)
{
    float *y = a->y;
    const float *x = a->x[0], *z = a->x[1];
    const uint64_t *mask = a->mask;
    const size_t n = a->n;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) expand_16(y, &x, &z, mask, i, (__mmask16)-1, add);
    if (i < n) expand_16(y, &x, &z, mask, i, avx512_first(n - i), add);
}

static void f32_expand_avx512(const struct expand_args *a)
{
    if (a->add)
        expand(a, true);
    else
        expand(a, false);
}

KERNEL(f32_expand, avx512, .needs = VEC_NEEDS, .exact = true);
