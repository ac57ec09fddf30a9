/* tower_cost.h - what Qwen2-VL's vision tower costs for one picture, in closed form.
 *
 * Sources: Qwen2-VL-2B-Instruct's config.json (width 1280, 32 layers, FFN 5120, patches of 14, merged 2 x 2, output 1536); the
 * graph of llama.cpp's tools/mtmd/clip.cpp. Attention is full in every layer, so it grows with the square of the patches.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_TOWER_COST_H
#define HARTREE_TOWER_COST_H

/* How a side becomes a multiple of 28 (a patch of 14, merged in pairs): to the nearest, halves to the even multiple (Python's
 * round, so Hugging Face) or away from zero (C's round, llama.cpp since November 2025), or up (llama.cpp before). */
enum tower_rounding { TOWER_HALF_EVEN, TOWER_HALF_AWAY, TOWER_UP };

struct tower_grid {
    int width, height; /* pixels after rounding, at least 28 each */
    double patches, tokens;
};

/* The grid of a picture of width x height pixels (at least 1 each), which no clamp touches any more. */
struct tower_grid tower_grid(int width, int height, enum tower_rounding rounding);

/* FLOPs of the whole tower and its merger; a multiply-add is two. `linear` grows with the patches, `quadratic` (the scores and
 * their products with the values) with their square. */
struct tower_flops {
    double linear, quadratic;
};
struct tower_flops tower_flops(double patches);

/* Weights of the tower and its merger, biases and norms left out. */
double tower_parameters(void);

/* The longest edge, in pixels, from which on a picture of the clamp's own aspect has the grid that the clamp gives: the knee,
 * at or below the clamp itself, since sizes come in stairs of 28. */
int tower_knee(int clamp_width, int clamp_height, enum tower_rounding rounding);

#endif
