/* proc.h - what Linux says under /proc of a tree of processes and of the whole machine: CPU time and memory.
 *
 * Sources: proc(5); Documentation/filesystems/proc.rst of Linux. On other systems process_tree_open fails and says so: a port
 * is another file that fills in these functions.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PROC_H
#define HARTREE_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* ---- One process ---- */

struct proc_stat {
    int pid, parent;
    char state; /* 'Z': dead, not yet waited for; holds no memory */
    int threads;
    uint64_t start;  /* ticks after boot; with the pid, it names a process for good */
    double own_s;    /* CPU time of all its threads, ended ones included, in whole ticks */
    double reaped_s; /* CPU time of the children that it waited for, and of those that they waited for */
    double rss_bytes;
};

/* Reads the line of /proc/PID/stat. A process's name may hold blanks, parentheses and newlines. False: no such line. */
bool proc_stat_parse(struct proc_stat *s, const char *line);

/* ---- The whole machine ---- */

/* Cumulative from boot on; NAN what the system doesn't say. */
struct proc_system {
    double busy_s;     /* core-seconds in user and kernel code, interrupts included; waiting for I/O is idle */
    double steal_s;    /* core-seconds that the hypervisor gave to others */
    double used_bytes; /* memory that a new process could not have: total - available. Clean pages of mapped files count as
                          available */
    double forks;      /* processes and threads started */
};

/* `proc`: NULL is "/proc"; or a recorded tree of that form. */
void proc_system_read(const char *proc, struct proc_system *s);

/* ---- A tree of processes ---- */

/* A process and all its descendants. Once seen, a process stays in the tree until it ends, whoever becomes its parent. */
struct process_tree;

struct process_tree_options {
    const char *proc; /* NULL: "/proc"; a recorded tree of that form elsewhere */
    int root;         /* a pid; 0: this process */
    bool below_root;  /* the descendants without the root itself: what this process starts */
};

struct process_usage {
    double cpu_s;     /* cumulative, of the tree's living and ended processes; only differences mean anything; never falls */
    double rss_bytes; /* resident: pages that several processes share count in each */
    double pss_bytes; /* proportional: such a page is divided among all that map it; NAN where it can't be read */
    bool pss_read;    /* read at this call, not derived from the last reading */
    int processes;    /* alive, zombies not counted */
};

/* NULL and *e: no such root, no memory, or not on this system. */
struct process_tree *process_tree_open(const struct process_tree_options *o, struct error *e);
void process_tree_close(struct process_tree *t); /* NULL: nothing */

/* Reads the tree at the time `now` (seconds of any clock, for the spacing below). False and *e: no memory.
 *
 * CPU time is the kernel's own sum: the process CPU clock in ns (as of each running thread's last scheduler tick; where the
 * clock can't be read, stat's ticks of 10 ms), and stat's ticks for children that were waited for; this process's own children
 * by getrusage in us. Nothing is lost when a process ends between two reads: its whole time then stands with who waited for it.
 * Two exceptions: a process whose parent ignores SIGCHLD, or that is adopted by a process outside the tree, counts until it was
 * last seen, at least (`process_tree_adopt` prevents the latter).
 *
 * RSS is stat's, which recent kernels keep by core: it may be off by some hundred kB a core. PSS is read from smaps_rollup,
 * which walks all page tables (0.07 ms of a small process, 7.4 ms of 512 MB in pages of 4 kB, 0.09 ms of 512 MB in huge ones,
 * on an x86 virtual machine of 2 cores), so it is read only so often that this takes 0.2 % of a core; between readings the
 * share PSS/RSS is kept. Looking for new processes is limited in the same way, to 0.1 %, and left out while the machine forks
 * nothing. `machine`: read right before; NULL: neither is done now.
 */
bool process_tree_read(struct process_tree *t, double now, const struct proc_system *machine, struct process_usage *u,
                       struct error *e);

/* From now on, descendants of this process whose parents end become its children instead of init's, so that their time is
 * not lost; it must wait for all its children then. */
void process_tree_adopt(void);

#endif
