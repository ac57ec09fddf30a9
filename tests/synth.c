/* synth.c - shapes against published numbers, mixes against real files, synthesised and requantised models.
 * SPDX-License-Identifier: MIT */
#include "engine/quantise.h"
#include "engine/session.h"
#include "engine/synth.h"
#include "engine/tower/mmproj.h"
#include "kernels/kernel.h"
#include "loader/file.h"
#include "tests/test.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[160];

#define SMALL "L=2,D=256,H=4,KV=2,F=256,V=300"

static const char *at(const char *name)
{
    static char path[4][256];
    static int turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

/* ---- Shapes ---- */

static void test_published(void)
{
    char wrong[512] = "";
    int n = 0;
    struct error e = {""};
    for (size_t i = 0; shape_at(i); i++) {
        const struct shape *s = shape_at(i);
        struct model *m = model_from_shape(s->name, &e);
        if (!m) {
            TEST(s->name, false, "%s", e.text);
            continue;
        }
        const struct tensor *factors = gguf_tensor(m->gguf, "rope_freqs.weight");
        int64_t parameters = (int64_t)m->parameters - (factors ? tensor_elements(factors) : 0);
        n++;
        if (s->parameters && parameters != s->parameters)
            snprintf(wrong + strlen(wrong), 60, "%.20s has %lld ", s->name, (long long)parameters);
        if (m->hp.n_layer != s->n_layer || m->hp.n_vocab != s->n_vocab || m->hp.head_dim != s->head_dim ||
            m->hp.window != s->window || m->hp.n_ctx_train != s->n_ctx || m->hp.rope_base != s->rope_base ||
            m->hp.eps != s->eps)
            snprintf(wrong + strlen(wrong), 60, "%.20s reads differently ", s->name);
        model_close(m);
    }
    TEST("bundled shapes have the published parameter counts", n > 20 && !wrong[0], "%d shapes; %s", n, wrong);

    struct model *gilda = model_from_shape("gilda-3.2b", &e);
    TEST("gilda-3.2b has 3.2 B parameters", gilda && fabs((double)gilda->parameters / 3.2e9 - 1) < 0.005, "%s", e.text);
    model_close(gilda);
}

/* A shape that sees has a tower of its name and width: `paper --full` makes both of it. */
static void test_towers(void)
{
    for (size_t i = 0; shape_at(i); i++) {
        const struct shape *s = shape_at(i);
        struct error e = {""};
        if (strcmp(s->arch, "qwen2vl")) continue;
        struct mmproj *m = mmproj_from_shape(s->name, &e);
        TEST("a shape that sees has a tower", m && m->n_out == s->n_embd, "%s: found %d wide, expected %d; %s", s->name,
             m ? m->n_out : 0, s->n_embd, e.text);
        mmproj_close(m);
    }
}

static void test_specs(void)
{
    struct error e = {""};
    struct shape s;
    const struct mix *mix;
    TEST("a second name",
         shape_parse("qwen2.5-coder-7b:q8_0", &s, &mix, &e) && s.n_embd == 3584 && !strcmp(mix_name(mix), "Q8_0"), "%s",
         e.text);
    struct model *by_name = model_from_shape("llama-3.1-8b:Q4_K_M", &e);
    struct model *by_number = model_from_shape("L=32,D=4096,H=32,KV=8,F=14336,V=128256,d=128:Q4_K_M", &e);
    const struct tensor *factors = by_name ? gguf_tensor(by_name->gguf, "rope_freqs.weight") : NULL;
    TEST("numbers give the same tensors as the name",
         by_name && by_number && factors && by_name->tensor_bytes - factors->bytes == by_number->tensor_bytes, "%s", e.text);
    const struct tensor *embedding = by_name ? gguf_tensor(by_name->gguf, "token_embd.weight") : NULL;
    double file = by_name ? (double)by_name->tensor_bytes / 1e9 : 0,
           streamed = embedding ? file - (double)embedding->bytes / 1e9 : 0;
    TEST("Llama-3.1-8B Q4_K_M: 4.913 GB, of which 4.617 are streamed",
         fabs(file - 4.913) < 5e-4 && fabs(streamed - 4.617) < 5e-4, "found %.4f and %.4f", file, streamed);
    model_close(by_name);
    model_close(by_number);

    struct model *qwen = model_from_shape("qwen2.5-0.5b:Q8_0", &e);
    struct model *same = model_from_shape("arch=qwen2,tied,L=24,D=896,H=14,KV=2,HD=64,F=4864,V=151936:Q8_0", &e);
    TEST("numbers of another architecture, tied: the same tensors", qwen && same && qwen->tensor_bytes == same->tensor_bytes &&
         qwen->parameters == same->parameters, "%s", e.text);
    model_close(qwen);
    model_close(same);
    TEST("what is assumed of a shape is said", shape_parse("gilda-3.2b", &s, &mix, &e) && s.assumed &&
         shape_parse("llama-3.1-8b", &s, &mix, &e) && !s.assumed, "%s", e.text);

    static const struct {
        const char *spec, *expected;
    } bad[] = {
        {"llama-9", "shape: found 'llama-9'"},
        {"", "shape: found ''"},
        {":F16", "shape: found ''"},
        {"tiny-llama:Q9", "type: found 'Q9'"},
        {"tiny-llama:", "type: found ''"},
        {"L=1", "D: missing"},
        {"L=1,D=64,H=4,KV=3,F=64,V=300", "a multiple of KV=3"},
        {"L=1,D=65,H=4,KV=2,F=64,V=300", "a multiple of H=4"},
        {"L=1,D=64,H=4,KV=2,F=64,V=300,d=7", "even number"},
        {"L=1,D=64,H=4,KV=2,F=64,V=300,HD=16,d=16", "found twice"},
        {"L=1,D=64,H=4,KV=2,F=64,V=300,hd=16", "found 'hd=16', did you mean 'HD'?"},
        {"L=1,D=64,H=4,KV=2,F=64,V=300,tie", "found 'tie', did you mean 'tied'?"},
        {"L=1,D=64,H=4,KV=2,F=64,V=300,tied,tied", "tied: found twice"},
        {"L=1,D=64,H=4,KV=2,F=64,V=300,arhc=llama", "did you mean 'arch'?"},
        {"L=1,D=64,H=4,KV=2,F=64,V=300,arch=lama", "shape: arch: "},
        {"L=1,D=64,H=4,KV=2,F=64,V=300,arch=", "shape: arch: "},
        {"L=1,D=64,H=4,KV=2,F=64,V=300,arch=llama,arch=qwen2", "arch: found twice"},
        {"L=1,D=64,H=4,KV=2,F=64,V=300,", "found '', expected L="},
        {"L=1,D=64,H=4,KV=2,F=64,V=-300", "V: found '-300'"},
        {"L=1,D=64,H=4,KV=8,F=64,V=300", "a multiple of KV=8"},
        {"L=1,D=4194304,H=4,KV=2,F=64,V=300", "D: found '4194304', expected 1 to 1048576"},
        {"L=0,D=64,H=4,KV=2,F=64,V=300", "L: found '0'"},
        {"L=99999999999999999999,D=64,H=4,KV=2,F=64,V=300", "L: found"},
        {"L=1,L=2,D=64,H=4,KV=2,F=64,V=300", "found twice"},
        {"L=1,D=64x,H=4,KV=2,F=64,V=300", "expected L="},
        {"L=1,Q=64,H=4", "found 'Q=64'"},
        {"=", "expected L="},
        {"L=1,,D=2", "expected L="},
    };
    size_t wrong = 0, first = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error why = {""};
        struct model *m = model_from_shape(bad[i].spec, &why);
        if (!m && strstr(why.text, bad[i].expected)) continue;
        if (!wrong++) first = i, e = why;
        model_close(m);
    }
    TEST("bad shapes are refused with a reason", !wrong, "%zu were not; '%s': found '%s', expected '%s'", wrong,
         bad[first].spec, e.text, bad[first].expected);
}

