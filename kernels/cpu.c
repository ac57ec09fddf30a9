/* cpu.c - which instruction sets this CPU and its operating system offer.
 * SPDX-License-Identifier: MIT */
#include "kernels/kernel.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
/* Bits of AT_HWCAP and AT_HWCAP2 as in Linux's arch/arm64/include/uapi/asm/hwcap.h; older headers lack the second. */
#define HWCAP_BIT_ASIMDDP (1ul << 20)
#define HWCAP2_BIT_I8MM (1ul << 13)
#endif

unsigned cpu_features(void)
{
    unsigned f = 0;
#if defined(__x86_64__)
    /* The compiler's own test: it checks XGETBV, so a feature that the kernel does not save counts as absent. */
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) f |= CPU_AVX2;
    if (__builtin_cpu_supports("fma")) f |= CPU_FMA;
    /* Every CPU with AVX2 has F16C; gcc 12 and clang 14 have no common name to ask by. */
    if (__builtin_cpu_supports("avx2")) f |= CPU_F16C;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        f |= CPU_AVX512;
    if (__builtin_cpu_supports("avx512vnni")) f |= CPU_VNNI;
#if defined(EMULATED_AVX512)
    if (f & CPU_AVX2) f |= CPU_AVX512 | CPU_VNNI; /* make SIMDE=1: the kernels were compiled for AVX2 */
#endif
#elif defined(__aarch64__)
    f |= CPU_NEON;
#if defined(__linux__)
    if (getauxval(AT_HWCAP) & HWCAP_BIT_ASIMDDP) f |= CPU_DOTPROD;
    if (getauxval(AT_HWCAP2) & HWCAP2_BIT_I8MM) f |= CPU_I8MM;
#elif defined(__APPLE__)
    f |= CPU_DOTPROD; /* every Apple Silicon Mac */
#endif
#endif
    return f;
}
