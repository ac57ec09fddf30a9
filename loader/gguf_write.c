/* gguf_write.c - tables to the bytes of a GGUF v3 file; the layout is drawn in gguf.c.
 * SPDX-License-Identifier: MIT */
#include "loader/gguf_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A value is kept as the bytes that the file will hold, so that any kind is set, copied and written alike. */
struct value {
    char *key;
    enum gguf_value type, element;
    uint64_t n;
    void *bytes;
    size_t size;
};

struct gguf_writer {
    uint32_t alignment;
    struct value *values;
    size_t n_values, cap_values;
    struct tensor *tensors; /* .offset from where tensor data begins */
    size_t n_tensors, cap_tensors;
    uint64_t data_bytes;    /* of all tensors, padded */
    struct error problem;   /* the first one, for gguf_writer_begin; text[0] == 0: none */
    FILE *f;
    uint64_t at, size;
    size_t current;         /* the tensor whose bytes are awaited */
    size_t written;         /* of its bytes */
};

struct gguf_writer *gguf_writer_new(uint32_t alignment)
{
    struct gguf_writer *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->alignment = alignment ? alignment : GGUF_DEFAULT_ALIGNMENT;
    if (!gguf_alignment_ok(w->alignment))
        fail(&w->problem, "alignment: found %" PRIu32 ", expected a power of two from %d to %d", alignment, GGUF_MIN_ALIGNMENT,
             GGUF_MAX_ALIGNMENT);
    return w;
}

void gguf_writer_free(struct gguf_writer *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->n_values; i++) {
        free(w->values[i].key);
        free(w->values[i].bytes);
    }
    free(w->values);
    free(w->tensors);
    free(w);
}

static void out_of_memory(struct gguf_writer *w)
{
    if (!w->problem.text[0]) fail(&w->problem, "header: found no memory left, expected some");
}

static void set(struct gguf_writer *w, const char *key, size_t key_len, enum gguf_value type, enum gguf_value element,
                uint64_t n, const void *data, size_t size)
{
    if (w->problem.text[0]) return;
    if (key_len < 1 || key_len > GGUF_MAX_KEY) {
        fail(&w->problem, "metadata '%.*s': found a key of %zu bytes, expected 1 to %d", key_len > 80 ? 80 : (int)key_len, key,
             key_len, GGUF_MAX_KEY);
        return;
    }
    struct value v = {.type = type, .element = element, .n = n, .size = size};
    v.key = calloc(key_len + 1, 1);
    v.bytes = malloc(size ? size : 1);
    struct value *values = memory_grow(w->values, &w->cap_values, w->n_values + 1, sizeof *w->values);
    if (values) w->values = values;
    if (!v.key || !v.bytes || !values) {
        free(v.key);
        free(v.bytes);
        out_of_memory(w);
        return;
    }
    memcpy(v.key, key, key_len);
    if (size) memcpy(v.bytes, data, size);
    w->values[w->n_values++] = v;
}

static void set_scalar(struct gguf_writer *w, const char *key, enum gguf_value type, const void *data)
{
    set(w, key, strlen(key), type, type, 1, data, gguf_value_bytes[type]);
}

void gguf_set_u32(struct gguf_writer *w, const char *key, uint32_t v) { set_scalar(w, key, GGUF_U32, &v); }
void gguf_set_i32(struct gguf_writer *w, const char *key, int32_t v) { set_scalar(w, key, GGUF_I32, &v); }
void gguf_set_u64(struct gguf_writer *w, const char *key, uint64_t v) { set_scalar(w, key, GGUF_U64, &v); }
void gguf_set_f32(struct gguf_writer *w, const char *key, float v) { set_scalar(w, key, GGUF_F32, &v); }
void gguf_set_bool(struct gguf_writer *w, const char *key, bool v) { set_scalar(w, key, GGUF_BOOL, &(uint8_t){v}); }

static void set_string_values(struct gguf_writer *w, const char *key, size_t key_len, enum gguf_value type,
                              const struct gguf_string *s, uint64_t n)
{
    size_t size = 0;
    for (uint64_t i = 0; i < n; i++) size += 8 + s[i].len;
    char *bytes = malloc(size ? size : 1), *at = bytes;
    if (!bytes) {
        out_of_memory(w);
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint64_t len = s[i].len;
        memcpy(at, &len, 8);
        if (len) memcpy(at + 8, s[i].data, len);
        at += 8 + len;
    }
    set(w, key, key_len, type, GGUF_STRING, n, bytes, size);
    free(bytes);
}

void gguf_set_string(struct gguf_writer *w, const char *key, const char *s, size_t len)
{
    set_string_values(w, key, strlen(key), GGUF_STRING, &(struct gguf_string){s, len}, 1);
}

void gguf_set_strings(struct gguf_writer *w, const char *key, const struct gguf_string *s, uint64_t n)
{
    set_string_values(w, key, strlen(key), GGUF_ARRAY, s, n);
}

