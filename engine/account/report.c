/* SPDX-License-Identifier: MIT */
#include "engine/account/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/si.h"

static const char *const phase_names[] = {"prefill", "decode", [ROW_VISION] = "vision"};

/* ---- JSON ---- */

void device_json(const struct device *d, FILE *f)
{
    struct json j;
    json_begin(&j, f);
    json_object(&j);
    json_put_string(&j, "name", d->name);
    json_put_string(&j, "isa", d->isa);
    json_put_string(&j, "date", d->date);
    json_key(&j, "values");
    json_object(&j);
    for (size_t i = 0; i < d->n; i++) {
        const struct device_entry *entry = &d->entries[i];
        json_key(&j, entry->key);
        json_object(&j);
        json_put_number(&j, "value", entry->value);
        json_put_string(&j, "unit", device_unit(entry->key));
        json_put_string(&j, "provenance", device_provenance(entry->from));
        json_put_string(&j, "source", *entry->source ? entry->source : NULL);
        json_object_end(&j);
    }
    json_object_end(&j);
    json_object_end(&j);
    json_end(&j);
}

/* (predicted - measured) / measured */
static double relative_error(double predicted, double measured)
{
    return measured > 0 ? (predicted - measured) / measured : NAN;
}

static void put_row(struct json *j, const struct prediction_row *row, bool measured)
{
    json_object(j);
    json_key(j, "layer");
    if (row->layer >= 0)
        json_integer(j, row->layer);
    else
        json_null(j);
    json_put_string(j, "op", row->op);
    json_put_string(j, "phase", row->phase == ROW_MANY ? NULL : phase_names[row->phase]);
    json_put_string(j, "type", row->type);
    json_put_number(j, "flops", row->flops);
    json_put_number(j, "special", row->special);
    json_put_number(j, "bytes", row->bytes);
    json_put_number(j, "time_s", row->time_s);
    json_put_number(j, "energy_j", row->energy_j);
    if (measured) {
        json_put_number(j, "measured_s", row->measured_s);
        json_put_number(j, "error", relative_error(row->time_s, row->measured_s));
    }
    json_object_end(j);
}

static void put_prediction(struct json *j, const struct prediction *r)
{
    json_put_string(j, "model", r->model);
    json_put_string(j, "device", *r->device ? r->device : NULL);
    json_put_integer(j, "threads", r->options.threads);
    json_put_integer(j, "prompt", (int64_t)r->options.prompt);
    json_put_integer(j, "gen", (int64_t)r->options.gen);
    json_put_integer(j, "ubatch", (int64_t)r->options.ubatch);
    json_put_string(j, "kv", type_get(r->options.kv_type)->name);
    json_put_string(j, "image", *r->image ? r->image : NULL);
    json_put_string(j, "clamp", *r->clamp ? r->clamp : NULL);
    json_put_number(j, "flops", r->flops);
    json_put_number(j, "flops_prefill", r->flops_prefill);
    json_put_number(j, "flops_decode", r->flops_decode);
    json_put_number(j, "flops_vision", r->flops_vision);
    json_put_number(j, "weight_bytes", r->weight_bytes);
    json_put_number(j, "weight_bytes_per_token", r->weight_bytes_per_token);
    json_put_number(j, "kv_bytes", r->kv_bytes);
    json_put_number(j, "peak_memory_bytes", r->peak_memory_bytes);
    json_put_number(j, "time_s", r->time_s);
    json_put_number(j, "prefill_s", r->prefill_s);
    json_put_number(j, "decode_s", r->decode_s);
    json_put_number(j, "vision_s", r->vision_s);
    json_put_number(j, "prepare_s", r->prepare_s);
    json_put_number(j, "energy_j", r->energy_j);
    json_put_string(j, "energy_kind", r->energy_kind);
    json_put_numbers(j, "interval95_s", r->interval95_s, 2);
    json_put_string(j, "sha256", r->sha256);
    json_put_number(j, "energy_net_j", r->energy_net_j);
    json_put_numbers(j, "interval95_j", r->interval95_j, 2);
}

