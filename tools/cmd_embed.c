/* cmd_embed.c - sentence embeddings, and how near two texts are.
 * SPDX-License-Identifier: MIT */
#include "base/lines.h"
#include "engine/embed.h"
#include "loader/file.h"
#include "tools/common_args.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT_BYTES = 1 << 29 };

static bool exact;
static const char *output;

#define ARG_EXACT                                                                                                          \
    {                                                                                                                      \
        "exact", NULL, OPTION_FLAG, &exact, NULL, "dequantised weights, float32 activations, keys and values", 0, 0, NULL  \
    }

#define ENCODER {"model", "m", OPTION_STRING, &arg_model, "FILE", "the encoder, a GGUF file (required)", 0, 0, NULL}
static const struct option embed_options[] = {
    ENCODER,
    {"file", "f", OPTION_STRING, &arg_file, "FILE", "embed each line of a file, - for stdin", 0, 0, NULL},
    {"output", "o", OPTION_STRING, &output, "FILE", "write the lines to a file instead of stdout", 0, 0, NULL},
    ARG_EXACT,
    {.name = NULL},
};

static const struct option similarity_options[] = {
    ENCODER,
    {"file", "f", OPTION_STRING, &arg_file, "FILE", "compare the two texts of each line, with a tab between; - for stdin", 0, 0,
     NULL},
    ARG_EXACT,
    {.name = NULL},
};

/* An encoder that is open, and room for two vectors. */
struct encoder {
    struct model *model;
    struct embedder *embedder;
    float *a, *b;
    size_t width;
};

static void close_encoder(struct encoder *c)
{
    embedder_free(c->embedder);
    model_close(c->model);
    free(c->a);
}

static bool open_encoder(struct encoder *c, struct error *e)
{
    struct embed_options o = {.threads = arg_threads(), .exact = exact};
    *c = (struct encoder){0};
    if (!arg_model) return fail(e, "-m: found no model, expected an encoder: tools/get-model minilm-l6 fetches one");
    c->model = arg_open_model(0, e);
    c->embedder = c->model ? embedder_new(c->model, &o, e) : NULL;
    if (c->embedder) {
        c->width = embedder_width(c->embedder);
        c->a = malloc(2 * c->width * sizeof *c->a);
        if (c->a) return c->b = c->a + c->width, true;
        fail(e, "embedding of %zu numbers: found no memory", c->width);
    }
    close_encoder(c);
    return false;
}

/* The vector of a text; what of it did not fit is told. `number`: which text of how many. */
static bool make(const struct encoder *c, const char *text, size_t len, size_t number, float *to, struct embedded *r,
                 struct error *e)
{
    if (interrupted) return fail(e, "interrupted");
    if (!embed(c->embedder, text, len, to, r, e)) return false;
    if (r->cut) note("text %zu: found %zu tokens, read the first %zu", number, r->tokens + r->cut, r->tokens);
    return true;
}

static bool print_embedding(const struct encoder *c, const char *text, size_t len, size_t number, FILE *f, struct error *e)
{
    struct embedded r;
    struct json j;
    if (!make(c, text, len, number, c->a, &r, e)) return false;
    json_begin(&j, f);
    json_object(&j);
    json_key(&j, "text");
    json_bytes(&j, text, len);
    json_put_integer(&j, "tokens", (int64_t)r.tokens);
    json_put_integer(&j, "cut", (int64_t)r.cut);
    json_key(&j, "embedding");
    json_array(&j);
    for (size_t i = 0; i < c->width; i++) json_number(&j, (double)c->a[i]);
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
    return true;
}

static bool embed_all(const struct encoder *c, int n_args, char **args, const char *lines, size_t size, FILE *f,
                      struct error *e)
{
    bool ok = true;
    for (int i = 0; ok && i < n_args; i++) ok = print_embedding(c, args[i], strlen(args[i]), (size_t)i + 1, f, e);
    struct line line = {0};
    for (const char *at = lines; ok && lines && line_next(&at, lines + size, &line);)
        ok = print_embedding(c, line.text, line.len, line.number, f, e);
    return ok;
}

