/* scene_street.c - what stands behind the traffic: sky, town, houses, pavements, the road.
 *
 * All that repeats along the street comes in slots, each drawn by a lot of its own from the seed and the slot's number: however
 * far a wide picture reaches to the sides, the middle stays the same.
 * SPDX-License-Identifier: MIT */
#include "base/random.h"
#include "vision/scene_parts.h"

static const struct sky {
    rgb_t high, low, cloud, hill, skyline, shadow; /* shadow lies over the street; `dusk` of 256 parts of it */
    int dusk;
} skies[SCENE_TIMES] = {
    {0x4f9fe0, 0xd6ecf7, 0xffffff, 0x9cc3b4, 0xb4cfdf, 0x000000, 0},
    {0x3d4c8f, 0xf9b67e, 0xf3c6b4, 0x7d7594, 0xa98ba2, 0x3a1f4a, 52},
    {0x070d26, 0x2c3d70, 0x26325c, 0x1b2748, 0x1f2c52, 0x060a24, 138},
};

static struct lot slot_lot(const struct scene *s, int slot, int layer)
{
    struct lot l = {s->seed * 0x100000001b3 + (uint64_t)(slot + 4096) * 16 + (uint64_t)layer};
    l.state = random_next(&l.state);
    return l;
}

/* The colour as the time of day leaves it. */
static rgb_t lit_by(const struct scene *s, rgb_t c)
{
    return mix(c, skies[s->time].shadow, skies[s->time].dusk * 80 / 256);
}

static int first_slot(int left, int pitch)
{
    return left >= 0 ? left / pitch : -((-left + pitch - 1) / pitch);
}

/* ---- Sky and town ---- */

static void paint_sky(const struct pen *pen, const struct scene *s, int left, int right, int top)
{
    const struct sky *sky = &skies[s->time];
    struct lot l = slot_lot(s, 0, 1);
    if (top < 0) draw_rect(pen, left, top, right - left, -top + 4, solid(sky->high));
    draw_rect(pen, left, 0, right - left, STREET_FAR_WALL, gradient(sky->high, sky->low));
    int x = lot_range(&l, 900, 9300), y = s->time == SCENE_EVENING ? lot_range(&l, 1500, 2000) : lot_range(&l, 380, 800);
    static const rgb_t discs[SCENE_TIMES] = {0xfff3b0, 0xffd98a, 0xf3f0dc};
    for (int i = 0; i < 5; i++)
        draw_ellipse(pen, x, y, 620 - i * 70, 620 - i * 70, glass(discs[s->time], s->time == SCENE_NIGHT ? 5 : 16));
    draw_ellipse(pen, x, y, 250, 250, solid(discs[s->time]));
    if (s->time == SCENE_NIGHT) {
        draw_ellipse(pen, x - 70, y - 60, 44, 44, solid(0xdcd8c0));
        draw_ellipse(pen, x + 60, y + 80, 60, 60, solid(0xdcd8c0));
        draw_ellipse(pen, x + 90, y - 90, 30, 30, solid(0xdcd8c0));
    }
    for (int slot = first_slot(left, 640); s->time == SCENE_NIGHT && slot * 640 < right; slot++) {
        struct lot stars = slot_lot(s, slot, 2);
        for (int i = 0; i < 5; i++) {
            int r = lot_range(&stars, 6, 14), sx = slot * 640 + lot_below(&stars, 640), sy = lot_below(&stars, 1900);
            draw_ellipse(pen, sx, sy, r, r, glass(0xffffff, 200 - sy / 16));
        }
    }
    for (int slot = first_slot(left, 2600); slot * 2600 < right; slot++) {
        struct lot cloud = slot_lot(s, slot, 3);
        int cx = slot * 2600 + lot_below(&cloud, 1800), cy = lot_range(&cloud, 250, 1150), size = lot_range(&cloud, 70, 130);
        if (!lot_below(&cloud, 4)) continue;
        rgb_t lit = mix(sky->low, sky->cloud, 75), base = mix(sky->low, sky->cloud, 40);
        static const int16_t puffs[][3] = {{-430, 30, 170}, {-210, -60, 230}, {60, -130, 280}, {320, -20, 210}, {500, 50, 130}};
        for (int i = 0; i < 5; i++)
            draw_ellipse(pen, cx + puffs[i][0] * size / 100, cy + puffs[i][1] * size / 100, puffs[i][2] * size / 100,
                         puffs[i][2] * size * 2 / 300, gradient(lit, base));
        draw_round_rect(pen, cx - 580 * size / 100, cy + 20 * size / 100, 1200 * size / 100, 130 * size / 100, 60 * size / 100,
                        solid(base));
    }
}

