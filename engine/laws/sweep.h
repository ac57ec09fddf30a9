/* sweep.h - text models run over prompts of growing length, by the protocol of arXiv 2512.16531: the plan of it, with every
 * prediction, and its windows as they are measured.
 *
 * 1. sweep_new opens each model in turn, tokenizes the prompts, predicts each one's run and derives the law. What came of it,
 * and    all settings, is one JSON text: its SHA-256 names the sweep. Nothing has run then.
 * 2. sweep_measure runs what is missing. A *window* is one prompt prefilled and `gen` tokens generated (greedy, the end of the
 *    answer ignored: the work is the same each time), as often as it takes to fill `window_s` by the prediction: AUC and energy
 *    meters need some samples. Of the passes' times the medians count.
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
#include "engine/session.h"

enum { SWEEP_MODELS = 2, SWEEP_POINTS = 64, SWEEP_REPEATS = 100 };

struct sweep_options {
    const char *model[SWEEP_MODELS]; /* paths */
    int n_models;
    int64_t point[SWEEP_POINTS];     /* prompts 1 to N_PROMPTS, or lengths in tokens */
    int n_points;
    bool lengths;                    /* P19 cut, or said again, to so many tokens */
    int64_t gen;                     /* tokens generated a pass, at least 1 */
    int repeats;                     /* windows a prompt and model */
    double hz;                       /* of the sampler */
    double window_s;                 /* least length of a window and of the idle intervals; 0: 20 samples */
    const char *energy;              /* what joules come from, as meter_source says it; borrowed like the rest */
    uint64_t seed;                   /* of the order */
    int threads;
    size_t ubatch;                   /* 0: 512 */
    enum type kv_type;
    int shard, shards;               /* measures the prompts whose place is `shard` modulo `shards`, from 0; 0, 1: all */
    const struct device *device;     /* borrowed for as long as the sweep is there */
    const char *device_word;         /* what --device said, for the command that repeats the sweep; NULL: nothing */
};

/* One prompt for one model. */
struct sweep_point {
    int prompt;       /* 1 to N_PROMPTS; 0: a length */
    struct tokens tokens;
    int passes;       /* in a window */
    double prefill_s, decode_s, time_s; /* predicted */
    double interval95_s[2];             /* of time_s; NAN: the device has none */
    double energy_j;                    /* predicted; NAN: the device has no energy terms */
    double cpu_auc, ram_auc;            /* predicted: all threads busy or spinning, and the run's memory, for time_s */
    double steps;                       /* micro-batches and decode steps */
    struct energy_work work;            /* of a pass, predicted, its time too */
    char sha256[SHA256_HEX];            /* of the prediction */
};

struct sweep_model {
    const char *path; /* the options' */
    char name[128];
    char identity[SHA256_HEX]; /* of all tensors' names, types, shapes and first bytes */
    double file_bytes;
    struct law law;
    struct sweep_point point[SWEEP_POINTS];
    struct prediction_row *cost; /* of the longest prompt's run, by layer, op and phase; owned */
    size_t n_cost;
};

/* What was measured of one window. NAN: not known. */
struct sweep_window {
    int model, point, repeat;
    int passes;
    double prefill_s, decode_s, sample_s; /* medians over the passes; sample_s is the part of decode_s that chose tokens */
    double window_s;
    /* of the whole window, above nothing: */
    double cpu_s;              /* core-seconds of this process */
    double rss_bs, pss_bs;     /* byte-seconds */
    double system_cpu_s;       /* core-seconds of the whole machine: more than cpu_s is others' */
    double energy_j;           /* NAN: no meter */
    /* Of the recording that it is from, which the journal fills in: */
    double session;                              /* when that began, seconds since 1970: its name */
    double idle_cpu, idle_rss, idle_pss, idle_w; /* idle use around its windows: cores, bytes, watts */
    bool idle_after;                             /* it is the mean of before and after; else of before alone */
};

struct sweep {
    struct sweep_options options; /* with the defaults filled in */
    struct sweep_model model[SWEEP_MODELS];
    char *predictions;         /* the JSON text, to be freed with it */
    size_t predictions_size;
    char sha256[SHA256_HEX];   /* of it */
    struct sweep_window *windows; /* in the order of the journal */
    size_t n_windows, capacity;
};

/* Predicts. NULL and *e: a model can't be opened, a prompt is too short or too long to be predicted, memory is short. */
struct sweep *sweep_new(const struct sweep_options *o, struct error *e);
void sweep_free(struct sweep *s);

/* Windows of this shard that are not measured yet, and the seconds that they will take by the predictions. */
size_t sweep_missing(const struct sweep *s, double *seconds);

bool sweep_has(const struct sweep *s, int model, int point, int repeat);
bool sweep_push(struct sweep *s, const struct sweep_window *w); /* false: no memory */

struct journal;
struct meter;
struct sweep_hooks {
    struct meter *meter;                                           /* NULL: no joules */
    struct journal *journal;                                       /* NULL: nothing is kept */
    void (*progress)(void *ctx, double done_s, double total_s);    /* by the predictions; or NULL */
    void (*say)(const char *format, ...) __attribute__((format(printf, 1, 2)));
    void *ctx;
    const volatile int *interrupted;                               /* nonzero stops; NULL */
};

/* (run.c) Measures all that is missing. False and *e: it failed or was interrupted; what was measured until then stays. */
bool sweep_measure(struct sweep *s, const struct sweep_hooks *h, struct error *e);

#endif