/* The whole object; `m` NULL: a prediction alone; `law` NULL: none was asked for. */
static bool put_object(const struct prediction *r, const struct measurement *m, const struct law *law, unsigned by, FILE *f,
                       struct error *e)
{
    size_t n;
    struct prediction_row *rows = prediction_group(r, by, &n);
    if (!rows) return fail(e, "report of %zu rows: found no memory", r->n_rows);
    struct json j;
    json_begin(&j, f);
    json_object(&j);
    put_prediction(&j, r);
    if (m) {
        json_put_number(&j, "flops_counted", m->flops_counted);
        json_put_integer(&j, "repeats", m->repeats);
        json_put_number(&j, "measured_s", m->measured_s);
        json_put_number(&j, "measured_vision_s", m->vision_s);
        json_put_number(&j, "measured_prefill_s", m->prefill_s);
        json_put_number(&j, "measured_decode_s", m->decode_s);
        json_put_number(&j, "fastest_s", m->fastest_s);
        json_put_number(&j, "slowest_s", m->slowest_s);
        json_put_number(&j, "error", relative_error(r->time_s, m->measured_s));
        json_put_number(&j, "unattributed_s", m->unattributed_s);
        json_put_number(&j, "measured_j", m->measured_j);
        json_put_number(&j, "error_j", relative_error(r->energy_j, m->measured_j));
        energy_json(&j, &m->energy);
    }
    if (law) law_json(law, &j);
    json_key(&j, "rows");
    json_array(&j);
    for (size_t i = 0; i < n; i++) put_row(&j, &rows[i], m != NULL);
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
    free(rows);
    return true;
}

bool prediction_json(const struct prediction *r, const struct law *law, unsigned by, FILE *f, struct error *e)
{
    return put_object(r, NULL, law, by, f, e);
}

bool measurement_json(const struct measurement *m, unsigned by, FILE *f, struct error *e)
{
    return put_object(&m->prediction, m, NULL, by, f, e);
}

/* ---- Tables ---- */

static struct text error_text(double predicted, double measured)
{
    return signed_percent(relative_error(predicted, measured));
}

/* `unattributed` is of a measurement, NAN where there is no such row. */
static bool print_rows(const struct prediction *r, unsigned by, bool measured, double unattributed, FILE *f, struct error *e)
{
    size_t n;
    struct prediction_row *rows = prediction_group(r, by, &n);
    if (!rows) return fail(e, "report of %zu rows: found no memory", r->n_rows);
    fputc('\n', f);
    if (by & BY_PHASE) fprintf(f, "%-8s ", "phase");
    if (by & BY_LAYER) fprintf(f, "%5s ", "layer");
    if (by & BY_OP) fprintf(f, "%-20s ", "op");
    if (by & BY_TYPE) fprintf(f, "%-5s ", "type");
    bool joules = !isnan(r->energy_j);
    fprintf(f, "%10s %10s %10s %8s", "FLOPs", "bytes", "predicted", "share");
    if (joules) fprintf(f, " %10s", "modelled");
    fprintf(f, measured ? " %10s %9s\n" : "\n", "measured", "error");
    for (size_t i = 0; i < n; i++) {
        const struct prediction_row *row = &rows[i];
        char layer[16] = "-";
        if (row->layer >= 0) snprintf(layer, sizeof layer, "%d", row->layer);
        if (by & BY_PHASE) fprintf(f, "%-8s ", phase_names[row->phase]);
        if (by & BY_LAYER) fprintf(f, "%5s ", layer);
        if (by & BY_OP) fprintf(f, "%-20s ", row->op);
        if (by & BY_TYPE) fprintf(f, "%-5s ", row->type);
        fprintf(f, "%10s %10s %10s %8s", si(row->flops, "").s, si(row->bytes, "B").s, si(row->time_s, "s").s,
                percent(row->time_s / r->time_s).s);
        if (joules) fprintf(f, " %10s", si(row->energy_j, "J").s);
        if (measured) fprintf(f, " %10s %9s", si(row->measured_s, "s").s, error_text(row->time_s, row->measured_s).s);
        fputc('\n', f);
    }
    if (!isnan(unattributed)) {
        int label = (by & BY_PHASE ? 9 : 0) + (by & BY_LAYER ? 6 : 0) + (by & BY_OP ? 21 : 0) + (by & BY_TYPE ? 6 : 0);
        fprintf(f, "%-*s%10s %10s %10s %8s", label, "unattributed ", "-", "-", "-", "-");
        if (joules) fprintf(f, " %10s", "-");
        fprintf(f, " %10s %9s\n", si(unattributed, "s").s, "-");
    }
    free(rows);
    return true;
}

