/* compress.h - a model with its linear layers factorised: low-rank products fitted to what their inputs are on a text.
 *
 * The text goes through the model layer by layer (statistics.h). A first pass, the survey, on a part of it finds each matrix's
 * singular values in the metric of its inputs and of what reads its outputs (importance.h), and by trial how much of what the
 * model says depends on it: with one matrix alone at 0.6 of its parameters the KL divergence is taken (trial.h). From these
 * follow the ranks that cost least (allocate.h). A second pass makes the cores (cores.h). What is finished is kept in
 * OUT.survey and OUT.work, from which interrupted work of the same settings goes on; they are removed with the last step. A
 * survey serves any ratio, scope and type, and can be kept for them.
 *
 * Parameters are those of the matrices in scope. Needs OpenBLAS. docs/mpo.md says what to expect.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_COMPRESS_H
#define HARTREE_COMPRESS_H

#include "base/sha256.h"
#include "engine/compress/cores.h"

struct compress_options {
    double ratio;    /* of the parameters in scope; used where rank is 0 */
    size_t rank;     /* the same for all, as far as a matrix has so many; 0: by ratio */
    enum compress_scope scope;
    const char *text; /* to calibrate on */
    size_t text_len;
    size_t tokens;       /* of it at most; 0: all */
    size_t context;      /* of a sequence; 0: 512 */
    enum type core_type;
    bool uniform;    /* the same ratio for all: no survey */
    bool separate;   /* q, k and v with no core in common */
    bool no_gauge;
    int sites, split, parts; /* matrix product operators (cores.h), all of one ratio and with no gauge; sites 0: low rank */
    bool plain;      /* no metric: Frobenius norms of the weights, as a baseline */
    bool sequential; /* each layer is fitted to the inputs that the compressed layers before it give */
    const char *survey; /* the survey's file, which then stays; NULL: OUT.survey */
    int threads;     /* 0: pool_default_threads() */
    /* NULL, or called with what is being done, how much of it is and how much there is. */
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
    void *progress_ctx;
    const volatile int *stop; /* NULL, or ends the work with an error once it is not 0 */
};

/* One matrix of the scope. */
struct compress_tensor {
    char name[TENSOR_MAX_NAME]; /* "blk.3.ffn_up" */
    const char *structure;      /* "svd", "mpo", or "dense": left as it was */
    char spec[MPO_SPEC];        /* of its cores (mpo.h); "" where it is dense */
    size_t rank;
    double rel_error;           /* |W - W'|_C^2 / |W|_C^2 */
    uint64_t bytes;             /* as it is now; a core that several share counts with the first */
};

struct compress_result {
    double ratio; /* parameters after / before */
    double parameters_before, parameters_after;
    uint64_t bytes_before, bytes_after; /* of the files */
    char text_sha256[SHA256_HEX];       /* of the calibration text */
    size_t n;
    struct compress_tensor *tensors; /* owned */
};
/* Bits a parameter of the matrices in scope: of all bytes that stand for them. */
double compress_bits(const struct compress_result *r);
void compress_result_free(struct compress_result *r);

/* Digests of the model's tensors, the text and the options that count, of the survey and of the file, which has the latter as
 * "mpo.work_sha256". compress_made: whether `path` is a file of that key, whole. */
void compress_keys(const struct model *m, const struct compress_options *o, char survey[SHA256_HEX], char file[SHA256_HEX]);
bool compress_made(const char *path, const char key[SHA256_HEX]);

/* Writes OUT whole or not at all from m, opened with weights and tokenizer. Checks the options first: a type whose blocks do
 * not fill the rows of cores; for gauged cores one of fewer than 8 bits, which would ruin them; a ratio below that of the least
 * ranks. False and *e. */
bool compress_run(const struct model *m, const char *out, const struct compress_options *o, struct compress_result *r,
                  struct error *e);

#endif
