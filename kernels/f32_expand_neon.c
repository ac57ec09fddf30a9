/* f32_expand_neon.c - 4 outputs at a time while both vectors have four elements left, which are then loaded whole: bytes are
 * moved to their lanes by a table of the mask's four bits, and the two selected from by the same bits. The rest one by one.
 * SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/kernel.h"

/* Of four bits m: lane i's number among those of its own vector, as the first byte of an element, and that element's four. */
#define ONES(m, i)                                                                                                             \
    ((((m) & ((1 << (i)) - 1)) & 1) + ((((m) & ((1 << (i)) - 1)) >> 1) & 1) + ((((m) & ((1 << (i)) - 1)) >> 2) & 1))
#define NUMBER(m, i) (4 * ((m) >> (i)&1 ? ONES(m, i) : (i)-ONES(m, i)))
#define LANE(m, i)   NUMBER(m, i), NUMBER(m, i) + 1, NUMBER(m, i) + 2, NUMBER(m, i) + 3
#define ROW(m)                                                                                                                 \
    {                                                                                                                          \
        LANE(m, 0), LANE(m, 1), LANE(m, 2), LANE(m, 3)                                                                         \
    }
static const uint8_t places[16][16] = {ROW(0), ROW(1), ROW(2),  ROW(3),  ROW(4),  ROW(5),  ROW(6),  ROW(7),
                                       ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15)};

KERNEL_INLINE float32x4_t moved(const float *p, uint8x16_t to)
{
    return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(vld1q_f32(p)), to));
}

static void f32_expand_neon(const struct expand_args *a)
{
    const uint32x4_t bit = {1, 2, 4, 8};
    const float *x = a->x[0], *z = a->x[1];
    size_t i = 0, z_left = 0, x_left;
    for (size_t k = 0; k < a->n; k += 64) {
        const uint64_t there = a->n - k < 64 ? ((uint64_t)1 << (a->n - k)) - 1 : ~(uint64_t)0;
        z_left += (size_t)__builtin_popcountll(a->mask[k / 64] & there);
    }
    x_left = a->n - z_left;
    for (; x_left >= 4 && z_left >= 4; i += 4) {
        const unsigned second = (unsigned)(a->mask[i / 64] >> i % 64) & 15;
        const uint8x16_t to = vld1q_u8(places[second]);
        const uint32x4_t of_second = vtstq_u32(vdupq_n_u32(second), bit);
        const float32x4_t v = vbslq_f32(of_second, moved(z, to), moved(x, to));
        vst1q_f32(a->y + i, a->add ? vaddq_f32(vld1q_f32(a->y + i), v) : v);
        const size_t n_second = places[second][12] / 4 + 1; /* of lane 3 the vector's last number, and one more */
        const size_t taken = second & 8 ? n_second : 4 - n_second;
        z += taken, z_left -= taken;
        x += 4 - taken, x_left -= 4 - taken;
    }
    for (; i < a->n; i++) {
        const float next = a->mask[i / 64] >> i % 64 & 1 ? *z++ : *x++;
        a->y[i] = a->add ? a->y[i] + next : next;
    }
}

KERNEL(f32_expand, neon, .needs = VEC_NEEDS, .exact = true);
