/* file.c - model files on disk to one set of tables: mapped, joined from parts, or inflated.
 * SPDX-License-Identifier: MIT */
#include "loader/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "loader/inflate.h"

enum { SLICE = 16 << 20 /* bytes between two calls of progress */ };

struct model_part {
    char *path;
    void *map; /* the file as it lies on disk */
    size_t size;
    struct inflate *inflate; /* holds the GGUF's bytes where the file is compressed, else NULL */
    struct gguf *gguf;
    char *weights; /* the map's tensor data on huge pages, once settled there, or NULL */
    size_t n_weights;
};

/* ---- One part ---- */

static bool map_file(struct model_part *p, struct error *e)
{
    struct stat st;
    int fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not make us wait */
    if (fd < 0) return fail(e, "cannot open: %s", strerror(errno));
    bool ok = true;
    if (fstat(fd, &st)) ok = fail(e, "cannot stat: %s", strerror(errno));
    else if (S_ISDIR(st.st_mode)) ok = fail(e, "found a directory, expected a GGUF file");
    else if (!S_ISREG(st.st_mode)) ok = fail(e, "found a device or pipe, expected a GGUF file");
    else if (st.st_size == 0) ok = fail(e, "found an empty file, expected a GGUF file");
    else if ((uintmax_t)st.st_size > SIZE_MAX / 2) ok = fail(e, "found %jd bytes, expected fewer", (intmax_t)st.st_size);
    if (ok) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) ok = fail(e, "cannot map %jd bytes: %s", (intmax_t)st.st_size, strerror(errno));
        else p->map = map, p->size = (size_t)st.st_size;
    }
    close(fd);
    return ok;
}

/* The header of a compressed file needs only its first bytes, but how many shows only in reading them. */
static bool inflate_header(struct model_part *p, struct error *e)
{
    for (uint64_t want = 1 << 20;; want *= 2) {
        size_t n;
        bool more;
        if (!inflate_to(p->inflate, want, NULL, NULL, e)) return false;
        const void *bytes = inflate_bytes(p->inflate, &n);
        p->gguf = gguf_parse_start(bytes, n, &more, e);
        if (p->gguf) return true;
        if (!more || inflate_ended(p->inflate)) return false;
    }
}

static bool parse_part(struct model_part *p, const struct file_options *o, struct error *e)
{
    static const char lfs[] = "version https://git-lfs";
    if (p->size >= sizeof lfs && !memcmp(p->map, lfs, sizeof lfs - 1))
        return fail(e, "found a Git LFS pointer, expected the GGUF file itself (git lfs pull)");
    if (!inflate_recognises(p->map, p->size)) {
        p->gguf = gguf_parse(p->map, p->size, o->header_only ? GGUF_HEADER_ONLY : 0, e);
        return p->gguf;
    }
    p->inflate = inflate_new(p->map, p->size, o->max_inflated, e);
    if (!p->inflate) return false;
    if (o->header_only) return inflate_header(p, e);
    if (!inflate_to(p->inflate, UINT64_MAX, o->progress, o->progress_ctx, e)) return false;
    size_t n;
    const void *bytes = inflate_bytes(p->inflate, &n);
    p->gguf = gguf_parse(bytes, n, 0, e);
    munmap(p->map, p->size); /* all of it is inflated now */
    p->map = NULL;
    return p->gguf;
}

static bool open_part(struct model_part *p, const struct file_options *o, struct error *e)
{
    return (map_file(p, e) && parse_part(p, o, e)) || fail_in(e, p->path);
}

static void close_part(struct model_part *p)
{
    gguf_free(p->gguf);
    inflate_free(p->inflate);
    memory_huge_free(p->weights, p->n_weights);
    if (p->map) munmap(p->map, p->size);
    free(p->path);
}

/* ---- Split models: NAME-00002-of-00003.gguf ---- */

struct split_name {
    size_t stem;          /* bytes before "-00002-of-00003" */
    unsigned no, count;   /* as the name says: no from 1 */
    const char *suffix;   /* ".gguf" or ".gguf.zst" */
};

static bool five_digits(const char *s, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 5; i++) {
        if (s[i] < '0' || s[i] > '9') return false;
        *out = *out * 10 + (unsigned)(s[i] - '0');
    }
    return true;
}

static bool parse_split_name(const char *path, struct split_name *s)
{
    enum { TAIL = sizeof "-00001-of-00001" - 1 };
    const char *base = strrchr(path, '/');
    const char *suffix = strstr(base ? base : path, ".gguf");
    for (; suffix; suffix = strstr(suffix + 1, ".gguf"))
        if (!strcmp(suffix, ".gguf") || !strcmp(suffix, ".gguf.zst")) break;
    if (!suffix || suffix - path < TAIL) return false;
    const char *tail = suffix - TAIL;
    if (tail[0] != '-' || memcmp(tail + 6, "-of-", 4) || !five_digits(tail + 1, &s->no) || !five_digits(tail + 10, &s->count))
        return false;
    s->stem = (size_t)(tail - path);
    s->suffix = suffix;
    return s->no >= 1 && s->no <= s->count;
}

