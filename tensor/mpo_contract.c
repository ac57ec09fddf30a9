/* mpo_contract.c - a contraction in any order of cores, for factors that make the stored order dear. States lie as
 * [digit 1] .. [digit d][open bonds], so that the first is the layer's input and the last its output; a step reads and writes
 * them by strides and multiplies dequantised rows of its core with float activations. SPDX-License-Identifier: MIT */
#include <string.h>

#include "kernels/kernel.h"
#include "tensor/mpo.h"

/* Whether bond b, between cores b - 1 and b, is summed over by neither or by one of the two. */
static bool is_open(const struct mpo *m, unsigned done, int b)
{
    return b > 0 && b < m->d && (done >> (b - 1) & 1) != (done >> b & 1);
}

static size_t digit_size(const struct mpo *m, unsigned done, int j)
{
    return done >> j & 1 ? m->o[j] : m->i[j];
}

/* Strides of a state: of each digit, and of each bond, 0 where it is not open. Returns the state's elements. */
static size_t strides(const struct mpo *m, unsigned done, size_t *digit, size_t *bond)
{
    size_t stride = 1;
    for (int b = m->d; b >= 0; b--) {
        bond[b] = is_open(m, done, b) ? stride : 0;
        if (bond[b]) stride *= m->r[b];
    }
    for (int j = m->d - 1; j >= 0; j--) {
        digit[j] = stride;
        stride *= digit_size(m, done, j);
    }
    return stride;
}

struct mpo_contraction mpo_contraction(const struct mpo *m, const int *order, int step)
{
    unsigned before = 0, after;
    size_t digit_in[MPO_MAX_CORES], bond_in[MPO_MAX_CORES + 1], digit_out[MPO_MAX_CORES], bond_out[MPO_MAX_CORES + 1];
    for (int j = 0; j < step; j++) before |= 1u << order[j];
    int k = order[step];
    after = before | 1u << k;
    struct mpo_contraction c = {.core = k, .batch = 1, .last = step == m->d - 1};
    c.n_in = strides(m, before, digit_in, bond_in);
    c.n_out = strides(m, after, digit_out, bond_out);
    c.sum_left = is_open(m, before, k);
    c.sum_right = is_open(m, before, k + 1) || k == m->d - 1; /* beyond the last core there is one element to sum over */
    c.in_i = digit_in[k], c.in_left = bond_in[k], c.in_right = bond_in[k + 1];
    c.out_o = digit_out[k], c.out_left = bond_out[k], c.out_right = bond_out[k + 1];
    for (int j = 0; j < m->d; j++)
        if (j != k) c.axis[c.n_axes++] = (struct mpo_axis){digit_size(m, before, j), digit_in[j], digit_out[j]};
    for (int b = 1; b < m->d; b++)
        if (b != k && b != k + 1 && is_open(m, before, b))
            c.axis[c.n_axes++] = (struct mpo_axis){m->r[b], bond_in[b], bond_out[b]};
    for (int a = 0; a < c.n_axes; a++) c.batch *= c.axis[a].n;
    return c;
}

size_t mpo_contract_scratch(const struct mpo *m, int k)
{
    return 2 * m->i[k] * m->r[k + 1] + m->r[k + 1];
}

/* One row (o, a) of the core with one place of the batch. */
static void contract_one(const struct mpo *m, const struct mpo_contraction *c, const float *row, size_t a, const float *x,
                         float *y, float bias, float *scratch)
{
    size_t n_i = m->i[c->core], n_b = m->r[c->core + 1];
    const float *from = x + (c->sum_left ? a * c->in_left : 0);
    bool add = c->sum_left && a;
    if (!c->sum_left) y += a * c->out_left;
    if (c->sum_right) {
        float v;
        for (size_t i = 0; i < n_i; i++)
            for (size_t b = 0; b < n_b; b++) scratch[i * n_b + b] = from[i * c->in_i + b * c->in_right];
        K.f32_dot(&(struct dot_args){.y = &v,
                                     .ldy = 1,
                                     .w = row,
                                     .w_stride = n_i * n_b * sizeof v,
                                     .rows = 1,
                                     .x = scratch,
                                     .x_stride = n_i * n_b * sizeof v,
                                     .cols = 1,
                                     .n = n_i * n_b});
        *y = (add ? *y : bias) + v;
        return;
    }
    float *sum = scratch + n_i;
    memset(sum, 0, n_b * sizeof *sum);
    for (size_t i = 0; i < n_i; i++) scratch[i] = from[i * c->in_i];
    K.f32_axpy(&(struct axpy_args){.y = sum, .x = row, .x_stride = n_b, .s = scratch, .k = n_i, .n = n_b});
    for (size_t b = 0; b < n_b; b++) {
        float *to = y + b * c->out_right;
        *to = (add ? *to : bias) + sum[b];
    }
}

void mpo_contract(const struct mpo *m, const struct mpo_contraction *c, const struct tensor *w, const struct mpo_pivot *pivots,
                  size_t o, size_t first, size_t end, const float *x, float *y, const float *bias, float *scratch)
{
    float *row = scratch, *rest = row + m->i[c->core] * m->r[c->core + 1];
    for (size_t a = 0; a < m->r[c->core]; a++) {
        mpo_core_row(m, c->core, w, pivots, o, a, row);
        for (size_t place = first; place < end; place++) {
            size_t left = place % c->batch, in = place / c->batch * c->n_in, at = o * c->out_o,
                   token = place / c->batch * c->n_out;
            for (int k = c->n_axes - 1; k >= 0; k--) {
                size_t digit = left % c->axis[k].n;
                left /= c->axis[k].n;
                in += digit * c->axis[k].in, at += digit * c->axis[k].out;
            }
            contract_one(m, c, row, a, x + in, y + token + at, c->last && bias ? bias[at] : 0, rest);
        }
    }
}
