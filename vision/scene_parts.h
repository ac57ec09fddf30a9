/* scene_parts.h - private to scene.c: the painters of what stands in a scene. Each draws with its origin where the thing
 * stands, y upwards being negative, heading to the right, in the units of its own size. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SCENE_PARTS_H
#define HARTREE_SCENE_PARTS_H

#include "vision/draw.h"
#include "vision/scene.h"

/* The numbers that a scene is drawn by lot from (base/random.h). */
struct lot {
    uint64_t state;
};
int lot_below(struct lot *l, int n);            /* 0 .. n - 1 */
int lot_range(struct lot *l, int from, int to); /* both included */

rgb_t scene_rgb(enum scene_colour c);

/* How large a thing is that stands at `ground`, in parts of PEN_ONE: nearer is lower and larger. */
int scene_scale(int ground);

/* Where the street lies; y in scene units. */
enum {
    STREET_FAR_WALL = 3380,
    STREET_FAR_KERB = 3770,
    STREET_FAR_LINE = 4430,
    STREET_NEAR_LINE = 5210,
    STREET_NEAR_KERB = 6150,
    CROSSING_HALF = 620 /* half of its width, in the middle of the street */
};

/* Sky, houses, pavements, the road and its markings. Spans the whole canvas, from `left` to `right` and `top` to `bottom`. */
void paint_street(struct canvas *c, const struct scene *s, int left, int right, int top, int bottom);
void paint_vehicle(const struct pen *pen, const struct scene_object *o, bool dark);
void paint_figure(const struct pen *pen, const struct scene_object *o);
void paint_post(const struct pen *pen, const struct scene_object *o);

#endif
