#!/bin/sh
# mpo.sh - factorised models by the commands: made, listed, priced, run, timed, requantised; recipes that make no sense.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache" # the user's own profile stays as it is
cli calibrate --quick -t 1 -o "$d/device"
expect "a profile to predict by" 0

cli synth --shape tiny-llama:Q8_0:mpo,bond=64,gauge,joint,correct=4 -o "$d/m"
expect_out "synth: a factorised model" 'm: tiny-llama:Q8_0:mpo, [0-9]+ parameters'
parameters=$(sed 's/.*:mpo, \([0-9]*\) .*/\1/' "$cli_out")
cli info "$d/m"
expect_out "info counts the same parameters, none of them indices" "^parameters +$parameters\$"
cli info "$d/m"
expect_out "info: a factorised layer" '^blk\.0\.attn_k +[0-9]+ +[0-9.]+ % +[0-9.]+ %  o=64x1 i=1x256 r=1,64,1 gauge=0; joint, rank 4$'
cli info "$d/m" --json
expect_out "info --json: factorised layers" '"factorised": \[\{"name": "blk\.0\.attn_q", "spec": "o=256x1 i=1x256 r=1,64,1 gauge=0", "added": "joint, rank 4", '
cli predict -m "$d/m" --device "$d/device" -t 1 --prompt 9 --gen 3 --by op
expect_out "predict: a row a core" '^ffn_down\.mpo\.0 +[0-9.]+ [kMG]? +'
cli measure -m "$d/m" --device "$d/device" -t 1 --prompt 9 --gen 3 -r 1 --json
expect_out "measure: FLOPs are those counted" '"flops_counted": [0-9]+'
cli run -m "$d/m" --device "$d/device" -t 1 -p "hello" -n 3 --temp 0
expect "run: a factorised model" 0
cli bench layer -m "$d/m" --device "$d/device" blk.0.ffn_down -t 1 --rows 1,8 -r 2
expect_out "bench layer: a factorised layer" '^blk\.0\.ffn_down'
cli quantize "$d/m" "$d/q" Q8_0
expect "quantize: cores of 8 bits to 8 bits" 0
cli run -m "$d/q" --device "$d/device" -t 1 -p "hello" -n 3 --temp 0
expect "run: requantised" 0
cli synth --shape tiny-llama:F16:mpo,bond=64,gauge,joint -o "$d/floats"
cli quantize "$d/floats" "$d/q" Q4_K_M
expect_out "quantize: cores become Q8_0 beside other weights of 4 bits" '^after +Q8_0 +44 '
cli run -m "$d/q" --device "$d/device" -t 1 -p "hello" -n 3 --temp 0
expect "run: quantised cores" 0
cli quantize "$d/q" "$d/f" F32
expect_out "quantize: cores become floats with the rest" '^after +F32'
if grep -Eq '^after +(Q8_0|Q6_K|F16) ' "$cli_out"; then bad "... all of them" "$(grep ^after "$cli_out" | tr '\n' '|')"
else ok "... all of them"; fi

cli predict --shape gilda-3.2b:Q8_0:mpo --device "$d/device" -t 1 --prompt 1 --gen 1
expect_out "predict: Gilda as factorised layers" 'gilda-3.2b:Q8_0:mpo'
cli synth --shape tiny-llama:mpo,bnd=3 -o "$d/x"
expect "an unknown word in a recipe" 2 "mpo: found 'bnd=3', expected d= s="
cli synth --shape tiny-llama:mpo,s=3 -o "$d/x"
expect "factors that divide nothing" 1 "mpo: found attn_q of 256 x 256, expected both to be multiples of 3"
cli synth --shape tiny-llama:mpo,s=2,u=2 -o "$d/x"
expect "both s and u" 2 "found both s= and u="
if [ -e "$d/x" ]; then bad "nothing is left of what failed" "found a file"; else ok "nothing is left of what failed"; fi
cli_done
