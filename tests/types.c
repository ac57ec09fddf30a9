/* types.c - the tensor types: names and sizes, half precision, every block layout against blocks worked out by hand, decoding
 * and quantising against what ggml computed on the same data, and blocks that no sane file holds. SPDX-License-Identifier: MIT
 */
#include "kernels/type.h"
#include "kernels/blocks.h"
#include "kernels/half.h"
#include "kernels/kernel.h"
#include "loader/file.h"
#include "tests/lcg.h"
#include "tests/test.h"

#include <math.h>

/* Bell-shaped; with outliers (kind 1) or no negative number (kind 2). Exact in f32. */
enum { N_DATA = 8192, N_KINDS = 3 };
static void make_data(int kind, float x[N_DATA])
{
    uint32_t s = 7;
    for (int i = 0; i < N_DATA; i++) {
        int v = lcg_byte(&s);
        for (int k = 0; k < 3; k++) v += lcg_byte(&s);
        v -= 510;
        if (kind == 1 && i % 37 == 0) v *= 8;
        if (kind == 2) v = abs(v);
        x[i] = (float)v / 128;
    }
}

/* ---- Names and sizes ---- */

static void test_names(void)
{
    enum type t;
    bool found = true, sizes = true;
    for (unsigned i = 0; i < TYPE_FILE_END; i++) {
        const struct type_info *info = type_get(i);
        if (!info) continue;
        found &= type_by_name(info->name, &t) && t == (enum type)i && !strcmp(type_name(i), info->name);
        sizes &= info->block > 0 && type_bytes((enum type)i, 3 * info->block) == 3 * info->block_bytes;
        sizes &= !info->op || type_get(info->activation)->block <= info->block || info->block == 1;
    }
    TEST("type names", found, "a type is not found under its own name");
    TEST("type sizes", sizes && type_bytes(TYPE_Q4_K, 4096) == 2304 && type_bytes(TYPE_Q6_K, 0) == 0,
         "bytes of a type are wrong");
    TEST("type by name",
         type_by_name("q4_k", &t) && t == TYPE_Q4_K && type_by_name("Bf16", &t) && t == TYPE_BF16 && !type_by_name("Q4", &t) &&
             !type_by_name("q4_kk", &t) && !type_by_name("", &t) && !type_by_name("IQ4_XS", &t) && !type_by_name("q8_a32", &t),
         "a name is wrongly accepted or refused");
    TEST("foreign types",
         !strcmp(type_name(23), "IQ4_XS") && !strcmp(type_name(39), "MXFP4") && !strcmp(type_name(34), "TQ1_0") &&
             !strcmp(type_name(40), "NVFP4") && !strcmp(type_name(63), "type 63") &&
             !strcmp(type_name(4000000000u), "type 4000000000") && !type_get(23) && !type_get(63) && !type_get(TYPE_COUNT) &&
             !type_get(~0u),
         "a number no type of hartree's is misnamed");
}

/* ---- Half precision ---- */

static double f16_value(unsigned h) /* by the definition */
{
    int e = h >> 10 & 31, m = h & 1023;
    double v = e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
    return h & 0x8000 ? -v : v;
}

