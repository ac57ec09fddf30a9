/* predict.h - what a run will cost, said before it runs.
 *
 * A run is, after `past` positions: `prompt` tokens fed in micro-batches of `ubatch` rows, logits wanted of the last; then
 * `gen` tokens generated. The first of them comes from the prompt's logits, so there are gen - 1 decode steps of one row, at
 * positions past + prompt, past + prompt + 1, ...; measure.c runs the same, and generate_result counts the same.
 * An encoder's run is one step of `prompt` rows, at most as many as it has positions, and `gen` is 0.
 *
 * FLOPs and bytes are cost.c's exact closed forms. The time of an op in a step is
 *
 *     t = i * ((W/R)^p + (Q/B)^p)^(1/p) + tau / (ops of its stage)
 *
 * with W/R its arithmetic, as if all operands were in the cache; Q the bytes that come from memory, B the read bandwidth, p the
 * device's exponent, tau the cost of a stage. A stage of c chunks runs on min(c, threads) threads, and
 * i = ceil(c / threads) * threads / c is what the last, partly filled round of chunks wastes. R of linear and attend is that of
 * these threads; of the others, which are calibrated where they stand, that of all. W/R is
 *
 *   linear, by a gemm (many columns)     FLOPs / linear.TYPE.prefill + blocks * weights * linear.TYPE.unpack: each weight is
 *                                        unpacked once for a block of columns (linear.h)
 *           by a dot (few: as many as    for one column FLOPs / linear.TYPE.decode, for DOT_COLS FLOPs / linear.TYPE.group,
 *           linear.TYPE.few at most)     between them in a straight line, and of more what their groups of DOT_COLS take.
 *                                        Without that rate in a straight line from one column to what the gemm takes for
 *                                        the first number of columns that is its own
 *   attend                               scores * (2 (head_dim + values) / attend.KV.decode + attend.KV.score.decode) for one
 *                                        row, prefill for more; scores are query heads times the positions each row sees, and
 *                                        attend.KV.edge.PHASE more a row; values is head_dim, and for several rows that rounded
 *                                        up to whole attend.KV.strip
 *   others                               bytes moved / vector.OP.decode for one row, vector.OP.prefill for more
 *
 * For one row whose weights come from memory t is rather i * FLOPs / linear.TYPE.stream + tau / ..., where the profile has that
 * rate: how far arithmetic and memory overlap is then measured for the type, and not taken from p.
 * A gemm of weights from memory (no fewer columns than its first) takes linear.TYPE.unpack.memory in place of unpack, for each
 * block of columns if the matrix is larger than the last-level cache, else for the first, where the profile has it; Q is then
 * of activations alone: what packs a panel waits for memory, what multiplies by the panel does not hide that.
 * A core whose outputs do not lie as they are made (its rows stand among a gauge's pivots: once a slice; a token has several
 * vectors, or its rows are permuted) takes i * 8 bytes * outputs / (threads * vector.gather.decode.1) more, where the profile
 * has that: each output is read and written once more, as a copied row is.
 *
 * All of it is the device's: nothing is asked of the machine that predicts. Chunks are cut as the device's linear.TYPE.few has
 * them, too.
 *
 * Weights and cache rows count into Q when what a whole step reads of them is more than the last-level cache holds (else they
 * stay there from the step before), a matrix that is larger than that once a block of columns; activations when an op's own are
 * more than that. The `bytes` of a row are another thing: what would cross if nothing stayed in a cache at all.
 *
 * Source: the roofline (Williams et al. 2009), its maximum softened to a p-norm.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PREDICT_H
#define HARTREE_PREDICT_H

#include "base/sha256.h"
#include "engine/account/device.h"
#include "engine/profile.h"

/* One op in one phase, or what several have in common. */
struct prediction_row {
    int layer;        /* -1: outside the layers; ROW_MANY in a group of several */
    const char *op;   /* the op's role, a literal; NULL in a group of several */
    int phase;        /* enum phase, ROW_VISION, ROW_MANY */
    const char *type; /* of the weight, else of the cache, else F32; NULL in a group of several */
    double flops, special, bytes;
    double streamed_bytes; /* of weights and cache, read at least once a step even if all the rest stays in a cache */
    double memory_bytes;   /* Q: what crosses the memory bus by the rule above, of caches that keep what fits */
    double time_s;         /* NAN: not known */
    double energy_j;       /* NAN: not known */
    double measured_s;     /* NAN until measured */
};
enum { ROW_MANY = -2, ROW_VISION = PHASE_COUNT }; /* phases of rows beside enum phase: of several; of a vision tower */

/* Every step of a run is priced; more of them than this would take minutes. */
enum { PREDICT_MAX_STEPS = 1 << 20 };

