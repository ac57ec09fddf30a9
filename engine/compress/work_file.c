/* SPDX-License-Identifier: MIT */
#include "engine/compress/work_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* "hartree work 1 KEY\n", then records: a header and its bytes. */
#define MAGIC "hartree work 1 "
enum { FIRST_RECORD = sizeof MAGIC - 1 + SHA256_HEX };

struct record {
    uint32_t kind, number;
    uint64_t bytes, offset; /* offset: of its bytes in the file */
};

struct work_file {
    int fd;
    char *path;
    struct record *records;
    size_t n, capacity;
    uint64_t end;
};

static bool write_all(int fd, const void *data, size_t n, uint64_t at)
{
    for (const char *p = data; n;) {
        ssize_t put = pwrite(fd, p, n, (off_t)at);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        p += put, n -= (size_t)put, at += (uint64_t)put;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t n, uint64_t at)
{
    for (char *p = data; n;) {
        ssize_t got = pread(fd, p, n, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        p += got, n -= (size_t)got, at += (uint64_t)got;
    }
    return true;
}

static bool push(struct work_file *w, struct record r, struct error *e)
{
    struct record *list = memory_grow(w->records, &w->capacity, w->n + 1, sizeof *list);
    if (!list) return fail(e, "%s: found no memory for %zu records", w->path, w->n + 1);
    w->records = list;
    w->records[w->n++] = r;
    return true;
}

/* Takes the records that are there whole; the rest is cut off. */
static bool scan(struct work_file *w, const char *key, struct error *e)
{
    char line[FIRST_RECORD], want[FIRST_RECORD + 1];
    struct stat s;
    memcpy(want, MAGIC, sizeof MAGIC - 1);
    memcpy(want + sizeof MAGIC - 1, key, SHA256_HEX - 1);
    want[FIRST_RECORD - 1] = '\n';
    w->end = FIRST_RECORD;
    bool known = read_all(w->fd, line, FIRST_RECORD, 0) && !memcmp(line, want, FIRST_RECORD);
    if (fstat(w->fd, &s)) return fail(e, "%s: %s", w->path, strerror(errno));
    /* What is not ours is not begun anew: a word too few, and it is somebody's model or text. */
    size_t size = (uint64_t)s.st_size < sizeof MAGIC - 1 ? (size_t)s.st_size : sizeof MAGIC - 1;
    if (!known && (!S_ISREG(s.st_mode) || (size && (!read_all(w->fd, line, size, 0) || memcmp(line, MAGIC, size)))))
        return fail(e, "%s: found another file, expected one that compress has made, or none", w->path);
    while (known) {
        struct record r;
        uint64_t all = (uint64_t)s.st_size;
        if (all - w->end < sizeof r || !read_all(w->fd, &r, sizeof r, w->end) || r.offset != w->end + sizeof r ||
            r.bytes > all - r.offset)
            break;
        if (!push(w, r, e)) return false;
        w->end = r.offset + r.bytes;
    }
    if (ftruncate(w->fd, known ? (off_t)w->end : 0) || (!known && !write_all(w->fd, want, FIRST_RECORD, 0)))
        return fail(e, "%s: %s", w->path, strerror(errno));
    return true;
}

struct work_file *work_file_open(const char *path, const char key[SHA256_HEX], struct error *e)
{
    struct work_file *w = calloc(1, sizeof *w);
    if (w) w->path = strdup(path);
    if (!w || !w->path) {
        free(w);
        fail(e, "%s: found no memory", path);
        return NULL;
    }
    w->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    bool ok = w->fd >= 0 || fail(e, "%s: %s", path, strerror(errno));
    if (ok && flock(w->fd, LOCK_EX | LOCK_NB)) ok = fail(e, "%s: found another process at work on it", path);
    if (ok && scan(w, key, e)) return w;
    work_file_close(w, false);
    return NULL;
}

void work_file_close(struct work_file *w, bool done)
{
    if (!w) return;
    if (done) unlink(w->path);
    if (w->fd >= 0) close(w->fd);
    free(w->records);
    free(w->path);
    free(w);
}

static const struct record *find(const struct work_file *w, uint32_t kind, uint32_t number)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->records[i].kind == kind && w->records[i].number == number) return &w->records[i];
    return NULL;
}

bool work_file_has(const struct work_file *w, uint32_t kind, uint32_t number)
{
    return find(w, kind, number);
}

bool work_file_add(struct work_file *w, uint32_t kind, uint32_t number, const struct work_piece *pieces, size_t n,
                   struct error *e)
{
    struct record r = {.kind = kind, .number = number, .offset = w->end + sizeof r};
    bool ok = true;
    for (size_t i = 0; ok && i < n; r.bytes += pieces[i++].bytes)
        ok = write_all(w->fd, pieces[i].data, pieces[i].bytes, r.offset + r.bytes);
    /* The header last, when what it promises is there. */
    ok = ok && !fsync(w->fd) && write_all(w->fd, &r, sizeof r, w->end);
    if (!ok) {
        fail(e, "%s: %s", w->path, strerror(errno));
        ok = !ftruncate(w->fd, (off_t)w->end);
        return false;
    }
    w->end = r.offset + r.bytes;
    return push(w, r, e);
}

void *work_file_read(const struct work_file *w, uint32_t kind, uint32_t number, size_t *bytes, struct error *e)
{
    const struct record *r = find(w, kind, number);
    *bytes = r ? (size_t)r->bytes : 0;
    void *p = r ? malloc(*bytes + 1) : NULL;
    if (p && read_all(w->fd, p, *bytes, r->offset)) return p;
    fail(e, "%s: found %s, expected record %u of kind %u", w->path, !r ? "nothing" : p ? "an end" : "no memory", number, kind);
    free(p);
    return NULL;
}
