/* json_file.h - a reference file of JSON, read by the engine's own reader. SPDX-License-Identifier: MIT */
#ifndef HARTREE_JSON_FILE_H
#define HARTREE_JSON_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json_tree.h"
#include "loader/file.h"

/* The value in the file `folder`/`name`, to be freed by json_free; NULL where there is no such file. One that can't be read, or
 * is no JSON, ends the program: the tests that it is for would be passed over in silence. */
static inline struct json_value *json_file(const char *folder, const char *name)
{
    enum { MOST = 256 << 20 };
    struct error e;
    char path[1024];
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (access(path, F_OK)) return NULL;
    char *text = file_read(path, MOST, &size, &e);
    struct json_value *v = text ? json_parse(text, size, &e) : NULL;
    free(text);
    if (v) return v;
    printf("FAIL %s: %s\n", path, e.text);
    exit(1);
}

#endif
