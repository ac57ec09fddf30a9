/* fuzz_mpo.c - runs factorised models whose files lie: factors, bonds, names, shapes, types, identity rows and permutations
 * changed, alone or together with what is checked against them. Each copy is planned, priced and, where that succeeds, run;
 * also from its header alone. The seed is fixed. 120 copies, 2,000 and more under HARTREE_SLOW; meant for
 * SAN=address,undefined. SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "base/memory.h"
#include "engine/account/predict.h"
#include "engine/session.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "loader/file.h"
#include "tests/draft.h"
#include "tests/test.h"

static char dir[160];

#define SHAPE "L=1,D=64,H=4,KV=2,F=96,V=300"
static const char *const shapes[] = {
    SHAPE ":Q8_0:mpo,bond=32,gauge,joint",         SHAPE ":F32:mpo,d=3,bond=9,gauge,joint,permuted,keep=3,correct=2,bias",
    SHAPE ":F16:mpo,s=16,bond=20,gauge",           SHAPE ":Q8_0:mpo,bond=32,gauge,reversed",
    SHAPE ":Q4_0:mpo,dense,correct=3,keep=4,bias",
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* ---- Changes ---- */

static bool of_mpo(const char *name, size_t n)
{
    for (size_t i = 0; i + 4 <= n; i++)
        if (!memcmp(name + i, "mpo.", 4)) return true;
    return false;
}

static struct gguf_kv *any_key(struct draft *d)
{
    for (int tries = 0; tries < 50; tries++) {
        struct gguf_kv *kv = &d->kv[below(d->n_kv)];
        if (of_mpo(kv->key.data, kv->key.len)) return kv;
    }
    return &d->kv[below(d->n_kv)];
}

static struct tensor *any_tensor(struct draft *d)
{
    for (int tries = 0; tries < 50; tries++) {
        struct tensor *t = &d->t[below(d->n_t)];
        if (of_mpo(t->name, strlen(t->name))) return t;
    }
    return &d->t[below(d->n_t)];
}

static uint64_t number_near(uint64_t was)
{
    static const uint64_t values[] = {0,         1,          2,
                                      3,         7,          8,
                                      31,        32,         33,
                                      64,        96,         255,
                                      256,       4096,       65536,
                                      1 << 20,   1 << 24,    (1 << 24) + 1,
                                      INT32_MAX, UINT32_MAX, UINT32_MAX / 2 + 1};
    return below(2) ? was + below(5) - 2 : values[below(sizeof values / sizeof *values)];
}

static void change_key(struct draft *d)
{
    static const char *const words[] = {"",
                                        "rl-dot",
                                        "lr-dot",
                                        "blk.0.attn_qkv",
                                        "blk.0.attn_q",
                                        "blk.0.ffn_gate_up",
                                        "token_embd",
                                        "o=64x1 i=1x64 r=1,32,1 gauge=0",
                                        "\n\033[31m",
                                        "mpo"};
    struct gguf_kv *kv = any_key(d);
    if (kv->strings) {
        const char *word = words[below(sizeof words / sizeof *words)];
        kv->strings = own(d, sizeof *kv->strings);
        kv->strings[0] = (struct gguf_string){word, strlen(word)};
        kv->n = kv->type == GGUF_ARRAY ? below(2) : 1;
    } else if (kv->type == GGUF_ARRAY && kv->element == GGUF_U32) {
        uint32_t *v = own(d, 4 * (kv->n + 1));
        memcpy(v, kv->data, 4 * kv->n);
        if (below(4) && kv->n) {
            size_t j = below(kv->n), k = below(kv->n);
            uint32_t was = v[j];
            /* Factors exchanged, or moved from one to the other, still make the same product. */
            if (below(3))
                v[j] = (uint32_t)number_near(v[j]);
            else if (below(2))
                v[j] = v[k], v[k] = was;
            else if (v[j] % 2 == 0 && j != k)
                v[j] /= 2, v[k] *= 2;
        } else {
            kv->n = below(2) ? kv->n + 1 : below(kv->n + 1);
        }
        kv->data = v;
    } else if (kv->element == GGUF_U32) {
        uint32_t *v = own(d, 8);
        *v = (uint32_t)number_near(1);
        kv->data = v;
    }
    if (!below(12))
        kv->type = kv->element = (enum gguf_value)below(GGUF_STRING), kv->n = 1, kv->strings = NULL, kv->data = own(d, 8);
}

