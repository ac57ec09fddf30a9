/* SPDX-License-Identifier: MIT */
#include "vision/scene.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "vision/scene_parts.h"

/* ---- Lots ---- */

int lot_below(struct lot *l, int n)
{
    return (int)((random_next(&l->state) >> 32) % (uint64_t)n);
}

int lot_range(struct lot *l, int from, int to)
{
    return from + lot_below(l, to - from + 1);
}

/* ---- What there is ---- */

static const struct {
    const char *name;
    int width, height; /* in the object's own units */
} kinds[] = {{"car", 1920, 720},   {"bus", 3540, 1350},          {"bicycle", 1000, 970},
             {"person", 340, 840}, {"traffic light", 250, 1540}, {"sign", 360, 1330}};

static const struct {
    const char *name;
    rgb_t rgb;
} colours[SCENE_COLOURS] = {
    [SCENE_NO_COLOUR] = {NULL, 0x808080},  [SCENE_RED] = {"red", 0xd22f2f},     [SCENE_ORANGE] = {"orange", 0xf57f17},
    [SCENE_YELLOW] = {"yellow", 0xfbd02d}, [SCENE_GREEN] = {"green", 0x2e9b4f}, [SCENE_BLUE] = {"blue", 0x1e63c6},
    [SCENE_PURPLE] = {"purple", 0x7e3fb2}, [SCENE_PINK] = {"pink", 0xf07fb0},   [SCENE_WHITE] = {"white", 0xf4f4f0},
    [SCENE_BLACK] = {"black", 0x2b2b2e},
};

static const struct {
    const char *name;
    enum scene_colour colour;
} signs[SCENE_SIGNS] = {
    {"stop", SCENE_RED},     {"yield", SCENE_RED},    {"speed limit", SCENE_RED},
    {"no entry", SCENE_RED}, {"parking", SCENE_BLUE}, {"priority", SCENE_YELLOW},
};

static const char *const rows[SCENE_ROWS] = {"far pavement", "far lane", "middle lane",
                                             "near lane",    "crossing", "near pavement"};
static const char *const times[SCENE_TIMES] = {"day", "evening", "night"};

const char *scene_kind_name(enum scene_kind k)
{
    return kinds[k].name;
}
const char *scene_colour_name(enum scene_colour c)
{
    return colours[c].name;
}
const char *scene_row_name(enum scene_row r)
{
    return rows[r];
}
const char *scene_sign_name(enum scene_sign s)
{
    return signs[s].name;
}
const char *scene_time_name(enum scene_time t)
{
    return times[t];
}

const char *scene_place_name(const struct scene_object *o)
{
    return o->x < SCENE_WIDTH / 3 ? "left" : o->x < SCENE_WIDTH * 2 / 3 ? "middle" : "right";
}

rgb_t scene_rgb(enum scene_colour c)
{
    return colours[c].rgb;
}

int scene_scale(int ground)
{
    return 532 + (ground - 3700) * 696 / 3350;
}

/* ---- Deciding ---- */

enum { MARGIN = 40, TRIES = 40 };

static int ground_of(struct lot *l, enum scene_row row, bool post)
{
    switch (row) {
    case SCENE_FAR_PAVEMENT: return post ? 3740 : lot_range(l, 3560, 3720);
    case SCENE_FAR_LANE: return 4330;
    case SCENE_MIDDLE_LANE: return 5090;
    case SCENE_NEAR_LANE: return 6020;
    case SCENE_CROSSING: return lot_range(l, 4300, 6000);
    default: return post ? 6330 : lot_range(l, 6820, 7120);
    }
}

static void set_box(struct scene_object *o)
{
    int w = kinds[o->kind].width * o->scale / PEN_ONE, h = kinds[o->kind].height * o->scale / PEN_ONE;
    o->box[0] = o->x - w / 2;
    o->box[1] = o->ground - h;
    o->box[2] = w;
    o->box[3] = h;
}

static bool apart(int a, int a_size, int b, int b_size)
{
    return a + a_size + MARGIN <= b || b + b_size + MARGIN <= a;
}

static bool is_vehicle(const struct scene_object *o)
{
    return o->row == SCENE_FAR_LANE || o->row == SCENE_MIDDLE_LANE || o->row == SCENE_NEAR_LANE;
}

/* Whole, in front of and behind nothing, and no vehicle on the zebra. */
static bool fits(const struct scene *s, const struct scene_object *o)
{
    const int *b = o->box;
    if (b[0] < MARGIN || b[0] + b[2] > SCENE_WIDTH - MARGIN || b[1] < 0 || b[1] + b[3] > SCENE_HEIGHT) return false;
    if (is_vehicle(o) && !apart(b[0], b[2], s->crossing - CROSSING_HALF - 200, 2 * CROSSING_HALF + 400)) return false;
    for (size_t i = 0; i < s->n; i++) {
        const int *c = s->objects[i].box;
        if (!apart(b[0], b[2], c[0], c[2]) && !apart(b[1], b[3], c[1], c[3])) return false;
    }
    return true;
}

