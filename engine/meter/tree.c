/* SPDX-License-Identifier: MIT */
#include "engine/meter/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool tree_path(const struct meter *m, char *path, size_t size, const char *format, ...)
{
    int n = snprintf(path, size, "%s", m->root);
    va_list args;
    va_start(args, format);
    int k = n >= 0 && (size_t)n < size ? vsnprintf(path + n, size - (size_t)n, format, args) : -1;
    va_end(args);
    return k >= 0 && (size_t)n + (size_t)k < size;
}

bool tree_text(const char *path, char *text, size_t size, struct error *e)
{
    *text = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    int error = errno;
    if (fd >= 0) close(fd);
    if (n < 0) return fail(e, "%s: %s", path, strerror(error));
    text[n] = 0;
    text[strcspn(text, "\n")] = 0;
    size_t len = strlen(text);
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r')) text[--len] = 0;
    return true;
}

bool tree_number(const char *path, double *v, struct error *e)
{
    char text[64], *end;
    if (!tree_text(path, text, sizeof text, e)) return false;
    *v = strtod(text, &end);
    return (end != text && !*end && isfinite(*v)) || fail(e, "%s: found '%.40s', expected a number", path, text);
}

bool tree_exists(const char *path)
{
    return !access(path, F_OK);
}

void channels_read(struct meter *m, double *value, struct error *e)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct channel *c = &m->channel[i];
        double v, v2 = 1;
        bool ok = tree_number(c->path, &v, e) && (!*c->path2 || tree_number(c->path2, &v2, e));
        value[i] = ok ? v * v2 * c->scale : NAN;
    }
}

static int by_version(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    for (;; x++, y++) {
        if (*x >= '0' && *x <= '9' && *y >= '0' && *y <= '9') {
            unsigned long long i = strtoull(x, (char **)&x, 10), k = strtoull(y, (char **)&y, 10);
            if (i != k) return i < k ? -1 : 1;
        }
        if (*x != *y || !*x) return (unsigned char)*x - (unsigned char)*y;
    }
}

bool tree_list(const char *dir, bool (*visit)(void *ctx, const char *name, struct error *e), void *ctx, struct error *e)
{
    enum { MAX_ENTRIES = 4096 };
    DIR *d = opendir(dir);
    if (!d) return fail(e, "%s: %s", dir, strerror(errno));
    char **name = calloc(MAX_ENTRIES, sizeof *name);
    size_t n = 0;
    bool ok = name || fail(e, "%s: found no memory for its entries", dir);
    for (struct dirent *entry; ok && n < MAX_ENTRIES && (entry = readdir(d));) {
        if (*entry->d_name == '.') continue;
        ok = (name[n] = strdup(entry->d_name)) || fail(e, "%s: found no memory for its entries", dir);
        if (ok) n++;
    }
    closedir(d);
    if (ok) qsort(name, n, sizeof *name, by_version);
    for (size_t i = 0; ok && i < n; i++) ok = visit(ctx, name[i], e);
    for (size_t i = 0; i < n; i++) free(name[i]);
    free(name);
    return ok;
}
