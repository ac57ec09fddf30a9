/* SPDX-License-Identifier: MIT */
#include "base/si.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct text si(double v, const char *unit)
{
    static const struct {
        double size;
        const char *prefix;
    } steps[] = {{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}, {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}};
    enum { ONE = 5, LAST = 8 };
    struct text t = {"-"};
    size_t i = 0;
    if (isnan(v)) return t;
    while (i < LAST && fabs(v) < steps[i].size) i++;
    if (i > 0 && fabs(v) >= 999.95 * steps[i].size) i--; /* four digits would say 1000 */
    bool seconds = !strcmp(unit, "s");
    if (v == 0 || (seconds && i < ONE) || (!*unit && i > ONE)) i = ONE;
    if (seconds && fabs(v) >= 1e4) {
        snprintf(t.s, sizeof t.s, "%.0f s", v);
        return t;
    }
    snprintf(t.s, sizeof t.s, "%.4g %s%.16s", v / steps[i].size, steps[i].prefix, unit);
    return t;
}

struct text percent(double part)
{
    struct text t = {"-"};
    if (!isnan(part)) snprintf(t.s, sizeof t.s, "%.1f %%", 100 * part);
    return t;
}

struct text signed_percent(double part)
{
    struct text t = {"-"};
    if (!isnan(part)) snprintf(t.s, sizeof t.s, "%+.1f %%", 100 * part);
    return t;
}
