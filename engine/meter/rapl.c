/* rapl.c - the energy counters of x86 CPUs as Linux' powercap shows them.
 *
 * /sys/class/powercap holds a folder a zone: intel-rapl:0 is a package ("package-0"), intel-rapl:0:2 one of its parts ("core",
 * "uncore", "dram"), and a zone "psys" the whole platform where the board wires it up. Each has energy_uj, which wraps at
 * max_energy_range_uj. Source: Linux, Documentation/power/powercap/powercap.rst.
 *
 * What is added up: every package and every dram zone. core and uncore lie inside their package, so adding them would count
 * them twice; dram lies outside it. psys overlaps with all of these and is calibrated on few boards: rapl:psys asks for it
 * alone.
 *
 * The same counter may show up twice: by MMIO beside the MSR (intel-rapl-mmio:0, again called "package-0"), and as several dies
 * of one package that has a single counter. Zones of one name are one zone. Others are one where reading a, b, a again finds
 * b between the two readings of a, three times: independent counters differ by joules, these readings by microjoules.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char advice[] = "sudo chmod a+r /sys/class/powercap/*/energy_uj (until the next boot), or run as root";

struct search {
    struct meter *m;
    const char *wanted; /* "psys", or NULL */
    bool mmio;          /* looking for zones by MMIO, after those by MSR, which are preferred */
};

/* Whether two energy_uj files show one counter. */
static bool same_counter(const char *a, const char *b)
{
    for (int i = 0; i < 3; i++) {
        double before, other, after;
        if (!tree_number(a, &before, NULL) || !tree_number(b, &other, NULL) || !tree_number(a, &after, NULL)) return false;
        if (other < before || other > after) return false;
    }
    return true;
}

static bool counted_already(const struct search *s, const char *zone, const char *path)
{
    for (size_t i = 0; i < s->m->n; i++) {
        const struct channel *c = &s->m->channel[i];
        if (!strcmp(c->name, zone) || (!strncmp(c->name, zone, 4) && same_counter(c->path, path))) return true;
    }
    return false;
}

/* dram zones all bear one name: each is called after its package. */
static bool zone_name(const struct meter *m, const char *entry, char *name, size_t size, struct error *e)
{
    char path[256], own[24], parent[24] = "";
    if (!tree_path(m, path, sizeof path, "/sys/class/powercap/%s/name", entry) || !tree_text(path, own, sizeof own, e))
        return false;
    const char *colon = strrchr(entry, ':');
    if (!strcmp(own, "dram") && colon && strchr(entry, ':') != colon) {
        if (!tree_path(m, path, sizeof path, "/sys/class/powercap/%.*s/name", (int)(colon - entry), entry) ||
            !tree_text(path, parent, sizeof parent, e))
            return false;
        const char *number = strchr(parent, '-');
        snprintf(name, size, "dram%.20s", number ? number : "");
        return true;
    }
    snprintf(name, size, "%s", own);
    return true;
}

static bool denied(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES || errno == EPERM;
    close(fd);
    return false;
}

static bool add_zone(void *ctx, const char *entry, struct error *e)
{
    struct search *s = ctx;
    char name[32], path[256];
    struct error ignored;
    if (!strchr(entry, ':') || (strstr(entry, "-mmio:") != NULL) != s->mmio) return true; /* a control type; or not its turn */
    if (!zone_name(s->m, entry, name, sizeof name, &ignored)) return true;
    bool package = !strncmp(name, "package", 7), dram = !strncmp(name, "dram", 4), psys = !strcmp(name, "psys");
    if (s->wanted ? !psys : !package && !dram) return true;
    if (!tree_path(s->m, path, sizeof path, "/sys/class/powercap/%s/energy_uj", entry)) return true;
    double uj, range;
    if (!tree_number(path, &uj, e))
        return denied(path) ? fail(e, "%s: found no permission to read it: %s", path, advice) : false;
    if (counted_already(s, name, path)) return true;
    struct channel *c = meter_channel(s->m, name, true, e);
    if (!c) return false;
    snprintf(c->path, sizeof c->path, "%s", path);
    c->scale = 1e-6;
    if (tree_path(s->m, path, sizeof path, "/sys/class/powercap/%s/max_energy_range_uj", entry) &&
        tree_number(path, &range, &ignored) && range > 0)
        c->trace.wrap_j = range * 1e-6;
    return true;
}

static bool rapl_open(struct meter *m, const char *words, struct error *e)
{
    struct search s = {.m = m, .wanted = words};
    char dir[256];
    if (words && strcmp(words, "psys")) return fail(e, "rapl:%.40s: expected rapl or rapl:psys", words);
    if (!tree_path(m, dir, sizeof dir, "/sys/class/powercap")) return fail(e, "found too long a path");
    if (!tree_list(dir, add_zone, &s, e)) return false;
    s.mmio = true;
    if (!tree_list(dir, add_zone, &s, e)) return false;
    if (!m->n) return fail(e, "%s: found no %s zone", dir, words ? "psys" : "package");
    bool dram = false;
    size_t used = (size_t)snprintf(m->name, sizeof m->name, "rapl");
    for (size_t i = 0; i < m->n; i++) {
        dram = dram || !strncmp(m->channel[i].name, "dram", 4);
        if (used < sizeof m->name) used += (size_t)snprintf(m->name + used, sizeof m->name - used, " %s", m->channel[i].name);
    }
    snprintf(m->domain, sizeof m->domain, "%s", words ? "platform" : dram ? "CPU packages and DRAM" : "CPU packages");
    m->resolution = 1e-6;
    return true;
}

const struct meter_source meter_source_rapl = {
    .name = "rapl",
    .automatic = true,
    .interval_s = 0.002, /* counters advance about once a millisecond */
    .open = rapl_open,
    .read = channels_read,
};
