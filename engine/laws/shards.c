/* SPDX-License-Identifier: MIT */
#include "engine/laws/shards.h"

#include "engine/laws/laws_parts.h"
#include "engine/laws/prompts.h"
#include "engine/report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WHOLE = 1 << 30 };

/* A point of the joined sweep: which of the shards' it is. */
struct entry {
    const struct json_value *point;
    size_t shard;       /* that it is of */
    const char *energy; /* its joules are so: "none", "modelled" or "measured" */
    int clamp;          /* of pictures */
    double size;        /* longest edge, or prompt tokens */
    double key;         /* what both models' points have in common: the prompt's number, else its size */
    double windows;
};

struct join {
    const struct json_value *const *shards;
    const char *const *files; /* that they are from, for errors */
    size_t n;
    bool pictures;
    struct laws *laws;
    struct sweep *sweep;
    struct device device;
    struct entry entry[SWEEP_MODELS][SWEEP_POINTS];
    int n_entries[SWEEP_MODELS];
    double total, half_idle; /* windows of the whole sweep; of sessions that were cut short */
    const char *energy_kind;
};

/* ---- Figures ---- */

/* A whole number that must be there. */
static bool take_whole(const struct json_value *v, const char *path, double least, double most, double *out, struct error *e)
{
    double x = json_find_number(v, path);
    bool ok = x >= least && x <= most && x == floor(x);
    *out = ok ? x : least;
    return ok || fail(e, "'%s': found %g, expected a whole number from %.0f to %.0f", path, x, least, most);
}

/* Seconds that must be there. */
static bool take_seconds(const struct json_value *v, const char *path, double *out, struct error *e)
{
    double x = json_find_number(v, path);
    if (x > 0 && x < 1e12) {
        *out = x;
        return true;
    }
    return fail(e, "'%s': found %g, expected seconds", path, x);
}

/* ---- Which points there are ---- */

static int clamp_named(const struct join *w, int m, const char *name)
{
    const struct json_value *clamps = json_find(page_model(w->shards[0], m), "clamps");
    for (size_t i = 0; clamps && clamps->type == JSON_ARRAY && i < clamps->n && i < SWEEP_CLAMPS; i++) {
        const char *clamp = json_find_string(&clamps->item[i], "clamp");
        if (clamp && name && !strcmp(clamp, name)) return (int)i;
    }
    return -1;
}

/* The word that a shard says of its joules; "none" where it is no such word. */
static const char *energy_kind(const struct json_value *shard)
{
    static const char *const kinds[] = {"modelled", "measured"};
    const char *kind = json_find_string(shard, "energy_kind");
    for (size_t i = 0; kind && i < 2; i++)
        if (!strcmp(kind, kinds[i])) return kinds[i];
    return "none";
}

static bool read_entry(const struct join *w, int m, size_t shard, const struct json_value *point, struct entry *n,
                       struct error *e)
{
    double width, height;
    *n = (struct entry){.point = point, .shard = shard, .energy = energy_kind(w->shards[shard])};
    if (!take_whole(point, "windows", 1, MAX_WHOLE, &n->windows, e)) return false;
    if (!w->pictures) {
        if (!take_whole(point, "prompt", 1, MAX_WHOLE, &n->size, e)) return false;
        n->key = n->size; /* of a sweep by lengths, whose points have no number */
        return isnan(json_find_number(point, "point")) || take_whole(point, "point", 1, N_PROMPTS, &n->key, e);
    }
    if (!take_whole(point, "width", 1, 1 << 16, &width, e) || !take_whole(point, "height", 1, 1 << 16, &height, e))
        return false;
    n->key = n->size = fmax(width, height);
    n->clamp = clamp_named(w, m, json_find_string(point, "clamp"));
    return n->clamp >= 0 || fail(e, "'clamp': found one that the first shard does not have");
}

/* A point is in one shard alone: of two measurements none is the one that counts. */
static bool add_entry(struct join *w, int m, const struct entry *n, struct error *e)
{
    struct entry *all = w->entry[m];
    for (int i = 0; i < w->n_entries[m]; i++)
        if (all[i].clamp == n->clamp && all[i].key == n->key)
            return fail(e, "found a point (%s %.0f) that %s has, expected each in one shard",
                        w->pictures ? "longest edge" : "prompt", n->key, w->files[all[i].shard]);
    if (w->n_entries[m] == SWEEP_POINTS) return fail(e, "found more than %d points", SWEEP_POINTS);
    all[w->n_entries[m]++] = *n;
    return true;
}

