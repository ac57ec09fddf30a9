/* tower.c - the vision tower: against a naive one of doubles, and the same model's numbers elsewhere; its costs against counted
 * kernels and against the closed form; any number of threads; mmproj files that lie. 150 copies with changed bytes, 1,000 under
 * HARTREE_SLOW; meant for SAN=address,undefined. SPDX-License-Identifier: MIT */
#include <math.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "engine/account/tower_cost.h"
#include "engine/account/tower_price.h"
#include "engine/cost.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tests/draft.h"
#include "tests/naive_tower.h"
#include "tests/numbers.h"
#include "tests/test.h"

static struct error e;
static char dir[160], path[192];

/* ---- Pictures and files ---- */

/* A picture of noise, as the mmproj would have it. */
static bool make_picture(struct preprocessed *p, const struct clamp_keys *keys, int width, int height)
{
    *p = (struct preprocessed){.clamp = {.rule = CLAMP_NONE}};
    if (!clamp_apply(&p->clamp, keys, width, height, &p->fit, &e) || !picture_new(&p->picture, p->fit.width, p->fit.height, &e))
        return false;
    state = (uint64_t)(width * 10007 + height);
    for (size_t i = 0; i < (size_t)p->fit.width * (size_t)p->fit.height * 3; i++) p->picture.rgb[i] = (uint8_t)random_u64();
    return true;
}

static bool make_file(const char *shape)
{
    snprintf(path, sizeof path, "%s/mmproj.gguf", dir);
    return synth_write(&(struct synth_options){.shape = shape, .mmproj = true, .threads = 1}, path, NULL, &e);
}

static struct tower *open_tower(const char *shape, const struct tower_options *o)
{
    struct tower *t = make_file(shape) ? tower_open(path, o, &e) : NULL;
    unlink(path); /* stays mapped */
    return t;
}

/* The largest difference from the naive tower, in units of the results' standard deviation; infinite on a failure. */
static double difference(struct tower *t, int width, int height)
{
    struct preprocessed p;
    struct seen s = {0};
    if (!make_picture(&p, &t->mmproj->keys, width, height)) return (double)INFINITY;
    bool ok = tower_encode(t, &p, &s, &e);
    double *want = ok ? naive_tower(t->mmproj, &p) : NULL, worst = 0, squares = 0;
    size_t n = s.n_tokens * (size_t)s.n_embd;
    for (size_t i = 0; ok && i < n; i++) {
        worst = fmax(worst, isnan(s.rows[i]) ? (double)INFINITY : fabs((double)s.rows[i] - want[i]));
        squares += want[i] * want[i];
    }
    free(want);
    seen_free(&s);
    preprocessed_free(&p);
    return ok && squares > 0 ? worst / sqrt(squares / (double)n) : (double)INFINITY;
}

