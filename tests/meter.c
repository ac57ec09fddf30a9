/* meter.c - the energy sources that read this machine, on trees that the test makes, and the arithmetic of readings.
 * SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/json.h"
#include "engine/meter/meter.h"
#include "engine/meter/trace.h"
#include "tests/tree.h"

#include <math.h>

static struct error e;

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance;
}
static bool says(const char *what)
{
    return strstr(e.text, what) != NULL;
}

static struct meter *open_tree(const char *source)
{
    char vcgencmd[300];
    snprintf(vcgencmd, sizeof vcgencmd, "%s/vcgencmd", tree_root);
    struct meter_options o = {.root = tree_root, .vcgencmd = vcgencmd};
    *e.text = 0;
    return meter_open(source, &o, &e);
}

static void pause_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

/* ---- Readings ---- */

static bool add_all(struct trace *c, const double *tv, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!trace_add(c, tv[2 * i], tv[2 * i + 1])) return false;
    return true;
}

static void test_power(void)
{
    struct trace c = {0};
    struct span s;
    for (int i = 0; i <= 100; i++) trace_add(&c, 0.1 * i, 2 + 0.1 * i); /* 2 W + 1 W/s * t, so 2 t + t^2 / 2 joules */
    bool ok = trace_between(&c, 0.55, 9.13, 1, 10, &s, &e);
    double exact = 2 * (9.13 - 0.55) + 0.5 * (9.13 * 9.13 - 0.55 * 0.55);
    TEST("a ramp's joules, ends between readings", ok && near(s.joules, exact, 1e-9), "found %.9g, expected %.9g", s.joules,
         exact);
    TEST("readings in the window and their spacing", s.readings == 86 && near(s.max_gap_s, 0.1, 1e-9), "found %zu, %g",
         s.readings, s.max_gap_s);
    TEST("too few readings are refused",
         !trace_between(&c, 1, 1.5, 1, 10, &s, &e) && says("found 6 readings") && isnan(s.joules), "%s", e.text);
    TEST("a meter lost before the end is refused", !trace_between(&c, 5, 12, 1, 10, &s, &e) && says("was the meter lost"), "%s",
         e.text);
    TEST("a meter that came late is refused", !trace_between(&c, -1, 5, 1, 10, &s, &e) && says("expected one before it"), "%s",
         e.text);
    TEST("no window", !trace_between(&c, 5, 5, 1, 10, &s, &e) && says("positive"), "%s", e.text);
    trace_free(&c);
    TEST("no reading", !trace_between(&c, 1, 2, 1, 10, &s, &e) && says("no reading"), "%s", e.text);
    for (int i = 0; i <= 100; i++)
        if (i < 40 || i > 60) trace_add(&c, 0.1 * i, 5);
    TEST("a gap is refused", !trace_between(&c, 1, 9, 2, 10, &s, &e) && says("no reading for 2.200 s from 2.900 s"), "%s",
         e.text);
    TEST("a gap outside the window is none", trace_between(&c, 6.2, 9, 2, 10, &s, &e) && near(s.joules, 14, 1e-9), "%s",
         e.text);
    trace_free(&c);
    /* A reading every 15 s, as some tools have it: no window of a minute gets a figure. */
    for (int i = 0; i <= 40; i++) trace_add(&c, 15.0 * i, 5);
    TEST("15 s between readings are refused for a minute",
         !trace_between(&c, 1, 61, 2, 10, &s, &e) && says("expected one every 2 s"), "%s", e.text);
    TEST("15 s between readings, allowed, are too few", !trace_between(&c, 1, 61, 20, 10, &s, &e) && says("4 readings"), "%s",
         e.text);
    trace_free(&c);
}

