/* SPDX-License-Identifier: MIT */
#include "engine/laws/knee.h"

#include "base/memory.h"
#include "base/regress.h"

#include <math.h>
#include <stdlib.h>

/* ---- Stairs ---- */

void scaled_size(int source_width, int source_height, int edge, int *width, int *height)
{
    int64_t longest = longest_edge(source_width, source_height);
    int64_t w = (2 * (int64_t)source_width * edge + longest) / (2 * longest);
    int64_t h = (2 * (int64_t)source_height * edge + longest) / (2 * longest);
    *width = w > 1 ? (int)w : 1;
    *height = h > 1 ? (int)h : 1;
}

static bool same_grid(const struct stair *a, const struct stair *b)
{
    return a->fit.nx == b->fit.nx && a->fit.ny == b->fit.ny && a->unbounded == b->unbounded;
}

struct stair *stairs_new(const struct clamp *c, const struct clamp_keys *keys, int source_width, int source_height, size_t *n,
                         struct error *e)
{
    struct clamp open = clamp_unbounded(c);
    struct stair *stairs = NULL;
    int longest = longest_edge(source_width, source_height);
    size_t capacity = 0;
    *n = 0;
    for (int edge = 1; edge <= longest; edge++) {
        struct stair s = {.edge = edge};
        struct clamped unclamped;
        int width, height;
        scaled_size(source_width, source_height, edge, &width, &height);
        /* A rule that refuses small pictures, or large ones, has no step there. */
        if (!clamp_apply(c, keys, width, height, &s.fit, e) || !clamp_apply(&open, keys, width, height, &unclamped, e))
            continue;
        s.unbounded = unclamped.patches;
        if (*n && same_grid(&stairs[*n - 1], &s)) continue;
        struct stair *grown = memory_grow(stairs, &capacity, *n + 1, sizeof *grown);
        if (!grown) {
            fail(e, "stairs of %zu steps: found no memory", *n + 1);
            free(stairs);
            return NULL;
        }
        stairs = grown;
        stairs[(*n)++] = s;
    }
    return stairs; /* NULL: *e says why the last size was refused */
}

static bool binds(const struct stair *s)
{
    return s->fit.patches < s->unbounded;
}

/* Edges on a step; of the last one only that is known. */
static int width_of(const struct stair *stairs, size_t n, size_t i)
{
    return i + 1 < n ? stairs[i + 1].edge - stairs[i].edge : 1;
}

/* Edges where the clamp binds and patches are at most so many. */
static int64_t edges_up_to(const struct stair *stairs, size_t n, int64_t most)
{
    int64_t edges = 0;
    for (size_t i = 0; i < n; i++)
        if (binds(&stairs[i]) && stairs[i].fit.patches <= most) edges += width_of(stairs, n, i);
    return edges;
}

int knee_predict(const struct stair *stairs, size_t n)
{
    int64_t all = edges_up_to(stairs, n, INT64_MAX), plateau = INT64_MAX;
    if (!all) return 0;
    for (size_t i = 0; i < n; i++)
        if (binds(&stairs[i]) && stairs[i].fit.patches < plateau && 2 * edges_up_to(stairs, n, stairs[i].fit.patches) >= all)
            plateau = stairs[i].fit.patches;
    size_t first = 0;
    while (stairs[first].fit.patches < plateau) first++;
    return stairs[first].edge;
}

/* ---- The fit ---- */

enum { CURVE = 3, MIN_BELOW = CURVE + 1, MIN_ABOVE = 2 };

struct fit {
    double squares; /* of relative errors */
    double slope;   /* of the curve at its end */
};

/* One regression with the sizes cut at `most`; x has room for n rows. */
static bool fit_cut(struct fit *f, double *x, const double *y, const double *weight, const struct knee_point *points, size_t n,
                    double most)
{
    struct regression r;
    double last = 0;
    for (size_t i = 0; i < n; i++) {
        double s = fmin(points[i].size, most);
        last = fmax(last, s);
        x[CURVE * i] = 1;
        x[CURVE * i + 1] = s;
        x[CURVE * i + 2] = s * s;
    }
    if (!regress(&r, x, y, weight, n, CURVE)) return false;
    f->squares = r.scatter * r.scatter * (double)(n - CURVE);
    f->slope = r.b[1] + 2 * r.b[2] * last;
    return true;
}

/* How many different sizes lie below one: a curve needs as many and one more. */
static size_t sizes_below(const struct knee_point *points, size_t n, double most)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        bool seen = points[i].size >= most;
        for (size_t k = 0; k < i && !seen; k++) seen = points[k].size == points[i].size;
        count += !seen;
    }
    return count;
}

static size_t count_beyond(const struct knee_point *points, size_t n, double from)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += points[i].size >= from;
    return count;
}

/* The sums of squares at all levels into `squares`, NAN where a level leaves too few points; the best one, or n_levels. */
static size_t search(double *squares, struct fit *best, double *x, const double *y, const double *weight,
                     const struct knee_point *points, size_t n, const double *levels, size_t n_levels)
{
    size_t at = n_levels;
    for (size_t i = 0; i < n_levels; i++) {
        struct fit f;
        squares[i] = NAN;
        if (sizes_below(points, n, levels[i]) < MIN_BELOW || count_beyond(points, n, levels[i]) < MIN_ABOVE) continue;
        if (!fit_cut(&f, x, y, weight, points, n, levels[i])) continue;
        squares[i] = f.squares;
        if (at < n_levels && !(f.squares < best->squares)) continue;
        at = i;
        *best = f;
    }
    return at;
}

bool knee_fit(struct knee *k, const struct knee_point *points, size_t n, const double *levels, size_t n_levels, struct error *e)
{
    *k = (struct knee){false, NAN, NAN, NAN, NAN};
    double *x = malloc(((CURVE + 2) * n + n_levels + 1) * sizeof *x), *y = x + CURVE * n, *weight = y + n,
           *squares = weight + n;
    if (!x) return fail(e, "knee of %zu points: found no memory", n);
    for (size_t i = 0; i < n; i++) {
        y[i] = points[i].cost;
        weight[i] = 1 / (y[i] * y[i]);
    }
    struct fit whole, best = {NAN, NAN};
    size_t at = search(squares, &best, x, y, weight, points, n, levels, n_levels);
    if (at < n_levels && n > MIN_BELOW && fit_cut(&whole, x, y, weight, points, n, INFINITY)) {
        double freedom = (double)(n - MIN_BELOW), t = student_975(n - MIN_BELOW), normal = 1.96;
        /* What is left of an exact fit is rounding. */
        double left = fmax(best.squares / freedom, 1e-24);
        k->f = (whole.squares - best.squares) / left;
        k->there = k->f > 10 * (t / normal) * (t / normal) && best.slope > 0;
        if (k->there) {
            k->at = k->low = k->high = levels[at];
            for (size_t i = 0; i < n_levels; i++) {
                if (!(squares[i] <= best.squares + t * t * left)) continue;
                k->low = fmin(k->low, levels[i]);
                k->high = fmax(k->high, levels[i]);
            }
        }
    }
    free(x);
    return true;
}
