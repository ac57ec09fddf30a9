/* SPDX-License-Identifier: MIT */
#include "engine/compress/importance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sum_i w_ij^2 of each column j of the branch's last matrix. */
static bool column_squares(const struct model *m, int layer, enum statistics_site site, double *sum, struct error *e)
{
    char name[TENSOR_MAX_NAME];
    snprintf(name, sizeof name, "blk.%d.%s.weight", layer, site_roles[site][0]);
    const struct tensor *t = gguf_tensor(m->gguf, name);
    if (!t) return fail(e, "tensor '%s': found nothing, expected a matrix: a model that is factorised stays as it is", name);
    size_t n = (size_t)t->ne[0];
    float *row = malloc(n * sizeof *row);
    if (!row) return fail(e, "found no memory for a row of %zu", n);
    memset(sum, 0, n * sizeof *sum);
    for (int64_t i = 0; i < t->ne[1]; i++) {
        type_dequantise(t->type, row, tensor_row(t, i), n);
        for (size_t j = 0; j < n; j++) sum[j] += (double)row[j] * (double)row[j];
    }
    free(row);
    return true;
}

static bool of_hidden(const struct model *m, int layer, const struct moments *slope, double *importance, struct error *e)
{
    if (!column_squares(m, layer, SITE_DOWN, importance, e)) return false;
    for (size_t j = 0; j < slope->n; j++) importance[j] *= slope->square[j];
    return true;
}

/* Heads that share a key-value head read the same rows. */
static bool of_values(const struct model *m, int layer, double *importance, struct error *e)
{
    size_t head = (size_t)m->hp.head_dim, group = (size_t)(m->hp.n_head / m->hp.n_head_kv);
    size_t width = (size_t)m->hp.n_head * head;
    double *sum = malloc(width * sizeof *sum);
    bool ok = sum || fail(e, "found no memory for a row of %zu", width);
    ok = ok && column_squares(m, layer, SITE_OUTPUT, sum, e);
    for (size_t j = 0; ok && j < width / group; j++) importance[j] = 0;
    for (size_t j = 0; ok && j < width; j++) importance[j / head / group * head + j % head] += sum[j];
    free(sum);
    return ok;
}

bool importance_of(const struct unit *u, const struct model *m, const struct statistics_layer *l, double *importance,
                   struct error *e)
{
    bool ok = true;
    for (int i = 0; ok && i < u->n_roles; importance += u->out[i++]) {
        for (size_t o = 0; o < u->out[i]; o++) importance[o] = 1;
        if (!strcmp(u->role[i], "ffn_gate")) ok = of_hidden(m, u->layer, l->slope[SLOPE_GATE], importance, e);
        if (!strcmp(u->role[i], "ffn_up")) ok = of_hidden(m, u->layer, l->slope[SLOPE_UP], importance, e);
        if (!strcmp(u->role[i], "attn_v")) ok = of_values(m, u->layer, importance, e);
    }
    return ok;
}
