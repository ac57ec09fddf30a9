/* laws_run.c - the whole of `hartree laws text` and `laws image`.
 * SPDX-License-Identifier: MIT */
#include "engine/laws/journal.h"
#include "engine/laws/laws.h"
#include "engine/meter/meter.h"
#include "loader/file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWERS "answers.tsv"

bool laws_path(char path[PATH_MAX], const char *dir, const char *name, struct error *e)
{
    if ((size_t)snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX) return true;
    return fail(e, "%s: found a path too long, expected fewer than %d bytes", name, PATH_MAX);
}

bool laws_folder(const char *dir, struct error *e)
{
    struct stat st;
    if (!mkdir(dir, 0777) || (errno == EEXIST && !stat(dir, &st) && S_ISDIR(st.st_mode))) return true;
    return fail(e, "%s: cannot make the folder: %s", dir, strerror(errno));
}

/* The SHA-256 of a file of predictions; false: it can't be read, or is too long for these. */
static bool hash_predictions(const struct sweep *s, const char *path, char found[SHA256_HEX], struct error *e)
{
    struct sha256 h;
    size_t size;
    char *text = file_read(path, s->predictions_size + 1, &size, e);
    if (!text) return false;
    sha256_begin(&h);
    sha256_add(&h, text, size);
    sha256_end(&h, found);
    free(text);
    return true;
}

/* The predictions are written before the first window, and left alone from then on. */
static bool freeze(const struct sweep *s, const char *dir, struct error *e)
{
    char path[PATH_MAX], found[SHA256_HEX];
    if (!laws_path(path, dir, "predictions.json", e)) return false;
    if (access(path, F_OK)) return laws_write_predictions(s, dir, e);
    bool known = hash_predictions(s, path, found, e);
    if (known && !strcmp(found, s->sha256)) return true;
    if (!s->n_windows) return laws_write_predictions(s, dir, e);
    return known &&
           fail(e, "%s: found sha256 %.12s..., expected %.12s... that the windows were measured under", path, found, s->sha256);
}

bool laws_fits(const struct sweep *s, const char *dir, struct error *e)
{
    char journal[PATH_MAX];
    return laws_path(journal, dir, "points.jsonl", e) && journal_fits(journal, s, e);
}

bool laws_freeze(const struct sweep *s, const char *dir, struct error *e)
{
    char journal[PATH_MAX];
    if (!laws_folder(dir, e) || !laws_path(journal, dir, "points.jsonl", e)) return false;
    return !access(journal, F_OK) || freeze(s, dir, e);
}

static bool join_all(struct sweep *s, const struct laws_options *o, struct error *e)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < o->n_join; i++)
        if (!laws_path(path, o->join[i], "points.jsonl", e) || !journal_join(path, s, e)) return false;
    return !o->dir || (laws_folder(o->dir, e) && freeze(s, o->dir, e));
}

bool laws_forget(const char *dir, struct error *e)
{
    static const char *const files[] = {"points.jsonl", ANSWERS};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!laws_path(path, dir, files[i], e)) return false;
        if (unlink(path) && errno != ENOENT) return fail(e, "%s: cannot remove: %s", path, strerror(errno));
    }
    return true;
}

static struct journal *begin_journal(struct sweep *s, const struct laws_options *o, struct error *e)
{
    char path[PATH_MAX];
    if (!laws_folder(o->dir, e) || (o->restart && !laws_forget(o->dir, e)) || !laws_path(path, o->dir, "points.jsonl", e))
        return NULL;
    struct journal *j = journal_open(path, s, e);
    if (!j || freeze(s, o->dir, e)) return j;
    journal_close(j);
    return NULL;
}

static bool measure_missing(struct sweep *s, const struct sweep_hooks *hooks, const struct laws_options *o, struct error *e)
{
    double seconds;
    size_t missing = sweep_missing(s, &seconds);
    if (hooks->say && missing)
        hooks->say("predictions frozen, sha256 %s; %zu window%s to measure, about %.0f s", s->sha256, missing,
                   missing == 1 ? "" : "s", seconds + 2 * s->options.window_s);
    else if (hooks->say)
        hooks->say("predictions sha256 %s; all windows are measured", s->sha256);
    bool ok = sweep_measure(s, hooks, e);
    if (!ok && o->dir && hooks->interrupted && *hooks->interrupted) {
        size_t left = sweep_missing(s, &seconds);
        return fail(e, "interrupted with %zu window%s to go, about %.0f s; the same command%s goes on from here", left,
                    left == 1 ? "" : "s", seconds, o->restart ? " without --restart" : "");
    }
    return ok;
}

