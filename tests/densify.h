/* densify.h - a second reading of the format of factorised layers, from its definition alone: every element of every core,
 * identity rows in their places, multiplied out in double. Makes a file of dense F32 matrices out of a factorised one, for
 * tests/mpo.c. SPDX-License-Identifier: MIT */
#ifndef HARTREE_DENSIFY_H
#define HARTREE_DENSIFY_H

#include <stdlib.h>
#include <string.h>

#include "loader/gguf.h"
#include "tests/numbers.h"

static const struct tensor *dn_tensor(const struct gguf *g, const char *prefix, const char *suffix)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", prefix, suffix);
    return gguf_tensor(g, name);
}

static const struct gguf_kv *dn_kv(const struct gguf *g, const char *prefix, const char *name)
{
    char key[160];
    snprintf(key, sizeof key, "mpo.%s.%s", prefix, name);
    return gguf_find(g, key);
}

/* Core k as [a][o][i][b], whole. */
static double *dn_core(const struct gguf *g, const char *prefix, const char *tensor_prefix, int k, size_t ra, size_t o,
                       size_t in, size_t rb)
{
    char suffix[32];
    snprintf(suffix, sizeof suffix, "mpo.%d", k);
    double *stored = tensor_doubles(dn_tensor(g, tensor_prefix, suffix)), *core = malloc(ra * o * in * rb * sizeof *core);
    snprintf(suffix, sizeof suffix, "mpo.%d.pivot", k);
    const struct tensor *pivot = dn_tensor(g, prefix, suffix);
    size_t next = 0; /* stored rows so far of a gauged core, whose rows are (i, o, a) */
    for (size_t i = 0; i < in; i++)
        for (size_t oo = 0; oo < o; oo++)
            for (size_t a = 0; a < ra; a++) {
                double *row = core + ((a * o + oo) * in + i) * rb;
                long unit = -1;
                for (size_t b = 0; pivot && b < rb; b++)
                    if (((const int32_t *)pivot->data)[b] == (int32_t)((i * o + oo) * ra + a)) unit = (long)b;
                for (size_t b = 0; b < rb; b++) {
                    if (unit >= 0)
                        row[b] = (long)b == unit;
                    else if (pivot)
                        row[b] = stored[next * rb + b];
                    else
                        row[b] = stored[(oo * ra + a) * in * rb + i * rb + b];
                }
                if (unit < 0) next++;
            }
    free(stored);
    return core;
}

/* The product of all cores, [o][i]. */
static double *dn_product(const struct gguf *g, const char *prefix, size_t *n_out, size_t *n_in)
{
    const struct gguf_kv *of = dn_kv(g, prefix, "row_factors"), *inf = dn_kv(g, prefix, "col_factors"),
                         *bonds = dn_kv(g, prefix, "bonds"), *joint = dn_kv(g, prefix, "joint");
    char joint_prefix[128] = "";
    if (joint) snprintf(joint_prefix, sizeof joint_prefix, "%.*s", (int)joint->strings[0].len, joint->strings[0].data);
    size_t O = 1, I = 1, d = of->n;
    double *t = malloc(sizeof *t);
    t[0] = 1;
    for (size_t k = 0; k < d; k++) {
        size_t o = (size_t)gguf_integer(of, k), in = (size_t)gguf_integer(inf, k), ra = (size_t)gguf_integer(bonds, k),
               rb = (size_t)gguf_integer(bonds, k + 1);
        double *core = dn_core(g, prefix, joint && k == d - 1 ? joint_prefix : prefix, (int)k, ra, o, in, rb);
        double *next = calloc(O * o * I * in * rb, sizeof *next);
        for (size_t x = 0; x < O; x++)
            for (size_t y = 0; y < I; y++)
                for (size_t a = 0; a < ra; a++)
                    for (size_t p = 0; p < o; p++)
                        for (size_t q = 0; q < in; q++)
                            for (size_t b = 0; b < rb; b++)
                                next[((x * o + p) * I * in + y * in + q) * rb + b] +=
                                    t[(x * I + y) * ra + a] * core[((a * o + p) * in + q) * rb + b];
        free(core);
        free(t);
        t = next;
        O *= o, I *= in;
    }
    *n_out = O, *n_in = I;
    return t;
}

