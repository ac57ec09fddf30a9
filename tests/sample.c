/* sample.c - each filter by its definition, the draw by its frequencies, the seed by its ids.
 * SPDX-License-Identifier: MIT */
#include "base/random.h"
#include "engine/sample.h"
#include "kernels/kernel.h"
#include "tests/test.h"

#include <math.h>
#include <time.h>

static const struct sample_params plain = {.temperature = 1, .top_p = 1, .repeat_penalty = 1, .repeat_window = 64, .seed = 7};

enum { VOCAB = 8, DRAWS = 20000 };

/* How often each id is drawn. */
static void frequencies(const struct sample_params *p, const float *logits, int n, int draws, int *count)
{
    struct error e;
    struct sampler *s = sampler_new(p, n, &e);
    float copy[VOCAB];
    memset(count, 0, (size_t)n * sizeof *count);
    for (int i = 0; s && i < draws; i++) {
        memcpy(copy, logits, (size_t)n * sizeof *copy);
        count[sampler_pick(s, copy)]++;
    }
    sampler_free(s);
}

/* The ids drawn at all, as bits. */
static unsigned drawn(const struct sample_params *p, const float *logits, int n)
{
    int count[VOCAB];
    unsigned bits = 0;
    frequencies(p, logits, n, 2000, count);
    for (int i = 0; i < n; i++) bits |= (unsigned)(count[i] > 0) << i;
    return bits;
}

/* Greatest chi-square of `draws` against exp(logit / t): 7 degrees of freedom, 24.3 is passed once in a thousand. */
static double chi_square(const float *logits, double t)
{
    struct sample_params p = plain;
    int count[VOCAB];
    double sum = 0, chi = 0;
    p.temperature = (float)t;
    frequencies(&p, logits, VOCAB, DRAWS, count);
    for (int i = 0; i < VOCAB; i++) sum += exp(logits[i] / t);
    for (int i = 0; i < VOCAB; i++) {
        double want = DRAWS * exp(logits[i] / t) / sum;
        chi += (count[i] - want) * (count[i] - want) / want;
    }
    return chi;
}

static int32_t greedy(float *logits, int n)
{
    struct sample_params p = plain;
    struct error e;
    p.temperature = 0;
    struct sampler *s = sampler_new(&p, n, &e);
    int32_t id = s ? sampler_pick(s, logits) : -1;
    sampler_free(s);
    return id;
}

static void test_filters(void)
{
    /* probabilities 0.4, 0.3, 0.2, 0.05, 0.03, 0.02, shuffled */
    const float logits[] = {logf(0.03f), logf(0.3f), logf(0.4f), logf(0.02f), logf(0.2f), logf(0.05f)};
    struct sample_params p = plain;
    unsigned got = drawn(&p, logits, 6);
    TEST("sample: all", got == 0x3f, "drew %#x", got);
    p.top_k = 3;
    got = drawn(&p, logits, 6);
    TEST("sample: top-k", got == 0x16, "drew %#x", got);
    p.top_k = 1;
    got = drawn(&p, logits, 6);
    TEST("sample: top-k 1 is greedy", got == 0x04, "drew %#x", got);
    p.top_k = 100;
    got = drawn(&p, logits, 6);
    TEST("sample: top-k beyond the vocabulary", got == 0x3f, "drew %#x", got);
    p = plain;
    p.top_p = 0.65f; /* 0.4 + 0.3 is the first sum to reach it */
    got = drawn(&p, logits, 6);
    TEST("sample: top-p", got == 0x06, "drew %#x", got);
    p.top_p = 0.75f;
    p.top_k = 3; /* of 0.9 in all: 0.4 and 0.3 are 0.78 of it */
    got = drawn(&p, logits, 6);
    TEST("sample: top-p of what top-k left", got == 0x06, "drew %#x", got);
    p = plain;
    p.top_p = 0;
    got = drawn(&p, logits, 6);
    TEST("sample: top-p 0 keeps the best", got == 0x04, "drew %#x", got);
    p = plain;
    p.min_p = 0.3f; /* of 0.4: 0.12 */
    got = drawn(&p, logits, 6);
    TEST("sample: min-p", got == 0x16, "drew %#x", got);
    p.temperature = 100; /* comes last, so it does not let more through */
    got = drawn(&p, logits, 6);
    TEST("sample: the temperature comes after min-p", got == 0x16, "drew %#x", got);
    p = plain;
    p.temperature = 1e-30f;
    got = drawn(&p, logits, 6);
    TEST("sample: a tiny temperature is greedy", got == 0x04, "drew %#x", got);
    const float equal[] = {1, 2, 2, 2, 0};
    p = plain;
    p.top_k = 2;
    got = drawn(&p, equal, 5);
    TEST("sample: ties at top-k go to the lower ids", got == 0x06, "drew %#x", got);
}