struct predict_options {
    int threads;        /* at least 1 */
    size_t past;        /* positions in the cache before the prompt */
    size_t prompt, gen; /* at least 1 each; of an encoder gen is 0 */
    size_t ubatch;      /* 0: 512 */
    enum type kv_type;
};

/* Totals are the sums of rows, to the last bit and in any order: times are whole multiples of 2^-36 s, so that adding them
 * never rounds. Unknown figures are NAN. */
struct prediction {
    struct predict_options options; /* with the defaults filled in */
    char model[128], device[DEVICE_TEXT];
    double flops, flops_prefill, flops_decode;
    double weight_bytes;           /* of all tensors */
    double weight_bytes_per_token; /* read in one decode step: of the embedding one row; NAN of an encoder */
    double kv_bytes;               /* cache of past + prompt + gen positions */
    double peak_memory_bytes;      /* weights, cache and buffers */
    double time_s, prefill_s, decode_s;
    char image[24], clamp[64];       /* of a picture in the prompt (prediction_join): "1024x720"; "": none */
    double flops_vision, vision_s;   /* of its tower; NAN without one */
    double prepare_s;                /* of reading and resizing it, which time_s leaves out; NAN: none, or not known */
    double energy_j, energy_net_j;   /* energy_terms.h: gross, and above idle; NAN, and energy_kind "none", where not known */
    double interval95_j[2];          /* of energy_j; NAN: not known */
    const char *energy_kind;         /* "modelled" or "none" */
    char energy_missing[DEVICE_KEY]; /* the first energy term that the device lacks; "" */
    double interval95_s[2];          /* of time_s: the profile's interval95; NAN where it has none */
    char missing[DEVICE_KEY];        /* the first rate that the device lacks, because of which times are not known; "" */
    char sha256[SHA256_HEX];         /* of everything above and the device's numbers, as text */
    struct prediction_row *rows;
    size_t n_rows;
};

/* Predicts a run of the plan. `d` may be NULL: then no time is known; nor is it of an exact plan, for which no machine is
 * calibrated. False and *e if an option is out of range or memory is short. prediction_free releases the rows. */
bool predict(struct prediction *r, const struct plan *p, const struct device *d, const struct predict_options *o,
             struct error *e);
void prediction_free(struct prediction *r);

/* The price of one step alone: adds each op's FLOPs, bytes and time to rows[0 .. p->n_ops), whose words it leaves as they are.
 * `d` may be NULL as above. False and *e if memory is short. */
bool predict_step(struct prediction_row *rows, const struct plan *p, const struct device *d, int threads, const struct step *s,
                  struct error *e);

/* The price of one step as a prediction of its own, all of it in the phase of prefill: a vision tower's. kv_bytes is the size
 * of its cache. False and *e as predict; prediction_free releases the rows. */
bool predict_one_step(struct prediction *r, const struct plan *p, const struct device *d, int threads, const struct step *s,
                      double kv_bytes, struct error *e);

/* Joins the price of a picture in the prompt, whose tokens r's prompt counts already: r's rows and totals then have the
 * tower's, too. Memory is that of both at once. False and *e if memory is short. */
bool prediction_join(struct prediction *r, const struct prediction *tower, const char *image, const char *clamp,
                     struct error *e);

/* ---- Aggregation ---- */

enum { BY_LAYER = 1, BY_OP = 2, BY_TYPE = 4, BY_PHASE = 8, BY_ALL = 15 };

/* Words "layer", "op", "type", "phase", separated by commas, as a mask. */
bool prediction_by(const char *words, unsigned *by, struct error *e);

/* A new array of rows, *n of them, that agree in what `by` names, in order of appearance; to be freed. NULL: no memory. */
struct prediction_row *prediction_group(const struct prediction *r, unsigned by, size_t *n);

/* How a stage's chunks fall on threads: on how many, and the factor by which the last round of chunks lengthens it. */
struct stage_share {
    size_t width; /* 0: no chunks */
    double waste;
};
struct stage_share stage_share(const struct plan *p, size_t stage, const struct step *s, int threads);

/* The rate that prices an op ("linear.q4_K", "attend.f16", "vector.norm") as a device key without phase and threads. */
void op_rate_key(const struct op *op, enum type kv_type, char key[DEVICE_KEY]);

/* Seconds or joules to a whole multiple of 2^-36 (15 ps): sums of such numbers below 2^17 are exact in a double, in any order,
 * so that rows sum to their totals to the last bit. */
double to_grain(double v);

/* (a^p + b^p)^(1/p) for a, b >= 0 and p >= 1; the maximum for p = INFINITY. */
double p_norm(double a, double b, double p);

#endif
