/* cmd_run.c - a prompt continued, and what it cost.
 * SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/json.h"
#include "base/si.h"
#include "engine/account/calibrate.h"
#include "engine/account/report.h"
#include "engine/conversation.h"
#include "engine/look.h"
#include "engine/meter/metering.h"
#include "engine/prompt.h"
#include "tools/common_args.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_TOKENS = 256 };

static int64_t n_tokens = DEFAULT_TOKENS, context, batch;
/* Negative: not given, so that sample_defaults holds. */
static int64_t top_k = -1, repeat_window = -1, seed = -1;
static double temperature = -1, top_p = -1, min_p = -1, repeat_penalty = -1;
static bool chat, echo, profile, ignore_eos;
static const char *system_text, *chat_format, *device_name, *images, *clamp;

static struct album album;   /* --image, while the command runs */
static struct looked looked; /* and what it took */
static bool looked_told;     /* in a table before */

static struct meter *meter; /* --energy, while the command runs */
static struct metering metering;
static bool is_metering;

static const struct option options[] = {
    ARG_MODEL,
    ARG_PROMPT,
    ARG_FILE,
    {"n-predict", "n", OPTION_INT, &n_tokens, "N", "generate at most N tokens (default 256)", 0, 1 << 30, NULL},
    {"context", "c", OPTION_INT, &context, "N",
     "positions in the cache (default: prompt and N, within what the model was trained on)", 1, 1 << 30, NULL},
    {"batch", "b", OPTION_INT, &batch, "N", "prompt tokens a step (default 512)", 1, 1 << 20, NULL},
    {"chat", NULL, OPTION_FLAG, &chat, NULL,
     "the prompt is a user's turn, in the model's chat format; without -p on a terminal, a conversation", 0, 0, NULL},
    {"system", NULL, OPTION_STRING, &system_text, "TEXT", "with --chat: the system message", 0, 0, NULL},
    {"chat-format", NULL, OPTION_STRING, &chat_format, "NAME",
     "with --chat: the format, where the file's own template is missing or unknown", 0, 0, NULL},
    {"temp", NULL, OPTION_FLOAT, &temperature, "T", "temperature, 0 for greedy (default 0.8)", 0, 100, NULL},
    {"top-k", NULL, OPTION_INT, &top_k, "K", "sample among the K likeliest, 0 for all (default 40)", 0, 1 << 30, NULL},
    {"top-p", NULL, OPTION_FLOAT, &top_p, "P", "... among the likeliest that hold P together (default 0.95)", 0, 1, NULL},
    {"min-p", NULL, OPTION_FLOAT, &min_p, "P", "... among those at least P times as likely as the likeliest (default 0.05)", 0,
     1, NULL},
    {"repeat-penalty", NULL, OPTION_FLOAT, &repeat_penalty, "R", "penalty on recent tokens, 1 for none (default 1)", 0.01, 100,
     NULL},
    {"repeat-last-n", NULL, OPTION_INT, &repeat_window, "N", "how many tokens are recent (default 64)", 0, SAMPLE_MAX_WINDOW,
     NULL},
    {"seed", "s", OPTION_INT, &seed, "S", "of the sampler (default 1)", 0, 9e15, NULL},
    {"ignore-eos", NULL, OPTION_FLAG, &ignore_eos, NULL, "go on past the end of the model's answer", 0, 0, NULL},
    {"echo", NULL, OPTION_FLAG, &echo, NULL, "print the prompt too", 0, 0, NULL},
    {"image", NULL, OPTION_STRING, &images, "FILES",
     "pictures before the prompt's text, or where it has <|image_pad|>: PNG, PPM or PGM, with commas between them", 0, 0, NULL},
    ARG_MMPROJ,
    {"clamp", NULL, OPTION_STRING, &clamp, "C", "with --image: how its size is bounded (see `hartree see`)", 0, 0, NULL},
    ARG_MAX_TIME,
    ARG_KV,
    {"device", NULL, OPTION_STRING, &device_name, "D",
     "device profile for the prediction: a path, a bundled one (rpi5, m2), or 'this' (default)", 0, 0, NULL},
    {"profile", NULL, OPTION_FLAG, &profile, NULL, "print the time of every op beside its prediction", 0, 0, NULL},
    ARG_ENERGY,
    {.name = NULL},
};

/* Text as it streams: to stdout, or, for --json, into memory. */
struct output {
    FILE *f;
    char *text;
    size_t len;
    int error; /* errno of the write that failed */
};

static bool put_text(void *ctx, const char *bytes, size_t n)
{
    struct output *o = ctx;
    progress_clear();
    errno = 0;
    if (fwrite(bytes, 1, n, o->f) == n && !fflush(o->f)) return true;
    o->error = errno ? errno : EIO;
    return false;
}