static void print_energy(const struct prediction *r, FILE *f)
{
    if (!isnan(r->energy_j)) {
        fprintf(f, "energy     %s modelled, %s of it above idle", si(r->energy_j, "J").s, si(r->energy_net_j, "J").s);
        if (isnan(r->interval95_j[0]))
            fprintf(f, "; its interval is not known\n");
        else
            fprintf(f, "; 95 %%: %s to %s\n", si(r->interval95_j[0], "J").s, si(r->interval95_j[1], "J").s);
    } else if (*r->energy_missing && !isnan(r->time_s)) {
        fprintf(f, "           no joules: the device profile lacks %s\n", r->energy_missing);
    }
}

static void print_head(const struct prediction *r, FILE *f)
{
    const struct predict_options *o = &r->options;
    fprintf(f, "model      %s\ndevice     %s, %d thread%s\n", r->model, *r->device ? r->device : "-", o->threads,
            o->threads == 1 ? "" : "s");
    fprintf(f, "run        %zu prompt + %zu generated tokens, %s cache, micro-batches of %zu\n", o->prompt, o->gen,
            type_get(o->kv_type)->name, o->ubatch);
    if (*r->image)
        fprintf(f, "picture    %s, clamp %s: %s FLOPs, %s in its tower", r->image, r->clamp, si(r->flops_vision, "").s,
                si(r->vision_s, "s").s);
    if (!isnan(r->prepare_s)) fprintf(f, "; before that %s to read and resize it, on one thread", si(r->prepare_s, "s").s);
    if (*r->image) fputc('\n', f);
    fprintf(f, "weights    %s, %s read per token\n", si(r->weight_bytes, "B").s, si(r->weight_bytes_per_token, "B").s);
    fprintf(f, "memory     %s, of it cache %s\n", si(r->peak_memory_bytes, "B").s, si(r->kv_bytes, "B").s);
    fprintf(f, "FLOPs      %s: prefill %s, decode %s\n", si(r->flops, "").s, si(r->flops_prefill, "").s,
            si(r->flops_decode, "").s);
    fprintf(f, "predicted  %s: prefill %s, decode %s\n", si(r->time_s, "s").s, si(r->prefill_s, "s").s, si(r->decode_s, "s").s);
    if (!isnan(r->interval95_s[0]))
        fprintf(f, "           95 %%: %s to %s\n", si(r->interval95_s[0], "s").s, si(r->interval95_s[1], "s").s);
    if (*r->missing)
        fprintf(f, "           no time: the device profile lacks %s; of this machine 'hartree calibrate -t %d' measures it\n",
                r->missing, o->threads);
    print_energy(r, f);
    fprintf(f, "sha256     %s\n", r->sha256);
}

bool prediction_print(const struct prediction *r, unsigned by, FILE *f, struct error *e)
{
    print_head(r, f);
    return print_rows(r, by, false, NAN, f, e);
}