static char *split_path(const char *path, const struct split_name *s, unsigned no)
{
    size_t size = strlen(path) + 1; /* the numbers have as many digits as before */
    char *out = malloc(size);
    if (out) snprintf(out, size, "%.*s-%05u-of-%05u%s", (int)s->stem, path, no, s->count, s->suffix);
    return out;
}

/* 0 where the key is absent. */
static bool split_value(const struct gguf *g, const char *key, uint32_t *out, struct error *e)
{
    *out = 0;
    return gguf_get_u32(g, key, out, e) != GGUF_WRONG;
}

/* Checks that a part is the one that its name says, of a model with `tensors` tensors in all. */
static bool check_part(const struct model_part *p, const struct split_name *name, unsigned no, uint32_t tensors,
                       struct error *e)
{
    uint32_t count, index, total;
    if (!split_value(p->gguf, "split.count", &count, e) || !split_value(p->gguf, "split.no", &index, e) ||
        !split_value(p->gguf, "split.tensors.count", &total, e))
        return fail_in(e, p->path);
    if (count != name->count)
        return fail(e, "%s: metadata 'split.count': found %" PRIu32 ", expected %u as in the file's name", p->path, count,
                    name->count);
    if (index != no - 1)
        return fail(e, "%s: metadata 'split.no': found %" PRIu32 " (part %" PRIu64 "), expected %u as in the file's name",
                    p->path, index, (uint64_t)index + 1, no - 1);
    if (total != tensors)
        return fail(e,
                    "%s: metadata 'split.tensors.count': found %" PRIu32 ", expected %" PRIu32
                    " as in the first part: these are "
                    "parts of different models",
                    p->path, total, tensors);
    return true;
}

/* parts[0] is open already, whichever part it is; opens the others and puts all in order. */
static bool open_siblings(struct model_file *f, const struct split_name *name, const struct file_options *o, struct error *e)
{
    struct model_part *parts = calloc(name->count, sizeof *parts);
    if (!parts) return fail(e, "%s: found %u parts, expected few enough for this machine's memory", f->path, name->count);
    parts[name->no - 1] = f->parts[0];
    free(f->parts);
    f->parts = parts;
    f->n_parts = name->count;

    uint32_t tensors = 0;
    uint64_t found = 0;
    for (unsigned no = 1; no <= name->count; no++) {
        struct model_part *p = &parts[no - 1];
        if (no != name->no) {
            p->path = split_path(f->path, name, no);
            if (!p->path) return fail(e, "%s: found no memory left, expected some", f->path);
            struct error why;
            if (!open_part(p, o, &why))
                return fail(e, "%s (part %u of %u of a split model, all of which are needed)", why.text, no, name->count);
        }
        if (no == 1 && !split_value(p->gguf, "split.tensors.count", &tensors, e)) return fail_in(e, p->path);
        if (!check_part(p, name, no, tensors, e)) return false;
        found += p->gguf->n_tensors;
    }
    if (found != tensors)
        return fail(e, "%s: split.tensors.count: found %" PRIu64 " tensors in all parts, expected %" PRIu32, parts[0].path,
                    found, tensors);
    struct gguf **rest = calloc(name->count, sizeof(struct gguf *));
    if (!rest) return fail(e, "%s: found no memory left, expected some", f->path);
    for (unsigned i = 1; i < name->count; i++) rest[i - 1] = parts[i].gguf;
    bool ok = gguf_join(parts[0].gguf, rest, name->count - 1, e) || fail_in(e, parts[0].path);
    free(rest);
    return ok;
}

static bool open_parts(struct model_file *f, const struct file_options *o, struct error *e)
{
    struct split_name name;
    uint32_t count;
    if (!open_part(&f->parts[0], o, e)) return false;
    bool named = parse_split_name(f->path, &name);
    if (!split_value(f->parts[0].gguf, "split.count", &count, e)) return fail_in(e, f->path);
    if (count > 1 && !named)
        return fail(e,
                    "%s: found one of %" PRIu32
                    " parts of a split model under a name that does not lead to the others, expected "
                    "NAME-00001-of-%05" PRIu32 ".gguf",
                    f->path, count, count);
    if (!named || (name.count == 1 && count <= 1)) return true;
    return open_siblings(f, &name, o, e);
}

/* ---- The model ---- */

/* Bytes of a mapped part that a model can use: a file may be longer, by a hole of any size. */
static size_t used(const struct model_part *p)
{
    uint64_t end = p->gguf->data_offset + p->gguf->data_bytes;
    return !p->map ? 0 : end < p->size ? (size_t)end : p->size;
}

/* A byte a page is enough, and its value is of no interest. */
static void touch(const char *bytes, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    volatile char sink;
    for (size_t at = 0; at < n; at += page) sink = bytes[at];
    (void)sink;
}

