/* file.c - model files on disk: whole, split, compressed and broken ones; and outputs that appear whole or not at all.
 * SPDX-License-Identifier: MIT */
#include "loader/file.h"
#include "loader/inflate.h"
#include "tests/specimen.h"
#include "tests/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[256];

/* A path in the test's own folder; four may be in use at a time. */
static const char *at(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *p = paths[next++ % 4];
    snprintf(p, sizeof paths[0], "%s/%s", folder, name);
    return p;
}

static bool store(const char *name, const void *data, size_t size)
{
    FILE *f = fopen(at(name), "wb");
    if (!f) return false;
    bool ok = fwrite(data, 1, size, f) == size;
    return fclose(f) == 0 && ok;
}

static size_t files_in_folder(void)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && (entry = readdir(d));) n += entry->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

static void empty_folder(void)
{
    char path[600];
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(path)) rmdir(path);
    }
    if (d) closedir(d);
}

static struct model_file *open_model(const char *name, const struct file_options *o, struct error *e)
{
    strcpy(e->text, "opened");
    return model_file_open(at(name), o, e);
}

static void refuses(const char *what, const char *name, const char *expected)
{
    struct error e;
    char line[128];
    struct model_file *f = open_model(name, NULL, &e);
    snprintf(line, sizeof line, "refuses %s", what);
    TEST(line, !f && strstr(e.text, expected) && strstr(e.text, folder), "found '%s', expected '%s'", e.text, expected);
    model_file_close(f);
}

static void opens(const char *what, const char *name, const struct file_options *o)
{
    struct error e;
    char line[128];
    struct model_file *f = open_model(name, o, &e);
    snprintf(line, sizeof line, "opens %s", what);
    TEST(line, f && specimen_tensors_equal(f->gguf) && gguf_find(f->gguf, "llama.block_count"), "%s", e.text);
    model_file_close(f);
}

/* ---- Single files ---- */

struct seen {
    uint64_t calls, last, total;
    bool backwards;
};

static void progress(void *ctx, uint64_t done, uint64_t total)
{
    struct seen *s = ctx;
    s->backwards |= done < s->last || done > total;
    s->calls++;
    s->last = done;
    s->total = total;
}

static void single(const unsigned char *data, size_t size)
{
    struct error e;
    struct seen seen = {0, 0, 0, false};
    store("whole.gguf", data, size);
    opens("a file", "whole.gguf", NULL);
    struct model_file *whole = open_model("whole.gguf", NULL, &e);
    if (whole) model_file_settle(whole, progress, &seen);
    model_file_close(whole);
    TEST("progress of reading in ends at the file's size, less what pads its end",
         seen.calls && seen.last == seen.total && seen.total <= size && size - seen.total < 32 && !seen.backwards,
         "%llu of %llu", (unsigned long long)seen.last, (unsigned long long)seen.total);

    store("cut.gguf", data, size - 100);
    refuses("a cut file", "cut.gguf", "cut.gguf: tensor data: found ");
    struct model_file *f = open_model("cut.gguf", &(struct file_options){.header_only = true}, &e);
    TEST("header only opens a cut file and says what is missing",
         f && f->bytes == size - 100 && f->missing > 68 && f->missing <= 100 && !f->gguf->tensors[0].data, "%s", e.text);
    model_file_close(f);

    store("empty.gguf", "", 0);
    refuses("an empty file", "empty.gguf", "empty.gguf: found an empty file, expected a GGUF file");
    mkdir(at("folder.gguf"), 0777);
    refuses("a directory", "folder.gguf", "folder.gguf: found a directory, expected a GGUF file");
    refuses("a missing file", "missing.gguf", "missing.gguf: cannot open: No such file or directory");
    mkfifo(at("pipe.gguf"), 0666);
    refuses("a pipe without waiting for it", "pipe.gguf", "pipe.gguf: found a device or pipe, expected a GGUF file");
    store("text.gguf", "hello, I am no model\n", 21);
    refuses("another kind of file", "text.gguf", "text.gguf: header: found bytes 68 65 6c 6c, expected \"GGUF\"");
    static const char lfs[] = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    store("lfs.gguf", lfs, sizeof lfs - 1);
    refuses("a Git LFS pointer", "lfs.gguf", "found a Git LFS pointer");

    store("secret.gguf", data, size);
    chmod(at("secret.gguf"), 0);
    chmod(folder, 0755);
    bool root = geteuid() == 0;
    if (root && seteuid(65534)) {
        SKIP("refuses an unreadable file", "cannot lay root's rights down");
    } else {
        refuses("an unreadable file", "secret.gguf", "secret.gguf: cannot open: Permission denied");
        if (root && seteuid(0)) abort();
    }
    empty_folder();
}

