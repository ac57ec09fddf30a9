/* laws_compress.h - a family of one model, the original and what compression made of it, under one sweep: time, areas, energy
 * and file bytes predicted first and then measured, how far each one's predictions of a text are from the original's, and law 1
 * of the paper (CPU and RAM AUC grow linearly with input tokens; compression lowers intercept and slope) for each.
 *
 * The sweep is that of sweep.h over all variants, which take turns. Variants are files that are there, or are made of the first
 * one by compress.h, into the folder; a file there is not made again if it says that it was made of this model and text with
 * these options. Perplexities are kept in the folder, too, so that all of it goes on where it was interrupted; result.json and
 * report.html have every variant. SPDX-License-Identifier: MIT */
#ifndef HARTREE_LAWS_COMPRESS_H
#define HARTREE_LAWS_COMPRESS_H

#include "engine/compress/compress.h"
#include "engine/divergence.h"
#include "engine/laws/laws.h"

struct laws_compress_options {
    struct laws_options laws; /* sweep.model[0] is the original; the others are variants that are there already */
    const double *ratio;      /* variants to make, as compress.h's ratio */
    size_t n_ratios;
    struct compress_options compress; /* how: all but the ratio; its text is the calibration's */
    const char *text;                 /* for the perplexities; NULL: none are taken */
    size_t text_len;
    struct divergence_options quality; /* of them */
};

struct laws_variant {
    char path[512], name[64];  /* name: the file's, without its folder and ending */
    bool known;                /* quality is */
    struct divergence quality; /* against the first, which is against itself: its own perplexity */
};

struct laws_compress {
    struct laws *laws;
    struct laws_variant variant[SWEEP_MODELS];
    int n;
};

/* NULL and *e: it failed or was interrupted; the same call then goes on where it stopped. A folder (laws.dir) must be given
 * where variants are to be made. */
struct laws_compress *laws_compress(const struct laws_compress_options *o, struct error *e);
void laws_compress_free(struct laws_compress *c);

/* Means over the prompts of one variant, measured and predicted; NAN: not known. */
struct laws_means {
    double time_s, predicted_s, cpu_auc, predicted_cpu_auc, ram_auc, predicted_ram_auc, energy_j, predicted_energy_j;
};
struct laws_means laws_means(const struct laws *l, int model);

/* (laws_compress_report.c) As a table, as a JSON object, and as variants.csv, variants.json and a plot in the folder. */
void laws_compress_print(const struct laws_compress *c, FILE *f);
void laws_compress_json(const struct laws_compress *c, FILE *f);
bool laws_compress_write(const struct laws_compress *c, const char *dir, bool *drawn, struct error *e);

#endif
