/* kernel.h - the operations, their variants, and the table that is bound to this machine.
 *
 * A kernel is a pure function on arrays: it allocates nothing, starts no thread, does no I/O and keeps no state. It takes
 * one argument struct, so that the same call can be counted, timed, tested and replayed without knowing the operation.
 *
 * The file name is the registration: kernels/<op>_<isa>[_tag].c ends in one KERNEL(op, isa, ...) row, and make lists the files
 * whose ISA fits the target into kernels.inc. Each op has a scalar row, the reference, which carries the op's spec: test cases,
 * tolerance, flops and bytes. A variant with a tag is tested, listed and benchmarked but never picked by itself.
 *
 * Contract of every kernel: reads and writes only what its args name, never beyond (an mmapped weight may end at a page end);
 * any alignment of blocks and of a weight's bytes, a float's of float arrays; sizes that are no multiple of the vector width,
 * zero included; products and sums as the op's header says, within the spec's tolerance of the scalar row on the same bits, or
 * bit-equal where `.exact` says so. The result of one output element never depends on where in the tile it stands.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_KERNEL_H
#define HARTREE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CPU features, as bits; distinct across architectures so that a row compiles anywhere. */
enum {
    CPU_AVX2 = 1u << 0,
    CPU_FMA = 1u << 1,
    CPU_F16C = 1u << 2,
    CPU_AVX512 = 1u << 3, /* F, BW, DQ, VL */
    CPU_VNNI = 1u << 4,   /* AVX512_VNNI */
    CPU_NEON = 1u << 8,
    CPU_DOTPROD = 1u << 9,
    CPU_I8MM = 1u << 10,
};

/* ---- Argument structs: sizes count elements unless the name says bytes; pointers never alias unless stated ---- */

/* y[c * ldy + r] = sum over k < n of w[r][k] * x[c][k], for r < rows, c < cols: rows of weights in the file's own layout times
 * activations in the weight type's activation format (type.h: f32, q8_a32 or q8_a256). n is a multiple of both blocks.
 *
 * Two ops take it. <type>_dot is for few columns: it reads each weight where it lies, once. <type>_gemm is for many: it
 * unpacks weights, once for all columns, into panels on its stack (at most GEMM_PANEL_BYTES), laid out so that no sum ever
 * crosses lanes. Within either, an output's bits depend on its row and column alone, not on what stands beside it; between the
 * two they differ by rounding. */
struct dot_args {
    float *y;
    size_t ldy;
    const void *w;
    size_t w_stride; /* bytes from a weight row to the next */
    size_t rows;
    const void *x;
    size_t x_stride; /* bytes from an activation row to the next */
    size_t cols;
    size_t n;
};

enum { GEMM_PANEL_BYTES = 64 << 10 };
enum { DOT_COLS = 4 }; /* columns for which a dot of quantised weights unpacks a row's codes once (dot_columns.h) */

/* A kernel's frames together take less stack than this; attention on AVX-512 takes most, 165 KiB. */
enum { KERNEL_STACK_BYTES = 256 << 10 };

/* y[0..n) = the values of n elements stored at x in the op's type. n is a multiple of the block. */
struct dequant_args {
    float *y;
    const void *x;
    size_t n;
};

/* Stores n floats in the op's type. `importance` is NULL or n weights >= 0 of the squared error of each element; only the
 * types whose header says so use it. NaN and infinity in x give an unspecified but defined result. */
struct quant_args {
    void *y;
    const float *x;
    const float *importance;
    size_t n;
};

/* rms_norm: y = x / sqrt(mean(x^2) + eps) * w.  layer_norm: y = (x - mean) / sqrt(var + eps) * w + b.
 * `rows` vectors of n, strides in elements; w (and b) may be NULL for 1 (and 0). y may equal x. */
struct norm_args {
    float *y;
    const float *x;
    size_t y_stride, x_stride;
    const float *w, *b;
    size_t rows, n;
    float eps;
};

/* Rotates the first n_rot elements of `heads` vectors, `stride` elements apart, in place. cs holds n_rot / 2 pairs (cos, sin).
 * rope_norm rotates (x[2j], x[2j+1]), rope_neox (x[j], x[j + n_rot/2]). */
