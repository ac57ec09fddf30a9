/* fuzz_gguf.c - parses mutated copies of a GGUF that holds every kind of value, and reads all of what is accepted. The seed is
 * fixed: a run that fails does so again. 500 copies, 5,000 under HARTREE_SLOW; meant for SAN=address,undefined too.
 * SPDX-License-Identifier: MIT */
#include "base/random.h"
#include "tests/specimen.h"
#include "tests/test.h"

#include "loader/gguf_private.h"

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t random_u64(void) { return random_next(&state); }

static size_t below(size_t n) { return random_below(&state, n); }

/* ---- Where the integers stand in a valid file ---- */

struct field {
    size_t at;
    unsigned bytes;
};

struct original {
    unsigned char *data;
    size_t size, header;
    struct field *fields;
    size_t n_fields;
};

static void field(struct original *o, size_t at, unsigned bytes)
{
    o->fields = realloc(o->fields, (o->n_fields + 1) * sizeof *o->fields);
    o->fields[o->n_fields++] = (struct field){at, bytes};
}

static bool find_fields(struct original *o)
{
    struct gguf *g = gguf_parse(o->data, o->size, 0, NULL);
    if (!g) return false;
    o->header = g->data_offset;
    field(o, 4, 4), field(o, 8, 8), field(o, 16, 8);
    size_t at = 24;
    for (size_t i = 0; i < g->n_kv; i++) {
        const struct gguf_kv *kv = &g->kv[i];
        field(o, at, 8); /* the key's length */
        at += 8 + kv->key.len;
        field(o, at, 4); /* the value's type */
        at += 4;
        if (kv->type == GGUF_ARRAY) field(o, at, 4), field(o, at + 4, 8), at += 12;
        size_t width = gguf_value_bytes[kv->element];
        if (!kv->strings) field(o, at, width == 8 ? 8 : 4), at += kv->n * width;
        for (uint64_t k = 0; kv->strings && k < kv->n; k++) {
            if (k < 8) field(o, at, 8);
            at += 8 + kv->strings[k].len;
        }
    }
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct tensor *t = &g->tensors[i];
        field(o, at, 8); /* the name's length */
        at += 8 + strlen(t->name);
        field(o, at, 4); /* n_dims */
        at += 4;
        for (unsigned d = 0; d < t->n_dims; d++) field(o, at, 8), at += 8;
        field(o, at, 4), field(o, at + 4, 8); /* type, offset */
        at += 12;
    }
    bool ok = at <= o->header && o->header - at < g->alignment;
    gguf_free(g);
    return ok;
}

/* ---- Mutations ---- */

static uint64_t interesting(void)
{
    static const uint64_t values[] = {
        0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 31, 32, 33, 63, 64, 65, 255, 256, 4096, 65535, 65536, INT32_MAX, UINT32_MAX,
        UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(1) << 58, UINT64_C(1) << 60, UINT64_C(1) << 61, UINT64_C(1) << 62,
        INT64_MAX, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 31, UINT64_MAX / 4 + 1, UINT64_MAX / 18,
    };
    return random_u64() % 8 ? values[below(sizeof values / sizeof *values)] : random_u64();
}

/* Changes `copy`, of `size` bytes and with room for twice as many; returns its new size. */
static size_t mutate(const struct original *o, unsigned char *copy, size_t size)
{
    /* mostly in the tables, since any bytes will do as tensor data */
    size_t reach = random_u64() % 8 ? (o->header < size ? o->header : size) : size;
    size_t at = below(reach), n = below(1 + below(64));
    switch (random_u64() % 8) {
    case 0:
        for (size_t k = 0; k <= n / 8 && size; k++) copy[below(reach)] ^= (unsigned char)(1 << below(8));
        return size;
    case 1: return at; /* cut */
    case 2:            /* drop bytes, so that all that follows shifts */
        if (n > size - at) n = size - at;
        memmove(copy + at, copy + at + n, size - at - n);
        return size - n;
    case 3: { /* repeat a piece of the file */
        size_t from = below(reach);
        if (n > size - from) n = size - from;
        if (size + n > 2 * o->size) return size;
        unsigned char piece[64];
        memcpy(piece, copy + from, n);
        memmove(copy + at + n, copy + at, size - at);
        memcpy(copy + at, piece, n);
        return size + n;
    }
    default: { /* an integer field of the original takes a value near its own, or an interesting one */
        struct field f = o->fields[below(o->n_fields)];
        if (f.at + f.bytes > size) return size;
        uint64_t v = 0;
        memcpy(&v, copy + f.at, f.bytes);
        v = random_u64() % 3 ? interesting() : v + below(5) - 2;
        memcpy(copy + f.at, &v, f.bytes);
        return size;
    }
    }
}

/* ---- Reading everything that was accepted ---- */

static uint64_t sum;

static void read_bytes(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) sum += ((const unsigned char *)p)[i];
}

