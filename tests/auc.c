/* auc.c - the sampler over recorded trees of processes, under a clock of the test's own.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/auc.h"

#include <math.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "engine/meter/proc.h"
#include "tests/test.h"

#if defined(__linux__)

/* ---- A recorded tree ---- */

static char folder[512];
static double fake_time;
static double fake_clock(void)
{
    return fake_time;
}

static void path_of(char *path, size_t size, const char *format, va_list ap)
{
    char rest[256];
    vsnprintf(rest, sizeof rest, format, ap);
    snprintf(path, size, "%s/%s", folder, rest);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f)) perror(path), exit(1);
}

static void in_folder(char *path, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void in_folder(char *path, size_t size, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    path_of(path, size, format, ap);
    va_end(ap);
}

/* A process of so many MB, all of them shared with one other; times in ticks of 10 ms. */
static void put_process(int pid, int parent, const char *name, long own, long reaped, long mb, long start)
{
    char path[1024], text[1024];
    in_folder(path, sizeof path, "%d", pid);
    mkdir(path, 0777);
    in_folder(path, sizeof path, "%d/stat", pid);
    snprintf(text, sizeof text,
             "%d (%s) S %d 1 1 0 -1 4194304 99 0 0 0 %ld 0 %ld 0 20 0 1 0 %ld 3133440 %ld 18446744073709551615 1 1 0 0\n", pid,
             name, parent, own, reaped, start, mb * 1000000 / sysconf(_SC_PAGESIZE));
    write_text(path, text);
    in_folder(path, sizeof path, "%d/smaps_rollup", pid);
    snprintf(text, sizeof text, "5-7 ---p 0 00:00 0 [rollup]\nRss: %10ld kB\nPss: %10ld kB\nPss_Dirty: 7 kB\n", mb * 1000,
             mb * 500);
    write_text(path, text);
}

static void put_children(int pid, const char *list)
{
    char path[1024];
    in_folder(path, sizeof path, "%d/task", pid);
    mkdir(path, 0777);
    in_folder(path, sizeof path, "%d/task/%d", pid, pid);
    mkdir(path, 0777);
    in_folder(path, sizeof path, "%d/task/%d/children", pid, pid);
    write_text(path, list);
}

static void put_machine(long busy, long forks, long used_kb)
{
    char path[1024], text[512];
    in_folder(path, sizeof path, "stat");
    snprintf(text, sizeof text,
             "cpu  %ld 0 0 999 5 0 0 7 3 0\ncpu0 77 0 0 999 5 0 0 0 0 0\nintr 1 2 3\nctxt 5\nbtime 6\nprocesses %ld\n", busy,
             forks);
    write_text(path, text);
    in_folder(path, sizeof path, "meminfo");
    snprintf(text, sizeof text, "MemTotal:  1000000 kB\nMemFree: 1 kB\nMemAvailable: %ld kB\n", 1000000 - used_kb);
    write_text(path, text);
}

static void drop(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void drop(const char *format, ...)
{
    char path[1024], command[1200];
    va_list ap;
    va_start(ap, format);
    path_of(path, sizeof path, format, ap);
    va_end(ap);
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command)) exit(1);
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(1, fabs(b));
}

static struct auc *record_of(int root, bool below, size_t max_samples)
{
    struct error e = {""};
    struct auc *a = auc_start(
        &(struct auc_options){
            .root = root, .below_root = below, .proc = folder, .clock = fake_clock, .max_samples = max_samples},
        &e);
    if (!a) printf("FAIL a recorded tree opens: %s\n", e.text), exit(1);
    return a;
}

static double mark_at(struct auc *a, double t)
{
    fake_time = t;
    return auc_mark(a);
}

static struct auc_result between(struct auc *a, double t0, double t1)
{
    struct auc_result r;
    struct error e = {""};
    if (!auc_between(a, t0, t1, &r, &e)) printf("# %s\n", e.text), r.cpu.gross = r.rss.gross = -1;
    return r;
}

static void begin_tree(void)
{
    drop("%s", "");
    mkdir(folder, 0777);
    put_machine(0, 1, 0);
    put_process(100, 1, "root", 0, 0, 10, 5);
    put_children(100, "");
    fake_time = 0;
}

