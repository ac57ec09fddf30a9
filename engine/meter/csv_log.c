/* SPDX-License-Identifier: MIT */
#include "engine/meter/csv_log.h"

#include "base/csv.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COLUMNS = 256, CHUNK = 1 << 18, MAX_LINE = 1 << 16 };

static const char *const quantity_names[LOG_QUANTITIES] = {"time", "power", "voltage", "current", "energy"};

/* Names of columns that loggers write. Counted energy is never taken unasked: loggers add it up from the samples that they did
 * not lose. FNIRSI loggers: timestamp voltage_V current_A. pyummeter (UM24C, UM25C, UM34C): Date;Voltage (V);... */
static const char *const usual[LOG_QUANTITIES][8] = {
    [LOG_TIME] = {"timestamp", "time", "Date", "time_s", "Time", "t"},
    [LOG_POWER] = {"power", "power_W", "Power (W)", "watts", "Power"},
    [LOG_VOLTAGE] = {"voltage_V", "voltage", "Voltage (V)", "Voltage"},
    [LOG_CURRENT] = {"current_A", "current", "Current (A)", "Intensity (A)", "intensity", "Current"},
};

static const struct unit {
    enum quantity q;
    const char *name;
    double size;
} units[] = {
    {LOG_TIME, "s", 1},       {LOG_TIME, "ms", 1e-3},    {LOG_TIME, "us", 1e-6}, {LOG_POWER, "W", 1},
    {LOG_POWER, "mW", 1e-3},  {LOG_POWER, "uW", 1e-6},   {LOG_VOLTAGE, "V", 1},  {LOG_VOLTAGE, "mV", 1e-3},
    {LOG_CURRENT, "A", 1},    {LOG_CURRENT, "mA", 1e-3}, {LOG_ENERGY, "J", 1},   {LOG_ENERGY, "mJ", 1e-3},
    {LOG_ENERGY, "Wh", 3600}, {LOG_ENERGY, "mWh", 3.6},
};

bool csv_log_open(struct csv_log *l, const char *path, struct error *e)
{
    struct stat s;
    *l = (struct csv_log){.path = path, .fd = -1, .hour_key = -1};
    for (int q = 0; q < LOG_QUANTITIES; q++) l->want[q].column = -1;
    if (stat(path, &s)) return fail(e, "%s: %s", path, strerror(errno));
    if (!S_ISREG(s.st_mode)) return fail(e, "%s: found no regular file, expected a meter's log", path);
    l->fd = open(path, O_RDONLY | O_CLOEXEC);
    return l->fd >= 0 || fail(e, "%s: %s", path, strerror(errno));
}

void csv_log_close(struct csv_log *l)
{
    if (l->fd >= 0) close(l->fd);
    free(l->header);
    free(l->rest);
    l->fd = -1;
}

bool csv_log_want(struct csv_log *l, enum quantity q, const char *text, struct error *e)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    if (!len || len >= sizeof l->want[q].name)
        return fail(e, "%s=%.80s: expected a column of at most %zu characters", quantity_names[q], text,
                    sizeof l->want[q].name - 1);
    if (colon) {
        double size = 0;
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (units[i].q == q && !strcmp(units[i].name, colon + 1)) size = units[i].size;
        if (!size)
            return fail(e, "%s=%.80s: found unit '%.20s', expected one of its units (mW, ms, Wh ...)", quantity_names[q], text,
                        colon + 1);
        l->want[q].unit = size;
    }
    snprintf(l->want[q].name, sizeof l->want[q].name, "%.*s", (int)len, text);
    if (q != LOG_TIME) l->chosen = true;
    return true;
}

/* ---- Fields ---- */

