/* laws_files.c - a sweep's folder: predictions, points and law as tables, metered windows, the result, plots by gnuplot.
 * SPDX-License-Identifier: MIT */
#include "engine/laws/laws_parts.h"

#include "engine/account/energy_log.h"
#include "engine/meter/meter.h"
#include "loader/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Tables ---- */

struct plain plain(const char *name)
{
    struct plain p;
    snprintf(p.s, sizeof p.s, "%s", name);
    for (char *c = p.s; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._+:-()", *c)) *c = '-';
    return p;
}

struct plain plain_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    return plain(slash ? slash + 1 : path);
}

void put_cell(FILE *f, double v)
{
    if (isfinite(v))
        fprintf(f, ",%.9g", v);
    else
        fputc(',', f);
}

static void write_predictions(const void *from, FILE *f)
{
    const struct sweep *s = from;
    fputs("model,name,prompt,tokens,gen,passes,prefill_s,decode_s,time_s,cpu_auc,ram_auc,energy_j,sha256\n", f);
    for (int m = 0; m < s->options.n_models; m++)
        for (int i = 0; i < s->options.n_points; i++) {
            const struct sweep_point *p = &s->model[m].point[i];
            fprintf(f, "%d,%s,%d,%zu,%lld,%d", m + 1, plain(s->model[m].name).s, p->prompt, p->tokens.n,
                    (long long)s->options.gen, p->passes);
            const double v[] = {p->prefill_s, p->decode_s, p->time_s, p->cpu_auc, p->ram_auc, p->energy_j};
            for (size_t k = 0; k < sizeof v / sizeof *v; k++) put_cell(f, v[k]);
            fprintf(f, ",%s\n", p->sha256);
        }
}

static void write_points(const void *from, FILE *f)
{
    const struct laws *l = from;
    fputs("model,name,prompt,tokens,gen,windows,passes,time_s,fastest_s,slowest_s,predicted_s,prefill_s,predicted_prefill_s,"
          "decode_s,predicted_decode_s,sample_s,cpu_auc,predicted_cpu_auc,ram_auc,predicted_ram_auc,pss_auc,energy_j,energy_"
          "net_j,"
          "predicted_energy_j,others_cpu_s,window_s,predicted_low95_s,predicted_high95_s,"
          "pace_prefill,pace_decode,paced_s\n",
          f);
    for (int m = 0; m < l->sweep->options.n_models; m++)
        for (int i = 0; i < l->model[m].n_points; i++) {
            const struct laws_point *p = &l->model[m].point[i];
            const struct sweep_point *q = p->plan;
            fprintf(f, "%d,%s,%d,%zu,%lld,%d,%d", m + 1, plain(l->model[m].plan->name).s, q->prompt, q->tokens.n,
                    (long long)l->sweep->options.gen, p->windows, q->passes);
            const double v[] = {p->time_s,          p->fastest_s,    p->slowest_s,    q->time_s,   p->prefill_s,
                                q->prefill_s,       p->decode_s,     q->decode_s,     p->sample_s, p->cpu_auc,
                                q->cpu_auc,         p->ram_auc,      q->ram_auc,      p->pss_auc,  p->energy_j,
                                p->energy_net_j,    q->energy_j,     p->others_cpu_s, p->window_s, q->interval95_s[0],
                                q->interval95_s[1], p->pace_prefill, p->pace_decode,  p->paced_s};
            for (size_t k = 0; k < sizeof v / sizeof *v; k++) put_cell(f, v[k]);
            fputc('\n', f);
        }
}

static void write_law(const void *from, FILE *f)
{
    const struct laws *l = from;
    fputs("model,name,coefficient,unit,fitted,low95,high95,predicted,law\n", f);
    for (int m = 0; m < l->sweep->options.n_models; m++)
        for (int c = 0; c < LAW_COUNT; c++) {
            const struct laws_fit *q = &l->model[m].fit;
            fprintf(f, "%d,%s,%s,%s", m + 1, plain(l->model[m].plan->name).s, law_names[c], law_units[c]);
            const double v[] = {q->b[c], q->low[c], q->high[c], q->predicted[c], l->model[m].plan->law.seconds[c]};
            for (size_t k = 0; k < sizeof v / sizeof *v; k++) put_cell(f, v[k]);
            fputc('\n', f);
        }
}

/* Of a window one line: its passes share one reading of the meter, and as many lines would pass for as many readings. The line
 * is of one pass, as a prediction is, by means: a window's joules are of all its passes, whose median seconds need not fit
 * them. Weights and cache are read as predicted, and work is done exactly so. */
