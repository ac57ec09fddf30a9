/* sample.c - the filters as one pass over the vocabulary and a few heaps; nothing sorts 262,144 logits. A pass is a vector
 * kernel's search for the next logit above a bound; few are, once the bound has risen.
 * SPDX-License-Identifier: MIT */
#include "engine/sample.h"

#include "base/random.h"
#include "kernels/kernel.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct sample_params sample_defaults = {
    .temperature = 0.8f,
    .top_k = 40,
    .top_p = 0.95f,
    .min_p = 0.05f,
    .repeat_penalty = 1,
    .repeat_window = 64,
    .seed = 1,
};

struct candidate {
    double weight; /* exp(logit - greatest logit): the probability up to a factor, 1 for the best */
    float logit;
    int32_t id;
};

struct sampler {
    struct sample_params params;
    int32_t n_vocab;
    uint64_t state; /* of the generator */
    struct candidate *candidates;
    int32_t *recent; /* ring of the last repeat_window ids; NULL without a penalty */
    size_t n_recent, next_recent;
    uint32_t *punished; /* per id: the turn in which it was, so that a token seen twice is punished once */
    uint32_t turn;
};

/* Written so that a NaN is refused too. */
static bool check(const struct sample_params *p, int32_t n_vocab, struct error *e)
{
    if (!(p->temperature >= 0 && p->temperature <= FLT_MAX))
        return fail(e, "temperature: found %g, expected a number, at least 0", p->temperature);
    if (p->top_k < 0) return fail(e, "top-k: found %d, expected at least 0", p->top_k);
    if (!(p->top_p >= 0 && p->top_p <= 1)) return fail(e, "top-p: found %g, expected 0 to 1", p->top_p);
    if (!(p->min_p >= 0 && p->min_p <= 1)) return fail(e, "min-p: found %g, expected 0 to 1", p->min_p);
    if (!(p->repeat_penalty > 0 && p->repeat_penalty <= FLT_MAX))
        return fail(e, "repeat penalty: found %g, expected a number above 0", p->repeat_penalty);
    if (p->repeat_window < 0 || p->repeat_window > SAMPLE_MAX_WINDOW)
        return fail(e, "repeat window: found %d, expected 0 to %d", p->repeat_window, SAMPLE_MAX_WINDOW);
    return n_vocab >= 1 || fail(e, "vocabulary: found %d tokens, expected at least one", n_vocab);
}

struct sampler *sampler_new(const struct sample_params *p, int32_t n_vocab, struct error *e)
{
    if (!check(p, n_vocab, e)) return NULL;
    struct sampler *s = calloc(1, sizeof *s);
    if (!s) {
        fail(e, "sampler: no memory");
        return NULL;
    }
    s->params = *p;
    s->n_vocab = n_vocab;
    s->state = p->seed;
    if (p->top_k == 0 || p->top_k > n_vocab) s->params.top_k = n_vocab;
    s->candidates = malloc((size_t)s->params.top_k * sizeof *s->candidates);
    bool ready = s->candidates;
    if (p->repeat_penalty != 1 && p->repeat_window > 0) {
        s->recent = malloc((size_t)p->repeat_window * sizeof *s->recent);
        s->punished = calloc((size_t)n_vocab, sizeof *s->punished);
        ready = ready && s->recent && s->punished;
    }
    if (ready) return s;
    sampler_free(s);
    fail(e, "sampler: no memory for a vocabulary of %d", n_vocab);
    return NULL;
}

void sampler_free(struct sampler *s)
{
    if (!s) return;
    free(s->candidates);
    free(s->recent);
    free(s->punished);
    free(s);
}

void sampler_accept(struct sampler *s, int32_t id)
{
    if (!s->recent || id < 0 || id >= s->n_vocab) return;
    size_t window = (size_t)s->params.repeat_window;
    s->recent[s->next_recent] = id;
    s->next_recent = (s->next_recent + 1) % window;
    if (s->n_recent < window) s->n_recent++;
}

static void punish(struct sampler *s, float *logits)
{
    s->turn++;
    for (size_t i = 0; i < s->n_recent; i++) {
        int32_t id = s->recent[i];
        if (s->punished[id] == s->turn) continue;
        s->punished[id] = s->turn;
        logits[id] = logits[id] > 0 ? logits[id] / s->params.repeat_penalty : logits[id] * s->params.repeat_penalty;
    }
}

/* ---- Arithmetic that gives the same bits everywhere ---- */

