/* proc_text.h - the texts under /proc: what proc.c reads for process_tree.c.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PROC_TEXT_H
#define HARTREE_PROC_TEXT_H

#include <stddef.h>

/* Gone is not the same as hidden: the time of one that ended stands elsewhere. */
enum proc_found { PROC_FOUND, PROC_GONE, PROC_UNREADABLE };

/* The file's text, NUL-terminated, cut at `size`. */
enum proc_found proc_text(const char *path, char *buf, size_t size);

/* Rss and Pss of /proc/PID/smaps_rollup. */
enum proc_found proc_rollup(const char *path, double *rss_bytes, double *pss_bytes);

#endif