static void test_stat(void)
{
    static const char *const names[] = {"cat", "a b", "(", ")", ") R 1 (", "a) Z 7 7 7 7 7", "line\nbreak", ""};
    char text[512];
    struct proc_stat s;
    bool ok = true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(text, sizeof text, "42 (%s) S 7 1 1 0 -1 4194304 99 0 0 0 100 23 1000 1 20 0 3 0 1234 3133440 5 1 2 3\n",
                 names[i]);
        ok = ok && proc_stat_parse(&s, text) && s.pid == 42 && s.parent == 7 && s.state == 'S' && s.threads == 3 &&
             s.start == 1234 && near(s.own_s, 123.0 / (double)sysconf(_SC_CLK_TCK)) &&
             near(s.reaped_s, 1001.0 / (double)sysconf(_SC_CLK_TCK)) && s.rss_bytes == 5 * (double)sysconf(_SC_PAGESIZE);
    }
    TEST("stat: any name", ok, "the last one gave pid %d parent %d", s.pid, s.parent);
    static const char *const wrong[] = {"",
                                        "42",
                                        "42 (cat",
                                        "42 cat) S 7",
                                        "42 )cat( S 7",
                                        "42 (cat) S 7 1 1 0",
                                        "42 (cat) S x 1 1 0 -1 4194304 99 0 0 0 100 23 1000 1 20 0 3 0 1234 3133440 5"};
    ok = true;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) ok = ok && !proc_stat_parse(&s, wrong[i]);
    TEST("stat: a broken line", ok, "one was taken");
}

static void test_windows(void)
{
    begin_tree();
    struct auc *a = record_of(100, false, 0);
    put_process(100, 1, "root", 100, 0, 30, 5);
    mark_at(a, 2);
    put_process(100, 1, "root", 500, 0, 30, 5);
    mark_at(a, 4);
    struct auc_result all = between(a, 0, 4), part1 = between(a, 0, 2.5), part2 = between(a, 2.5, 4);
    TEST("window: CPU time", near(all.cpu.gross, 5), "%g", all.cpu.gross);
    TEST("window: resident memory by trapezoids", fabs(all.rss.gross - (2 * 20e6 + 2 * 30e6)) < 4 * 8192, "%g", all.rss.gross);
    TEST("window: proportional memory", fabs(all.pss.gross - all.rss.gross / 2) < 1, "%g", all.pss.gross);
    TEST("window: interpolated end", near(part1.cpu.gross, 2), "%g", part1.cpu.gross);
    TEST("window: two add up",
         near(part1.cpu.gross + part2.cpu.gross, 5) && near(part1.rss.gross + part2.rss.gross, all.rss.gross), "%g + %g",
         part1.cpu.gross, part2.cpu.gross);
    TEST("window: no idle, nothing above it", isnan(all.cpu.net) && isnan(all.rss.net), "%g", all.cpu.net);
    TEST("window: longest gap and peak", near(all.max_gap_s, 2) && fabs(all.peak_rss_bytes - 30e6) < 8192, "%g", all.max_gap_s);
    struct error e = {""};
    struct auc_result r;
    TEST("window: empty", !auc_between(a, 2, 2, &r, &e), "taken");
    TEST("window: before the recording", !auc_between(a, -1, 2, &r, &e), "taken");
    TEST("window: after it", !auc_between(a, 1, 4.1, &r, &e) && strstr(e.text, "recorded are 0 s to 4"), "'%s'", e.text);
    TEST("window: not a number", !auc_between(a, NAN, 2, &r, &e) && !auc_between(a, 0, NAN, &r, &e), "taken");
    auc_free(a);
}

static void test_idle(void)
{
    begin_tree();
    struct auc *a = record_of(100, false, 0);
    struct error e = {""};
    /* Before: 0.1 and 0.3 cores in blocks of 1 s, mean 0.2, variance 0.02. After: 0.4 and 0.4. Use: 5 core-s in 10 s. */
    static const long busy[] = {0, 10, 40, 540, 580, 620};
    static const double t[] = {0, 1, 2, 12, 13, 14};
    for (int i = 1; i < 6; i++) {
        put_machine(busy[i], 1, i == 2 ? 5000 : 1000);
        put_process(100, 1, "root", busy[i] / 10, 0, 10, 5);
        mark_at(a, t[i]);
    }
    bool ok = auc_idle_between(a, 0, 2, &e);
    struct auc_result one = between(a, 2, 12);
    ok = ok && auc_idle_between(a, 12, 14, &e);
    struct auc_result r = between(a, 2, 12);
    double tick2 = 1e-4 / 6;
    TEST("idle: declared", ok, "%s", e.text);
    TEST("idle: one interval", near(one.system_cpu.net, 5 - 10 * 0.2) && isnan(one.after.t0) && one.before.blocks == 2, "%g",
         one.system_cpu.net);
    TEST("idle: its deviation", fabs(one.system_cpu.sd - sqrt(100 * 0.02 / 2 + 10 * 0.02 + tick2)) < 1e-6, "%g",
         one.system_cpu.sd);
    TEST("idle: two intervals",
         near(r.system_cpu.net, 5 - 10 * 0.3) && near(r.before.system_cpu.mean, 0.2) && near(r.after.system_cpu.mean, 0.4) &&
             near(r.before.system_cpu.variance, 0.02),
         "%g", r.system_cpu.net);
    double sd = sqrt(100 * (0.02 / 2 + 0) / 4 + 100 * 0.2 * 0.2 / 12 + 10 * (0.02 + 0) / 2 + tick2);
    TEST("idle: drift is uncertain", fabs(r.system_cpu.sd - sd) < 1e-6, "%g, expected %g", r.system_cpu.sd, sd);
    TEST("idle: the tree has its own", near(r.cpu.net, 0.5 - 10 * 0.03), "%g", r.cpu.net);
    TEST("idle: a loaded footprint is not counted twice", fabs(r.rss.net) < 1e-3 && r.rss.gross > 99e6, "%g", r.rss.net);
    TEST("idle: sampled use", isnan(r.cpu_sampled), "%g without a tick", r.cpu_sampled);
    auc_free(a);
}

