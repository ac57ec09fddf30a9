#!/bin/sh
# imatrix.sh - imatrix, quantize with it, ppl --against: what they write and say, wrong usage, bad files.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
cli synth --shape L=2,D=96,H=4,KV=2,F=256,V=600:F16 -o "$d/m"
expect "a model to start from" 0
i=0
while [ $i -lt 400 ]; do echo "one river of time, and $i of cold water."; i=$((i + 1)); done >"$d/text"

cli imatrix -m "$d/m" -o "$d/im" --calib "$d/text" --tokens 1024
expect_out "imatrix: what it collected" 'im: inputs of 14 matrices on 1024 tokens'
cli info "$d/im"
if [ "$cli_rc" -eq 0 ] || grep -q 'general.architecture' "$cli_err"; then ok "imatrix: the file is a GGUF"; else bad "imatrix: the file is a GGUF" "$(cat "$cli_err")"; fi
cli imatrix -m "$d/m" --calib "$d/text"
expect "imatrix: nowhere to write" 2 'no -o FILE'
cli imatrix -m "$d/m" -o "$d/b" --tokens 512
expect_out "imatrix: on the bundled text" 'b: inputs of 14 matrices on 512 tokens'
echo short >"$d/short"
cli imatrix -m "$d/m" -o "$d/x" --calib "$d/short"
expect "imatrix: a short text" 1 'short: text: found [0-9]+ tokens, expected at least one sequence of 512'

cli quantize "$d/m" "$d/q" Q3_K --imatrix "$d/im" --correct 2 --correct-mean --tensors
expect_out "quantize: a line a matrix" '^blk.1.ffn_down +Q3_K +1 +2 '
expect_out "quantize: bits of the blocks" '^14 matrices of blocks made anew: [0-9.]+ bits a parameter'
cli quantize "$d/m" "$d/j" Q3_K --imatrix "$d/im" --correct 2 --json
expect_out "quantize: JSON" '"block_bits": [0-9.]+, "matrices": \[\{"name": "blk.0.attn_q", "type": "Q3_K", "joined_rows": 8, "rank": 2, "bytes": [0-9]+, "bits": [0-9.]+, "rel_error": [0-9.e-]+, "rel_error_corrected": [0-9.e-]+\}'
cli quantize "$d/m" "$d/w" Q4_0 --imatrix "$d/im"
expect_out "quantize: weights alone" '^after +Q4_0 +16 '
cli quantize "$d/m" "$d/c" Q4_0 --calib "$d/text" --tokens 512 --correct 1
expect_out "quantize: from a text" '14 matrices of blocks made anew'
cli ppl -m "$d/q" --against "$d/m" -f "$d/text" -c 64 --chunks 4
expect_out "ppl --against" '^ratio [0-9.]+, its logarithm [-0-9.]+ \+- [0-9.]+; KL divergence [0-9.]+ \+- [0-9.]+ nats a token; likeliest token the same: '
cli ppl -m "$d/q" --against "$d/m" -f "$d/text" -c 64 --chunks 4 --json
expect_out "ppl --against, JSON" '^\{"perplexity": [0-9.]+, "stderr": .*"original_perplexity": .*"ratio": .*"kl": [0-9.e-]+, "kl_stderr": .*"tokens": 124, "chunks": 4, "context": 64\}'
cli ppl -m "$d/q" --against "$d/none" -f "$d/text"
expect "ppl --against nothing" 1 'none: .*No such file'
cli ppl -m "$d/q" --against "$d/m" --exact -f "$d/text"
expect "ppl --against --exact" 2 'expected one of them'
cli run -m "$d/q" -p "one river" -n 4 --temp 0
expect "the corrected model runs" 0
cli run -m "$d/c" -p "one river" -n 4 --temp 0
expect "... and one without joined rows" 0
cli quantize "$d/q" "$d/again" Q4_0
expect "quantize: a corrected model once more" 0
cli run -m "$d/again" -p "one river" -n 4 --temp 0
expect "... runs: biases stayed floats" 0

cli quantize "$d/m" "$d/b" Q3_K --correct-mean --tokens 512
expect_out "quantize: by the bundled text" '14 matrices of blocks made anew'
cli quantize "$d/m" "$d/x" Q3_K --imatrix "$d/im" --calib "$d/text"
expect "quantize: two sources" 2 'found both --imatrix and --calib'
cli quantize "$d/m" "$d/x" Q3_K --imatrix "$d/im" --feedback --no-feedback
expect "quantize: with and without" 2 'found both --feedback and --no-feedback'
cli quantize "$d/m" "$d/x" Q3_K --imatrix "$d/none"
expect "quantize: no such file" 1 'none: .*No such file'
cli quantize "$d/m" "$d/x" Q3_K --imatrix "$d/m"
expect "quantize: a model as importance matrix" 1 'm: tensors: found no NAME.in_sum2'
head -c 2000 "$d/im" >"$d/cut"
cli quantize "$d/m" "$d/x" Q3_K --imatrix "$d/cut"
expect "quantize: a file that ends early" 1 'cut: '
cli quantize "$d/q" "$d/x" Q3_K --imatrix "$d/im" --correct 1
expect "quantize: corrected already" 1 "mpo.version': found a model with factorised or corrected layers"
cli synth --shape L=2,D=128,H=4,KV=2,F=256,V=600:F16 -o "$d/other"
cli quantize "$d/other" "$d/x" Q3_K --imatrix "$d/im" --correct 1
expect "quantize: inputs of another model" 1 "found rows of 128, expected 96"
cli synth --shape L=1,D=96,H=4,KV=2,F=256,V=600:F16 --seed 7 -o "$d/half"
cli imatrix -m "$d/half" -o "$d/im1" --calib "$d/text" --tokens 512
cli quantize "$d/m" "$d/l" Q4_0 --imatrix "$d/im1" --json
expect "quantize: what the importance matrix lacks" 0 "found nothing of 7 of the blocks' 14 matrices, which go without: blk.1.attn_q.weight, blk.1.attn_k.weight, blk.1.attn_v.weight, \.\.\.\$"
expect_out "... and in JSON" '"without_inputs": 7\}$'
if [ ! -e "$d/x" ]; then ok "nothing is left of what failed"; else bad "nothing is left of what failed" "found x"; fi