/* exp(x) for x <= 0, to about 1e-15 relative; 0 below e^-700. x = k ln 2 + r with |r| <= ln 2 / 2, then Taylor's series. */
static double exp_down(double x)
{
    static const double inverse_factorial[] = {1,         1,          1.0 / 2,       1.0 / 6,        1.0 / 24,
                                               1.0 / 120, 1.0 / 720,  1.0 / 5040,    1.0 / 40320,    1.0 / 362880,
                                               1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
    if (!(x > -700)) return 0;
    int k = (int)(x * 0x1.71547652b82fep0 - 0.5);
    double r = x - k * 0x1.62e42fee00000p-1 - k * 0x1.a39ef35793c76p-33; /* ln 2 in two parts; the first product is exact */
    double sum = 0;
    for (int i = 13; i >= 0; i--) sum = sum * r + inverse_factorial[i];
    uint64_t bits = (uint64_t)(1023 + k) << 52; /* 2^k, k > -1012 */
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

/* ---- Heaps ---- */

static bool better(const struct candidate *a, const struct candidate *b)
{
    return a->logit > b->logit || (a->logit == b->logit && a->id < b->id);
}

/* Lets c[i] sink in a heap of n whose root is the best candidate (best_first) or the worst. */
static void sink(struct candidate *c, size_t n, size_t i, bool best_first)
{
    struct candidate x = c[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) break;
        if (child + 1 < n && better(&c[child + 1], &c[child]) == best_first) child++;
        if (better(&x, &c[child]) == best_first) break;
        c[i] = c[child];
        i = child;
    }
    c[i] = x;
}

static void heapify(struct candidate *c, size_t n, bool best_first)
{
    for (size_t i = n / 2; i-- > 0;) sink(c, n, i, best_first);
}

/* ---- The chain ---- */

/* The first id from `from` on whose logit is above `bound`, or n; never one whose logit is NaN. */
static int32_t next_above(const float *logits, int32_t from, int32_t n, float bound)
{
    size_t at;
    K.f32_find_above(&(struct find_args){.y = &at, .x = logits + from, .s = bound, .n = (size_t)(n - from)});
    return from + (int32_t)at;
}

static int32_t greedy(const float *logits, int32_t n)
{
    int32_t best = 0;
    float most = -INFINITY;
    for (int32_t i = next_above(logits, 0, n, most); i < n; i = next_above(logits, i + 1, n, most)) most = logits[best = i];
    return best;
}

/* The top_k best of logits into s->candidates: a heap with the worst at its root, which a better one replaces. */
static size_t take_top_k(struct sampler *s, const float *logits)
{
    struct candidate *c = s->candidates;
    size_t n = 0, k = (size_t)s->params.top_k;
    if (k == (size_t)s->n_vocab) { /* all of them: no need of a heap, nor of a search */
        for (int32_t i = 0; i < s->n_vocab; i++)
            if (logits[i] > -INFINITY) c[n++] = (struct candidate){.logit = fminf(logits[i], FLT_MAX), .id = i};
        return n;
    }
    float least = -INFINITY; /* what a logit has to exceed; an equal one has a higher id than those taken */
    for (int32_t i = next_above(logits, 0, s->n_vocab, least); i < s->n_vocab;
         i = next_above(logits, i + 1, s->n_vocab, least)) {
        struct candidate x = {.logit = fminf(logits[i], FLT_MAX), .id = i};
        if (n < k) {
            c[n++] = x;
            if (n < k) continue;
            heapify(c, n, false);
        } else if (better(&x, &c[0])) { /* not so where both were infinite */
            c[0] = x;
            sink(c, n, 0, false);
        }
        least = c[0].logit;
    }
    return n;
}

/* The fewest of the best whose weights reach top_p of the sum: taken off a heap one by one until they do. Returns how many,
 * moved to the front. */
static size_t take_top_p(struct candidate *c, size_t n, double top_p)
{
    double sum = 0, taken = 0;
    for (size_t i = 0; i < n; i++) sum += c[i].weight;
    heapify(c, n, true);
    size_t left = n;
    do {
        taken += c[0].weight;
        struct candidate best = c[0];
        c[0] = c[--left];
        if (left) sink(c, left, 0, true);
        c[left] = best;
    } while (left && taken < top_p * sum);
    memmove(c, c + left, (n - left) * sizeof *c);
    return n - left;
}

int32_t sampler_pick(struct sampler *s, float *logits)
{
    const struct sample_params *p = &s->params;
    if (s->recent) punish(s, logits);
    if (p->temperature == 0) return greedy(logits, s->n_vocab);

    struct candidate *c = s->candidates, best = {.logit = -INFINITY};
    size_t n = take_top_k(s, logits);
    if (!n) return 0;
    for (size_t i = 0; i < n; i++)
        if (better(&c[i], &best)) best = c[i];
    double most = best.logit;
    for (size_t i = 0; i < n; i++) c[i].weight = exp_down(c[i].logit - most);
    if (p->top_p < 1) n = take_top_p(c, n, p->top_p);

    /* min-p compares with the best, whose weight is 1; then the temperature. */
    size_t kept = 0;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (c[i].weight < p->min_p) continue;
        c[kept] = c[i];
        c[kept].weight = exp_down((c[i].logit - most) / p->temperature);
        sum += c[kept++].weight;
    }
    double target = random_fraction(&s->state) * sum, reached = 0;
    int32_t drawn = best.id;
    for (size_t i = 0; i < kept && reached <= target; i++) {
        if (c[i].weight == 0) continue; /* so that rounding at the end never draws the impossible */
        reached += c[i].weight;
        drawn = c[i].id;
    }
    return drawn;
}
