/* SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q5_1, dotprod, dot_tile_across, dot_next5, CPU_NEON | CPU_DOTPROD);