bool measurement_print(const struct measurement *m, unsigned by, FILE *f, struct error *e)
{
    const struct prediction *r = &m->prediction;
    print_head(r, f);
    fprintf(f, "counted    %s FLOPs, exactly as predicted\n", si(m->flops_counted, "").s);
    fprintf(f, "measured   %s: prefill %s, decode %s; median of %d, %s to %s\n", si(m->measured_s, "s").s,
            si(m->prefill_s, "s").s, si(m->decode_s, "s").s, m->repeats, si(m->fastest_s, "s").s, si(m->slowest_s, "s").s);
    fprintf(f, "error      %s: prefill %s, decode %s\n", error_text(r->time_s, m->measured_s).s,
            error_text(r->prefill_s, m->prefill_s).s, error_text(r->decode_s, m->decode_s).s);
    if (!isnan(m->vision_s))
        fprintf(f, "tower      %s of it, predicted %s: %s\n", si(m->vision_s, "s").s, si(r->vision_s, "s").s,
                error_text(r->vision_s, m->vision_s).s);
    if (m->energy.kind == ENERGY_MEASURED) {
        fprintf(f, "joules     %s a run", si(m->measured_j, "J").s);
        if (!isnan(r->energy_j)) fprintf(f, ", modelled with an error of %s", error_text(r->energy_j, m->measured_j).s);
        fprintf(f, "; all %d: ", m->repeats);
        energy_print(&m->energy, f);
        fputc('\n', f);
    }
    return print_rows(r, by, true, m->unattributed_s, f, e);
}

/* ---- The end of a run ---- */

bool run_predict(struct prediction *r, const struct session *s, size_t past, size_t prompt, size_t gen, const struct device *d,
                 struct error *e)
{
    size_t room = s->kv->capacity - past - prompt + 1; /* the last token is sampled and takes no place in the cache */
    if (gen > room) gen = room;
    if (gen > PREDICT_MAX_STEPS) gen = PREDICT_MAX_STEPS;
    /* Of no tokens there is nothing to predict: a prediction of one stands for it. */
    struct predict_options o = {.threads = s->options.threads,
                                .past = past,
                                .prompt = prompt ? prompt : 1,
                                .gen = gen ? gen : 1,
                                .ubatch = s->options.n_batch,
                                .kv_type = s->options.kv_type};
    return predict(r, s->plan, d, &o, e);
}

bool run_report(struct run_report *r, const struct session *s, size_t past, const struct generate_result *g,
                struct prediction *before, const struct device *d, struct error *e)
{
    *r = (struct run_report){.prompt_tokens = g->prompt_tokens,
                             .generated_tokens = g->generated_tokens,
                             .decode_steps = g->decode_steps,
                             .threads = s->options.threads,
                             .vision_s = NAN,
                             .predicted_vision_s = NAN,
                             .prefill_s = g->prefill_s,
                             .decode_s = g->decode_s,
                             .sample_s = g->sample_s};
    if (before && before->options.prompt == g->prompt_tokens && before->options.gen == g->decode_steps + 1) {
        r->prediction = *before;
        *before = (struct prediction){.n_rows = 0};
    } else if (!run_predict(&r->prediction, s, past, g->prompt_tokens, g->decode_steps + 1, d, e))
        return false;
    if (s->profile) prediction_take_profile(&r->prediction, s->profile);
    r->energy = energy_none;
    if (isfinite(r->prediction.energy_j)) {
        r->energy.kind = ENERGY_MODELLED;
        r->energy.gross_j = r->prediction.energy_j;
        snprintf(r->energy.source, sizeof r->energy.source, "profile %.50s", d->name);
    }
    double streamed = 0;
    for (size_t i = 0; i < r->prediction.n_rows; i++)
        if (r->prediction.rows[i].phase == PHASE_DECODE) streamed += r->prediction.rows[i].streamed_bytes;
    bool decoded = g->decode_steps > 0 && g->decode_s > 0;
    r->prefill_tps = g->prefill_s > 0 ? (double)g->prompt_tokens / g->prefill_s : NAN;
    r->decode_tps = decoded ? (double)g->decode_steps / g->decode_s : NAN;
    r->decode_bytes_per_s = decoded ? streamed / (g->decode_s - g->sample_s) : NAN;
    r->predicted_prefill_s = r->prediction.prefill_s;
    r->predicted_decode_s = r->prediction.decode_s;
    r->peak_bytes_per_s = d ? device_rate(d, "read_peak", s->options.threads) : NAN;
    r->share_of_peak = r->decode_bytes_per_s / r->peak_bytes_per_s;
    r->peak_rss_bytes = (double)memory_peak();
    return true;
}

