/* clamp.h - what size a picture is given before a vision tower sees it, and why. docs/clamp.md explains it with a picture.
 *
 * A tower cuts a picture into square patches and merges each few of them into one token, so both sides become multiples of
 * align = patch size x merge size (14 x 2 = 28 for Qwen2-VL), and the cost grows with the square of the area. The clamp is the
 * rule that bounds it. As text:
 *
 *   none             no bound; sides are rounded up to align. llama.cpp's rule until May 2025
 *   edge:N           the longer side is scaled down to N, then sides are rounded up: llama.cpp's of May to November 2025
 *   box:WxH          the same for a box of W x H
 *   tokens:A..B      sides are rounded to the nearest multiple; then the area is brought down below B tokens, or up above A,
 *                    of align x align pixels each: llama.cpp's rule of today
 *   pixels:A..B      the same with the area in pixels
 *   hf:A..B          the area in pixels as Hugging Face's Qwen2VLImageProcessor bounds it
 *
 * each followed by ",pad" (the aspect is kept, black bars fill the rest; the default but for hf) or ",stretch". By name:
 *
 *   llama.cpp                  tokens:8..4096,pad
 *   llama.cpp-2025             edge:1024,stretch
 *   hf                         hf:3136..12845056,stretch, as the files of Qwen2-VL 2B say; the class's own default is
 *                              hf:3136..1003520
 *
 * The three rounding rules differ: edge and box truncate in float32 and round up; tokens and pixels round half away from zero
 * in float32; hf rounds half to even in double. Sources: llama.cpp's mtmd preprocessing and its pull requests 13434, 13478,
 * 16878 and 19273; Hugging Face transformers, smart_resize of the Qwen2-VL image processor. SPDX-License-Identifier: MIT */
#ifndef HARTREE_CLAMP_H
#define HARTREE_CLAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

enum clamp_rule { CLAMP_NONE, CLAMP_EDGE, CLAMP_BOX, CLAMP_TOKENS, CLAMP_PIXELS, CLAMP_HF };
enum clamp_fit { CLAMP_PAD, CLAMP_STRETCH };

struct clamp {
    enum clamp_rule rule;
    enum clamp_fit fit;
    int64_t a, b; /* EDGE: N, N. BOX: width, height. TOKENS, PIXELS, HF: the least and the most (which a side below one
                     token can't keep: 65535x28 under tokens:1..100 is 483 by 1, as llama.cpp has it) */
};

/* What a model's file says of preprocessing. */
struct clamp_keys {
    int patch, merge;               /* clip.vision.patch_size, spatial_merge_size: 14 and 2 for Qwen2-VL */
    int64_t min_pixels, max_pixels; /* clip.vision.image_min_pixels, image_max_pixels; 0: the file has no such key */
};

/* What a clamp made of a size; widths and heights are in pixels. */
struct clamped {
    int in_width, in_height;
    int width, height;             /* multiples of align */
    int x, y;                      /* where in it the scaled picture lies */
    int inner_width, inner_height; /* and its size; the rest is black */
    int nx, ny;                    /* tokens across and down */
    int64_t patches, tokens;
};

enum { CLAMP_TEXT = 64, CLAMP_LINE = 192 };

/* Reads a clamp's text or name. False and *e on anything else, numbers out of range and a least above the most. */
bool clamp_parse(const char *text, struct clamp *c, struct error *e);
/* Writes the text that clamp_parse reads; the fit only where it is not the rule's default. */
void clamp_text(const struct clamp *c, char text[CLAMP_TEXT]);

/* The clamp to use: `flag` if it is not NULL; else what the file's keys say (a key that is missing is 8 or 4096 tokens); else
 * tokens:8..4096. False and *e on a wrong flag, wrong keys, a patch or merge size below 1 or an align above 4096. */
bool clamp_choose(const char *flag, const struct clamp_keys *keys, struct clamp *c, struct error *e);

/* Applies it to a size. False and *e where the rule refuses (hf: a side below 10 or an aspect above 200) or the result would
 * have more than PICTURE_MAX_PIXELS. */
bool clamp_apply(const struct clamp *c, const struct clamp_keys *keys, int width, int height, struct clamped *out,
                 struct error *e);

/* The same rounding without its upper bound: what size a picture would have under it if nothing were too large. */
struct clamp clamp_unbounded(const struct clamp *c);

/* "in 2048x1440 -> 1036x728 -> 3848 patches -> 962 tokens (clamp edge:1024)" */
void clamp_line(const struct clamp *c, const struct clamped *r, char line[CLAMP_LINE]);

/* The same as members of the object that *j is in: in, resized, inner, grid, patches, tokens, clamp. */
void clamp_json(struct json *j, const struct clamp *c, const struct clamped *r);

#endif
