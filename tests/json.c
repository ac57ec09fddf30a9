/* json.c - what the JSON writer prints, byte by byte.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "tests/test.h"

#include <float.h>
#include <math.h>

static char text[4096];

static const char *printed(void (*write)(struct json *))
{
    FILE *f = fmemopen(text, sizeof text, "w");
    struct json j;
    if (!f) return "";
    json_begin(&j, f);
    write(&j);
    json_end(&j);
    fclose(f);
    return text;
}

static void nested(struct json *j)
{
    json_object(j);
    json_put_string(j, "a", "b");
    json_key(j, "list");
    json_array(j);
    json_integer(j, 1);
    json_object(j);
    json_object_end(j);
    json_array(j);
    json_array_end(j);
    json_bool(j, true);
    json_null(j);
    json_array_end(j);
    json_put_string(j, "none", NULL);
    json_object_end(j);
}

static void lines(struct json *j)
{
    for (int i = 0; i < 2; i++) {
        json_object(j);
        json_put_integer(j, "i", i);
        json_object_end(j);
    }
}

static void strings(struct json *j)
{
    json_array(j);
    json_string(j, "q\" b\\ n\n t\t c\x01 d\x7f e\xc3\xa9 \xf0\x9f\x99\x82");
    json_bytes(j, "a\0b", 3);
    /* a lone continuation, an overlong slash, a surrogate, above U+10FFFF, a sequence cut short */
    json_string(j, "\x80|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82");
    json_array_end(j);
}

static const double numbers[] = {0.1, 1.0 / 3, 1e300, DBL_MIN, DBL_TRUE_MIN, DBL_MAX, -2.5, 123456789012345678.0, 3};

static void print_numbers(struct json *j)
{
    json_array(j);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) json_number(j, numbers[i]);
    json_number(j, NAN);
    json_number(j, -INFINITY);
    json_integer(j, INT64_MIN);
    json_integer(j, INT64_MAX);
    json_array_end(j);
}

int main(void)
{
    const char *want = "{\"a\": \"b\", \"list\": [1, {}, [], true, null], \"none\": null}\n";
    TEST("json nesting", !strcmp(printed(nested), want), "%s", text);
    TEST("json lines", !strcmp(printed(lines), "{\"i\": 0}\n{\"i\": 1}\n"), "%s", text);

#define BAD "\xef\xbf\xbd"
    want = "[\"q\\\" b\\\\ n\\n t\\t c\\u0001 d\\u007f e\xc3\xa9 \xf0\x9f\x99\x82\", \"a\\u0000b\", "
           "\"" BAD "|" BAD BAD "|" BAD BAD BAD "|" BAD BAD BAD BAD "|" BAD BAD "\"]\n";
    TEST("json strings, bad UTF-8 replaced", !strcmp(printed(strings), want), "%s", text);

    const char *s = printed(print_numbers) + 1;
    bool same = true;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char *end;
        double v = strtod(s, &end);
        same = same && v == numbers[i] && *end == ',';
        s = *end ? end + 2 : end;
    }
    TEST("json numbers read back the same", same && !strncmp(text, "[0.1, ", 6), "%s", text);
    TEST("json not finite is null", !strcmp(s, "null, null, -9223372036854775808, 9223372036854775807]\n"), "%s", s);
    TEST_MAIN_END();
}
