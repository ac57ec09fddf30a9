/* laws_pictures_files.c - a sweep of pictures as tables, and as gnuplot's scripts that draw stairs, points and knees.
 * SPDX-License-Identifier: MIT */
#include "engine/laws/laws_parts.h"

#include <math.h>
#include <string.h>

/* ---- Tables ---- */

void pictures_write_predictions(const void *from, FILE *f)
{
    const struct sweep *s = from;
    fputs("model,name,clamp,width,height,resized_width,resized_height,patches,tokens,prompt,passes,flops,flops_vision,vision_s,"
          "prefill_s,decode_s,time_s,prepare_s,cpu_auc,ram_auc,energy_j,sha256\n",
          f);
    for (int m = 0; m < s->options.n_models; m++)
        for (int i = 0; i < s->options.n_points; i++) {
            const struct sweep_model *model = &s->model[m];
            const struct sweep_point *p = &model->point[i];
            fprintf(f, "%d,%s,%s,%d,%d,%d,%d,%lld,%lld,%zu,%d", m + 1, plain(model->name).s,
                    plain(model->clamp[i / s->options.pictures.n_edges].text).s, p->fit.in_width, p->fit.in_height,
                    p->fit.width, p->fit.height, (long long)p->fit.patches, (long long)p->fit.tokens, p->tokens.n, p->passes);
            const double v[] = {p->flops,  p->vision_flops, p->vision_s, p->prefill_s, p->decode_s,
                                p->time_s, p->prepare_s,    p->cpu_auc,  p->ram_auc,   p->energy_j};
            for (size_t k = 0; k < sizeof v / sizeof *v; k++) put_cell(f, v[k]);
            fprintf(f, ",%s\n", p->sha256);
        }
}

void pictures_write_stairs(const void *from, FILE *f)
{
    const struct sweep *s = from;
    fputs("model,clamp_number,clamp,edge,resized_width,resized_height,patches,flops,time_s,cpu_auc,ram_auc,energy_j\n", f);
    for (int m = 0; m < s->options.n_models; m++)
        for (int c = 0; c < s->options.pictures.n_clamps; c++) {
            const struct sweep_clamp *k = &s->model[m].clamp[c];
            int longest = longest_edge(s->picture.width, s->picture.height);
            for (size_t i = 0; i <= k->n_stairs; i++) {
                /* The last step goes on to the picture's own size. */
                const struct sweep_stair *t = &k->stairs[i < k->n_stairs ? i : k->n_stairs - 1];
                fprintf(f, "%d,%d,%s,%d,%d,%d,%lld", m + 1, c + 1, plain(k->text).s, i < k->n_stairs ? t->stair.edge : longest,
                        t->stair.fit.width, t->stair.fit.height, (long long)t->stair.fit.patches);
                const double v[] = {t->flops, t->time_s, t->cpu_auc, t->ram_auc, t->energy_j};
                for (size_t n = 0; n < sizeof v / sizeof *v; n++) put_cell(f, v[n]);
                fputc('\n', f);
            }
        }
}

