/* SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q5_0, neon, dot_tile32, dot_next5, CPU_NEON);
