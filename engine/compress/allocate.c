/* SPDX-License-Identifier: MIT */
#include "engine/compress/allocate.h"

#include <math.h>

/* The rank that costs least at a price per parameter. */
static size_t best_rank(const struct unit *u, double price, bool gauge, size_t step)
{
    size_t best = u->full;
    double least = INFINITY;
    for (size_t r = step;; r += step) {
        if (r > u->full) r = u->full;
        double cost = u->weight * u->error[r] + price * unit_parameters(u, r, gauge);
        if (cost < least) least = cost, best = r;
        if (r == u->full) return best;
    }
}

static double parameters_at(struct unit *u, size_t n, double price, bool gauge, enum type core)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        u[i].rank = best_rank(&u[i], price, gauge, unit_rank_step(&u[i], core));
        sum += unit_parameters(&u[i], u[i].rank, gauge);
    }
    return sum;
}

/* What the price has left over buys, step by step, what helps most for its parameters. */
static void spend(struct unit *u, size_t n, double left, bool gauge, enum type core)
{
    for (;;) {
        struct unit *best = NULL;
        size_t best_rank = 0;
        double most = 0;
        for (size_t i = 0; i < n; i++) {
            size_t step = unit_rank_step(&u[i], core);
            for (size_t r = u[i].rank; r < u[i].full;) {
                r = r + step < u[i].full ? r + step : u[i].full;
                double more = unit_parameters(&u[i], r, gauge) - unit_parameters(&u[i], u[i].rank, gauge);
                double gain = u[i].weight * (u[i].error[u[i].rank] - u[i].error[r]);
                if (more > left || gain <= most * (more > 1 ? more : 1)) continue;
                most = gain / (more > 1 ? more : 1), best = &u[i], best_rank = r;
            }
        }
        if (!best) return;
        left -= unit_parameters(best, best_rank, gauge) - unit_parameters(best, best->rank, gauge);
        best->rank = best_rank;
    }
}

double allocate_least(const struct unit *u, size_t n, bool gauge, enum type core)
{
    double all = 0, least = 0;
    for (size_t i = 0; i < n; i++) {
        size_t step = unit_rank_step(&u[i], core);
        all += unit_parameters(&u[i], u[i].full, gauge);
        double full = unit_parameters(&u[i], u[i].full, gauge);
        /* Without a gauge a step may be more. */
        least += step < u[i].full ? fmin(full, unit_parameters(&u[i], step, gauge)) : full;
    }
    return least / all;
}

bool allocate_ranks(struct unit *u, size_t n, double ratio, bool gauge, enum type core, struct error *e)
{
    double all = 0, dear = 1;
    for (size_t i = 0; i < n; i++) all += unit_parameters(&u[i], u[i].full, gauge);
    double budget = ratio * all, cheap = 0;
    while (parameters_at(u, n, dear, gauge, core) > budget) {
        if (dear > 1e30)
            return fail(e, "found %.0f parameters at the least ranks, expected at most %.0f",
                        parameters_at(u, n, dear, gauge, core), budget);
        dear *= 16;
    }
    for (int i = 0; i < 200; i++) { /* prices span many orders of magnitude: by their logarithm once there is one */
        double middle = cheap > 0 ? sqrt(cheap * dear) : dear / 16;
        if (middle < 1e-300) break;
        if (parameters_at(u, n, middle, gauge, core) > budget)
            cheap = middle;
        else
            dear = middle;
    }
    spend(u, n, budget - parameters_at(u, n, dear, gauge, core), gauge, core);
    return true;
}
