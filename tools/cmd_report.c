/* cmd_report.c - results of sweeps, of several machines, as one page.
 * SPDX-License-Identifier: MIT */
#include "engine/laws/fleet.h"
#include "tools/cli.h"

#include "base/json.h"
#include "tools/common_args.h"

static const char *output = "report.html";

static int run(int n_args, char **args)
{
    struct error e = {""};
    if (n_args > FLEET_FILES) return usage_error("found %d files, expected at most %d", n_args, FLEET_FILES);
    for (int i = 0; i < n_args; i++)
        if (!arg_spares(output, NULL, args[i], &e)) return failed(&e);
    signals_catch();
    size_t columns;
    if (!fleet_page((const char *const *)args, (size_t)n_args, output, &columns, &e)) return failed(&e);
    if (!common.json) {
        note("written to %s", output);
        return EXIT_DONE;
    }
    struct json j;
    json_begin(&j, stdout);
    json_object(&j);
    json_put_string(&j, "report", output);
    json_put_integer(&j, "results", n_args);
    json_put_integer(&j, "columns", (int64_t)columns);
    json_object_end(&j);
    json_end(&j);
    return EXIT_DONE;
}

static const struct option options[] = {
    {"output", "o", OPTION_STRING, &output, "FILE", "where the page goes (default report.html)", 0, 0, NULL},
    {.name = NULL},
};

const struct command command_report = {
    .name = "report",
    .summary = "join results of laws and paper, of several machines, into one page",
    .usage = "RESULT.json... [-o report.html]",
    .description =
        "Reads the result.json that laws and paper keep in their folders and writes one page of HTML, a column a "
        "machine: figures, "
        "tables, where the time goes, machines, commands, raw numbers. It needs no script and no network.\n\n"
        "Shards of one sweep (`laws --shard`) become one column, as `laws --join` would have joined them: fits, errors, "
        "knees and ratios are found anew of all their points. One result given twice, or a point that two shards have, is "
        "refused.",
    .options = options,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
