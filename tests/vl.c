/* vl.c - pictures among tokens: M-RoPE against plain rope, places, pieces, and llama.cpp's logits and greedy ids where its
 * numbers are there (../shared/oracle/vl): of its embeddings, and of our own from text and picture. SPDX-License-Identifier:
 * MIT */
#include <math.h>
#include <unistd.h>

#include "base/random.h"
#include "engine/conversation.h"
#include "engine/look.h"
#include "engine/synth.h"
#include "kernels/kernel.h"
#include "tests/json_file.h"
#include "tests/reference.h"
#include "tests/numbers.h"
#include "tests/test.h"
#include "vision/picture.h"

static char dir[200];

static struct model *make(const char *shape, struct error *e)
{
    char path[300];
    snprintf(path, sizeof path, "%s/model.gguf", dir);
    struct model *m =
        synth_write(&(struct synth_options){.shape = shape, .seed = 3}, path, NULL, e) ? model_open(path, NULL, 0, e) : NULL;
    unlink(path);
    return m;
}

/* ---- Places ---- */

static bool is(const struct place *p, int32_t time, int32_t row, int32_t column, int32_t next)
{
    return p->time == time && p->row == row && p->column == column && p->next == next;
}

static void test_places(void)
{
    struct error e = {""};
    struct album a = {0};
    struct tokens ids = {0};
    static const float rows[10];
    bool ok = album_add(&a, 3, 2, 1, rows, &e) && album_add(&a, 1, 4, 1, rows, &e) && tokens_push(&ids, 7) &&
              album_push(&a, 0, &ids) && album_push(&a, 1, &ids) && tokens_push(&ids, 7);
    struct place p[12], piece[12];
    TEST("an album's ids", ok && ids.n == 12 && ids.id[1] == -1 && ids.id[7] == -7 && ids.id[10] == -10, "%s %zu ids", e.text,
         ids.n);
    if (!ok) return;
    album_places(&a, ids.id, 12, 0, p);
    TEST("places: text, rows and columns, and text after the longest side",
         is(&p[0], 0, 0, 0, 1) && is(&p[1], 1, 1, 1, 4) && is(&p[6], 1, 2, 3, 4) && is(&p[7], 4, 4, 4, 8) &&
             is(&p[10], 4, 7, 4, 8) && is(&p[11], 8, 8, 8, 9),
         "the last at %d", p[11].time);
    for (size_t cut = 1; cut < 12; cut++) {
        album_places(&a, ids.id, cut, 0, piece);
        album_places(&a, ids.id + cut, 12 - cut, piece[cut - 1].next, piece + cut);
        if (memcmp(p, piece, sizeof p)) ok = false;
    }
    TEST("places: the same in pieces", ok, "they differ");
    ok = !album_add(&a, 1, 1, 2, rows, &e);
    TEST("an album of two widths", ok && strstr(e.text, "expected 1"), "%s", e.text);
    tokens_free(&ids);
    album_free(&a);
}

/* ---- Made-up weights ---- */

enum { N = 24 };

static bool feed(const struct model *m, const struct album *a, const int32_t *ids, size_t n, size_t batch, bool places,
                 float *out, struct error *e)
{
    struct session *s =
        session_new(m, &(struct session_options){.n_ctx = n, .n_batch = batch, .exact = true, .threads = 2, .album = a}, e);
    if (s && !places) s->exec->places = NULL;
    bool ok = s && session_feed(s, ids, n, PHASE_PREFILL, NULL, NULL, e);
    if (ok) memcpy(out, session_logits(s), (size_t)m->hp.n_vocab * sizeof *out);
    session_free(s);
    return ok;
}

static double apart(const float *a, const float *b, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        worst = !(d <= worst) ? d : worst;
    }
    return worst;
}

