/* utf8.h - UTF-8 in and out.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_UTF8_H
#define HARTREE_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xFFFD };

/* Decodes the character at s[0..n), n > 0, and returns its length. A byte that begins no character, or an overlong one, is
 * U+FFFD of length 1; surrogates are taken as what they say, as llama.cpp does. */
size_t utf8_decode(const char *s, size_t n, uint32_t *c);

/* The same by the standard: surrogates are no characters either, and what is none has length 0. */
size_t utf8_valid(const char *s, size_t n, uint32_t *c);

/* Writes c <= U+10FFFF as UTF-8 and returns the length. */
size_t utf8_encode(uint32_t c, char out[4]);

/* Bytes of the mark that some editors and spreadsheets begin a text with (U+FEFF): 3, or 0 where there is none. */
size_t utf8_mark(const char *text);

/* Bytes of a stream split anywhere: how many of buf[0..n) can be printed without cutting a character in two. Bytes that can
 * never become a character count as printable. */
size_t utf8_complete(const char *buf, size_t n);

#endif
