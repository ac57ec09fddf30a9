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

/* "hartree work 2 KEY\n", then records: a header and its bytes. */
#define MAGIC       "hartree work 2 "
#define ANY_VERSION "hartree work "
enum { FIRST_RECORD = sizeof MAGIC - 1 + SHA256_HEX };

struct record {
    uint32_t kind, number;
    uint64_t bytes, offset;      /* offset: of its bytes in the file */
    char digest[SHA256_HEX - 1]; /* of the bytes: what is read is what was written, whatever befell the disk since */
};

struct work_file {
    int fd;
    char *path;
    struct record *records;
    size_t n, capacity;
    uint64_t end;
    bool ours; /* looked at, and may be removed */
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

static bool digest_matches(const struct work_file *w, const struct record *r)
{
    static const size_t part = 1 << 20;
    char hex[SHA256_HEX], *p = malloc(part);
    struct sha256 s;
    sha256_begin(&s);
    bool ok = p;
    for (uint64_t done = 0; ok && done < r->bytes;) {
        size_t n = r->bytes - done < part ? (size_t)(r->bytes - done) : part;
        ok = read_all(w->fd, p, n, r->offset + done);
        if (ok) sha256_add(&s, p, n);
        done += n;
    }
    sha256_end(&s, hex);
    free(p);
    return ok && !memcmp(hex, r->digest, sizeof r->digest);
}

/* Whether the file may be written over: it is empty, or was begun by this code, however short it broke off. */
static bool is_ours(const struct work_file *w, uint64_t size)
{
    char begin[sizeof ANY_VERSION - 1];
    size_t n = size < sizeof begin ? (size_t)size : sizeof begin;
    return read_all(w->fd, begin, n, 0) && !memcmp(begin, ANY_VERSION, n);
}

/* Takes the records that are there whole; the rest is cut off. A file that is something else is left alone. */
static bool scan(struct work_file *w, const char *key, bool keep, struct error *e)
{
    char line[FIRST_RECORD], want[FIRST_RECORD + 1];
    struct stat s;
    memcpy(want, MAGIC, sizeof MAGIC - 1);
    memcpy(want + sizeof MAGIC - 1, key, SHA256_HEX - 1);
    want[FIRST_RECORD - 1] = '\n';
    w->end = FIRST_RECORD;
    if (fstat(w->fd, &s)) return fail(e, "%s: %s", w->path, strerror(errno));
    if (!S_ISREG(s.st_mode) || !is_ours(w, (uint64_t)s.st_size))
        return fail(e, "%s: found a file of another kind, expected none, or work that was interrupted", w->path);
    bool known = read_all(w->fd, line, FIRST_RECORD, 0) && !memcmp(line, want, FIRST_RECORD);
    if (keep && !known && (uint64_t)s.st_size > FIRST_RECORD)
        return fail(e, "%s: found what was made of another model, text or options, expected those given now, or no file",
                    w->path);
    while (known) {
        struct record r;
        uint64_t size = (uint64_t)s.st_size;
        if (size - w->end < sizeof r || !read_all(w->fd, &r, sizeof r, w->end) || r.offset != w->end + sizeof r ||
            r.bytes > size - r.offset || !digest_matches(w, &r))
            break;
        if (!push(w, r, e)) return false;
        w->end = r.offset + r.bytes;
    }
    if (ftruncate(w->fd, known ? (off_t)w->end : 0) || (!known && !write_all(w->fd, want, FIRST_RECORD, 0)))
        return fail(e, "%s: %s", w->path, strerror(errno));
    return w->ours = true;
}

struct work_file *work_file_open(const char *path, const char key[SHA256_HEX], bool keep, struct error *e)
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
    if (ok && scan(w, key, keep, e)) return w;
    work_file_close(w, false);
    return NULL;
}

void work_file_close(struct work_file *w, bool done)
{
    if (!w) return;
    if (w->ours && (done || !w->n)) unlink(w->path);
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
    struct sha256 digest;
    char hex[SHA256_HEX];
    bool ok = true;
    sha256_begin(&digest);
    for (size_t i = 0; ok && i < n; r.bytes += pieces[i++].bytes) {
        sha256_add(&digest, pieces[i].data, pieces[i].bytes);
        ok = write_all(w->fd, pieces[i].data, pieces[i].bytes, r.offset + r.bytes);
    }
    sha256_end(&digest, hex);
    memcpy(r.digest, hex, sizeof r.digest);
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