# A family of variants
export XDG_CACHE_HOME="$d/cache"
cli calibrate --quick -t 1 -o "$d/device"
family() { cli laws compress -m "$d/m" -m "$d/q" -m "$d/w" --device "$d/device" -t 1 --energy none --hz 100 --window 0.05 --points 1,4,8 --gen 2 -r 1 -f "$d/text" --chunks 1 -o "$d/family" "$@"; }
family
expect_out "laws compress: a table" '^q +[0-9.]+ [kM]B +'
expect_out "laws compress: law 1" '^law 1: RAM AUC = intercept'
family --json
expect "laws compress: goes on" 0 'all windows are measured'
expect_out "laws compress: JSON" '"variants": \[\{"name": "m", "file_bytes": [0-9]+, "time_s": [0-9.e-]+, "predicted_s": .*"perplexity": [0-9.]+, .*"semantic_accuracy": null, "exact_accuracy": null, "cpu_line": .*"ratios": \[\{"name": "q", "file_bytes": [0-9.]+, "time": \{"ratio": '
if [ "$(wc -l <"$d/family/variants.csv")" -eq 4 ] && [ "$(wc -l <"$d/family/quality.txt")" -eq 3 ]; then ok "laws compress: its folder"; else bad "laws compress: its folder" "$(echo "$d/family"/*)"; fi
variants() { grep -o '"variants": \[.*' "$d/$1/result.json" | grep -o '"identity": ' | wc -l; }
if [ "$(variants family)" -eq 2 ] && grep -q '"quality": {"perplexity": [0-9.]*, .*"quality": .*"quality": ' "$d/family/result.json"; then ok "laws compress: result.json has every variant and its quality"
else bad "laws compress: result.json has every variant and its quality" "found $(variants family) beside the first"; fi
if grep -q '<th>C - w</th>' "$d/family/report.html" && grep -q 'points-c.csv' "$d/family/report.html" && grep -q 'C measured' "$d/family/report.html" &&
    grep -q 'hartree laws compress -m .*/m -m .*/q -m .*/w --points .* --energy none -f .*text --chunks 1 -o again' "$d/family/report.html"; then ok "laws compress: so has the page"
else bad "laws compress: so has the page" "no C, or another command"; fi
cli version
if ! grep -q '^openblas *no$' "$cli_out"; then
    made() { cli laws compress -m "$d/m" --device "$d/device" -t 1 --energy none --hz 100 --window 0.05 --points 1,4,8 --gen 2 -r 1 --ratios 0.8 --calib "$d/text" -o "$d/made" "$@"; }
    made --tokens 512
    expect "laws compress: makes a variant" 0
    if grep -q 'making .*m.0.8.Q8_0.gguf$' "$cli_err"; then ok "... and says so"; else bad "... and says so" "$(head -n 1 "$cli_err")"; fi
    if grep -q -- '--ratios 0.8 --calib .*text --tokens 512 -o again' "$d/made/report.html" && ! grep -q -- '-m [^ ]*Q8_0' "$d/made/report.html"; then ok "... and how"
    else bad "... and how" "$(grep -o 'hartree laws compress.*' "$d/made/report.html")"; fi
    made --tokens 512
    if [ "$cli_rc" -eq 0 ] && ! grep -q 'making' "$cli_err"; then ok "laws compress: what is there is not made again"; else bad "laws compress: what is there is not made again" "$(head -n 1 "$cli_err")"; fi
    made --tokens 1024 --restart
    if [ "$cli_rc" -eq 0 ] && grep -q 'making .* anew: found one of another model, text or options$' "$cli_err"; then ok "... but for other settings"
    else bad "... but for other settings" "$cli_rc: $(head -n 1 "$cli_err")"; fi
fi
cli laws compress -m "$d/m" --ratios 1.5 -o "$d/family"
expect "laws compress: a wrong ratio" 2 'ratios: expected numbers above 0 and below 1'
cli laws compress -m "$d/m" --ratios 0.9
expect "laws compress: no folder" 2 'without -o DIR'
cli laws text -m "$d/m" --chunks 2
expect "laws text takes none of it" 2 'of laws compress alone'
cli_done
