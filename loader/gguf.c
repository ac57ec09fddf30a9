/* gguf.c - the bytes of a GGUF file to tables. No I/O, no trust: see gguf.h.
 *
 *   "GGUF"  u32 version  u64 n_tensors  u64 n_kv
 *   n_kv times       string key   u32 type   value
 *   n_tensors times  string name  u32 n_dims  u64 ne[n_dims]  u32 type  u64 offset
 *   zeros up to a multiple of general.alignment, then tensor data; offsets count from there
 *
 * A string is u64 length and its bytes; an array is u32 element type, u64 n and n values. A count is checked against what is
 * left of the file before memory is taken for it, so that tables take at most eight times the bytes that describe them.
 * SPDX-License-Identifier: MIT */
#include "loader/gguf_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF is read in place: a little-endian host is needed"
#endif

enum { MIN_KV_BYTES = 8 + 1 + 4 + 1, MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8, PLACE_NAME = 80 };

struct parser {
    const unsigned char *data;
    size_t size, at;
    bool ran_out; /* failed because the file ends too early, or seems to */
    char place[PLACE_NAME + 32];
    struct error *e;
};

static bool bad(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool bad(struct parser *p, const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return fail(p->e, "%s: %s", p->place, text);
}

static void place(struct parser *p, const char *table, struct gguf_string name)
{
    bool cut = name.len > PLACE_NAME;
    snprintf(p->place, sizeof p->place, "%s '%.*s%s'", table, cut ? PLACE_NAME : (int)name.len, name.data, cut ? "..." : "");
}

static size_t left(const struct parser *p) { return p->size - p->at; }

/* The next n bytes, NULL where there are fewer. */
static const void *take(struct parser *p, uint64_t n, const char *what)
{
    if (n > left(p)) {
        p->ran_out = true;
        bad(p, "found the end of the file at byte %zu, expected %s (%" PRIu64 " bytes at byte %zu)", p->size, what, n, p->at);
        return NULL;
    }
    const void *bytes = p->data + p->at;
    p->at += n;
    return bytes;
}

static bool take_u32(struct parser *p, uint32_t *out, const char *what)
{
    const void *bytes = take(p, 4, what);
    if (bytes) memcpy(out, bytes, 4);
    return bytes;
}

static bool take_u64(struct parser *p, uint64_t *out, const char *what)
{
    const void *bytes = take(p, 8, what);
    if (bytes) memcpy(out, bytes, 8);
    return bytes;
}

/* Whether n things of at least `bytes` bytes each can follow. */
static bool room(struct parser *p, uint64_t n, size_t bytes, const char *what)
{
    if (n <= left(p) / bytes) return true;
    p->ran_out = true;
    return bad(p, "found %" PRIu64 " %s, expected at most %zu in the %zu bytes left: the file is cut short or damaged", n, what,
               left(p) / bytes, left(p));
}

static bool take_string(struct parser *p, struct gguf_string *s, const char *what)
{
    uint64_t len;
    if (!take_u64(p, &len, what) || !room(p, len, 1, "bytes in a string")) return false;
    s->len = len;
    s->data = take(p, len, what);
    return true;
}

/* Names are looked up as C strings, so one that holds a NUL could never be found. */
static bool take_name(struct parser *p, struct gguf_string *s, size_t max, const char *what)
{
    if (!take_string(p, s, what)) return false;
    if (s->len < 1 || s->len > max) return bad(p, "found %s of %zu bytes, expected 1 to %zu", what, s->len, max);
    if (memchr(s->data, 0, s->len)) return bad(p, "found a NUL byte in %s, expected none", what);
    return true;
}

static bool no_memory(struct parser *p, uint64_t n, const char *what)
{
    return bad(p, "found %" PRIu64 " %s, expected few enough for this machine's memory", n, what);
}

static void *table(size_t n, size_t bytes) { return calloc(n ? n : 1, bytes); }

static bool parse_header(struct parser *p, uint32_t *version, uint64_t *n_tensors, uint64_t *n_kv)
{
    strcpy(p->place, "header");
    const unsigned char *magic = take(p, 4, "\"GGUF\"");
    if (!magic) return false;
    if (memcmp(magic, "GGUF", 4))
        return bad(p, "found bytes %02x %02x %02x %02x, expected \"GGUF\"", magic[0], magic[1], magic[2], magic[3]);
    if (!take_u32(p, version, "a version")) return false;
    if (*version && !(*version & 0xffff)) return bad(p, "found a big-endian file, expected a little-endian one");
    if (*version == 1) return bad(p, "found GGUF version 1, whose counts are 32-bit, expected 2 or 3");
    if (*version != 2 && *version != 3) return bad(p, "found GGUF version %" PRIu32 ", expected 2 or 3", *version);
    return take_u64(p, n_tensors, "the number of tensors") && take_u64(p, n_kv, "the number of metadata values") &&
           room(p, *n_kv, MIN_KV_BYTES, "metadata values") && room(p, *n_tensors, MIN_TENSOR_BYTES, "tensors");
}

static bool parse_strings(struct parser *p, struct gguf_kv *kv)
{
    if (!room(p, kv->n, 8, "strings")) return false;
    kv->strings = table(kv->n, sizeof *kv->strings);
    if (!kv->strings) return no_memory(p, kv->n, "strings");
    kv->data = p->data + p->at;
    for (uint64_t i = 0; i < kv->n; i++)
        if (!take_string(p, &kv->strings[i], "a string")) return false;
    return true;
}

static bool parse_value(struct parser *p, struct gguf_kv *kv)
{
    uint32_t type, element;
    if (!take_u32(p, &type, "a value type")) return false;
    if (type >= GGUF_VALUES) return bad(p, "found value type %" PRIu32 ", expected 0 to %d", type, GGUF_VALUES - 1);
    element = type;
    kv->n = 1;
    if (type == GGUF_ARRAY) {
        if (!take_u32(p, &element, "an element type")) return false;
        if (element >= GGUF_VALUES)
            return bad(p, "found an array of value type %" PRIu32 ", expected 0 to %d", element, GGUF_VALUES - 1);
        if (element == GGUF_ARRAY) return bad(p, "found an array of arrays, expected an array of numbers or strings");
        if (!take_u64(p, &kv->n, "an array's length")) return false;
    }
    kv->type = type;
    kv->element = element;
    if (element == GGUF_STRING) return parse_strings(p, kv);

    if (!room(p, kv->n, gguf_value_bytes[element], "array elements")) return false;
    kv->data = take(p, kv->n * gguf_value_bytes[element], "a value");
    if (!kv->data) return false;
    const unsigned char *bools = kv->data;
    for (uint64_t i = 0; element == GGUF_BOOL && i < kv->n; i++)
        if (bools[i] > 1) return bad(p, "found a bool of value %u, expected 0 or 1", bools[i]);
    return true;
}

static bool parse_metadata(struct parser *p, struct gguf *g, uint64_t n_kv)
{
    g->kv = table(n_kv, sizeof *g->kv);
    g->kv_index = table(n_kv, sizeof *g->kv_index);
    if (!g->kv || !g->kv_index) return no_memory(p, n_kv, "metadata values");
    for (; g->n_kv < n_kv; g->n_kv++) {
        struct gguf_kv *kv = &g->kv[g->n_kv];
        snprintf(p->place, sizeof p->place, "metadata %zu of %" PRIu64, g->n_kv + 1, n_kv);
        if (!take_name(p, &kv->key, GGUF_MAX_KEY, "a key")) return false;
        place(p, "metadata", kv->key);
        if (!parse_value(p, kv)) {
            free(kv->strings);
            return false;
        }
        g->kv_index[g->n_kv] = (struct gguf_name){kv->key.data, kv->key.len, g->n_kv};
    }
    gguf_names_sort(g->kv_index, g->n_kv);
    const struct gguf_name *twice = gguf_names_duplicate(g->kv_index, g->n_kv);
    if (!twice) return true;
    place(p, "metadata", (struct gguf_string){twice->data, twice->len});
    return bad(p, "found twice, expected once");
}

static bool find_alignment(struct parser *p, struct gguf *g)
{
    g->alignment = GGUF_DEFAULT_ALIGNMENT;
    strcpy(p->place, "metadata 'general.alignment'");
    if (gguf_get_u32(g, "general.alignment", &g->alignment, p->e) == GGUF_WRONG) return false;
    if (gguf_alignment_ok(g->alignment)) return true;
    return bad(p, "found %" PRIu32 ", expected a power of two from %d to %d", g->alignment, GGUF_MIN_ALIGNMENT,
               GGUF_MAX_ALIGNMENT);
}

bool gguf_tensor_shape(struct tensor *t, uint32_t type, struct error *e)
{
    const struct type_info *info = type < TYPE_FILE_END ? type_get(type) : NULL;
    if (!info && type < TYPE_FILE_END)
        return fail(e, "found type %s, expected a supported one (F32 F16 BF16 I32 Q8_0 Q5_0 Q5_1 Q4_0 Q4_1 Q2_K Q3_K Q4_K Q5_K "
                       "Q6_K)", type_name(type));
    if (!info) return fail(e, "found type number %" PRIu32 ", expected less than %d", type, TYPE_FILE_END);
    int64_t elements = 1;
    for (unsigned d = 0; d < TENSOR_MAX_DIMS; d++) {
        if (d >= t->n_dims) t->ne[d] = 1;
        if (t->ne[d] < 1) return fail(e, "found dimension %u of %" PRId64 " elements, expected at least 1", d, t->ne[d]);
        if (__builtin_mul_overflow(elements, t->ne[d], &elements))
            return fail(e, "found more than 2^63 elements, expected fewer");
    }
    if ((uint64_t)t->ne[0] % info->block)
        return fail(e, "found rows of %" PRId64 " elements, expected a multiple of %zu for type %s", t->ne[0], info->block,
                    info->name);
    uint64_t row, bytes;
    if (__builtin_mul_overflow((uint64_t)t->ne[0] / info->block, (uint64_t)info->block_bytes, &row) ||
        __builtin_mul_overflow(row, (uint64_t)(elements / t->ne[0]), &bytes) || bytes > SIZE_MAX / 2)
        return fail(e, "found more bytes than can be addressed, expected fewer");
    t->type = type;
    t->row_bytes = row;
    t->bytes = bytes;
    return true;
}

static bool parse_tensor(struct parser *p, struct gguf *g, struct tensor *t)
{
    struct gguf_string name;
    uint32_t type;
    if (!take_name(p, &name, TENSOR_MAX_NAME - 1, "a name")) return false;
    memcpy(t->name, name.data, name.len);
    place(p, "tensor", name);
    if (!take_u32(p, &t->n_dims, "the number of dimensions")) return false;
    if (t->n_dims < 1 || t->n_dims > TENSOR_MAX_DIMS)
        return bad(p, "found %u dimensions, expected 1 to %d", t->n_dims, TENSOR_MAX_DIMS);
    for (unsigned d = 0; d < t->n_dims; d++) {
        uint64_t ne;
        if (!take_u64(p, &ne, "a dimension")) return false;
        if (ne > INT64_MAX) return bad(p, "found dimension %u of %" PRIu64 " elements, expected fewer than 2^63", d, ne);
        t->ne[d] = (int64_t)ne;
    }
    struct error why;
    if (!take_u32(p, &type, "a tensor type") || !take_u64(p, &t->offset, "an offset")) return false;
    if (!gguf_tensor_shape(t, type, &why)) return bad(p, "%s", why.text);
    if (t->offset % g->alignment)
        return bad(p, "found offset %" PRIu64 ", expected a multiple of the alignment %" PRIu32, t->offset, g->alignment);
    if (t->offset > UINT64_MAX / 2) return bad(p, "found offset %" PRIu64 ", expected less than 2^63", t->offset);
    return true;
}

static bool index_tensors(struct parser *p, struct gguf *g)
{
    for (size_t i = 0; i < g->n_tensors; i++)
        g->tensor_index[i] = (struct gguf_name){g->tensors[i].name, strlen(g->tensors[i].name), i};
    gguf_names_sort(g->tensor_index, g->n_tensors);
    const struct gguf_name *twice = gguf_names_duplicate(g->tensor_index, g->n_tensors);
    if (!twice) return true;
    place(p, "tensor", (struct gguf_string){twice->data, twice->len});
    return bad(p, "found twice, expected once");
}

static bool parse_tensors(struct parser *p, struct gguf *g, uint64_t n_tensors)
{
    strcpy(p->place, "header");
    if (!room(p, n_tensors, MIN_TENSOR_BYTES, "tensors")) return false;
    g->tensors = table(n_tensors, sizeof *g->tensors);
    g->tensor_index = table(n_tensors, sizeof *g->tensor_index);
    if (!g->tensors || !g->tensor_index) return no_memory(p, n_tensors, "tensors");
    for (; g->n_tensors < n_tensors; g->n_tensors++) {
        snprintf(p->place, sizeof p->place, "tensor %zu of %" PRIu64, g->n_tensors + 1, n_tensors);
        if (!parse_tensor(p, g, &g->tensors[g->n_tensors])) return false;
    }
    return index_tensors(p, g);
}

static int compare_offsets(const void *a, const void *b)
{
    const struct tensor *x = *(const struct tensor *const *)a, *y = *(const struct tensor *const *)b;
    return x->offset != y->offset ? (x->offset > y->offset) - (x->offset < y->offset) : (x > y) - (x < y);
}

/* Offsets must not overlap, in whatever order the tensors are listed. */
static bool check_overlap(struct parser *p, struct gguf *g)
{
    const struct tensor **order = table(g->n_tensors, sizeof(const struct tensor *));
    if (!order) return no_memory(p, g->n_tensors, "tensors");
    for (size_t i = 0; i < g->n_tensors; i++) order[i] = &g->tensors[i];
    qsort(order, g->n_tensors, sizeof *order, compare_offsets);
    bool ok = true;
    for (size_t i = 1; ok && i < g->n_tensors; i++) {
        const struct tensor *a = order[i - 1], *b = order[i];
        if (b->offset >= a->offset + a->bytes) continue;
        place(p, "tensor", (struct gguf_string){b->name, strlen(b->name)});
        ok = bad(p, "found offset %" PRIu64 ", expected at least %" PRIu64 ", where tensor '%s' ends", b->offset,
                 a->offset + a->bytes, a->name);
    }
    free(order);
    return ok;
}

static bool place_tensors(struct parser *p, struct gguf *g, int flags)
{
    const struct tensor *last = NULL;
    g->data_offset = gguf_align(p->at, g->alignment);
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct tensor *t = &g->tensors[i];
        if (t->offset + t->bytes <= g->data_bytes) continue;
        last = t;
        g->data_bytes = t->offset + t->bytes; /* each below 2^63 */
    }
    if (!check_overlap(p, g)) return false;
    uint64_t found = p->size > g->data_offset ? p->size - g->data_offset : 0;
    if (!(flags & GGUF_HEADER_ONLY) && found < g->data_bytes) {
        strcpy(p->place, "tensor data");
        return bad(p, "found %" PRIu64 " bytes, expected %" PRIu64 ": the file is cut short before the end of tensor '%s'",
                   found, g->data_bytes, last->name);
    }
    for (size_t i = 0; i < g->n_tensors; i++) {
        struct tensor *t = &g->tensors[i];
        if (!(flags & GGUF_HEADER_ONLY)) t->data = p->data + g->data_offset + t->offset;
        t->offset += g->data_offset;
    }
    return true;
}