void pictures_write_points(const void *from, FILE *f)
{
    const struct laws *l = from;
    const struct sweep *s = l->sweep;
    fputs("model,clamp_number,clamp,edge,name,width,height,resized_width,resized_height,patches,tokens,prompt,windows,passes,"
          "flops,time_s,fastest_s,slowest_s,predicted_s,vision_s,predicted_vision_s,prefill_s,predicted_prefill_s,decode_s,"
          "predicted_decode_s,sample_s,read_s,resize_s,cpu_auc,predicted_cpu_auc,ram_auc,predicted_ram_auc,pss_auc,energy_j,"
          "energy_net_j,predicted_energy_j,others_cpu_s,window_s,predicted_low95_s,predicted_high95_s,predicted_prepare_s\n",
          f);
    for (int m = 0; m < s->options.n_models; m++)
        for (int i = 0; i < l->model[m].n_points; i++) {
            const struct laws_point *p = &l->model[m].point[i];
            const struct sweep_point *q = p->plan;
            const struct clamped *fit = &q->fit;
            int edge = longest_edge(fit->in_width, fit->in_height);
            fprintf(f, "%d,%d,%s,%d,%s,%d,%d,%d,%d,%lld,%lld,%zu,%d,%d", m + 1, p->index / s->options.pictures.n_edges + 1,
                    plain(clamp_of_point(&l->model[m], s, p->index)).s, edge, plain(l->model[m].plan->name).s, fit->in_width,
                    fit->in_height, fit->width, fit->height, (long long)fit->patches, (long long)fit->tokens, q->tokens.n,
                    p->windows, q->passes);
            const double v[] = {q->flops,          p->time_s,   p->fastest_s,    p->slowest_s, q->time_s,
                                p->vision_s,       q->vision_s, p->prefill_s,    q->prefill_s, p->decode_s,
                                q->decode_s,       p->sample_s, p->read_s,       p->resize_s,  p->cpu_auc,
                                q->cpu_auc,        p->ram_auc,  q->ram_auc,      p->pss_auc,   p->energy_j,
                                p->energy_net_j,   q->energy_j, p->others_cpu_s, p->window_s,  q->interval95_s[0],
                                q->interval95_s[1], q->prepare_s};
            for (size_t k = 0; k < sizeof v / sizeof *v; k++) put_cell(f, v[k]);
            fputc('\n', f);
        }
}

void pictures_write_clamps(const void *from, FILE *f)
{
    const struct laws *l = from;
    fputs("model,clamp_number,clamp,knee_predicted_px,knee_measured_px,knee_low95_px,knee_high95_px,plateau_patches,"
          "plateau_flops,plateau_s,plateau_predicted_s,plateau_ratio,plateau_predicted_ratio\n",
          f);
    for (int m = 0; m < l->sweep->options.n_models; m++)
        for (int c = 0; c < l->sweep->options.pictures.n_clamps; c++) {
            const struct laws_clamp *k = &l->model[m].clamp[c];
            fprintf(f, "%d,%d,%s", m + 1, c + 1, plain(k->plan->text).s);
            const double v[] = {k->knee_predicted_px,
                                k->knee_measured_px,
                                k->knee_low_px,
                                k->knee_high_px,
                                k->patches,
                                k->flops,
                                k->time_s,
                                k->predicted_s,
                                k->ratio,
                                k->predicted_ratio};
            for (size_t i = 0; i < sizeof v / sizeof *v; i++) put_cell(f, v[i]);
            fputc('\n', f);
        }
}

/* ---- Plots ---- */

const char *const picture_plot_names[PICTURE_PLOTS] = {"time", "cpu_auc", "ram_auc", "energy"};

static const struct {
    const char *title, *label;
    double scale;            /* what the label's unit is of the tables' */
    int stairs;              /* column of stairs.csv */
    int measured, low, high; /* of points.csv; low 0: no bars */
} plots[PICTURE_PLOTS] = {
    {"Time of a picture: predicted before, then measured", "seconds", 1, 9, 16, 17, 18},
    {"CPU time above idle, of a picture", "core-seconds", 1, 10, 29, 0, 0},
    {"Memory above idle, integrated over a picture", "gigabyte-seconds", 1e-9, 11, 31, 0, 0},
    {"Energy of a picture", "joules", 1, 12, 34, 0, 0},
};
static const char *const colours[SWEEP_CLAMPS] = {"#c62828", "#1565c0", "#2e7d32", "#f57f17",
                                                  "#6a1b9a", "#00838f", "#5d4037", "#616161"};

/* "clamp box:1024x720", with the model's name where there are two. */
static void put_title(const struct laws *l, int model, int clamp, const char *what, FILE *f)
{
    const struct sweep_model *m = &l->sweep->model[model];
    fprintf(f, " title '%s%s%s, %s'", l->sweep->options.n_models > 1 ? plain(m->name).s : "",
            l->sweep->options.n_models > 1 ? ", " : "", plain(m->clamp[clamp].text).s, what);
}

