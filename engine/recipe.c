/* recipe.c - see recipe.h.
 * SPDX-License-Identifier: MIT */
#include "engine/recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/suffix.h"
#include "engine/shapes.h"
#include "engine/weights.h"

bool recipe_parse(const char *text, size_t len, struct mpo_recipe *r, struct error *e)
{
    *r = (struct mpo_recipe){.used = true, .d = 2, .s = 1, .u = 1, .ratio = 0.5};
    const struct {
        const char *word;
        int *value, min, max;
    } numbers[] = {{"d=", &r->d, 1, MPO_MAX_CORES}, {"s=", &r->s, 1, 4096},       {"u=", &r->u, 1, 4096},
                   {"bond=", &r->bond, 1, 1 << 20}, {"keep=", &r->keep, 1, 4096}, {"correct=", &r->correct, 1, 4096}};
    const struct {
        const char *word;
        bool *value;
    } flags[] = {{"gauge", &r->gauge},       {"joint", &r->joint}, {"bias", &r->bias},        {"permuted", &r->permuted},
                 {"reversed", &r->reversed}, {"dense", &r->dense}, {"shuffled", &r->shuffled}};
    for (const char *at = text, *end = text + len; at < end;) {
        size_t n = 0;
        while (at + n < end && at[n] != ',') n++;
        bool known = false;
        char *after;
        for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
            if (strlen(flags[i].word) == n && !memcmp(at, flags[i].word, n)) known = *flags[i].value = true;
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            size_t word = strlen(numbers[i].word);
            if (n <= word || memcmp(at, numbers[i].word, word)) continue;
            long v = strtol(at + word, &after, 10);
            known = after == at + n && v >= numbers[i].min && v <= numbers[i].max;
            if (known) *numbers[i].value = (int)v;
        }
        if (n > 6 && !memcmp(at, "ratio=", 6)) {
            r->ratio = strtod(at + 6, &after);
            known = after == at + n && r->ratio > 0 && r->ratio <= 4;
        }
        if (!known)
            return fail(
                e,
                "mpo: found '%.*s', expected d= s= u= bond= ratio= keep= correct= with a number, or gauge, joint, bias, "
                "permuted, reversed, shuffled or dense",
                n < 40 ? (int)n : 40, at);
        at += n + (at + n < end);
    }
    if (r->d != 2 && (r->s > 1 || r->u > 1)) return fail(e, "mpo: found s= or u= with %d cores, expected two", r->d);
    if (r->reversed && (r->d != 2 || r->joint))
        return fail(e, "mpo: found reversed with %s, expected two cores of their own", r->joint ? "joint" : "d=");
    if (r->d == 1 && (r->gauge || r->joint)) return fail(e, "mpo: found gauge or joint with one core, expected two or more");
    if (r->shuffled && !r->gauge) return fail(e, "mpo: found shuffled without a gauge, expected gauge beside it");
    return !(r->s > 1 && r->u > 1) || fail(e, "mpo: found both s= and u=, expected one of them");
}

/* ---- The structure of one layer ---- */

/* The layers, each with the first of its group of one input: whose bond a joint group shares. */
enum { Q, K_, V, OUTPUT, GATE, UP, DOWN, N_ROLES };
static const struct {
    const char *name, *joint; /* joint: where the group's core stands */
    int first, last;          /* of its group, where layers are joint */
} roles[N_ROLES] = {
    {"attn_q", "attn_qkv", Q, V},          {"attn_k", "attn_qkv", Q, V},          {"attn_v", "attn_qkv", Q, V},
    {"attn_output", NULL, OUTPUT, OUTPUT}, {"ffn_gate", "ffn_gate_up", GATE, UP}, {"ffn_up", "ffn_gate_up", GATE, UP},
    {"ffn_down", NULL, DOWN, DOWN},
};

static size_t n_in_of(const struct shape *s, int role)
{
    return role == OUTPUT ? (size_t)(s->n_head * s->head_dim) : role == DOWN ? (size_t)s->n_ff : (size_t)s->n_embd;
}

static size_t n_out_of(const struct shape *s, int role)
{
    if (role == K_ || role == V) return (size_t)(s->n_head_kv * s->head_dim);
    return role == Q ? (size_t)(s->n_head * s->head_dim) : role == GATE || role == UP ? (size_t)s->n_ff : (size_t)s->n_embd;
}

