/* device.h - what one machine can do, as rates, and the text file that holds them.
 *
 * A profile is a text file of lines `key = value # unit, provenance`; `#` starts a comment. Provenance is `measured`,
 * `published SOURCE`, `fitted SOURCE` (by `hartree fit`, from measured joules) or `assumed`. The texts `name`, `isa` and `date`
 * and, in a calibrated profile, `build` stand alone, without a comment. The numbers:
 *
 *   cores                        1      physical cores that the process may use
 *   llc                          B      last-level cache
 *   memory                       B      main memory; need not be there
 *   exponent                     1      p of t = ((W/R)^p + (Q/B)^p)^(1/p): 1 sum, 2, inf max
 *   noise                        1      relative scatter of the bandwidth's repeats (median absolute deviation / median)
 *   load.arithmetic, .memory     1      how much longer than in its faster rounds the machine usually took; the rates have it
 *                                       in them; need not be there
 *   read_bandwidth.T             B/s    sequential loads from memory far beyond the cache
 *   read_peak.T                  B/s    the same, best of several: no op may seem to read faster
 *   read_cache.SIZE.T    B/s    the same, of SIZE a thread that stays in a cache: 16K, 128K ...; what each level gives
 *   linear.TYPE.decode.T  FLOP/s one activation row, weights in the cache
 *   linear.TYPE.stream.T  FLOP/s one activation row, weights from memory; need not be there
 *   linear.TYPE.group.T   FLOP/s DOT_COLS activation rows together by a dot (kernel.h), weights in the cache; need not be there
 *   linear.TYPE.prefill.T FLOP/s many activation rows, but for unpacking
 *   linear.TYPE.unpack.T  s      of unpacking one weight for many rows; need not be there
 *   linear.TYPE.unpack.memory.T s    of one that comes from memory, waiting for it included; need not be there
 *   linear.TYPE.few       1      the most activation rows that the kernels multiply by a dot, a whole number of 1 to 15
 *                                (linear.h); where it is not there 2, and 15 of F32, F16 and BF16, whoever predicts
 *   attend.KV.decode.T    FLOP/s one row of queries, cache type KV (f32, f16, q8_0)
 *   attend.KV.prefill.T   FLOP/s many rows of queries
 *   attend.KV.score.PHASE.T s   of one query head and position, however wide the head: softmax; need not be there
 *   attend.KV.strip       1      elements of a value that the kernel of many rows takes at a time (kernel.h), a whole number
 *                                of 1 to 1024; need not be there
 *   attend.KV.edge.PHASE.T 1    positions' worth of work that a row takes beside those it sees; need not be there
 *   vector.OP.decode.T    B/s    bytes read and written by the other ops (OP as in plan.h: norm, glu ...), one row;
 *                                       not of those of vision towers
 *   vector.OP.prefill.T   B/s    the same, many rows
 *   peak.KIND.T                  FLOP/s multiply-adds alone, KIND i8 or f32 (kernel.h's peak kernels): no op may be faster; not
 *                                       there where only scalar kernels run
 *   interval95.T         1      what is predicted to take t takes t / (1 + this) to t (1 + this), in 95 %; need not be there
 *   stage.T                      s      what a stage takes beside its work: chunk counter and barrier
 *   pace.PHASE.T                 s      of work that tells a later moment's speed from this one's (pace.h); need not be there
 *   picture.RATE                 s      of a picture before a tower sees it, RATE open, pixel, output, tap (picture_cost.h);
 *                                       need not be there
 *   energy.idle                  W      drawn whether or not anything runs
 *   energy.active                W      drawn on top while a model runs
 *   energy.byte                  J/B    of weights and cache read from memory
 *   energy.linear.TYPE           J/FLOP of linear layers
 *   energy.attend                J/FLOP of attention
 *   energy.vector                J/B    of bytes that the other ops move
 *   energy.TERM.low95, .high95   as TERM the 95 % confidence interval of any of the six above, which holds the value
 *   energy.interval95            1      half width of a prediction's 95 % interval, relative to it, its time being known
 *   energy.gain_error            1      what the meter may be off by as a whole, which no repeat shows; relative
 *
 * energy_terms.h says how joules follow from the energy terms. A profile has all of them or, as most, none: they take a meter.
 *
 * T is a number of threads. Rates of a T between two that the profile holds are interpolated; beyond the largest, and for a
 * key that the profile lacks, the answer is NAN: not known, which a prediction passes on.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DEVICE_H
#define HARTREE_DEVICE_H

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

enum provenance { ASSUMED, MEASURED, PUBLISHED, FITTED };

enum { DEVICE_KEY = 48, DEVICE_SOURCE = 120, DEVICE_TEXT = 120, DEVICE_MAX_THREADS = 1024 };

/* A calibration of dozens of thread counts has fewer; entries are looked up one by one. */
enum { DEVICE_MAX_ENTRIES = 8192 };

