/* bundled.c - see bundled.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/bundled.h"

#include <stdlib.h>
#include <string.h>

/* {"rpi5", "# ...\n..."}, a row for each file of devices/ */
static const struct bundled table[] = {
#include "devices.inc"
};

const struct bundled *bundled_at(size_t i)
{
    return i < sizeof table / sizeof table[0] ? &table[i] : NULL;
}

const struct bundled *bundled_find(const char *name)
{
    const struct bundled *b;
    for (size_t i = 0; (b = bundled_at(i)) && strcmp(b->name, name);) i++;
    return b;
}

bool bundled_load(struct device *d, const char *name, struct error *e)
{
    const struct bundled *b = bundled_find(name);
    *d = (struct device){0};
    if (b) {
        char *text = strdup(b->text);
        bool ok = text ? device_parse(d, text, strlen(text), name, e) : fail(e, "%s: found no memory", name);
        free(text);
        return ok;
    }
    char known[256] = "";
    for (size_t i = 0, n = 0; (b = bundled_at(i)) && n < sizeof known; i++)
        n += (size_t)snprintf(known + n, sizeof known - n, ", %s", b->name);
    return fail(e, "device: found '%.200s', expected the path of a profile, or one of this%s", name, known);
}
