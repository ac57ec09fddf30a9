/* knee.c - where clamps begin to bind, said from their rules, and found again in noisy costs; and that no knee is seen where
 * there is none. SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/random.h"
#include "engine/account/tower_cost.h"
#include "engine/laws/knee.h"
#include "tests/test.h"

enum { WIDTH = 2048, HEIGHT = 1440, SIZES = 20, TRIALS = 400 };

static struct error e;
static const struct clamp_keys keys = {.patch = 14, .merge = 2};

struct made {
    struct stair *stairs;
    size_t n;
    double *levels;
    size_t n_levels;
};

static bool make(struct made *m, const char *text)
{
    struct clamp c;
    *m = (struct made){0};
    if (!clamp_parse(text, &c, &e) || !(m->stairs = stairs_new(&c, &keys, WIDTH, HEIGHT, &m->n, &e))) return false;
    m->levels = malloc(m->n * sizeof *m->levels);
    for (size_t i = 0; i < m->n; i++)
        if (!m->n_levels || (double)m->stairs[i].unbounded > m->levels[m->n_levels - 1])
            m->levels[m->n_levels++] = (double)m->stairs[i].unbounded;
    return m->levels;
}

static void discard(struct made *m)
{
    free(m->stairs);
    free(m->levels);
}

static const struct stair *stair_of(const struct made *m, int edge)
{
    size_t i = m->n - 1;
    while (i && m->stairs[i].edge > edge) i--;
    return &m->stairs[i];
}

/* ---- By the rule ---- */

static void test_stairs(void)
{
    struct made m;
    int width, height;
    scaled_size(WIDTH, HEIGHT, 1024, &width, &height);
    bool ok = width == 1024 && height == 720;
    scaled_size(HEIGHT, WIDTH, 1, &width, &height);
    TEST("sizes keep the aspect, and a pixel", ok && width == 1 && height == 1, "found %dx%d", width, height);

    ok = make(&m, "edge:1024");
    TEST("stairs of edge:1024", ok && m.stairs[0].edge == 1, "%s", e.text);
    if (!ok) return;
    bool whole = true;
    for (int edge = 1; edge <= WIDTH; edge++) {
        struct clamp c = {.rule = CLAMP_EDGE, .a = 1024, .b = 1024};
        struct clamped fit;
        scaled_size(WIDTH, HEIGHT, edge, &width, &height);
        whole = whole && clamp_apply(&c, &keys, width, height, &fit, &e) && fit.patches == stair_of(&m, edge)->fit.patches;
    }
    TEST("a step holds all its edges", whole, "%s", e.text);
    int knee = knee_predict(m.stairs, m.n);
    TEST("the knee of edge:1024 is where its step begins", knee == 1009 && knee == tower_knee(1024, 720, TOWER_UP),
         "found %d, the closed form %d", knee, tower_knee(1024, 720, TOWER_UP));
    TEST("... and its plateau 3848 patches",
         stair_of(&m, knee)->fit.patches == 3848 && stair_of(&m, WIDTH)->fit.patches == 3848, "found %lld",
         (long long)stair_of(&m, knee)->fit.patches);
    discard(&m);

    static const struct {
        const char *clamp;
        int knee;
        long long patches;
    } cases[] = {
        /* 1009: 1036x728. 841: 868x616, whose height begins at 588.3. 701: 728x504. */
        {"box:1024x720", 1009, 3848},
        {"box:854x594", 841, 2728},
        {"box:714x496", 701, 1872},
        /* To the nearest: 1022 becomes 1036, and 714.7 become 728. */
        {"tokens:8..963", 1022, 3848},
        {"none", 0, 0},
        {"tokens:8..100000", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ok = make(&m, cases[i].clamp);
        knee = ok ? knee_predict(m.stairs, m.n) : -1;
        TEST(cases[i].clamp, ok && knee == cases[i].knee && (!knee || stair_of(&m, WIDTH)->fit.patches == cases[i].patches),
             "%s found a knee at %d, %lld patches", e.text, knee, ok ? (long long)stair_of(&m, WIDTH)->fit.patches : 0);
        discard(&m);
    }
}

/* ---- In noisy costs ---- */

/* Nearly normal, of a standard deviation of 1; the same each time. */
static double noise(uint64_t *x)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += random_fraction(x);
    return sum - 6;
}

