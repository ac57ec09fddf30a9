/* page_parts.h - the sections of the page (page.h) and what they share.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PAGE_PARTS_H
#define HARTREE_PAGE_PARTS_H

#include "engine/report/page.h"

#include <stdio.h>

enum { PAGE_POINTS = 1024, PAGE_LABEL = 160, PAGE_MODELS = 16 };

struct page_text {
    char s[160];
};

/* The two sweeps that a result may hold. */
enum page_sweep { PAGE_TEXT, PAGE_IMAGE, PAGE_SWEEPS };

/* One machine's results. What it has none of is NULL. */
struct page_result {
    char label[PAGE_LABEL];          /* the machine, told from others of the same name */
    const struct json_value *origin; /* origin.h */
    const struct json_value *text;   /* laws text */
    const struct json_value *image;  /* laws image */
    const struct json_value *paper;  /* the paper's figures, published and predicted */
    const struct json_value *whole;  /* paper's own result, which the above are members of */
    const struct json_value *steps;  /* of `paper`: what was done, and what could not be */
};

/* 'A' and so on: what the page calls it. */
static inline char page_letter(int i)
{
    return (char)('A' + i);
}
/* A machine's sweep of that kind; NULL: none. */
static inline const struct json_value *page_sweep(const struct page_result *r, enum page_sweep kind)
{
    return kind == PAGE_TEXT ? r->text : r->image;
}
/* Whether any of the results has one; whether in one of them there is an i-th model. */
bool page_has_sweep(const struct page_result *r, size_t n, enum page_sweep kind);
bool page_has_model(const struct page_result *r, size_t n, enum page_sweep kind, int i);
/* The heading of what is a model's, or a sweep's (i < 0): "Model A", and "Pictures: model A" where there are prompts, too. */
struct page_text page_heading(const struct page_result *r, size_t n, enum page_sweep kind, int i);

/* The points of a model, and one figure of all of them: NAN where it is not known. At most PAGE_POINTS. */
size_t page_points(const struct json_value *model);
void page_column(const struct json_value *model, const char *path, double *v);

/* Whether a sweep's joules were measured: where no meter was read they are the prediction's own, and there is nothing to draw. */
bool page_metered(const struct json_value *sweep);
/* Lower (end 0) or upper (1) end of the 95 % interval of an area, which is its height times the time, of which that is known. */
double page_area_end(const struct json_value *point, double predicted, size_t end);

/* Formats that sections share: "1.23 (1.20 to 1.26)", with what is known of it; a percentage with its sign. */
struct page_text page_interval(double v, double low, double high, const char *unit);
struct page_text page_change(double part);
struct page_text page_change_interval(double ratio, double low, double high);
/* "3.4 %" */
struct page_text page_percent(double part);
/* "19", and "2.60" with a multiplication sign */
struct page_text page_count(double v);
struct page_text page_ratio(double v);

/* Heads of a table with a column (or `width` columns) a machine; no heads for one machine alone. */
void page_table_begin(FILE *f, const struct page_result *r, size_t n, const char *first, const char *only);
void page_table_end(FILE *f);
/* A row whose cells are filled one after another by page_cell, then closed. A group has a heading alone. */
void page_group(FILE *f, size_t n, const char *heading);
void page_row(FILE *f, const char *name);
void page_cell(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_row_end(FILE *f);

/* A published figure by its name and machine ("llm_energy", "rpi5"), as page_published's table has it; NAN: not there. */
double page_published_figure(const struct page_result *r, const char *figure, const char *device);

/* The title, what steps of `paper` could not be done, and a table of what was. */
void page_head(FILE *f, const struct page_result *r, size_t n);

/* Sections, each of which says whether it had anything to show; with f NULL nothing is written. */
bool page_short(FILE *f, const struct page_result *r, size_t n);
bool page_law_tokens(FILE *f, const struct page_result *r, size_t n);
bool page_law_pixels(FILE *f, const struct page_result *r, size_t n);
bool page_law_pair(FILE *f, const struct page_result *r, size_t n);
bool page_answers(FILE *f, const struct page_result *r, size_t n);
bool page_family(FILE *f, const struct page_result *r, size_t n);
bool page_published(FILE *f, const struct page_result *r, size_t n);
bool page_costs(FILE *f, const struct page_result *r, size_t n);
bool page_errors(FILE *f, const struct page_result *r, size_t n);
bool page_origin(FILE *f, const struct page_result *r, size_t n);
bool page_numbers(FILE *f, const struct page_result *r, size_t n);

#endif
