/* meter_csv.c - logs of USB meters: formats, hostile rows, growth, and clocks that a pulse sets.
 * SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/random.h"
#include "engine/meter/meter.h"
#include "engine/meter/pulse.h"
#include "tests/tree.h"

#include <math.h>
#include <time.h>

static struct error e;
static struct energy r;

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance;
}
static bool says(const char *what)
{
    return strstr(e.text, what) != NULL;
}

/* The log's path, and a meter on it with these keys (",power=P" or ""). */
static char log_path[300];
static struct meter *open_log(const char *keys)
{
    char source[600];
    snprintf(source, sizeof source, "csv:%s%s", log_path, keys);
    *e.text = 0;
    return meter_open(source, NULL, &e);
}

/* What stands between this machine's two clocks: logs are written in the one, windows are asked for in the other. */
static double epoch(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec - clock_now();
}

/* Opens the log and asks for the joules of the time from t0 to t1, in seconds from `base`. */
static bool joules(const char *keys, double base, double t0, double t1)
{
    struct meter *m = open_log(keys);
    bool ok = m && meter_between(m, base + t0, base + t1, &r, &e);
    meter_close(m);
    return ok;
}

/* A steady 5.1 V times 0.6 A, 100 times a second in packets of four, as FNIRSI loggers print it: times of a packet step back.
 */
static void put_fnirsi(double start, double seconds, double pulled, double back)
{
    FILE *f = fopen(log_path, "w");
    double energy = 0;
    fprintf(f, "\ntimestamp sample_in_packet voltage_V current_A dp_V dn_V temp_C_ema energy_Ws capacity_As\n");
    for (int i = 0; i < (int)(seconds * 100); i++) {
        double t = 0.01 * i;
        energy += 5.1 * 0.6 * 0.01;
        if (t >= pulled) continue;
        fprintf(f, "%.3f %d 5.10000 0.60000 1.184 1.031 30.500 %.6f 0.1\n", start + t - (i / 4 % 2 && i % 4 == 0 ? back : 0),
                i % 4, energy);
    }
    fclose(f);
}

static void test_formats(double base)
{
    double start = base + epoch();
    put_fnirsi(start, 20, 100, 0.021);
    bool ok = joules("", base, 2.005, 17.5);
    TEST("FNIRSI: volts times amperes, times that step back",
         ok && near(r.gross_j, 3.06 * 15.495, 1e-3) && near(r.interval_s, 0.01, 0.003), "found %g of %g, %g s, %s", r.gross_j,
         3.06 * 15.495, r.interval_s, e.text);
    TEST("FNIRSI: its source", ok && !strcmp(r.source, "csv log.csv") && isnan(r.clock_error_s), "'%s'", r.source);
    ok = joules(",energy=energy_Ws:J", base, 2.005, 17.5);
    TEST("FNIRSI: its own counter, where asked for", ok && near(r.gross_j, 3.06 * 15.495, 0.1), "found %g, %s", r.gross_j,
         e.text);
    put_fnirsi(start, 20, 9, 0);
    TEST("a meter pulled out in the run is refused",
         !joules("", base, 2, 17.5) && says("log.csv") && says("was the meter lost") && isnan(r.gross_j), "%s", e.text);
    put_fnirsi(start, 20, 100, 3);
    TEST("a clock set back is refused", !joules("", base, 2, 17.5), "found %g", r.gross_j);
    TEST("no such file", !open_log("x") && says("No such file"), "%s", e.text);

    /* pyummeter: semicolons, dates in local time, a column named with blanks. */
    FILE *f = fopen(log_path, "w");
    fprintf(f, "Date;Voltage (V);Intensity (A);Power (W);Charging Mode;Energy (Wh)\r\n");
    for (int i = 0; i < 60; i++) {
        double t = start + 0.5 * i;
        time_t whole = (time_t)floor(t);
        struct tm tm;
        localtime_r(&whole, &tm);
        char text[40];
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
        fprintf(f, "%s.%06d;5.1;0.7;%g;\"DCP; 1.5A\";0.5\r\n", text, (int)((t - floor(t)) * 1e6), 2 + 0.05 * i);
    }
    fclose(f);
    ok = joules("", base, 1, 27); /* 2 W + 0.1 W/s * t */
    TEST("UM25C by pyummeter: dates and semicolons", ok && near(r.gross_j, 2 * 26 + 0.05 * (27 * 27 - 1), 1e-3), "found %g, %s",
         r.gross_j, e.text);

    f = fopen(log_path, "w");
    fprintf(f, "# a remark\nms,P [mW],flag\n");
    for (int i = 0; i < 100; i++) fprintf(f, "%.0f,%d,ok\n", (start + 0.2 * i) * 1000, 1500);
    fclose(f);
    ok = joules(",time=ms:ms,power=P [mW]:mW", base, 1, 18);
    TEST("any log, by a map with units", ok && near(r.gross_j, 1.5 * 17, 1e-3), "found %g, %s", r.gross_j, e.text);
    ok = joules(",time=1,power=2:mW", base, 1, 18);
    TEST("columns by number, milliseconds by their size", ok && near(r.gross_j, 1.5 * 17, 1e-3), "found %g, %s", r.gross_j,
         e.text);
    TEST("columns that are not there: found and expected",
         !joules("", base, 1, 18) && says("found the columns 'ms,P [mW],flag', expected a time"), "%s", e.text);
    TEST("a named column that is not there", !joules(",time=ms,power=W", base, 1, 18) && says("expected W"), "%s", e.text);
    TEST("no power among the columns",
         !joules(",time=ms", base, 1, 18) && says("expected power (power, power_W), or voltage and current"), "%s", e.text);
    TEST("an unknown unit", !open_log(",power=P:hp") && says("found unit 'hp'"), "%s", e.text);
    TEST("an unknown key", !open_log(",time=1,colour=3") && says("found key 'colour'"), "%s", e.text);
    TEST("an unknown clock", !open_log(",clock=moon") && says("expected here or pulse"), "%s", e.text);
}

