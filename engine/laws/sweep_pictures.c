/* sweep_pictures.c - the plan of a sweep of pictures: sizes, clamps, what each is predicted to cost; see sweep.h.
 * SPDX-License-Identifier: MIT */
#include "engine/laws/sweep_parts.h"

#include "engine/account/picture_cost.h"
#include "engine/account/tower_price.h"
#include "engine/look.h"
#include "engine/prompt.h"
#include "vision/scene.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_EDGES = 20 };
static const char default_picture[] = "2048x1440"; /* twice the paper's largest clamp */
static const char *const default_clamps[] = {"box:1024x720", "box:854x594", "box:714x496"};
static const char default_question[] =
    "Look at this street. Which vehicles are there, and of what colour is each? Where do people stand or walk, what do the "
    "traffic lights show, and what do the signs say?";

/* ---- What is shown ---- */

static int rising(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool take_edges(struct sweep_pictures *p, int longest, struct error *e)
{
    if (!p->n_edges && longest < DEFAULT_EDGES)
        return fail(e, "picture: found a longest edge of %d pixels, expected at least %d", longest, DEFAULT_EDGES);
    for (int i = 0; !p->n_edges && i < DEFAULT_EDGES; i++) p->edge[i] = (int64_t)longest * (i + 1) / DEFAULT_EDGES;
    if (!p->n_edges) p->n_edges = DEFAULT_EDGES;
    qsort(p->edge, (size_t)p->n_edges, sizeof *p->edge, rising);
    for (int i = 0; i < p->n_edges; i++) {
        if (p->edge[i] < 1 || p->edge[i] > longest)
            return fail(e, "longest edge: found %lld pixels, expected 1 to %d as the picture has", (long long)p->edge[i],
                        longest);
        for (int k = 0; k < i; k++)
            if (p->edge[i] == p->edge[k])
                return fail(e, "longest edges: found %lld twice, expected it once", (long long)p->edge[i]);
    }
    return true;
}

static bool take_clamps(struct sweep_pictures *p, struct error *e)
{
    char text[SWEEP_CLAMPS][CLAMP_TEXT];
    if (!p->n_clamps) {
        p->n_clamps = sizeof default_clamps / sizeof *default_clamps;
        memcpy(p->clamp, default_clamps, sizeof default_clamps);
    }
    for (int i = 0; i < p->n_clamps; i++) {
        struct clamp c;
        if (!clamp_parse(p->clamp[i], &c, e)) return false;
        clamp_text(&c, text[i]);
        for (int k = 0; k < i; k++)
            if (!strcmp(text[i], text[k])) return fail(e, "clamps: found %s twice, expected it once", text[i]);
    }
    return true;
}

bool pictures_begin(struct sweep *s, struct error *e)
{
    struct sweep_options *o = &s->options;
    struct sweep_pictures *p = &o->pictures;
    if (p->n_edges > SWEEP_EDGES || p->n_clamps > SWEEP_CLAMPS)
        return fail(e, "pictures: found %d sizes and %d clamps, expected at most %d and %d", p->n_edges, p->n_clamps,
                    SWEEP_EDGES, SWEEP_CLAMPS);
    if (!p->image) p->image = default_picture;
    if (!p->question) p->question = default_question;
    if (!take_clamps(p, e) || !scene_or_picture(p->image, &s->picture, e)) return false;
    if (!take_edges(p, longest_edge(s->picture.width, s->picture.height), e)) return false;
    o->n_points = p->n_edges * p->n_clamps;
    for (int i = 0; i < o->n_points; i++) o->point[i] = p->edge[i % p->n_edges];
    return true;
}

/* ---- One model and its tower ---- */

struct viewer {
    const struct sweep_options *o;
    struct model *model; /* NULL: the tower alone */
    struct plan *plan;
    struct tower *tower;
    struct tokens question; /* with one token where the picture's come */
};

static void close_viewer(struct viewer *v)
{
    tokens_free(&v->question);
    tower_free(v->tower);
    plan_free(v->plan);
    model_close(v->model);
}

static bool open_viewer(struct viewer *v, const struct sweep_options *o, int i, struct error *e)
{
    *v = (struct viewer){.o = o};
    if (!(v->tower = tower_open(o->pictures.mmproj[i], &(struct tower_options){.threads = o->threads}, e))) return false;
    if (!o->model[i]) return true;
    if (!(v->model = model_open(o->model[i], NULL, 0, e)) || !(v->plan = plan_new(v->model, false, e)) ||
        !look_fits(v->model, v->tower, e))
        return false;
    char *marked = look_mark(o->pictures.question, 1);
    bool ok = marked ? prompt_from_text(v->model->tokenizer, marked, strlen(marked), &v->question, e)
                     : fail(e, "question: found no memory");
    free(marked);
    return ok;
}

/* The ids of the question with a picture of such a grid. */
static bool take_tokens(const struct viewer *v, const struct clamped *fit, struct tokens *out, struct error *e)
{
    struct album_picture grid = {.nx = fit->nx, .ny = fit->ny};
    struct album one = {.picture = &grid, .n = 1};
    for (size_t i = 0; i < v->question.n; i++)
        if (!tokens_push(out, v->question.id[i])) return fail(e, "question: found no memory");
    return look_place(v->model->tokenizer, &one, out, e);
}

/* Memory of a prediction. */
struct memory {
    double area;  /* byte-seconds of its time */
    double bytes; /* that are there before it, too: what one picture's tower frees a C library keeps for the next */
};

/* As sweep_point has them. */
struct areas {
    double prepare_s, cpu_auc, ram_auc;
};

/* Of a prediction of time_s. A device that does not say how long a picture's preparation takes leaves that time out. */
static struct areas areas_of(const struct viewer *v, const struct clamped *fit, double time_s, struct memory m)
{
    double prepare_s = picture_seconds(v->o->device, fit), before = isnan(prepare_s) ? 0 : prepare_s;
    return (struct areas){.prepare_s = prepare_s,
                          .cpu_auc = time_s * v->o->threads + before,
                          .ram_auc = m.area + m.bytes * before + picture_bytes(fit) * (time_s + before)};
}

/* What is predicted of a picture and its question: *r, to be freed, with the tower's part in vision_s and flops_vision. Of
 * memory the tower's buffers are there while it runs, all else throughout. */
static bool price(const struct viewer *v, const struct clamped *fit, const char *clamp, struct prediction *r,
                  struct energy_work *work, struct memory *memory, struct error *e)
{
    const struct sweep_options *o = v->o;
    struct prediction seen;
    char size[24];
    if (!tower_predict(&seen, v->tower, o->device, o->threads, fit, e)) return false;
    energy_work(work, &seen, v->tower->plan);
    double buffers = seen.peak_memory_bytes - seen.weight_bytes;
    if (!v->plan) {
        *r = seen;
        r->vision_s = r->time_s;
        r->flops_vision = r->flops;
        r->prefill_s = 0;
        *memory = (struct memory){r->peak_memory_bytes * r->time_s, r->peak_memory_bytes};
        return true;
    }
    struct predict_options run = {.threads = o->threads,
                                  .prompt = v->question.n - 1 + (size_t)fit->tokens,
                                  .gen = (size_t)o->gen,
                                  .ubatch = o->ubatch,
                                  .kv_type = o->kv_type};
    struct energy_work text;
    bool ok = predict(r, v->plan, o->device, &run, e);
    if (ok) {
        energy_work(&text, r, v->plan);
        energy_work_add(work, &text);
        double always = r->peak_memory_bytes + seen.weight_bytes + (double)model_tables_memory(v->model);
        double time_s = r->time_s + seen.time_s;
        *memory = (struct memory){always * time_s + buffers * seen.time_s, always + buffers};
        snprintf(size, sizeof size, "%dx%d", fit->in_width, fit->in_height);
        ok = prediction_join(r, &seen, size, clamp, e);
        if (!ok) prediction_free(r);
    }
    prediction_free(&seen);
    return ok;
}

static bool plan_point(const struct viewer *v, const struct sweep *s, const struct clamp *c, int index, struct sweep_point *p,
                       struct error *e)
{
    const struct clamp_keys *keys = &v->tower->mmproj->keys;
    struct clamp open = clamp_unbounded(c);
    struct clamped unclamped;
    struct prediction r;
    struct memory memory;
    char text[CLAMP_TEXT];
    int width, height;
    clamp_text(c, text);
    scaled_size(s->picture.width, s->picture.height, (int)v->o->point[index], &width, &height);
    if (!clamp_apply(c, keys, width, height, &p->fit, e) || !clamp_apply(&open, keys, width, height, &unclamped, e))
        return false;
    p->unbounded = (double)unclamped.patches;
    if (v->plan && !take_tokens(v, &p->fit, &p->tokens, e)) return false;
    if (!price(v, &p->fit, text, &r, &p->work, &memory, e)) return false;
    struct areas areas = areas_of(v, &p->fit, r.time_s, memory);
    p->vision_s = r.vision_s;
    p->flops = r.flops;
    p->vision_flops = r.flops_vision;
    p->prepare_s = areas.prepare_s;
    p->cpu_auc = areas.cpu_auc;
    p->ram_auc = areas.ram_auc;
    p->steps = !v->plan ? 1 : ceil((double)p->tokens.n / (double)v->o->ubatch) + (double)v->o->gen; /* the tower's is one */
    bool ok = sweep_take_prediction(v->o, p, &r, e);
    prediction_free(&r);
    return ok;
}

/* What of the longest run goes where. */
static bool cost_longest(const struct viewer *v, struct sweep_model *m, struct error *e)
{
    struct prediction r;
    struct energy_work ignored;
    struct memory memory;
    int longest = 0;
    for (int i = 1; i < v->o->n_points; i++)
        if (m->point[i].time_s > m->point[longest].time_s) longest = i;
    if (!price(v, &m->point[longest].fit, "", &r, &ignored, &memory, e)) return false;
    for (size_t i = 0; !v->plan && i < r.n_rows; i++) r.rows[i].phase = ROW_VISION; /* alone, the tower is a step of its own */
    bool ok = sweep_take_cost(m, &r, longest, e);
    prediction_free(&r);
    return ok;
}

/* Prices every step, each grid once: below a clamp all have the same. */
static bool plan_stairs(const struct viewer *v, const struct sweep *s, const struct clamp *c, struct sweep_clamp *out,
                        struct error *e)
{
    clamp_text(c, out->text);
    struct stair *stairs = stairs_new(c, &v->tower->mmproj->keys, s->picture.width, s->picture.height, &out->n_stairs, e);
    if (!stairs) return false;
    bool ok = (out->stairs = calloc(out->n_stairs, sizeof *out->stairs)) || fail(e, "stairs: found no memory");
    struct memory memory = {0, 0};
    for (size_t i = 0; ok && i < out->n_stairs; i++) {
        struct sweep_stair *stair = &out->stairs[i], *before = i ? stair - 1 : NULL;
        const struct clamped *fit = &stairs[i].fit;
        if (before && before->stair.fit.patches == fit->patches && before->stair.fit.nx == fit->nx)
            *stair = *before;
        else {
            struct prediction r;
            struct energy_work ignored;
            if (!(ok = price(v, fit, out->text, &r, &ignored, &memory, e))) break;
            stair->flops = r.flops;
            stair->time_s = r.time_s;
            stair->energy_j = r.energy_j;
            prediction_free(&r);
        }
        struct areas areas = areas_of(v, fit, stair->time_s, memory);
        stair->cpu_auc = areas.cpu_auc;
        stair->ram_auc = areas.ram_auc;
        stair->stair = stairs[i];
    }
    out->knee = knee_predict(stairs, out->n_stairs);
    free(stairs);
    return ok;
}

bool pictures_plan(struct sweep *s, int index, struct error *e)
{
    const struct sweep_options *o = &s->options;
    struct sweep_model *m = &s->model[index];
    struct viewer v;
    struct sha256 h;
    m->path = o->model[index] ? o->model[index] : o->pictures.mmproj[index];
    bool ok = open_viewer(&v, o, index, e);
    if (ok) {
        const struct model *tower = &v.tower->mmproj->model, *named = v.model ? v.model : tower;
        snprintf(m->name, sizeof m->name, "%s", named->name);
        m->file_bytes = (double)tower->file_bytes + (v.model ? (double)v.model->file_bytes : 0);
        sha256_begin(&h);
        if (v.model) sweep_identify(&h, v.model);
        sweep_identify(&h, tower);
        sha256_end(&h, m->identity);
        m->law.bandwidth = device_rate(o->device, "read_bandwidth", o->threads);
    }
    for (int c = 0; ok && c < o->pictures.n_clamps; c++) {
        struct clamp clamp;
        ok = clamp_parse(o->pictures.clamp[c], &clamp, e) && plan_stairs(&v, s, &clamp, &m->clamp[c], e);
        for (int i = 0; ok && i < o->pictures.n_edges; i++) {
            int point = c * o->pictures.n_edges + i;
            ok = plan_point(&v, s, &clamp, point, &m->point[point], e);
        }
    }
    ok = ok && cost_longest(&v, m, e);
    close_viewer(&v);
    return ok || fail_in(e, m->path);
}

/* ---- The text that is hashed ---- */

void pictures_put_settings(struct json *j, const struct sweep *s)
{
    const struct sweep_pictures *p = &s->options.pictures;
    struct sha256 h;
    char digest[SHA256_HEX];
    sha256_begin(&h);
    sha256_add(&h, s->picture.rgb, (size_t)s->picture.width * (size_t)s->picture.height * 3);
    sha256_end(&h, digest);
    json_put_integer(j, "source_width", s->picture.width);
    json_put_integer(j, "source_height", s->picture.height);
    json_put_string(j, "source_pixels_sha256", digest);
    json_put_string(j, "question", p->question);
}

void pictures_put_point(struct json *j, const struct sweep_point *p)
{
    json_put_integer(j, "width", p->fit.in_width);
    json_put_integer(j, "height", p->fit.in_height);
    json_put_pair(j, "resized", p->fit.width, p->fit.height);
    json_put_integer(j, "patches", p->fit.patches);
    json_put_integer(j, "tokens", p->fit.tokens);
    json_put_number(j, "flops", p->flops);
    json_put_number(j, "flops_vision", p->vision_flops);
    json_put_number(j, "vision_s", p->vision_s);
    json_put_number(j, "prepare_s", p->prepare_s);
}

void pictures_put_clamps(struct json *j, const struct sweep *s, const struct sweep_model *m)
{
    json_key(j, "clamps");
    json_array(j);
    for (int c = 0; c < s->options.pictures.n_clamps; c++) {
        const struct sweep_clamp *k = &m->clamp[c];
        json_object(j);
        json_put_string(j, "clamp", k->text);
        json_put_number(j, "knee_predicted_px", k->knee ? k->knee : NAN);
        json_key(j, "stairs");
        json_array(j);
        for (size_t i = 0; i < k->n_stairs; i++) {
            const struct sweep_stair *t = &k->stairs[i];
            json_object(j);
            json_put_integer(j, "edge", t->stair.edge);
            json_put_pair(j, "resized", t->stair.fit.width, t->stair.fit.height);
            json_put_integer(j, "patches", t->stair.fit.patches);
            json_put_number(j, "flops", t->flops);
            json_put_number(j, "time_s", t->time_s);
            json_object_end(j);
        }
        json_array_end(j);
        json_object_end(j);
    }
    json_array_end(j);
}