static void test_counter(void)
{
    struct trace c = {.counter = true, .wrap_j = 1000};
    struct span s;
    /* 50 W: it wraps at t = 3, 23; a failed reading is left out by whoever reads. */
    for (int i = 0; i <= 60; i++)
        if (i != 29 && i != 30) trace_add(&c, 0.5 * i, fmod(850 + 25.0 * i, 1000));
    bool ok = trace_between(&c, 1.25, 29.25, 2, 10, &s, &e);
    TEST("a counter over two wraps and failed readings", ok && near(s.joules, 50 * 28, 1e-9), "found %.9g, %s", s.joules,
         e.text);
    trace_free(&c);
    c = (struct trace){.counter = true, .wrap_j = 262143};
    static const double back[] = {0, 1000, 1, 1010, 2, 1020, 3, 5, 4, 15, 5, 25, 6, 35};
    add_all(&c, back, 7);
    TEST("a step back that is no wrap is a reset", !trace_between(&c, 0, 4, 2, 0, &s, &e) && says("reset 3.000 s"), "%s",
         e.text);
    TEST("after a reset it counts again", trace_between(&c, 3, 6, 2, 10, &s, &e) && near(s.joules, 30, 1e-9), "found %g, %s",
         s.joules, e.text);
    trace_free(&c);
    c = (struct trace){.counter = true};
    static const double zero[] = {0, 900, 1, 0, 2, 920};
    add_all(&c, zero, 3);
    TEST("a counter without a range never wraps", !trace_between(&c, 0, 2, 2, 0, &s, &e) && says("reset"), "%s", e.text);
    trace_free(&c);
    c = (struct trace){.counter = true, .wrap_j = 262143};
    static const double leap[] = {0, 100, 0.1, 200000, 0.2, 200001};
    add_all(&c, leap, 3);
    TEST("a leap that no machine makes is no energy", !trace_between(&c, 0, 0.2, 2, 0, &s, &e) && says("reset"), "found %g",
         s.joules);
    trace_free(&c);
    static const double slow[] = {0, 0, 10, 100, 20, 200};
    c = (struct trace){.counter = true};
    add_all(&c, slow, 3);
    TEST("a window in the middle of two counts is refused",
         !trace_between(&c, 4, 16, 20, 10, &s, &e) && says("nearest to the window's ends 8 s"), "%s", e.text);
    TEST("one that ends near counts is not", trace_between(&c, 0.5, 19.5, 20, 10, &s, &e) && near(s.edge_s, 1, 1e-9), "%s",
         e.text);
    trace_free(&c);
}

/* ---- RAPL ---- */

static void put_uj(const char *zone, double uj)
{
    char path[128];
    snprintf(path, sizeof path, "sys/class/powercap/%s/energy_uj", zone);
    tree_put(path, "%.0f\n", uj);
}