/* Copies a slice of the map at `at`, what of it are weights, and lets go of its pages. */
static void move(struct model_part *p, size_t at, size_t n)
{
    size_t from = at < p->gguf->data_offset ? (size_t)p->gguf->data_offset : at;
    if (from >= at + n) return;
    memcpy(p->weights + (from - p->gguf->data_offset), (char *)p->map + from, at + n - from);
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (from + page - 1) / page * page;
    if (whole < at + n) madvise((char *)p->map + whole, at + n - whole, MADV_DONTNEED);
}

/* Points the tensors of a part whose weights have moved at their new place. */
static void follow(const struct model_file *f, const struct model_part *p)
{
    uintptr_t old = (uintptr_t)p->map + p->gguf->data_offset;
    for (size_t i = 0; i < f->gguf->n_tensors; i++) {
        struct tensor *t = &f->gguf->tensors[i];
        uintptr_t at = (uintptr_t)t->data;
        if (at >= old && at - old < p->n_weights) t->data = p->weights + (at - old);
    }
}

void model_file_settle(struct model_file *f, void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx)
{
    uint64_t total = 0, done = 0;
    for (size_t i = 0; i < f->n_parts; i++) total += used(&f->parts[i]);
    bool ample = total < memory_available() / 4 * 3;
    for (size_t i = 0; i < f->n_parts; i++) {
        struct model_part *p = &f->parts[i];
        size_t size = used(p);
        if (size <= p->gguf->data_offset || p->weights) continue;
        p->n_weights = size - (size_t)p->gguf->data_offset;
        p->weights = ample ? memory_huge(p->n_weights) : NULL;
        for (size_t at = 0; at < size; at += SLICE) {
            size_t n = size - at < SLICE ? size - at : SLICE;
            posix_madvise((char *)p->map + at, n, POSIX_MADV_WILLNEED);
            if (progress) progress(ctx, done + at, total);
            if (p->weights) move(p, at, n);
            else touch((char *)p->map + at, n);
        }
        if (p->weights) follow(f, p);
        done += size;
    }
    if (progress && total) progress(ctx, total, total);
}

struct model_file *model_file_open(const char *path, const struct file_options *o, struct error *e)
{
    static const struct file_options defaults;
    if (!o) o = &defaults;
    struct model_file *f = calloc(1, sizeof *f);
    if (f) {
        f->n_parts = 1;
        f->path = strdup(path);
        f->parts = calloc(1, sizeof *f->parts);
        if (f->parts) f->parts[0].path = strdup(path);
    }
    if (!f || !f->path || !f->parts || !f->parts[0].path) {
        fail(e, "%s: found no memory left, expected some", path);
        model_file_close(f);
        return NULL;
    }
    if (!open_parts(f, o, e)) {
        model_file_close(f);
        return NULL;
    }
    f->gguf = f->parts[0].gguf;
    for (size_t i = 0; i < f->n_parts; i++) {
        const struct model_part *p = &f->parts[i];
        uint64_t whole = p->gguf->data_bytes ? p->gguf->data_offset + p->gguf->data_bytes : 0;
        f->bytes += p->size;
        if (!p->inflate && whole > p->size) f->missing += whole - p->size;
    }
    return f;
}

void model_file_close(struct model_file *f)
{
    if (!f) return;
    for (size_t i = 0; f->parts && i < f->n_parts; i++) close_part(&f->parts[i]);
    free(f->parts);
    free(f->path);
    free(f);
}

bool file_is(const char *a, const char *b)
{
    struct stat sa, sb;
    return !stat(a, &sa) && !stat(b, &sb) && S_ISREG(sa.st_mode) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

bool model_file_is_part(const struct model_file *f, const char *path)
{
    for (size_t i = 0; i < f->n_parts; i++)
        if (file_is(f->parts[i].path, path)) return true;
    return false;
}

/* ---- Whole small files ---- */

static char *read_all(int fd, size_t max, size_t *size, struct error *e)
{
    size_t cap = 4096, n = 0;
    char *out = malloc(cap + 1);
    while (out) {
        ssize_t got = read(fd, out + n, cap - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            fail(e, "cannot read: %s", strerror(errno));
            break;
        }
        n += (size_t)got;
        if (n > max) {
            fail(e, "found more than %zu bytes, expected at most that", max);
            break;
        }
        if (got == 0) {
            out[n] = 0;
            *size = n;
            return out;
        }
        if (n < cap) continue;
        cap *= 2;
        char *larger = realloc(out, cap + 1);
        if (!larger) free(out);
        out = larger;
    }
    if (!out) fail(e, "found no memory left, expected some");
    free(out);
    return NULL;
}

char *file_read(const char *path, size_t max, size_t *size, struct error *e)
{
    bool standard = !strcmp(path, "-");
    struct stat st;
    char *out = NULL;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail(e, "cannot open: %s", strerror(errno));
    else if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) fail(e, "found a directory, expected a file");
    else out = read_all(fd, max, size, e);
    if (fd >= 0 && !standard) close(fd);
    if (!out) fail_in(e, standard ? "stdin" : path);
    return out;
}