/* Puts the object into one of the rows from `first` to `last` where it fits, x drawn from [from, to]; leaves it out where it
 * does not after so many tries. */
static bool place(struct scene *s, struct lot *l, struct scene_object o, enum scene_row first, enum scene_row last, int from,
                  int to)
{
    bool post = o.kind == SCENE_LIGHT || o.kind == SCENE_SIGN;
    for (int i = 0; s->n < SCENE_OBJECTS && i < TRIES; i++) {
        o.row = (enum scene_row)lot_range(l, (int)first, (int)last);
        o.ground = ground_of(l, o.row, post);
        o.scale = scene_scale(o.ground);
        o.x = lot_range(l, from, to);
        if (is_vehicle(&o)) o.left = o.row == SCENE_FAR_LANE;
        set_box(&o);
        if (!fits(s, &o)) continue;
        s->objects[s->n++] = o;
        return true;
    }
    return false;
}

static enum scene_colour one_of(struct lot *l, const char *colours_of)
{
    return (enum scene_colour)(colours_of[lot_below(l, (int)strlen(colours_of))] - 'a');
}

/* Colours that each kind may have, as letters from 'a' for SCENE_NO_COLOUR on. */
static const char car_colours[] = "bcdefgij", bus_colours[] = "bdefc", cycle_colours[] = "bcdefg",
                  shirt_colours[] = "bcdefghij", hat_colours[] = "aaabdefi", rider_colours[] = "bcdefhi";

static void place_posts(struct scene *s, struct lot *l)
{
    struct scene_object o = {.kind = SCENE_LIGHT, .colour = one_of(l, "bbdee")};
    if (lot_below(l, 4)) { /* one light each side of the street, both of the same phase */
        int x = s->crossing - CROSSING_HALF - 330;
        place(s, l, o, SCENE_NEAR_PAVEMENT, SCENE_NEAR_PAVEMENT, x, x);
        x = s->crossing + CROSSING_HALF;
        o.left = true;
        place(s, l, o, SCENE_FAR_PAVEMENT, SCENE_FAR_PAVEMENT, x, x);
    }
    for (int n = lot_range(l, 1, 3); n > 0; n--) {
        static const char *const limits[] = {"20", "30", "40", "50", "60", "80"};
        struct scene_object sign = {.kind = SCENE_SIGN, .sign = (enum scene_sign)lot_below(l, SCENE_SIGNS)};
        sign.colour = signs[sign.sign].colour;
        if (sign.sign == SCENE_SPEED_LIMIT) snprintf(sign.text, sizeof sign.text, "%s", limits[lot_below(l, 6)]);
        enum scene_row row = lot_below(l, 3) ? SCENE_FAR_PAVEMENT : SCENE_NEAR_PAVEMENT;
        place(s, l, sign, row, row, 300, SCENE_WIDTH - 300);
    }
}

static void place_traffic(struct scene *s, struct lot *l)
{
    static const char buses[] = {0, 1, 1, 1, 2}, cycles[] = {0, 1, 1, 2, 3};
    for (int n = buses[lot_below(l, sizeof buses)]; n > 0; n--) {
        struct scene_object o = {.kind = SCENE_BUS, .colour = one_of(l, bus_colours), .variant = lot_below(l, 64)};
        snprintf(o.text, sizeof o.text, "%d", lot_range(l, 1, 99));
        place(s, l, o, SCENE_FAR_LANE, SCENE_NEAR_LANE, 0, SCENE_WIDTH);
    }
    for (int n = lot_range(l, 1, 5); n > 0; n--) {
        struct scene_object o = {.kind = SCENE_CAR, .colour = one_of(l, car_colours), .variant = lot_below(l, 3)};
        if (lot_below(l, 3)) snprintf(o.text, sizeof o.text, "%d", lot_range(l, 100, 999));
        place(s, l, o, SCENE_FAR_LANE, SCENE_NEAR_LANE, 0, SCENE_WIDTH);
    }
    for (int n = cycles[lot_below(l, sizeof cycles)]; n > 0; n--) {
        struct scene_object o = {.kind = SCENE_BICYCLE,
                                 .colour = one_of(l, cycle_colours),
                                 .second = one_of(l, rider_colours),
                                 .variant = lot_below(l, 64)};
        place(s, l, o, SCENE_FAR_LANE, SCENE_NEAR_LANE, 0, SCENE_WIDTH);
    }
}

