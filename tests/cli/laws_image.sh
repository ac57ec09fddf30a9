#!/bin/sh
# laws_image.sh - laws image: a tiny tower and a tiny model with it, over one picture's sizes; knees, shards, hashes, wrong words.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache" # the user's own profile stays as it is
cli synth --mmproj --shape tiny-qwen2-vl:F16 -o "$d/p.gguf"
expect "a tower to sweep" 0
cli synth --mmproj --shape probe-qwen2-vl -o "$d/wide.gguf"
cli synth --shape tiny-qwen2-vl:F16 -o "$d/m.gguf"
expect "a model to go with it" 0
cli synth --shape tiny-llama -o "$d/llama.gguf"
# A machine whose rates are known, so that nothing has to be measured here.
printf 'name = m\nisa = i\ndate = d\ncores = 2 # 1, assumed\nllc = 1e6 # B, assumed\nexponent = 1 # 1, assumed\nnoise = 0 # 1, assumed\nread_bandwidth.1 = 1e10 # B/s, assumed\nread_peak.1 = 1e10 # B/s, assumed\nstage.1 = 1e-6 # s, assumed\n' >"$d/device"
for v in patches grid_angles layer_norm act add rope store embed angles norm quantise glu gather; do
    printf 'vector.%s.%s.1 = 1e10 # B/s, assumed\n' $v prefill $v decode >>"$d/device"
done
for p in prefill decode; do
    printf '%s.%s.1 = 1e10 # FLOP/s, assumed\n' linear.f16 $p attend.f16 $p >>"$d/device"
done

sweep() { cli laws image --mmproj "$d/p.gguf" --device "$d/device" -t 1 --image 512x360 --energy none --hz 200 --window 0.02 "$@"; }
windows() { grep -c '"kind": "window".*}$' "$1/points.jsonl" 2>/dev/null; }
digest() { sha256sum "$1" 2>/dev/null | cut -d' ' -f1; }
eight="--edges 64,128,192,256,320,384,448,512 -r 1"

# shellcheck disable=SC2086
sweep $eight --clamp edge:256 --clamp none -o "$d/whole"
expect_out "a tower alone: the knee of a clamp, and none without" '^edge:256 +253 px '
if grep -Eq '^none +none +(none|[0-9]+ px .*)  no plateau$' "$cli_out"; then ok "... and none without a clamp"; else bad "... and none without a clamp" "$(grep '^none' "$cli_out")"; fi
if grep -q "predictions frozen, sha256 $(digest "$d/whole/predictions.json"); 16 windows" "$cli_err"; then ok "the hash is said before, and is the file's"
else bad "the hash is said before, and is the file's" "$(head -n 1 "$cli_err")"; fi
if [ "$(windows "$d/whole")" -eq 16 ] && [ "$(wc -l <"$d/whole/points.csv")" -eq 17 ] && [ "$(wc -l <"$d/whole/clamps.csv")" -eq 3 ] &&
    [ "$(awk -F, 'NR == 1 { n = NF } NF != n { bad = 1 } END { print n, bad + 0 }' "$d/whole/points.csv")" = "41 0" ]; then ok "its folder holds windows, points and clamps"
else bad "its folder holds windows, points and clamps" "$(echo "$d/whole"/*)"; fi
# 28 px: below the knee every step of the stairs is one of the grid's, above it there is one.
if awk -F, '$2 == 1 && $4 < 253 { low += 1; if ($5 % 28 || $6 % 28) bad = 1 } $2 == 1 && $4 > 280 { if ($7 != 280) bad = 1 } END { exit bad || low < 9 }' "$d/whole/stairs.csv"; then ok "stairs of 28 pixels up to the knee, and a plateau"
else bad "stairs of 28 pixels up to the knee, and a plateau" "$(cut -d, -f2,4-7 "$d/whole/stairs.csv" | tr '\n' ' ')"; fi
if command -v gnuplot >/dev/null; then
    if grep -q '</svg>' "$d/whole/time.svg" && grep -q '</svg>' "$d/whole/ram_auc.svg"; then ok "gnuplot draws them"; else bad "gnuplot draws them" "no whole SVG"; fi
