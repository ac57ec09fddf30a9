/* laws_parts.h - private to the files that print a sweep's result: what prompts and pictures have in common.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LAWS_PARTS_H
#define HARTREE_LAWS_PARTS_H

#include "base/json.h"
#include "engine/laws/laws.h"

#include <limits.h>

/* A model's name as it may stand unquoted in a table and within single quotes in a gnuplot script, which takes backquotes and
 * markup elsewhere for commands. */
struct plain {
    char s[64];
};
struct plain plain(const char *name);
struct plain plain_file(const char *path); /* the file's name alone, which says its tensors' type as a rule */

/* (predicted - measured) / measured */
double laws_error(double predicted, double measured);

/* ",VALUE", and nothing after the comma for what is not known. */
void put_cell(FILE *f, double v);

/* " (low to high)", or nothing where there is no interval. */
struct text interval_text(double low, double high);

/* Members of a result that are said of all its points together: of one model, and of a pair. */
void laws_json_sums(struct json *j, const struct laws *l, const struct laws_model *m);
void laws_json_pair(struct json *j, const struct laws *l);

/* ---- For the page (laws_page.c): members of the object that is open ---- */

/* "costs": where the longest run spends its time, by the prediction, a member an op and phase; layer -1 is outside the
 * layers. Nothing where there are no costs. */
void laws_json_costs(struct json *j, const struct laws *l, const struct sweep_model *m);
/* "stairs": what is predicted of every step of a clamp. */
void laws_json_stairs(struct json *j, const struct sweep_clamp *c);
/* "origin": machine, program and the command that measures the same again. */
void laws_json_origin(struct json *j, const struct laws *l);
/* Writes report.html. False and *e: it can't be written, or no memory. */
bool laws_write_page(const struct laws *l, const char *path, struct error *e);

/* ---- Of pictures (laws_pictures_report.c, laws_pictures_files.c) ---- */

void pictures_json_point(struct json *j, const struct laws *l, const struct laws_point *p); /* its first members */
void pictures_json_model(struct json *j, const struct laws_model *m, const struct sweep *s);
void pictures_print_points(const struct laws *l, const struct laws_model *m, FILE *f);
void pictures_print_model(const struct laws *l, const struct laws_model *m, FILE *f); /* knees, plateaus, curve */

/* The text of a clamp's point. */
const char *clamp_of_point(const struct laws_model *m, const struct sweep *s, int index);

/* predictions.csv, stairs.csv (what is predicted of every step), points.csv, clamps.csv. */
void pictures_write_predictions(const void *sweep, FILE *f);
void pictures_write_stairs(const void *sweep, FILE *f);
void pictures_write_points(const void *laws, FILE *f);
void pictures_write_clamps(const void *laws, FILE *f);

/* gnuplot's script of one figure over longest edges. */
enum { PICTURE_TIME, PICTURE_CPU, PICTURE_RAM, PICTURE_ENERGY, PICTURE_PLOTS };
struct pictures_script {
    const struct laws *laws;
    int plot;
};
extern const char *const picture_plot_names[PICTURE_PLOTS]; /* "time", ... */
void pictures_write_script(const void *script, FILE *f);

/* One file of a sweep's folder, whole or not at all (laws_files.c). */
bool laws_write_file(const char *dir, const char *name, void (*fill)(const void *from, FILE *f), const void *from,
                     struct error *e);
/* Runs gnuplot on a script of the folder; false where there is none, or it failed (laws_files.c). */
bool laws_draw(const char *dir, const char *script);
/* Makes the folder unless it is there (laws_run.c). */
bool laws_folder(const char *dir, struct error *e);
/* DIR/NAME. False and *e: it is too long. */
bool laws_path(char path[PATH_MAX], const char *dir, const char *name, struct error *e);
/* Intercept and slope, measured and predicted, as an object at `key`. */
void laws_json_line(struct json *j, const char *key, const struct laws_line *line);
/* A member each figure: the model's over the first's. */
void laws_json_ratios(struct json *j, const struct laws *l, int model);

#endif
