/* SPDX-License-Identifier: MIT */
#include "engine/compress/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

void unit_prefix(const struct unit *u, int i, char name[TENSOR_MAX_NAME])
{
    snprintf(name, TENSOR_MAX_NAME, "blk.%d.%s", u->layer, u->role[i]);
}

void unit_tensor(const struct unit *u, int i, char name[TENSOR_MAX_NAME])
{
    snprintf(name, TENSOR_MAX_NAME, "blk.%d.%s.weight", u->layer, u->role[i]);
}

void units_free(struct unit *u, size_t n)
{
    for (size_t i = 0; u && i < n; i++) free(u[i].error);
    free(u);
}

/* One more member, which has to be a matrix. */
static bool add_role(struct unit *u, const struct model *m, const char *role, struct error *e)
{
    char name[TENSOR_MAX_NAME];
    int i = u->n_roles++;
    u->role[i] = role;
    for (int k = 0; k <= i; k++) u->share[k] = 1 / (double)u->n_roles;
    unit_tensor(u, i, name);
    const struct tensor *t = gguf_tensor(m->gguf, name);
    if (!t) return fail(e, "tensor '%s': found nothing, expected a matrix: a model that is factorised stays as it is", name);
    u->n_in = (size_t)t->ne[0];
    u->out[i] = (size_t)t->ne[1];
    u->n_out += u->out[i];
    u->full = u->n_in < u->n_out ? u->n_in : u->n_out;
    return true;
}

struct unit *units_new(const struct model *m, enum compress_scope scope, bool joint, size_t *n, struct error *e)
{
    size_t capacity = 0;
    struct unit *u = NULL;
    *n = 0;
    for (int layer = 0; layer < m->hp.n_layer; layer++)
        for (int site = 0; site < SITE_COUNT; site++) {
            bool attention = site == SITE_QKV || site == SITE_OUTPUT, one = joint && site == SITE_QKV;
            if (scope != SCOPE_ALL && attention != (scope == SCOPE_ATTENTION)) continue;
            for (int i = 0; i < SITE_MAX_ROLES && site_roles[site][i]; i++) {
                struct unit *list = i && one ? u : memory_grow(u, &capacity, *n + 1, sizeof *list);
                bool ok = list || fail(e, "found no memory for %zu matrices", *n + 1);
                if (list) u = list;
                if (ok && !(i && one)) u[(*n)++] = (struct unit){.layer = layer, .site = (enum statistics_site)site};
                if (ok && add_role(&u[*n - 1], m, site_roles[site][i], e)) continue;
                units_free(u, *n);
                return NULL;
            }
        }
    return u;
}

double unit_parameters(const struct unit *u, size_t r, bool gauge)
{
    if (r == u->full) return (double)u->n_in * (double)u->n_out;
    return (double)r * ((double)(u->n_in + u->n_out) - (gauge ? (double)r : 0));
}

size_t unit_rank_step(const struct unit *u, enum type core)
{
    enum { STEP = 32, SMALL = 128 }; /* kernels like whole blocks of any type; a small matrix has few of these */
    size_t block = type_get(core)->block;
    return u->full < SMALL || block > STEP ? block : STEP;
}

size_t unit_rank_for(const struct unit *u, double ratio, bool gauge, size_t step)
{
    size_t best = step;
    for (size_t r = step; r < u->full; r += step)
        if (unit_parameters(u, r, gauge) <= ratio * (double)u->n_in * (double)u->n_out) best = r;
    return ratio >= 1 || best > u->full ? u->full : best;
}

double *unit_matrix(const struct unit *u, const struct model *m, struct error *e)
{
    double *w = malloc(u->n_out * u->n_in * sizeof *w), *row = w;
    float *floats = malloc(u->n_in * sizeof *floats);
    if (!w || !floats) {
        fail(e, "found no memory for a matrix of %zu x %zu", u->n_out, u->n_in);
        free(w);
        w = NULL;
    }
    for (int i = 0; w && i < u->n_roles; i++) {
        char name[TENSOR_MAX_NAME];
        unit_tensor(u, i, name);
        const struct tensor *t = gguf_tensor(m->gguf, name);
        for (size_t o = 0; o < u->out[i]; o++, row += u->n_in) {
            type_dequantise(t->type, floats, tensor_row(t, (int64_t)o), u->n_in);
            for (size_t k = 0; k < u->n_in; k++) row[k] = (double)floats[k];
        }
    }
    free(floats);
    return w;
}
