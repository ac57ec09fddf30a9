/* page.h - results as one page: what was predicted, what was measured, what was published, each with its name on it.
 *
 * A result is the JSON object that `laws text`, `laws image`, `laws compress` or `paper` keeps as result.json: the page is made
 * from it alone, so that results of other machines, or of last year, give the same page as fresh ones. Several of them stand
 * side by side, a column each. Members that a result lacks are sections that the page lacks; what a step of `paper` could not
 * do is a line.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PAGE_H
#define HARTREE_PAGE_H

#include "base/json_tree.h"

#include <stdio.h>

enum { PAGE_RESULTS = 16, PAGE_MAX_BYTES = 64 << 20 };

/* Whether the object is a result that page_write knows; false and *e say what it is. `file` stands for it in the error. */
bool page_check(const struct json_value *result, const char *file, struct error *e);

/* Models of a sweep's result, from 0 on: itself, then a pair's second or a family's variants. NULL: no more. */
const struct json_value *page_model(const struct json_value *result, int i);

/* The page of n results, 1 to PAGE_RESULTS, that page_check has accepted. */
void page_write(const struct json_value *const *results, size_t n, FILE *f);

/* The page of one result from its text, for who has just written it. False and *e if it is none. */
bool page_write_text(const char *json, size_t size, FILE *f, struct error *e);

#endif
