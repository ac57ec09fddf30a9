/* battery.c - what a laptop draws from its battery: /sys/class/power_supply/NAME with `type` "Battery", `status`, and power_now
 * (microwatts), or current_now and voltage_now (microamperes, microvolts), or only energy_now (microwatt-hours left).
 * Source: Linux, Documentation/ABI/testing/sysfs-class-power.
 *
 * Only a battery that discharges shows what the machine draws; on the charger it shows what the battery takes, or 0. So a
 * charger is refused, and one that is plugged in later makes every further reading fail. Most batteries renew their figures
 * once in 1 to 30 seconds and energy_now goes down in steps of about 36 J: windows should be minutes long.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/source.h"

#include <math.h>
#include <string.h>

static const char folder[] = "/sys/class/power_supply";

static bool supply_file(const struct meter *m, const char *supply, const char *file, char *path, size_t size)
{
    return tree_path(m, path, size, "%s/%s/%s", folder, supply, file) && tree_exists(path);
}

/* A supply that is no battery: it must be offline. */
static bool check_charger(void *ctx, const char *name, struct error *e)
{
    const struct meter *m = ctx;
    char path[256], type[32];
    double online;
    if (!supply_file(m, name, "type", path, sizeof path) || !tree_text(path, type, sizeof type, e)) return true;
    if (!strcmp(type, "Battery") || !supply_file(m, name, "online", path, sizeof path)) return true;
    if (!tree_number(path, &online, e)) return false;
    return online == 0 || fail(e, "%s: found the charger plugged in, expected the machine on its battery", path);
}

/* Of a channel's battery, whose folder is that of its path. */
static bool check_discharging(const struct channel *c, struct error *e)
{
    char path[280], status[32];
    snprintf(path, sizeof path, "%.*s/status", (int)(strrchr(c->path, '/') - c->path), c->path);
    if (!tree_text(path, status, sizeof status, e)) return false;
    return !strcmp(status, "Discharging") ||
           fail(e, "%s: found '%s', expected 'Discharging': unplug the charger", path, status);
}

static bool add_battery(void *ctx, const char *name, struct error *e)
{
    struct meter *m = ctx;
    char path[256], path2[256] = "", text[32];
    double scale = 1e-6; /* of power_now */
    bool counter = false;
    if (!supply_file(m, name, "type", path, sizeof path) || !tree_text(path, text, sizeof text, NULL) ||
        strcmp(text, "Battery"))
        return true;
    if (supply_file(m, name, "scope", path, sizeof path) && tree_text(path, text, sizeof text, NULL) && !strcmp(text, "Device"))
        return true; /* a mouse's */
    if (!supply_file(m, name, "power_now", path, sizeof path)) {
        if (supply_file(m, name, "current_now", path, sizeof path) &&
            supply_file(m, name, "voltage_now", path2, sizeof path2)) {
            scale = 1e-12;
        } else if (supply_file(m, name, "energy_now", path, sizeof path)) {
            scale = -3600e-6; /* it counts down */
            counter = true;
            *path2 = 0;
        } else {
            return fail(e, "%s/%s: found no power_now, current_now with voltage_now, or energy_now", folder, name);
        }
    }
    struct channel *c = meter_channel(m, name, counter, e);
    if (!c) return false;
    strcpy(c->path, path);
    strcpy(c->path2, path2);
    c->scale = scale;
    return check_discharging(c, e);
}

static bool battery_open(struct meter *m, const char *words, struct error *e)
{
    char dir[256];
    if (words) return fail(e, "battery:%.40s: expected battery alone", words);
    if (!tree_path(m, dir, sizeof dir, "%s", folder)) return fail(e, "found too long a path");
    if (!tree_list(dir, add_battery, m, e)) return false;
    if (!m->n) return fail(e, "%s: found no battery of this machine", dir);
    if (!tree_list(dir, check_charger, m, e)) return false;
    size_t used = (size_t)snprintf(m->name, sizeof m->name, "battery");
    for (size_t i = 0; i < m->n && used < sizeof m->name; i++)
        used += (size_t)snprintf(m->name + used, sizeof m->name - used, " %s", m->channel[i].name);
    snprintf(m->domain, sizeof m->domain, "the whole machine, screen included");
    return true;
}

static void battery_read(struct meter *m, double *value, struct error *e)
{
    channels_read(m, value, e);
    for (size_t i = 0; i < m->n; i++) {
        struct channel *c = &m->channel[i];
        if (!check_discharging(c, e))
            value[i] = NAN;
        else if (!c->trace.counter)
            value[i] = fabs(value[i]); /* some drivers give a discharge current a minus */
    }
}

const struct meter_source meter_source_battery = {
    .name = "battery",
    .automatic = true,
    .interval_s = 0.05,
    .open = battery_open,
    .read = battery_read,
};
