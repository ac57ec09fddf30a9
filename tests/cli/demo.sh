#!/bin/sh
# demo.sh - hartree without -m: the demo models of the source tree, of where the program is installed, of the user's data folder;
# or one line that says what was looked for. SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files name=traffic-lm-q4_k_m.gguf
if [ -n "${RUN:-}" ]; then
    echo "skip the demo model: a program under a wrapper does not know its own place"
    cli_done
fi
mkdir -p "$d/tree/build/x" "$d/tree/demo" "$d/prefix/bin" "$d/prefix/share/hartree" "$d/data/hartree" "$d/home/.local/share/hartree"
cli synth --shape tiny-llama:Q4_K_M -o "$d/$name"
expect "a model" 0
program=$HARTREE
cp "$program" "$d/tree/build/x/hartree"
cp "$program" "$d/prefix/bin/hartree"
export HOME="$d/home" XDG_DATA_HOME="$d/data"

# found NAME PROGRAM FOLDER: with the model in the folder the program finds it, and without says so
found() {
    HARTREE=$2
    cli tokenize "a"
    expect "$1: not there" 1 "^hartree tokenize: -m: found none, and no $name in the source tree or a data folder; expected a GGUF file$"
    ln -s "$d/$name" "$3/$name"
    cli tokenize "a"
    expect_out "$1: found" '^[0-9]'
    cli predict --prompt 4 --gen 2 --device rpi5 -t 1
    expect_out "$1: predicted" "^model +tiny-llama"
    rm "$3/$name"
}
found "the source tree" "$d/tree/build/x/hartree" "$d/tree/demo"
found "where it is installed" "$d/prefix/bin/hartree" "$d/prefix/share/hartree"
found "XDG_DATA_HOME" "$d/prefix/bin/hartree" "$d/data/hartree"

# Pictures: the vision model and its tower, both or, with one given, the other.
tower=traffic-mmproj-f16.gguf vision=traffic-vlm-q4_k_m.gguf
cli synth --shape tiny-qwen2-vl -o "$d/$vision"
cli synth --mmproj --shape tiny-qwen2-vl -o "$d/$tower"
cli scene --size 112x84 -o "$d/a.ppm"
HARTREE=$d/tree/build/x/hartree
look() { cli run --image "$d/a.ppm" -p x -n 2 -t 1 --ignore-eos --device rpi5 --energy none "$@"; }
look
expect "a picture: no model" 1 "^hartree run: -m: found none, and no $vision in the source tree or a data folder; expected a GGUF file$"
ln -s "$d/$vision" "$d/tree/demo/$vision"
look
expect "a picture: no tower" 1 "^hartree run: --mmproj: found none, and no $tower in the source tree or a data folder; expected a GGUF file$"
look --mmproj "$d/$tower"
expect_out "a picture: a tower given" .
ln -s "$d/$tower" "$d/tree/demo/$tower"
look
expect_out "a picture: run" .
cli predict --image 112x84 --prompt 4 --gen 2 --device rpi5 -t 1
expect_out "a picture: predict" '^model +tiny-qwen2-vl'
# A profile whose cache holds the model: measure refuses one that the machine outruns.
cli measure --image 112x84 --prompt 4 --gen 2 -r 1 --device m2 -t 1 --energy none
expect_out "a picture: measure" '^tower '
cli logits --image "$d/a.ppm" -p x -o "$d/a.f32"
expect "a picture: logits" 0
cli laws image --edges 56,112 --clamp edge:112 --image 112x84 --gen 1 -r 1 --window 0.01 --device rpi5 -t 1 --energy none -o "$d/laws"
expect_out "a picture: laws image" .
unset XDG_DATA_HOME
found "the user's own folder" "$d/prefix/bin/hartree" "$d/home/.local/share/hartree"

# The bundled models themselves: the questions that make demo asks of its scene.
HARTREE=$program
real=$(dirname "$0")/../../demo
cli scene --seed 1000000196 --size 560x392 -o "$d/street.ppm"
cli laws image -m "$real/$vision" --mmproj "$real/$tower" --image "$d/street.ppm" --edges 560 --clamp none --answers "$real/questions.tsv" --gen 8 -r 1 \
    --window 0.01 --device rpi5 -t 1 --energy none
expect_out "the demo's questions: all answered rightly at full size" '^exact +100\.0 % .* of 8 questions'
# Held-out texts, without Python: the share that the model is held to, healed or not; what healing is for is seen beside it.
exact() { sed -n 's/^exact  *\([0-9.]*\) %.* of 120 questions$/\1/p' "$cli_out" | sed -n "$1p"; }
cli laws text -m "$real/$name" -m "$real/traffic-lm-compressed-q8_0.gguf" --lengths 32 --gen 1 -r 1 --window 0.01 --answers "$real/text-questions.tsv" \
    --device rpi5 -t 1 --energy none
expect "the demo's questions about texts" 0
if [ "$(exact 1 | cut -d. -f1)" -ge 95 ]; then ok "... 95 % answered rightly"; else bad "... 95 % answered rightly" "$(exact 1)"; fi
if [ "$(exact 2 | cut -d. -f1)" -ge 92 ]; then ok "... by the healed one 92 %"; else bad "... by the healed one 92 %" "$(exact 2)"; fi
cli laws text -m "$real/traffic-lm-unhealed-q8_0.gguf" --lengths 32 --gen 1 -r 1 --window 0.01 --answers "$real/text-questions.tsv" --device rpi5 -t 1 --energy none
if [ "$(exact 1 | cut -d. -f1)" -lt 92 ]; then ok "... and by the unhealed one fewer"; else bad "... and by the unhealed one fewer" "$(exact 1)"; fi
cli_done