struct rope_args {
    float *x;
    const float *cs;
    size_t heads, stride, n_rot;
};

/* Attention of n_pos positions, `group` query vectors each, that share one key/value head: of every vector q
 * y = sum_t softmax_t(scale * <q, k[t]>) v[t], over the positions t that it sees. Position i sees those below end (below end +
 * i where causal), and of these the last `window` (0: all); at least one. In q and y the vectors of a position lie d apart,
 * positions q_stride and y_stride elements; k and v are rows in the op's KV type from position 0 on, strides in bytes, of which
 * only those are read that some query sees. d <= ATTEND_MAX_D, and a multiple of 32 for q8_0.
 *
 * Online softmax over tiles of positions: no score matrix. Tiles and pieces begin at multiples of their size from position 0,
 * so that the bits of a y depend on its q and its range alone. Pieces of ATTEND_PIECE positions are each a softmax of their
 * own, (max, sum, unnormalised y), and are folded in order of position. So a long range can be shared out: where `state` is
 * given, every range lies in one piece, y is left unnormalised and state gets a pair (max, sum) for each vector, in their
 * order; f32_attend_merge then folds the parts to the bits that the whole would have had. */
struct attend_args {
    float *y;
    const float *q;
    size_t y_stride, q_stride;
    const void *k, *v;
    size_t k_stride, v_stride;
    size_t n_pos, group, d;
    size_t end, window;
    bool causal;
    float scale;
    float *state; /* NULL: y is the result */
};

enum { ATTEND_MAX_D = 512, ATTEND_PIECE = 256 };

/* Vectors that a kernel takes together, for which it converts keys and values once: whoever shares work out gains nothing from
 * more at a time. So many vectors, and so many elements in all, fit its stack. */
enum { ATTEND_BLOCK = 96, ATTEND_BLOCK_ELEMENTS = 12 << 10 };

static inline size_t attend_block(size_t d)
{
    return d * ATTEND_BLOCK > ATTEND_BLOCK_ELEMENTS ? ATTEND_BLOCK_ELEMENTS / d : ATTEND_BLOCK;
}

/* Folds n_parts parts of attention of n_q vectors: part[p][i] is d unnormalised elements, state[p][i] a pair (max, sum); y is
 * n_q x d, dense. */
struct merge_args {
    float *y;
    const float *part, *state;
    size_t n_parts, n_q, d;
};

/* y[i] = f(gate[i]) * up[i]; y may equal gate or up. silu(x) = x / (1 + exp(-x)); gelu is the tanh form. */
struct glu_args {
    float *y;
    const float *gate, *up;
    size_t n;
};

/* add: y[i] += x[i].  scale: y[i] *= s.  softmax: y = softmax(y * s), in place.
 * gelu, quick_gelu: y[i] = f(x[i]), y may equal x; gelu is the tanh form, quick_gelu(x) = x / (1 + exp(-1.702 x)). */
struct vec_args {
    float *y;
    const float *x;
    float s;
    size_t n;
};

/* y[i] += sum over j < k of s[j] * x[j * x_stride + i], for i < n; rows in order of j, so that k at once and one by one differ
 * by rounding at most. The product with a matrix whose rows lie along the outputs. */
struct axpy_args {
    float *y;
    const float *x;
    size_t x_stride; /* elements from a row to the next */
    const float *s;
    size_t k, n;
};

/* y[i] = the next element of x[1] where bit i of the mask is set, else the next of x[0], for i < n: two vectors, each in its
 * order, shared out over one. add: y[i] += it. Bit i is bit i % 64 of mask[i / 64]. */
struct expand_args {
    float *y;
    const float *x[2];
    const uint64_t *mask;
    size_t n;
    bool add;
};

/* What the arithmetic of an instruction set can do at most: n rounds of multiply-adds that load and store nothing. No model
 * needs them; benchmarks and the accountant hold other kernels to their rate.
 * i8_peak: x is PEAK_I8_CODES codes u in 0..63, then as many signed codes v, which repeat every 8; y is one uint16_t, the sum
 * of 16 n u[i] v[i] modulo 2^16: what is left of it in sums of any width.
 * f32_peak: x is PEAK_F32_CHAINS floats, then two small integers a and b as floats; y[i] = x[i] + a b + a b ..., n times. */
