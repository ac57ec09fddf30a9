/* vec.h - vectors of floats under one set of names, so that a float kernel is written once. vec_avx2.h, vec_avx512.h and
 * vec_neon.h define the names below for their instruction set and then include this header; a kernel file includes one of the
 * three, then the template of its op (rms_norm.h, softmax.h ...), and is a few lines long.
 *
 * Every name is an always_inline function. Integer arguments named `lane` must be constants once inlined.
 *
 *   vf, VF_LANES                   a vector, and how many floats it holds: avx2 8, avx512 16, neon 4
 *   VEC_NEEDS                      the CPU features of the instruction set, for a kernel's row
 *
 *   vf_load(p), vf_store(p, v)     any address
 *   vf_load_n(p, n)                the first n <= VF_LANES floats, then zeros: touches no byte beyond them
 *   vf_store_n(p, v, n)            the first n lanes, and no byte beyond them
 *   vf_load_f16(p), vf_load_f16_n(p, n), vf_store_f16(p, v), vf_store_f16_n(p, v, n)   p: any address; to nearest, ties to even
 *   vf_load_bf16(p), vf_load_bf16_n(p, n)
 *   vf_load_i8(p)                  VF_LANES signed bytes as floats
 *   vf_set1(x), vf_zero()
 *   vf_set1_f16(p)                 the f16 at p in all lanes
 *   vf_add(a, b) vf_sub(a, b) vf_mul(a, b) vf_div(a, b)      each rounded by itself
 *   vf_fma(a, b, c), vf_fnma(a, b, c)                        c + a * b and c - a * b, rounded once
 *   vf_max(a, b), vf_min(a, b)     where either is NaN: b
 *   vf_round(v)                    to the nearest integer, ties to even
 *   vf_ldexp(v, k)                 v * 2^k for integers k in -150..130; a subnormal result may be rounded twice
 *   vf_keep_n(v, n)                zero in the lanes from n on
 *   vf_sum(v), vf_max_of(v)        across lanes
 *   vf_transpose(v)                VF_LANES vectors, in place: lane j of v[i] becomes lane i of v[j]
 *   vf_any_greater(a, b)           whether any lane of a is greater than b's; NaN is not
 *   vf_greater_bits(a, b)          which are: lane i is bit i
 *   vf_swap_pairs(v)               x1 x0 x3 x2 ...
 *   vf_even_twice(v), vf_odd_twice(v)      x0 x0 x2 x2 ..., x1 x1 x3 x3 ...
 *   vf_sub_add(a, b)               a - b in even lanes, a + b in odd ones
 *   vf_part(u, v, &even, &odd)     the even and the odd elements of u and v after one another
 *   vf4, vf_load4(p)               four floats at p, to be used lane by lane; they may be read as late as that
 *   vf_fma_lane(v, x, lane, c)     c + v * x[lane], lane < 4: vf_fma with one of the four in every lane
 *   vf_in_register(v)              v; hides from the compiler that it was loaded, so that it is not loaded again at each use
 *
 *   vd, vd_zero(), vd_add(a, b), vd_sum(v)   VF_LANES doubles
 *   vd_add_floats(s, v), vd_add_squares(s, v)      s + v and s + v * v
 *
 *   vf_exp(v)                      defined here, from these
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_VEC_H
#define HARTREE_VEC_H

#ifndef VF_LANES
#error "include vec_avx2.h, vec_avx512.h or vec_neon.h"
#endif

/* exp, within 1 unit in the last place (0.92 at worst over every 13th float). It underflows gradually to 0,
 * overflows to infinity, and keeps NaN. x = k ln 2 + r with |r| <= 0.35, so exp(x) = 2^k exp(r). Taylor's series of exp(r) to
 * r^7 leaves 0.35^8 / 8! = 6e-9, a tenth of half a unit. ln 2 is taken in two parts, the first with zeros at its end, so that k
 * times it is exact. */
KERNEL_INLINE vf vf_exp(vf x)
{
    /* max and min return their second operand when either is NaN */
    x = vf_max(vf_set1(-104.0f), vf_min(vf_set1(89.0f), x));
    const vf k = vf_round(vf_mul(x, vf_set1(1.44269504f)));
    vf r = vf_fnma(k, vf_set1(0.693359375f), x);
    r = vf_fnma(k, vf_set1(-2.12194440e-4f), r);
    vf p = vf_set1(1.0f / 5040);
    p = vf_fma(p, r, vf_set1(1.0f / 720));
    p = vf_fma(p, r, vf_set1(1.0f / 120));
    p = vf_fma(p, r, vf_set1(1.0f / 24));
    p = vf_fma(p, r, vf_set1(1.0f / 6));
    p = vf_fma(p, r, vf_set1(0.5f));
    p = vf_fma(p, r, vf_set1(1.0f));
    p = vf_fma(p, r, vf_set1(1.0f));
    return vf_ldexp(p, k);
}

#endif