/* ---- Mixes against files that llama-quantize made ---- */

/* Until 2024 llama-quantize counted layers in the order of the file, which for some is that of strings: 0, 1, 10, 11 ... So the
 * tensors are judged here under the number that their layer had for it. */
static void test_real(const char *models, const char *name)
{
    char path[512];
    struct error e = {""};
    snprintf(path, sizeof path, "%s/%s.gguf", models, name);
    struct file_options header = {.header_only = true};
    struct model_file *f = model_file_open(path, &header, &e);
    if (!f) {
        SKIP(name, "%s", e.text);
        return;
    }
    struct model m = {0};
    size_t wrong = 0, judged = 0, n_seen = 0;
    int order[MAX_LAYERS];
    memset(order, -1, sizeof order);
    const struct mix *mix = mix_find("Q4_K_M", &e);
    if (mix && model_bind(&m, f->gguf, path, MODEL_HEADER_ONLY, &e)) {
        struct mix_model facts = {m.hp.n_layer, m.hp.n_head, m.hp.n_head_kv, !gguf_tensor(f->gguf, "output.weight")};
        for (size_t i = 0; i < f->gguf->n_tensors; i++) {
            struct tensor t = f->gguf->tensors[i];
            int layer, end = 0;
            char role[TENSOR_MAX_NAME];
            if (sscanf(t.name, "blk.%3d.%n", &layer, &end) == 1 && end) {
                if (order[layer] < 0) order[layer] = (int)n_seen++;
                snprintf(role, sizeof role, "%s", t.name + end);
                snprintf(t.name, sizeof t.name, "blk.%d.%.40s", order[layer], role);
            }
            judged++;
            enum type type = mix_applies(&t) ? mix_type(mix, &facts, &t) : TYPE_F32;
            if (type != t.type && !wrong++)
                fail(&e, "%s: found %s, expected %s", f->gguf->tensors[i].name, type_name(type), type_name(t.type));
        }
    }
    TEST(name, judged > 100 && !wrong, "%zu of %zu types differ, the first: %s", wrong, judged, e.text);
    model_file_close(f);
}

