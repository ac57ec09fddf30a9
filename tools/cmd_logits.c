/* cmd_logits.c - raw logits, for comparison with another engine.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/account/calibrate.h"
#include "engine/look.h"
#include "engine/prompt.h"
#include "loader/file.h"
#include "tools/common_args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *ids_text, *output, *images, *clamp, *device_name;
static struct album album; /* --image, while the command runs */
static struct looked looked;
static bool all, exact;

static const struct option options[] = {
    ARG_MODEL,
    {"tokens", NULL, OPTION_STRING, &ids_text, "1,2,3", "token ids, instead of a text", 0, 0, NULL},
    ARG_PROMPT,
    ARG_FILE,
    {"all", NULL, OPTION_FLAG, &all, NULL, "a row for every position (default: for the last one)", 0, 0, NULL},
    {"exact", NULL, OPTION_FLAG, &exact, NULL,
     "dequantised weights, float32 activations and cache: the reference of the fast path", 0, 0, NULL},
    {"image", NULL, OPTION_STRING, &images, "FILES",
     "pictures before the text, or where it has <|image_pad|>, with commas between them", 0, 0, NULL},
    ARG_MMPROJ,
    {"clamp", NULL, OPTION_STRING, &clamp, "C", "with --image: how its size is bounded (see `hartree see`)", 0, 0, NULL},
    ARG_MAX_TIME,
    {"device", NULL, OPTION_STRING, &device_name, "D",
     "with --image: device profile for its prediction: a path, a bundled one (rpi5, m2), or 'this' (default: this machine's "
     "where it is known)",
     0, 0, NULL},
    ARG_KV,
    {"output", "o", OPTION_STRING, &output, "FILE", "where the rows of n_vocab little-endian float32 go (required)", 0, 0,
     NULL},
    {.name = NULL},
};

struct sink {
    FILE *f;
    size_t n_vocab;
    int error; /* errno of the write that failed */
};

static bool write_row(void *ctx, size_t index, const float *logits)
{
    (void)index;
    struct sink *s = ctx;
    if (interrupted) return false;
    errno = 0;
    if (fwrite(logits, sizeof *logits, s->n_vocab, s->f) == s->n_vocab) return true;
    s->error = errno ? errno : EIO;
    return false;
}

/* Logits of all rows are kept to this many a step: a vocabulary of 262,144 makes one row a megabyte. */
enum { ROWS_A_STEP = 64 };

static bool write_logits(const struct model *m, const struct tokens *ids, FILE *f, struct error *e)
{
    struct session_options o = {.n_ctx = ids->n,
                                .n_out = all ? ROWS_A_STEP : 1,
                                .kv_type = arg_kv_type(),
                                .threads = arg_threads(),
                                .exact = exact,
                                .album = &album};
    struct session *s = session_new(m, &o, e);
    struct sink sink = {f, (size_t)m->hp.n_vocab, 0};
    bool ok = s != NULL;
    if (ok && all)
        ok = session_feed_all(s, ids->id, ids->n, 0, write_row, &sink, e);
    else if (ok)
        ok = session_feed(s, ids->id, ids->n, PHASE_PREFILL, arg_prefill_progress, NULL, e) &&
             (write_row(&sink, ids->n - 1, session_logits(s)) || fail(e, "interrupted"));
    if (sink.error) fail(e, "%s: cannot write: %s", output, strerror(sink.error));
    session_free(s);
    return ok;
}

/* The pictures into the album. Nothing is measured for a prediction that nobody asked for. */
static bool see(const struct model *m, struct error *e)
{
    struct device d = {0};
    bool asked = arg_max_time > 0 || device_name;
    if (asked && !device_find(&d, device_name, note, &interrupted, e)) return false;
    bool known = asked || device_at_hand(&d);
    const struct look_options looking = {.images = images,
                                         .mmproj = arg_mmproj,
                                         .clamp = clamp,
                                         .threads = arg_threads(),
                                         .exact = exact,
                                         .max_tokens = (size_t)m->hp.n_ctx_train,
                                         .max_seconds = arg_max_time,
                                         .say = note,
                                         .device = known ? &d : NULL,
                                         .interrupted = &interrupted};
    bool ok = look(&album, m, &looking, &looked, e);
    device_free(&d);
    return ok;
}

static bool read_ids(const struct model *m, struct tokens *ids, bool *usage, struct error *e)
{
    if (ids_text && !arg_prompt && !arg_file) {
        if (!prompt_parse_ids(ids_text, m->hp.n_vocab, ids, usage, e)) return false;
        *usage = !ids->n;
        return ids->n || fail(e, "--tokens: found no ids, expected at least one");
    }
    if (ids_text) {
        *usage = true;
        return fail(e, "found --tokens and a text, expected one of them");
    }
    size_t len;
    char *text = arg_text(&len, usage, e);
    char *marked = NULL;
    bool ok = text && (!images || see(m, e));
    if (ok && album.n) {
        marked = look_mark(text, album.n);
        ok = marked || fail(e, "prompt: found no memory for %zu bytes", len);
    }
    ok = ok && prompt_from_text(m->tokenizer, marked ? marked : text, marked ? strlen(marked) : len, ids, e) &&
         (!album.n || look_place(m->tokenizer, &album, ids, e));
    free(marked);
    free(text);
    return ok && (ids->n || fail(e, "prompt: found no tokens, expected at least one"));
}

static void print_json(const struct model *m, const struct tokens *ids)
{
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    json_put_string(&j, "output", output);
    json_put_integer(&j, "rows", all ? (int64_t)ids->n : 1);
    json_put_integer(&j, "n_vocab", m->hp.n_vocab);
    json_put_integers(&j, "tokens", ids->id, ids->n);
    if (looked.n) looked_json(&j, &looked);
    json_object_end(&j);
    json_end(&j);
}

static int run(int n_args, char **args)
{
    (void)n_args;
    (void)args;
    if (!output) return usage_error("found no -o, expected -o FILE");
    if (arg_picture_words(images, clamp)) return EXIT_USAGE;
    if (images && ids_text) return usage_error("--image: found --tokens, expected a text");
    struct error e = {""};
    struct tokens ids = {0};
    bool usage = false;
    signals_catch();
    struct model *m = images && !arg_vision(&e) ? NULL : arg_open_model(ids_text ? MODEL_NO_TOKENIZER : 0, &e);
    struct file_output *out = NULL;
    bool ok = m && arg_spares(output, m, arg_file, &e) && read_ids(m, &ids, &usage, &e) && (out = file_output_open(output, &e));
    if (ok) {
        ok = write_logits(m, &ids, file_output_stream(out), &e);
        if (ok)
            ok = file_output_commit(out, &e);
        else
            file_output_discard(out);
    }
    if (ok && common.json) print_json(m, &ids);
    tokens_free(&ids);
    album_free(&album);
    looked_free(&looked);
    model_close(m);
    return ok ? EXIT_DONE : usage ? usage_error("%s", e.text) : failed(&e);
}

const struct command command_logits = {
    .name = "logits",
    .summary = "raw logits of a prompt, for comparison with another engine",
    .usage = "[-m M] (--tokens 1,2,3 | -p TEXT | -f FILE) [--image FILES [--mmproj FILE]] [--all] [--exact] -o FILE",
    .description = "Writes one row of n_vocab little-endian float32 for the last position, or with --all for every one.",
    .options = options,
    .run = run,
};