/* ---- Split files ---- */

/* Tensors [from, to) as part `part` of `parts` under the given name. */
static bool store_part(const char *name, size_t from, size_t to, unsigned part, unsigned parts)
{
    struct error e = {""};
    FILE *f = fopen(at(name), "wb");
    bool ok = f && specimen_write(f, 0, from, to, part, parts, &e);
    if (!ok) printf("# %s: %s\n", name, e.text);
    return f && fclose(f) == 0 && ok;
}

static void store_parts(void)
{
    store_part("m-00001-of-00003.gguf", 0, 0, 1, 3); /* the first part may hold metadata alone */
    store_part("m-00002-of-00003.gguf", 0, 5, 2, 3);
    store_part("m-00003-of-00003.gguf", 5, SPECIMEN_TENSORS, 3, 3);
}

static void split(const unsigned char *data, size_t size)
{
    struct error e;
    store_parts();
    opens("a split model by its first part", "m-00001-of-00003.gguf", NULL);
    opens("a split model by its last part", "m-00003-of-00003.gguf", NULL);
    struct model_file *f = open_model("m-00002-of-00003.gguf", &(struct file_options){.header_only = true}, &e);
    TEST("header only joins a split model",
         f && f->n_parts == 3 && f->gguf->n_tensors == SPECIMEN_TENSORS && !f->missing &&
             !strcmp(f->gguf->tensors[5].name, "positions"),
         "%s", e.text);
    model_file_close(f);

    unlink(at("m-00002-of-00003.gguf"));
    refuses("a split model without one part", "m-00003-of-00003.gguf",
            "m-00002-of-00003.gguf: cannot open: No such file or directory (part 2 of 3 of a split model, all of which are "
            "needed)");
    store_part("m-00002-of-00003.gguf", 0, 5, 3, 3);
    refuses("a part under another's name", "m-00001-of-00003.gguf",
            "m-00002-of-00003.gguf: metadata 'split.no': found 2 (part 3), expected 1 as in the file's name");
    store_part("m-00002-of-00003.gguf", 0, 5, 2, 4);
    refuses("a part of another split", "m-00001-of-00003.gguf",
            "metadata 'split.count': found 4, expected 3 as in the file's name");
    store_part("m-00002-of-00003.gguf", 0, 6, 2, 3);
    refuses("parts with too many tensors", "m-00001-of-00003.gguf", "found 9 tensors in all parts, expected 8");
    store_part("m-00002-of-00003.gguf", 1, 6, 2, 3);
    refuses("parts that share a tensor", "m-00001-of-00003.gguf", "tensor 'positions': found twice, expected once");
    store("m-00002-of-00003.gguf", data, size);
    refuses("a whole model as a part", "m-00001-of-00003.gguf", "metadata 'split.count': found 0, expected 3");
    store_part("part.gguf", 0, 5, 2, 3);
    refuses("a part under a name of its own", "part.gguf", "part.gguf: found one of 3 parts of a split model under a name");
    store("m-00001-of-00001.gguf", data, size);
    opens("a whole model that is named as the only part", "m-00001-of-00001.gguf", NULL);
    empty_folder();
}

/* ---- Compressed files ---- */

/* By the zstd program, so that the library is not tested against itself alone. */
static bool compress(const char *name, const char *options)
{
    char command[1200];
    snprintf(command, sizeof command, "zstd -q -f %s '%s' -o '%s.zst' 2>/dev/null", options, at(name), at(name));
    return system(command) == 0;
}

