/* SPDX-License-Identifier: MIT */
#include "engine/compress/overlay.h"

#include <stdlib.h>
#include <string.h>

bool overlay_new(struct overlay *o, const struct model *m, struct error *e)
{
    *o = (struct overlay){.model = *m, .gguf = *m->gguf, .original = m->gguf};
    size_t n = m->gguf->n_tensors;
    o->gguf.tensors = malloc((n + 1) * sizeof *o->gguf.tensors);
    if (!o->gguf.tensors) return fail(e, "found no memory for a table of %zu tensors", n);
    memcpy(o->gguf.tensors, m->gguf->tensors, n * sizeof *o->gguf.tensors);
    o->model.gguf = &o->gguf;
    return true;
}

void overlay_free(struct overlay *o)
{
    free(o->gguf.tensors);
    *o = (struct overlay){.original = NULL};
}

void overlay_put(struct overlay *o, const char *name, const float *data)
{
    const struct tensor *was = gguf_tensor(o->original, name);
    if (!was) return;
    struct tensor *t = &o->gguf.tensors[was - o->original->tensors];
    *t = *was;
    if (!data) return;
    t->type = TYPE_F32;
    t->row_bytes = (size_t)t->ne[0] * sizeof *data;
    t->bytes = t->row_bytes * (size_t)tensor_rows(t);
    t->data = data;
}
