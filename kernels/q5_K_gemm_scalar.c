/* SPDX-License-Identifier: MIT */
#include "kernels/spec_type.h"

DOT_SPEC(Q5_K, GEMM_CASES_256);
GEMM_SCALAR(q5_K);
