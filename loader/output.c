/* output.c - files that appear whole or not at all.
 *
 * The paths of unfinished files stand in a fixed table of plain bytes, so that a signal handler can unlink them: no lock, no
 * allocation, and nothing that a call in progress could have left half changed.
 * SPDX-License-Identifier: MIT */
#include "loader/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_OUTPUTS = 16, FREE = 0, TAKEN, LIVE };

static struct unfinished {
    atomic_int state;
    atomic_int pid; /* a forked child must not remove its parent's files */
    char path[PATH_MAX];
} unfinished[MAX_OUTPUTS];

struct file_output {
    FILE *f;
    char path[PATH_MAX];        /* the final place */
    struct unfinished *partial; /* NULL: written in place, since a device or pipe can't be replaced */
};

static void forget(struct file_output *o)
{
    if (o->partial) atomic_store(&o->partial->state, FREE);
    free(o);
}

/* Takes a slot and writes the partial file's path into it; the file itself does not exist yet. */
static bool take_slot(struct file_output *o, struct error *e)
{
    for (int i = 0; i < MAX_OUTPUTS; i++) {
        int expected = FREE;
        if (!atomic_compare_exchange_strong(&unfinished[i].state, &expected, TAKEN)) continue;
        struct unfinished *u = &unfinished[i];
        int n = snprintf(u->path, sizeof u->path, "%s.partial-%ld", o->path, (long)getpid());
        if (n < 0 || (size_t)n >= sizeof u->path) {
            atomic_store(&u->state, FREE);
            return fail(e, "found a path of %zu bytes, expected a shorter one", strlen(o->path));
        }
        for (int k = 0; k < MAX_OUTPUTS; k++) {
            if (k == i || atomic_load(&unfinished[k].state) != LIVE || strcmp(unfinished[k].path, u->path)) continue;
            atomic_store(&u->state, FREE);
            return fail(e, "found it being written already, expected one output of that name");
        }
        atomic_store(&u->pid, (int)getpid());
        o->partial = u;
        return true;
    }
    return fail(e, "found %d unfinished outputs, expected fewer", MAX_OUTPUTS);
}

/* A partial file in the way is of a process that had the same id and was killed. */
static int create(const char *path)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(path, flags, 0666);
    if (fd >= 0 || errno != EEXIST || unlink(path)) return fd;
    return open(path, flags, 0666);
}

static int open_beside(struct file_output *o, const struct stat *old, struct error *e)
{
    if (!take_slot(o, e)) return -1;
    atomic_store(&o->partial->state, LIVE);
    int fd = create(o->partial->path);
    if (fd < 0) fail(e, "cannot create a file beside it: %s", strerror(errno));
    else if (old) (void)!fchmod(fd, old->st_mode & 0777); /* as the old file's; a file system without modes is fine */
    return fd;
}

struct file_output *file_output_open(const char *path, struct error *e)
{
    struct stat st;
    struct file_output *o = calloc(1, sizeof *o);
    if (!o) {
        fail(e, "%s: found no memory left, expected some", path);
        return NULL;
    }
    int fd = -1;
    bool exists = stat(path, &st) == 0;
    if (strlen(path) >= sizeof o->path) {
        fail(e, "found a path of %zu bytes, expected fewer than %zu", strlen(path), sizeof o->path);
    } else if (exists && S_ISDIR(st.st_mode)) {
        fail(e, "found a directory, expected a file to write");
    } else if (exists && !S_ISREG(st.st_mode)) {
        strcpy(o->path, path);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0) fail(e, "cannot open for writing: %s", strerror(errno));
    } else if (exists && access(path, W_OK)) {
        fail(e, "cannot write: %s", strerror(errno));
    } else if (exists && !realpath(path, o->path)) { /* a link stays, its target is replaced */
        fail(e, "cannot resolve the path: %s", strerror(errno));
    } else {
        if (!exists) strcpy(o->path, path);
        fd = open_beside(o, exists ? &st : NULL, e);
    }
    if (fd >= 0) o->f = fdopen(fd, "wb");
    if (fd >= 0 && !o->f) {
        fail(e, "cannot open for writing: %s", strerror(errno));
        close(fd);
        if (o->partial) unlink(o->partial->path);
    }
    if (o->f) return o;
    forget(o);
    fail_in(e, path);
    return NULL;
}

FILE *file_output_stream(struct file_output *o) { return o->f; }

void file_output_discard(struct file_output *o)
{
    if (o->partial) unlink(o->partial->path);
    fclose(o->f);
    forget(o);
}

bool file_output_commit(struct file_output *o, struct error *e)
{
    errno = 0;
    bool ok = !fflush(o->f) && !ferror(o->f);
    if (ok && o->partial) ok = !fsync(fileno(o->f));
    int why = errno; /* 0: an earlier write failed, and its reason is lost */
    if (fclose(o->f) && ok) ok = false, why = errno;
    if (!ok) fail(e, "cannot write: %s", why ? strerror(why) : "some of it was not taken; is the disk full?");
    if (ok && o->partial && rename(o->partial->path, o->path)) ok = fail(e, "cannot rename to it: %s", strerror(errno));
    if (!ok) {
        fail_in(e, o->path);
        if (o->partial) unlink(o->partial->path);
    }
    forget(o);
    return ok;
}

void file_output_cleanup(void)
{
    int pid = (int)getpid();
    for (int i = 0; i < MAX_OUTPUTS; i++)
        if (atomic_load(&unfinished[i].state) == LIVE && atomic_load(&unfinished[i].pid) == pid) unlink(unfinished[i].path);
}