static void test_rapl(void)
{
    struct energy r;
    tree_put_zone("intel-rapl", "control", 0);
    tree_put_zone("intel-rapl:0", "package-0", 262143e6);
    tree_put_zone("intel-rapl:0:0", "core", 1e6);
    tree_put_zone("intel-rapl:0:1", "dram", 7e6);
    tree_put_zone("intel-rapl:1", "package-1", 500e6);
    tree_put_zone("intel-rapl:1:0", "dram", 9e6);
    tree_put_zone("intel-rapl:2", "psys", 100e6);
    tree_put_zone("intel-rapl-mmio:0", "package-0", 262143e6 + 1);
    struct meter *m = open_tree("rapl");
    TEST("RAPL: packages and DRAM, no core, no psys, no zone twice",
         m && !strcmp(meter_source(m), "rapl package-0 dram-0 package-1 dram-1"), "found '%s', %s", m ? meter_source(m) : "",
         e.text);
    if (!m) return;
    double t0 = clock_now();
    pause_ms(4);
    meter_sample(m, &e);
    pause_ms(4);
    put_uj("intel-rapl:0", 1e6 - 328850); /* wrapped: 1 J more than before */
    put_uj("intel-rapl:0:0", 20e6);
    put_uj("intel-rapl:0:1", 7.5e6);
    put_uj("intel-rapl:1", 502e6);
    put_uj("intel-rapl:2", 110e6);
    meter_sample(m, &e);
    pause_ms(4);
    tree_remove("sys/class/powercap/intel-rapl:1/energy_uj");
    bool failed = !meter_sample(m, &e) && says("energy_uj: No such file");
    pause_ms(4);
    put_uj("intel-rapl:1", 503e6);
    meter_sample(m, &e);
    bool ok = meter_between(m, t0, clock_now(), &r, &e);
    TEST("RAPL: joules over a wrap, a failed reading no wrap and no 0",
         ok && failed && near(r.gross_j, 1 + 0.5 + 3, 1e-4) && r.kind == ENERGY_MEASURED, "found %.6g J, %s", r.gross_j,
         e.text);
    TEST("RAPL: parts add up",
         r.n_parts == 4 && near(r.part[0].joules + r.part[1].joules + r.part[2].joules + r.part[3].joules, r.gross_j, 1e-9) &&
             !strcmp(r.part[2].name, "package-1") && near(r.part[2].joules, 3, 1e-4),
         "found %zu, %g", r.n_parts, r.part[2].joules);
    TEST("RAPL: net is not known without an idle window", isnan(r.net_j) && isnan(r.idle_w), "found %g", r.net_j);
    pause_ms(4);
    put_uj("intel-rapl:1", 40e6);
    meter_sample(m, &e);
    ok = meter_between(m, t0, clock_now(), &r, &e);
    TEST("RAPL: a step back in the middle is refused",
         !ok && says("rapl") && says("package-1: found the counter reset") && r.kind == ENERGY_NONE && isnan(r.gross_j), "%s",
         e.text);
    pause_ms(4);
    t0 = clock_now();
    meter_sample(m, &e);
    tree_remove("sys/class/powercap/intel-rapl:0");
    pause_ms(4);
    ok = meter_between(m, t0, clock_now(), &r, &e);
    TEST("RAPL: a zone that went away is refused", !ok && says("intel-rapl:0/energy_uj"), "%s", e.text);
    meter_close(m);
    m = open_tree("rapl:psys");
    TEST("RAPL: psys by name", m && !strcmp(meter_source(m), "rapl psys"), "%s", e.text);
    meter_close(m);
    TEST("RAPL: another word", !open_tree("rapl:core") && says("expected rapl or rapl:psys"), "%s", e.text);
    tree_remove("sys");
    tree_put_zone("intel-rapl:0", "package-0-die-0", 5e6);
    tree_put_zone("intel-rapl:1", "package-0-die-1", 5e6);
    tree_put_zone("intel-rapl:2", "package-1-die-0", 6e6);
    m = open_tree("rapl");
    TEST("RAPL: two dies that show one counter count once",
         m && !strcmp(meter_source(m), "rapl package-0-die-0 package-1-die-0"), "found '%s'", m ? meter_source(m) : e.text);
    meter_close(m);
    char path[400];
    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:0/energy_uj", tree_root);
    chmod(path, 0);
    chmod(tree_root, 0755);
    bool root = !geteuid(), other = !root || !seteuid(65534); /* root may read everything */
    m = other ? open_tree("rapl") : NULL;
    if (root && other && seteuid(0)) abort();
    if (other)
        TEST("RAPL: no permission: one line that says what to do", !m && says("no permission") && says("sudo chmod a+r"), "%s",
             e.text);
    else
        SKIP("RAPL: no permission", "root that can be nobody else");
    put_uj("intel-rapl:0", 0);
    tree_put("sys/class/powercap/intel-rapl:0/energy_uj", "lots\n");
    TEST("RAPL: no number", !open_tree("rapl") && says("found 'lots', expected a number"), "%s", e.text);
    tree_remove("sys");
    TEST("RAPL: no powercap at all", !open_tree("rapl") && says("sys/class/powercap: No such file"), "%s", e.text);
    mkdir(tree_root, 0777);
    tree_put("sys/class/powercap/README", "empty\n");
    TEST("RAPL: no zone", !open_tree("rapl") && says("found no package zone"), "%s", e.text);
    tree_remove("sys");
}

/* Idle at 10 W before and 12 W after, 20 W between; counters set at known times, scaled up so that pauses are short. */
static void test_net(void)
{
    tree_put_zone("intel-rapl:0", "package-0", 0);
    struct meter *m = open_tree("rapl");
    double t[4], j = 0, at = clock_now();
    struct energy r = energy_none;
    static const double watts[] = {10, 20, 12};
    t[0] = at;
    meter_sample(m, &e);
    for (int phase = 0; phase < 3; phase++) {
        for (int i = 0; i < 30; i++) {
            pause_ms(3);
            double now = clock_now();
            j += watts[phase] * (now - at);
            at = now;
            put_uj("intel-rapl:0", j * 1e6);
            meter_sample(m, &e);
        }
        t[phase + 1] = clock_now();
    }
    bool ok = meter_idle(m, t[0], t[1], &e) && meter_idle(m, t[2], t[3], &e) && meter_between(m, t[1], t[2], &r, &e);
    double T = t[2] - t[1];
    TEST("net: gross less the baseline of both sides",
         ok && near(r.idle_w, 11, 0.5) && near(r.gross_j, 20 * T, 0.1 * 20 * T) &&
             near(r.net_j, r.gross_j - r.idle_w * T, 1e-9),
         "found %g W, %g J of %g, %s", r.idle_w, r.gross_j, 20 * T, e.text);
    TEST("net: drift between the windows is in its error",
         r.idle_error_w > 0.7 && near(r.net_error_j, r.idle_error_w * T, 1e-9), "found %g", r.idle_error_w);
    TEST("idle: no time", !meter_idle(m, 1, 1, &e) && says("positive"), "%s", e.text);
    meter_idle(m, t[0] - 50, t[0] - 40, &e);
    ok = meter_between(m, t[1], t[2], &r, &e);
    TEST("net: an idle window without readings gives none, and says so",
         ok && isnan(r.net_j) && strstr(r.remark, "idle window") && r.gross_j > 0, "'%s'", r.remark);
    meter_close(m);
    tree_remove("sys");
}

