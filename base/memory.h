/* memory.h - how much memory there is, aligned blocks of it, and arrays that grow.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MEMORY_H
#define HARTREE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that this process could still take without swapping: the least of what the system says is available and what its
 * control groups have left. UINT64_MAX where neither is known. */
uint64_t memory_available(void);

/* The process's highest resident size so far, in bytes. */
uint64_t memory_peak(void);

/* From here on, where the system can (Linux): after what is no part of the work that is to be told of. */
void memory_peak_restart(void);

/* Gives freed memory back to the system where the C library can be asked to, so that a resident size is that of what is in use.
 */
void memory_trim(void);

/* Zeroed, aligned to 64 bytes (a cache line and the widest vector); to be freed with free. NULL when there is none. n == 0
 * gives a block too. */
void *memory_new(size_t bytes);

/* Zeroed memory on huge pages: a core that streams it misses the TLB less. To be freed with memory_huge_free. NULL: none, or a
 * system that has no such pages or gives them out to nobody. */
void *memory_huge(size_t bytes);
void memory_huge_free(void *p, size_t bytes);

/* Room for at least `need` elements of `element` bytes each in the array p, which has room for *capacity and may be NULL (with
 * 0). Returns the array, moved if it had to grow, then by half at least so that pushing one by one takes linear time;
 * *capacity is what it has. New room is not cleared. NULL: no memory, and p is as it was, still the caller's to free. */
void *memory_grow(void *p, size_t *capacity, size_t need, size_t element);

#endif
