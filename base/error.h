/* error.h - how a function says what went wrong, in one line.
 *
 * A fallible function takes a `struct error *` last and returns false or NULL after filling it in. The text has the form
 * "FILE: PLACE: found X, expected Y" without the program's name or a newline; the command adds those.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ERROR_H
#define HARTREE_ERROR_H

#include <stdbool.h>

struct error {
    char text[1024];
};

/* Writes the formatted line into *e (which may be NULL) and returns false, so that `return fail(e, ...)` reads well.
 * Bytes that would break the one-line promise (control characters, broken UTF-8) are replaced by '?', whatever the
 * arguments hold. */
bool fail(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "PREFIX: " before the text of *e and returns false: a caller that knows the file's name adds it so. */
bool fail_in(struct error *e, const char *prefix);

#endif
