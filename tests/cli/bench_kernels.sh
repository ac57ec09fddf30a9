#!/bin/sh
# bench_kernels.sh - `hartree bench kernels`: what it prints, and wrong words.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"

number='[0-9][-+.e0-9]*'
cli bench kernels f32_add --json
expect_out "bench kernels --json" "^\[\{\"op\": \"f32_add\", \"isa\": \"scalar\", \"tag\": null, \"case\": \"4096\", \"ok\": true, \"max_error\": 0, \
\"tolerance\": 0, \"time_s\": $number, \"mad_s\": $number, \"flops\": 0, \"special\": 4096, \"bytes\": 49152, \"share_of_peak\": null\}.*\]$"
cli bench kernels q8_0_dot i8_peak --json
expect_out "bench kernels: share of the peak" "\"op\": \"i8_peak\", \"isa\": \"scalar\".*\"share_of_peak\": null\}.*\"op\": \"q8_0_dot\", .*\"share_of_peak\": (null|$number)\}\]"
cli bench kernels f32_scale
expect_out "bench kernels OP" '^f32_scale +scalar +4096 '
cli bench kernels --list --json
expect_out "bench kernels --list --json" '"op": "f32_softmax", "isa": "scalar", "tag": null, "usable": true, "bound": (true|false)'
cli_with HARTREE_ISA=scalar bench kernels f32_add --list
expect_out "bench kernels under HARTREE_ISA" '^f32_add +scalar +bound$'
cli_with HARTREE_KERNEL=f32_add:nope bench kernels --list
expect "bench: HARTREE_KERNEL naming no kernel" 2 "HARTREE_KERNEL: found 'f32_add:nope', expected"
cli bench kernels f32_ad
expect "bench kernels: unknown operation" 2 "found operation 'f32_ad'.*f32_add"
cli bench kernel
expect "bench: unknown kind" 2 "'kernel'.*'kernels'"
cli bench kernels --list f32_add f32_scale f32_axpy --shard 2/3
if [ "$(cut -d' ' -f1 "$cli_out" | sort -u)" = f32_axpy ]; then ok "bench kernels --shard"; else bad "bench kernels --shard" "$(cut -d' ' -f1 "$cli_out" | sort -u | tr '\n' ' ')"; fi
cli bench kernels f32_add --rows 8
expect "bench kernels: an option of bench layer" 2 "found --rows, which bench kernels does not take"
cli bench model --list
expect "bench model: an option of bench kernels" 2 "found --list, which bench model does not take"
cli bench
expect "bench: no kind" 2
cli_done