static int in_order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->clamp != y->clamp) return x->clamp - y->clamp;
    if (x->size != y->size) return (x->size > y->size) - (x->size < y->size);
    return (x->key > y->key) - (x->key < y->key);
}

/* All points of a shard, its windows counted. */
static bool read_shard(struct join *w, size_t at, struct error *e)
{
    const struct json_value *shard = w->shards[at];
    double missing, windows = 0;
    if (!take_whole(shard, "missing", 0, MAX_WHOLE, &missing, e)) return false;
    for (int m = 0; m < w->sweep->options.n_models; m++) {
        const struct json_value *points = json_find(page_model(shard, m), "points");
        if (!points || points->type != JSON_ARRAY) return fail(e, "'points': found none of model %d", m + 1);
        for (size_t i = 0; i < points->n; i++) {
            struct entry n;
            if (!read_entry(w, m, at, &points->item[i], &n, e) || !add_entry(w, m, &n, e)) return false;
            windows += n.windows;
        }
    }
    double half = json_find_number(shard, "without_idle_after");
    if (half > 0) w->half_idle += half;
    /* Of the whole it is the best that a shard has, in whatever order they come. */
    if (!strcmp(w->energy_kind, "none") || !strcmp(energy_kind(shard), "measured")) w->energy_kind = energy_kind(shard);
    w->total = fmax(w->total, missing + windows);
    return true;
}

/* ---- Points and plans as a sweep has them ---- */

/* Where a point stands in the sweep: both models' points of one prompt, or picture and clamp, have the same place. */
static int place_of(const struct join *w, const struct entry *n)
{
    const struct sweep_options *o = &w->sweep->options;
    for (int i = 0; i < (w->pictures ? o->pictures.n_edges : o->n_points); i++)
        if ((double)o->point[i] == n->key) return w->pictures ? n->clamp * o->pictures.n_edges + i : i;
    return -1;
}

/* The keys of all points, each once, as the sweep's own list of prompts or edges. */
static void take_places(struct join *w)
{
    struct sweep_options *o = &w->sweep->options;
    int n = 0;
    for (int m = 0; m < o->n_models; m++)
        for (int i = 0; i < w->n_entries[m]; i++) {
            int k = 0;
            while (k < n && (double)o->point[k] != w->entry[m][i].key) k++;
            if (k == n && n < SWEEP_POINTS) o->point[n++] = (int64_t)w->entry[m][i].key;
        }
    o->n_points = n;
    if (w->pictures) o->pictures.n_edges = n;
}

static void take_plan(struct sweep_point *q, const struct json_value *v)
{
    q->time_s = json_find_number(v, "predicted_s");
    q->prefill_s = json_find_number(v, "predicted_prefill_s");
    q->decode_s = json_find_number(v, "predicted_decode_s");
    for (size_t i = 0; i < 2; i++) q->interval95_s[i] = json_find_element(v, "interval95_s", i);
    q->cpu_auc = json_find_number(v, "predicted_cpu_auc");
    q->ram_auc = json_find_number(v, "predicted_ram_auc");
    q->energy_j = json_find_number(v, "predicted_energy_j");
    q->prepare_s = json_find_number(v, "predicted_prepare_s");
    q->steps = json_find_number(v, "steps");
    q->flops = json_find_number(v, "flops");
}

static bool take_size(const struct join *w, struct sweep_point *q, const struct entry *n, struct error *e)
{
    double width, height, patches, unbounded, tokens;
    if (!w->pictures) {
        q->tokens.n = (size_t)n->size;
        return true;
    }
    if (!take_whole(n->point, "width", 1, 1 << 16, &width, e) || !take_whole(n->point, "height", 1, 1 << 16, &height, e) ||
        !take_whole(n->point, "patches", 1, MAX_WHOLE, &patches, e) ||
        !take_whole(n->point, "patches_unbounded", 1, MAX_WHOLE, &unbounded, e) ||
        !take_whole(n->point, "tokens", 1, MAX_WHOLE, &tokens, e))
        return false;
    q->fit.in_width = (int)width, q->fit.in_height = (int)height;
    q->fit.patches = (int64_t)patches, q->fit.tokens = (int64_t)tokens;
    q->unbounded = unbounded;
    double prompt = json_find_number(n->point, "prompt"); /* null of a tower alone */
    q->tokens.n = prompt >= 1 && prompt <= MAX_WHOLE ? (size_t)prompt : 0;
    return true;
}