static bool number(const char *field, double *v)
{
    char *end;
    *v = strtod(field, &end);
    return end != field && !*end && isfinite(*v);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. Source: H. Hinnant, "chrono-compatible low-level date algorithms".
 */
static double days(int y, int m, int d)
{
    y -= m <= 2;
    int era = (y >= 0 ? y : y - 399) / 400, year = y - era * 400, day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097.0 + (year * 365 + year / 4 - year / 100 + day) - 719468;
}

/* "2026-01-31 12:00:00.25", with 'T' for the blank and, after it, Z or +01:00; without: local time. */
static bool date(struct csv_log *l, const char *text, double *t)
{
    int y, mo, d, h, mi, used = 0, zh, zm;
    char *end, sign;
    if (sscanf(text, "%4d-%2d-%2d%*1[ T]%2d:%2d:%n", &y, &mo, &d, &h, &mi, &used) < 5 || !used) return false;
    double s = strtod(text + used, &end), offset = 0;
    if (end == text + used || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 ||
        !(s >= 0 && s < 61))
        return false;
    if (sscanf(end, "%c%2d:%2d", &sign, &zh, &zm) == 3 && (sign == '+' || sign == '-')) {
        offset = (sign == '-' ? -1 : 1) * (zh * 3600.0 + zm * 60.0);
    } else if (!*end) { /* mktime is slow and the offset changes on the hour at most */
        int key = ((y % 1000 * 12 + mo) * 31 + d) * 24 + h;
        if (key != l->hour_key) {
            struct tm tm = {.tm_year = y - 1900, .tm_mon = mo - 1, .tm_mday = d, .tm_hour = h, .tm_isdst = -1};
            l->hour_offset = days(y, mo, d) * 86400 + h * 3600.0 - (double)mktime(&tm);
            l->hour_key = key;
        }
        offset = l->hour_offset;
    } else if (strcmp(end, "Z")) {
        return false;
    }
    *t = days(y, mo, d) * 86400 + h * 3600.0 + mi * 60.0 + s - offset;
    return true;
}

/* Seconds. Without a unit, a number so large that it would lie beyond the year 5000 counts milli-, micro- or nanoseconds. */
static bool time_of(struct csv_log *l, const char *f, double *t)
{
    if (!number(f, t)) return date(l, f, t);
    double unit = l->want[LOG_TIME].unit;
    *t *= unit > 0 ? unit : *t > 1e17 ? 1e-9 : *t > 1e14 ? 1e-6 : *t > 1e11 ? 1e-3 : 1;
    return true;
}

/* ---- The header ---- */

static int column_called(char *const *f, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(f[i], name)) return (int)i;
    char *end;
    unsigned long k = strtoul(name, &end, 10);
    return *name >= '1' && *name <= '9' && !*end && k <= MAX_COLUMNS ? (int)k - 1 : -1;
}

static bool missing(const struct csv_log *l, const char *expected, struct error *e)
{
    return fail(e, "%s: found the columns '%.200s', expected %s; name them: csv:FILE,time=NAME,power=NAME:UNIT", l->path,
                l->header, expected);
}

/* Finds the columns in the first line. */
static bool read_header(struct csv_log *l, char *line, struct error *e)
{
    char *f[MAX_COLUMNS];
    line += utf8_mark(line);
    if (!(l->header = strdup(line))) return fail(e, "%s: found no memory", l->path);
    l->separator = strchr(line, ';') ? ';' : strchr(line, ',') ? ',' : strchr(line, '\t') ? '\t' : ' ';
    size_t n = csv_split(line, l->separator, f, MAX_COLUMNS, e);
    if (!n) return fail_in(e, l->path);
    for (int q = 0; q < LOG_QUANTITIES; q++) {
        char expected[100];
        snprintf(expected, sizeof expected, "%s", l->want[q].name);
        if (*l->want[q].name) {
            if ((l->want[q].column = column_called(f, n, l->want[q].name)) < 0) return missing(l, expected, e);
        } else if (q == LOG_TIME || !l->chosen) {
            for (int i = 0; i < 8 && usual[q][i] && l->want[q].column < 0; i++)
                for (size_t k = 0; k < n; k++)
                    if (!strcmp(f[k], usual[q][i])) l->want[q].column = (int)k;
        }
    }
    if (l->want[LOG_TIME].column < 0) return missing(l, "a time (timestamp, time, Date)", e);
    bool pair = l->want[LOG_VOLTAGE].column >= 0 && l->want[LOG_CURRENT].column >= 0;
    if (l->want[LOG_POWER].column < 0 && l->want[LOG_ENERGY].column < 0 && !pair)
        return missing(l, "power (power, power_W), or voltage and current (voltage_V, current_A)", e);
    return true;
}