static void paint_town(const struct pen *pen, const struct scene *s, int left, int right)
{
    const struct sky *sky = &skies[s->time];
    for (int slot = first_slot(left, 430); slot * 430 < right; slot++) { /* a skyline far away */
        struct lot l = slot_lot(s, slot, 4);
        int h = lot_range(&l, 900, 1900), w = lot_range(&l, 260, 430), x = slot * 430;
        rgb_t wall = mix(sky->skyline, sky->low, lot_range(&l, 10, 45));
        draw_rect(pen, x, STREET_FAR_WALL - h, w, h, gradient(wall, mix(wall, sky->low, 40)));
        if (!lot_below(&l, 3)) draw_rect(pen, x + w / 2 - 8, STREET_FAR_WALL - h - 170, 16, 170, solid(wall));
        for (int wy = STREET_FAR_WALL - h + 80; wy < STREET_FAR_WALL - 500; wy += 110)
            for (int wx = x + 40; wx + 60 < x + w; wx += 90) {
                bool lit = s->time != SCENE_DAY && !lot_below(&l, s->time == SCENE_NIGHT ? 3 : 5);
                draw_rect(pen, wx, wy, 42, 56, solid(lit ? 0xe8c878 : shade(wall, -7)));
            }
    }
    for (int slot = first_slot(left, 1700); slot * 1700 < right; slot++) { /* trees behind the houses */
        struct lot l = slot_lot(s, slot, 5);
        for (int i = 0; i < 4; i++) {
            int r = lot_range(&l, 380, 700), x = slot * 1700 + i * 440 + lot_below(&l, 200);
            draw_ellipse(pen, x, STREET_FAR_WALL - 150, r, r * 6 / 5, gradient(shade(sky->hill, 8), shade(sky->hill, -18)));
        }
    }
}

/* ---- Houses ---- */

static void paint_window(const struct pen *pen, int x, int y, int w, int h, rgb_t frame, bool lit)
{
    draw_rect(pen, x - 16, y - 16, w + 32, h + 32, solid(frame));
    draw_rect(pen, x, y, w, h, lit ? gradient(0xffe9a8, 0xf6c25c) : gradient(0x7fa3bd, 0x405a70));
    if (!lit) {
        const int shine[] = {(x + w / 6), (y + h), (x + w * 2 / 3), y, (x + w), y, (x + w / 2), (y + h)};
        draw_polygon(pen, shine, 4, glass(0xffffff, 38));
    }
    draw_rect(pen, x + w / 2 - 7, y, 14, h, solid(frame));
    draw_rect(pen, x, y + h / 2 - 7, w, 14, solid(frame));
    draw_rect(pen, x - 30, y + h + 14, w + 60, 22, solid(shade(frame, -18)));
}

static void paint_shop(const struct pen *pen, int x, int w, rgb_t colour, bool lit)
{
    const int base = STREET_FAR_WALL, h = 560;
    draw_rect(pen, x + 60, base - h + 120, w - 120, h - 120, solid(0x3a3f46));
    draw_rect(pen, x + 90, base - h + 150, (w - 180) * 2 / 3, h - 260,
              lit ? gradient(0xfff0c0, 0xf3c872) : gradient(0xa9c4d6, 0x5f7c92));
    draw_rect(pen, x + w - 90 - (w - 180) / 4, base - h + 170, (w - 180) / 4, h - 170,
              lit ? gradient(0xffe9b0, 0xe2b45c) : gradient(0x90adc0, 0x4c667a));
    draw_rect(pen, x + 70, base - 70, w - 140, 70, solid(shade(colour, -45)));
    int n = 10, left = x + 30, wide = w - 60;
    for (int i = 0; i < n; i++) { /* an awning of stripes with round ends */
        struct path p = {0};
        int a = left + wide * i / n, b = left + wide * (i + 1) / n, spread = 24;
        path_move(&p, pen, a + spread - spread * 2 * i / n, base - h);
        path_line(&p, pen, b + spread - spread * 2 * (i + 1) / n, base - h);
        path_line(&p, pen, b, base - h + 170);
        path_curve(&p, pen, (a + b) / 2, base - h + 240, a, base - h + 170);
        path_fill(&p, pen, i % 2 ? gradient(0xfafaf6, 0xdcdcd4) : gradient(colour, shade(colour, -22)));
    }
}

