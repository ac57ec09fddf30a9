/* weights.c - see weights.h.
 * SPDX-License-Identifier: MIT */
#include "engine/weights.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    const struct gguf *g;
    struct layer_weights *w;
    char prefix[TENSOR_MAX_NAME]; /* "blk.3.ffn_up" */
    char cores[TENSOR_MAX_NAME];  /* where the last core stands: the same, or that of a joint group */
    struct error *e;
};

static const struct tensor *find(const struct reader *r, const char *prefix, const char *suffix, char name[96])
{
    snprintf(name, 96, "%s.%s", prefix, suffix);
    return gguf_tensor(r->g, name);
}

/* ---- Tensors ---- */

static bool has_shape(const struct tensor *t, int64_t ne0, int64_t ne1, int64_t ne2, struct error *e)
{
    if (t->ne[0] == ne0 && t->ne[1] == ne1 && t->ne[2] == ne2 && t->ne[3] == 1) return true;
    return fail(e, "tensor '%s': found [%lld, %lld, %lld, %lld], expected [%lld, %lld, %lld]", t->name, (long long)t->ne[0],
                (long long)t->ne[1], (long long)t->ne[2], (long long)t->ne[3], (long long)ne0, (long long)ne1, (long long)ne2);
}

static bool is_matrix(const struct tensor *t, struct error *e)
{
    const struct type_info *type = type_get(t->type);
    if (!type->op) return fail(e, "tensor '%s': found type %s, expected one that can be multiplied", t->name, type->name);
    if (t->ne[0] % (int64_t)type->block)
        return fail(e, "tensor '%s': found rows of %lld, expected a multiple of %zu for %s", t->name, (long long)t->ne[0],
                    type->block, type->name);
    return true;
}

static bool has_type(const struct tensor *t, enum type type, struct error *e)
{
    return t->type == type || fail(e, "tensor '%s': found type %s, expected %s", t->name, type_name(t->type), type_name(type));
}

/* Integers of an I32 vector lie in [low, high). */
static bool in_range(const struct tensor *t, int32_t low, int64_t high, struct error *e)
{
    const int32_t *v = t->data;
    for (int64_t j = 0; v && j < t->ne[0]; j++)
        if (v[j] < low || v[j] >= high)
            return fail(e, "tensor '%s': found %d at place %lld, expected %d to %lld", t->name, v[j], (long long)j, low,
                        (long long)high - 1);
    return true;
}

/* An optional vector of n indices below `high`. */
static bool read_indices(struct reader *r, const char *suffix, int64_t n, int64_t high, const struct tensor **out)
{
    char name[96];
    const struct tensor *t = *out = find(r, r->prefix, suffix, name);
    return !t || (has_type(t, TYPE_I32, r->e) && has_shape(t, n, 1, 1, r->e) && in_range(t, 0, high, r->e));
}

static bool is_permutation(const struct tensor *t, struct error *e)
{
    if (!t || !t->data) return true;
    const int32_t *v = t->data;
    unsigned char *seen = calloc((size_t)t->ne[0], 1);
    if (!seen) return fail(e, "tensor '%s': found no memory for %lld marks", t->name, (long long)t->ne[0]);
    bool ok = true;
    for (int64_t j = 0; ok && j < t->ne[0]; j++) {
        ok = !seen[v[j]] || fail(e, "tensor '%s': found %d twice, expected a permutation", t->name, v[j]);
        seen[v[j]] = 1;
    }
    free(seen);
    return ok;
}

/* ---- Metadata ---- */