static bool is_joint(const struct shape *s, int role)
{
    if ((role == GATE || role == UP) && shape_is_encoder(s)) return false; /* it has no gate */
    return s->mpo.joint && roles[role].joint;
}

/* The factors of the outputs. A joint core has the same rows in each member, so that its own factor is 1. */
static void factor_outputs(const struct shape *s, int role, struct mpo *m)
{
    size_t out = n_out_of(s, role), own = (size_t)s->mpo.s;
    if (m->d == 2) {
        m->o[0] = s->mpo.reversed ? own : out / own;
        m->o[1] = out / m->o[0];
        return;
    }
    mpo_balance(out, m->d, m->o);
    if (is_joint(s, role)) m->o[0] *= m->o[m->d - 1], m->o[m->d - 1] = 1;
}

/* With bond `bond` everywhere, as far as the factors leave room for it. */
static void with_bond(const struct shape *s, int role, size_t bond, struct mpo *m)
{
    size_t left = 1, right = n_in_of(s, role) * n_out_of(s, role), columns = 0;
    for (int k = 0; k < m->d; k++) {
        m->pivots[k] = 0;
        m->r[k] = k ? bond : 1;
        left *= m->o[k] * m->i[k], right /= m->o[k] * m->i[k];
        m->r[k + 1] = k == m->d - 1 ? 1 : bond < left && bond < right ? bond : left < right ? left : right;
    }
    for (int k = 1; k < m->d; k++) m->r[k] = k == m->d - 1 && is_joint(s, role) ? bond : m->r[k];
    for (int k = 0; s->mpo.gauge && k < m->d - 1; k++) {
        size_t rows = m->o[k] * m->r[k] * m->i[k];
        /* Of a joint group's identity each member has a share. */
        if (k == m->d - 2 && is_joint(s, role)) {
            size_t all = 0, before = 0;
            for (int j = roles[role].first; j <= roles[role].last; j++) {
                all += n_out_of(s, j);
                before += j < role ? n_out_of(s, j) : 0;
            }
            columns = m->r[k + 1] * (before + n_out_of(s, role)) / all - m->r[k + 1] * before / all;
        } else {
            columns = m->r[k + 1];
        }
        m->pivots[k] = columns < rows ? columns : rows - 1;
    }
}

/* Parameters of the layer or, where it is joint, of the group: the last core once. */
static double group_parameters(const struct shape *s, int role, size_t bond, struct mpo m)
{
    int first = is_joint(s, role) ? roles[role].first : role, last = is_joint(s, role) ? roles[role].last : role;
    double sum = 0;
    for (int j = first; j <= last; j++) {
        factor_outputs(s, j, &m);
        with_bond(s, j, bond, &m);
        sum += mpo_parameters(&m);
        int k = m.d - 1;
        if (j > first) sum -= (double)(m.r[k] * m.o[k]) * (double)(m.i[k] * m.r[k + 1]);
    }
    return sum;
}

static bool structure(const struct shape *s, int role, struct mpo *m, struct error *e)
{
    const struct mpo_recipe *r = &s->mpo;
    size_t in = n_in_of(s, role), out = n_out_of(s, role), bond = (size_t)r->bond;
    *m = (struct mpo){.d = r->d};
    if (r->d == 2) {
        size_t split = (size_t)(r->s > 1 ? r->s : r->u);
        if (in % split || out % (size_t)r->s)
            return fail(e, "mpo: found %s of %zu x %zu, expected both to be multiples of %zu", roles[role].name, out, in,
                        split);
        m->i[0] = r->reversed ? in / split : split;
        m->i[1] = in / m->i[0];
    } else {
        mpo_balance(in, r->d, m->i);
    }
    factor_outputs(s, role, m);
    if (!bond) {
        double dense = 0;
        for (int j = 0; j < N_ROLES; j++)
            if (j == role || (is_joint(s, role) && j >= roles[role].first && j <= roles[role].last))
                dense += (double)in * (double)n_out_of(s, j);
        enum { STEP = 32 }; /* whole blocks of most types */
        size_t most = in < out || is_joint(s, role) ? in : out;
        for (bond = STEP; bond + STEP <= most && group_parameters(s, role, bond + STEP, *m) <= r->ratio * dense;) bond += STEP;
    }
    with_bond(s, role, bond, m);
    struct error why;
    return mpo_check(m, in, out, &why) || fail(e, "mpo: %s: %s", roles[role].name, why.text);
}