static int run_embed(int n_args, char **args)
{
    if (n_args > 0 && arg_file) return usage_error("found both TEXT and -f, expected one of them");
    if (!n_args && !arg_file) return usage_error("found no text, expected TEXT or -f FILE");
    struct error e = {""};
    struct encoder c = {0};
    struct file_output *out = NULL;
    size_t size = 0;
    signals_catch();
    char *lines = arg_file ? file_read(arg_file, MAX_TEXT_BYTES, &size, &e) : NULL;
    bool opened = (lines || !arg_file) && open_encoder(&c, &e);
    bool ok = opened && (!output || (arg_spares(output, c.model, arg_file, &e) && (out = file_output_open(output, &e))));
    ok = ok && embed_all(&c, n_args, args, lines, size, out ? file_output_stream(out) : stdout, &e);
    if (ok && out) ok = file_output_commit(out, &e);
    else if (out) file_output_discard(out);
    if (opened) close_encoder(&c);
    free(lines);
    return ok ? EXIT_DONE : failed(&e);
}

/* ---- similarity ---- */

struct text {
    const char *text;
    size_t len;
};

static bool print_similarity(const struct encoder *c, struct text a, struct text b, size_t number, struct error *e)
{
    struct embedded ra, rb;
    if (!make(c, a.text, a.len, number, c->a, &ra, e) || !make(c, b.text, b.len, number, c->b, &rb, e)) return false;
    double cosine = embedding_cosine(c->a, c->b, c->width);
    if (!common.json) {
        printf("%.7f\n", cosine);
        return true;
    }
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    json_put_number(&j, "similarity", cosine);
    json_put_integer(&j, "tokens_a", (int64_t)ra.tokens);
    json_put_integer(&j, "tokens_b", (int64_t)rb.tokens);
    json_object_end(&j);
    json_end(&j);
    return true;
}

static bool compare_lines(const struct encoder *c, const char *lines, size_t size, struct error *e)
{
    struct line line = {0};
    for (const char *at = lines; line_next(&at, lines + size, &line);) {
        const char *tab = memchr(line.text, '\t', line.len), *end = line.text + line.len;
        if (!tab || memchr(tab + 1, '\t', (size_t)(end - tab - 1)))
            return fail(e, "%s: line %zu: found %s, expected two texts with one tab between", arg_file, line.number,
                        tab ? "several tabs" : "no tab");
        struct text a = {line.text, (size_t)(tab - line.text)}, b = {tab + 1, (size_t)(end - tab - 1)};
        if (!print_similarity(c, a, b, line.number, e)) return false;
    }
    return true;
}

static int run_similarity(int n_args, char **args)
{
    if (arg_file ? n_args > 0 : n_args != 2)
        return usage_error("found %d text%s%s, expected A and B, or -f FILE", n_args, n_args == 1 ? "" : "s",
                           arg_file ? " beside -f" : "");
    struct error e = {""};
    struct encoder c = {0};
    size_t size = 0;
    signals_catch();
    char *lines = arg_file ? file_read(arg_file, MAX_TEXT_BYTES, &size, &e) : NULL;
    bool opened = (lines || !arg_file) && open_encoder(&c, &e);
    bool ok = opened && (lines ? compare_lines(&c, lines, size, &e)
                               : print_similarity(&c, (struct text){args[0], strlen(args[0])},
                                                  (struct text){args[1], strlen(args[1])}, 1, &e));
    if (opened) close_encoder(&c);
    free(lines);
    return ok ? EXIT_DONE : failed(&e);
}

const struct command command_embed = {
    .name = "embed",
    .summary = "sentence embeddings by an encoder (bert), a line of JSON each",
    .usage = "-m M [-o FILE] (TEXT... | -f FILE)",
    .description =
        "Prints a line of JSON for each text: the text, how many tokens of it were read, how many were cut off, and its "
        "vector, of length 1. A text longer than the model's positions (512 of MiniLM, with the marks at both ends) is cut "
        "there, and a note says so.\n\n"
        "tools/get-model minilm-l6 fetches an encoder, and tools/convert-minilm makes a GGUF of it.",
    .options = embed_options,
    .max_args = -1,
    .run = run_embed,
};

const struct command command_similarity = {
    .name = "similarity",
    .summary = "how near in meaning two texts are: the cosine of their embeddings",
    .usage = "-m M (A B | -f PAIRS.tsv)",
    .description = "Prints a number from -1 to 1; of a file one a line.",
    .options = similarity_options,
    .max_args = -1,
    .run = run_similarity,
};
