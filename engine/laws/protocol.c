/* SPDX-License-Identifier: MIT */
#include "engine/laws/protocol.h"

#include "base/memory.h"
#include "base/si.h"
#include "engine/account/calibrate.h"
#include "engine/account/paper.h"
#include "engine/laws/laws_parts.h"
#include "engine/laws/prompts.h"
#include "engine/meter/meter.h"
#include "engine/report/origin.h"
#include "engine/report/page.h"
#include "engine/synth.h"
#include "engine/tower/mmproj.h"
#include "loader/file.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_GEN = 32, FULL_GEN = 128, IMAGE_GEN = 8, SEED = 1 };
#define SWEEP_SHARE 0.42 /* of the minutes, for each sweep; the rest is for calibration and making models */

/* Made-up pairs: dense, and factorised to about half; and the paper's. */
static const char *const small_text[SWEEP_PAIR] = {"L=8,D=512,H=8,KV=2,F=1536,V=4096,tied:Q4_K_M",
                                                   "L=8,D=512,H=8,KV=2,F=1536,V=4096,tied:Q4_K_M:mpo"};
static const char *const small_vision[SWEEP_PAIR] = {"tiny-qwen2-vl:Q4_K_M", "tiny-qwen2-vl:Q4_K_M:mpo"};
static const char *const full_text[SWEEP_PAIR] = {"llama-3.1-8b:Q4_K_M", "gilda-3.2b:Q4_K_M"};
static const char *const full_vision[SWEEP_PAIR] = {"qwen2-vl-2b:F16", "axolotl-1.1b:F16"};

/* The paths of a pair, given or made, and of its towers. */
struct pair {
    char path[SWEEP_PAIR][PATH_MAX], tower[SWEEP_PAIR][PATH_MAX];
    bool made;
};

/* A sweep from its plan to its result. */
struct planned {
    struct protocol_step *step;
    struct pair pair;
    char dir[PATH_MAX];
    struct laws_options run; /* borrows the paths above */
    double seconds;          /* that it takes by the predictions; 0: it could not be planned */
    struct laws *laws;       /* NULL: it could not be done */
    bool other;              /* the folder holds windows of other settings */
};

struct work {
    const struct protocol_options *o;
    struct protocol_result *result;
    struct device device;
    bool has_device;
    char profile[PATH_MAX];
    struct planned sweep[2]; /* of prompts and of pictures */
    struct paper paper[2];   /* the paper's machines, and this one */
    bool has_paper[2];
    double before_s, now_s, after_s; /* predicted: of sweeps done, of the one under way and, at most, of those to come */
};

static bool stopped(const struct work *w)
{
    return w->o->hooks.interrupted && *w->o->hooks.interrupted;
}

/* ---- Steps ---- */

static struct protocol_step *begin_step(struct work *w, const char *name)
{
    assert(w->result->n_steps < PROTOCOL_STEPS);
    struct protocol_step *s = &w->result->step[w->result->n_steps++];
    *s = (struct protocol_step){.name = name};
    if (w->o->hooks.say) w->o->hooks.say("%s", name);
    return s;
}

static bool step_failed(struct work *w, struct protocol_step *s, const struct error *e)
{
    snprintf(s->failed, sizeof s->failed, "%s", e->text);
    w->result->n_failed++;
    if (w->o->hooks.say) w->o->hooks.say("%s: %s", s->name, e->text);
    return false;
}

/* ---- The machine ---- */

/* A profile that is there is of an earlier call: predictions frozen by it must not change. */
static bool take_profile(struct work *w, struct error *e)
{
    const struct protocol_options *o = w->o;
    if (o->device) return device_find(&w->device, o->device, o->hooks.say, o->hooks.interrupted, e);
    if (!access(w->profile, F_OK)) return device_find(&w->device, w->profile, o->hooks.say, o->hooks.interrupted, e);
    const struct calibrate_options c = {.threads = o->threads,
                                        .quick = !o->full && o->minutes < 2,
                                        .seconds = o->full ? 0 : fmin(26, 4 * o->minutes),
                                        .progress = o->calibrating,
                                        .progress_ctx = o->hooks.ctx,
                                        .interrupted = o->hooks.interrupted};
    char cached[PATH_MAX];
    struct error lost = {""};
    size_t kept;
    if (!calibrate(&w->device, &c, e)) return false;
    if (device_cache_path(cached, sizeof cached, e) && !calibrate_keep_energy(&w->device, cached, &kept, &lost, e))
        return false;
    if (*lost.text && o->hooks.say) o->hooks.say("no energy terms are taken over: %s", lost.text);
    return device_save(&w->device, w->profile, e);
}

