/* sweep.h - text models run over prompts of growing length, or vision models over one picture at growing sizes, by the
 * protocol of arXiv 2512.16531: the plan of it, with every prediction, and its windows as they are measured.
 *
 * 1. sweep_new opens each model in turn, tokenizes the prompts, predicts each one's run and derives the law. What came of it,
 * and    all settings, is one JSON text: its SHA-256 names the sweep. Nothing has run then.
 * 2. sweep_measure runs what is missing. A *window* is one prompt prefilled and `gen` tokens generated (greedy, the end of the
 *    answer ignored: the work is the same each time), as often as it takes to fill `window_s` by the prediction: AUC and energy
 *    meters need some samples. Of the passes' times the medians count.
 *    Of a picture a pass is all of it: its file decoded and resized, the tower, the question with the picture's tokens, and
 *    `gen` tokens; without a language model the first three.
 * 3. Each window is appended to a journal before the next begins (journal.h), so that a sweep can be interrupted and resumed.
 *
 * Windows come in rounds, one of each prompt a round, shuffled by a seeded generator; the two models of a pair take turns
 * prompt by prompt, in the order A B, B A, A B, so that slow drift and a busy moment hit both. One model is in memory at a
 * time: a window's memory is that model's, and both need not fit together.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SWEEP_H
#define HARTREE_SWEEP_H

#include "engine/account/energy_terms.h"
#include "engine/account/law.h"
#include "engine/laws/knee.h"
#include "engine/session.h"
#include "vision/picture.h"

enum { SWEEP_MODELS = 16, SWEEP_PAIR = 2, SWEEP_REPEATS = 100 };
enum { SWEEP_EDGES = 64, SWEEP_CLAMPS = 8, SWEEP_POINTS = SWEEP_EDGES * SWEEP_CLAMPS };

/* What a sweep of pictures shows: one picture scaled to several sizes, each under several clamps. Point c n_edges + i is size
 * i under clamp c. */
struct sweep_pictures {
    const char *mmproj[SWEEP_MODELS]; /* the models' towers; NULL: a sweep of prompts */
    const char *image;                /* a file, or the size of a scene of our own (scene_or_picture); NULL: 2048x1440 */
    const char *question;             /* beside it; NULL: one of our own */
    int64_t edge[SWEEP_EDGES];        /* longest edges in pixels, none above the picture's own; with none 20 even steps to it */
    int n_edges;
    const char *clamp[SWEEP_CLAMPS]; /* with none the three of the paper: box:1024x720, box:854x594, box:714x496 */
    int n_clamps;
};

struct sweep_options {
    const char *model[SWEEP_MODELS]; /* paths; of a sweep of pictures NULL: the tower alone */
    int n_models;
    struct sweep_pictures pictures;
    int64_t point[SWEEP_POINTS]; /* prompts 1 to N_PROMPTS, or lengths in tokens; of pictures filled in by sweep_new */
    int n_points;
    bool lengths;       /* P19 cut, or said again, to so many tokens */
    int64_t gen;        /* tokens generated a pass, at least 1 */
    int repeats;        /* windows a prompt and model */
    double hz;          /* of the sampler */
    double window_s;    /* least length of a window and of the idle intervals; 0: 20 samples */
    const char *energy; /* what joules come from, as meter_source says it; borrowed like the rest */
    uint64_t seed;      /* of the order */
    int threads;
    size_t ubatch; /* 0: 512 */
    enum type kv_type;
    int shard, shards;           /* measures the prompts whose place is `shard` modulo `shards`, from 0; 0, 1: all */
    const struct device *device; /* borrowed for as long as the sweep is there */
    const char *device_word;     /* what --device said, for the command that repeats the sweep; NULL: nothing */
};

/* One prompt, or one size under one clamp, for one model. */
struct sweep_point {
    int prompt;           /* 1 to N_PROMPTS; 0: a length */
    struct tokens tokens; /* a picture's among them; of a tower alone none */
    struct clamped fit;   /* what the clamp makes of the size; of pictures alone, as are: */
    double unbounded;     /* patches that it would have without the clamp's upper bound */
    double flops, vision_flops;
    double vision_s;                    /* predicted, of time_s; 0 of a prompt */
    int passes;                         /* in a window */
    double prefill_s, decode_s, time_s; /* predicted */
    double interval95_s[2];             /* of time_s; NAN: the device has none */
    double energy_j;                    /* predicted; NAN: the device has no energy terms */
    double prepare_s;                   /* of pictures, beside time_s: read and resized; NAN: the device does not say */
    double cpu_auc, ram_auc;            /* predicted: all threads busy for time_s, one for prepare_s; the memory of both */
    double steps;                       /* micro-batches and decode steps */
    struct energy_work work;            /* of a pass, predicted, its time too */
    char sha256[SHA256_HEX];            /* of the prediction */
};

