/* SPDX-License-Identifier: MIT */
#include "vision/clamp.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vision/picture.h"

enum { DEFAULT_MIN_TOKENS = 8, DEFAULT_MAX_TOKENS = 4096, MAX_ALIGN = 4096 };

/* ---- Text ---- */

static const struct rule {
    const char *name;
    enum clamp_rule rule;
    enum clamp_fit fit; /* unless it is given */
    enum { NOTHING, ONE, PRODUCT, RANGE } operand;
    int64_t most;
} rules[] = {
    /* in the order of enum clamp_rule */
    {"none", CLAMP_NONE, CLAMP_PAD, NOTHING, 0},
    {"edge", CLAMP_EDGE, CLAMP_PAD, ONE, PICTURE_MAX_SIDE},
    {"box", CLAMP_BOX, CLAMP_PAD, PRODUCT, PICTURE_MAX_SIDE},
    {"tokens", CLAMP_TOKENS, CLAMP_PAD, RANGE, PICTURE_MAX_PIXELS},
    {"pixels", CLAMP_PIXELS, CLAMP_PAD, RANGE, PICTURE_MAX_PIXELS},
    {"hf", CLAMP_HF, CLAMP_STRETCH, RANGE, PICTURE_MAX_PIXELS},
};

static const struct {
    const char *name;
    struct clamp clamp;
} names[] = {
    {"llama.cpp", {CLAMP_TOKENS, CLAMP_PAD, DEFAULT_MIN_TOKENS, DEFAULT_MAX_TOKENS}},
    {"llama.cpp-2025", {CLAMP_EDGE, CLAMP_STRETCH, 1024, 1024}},
    {"hf", {CLAMP_HF, CLAMP_STRETCH, 3136, 12845056}},
};

static bool wrong(const char *text, struct error *e)
{
    return fail(
        e,
        "clamp: found '%s', expected none, edge:N, box:WxH, tokens:A..B, pixels:A..B or hf:A..B, with ,pad or ,stretch after "
        "it; or llama.cpp, llama.cpp-2025, hf",
        text);
}

/* A decimal number of at most 9 digits; advances *s. */
static bool number(const char **s, int64_t *v)
{
    int n = 0;
    for (*v = 0; isdigit((unsigned char)**s); ++*s)
        if (++n > 9)
            return false;
        else
            *v = *v * 10 + (**s - '0');
    return n > 0;
}

static bool separator(const char **s, const char *mark)
{
    size_t n = strlen(mark);
    if (strncmp(*s, mark, n)) return false;
    *s += n;
    return true;
}

static bool operands(const struct rule *r, const char *s, struct clamp *c)
{
    if (r->operand == NOTHING) return !*s;
    if (!separator(&s, ":") || !number(&s, &c->a)) return false;
    c->b = c->a;
    if (r->operand != ONE && (!separator(&s, r->operand == RANGE ? ".." : "x") || !number(&s, &c->b))) return false;
    return !*s;
}

static bool within(const char *text, const struct rule *r, const struct clamp *c, struct error *e)
{
    if (r->operand == NOTHING) return true;
    if (c->a < 1 || c->b < 1 || c->a > r->most || c->b > r->most)
        return fail(e, "clamp: found '%s', expected numbers from 1 to %" PRId64, text, r->most);
    if (r->operand == RANGE && c->a > c->b)
        return fail(e, "clamp: found '%s', expected a least that is not above the most", text);
    return true;
}

bool clamp_parse(const char *text, struct clamp *c, struct error *e)
{
    char word[CLAMP_TEXT];
    const char *comma = strchr(text, ','), *fit = comma ? comma + 1 : NULL;
    size_t n = comma ? (size_t)(comma - text) : strlen(text);
    if (n >= sizeof word || (fit && strcmp(fit, "pad") && strcmp(fit, "stretch"))) return wrong(text, e);
    memcpy(word, text, n);
    word[n] = 0;
    const struct rule *found = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
        if (!strcmp(word, names[i].name)) *c = names[i].clamp, found = &rules[c->rule];
    for (size_t i = 0; i < sizeof rules / sizeof *rules && !found; i++) {
        size_t len = strlen(rules[i].name);
        if (strncmp(word, rules[i].name, len) || isalnum((unsigned char)word[len])) continue;
        *c = (struct clamp){.rule = rules[i].rule, .fit = rules[i].fit};
        if (!operands(&rules[i], word + len, c)) return wrong(text, e);
        found = &rules[i];
    }
    if (!found) return wrong(text, e);
    if (fit) c->fit = *fit == 'p' ? CLAMP_PAD : CLAMP_STRETCH;
    return within(text, found, c, e);
}

