/* cmd_see.c - a picture as a vision tower gets it: what the clamp makes of it, and its pixels.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "tools/cli.h"
#include "vision/preprocess.h"

#include <math.h>

static const char *image, *size, *clamp, *pixels;
static int64_t patch = 14, merge = 2;

static const struct option options[] = {
    {"image", NULL, OPTION_STRING, &image, "FILE", "the picture, PNG, PPM or PGM; - for stdin", 0, 0, NULL},
    {"size", NULL, OPTION_STRING, &size, "WxH", "instead of a picture: what would become of one of that size", 0, 0, NULL},
    {"clamp", NULL, OPTION_STRING, &clamp, "C",
     "none, edge:N, box:WxH, tokens:A..B, pixels:A..B or hf:A..B, with ,pad or ,stretch after it; llama.cpp, llama.cpp-2025, "
     "hf "
     "(default tokens:8..4096)",
     0, 0, NULL},
    {"patch", NULL, OPTION_INT, &patch, "N", "a patch's side in pixels (default 14)", 1, 1024, NULL},
    {"merge", NULL, OPTION_INT, &merge, "N", "patches that make a token, each way (default 2)", 1, 64, NULL},
    {"pixels", NULL, OPTION_STRING, &pixels, "FILE", "write the resized picture as raw bytes, rows of RGB", 0, 0, NULL},
    {.name = NULL},
};

static void put_pair(struct json *j, const char *key, int a, int b)
{
    json_key(j, key);
    json_array(j);
    json_integer(j, a);
    json_integer(j, b);
    json_array_end(j);
}

/* `p` has no picture when only a size was asked about; then no time was spent either. */
static void print_json(const struct preprocessed *p)
{
    struct json j;
    char text[CLAMP_TEXT];
    const struct clamped *c = &p->fit;
    clamp_text(&p->clamp, text);
    json_begin(&j, stdout);
    json_object(&j);
    put_pair(&j, "in", c->in_width, c->in_height);
    put_pair(&j, "resized", c->width, c->height);
    json_key(&j, "inner");
    json_array(&j);
    json_integer(&j, c->x);
    json_integer(&j, c->y);
    json_integer(&j, c->inner_width);
    json_integer(&j, c->inner_height);
    json_array_end(&j);
    put_pair(&j, "grid", c->nx, c->ny);
    json_put_integer(&j, "patches", c->patches);
    json_put_integer(&j, "tokens", c->tokens);
    json_put_string(&j, "clamp", text);
    json_put_number(&j, "decode_s", p->picture.rgb ? p->decode_s : NAN);
    json_put_number(&j, "resize_s", p->picture.rgb ? p->resize_s : NAN);
    json_object_end(&j);
    json_end(&j);
}

static void print(const struct preprocessed *p)
{
    char line[CLAMP_LINE];
    clamp_line(&p->clamp, &p->fit, line);
    if (common.json)
        print_json(p);
    else
        puts(line);
    if (p->picture.rgb) detail("decode %.1f ms, resize %.1f ms", p->decode_s * 1e3, p->resize_s * 1e3);
}

static int run(int n_args, char **args)
{
    (void)n_args, (void)args;
    struct error e = {""};
    struct clamp_keys keys = {.patch = (int)patch, .merge = (int)merge};
    struct preprocessed p = {0};
    int width, height;
    if (!image == !size)
        return usage_error("found %s, expected --image FILE or --size WxH", image ? "both --image and --size" : "neither");
    if (size && !picture_parse_size(size, &width, &height))
        return usage_error("--size: found '%s', expected WxH, as in 1024x720", size);
    if (size && pixels) return usage_error("--pixels: found no picture, expected --image FILE");
    if (!clamp_choose(clamp, &keys, &p.clamp, &e)) return usage_error("%s", e.text);
    signals_catch();
    if (size) {
        if (!clamp_apply(&p.clamp, &keys, width, height, &p.fit, &e)) return failed(&e);
        print(&p);
        return EXIT_DONE;
    }
    if (!preprocess(image, clamp, &keys, &p, &e)) return failed(&e);
    bool ok = !pixels || preprocessed_write(&p, pixels, &e);
    if (ok) print(&p);
    preprocessed_free(&p);
    return ok ? EXIT_DONE : failed(&e);
}

const struct command command_see = {
    .name = "see",
    .summary = "a picture as a vision model gets it: resized, in patches and tokens",
    .usage = "(--image FILE [--pixels FILE] | --size WxH) [--clamp C] [options]",
    .description =
        "Prints what the clamp makes of a picture's size: in WxH -> resized -> patches -> tokens. Sides become multiples "
        "of patch x merge; the clamp bounds the area, and keeps the aspect with black bars (,pad) or not (,stretch).\n\n"
        "llama.cpp stands for tokens:8..4096, its rule since November 2025; llama.cpp-2025 for edge:1024,stretch, its rule "
        "from May to November 2025; hf for Hugging Face's, hf:3136..12845056.",
    .options = options,
    .run = run,
};
