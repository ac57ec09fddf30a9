/* inline.h - for kernels, which are templates: tile sizes and unpacking functions are constants that must be seen through.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_INLINE_H
#define HARTREE_INLINE_H

#define KERNEL_INLINE static inline __attribute__((always_inline))

#endif
