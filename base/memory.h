/* memory.h - how much memory there is, and aligned blocks of it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MEMORY_H
#define HARTREE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that this process could still take without swapping: the least of what the system says is available and what the
 * control group at the root of /sys/fs/cgroup (in a container: its own) has left. UINT64_MAX where neither is known. */
uint64_t memory_available(void);

/* The process's highest resident size so far, in bytes. */
uint64_t memory_peak(void);

/* Zeroed, aligned to 64 bytes (a cache line and the widest vector); to be freed with free. NULL when there is none. n == 0
 * gives a block too. */
void *memory_new(size_t bytes);

#endif
