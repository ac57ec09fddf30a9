/* tower.h - from a picture to the embeddings that a language model reads in the place of tokens.
 *
 *     struct tower *t = tower_open("mmproj.gguf", &(struct tower_options){0}, &e);
 *     struct seen seen;
 *     if (tower_see(t, "cat.png", NULL, &seen, &e)) ... seen.rows ...; seen_free(&seen); tower_free(t);
 *
 * The tower has a plan of its own (tower_plan.c), which the readers of every plan run, price and time: one step has as many
 * rows as the picture has patches, and as many outputs as it has tokens. Attention goes through the tiled kernels, so that
 * memory grows with the patches and not with their square. Source: Qwen2-VL (arXiv 2409.12191), and llama.cpp's
 * tools/mtmd/models/qwen2vl.cpp. SPDX-License-Identifier: MIT */
#ifndef HARTREE_TOWER_H
#define HARTREE_TOWER_H

#include "engine/exec.h"
#include "engine/tower/mmproj.h"
#include "vision/preprocess.h"

struct tower_options {
    int threads;                     /* 0: pool_default_threads() */
    bool exact;                      /* dequantised weights and float keys and values: a reference */
    bool profile;                    /* op by op, of the last picture */
    const volatile int *interrupted; /* nonzero ends tower_encode within a stage or two; NULL: nothing does */
};

struct tower {
    struct tower_options options; /* with the defaults filled in */
    struct mmproj *mmproj;        /* owned */
    struct plan *plan;
    struct pool *pool;       /* NULL: for costs only */
    struct profile *profile; /* NULL unless asked for */
    bool settled;            /* its weights are in memory: from the first picture on, before whose time that is done */
};

/* Opens an mmproj file. NULL and *e. */
struct tower *tower_open(const char *path, const struct tower_options *o, struct error *e);
/* The tower of a file's header or of a bundled shape ("qwen2-vl-2b:F16"), for costs: it can't see. */
struct tower *tower_open_header(const char *path, struct error *e);
struct tower *tower_from_shape(const char *spec, struct error *e);
void tower_free(struct tower *t);

/* ---- What a picture will take (its price: engine/account/tower_price.h) ---- */

/* The step that a picture of such a grid is. */
struct step tower_step(const struct tower *t, const struct clamped *fit);

/* Bytes of buffers, keys and values that it takes beside the weights. */
size_t tower_bytes(const struct tower *t, const struct clamped *fit, int threads);

/* False and *e, in one line, of a picture that takes more memory than is free. */
bool tower_fits(const struct tower *t, const struct clamped *fit, int threads, struct error *e);

/* ---- Seeing ---- */

struct seen {
    int nx, ny;      /* tokens across and down: rows in raster order */
    size_t n_tokens; /* nx ny */
    int n_embd;      /* floats a row */
    float *rows;
    double encode_s;
};

/* Runs the tower on a picture that has been clamped and resized by the mmproj's keys (preprocess.h). False and *e when memory
 * does not suffice or it was interrupted. seen_free releases it. */
bool tower_encode(struct tower *t, const struct preprocessed *p, struct seen *out, struct error *e);

/* Reads, clamps (`clamp` NULL: what the file says, else the default), resizes and encodes the picture at `path`. */
bool tower_see(struct tower *t, const char *path, const char *clamp, struct seen *out, struct error *e);

void seen_free(struct seen *s);

#endif
