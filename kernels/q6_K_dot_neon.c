/* SPDX-License-Identifier: MIT */
#include "kernels/dot_k_neon.h"
#include "kernels/dot_smull.h"

DOT_KERNEL256(q6_K, neon, CPU_NEON);