static void test_rows(double base)
{
    double start = base + epoch();
    FILE *f = fopen(log_path, "w");
    fprintf(f, "time,power\n");
    for (int i = 0; i < 200; i++) {
        double t = start + 0.1 * i;
        if (i == 50)
            fprintf(f, "%.3f,nan\n", t);
        else if (i == 60)
            fprintf(f, "%.3f,inf\n", t);
        else if (i == 70)
            fprintf(f, "%.3f\n", t); /* cut off */
        else if (i == 80)
            fprintf(f, "time,power\n"); /* the logger began anew */
        else if (i == 90)
            fprintf(f, "%.3f,3,5\n\n", t);
        else if (i == 95)
            fprintf(f, "%.3f,3.0W\n", t);
        else
            fprintf(f, "%.3f,3\n", t);
    }
    fprintf(f, "%.3f,9999", start + 20); /* not whole yet */
    fclose(f);
    bool ok = joules("", base, 1, 19.8);
    TEST("rows that are no readings are left out and counted",
         ok && near(r.gross_j, 3 * 18.8, 1e-3) && strstr(r.remark, "4 rows skipped, line 52: found 'nan'"),
         "found %g, '%s', %s", r.gross_j, r.remark, e.text);
    TEST("a row that is not whole is not read", !joules("", base, 1, 19.95) && says("no reading in the last"), "found %g",
         r.gross_j);
    f = fopen(log_path, "w");
    fprintf(f, "time;power\n");
    for (int i = 0; i < 30; i++) fprintf(f, "%.3f;3,25\n", start + i);
    fclose(f);
    TEST("decimal commas are no numbers", !joules("", base, 1, 19.8) && says("line 2: found '3,25', expected a number"), "%s",
         e.text);
    f = fopen(log_path, "w");
    fprintf(f, "time,power\n");
    for (int i = 0; i < 60; i++)
        if (i < 20 || i > 45) fprintf(f, "%.3f,3\n", start + i);
    fclose(f);
    TEST("a gap is refused", !joules("", base, 1, 58.5) && says("no reading for 27.000 s from 18.000 s"), "%s", e.text);
    TEST("unless it is allowed",
         joules(",gap=30", base, 1, 58.5) && near(r.gross_j, 3 * 57.5, 1e-3) && near(r.max_gap_s, 27, 1e-3), "%s", e.text);
    TEST("the ends' uncertainty of a slow meter is stated", near(r.edge_j, r.gross_j / (double)r.readings, 1e-9), "found %g",
         r.edge_j);
    TEST("times that are not this machine's", !joules("", base + 100, 1, 59) && says("no reading in the last 58.000 s"), "%s",
         e.text);
    f = fopen(log_path, "w");
    fprintf(f, "t\tP\n");
    for (int i = 0; i < 5000; i++) fputc("\0\t\n;,\"1e9-"[i * 7 % 11], f);
    fclose(f);
    TEST("rubbish", !joules(",time=t,power=P", base, 1, 2), "found %g", r.gross_j);
    f = fopen(log_path, "w");
    for (int i = 0; i < 400000; i++) fputc('1', f);
    fclose(f);
    TEST("a line without end", !open_log("") && says("expected a row"), "%s", e.text);
    snprintf(log_path, sizeof log_path, "%s", tree_root);
    TEST("a folder", !open_log("") && says("no regular file"), "%s", e.text);
    snprintf(log_path, sizeof log_path, "%s/log.csv", tree_root);

    /* An energy counter that was reset when the meter lost its power. */
    f = fopen(log_path, "w");
    fprintf(f, "time,mWh\n");
    for (int i = 0; i < 100; i++) fprintf(f, "%.3f,%.3f\n", start + i, (i < 50 ? i : i - 50) * 1.25);
    fclose(f);
    TEST("a counter that went back to 0 is refused", !joules(",energy=mWh:mWh", base, 1, 90) && says("counter reset"),
         "found %g", r.gross_j);
    TEST("before that it is fine", joules(",energy=mWh:mWh", base, 1, 40) && near(r.gross_j, 39 * 4.5, 1e-3), "found %g, %s",
         r.gross_j, e.text);
}

