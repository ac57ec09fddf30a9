/* arch.h - architectures as rows of facts, and the numbers of one model.
 *
 * What distinguishes llama from gemma3 is a row in arch.c that one plan builder reads. A new llama-like architecture is a
 * new row and nothing else.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ARCH_H
#define HARTREE_ARCH_H

#include "base/error.h"
#include "loader/gguf.h"

enum rope_kind { ROPE_NORM, ROPE_NEOX }; /* which elements make a pair: (2j, 2j+1), or (j, j + n_rot/2) */
enum activation { ACT_SILU, ACT_GELU, ACT_QUICK_GELU }; /* of the FFN, gated in language models; GELU in its tanh form */
enum presence { ABSENT, OPTIONAL, REQUIRED };

struct arch {
    const char *name;         /* general.architecture */
    enum rope_kind rope;
    enum activation activation;
    enum presence qkv_bias;   /* blk.N.attn_{q,k,v}.bias */
    enum presence qk_norm;    /* blk.N.attn_{q,k}_norm.weight, RMS over each head, before rope */
    bool sandwich_norms;      /* post_attention_norm and post_ffw_norm on the branch before it is added */
    bool scale_embedding;     /* embeddings times sqrt(n_embd) */
    int window_period;        /* every window_period-th layer sees everything, the others a window; 0: no windows */
    float local_rope_base;    /* rope base of the windowed layers, where the file does not say */
    bool sections;            /* rope by time, row and column (M-RoPE): pictures may stand among the tokens */
    /* Reads a text whole and makes one vector of it, no logits (encoder_plan.c): learned positions and token types instead of
     * rope, every row attends to all, layer norms after each branch, biases everywhere, an FFN without a gate. */
    bool encoder;
};

/* How an encoder's rows become one, by the numbers that ARCH.pooling_type has in files (llama.cpp, enum llama_pooling_type). */
enum pooling { POOLING_NONE, POOLING_MEAN, POOLING_CLS, POOLING_LAST }; /* CLS: the first row */

/* NULL and *e naming the known ones if `name` is none of them. */
const struct arch *arch_find(struct gguf_string name, struct error *e);
const struct arch *arch_at(size_t i); /* NULL past the end */

enum { MAX_LAYERS = 1024, MAX_HEAD_DIM = 512 };

struct hparams {
    int n_layer, n_embd, n_ff, n_vocab;
    int n_head, n_head_kv, head_dim; /* key and value width of one head are equal in every supported architecture */
    int n_rot;                       /* leading elements of a head that rope turns */
    int rope_sections[3];            /* pairs that turn by time, by row, by column, one after another; 0s: all by position */
    int n_ctx_train;
    float eps;
    float rope_base, rope_base_local;
    float rope_scale;                /* positions are divided by this (linear scaling); 1: off */
    int window;                      /* positions a windowed layer sees, its own included; 0: no windows */
    int window_period;
    float embedding_scale;           /* 1 where not scaled */
    float attention_scale;           /* of the scores: 1 / sqrt(head_dim) */
    int cache_layers;                /* that keep keys and values at once: all, or 1 where no step looks back at another */
    enum pooling pooling;            /* of an encoder */
};

/* Reads and checks every number against the others; *e says which key is missing or out of range. */
bool hparams_read(struct hparams *h, const struct arch *a, const struct gguf *g, struct error *e);

/* Whether layer i has a sliding window. */
static inline bool layer_is_windowed(const struct hparams *h, int i)
{
    return h->window > 0 && (h->window_period == 0 || i % h->window_period < h->window_period - 1);
}

#endif
