/* cli.c - option tables read from argv, and how commands say what went wrong.
 * SPDX-License-Identifier: MIT */
#include "tools/cli.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct common_options common;
static const char *command_name; /* NULL until a command is known */

const struct option common_option_table[] = {
    {"json", NULL, OPTION_FLAG, &common.json, NULL, "the result as JSON", 0, 0, NULL},
    {"threads", "t", OPTION_INT, &common.threads, "N", "threads, the caller's included (default: the physical cores)", 1, 1024,
     NULL},
    {"quiet", "q", OPTION_FLAG, &common.quiet, NULL, "nothing on stderr but errors", 0, 0, NULL},
    {"verbose", "v", OPTION_FLAG, &common.verbose, NULL, "more on stderr", 0, 0, NULL},
    {NULL, NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0, NULL},
};

static const struct option help_option = {.name = "help", .alias = "h", .kind = OPTION_FLAG, .help = "this text"};

const struct option *command_option(const struct command *c, size_t i)
{
    size_t own = 0;
    while (c->options && c->options[own].name) own++;
    if (i < own) return &c->options[i];
    i -= own;
    for (const struct option *o = common_option_table; o->name; o++) {
        bool hidden = false;
        for (size_t k = 0; k < own; k++) hidden |= !strcmp(c->options[k].name, o->name);
        if (!hidden && !i--) return o;
    }
    return i ? NULL : &help_option;
}

const char *option_value(const struct option *o)
{
    return o->kind == OPTION_CHOICE && !o->metavar ? o->choices : o->metavar;
}

/* ---- Messages ---- */

static void say(bool point_to_help, const char *format, va_list ap)
{
    char text[1024];
    struct error line;
    vsnprintf(text, sizeof text, format, ap);
    fail(&line, "%s", text); /* keeps it to one line, whatever a file or an argument put into it */
    progress_clear();
    const char *blank = command_name ? " " : "", *name = command_name ? command_name : "";
    fprintf(stderr, "hartree%s%s: %s", blank, name, line.text);
    if (!strcmp(name, "help")) blank = name = ""; /* the list of commands tells more than the help of help */
    if (point_to_help) fprintf(stderr, " (see 'hartree help%s%s')", blank, name);
    fputc('\n', stderr);
}

int usage_error(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(true, format, ap);
    va_end(ap);
    return EXIT_USAGE;
}

static void plain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void plain(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(false, format, ap);
    va_end(ap);
}

int failed(const struct error *e)
{
    plain("%s", e->text);
    return EXIT_FAILED;
}

void note(const char *format, ...)
{
    if (common.quiet) return;
    va_list ap;
    va_start(ap, format);
    say(false, format, ap);
    va_end(ap);
}

void detail(const char *format, ...)
{
    if (common.quiet || !common.verbose) return;
    va_list ap;
    va_start(ap, format);
    say(false, format, ap);
    va_end(ap);
}

int finish_stdout(int status)
{
    static bool said;
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout)) return status;
    if (!said && status == EXIT_DONE) plain("stdout: %s", errno ? strerror(errno) : "could not be written");
    said = true; /* once; and a command that failed has said why, which may be this */
    return status == EXIT_USAGE ? status : EXIT_FAILED;
}

/* ---- Options ---- */

static bool is_name(const struct option *o, const char *text, size_t len)
{
    return strlen(o->name) == len && !memcmp(o->name, text, len);
}

/* The option that `arg` ("--name", "--name=value" or "-alias") names, or NULL; *value is what follows '=', or NULL. */
static const struct option *option_find(const struct command *c, const char *arg, const char **value)
{
    bool long_form = !strncmp(arg, "--", 2);
    const char *name = arg + (long_form ? 2 : 1);
    size_t len = long_form ? strcspn(name, "=") : strlen(name);
    *value = name[len] ? name + len + 1 : NULL;
    const struct option *o;
    for (size_t i = 0; (o = command_option(c, i)); i++)
        if (long_form ? is_name(o, name, len) : o->alias && !strcmp(o->alias, name)) return o;
    return NULL;
}

