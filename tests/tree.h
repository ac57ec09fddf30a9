/* tree.h - small trees of files in a temporary folder, as recorded from /sys, for tests. SPDX-License-Identifier: MIT */
#ifndef HARTREE_TEST_TREE_H
#define HARTREE_TEST_TREE_H

#include "tests/test.h"

#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree_root[256];

/* Writes text to tree_root/PATH, its folders made on the way. The file appears at once, as the system's do. */
static inline void tree_put(const char *path, const char *format, ...)
{
    char full[600], part[620];
    snprintf(full, sizeof full, "%s/%s", tree_root, path);
    for (char *p = full + strlen(tree_root) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(full, 0777);
        *p = '/';
    }
    snprintf(part, sizeof part, "%s.new", full);
    FILE *f = fopen(part, "w");
    if (!f) abort();
    va_list args;
    va_start(args, format);
    vfprintf(f, format, args);
    va_end(args);
    if (fclose(f) || rename(part, full)) abort();
}

/* A RAPL zone ("intel-rapl:0") as Linux shows it, its counter at `uj` microjoules. */
static inline void tree_put_zone(const char *zone, const char *name, double uj)
{
    char path[128];
    snprintf(path, sizeof path, "sys/class/powercap/%s/name", zone);
    tree_put(path, "%s\n", name);
    snprintf(path, sizeof path, "sys/class/powercap/%s/max_energy_range_uj", zone);
    tree_put(path, "262143328850\n");
    snprintf(path, sizeof path, "sys/class/powercap/%s/energy_uj", zone);
    tree_put(path, "%.0f\n", uj);
}

static inline int tree_remove_one(const char *path, const struct stat *s, int flag, struct FTW *w)
{
    (void)s, (void)flag, (void)w;
    return remove(path);
}

/* Removes tree_root/PATH and all below it. */
static inline void tree_remove(const char *path)
{
    char full[600];
    snprintf(full, sizeof full, "%s/%s", tree_root, path);
    nftw(full, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
