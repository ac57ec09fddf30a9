/* SPDX-License-Identifier: MIT */
#include "engine/meter/metering.h"

#include "base/clock.h"

bool metering_begin(struct metering *g, struct meter *m, const volatile int *stop, struct error *e)
{
    *g = (struct metering){.meter = m, .stop = stop};
    if (meter_reads(m)) {
        struct auc_options o = {.hz = METERING_HZ, .tick = meter_tick, .tick_ctx = m};
        if (!(g->sampler = auc_start(&o, e))) return false;
        auc_mark(g->sampler);
    }
    if (!meter_pulse(m, stop, e)) {
        auc_free(g->sampler);
        return false;
    }
    g->t0 = clock_now();
    return true;
}

bool metering_end(struct metering *g, struct energy *out, struct error *e)
{
    double t1 = clock_now();
    auc_free(g->sampler);
    g->sampler = NULL;
    *out = energy_none;
    bool interrupted = g->stop && *g->stop; /* then the first pulse has to do */
    return (interrupted || meter_pulse(g->meter, NULL, e)) && meter_between(g->meter, g->t0, t1, out, e);
}