static struct gguf *parse(struct parser *p, int flags)
{
    uint64_t n_tensors = 0, n_kv = 0;
    struct gguf *g = calloc(1, sizeof *g);
    if (!g) {
        fail(p->e, "header: found no memory left, expected some");
        return NULL;
    }
    if (parse_header(p, &g->version, &n_tensors, &n_kv) && parse_metadata(p, g, n_kv) && find_alignment(p, g) &&
        parse_tensors(p, g, n_tensors) && place_tensors(p, g, flags))
        return g;
    gguf_free(g);
    return NULL;
}

struct gguf *gguf_parse(const void *data, size_t size, int flags, struct error *e)
{
    struct parser p = {.data = data, .size = size, .e = e};
    return parse(&p, flags);
}

struct gguf *gguf_parse_start(const void *data, size_t size, bool *more, struct error *e)
{
    struct parser p = {.data = data, .size = size, .e = e};
    struct gguf *g = parse(&p, GGUF_HEADER_ONLY);
    *more = p.ran_out;
    return g;
}

bool gguf_join(struct gguf *first, struct gguf *const *parts, size_t n, struct error *e)
{
    struct gguf all = *first;
    struct parser p = {.e = e, .place = "header"};
    for (size_t i = 0; i < n; i++) all.n_tensors += parts[i]->n_tensors;
    all.tensors = table(all.n_tensors, sizeof *all.tensors);
    all.tensor_index = table(all.n_tensors, sizeof *all.tensor_index);
    bool ok = all.tensors && all.tensor_index;
    if (!ok) no_memory(&p, all.n_tensors, "tensors");
    if (ok) {
        struct tensor *to = all.tensors;
        if (first->n_tensors) memcpy(to, first->tensors, first->n_tensors * sizeof *to);
        to += first->n_tensors;
        for (size_t i = 0; i < n; to += parts[i++]->n_tensors)
            if (parts[i]->n_tensors) memcpy(to, parts[i]->tensors, parts[i]->n_tensors * sizeof *to);
        ok = index_tensors(&p, &all);
    }
    free(ok ? first->tensors : all.tensors);
    free(ok ? first->tensor_index : all.tensor_index);
    if (ok) *first = all;
    return ok;
}

size_t gguf_memory(const struct gguf *g)
{
    size_t bytes = sizeof *g + g->data_offset + g->n_kv * (sizeof *g->kv + sizeof *g->kv_index) +
                   g->n_tensors * (sizeof *g->tensors + sizeof *g->tensor_index);
    for (size_t i = 0; i < g->n_kv; i++)
        if (g->kv[i].strings) bytes += g->kv[i].n * sizeof *g->kv[i].strings;
    return bytes;
}

void gguf_free(struct gguf *g)
{
    if (!g) return;
    for (size_t i = 0; i < g->n_kv; i++) free(g->kv[i].strings);
    free(g->kv);
    free(g->kv_index);
    free(g->tensors);
    free(g->tensor_index);
    free(g);
}
