/* law.c - the closed form against the exact prediction and against known coefficients; sums of a sweep; its journal.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <unistd.h>

#include "base/random.h"
#include "base/regress.h"
#include "engine/account/law.h"
#include "engine/laws/journal.h"
#include "engine/laws/laws.h"
#include "engine/laws/prompts.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tests/round_device.h"
#include "tests/test.h"

static struct error e;

/* ---- Least squares ---- */

/* Uniform in -1 .. 1, the same each time. */
static double noise(uint64_t *x)
{
    return 2 * random_fraction(x) - 1;
}

static void test_regress(void)
{
    /* y = 3 - 2 n + 0.5 n^2 at n in the thousands, exactly. */
    double x[24], y[8];
    struct regression r;
    for (int i = 0; i < 8; i++) {
        double n = 1000 + 250 * i;
        x[3 * i] = 1, x[3 * i + 1] = n, x[3 * i + 2] = n * n;
        y[i] = 3 - 2 * n + 0.5 * n * n;
    }
    bool ok = regress(&r, x, y, NULL, 8, 3);
    TEST("a parabola is found again", ok && fabs(r.b[0] - 3) < 1e-5 && fabs(r.b[1] + 2) < 1e-8 && fabs(r.b[2] - 0.5) < 1e-12,
         "found %.12g %.12g %.12g", r.b[0], r.b[1], r.b[2]);
    for (int i = 0; i < 8; i++) x[3 * i + 2] = 2 * x[3 * i + 1];
    TEST("columns that depend on each other are refused", !regress(&r, x, y, NULL, 8, 3) && isnan(r.b[0]), "accepted");
    TEST("fewer rows than coefficients are refused", !regress(&r, x, y, NULL, 2, 3), "accepted");
    y[0] = NAN;
    TEST("a row that is not known is refused", !regress(&r, x, y, NULL, 8, 2), "accepted");

    /* The textbook line through (1,1) (2,2) (3,2): slope 1/2, intercept 2/3, s^2 = 1/6, se of the slope sqrt(1/12). */
    const double lx[] = {1, 1, 1, 2, 1, 3}, ly[] = {1, 2, 2};
    ok = regress(&r, lx, ly, NULL, 3, 2);
    TEST("a line's coefficients and scatter",
         ok && fabs(r.b[0] - 2.0 / 3) < 1e-12 && fabs(r.b[1] - 0.5) < 1e-12 && fabs(r.scatter - sqrt(1.0 / 6)) < 1e-12,
         "found %g %g %g", r.b[0], r.b[1], r.scatter);
    TEST("a slope's interval is Student's", fabs(r.high[1] - 0.5 - 12.7062 * sqrt(1.0 / 12)) < 1e-3, "found %g",
         r.high[1] - 0.5);
    ok = regress(&r, lx, ly, (const double[]){1, 1, 1e12}, 3, 2);
    TEST("a heavy observation is met", ok && fabs(r.b[0] + 3 * r.b[1] - 2) < 1e-9, "found %.12g", r.b[0] + 3 * r.b[1]);
    TEST("Student's t of 4, 20 and many degrees",
         fabs(student_975(4) - 2.7764) < 1e-4 && fabs(student_975(20) - 2.0860) < 2e-4 &&
             fabs(student_975(100000) - 1.9600) < 1e-4,
         "found %g %g %g", student_975(4), student_975(20), student_975(100000));
}

/* Of 95 % intervals about 95 % hold the truth: 400 trials, 3 standard deviations wide. */
static void test_coverage(void)
{
    const double truth[] = {0.3, 4e-3, 2e-6};
    uint64_t seed = 7;
    int held[3] = {0}, trials = 400;
    for (int t = 0; t < trials; t++) {
        double x[57], y[19], w[19];
        struct regression r;
        for (int i = 0; i < 19; i++) {
            double n = 52 * (i + 1);
            x[3 * i] = 1, x[3 * i + 1] = n, x[3 * i + 2] = n * n;
            double exact = truth[0] + truth[1] * n + truth[2] * n * n;
            y[i] = exact * (1 + 0.01 * (noise(&seed) + noise(&seed) + noise(&seed))); /* nearly normal, sd 1 % */
            w[i] = 1 / (exact * exact);
        }
        if (!regress(&r, x, y, w, 19, 3)) break;
        for (int c = 0; c < 3; c++) held[c] += r.low[c] <= truth[c] && truth[c] <= r.high[c];
    }
    TEST("intervals hold the truth as often as they say",
         held[0] > 365 && held[0] < 394 && held[1] > 365 && held[1] < 394 && held[2] > 365 && held[2] < 394,
         "found %d %d %d of %d", held[0], held[1], held[2], trials);
}

