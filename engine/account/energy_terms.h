/* energy_terms.h - joules of a run, from a device's energy terms.
 *
 *     E_gross = pi0 T + E_net        E_net = pi1 T + eps_m Q + sum_c eps_c W_c
 *
 * T are the seconds of the run, pi0 what the machine draws idle, pi1 what it draws on top while a model runs, Q the bytes
 * that cross the memory bus (a row's memory_bytes: none of a model that stays in the last-level cache), W_c the work of class
 * c: FLOPs of linear layers by weight type, FLOPs of attention, bytes that the other ops move. Source: Choi, Bedard, Fowler,
 * Vuduc, "A roofline model of energy" (IPDPS 2013), with an epsilon for each kind of kernel.
 *
 * No sensor can resolve one layer (RAPL steps in milliseconds, USB meters in hundredths of a second), so the joules of a row
 * are attributed by this model, and of kind "modelled": never measured.
 *
 * A term that a profile lacks is part of `energy.active`: a profile with the two powers alone says power times time. But a
 * profile that tells some weight types apart does not know the others: then joules are NAN.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ENERGY_TERMS_H
#define HARTREE_ENERGY_TERMS_H

#include "engine/account/device.h"
#include "engine/account/predict.h"

/* Classes of work: a linear layer's is its weight type. */
enum { ENERGY_ATTEND = TYPE_FILE_END, ENERGY_VECTOR, ENERGY_CLASSES };

/* What an energy model sees of a run. */
struct energy_work {
    double time_s;
    double bytes;                /* Q */
    double work[ENERGY_CLASSES]; /* FLOPs; of ENERGY_VECTOR bytes */
};

/* "linear.q4_K", "attend" or "vector": a class as the words after "energy." in a device key, and after "work." in a log
 * (energy_log.h). `word` has DEVICE_KEY bytes. False if there is no such class. */
bool energy_class_name(size_t c, char word[DEVICE_KEY]);

/* The class of an op. */
size_t energy_class(const struct op *op);

/* Adds a prediction's rows up into what the model sees. The prediction must be of plan p. */
void energy_work(struct energy_work *w, const struct prediction *r, const struct plan *p);

/* Adds another part of the same run, its time too. */
void energy_work_add(struct energy_work *w, const struct energy_work *part);

/* Joules that the terms of bytes and of work add to power times time: 0 of a profile that has the two powers alone, NAN where a
 * class did work that the profile does not know. */
double energy_beside_power(const struct device *d, const struct energy_work *w);

/* Prices the rows of a prediction of plan p: each one's energy_j (gross), their sum as the prediction's energy_j, energy_net_j,
 * interval95_j and energy_kind "modelled"; NAN and "none" where the profile has no energy terms, or the time is not known. Rows
 * are whole multiples of 2^-36 J, so that they sum to the total to the last bit. The interval adds up, as they may all have one
 * sign, the fit's own, the meter's gain error, and the time's by the powers' share in the joules; it is NAN where one of them
 * is. `d` may be NULL. */
void energy_price(struct prediction *r, const struct plan *p, const struct device *d);

#endif
