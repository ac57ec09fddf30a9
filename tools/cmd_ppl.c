/* cmd_ppl.c - perplexity of a text.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/perplexity.h"
#include "tools/common_args.h"

#include <stdlib.h>

static int64_t context, chunks;
static bool exact;

static const struct option options[] = {
    ARG_MODEL,
    ARG_FILE,
    ARG_PROMPT,
    {"context", "c", OPTION_INT, &context, "N", "tokens a chunk (default 512)", 4, 1 << 24, NULL},
    {"chunks", NULL, OPTION_INT, &chunks, "N", "at most N chunks (default: all)", 1, 1 << 30, NULL},
    {"exact", NULL, OPTION_FLAG, &exact, NULL, "dequantised weights, float32 activations and cache", 0, 0, NULL},
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
    .usage = "-m M -f FILE [-c 512]",
    .description = "The text's tokens are cut into chunks; the second half of each is predicted from what stands before it.",
    .options = options,
    .run = run,
};