/* The generated text goes where --json does not get in its way. */
static bool output_open(struct output *o, struct error *e)
{
    o->f = common.json ? open_memstream(&o->text, &o->len) : stdout;
    return o->f || fail(e, "text: found no memory for it");
}

static struct sample_params sample_params(void)
{
    struct sample_params p = sample_defaults;
    if (temperature >= 0) p.temperature = (float)temperature;
    if (top_k >= 0) p.top_k = (int)top_k;
    if (top_p >= 0) p.top_p = (float)top_p;
    if (min_p >= 0) p.min_p = (float)min_p;
    if (repeat_penalty >= 0) p.repeat_penalty = (float)repeat_penalty;
    if (repeat_window >= 0) p.repeat_window = (int)repeat_window;
    if (seed >= 0) p.seed = (uint64_t)seed;
    return p;
}

static struct generate_options generate_options(struct output *out)
{
    return (struct generate_options){
        .max_tokens = (size_t)n_tokens,
        .sample = sample_params(),
        .ignore_eos = ignore_eos,
        .prefill_progress = arg_prefill_progress,
        .text = put_text,
        .ctx = out,
        .interrupted = &interrupted,
    };
}

/* What was predicted before anything ran. */
struct frozen {
    struct prediction of; /* the prompt, and as many tokens as may be generated */
    char sha256[SHA256_HEX];
    size_t gen;
};

static bool freeze(struct frozen *z, const struct session *s, size_t prompt, const struct device *d, struct error *e)
{
    if (!run_predict(&z->of, s, 0, prompt, (size_t)n_tokens, d, e)) return false;
    z->gen = z->of.options.gen;
    strcpy(z->sha256, z->of.sha256);
    detail("predicted before it runs: %s for the prompt's %zu tokens, %s for %zu after them (SHA-256 %s)",
           si(z->of.prefill_s, "s").s, prompt, si(z->of.decode_s, "s").s, z->gen, z->sha256);
    return true;
}

static void print_json(const struct output *out, const struct generate_result *g, const struct run_report *r,
                       const struct frozen *z, double load_s)
{
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    json_key(&j, "text");
    json_bytes(&j, out->text, out->len);
    json_put_integer(&j, "prompt_tokens", (int64_t)g->prompt_tokens);
    json_put_integer(&j, "generated_tokens", (int64_t)g->generated_tokens);
    json_put_integers(&j, "tokens", g->tokens, g->generated_tokens);
    json_put_string(&j, "stop", stop_name(g->stop));
    json_put_number(&j, "load_s", load_s);
    json_put_number(&j, "vision_s", r->vision_s);
    json_put_number(&j, "prefill_s", r->prefill_s);
    json_put_number(&j, "decode_s", r->decode_s);
    json_put_number(&j, "prefill_tps", r->prefill_tps);
    json_put_number(&j, "decode_tps", r->decode_tps);
    json_put_number(&j, "peak_rss_bytes", r->peak_rss_bytes);
    json_key(&j, "predicted");
    json_object(&j);
    json_put_number(&j, "vision_s", r->predicted_vision_s);
    json_put_number(&j, "prefill_s", r->predicted_prefill_s);
    json_put_number(&j, "decode_s", r->predicted_decode_s);
    json_put_integer(&j, "frozen_gen", (int64_t)z->gen); /* of so many tokens before it ran, by this hash */
    json_put_string(&j, "sha256", z->sha256);
    json_object_end(&j);
    energy_json(&j, &r->energy);
    if (looked.n) looked_json(&j, &looked);
    json_object_end(&j);
    json_end(&j);
}

/* Begins the metering unless it has begun. */
static bool meter_from_here(struct error *e)
{
    return is_metering || (is_metering = metering_begin(&metering, meter, &interrupted, e));
}

/* Ends the metering. What was asked for by name and gave no joules is an error; of `auto` it is worth a word. */
static bool take_energy(struct energy *energy, struct error *e)
{
    struct error why;
    is_metering = false;
    if (metering_end(&metering, energy, &why)) return true;
    if (strcmp(arg_energy, "auto")) return fail(e, "--energy: %s", why.text);
    note("energy: %s", why.text);
    return true;
}