static void test_size(double base)
{
    put_fnirsi(base + epoch(), 10000, 1e9, 0.021); /* 10^6 rows */
    double t0 = clock_now();
    bool ok = joules("", base, 1, 9999);
    TEST("a million rows", ok && near(r.gross_j, 3.06 * 9998, 0.1) && clock_now() - t0 < 20, "found %g in %.1f s, %s",
         r.gross_j, clock_now() - t0, e.text);
}

/* The log grows while the meter is open. */
static void test_growth(void)
{
    FILE *f = fopen(log_path, "w");
    fprintf(f, "time,power\n");
    fflush(f);
    struct meter *m = open_log("");
    double t0 = 0, t1 = 0, ahead = epoch();
    for (int i = 0; i < 30; i++) {
        fprintf(f, "%.6f,4\n", clock_now() + ahead);
        fflush(f);
        if (i == 2) t0 = clock_now();
        if (i == 25) t1 = clock_now();
        usleep(10000);
    }
    bool ok = m && meter_sample(m, &e) && meter_between(m, t0, t1, &r, &e);
    TEST("a log that grows", ok && near(r.gross_j, 4 * (t1 - t0), 1e-6) && r.readings >= 20, "found %g of %g, %s", r.gross_j,
         4 * (t1 - t0), e.text);
    fclose(f);
    f = fopen(log_path, "w");
    fclose(f);
    TEST("a log that got shorter", !meter_between(m, t0, t1, &r, &e) && says("expected a log that grows"), "%s", e.text);
    meter_close(m);
    TEST("an empty log may yet grow", (m = open_log("")) != NULL, "%s", e.text);
    meter_close(m);
}

/* ---- The pulse ---- */

/* A machine of 3 W idle, 8 W busy: a pulse at `at` (and at `again`, if later), runs of its own from 60 to 100 s and from 130 to
 * 140 s; noise of `noise` watts where no joules are asked for. Its log's clock shows offset + rate * t. */
static double noise_now(uint64_t *seed)
{
    return random_fraction(seed) - 0.5;
}

static double power_at(double t, double at, double again, double chip)
{
    double w = (t >= 60 && t < 100) || (t >= 130 && t < 140) ? 8 : 3;
    for (int i = 0; i < PULSE_CHIPS; i++) {
        bool in = (t >= at + chip * i && t < at + chip * (i + 1)) ||
                  (again > at && t >= again + chip * i && t < again + chip * (i + 1));
        if (in) w = pulse_busy[i] ? 8 : 3;
    }
    return w;
}

static void put_pulsed(double offset, double rate, double spacing, double at, double again, double chip, double noise)
{
    uint64_t seed = 1;
    FILE *f = fopen(log_path, "w");
    fprintf(f, "time,power\n");
    for (double t = 0.3 * spacing; t < 200; t += spacing)
        fprintf(f, "%.4f,%.4f\n", offset + rate * t,
                power_at(t, at, again, chip) + (t > 45 && t < 105 ? 0 : noise * noise_now(&seed)));
    fclose(f);
}

/* Joules from t0 to t1 of the machine's time by a log with these pulses; clock error against what it really was in *clock. */
static bool pulsed(const char *keys, double at, double again, double chip, double t0, double t1)
{
    double edges[PULSE_CHIPS + 1];
    struct meter *m = open_log(keys);
    bool ok = m && meter_wants_pulse(m);
    for (int k = 0; k < (again > at ? 2 : 1); k++) {
        for (int i = 0; i <= PULSE_CHIPS; i++) edges[i] = (k ? again : at) + chip * i;
        ok = ok && meter_pulse_add(m, edges, &e);
    }
    ok = ok && meter_between(m, t0, t1, &r, &e);
    meter_close(m);
    return ok;
}

