/* SPDX-License-Identifier: MIT */
#include "tools/shard_args.h"

#include <stdlib.h>
#include <string.h>

/* The digits before `end`, which *s is moved behind; 0 where they are none, or too many. */
static int take_number(const char **s, char end)
{
    size_t n = strspn(*s, "0123456789");
    if (!n || n > 7 || (*s)[n] != end) return 0;
    int v = atoi(*s);
    *s += n + (end != 0);
    return v;
}

bool shard_parse(const char *word, struct shard *s)
{
    *s = (struct shard){0, 1};
    if (!word) return true;
    int i = take_number(&word, '/'), n = i ? take_number(&word, 0) : 0;
    if (n < 1 || n > 1 << 20 || i > n) return false;
    *s = (struct shard){i - 1, n};
    return true;
}
