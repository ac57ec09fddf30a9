/* SPDX-License-Identifier: MIT */
#include "bench/kernels.h"

#include <stdlib.h>
#include <string.h>

enum { SEED = 1 };

/* A case's memory, filled, with the args that point at it. */
struct prepared {
    size_t n;
    struct kernel_region r[KERNEL_MAX_REGIONS];
    union kernel_args args;
};

static void release(struct prepared *p)
{
    for (size_t i = 0; i < p->n; i++) free(p->r[i].data);
}

static bool prepare(const struct kernel_spec *spec, const struct kernel_case *c, struct prepared *p, struct error *e)
{
    size_t bytes[KERNEL_MAX_REGIONS];
    p->n = spec->regions(c, bytes);
    for (size_t i = 0; i < p->n; i++) p->r[i] = (struct kernel_region){aligned_alloc(64, bytes[i] / 64 * 64 + 64), bytes[i]};
    for (size_t i = 0; i < p->n; i++) {
        if (!p->r[i].data) {
            release(p);
            return fail(e, "case %s: found no memory for a region of %zu bytes", c->name, bytes[i]);
        }
        memset(p->r[i].data, 0, bytes[i]);
    }
    spec->fill(c, SEED, p->r, &p->args);
    return true;
}

static bool check(const struct kernel *row, const struct kernel *reference, const struct kernel_case *c,
                  struct kernel_bench *out, struct error *e)
{
    struct prepared want, got;
    if (!prepare(reference->spec, c, &want, e)) return false;
    if (!prepare(reference->spec, c, &got, e)) {
        release(&want);
        return false;
    }
    kernel_call(reference, &want.args);
    kernel_call(row, &got.args);
    double error = reference->spec->error(c, &want.args, want.r[0].data, got.r[0].data);
    if (row->exact && memcmp(want.r[0].data, got.r[0].data, got.r[0].bytes)) out->ok = false;
    if (!(error <= reference->spec->tolerance)) out->ok = false;
    if (!(error <= out->max_error)) out->max_error = error;
    release(&want);
    release(&got);
    return true;
}

struct call {
    const struct kernel *row;
    const union kernel_args *args;
};

static void call_once(void *context)
{
    const struct call *c = context;
    kernel_call(c->row, c->args);
}

static size_t case_bytes(const struct kernel_spec *spec, const struct kernel_case *c)
{
    size_t bytes[KERNEL_MAX_REGIONS], sum = 0, n = spec->regions(c, bytes);
    for (size_t i = 0; i < n; i++) sum += bytes[i];
    return sum;
}

bool bench_kernel(const struct kernel *row, const struct timer_options *options, struct kernel_bench *out, struct error *e)
{
    const struct kernel *reference = kernel_reference(row->op);
    const struct kernel_spec *spec = reference->spec;
    *out = (struct kernel_bench){.ok = true, .tolerance = spec->tolerance, .c = &spec->cases[0]};
    for (size_t i = 0; i < spec->n_cases; i++) {
        const struct kernel_case *c = &spec->cases[i];
        if (!check(row, reference, c, out, e)) return false;
        if (case_bytes(spec, c) > case_bytes(spec, out->c)) out->c = c;
    }

    struct prepared p;
    if (!prepare(spec, out->c, &p, e)) return false;
    out->work = spec->work(&p.args);
    if (out->ok) out->time = timer_measure(call_once, &(struct call){row, &p.args}, options);
    release(&p);
    return true;
}
