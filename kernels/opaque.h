/* opaque.h - values that the compiler can't see through: for loops that measure arithmetic, which would otherwise be done once.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_OPAQUE_H
#define HARTREE_OPAQUE_H

/* V (not const), of which the compiler knows no more than that it is in a register of class C ("x" and "v": vector registers of
 * x86, "w": those of aarch64). It costs no instruction. Volatile, since two plain ones of the same input could be merged, and
 * so that they keep their order. A value and not a variable, or arrays of such would have to lie in memory. */
#if defined(EMULATED_AVX512)
#define OPAQUE_CLASS(C) "+m" /* make SIMDE=1: there is no register that holds an emulated one */
#else
#define OPAQUE_CLASS(C) "+" C
#endif
#define OPAQUE(C, V)                                   \
    __extension__({                                    \
        __typeof__(V) opaque_ = (V);                   \
        __asm__ volatile("" : OPAQUE_CLASS(C)(opaque_)); \
        opaque_;                                       \
    })

#endif
