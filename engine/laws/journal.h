/* journal.h - the windows of a sweep on disk, one line of JSON each, kept through interruptions, kills and full disks.
 *
 * The first line names the sweep by the hash of its predictions, so that windows of other settings are never taken for these. A
 * line is written and synced before the next window begins; one that a kill cut short, the last, is dropped when the file is
 * opened again. Each session writes how much an idle process takes before its first window and, if it lived so long, after its
 * last. One process at a time may hold a journal.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_JOURNAL_H
#define HARTREE_JOURNAL_H

#include "engine/laws/sweep.h"

/* Opens FILE or makes it, and takes the windows in it into *s, with the idle use around them. NULL and *e: it is of other
 * settings, another process holds it, a line is none, or it can't be read or written. */
struct journal *journal_open(const char *path, struct sweep *s, struct error *e);
void journal_close(struct journal *j);

/* Whether windows of *s may go into FILE: it is not there, is empty, or is of the same settings. Else *e as journal_open has
 * it. */
bool journal_fits(const char *path, const struct sweep *s, struct error *e);

/* Takes the windows of a journal that is another's (a shard's), those that *s does not have yet. */
bool journal_join(const char *path, struct sweep *s, struct error *e);

/* Idle use of a session, before or after its windows: cores, bytes, watts over so many seconds; NAN where not known. `at` is
 * when it was taken, in seconds since 1970 with microseconds: the one before names the session, in whatever folder it is. */
struct idle_use {
    bool after;
    double at, time_s, cpu, rss, pss, watts;
};

/* Appends, and returns when it is on disk. False and *e: the file is then as it was before. */
bool journal_idle(struct journal *j, const struct idle_use *u, struct error *e);
bool journal_window(struct journal *j, const struct sweep_window *w, struct error *e);

/* Gives windows [first, n) of a session its name and the idle use around them: the mean of before and after, of what is
 * known. `after` may be NULL. */
void take_idle(struct sweep *s, size_t first, const struct idle_use *before, const struct idle_use *after);

#endif
