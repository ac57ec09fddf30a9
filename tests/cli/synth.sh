#!/bin/sh
# synth.sh - the synth command: what it writes, wrong usage, outputs that cannot be written, interruption.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
left() { # NAME: nothing but the listed files may be in $d
    if [ "$(ls -A "$d")" = "$2" ]; then ok "$1"; else bad "$1" "found $(ls -A "$d" | tr '\n' ' ')"; fi
}

cli synth --shape tiny-llama:Q8_0 -o "$d/a"
expect_out "synth" 'a: tiny-llama:Q8_0, 3544832 parameters, [0-9]+ bytes$'
cli synth --shape tiny-llama:q8_0 --seed 1 -t 3 -o "$d/b" --json
expect_out "synth --json" '^\{"shape": "tiny-llama", "type": "Q8_0", "name": "tiny-llama:Q8_0", "seed": 1, "output": ".*", "file_bytes": [0-9]+, "tensor_bytes": [0-9]+, "parameters": 3544832, "tensors": 39\}$'
if cmp -s "$d/a" "$d/b"; then ok "seed 1 is the default; threads change nothing"; else bad "seed 1 is the default; threads change nothing" "the files differ"; fi
cli synth --shape tiny-llama:Q8_0 -s 2 -o "$d/b"
if cmp -s "$d/a" "$d/b"; then bad "another seed" "the files are equal"; else ok "another seed"; fi
cli synth --shape L=1,D=64,H=4,KV=2,F=96,V=300:F32 -o "$d/b"
expect_out "a shape of numbers" ': L=[0-9]+,D=[0-9]+,H=[0-9]+,KV=[0-9]+,F=[0-9]+,V=[0-9]+:F32, [0-9]+ parameters'
rm "$d/a" "$d/b"

cli synth -o "$d/x"
expect "no shape" 2 "found no --shape"
cli synth --shape tiny-llama
expect "no output" 2 "found no -o"
cli synth --shape tiny-lama -o "$d/x"
expect "unknown shape, nearest" 2 "unknown 'tiny-lama', did you mean 'tiny-llama'\?"
cli synth --shape qwen2.5-codr-7b:Q4_K_M -o "$d/x"
expect "unknown shape with a type, nearest" 2 "did you mean 'qwen2.5-coder-7b'\?"
cli synth --shape zzzzzzzzzzzzzz -o "$d/x"
expect "unknown shape, all" 2 "found .*, expected L=.* llama-3.1-8b .* tiny-gemma3"
cli synth --shape tiny-llama:Q4_K_X -o "$d/x"
expect "unknown type" 2 "type: found 'Q4_K_X', expected one of F32 .* Q5_K_M"
cli synth --shape L=1,D=64 -o "$d/x"
expect "numbers missing" 2 "H: missing"
cli synth --shape tiny-llama --seed -1 -o "$d/x"
expect "seed out of range" 2 "--seed: found '-1'"
cli synth --shape tiny-llama -o "$d/x" surplus
expect "surplus argument" 2 "found 'surplus'"
cli synth --shape L=1,D=64,H=4,KV=2,F=96,V=200 -o "$d/x"
expect "vocabulary too small" 1 "x: vocabulary: found 200 tokens, expected at least 259"
left "nothing is left of what failed" ""

cli synth --shape tiny-llama -o "$d/no/x"
expect "a folder that is not there" 1 "No such file"
cli synth --shape tiny-llama -o "$d"
expect "a folder as output" 1 "directory"
if [ -w /dev/full ]; then
    cli synth --shape tiny-llama -o /dev/full
    expect "a full disk" 1 "^hartree synth: /dev/full: .*[Nn]o space left"
fi

# Large enough to be in the middle of it after a moment.
# shellcheck disable=SC2086
${RUN:-} "$HARTREE" synth --shape gemma-3-4b:Q4_K_M -o "$d/big" >/dev/null 2>"$cli_err" </dev/null &
pid=$!
sleep 1
kill -TERM "$pid"
wait "$pid"
cli_rc=$?
expect "interrupted" 1 "big: interrupted"
left "nothing is left of what was interrupted" ""
cli_done