static bool take_point(const struct join *w, int m, const struct entry *n, struct error *e)
{
    struct laws_model *model = &w->laws->model[m];
    struct laws_point *p = &model->point[model->n_points++];
    const struct json_value *v = n->point;
    int place = place_of(w, n);
    if (place < 0 || place >= SWEEP_POINTS) return fail(e, "found more than %d points", SWEEP_POINTS);
    struct sweep_point *q = &w->sweep->model[m].point[place];
    *p = (struct laws_point){.plan = q, .index = place, .windows = (int)n->windows};
    take_plan(q, v);
    if (!take_size(w, q, n, e) || !take_seconds(v, "time_s", &p->time_s, e) || !take_seconds(v, "window_s", &p->window_s, e))
        return false;
    const struct {
        const char *name;
        double *to;
    } figures[] = {{"prefill_s", &p->prefill_s}, {"decode_s", &p->decode_s}, {"cpu_auc", &p->cpu_auc},
                   {"ram_auc", &p->ram_auc},     {"paced_s", &p->paced_s},   {"energy_j", &p->energy_j}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) *figures[i].to = json_find_number(v, figures[i].name);
    if (strcmp(n->energy, "measured") != 0) p->energy_j = NAN;
    return true;
}

/* A clamp's stairs, which its knee is found on. */
static bool take_clamp(struct sweep_clamp *c, const struct json_value *v, struct error *e)
{
    const struct json_value *stairs = json_find(v, "stairs");
    const char *name = json_find_string(v, "clamp");
    double knee = json_find_number(v, "knee_predicted_px");
    snprintf(c->text, sizeof c->text, "%s", name ? name : "");
    c->knee = knee >= 1 && knee <= 1 << 16 ? (int)knee : 0;
    if (!stairs || stairs->type != JSON_ARRAY || !stairs->n) return fail(e, "'stairs': found none of clamp %.40s", c->text);
    if (!(c->stairs = calloc(stairs->n, sizeof *c->stairs))) return fail(e, "stairs: found no memory");
    c->n_stairs = stairs->n;
    for (size_t i = 0; i < stairs->n; i++) {
        const struct json_value *from = &stairs->item[i];
        struct sweep_stair *s = &c->stairs[i];
        double edge, patches, unbounded;
        if (!take_whole(from, "edge", 1, 1 << 16, &edge, e) || !take_whole(from, "patches", 1, MAX_WHOLE, &patches, e) ||
            !take_whole(from, "patches_unbounded", 1, MAX_WHOLE, &unbounded, e))
            return false;
        s->stair.edge = (int)edge;
        s->stair.fit.patches = (int64_t)patches;
        s->stair.unbounded = (int64_t)unbounded;
        s->time_s = json_find_number(from, "predicted_s");
        s->cpu_auc = json_find_number(from, "predicted_cpu_auc");
        s->ram_auc = json_find_number(from, "predicted_ram_auc");
        s->energy_j = json_find_number(from, "predicted_energy_j");
    }
    return true;
}

static bool take_clamps(struct join *w, int m, struct error *e)
{
    const struct json_value *clamps = json_find(page_model(w->shards[0], m), "clamps");
    struct sweep_pictures *pictures = &w->sweep->options.pictures;
    if (!clamps || clamps->type != JSON_ARRAY || !clamps->n || clamps->n > SWEEP_CLAMPS)
        return fail(e, "'clamps': found %zu, expected 1 to %d", clamps && clamps->type == JSON_ARRAY ? clamps->n : 0,
                    SWEEP_CLAMPS);
    if (m && (int)clamps->n != pictures->n_clamps) return fail(e, "'clamps': found other ones of the second model");
    pictures->n_clamps = (int)clamps->n;
    if (pictures->n_edges > SWEEP_EDGES) return fail(e, "found %d sizes, expected at most %d", pictures->n_edges, SWEEP_EDGES);
    if (pictures->n_clamps * pictures->n_edges > SWEEP_POINTS) return fail(e, "found more than %d points", SWEEP_POINTS);
    for (size_t i = 0; i < clamps->n; i++)
        if (!take_clamp(&w->sweep->model[m].clamp[i], &clamps->item[i], e)) return false;
    return true;
}

