/* cmd_auc.c - CPU time, memory and joules of any program, above idle.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/meter/auc_command.h"
#include "loader/file.h"
#include "tools/common_args.h"

#include <math.h>

static double hz = 5, idle_s = 2;
static const char *samples, *result;

/* ---- JSON ---- */

static void put_area(struct json *j, const char *key, const struct auc_area *a)
{
    json_key(j, key);
    json_object(j);
    json_put_number(j, "gross", a->gross);
    json_put_number(j, "net", a->net);
    json_put_number(j, "sd", a->sd);
    json_object_end(j);
}

static void put_idle(struct json *j, const char *key, const struct auc_idle *i)
{
    json_key(j, key);
    if (isnan(i->t0)) {
        json_null(j);
        return;
    }
    json_object(j);
    json_put_number(j, "time_s", i->t1 - i->t0);
    json_put_number(j, "cores", i->system_cpu.mean);
    json_put_number(j, "busy", i->busy);
    json_put_number(j, "cores_variance", i->system_cpu.variance);
    json_put_number(j, "cores_correlation", i->system_cpu.correlation);
    json_put_number(j, "used_bytes", i->system_used.mean);
    json_put_number(j, "used_bytes_variance", i->system_used.variance);
    json_put_integer(j, "blocks", (int64_t)i->blocks);
    json_put_number(j, "block_s", i->block_s);
    json_object_end(j);
}

static void print_json(const struct auc_command_result *r, FILE *f)
{
    const struct auc_result *u = &r->use;
    struct json j;
    json_begin(&j, f);
    json_object(&j);
    json_put_number(&j, "time_s", u->time_s);
    json_put_number(&j, "cpu_auc", u->cpu.net);
    json_put_number(&j, "cpu_auc_sd", u->cpu.sd);
    json_put_number(&j, "cpu_auc_sampled", u->cpu_sampled);
    json_put_number(&j, "ram_auc", u->rss.net);
    json_put_number(&j, "ram_auc_pss", u->pss.net);
    json_put_number(&j, "peak_rss_bytes", u->peak_rss_bytes);
    json_key(&j, "idle");
    json_object(&j);
    put_idle(&j, "before", &u->before);
    put_idle(&j, "after", &u->after);
    json_object_end(&j);
    json_key(&j, "system");
    json_object(&j);
    put_area(&j, "cpu_auc", &u->system_cpu);
    put_area(&j, "ram_auc", &u->system_used);
    json_put_number(&j, "steal_s", u->steal_s);
    json_object_end(&j);
    energy_json(&j, &r->energy);
    json_put_integer(&j, "samples", (int64_t)u->samples);
    json_key(&j, "sampler");
    json_object(&j);
    json_put_number(&j, "hz", u->hz);
    json_put_number(&j, "cpu_s", u->sampler_cpu_s);
    json_put_integer(&j, "missed", (int64_t)u->missed);
    json_put_number(&j, "max_gap_s", u->max_gap_s);
    json_put_integer(&j, "pss_samples", (int64_t)u->pss_samples);
    json_object_end(&j);
    json_put_integer(&j, "status", r->status);
    json_put_integer(&j, "signal", r->signal);
    json_key(&j, "left_running");
    json_bool(&j, r->left);
    json_object_end(&j);
    json_end(&j);
}

/* ---- Text ---- */

/* "1.23", or "-" where it is not known */
static void put(FILE *f, const char *format, double v)
{
    if (isnan(v))
        fputc('-', f);
    else
        fprintf(f, format, v);
}

/* What the machine did before or after; nothing where nobody looked. */
static void print_idle(FILE *f, const char *when, const struct auc_idle *i)
{
    if (isnan(i->t0)) return;
    fprintf(f, "idle     %.3f cores and %.4g GB used %s", i->system_cpu.mean, i->system_used.mean * 1e-9, when);
    if (i->busy > AUC_BUSY)
        fprintf(f, "; warning: %.0f %% of the cores were busy, expected at most %.0f %%", 100 * i->busy, 100 * AUC_BUSY);
    fputc('\n', f);
}

