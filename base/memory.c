/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include "base/cgroup.h"

#include <limits.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* Of a group's use, the pages that only cache files: it gets them back when it needs them, a mapped model's among them. */
static uint64_t group_file_cache(const char *stat, bool v2)
{
    uint64_t sum = 0;
    unsigned long long v;
    char line[128];
    FILE *f = fopen(stat, "r");
    const char *inactive = v2 ? "inactive_file %llu" : "total_inactive_file %llu";
    const char *active = v2 ? "active_file %llu" : "total_active_file %llu";
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, inactive, &v) == 1 || sscanf(line, active, &v) == 1) sum += v;
    if (f) fclose(f);
    return sum;
}

/* Lowers *ctx to what the group in `dir` has left. v1 writes "no limit" as a number near 2^63, which lowers nothing. */
static void take_least(void *ctx, const char *dir, bool v2)
{
    uint64_t *least = ctx;
    char path[PATH_MAX + 512];
    snprintf(path, sizeof path, "%s/%s", dir, v2 ? "memory.max" : "memory.limit_in_bytes");
    uint64_t limit = read_number(path);
    if (limit == UINT64_MAX) return;
    snprintf(path, sizeof path, "%s/%s", dir, v2 ? "memory.current" : "memory.usage_in_bytes");
    uint64_t used = read_number(path);
    if (used == UINT64_MAX) return;
    snprintf(path, sizeof path, "%s/memory.stat", dir);
    uint64_t cache = group_file_cache(path, v2);
    used -= cache < used ? cache : used;
    uint64_t left = limit > used ? limit - used : 0;
    if (left < *least) *least = left;
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
    uint64_t least = system_available();
    cgroup_visit("memory", take_least, &least);
    return least;
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

void memory_peak_restart(void)
{
#ifdef __linux__
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (!f) return;
    fputc('5', f); /* proc(5): the peak becomes what is resident now */
    fclose(f);
#endif
}

void memory_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void *memory_new(size_t bytes)
{
    void *p;
    if (bytes > SIZE_MAX - 64 || posix_memalign(&p, 64, bytes ? bytes : 1)) return NULL;
    memset(p, 0, bytes);
    return p;
}

void *memory_grow(void *p, size_t *capacity, size_t need, size_t element)
{
    if (p && need <= *capacity) return p;
    size_t more = *capacity < SIZE_MAX / 2 ? *capacity + *capacity / 2 : need;
    if (more < need) more = need;
    if (more < 64) more = 64;
    void *q = more <= SIZE_MAX / element ? realloc(p, more * element) : NULL;
    if (q) *capacity = more;
    return q;
}

/* ---- Huge pages ---- */

#if defined(__linux__)

/* Bytes of a huge page, where a program that asks for them may get them; else 0. */
static size_t huge_page(void)
{
    char line[64] = "";
    FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
    if (!f) return 0;
    if (!fgets(line, sizeof line, f)) *line = 0;
    fclose(f);
    if (!strstr(line, "[always]") && !strstr(line, "[madvise]")) return 0;
    uint64_t size = read_number("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
    return size < 1 << 30 && !(size & (size - 1)) ? (size_t)size : 0;
}

static size_t whole_pages(size_t bytes, size_t page) { return (bytes + page - 1) / page * page; }

/* Mapped one page too long, then cut to begin and end at borders of huge pages. */
void *memory_huge(size_t bytes)
{
    size_t page = huge_page(), size = page ? whole_pages(bytes, page) : 0;
    if (bytes < page || size < bytes || !page || size > SIZE_MAX - page) return NULL;
    char *p = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    size_t head = (page - (uintptr_t)p % page) % page;
    if (head) munmap(p, head);
    if (page - head) munmap(p + head + size, page - head);
    p += head;
    if (!madvise(p, size, MADV_HUGEPAGE)) return p;
    munmap(p, size);
    return NULL;
}

void memory_huge_free(void *p, size_t bytes)
{
    if (p) munmap(p, whole_pages(bytes, huge_page()));
}

#else

void *memory_huge(size_t bytes)
{
    (void)bytes;
    return NULL;
}

void memory_huge_free(void *p, size_t bytes)
{
    (void)p;
    (void)bytes;
}

#endif
