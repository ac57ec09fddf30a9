/* scene_vehicles.c - cars and buses, seen from the side.
 * SPDX-License-Identifier: MIT */
#include "vision/scene_parts.h"

static void paint_shadow(const struct pen *pen, int from, int to)
{
    draw_ellipse(pen, (from + to) / 2, -8, (to - from) / 2 + 60, 70, glass(0, 60));
    draw_ellipse(pen, (from + to) / 2, -8, (to - from) / 2, 46, glass(0, 80));
}

static void paint_wheel(const struct pen *pen, int x, int r)
{
    draw_ellipse(pen, x, -r, r, r, solid(0x1b1b1e));
    draw_ellipse(pen, x, -r, r * 66 / 100, r * 66 / 100, gradient(0xd4d7da, 0x8f9398));
    draw_ellipse(pen, x, -r, r * 54 / 100, r * 54 / 100, solid(0x55595f));
    for (int k = 0; k < 5; k++) { /* five spokes */
        static const int spokes[][2] = {{0, -100}, {95, -31}, {59, 81}, {-59, 81}, {-95, -31}};
        draw_line(pen, x, -r, x + spokes[k][0] * r * 52 / 10000, -r + spokes[k][1] * r * 52 / 10000, r / 6, solid(0xc4c8cc));
    }
    draw_ellipse(pen, x, -r, r / 6, r / 6, solid(0xe6e8ea));
}

/* A paint's own light and shade; black and white need more help than the rest. */
static struct paint body_paint(enum scene_colour c)
{
    rgb_t rgb = scene_rgb(c);
    return c == SCENE_BLACK   ? gradient(0x4a4a50, 0x1c1c1f)
           : c == SCENE_WHITE ? gradient(0xffffff, 0xcfd0cc)
                              : gradient(shade(rgb, 14), shade(rgb, -16));
}

static void paint_beam(const struct pen *pen, int x, int y)
{
    const int beam[] = {x, y - 26, x + 900, y - 60, x + 900, y + 330, x, y + 26};
    draw_polygon(pen, beam, 4, glass(0xfff3c0, 30));
    for (int r = 150; r > 40; r -= 36) draw_ellipse(pen, x, y, r, r, glass(0xfff3c0, 34));
}

/* ---- Cars: a notchback, a hatchback, a tall wagon ---- */

static void car_outline(struct path *p, const struct pen *pen, int variant)
{
    path_move(p, pen, -930, -160);
    path_line(p, pen, -950, -330);
    switch (variant) {
    case 0:
        path_curve(p, pen, -945, -455, -840, -462);
        path_line(p, pen, -650, -478);
        path_curve(p, pen, -500, -690, -300, -700);
        path_line(p, pen, 110, -700);
        path_curve(p, pen, 310, -690, 520, -478);
        break;
    case 1:
        path_curve(p, pen, -950, -500, -890, -560);
        path_curve(p, pen, -830, -690, -680, -700);
        path_line(p, pen, 90, -700);
        path_curve(p, pen, 330, -685, 540, -470);
        break;
    default:
        path_line(p, pen, -935, -640);
        path_curve(p, pen, -925, -712, -850, -715);
        path_line(p, pen, 250, -715);
        path_curve(p, pen, 380, -705, 520, -490);
        break;
    }
    path_curve(p, pen, 820, -455, 900, -390);
    path_curve(p, pen, 955, -340, 945, -230);
    path_line(p, pen, 935, -160);
}

static void car_windows(const struct pen *pen, int variant)
{
    const struct paint pane = gradient(0x3d5266, 0x7793a6);
    static const int rear[3][8] = {{-575, -482, -430, -640, -130, -648, -130, -482},
                                   {-800, -490, -740, -640, -400, -648, -400, -482},
                                   {-850, -500, -850, -655, -460, -655, -460, -490}};
    struct path p = {0};
    path_move(&p, pen, -70, -482);
    path_line(&p, pen, -70, -650);
    path_line(&p, pen, variant == 2 ? 240 : 105, -650);
    path_curve(&p, pen, variant == 2 ? 330 : 260, -630, variant == 2 ? 415 : 410, -482);
    path_fill(&p, pen, pane);
    draw_polygon(pen, rear[variant], 4, pane);
    if (variant == 1) draw_rect(pen, -350, -648, 230, 166, pane);
    if (variant == 2) draw_rect(pen, -410, -655, 290, 170, pane);
    const int shine[] = {-20, -482, 60, -650, 105, -650, 40, -482};
    draw_polygon(pen, shine, 4, glass(0xffffff, 50));
}

