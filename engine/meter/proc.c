/* proc.c - the texts under /proc. process_tree.c makes a tree of them.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/meter/proc_text.h"

enum proc_found proc_text(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT || errno == ESRCH ? PROC_GONE : PROC_UNREADABLE;
    size_t n = 0;
    ssize_t got = 0;
    while (n < size - 1 && ((got = read(fd, buf + n, size - 1 - n)) > 0 || (got < 0 && errno == EINTR)))
        n += got > 0 ? (size_t)got : 0;
    int why = errno;
    close(fd);
    buf[n] = '\0';
    if (got < 0) return why == ESRCH ? PROC_GONE : PROC_UNREADABLE; /* it ended between open and read */
    return PROC_FOUND;
}

bool proc_stat_parse(struct proc_stat *s, const char *line)
{
    /* PID (NAME) STATE PPID ...: what follows the name holds no parenthesis, so the last one ends it. Fields are numbered from
     * 1 as in proc(5). */
    const char *open = strchr(line, '('), *rest = strrchr(line, ')');
    uint64_t utime, stime, start;
    int64_t cutime, cstime, rss;
    if (!open || !rest || rest < open || sscanf(line, "%d", &s->pid) != 1) return false;
    int n = sscanf(rest + 1,
                   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64
                   " %*d %*d %d %*d %" SCNu64 " %*u %" SCNd64,
                   &s->state, &s->parent, &utime, &stime, &cutime, &cstime, &s->threads, &start, &rss);
    if (n != 9) return false;
    double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    s->start = start;
    s->own_s = tick_s * ((double)utime + (double)stime);
    s->reaped_s = tick_s * ((double)cutime + (double)cstime);
    s->rss_bytes = rss > 0 ? (double)rss * (double)sysconf(_SC_PAGESIZE) : 0;
    return true;
}

/* The number after "KEY" at a line's beginning, or NAN. */
static double number_after(const char *text, const char *key)
{
    size_t n = strlen(key);
    double v;
    for (const char *s = text; s; s = strchr(s, '\n')) {
        s += *s == '\n';
        if (!strncmp(s, key, n)) return sscanf(s + n, "%lf", &v) == 1 ? v : NAN;
    }
    return NAN;
}

enum proc_found proc_rollup(const char *path, double *rss_bytes, double *pss_bytes)
{
    char text[2048];
    enum proc_found found = proc_text(path, text, sizeof text);
    if (found != PROC_FOUND) return found;
    *rss_bytes = 1024 * number_after(text, "Rss:");
    *pss_bytes = 1024 * number_after(text, "Pss:");
    if (isnan(*rss_bytes) || isnan(*pss_bytes)) return PROC_GONE; /* an ended process has no memory to list */
    return PROC_FOUND;
}

void proc_system_read(const char *proc, struct proc_system *s)
{
    char path[512], text[2048];
    double user, nice, system, irq, softirq, steal = 0;
    *s = (struct proc_system){NAN, NAN, NAN, NAN};
    if (!proc) proc = "/proc";
    snprintf(path, sizeof path, "%s/stat", proc);
    FILE *f = fopen(path, "re");
    double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    /* The line of interrupts is longer than the buffer; its pieces are digits and match nothing. */
    while (f && fgets(text, sizeof text, f)) {
        if (text[3] == ' ' &&
            sscanf(text, "cpu %lf %lf %lf %*f %*f %lf %lf %lf", &user, &nice, &system, &irq, &softirq, &steal) >= 5) {
            s->busy_s = tick_s * (user + nice + system + irq + softirq);
            s->steal_s = tick_s * steal;
        }
        if (sscanf(text, "processes %lf", &user) == 1) s->forks = user;
    }
    if (f) fclose(f);
    snprintf(path, sizeof path, "%s/meminfo", proc);
    if (proc_text(path, text, sizeof text) == PROC_FOUND)
        s->used_bytes = 1024 * (number_after(text, "MemTotal:") - number_after(text, "MemAvailable:"));
}
