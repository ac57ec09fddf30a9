/* naive_tower.h - a second vision tower, of doubles and the plainest loops, to hold the engine's to: naive_tower() below.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_NAIVE_TOWER_H
#define HARTREE_NAIVE_TOWER_H

#include <math.h>
#include <stdlib.h>

#include "engine/tower/tower.h"
#include "tests/numbers.h"

static double *naive_product(const double *x, size_t rows, const struct tensor *w, const struct tensor *b)
{
    size_t in = (size_t)w->ne[0], out = (size_t)w->ne[1];
    double *m = tensor_doubles(w), *y = malloc(rows * out * sizeof *y);
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < out; o++) {
            double sum = b ? (double)((const float *)b->data)[o] : 0;
            for (size_t i = 0; i < in; i++) sum += m[o * in + i] * x[r * in + i];
            y[r * out + o] = sum;
        }
    free(m);
    return y;
}

static double *naive_norm(const double *x, size_t rows, size_t n, const struct mmproj_tensors *t, double eps)
{
    double *y = malloc(rows * n * sizeof *y);
    const float *w = t->w->data, *b = t->b->data;
    for (size_t r = 0; r < rows; r++) {
        double mean = 0, var = 0;
        for (size_t i = 0; i < n; i++) mean += x[r * n + i] / (double)n;
        for (size_t i = 0; i < n; i++) var += pow(x[r * n + i] - mean, 2) / (double)n;
        for (size_t i = 0; i < n; i++) y[r * n + i] = (x[r * n + i] - mean) / sqrt(var + eps) * (double)w[i] + (double)b[i];
    }
    return y;
}

static void naive_add(double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] += y[i];
    free(y);
}

/* Where patch r lies: blocks of merge x merge in raster order. */
static void naive_place(size_t r, size_t nx, size_t merge, size_t at[2])
{
    for (size_t by = 0, k = 0;; by += merge)
        for (size_t bx = 0; bx < nx; bx += merge)
            for (size_t dy = 0; dy < merge; dy++)
                for (size_t dx = 0; dx < merge; dx++, k++)
                    if (k == r) {
                        at[0] = by + dy, at[1] = bx + dx;
                        return;
                    }
}

static void naive_rope(double *x, size_t rows, size_t heads, size_t d, size_t nx, size_t merge)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t h = 0; h < heads; h++)
            for (size_t j = 0; j < d / 2; j++) {
                size_t at[2], n = d / 4;
                naive_place(r, nx, merge, at);
                double angle = (double)at[j >= n] * pow(10000, -(double)(j % n) / (double)n);
                double *a = x + (r * heads + h) * d + j, *b = a + d / 2, a0 = *a, b0 = *b;
                *a = a0 * cos(angle) - b0 * sin(angle);
                *b = a0 * sin(angle) + b0 * cos(angle);
            }
}

static double *naive_attend(const double *q, const double *k, const double *v, size_t rows, size_t heads, size_t d)
{
    double *y = calloc(rows * heads * d, sizeof *y), *p = malloc(rows * sizeof *p);
    for (size_t r = 0; r < rows; r++)
        for (size_t h = 0; h < heads; h++) {
            double sum = 0;
            for (size_t t = 0; t < rows; t++) {
                p[t] = 0;
                for (size_t j = 0; j < d; j++) p[t] += q[(r * heads + h) * d + j] * k[(t * heads + h) * d + j];
                sum += p[t] = exp(p[t] / sqrt((double)d));
            }
            for (size_t t = 0; t < rows; t++)
                for (size_t j = 0; j < d; j++) y[(r * heads + h) * d + j] += p[t] / sum * v[(t * heads + h) * d + j];
        }
    free(p);
    return y;
}

static double *naive_tower(const struct mmproj *m, const struct preprocessed *p)
{
    const struct hparams *h = &m->model.hp;
    size_t size = (size_t)m->keys.patch, merge = (size_t)m->keys.merge, nx = (size_t)p->fit.width / size;
    size_t rows = (size_t)p->fit.patches, n = (size_t)h->n_embd, values = 3 * size * size;
    double *patches = malloc(rows * values * sizeof *patches);
    for (size_t r = 0; r < rows; r++) {
        size_t at[2];
        naive_place(r, nx, merge, at);
        for (size_t i = 0; i < values; i++) {
            size_t c = i / (size * size), y = at[0] * size + i / size % size, x = at[1] * size + i % size;
            patches[r * values + i] =
                ((double)p->picture.rgb[(y * (size_t)p->fit.width + x) * 3 + c] / 255 - (double)m->mean[c]) / (double)m->std[c];
        }
    }
    double *x = naive_product(patches, rows, &m->kernel[0], NULL);
    naive_add(x, naive_product(patches, rows, &m->kernel[1], NULL), rows * n);
    free(patches);
    for (int i = 0; i < h->n_layer; i++) {
        const struct mmproj_block *b = &m->blocks[i];
        const struct mmproj_tensors *l = b->layer;
        double *y = naive_norm(x, rows, n, &b->norm1, (double)h->eps), *qkv[3];
        for (int k = 0; k < 3; k++) {
            qkv[k] = naive_product(y, rows, l[k].w, l[k].b);
            if (k < 2) naive_rope(qkv[k], rows, (size_t)h->n_head, (size_t)h->head_dim, nx, merge);
        }
        free(y);
        y = naive_attend(qkv[0], qkv[1], qkv[2], rows, (size_t)h->n_head, (size_t)h->head_dim);
        for (int k = 0; k < 3; k++) free(qkv[k]);
        naive_add(x, naive_product(y, rows, l[MMPROJ_OUT].w, l[MMPROJ_OUT].b), rows * n);
        free(y);
        y = naive_norm(x, rows, n, &b->norm2, (double)h->eps);
        double *inner = naive_product(y, rows, l[MMPROJ_FC1].w, l[MMPROJ_FC1].b);
        free(y);
        for (size_t k = 0; k < rows * (size_t)h->n_ff; k++)
            inner[k] = m->activation == ACT_GELU
                           ? inner[k] / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (inner[k] + 0.044715 * pow(inner[k], 3))))
                           : inner[k] / (1 + exp(-1.702 * inner[k]));
        naive_add(x, naive_product(inner, rows, l[MMPROJ_FC2].w, l[MMPROJ_FC2].b), rows * n);
        free(inner);
    }
    double *y = naive_norm(x, rows, n, &m->post_norm, (double)h->eps);
    free(x);
    size_t tokens = rows / (merge * merge);
    double *inner = naive_product(y, tokens, m->merge1.w, m->merge1.b);
    free(y);
    for (size_t k = 0; k < rows * n; k++)
        inner[k] = inner[k] / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (inner[k] + 0.044715 * pow(inner[k], 3))));
    y = naive_product(inner, tokens, m->merge2.w, m->merge2.b);
    free(inner);
    return y;
}

#endif
