/* SPDX-License-Identifier: MIT */
#include "engine/laws/answers.h"

#include "base/lines.h"
#include "engine/laws/prompts.h"
#include "loader/file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BYTES = 1 << 28 };

/* ---- Lines: fields with tabs between; tabs, newlines and backslashes in a text as \t, \n, \r and \\ ---- */

static void put_escaped(FILE *f, const char *s)
{
    for (; *s; s++) {
        const char *escape = *s == '\t' ? "\\t" : *s == '\n' ? "\\n" : *s == '\r' ? "\\r" : *s == '\\' ? "\\\\" : NULL;
        if (escape) fputs(escape, f);
        else fputc(*s, f);
    }
}

/* A new copy of n bytes without the escapes; a NUL ends it. NULL: no memory. */
static char *unescaped(const char *s, size_t n)
{
    char *text = malloc(n + 1), *at = text;
    for (size_t i = 0; text && i < n; i++) {
        char c = s[i];
        if (c == '\\' && i + 1 < n) {
            c = s[++i];
            c = c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
        }
        *at++ = c;
    }
    if (text) *at = 0;
    return text;
}

/* Takes the number before the line's next tab, from 1 to `most`; 0: there is none. */
static int take_number(struct line *line, int most)
{
    const char *tab = memchr(line->text, '\t', line->len);
    size_t digits = tab ? (size_t)(tab - line->text) : 0;
    int v = 0;
    if (!digits || digits > 4) return 0;
    for (size_t i = 0; i < digits; i++) {
        if (line->text[i] < '0' || line->text[i] > '9') return 0;
        v = 10 * v + (line->text[i] - '0');
    }
    line->text += digits + 1;
    line->len -= digits + 1;
    return v <= most ? v : 0;
}

/* ---- Kept answers ---- */

static void head(const struct sweep *s, char line[96]) { snprintf(line, 96, "answers\t%s", s->sha256); }

static bool take_answers(struct answers *a, const struct sweep *s, const char *path, const char *text, size_t size,
                         struct error *e)
{
    struct line line = {0};
    char first[96];
    head(s, first);
    for (const char *at = text; line_next(&at, text + size, &line);) {
        if (line.number == 1) {
            if (line.len == strlen(first) && !memcmp(line.text, first, line.len)) continue;
            return fail(e, "%s: found answers of other settings, models or predictions: name another folder, or --restart",
                        path);
        }
        const struct line whole = line;
        int model = take_number(&line, s->options.n_models), point = model ? take_number(&line, s->options.n_points) : 0;
        if (!point) return fail(e, "%s: line %zu: found '%.*s', expected an answer of this sweep", path, line.number,
                                whole.len < 60 ? (int)whole.len : 60, whole.text);
        char **to = &a->text[model - 1][point - 1];
        if (!*to && !(*to = unescaped(line.text, line.len))) return fail(e, "%s: found no memory", path);
    }
    return true;
}

static bool read_answers(struct answers *a, const struct sweep *s, const char *path, struct error *e)
{
    size_t size;
    if (access(path, F_OK) && errno == ENOENT) return true; /* none was made yet */
    char *text = file_read(path, MAX_BYTES, &size, e);
    bool ok = text && take_answers(a, s, path, text, size, e);
    free(text);
    return ok;
}

/* All that are there, anew: the file appears whole or stays as it was. */
static bool keep_answers(const struct answers *a, const struct sweep *s, const char *path, struct error *e)
{
    char first[96];
    struct file_output *o = path ? file_output_open(path, e) : NULL;
    if (!o) return !path;
    FILE *f = file_output_stream(o);
    head(s, first);
    fprintf(f, "%s\n", first);
    for (int m = 0; m < s->options.n_models; m++)
        for (int p = 0; p < s->options.n_points; p++) {
            if (!a->text[m][p]) continue;
            fprintf(f, "%d\t%d\t", m + 1, p + 1);
            put_escaped(f, a->text[m][p]);
            fputc('\n', f);
        }
    return file_output_commit(o, e);
}

/* ---- Making them ---- */

static bool go_on(void *ctx, size_t done, size_t total)
{
    const struct sweep_hooks *h = ctx;
    (void)done, (void)total;
    return !(h->interrupted && *h->interrupted);
}

static char *text_of(const struct model *m, const struct generate_result *g, struct error *e)
{
    size_t len;
    char *text;
    return detokenize(m->tokenizer, g->tokens, g->generated_tokens, false, &text, &len, e) ? text : NULL;
}

static char *make_answer(const struct sweep *s, const struct model *m, const struct tokens *prompt,
                         const struct sweep_hooks *h, struct error *e)
{
    const struct sweep_options *o = &s->options;
    struct session_options so = {
        .n_ctx = prompt->n + (size_t)o->gen, .n_batch = o->ubatch, .kv_type = o->kv_type, .threads = o->threads};
    struct generate_options go = {.max_tokens = (size_t)o->gen,
                                  .sample = {.top_p = 1, .repeat_penalty = 1}, /* temperature 0: greedy */
                                  .prefill_progress = go_on,
                                  .ctx = (void *)h,
                                  .interrupted = h->interrupted};
    struct generate_result g = {0};
    struct session *session = session_new(m, &so, e);
    bool ok = session && session_generate(session, prompt->id, prompt->n, &go, &g, e);
    if (ok && g.stop == STOP_INTERRUPT) ok = fail(e, "interrupted");
    char *text = ok ? text_of(m, &g, e) : NULL;
    generate_result_free(&g);
    session_free(session);
    return text;
}

static bool wanted(const struct answers *a, const struct sweep *s, int model, int point)
{
    return !a->text[model][point] && point % s->options.shards == s->options.shard;
}

