/* laws_compress_report.c - a family of variants as a table, as JSON and in a folder.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/si.h"
#include "engine/laws/answers.h"
#include "engine/laws/laws_compress.h"
#include "engine/laws/laws_parts.h"

/* ---- JSON ---- */

static void put_variant(struct json *j, const struct laws_compress *c, int i)
{
    const struct laws_variant *v = &c->variant[i];
    const struct laws_model *m = &c->laws->model[i];
    const struct answers *answers = c->laws->answers;
    struct laws_means s = laws_means(c->laws, i);
    json_object(j);
    json_put_string(j, "name", v->name);
    json_put_number(j, "file_bytes", m->plan->file_bytes);
    json_put_number(j, "time_s", s.time_s);
    json_put_number(j, "predicted_s", s.predicted_s);
    json_put_number(j, "cpu_auc", s.cpu_auc);
    json_put_number(j, "predicted_cpu_auc", s.predicted_cpu_auc);
    json_put_number(j, "ram_auc", s.ram_auc);
    json_put_number(j, "predicted_ram_auc", s.predicted_ram_auc);
    json_put_number(j, "energy_j", s.energy_j);
    json_put_number(j, "predicted_energy_j", s.predicted_energy_j);
    json_put_number(j, "perplexity", v->known ? v->quality.perplexity : NAN);
    json_put_number(j, "perplexity_stderr", v->known ? v->quality.error : NAN);
    json_put_number(j, "perplexity_ratio", v->known ? exp(v->quality.log_ratio) : NAN);
    json_put_number(j, "log_ratio_stderr", v->known && i ? v->quality.log_ratio_error : NAN);
    json_put_number(j, "kl", v->known ? v->quality.kl : NAN);
    json_put_number(j, "kl_stderr", v->known && i ? v->quality.kl_error : NAN);
    json_put_number(j, "same_token", v->known ? v->quality.same_top : NAN);
    json_put_number(j, "semantic_accuracy", answers ? answers->semantic_mean[i].mean : NAN); /* --judge */
    json_put_number(j, "exact_accuracy", answers ? answers->exact_share[i].mean : NAN);
    laws_json_line(j, "cpu_line", &m->cpu_line);
    laws_json_line(j, "ram_line", &m->ram_line);
    json_object_end(j);
}

static void put_ratios(struct json *j, const struct laws_compress *c, int i)
{
    json_object(j);
    json_put_string(j, "name", c->variant[i].name);
    json_put_number(j, "file_bytes", c->laws->model[i].plan->file_bytes / c->laws->model[0].plan->file_bytes);
    laws_json_ratios(j, c->laws, i);
    json_object_end(j);
}

void laws_compress_json(const struct laws_compress *c, FILE *f)
{
    const struct sweep_options *o = &c->laws->sweep->options;
    struct json j;
    json_begin(&j, f);
    json_object(&j);
    json_put_string(&j, "sha256", c->laws->sweep->sha256);
    json_put_string(&j, "device", o->device->name);
    json_put_integer(&j, "threads", o->threads);
    json_put_integer(&j, "prompts", o->n_points);
    json_put_integer(&j, "gen", o->gen);
    json_put_integer(&j, "missing", (int64_t)c->laws->missing);
    json_put_string(&j, "energy_kind", c->laws->energy_kind);
    json_key(&j, "variants");
    json_array(&j);
    for (int i = 0; i < c->n; i++) put_variant(&j, c, i);
    json_array_end(&j);
    json_key(&j, "ratios");
    json_array(&j);
    for (int i = 1; i < c->n; i++) put_ratios(&j, c, i);
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
}

/* ---- The table ---- */

static struct text figure(double v, const char *format)
{
    struct text t = {"-"};
    if (isfinite(v)) snprintf(t.s, sizeof t.s, format, v);
    return t;
}

static void print_law(const struct laws_compress *c, bool ram, FILE *f)
{
    double scale = ram ? 1e-9 : 1;
    fprintf(f, "\nlaw 1: %s AUC = intercept + slope x prompt tokens (%s)\n%-40s %11s %11s %13s %13s\n", ram ? "RAM" : "CPU",
            ram ? "GB s" : "core-s", "", "intercept", "predicted", "slope", "predicted");
    for (int i = 0; i < c->n; i++) {
        const struct laws_model *m = &c->laws->model[i];
        const struct laws_line *line = ram ? &m->ram_line : &m->cpu_line;
        fprintf(f, "%-40.40s %11s %11s %13s %13s\n", c->variant[i].name, figure(scale * line->measured.b[0], "%.4g").s,
                figure(scale * line->predicted.b[0], "%.4g").s, figure(scale * line->measured.b[1], "%.4g").s,
                figure(scale * line->predicted.b[1], "%.4g").s);
    }
}

