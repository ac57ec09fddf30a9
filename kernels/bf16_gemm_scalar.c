/* SPDX-License-Identifier: MIT */
#include "kernels/spec_type.h"

DOT_SPEC(BF16, GEMM_CASES_1);
GEMM_SCALAR(bf16);
