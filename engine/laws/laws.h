/* laws.h - what a sweep says: time in closed form, fitted and predicted; how far predictions were off; the paper's law 1 (CPU
 * and RAM AUC grow linearly with input tokens); of pictures its law 2 (both are flat above the clamp and fall below it: where
 * the knee is); and a pair's ratios.
 *
 * Two forms are fitted to medians over a prompt's windows, by least squares of relative errors: one to the measured times, one
 * to the predicted times of the same runs. So both have the same lengths and weights' form, and differences between them are
 * not differences of method. Prefill gives a0, a1, a2, and decode b0, b1: with one number of generated tokens the five could
 * not be told apart from total times.
 *
 * A time is prefill and decode without the choice of tokens, which no prediction covers (sample_s).
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LAWS_H
#define HARTREE_LAWS_H

#include "base/regress.h"
#include "engine/account/validate.h"
#include "engine/laws/answers.h"

/* One prompt of one model: medians over its windows, of one pass. NAN: not known. */
struct laws_point {
    const struct sweep_point *plan;
    int index; /* in the options' points */
    int windows;
    double time_s, prefill_s, decode_s, sample_s;
    double vision_s, read_s, resize_s; /* of pictures; the last two are not in time_s */
    double fastest_s, slowest_s;
    double window_s;
    double cpu_auc, ram_auc, pss_auc; /* above idle: core-seconds, byte-seconds */
    double paced_s;                   /* time_s as it were at the calibration's pace (pace.h) */
    double pace_prefill, pace_decode; /* seconds of the same work to those at calibration: 1.1 is a tenth slower */
    double others_cpu_s;              /* core-seconds a pass that others took of the machine meanwhile */
    double energy_j, energy_net_j;    /* measured: gross, and above idle */
};

struct laws_line {
    struct regression measured; /* intercept, slope of prompt tokens */
    struct regression predicted;
};

struct laws_fit {
    bool known;                                           /* at least three lengths */
    double b[LAW_COUNT], low[LAW_COUNT], high[LAW_COUNT]; /* of the measured times; 95 % */
    double predicted[LAW_COUNT];                          /* of the predicted times at the same lengths */
    bool square_agrees;                                   /* the predicted a2 lies in the interval of the fitted one */
    bool square_seen; /* the interval of the fitted a2 lies above 0: time is not linear in tokens */
};

/* One clamp of a sweep of pictures. NAN: not known. */
struct laws_clamp {
    const struct sweep_clamp *plan;
    double knee_predicted_px;                           /* longest edge; NAN: it binds nowhere */
    struct knee knee;                                   /* fitted, in patches */
    double knee_measured_px, knee_low_px, knee_high_px; /* longest edges where those patches begin; NAN: no knee was told */
    int n;                                              /* points on the plateau: from the predicted knee on */
    double patches, flops;                              /* of the largest; with edges and boxes of each */
    double time_s, predicted_s;                         /* medians over them */
    double ratio, predicted_ratio;                      /* of time_s, to the first clamp's */
};

/* Seconds of a picture that became N patches: c + a N + b N^2. */
enum { CURVE_C, CURVE_A, CURVE_B, CURVE_COUNT };
extern const char *const curve_names[CURVE_COUNT], *const curve_units[CURVE_COUNT];

struct laws_curve {
    bool known;                                                 /* at least four different numbers of patches */
    double b[CURVE_COUNT], low[CURVE_COUNT], high[CURVE_COUNT]; /* of the measured times; 95 % */
    double predicted[CURVE_COUNT];                              /* of the predicted times of the same pictures */
};

struct laws_model {
    const struct sweep_model *plan;
    struct laws_point point[SWEEP_POINTS]; /* those with windows, by prompt tokens; of pictures by clamp and size */
    int n_points;
    struct laws_fit fit;                   /* of prompts */
    struct laws_clamp clamp[SWEEP_CLAMPS]; /* of pictures, like the curve */
    struct laws_curve curve;
    struct validation time;  /* of the predicted times; baselines have seen every other point, in turn */
    struct validation paced; /* of the same against paced_s: what is left when the machine's drift is taken out */
    struct validation by_length[STRATUM_COUNT]; /* the same by how far a point's length is from those calibrated */
    struct validation held_out;                 /* of the form fitted to every other point, on the ones between, in turn */
    struct validation cpu, ram, energy;         /* of the predicted AUCs and joules */
    struct laws_line cpu_line, ram_line;
    double edge; /* largest share of a window that one sample's spacing is */
};

/* Second over first: geometric means of the ratios of the prompts that both ran, and Student's interval of the measured one. */
struct laws_ratio {
    double ratio, low, high;
    double predicted;
};

enum laws_figure { LAWS_TIME, LAWS_CPU, LAWS_RAM, LAWS_THROUGHPUT, LAWS_ENERGY, LAWS_FIGURES };
extern const char *const laws_figure_names[LAWS_FIGURES]; /* "time" ... */

