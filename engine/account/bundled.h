/* bundled.h - device profiles that are part of the program: those of devices/, as text.
 *
 * devices/NAME.profile is what `--device NAME` means. make turns the files into a table of string literals, so that one static
 * file needs none of them beside it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_BUNDLED_H
#define HARTREE_BUNDLED_H

#include "engine/account/device.h"

struct bundled {
    const char *name, *text;
};

const struct bundled *bundled_at(size_t i); /* NULL past the end */

/* The profile of that name, NULL if there is none. */
const struct bundled *bundled_find(const char *name);

/* Reads the profile of that name. False and *e, naming the known ones and how else to name a device, if there is none. */
bool bundled_load(struct device *d, const char *name, struct error *e);

#endif
