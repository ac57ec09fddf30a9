/* SPDX-License-Identifier: MIT */
#include "engine/laws/laws_compress.h"
#include "engine/laws/laws_parts.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/file.h"

/* ---- Variants ---- */

/* The file's name without its folder and ".gguf". */
static void name_variant(struct laws_variant *v)
{
    const char *slash = strrchr(v->path, '/');
    snprintf(v->name, sizeof v->name, "%.63s", slash ? slash + 1 : v->path);
    char *end = strstr(v->name, ".gguf");
    if (end) *end = 0;
}

static bool make_variant(const struct laws_compress_options *o, const struct model *m, double ratio, struct laws_variant *v,
                         const struct laws_variant *original, struct error *e)
{
    int n = snprintf(v->path, sizeof v->path, "%s/%s.%g.%s.gguf", o->laws.dir, original->name, ratio,
                     type_name(o->compress.core_type));
    if (n < 0 || (size_t)n >= sizeof v->path)
        return fail(e, "%s: found a path too long, expected fewer than %zu bytes", original->name, sizeof v->path);
    name_variant(v);
    struct compress_options c = o->compress;
    struct compress_result r = {.tensors = NULL};
    char survey[sizeof v->path + 32], survey_key[SHA256_HEX], key[SHA256_HEX];
    c.ratio = ratio;
    compress_keys(m, &c, survey_key, key);
    bool there = !access(v->path, F_OK);
    if (there && compress_made(v->path, key)) return true;
    if (o->laws.hooks.say)
        o->laws.hooks.say("making %s%s", v->path, there ? " anew: found one of another model, text or options" : "");
    /* One serves all ratios; one of other settings stays for these. */
    snprintf(survey, sizeof survey, "%s/%s.%.12s.survey", o->laws.dir, original->name, survey_key);
    if (!c.survey) c.survey = survey;
    bool ok = compress_run(m, v->path, &c, &r, e);
    compress_result_free(&r);
    return ok;
}

static bool make_variants(struct laws_compress *c, const struct laws_compress_options *o, struct error *e)
{
    const struct sweep_options *s = &o->laws.sweep;
    if (s->n_models < 1 || (size_t)s->n_models + o->n_ratios > SWEEP_MODELS)
        return fail(e, "variants: found %zu, expected 1 to %d", (size_t)s->n_models + o->n_ratios, SWEEP_MODELS);
    if (o->n_ratios && !o->laws.dir) return fail(e, "variants: found no folder, expected one to make them in");
    for (int i = 0; i < s->n_models; i++) {
        struct laws_variant *v = &c->variant[c->n++];
        snprintf(v->path, sizeof v->path, "%s", s->model[i]);
        name_variant(v);
    }
    if (!o->n_ratios) return true;
    if (!laws_folder(o->laws.dir, e)) return false;
    struct model *m = model_open(s->model[0], NULL, 0, e);
    bool ok = m;
    for (size_t i = 0; ok && i < o->n_ratios; i++, c->n += ok)
        ok = make_variant(o, m, o->ratio[i], &c->variant[c->n], &c->variant[0], e);
    model_close(m);
    return ok;
}

/* ---- Perplexities, kept in a file: a line each of a key and the figures ---- */

struct quality_key {
    char hex[SHA256_HEX];
};

/* What a line was taken of: both models, the text and how it was cut. */
static struct quality_key key_of(const struct laws_compress *c, int i, const struct laws_compress_options *o)
{
    struct quality_key key;
    struct sha256 h;
    const struct sweep *s = c->laws->sweep;
    sha256_begin(&h);
    sha256_text(&h, "%s %s %zu %zu %s", s->model[0].identity, s->model[i].identity, o->quality.context, o->quality.max_chunks,
                type_name(o->quality.kv_type));
    sha256_add(&h, o->text, o->text_len);
    sha256_end(&h, key.hex);
    return key;
}

/* The figures in their order on a line. */
enum { FIGURES = 10 };
static void figures_of(struct divergence *d, double *figure[FIGURES])
{
    double *all[FIGURES] = {&d->original, &d->original_error, &d->perplexity, &d->error, &d->log_ratio, &d->log_ratio_error,
                            &d->kl,       &d->kl_error,       &d->same_top,   NULL};
    memcpy(figure, all, sizeof all);
}

static bool quality_path(const struct laws_compress_options *o, char path[PATH_MAX])
{
    return o->laws.dir && (size_t)snprintf(path, PATH_MAX, "%s/quality.txt", o->laws.dir) < PATH_MAX;
}