static void write_energy_log(const void *from, FILE *f)
{
    const struct sweep *s = ((const struct laws *)from)->sweep;
    const struct sweep_options *o = &s->options;
    energy_log_head(f);
    for (size_t i = 0; i < s->n_windows; i++) {
        const struct sweep_window *w = &s->windows[i];
        const struct sweep_model *m = &s->model[w->model];
        const struct sweep_point *p = &m->point[w->point];
        bool measured = isfinite(w->energy_j) && isfinite(w->idle_w);
        struct energy_run run = {.threads = o->threads,
                                 .tokens = p->tokens.n ? (double)p->tokens.n + (double)o->gen : (double)p->fit.tokens,
                                 .file_bytes = m->file_bytes * p->steps,
                                 .idle_w = w->idle_w,
                                 .energy_j = measured ? w->energy_j / w->passes : NAN,
                                 .work = p->work};
        char session[32];
        run.work.time_s = w->window_s / w->passes;
        snprintf(session, sizeof session, "%.6f", w->session);
        energy_log_run(f, &run, session, o->device->name, energy_kind_name(measured ? ENERGY_MEASURED : ENERGY_NONE));
    }
}

/* Scores of answers, of pictures a line a question, size and clamp; the answers themselves are in answers.tsv and result.json.
 */
static void write_accuracy(const void *from, FILE *f)
{
    const struct laws *l = from;
    const struct sweep_options *o = &l->sweep->options;
    const struct answers *a = l->answers;
    bool seen = a->question && !a->beside; /* a picture was, at each point */
    fprintf(f, "model,name,%s,semantic_accuracy,exact\n", seen ? "clamp,edge,question" : a->beside ? "question" : "prompt");
    for (int m = 0; m < o->n_models; m++)
        for (int i = 0; i < a->n_points * a->n_questions; i++) {
            int p = i / a->n_questions;
            fprintf(f, "%d,%s", m + 1, plain(l->sweep->model[m].name).s);
            if (seen) fprintf(f, ",%s", plain(clamp_of_point(&l->model[m], l->sweep, p)).s);
            if (!a->beside) fprintf(f, ",%lld", (long long)o->point[p]);
            if (a->question) fprintf(f, ",%d", i % a->n_questions + 1);
            put_cell(f, a->semantic[m][i]);
            put_cell(f, a->exact[m][i]);
            fputc('\n', f);
        }
}

static void write_result(const void *from, FILE *f)
{
    laws_json(from, f);
}

/* ---- Plots ---- */

struct plot {
    const char *name, *title, *label;
    double scale; /* what the label's unit is of the table's */
    /* columns of points.csv; low 0: no bars, band 0: no interval of the prediction */
    int measured, low, high, predicted, band;
};

static const struct plot plots[] = {
    {"time", "Time of a prompt and its answer: predicted before, then measured", "seconds", 1, 8, 9, 10, 11, 27},
    {"cpu_auc", "CPU time above idle, of a prompt and its answer", "core-seconds", 1, 17, 0, 0, 18, 0},
    {"ram_auc", "Memory above idle, integrated over a prompt and its answer", "gigabyte-seconds", 1e-9, 19, 0, 0, 20, 0},
    {"energy", "Energy of a prompt and its answer", "joules", 1, 22, 0, 0, 24, 0},
};
enum { N_PLOTS = sizeof plots / sizeof *plots, ENERGY_PLOT = 3 };

struct script {
    const struct laws *laws;
    const struct plot *plot;
};

/* One series of a model: the columns after its tokens, how they are drawn, and what they are. */
static void put_series(const struct script *s, int model, bool *first, const char *columns, const char *style, const char *what,
                       FILE *f)
{
    fprintf(f, "%s\\\n    'points.csv' skip 1 using ($1 == %d ? $4 : NaN):%s with %s lc %d title '%s, %s'", *first ? "" : ",",
            model + 1, columns, style, model + 1, plain(s->laws->model[model].plan->name).s, what);
    *first = false;
}

static void plot_model(const struct script *s, int model, bool *first, FILE *f)
{
    const struct plot *p = s->plot;
    const struct sweep_point *plan = s->laws->model[model].point[0].plan;
    bool energy = p == &plots[ENERGY_PLOT], measured = !energy || !strcmp(s->laws->energy_kind, "measured");
    char columns[64];
    if (p->band && !isnan(plan->interval95_s[0])) {
        snprintf(columns, sizeof columns, "%d:%d", p->band, p->band + 1);
        put_series(s, model, first, columns, "filledcurves fs transparent solid 0.2", "95 % of predictions", f);
    }
    snprintf(columns, sizeof columns, "($%d * %g)", p->predicted, p->scale);
    if (!energy || !isnan(plan->energy_j))
        put_series(s, model, first, columns, "lines lw 2", energy ? "modelled" : "predicted", f);
    if (p->low)
        snprintf(columns, sizeof columns, "%d:%d:%d", p->measured, p->low, p->high);
    else
        snprintf(columns, sizeof columns, "($%d * %g)", p->measured, p->scale);
    if (measured) put_series(s, model, first, columns, p->low ? "yerrorbars pt 7" : "points pt 7", "measured", f);
}

