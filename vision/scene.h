/* scene.h - traffic scenes of our own: what is in them is drawn by lot from a seed, then painted at any size.
 *
 * A scene is decided once, in units of SCENE_WIDTH x SCENE_HEIGHT, without a picture: the same seed has the same cars, people
 * and signs at every size, so that pictures of different resolution differ in nothing else, and a question about a scene has
 * one answer. No listed object hides another, and each lies whole within the scene. A picture of another aspect shows more sky
 * and pavement, or more street, at its sides.
 *
 * Details run from large (a bus) to small (number plates, a sign across the street): what can be read depends on resolution.
 * The seed's numbers come from splitmix64 and all arithmetic is in integers (vision/draw.h): the same seed and size give the
 * same bytes on every machine. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SCENE_H
#define HARTREE_SCENE_H

#include "vision/picture.h"

enum { SCENE_WIDTH = 10240, SCENE_HEIGHT = 7200, SCENE_OBJECTS = 48, SCENE_MAX_SIDE = 8192, SCENE_MAX_ASPECT = 8 };

enum scene_kind { SCENE_CAR, SCENE_BUS, SCENE_BICYCLE, SCENE_PERSON, SCENE_LIGHT, SCENE_SIGN };
enum scene_colour {
    SCENE_NO_COLOUR,
    SCENE_RED,
    SCENE_ORANGE,
    SCENE_YELLOW,
    SCENE_GREEN,
    SCENE_BLUE,
    SCENE_PURPLE,
    SCENE_PINK,
    SCENE_WHITE,
    SCENE_BLACK,
    SCENE_COLOURS
};
/* Farthest first: what stands on a row is painted before what stands on the next. */
enum scene_row {
    SCENE_FAR_PAVEMENT,
    SCENE_FAR_LANE,
    SCENE_MIDDLE_LANE,
    SCENE_NEAR_LANE,
    SCENE_CROSSING,
    SCENE_NEAR_PAVEMENT,
    SCENE_ROWS
};
enum scene_sign { SCENE_STOP, SCENE_YIELD, SCENE_SPEED_LIMIT, SCENE_NO_ENTRY, SCENE_PARKING, SCENE_PRIORITY, SCENE_SIGNS };
enum scene_time { SCENE_DAY, SCENE_EVENING, SCENE_NIGHT, SCENE_TIMES };

struct scene_object {
    enum scene_kind kind;
    enum scene_colour colour; /* of the paint, the frame, the shirt, the lamp that is lit, the sign */
    enum scene_colour second; /* of a person's hat or a cyclist's shirt; SCENE_NO_COLOUR: none */
    enum scene_row row;
    enum scene_sign sign; /* of a sign */
    bool left;            /* heads to the left */
    char text[8];         /* a number plate, a bus's line, a speed limit; else "" */
    int x, ground, scale; /* its middle, where it stands, and how large (PEN_ONE: 1) */
    int variant;          /* of its shape */
    int box[4];           /* left, top, width, height in scene units */
};

struct scene {
    uint64_t seed;
    enum scene_time time;
    int crossing; /* the middle of the zebra crossing */
    size_t n;
    struct scene_object objects[SCENE_OBJECTS];
};

/* Decides what the seed's scene holds. */
void scene_decide(uint64_t seed, struct scene *s);

/* Whether a scene has a picture of that size: false and *e beyond SCENE_MAX_SIDE, or where one side is more than
 * SCENE_MAX_ASPECT times the other. */
bool scene_size_check(int width, int height, struct error *e);

/* Paints it as a new picture of width x height pixels. False and *e where there is none of that size, or without memory. */
bool scene_paint(const struct scene *s, int width, int height, struct picture *out, struct error *e);

/* The picture at a path, or for a size such as "1024x720" the scene of that size of seed SCENE_SEED. False and *e. */
enum { SCENE_SEED = 1 };
bool scene_or_picture(const char *path_or_size, struct picture *out, struct error *e);

/* Where an object lies in such a picture: left, top, width, height in pixels, rounded outwards. */
void scene_box(const struct scene_object *o, int width, int height, int box[4]);

/* Words for a description: "car", "red", "near lane", "stop", "day". */
const char *scene_kind_name(enum scene_kind k);
const char *scene_colour_name(enum scene_colour c); /* NULL for SCENE_NO_COLOUR */
const char *scene_row_name(enum scene_row r);
const char *scene_sign_name(enum scene_sign s);
const char *scene_time_name(enum scene_time t);
const char *scene_place_name(const struct scene_object *o); /* "left", "middle", "right": the third that holds its middle */

#endif
