#!/bin/sh
# train.sh - the models of the traffic world: as they are trained (tools/train, Python and JAX) against as they are run, tokens,
# logits and a tower's embeddings of random ones; and of the bundled ones how many answers are right, asked anew: those of
# demo/picture-questions.tsv without Python (texts: demo.sh), others with it.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
case $HARTREE in /*) program=$HARTREE ;; *) program=$PWD/$HARTREE ;; esac

# Pictures of full size, as the questions' scenes are painted: seed, group, question, answer.
pictures() { # LINES
    seen=
    : >"$cli_dir/scores"
    head -n "$1" demo/picture-questions.tsv >"$cli_dir/asked"
    while IFS=$(printf '\t') read -r seed group question truth; do
        [ "$seen" = "$seed" ] || "$HARTREE" scene -q --seed "$seed" --size 560x392 -o "$cli_dir/scene.ppm" >"$cli_err" 2>&1 || return 1
        seen=$seed
        cli run -q --chat --temp 0 -n 48 --image "$cli_dir/scene.ppm" --device rpi5 --energy none -p "$question"
        [ "$cli_rc" -eq 0 ] || return 1
        if [ "$(cat "$cli_out")" = "$truth" ]; then echo "1 $group"; else echo "0 $group"; fi >>"$cli_dir/scores"
    done <"$cli_dir/asked"
}
held() { # GROUP PERCENT
    score=$(awk -v group="$1" '{ right = $1; sub(/^[01] /, "") } $0 == group { n++; sum += right } END { if (n) printf "%.1f of %d", 100 * sum / n, n }' "$cli_dir/scores")
    if [ "${score:-0}" != 0 ] && [ "${score%%.*}" -ge "$2" ]; then ok "pictures: $1: $score"; else bad "pictures: $1" "found ${score:-nothing}, expected $2"; fi
}
if [ -n "${RUN:-}" ]; then
    echo "skip questions about pictures: hundreds of runs under a wrapper"
elif pictures "$([ -n "${HARTREE_SLOW:-}" ] && echo 240 || echo 120)"; then
    held "colour and kind" 95
    held "counts and places" 85
else
    bad "questions about pictures" "$(head -n 1 "$cli_err")"
fi

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
