/* bundled_text.h - the text that a model is calibrated on where none is given: engine/compress/calibration.txt as part of the
 * program. Written for this: stories, letters, talk, instructions, explanations, lists, tables, numbers and code. It stays as
 * it is, byte for byte, so that results can be repeated; another text gets another name. A text of what the model will be used
 * on is better. SPDX-License-Identifier: MIT */
#ifndef HARTREE_BUNDLED_TEXT_H
#define HARTREE_BUNDLED_TEXT_H

#include <stddef.h>

extern const char bundled_text_name[]; /* "bundled text 1" */
extern const char bundled_text[];
extern const size_t bundled_text_len; /* without the NUL */

#endif
