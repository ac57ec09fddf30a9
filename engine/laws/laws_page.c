/* laws_page.c - what the page of a sweep needs beside its figures: where the time goes, the stairs of its clamps, the command
 * that measures it again; and the page itself. SPDX-License-Identifier: MIT */
#include "engine/laws/laws_parts.h"

#include "engine/laws/prompts.h"
#include "engine/report/origin.h"
#include "engine/report/page.h"
#include "loader/file.h"

#include <stdlib.h>
#include <string.h>

/* ---- Costs ---- */

/* One op in one phase, whose first row is at i: sums, and its time layer by layer. */
static void put_cost(struct json *j, const struct sweep_model *m, size_t i)
{
    static const char *const phases[] = {[PHASE_PREFILL] = "prefill", [PHASE_DECODE] = "decode", [ROW_VISION] = "vision"};
    const struct prediction_row *first = &m->cost[i];
    double flops = 0, bytes = 0, time = 0;
    json_object(j);
    json_put_string(j, "op", first->op);
    json_put_string(j, "phase", phases[first->phase]);
    json_key(j, "layers");
    json_array(j);
    for (size_t k = i; k < m->n_cost; k++) {
        const struct prediction_row *r = &m->cost[k];
        if (r->phase != first->phase || strcmp(r->op, first->op)) continue;
        flops += r->flops, bytes += r->bytes, time += r->time_s;
        json_array(j);
        json_integer(j, r->layer);
        json_number(j, r->time_s);
        json_array_end(j);
    }
    json_array_end(j);
    json_put_number(j, "flops", flops);
    json_put_number(j, "bytes", bytes);
    json_put_number(j, "time_s", time);
    json_object_end(j);
}

static bool cost_seen(const struct sweep_model *m, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (m->cost[k].phase == m->cost[i].phase && !strcmp(m->cost[k].op, m->cost[i].op)) return true;
    return false;
}

void laws_json_costs(struct json *j, const struct laws *l, const struct sweep_model *m)
{
    const struct sweep_point *p = &m->point[m->cost_point];
    if (!m->n_cost) return;
    json_key(j, "costs");
    json_object(j);
    if (sweep_sees(&l->sweep->options)) json_put_integer(j, "patches", p->fit.patches);
    if (p->tokens.n) {
        json_put_integer(j, "prompt", (int64_t)p->tokens.n);
        json_put_integer(j, "gen", l->sweep->options.gen);
    }
    json_key(j, "ops");
    json_array(j);
    for (size_t i = 0; i < m->n_cost; i++)
        if (!cost_seen(m, i)) put_cost(j, m, i);
    json_array_end(j);
    json_object_end(j);
}

void laws_json_stairs(struct json *j, const struct sweep_clamp *c)
{
    json_key(j, "stairs");
    json_array(j);
    for (size_t i = 0; i < c->n_stairs; i++) {
        const struct sweep_stair *s = &c->stairs[i];
        json_object(j);
        json_put_integer(j, "edge", s->stair.edge);
        json_put_integer(j, "patches", s->stair.fit.patches);
        json_put_integer(j, "patches_unbounded", s->stair.unbounded);
        json_put_number(j, "predicted_s", s->time_s);
        json_put_number(j, "predicted_cpu_auc", s->cpu_auc);
        json_put_number(j, "predicted_ram_auc", s->ram_auc);
        json_put_number(j, "predicted_energy_j", s->energy_j);
        json_object_end(j);
    }
    json_array_end(j);
}

/* ---- The command ---- */

struct command_line {
    char s[16384];
};

static void add(struct command_line *c, const char *name, const char *value)
{
    origin_word(c->s, sizeof c->s, name);
    origin_word(c->s, sizeof c->s, value);
}

/* What no settings of the sweep itself say. */
static void add_words(struct command_line *c, const struct laws *l)
{
    const char *energy = l->words.energy;
    if (energy && strcmp(energy, "auto")) add(c, "--energy", energy);
    if (l->judge) add(c, "--judge", l->judge);
    if (l->references) add(c, "--answers", l->references);
    for (size_t i = 0; i + 1 < l->words.n; i += 2) add(c, l->words.word[i], l->words.word[i + 1]);
}

static void add_list(struct command_line *c, const char *name, const int64_t *v, int n)
{
    char list[24 * SWEEP_EDGES] = "";
    for (int i = 0; i < n && i < SWEEP_EDGES; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%lld", i ? "," : "", (long long)v[i]);
    add(c, name, list);
}

static void add_pictures(struct command_line *c, const struct sweep_options *o)
{
    const struct sweep_pictures *p = &o->pictures;
    for (int i = 0; i < o->n_models; i++) {
        if (o->model[i]) add(c, "-m", o->model[i]);
        add(c, "--mmproj", p->mmproj[i]);
    }
    if (p->image) add(c, "--image", p->image);
    if (p->question && o->model[0]) add(c, "--question", p->question);
    add_list(c, "--edges", p->edge, p->n_edges);
    for (int i = 0; i < p->n_clamps; i++) add(c, "--clamp", p->clamp[i]);
}

static void add_prompts(struct command_line *c, const struct sweep_options *o, int made)
{
    for (int i = 0; i < o->n_models - made; i++) add(c, "-m", o->model[i]);
    if (o->lengths || o->n_points != N_PROMPTS) add_list(c, o->lengths ? "--lengths" : "--points", o->point, o->n_points);
}

void laws_json_origin(struct json *j, const struct laws *l)
{
    const struct sweep_options *o = &l->sweep->options;
    struct command_line c;
    snprintf(c.s, sizeof c.s, "hartree laws %s", sweep_sees(o) ? "image" : l->words.family ? "compress" : "text");
    if (sweep_sees(o))
        add_pictures(&c, o);
    else
        add_prompts(&c, o, l->words.made);
    if (!sweep_sees(o) || o->model[0]) origin_option(c.s, sizeof c.s, "--gen", (double)o->gen); /* a tower alone makes none */
    origin_option(c.s, sizeof c.s, "-r", o->repeats);
    origin_option(c.s, sizeof c.s, "--hz", o->hz);
    origin_option(c.s, sizeof c.s, "--window", o->window_s);
    origin_option(c.s, sizeof c.s, "-t", o->threads);
    origin_option(c.s, sizeof c.s, "--seed", (double)o->seed);
    if (o->ubatch != 512) origin_option(c.s, sizeof c.s, "--ubatch", (double)o->ubatch);
    if (o->kv_type != TYPE_F16) add(&c, "--kv", type_name(o->kv_type));
    if (o->device_word) add(&c, "--device", o->device_word);
    add_words(&c, l);
    add(&c, "-o", "again");
    origin_json(j, o->device, o->threads, c.s);
}

/* ---- The page ---- */

bool laws_write_page(const struct laws *l, const char *path, struct error *e)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return fail(e, "%s: found no memory", path);
    laws_json(l, f);
    bool ok = !ferror(f);
    if (fclose(f) || !ok) {
        free(text);
        return fail(e, "%s: found no memory", path);
    }
    struct file_output *o = file_output_open(path, e);
    ok = o && page_write_text(text, size, file_output_stream(o), e);
    free(text);
    if (ok) return file_output_commit(o, e);
    if (o) file_output_discard(o);
    return false;
}
