/* process_tree.c - the CPU time and memory of a process and all its descendants, with none lost when one ends.
 *
 * The tree's CPU time is the sum, over its living processes, of their own time and of the time of children that they waited
 * for. The kernel moves an ended process's time to its parent before it takes the process from /proc. So records are read
 * parents first, and read anew whenever one is found gone: in a round without a loss, nobody's time was moved between the two
 * reads that would have counted it twice or not at all.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/proc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#if defined(__linux__)

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "engine/meter/proc_text.h"

enum { MAX_ROUNDS = 4, MAX_PATH = 512 };

#define PSS_CORES  0.002 /* what reading PSS may take */
#define LOOK_CORES 0.001 /* and looking for new processes */

struct record {
    struct proc_stat s;
    double reaped_before; /* s.reaped_s at the end of the last read */
};

struct process_tree {
    char proc[256];
    int root, self; /* self: this process's pid, 0 where /proc is a recording */
    bool below_root;
    uint64_t root_start;
    bool has_rollup;         /* the kernel has smaps_rollup (4.14) */
    bool has_children_files; /* the kernel lists a thread's children */
    struct record *r;        /* parents before their children */
    size_t n, capacity;
    double lost_s; /* of ended processes that nobody waited for, as last seen */
    double cpu_s;  /* highest returned */
    double pss_share, pss_due, look_due;
    double forks; /* of the machine, when new processes were last looked for */
};

static double thread_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The process CPU clock in *s, which needs no permission; false where there is none. */
static bool cpu_clock(int pid, double *s)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) return false;
    *s = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    return true;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

/* Reads what /proc says of s->pid, with finer clocks where there are any. */
static enum proc_found read_process(const struct process_tree *t, int pid, struct proc_stat *s)
{
    char path[MAX_PATH], text[1024];
    snprintf(path, sizeof path, "%s/%d/stat", t->proc, pid);
    enum proc_found found = proc_text(path, text, sizeof text);
    if (found != PROC_FOUND) return found;
    if (!proc_stat_parse(s, text) || s->pid != pid) return PROC_UNREADABLE;
    if (s->state == 'X') return PROC_GONE;
    if (t->self) cpu_clock(pid, &s->own_s);
    if (pid == t->self) {
        struct rusage u;
        getrusage(RUSAGE_CHILDREN, &u);
        s->reaped_s = seconds(u.ru_utime) + seconds(u.ru_stime);
    }
    return PROC_FOUND;
}

static bool known(const struct process_tree *t, int pid)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->r[i].s.pid == pid) return true;
    return false;
}

/* Adds a process that is not known yet; one that has ended meanwhile is no failure. */
static bool add(struct process_tree *t, int pid, struct error *e)
{
    struct record n = {.reaped_before = 0};
    if (known(t, pid) || read_process(t, pid, &n.s) != PROC_FOUND) return true;
    struct record *r = memory_grow(t->r, &t->capacity, t->n + 1, sizeof *r);
    if (!r) return fail(e, "%s: no memory for %zu processes", t->proc, t->n + 1);
    t->r = r;
    t->r[t->n++] = n;
    return true;
}

/* ---- New processes ---- */

/* The pids in the `children` file of one thread. */
static bool add_children_of(struct process_tree *t, int pid, const char *thread, struct error *e)
{
    char path[MAX_PATH];
    snprintf(path, sizeof path, "%s/%d/task/%s/children", t->proc, pid, thread);
    FILE *f = fopen(path, "re");
    int child;
    bool ok = true;
    while (f && ok && fscanf(f, "%d", &child) == 1) ok = add(t, child, e);
    if (f) fclose(f);
    return ok;
}

/* A child belongs to the thread that started it, so each thread's list is read. */
static bool look_below(struct process_tree *t, const struct proc_stat *s, struct error *e)
{
    char path[MAX_PATH];
    int pid = s->pid;
    if (s->threads == 1) {
        snprintf(path, sizeof path, "%d", pid);
        return add_children_of(t, pid, path, e);
    }
    snprintf(path, sizeof path, "%s/%d/task", t->proc, pid);
    DIR *d = opendir(path);
    bool ok = true;
    for (struct dirent *i; d && ok && (i = readdir(d));)
        if (i->d_name[0] != '.') ok = add_children_of(t, pid, i->d_name, e);
    if (d) closedir(d);
    return ok;
}

