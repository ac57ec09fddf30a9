#!/bin/sh
# run.sh - run, logits, ppl, tokenize on a small synthesised model: what they print, and that they agree with each other.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache"
m=$d/m.gguf
same() { # NAME FILE FILE
    if cmp -s "$2" "$3"; then ok "$1"; else bad "$1" "$(cmp "$2" "$3" 2>&1)"; fi
}

cli synth --shape tiny-llama:Q4_K_M -o "$m"
expect "a model to run" 0
cli calibrate --quick -t 1 -o "$d/device"

cli run -m "$m" --device "$d/device" -p "the cat" -n 8 --temp 0 -t 1
expect "run" 0
cp "$cli_out" "$d/greedy"
if grep -Eq '^prefill +[0-9]+ ' "$cli_err" && grep -Eq '^decode +7 ' "$cli_err"; then ok "run: the table says what was measured and predicted"
else bad "run: the table says what was measured and predicted" "$(head -n 4 "$cli_err" | tr '\n' '|')"; fi
cli run -m "$m" --device "$d/device" -p "the cat" -n 8 --temp 0 -t 1 --echo
printf 'the cat' | cat - "$d/greedy" >"$d/echoed"
same "run --echo: the prompt stands before its continuation" "$cli_out" "$d/echoed"
printf 'the cat' >"$d/prompt"
cli run -m "$m" --device "$d/device" -f "$d/prompt" -n 8 --temp 0 -t 1
same "run -f: as -p" "$cli_out" "$d/greedy"
# shellcheck disable=SC2086
${RUN:-} "$HARTREE" run -m "$m" --device "$d/device" -f - -n 8 --temp 0 -t 1 <"$d/prompt" >"$d/stdin" 2>/dev/null
same "run -f -: from stdin" "$d/stdin" "$d/greedy"
cli run -m "$m" --device "$d/device" -p "the cat" -n 8 -s 5 -t 1 -q
cp "$cli_out" "$d/seed"
if [ -s "$cli_err" ]; then bad "run -q: nothing on stderr" "$(head -n 1 "$cli_err")"; else ok "run -q: nothing on stderr"; fi
cli run -m "$m" --device "$d/device" -p "the cat" -n 8 -s 5 -t 1 -q
same "run: the same seed, the same text" "$cli_out" "$d/seed"
cli run -m "$m" --device "$d/device" -p "the cat" -n 3 --temp 0 -t 1 --ignore-eos --energy none --json
n='-?[0-9][-+.e0-9]*'
expect_out "run --json" "^\\{\"text\": \".*\", \"prompt_tokens\": $n, \"generated_tokens\": 3, \"tokens\": \\[$n, $n, $n\\], \"stop\": \"length\", \
\"load_s\": $n, \"vision_s\": null, \"prefill_s\": $n, \"decode_s\": $n, \"prefill_tps\": $n, \"decode_tps\": $n, \"peak_rss_bytes\": $n, \
\"predicted\": \\{\"vision_s\": null, \"prefill_s\": $n, \"decode_s\": $n, \"frozen_gen\": 3, \"sha256\": \"[0-9a-f]{64}\"\\}, \"energy\": \\{\"joules\": null, \"kind\": \"none\", \"source\": \"none\"\\}\\}\$"
frozen=$(sed 's/.*"frozen_gen": 3, "sha256": "\([0-9a-f]*\)".*/\1/' "$cli_out")
cli run -m "$m" --device "$d/device" -p "the cat" -n 3 --temp 0 -t 1 --ignore-eos -v
if grep -q "predicted before it runs: .*SHA-256 $frozen" "$cli_err"; then ok "run -v: the same prediction, said before it runs"
else bad "run -v: the same prediction, said before it runs" "$(head -n 2 "$cli_err" | tr '\n' '|')"; fi
cli run -m "$m" --device "$d/device" -p "the cat" -n 2 --temp 0 -t 1 --profile
if grep -Eq '^decode +ffn_down ' "$cli_err"; then ok "run --profile: the time of every op"; else bad "run --profile: the time of every op" "$(wc -l <"$cli_err") lines"; fi
cli run -m "$m" --device "$d/device" -p "the cat" -n 50 -c 12 --temp 0 -t 1 --ignore-eos --json
expect_out "run -c: stops where the context ends" '"stop": "context"'
cli run -m "$m" --device "$d/device" -p "the cat" -n 4 --chat --chat-format chatml --temp 0 -t 1
expect "run --chat with a named format" 0

# tokenize and detokenize are each other's inverse; logits take the ids that tokenize gives
cli tokenize -m "$m" "the cat"
expect_out "tokenize" '^[0-9]+( [0-9]+)*$'
ids=$(cat "$cli_out")
# shellcheck disable=SC2086
cli detokenize -m "$m" $ids
expect_out "detokenize" '^ ?the cat$'
cli tokenize -m "$m" --special "the cat"
cli logits -m "$m" --tokens "$(tr ' ' ',' <"$cli_out")" -o "$d/a" -t 1
expect "logits --tokens" 0
cli logits -m "$m" -p "the cat" -o "$d/b" -t 2
same "logits: of a text as of its ids, on any number of threads" "$d/a" "$d/b"
n=$(($(wc -c <"$d/a") / 4))
if [ "$n" -eq 1031 ]; then ok "logits: one row of the vocabulary"; else bad "logits: one row of the vocabulary" "found $n floats, expected 1031"; fi
cli logits -m "$m" -p "the cat" --exact -o "$d/exact" -t 1
if [ "$cli_rc" -eq 0 ] && ! cmp -s "$d/exact" "$d/a"; then ok "logits --exact: without quantised activations"
else bad "logits --exact: without quantised activations" "exit status $cli_rc, or the same bits"; fi
cli logits -m "$m" -p "the cat" --exact --all -o "$d/all" -t 1
tail -c 4124 "$d/all" >"$d/last"
same "logits --all: the last row is the one of the last position" "$d/last" "$d/exact"

i=0
while [ $i -lt 40 ]; do echo "the quick brown fox number $i jumps over the lazy dog"; i=$((i + 1)); done >"$d/text"
cli ppl -m "$m" -f "$d/text" -c 64 --chunks 3 --json -t 1
expect_out "ppl --json" '^\{"perplexity": [0-9.]+, "stderr": [0-9.]+, "nll": [0-9.]+, "tokens": 93, "chunks": 3, "context": 64\}$'
cli ppl -m "$m" -f "$d/prompt"
expect "ppl: a text shorter than a chunk" 1 'found [0-9]+ tokens, expected at least one chunk of 512'
cli_done
