/* sha256.h - SHA-256, for naming a prediction before the measurement it is compared with.
 *
 * Source: FIPS 180-4, section 6.2. Not meant for secrets.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SHA256_H
#define HARTREE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t bytes; /* seen so far */
    uint8_t block[64];
};

enum { SHA256_HEX = 65 }; /* 64 digits and a NUL */

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t n);
/* Adds a formatted line, cut off after 1023 bytes. */
void sha256_text(struct sha256 *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds a line of numbers, each after a space with all its digits; one that is not known (NAN) is "null", whose sign and
 * spelling differ from one C library to the next. */
void sha256_numbers(struct sha256 *s, const double *v, size_t n);
/* Writes the digest as lower-case hexadecimal; *s must be begun again before it is used again. */
void sha256_end(struct sha256 *s, char hex[SHA256_HEX]);

#endif
