/* cmd_measure.c - the table of predict from a run, each row beside its prediction.
 * SPDX-License-Identifier: MIT */
#include "engine/account/calibrate.h"
#include "engine/account/report.h"
#include "engine/account/tower_price.h"
#include "engine/look.h"
#include "engine/tower/tower.h"
#include "tools/account_args.h"
#include "vision/scene.h"

#include <math.h>
#include <string.h>

static int64_t repeats = 3;
static const char *image, *clamp;

/* The tower and what it is to see; reading and resizing are no part of the run. */
static bool open_picture(struct tower **t, struct preprocessed *p, struct error *e)
{
    struct picture picture;
    const struct tower_options o = {.threads = arg_threads(), .profile = true, .interrupted = &interrupted};
    *t = tower_open(arg_mmproj, &o, e);
    if (!*t || !scene_or_picture(image, &picture, e)) return false;
    bool ok = preprocess_picture(&picture, clamp, &(*t)->mmproj->keys, p, e);
    picture_free(&picture);
    return ok || fail_in(e, image);
}

/* Says what the picture will cost, before it costs it, or refuses it. */
static bool price_picture(const struct model *m, const struct tower *t, const struct preprocessed *p, const struct device *d,
                          struct error *e)
{
    struct prediction r;
    char line[TOWER_OFFER_LINE];
    if (!look_fits(m, t, e) || !tower_predict(&r, t, d, t->options.threads, &p->fit, e)) return false;
    tower_offer_line(p, &r, line);
    bool ok = tower_afford(t, &p->fit, &r, arg_max_time, e) || fail_in(e, image);
    if (ok) note("%s: %s", image, line);
    prediction_free(&r);
    return ok;
}

static int run(int n_args, char **args)
{
    (void)n_args;
    (void)args;
    struct error e = {""};
    unsigned by;
    if (!account_by(&by, &e)) return usage_error("%s", e.text);
    if (!meter_known(arg_energy, &e)) return usage_error("--energy: %s", e.text);
    if (arg_picture_words(image, clamp)) return EXIT_USAGE;
    signals_catch();
    struct meter *meter = arg_open_meter(&e);
    if (!meter) return failed(&e);
    struct device d = {0};
    double load_s;
    struct model *m = NULL;
    if (!image || arg_vision(&e)) m = arg_open_model_and_device(MODEL_NO_TOKENIZER, account_args.device, &d, &load_s, &e);
    struct measurement r = {0};
    struct preprocessed picture = {0};
    struct measure_options o = {.picture = &picture, .repeats = (int)repeats, .meter = meter, .interrupted = &interrupted};
    if (m) o.run = account_run(m);
    bool ok = m && (!image || (open_picture(&o.tower, &picture, &e) && price_picture(m, o.tower, &picture, &d, &e))) &&
              measure(&r, m, &d, &o, &e);
    if (ok) ok = common.json ? measurement_json(&r, by, stdout, &e) : measurement_print(&r, by, stdout, &e);
    ok = ok && measurement_check(&r, &d, &e);
    if (ok && isnan(device_rate(&d, "read_peak", o.run.threads)))
        note("the rate of reading is not checked: the profile has no read_peak of %d threads", o.run.threads);
    if (ok) arg_note_quick(account_args.device, &d, o.run.threads);
    /* What was asked for by name and gave no joules is an error, after the times, which are good. */
    if (ok && *r.unmetered && strcmp(arg_energy, "auto"))
        ok = fail(&e, "--energy: %s", r.unmetered);
    else if (ok && *r.unmetered)
        note("energy: %s", r.unmetered);
    measurement_free(&r);
    preprocessed_free(&picture);
    tower_free(o.tower);
    device_free(&d);
    model_close(m);
    meter_close(meter);
    return ok ? EXIT_DONE : failed(&e);
}

static const struct option options[] = {
    ARG_MODEL,
    ARGS_RUN,
    ARG_ENERGY,
    {"image", NULL, OPTION_STRING, &image, "FILE", "a picture before the prompt's text, or WxH for a scene of that size", 0, 0,
     NULL},
    ARG_MMPROJ,
    {"clamp", NULL, OPTION_STRING, &clamp, "C", "with --image: how its size is bounded (see `hartree see`)", 0, 0, NULL},
    ARG_MAX_TIME,
    {"repeats", "r", OPTION_INT, &repeats, "N", "timed runs, of which the median is shown (default 3)", 1, 1000, NULL},
    {.name = NULL},
};

const struct command command_measure = {
    .name = "measure",
    .summary = "the same from a run, with the prediction's error beside every row",
    .usage = "[-m M] [--prompt N] [--gen N] [--image FILE [--mmproj P] [--clamp C]] [--device FILE] [--kv T] [-r REPEATS] "
             "[--energy SRC] [--by layer|op|type|phase]",
    .description =
        "Predicts a run and hashes the prediction, then makes the run: once with every kernel call counted, which must find "
        "exactly the FLOPs predicted (else exit 1), then -r times with every op timed. Errors are (predicted - measured) / "
        "measured. A meter's joules are those of the "
        "repeats, all together and a run; of a single op they are always modelled. The result is printed, and the status is 1, "
        "where a decode op seems to read faster than the calibrated peak.",
    .options = options,
    .run = run,
};
