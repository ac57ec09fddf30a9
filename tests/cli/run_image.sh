#!/bin/sh
# run_image.sh - pictures in prompts: run and logits with --image, and what they refuse.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache" # the user's own profile stays as it is
cli synth --shape tiny-qwen2-vl -o "$d/m.gguf"
cli synth --shape tiny-llama -o "$d/llama.gguf"
cli synth --mmproj --shape tiny-qwen2-vl -o "$d/p.gguf"
cli synth --mmproj --shape probe-qwen2-vl -o "$d/wide.gguf"
cli scene --size 112x84 -o "$d/a.ppm"

cli logits -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" -p "the water" --json -o "$d/a.f32" --device rpi5
expect_out "logits --image" '"rows": 1, "n_vocab": 1033, "tokens": \[.*, -1, -2, -3, -4, .*-12, [0-9]'
cli logits -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm,$d/a.ppm" -p "the water" --json -o "$d/b.f32" --device rpi5
expect_out "logits: two pictures" '-12, [0-9]+, [0-9]+, -13, .*-24, [0-9]'
if cmp -s "$d/a.f32" "$d/b.f32"; then bad "a second picture matters" "the same logits"; else ok "a second picture matters"; fi
cli logits -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" --tokens 1 -o "$d/a.f32" --device rpi5
expect "logits: ids and a picture" 2 "found --tokens, expected a text"

cli run -m "$d/m.gguf" --image "$d/a.ppm" -p x --device rpi5
expect "no tower" 2 "found no tower, expected --mmproj FILE"
cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" -p x
expect "no picture" 2 "found no picture, expected --image FILE"
cli run -m "$d/m.gguf" --mmproj "$d/wide.gguf" --image "$d/a.ppm" -p x --device rpi5
expect "a tower of another width" 1 "wide.gguf: found embeddings of 64, expected 256"
cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" -c 8 -p x --device rpi5
expect "a picture larger than the context" 1 "a.ppm: found 12 tokens .*expected at most 8 as the context has"
cli run -m "$d/llama.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" -p x --device rpi5
expect "a model without vision" 1 "found 'llama', expected one with vision"
cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/no.png" -p x --device rpi5
expect "a picture that is not there" 1 "no.png: cannot open"
cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" -p x -n 2 -t 1 --temp 0 --ignore-eos --device rpi5 --energy none --json
expect_out "run --json: the tower's time" '"vision_s": [0-9.e-]+, "prefill_s": [0-9.e-]+, .*"predicted": \{"vision_s": [0-9.e-]+, "prefill_s": '

expect_out "run --json: its pictures" '"pictures": \[\{"in": \[112, 84\], "resized": \[112, 84\], "inner": \[0, 0, 112, 84\], "grid": \[4, 3\], "patches": 48, "tokens": 12, "clamp": "tokens:8\.\.4096"\}\]\}$'
see_cost() { # NAME: the last run said what its picture would cost, in one line
    if [ "$(grep -Ec "^hartree [a-z]+: .*(a\.ppm|112x84): in 112x84 .* -> 48 patches -> .*; [0-9.]+ MFLOP, .* of weights, .*predicted" "$cli_err")" -eq 1 ]; then ok "$1"; else bad "$1" "$(head -n 3 "$cli_err")"; fi
}
see_cost "run: what a picture will cost is said"

# Words that are wrong are so before a model is opened.
for c in run logits measure; do
    case $c in logits) set -- -o "$d/x" ;; *) set -- ;; esac
    cli $c -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm" --clamp egde:5 -p 3 "$@"
    expect "$c: a wrong clamp" 2 "\-\-clamp: clamp: found 'egde:5'"
done
for i in '' ',' ',,'; do
    cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$i" -p x --device rpi5
    expect "a picture without a name: '$i'" 2 "\-\-image: found no name"
done
cli run -m "$d/m.gguf" --max-time 3 -p x
expect "--max-time without a picture" 2 "\-\-max-time: found no picture"

