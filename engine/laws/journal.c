/* SPDX-License-Identifier: MIT */
#include "engine/laws/journal.h"

#include "base/json.h"
#include "loader/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 1 << 28 };
#define FIRST_LINE "{\"kind\": \"sweep\", \"sha256\": \"%s\"}"
static const char advice_of_own[] = "name another folder, or --restart",
                  not_regular[] = "found no regular file, expected one to append to";

struct journal {
    int fd;
    char *path;
    size_t n_fields; /* of a window */
};

/* ---- Lines ---- */

/* A figure of a line: its name, and where it is in a struct. */
struct field {
    const char *name;
    size_t offset;
    bool integer;
};

#define REAL(type, member)                                                                                                     \
    {                                                                                                                          \
#member, offsetof(type, member), false                                                                                 \
    }
#define WHOLE(type, member)                                                                                                    \
    {                                                                                                                          \
#member, offsetof(type, member), true                                                                                  \
    }
static const struct field window_fields[] = {
    WHOLE(struct sweep_window, model),   WHOLE(struct sweep_window, point),    WHOLE(struct sweep_window, repeat),
    WHOLE(struct sweep_window, passes),  REAL(struct sweep_window, prefill_s), REAL(struct sweep_window, decode_s),
    REAL(struct sweep_window, sample_s), REAL(struct sweep_window, window_s),  REAL(struct sweep_window, cpu_s),
    REAL(struct sweep_window, rss_bs),   REAL(struct sweep_window, pss_bs),    REAL(struct sweep_window, system_cpu_s),
    REAL(struct sweep_window, energy_j), REAL(struct sweep_window, pace_prefill), REAL(struct sweep_window, pace_decode),
    /* of pictures alone */
    REAL(struct sweep_window, vision_s), REAL(struct sweep_window, read_s),    REAL(struct sweep_window, resize_s),
};
static const struct field idle_fields[] = {
    REAL(struct idle_use, at),  REAL(struct idle_use, time_s), REAL(struct idle_use, cpu),
    REAL(struct idle_use, rss), REAL(struct idle_use, pss),    REAL(struct idle_use, watts),
};
enum {
    N_PICTURE = sizeof window_fields / sizeof *window_fields,
    N_WINDOW = N_PICTURE - 3,
    N_IDLE = sizeof idle_fields / sizeof *idle_fields,
};

/* Takes `"NAME": VALUE`, with what stands around it, off a line of our own writing. */
static bool take_field(const char **line, const struct field *f, void *into)
{
    char *end, *at = (char *)into + f->offset;
    size_t n = strlen(f->name);
    const char *p = *line;
    if (strncmp(p, ", \"", 3) || strncmp(p + 3, f->name, n) || strncmp(p + 3 + n, "\": ", 3)) return false;
    p += 3 + n + 3;
    if (f->integer) {
        long v = strtol(p, &end, 10);
        if (end == p || v < 0 || v > 1 << 24) return false;
        *(int *)(void *)at = (int)v;
    } else if (!strncmp(p, "null", 4)) {
        *(double *)(void *)at = NAN;
        end = (char *)p + 4;
    } else {
        double v = strtod(p, &end);
        if (end == p || !isfinite(v)) return false;
        *(double *)(void *)at = v;
    }
    *line = end;
    return true;
}

static bool take_fields(const char *line, const char *begin, const struct field *fields, size_t n, void *into)
{
    size_t length = strlen(begin);
    if (strncmp(line, begin, length)) return false;
    line += length;
    for (size_t i = 0; i < n; i++)
        if (!take_field(&line, &fields[i], into)) return false;
    return !strcmp(line, "}");
}

static void put_fields(struct json *j, const struct field *fields, size_t n, const void *from)
{
    for (size_t i = 0; i < n; i++) {
        const char *at = (const char *)from + fields[i].offset;
        if (fields[i].integer)
            json_put_integer(j, fields[i].name, *(const int *)(const void *)at);
        else
            json_put_number(j, fields[i].name, *(const double *)(const void *)at);
    }
}

/* ---- Reading ---- */

void take_idle(struct sweep *s, size_t first, const struct idle_use *before, const struct idle_use *after)
{
    for (size_t i = first; i < s->n_windows; i++) {
        struct sweep_window *w = &s->windows[i];
        double *to[] = {&w->idle_cpu, &w->idle_rss, &w->idle_pss, &w->idle_w};
        double a[] = {before->cpu, before->rss, before->pss, before->watts};
        double b[] = {NAN, NAN, NAN, NAN};
        if (after) b[0] = after->cpu, b[1] = after->rss, b[2] = after->pss, b[3] = after->watts;
        for (int k = 0; k < 4; k++) *to[k] = isnan(b[k]) ? a[k] : isnan(a[k]) ? b[k] : (a[k] + b[k]) / 2;
        w->session = before->at;
        w->idle_after = after;
    }
}

