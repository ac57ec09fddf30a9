#!/bin/sh
# bench_layer.sh - `hartree bench layer`: a tensor, a part of a layer, a whole one; its figures against each other; wrong names.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache" # the user's own profile stays as it is
n='[0-9][-+.e0-9]*'

cli synth --shape tiny-llama:Q4_K_M -o "$d/m.gguf"
expect "a model to time a layer of" 0
cli calibrate --quick -t 2 -o "$d/device"
expect "a profile to predict by" 0

cli bench layer -m "$d/m.gguf" --device "$d/device" blk.1.ffn_down --rows 1,8 -t 1,2 -r 2
expect_out "bench layer: a tensor" "^blk\.1\.ffn_down\.weight +Q[0-9]_K +8 +2 +$n +$n +$n +$n +(-|$n %) +[a-z0-9]+$"
if [ "$(wc -l <"$cli_out")" -eq 5 ]; then ok "bench layer: a line for each number of rows and of threads"
else bad "bench layer: a line for each number of rows and of threads" "$(cat "$cli_out")"; fi
cli bench layer -m "$d/m.gguf" --device "$d/device" blk.1.ffn_down.weight --rows 8 -t 1 -r 2 --json
expect_out "bench layer --json" "^\[\{\"tensor\": \"blk\.1\.ffn_down\.weight\", \"type\": \"Q[0-9]_K\", \"shape\": \[[0-9]+, [0-9]+\], \"rows\": 8, \
\"isa\": \"[a-z0-9]+\", \"threads\": 1, \"time_s\": $n, \"flops\": [0-9]+, \"bytes\": [0-9]+, \"gflops\": $n, \"gbps\": $n, \
\"share_of_peak\": (null|$n), \"predicted_s\": $n\}\]$"

# A layer's FLOPs are those of its two halves, whatever the position; with a past, attention has more to do.
flops() {
    cli bench layer -m "$d/m.gguf" --device "$d/device" "$@" --rows 4 -t 1 -r 1 --json
    sed -n 's/.*"flops": \([0-9]*\),.*/\1/p' "$cli_out"
}
whole=$(flops blk.1) attn=$(flops blk.1.attn) ffn=$(flops blk.1.ffn) later=$(flops blk.1.attn --past 9)
if [ -n "$whole" ] && [ "$whole" -eq $((attn + ffn)) ]; then ok "bench layer: a layer is its attention and the rest"
else bad "bench layer: a layer is its attention and the rest" "found $whole, expected $attn + $ffn"; fi
if [ -n "$later" ] && [ "$later" -gt "$attn" ]; then ok "bench layer --past"
else bad "bench layer --past" "found $later FLOPs, expected more than $attn"; fi
cli bench layer -m "$d/m.gguf" --device "$d/device" output --rows 3 -t 1 -r 1
expect_out "bench layer: a tensor outside the layers" '^(output|token_embd)\.weight '

cli bench layer -m "$d/m.gguf" --device "$d/device" output --rows 3,5,7 -t 1 -r 1 --shard 2/3
if [ "$(grep -Ec ' (3|5|7) +1 ' "$cli_out")" -eq 1 ] && grep -Eq ' 5 +1 ' "$cli_out"; then ok "bench layer --shard"; else bad "bench layer --shard" "$(tr '\n' '|' <"$cli_out")"; fi
for i in 1 2; do
    cli bench model -m "$d/m.gguf" -p 4,5 -n 2,3 -t 1 -r 1 --shard $i/2 --json
    grep -o '"test": "[a-z0-9]*"' "$cli_out" | cut -d'"' -f4
done >"$d/tests"
if [ "$(tr '\n' ' ' <"$d/tests")" = "pp4 tg2 pp5 tg3 " ]; then ok "bench model --shard: both parts are the whole"; else bad "bench model --shard: both parts are the whole" "$(tr '\n' ' ' <"$d/tests")"; fi
cli bench model -m "$d/m.gguf" --shard 3/2
expect "bench --shard: no such part" 2 "--shard: found '3/2', expected I/N with I from 1 to N"
cli_with HARTREE_KERNEL=f32_add:scalar bench layer -m "$d/m.gguf" --device "$d/device" output --rows 1 -t 1 -r 1
expect_out "bench layer: pins are shown" ' f32_add:scalar$'
cli bench layer -m "$d/m.gguf" blk.1 -p 8
expect "bench layer: an option of bench model" 2 'found --prompt, which bench layer does not take'
cli bench layer -m "$d/m.gguf" blk.1.ffn_dwon
expect "bench layer: a wrong name" 2 "found 'blk.1.ffn_dwon', expected .*did you mean 'blk.1.ffn_down'"
cli bench layer -m "$d/m.gguf" blk.99.ffn_down
expect "bench layer: no such layer" 2 "found layer 99 .*expected one from 0 to"
cli bench layer -m "$d/m.gguf"
expect "bench layer: no name" 2 'found 0 names, expected one'
cli bench layer -m "$d/m.gguf" blk.1 --rows 0
expect "bench layer: no rows" 2 "found '0'"
cli bench layer -m "$d/nothing.gguf" blk.1
expect "bench layer: no such model" 1 'nothing.gguf: '
cli_done
