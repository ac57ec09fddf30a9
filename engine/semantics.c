/* SPDX-License-Identifier: MIT */
#include "engine/semantics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/regress.h"
#include "base/wilson.h"

/* ---- Words ---- */

static bool in_word(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static int lower(unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

static bool is_word(const char *s, size_t n, const char *word)
{
    if (strlen(word) != n) return false;
    for (size_t i = 0; i < n; i++)
        if (lower((unsigned char)s[i]) != word[i]) return false;
    return true;
}

/* The next word that counts, and its length; *s moves behind it. 0: none is left. */
static size_t next_word(const char **s, const char **word, bool articles)
{
    for (;;) {
        while (**s && !in_word((unsigned char)**s)) ++*s;
        *word = *s;
        while (in_word((unsigned char)**s)) ++*s;
        size_t n = (size_t)(*s - *word);
        if (articles || (!is_word(*word, n, "a") && !is_word(*word, n, "an") && !is_word(*word, n, "the"))) return n;
    }
}

bool words_any(const char *s)
{
    const char *word;
    return next_word(&s, &word, true);
}

/* Of a text of nothing but articles these are what it says: the option "A", say, is not the empty answer. */
static bool articles_alone(const char *s)
{
    const char *word, *all = s;
    return !next_word(&s, &word, false) && words_any(all);
}

bool words_match(const char *a, const char *b)
{
    const char *x, *y;
    size_t n, m;
    bool articles = articles_alone(a) || articles_alone(b);
    do {
        n = next_word(&a, &x, articles);
        m = next_word(&b, &y, articles);
        if (n != m) return false;
        for (size_t i = 0; i < n; i++)
            if (lower((unsigned char)x[i]) != lower((unsigned char)y[i])) return false;
    } while (n);
    return true;
}

/* ---- Scores ---- */

bool semantic_score(struct embedder *judge, const char *answer, const char *reference, double *score, struct error *e)
{
    size_t n = embedder_width(judge);
    float *v = malloc(2 * n * sizeof *v);
    struct embedded ignored;
    if (!v) return fail(e, "embedding of %zu numbers: found no memory", n);
    bool ok = embed(judge, answer, strlen(answer), v, &ignored, e) &&
              embed(judge, reference, strlen(reference), v + n, &ignored, e);
    if (ok) *score = embedding_cosine(v, v + n, n);
    free(v);
    return ok;
}

static struct accuracy unknown(void) { return (struct accuracy){0, NAN, NAN, NAN}; }

/* Student's interval of the mean of a[i] - b[i], or of a[i] where b is NULL. */
static struct accuracy student(const double *a, const double *b, size_t n)
{
    struct accuracy r = unknown();
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double v = b ? a[i] - b[i] : a[i], from_mean = v - mean;
        if (isnan(v)) continue;
        mean += from_mean / (double)++r.n; /* Welford's sums: nothing is lost where scores are alike */
        squares += from_mean * (v - mean);
    }
    if (!r.n) return r;
    r.mean = mean;
    if (r.n < 2) return r;
    double half = student_975(r.n - 1) * sqrt(squares / (double)(r.n - 1) / (double)r.n);
    r.low = mean - half;
    r.high = mean + half;
    return r;
}

struct accuracy accuracy_mean(const double *score, size_t n) { return student(score, NULL, n); }

struct accuracy accuracy_difference(const double *a, const double *b, size_t n) { return student(b, a, n); }

struct accuracy accuracy_share(const double *score, size_t n)
{
    struct accuracy r = unknown();
    size_t hits = 0;
    double interval[2];
    for (size_t i = 0; i < n; i++) {
        r.n += !isnan(score[i]);
        hits += score[i] == 1;
    }
    if (!r.n) return r;
    wilson_interval(hits, r.n, NORMAL_97_5, interval);
    r.mean = (double)hits / (double)r.n;
    r.low = interval[0];
    r.high = interval[1];
    return r;
}
