/* completion.c - `hartree help --completion SHELL`: commands, their options and the words that an option takes, from the tables
 * that are parsed. Where a file may stand, files are offered; where a number or a text, nothing.
 * SPDX-License-Identifier: MIT */
#include "tools/cli.h"

#include <string.h>

enum value { VALUE_NONE, VALUE_FILE, VALUE_WORDS, VALUE_OTHER };

/* What stands behind an option. */
static enum value value_of(const struct option *o)
{
    if (o->kind == OPTION_FLAG) return VALUE_NONE;
    if (o->kind == OPTION_CHOICE) return VALUE_WORDS;
    bool text = o->kind == OPTION_STRING || o->kind == OPTION_STRINGS;
    return text && (strstr(o->metavar, "FILE") || strstr(o->metavar, "DIR")) ? VALUE_FILE : VALUE_OTHER;
}

static bool is_help(const struct command *c)
{
    return !strcmp(c->name, "help");
}

/* Words separated by '|' with blanks between them. */
static void put_words(FILE *f, const char *words)
{
    for (; *words; words++) fputc(*words == '|' ? ' ' : *words, f);
}

/* The words that a command's first argument may be; false where it may be anything. */
static bool put_kinds(FILE *f, const struct command *c)
{
    if (c->kinds) put_words(f, c->kinds);
    else if (is_help(c))
        for (const struct command *const *other = commands; *other; other++)
            fprintf(f, "%s%s", other == commands ? "" : " ", (*other)->name);
    return c->kinds || is_help(c);
}

/* A text within the shell's single quotes; `escaped` are characters that get a backslash. */
static void put_quoted(FILE *f, const char *text, const char *escaped, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'') {
            fputs(quote, f);
            continue;
        }
        if (strchr(escaped, *text)) fputc('\\', f);
        fputc(*text, f);
    }
}

/* ---- bash ---- */

/* "run,-m | run,--model", a pattern of a command and the option before the cursor. */
static void bash_pattern(FILE *f, const struct command *c, const struct option *o)
{
    fprintf(f, "    %s,--%s", c->name, o->name);
    if (o->alias) fprintf(f, " | %s,-%s", c->name, o->alias);
}

static void bash_command(FILE *f, const struct command *c)
{
    const struct option *o;
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        enum value value = value_of(o);
        if (value == VALUE_NONE) continue;
        bash_pattern(f, c, o);
        if (value == VALUE_WORDS) {
            fputs(") words='", f);
            put_words(f, o->choices);
            fputs("' ;;\n", f);
        } else {
            fputs(value == VALUE_FILE ? ") files=1 ;;\n" : ") ;;\n", f);
        }
    }
    fprintf(f, "    %s,*)\n        files=1\n", c->name);
    if (c->kinds || is_help(c)) {
        fputs("        ((COMP_CWORD == 2)) && files= words='", f);
        put_kinds(f, c);
        fputs("'\n", f);
    }
    fputs("        [[ $cur == -* ]] && files= words='", f);
    for (size_t i = 0; (o = command_option(c, i)); i++) fprintf(f, "%s--%s", i ? " " : "", o->name);
    fputs("' ;;\n", f);
}

static void bash(FILE *f)
{
    fputs("_hartree()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words= files=\n"
          "    # --name=value arrives as three words\n"
          "    if [[ $cur == = ]]; then cur=\n"
          "    elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
          "    COMPREPLY=()\n"
          "    if ((COMP_CWORD == 1)); then words='",
          f);
    for (const struct command *const *c = commands; *c; c++) fprintf(f, "%s ", (*c)->name);
    fputs("--help --version'; else\n    case ${COMP_WORDS[1]},$prev in\n", f);
    for (const struct command *const *c = commands; *c; c++) bash_command(f, *c);
    fputs("    esac\n    fi\n"
          "    if [[ $files ]]; then\n"
          "        local IFS=$'\\n'\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
          "    else COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); fi\n"
          "}\n"
          "complete -F _hartree hartree\n",
          f);
}

/* ---- zsh ---- */