static void test_made_up(void)
{
    struct error e = {""};
    struct model *m = make("tiny-qwen2-vl:F32", &e);
    TEST("tiny-qwen2-vl opens", m && m->hp.rope_sections[0] == 16 && m->hp.rope_sections[2] == 24, "%s", e.text);
    if (!m) return;
    size_t n = (size_t)m->hp.n_vocab, width = (size_t)m->hp.n_embd;
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y), *rows = malloc(6 * width * sizeof *rows);
    int32_t ids[N];
    for (int i = 0; i < N; i++) ids[i] = (i * 37 + 300) % m->hp.n_vocab;
    bool ok = feed(m, NULL, ids, N, N, true, x, &e) && feed(m, NULL, ids, N, N, false, y, &e);
    TEST("text has the bits of plain rope", ok && !memcmp(x, y, n * sizeof *x), "%s %g apart", e.text, apart(x, y, n));

    /* A picture of tokens' own embeddings, in one column: only its columns' places tell it from text. */
    const struct tensor *t = model_tensor(m, -1, "token_embd.weight");
    for (int i = 0; i < 6; i++)
        memcpy(rows + (size_t)i * width, (const float *)t->data + (size_t)ids[9 + i] * width, width * sizeof *rows);
    struct album flat = {0}, square = {0};
    int32_t seen[N];
    memcpy(seen, ids, sizeof ids);
    for (int i = 0; i < 6; i++) seen[9 + i] = -1 - i;
    ok = album_add(&flat, 6, 1, m->hp.n_embd, rows, &e) && album_add(&square, 3, 2, m->hp.n_embd, rows, &e) &&
         feed(m, &flat, seen, N, N, false, y, &e);
    TEST("rows of a picture go in as tokens do", ok && !memcmp(x, y, n * sizeof *x), "%s %g apart", e.text, apart(x, y, n));
    ok = feed(m, &flat, seen, N, N, true, y, &e);
    TEST("and stand at other places", ok && apart(x, y, n) > 1e-4, "%s %g apart", e.text, apart(x, y, n));
    ok = feed(m, &square, seen, N, N, true, x, &e);
    TEST("which its shape decides", ok && apart(x, y, n) > 1e-4, "%s %g apart", e.text, apart(x, y, n));
    for (size_t batch = 5; batch <= 11; batch += 3) {
        ok = feed(m, &square, seen, N, batch, true, y, &e);
        TEST("a picture fed in pieces", ok && apart(x, y, n) <= 1e-4, "%s %g apart", e.text, apart(x, y, n));
    }
    seen[14] = -7;
    ok = !feed(m, &square, seen, N, N, true, y, &e) && strstr(e.text, "expected -6 to");
    TEST("a row that no picture has", ok, "%s", e.text);
    ok = !feed(m, NULL, seen, N, N, true, y, &e) && strstr(e.text, "expected 0 to");
    TEST("a picture without an album", ok, "%s", e.text);
    album_free(&flat);
    album_free(&square);
    free(x), free(y), free(rows);
    model_close(m);
}

/* The whole text model with a picture of noise among its tokens, against formulas in double. */
static void test_reference(int at, int nx, int ny)
{
    struct error e = {""};
    struct model *m = make("tiny-qwen2-vl:F32", &e);
    struct album a = {0};
    char name[100];
    int32_t ids[N];
    uint64_t x = 11;
    size_t width = m ? (size_t)m->hp.n_embd : 0, n = (size_t)(nx * ny), n_vocab = m ? (size_t)m->hp.n_vocab : 0;
    float *rows = malloc(n * width * sizeof *rows), *got = malloc(n_vocab * sizeof *got);
    for (size_t i = 0; i < n * width; i++) rows[i] = random_signed(&x) / 2;
    for (int i = 0; i < N; i++) ids[i] = m ? (i * 53 + 7) % m->hp.n_vocab : 0;
    for (size_t i = 0; i < n; i++) ids[(size_t)at + i] = -1 - (int32_t)i;
    bool ok = m && album_add(&a, nx, ny, m->hp.n_embd, rows, &e) && feed(m, &a, ids, N, 7, true, got, &e);
    double worst = NAN, *all = ok ? ref_logits_seen(m, ids, N, &(struct ref_picture){at, nx, ny, rows}) : NULL;
    for (size_t i = 0; all && i < n_vocab; i++) {
        double d = fabs((double)got[i] - all[(N - 1) * n_vocab + i]);
        if (!(d <= worst)) worst = d;
    }
    snprintf(name, sizeof name, "a picture of %dx%d tokens from token %d on: logits within 1e-3 of the formulas", nx, ny, at);
    TEST(name, ok && worst < 1e-3, "%s max-abs %g", e.text, worst);
    free(all), free(rows), free(got);
    album_free(&a);
    model_close(m);
}