static int unknown_option(const struct command *c, const char *arg)
{
    enum { MAX_WORDS = 128 };
    const char *words[MAX_WORDS + 1] = {NULL};
    const struct option *o;
    size_t len = strcspn(arg, "=");
    char name[64];
    for (size_t i = 0; i < MAX_WORDS && (o = command_option(c, i)); i++) words[i] = o->name;
    snprintf(name, sizeof name, "%.*s", (int)len, arg);
    const char *near = nearest_word(name + strspn(name, "-"), words);
    if (near) return usage_error("unknown option '%s', did you mean '--%s'?", name, near);
    return usage_error("unknown option '%s'", name);
}

static int bad_value(const struct option *o, const char *found, const char *expected)
{
    return usage_error("--%s: found '%s', expected %s", o->name, found, expected);
}

static int out_of_range(const struct option *o, const char *found)
{
    char range[96];
    const char *kind = o->kind == OPTION_FLOAT ? "a number" : "a whole number";
    /* Beyond 2^53 a bound only stands for "any". */
    if (o->max >= 0x1p53)
        snprintf(range, sizeof range, "%s, at least %.15g", kind, o->min);
    else if (o->min <= -0x1p53)
        snprintf(range, sizeof range, "%s, at most %.15g", kind, o->max);
    else
        snprintf(range, sizeof range, "%s from %.15g to %.15g", kind, o->min, o->max);
    return bad_value(o, found, o->min == 0 && o->max == 0 ? kind : range);
}

static bool in_range(const struct option *o, double v)
{
    return (o->min == 0 && o->max == 0) || (v >= o->min && v <= o->max);
}

/* strtoll and strtod skip blanks and take hexadecimal, "inf" and "nan"; a number here is digits, point, exponent. */
static bool number_text(const char *s, const char *letters)
{
    s += *s == '-' || *s == '+';
    return (isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1]))) && !s[strspn(s, letters)];
}

static bool to_integer(const char *text, int64_t *out)
{
    errno = 0;
    if (!number_text(text, "0123456789")) return false;
    *out = strtoll(text, NULL, 10);
    return !errno;
}

static int set_ints(const struct option *o, const char *text)
{
    struct int_list *list = o->target, got = {.n = 0};
    const char *s = text;
    for (;; s++) {
        char item[32];
        size_t len = strcspn(s, ",");
        snprintf(item, sizeof item, "%.*s", (int)(len < sizeof item ? len : sizeof item - 1), s);
        if (got.n == sizeof got.v / sizeof *got.v) return bad_value(o, text, "at most 64 numbers");
        if (!to_integer(item, &got.v[got.n]) || !in_range(o, (double)got.v[got.n])) return out_of_range(o, item);
        got.n++;
        s += len;
        if (!*s) break;
    }
    *list = got;
    return EXIT_DONE;
}

/* Where `text` stands among words separated by '|'; `place` is of whose value an error speaks: "--kv: ". */
static int find_choice(int *at, const char *place, const char *choices, const char *text)
{
    char all[256];
    const char *words[33] = {NULL};
    int n = 0;
    snprintf(all, sizeof all, "%s", choices);
    for (char *w = strtok(all, "|"); w && n < 32; w = strtok(NULL, "|")) words[n++] = w;
    for (*at = 0; *at < n; ++*at)
        if (!strcmp(words[*at], text)) return EXIT_DONE;
    const char *near = nearest_word(text, words);
    return usage_error("%sfound '%s', expected %s%s%s%s", place, text, choices, near ? "; did you mean '" : "",
                       near ? near : "", near ? "'?" : "");
}

static int set_choice(const struct option *o, const char *text)
{
    char place[64];
    int at;
    snprintf(place, sizeof place, "--%.40s: ", o->name);
    int status = find_choice(&at, place, o->choices, text);
    if (status == EXIT_DONE) *(int *)o->target = at;
    return status;
}

