/* cmd_scene.c - a traffic scene, drawn and described.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "tools/cli.h"
#include "vision/resize.h"
#include "vision/scene.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *size = "1024x720", *output;
static int64_t seed = 1, count = 1;
static bool show;

static const struct option options[] = {
    {"seed", "s", OPTION_INT, &seed, "S", "same seed, same scene (default 1)", 0, 9e15, NULL},
    {"size", NULL, OPTION_STRING, &size, "WxH", "pixels (default 1024x720)", 0, 0, NULL},
    {"count", NULL, OPTION_INT, &count, "N", "that many scenes, of this seed and those after it (default 1)", 1, 1000000000,
     NULL},
    {"output", "o", OPTION_STRING, &output, "FILE",
     "the picture to write, .png or .ppm; of several scenes a name with %d for the seed (required without --json or --show)", 0,
     0, NULL},
    {"show", NULL, OPTION_FLAG, &show, NULL, "draw it in the terminal too, 80 columns of half blocks in 24-bit colours", 0, 0,
     NULL},
    {.name = NULL},
};

static void put_object(struct json *j, const struct scene_object *o, int width, int height)
{
    int box[4];
    json_object(j);
    json_put_string(j, "kind", scene_kind_name(o->kind));
    json_put_string(j, "colour", scene_colour_name(o->colour));
    if (o->kind == SCENE_PERSON) json_put_string(j, "hat", scene_colour_name(o->second));
    if (o->kind == SCENE_BICYCLE) json_put_string(j, "rider", scene_colour_name(o->second));
    if (o->kind == SCENE_SIGN) json_put_string(j, "sign", scene_sign_name(o->sign));
    json_put_string(j, "number", *o->text ? o->text : NULL);
    json_put_string(j, "place", scene_place_name(o));
    json_put_string(j, "row", scene_row_name(o->row));
    if (o->kind < SCENE_LIGHT) json_put_string(j, "heading", o->left ? "left" : "right");
    scene_box(o, width, height, box);
    json_put_integers(j, "box", box, 4);
    json_object_end(j);
}

static void print_json(const struct scene *s, int width, int height)
{
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    json_put_integer(&j, "seed", (int64_t)s->seed);
    json_put_integer(&j, "width", width);
    json_put_integer(&j, "height", height);
    json_put_string(&j, "time", scene_time_name(s->time));
    json_key(&j, "objects");
    json_array(&j);
    for (size_t i = 0; i < s->n; i++) put_object(&j, &s->objects[i], width, height);
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
}

enum { MAX_NAME = 4096 };

/* The file of this seed's picture: `output` with the seed in place of its %d, if it has one. */
static bool name_of(uint64_t of, char name[MAX_NAME], struct error *e)
{
    const char *place = strstr(output, "%d");
    int n = place ? snprintf(name, MAX_NAME, "%.*s%" PRIu64 "%s", (int)(place - output), output, of, place + 2)
                  : snprintf(name, MAX_NAME, "%s", output);
    return n < MAX_NAME || fail(e, "-o: found a name of %d bytes, expected fewer than %d", n, MAX_NAME);
}

static bool has_colours(void)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(none && *none) && !(term && !strcmp(term, "dumb"));
}

/* On a terminal: two pixels a character, the upper one as the colour of its half block and the lower one behind it. */
static bool show_picture(const struct picture *p, struct error *e)
{
    enum { COLUMNS = 80, MOST_ROWS = 60 };
    struct picture small;
    int64_t rows = (int64_t)COLUMNS * p->height / p->width / 2;
    rows = rows < 1 ? 1 : rows > MOST_ROWS ? MOST_ROWS : rows;
    if (!resize_bicubic(p, COLUMNS, (int)(2 * rows), &small, e)) return false;
    for (int y = 0; y < small.height; y += 2) {
        for (int x = 0; x < COLUMNS; x++) {
            const uint8_t *a = small.rgb + 3 * (y * COLUMNS + x), *b = a + 3 * COLUMNS;
            printf("\033[38;2;%d;%d;%dm\033[48;2;%d;%d;%dm\u2580", a[0], a[1], a[2], b[0], b[1], b[2]);
        }
        puts("\033[0m");
    }
    picture_free(&small);
    return true;
}

static bool paint(const struct scene *s, int width, int height, struct error *e)
{
    char name[MAX_NAME];
    struct picture p;
    if ((output && !name_of(s->seed, name, e)) || !scene_paint(s, width, height, &p, e)) return false;
    bool ok = (!show || show_picture(&p, e)) && (!output || picture_write(&p, name, e));
    picture_free(&p);
    if (ok && output && !common.json)
        printf("%s: %dx%d pixels, seed %" PRIu64 ", %s, %zu objects\n", name, width, height, s->seed, scene_time_name(s->time),
               s->n);
    return ok;
}

static int run(int n_args, char **args)
{
    (void)n_args, (void)args;
    struct error e = {""};
    int width, height;
    if (!picture_parse_size(size, &width, &height))
        return usage_error("--size: found '%s', expected " PICTURE_SIZE_WORDS, size);
    if (!output && !common.json && !show) return usage_error("found none of -o, --json and --show, expected -o FILE");
    if (show && common.json) return usage_error("found both --show and --json, expected one of them");
    if (output && !picture_writable(output, &e)) return usage_error("-o: %s", e.text);
    if (output && count > 1 && !strstr(output, "%d"))
        return usage_error("-o: found one name for %" PRId64 " scenes, expected a %%d in it for the seed", count);
    if (!scene_size_check(width, height, &e)) return failed(&e);
    signals_catch();
    if (show && !has_colours()) {
        if (!output) {
            fail(&e, "--show: found no terminal with colours, expected one, or -o FILE");
            return failed(&e);
        }
        note("--show: found no terminal with colours, drew nothing there");
        show = false;
    }
    for (int64_t i = 0; i < count; i++) {
        struct scene s;
        scene_decide((uint64_t)(seed + i), &s);
        bool ok = !interrupted || fail(&e, "interrupted");
        if (!ok || ((output || show) && !paint(&s, width, height, &e))) return failed(&e);
        if (common.json) print_json(&s, width, height);
    }
    return EXIT_DONE;
}

const struct command command_scene = {
    .name = "scene",
    .summary = "draw a traffic scene, and say what is in it",
    .usage = "[--seed S] [--count N] [--size WxH] [--json | --show] [-o FILE]",
    .description =
        "A street with cars, buses, bicycles, people, traffic lights and signs, drawn by lot from the seed: a picture for "
        "tests "
        "and measurements that needs no photograph. The same seed shows the same objects at every size; large and small "
        "details (a bus; the number on a cab's door across the street) make what can be read depend on resolution.\n\n"
        "--json lists the objects with colours, places and boxes [left, top, width, height] in pixels: an object a scene, one "
        "a line. --show draws in the terminal, 80 columns wide; without it and -o nothing is drawn.",
    .options = options,
    .run = run,
};