/* ---- Synthesised models ---- */

static bool same_files(const char *a, const char *b)
{
    struct error e;
    size_t n, m;
    char *x = file_read(a, 1 << 26, &n, &e), *y = file_read(b, 1 << 26, &m, &e);
    bool same = x && y && n == m && !memcmp(x, y, n);
    free(x);
    free(y);
    return same;
}

static bool synth(const char *shape, uint64_t seed, int threads, const char *name, struct error *e)
{
    struct synth_options o = {.shape = shape, .seed = seed, .threads = threads};
    return synth_write(&o, at(name), NULL, e);
}

/* More tokens than tiny-gemma3's window; logits must be finite and neither flat nor wild. */
static void test_runs(const char *shape)
{
    char title[64];
    struct error e = {""};
    int32_t tokens[40];
    for (int i = 0; i < 40; i++) tokens[i] = 3 + i * 17;
    snprintf(title, sizeof title, "%s runs, logits sane", shape);
    struct model *m = synth(shape, 1, 2, "run.gguf", &e) ? model_open(at("run.gguf"), NULL, MODEL_NO_TOKENIZER, &e) : NULL;
    struct session_options so = {.n_ctx = 64, .threads = 1};
    struct session *s = m ? session_new(m, &so, &e) : NULL;
    double sum = 0, squares = 0;
    if (s && session_feed(s, tokens, 40, PHASE_PREFILL, NULL, NULL, &e))
        for (int i = 0; i < m->hp.n_vocab; i++) {
            double x = session_logits(s)[i];
            sum += x;
            squares += x * x;
        }
    double mean = m ? sum / m->hp.n_vocab : 0, deviation = m ? sqrt(squares / m->hp.n_vocab - mean * mean) : 0;
    TEST(title, deviation > 0.3 && deviation < 6 && fabs(mean) < 1, "mean %g, deviation %g %s", mean, deviation, e.text);
    session_free(s);
    model_close(m);
}

