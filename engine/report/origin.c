/* SPDX-License-Identifier: MIT */
#include "engine/report/origin.h"

#include "engine/account/machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

const char *origin_compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

/* All of the machine's, whether or not this process may use it. */
static double memory_bytes(void)
{
    double pages = (double)sysconf(_SC_PHYS_PAGES), size = (double)sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? pages * size : NAN;
}

static void put_profile(struct json *j, const struct device *d, int threads)
{
    json_key(j, "profile");
    json_object(j);
    json_put_string(j, "name", d->name);
    json_put_string(j, "isa", d->isa);
    json_put_string(j, "date", d->date);
    json_put_number(j, "cores", device_get(d, "cores"));
    json_put_number(j, "llc_bytes", device_get(d, "llc"));
    json_put_number(j, "read_bandwidth", device_rate(d, "read_bandwidth", threads));
    json_put_number(j, "noise", device_get(d, "noise"));
    json_put_number(j, "stage_s", device_rate(d, "stage", threads));
    json_put_number(j, "interval95", device_rate(d, "interval95", threads));
    json_put_number(j, "idle_w", device_get(d, "energy.idle"));
    json_put_number(j, "active_w", device_get(d, "energy.active"));
    json_object_end(j);
}

void origin_json(struct json *j, const struct device *d, int threads, const char *command)
{
    char text[512];
    struct utsname system;
    json_key(j, "origin");
    json_object(j);
    json_put_string(j, "program", "hartree " HARTREE_VERSION);
    json_put_string(j, "compiler", origin_compiler());
    device_kernels(text, sizeof text);
    json_put_string(j, "isa", text);
    machine_name(text, sizeof text);
    json_put_string(j, "machine", text);
    bool known = uname(&system) >= 0;
    if (known) snprintf(text, sizeof text, "%.100s %.100s, %.100s", system.sysname, system.release, system.machine);
    json_put_string(j, "system", known ? text : NULL);
    json_put_number(j, "cores", (double)sysconf(_SC_NPROCESSORS_ONLN));
    json_put_number(j, "memory_bytes", memory_bytes());
    json_put_integer(j, "threads", threads);
    json_put_string(j, "command", command);
    put_profile(j, d, threads);
    json_object_end(j);
}

void origin_word(char *command, size_t size, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./,:=+@%";
    size_t n = strlen(command);
    bool quoted = !*word || word[strspn(word, plain)];
    if (n + 4 * strlen(word) + 4 > size) return; /* longer than any command that a shell takes */
    command[n++] = ' ';
    if (quoted) command[n++] = '\'';
    for (; *word; word++) {
        if (*word != '\'') {
            command[n++] = *word;
            continue;
        }
        memcpy(command + n, "'\\''", 4);
        n += 4;
    }
    if (quoted) command[n++] = '\'';
    command[n] = 0;
}

void origin_option(char *command, size_t size, const char *name, double value)
{
    char text[64];
    for (int digits = 6; digits <= 17; digits++) { /* as few as say it: a seed of eight digits keeps all of them */
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    if (value == floor(value) && fabs(value) < 0x1p53) snprintf(text, sizeof text, "%.0f", value);
    origin_word(command, size, name);
    origin_word(command, size, text);
}