/* ---- perf ---- */

static void test_perf(void)
{
    tree_put("proc/sys/kernel/perf_event_paranoid", "4\n");
    tree_put("sys/bus/event_source/devices/power/type", "77777777\n");
    tree_put("sys/bus/event_source/devices/power/cpumask", "0,2-3\n");
    tree_put("sys/bus/event_source/devices/power/events/energy-pkg", "event=0x02\n");
    tree_put("sys/bus/event_source/devices/power/events/energy-pkg.scale", "2.3283064365386962890625e-10\n");
    tree_put("sys/bus/event_source/devices/power/events/energy-pkg.unit", "Joules\n");
#ifdef __linux__
    TEST("perf: a PMU that is not there", !open_tree("perf") && says("energy-pkg/ (type 77777777, config 0x2) on CPU 0"), "%s",
         e.text);
    tree_put("sys/bus/event_source/devices/power/cpumask", "zero\n");
    TEST("perf: no list of CPUs", !open_tree("perf") && says("found 'zero', expected a list of CPUs"), "%s", e.text);
    tree_put("sys/bus/event_source/devices/power/events/energy-pkg.scale", "-1\n");
    TEST("perf: no scale", !open_tree("perf") && says("expected a positive number"), "%s", e.text);
    tree_put("sys/bus/event_source/devices/power/events/energy-pkg.unit", "Watts\n");
    TEST("perf: another unit", !open_tree("perf") && says("found 'Watts', expected Joules"), "%s", e.text);
    tree_put("sys/bus/event_source/devices/power/events/energy-pkg", "umask=1\n");
    TEST("perf: another form of event", !open_tree("perf") && says("expected event=NUMBER"), "%s", e.text);
#endif
    tree_remove("sys");
    TEST("perf: no PMU", !open_tree("perf") && says("found no perf events") + says("No such file"), "%s", e.text);
    tree_remove("proc");
}

/* ---- hwmon, battery ---- */

/* 20 readings 6 ms apart, then the joules of that time. */
static bool watch(struct meter *m, struct energy *r, double *seconds)
{
    double t0 = clock_now();
    for (int i = 0; i < 20; i++) {
        pause_ms(6);
        if (!meter_sample(m, &e)) return false;
    }
    double t1 = clock_now();
    *seconds = t1 - t0;
    return meter_between(m, t0, t1, r, &e);
}

