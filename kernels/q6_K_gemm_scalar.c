/* SPDX-License-Identifier: MIT */
#include "kernels/spec_type.h"

DOT_SPEC(Q6_K, GEMM_CASES_256);
GEMM_SCALAR(q6_K);
