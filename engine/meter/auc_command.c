/* SPDX-License-Identifier: MIT */
#include "engine/meter/auc_command.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/meter/proc.h"

extern char **environ;

/* ---- Signals for the program ---- */

static volatile sig_atomic_t program; /* its pid, while it runs */

static void pass_on(int number, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    /* A terminal's go to the whole foreground group: a second one would make many programs give up at once. */
    if (program > 0 && info->si_code <= 0) kill((pid_t)program, number);
    errno = saved;
}

struct actions {
    struct sigaction interrupt, terminate, hangup, child;
};

static void catch_signals(struct actions *old)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = pass_on;
    a.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, &old->interrupt);
    sigaction(SIGTERM, &a, &old->terminate);
    sigaction(SIGHUP, &a, &old->hangup);
    if (old->hangup.sa_handler == SIG_IGN) sigaction(SIGHUP, &old->hangup, NULL); /* nohup's wish */
    a.sa_flags = 0;
    a.sa_handler = SIG_DFL; /* whoever ignores it never learns how a child ended */
    sigaction(SIGCHLD, &a, &old->child);
}

static void restore_signals(const struct actions *old)
{
    sigaction(SIGINT, &old->interrupt, NULL);
    sigaction(SIGTERM, &old->terminate, NULL);
    sigaction(SIGHUP, &old->hangup, NULL);
    sigaction(SIGCHLD, &old->child, NULL);
}

/* ---- The program ---- */

/* The signals that are passed on wait from before they are caught until the pid is known, so that none goes to nobody. */
static void hold_signals(sigset_t *before)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &held, before);
}

/* Lets held signals through again, as `before` had them. */
static bool start(char *const argv[], const sigset_t *before, int *status, struct error *e)
{
    posix_spawnattr_t attr;
    sigset_t defaults;
    pid_t pid;
    posix_spawnattr_init(&attr);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setsigmask(&attr, before);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int rc = posix_spawnp(&pid, argv[0], NULL, &attr, argv, environ);
    if (!rc) program = pid;
    pthread_sigmask(SIG_SETMASK, before, NULL);
    posix_spawnattr_destroy(&attr);
    if (!rc) return true;
    *status = rc == ENOENT || rc == ENOTDIR ? 127 : rc == EACCES || rc == ENOEXEC ? 126 : 0;
    return fail(e, "%s: %s", argv[0], strerror(rc));
}

/* Runs it from mark to mark. Its end is waited for in two steps: a meter may run a program of its own just then, and the times
 * of the two must not be mixed up. What it left behind was adopted. */
static bool run(struct auc *a, char *const argv[], struct auc_command_result *r, struct error *e)
{
    struct actions old;
    siginfo_t info;
    int status = 0, other;
    sigset_t before;
    pid_t got;
    hold_signals(&before);
    catch_signals(&old);
    /* No tick now: a meter that asks a program has a pipe, which the command must not inherit before its flag is set. */
    auc_hold(a);
    r->use.t0 = auc_mark(a);
    bool ok = start(argv, &before, &r->status, e);
    auc_release(a);
    if (ok) {
        pid_t pid = (pid_t)program;
        while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) && errno == EINTR) {
        }
        auc_hold(a);
        program = 0; /* from here on its pid may be another's */
        while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
        }
        if (got != pid) ok = fail(e, "waiting for the command: %s", strerror(errno));
        while ((got = waitpid(-1, &other, WNOHANG)) > 0) {
        }
        r->left = got == 0; /* there are children, and none has ended */
        r->use.t1 = auc_mark(a);
        auc_release(a);
        r->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        r->status = r->signal ? 128 + r->signal : WEXITSTATUS(status);
    }
    restore_signals(&old);
    return ok;
}

static bool idle(struct auc *a, const struct auc_command_options *o, struct error *e)
{
    double begin = auc_mark(a);
    if (!auc_idle(a, o->idle_s, o->interrupted, e)) return false;
    double end = auc_mark(a);
    return !o->meter || !o->idle_s || !meter_measures(o->meter) || meter_idle(o->meter, begin, end, e);
}

bool auc_command(char *const argv[], const struct auc_command_options *o, struct auc_command_result *r, struct error *e)
{
    struct error why = {""};
    struct auc_options sampling = {.hz = o->hz, .below_root = true};
    *r = (struct auc_command_result){.energy = energy_none};
    if (o->meter) {
        sampling.tick = meter_tick;
        sampling.tick_ctx = o->meter;
    }
    process_tree_adopt();
    struct auc *a = auc_start(&sampling, e);
    bool pulse = o->meter && meter_wants_pulse(o->meter); /* outside what is measured and what is idle */
    bool ok = a && (!pulse || meter_pulse(o->meter, o->interrupted, e)) && idle(a, o, e);
    if (ok && o->interrupted && *o->interrupted) ok = fail(e, "interrupted before the command was started");
    if (ok) ok = run(a, argv, r, e) && idle(a, o, e);
    if (ok && pulse && !(o->interrupted && *o->interrupted)) ok = meter_pulse(o->meter, o->interrupted, e);
    if (ok) ok = auc_between(a, r->use.t0, r->use.t1, &r->use, e);
    if (ok) auc_stop(a);
    if (ok && o->meter && !meter_between(o->meter, r->use.t0, r->use.t1, &r->energy, &why))
        snprintf(r->energy_error, sizeof r->energy_error, "%.250s", why.text);
    if (ok && o->samples) ok = auc_write_csv(a, o->samples, e);
    auc_free(a);
    return ok;
}