/* What a reader knows while it goes through the lines. */
struct reading {
    struct sweep *s;
    size_t session; /* its first window */
    struct idle_use before;
    bool begun;
};

static size_t n_fields(const struct sweep *s)
{
    return sweep_sees(&s->options) ? N_PICTURE : N_WINDOW;
}

static bool take_window(struct reading *r, const struct sweep_window *w)
{
    const struct sweep_options *o = &r->s->options;
    if (!r->begun || w->model >= o->n_models || w->point >= o->n_points || w->repeat >= o->repeats || w->passes < 1)
        return false;
    if (!(w->prefill_s >= 0 && w->vision_s >= 0 && w->prefill_s + w->vision_s > 0)) return false;
    if (!(w->decode_s >= 0 && w->window_s > 0)) return false;
    return sweep_has(r->s, w->model, w->point, w->repeat) || sweep_push(r->s, w);
}

static bool take_line(struct reading *r, const char *line)
{
    struct sweep_window w = {.idle_cpu = NAN};
    struct idle_use u = {.after = false};
    if (take_fields(line, "{\"kind\": \"window\"", window_fields, n_fields(r->s), &w)) return take_window(r, &w);
    if (take_fields(line, "{\"kind\": \"idle before\"", idle_fields, N_IDLE, &u)) {
        if (isnan(u.at)) return false;
        r->session = r->s->n_windows;
        r->before = u;
        r->begun = true;
        return true;
    }
    if (!r->begun || !take_fields(line, "{\"kind\": \"idle after\"", idle_fields, N_IDLE, &u)) return false;
    take_idle(r->s, r->session, &r->before, &u);
    return true;
}

/* Where the first member begins in which two texts of predictions differ: up to there they are the same. */
static size_t first_difference(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t i = 0, key = 0;
    for (; i < a_size && i < b_size && a[i] == b[i]; i++)
        if ((!i || a[i - 1] == ' ' || a[i - 1] == '{') && a[i] == '"' && i > 1 && a[i - 2] != ':') key = i;
    return key;
}

/* The member at `key`, as far as its value's end. */
static int member_length(const char *text, size_t size, size_t key)
{
    size_t n = 0;
    while (key + n < size && n < 60 && !strchr(",}\n", text[key + n])) n++;
    return (int)n;
}

/* Into `what` how the sweep that a journal's first line names differs, if its predictions still lie beside it; else nothing. */
static void tell_difference(const char *path, const char *line, const struct sweep *s, char *what, size_t n)
{
    char beside[PATH_MAX], found[SHA256_HEX];
    const char *slash = strrchr(path, '/');
    struct error ignored;
    struct sha256 h;
    size_t size;
    *what = '\0';
    if (snprintf(beside, sizeof beside, "%.*spredictions.json", slash ? (int)(slash + 1 - path) : 0, path) >= PATH_MAX) return;
    char *text = file_read(beside, MAX_BYTES, &size, &ignored);
    if (!text) return;
    sha256_begin(&h);
    sha256_add(&h, text, size);
    sha256_end(&h, found);
    size_t key = first_difference(text, size, s->predictions, s->predictions_size);
    if (strstr(line, found))
        snprintf(what, n, " (%.*s, here %.*s)", member_length(text, size, key), text + key,
                 member_length(s->predictions, s->predictions_size, key), s->predictions + key);
    free(text);
}

/* The line that names a sweep. */
static bool check_first(const char *line, const char *path, const char *advice, const struct sweep *s, struct error *e)
{
    char first[128], what[160];
    snprintf(first, sizeof first, FIRST_LINE, s->sha256);
    if (!strcmp(line, first)) return true;
    tell_difference(path, line, s, what, sizeof what);
    return fail(e, "%s: found windows of other settings, models or predictions%s: %s", path, what, advice);
}

/* All lines of the text, which they are cut out of. *whole: bytes of the lines that ended. */
static bool read_lines(char *text, size_t size, const char *path, const char *advice, struct sweep *s, size_t *whole,
                       struct error *e)
{
    struct reading r = {.s = s};
    int number = 0;
    for (*whole = 0; *whole < size;) {
        char *line = text + *whole, *end = memchr(line, '\n', size - *whole);
        if (!end) break; /* cut short by a kill */
        *end = '\0';
        *whole = (size_t)(end - text) + 1;
        size_t before = s->n_windows;
        if (!number++) {
            if (!check_first(line, path, advice, s, e)) return false;
            continue;
        }
        if (!take_line(&r, line))
            return fail(e, "%s: line %d: found '%.60s', expected a window of this sweep", path, number, line);
        if (s->n_windows > before) take_idle(s, before, &r.before, NULL);
    }
    return true;
}