static void compressed(const unsigned char *data, size_t size)
{
    struct error e;
    size_t n;
    store("m.gguf", data, size);
    if (!inflate_version()) {
        store("m.gguf.zst", "\x28\xb5\x2f\xfd....", 8);
        refuses("zstd, in a build without it", "m.gguf.zst",
                "m.gguf.zst: found a zstd file, expected GGUF: this build has no libzstd");
        empty_folder();
        return;
    }
    if (!compress("m.gguf", "--check")) {
        SKIP("opens a compressed model", "no zstd program");
        empty_folder();
        return;
    }
    struct seen seen = {0, 0, 0, false};
    opens("a compressed model", "m.gguf.zst", &(struct file_options){.progress = progress, .progress_ctx = &seen});
    TEST("progress of inflating ends at the file's size", seen.calls && seen.last == seen.total && !seen.backwards,
         "%llu of %llu", (unsigned long long)seen.last, (unsigned long long)seen.total);
    struct model_file *f = open_model("m.gguf.zst", &(struct file_options){.header_only = true}, &e);
    TEST("header only opens a compressed model", f && f->gguf->n_tensors == SPECIMEN_TENSORS && !f->gguf->tensors[0].data, "%s",
         e.text);
    model_file_close(f);
    opens("a compressed model of just the limit", "m.gguf.zst", &(struct file_options){.max_inflated = size});
    f = open_model("m.gguf.zst", &(struct file_options){.max_inflated = size - 1}, &e);
    TEST("refuses to inflate beyond the limit",
         !f && strstr(e.text, "m.gguf.zst: found more than") && strstr(e.text, "when inflated"), "found '%s'", e.text);
    model_file_close(f);

    char *bytes = file_read(at("m.gguf.zst"), 1 << 20, &n, &e);
    char *both = malloc(2 * n + 1);
    memcpy(both, bytes, n), memcpy(both + n, bytes, n);
    store("cut.gguf.zst", bytes, n - 5);
    refuses("a cut compressed model", "cut.gguf.zst", "the file is cut short");
    memset(both, 0x55, n / 2), memcpy(both, bytes, 8);
    store("damaged.gguf.zst", both, n);
    refuses("a damaged compressed model", "damaged.gguf.zst", "damaged.gguf.zst: zstd byte");
    free(both);
    free(bytes);

    /* two frames, neither of which says how large it is: the sizes must come out of the stream */
    char command[2048];
    snprintf(command, sizeof command,
             "cd '%s' && (head -c 3000 m.gguf | zstd -q; tail -c +3001 m.gguf | zstd -q) > frames.gguf.zst", folder);
    if (system(command))
        SKIP("opens two zstd frames", "no head or tail");
    else
        opens("two zstd frames of unknown size", "frames.gguf.zst", NULL);
    f = open_model("frames.gguf.zst", &(struct file_options){.max_inflated = size - 1}, &e);
    TEST("refuses a stream of unknown size at the limit", !f && strstr(e.text, "when inflated"), "found '%s'", e.text);
    model_file_close(f);
    /* 64 MiB of zeros in a few KiB: refused without inflating them all, since they are no GGUF header */
    snprintf(command, sizeof command, "cd '%s' && (head -c 4 m.gguf; head -c 67108864 /dev/zero) | zstd -q > bomb.gguf.zst",
             folder);
    if (system(command))
        SKIP("refuses a bomb", "no head");
    else {
        f = open_model("bomb.gguf.zst", &(struct file_options){.header_only = true, .max_inflated = 4 << 20}, &e);
        TEST("header only of a bomb stops at its first wrong bytes", !f && strstr(e.text, "header: found GGUF version 0"),
             "found '%s'", e.text);
        model_file_close(f);
    }

    store_parts();
    bool ok =
        compress("m-00001-of-00003.gguf", "") && compress("m-00002-of-00003.gguf", "") && compress("m-00003-of-00003.gguf", "");
    if (ok) opens("a split model whose parts are compressed", "m-00002-of-00003.gguf.zst", NULL);
    empty_folder();
}

/* ---- Whole small files ---- */

static void reading(void)
{
    struct error e = {""};
    size_t n = 0;
    char *large = malloc(100000);
    memset(large, 'x', 100000);
    store("text", large, 100000);
    char *s = file_read(at("text"), 100000, &n, &e);
    TEST("reads a whole file", s && n == 100000 && strlen(s) == n, "%s", e.text);
    free(s);
    s = file_read(at("text"), 99999, &n, &e);
    TEST("refuses a larger file than asked for", !s && strstr(e.text, "text: found more than 99999 bytes"), "%s", e.text);
    free(s);
    s = file_read(folder, 100, &n, &e);
    TEST("refuses to read a directory", !s && strstr(e.text, "found a directory, expected a file"), "%s", e.text);
    free(s);
    s = file_read(at("none"), 100, &n, &e);
    TEST("says what file is missing", !s && strstr(e.text, "none: cannot open: No such file"), "%s", e.text);
    free(s);
    store("text", "", 0);
    s = file_read(at("text"), 0, &n, &e);
    TEST("reads an empty file", s && n == 0 && !*s, "%s", e.text);
    free(s);
    store("text", "from stdin", 10);
    int saved = dup(0), fd = open(at("text"), O_RDONLY);
    dup2(fd, 0);
    s = file_read("-", 100, &n, &e);
    dup2(saved, 0);
    close(fd), close(saved);
    TEST("reads stdin", s && !strcmp(s, "from stdin"), "%s", e.text);
    free(s);
    free(large);
    empty_folder();
}

/* ---- Output ---- */