static bool read_kv(const struct gguf *g, const struct gguf_kv *kv)
{
    char *key = strndup(kv->key.data, kv->key.len);
    bool ok = gguf_find(g, key) == kv;
    uint32_t u;
    float f;
    bool b;
    struct gguf_string s;
    struct error e;
    sum += gguf_get_u32(g, key, &u, &e) + gguf_get_f32(g, key, &f, &e) + gguf_get_bool(g, key, &b, &e);
    if (gguf_get_string(g, key, &s, &e) == GGUF_FOUND) read_bytes(s.data, s.len);
    for (uint64_t i = 0; i < kv->n; i++) {
        if (kv->strings) read_bytes(kv->strings[i].data, kv->strings[i].len);
        else sum += (uint64_t)gguf_integer(kv, i) + (gguf_number(kv, i) > 0);
    }
    free(key);
    return ok;
}

static size_t table_bytes(const struct gguf *g)
{
    size_t n = g->n_kv * (sizeof *g->kv + sizeof *g->kv_index) + g->n_tensors * (sizeof *g->tensors + sizeof *g->tensor_index);
    for (size_t i = 0; i < g->n_kv; i++)
        if (g->kv[i].strings) n += g->kv[i].n * sizeof *g->kv[i].strings;
    return n;
}

/* What the parser accepts, the writer can write and the parser accepts again. */
static bool rewrite(const struct gguf *g)
{
    struct error e;
    size_t n;
    char *copy = specimen_rewritten(g, g->alignment, &n, &e);
    struct gguf *again = copy ? gguf_parse(copy, n, 0, &e) : NULL;
    bool ok = again && again->n_kv >= g->n_kv && again->n_tensors == g->n_tensors;
    gguf_free(again);
    free(copy);
    return ok;
}

static const char *walk(const struct gguf *g, const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < g->n_kv; i++)
        if (!read_kv(g, &g->kv[i])) return "a key is not found again";
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct tensor *t = &g->tensors[i];
        if (gguf_tensor(g, t->name) != t) return "a tensor is not found again";
        if ((const unsigned char *)t->data != data + t->offset) return "data and offset disagree";
        if (t->offset + t->bytes > size) return "tensor data lies outside";
        if (t->row_bytes * (size_t)tensor_rows(t) != t->bytes) return "rows and bytes disagree";
        read_bytes(t->data, t->bytes);
    }
    if (table_bytes(g) > 8 * size) return "the tables take more than eight times the file";
    return rewrite(g) ? NULL : "what was accepted cannot be written again";
}

static void fuzz(const char *name, struct original *o, unsigned runs)
{
    unsigned accepted = 0, headers = 0, bad_lines = 0;
    const char *why = find_fields(o) ? NULL : "the walk over the original's fields is wrong";
    unsigned char *copy = malloc(2 * o->size);
    unsigned run = 0;
    for (; !why && run < runs; run++) {
        size_t size = o->size;
        memcpy(copy, o->data, size);
        for (size_t k = 1 + below(3); k; k--) size = mutate(o, copy, size);
        unsigned char *exact = malloc(size ? size : 1); /* so that a byte beyond the end is seen */
        memcpy(exact, copy, size);
        struct error e = {""};
        struct gguf *g = gguf_parse(exact, size, 0, &e);
        if (g) why = walk(g, exact, size);
        else if (!strstr(e.text, ": found ") || !strstr(e.text, "expected ")) bad_lines++, printf("# %s\n", e.text);
        accepted += g != NULL;
        gguf_free(g);
        bool more;
        g = gguf_parse_start(exact, size, &more, NULL);
        headers += g != NULL;
        for (size_t i = 0; g && i < g->n_tensors; i++)
            if (g->tensors[i].data) why = "header only, and yet a tensor has data";
        gguf_free(g);
        free(exact);
    }
    printf("# %s: %u of %u accepted, %u as headers, checksum %016llx\n", name, accepted, run, headers, (unsigned long long)sum);
    TEST(name, !why, "copy %u: %s", run - 1, why);
    if (why) goto done;
    TEST("mutated copies are both accepted and refused", accepted > runs / 50 && accepted < runs, "%u of %u accepted", accepted,
         runs);
    TEST("each refusal says found and expected", !bad_lines, "%u do not", bad_lines);
done:
    free(copy);
    free(o->fields);
    free(o->data);
}

static unsigned char *load(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    unsigned char *data = malloc(1 << 22);
    *size = fread(data, 1, 1 << 22, f);
    fclose(f);
    return data;
}

int main(void)
{
    bool slow = getenv("HARTREE_SLOW");
    struct original o = {NULL, 0, 0, NULL, 0};
    o.data = specimen(0, &o.size);
    fuzz("mutated copies are read in bounds", &o, slow ? 5000 : 500);
    if (!test_shared()) {
        SKIP("mutated copies of a tiny model", "no shared folder");
        TEST_MAIN_END();
    }
    char path[512];
    snprintf(path, sizeof path, "%s/oracle/text/tiny-llama-q4_k_m.gguf", test_shared());
    struct original tiny = {NULL, 0, 0, NULL, 0};
    tiny.data = load(path, &tiny.size);
    if (tiny.data) fuzz("mutated copies of a tiny model are read in bounds", &tiny, slow ? 1000 : 50);
    else SKIP("mutated copies of a tiny model", "no %s", path);
    TEST_MAIN_END();
}
