/* printable.h - text from files that nobody vouches for, shown on a terminal.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PRINTABLE_H
#define HARTREE_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

/* Bytes of the UTF-8 character at the n >= 1 bytes s, or 0 where there is none that a terminal would just show: control
 * characters (C0, DEL, C1), what turns the writing direction, and all that is no UTF-8 count as none. */
size_t printable_length(const char *s, size_t n);

/* Replaces what is not printable in the string by '?', in place. */
void printable_only(char *s);

/* Writes the n bytes with what is not printable, quotes and backslashes escaped (\n \t \" \\ \x1b), cut after about `max`
 * columns with "..." */
void print_escaped(FILE *f, const char *s, size_t n, size_t max);

#endif
