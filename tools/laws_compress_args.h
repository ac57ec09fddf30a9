/* laws_compress_args.h - what `hartree laws compress` takes beside the words of `laws text`.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LAWS_COMPRESS_ARGS_H
#define HARTREE_LAWS_COMPRESS_ARGS_H

#include "engine/laws/laws_compress.h"
#include "tools/calibration_args.h"

struct laws_compress_args {
    const char *ratios, *core_type, *text;
    int64_t chunks;
};
extern struct laws_compress_args laws_compress_args;

/* clang-format off */
#define LAWS_COMPRESS_ARGS \
    {"ratios", NULL, OPTION_STRING, &laws_compress_args.ratios, "R,...", \
     "compress: make variants of so much of the block matrices' parameters, as 0.9,0.8", 0, 0, NULL}, \
    {"core-type", NULL, OPTION_STRING, &laws_compress_args.core_type, "T", "compress: type of their cores (default Q8_0)", \
     0, 0, NULL}, \
    ARG_CALIB, \
    ARG_TOKENS, \
    {"file", "f", OPTION_STRING, &laws_compress_args.text, "FILE", "compress: the text that perplexities are taken on", \
     0, 0, NULL}, \
    {"chunks", NULL, OPTION_INT, &laws_compress_args.chunks, "N", \
     "compress: at most N chunks of 512 tokens of it (default: all)", 1, 1 << 30, NULL}
/* clang-format on */

/* What is wrong with the words, NULL: nothing. laws_compress_given: for a sweep that takes none of them. */
const char *laws_compress_wrong(const char *dir);
const char *laws_compress_given(void);

/* Those that were said, as names and values in turn: at most LAWS_COMPRESS_WORDS. Returns how many. */
enum { LAWS_COMPRESS_WORDS = 12 };
size_t laws_compress_words(const char **word);

/* Runs it and prints the result. */
bool laws_compress_run(const struct laws_options *laws, struct error *e);

#endif