/* One sweep of 20 even sizes whose costs are those of a tower, with noise. */
static bool fit(struct knee *k, const struct made *m, double part, uint64_t *seed)
{
    struct knee_point p[SIZES];
    for (int i = 0; i < SIZES; i++) {
        const struct stair *s = stair_of(m, WIDTH * (i + 1) / SIZES);
        double n = (double)s->fit.patches;
        p[i] = (struct knee_point){(double)s->unbounded, (0.8 + 1.4e-2 * n + 2.4e-6 * n * n) * (1 + part * noise(seed))};
    }
    return knee_fit(k, p, SIZES, m->levels, m->n_levels, &e);
}

static void test_fit(const char *clamp, double part, int least_exact)
{
    struct made m;
    struct knee k;
    uint64_t seed = 5;
    int told = 0, exact = 0, covered = 0;
    char name[120];
    bool ok = make(&m, clamp);
    double truth = ok ? (double)stair_of(&m, knee_predict(m.stairs, m.n))->fit.patches : 0;
    for (int t = 0; ok && t < TRIALS; t++) {
        ok = fit(&k, &m, part, &seed);
        told += k.there;
        exact += k.there && k.at == truth;
        covered += k.there && k.low <= truth && truth <= k.high && k.low <= k.at && k.at <= k.high;
    }
    snprintf(name, sizeof name, "%s, noise of %g %%: found, to the step, and within the interval", clamp, 100 * part);
    TEST(name, ok && told == TRIALS && exact >= least_exact && covered >= TRIALS * 90 / 100,
         "%s %d found, %d exact, %d covered of %d", e.text, told, exact, covered, TRIALS);
    discard(&m);
}

static void test_none(const char *clamp, double part)
{
    struct made m;
    struct knee k;
    uint64_t seed = 9;
    int told = 0;
    char name[100];
    bool ok = make(&m, clamp);
    for (int t = 0; ok && t < TRIALS; t++) ok = fit(&k, &m, part, &seed), told += k.there;
    snprintf(name, sizeof name, "%s, noise of %g %%: no knee", clamp, 100 * part);
    TEST(name, ok && told <= TRIALS * 5 / 100, "%s seen in %d of %d", e.text, told, TRIALS);
    discard(&m);
}

static void test_odd(void)
{
    struct made m;
    struct knee k;
    struct knee_point p[SIZES];
    uint64_t seed = 1;
    bool ok = make(&m, "box:854x594") && fit(&k, &m, 0, &seed);
    TEST("exact costs give the exact step", ok && k.there && k.at == 2728 && k.low == 2728 && k.high == 2728, "found %g", k.at);
    for (int i = 0; i < SIZES; i++) p[i] = (struct knee_point){100 + 10 * i, 3};
    ok = knee_fit(&k, p, SIZES, m.levels, m.n_levels, &e);
    TEST("costs that are all one have no knee", ok && !k.there && isnan(k.at), "found %g", k.at);
    for (int i = 0; i < SIZES; i++) p[i].cost = i < 10 ? 30 - i : 20;
    ok = knee_fit(&k, p, SIZES, m.levels, m.n_levels, &e);
    TEST("costs that fall have none", ok && !k.there, "found %g", k.at);
    ok = knee_fit(&k, p, 5, m.levels, m.n_levels, &e);
    TEST("five points tell none", ok && !k.there && isnan(k.f), "found %g", k.at);
    ok = knee_fit(&k, p, 0, m.levels, 0, &e);
    TEST("nor do no points", ok && !k.there, "found %g", k.at);
    p[3].cost = NAN;
    ok = knee_fit(&k, p, SIZES, m.levels, m.n_levels, &e);
    TEST("nor do costs that are not known", ok && !k.there, "found %g", k.at);
    discard(&m);
}

int main(void)
{
    test_stairs();
    test_fit("box:1024x720", 0.01, TRIALS * 80 / 100);
    test_fit("box:854x594", 0.01, TRIALS * 80 / 100);
    test_fit("box:714x496", 0.01, TRIALS * 80 / 100);
    test_fit("tokens:8..689", 0.02, TRIALS / 2);
    test_none("none", 0.01);
    test_none("none", 0.05);
    test_none("edge:2048", 0.02);
    test_odd();
    TEST_MAIN_END();
}
