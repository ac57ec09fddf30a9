/* pmic.c - the Raspberry Pi 5's own power management chip, by `vcgencmd pmic_read_adc`.
 *
 * It prints a line a rail: "VDD_CORE_A current(7)=0.75012000A", "VDD_CORE_V volt(15)=0.89369880V". Power is the sum of volts
 * times amperes over the rails that have both. What hangs on the 5 V input directly (USB, HATs, the fan) and the converters'
 * losses are not in it: EXT5V has a voltage alone. pmic:corrected estimates the board's input from the sum by a line that was
 * fitted on one board (jfikar/RPi5-power): W = 1.1451 sum + 0.5879. Other boards differ; the remark says so each time.
 *
 * A reading costs a process, so there are at most ten a second. Idle DDR rails often read as exactly 0 A, the converter's
 * floor.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/source.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const double correction_slope = 1.1451, correction_w = 0.5879; /* jfikar/RPi5-power */
static const double patience_s = 2;                                   /* with a program that does not answer */

enum { CORE, DDR, OTHER, CONSTANT, N_GROUPS, MAX_RAILS = 64 };
static const char *const group_names[N_GROUPS] = {"core", "ddr", "other rails", "correction"};

struct pmic {
    bool corrected;
    char throttled[32]; /* at the start */
};

/* All that comes through the pipe until then; NUL-terminated. */
static bool drain(int fd, double until, char *out, size_t size)
{
    size_t n = 0;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        double left = until - clock_now();
        if (left <= 0) return false;
        if (poll(&p, 1, (int)(left * 1e3) + 1) <= 0) continue; /* a signal, or the time is over */
        ssize_t k = read(fd, out + n, size - 1 - n);
        if (k < 0 || (k > 0 && n + (size_t)k == size - 1)) return false;
        n += (size_t)k;
        out[n] = 0;
        if (!k) return true;
    }
}

/* Waits until then for a program's end: one that closed its output may run on. */
static bool ended(pid_t pid, double until, int *status)
{
    for (;;) {
        pid_t got = waitpid(pid, status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR)) return true;
        if (clock_now() >= until) return false;
        nanosleep(&(struct timespec){0, 200000}, NULL);
    }
}

/* What `vcgencmd WORD` prints. */
static bool ask(const struct meter *m, const char *word, char *out, size_t size, struct error *e)
{
    char *argv[] = {(char *)m->vcgencmd, (char *)word, NULL};
    int fds[2], status = 0;
    pid_t pid;
    *out = 0;
    if (pipe(fds)) return fail(e, "%s: %s", m->vcgencmd, strerror(errno));
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO);
    int error = posix_spawnp(&pid, m->vcgencmd, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    double until = clock_now() + patience_s;
    bool answered = !error && drain(fds[0], until, out, size);
    close(fds[0]);
    if (error) return fail(e, "%s: %s", m->vcgencmd, strerror(error));
    answered = answered && ended(pid, until, &status);
    if (!answered) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        return fail(e, "%s %s: found no answer within %g s", m->vcgencmd, word, patience_s);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return fail(e, "%s %s: found '%.*s', expected its answer: is the user in the group video?", m->vcgencmd, word,
                    (int)strcspn(out, "\n"), out);
    return true;
}

struct rail {
    char name[32];
    double volts, amperes;
};

/* The rail called line[0..len), added if it is new; NULL if there are too many. */
static struct rail *find_rail(struct rail *rail, size_t *n, const char *line, size_t len)
{
    for (size_t i = 0; i < *n; i++)
        if (strlen(rail[i].name) == len && !memcmp(rail[i].name, line, len)) return &rail[i];
    if (*n == MAX_RAILS || len >= sizeof rail->name) return NULL;
    struct rail *r = &rail[(*n)++];
    *r = (struct rail){.volts = NAN, .amperes = NAN};
    memcpy(r->name, line, len);
    return r;
}

