/* answers_make.c - a model of a sweep answers a prompt, or questions, about a picture or not.
 * SPDX-License-Identifier: MIT */
#include "engine/laws/answers_make.h"

#include "engine/look.h"
#include "engine/prompt.h"
#include "engine/tower/tower.h"
#include "vision/resize.h"

#include <stdlib.h>
#include <string.h>

struct answerer {
    const struct sweep *sweep;
    const struct sweep_hooks *hooks;
    int index;
    struct model *model;
    struct tower *tower; /* NULL: of prompts */
    struct album album;  /* what the tower saw of `point`; -1: nothing yet */
    int point;
};

static bool go_on(void *ctx, size_t done, size_t total)
{
    const struct sweep_hooks *h = ctx;
    (void)done, (void)total;
    return !(h->interrupted && *h->interrupted);
}

void answerer_close(struct answerer *w)
{
    if (!w) return;
    album_free(&w->album);
    tower_free(w->tower);
    model_close(w->model);
    free(w);
}

struct answerer *answerer_open(const struct sweep *s, int model, const struct sweep_hooks *h, struct error *e)
{
    const struct sweep_options *o = &s->options;
    struct answerer *w = malloc(sizeof *w);
    if (!w) {
        fail(e, "answers: found no memory");
        return NULL;
    }
    *w = (struct answerer){.sweep = s, .hooks = h, .index = model, .point = -1};
    bool ok = (w->model = model_open(o->model[model], NULL, 0, e));
    if (ok) model_file_settle(w->model->file, NULL, NULL);
    if (ok && sweep_sees(o))
        ok = (w->tower = tower_open(o->pictures.mmproj[model],
                                    &(struct tower_options){.threads = o->threads, .interrupted = h->interrupted}, e));
    if (ok) return w;
    answerer_close(w);
    return NULL;
}

/* ---- Pictures ---- */

/* The picture at the point's size, clamped, through the tower; nothing where it was the last one seen. */
static bool see(struct answerer *w, int point, struct error *e)
{
    const struct sweep_pictures *p = &w->sweep->options.pictures;
    const struct clamped *fit = &w->sweep->model[w->index].point[point].fit;
    struct picture scaled;
    struct preprocessed clamped;
    struct seen seen;
    if (w->point == point) return true;
    w->point = -1;
    album_free(&w->album);
    if (!resize_bicubic(&w->sweep->picture, fit->in_width, fit->in_height, &scaled, e)) return false;
    bool ok = preprocess_picture(&scaled, p->clamp[point / p->n_edges], &w->tower->mmproj->keys, &clamped, e);
    picture_free(&scaled);
    if (!ok) return false;
    ok = tower_encode(w->tower, &clamped, &seen, e);
    preprocessed_free(&clamped);
    if (!ok) return false;
    ok = album_add(&w->album, seen.nx, seen.ny, seen.n_embd, seen.rows, e);
    seen_free(&seen);
    if (ok) w->point = point;
    return ok;
}

/* A question, with the picture before it where there is one, as `run --chat` asks it; plain where the model has no format for
 * that. */
static bool read_question(const struct answerer *w, const char *question, struct tokens *ids, struct error *e)
{
    const struct tokenizer *t = w->model->tokenizer;
    struct error none;
    const struct chat_format *f = chat_format_find(t, NULL, &none);
    char *marked = look_mark(question, w->album.n);
    if (!marked) return fail(e, "question: found no memory");
    const struct chat_message message = {"user", marked};
    bool ok = f ? prompt_from_chat(t, f, &message, 1, ids, e) : prompt_from_text(t, marked, strlen(marked), ids, e);
    free(marked);
    return ok && look_place(t, &w->album, ids, e);
}

/* ---- Answers ---- */

static char *text_of(const struct model *m, const struct generate_result *g, struct error *e)
{
    size_t len;
    char *text;
    return detokenize(m->tokenizer, g->tokens, g->generated_tokens, false, &text, &len, e) ? text : NULL;
}

static char *answer(const struct answerer *w, const struct tokens *prompt, size_t most, struct error *e)
{
    const struct sweep_options *o = &w->sweep->options;
    struct session_options so = {.n_ctx = prompt->n + most,
                                 .n_batch = o->ubatch,
                                 .kv_type = o->kv_type,
                                 .threads = o->threads,
                                 .album = w->tower ? &w->album : NULL};
    struct generate_options go = {.max_tokens = most,
                                  .sample = {.top_p = 1, .repeat_penalty = 1}, /* temperature 0: greedy */
                                  .prefill_progress = go_on,
                                  .ctx = (void *)w->hooks,
                                  .interrupted = w->hooks->interrupted};
    struct generate_result g = {0};
    struct session *session = session_new(w->model, &so, e);
    bool ok = session && session_generate(session, prompt->id, prompt->n, &go, &g, e);
    if (ok && g.stop == STOP_INTERRUPT) ok = fail(e, "interrupted");
    char *text = ok ? text_of(w->model, &g, e) : NULL;
    generate_result_free(&g);
    session_free(session);
    return text;
}

char *answerer_ask(struct answerer *w, int point, const char *question, struct error *e)
{
    const struct sweep *s = w->sweep;
    if (!go_on((void *)w->hooks, 0, 0)) return fail(e, "interrupted"), NULL;
    if (!question)
        return answer(w, &s->model[w->index].point[point].tokens,
                      (size_t)(s->options.gen > PROMPT_TOKENS ? s->options.gen : PROMPT_TOKENS), e);
    struct tokens ids = {0};
    bool ok = (!w->tower || see(w, point, e)) && read_question(w, question, &ids, e);
    char *text = ok ? answer(w, &ids, ANSWER_TOKENS, e) : NULL;
    tokens_free(&ids);
    return text;
}