/* Joules that were asked for by name are the caller's to insist on; of what was found by itself a line says what there is. */
static void meter_step(struct work *w)
{
    struct protocol_step *s = begin_step(w, "meter");
    if (!meter_measures(w->o->hooks.meter))
        snprintf(s->note, sizeof s->note, "nothing here measures joules: those of the page are modelled, or not known");
}

static void calibrate_step(struct work *w)
{
    struct error e = {""};
    struct protocol_step *s = begin_step(w, "calibration");
    w->has_device = take_profile(w, &e);
    if (!w->has_device)
        step_failed(w, s, &e);
    else if (device_get(&w->device, "noise") > 0.05)
        snprintf(s->note, sizeof s->note,
                 "memory bandwidth scattered by %.0f %% meanwhile: something else ran, which the times will show",
                 100 * device_get(&w->device, "noise"));
}

/* ---- Models ---- */

/* Writes a made-up model where it is not there yet. What it needs of the disk is known before only in parts, so a full disk is
 * synth's own error. */
static bool make_model(struct work *w, const char *shape, bool tower, const char *name, char path[PATH_MAX], struct error *e)
{
    char folder[PATH_MAX];
    if (!laws_path(folder, w->o->dir, "models", e) || !laws_folder(folder, e) || !laws_path(path, folder, name, e))
        return false;
    if (!access(path, F_OK)) return true;
    const struct synth_options o = {
        .shape = shape, .mmproj = tower, .seed = SEED, .threads = w->o->threads, .stop = w->o->hooks.interrupted};
    if (w->o->hooks.say) w->o->hooks.say("%s: making it, random weights", path);
    return synth_write(&o, path, NULL, e);
}

/* Of a model that is opened, weights are in memory one model at a time; some room for cache and buffers beside. */
static bool fits(const char *path, struct error *e)
{
    struct stat st;
    uint64_t free_bytes = memory_available();
    if (stat(path, &st)) return fail(e, "%s: %s", path, strerror(errno));
    if ((double)st.st_size * 1.1 < (double)free_bytes) return true;
    return fail(e, "%s: found %.1f GB of memory to be had, expected %.1f for the model", path, (double)free_bytes * 1e-9,
                (double)st.st_size * 1.1e-9);
}

/* A shape that will not fit is refused before its file is written. */
static bool shape_fits(const char *shape, struct error *e)
{
    uint64_t free_bytes = memory_available();
    struct model *m = model_from_shape(shape, e);
    if (!m) return false;
    double bytes = (double)m->tensor_bytes;
    model_close(m);
    if (bytes * 1.1 < (double)free_bytes) return true;
    return fail(e, "%s: found %.1f GB of memory to be had, expected %.1f for the model", shape, (double)free_bytes * 1e-9,
                bytes * 1.1e-9);
}

static bool make_pair(struct work *w, struct pair *p, bool vision, struct error *e)
{
    static const char *const names[2][SWEEP_PAIR] = {{"text-a.gguf", "text-b.gguf"}, {"vision-a.gguf", "vision-b.gguf"}};
    static const char *const tower_names[SWEEP_PAIR] = {"mmproj-a.gguf", "mmproj-b.gguf"};
    const char *const *given = vision ? w->o->vision : w->o->model;
    const char *const *shapes = w->o->full ? vision ? full_vision : full_text : vision ? small_vision : small_text;
    p->made = !given[0];
    for (int i = 0; i < SWEEP_PAIR; i++) {
        if (p->made && (!shape_fits(shapes[i], e) || !make_model(w, shapes[i], false, names[vision][i], p->path[i], e)))
            return false;
        if (!p->made) snprintf(p->path[i], PATH_MAX, "%s", given[i]);
        if (!fits(p->path[i], e)) return false;
        if (!vision) continue;
        /* The tower has the name of the shape without its recipe: it is not factorised. */
        char shape[64];
        snprintf(shape, sizeof shape, "%.*s", (int)strcspn(shapes[i], ":"), shapes[i]);
        if (p->made && !make_model(w, shape, true, tower_names[i], p->tower[i], e)) return false;
        if (!p->made) snprintf(p->tower[i], PATH_MAX, "%s", w->o->mmproj[i]);
    }
    return true;
}

/* ---- Sweeps ---- */

/* How closely a sweep looks, from the paper's own to what a slow board can do in the time: samples a second, windows a point,
 * and every how many-th point. */
