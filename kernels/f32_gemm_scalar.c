/* SPDX-License-Identifier: MIT */
#include "kernels/spec_type.h"

DOT_SPEC(F32, GEMM_CASES_1);
GEMM_SCALAR(f32);
