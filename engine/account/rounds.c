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

/* By name: read_* and *.stream.* read from memory alone, and so does the pace's second piece. */
static int load_of(const struct rounds_figure *f)
{
    bool memory = !strncmp(f->key, "read_", 5) || !strncmp(f->key, "pace.decode.", 12) || strstr(f->key, ".stream.");
    return memory ? LOAD_MEMORY : LOAD_ARITHMETIC;
}

/* The mean time, as a multiple of the time at the quartile. */
static double slower(const struct rounds_figure *f)
{
    double quartile = rounds_quartile(f), sum = 0;
    for (size_t i = 0; i < f->n; i++) sum += f->seconds ? f->values[i] / quartile : quartile / f->values[i];
    return sum / (double)f->n;
}

bool rounds_weigh(struct rounds *r, struct error *e)
{
    enum { LEAST = 3 };
    double *times = malloc((r->n + 1) * sizeof *times);
    if (!times) return fail(e, "calibration: found no memory for %zu figures", r->n);
    for (int l = 0; l < LOADS; l++) {
        size_t n = 0;
        for (size_t i = 0; i < r->n; i++)
            if (load_of(&r->figures[i]) == l && r->figures[i].n >= LEAST) times[n++] = slower(&r->figures[i]);
        r->load[l] = n ? fmax(1, median(times, n)) : 1;
    }
    free(times);
    return true;
}

double rounds_usual(const struct rounds *r, const struct rounds_figure *f)
{
    if (!f) return NAN;
    double load = r->load[load_of(f)];
    return f->seconds ? rounds_quartile(f) * load : rounds_quartile(f) / load;
}

double rounds_largest(const struct rounds_figure *f)
{
    double largest = f ? f->values[0] : NAN;
    for (size_t i = 1; f && i < f->n; i++) largest = fmax(largest, f->values[i]);
    return largest;
}
