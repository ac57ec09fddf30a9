/* zstd.c - inflating .gguf.zst files with libzstd, where the build has it.
 *
 * libzstd refuses windows above 128 MiB by itself, so that what a hostile file costs is that and `max`.
 * SPDX-License-Identifier: MIT */
#include "loader/inflate.h"

#include <string.h>

bool inflate_recognises(const void *data, size_t size)
{
    return size >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0;
}

#ifdef HAVE_ZSTD

#include <inttypes.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/memory.h"

static const uint64_t most = UINT64_C(64) << 30;
static const size_t slice = 1 << 20; /* compressed bytes between two calls of progress */

struct inflate {
    ZSTD_DStream *stream;
    ZSTD_inBuffer in;
    size_t total_in;
    char *out;
    size_t n, cap;
    uint64_t max;
    bool ended;
};

static bool too_large(const struct inflate *s, struct error *e)
{
    return fail(e, "found more than %" PRIu64 " bytes when inflated, expected no more (the limit, or the free memory)", s->max);
}

/* One byte above max is room enough to see that the file goes beyond. */
static bool reserve(struct inflate *s, uint64_t cap, struct error *e)
{
    if (cap > s->max + 1) cap = s->max + 1;
    if (cap <= s->cap) return true;
    char *p = cap <= SIZE_MAX ? realloc(s->out, cap) : NULL;
    if (!p) return fail(e, "found no memory for %" PRIu64 " inflated bytes, expected enough", cap);
    s->out = p;
    s->cap = cap;
    return true;
}

struct inflate *inflate_new(const void *data, size_t size, uint64_t max, struct error *e)
{
    struct inflate *s = calloc(1, sizeof *s);
    if (s) s->stream = ZSTD_createDStream();
    if (!s || !s->stream) {
        fail(e, "found no memory for inflating, expected some");
        inflate_free(s);
        return NULL;
    }
    uint64_t memory = max ? max : memory_available();
    s->max = max ? max : memory < most ? memory : most;
    s->in.src = data;
    s->total_in = size;
    /* What the first frame says of itself saves copying; there may be more frames, and it may lie. */
    unsigned long long says = ZSTD_getFrameContentSize(data, size);
    bool known = says != ZSTD_CONTENTSIZE_UNKNOWN && says != ZSTD_CONTENTSIZE_ERROR;
    if ((known && says > s->max && !too_large(s, e)) || !reserve(s, known ? says + 1 : (uint64_t)size * 2 + slice, e)) {
        inflate_free(s);
        return NULL;
    }
    return s;
}

void inflate_free(struct inflate *s)
{
    if (!s) return;
    ZSTD_freeDStream(s->stream);
    free(s->out);
    free(s);
}

bool inflate_to(struct inflate *s, uint64_t want, void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                struct error *e)
{
    while (!s->ended && s->n < want) {
        if (s->n > s->max) return too_large(s, e);
        if (s->n == s->cap && !reserve(s, (uint64_t)s->cap + s->cap / 2 + slice, e)) return false;
        ZSTD_outBuffer out = {s->out, s->cap, s->n};
        s->in.size = s->total_in - s->in.pos > slice ? s->in.pos + slice : s->total_in;
        size_t rest = ZSTD_decompressStream(s->stream, &out, &s->in);
        if (ZSTD_isError(rest)) return fail(e, "zstd byte %zu: found damage (%s), expected a whole zstd file", s->in.pos,
                                            ZSTD_getErrorName(rest));
        s->n = out.pos;
        bool drained = s->in.pos == s->total_in;
        s->ended = rest == 0 && drained;
        if (drained && rest && out.pos < out.size)
            return fail(e, "zstd byte %zu: found the end of the file, expected more of the frame: the file is cut short",
                        s->in.pos);
        if (progress) progress(ctx, s->in.pos, s->total_in);
    }
    return s->n <= s->max || too_large(s, e);
}

const void *inflate_bytes(const struct inflate *s, size_t *size)
{
    *size = s->n;
    return s->out;
}

bool inflate_ended(const struct inflate *s) { return s->ended; }

const char *inflate_version(void) { return ZSTD_versionString(); }

#else /* the one call that can be reached says what to do */

struct inflate *inflate_new(const void *data, size_t size, uint64_t max, struct error *e)
{
    (void)data, (void)size, (void)max;
    fail(e, "found a zstd file, expected GGUF: this build has no libzstd; inflate it (zstd -d), or build with libzstd-dev");
    return NULL;
}

void inflate_free(struct inflate *s) { (void)s; }

bool inflate_to(struct inflate *s, uint64_t want, void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                struct error *e)
{
    (void)s, (void)want, (void)progress, (void)ctx;
    return fail(e, "found a zstd file, expected GGUF");
}

const void *inflate_bytes(const struct inflate *s, size_t *size)
{
    (void)s;
    *size = 0;
    return NULL;
}

bool inflate_ended(const struct inflate *s)
{
    (void)s;
    return true;
}

const char *inflate_version(void) { return NULL; }

#endif