struct peak_args {
    void *y;
    const void *x;
    size_t n;
};

enum { PEAK_I8_CODES = 64, PEAK_I8_REPEATS = 16, PEAK_F32_CHAINS = 192 };

/* *y = the least i < n with x[i] > s, or n where there is none. NaN is greater than nothing. */
struct find_args {
    size_t *y;
    const float *x;
    float s;
    size_t n;
};

/* ---- The list of operations: X(op, argument struct). The only place where an op and its signature are written. ---- */

#define KERNEL_TYPE_OPS(X, T) \
    X(T##_dequant, dequant_args) X(T##_quant, quant_args) X(T##_dot, dot_args) X(T##_gemm, dot_args)

#define KERNEL_OPS(X)           \
    KERNEL_TYPE_OPS(X, f32)     \
    KERNEL_TYPE_OPS(X, f16)     \
    KERNEL_TYPE_OPS(X, bf16)    \
    KERNEL_TYPE_OPS(X, q8_0)    \
    KERNEL_TYPE_OPS(X, q5_0)    \
    KERNEL_TYPE_OPS(X, q5_1)    \
    KERNEL_TYPE_OPS(X, q4_0)    \
    KERNEL_TYPE_OPS(X, q4_1)    \
    KERNEL_TYPE_OPS(X, q2_K)    \
    KERNEL_TYPE_OPS(X, q3_K)    \
    KERNEL_TYPE_OPS(X, q4_K)    \
    KERNEL_TYPE_OPS(X, q5_K)    \
    KERNEL_TYPE_OPS(X, q6_K)    \
    X(q8_a32_quant, quant_args)  \
    X(q8_a256_quant, quant_args) \
    X(f32_rms_norm, norm_args)  \
    X(f32_layer_norm, norm_args) \
    X(f32_rope_norm, rope_args) \
    X(f32_rope_neox, rope_args) \
    X(f32_attend, attend_args)  \
    X(f16_attend, attend_args)  \
    X(q8_0_attend, attend_args) \
    X(f32_attend_merge, merge_args) \
    X(f32_silu_mul, glu_args)   \
    X(f32_gelu_mul, glu_args)   \
    X(f32_gelu, vec_args)       \
    X(f32_quick_gelu, vec_args) \
    X(f32_add, vec_args)        \
    X(f32_scale, vec_args)      \
    X(f32_axpy, axpy_args)      \
    X(f32_expand, expand_args)  \
    X(f32_softmax, vec_args)    \
    X(i8_peak, peak_args)       \
    X(f32_peak, peak_args)       \
    X(f32_find_above, find_args)

#define X(op, args) typedef void op##_fn(const struct args *);
KERNEL_OPS(X)
#undef X

union kernel_fn {
#define X(op, args) op##_fn *op;
    KERNEL_OPS(X)
#undef X
};

struct kernel_table {
#define X(op, args) op##_fn *op;
    KERNEL_OPS(X)
#undef X
};

/* The rows whose functions K holds: what is said of a variant beside its code. NULL before kernel_init. */
struct kernel_row_table {
#define X(op, args) const struct kernel *op;
    KERNEL_OPS(X)
#undef X
};

union kernel_args {
    struct dot_args dot;
    struct dequant_args dequant;
    struct quant_args quant;
    struct norm_args norm;
    struct rope_args rope;
    struct attend_args attend;
    struct merge_args merge;
    struct glu_args glu;
    struct vec_args vec;
    struct axpy_args axpy;
    struct expand_args expand;
    struct peak_args peak;
    struct find_args find;
};

/* ---- What the scalar row says of its op, shared by tests, bench and the accountant ---- */

/* One memory region that a test case needs: `bytes` of input (filled by the spec) or output (compared). */
struct kernel_region {
    void *data;
    size_t bytes;
};
enum { KERNEL_MAX_REGIONS = 6 };

struct kernel_case {
    const char *name; /* e.g. "256x1", unique within the op */
    size_t a, b, c;   /* sizes whose meaning the spec chooses (n, rows, cols ...) */
};

struct kernel_work {
    double flops;   /* multiply-adds of matmul and attention, two each: what the field calls the model's FLOPs */
    double special; /* other arithmetic (norms, rope, softmax, activations), by the formulas in engine/ops/ */
    double bytes;   /* bytes read and written, each region once */
};

/* Which arithmetic bounds an op, if any does: the op whose rate its FLOPs are held to. */
enum kernel_peak { PEAK_NONE, PEAK_I8, PEAK_F32 };

struct kernel_spec {
    const struct kernel_case *cases; /* the benchmark times the last of most bytes */
    size_t n_cases;
    uint8_t align[KERNEL_MAX_REGIONS]; /* multiples of this many bytes a region's address may be shifted by; 0: 4, a float's */
    /* Sizes of the regions a case needs; region 0 is the output, the others are inputs. Returns how many there are. */
    size_t (*regions)(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS]);
    /* Fills the inputs with valid random data from `seed` and points *args at the regions. Regions may be misaligned. */
    void (*fill)(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args);
    /* Error of `got` against `want` (region 0 of each), in units in which `tolerance` is stated. */
    double (*error)(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got);
    double tolerance;
    enum kernel_peak peak;
    /* Work of one call with these args, whatever called it. */
    struct kernel_work (*work)(const union kernel_args *args);
};

