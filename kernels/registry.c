/* registry.c - the rows of every kernel file, bound to one table.
 * SPDX-License-Identifier: MIT */
#include "kernels/kernel.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Only this file knows the list of rows, so that a new kernel file recompiles nothing but this one. */
#define ROW(file) extern const struct kernel file##_row;
#include "kernels.inc"
#undef ROW

const struct kernel *const kernel_rows[] = {
#define ROW(file) &file##_row,
#include "kernels.inc"
#undef ROW
};
const size_t kernel_n_rows = sizeof kernel_rows / sizeof *kernel_rows;

/* Lowest first: a later row that the CPU supports overlays an earlier one. make lists kernels.inc in the same order. */
static const struct isa {
    const char *name;
    unsigned needs;
} isas[] = {
    {"scalar", 0},
#if defined(__x86_64__)
    {"avx2", CPU_AVX2 | CPU_FMA | CPU_F16C},
    {"avx512", CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512 | CPU_VNNI},
#elif defined(__aarch64__)
    {"neon", CPU_NEON},
    {"dotprod", CPU_NEON | CPU_DOTPROD},
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM},
#endif
};
enum { N_ISAS = sizeof isas / sizeof *isas };

/* Every op by number. Naming the scalar row here makes a missing reference a link error. */
enum op_number {
#define X(op, args) OP_##op,
    KERNEL_OPS(X)
#undef X
    N_OPS
};

static const struct kernel *const references[] = {
#define X(op, args) &op##_scalar_row,
    KERNEL_OPS(X)
#undef X
};

struct kernel_table K = {
#define X(op, args) NULL,
    KERNEL_OPS(X)
#undef X
};

struct kernel_row_table kernel_bound_rows;

static const struct kernel *bound[N_OPS];
static unsigned active;
static const char *active_isa = "scalar";

static int op_number(const char *op)
{
    for (int i = 0; i < N_OPS; i++)
        if (!strcmp(references[i]->op, op)) return i;
    return -1;
}

const char *kernel_isa_at(size_t i) { return i < N_ISAS ? isas[i].name : NULL; }

bool kernel_isa_built(const char *isa)
{
    size_t len = strlen(isa);
    for (size_t i = 0; i < kernel_n_rows; i++)
        if (!strncmp(kernel_rows[i]->isa, isa, len) && strchr("_", kernel_rows[i]->isa[len])) return true; /* end or tag */
    return false;
}

unsigned kernel_isa_needs(const char *isa)
{
    for (int i = 0; i < N_ISAS; i++)
        if (!strcmp(isas[i].name, isa)) return isas[i].needs;
    return ~0u;
}

static void fill_table(struct kernel_table *t, const struct kernel *const rows[])
{
#define X(op, args) t->op = rows[OP_##op]->fn.op;
    KERNEL_OPS(X)
#undef X
}

static void fill_rows(struct kernel_row_table *t, const struct kernel *const rows[])
{
#define X(op, args) t->op = rows[OP_##op];
    KERNEL_OPS(X)
#undef X
}

static bool pin(const char *text, size_t len, char *message, size_t size)
{
    for (size_t i = 0; i < kernel_n_rows; i++) {
        const struct kernel *r = kernel_rows[i];
        char name[96];
        snprintf(name, sizeof name, "%s:%s", r->op, r->isa);
        if (strlen(name) != len || memcmp(name, text, len)) continue;
        if ((r->needs & active) != r->needs) {
            snprintf(message, size, "HARTREE_KERNEL: found %s, which this CPU (or HARTREE_ISA) does not allow", name);
            return false;
        }
        bound[op_number(r->op)] = r;
        return true;
    }
    snprintf(message, size, "HARTREE_KERNEL: found '%.*s', expected op:isa[_tag] as 'hartree bench kernels --list' names them",
             (int)(len < 80 ? len : 80), text);
    return false;
}

bool kernel_init(const char *isa, const char *pins, char *message, size_t size)
{
    unsigned allowed = ~0u;
    if (isa && *isa) {
        allowed = kernel_isa_needs(isa);
        if (allowed == ~0u) {
            int at = snprintf(message, size, "HARTREE_ISA: found '%.40s', expected one of", isa);
            for (int i = 0; i < N_ISAS && at > 0 && (size_t)at < size; i++)
                at += snprintf(message + at, size - (size_t)at, " %s", isas[i].name);
            return false;
        }
        if ((allowed & cpu_features()) != allowed) {
            snprintf(message, size, "HARTREE_ISA: found %s, which this CPU does not have", isa);
            return false;
        }
    }
    active = cpu_features() & allowed;
    for (int i = 0; i < N_OPS; i++) bound[i] = references[i];
    active_isa = "scalar";
    for (size_t i = 0; i < kernel_n_rows; i++) {
        const struct kernel *r = kernel_rows[i];
        bool tagged = strchr(r->isa, '_') != NULL;
        if (tagged || (r->needs & active) != r->needs) continue;
        bound[op_number(r->op)] = r;
        active_isa = r->isa; /* rows come in ISA order, so the last is the highest that has a kernel at all */
    }
    for (const char *p = pins; p && *p;) {
        size_t len = strcspn(p, ",");
        if (!pin(p, len, message, size)) return false;
        p += len + (p[len] == ',');
    }
    fill_table(&K, bound);
    fill_rows(&kernel_bound_rows, bound);
    return true;
}

unsigned kernel_active_features(void) { return active; }
const char *kernel_active_isa(void) { return active_isa; }

const struct kernel *kernel_reference(const char *op)
{
    int i = op_number(op);
    return i < 0 ? NULL : references[i];
}

const struct kernel *kernel_bound(const char *op)
{
    int i = op_number(op);
    return i < 0 ? NULL : bound[i];
}

const char *kernel_peak_op(enum kernel_peak peak)
{
    return peak == PEAK_I8 ? "i8_peak" : peak == PEAK_F32 ? "f32_peak" : NULL;
}

void kernel_call(const struct kernel *row, const union kernel_args *a)
{
    switch (op_number(row->op)) {
#define X(op, args)                             \
    case OP_##op:                               \
        row->fn.op((const struct args *)a);     \
        break;
        KERNEL_OPS(X)
#undef X
    }
}

/* ---- Counting: the same table with each slot wrapped ---- */

/* Work is counted in whole FLOPs; integers, so that the order in which threads add does not matter. */
static atomic_ullong counted_flops, counted_special, counted_bytes;

static void count(int op, const void *args)
{
    const struct kernel_spec *s = references[op]->spec;
    struct kernel_work w = s->work(args);
    atomic_fetch_add_explicit(&counted_flops, (unsigned long long)w.flops, memory_order_relaxed);
    atomic_fetch_add_explicit(&counted_special, (unsigned long long)w.special, memory_order_relaxed);
    atomic_fetch_add_explicit(&counted_bytes, (unsigned long long)w.bytes, memory_order_relaxed);
}

#define X(op, args)                                \
    static void op##_counted(const struct args *a) \
    {                                              \
        count(OP_##op, a);                         \
        bound[OP_##op]->fn.op(a);                  \
    }
KERNEL_OPS(X)
#undef X

void kernel_count_begin(void)
{
    atomic_store(&counted_flops, 0);
    atomic_store(&counted_special, 0);
    atomic_store(&counted_bytes, 0);
#define X(op, args) K.op = op##_counted;
    KERNEL_OPS(X)
#undef X
}

struct kernel_work kernel_count_end(void)
{
    fill_table(&K, bound);
    return (struct kernel_work){(double)atomic_load(&counted_flops), (double)atomic_load(&counted_special),
                                (double)atomic_load(&counted_bytes)};
}