/* Up to `max` integers of the key "mpo.PREFIX.NAME", of which there must be n unless n is 0; *got how many. */
static bool read_array(struct reader *r, const char *name, size_t n, size_t max, size_t *out, size_t *got)
{
    char key[160];
    snprintf(key, sizeof key, "mpo.%s.%s", r->prefix, name);
    const struct gguf_kv *kv = gguf_find(r->g, key);
    if (!kv) return fail(r->e, "metadata '%s': found nothing, expected an array of integers", key);
    bool integers = kv->type == GGUF_ARRAY && kv->element != GGUF_STRING && kv->element != GGUF_F32 &&
                    kv->element != GGUF_F64 && kv->element != GGUF_BOOL;
    if (!integers)
        return fail(r->e, "metadata '%s': found %s of %s, expected an array of integers", key,
                    kv->type == GGUF_ARRAY ? "an array" : "one value", gguf_value_name(kv->element));
    if (kv->n > max || (n && kv->n != n))
        return fail(r->e, "metadata '%s': found %llu elements, expected %s%zu", key, (unsigned long long)kv->n,
                    n ? "" : "at most ", n ? n : max);
    for (uint64_t j = 0; j < kv->n; j++) {
        int64_t v = gguf_integer(kv, j);
        if (v < 1 || v > MPO_MAX_FACTOR)
            return fail(r->e, "metadata '%s': found %lld, expected 1 to %d", key, (long long)v, MPO_MAX_FACTOR);
        out[j] = (size_t)v;
    }
    *got = (size_t)kv->n;
    return true;
}

static bool read_structure(struct reader *r)
{
    struct mpo *m = &r->w->mpo;
    size_t d;
    if (!read_array(r, "row_factors", 0, MPO_MAX_CORES, m->o, &d)) return false;
    m->d = (int)d;
    if (!read_array(r, "col_factors", d, MPO_MAX_CORES, m->i, &d) ||
        !read_array(r, "bonds", d + 1, MPO_MAX_CORES + 1, m->r, &d))
        return false;
    char key[160];
    struct gguf_string joint = {NULL, 0};
    snprintf(key, sizeof key, "mpo.%s.joint", r->prefix);
    snprintf(r->cores, sizeof r->cores, "%s", r->prefix);
    enum gguf_presence presence = gguf_get_string(r->g, key, &joint, r->e);
    if (presence == GGUF_WRONG) return false;
    if (presence == GGUF_FOUND) {
        if (joint.len < 1 || joint.len > TENSOR_MAX_NAME - 16 || m->d < 2)
            return fail(
                r->e,
                "metadata '%s': found a name of %zu bytes for %d cores, expected the start of a tensor's name and two or "
                "more cores",
                key, joint.len, m->d);
        snprintf(r->cores, sizeof r->cores, "%.*s", (int)joint.len, joint.data);
    }
    return true;
}

/* The text beside the numbers must say the same: it is what other programs' listings show. */
static bool check_spec(const struct reader *r)
{
    char key[160], want[MPO_SPEC];
    struct gguf_string found = {NULL, 0};
    snprintf(key, sizeof key, "mpo.%s.spec", r->prefix);
    mpo_spec(&r->w->mpo, want);
    enum gguf_presence presence = gguf_get_string(r->g, key, &found, r->e);
    if (presence == GGUF_WRONG) return false;
    if (presence == GGUF_ABSENT) return fail(r->e, "metadata '%s': found nothing, expected '%s'", key, want);
    if (found.len == strlen(want) && !memcmp(found.data, want, found.len)) return true;
    return fail(r->e, "metadata '%s': found '%.*s', expected '%s' as the factors and bonds say", key,
                found.len < 200 ? (int)found.len : 200, found.data, want);
}

/* ---- Cores ---- */