static void test_edges(void)
{
    TEST("sample: greedy ties", greedy((float[]){1, 3, 3, 2}, 4) == 1, "not 1");
    TEST("sample: greedy skips NaN", greedy((float[]){NAN, 1, NAN, 2}, 4) == 3, "not 3");
    TEST("sample: greedy of nothing but NaN", greedy((float[]){NAN, NAN}, 2) == 0, "not 0");
    TEST("sample: greedy of -infinity", greedy((float[]){-INFINITY, -INFINITY}, 2) == 0, "not 0");
    unsigned got = drawn(&plain, (float[]){NAN, 1, -INFINITY, 1}, 4);
    TEST("sample: NaN and -infinity are never drawn", got == 0x0a, "drew %#x", got);
    got = drawn(&plain, (float[]){1, INFINITY, 1e30f, INFINITY}, 4);
    TEST("sample: +infinity wins", got == 0x0a, "drew %#x", got);
    got = drawn(&plain, (float[]){NAN, NAN}, 2);
    TEST("sample: nothing left", got == 1, "drew %#x", got);
    got = drawn(&plain, (float[]){5}, 1);
    TEST("sample: a vocabulary of one", got == 1, "drew %#x", got);
}

static void test_penalty(void)
{
    struct sample_params p = plain;
    struct error e;
    p.temperature = 0;
    p.repeat_penalty = 2;
    p.repeat_window = 2;
    struct sampler *s = sampler_new(&p, 4, &e);
    if (!s) {
        TEST("sample: penalty", false, "%s", e.text);
        return;
    }
    float a[] = {4, 3, -1, -1.5f}, b[] = {4, 3, -1, -1.5f}, c[] = {4, 3, -1, -1.5f};
    int32_t first = sampler_pick(s, a);
    sampler_accept(s, 0);
    sampler_accept(s, 0); /* seen twice, punished once */
    int32_t second = sampler_pick(s, b);
    TEST("sample: penalty divides what is above 0", first == 0 && second == 1 && b[0] == 2, "ids %d %d, logit %g", first,
         second, (double)b[0]);
    sampler_accept(s, 2);
    sampler_accept(s, 3); /* 0 has left the window of two */
    sampler_accept(s, -5);
    sampler_accept(s, 99);
    second = sampler_pick(s, c);
    TEST("sample: penalty multiplies what is below, in the window", second == 0 && c[0] == 4 && c[2] == -2 && c[3] == -3,
         "id %d, logits %g %g %g", second, (double)c[0], (double)c[2], (double)c[3]);
    sampler_free(s);
}

static void test_seed(void)
{
    /* From the same definitions worked out in Python: machines, compilers and instruction sets are all to draw these. */
    static const int32_t want[] = {5, 2, 6, 2, 7, 2, 2, 4, 7, 3, 6, 5};
    enum { N = sizeof want / sizeof *want };
    struct sample_params p = sample_defaults;
    struct error e;
    int32_t ids[2][N];
    p.top_k = 0;
    p.seed = 42;
    for (int r = 0; r < 2; r++) {
        struct sampler *s = sampler_new(&p, VOCAB, &e);
        for (int i = 0; s && i < N; i++) {
            float logits[VOCAB];
            for (int k = 0; k < VOCAB; k++) logits[k] = (float)((i * 5 + k * 3) % 8) / 4;
            ids[r][i] = sampler_pick(s, logits);
        }
        sampler_free(s);
    }
    char line[N * 4 + 1] = "";
    for (int i = 0; i < N; i++) snprintf(line + strlen(line), 5, " %d", ids[0][i]);
    TEST("sample: a seed gives the same ids again", !memcmp(ids[0], ids[1], sizeof ids[0]), "two runs differ");
    TEST("sample: a seed gives the same ids everywhere", !memcmp(ids[0], want, sizeof want), "found%s", line);
}

