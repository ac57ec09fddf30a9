/* help.c - `hartree help`, from the same tables that are parsed.
 * SPDX-License-Identifier: MIT */
#include "tools/cli.h"

#include <string.h>

enum { WIDTH = 100 };

/* Prints the words of `text` from column `column` on, wrapped at WIDTH and indented by `indent`; "\n\n" begins a paragraph. */
static void wrap(FILE *f, const char *text, int column, int indent)
{
    bool first = true;
    for (;;) {
        size_t blanks = strspn(text, " \n");
        bool paragraph = blanks >= 2 && text[0] == '\n' && text[1] == '\n';
        text += blanks;
        int len = (int)strcspn(text, " \n");
        if (!len) break;
        if (!first && (paragraph || column + 1 + len > WIDTH)) {
            fprintf(f, paragraph ? "\n\n%*s" : "\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            column += fprintf(f, " ");
        }
        column += fprintf(f, "%.*s", len, text);
        text += len;
        first = false;
    }
    fputc('\n', f);
}

static void list_option(FILE *f, const char *alias, const char *name, const char *metavar, const char *help)
{
    enum { COLUMN = 28 };
    char left[96];
    int n = snprintf(left, sizeof left, alias ? "  -%s, --%s%s%s" : "%s  --%s%s%s", alias ? alias : "    ", name,
                     metavar ? " " : "", metavar ? metavar : "");
    if (n > COLUMN - 2) fprintf(f, "%s\n%*s", left, COLUMN, "");
    else fprintf(f, "%-*s", COLUMN, left);
    wrap(f, help, COLUMN, COLUMN);
}

static bool has_option(const struct option *o, const char *name)
{
    for (; o && o->name; o++)
        if (!strcmp(o->name, name)) return true;
    return false;
}

void help_command(const struct command *c)
{
    FILE *f = stdout;
    fprintf(f, "hartree %s - %s\n\nusage: hartree %s %s\n\n", c->name, c->summary, c->name, c->usage);
    if (c->description) {
        wrap(f, c->description, 0, 0);
        fputc('\n', f);
    }
    fprintf(f, "options:\n");
    for (const struct option *o = c->options; o && o->name; o++)
        list_option(f, o->alias, o->name, o->kind == OPTION_CHOICE && !o->metavar ? o->choices : o->metavar, o->help);
    for (const struct option *o = common_option_table; o->name; o++)
        if (!has_option(c->options, o->name)) list_option(f, o->alias, o->name, o->metavar, o->help);
    list_option(f, "h", "help", NULL, "this text");
}

void help_commands(FILE *f)
{
    fprintf(f, "hartree runs language models on CPUs and says what each layer costs before it runs.\n\n"
               "usage: hartree COMMAND [options]\n\ncommands:\n");
    for (const struct command *const *c = commands; *c; c++) fprintf(f, "  %-12s%s\n", (*c)->name, (*c)->summary);
    fprintf(f, "\n'hartree help COMMAND' tells its options. Results go to stdout, all else to stderr.\n"
               "Exit status: 0 done, 1 failed, 2 wrong usage.\n"
               "HARTREE_ISA=scalar|avx2|... limits the instruction set; HARTREE_KERNEL=op:isa[_tag],... pins kernels.\n");
}
