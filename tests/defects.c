/* defects.c - what other accountants are known to get wrong, a test for each: title, tool, then the defect that is not here.
 * SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "engine/account/predict.h"
#include "engine/cost.h"
#include "engine/meter/metering.h"
#include "engine/meter/trace.h"
#include "kernels/kernel.h"
#include "tests/round_device.h"
#include "tests/tree.h"

#include <math.h>

static struct error e;

/* ---- FLOPs and bytes, of Llama 3.1 8B ---- */

enum { L = 32, D = 4096, H = 32, H_KV = 8, HD = 128, F = 14336, V = 128256 };

static const struct op *find_op(const struct plan *p, enum op_kind kind, int n_out, size_t *at)
{
    for (size_t i = 0; i < p->n_ops; i++)
        if (p->ops[i].kind == kind && (!n_out || p->ops[i].n_out == n_out)) return *at = i, &p->ops[i];
    return NULL;
}

/* The FLOPs of one prompt of n. */
static double prompt_flops(const struct plan *p, size_t n)
{
    return cost_step(p, &(struct step){.n = n, .n_out = 1, .kv_type = TYPE_F16}).flops;
}

static void test_costs(const struct plan *p)
{
    size_t attend, head, glu;
    bool ok = find_op(p, OP_ATTEND, 0, &attend) && find_op(p, OP_LINEAR, V, &head) && find_op(p, OP_GLU, 0, &glu);
    TEST("the plan has attention, an output layer and a gate", ok, "one is not there");
    if (!ok) return;
    const double n = 1000;
    struct step prompt = {.n = 1000, .n_out = 1, .kv_type = TYPE_F16}, twice = {.n = 2000, .n_out = 1, .kv_type = TYPE_F16};
    struct op_cost c = cost_op(p, attend, &prompt), c2 = cost_op(p, attend, &twice);
    TEST("LLM-Viewer: prefill attention counts the causal half, not n^2", c.flops == 2.0 * H * HD * n * (n + 1), "found %.17g",
         c.flops);
    TEST("LLM-Viewer: attention's output grows by n, not n^2",
         c.activation_bytes == 4 * n * 2 * H * HD && c2.activation_bytes == 2 * c.activation_bytes, "found %g and %g bytes",
         c.activation_bytes, c2.activation_bytes);
    TEST("LLM-Viewer: a prompt's rows load the cache of H_kv heads, not H, and each what it sees",
         c.kv_read == n * (n + 1) * H_KV * HD * 2, "found %g bytes", c.kv_read);
    c = cost_op(p, attend, &(struct step){.n = 1, .p = 999, .n_out = 1, .kv_type = TYPE_F16});
    TEST("LLM-Viewer: decoding loads the cache of H_kv heads, not H", c.kv_read == 2 * n * H_KV * HD * 2, "found %g bytes",
         c.kv_read);
    c = cost_op(p, head, &prompt);
    TEST("LLM-Viewer: the output layer is two FLOPs a weight, of the sampled row", c.flops == 2.0 * D * V, "found %.17g",
         c.flops);
    c = cost_op(p, glu, &prompt);
    TEST("LLM-Viewer: the FFN's activation is sized by F, not D", c.activation_bytes == 4 * n * 3 * F, "found %g bytes",
         c.activation_bytes);
    c = cost_op(p, attend, &(struct step){.n = 2, .n_out = 1, .kv_type = TYPE_F16});
    TEST("PyTorch: attention on a CPU counts more than 0 FLOPs, and its causal ones", c.flops == 4.0 * H * HD * 3, "found %g",
         c.flops);
    /* F(2n) - 2 F(n) leaves of a polynomial the square and minus the constant, which is the output layer's. */
    double square = prompt_flops(p, 2000) - 2 * prompt_flops(p, 1000);
    TEST("calflops: a prompt's FLOPs have a quadratic term", square == 4.0 * L * H * HD * n * n - 2.0 * D * V, "found %.17g",
         square);
}

/* ---- Joules of a prediction ---- */

