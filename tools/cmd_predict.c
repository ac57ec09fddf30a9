/* cmd_predict.c - what a run will cost, before it runs.
 * SPDX-License-Identifier: MIT */
#include "base/si.h"
#include "engine/account/calibrate.h"
#include "engine/account/picture_cost.h"
#include "engine/account/report.h"
#include "engine/account/tower_price.h"
#include "engine/look.h"
#include "tools/account_args.h"

static bool with_law;
static const char *image, *clamp;

/* What --image and its tower ask for: a size that a clamp has been applied to. */
struct picture_cost {
    struct tower *tower; /* NULL: no picture */
    struct clamp clamp;
    struct clamped fit;
    struct prediction cost;
};

/* The tower is --mmproj's, or the shape's own. */
static bool open_picture(struct picture_cost *p, const struct model *m, int width, int height, struct error *e)
{
    if (!image) return true;
    p->tower = arg_mmproj ? tower_open_header(arg_mmproj, e) : tower_from_shape(account_args.shape, e);
    return p->tower && look_fits(m, p->tower, e) && clamp_choose(clamp, &p->tower->mmproj->keys, &p->clamp, e) &&
           clamp_apply(&p->clamp, &p->tower->mmproj->keys, width, height, &p->fit, e);
}

static bool join_picture(struct prediction *r, struct picture_cost *p, const struct device *d, struct error *e)
{
    char text[CLAMP_TEXT];
    if (!p->tower) return true;
    clamp_text(&p->clamp, text);
    r->prepare_s = picture_seconds(d, &p->fit);
    return tower_predict(&p->cost, p->tower, d, r->options.threads, &p->fit, e) && prediction_join(r, &p->cost, image, text, e);
}

static void close_picture(struct picture_cost *p)
{
    prediction_free(&p->cost);
    tower_free(p->tower);
}

/* Prompts from a sixteenth of the one asked for, or 2 tokens: of one token other rates hold. */
static struct law_range law_range(const struct predict_options *o)
{
    return (struct law_range){.prompt_min = o->prompt >= 32 ? o->prompt / 16 : 2, .prompt_max = o->prompt, .gen = o->gen};
}

static int run(int n_args, char **args)
{
    (void)n_args;
    (void)args;
    struct error e = {""};
    unsigned by;
    if (account_args.shape && arg_model) return usage_error("found both --shape and -m, expected one of them");
    if (!account_by(&by, &e)) return usage_error("%s", e.text);
    int width = 0, height = 0;
    if (image && !picture_parse_size(image, &width, &height))
        return usage_error("--image: found '%s', expected " PICTURE_SIZE_WORDS, image);
    if (arg_picture_words(image, clamp)) return EXIT_USAGE;
    if (image && !account_args.shape && !arg_vision(&e)) return failed(&e);
    struct model *m = account_args.shape ? model_from_shape(account_args.shape, &e) : arg_open_model(MODEL_HEADER_ONLY, &e);
    if (!m && account_args.shape) return arg_wrong_shape(account_args.shape, &e);
    if (account_args.shape) arg_note_assumed(account_args.shape);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    struct device d = {0};
    struct prediction r = {0};
    struct predict_options o = {0};
    if (m) o = account_run(m);
    struct law law = {.n_terms = 0};
    struct law_range range = law_range(&o);
    struct picture_cost picture = {.tower = NULL};
    bool ok = p && open_picture(&picture, m, width, height, &e) && device_find(&d, account_args.device, note, &interrupted, &e);
    if (ok) account_threads(&o, &d);
    if (picture.tower) o.prompt += (size_t)picture.fit.tokens; /* the marks around them are text */
    ok = ok && predict(&r, p, &d, &o, &e) && join_picture(&r, &picture, &d, &e) &&
         (!with_law || law_predict(&law, p, &d, &o, &range, &e));
    if (ok && m->hp.n_ctx_train > 0 && o.prompt + o.gen > (size_t)m->hp.n_ctx_train)
        note("%zu tokens are more than the %d that the model was trained on", o.prompt + o.gen, m->hp.n_ctx_train);
    if (ok && r.peak_memory_bytes > device_get(&d, "memory"))
        note("found %s of memory needed, the device has %s", si(r.peak_memory_bytes, "B").s,
             si(device_get(&d, "memory"), "B").s);
    if (ok)
        ok = common.json ? prediction_json(&r, with_law ? &law : NULL, by, stdout, &e) : prediction_print(&r, by, stdout, &e);
    if (ok && with_law && !common.json) law_print(&law, stdout);
    if (ok && m->file) arg_note_cut(m->file);
    if (ok) arg_note_quick(account_args.device, &d, o.threads);
    law_free(&law);
    close_picture(&picture);
    prediction_free(&r);
    device_free(&d);
    plan_free(p);
    model_close(m);
    return ok ? EXIT_DONE : failed(&e);
}

static const struct option options[] = {
    ARG_MODEL,
    {"shape", NULL, OPTION_STRING, &account_args.shape, "NAME",
     "a bundled shape instead of a file (llama-3.1-8b:Q4_K_M), or L=,D=,H=,KV=,F=,V=[,HD=][,tied][,arch=][:TYPE]", 0, 0, NULL},
    ARGS_RUN,
    {"image", NULL, OPTION_STRING, &image, "WxH", "a picture of that size in the prompt, beside its text tokens", 0, 0, NULL},
    {"mmproj", NULL, OPTION_STRING, &arg_mmproj, "FILE",
     "its vision tower (default: that of the --shape's name; without -m the demo's)", 0, 0, NULL},
    {"clamp", NULL, OPTION_STRING, &clamp, "C", "how its size is bounded (see `hartree see`)", 0, 0, NULL},
    {"law", NULL, OPTION_FLAG, &with_law, NULL,
     "add the time in closed form, of prompts up to --prompt and --gen tokens: each coefficient with the ops and rates behind "
     "it",
     0, 0, NULL},
    {.name = NULL},
};

const struct command command_predict = {
    .name = "predict",
    .summary = "FLOPs, bytes, memory and time of a run, before it runs",
    .usage = "[-m M | --shape NAME] [--prompt N] [--gen N] [--image WxH [--mmproj F] [--clamp C]] [--device D] [--kv T] "
             "[--by layer|op|type|phase] [--law]",
    .description =
        "Adds up what every op of the model will do: FLOPs and bytes exactly, time by the device's calibrated rates. Needs "
        "only\n"
        "a model's header, or the name of a shape. The sha256 names the prediction, so that it can be held to a later run.",
    .options = options,
    .run = run,
};
