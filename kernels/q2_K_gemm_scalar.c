/* SPDX-License-Identifier: MIT */
#include "kernels/spec_type.h"

DOT_SPEC(Q2_K, GEMM_CASES_256);
GEMM_SCALAR(q2_K);
