/* cmd_paper.c - the energy paper (arXiv 2512.16531): its figures predicted, and its protocol run on this machine.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/account/paper.h"
#include "engine/laws/protocol.h"
#include "engine/meter/meter.h"
#include "engine/tower/mmproj.h"
#include "tools/common_args.h"

#include <string.h>

static bool predict_only, full, restart;
static const char *device, *output = "paper", *energy = "auto", *judge, *answers, *questions;
static double minutes = 10;
static struct string_list pair, vision, towers;

static int predict_figures(void)
{
    struct error e = {""};
    struct paper p;
    if (!paper_predict(&p, device, note, &e)) return failed(&e);
    if (common.json)
        paper_json(&p, stdout);
    else
        paper_print(&p, stdout);
    paper_free(&p);
    return EXIT_DONE;
}

static void show_calibration(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    progress("calibrating", done, total);
}

static void print_result(const struct protocol_result *r)
{
    char report[1024];
    snprintf(report, sizeof report, "%.1000s/report.html", output);
    if (!common.json) {
        for (size_t i = 0; i < r->n_steps; i++)
            printf("%-20s %s\n", r->step[i].name, *r->step[i].failed ? r->step[i].failed : "done");
        printf("%-20s %s\n", "report", report);
        return;
    }
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    json_put_string(&j, "report", report);
    json_key(&j, "steps");
    json_array(&j);
    for (size_t i = 0; i < r->n_steps; i++) {
        json_object(&j);
        json_put_string(&j, "step", r->step[i].name);
        json_put_string(&j, "failed", *r->step[i].failed ? r->step[i].failed : NULL);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
}

static int run(int n_args, char **args)
{
    (void)n_args, (void)args;
    struct error e = {""};
    static char tower[SWEEP_PAIR][PATH_MAX];
    if (predict_only) return predict_figures();
    if (pair.n > SWEEP_PAIR || vision.n > SWEEP_PAIR || towers.n > SWEEP_PAIR)
        return usage_error("found more than one pair of a kind, expected one");
    if (towers.n && !vision.n) return usage_error("found --mmproj alone, expected --vlm-pair A B beside it");
    if (!meter_known(energy, &e)) return usage_error("%s", e.text);
    struct protocol_options o = {.dir = output,
                                 .judge = judge,
                                 .answers = answers,
                                 .questions = questions,
                                 .device = device,
                                 .restart = restart,
                                 .full = full,
                                 .minutes = minutes,
                                 .threads = arg_threads(),
                                 .energy = strcmp(energy, "auto") ? energy : NULL,
                                 .calibrating = show_calibration,
                                 .hooks = {.progress = progress_windows, .say = note, .interrupted = &interrupted}};
    for (size_t i = 0; i < pair.n; i++) o.model[i] = pair.v[i];
    for (size_t i = 0; i < vision.n; i++) {
        o.vision[i] = vision.v[i];
        o.mmproj[i] = towers.n ? towers.v[i] : tower[i];
        if (!towers.n && !mmproj_beside(vision.v[i], tower[i], &e)) return failed(&e);
    }
    signals_catch();
    if (!(o.hooks.meter = meter_open(energy, NULL, &e))) return failed(&e);
    struct protocol_result r;
    bool ok = protocol_run(&r, &o, &e);
    progress_clear();
    meter_close(o.hooks.meter);
    if (!ok) return failed(&e);
    print_result(&r);
    return r.n_failed ? EXIT_FAILED : EXIT_DONE;
}

static const struct option options[] = {
    {"predict", NULL, OPTION_FLAG, &predict_only, NULL,
     "only predict the paper's figures, from shapes and device profiles alone", 0, 0, NULL},
    {"output", "o", OPTION_STRING, &output, "DIR", "where profile, models, sweeps and report.html are kept (default paper)", 0,
     0, NULL},
    {"pair", NULL, OPTION_PAIR, &pair, "A B", "the language models (default: small ones made up, dense and factorised)", 0, 0,
     NULL},
    {"vlm-pair", NULL, OPTION_PAIR, &vision, "A B", "the vision models (default: made up)", 0, 0, NULL},
    {"mmproj", NULL, OPTION_PAIR, &towers, "PA PB", "the vision models' towers (default: the one beside each)", 0, 0, NULL},
    {"judge", NULL, OPTION_STRING, &judge, "FILE",
     "score the answers to the prompts as `hartree laws text --judge` does: an encoder", 0, 0, NULL},
    {"answers", NULL, OPTION_STRING, &answers, "FILE", "references of the prompts, or questions beside them, as `hartree laws text --answers` reads them",
     0, 0, NULL},
    {"questions", NULL, OPTION_STRING, &questions, "FILE",
     "questions about the picture with their answers, as `hartree laws image --answers` reads them", 0, 0, NULL},
    {"full", NULL, OPTION_FLAG, &full, NULL,
     "the paper's sampling in full, and models of its own shapes where none are given: hours, and 20 GB of disk", 0, 0, NULL},
    {"restart", NULL, OPTION_FLAG, &restart, NULL, "forget the profile, windows and answers in -o DIR", 0, 0, NULL},
    {"minutes", NULL, OPTION_FLOAT, &minutes, "M", "what all of it may take, about (default 10)", 0.05, 100000, NULL},
    {"energy", NULL, OPTION_STRING, &energy, "SRC", "what joules are read from: auto, rapl, ... none (default auto)", 0, 0,
     NULL},
    {"device", NULL, OPTION_STRING, &device, "DEVICE",
     "rpi5, m2, this, or a profile's path (default: the paper's two, rpi5 and m2, to predict; else this machine, calibrated)",
     0, 0, NULL},
    {.name = NULL},
};

const struct command command_paper = {
    .name = "paper",
    .summary = "the energy paper: its protocol run here, its figures predicted, and a report of both",
    .usage = "[-o DIR] [--pair A B] [--vlm-pair A B [--mmproj PA PB]] [--full] [--restart] | --predict [--device D]",
    .description = "Calibrates this machine, predicts and hashes everything, then measures by the protocol of arXiv "
                   "2512.16531: 19 prompts on "
                   "a pair of language models, 20 sizes of a picture under three clamps on a pair of vision models. "
                   "DIR/report.html shows it "
                   "beside the published figures. Interrupted, the same command goes on where it stopped. A step that can't be "
                   "done is a line "
                   "in the report, and exit status 1.\n\n"
                   "--predict: each of the paper's figures (Llama-3.1-8B against Gilda, Qwen2-VL-2B against Axolotl, on a "
                   "MacBook M2 and a "
                   "Raspberry Pi 5) from shapes and profiles, with a 95 % interval over all that the paper or a profile leaves "
                   "open. Nothing "
                   "is fitted to the figures; where one lies outside, the report says what would have to hold. With --json a "
                   "line a figure.",
    .options = options,
    .run = run,
};
