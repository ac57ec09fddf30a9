/* SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q4_1, neon, dot_tile32, dot_next4, CPU_NEON);
