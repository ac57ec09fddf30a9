#!/bin/sh
# quantize.sh - the quantize command: what it writes, wrong usage, bad inputs and outputs, interruption.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
cli synth --shape L=2,D=256,H=4,KV=2,F=256,V=300:F32 -o "$d/in"
expect "a model to start from" 0

cli quantize "$d/in" "$d/q" Q4_K_M
expect_out "quantize: after" '^after +Q6_K +3 +143640$'
expect_out "quantize: sizes" 'q: [0-9]+ bytes, [0-9.]+ %, [0-9.]+ bits a parameter, 16 of 21 tensors converted$'
cli quantize "$d/in" "$d/j" q8_0 --json
expect_out "quantize --json" '^\{"input": ".*", "output": ".*", "type": "Q8_0", "bytes_before": [0-9]+, "bytes_after": [0-9]+, "parameters": 941312, "tensors": 21, "converted": 16, "types_before": \{"F32": \{"tensors": 21, "bytes": 3765248\}\}, "types_after": \{"F32": \{"tensors": 5, "bytes": 5120\}, "Q8_0": \{"tensors": 16, "bytes": 998784\}\}\}$'
cli quantize "$d/q" "$d/q" Q8_0
expect "IN is OUT" 1 "q: found a file of the model that is read, expected another"
ln -s q "$d/link"
cli quantize "$d/q" "$d/link" Q8_0
expect "IN is OUT through a link" 1 "found a file of the model"
rm "$d/link" "$d/j"

cli quantize
expect "no arguments" 2
cli quantize "$d/in" "$d/x" Q4_K_MM
expect "unknown type, nearest" 2 "unknown type 'Q4_K_MM', did you mean 'Q4_K_M'\?"
cli quantize "$d/in" "$d/x" sixteen
expect "unknown type, all" 2 "found .*, expected one of F32 F16 .* Q5_K_M"
cli quantize "$d/in" "$d/x" Q8_0 more
expect "surplus argument" 2 "found 'more'"
cli quantize "$d/none" "$d/x" Q8_0
expect "no such input" 1 "none: .*No such file"
: >"$d/empty"
cli quantize "$d/empty" "$d/x" Q8_0
expect "an empty input" 1 "empty file"
head -c 2000000 "$d/in" >"$d/cut"
cli quantize "$d/cut" "$d/x" Q8_0
expect "a truncated input" 1 "cut: "
cli quantize "$d" "$d/x" Q8_0
expect "a folder as input" 1 "directory"
cli quantize "$d/in" "$d/no/x" Q8_0
expect "a folder that is not there" 1 "No such file"
if [ -w /dev/full ]; then
    cli quantize "$d/in" /dev/full Q8_0
    expect "a full disk" 1 "^hartree quantize: /dev/full: .*[Nn]o space left"
fi
rm "$d/empty" "$d/cut"

cli synth --shape L=4,D=1024,H=8,KV=2,F=4096,V=4000:F16 -o "$d/large"
# shellcheck disable=SC2086
${RUN:-} "$HARTREE" quantize "$d/large" "$d/big" Q2_K -t 1 >/dev/null 2>"$cli_err" </dev/null &
pid=$!
sleep 1
kill -TERM "$pid"
wait "$pid"
cli_rc=$?
expect "interrupted" 1 "big: interrupted"
if [ "$(ls -A "$d" | tr '\n' ' ')" = "in large q " ]; then ok "nothing is left of what failed"; else bad "nothing is left of what failed" "found $(ls -A "$d" | tr '\n' ' ')"; fi
cli_done
