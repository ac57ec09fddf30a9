/* Formats as llama.cpp's built-in ones render them (src/llama-chat.cpp), recognised by the same marks; where a family's own
 * template says more (Qwen's default system message), the row says it too. SPDX-License-Identifier: MIT */
#include "engine/text/chat.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* What stands around a message. */
struct frame {
    const char *before, *after;
};

struct chat_format {
    const char *name;
    /* The template is of this family if it holds all of `marks` and not `absent`; the first row that fits counts. A row without
     * marks is only taken by name. */
    const char *marks[4], *absent;
    struct frame system, user, assistant;
    const char *reply;          /* opens the assistant's turn */
    const char *default_system; /* put first where the conversation has no system message of its own */
    /* Formats in which a turn is question and answer together: what opens it, the first time and after an answer. */
    const char *turn, *next_turn;
    bool trim;              /* blanks around all contents are dropped */
    bool trim_assistant;    /* around the assistant's only */
    bool system_in_user;    /* no system turn: its text goes before the next user message, as `system` frames it */
};

#define CHATML                                                                                                           \
    .system = {"<|im_start|>system\n", "<|im_end|>\n"}, .user = {"<|im_start|>user\n", "<|im_end|>\n"},                  \
    .assistant = {"<|im_start|>assistant\n", "<|im_end|>\n"}, .reply = "<|im_start|>assistant\n"
#define LLAMA2(sys_before, sys_after, again)                                                                             \
    .system = {sys_before, sys_after}, .user = {"", " [/INST]"}, .assistant = {"", "</s>"}, .reply = "", .turn = "[INST] ", \
    .next_turn = again
#define ROLES(end)                                                                                                             \
    .system = {"<|system|>\n", end}, .user = {"<|user|>\n", end}, .assistant = {"<|assistant|>\n", end},                       \
    .reply = "<|assistant|>\n"

