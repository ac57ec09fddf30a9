/* semantics.c - words that match, means with their intervals, paired differences. SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/laws/prompts.h"
#include "engine/semantics.h"
#include "tests/test.h"

static void test_words(void)
{
    static const struct {
        const char *a, *b;
        bool match;
    } cases[] = {
        {"red", " Red.\n", true},
        {"the red car", "A red car!", true},
        {"red car", "car red", false},
        {"red", "reddish", false},
        {"red", "", false},
        {"", " ... ", true},
        {"3", "three", false},
        {"12 m", "12m", false},
        {"caf\xc3\xa9", "Caf\xc3\xa9,", true},
        {"caf\xc3\xa9", "cafe", false},
        {"an apple", "apple", true},
        {"a", "the", false},
        {"A", "", false},
        {"A", " a. ", true},
        {"A", "B", false},
        {"the", "the red", false},
        {"", "the", false},
        {"another", "other", false},
        {"stop sign, left", "STOP sign left", true},
        {"red", "red red", false},
        {"\xff\xfe", "\xff\xfe.", true},
    };
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (words_match(cases[i].a, cases[i].b) != cases[i].match || words_match(cases[i].b, cases[i].a) != cases[i].match)
            wrong = i + 1;
    TEST("words match whatever their case and what stands between", !wrong, "case %zu", wrong);
    TEST("what has a word", words_any("Red.") && words_any(" a") && words_any("\xff") && words_any("- 3"), "found none");
    TEST("... and what has none", !words_any("") && !words_any(" \n\t") && !words_any("...-?"), "found one");
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void test_means(void)
{
    /* Student's t of 3 degrees of freedom is 3.182446; the standard error of 1, 2, 3, 4 is sqrt(5 / 3 / 4). */
    const double v[] = {1, NAN, 2, 3, 4}, w[] = {2, 7, 2, NAN, 7}, half = 3.18244630528371 * sqrt(5.0 / 12);
    struct accuracy a = accuracy_mean(v, 5);
    TEST("a mean and Student's interval, without what is not known",
         a.n == 4 && near(a.mean, 2.5) && fabs(a.high - 2.5 - half) < 1e-4 && near(a.high - 2.5, 2.5 - a.low),
         "%zu: %g (%g to %g)", a.n, a.mean, a.low, a.high);
    a = accuracy_difference(v, w, 5);
    TEST("a difference is of pairs", a.n == 3 && near(a.mean, 4.0 / 3), "%zu: %g", a.n, a.mean);
    struct accuracy back = accuracy_difference(w, v, 5);
    TEST("... and has a direction", near(back.mean, -a.mean) && near(back.low, -a.high), "%g (%g to %g)", back.mean, back.low,
         back.high);
    a = accuracy_mean(v, 1);
    TEST("one score has no interval", a.n == 1 && a.mean == 1 && isnan(a.low) && isnan(a.high), "%g (%g)", a.mean, a.low);
    a = accuracy_mean(v + 1, 1);
    TEST("none has no mean", !a.n && isnan(a.mean) && isnan(a.low), "%zu: %g", a.n, a.mean);
    const double equal[] = {0.1, 0.1, 0.1};
    a = accuracy_mean(equal, 3);
    TEST("equal scores scatter by nothing", near(a.low, 0.1) && near(a.high, 0.1), "%g to %g", a.low, a.high);
    const double hits[] = {1, 1, 0, NAN, 1};
    a = accuracy_share(hits, 5);
    /* Wilson's of 3 in 4: (p + z^2 / 2n +- z sqrt(p q / n + z^2 / 4n^2)) / (1 + z^2 / n). */
    TEST("a share and Wilson's interval",
         a.n == 4 && a.mean == 0.75 && fabs(a.low - 0.300642) < 1e-5 && fabs(a.high - 0.954413) < 1e-5, "%zu: %g (%g to %g)",
         a.n, a.mean, a.low, a.high);
}

static void test_references(void)
{
    bool ok = true;
    for (int k = 1; k <= N_PROMPTS; k++) {
        size_t n = strlen(prompt_reference(k));
        ok = ok && n > 80 && n < 400 && prompt_reference(k)[n - 1] == '.';
        for (int j = 1; j < k; j++) ok = ok && strcmp(prompt_reference(j), prompt_reference(k)) != 0;
    }
    TEST("each prompt has a reference of its own", ok, "one is missing, too long or twice there");
}

int main(void)
{
    test_words();
    test_means();
    test_references();
    TEST_MAIN_END();
}
