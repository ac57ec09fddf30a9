/* SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q8_0, dotprod, dot_tile32, q8_0_next, CPU_NEON | CPU_DOTPROD);
