/* SPDX-License-Identifier: MIT */
#include "tools/common_args.h"

#include "base/clock.h"
#include "engine/account/calibrate.h"
#include "engine/shapes.h"
#include "vision/clamp.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *arg_model, *arg_mmproj, *arg_prompt, *arg_file, *arg_energy = "auto";
double arg_max_time;
int arg_kv = 1;

enum { MAX_TEXT_BYTES = 1 << 30 };

enum type arg_kv_type(void)
{
    static const enum type types[] = {TYPE_F32, TYPE_F16, TYPE_Q8_0};
    return types[arg_kv];
}

static void loading(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    progress("loading", done, total);
}

const char *arg_model_path(struct error *e)
{
    return arg_model ? arg_model : demo_path(DEMO_TEXT, e);
}

static struct model *open_model(int flags, struct error *e)
{
    const char *path = arg_model_path(e);
    return path ? model_open(path, &(struct file_options){.progress = loading}, flags, e) : NULL;
}

struct model *arg_open_model(int flags, struct error *e)
{
    struct model *m = open_model(flags, e);
    if (m && !(flags & MODEL_HEADER_ONLY)) model_file_settle(m->file, loading, NULL);
    return m;
}

int arg_picture_words(const char *image, const char *clamp)
{
    struct clamp c;
    struct error e;
    if (image && !image[strspn(image, ",")]) return usage_error("--image: found no name, expected a picture's");
    if (image && arg_model && !arg_mmproj) return usage_error("--image: found no tower, expected --mmproj FILE");
    if (!image && (arg_mmproj || clamp || arg_max_time > 0))
        return usage_error("--%s: found no picture, expected --image FILE", arg_mmproj ? "mmproj"
                                                                            : clamp    ? "clamp"
                                                                                       : "max-time");
    if (clamp && !clamp_parse(clamp, &c, &e)) return usage_error("--clamp: %s", e.text);
    return EXIT_DONE;
}

bool arg_vision(struct error *e)
{
    return (arg_model || (arg_model = demo_path(DEMO_VISION, e))) && (arg_mmproj || (arg_mmproj = demo_path(DEMO_TOWER, e)));
}

bool arg_spares(const char *out, const struct model *m, const char *file, struct error *e)
{
    if (m && model_file_is_part(m->file, out))
        return fail(e, "%s: found a file of the model that is read, expected another", out);
    return !file || !file_is(file, out) || fail(e, "%s: found a file that is read, expected another", out);
}

struct model *arg_open_model_and_device(int flags, const char *device, struct device *d, double *load_s, struct error *e)
{
    double start = clock_now();
    struct model *m = open_model(flags, e);
    *load_s = clock_now() - start;
    if (m && !device_find(d, device, note, &interrupted, e)) {
        model_close(m);
        return NULL;
    }
    start = clock_now();
    if (m) model_file_settle(m->file, loading, NULL);
    *load_s += clock_now() - start;
    return m;
}

void arg_note_cut(const struct model_file *f)
{
    if (f->missing)
        note("%s: tensor data: found %" PRIu64 " bytes fewer than expected: the file is cut short; only its header was read",
             f->path, f->missing);
}

void arg_note_quick(const char *device, const struct device *d, int threads)
{
    bool own = !device || !strcmp(device, "this"), known = !isnan(device_rate(d, "read_bandwidth", threads));
    if (own && known && isnan(device_rate(d, "interval95", threads)))
        note("a quick profile: no interval; run 'hartree calibrate'");
}

char *arg_text(size_t *len, bool *usage, struct error *e)
{
    *usage = !arg_prompt == !arg_file;
    if (*usage) {
        fail(e, arg_prompt ? "found both -p and -f, expected one of them"
                           : "found no text, expected -p TEXT or -f FILE (- for stdin)");
        return NULL;
    }
    if (arg_file) return file_read(arg_file, MAX_TEXT_BYTES, len, e);
    *len = strlen(arg_prompt);
    char *text = strdup(arg_prompt);
    if (!text) fail(e, "prompt: found no memory");
    return text;
}

int arg_threads(void)
{
    return common.threads ? (int)common.threads : pool_default_threads();
}

bool arg_prefill_progress(void *ctx, size_t done, size_t total)
{
    (void)ctx;
    progress("prefill", done, total);
    return !interrupted;
}

/* The nearest bundled name to a NAME[:TYPE] that is none, or NULL. */
static const char *nearest_shape(const char *spec)
{
    enum { MAX_NAMES = 128 };
    const char *words[MAX_NAMES + 1] = {NULL};
    char name[64];
    size_t n = 0;
    const struct shape *s;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(spec, ":"), spec);
    for (size_t i = 0; (s = shape_at(i)) && n + 2 <= MAX_NAMES; i++) {
        words[n++] = s->name;
        if (s->alias) words[n++] = s->alias;
    }
    for (size_t i = 0; i < n; i++)
        if (!strcmp(words[i], name)) return NULL;
    return nearest_word(name, words);
}

int arg_wrong_shape(const char *spec, const struct error *e)
{
    const char *near = nearest_shape(spec);
    return near ? usage_error("--shape: unknown '%s', did you mean '%s'?", spec, near) : usage_error("--shape: %s", e->text);
}

void arg_note_assumed(const char *spec)
{
    struct shape s;
    const struct mix *mix;
    struct error e;
    if (!shape_parse(spec, &s, &mix, &e)) return;
    const char *type = strchr(spec, ':') ? "" : "weights of F16, as no :TYPE says otherwise";
    if (*type || s.assumed) note("%s: assumed: %s%s%s", spec, type, *type && s.assumed ? "; " : "", s.assumed ? s.assumed : "");
}

void json_put_types(struct json *j, const char *key, const struct type_sum types[TYPE_FILE_END])
{
    json_key(j, key);
    json_object(j);
    for (unsigned t = 0; t < TYPE_FILE_END; t++) {
        if (!types[t].tensors) continue;
        json_key(j, type_name(t));
        json_object(j);
        json_put_integer(j, "tensors", (int64_t)types[t].tensors);
        json_put_integer(j, "bytes", (int64_t)types[t].bytes);
        json_object_end(j);
    }
    json_object_end(j);
}

static void tried(void *ctx, const char *source, const char *why)
{
    (void)ctx;
    detail("--energy auto: %s: %s", source, why);
}

struct meter *arg_open_meter(struct error *e)
{
    struct meter *m = meter_open(arg_energy, &(struct meter_options){.tried = tried}, e);
    if (!m) return fail_in(e, "--energy"), NULL;
    detail("--energy %s: %s", arg_energy, meter_source(m));
    return m;
}

void arg_print_divergence(const struct divergence *d)
{
    printf(
        "perplexity %.4f +- %.4f; of the original %.4f +- %.4f (%zu tokens in %zu chunks of %zu)\n"
        "ratio %.4f, its logarithm %.4f +- %.4f; KL divergence %.4f +- %.4f nats a token; likeliest token the same: %.1f %%\n",
        d->perplexity, d->error, d->original, d->original_error, d->tokens, d->chunks, d->context, exp(d->log_ratio),
        d->log_ratio, d->log_ratio_error, d->kl, d->kl_error, 100 * d->same_top);
}
