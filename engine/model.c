/* SPDX-License-Identifier: MIT */
#include "engine/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/printable.h"

static void set_name(struct model *m, const char *path)
{
    struct gguf_string s = {NULL, 0};
    if (gguf_get_string(m->gguf, "general.name", &s, NULL) == GGUF_FOUND && s.len) {
        size_t n = s.len < sizeof m->name - 1 ? s.len : sizeof m->name - 1;
        memcpy(m->name, s.data, n);
        m->name[n] = 0;
    } else {
        const char *slash = strrchr(path, '/');
        snprintf(m->name, sizeof m->name, "%s", slash ? slash + 1 : path);
    }
    printable_only(m->name); /* it goes to terminals and reports: nothing in it may be a control sequence */
}

void model_describe(struct model *m, const struct gguf *g, const char *path)
{
    m->gguf = g;
    set_name(m, path);
    for (size_t i = 0; i < g->n_tensors; i++) {
        m->tensor_bytes += g->tensors[i].bytes;
        m->parameters += tensor_parameters(&g->tensors[i]);
    }
}

bool model_bind(struct model *m, const struct gguf *g, const char *path, int flags, struct error *e)
{
    struct gguf_string name = {"", 0};
    enum gguf_presence presence = gguf_get_string(g, "general.architecture", &name, e);
    if (presence == GGUF_WRONG) return false;
    if (presence == GGUF_ABSENT)
        return fail(e, "metadata 'general.architecture': found nothing, expected the name of an architecture");
    m->arch = arch_find(name, e);
    if (!m->arch || !hparams_read(&m->hp, m->arch, g, e)) return false;
    model_describe(m, g, path);
    if (flags & (MODEL_HEADER_ONLY | MODEL_NO_TOKENIZER)) return true;
    m->tokenizer = tokenizer_new(g, e);
    if (!m->tokenizer) return false;
    if (m->tokenizer->n_vocab != m->hp.n_vocab)
        return fail(e, "metadata 'tokenizer.ggml.tokens': found %d tokens, expected %d as token_embd.weight has rows",
                    m->tokenizer->n_vocab, m->hp.n_vocab);
    return true;
}

struct model *model_open(const char *path, const struct file_options *o, int flags, struct error *e)
{
    struct file_options options = o ? *o : (struct file_options){0};
    options.header_only = flags & MODEL_HEADER_ONLY;
    struct model *m = calloc(1, sizeof *m);
    if (!m) {
        fail(e, "%s: found no memory for the model's tables, expected %zu bytes", path, sizeof *m);
        return NULL;
    }
    m->file = model_file_open(path, &options, e);
    if (!m->file) {
        free(m);
        return NULL;
    }
    m->file_bytes = m->file->bytes;
    if (!model_bind(m, m->file->gguf, path, flags, e)) {
        fail_in(e, path);
        model_close(m);
        return NULL;
    }
    return m;
}

void model_close(struct model *m)
{
    if (!m) return;
    tokenizer_free(m->tokenizer);
    model_file_close(m->file);
    gguf_free(m->header_gguf);
    free(m->header);
    free(m);
}

size_t model_tables_memory(const struct model *m)
{
    return sizeof *m + gguf_memory(m->gguf) + (m->tokenizer ? tokenizer_memory(m->tokenizer) : 0);
}

const struct tensor *model_tensor(const struct model *m, int layer, const char *name)
{
    char full[TENSOR_MAX_NAME];
    if (layer < 0) snprintf(full, sizeof full, "%s", name);
    else snprintf(full, sizeof full, "blk.%d.%s", layer, name);
    return gguf_tensor(m->gguf, full);
}
