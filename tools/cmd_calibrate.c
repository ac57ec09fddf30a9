/* cmd_calibrate.c - this machine into a device profile.
 * SPDX-License-Identifier: MIT */
#include "engine/account/calibrate.h"
#include "engine/account/report.h"
#include "loader/file.h"
#include "tools/cli.h"

static const char *out;
static bool quick;
static double seconds;

static void show(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    progress("calibrating", done, total);
}

static int run(int n_args, char **args)
{
    (void)n_args, (void)args;
    char path[1024];
    struct device d;
    struct error e, lost;
    signals_catch();
    if (!out && (!device_cache_path(path, sizeof path, &e) || !device_cache_make(&e))) return failed(&e);
    struct file_output *file = file_output_open(out ? out : path, &e); /* before the work, so that it is not for nothing */
    if (!file) return failed(&e);
    struct calibrate_options o = {
        .threads = (int)common.threads, .quick = quick, .seconds = seconds, .progress = show, .interrupted = &interrupted};
    size_t kept = 0;
    if (!calibrate(&d, &o, &e)) {
        file_output_discard(file);
        return failed(&e);
    }
    bool ok = calibrate_keep_energy(&d, out ? out : path, &kept, &lost, &e);
    if (ok) device_print(&d, file_output_stream(file));
    if (ok)
        ok = file_output_commit(file, &e);
    else
        file_output_discard(file);
    if (ok && common.json)
        device_json(&d, stdout);
    else if (ok)
        device_print(&d, stdout);
    if (ok && kept) note("%zu energy terms of the profile that was there are kept", kept);
    if (ok && *lost.text) note("no energy terms of what was there are kept: %s", lost.text);
    if (ok && device_get(&d, "noise") > 0.05)
        note("bandwidth scattered by %.0f %% meanwhile: something else runs; calibrate again when nothing does",
             100 * device_get(&d, "noise"));
    if (ok) note("written to %s", out ? out : path);
    device_free(&d);
    return ok ? EXIT_DONE : failed(&e);
}

static const struct option options[] = {
    {"output", "o", OPTION_STRING, &out, "FILE", "where the profile goes (default: this machine's, in the cache folder)", 0, 0,
     NULL},
    {"quick", NULL, OPTION_FLAG, &quick, NULL,
     "measure everything once (8 s on two cores), as predict does where there is no profile yet", 0, 0, NULL},
    {"seconds", NULL, OPTION_FLOAT, &seconds, "S", "measure in rounds for so long (default: 30, or 1.5 with --quick)", 0.1,
     3600, NULL},
    {.name = NULL},
};

const struct command command_calibrate = {
    .name = "calibrate",
    .summary = "measure this machine's rates into a device profile",
    .usage = "[-o FILE] [-t THREADS] [--quick]",
    .description =
        "Measures memory bandwidth, the rate of every kernel that a model may need and the cost of a barrier, with the "
        "engine's\n"
        "own ops and threads, and writes them as text: key = value # unit, provenance. Nothing else should run meanwhile.\n"
        "predict, measure and run read the profile in the cache folder ($XDG_CACHE_HOME/hartree/device-CORES-KERNELS, one for "
        "each set of kernels in use); --device names another.",
    .options = options,
    .run = run,
};
