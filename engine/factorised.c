/* SPDX-License-Identifier: MIT */
#include "engine/factorised.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void add_word(char text[FACTORISED_WORDS], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_word(char text[FACTORISED_WORDS], const char *format, ...)
{
    size_t n = strlen(text);
    va_list ap;
    if (n) n += (size_t)snprintf(text + n, FACTORISED_WORDS - n, ", ");
    va_start(ap, format);
    if (n < FACTORISED_WORDS) vsnprintf(text + n, FACTORISED_WORDS - n, format, ap);
    va_end(ap);
}

static bool is_plain(const struct layer_weights *w)
{
    return w->dense && !w->right && !w->kept && !(w->bias && strstr(w->bias->name, ".mpo."));
}

/* Whether the layer's last core is that of a layer before it. */
static bool shares_core(const struct plan *p, size_t i)
{
    const struct layer_weights *w = p->layers[i];
    for (size_t j = 0; j < i; j++) {
        const struct layer_weights *v = p->layers[j];
        if (v->layer == w->layer && v->mpo.d && v->core[v->mpo.d - 1] == w->core[w->mpo.d - 1]) return true;
    }
    return false;
}

static void describe_layer(struct factorised_row *r, const struct plan *p, size_t i)
{
    const struct layer_weights *w = p->layers[i];
    double in = (double)w->n_in, out = (double)w->n_out;
    *r = (struct factorised_row){.spec = "dense",
                                 .dense_parameters = in * out,
                                 .dense_flops = 2 * in * out,
                                 .parameters = in * out,
                                 .flops = 2 * in * out,
                                 .rebuild_from = SIZE_MAX};
    if (w->layer < 0)
        snprintf(r->name, sizeof r->name, "%s", w->role);
    else
        snprintf(r->name, sizeof r->name, "blk.%d.%s", w->layer, w->role);
    if (w->mpo.d) {
        mpo_spec(&w->mpo, r->spec);
        r->parameters = mpo_parameters(&w->mpo);
        r->flops = w->reordered ? mpo_order_flops(&w->mpo, w->order) : mpo_flops(&w->mpo);
        for (int k = 0; w->reordered && k < w->mpo.d; k++)
            snprintf(r->order + strlen(r->order), 5, k ? ",%d" : "%d", w->order[k]);
        if (strncmp(w->core[w->mpo.d - 1]->name, r->name, strlen(r->name)) ||
            w->core[w->mpo.d - 1]->name[strlen(r->name)] != '.')
            add_word(r->added, "joint");
        if (shares_core(p, i)) {
            struct mpo_step s = mpo_step(&w->mpo, w->mpo.d - 1);
            double once = (double)s.rows * (double)s.cols;
            r->parameters -= once;
            if (!w->reordered) r->flops -= 2 * once * (double)s.vectors;
        }
    }
    for (size_t k = 0; k < p->n_ops; k++)
        if (p->ops[k].kind == OP_REBUILD && p->ops[k].u.core.layer == w) r->rebuild_from = p->ops[k].u.core.rebuild_from;
    const double rank = w->right ? (double)w->right->ne[1] : 0, kept = w->kept ? (double)w->kept->ne[1] : 0;
    if (rank > 0) add_word(r->added, "rank %.0f", rank);
    if (kept > 0) add_word(r->added, "%.0f columns", kept);
    if (w->bias) add_word(r->added, "bias");
    if (w->perm_in || w->perm_out) add_word(r->added, "permuted");
    r->parameters += rank * (in + out) + kept * out;
    r->flops += 2 * rank * (in + out) + 2 * kept * out;
}

struct factorised_row *factorised_list(const struct plan *p, size_t *n, struct error *e)
{
    struct factorised_row *rows = calloc(p->n_layers + 1, sizeof *rows);
    *n = 0;
    if (!rows) {
        fail(e, "info: found no memory for %zu layers", p->n_layers);
        return NULL;
    }
    for (size_t i = 0; i < p->n_layers; i++)
        if (!is_plain(p->layers[i])) describe_layer(&rows[(*n)++], p, i);
    return rows;
}