static void test_naive(void)
{
    static const struct {
        const char *shape;
        bool exact;
        int width, height;
        double most;
        enum type used; /* of some matrix; F32: whatever they are */
    } cases[] = {
        {"tiny-qwen2-vl:F32", true, 112, 84, 2e-5, TYPE_F32},
        {"tiny-qwen2-vl:F16", true, 28, 28, 2e-5, TYPE_F32},
        {"tiny-qwen2-vl:F16", false, 140, 56, 3e-3, TYPE_F32},
        {"tiny-qwen2-vl:F32", false, 28, 196, 3e-3, TYPE_F32},
        {"tiny-qwen2-vl:Q8_0", true, 84, 56, 2e-5, TYPE_F32},
        {"tiny-qwen2-vl:Q8_0", false, 84, 56, 0.1, TYPE_F32},
        {"tiny-qwen2-vl:Q4_K", false, 84, 56, 0.2, TYPE_Q5_0},
        {"tiny-qwen2-vl:F16", true, 280, 196, 2e-5, TYPE_F32},
        /* rows of 2560 in its FFN and merger */
        {"probe-qwen2-vl:Q4_K", true, 84, 56, 2e-5, TYPE_Q4_K},
        {"probe-qwen2-vl:Q4_K", false, 84, 56, 0.2, TYPE_Q4_K},
        {"probe-qwen2-vl:Q6_K", false, 84, 56, 0.2, TYPE_Q6_K},
        /* more than a block of columns */
        {"tiny-qwen2-vl:F16", false, 280, 196, 3e-3, TYPE_F32},
        {"tiny-qwen2-vl:Q8_0", false, 280, 196, 0.1, TYPE_F32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[96];
        struct tower *t = open_tower(cases[i].shape, &(struct tower_options){.threads = 2, .exact = cases[i].exact});
        double d = t ? difference(t, cases[i].width, cases[i].height) : (double)INFINITY;
        snprintf(name, sizeof name, "%s%s is what plain loops make at %dx%d", cases[i].shape, cases[i].exact ? ", exact," : "",
                 cases[i].width, cases[i].height);
        TEST(name, d <= cases[i].most, "found %g, expected at most %g %s", d, cases[i].most, d > 1e30 ? e.text : "");
        const struct gguf *g = t ? t->mmproj->model.gguf : NULL;
        size_t of_type = 0;
        for (size_t k = 0; g && k < g->n_tensors; k++) of_type += g->tensors[k].type == cases[i].used;
        snprintf(name, sizeof name, "%s has matrices of %s", cases[i].shape, type_name(cases[i].used));
        if (cases[i].used != TYPE_F32) TEST(name, of_type, "found none");
        tower_free(t);
    }
}

/* ---- Threads, counts, costs ---- */

static volatile int word;

static void on_alarm(int number)
{
    word = number;
}

/* At any stage: before the first, and wherever a signal finds it. */
static void test_interrupt(void)
{
    struct preprocessed p;
    struct seen s = {0};
    struct tower *t = open_tower("tiny-qwen2-vl:Q8_0", &(struct tower_options){.threads = 3, .interrupted = &word});
    bool ok = t && make_picture(&p, &t->mmproj->keys, 280, 196);
    word = 1;
    TEST("a tower that is interrupted says so", ok && !tower_encode(t, &p, &s, &e) && !s.rows && !strcmp(e.text, "interrupted"),
         "found '%s'", e.text);
    int wrong = 0, ended = 0;
    signal(SIGALRM, on_alarm);
    for (int i = 0; ok && i < 40; i++) {
        const struct itimerval soon = {.it_value = {0, 200 + 200 * i}}, never = {.it_value = {0, 0}};
        word = 0;
        setitimer(ITIMER_REAL, &soon, NULL);
        bool whole = tower_encode(t, &p, &s, &e);
        setitimer(ITIMER_REAL, &never, NULL);
        ended += !whole;
        wrong += whole != (s.rows != NULL) || (!whole && strcmp(e.text, "interrupted") != 0);
        seen_free(&s);
    }
    word = 0;
    word = 0;
    TEST("... wherever it is, and all its threads with it", ok && !wrong && ended, "%d of 40 wrong, %d ended", wrong, ended);
    struct seen again = {0};
    size_t bytes = ok && tower_encode(t, &p, &s, &e) ? s.n_tokens * (size_t)s.n_embd * sizeof(float) : 0;
    struct tower *other = open_tower("tiny-qwen2-vl:Q8_0", &(struct tower_options){.threads = 3});
    TEST("... and then sees what another one does",
         bytes && other && tower_encode(other, &p, &again, &e) && !memcmp(s.rows, again.rows, bytes), "%s", e.text);
    seen_free(&again);
    tower_free(other);
    seen_free(&s);
    if (ok) preprocessed_free(&p);
    tower_free(t);
}

static void test_threads(void)
{
    struct preprocessed p;
    struct seen s[3] = {{0}, {0}, {0}};
    bool ok = true;
    for (int i = 0; i < 3 && ok; i++) {
        struct tower *t = open_tower("tiny-qwen2-vl:Q8_0", &(struct tower_options){.threads = 1 + i});
        ok = t && make_picture(&p, &t->mmproj->keys, 280, 196);
        if (ok) ok = tower_encode(t, &p, &s[i], &e), preprocessed_free(&p);
        tower_free(t);
    }
    size_t bytes = s[0].n_tokens * (size_t)s[0].n_embd * sizeof(float);
    TEST("a tower's bits do not depend on the number of threads",
         ok && !memcmp(s[0].rows, s[1].rows, bytes) && !memcmp(s[0].rows, s[2].rows, bytes), "%s", ok ? "they differ" : e.text);
    for (int i = 0; i < 3; i++) seen_free(&s[i]);
}

static void test_counts(const char *shape)
{
    static const int sizes[][2] = {{28, 28}, {84, 56}, {308, 252}};
    struct tower *t = open_tower(shape, &(struct tower_options){.threads = 2});
    double predicted = 0, counted = 1, special = 0, special_counted = 1;
    bool ok = t;
    for (size_t i = 0; ok && i < sizeof sizes / sizeof *sizes; i++) {
        struct preprocessed p;
        struct seen s;
        if (!(ok = make_picture(&p, &t->mmproj->keys, sizes[i][0], sizes[i][1]))) break;
        struct step step = tower_step(t, &p.fit);
        struct op_cost cost = cost_step(t->plan, &step);
        kernel_count_begin();
        ok = tower_encode(t, &p, &s, &e);
        struct kernel_work work = kernel_count_end();
        predicted = cost.flops, counted = work.flops, special = cost.special, special_counted = work.special;
        seen_free(&s);
        preprocessed_free(&p);
        ok = ok && predicted == counted && special > 0;
    }
    char name[96];
    snprintf(name, sizeof name, "%s: predicted FLOPs are counted ones", shape);
    TEST(name, ok, "found %.0f, expected %.0f %s", predicted, counted, t ? "" : e.text);
    snprintf(name, sizeof name, "%s: so are other operations", shape);
    TEST(name, ok && special == special_counted, "found %.0f, expected %.0f", special, special_counted);
    tower_free(t);
}

static void test_cost(void)
{
    static const struct {
        int width, height;
        double tflop;
    } cases[] = {{1036, 728, 7.35}, {728, 504, 2.97}, {868, 616, 4.71}, {28, 28, 0.005}};
    struct tower *t = tower_from_shape("qwen2-vl-2b:F16", &e);
    TEST("the tower of Qwen2-VL 2B can be priced without a file", t, "%s", e.text);
    if (!t) return;
    const struct clamp none = {.rule = CLAMP_NONE};
    struct clamped fit;
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof cases / sizeof *cases; i++) {
        struct prediction r;
        ok = clamp_apply(&none, &t->mmproj->keys, cases[i].width, cases[i].height, &fit, &e) &&
             tower_predict(&r, t, NULL, 2, &fit, &e);
        if (!ok) break;
        struct tower_flops f = tower_flops((double)fit.patches);
        ok = r.flops == f.linear + f.quadratic && fabs(r.flops * 1e-12 - cases[i].tflop) < 0.0051 && isnan(r.time_s);
        if (!ok)
            fail(&e, "%dx%d: found %.0f FLOPs, expected %.0f", cases[i].width, cases[i].height, r.flops,
                 f.linear + f.quadratic);
        prediction_free(&r);
    }
    TEST("its FLOPs are those of the closed form", ok, "%s", e.text);
    double parameters = 0; /* of matrices */
    for (size_t i = 0; i < t->mmproj->model.gguf->n_tensors; i++)
        if (t->mmproj->model.gguf->tensors[i].n_dims > 1)
            parameters += (double)tensor_elements(&t->mmproj->model.gguf->tensors[i]);
    TEST("so are its parameters", parameters == tower_parameters(), "found %.0f, expected %.0f", parameters,
         tower_parameters());
    ok = clamp_apply(&none, &t->mmproj->keys, 1036, 728, &fit, &e);
    size_t bytes = ok ? tower_bytes(t, &fit, 2) : SIZE_MAX;
    TEST("3,848 patches take less than 200 MB beside the weights", bytes < 200e6, "found %zu bytes", bytes);

    struct prediction r = {.options = {.threads = 2}, .time_s = 5};
    TEST("a picture that is quick enough is let in", tower_afford(t, &fit, &r, 5.5, &e), "%s", e.text);
    TEST("one that would take too long is not", !tower_afford(t, &fit, &r, 4.5, &e) && strstr(e.text, "found 5 s predicted"),
         "%s", e.text);
    r.time_s = NAN;
    TEST("nor one of which nobody knows", !tower_afford(t, &fit, &r, 4.5, &e) && strstr(e.text, "found no time predicted"),
         "%s", e.text);
    fit.patches = (int64_t)1 << 40;
    fit.tokens = fit.patches / 4;
    TEST("nor one that no memory holds", !tower_afford(t, &fit, &r, 0, &e) && strstr(e.text, "MB free"), "%s", e.text);
    tower_free(t);
}

