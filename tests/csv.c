/* csv.c - fields of a line: separators, blanks, quotes, and that what is written reads back.
 * SPDX-License-Identifier: MIT */
#include "base/csv.h"
#include "tests/test.h"

enum { MAX = 4 };

static const struct {
    const char *line;
    char separator;
    const char *want; /* the fields, each behind a '|'; of an error, what it says after '!' */
} cases[] = {
    {"a,b,c", ',', "|a|b|c"},
    {"a,,", ',', "|a||"},
    {",", ',', "||"},
    {" a , b\t,c ", ',', "|a|b|c"},
    {"\"a,b\",\"say \"\"no\"\"\" ,\"\"", ',', "|a,b|say \"no\"|"},
    {" \"x \" ;y", ';', "|x |y"},
    {"a\tb c\t", '\t', "|a|b c|"},
    {"  1.5 \t 2  \"three 3\" ", ' ', "|1.5|2|three 3"},
    {"a,b,c,d", ',', "|a|b|c|d"},
    {"a,b,c,d,", ',', "!more than 4 fields"},
    {"a,\"b", ',', "!field 2: found a quote without its end"},
    {"\"a\"b,c", ',', "!field 1: found a quote without its end"},
    {"\"a\" b,c", ',', "!field 1: found text behind quotes"},
    {"\"\"\"", ',', "!field 1: found a quote without its end"},
    {"", ',', "!an empty line"},
    {" \t ", ' ', "!an empty line"},
};

static void test_split(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *line = strdup(cases[i].line), *fields[MAX], got[200] = "", name[80];
        struct error e = {""};
        if (!line) exit(1);
        size_t n = csv_split(line, cases[i].separator, fields, MAX, &e);
        for (size_t k = 0; k < n; k++) strcat(strcat(got, "|"), fields[k]);
        bool wrong = *cases[i].want == '!';
        snprintf(name, sizeof name, "csv_split '%s' at '%c'", cases[i].line, cases[i].separator);
        TEST(name, wrong ? !n && strstr(e.text, cases[i].want + 1) : n && !strcmp(got, cases[i].want), "found '%s' %s", got,
             e.text);
        free(line);
    }
}

static void test_put(void)
{
    static const char *const texts[] = {"plain",      "",   " blank before", "tab behind\t", "a,b",
                                       "say \"no\"", "#1", "\"",           ",\"\","};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[80] = "", *fields[MAX], name[80];
        struct error e = {""};
        FILE *f = fmemopen(text, sizeof text, "w");
        if (!f) exit(1);
        csv_put(f, texts[i]);
        fputs(",end", f);
        fclose(f);
        snprintf(name, sizeof name, "csv_put '%s' reads back", texts[i]);
        TEST(name, *text != '#' && csv_split(text, ',', fields, MAX, &e) == 2 && !strcmp(fields[0], texts[i]) &&
             !strcmp(fields[1], "end"), "found '%s' %s", text, e.text);
    }
}

int main(void)
{
    test_split();
    test_put();
    TEST_MAIN_END();
}
