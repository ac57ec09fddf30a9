/* pi_sweep.c - the energy model on somebody else's measurements: five quantisations of one model on a Raspberry Pi 5, each
 * predicted from the other four.
 *
 * The figures are those of ggml-org/llama.cpp issue 26484 (2026-08-03): decoding 256 tokens on four Cortex-A76 at 2.4 GHz,
 * power from the board's PMIC. The model is not named there; its file sizes are those of Qwen2.5 0.5B to three digits, which is
 * tested here. In it most rows are 896 long, which the K-quants' blocks of 256 do not divide, so that llama-quantize falls back
 * on blocks of 32: "Q5_K_M" is mostly Q5_1.
 *
 * In decoding alone the time is about Q / B, so that five points know one power, which takes in idle, active and bytes' joules;
 * and of work one coefficient, a joule an instruction, where energy_terms.h has one a type. How many instructions a weight of
 * each type takes was counted before and apart from any joule (qemu-aarch64 as a Cortex-A76, one thread). So E = a Q + b I: two
 * coefficients of four points, none of them fitted to the fifth, whose speed is not used either.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/suffix.h"
#include "engine/account/nnls.h"
#include "engine/shapes.h"
#include "tests/test.h"

enum { POINTS = 5 };

static const struct published {
    const char *quant;
    double file_gb, tokens_per_s, watts, joules; /* joules a token */
} published[POINTS] = {
    {"Q2_K", 0.339, 30.39, 6.02, 0.2065},   {"Q3_K_M", 0.355, 28.39, 5.66, 0.2120}, {"Q4_K_M", 0.398, 25.77, 6.37, 0.2585},
    {"Q5_K_M", 0.420, 23.23, 6.68, 0.2994}, {"Q8_0", 0.531, 19.87, 5.55, 0.2924},
};

/* Instructions a weight in a product of one row: what the heads of kernels/TYPE_dot_dotprod.c say. */
static double instructions(enum type type)
{
    switch (type) {
    case TYPE_Q8_0: return 0.27;
    case TYPE_Q6_K: return 0.50;
    case TYPE_Q5_K: return 0.45;
    case TYPE_Q5_1: return 0.50;
    case TYPE_Q5_0: return 0.43;
    case TYPE_Q4_K: return 0.30;
    case TYPE_Q4_0: return 0.31;
    case TYPE_Q3_K: return 0.64;
    default: return NAN;
    }
}

struct point {
    double bytes, instructions, joules; /* a token; instructions in units of 1e9 */
};

/* llama-quantize's Q2_K is a mix too, where hartree's is pure: attn_v gets Q4_K where heads share it fourfold or more, ffn_down
 * Q3_K, the tied output Q6_K; and each gives way where its blocks do not fit. */
static enum type type_in_q2(const struct tensor *t)
{
    if (!strcmp(t->name, "token_embd.weight")) return TYPE_Q8_0;
    if (ends_with(t->name, "attn_v.weight")) return TYPE_Q5_0;
    return ends_with(t->name, "ffn_down.weight") ? TYPE_Q3_K : t->type;
}

static bool describe(struct point *p, const struct published *from, struct error *e)
{
    struct shape shape;
    const struct mix *mix;
    char spec[64];
    size_t n;
    snprintf(spec, sizeof spec, "qwen2.5-0.5b:%s", from->quant);
    struct tensor *tensors = shape_parse(spec, &shape, &mix, e) ? shape_tensors(&shape, mix, &n, e) : NULL;
    *p = (struct point){.joules = from->joules};
    for (size_t i = 0; tensors && i < n; i++) {
        struct tensor *t = &tensors[i];
        double weights = (double)tensor_elements(t);
        enum type type = !strcmp(from->quant, "Q2_K") && mix_applies(t) ? type_in_q2(t) : t->type;
        p->bytes += (double)type_bytes(type, (size_t)t->ne[0]) * (double)tensor_rows(t);
        if (mix_applies(t)) p->instructions += instructions(type) * weights / 1e9; /* the embedding is the output too */
    }
    free(tensors);
    return tensors != NULL;
}

/* Predicts each point from the others; terms 1: a Q, 2: a Q + b I. Mean and largest absolute relative errors. */
static void leave_one_out(const struct point *points, int terms, double *mape, double *worst)
{
    *mape = *worst = 0;
    for (int held = 0; held < POINTS; held++) {
        struct normal_equations e = {.p = terms};
        double x[NNLS_MAX] = {0};
        for (int i = 0; i < POINTS; i++) {
            double row[] = {points[i].bytes / points[i].joules, points[i].instructions / points[i].joules};
            if (i != held) normal_add(&e, row, 1, 1);
        }
        if (!nnls(&e, x)) x[0] = NAN;
        double predicted = x[0] * points[held].bytes + x[1] * points[held].instructions;
        double error = fabs(predicted / points[held].joules - 1);
        *mape += error / POINTS;
        *worst = error > *worst ? error : *worst;
    }
}

int main(void)
{
    struct point points[POINTS];
    struct error e = {""};
    bool ok = true, sizes = true;
    for (int i = 0; i < POINTS; i++) {
        ok = ok && describe(&points[i], &published[i], &e);
        /* What is not weights is the vocabulary, 5.9 MB of it. */
        sizes = sizes && fabs(published[i].file_gb * 1e9 - points[i].bytes - 5.95e6) < 0.6e6;
    }
    TEST("the sweep's files are Qwen2.5 0.5B's", ok && sizes, "%s", ok ? "sizes differ" : e.text);
    char name[128];
    double constant, constant_worst, model, model_worst;
    leave_one_out(points, 1, &constant, &constant_worst);
    leave_one_out(points, 2, &model, &model_worst);
    snprintf(name, sizeof name,
             "the Pi 5 sweep, each quantisation left out: MAPE %.1f %%, worst %.1f %%; a J/byte's %.1f %%, %.1f %%",
             100 * model, 100 * model_worst, 100 * constant, 100 * constant_worst);
    TEST(name, ok && model < 0.093 && model < constant, "expected less than 9.3 %% and than a J/byte's");
    TEST_MAIN_END();
}
