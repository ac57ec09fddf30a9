/* sweep.c - the plan of a sweep and its predictions; see sweep.h. (run.c measures it.)
 * SPDX-License-Identifier: MIT */
#include "engine/laws/sweep.h"

#include "base/json.h"
#include "base/memory.h"
#include "engine/account/pace.h"
#include "engine/account/report.h"
#include "engine/laws/prompts.h"
#include "engine/laws/sweep_parts.h"
#include "engine/prompt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_SAMPLES = 20 }; /* in a window: a sample's spacing is then 5 % of it */
enum { MAX_PASSES = 100000, MAX_LENGTH = 1 << 20 };
#define PACE_SHARE 0.1 /* of a window's length, that finding the machine's pace may take before it, and after it */

/* ---- Prompts ---- */

/* The first n of `all`, said again from its second token (the first may open a text) where they don't suffice. */
static bool take_length(const struct tokens *all, size_t n, struct tokens *out, struct error *e)
{
    if (all->n < 2) return fail(e, "prompt of %zu tokens: found a tokenizer that makes %zu of the whole text", n, all->n);
    for (size_t i = 0; i < n; i++) {
        size_t k = i < all->n ? i : 1 + (i - 1) % (all->n - 1);
        if (!tokens_push(out, all->id[k])) return fail(e, "prompt of %zu tokens: found no memory", n);
    }
    return true;
}

static bool take_prompt(const struct sweep_options *o, int i, const struct tokenizer *t, const char *text,
                        struct sweep_point *p, struct error *e)
{
    int64_t point = o->point[i];
    if (!o->lengths) {
        if (point < 1 || point > N_PROMPTS)
            return fail(e, "point %lld: found no such prompt, expected 1 to %d", (long long)point, N_PROMPTS);
        p->prompt = (int)point;
        return prompt_from_text(t, text, prompt_length(p->prompt), &p->tokens, e);
    }
    if (point < 2 || point > MAX_LENGTH)
        return fail(e, "length %lld: found it out of range, expected 2 to %d tokens", (long long)point, MAX_LENGTH);
    struct tokens all = {0};
    bool ok = prompt_from_text(t, text, strlen(text), &all, e) && take_length(&all, (size_t)point, &p->tokens, e);
    tokens_free(&all);
    return ok;
}

/* ---- One model ---- */

void sweep_identify(struct sha256 *h, const struct model *model)
{
    for (size_t i = 0; i < model->gguf->n_tensors; i++) {
        const struct tensor *t = &model->gguf->tensors[i];
        sha256_add(h, t->name, strlen(t->name) + 1);
        sha256_add(h, &t->type, sizeof t->type);
        sha256_add(h, t->ne, sizeof t->ne);
        if (t->data) sha256_add(h, t->data, t->bytes < 256 ? t->bytes : 256);
    }
}

/* Of a pass, with a picture's preparation where the device says how long that takes. */
static double pass_seconds(const struct sweep_point *p)
{
    return p->time_s + (isnan(p->prepare_s) ? 0 : p->prepare_s);
}

bool sweep_take_prediction(const struct sweep_options *o, struct sweep_point *p, const struct prediction *r, struct error *e)
{
    p->prefill_s = r->prefill_s;
    p->decode_s = r->decode_s;
    p->time_s = r->time_s;
    memcpy(p->interval95_s, r->interval95_s, sizeof p->interval95_s);
    p->energy_j = r->energy_j;
    memcpy(p->sha256, r->sha256, sizeof p->sha256);
    if (isnan(r->time_s)) return fail(e, "device profile: found no %s, expected one to predict the sweep with", r->missing);
    double passes = ceil(o->window_s / pass_seconds(p));
    p->passes = passes < 1 ? 1 : passes > MAX_PASSES ? MAX_PASSES : (int)passes;
    return true;
}

