/* cmd_see.c - a picture as a vision tower gets it: what the clamp makes of it, its pixels, and what the tower makes of them.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "base/si.h"
#include "engine/account/calibrate.h"
#include "engine/account/picture_cost.h"
#include "engine/account/tower_price.h"
#include "loader/file.h"
#include "tools/account_args.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char *image, *size, *clamp, *pixels, *mmproj, *output;
static int64_t patch, merge;

static const struct option options[] = {
    {"image", NULL, OPTION_STRING, &image, "FILE", "the picture, PNG, PPM or PGM; - for stdin", 0, 0, NULL},
    {"size", NULL, OPTION_STRING, &size, "WxH", "instead of a picture: what would become of one of that size", 0, 0, NULL},
    {"mmproj", NULL, OPTION_STRING, &mmproj, "FILE", "the vision tower: predicts what the picture costs, then encodes it", 0, 0,
     NULL},
    {"output", "o", OPTION_STRING, &output, "FILE", "write the embeddings as raw float32 rows, a token each", 0, 0, NULL},
    ARG_MAX_TIME,
    ARG_DEVICE,
    {"clamp", NULL, OPTION_STRING, &clamp, "C",
     "none, edge:N, box:WxH, tokens:A..B, pixels:A..B or hf:A..B, with ,pad or ,stretch after it; llama.cpp, llama.cpp-2025, "
     "hf (default: what the mmproj says, else tokens:8..4096)",
     0, 0, NULL},
    {"patch", NULL, OPTION_INT, &patch, "N", "a patch's side in pixels (default: the mmproj's, else 14)", 1, 1024, NULL},
    {"merge", NULL, OPTION_INT, &merge, "N", "patches that make a token, each way (default: the mmproj's, else 2)", 1, 64,
     NULL},
    {"pixels", NULL, OPTION_STRING, &pixels, "FILE", "write the resized picture as raw bytes, rows of RGB", 0, 0, NULL},
    {.name = NULL},
};

/* What is known of one picture. */
struct sight {
    struct preprocessed p;  /* no picture when only a size was asked about; then no time was spent either */
    struct prediction cost; /* no rows without a tower */
    double prepare_s;       /* predicted, of reading and resizing; NAN: not known */
    struct seen seen;       /* no rows without a tower and a picture */
};

static void print_json(const struct sight *s)
{
    const struct preprocessed *p = &s->p;
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    clamp_json(&j, &p->clamp, &p->fit);
    json_put_number(&j, "decode_s", p->picture.rgb ? p->decode_s : NAN);
    json_put_number(&j, "resize_s", p->picture.rgb ? p->resize_s : NAN);
    bool priced = s->cost.rows, seen = s->seen.rows;
    json_put_number(&j, "flops", priced ? s->cost.flops : NAN);
    json_put_number(&j, "weight_bytes", priced ? s->cost.weight_bytes : NAN);
    json_put_number(&j, "peak_memory_bytes", priced ? s->cost.peak_memory_bytes : NAN);
    json_put_number(&j, "predicted_prepare_s", s->prepare_s);
    json_put_number(&j, "predicted_s", priced ? s->cost.time_s : NAN);
    json_put_number(&j, "encode_s", seen ? s->seen.encode_s : NAN);
    json_put_number(&j, "time_s", seen ? p->decode_s + p->resize_s + s->seen.encode_s : NAN);
    json_object_end(&j);
    json_end(&j);
}

static void print(const struct sight *s)
{
    char line[CLAMP_LINE], price[TOWER_PRICE_LINE];
    const struct preprocessed *p = &s->p;
    clamp_line(&p->clamp, &p->fit, line);
    if (common.json)
        print_json(s);
    else
        puts(line);
    if (p->picture.rgb) detail("decode %s, resize %s", si(p->decode_s, "s").s, si(p->resize_s, "s").s);
    if (!s->cost.rows || common.json) return;
    tower_price_line(&s->cost, price);
    printf("%s", price);
    if (s->seen.rows) printf(", %s taken", si(s->seen.encode_s, "s").s);
    putchar('\n');
}

/* Raw little-endian floats, as everywhere. */
static bool write_rows(const struct seen *s, struct error *e)
{
    struct file_output *o = file_output_open(output, e);
    if (!o) return false;
    if (fwrite(s->rows, sizeof *s->rows * (size_t)s->n_embd, s->n_tokens, file_output_stream(o)) == s->n_tokens)
        return file_output_commit(o, e);
    fail(e, "cannot write: %s", strerror(errno));
    file_output_discard(o);
    return fail_in(e, output);
}

