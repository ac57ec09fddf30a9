/* protocol.h - the paper's protocol whole, on this machine: `hartree paper`.
 *
 * In one folder: a profile of the machine; the pair of language models and the pair of vision models; every prediction, hashed;
 * the sweep of prompts (text/), the sweep of pictures (image/), the paper's own figures predicted; result.json and report.html
 * of all of it. A step that can't be done (no memory for a model, a disk that is full) is a line in the report, and the others
 * are done. Each sweep keeps its windows as it measures, so that the same call goes on after an interruption.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PROTOCOL_H
#define HARTREE_PROTOCOL_H

#include "engine/laws/laws.h"

struct protocol_options {
    const char *dir;
    const char *model[SWEEP_PAIR];  /* the language models; NULL: made up by synth, random weights */
    const char *vision[SWEEP_PAIR]; /* the vision models; NULL: made up */
    const char *mmproj[SWEEP_PAIR]; /* their towers; given where `vision` is */
    const char *judge, *answers;    /* how right answers are (answers.h): an encoder, or NULL; references of the prompts, or
                                       questions beside them; NULL: the prompts' own, where there is a judge */
    const char *questions;          /* about the picture, with their answers; NULL: none are asked */
    const char *device;             /* a profile for device_find; NULL: this machine is calibrated, into dir/device.profile */
    bool restart;                   /* forgets the profile, windows and answers in dir; models stay */
    bool full;                      /* models of the paper's own shapes where none are given, and its sampling; else
                                       small ones */
    double minutes;                 /* what all sweeps may take by the predictions; fewer samples and prompts where that is
                                       too long; where the fewest are, a line says so. Not read where `full` */
    int threads;
    const char *energy;       /* the word for the meter, as the command on the page is to say it; NULL: auto */
    void (*calibrating)(void *ctx, uint64_t done, uint64_t total); /* its progress; or NULL */
    struct sweep_hooks hooks; /* the journal is not read; the meter must be there */
};

enum { PROTOCOL_STEPS = 5 }; /* meter, calibration, the paper's figures, prompts, pictures */

struct protocol_step {
    const char *name;  /* "calibration", "prompts" ..., a literal */
    char failed[1024]; /* why it could not be done; "" */
    char note[1024];   /* what else to know of it; "" */
};

struct protocol_result {
    struct protocol_step step[PROTOCOL_STEPS];
    size_t n_steps, n_failed;
};

/* Does it. False and *e: a given file is no model or can't be read, which is seen before anything is done; the folder holds
 * windows of other settings, seen before anything is measured; it was interrupted, or the folder or the report can't be
 * written. A step that failed alone is in *result, and no failure of the call. */
bool protocol_run(struct protocol_result *result, const struct protocol_options *o, struct error *e);

#endif
