/* SPDX-License-Identifier: MIT */
#include "engine/laws/fleet.h"

#include "engine/laws/shards.h"
#include "engine/report/page.h"
#include "loader/file.h"

#include <stdlib.h>

static struct json_value *read_result(const char *file, struct error *e)
{
    size_t size;
    char *text = file_read(file, PAGE_MAX_BYTES, &size, e);
    if (!text) return NULL;
    struct json_value *v = json_parse(text, size, e);
    free(text);
    if (!v) {
        fail_in(e, file);
        return NULL;
    }
    if (page_check(v, file, e)) return v;
    json_free(v);
    return NULL;
}

/* Puts the shards that belong to results[first], which become NULL, together in its place. */
static bool join_shards(struct json_value **results, const char *const *files, size_t n, size_t first, struct error *e)
{
    const struct json_value *shards[FLEET_FILES] = {results[first]};
    size_t n_shards = 1;
    for (size_t i = first + 1; i < n; i++)
        if (results[i] && shards_belong(results[first], results[i])) shards[n_shards++] = results[i];
    if (n_shards == 1) return true;
    struct json_value *whole = shards_join(shards, n_shards, e);
    if (!whole) return fail_in(e, files[first]);
    for (size_t i = n; i-- > first;)
        if (i == first || (results[i] && shards_belong(results[first], results[i]))) {
            json_free(results[i]);
            results[i] = NULL;
        }
    results[first] = whole;
    return true;
}

static bool write_page(struct json_value *const *results, size_t n, const char *output, size_t *columns, struct error *e)
{
    const struct json_value *column[PAGE_RESULTS];
    size_t n_columns = 0;
    for (size_t i = 0; i < n; i++) {
        if (!results[i]) continue;
        if (n_columns == PAGE_RESULTS) return fail(e, "found more than %d machines, expected at most as many", PAGE_RESULTS);
        column[n_columns++] = results[i];
    }
    struct file_output *o = file_output_open(output, e);
    if (!o) return false;
    page_write(column, n_columns, file_output_stream(o));
    if (columns) *columns = n_columns;
    return file_output_commit(o, e);
}

bool fleet_page(const char *const *files, size_t n, const char *output, size_t *columns, struct error *e)
{
    struct json_value *results[FLEET_FILES] = {NULL};
    if (n < 1 || n > FLEET_FILES) return fail(e, "found %zu results, expected 1 to %d", n, FLEET_FILES);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) ok = (results[i] = read_result(files[i], e)) != NULL;
    for (size_t i = 0; ok && i < n; i++) ok = !results[i] || join_shards(results, files, n, i, e);
    ok = ok && write_page(results, n, output, columns, e);
    for (size_t i = 0; i < n; i++) json_free(results[i]);
    return ok;
}