/* How often the true net area, 0, lies within 1.96 standard deviations where a machine's idle use has a memory: an
 * autoregression of one second's step with the correlation rho. */
static void test_correlated(double rho, const char *name)
{
    enum { TRIALS = 80, IDLE = 40, WINDOW = 20 };
    uint64_t state = 1;
    int inside = 0;
    double found = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        begin_tree();
        struct auc *a = record_of(100, false, 0);
        struct error e;
        double ticks = 0, noise = 0;
        for (int t = 1; t <= 2 * IDLE + WINDOW; t++) {
            double shock = 0; /* nearly normal, of variance 1 */
            for (int i = 0; i < 12; i++) shock += random_fraction(&state) - 0.5;
            noise = t == 1 ? shock : rho * noise + sqrt(1 - rho * rho) * shock;
            ticks += 1000 + 100 * noise;
            put_machine((long)ticks, 1, 1000);
            mark_at(a, t);
        }
        bool ok = auc_idle_between(a, 0, IDLE, &e) && auc_idle_between(a, IDLE + WINDOW, 2 * IDLE + WINDOW, &e);
        struct auc_result r = between(a, IDLE, IDLE + WINDOW);
        inside += ok && fabs(r.system_cpu.net) <= 1.96 * r.system_cpu.sd;
        found += (r.before.system_cpu.correlation + r.after.system_cpu.correlation) / 2 / TRIALS;
        auc_free(a);
    }
    /* 95 % would be 76 of 80; blocks taken as independent cover half of them at rho = 0.8. */
    TEST(name, inside >= 68 && fabs(found - rho) < 0.12, "%d of %d, correlation %.2f", inside, TRIALS, found);
}