void clamp_text(const struct clamp *c, char text[CLAMP_TEXT])
{
    const struct rule *r = &rules[c->rule];
    const char *fit = c->fit == r->fit ? "" : c->fit == CLAMP_PAD ? ",pad" : ",stretch";
    switch (r->operand) {
    case NOTHING: snprintf(text, CLAMP_TEXT, "%s%s", r->name, fit); return;
    case ONE: snprintf(text, CLAMP_TEXT, "%s:%" PRId64 "%s", r->name, c->a, fit); return;
    case PRODUCT: snprintf(text, CLAMP_TEXT, "%s:%" PRId64 "x%" PRId64 "%s", r->name, c->a, c->b, fit); return;
    case RANGE: snprintf(text, CLAMP_TEXT, "%s:%" PRId64 "..%" PRId64 "%s", r->name, c->a, c->b, fit); return;
    }
}

static bool keys_ok(const struct clamp_keys *k, struct error *e)
{
    if (k->patch < 1 || k->merge < 1 || k->patch > MAX_ALIGN / k->merge)
        return fail(e, "patch size and merge size: found %d and %d, expected at least 1 each and a product of at most %d",
                    k->patch, k->merge, MAX_ALIGN);
    return true;
}

bool clamp_choose(const char *flag, const struct clamp_keys *keys, struct clamp *c, struct error *e)
{
    if (!keys_ok(keys, e)) return false;
    if (flag) return clamp_parse(flag, c, e);
    *c = names[0].clamp;
    if (!keys->min_pixels && !keys->max_pixels) return true;
    int64_t token = (int64_t)keys->patch * keys->merge * keys->patch * keys->merge;
    *c = (struct clamp){CLAMP_PIXELS, CLAMP_PAD, keys->min_pixels ? keys->min_pixels : DEFAULT_MIN_TOKENS * token,
                        keys->max_pixels ? keys->max_pixels : DEFAULT_MAX_TOKENS * token};
    if (c->a < 1 || c->b < c->a)
        return fail(e,
                    "image_min_pixels and image_max_pixels: found %" PRId64 " and %" PRId64
                    ", expected 1 or more, the first not above "
                    "the second",
                    c->a, c->b);
    return true;
}

/* ---- The rules. Each gives the target size; its arithmetic, float or double, is the original's, down to the rounding. ---- */

static int64_t up(int64_t v, int align)
{
    return (v + align - 1) / align * align;
}

/* llama.cpp until November 2025: scaled down into the box, truncated, rounded up. (A side that truncates to 0 was an error
 * there.) */
static void target_box(float box_width, float box_height, int w, int h, int align, int64_t target[2])
{
    float s = fminf(1, fminf(box_width / (float)w, box_height / (float)h));
    target[0] = up((int64_t)((float)w * s), align);
    target[1] = up((int64_t)((float)h * s), align);
}

/* llama.cpp of today. */
static void target_area(int64_t least, int64_t most, int w, int h, int align, int64_t target[2])
{
    float side[2] = {(float)w, (float)h}, area = side[1] * side[0], unit = (float)align;
    for (int i = 0; i < 2; i++) target[i] = fmax(1, roundf(side[i] / unit)) * align;
    int64_t got = target[0] * target[1];
    if (got > most) {
        float b = sqrtf(area / (float)most);
        for (int i = 0; i < 2; i++) target[i] = (int64_t)fmaxf(1, floorf(side[i] / b / unit)) * align;
    } else if (got < least) {
        float b = sqrtf((float)least / area);
        for (int i = 0; i < 2; i++) target[i] = (int64_t)ceilf(side[i] * b / unit) * align;
    }
}

/* Half to even, as Python rounds, whatever the rounding mode. */
static double half_even(double v)
{
    double whole = floor(v), rest = v - whole;
    if (rest > 0.5) return whole + 1;
    return rest < 0.5 || fmod(whole, 2) == 0 ? whole : whole + 1;
}