static void paint_car(const struct pen *pen, const struct scene_object *o, bool dark)
{
    enum { WHEEL = 152, AXLE = 570 };
    struct path p = {0};
    paint_shadow(pen, -900, 900);
    if (dark) paint_beam(pen, 930, -350);
    car_outline(&p, pen, o->variant);
    path_fill(&p, pen, body_paint(o->colour));
    car_windows(pen, o->variant);
    draw_rect(pen, -930, -205, 1866, 50, glass(0x141416, 210)); /* sill and bumpers */
    draw_rect(pen, -900, -438, 1700, 12, glass(0xffffff, 60));  /* a crease that catches the light */
    draw_rect(pen, -104, -640, 10, 450, glass(0, 90));          /* doors */
    draw_rect(pen, 420, -470, 10, 230, glass(0, 80));
    draw_round_rect(pen, -250, -405, 96, 22, 10, glass(0, 120));
    draw_round_rect(pen, 395, -520, 80, 52, 22, body_paint(o->colour)); /* mirror */
    for (int side = -1; side <= 1; side += 2) {
        draw_ellipse(pen, side * AXLE, -WHEEL, WHEEL + 36, WHEEL + 36, solid(0x18181a));
        paint_wheel(pen, side * AXLE, WHEEL);
    }
    draw_ellipse(pen, 890, -348, 52, 40, solid(dark ? 0xfffbe0 : 0xf3f1df));
    draw_round_rect(pen, -952, -400, 62, 92, 20, solid(dark ? 0xff4a3a : 0xb3221c));
    if (*o->text) { /* a cab's number on its door */
        draw_round_rect(pen, -112, -412, 326, 178, 26, solid(0x202024));
        draw_round_rect(pen, -100, -400, 302, 154, 20, solid(0xfdfdf8));
        draw_text(pen, o->text, 51, -323, 112, solid(0x141418));
    }
}

/* ---- Buses ---- */

static void paint_passenger(const struct pen *pen, int x, int y, int who)
{
    static const rgb_t skins[] = {0xe8bd98, 0x8a5a3c, 0xc98f66, 0xf0cfae}, shirts[] = {0x4b6a9a, 0x9a4b4b, 0x5b8a5b, 0x8a7a4b};
    draw_round_rect(pen, x - 78, y + 60, 156, 130, 50, solid(shirts[who >> 2 & 3]));
    draw_ellipse(pen, x, y, 56, 66, solid(skins[who & 3]));
    draw_ellipse(pen, x - 4, y - 38, 58, 36, solid(who & 1 ? 0x2a2220 : 0x6a4a2c));
}

static void paint_bus(const struct pen *pen, const struct scene_object *o, bool dark)
{
    const struct paint pane = dark ? gradient(0xffeec0, 0xe8c27a) : gradient(0x3a5064, 0x8aa5b6);
    rgb_t rgb = scene_rgb(o->colour);
    paint_shadow(pen, -1700, 1720);
    if (dark) paint_beam(pen, 1740, -330);
    draw_round_rect(pen, -1750, -1320, 3500, 1170, 120, body_paint(o->colour));
    draw_round_rect(pen, -1300, -1345, 700, 50, 20, solid(shade(rgb, -30)));
    draw_round_rect(pen, 200, -1345, 500, 50, 20, solid(shade(rgb, -30)));
    draw_rect(pen, -1750, -1270, 3500, 14, glass(0xffffff, 70));
    draw_round_rect(pen, -1690, -1160, 3440, 500, 60, solid(0x1e2328)); /* the band of windows */
    for (int i = 0; i < 7; i++) {
        int x = -1660 + i * 430 + (i > 3 ? 20 : 0);
        if (i == 3 || i == 6) continue; /* doors */
        draw_round_rect(pen, x, -1130, 396, 440, 34, pane);
        if (o->variant >> i & 1) paint_passenger(pen, x + 190, -890, o->variant + i * 5);
        const int shine[] = {x + 60, -690, x + 190, -1130, x + 260, -1130, x + 130, -690};
        draw_polygon(pen, shine, 4, glass(0xffffff, 36));
    }
    for (int i = 0; i < 2; i++) {
        int x = i ? 1000 : -370;
        draw_round_rect(pen, x, -1150, 380, 950, 30, solid(0x1e2328));
        draw_rect(pen, x + 24, -1120, 156, 890, pane);
        draw_rect(pen, x + 200, -1120, 156, 890, pane);
        draw_rect(pen, x + 150, -760, 20, 220, solid(0xf0c93c));
        draw_rect(pen, x + 210, -760, 20, 220, solid(0xf0c93c));
    }
    struct path screen = {0};
    path_move(&screen, pen, 1450, -1140);
    path_line(&screen, pen, 1700, -1140);
    path_curve(&screen, pen, 1752, -1120, 1752, -1000);
    path_line(&screen, pen, 1752, -640);
    path_line(&screen, pen, 1450, -640);
    path_fill(&screen, pen, pane);
    draw_rect(pen, -1750, -470, 1370, 66, solid(shade(rgb, o->colour == SCENE_WHITE ? -35 : 72)));
    draw_rect(pen, 20, -470, 970, 66, solid(shade(rgb, o->colour == SCENE_WHITE ? -35 : 72)));
    draw_rect(pen, -1740, -230, 3480, 80, glass(0x101012, 220));
    for (int i = 0; i < 2; i++) {
        int x = i ? 740 : -1080;
        draw_ellipse(pen, x, -190, 240, 235, solid(0x18181a));
        paint_wheel(pen, x, 200);
    }
    draw_round_rect(pen, 1690, -370, 62, 80, 24, solid(dark ? 0xfffbe0 : 0xf3f1df));
    draw_round_rect(pen, -1752, -420, 44, 120, 16, solid(dark ? 0xff4a3a : 0xb3221c));
    draw_round_rect(pen, 420, -1312, 420, 236, 30, solid(0x0c0c0e)); /* the line, in lamps */
    draw_text(pen, o->text, 630, -1194, 168, solid(0xffb52e));
}

void paint_vehicle(const struct pen *pen, const struct scene_object *o, bool dark)
{
    if (o->kind == SCENE_BUS)
        paint_bus(pen, o, dark);
    else
        paint_car(pen, o, dark);
}
