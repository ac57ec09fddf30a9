/* describe.c - sums over the tables of a GGUF file, and its values as text.
 * SPDX-License-Identifier: MIT */
#include "loader/describe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "loader/gguf_private.h"

/* A sum while it is being sorted into place. */
struct group {
    struct layer_sum sum;
    size_t first;      /* tensor in the file */
    bool numbered;
    size_t prefix_len; /* before the number */
    uint64_t number;
};

/* The part of a tensor's name that says where it belongs: up to its first number, else all but the last word. */
static size_t group_length(const char *name, bool *numbered, size_t *prefix_len, uint64_t *number)
{
    for (const char *word = name; word; word = strchr(word, '.') ? strchr(word, '.') + 1 : NULL) {
        size_t digits = strspn(word, "0123456789");
        *number = strtoull(word, NULL, 10);
        *prefix_len = (size_t)(word - name);
        *numbered = digits && (word[digits] == '.' || !word[digits]);
        if (*numbered) return *prefix_len + digits;
    }
    const char *last = strrchr(name, '.');
    return last && last > name ? (size_t)(last - name) : strlen(name);
}

void type_sum_add(struct type_sum *s, const struct tensor *t)
{
    s->tensors++;
    s->parameters += tensor_parameters(t);
    s->bytes += t->bytes;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->numbered != y->numbered) return x->numbered - y->numbered;
    if (x->numbered) {
        size_t n = x->prefix_len < y->prefix_len ? x->prefix_len : y->prefix_len;
        int c = memcmp(x->sum.name.data, y->sum.name.data, n);
        if (c) return c;
        if (x->prefix_len != y->prefix_len) return x->prefix_len < y->prefix_len ? -1 : 1;
        if (x->number != y->number) return x->number < y->number ? -1 : 1;
    }
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Tensors of a group need not stand together in the file; sorted by the group's name they do. */
static size_t collect(struct group *groups, struct gguf_name *names, const struct gguf *g)
{
    size_t n = 0;
    bool numbered;
    size_t prefix;
    uint64_t number;
    for (size_t i = 0; i < g->n_tensors; i++) {
        const char *name = g->tensors[i].name;
        names[i] = (struct gguf_name){name, group_length(name, &numbered, &prefix, &number), i};
    }
    gguf_names_sort(names, g->n_tensors);
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct tensor *t = &g->tensors[names[i].at];
        struct group *last = n ? &groups[n - 1] : NULL;
        if (!last || last->sum.name.len != names[i].len || memcmp(last->sum.name.data, names[i].data, names[i].len)) {
            last = &groups[n++];
            *last = (struct group){.sum.name = {names[i].data, names[i].len}, .first = names[i].at};
            group_length(t->name, &last->numbered, &last->prefix_len, &last->number);
        }
        if (names[i].at < last->first) last->first = names[i].at;
        type_sum_add(&last->sum.all, t);
        last->sum.type_bytes[t->type] += t->bytes;
    }
    return n;
}

static bool sum_layers(struct description *d, const struct gguf *g, struct error *e)
{
    size_t n = g->n_tensors ? g->n_tensors : 1;
    struct gguf_name *names = calloc(n, sizeof *names);
    struct group *groups = calloc(n, sizeof *groups);
    d->sums = calloc(n, sizeof *d->sums);
    bool ok = names && groups && d->sums;
    if (ok) {
        d->n_sums = collect(groups, names, g);
        qsort(groups, d->n_sums, sizeof *groups, compare_groups);
        for (size_t i = 0; i < d->n_sums; i++) d->sums[i] = groups[i].sum;
    }
    free(names);
    free(groups);
    return ok || fail(e, "header: found %zu tensors, expected few enough for this machine's memory", g->n_tensors);
}

/* ARCHITECTURE.block_count, or a vision file's clip.vision.block_count. */
static bool is_layers(const struct gguf_string *name)
{
    static const char *const keys[] = {"block_count", "vision.block_count"};
    for (size_t i = 0; i < 2; i++)
        if (name->len == strlen(keys[i]) && !memcmp(name->data, keys[i], name->len)) return true;
    return false;
}

bool describe_model(struct description *d, const struct gguf *g, struct error *e)
{
    memset(d, 0, sizeof *d);
    if (gguf_get_string(g, "general.architecture", &d->architecture, e) == GGUF_WRONG ||
        gguf_get_string(g, "general.name", &d->name, e) == GGUF_WRONG)
        return false;
    for (size_t i = 0; i < g->n_kv; i++) {
        struct gguf_string name;
        if (!describe_hparam(d, &g->kv[i], &name) || !is_layers(&name)) continue;
        char key[128];
        snprintf(key, sizeof key, "%.*s", (int)g->kv[i].key.len, g->kv[i].key.data);
        if (gguf_get_u32(g, key, &d->layers, e) != GGUF_FOUND) return false; /* wrong: that it is there is known */
        d->has_layers = true;
    }
    for (size_t i = 0; i < g->n_tensors; i++) {
        type_sum_add(&d->all, &g->tensors[i]);
        type_sum_add(&d->types[g->tensors[i].type], &g->tensors[i]);
    }
    if (sum_layers(d, g, e)) return true;
    describe_free(d);
    return false;
}

void describe_free(struct description *d)
{
    free(d->sums);
    d->sums = NULL;
}

bool describe_hparam(const struct description *d, const struct gguf_kv *kv, struct gguf_string *name)
{
    size_t n = d->architecture.len;
    if (!n || kv->key.len <= n + 1 || memcmp(kv->key.data, d->architecture.data, n) || kv->key.data[n] != '.') return false;
    *name = (struct gguf_string){kv->key.data + n + 1, kv->key.len - n - 1};
    return true;
}

/* In as few digits as give the same value back: 1e-06, not 9.99999997e-07. */
static void number(FILE *f, double v, bool is_f32)
{
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (is_f32 ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v) break;
    }
    fputs(text, f);
}

static void element(FILE *f, const struct gguf_kv *kv, uint64_t i, size_t columns)
{
    switch (kv->element) {
    case GGUF_STRING:
        fputc('"', f);
        print_escaped(f, kv->strings[i].data, kv->strings[i].len, columns);
        fputc('"', f);
        break;
    case GGUF_BOOL: fputs(gguf_integer(kv, i) ? "true" : "false", f); break;
    case GGUF_F32: case GGUF_F64: number(f, gguf_number(kv, i), kv->element == GGUF_F32); break;
    default: fprintf(f, "%" PRId64, gguf_integer(kv, i)); break;
    }
}

void describe_value(FILE *f, const struct gguf_kv *kv, size_t columns)
{
    enum { SHOWN = 6 };
    if (kv->type != GGUF_ARRAY) {
        element(f, kv, 0, columns);
        return;
    }
    fputc('[', f);
    for (uint64_t i = 0; i < kv->n && i < SHOWN; i++) {
        if (i) fputs(", ", f);
        element(f, kv, i, columns / SHOWN);
    }
    fputs(kv->n > SHOWN ? ", ...]" : "]", f);
}
