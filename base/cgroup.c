/* SPDX-License-Identifier: MIT */
#include "base/cgroup.h"

#include <stdio.h>
#include <string.h>

enum { MAX_LINE = 4352 }; /* the longest path and what stands before it */

/* Whether `word` is one of the words of `list`, which commas separate. */
static bool lists(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (;; list++) {
        size_t n = strcspn(list, ",");
        if (n == len && !memcmp(list, word, n)) return true;
        list += n;
        if (!*list) return false;
    }
}

/* The group at `path` under `root`, then each parent, the root last. */
static void climb(const char *root, const char *path, bool v2, void (*visit)(void *ctx, const char *dir, bool v2), void *ctx)
{
    char dir[MAX_LINE + 64];
    size_t len = strlen(path);
    while (len && path[len - 1] == '/') len--;
    for (;;) {
        snprintf(dir, sizeof dir, "%s%.*s", root, (int)len, path);
        visit(ctx, dir, v2);
        if (!len) return;
        while (len && path[len - 1] != '/') len--;
        while (len && path[len - 1] == '/') len--;
    }
}

void cgroup_visit(const char *controller, void (*visit)(void *ctx, const char *dir, bool v2), void *ctx)
{
    FILE *f = fopen("/proc/self/cgroup", "r");
    char line[MAX_LINE];
    while (f && fgets(line, sizeof line, f)) {
        /* "NUMBER:CONTROLLERS:PATH"; v2 has number 0 and no controllers */
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path) continue;
        *controllers++ = *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        if (!*controllers) {
            climb("/sys/fs/cgroup", path, true, visit, ctx);
            climb("/sys/fs/cgroup/unified", path, true, visit, ctx); /* where v1 is mounted beside it */
        } else if (lists(controllers, controller)) {
            char root[64];
            snprintf(root, sizeof root, "/sys/fs/cgroup/%.32s",
                     controller); /* "cpu" is a link where "cpu,cpuacct" is the folder */
            climb(root, path, false, visit, ctx);
        }
    }
    if (f) fclose(f);
}
