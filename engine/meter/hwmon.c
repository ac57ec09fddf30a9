/* hwmon.c - power sensors of boards: /sys/class/hwmon/hwmonN with `name` (the chip) and, for sensor K, powerK_input or
 * powerK_average (microwatts), energyK_input (microjoules), or currK_input with inK_input (milliamperes, millivolts).
 * Source: Linux, Documentation/hwmon/sysfs-interface.rst.
 *
 * What a sensor sees is known to the board's maker alone: plain `hwmon` takes one only where there is just one, and where it is
 * neither a graphics card's nor a battery's. Otherwise the user says which, by the chip's name or its folder: a rail may
 * contain another.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/source.h"

#include <stdlib.h>
#include <string.h>

/* A sensor's kinds, the preferred first. */
static const struct kind {
    const char *word, *file, *file2;
    bool counter;
    double scale;
} kinds[] = {
    {"energy", "energy%d_input", NULL, true, 1e-6},
    {"power", "power%d_input", NULL, false, 1e-6},
    {"power", "power%d_average", NULL, false, 1e-6},
    {"curr", "curr%d_input", "in%d_input", false, 1e-6},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds, MAX_SENSORS = 32 };

struct search {
    struct meter *m;
    const char *wanted; /* "CHIP/power1", or NULL: all that plain `hwmon` may take */
    size_t wanted_len, found;
    char list[400]; /* of all sensors, for the user to choose from */
};

static bool has(const struct meter *m, const char *entry, const char *file, int k, char *path, size_t size)
{
    char name[32];
    snprintf(name, sizeof name, file, k);
    return tree_path(m, path, size, "/sys/class/hwmon/%s/%s", entry, name) && tree_exists(path);
}

static bool wanted(const struct search *s, const char *name)
{
    return strlen(name) == s->wanted_len && !memcmp(name, s->wanted, s->wanted_len);
}

static bool add_sensor(struct search *s, const char *entry, const char *chip, const struct kind *kind, int k, struct error *e)
{
    char name[80], alias[80], shown[180], path[256], path2[256] = "";
    if (!has(s->m, entry, kind->file, k, path, sizeof path)) return true;
    if (kind->file2 && !has(s->m, entry, kind->file2, k, path2, sizeof path2)) return true;
    snprintf(name, sizeof name, "%s/%s%d", chip, kind->word, k);
    snprintf(alias, sizeof alias, "%.40s/%s%d", entry, kind->word, k);
    snprintf(shown, sizeof shown, "%s (%.40s)", name, entry);
    if (strstr(s->list, shown)) return true; /* power1_average where there is power1_input */
    size_t used = strlen(s->list);
    snprintf(s->list + used, sizeof s->list - used, "%s%s", used ? ", " : "", shown);
    if (s->wanted && !wanted(s, name) && !wanted(s, alias)) return true;
    struct channel *c = meter_channel(s->m, name, kind->counter, e);
    if (!c) return false;
    strcpy(c->path, path);
    strcpy(c->path2, path2);
    c->scale = kind->scale;
    s->found++;
    return true;
}

/* Chips whose power is no part, or only a part, of what the machine draws for us. */
static bool foreign(const struct meter *m, const char *chip)
{
    static const char *const cards[] = {"amdgpu", "radeon", "nouveau", "i915", "xe", "nvme"};
    char path[256];
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
        if (!strcmp(chip, cards[i])) return true;
    return tree_path(m, path, sizeof path, "/sys/class/power_supply/%s", chip) && tree_exists(path);
}

static bool add_chip(void *ctx, const char *entry, struct error *e)
{
    struct search *s = ctx;
    char path[256], chip[40];
    if (!tree_path(s->m, path, sizeof path, "/sys/class/hwmon/%s/name", entry) || !tree_text(path, chip, sizeof chip, NULL))
        return true;
    if (!s->wanted && foreign(s->m, chip)) return true;
    size_t before = s->m->n;
    for (size_t i = 0; i < N_KINDS && (s->wanted || s->m->n == before); i++) /* one kind a chip: they are the same joules */
        for (int k = 0; k < MAX_SENSORS; k++) /* in0 exists, power0 does not; none is harmful to look for */
            if (!add_sensor(s, entry, chip, &kinds[i], k, e)) return false;
    return true;
}

static bool hwmon_open(struct meter *m, const char *words, struct error *e)
{
    struct search s = {.m = m};
    char dir[256];
    if (!tree_path(m, dir, sizeof dir, "/sys/class/hwmon")) return fail(e, "found too long a path");
    if (!words) {
        if (!tree_list(dir, add_chip, &s, e)) return false;
        if (m->n != 1)
            return fail(e, "%s: found %s, expected one power sensor, or a choice by hwmon:CHIP/SENSOR", dir,
                        m->n ? s.list : "none");
    }
    for (const char *p = words; p; p = *p ? p + 1 : NULL) {
        s.wanted = p;
        s.wanted_len = strcspn(p, "+");
        s.found = 0;
        *s.list = 0;
        if (!tree_list(dir, add_chip, &s, e)) return false;
        if (!s.found)
            return fail(e, "%s: found no '%.*s', expected one of: %s", dir, (int)s.wanted_len, p, *s.list ? s.list : "(none)");
        if (s.found > 1)
            return fail(e, "%s: found %zu of '%.*s', expected one, by its folder: %s", dir, s.found, (int)s.wanted_len, p,
                        s.list);
        p += s.wanted_len;
    }
    size_t used = (size_t)snprintf(m->name, sizeof m->name, "hwmon");
    for (size_t i = 0; i < m->n && used < sizeof m->name; i++)
        used += (size_t)snprintf(m->name + used, sizeof m->name - used, " %s", m->channel[i].name);
    snprintf(m->domain, sizeof m->domain, "what the board's maker wired to this sensor");
    return true;
}

const struct meter_source meter_source_hwmon = {
    .name = "hwmon",
    .automatic = true,
    .interval_s = 0.005,
    .open = hwmon_open,
    .read = channels_read,
};
