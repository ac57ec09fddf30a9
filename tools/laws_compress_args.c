/* SPDX-License-Identifier: MIT */
#include "tools/laws_compress_args.h"

#include <stdlib.h>

#include "engine/compress/bundled_text.h"
#include "loader/file.h"
#include "tools/common_args.h"

enum { MAX_TEXT = 1 << 30 };

struct laws_compress_args laws_compress_args;

struct ratios {
    double v[SWEEP_MODELS];
    size_t n;
};

/* "0.9,0.8"; false: not numbers above 0 and below 1, or too many. */
static bool read_ratios(struct ratios *r)
{
    const char *at = laws_compress_args.ratios;
    r->n = 0;
    while (at && *at) {
        char *end;
        double v = strtod(at, &end);
        if (end == at || !(v > 0 && v < 1) || r->n == SWEEP_MODELS || (*end && *end != ',') || (*end && !end[1])) return false;
        r->v[r->n++] = v;
        at = end + (*end == ',');
    }
    return !laws_compress_args.ratios || r->n;
}

const char *laws_compress_given(void)
{
    const struct laws_compress_args *a = &laws_compress_args;
    if (a->ratios || a->core_type || a->text || a->chunks || calibration_args.calib)
        return "found --ratios, --core-type, --calib, -f or --chunks, which are of laws compress alone";
    return NULL;
}

const char *laws_compress_wrong(const char *dir)
{
    static char text[128];
    struct ratios r;
    enum type type;
    const char *given = laws_compress_args.core_type;
    if (!read_ratios(&r)) return "--ratios: expected numbers above 0 and below 1, as 0.9,0.8";
    if (r.n && !dir) return "found --ratios without -o DIR, expected where the variants are made";
    if (given && !type_by_name(given, &type)) {
        snprintf(text, sizeof text, "--core-type: found '%.40s', expected a type as Q8_0 or F16", given);
        return text;
    }
    return NULL;
}

size_t laws_compress_words(const char **word)
{
    static char tokens[24], chunks[24];
    const struct laws_compress_args *a = &laws_compress_args;
    const char *const pairs[][2] = {{"--ratios", a->ratios},
                                    {"--core-type", a->core_type},
                                    {"--calib", calibration_args.calib},
                                    {"--tokens", a->ratios ? tokens : NULL},
                                    {"-f", a->text},
                                    {"--chunks", a->chunks ? chunks : NULL}};
    size_t n = 0;
    snprintf(tokens, sizeof tokens, "%lld", (long long)calibration_args.tokens);
    snprintf(chunks, sizeof chunks, "%lld", (long long)a->chunks);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][1]) word[n++] = pairs[i][0], word[n++] = pairs[i][1];
    return n;
}

static void show_making(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    (void)ctx;
    progress(what, done, total);
}

static bool show_chunk(void *ctx, size_t done, size_t total)
{
    (void)ctx;
    progress("perplexity", done, total);
    return !interrupted;
}

bool laws_compress_run(const struct laws_options *laws, struct error *e)
{
    struct ratios r;
    enum type type = TYPE_Q8_0;
    size_t calib_len = 0, text_len = 0;
    read_ratios(&r);
    if (laws_compress_args.core_type) type_by_name(laws_compress_args.core_type, &type);
    bool own = r.n && calibration_args.calib; /* else the bundled one */
    char *calib = own ? file_read(calibration_args.calib, MAX_TEXT, &calib_len, e) : NULL;
    char *text = laws_compress_args.text && (calib || !own) ? file_read(laws_compress_args.text, MAX_TEXT, &text_len, e) : NULL;
    bool ok = (calib || !own) && (text || !laws_compress_args.text);
    struct laws_compress_options o = {.laws = *laws,
                                      .ratio = r.v,
                                      .n_ratios = r.n,
                                      .text = text,
                                      .text_len = text_len,
                                      .compress = {.text = calib ? calib : bundled_text,
                                                   .text_len = calib ? calib_len : bundled_text_len,
                                                   .tokens = (size_t)calibration_args.tokens,
                                                   .core_type = type,
                                                   .threads = laws->sweep.threads,
                                                   .progress = show_making,
                                                   .stop = &interrupted},
                                      .quality = {.context = CALIBRATION_CONTEXT,
                                                  .max_chunks = (size_t)laws_compress_args.chunks,
                                                  .kv_type = laws->sweep.kv_type,
                                                  .threads = laws->sweep.threads,
                                                  .progress = show_chunk}};
    struct laws_compress *c = ok ? laws_compress(&o, e) : NULL;
    progress_clear();
    if (c && common.json)
        laws_compress_json(c, stdout);
    else if (c)
        laws_compress_print(c, stdout);
    laws_compress_free(c);
    free(calib);
    free(text);
    return c;
}