static const struct chat_format formats[] = {
    {"qwen2.5",
     {"<|im_start|>", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>"},
     NULL,
     CHATML,
     .default_system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."},
    {"smollm2",
     {"<|im_start|>", "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>"},
     NULL,
     CHATML,
     .default_system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"},
    {"qwen2",
     {"<|im_start|>", "You are a helpful assistant.<|im_end|>"},
     NULL,
     CHATML,
     .default_system = "You are a helpful assistant."},
    {"phi4",
     {"<|im_start|>", "<|im_sep|>"},
     NULL,
     .system = {"<|im_start|>system<|im_sep|>", "<|im_end|>"},
     .user = {"<|im_start|>user<|im_sep|>", "<|im_end|>"},
     .assistant = {"<|im_start|>assistant<|im_sep|>", "<|im_end|>"},
     .reply = "<|im_start|>assistant<|im_sep|>"},
    {"chatml", {"<|im_start|>"}, "<end_of_utterance>", CHATML},
    {"mistral-v7",
     {"[INST]", "[SYSTEM_PROMPT]"},
     NULL,
     .system = {"[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT]"},
     .user = {"[INST] ", "[/INST]"},
     .assistant = {" ", "</s>"},
     .reply = ""},
    {"mistral-v7-tekken",
     {0},
     NULL,
     .system = {"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"},
     .user = {"[INST]", "[/INST]"},
     .assistant = {"", "</s>"},
     .reply = ""},
    {"mistral-v1",
     {"[INST]", "' [INST] ' + system_message"},
     NULL,
     .system = {"", "\n\n"},
     .user = {"", " [/INST]"},
     .assistant = {" ", "</s>"},
     .reply = "",
     .turn = " [INST] ",
     .next_turn = " [INST] "},
    {"mistral-v3-tekken",
     {"\"[INST]\"", "[AVAILABLE_TOOLS]"},
     " [INST]",
     .system = {"", "\n\n"},
     .user = {"", "[/INST]"},
     .assistant = {"", "</s>"},
     .reply = "",
     .turn = "[INST]",
     .next_turn = "[INST]"},
    {"mistral-v3",
     {"[INST]", "[AVAILABLE_TOOLS]"},
     " [INST]",
     .system = {"", "\n\n"},
     .user = {"", "[/INST]"},
     .assistant = {" ", "</s>"},
     .reply = "",
     .turn = "[INST] ",
     .next_turn = "[INST] ",
     .trim_assistant = true},
    {"llama2-sys-strip",
     {"[INST]", "content.strip()"},
     "[AVAILABLE_TOOLS]",
     LLAMA2("<<SYS>>\n", "\n<</SYS>>\n\n", "[INST] "),
     .trim = true},
    {"llama2-sys-bos",
     {"[INST]", "bos_token + '[INST]"},
     "[AVAILABLE_TOOLS]",
     LLAMA2("<<SYS>>\n", "\n<</SYS>>\n\n", "<s>[INST] ")},
    {"llama2-sys", {"[INST]", "<<SYS>>"}, "[AVAILABLE_TOOLS]", LLAMA2("<<SYS>>\n", "\n<</SYS>>\n\n", "[INST] ")},
    {"llama2", {"[INST]"}, "[AVAILABLE_TOOLS]", LLAMA2("", "\n", "[INST] ")},
    {"phi3", {"<|assistant|>", "<|end|>"}, NULL, ROLES("<|end|>\n")},
    {"falcon3", {"<|assistant|>", "<|user|>", "</s>"}, "[gMASK]", ROLES("\n")},
    {"zephyr", {"<|user|>", "<|endoftext|>"}, "[gMASK]", ROLES("<|endoftext|>\n")},
    {"tinyllama", {"<|assistant|>", "<|user|>", "message['content'] + eos_token"}, "[gMASK]", ROLES("</s>\n")},
    {"gemma",
     {"<start_of_turn>"},
     NULL,
     .system = {"", "\n\n"},
     .user = {"<start_of_turn>user\n", "<end_of_turn>\n"},
     .assistant = {"<start_of_turn>model\n", "<end_of_turn>\n"},
     .reply = "<start_of_turn>model\n",
     .trim = true,
     .system_in_user = true},
    {"deepseek",
     {"### Instruction:", "<|EOT|>"},
     NULL,
     .system = {"", ""},
     .user = {"### Instruction:\n", "\n"},
     .assistant = {"### Response:\n", "\n<|EOT|>\n"},
     .reply = "### Response:\n"},
    {"llama3",
     {"<|start_header_id|>", "<|end_header_id|>"},
     NULL,
     .system = {"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"},
     .user = {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},
     .assistant = {"<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"},
     .reply = "<|start_header_id|>assistant<|end_header_id|>\n\n",
     .trim = true},
    {"deepseek2",
     {"'Assistant: ' + message['content'] + eos_token"},
     NULL,
     .system = {"", "\n\n"},
     .user = {"User: ", "\n\n"},
     .assistant = {"Assistant: ", "<｜end▁of▁sentence｜>"},
     .reply = "Assistant:"},
    {"deepseek3",
     {"<｜Assistant｜>", "<｜User｜>", "<｜end▁of▁sentence｜>"},
     NULL,
     .system = {"", "\n\n"},
     .user = {"<｜User｜>", ""},
     .assistant = {"<｜Assistant｜>", "<｜end▁of▁sentence｜>"},
     .reply = "<｜Assistant｜>"},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

const char *chat_format_name(const struct chat_format *f) { return f->name; }

const struct chat_format *chat_format_at(size_t i) { return i < N_FORMATS ? &formats[i] : NULL; }

static bool contains(const struct gguf_string *s, const char *part)
{
    size_t n = strlen(part);
    for (size_t i = 0; i + n <= s->len; i++)
        if (memcmp(s->data + i, part, n) == 0) return true;
    return false;
}

static bool fits(const struct chat_format *f, const struct gguf_string *template)
{
    if (!f->marks[0] || (f->absent && contains(template, f->absent))) return false;
    for (size_t i = 0; i < 4 && f->marks[i]; i++)
        if (!contains(template, f->marks[i])) return false;
    return true;
}

static const struct chat_format *none(struct error *e, const char *what, const char *name)
{
    char names[512] = "";
    for (size_t i = 0, n = 0; i < N_FORMATS; i++) {
        size_t len = strlen(formats[i].name);
        if (n + len + 2 > sizeof names) break;
        if (n) names[n++] = ' ';
        memcpy(names + n, formats[i].name, len + 1);
        n += len;
    }
    fail(e, "%s%.60s, expected --chat-format with one of: %s", what, name, names);
    return NULL;
}

const struct chat_format *chat_format_find(const struct tokenizer *t, const char *name, struct error *e)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        if (name ? strcmp(name, formats[i].name) == 0 : t->chat_template.data && fits(&formats[i], &t->chat_template))
            return &formats[i];
    if (name) return none(e, "chat format: found ", name);
    if (!t->chat_template.data) return none(e, "metadata 'tokenizer.chat_template': found nothing", "");
    return none(e, "metadata 'tokenizer.chat_template': found a template of no known family", "");
}

/* ---- Rendering ---- */

struct text {
    char *s;
    size_t n, capacity;
    bool failed;
};

static void put(struct text *t, const char *s, size_t len)
{
    if (t->failed) return;
    char *grown = memory_grow(t->s, &t->capacity, t->n + len + 1, 1);
    if (!grown) {
        t->failed = true;
        return;
    }
    t->s = grown;
    memcpy(t->s + t->n, s, len);
    t->n += len;
    t->s[t->n] = 0;
}

static void put_string(struct text *t, const char *s) { put(t, s, strlen(s)); }

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static void put_content(struct text *t, const char *s, bool trim)
{
    size_t n = strlen(s);
    while (trim && n > 0 && is_blank(*s)) s++, n--;
    while (trim && n > 0 && is_blank(s[n - 1])) n--;
    put(t, s, n);
}

static void put_framed(struct text *t, const struct frame *f, const char *content, bool trim)
{
    put_string(t, f->before);
    put_content(t, content, trim);
    put_string(t, f->after);
}

static bool is_role(const struct chat_message *m, const char *role) { return strcmp(m->role, role) == 0; }

char *chat_render(const struct chat_format *f, const struct chat_message *m, size_t n, bool add_assistant)
{
    struct text out = {0}, pending = {0}; /* pending: system text that waits for a user message */
    bool in_turn = false, answered = false;
    put(&out, "", 0);
    if (f->default_system && !(n > 0 && is_role(&m[0], "system"))) put_framed(&out, &f->system, f->default_system, f->trim);
    for (size_t i = 0; i < n; i++) {
        bool system = is_role(&m[i], "system"), assistant = is_role(&m[i], "assistant");
        if (system && f->system_in_user) {
            put_content(&pending, m[i].content, f->trim);
            continue;
        }
        if (f->turn && !in_turn) put_string(&out, answered ? f->next_turn : f->turn);
        in_turn = !assistant;
        answered |= assistant;
        if (system || assistant) {
            put_framed(&out, system ? &f->system : &f->assistant, m[i].content, f->trim || (assistant && f->trim_assistant));
            continue;
        }
        put_string(&out, f->user.before);
        if (pending.n > 0) put_framed(&out, &f->system, pending.s, false);
        pending.n = 0;
        put_content(&out, m[i].content, f->trim);
        put_string(&out, f->user.after);
    }
    if (add_assistant) put_string(&out, f->reply);
    free(pending.s);
    if (!out.failed && !pending.failed) return out.s;
    free(out.s);
    return NULL;
}