/* Without lists of children: every process of the machine tells its parent. Those whose parent is known are added until a pass
 * finds none. */
static bool look_everywhere(struct process_tree *t, struct error *e)
{
    struct pair {
        int pid, parent;
    } *all = NULL;
    size_t n = 0, capacity = 0;
    bool ok = true;
    DIR *d = opendir(t->proc);
    for (struct dirent *i; d && ok && (i = readdir(d));) {
        struct proc_stat s;
        char path[MAX_PATH], text[1024];
        int pid = atoi(i->d_name);
        if (pid <= 0) continue;
        snprintf(path, sizeof path, "%s/%d/stat", t->proc, pid);
        if (proc_text(path, text, sizeof text) != PROC_FOUND || !proc_stat_parse(&s, text)) continue;
        struct pair *p = memory_grow(all, &capacity, n + 1, sizeof *p);
        ok = p || fail(e, "%s: no memory for %zu processes", t->proc, n + 1);
        if (p) (all = p)[n++] = (struct pair){pid, s.parent};
    }
    if (d) closedir(d);
    for (size_t before = 0; ok && before != t->n;) {
        before = t->n;
        for (size_t i = 0; i < n && ok; i++)
            if (known(t, all[i].parent)) ok = add(t, all[i].pid, e);
    }
    free(all);
    return ok;
}

static bool look(struct process_tree *t, struct error *e)
{
    if (!t->has_children_files) return look_everywhere(t, e);
    for (size_t i = 0; i < t->n; i++) { /* those that are added are looked below in their turn */
        struct proc_stat s = t->r[i].s;
        if (s.state != 'Z' && !look_below(t, &s, e)) return false;
    }
    return true;
}

/* ---- Reading ---- */

/* Reads every record anew. What has ended is taken out, its time added to *ended. Whether one had. */
static bool read_round(struct process_tree *t, double *ended, size_t *n_ended)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct record *r = &t->r[i];
        struct proc_stat now;
        enum proc_found found = read_process(t, r->s.pid, &now);
        if (found == PROC_FOUND && now.start != r->s.start) found = PROC_GONE; /* its pid was given to another */
        if (found == PROC_GONE) {
            *ended += r->s.own_s + r->s.reaped_s;
            ++*n_ended;
            continue;
        }
        if (found == PROC_FOUND) r->s = now; /* else it is hidden for now, and keeps what was seen */
        t->r[kept++] = *r;
    }
    bool lost = kept != t->n;
    t->n = kept;
    return lost;
}

/* What ended since the last read must stand with whoever waited for it. If less was added there, nobody waited; then what was
 * seen of it is kept here. Ticks round both numbers of a process down, which is not held against it: what is kept is at most
 * what is missing. */
static void keep_lost(struct process_tree *t, double ended, size_t n_ended)
{
    double gained = 0, tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    for (size_t i = 0; i < t->n; i++) gained += t->r[i].s.reaped_s - t->r[i].reaped_before;
    double rounding = 2 * tick_s * (double)(n_ended < t->n ? n_ended : t->n);
    if (ended > gained + rounding) t->lost_s += ended - gained - rounding;
}

/* The root of a tree that is only what is below it: there for its reaped children, not for itself. */
static bool left_out(const struct process_tree *t, const struct record *r)
{
    return t->below_root && r->s.pid == t->root && r->s.start == t->root_start;
}

static void read_pss(struct process_tree *t, double now)
{
    double begin = thread_cpu(), rss = 0, pss = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct record *r = &t->r[i];
        char path[MAX_PATH];
        double one_rss, one_pss;
        if (r->s.state == 'Z' || left_out(t, r)) continue;
        snprintf(path, sizeof path, "%s/%d/smaps_rollup", t->proc, r->s.pid);
        enum proc_found found = proc_rollup(path, &one_rss, &one_pss);
        if (found == PROC_UNREADABLE) rss = pss = NAN;
        if (found != PROC_FOUND) continue;
        rss += one_rss;
        pss += one_pss;
    }
    t->pss_share = rss > 0 ? pss / rss : isnan(rss) ? NAN : 1;
    t->pss_due = now + (thread_cpu() - begin) / PSS_CORES;
}