static void test_half(void)
{
    unsigned wrong = 0, lost = 0, uneven = 0;
    for (unsigned h = 0; h < 0x10000; h++) {
        float x = f16_to_f32((uint16_t)h);
        bool special = (h & 0x7c00) == 0x7c00, nan = special && h & 1023;
        wrong += special ? nan != !!isnan(x) || (!nan && x != (h & 0x8000 ? -INFINITY : INFINITY)) : x != f16_value(h);
        lost += f16_from_f32(x) != (nan ? h | 0x200 : h) || (!nan && !!signbit(x) != h >> 15);
        if ((h & 0x7fff) >= 0x7bff) continue;
        /* The midpoint to the next number away from zero goes to the even one; a hair to either side to the nearer one. */
        float next = f16_to_f32((uint16_t)(h + 1)), middle = (x + next) / 2;
        uneven += f16_from_f32(middle) != (h & 1 ? h + 1 : h) || f16_from_f32(nextafterf(middle, x)) != h ||
                  f16_from_f32(nextafterf(middle, next)) != h + 1;
    }
    TEST("f16 decodes", wrong == 0, "%u of 65536 wrong", wrong);
    TEST("f16 round trip", lost == 0, "%u of 65536 changed", lost);
    TEST("f16 rounds to even",
         uneven == 0 && f16_from_f32(65519.996f) == 0x7bff && f16_from_f32(65520) == 0x7c00 && f16_from_f32(1e30f) == 0x7c00 &&
             f16_from_f32(-INFINITY) == 0xfc00 && f16_from_f32(0x1p-25f) == 0 && f16_from_f32(-1e-30f) == 0x8000,
         "%u of 63486 midpoints wrong, or a limit", uneven);
    wrong = uneven = 0;
    for (unsigned h = 0; h < 0x10000; h++) {
        float x = bf16_to_f32((uint16_t)h);
        wrong += f32_bits(x) != h << 16 || bf16_from_f32(x) != (isnan(x) ? h | 0x40 : h);
        if ((h & 0x7fff) >= 0x7f80) continue;
        unsigned even = h & 1 ? h + 1 : h;
        uneven += bf16_from_f32(f32_from_bits(h << 16 | 0x8000)) != even ||
                  bf16_from_f32(f32_from_bits(h << 16 | 0x7fff)) != h ||
                  bf16_from_f32(f32_from_bits(h << 16 | 0x8001)) != h + 1;
    }
    TEST("bf16", wrong == 0 && uneven == 0 && isnan(bf16_to_f32(bf16_from_f32(f32_from_bits(0x7f800001)))),
         "%u wrong, %u rounded wrong", wrong, uneven);
}

/* ---- Blocks worked out by hand from blocks.h's drawings: d = 1, m or dmin = 0.5, all other bytes 0 but those set ---- */

static const struct hand {
    enum type type;
    int element;
    float value;
    struct {
        uint8_t at, byte;
    } set[5];
} hands[] = {
    {TYPE_Q8_0, 0, 127, {{2, 0x7f}}},
    {TYPE_Q8_0, 31, -128, {{33, 0x80}}},
    {TYPE_Q4_0, 3, -3, {{5, 0xa5}}},
    {TYPE_Q4_0, 19, 2, {{5, 0xa5}}},
    {TYPE_Q4_1, 3, 5.5f, {{7, 0xa5}}},
    {TYPE_Q4_1, 19, 10.5f, {{7, 0xa5}}},
    {TYPE_Q5_0, 3, 5, {{9, 0xa5}, {2, 0x08}}},
    {TYPE_Q5_0, 19, 10, {{9, 0xa5}, {4, 0x08}}},
    {TYPE_Q5_1, 3, 21.5f, {{11, 0xa5}, {4, 0x08}}},
    {TYPE_Q5_1, 19, 26.5f, {{11, 0xa5}, {6, 0x08}}},
    {TYPE_Q2_K, 144, 3 * 3 - 0.5f * 2, {{9, 0x23}, {64, 0x03}}},
    {TYPE_Q2_K, 250, 1 * 2 - 0.5f * 5, {{15, 0x51}, {74, 0x80}}},
    {TYPE_Q3_K, 100, 5 * 1, {{102, 0x05}, {106, 0x08}, {36, 0x40}, {4, 0x08}}},
    {TYPE_Q3_K, 200, 25 * -1, {{100, 0x90}, {104, 0xc0}, {72, 0x30}}},
    {TYPE_Q4_K, 70, 43 * 12 - 0.5f * 17, {{6, 0x2b}, {10, 0x11}, {54, 0x0c}}},
    {TYPE_Q4_K, 230, 42 * 9 - 0.5f * 19, {{15, 0x3a}, {7, 0x80}, {11, 0x40}, {118, 0x90}}},
    {TYPE_Q5_K, 70, 43 * 28 - 0.5f * 17, {{6, 0x2b}, {10, 0x11}, {86, 0x0c}, {22, 0x04}}},
    {TYPE_Q5_K, 230, 42 * 25 - 0.5f * 19, {{15, 0x3a}, {7, 0x80}, {11, 0x40}, {150, 0x90}, {22, 0x80}}},
    {TYPE_Q6_K, 75, -2 * (45 - 32), {{196, 0xfe}, {11, 0xd0}, {139, 0x20}}},
    {TYPE_Q6_K, 253, 3 * (23 - 32), {{207, 0x03}, {125, 0x70}, {189, 0x40}}},
};

/* Where the f16 fields stand; -1: none. What ggml 0.27 decodes (a hash of the floats' bits) and how well its quantize_row_*_ref
 * keeps the three kinds of data (root-mean-square error over root-mean-square). */