/* One specification of _arguments for each form of an option; the forms exclude each other, but of one that may be repeated. */
static void zsh_form(FILE *f, const struct option *o, const char *dashes, const char *name)
{
    enum value value = value_of(o);
    fputs(" \\\n        '", f);
    if (o->kind == OPTION_STRINGS) fputc('*', f);
    else if (o->alias) fprintf(f, "(-%s --%s)", o->alias, o->name);
    fprintf(f, "%s%s%s[", dashes, name, value != VALUE_NONE && dashes[1] ? "=" : "");
    put_quoted(f, o->help, "[]\\", "'\\''");
    fputc(']', f);
    if (value != VALUE_NONE) {
        fputc(':', f);
        put_quoted(f, option_value(o), ":\\", "'\\''");
        fputc(':', f);
        if (value == VALUE_FILE) fputs("_files", f);
        if (value == VALUE_WORDS) {
            fputc('(', f);
            put_words(f, o->choices);
            fputc(')', f);
        }
    }
    fputc('\'', f);
}

static void zsh(FILE *f)
{
    fputs("_hartree()\n{\n    local -a commands\n    commands=(\n", f);
    for (const struct command *const *c = commands; *c; c++) {
        fprintf(f, "        '%s:", (*c)->name);
        put_quoted(f, (*c)->summary, "\\", "'\\''");
        fputs("'\n", f);
    }
    fputs("    )\n    if ((CURRENT == 2)); then\n        _describe command commands\n        return\n    fi\n"
          "    local command=$words[2]\n    shift words\n    ((CURRENT--))\n    case $command in\n",
          f);
    for (const struct command *const *c = commands; *c; c++) {
        const struct option *o;
        fprintf(f, "    %s)\n        _arguments", (*c)->name);
        for (size_t i = 0; (o = command_option(*c, i)); i++) {
            if (o->alias) zsh_form(f, o, "-", o->alias);
            zsh_form(f, o, "--", o->name);
        }
        if ((*c)->kinds || is_help(*c)) {
            fputs(" \\\n        '1:word:(", f);
            put_kinds(f, *c);
            fputs(")'", f);
        }
        fputs(" \\\n        '*:file:_files' ;;\n", f);
    }
    fputs("    esac\n}\n"
          "# read by the completion system from $fpath it is run; sourced it registers itself\n"
          "if [[ $funcstack[1] == _hartree ]]; then _hartree \"$@\"; else compdef _hartree hartree; fi\n",
          f);
}

/* ---- fish ---- */

static void fish_command(FILE *f, const struct command *c)
{
    const struct option *o;
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        enum value value = value_of(o);
        fprintf(f, "complete -c hartree -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
        if (o->alias) fprintf(f, " -%c %s", o->alias[1] ? 'o' : 's', o->alias);
        if (value != VALUE_NONE) fputs(value == VALUE_FILE ? " -rF" : " -x", f);
        if (value == VALUE_WORDS) {
            fputs(" -a '", f);
            put_words(f, o->choices);
            fputc('\'', f);
        }
        fputs(" -d '", f);
        put_quoted(f, o->help, "\\", "\\'");
        fputs("'\n", f);
    }
    if (c->kinds || is_help(c)) {
        fprintf(f, "complete -c hartree -n '__fish_seen_subcommand_from %s' -fa '", c->name);
        put_kinds(f, c);
        fputs("'\n", f);
    }
}

static void fish(FILE *f)
{
    for (const struct command *const *c = commands; *c; c++) {
        fprintf(f, "complete -c hartree -n __fish_use_subcommand -fa %s -d '", (*c)->name);
        put_quoted(f, (*c)->summary, "\\", "\\'");
        fputs("'\n", f);
    }
    for (const struct command *const *c = commands; *c; c++) fish_command(f, *c);
}

void help_completion(enum shell shell, FILE *f)
{
    static void (*const print[])(FILE *) = {[SHELL_BASH] = bash, [SHELL_ZSH] = zsh, [SHELL_FISH] = fish};
    if (shell == SHELL_ZSH) fputs("#compdef hartree\n", f); /* has to be the first line */
    fprintf(f, "# Completion of hartree %s, made by 'hartree help --completion'.\n", HARTREE_VERSION);
    print[shell](f);
}