static const struct thoroughness {
    double hz;
    int repeats, stride;
} levels[] = {{5, 3, 1}, {10, 3, 1}, {20, 2, 1}, {20, 1, 1}, {50, 1, 1}, {50, 1, 2}, {50, 1, 4}};
enum { LEVELS = sizeof levels / sizeof *levels };

static void take_level(struct sweep_options *o, const struct thoroughness *t)
{
    o->hz = t->hz;
    o->repeats = t->repeats;
    o->window_s = 0;
    o->n_points = 0;
    if (!sweep_sees(o)) /* the longest is always among them */
        for (int i = N_PROMPTS; i > 0; i -= t->stride) o->point[o->n_points++] = i;
    o->pictures.n_edges = 0;
    for (int i = 20; sweep_sees(o) && t->stride > 1 && i > 0; i -= t->stride)
        o->pictures.edge[o->pictures.n_edges++] = (int64_t)lround(2048 * i / 20.0);
}

/* Plans at the first level whose windows take no longer than `seconds` by the predictions, else at the last, and freezes what
 * it predicts: that of pictures, too, before the first prompt runs. p->seconds becomes what all of it takes, with the idle
 * intervals before and after. */
static bool choose_level(struct work *w, struct planned *p, double seconds, struct error *e)
{
    struct sweep *s = NULL;
    for (size_t i = 0; i < LEVELS; i++) {
        double windows;
        sweep_free(s);
        take_level(&p->run.sweep, &levels[i]);
        if (!(s = sweep_new(&p->run.sweep, e))) return false;
        sweep_missing(s, &windows);
        p->seconds = windows + 2 * s->options.window_s;
        if (w->o->full || windows <= seconds) break;
    }
    p->other = !laws_fits(s, p->dir, e);
    bool ok = !p->other && laws_freeze(s, p->dir, e);
    if (ok && w->o->hooks.say) w->o->hooks.say("%s: predicted, sha256 %s", p->step->name, s->sha256);
    sweep_free(s);
    return ok;
}

static bool plan(struct work *w, struct planned *p, bool vision, struct error *e)
{
    const struct protocol_options *o = w->o;
    if (!w->has_device) return fail(e, "found no profile of the machine, expected one to predict with");
    if (!make_pair(w, &p->pair, vision, e) || !laws_path(p->dir, o->dir, vision ? "image" : "text", e)) return false;
    p->run = (struct laws_options){.sweep = {.model = {p->pair.path[0], p->pair.path[1]},
                                             .n_models = SWEEP_PAIR,
                                             .gen = vision    ? IMAGE_GEN
                                                    : o->full ? FULL_GEN
                                                              : TEXT_GEN,
                                             .seed = SEED,
                                             .threads = o->threads,
                                             .kv_type = TYPE_F16,
                                             .shards = 1,
                                             .device = &w->device,
                                             .device_word = o->device ? o->device : w->profile,
                                             .energy = meter_source(o->hooks.meter)},
                                   .words = {.energy = o->energy},
                                   .dir = p->dir,
                                   .judge = !vision || o->questions ? o->judge : NULL,
                                   .references = vision ? o->questions : o->answers,
                                   .hooks = o->hooks};
    for (int i = 0; vision && i < SWEEP_PAIR; i++) p->run.sweep.pictures.mmproj[i] = p->pair.tower[i];
    return choose_level(w, p, SWEEP_SHARE * 60 * o->minutes, e);
}

/* False and *e: the folder holds windows of other settings, and nothing more is to be done in it. */
static bool plan_step(struct work *w, bool vision, struct error *e)
{
    struct error why = {""};
    struct planned *p = &w->sweep[vision];
    p->step = begin_step(w, vision ? "pictures" : "prompts");
    if (plan(w, p, vision, &why)) return true;
    if (p->other) return fail(e, "%s", why.text);
    p->seconds = 0;
    step_failed(w, p->step, &why);
    return true;
}

/* The same again at each call: what was measured by an earlier one is in it. */
static void tell_overrun(const struct work *w)
{
    const struct protocol_options *o = w->o;
    double takes = w->sweep[0].seconds + w->sweep[1].seconds, most = 2 * SWEEP_SHARE * 60 * o->minutes;
    if (o->full || takes <= most || !o->hooks.say) return;
    o->hooks.say("even the least plan takes %s by the predictions, expected at most %s of --minutes %g: it goes on, and takes "
                 "longer",
                 si(takes, "s").s, si(most, "s").s, o->minutes);
}