static void test_joules(void)
{
    struct model *m = model_from_shape("tiny-llama:F16", &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    struct device d = {0};
    struct prediction none = {0}, r = {0};
    struct predict_options o = {.threads = 1, .prompt = 20, .gen = 5, .kv_type = TYPE_F16};
    make_round_device(&d, 1e6, 1);
    bool ok = p && predict(&none, p, &d, &o, &e);
    TEST("CodeCarbon: no watts are assumed, of RAM or anything else",
         ok && none.time_s > 0 && isnan(none.energy_j) && !strcmp(none.energy_kind, "none"), "found %g J %s", none.energy_j,
         e.text);
    ok = ok && device_set(&d, "energy.idle", 3, ASSUMED, NULL, &e) && device_set(&d, "energy.active", 2, ASSUMED, NULL, &e) &&
         predict(&r, p, &d, &o, &e);
    TEST("GenZ: watts are joules a second, with no percentage left in them",
         ok && fabs(r.energy_j / (5 * r.time_s) - 1) < 1e-6 && fabs(r.energy_net_j / (2 * r.time_s) - 1) < 1e-6,
         "found %g J in %g s", r.energy_j, r.time_s);
    prediction_free(&none);
    prediction_free(&r);
    device_free(&d);
    plan_free(p);
    model_close(m);
}

/* ---- Joules of a meter ---- */

static void pause_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

static void test_sampling(void)
{
    struct trace c = {0};
    struct span s;
    for (int i = 0; i <= 40; i++) trace_add(&c, 15.0 * i, 5);
    TEST("CodeCarbon: readings 15 s apart are no measurement of a minute",
         !trace_between(&c, 1, 61, 2, METER_MIN_READINGS, &s, &e) && strstr(e.text, "expected one every 2 s"), "%s", e.text);
    trace_free(&c);
    tree_put_zone("intel-rapl:0", "package-0", 1e6);
    struct meter *m = meter_open("rapl", &(struct meter_options){.root = tree_root}, &e);
    struct metering g;
    struct energy r = energy_none;
    bool ok = m && metering_begin(&g, m, NULL, &e);
    if (ok) {
        pause_ms(700);
        tree_put_zone("intel-rapl:0", "package-0", 3e6);
        pause_ms(300);
        ok = metering_end(&g, &r, &e);
    }
    TEST("CodeCarbon: a meter is read several times a second, not every 15 s", ok && r.readings >= 4 && r.max_gap_s < 1,
         "found %zu readings, %g s apart, %s", r.readings, r.max_gap_s, e.text);
    TEST("CodeCarbon: no assumed joules of RAM beside a package's",
         ok && fabs(r.gross_j - 2) < 1e-6 && r.n_parts == 1 && !strcmp(r.source, "rapl package-0"), "found %g J by %s",
         r.gross_j, r.source);
    meter_close(m);
    tree_remove("sys");
}

static void test_failed_read(void)
{
    tree_put_zone("intel-rapl:0", "package-0", 900e6);
    tree_put_zone("intel-rapl-mmio:0", "package-0", 900e6);
    struct meter *m = meter_open("rapl", &(struct meter_options){.root = tree_root}, &e);
    struct energy r = energy_none;
    double t0 = clock_now();
    bool ok = m, failed = false;
    static const double joules[] = {901, NAN, 903, 904};
    for (int i = 0; ok && i < 4; i++) {
        pause_ms(4);
        if (isnan(joules[i])) tree_remove("sys/class/powercap/intel-rapl:0/energy_uj");
        else tree_put_zone("intel-rapl:0", "package-0", joules[i] * 1e6);
        bool read = meter_sample(m, &e);
        failed |= !read && isnan(joules[i]);
    }
    ok = ok && meter_between(m, t0, clock_now(), &r, &e);
    TEST("CodeCarbon: a RAPL read that failed is neither 0 nor a wrap", ok && failed && fabs(r.gross_j - 4) < 0.01,
         "found %g J, %s", r.gross_j, e.text);
    TEST("CodeCarbon: a package that two interfaces show counts once, not twice",
         m && !strcmp(meter_source(m), "rapl package-0"), "found '%s'", m ? meter_source(m) : e.text);
    meter_close(m);
    tree_remove("sys");
}

int main(void)
{
    char message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message)) return puts(message), 1;
    if (!test_folder(tree_root, sizeof tree_root)) return 1;
    struct model *m = model_from_shape("llama-3.1-8b:Q4_K_M", &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    TEST("Llama 3.1 8B has a plan", p != NULL, "%s", e.text);
    if (p) test_costs(p);
    plan_free(p);
    model_close(m);
    test_joules();
    test_sampling();
    test_failed_read();
    tree_remove("");
    TEST_MAIN_END();
}
