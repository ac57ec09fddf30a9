/* man.c - `hartree help --man`: a manual page from the tables that are parsed, in the man(7) macros that every troff has.
 * SPDX-License-Identifier: MIT */
#include "tools/cli.h"

#include <ctype.h>
#include <string.h>

/* Text with what troff would take for its own escaped. A dash stays a dash, so that options can be copied. */
static void put(FILE *f, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        switch (text[i]) {
        case '\\': fputs("\\e", f); break;
        case '-': fputs("\\-", f); break;
        case '\'': fputs("\\(aq", f); break;
        case '`': fputs("\\(ga", f); break;
        case '^': fputs("\\(ha", f); break;
        case '~': fputs("\\(ti", f); break;
        case '"': fputs("\\(dq", f); break;
        default: fputc(text[i], f);
        }
    }
}

/* Words filled into lines; no line begins with a control character, "\n\n" begins a paragraph. */
static void paragraphs(FILE *f, const char *text)
{
    enum { WIDTH = 78 };
    int column = 0;
    while (*text) {
        size_t blanks = strspn(text, " \n"), len = strcspn(text + blanks, " \n");
        bool paragraph = column && !strncmp(text, "\n\n", 2);
        text += blanks;
        if (!len) break;
        if (paragraph || column + (int)len >= WIDTH) {
            fputs(paragraph ? "\n.PP\n" : "\n", f);
            column = 0;
        }
        if (column) fputc(' ', f);
        else if (*text == '.') fputs("\\&", f);
        put(f, text, len);
        column += (int)len + 1;
        text += len;
    }
    fputc('\n', f);
}

static void put_bold(FILE *f, const char *dashes, const char *word)
{
    fputs("\\fB", f);
    put(f, dashes, strlen(dashes));
    put(f, word, strlen(word));
    fputs("\\fR", f);
}

static void put_option(FILE *f, const struct option *o)
{
    const char *value = option_value(o);
    fputs(".TP\n", f);
    if (o->alias) {
        put_bold(f, "-", o->alias);
        fputs(", ", f);
    }
    put_bold(f, "--", o->name);
    if (value) {
        fputs(" \\fI", f);
        put(f, value, strlen(value));
        fputs("\\fR", f);
    }
    fputc('\n', f);
    paragraphs(f, o->help);
}

static void put_command(FILE *f, const struct command *c)
{
    fprintf(f, ".SS %s\n", c->name);
    paragraphs(f, c->summary);
    fputs(".PP\n", f);
    put_bold(f, "hartree ", c->name);
    fputc('\n', f);
    paragraphs(f, c->usage);
    if (c->description) {
        fputs(".PP\n", f);
        paragraphs(f, c->description);
    }
    for (const struct option *o = c->options; o && o->name; o++) put_option(f, o);
}

void help_man(FILE *f)
{
    const char *rest = help_about + strlen("hartree "); /* the line that whatis(1) shows */
    fprintf(f, ".TH HARTREE 1 \"\" \"hartree %s\" \"User Commands\"\n.SH NAME\nhartree \\- ", HARTREE_VERSION);
    put(f, rest, strlen(rest) - 1);
    fputs("\n.SH SYNOPSIS\n.B hartree\n.I COMMAND\n[options]\n.SH DESCRIPTION\n", f);
    paragraphs(f, help_about);
    paragraphs(f, help_streams);
    fputs(".SH COMMANDS\n", f);
    for (const struct command *const *c = commands; *c; c++) put_command(f, *c);
    fputs(".SH COMMON OPTIONS\nEvery command takes these, and\n.B \\-\\-help\nfor its own page.\n", f);
    for (const struct option *o = common_option_table; o->name; o++) put_option(f, o);
    fputs(".SH ENVIRONMENT\n", f);
    for (const struct help_variable *v = help_variables; v->name; v++) {
        fputs(".TP\n", f);
        put_bold(f, v->name, "=");
        fputs("\\fI", f);
        put(f, v->value, strlen(v->value));
        fputs("\\fR\n", f);
        paragraphs(f, v->help);
    }
    fputs(".SH EXIT STATUS\n", f);
    paragraphs(f, help_status);
}