static void test_pulse(void)
{
    /* The run begins at 60: of the window from 50 to 90, a clock wrong by x seconds is wrong by 5 x joules. */
    static const struct {
        const char *name;
        double spacing, chip, noise, tolerance_s;
    } cases[] = {
        {"100 Hz", 0.01, 0.5, 0.2, 0.01},
        {"10 Hz", 0.1, 0.5, 0.5, 0.06},
        {"4 Hz, noisy", 0.25, 0.5, 1.5, 0.2},
        {"1 Hz, long chips", 1, 4, 0.5, 0.6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double chip = cases[i].chip, exact = 10 * 3 + 30 * 8;
        char name[96], keys[64];
        snprintf(keys, sizeof keys, ",clock=pulse,chip=%g", chip);
        put_pulsed(1234.56, 1, cases[i].spacing, 110, 0, chip, cases[i].noise);
        bool ok = pulsed(keys, 110, 0, chip, 50, 90);
        double off = (r.gross_j - exact) / 5;
        snprintf(name, sizeof name, "a clock 1234.56 s off, found by the pulse: %s", cases[i].name);
        TEST(name,
             ok && fabs(off) < cases[i].tolerance_s && r.clock_error_s < 2 * cases[i].tolerance_s + cases[i].spacing &&
                 strstr(r.remark, "1 pulse"),
             "off by %.3f s, said %.3f s, '%s' %s", off, r.clock_error_s, r.remark, e.text);
    }
    put_pulsed(-50, 1.0002, 0.05, 20, 180, 0.5, 0.2);
    bool ok = pulsed(",clock=pulse", 20, 180, 0.5, 50, 90);
    TEST("a clock that runs fast, by two pulses", ok && near(r.gross_j, 270, 0.2) && strstr(r.remark, "2 pulses"),
         "found %g, '%s', %s", r.gross_j, r.remark, e.text);
    put_pulsed(0, 1, 0.05, 20, 180, 0.5, 0.2);
    TEST("two places like the pulse are refused", !pulsed(",clock=pulse", 20, 0, 0.5, 50, 90) && says("more than one place"),
         "found %g, %s", r.gross_j, e.text);
    put_pulsed(0, 1, 0.05, -50, -60, 0.5, 0.2);
    TEST("a log without the pulse is refused", !pulsed(",clock=pulse", 20, 0, 0.5, 50, 90) && says("found no pulse"),
         "found %g, %s", r.gross_j, e.text);
    put_pulsed(0, 1, 0.05, -50, -60, 0.5, 12);
    TEST("noise is no pulse", !pulsed(",clock=pulse", 20, 0, 0.5, 50, 90) && (says("found no pulse") || says("more than one")),
         "found %g, %s", r.gross_j, e.text);
    put_pulsed(0, 1, 0.5, 20, 0, 0.5, 0.2);
    TEST("chips too short for the meter: which would do",
         !pulsed(",clock=pulse", 20, 0, 0.5, 50, 90) && says("csv:FILE,chip=1.0"), "%s", e.text);
    put_pulsed(0, 1, 0.05, 20, 0, 0.5, 0.2);
    FILE *f = fopen(log_path, "a");
    fputs("9e10,5\n", f);
    fclose(f);
    TEST("a time centuries ahead is no place to look for pulses",
         !pulsed(",clock=pulse", 20, 0, 0.5, 50, 90) && says("found times that span 9e+10 s"), "%s", e.text);
    TEST("no pulse made", !joules(",clock=pulse", 0, 50, 90) && says("found no pulse made"), "%s", e.text);
    struct meter *m = open_log("");
    TEST("no pulse wanted, none made", m && !meter_wants_pulse(m) && meter_pulse(m, NULL, &e), "%s", e.text);
    meter_close(m);
}

/* A pulse that is really made: its chips are as long as they should be, and the process is busy in just those. */
static void test_make(void)
{
    double edges[PULSE_CHIPS + 1], t0 = clock_now();
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    bool ok = pulse_make(1, 0.02, NULL, edges, &e);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    double wall = clock_now() - t0, busy = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
    TEST("a pulse of 15 chips", ok && near(edges[PULSE_CHIPS] - edges[0], 0.3, 1e-9) && wall >= 0.3, "%.3f s, %s", wall,
         e.text);
    TEST("busy for its nine busy chips at most", busy < 0.22 && busy > 0.02, "found %.3f s", busy);
    volatile int stop = 1;
    TEST("a pulse can be interrupted", !pulse_make(1, 5, &stop, edges, &e) && says("interrupted"), "%s", e.text);
}

int main(void)
{
    if (!test_folder(tree_root, sizeof tree_root)) return 1;
    snprintf(log_path, sizeof log_path, "%s/log.csv", tree_root);
    double base = clock_now() - 20000; /* windows long past: nothing is waited for */
    test_formats(base);
    test_rows(base);
    test_size(base);
    test_growth();
    test_pulse();
    test_make();
    tree_remove("");
    TEST_MAIN_END();
}
