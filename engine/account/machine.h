/* machine.h - what the operating system says of the machine.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MACHINE_H
#define HARTREE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

/* The board's or the CPU's name ("Raspberry Pi 5 Model B Rev 1.0", "AMD EPYC"), without '#' and control characters, which would
 * not survive in a profile; "unknown CPU" where the system doesn't say. */
void machine_name(char *name, size_t size);

/* Bytes of the last-level cache; 0 where the system doesn't say. */
double machine_llc(void);

#endif