/* ---- The same model elsewhere ---- */

static void test_oracle(const char *shared)
{
    static const struct {
        const char *tag, *file, *image, *clamp;
        double most;
    } cases[] = {
        {"a", "f32", "img_a_112x84", NULL, 5e-3},        {"c", "f32", "img_c_320x240", NULL, 5e-3},
        {"d", "f32", "img_d_40x30", NULL, 5e-3},         {"f", "f32", "img_f_90x400", NULL, 5e-3},
        {"a_f16", "f16", "img_a_112x84", NULL, 5e-3},    {"c_max16", "f32", "img_c_320x240", "tokens:8..16", 5e-3},
        {"a_f16_fa", "f16", "img_a_112x84", NULL, 2e-2}, {"c_f16_fa", "f16", "img_c_320x240", NULL, 2e-2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[512], image[512], want_path[512], name[64];
        snprintf(file, sizeof file, "%s/oracle/vl/mmproj-tiny-%s.gguf", shared, cases[i].file);
        snprintf(image, sizeof image, "%s/oracle/vl/%s.png", shared, cases[i].image);
        snprintf(want_path, sizeof want_path, "%s/oracle/vl/oracle/%s.embd.f32", shared, cases[i].tag);
        snprintf(name, sizeof name, "embeddings of %s", cases[i].tag);
        size_t bytes = 0;
        struct seen s = {0};
        float *want = (float *)(void *)file_read(want_path, 1 << 24, &bytes, &e);
        struct tower *t = want ? tower_open(file, &(struct tower_options){.threads = 2}, &e) : NULL;
        bool ok = t && tower_see(t, image, cases[i].clamp, &s, &e);
        double worst = 0;
        ok = ok && bytes == s.n_tokens * (size_t)s.n_embd * sizeof(float);
        for (size_t k = 0; ok && k < bytes / sizeof(float); k++) worst = fmax(worst, fabs((double)(s.rows[k] - want[k])));
        TEST(name, ok && worst <= cases[i].most, "found a difference of %g, expected at most %g %s", worst, cases[i].most,
             ok ? "" : e.text);
        seen_free(&s);
        tower_free(t);
        free(want);
    }
}

/* The pixels that llama.cpp's tower was given, bit for bit. */
static void test_oracle_pixels(const char *shared)
{
    static const struct {
        const char *tag, *image, *clamp;
    } cases[] = {{"a", "img_a_112x84", NULL},
                 {"d", "img_d_40x30", NULL},
                 {"f", "img_f_90x400", NULL},
                 {"c_max16", "img_c_320x240", "tokens:8..16"}};
    char file[512], image[512], want_path[512], name[64];
    snprintf(file, sizeof file, "%s/oracle/vl/mmproj-tiny-f32.gguf", shared);
    struct tower *t = tower_open(file, &(struct tower_options){.threads = 1}, &e);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(image, sizeof image, "%s/oracle/vl/%s.png", shared, cases[i].image);
        snprintf(want_path, sizeof want_path, "%s/oracle/vl/oracle/%s.pre.rgb", shared, cases[i].tag);
        snprintf(name, sizeof name, "resized pixels of %s", cases[i].tag);
        size_t bytes = 0, differ = 0;
        struct preprocessed p = {0};
        char *want = t ? file_read(want_path, 1 << 24, &bytes, &e) : NULL;
        bool ok = want && preprocess(image, cases[i].clamp, &t->mmproj->keys, &p, &e);
        bool as_large = ok && bytes == 3 * (size_t)p.picture.width * (size_t)p.picture.height;
        for (size_t k = 0; as_large && k < bytes; k++) differ += p.picture.rgb[k] != (unsigned char)want[k];
        TEST(name, as_large && !differ, "found %zu of %zu bytes that differ %s", differ, bytes, ok ? "" : e.text);
        preprocessed_free(&p);
        free(want);
    }
    tower_free(t);
}

