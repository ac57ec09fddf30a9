#!/bin/sh
# run_image.sh - pictures in prompts: run and logits with --image, and what they refuse.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
cli synth --shape tiny-qwen2-vl -o "$d/m.gguf"
cli synth --shape tiny-llama -o "$d/llama.gguf"
cli synth --mmproj --shape tiny-qwen2-vl -o "$d/p.gguf"
cli synth --mmproj --shape probe-qwen2-vl -o "$d/wide.gguf"
cli scene --size 112x84 -o "$d/a.ppm"

cli logits -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" -p "the water" --json -o "$d/a.f32"
expect_out "logits --image" '"rows": 1, "n_vocab": 1033, "tokens": \[.*, -1, -2, -3, -4, .*-12, [0-9]'
cli logits -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm,$d/a.ppm" -p "the water" --json -o "$d/b.f32"
expect_out "logits: two pictures" '-12, [0-9]+, [0-9]+, -13, .*-24, [0-9]'
if cmp -s "$d/a.f32" "$d/b.f32"; then bad "a second picture matters" "the same logits"; else ok "a second picture matters"; fi
cli logits -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" --tokens 1 -o "$d/a.f32"
expect "logits: ids and a picture" 2 "found --tokens, expected a text"

cli run -m "$d/m.gguf" --image "$d/a.ppm" -p x
expect "no tower" 2 "found no tower, expected --mmproj FILE"
cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" -p x
expect "no picture" 2 "found no picture, expected --image FILE"
cli run -m "$d/m.gguf" --mmproj "$d/wide.gguf" --image "$d/a.ppm" -p x
expect "a tower of another width" 1 "wide.gguf: found embeddings of 64, expected 256"
cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" -c 8 -p x
expect "a picture larger than the context" 1 "a.ppm: found 12 tokens .*expected at most 8 as the context has"
cli run -m "$d/llama.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" -p x
expect "a model without vision" 1 "found 'llama', expected one with vision"
cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/no.png" -p x
expect "a picture that is not there" 1 "no.png: cannot open"
cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" -p x -n 2 -t 1 --temp 0 --ignore-eos --device rpi5 --energy none --json
expect_out "run --json: the tower's time" '"vision_s": [0-9.e-]+, "prefill_s": [0-9.e-]+, .*"predicted": \{"vision_s": [0-9.e-]+, "prefill_s": '

# Modelled joules are those of the tower, too: as predict says them of the same picture, prompt and answer.
number() { grep -o "\"$1\": [0-9.e-]*" "$cli_out" | head -n 1 | sed 's/.*: //'; }
run_two() { cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" -p x -n 2 -t 1 --temp 0 --ignore-eos --energy none --json "$@"; }
run_two --device rpi5
joules=$(number joules) tokens=$(number prompt_tokens)
expect_out "run --json: modelled joules" '"energy": \{"joules": [0-9.e-]+, "kind": "modelled"'
cli predict -m "$d/m.gguf" --mmproj "$d/p.gguf" --image 112x84 --prompt $((tokens - 12)) --gen 2 -t 1 --device rpi5 --json
if [ -n "$joules" ] && [ "$joules" = "$(number energy_j)" ]; then ok "... are those of tower, prompt and answer"; else bad "... are those of tower, prompt and answer" "$joules, predicted $(number energy_j)"; fi
{ grep -v '^energy\.linear' "$(dirname "$0")/../../devices/rpi5.profile"; echo 'energy.linear.q8_0 = 1e-12 # J/FLOP, assumed'; } >"$d/q8_0"
cli synth --shape tiny-qwen2-vl:Q8_0 -o "$d/q8.gguf"
cli run -m "$d/q8.gguf" -p x -n 2 -t 1 --temp 0 --ignore-eos --energy none --device "$d/q8_0" --json
expect_out "joules of a text whose types the profile knows" '"energy": \{"joules": [0-9.e-]+, "kind": "modelled"'
cli run -m "$d/q8.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" -p x -n 2 -t 1 --temp 0 --ignore-eos --energy none --device "$d/q8_0" --json
expect_out "... are not known with a tower whose types it does not" '"energy": \{"joules": null, "kind": "none"'

# measure counts every kernel call of tower and text, and exits 1 where a FLOP is more or less than predicted.
cli measure -m "$d/m.gguf" --mmproj "$d/p.gguf" --image 112x84 --prompt 5 --gen 3 -r 2 -t 1 --device rpi5 --energy none --json
expect_out "measure --image" '"prompt": 17, "gen": 3, .*"image": "112x84", "clamp": "tokens:8..4096", .*"flops_vision": [0-9]+, .*"flops_counted": [0-9]+, .*"measured_vision_s": [0-9.e-]+, .*"phase": "vision", .*"measured_s": [0-9.e-]+'
flops=$(sed 's/.*"clamp": "[^"]*", "flops": \([0-9]*\),.*/\1/' "$cli_out") counted=$(sed 's/.*"flops_counted": \([0-9]*\),.*/\1/' "$cli_out")
if [ "$flops" -gt 0 ] && [ "$flops" = "$counted" ]; then ok "measure --image: FLOPs counted as predicted"; else bad "measure --image: FLOPs counted as predicted" "$flops and $counted"; fi
cli measure -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" --clamp edge:56 --prompt 5 --gen 1 -r 1 -t 1 --device rpi5 --energy none
expect_out "measure --image: a row of its own" '^tower +[0-9.]+ [mu]?s of it, predicted '
cli measure -m "$d/llama.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" --prompt 5 --gen 1 -r 1 -t 1 --device rpi5 --energy none
expect "measure --image: a model without vision" 1 "found 'llama', expected one with vision"
cli measure -m "$d/m.gguf" --image "$d/a.ppm"
expect "measure --image: no tower" 2 "found no tower, expected --mmproj"
cli info "$d/p.gguf"
expect_out "info of a tower: its layers" '^layers +3$'
cli info "$d/p.gguf" --json
expect_out "info of a tower: its numbers" '"architecture": "clip", .*"layers": 3, "hparams": \{.*"vision.patch_size": 14, '
cli_done