static void put_clamp(const struct laws *l, int plot, int model, int clamp, bool *first, FILE *f)
{
    bool energy = plot == PICTURE_ENERGY, measured = !energy || !strcmp(l->energy_kind, "measured");
    char chosen[64];
    snprintf(chosen, sizeof chosen, "($1 == %d && $2 == %d ? $4 : NaN)", model + 1, clamp + 1);
    if (!energy || !isnan(l->sweep->model[model].point[0].energy_j)) {
        fprintf(f, "%s\\\n    'stairs.csv' skip 1 using %s:($%d * %g) with steps lw 2 dt %d lc rgb '%s'", *first ? "" : ",",
                chosen, plots[plot].stairs, plots[plot].scale, model + 1, colours[clamp]);
        put_title(l, model, clamp, energy ? "modelled" : "predicted", f);
        *first = false;
    }
    if (!measured) return;
    fprintf(f, "%s\\\n    'points.csv' skip 1 using %s:", *first ? "" : ",", chosen);
    if (plots[plot].low)
        fprintf(f, "%d:%d:%d with yerrorbars", plots[plot].measured, plots[plot].low, plots[plot].high);
    else
        fprintf(f, "($%d * %g) with points", plots[plot].measured, plots[plot].scale);
    fprintf(f, " pt %d lc rgb '%s'", model ? 6 : 7, colours[clamp]);
    put_title(l, model, clamp, "measured", f);
    *first = false;
}

void pictures_write_script(const void *from, FILE *f)
{
    const struct pictures_script *script = from;
    const struct laws *l = script->laws;
    const struct sweep_options *o = &l->sweep->options;
    int longest = longest_edge(l->sweep->picture.width, l->sweep->picture.height);
    bool bars = plots[script->plot].low && o->repeats > 1, first = true;
    const char *name = picture_plot_names[script->plot];
    fprintf(f,
            "# gnuplot %s.gp, in this folder, draws %s.svg anew from stairs.csv and points.csv.\n"
            "set terminal svg size 900,680 noenhanced background rgb 'white' font 'sans,14'\n"
            "set output '%s.svg'\n"
            "set datafile separator comma\n"
            "set title \"%s\\n%s, %d thread%s; %s%s%s; medians of %d window%s%s\"\n"
            "set xlabel 'longest edge of the picture, pixels'\n"
            "set ylabel '%s'\n"
            "set xrange [0:%d]\n"
            "set yrange [0:*]\n"
            "set bmargin %d\n"
            "set key at screen 0.5,0.02 center bottom horizontal box maxcols 2 samplen 2 spacing 1.3\n"
            "set grid\n",
            name, name, name, plots[script->plot].title, plain(o->device->name).s, o->threads, o->threads == 1 ? "" : "s",
            plain_file(l->sweep->model[0].path).s, o->n_models > 1 ? " and " : "",
            o->n_models > 1 ? plain_file(l->sweep->model[1].path).s : "", o->repeats, o->repeats == 1 ? "" : "s",
            bars ? ", bars from the fastest to the slowest" : "", plots[script->plot].label, longest,
            5 + 2 * o->n_models * o->pictures.n_clamps);
    for (int c = 0; c < o->pictures.n_clamps; c++)
        if (l->model[0].clamp[c].plan->knee)
            fprintf(f, "set arrow from %d, graph 0 to %d, graph 1 nohead dt 3 lc rgb '%s'\n", l->model[0].clamp[c].plan->knee,
                    l->model[0].clamp[c].plan->knee, colours[c]);
    fputs("plot ", f);
    for (int m = 0; m < o->n_models; m++)
        for (int c = 0; c < o->pictures.n_clamps; c++) put_clamp(l, script->plot, m, c, &first, f);
    fputc('\n', f);
}