static bool read_journal(const char *path, const char *advice, struct sweep *s, size_t *whole, struct error *e)
{
    size_t size;
    char *text = file_read(path, MAX_BYTES, &size, e);
    bool ok = text && read_lines(text, size, path, advice, s, whole, e);
    free(text);
    return ok;
}

bool journal_join(const char *path, struct sweep *s, struct error *e)
{
    size_t whole;
    return read_journal(path, "give the options, models and device profile that it was measured with", s, &whole, e);
}

/* ---- Writing ---- */

static bool append(struct journal *j, const char *line, size_t n, struct error *e)
{
    off_t before = lseek(j->fd, 0, SEEK_END);
    size_t done = 0;
    while (before >= 0 && done < n) {
        ssize_t k = write(j->fd, line + done, n - done);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) break;
        done += (size_t)k;
    }
    if (before >= 0 && done == n && !fsync(j->fd)) return true;
    int why = errno ? errno : EIO;
    if (before >= 0 && ftruncate(j->fd, before)) why = errno;
    return fail(e, "%s: cannot write: %s", j->path, strerror(why));
}

static bool append_line(struct journal *j, const char *kind, const struct field *fields, size_t n, const void *from,
                        struct error *e)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return fail(e, "%s: found no memory for a line", j->path);
    struct json json;
    json_begin(&json, f);
    json_object(&json);
    json_put_string(&json, "kind", kind);
    put_fields(&json, fields, n, from);
    json_object_end(&json);
    json_end(&json);
    bool ok = !fclose(f);
    ok = ok ? append(j, text, size, e) : fail(e, "%s: found no memory for a line", j->path);
    free(text);
    return ok;
}

bool journal_idle(struct journal *j, const struct idle_use *u, struct error *e)
{
    return append_line(j, u->after ? "idle after" : "idle before", idle_fields, N_IDLE, u, e);
}

bool journal_window(struct journal *j, const struct sweep_window *w, struct error *e)
{
    return append_line(j, "window", window_fields, j->n_fields, w, e);
}

static bool begin(struct journal *j, const struct sweep *s, struct error *e)
{
    char line[128];
    int n = snprintf(line, sizeof line, FIRST_LINE "\n", s->sha256);
    return append(j, line, (size_t)n, e);
}

bool journal_fits(const char *path, const struct sweep *s, struct error *e)
{
    char line[512] = "";
    struct stat st;
    if (stat(path, &st) && errno == ENOENT) return true;
    if (!S_ISREG(st.st_mode)) return fail(e, "%s: %s", path, not_regular);
    FILE *f = fopen(path, "r");
    if (!f) return fail(e, "%s: cannot open: %s", path, strerror(errno));
    char *end = fgets(line, sizeof line, f) ? strchr(line, '\n') : NULL;
    fclose(f);
    if (!end) return !*line || strlen(line) < sizeof line - 1 || fail(e, "%s: found no journal of a sweep in it", path);
    *end = '\0';
    return check_first(line, path, advice_of_own, s, e);
}

struct journal *journal_open(const char *path, struct sweep *s, struct error *e)
{
    struct stat st;
    struct journal *j = calloc(1, sizeof *j);
    if (!j || !(j->path = strdup(path))) {
        free(j);
        fail(e, "%s: found no memory", path);
        return NULL;
    }
    size_t whole = 0;
    bool ok = true;
    j->n_fields = n_fields(s);
    j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
    if (j->fd < 0 || fstat(j->fd, &st))
        ok = fail(e, "%s: cannot open: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        ok = fail(e, "%s: %s", path, not_regular);
    else if (flock(j->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) /* a file system without locks is no reason to fail */
        ok = fail(e, "%s: found it held by another hartree, expected no other in this folder", path);
    if (ok && st.st_size > 0) ok = read_journal(path, advice_of_own, s, &whole, e);
    if (ok && (off_t)whole < st.st_size && ftruncate(j->fd, (off_t)whole))
        ok = fail(e, "%s: cannot cut: %s", path, strerror(errno));
    if (ok && !whole) ok = begin(j, s, e);
    if (ok) return j;
    journal_close(j);
    return NULL;
}

void journal_close(struct journal *j)
{
    if (!j) return;
    if (j->fd >= 0) close(j->fd);
    free(j->path);
    free(j);
}
