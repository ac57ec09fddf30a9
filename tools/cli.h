/* cli.h - what the commands share: option tables, help, JSON, progress, interruption.
 *
 * A command is one file tools/cmd_NAME.c that holds one `const struct command command_NAME`; hartree.c lists them. Its options
 * are a table of pointers to static variables; parsing, `--help`, unknown options (exit 2, with the nearest right word),
 * `--name value` and `--name=value` and the short forms come from cli.c. A command parses words, calls one function of the
 * engine, and prints the result struct as text or JSON: it holds no logic of its own. SPDX-License-Identifier: MIT */
#ifndef HARTREE_CLI_H
#define HARTREE_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/nearest.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum option_kind {
    OPTION_FLAG,   /* bool *: set to true */
    OPTION_STRING, /* const char ** */
    OPTION_INT,    /* int64_t *, within [min, max] */
    OPTION_FLOAT,  /* double *, within [min, max] */
    OPTION_STRINGS, /* struct string_list *: each time it is given, one more */
    OPTION_PAIR,   /* struct string_list *: the word after it and the next one; given again, it is two more */
    OPTION_INTS,   /* struct int_list *: "1,8,64", each within [min, max] */
    OPTION_CHOICE, /* int *: index into `choices` ("f32|f16|q8_0") */
};

struct int_list {
    int64_t v[64];
    size_t n;
};

struct string_list {
    const char *v[64];
    size_t n;
};

struct option {
    const char *name;       /* without the dashes: "model" */
    const char *alias;      /* short form without the dash: "m" or "mm"; NULL */
    enum option_kind kind;
    void *target;
    const char *metavar;    /* "FILE"; NULL for a flag */
    const char *help;       /* a phrase with the default in it, no capital and no full stop */
    double min, max;        /* both 0: any */
    const char *choices;    /* OPTION_CHOICE: words separated by '|' */
};

struct command {
    const char *name;
    const char *summary;    /* one line for `hartree help` */
    const char *usage;      /* what follows the name: "-m M [-p TEXT | -f FILE] [options]" */
    const char *description; /* a paragraph or two for `hartree help NAME`, "\n\n" between them */
    const char *kinds;      /* words, separated by '|', of which the first argument has to be one; NULL: it may be anything */
    const struct option *options; /* ends with .name == NULL; the common options are added by cli.c */
    int min_args, max_args; /* positional arguments; max -1: any number */
    int (*run)(int n_args, char **args); /* the exit status */
};

/* Options that every command takes. */
struct common_options {
    bool json, quiet, verbose;
    int64_t threads;        /* 0: pool_default_threads() */
};
extern struct common_options common;

/* Parses argv (after the command's name), then runs the command and finishes stdout. Returns the exit status.
 * An option that is given twice keeps its last value, but for OPTION_STRINGS; "--" ends the options; "-" and "-1" are
 * arguments. A command's own option hides the common one of the same name. */
int command_main(const struct command *c, int argc, char **argv);

/* EXIT_DONE where `word` may be the command's first argument; else EXIT_USAGE, after saying what may. */
int command_kind(const struct command *c, const char *word);

/* Whether this option of the command's own table was given: for words that take only some of a command's options. */
bool option_given(const struct option *o);

/* Every command, NULL-terminated (hartree.c). */
extern const struct command *const commands[];
/* The common options, as a table like a command's. */
extern const struct option common_option_table[];
/* The i-th option that a command takes: its own, then the common ones that it does not hide, --help last; NULL beyond. */
const struct option *command_option(const struct command *c, size_t i);
/* What stands for an option's value: "FILE", "f32|f16"; NULL of a flag. */
const char *option_value(const struct option *o);

/* "hartree CMD: ..." on stderr, one line; both return the status so that `return usage_error(...)` reads well. */
int usage_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));                                    /* EXIT_USAGE; adds "(see 'hartree help CMD')" */
int failed(const struct error *e);                                            /* EXIT_FAILED */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));       /* a diagnostic; silent under -q */
void detail(const char *format, ...) __attribute__((format(printf, 1, 2)));     /* only under -v */

/* What `hartree help` and `hartree help CMD` print, on stdout (help.c). */
void help_commands(FILE *f);
void help_command(const struct command *c);

/* The same tables as other programs read them: a manual page (man.c), and a shell's completion (completion.c). */
enum shell { SHELL_BASH, SHELL_ZSH, SHELL_FISH };
#define SHELLS "bash|zsh|fish"
void help_man(FILE *f);
void help_completion(enum shell shell, FILE *f);

/* What they say beside the tables: sentences, and the variables that hartree reads. */
extern const char help_about[], help_streams[], help_status[];
struct help_variable {
    const char *name, *value, *help; /* ends with .name == NULL */
};
extern const struct help_variable help_variables[];

/* A progress line on stderr, only where it is a terminal and not -q: "loading  43 %  12 s left". done == total ends it. */
void progress(const char *what, uint64_t done, uint64_t total);
/* The same of a sweep (sweep.h's progress, whose ctx is not read): "measuring  43 %  window 5 of 38  12 min left". */
void progress_windows(void *ctx, double done_s, double total_s, size_t done, size_t total);
void progress_clear(void); /* takes an unfinished line off the terminal; what prints on stderr calls it first */

/* The bundled models: what is taken where a command names no model. */
enum demo_file { DEMO_TEXT, DEMO_VISION, DEMO_TOWER, DEMO_FILES };
/* Where one lies (demo/ of the source tree, share/hartree of where the program is installed, XDG_DATA_HOME/hartree or
 * ~/.local/share/hartree), for good; NULL and *e. */
const char *demo_path(enum demo_file which, struct error *e);

/* Before anything is opened or printed: a closed stdin, stdout or stderr is filled in so that no file takes its number, and a
 * closed pipe, or a file above the limit on its size, becomes a write error instead of a signal. */
void streams_prepare(void);

/* The signal's number after SIGINT, SIGTERM or (unless it is ignored) SIGHUP, once signals_catch was called; a second one ends
 * the process after file_output_cleanup. */
extern volatile int interrupted;
void signals_catch(void);

/* Flushes stdout and turns a write error (a full disk, a closed pipe) into one line and EXIT_FAILED. */
int finish_stdout(int status);

#endif