/* ---- Rows ---- */

/* Counts a row that can't be used, and keeps of the first one what was found. */
static bool skip(struct csv_log *l, const char *found, const char *expected)
{
    if (!l->skipped++)
        snprintf(l->first_skipped, sizeof l->first_skipped, "line %zu: found '%.40s', expected %s", l->line, found, expected);
    return true;
}

static bool read_row(struct csv_log *l, char *line, bool (*row)(void *, const double *, struct error *), void *ctx,
                     struct error *e)
{
    char *f[MAX_COLUMNS], begin[41];
    double v[LOG_QUANTITIES], ignored;
    bool again = !strcmp(line, l->header); /* a logger that was started again, unless its columns have numbers for names */
    struct error why;
    snprintf(begin, sizeof begin, "%s", line); /* what a remark can show of it, once it is cut */
    size_t n = csv_split(line, l->separator, f, MAX_COLUMNS, &why);
    if (again && n && !number(f[0], &ignored)) return true;
    if (!n) return skip(l, begin, "fields, with an end to each quote");
    for (int q = 0; q < LOG_QUANTITIES; q++) {
        int k = l->want[q].column;
        v[q] = NAN;
        if (k < 0) continue;
        if ((size_t)k >= n) return skip(l, begin, "as many columns as the header has");
        bool ok = q == LOG_TIME ? time_of(l, f[k], &v[q]) : number(f[k], &v[q]);
        if (!ok) return skip(l, f[k], q == LOG_TIME ? "a time" : "a number");
        if (q != LOG_TIME && l->want[q].unit > 0) v[q] *= l->want[q].unit;
    }
    return row(ctx, v, e);
}

static bool read_line(struct csv_log *l, char *line, size_t n, bool (*row)(void *, const double *, struct error *), void *ctx,
                      struct error *e)
{
    l->line++;
    while (n && (line[n - 1] == '\r' || line[n - 1] == ' ')) n--;
    line[n] = 0;
    if (!n || *line == '#' || strlen(line) < n) return true; /* empty, a remark, or a line with NUL bytes after a crash */
    if (l->separator) return read_row(l, line, row, ctx, e);
    return read_header(l, line, e);
}

bool csv_log_read(struct csv_log *l, bool (*row)(void *ctx, const double v[LOG_QUANTITIES], struct error *e), void *ctx,
                  struct error *e)
{
    struct stat s;
    if (fstat(l->fd, &s)) return fail(e, "%s: %s", l->path, strerror(errno));
    if (s.st_size < l->offset)
        return fail(e, "%s: found %lld bytes, expected a log that grows from the %lld it had", l->path, (long long)s.st_size,
                    (long long)l->offset);
    for (;;) {
        char *buffer = memory_grow(l->rest, &l->rest_capacity, l->rest_len + CHUNK + 1, 1);
        if (!buffer) return fail(e, "%s: found no memory", l->path);
        l->rest = buffer;
        ssize_t got = pread(l->fd, buffer + l->rest_len, CHUNK, l->offset);
        if (got < 0) return fail(e, "%s: %s", l->path, strerror(errno));
        if (!got) return true;
        l->offset += got;
        char *p = buffer, *end = buffer + l->rest_len + (size_t)got, *newline;
        for (; (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1)
            if (!read_line(l, p, (size_t)(newline - p), row, ctx, e)) return false;
        l->rest_len = (size_t)(end - p);
        if (l->rest_len > MAX_LINE)
            return fail(e, "%s: line %zu: found more than %d bytes, expected a row", l->path, l->line + 1, MAX_LINE);
        memmove(buffer, p, l->rest_len);
    }
}
