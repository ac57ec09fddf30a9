/* SPDX-License-Identifier: MIT */
#include "engine/laws/answers.h"

#include "base/lines.h"
#include "engine/laws/answers_make.h"
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
        if (escape)
            fputs(escape, f);
        else
            fputc(*s, f);
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

/* Whether a line's first field is a number, be there such a prompt or not. */
static bool is_numbered(const struct line *line)
{
    const char *tab = memchr(line->text, '\t', line->len);
    size_t n = 0;
    while (tab && line->text + n < tab && line->text[n] >= '0' && line->text[n] <= '9') n++;
    return tab && n && line->text + n == tab;
}

/* ---- Kept answers ---- */

static int n_answers(const struct answers *a)
{
    return a->n_points * a->n_questions;
}

/* What the kept answers are to: the questions, too, which are no part of the sweep's own hash. */
static void head(const struct answers *a, const struct sweep *s, char line[192])
{
    struct sha256 h;
    char hex[SHA256_HEX];
    snprintf(line, 192, "answers\t%s", s->sha256);
    if (!a->question) return;
    sha256_begin(&h);
    for (int q = 0; q < a->n_questions; q++) sha256_add(&h, a->question[q], strlen(a->question[q]) + 1);
    sha256_end(&h, hex);
    snprintf(line + strlen(line), 192 - strlen(line), "\t%s", hex);
}

