/* cmd_laws.c - the sweeps of the paper: `hartree laws text`, `hartree laws image` and `hartree laws compress`.
 * SPDX-License-Identifier: MIT */
#include "engine/account/calibrate.h"
#include "engine/laws/laws.h"
#include "tools/laws_compress_args.h"
#include "engine/meter/meter.h"
#include "tools/account_args.h"
#include "tools/shard_args.h"

#include <stdlib.h>
#include <string.h>

static struct string_list models, mmprojs, clamps, join;
static struct int_list points, lengths, edges;
static int64_t gen, repeats = 3, seed = 1;
static double hz = 5, window;
static const char *output, *energy = "auto", *shard, *image, *question;
enum { TEXT_GEN = 64, IMAGE_GEN = 8 };
static const char *judge, *references;
static bool restart;

static const struct option options[] = {
    {"model", "m", OPTION_STRINGS, &models, "FILE", "the model, or twice for a pair (default: the demo model)", 0, 0, NULL},
    {"output", "o", OPTION_STRING, &output, "DIR", "keep points, tables, plots and the journal of the sweep in a folder", 0, 0,
     NULL},
    {"points", NULL, OPTION_INTS, &points, "N,...", "text: prompts P1 to P19 by number (default: all)", 1, 19, NULL},
    {"lengths", NULL, OPTION_INTS, &lengths, "N,...", "text: prompts of so many tokens instead", 2, 1 << 20, NULL},
    {"mmproj", NULL, OPTION_STRINGS, &mmprojs, "FILE",
     "image: the vision tower, one a model; without -m it is swept alone, and without both the demo's pair is", 0, 0, NULL},
    {"image", NULL, OPTION_STRING, &image, "FILE", "image: the picture, or WxH for a scene of that size (default 2048x1440)", 0,
     0, NULL},
    {"edges", NULL, OPTION_INTS, &edges, "N,...",
     "image: longest edges that the picture is scaled down to (default: 20 even steps)", 1, 65535, NULL},
    {"clamp", NULL, OPTION_STRINGS, &clamps, "C",
     "image: how sizes are bounded (see `hartree see`), once a clamp (default: box:1024x720, box:854x594 and box:714x496)", 0,
     0, NULL},
    {"question", NULL, OPTION_STRING, &question, "TEXT", "image: what is asked beside the picture", 0, 0, NULL},
    {"gen", "n", OPTION_INT, &gen, "N", "tokens generated after each prompt (default 64; image: 8)", 1, 1 << 20, NULL},
    {"repeats", "r", OPTION_INT, &repeats, "N", "windows a prompt, of which medians are taken (default 3)", 1, SWEEP_REPEATS,
     NULL},
    {"hz", NULL, OPTION_FLOAT, &hz, "N", "samples a second (default 5)", 0.1, 1000, NULL},
    {"window", NULL, OPTION_FLOAT, &window, "S",
     "least seconds of a window, a prompt being run again until it is full, and of idle before and after (default 20 "
     "samples)",
     0.01, 86400, NULL},
    {"energy", NULL, OPTION_STRING, &energy, "SRC", "what joules are read from: auto, rapl, ... none (default auto)", 0, 0,
     NULL},
    {"seed", "s", OPTION_INT, &seed, "S", "of the order of the windows (default 1)", 0, 9e15, NULL},
    {"shard", NULL, OPTION_STRING, &shard, "I/N", "measure the I-th of N parts of the prompts", 0, 0, NULL},
    {"join", NULL, OPTION_STRINGS, &join, "DIR", "take the windows of a shard's folder, once a shard; nothing is measured", 0,
     0, NULL},
    {"restart", NULL, OPTION_FLAG, &restart, NULL, "forget the windows in -o DIR", 0, 0, NULL},
    {"judge", NULL, OPTION_STRING, &judge, "FILE",
     "score each prompt's answer by the cosine of its embedding and the reference's: an encoder (tools/get-model minilm-l6)", 0,
     0, NULL},
    {"answers", NULL, OPTION_STRING, &references, "FILE",
     "text: references, lines of a prompt's number, a tab and an answer (default with --judge: the prompts' own), or questions "
     "asked beside the prompts: a question, a tab and its answer; image: questions about the picture, the same; scored "
     "exactly, "
     "too",
     0, 0, NULL},
    {"ubatch", NULL, OPTION_INT, &account_args.ubatch, "N", "rows a micro-batch in prefill (default 512)", 1, INT32_MAX, NULL},
    ARG_DEVICE,
    ARG_KV,
    LAWS_COMPRESS_ARGS,
    {.name = NULL},
};

