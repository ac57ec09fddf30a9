/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The number in the first line of a one-number file; UINT64_MAX if it has none ("max"). */
static uint64_t read_number(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) return UINT64_MAX;
    unsigned long long v;
    int n = fscanf(f, "%llu", &v);
    fclose(f);
    return n == 1 ? v : UINT64_MAX;
}

/* Of the group's use, the pages that only cache files: it gets them back when it needs them, a mapped model's among them. */
static uint64_t group_file_cache(void)
{
    uint64_t sum = 0;
    unsigned long long v;
    char line[128];
    FILE *f = fopen("/sys/fs/cgroup/memory.stat", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "inactive_file %llu", &v) == 1 || sscanf(line, "active_file %llu", &v) == 1) sum += v;
    if (f) fclose(f);
    return sum;
}

static uint64_t system_available(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    if (f) {
        char line[128];
        unsigned long long kb = 0;
        while (fgets(line, sizeof line, f) && sscanf(line, "MemAvailable: %llu", &kb) != 1) {}
        fclose(f);
        if (kb) return kb * 1024;
    }
#ifdef _SC_PHYS_PAGES
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    if (pages > 0 && size > 0) return (uint64_t)pages * (uint64_t)size;
#endif
    return UINT64_MAX;
}

uint64_t memory_available(void)
{
    uint64_t system = system_available();
    uint64_t limit = read_number("/sys/fs/cgroup/memory.max"), used = read_number("/sys/fs/cgroup/memory.current");
    uint64_t group = UINT64_MAX;
    if (limit != UINT64_MAX && used != UINT64_MAX) {
        uint64_t cache = group_file_cache();
        used -= cache < used ? cache : used;
        group = limit > used ? limit - used : 0;
    }
    return system < group ? system : group;
}

uint64_t memory_peak(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u)) return 0;
#ifdef __APPLE__
    return (uint64_t)u.ru_maxrss;
#else
    return (uint64_t)u.ru_maxrss * 1024;
#endif
}

void *memory_new(size_t bytes)
{
    void *p;
    if (bytes > SIZE_MAX - 64 || posix_memalign(&p, 64, bytes ? bytes : 1)) return NULL;
    memset(p, 0, bytes);
    return p;
}
