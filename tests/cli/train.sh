#!/bin/sh
# train.sh - the models of the traffic world: as they are trained (tools/train, Python and JAX) against as they are run, tokens,
# logits and a tower's embeddings of random ones; and of the bundled ones how many answers are right, asked anew.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
case $HARTREE in /*) program=$HARTREE ;; *) program=$PWD/$HARTREE ;; esac

# What each is held to it says itself (evaluate.py); of more questions the share is surer.
scenes=20
[ -z "${HARTREE_SLOW:-}" ] || scenes=250
if [ -n "${RUN:-}" ]; then
    echo "skip the bundled models' answers: hundreds of runs under a wrapper"
elif ! python3 -c 'import numpy' 2>/dev/null; then
    echo "skip the bundled models' answers: no numpy for python3 here"
else
    answers() { # MODEL [OPTIONS]
        if HARTREE=$program python3 tools/train/evaluate.py "$@" --scenes "$scenes" >"$cli_out" 2>&1; then
            ok "$1: answers"
            grep -E '^all | and ' "$cli_out" | tr -s ' '
        else
            bad "$1: answers" "$(tr '\n' '|' <"$cli_out")"
        fi
    }
    answers demo/traffic-lm-q4_k_m.gguf
    answers demo/traffic-vlm-q4_k_m.gguf --mmproj demo/traffic-mmproj-f16.gguf
    [ -z "${HARTREE_SLOW:-}" ] || answers demo/traffic-lm-compressed-q8_0.gguf
fi
if [ -z "${HARTREE_SLOW:-}" ]; then
    echo "skip tools/train: slow; make check"
elif ! python3 -c 'import jax, numpy' 2>/dev/null; then
    echo "skip tools/train: no numpy and JAX for python3 here"
elif HARTREE=$program python3 tools/train/check.py >"$cli_out" 2>&1; then
    ok "tools/train computes as the engine does"
else
    bad "tools/train computes as the engine does" "$(tail -n 3 "$cli_out" | tr '\n' '|')"
fi
cli_done