static void test_synth(void)
{
    struct error e = {""};
    static const char *const tiny[] = {"tiny-llama:F32", "tiny-qwen2:Q4_K_M", "tiny-qwen3:Q5_K_M", "tiny-gemma3:Q8_0"};
    for (size_t i = 0; i < sizeof tiny / sizeof *tiny; i++) test_runs(tiny[i]);

    bool ok =
        synth(SMALL ":Q4_K_M", 7, 1, "a", &e) && synth(SMALL ":Q4_K_M", 7, 3, "b", &e) && synth(SMALL ":Q4_K_M", 8, 1, "c", &e);
    TEST("same seed, same bytes on one thread and on three", ok && same_files(at("a"), at("b")), "%s", e.text);
    TEST("another seed, other bytes", ok && !same_files(at("a"), at("c")), "%s", e.text);

    /* Llama 3.1 8B's factors: short waves stay, long ones are stretched eightfold. */
    struct shape s;
    const struct mix *mix;
    float factors[64] = {0};
    if (shape_parse("llama-3.1-8b", &s, &mix, &e)) shape_rope_factors(&s, factors);
    TEST("rope factors go from 1 to 8",
         factors[0] == 1 && factors[28] == 1 && factors[30] > 1 && factors[30] < 8 && factors[63] == 8, "%g %g %g %g",
         factors[0], factors[28], factors[30], factors[63]);

    struct model_file *f = synth("tiny-llama:F32", 3, 1, "f32", &e) ? model_file_open(at("f32"), NULL, &e) : NULL;
    const struct tensor *q = f ? gguf_tensor(f->gguf, "blk.1.attn_q.weight") : NULL;
    double sum = 0, squares = 0, n = q ? (double)tensor_elements(q) : 1;
    for (int64_t i = 0; q && i < tensor_elements(q); i++) {
        double x = ((const float *)q->data)[i];
        sum += x;
        squares += x * x;
    }
    TEST("weights have mean 0 and deviation 1 / sqrt(n_in)",
         q && fabs(sum / n) < 1e-3 && fabs(sqrt(squares / n) * 16 - 1) < 0.02, "%g %g", sum / n, sqrt(squares / n));
    model_file_close(f);

    e = (struct error){""};
    TEST("a vocabulary too small for the bytes",
         !synth("L=1,D=64,H=4,KV=2,F=64,V=258", 1, 1, "small", &e) && strstr(e.text, "expected at least 259") &&
             access(at("small"), F_OK),
         "%s", e.text);
    volatile int stop = 1;
    struct synth_options o = {.shape = "tiny-llama", .threads = 1, .stop = &stop};
    TEST("stopped: nothing is left",
         !synth_write(&o, at("stopped"), NULL, &e) && strstr(e.text, "interrupted") && access(at("stopped"), F_OK), "%s",
         e.text);
}

static void test_vocabulary(void)
{
    struct error e = {""};
    struct model *m = synth("tiny-llama", 1, 1, "vocab", &e) ? model_open(at("vocab"), NULL, 0, &e) : NULL;
    static const char text[] = "the energy of \xc3\xa9t\xc3\xa9, 42\n";
    struct tokens ids = {0};
    char *back = NULL;
    size_t len = 0;
    bool ok = m && tokenize(m->tokenizer, text, sizeof text - 1, 0, &ids, &e) &&
              detokenize(m->tokenizer, ids.id, ids.n, false, &back, &len, &e);
    TEST("the vocabulary tokenizes any text and back", ok && len >= sizeof text - 1 && strstr(back, text), "found '%s' %s",
         back ? back : "", e.text);
    TEST("words are one token", ok && ids.n > 3 && ids.n < 20, "%zu tokens", ids.n);
    free(back);
    tokens_free(&ids);
    model_close(m);
}