static void change_tensor(struct draft *d)
{
    struct tensor *t = any_tensor(d), *other = any_tensor(d);
    size_t dim = below(t->n_dims);
    switch (below(6)) {
    case 0:
        t->ne[dim] = (int64_t)(below(2) ? number_near((uint64_t)t->ne[dim]) & 4095 : (uint64_t)t->ne[dim] + below(3) - 1);
        return;
    case 1: t->ne[dim] = below(2) ? 2 * t->ne[dim] : t->ne[dim] / 2; return;
    case 2: t->type = (enum type)below(TYPE_FILE_END); return;
    case 3: swap_names(t, other); return;
    case 4: *t = d->t[--d->n_t]; return;
    default: t->n_dims = 1 + (unsigned)below(4); return;
    }
}

/* Identity rows, permutations and kept columns: numbers that everything is read and written at. */
static void change_indices(struct draft *d)
{
    for (int tries = 0; tries < 50; tries++) {
        struct tensor *t = any_tensor(d);
        if (t->type != TYPE_I32 || t->bytes < 4 || t->n_dims != 1) continue;
        size_t n = t->bytes / 4;
        int32_t *v = memcpy(own(d, t->bytes), t->data, t->bytes);
        for (size_t k = 1 + below(3); k; k--) {
            size_t j = below(n), i = below(n);
            int32_t was = v[j];
            switch (below(4)) {
            case 0: v[j] = (int32_t)number_near((uint64_t)(uint32_t)v[j]); break;
            case 1: v[j] = v[i]; break;
            case 2: v[j] = v[i], v[i] = was; break;
            default: v[j] = -1; break;
            }
        }
        t->data = v;
        return;
    }
}

/* The arrays of one layer, if they are whole. */
static bool structure_of(struct draft *d, const char *layer, struct mpo *m)
{
    char key[160];
    static const char *const names[] = {"row_factors", "col_factors", "bonds"};
    size_t *to[] = {m->o, m->i, m->r};
    memset(m, 0, sizeof *m);
    for (int i = 0; i < 3; i++) {
        snprintf(key, sizeof key, "mpo.%s.%s", layer, names[i]);
        const struct gguf_kv *kv = find_kv(d, key);
        if (!kv || kv->element != GGUF_U32 || !kv->data || kv->n > MPO_MAX_CORES + (i == 2)) return false;
        if (i == 0) m->d = (int)kv->n;
        if (kv->n != (uint64_t)m->d + (i == 2) || m->d < 1) return false;
        for (uint64_t k = 0; k < kv->n; k++) {
            to[i][k] = (size_t)gguf_integer(kv, k);
            if (to[i][k] > 1 << 12) return false;
        }
    }
    return true;
}

/* Shapes and words made to fit changed factors again, so that what comes after their checks is reached too. */
static void reconcile(struct draft *d)
{
    static const char *const roles[] = {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        char layer[64], key[160];
        struct mpo m;
        snprintf(layer, sizeof layer, "blk.0.%s", roles[i]);
        if (!structure_of(d, layer, &m)) continue;
        for (int k = 0; k < m.d; k++) {
            struct tensor *core = NULL, *pivot = NULL;
            char name[96], joint[96];
            snprintf(key, sizeof key, "mpo.%s.joint", layer);
            const struct gguf_kv *kv = k == m.d - 1 ? find_kv(d, key) : NULL;
            snprintf(joint, sizeof joint, "%.*s", kv && kv->strings ? (int)(kv->strings->len & 63) : 64,
                     kv && kv->strings ? kv->strings->data : layer);
            snprintf(name, sizeof name, "%.70s.mpo.%d", joint, k);
            for (size_t t = 0; t < d->n_t; t++) {
                if (!strcmp(d->t[t].name, name)) core = &d->t[t];
                if (!strncmp(d->t[t].name, name, strlen(name)) && !strcmp(d->t[t].name + strlen(name), ".pivot"))
                    pivot = &d->t[t];
            }
            if (!core) continue;
            if (pivot) {
                size_t rows = m.o[k] * m.r[k] * m.i[k];
                m.pivots[k] = m.r[k + 1] < rows ? m.r[k + 1] : 0;
                pivot->ne[0] = (int64_t)m.r[k + 1];
            }
            mpo_core_shape(&m, k, core->ne);
            core->n_dims = 3;
            const struct type_info *type = type_get(core->type);
            if (!type || core->ne[0] < 1 || core->ne[0] % (int64_t)type->block) core->type = TYPE_F32;
        }
        char *spec = own(d, MPO_SPEC);
        mpo_spec(&m, spec);
        snprintf(key, sizeof key, "mpo.%s.spec", layer);
        put_string(d, key, spec, strlen(spec));
    }
}

/* ---- What is done with a copy ---- */

