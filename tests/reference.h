/* reference.h - a second, naive implementation of the decoder, in double, from the papers' formulas: for tests/engine.c.
 *
 * It shares with the engine only the loader, the dequantisers and the numbers in hparams: no plan, no kernel, no cache.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_REFERENCE_H
#define HARTREE_REFERENCE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model.h"

/* All rows of a tensor as double; NULL if the model lacks it. To be freed. */
static inline double *ref_load(const struct model *m, int layer, const char *name)
{
    const struct tensor *t = model_tensor(m, layer, name);
    if (!t) return NULL;
    size_t n = (size_t)tensor_elements(t);
    float *f = malloc(n * sizeof *f);
    double *d = malloc(n * sizeof *d);
    type_dequantise(t->type, f, t->data, n);
    for (size_t i = 0; i < n; i++) d[i] = f[i];
    free(f);
    return d;
}

/* y[t][o] = sum_i w[o][i] x[t][i] + b[o]; the weight "blk.LAYER.NAME.weight". */
static inline double *ref_linear(const struct model *m, int layer, const char *name, const double *x, int rows, int in, int out)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    double *w = ref_load(m, layer, full);
    snprintf(full, sizeof full, "%s.bias", name);
    double *b = ref_load(m, layer, full), *y = malloc((size_t)rows * (size_t)out * sizeof *y);
    for (int t = 0; t < rows; t++)
        for (int o = 0; o < out; o++) {
            double s = b ? b[o] : 0;
            for (int i = 0; i < in; i++) s += w[(size_t)o * (size_t)in + (size_t)i] * x[(size_t)t * (size_t)in + (size_t)i];
            y[(size_t)t * (size_t)out + (size_t)o] = s;
        }
    free(w);
    free(b);
    return y;
}

/* RMS norm of `count` vectors of n, in place; nothing where the model lacks the weight. */
static inline void ref_norm(const struct model *m, int layer, const char *name, double *x, int count, int n)
{
    double *w = ref_load(m, layer, name);
    for (int v = 0; w && v < count; v++) {
        double s = 0, *p = x + (size_t)v * (size_t)n;
        for (int i = 0; i < n; i++) s += p[i] * p[i];
        s = 1 / sqrt(s / n + (double)m->hp.eps);
        for (int i = 0; i < n; i++) p[i] *= s * w[i];
    }
    free(w);
}

/* A picture of nx x ny tokens, in raster order, the first of which is token `at`: its rows stand for their embeddings. */
struct ref_picture {
    int at, nx, ny;
    const float *rows;
};

static inline bool ref_in_picture(const struct ref_picture *p, int t)
{
    return p && t >= p->at && t < p->at + p->nx * p->ny;
}

/* Where token t stands in time, row and column (M-RoPE, arXiv 2409.12191, section 2.1): a picture's at the place where it
 * begins, text after it as far on as its longer side is. */
static inline int ref_place(const struct ref_picture *p, int t, int axis)
{
    if (!p || t < p->at) return t;
    int i = t - p->at, n = p->nx * p->ny, longer = p->nx > p->ny ? p->nx : p->ny;
    if (i >= n) return p->at + longer + i - n;
    return p->at + (axis == 1 ? i / p->nx : axis == 2 ? i % p->nx : 0);
}

static inline void ref_rope(const struct model *m, double *x, int rows, int heads, bool local,
                            const struct ref_picture *picture)
{
    const struct hparams *h = &m->hp;
    double *factor = ref_load(m, -1, "rope_freqs.weight");
    for (int t = 0; t < rows; t++)
        for (int k = 0; k < heads; k++)
            for (int j = 0; j < h->n_rot / 2; j++) {
                double base = local ? (double)h->rope_base_local : (double)h->rope_base;
                int rows_from = h->rope_sections[0], columns_from = rows_from + h->rope_sections[1];
                int axis = !m->arch->sections || j < rows_from ? 0 : j < columns_from ? 1 : 2;
                double angle = ref_place(picture, t, axis) * pow(base, -2.0 * j / h->n_rot) /
                               (local ? 1 : (double)h->rope_scale) / (factor ? factor[j] : 1);
                double *v = x + ((size_t)t * (size_t)heads + (size_t)k) * (size_t)h->head_dim;
                int a = m->arch->rope == ROPE_NEOX ? j : 2 * j, b = m->arch->rope == ROPE_NEOX ? j + h->n_rot / 2 : 2 * j + 1;
                double va = v[a], vb = v[b];
                v[a] = va * cos(angle) - vb * sin(angle);
                v[b] = va * sin(angle) + vb * cos(angle);
            }
    free(factor);
}