/* ---- Requantised models ---- */

static bool quantise(const char *in, const char *out, const char *type, int threads, struct quantise_result *r, struct error *e)
{
    struct quantise_options o = {.mix = mix_find(type, e), .threads = threads};
    return o.mix && quantise_file(at(in), at(out), &o, r, e);
}

static bool same_tensors(const char *a, const char *b, struct error *e)
{
    struct model_file *x = model_file_open(at(a), NULL, e), *y = x ? model_file_open(at(b), NULL, e) : NULL;
    bool same = y && x->gguf->n_tensors == y->gguf->n_tensors;
    for (size_t i = 0; same && i < x->gguf->n_tensors; i++) {
        const struct tensor *t = &x->gguf->tensors[i], *u = gguf_tensor(y->gguf, t->name);
        same = u && t->type == u->type && t->bytes == u->bytes && !memcmp(t->data, u->data, t->bytes);
        if (!same) fail(e, "%s differs", t->name);
    }
    model_file_close(x);
    model_file_close(y);
    return same;
}

/* Relative rms error of all matrices. */
static double error_of(const char *name, const char *reference, struct error *e)
{
    struct model_file *x = model_file_open(at(name), NULL, e), *y = x ? model_file_open(at(reference), NULL, e) : NULL;
    double error = 0, power = 0;
    for (size_t i = 0; y && i < x->gguf->n_tensors; i++) {
        const struct tensor *t = &x->gguf->tensors[i], *u = gguf_tensor(y->gguf, t->name);
        if (t->n_dims < 2 || !u) continue;
        float row[1024];
        for (int64_t r = 0; r < tensor_rows(t); r++) {
            const float *want = tensor_row(u, r);
            type_dequantise(t->type, row, tensor_row(t, r), (size_t)t->ne[0]);
            for (int64_t k = 0; k < t->ne[0]; k++) {
                error += (row[k] - want[k]) * (double)(row[k] - want[k]);
                power += want[k] * (double)want[k];
            }
        }
    }
    model_file_close(x);
    model_file_close(y);
    return power > 0 ? sqrt(error / power) : NAN;
}

