/* suffix.h - how a name ends.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SUFFIX_H
#define HARTREE_SUFFIX_H

#include <stdbool.h>
#include <string.h>

static inline bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

#endif