static int option_set(const struct option *o, const char *value)
{
    switch (o->kind) {
    case OPTION_FLAG: *(bool *)o->target = true; return EXIT_DONE;
    case OPTION_STRING: *(const char **)o->target = value; return EXIT_DONE;
    case OPTION_INT: {
        int64_t v;
        if (!to_integer(value, &v) || !in_range(o, (double)v)) return out_of_range(o, value);
        *(int64_t *)o->target = v;
        return EXIT_DONE;
    }
    case OPTION_FLOAT: {
        double v = number_text(value, "0123456789.eE+-") ? 0 : NAN;
        char *end = NULL;
        if (v == 0) v = strtod(value, &end);
        if (!end || *end || !isfinite(v) || !in_range(o, v)) return out_of_range(o, value);
        *(double *)o->target = v;
        return EXIT_DONE;
    }
    case OPTION_PAIR:
    case OPTION_STRINGS: {
        struct string_list *list = o->target;
        if (list->n == sizeof list->v / sizeof *list->v)
            return usage_error("--%s: found more than %zu of them", o->name, list->n);
        list->v[list->n++] = value;
        return EXIT_DONE;
    }
    case OPTION_INTS: return set_ints(o, value);
    case OPTION_CHOICE: return set_choice(o, value);
    }
    return EXIT_USAGE;
}

/* "-x" and "--xyz" are options; "-" is an argument (stdin) and so is a negative number. */
static bool looks_like_option(const char *arg)
{
    return arg[0] == '-' && arg[1] && !isdigit((unsigned char)arg[1]);
}

static const struct option *given[64]; /* each once; no command has as many */
static size_t n_given;

bool option_given(const struct option *o)
{
    for (size_t i = 0; i < n_given; i++)
        if (given[i] == o) return true;
    return false;
}

int command_kind(const struct command *c, const char *word)
{
    int at;
    return c->kinds ? find_choice(&at, "", c->kinds, word) : EXIT_DONE;
}

int command_main(const struct command *c, int argc, char **argv)
{
    command_name = c->name;
    char **args = argv; /* arguments move to the front as options are taken out */
    int n_args = 0;
    bool options = true;
    for (int i = 0; i < argc; i++) {
        char *arg = argv[i];
        if (!options || !looks_like_option(arg)) {
            args[n_args++] = arg;
            continue;
        }
        if (!strcmp(arg, "--")) {
            options = false;
            continue;
        }
        const char *value, *ignored;
        const struct option *o = option_find(c, arg, &value);
        if (!o) return unknown_option(c, arg);
        if (o == &help_option && !value) {
            help_command(c);
            return finish_stdout(EXIT_DONE);
        }
        if (o->kind == OPTION_FLAG) {
            if (value) return usage_error("--%s: found a value '%s', expected none", o->name, value);
        } else if (!value) {
            /* Anything may be a value, negative numbers and texts in dashes too, but not an option of this command. */
            if (i + 1 == argc || !strcmp(argv[i + 1], "--") ||
                (looks_like_option(argv[i + 1]) && option_find(c, argv[i + 1], &ignored)))
                return usage_error("--%s: found no value, expected %s", o->name, option_value(o));
            value = argv[++i];
        }
        int status = option_set(o, value);
        if (status == EXIT_DONE && o->kind == OPTION_PAIR) {
            if (i + 1 == argc || looks_like_option(argv[i + 1]))
                return usage_error("--%s: found one value, expected %s", o->name, o->metavar);
            status = option_set(o, argv[++i]);
        }
        if (status != EXIT_DONE) return status;
        if (!option_given(o) && n_given < sizeof given / sizeof *given) given[n_given++] = o;
    }
    if (n_args < c->min_args) return usage_error("found %d argument%s, expected: %s", n_args, n_args == 1 ? "" : "s", c->usage);
    if (c->max_args >= 0 && n_args > c->max_args)
        return usage_error("found '%s', expected %s", args[c->max_args], c->max_args ? "no further argument" : c->usage);
    int status = n_args ? command_kind(c, args[0]) : EXIT_DONE;
    return status == EXIT_DONE ? finish_stdout(c->run(n_args, args)) : status;
}