void gguf_set_array(struct gguf_writer *w, const char *key, enum gguf_value element, const void *data, uint64_t n)
{
    bool number = (unsigned)element < GGUF_VALUES && gguf_value_bytes[element];
    if (!number && !w->problem.text[0])
        fail(&w->problem, "metadata '%s': found an array of %s, expected one of numbers", key, gguf_value_name(element));
    if (number) set(w, key, strlen(key), GGUF_ARRAY, element, n, data, n * gguf_value_bytes[element]);
}

void gguf_copy_kv(struct gguf_writer *w, const struct gguf_kv *kv)
{
    if (kv->strings) set_string_values(w, kv->key.data, kv->key.len, kv->type, kv->strings, kv->n);
    else set(w, kv->key.data, kv->key.len, kv->type, kv->element, kv->n, kv->data, kv->n * gguf_value_bytes[kv->element]);
}

void gguf_add_tensor(struct gguf_writer *w, const char *name, enum type type, unsigned n_dims, const int64_t *ne)
{
    if (w->problem.text[0]) return;
    struct tensor t = {.n_dims = n_dims, .offset = w->data_bytes};
    struct error why;
    size_t len = strlen(name);
    if (len < 1 || len >= TENSOR_MAX_NAME) {
        fail(&w->problem, "tensor '%s': found a name of %zu bytes, expected 1 to %d", name, len, TENSOR_MAX_NAME - 1);
        return;
    }
    if (n_dims < 1 || n_dims > TENSOR_MAX_DIMS) {
        fail(&w->problem, "tensor '%s': found %u dimensions, expected 1 to %d", name, n_dims, TENSOR_MAX_DIMS);
        return;
    }
    memcpy(t.name, name, len);
    memcpy(t.ne, ne, n_dims * sizeof *ne);
    if (!gguf_tensor_shape(&t, type, &why)) {
        fail(&w->problem, "tensor '%s': %s", name, why.text);
        return;
    }
    if (t.bytes > UINT64_MAX / 2 - w->data_bytes) {
        fail(&w->problem, "tensor '%s': found more than 2^63 bytes of tensors, expected fewer", name);
        return;
    }
    struct tensor *tensors = memory_grow(w->tensors, &w->cap_tensors, w->n_tensors + 1, sizeof *w->tensors);
    if (!tensors) {
        out_of_memory(w);
        return;
    }
    w->tensors = tensors;
    w->tensors[w->n_tensors++] = t;
    w->data_bytes = gguf_align(w->data_bytes + t.bytes, w->alignment);
}

static int compare_values(const void *a, const void *b)
{
    const struct gguf_name *x = a, *y = b;
    int c = strcmp(x->data, y->data);
    return c ? c : (x->at > y->at) - (x->at < y->at);
}

/* Of a key set several times the last value goes to the first one's place. Sorted, since a copied file may hold a million keys.
 */
static bool drop_repeated(struct gguf_writer *w, struct error *e)
{
    struct gguf_name *names = calloc(w->n_values ? w->n_values : 1, sizeof *names);
    if (!names) return fail(e, "header: found no memory left, expected some");
    for (size_t i = 0; i < w->n_values; i++) names[i] = (struct gguf_name){w->values[i].key, strlen(w->values[i].key), i};
    qsort(names, w->n_values, sizeof *names, compare_values);
    for (size_t i = 0, end; i < w->n_values; i = end) {
        for (end = i + 1; end < w->n_values && !strcmp(names[end].data, names[i].data); end++) {}
        for (size_t k = i; k + 1 < end; k++) {
            struct value *old = &w->values[names[k].at];
            free(old->key);
            free(old->bytes);
            old->key = NULL;
        }
        if (end - i == 1) continue;
        w->values[names[i].at] = w->values[names[end - 1].at];
        w->values[names[end - 1].at].key = NULL;
    }
    free(names);
    size_t kept = 0;
    for (size_t i = 0; i < w->n_values; i++)
        if (w->values[i].key) w->values[kept++] = w->values[i];
    w->n_values = kept;
    return true;
}

static bool check_names(const struct gguf_writer *w, struct error *e)
{
    struct gguf_name *names = calloc(w->n_tensors ? w->n_tensors : 1, sizeof *names);
    if (!names) return fail(e, "header: found no memory left, expected some");
    for (size_t i = 0; i < w->n_tensors; i++) names[i] = (struct gguf_name){w->tensors[i].name, strlen(w->tensors[i].name), i};
    gguf_names_sort(names, w->n_tensors);
    const struct gguf_name *twice = gguf_names_duplicate(names, w->n_tensors);
    if (twice) fail(e, "tensor '%s': found twice, expected once", twice->data);
    free(names);
    return !twice;
}

/* ---- Output ---- */