static void test_quantise(void)
{
    /* What llama-quantize makes of the same file, as relative rms error of all matrices; --pure for plain types. */
    static const struct {
        const char *type;
        double error;
    } limits[] = {
        {"BF16", 0.0017},    {"F16", 0.00022},    {"Q8_0", 0.00509},   {"Q6_K", 0.01698},   {"Q5_K", 0.03481},
        {"Q4_K", 0.06876},   {"Q3_K", 0.14596},   {"Q2_K", 0.28778},   {"Q5_0", 0.04055},   {"Q5_1", 0.03658},
        {"Q4_0", 0.08164},   {"Q4_1", 0.07562},   {"Q3_K_S", 0.12101}, {"Q3_K_M", 0.11033}, {"Q3_K_L", 0.10926},
        {"Q4_K_S", 0.05552}, {"Q4_K_M", 0.05564}, {"Q5_K_S", 0.03029}, {"Q5_K_M", 0.02951},
    };
    struct error e = {""};
    struct quantise_result r;
    char wrong[512] = "", name[64];
    bool ok = synth(SMALL ":F32", 3, 2, "f32", &e);
    for (size_t i = 0; ok && i < sizeof limits / sizeof *limits; i++) {
        double error = quantise("f32", "q", limits[i].type, 2, &r, &e) ? error_of("q", "f32", &e) : NAN;
        if (!(error <= limits[i].error)) snprintf(wrong + strlen(wrong), 40, "%s %.5f ", limits[i].type, error);
        snprintf(name, sizeof name, SMALL ":%s", limits[i].type);
        if (!synth(name, 3, 2, "direct", &e) || !same_tensors("q", "direct", &e))
            snprintf(wrong + strlen(wrong), 40, "%s is not synth's ", limits[i].type);
    }
    TEST("every type: error within llama-quantize's, bytes as synth's of that type", ok && !wrong[0], "%s%s", wrong, e.text);

    /* The last has more blocks than synth's pool, and rows that end in part of one. */
    static const char *const others[] = {"tiny-qwen2", "tiny-gemma3", "L=1,D=320,H=5,KV=1,F=320,V=2500"};
    for (size_t i = 0; i < 3; i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "%s:F32", others[i]);
        snprintf(to, sizeof to, "%s:Q4_K_M", others[i]);
        snprintf(name, sizeof name, "%s: quantised as synth makes it", others[i]);
        ok = synth(from, 1, 1, "x", &e) && quantise("x", "y", "q4_k_m", 1, &r, &e) && synth(to, 1, 1, "z", &e);
        TEST(name, ok && same_tensors("y", "z", &e), "%s", e.text);
    }

    ok = quantise("f32", "t1", "Q4_K_M", 1, &r, &e) && quantise("f32", "t3", "Q4_K_M", 3, &r, &e);
    TEST("quantised on one thread and on three: same bytes", ok && same_files(at("t1"), at("t3")), "%s", e.text);
    TEST("the result's counts",
         ok && r.tensors == 21 && r.converted == 16 && r.out[TYPE_Q6_K].tensors == 3 && r.in[TYPE_F32].tensors == 21 &&
             r.parameters == 941312,
         "%zu tensors, %zu converted, %zu in Q6_K", r.tensors, r.converted, r.out[TYPE_Q6_K].tensors);
    ok = quantise("t1", "again", "Q4_K_M", 2, &r, &e);
    TEST("same type again: copied bit for bit", ok && r.converted == 0 && same_tensors("t1", "again", &e), "%zu converted %s",
         r.converted, e.text);
    ok = quantise("t1", "up", "F16", 2, &r, &e);
    TEST("from K-quants to F16", ok && r.out[TYPE_F16].tensors == 16 && error_of("up", "f32", &e) < 0.0557, "%s", e.text);

    struct stat before, after;
    e = (struct error){""};
    bool linked = !stat(at("f32"), &before) && !link(at("f32"), at("alias"));
    ok = linked && !quantise("f32", "alias", "Q8_0", 1, &r, &e) && !stat(at("f32"), &after) && after.st_size == before.st_size;
    TEST("IN is OUT by another name: refused", ok && strstr(e.text, "of the model that is read"), "%s", e.text);
    e = (struct error){""};
    volatile int stop = 1;
    struct quantise_options o = {.mix = mix_find("Q8_0", &e), .threads = 1, .stop = &stop};
    ok = !quantise_file(at("f32"), at("stopped"), &o, &r, &e) && strstr(e.text, "interrupted") && access(at("stopped"), F_OK);
    TEST("quantise stopped: nothing is left", ok, "%s", e.text);
}

int main(void)
{
    char message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) return puts(message), 1;
    if (!test_folder(dir, sizeof dir)) return perror(dir), 1;
    test_published();
    test_towers();
    test_specs();
    const char *models = test_models();
    static const char *const real[] = {"gemma-3-270m-q4_k_m", "qwen2.5-coder-0.5b-instruct-q4_k_m",
                                       "qwen2.5-coder-1.5b-instruct-q4_k_m"};
    for (size_t i = 0; i < 3; i++) {
        if (models)
            test_real(models, real[i]);
        else
            SKIP(real[i], "no real models here");
    }
    test_synth();
    test_vocabulary();
    test_quantise();
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command)) return 1;
    TEST_MAIN_END();
}