static void paint_house(const struct pen *pen, const struct scene *s, int slot, int pitch)
{
    static const rgb_t walls[] = {0xe9d3b4, 0xd9a38a, 0xc9d4d8, 0xe6c27a, 0xb7c9a8,
                                  0xd8b9c4, 0xa9b9cf, 0xefe6d6, 0xb9796a, 0xc7b8a0};
    static const rgb_t roofs[] = {0x8d4a3a, 0x5a5560, 0x70453a, 0x47525c, 0x9b5b3c};
    static const rgb_t doors[] = {0x7a2f2a, 0x2f5a4a, 0x2d4a78, 0x5b4030, 0x3a3a40};
    static const rgb_t awnings[] = {0xc23b3b, 0x2f7d5a, 0x2f5fa0, 0xd08a2a};
    struct lot l = slot_lot(s, slot, 6);
    int floors = lot_range(&l, 2, 4), columns = lot_range(&l, 3, 4), w = pitch - lot_below(&l, 2) * lot_range(&l, 60, 160);
    int floor_h = lot_range(&l, 460, 540), h = floors * floor_h + 90, x = slot * pitch, base = STREET_FAR_WALL,
        roof = lot_below(&l, 3);
    rgb_t wall = lit_by(s, walls[lot_below(&l, 10)]), tile = lit_by(s, roofs[lot_below(&l, 5)]),
          door = lit_by(s, doors[lot_below(&l, 5)]);
    rgb_t frame = lit_by(s, lot_below(&l, 3) ? 0xf5f3ec : 0x4a3b32), awning = lit_by(s, awnings[lot_below(&l, 4)]);
    bool shop = !lot_below(&l, 3), dark = s->time != SCENE_DAY;
    if (!lot_below(&l, 2)) {
        int cx = x + w * lot_range(&l, 20, 70) / 100;
        draw_rect(pen, cx, base - h - 420, 120, 460, gradient(shade(tile, -5), shade(tile, -25)));
        draw_rect(pen, cx - 18, base - h - 440, 156, 46, solid(shade(tile, -35)));
    }
    if (roof == 0) {
        const int gable[] = {(x - 50), (base - h + 10), (x + w / 2), (base - h - 480), (x + w + 50), (base - h + 10)};
        draw_polygon(pen, gable, 3, gradient(shade(tile, 10), shade(tile, -10)));
        draw_ellipse(pen, x + w / 2, base - h - 170, 84, 84, solid(frame));
        draw_ellipse(pen, x + w / 2, base - h - 170, 64, 64, dark ? solid(0xf8d88a) : gradient(0x7fa3bd, 0x405a70));
    } else if (roof == 1) {
        const int hip[] = {(x - 50),      (base - h + 10),  (x + 150),    (base - h - 300),
                           (x + w - 150), (base - h - 300), (x + w + 50), (base - h + 10)};
        draw_polygon(pen, hip, 4, gradient(shade(tile, 12), shade(tile, -8)));
        for (int i = 1; i < 4; i++)
            draw_rect(pen, x - 50 + 200 * (4 - i) / 4 + 10, base - h + 10 - 310 * (4 - i) / 4, w + 80 - 400 * (4 - i) / 4, 12,
                      glass(0, 40));
    }
    draw_rect(pen, x, base - h, w, h, gradient(shade(wall, 6), shade(wall, -10)));
    draw_rect(pen, x - 24, base - h - 20, w + 48, 56, solid(roof == 2 ? shade(wall, -30) : shade(tile, -25)));
    draw_rect(pen, x + w - 50, base - h + 36, 50, h - 36, glass(0, 26)); /* the side away from the sun */
    draw_rect(pen, x, base - 110, w, 110, solid(shade(wall, -32)));
    int door_column = lot_below(&l, columns);
    for (int f = 0; f < floors; f++) {
        for (int k = 0; k < columns; k++) {
            bool lit = dark && lot_below(&l, 5) < (s->time == SCENE_NIGHT ? 3 : 2);
            int cell = (w - 120) / columns, cx = x + 60 + cell * k + cell / 2, y = base - h + 130 + f * floor_h,
                ww = cell * 52 / 100;
            if (f == floors - 1 && (shop || k == door_column)) continue;
            paint_window(pen, cx - ww / 2, y, ww, floor_h * 56 / 100, frame, lit);
            if (!lot_below(&l, 7)) { /* a flower box */
                draw_rect(pen, cx - ww / 2 - 10, y + floor_h * 56 / 100 + 12, ww + 20, 40, solid(0x6b4a34));
                for (int i = 0; i < 5; i++)
                    draw_ellipse(pen, cx - ww / 2 + 10 + i * ww / 5, y + floor_h * 56 / 100 + 6, 24, 24,
                                 solid(i % 2 ? 0xd9566a : 0x4f8a4a));
            }
        }
    }
    if (shop) {
        paint_shop(pen, x, w, awning, dark);
    } else {
        int cell = (w - 120) / columns, cx = x + 60 + cell * door_column + cell / 2;
        draw_rect(pen, cx - 112, base - 440, 224, 440, solid(frame));
        draw_rect(pen, cx - 90, base - 420, 180, 420, gradient(shade(door, 12), shade(door, -15)));
        draw_rect(pen, cx - 60, base - 385, 120, 110, dark ? solid(0xf6cf7c) : gradient(0x7fa3bd, 0x4a6478));
        draw_rect(pen, cx - 60, base - 235, 120, 190, glass(0, 36));
        draw_ellipse(pen, cx + 64, base - 210, 14, 14, solid(0xe0c060));
        draw_rect(pen, cx - 140, base - 26, 280, 26, solid(0xb8b2a8));
    }
}

