/* html.h - one self-contained page of HTML: its skeleton and style, escaped text, sections, tables, files carried inside.
 *
 * No script and nothing from a network: what a page shows is in it. Light and dark follow the reader's system; below 640 pixels
 * figures stand one under another, and on paper nothing is cut in two. Colours have names (CSS variables --c0 ...), so that
 * charts follow the theme, too.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_HTML_H
#define HARTREE_HTML_H

#include <stddef.h>
#include <stdio.h>

/* From the first byte to <main>. `title` is plain text, as are all texts here. */
void html_begin(FILE *f, const char *title);
void html_end(FILE *f);

/* Text with & < > " ' as entities. What is not UTF-8, and control characters, become U+FFFD. NULL: a dash. */
void html_text(FILE *f, const char *s);

/* "<TAG>text</TAG>" of a formatted text, escaped; `tag` may have attributes: "td class=n". */
void html_element(FILE *f, const char *tag, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A heading of the second rank with an anchor, and a section that html_section_end closes. */
void html_section(FILE *f, const char *anchor, const char *heading);
void html_section_end(FILE *f);

/* A line that says why something is not there. */
void html_missing(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A text file carried in the page: its name, a link that saves it, and, unfolded, its lines. */
void html_file(FILE *f, const char *name, const char *what, const char *text, size_t size);

#endif
