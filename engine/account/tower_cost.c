/* tower_cost.c - see tower_cost.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/tower_cost.h"

#include <math.h>

enum { WIDTH = 1280, FFN = 5120, LAYERS = 32, PATCH = 14, MERGE = 2, OUT = 1536, ALIGN = PATCH * MERGE };

static const double d = WIDTH, merged = WIDTH * MERGE * MERGE;
/* Two kernels of 3 colours a patch, one for each frame of a pair: a still picture goes through both. */
static const double patch_values = 2 * 3 * PATCH * PATCH;

static int align(int side, enum tower_rounding rounding)
{
    double units = (double)side / ALIGN;
    units = rounding == TOWER_UP ? ceil(units) : rounding == TOWER_HALF_AWAY ? round(units) : nearbyint(units);
    return (int)fmax(units, 1) * ALIGN;
}

struct tower_grid tower_grid(int width, int height, enum tower_rounding rounding)
{
    struct tower_grid g = {.width = align(width, rounding), .height = align(height, rounding)};
    g.patches = (double)(g.width / PATCH) * (g.height / PATCH);
    g.tokens = g.patches / (MERGE * MERGE);
    return g;
}

/* Per patch and layer: q, k, v and output d x d each, FFN d x 5120 and back; every score and every weighted value takes 2 d.
 * The merger is two layers on four patches side by side. */
struct tower_flops tower_flops(double patches)
{
    double tokens = patches / (MERGE * MERGE);
    return (struct tower_flops){
        .linear = 2 * patches * patch_values * d + LAYERS * patches * (8 * d * d + 4 * d * FFN) +
                  2 * tokens * (merged * merged + merged * OUT),
        .quadratic = LAYERS * 4 * patches * patches * d,
    };
}

double tower_parameters(void)
{
    return patch_values * d + LAYERS * (4 * d * d + 2 * d * FFN) + merged * merged + merged * OUT;
}

int tower_knee(int clamp_width, int clamp_height, enum tower_rounding rounding)
{
    struct tower_grid most = tower_grid(clamp_width, clamp_height, rounding);
    int longest = clamp_width > clamp_height ? clamp_width : clamp_height;
    for (int edge = longest - 1; edge > 0; edge--) {
        int w = (int)((long)clamp_width * edge / longest), h = (int)((long)clamp_height * edge / longest);
        struct tower_grid g = tower_grid(w > 0 ? w : 1, h > 0 ? h : 1, rounding);
        if (g.width != most.width || g.height != most.height) return edge + 1;
    }
    return 1;
}
