/* round_device.h - a machine of round numbers, to hold prices to. SPDX-License-Identifier: MIT */
#ifndef HARTREE_ROUND_DEVICE_H
#define HARTREE_ROUND_DEVICE_H

#include "engine/account/device.h"
#include "kernels/type.h"
#include "tests/test.h"

/* On 1 and 2 threads, enough for any prediction with an f16, f32 or q8_0 cache; two threads are twice as fast in all. `llc` in
 * bytes decides what comes from memory, `p`, the exponent, how sharply. device_free releases it. */
static inline void make_round_device(struct device *d, double llc, double p)
{
    static const char *const vectors[] = {"embed", "angles", "norm", "quantise", "rope", "store", "glu", "add", "gather"};
    char key[DEVICE_KEY];
    struct error e = {""};
    *d = (struct device){.name = "test machine", .isa = "scalar", .date = "2000-01-01", .build = "1-2, c"};
    bool ok = device_set(d, "cores", 2, ASSUMED, NULL, &e) && device_set(d, "llc", llc, ASSUMED, NULL, &e) &&
              device_set(d, "exponent", p, ASSUMED, NULL, &e) && device_set(d, "noise", 0.01, ASSUMED, NULL, &e);
    for (int t = 1; t <= 2; t++) {
        snprintf(key, sizeof key, "read_bandwidth.%d", t),
            ok = ok && device_set(d, key, 1e10 * t, PUBLISHED, "a data sheet, page 3", &e);
        snprintf(key, sizeof key, "read_peak.%d", t), ok = ok && device_set(d, key, 1.1e10 * t, MEASURED, NULL, &e);
        snprintf(key, sizeof key, "stage.%d", t), ok = ok && device_set(d, key, 1e-6 * t, MEASURED, NULL, &e);
        for (int phase = 0; phase < 2; phase++) {
            const char *const kv[] = {"f32", "f16", "q8_0"}, *word = phase ? "prefill" : "decode";
            for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
                snprintf(key, sizeof key, "vector.%s.%s.%d", vectors[i], word, t),
                    ok = ok && device_set(d, key, 4e9 * t, MEASURED, NULL, &e);
            for (int i = 0; i < 3; i++)
                snprintf(key, sizeof key, "attend.%s.%s.%d", kv[i], word, t),
                    ok = ok && device_set(d, key, 2e9 * t, MEASURED, NULL, &e);
            for (unsigned type = 0; type < TYPE_FILE_END; type++)
                if (type_get(type) && type_get(type)->op)
                    snprintf(key, sizeof key, "linear.%s.%s.%d", type_get(type)->op, word, t),
                        ok = ok && device_set(d, key, (phase ? 2e10 : 1e10) * t, MEASURED, NULL, &e);
        }
    }
    TEST("a device can be described", ok, "%s", e.text);
}

/* Of the same numbers, from the same sources. */
static inline bool same_device(const struct device *a, const struct device *b)
{
    if (a->n != b->n || strcmp(a->name, b->name) || strcmp(a->isa, b->isa) || strcmp(a->date, b->date) ||
        strcmp(a->build, b->build))
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct device_entry *x = &a->entries[i], *y = &b->entries[i];
        if (strcmp(x->key, y->key) || x->value != y->value || x->from != y->from || strcmp(x->source, y->source)) return false;
    }
    return true;
}

#endif