static int by_place(const void *a, const void *b)
{
    const struct mpo_pivot *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* The identity rows of core k in order. How many there are, the stored core's shape has told. */
static bool sort_pivots(struct reader *r, int k)
{
    const struct tensor *t = r->w->pivot[k];
    struct mpo_step s = mpo_step(&r->w->mpo, k);
    if (!in_range(t, -1, (int64_t)(s.rows * s.slices), r->e)) return false;
    const int32_t *v = t->data;
    size_t n = 0;
    for (size_t j = 0; j < s.cols; j++) n += v[j] >= 0;
    if (n != s.pivots)
        return fail(r->e, "tensor '%s': found %zu identity rows, expected %zu as tensor '%s' lacks", t->name, n, s.pivots,
                    r->w->core[k]->name);
    struct mpo_pivot *p = r->w->pivots[k] = malloc(n * sizeof *p);
    if (!p) return fail(r->e, "tensor '%s': found no memory for %zu rows", t->name, n);
    for (size_t j = 0, i = 0; j < s.cols; j++)
        if (v[j] >= 0) p[i++] = (struct mpo_pivot){(uint32_t)v[j], (uint32_t)j};
    qsort(p, n, sizeof *p, by_place);
    for (size_t i = 1; i < n; i++)
        if (p[i].place == p[i - 1].place)
            return fail(r->e, "tensor '%s': found row %u twice, expected once", t->name, p[i].place);
    return true;
}

/* Finds core k, and the pivots beside it; how many rows the gauge took away follows from its shape. */
static bool find_core(struct reader *r, int k)
{
    struct layer_weights *w = r->w;
    struct mpo *m = &w->mpo;
    char suffix[32], name[96];
    snprintf(suffix, sizeof suffix, "mpo.%d", k);
    const char *prefix = k == m->d - 1 ? r->cores : r->prefix;
    const struct tensor *t = w->core[k] = find(r, prefix, suffix, name);
    if (!t) return fail(r->e, "tensor '%s': found nothing, expected core %d of %d", name, k, m->d);
    if (!is_matrix(t, r->e)) return false;
    snprintf(suffix, sizeof suffix, "mpo.%d.pivot", k);
    w->pivot[k] = k < m->d - 1 ? find(r, prefix, suffix, name) : NULL;
    if (!w->pivot[k]) return true;
    if (!has_type(w->pivot[k], TYPE_I32, r->e) || !has_shape(w->pivot[k], (int64_t)m->r[k + 1], 1, 1, r->e)) return false;
    int64_t rows = (int64_t)(m->o[k] * m->r[k] * m->i[k]), lacking = rows - t->ne[1];
    if (t->ne[1] < 1 || lacking < 1 || lacking > (int64_t)m->r[k + 1])
        return fail(r->e, "tensor '%s': found %lld rows, expected %lld less the identity rows, at most %zu", t->name,
                    (long long)t->ne[1], (long long)rows, m->r[k + 1]);
    m->pivots[k] = (size_t)lacking;
    return true;
}

static bool read_cores(struct reader *r)
{
    struct layer_weights *w = r->w;
    struct mpo *m = &w->mpo;
    if (!read_structure(r)) return false;
    struct error why;
    /* Before the cores are found, so that no product of factors overflows; and once more when the gauge is known. */
    if (!mpo_check(m, w->n_in, w->n_out, &why)) return fail(r->e, "metadata 'mpo.%s': %s", r->prefix, why.text);
    for (int k = 0; k < m->d; k++) {
        int64_t ne[3];
        if (!find_core(r, k)) return false;
        mpo_core_shape(m, k, ne);
        if (!has_shape(w->core[k], ne[0], ne[1], ne[2], r->e)) return false;
        if (m->pivots[k] && w->pivot[k]->data && !sort_pivots(r, k)) return false;
    }
    if (!mpo_check(m, w->n_in, w->n_out, &why)) return fail(r->e, "metadata 'mpo.%s': %s", r->prefix, why.text);
    return check_spec(r) && read_indices(r, "mpo.perm_in", (int64_t)w->n_in, (int64_t)w->n_in, &w->perm_in) &&
           read_indices(r, "mpo.perm_out", (int64_t)w->n_out, (int64_t)w->n_out, &w->perm_out) &&
           is_permutation(w->perm_in, r->e) && is_permutation(w->perm_out, r->e);
}

/* ---- What is added ---- */

/* Two tensors that belong together: both or neither. */
static bool both(const struct reader *r, const struct tensor *a, const char *b_suffix, const struct tensor *b)
{
    if (!a == !b) return true;
    return fail(r->e, "tensor '%s.%s': found %s, expected %s with tensor '%s'", r->prefix, b_suffix, b ? "one" : "nothing",
                b ? "none" : "one", a ? a->name : "before it");
}

static bool read_additions(struct reader *r)
{
    struct layer_weights *w = r->w;
    char name[96];
    int64_t n_in = (int64_t)w->n_in, n_out = (int64_t)w->n_out;
    w->right = find(r, r->prefix, "mpo.right", name);
    w->left = find(r, r->prefix, "mpo.left", name);
    w->kept_index = find(r, r->prefix, "mpo.res_idx", name);
    w->kept = find(r, r->prefix, "mpo.res", name);
    if (!both(r, w->right, "mpo.left", w->left) || !both(r, w->kept_index, "mpo.res", w->kept)) return false;
    enum { MAX_RANK = 4096 };
    if (w->right) {
        if (w->right->ne[1] < 1 || w->right->ne[1] > MAX_RANK)
            return fail(r->e, "tensor '%s': found %lld rows, expected 1 to %d", w->right->name, (long long)w->right->ne[1],
                        MAX_RANK);
        if (!is_matrix(w->right, r->e) || !is_matrix(w->left, r->e) || !has_shape(w->right, n_in, w->right->ne[1], 1, r->e) ||
            !has_shape(w->left, n_out, w->right->ne[1], 1, r->e))
            return false;
    }
    if (!w->kept) return true;
    int64_t n = w->kept_index->ne[0];
    if (n < 1 || n > MAX_RANK)
        return fail(r->e, "tensor '%s': found %lld columns, expected 1 to %d", w->kept_index->name, (long long)n, MAX_RANK);
    return is_matrix(w->kept, r->e) && has_shape(w->kept, n_out, n, 1, r->e) &&
           read_indices(r, "mpo.res_idx", n, n_in, &w->kept_index);
}

/* The layer's own bias, or that of a correction: never both, since the two add up. */
static bool read_bias(struct reader *r, enum presence presence)
{
    struct layer_weights *w = r->w;
    char name[96], own_name[96];
    const struct tensor *more = find(r, r->prefix, "mpo.bias", name),
                        *own = presence == ABSENT ? NULL : find(r, r->prefix, "bias", own_name);
    if (presence == REQUIRED && !own) return fail(r->e, "tensor '%s': found nothing, expected [%zu]", own_name, w->n_out);
    if (more && own) return fail(r->e, "tensor '%s': found beside '%s', expected one of them", more->name, own->name);
    w->bias = own ? own : more;
    if (!w->bias) return true;
    if (w->bias->ne[0] != (int64_t)w->n_out || tensor_rows(w->bias) != 1)
        return fail(r->e, "tensor '%s': found [%lld, %lld], expected [%zu]", w->bias->name, (long long)w->bias->ne[0],
                    (long long)w->bias->ne[1], w->n_out);
    return has_type(w->bias, TYPE_F32, r->e);
}

static bool read_dense(struct reader *r)
{
    struct layer_weights *w = r->w;
    char name[96];
    w->dense = find(r, r->prefix, "weight", name);
    if (!w->dense) return fail(r->e, "tensor '%s': found nothing, expected [%zu, %zu]", name, w->n_in, w->n_out);
    const struct tensor *t = w->dense;
    if (t->ne[0] != (int64_t)w->n_in || t->ne[1] != (int64_t)w->n_out || t->ne[2] != 1 || t->ne[3] != 1)
        return fail(r->e, "tensor '%s': found [%lld, %lld, %lld], expected [%zu, %zu]", t->name, (long long)t->ne[0],
                    (long long)t->ne[1], (long long)t->ne[2], w->n_in, w->n_out);
    return is_matrix(t, r->e);
}

struct layer_weights *weights_read(const struct gguf *g, int layer, const char *role, size_t n_in, size_t n_out,
                                   enum presence bias, struct error *e)
{
    struct layer_weights *w = calloc(1, sizeof *w);
    if (!w) {
        fail(e, "%s: found no memory for %zu bytes", role, sizeof *w);
        return NULL;
    }
    *w = (struct layer_weights){.layer = layer, .role = role, .n_in = n_in, .n_out = n_out};
    struct reader r = {.g = g, .w = w, .e = e};
    if (layer < 0)
        snprintf(r.prefix, sizeof r.prefix, "%s", role);
    else
        snprintf(r.prefix, sizeof r.prefix, "blk.%d.%s", layer, role);
    char key[160], name[96];
    snprintf(key, sizeof key, "mpo.%s.bonds", r.prefix);
    bool factorised = gguf_find(g, key), ok = true;
    const struct tensor *dense = find(&r, r.prefix, "weight", name);
    if (factorised && dense) ok = fail(e, "tensor '%s': found beside metadata '%s', expected one of them", dense->name, key);
    ok = ok && (factorised ? read_cores(&r) : read_dense(&r)) && read_additions(&r) && read_bias(&r, bias);
    if (ok) return w;
    weights_free(w);
    return NULL;
}

void weights_free(struct layer_weights *w)
{
    if (!w) return;
    for (int k = 0; k < MPO_MAX_CORES; k++) free(w->pivots[k]);
    free(w);
}

bool weights_check_format(const struct gguf *g, struct error *e)
{
    uint32_t version = 0;
    struct gguf_string layout = {"", 0};
    bool any = false;
    for (size_t i = 0; i < g->n_kv; i++) any |= g->kv[i].key.len > 4 && !memcmp(g->kv[i].key.data, "mpo.", 4);
    if (!any) return true;
    if (gguf_get_u32(g, "mpo.version", &version, e) == GGUF_WRONG) return false;
    if (version != 1) return fail(e, "metadata 'mpo.version': found %u, expected 1", version);
    if (gguf_get_string(g, "mpo.layout", &layout, e) == GGUF_WRONG) return false;
    if (layout.len == 6 && !memcmp(layout.data, "rl-dot", 6)) return true;
    return fail(e, "metadata 'mpo.layout': found '%.*s', expected 'rl-dot'", layout.len < 40 ? (int)layout.len : 40,
                layout.data);
}

bool weights_check_count(const struct gguf *g, size_t used, struct error *e)
{
    const struct gguf_kv *names = gguf_find(g, "mpo.tensors");
    if (!names && !used) return true;
    if (!names || names->type != GGUF_ARRAY || names->element != GGUF_STRING)
        return fail(e, "metadata 'mpo.tensors': found %s, expected the names of the factorised layers",
                    names ? "no array of strings" : "nothing");
    if (names->n == used) return true;
    return fail(e, "metadata 'mpo.tensors': found %llu names, expected %zu, the layers that the model has bonds for",
                (unsigned long long)names->n, used);
}

/* ---- Writing ---- */

static void set_numbers(struct gguf_writer *w, const char *prefix, const char *name, const size_t *v, int n)
{
    char key[160];
    uint32_t numbers[MPO_MAX_CORES + 1];
    for (int k = 0; k < n; k++) numbers[k] = (uint32_t)v[k];
    snprintf(key, sizeof key, "mpo.%s.%s", prefix, name);
    gguf_set_array(w, key, GGUF_U32, numbers, (uint64_t)n);
}

void weights_describe(const struct mpo *m, const char *prefix, const char *joint, struct gguf_writer *w)
{
    char key[160], spec[MPO_SPEC];
    set_numbers(w, prefix, "row_factors", m->o, m->d);
    set_numbers(w, prefix, "col_factors", m->i, m->d);
    set_numbers(w, prefix, "bonds", m->r, m->d + 1);
    mpo_spec(m, spec);
    snprintf(key, sizeof key, "mpo.%s.spec", prefix);
    gguf_set_string(w, key, spec, strlen(spec));
    if (!joint) return;
    snprintf(key, sizeof key, "mpo.%s.joint", prefix);
    gguf_set_string(w, key, joint, strlen(joint));
}

void weights_describe_file(const struct gguf_string *layers, size_t n, struct gguf_writer *w)
{
    gguf_set_u32(w, "mpo.version", 1);
    gguf_set_string(w, "mpo.layout", "rl-dot", 6);
    gguf_set_strings(w, "mpo.tensors", layers, n);
}