/* ---- Files that lie ---- */

static bool write_bytes(const void *bytes, size_t n)
{
    snprintf(path, sizeof path, "%s/changed.gguf", dir);
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(bytes, 1, n, f) == n;
    return f && !fclose(f) && ok;
}

/* Opens the file at `path` and, where that works, has it see a picture. Whether it opened. */
static bool open_and_see(void)
{
    struct tower *t = tower_open(path, &(struct tower_options){.threads = 1}, &e);
    struct preprocessed p;
    struct seen s = {0};
    if (!t) return false;
    int side = t->mmproj->keys.patch * t->mmproj->keys.merge;
    if (side <= 256 && make_picture(&p, &t->mmproj->keys, 2 * side, side)) {
        tower_encode(t, &p, &s, &e);
        preprocessed_free(&p);
    }
    seen_free(&s);
    tower_free(t);
    return true;
}

static struct tensor *draft_tensor(struct draft *d, const char *name)
{
    for (size_t i = 0; i < d->n_t; i++)
        if (!strcmp(d->t[i].name, name)) return &d->t[i];
    abort();
}

static void set_u32(struct draft *d, const char *key, uint32_t v)
{
    put_number(d, key, GGUF_U32, &v, sizeof v);
}

static void exchange_names(struct draft *d, const char *suffix)
{
    for (int i = 0; i < 3; i++) {
        char up[TENSOR_MAX_NAME], down[TENSOR_MAX_NAME];
        snprintf(up, sizeof up, "v.blk.%d.ffn_up.%s", i, suffix);
        snprintf(down, sizeof down, "v.blk.%d.ffn_down.%s", i, suffix);
        struct tensor *a = draft_tensor(d, up), *b = draft_tensor(d, down);
        memcpy(a->name, down, sizeof down);
        memcpy(b->name, up, sizeof up);
    }
}

