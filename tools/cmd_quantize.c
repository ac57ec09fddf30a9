/* cmd_quantize.c - a model with its matrices in other types.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/quantise.h"
#include "tools/calibration_args.h"
#include "tools/common_args.h"

#include <inttypes.h>
#include <math.h>

static const char *imatrix_path;
static int64_t rank;
static bool mean, feedback, no_feedback, detail_rows;

static const struct option options[] = {
    {"imatrix", NULL, OPTION_STRING, &imatrix_path, "FILE",
     "what the inputs look like (of hartree imatrix, or llama-imatrix as GGUF): errors count by what they do to the output", 0,
     0, NULL},
    ARG_CALIB,
    ARG_TOKENS,
    {"correct", NULL, OPTION_INT, &rank, "R",
     "add a correction of rank R to each matrix of a block, fitted in the metric of its inputs, in Q8_0 (an --imatrix then has "
     "to be of hartree)",
     1, 1024, NULL},
    {"correct-mean", NULL, OPTION_FLAG, &mean, NULL, "add a bias to each that takes its error on the mean input", 0, 0, NULL},
    {"feedback", NULL, OPTION_FLAG, &feedback, NULL,
     "let later blocks of a row make up for errors of earlier ones: no bytes (default with --correct and --correct-mean)", 0, 0,
     NULL},
    {"no-feedback", NULL, OPTION_FLAG, &no_feedback, NULL, "quantise each block for itself", 0, 0, NULL},
    {"tensors", NULL, OPTION_FLAG, &detail_rows, NULL, "print a line for each matrix that was made anew", 0, 0, NULL},
    {.name = NULL},
};

static void writing(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    progress("quantizing", done, total);
}

/* A misspelt type is wrong usage. */
static int refuse(const char *type, const struct error *e)
{
    enum { MAX_NAMES = 64 };
    const char *words[MAX_NAMES + 1] = {NULL};
    for (size_t i = 0; i < MAX_NAMES && mix_at(i); i++) words[i] = mix_name(mix_at(i));
    const char *near = nearest_word(type, words);
    return near ? usage_error("unknown type '%s', did you mean '%s'?", type, near) : usage_error("%s", e->text);
}

static void print_types(const char *what, const struct type_sum totals[TYPE_FILE_END])
{
    for (unsigned t = 0; t < TYPE_FILE_END; t++)
        if (totals[t].tensors)
            printf("%-6s  %-5s  %7" PRIu64 "  %15" PRIu64 "\n", what, type_name(t), totals[t].tensors, totals[t].bytes);
}

/* What is known of the inputs: from a file, or from a text run through the model now. NULL and *e. */
static struct imatrix *find_inputs(const char *path, struct error *e)
{
    if (imatrix_path) return imatrix_read(imatrix_path, e);
    struct model *m = model_open(path, NULL, 0, e);
    struct imatrix *im = m ? arg_collect(m, e) : NULL;
    model_close(m);
    return im;
}

static void print_rows(const struct quantise_result *r)
{
    printf("matrix                     type   rows  rank      bytes   bits     error  corrected\n");
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct quantise_row *t = &r->rows[i];
        printf("%-25s  %-5s  %4zu  %4zu  %9" PRIu64 "  %5.2f  %8.5f   %8.5f\n", t->prefix, type_name(t->type), t->join, t->rank,
               t->bytes, 8 * (double)t->bytes / (double)t->parameters, t->error, t->corrected);
    }
}

static void put_rows(struct json *j, const struct quantise_result *r)
{
    json_put_number(j, "block_bits", quantise_bits(r));
    json_key(j, "matrices");
    json_array(j);
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct quantise_row *t = &r->rows[i];
        json_object(j);
        json_put_string(j, "name", t->prefix);
        json_put_string(j, "type", type_name(t->type));
        json_put_integer(j, "joined_rows", (int64_t)t->join);
        json_put_integer(j, "rank", (int64_t)t->rank);
        json_put_integer(j, "bytes", (int64_t)t->bytes);
        json_put_number(j, "bits", 8 * (double)t->bytes / (double)t->parameters);
        json_put_number(j, "rel_error", t->error);
        json_put_number(j, "rel_error_corrected", t->corrected);
        json_object_end(j);
    }
    json_array_end(j);
}