/* Sections that don't make up the pairs, in the file of a good model. */
static void test_bad_sections(void)
{
    static const int32_t wrong[][4] = {{16, 24, 25, 0}, {-16, 56, 24, 0}, {16, 24, 24, 1}, {INT32_MAX, INT32_MAX, 66, 0}};
    static const char key[] = "qwen2vl.rope.dimension_sections";
    char path[300];
    struct error e = {""};
    size_t size = 0;
    snprintf(path, sizeof path, "%s/bad.gguf", dir);
    bool made = synth_write(&(struct synth_options){.shape = "tiny-qwen2-vl:Q8_0", .seed = 3}, path, NULL, &e);
    char *bytes = made ? file_read(path, 1 << 26, &size, &e) : NULL, *at = NULL;
    for (size_t i = 0; bytes && !at && i + 256 < size; i++)
        if (!memcmp(bytes + i, key, sizeof key - 1)) at = bytes + i + sizeof key - 1 + 4 + 4 + 8; /* two types, a count */
    TEST("a file with sections", at, "%s", e.text);
    for (size_t i = 0; at && i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(at, wrong[i], sizeof wrong[i]);
        FILE *f = fopen(path, "wb");
        bool ok = f && fwrite(bytes, 1, size, f) == size && !fclose(f);
        struct model *m = ok ? model_open(path, NULL, 0, &e) : NULL;
        TEST("sections that are none", ok && !m && strstr(e.text, "expected three that make 64 pairs, and 0"), "%s", e.text);
        model_close(m);
    }
    unlink(path);
    free(bytes);
}

/* ---- Prompts ---- */

static void test_prompts(void)
{
    struct error e = {""};
    struct album a = {0};
    struct model *m = make("tiny-qwen2-vl:F32", &e);
    float *rows = m ? calloc(6 * (size_t)m->hp.n_embd, sizeof *rows) : NULL;
    if (!rows || !album_add(&a, 3, 2, m->hp.n_embd, rows, &e)) {
        TEST("a model for prompts", false, "%s", e.text);
        return;
    }
    struct tokens ids = {0};
    char *text = look_mark("the", 1);
    bool ok =
        tokenize(m->tokenizer, text, strlen(text), TOKENIZE_PARSE_SPECIAL, &ids, &e) && look_place(m->tokenizer, &a, &ids, &e);
    int32_t start = token_find(m->tokenizer, "<|vision_start|>", 16), end = token_find(m->tokenizer, "<|vision_end|>", 14);
    size_t at = 0;
    while (at < ids.n && ids.id[at] >= 0) at++;
    TEST("a picture stands between its marks before the text",
         ok && at && at + 6 < ids.n && ids.id[at - 1] == start && ids.id[at] == -1 && ids.id[at + 5] == -6 &&
             ids.id[at + 6] == end,
         "%s", e.text);
    tokens_free(&ids);
    free(text);
    text = look_mark("a <|image_pad|> b <|image_pad|>", 1);
    ok = tokenize(m->tokenizer, text, strlen(text), TOKENIZE_PARSE_SPECIAL, &ids, &e) && look_place(m->tokenizer, &a, &ids, &e);
    TEST("more marks than pictures", !ok && strstr(e.text, "found 2 <|image_pad|>, expected 1"), "%s", e.text);
    tokens_free(&ids);
    free(text);

    /* A question after another: only what is new is fed, and the picture is not. */
    struct session *s =
        session_new(m, &(struct session_options){.n_ctx = 400, .kv_type = TYPE_F16, .threads = 1, .album = &a}, &e);
    struct conversation c;
    struct generate_result first = {0}, second = {0};
    struct generate_options o = {
        .max_tokens = 3, .sample = {.temperature = 0, .repeat_penalty = 1, .top_p = 1}, .ignore_eos = true};
    ok = s && conversation_start(&c, s, chat_format_find(NULL, "chatml", &e), "be", &e);
    ok = ok && conversation_turn(&c, "the water", &o, &first, &e) && conversation_turn(&c, "the light", &o, &second, &e);
    size_t pictures = 0;
    for (size_t i = 0; ok && i < c.fed.n; i++) pictures += c.fed.id[i] < 0;
    TEST("a picture stays for the next question", ok && pictures == 6 && second.prompt_tokens < first.prompt_tokens - 6,
         "%s %zu of its tokens; %zu fed, then %zu", e.text, pictures, first.prompt_tokens, second.prompt_tokens);
    generate_result_free(&first);
    generate_result_free(&second);
    if (s) conversation_end(&c);
    session_free(s);
    album_free(&a);
    free(rows);
    model_close(m);
}

