/* help.c - `hartree help`, from the same tables that are parsed.
 * SPDX-License-Identifier: MIT */
#include "tools/cli.h"

#include <string.h>

enum { WIDTH = 100 };

const char help_about[] = "hartree runs language models on CPUs and says what each layer costs before it runs.";
const char help_streams[] = "Results go to stdout, all else to stderr.";
const char help_status[] = "0 done, 1 failed, 2 wrong usage.";

const struct help_variable help_variables[] = {
    {"HARTREE_ISA", "scalar|avx2|...", "the highest instruction set that kernels may use"},
    {"HARTREE_KERNEL", "op:isa[_tag],...", "pins single kernels"},
    {"XDG_CACHE_HOME", "FOLDER", "profiles of this machine are kept in its hartree/ (default ~/.cache)"},
    {"XDG_DATA_HOME", "FOLDER",
     "the demo models are looked for in its hartree/ (default ~/.local/share), after the source tree and share/hartree of "
     "where the program is installed"},
    {"NO_COLOR", "1", "no colours in the terminal"},
    {NULL, NULL, NULL},
};

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

void help_command(const struct command *c)
{
    FILE *f = stdout;
    fprintf(f, "hartree %s - %s\n\nusage: hartree %s %s\n\n", c->name, c->summary, c->name, c->usage);
    if (c->description) {
        wrap(f, c->description, 0, 0);
        fputc('\n', f);
    }
    fprintf(f, "options:\n");
    const struct option *o;
    for (size_t i = 0; (o = command_option(c, i)); i++) list_option(f, o->alias, o->name, option_value(o), o->help);
}

void help_commands(FILE *f)
{
    fprintf(f, "%s\n\nusage: hartree COMMAND [options]\n\ncommands:\n", help_about);
    for (const struct command *const *c = commands; *c; c++) fprintf(f, "  %-12s%s\n", (*c)->name, (*c)->summary);
    fprintf(f, "\n'hartree help COMMAND' tells its options. %s\nExit status: %s\n\nenvironment:\n", help_streams, help_status);
    for (const struct help_variable *v = help_variables; v->name; v++) {
        int n = fprintf(f, "  %s=%s  ", v->name, v->value);
        wrap(f, v->help, n, 4);
    }
}