static void test_lies(const struct gguf *g)
{
    enum { N = 17 };
    static const char *const want[N] = {NULL,
                                        NULL,
                                        NULL,
                                        "tensor 'v.blk.1.attn_k.bias': found nothing, expected [96]",
                                        "tensor 'mm.2.weight': found nothing",
                                        "tensor 'v.blk.2.ln1.weight': found [48, 2, 1, 1], expected [96]",
                                        "spatial_merge_size': found 0, expected 1 to 64",
                                        "clip.projector_type': found 'mlp', expected 'qwen2vl_merger'",
                                        "patch_size': found 0",
                                        "head_count': found 5 of a width of 96",
                                        "image_std': found 0, expected more than 0 and less than 1e6",
                                        "image_mean': found nothing",
                                        "use_silu': found true",
                                        "general.architecture': found 'llama', expected 'clip'",
                                        "tensor 'mm.0.weight': found [384, 384, 1, 1], expected [864, 864]",
                                        "tensor 'v.patch_embd.weight': found [14, 14, 3, 96], expected [7, 7, 3, 96]",
                                        "layer_norm_epsilon': found 0"};
    static const float zero[3] = {0, 1, 1}, no_eps = 0;
    static const bool yes = true;
    size_t wrong = 0, first = 0;
    struct error first_error = {""};
    for (size_t i = 0; i < N; i++) {
        struct draft d;
        draft_from(&d, g);
        switch (i) {
        case 0: set_u32(&d, "clip.vision.feed_forward_length", 0); break; /* not believed, so no lie */
        case 1: exchange_names(&d, "weight"), exchange_names(&d, "bias"); break;
        case 2:
            d.t[d.n_t] = *draft_tensor(&d, "mm.2.bias");
            strcpy(d.t[d.n_t++].name, "nobody.asks.for.this");
            break;
        case 3: strcpy(draft_tensor(&d, "v.blk.1.attn_k.bias")->name, "v.blk.1.attn_k.bios"); break;
        case 4: strcpy(draft_tensor(&d, "mm.2.weight")->name, "mm.3.weight"); break;
        case 5: {
            struct tensor *t = draft_tensor(&d, "v.blk.2.ln1.weight");
            t->n_dims = 2, t->ne[0] = 48, t->ne[1] = 2, t->row_bytes = 192;
            break;
        }
        case 6: set_u32(&d, "clip.vision.spatial_merge_size", 0); break;
        case 7: put_string(&d, "clip.projector_type", "mlp", 3); break;
        case 8: set_u32(&d, "clip.vision.patch_size", 0); break;
        case 9: set_u32(&d, "clip.vision.attention.head_count", 5); break;
        case 10: put(&d, "clip.vision.image_std", GGUF_ARRAY, GGUF_F32, 3)->data = zero; break;
        case 11: find_kv(&d, "clip.vision.image_mean")->key = (struct gguf_string){"x", 1}; break;
        case 12: put_number(&d, "clip.use_silu", GGUF_BOOL, &yes, 1); break;
        case 13: put_string(&d, "general.architecture", "llama", 5); break;
        case 14: set_u32(&d, "clip.vision.spatial_merge_size", 3); break;
        case 15: set_u32(&d, "clip.vision.patch_size", 7); break;
        default: put_number(&d, "clip.vision.attention.layer_norm_epsilon", GGUF_F32, &no_eps, 4); break;
        }
        size_t size = 0;
        unsigned char *bytes = draft_write(&d, &size);
        bool opened = bytes && write_bytes(bytes, size) && open_and_see();
        bool ok = want[i] ? !opened && strstr(e.text, want[i]) && !strchr(e.text, '\n') : opened;
        if (!ok && !wrong++) first = i, first_error = e;
        free(bytes);
        draft_free(&d);
    }
    TEST("what is wrong with an mmproj file is said in a line", !wrong, "%zu cases, the first %zu: %s", wrong, first,
         first_error.text);
}