/* ---- llama.cpp's numbers ---- */

/* A case's ids as llama.cpp had them, and the size of its picture in tokens. */
static bool case_ids(const struct json_value *c, struct tokens *ids, int *nx, int *ny)
{
    const struct json_value *chunks = json_member(c, "chunks");
    bool ok = true;
    int32_t row = 0;
    for (size_t i = 0; i < chunks->n; i++) {
        const struct json_value *k = &chunks->item[i], *tokens = json_member(k, "tokens");
        for (size_t j = 0; tokens && j < tokens->n; j++) ok = ok && tokens_push(ids, (int32_t)tokens->item[j].number);
        if (tokens) continue;
        *nx = (int)json_member(k, "nx")->number, *ny = (int)json_member(k, "ny")->number;
        for (int r = 0; r < *nx * *ny; r++) ok = ok && tokens_push(ids, -1 - row++);
    }
    return ok;
}

/* The prompt with the model's marks for llama.cpp's "<__media__>", into ids. */
static bool our_ids(const struct model *m, const struct json_value *c, const struct album *a, struct tokens *ids,
                    struct error *e)
{
    static const char media[] = "<__media__>";
    const char *prompt = json_member(c, "prompt")->string, *at = strstr(prompt, media);
    char *mark = look_mark("", 1), text[1024];
    int n =
        !at || !mark ? -1 : snprintf(text, sizeof text, "%.*s%s%s", (int)(at - prompt), prompt, mark, at + sizeof media - 1);
    free(mark);
    return n > 0 && (size_t)n < sizeof text && tokenize(m->tokenizer, text, (size_t)n, TOKENIZE_PARSE_SPECIAL, ids, e) &&
           look_place(m->tokenizer, a, ids, e);
}

/* The picture's rows as our tower makes them of its file. */
static bool our_album(const char *folder, const struct model *m, const struct json_value *c, bool exact, struct album *a,
                      struct error *e)
{
    char image[700], mmproj[700], clamp[64];
    struct looked looked;
    int least = (int)json_member(c, "min_tokens")->number, most = (int)json_member(c, "max_tokens")->number;
    snprintf(image, sizeof image, "%s/%s", folder, json_member(c, "image")->string);
    snprintf(mmproj, sizeof mmproj, "%s/mmproj-tiny-%s.gguf", folder, json_member(c, "mmproj")->string);
    snprintf(clamp, sizeof clamp, "tokens:%d..%d", least < 0 ? 8 : least, most < 0 ? 4096 : most);
    bool ok = look(a, m,
                   &(struct look_options){
                       .images = image, .mmproj = mmproj, .clamp = clamp, .threads = 2, .exact = exact, .max_tokens = 4096},
                   &looked, e);
    looked_free(&looked);
    return ok;
}

/* One prompt: with llama.cpp's own ids and embeddings, so that the text part alone is judged, or, `whole`, from text and
 * picture to ids. */