static const struct known {
    enum type type;
    int d, m;
    uint64_t decoded;
    double error[N_KINDS];
} knowns[] = {
    {TYPE_Q8_0, 0, -1, 0x923a48e8f857bea5u, {0.005040, 0.010101, 0.005040}},
    {TYPE_Q5_0, 0, -1, 0xf24bc8c3e1b4d325u, {0.040355, 0.081398, 0.039939}},
    {TYPE_Q5_1, 0, 2, 0x3182776e4777bfa8u, {0.036561, 0.050737, 0.019910}},
    {TYPE_Q4_0, 0, -1, 0xcc0bfd351fe3af25u, {0.082195, 0.163287, 0.080695}},
    {TYPE_Q4_1, 0, 2, 0x2e055c2ce1ca38bdu, {0.075731, 0.104481, 0.041110}},
    {TYPE_Q2_K, 80, 82, 0x464e7bdf4b1286deu, {0.286582, 0.355505, 0.180161}},
    {TYPE_Q3_K, 108, -1, 0x36659753753682a5u, {0.145537, 0.221810, 0.139066}},
    {TYPE_Q4_K, 0, 2, 0x30f447dfa8efd0a5u, {0.068752, 0.098108, 0.039702}},
    {TYPE_Q5_K, 0, 2, 0x823bfaeeb5351eb1u, {0.034754, 0.049852, 0.019600}},
    {TYPE_Q6_K, 208, -1, 0xc8e60f775e1ee669u, {0.016944, 0.028744, 0.016901}},
};
enum { N_KNOWN = sizeof knowns / sizeof *knowns };

static const struct known *known_of(enum type type)
{
    for (int i = 0; i < N_KNOWN; i++)
        if (knowns[i].type == type) return &knowns[i];
    return NULL;
}

static void put_f16(uint8_t *block, int at, uint16_t h)
{
    if (at >= 0) memcpy(block + at, &h, sizeof h);
}

static void test_hand_blocks(void)
{
    for (size_t i = 0; i < sizeof hands / sizeof *hands; i++) {
        const struct hand *h = &hands[i];
        const struct known *k = known_of(h->type);
        uint8_t block[256] = {0};
        float y[256];
        put_f16(block, k->d, 0x3c00);
        put_f16(block, k->m, 0x3800);
        for (int j = 0; j < 5 && h->set[j].byte; j++) block[h->set[j].at] = h->set[j].byte;
        type_dequantise(h->type, y, block, type_get(h->type)->block);
        char name[64];
        snprintf(name, sizeof name, "hand block %s[%d]", type_name(h->type), h->element);
        TEST(name, y[h->element] == h->value, "found %g, expected %g", y[h->element], h->value);
    }
}

/* ---- Against ggml ---- */

static void test_decoding(const struct known *k)
{
    const struct type_info *t = type_get(k->type);
    enum { BLOCKS = 32 };
    static uint8_t data[BLOCKS * 256];
    static float y[BLOCKS * 256];
    uint32_t s = 1;
    for (size_t i = 0; i < BLOCKS * t->block_bytes; i++) {
        int at = (int)(i % t->block_bytes);
        data[i] = lcg_byte(&s);
        if (at == k->d + 1 || (k->m >= 0 && at == k->m + 1)) data[i] &= 0xbf; /* scales stay below 2: no NaN among them */
    }
    type_dequantise(k->type, y, data, BLOCKS * t->block);
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, a float at a time */
    for (size_t i = 0; i < BLOCKS * t->block; i++) hash = (hash ^ f32_bits(y[i])) * 0x100000001b3u;
    char name[64];
    snprintf(name, sizeof name, "decodes %s as ggml", t->name);
    TEST(name, hash == k->decoded, "hash of the floats: found %016llx, expected %016llx", (unsigned long long)hash,
         (unsigned long long)k->decoded);
}

/* Root of sum w (x' - x)^2 over sum w x^2; w NULL for 1. */
static double relative_error(enum type type, const float *x, const float *importance, const float *w)
{
    static uint8_t data[N_DATA * 4];
    static float y[N_DATA];
    type_quantise(type, data, x, importance, N_DATA);
    type_dequantise(type, y, data, N_DATA);
    double e = 0, total = 0;
    for (int i = 0; i < N_DATA; i++) {
        double v = w ? w[i] : 1;
        e += v * ((double)y[i] - x[i]) * ((double)y[i] - x[i]);
        total += v * x[i] * x[i];
    }
    return sqrt(e / total);
}

