/* unicode.c - look-ups in the tables of unicode_table.c.
 * SPDX-License-Identifier: MIT */
#include "engine/text/unicode.h"

uint8_t unicode_class(uint32_t c)
{
    if (c > 0x10FFFF) return 0;
    size_t low = 0, high = unicode_class_count; /* ranges[low].c <= c < ranges[high].c */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (unicode_class_ranges[middle] >> 8 <= c) low = middle;
        else high = middle;
    }
    return (uint8_t)unicode_class_ranges[low];
}

uint32_t unicode_lower(uint32_t c)
{
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    size_t low = 0, high = unicode_lower_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct unicode_lower_range *r = &unicode_lower_ranges[middle];
        if (c < r->first) high = middle;
        else if (c > r->last) low = middle + 1;
        else return (c - r->first) % r->step == 0 ? (uint32_t)((int32_t)c + r->delta) : c;
    }
    return c;
}

/* Hangul syllables are arithmetic: leading, vowel and trailing jamo (The Unicode Standard, section 3.12). */
enum { HANGUL_BASE = 0xAC00, HANGUL_END = 0xD7A4, HANGUL_VOWELS = 21, HANGUL_TRAILS = 28 };

size_t unicode_bare(uint32_t c, uint32_t out[3])
{
    out[0] = c;
    if (c < 0xC0) return 1;
    if (unicode_class(c) & UNICODE_NONSPACING) return 0;
    if (c >= HANGUL_BASE && c < HANGUL_END) {
        uint32_t i = c - HANGUL_BASE, trail = i % HANGUL_TRAILS;
        out[0] = 0x1100 + i / HANGUL_TRAILS / HANGUL_VOWELS;
        out[1] = 0x1161 + i / HANGUL_TRAILS % HANGUL_VOWELS;
        out[2] = 0x11A7 + trail;
        return trail ? 3 : 2;
    }
    size_t low = 0, high = unicode_bare_one_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct unicode_bare_one *b = &unicode_bare_ones[middle];
        if (c < b->c) high = middle;
        else if (c > b->c) low = middle + 1;
        else {
            out[0] = b->bare;
            return 1;
        }
    }
    for (size_t i = 0; i < unicode_bare_many_count; i++) {
        if (unicode_bare_manys[i].c != c) continue;
        size_t n = 0;
        for (; n < 3 && unicode_bare_manys[i].bare[n]; n++) out[n] = unicode_bare_manys[i].bare[n];
        return n;
    }
    return 1;
}
