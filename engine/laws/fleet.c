/* SPDX-License-Identifier: MIT */
#include "engine/laws/fleet.h"

#include "base/sha256.h"
#include "engine/laws/shards.h"
#include "engine/report/page.h"
#include "loader/file.h"

#include <stdlib.h>
#include <string.h>

/* A result, and what tells it from the others; its tree is NULL once it is part of another's. */
struct read_result {
    struct json_value *tree;
    char sha256[SHA256_HEX]; /* of the file */
};

static bool read_result(struct read_result *r, const char *file, struct error *e)
{
    struct sha256 h;
    size_t size;
    char *text = file_read(file, PAGE_MAX_BYTES, &size, e);
    if (!text) return false;
    sha256_begin(&h);
    sha256_add(&h, text, size);
    sha256_end(&h, r->sha256);
    r->tree = json_parse(text, size, e);
    free(text);
    return r->tree ? page_check(r->tree, file, e) : fail_in(e, file);
}

/* The same measurements twice would be two machines, or two shards, that there are not. */
static bool read_results(struct read_result *results, const char *const *files, size_t n, struct error *e)
{
    for (size_t i = 0; i < n; i++) {
        if (!read_result(&results[i], files[i], e)) return false;
        for (size_t k = 0; k < i; k++)
            if (!strcmp(results[k].sha256, results[i].sha256))
                return fail(e, "%s: found the same result as in %s, expected each once", files[i], files[k]);
    }
    return true;
}

/* Puts the shards that belong to results[first], which become NULL, together in its place. */
static bool join_shards(struct read_result *results, const char *const *files, size_t n, size_t first, struct error *e)
{
    const struct json_value *shards[FLEET_FILES];
    const char *from[FLEET_FILES];
    size_t at[FLEET_FILES], n_shards = 0;
    for (size_t i = first; i < n; i++) {
        if (i > first && !(results[i].tree && shards_belong(results[first].tree, results[i].tree))) continue;
        shards[n_shards] = results[i].tree;
        from[n_shards] = files[i];
        at[n_shards++] = i;
    }
    if (n_shards == 1) return true;
    struct json_value *whole = shards_join(shards, from, n_shards, e);
    if (!whole) return false;
    for (size_t i = 0; i < n_shards; i++) {
        json_free(results[at[i]].tree);
        results[at[i]].tree = NULL;
    }
    results[first].tree = whole;
    return true;
}

static bool write_page(const struct read_result *results, size_t n, const char *output, size_t *columns, struct error *e)
{
    const struct json_value *column[PAGE_RESULTS];
    size_t n_columns = 0;
    for (size_t i = 0; i < n; i++) {
        if (!results[i].tree) continue;
        if (n_columns == PAGE_RESULTS) return fail(e, "found more than %d machines, expected at most as many", PAGE_RESULTS);
        column[n_columns++] = results[i].tree;
    }
    struct file_output *o = file_output_open(output, e);
    if (!o) return false;
    page_write(column, n_columns, file_output_stream(o));
    if (columns) *columns = n_columns;
    return file_output_commit(o, e);
}

bool fleet_page(const char *const *files, size_t n, const char *output, size_t *columns, struct error *e)
{
    struct read_result results[FLEET_FILES] = {{NULL, ""}};
    if (n < 1 || n > FLEET_FILES) return fail(e, "found %zu results, expected 1 to %d", n, FLEET_FILES);
    bool ok = read_results(results, files, n, e);
    for (size_t i = 0; ok && i < n; i++) ok = !results[i].tree || join_shards(results, files, n, i, e);
    ok = ok && write_page(results, n, output, columns, e);
    for (size_t i = 0; i < n; i++) json_free(results[i].tree);
    return ok;
}
