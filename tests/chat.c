/* Chat formats: recognised from templates, rendered, and equal to the reference prompts where they are there.
 * SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "engine/text/chat.h"
#include "loader/file.h"
#include "tests/json_file.h"

static const struct chat_message talk[] = {
    {"system", " Be brief. "}, {"user", " Hi\n"}, {"assistant", " Hello! "}, {"user", "Bye"},
};

static void expect_render(const char *format, size_t first, const char *text)
{
    struct error e = {""};
    struct tokenizer none = {0};
    const struct chat_format *f = chat_format_find(&none, format, &e);
    char *got = f ? chat_render(f, talk + first, 4 - first, true) : NULL;
    char name[64];
    snprintf(name, sizeof name, "%s, %s a system message", format, first ? "without" : "with");
    TEST(name, got && strcmp(got, text) == 0, "found '%s' %s", got ? got : "", e.text);
    free(got);
}

static void expect_format(const char *template, const char *name)
{
    struct error e = {""};
    struct tokenizer t = {.chat_template = {template, template ? strlen(template) : 0}};
    const struct chat_format *f = chat_format_find(&t, NULL, &e);
    char test[64];
    snprintf(test, sizeof test, "template of %s", name ? name : "no family");
    if (name) TEST(test, f && strcmp(chat_format_name(f), name) == 0, "found %s %s", f ? chat_format_name(f) : "none", e.text);
    else
        TEST(test, !f && strstr(e.text, "--chat-format") && strstr(e.text, "chatml"), "found %s %s",
             f ? chat_format_name(f) : "", e.text);
}

static void test_rendering(void)
{
    expect_render(
        "chatml", 0,
        "<|im_start|>system\n Be brief. <|im_end|>\n<|im_start|>user\n Hi\n<|im_end|>\n<|im_start|>assistant\n Hello! "
        "<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n");
    expect_render(
        "qwen2.5", 1,
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\n Hi\n<|im_end|>\n<|im_start|>assistant\n Hello! <|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
        "<|im_start|>assistant\n");
    expect_render("gemma", 0,
                  "<start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello!<end_of_turn>\n"
                  "<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n");
    expect_render("llama3", 0,
                  "<|start_header_id|>system<|end_header_id|>\n\nBe "
                  "brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
                  "<|start_header_id|>assistant<|end_header_id|>\n\nHello!<|eot_id|><|start_header_id|>user<|end_header_id|>"
                  "\n\nBye<|eot_id|>"
                  "<|start_header_id|>assistant<|end_header_id|>\n\n");
    expect_render("llama2-sys", 0, "[INST] <<SYS>>\n Be brief. \n<</SYS>>\n\n Hi\n [/INST] Hello! </s>[INST] Bye [/INST]");
    expect_render("llama2-sys-bos", 1, "[INST]  Hi\n [/INST] Hello! </s><s>[INST] Bye [/INST]");
    expect_render("mistral-v1", 0, " [INST]  Be brief. \n\n Hi\n [/INST]  Hello! </s> [INST] Bye [/INST]");
    expect_render("mistral-v3", 1, "[INST]  Hi\n[/INST] Hello!</s>[INST] Bye[/INST]");
    expect_render("mistral-v7", 0,
                  "[SYSTEM_PROMPT]  Be brief. [/SYSTEM_PROMPT][INST]  Hi\n[/INST]  Hello! </s>[INST] Bye[/INST]");
    expect_render(
        "zephyr", 1,
        "<|user|>\n Hi\n<|endoftext|>\n<|assistant|>\n Hello! <|endoftext|>\n<|user|>\nBye<|endoftext|>\n<|assistant|>\n");
    expect_render("phi3", 1, "<|user|>\n Hi\n<|end|>\n<|assistant|>\n Hello! <|end|>\n<|user|>\nBye<|end|>\n<|assistant|>\n");
    expect_render("deepseek3", 1, "<｜User｜> Hi\n<｜Assistant｜> Hello! <｜end▁of▁sentence｜><｜User｜>Bye<｜Assistant｜>");
    expect_render("deepseek", 1,
                  "### Instruction:\n Hi\n\n### Response:\n Hello! \n<|EOT|>\n### Instruction:\nBye\n### Response:\n");
}

static void test_recognition(void)
{
    expect_format("{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>'}}", "chatml");
    expect_format("'<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n'",
                  "qwen2.5");
    expect_format("'<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n'", "qwen2");
    expect_format("'<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n'",
                  "smollm2");
    expect_format("<start_of_turn>{{ role }}", "gemma");
    expect_format("<|start_header_id|>{{ role }}<|end_header_id|>", "llama3");
    expect_format("bos_token + '[INST] ' + '<<SYS>>\\n' + content.strip()", "llama2-sys-strip");
    expect_format("'[INST] ' + '<<SYS>>'", "llama2-sys");
    expect_format("[INST] {{ content }} [/INST]", "llama2");
    expect_format("{{ ' [INST] ' + system_message }}", "mistral-v1");
    expect_format("[AVAILABLE_TOOLS] '[INST] '", "mistral-v3");
    expect_format("[SYSTEM_PROMPT] [INST]", "mistral-v7");
    expect_format("<|user|> <|endoftext|>", "zephyr");
    expect_format("{{ '<|user|>\n' + message['content'] + eos_token }} <|assistant|>", "tinyllama");
    expect_format("<|user|> <|assistant|> <|end|>", "phi3");
    expect_format("### Instruction: <|EOT|>", "deepseek");
    expect_format("<｜Assistant｜><｜User｜><｜end▁of▁sentence｜>", "deepseek3");
    expect_format("{{ messages }}", NULL);
    expect_format(NULL, NULL);
    struct error e = {""};
    struct tokenizer none = {0};
    TEST("an unknown name is refused, and the known ones listed",
         !chat_format_find(&none, "no-such", &e) && strstr(e.text, "no-such") && strstr(e.text, "llama3"), "%s", e.text);
    size_t n = 0, twice = 0;
    for (; chat_format_at(n); n++)
        for (size_t i = 0; i < n; i++)
            twice += strcmp(chat_format_name(chat_format_at(i)), chat_format_name(chat_format_at(n))) == 0;
    TEST("names are listed once each", n > 10 && twice == 0, "%zu names, %zu twice", n, twice);
}

/* Renders all cases that hold messages; `format` NULL: from the file's template. */
static void check_cases(const char *test, const char *model, const char *format, const struct json_value *cases)
{
    struct error e = {""};
    struct file_options header = {.header_only = true};
    struct model_file *file = model_file_open(model, &header, &e);
    struct tokenizer *t = file ? tokenizer_new(file->gguf, &e) : NULL;
    const struct chat_format *f = t ? chat_format_find(t, format, &e) : NULL;
    size_t n = 0, wrong = 0;
    for (size_t i = 0; f && cases && i < cases->n; i++) {
        const struct json_value *c = &cases->item[i], *messages = json_member(c, "messages"), *prompt = json_member(c, "prompt");
        struct chat_message m[16];
        if (!messages || messages->type != JSON_ARRAY || messages->n > 16) continue;
        for (size_t k = 0; k < messages->n; k++) {
            const struct json_value *one = &messages->item[k];
            m[k] = (struct chat_message){json_member(one, "role")->string, json_member(one, "content")->string};
        }
        char *got = chat_render(f, m, messages->n, true);
        wrong += !got || strcmp(got, prompt->string) != 0;
        free(got);
        n++;
    }
    TEST(test, n > 0 && wrong == 0, "%zu of %zu differ %s", wrong, n, e.text);
    tokenizer_free(t);
    model_file_close(file);
}

static void test_reference(const char *shared, const char *models)
{
    static const char *const files[][2] = {{"qwen2.5-coder-0.5b", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"},
                                           {"qwen2.5-coder-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"},
                                           {"gemma-3-270m", "gemma-3-270m-q4_k_m.gguf"}};
    char folder[400], name[128], model[512];
    snprintf(folder, sizeof folder, "%s/oracle/real", shared);
    for (size_t i = 0; i < 3; i++) {
        bool gemma = i == 2; /* its file has no template, so its cases stand apart and the format is named */
        snprintf(name, sizeof name, "%s.manifest.json", files[i][0]);
        struct json_value *v = json_file(folder, name);
        if (!v) continue;
        snprintf(model, sizeof model, "%s/%s", models, files[i][1]);
        snprintf(name, sizeof name, "reference: chats of %s", files[i][0]);
        check_cases(name, model, gemma ? "gemma" : NULL, json_find(v, gemma ? "chat.cases" : "prompts"));
        json_free(v);
    }
}

int main(void)
{
    test_rendering();
    test_recognition();
    const char *shared = test_shared(), *models = test_models();
    if (shared && models) test_reference(shared, models);
    else SKIP("reference chats", "no reference data or no models here");
    TEST_MAIN_END();
}