static void write_script(const void *from, FILE *f)
{
    const struct script *s = from;
    const struct plot *p = s->plot;
    const struct sweep_options *o = &s->laws->sweep->options;
    bool bars = p->low && o->repeats > 1, joules = p == &plots[ENERGY_PLOT];
    double longest = 0;
    for (int i = 0; i < o->n_models; i++) {
        const struct laws_model *m = &s->laws->model[i];
        longest = fmax(longest, (double)m->point[m->n_points - 1].plan->tokens.n);
    }
    fprintf(f,
            "# gnuplot %s.gp, in this folder, draws %s.svg anew from points.csv. Points are medians of %d window%s%s.\n"
            "set terminal svg size 900,640 noenhanced background rgb 'white' font 'sans,14'\n"
            "set output '%s.svg'\n"
            "set datafile separator comma\n"
            "set title \"%s\\n%s, %d thread%s; %s%s%s\\n%lld tokens generated; medians of %d window%s%s%s\"\n"
            "set xlabel 'prompt tokens'\n"
            "set ylabel '%s'\n"
            "set xrange [0:%.0f]\n"
            "set yrange [0:*]\n"
            "set bmargin 9\n"
            "set key at screen 0.5,0.02 center bottom horizontal box maxcols 2 samplen 2 spacing 1.3\n"
            "set grid\n"
            "plot ",
            p->name, p->name, o->repeats, o->repeats == 1 ? "" : "s", bars ? ", bars from the fastest to the slowest" : "",
            p->name, p->title, plain(o->device->name).s, o->threads, o->threads == 1 ? "" : "s", plain_file(o->model[0]).s,
            o->n_models > 1 ? " and " : "", o->n_models > 1 ? plain_file(o->model[1]).s : "", (long long)o->gen, o->repeats,
            o->repeats == 1 ? "" : "s", bars ? ", bars from the fastest to the slowest" : "",
            joules ? "; gross joules, idle included" : "", p->label, ceil(1.05 * longest));
    bool first = true;
    for (int i = 0; i < o->n_models; i++) plot_model(s, i, &first, f);
    fputc('\n', f);
}

/* Runs gnuplot on a script of the folder; false where there is none, or it failed. */
bool laws_draw(const char *dir, const char *script)
{
    int status;
    pid_t child = fork();
    if (child < 0) return false;
    if (!child) {
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || chdir(dir)) _exit(127);
        for (int fd = 0; fd < 3; fd++) dup2(null, fd);
        execlp("gnuplot", "gnuplot", script, (char *)NULL);
        _exit(127);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return false;
    return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* ---- The folder ---- */

bool laws_write_file(const char *dir, const char *name, void (*fill)(const void *from, FILE *f), const void *from,
                     struct error *e)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path)
        return fail(e, "%s: found a path too long, expected fewer than %d bytes", name, PATH_MAX);
    struct file_output *o = file_output_open(path, e);
    if (!o) return false;
    fill(from, file_output_stream(o));
    return file_output_commit(o, e);
}

static void write_json(const void *from, FILE *f)
{
    const struct sweep *s = from;
    fwrite(s->predictions, 1, s->predictions_size, f);
}

bool laws_write_predictions(const struct sweep *s, const char *dir, struct error *e)
{
    bool sees = sweep_sees(&s->options);
    return laws_write_file(dir, "predictions.csv", sees ? pictures_write_predictions : write_predictions, s, e) &&
           (!sees || laws_write_file(dir, "stairs.csv", pictures_write_stairs, s, e)) &&
           laws_write_file(dir, "predictions.json", write_json, s, e); /* last: where it is, the others are */
}

/* One figure: its script, and what gnuplot makes of it. */
static bool write_plot(const char *dir, const char *name, void (*fill)(const void *from, FILE *f), const void *from,
                       bool *drawn, struct error *e)
{
    char script[32];
    snprintf(script, sizeof script, "%s.gp", name);
    if (!laws_write_file(dir, script, fill, from, e)) return false;
    *drawn = laws_draw(dir, script) && *drawn;
    return true;
}

bool laws_write_result(const struct laws *l, const char *dir, struct error *e)
{
    char page[PATH_MAX];
    return laws_write_file(dir, "result.json", write_result, l, e) && laws_path(page, dir, "report.html", e) &&
           laws_write_page(l, page, e);
}

bool laws_write(const struct laws *l, const char *dir, bool *drawn, struct error *e)
{
    bool sees = sweep_sees(&l->sweep->options), joules = strcmp(l->energy_kind, "none");
    *drawn = true;
    if (!laws_write_file(dir, "points.csv", sees ? pictures_write_points : write_points, l, e) ||
        !(sees ? laws_write_file(dir, "clamps.csv", pictures_write_clamps, l, e)
               : laws_write_file(dir, "law.csv", write_law, l, e)) ||
        !laws_write_file(dir, "energy.csv", write_energy_log, l, e) ||
        (l->answers && !laws_write_file(dir, "accuracy.csv", write_accuracy, l, e)) || !laws_write_result(l, dir, e))
        return false;
    for (int i = 0; i < N_PLOTS && !sees; i++)
        if ((i != ENERGY_PLOT || joules) &&
            !write_plot(dir, plots[i].name, write_script, &(struct script){l, &plots[i]}, drawn, e))
            return false;
    for (int i = 0; i < PICTURE_PLOTS && sees; i++)
        if ((i != PICTURE_ENERGY || joules) &&
            !write_plot(dir, picture_plot_names[i], pictures_write_script, &(struct pictures_script){l, i}, drawn, e))
            return false;
    return true;
}
