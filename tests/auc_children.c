/* auc_children.c - the sampler around real children, which say themselves what they used, so that a busy machine changes no
 * verdict; and its own threads, files and time. SPDX-License-Identifier: MIT */
#include "engine/meter/auc_command.h"

#include <dirent.h>
#include <math.h>
#include <unistd.h>

#include "tests/auc_load.h"
#include "tests/test.h"

#if defined(__linux__)

static char folder[256];

/* ---- Real children: this program again (auc_load.h), which report what they used by their own getrusage ---- */

static char self[1024];

/* Runs a load under the protocol and returns the number that it reported. */
static double load(struct auc_command_result *r, double hz, const char *what, const char *arg1, const char *arg2)
{
    char file[300];
    double number = NAN;
    struct error e = {""};
    snprintf(file, sizeof file, "%s/report", folder);
    unlink(file);
    char *argv[] = {self, "load", file, (char *)what, (char *)arg1, (char *)arg2, NULL};
    struct auc_command_options o = {.hz = hz};
    if (!auc_command(argv, &o, r, &e)) printf("# %s\n", e.text);
    FILE *f = fopen(file, "r");
    if (!f || fscanf(f, "%lf", &number) != 1 || r->status) printf("# '%s': status %d\n", what, r->status), r->use.cpu.net = NAN;
    if (f) fclose(f);
    return number;
}