static inline double *ref_attention(const struct model *m, const double *q, const double *k, const double *v, int rows,
                                    bool local)
{
    const struct hparams *h = &m->hp;
    int d = h->head_dim, H = h->n_head, G = h->n_head_kv;
    double *y = calloc((size_t)rows * (size_t)(H * d), sizeof *y), *s = malloc((size_t)rows * sizeof *s);
    for (int t = 0; t < rows; t++)
        for (int i = 0; i < H; i++) {
            int g = i / (H / G), from = local && t + 1 > h->window ? t + 1 - h->window : 0;
            double max = -INFINITY, sum = 0;
            for (int u = from; u <= t; u++) {
                s[u] = 0;
                for (int c = 0; c < d; c++) s[u] += q[(t * H + i) * d + c] * k[(u * G + g) * d + c];
                s[u] *= (double)h->attention_scale;
                max = s[u] > max ? s[u] : max;
            }
            for (int u = from; u <= t; u++) sum += s[u] = exp(s[u] - max);
            for (int u = from; u <= t; u++)
                for (int c = 0; c < d; c++) y[(t * H + i) * d + c] += s[u] / sum * v[(u * G + g) * d + c];
        }
    free(s);
    return y;
}

static inline double ref_gate(const struct model *m, double x)
{
    if (m->arch->activation == ACT_SILU) return x / (1 + exp(-x));
    return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

/* Logits of every position, rows x n_vocab; to be freed. */
static inline double *ref_logits_seen(const struct model *m, const int32_t *ids, int rows, const struct ref_picture *picture)
{
    const struct hparams *h = &m->hp;
    int D = h->n_embd, q_width = h->n_head * h->head_dim, kv_width = h->n_head_kv * h->head_dim;
    size_t n = (size_t)rows * (size_t)D;
    double *embedding = ref_load(m, -1, "token_embd.weight"), *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    for (int t = 0; t < rows; t++)
        for (int i = 0; i < D; i++)
            x[t * D + i] = ref_in_picture(picture, t) ? (double)picture->rows[(t - picture->at) * D + i]
                                                      : embedding[(size_t)ids[t] * (size_t)D + (size_t)i] *
                                                            (m->arch->scale_embedding ? sqrt((double)D) : 1);
    free(embedding);
    for (int l = 0; l < h->n_layer; l++) {
        bool local = layer_is_windowed(h, l);
        memcpy(y, x, n * sizeof *x);
        ref_norm(m, l, "attn_norm.weight", y, rows, D);
        double *q = ref_linear(m, l, "attn_q", y, rows, D, q_width), *k = ref_linear(m, l, "attn_k", y, rows, D, kv_width);
        double *v = ref_linear(m, l, "attn_v", y, rows, D, kv_width);
        ref_norm(m, l, "attn_q_norm.weight", q, rows * h->n_head, h->head_dim);
        ref_norm(m, l, "attn_k_norm.weight", k, rows * h->n_head_kv, h->head_dim);
        ref_rope(m, q, rows, h->n_head, local, picture);
        ref_rope(m, k, rows, h->n_head_kv, local, picture);
        double *a = ref_attention(m, q, k, v, rows, local), *o = ref_linear(m, l, "attn_output", a, rows, q_width, D);
        ref_norm(m, l, "post_attention_norm.weight", o, rows, D);
        for (size_t i = 0; i < n; i++) y[i] = x[i] += o[i];
        free(q), free(k), free(v), free(a), free(o);
        ref_norm(m, l, "ffn_norm.weight", y, rows, D);
        double *gate = ref_linear(m, l, "ffn_gate", y, rows, D, h->n_ff), *up = ref_linear(m, l, "ffn_up", y, rows, D, h->n_ff);
        for (size_t i = 0; i < (size_t)rows * (size_t)h->n_ff; i++) gate[i] = ref_gate(m, gate[i]) * up[i];
        o = ref_linear(m, l, "ffn_down", gate, rows, h->n_ff, D);
        ref_norm(m, l, "post_ffw_norm.weight", o, rows, D);
        for (size_t i = 0; i < n; i++) x[i] += o[i];
        free(gate), free(up), free(o);
    }
    ref_norm(m, -1, "output_norm.weight", x, rows, D);
    const char *head = model_tensor(m, -1, "output.weight") ? "output" : "token_embd";
    double *logits = ref_linear(m, -1, head, x, rows, D, h->n_vocab);
    free(x);
    free(y);
    return logits;
}

static inline double *ref_logits(const struct model *m, const int32_t *ids, int rows)
{
    return ref_logits_seen(m, ids, rows, NULL);
}

#endif