static void test_hwmon(void)
{
    struct energy r;
    double s;
    TEST("hwmon: none", !open_tree("hwmon") && says("No such file"), "%s", e.text);
    tree_put("sys/class/hwmon/hwmon0/name", "k10temp\n");
    tree_put("sys/class/hwmon/hwmon1/name", "amdgpu\n");
    tree_put("sys/class/hwmon/hwmon1/power1_average", "9000000\n");
    TEST("hwmon: a graphics card's alone is none", !open_tree("hwmon") && says("found none"), "%s", e.text);
    tree_put("sys/class/hwmon/hwmon10/name", "ina226\n");
    tree_put("sys/class/hwmon/hwmon10/power1_input", "4500000\n");
    tree_put("sys/class/hwmon/hwmon10/curr1_input", "900\n");
    tree_put("sys/class/hwmon/hwmon10/in1_input", "5000\n");
    struct meter *m = open_tree("hwmon");
    bool ok = m && watch(m, &r, &s);
    TEST("hwmon: one power sensor", ok && !strcmp(meter_source(m), "hwmon ina226/power1") && near(r.gross_j, 4.5 * s, 1e-9),
         "%s", e.text);
    meter_close(m);
    tree_put("sys/class/hwmon/hwmon11/name", "ina3221\n");
    for (int i = 1; i <= 3; i++) {
        char path[80];
        snprintf(path, sizeof path, "sys/class/hwmon/hwmon11/curr%d_input", i);
        tree_put(path, "%d\n", 100 * i);
        snprintf(path, sizeof path, "sys/class/hwmon/hwmon11/in%d_input", i);
        tree_put(path, "5000\n");
    }
    TEST("hwmon: several are the user's choice",
         !open_tree("hwmon") && says("ina226/power1 (hwmon10), ina3221/curr1 (hwmon11), ina3221/curr2") &&
             says("hwmon:CHIP/SENSOR"),
         "%s", e.text);
    m = open_tree("hwmon:ina3221/curr1+ina3221/curr3");
    ok = m && watch(m, &r, &s);
    TEST("hwmon: two chosen rails, volts times amperes", ok && r.n_parts == 2 && near(r.gross_j, (0.5 + 1.5) * s, 1e-9), "%s",
         e.text);
    meter_close(m);
    TEST("hwmon: a sensor that is not there",
         !open_tree("hwmon:ina3221/curr7") && says("found no 'ina3221/curr7', expected one of: amdgpu/power1"), "%s", e.text);
    tree_put("sys/class/hwmon/hwmon12/name", "ina226\n");
    tree_put("sys/class/hwmon/hwmon12/power1_input", "1000000\n");
    TEST("hwmon: two chips of one name are told apart", !open_tree("hwmon:ina226/power1") && says("found 2 of 'ina226/power1'"),
         "%s", e.text);
    m = open_tree("hwmon:hwmon12/power1");
    ok = m && watch(m, &r, &s);
    TEST("hwmon: by their folders", ok && near(r.gross_j, s, 1e-9), "%s", e.text);
    meter_close(m);
    m = open_tree("hwmon:amdgpu/power1");
    TEST("hwmon: any by name", m != NULL, "%s", e.text);
    if (m) tree_put("sys/class/hwmon/hwmon1/power1_average", "N/A\n");
    TEST("hwmon: a reading that is no number fails", m && !watch(m, &r, &s) && says("found 'N/A'"), "%s", e.text);
    meter_close(m);
    tree_remove("sys");
}

static void test_battery(void)
{
    struct energy r;
    double s;
    tree_put("sys/class/power_supply/AC/type", "Mains\n");
    tree_put("sys/class/power_supply/AC/online", "1\n");
    tree_put("sys/class/power_supply/mouse/type", "Battery\n");
    tree_put("sys/class/power_supply/mouse/scope", "Device\n");
    TEST("battery: a mouse's is none", !open_tree("battery") && says("found no battery"), "%s", e.text);
    tree_put("sys/class/power_supply/BAT0/type", "Battery\n");
    tree_put("sys/class/power_supply/BAT0/status", "Charging\n");
    tree_put("sys/class/power_supply/BAT0/power_now", "8000000\n");
    TEST("battery: charging is refused", !open_tree("battery") && says("found 'Charging', expected 'Discharging'"), "%s",
         e.text);
    tree_put("sys/class/power_supply/BAT0/status", "Discharging\n");
    TEST("battery: a charger is refused", !open_tree("battery") && says("AC/online: found the charger"), "%s", e.text);
    tree_put("sys/class/power_supply/AC/online", "0\n");
    tree_put("sys/class/power_supply/BAT1/type", "Battery\n");
    tree_put("sys/class/power_supply/BAT1/status", "Discharging\n");
    TEST("battery: no power at all", !open_tree("battery") && says("found no power_now"), "%s", e.text);
    tree_put("sys/class/power_supply/BAT1/current_now", "-500000\n");
    tree_put("sys/class/power_supply/BAT1/voltage_now", "12000000\n");
    struct meter *m = open_tree("battery");
    TEST("battery: opens", m != NULL, "%s", e.text);
    if (!m) return;
    double t0 = clock_now();
    for (int i = 0; i < 12; i++) {
        pause_ms(51);
        meter_sample(m, &e);
    }
    double t1 = clock_now();
    s = t1 - t0;
    bool ok = meter_between(m, t0, t1, &r, &e);
    TEST("battery: two of them, one in amperes with a minus", ok && near(r.gross_j, (8 + 6) * s, 1e-9), "found %g of %g, %s",
         r.gross_j, 14 * s, e.text);
    tree_put("sys/class/power_supply/BAT0/status", "Full\n");
    pause_ms(51);
    ok = meter_sample(m, &e);
    TEST("battery: plugged in later, a reading fails", !ok && says("'Full'"), "%s", e.text);
    TEST("battery: and the window is refused", !meter_between(m, t0, clock_now(), &r, &e) && r.kind == ENERGY_NONE, "%s",
         e.text);
    meter_close(m);
    tree_remove("sys");
    tree_put("sys/class/power_supply/BAT0/type", "Battery\n");
    tree_put("sys/class/power_supply/BAT0/status", "Discharging\n");
    tree_put("sys/class/power_supply/BAT0/energy_now", "50000000\n");
    m = open_tree("battery");
    t0 = clock_now();
    pause_ms(51);
    tree_put("sys/class/power_supply/BAT0/energy_now", "49990000\n"); /* 10 mWh */
    ok = m && meter_sample(m, &e);
    pause_ms(51);
    ok = ok && meter_between(m, t0, clock_now(), &r, &e);
    TEST("battery: only energy_now, which counts down", ok && near(r.gross_j, 36, 0.5) && near(r.resolution, 36, 1e-9),
         "found %g, %s", r.gross_j, e.text);
    meter_close(m);
    tree_remove("sys");
}

