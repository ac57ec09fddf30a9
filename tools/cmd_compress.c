/* cmd_compress.c - a model with its linear layers factorised.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/compress/bundled_text.h"
#include "engine/compress/compress.h"
#include "tools/common_args.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MAX_TEXT = 1 << 30 };

static const char *out, *calib, *check, *survey, *core_type = "Q8_0";
static double ratio;
static int64_t rank_wanted, tokens = 32768, context = 512;
static int64_t sites = 2, split = 1, parts = 1;
static int scope, structure;
static bool uniform, separate, no_gauge, plain, sequential;

static const struct option options[] = {
    ARG_MODEL,
    {"output", "o", OPTION_STRING, &out, "FILE", "the file to write", 0, 0, NULL},
    {"ratio", NULL, OPTION_FLOAT, &ratio, "R", "keep this share of the parameters of the matrices in scope", 0.01, 1, NULL},
    {"rank", NULL, OPTION_INT, &rank_wanted, "K", "or: rank K for all of them", 1, 1 << 20, NULL},
    {"structure", NULL, OPTION_CHOICE, &structure, "S", "svd: low rank; mpo: more cores, or other factors (default svd)", 0, 0,
     "svd|mpo"},
    {"sites", NULL, OPTION_INT, &sites, "S", "cores of an mpo (default 2)", 2, MPO_MAX_CORES, NULL},
    {"split", NULL, OPTION_INT, &split, "N", "two cores: o = (out/N, N), i = (N, in/N) (default 1)", 1, 4096, NULL},
    {"parts", NULL, OPTION_INT, &parts, "N", "or o = (out, 1), i = (N, in/N): parts that share a factor (default 1)", 1, 4096,
     NULL},
    {"scope", NULL, OPTION_CHOICE, &scope, "S", "which matrices: all, ffn or attn (default all)", 0, 0, "all|ffn|attn"},
    {"calib", NULL, OPTION_STRING, &calib, "FILE", "the text to fit to (default: a bundled one)", 0, 0, NULL},
    {"tokens", NULL, OPTION_INT, &tokens, "N", "of it at most, 0 for all (default 32768)", 0, INT32_MAX, NULL},
    {"context", "c", OPTION_INT, &context, "N", "tokens of a sequence of it (default 512)", 32, 1 << 16, NULL},
    {"core-type", NULL, OPTION_STRING, &core_type, "T", "type of the cores (default Q8_0)", 0, 0, NULL},
    {"check", NULL, OPTION_STRING, &check, "FILE", "perplexity on this text before and after, and the KL divergence", 0, 0,
     NULL},
    {"survey", NULL, OPTION_STRING, &survey, "FILE",
     "keep the survey there, for other ratios, scopes and types (default: OUT.survey, while the work goes on)", 0, 0, NULL},
    {"uniform", NULL, OPTION_FLAG, &uniform, NULL, "the same ratio for all matrices, with no survey of what they matter", 0, 0,
     NULL},
    {"separate", NULL, OPTION_FLAG, &separate, NULL, "q, k and v each for itself, with no core in common", 0, 0, NULL},
    {"sequential", NULL, OPTION_FLAG, &sequential, NULL, "fit each layer to what the compressed layers before it give", 0, 0,
     NULL},
    {"no-gauge", NULL, OPTION_FLAG, &no_gauge, NULL, "store the identity's rows too: the usual low-rank product", 0, 0, NULL},
    {"plain", NULL, OPTION_FLAG, &plain, NULL, "fit to the weights alone, whatever their inputs are: a baseline", 0, 0, NULL},
    {.name = NULL},
};

static void show(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    (void)ctx;
    progress(what, done, total);
}

static bool checking(void *ctx, size_t chunk, size_t chunks)
{
    (void)ctx;
    progress("checking", chunk, chunks);
    return !interrupted;
}

static void put_json(const char *model, const char *path, const struct compress_result *r, const struct divergence *d)
{
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    json_put_string(&j, "model", model);
    json_put_string(&j, "output", path);
    json_put_number(&j, "ratio", r->ratio);
    json_put_integer(&j, "parameters_before", (int64_t)r->parameters_before);
    json_put_integer(&j, "parameters_after", (int64_t)r->parameters_after);
    json_put_integer(&j, "bytes_before", (int64_t)r->bytes_before);
    json_put_integer(&j, "bytes_after", (int64_t)r->bytes_after);
    json_put_number(&j, "block_bits", compress_bits(r));
    json_put_string(&j, "calibration", calib ? calib : bundled_text_name);
    json_put_string(&j, "calibration_sha256", r->text_sha256);
    json_key(&j, "tensors");
    json_array(&j);
    for (size_t i = 0; i < r->n; i++) {
        const struct compress_tensor *t = &r->tensors[i];
        json_object(&j);
        json_put_string(&j, "name", t->name);
        json_put_string(&j, "structure", t->structure);
        json_put_string(&j, "spec", t->spec);
        json_put_integer(&j, "rank", (int64_t)t->rank);
        json_put_number(&j, "rel_error", t->rel_error);
        json_put_integer(&j, "bytes", (int64_t)t->bytes);
        json_object_end(&j);
    }
    json_array_end(&j);
    if (d) {
        json_key(&j, "check");
        json_object(&j);
        json_put_divergence(&j, d);
        json_object_end(&j);
    }
    json_object_end(&j);
    json_end(&j);
}

static void put_text(const char *path, const struct compress_result *r, const struct divergence *d)
{
    printf("%-20s  %-9s  %6s  %9s  %12s\n", "matrix", "structure", "rank", "rel error", "bytes");
    for (size_t i = 0; i < r->n; i++) {
        const struct compress_tensor *t = &r->tensors[i];
        printf("%-20s  %-9s  %6zu  %9.5f  %12" PRIu64 "\n", t->name, t->structure, t->rank, t->rel_error, t->bytes);
    }
    printf("parameters in scope: %.0f, before %.0f: %.4f; %.3f bits for each of those before\n"
           "%s: %" PRIu64 " bytes, before %" PRIu64 ": %.4f\n",
           r->parameters_after, r->parameters_before, r->ratio, compress_bits(r), path, r->bytes_after, r->bytes_before,
           (double)r->bytes_after / (double)r->bytes_before);
    printf("calibration: %s, sha256 %s\n", calib ? calib : bundled_text_name, r->text_sha256);
    if (d) arg_print_divergence(d);
}

/* `text`: of --check, or NULL. */
static int finish(const struct model *m, const char *text, size_t len, const struct compress_result *r, struct error *e)
{
    struct divergence d;
    struct model *after = text ? model_open(out, NULL, 0, e) : NULL;
    const struct divergence_options o = {.kv_type = TYPE_F16, .threads = arg_threads(), .progress = checking};
    bool ok = !check || (after && divergence_run(m, after, text, len, &o, &d, e));
    model_close(after);
    if (!ok) return failed(e);
    if (common.json)
        put_json(m->file->path, out, r, check ? &d : NULL);
    else
        put_text(out, r, check ? &d : NULL);
    return EXIT_DONE;
}