/* ---- The closed form and the prediction ---- */

/* Every length of the range is priced here, where the law itself takes at most 64 of them: half as much again is allowed. */
static void test_law(const char *shape, const struct device *d, size_t low, size_t high, size_t gen, double most,
                     const char *name)
{
    struct model *m = model_from_shape(shape, &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    struct law law = {.n_terms = 0};
    struct predict_options o = {.threads = 2, .ubatch = 64, .kv_type = TYPE_F16};
    bool ok = p && law_predict(&law, p, d, &o, &(struct law_range){low, high, gen}, &e);
    double worst = 0, sums = 0;
    for (size_t n = low; ok && n <= high; n += 1 + (high - low) / 50) {
        struct prediction r;
        o.prompt = n;
        o.gen = 1 + n % gen;
        ok = predict(&r, p, d, &o, &e);
        if (!ok) break;
        double t = law_prefill(law.seconds, (double)n) + law_decode(law.seconds, (double)n, (double)o.gen - 1);
        worst = fmax(worst, fabs(t / r.time_s - 1));
        prediction_free(&r);
    }
    double said = fmax(law.residual_prefill, law.residual_decode);
    TEST(name, ok && worst <= 1.5 * said + 1e-9 && said < most, "%s: off by %g, said %g, expected less than %g", e.text, worst,
         said, most);
    for (int c = 0; c < LAW_COUNT; c++) {
        double sum = 0;
        for (size_t i = 0; i < law.n_terms; i++) sum += law.terms[i].seconds[c];
        sums = fmax(sums, fabs(sum - law.seconds[c]) / fabs(law.seconds[c]));
    }
    TEST("... and its coefficients are the sums of their terms", ok && sums < 1e-12, "off by %g", sums);
    law_free(&law);
    plan_free(p);
    model_close(m);
}

/* Where arithmetic is all that costs, the coefficients are those of the textbook: FLOPs over rates. */
static void test_textbook(void)
{
    struct device d;
    make_round_device(&d, 1e12, 1); /* all stays in the cache */
    struct model *m = model_from_shape("llama-3.2-1b:Q8_0", &e);
    struct plan *p = m ? plan_new(m, false, &e) : NULL;
    struct law law = {.n_terms = 0};
    struct predict_options o = {.threads = 2, .ubatch = 2048, .kv_type = TYPE_F16};
    bool ok = p && law_predict(&law, p, &d, &o, &(struct law_range){64, 1024, 64}, &e);
    const double L = 16, D = 2048, H = 32, H_kv = 8, dim = 64, F = 8192, V = 128256;
    double a1 = 0, a2 = 0, b0 = 0, b1 = 0, flops = 0;
    for (size_t i = 0; ok && i < law.n_terms; i++) {
        const struct law_term *t = &law.terms[i];
        bool linear = !strncmp(t->rate, "linear", 6), attend = !strncmp(t->rate, "attend", 6);
        if (linear) a1 += t->flops[LAW_A1], b0 += t->flops[LAW_B0];
        if (attend) a2 += t->flops[LAW_A2], b1 += t->flops[LAW_B1];
        if (attend && t->phase == PHASE_PREFILL) flops = t->seconds[LAW_A2] * 4e9 / t->flops[LAW_A2];
    }
    double layer = 2 * (2 * D * H * dim + 2 * D * H_kv * dim + 3 * D * F);
    TEST("a1 counts a token's linear FLOPs", ok && fabs(a1 / (L * layer) - 1) < 1e-9, "found %.9g of %.9g: %s", a1, L * layer,
         e.text);
    TEST("a2 counts half the square of attention", fabs(a2 / (2 * L * H * dim) - 1) < 1e-9, "found %.9g of %.9g", a2,
         2 * L * H * dim);
    TEST("b0 counts a token's linear FLOPs and the head", fabs(b0 / (L * layer + 2 * D * V) - 1) < 1e-9, "found %.9g", b0);
    TEST("b1 counts a position's attention", fabs(b1 / (4 * L * H * dim) - 1) < 1e-9, "found %.9g", b1);
    TEST("a2's seconds are its FLOPs over the rate that it names", fabs(flops - 1) < 0.05, "found %g of it", flops);
    law_free(&law);
    plan_free(p);
    model_close(m);
    device_free(&d);
}

/* ---- Sums of a sweep ---- */

static const double truth[LAW_COUNT] = {0.02, 1.5e-3, 4e-7, 0.012, 2e-6};

/* Windows whose times follow `truth`, times a noise of 1 %. `watts` while they ran, a quarter of it while idle. */
static bool fill(struct sweep *s, double scale, int model, uint64_t seed, double watts)
{
    bool ok = true;
    for (int i = 0; i < s->options.n_points; i++)
        for (int r = 0; r < s->options.repeats; r++) {
            double n = (double)s->model[model].point[i].tokens.n, m = (double)s->options.gen - 1;
            struct sweep_window w = {.model = model, .point = i, .repeat = r, .passes = 2};
            w.prefill_s = scale * law_prefill(truth, n) * (1 + 0.01 * noise(&seed));
            w.decode_s = scale * law_decode(truth, n, m) * (1 + 0.01 * noise(&seed)) + 0.001;
            w.sample_s = 0.001;
            w.window_s = 2 * (w.prefill_s + w.decode_s);
            w.cpu_s = 2 * w.window_s, w.idle_cpu = 0.5;
            w.rss_bs = 1e9 * w.window_s, w.idle_rss = 2e8;
            w.pss_bs = w.idle_pss = NAN;
            w.energy_j = watts * w.window_s, w.idle_w = watts / 4;
            w.pace_prefill = 1.25, w.pace_decode = 0.8;
            w.idle_after = true;
            ok = ok && sweep_push(s, &w);
        }
    return ok;
}

static struct sweep *make_sweep(const char *path, const struct device *d)
{
    struct sweep_options o = {.model = {path, path},
                              .n_models = 2,
                              .gen = 32,
                              .repeats = 3,
                              .hz = 5,
                              .energy = "none",
                              .seed = 1,
                              .threads = 2,
                              .kv_type = TYPE_F16,
                              .shards = 1,
                              .device = d};
    for (int i = 0; i < N_PROMPTS; i++) o.point[o.n_points++] = i + 1;
    return sweep_new(&o, &e);
}

static void test_sums(const char *path, const struct device *d)
{
    struct sweep *s = make_sweep(path, d), *again = make_sweep(path, d);
    struct laws *l = calloc(1, sizeof *l);
    TEST("a sweep is planned", s && again && l, "%s", e.text);
    if (!s || !again || !l) return;
    TEST("the same sweep has the same hash",
         !strcmp(s->sha256, again->sha256) && s->predictions_size == again->predictions_size, "found %s and %s", s->sha256,
         again->sha256);
    size_t grows = 0;
    for (int i = 1; i < N_PROMPTS; i++) {
        size_t step = s->model[0].point[i].tokens.n - s->model[0].point[i - 1].tokens.n;
        grows += step >= 20 && step < 200;
    }
    TEST("prompts grow passage by passage", grows == N_PROMPTS - 1, "found %zu steps of 18", grows);
    bool ok = fill(s, 1, 0, 3, NAN) && fill(s, 0.4, 1, 4, NAN) && laws_sum_up(l, s, &e);
    TEST("a sweep is summed up", ok && l->missing == 0 && l->model[0].n_points == N_PROMPTS, "%s", e.text);
    const struct laws_fit *f = &l->model[0].fit;
    int held = 0;
    for (int c = 0; c < LAW_COUNT; c++) held += f->low[c] <= truth[c] && truth[c] <= f->high[c] && f->high[c] > f->low[c];
    TEST("the coefficients behind noisy times lie in their intervals", ok && held == LAW_COUNT, "found %d of %d", held,
         LAW_COUNT);
    TEST("a square that is there is seen", f->square_seen, "a2 %g from %g", f->b[LAW_A2], f->low[LAW_A2]);
    TEST("the fit holds out what it is judged by", l->model[0].held_out.n == N_PROMPTS && l->model[0].held_out.mape < 0.02,
         "MAPE %g of %zu", l->model[0].held_out.mape, l->model[0].held_out.n);
    const struct laws_point *p = &l->model[0].point[9];
    double passed = p->window_s / 2;
    TEST("areas are above idle and of one pass",
         fabs(p->cpu_auc / (1.5 * passed) - 1) < 1e-9 && fabs(p->ram_auc / (8e8 * passed) - 1) < 1e-9 && isnan(p->pss_auc) &&
             isnan(p->energy_j),
         "found %g %g", p->cpu_auc, p->ram_auc);
    TEST("the choice of tokens is not in the time", fabs(p->time_s - p->prefill_s - p->decode_s) < 0.01 * p->time_s,
         "found %g of %g", p->time_s, p->prefill_s + p->decode_s);
    TEST("at the calibration's pace prefill took less, decoding more",
         p->pace_prefill == 1.25 && p->pace_decode == 0.8 &&
             fabs((p->prefill_s / 1.25 + p->decode_s / 0.8) / p->paced_s - 1) < 0.01,
         "found %g s of %g and %g", p->paced_s, p->prefill_s, p->decode_s);
    const struct laws_ratio *time = &l->ratio[LAWS_TIME], *tps = &l->ratio[LAWS_THROUGHPUT];
    TEST("a pair's ratios",
         fabs(time->ratio / 0.4 - 1) < 0.01 && time->low < 0.4 && 0.4 < time->high && fabs(tps->ratio / 2.5 - 1) < 0.01 &&
             fabs(time->predicted - 1) < 1e-12,
         "found %g (%g to %g), %g", time->ratio, time->low, time->high, tps->ratio);
    TEST("a ratio lies in its interval", time->low < time->ratio && time->ratio < time->high, "found %g (%g to %g)",
         time->ratio, time->low, time->high);
    const struct validation *near = &l->model[0].by_length[STRATUM_INTERPOLATED], *far = &l->model[0].by_length[STRATUM_FAR];
    size_t strata = 0;
    for (int k = 0; k < STRATUM_COUNT; k++) strata += l->model[0].by_length[k].n;
    TEST("each point has one stratum",
         strata == N_PROMPTS && near->n > 0 && far->n > 1 && isfinite(far->skill[BASELINE_LINEAR]),
         "found %zu points, %zu near, %zu far", strata, near->n, far->n);
    TEST("strata by rows and by positions",
         laws_stratum(192, 64, 512) == STRATUM_INTERPOLATED && laws_stratum(193, 64, 512) == STRATUM_EXTRAPOLATED &&
             laws_stratum(600, 64, 128) == STRATUM_INTERPOLATED && laws_stratum(16, 753, 512) == STRATUM_EXTRAPOLATED &&
             laws_stratum(385, 1, 512) == STRATUM_FAR && laws_stratum(1500, 64, 128) == STRATUM_FAR,
         "another");
    TEST("no meter, no joule", !strcmp(l->energy_kind, "none") && isnan(l->ratio[LAWS_ENERGY].ratio), "found %s",
         l->energy_kind);
    ok = fill(again, 1, 0, 3, 8) && fill(again, 0.5, 1, 3, 6) && laws_sum_up(l, again, &e);
    p = &l->model[0].point[4];
    const struct laws_ratio *energy = &l->ratio[LAWS_ENERGY];
    TEST("joules are of one pass, gross and above idle",
         ok && !strcmp(l->energy_kind, "measured") && fabs(p->energy_j / (4 * p->window_s) - 1) < 1e-9 &&
             fabs(p->energy_net_j / (3 * p->window_s) - 1) < 1e-9,
         "found %g, %g J, %s", p->energy_j, p->energy_net_j, l->energy_kind);
    TEST("a pair's joules", fabs(energy->ratio / 0.375 - 1) < 0.02 && isnan(energy->predicted), "found %g, %g", energy->ratio,
         energy->predicted);
    again->windows[0].energy_j = NAN; /* a meter that missed one: not known, and others' joules are measured all the same */
    ok = laws_sum_up(l, again, &e);
    TEST("measured joules are never called modelled", ok && !strcmp(l->energy_kind, "measured"), "found %s", l->energy_kind);
    sweep_free(s);
    sweep_free(again);
    free(l);
}

/* ---- The journal ---- */

static void put_text(const char *path, const char *text, const char *mode)
{
    FILE *f = fopen(path, mode);
    if (!f) return;
    fputs(text, f);
    fclose(f);
}

static void test_journal(const char *folder, const char *model, const struct device *d)
{
    char path[600];
    snprintf(path, sizeof path, "%s/points.jsonl", folder);
    struct sweep *s = make_sweep(model, d);
    struct journal *j = s ? journal_open(path, s, &e) : NULL;
    TEST("a journal is begun", j, "%s", e.text);
    if (!j) return;
    struct journal *second = journal_open(path, s, &e);
    TEST("one process at a time holds it", !second && strstr(e.text, "another"), "found '%s'", e.text);
    journal_close(second);
    struct idle_use before = {false, 1795293605.123456, 1, 0.1, 1e6, NAN, NAN},
                    after = {true, 1795293700, 1, 0.3, 3e6, NAN, 4.5};
    struct sweep_window w = {.model = 1,
                             .point = 3,
                             .repeat = 2,
                             .passes = 4,
                             .prefill_s = 0.1,
                             .decode_s = 1.0 / 3,
                             .sample_s = 1e-7,
                             .window_s = 2,
                             .cpu_s = 3,
                             .rss_bs = 4e9,
                             .pss_bs = NAN,
                             .system_cpu_s = 3.5,
                             .energy_j = NAN};
    bool ok = journal_idle(j, &before, &e) && journal_window(j, &w, &e) && journal_idle(j, &after, &e) &&
              (before.at = 1795299999, before.watts = 4, journal_idle(j, &before, &e));
    w.repeat = 1;
    ok = ok && journal_window(j, &w, &e);
    journal_close(j);
    put_text(path, "{\"kind\": \"window\", \"model\": 1, \"po", "a"); /* as a kill leaves it */
    j = ok ? journal_open(path, s, &e) : NULL;
    const struct sweep_window *r = s->windows;
    TEST("windows read back to the last bit",
         j && s->n_windows == 2 && r->model == 1 && r->point == 3 && r->passes == 4 && r->decode_s == 1.0 / 3 &&
             r->sample_s == 1e-7 && isnan(r->pss_bs) && isnan(r->energy_j),
         "%s: %zu windows", e.text, s->n_windows);
    TEST("idle use is the mean of before and after, or what there is",
         j && r[0].idle_cpu == 0.2 && r[0].idle_rss == 2e6 && r[0].idle_w == 4.5 && r[1].idle_cpu == 0.1 && r[1].idle_w == 4,
         "found %g, %g", j ? r[0].idle_cpu : 0, j ? r[1].idle_cpu : 0);
    TEST("windows of a session that was cut short are known", j && r[0].idle_after && !r[1].idle_after, "found %d, %d",
         j && r[0].idle_after, j && r[1].idle_after);
    TEST("each window knows its session", j && r[0].session == 1795293605.123456 && r[1].session == 1795299999,
         "found %.17g, %.17g", j ? r[0].session : 0, j ? r[1].session : 0);
    w.repeat = 0;
    ok = j && journal_window(j, &w, &e);
    journal_close(j);
    sweep_free(s);
    s = make_sweep(model, d);
    j = s ? journal_open(path, s, &e) : NULL;
    TEST("a torn line is gone, and the next one whole", ok && j && s->n_windows == 3, "%s", e.text);
    journal_close(j);
    put_text(path, "{\"kind\": \"window\", \"model\": 7}\n", "a");
    j = journal_open(path, s, &e);
    TEST("a line that is no window is refused", !j && strstr(e.text, "line 8"), "found '%s'", e.text);
    journal_close(j);
    put_text(path, "{\"kind\": \"sweep\", \"sha256\": \"00\"}\n", "w");
    j = journal_open(path, s, &e);
    TEST("a journal of other settings is refused", !j && strstr(e.text, "other settings"), "found '%s'", e.text);
    journal_close(j);
    unlink(path);
    sweep_free(s);
}

int main(void)
{
    char message[256], folder[512], model[600];
    struct device cached, streamed;
    TEST("kernels", kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message), "%s", message);
    test_regress();
    test_coverage();
    make_round_device(&cached, 1e12, 1);
    make_round_device(&streamed, 1e6, 1);
    test_textbook();
    test_law("llama-3.2-1b:Q4_K_M", &cached, 40, 64, 40, 0.01, "one micro-batch out of the cache: the form is the prediction");
    test_law("llama-3.2-1b:Q4_K_M", &streamed, 20, 640, 70, 0.2,
             "micro-batches that read weights again: within what the law says");
    test_law("gemma-3-270m:Q4_K_M", &streamed, 20, 1200, 70, 0.2, "sliding windows: within what the law says");
    struct law law;
    TEST("two lengths make no law",
         !law_predict(&law, NULL, &cached, &(struct predict_options){.threads = 2}, &(struct law_range){4, 5, 1}, &e),
         "accepted");
    if (test_folder(folder, sizeof folder)) {
        snprintf(model, sizeof model, "%s/model.gguf", folder);
        bool made =
            synth_write(&(struct synth_options){.shape = "tiny-llama:Q4_K_M", .seed = 1, .threads = 1}, model, NULL, &e);
        TEST("a small model is made", made, "%s", e.text);
        if (made) test_sums(model, &streamed);
        if (made) test_journal(folder, model, &streamed);
        unlink(model);
        rmdir(folder);
    } else {
        SKIP("a small model", "no folder for it");
    }
    device_free(&cached);
    device_free(&streamed);
    TEST_MAIN_END();
}
