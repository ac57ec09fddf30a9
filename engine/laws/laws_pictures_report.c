/* laws_pictures_report.c - what a sweep of pictures says, as a table and as JSON.
 * SPDX-License-Identifier: MIT */
#include "engine/laws/laws_parts.h"

#include "base/si.h"

#include <math.h>
#include <string.h>

const char *clamp_of_point(const struct laws_model *m, const struct sweep *s, int index)
{
    return m->plan->clamp[index / s->options.pictures.n_edges].text;
}

static const struct laws_model *model_of(const struct laws *l, const struct laws_point *p)
{
    bool second = p >= l->model[1].point && p < l->model[1].point + SWEEP_POINTS;
    return &l->model[second];
}

/* ---- JSON ---- */

void pictures_json_point(struct json *j, const struct laws *l, const struct laws_point *p)
{
    const struct sweep_point *q = p->plan;
    json_put_integer(j, "width", q->fit.in_width);
    json_put_integer(j, "height", q->fit.in_height);
    json_put_string(j, "clamp", clamp_of_point(model_of(l, p), l->sweep, p->index));
    json_put_pair(j, "resized", q->fit.width, q->fit.height);
    json_put_integer(j, "patches", q->fit.patches);
    json_put_integer(j, "tokens", q->fit.tokens);
    json_put_number(j, "flops", q->flops);
    json_put_number(j, "flops_vision", q->vision_flops);
    json_put_number(j, "prompt", q->tokens.n ? (double)q->tokens.n : NAN);
    json_put_number(j, "gen", q->tokens.n ? (double)l->sweep->options.gen : NAN);
    json_put_number(j, "vision_s", p->vision_s);
    json_put_number(j, "predicted_vision_s", q->vision_s);
    json_put_number(j, "read_s", p->read_s);
    json_put_number(j, "resize_s", p->resize_s);
    json_put_number(j, "predicted_prepare_s", q->prepare_s);
    json_put_number(j, "patches_unbounded", q->unbounded);
}

static void put_clamp(struct json *j, const struct laws_clamp *k)
{
    json_object(j);
    json_put_string(j, "clamp", k->plan->text);
    json_put_number(j, "knee_predicted_px", k->knee_predicted_px);
    json_put_number(j, "knee_measured_px", k->knee_measured_px);
    json_put_pair(j, "knee_ci95_px", k->knee_low_px, k->knee_high_px);
    json_put_number(j, "knee_patches", k->knee.at);
    json_put_number(j, "knee_f", k->knee.f);
    json_put_integer(j, "plateau_points", k->n);
    json_put_number(j, "plateau_patches", k->patches);
    json_put_number(j, "plateau_flops", k->flops);
    json_put_number(j, "plateau_s", k->time_s);
    json_put_number(j, "plateau_predicted_s", k->predicted_s);
    json_put_number(j, "plateau_error", laws_error(k->predicted_s, k->time_s));
    json_put_number(j, "plateau_ratio", k->ratio);
    json_put_number(j, "plateau_predicted_ratio", k->predicted_ratio);
    laws_json_stairs(j, k->plan);
    json_object_end(j);
}

void pictures_json_model(struct json *j, const struct laws_model *m, const struct sweep *s)
{
    json_put_number(j, "knee_predicted_px", m->clamp[0].knee_predicted_px);
    json_put_number(j, "knee_measured_px", m->clamp[0].knee_measured_px);
    json_key(j, "clamps");
    json_array(j);
    for (int c = 0; c < s->options.pictures.n_clamps; c++) put_clamp(j, &m->clamp[c]);
    json_array_end(j);
    json_key(j, "curve");
    json_object(j);
    for (int i = 0; i < CURVE_COUNT; i++) json_put_number(j, curve_names[i], m->curve.b[i]);
    json_key(j, "ci95");
    json_object(j);
    for (int i = 0; i < CURVE_COUNT; i++) json_put_pair(j, curve_names[i], m->curve.low[i], m->curve.high[i]);
    json_object_end(j);
    json_key(j, "predicted");
    json_object(j);
    for (int i = 0; i < CURVE_COUNT; i++) json_put_number(j, curve_names[i], m->curve.predicted[i]);
    json_object_end(j);
    json_object_end(j);
}

/* ---- The table ---- */

