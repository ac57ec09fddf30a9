/* test.h - a test program's checks. Each prints "ok NAME", "FAIL NAME: why" or "skip NAME: why" once, and tests/run adds them
 * up. SPDX-License-Identifier: MIT */
#ifndef HARTREE_TEST_H
#define HARTREE_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_failures;

/* One result line. `ok` false prints the formatted reason. */
#define TEST(name, ok, ...)                              \
    do {                                                 \
        if (ok) printf("ok %s\n", name);                 \
        else {                                           \
            test_failures++;                             \
            printf("FAIL %s: ", name), printf(__VA_ARGS__), putchar('\n'); \
        }                                                \
        fflush(stdout);                                  \
    } while (0)

#define SKIP(name, ...) (printf("skip %s: ", name), printf(__VA_ARGS__), putchar('\n'))

/* The folder of reference data kept outside the project, or NULL: HARTREE_SHARED, else ../shared where it is. */
static inline const char *test_shared(void)
{
    const char *s = getenv("HARTREE_SHARED");
    if (s && *s) return s;
    FILE *f = fopen("../shared/oracle/README.md", "r");
    if (!f) return NULL;
    fclose(f);
    return "../shared";
}

/* The folder of real models, or NULL: HARTREE_MODELS, else models/ or ../models. */
static inline const char *test_models(void)
{
    static const char *const places[] = {"models", "../models"};
    const char *s = getenv("HARTREE_MODELS");
    if (s && *s) return s;
    for (size_t i = 0; i < 2; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/gemma-3-270m-q4_k_m.gguf", places[i]);
        FILE *f = fopen(path, "r");
        if (!f) continue;
        fclose(f);
        return places[i];
    }
    return NULL;
}

/* A new folder in TMPDIR (or /tmp) for this program's files, which it removes itself. False if there can be none. */
static inline bool test_folder(char *path, size_t size)
{
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(path, size, "%s/hartree-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return n > 0 && (size_t)n < size && mkdtemp(path);
}

#define TEST_MAIN_END() return test_failures ? 1 : 0

#endif