static bool holds(const char *name, const char *text)
{
    struct error e;
    size_t n;
    char *s = file_read(at(name), 1000, &n, &e);
    bool same = s && !strcmp(s, text);
    free(s);
    return same;
}

/* Writes more than the limit on file sizes allows, and reports what commit says. */
static void full_disk(void)
{
    struct error e = {""};
    struct rlimit old, tiny;
    char block[4096] = "";
    store("out", "old", 3);
    getrlimit(RLIMIT_FSIZE, &old);
    tiny = old;
    tiny.rlim_cur = 10000;
    signal(SIGXFSZ, SIG_IGN);
    struct file_output *o = file_output_open(at("out"), &e);
    setrlimit(RLIMIT_FSIZE, &tiny);
    for (int i = 0; o && i < 10; i++) fwrite(block, 1, sizeof block, file_output_stream(o));
    bool ok = o && file_output_commit(o, &e);
    setrlimit(RLIMIT_FSIZE, &old);
    TEST("a file that can't be written whole is reported", !ok && strstr(e.text, "out: cannot write: "), "found '%s'", e.text);
    TEST("... and leaves the old one and nothing else", holds("out", "old") && files_in_folder() == 1, "%zu files",
         files_in_folder());

    o = access("/dev/full", W_OK) ? NULL : file_output_open("/dev/full", &e);
    if (!o) {
        SKIP("a full device is reported", "no /dev/full here");
        return;
    }
    fputs("x", file_output_stream(o));
    ok = file_output_commit(o, &e);
    struct stat st;
    TEST("a full device is reported and stays a device",
         !ok && !strcmp(e.text, "/dev/full: cannot write: No space left on device") && !stat("/dev/full", &st) &&
             S_ISCHR(st.st_mode),
         "found '%s'", e.text);
}

static void output(void)
{
    struct error e = {""};
    struct stat st;
    struct file_output *o = file_output_open(at("out"), &e);
    if (o) fputs("new", file_output_stream(o));
    TEST("nothing stands at the path before commit", o && access(at("out"), F_OK) && files_in_folder() == 1, "%s", e.text);
    TEST("commit puts it there", o && file_output_commit(o, &e) && holds("out", "new") && files_in_folder() == 1, "%s", e.text);

    o = file_output_open(at("out"), &e);
    if (o) fputs("newer", file_output_stream(o)), file_output_discard(o);
    TEST("discard leaves the old file", o && holds("out", "new") && files_in_folder() == 1, "%s", e.text);

    chmod(at("out"), 0600);
    (void)!symlink("out", at("link"));
    o = file_output_open(at("link"), &e);
    if (o) fputs("by link", file_output_stream(o));
    bool ok = o && file_output_commit(o, &e);
    TEST("a link stays, its target is replaced with the same mode",
         ok && holds("out", "by link") && !lstat(at("link"), &st) && S_ISLNK(st.st_mode) && !stat(at("out"), &st) &&
             (st.st_mode & 0777) == 0600,
         "%s", e.text);

    o = file_output_open(at("out"), &e);
    struct file_output *again = file_output_open(at("out"), &e);
    TEST("one path is not written twice at once", o && !again && strstr(e.text, "out: found it being written already"), "%s",
         e.text);
    file_output_discard(o);
    TEST("refuses a directory as output",
         !file_output_open(folder, &e) && strstr(e.text, "found a directory, expected a file to write"), "%s", e.text);
    TEST("refuses a missing folder", !file_output_open(at("no/out"), &e) && strstr(e.text, "cannot create a file beside it"), "%s", e.text);

    /* A killed process with unfinished outputs: its signal handler cleans up; a child of it must not. */
    o = file_output_open(at("other"), &e);
    pid_t child = fork();
    if (child == 0) {
        file_output_cleanup();
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    TEST("a child's cleanup leaves its parent's output", o && files_in_folder() == 3, "%zu files", files_in_folder());
    file_output_cleanup();
    TEST("cleanup removes unfinished outputs", files_in_folder() == 2, "%zu files", files_in_folder());
    ok = file_output_commit(o, &e);
    TEST("commit after cleanup fails", !ok && access(at("other"), F_OK), "%s", e.text);
    empty_folder();
    full_disk();
    empty_folder();
}

int main(void)
{
    size_t size;
    unsigned char *data = specimen(0, &size);
    if (!data || !test_folder(folder, sizeof folder)) {
        TEST("makes a folder and a specimen", false, "%s", strerror(errno));
        TEST_MAIN_END();
    }
    single(data, size);
    split(data, size);
    compressed(data, size);
    reading();
    output();
    TEST("leaves nothing behind", !rmdir(folder), "%s: %s", folder, strerror(errno));
    free(data);
    TEST_MAIN_END();
}
