/* kernels.c - holds every row of the registry to its op's scalar row: on the same bits, at every case of the spec, with
 * inputs that end at a page that is not there, at shifted addresses, with bytes around the output that must not change.
 * HARTREE_SEED changes the random inputs.
 * SPDX-License-Identifier: MIT */
#include "base/suffix.h"
#include "kernels/kernel.h"
#include "tests/test.h"

#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SHIFTS = 8, MARGIN = 256, FILLER = 0xa5 };
#define LARGE (320u << 10) /* bytes of a case from which on one placement is tried: it is there for the benchmark */

/* ---- Guarded memory: pages between two that fault ---- */

struct guarded {
    unsigned char *base; /* first usable byte */
    size_t size;         /* usable bytes, whole pages */
};

static struct guarded guarded_new(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (bytes + 2 * MARGIN + page - 1) / page * page;
    unsigned char *p = mmap(NULL, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p, page, PROT_NONE) || mprotect(p + page + size, page, PROT_NONE)) {
        perror("mmap");
        exit(1);
    }
    return (struct guarded){p + page, size};
}

static void guarded_free(struct guarded g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(g.base - page, g.size + 2 * page);
}

static sigjmp_buf escape;
static void on_fault(int signal)
{
    siglongjmp(escape, signal);
}

/* Calls the row; false if it touched memory that is not there. */
static bool call_survives(const struct kernel *row, const union kernel_args *args)
{
    struct sigaction old_segv, old_bus, sa = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &sa, &old_segv);
    sigaction(SIGBUS, &sa, &old_bus);
    bool fine = sigsetjmp(escape, 1) == 0;
    if (fine) kernel_call(row, args);
    sigaction(SIGSEGV, &old_segv, NULL);
    sigaction(SIGBUS, &old_bus, NULL);
    return fine;
}

/* ---- One case ---- */

struct trial {
    const struct kernel *row, *reference;
    const struct kernel_case *c;
    uint64_t seed;
    size_t n; /* regions */
    size_t bytes[KERNEL_MAX_REGIONS];
    struct kernel_region want[KERNEL_MAX_REGIONS]; /* the reference's own memory */
    union kernel_args want_args;
    struct guarded memory[KERNEL_MAX_REGIONS];
    struct kernel_region got[KERNEL_MAX_REGIONS];
    union kernel_args args;
    char why[256];
};

static bool wrong(struct trial *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct trial *b, const char *format, ...)
{
    int at = snprintf(b->why, sizeof b->why, "case %s: ", b->c->name);
    va_list ap;
    va_start(ap, format);
    vsnprintf(b->why + at, sizeof b->why - (size_t)at, format, ap);
    va_end(ap);
    return false;
}

/* Where in its guarded memory region i stands. Shift 0 ends inputs at the guard; later ones move each region by another number
 * of its alignment units; shift SHIFTS begins inputs at the lower guard. The output always has a margin on both sides. */
static void place(struct trial *b, size_t shift)
{
    for (size_t i = 0; i < b->n; i++) {
        size_t unit = b->reference->spec->align[i] ? b->reference->spec->align[i] : 4;
        size_t away = shift * (2 * i + 1) % SHIFTS * unit;
        unsigned char *p = b->memory[i].base + b->memory[i].size - b->bytes[i] - away;
        if (i == 0)
            p -= MARGIN / 2;
        else if (shift == SHIFTS)
            p = b->memory[i].base;
        b->got[i] = (struct kernel_region){p, b->bytes[i]};
        memset(b->memory[i].base, FILLER, b->memory[i].size);
    }
    b->reference->spec->fill(b->c, b->seed, b->got, &b->args);
}

static bool surroundings_kept(const struct trial *b, size_t i)
{
    const unsigned char *p = b->memory[i].base, *end = p + b->memory[i].size, *data = b->got[i].data;
    for (; p < end; p++) {
        if (p == data) p += b->bytes[i];
        if (p < end && *p != FILLER) return false;
    }
    return true;
}

