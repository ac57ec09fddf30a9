/* SPDX-License-Identifier: MIT */
#include "kernels/spec_type.h"

DOT_SPEC(Q5_1, GEMM_CASES_32);
GEMM_SCALAR(q5_1);