/* A step of the stairs under a clamp, with what is predicted of it: cpu_auc and ram_auc as sweep_point's. */
struct sweep_stair {
    struct stair stair;
    double flops, time_s, cpu_auc, ram_auc, energy_j;
};

struct sweep_clamp {
    char text[CLAMP_TEXT];
    struct sweep_stair *stairs; /* owned */
    size_t n_stairs;
    int knee; /* longest edge, by the clamp alone; 0: it binds nowhere */
};

struct sweep_model {
    const char *path;                       /* the options'; a tower's where it is alone */
    struct sweep_clamp clamp[SWEEP_CLAMPS]; /* of pictures */
    char name[128];
    char identity[SHA256_HEX]; /* of all tensors' names, types, shapes and first bytes */
    double file_bytes;
    struct law law;
    struct sweep_point point[SWEEP_POINTS];
    struct prediction_row *cost; /* of the longest run, by layer, op and phase; owned */
    size_t n_cost;
    int cost_point; /* which that is */
};

/* What was measured of one window. NAN: not known. */
struct sweep_window {
    int model, point, repeat;
    int passes;
    double prefill_s, decode_s, sample_s; /* medians over the passes; sample_s is the part of decode_s that chose tokens */
    double vision_s, read_s, resize_s;    /* of pictures: the tower; the file's decoding and the resizing before it. Else 0 */
    double window_s;
    /* of the whole window, above nothing: */
    double cpu_s;                     /* core-seconds of this process */
    double rss_bs, pss_bs;            /* byte-seconds */
    double system_cpu_s;              /* core-seconds of the whole machine: more than cpu_s is others' */
    double energy_j;                  /* NAN: no meter */
    double pace_prefill, pace_decode; /* seconds of the same work (pace.h), before and after, to those at calibration */
    /* Of the recording that it is from, which the journal fills in: */
    double session;                              /* when that began, seconds since 1970: its name */
    double idle_cpu, idle_rss, idle_pss, idle_w; /* idle use around its windows: cores, bytes, watts */
    bool idle_after;                             /* it is the mean of before and after; else of before alone */
};

struct sweep {
    struct sweep_options options; /* with the defaults filled in */
    struct picture picture;       /* of a sweep of pictures, as large as it comes; owned */
    struct sweep_model model[SWEEP_MODELS];
    char *predictions; /* the JSON text, to be freed with it */
    size_t predictions_size;
    char sha256[SHA256_HEX];      /* of it */
    struct sweep_window *windows; /* in the order of the journal */
    size_t n_windows, capacity;
};

/* Predicts. NULL and *e: a model can't be opened, a prompt is too short or too long to be predicted, memory is short. */
struct sweep *sweep_new(const struct sweep_options *o, struct error *e);
void sweep_free(struct sweep *s);

/* Whether the sweep is of pictures. */
static inline bool sweep_sees(const struct sweep_options *o)
{
    return o->pictures.mmproj[0];
}

/* Seconds that finding the machine's pace takes before a window, and again after it. 0: it is not found, since the device does
 * not know it, or it would take too long beside the window. */
double sweep_pace_seconds(const struct sweep *s);

/* Seconds that a window takes by the predictions: its passes, with a picture's preparation, and the machine's pace. Bringing
 * in the model is not in it. */
double sweep_window_seconds(const struct sweep *s, int model, int point);

/* Windows of this shard that are not measured yet, and the seconds that they will take by the predictions. */
size_t sweep_missing(const struct sweep *s, double *seconds);

bool sweep_has(const struct sweep *s, int model, int point, int repeat);
bool sweep_push(struct sweep *s, const struct sweep_window *w); /* false: no memory */

struct journal;
struct meter;
struct sweep_hooks {
    struct meter *meter;                                        /* NULL: no joules */
    struct journal *journal;                                    /* NULL: nothing is kept */
    /* Seconds by the predictions; windows measured and to be measured. Or NULL. */
    void (*progress)(void *ctx, double done_s, double total_s, size_t done, size_t total);
    void (*say)(const char *format, ...) __attribute__((format(printf, 1, 2)));
    void *ctx;
    const volatile int *interrupted; /* nonzero stops; NULL */
};

/* (run.c) Measures all that is missing. False and *e: it failed or was interrupted; what was measured until then stays. */
bool sweep_measure(struct sweep *s, const struct sweep_hooks *h, struct error *e);

#endif