/* Children that end: waited for, not waited for, replaced by another of the same pid. */
static void test_ends(void)
{
    begin_tree();
    put_process(101, 100, "a child", 0, 0, 5, 6);
    put_children(100, "101 ");
    put_children(101, "");
    struct auc *a = record_of(100, false, 0);
    put_process(101, 100, "a child", 300, 0, 5, 6);
    mark_at(a, 1);
    drop("101");
    put_children(100, "");
    put_process(100, 1, "root", 0, 450, 10, 5);
    mark_at(a, 2);
    TEST("an ended child's time is its parent's", near(between(a, 0, 2).cpu.gross, 4.5), "%g", between(a, 0, 2).cpu.gross);
    TEST("and its memory is gone", auc_processes(a) == 1, "%d", auc_processes(a));

    put_process(102, 100, "b", 200, 0, 5, 9);
    put_children(102, "");
    put_children(100, "102");
    put_machine(0, 2, 0);
    mark_at(a, 3);
    TEST("a new child", near(between(a, 2, 3).cpu.gross, 2), "%g", between(a, 2, 3).cpu.gross);
    put_process(102, 1, "stranger", 90000, 0, 500, 10); /* b has ended and nobody waited for it */
    put_children(100, "");
    mark_at(a, 4);
    struct auc_result r = between(a, 2, 4);
    TEST("a pid used again is no child; what was seen of the old one stays", near(r.cpu.gross, 2) && auc_processes(a) == 1,
         "%g", r.cpu.gross);
    put_process(100, 1, "root", 30, 450, 10, 5);
    mark_at(a, 5);
    TEST("and counting goes on", fabs(between(a, 4, 5).cpu.gross - 0.3) < 0.021, "%g", between(a, 4, 5).cpu.gross);

    put_process(102, 100, "again", 50, 0, 5, 11);
    put_children(100, "102 103");
    put_machine(0, 3, 0);
    mark_at(a, 6);
    TEST("used again by a child of ours; one that is listed but gone",
         near(between(a, 5, 6).cpu.gross, 0.5) && auc_processes(a) == 2, "%g", between(a, 5, 6).cpu.gross);
    put_process(102, 100, "again", 10, 0, 5, 11);
    mark_at(a, 7);
    TEST("a clock that goes back", between(a, 6, 7).cpu.gross == 0, "%g", between(a, 6, 7).cpu.gross);
    char path[1024];
    in_folder(path, sizeof path, "102/stat");
    write_text(path, "102 (again) S 100\n");
    put_process(100, 1, "root", 80, 450, 10, 5);
    mark_at(a, 8);
    TEST("a line that can't be read keeps what was seen",
         auc_processes(a) == 2 && fabs(between(a, 7, 8).cpu.gross - 0.1) < 1e-9, "%g", between(a, 7, 8).cpu.gross);
    in_folder(path, sizeof path, "102/smaps_rollup");
    unlink(path);
    mkdir(path, 0777); /* root may read anything, but not this */
    mark_at(a, 60);
    mark_at(a, 61);
    r = between(a, 60, 61);
    TEST("PSS that can't be read is not known", isnan(r.pss.gross) && r.rss.gross > 14e6, "%g", r.pss.gross);
    drop("100");
    drop("102");
    mark_at(a, 62);
    r = between(a, 61, 62);
    TEST("a root that ends", auc_processes(a) == 0 && r.cpu.gross == 0 && r.rss.gross > 14e6, "%d", auc_processes(a));
    auc_free(a);
}

static void test_discovery(void)
{
    begin_tree();
    put_process(101, 100, "c", 0, 0, 1, 6);
    put_process(102, 101, "g", 0, 0, 1, 7);
    put_process(99, 1, "stranger", 0, 0, 1, 7);
    put_process(1, 0, "init", 0, 0, 1, 0);
    drop("100/task"); /* a kernel without CONFIG_PROC_CHILDREN */
    struct auc *a = record_of(100, false, 0);
    TEST("without lists of children", auc_processes(a) == 3, "%d", auc_processes(a));
    auc_free(a);
    put_children(100, "101");
    put_children(101, "102");
    put_children(102, "");
    a = record_of(100, true, 0);
    TEST("without the root", auc_processes(a) == 2, "%d", auc_processes(a));
    put_process(103, 102, "late", 0, 0, 1, 7);
    put_children(102, "103");
    mark_at(a, 1);
    int before = auc_processes(a);
    put_machine(0, 2, 0);
    mark_at(a, 2);
    TEST("looked for when the machine has forked", before == 2 && auc_processes(a) == 3, "%d, then %d", before,
         auc_processes(a));
    auc_free(a);
    struct error e = {""};
    a = auc_start(&(struct auc_options){.root = 4711, .proc = folder, .clock = fake_clock}, &e);
    TEST("no such root", !a && strstr(e.text, "4711/stat: found no such process"), "'%s'", e.text);
}

static void test_thinning(void)
{
    begin_tree();
    struct auc *a = record_of(100, false, 64);
    /* marks are kept whatever the limit, so all of these are: the limit is one on ticks */
    for (int i = 1; i <= 200; i++) {
        put_process(100, 1, "root", i, 0, i % 2 ? 10 : 20, 5);
        mark_at(a, i);
    }
    struct auc_result r = between(a, 0, 200);
    TEST("marks are kept beyond the limit", r.samples == 201 && near(r.cpu.gross, 2), "%zu samples", r.samples);
    auc_free(a);
}

int main(void)
{
    char temporary[256];
    if (!test_folder(temporary, sizeof temporary)) return perror("a folder for trees"), 1;
    snprintf(folder, sizeof folder, "%s/proc", temporary);
    test_stat();
    test_windows();
    test_idle();
    test_correlated(0, "idle: independent blocks, the deviation covers");
    test_correlated(0.8, "idle: blocks like their neighbours, the deviation covers");
    test_ends();
    test_discovery();
    test_thinning();
    drop("%s", "");
    rmdir(temporary);
    TEST_MAIN_END();
}

#else

int main(void)
{
    SKIP("the sampler", "not on this system");
    TEST_MAIN_END();
}

#endif