static bool take_model(struct join *w, int m, struct error *e)
{
    const struct json_value *from = page_model(w->shards[0], m);
    struct sweep_model *plan = &w->sweep->model[m];
    w->laws->model[m].plan = plan;
    plan->file_bytes = json_find_number(from, "file_bytes");
    plan->law.bandwidth = json_find_number(from, "bandwidth");
    bool ok = (w->n_entries[m] || fail(e, "'points': found none of model %d", m + 1)) && (!w->pictures || take_clamps(w, m, e));
    if (!ok) return fail_in(e, w->files[0]);
    for (int i = 0; i < w->n_entries[m]; i++)
        if (!take_point(w, m, &w->entry[m][i], e)) return fail_in(e, w->files[w->entry[m][i].shard]);
    return true;
}

/* ---- Answers ---- */

/* The questions beside a model's prompts, of the shard that asked them; NULL: none did. */
static const struct json_value *questions_beside(const struct join *w, int m)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct json_value *all = json_find(page_model(w->shards[i], m), "questions");
        if (!all || all->type != JSON_ARRAY || !all->n || all->n > ANSWER_QUESTIONS) continue;
        for (size_t q = 0; q < all->n; q++)
            if (!isnan(json_find_number(&all->item[q], "exact"))) return all;
    }
    return NULL;
}

/* A copy of a member's text, to be freed; NULL: it has none, or no memory. */
static char *text_of(const struct json_value *v, const char *key)
{
    const char *text = json_find_string(v, key);
    return text ? strdup(text) : NULL;
}

/* Asked by one shard alone: its answers are the whole's, words and all. */
static bool take_questions_beside(struct join *w, size_t questions, struct error *e)
{
    struct answers *a = w->laws->answers;
    a->beside = true;
    a->n_points = 1;
    if (!(a->question = calloc(questions, sizeof *a->question)) || !(a->reference = calloc(questions, sizeof *a->reference)))
        return fail(e, "answers: found no memory");
    if (!answers_room(a, w->sweep->options.n_models, e)) return false;
    for (int m = 0; m < w->sweep->options.n_models; m++) {
        const struct json_value *all = questions_beside(w, m);
        for (size_t q = 0; q < questions; q++) {
            const struct json_value *one = all && q < all->n ? &all->item[q] : NULL;
            if (!m) a->question[q] = text_of(one, "question"), a->reference[q] = text_of(one, "reference");
            a->text[m][q] = text_of(one, "answer");
            a->semantic[m][q] = json_find_number(one, "semantic_accuracy");
            a->exact[m][q] = json_find_number(one, "exact");
        }
    }
    answers_sum_up(a, w->sweep->options.n_models);
    return true;
}

/* How many questions the first point was asked; 0: none. */
static size_t count_questions(const struct join *w)
{
    const struct json_value *first = w->entry[0][0].point, *answers = json_find(first, "answers");
    if (!w->pictures) return json_find(first, "exact") ? 1 : 0;
    return answers && answers->type == JSON_ARRAY && answers->n <= ANSWER_QUESTIONS ? answers->n : 0;
}

static bool join_answers(struct join *w, struct error *e)
{
    const struct json_value *beside = questions_beside(w, 0);
    size_t questions = beside ? beside->n : count_questions(w);
    if (!questions) return true;
    struct answers *a = w->laws->answers = calloc(1, sizeof *a);
    if (!a) return fail(e, "answers: found no memory");
    a->n_questions = (int)questions;
    if (beside) return take_questions_beside(w, questions, e);
    a->n_points =
        w->pictures ? w->sweep->options.pictures.n_clamps * w->sweep->options.pictures.n_edges : w->sweep->options.n_points;
    if (w->pictures && !(a->question = calloc(questions, sizeof *a->question))) return fail(e, "answers: found no memory");
    if (!answers_room(a, w->sweep->options.n_models, e)) return false;
    for (int m = 0; m < w->sweep->options.n_models; m++) {
        for (int i = 0; i < a->n_points * a->n_questions; i++) a->semantic[m][i] = a->exact[m][i] = NAN;
        for (int i = 0; i < w->n_entries[m]; i++) {
            const struct json_value *point = w->entry[m][i].point, *all = json_find(point, "answers");
            int at = place_of(w, &w->entry[m][i]) * a->n_questions;
            for (size_t q = 0; q < questions; q++) {
                const struct json_value *one = !w->pictures                                   ? point
                                               : all && all->type == JSON_ARRAY && q < all->n ? &all->item[q]
                                                                                              : NULL;
                a->semantic[m][at + (int)q] = json_find_number(one, "semantic_accuracy");
                a->exact[m][at + (int)q] = json_find_number(one, "exact");
            }
        }
    }
    answers_sum_up(a, w->sweep->options.n_models);
    return true;
}

