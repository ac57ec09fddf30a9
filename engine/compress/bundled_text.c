/* SPDX-License-Identifier: MIT */
#include "engine/compress/bundled_text.h"

const char bundled_text_name[] = "bundled text 1";
const char bundled_text[] =
#include "calibration.inc"
    ;
const size_t bundled_text_len = sizeof bundled_text - 1;
