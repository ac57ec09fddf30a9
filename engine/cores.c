/* cores.c - how many threads are worth starting: physical cores, as far as this process may use them.
 *
 * Two hardware threads of one core share the units that multiply, so the second adds little to a kernel that keeps them busy.
 * SPDX-License-Identifier: MIT */
#include "engine/pool.h"

#include "base/cgroup.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>

/* The lowest CPU among the hardware threads of cpu's core; cpu itself where the kernel does not tell. */
static int first_sibling(int cpu)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    FILE *f = fopen(path, "r");
    if (!f) return cpu;
    int first;
    if (fscanf(f, "%d", &first) != 1 || first < 0 || first > cpu) first = cpu;
    fclose(f);
    return first;
}

static int physical_cores(void)
{
    cpu_set_t allowed, seen;
    if (sched_getaffinity(0, sizeof allowed, &allowed)) {
        long n = sysconf(_SC_NPROCESSORS_ONLN); /* more than CPU_SETSIZE of them */
        return n > 0 ? (int)n : 1;
    }
    /* Cores are counted by their first hardware thread, whether or not that one is allowed itself. */
    CPU_ZERO(&seen);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &allowed)) CPU_SET(first_sibling(i), &seen);
    return CPU_COUNT(&seen);
}

/* CPUs' worth of time that the group in `dir` may use; INFINITY without a limit. v2: one file "QUOTA|max PERIOD"; v1: two. */
static double group_limit(const char *dir, bool v2)
{
    char path[PATH_MAX + 512];
    double quota = -1, period = 0;
    snprintf(path, sizeof path, "%s/%s", dir, v2 ? "cpu.max" : "cpu.cfs_quota_us");
    FILE *f = fopen(path, "r");
    if (!f) return INFINITY;
    int n = v2 ? fscanf(f, "%lf %lf", &quota, &period) : fscanf(f, "%lf", &quota); /* "max" reads as nothing */
    fclose(f);
    if (n < 1) return INFINITY;
    if (!v2) {
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", dir);
        if (!(f = fopen(path, "r"))) return INFINITY;
        if (fscanf(f, "%lf", &period) != 1) period = 0;
        fclose(f);
    }
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

static void take_least(void *ctx, const char *dir, bool v2)
{
    double *least = ctx;
    *least = fmin(*least, group_limit(dir, v2));
}

static double quota_cpus(void)
{
    double least = INFINITY;
    cgroup_visit("cpu", take_least, &least);
    return least;
}

#else

#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

static int physical_cores(void)
{
#if defined(__APPLE__)
    /* Performance cores first: an efficiency core would hold up every barrier. */
    static const char *const names[] = {"hw.perflevel0.physicalcpu", "hw.physicalcpu"};
    for (size_t i = 0; i < 2; i++) {
        int n = 0;
        size_t size = sizeof n;
        if (!sysctlbyname(names[i], &n, &size, NULL, 0) && n > 0) return n;
    }
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

static double quota_cpus(void) { return INFINITY; }

#endif

int pool_default_threads(void)
{
    double n = fmin(physical_cores(), ceil(quota_cpus()));
    return n < 1 ? 1 : n > POOL_MAX_THREADS ? POOL_MAX_THREADS : (int)n;
}