else echo "skip gnuplot draws them: it is not here"; fi

# A profile that knows what reading and resizing take: one thread's time more, and the picture's bytes.
sed '$r /dev/stdin' "$d/device" >"$d/prepares" <<'RATES'
picture.open = 1e-4 # s, assumed
picture.pixel = 1e-8 # s, assumed
picture.output = 1e-8 # s, assumed
picture.tap = 1e-9 # s, assumed
RATES
grep '^energy\.' "$(dirname "$0")/../../devices/rpi5.profile" >>"$d/prepares"
# shellcheck disable=SC2086
cli laws image --mmproj "$d/p.gguf" --device "$d/prepares" -t 1 --image 512x360 --energy none --hz 200 --window 0.02 $eight --clamp edge:256 --clamp none -o "$d/prepared"
expect "a profile that knows what comes before a tower" 0
if awk -F, 'NR == FNR { cpu[$2, $4] = $30; ram[$2, $4] = $32; none[$2, $4] = $41; next }
    FNR > 1 { if (none[$2, $4] != "") bad = 1; d = $30 - cpu[$2, $4] - $41; if (!($41 > 1e-4) || d * d > 1e-14 * $30 * $30 || !($32 > ram[$2, $4])) bad = 1; n++ }
    END { exit bad || n != 16 }' "$d/whole/points.csv" "$d/prepared/points.csv"; then ok "its areas hold that, too"
else bad "its areas hold that, too" "$(cut -d, -f30,32,41 "$d/prepared/points.csv" | tr '\n' ' ')"; fi

# A window has as many passes as fill it, preparation counted; where the profile is silent of that, the predicted time alone.
passes() { awk -F, 'NR > 1 { t = $17 + $18; w = .02 / t; p = int(w) + (w > int(w)); if ($11 != p) { print $11 " of " w; exit 1 } n++ } END { exit n != 16 }' "$1/predictions.csv"; }
if passes "$d/whole" && passes "$d/prepared"; then ok "windows are filled by whole passes"; else bad "windows are filled by whole passes" "$(passes "$d/prepared")"; fi
if [ "$(sed -n 's/.*to measure, about \([0-9]*\) s/\1/p' "$cli_err")" = "$(awk -F, 'NR > 1 { s += $11 * ($17 + $18) } END { printf "%.0f", s + .04 }' "$d/prepared/predictions.csv")" ]; then ok "... and their sum is what is said"
else bad "... and their sum is what is said" "$(head -n 1 "$cli_err")"; fi
# The page's command makes the sweep again: of a tower alone without the words that it would be refused for.
sed -n 's/.*"command": "hartree \([^"]*\) -o again".*/\1/p' "$d/whole/result.json" >"$d/command"
eval "cli $(cat "$d/command") -o '$d/again'"
expect "the page's command makes a sweep of a tower alone again" 0
if [ "$(windows "$d/again")" -eq 16 ]; then ok "... all of it"; else bad "... all of it" "$(cat "$d/command")"; fi

before=$(digest "$d/whole/points.jsonl")$(digest "$d/whole/predictions.json")$(digest "$d/whole/result.json")
# shellcheck disable=SC2086
sweep $eight --clamp edge:256 --clamp none -o "$d/whole" --json
expect "a finished sweep" 0 'all windows are measured'
after=$(digest "$d/whole/points.jsonl")$(digest "$d/whole/predictions.json")$(digest "$d/whole/result.json")
if [ "$before" = "$after" ] && cmp -s "$cli_out" "$d/whole/result.json"; then ok "a finished sweep is read, not run"; else bad "a finished sweep is read, not run" "files changed"; fi
expect_out "JSON of a picture" '"points": \[\{"width": 64, "height": 45, "clamp": "edge:256", "resized": \[84, 56\], "patches": 24, "tokens": 6, "flops": 18763776, .*"prompt": null, "gen": null, "vision_s": [0-9.e-]+, .*"read_s": [0-9.e-]+, "resize_s": [0-9.e-]+, .*"time_s": [0-9.e-]+, .*"predicted_s": [0-9.e-]+, .*"cpu_auc": [-0-9.e]+, .*"ram_auc": '
expect_out "JSON of knees" '"knee_predicted_px": 253, "knee_measured_px": ([0-9]+|null), "clamps": \[\{"clamp": "edge:256", .*"plateau_patches": 280, "plateau_flops": 301486080, .*"clamp": "none", "knee_predicted_px": null, .*"curve": \{"c": '