/* ---- The joined result ---- */

static bool read_settings(struct join *w, struct error *e)
{
    const struct json_value *first = w->shards[0];
    struct sweep_options *o = &w->sweep->options;
    double gen, ubatch, repeats;
    const char *kind = json_find_string(first, "kind");
    w->pictures = kind && !strcmp(kind, "laws image");
    w->energy_kind = "none";
    while (o->n_models < SWEEP_MODELS && page_model(first, o->n_models)) o->n_models++;
    o->device = &w->device;
    o->hz = json_find_number(first, "hz");
    if (w->pictures) o->pictures.mmproj[0] = ""; /* which says that the sweep is of pictures */
    if (!take_whole(first, "gen", 1, MAX_WHOLE, &gen, e) || !take_whole(first, "ubatch", 1, MAX_WHOLE, &ubatch, e) ||
        !take_whole(first, "repeats", 1, SWEEP_REPEATS, &repeats, e))
        return fail_in(e, w->files[0]);
    o->gen = (int64_t)gen, o->ubatch = (size_t)ubatch, o->repeats = (int)repeats;
    return true;
}

static bool read_all(struct join *w, struct error *e)
{
    const int n_models = w->sweep->options.n_models;
    for (size_t i = 0; i < w->n; i++)
        if (!read_shard(w, i, e)) return fail_in(e, w->files[i]);
    for (int m = 0; m < n_models; m++) qsort(w->entry[m], (size_t)w->n_entries[m], sizeof w->entry[m][0], in_order);
    take_places(w);
    w->laws->sweep = w->sweep;
    w->laws->energy_kind = w->energy_kind;
    for (int m = 0; m < n_models; m++)
        if (!take_model(w, m, e)) return false;
    return join_answers(w, e) && laws_judge(w->laws, e);
}

/* Which members are written: those of one model's points, or of the whole. */
enum { WHOLE = SWEEP_MODELS };
struct members {
    const struct join *join;
    int model; /* or WHOLE */
};

static void put_members(struct json *j, const struct members *which)
{
    const struct join *w = which->join;
    double windows = 0;
    if (which->model < WHOLE) {
        laws_json_sums(j, w->laws, &w->laws->model[which->model]);
        if (!which->model || w->sweep->options.n_models <= SWEEP_PAIR) return; /* a pair's are of the whole */
        json_key(j, "ratios");
        json_object(j);
        laws_json_ratios(j, w->laws, which->model);
        json_object_end(j);
        return;
    }
    for (int m = 0; m < w->sweep->options.n_models; m++)
        for (int i = 0; i < w->n_entries[m]; i++) windows += w->entry[m][i].windows;
    json_put_number(j, "missing", fmax(0, w->total - windows));
    json_put_number(j, "without_idle_after", w->half_idle);
    json_put_string(j, "energy_kind", w->energy_kind);
    json_put_integer(j, "shards", (int64_t)w->n);
    if (w->sweep->options.n_models == SWEEP_PAIR) laws_json_pair(j, w->laws);
}

static struct json_value *tree_of(void (*put)(struct json *j, const void *what), const void *what, struct error *e)
{
    char *text = NULL;
    size_t size = 0;
    struct json j;
    FILE *f = open_memstream(&text, &size);
    if (!f) return fail(e, "shards: found no memory"), NULL;
    json_begin(&j, f);
    put(&j, what);
    json_end(&j);
    bool ok = !ferror(f);
    if (fclose(f)) ok = false;
    struct json_value *v = ok ? json_parse(text, size, e) : NULL;
    if (!ok) fail(e, "shards: found no memory");
    free(text);
    return v;
}

static void put_members_object(struct json *j, const void *which)
{
    json_object(j);
    put_members(j, which);
    json_object_end(j);
}

