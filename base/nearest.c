/* nearest.c - see nearest.h.
 * SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* Letters to insert, delete, change or swap with a neighbour to make b of a; case does not count. Words here are short. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 48 };
    size_t n = strlen(a), m = strlen(b), row[3][LONGEST + 1];
    if (n > LONGEST || m > LONGEST) return LONGEST;
    for (size_t j = 0; j <= m; j++) row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            size_t d = last[j - 1] + (x != y);
            if (last[j] + 1 < d) d = last[j] + 1;
            if (now[j - 1] + 1 < d) d = now[j - 1] + 1;
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]) &&
                before[j - 2] + 1 < d)
                d = before[j - 2] + 1;
            now[j] = d;
        }
    }
    return row[n % 3][m];
}

const char *nearest_word(const char *word, const char *const *words)
{
    size_t len = strlen(word), best = len < 3 ? 0 : len < 6 ? 1 : len / 3; /* more changes than this make another word */
    const char *found = NULL, *longer = NULL;
    for (; *words; words++) {
        size_t d = edit_distance(word, *words);
        if (d <= best && (!found || d < best)) {
            found = *words;
            best = d;
        }
        if (len >= 2 && !strncmp(word, *words, len) && !longer) longer = *words; /* a beginning of a word */
    }
    return found ? found : longer;
}
