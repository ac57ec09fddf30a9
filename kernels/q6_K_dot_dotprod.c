/* SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"
#include "kernels/dot_k_neon.h"

DOT_KERNEL256(q6_K, dotprod, CPU_NEON | CPU_DOTPROD);
