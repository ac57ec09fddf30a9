/* SPDX-License-Identifier: MIT */
#include "bench/kernels.h"

#include <math.h>
#include <stdio.h>
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

/* The peak kernel that a row is held to, or NULL: rows stand in ISA order, so it is the last one that the row's own ISA
 * includes. */
static const struct kernel *peak_row(const struct kernel *row, enum kernel_peak peak)
{
    const struct kernel *found = NULL;
    char isa[16];
    snprintf(isa, sizeof isa, "%.*s", (int)strcspn(row->isa, "_"), row->isa);
    unsigned has = kernel_isa_needs(isa);
    for (size_t i = 0; i < kernel_n_rows; i++) {
        const struct kernel *r = kernel_rows[i];
        if (peak != PEAK_NONE && r->needs && !strcmp(r->op, kernel_peak_op(peak)) && (r->needs & has) == r->needs &&
            !strchr(r->isa, '_'))
            found = r;
    }
    return found;
}

/* FLOP/s of a peak kernel: the best of a few samples, since other load only ever slows it. */
static double peak_flops(const struct kernel *row, const struct prepared *p)
{
    const struct timer_options quick = {.samples = 4};
    struct timer_result t = timer_measure(call_once, &(struct call){row, &p->args}, &quick);
    return kernel_reference(row->op)->spec->work(&p->args).flops / t.best_s;
}

/* Of a wrong kernel only the work: it has no speed. */
static bool time_row(const struct kernel *row, const struct timer_options *options, struct kernel_bench *out, struct error *e)
{
    const struct kernel_spec *spec = kernel_reference(row->op)->spec;
    const struct kernel *peak = out->ok ? peak_row(row, spec->peak) : NULL;
    struct prepared p, of_peak;
    if (!prepare(spec, out->c, &p, e)) return false;
    out->work = spec->work(&p.args);
    if (peak) {
        const struct kernel_spec *s = kernel_reference(peak->op)->spec;
        if (!prepare(s, &s->cases[s->n_cases - 1], &of_peak, e)) {
            release(&p);
            return false;
        }
    }
    double before = peak ? peak_flops(peak, &of_peak) : NAN;
    if (out->ok) out->time = timer_measure(call_once, &(struct call){row, &p.args}, options);
    if (peak) {
        out->share_of_peak = out->work.flops / out->time.best_s / fmax(before, peak_flops(peak, &of_peak));
        release(&of_peak);
    }
    release(&p);
    return true;
}

bool bench_kernel(const struct kernel *row, const struct timer_options *options, struct kernel_bench *out, struct error *e)
{
    const struct kernel *reference = kernel_reference(row->op);
    const struct kernel_spec *spec = reference->spec;
    *out = (struct kernel_bench){.ok = true, .tolerance = spec->tolerance, .c = &spec->cases[0], .share_of_peak = NAN};
    for (size_t i = 0; i < spec->n_cases; i++) {
        const struct kernel_case *c = &spec->cases[i];
        if (!check(row, reference, c, out, e)) return false;
        if (case_bytes(spec, c) >= case_bytes(spec, out->c)) out->c = c;
    }
    return time_row(row, options, out, e);
}