static bool predict_point(const struct sweep_options *o, const struct plan *plan, struct sweep_point *p, struct error *e)
{
    struct predict_options run = {
        .threads = o->threads, .prompt = p->tokens.n, .gen = (size_t)o->gen, .ubatch = o->ubatch, .kv_type = o->kv_type};
    struct prediction r;
    if (!predict(&r, plan, o->device, &run, e)) return false;
    p->cpu_auc = r.time_s * o->threads;
    p->ram_auc = r.time_s * (r.peak_memory_bytes + (double)model_tables_memory(plan->model));
    energy_work(&p->work, &r, plan);
    p->steps = ceil((double)p->tokens.n / (double)o->ubatch) + (double)o->gen - 1;
    bool known = sweep_take_prediction(o, p, &r, e);
    prediction_free(&r);
    return known;
}

/* The law over the range of the sweep's own prompts; with one or two lengths there is none to derive. */
static bool derive_law(const struct sweep_options *o, const struct plan *plan, struct sweep_model *m, struct error *e)
{
    struct law_range range = {SIZE_MAX, 0, (size_t)o->gen};
    for (int i = 0; i < o->n_points; i++) {
        size_t n = m->point[i].tokens.n;
        if (n < range.prompt_min) range.prompt_min = n;
        if (n > range.prompt_max) range.prompt_max = n;
    }
    for (int c = 0; c < LAW_COUNT; c++) m->law.seconds[c] = NAN;
    m->law.range = range;
    m->law.residual_prefill = m->law.residual_decode = m->law.bandwidth = NAN;
    if (range.prompt_max < range.prompt_min + 2) return true;
    struct predict_options run = {.threads = o->threads, .ubatch = o->ubatch, .kv_type = o->kv_type};
    return law_predict(&m->law, plan, o->device, &run, &range, e);
}

bool sweep_take_cost(struct sweep_model *m, const struct prediction *r, int point, struct error *e)
{
    m->cost_point = point;
    m->cost = prediction_group(r, BY_LAYER | BY_OP | BY_PHASE, &m->n_cost);
    return m->cost || fail(e, "prediction: found no memory");
}

static bool cost_longest(const struct sweep_options *o, const struct plan *plan, struct sweep_model *m, struct error *e)
{
    struct predict_options run = {.threads = o->threads, .gen = (size_t)o->gen, .ubatch = o->ubatch, .kv_type = o->kv_type};
    struct prediction r;
    int longest = 0;
    for (int i = 1; i < o->n_points; i++)
        if (m->point[i].tokens.n > m->point[longest].tokens.n) longest = i;
    run.prompt = m->point[longest].tokens.n;
    if (!predict(&r, plan, o->device, &run, e)) return false;
    bool ok = sweep_take_cost(m, &r, longest, e);
    prediction_free(&r);
    return ok;
}

static bool plan_model(const struct sweep_options *o, int i, struct sweep_model *m, struct error *e)
{
    m->path = o->model[i];
    struct model *model = model_open(m->path, NULL, 0, e);
    if (!model) return false;
    struct plan *plan = plan_new(model, false, e);
    char *text = prompt_text();
    bool ok = plan && (text || fail(e, "prompts: found no memory"));
    snprintf(m->name, sizeof m->name, "%s", model->name);
    m->file_bytes = (double)model->file_bytes;
    struct sha256 h;
    sha256_begin(&h);
    sweep_identify(&h, model);
    sha256_end(&h, m->identity);
    for (int k = 0; ok && k < o->n_points; k++) {
        struct sweep_point *p = &m->point[k];
        ok = take_prompt(o, k, model->tokenizer, text, p, e) && predict_point(o, plan, p, e);
    }
    ok = ok && derive_law(o, plan, m, e) && cost_longest(o, plan, m, e);
    free(text);
    plan_free(plan);
    model_close(model);
    return ok || fail_in(e, m->path);
}

/* ---- The text that is hashed ---- */

