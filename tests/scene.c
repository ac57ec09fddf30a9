/* scene.c - scenes are the same bytes everywhere, hold what they say, and nothing hides anything.
 * SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/sha256.h"
#include "tests/test.h"
#include "vision/scene.h"

#include <stdlib.h>

static bool painted(uint64_t seed, int w, int h, struct picture *p, struct error *e)
{
    struct scene s;
    scene_decide(seed, &s);
    return scene_paint(&s, w, h, p, e);
}

static void test_golden(void)
{
    static const struct {
        uint64_t seed;
        int w, h;
        const char *sha256; /* its first 16 digits */
    } cases[] = {
        {1, 320, 224, "51223342655fbbb9"},
        {1, 1024, 720, "a8b318995bb9e63e"},
        {1, 2048, 1440, "fa6f31fb6745e906"},
        {2, 320, 224, "83e4c8d8802de645"},
        {2, 1024, 720, "e376862aa52a627f"},
        {2, 2048, 1440, "d3282f17092e1fbd"},
        {5, 320, 224, "774376b9788c2907"},
        {5, 1024, 720, "c3d5ce459f6f16fc"},
        {5, 2048, 1440, "af443129beaa2d7c"},
        {9, 640, 200, "ba9ab589fcd065fd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture p;
        struct error e = {""};
        struct sha256 s;
        char hex[SHA256_HEX] = "", name[64];
        if (painted(cases[i].seed, cases[i].w, cases[i].h, &p, &e)) {
            sha256_begin(&s);
            sha256_add(&s, p.rgb, (size_t)p.width * p.height * 3);
            sha256_end(&s, hex);
            picture_free(&p);
        }
        snprintf(name, sizeof name, "seed %d at %dx%d", (int)cases[i].seed, cases[i].w, cases[i].h);
        TEST(name, !strncmp(hex, cases[i].sha256, 16), "found %.16s, expected %s %s", hex, cases[i].sha256, e.text);
    }
}

static bool apart(const int *a, const int *b)
{
    return a[0] + a[2] <= b[0] || b[0] + b[2] <= a[0] || a[1] + a[3] <= b[1] || b[1] + b[3] <= a[1];
}

/* Over many seeds: every kind, colour, row and sign comes up; every object is whole, named and hidden by none. */
static void test_contents(void)
{
    enum { SEEDS = 2000 };
    int kinds[6] = {0}, colours[SCENE_COLOURS] = {0}, rows[SCENE_ROWS] = {0}, signs[SCENE_SIGNS] = {0},
        times[SCENE_TIMES] = {0};
    int wrong = 0, least = 1000, most = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene s;
        scene_decide(seed, &s);
        times[s.time]++;
        if ((int)s.n < least) least = (int)s.n;
        if ((int)s.n > most) most = (int)s.n;
        for (size_t i = 0; i < s.n; i++) {
            const struct scene_object *o = &s.objects[i];
            kinds[o->kind]++, colours[o->colour]++, rows[o->row]++;
            if (o->kind == SCENE_SIGN) signs[o->sign]++;
            bool ok = o->box[0] >= 0 && o->box[1] >= 0 && o->box[0] + o->box[2] <= SCENE_WIDTH &&
                      o->box[1] + o->box[3] <= SCENE_HEIGHT;
            ok = ok && o->colour != SCENE_NO_COLOUR && (o->kind != SCENE_BUS || *o->text);
            for (size_t k = 0; k < i; k++) ok = ok && apart(o->box, s.objects[k].box);
            wrong += !ok;
        }
    }
    TEST("objects are whole and hide nothing", !wrong, "%d wrong", wrong);
    bool all = true;
    for (int i = 0; i < 6; i++) all = all && kinds[i] > SEEDS / 4 && scene_kind_name((enum scene_kind)i);
    for (int i = 1; i < SCENE_COLOURS; i++) all = all && colours[i] > SEEDS / 20 && scene_colour_name((enum scene_colour)i);
    for (int i = 0; i < SCENE_ROWS; i++) all = all && rows[i] > SEEDS / 8 && scene_row_name((enum scene_row)i);
    for (int i = 0; i < SCENE_SIGNS; i++) all = all && signs[i] > SEEDS / 20 && scene_sign_name((enum scene_sign)i);
    for (int i = 0; i < SCENE_TIMES; i++) all = all && times[i] > SEEDS / 10 && scene_time_name((enum scene_time)i);
    TEST("all there is comes up", all && !scene_colour_name(SCENE_NO_COLOUR), "some do not");
    TEST("no scene is empty", least >= 2 && most <= SCENE_OBJECTS && most > 12, "%d to %d objects", least, most);
}