static void test_refused(void)
{
    static const struct {
        const char *what;
        struct sample_params p;
    } bad[] = {
        {"temperature", {.temperature = -1, .top_p = 1, .repeat_penalty = 1}},
        {"temperature", {.temperature = NAN, .top_p = 1, .repeat_penalty = 1}},
        {"temperature", {.temperature = INFINITY, .top_p = 1, .repeat_penalty = 1}},
        {"top-k", {.top_k = -1, .top_p = 1, .repeat_penalty = 1}},
        {"top-p", {.top_p = 1.5f, .repeat_penalty = 1}},
        {"top-p", {.top_p = NAN, .repeat_penalty = 1}},
        {"min-p", {.top_p = 1, .min_p = -0.1f, .repeat_penalty = 1}},
        {"repeat penalty", {.top_p = 1, .repeat_penalty = 0}},
        {"repeat window", {.top_p = 1, .repeat_penalty = 1, .repeat_window = -1}},
        {"repeat window", {.top_p = 1, .repeat_penalty = 1, .repeat_window = 2000000000}},
    };
    int taken = 0;
    struct error e;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        e.text[0] = '\0';
        struct sampler *s = sampler_new(&bad[i].p, 10, &e);
        if (s || strncmp(e.text, bad[i].what, strlen(bad[i].what))) {
            taken++;
            printf("# %s: '%s'\n", bad[i].what, e.text);
        }
        sampler_free(s);
    }
    TEST("sample: parameters out of range are refused", !taken, "%d were not", taken);
    TEST("sample: an empty vocabulary is refused", !sampler_new(&sample_defaults, 0, &e), "taken");
}

/* The default chain over Gemma's vocabulary, against picking by definition. */
static void test_large(void)
{
    enum { N = 262144 };
    float *logits = malloc(N * sizeof *logits), *copy = malloc(N * sizeof *copy);
    struct error e;
    struct sample_params p = sample_defaults;
    p.min_p = 0;
    p.top_p = 1;
    struct sampler *s = sampler_new(&p, N, &e);
    if (!logits || !copy || !s) exit(1);
    uint64_t x = 1;
    for (int i = 0; i < N; i++) {
        logits[i] = (float)(16 * random_fraction(&x));
    }
    clock_t t = clock();
    enum { PICKS = 50 };
    int outside = 0;
    for (int i = 0; i < PICKS; i++) {
        memcpy(copy, logits, N * sizeof *copy);
        int32_t id = sampler_pick(s, copy);
        int rank = 0;
        for (int k = 0; k < N; k++) rank += logits[k] > logits[id] || (logits[k] == logits[id] && k < id);
        if (rank >= 40) outside++;
    }
    double ms = 1e3 * (double)(clock() - t) / CLOCKS_PER_SEC / PICKS;
    TEST("sample: top-k of 262,144", !outside, "%d of %d picks were not among the best 40", outside, PICKS);
    TEST("sample: 262,144 logits take milliseconds, not a sort", ms < 50, "%.1f ms a pick", ms);
    sampler_free(s);
    free(logits);
    free(copy);
}

int main(void)
{
    char message[256];
    if (!kernel_init(getenv("HARTREE_ISA"), NULL, message, sizeof message)) return puts(message), 1;
    const float logits[VOCAB] = {0, 1, -1, 2, 0.5f, -2, 1.5f, 0.25f};
    const double temperatures[] = {1, 0.5, 2};
    for (int i = 0; i < 3; i++) {
        char name[64];
        double chi = chi_square(logits, temperatures[i]);
        snprintf(name, sizeof name, "sample: frequencies at temperature %g", temperatures[i]);
        TEST(name, chi < 24.3, "chi-square %.1f with 7 degrees of freedom", chi);
    }
    test_filters();
    test_edges();
    test_penalty();
    test_seed();
    test_refused();
    test_large();
    TEST_MAIN_END();
}
