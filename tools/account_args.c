/* SPDX-License-Identifier: MIT */
#include "tools/account_args.h"

struct account_args account_args = {.prompt = 512, .gen = 128, .ubatch = 512};

struct predict_options account_run(void)
{
    return (struct predict_options){.threads = arg_threads(),
                                    .prompt = (size_t)account_args.prompt,
                                    .gen = (size_t)account_args.gen,
                                    .ubatch = (size_t)account_args.ubatch,
                                    .kv_type = arg_kv_type()};
}

bool account_by(unsigned *by, struct error *e)
{
    *by = common.json ? BY_ALL : BY_OP | BY_PHASE;
    return !account_args.by || prediction_by(account_args.by, by, e);
}