static void test_case(const char *folder, const struct json_value *c, bool exact, bool whole)
{
    char path[700], name[160], who[64];
    struct error e = {""};
    struct album a = {0};
    struct tokens ids = {0}, ours = {0};
    const char *kind = json_member(c, "text")->string, *tag = json_member(c, "tag")->string;
    bool half = !strcmp(kind, "f16");
    int nx = 0, ny = 0;
    snprintf(who, sizeof who, "%s%s: %s", tag, whole ? " from text and picture" : "", exact ? "exact" : "fast");
    snprintf(path, sizeof path, "%s/tiny-qwen2vl-%s.gguf", folder, kind);
    struct model *m = model_open(path, NULL, whole ? 0 : MODEL_NO_TOKENIZER, &e);
    bool ok = m && case_ids(c, &ids, &nx, &ny);
    if (ok && whole) {
        ok = our_album(folder, m, c, exact, &a, &e) && our_ids(m, c, &a, &ours, &e);
        snprintf(name, sizeof name, "%s, llama.cpp's ids", who);
        TEST(name, ok && ours.n == ids.n && !memcmp(ours.id, ids.id, ids.n * sizeof *ids.id), "%s %zu of %zu", e.text, ours.n,
             ids.n);
    } else if (ok) {
        snprintf(path, sizeof path, "%s/oracle/%s.embd.f32", folder, tag);
        float *rows = file_floats(path, (size_t)nx * (size_t)ny * (size_t)m->hp.n_embd);
        ok = rows && album_add(&a, nx, ny, m->hp.n_embd, rows, &e);
        free(rows);
    }
    size_t n_vocab = ok ? (size_t)m->hp.n_vocab : 1;
    snprintf(path, sizeof path, "%s/oracle/%s.logits.f32", folder, tag);
    float *want = ok ? file_floats(path, n_vocab) : NULL;
    const struct json_value *greedy = json_member(c, "greedy"), *margin = json_member(c, "greedy_margin");
    struct session *s =
        want ? session_new(
                   m, &(struct session_options){.n_ctx = ids.n + greedy->n, .kv_type = TYPE_F16, .exact = exact, .album = &a},
                   &e)
             : NULL;
    ok = s && session_feed(s, ids.id, ids.n, PHASE_PREFILL, NULL, NULL, &e);
    /* Halves of activations, keys and values are llama.cpp's, or ours on the fast path. */
    double exactly = whole ? 2e-2 : 5e-3; /* of rows that are up to 5e-3 from llama.cpp's (tower.c) */
    double tolerance = exact && !half ? exactly : 5e-2, d = ok ? apart(session_logits(s), want, n_vocab) : NAN;
    snprintf(name, sizeof name, "%s logits within %g", who, tolerance);
    TEST(name, d <= tolerance, "%s max-abs %g", e.text, d);
    size_t past = (size_t)json_member(c, "n_past_after_prompt")->number, wrong = ok ? 0 : greedy->n;
    snprintf(name, sizeof name, "%s, text goes on at %zu", who, past);
    TEST(name, ok && (size_t)s->places[ids.n - 1].next == past, "%d", ok ? s->places[ids.n - 1].next : -1);
    for (size_t i = 0; ok && i < greedy->n; i++) {
        int32_t id = (int32_t)greedy->item[i].number, best = 0;
        const float *l = session_logits(s);
        for (int32_t v = 1; v < (int32_t)n_vocab; v++) best = l[v] > l[best] ? v : best;
        wrong += best != id && margin->item[i].number >= 2 * tolerance;
        ok = i + 1 == greedy->n || session_feed(s, &id, 1, PHASE_DECODE, NULL, NULL, &e);
    }
    snprintf(name, sizeof name, "%s greedy ids where margins allow", who);
    TEST(name, ok && !wrong, "%s %zu steps differ", e.text, wrong);
    session_free(s);
    free(want);
    album_free(&a);
    tokens_free(&ids);
    tokens_free(&ours);
    model_close(m);
}

int main(void)
{
    char message[256], path[512];
    if (!kernel_init(getenv("HARTREE_ISA"), getenv("HARTREE_KERNEL"), message, sizeof message) ||
        !test_folder(dir, sizeof dir)) {
        printf("FAIL kernels or temporary folder: %s\n", message);
        return 1;
    }
    test_places();
    test_made_up();
    test_reference(5, 3, 4);
    test_reference(0, 7, 2);
    test_reference(20, 1, 4); /* the prompt ends in it */
    test_bad_sections();
    test_prompts();
    rmdir(dir);
    snprintf(path, sizeof path, "%s/oracle/vl", test_shared() ? test_shared() : "");
    struct json_value *manifest = test_shared() ? json_file(path, "oracle/manifest.json") : NULL;
    if (manifest) {
        const struct json_value *cases = json_member(manifest, "cases");
        for (size_t i = 0; i < 2 * cases->n; i++) test_case(path, &cases->item[i / 2], i % 2 == 0, false);
        for (size_t i = 0; picture_libpng() && i < 2 * cases->n; i++) test_case(path, &cases->item[i / 2], i % 2 == 0, true);
        if (!picture_libpng()) SKIP("llama.cpp's numbers from text and picture", "found no libpng");
    } else
        SKIP("llama.cpp's numbers", "no reference data (HARTREE_SHARED)");
    json_free(manifest);
    TEST_MAIN_END();
}