static void paint_tree(const struct pen *pen, const struct scene *s, int slot, int pitch)
{
    struct lot l = slot_lot(s, slot, 7);
    if (lot_below(&l, 5) < 2) return;
    int x = slot * pitch + lot_below(&l, 300), base = STREET_FAR_WALL + 90, h = lot_range(&l, 900, 1250), r = h * 36 / 100;
    rgb_t leaf = lot_below(&l, 4) ? 0x4f9a52 : 0x86a43c;
    leaf = lit_by(s, s->time == SCENE_EVENING ? mix(leaf, 0x7a5a40, 15) : leaf);
    draw_ellipse(pen, x, base + 10, r, 44, glass(0, 46));
    draw_rect(pen, x - 36, base - h / 2, 72, h / 2, gradient(0x7b5636, 0x5d3f28));
    draw_round_rect(pen, x - 150, base - 30, 300, 50, 20, solid(0x8d8a84));
    static const int16_t blobs[][3] = {{-60, -56, 62}, {62, -58, 60}, {-34, -92, 60}, {36, -94, 58}, {0, -76, 76}};
    for (int i = 0; i < 5; i++)
        draw_ellipse(pen, x + blobs[i][0] * r / 100, base - h * 40 / 100 + blobs[i][1] * r / 100, blobs[i][2] * r / 100,
                     blobs[i][2] * r / 100, gradient(shade(leaf, i * 4), shade(leaf, -24 + i * 3)));
    for (int i = 0; i < 14; i++) { /* tufts that catch the light */
        int tx = x + lot_range(&l, -80, 70) * r / 100, ty = base - h * 40 / 100 - lot_range(&l, 40, 140) * r / 100;
        draw_ellipse(pen, tx, ty, r * 12 / 100, r * 9 / 100, glass(shade(leaf, 30), 90));
    }
}

/* ---- The ground ---- */

static void paint_pavements(const struct pen *pen, int left, int right, int bottom)
{
    const int near = STREET_NEAR_KERB + 90;
    draw_rect(pen, left, STREET_FAR_WALL, right - left, STREET_FAR_KERB - STREET_FAR_WALL, gradient(0xb9b3a8, 0xcac4b8));
    for (int x = first_slot(left, 190) * 190; x < right; x += 190)
        draw_rect(pen, x, STREET_FAR_WALL, 8, STREET_FAR_KERB - STREET_FAR_WALL, glass(0, 28));
    draw_rect(pen, left, STREET_FAR_WALL + 190, right - left, 8, glass(0, 28));
    draw_rect(pen, left, STREET_FAR_KERB, right - left, 26, solid(0xe2ded4));
    draw_rect(pen, left, STREET_FAR_KERB + 26, right - left, 26, solid(0x8e8a84));

    draw_rect(pen, left, near - 90, right - left, 44, solid(0xe6e2d8));
    draw_rect(pen, left, near - 46, right - left, 46, solid(0xa8a399));
    draw_rect(pen, left, near, right - left, bottom - near, gradient(0xc2bbae, 0xd8d1c4));
    static const int16_t joints[] = {6470, 6760, 7110, 7530, 8040, 8660, 9420, 10350};
    for (int i = 0; i < 8 && joints[i] < bottom; i++) draw_rect(pen, left, joints[i], right - left, 14 + i * 2, glass(0, 30));
    for (int x = first_slot(left, 520) * 520; x < right; x += 520) { /* joints that run towards a point above the street */
        int low = bottom, slant = (x - SCENE_WIDTH / 2) * 22 / 100 * (low - near) / 960;
        draw_line(pen, x, near + 8, x + slant, low, 14, glass(0, 30));
    }
}