static bool look_if_due(struct process_tree *t, double now, double forks, struct error *e)
{
    if (forks == t->forks || now < t->look_due) return true;
    double begin = thread_cpu();
    if (!look(t, e)) return false;
    t->forks = forks;
    t->look_due = now + (thread_cpu() - begin) / LOOK_CORES;
    return true;
}

bool process_tree_read(struct process_tree *t, double now, const struct proc_system *machine, struct process_usage *u,
                       struct error *e)
{
    double ended = 0, cpu = 0;
    size_t n_ended = 0;
    for (int round = 0; read_round(t, &ended, &n_ended) && round < MAX_ROUNDS; round++) {
    }
    if (n_ended) keep_lost(t, ended, n_ended);
    if (machine && !look_if_due(t, now, machine->forks, e)) return false;
    *u = (struct process_usage){.pss_read = machine && t->has_rollup && now >= t->pss_due};
    if (u->pss_read) read_pss(t, now);
    for (size_t i = 0; i < t->n; i++) {
        struct record *r = &t->r[i];
        r->reaped_before = r->s.reaped_s;
        cpu += r->s.reaped_s;
        if (left_out(t, r)) continue;
        cpu += r->s.own_s;
        if (r->s.state == 'Z') continue;
        u->rss_bytes += r->s.rss_bytes;
        u->processes++;
    }
    cpu += t->lost_s;
    if (cpu > t->cpu_s) t->cpu_s = cpu; /* less only by rounding, or where processes end faster than they are read */
    u->cpu_s = t->cpu_s;
    u->pss_bytes = u->rss_bytes > 0 ? u->rss_bytes * t->pss_share : 0;
    return true;
}

struct process_tree *process_tree_open(const struct process_tree_options *o, struct error *e)
{
    struct process_tree *t = calloc(1, sizeof *t);
    struct record root = {.reaped_before = 0};
    char path[MAX_PATH];
    if (!t) {
        fail(e, "no memory for a tree of processes");
        return NULL;
    }
    snprintf(t->proc, sizeof t->proc, "%s", o->proc ? o->proc : "/proc");
    t->self = o->proc ? 0 : (int)getpid();
    t->root = o->root ? o->root : (int)getpid();
    t->below_root = o->below_root;
    t->forks = t->pss_share = NAN;
    t->look_due = t->pss_due = -HUGE_VAL;
    snprintf(path, sizeof path, "%s/%d/task/%d/children", t->proc, t->root, t->root);
    t->has_children_files = !access(path, F_OK);
    snprintf(path, sizeof path, "%s/%d/smaps_rollup", t->proc, t->root);
    t->has_rollup = !access(path, F_OK);
    if (read_process(t, t->root, &root.s) != PROC_FOUND)
        fail(e, "%s/%d/stat: found no such process", t->proc, t->root);
    else if (add(t, t->root, e)) {
        t->root_start = root.s.start;
        return t;
    }
    process_tree_close(t);
    return NULL;
}

void process_tree_close(struct process_tree *t)
{
    if (!t) return;
    free(t->r);
    free(t);
}

void process_tree_adopt(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
}

#else

struct process_tree *process_tree_open(const struct process_tree_options *o, struct error *e)
{
    (void)o;
    fail(e, "sampling processes: not on this system, expected Linux's /proc");
    return NULL;
}

void process_tree_close(struct process_tree *t)
{
    (void)t;
}

bool process_tree_read(struct process_tree *t, double now, const struct proc_system *machine, struct process_usage *u,
                       struct error *e)
{
    (void)t, (void)now, (void)machine, (void)u;
    return fail(e, "sampling processes: not on this system, expected Linux's /proc");
}

void process_tree_adopt(void) {}

#endif
