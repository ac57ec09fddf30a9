/* cmd_ppl.c - perplexity of a text.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/divergence.h"
#include "engine/perplexity.h"
#include "tools/common_args.h"

#include <stdlib.h>

static int64_t context, chunks;
static bool exact;
static const char *against;

static const struct option options[] = {
    ARG_MODEL,
    ARG_FILE,
    ARG_PROMPT,
    {"context", "c", OPTION_INT, &context, "N", "tokens a chunk (default 512)", 4, 1 << 24, NULL},
    {"chunks", NULL, OPTION_INT, &chunks, "N", "at most N chunks (default: all)", 1, 1 << 30, NULL},
    {"exact", NULL, OPTION_FLAG, &exact, NULL, "dequantised weights, float32 activations and cache", 0, 0, NULL},
    {"against", NULL, OPTION_STRING, &against, "FILE",
     "the model that -m was made from: the ratio of their perplexities and the KL divergence, position by position", 0, 0,
     NULL},
    ARG_KV,
    {.name = NULL},
};

static bool show(void *ctx, size_t done, size_t total, double running)
{
    (void)ctx;
    detail("chunk %zu of %zu: %.4f", done, total, running);
    progress("perplexity", done, total);
    return !interrupted;
}

static void print(const struct perplexity *p)
{
    if (!common.json) {
        printf("perplexity %.4f +- %.4f (%zu tokens in %zu chunks of %zu)\n", p->perplexity, p->standard_error, p->tokens,
               p->chunks, p->context);
        return;
    }
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    json_put_number(&j, "perplexity", p->perplexity);
    json_put_number(&j, "stderr", p->standard_error);
    json_put_number(&j, "nll", p->nll);
    json_put_integer(&j, "tokens", (int64_t)p->tokens);
    json_put_integer(&j, "chunks", (int64_t)p->chunks);
    json_put_integer(&j, "context", (int64_t)p->context);
    json_object_end(&j);
    json_end(&j);
}

/* ---- Against the model that it was made from ---- */

static bool show_chunk(void *ctx, size_t done, size_t total)
{
    (void)ctx;
    progress("perplexity", done, total);
    return !interrupted;
}

static void print_divergence(const struct divergence *d)
{
    if (!common.json) {
        arg_print_divergence(d);
        return;
    }
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    json_put_divergence(&j, d);
    json_object_end(&j);
    json_end(&j);
}

static int run_against(const char *text, size_t len)
{
    struct error e = {""};
    struct divergence_options o = {.context = (size_t)context,
                                   .max_chunks = (size_t)chunks,
                                   .kv_type = arg_kv_type(),
                                   .threads = arg_threads(),
                                   .progress = show_chunk};
    struct divergence d;
    struct model *m = arg_open_model(0, &e), *original = m ? model_open(against, NULL, 0, &e) : NULL;
    bool ok = original && divergence_run(original, m, text, len, &o, &d, &e);
    model_close(original);
    model_close(m);
    if (!ok) return failed(&e);
    print_divergence(&d);
    return EXIT_DONE;
}

static int run(int n_args, char **args)
{
    (void)n_args;
    (void)args;
    struct error e = {""};
    bool usage = false;
    size_t len;
    signals_catch();
    char *text = arg_text(&len, &usage, &e);
    if (!text) return usage ? usage_error("%s", e.text) : failed(&e);
    if (!context) context = 512;
    if (against) {
        int status = exact ? usage_error("found both --exact and --against, expected one of them") : run_against(text, len);
        free(text);
        return status;
    }
    struct model *m = arg_open_model(0, &e);
    /* 128 rows of logits a step: enough for the matrix kernels, little enough memory for the largest vocabularies. */
    struct session_options o = {
        .n_ctx = (size_t)context, .n_out = 128, .kv_type = arg_kv_type(), .threads = arg_threads(), .exact = exact};
    struct session *s = m ? session_new(m, &o, &e) : NULL;
    struct perplexity p;
    bool ok = s && perplexity_run(s, text, len, (size_t)context, (size_t)chunks, show, NULL, &p, &e);
    session_free(s);
    model_close(m);
    free(text);
    if (!ok) return failed(&e);
    print(&p);
    return EXIT_DONE;
}

const struct command command_ppl = {
    .name = "ppl",
    .summary = "perplexity of a text, scored as llama-perplexity does",
    .usage = "-m M -f FILE [-c 512] [--against ORIGINAL]",
    .description = "The text's tokens are cut into chunks; the second half of each is predicted from what stands before it.",
    .options = options,
    .run = run,
};