/* An object's box holds its colour: many pixels near it, in a picture by day. */
static void test_boxes(void)
{
    static const int rgb[SCENE_COLOURS][3] = {[SCENE_RED] = {210, 47, 47},
                                              [SCENE_BLUE] = {30, 99, 198},
                                              [SCENE_GREEN] = {46, 155, 79},
                                              [SCENE_YELLOW] = {251, 208, 45}};
    int n = 0, wrong = 0;
    for (uint64_t seed = 0; seed < 24; seed++) {
        struct scene s;
        struct picture p;
        struct error e;
        int w = 512 + (int)seed * 7, h = 360, box[4];
        scene_decide(seed, &s);
        if (!scene_paint(&s, w, h, &p, &e)) continue;
        for (size_t i = 0; i < s.n; i++) {
            const struct scene_object *o = &s.objects[i];
            const int *c = rgb[o->colour];
            if (o->kind > SCENE_BUS || !c[2]) continue;
            scene_box(o, w, h, box);
            bool inside = box[0] >= 0 && box[1] >= 0 && box[0] + box[2] <= w && box[1] + box[3] <= h;
            int near = 0;
            for (int y = box[1]; inside && y < box[1] + box[3]; y++)
                for (int x = box[0]; x < box[0] + box[2]; x++) {
                    const uint8_t *q = p.rgb + ((size_t)y * w + x) * 3;
                    near += abs(q[0] - c[0]) + abs(q[1] - c[1]) + abs(q[2] - c[2]) < 100;
                }
            n++;
            wrong += near * 8 < box[2] * box[3]; /* an eighth of the box */
        }
        picture_free(&p);
    }
    TEST("boxes hold their colours", n > 10 && !wrong, "%d of %d do not", wrong, n);
}

/* Twice the size shows the same: each pixel near the mean of its four. */
static void test_sizes(void)
{
    struct picture small, large;
    struct error e = {""};
    if (!painted(7, 400, 280, &small, &e) || !painted(7, 800, 560, &large, &e)) return;
    double sum = 0;
    for (int y = 0; y < 280; y++)
        for (int x = 0; x < 400 * 3; x++) {
            const uint8_t *a = large.rgb + (size_t)y * 2 * 2400 + x / 3 * 6 + x % 3;
            sum += abs((a[0] + a[3] + a[2400] + a[2403]) / 4 - small.rgb[y * 1200 + x]);
        }
    sum /= 280 * 1200;
    TEST("the same scene at twice the size", sum < 1.5, "%.2f levels apart", sum);
    picture_free(&small);
    picture_free(&large);
    static const int odd[][2] = {{1, 1}, {8, 1}, {1, 8}, {1600, 200}, {150, 1200}, {3, 2}, {1023, 719}};
    bool ok = true;
    for (size_t i = 0; i < sizeof odd / sizeof *odd && ok; i++) {
        ok = painted(i, odd[i][0], odd[i][1], &small, &e);
        int unpainted = 0;
        for (int k = 0; ok && k < odd[i][0] * odd[i][1]; k++)
            unpainted += !small.rgb[3 * k] && !small.rgb[3 * k + 1] && !small.rgb[3 * k + 2];
        ok = ok && unpainted * 50 <= odd[i][0] * odd[i][1];
        picture_free(&small);
    }
    TEST("odd sizes are painted to the edges", ok, "%s", e.text);
    static const int bad[][2] = {{0, 5}, {5, 0}, {8193, 8000}, {9, 1}, {1, 9}, {-3, -3}};
    int accepted = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) accepted += painted(1, bad[i][0], bad[i][1], &small, &e);
    TEST("sizes that are refused", !accepted && strstr(e.text, "size: found"), "%d accepted", accepted);
}

int main(void)
{
    test_golden();
    test_contents();
    test_boxes();
    test_sizes();
    TEST_MAIN_END();
}