static void read_points(struct sweep_options *o)
{
    const struct int_list *from = lengths.n ? &lengths : &points;
    o->lengths = lengths.n > 0;
    o->n_points = (int)from->n;
    for (size_t i = 0; i < from->n; i++) o->point[i] = from->v[i];
    if (from->n) return;
    for (int64_t i = 0; i < 19; i++) o->point[o->n_points++] = i + 1;
}

/* The number that is there twice, or 0. */
static int64_t twice(const struct int_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        for (size_t k = 0; k < i; k++)
            if (list->v[i] == list->v[k]) return list->v[i];
    return 0;
}

/* The models' paths; the demo model where none is given. */
static bool read_models(struct sweep_options *o, struct error *e)
{
    if (!models.n && !(models.v[models.n++] = demo_path(DEMO_TEXT, e))) return false;
    o->n_models = (int)models.n;
    for (size_t i = 0; i < models.n; i++) o->model[i] = models.v[i];
    return true;
}

/* A tower is swept without a model. */
static bool tower_alone(void)
{
    return mmprojs.n && !models.n;
}

/* The towers, each with its model or alone, and what they are shown; the demo's where none is given. */
static bool read_pictures(struct sweep_options *o, struct error *e)
{
    if (!mmprojs.n &&
        (!(models.v[models.n++] = demo_path(DEMO_VISION, e)) || !(mmprojs.v[mmprojs.n++] = demo_path(DEMO_TOWER, e))))
        return false;
    struct sweep_pictures *p = &o->pictures;
    *p = (struct sweep_pictures){.image = image, .question = question, .n_edges = (int)edges.n, .n_clamps = (int)clamps.n};
    o->n_models = (int)mmprojs.n;
    for (size_t i = 0; i < mmprojs.n; i++) {
        p->mmproj[i] = mmprojs.v[i];
        o->model[i] = models.n ? models.v[i] : NULL;
    }
    for (size_t i = 0; i < edges.n; i++) p->edge[i] = edges.v[i];
    for (size_t i = 0; i < clamps.n; i++) p->clamp[i] = clamps.v[i];
    return true;
}

/* Words of the one sweep in the other. */
static int check_words(bool pictures, bool family)
{
    struct clamp c;
    struct error e;
    const char *wrong = family ? laws_compress_wrong(output) : laws_compress_given();
    if (wrong) return usage_error("%s", wrong);
    if (models.n > (family ? SWEEP_MODELS : 2))
        return usage_error("found %zu models, expected %s", models.n, family ? "at most 16" : "one or two");
    if (!pictures) {
        const char *word = mmprojs.n ? "mmproj" : image ? "image" : edges.n ? "edges" : clamps.n ? "clamp" : "question";
        if (mmprojs.n || image || edges.n || clamps.n || question)
            return usage_error("found --%s, expected none in a sweep of prompts", word);
        if (points.n && lengths.n) return usage_error("found both --points and --lengths, expected one of them");
        if (lengths.n && judge && !references)
            return usage_error(
                "--judge: found --lengths without --answers, expected prompts that have references, or questions");
        return EXIT_DONE;
    }
    if (judge && !references) return usage_error("--judge: found no --answers, expected questions about the picture");
    if (references && tower_alone()) return usage_error("--answers: found a tower alone, expected -m");
    if (points.n || lengths.n) return usage_error("found --%s, expected --edges", points.n ? "points" : "lengths");
    if ((!mmprojs.n && models.n) || mmprojs.n > 2)
        return usage_error("found %zu towers, expected --mmproj once or twice", mmprojs.n);
    if (models.n && models.n != mmprojs.n)
        return usage_error("found %zu models and %zu towers, expected as many", models.n, mmprojs.n);
    if (tower_alone() && (gen || question))
        return usage_error("--%s: found a tower alone, expected -m", gen ? "gen" : "question");
    if (clamps.n > SWEEP_CLAMPS) return usage_error("found %zu clamps, expected at most %d", clamps.n, SWEEP_CLAMPS);
    for (size_t i = 0; i < clamps.n; i++)
        if (!clamp_parse(clamps.v[i], &c, &e)) return usage_error("--clamp: %s", e.text);
    return EXIT_DONE;
}