/* Paths of the shards' answers, each to be freed; NULL: no memory or a path too long. */
static char **answers_to_join(const struct laws_options *o, struct error *e)
{
    char **paths = calloc(o->n_join + 1, sizeof *paths), path[PATH_MAX];
    bool ok = paths || fail(e, "answers: found no memory");
    for (size_t i = 0; ok && i < o->n_join; i++)
        ok = laws_path(path, o->join[i], ANSWERS, e) && ((paths[i] = strdup(path)) || fail(e, "answers: found no memory"));
    if (ok) return paths;
    for (size_t i = 0; paths && i < o->n_join; i++) free(paths[i]);
    free(paths);
    return NULL;
}

static bool score_answers(struct answers *a, const struct sweep *s, struct answers_options *ao, const struct laws_options *o,
                          struct error *e)
{
    char path[PATH_MAX], **joined = answers_to_join(o, e);
    bool ok = joined && (!o->dir || laws_path(path, o->dir, ANSWERS, e));
    if (o->dir) ao->path = path;
    ao->make = !o->n_join;
    ao->join = (const char *const *)joined;
    ao->n_join = o->n_join;
    ok = ok && answers_score(a, s, ao, &o->hooks, e);
    for (size_t i = 0; joined && i < o->n_join; i++) free(joined[i]);
    free(joined);
    return ok;
}

/* Windows, then answers. What fails once windows may be measured falls short, if the caller takes that: *answers is then NULL.
 * A folder of another sweep, or a damaged journal, is refused all the same. */
static bool measure_and_ask(struct sweep *s, struct answers **answers, struct answers_options *ao, const struct laws_options *o,
                            struct error *e)
{
    struct sweep_hooks hooks = o->hooks;
    if (o->n_join && !join_all(s, o, e)) return false;
    if (!o->n_join && o->dir && !(hooks.journal = begin_journal(s, o, e))) return false;
    bool ok = o->n_join || measure_missing(s, &hooks, o, e);
    journal_close(hooks.journal);
    ok = ok && (!*answers || score_answers(*answers, s, ao, o, e));
    bool stopped = hooks.interrupted && *hooks.interrupted;
    if (ok || !o->fell_short || stopped) return ok;
    *o->fell_short = *e;
    answers_free(*answers);
    *answers = NULL;
    return true;
}

/* A model without a window can't be summed up: then what fell short is all that there is to say. */
static bool sum_up(struct laws *l, struct sweep *s, const struct laws_options *o, struct error *e)
{
    if (laws_sum_up(l, s, e)) return true;
    if (o->fell_short && *o->fell_short->text) *e = *o->fell_short;
    return false;
}

struct laws *laws_run(const struct laws_options *o, struct error *e)
{
    struct laws *l = calloc(1, sizeof *l);
    if (!l) {
        fail(e, "sweep: found no memory");
        return NULL;
    }
    struct sweep *s = sweep_new(&o->sweep, e);
    struct answers_options ao = {.judge = o->judge, .references = o->references};
    bool scored = o->judge || o->references;
    struct answers *answers = s && scored ? answers_new(s, &ao, e) : NULL;
    bool ok = s && (answers || !scored) && measure_and_ask(s, &answers, &ao, o, e) && sum_up(l, s, o, e), drawn = true;
    l->answers = answers;
    l->words = o->words;
    l->judge = o->judge;
    l->references = o->references;
    ok = ok && (!o->dir || laws_write(l, o->dir, &drawn, e));
    if (ok && !drawn && o->hooks.say)
        o->hooks.say("no plots: gnuplot is not here, or it failed; the scripts %s/*.gp draw them where it is", o->dir);
    if (ok) return l;
    answers_free(answers);
    sweep_free(s);
    free(l);
    return NULL;
}

void laws_free(struct laws *l)
{
    if (!l) return;
    answers_free(l->answers);
    sweep_free(l->sweep);
    free(l);
}