/* The table at the end, on stderr; or the JSON object. */
static bool report(struct session *s, const struct generate_result *g, const struct output *out, struct frozen *z,
                   const struct device *d, double load_s, const struct energy *energy, struct error *e)
{
    struct run_report r;
    if (!run_report(&r, s, s->kv->used - g->prompt_tokens - g->decode_steps, g, z ? &z->of : NULL, d, e)) return false;
    if (energy->kind == ENERGY_MEASURED) r.energy = *energy;
    if (looked.n && !looked_told) /* a turn of a conversation has joules of its own; the pictures were seen before it */
        run_report_add_pictures(&r, album.n_rows, looked.vision_s, looked.predicted_s, z ? looked.predicted_j : 0);
    looked_told = true;
    bool ok = true;
    if (common.json) print_json(out, g, &r, z, load_s);
    if (!common.quiet) {
        fprintf(stderr, "%sloaded in %.2f s, stopped by %s\n", common.json ? "" : "\n", load_s, stop_name(g->stop));
        run_report_print(&r, stderr);
    }
    if (profile) ok = run_report_print_profile(&r, stderr, e);
    run_report_free(&r);
    return ok;
}

static bool one_prompt(struct session *s, const struct tokens *ids, const char *text, size_t len, const struct device *d,
                       double load_s, struct error *e)
{
    struct output out = {0};
    struct generate_result g = {0};
    struct energy energy = energy_none;
    struct error unmetered = {""};
    struct frozen frozen = {.gen = 0};
    bool ok = freeze(&frozen, s, ids->n, d, e) && output_open(&out, e), metered = true;
    if (ok && echo && !common.json) ok = put_text(&out, text, len);
    if (ok && (ok = meter_from_here(e))) {
        struct generate_options o = generate_options(&out);
        ok = session_generate(s, ids->id, ids->n, &o, &g, e);
        metered = take_energy(&energy, &unmetered);
    }
    if (out.error) fail(e, "stdout: %s", strerror(out.error));
    if (out.f && out.f != stdout)
        fclose(out.f);
    else if (ok)
        putchar('\n');
    ok = ok && report(s, &g, &out, &frozen, d, load_s, &energy, e);
    if (ok && !metered) ok = fail(e, "%s", unmetered.text); /* after the text and the table, which are good */
    prediction_free(&frozen.of);
    generate_result_free(&g);
    free(out.text);
    return ok;
}

/* Reads turns from the terminal until its end. Ctrl-C stops the answer; at the prompt it ends the conversation. */
static bool converse(struct session *s, const struct chat_format *f, const struct device *d, double load_s, struct error *e)
{
    struct conversation c;
    char *line = NULL;
    size_t capacity = 0;
    bool ok = conversation_start(&c, s, f, system_text, e);
    if (ok) note("Ctrl-C stops an answer, Ctrl-D ends the conversation");
    while (ok) {
        fputs("> ", stdout);
        fflush(stdout);
        ssize_t n = getline(&line, &capacity, stdin);
        if (n < 0 || interrupted) break;
        line[strcspn(line, "\n")] = 0;
        if (!*line) continue;
        struct output out = {.f = stdout};
        struct generate_result g = {0};
        struct generate_options o = generate_options(&out);
        struct energy energy = energy_none;
        struct error why;
        if ((ok = meter_from_here(e))) {
            ok = conversation_turn(&c, line, &o, &g, e);
            is_metering = false;
            if (!metering_end(&metering, &energy, &why)) note("energy: %s", why.text); /* no reason to end a conversation */
        }
        if (out.error) fail(e, "stdout: %s", strerror(out.error));
        if (interrupted == SIGINT) interrupted = 0; /* it meant the answer */
        putchar('\n');
        if (ok && common.verbose) ok = report(s, &g, &out, NULL, d, load_s, &energy, e);
        generate_result_free(&g);
    }
    putchar('\n');
    free(line);
    conversation_end(&c);
    return ok;
}

/* The prompt's ids, in the chat format where that is asked for. */
static bool read_prompt(const struct model *m, const struct chat_format *f, const char *text, size_t len, struct tokens *ids,
                        struct error *e)
{
    if (!f && !album.n) return prompt_from_text(m->tokenizer, text, len, ids, e);
    if (strlen(text) < len) return fail(e, "prompt: found a NUL byte at byte %zu, expected none in a message", strlen(text));
    char *marked = look_mark(text, album.n);
    if (!marked) return fail(e, "prompt: found no memory for %zu bytes", len);
    struct chat_message messages[2] = {{"system", system_text}, {"user", marked}};
    bool ok = f ? prompt_from_chat(m->tokenizer, f, system_text ? messages : messages + 1, system_text ? 2 : 1, ids, e)
                : prompt_from_text(m->tokenizer, marked, strlen(marked), ids, e);
    free(marked);
    return ok && (!album.n || look_place(m->tokenizer, &album, ids, e));
}