/* The joined points, as their shards have them; joules of another kind than the whole's are not known. */
static void put_points(struct json *j, const struct join *w, int m)
{
    json_array(j);
    for (int i = 0; i < w->n_entries[m]; i++) {
        const struct json_value *v = w->entry[m][i].point;
        bool known = strcmp(w->energy_kind, "none") && !strcmp(w->entry[m][i].energy, w->energy_kind);
        json_object(j);
        for (size_t k = 0; k < v->n; k++) {
            json_key(j, v->key[k]);
            if (!known && !strcmp(v->key[k], "energy_j"))
                json_null(j);
            else
                json_tree_write(j, &v->item[k]);
        }
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_model_members(struct json *j, const struct join *w, int m, const struct json_value *from,
                              struct json_value *const sums[WHOLE + 1]);

static void put_model(struct json *j, const struct join *w, int m, struct json_value *const sums[WHOLE + 1])
{
    json_object(j);
    put_model_members(j, w, m, page_model(w->shards[0], m), sums);
    json_object_end(j);
}

/* A model's members: those of the first shard, but for its points and what was found of all of them anew. */
static void put_model_members(struct json *j, const struct join *w, int m, const struct json_value *from,
                              struct json_value *const sums[WHOLE + 1])
{
    const struct json_value *whole = m ? NULL : sums[WHOLE];
    const int n_models = w->sweep->options.n_models;
    for (size_t i = 0; i < from->n; i++) {
        const char *key = from->key[i];
        const struct json_value *v = json_member(sums[m], key);
        if (!v) v = json_member(whole, key);
        json_key(j, key);
        if (!strcmp(key, "points")) {
            put_points(j, w, m);
        } else if (!m && &from->item[i] == page_model(from, 1)) {
            put_model(j, w, 1, sums);
        } else if (!m && n_models > SWEEP_PAIR && !strcmp(key, "variants")) {
            json_array(j);
            for (int k = 1; k < n_models; k++) put_model(j, w, k, sums);
            json_array_end(j);
        } else {
            json_tree_write(j, v ? v : &from->item[i]);
        }
    }
    const struct json_value *const both[] = {sums[m], whole};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; both[k] && i < both[k]->n; i++) {
            if (json_member(from, both[k]->key[i])) continue;
            json_key(j, both[k]->key[i]);
            json_tree_write(j, &both[k]->item[i]);
        }
}

struct joined {
    const struct join *join;
    struct json_value *sums[WHOLE + 1]; /* of each model, and of the whole */
};

static void put_joined(struct json *j, const void *what)
{
    const struct joined *o = what;
    put_model(j, o->join, 0, o->sums);
}

static struct json_value *write_joined(const struct join *w, struct error *e)
{
    struct joined o = {.join = w};
    struct json_value *v = NULL;
    bool ok = true;
    for (int m = 0; ok && m <= WHOLE; m++) {
        struct members which = {w, m};
        if (m < WHOLE && m >= w->sweep->options.n_models) continue;
        ok = (o.sums[m] = tree_of(put_members_object, &which, e)) != NULL;
    }
    if (ok) v = tree_of(put_joined, &o, e);
    for (int m = 0; m <= WHOLE; m++) json_free(o.sums[m]);
    return v;
}

bool shards_belong(const struct json_value *a, const struct json_value *b)
{
    const char *one = json_find_string(a, "sha256"), *other = json_find_string(b, "sha256");
    const char *here = json_find_string(json_find(a, "origin"), "machine");
    const char *there = json_find_string(json_find(b, "origin"), "machine");
    if (!one || !other || strcmp(one, other)) return false;
    /* Two machines that predict from one profile have the same hash. */
    if (strcmp(here ? here : "", there ? there : "")) return false;
    return json_find_number(a, "missing") > 0 && json_find_number(b, "missing") > 0;
}

struct json_value *shards_join(const struct json_value *const *shards, const char *const *files, size_t n, struct error *e)
{
    struct join *w = calloc(1, sizeof *w);
    struct json_value *v = NULL;
    if (w)
        *w = (struct join){
            .shards = shards, .files = files, .n = n, .laws = calloc(1, sizeof *w->laws), .sweep = calloc(1, sizeof *w->sweep)};
    if (!w || !w->laws || !w->sweep)
        fail(e, "shards: found no memory");
    else if (read_settings(w, e) && read_all(w, e))
        v = write_joined(w, e);
    for (int m = 0; w && w->sweep && m < SWEEP_MODELS; m++)
        for (int c = 0; c < SWEEP_CLAMPS; c++) free(w->sweep->model[m].clamp[c].stairs);
    if (w && w->laws) answers_free(w->laws->answers);
    if (w) free(w->laws), free(w->sweep);
    free(w);
    return v;
}