/* One line; true also for a line of another form, false for a figure that is none. */
static bool parse_line(const char *line, struct rail *rail, size_t *n, struct error *e)
{
    line += strspn(line, " \t");
    size_t len = strcspn(line, " \t\n");
    const char *equals = strchr(line, '=');
    bool volts = len > 2 && !strncmp(line + len - 2, "_V", 2), amperes = len > 2 && !strncmp(line + len - 2, "_A", 2);
    if (!equals || (!volts && !amperes)) return true;
    char *end;
    double v = strtod(equals + 1, &end);
    if (end == equals + 1 || *end != (volts ? 'V' : 'A') || !isfinite(v))
        return fail(e, "pmic_read_adc: found '%.60s', expected NAME=NUMBER%c", line, volts ? 'V' : 'A');
    struct rail *r = find_rail(rail, n, line, len - 2);
    if (!r) return fail(e, "pmic_read_adc: found more than %d rails, or a name that is too long", MAX_RAILS);
    if (volts)
        r->volts = v;
    else
        r->amperes = v;
    return true;
}

/* Watts by group from what the program printed. */
static bool parse(const char *text, double watts[N_GROUPS], struct error *e)
{
    struct rail rail[MAX_RAILS];
    size_t n = 0, pairs = 0;
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        char one[128];
        snprintf(one, sizeof one, "%.*s", (int)strcspn(line, "\n"), line);
        if (!parse_line(one, rail, &n, e)) return false;
    }
    for (int i = 0; i < N_GROUPS; i++) watts[i] = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(rail[i].amperes)) continue;
        if (isnan(rail[i].volts))
            return fail(e, "pmic_read_adc: found %s_A, expected %s_V with it", rail[i].name, rail[i].name);
        int g = !strcmp(rail[i].name, "VDD_CORE") ? CORE : !strncmp(rail[i].name, "DDR_", 4) ? DDR : OTHER;
        watts[g] += rail[i].volts * rail[i].amperes;
        pairs++;
    }
    return pairs || fail(e, "pmic_read_adc: found '%.60s', expected rails with their volts and amperes", text);
}

static bool throttled(const struct meter *m, char *out, size_t size, struct error *e)
{
    char text[256];
    if (!ask(m, "get_throttled", text, sizeof text, e)) return false;
    if (strncmp(text, "throttled=", 10)) return fail(e, "get_throttled: found '%.40s', expected throttled=NUMBER", text);
    snprintf(out, size, "%.*s", (int)strcspn(text + 10, "\n"), text + 10);
    return true;
}

static bool pmic_open(struct meter *m, const char *words, struct error *e)
{
    if (words && strcmp(words, "corrected")) return fail(e, "pmic:%.40s: expected pmic or pmic:corrected", words);
    struct pmic *s = m->state = calloc(1, sizeof *s);
    if (!s) return fail(e, "pmic: found no memory");
    s->corrected = words;
    if (!throttled(m, s->throttled, sizeof s->throttled, e)) return false;
    for (int i = 0; i < (s->corrected ? N_GROUPS : CONSTANT); i++)
        if (!meter_channel(m, group_names[i], false, e)) return false;
    snprintf(m->name, sizeof m->name, "%s", words ? "pmic:corrected" : "pmic");
    snprintf(m->domain, sizeof m->domain, "%s",
             words ? "the board's input, estimated from its rails" : "the board's rails, without 5 V loads and converters");
    return true;
}

static void pmic_read(struct meter *m, double *value, struct error *e)
{
    const struct pmic *s = m->state;
    char text[8192];
    double watts[N_GROUPS];
    bool ok = ask(m, "pmic_read_adc", text, sizeof text, e) && parse(text, watts, e);
    if (ok && s->corrected) {
        for (int i = 0; i < CONSTANT; i++) watts[i] *= correction_slope;
        watts[CONSTANT] = correction_w;
    }
    for (size_t i = 0; i < m->n; i++) value[i] = ok ? watts[i] : NAN;
}

static void pmic_finish(struct meter *m, struct energy *out)
{
    const struct pmic *s = m->state;
    struct error e;
    char after[32], said[sizeof out->remark];
    if (!throttled(m, after, sizeof after, &e)) snprintf(after, sizeof after, "unknown");
    snprintf(said, sizeof said, "%sthrottled %s before, %s after%s%.90s",
             s->corrected ? "1.1451 sum + 0.5879 W, fitted on one other board (jfikar/RPi5-power); " : "", s->throttled, after,
             *out->remark ? "; " : "", out->remark);
    memcpy(out->remark, said, sizeof said);
}

static void pmic_close(struct meter *m)
{
    free(m->state);
}

const struct meter_source meter_source_pmic = {
    .name = "pmic",
    .automatic = true,
    .interval_s = 0.1,
    .open = pmic_open,
    .read = pmic_read,
    .finish = pmic_finish,
    .close = pmic_close,
};
