/* common_args.h - options and steps that several commands share, each written once.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_COMMON_ARGS_H
#define HARTREE_COMMON_ARGS_H

#include "base/json.h"
#include "engine/account/device.h"
#include "engine/divergence.h"
#include "engine/meter/meter.h"
#include "engine/session.h"
#include "loader/describe.h"
#include "tools/cli.h"

/* Rows for a command's option table, and the variables they set. */
extern const char *arg_model, *arg_mmproj, *arg_prompt, *arg_file, *arg_energy;
extern double arg_max_time; /* 0: not given */
extern int arg_kv;

/* clang-format off */
#define ARG_MODEL \
    {"model", "m", OPTION_STRING, &arg_model, "FILE", "the model, a GGUF file (default: the demo model)", 0, 0, NULL}
#define ARG_MMPROJ \
    {"mmproj", NULL, OPTION_STRING, &arg_mmproj, "FILE", \
     "with --image: the model's vision tower (default, without -m: the demo's)", 0, 0, NULL}
#define ARG_MAX_TIME \
    {"max-time", NULL, OPTION_FLOAT, &arg_max_time, "S", "refuse a picture that is predicted to take longer than S seconds", \
     1e-9, 1e9, NULL}
#define ARG_PROMPT {"prompt", "p", OPTION_STRING, &arg_prompt, "TEXT", "the prompt", 0, 0, NULL}
#define ARG_FILE {"file", "f", OPTION_STRING, &arg_file, "FILE", "read the text from a file, - for stdin", 0, 0, NULL}
#define ARG_KV \
    {"kv", NULL, OPTION_CHOICE, &arg_kv, "TYPE", "type of the key and value cache: f32, f16 or q8_0 (default f16)", 0, 0, \
     "f32|f16|q8_0"}
#define ARG_ENERGY \
    {"energy", NULL, OPTION_STRING, &arg_energy, "SRC", \
     "what measures joules: auto (default), rapl, perf, pmic, hwmon, battery, csv:FILE or none (docs/energy.md)", 0, 0, NULL}
/* clang-format on */

enum type arg_kv_type(void);

/* -m or the demo model; NULL and *e. */
const char *arg_model_path(struct error *e);
/* Opens it with a progress line. */
struct model *arg_open_model(int flags, struct error *e);
/* That a picture has a name, and a tower where -m has no default one, that --mmproj, --clamp and --max-time have a picture, and
 * that the clamp is one: EXIT_DONE or EXIT_USAGE. */
int arg_picture_words(const char *image, const char *clamp);
/* Of a command that was given a picture: puts the bundled vision model where there is no -m, and its tower where there is no
 * --mmproj. False and *e: it is not there. */
bool arg_vision(struct error *e);
/* That writing to `out` spares what is read: a model (or NULL) and a file (or NULL). */
bool arg_spares(const char *out, const struct model *m, const char *file, struct error *e);

/* A note that a file opened for its header alone ends before its tensor data do. */
void arg_note_cut(const struct model_file *f);

/* A note that predictions have no interval, where this machine's own profile (`device` NULL or "this") is a quick one. */
void arg_note_quick(const char *device, const struct device *d, int threads);

/* The same and the device profile `device` (device_find); *load_s is the time that the model took. A calibration comes before
 * the weights are read in, so that its buffers and they are never in memory together. */
struct model *arg_open_model_and_device(int flags, const char *device, struct device *d, double *load_s,
                                        struct error *e);

/* -p, or the contents of -f, to be freed; NULL and *e if neither or both are given (*usage is then set) or the file fails. */
char *arg_text(size_t *len, bool *usage, struct error *e);

/* Opens --energy; under -v it says why each source that `auto` tried did not open. NULL and *e. A word that is no source is
 * wrong usage, which meter_known finds before. */
struct meter *arg_open_meter(struct error *e);

/* common.threads or the default. */
int arg_threads(void);

/* Says that --shape is none, with the nearest bundled name or else *e's line. EXIT_USAGE. */
int arg_wrong_shape(const char *spec, const struct error *e);

/* Says on stderr, in one line, what of a shape that shape_parse reads nobody published or the user did not say. */
void arg_note_assumed(const char *spec);

/* "KEY": {T: {"tensors", "bytes"}} for the types that there are. */
void json_put_types(struct json *j, const char *key, const struct type_sum types[TYPE_FILE_END]);

/* Its figures in words, two lines on stdout. */
void arg_print_divergence(const struct divergence *d);

/* A session_progress that draws the prefill line and stops when interrupted. */
bool arg_prefill_progress(void *ctx, size_t done, size_t total);

#endif
