/* paper.h - the figures of arXiv 2512.16531 ("Scaling Laws for Energy Efficiency of Local LLMs"), predicted.
 *
 * The paper ran Llama-3.1-8B Q4_K_M against Gilda (3.2 B parameters) and Qwen2-VL-2B F16 against Axolotl (1.1 B) under
 * llama.cpp on a MacBook Pro M2 and a Raspberry Pi 5. Each of its figures stands here beside what the shapes and a device
 * profile alone say of it; nothing is fitted to the figures.
 *
 * What the paper does not state (how long answers are, the shapes of the compressed models ...) and what a profile does not
 * know exactly (bandwidth, rates, powers) is an input with a range: PAPER_INPUTS below. All are drawn at once, 4096 times, from
 * a generator with a fixed seed (splitmix64); a figure's prediction is the median over the draws, its interval their 2.5th to
 * 97.5th percentile. The same program on the same profile gives the same bits.
 *
 * Where a published figure lies outside the interval, or more than a tenth from the median, the report solves the same model,
 * at the middle of all inputs, for what would have to hold.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PAPER_H
#define HARTREE_PAPER_H

#include "base/json.h"
#include "base/sha256.h"
#include "engine/account/device.h"

/* X(INPUT, distribution, low, high, what it is and where its range comes from). EVEN and LOG are uniform in the value and its
 * logarithm; ONE_OF a whole number; NORMAL a factor whose logarithm is normal about 0, its standard deviation `low`; FIXED is
 * `low` and drawn never: it is there to be solved for. Ranges of 0 to 0 depend on the device (paper.c). */
#define PAPER_INPUTS(X)                                                                                                     \
    X(ANSWER, LOG, 64, 512, "tokens of an answer to a text prompt: not stated, assumed")                                    \
    X(ANSWER_RATIO, LOG, 0.8, 1.25, "the compressed model's answers to the original's, in length: not stated, assumed")     \
    X(PROMPT_STEP, LOG, 15, 60, "tokens that each of the 19 prompts adds: not stated, assumed")                             \
    X(GILDA, ONE_OF, 0, 2, "Gilda's shape: narrower layers, fewer layers, or a Llama-3.2-3B's: not published, assumed")     \
    X(WEIGHTS_SHARE, EVEN, 0, 1, "share of the weights in the memory above idle (mapped files may not count): not stated")  \
    X(BESIDE, LOG, 1e8, 6e8, "bytes beside weights and cache, in both models alike: assumed")                               \
    X(PICTURE_ANSWER, LOG, 32, 256, "tokens of an answer to a picture: not stated, assumed")                                \
    X(AXOLOTL, ONE_OF, 0, 2, "what of Qwen2-VL shrank: both parts; the text part to 0.44 B; the text part to 1.1 B: assumed") \
    X(STORAGE, LOG, 0, 0, "bytes/s at which each picture's run reads its files anew: by device, assumed")                   \
    X(BANDWIDTH, NORMAL, 0, 0, "the profile's bandwidth: its `noise` (median deviation) as a standard deviation")           \
    X(OWN_BANDWIDTH_A, NORMAL, 0.03, 0, "of one run: warm-up moved tokens/s by 2.8 % (llama.cpp #26484)")                   \
    X(OWN_BANDWIDTH_B, NORMAL, 0.03, 0, "the same for the compressed model's run")                                          \
    X(ARITHMETIC, LOG, 0, 0, "the profile's prefill rates of quantised types: by device")                                   \
    X(FLOAT_ARITHMETIC, LOG, 0, 0, "the profile's prefill rates of F16 (tower and text part): by device")                   \
    X(POWER, EVEN, 0, 1, "idle and active power, from low95 (0) to high95 (1) of the profile's energy terms")               \
    X(OWN_POWER_A, NORMAL, 0.04, 0, "of one run: half of the spread over five types in llama.cpp #26484, assumed")          \
    X(OWN_POWER_B, NORMAL, 0.04, 0, "the same for the compressed model's run")                                              \
    X(TOKEN_TIME, FIXED, 0, 0, "seconds a token beside what the model needs, in both: none")                                \
    X(COMMON_TIME, FIXED, 0, 0, "seconds a prompt of the same work in both: none")

enum paper_input {
#define X(name, kind, low, high, what) PAPER_##name,
    PAPER_INPUTS(X)
#undef X
        PAPER_N_INPUTS
};

struct paper_input_word {
    const char *name, *kind, *what;
};
extern const struct paper_input_word paper_inputs[PAPER_N_INPUTS];

enum { PAPER_DRAWS = 4096 };

struct paper_row {
    const char *figure;        /* "llm_throughput" ..., a literal */
    const char *unit;          /* "change" (-0.62: 62 % less), "ratio", "Wh", "TFLOP", "px", "1" */
    int machine;               /* of paper.machines; -1: a figure of no machine */
    double published;          /* NAN: the paper has no such figure, or not of this machine */
    double predicted, low, high; /* NAN: not predicted */
    char missing[512];         /* the published figure is outside: which term may be missing, what would have to hold; "" */
    char note[512];            /* inside but more than a tenth off: what would have to hold; or what else to know; "" */
};

enum { PAPER_MAX_ROWS = 48, PAPER_MACHINES = 2 };

struct paper_machine {
    char name[DEVICE_TEXT];
    struct device device;
    double range[PAPER_N_INPUTS][2]; /* what each input was drawn from: ends, or a deviation and nothing */
};

struct paper {
    struct paper_row rows[PAPER_MAX_ROWS];
    size_t n, n_machines;
    struct paper_machine machines[PAPER_MACHINES];
    char sha256[SHA256_HEX]; /* of what is predicted, ranges and device profiles; of nothing published */
};

/* Predicts the figures on the paper's two machines, rpi5 and m2, or on the one that `device` means to device_find (NULL: both;
 * `say` is device_find's). False and *e if there is no such device or memory is short; paper_free releases *p otherwise. */
bool paper_predict(struct paper *p, const char *device, void (*say)(const char *format, ...), struct error *e);
void paper_free(struct paper *p);

/* "rpi5", "m2" or a profile's name; NULL for a figure of no machine. */
const char *paper_device(const struct paper *p, const struct paper_row *r);

/* 1: the published figure lies in the interval, 0: it does not, -1: one of them is not there. */
int paper_inside(const struct paper_row *r);

/* (predicted - published) / published, of a change's remainder (-0.62: 0.38 are left); NAN where one of them is not there. */
double paper_deviation(const struct paper_row *r);

/* A line of JSON a row, or a table that ends with the inputs and the hash. */
void paper_json(const struct paper *p, FILE *f);
void paper_put_row(const struct paper *p, const struct paper_row *r, struct json *j); /* a row as an object */
void paper_print(const struct paper *p, FILE *f);

#endif