/* The layer's whole matrix as floats: dense or product, permuted, with what is added to it. NULL if there is no such layer. */
static float *dn_matrix(const struct gguf *g, const char *prefix, size_t *n_out, size_t *n_in)
{
    const struct tensor *dense = dn_tensor(g, prefix, "weight"), *pi = dn_tensor(g, prefix, "mpo.perm_in"),
                        *po = dn_tensor(g, prefix, "mpo.perm_out"), *left = dn_tensor(g, prefix, "mpo.left"),
                        *right = dn_tensor(g, prefix, "mpo.right"), *kept = dn_tensor(g, prefix, "mpo.res"),
                        *which = dn_tensor(g, prefix, "mpo.res_idx");
    double *product;
    if (dense) {
        product = tensor_doubles(dense);
        *n_in = (size_t)dense->ne[0], *n_out = (size_t)dense->ne[1];
    } else if (dn_kv(g, prefix, "bonds")) {
        product = dn_product(g, prefix, n_out, n_in);
    } else {
        return NULL;
    }
    size_t O = *n_out, I = *n_in;
    double *w = malloc(O * I * sizeof *w);
    for (size_t o = 0; o < O; o++)
        for (size_t i = 0; i < I; i++) {
            size_t to = po ? (size_t)((const int32_t *)po->data)[o] : o, ti = pi ? (size_t)((const int32_t *)pi->data)[i] : i;
            w[to * I + ti] = product[o * I + i];
        }
    free(product);
    if (left) {
        double *l = tensor_doubles(left), *r = tensor_doubles(right);
        for (size_t j = 0; j < (size_t)left->ne[1]; j++)
            for (size_t o = 0; o < O; o++)
                for (size_t i = 0; i < I; i++) w[o * I + i] += l[j * O + o] * r[j * I + i];
        free(l);
        free(r);
    }
    if (kept) {
        double *c = tensor_doubles(kept);
        for (size_t j = 0; j < (size_t)kept->ne[1]; j++)
            for (size_t o = 0; o < O; o++) w[o * I + (size_t)((const int32_t *)which->data)[j]] += c[j * O + o];
        free(c);
    }
    float *f = malloc(O * I * sizeof *f);
    for (size_t j = 0; j < O * I; j++) f[j] = (float)w[j];
    free(w);
    return f;
}

/* The file `g` with dense F32 matrices, as bytes to be freed. Biases of corrections stay. NULL and *e for lack of memory. */
static char *densify(const struct gguf *g, int n_layer, size_t *size, struct error *e)
{
    static const char *const roles[] = {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"};
    enum { N = sizeof roles / sizeof *roles };
    float **w = calloc((size_t)n_layer * N, sizeof *w);
    char *bytes = NULL;
    struct gguf_writer *out = gguf_writer_new(0);
    FILE *f = open_memstream(&bytes, size);
    for (size_t i = 0; i < g->n_kv; i++)
        if (g->kv[i].key.len < 4 || memcmp(g->kv[i].key.data, "mpo.", 4)) gguf_copy_kv(out, &g->kv[i]);
    size_t n_out[N], n_in[N];
    for (int j = 0; j < n_layer * N; j++) {
        char prefix[64], name[80];
        snprintf(prefix, sizeof prefix, "blk.%d.%s", j / N, roles[j % N]);
        w[j] = dn_matrix(g, prefix, &n_out[j % N], &n_in[j % N]);
        snprintf(name, sizeof name, "%s.weight", prefix);
        gguf_add_tensor(out, name, TYPE_F32, 2, (int64_t[]){(int64_t)n_in[j % N], (int64_t)n_out[j % N]});
    }
    bool *stays = calloc(g->n_tensors, sizeof *stays);
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct tensor *t = &g->tensors[i];
        const char *mpo = strstr(t->name, ".mpo.");
        stays[i] = !mpo || !strcmp(mpo, ".mpo.bias");
        for (int j = 0; j < N && !strncmp(t->name, "blk.", 4); j++) {
            char end[32];
            snprintf(end, sizeof end, ".%s.weight", roles[j]);
            if (strlen(t->name) > strlen(end) && !strcmp(t->name + strlen(t->name) - strlen(end), end)) stays[i] = false;
        }
        if (stays[i]) gguf_add_tensor(out, t->name, t->type, t->n_dims, t->ne);
    }
    bool ok = gguf_writer_begin(out, f, e);
    for (int j = 0; ok && j < n_layer * N; j++) ok = gguf_write_data(out, w[j], n_out[j % N] * n_in[j % N] * sizeof **w, e);
    for (size_t i = 0; ok && i < g->n_tensors; i++)
        if (stays[i]) ok = gguf_write_data(out, g->tensors[i].data, g->tensors[i].bytes, e);
    ok = ok && gguf_writer_end(out, e);
    gguf_writer_free(out);
    fclose(f);
    for (int j = 0; j < n_layer * N; j++) free(w[j]);
    free(w);
    free(stays);
    if (ok) return bytes;
    free(bytes);
    return NULL;
}

#endif
