/* origin.h - where a result comes from: the program, the machine, the profile that it was predicted by, the command.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ORIGIN_H
#define HARTREE_ORIGIN_H

#include "base/json.h"
#include "engine/account/device.h"

/* The compiler of this build, "gcc 12.2.0". */
const char *origin_compiler(void);

/* A member "origin" of the object that *j is in: program, compiler, isa (the kernels in use), machine, system, cores,
 * memory_bytes, threads, command, and the profile's name, isa, date and main rates at so many threads. The same again on the
 * same machine, whenever it is asked. */
void origin_json(struct json *j, const struct device *d, int threads, const char *command);

/* Adds " WORD" to a command line of `size` bytes, in quotes where a shell would not take the word as it is. */
void origin_word(char *command, size_t size, const char *word);
/* The same of " NAME VALUE", formatted as %g is. */
void origin_option(char *command, size_t size, const char *name, double value);

#endif