static void test_quantising(const struct known *k)
{
    static const char *const kinds[N_KINDS] = {"bell", "outliers", "positive"};
    static float x[N_DATA], w[N_DATA];
    char name[64];
    for (int kind = 0; kind < N_KINDS; kind++) {
        make_data(kind, x);
        double e = relative_error(k->type, x, NULL, NULL);
        snprintf(name, sizeof name, "quantises %s %s no worse than ggml", kinds[kind], type_name(k->type));
        TEST(name, e <= k->error[kind] * 1.0005, "error: found %.6f, expected at most %.6f", e, k->error[kind]);
    }
    if (k->type == TYPE_Q8_0) return; /* takes no importance */
    make_data(0, x);
    uint32_t s = 3;
    for (int i = 0; i < N_DATA; i++) w[i] = (float)lcg_byte(&s) * (i % 5 == 0 ? 1 : 0.01f);
    double blind = relative_error(k->type, x, NULL, w), seeing = relative_error(k->type, x, w, w);
    snprintf(name, sizeof name, "importance helps %s", type_name(k->type));
    TEST(name, seeing < blind * 0.99, "weighted error: %.6f with, %.6f without", seeing, blind);
}

/* Rows that ggml decoded, of the small models beside the project. */
static void test_oracle(void)
{
    const char *shared = test_shared();
    if (!shared) {
        SKIP("oracle rows", "no shared/");
        return;
    }
    static const char *const models[] = {"tiny-llama-f32",  "tiny-llama-f16",    "tiny-llama-q8_0",      "tiny-llama-q5_0",
                                         "tiny-llama-q4_0", "tiny-llama-q4_k_m", "tiny-llama-q4_k_pure", "tiny-llama-q6_k",
                                         "tiny-qwen2-f32",  "tiny-qwen2-q4_k_m"};
    static const char *const names[] = {"token_embd", "blk.0.attn_q", "blk.0.ffn_down", "blk.1.ffn_down", "output"};
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        char path[512], why[sizeof(struct error)] = "";
        struct error e = {0};
        size_t floats = 0;
        snprintf(path, sizeof path, "%s/oracle/text/%s.gguf", shared, models[m]);
        struct model_file *file = model_file_open(path, &(struct file_options){0}, &e);
        for (size_t i = 0; file && i < sizeof names / sizeof *names; i++) {
            snprintf(path, sizeof path, "%s/oracle/text/oracle/%s.%s.rows.f32", shared, models[m], names[i]);
            size_t size;
            float *want = (float *)(void *)file_read(path, 1 << 20, &size, &e);
            snprintf(path, sizeof path, "%s.weight", names[i]);
            const struct tensor *t = gguf_tensor(file->gguf, path);
            if (want && t) {
                size_t n = size / sizeof *want;
                float *got = malloc(size);
                type_dequantise(t->type, got, t->data, n);
                if (memcmp(got, want, size)) snprintf(why, sizeof why, "%s (%s) differs", path, type_name(t->type));
                floats += n;
                free(got);
            }
            free(want);
        }
        if (!file)
            snprintf(why, sizeof why, "%s", e.text);
        else
            model_file_close(file);
        char name[64];
        snprintf(name, sizeof name, "oracle rows of %s", models[m]);
        TEST(name, !*why && floats > 0, "%s", *why ? why : "no rows found");
    }
}

/* ---- Blocks that no sane file holds ---- */