/* What was made without the weights that were asked for. */
static void tell_lacking(const struct quantise_result *r)
{
    char names[QUANTISE_NAMED * (TENSOR_MAX_NAME + 2)] = "";
    size_t named = r->n_lacking < QUANTISE_NAMED ? r->n_lacking : QUANTISE_NAMED;
    if (!r->n_lacking) return;
    for (size_t i = 0, n = 0; i < named; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", r->lacking[i]);
    note("importance matrix: found nothing of %zu of the blocks' %zu matrices, which go without: %s%s", r->n_lacking,
         r->matrices, names, r->n_lacking > named ? ", ..." : "");
}

static int run(int n_args, char **args)
{
    (void)n_args;
    struct error e = {""};
    struct quantise_options o = {.mix = mix_find(args[2], &e),
                                 .remake = {.rank = (size_t)rank, .mean = mean},
                                 .threads = arg_threads(),
                                 .progress = writing,
                                 .stop = &interrupted};
    if (!o.mix) return refuse(args[2], &e);
    if (feedback && no_feedback) return usage_error("found both --feedback and --no-feedback, expected one of them");
    if (imatrix_path && calibration_args.calib) return usage_error("found both --imatrix and --calib, expected one of them");
    bool known = imatrix_path || calibration_args.calib || rank || mean || feedback; /* else nothing asks for the inputs */
    o.remake.feedback = feedback || ((rank || mean) && !no_feedback);
    struct quantise_result r = {.rows = NULL};
    signals_catch();
    if (!arg_spares(args[1], NULL, imatrix_path, &e) || !arg_spares(args[1], NULL, calibration_args.calib, &e))
        return failed(&e);
    struct imatrix *im = known ? find_inputs(args[0], &e) : NULL;
    o.imatrix = im;
    bool ok = (!known || im) && quantise_file(args[0], args[1], &o, &r, &e);
    imatrix_free(im);
    if (!ok) return failed(&e);
    tell_lacking(&r);
    if (common.json) {
        struct json j;
        json_begin(&j, stdout);
        json_object(&j);
        json_put_string(&j, "input", args[0]);
        json_put_string(&j, "output", args[1]);
        json_put_string(&j, "type", mix_name(o.mix));
        json_put_integer(&j, "bytes_before", (int64_t)r.file_bytes_in);
        json_put_integer(&j, "bytes_after", (int64_t)r.file_bytes_out);
        json_put_integer(&j, "parameters", (int64_t)r.parameters);
        json_put_integer(&j, "tensors", (int64_t)r.tensors);
        json_put_integer(&j, "converted", (int64_t)r.converted);
        json_put_types(&j, "types_before", r.in);
        json_put_types(&j, "types_after", r.out);
        if (known) json_put_integer(&j, "without_inputs", (int64_t)r.n_lacking);
        if (r.n_rows) put_rows(&j, &r);
        json_object_end(&j);
        json_end(&j);
        quantise_result_free(&r);
        return EXIT_DONE;
    }
    if (detail_rows) print_rows(&r);
    printf("        type   tensors            bytes\n");
    print_types("before", r.in);
    print_types("after", r.out);
    printf("%s: %" PRIu64 " bytes\n%s: %" PRIu64 " bytes, %.1f %%, %.2f bits a parameter, %zu of %zu tensors converted\n",
           args[0], r.file_bytes_in, args[1], r.file_bytes_out, 100.0 * (double)r.file_bytes_out / (double)r.file_bytes_in,
           8.0 * (double)r.file_bytes_out / (double)(r.parameters ? r.parameters : 1), r.converted, r.tensors);
    if (r.n_rows) printf("%zu matrices of blocks made anew: %.3f bits a parameter\n", r.n_rows, quantise_bits(&r));
    quantise_result_free(&r);
    return EXIT_DONE;
}

const struct command command_quantize = {
    .name = "quantize",
    .summary = "write a model with its matrices in other types",
    .usage = "IN OUT TYPE [--imatrix FILE | --calib TEXT] [--correct R] [--correct-mean]",
    .description =
        "TYPE is a mix as llama-quantize makes it (Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M) or one type for "
        "every matrix (F32 F16 BF16 Q8_0 Q5_0 Q5_1 Q4_0 Q4_1 Q2_K Q3_K Q4_K Q5_K Q6_K). Vectors become F32, cores 8 bits where "
        "matrices become fewer. A row "
        "that a type's blocks of 256 do not divide gets the nearest type with smaller ones, as llama-quantize does.\n\n"
        "With what the inputs look like (docs/mpo.md), errors count by what they do to the output. With --feedback, --correct "
        "or "
        "--correct-mean the matrices of blocks are made anew: rows are joined where blocks do not divide them, a single type "
        "leaves the embedding and the output as they are, and the bits of the blocks' matrices are printed.",
    .options = options,
    .min_args = 3,
    .max_args = 3,
    .run = run,
};