static void place_people(struct scene *s, struct lot *l)
{
    for (int n = lot_range(l, 1, 7); n > 0; n--) {
        struct scene_object o = {.kind = SCENE_PERSON,
                                 .colour = one_of(l, shirt_colours),
                                 .second = one_of(l, hat_colours),
                                 .variant = lot_below(l, 4096),
                                 .left = lot_below(l, 2)};
        enum scene_row row = (const enum scene_row[]){SCENE_FAR_PAVEMENT, SCENE_FAR_PAVEMENT, SCENE_CROSSING,
                                                      SCENE_NEAR_PAVEMENT}[lot_below(l, 4)];
        int half = row == SCENE_CROSSING ? CROSSING_HALF - 200 : SCENE_WIDTH, from = s->crossing - half,
            to = s->crossing + half;
        place(s, l, o, row, row, from < 0 ? 0 : from, to > SCENE_WIDTH ? SCENE_WIDTH : to);
    }
}

void scene_decide(uint64_t seed, struct scene *s)
{
    struct lot l = {seed};
    *s = (struct scene){.seed = seed};
    static const enum scene_time when[] = {SCENE_DAY, SCENE_DAY, SCENE_DAY, SCENE_EVENING, SCENE_NIGHT};
    s->time = when[lot_below(&l, 5)];
    s->crossing = lot_range(&l, 2400, 7800);
    place_posts(s, &l);
    place_traffic(s, &l);
    place_people(s, &l);
}

/* ---- Painting ---- */

static void paint_object(struct canvas *c, const struct scene *s, const struct scene_object *o)
{
    struct pen pen = {c, o->x, o->ground, o->scale, o->left};
    switch (o->kind) {
    case SCENE_CAR:
    case SCENE_BUS: paint_vehicle(&pen, o, s->time != SCENE_DAY); break;
    case SCENE_BICYCLE:
    case SCENE_PERSON: paint_figure(&pen, o); break;
    case SCENE_LIGHT:
    case SCENE_SIGN: paint_post(&pen, o); break;
    }
}

static int64_t at_least(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

bool scene_size_check(int width, int height, struct error *e)
{
    if (width < 1 || height < 1 || width > SCENE_MAX_SIDE || height > SCENE_MAX_SIDE)
        return fail(e, "size: found %dx%d, expected sides of 1 to %d", width, height, SCENE_MAX_SIDE);
    if (width > height * SCENE_MAX_ASPECT || height > width * SCENE_MAX_ASPECT)
        return fail(e, "size: found %dx%d, expected no side above %d times the other", width, height, SCENE_MAX_ASPECT);
    return true;
}

bool scene_paint(const struct scene *s, int width, int height, struct picture *out, struct error *e)
{
    struct canvas c;
    *out = (struct picture){0};
    if (!scene_size_check(width, height, e) || !picture_new(out, width, height, e)) return false;
    if (!canvas_begin(&c, out, SCENE_WIDTH, SCENE_HEIGHT, e)) {
        picture_free(out);
        return false;
    }
    /* What lies beside the scene in a picture of another aspect. */
    int wide = (int)at_least(width * c.den, c.num), high = (int)at_least(height * c.den, c.num);
    int left = wide > SCENE_WIDTH ? (wide - SCENE_WIDTH) / 2 + 2 : 0,
        top = high > SCENE_HEIGHT ? (high - SCENE_HEIGHT) / 2 + 2 : 0;
    paint_street(&c, s, -left - 2, SCENE_WIDTH + left + 2, -top - 2, SCENE_HEIGHT + top + 2);
    /* Farther things first; what stands nearer comes lower. */
    for (int ground = 0; ground <= SCENE_HEIGHT; ground++)
        for (size_t i = 0; i < s->n; i++)
            if (s->objects[i].ground == ground) paint_object(&c, s, &s->objects[i]);
    canvas_end(&c);
    return true;
}

bool scene_or_picture(const char *path_or_size, struct picture *out, struct error *e)
{
    struct scene s;
    int width, height;
    if (!picture_parse_size(path_or_size, &width, &height)) return picture_read(path_or_size, out, e);
    scene_decide(SCENE_SEED, &s);
    return scene_paint(&s, width, height, out, e);
}

void scene_box(const struct scene_object *o, int width, int height, int box[4])
{
    int64_t num = width, den = SCENE_WIDTH;
    if ((int64_t)height * SCENE_WIDTH < (int64_t)width * SCENE_HEIGHT) num = height, den = SCENE_HEIGHT;
    int64_t shift[2] = {width * den - SCENE_WIDTH * num, height * den - SCENE_HEIGHT * num}; /* twice the bars, times den */
    for (int i = 0; i < 2; i++) {
        int64_t from = floor_div(2 * o->box[i] * num + shift[i], 2 * den);
        int64_t to = at_least(2 * (int64_t)(o->box[i] + o->box[i + 2]) * num + shift[i], 2 * den);
        box[i] = (int)from;
        box[i + 2] = (int)(to - from);
    }
}
