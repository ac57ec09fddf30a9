/* SPDX-License-Identifier: MIT */
#include "engine/account/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keeps what can stand in one line of a profile, trimmed. */
static void copy_name(char *name, size_t size, const char *from)
{
    size_t n = 0;
    for (; *from && n + 1 < size; from++)
        if ((unsigned char)*from >= ' ' && *from != '#' && (n || *from != ' ')) name[n++] = *from;
    while (n && name[n - 1] == ' ') n--;
    name[n] = 0;
}

#ifdef __APPLE__
#include <sys/sysctl.h>

void machine_name(char *name, size_t size)
{
    char text[120];
    size_t n = sizeof text;
    copy_name(name, size, sysctlbyname("machdep.cpu.brand_string", text, &n, NULL, 0) ? "unknown CPU" : text);
}

double machine_llc(void)
{
    static const char *const names[] = {"hw.l3cachesize", "hw.perflevel0.l2cachesize", "hw.l2cachesize"};
    for (size_t i = 0; i < 3; i++) {
        long long bytes = 0;
        size_t n = sizeof bytes;
        if (!sysctlbyname(names[i], &bytes, &n, NULL, 0) && bytes > 0) return (double)bytes;
    }
    return 0;
}

#else

void machine_name(char *name, size_t size)
{
    char line[256];
    copy_name(name, size, "unknown CPU");
    FILE *f = fopen("/proc/device-tree/model", "r"); /* Arm boards: the CPU's own name is no more than a number there */
    if (f) {
        size_t n = fread(line, 1, sizeof line - 1, f);
        line[n] = 0;
        if (n) copy_name(name, size, line);
        fclose(f);
        if (n) return;
    }
    f = fopen("/proc/cpuinfo", "r");
    if (!f) return;
    while (fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon) continue;
        copy_name(name, size, colon + 1);
        break;
    }
    fclose(f);
}

/* The first core's cache of the highest level that holds data. */
double machine_llc(void)
{
    double found = 0;
    int highest = 0;
    for (int i = 0; i < 8; i++) {
        char path[80], text[32] = "";
        int level = 0;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        FILE *f = fopen(path, "r");
        if (!f) break;
        if (fscanf(f, "%d", &level) != 1) level = 0;
        fclose(f);
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        if (level <= highest || !(f = fopen(path, "r"))) continue;
        if (fgets(text, sizeof text, f)) {
            char *unit;
            double v = strtod(text, &unit);
            if (v > 0) found = v * (*unit == 'K' ? 1024.0 : *unit == 'M' ? 1048576.0 : 1.0), highest = level;
        }
        fclose(f);
    }
    return found;
}

#endif