static void test_adversarial(const struct known *k)
{
    const struct type_info *t = type_get(k->type);
    const size_t n = t->block;
    static const uint16_t scales[] = {0x0000, 0x8000, 0x0001, 0x03ff, 0x7bff, 0x7c00, 0xfc00, 0x7e00};
    uint8_t block[256];
    float y[256], x[256] = {0};
    const char *why = NULL;
    for (int fill = 0; fill < 256; fill += 51) {
        for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
            memset(block, fill, sizeof block);
            put_f16(block, k->d, scales[i]);
            put_f16(block, k->m, 0);
            type_dequantise(k->type, y, block, n);
            float d = f16_to_f32(scales[i]);
            for (size_t j = 0; j < n; j++) {
                if (isnan(d) && !isnan(y[j])) why = "a NaN scale gives a number";
                if (isfinite(d) && !isfinite(y[j])) why = "a finite scale gives no number";
                if (d == 0 && y[j] != 0) why = "a zero scale gives a number other than 0";
            }
        }
    }
    char name[64];
    snprintf(name, sizeof name, "odd scales of %s", t->name);
    TEST(name, !why, "%s", why);

    why = NULL;
    for (int odd = 0; odd < 9; odd++) {
        static const float values[9] = {0, 1e-42f, -1e-38f, 3e38f, -3e38f, NAN, INFINITY, 1e-8f, 65504};
        for (size_t i = 0; i < n; i++) x[i] = i % 3 ? 0 : values[odd];
        memset(block, 0xa5, sizeof block);
        type_quantise(k->type, block, x, NULL, n);
        type_dequantise(k->type, y, block, n);
        for (size_t i = 0; i < n; i++) {
            bool number = isfinite(y[i]);
            if (odd <= 2 && fabsf(y[i]) > 1e-7f) why = "as good as zero does not give zero";
            if ((odd == 3 || odd == 4 || odd >= 7) && !number) why = "a finite number gives none";
            if ((odd == 5 || odd == 6) && number) why = "a block with a NaN or an infinity gives a number";
            if (odd == 8 && fabsf(y[i] - x[i]) > 0.01f * 65504) why = "f16's largest is not kept";
        }
        if (block[t->block_bytes] != 0xa5) why = "wrote beyond the block";
    }
    snprintf(name, sizeof name, "odd numbers into %s", t->name);
    TEST(name, !why, "%s", why);
}

/* ---- Activations ---- */

static void test_activations(void)
{
    static float x[N_DATA];
    static struct block_q8_a32 a[N_DATA / 32];
    static struct block_q8_a256 b[N_DATA / 256];
    make_data(1, x);
    type_quantise(TYPE_Q8_A32, a, x, NULL, N_DATA);
    type_quantise(TYPE_Q8_A256, b, x, NULL, N_DATA);
    bool near32 = true, near256 = true, sums32 = true, sums256 = true;
    for (int i = 0; i < N_DATA; i++) {
        const struct block_q8_a32 *p = &a[i / 32];
        const struct block_q8_a256 *q = &b[i / 256];
        near32 &= fabsf(p->d * p->qs[i % 32] - x[i]) <= p->d * 0.5001f && p->qs[i % 32] >= -127;
        near256 &= fabsf(q->d * q->qs[i % 256] - x[i]) <= q->d * 0.5001f && q->qs[i % 256] >= -127;
        int s32 = 0, s16 = 0;
        for (int j = 0; j < 32; j++) s32 += p->qs[j];
        for (int j = 0; j < 16; j++) s16 += q->qs[i % 256 / 16 * 16 + j];
        sums32 &= p->sum == s32;
        sums256 &= q->bsums[i % 256 / 16] == s16;
    }
    TEST("q8_a32", near32 && sums32, "a code is not the nearest, or sum is not that of its codes");
    TEST("q8_a256", near256 && sums256, "a code is not the nearest, or a bsum is not its codes' sum");
    x[5] = NAN, x[300] = INFINITY;
    for (int i = 512; i < 768; i++) x[i] = 1e-36f;
    type_quantise(TYPE_Q8_A32, a, x, NULL, N_DATA);
    type_quantise(TYPE_Q8_A256, b, x, NULL, N_DATA);
    TEST("activations show NaN and infinity",
         isnan(a[0].d) && isnan(a[300 / 32].d) && isnan(b[0].d) && isnan(b[1].d),
         "a block with one has a number for its scale");
    TEST("tiny activations",
         a[512 / 32].d == 0 && a[512 / 32].qs[0] == 0 && b[2].d == 0 && b[2].qs[0] == 0 && b[2].bsums[0] == 0,
         "a block as good as zero is not zero");
}

int main(void)
{
    char message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), NULL, message, sizeof message)) {
        printf("FAIL kernels: %s\n", message);
        return 1;
    }
    test_names();
    test_half();
    test_hand_blocks();
    for (int i = 0; i < N_KNOWN; i++) test_decoding(&knowns[i]);
    for (int i = 0; i < N_KNOWN; i++) test_quantising(&knowns[i]);
    test_oracle();
    for (int i = 0; i < N_KNOWN; i++) test_adversarial(&knowns[i]);
    test_activations();
    TEST_MAIN_END();
}
