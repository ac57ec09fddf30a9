/* scene_people.c - people on foot and on bicycles, traffic lights and signs.
 * SPDX-License-Identifier: MIT */
#include "vision/scene_parts.h"

static const rgb_t skins[] = {0xf0c8a0, 0xd9a06c, 0x9a6540, 0x6a4028}, hairs[] = {0x2a211c, 0x6b4423, 0xc99a4a, 0x8a8a88},
                   trousers[] = {0x34495e, 0x5a4a3a, 0x3a3f46, 0x6a7a8a};

static struct paint cloth(enum scene_colour c)
{
    rgb_t rgb = scene_rgb(c);
    return gradient(shade(rgb, c == SCENE_BLACK ? 14 : 6), shade(rgb, -14));
}

static void paint_head(const struct pen *pen, int x, int y, int r, int who, enum scene_colour hat)
{
    rgb_t skin = skins[who & 3], hair = hairs[who >> 2 & 3];
    bool long_hair = who >> 4 & 1;
    draw_ellipse(pen, x - r / 6, y - r / 8, r * 108 / 100, r * 112 / 100, solid(hair));
    if (long_hair) draw_round_rect(pen, x - r * 125 / 100, y - r / 4, r * 130 / 100, r * 170 / 100, r / 2, solid(hair));
    draw_ellipse(pen, x + r / 10, y + r / 6, r * 84 / 100, r * 92 / 100, gradient(skin, shade(skin, -8)));
    draw_ellipse(pen, x + r * 45 / 100, y + r / 10, r / 9, r / 8, solid(0x1c1814)); /* looks where it heads */
    draw_ellipse(pen, x, y + r / 10, r / 9, r / 8, solid(0x1c1814));
    draw_line(pen, x + r / 8, y + r * 58 / 100, x + r * 48 / 100, y + r * 56 / 100, r / 9, solid(shade(skin, -45)));
    if (hat == SCENE_NO_COLOUR) return;
    struct path dome = {0};
    path_move(&dome, pen, x - r * 112 / 100, y - r * 30 / 100);
    path_curve(&dome, pen, x - r * 112 / 100, y - r * 150 / 100, x, y - r * 150 / 100);
    path_curve(&dome, pen, x + r * 112 / 100, y - r * 150 / 100, x + r * 112 / 100, y - r * 30 / 100);
    path_fill(&dome, pen, cloth(hat));
    draw_line(pen, x - r * 100 / 100, y - r * 32 / 100, x + r * 165 / 100, y - r * 30 / 100, r / 4,
              solid(shade(scene_rgb(hat), -18)));
}

static void paint_person(const struct pen *pen, const struct scene_object *o)
{
    int who = o->variant, stride = (who >> 5 & 3) * 26;
    bool skirt = who >> 7 & 1, bag = who >> 8 & 1;
    rgb_t skin = skins[who & 3], legs = trousers[who >> 9 & 3], shoe = who >> 11 & 1 ? 0x2a2422 : 0xe4e2dc;
    draw_ellipse(pen, 0, -6, 150, 34, glass(0, 70));
    draw_line(pen, -14, -390, -50 - stride, -40, 66, solid(skirt ? shade(skin, -12) : shade(legs, -16)));
    draw_line(pen, -56 - stride, -18, -10 - stride, -18, 40, solid(shade(shoe, -10)));
    draw_line(pen, -30, -620, -100 - stride / 2, -400, 54, solid(shade(scene_rgb(o->colour), -26)));
    draw_ellipse(pen, -102 - stride / 2, -388, 28, 28, solid(shade(skin, -8)));
    draw_line(pen, 14, -390, 46 + stride, -40, 68, solid(skirt ? skin : legs));
    draw_line(pen, 42 + stride, -18, 92 + stride, -18, 42, solid(shoe));
    if (skirt) {
        const int cut[] = {-84, -420, 84, -420, 130, -220, -130, -220};
        draw_polygon(pen, cut, 4, gradient(legs, shade(legs, -18)));
    }
    draw_round_rect(pen, -96, -664, 192, 300, 62, cloth(o->colour));
    draw_line(pen, 66, -610, 98 + stride / 2, -410, 56, cloth(o->colour));
    draw_line(pen, 66, -590, 96 + stride / 2, -420, 8, glass(0, 46));
    draw_ellipse(pen, 100 + stride / 2, -392, 30, 30, solid(skin));
    if (bag) {
        draw_line(pen, 100 + stride / 2, -390, 104 + stride / 2, -330, 14, solid(0x5a3a24));
        draw_round_rect(pen, 46 + stride / 2, -340, 116, 130, 22, gradient(0x9a6a40, 0x70482a));
    }
    draw_rect(pen, -26, -696, 52, 50, solid(shade(skin, -14)));
    paint_head(pen, 0, -735, 64, who, o->second);
}