/* ---- The Pi's PMIC ---- */

static void put_vcgencmd(const char *adc, const char *throttled)
{
    tree_put("vcgencmd", "#!/bin/sh\ncase $1 in\nget_throttled) echo throttled=%s;;\npmic_read_adc) printf '%s';;\nesac\n",
             throttled, adc);
    char path[300];
    snprintf(path, sizeof path, "%s/vcgencmd", tree_root);
    chmod(path, 0755);
}

static void test_pmic(void)
{
    static const char adc[] =
        "     3V7_WL_SW_A current(0)=0.10000000A\\n   DDR_VDD2_A current(3)=0.20000000A\\n   VDD_CORE_A "
        "current(7)=2.00000000A\\n"
        "     3V7_WL_SW_V volt(8)=3.70000000V\\n   DDR_VDD2_V volt(11)=1.10000000V\\n   VDD_CORE_V volt(15)=0.80000000V\\n"
        "      EXT5V_V volt(24)=5.10000000V\\n       BATT_V volt(25)=0.00341880V\\n";
    struct energy r = energy_none;
    double sum = 0.1 * 3.7 + 0.2 * 1.1 + 2 * 0.8;
    TEST("pmic: no vcgencmd", !open_tree("pmic") && says("vcgencmd: No such file"), "%s", e.text);
    put_vcgencmd(adc, "0x0");
    struct meter *m = open_tree("pmic");
    TEST("pmic: opens", m != NULL, "%s", e.text);
    if (!m) return;
    double t0 = clock_now();
    for (int i = 0; i < 11; i++) {
        pause_ms(110);
        meter_sample(m, &e);
    }
    double t1 = clock_now();
    put_vcgencmd(adc, "0x50000");
    bool ok = meter_between(m, t0, t1, &r, &e);
    TEST("pmic: volts times amperes over rails that have both", ok && near(r.gross_j, sum * (t1 - t0), 1e-6),
         "found %g of %g, %s", r.gross_j, sum * (t1 - t0), e.text);
    TEST("pmic: core, DDR and the rest apart", r.n_parts == 3 && near(r.part[1].joules, 0.22 * (t1 - t0), 1e-6), "found %g",
         r.part[1].joules);
    TEST("pmic: throttling is said", strstr(r.remark, "throttled 0x0 before, 0x50000 after"), "'%s'", r.remark);
    put_vcgencmd("   VDD_CORE_A current(7)=2.0A\\n", "0x0");
    pause_ms(110);
    TEST("pmic: amperes without volts fail", !meter_sample(m, &e) && says("found VDD_CORE_A, expected VDD_CORE_V"), "%s",
         e.text);
    put_vcgencmd("   VDD_CORE_A current(7)=nanA\\n   VDD_CORE_V volt(15)=0.8V\\n", "0x0");
    pause_ms(110);
    TEST("pmic: NaN fails", !meter_sample(m, &e) && says("expected NAME=NUMBERA"), "%s", e.text);
    put_vcgencmd("error=1 error_msg=\"Command not registered\"\\n", "0x0");
    TEST("pmic: a Pi without the chip", !open_tree("pmic") && says("expected rails"), "%s", e.text);
    meter_close(m);
    put_vcgencmd(adc, "0x0");
    m = open_tree("pmic:corrected");
    t0 = clock_now();
    for (int i = 0; m && i < 11; i++) {
        pause_ms(110);
        meter_sample(m, &e);
    }
    t1 = clock_now();
    ok = m && meter_between(m, t0, t1, &r, &e);
    TEST("pmic: the published correction, and said",
         ok && near(r.gross_j, (1.1451 * sum + 0.5879) * (t1 - t0), 1e-6) && strstr(r.remark, "one other board"),
         "found %g, '%s', %s", r.gross_j, r.remark, e.text);
    meter_close(m);
    tree_put("vcgencmd", "#!/bin/sh\nexec sleep 60\n");
    char path[300];
    snprintf(path, sizeof path, "%s/vcgencmd", tree_root);
    chmod(path, 0755);
    TEST("pmic: a program that hangs", !open_tree("pmic") && says("no answer within 2 s"), "%s", e.text);
    tree_put("vcgencmd", "#!/bin/sh\necho throttled=0x0\nexec sleep 60 >&- 2>&-\n");
    chmod(path, 0755);
    TEST("pmic: a program that answers and hangs", !open_tree("pmic") && says("no answer within 2 s"), "%s", e.text);
    tree_remove("vcgencmd");
}

