/* SPDX-License-Identifier: MIT */
#include "vision/draw.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SUB = 256, FINE = 16384 }; /* parts of a pixel; parts of a unit while corners are computed */

/* ---- Colours ---- */

static int channel(rgb_t c, int i)
{
    return c >> (16 - 8 * i) & 255;
}

/* n of `of` parts of the way from a to b. */
static rgb_t between(rgb_t a, rgb_t b, int64_t n, int64_t of)
{
    rgb_t out = 0;
    for (int i = 0; i < 3; i++) out = out << 8 | (rgb_t)((channel(a, i) * (of - n) + channel(b, i) * n + of / 2) / of);
    return out;
}

rgb_t mix(rgb_t a, rgb_t b, int percent)
{
    return between(a, b, percent, 100);
}

rgb_t shade(rgb_t c, int percent)
{
    return percent < 0 ? mix(c, 0, -percent) : mix(c, 0xffffff, percent);
}

struct paint solid(rgb_t c)
{
    return (struct paint){c, c, 256};
}

struct paint gradient(rgb_t top, rgb_t bottom)
{
    return (struct paint){top, bottom, 256};
}

struct paint glass(rgb_t c, int opacity)
{
    return (struct paint){c, c, opacity};
}

/* ---- From units to pixels ---- */

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

bool canvas_begin(struct canvas *c, struct picture *p, int width, int height, struct error *e)
{
    *c = (struct canvas){.picture = p, .num = p->width, .den = width};
    if ((int64_t)p->height * width < (int64_t)p->width * height) c->num = p->height, c->den = height;
    c->left = (p->width * (int64_t)SUB - width * SUB * c->num / c->den) / 2;
    c->top = (p->height * (int64_t)SUB - height * SUB * c->num / c->den) / 2;
    c->cover = calloc((size_t)p->width, sizeof *c->cover);
    c->area = calloc((size_t)p->width, sizeof *c->area);
    c->first = p->width;
    c->last = -1;
    if (c->cover && c->area) return true;
    canvas_end(c);
    return fail(e, "found no memory for a row of pixels, expected some");
}

void canvas_end(struct canvas *c)
{
    free(c->cover);
    free(c->area);
    c->cover = c->area = NULL;
}

/* A coordinate of the pen in units of 1/16384, in 1/256 pixels. */
static int64_t pixel(const struct canvas *c, int origin, int64_t v, int scale, int64_t offset)
{
    int64_t units = floor_div((int64_t)origin * PEN_ONE * FINE + v * scale, FINE / SUB);
    return floor_div(units * c->num, PEN_ONE * c->den) + offset;
}

/* ---- Outlines ---- */

static void add(struct path *p, const struct pen *pen, int64_t x, int64_t y)
{
    assert(p->n < PATH_POINTS);
    p->x[p->n] = pixel(pen->canvas, pen->x, pen->mirrored ? -x : x, pen->scale, pen->canvas->left);
    p->y[p->n++] = pixel(pen->canvas, pen->y, y, pen->scale, pen->canvas->top);
}

void path_line(struct path *p, const struct pen *pen, int x, int y)
{
    add(p, pen, (int64_t)x * FINE, (int64_t)y * FINE);
    p->at_x = x;
    p->at_y = y;
}

static void contour(struct path *p)
{
    assert(p->n_contours < PATH_CONTOURS);
    p->begins[p->n_contours++] = p->n;
}

void path_move(struct path *p, const struct pen *pen, int x, int y)
{
    contour(p);
    path_line(p, pen, x, y);
}

void path_curve(struct path *p, const struct pen *pen, int x1, int y1, int x, int y)
{
    enum { STEPS = 12 };
    int64_t x0 = p->at_x, y0 = p->at_y;
    for (int64_t i = 1; i <= STEPS; i++) {
        int64_t u = STEPS - i;
        add(p, pen, floor_div((u * u * x0 + 2 * u * i * x1 + i * i * x) * FINE, STEPS * STEPS),
            floor_div((u * u * y0 + 2 * u * i * y1 + i * i * y) * FINE, STEPS * STEPS));
    }
    p->at_x = x;
    p->at_y = y;
}

/* 16384 cos(k pi / 32), k = 0 .. 16 */
static const int16_t cosines[17] = {16384, 16305, 16069, 15679, 15137, 14449, 13623, 12665, 11585,
                                    10394, 9102,  7723,  6270,  4756,  3196,  1606,  0};

static int cosine(int k) /* of k / 64 of a turn */
{
    k &= 63;
    if (k > 32) k = 64 - k;
    return k <= 16 ? cosines[k] : -cosines[32 - k];
}

void path_ellipse(struct path *p, const struct pen *pen, int x, int y, int rx, int ry, bool hole)
{
    contour(p);
    for (int i = 0; i < 64; i++) {
        int k = hole ? 64 - i : i;
        add(p, pen, (int64_t)x * FINE + (int64_t)rx * cosine(k), (int64_t)y * FINE + (int64_t)ry * cosine(k - 16));
    }
}

