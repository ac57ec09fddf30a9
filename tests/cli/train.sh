#!/bin/sh
# train.sh - the models of the traffic world as they are trained (tools/train, Python and JAX) against as they are run: tokens,
# logits and a tower's embeddings of random ones. JAX takes a while to start, so this is one of the slower tests.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
if [ -z "${HARTREE_SLOW:-}" ]; then
    echo "skip tools/train: slow; make check"
elif ! python3 -c 'import jax, numpy' 2>/dev/null; then
    echo "skip tools/train: no numpy and JAX for python3 here"
elif HARTREE=$PWD/$HARTREE python3 tools/train/check.py >"$cli_out" 2>&1; then
    ok "tools/train computes as the engine does"
else
    bad "tools/train computes as the engine does" "$(tail -n 3 "$cli_out" | tr '\n' '|')"
fi
cli_done
