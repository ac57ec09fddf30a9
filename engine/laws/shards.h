/* shards.h - results of one sweep's shards as the one result that the whole would have given, from their result.json alone:
 * neither models nor the machines' profile are needed, as `laws --join` needs them.
 *
 * A prompt, or a picture of one size under one clamp, belongs to one shard: its medians are whole there. What is said of all
 * points together (fits, errors, ratios, knees) is found anew by the functions that find it for a whole sweep.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SHARDS_H
#define HARTREE_SHARDS_H

#include "base/json_tree.h"

/* Whether two results are of the same predictions, both with windows missing: parts of one sweep. */
bool shards_belong(const struct json_value *a, const struct json_value *b);

/* The result of `n` shards that belong together: the members of the first, with the points of all, what is said of them
 * together, "missing", and "shards": n. files[i] stands for shard i in an error. Nothing of the shards is trusted. NULL and *e:
 * a point is in two of them, a figure that the sums need is not there or out of range, or memory is short. To be freed with
 * json_free. */
struct json_value *shards_join(const struct json_value *const *shards, const char *const *files, size_t n, struct error *e);

#endif