/* ---- auto and none ---- */

static char tried[512];
static void note_tried(void *ctx, const char *source, const char *why)
{
    (void)ctx;
    size_t n = strlen(tried);
    snprintf(tried + n, sizeof tried - n, "%s: %.30s; ", source, why);
}

static void test_auto(void)
{
    struct energy r;
    char vcgencmd[300], *text = NULL;
    size_t len = 0;
    snprintf(vcgencmd, sizeof vcgencmd, "%s/vcgencmd", tree_root);
    struct meter_options o = {.root = tree_root, .vcgencmd = vcgencmd, .tried = note_tried};
    struct meter *m = meter_open("auto", &o, &e);
    bool ok = m && !meter_measures(m) && meter_sample(m, &e) && meter_between(m, 1, 2, &r, &e);
    TEST("auto: nothing here, none", ok && r.kind == ENERGY_NONE && isnan(r.gross_j) && !strcmp(r.source, "none"), "%s",
         e.text);
    static const char *const order[] = {"rapl: ", "perf: ", "pmic: ", "hwmon: ", "battery: "};
    const char *at = tried;
    for (size_t i = 0; i < 5 && at; i++) at = strstr(at, order[i]);
    TEST("auto: says what it tried, in order", at && !strstr(tried, "csv"), "'%s'", tried);
    meter_close(m);
    FILE *f = open_memstream(&text, &len);
    struct json j;
    json_begin(&j, f);
    json_object(&j);
    energy_json(&j, &r);
    json_object_end(&j);
    json_end(&j);
    fputc('|', f);
    energy_print(&r, f);
    fclose(f);
    TEST("none: no joule is printed",
         !strcmp(text, "{\"energy\": {\"joules\": null, \"kind\": \"none\", \"source\": \"none\"}}\n|not measured"), "%s",
         text);
    free(text);
    tree_put_zone("intel-rapl:0", "package-0", 1e6);
    m = meter_open("auto", &o, &e);
    TEST("auto: takes the first that opens", m && !strcmp(meter_source(m), "rapl package-0"), "%s",
         m ? meter_source(m) : e.text);
    meter_close(m);
    TEST("a word that is no source",
         !meter_open("rapple", &o, &e) && says("auto, rapl, perf, pmic, hwmon, battery, csv:FILE or none"), "%s", e.text);
    TEST("csv without a file", !meter_known("csv", &e) && meter_known("csv:x", &e), "%s", e.text);
    tree_remove("sys");
}

int main(void)
{
    if (!test_folder(tree_root, sizeof tree_root)) return 1;
    test_power();
    test_counter();
    test_rapl();
    test_net();
    test_perf();
    test_hwmon();
    test_battery();
    test_pmic();
    test_auto();
    tree_remove("");
    TEST_MAIN_END();
}