/* A load's end after its report, and the start of a process under a sanitizer, cost little but not nothing. */
enum { SLACK_MS = 60 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
static const double most_cores = 0.02; /* clang's sanitizers are not told apart here */
#else
static const double most_cores = 0.005;
#endif

static void test_burn(void)
{
    struct auc_command_result r;
    static const struct {
        const char *name, *what, *arg1, *arg2;
    } loads[] = {
        {"one thread", "burn", "0.4", "1"},
        {"two threads", "burn", "0.4", "2"},
        {"grandchildren that are waited for", "tree", NULL, NULL},
        {"100 processes that nobody saw", "storm", "100", NULL},
        {"an orphan is adopted", "orphan", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        double used = load(&r, 20, loads[i].what, loads[i].arg1, loads[i].arg2);
        char name[80];
        snprintf(name, sizeof name, "CPU time: %s", loads[i].name);
        TEST(name, r.use.cpu.net >= used - 0.001 && r.use.cpu.net <= used + 1e-3 * SLACK_MS && used > 0.09,
             "%.4f s, by its own account %.4f s", r.use.cpu.net, used);
    }
    /* what is only seen is a lower bound: up to the last sample before the end, less two ticks */
    double used = load(&r, 50, "ignored", NULL, NULL), least = 0.4 - r.use.max_gap_s - 0.06;
    TEST("CPU time: a child that nobody waits for, as last seen",
         r.use.cpu.net > least && r.use.cpu.net < used + 0.4 + 1e-3 * SLACK_MS, "%.4f s of 0.4 s, expected %.4f s at least",
         r.use.cpu.net, least);
}

/* A meter that runs a program at every tick: what that uses is not the command's. */
static void run_program(void *ctx)
{
    pid_t pid = fork();
    if (!pid) burn(0.02, 1), _exit(0);
    while (waitpid(pid, NULL, 0) < 0) {
    }
    ++*(int *)ctx;
}

static void test_tick_children(void)
{
    struct error e = {""};
    struct auc_result r;
    int ticks = 0;
    for (int below = 0; below < 2; below++) {
        struct auc *a =
            auc_start(&(struct auc_options){.hz = 20, .below_root = below, .tick = run_program, .tick_ctx = &ticks}, &e);
        double t0 = auc_mark(a);
        struct timespec t = {0, 400000000};
        nanosleep(&t, NULL);
        double t1 = auc_mark(a);
        bool ok = auc_between(a, t0, t1, &r, &e);
        auc_free(a);
        TEST(below ? "a tick's programs are not the command's" : "a tick's programs are not this process's",
             ok && r.sampler_cpu_s > 0.04 && r.cpu.gross < 0.3 * r.sampler_cpu_s, "%g s beside the sampler's %g s", r.cpu.gross,
             r.sampler_cpu_s);
    }
}

static void test_hold(void)
{
    struct auc_command_result r;
    const double bytes = 64e6, other = 40e6; /* the program itself, under a sanitizer too */
    double held = load(&r, 50, "hold", "64000000", "0.6");
    double least = bytes * (held - r.use.max_gap_s), most = (bytes + other) * r.use.time_s;
    TEST("memory: 64 MB for 0.6 s", r.use.rss.net >= least && r.use.rss.net <= most, "%.4g byte-seconds, expected %.4g to %.4g",
         r.use.rss.net, least, most);
    TEST("memory: its peak", r.use.peak_rss_bytes >= bytes && r.use.peak_rss_bytes <= bytes + other, "%g",
         r.use.peak_rss_bytes);
    TEST("memory: proportional, not above resident",
         r.use.pss.net > 0.5 * bytes * (held - r.use.max_gap_s) && r.use.pss.net <= 1.01 * r.use.rss.net, "%.4g",
         r.use.pss.net);
    double sum = 0;
    load(&r, 5, "burn", "0", "1");
    sum += r.use.rss.net;
    TEST("memory that no sample saw is not known", isnan(sum) || r.use.peak_rss_bytes > 0, "%g", sum);
}

/* ---- The sampler itself ---- */

static int count_entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n;
}

static void slow_tick(void *ctx)
{
    struct timespec t = {0, 60000000};
    ++*(int *)ctx;
    nanosleep(&t, NULL);
}

static void test_sampler(void)
{
    struct error e = {""};
    struct auc_result r;
    int ticks = 0, stop = 1;
    struct auc *a = auc_start(&(struct auc_options){.hz = 100, .tick = slow_tick, .tick_ctx = &ticks}, &e);
    double t0 = auc_mark(a);
    auc_idle(a, 0.5, NULL, &e);
    double t1 = auc_mark(a);
    auc_stop(a);
    TEST("late ticks are counted",
         auc_between(a, t0, t1, &r, &e) && r.missed >= 10 && r.max_gap_s > 0.06 && ticks >= 5 && ticks < 20,
         "%zu missed, %d called, gap %g", r.missed, ticks, r.max_gap_s);
    auc_stop(a);
    TEST("stopped twice, still readable", auc_between(a, t0, t1, &r, &e) && !auc_between(a, t0, t1 + 1, &r, &e), "%s", e.text);
    auc_free(a);

    a = auc_start(&(struct auc_options){.hz = 1000, .max_samples = 64}, &e);
    t0 = auc_mark(a);
    auc_idle(a, 0.5, NULL, &e);
    t1 = auc_mark(a);
    bool ok = auc_between(a, t0, t1, &r, &e);
    TEST("a bounded number of samples",
         ok && r.samples <= 70 && r.samples > 10 && r.rss.gross > 0.5 * r.peak_rss_bytes * r.time_s &&
             r.rss.gross <= 1.001 * r.peak_rss_bytes * r.time_s,
         "%zu samples, %g of %g", r.samples, r.rss.gross, r.peak_rss_bytes);
    TEST("the sampler's own time is left out", ok && r.sampler_cpu_s > 0.005 && r.cpu.gross < 0.3 * r.sampler_cpu_s + 0.01,
         "%g s beside the sampler's %g s", r.cpu.gross, r.sampler_cpu_s);
    double begin = auc_mark(a);
    ok = auc_idle(a, 60, &stop, &e);
    TEST("an idle interval is interrupted", ok && auc_mark(a) - begin < 30, "%g s", auc_mark(a) - begin);
    char path[300], line[256] = "";
    snprintf(path, sizeof path, "%s/samples.csv", folder);
    FILE *f = fopen(path, "w+");
    ok = auc_write_csv(a, f, &e);
    rewind(f);
    int columns = 1, rows = 0;
    while (fgets(line, sizeof line, f)) rows++;
    for (const char *s = line; *s; s++) columns += *s == ',';
    fclose(f);
    TEST("samples as CSV", ok && rows > 10 && columns == 10, "%d rows, %d columns in the last", rows, columns);
    f = fopen("/dev/full", "w");
    if (f) {
        setbuf(f, NULL);
        TEST("CSV on a full disk", !auc_write_csv(a, f, &e), "no error");
        fclose(f);
    }
    auc_free(a);

    double cost = 1;
    for (int i = 0; i < 3 && cost > most_cores; i++) {
        a = auc_start(&(struct auc_options){.hz = 5}, &e);
        t0 = auc_mark(a);
        auc_idle(a, 1, NULL, &e);
        if (auc_between(a, t0, auc_mark(a), &r, &e)) cost = fmin(cost, r.sampler_cpu_s / r.time_s);
        auc_free(a);
    }
    TEST("5 Hz take less than 0.5 % of a core", cost < most_cores, "%.2f %%", 100 * cost);
}

static void test_leaks(void)
{
    struct error e = {""};
    struct auc_command_result r;
    char *const nothing[] = {"/nonexistent/command", NULL}, *const data[] = {"/etc/passwd", NULL},
                *const name[] = {"no-such-command-here", NULL};
    int files = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    struct auc_command_options o = {.hz = 5};
    TEST("no such root process", !auc_start(&(struct auc_options){.root = 1 << 30}, &e), "started");
    TEST("too fast",
         !auc_start(&(struct auc_options){.hz = 1001}, &e) && !auc_start(&(struct auc_options){.hz = -1}, &e) &&
             !auc_start(&(struct auc_options){.hz = NAN}, &e),
         "started");
    TEST("no such command", !auc_command(nothing, &o, &r, &e) && r.status == 127, "status %d", r.status);
    TEST("none in the path", !auc_command(name, &o, &r, &e) && r.status == 127, "status %d", r.status);
    TEST("no program", !auc_command(data, &o, &r, &e) && r.status == 126, "status %d", r.status);
    o.hz = 5000;
    TEST("a command too fast", !auc_command(nothing, &o, &r, &e) && r.status == 0, "status %d", r.status);
    /* A thread that was joined stays listed for a moment. */
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < 1000 && count_entries("/proc/self/task") > threads; i++) nanosleep(&moment, NULL);
    TEST("no descriptor and no thread stays",
         count_entries("/proc/self/fd") == files && count_entries("/proc/self/task") == threads, "%d and %d, before %d and %d",
         count_entries("/proc/self/fd"), count_entries("/proc/self/task"), files, threads);
}

int main(int argc, char **argv)
{
    if (argc > 3 && !strcmp(argv[1], "load")) return load_main(argv + 2);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0 || !test_folder(folder, sizeof folder)) {
        printf("FAIL a folder and this program's path: none\n");
        return 1;
    }
    test_burn();
    test_hold();
    test_tick_children();
    test_sampler();
    test_leaks();
    static const char *const files[] = {"report", "samples.csv"};
    for (int i = 0; i < 2; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
    TEST_MAIN_END();
}

#else

int main(void)
{
    SKIP("the sampler", "not on this system");
    TEST_MAIN_END();
}

#endif