static bool placement_holds(struct trial *b, size_t shift)
{
    const struct kernel_spec *spec = b->reference->spec;
    place(b, shift);
    if (!call_survives(b->row, &b->args)) return wrong(b, "placement %zu: touches memory beyond its arguments", shift);
    for (size_t i = 0; i < b->n; i++)
        if (!surroundings_kept(b, i)) return wrong(b, "placement %zu: writes beyond region %zu", shift, i);
    for (size_t i = 1; i < b->n; i++)
        if (memcmp(b->got[i].data, b->want[i].data, b->bytes[i])) return wrong(b, "placement %zu: changes input %zu", shift, i);
    if (b->row->exact && memcmp(b->got[0].data, b->want[0].data, b->bytes[0]))
        return wrong(b, "placement %zu: not bit-equal to the scalar row, as .exact claims", shift);
    double e = spec->error(b->c, &b->want_args, b->want[0].data, b->got[0].data);
    if (!(e <= spec->tolerance)) return wrong(b, "placement %zu: error %g, tolerance %g", shift, e, spec->tolerance);
    return true;
}

/* ---- A part of the work must give the bits that it has in the whole ---- */

static bool dot_part_holds(struct trial *b, size_t r0, size_t r1, size_t c0, size_t c1)
{
    const struct dot_args *a = &b->args.dot;
    size_t rows = r1 - r0, cols = c1 - c0;
    float *y = malloc((rows * cols + 1) * sizeof *y);
    union kernel_args part = b->args;
    part.dot.y = y, part.dot.ldy = rows;
    part.dot.w = (const char *)a->w + r0 * a->w_stride, part.dot.rows = rows;
    part.dot.x = (const char *)a->x + c0 * a->x_stride, part.dot.cols = cols;
    kernel_call(b->row, &part);
    bool same = true;
    for (size_t c = 0; c < cols; c++)
        if (rows && memcmp(y + c * rows, a->y + (c0 + c) * a->ldy + r0, rows * sizeof *y)) same = false;
    free(y);
    return same ? true : wrong(b, "rows %zu..%zu, columns %zu..%zu alone differ from the whole", r0, r1, c0, c1);
}

/* Every position's range shared out by pieces and merged */
static bool attend_shared_out_holds(struct trial *b)
{
    const struct attend_args *a = &b->args.attend;
    const struct kernel *merge = kernel_reference("f32_attend_merge");
    size_t width = a->group * a->d;
    float *part = malloc((width * (a->end + a->n_pos) / ATTEND_PIECE + 2 * width) * sizeof *part),
          *y = malloc(width * sizeof *y);
    float *state = malloc((a->group * (a->end + a->n_pos) / ATTEND_PIECE + 2 * a->group) * 2 * sizeof *state);
    bool same = true;
    for (size_t i = 0; i < a->n_pos; i++) {
        size_t end = a->end + (a->causal ? i : 0), t = a->window && end > a->window ? end - a->window : 0, n = 0;
        for (size_t next; t < end; t = next, n++) {
            next = t / ATTEND_PIECE * ATTEND_PIECE + ATTEND_PIECE;
            if (next > end) next = end;
            union kernel_args piece = b->args;
            piece.attend.y = part + n * width, piece.attend.q = a->q + i * a->q_stride, piece.attend.n_pos = 1;
            piece.attend.end = next, piece.attend.window = next - t, piece.attend.state = state + n * a->group * 2;
            kernel_call(b->row, &piece);
        }
        kernel_call(merge, &(union kernel_args){.merge = {y, part, state, n, a->group, a->d}});
        same &= !memcmp(y, a->y + i * a->y_stride, width * sizeof *y);
    }
    free(part);
    free(y);
    free(state);
    return same ? true : wrong(b, "ranges shared out by pieces and merged differ from the whole");
}