/* The names of an old file's FFN exchanged: the same tower. */
static void test_old_names(const struct gguf *g)
{
    struct preprocessed p;
    struct seen s[2] = {{0}, {0}};
    bool ok = true;
    for (int i = 0; ok && i < 2; i++) {
        struct draft d;
        size_t size;
        draft_from(&d, g);
        if (i) exchange_names(&d, "weight"), exchange_names(&d, "bias");
        unsigned char *bytes = draft_write(&d, &size);
        struct tower *t =
            bytes && write_bytes(bytes, size) ? tower_open(path, &(struct tower_options){.threads = 1}, &e) : NULL;
        ok = t && make_picture(&p, &t->mmproj->keys, 84, 56);
        if (ok) ok = tower_encode(t, &p, &s[i], &e), preprocessed_free(&p);
        tower_free(t);
        free(bytes);
        draft_free(&d);
    }
    ok = ok && !memcmp(s[0].rows, s[1].rows, s[0].n_tokens * (size_t)s[0].n_embd * sizeof(float));
    TEST("files with up and down exchanged are read as they are meant", ok, "%s", e.text);
    for (int i = 0; i < 2; i++) seen_free(&s[i]);
}

static void test_mutations(const unsigned char *file, size_t size, size_t header)
{
    size_t copies = getenv("HARTREE_SLOW") ? 1000 : 150, opened = 0;
    unsigned char *copy = malloc(size);
    bool ok = copy;
    state = 7;
    for (size_t i = 0; ok && i < copies; i++) {
        memcpy(copy, file, size);
        size_t length = below(8) ? size : below(size);
        for (size_t k = 1 + below(4); k--;)
            copy[below(header)] = below(2) ? (unsigned char)random_u64() : (unsigned char)below(3);
        ok = write_bytes(copy, length);
        opened += ok && open_and_see();
    }
    char name[64];
    snprintf(name, sizeof name, "%zu changed copies of an mmproj file", copies);
    TEST(name, ok && opened < copies, "%zu opened; %s", opened, ok ? "none was refused" : "one could not be written");
    free(copy);
}

static void test_files(void)
{
    size_t size = 0;
    struct gguf *g = NULL;
    unsigned char *file = make_file("tiny-qwen2-vl:F16") ? (unsigned char *)file_read(path, 1 << 24, &size, &e) : NULL;
    unlink(path);
    if (file) g = gguf_parse(file, size, 0, &e);
    TEST("an mmproj file can be made", g, "%s", e.text);
    if (g) {
        test_lies(g);
        test_old_names(g);
        test_mutations(file, size, g->data_offset);
    }
    unlink(path);
    gguf_free(g);
    free(file);
}

int main(void)
{
    char message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message))
        return fputs(message, stderr), 1;
    if (!test_folder(dir, sizeof dir)) return fputs("tower: found no folder for files\n", stderr), 1;
    test_naive();
    test_threads();
    test_interrupt();
    test_counts("tiny-qwen2-vl:F16");
    test_counts("tiny-qwen2-vl:Q8_0");
    test_cost();
    const char *shared = test_shared();
    if (shared && picture_libpng()) {
        test_oracle(shared);
        test_oracle_pixels(shared);
    } else {
        SKIP("embeddings of the oracle", "found no %s", shared ? "libpng" : "shared folder");
    }
    test_files();
    rmdir(dir);
    TEST_MAIN_END();
}