void run_report_add_pictures(struct run_report *r, size_t tokens, double vision_s, double predicted_s, double predicted_j)
{
    r->vision_tokens = tokens;
    r->vision_s = vision_s;
    r->predicted_vision_s = predicted_s;
    if (r->energy.kind != ENERGY_MODELLED) return;
    r->energy.gross_j += predicted_j;
    if (isnan(r->energy.gross_j)) r->energy = energy_none;
}

void run_report_free(struct run_report *r)
{
    prediction_free(&r->prediction);
}

void run_report_print(const struct run_report *r, FILE *f)
{
    fprintf(f, "\n%-10s %8s %10s %12s %12s %9s\n", "", "tokens", "tokens/s", "measured", "predicted", "error");
    if (!isnan(r->vision_s))
        fprintf(f, "%-10s %8zu %10s %12s %12s %9s\n", "pictures", r->vision_tokens,
                si((double)r->vision_tokens / r->vision_s, "").s, si(r->vision_s, "s").s, si(r->predicted_vision_s, "s").s,
                error_text(r->predicted_vision_s, r->vision_s).s);
    fprintf(f, "%-10s %8zu %10s %12s %12s %9s\n", "prefill", r->prompt_tokens, si(r->prefill_tps, "").s,
            si(r->prefill_s, "s").s, si(r->predicted_prefill_s, "s").s, error_text(r->predicted_prefill_s, r->prefill_s).s);
    fprintf(f, "%-10s %8zu %10s %12s %12s %9s\n", "decode", r->decode_steps, si(r->decode_tps, "").s, si(r->decode_s, "s").s,
            si(r->predicted_decode_s, "s").s,
            error_text(r->predicted_decode_s, r->decode_steps ? r->decode_s - r->sample_s : NAN).s);
    fprintf(f, "sampling   %s of decode; not predicted, and left out of the error\n", si(r->sample_s, "s").s);
    if (isnan(r->decode_bytes_per_s))
        fprintf(f, "reading    - (nothing was decoded)\n");
    else if (isnan(r->share_of_peak))
        fprintf(f, "reading    %s while decoding; the profile does not say what %d thread%s can\n",
                si(r->decode_bytes_per_s, "B/s").s, r->threads, r->threads == 1 ? "" : "s");
    else
        fprintf(f, "reading    %s while decoding, %s of the %s that %d thread%s can\n", si(r->decode_bytes_per_s, "B/s").s,
                percent(r->share_of_peak).s, si(r->peak_bytes_per_s, "B/s").s, r->threads, r->threads == 1 ? "" : "s");
    if (r->share_of_peak > 1.1)
        fprintf(f, "           more than memory can: the model lies in the cache, or the profile is of a busier moment (see "
                   "calibrate)\n");
    fprintf(f, "memory     %s at most\nenergy     ", si(r->peak_rss_bytes, "B").s);
    energy_print(&r->energy, f);
    fputc('\n', f);
}

bool run_report_print_profile(const struct run_report *r, FILE *f, struct error *e)
{
    return print_rows(&r->prediction, BY_OP | BY_TYPE | BY_PHASE, true, NAN, f, e);
}