struct kernel {
    const char *op, *isa; /* isa is "avx2" or, with a tag, "avx2_tag" */
    unsigned needs;       /* CPU feature bits */
    bool exact;           /* a tested claim: bit-equal to the scalar row */
    unsigned few;         /* a _dot's: the most columns that it multiplies sooner than the gemm of its instruction set does, as
                             measured, or counted where no machine was at hand (docs/kernels.md); 0 where nobody has (linear.h
                             has what is then assumed) */
    unsigned strip;       /* an _attend's: of many rows the elements of a value that it takes at a time, so that work on
                             values is as of a head rounded up to them; 0: as wide as it is */
    union kernel_fn fn;
    const struct kernel_spec *spec; /* scalar rows only */
};

#define KERNEL(OP, ISA, ...)                        \
    const struct kernel OP##_##ISA##_row = {        \
        .op = #OP, .isa = #ISA, .fn.OP = OP##_##ISA, __VA_ARGS__}

/* ---- Registry ---- */

extern const struct kernel *const kernel_rows[]; /* in ISA order, scalar first */
extern const size_t kernel_n_rows;

/* The table that the engine calls through. Bound by kernel_init; before that every slot is NULL. */
extern struct kernel_table K;
extern struct kernel_row_table kernel_bound_rows;

/* Features of this CPU and operating system (cpu.c). */
unsigned cpu_features(void);
const char *kernel_isa_at(size_t i);         /* this architecture's ISAs in dispatch order; NULL past the end */
bool kernel_isa_built(const char *isa);      /* whether a kernel of it is in kernel_rows */
unsigned kernel_isa_needs(const char *isa);  /* the bits an ISA name stands for; 0 for scalar, ~0u if unknown */

/* Binds K from what the CPU has, masked by HARTREE_ISA (highest ISA allowed: "scalar", "avx2", ...) and pinned by
 * HARTREE_KERNEL ("op:isa_tag[,op:isa...]"). A wrong value of either: false, and *message says what was found and expected. */
bool kernel_init(const char *isa, const char *pins, char *message, size_t message_size);

/* The features in force after kernel_init's mask, and the highest ISA of which a kernel is bound. */
unsigned kernel_active_features(void);
const char *kernel_active_isa(void);

const struct kernel *kernel_reference(const char *op); /* the scalar row, or NULL */
const struct kernel *kernel_bound(const char *op);     /* the row K uses now, or NULL */
const char *kernel_peak_op(enum kernel_peak peak);     /* "i8_peak", "f32_peak"; NULL for none */

/* Calls one row, bound or not, with the args of its op: how tests and benchmarks run a row they do not know. */
void kernel_call(const struct kernel *row, const union kernel_args *args);

/* While counting, every call through K also adds its spec's work (by args, at the call) to a total: the instrumented count
 * that cost.c's closed forms are held to. Calls may come from any thread. Not reentrant: K itself is exchanged, for the whole
 * process, so no kernel may be running in another thread at begin and end, and between them only what is to be counted: one
 * session. */
void kernel_count_begin(void);
struct kernel_work kernel_count_end(void);

#endif
