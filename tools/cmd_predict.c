/* cmd_predict.c - what a run will cost, before it runs.
 * SPDX-License-Identifier: MIT */
#include "base/si.h"
#include "engine/account/calibrate.h"
#include "engine/account/report.h"
#include "tools/account_args.h"

static bool with_law;

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
    struct model *m = account_args.shape ? model_from_shape(account_args.shape, &e) : arg_open_model(MODEL_HEADER_ONLY, &e);
    if (!m && account_args.shape) return arg_wrong_shape(account_args.shape, &e);
    if (account_args.shape) arg_note_assumed(account_args.shape);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    struct device d = {0};
    struct prediction r = {0};
    struct predict_options o = account_run();
    struct law law = {.n_terms = 0};
    struct law_range range = law_range(&o);
    bool ok = p && device_find(&d, account_args.device, note, &e);
    if (ok) account_threads(&o, &d);
    ok = ok && predict(&r, p, &d, &o, &e) && (!with_law || law_predict(&law, p, &d, &o, &range, &e));
    if (ok && m->hp.n_ctx_train > 0 && o.prompt + o.gen > (size_t)m->hp.n_ctx_train)
        note("%zu tokens are more than the %d that the model was trained on", o.prompt + o.gen, m->hp.n_ctx_train);
    if (ok && r.peak_memory_bytes > device_get(&d, "memory"))
        note("found %s of memory needed, the device has %s", si(r.peak_memory_bytes, "B").s, si(device_get(&d, "memory"), "B").s);
    if (ok)
        ok = common.json ? prediction_json(&r, with_law ? &law : NULL, by, stdout, &e) : prediction_print(&r, by, stdout, &e);
    if (ok && with_law && !common.json) law_print(&law, stdout);
    if (ok && m->file) arg_note_cut(m->file);
    if (ok) arg_note_quick(account_args.device, &d, o.threads);
    law_free(&law);
    prediction_free(&r);
    device_free(&d);
    plan_free(p);
    model_close(m);
    return ok ? EXIT_DONE : failed(&e);
}

static const struct option options[] = {
    ARG_MODEL,
    {"shape", NULL, OPTION_STRING, &account_args.shape, "NAME",
     "a bundled shape instead of a file (llama-3.1-8b:Q4_K_M), or L=,D=,H=,KV=,F=,V=[,HD=][,tied][,arch=][:TYPE]",
     0, 0, NULL},
    ARGS_RUN,
    {"law", NULL, OPTION_FLAG, &with_law, NULL,
     "add the time in closed form, of prompts up to --prompt and --gen tokens: each coefficient with the ops and rates behind "
     "it",
     0, 0, NULL},
    {.name = NULL},
};

const struct command command_predict = {
    .name = "predict",
    .summary = "FLOPs, bytes, memory and time of a run, before it runs",
    .usage = "(-m M | --shape NAME) [--prompt N] [--gen N] [--device D] [--kv T] [--by layer|op|type|phase] [--law]",
    .description =
        "Adds up what every op of the model will do: FLOPs and bytes exactly, time by the device's calibrated rates. Needs "
        "only\n"
        "a model's header, or the name of a shape. The sha256 names the prediction, so that it can be held to a later run.",
    .options = options,
    .run = run,
};