static bool parts_hold(struct trial *b)
{
    place(b, 0);
    kernel_call(b->row, &b->args);
    if (ends_with(b->row->op, "_dot") || ends_with(b->row->op, "_gemm")) {
        size_t R = b->args.dot.rows, C = b->args.dot.cols;
        return dot_part_holds(b, 0, R ? 1 : 0, 0, C) && dot_part_holds(b, R / 2, R, 0, C ? 1 : 0) &&
               dot_part_holds(b, R / 3, R, C / 2, C) && dot_part_holds(b, R ? R - 1 : 0, R, C / 3, C) &&
               dot_part_holds(b, 0, R - R / 3, 0, C - C / 3);
    }
    if (ends_with(b->row->op, "_attend")) { /* each vector alone */
        const struct attend_args *a = &b->args.attend;
        float y[ATTEND_MAX_D], state[2];
        for (size_t i = 0; i < a->n_pos * a->group; i++) {
            size_t pos = i / a->group, head = i % a->group;
            union kernel_args part = b->args;
            part.attend.y = y, part.attend.q = a->q + pos * a->q_stride + head * a->d;
            part.attend.n_pos = part.attend.group = 1, part.attend.end = a->end + (a->causal ? pos : 0);
            if (a->state) part.attend.state = state;
            kernel_call(b->row, &part);
            if (memcmp(y, a->y + pos * a->y_stride + head * a->d, a->d * sizeof *y) ||
                (a->state && memcmp(state, a->state + 2 * i, sizeof state)))
                return wrong(b, "position %zu, vector %zu alone differs from it among others", pos, head);
        }
        return a->state || attend_shared_out_holds(b);
    }
    return true;
}

/* ---- Every case of a row ---- */

static bool case_holds(struct trial *b)
{
    const struct kernel_spec *spec = b->reference->spec;
    size_t total = 0;
    b->n = spec->regions(b->c, b->bytes);
    for (size_t i = 0; i < b->n; i++) {
        total += b->bytes[i];
        b->memory[i] = guarded_new(b->bytes[i]);
        b->want[i] = (struct kernel_region){aligned_alloc(64, b->bytes[i] / 64 * 64 + 64), b->bytes[i]};
        memset(b->want[i].data, FILLER, b->bytes[i]);
    }
    spec->fill(b->c, b->seed, b->want, &b->want_args);
    kernel_call(b->reference, &b->want_args);

    bool ok = true;
    for (size_t shift = 0; ok && shift <= SHIFTS; shift += total < LARGE ? 1 : SHIFTS + 1) ok = placement_holds(b, shift);
    ok = ok && (total >= LARGE || parts_hold(b)); /* last: by now the row is known to keep to its memory */
    for (size_t i = 0; i < b->n; i++) {
        guarded_free(b->memory[i]);
        free(b->want[i].data);
    }
    return ok;
}

static void test_row(const struct kernel *row, uint64_t seed)
{
    char name[96];
    snprintf(name, sizeof name, "%s_%s", row->op, row->isa);
    if ((row->needs & cpu_features()) != row->needs) {
        SKIP(name, "this CPU lacks the instructions");
        return;
    }
    struct trial b = {.row = row, .reference = kernel_reference(row->op), .seed = seed};
    const struct kernel_spec *spec = b.reference->spec;
    bool ok = spec->n_cases > 0;
    if (!ok) snprintf(b.why, sizeof b.why, "the spec has no cases");
    for (size_t i = 0; ok && i < spec->n_cases; i++) {
        b.c = &spec->cases[i];
        ok = case_holds(&b);
    }
    TEST(name, ok, "%s (seed %llu)", b.why, (unsigned long long)seed);
}

/* ---- Binding ---- */