/* The number that a list has twice is wrong usage. */
static int check_twice(const char *name, const struct int_list *list)
{
    int64_t again = twice(list);
    return again ? usage_error("--%s: found %lld twice, expected it once", name, (long long)again) : EXIT_DONE;
}

static int run(int n_args, char **args)
{
    (void)n_args;
    struct error e = {""};
    bool pictures = !strcmp(args[0], "image"), family = !strcmp(args[0], "compress");
    const char *words[LAWS_COMPRESS_WORDS];
    struct laws_options o = {.sweep = {.gen = gen             ? gen
                                              : !pictures     ? TEXT_GEN
                                              : tower_alone() ? 1
                                                              : IMAGE_GEN,
                                       .repeats = (int)repeats,
                                       .hz = hz,
                                       .window_s = window,
                                       .seed = (uint64_t)seed,
                                       .threads = arg_threads(),
                                       .ubatch = (size_t)account_args.ubatch,
                                       .kv_type = arg_kv_type(),
                                       .device_word = account_args.device},
                             .dir = output,
                             .restart = restart,
                             .join = join.v,
                             .n_join = join.n,
                             .words = {.energy = energy, .word = words, .n = family ? laws_compress_words(words) : 0},
                             .judge = judge,
                             .references = references,
                             .hooks = {.progress = progress_windows, .say = note, .interrupted = &interrupted}};
    if (check_words(pictures, family) || check_twice("points", &points) || check_twice("lengths", &lengths) ||
        check_twice("edges", &edges))
        return EXIT_USAGE;
    struct shard part;
    if (!shard_parse(shard, &part)) return usage_error("--shard: found '%s', expected I/N with I from 1 to N", shard);
    o.sweep.shard = part.index;
    o.sweep.shards = part.count;
    if (!meter_known(energy, &e)) return usage_error("%s", e.text);
    if (!pictures) read_points(&o.sweep);
    signals_catch();
    struct device d = {0};
    struct laws *l = NULL;
    bool ok = (pictures ? read_pictures(&o.sweep, &e) : read_models(&o.sweep, &e)) &&
              (o.hooks.meter = meter_open(energy, NULL, &e)) && device_find(&d, account_args.device, note, &interrupted, &e);
    o.sweep.device = &d;
    o.sweep.energy = ok ? meter_source(o.hooks.meter) : NULL;
    if (family) {
        ok = ok && laws_compress_run(&o, &e);
    } else {
        ok = ok && (l = laws_run(&o, &e));
        progress_clear();
        if (ok && common.json)
            laws_json(l, stdout);
        else if (ok)
            laws_print(l, stdout);
        laws_free(l);
    }
    meter_close(o.hooks.meter);
    device_free(&d);
    return ok ? EXIT_DONE : failed(&e);
}

const struct command command_laws = {
    .name = "laws",
    .summary = "sweep prompts or pictures of growing size: time, CPU, memory and energy, predicted first and then measured",
    .usage =
        "text|image|compress [-m M [-m M2]] [--mmproj P [--mmproj P2]] [-o DIR] [--points N,...] [--clamp C] [--gen N] [-r N] "
        "[--hz 5] [--energy SRC] [--shard I/N]",
    .description =
        "Predicts every run of a sweep over 19 prompts, prints the SHA-256 of the predictions, then measures: time, areas "
        "under the curves of CPU and memory use above idle, joules where a meter is read. The result is the time in closed "
        "form, "
        "fitted and predicted, the predictions' errors, and for two models their ratios.\n\n"
        "image: one picture scaled to 20 sizes, each under three clamps, for a model with its tower, or a tower alone. The "
        "result is where each clamp's knee lies, by the clamp alone and by a change-point fit of measured times, the cost of "
        "the plateaus, and time in closed form over patches.\n\n"
        "compress: a family; the first -m is the original, further ones and those that --ratios makes of it into -o DIR are "
        "its "
        "variants. Beside each one's figures stand, with -f FILE, its perplexity on that text and its KL divergence from the "
        "original, and the intercept and slope of CPU and RAM AUC over prompt tokens.\n\n"
        "With -o DIR each window is on disk before the next begins: the same command goes on after an interruption, which ends "
        "with status 1. Shards on "
        "several machines need the same --device FILE; --join takes their folders together.",
    .options = options,
    .kinds = "text|image|compress",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