void laws_compress_print(const struct laws_compress *c, FILE *f)
{
    const struct sweep_options *o = &c->laws->sweep->options;
    fprintf(f, "sweep      %d prompts, %lld tokens generated after each; means over the prompts\n", o->n_points,
            (long long)o->gen);
    fprintf(f, "device     %s, %d thread%s; energy %s\nsha256     %s\n\n", o->device->name, o->threads,
            o->threads == 1 ? "" : "s", c->laws->energy_kind, c->laws->sweep->sha256);
    fprintf(f, "%-40s %10s %10s %10s %8s %9s %9s %9s %10s %7s %7s\n", "variant", "file", "measured", "predicted", "error",
            "CPU core-s", "RAM GB s", "energy", "perplexity", "KL", "same");
    for (int i = 0; i < c->n; i++) {
        const struct laws_variant *v = &c->variant[i];
        struct laws_means s = laws_means(c->laws, i);
        double known = v->known ? 1 : NAN;
        fprintf(f, "%-40.40s %10s %10s %10s %8s %9s %9s %9s %10s %7s %7s\n", v->name,
                si(c->laws->model[i].plan->file_bytes, "B").s, si(s.time_s, "s").s, si(s.predicted_s, "s").s,
                signed_percent(s.predicted_s / s.time_s - 1).s, figure(s.cpu_auc, "%.4g").s, figure(1e-9 * s.ram_auc, "%.4g").s,
                si(s.energy_j, "J").s, figure(known * v->quality.perplexity, "%.3f").s, figure(known * v->quality.kl, "%.4f").s,
                percent(known * v->quality.same_top).s);
    }
    if (c->n > 1) fprintf(f, "\nratios to the first, with 95 %% intervals over the prompts (predicted)\n");
    for (int i = 1; i < c->n; i++) {
        fprintf(f, "%-40.40s", c->variant[i].name);
        for (int k = 0; k < LAWS_FIGURES; k++) {
            struct laws_ratio r = laws_compare(c->laws, i, k);
            if (isfinite(r.ratio))
                fprintf(f, "  %s %.3f (%s to %s; %s)", laws_figure_names[k], r.ratio, figure(r.low, "%.3f").s,
                        figure(r.high, "%.3f").s, figure(r.predicted, "%.3f").s);
        }
        if (c->variant[i].known)
            fprintf(f, "  perplexity %.4f (its logarithm +- %.4f)", exp(c->variant[i].quality.log_ratio),
                    c->variant[i].quality.log_ratio_error);
        fputc('\n', f);
    }
    print_law(c, false, f);
    print_law(c, true, f);
}

/* ---- The folder ---- */

static void write_csv(const void *from, FILE *f)
{
    const struct laws_compress *c = from;
    fputs("model,name,file_bytes,time_s,predicted_s,cpu_auc,predicted_cpu_auc,ram_auc,predicted_ram_auc,energy_j,predicted_"
          "energy_j,"
          "perplexity,perplexity_ratio,kl,same_token,cpu_intercept,cpu_slope,ram_intercept,ram_slope\n",
          f);
    for (int i = 0; i < c->n; i++) {
        const struct laws_variant *v = &c->variant[i];
        const struct laws_model *m = &c->laws->model[i];
        struct laws_means s = laws_means(c->laws, i);
        double known = v->known ? 1 : NAN;
        const double figures[] = {m->plan->file_bytes,
                                  s.time_s,
                                  s.predicted_s,
                                  s.cpu_auc,
                                  s.predicted_cpu_auc,
                                  s.ram_auc,
                                  s.predicted_ram_auc,
                                  s.energy_j,
                                  s.predicted_energy_j,
                                  known * v->quality.perplexity,
                                  known * exp(v->quality.log_ratio),
                                  known * v->quality.kl,
                                  known * v->quality.same_top,
                                  m->cpu_line.measured.b[0],
                                  m->cpu_line.measured.b[1],
                                  m->ram_line.measured.b[0],
                                  m->ram_line.measured.b[1]};
        fprintf(f, "%d,%s", i + 1, plain(v->name).s);
        for (size_t k = 0; k < sizeof figures / sizeof *figures; k++)
            fprintf(f, ",%s", isfinite(figures[k]) ? figure(figures[k], "%.9g").s : "");
        fputc('\n', f);
    }
}

static void write_json(const void *from, FILE *f)
{
    laws_compress_json(from, f);
}

/* Time and perplexity over the size of the file: the first is what compression is for, the second what it costs. */
static void write_script(const void *from, FILE *f)
{
    (void)from;
    fputs("# gnuplot variants.gp, in this folder, draws variants.svg anew from variants.csv.\n"
          "set terminal svg size 900,640 noenhanced background rgb 'white' font 'sans,14'\n"
          "set output 'variants.svg'\n"
          "set datafile separator comma\n"
          "set title 'Variants of a model: time of a prompt and its answer, and perplexity, over the file'\n"
          "set xlabel 'file, MB'\nset ylabel 'seconds'\nset y2label 'perplexity'\nset ytics nomirror\nset y2tics\n"
          "set yrange [0:*]\nset key top center\nset grid\n"
          "plot 'variants.csv' skip 1 using ($3 / 1e6):4 with points pt 7 title 'time, measured',\\\n"
          "    '' skip 1 using ($3 / 1e6):5 with points pt 6 title 'time, predicted before',\\\n"
          "    '' skip 1 using ($3 / 1e6):12 axes x1y2 with points pt 9 title 'perplexity'\n",
          f);
}

bool laws_compress_write(const struct laws_compress *c, const char *dir, bool *drawn, struct error *e)
{
    if (!laws_write_file(dir, "variants.csv", write_csv, c, e) || !laws_write_file(dir, "variants.json", write_json, c, e) ||
        !laws_write_file(dir, "variants.gp", write_script, c, e))
        return false;
    *drawn = laws_draw(dir, "variants.gp");
    return true;
}