# Cut short after six windows, in the middle of a line: the same command goes on.
mkdir "$d/cut"
cp "$d/whole/predictions.json" "$d/cut"
head -n 8 "$d/whole/points.jsonl" >"$d/cut/points.jsonl"
printf '{"kind": "window", "model": 0, "poi' >>"$d/cut/points.jsonl"
# shellcheck disable=SC2086
sweep $eight --clamp edge:256 --clamp none -o "$d/cut"
if grep -q '; 10 windows to measure' "$cli_err" && [ "$(windows "$d/cut")" -eq 16 ] && head -n 8 "$d/whole/points.jsonl" | cmp -s - "$(head -n 8 "$d/cut/points.jsonl" >"$d/head"; echo "$d/head")"; then ok "a sweep that was cut short goes on with what it had"
else bad "a sweep that was cut short goes on with what it had" "$(head -n 1 "$cli_err") $(windows "$d/cut")"; fi
# shellcheck disable=SC2086
sweep $eight --clamp edge:224 --clamp none -o "$d/whole"
expect "another clamp in the same folder" 1 'points.jsonl: found windows of other settings'
missing=
for words in 'Energy of a picture' 'ratios are to the first clamp' 'of a pair of patches'; do grep -q "$words" "$d/prepared/report.html" || missing="$missing $words"; done
grep -q 'Energy of a picture' "$d/whole/report.html" && missing="$missing reason for joules of a profile without energy terms"
if [ -z "$missing" ]; then ok "the page has energy where it is known, ratios of plateaus and the curve"; else bad "the page has energy where it is known, ratios of plateaus and the curve" "found no$missing"; fi
# shellcheck disable=SC2086
for i in 1 2; do sweep $eight --clamp box:160x120 -o "$d/shard$i" --shard $i/2; done
# shellcheck disable=SC2086
sweep $eight --clamp box:160x120 --join "$d/shard1" --join "$d/shard2" -o "$d/joined"
expect "shards joined" 0
cli report "$d/shard2/result.json" "$d/shard1/result.json" -o "$d/shards.html"
cli report "$d/joined/result.json" -o "$d/joined.html"
same() { sed -e 's/, of 2 shards//' -e 's/<pre class="wrap">.*//' "$1"; }
if same "$d/shards.html" | cmp -s - "$(same "$d/joined.html" >"$d/same"; echo "$d/same")" && grep -q 'box:160x120, measured' "$d/shards.html"; then ok "... which report joins to the same knee and curve"
else bad "... which report joins to the same knee and curve" "$(same "$d/shards.html" | diff - "$d/same" | head -n 3 | cut -c1-300)"; fi
if [ "$(windows "$d/shard1")" -eq 4 ] && [ "$(wc -l <"$d/joined/points.csv")" -eq 9 ]; then ok "... to all points"; else bad "... to all points" "$(wc -l <"$d/joined/points.csv") lines"; fi

# At the machine's pace: of a profile whose work took a microsecond, this machine is thousands of times slower now.
{ cat "$d/device" && echo 'pace.prefill.1 = 1e-6 # s, measured' && echo 'pace.decode.1 = 1e-6 # s, measured'; } >"$d/fast"
sweep --device "$d/fast" --edges 64 --clamp edge:1024 -r 1 --window 1.5 --json
expect_out "the error at the machine's pace is told of pictures, too" '"paced": \{"n": 1, "unknown": 0, "mape": [0-9]{2,}'

