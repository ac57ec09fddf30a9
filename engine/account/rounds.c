/* rounds.c - see rounds.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/rounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/median.h"
#include "base/memory.h"

void rounds_free(struct rounds *r)
{
    free(r->figures);
    *r = (struct rounds){.n = 0};
}

/* Where the figure stands, or past the end. */
static size_t place_of(const struct rounds *r, const char *key)
{
    size_t i = 0;
    while (i < r->n && strcmp(r->figures[i].key, key)) i++;
    return i;
}

bool rounds_note(struct rounds *r, const char *key, bool seconds, double value, struct error *e)
{
    size_t i = place_of(r, key);
    if (i == r->n) {
        struct rounds_figure *p = memory_grow(r->figures, &r->allocated, i + 1, sizeof *p);
        if (!p) return fail(e, "calibration: found no memory for %zu figures", i + 1);
        r->figures = p;
        p[r->n++] = (struct rounds_figure){.seconds = seconds};
        snprintf(p[i].key, sizeof p[i].key, "%s", key);
    }
    struct rounds_figure *f = &r->figures[i];
    if (f->n < ROUNDS_MOST) f->values[f->n++] = value;
    return true;
}

const struct rounds_figure *rounds_find(const struct rounds *r, const char *key)
{
    size_t i = place_of(r, key);
    return i < r->n ? &r->figures[i] : NULL;
}

double rounds_quartile(const struct rounds_figure *f)
{
    double values[ROUNDS_MOST];
    if (!f) return NAN;
    memcpy(values, f->values, f->n * sizeof *values);
    sort_numbers(values, f->n);
    return f->n < 2 ? values[0] : quantile(values, f->n, f->seconds ? 0.25 : 0.75);
}

double rounds_largest(const struct rounds_figure *f)
{
    double largest = f ? f->values[0] : NAN;
    for (size_t i = 1; f && i < f->n; i++) largest = fmax(largest, f->values[i]);
    return largest;
}