/* One sweep's progress as that of all. */
static void show_all(void *ctx, double done_s, double total_s, size_t done, size_t total)
{
    struct work *w = ctx;
    const struct sweep_hooks *h = &w->o->hooks;
    w->now_s = total_s;
    h->progress(h->ctx, w->before_s + done_s, w->before_s + total_s + w->after_s, done, total);
}

static void measure_step(struct work *w, struct planned *p)
{
    struct error e = {""}, short_of = {""};
    if (!(p->seconds > 0)) return;
    if (w->o->hooks.say) w->o->hooks.say("%s: measuring", p->step->name);
    w->before_s += w->now_s;
    w->now_s = 0;
    w->after_s = p < &w->sweep[1] ? w->sweep[1].seconds : 0;
    if (w->o->hooks.progress) p->run.hooks.progress = show_all, p->run.hooks.ctx = w;
    p->run.fell_short = &short_of;
    if (!(p->laws = laws_run(&p->run, &e)))
        step_failed(w, p->step, &e);
    else if (*short_of.text)
        step_failed(w, p->step, &short_of);
    if (p->laws && p->pair.made)
        snprintf(p->step->note, sizeof p->step->note,
                 "the models are made up: shapes as given, random weights. Their times, areas and joules mean something, their "
                 "answers nothing");
}

/* ---- The paper's figures ---- */

/* The paper's machines first; of this one the figures that have a machine. */
static void put_paper(const struct work *w, struct json *j)
{
    json_object(j);
    json_put_string(j, "sha256", w->paper[0].sha256);
    json_key(j, "rows");
    json_array(j);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; w->has_paper[k] && i < w->paper[k].n; i++)
            if (!k || w->paper[k].rows[i].machine >= 0) paper_put_row(&w->paper[k], &w->paper[k].rows[i], j);
    json_array_end(j);
    json_object_end(j);
}

/* As a file, before anything is measured. */
static bool write_paper(const struct work *w, struct error *e)
{
    char path[PATH_MAX];
    struct file_output *f = laws_path(path, w->o->dir, "paper.json", e) ? file_output_open(path, e) : NULL;
    struct json j;
    if (!f) return false;
    json_begin(&j, file_output_stream(f));
    put_paper(w, &j);
    json_end(&j);
    return file_output_commit(f, e);
}

static void paper_step(struct work *w)
{
    struct error e = {""};
    struct protocol_step *s = begin_step(w, "the paper's figures");
    w->has_paper[0] = paper_predict(&w->paper[0], NULL, w->o->hooks.say, &e);
    const char *here = w->o->device ? w->o->device : w->profile;
    w->has_paper[1] = w->has_paper[0] && w->has_device && paper_predict(&w->paper[1], here, w->o->hooks.say, &e);
    if (!w->has_paper[0] || (w->has_device && !w->has_paper[1]) || !write_paper(w, &e)) step_failed(w, s, &e);
}

/* ---- The result ---- */

static void put_steps(const struct work *w, struct json *j)
{
    json_key(j, "steps");
    json_array(j);
    for (size_t i = 0; i < w->result->n_steps; i++) {
        const struct protocol_step *s = &w->result->step[i];
        json_object(j);
        json_put_string(j, "step", s->name);
        json_put_string(j, "failed", *s->failed ? s->failed : NULL);
        json_put_string(j, "note", *s->note ? s->note : NULL);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_sweep(const char *key, const struct laws *l, struct json *j)
{
    json_key(j, key);
    if (l)
        laws_put(l, j);
    else
        json_null(j);
}

static void put_command(const struct protocol_options *o, char *command, size_t size)
{
    snprintf(command, size, "hartree paper");
    const struct {
        const char *word, *const *pair;
    } pairs[] = {{"--pair", o->model}, {"--vlm-pair", o->vision}, {"--mmproj", o->mmproj}};
    for (size_t i = 0; i < 3; i++) {
        if (!pairs[i].pair[0]) continue;
        origin_word(command, size, pairs[i].word);
        for (int k = 0; k < SWEEP_PAIR; k++) origin_word(command, size, pairs[i].pair[k]);
    }
    const struct {
        const char *word, *file;
    } files[] = {{"--judge", o->judge}, {"--answers", o->answers}, {"--questions", o->questions}, {"--device", o->device}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!files[i].file) continue;
        origin_word(command, size, files[i].word);
        origin_word(command, size, files[i].file);
    }
    if (o->energy) {
        origin_word(command, size, "--energy");
        origin_word(command, size, o->energy);
    }
    if (o->full)
        origin_word(command, size, "--full");
    else
        origin_option(command, size, "--minutes", o->minutes);
    origin_option(command, size, "-t", o->threads);
    origin_word(command, size, "-o");
    origin_word(command, size, "again");
}

static void put_result(const struct work *w, FILE *f)
{
    struct json j;
    char command[3 * PATH_MAX];
    json_begin(&j, f);
    json_object(&j);
    json_put_string(&j, "kind", "paper");
    put_command(w->o, command, sizeof command);
    origin_json(&j, &w->device, w->o->threads, command);
    put_steps(w, &j);
    put_sweep("text", w->sweep[0].laws, &j);
    put_sweep("image", w->sweep[1].laws, &j);
    if (w->has_paper[0]) {
        json_key(&j, "paper");
        put_paper(w, &j);
    }
    json_object_end(&j);
    json_end(&j);
}

/* Whole or not at all, both. */
static bool write_both(const struct protocol_options *o, const char *text, size_t size, struct error *e)
{
    char path[PATH_MAX];
    struct file_output *f = laws_path(path, o->dir, "result.json", e) ? file_output_open(path, e) : NULL;
    if (!f) return false;
    fwrite(text, 1, size, file_output_stream(f));
    if (!file_output_commit(f, e) || !laws_path(path, o->dir, "report.html", e) || !(f = file_output_open(path, e)))
        return false;
    if (page_write_text(text, size, file_output_stream(f), e)) return file_output_commit(f, e);
    file_output_discard(f);
    return false;
}

static bool write_result(const struct work *w, struct error *e)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return fail(e, "result: found no memory");
    put_result(w, f);
    bool ok = !ferror(f);
    if (fclose(f)) ok = false;
    ok = ok ? write_both(w->o, text, size, e) : fail(e, "result: found no memory");
    free(text);
    return ok;
}

