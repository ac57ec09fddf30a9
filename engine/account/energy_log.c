/* energy_log.c - see energy_log.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/energy_log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "loader/file.h"

/* ---- Columns ---- */

enum column { SESSION, DEVICE, THREADS, TOKENS, FILE_BYTES, TIME_S, IDLE_W, ENERGY_J, ENERGY_KIND, BYTES, N_REQUIRED };

static const char *const column_names[N_REQUIRED] = {"session", "device", "threads",  "tokens",      "file_bytes",
                                                     "time_s",  "idle_w", "energy_j", "energy_kind", "bytes"};

enum { MAX_FIELDS = 256, NOT_THERE = -1 };

/* Where in a line each figure stands. */
struct columns {
    int required[N_REQUIRED], classes[ENERGY_CLASSES];
};

static bool class_column(size_t c, char name[DEVICE_KEY])
{
    char word[DEVICE_KEY];
    if (!energy_class_name(c, word)) return false;
    snprintf(name, DEVICE_KEY, "%s.%.40s", c == ENERGY_VECTOR ? "bytes" : "flops", word);
    return true;
}

/* Where `name` says that figure stands, NULL if it is not a column of ours. */
static int *find_column(struct columns *columns, const char *name)
{
    char class[DEVICE_KEY];
    for (size_t c = 0; c < N_REQUIRED; c++)
        if (!strcmp(column_names[c], name)) return &columns->required[c];
    for (size_t c = 0; c < ENERGY_CLASSES; c++)
        if (class_column(c, class) && !strcmp(class, name)) return &columns->classes[c];
    return NULL;
}

static bool read_head(struct columns *columns, char **fields, int n, struct error *e)
{
    char missing[256] = "";
    for (size_t c = 0; c < N_REQUIRED; c++) columns->required[c] = NOT_THERE;
    for (size_t c = 0; c < ENERGY_CLASSES; c++) columns->classes[c] = NOT_THERE;
    for (int i = 0; i < n; i++) {
        int *column = find_column(columns, fields[i]);
        /* A misspelt class would be taken for one that did no work. */
        if (!column && (!strncmp(fields[i], "flops.", 6) || !strncmp(fields[i], "bytes.", 6)))
            return fail(e, "found column '%.60s', expected a class such as flops.linear.q4_K, flops.attend or bytes.vector",
                        fields[i]);
        if (!column) continue;
        if (*column != NOT_THERE) return fail(e, "found a second column '%s', expected one", fields[i]);
        *column = i;
    }
    for (size_t c = 0; c < N_REQUIRED; c++)
        if (columns->required[c] == NOT_THERE) {
            if (*missing) strcat(missing, ", ");
            strcat(missing, column_names[c]);
        }
    return !*missing || fail(e, "found no column %s, expected them all", missing);
}

/* ---- Lines ---- */

static bool read_number(double *v, const char *field, const char *name, double min, double max, struct error *e)
{
    char *end;
    *v = strtod(field, &end);
    if (end == field || *end || !(*v >= min && *v <= max))
        return fail(e, "%s: found '%.40s', expected a number from %g to %g", name, field, min, max);
    return true;
}

static bool find_session(struct energy_log *log, size_t first, const char *name, size_t *session, struct error *e)
{
    if (!*name || strlen(name) >= ENERGY_SESSION_NAME)
        return fail(e, "session: found %zu characters, expected 1 to %d", strlen(name), ENERGY_SESSION_NAME - 1);
    for (size_t s = log->n_sessions; s-- > first;) /* runs of one session mostly follow each other */
        if (!strcmp(log->sessions[s], name)) {
            *session = s;
            return true;
        }
    if (log->n_sessions == ENERGY_MAX_SESSIONS)
        return fail(e, "found more than %d sessions, expected fewer", ENERGY_MAX_SESSIONS);
    void *p = memory_grow(log->sessions, &log->sessions_allocated, log->n_sessions + 1, sizeof *log->sessions);
    if (!p) return fail(e, "found no memory for %zu sessions", log->n_sessions + 1);
    log->sessions = p;
    *session = log->n_sessions++;
    strcpy(log->sessions[*session], name);
    return true;
}