static bool run_model(const struct model *m, const struct device *d, const char *text, size_t len, bool conversation,
                      double load_s, struct error *e)
{
    struct tokens ids = {0};
    const struct chat_format *f = NULL;
    if (chat && !(f = chat_format_find(m->tokenizer, chat_format, e))) return chat_format ? false : fail_in(e, m->file->path);
    struct session *s = NULL;
    const struct look_options looking = {.images = images,
                                         .mmproj = arg_mmproj,
                                         .clamp = clamp,
                                         .threads = arg_threads(),
                                         .max_tokens = context ? (size_t)context : (size_t)m->hp.n_ctx_train,
                                         .max_seconds = arg_max_time,
                                         .say = note,
                                         .device = d,
                                         .interrupted = &interrupted};
    /* Joules of one prompt are of all that it takes: of reading its pictures and of their tower, too. */
    bool ok = !images || ((conversation || meter_from_here(e)) && look(&album, m, &looking, &looked, e));
    ok = ok && (conversation || read_prompt(m, f, text, len, &ids, e));
    if (ok && !conversation && !ids.n) ok = fail(e, "prompt: found no tokens, expected at least one");
    if (ok) {
        size_t needed = conversation ? 0 : ids.n + (size_t)n_tokens;
        if (conversation && album.n) needed = session_context_for(m, 0) + album.n_rows;
        struct session_options o = {.n_ctx = context ? (size_t)context : session_context_for(m, needed),
                                    .n_batch = (size_t)batch,
                                    .kv_type = arg_kv_type(),
                                    .threads = arg_threads(),
                                    .profile = profile,
                                    .album = &album};
        if (ids.n > o.n_ctx)
            ok = fail(e, "prompt: found %zu tokens, expected at most %zu as the context has", ids.n, o.n_ctx);
        else
            ok = (s = session_new(m, &o, e));
        if (ok && o.n_ctx > (size_t)m->hp.n_ctx_train)
            note("a context of %zu is more than the %d that the model was trained on", o.n_ctx, m->hp.n_ctx_train);
    }
    if (ok) ok = conversation ? converse(s, f, d, load_s, e) : one_prompt(s, &ids, text, len, d, load_s, e);
    if (is_metering) { /* it failed before there was anything to tell */
        struct energy ignored;
        struct error failed;
        is_metering = false;
        metering_end(&metering, &ignored, &failed);
    }
    session_free(s);
    tokens_free(&ids);
    album_free(&album);
    looked_free(&looked);
    return ok;
}

/* A misspelt format is wrong usage, which needs no model to be seen. */
static bool check_chat_format(void)
{
    enum { MAX_NAMES = 64 };
    const char *words[MAX_NAMES + 1] = {NULL};
    struct error e;
    if (!chat_format || chat_format_find(NULL, chat_format, &e)) return true;
    for (size_t i = 0; i < MAX_NAMES && chat_format_at(i); i++) words[i] = chat_format_name(chat_format_at(i));
    const char *near = nearest_word(chat_format, words);
    if (near)
        usage_error("--chat-format: unknown '%s', did you mean '%s'?", chat_format, near);
    else
        usage_error("%s", e.text);
    return false;
}

static int run(int n_args, char **args)
{
    (void)n_args;
    (void)args;
    struct error e = {""};
    bool usage = false, conversation = chat && !arg_prompt && !arg_file && isatty(STDIN_FILENO) && !common.json;
    if (!chat && (system_text || chat_format))
        return usage_error("found --system or --chat-format without --chat, expected --chat");
    if (arg_picture_words(images, clamp)) return EXIT_USAGE;
    if (!meter_known(arg_energy, &e)) return usage_error("--energy: %s", e.text);
    if (!check_chat_format()) return EXIT_USAGE;
    signals_catch();
    size_t len = 0;
    char *text = conversation ? NULL : arg_text(&len, &usage, &e);
    if (!conversation && !text) return usage ? usage_error("%s", e.text) : failed(&e);
    struct device d = {0};
    double load_s;
    meter = arg_open_meter(&e); /* before the model, which takes its time: a word that opens nothing is seen at once */
    struct model *m = meter && (!images || arg_vision(&e)) ? arg_open_model_and_device(0, device_name, &d, &load_s, &e) : NULL;
    bool ok = m && run_model(m, &d, text, len, conversation, load_s, &e);
    model_close(m);
    meter_close(meter);
    device_free(&d);
    free(text);
    return ok ? EXIT_DONE : failed(&e);
}

const struct command command_run = {
    .name = "run",
    .summary = "continue a prompt or chat, and say what it cost beside what was predicted",
    .usage = "[-m M] [-p TEXT | -f FILE] [-n N] [--chat] [--image FILES [--mmproj FILE]] [options]",
    .description =
        "The continuation streams to stdout. At the end a table on stderr gives tokens, speed, memory, and time predicted and "
        "measured. Ctrl-C stops cleanly, with the table of what was done. In a conversation -v prints the table after each "
        "answer.",
    .options = options,
    .run = run,
};