/* ---- Filling ---- */

/* The part of an edge in the pixel ix of the row: it comes down by dy (up, if negative), and `across` is the sum of its two
 * ends' distances from the pixel's left side. What is left of the picture covers all of the row. */
static void cell(struct canvas *c, int64_t ix, int32_t dy, int32_t across)
{
    if (ix >= c->picture->width) return;
    if (ix < 0) ix = 0, across = 0;
    if (ix < c->first) c->first = (int)ix;
    if (ix > c->last) c->last = (int)ix;
    c->cover[ix] += dy;
    c->area[ix] += dy * across;
}

/* An edge from (xa, ya) to (xb, yb) within one row, cut at the sides of pixels. */
static void edge_in_row(struct canvas *c, int64_t xa, int ya, int64_t xb, int yb)
{
    int64_t i = floor_div(xa, SUB), last = floor_div(xb, SUB), x = xa;
    int y = ya, step = last > i ? 1 : -1;
    while (i != last) {
        int64_t side = (step > 0 ? i + 1 : i) * SUB;
        int y2 = ya + (int)floor_div((yb - ya) * (side - xa) * step, (xb - xa) * step);
        cell(c, i, y2 - y, (int32_t)(x - i * SUB + side - i * SUB));
        x = side;
        y = y2;
        i += step;
    }
    cell(c, i, yb - y, (int32_t)(x - i * SUB + xb - i * SUB));
}

/* The parts of an edge that lie in the row `row`. It is cut walking downwards whichever way it runs, so that shapes that share
 * an edge cut it alike. */
static void edge(struct canvas *c, int row, int64_t x0, int64_t y0, int64_t x1, int64_t y1)
{
    int64_t top = (int64_t)row * SUB, bottom = top + SUB;
    bool upwards = y0 > y1;
    if (upwards) {
        int64_t x = x0, y = y0;
        x0 = x1, y0 = y1;
        x1 = x, y1 = y;
    }
    if (y0 == y1 || y1 <= top || y0 >= bottom) return;
    int64_t ya = y0 > top ? y0 : top, yb = y1 < bottom ? y1 : bottom;
    int64_t xa = x0 + floor_div((ya - y0) * (x1 - x0), y1 - y0), xb = x0 + floor_div((yb - y0) * (x1 - x0), y1 - y0);
    if (upwards)
        edge_in_row(c, xb, (int)(yb - top), xa, (int)(ya - top));
    else
        edge_in_row(c, xa, (int)(ya - top), xb, (int)(yb - top));
}

/* Blends the row's pixels with the colour by their shares and clears the shares for the next row. */
static void blend_row(struct canvas *c, int row, rgb_t colour, int opacity)
{
    uint8_t *p = c->picture->rgb + ((size_t)row * c->picture->width + c->first) * 3;
    int r = channel(colour, 0), g = channel(colour, 1), b = channel(colour, 2);
    int32_t cover = 0;
    for (int x = c->first; x < c->picture->width && (x <= c->last || cover); x++, p += 3) {
        cover += c->cover[x];
        int32_t a = (cover * 2 * SUB - c->area[x]) / (2 * SUB);
        c->cover[x] = c->area[x] = 0;
        if (!a) continue;
        if (a < 0) a = -a;
        if (a > SUB) a = SUB;
        a = a * opacity;
        p[0] = (uint8_t)(p[0] + ((r - p[0]) * a + (1 << 15)) / (1 << 16));
        p[1] = (uint8_t)(p[1] + ((g - p[1]) * a + (1 << 15)) / (1 << 16));
        p[2] = (uint8_t)(p[2] + ((b - p[2]) * a + (1 << 15)) / (1 << 16));
    }
    c->first = c->picture->width;
    c->last = -1;
}

void path_fill(const struct path *p, const struct pen *pen, struct paint paint)
{
    struct canvas *c = pen->canvas;
    int64_t top = p->y[0], bottom = p->y[0];
    for (int i = 1; i < p->n; i++) {
        if (p->y[i] < top) top = p->y[i];
        if (p->y[i] > bottom) bottom = p->y[i];
    }
    int64_t first = floor_div(top, SUB), end = floor_div(bottom + SUB - 1, SUB);
    if (first < 0) first = 0;
    if (end > c->picture->height) end = c->picture->height;
    for (int row = (int)first; row < end; row++) {
        for (int k = 0; k < p->n_contours; k++) {
            int from = p->begins[k], to = k + 1 < p->n_contours ? p->begins[k + 1] : p->n;
            for (int i = from; i < to; i++) {
                int next = i + 1 < to ? i + 1 : from;
                edge(c, row, p->x[i], p->y[i], p->x[next], p->y[next]);
            }
        }
        int64_t depth = (int64_t)row * SUB + SUB / 2 - top, of = bottom - top;
        depth = depth < 0 ? 0 : depth > of ? of : depth;
        blend_row(c, row, between(paint.top, paint.bottom, depth, of ? of : 1), paint.opacity);
    }
}

/* ---- Shapes ---- */

