/* SPDX-License-Identifier: MIT */
#include "kernels/spec_type.h"

DOT_SPEC(Q8_0, GEMM_CASES_32);
GEMM_SCALAR(q8_0);