static void paint_road(const struct pen *pen, const struct scene *s, int left, int right)
{
    const int top = STREET_FAR_KERB + 52;
    draw_rect(pen, left, top, right - left, STREET_NEAR_KERB - top, gradient(0x676b72, 0x4d5057));
    for (int slot = first_slot(left, 300); slot * 300 < right; slot++) { /* patches and specks of the asphalt */
        struct lot l = slot_lot(s, slot, 8);
        for (int i = 0; i < 7; i++) {
            int x = slot * 300 + lot_below(&l, 300), y = lot_range(&l, top + 20, STREET_NEAR_KERB - 40),
                w = lot_range(&l, 10, 46);
            draw_ellipse(pen, x, y, w, w / 4 + 2, glass(lot_below(&l, 2) ? 0xffffff : 0x000000, 14));
        }
        if (slot % 9 == 4) {
            int x = slot * 300, y = lot_below(&l, 2) ? 4830 : 5760;
            draw_ellipse(pen, x, y, 120, 44, solid(0x3b3d42));
            draw_ellipse(pen, x, y - 3, 100, 34, solid(0x5a5c61));
            for (int k = -2; k <= 2; k++) draw_rect(pen, x - 70, y - 5 + k * 12, 140, 4, solid(0x45474c));
        }
    }
    draw_rect(pen, left, STREET_FAR_LINE - 22, right - left, 16, solid(0xe8e6dc)); /* between directions: two lines */
    draw_rect(pen, left, STREET_FAR_LINE + 10, right - left, 16, solid(0xe8e6dc));
    for (int x = first_slot(left, 800) * 800; x < right; x += 800)
        draw_rect(pen, x, STREET_NEAR_LINE - 18, 430, 36, solid(0xe8e6dc));
    draw_rect(pen, left, top + 40, right - left, 10, glass(0xffffff, 90));
    draw_rect(pen, left, STREET_NEAR_KERB - 60, right - left, 18, glass(0xffffff, 110));
}

/* x of a point `offset` beside the crossing's middle at that depth: nearer is wider. */
static int across(const struct scene *s, int offset, int y)
{
    return s->crossing + offset * (900 + (y - 3800) / 5) / 1140;
}

static void paint_crossing(const struct pen *pen, const struct scene *s)
{
    const int worn[] = {across(s, -CROSSING_HALF, 3830), 3830, across(s, CROSSING_HALF, 3830),  3830,
                        across(s, CROSSING_HALF, 6140),  6140, across(s, -CROSSING_HALF, 6140), 6140};
    draw_polygon(pen, worn, 4, gradient(0x5d6167, 0x474a50)); /* no lane lines here */
    for (int y = 3870; y < 6060;) {
        int h = 70 + (y - 3870) / 24;
        const int bar[] = {across(s, -CROSSING_HALF, y),    y,       across(s, CROSSING_HALF, y),      y,
                           across(s, CROSSING_HALF, y + h), (y + h), across(s, -CROSSING_HALF, y + h), (y + h)};
        draw_polygon(pen, bar, 4, gradient(0xf3f2ea, 0xe2e1d8));
        y += h * 2 - 6;
    }
    for (int side = -1; side <= 1; side += 2) { /* where traffic has to wait: to the left of the zebra it heads right */
        int from = side < 0 ? STREET_FAR_LINE + 50 : STREET_FAR_KERB + 70,
            to = side < 0 ? STREET_NEAR_KERB - 80 : STREET_FAR_LINE - 40;
        int a = side * (CROSSING_HALF + 120), b = side * (CROSSING_HALF + 190);
        const int line[] = {across(s, a, from), from, across(s, b, from), from, across(s, b, to), to, across(s, a, to), to};
        draw_polygon(pen, line, 4, solid(0xeceae2));
    }
}

void paint_street(struct canvas *c, const struct scene *s, int left, int right, int top, int bottom)
{
    const int house = 1460, tree = 2050;
    const struct sky *sky = &skies[s->time];
    struct pen pen = {c, 0, 0, PEN_ONE, false};
    paint_sky(&pen, s, left, right, top);
    paint_town(&pen, s, left, right);
    paint_pavements(&pen, left, right, bottom);
    paint_road(&pen, s, left, right);
    paint_crossing(&pen, s);
    if (sky->dusk)
        draw_rect(&pen, left, STREET_FAR_WALL, right - left, bottom - STREET_FAR_WALL, glass(sky->shadow, sky->dusk));
    for (int slot = first_slot(left, house) - 1; slot * house < right; slot++) paint_house(&pen, s, slot, house);
    for (int slot = first_slot(left, tree); slot * tree < right; slot++) paint_tree(&pen, s, slot, tree);
}