void draw_polygon(const struct pen *pen, const int *xy, int n_points, struct paint paint)
{
    struct path p = {0};
    path_move(&p, pen, xy[0], xy[1]);
    for (int i = 1; i < n_points; i++) path_line(&p, pen, xy[2 * i], xy[2 * i + 1]);
    path_fill(&p, pen, paint);
}

void draw_rect(const struct pen *pen, int x, int y, int w, int h, struct paint paint)
{
    struct path p = {0};
    path_move(&p, pen, x, y);
    path_line(&p, pen, x + w, y);
    path_line(&p, pen, x + w, y + h);
    path_line(&p, pen, x, y + h);
    path_fill(&p, pen, paint);
}

void draw_round_rect(const struct pen *pen, int x, int y, int w, int h, int r, struct paint paint)
{
    struct path p = {0};
    path_move(&p, pen, x + r, y);
    path_line(&p, pen, x + w - r, y);
    path_curve(&p, pen, x + w, y, x + w, y + r);
    path_line(&p, pen, x + w, y + h - r);
    path_curve(&p, pen, x + w, y + h, x + w - r, y + h);
    path_line(&p, pen, x + r, y + h);
    path_curve(&p, pen, x, y + h, x, y + h - r);
    path_line(&p, pen, x, y + r);
    path_curve(&p, pen, x, y, x + r, y);
    path_fill(&p, pen, paint);
}

void draw_ellipse(const struct pen *pen, int x, int y, int rx, int ry, struct paint paint)
{
    struct path p = {0};
    path_ellipse(&p, pen, x, y, rx, ry, false);
    path_fill(&p, pen, paint);
}

void draw_ring(const struct pen *pen, int x, int y, int outer, int inner, struct paint paint)
{
    struct path p = {0};
    path_ellipse(&p, pen, x, y, outer, outer, false);
    path_ellipse(&p, pen, x, y, inner, inner, true);
    path_fill(&p, pen, paint);
}

static int64_t root(int64_t v) /* floor(sqrt(v)) */
{
    int64_t r = 0;
    for (int64_t bit = (int64_t)1 << 30; bit; bit >>= 1)
        if ((r + bit) * (r + bit) <= v) r += bit;
    return r;
}

/* An outline of two half circles: corners of the table's circle, those ahead of the stroke moved to its end. */
void draw_line(const struct pen *pen, int x0, int y0, int x1, int y1, int width, struct paint paint)
{
    struct path p = {0};
    int64_t dx = x1 - x0, dy = y1 - y0, length = root((dx * dx + dy * dy) * SUB * SUB);
    if (!length) dx = 1, length = SUB;
    contour(&p);
    for (int i = 0; i <= 64; i++) { /* a half turn around the start, then one around the end */
        int k = i <= 32 ? i + 16 : i + 15;
        int64_t along = (int64_t)cosine(k) * width / 2, aside = (int64_t)cosine(k - 16) * width / 2;
        int64_t x = (int64_t)(i <= 32 ? x0 : x1) * FINE, y = (int64_t)(i <= 32 ? y0 : y1) * FINE;
        add(&p, pen, x + floor_div((along * dx - aside * dy) * SUB, length),
            y + floor_div((along * dy + aside * dx) * SUB, length));
    }
    path_fill(&p, pen, paint);
}

/* Strokes on a grid of 4 x 6, each point x then y; a blank lifts the pen. */
static const struct {
    char c;
    const char *strokes;
} glyphs[] = {
    {'0', "103041453616050110"},
    {'1', "112026 1636"},
    {'2', "01103041420646"},
    {'3', "0110304142334445361605"},
    {'4', "36300444"},
    {'5', "400002324345361605"},
    {'6', "3010010516364543321203"},
    {'7', "004016"},
    {'8', "10304142331304051636454433 13020110"},
    {'9', "1636454130100103143443"},
    {'O', "103041453616050110"},
    {'P', "06003041423303"},
    {'S', "413010010213334445361605"},
    {'T', "0040 2026"},
};

static const char *strokes_of(char c)
{
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++)
        if (glyphs[i].c == c) return glyphs[i].strokes;
    return "";
}

void draw_text(const struct pen *pen, const char *text, int x, int y, int height, struct paint paint)
{
    struct pen at = *pen;
    at.mirrored = false;
    int n = (int)strlen(text), step = height * 5 / 6, width = height / 6; /* 4 of 6 for a glyph, 1 between two */
    int left = (pen->mirrored ? -x : x) - (n * step - height / 6) / 2, top = y - height / 2;
    for (int i = 0; i < n; i++, left += step) {
        const char *last = NULL;
        for (const char *s = strokes_of(text[i]); *s;) {
            if (*s == ' ') {
                last = NULL;
                s++;
                continue;
            }
            if (last)
                draw_line(&at, left + (last[0] - '0') * height / 6, top + (last[1] - '0') * height / 6,
                          left + (s[0] - '0') * height / 6, top + (s[1] - '0') * height / 6, width, paint);
            last = s;
            s += 2;
        }
    }
}
