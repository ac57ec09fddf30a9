/* draw.h - filled shapes with smooth edges, drawn into a picture with integers alone.
 *
 * Shapes are given in units of a scene, which a canvas maps to pixels, so that one scene can be drawn at any size. Corners are
 * rounded to 1/256 of a pixel, then the share of each pixel that a shape covers is computed exactly: areas and covers summed
 * along edges, as font rasterisers do (Levien, "Inside the fastest font renderer in the world"; FreeType's smooth rasteriser).
 * Integers divide and shift the same on every machine and under every compiler: the same scene and size give the same bytes
 * everywhere. SPDX-License-Identifier: MIT */
#ifndef HARTREE_DRAW_H
#define HARTREE_DRAW_H

#include "vision/picture.h"

typedef uint32_t rgb_t; /* 0xRRGGBB */

/* The colour moved `percent` of the way to white, or to black if negative. */
rgb_t shade(rgb_t c, int percent);
/* The colour `percent` of the way from a to b. */
rgb_t mix(rgb_t a, rgb_t b, int percent);

/* a / b rounded down, for b > 0. */
int64_t floor_div(int64_t a, int64_t b);

struct canvas {
    struct picture *picture;
    int64_t num, den;      /* pixels a unit, as a fraction */
    int64_t left, top;     /* where unit 0 lies, in 1/256 pixels */
    int32_t *cover, *area; /* of a row of pixels, while a shape is filled; private, as are */
    int first, last;       /* the pixels of it that an edge touched */
};

/* Draws into `p`, in which a scene of width x height units shall be as large as fits, centred. */
bool canvas_begin(struct canvas *c, struct picture *p, int width, int height, struct error *e);
void canvas_end(struct canvas *c);

enum { PEN_ONE = 1024 };

/* A place to draw at: units of its own, `scale` / PEN_ONE of the scene's, from (x, y) on, to the left instead of the right if
 * mirrored. */
struct pen {
    struct canvas *canvas;
    int x, y, scale;
    bool mirrored;
};

/* How a shape is filled: from the colour at its top to the one at its bottom; opacity of 256 hides what is below. */
struct paint {
    rgb_t top, bottom;
    int opacity;
};
struct paint solid(rgb_t c);
struct paint gradient(rgb_t top, rgb_t bottom);
struct paint glass(rgb_t c, int opacity);

/* An outline: closed contours. Where one runs the other way round inside another it is a hole. */
enum { PATH_POINTS = 320, PATH_CONTOURS = 4 };
struct path {
    int n, n_contours;
    int begins[PATH_CONTOURS];
    int64_t x[PATH_POINTS], y[PATH_POINTS]; /* in 1/256 pixels; the last point of the last curve is the current one */
    int at_x, at_y;                         /* the current point in the pen's units */
};
void path_move(struct path *p, const struct pen *pen, int x, int y); /* begins a contour */
void path_line(struct path *p, const struct pen *pen, int x, int y);
void path_curve(struct path *p, const struct pen *pen, int x1, int y1, int x, int y); /* a quadratic Bezier */
/* An ellipse as a contour of its own; hole: the other way round. */
void path_ellipse(struct path *p, const struct pen *pen, int x, int y, int rx, int ry, bool hole);
void path_fill(const struct path *p, const struct pen *pen, struct paint paint);

void draw_polygon(const struct pen *pen, const int *xy, int n_points, struct paint paint);
void draw_rect(const struct pen *pen, int x, int y, int w, int h, struct paint paint);
void draw_round_rect(const struct pen *pen, int x, int y, int w, int h, int r, struct paint paint);
void draw_ellipse(const struct pen *pen, int x, int y, int rx, int ry, struct paint paint);
void draw_ring(const struct pen *pen, int x, int y, int outer, int inner, struct paint paint);
/* A stroke with round ends. */
void draw_line(const struct pen *pen, int x0, int y0, int x1, int y1, int width, struct paint paint);
/* Digits and the letters O P S T in strokes, centred on (x, y), never mirrored. */
void draw_text(const struct pen *pen, const char *text, int x, int y, int height, struct paint paint);

#endif
