/* SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q8_0, neon, dot_tile32, q8_0_next, CPU_NEON);
