/* cmd_tokenize.c - text to token ids, and back. Only the file's vocabulary is read.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/prompt.h"
#include "loader/file.h"
#include "tools/common_args.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TOKENIZE_BYTES = 1 << 29 };

static bool special;

static const struct option tokenize_options[] = {
    ARG_MODEL,
    ARG_FILE,
    {"special", NULL, OPTION_FLAG, &special, NULL, "add BOS and EOS as the model says, and read special tokens in the text", 0,
     0, NULL},
    {.name = NULL},
};

static const struct option detokenize_options[] = {
    ARG_MODEL,
    {"special", NULL, OPTION_FLAG, &special, NULL, "print control tokens too", 0, 0, NULL},
    {.name = NULL},
};

static struct model_file *open_vocabulary(struct tokenizer **t, struct error *e)
{
    const char *path = arg_model_path(e);
    struct file_options o = {.header_only = true};
    struct model_file *f = path ? model_file_open(path, &o, e) : NULL;
    if (!f) return NULL;
    *t = tokenizer_new(f->gguf, e);
    if (*t) return f;
    fail_in(e, path);
    model_file_close(f);
    return NULL;
}

static void print_ids(const struct tokens *ids)
{
    if (common.json) {
        struct json j;
        json_begin(&j, stdout);
        json_object(&j);
        json_put_integers(&j, "tokens", ids->id, ids->n);
        json_object_end(&j);
        json_end(&j);
        return;
    }
    for (size_t i = 0; i < ids->n; i++) printf("%s%d", i ? " " : "", ids->id[i]);
    putchar('\n');
}

static int run_tokenize(int n_args, char **args)
{
    if (n_args > 0 && arg_file) return usage_error("found both TEXT and -f, expected one of them");
    struct error e = {""};
    struct tokenizer *t = NULL;
    struct model_file *f = open_vocabulary(&t, &e);
    if (!f) return failed(&e);
    struct tokens ids = {0};
    size_t len = 0;
    char *read = n_args > 0 ? NULL : file_read(arg_file ? arg_file : "-", MAX_TOKENIZE_BYTES, &len, &e);
    const char *text = n_args > 0 ? args[0] : read;
    if (n_args > 0) len = strlen(text);
    bool ok = text && tokenize(t, text, len, special ? TOKENIZE_ADD_SPECIAL | TOKENIZE_PARSE_SPECIAL : 0, &ids, &e);
    if (ok) print_ids(&ids);
    tokens_free(&ids);
    free(read);
    tokenizer_free(t);
    model_file_close(f);
    return ok ? finish_stdout(EXIT_DONE) : failed(&e);
}

static void print_text(const char *text, size_t len)
{
    if (!common.json) {
        fwrite(text, 1, len, stdout);
        return;
    }
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    json_key(&j, "text");
    json_bytes(&j, text, len);
    json_object_end(&j);
    json_end(&j);
}

static int run_detokenize(int n_args, char **args)
{
    struct error e = {""};
    struct tokenizer *t = NULL;
    struct model_file *f = open_vocabulary(&t, &e);
    if (!f) return failed(&e);
    struct tokens ids = {0};
    bool ok = true, usage = false;
    char *text = NULL;
    size_t len;
    for (int i = 0; ok && i < n_args; i++) ok = prompt_parse_ids(args[i], t->n_vocab, &ids, &usage, &e);
    ok = ok && detokenize(t, ids.id, ids.n, special, &text, &len, &e);
    if (ok) print_text(text, len);
    free(text);
    tokens_free(&ids);
    tokenizer_free(t);
    model_file_close(f);
    if (usage) return usage_error("%s", e.text);
    return ok ? finish_stdout(EXIT_DONE) : failed(&e);
}

const struct command command_tokenize = {
    .name = "tokenize",
    .summary = "text to token ids, on one line",
    .usage = "-m M [--special] [TEXT | -f FILE]",
    .description = "Without TEXT and -f the text is read from stdin. Plain, nothing is added and the text of a special token "
                   "is text like any "
                   "other; user-defined tokens of the vocabulary are always matched whole.",
    .options = tokenize_options,
    .max_args = 1,
    .run = run_tokenize,
};

const struct command command_detokenize = {
    .name = "detokenize",
    .summary = "token ids to the bytes they stand for",
    .usage = "-m M [--special] IDS...",
    .description =
        "IDS are numbers, separated by blanks or commas. The bytes are printed as they are, with no newline after them.",
    .options = detokenize_options,
    .min_args = 1,
    .max_args = -1,
    .run = run_detokenize,
};