static void test_binding(void)
{
    char message[256] = "";
    bool ok = kernel_init(NULL, NULL, message, sizeof message);
    TEST("bind", ok && kernel_bound("f32_add")->fn.f32_add == K.f32_add, "%s", message);

    ok = kernel_init("sse9", NULL, message, sizeof message);
    TEST("bind_refuses_unknown_isa",
         !ok && strstr(message, "HARTREE_ISA") && strstr(message, "sse9") && strstr(message, "scalar"), "said: %s", message);
    ok = kernel_init(NULL, "f32_add:nope", message, sizeof message);
    TEST("bind_refuses_unknown_kernel", !ok && strstr(message, "HARTREE_KERNEL") && strstr(message, "f32_add:nope"), "said: %s",
         message);
    ok = kernel_init(NULL, "f32_add:scalar,,f32_add", message, sizeof message);
    TEST("bind_refuses_malformed_list", !ok && strstr(message, "expected"), "said: %s", message);

    const char *masked = NULL;
    ok = kernel_init("scalar", NULL, message, sizeof message);
    for (size_t i = 0; ok && i < kernel_n_rows; i++)
        if (strcmp(kernel_bound(kernel_rows[i]->op)->isa, "scalar")) masked = kernel_rows[i]->op;
    TEST("bind_isa_masks", ok && !masked && !strcmp(kernel_active_isa(), "scalar"), "%s", masked ? masked : message);

    /* Any row that is not scalar and that this CPU has. */
    const struct kernel *fast = NULL;
    for (size_t i = 0; i < kernel_n_rows && !fast; i++)
        if (kernel_rows[i]->needs && (kernel_rows[i]->needs & cpu_features()) == kernel_rows[i]->needs) fast = kernel_rows[i];
    if (!fast) {
        SKIP("bind_pins", "this CPU runs scalar kernels only");
        return;
    }
    char pin[96];
    snprintf(pin, sizeof pin, "%s:scalar", fast->op);
    ok = kernel_init(NULL, pin, message, sizeof message);
    TEST("bind_pins", ok && !strcmp(kernel_bound(fast->op)->isa, "scalar"), "%s", message);
    snprintf(pin, sizeof pin, "%s:%s", fast->op, fast->isa);
    ok = kernel_init("scalar", pin, message, sizeof message);
    TEST("bind_refuses_pin_above_mask", !ok && strstr(message, pin), "said: %s", message);
}

/* Only dots say how many columns are few, and calibration counts on it that 16 are many. */
static void test_few(void)
{
    const struct kernel *wrong = NULL;
    for (size_t i = 0; i < kernel_n_rows; i++) {
        const struct kernel *r = kernel_rows[i];
        size_t len = strlen(r->op);
        bool dot = len > 4 && !strcmp(r->op + len - 4, "_dot");
        if (dot ? r->few >= 16 : r->few > 0) wrong = r;
    }
    TEST("few_columns", !wrong, "%s_%s: %u", wrong->op, wrong->isa, wrong->few);
}

static void test_counting(void)
{
    char message[256];
    kernel_init(NULL, NULL, message, sizeof message);
    float y[96], x[96] = {0}, kv[3 * 32] = {0};
    struct vec_args add = {.y = y, .x = x, .n = 96};
    struct attend_args attend = {.y = y,
                                 .q = x,
                                 .k = kv,
                                 .v = kv,
                                 .k_stride = 128,
                                 .v_stride = 128,
                                 .n_pos = 1,
                                 .group = 2,
                                 .d = 32,
                                 .end = 3,
                                 .scale = 1};
    memset(y, 0, sizeof y);
    K.f32_add(&add);
    kernel_count_begin();
    K.f32_add(&add);
    K.f32_attend(&attend);
    struct kernel_work w = kernel_count_end();
    K.f32_add(&add);
    double bytes = 96 * 12 + 2 * 2 * 32 * 4 + 2 * 3 * 32 * 4;
    TEST("counting", w.flops == 4 * 2 * 3 * 32 && w.special == 96 + 5 * 2 * 3 && w.bytes == bytes,
         "flops %g, special %g, bytes %g, expected %d, %d, %g", w.flops, w.special, w.bytes, 4 * 2 * 3 * 32, 96 + 5 * 2 * 3,
         bytes);
    TEST("counting_unwraps", K.f32_add == kernel_bound("f32_add")->fn.f32_add, "the table still counts");
}

int main(void)
{
    const char *s = getenv("HARTREE_SEED");
    uint64_t seed = s && *s ? strtoull(s, NULL, 0) : 20240229;
    printf("# seed %llu, this CPU's features %#x\n", (unsigned long long)seed, cpu_features());
    test_binding();
    for (size_t i = 0; i < kernel_n_rows; i++) test_row(kernel_rows[i], seed);
    test_few();
    test_counting();
    TEST_MAIN_END();
}
