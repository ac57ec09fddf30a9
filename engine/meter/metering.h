/* metering.h - joules of what this process does between two calls.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_METERING_H
#define HARTREE_METERING_H

#include "engine/meter/auc.h"
#include "engine/meter/meter.h"

struct metering {
    struct meter *meter; /* the caller's */
    struct auc *sampler; /* its thread reads the meter; NULL where the meter reads nothing by itself */
    double t0;
    const volatile int *stop;
};

enum { METERING_HZ = 10 };

/* Makes a pulse if the meter wants one (*stop, may be NULL, ends it), starts to read the meter METERING_HZ times a second, and
 * takes the time. Of a meter that measures nothing it only does the last. False and *e: then there is nothing to end. */
bool metering_begin(struct metering *g, struct meter *m, const volatile int *stop, struct error *e);

/* Ends it; *out has the joules since then, gross: no idle interval was waited for. False and *e as meter_between, *out is
 * energy_none. */
bool metering_end(struct metering *g, struct energy *out, struct error *e);

#endif