static int run(int n_args, char **args)
{
    (void)n_args, (void)args;
    struct error e = {""};
    static const enum compress_scope scopes[] = {SCOPE_ALL, SCOPE_FFN, SCOPE_ATTENTION};
    struct compress_options o = {.ratio = ratio,
                                 .rank = (size_t)rank_wanted,
                                 .scope = scopes[scope],
                                 .tokens = (size_t)tokens,
                                 .context = (size_t)context,
                                 .uniform = uniform || plain,
                                 .separate = separate,
                                 .no_gauge = no_gauge,
                                 .sites = structure ? (int)sites : 0,
                                 .split = (int)split,
                                 .parts = (int)parts,
                                 .plain = plain,
                                 .sequential = sequential,
                                 .survey = survey,
                                 .threads = arg_threads(),
                                 .progress = show,
                                 .stop = &interrupted};
    if (!out) return usage_error("found no -o FILE, expected the file to write");
    if (!(ratio > 0) == !rank_wanted)
        return usage_error("found %s, expected one of --ratio R and --rank K", rank_wanted ? "both" : "neither");
    if (!structure && (sites > 2 || split > 1 || parts > 1))
        return usage_error("found factors of other kinds than low rank, expected --structure mpo with them");
    if ((split > 1) + (parts > 1) + (sites > 2) > 1) return usage_error("expected one of --sites above 2, --split and --parts");
    if (!type_by_name(core_type, &o.core_type)) return usage_error("unknown type '%s'", core_type);
    signals_catch();
    if (!arg_spares(out, NULL, calib, &e) || !arg_spares(out, NULL, check, &e)) return failed(&e);
    size_t check_len;
    char *readable = check ? file_read(check, MAX_TEXT, &check_len, &e) : NULL; /* now, not after hours of work */
    if (check && !readable) return failed(&e);
    free(readable);
    char *text = calib ? file_read(calib, MAX_TEXT, &o.text_len, &e) : NULL;
    size_t judged_len = 0; /* read before hours are spent on what it is to judge */
    char *judged = check && (text || !calib) ? file_read(check, MAX_TEXT, &judged_len, &e) : NULL;
    struct model *m = (text || !calib) && (judged || !check) ? arg_open_model(0, &e) : NULL;
    struct compress_result r;
    o.text = calib ? text : bundled_text;
    if (!calib) o.text_len = bundled_text_len;
    int status = EXIT_FAILED;
    if (m && compress_run(m, out, &o, &r, &e)) {
        status = finish(m, judged, judged_len, &r, &e);
        compress_result_free(&r);
    } else {
        failed(&e);
    }
    model_close(m);
    free(judged);
    free(text);
    return status;
}

const struct command command_compress = {
    .name = "compress",
    .summary = "write a model with its linear layers factorised",
    .usage = "-m M -o OUT (--ratio R | --rank K) [--scope all|ffn|attn] [--calib FILE] [--check FILE] [options]",
    .description =
        "Each matrix becomes a product of thin ones in identity gauge (docs/mpo.md), as close to it as that many parameters "
        "allow on the inputs that a text gives it. A survey finds which matrices matter and shares the parameters out; what "
        "is worth its place stays as it is. Interrupted work goes on where it was: until OUT is whole the "
        "survey is kept in OUT.survey (or --survey FILE, which stays), and the cores that are done in OUT.work.",
    .options = options,
    .run = run,
};
