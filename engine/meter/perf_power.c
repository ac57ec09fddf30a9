/* perf_power.c - the RAPL counters through perf_event_open, as `perf stat -e power/energy-pkg/` reads them.
 *
 * /sys/bus/event_source/devices/power holds `type` (the PMU's number), `cpumask` (one CPU a package, or a die), and for each
 * event events/NAME ("event=0x02"), events/NAME.scale (joules a count) and events/NAME.unit ("Joules"). Counts have 64 bits and
 * begin at 0. Packages and DRAM are added up, as rapl.c says. Source: perf_event_open(2), Linux arch/x86/events/rapl.c.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/source.h"

#ifdef __linux__

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char folder[] = "/sys/bus/event_source/devices/power";

struct counters {
    size_t n;
    int fd[METER_MAX_CHANNELS];
};

struct event {
    char name[32];
    unsigned long type, config;
    double scale;
};

/* "energy-pkg": its number and scale. The format's only field is `event`, the config's low 8 bits. */
static bool read_event(const struct meter *m, struct event *v, struct error *e)
{
    char path[256], text[64], *end;
    double type;
    if (!tree_path(m, path, sizeof path, "%s/type", folder) || !tree_number(path, &type, e)) return false;
    v->type = type > 0 && type < 1u << 31 ? (unsigned long)type : 0;
    if (!tree_path(m, path, sizeof path, "%s/events/%s", folder, v->name) || !tree_text(path, text, sizeof text, e))
        return false;
    v->config = strncmp(text, "event=", 6) ? 0 : strtoul(text + 6, &end, 0);
    if (!v->config || *end) return fail(e, "%s: found '%.40s', expected event=NUMBER", path, text);
    if (!tree_path(m, path, sizeof path, "%s/events/%s.unit", folder, v->name) || !tree_text(path, text, sizeof text, e))
        return false;
    if (strcmp(text, "Joules")) return fail(e, "%s: found '%.40s', expected Joules", path, text);
    if (!tree_path(m, path, sizeof path, "%s/events/%s.scale", folder, v->name) || !tree_number(path, &v->scale, e))
        return false;
    return v->scale > 0 || fail(e, "%s: found %g, expected a positive number of joules", path, v->scale);
}

static bool denied(const struct meter *m, const char *what, int error, struct error *e)
{
    char path[256];
    double level = NAN;
    if (tree_path(m, path, sizeof path, "/proc/sys/kernel/perf_event_paranoid")) tree_number(path, &level, NULL);
    if (error == EACCES || error == EPERM)
        return fail(e,
                    "%s: found no permission (kernel.perf_event_paranoid is %g), expected 0 or less: "
                    "sudo sysctl kernel.perf_event_paranoid=0, or run as root",
                    what, level);
    return fail(e, "%s: %s", what, strerror(error));
}

static bool open_on(struct meter *m, const struct event *v, int cpu, struct error *e)
{
    struct counters *s = m->state;
    struct perf_event_attr attr = {.size = sizeof attr, .type = (unsigned)v->type, .config = v->config};
    char name[48], what[128];
    snprintf(name, sizeof name, "%s-cpu%d", v->name + strlen("energy-"), cpu);
    struct channel *c = meter_channel(m, name, true, e);
    if (!c) return false;
    c->scale = v->scale;
    int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    snprintf(what, sizeof what, "power/%s/ (type %lu, config 0x%lx) on CPU %d", v->name, v->type, v->config, cpu);
    if (fd < 0) return denied(m, what, errno, e);
    s->fd[s->n++] = fd;
    return true;
}

/* "0-1,18": the event on each of these CPUs. */
static bool open_event(struct meter *m, const struct event *v, struct error *e)
{
    char path[256], text[256], *p = text;
    if (!tree_path(m, path, sizeof path, "%s/cpumask", folder) || !tree_text(path, text, sizeof text, e)) return false;
    do {
        char *end;
        unsigned long first = strtoul(p, &end, 10), last = first;
        bool number = end != p;
        if (number && *end == '-') {
            last = strtoul(p = end + 1, &end, 10);
            number = end != p;
        }
        if (!number || (*end && *end != ',') || last < first || last > 1 << 20)
            return fail(e, "%s: found '%.40s', expected a list of CPUs", path, text);
        for (; first <= last; first++)
            if (!open_on(m, v, (int)first, e)) return false;
        p = end;
    } while (*p++ == ',');
    return true;
}

static bool perf_open(struct meter *m, const char *words, struct error *e)
{
    static const char *const usual[] = {"energy-pkg", "energy-ram", NULL}, *const platform[] = {"energy-psys", NULL};
    char path[256];
    if (words && strcmp(words, "psys")) return fail(e, "perf:%.40s: expected perf or perf:psys", words);
    if (!(m->state = calloc(1, sizeof(struct counters)))) return fail(e, "perf: found no memory");
    for (const char *const *name = words ? platform : usual; *name; name++) {
        struct event v = {.type = 0};
        snprintf(v.name, sizeof v.name, "%s", *name);
        if (name != usual && name != platform && tree_path(m, path, sizeof path, "%s/events/%s", folder, v.name) &&
            !tree_exists(path))
            continue; /* not every CPU has DRAM counters */
        if (!read_event(m, &v, e) || !open_event(m, &v, e)) return false;
        snprintf(m->domain, sizeof m->domain, "%s",
                 words           ? "platform"
                 : name == usual ? "CPU packages"
                                 : "CPU packages and DRAM");
    }
    snprintf(m->name, sizeof m->name, "perf %s",
             words                       ? "energy-psys"
             : strstr(m->domain, "DRAM") ? "energy-pkg energy-ram"
                                         : usual[0]);
    m->resolution = m->channel[0].scale;
    return true;
}

static void perf_read(struct meter *m, double *value, struct error *e)
{
    const struct counters *s = m->state;
    for (size_t i = 0; i < m->n; i++) {
        unsigned long long count;
        bool ok = read(s->fd[i], &count, sizeof count) == sizeof count;
        if (!ok) fail(e, "%s: found nothing to read", m->channel[i].name);
        value[i] = ok ? (double)count * m->channel[i].scale : NAN;
    }
}

static void perf_close(struct meter *m)
{
    struct counters *s = m->state;
    for (size_t i = 0; s && i < s->n; i++) close(s->fd[i]);
    free(s);
}

#else

static bool perf_open(struct meter *m, const char *words, struct error *e)
{
    (void)m, (void)words;
    return fail(e, "perf: found no perf events on this system, expected Linux");
}

static void perf_read(struct meter *m, double *value, struct error *e)
{
    (void)m, (void)value, (void)e; /* never open */
}

static void perf_close(struct meter *m)
{
    (void)m;
}

#endif

const struct meter_source meter_source_perf = {
    .name = "perf",
    .automatic = true,
    .interval_s = 0.002,
    .open = perf_open,
    .read = perf_read,
    .close = perf_close,
};
