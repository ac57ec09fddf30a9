/* cmd_see.c - a picture as a vision tower gets it: what the clamp makes of it, and its pixels.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "tools/cli.h"
#include "vision/preprocess.h"

static const char *image, *clamp, *pixels;
static int64_t patch = 14, merge = 2;

static const struct option options[] = {
    {"image", NULL, OPTION_STRING, &image, "FILE", "the picture, PNG, PPM or PGM; - for stdin (required)", 0, 0, NULL},
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
    json_put_number(&j, "decode_s", p->decode_s);
    json_put_number(&j, "resize_s", p->resize_s);
    json_object_end(&j);
    json_end(&j);
}

static int run(int n_args, char **args)
{
    (void)n_args, (void)args;
    struct error e = {""};
    struct clamp_keys keys = {.patch = (int)patch, .merge = (int)merge};
    struct clamp chosen;
    if (!image) return usage_error("found no --image, expected --image FILE");
    if (!clamp_choose(clamp, &keys, &chosen, &e)) return usage_error("%s", e.text);
    signals_catch();
    struct preprocessed p;
    if (!preprocess(image, clamp, &keys, &p, &e)) return failed(&e);
    bool ok = !pixels || preprocessed_write(&p, pixels, &e);
    char line[CLAMP_LINE];
    clamp_line(&p.clamp, &p.fit, line);
    if (ok && common.json)
        print_json(&p);
    else if (ok)
        puts(line);
    if (ok) detail("decode %.1f ms, resize %.1f ms", p.decode_s * 1e3, p.resize_s * 1e3);
    preprocessed_free(&p);
    return ok ? EXIT_DONE : failed(&e);
}

const struct command command_see = {
    .name = "see",
    .summary = "a picture as a vision model gets it: resized, in patches and tokens",
    .usage = "--image FILE [--clamp C] [--pixels FILE] [options]",
    .description =
        "Prints what the clamp makes of a picture's size: in WxH -> resized -> patches -> tokens. Sides become multiples "
        "of patch x merge; the clamp bounds the area, and keeps the aspect with black bars (,pad) or not (,stretch).\n\n"
        "llama.cpp stands for tokens:8..4096, its rule since November 2025; llama.cpp-2025 for edge:1024,stretch, its rule "
        "from May to November 2025; hf for Hugging Face's, hf:3136..12845056.",
    .options = options,
    .run = run,
};