# All pictures are looked at before one is encoded, which is said of each: here of none.
cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm,$d/none.ppm" -p x --device rpi5
expect "a second picture that is not there: the first is not encoded" 1 "none.ppm: cannot open"
cli logits -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm,$d/none.ppm" -p x -o "$d/x" --device rpi5
expect "... nor by logits" 1 "none.ppm: cannot open"
cli run -m "$d/m.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm,$d/a.ppm" -c 20 -p x --device rpi5
expect "a second picture for which there is no room" 1 "a.ppm: found 12 tokens after 12 of other pictures, expected at most 20"

# --max-time: a picture that would take too long, or two that do together.
late() { cli "$@" -t 1 --mmproj "$d/p.gguf" --device rpi5 -m "$d/m.gguf"; }
late run -p x --image "$d/a.ppm" --max-time 1e-6
expect "run --max-time" 1 "a.ppm: picture of 48 patches: found [0-9.e-]+ s predicted, expected at most 1e-06 s; a clamp"
late logits -p x --image "$d/a.ppm" --max-time 1e-6 -o "$d/x"
expect "logits --max-time" 1 "a.ppm: picture of 48 patches: found [0-9.e-]+ s predicted, expected at most 1e-06 s; a clamp"
late measure --image "$d/a.ppm" --max-time 1e-6 --energy none
expect "measure --max-time" 1 "a.ppm: picture of 48 patches: found [0-9.e-]+ s predicted, expected at most 1e-06 s; a clamp"
cli predict --shape tiny-qwen2-vl:F16 --mmproj "$d/p.gguf" --image 112x84 --prompt 5 --gen 1 --device rpi5 -t 1 --json
limit=$(sed 's/.*"vision_s": \([0-9.e-]*\),.*/\1/' "$cli_out" | awk '{ print 1.5 * $1 }')
late logits -p x --image "$d/a.ppm" --max-time "$limit" --json -o "$d/x"
expect_out "logits --max-time: enough for one, and its pictures" '"pictures": \[\{"in": \[112, 84\], '
see_cost "logits: what a picture will cost is said"
late logits -p x --image "$d/a.ppm,$d/a.ppm" --max-time "$limit" -o "$d/x"
expect "... and not for two" 1 "a.ppm: found [0-9.e-]+ s predicted of 2 pictures up to it, expected at most "

# --exact is of the tower, too. Of float weights it changes nothing in a text, so what differs is the tower's.
cli synth --shape tiny-qwen2-vl:F32 -o "$d/f32.gguf"
cli synth --mmproj --shape tiny-qwen2-vl:Q8_0 -o "$d/p8.gguf"
exacts() { # OPTIONS...: whether logits have the same bits with --exact
    cli logits -m "$d/f32.gguf" --kv f32 -p "the water" -o "$d/fast" "$@" && cli logits -m "$d/f32.gguf" --kv f32 -p "the water" -o "$d/exact" --exact "$@" &&
        cmp -s "$d/fast" "$d/exact"
}
if exacts && [ "$cli_rc" -eq 0 ]; then ok "--exact keeps the logits of a text in floats"; else bad "--exact keeps the logits of a text in floats" "they differ"; fi
if ! exacts --mmproj "$d/p8.gguf" --image "$d/a.ppm" && [ "$cli_rc" -eq 0 ]; then ok "... and not those of a tower of blocks"; else bad "... and not those of a tower of blocks" "the same, or $cli_rc"; fi

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
# A profile whose cache holds the model: measure refuses one that the machine outruns.
cli measure -m "$d/m.gguf" --mmproj "$d/p.gguf" --image 112x84 --prompt 5 --gen 3 -r 2 -t 1 --device m2 --energy none --json
expect_out "measure --image" '"prompt": 17, "gen": 3, .*"image": "112x84", "clamp": "tokens:8..4096", .*"flops_vision": [0-9]+, .*"flops_counted": [0-9]+, .*"measured_vision_s": [0-9.e-]+, .*"phase": "vision", .*"measured_s": [0-9.e-]+'
see_cost "measure: what a picture will cost is said"
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