void pictures_print_points(const struct laws *l, const struct laws_model *m, FILE *f)
{
    const char *clamp = "";
    bool modelled = !strcmp(l->energy_kind, "modelled");
    for (int i = 0; i < m->n_points; i++) {
        const struct laws_point *p = &m->point[i];
        const struct sweep_point *q = p->plan;
        char in[24], out[24], cpu[24] = "-", ram[24] = "-";
        if (strcmp(clamp, clamp_of_point(m, l->sweep, p->index))) {
            clamp = clamp_of_point(m, l->sweep, p->index);
            fprintf(f, "clamp %s\n", clamp);
            fprintf(f, "%10s %10s %7s %6s %10s %10s %8s %10s %9s %9s %8s %8s %8s %10s\n", "picture", "resized", "patches",
                    "passes", "measured", "predicted", "error", "tower", "read", "resize", "core-s", "error", "GB s", "energy");
        }
        snprintf(in, sizeof in, "%dx%d", q->fit.in_width, q->fit.in_height);
        snprintf(out, sizeof out, "%dx%d", q->fit.width, q->fit.height);
        if (!isnan(p->cpu_auc)) snprintf(cpu, sizeof cpu, "%.4g", p->cpu_auc);
        if (!isnan(p->ram_auc)) snprintf(ram, sizeof ram, "%.4g", p->ram_auc * 1e-9);
        fprintf(f, "%10s %10s %7lld %6d %10s %10s %8s %10s %9s %9s %8s %8s %8s %10s\n", in, out, (long long)q->fit.patches,
                q->passes, si(p->time_s, "s").s, si(q->time_s, "s").s, signed_percent(laws_error(q->time_s, p->time_s)).s,
                si(p->vision_s, "s").s, si(p->read_s, "s").s, si(p->resize_s, "s").s, cpu,
                signed_percent(laws_error(q->cpu_auc, p->cpu_auc)).s, ram, si(modelled ? q->energy_j : p->energy_j, "J").s);
    }
}

/* "1009 px", or "none". */
static struct text pixels(double edge)
{
    struct text t = {"none"};
    if (!isnan(edge)) snprintf(t.s, sizeof t.s, "%.0f px", edge);
    return t;
}

/* "0.66", or "-". */
static struct text ratio(double v)
{
    struct text t = {"-"};
    if (!isnan(v)) snprintf(t.s, sizeof t.s, "%.2f", v);
    return t;
}

static void print_clamp(const struct laws_clamp *k, FILE *f)
{
    char measured[80];
    snprintf(measured, sizeof measured, "%s", pixels(k->knee_measured_px).s);
    if (!isnan(k->knee_measured_px))
        snprintf(measured, sizeof measured, "%.0f px (%.0f to %.0f)", k->knee_measured_px, k->knee_low_px, k->knee_high_px);
    fprintf(f, "%-22s %10s %24s", k->plan->text, pixels(k->knee_predicted_px).s, measured);
    if (!k->n) {
        fprintf(f, "  no plateau\n");
        return;
    }
    fprintf(f, " %8.0f %10s %10s %10s %8s %6s %9s\n", k->patches, si(k->flops, "").s, si(k->time_s, "s").s,
            si(k->predicted_s, "s").s, signed_percent(laws_error(k->predicted_s, k->time_s)).s, ratio(k->ratio).s,
            ratio(k->predicted_ratio).s);
}

void pictures_print_model(const struct laws *l, const struct laws_model *m, FILE *f)
{
    const struct laws_curve *c = &m->curve;
    fprintf(f, "\n%-22s %10s %24s %8s %10s %10s %10s %8s %6s %9s\n", "knee and plateau", "predicted", "measured (95 %)",
            "patches", "FLOPs", "measured", "predicted", "error", "ratio", "predicted");
    for (int i = 0; i < l->sweep->options.pictures.n_clamps; i++) print_clamp(&m->clamp[i], f);
    if (!c->known) {
        fprintf(f, "fit        - (fewer than four different grids)\n");
        return;
    }
    fprintf(f, "fit        T(N) = c + a N + b N^2, of N patches\n");
    for (int i = 0; i < CURVE_COUNT; i++)
        fprintf(f, "  %-3s %11.4g%-26s predicted %-11.4g %s\n", curve_names[i], c->b[i],
                interval_text(c->low[i], c->high[i]).s, c->predicted[i], curve_units[i]);
}