/* Prices the picture, refuses it or encodes it. */
static bool encode(struct tower *t, const struct device *d, struct sight *s, struct error *e)
{
    char line[TOWER_OFFER_LINE];
    s->prepare_s = picture_seconds(d, &s->p.fit);
    if (!tower_predict(&s->cost, t, d, t->options.threads, &s->p.fit, e)) return false;
    if (!s->p.picture.rgb) return true;
    if (!tower_afford(t, &s->p.fit, &s->cost, arg_max_time, e)) return fail_in(e, image);
    tower_offer_line(&s->p, &s->cost, line);
    note("%s: %s", image, line);
    return tower_encode(t, &s->p, &s->seen, e) || fail_in(e, image);
}

static bool see(struct tower *t, const struct device *d, const struct clamp_keys *keys, int width, int height, struct sight *s,
                struct error *e)
{
    if (size && !clamp_apply(&s->p.clamp, keys, width, height, &s->p.fit, e)) return false;
    if (image && !preprocess(image, clamp, keys, &s->p, e)) return false;
    return (!t || encode(t, d, s, e)) && (!pixels || preprocessed_write(&s->p, pixels, e)) &&
           (!output || write_rows(&s->seen, e));
}

/* Neither output may be a file that is read, nor both one file. */
static bool spares(const char *out, struct error *e)
{
    return !out || (arg_spares(out, NULL, image, e) && arg_spares(out, NULL, mmproj, e) &&
                    arg_spares(out, NULL, account_args.device, e));
}

static int run(int n_args, char **args)
{
    (void)n_args, (void)args;
    struct error e = {""};
    int width = 0, height = 0;
    if (!image == !size)
        return usage_error("found %s, expected --image FILE or --size WxH", image ? "both --image and --size" : "neither");
    if (size && !picture_parse_size(size, &width, &height))
        return usage_error("--size: found '%s', expected " PICTURE_SIZE_WORDS, size);
    if (size && pixels) return usage_error("--pixels: found no picture, expected --image FILE");
    if (output && !(image && mmproj)) return usage_error("-o: found no embeddings, expected --mmproj FILE and --image FILE");
    if (arg_max_time > 0 && !mmproj) return usage_error("--max-time: found no tower, expected --mmproj FILE");
    if (mmproj && (patch || merge))
        return usage_error("found both --mmproj and --%s, expected one of them", patch ? "patch" : "merge");
    if (output && pixels && !strcmp(output, pixels))
        return usage_error("found '%s' twice, expected one file for -o and one for --pixels", output);
    if (!spares(output, &e) || !spares(pixels, &e)) return failed(&e);
    signals_catch();
    struct device d = {0};
    struct sight s = {.prepare_s = NAN};
    const struct tower_options tower = {.threads = arg_threads(), .interrupted = &interrupted};
    struct tower *t = mmproj ? tower_open(mmproj, &tower, &e) : NULL;
    if (mmproj && !t) return failed(&e);
    struct clamp_keys keys = {.patch = patch ? (int)patch : 14, .merge = merge ? (int)merge : 2};
    if (t) keys = t->mmproj->keys;
    bool wrong = !clamp_choose(clamp, &keys, &s.p.clamp, &e);
    bool ok = !wrong && (!t || device_find(&d, account_args.device, note, &interrupted, &e)) &&
              see(t, &d, &keys, width, height, &s, &e);
    if (ok) print(&s);
    seen_free(&s.seen);
    prediction_free(&s.cost);
    preprocessed_free(&s.p);
    device_free(&d);
    tower_free(t);
    return ok ? EXIT_DONE : wrong ? usage_error("%s", e.text) : failed(&e);
}

const struct command command_see = {
    .name = "see",
    .summary = "a picture as a vision model gets it: resized, in patches and tokens",
    .usage = "[--mmproj FILE [-o FILE] [--max-time S]] (--image FILE [--pixels FILE] | --size WxH) [--clamp C] [options]",
    .description =
        "Prints what the clamp makes of a picture's size: in WxH -> resized -> patches -> tokens. Sides become multiples "
        "of patch x merge; the clamp bounds the area, and keeps the aspect with black bars (,pad) or not (,stretch).\n\n"
        "llama.cpp stands for tokens:8..4096, its rule since November 2025; llama.cpp-2025 for edge:1024,stretch, its rule "
        "from May to November 2025; hf for Hugging Face's, hf:3136..12845056.\n\n"
        "With --mmproj the tower's FLOPs, memory and time are predicted first; a picture that does not fit in memory, or in "
        "--max-time, is refused. Then it is encoded.",
    .options = options,
    .run = run,
};