/* ---- Tensors ---- */

struct list {
    struct tensor *t;
    size_t n, capacity;
    const struct mix *mix;
    struct mix_model model;
    bool ok;
};

static void put(struct list *l, const struct tensor *t)
{
    struct tensor *grown = l->ok ? memory_grow(l->t, &l->capacity, l->n + 1, sizeof *l->t) : NULL;
    l->ok = grown;
    if (!grown) return;
    l->t = grown;
    l->t[l->n++] = *t;
}

/* A tensor in the type that the mix has for a matrix of this role with rows of ne0; I32 and F32 as they are said. */
static void put_new(struct list *l, const char *matrix, const char *prefix, const char *suffix, enum type type, unsigned n_dims,
                    int64_t ne0, int64_t ne1, int64_t ne2)
{
    struct tensor t = {.type = type, .n_dims = n_dims, .ne = {ne0, ne1, ne2, 1}};
    if (type == TYPE_COUNT) {
        snprintf(t.name, sizeof t.name, "%s", matrix);
        t.type = mix_type(l->mix, &l->model, &t);
    }
    snprintf(t.name, sizeof t.name, "%.40s.%.20s", prefix, suffix);
    t.row_bytes = type_bytes(t.type, (size_t)ne0);
    t.bytes = t.row_bytes * (size_t)(ne1 * ne2);
    put(l, &t);
}

static void put_cores(struct list *l, const struct shape *s, const struct tensor *t, const char *prefix, int role,
                      const struct mpo *m)
{
    const struct mpo_recipe *r = &s->mpo;
    char suffix[24], joint[TENSOR_MAX_NAME];
    for (int k = 0; k < m->d; k++) {
        bool shared = k == m->d - 1 && is_joint(s, role);
        if (shared && role != roles[role].first) continue;
        int64_t ne[3];
        mpo_core_shape(m, k, ne);
        snprintf(suffix, sizeof suffix, "mpo.%d", k);
        snprintf(joint, sizeof joint, "%.*s%s", (int)(strlen(prefix) - strlen(roles[role].name)), prefix,
                 shared ? roles[role].joint : roles[role].name);
        put_new(l, t->name, joint, suffix, TYPE_COUNT, m->pivots[k] ? 2 : 3, ne[0], ne[1], ne[2]);
        snprintf(suffix, sizeof suffix, "mpo.%d.pivot", k);
        if (m->pivots[k]) put_new(l, NULL, prefix, suffix, TYPE_I32, 1, (int64_t)m->r[k + 1], 1, 1);
    }
    if (r->permuted) {
        put_new(l, NULL, prefix, "mpo.perm_in", TYPE_I32, 1, t->ne[0], 1, 1);
        put_new(l, NULL, prefix, "mpo.perm_out", TYPE_I32, 1, t->ne[1], 1, 1);
    }
}

static void put_additions(struct list *l, const struct mpo_recipe *r, const struct tensor *t, const char *prefix, bool has_bias)
{
    if (r->correct) {
        put_new(l, t->name, prefix, "mpo.right", TYPE_COUNT, 2, t->ne[0], r->correct, 1);
        put_new(l, t->name, prefix, "mpo.left", TYPE_COUNT, 2, t->ne[1], r->correct, 1);
    }
    int64_t keep = r->keep < t->ne[0] ? r->keep : t->ne[0];
    if (keep) {
        put_new(l, t->name, prefix, "mpo.res", TYPE_COUNT, 2, t->ne[1], keep, 1);
        put_new(l, NULL, prefix, "mpo.res_idx", TYPE_I32, 1, keep, 1, 1);
    }
    if (r->bias && !has_bias) put_new(l, NULL, prefix, "mpo.bias", TYPE_F32, 1, t->ne[1], 1, 1);
}

/* The role that "blk.N.ROLE.weight" has, or -1; its prefix is the name without ".weight". */
static int role_of(const struct tensor *t, char prefix[TENSOR_MAX_NAME])
{
    snprintf(prefix, TENSOR_MAX_NAME, "%s", t->name);
    if (strncmp(t->name, "blk.", 4) || !ends_with(t->name, ".weight")) return -1;
    prefix[strlen(prefix) - strlen(".weight")] = 0;
    for (int j = 0; j < N_ROLES; j++)
        if (ends_with(prefix, roles[j].name) && prefix[strlen(prefix) - strlen(roles[j].name) - 1] == '.') return j;
    return -1;
}