/* ---- All of it ---- */

/* What was given and can't be read is known before the minutes that calibrating takes. */
static bool check_given(const struct protocol_options *o, struct error *e)
{
    const char *const texts[] = {o->answers, o->questions};
    for (int i = 0; i < 2 * SWEEP_PAIR + 1; i++) {
        const char *path = i < SWEEP_PAIR ? o->model[i] : i < 2 * SWEEP_PAIR ? o->vision[i - SWEEP_PAIR] : o->judge;
        struct model *m = path ? model_open(path, NULL, MODEL_NO_TOKENIZER, e) : NULL;
        if (path && !m) return false;
        model_close(m);
    }
    for (int i = 0; o->vision[0] && i < SWEEP_PAIR; i++) {
        struct mmproj *m = mmproj_open(o->mmproj[i], NULL, 0, e);
        if (!m) return false;
        mmproj_close(m);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i] && access(texts[i], R_OK)) return fail(e, "%s: %s", texts[i], strerror(errno));
    return true;
}

static bool tell_stopped(const struct work *w, struct error *e)
{
    if (!w->has_device) return fail(e, "interrupted while calibrating, of which nothing is kept");
    return fail(e, "interrupted; the same command%s goes on from here", w->o->restart ? " without --restart" : "");
}

/* Models stay: they are the same again. */
static bool forget(const struct work *w, struct error *e)
{
    static const char *const sweeps[] = {"text", "image"};
    char dir[PATH_MAX];
    for (size_t i = 0; i < 2; i++)
        if (!laws_path(dir, w->o->dir, sweeps[i], e) || !laws_forget(dir, e)) return false;
    return !unlink(w->profile) || errno == ENOENT || fail(e, "%s: cannot remove: %s", w->profile, strerror(errno));
}

bool protocol_run(struct protocol_result *result, const struct protocol_options *o, struct error *e)
{
    struct work w = {.o = o, .result = result};
    *result = (struct protocol_result){.n_steps = 0};
    if (!check_given(o, e) || !laws_folder(o->dir, e) || !laws_path(w.profile, o->dir, "device.profile", e)) return false;
    if (o->restart && !forget(&w, e)) return false;
    meter_step(&w);
    calibrate_step(&w);
    if (!stopped(&w)) paper_step(&w);
    bool ok = true;
    for (int i = 0; ok && i < 2 && !stopped(&w); i++) ok = plan_step(&w, i, e);
    if (ok && !stopped(&w)) tell_overrun(&w);
    for (int i = 0; ok && i < 2 && !stopped(&w); i++) measure_step(&w, &w.sweep[i]);
    ok = ok && (stopped(&w) ? tell_stopped(&w, e) : write_result(&w, e));
    for (int i = 0; i < 2; i++) {
        laws_free(w.sweep[i].laws);
        if (w.has_paper[i]) paper_free(&w.paper[i]);
    }
    device_free(&w.device);
    return ok;
}
