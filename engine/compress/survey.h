/* survey.h - the compressor's first pass: how each unit's error falls with its rank, and what an error costs.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SURVEY_H
#define HARTREE_SURVEY_H

#include "engine/compress/compress.h"
#include "engine/compress/work_file.h"

enum { RECORD_SURVEY = 1, RECORD_CORES = 2, RECORD_PRODUCT = 3 };

/* Fills error, weight and share of the n units, as far as `work` does not know them yet, and tells it. False and *e. */
bool survey_run(const struct model *m, const struct compress_options *o, struct unit *units, size_t n, struct work_file *work,
                struct error *e);

#endif