static bool make_answers(struct answers *a, const struct sweep *s, int model, const char *path, const struct sweep_hooks *h,
                         struct error *e)
{
    const struct sweep_options *o = &s->options;
    int missing = 0;
    for (int p = 0; p < o->n_points; p++) missing += wanted(a, s, model, p);
    if (!missing) return true;
    if (h->say) h->say("%s: %d answer%s to make", s->model[model].name, missing, missing == 1 ? "" : "s");
    struct model *m = model_open(s->model[model].path, NULL, 0, e);
    if (m) model_file_settle(m->file, NULL, NULL);
    bool ok = m;
    for (int p = 0; ok && p < o->n_points; p++) {
        if (!wanted(a, s, model, p)) continue;
        ok = go_on((void *)h, 0, 0) || fail(e, "interrupted");
        ok = ok && (a->text[model][p] = make_answer(s, m, &s->model[model].point[p].tokens, h, e)) &&
             keep_answers(a, s, path, e);
    }
    model_close(m);
    return ok;
}

/* ---- References ---- */

static bool read_references(struct answers *a, const struct sweep *s, const char *path, struct error *e)
{
    const struct sweep_options *o = &s->options;
    size_t size;
    char *text = file_read(path, MAX_BYTES, &size, e);
    struct line line = {0};
    bool ok = text;
    for (const char *at = text; ok && line_next(&at, text + size, &line);) {
        const struct line whole = line;
        int prompt = take_number(&line, N_PROMPTS);
        if (!prompt)
            ok = fail(e, "%s: line %zu: found '%.*s', expected a prompt's number from 1 to %d, a tab and its answer", path,
                      line.number, whole.len < 60 ? (int)whole.len : 60, whole.text, N_PROMPTS);
        for (int p = 0; ok && p < o->n_points; p++) {
            if (o->point[p] != prompt) continue;
            if (a->reference[p]) ok = fail(e, "%s: line %zu: found prompt %d a second time", path, line.number, prompt);
            else if (!(a->reference[p] = unescaped(line.text, line.len))) ok = fail(e, "%s: found no memory", path);
        }
    }
    free(text);
    return ok;
}

static bool take_references(struct answers *a, const struct sweep *s, const char *path, struct error *e)
{
    if (s->options.lengths)
        return fail(e, "answers: found prompts by their length, expected P1 to P%d: only these have references", N_PROMPTS);
    if (path) return read_references(a, s, path, e);
    for (int p = 0; p < s->options.n_points; p++)
        if (!(a->reference[p] = strdup(prompt_reference((int)s->options.point[p]))))
            return fail(e, "references: found no memory");
    return true;
}

/* ---- Scores ---- */

static bool score_one(struct answers *a, int m, int p, struct embedder *judge, struct error *e)
{
    a->semantic[m][p] = a->exact[m][p] = NAN;
    if (!a->text[m][p] || !a->reference[p]) return true;
    a->exact[m][p] = words_match(a->text[m][p], a->reference[p]);
    return !judge || semantic_score(judge, a->text[m][p], a->reference[p], &a->semantic[m][p], e);
}

static bool score_all(struct answers *a, const struct sweep *s, struct embedder *judge, struct error *e)
{
    size_t n = (size_t)s->options.n_points;
    for (int m = 0; m < s->options.n_models; m++) {
        for (int p = 0; p < s->options.n_points; p++)
            if (!score_one(a, m, p, judge, e)) return false;
        a->semantic_mean[m] = accuracy_mean(a->semantic[m], n);
        a->exact_share[m] = accuracy_share(a->exact[m], n);
    }
    if (s->options.n_models < 2) return true;
    a->semantic_difference = accuracy_difference(a->semantic[0], a->semantic[1], n);
    a->exact_difference = accuracy_difference(a->exact[0], a->exact[1], n);
    return true;
}

/* Opens the judge and, where `a` has its texts, lets it score them. */
static bool judge_by(struct answers *a, const struct sweep *s, const char *path, bool scores, struct error *e)
{
    struct model *m = model_open(path, NULL, 0, e);
    struct embedder *judge = m ? embedder_new(m, &(struct embed_options){.threads = s->options.threads}, e) : NULL;
    if (judge) snprintf(a->judge, sizeof a->judge, "%s", m->name);
    bool ok = judge && (!scores || score_all(a, s, judge, e));
    embedder_free(judge);
    model_close(m);
    return ok;
}

/* ---- The whole ---- */

struct answers *answers_new(const struct sweep *s, const struct answers_options *o, struct error *e)
{
    struct answers *a = calloc(1, sizeof *a);
    if (!a) {
        fail(e, "answers: found no memory");
        return NULL;
    }
    if (take_references(a, s, o->references, e) && (!o->judge || judge_by(a, s, o->judge, false, e))) return a;
    answers_free(a);
    return NULL;
}

bool answers_score(struct answers *a, const struct sweep *s, const struct answers_options *o, const struct sweep_hooks *h,
                   struct error *e)
{
    bool ok = !o->path || read_answers(a, s, o->path, e);
    for (size_t i = 0; ok && i < o->n_join; i++) ok = read_answers(a, s, o->join[i], e);
    for (int m = 0; ok && o->make && m < s->options.n_models; m++) ok = make_answers(a, s, m, o->path, h, e);
    return ok && (o->judge ? judge_by(a, s, o->judge, true, e) : score_all(a, s, NULL, e));
}

void answers_free(struct answers *a)
{
    if (!a) return;
    for (int p = 0; p < SWEEP_POINTS; p++) {
        free(a->reference[p]);
        for (int m = 0; m < SWEEP_MODELS; m++) free(a->text[m][p]);
    }
    free(a);
}
