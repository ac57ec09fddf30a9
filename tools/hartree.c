/* hartree.c - one program, its commands listed in commands.inc.
 * SPDX-License-Identifier: MIT */
#include "kernels/kernel.h"
#include "tools/cli.h"

#include <stdlib.h>
#include <string.h>

#define X(name) extern const struct command command_##name;
#include "tools/commands.inc"
#undef X

const struct command *const commands[] = {
#define X(name) &command_##name,
#include "tools/commands.inc"
#undef X
    NULL,
};

/* NULL after saying so, with the nearest right word. */
static const struct command *command_find(const char *name)
{
    const char *words[sizeof commands / sizeof *commands] = {NULL};
    for (size_t i = 0; commands[i]; i++) {
        if (!strcmp(commands[i]->name, name)) return commands[i];
        words[i] = commands[i]->name;
    }
    const char *near = nearest_word(name, words);
    if (near)
        usage_error("unknown command '%s', did you mean '%s'?", name, near);
    else
        usage_error("unknown command '%s'", name);
    return NULL;
}

static bool man;
static int shell = -1;
static const struct option help_options[] = {
    {"man", NULL, OPTION_FLAG, &man, NULL, "the manual page of everything, for man(1)", 0, 0, NULL},
    {"completion", NULL, OPTION_CHOICE, &shell, "SHELL",
     "what completes commands, options and their words in bash, zsh or fish", 0, 0, SHELLS},
    {.name = NULL},
};

static int run_help(int n_args, char **args)
{
    if (man + (shell >= 0) + (n_args > 0) > 1) return usage_error("found more than one of COMMAND, --man and --completion");
    if (man) {
        help_man(stdout);
        return EXIT_DONE;
    }
    if (shell >= 0) {
        help_completion((enum shell)shell, stdout);
        return EXIT_DONE;
    }
    if (!n_args) {
        help_commands(stdout);
        return EXIT_DONE;
    }
    const struct command *c = command_find(args[0]);
    if (!c) return EXIT_USAGE;
    if (n_args > 1 && !c->kinds)
        return usage_error("found '%s', expected no further argument: %s has no kinds", args[1], c->name);
    if (n_args > 1 && command_kind(c, args[1])) return EXIT_USAGE;
    help_command(c);
    return EXIT_DONE;
}

const struct command command_help = {
    .name = "help",
    .summary = "list the commands, or explain one",
    .usage = "[COMMAND [KIND] | --man | --completion bash|zsh|fish]",
    .description = "A command's kinds (laws text, bench layer) share its page.\n\n'make install' installs the manual page and "
                   "the completions. By hand: hartree help --man | man -l -; and in "
                   "bash eval \"$(hartree help --completion bash)\".",
    .options = help_options,
    .max_args = 2,
    .run = run_help,
};

int main(int argc, char **argv)
{
    char message[512];
    streams_prepare();
    if (argc < 2) {
        help_commands(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "-h") || !strcmp(name, "--help")) name = "help";
    if (!strcmp(name, "--version")) name = "version";
    /* Help runs no kernels: it is there however they were asked for. */
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message) && strcmp(name, "help"))
        return usage_error("%s", message);
    const struct command *c = command_find(name);
    return c ? command_main(c, argc - 2, argv + 2) : EXIT_USAGE;
}