/* Hugging Face's smart_resize. */
static bool target_hf(int64_t least, int64_t most, int w, int h, int align, int64_t target[2], struct error *e)
{
    int longer = w > h ? w : h, shorter = w > h ? h : w;
    if (shorter < 10 || (double)longer / shorter > 200)
        return fail(e, "clamp hf: found %dx%d pixels, expected sides of at least 10 and an aspect of at most 200", w, h);
    double side[2] = {w, h}, area = side[1] * side[0];
    for (int i = 0; i < 2; i++) target[i] = (int64_t)half_even(side[i] / align) * align;
    int64_t got = target[0] * target[1];
    if (got > most) {
        double b = sqrt(area / (double)most);
        for (int i = 0; i < 2; i++) target[i] = (int64_t)fmax(1, floor(side[i] / b / align)) * align;
    } else if (got < least) {
        double b = sqrt((double)least / area);
        for (int i = 0; i < 2; i++) target[i] = (int64_t)ceil(side[i] * b / align) * align;
    }
    return true;
}

/* Where the picture lies in its target, its aspect kept. */
static void place_inner(struct clamped *r)
{
    if (r->in_width == r->width && r->in_height == r->height) return;
    float s = fminf((float)r->width / (float)r->in_width, (float)r->height / (float)r->in_height);
    r->inner_width = (int)fminf(ceilf((float)r->in_width * s), (float)r->width);
    r->inner_height = (int)fminf(ceilf((float)r->in_height * s), (float)r->height);
    r->x = (r->width - r->inner_width) / 2;
    r->y = (r->height - r->inner_height) / 2;
}

bool clamp_apply(const struct clamp *c, const struct clamp_keys *keys, int width, int height, struct clamped *out,
                 struct error *e)
{
    if (!keys_ok(keys, e)) return false;
    if (width < 1 || height < 1) return fail(e, "found a picture of %dx%d pixels, expected at least 1x1", width, height);
    int align = keys->patch * keys->merge;
    int64_t target[2] = {0, 0}, token = c->rule == CLAMP_TOKENS ? (int64_t)align * align : 1;
    switch (c->rule) {
    case CLAMP_NONE: target_box((float)width, (float)height, width, height, align, target); break;
    case CLAMP_EDGE:
    case CLAMP_BOX: target_box((float)c->a, (float)c->b, width, height, align, target); break;
    case CLAMP_TOKENS:
    case CLAMP_PIXELS: target_area(c->a * token, c->b * token, width, height, align, target); break;
    case CLAMP_HF:
        if (!target_hf(c->a, c->b, width, height, align, target, e)) return false;
        break;
    }
    for (int i = 0; i < 2; i++)
        if (target[i] < align) target[i] = align;
    if (target[0] > PICTURE_MAX_PIXELS / target[1])
        return fail(e, "clamp: found %dx%d pixels becoming %" PRId64 "x%" PRId64 ", expected at most %d in all", width, height,
                    target[0], target[1], PICTURE_MAX_PIXELS);
    *out = (struct clamped){.in_width = width, .in_height = height, .width = (int)target[0], .height = (int)target[1]};
    out->inner_width = out->width;
    out->inner_height = out->height;
    if (c->fit == CLAMP_PAD) place_inner(out);
    out->nx = out->width / align;
    out->ny = out->height / align;
    out->tokens = (int64_t)out->nx * out->ny;
    out->patches = out->tokens * keys->merge * keys->merge;
    return true;
}

struct clamp clamp_unbounded(const struct clamp *c)
{
    struct clamp open = *c;
    if (c->rule == CLAMP_EDGE || c->rule == CLAMP_BOX) open.rule = CLAMP_NONE;
    else open.b = rules[c->rule].most;
    return open;
}

void clamp_line(const struct clamp *c, const struct clamped *r, char line[CLAMP_LINE])
{
    char text[CLAMP_TEXT];
    clamp_text(c, text);
    snprintf(line, CLAMP_LINE, "in %dx%d -> %dx%d -> %" PRId64 " patches -> %" PRId64 " tokens (clamp %s)", r->in_width,
             r->in_height, r->width, r->height, r->patches, r->tokens, text);
}

void clamp_json(struct json *j, const struct clamp *c, const struct clamped *r)
{
    char text[CLAMP_TEXT];
    clamp_text(c, text);
    json_put_pair(j, "in", r->in_width, r->in_height);
    json_put_pair(j, "resized", r->width, r->height);
    json_put_integers(j, "inner", (const int[]){r->x, r->y, r->inner_width, r->inner_height}, 4);
    json_put_pair(j, "grid", r->nx, r->ny);
    json_put_integer(j, "patches", r->patches);
    json_put_integer(j, "tokens", r->tokens);
    json_put_string(j, "clamp", text);
}
