/* SPDX-License-Identifier: MIT */
#include "tools/account_args.h"

#include <string.h>

struct account_args account_args = {.ubatch = 512};

struct predict_options account_run(const struct model *m)
{
    enum { PROMPT = 512, GEN = 128 };
    bool encoder = m->arch->encoder; /* has so many positions and generates nothing */
    int64_t prompt = encoder && m->hp.n_ctx_train < PROMPT ? m->hp.n_ctx_train : PROMPT, gen = encoder ? 0 : GEN;
    return (struct predict_options){.threads = arg_threads(),
                                    .prompt = (size_t)(account_args.prompt ? account_args.prompt : prompt),
                                    .gen = (size_t)(account_args.gen ? account_args.gen : gen),
                                    .ubatch = (size_t)account_args.ubatch,
                                    .kv_type = arg_kv_type()};
}

void account_threads(struct predict_options *o, const struct device *d)
{
    bool other = account_args.device && strcmp(account_args.device, "this") != 0;
    if (other && !common.threads) o->threads = (int)device_get(d, "cores");
}

bool account_by(unsigned *by, struct error *e)
{
    *by = common.json ? BY_ALL : BY_OP | BY_PHASE;
    return !account_args.by || prediction_by(account_args.by, by, e);
}