struct tensor *recipe_apply(const struct shape *s, const struct mix *mix, struct tensor *tensors, size_t *n, struct error *e)
{
    struct list l = {.mix = mix, .model = {s->n_layer, s->n_head, s->n_head_kv, s->tied}, .ok = true};
    bool ok = true;
    for (size_t i = 0; ok && i < *n; i++) {
        const struct tensor *t = &tensors[i];
        char prefix[TENSOR_MAX_NAME];
        int role = role_of(t, prefix);
        struct mpo m;
        if (role < 0 || s->mpo.dense) put(&l, t);
        if (role < 0) continue;
        if (!s->mpo.dense) {
            ok = structure(s, role, &m, e);
            if (ok) put_cores(&l, s, t, prefix, role, &m);
        }
        bool has_bias = shape_is_encoder(s) || (role <= V && !strcmp(s->arch, "qwen2"));
        if (ok) put_additions(&l, &s->mpo, t, prefix, has_bias);
    }
    if (ok && !l.ok) ok = fail(e, "shape '%s': no memory for its tensors", s->name);
    free(tensors);
    if (ok) {
        *n = l.n;
        return l.t;
    }
    free(l.t);
    return NULL;
}

/* ---- Metadata ---- */

void recipe_describe(const struct shape *s, struct gguf_writer *w)
{
    struct mpo m;
    size_t n = 0, layers = (size_t)s->n_layer * N_ROLES;
    char(*names)[TENSOR_MAX_NAME] = malloc(layers * sizeof *names);
    struct gguf_string *list = malloc(layers * sizeof *list);
    for (int i = 0; names && list && i < s->n_layer; i++)
        for (int role = 0; role < N_ROLES; role++) {
            char joint[TENSOR_MAX_NAME];
            struct error none;
            if (role == GATE && shape_is_encoder(s)) continue;
            if (s->mpo.dense || !structure(s, role, &m, &none)) continue; /* recipe_apply has said what does not suit */
            snprintf(names[n], sizeof names[n], "blk.%d.%s", i, roles[role].name);
            if (is_joint(s, role)) snprintf(joint, sizeof joint, "blk.%d.%s", i, roles[role].joint);
            weights_describe(&m, names[n], is_joint(s, role) ? joint : NULL, w);
            list[n] = (struct gguf_string){names[n], strlen(names[n])};
            n++;
        }
    if (n) weights_describe_file(list, n, w);
    free(names);
    free(list);
}

/* ---- Indices ---- */

void recipe_indices(const struct shape *s, const struct tensor *t, int32_t *out)
{
    size_t n = (size_t)t->ne[0];
    char prefix[TENSOR_MAX_NAME];
    snprintf(prefix, sizeof prefix, "%s", t->name);
    char *mpo = strstr(prefix, ".mpo.");
    if (mpo) *mpo = 0;
    struct tensor matrix = {0};
    char ignored[TENSOR_MAX_NAME];
    snprintf(matrix.name, sizeof matrix.name, "%.50s.weight", prefix);
    int role = role_of(&matrix, ignored), k = mpo ? atoi(mpo + 5) : 0;
    size_t count = n, high = n, first = 0, stride = 7919; /* a prime: distinct and spread out, in an order that does not rise */
    struct mpo m;
    struct error none;
    if (ends_with(t->name, ".pivot") && role >= 0 && structure(s, role, &m, &none)) {
        struct mpo_step step = mpo_step(&m, k);
        count = step.pivots, high = step.rows * step.slices;
        if (!s->mpo.shuffled) stride = 1;
        for (size_t j = 0; j < n; j++) out[j] = -1;
        /* A member's share of a joint identity stands where that of those before it ends. */
        for (int j = roles[role].first; is_joint(s, role) && k == m.d - 2 && j < role; j++) {
            struct mpo other;
            if (structure(s, j, &other, &none)) first += other.pivots[k];
        }
    } else if (ends_with(t->name, ".res_idx") && role >= 0) {
        high = n_in_of(s, role);
    }
    if (count % stride == 0) stride = 1;
    for (size_t j = 0; j < count; j++) out[first + j] = (int32_t)(j * stride % count * high / count);
}
