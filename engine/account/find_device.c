/* find_device.c - the profile that a command means, and what a new one takes over from the old; see calibrate.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/calibrate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "engine/account/bundled.h"
#include "engine/account/machine.h"
#include "engine/pool.h"

bool calibrate_keep_energy(struct device *d, const char *path, size_t *kept, struct error *lost, struct error *e)
{
    struct device old;
    bool ok = true;
    *kept = 0;
    lost->text[0] = '\0';
    if (access(path, F_OK) || !device_load(&old, path, lost)) return true;
    bool same = !strcmp(old.name, d->name);
    for (size_t i = 0; ok && i < old.n; i++) {
        const struct device_entry *entry = &old.entries[i];
        if (strncmp(entry->key, "energy.", 7)) continue;
        if (!same)
            fail(lost, "%s: found the profile of '%s', expected '%s'", path, old.name, d->name);
        else
            ok = device_set(d, entry->key, entry->value, entry->from, entry->source, e);
        *kept += same;
    }
    device_free(&old);
    return ok;
}

/* Of this machine and its kernels as they are, whatever build measured them. */
static bool is_this_machine(const struct device *d)
{
    char name[DEVICE_TEXT], isa[DEVICE_TEXT];
    machine_name(name, sizeof name);
    device_kernels(isa, sizeof isa);
    return !strcmp(d->name, name) && !strcmp(d->isa, isa) && device_get(d, "cores") == pool_default_threads();
}

bool device_at_hand(struct device *d)
{
    char path[1024];
    struct error e;
    if (!device_cache_path(path, sizeof path, &e) || !device_load(d, path, &e)) return false;
    if (is_this_machine(d) && !strcmp(d->build, device_build())) return true;
    device_free(d);
    return false;
}

bool device_find(struct device *d, const char *which, void (*say)(const char *format, ...), const volatile int *interrupted,
                 struct error *e)
{
    char path[1024];
    struct error why;
    if (which && strcmp(which, "this")) {
        bool path_given = !bundled_find(which) && (strchr(which, '/') || !access(which, F_OK));
        if (!path_given) return bundled_load(d, which, e);
        if (!device_load(d, which, e)) return false;
        if (say && is_this_machine(d) && *d->build && strcmp(d->build, device_build()))
            say("%s: found rates of this machine by another build of hartree; those of this build may differ", which);
        return true;
    }
    if (device_at_hand(d)) return true;
    bool cache = device_cache_path(path, sizeof path, &why);
    if (cache && device_load(d, path, &why)) {
        if (is_this_machine(d)) {
            char old[sizeof path + 4];
            snprintf(old, sizeof old, "%s.old", path);
            bool kept = device_save(d, old, &why);
            say("%s: found rates by another build%s; measuring this machine anew (some 8 s; `hartree calibrate`: better)",
                path, kept ? ", kept as .old" : "");
        } else
            say("%s: found %s with %s kernels; measuring this machine anew (some 8 s)", path, d->name, d->isa);
        device_free(d);
    } else
        say(cache && access(path, F_OK) ? "no profile of this machine yet: measuring it (some 8 s)"
                                        : "no profile of this machine (%s): measuring it (some 8 s)",
            why.text);
    if (!calibrate(d, &(struct calibrate_options){.quick = true, .interrupted = interrupted}, e)) return false;
    memory_trim();
    memory_peak_restart(); /* what a command tells of its memory is of its own work */
    size_t kept;
    if (cache && !calibrate_keep_energy(d, path, &kept, &why, e)) return device_free(d), false;
    if (!cache || !device_cache_make(&why) || !device_save(d, path, &why)) say("the profile was not kept: %s", why.text);
    return true;
}
