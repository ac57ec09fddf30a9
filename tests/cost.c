/* cost.c - the accountant: closed forms against counted kernels and against published numbers, the hash.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <unistd.h>

#include "base/sha256.h"
#include "engine/account/calibrate.h"
#include "engine/account/energy_terms.h"
#include "engine/account/report.h"
#include "engine/cost.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tensor/linear.h"
#include "tests/round_device.h"
#include "tests/test.h"

static struct error e;

static char *in_tmp(const char *name)
{
    static char path[512];
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/hartree-cost-%ld-%s", tmp && *tmp ? tmp : "/tmp", (long)getpid(), name);
    return path;
}

/* ---- SHA-256: the examples of FIPS 180-2 ---- */

static void test_sha256(void)
{
    static const struct {
        const char *text;
        int times;
        const char *want;
    } cases[] = {
        {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sha256 s;
        char hex[SHA256_HEX], name[64];
        sha256_begin(&s);
        for (int k = 0; k < cases[i].times; k++) sha256_add(&s, cases[i].text, strlen(cases[i].text));
        sha256_end(&s, hex);
        snprintf(name, sizeof name, "sha256 of %zu bytes", strlen(cases[i].text) * (size_t)cases[i].times);
        TEST(name, !strcmp(hex, cases[i].want), "found %s", hex);
    }
}

/* ---- Published numbers: Llama 3.1 8B in Q4_K_M, from its shape alone ---- */

static bool near(double a, double b, double relative)
{
    return fabs(a - b) <= relative * fabs(b);
}

static void test_8b(const struct device *d)
{
    struct model *m = model_from_shape("llama-3.1-8b:Q4_K_M", &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    struct prediction r = {0};
    const double n = 1000, gen = 10, D = 4096, H = 32, H_kv = 8, dim = 128, F = 14336, V = 128256, L = 32;
    bool ok =
        p && predict(&r, p, d, &(struct predict_options){.threads = 2, .prompt = 1000, .gen = 10, .kv_type = TYPE_F16}, &e);
    TEST("8B: predicted from a shape", ok, "%s", e.text);
    if (ok) {
        double linear = 2 * (2 * D * H * dim + 2 * D * H_kv * dim + 3 * D * F); /* per layer and token */
        double steps = gen - 1,
               decode = steps * (L * linear + 2 * D * V) + L * 4 * H * dim * (n * steps + steps * (steps + 1) / 2);
        TEST("8B: weights are 4.913 GB", near(r.weight_bytes, 4.913e9, 1e-4), "found %.0f", r.weight_bytes);
        TEST("8B: 4.617 GB are read a token", near(r.weight_bytes_per_token, 4.617e9, 1e-4), "found %.0f",
             r.weight_bytes_per_token);
        TEST("8B: prefill FLOPs, half of the square, head once",
             r.flops_prefill == L * (linear * n + 2 * H * dim * n * (n + 1)) + 2 * D * V, "found %.0f", r.flops_prefill);
        TEST("8B: decode FLOPs", r.flops_decode == decode, "found %.0f, expected %.0f", r.flops_decode, decode);
        TEST("8B: cache of 131072 bytes a position", r.kv_bytes == 131072 * (n + gen), "found %.0f", r.kv_bytes);
        struct op_cost c = cost_step(p, &(struct step){.n = 1, .p = 999, .n_out = 1, .kv_type = TYPE_F16});
        TEST("8B: a step reads keys and values of H_kv heads", c.kv_read == 131072 * n, "found %.0f", c.kv_read);
        TEST("8B: a step writes one position", c.kv_write == 131072, "found %.0f", c.kv_write);
        /* From below: no step can be faster than the time its weights take from memory. */
        TEST("8B: decode is not faster than memory", r.decode_s > steps * r.weight_bytes_per_token / 2e10, "found %g s",
             r.decode_s);
    }
    prediction_free(&r);
    plan_free(p);
    model_close(m);
}

/* ---- Rows and totals ---- */

/* What a product takes of some columns where so many are few, or 0 as where the profile is silent: the roofline's own formula
 * with nothing read from memory and nothing for the stage. 1e9 weights take 1 s a column by a dot; by a gemm 1 s to unpack and
 * 0.1 s a column, and 3 s to unpack where they come from memory.
 * 600 rows are two micro-batches, of two blocks of columns and of one. */
static void test_few(void)
{
    static const struct {
        unsigned few;
        double group; /* seconds of 1e9 weights by four columns together; 0: not in the profile */
        size_t cols;
        double want; /* seconds of 1e9 weights */
        double llc;  /* last-level caches that hold all weights, this one's alone, or none: 0, 1 and -1 */
    } cases[] = {{0, 0, 5, 1.5, 0},
                 {2, 0, 5, 1.5, 0},
                 {5, 0, 5, 1 + (1.6 - 1) * 4 / 5, 0},
                 {15, 0, 5, 1 + (2.6 - 1) * 4 / 15, 0},
                 {2, 2.2, 5, 1.5, 0},
                 {5, 2.2, 5, 3.2, 0},
                 {15, 2.2, 3, 1.8, 0},
                 {15, 2.2, 4, 2.2, 0},
                 {15, 2.2, 8, 4.4, 0},
                 {15, 2.2, 10, 4.4 + 1.4, 0},
                 {2, 0, 5, 3.5, -1},
                 {2, 2.2, 5, 3.5, 1},
                 {2, 0, 600, 69, -1},
                 {2, 0, 600, 67, 1},
                 {2, 0, 600, 63, 0},
                 {5, 2.2, 4, 2.2, -1}};
    struct model *m = model_from_shape("tiny-llama:Q8_0", &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    size_t at = 0;
    while (p && at < p->n_ops && strcmp(p->ops[at].role, "ffn_down")) at++;
    TEST("a layer to multiply by five columns", p && at < p->n_ops && p->ops[at].kind == OP_LINEAR, "%s", e.text);
    for (size_t i = 0; p && at < p->n_ops && i < sizeof cases / sizeof *cases; i++) {
        struct device d;
        struct prediction r = {0};
        char name[120];
        double weights = (double)p->ops[at].n_in * p->ops[at].n_out;
        double bytes = (double)type_bytes(TYPE_Q8_0, (size_t)p->ops[at].n_in) * p->ops[at].n_out;
        make_round_device(&d, cases[i].llc == 0 ? 1e12 : cases[i].llc > 0 ? bytes : bytes - 1, INFINITY);
        bool ok = device_set(&d, "stage.1", 0, ASSUMED, NULL, &e) &&
                  device_set(&d, "linear.q8_0.unpack.memory.1", 3e-9, ASSUMED, NULL, &e) &&
                  device_set(&d, "linear.q8_0.decode.1", 2e9, ASSUMED, NULL, &e) &&
                  device_set(&d, "linear.q8_0.prefill.1", 2e10, ASSUMED, NULL, &e) &&
                  device_set(&d, "linear.q8_0.unpack.1", 1e-9, ASSUMED, NULL, &e) &&
                  (!cases[i].few || device_set(&d, "linear.q8_0.few", cases[i].few, ASSUMED, NULL, &e)) &&
                  (!(cases[i].group > 0) || device_set(&d, "linear.q8_0.group.1", 8e9 / cases[i].group, ASSUMED, NULL, &e)) &&
                  predict(&r, p, &d,
                          &(struct predict_options){.threads = 1, .prompt = cases[i].cols, .gen = 1, .kv_type = TYPE_F16}, &e);
        double found = ok ? r.rows[at].time_s / weights * 1e9 : NAN;
        snprintf(name, sizeof name, "%zu rows where the profile has %u as few, %g s for four together, cache %g", cases[i].cols,
                 cases[i].few, cases[i].group, cases[i].llc);
        TEST(name, ok && near(found, cases[i].want, 1e-6), "found %g s of 1e9 weights, expected %g: %s", found, cases[i].want,
             e.text);
        prediction_free(&r);
        device_free(&d);
    }
    plan_free(p);
    model_close(m);
}

/* Heads of 24: two heads, five rows, 15 positions in sight of each. */
static void test_attend(void)
{
    static const struct {
        double score, edge, strip;
        double want; /* seconds at a FLOP a second */
    } cases[] = {{0, 0, NAN, 2 * 15 * 96},       {7, 0, NAN, 2 * 15 * (96 + 7)}, {0, 2, NAN, 2 * (15 + 2 * 5) * 96},
                 {0, 0, 8, 2 * 15 * 96},         {0, 0, 16, 2 * 15 * (48 + 64)}, {0, 0, 32, 2 * 15 * (48 + 64)},
                 {7, 2, 16, 2 * (15 + 2 * 5) * (48 + 64 + 7)}};
    struct model *m = model_from_shape("L=1,D=48,H=2,KV=2,F=64,V=300:F32", &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    size_t at = 0;
    while (p && at + 1 < p->n_ops && p->ops[at].kind != OP_ATTEND) at++;
    for (size_t i = 0; p && i < sizeof cases / sizeof *cases; i++) {
        struct device d;
        struct prediction r = {0};
        char name[80];
        make_round_device(&d, 1e12, INFINITY);
        bool ok = device_set(&d, "stage.1", 0, ASSUMED, NULL, &e) &&
                  device_set(&d, "attend.f16.prefill.1", 1e3, ASSUMED, NULL, &e) &&
                  device_set(&d, "attend.f16.score.prefill.1", cases[i].score / 1e3, ASSUMED, NULL, &e) &&
                  device_set(&d, "attend.f16.edge.prefill.1", cases[i].edge, ASSUMED, NULL, &e) &&
                  (isnan(cases[i].strip) || device_set(&d, "attend.f16.strip", cases[i].strip, ASSUMED, NULL, &e)) &&
                  predict(&r, p, &d, &(struct predict_options){.threads = 1, .prompt = 5, .gen = 1, .kv_type = TYPE_F16}, &e);
        double found = ok ? r.rows[at].time_s * 1e3 : NAN;
        snprintf(name, sizeof name, "attention with score %g, edge %g, strip %g", cases[i].score, cases[i].edge,
                 cases[i].strip);
        TEST(name, ok && near(found, cases[i].want, 1e-6), "found %g, expected %g: %s", found, cases[i].want, e.text);
        prediction_free(&r);
        device_free(&d);
    }
    TEST("a model for them", p, "%s", e.text);
    struct device d;
    struct prediction r = {0};
    const struct predict_options one = {.threads = 1, .prompt = 1, .gen = 1, .kv_type = TYPE_F16};
    make_round_device(&d, 1e12, INFINITY);
    bool ok = p && device_set(&d, "stage.1", 0, ASSUMED, NULL, &e) &&
              device_set(&d, "attend.f16.decode.1", 1e3, ASSUMED, NULL, &e) &&
              device_set(&d, "attend.f16.strip", 32, ASSUMED, NULL, &e) && predict(&r, p, &d, &one, &e);
    TEST("a single row has no strips", ok && near(r.rows[at].time_s * 1e3, 2 * 96, 1e-6), "found %g, expected %d: %s",
         ok ? r.rows[at].time_s * 1e3 : NAN, 2 * 96, e.text);
    prediction_free(&r);
    device_free(&d);
    plan_free(p);
    model_close(m);
}

/* Chunks, too, are those of the machine that a step is priced for. */
static void test_few_chunks(void)
{
    unsigned char few[TYPE_FILE_END] = {[TYPE_Q8_0] = 2};
    size_t gemm = linear_rows(TYPE_Q8_0, 4096, 3, few), dot = linear_rows(TYPE_Q8_0, 4096, 2, few);
    few[TYPE_Q8_0] = 3;
    TEST("more columns than are few are cut as a gemm's", gemm > dot && linear_rows(TYPE_Q8_0, 4096, 3, few) == dot,
         "found chunks of %zu rows, and of %zu", gemm, dot);
}

static void test_totals(const struct model *m, const struct device *d)
{
    struct plan *p = plan_new(m, false, &e);
    struct prediction r = {0}, again = {0};
    struct predict_options o = {.threads = 2, .prompt = 37, .gen = 9, .ubatch = 16, .kv_type = TYPE_F16};
    bool ok = p && predict(&r, p, d, &o, &e) && predict(&again, p, d, &o, &e);
    TEST("a small model is predicted", ok && r.time_s > 0 && !*r.missing, "%s %s", e.text, r.missing);
    if (!ok) return;
    double flops = 0, time = 0, back = 0;
    for (size_t i = 0; i < r.n_rows; i++) {
        flops += r.rows[i].flops;
        time += r.rows[i].time_s;
        back += r.rows[r.n_rows - 1 - i].time_s;
    }
    TEST("rows sum to the totals, in any order", flops == r.flops && time == r.time_s && back == r.time_s,
         "found %.17g %.17g %.17g of %.17g", flops, time, back, r.time_s);
    TEST("phases sum to the totals", r.prefill_s + r.decode_s == r.time_s && r.flops_prefill + r.flops_decode == r.flops,
         "they don't");
    bool grouped = true;
    for (unsigned by = 0; by <= BY_ALL; by++) {
        size_t n;
        struct prediction_row *rows = prediction_group(&r, by, &n);
        double sum = 0, work = 0;
        for (size_t i = 0; rows && i < n; i++) sum += rows[i].time_s, work += rows[i].flops;
        grouped &= rows && sum == r.time_s && work == r.flops;
        free(rows);
    }
    TEST("rows grouped in any way sum to the totals", grouped, "they don't");
    TEST("the same prediction has the same hash", !strcmp(r.sha256, again.sha256), "found %s and %s", r.sha256, again.sha256);
    prediction_free(&again);
    o.gen++;
    ok = predict(&again, p, d, &o, &e);
    TEST("another prediction has another hash", ok && strcmp(r.sha256, again.sha256), "found %s twice", r.sha256);
    prediction_free(&again);
    ok = predict(&again, p, NULL, &o, &e);
    TEST("without a device no time is known", ok && isnan(again.time_s) && again.flops > 0 && *again.missing, "found %g s",
         again.time_s);
    prediction_free(&again);
    o.threads = 3;
    ok = predict(&again, p, d, &o, &e);
    TEST("nor with more threads than were measured", ok && isnan(again.time_s) && strstr(again.missing, ".3"), "found %g s",
         again.time_s);
    prediction_free(&again);
    o.prompt = 0;
    TEST("a run of no tokens is refused", !predict(&again, p, d, &o, &e), "accepted");
    prediction_free(&r);
    plan_free(p);
}

/* ---- Counted by the kernels themselves ---- */

static const enum type kv_types[] = {TYPE_F32, TYPE_F16, TYPE_Q8_0};

/* FLOPs of a run as predicted and as the kernels count them, for one model, cache type and length. */
static bool counts_agree(const struct model *m, enum type kv, size_t prompt, size_t gen, size_t ubatch, double *predicted,
                         double *counted)
{
    struct session_options so = {.n_ctx = prompt + gen, .n_batch = ubatch, .kv_type = kv, .threads = 2};
    struct predict_options o = {.threads = 2, .prompt = prompt, .gen = gen, .ubatch = ubatch, .kv_type = kv};
    struct session *s = session_new(m, &so, &e);
    int32_t *ids = fixed_tokens(prompt + gen, m->hp.n_vocab);
    struct prediction r = {0};
    bool ok = s && ids && predict(&r, s->plan, NULL, &o, &e);
    kernel_count_begin();
    ok = ok && session_feed(s, ids, prompt, PHASE_PREFILL, NULL, NULL, &e);
    for (size_t i = 0; ok && i + 1 < gen; i++) ok = session_feed(s, ids + prompt + i, 1, PHASE_DECODE, NULL, NULL, &e);
    *counted = kernel_count_end().flops;
    *predicted = r.flops;
    prediction_free(&r);
    session_free(s);
    free(ids);
    return ok && *counted == *predicted;
}

static void test_counts(const struct model *m, const char *what)
{
    static const size_t prompts[] = {1, 2, 7, 13, 40};
    double predicted = 0, counted = 0;
    char name[128];
    for (int k = 0; k < 3; k++) {
        bool ok = m->hp.head_dim % 32 == 0 || kv_types[k] != TYPE_Q8_0;
        snprintf(name, sizeof name, "%s, %s cache: FLOPs are those counted", what, type_name(kv_types[k]));
        if (!ok) {
            SKIP(name, "heads of %d", m->hp.head_dim);
            continue;
        }
        for (size_t i = 0; ok && i < sizeof prompts / sizeof *prompts; i++)
            ok = counts_agree(m, kv_types[k], prompts[i], 1 + i, 6, &predicted, &counted);
        TEST(name, ok, "predicted %.17g, counted %.17g (%s)", predicted, counted, e.text);
    }
}

/* Layers of every structure: cores, identity gauge, joint cores, matrices made of their cores, corrections, kept columns. */
static void test_factorised_counts(void)
{
#define TINY "L=2,D=64,H=4,KV=2,F=96,V=300"
    static const char *const shapes[] = {
        TINY ":Q8_0:mpo,bond=32",
        TINY ":Q8_0:mpo,bond=32,gauge,joint",
        TINY ":Q4_0:mpo,s=2,bond=32,gauge",
        TINY ":F16:mpo,u=2,bond=16,gauge,keep=3",
        TINY ":F32:mpo,d=3,bond=9,gauge,joint,permuted",
        TINY ":Q5_0:mpo,d=4,bond=8,joint,bias",
        TINY ":F16:mpo,s=16,bond=20",            /* from 4 rows on the matrix is made */
        TINY ":F32:mpo,d=3,bond=40,bias",        /* so, in parts that share their first cores; 16 rows end within such a part */
        TINY ":Q8_0:mpo,bond=32,gauge,reversed", /* contracted from the first core to the last */
        TINY ":Q4_0:mpo,dense,correct=5,keep=7,bias",
        "tiny-llama:Q4_K_M:mpo,bond=256,gauge,joint,correct=2",
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        static const size_t prompts[] = {1, 2, 7, 40};
        const char *path = in_tmp("factorised.gguf");
        bool made = synth_write(&(struct synth_options){.shape = shapes[i], .seed = 1, .threads = 1}, path, NULL, &e);
        struct model *m = made ? model_open(path, NULL, MODEL_NO_TOKENIZER, &e) : NULL;
        double predicted = 0, counted = 0;
        bool ok = m;
        for (size_t k = 0; ok && k < sizeof prompts / sizeof *prompts; k++)
            ok = counts_agree(m, TYPE_F16, prompts[k], 2 + k, k == 2 ? 6 : 512, &predicted, &counted);
        TEST(shapes[i], ok, "predicted %.17g, counted %.17g (%s)", predicted, counted, e.text);
        model_close(m);
        unlink(in_tmp("factorised.gguf"));
    }
}

static void test_oracle_models(void)
{
    static const char *const names[] = {"tiny-llama-f32",       "tiny-llama-f16",   "tiny-llama-q4_0", "tiny-llama-q4_k_m",
                                        "tiny-llama-q4_k_pure", "tiny-llama-q5_0",  "tiny-llama-q6_k", "tiny-llama-q8_0",
                                        "tiny-qwen2-f32",       "tiny-qwen2-q4_k_m"};
    const char *shared = test_shared();
    if (!shared) return (void)SKIP("models of the oracle", "no reference data here");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/oracle/text/%s.gguf", shared, names[i]);
        struct model *m = model_open(path, NULL, MODEL_NO_TOKENIZER, &e);
        if (m)
            test_counts(m, names[i]);
        else
            SKIP(names[i], "%s", e.text);
        model_close(m);
    }
}

/* measure itself, on a run too short for its times to mean anything. */
static void test_measure(const struct model *m, const struct device *d)
{
    struct measurement r;
    struct measure_options o = {.run = {.threads = 2, .prompt = 5, .gen = 4, .kv_type = TYPE_F16}, .repeats = 3};
    bool ok = measure(&r, m, d, &o, &e);
    TEST("a run is measured", ok, "%s", e.text);
    if (!ok) return;
    double sum = r.unattributed_s;
    bool all = true;
    for (size_t i = 0; i < r.prediction.n_rows; i++) {
        sum += r.prediction.rows[i].measured_s;
        all &= r.prediction.rows[i].measured_s >= 0;
    }
    TEST("measured rows and the rest sum to the run", all && near(sum, r.measured_s, 1e-9), "found %.12g of %.12g", sum,
         r.measured_s);
    /* The check after a run: bound by a peak that it can't exceed, then by one that any run exceeds. */
    struct device slow = {.n = 0};
    for (size_t i = 0; ok && i < d->n; i++) ok = device_set(&slow, d->entries[i].key, d->entries[i].value, ASSUMED, NULL, &e);
    ok = ok && device_set(&slow, "llc", 0, ASSUMED, NULL, &e) && device_set(&slow, "read_peak.2", 1e15, ASSUMED, NULL, &e);
    TEST("a bandwidth below the peak passes", ok && measurement_check(&r, &slow, &e), "%s", e.text);
    ok = ok && device_set(&slow, "read_peak.2", 1e6, ASSUMED, NULL, &e);
    TEST("an op's above it fails", ok && !measurement_check(&r, &slow, &e) && strstr(e.text, "GB/s read while decoding"), "%s",
         e.text);
    /* A cache that holds any op, but not all of them. */
    double largest = 0, whole = 0, steps = (double)(o.run.gen - 1);
    for (size_t i = 0; i < r.prediction.n_rows; i++) {
        const struct prediction_row *row = &r.prediction.rows[i];
        if (row->phase != PHASE_DECODE) continue;
        largest = fmax(largest, row->streamed_bytes / steps);
        whole += row->streamed_bytes / steps;
    }
    ok = ok && largest < whole && device_set(&slow, "llc", largest, ASSUMED, NULL, &e);
    TEST("nor may all ops together read faster",
         ok && !measurement_check(&r, &slow, &e) && !strncmp(e.text, "decoding: found", 15), "%s", e.text);
    device_free(&slow);
    TEST("the median run lies between the extremes", r.fastest_s <= r.measured_s && r.measured_s <= r.slowest_s, "it doesn't");
    measurement_free(&r);
}

/* The figures that end a run. */
static bool set_energy(struct device *d, const char *key, double value)
{
    return device_set(d, key, value, FITTED, "test runs", &e);
}

static void test_energy(const struct model *m)
{
    struct device d, again;
    FILE *f;
    struct prediction r = {0}, none = {0}, dear = {0};
    struct energy_work w;
    const struct predict_options o = {.threads = 2, .prompt = 21, .gen = 5, .kv_type = TYPE_F16};
    struct plan *p = plan_new(m, false, &e);
    make_round_device(&d, 1e6, 1);
    bool ok = p && predict(&none, p, &d, &o, &e);
    TEST("no energy terms, no joules",
         ok && isnan(none.energy_j) && isnan(none.energy_net_j) && isnan(none.rows[0].energy_j) &&
             isnan(none.interval95_j[0]) && !strcmp(none.energy_kind, "none") && !strcmp(none.energy_missing, "energy.idle"),
         "found %g J, kind %s, missing '%s'", none.energy_j, none.energy_kind, none.energy_missing);

    ok = ok && set_energy(&d, "energy.idle", 3) && set_energy(&d, "energy.active", 2) && predict(&r, p, &d, &o, &e);
    TEST("two powers: joules are power times time",
         ok && fabs(r.energy_j / (5 * r.time_s) - 1) < 1e-6 && fabs(r.energy_net_j / (2 * r.time_s) - 1) < 1e-5 &&
             !strcmp(r.energy_kind, "modelled"),
         "found %g J in %g s", r.energy_j, r.time_s);
    prediction_free(&r);

    ok = ok && set_energy(&d, "energy.byte", 2e-10) && set_energy(&d, "energy.attend", 7e-11) &&
         set_energy(&d, "energy.vector", 3e-11) && set_energy(&d, "energy.linear.q4_K", 4e-11) && predict(&dear, p, &d, &o, &e);
    TEST("a type that the profile does not tell: no joules, and its name",
         ok && isnan(dear.energy_j) && isnan(dear.rows[0].energy_j) && !strncmp(dear.energy_missing, "energy.linear.", 14),
         "found %g J, missing '%s'", dear.energy_j, dear.energy_missing);

    double sum = 0, want = 0;
    for (unsigned t = 0; t < TYPE_FILE_END; t++) {
        char word[DEVICE_KEY], key[DEVICE_KEY];
        if (!energy_class_name(t, word)) continue;
        snprintf(key, sizeof key, "energy.%.40s", word);
        ok = ok && set_energy(&d, key, 1e-12 * (t + 1));
    }
    ok = ok && set_energy(&d, "energy.interval95", 0.05) && set_energy(&d, "energy.gain_error", 0.01) &&
         device_set(&d, "interval95.2", 0.1, MEASURED, NULL, &e) && predict(&r, p, &d, &o, &e);
    if (ok) {
        energy_work(&w, &r, p);
        want = 5 * w.time_s + 2e-10 * w.bytes + 7e-11 * w.work[ENERGY_ATTEND] + 3e-11 * w.work[ENERGY_VECTOR];
        for (unsigned t = 0; t < TYPE_FILE_END; t++) want += 1e-12 * (t + 1) * w.work[t];
        for (size_t i = r.n_rows; i-- > 0;) sum += r.rows[i].energy_j; /* backwards: any order will do */
    }
    TEST("joules are the formula's",
         ok && fabs(r.energy_j / want - 1) < 1e-6 && w.work[TYPE_Q4_K] > 0 && w.work[ENERGY_ATTEND] > 0,
         "found %.9g J, expected %.9g: %s", r.energy_j, want, e.text);
    TEST("rows' joules sum to the total, exactly", ok && sum == r.energy_j, "found %.17g and %.17g", sum, r.energy_j);
    size_t n_phases = 0;
    struct prediction_row *phases = ok ? prediction_group(&r, BY_PHASE, &n_phases) : NULL;
    TEST("joules of prefill and of decoding are the total's, exactly",
         n_phases == 2 && phases[0].energy_j > 0 && phases[1].energy_j > 0 &&
             phases[0].energy_j + phases[1].energy_j == r.energy_j,
         "found %zu phases of %.17g", n_phases, r.energy_j);
    free(phases);
    TEST("joules' interval adds the fit's, the meter's and the time's",
         ok && fabs(r.interval95_j[1] - r.energy_j - 0.06 * r.energy_j - 5 * 0.1 * r.time_s) < 1e-6 * r.energy_j &&
             fabs(r.interval95_j[0] + r.interval95_j[1] - 2 * r.energy_j) < 1e-6 * r.energy_j,
         "found %g to %g about %g", r.interval95_j[0], r.interval95_j[1], r.energy_j);
    struct prediction resident = {0};
    double moved = 0;
    ok = ok && device_set(&d, "llc", 1e10, ASSUMED, NULL, &e) && predict(&resident, p, &d, &o, &e) &&
         device_set(&d, "llc", 1e6, ASSUMED, NULL, &e);
    for (size_t i = 0; ok && i < resident.n_rows; i++) moved += resident.rows[i].memory_bytes;
    TEST("a model that stays in the cache pays for no byte of memory",
         ok && moved == 0 && w.bytes > 0 && resident.energy_j < r.energy_j, "found %g bytes, %s", moved, e.text);
    prediction_free(&resident);
    ok = ok && device_save(&d, in_tmp("energy"), &e) && device_load(&again, in_tmp("energy"), &e);
    TEST("energy terms read back as they were", ok && same_device(&d, &again), "%s", e.text);
    if (ok) device_free(&again);
    /* A new calibration in its place. */
    struct device fresh;
    struct error lost, none_lost;
    size_t kept = 0, none_kept = 1;
    make_round_device(&fresh, 1e6, 1);
    ok = ok && calibrate_keep_energy(&fresh, in_tmp("energy"), &kept, &lost, &e) &&
         calibrate_keep_energy(&fresh, in_tmp("nothing"), &none_kept, &none_lost, &e);
    TEST("a calibration keeps the energy terms of the profile it replaces",
         ok && kept > 6 && !none_kept && !*lost.text && !*none_lost.text && device_get(&fresh, "energy.byte") == 2e-10 &&
             isnan(device_get(&fresh, "interval95.2")),
         "kept %zu and %zu: %s", kept, none_kept, e.text);
    device_clear(&fresh, "energy.");
    strcpy(fresh.name, "another CPU");
    ok = ok && calibrate_keep_energy(&fresh, in_tmp("energy"), &kept, &lost, &e);
    TEST("but not another CPU's, and says so",
         ok && !kept && isnan(device_get(&fresh, "energy.byte")) &&
             strstr(lost.text, "found the profile of 'test machine', expected 'another CPU'"),
         "kept %zu: '%s'", kept, lost.text);
    f = fopen(in_tmp("energy"), "a");
    if (f) fputs("energy.bite = 1 # J/B, assumed\n", f), fclose(f);
    ok = ok && calibrate_keep_energy(&fresh, in_tmp("energy"), &kept, &lost, &e);
    TEST("nor those of a profile that can't be read, and says why", ok && !kept && strstr(lost.text, "found key 'energy.bite'"),
         "kept %zu: '%s'", kept, lost.text);
    device_free(&fresh);
    unlink(in_tmp("energy"));
    prediction_free(&r);
    prediction_free(&none);
    prediction_free(&dear);
    plan_free(p);
    device_free(&d);
}

static void test_run_report(const struct model *m, const struct device *d)
{
    static const int32_t prompt[] = {5, 6, 7, 8, 9};
    struct session_options so = {.n_ctx = 16, .kv_type = TYPE_F16, .threads = 2, .profile = true};
    struct session *s = session_new(m, &so, &e);
    struct generate_options o = {.max_tokens = 4, .sample = {.top_p = 1, .repeat_penalty = 1}, .ignore_eos = true};
    struct generate_result g = {0};
    struct run_report r = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    bool ok = s && f && session_generate(s, prompt, 5, &o, &g, &e) && run_report(&r, s, 0, &g, NULL, d, &e);
    TEST("a run is reported", ok, "%s", e.text);
    if (ok) {
        TEST("a run of 5 and 4 tokens has 3 decode steps, priced as such",
             r.decode_steps == 3 && r.prediction.options.gen == 4 &&
                 r.predicted_prefill_s + r.predicted_decode_s == r.prediction.time_s,
             "found %zu steps, %zu tokens", r.decode_steps, r.prediction.options.gen);
        TEST("a run's rates are of what it did",
             r.decode_tps == 3 / r.decode_s && r.sample_s > 0 && r.sample_s < r.decode_s &&
                 r.share_of_peak * 2.2e10 / r.decode_bytes_per_s < 1.0001 && r.peak_rss_bytes > 1e6,
             "found %g tokens/s, %g B", r.decode_tps, r.peak_rss_bytes);
        run_report_print(&r, f);
        ok = run_report_print_profile(&r, f, &e);
        fflush(f);
        TEST("a run's tables name its phases and ops, and no joule",
             ok && strstr(text, "prefill") && strstr(text, "ffn_down") && strstr(text, "energy     not measured"),
             "found '%.200s'", text);
    }
    if (f) fclose(f);
    free(text);
    run_report_free(&r);
    generate_result_free(&g);
    session_free(s);
}

int main(void)
{
    char message[256];
    struct device d;
    TEST("kernels", kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message), "%s", message);
    test_sha256();
    make_round_device(&d, 1e6, 1);
    test_8b(&d);
    test_few();
    test_few_chunks();
    test_attend();

    static const char *const shapes[] = {"tiny-llama:Q4_K_M", "tiny-gemma3:Q8_0"};
    for (int i = 0; i < 2; i++) {
        const char *path = in_tmp("model.gguf");
        bool made = synth_write(&(struct synth_options){.shape = shapes[i], .seed = 1, .threads = 1}, path, NULL, &e);
        struct model *m = made ? model_open(path, NULL, MODEL_NO_TOKENIZER, &e) : NULL;
        TEST("a small model is made", m != NULL, "%s: %s", shapes[i], e.text);
        if (m && i == 0) {
            test_totals(m, &d);
            test_measure(m, &d);
            test_run_report(m, &d);
            test_energy(m);
        }
        if (m) {
            if (m->hp.window) m->hp.window = 9; /* short enough for the runs here to leave it behind */
            test_counts(m, shapes[i]);
        }
        model_close(m);
        unlink(in_tmp("model.gguf"));
    }
    test_factorised_counts();
    test_oracle_models();
    device_free(&d);
    TEST_MAIN_END();
}
