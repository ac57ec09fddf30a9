/* pace.c - the machine's pace: what is timed, for how long, what it tells apart, and profiles without it.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/clock.h"
#include "engine/account/pace.h"
#include "kernels/kernel.h"
#include "tests/round_device.h"

static struct error e;

static const double mib = 1 << 20;

static void test_sizes(void)
{
    TEST("weights to read are twice the last-level cache, within 64 and 512 MB",
         pace_bytes(0) == 64 * mib && pace_bytes(40 * mib) == 80 * mib && pace_bytes(1e12) == 512 * mib,
         "found %zu, %zu, %zu bytes", pace_bytes(0), pace_bytes(40 * mib), pace_bytes(1e12));
    /* One run of each to warm up; then 60 ms of the short one, two of the long one. */
    double takes = pace_takes((const double[PACES]){[PACE_PREFILL] = 0.01, [PACE_DECODE] = 0.1});
    TEST("what taking it takes is known before", fabs(takes - (0.01 + 0.06 + 0.1 + 0.2)) < 1e-12, "found %g s", takes);
}

/* Whether there is a pace for so many threads; *usual is what the profile says of it. */
static bool is_there(const struct device *d, int threads, double usual[PACES])
{
    struct pace *p = pace_of(d, threads, usual, &e);
    pace_free(p);
    return p;
}

static void test_profiles(void)
{
    struct device d;
    double usual[PACES];
    make_round_device(&d, 1e6, 1);
    strcpy(e.text, "something of before");
    bool without = !is_there(&d, 1, usual) && !*e.text;
    bool half = device_set(&d, "pace.prefill.1", 0.02, MEASURED, NULL, &e) && !is_there(&d, 1, usual) && !*e.text;
    TEST("a profile without the pace has none, which is no error", without && half, "%s", *e.text ? e.text : "found one");
    bool ok = device_set(&d, "pace.decode.1", 0.04, MEASURED, NULL, &e) && is_there(&d, 1, usual);
    TEST("a profile's pace is that of its calibration", ok && usual[PACE_PREFILL] == 0.02 && usual[PACE_DECODE] == 0.04,
         "found %g and %g s %s", usual[PACE_PREFILL], usual[PACE_DECODE], e.text);
    TEST("nor is there one of more threads than were measured", ok && !is_there(&d, 2, usual) && !*e.text, "%s",
         *e.text ? e.text : "found one");
    ok = ok && device_set(&d, "pace.prefill.3", 0.01, MEASURED, NULL, &e) &&
         device_set(&d, "pace.decode.3", 0.03, MEASURED, NULL, &e) && is_there(&d, 2, usual);
    TEST("between two numbers of threads it is interpolated",
         ok && fabs(usual[PACE_PREFILL] - 0.015) < 1e-12 && fabs(usual[PACE_DECODE] - 0.035) < 1e-12, "found %g and %g s %s",
         usual[PACE_PREFILL], usual[PACE_DECODE], e.text);
    device_free(&d);
}

static bool take(double seconds[PACES], double *wall, double *flops)
{
    struct pace *p = pace_new(1, 0, &e);
    kernel_count_begin();
    double start = clock_now();
    bool ok = p && pace_take(p, seconds, &e);
    *wall = clock_now() - start;
    *flops = kernel_count_end().flops;
    pace_free(p);
    return ok;
}

static void test_take(void)
{
    double first[PACES] = {0}, slow[PACES] = {0}, wall, flops;
    char message[256];
    bool ok = take(first, &wall, &flops);
    TEST("both pieces are timed", ok && first[PACE_PREFILL] > 0 && first[PACE_DECODE] > 0, "found %g and %g s %s",
         first[PACE_PREFILL], first[PACE_DECODE], e.text);
    if (!ok) return;
    /* Each time is a mean of runs that were really made: two at least and 60 ms of them, after one that is not counted. */
    double all = pace_takes(first), once = first[PACE_PREFILL] + first[PACE_DECODE];
    TEST("as means over so long as is said", wall >= all - once, "found %g s in all, expected at least %g", wall, all - once);
    /* 12 million weights of a layer for 64 rows, and those of 64 MB, 4.5 bits each, for one: three times at least. */
    double least = 3 * (2.0 * 64 * 12e6 + 2 * 0.9 * 64 * mib * 8 / 4.5);
    TEST("the work is done each time", flops > least, "found %g FLOPs, expected more than %g", flops, least);
    /* No memory is as fast as that: what is read can't be less than was said. */
    TEST("a row reads its weights from memory", 64 * mib / first[PACE_DECODE] < 1e12, "found %g B/s",
         64 * mib / first[PACE_DECODE]);

    if (!strcmp(kernel_active_isa(), "scalar")) return (void)SKIP("a slower machine", "there are scalar kernels alone");
    /* A machine whose products of one row are slow, those of many rows as fast as before. */
    ok = kernel_init(getenv("HARTREE_ISA"), "q4_K_dot:scalar", message, sizeof message) && take(slow, &wall, &flops);
    double decode = slow[PACE_DECODE] / first[PACE_DECODE], prefill = slow[PACE_PREFILL] / first[PACE_PREFILL];
    TEST("what slows single rows alone slows the pace of decoding alone", ok && decode > 2 && decode > 2 * prefill,
         "decode %.2f, prefill %.2f times as long %s", decode, prefill, e.text);
}

int main(void)
{
    char message[256];
    TEST("kernels", kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message), "%s", message);
    test_sizes();
    test_profiles();
    test_take();
    TEST_MAIN_END();
}
