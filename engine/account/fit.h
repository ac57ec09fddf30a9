/* fit.h - a device's energy terms from metered runs.
 *
 * Of each run the idle baseline of its session is taken off; what is left is energy_terms.h's E_net, and its terms pi1, eps_m
 * and eps_c are those, none below 0, with the least sum of squared errors relative to the run's gross joules (weights 1 / E^2).
 * pi0 is the mean of the sessions' idle powers.
 *
 * Terms that rise and fall together in these runs can't be told apart: in decoding alone T is about Q / B, so that only a sum
 * of pi1 and eps_m is known. So the condition number of the design (nnls.h) is held to a limit; above it the two terms that
 * weigh most in the weakest direction become one, again and again: J/FLOP of weight types and of attention share a coefficient;
 * of others one takes it all (power before bytes before work) and the other is 0. Or, if `strict`, the design is refused.
 *
 * Confidence intervals: bootstrap over whole sessions, since runs of one share a baseline and a temperature; percentiles, set
 * wider for few sessions as Hesterberg, "What teachers should know about the bootstrap" (The American Statistician 2015),
 * section 5.1, does, and as far as the value where they pass by it. Prediction interval: conformal.h, on the errors of runs
 * whose session was left out of the fit. Neither sees the meter's gain error, which scales all joules alike: it stands beside
 * them.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_FIT_H
#define HARTREE_FIT_H

#include "engine/account/energy_log.h"
#include "engine/account/nnls.h"
#include "engine/account/validate.h"

/* Below this many sessions a bootstrap says nothing, nor do errors on sessions held out. */
enum { FIT_LEAST_SESSIONS = 5, FIT_MAX_TERMS = NNLS_MAX + 1 };

struct fit_options {
    double max_condition; /* at least 1; 0: 30, from where Belsley, Kuh and Welsch call dependence strong */
    bool strict;          /* refuse a design above it */
    int resamples;        /* 0: 2000 */
    uint64_t seed;        /* of the bootstrap */
    double gain_error;    /* the meter's, relative; NAN: not known */
};

enum plausibility { PLAUSIBLE, TOO_LOW, TOO_HIGH };

struct energy_term {
    char key[DEVICE_KEY]; /* "energy.byte" */
    double value;
    double low95, high95; /* NAN: too few sessions, or a term that another has taken in */
    double vif; /* variance inflation of its group in the design as fitted; NAN of energy.idle, which is no part of it */
    int group;  /* the term, by its place, whose coefficient this one has part in; its own place if it stands alone */
    enum plausibility plausibility; /* against fit_band; a term of 0 is as plausible as any */
};

struct energy_fit {
    char device[DEVICE_TEXT];
    size_t n_runs, n_sessions, without_energy;
    struct energy_term terms[FIT_MAX_TERMS]; /* idle, active, byte, then the classes that occur */
    int n_terms, n_fitted;                   /* n_fitted: coefficients, after merging */
    double condition, condition_before;      /* of the design as fitted, and before terms were merged */
    struct validation in_sample, held_out;   /* gross joules, given the runs' times; held out by whole sessions */
    double half_width95; /* of a prediction's interval, relative, from errors held out by session: cross-conformal, which holds
                            about 95 %, not at least that. NAN: too few runs or sessions */
    double gain_error;
    int resamples;
    uint64_t seed;
};

/* Fits. False and *e if runs are too few for the terms, the design is refused, or memory is short. */
bool energy_fit(struct energy_fit *fit, const struct energy_log *log, const struct fit_options *o, struct error *e);

/* Puts the terms into a profile in place of those that it has, with "fitted SOURCE" (cut at 60 characters). False and *e if the
 * profile is another device's, or a value is out of a profile's range. */
bool energy_fit_store(const struct energy_fit *fit, struct device *d, const char *source, struct error *e);

/* The band that a term's value is judged by: a hint that a column or a unit is wrong, no more. Its ends are a tenth and ten
 * times what Horowitz, "Computing's energy problem" (ISSCC 2014), gives for 45 nm: DRAM 160 to 325 pJ/B; a multiply-add 0.2 pJ
 * (8 bits, multiplied) to 4.6 pJ (float, multiplied and added), per FLOP half, and times another ten at the upper end for
 * fetching and issuing instructions; other ops' bytes from a tenth of a cache's 1.25 pJ/B up to DRAM's end. False for a power,
 * which has no band. */
bool fit_band(const char *key, double band[2]);

#endif
