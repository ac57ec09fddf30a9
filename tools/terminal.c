/* terminal.c - the process's surroundings: standard streams, signals, a progress line, where models are.
 * SPDX-License-Identifier: MIT */
#include "tools/cli.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

#include "base/clock.h"
#include "loader/file.h"

void streams_prepare(void)
{
    /* Opened the wrong way round, so that using a stream that was closed is still an error. */
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd) _exit(EXIT_FAILED);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file above the limit is a write error too */
}

/* ---- Signals ---- */

volatile int interrupted;

static void on_signal(int number)
{
    if (interrupted) {
        file_output_cleanup();
        _exit(128 + number);
    }
    interrupted = number;
}

void signals_catch(void)
{
    /* No SA_RESTART: a command that waits for a line of input is to see the signal at once. */
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    /* A terminal that goes away must leave no half-written file; under nohup it is not to end anything. */
    struct sigaction old;
    if (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN) sigaction(SIGHUP, &a, NULL);
}

/* ---- Progress ---- */

static bool line_shown;

void progress_clear(void)
{
    if (!line_shown) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    line_shown = false;
}

/* `of`: what else to say of how far it is; "". */
static void show_progress(const char *what, const char *of, uint64_t done, uint64_t total)
{
    static double start, last, first;
    static char current[32];
    if (common.quiet || !isatty(STDERR_FILENO)) return;
    double now = clock_now();
    if (strncmp(current, what, sizeof current - 1)) {
        snprintf(current, sizeof current, "%s", what);
        start = now;
        last = 0;
        first = total ? (double)done / (double)total : 0; /* of what goes on, the rest alone says how fast it is */
    }
    if (done >= total) {
        progress_clear();
        current[0] = '\0';
        return;
    }
    if (now - last < 0.1) return; /* more is flicker */
    last = now;
    double share = (double)done / (double)total, left = share > first ? (now - start) * (1 - share) / (share - first) : 0;
    fprintf(stderr, "\r\033[K%s %3.0f %%%s", current, 100 * share, of);
    if (now - start > 1 && share > first)
        left < 120 ? fprintf(stderr, "  %.0f s left", left) : fprintf(stderr, "  %.0f min left", left / 60);
    fflush(stderr);
    line_shown = true;
}

void progress(const char *what, uint64_t done, uint64_t total)
{
    show_progress(what, "", done, total);
}

void progress_windows(void *ctx, double done_s, double total_s, size_t done, size_t total)
{
    char of[64];
    (void)ctx;
    snprintf(of, sizeof of, "  window %zu of %zu", done + (done < total), total);
    show_progress("measuring", of, (uint64_t)(1e3 * done_s), (uint64_t)(1e3 * total_s) + 1);
}

/* ---- Models ---- */

/* The folder of this program's file, links resolved; "" where the system does not tell. */
static void program_folder(char *out, size_t size)
{
    char link[1024] = "/proc/self/exe";
#if defined(__APPLE__)
    uint32_t n = sizeof link;
    if (_NSGetExecutablePath(link, &n)) link[0] = '\0';
#endif
    char *real = realpath(link, NULL);
    snprintf(out, size, "%s", real ? real : "");
    free(real);
    char *slash = strrchr(out, '/');
    *(slash ? slash : out) = '\0';
}

const char *demo_path(enum demo_file which, struct error *e)
{
    static const char *const names[DEMO_FILES] = {"traffic-lm-q4_k_m.gguf", "traffic-vlm-q4_k_m.gguf",
                                                  "traffic-mmproj-f16.gguf"};
    static char paths[DEMO_FILES][2048];
    char program[1024], *path = paths[which];
    const char *name = names[which], *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    program_folder(program, sizeof program);
    const struct {
        const char *root, *below;
    } places[] = {{program, "/../../demo"},       /* built in build/KIND */
                  {program, "/../share/hartree"}, /* installed in PREFIX/bin */
                  {data, "/hartree"},
                  {data && *data ? NULL : home, "/.local/share/hartree"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!places[i].root || !*places[i].root) continue;
        snprintf(path, sizeof *paths, "%s%s/%s", places[i].root, places[i].below, name);
        if (!access(path, R_OK)) {
            char *clean = realpath(path, NULL);
            if (clean && strlen(clean) < sizeof *paths) strcpy(path, clean);
            free(clean);
            return path;
        }
    }
    fail(e, "%s: found none, and no %s in the source tree or a data folder; expected a GGUF file",
         which == DEMO_TOWER ? "--mmproj" : "-m", name);
    return NULL;
}