static void print_text(const struct auc_command_result *r, FILE *f)
{
    const struct auc_result *u = &r->use;
    fprintf(f, "time     %.3f s", u->time_s);
    if (r->signal)
        fprintf(f, ", ended by signal %d", r->signal);
    else if (r->status)
        fprintf(f, ", exit status %d", r->status);
    if (r->left) fputs(", but something that it started still runs", f);
    fputs("\ncpu_auc  ", f);
    put(f, "%.3f", u->cpu.net);
    fputs(" core-s +- ", f);
    put(f, "%.3f", u->cpu.sd);
    fputs(", mean ", f);
    put(f, "%.2f", u->cpu.net / u->time_s);
    fputs(" cores\nram_auc  ", f);
    put(f, "%.4g", u->rss.net * 1e-9);
    fputs(" GB s resident, ", f);
    put(f, "%.4g", u->pss.net * 1e-9);
    fputs(" GB s proportional; mean ", f);
    put(f, "%.1f", u->rss.net / u->time_s * 1e-6);
    fputs(" MB, peak ", f);
    put(f, "%.1f", u->peak_rss_bytes * 1e-6);
    fputs(" MB\nmachine  ", f);
    put(f, "%.3f", u->system_cpu.net);
    fputs(" core-s above idle +- ", f);
    put(f, "%.3f", u->system_cpu.sd);
    fputs(", others than the command ", f);
    put(f, "%.3f", u->system_cpu.net - u->cpu.net);
    fputs("; stolen ", f);
    put(f, "%.3f", u->steal_s);
    fputs("; ", f);
    put(f, "%.4g", u->system_used.net * 1e-9);
    fputs(" GB s +- ", f);
    put(f, "%.2g", u->system_used.sd * 1e-9);
    fputc('\n', f);
    print_idle(f, "before", &u->before);
    print_idle(f, "after", &u->after);
    fputs("energy   ", f);
    energy_print(&r->energy, f);
    fprintf(f, "\nsampler  %zu samples at %g Hz, %zu ticks missed, longest gap %.3f s, %.2f %% of a core\n", u->samples, u->hz,
            u->missed, u->max_gap_s, 100 * u->sampler_cpu_s / u->time_s);
}

/* ---- The command ---- */

static bool write_result(const struct auc_command_result *r, FILE *f)
{
    if (common.json)
        print_json(r, f);
    else
        print_text(r, f);
    return !ferror(f);
}

/* The file of option `name`, or NULL: none is wanted. */
static bool open_output(struct file_output **out, const char *path, struct error *e)
{
    *out = path ? file_output_open(path, e) : NULL;
    return *out || !path;
}

static int run(int n_args, char **args)
{
    struct error e = {""};
    struct file_output *csv = NULL, *to = NULL;
    struct auc_command_result r = {.status = 0};
    struct auc_command_options o = {.hz = hz, .idle_s = idle_s, .interrupted = &interrupted};
    args[n_args] = NULL; /* options have moved out of the way, or it is the end of argv */
    if (!meter_known(arg_energy, &e)) return usage_error("--energy: %s", e.text);
    signals_catch();
    bool ok = (o.meter = arg_open_meter(&e)) && open_output(&csv, samples, &e) && open_output(&to, result, &e);
    if (csv) o.samples = file_output_stream(csv);
    ok = ok && auc_command(args, &o, &r, &e);
    meter_close(o.meter);
    if (ok && *r.energy_error) note("energy: %s", r.energy_error);
    if (ok && !to && common.json) putchar('\n'); /* the command's last line may lack its end */
    if (ok) write_result(&r, to ? file_output_stream(to) : common.json ? stdout : stderr);
    if (to && ok)
        ok = file_output_commit(to, &e);
    else if (to)
        file_output_discard(to);
    if (csv && ok)
        ok = file_output_commit(csv, &e);
    else if (csv)
        file_output_discard(csv);
    if (ok) return r.status;
    int status = failed(&e);
    return r.status ? r.status : status;
}

static const struct option options[] = {
    {"hz", NULL, OPTION_FLOAT, &hz, "N", "samples a second (default 5)", 0.1, AUC_MAX_HZ, NULL},
    {"idle", NULL, OPTION_FLOAT, &idle_s, "S", "seconds of idle before and after, each (default 2)", 0, 3600, NULL},
    ARG_ENERGY,
    {"output", "o", OPTION_STRING, &samples, "FILE", "the samples as CSV", 0, 0, NULL},
    {"result", NULL, OPTION_STRING, &result, "FILE", "the result goes there (default: stderr; with --json stdout)", 0, 0, NULL},
    {.name = NULL},
};

const struct command command_auc = {
    .name = "auc",
    .summary = "CPU time, memory and joules of any other program, above idle",
    .usage = "[--hz N] [--idle S] [--energy SRC] [-o FILE.csv] [--result FILE] [--json] -- COMMAND...",
    .description =
        "Waits, runs the command, waits again, and samples all the while the command with all processes that it starts, and "
        "the whole machine. cpu_auc is in core-seconds, ram_auc in byte-seconds of resident memory. A command that has not "
        "started uses nothing, so its idle is 0; the machine's use above its idle shows how much of a "
        "neighbour's work was done meanwhile.\n\n"
        "The streams are the command's own. The result comes after its end: as text on stderr, with --json as the last line of "
        "stdout, or with --result in a file of its own.\n\n"
        "The exit status is the command's: 128 + N if signal N ended it, 127 if there is no such command, 126 if it can't be "
        "run. "
        "SIGINT, SIGTERM and SIGHUP go to the command, and the result is still printed; before the command is started they "
        "end\n"
        "with status 1.",
    .options = options,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