static bool read_run(struct energy_log *log, const struct columns *columns, size_t first, char **fields, struct error *e)
{
    const int *at = columns->required;
    const char *device = fields[at[DEVICE]], *kind = fields[at[ENERGY_KIND]];
    if (!*device || strlen(device) >= DEVICE_TEXT)
        return fail(e, "device: found %zu characters, expected 1 to %d", strlen(device), DEVICE_TEXT - 1);
    if (*log->device && strcmp(log->device, device))
        return fail(e, "device: found '%.60s', expected '%.60s', as in the runs before", device, log->device);
    strcpy(log->device, device);
    if (!strcmp(kind, "none")) {
        log->without_energy++;
        return true;
    }
    if (!strcmp(kind, "modelled"))
        return fail(e, "energy_kind: found modelled joules, expected measured ones: nothing is fitted to its own predictions");
    if (strcmp(kind, "measured")) return fail(e, "energy_kind: found '%.40s', expected measured, modelled or none", kind);
    if (log->n == ENERGY_MAX_RUNS) return fail(e, "found more than %d runs, expected fewer", ENERGY_MAX_RUNS);
    struct energy_run *p = memory_grow(log->runs, &log->allocated, log->n + 1, sizeof *p);
    if (!p) return fail(e, "found no memory for %zu runs", log->n + 1);
    log->runs = p;
    struct energy_run *run = &p[log->n];
    *run = (struct energy_run){.session = 0};
    double threads;
    struct {
        double *to;
        enum column column;
        double min, max;
    } numbers[] = {
        {&threads, THREADS, 1, DEVICE_MAX_THREADS}, {&run->tokens, TOKENS, 1, 1e12}, {&run->file_bytes, FILE_BYTES, 0, 1e18},
        {&run->work.time_s, TIME_S, 1e-6, 1e9},     {&run->idle_w, IDLE_W, 0, 1e5},  {&run->energy_j, ENERGY_J, 1e-9, 1e12},
        {&run->work.bytes, BYTES, 0, 1e18},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!read_number(numbers[i].to, fields[at[numbers[i].column]], column_names[numbers[i].column], numbers[i].min,
                         numbers[i].max, e))
            return false;
    /* Some meters' logs have joules above idle, which would be fitted as if idle cost nothing. */
    if (run->energy_j < 0.5 * run->idle_w * run->work.time_s)
        return fail(e, "energy_j: found %g, expected gross joules, idle included: %g W for %g s alone are %g", run->energy_j,
                    run->idle_w, run->work.time_s, run->idle_w * run->work.time_s);
    if (threads != floor(threads)) return fail(e, "threads: found %g, expected a whole number", threads);
    run->threads = (int)threads;
    for (size_t c = 0; c < ENERGY_CLASSES; c++) {
        char name[DEVICE_KEY];
        if (columns->classes[c] == NOT_THERE || !class_column(c, name)) continue;
        if (!read_number(&run->work.work[c], fields[columns->classes[c]], name, 0, 1e21, e)) return false;
    }
    if (!find_session(log, first, fields[at[SESSION]], &run->session, e)) return false;
    log->n++;
    return true;
}

/* ---- Files ---- */

