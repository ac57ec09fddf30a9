/* SPDX-License-Identifier: MIT */
#include "engine/account/picture_cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "vision/resize.h"
#include "vision/scene.h"

const char *const picture_rate_names[PICTURE_RATES] = {"open", "pixel", "output", "tap"};

/* ---- The form ---- */

/* Pixels that resizing makes, and their taps, from width x height to out_width x out_height. */
struct passes {
    double outputs, taps;
};

static void add_pass(struct passes *p, double outputs, int from, int to)
{
    if (from == to) return;
    p->outputs += outputs;
    p->taps += 4 * fmax(1, (double)from / to) * outputs;
}

static struct passes passes_of(int width, int height, int out_width, int out_height)
{
    struct passes p = {0, 0};
    add_pass(&p, (double)height * out_width, width, out_width);
    add_pass(&p, (double)out_height * out_width, height, out_height);
    return p;
}

static double rate(const struct device *d, int which)
{
    char key[DEVICE_KEY];
    snprintf(key, sizeof key, "picture.%s", picture_rate_names[which]);
    return device_get(d, key);
}

double picture_seconds(const struct device *d, const struct clamped *fit)
{
    struct passes p = passes_of(fit->in_width, fit->in_height, fit->inner_width, fit->inner_height);
    double pixels = (double)fit->in_width * fit->in_height;
    return rate(d, PICTURE_OPEN) + rate(d, PICTURE_PIXEL) * pixels + rate(d, PICTURE_OUTPUT) * p.outputs +
           rate(d, PICTURE_TAP) * p.taps;
}

double picture_bytes(const struct clamped *fit)
{
    return 3 * ((double)fit->in_width * fit->in_height + (double)fit->width * fit->height);
}

/* ---- Measuring the rates ---- */

/* A file of the paper's clamp: in files of larger pictures a pixel takes less, in those of smaller ones more. */
enum { WIDE = 1024, HIGH = 720, SMALL = 28 };
/* Sizes that it is resized to: one has the fewest taps, one many. The small one grows by so little that opening, allocating and
 * what is cold are nearly all of its time. */
enum { UP_WIDE = 1148, UP_HIGH = 812, DOWN_WIDE = 224, DOWN_HIGH = 154, SMALL_UP = 30 };
static const double LEAST_SECONDS = 1e-9; /* of a clock that did not move */

struct picture_probe {
    struct picture picture, small;
    void *file, *small_file;
    size_t size, small_size;
};

void picture_probe_free(struct picture_probe *p)
{
    if (!p) return;
    picture_free(&p->picture);
    picture_free(&p->small);
    free(p->file);
    free(p->small_file);
    free(p);
}

struct picture_probe *picture_probe_new(struct error *e)
{
    struct picture_probe *p = calloc(1, sizeof *p);
    struct scene scene;
    if (!p) {
        fail(e, "calibration: found no memory for a picture");
        return NULL;
    }
    scene_decide(SCENE_SEED, &scene);
    if (scene_paint(&scene, WIDE, HIGH, &p->picture, e) && resize_bicubic(&p->picture, SMALL, SMALL, &p->small, e) &&
        (p->file = picture_file(&p->picture, &p->size, e)) && (p->small_file = picture_file(&p->small, &p->small_size, e)))
        return p;
    picture_probe_free(p);
    return NULL;
}

static bool time_reading(const void *file, size_t size, double *seconds, struct error *e)
{
    struct picture p;
    double start = clock_now();
    if (!picture_decode(file, size, &p, e)) return false;
    *seconds = fmax(LEAST_SECONDS, clock_now() - start);
    picture_free(&p);
    return true;
}

static bool time_resizing(const struct picture *from, int width, int height, double *seconds, struct error *e)
{
    struct picture p;
    double start = clock_now();
    if (!resize_bicubic(from, width, height, &p, e)) return false;
    *seconds = fmax(LEAST_SECONDS, clock_now() - start);
    picture_free(&p);
    return true;
}

bool picture_probe_take(const struct picture_probe *p, double seconds[PICTURE_TIMES], struct error *e)
{
    return time_reading(p->small_file, p->small_size, &seconds[PICTURE_SMALL_READ], e) &&
           time_resizing(&p->small, SMALL_UP, SMALL_UP, &seconds[PICTURE_SMALL_RESIZE], e) &&
           time_reading(p->file, p->size, &seconds[PICTURE_READ], e) &&
           time_resizing(&p->picture, UP_WIDE, UP_HIGH, &seconds[PICTURE_LARGER], e) &&
           time_resizing(&p->picture, DOWN_WIDE, DOWN_HIGH, &seconds[PICTURE_SMALLER], e);
}

void picture_rates(const double seconds[PICTURE_TIMES], double rates[PICTURE_RATES], bool contradicted[PICTURE_RATES])
{
    struct passes few = passes_of(WIDE, HIGH, UP_WIDE, UP_HIGH), many = passes_of(WIDE, HIGH, DOWN_WIDE, DOWN_HIGH);
    double few_taps = few.taps / few.outputs, many_taps = many.taps / many.outputs; /* of a pixel */
    double small = seconds[PICTURE_SMALL_RESIZE], opened = seconds[PICTURE_SMALL_READ];
    double up = fmax(0, seconds[PICTURE_LARGER] - small) / few.outputs;
    double down = fmax(0, seconds[PICTURE_SMALLER] - small) / many.outputs;
    double pixel = (seconds[PICTURE_READ] - opened) / (WIDE * HIGH);
    double tap = (down - up) / (many_taps - few_taps), output = up - tap * few_taps;
    for (int i = 0; i < PICTURE_RATES; i++) contradicted[i] = false;
    if ((contradicted[PICTURE_PIXEL] = pixel < 0)) pixel = seconds[PICTURE_READ] / (WIDE * HIGH), opened = 0;
    if (tap < 0) tap = 0, output = (up + down) / 2;
    else if (output < 0) output = 0, tap = (up + down) / (few_taps + many_taps);
    contradicted[PICTURE_TAP] = contradicted[PICTURE_OUTPUT] = tap == 0 || output == 0;
    rates[PICTURE_OPEN] = opened + small;
    rates[PICTURE_PIXEL] = pixel;
    rates[PICTURE_OUTPUT] = output;
    rates[PICTURE_TAP] = tap;
}