/* ---- Bicycles ---- */

static void paint_bicycle_wheel(const struct pen *pen, int x)
{
    static const int spokes[][2] = {{100, 0}, {71, 71}, {0, 100}, {-71, 71}};
    for (int k = 0; k < 4; k++)
        draw_line(pen, x - spokes[k][0] * 2, -215 - spokes[k][1] * 2, x + spokes[k][0] * 2, -215 + spokes[k][1] * 2, 7,
                  solid(0xb8bcc0));
    draw_ring(pen, x, -215, 218, 186, solid(0x1d1d20));
    draw_ring(pen, x, -215, 188, 176, solid(0xc4c8cc));
    draw_ellipse(pen, x, -215, 26, 26, solid(0x6a6e74));
}

static void paint_bicycle(const struct pen *pen, const struct scene_object *o)
{
    rgb_t skin = skins[o->variant & 3], legs = trousers[o->variant >> 2 & 3];
    struct paint frame = solid(scene_rgb(o->colour));
    draw_ellipse(pen, 0, -6, 440, 36, glass(0, 80));
    draw_line(pen, -130, -575, 40, -390, 84, solid(shade(legs, -24))); /* the far leg */
    draw_line(pen, 40, -390, 20, -160, 66, solid(shade(legs, -24)));
    draw_line(pen, 6, -140, 76, -140, 40, solid(0x1c1c1e));
    paint_bicycle_wheel(pen, -285);
    paint_bicycle_wheel(pen, 285);
    static const int tubes[][4] = {{-285, -215, -30, -225}, {-30, -225, -135, -525}, {-135, -520, -285, -215},
                                   {-120, -480, 190, -500}, {-30, -225, 190, -480},  {175, -560, 285, -215}};
    for (int i = 0; i < 6; i++) draw_line(pen, tubes[i][0], tubes[i][1], tubes[i][2], tubes[i][3], 42, frame);
    draw_line(pen, 175, -560, 165, -610, 26, solid(0x2a2a2e));
    draw_line(pen, 160, -610, 240, -625, 30, solid(0x2a2a2e));
    draw_line(pen, -205, -545, -85, -545, 44, solid(0x2a2a2e));
    draw_ring(pen, -30, -225, 66, 46, solid(0x3a3a3e));
    draw_line(pen, -130, -590, 70, -420, 92, solid(legs));
    draw_line(pen, 70, -420, -40, -270, 70, solid(legs));
    draw_line(pen, -56, -250, 20, -250, 42, solid(0x26262a));
    draw_line(pen, -110, -620, 50, -770, 176, cloth(o->second));
    draw_line(pen, 60, -770, 150, -640, 62, solid(shade(scene_rgb(o->second), -16)));
    draw_line(pen, 150, -640, 220, -632, 46, solid(skin));
    paint_head(pen, 110, -878, 72, o->variant, SCENE_NO_COLOUR);
    struct path helmet = {0};
    path_move(&helmet, pen, 24, -895);
    path_curve(&helmet, pen, 24, -968, 116, -970);
    path_curve(&helmet, pen, 204, -966, 208, -895);
    path_fill(&helmet, pen, gradient(0x55585e, 0x2c2e32));
}

void paint_figure(const struct pen *pen, const struct scene_object *o)
{
    if (o->kind == SCENE_BICYCLE)
        paint_bicycle(pen, o);
    else
        paint_person(pen, o);
}

/* ---- Lights and signs ---- */