static bool read_text(struct energy_log *log, char *text, size_t size, struct error *e)
{
    struct columns columns;
    size_t first = log->n_sessions;
    int n_head = 0, number = 1;
    char place[32];
    if (memchr(text, 0, size)) return fail(e, "found a NUL byte, expected text");
    for (char *line = text + utf8_mark(text), *next; *line; line = next, number++) {
        char *fields[MAX_FIELDS], *end = strchr(line, '\n');
        next = end ? end + 1 : line + strlen(line);
        if (!end) end = next;
        if (end > line && end[-1] == '\r') end--;
        *end = 0;
        if (line[strspn(line, " \t")] == 0 || *line == '#') continue;
        snprintf(place, sizeof place, "line %d", number);
        int n = (int)csv_split(line, ',', fields, MAX_FIELDS, e);
        if (!n) return fail_in(e, place);
        bool ok = true;
        if (!n_head) {
            n_head = n;
            ok = read_head(&columns, fields, n, e);
        } else {
            ok = n == n_head ? read_run(log, &columns, first, fields, e)
                             : fail(e, "found %d fields, expected %d, as many as columns", n, n_head);
        }
        if (!ok) return fail_in(e, place);
    }
    return n_head || fail(e, "found no line, expected the names of columns");
}

/* A run and its session's name, to be put in order. */
struct named_run {
    const struct energy_run *run;
    const char *session;
};

static int by_name_and_figures(const void *a, const void *b)
{
    const struct named_run *x = a, *y = b;
    const struct energy_run *p = x->run, *q = y->run;
    int name = strcmp(x->session, y->session);
    if (name) return name;
    if (p->work.time_s != q->work.time_s) return p->work.time_s < q->work.time_s ? -1 : 1;
    return (p->energy_j > q->energy_j) - (p->energy_j < q->energy_j);
}

/* A log that is given twice, or joined as well as by its parts, would count as sessions that confirm each other. No two windows
 * of as many digits are the same. */
static bool each_run_once(const struct energy_log *log, struct error *e)
{
    struct named_run *all = malloc((log->n + 1) * sizeof *all);
    if (!all) return fail(e, "found no memory for %zu runs", log->n);
    for (size_t i = 0; i < log->n; i++)
        all[i] = (struct named_run){&log->runs[i], log->sessions[log->runs[i].session]};
    qsort(all, log->n, sizeof *all, by_name_and_figures);
    bool ok = true;
    for (size_t i = 1; ok && i < log->n; i++) {
        const struct energy_run *run = all[i].run;
        if (all[i - 1].run->session != run->session && !by_name_and_figures(&all[i - 1], &all[i]))
            ok = fail(e, "session '%.60s': found the run of %.9g s and %.9g J in another log too, expected each once",
                      all[i].session, run->work.time_s, run->energy_j);
    }
    free(all);
    return ok;
}

bool energy_log_read(struct energy_log *log, const char *path, struct error *e)
{
    size_t size;
    char *text = file_read(path, (size_t)1 << 30, &size, e);
    if (!text) return false;
    bool ok = read_text(log, text, size, e) && each_run_once(log, e);
    free(text);
    return ok || fail_in(e, path);
}

void energy_log_free(struct energy_log *log)
{
    free(log->runs);
    free(log->sessions);
    *log = (struct energy_log){.runs = NULL};
}

void energy_log_head(FILE *f)
{
    char name[DEVICE_KEY];
    for (size_t c = 0; c < N_REQUIRED; c++) fprintf(f, "%s%s", c ? "," : "", column_names[c]);
    for (size_t c = 0; c < ENERGY_CLASSES; c++)
        if (class_column(c, name)) fprintf(f, ",%s", name);
    fputc('\n', f);
}

static void put_number(FILE *f, double v)
{
    fputc(',', f);
    if (isfinite(v)) fprintf(f, "%.17g", v);
}

void energy_log_run(FILE *f, const struct energy_run *run, const char *session, const char *device, const char *kind)
{
    char name[DEVICE_KEY];
    csv_put(f, session);
    fputc(',', f);
    csv_put(f, device);
    fprintf(f, ",%d", run->threads);
    const double figures[] = {run->tokens, run->file_bytes, run->work.time_s, run->idle_w, run->energy_j};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) put_number(f, figures[i]);
    fprintf(f, ",%s", kind);
    put_number(f, run->work.bytes);
    for (size_t c = 0; c < ENERGY_CLASSES; c++)
        if (class_column(c, name)) put_number(f, run->work.work[c]);
    fputc('\n', f);
}