/* Takes a line where there is one of this key. */
static bool find_quality(const struct laws_compress_options *o, const struct quality_key *key, struct divergence *d)
{
    enum { MAX_BYTES = 1 << 20 };
    char path[PATH_MAX];
    struct error none;
    size_t size;
    if (!quality_path(o, path) || access(path, R_OK)) return false;
    char *text = file_read(path, MAX_BYTES, &size, &none), *at = text ? strstr(text, key->hex) : NULL;
    double *figure[FIGURES];
    bool ok = at;
    figures_of(d, figure);
    if (ok) at += strlen(key->hex);
    for (int i = 0; ok && figure[i]; i++) {
        char *end;
        *figure[i] = strtod(at, &end);
        ok = end != at && !isinf(*figure[i]);
        at = end;
    }
    unsigned long tokens = 0, chunks = 0;
    ok = ok && sscanf(at, "%lu %lu", &tokens, &chunks) == 2;
    d->tokens = tokens, d->chunks = chunks, d->context = o->quality.context;
    free(text);
    return ok;
}

/* The file anew, with one line more. */
static bool keep_quality(const struct laws_compress_options *o, const struct quality_key *key, struct divergence *d,
                         struct error *e)
{
    enum { MAX_BYTES = 1 << 20 };
    char path[PATH_MAX];
    size_t size = 0;
    if (!quality_path(o, path)) return true;
    char *old = access(path, R_OK) ? NULL : file_read(path, MAX_BYTES, &size, e);
    struct file_output *out = file_output_open(path, e);
    if (!out) {
        free(old);
        return false;
    }
    FILE *f = file_output_stream(out);
    double *figure[FIGURES];
    figures_of(d, figure);
    if (old) fwrite(old, 1, size, f);
    free(old);
    fputs(key->hex, f);
    for (int i = 0; figure[i]; i++) fprintf(f, " %.17g", *figure[i]);
    fprintf(f, " %zu %zu\n", d->tokens, d->chunks);
    return file_output_commit(out, e);
}

static bool take_quality(struct laws_compress *c, const struct laws_compress_options *o, struct error *e)
{
    struct model *original = NULL;
    bool ok = true;
    for (int i = 0; ok && i < c->n; i++) {
        struct laws_variant *v = &c->variant[i];
        struct quality_key key = key_of(c, i, o);
        if ((v->known = find_quality(o, &key, &v->quality))) continue;
        if (o->laws.hooks.say) o->laws.hooks.say("perplexity of %s", v->name);
        ok = original || (original = model_open(c->variant[0].path, NULL, 0, e));
        struct model *m = ok && i ? model_open(v->path, NULL, 0, e) : original;
        ok = ok && m && divergence_run(original, m, o->text, o->text_len, &o->quality, &v->quality, e) &&
             keep_quality(o, &key, &v->quality, e);
        v->known = ok;
        if (m != original) model_close(m);
    }
    model_close(original);
    for (int i = 0; ok && i < c->n; i++) c->laws->quality[i] = &c->variant[i].quality;
    return ok && (!o->laws.dir || laws_write_result(c->laws, o->laws.dir, e)); /* anew, with these figures */
}

/* ---- Means ---- */

struct laws_means laws_means(const struct laws *l, int model)
{
    const struct laws_model *m = &l->model[model];
    bool modelled = !strcmp(l->energy_kind, "modelled");
    struct laws_means s = {0};
    for (int i = 0; i < m->n_points; i++) {
        const struct laws_point *p = &m->point[i];
        s.time_s += p->time_s, s.predicted_s += p->plan->time_s;
        s.cpu_auc += p->cpu_auc, s.predicted_cpu_auc += p->plan->cpu_auc;
        s.ram_auc += p->ram_auc, s.predicted_ram_auc += p->plan->ram_auc;
        s.energy_j += modelled ? p->plan->energy_j : p->energy_j;
        s.predicted_energy_j += p->plan->energy_j;
    }
    double n = m->n_points, *all[] = {&s.time_s,  &s.predicted_s,       &s.cpu_auc,  &s.predicted_cpu_auc,
                                      &s.ram_auc, &s.predicted_ram_auc, &s.energy_j, &s.predicted_energy_j};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) *all[i] /= n;
    return s;
}

/* ---- The whole ---- */

struct laws_compress *laws_compress(const struct laws_compress_options *o, struct error *e)
{
    struct laws_compress *c = calloc(1, sizeof *c);
    if (!c) {
        fail(e, "variants: found no memory");
        return NULL;
    }
    struct laws_options lo = o->laws;
    bool ok = make_variants(c, o, e), drawn = true;
    for (int i = 0; i < c->n; i++) lo.sweep.model[i] = c->variant[i].path;
    lo.sweep.n_models = c->n;
    lo.words.family = true;
    lo.words.made = (int)o->n_ratios;
    ok = ok && (c->laws = laws_run(&lo, e)) && (!o->text || take_quality(c, o, e)) &&
         (!lo.dir || laws_compress_write(c, lo.dir, &drawn, e));
    if (ok) return c;
    laws_compress_free(c);
    return NULL;
}

void laws_compress_free(struct laws_compress *c)
{
    if (!c) return;
    laws_free(c->laws);
    free(c);
}
