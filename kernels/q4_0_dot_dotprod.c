/* SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q4_0, dotprod, dot_tile_across, dot_next4, CPU_NEON | CPU_DOTPROD);