# A model and its tower, and a pair.
sweep -m "$d/m.gguf" --edges 64,128 --clamp edge:1024 --gen 3 -r 1 --json
expect_out "a model and its tower: tower, prefill, decode" '"points": \[\{"width": 64, .*"tokens": 6, "flops": [0-9]+, "flops_vision": 18763776, "prompt": 9[0-9], "gen": 3, "vision_s": [0-9.e-]+, .*"prefill_s": [0-9.e-]+, .*"decode_s": [0-9.e-]+, '
flops=$(sed 's/^{.*"points": \[{"width": 64, [^{]*"tokens": 6, "flops": \([0-9]*\), .*/\1/' "$cli_out")
prompt=$(sed 's/^{.*"points": \[{"width": 64, [^{]*"prompt": \([0-9]*\), .*/\1/' "$cli_out")
cli predict -m "$d/m.gguf" --mmproj "$d/p.gguf" --image 64x45 --clamp edge:1024 --prompt $((prompt - 6)) --gen 3 --device "$d/device" -t 1 --json
expect_out "... whose FLOPs predict says too" "\"flops\": $flops, \"flops_prefill\""
sweep -m "$d/m.gguf" -m "$d/m.gguf" --mmproj "$d/p.gguf" --edges 64,128,256 --clamp edge:128 --gen 2 -r 1 --question 'What is it?' -o "$d/pair" --json
expect_out "a pair has ratios" '"second": \{"model": .*"ratios": \{"time": \{"ratio": [0-9.]+'
cli scene --size 300x200 -o "$d/a.ppm"
sweep --image "$d/a.ppm" --edges 100,200,300 --clamp edge:128 -r 1 --json
expect_out "a picture of a file" '"points": \[\{"width": 100, "height": 67, '

# Answers to questions about the picture, at each size and clamp: scored by their words, kept, and made again where they lack.
printf 'What colour is the car?\tRed.\nHow many signs are there?\tTwo.\n' >"$d/questions"
asks() { sweep -m "$d/m.gguf" -m "$d/m3.gguf" --mmproj "$d/p.gguf" --edges 64,128 --clamp edge:128 --gen 2 -r 1 "$@"; }
cli synth --shape tiny-qwen2-vl:F16 --seed 3 -o "$d/m3.gguf"
asks --answers "$d/questions" -o "$d/asked"
expect_out "questions about a picture: of each model" '^exact +0.0 % \(0.0 % to 0.0 %\) of 2 questions, each about 2 pictures$'
expect_out "... and of the pair" '^exact +\+0.0 % .* of 2 questions, each about 2 pictures$'
if [ "$(wc -l <"$d/asked/answers.tsv")" -eq 9 ] && [ "$(wc -l <"$d/asked/accuracy.csv")" -eq 9 ] && grep -q '^2,.*,edge:128,128,2,,0$' "$d/asked/accuracy.csv"; then ok "... an answer a question, size and model"
else bad "... an answer a question, size and model" "$(tail -n 1 "$d/asked/accuracy.csv")"; fi
cp "$d/asked/answers.tsv" "$d/kept"
sed -i '4,6d' "$d/asked/answers.tsv"
asks --answers "$d/questions" -o "$d/asked"
if cmp -s "$d/kept" "$d/asked/answers.tsv"; then ok "answers that lack are made, the same ones"; else bad "answers that lack are made, the same ones" "$(wc -l <"$d/asked/answers.tsv") lines"; fi
# What the first model says of the smaller picture as the references: then it is right there, and at most there and at the other size.
awk -F'\t' 'NR == FNR { q[FNR] = $1; next } FNR > 1 && $1 == 1 && $2 == 1 { print q[$3] "\t" $4 }' "$d/questions" "$d/kept" >"$d/truth"
asks --answers "$d/truth" -o "$d/asked" --json
expect_out "references mended: the same answers, scored anew" '"points": \[\{"width": 64, .*"exact": 1, "answers": \[\{"question": "What colour is the car\?", "answer": ".*", "reference": ".*", "semantic_accuracy": null, "exact": 1\}.*"exact_accuracy": (0.5|0.75|1), "exact_accuracy_ci95": \['
if grep -q 'id="answers"' "$d/asked/report.html" && grep -q 'Right answers about the picture, model B' "$d/asked/report.html" && grep -q 'B less A, question by question' "$d/asked/report.html"; then ok "... and the page shows them"
else bad "... and the page shows them" "no such section"; fi
printf 'What is it?\tA street.\n' >"$d/others"
asks --answers "$d/others" -o "$d/asked"
if [ "$cli_rc" -eq 1 ] && grep -q 'answers.tsv: found answers of other settings, models, questions' "$cli_err"; then ok "other questions in the same folder are refused"
else bad "other questions in the same folder are refused" "$cli_rc $(tail -n 1 "$cli_err")"; fi
echo 'What is it?' >"$d/malformed"
asks --answers "$d/malformed"
expect "a question without an answer" 1 "malformed: line 1: found 'What is it\?', expected a question, a tab and its answer"
printf 'How many cars?\tTwo.\nWhat is it?\t \n' >"$d/blank"
asks --answers "$d/blank"
expect "a question with an empty answer" 1 "blank: line 2: found ' ' as the answer, expected one of at least a word"
asks --judge "$d/m.gguf"
expect "a judge without questions" 2 '\-\-judge: found no --answers'
sweep --answers "$d/questions" --edges 64
expect "questions to a tower alone" 2 '\-\-answers: found a tower alone'