static void paint_light(const struct pen *pen, const struct scene_object *o)
{
    static const enum scene_colour lamps[] = {SCENE_RED, SCENE_YELLOW, SCENE_GREEN};
    static const rgb_t lit[] = {0xff3126, 0xffc826, 0x2be36a};
    draw_ellipse(pen, 0, -4, 110, 26, glass(0, 80));
    draw_round_rect(pen, -60, -60, 120, 60, 12, solid(0x3c4046));
    draw_rect(pen, -28, -1000, 56, 950, gradient(0x70757c, 0x4c5056));
    draw_round_rect(pen, -125, -1540, 250, 560, 50, solid(0xe8e6dc));
    draw_round_rect(pen, -110, -1525, 220, 530, 42, gradient(0x2c3036, 0x1b1d21));
    for (int i = 0; i < 3; i++) {
        int y = -1434 + i * 174;
        bool on = o->colour == lamps[i];
        draw_ellipse(pen, 0, y, 74, 74, solid(on ? lit[i] : shade(scene_rgb(lamps[i]), -76)));
        if (on) draw_ellipse(pen, -14, y - 18, 34, 28, glass(0xffffff, 110));
        draw_polygon(pen, (const int[]){-86, y - 66, 86, y - 66, 96, y - 50, -96, y - 50}, 4, solid(0x0e0f11)); /* its hood */
        for (int r = 190; on && r > 80; r -= 36) draw_ellipse(pen, 0, y, r, r, glass(lit[i], 16));
    }
}

/* Corners of an octagon of radius 100. */
static void octagon(const struct pen *pen, int y, int r, rgb_t c)
{
    static const int corners[][2] = {{92, -38}, {38, -92}, {-38, -92}, {-92, -38}, {-92, 38}, {-38, 92}, {38, 92}, {92, 38}};
    int xy[16];
    for (int i = 0; i < 8; i++) xy[2 * i] = corners[i][0] * r / 92, xy[2 * i + 1] = y + corners[i][1] * r / 92;
    draw_polygon(pen, xy, 8, solid(c));
}

static void paint_sign(const struct pen *pen, const struct scene_object *o)
{
    const int y = -1155, r = 175;
    const rgb_t red = 0xcf2027, white = 0xfafaf6, blue = 0x1e5fbf, yellow = 0xf9c81e, black = 0x161618;
    draw_ellipse(pen, 0, -4, 90, 24, glass(0, 80));
    draw_rect(pen, -20, -1010, 40, 1010, gradient(0xa3a7ac, 0x74787e));
    switch (o->sign) {
    case SCENE_STOP:
        octagon(pen, y, r, white);
        octagon(pen, y, r - 16, red);
        draw_text(pen, "STOP", 0, y, 92, solid(white));
        break;
    case SCENE_YIELD:
        draw_polygon(pen, (const int[]){-185, y - 140, 185, y - 140, 0, y + 175}, 3, solid(red));
        draw_polygon(pen, (const int[]){-112, y - 96, 112, y - 96, 0, y + 92}, 3, solid(white));
        break;
    case SCENE_SPEED_LIMIT:
        draw_ellipse(pen, 0, y, r, r, solid(red));
        draw_ellipse(pen, 0, y, r - 40, r - 40, solid(white));
        draw_text(pen, o->text, 0, y, 132, solid(black));
        break;
    case SCENE_NO_ENTRY:
        draw_ellipse(pen, 0, y, r, r, solid(white));
        draw_ellipse(pen, 0, y, r - 12, r - 12, solid(red));
        draw_rect(pen, -118, y - 32, 236, 64, solid(white));
        break;
    case SCENE_PARKING:
        draw_round_rect(pen, -165, y - 165, 330, 330, 36, solid(white));
        draw_round_rect(pen, -150, y - 150, 300, 300, 28, solid(blue));
        draw_text(pen, "P", 0, y, 196, solid(white));
        break;
    default: /* priority */
        draw_polygon(pen, (const int[]){0, y - 180, 180, y, 0, y + 180, -180, y}, 4, solid(white));
        draw_polygon(pen, (const int[]){0, y - 124, 124, y, 0, y + 124, -124, y}, 4, solid(yellow));
        break;
    }
}

void paint_post(const struct pen *pen, const struct scene_object *o)
{
    if (o->kind == SCENE_LIGHT)
        paint_light(pen, o);
    else
        paint_sign(pen, o);
}