static bool put(struct gguf_writer *w, const void *data, size_t n, struct error *e)
{
    errno = 0;
    if (n && fwrite(data, 1, n, w->f) != n)
        return fail(e, "byte %" PRIu64 " of %" PRIu64 ": cannot write: %s", w->at, w->size, strerror(errno ? errno : EIO));
    w->at += n;
    return true;
}

static bool put_u32(struct gguf_writer *w, uint32_t v, struct error *e) { return put(w, &v, 4, e); }
static bool put_u64(struct gguf_writer *w, uint64_t v, struct error *e) { return put(w, &v, 8, e); }

static bool put_text(struct gguf_writer *w, const char *s, struct error *e)
{
    return put_u64(w, strlen(s), e) && put(w, s, strlen(s), e);
}

static bool put_zeros(struct gguf_writer *w, uint64_t to, struct error *e)
{
    static const char zeros[512];
    while (w->at < to)
        if (!put(w, zeros, to - w->at < sizeof zeros ? to - w->at : sizeof zeros, e)) return false;
    return true;
}

static bool put_value(struct gguf_writer *w, const struct value *v, struct error *e)
{
    bool ok = put_text(w, v->key, e) && put_u32(w, v->type, e);
    if (v->type == GGUF_ARRAY) ok = ok && put_u32(w, v->element, e) && put_u64(w, v->n, e);
    return ok && put(w, v->bytes, v->size, e);
}

static bool put_tensor(struct gguf_writer *w, const struct tensor *t, struct error *e)
{
    if (!put_text(w, t->name, e) || !put_u32(w, t->n_dims, e)) return false;
    for (unsigned d = 0; d < t->n_dims; d++)
        if (!put_u64(w, (uint64_t)t->ne[d], e)) return false;
    return put_u32(w, t->type, e) && put_u64(w, t->offset, e);
}

/* The bytes of header, metadata and tensor infos, before the padding. */
static uint64_t tables_size(const struct gguf_writer *w)
{
    uint64_t size = 4 + 4 + 8 + 8;
    for (size_t i = 0; i < w->n_values; i++) {
        const struct value *v = &w->values[i];
        size += 8 + strlen(v->key) + 4 + (v->type == GGUF_ARRAY ? 4 + 8 : 0) + v->size;
    }
    for (size_t i = 0; i < w->n_tensors; i++)
        size += 8 + strlen(w->tensors[i].name) + 4 + 8 * (uint64_t)w->tensors[i].n_dims + 4 + 8;
    return size;
}

bool gguf_writer_begin(struct gguf_writer *w, FILE *f, struct error *e)
{
    static const char key[] = "general.alignment";
    size_t i = 0;
    while (i < w->n_values && strcmp(w->values[i].key, key)) i++;
    if (i < w->n_values || w->alignment != GGUF_DEFAULT_ALIGNMENT) gguf_set_u32(w, key, w->alignment);
    if (w->problem.text[0]) return fail(e, "%s", w->problem.text);
    if (!drop_repeated(w, e) || !check_names(w, e)) return false;

    uint64_t data = gguf_align(tables_size(w), w->alignment);
    w->f = f;
    w->size = data + w->data_bytes;
    bool ok = put(w, "GGUF", 4, e) && put_u32(w, 3, e) && put_u64(w, w->n_tensors, e) && put_u64(w, w->n_values, e);
    for (i = 0; ok && i < w->n_values; i++) ok = put_value(w, &w->values[i], e);
    for (i = 0; ok && i < w->n_tensors; i++) ok = put_tensor(w, &w->tensors[i], e);
    return ok && put_zeros(w, data, e);
}

bool gguf_write_data(struct gguf_writer *w, const void *data, size_t bytes, struct error *e)
{
    if (w->current == w->n_tensors) return fail(e, "tensor data: found %zu bytes after the last tensor, expected none", bytes);
    const struct tensor *t = &w->tensors[w->current];
    if (bytes > t->bytes - w->written)
        return fail(e, "tensor '%s': found more than its %zu bytes, expected just these", t->name, t->bytes);
    if (!put(w, data, bytes, e)) return false;
    w->written += bytes;
    if (w->written < t->bytes) return true;
    w->current++;
    w->written = 0;
    return put_zeros(w, gguf_align(w->at, w->alignment), e); /* tables end aligned, so file and data offsets agree here */
}

bool gguf_writer_end(struct gguf_writer *w, struct error *e)
{
    if (w->current < w->n_tensors)
        return fail(e, "tensor '%s': found %zu bytes, expected %zu", w->tensors[w->current].name, w->written,
                    w->tensors[w->current].bytes);
    errno = 0;
    if (fflush(w->f) || ferror(w->f)) return fail(e, "end of file: cannot write: %s", strerror(errno ? errno : EIO));
    return true;
}

uint64_t gguf_writer_size(const struct gguf_writer *w) { return w->size; }