static struct {
    unsigned planned, ran, bad_lines;
    char line[1024];
} seen;

static void refused(const struct error *e)
{
    if (e->text[0] && !strchr(e->text, '\n') && strstr(e->text, "found") && strstr(e->text, "expected")) return;
    if (!seen.bad_lines++) snprintf(seen.line, sizeof seen.line, "%s", e->text);
}

static bool priced(const struct model *m, bool exact)
{
    struct error e = {""};
    struct plan *p = plan_new(m, exact, &e);
    struct prediction r = {0};
    bool ok =
        p && predict(&r, p, NULL, &(struct predict_options){.threads = 2, .prompt = 9, .gen = 3, .kv_type = TYPE_F16}, &e);
    if (!ok) refused(&e);
    prediction_free(&r);
    plan_free(p);
    return ok;
}

static bool run(const struct model *m)
{
    static const int32_t ids[9] = {3, 299, 1, 0, 77, 150, 151, 9, 30};
    struct error e = {""};
    struct session_options o = {.n_ctx = 12, .n_batch = 1 + below(9), .kv_type = TYPE_F16, .threads = 2, .exact = below(2)};
    struct session *s = session_new(m, &o, &e);
    bool ok =
        s && session_feed(s, ids, 9, PHASE_PREFILL, NULL, NULL, &e) && session_feed(s, ids, 1, PHASE_DECODE, NULL, NULL, &e);
    if (!ok) refused(&e);
    session_free(s);
    return ok;
}

static void exercise(const unsigned char *bytes, size_t size)
{
    for (int header = 0; header < 2; header++) {
        struct model m = {0};
        struct error e = {""};
        struct gguf *g = gguf_parse(bytes, size, header ? GGUF_HEADER_ONLY : 0, &e);
        bool ok = g && model_bind(&m, g, "copy", MODEL_NO_TOKENIZER, &e);
        if (!ok) refused(&e);
        ok = ok && priced(&m, false) && priced(&m, true);
        seen.planned += ok && !header;
        if (ok && !header) seen.ran += run(&m);
        gguf_free(g);
    }
}

static void fuzz(const struct gguf *g, unsigned runs)
{
    for (unsigned i = 0; i < runs; i++) {
        struct draft d;
        size_t size;
        draft_from(&d, g);
        for (size_t k = below(10) ? 1 + below(2) : 0; k; k--) {
            size_t what = below(8);
            if (what < 3)
                change_key(&d);
            else if (what < 5)
                change_tensor(&d);
            else
                change_indices(&d);
        }
        if (below(2)) reconcile(&d);
        unsigned char *bytes = draft_write(&d, &size);
        draft_free(&d);
        if (!bytes) continue; /* what the writer refuses is fuzz_gguf's business */
        alarm(300);
        exercise(bytes, size);
        alarm(0);
        free(bytes);
    }
}

int main(void)
{
    unsigned runs = getenv("HARTREE_SLOW") ? 600 : 30;
    char message[512], path[192];
    if (!kernel_init(getenv("HARTREE_ISA"), NULL, message, sizeof message) || !test_folder(dir, sizeof dir)) return 1;
    uint64_t before = memory_peak();
    snprintf(path, sizeof path, "%s/m.gguf", dir);
    for (int i = 0; i < N_SHAPES; i++) {
        struct error e = {""};
        size_t size;
        state = (uint64_t)i;
        bool made = synth_write(&(struct synth_options){.shape = shapes[i], .seed = 1, .threads = 1}, path, NULL, &e);
        char *file = made ? file_read(path, 1 << 24, &size, &e) : NULL;
        struct gguf *g = file ? gguf_parse(file, size, 0, &e) : NULL;
        if (g) fuzz(g, runs);
        TEST(shapes[i], g && g->n_kv <= MAX_KV && g->n_tensors <= MAX_TENSORS, "%s", e.text);
        gguf_free(g);
        free(file);
        unlink(path);
    }
    rmdir(dir);
    printf("# %u copies: %u planned, %u ran\n", N_SHAPES * runs, seen.planned, seen.ran);
    TEST("each refusal says found and expected", !seen.bad_lines, "%u do not, first '%s'", seen.bad_lines, seen.line);
    TEST("copies are both run and refused", seen.ran > runs / 4 && seen.ran < N_SHAPES * runs * 9 / 10, "%u of %u ran",
         seen.ran, N_SHAPES * runs);
    uint64_t taken = (memory_peak() - before) >> 20;
    TEST("no copy takes much memory", taken < 1500, "%llu MB", (unsigned long long)taken);
    TEST_MAIN_END();
}