static void put_settings(struct json *j, const struct sweep_options *o)
{
    json_put_integer(j, "gen", o->gen);
    json_put_integer(j, "repeats", o->repeats);
    json_put_integer(j, "threads", o->threads);
    json_put_integer(j, "ubatch", (int64_t)o->ubatch);
    json_put_string(j, "kv", type_name(o->kv_type));
    json_put_number(j, "hz", o->hz);
    json_put_number(j, "window_s", o->window_s);
    json_put_string(j, "energy", o->energy);
    json_put_integer(j, "seed", (int64_t)o->seed);
    json_put_string(j, "device", o->device->name);
}

static void put_model(struct json *j, const struct sweep *s, const struct sweep_model *m)
{
    const struct sweep_options *o = &s->options;
    json_object(j);
    json_put_string(j, "name", m->name);
    json_put_string(j, "identity", m->identity);
    json_put_number(j, "file_bytes", m->file_bytes);
    if (sweep_sees(o))
        pictures_put_clamps(j, s, m);
    else
        law_json(&m->law, j);
    json_key(j, "points");
    json_array(j);
    for (int i = 0; i < o->n_points; i++) {
        const struct sweep_point *p = &m->point[i];
        json_object(j);
        json_put_integer(j, "point", o->point[i]);
        if (sweep_sees(o)) pictures_put_point(j, p);
        json_put_integer(j, "prompt", (int64_t)p->tokens.n);
        json_put_integer(j, "gen", o->gen);
        json_put_integer(j, "passes", p->passes);
        json_put_number(j, "prefill_s", p->prefill_s);
        json_put_number(j, "decode_s", p->decode_s);
        json_put_number(j, "time_s", p->time_s);
        json_put_numbers(j, "interval95_s", p->interval95_s, 2);
        json_put_number(j, "cpu_auc", p->cpu_auc);
        json_put_number(j, "ram_auc", p->ram_auc);
        json_put_number(j, "energy_j", p->energy_j);
        json_put_string(j, "sha256", p->sha256);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

static bool freeze(struct sweep *s, struct error *e)
{
    FILE *f = open_memstream(&s->predictions, &s->predictions_size);
    if (!f) return fail(e, "predictions: found no memory");
    struct json j;
    json_begin(&j, f);
    json_object(&j);
    bool sees = sweep_sees(&s->options);
    json_put_string(&j, "sweep", sees ? "hartree laws image 3" : "hartree laws text 2");
    put_settings(&j, &s->options);
    if (sees)
        pictures_put_settings(&j, s);
    else
        json_key(&j, "lengths"), json_bool(&j, s->options.lengths);
    json_key(&j, "models");
    json_array(&j);
    for (int i = 0; i < s->options.n_models; i++) put_model(&j, s, &s->model[i]);
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
    bool ok = !ferror(f);
    if (fclose(f) || !ok) return fail(e, "predictions: found no memory");
    struct sha256 h;
    sha256_begin(&h);
    sha256_add(&h, s->predictions, s->predictions_size);
    sha256_end(&h, s->sha256);
    return true;
}

/* ---- The whole ---- */

static bool check(struct sweep_options *o, struct error *e)
{
    if (!o->ubatch) o->ubatch = 512;
    if (!(o->hz > 0)) return fail(e, "sampler: found %g samples a second, expected more than 0", o->hz);
    if (!(o->window_s > 0)) o->window_s = MIN_SAMPLES / o->hz;
    if (o->n_models < 1 || o->n_models > SWEEP_MODELS)
        return fail(e, "models: found %d, expected 1 to %d", o->n_models, SWEEP_MODELS);
    if (o->n_points < 1 || o->n_points > SWEEP_POINTS)
        return fail(e, "points: found %d, expected 1 to %d", o->n_points, SWEEP_POINTS);
    for (int i = 0; i < o->n_points && !sweep_sees(o); i++)
        for (int k = 0; k < i; k++)
            if (o->point[i] == o->point[k])
                return fail(e, "points: found %lld twice, expected it once", (long long)o->point[i]);
    if (o->gen < 1 || o->gen > MAX_LENGTH)
        return fail(e, "found %lld tokens to generate, expected 1 to %d", (long long)o->gen, MAX_LENGTH);
    if (o->repeats < 1 || o->repeats > SWEEP_REPEATS)
        return fail(e, "repeats: found %d, expected 1 to %d", o->repeats, SWEEP_REPEATS);
    if (o->shards < 1 || o->shard < 0 || o->shard >= o->shards)
        return fail(e, "shard: found %d of %d, expected 1/N to N/N", o->shard + 1, o->shards);
    return true;
}

struct sweep *sweep_new(const struct sweep_options *o, struct error *e)
{
    struct sweep *s = calloc(1, sizeof *s);
    if (!s) {
        fail(e, "sweep: found no memory");
        return NULL;
    }
    s->options = *o;
    bool sees = sweep_sees(o), ok = (!sees || pictures_begin(s, e)) && check(&s->options, e);
    for (int i = 0; ok && i < s->options.n_models; i++)
        ok = sees ? pictures_plan(s, i, e) : plan_model(&s->options, i, &s->model[i], e);
    ok = ok && freeze(s, e);
    if (ok) return s;
    sweep_free(s);
    return NULL;
}

void sweep_free(struct sweep *s)
{
    if (!s) return;
    for (int i = 0; i < SWEEP_MODELS; i++) {
        law_free(&s->model[i].law);
        free(s->model[i].cost);
        for (int k = 0; k < SWEEP_CLAMPS; k++) free(s->model[i].clamp[k].stairs);
        for (int k = 0; k < SWEEP_POINTS; k++) tokens_free(&s->model[i].point[k].tokens);
    }
    picture_free(&s->picture);
    free(s->predictions);
    free(s->windows);
    free(s);
}

bool sweep_push(struct sweep *s, const struct sweep_window *w)
{
    struct sweep_window *grown = memory_grow(s->windows, &s->capacity, s->n_windows + 1, sizeof *grown);
    if (!grown) return false;
    s->windows = grown;
    s->windows[s->n_windows++] = *w;
    return true;
}

bool sweep_has(const struct sweep *s, int model, int point, int repeat)
{
    for (size_t i = 0; i < s->n_windows; i++) {
        const struct sweep_window *w = &s->windows[i];
        if (w->model == model && w->point == point && w->repeat == repeat) return true;
    }
    return false;
}

double sweep_pace_seconds(const struct sweep *s)
{
    const struct sweep_options *o = &s->options;
    double usual[PACES], shortest = INFINITY;
    double takes = pace_usual(o->device, o->threads, usual) ? pace_takes(usual) : INFINITY;
    for (int m = 0; m < o->n_models; m++)
        for (int i = 0; i < o->n_points; i++) {
            const struct sweep_point *p = &s->model[m].point[i];
            shortest = fmin(shortest, p->passes * pass_seconds(p));
        }
    return takes < PACE_SHARE * shortest ? takes : 0;
}

double sweep_window_seconds(const struct sweep *s, int model, int point)
{
    const struct sweep_point *p = &s->model[model].point[point];
    return p->passes * pass_seconds(p) + 2 * sweep_pace_seconds(s);
}

size_t sweep_missing(const struct sweep *s, double *seconds)
{
    const struct sweep_options *o = &s->options;
    size_t n = 0;
    *seconds = 0;
    for (int p = o->shard; p < o->n_points; p += o->shards)
        for (int m = 0; m < o->n_models; m++)
            for (int r = 0; r < o->repeats; r++) {
                if (sweep_has(s, m, p, r)) continue;
                n++;
                *seconds += sweep_window_seconds(s, m, p);
            }
    return n;
}
