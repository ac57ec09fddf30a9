/* half.h - f16 (IEEE binary16) and bf16, to and from f32. Exact in every value: subnormals, infinities and NaN included; to the
 * smaller format round to nearest, ties to even. A NaN stays a (quiet) NaN and keeps the top bits of its payload, as F16C does.
 *
 *    f16   s eeeee mmmmmmmmmm      bias 15       bf16   s eeeeeeee mmmmmmm    the upper half of an f32
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_HALF_H
#define HARTREE_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t f32_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float f32_from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline float f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 0) return f32_from_bits(sign | f32_bits((float)mantissa * 0x1p-24f)); /* zero or subnormal */
    if (exponent == 31) return f32_from_bits(sign | 0x7f800000 | (mantissa ? 0x400000 | mantissa << 13 : 0));
    return f32_from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

static inline uint16_t f16_from_f32(float x)
{
    uint32_t u = f32_bits(x), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
    if (a > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (a >> 13 & 1023));
    if (a >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and above round to infinity */
    /* Below 2^-14 the result is a multiple of 2^-24, which is the last place of 0.5: the addition rounds as it must. */
    if (a < 0x38800000) return (uint16_t)(sign | (f32_bits(f32_from_bits(a) + 0.5f) - 0x3f000000));
    return (uint16_t)(sign | (a - 0x38000000 + 0xfff + (a >> 13 & 1)) >> 13);
}

static inline float bf16_to_f32(uint16_t h)
{
    return f32_from_bits((uint32_t)h << 16);
}

static inline uint16_t bf16_from_f32(float x)
{
    uint32_t u = f32_bits(x);
    if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 0x40); /* rounding could carry a NaN into infinity */
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

#endif