# The paper's shapes: FLOPs on the three plateaus, 40 tokens of text beside the picture.
for c in 1024x720:10057598099456 854x594:6643899457536 714x496:4321079771136; do
    cli predict --shape qwen2-vl-2b:F16 --image 2048x1440 --clamp "box:${c%%:*}" --prompt 40 --gen 1 --device rpi5 --json
    expect_out "Qwen2-VL-2B above the clamp ${c%%:*}" "\"flops\": ${c##*:}, .*\"vision_s\": [0-9.]+"
done

cli laws image -m "$d/m.gguf"
expect "no tower" 2 'found 0 towers, expected --mmproj once or twice'
cli laws image -m "$d/m.gguf" -m "$d/m.gguf" --mmproj "$d/p.gguf"
expect "fewer towers than models" 2 'found 2 models and 1 towers'
cli laws text -m "$d/m.gguf" --mmproj "$d/p.gguf"
expect "a tower in a sweep of prompts" 2 'found --mmproj, expected none'
sweep --points 1
expect "prompts in a sweep of pictures" 2 'found --points, expected --edges'
sweep --gen 3
expect "tokens from a tower alone" 2 '\-\-gen: found a tower alone'
sweep --clamp egde:5
expect "a wrong clamp" 2 "clamp: found 'egde:5'"
sweep --edges 64,64
expect "an edge twice" 2 '\-\-edges: found 64 twice'
sweep --clamp edge:64 --clamp edge:64,pad
expect "a clamp twice" 1 'found edge:64 twice'
sweep --edges 64,1024
expect "a size above the picture's" 1 'found 1024 pixels, expected 1 to 512'
sweep --image "$d/none.png"
expect "no such picture" 1 'none.png: cannot open'
sweep --image 12x8
expect "a picture too small for 20 sizes" 1 'found a longest edge of 12 pixels'
sweep -m "$d/llama.gguf" --edges 64
expect "a model without vision" 1 "found 'llama', expected one with vision"
cli laws image -m "$d/m.gguf" --mmproj "$d/wide.gguf" --device "$d/device" -t 1 --image 64x64 --energy none
expect "a tower of another width" 1 'wide.gguf: found embeddings of 64, expected 256'
cli laws image --mmproj "$d/m.gguf" --device "$d/device" -t 1 --energy none
expect "a tower that is none" 1 'm.gguf: '
grep -v 'vector.act' "$d/device" >"$d/lacks"
cli laws image --mmproj "$d/p.gguf" --device "$d/lacks" -t 1 --image 512x360 --energy none
expect "a device without the tower's rates" 1 'p.gguf: device profile: found no vector.act.prefill.1'
cli_done