struct device_entry {
    char key[DEVICE_KEY];
    double value;
    enum provenance from;
    char source[DEVICE_SOURCE]; /* of a published or fitted value, else "" */
    int line;                   /* of the file that it was read from, else 0 */
};

/* Zero-initialise; device_free releases the entries. */
struct device {
    char name[DEVICE_TEXT];       /* the CPU's name */
    char isa[DEVICE_TEXT];        /* kernels that were measured: the highest ISA, and pins if there were any */
    char date[DEVICE_TEXT];       /* of the calibration, YYYY-MM-DD */
    char build[DEVICE_TEXT];      /* device_build of the program that calibrated; "" where nobody did */
    struct device_entry *entries; /* in the order of device_set */
    size_t n, allocated;
};

void device_free(struct device *d);

/* Sets or replaces a number. False and *e if there is no such key, the value is out of its range, or memory is short. */
bool device_set(struct device *d, const char *key, double value, enum provenance from, const char *source, struct error *e);

/* Takes out every number whose key begins with `prefix`. */
void device_clear(struct device *d, const char *prefix);

/* The number at `key`, NAN if the profile has none. */
double device_get(const struct device *d, const char *key);

/* The rate at `key`.T for T = threads, interpolated; NAN where not known. */
double device_rate(const struct device *d, const char *key, int threads);

/* The unit of a key as in the table above, NULL if there is no such key. */
const char *device_unit(const char *key);

/* The word of a provenance, without a source. */
const char *device_provenance(enum provenance from);

/* Reads a profile. False and *e ("FILE: line N: found X, expected Y") on an unknown or repeated key, a value out of range, a
 * unit other than the key's, an unknown provenance, a missing key of those that every prediction needs (name, isa, date,
 * cores, llc, exponent, noise, and read_bandwidth, read_peak and stage for the same numbers of threads), or figures that
 * contradict each other: a bandwidth above its peak, a rate of multiply-adds by more than 1.25 above its own (a calibration
 * on a busy machine may see a little more in a kernel than in the peak), or an energy term outside its own interval. */
bool device_load(struct device *d, const char *path, struct error *e);

/* The same from a text in memory, which it changes; `from` stands for the file's name in errors. */
bool device_parse(struct device *d, char *text, size_t size, const char *from, struct error *e);

/* Writes a profile, whole or not at all; folders are not made. */
bool device_save(const struct device *d, const char *path, struct error *e);
void device_print(const struct device *d, FILE *f);

/* What the kernels in use are called: the highest ISA, and the pins that change them. */
void device_kernels(char *name, size_t size);

/* A checksum over what this program's ops and rates are made of: the sources of kernels, linear layers, ops, plans, exec,
 * pool, pictures and calibration, the compiler and its flags. Another build's rates are another program's. */
const char *device_build(void);

/* $XDG_CACHE_HOME/hartree/device-CORES-KERNELS, else in ~/.cache: a run with a pinned kernel, or on fewer cores, has a profile
 * of its own and leaves the other's alone. False and *e if neither variable is set. */
bool device_cache_path(char *path, size_t size, struct error *e);

/* Makes the folder that device_cache_path's file lies in, where it is not there. */
bool device_cache_make(struct error *e);

#endif