static bool take_answers(struct answers *a, const struct sweep *s, const char *path, const char *text, size_t size,
                         struct error *e)
{
    struct line line = {0};
    char first[192];
    head(a, s, first);
    for (const char *at = text; line_next(&at, text + size, &line);) {
        if (line.number == 1) {
            if (line.len == strlen(first) && !memcmp(line.text, first, line.len)) continue;
            return fail(
                e, "%s: found answers of other settings, models, questions or predictions: name another folder, or --restart",
                path);
        }
        const struct line whole = line;
        int model = take_number(&line, s->options.n_models), point = model ? take_number(&line, a->n_points) : 0;
        int question = !point ? 0 : a->question ? take_number(&line, a->n_questions) : 1;
        if (!question)
            return fail(e, "%s: line %zu: found '%.*s', expected an answer of this sweep", path, line.number,
                        whole.len < 60 ? (int)whole.len : 60, whole.text);
        char **to = &a->text[model - 1][(point - 1) * a->n_questions + question - 1];
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
    char first[192];
    struct file_output *o = path ? file_output_open(path, e) : NULL;
    if (!o) return !path;
    FILE *f = file_output_stream(o);
    head(a, s, first);
    fprintf(f, "%s\n", first);
    for (int m = 0; m < s->options.n_models; m++)
        for (int i = 0; i < n_answers(a); i++) {
            if (!a->text[m][i]) continue;
            fprintf(f, "%d\t%d\t", m + 1, i / a->n_questions + 1);
            if (a->question) fprintf(f, "%d\t", i % a->n_questions + 1);
            put_escaped(f, a->text[m][i]);
            fputc('\n', f);
        }
    return file_output_commit(o, e);
}

/* ---- Making them ---- */

static bool wanted(const struct answers *a, const struct sweep *s, int model, int i)
{
    return !a->text[model][i] && i / a->n_questions % s->options.shards == s->options.shard;
}

/* Kept after each point: of a picture with many questions one file a point, not one an answer. */
static bool make_answers(struct answers *a, const struct sweep *s, int model, const char *path, const struct sweep_hooks *h,
                         struct error *e)
{
    int missing = 0;
    for (int i = 0; i < n_answers(a); i++) missing += wanted(a, s, model, i);
    if (!missing) return true;
    if (h->say) h->say("%s: %d answer%s to make", s->model[model].name, missing, missing == 1 ? "" : "s");
    struct answerer *w = answerer_open(s, model, h, e);
    bool ok = w;
    for (int p = 0; ok && p < a->n_points; p++) {
        int made = 0;
        for (int i = p * a->n_questions; ok && i < (p + 1) * a->n_questions; i++) {
            if (!wanted(a, s, model, i)) continue;
            ok = (a->text[model][i] = answerer_ask(w, p, a->question ? a->question[i % a->n_questions] : NULL, e));
            made += ok;
        }
        struct error full;
        if (made && !keep_answers(a, s, path, ok ? e : &full)) ok = false;
    }
    answerer_close(w);
    return ok;
}

/* ---- References ---- */

/* One without a word would be met by an answer that says nothing. */
static bool check_reference(const char *reference, const char *path, size_t line, struct error *e)
{
    return words_any(reference) ||
           fail(e, "%s: line %zu: found '%.60s' as the answer, expected one of at least a word", path, line, reference);
}

static bool take_reference(struct answers *a, const struct sweep *s, const char *path, struct line line, struct error *e)
{
    const struct line whole = line;
    int prompt = take_number(&line, N_PROMPTS);
    if (!prompt)
        return fail(e, "%s: line %zu: found '%.*s', expected a prompt's number from 1 to %d, a tab and its answer", path,
                    line.number, whole.len < 60 ? (int)whole.len : 60, whole.text, N_PROMPTS);
    int p = 0;
    while (p < a->n_points && s->options.point[p] != prompt) p++; /* a sweep has each prompt once */
    bool wanted = p < a->n_points;
    if (wanted && a->reference[p]) return fail(e, "%s: line %zu: found prompt %d a second time", path, line.number, prompt);
    char *reference = unescaped(line.text, line.len);
    if (!reference) return fail(e, "%s: found no memory", path);
    bool ok = check_reference(reference, path, line.number, e);
    if (wanted)
        a->reference[p] = reference;
    else
        free(reference);
    return ok;
}

static bool take_question(struct answers *a, const char *path, struct line line, struct error *e)
{
    const char *tab = memchr(line.text, '\t', line.len);
    size_t len = tab ? (size_t)(tab - line.text) : 0;
    if (!len)
        return fail(e, "%s: line %zu: found '%.*s', expected a question, a tab and its answer", path, line.number,
                    line.len < 60 ? (int)line.len : 60, line.text);
    if (a->n_questions == ANSWER_QUESTIONS)
        return fail(e, "%s: line %zu: found more than %d questions", path, line.number, ANSWER_QUESTIONS);
    if (a->beside && is_numbered(&line)) /* a head above references, say */
        return fail(e, "%s: line %zu: found a prompt's number after a first line that has none, expected one kind of lines",
                    path, line.number);
    char **q = &a->question[a->n_questions], **r = &a->reference[a->n_questions];
    *q = unescaped(line.text, len);
    *r = unescaped(tab + 1, line.len - len - 1);
    a->n_questions++;
    if (!*q || !*r) return fail(e, "%s: found no memory", path);
    if (!check_reference(*r, path, line.number, e)) return false;
    for (int i = 0; i + 1 < a->n_questions; i++)
        if (!strcmp(a->question[i], *q)) return fail(e, "%s: line %zu: found '%.60s' a second time", path, line.number, *q);
    return true;
}

/* Whether a file has references of prompts, or else questions, by its first line. */
static bool of_prompts(const char *text, size_t size)
{
    struct line line = {0};
    return line_next(&text, text + size, &line) && is_numbered(&line);
}

/* Room for references, and for questions where they are asked. */
static bool begin_references(struct answers *a, const struct sweep *s, bool asks, struct error *e)
{
    a->beside = asks && !sweep_sees(&s->options);
    if (!asks && s->options.lengths)
        return fail(e, "answers: found prompts by their length, expected P1 to P%d, which alone have references, or questions",
                    N_PROMPTS);
    a->n_points = a->beside ? 1 : s->options.n_points;
    a->n_questions = asks ? 0 : 1;
    a->reference = calloc(asks ? ANSWER_QUESTIONS : (size_t)a->n_points, sizeof *a->reference);
    if (asks) a->question = calloc(ANSWER_QUESTIONS, sizeof *a->question);
    return (a->reference && (a->question || !asks)) || fail(e, "references: found no memory");
}

static bool read_references(struct answers *a, const struct sweep *s, const char *path, struct error *e)
{
    size_t size;
    char *text = file_read(path, MAX_BYTES, &size, e);
    struct line line = {0};
    bool ok = text && (!memchr(text, '\0', size) || fail(e, "%s: found a NUL byte, expected text", path)) &&
              begin_references(a, s, sweep_sees(&s->options) || !of_prompts(text, size), e);
    for (const char *at = text; ok && line_next(&at, text + size, &line);)
        ok = a->question ? take_question(a, path, line, e) : take_reference(a, s, path, line, e);
    if (ok && !a->n_questions) ok = fail(e, "%s: found no question, expected at least one", path);
    int known = 0;
    for (int p = 0; ok && !a->question && p < a->n_points; p++) known += a->reference[p] != NULL;
    if (ok && !a->question && !known) ok = fail(e, "%s: found no answer to a prompt of the sweep, expected at least one", path);
    free(text);
    return ok;
}

static bool take_references(struct answers *a, const struct sweep *s, const char *path, struct error *e)
{
    bool sees = sweep_sees(&s->options);
    if (sees && !path) return fail(e, "answers: found no questions about the picture, expected a file of them");
    if (sees && !s->options.model[0]) return fail(e, "answers: found a tower alone, expected a language model with it");
    if (path) return read_references(a, s, path, e);
    if (!begin_references(a, s, false, e)) return false;
    for (int p = 0; p < a->n_points; p++)
        if (!(a->reference[p] = strdup(prompt_reference((int)s->options.point[p]))))
            return fail(e, "references: found no memory");
    return true;
}

/* ---- Scores ---- */

double answers_of_point(const struct answers *a, const double *score, int point)
{
    double sum = 0;
    int n = 0;
    for (int q = 0; q < a->n_questions; q++) {
        double v = score[point * a->n_questions + q];
        if (isnan(v)) continue;
        sum += v;
        n++;
    }
    return n ? sum / n : NAN;
}

/* What a mean over questions is of: of prompts each one's score, else a question's mean over the points; *n of them. */
static void by_question(const struct answers *a, const double *score, double mean[SWEEP_POINTS + ANSWER_QUESTIONS], size_t *n)
{
    *n = (size_t)(a->question ? a->n_questions : a->n_points);
    for (size_t i = 0; i < *n; i++) {
        if (!a->question) {
            mean[i] = score[i];
            continue;
        }
        double sum = 0;
        int known = 0;
        for (int p = 0; p < a->n_points; p++) {
            double v = score[(size_t)(p * a->n_questions) + i];
            if (isnan(v)) continue;
            sum += v;
            known++;
        }
        mean[i] = known ? sum / known : NAN;
    }
}

static bool score_one(struct answers *a, int m, int i, struct embedder *judge, struct error *e)
{
    const char *reference = answers_reference(a, i);
    a->semantic[m][i] = a->exact[m][i] = NAN;
    if (!a->text[m][i] || !reference) return true;
    a->exact[m][i] = words_match(a->text[m][i], reference);
    return !judge || semantic_score(judge, a->text[m][i], reference, &a->semantic[m][i], e);
}

void answers_sum_up(struct answers *a, int n_models)
{
    double semantic[2][SWEEP_POINTS + ANSWER_QUESTIONS], exact[2][SWEEP_POINTS + ANSWER_QUESTIONS];
    size_t n = 0;
    for (int m = 0; m < n_models; m++) {
        int at = m > 0; /* differences are of a pair alone */
        by_question(a, a->semantic[m], semantic[at], &n);
        by_question(a, a->exact[m], exact[at], &n);
        a->semantic_mean[m] = accuracy_mean(semantic[at], n);
        /* Wilson's interval is of right and wrong; a question that was asked of several pictures is somewhere between. */
        a->exact_share[m] = a->question && a->n_points > 1 ? accuracy_mean(exact[at], n) : accuracy_share(exact[at], n);
    }
    if (n_models != SWEEP_PAIR) return;
    a->semantic_difference = accuracy_difference(semantic[0], semantic[1], n);
    a->exact_difference = accuracy_difference(exact[0], exact[1], n);
}

static bool score_all(struct answers *a, const struct sweep *s, struct embedder *judge, struct error *e)
{
    for (int m = 0; m < s->options.n_models; m++)
        for (int i = 0; i < n_answers(a); i++)
            if (!score_one(a, m, i, judge, e)) return false;
    answers_sum_up(a, s->options.n_models);
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

bool answers_room(struct answers *a, int n_models, struct error *e)
{
    size_t n = (size_t)n_answers(a);
    for (int m = 0; m < n_models; m++)
        if (!(a->text[m] = calloc(n, sizeof *a->text[m])) || !(a->semantic[m] = calloc(n, sizeof *a->semantic[m])) ||
            !(a->exact[m] = calloc(n, sizeof *a->exact[m])))
            return fail(e, "answers: found no memory");
    return true;
}

struct answers *answers_new(const struct sweep *s, const struct answers_options *o, struct error *e)
{
    struct answers *a = calloc(1, sizeof *a);
    if (!a) {
        fail(e, "answers: found no memory");
        return NULL;
    }
    if (take_references(a, s, o->references, e) && answers_room(a, s->options.n_models, e) &&
        (!o->judge || judge_by(a, s, o->judge, false, e)))
        return a;
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

static void free_texts(char **text, int n)
{
    for (int i = 0; text && i < n; i++) free(text[i]);
    free(text);
}

void answers_free(struct answers *a)
{
    if (!a) return;
    free_texts(a->reference, a->question ? a->n_questions : a->n_points);
    free_texts(a->question, a->n_questions);
    for (int m = 0; m < SWEEP_MODELS; m++) {
        free_texts(a->text[m], n_answers(a));
        free(a->semantic[m]);
        free(a->exact[m]);
    }
    free(a);
}
