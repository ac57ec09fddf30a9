/* si.h - figures as people read them.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SI_H
#define HARTREE_SI_H

/* A short text by value, so that calls can stand among printf's arguments: si(v, "B").s */
struct text {
    char s[32];
};

/* "4.617 GB", or "-" for what is not known. Seconds stay seconds above 1, and a plain number stays one below. */
struct text si(double v, const char *unit);

/* "41.2 %", or "-". */
struct text percent(double part);

/* "+1.3 %", or "-": a change or an error, signed. */
struct text signed_percent(double part);

#endif
