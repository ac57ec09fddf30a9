/* page_files.c - results from files into one page.
 * SPDX-License-Identifier: MIT */
#include "engine/report/page.h"

#include "loader/file.h"

#include <stdlib.h>
#include <string.h>

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

/* Parts of one sweep would stand side by side as if they were two machines'. */
static bool is_part_of(const struct json_value *a, const struct json_value *b)
{
    const char *one = json_find_string(a, "sha256"), *other = json_find_string(b, "sha256");
    return one && other && !strcmp(one, other) && json_find_number(a, "missing") > 0 && json_find_number(b, "missing") > 0;
}

bool page_from_files(const char *const *files, size_t n, const char *output, struct error *e)
{
    struct json_value *results[PAGE_RESULTS] = {NULL};
    if (n < 1 || n > PAGE_RESULTS) return fail(e, "found %zu results, expected 1 to %d", n, PAGE_RESULTS);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        ok = (results[i] = read_result(files[i], e)) != NULL;
        for (size_t k = 0; ok && k < i; k++)
            if (is_part_of(results[k], results[i]))
                ok = fail(e, "%s: found a part of the same sweep as %s, expected them joined by laws --join first", files[i],
                          files[k]);
    }
    struct file_output *o = ok ? file_output_open(output, e) : NULL;
    if (o) page_write((const struct json_value *const *)results, n, file_output_stream(o));
    ok = o && file_output_commit(o, e);
    for (size_t i = 0; i < n; i++) json_free(results[i]);
    return ok;
}
