/* bundled_text.h - the project's own documents as part of the program: some 20,000 tokens of technical English, which compress
 * fits a model to where no text is given. A text of what the model will be used on is better. SPDX-License-Identifier: MIT */
#ifndef HARTREE_BUNDLED_TEXT_H
#define HARTREE_BUNDLED_TEXT_H

#include <stddef.h>

extern const char bundled_text[];
extern const size_t bundled_text_len; /* without the NUL */

#endif