struct divergence; /* engine/divergence.h */

/* What the command of a sweep said beside what struct sweep_options holds: for the page, which shows it. All of it borrowed. */
struct laws_words {
    const char *energy;      /* the meter's word; NULL or "auto": it found one by itself */
    const char *const *word; /* of a family: names and values in turn, "--ratios", LIST */
    size_t n;
    bool family; /* `laws compress` */
    int made;    /* its last models that these words make: they are not named as files */
};

struct laws {
    struct sweep *sweep;
    struct laws_words words;
    const char *judge, *references; /* as laws_options has them: for the page, too */
    struct laws_model model[SWEEP_MODELS];
    struct laws_ratio ratio[LAWS_FIGURES];          /* of a pair; throughput: tokens a second while decoding */
    const char *energy_kind;                        /* "measured", "modelled" (by the device profile) or "none" */
    size_t missing;                                 /* windows of the whole sweep that are not there */
    struct answers *answers;                        /* and how right they are; NULL: not asked for */
    const struct divergence *quality[SWEEP_MODELS]; /* of a family, from its first model; NULL: not taken; borrowed */
    size_t half_idle; /* windows of sessions that were cut short: with idle before them, none after */
};

/* How far a run's lengths are from those that device profiles are calibrated with (calibrate.h): rows a micro-batch, of
 * `ubatch` or the whole prompt, and positions, whichever is farther out. All models are unseen to a calibration. */
enum stratum laws_stratum(size_t prompt, size_t gen, size_t ubatch);

/* A figure of one model over that of the first, as struct laws_ratio says. */
struct laws_ratio laws_compare(const struct laws *l, int model, int figure);

/* All that is said of points, whichever way they came into l->model: errors, fits, lines, knees, ratios. False and *e: memory
 * is short. */
bool laws_judge(struct laws *l, struct error *e);

/* Sums up the windows of *s, which is borrowed. False and *e: a model has no window, or memory is short. */
bool laws_sum_up(struct laws *l, struct sweep *s, struct error *e);

/* ---- All of it (laws_run.c) ---- */

struct laws_options {
    struct sweep_options sweep;
    const char *dir;         /* where all is kept, made if it is not there; NULL: nothing is */
    bool restart;            /* laws_forget, first */
    const char *const *join; /* folders of shards: their windows are taken, and nothing is measured */
    size_t n_join;
    struct laws_words words;
    const char *judge, *references; /* scores answers, by an encoder and these or the prompts' own (answers.h); both NULL: no */
    struct sweep_hooks hooks;       /* but for the journal, which is made here */
    struct error *fell_short;       /* NULL: what can't be measured or answered to its end is a failure. Else the reason goes
                                       here, and what there is of windows is summed up, where each model has
                                       one; "": nothing lacks */
};

/* Predicts, freezes, measures what is missing (or joins), sums up, and writes the folder: of prompts or of pictures, as the
 * options say. NULL and *e: it failed or was interrupted; the same call then goes on where it stopped. To be freed with
 * laws_free. */
struct laws *laws_run(const struct laws_options *o, struct error *e);
/* Removes the windows and answers that a folder keeps; where there are none it does nothing. False and *e. */
bool laws_forget(const char *dir, struct error *e);
void laws_free(struct laws *l); /* and its sweep and answers */

/* (laws_pictures.c) What is of pictures alone in a model whose points are there: clamps, curve, errors of times. False and *e:
 * no memory. */
bool laws_sum_up_pictures(struct laws_model *m, const struct sweep *s, int model, struct error *e);

/* (laws_report.c) As a table and as a JSON object. */
void laws_print(const struct laws *l, FILE *f);
void laws_json(const struct laws *l, FILE *f);
void laws_put(const struct laws *l, struct json *j); /* the same as a value of a larger JSON text */

/* (laws_files.c) predictions.json and predictions.csv of a sweep: to be written before it runs. */
bool laws_write_predictions(const struct sweep *s, const char *dir, struct error *e);
/* (laws_run.c) The same for a sweep that is to be measured later, in a folder that is made; where the same ones are, or windows
 * have been measured, nothing is touched. False and *e. */
bool laws_freeze(const struct sweep *s, const char *dir, struct error *e);
/* Whether windows of *s may go into the folder: it has none, or such. Else *e says so. */
bool laws_fits(const struct sweep *s, const char *dir, struct error *e);
/* result.json, and report.html, a page of it (page.h). False and *e: a file can't be written. */
bool laws_write_result(const struct laws *l, const char *dir, struct error *e);
/* Both; points.csv, law.csv (of pictures clamps.csv); accuracy.csv where there are answers; energy.csv, a log that
 * `hartree fit` reads (energy_log.h), a line a window: the means of a pass; and the plots: gnuplot's scripts and, where gnuplot
 * is, what it drew as SVG. *drawn: whether it did. False and *e: a file can't be written. */
bool laws_write(const struct laws *l, const char *dir, bool *drawn, struct error *e);

#endif
