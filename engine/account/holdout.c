/* SPDX-License-Identifier: MIT */
#include "engine/account/holdout.h"

#include "engine/account/measure.h"

#include <math.h>

/* Their weights together are more than most caches hold; the first two have rows that no 256-block divides. */
static const char *const shapes[] = {
    "L=6,D=896,H=14,KV=2,d=64,F=2432,V=32000:Q4_K_M",    "L=8,D=640,H=8,KV=2,d=128,F=2048,V=48000:Q4_K_M",
    "L=3,D=1536,H=12,KV=2,d=128,F=4096,V=16000:Q4_K_M",  "L=3,D=1280,H=20,KV=4,d=64,F=3584,V=24000:Q5_K_M",
    "L=2,D=1792,H=14,KV=7,d=128,F=5120,V=16000:Q6_K",
};
static const struct {
    size_t prompt, gen;
} lengths[] = {{24, 1}, {40, 12}, {120, 4}, {280, 8}};

enum { N_SHAPES = sizeof shapes / sizeof *shapes, N_LENGTHS = sizeof lengths / sizeof *lengths, REPEATS = 3 };
_Static_assert(N_SHAPES * N_LENGTHS == HOLDOUT_RUNS, "every shape with every length");

/* Where one run took so long, those that follow are not repeated: a disturbance is short beside them, and time is. */
#define LONG_S 0.4

bool holdout_residuals(double *residuals, const struct device *d, const struct probe_weights *w, int threads,
                       const volatile int *interrupted, struct error *e)
{
    int repeats = REPEATS;
    for (int i = 0; i < HOLDOUT_RUNS; i++) {
        struct model *m = probe_model(shapes[i / N_LENGTHS], w, e);
        struct measure_options o = {.run = {.threads = threads,
                                            .prompt = lengths[i % N_LENGTHS].prompt,
                                            .gen = lengths[i % N_LENGTHS].gen,
                                            .kv_type = TYPE_F16},
                                    .repeats = repeats,
                                    .interrupted = interrupted};
        struct measurement r;
        bool ok = m && measure(&r, m, d, &o, e);
        if (ok) {
            double ratio = r.measured_s / r.prediction.time_s;
            residuals[i] = fmax(ratio, 1 / ratio) - 1; /* as a factor: a slow moment is further off than a fast one can be */
            if (r.measured_s > LONG_S) repeats = 1;
            measurement_free(&r);
        }
        model_close(m);
        if (!ok) return false;
    }
    return true;
}
