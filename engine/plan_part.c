/* SPDX-License-Identifier: MIT */
#include "engine/plan_part.h"

#include <stdlib.h>

void plan_part_free(struct plan_part *part)
{
    free(part->plan.ops);
    free(part->plan.stage);
    free(part->from);
    *part = (struct plan_part){.from = NULL};
}

bool plan_part_new(struct plan_part *part, const struct plan *p, const bool *keep, struct error *e)
{
    *part = (struct plan_part){.plan = *p};
    struct plan *q = &part->plan;
    q->n_ops = q->n_stages = 0;
    q->ops = malloc((p->n_ops + 1) * sizeof *q->ops);
    q->stage = malloc((p->n_stages + 1) * sizeof *q->stage);
    part->from = malloc((p->n_ops + 1) * sizeof *part->from);
    if (!q->ops || !q->stage || !part->from) {
        plan_part_free(part);
        return fail(e, "plan: found no memory for %zu ops", p->n_ops);
    }
    for (size_t s = 0; s < p->n_stages; s++) {
        size_t first = q->n_ops;
        for (size_t i = p->stage[s]; i < p->stage[s + 1]; i++) {
            if (!keep[i]) continue;
            q->ops[q->n_ops] = p->ops[i];
            /* An op goes on in the chunks of the one before it only where that is here, too. */
            q->ops[q->n_ops].chained &= q->n_ops > first && part->from[q->n_ops - 1] == i - 1;
            part->from[q->n_ops++] = i;
        }
        if (q->n_ops > first) q->stage[q->n_stages++] = first;
    }
    q->stage[q->n_stages] = q->n_ops;
    return true;
}
