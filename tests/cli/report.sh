#!/bin/sh
# report.sh - pages: of a sweep, of several machines, of the paper's protocol; steps that fail, interruption, hostile files.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache"
cli synth --shape tiny-llama:Q4_K_M -o "$d/m.gguf"
expect "a model" 0
cli synth --shape tiny-llama:Q8_0 --seed 2 -o "$d/m2.gguf"
expect "a second one" 0
cli calibrate --quick -t 1 -o "$d/device"
expect "a device" 0
digest() { cat "$@" 2>/dev/null | sha256sum | cut -d' ' -f1; }

# A page is one file: nothing in it asks a network for anything, and no script.
alone() { # NAME FILE
    if grep -Eqi '<script|https?:| src=|url\(|@import' "$2" || ! tail -n 1 "$2" | grep -q '</html>'; then bad "$1" "it needs more than itself"
    else ok "$1"; fi
}

sweep() { cli laws text -m "$d/m.gguf" -m "$d/m2.gguf" --device "$d/device" -t 1 --energy none --hz 100 --window 0.05 --gen 4 -r 1 "$@"; }
sweep --points 1,6,12 -o "$d/one"
expect_out "a sweep" '^second over first'
alone "its folder has a page" "$d/one/report.html"
hash=$(sha256sum "$d/one/predictions.json" | cut -d' ' -f1)
if grep -q "$hash" "$d/one/report.html" && grep -q 'A measured' "$d/one/report.html" && grep -q 'points-b.csv' "$d/one/report.html" &&
    grep -q 'hartree laws text -m .*m.gguf -m .*m2.gguf --points 1,6,12 --gen 4 -r 1 --hz 100 --window 0.05 -t 1 .*--energy none -o again' "$d/one/report.html"; then
    ok "it has the hash, figures, tables and the command"
else bad "it has the hash, figures, tables and the command" "$(wc -c <"$d/one/report.html") bytes"; fi

# Two machines' results, as if one were another's.
sed 's/"machine": "[^"]*"/"machine": "Board <2> \& "/' "$d/one/result.json" >"$d/other.json"
cli report "$d/one/result.json" "$d/other.json" -o "$d/joined.html"
expect "two results are joined" 0 'written to .*joined.html$'
alone "the joined page" "$d/joined.html"
if grep -q '<th>Board &lt;2&gt; &amp; </th>' "$d/joined.html" && grep -q 'on 2 machines' "$d/joined.html"; then ok "a column each, names escaped"
else bad "a column each, names escaped" "no such column"; fi
before=$(digest "$d/joined.html")
cli report "$d/one/result.json" "$d/other.json" -o "$d/joined.html" --json
expect_out "report --json" '^\{"report": ".*joined.html", "results": 2, "columns": 2\}$'
if [ "$before" = "$(digest "$d/joined.html")" ]; then ok "the same page again"; else bad "the same page again" "it differs"; fi

# Shards of a sweep become one column, which says what laws --join says of them, to the digit.
points=1,3,6,9,12,15,17
for i in 1 2 3; do sweep --points $points --shard $i/3 -o "$d/s$i"; done
sweep --points $points --join "$d/s1" --join "$d/s2" --join "$d/s3" -o "$d/whole"
alone "joined shards have a page" "$d/whole/report.html"
cli report "$d/s2/result.json" "$d/s1/result.json" "$d/other.json" "$d/s3/result.json" -o "$d/joined.html" --json
expect_out "shards are joined, beside a machine" '"results": 4, "columns": 2\}$'
cli report "$d/s2/result.json" "$d/s1/result.json" "$d/s3/result.json" -o "$d/joined.html" --json
expect_out "shards are joined" '"columns": 1\}$'
cli report "$d/whole/result.json" -o "$d/whole.html"
# but for how many shards there were, and what the command and the machine's free memory are
same() { sed -e 's/, of 3 shards//' -e 's/<pre class="wrap">.*//' "$1"; }
if same "$d/joined.html" | cmp -s - "$(same "$d/whole.html" >"$d/same"; echo "$d/same")" && grep -q 'all windows, of 3 shards' "$d/joined.html"; then ok "... as laws --join joins them"
else bad "... as laws --join joins them" "$(same "$d/joined.html" | diff - "$d/same" | head -n 3 | cut -c1-300)"; fi
cli report "$d/s1/result.json" "$d/s3/result.json" -o "$d/joined.html"
if grep -q '4 windows of the sweep are not there, of 2 shards' "$d/joined.html"; then ok "a shard that lacks is told"; else bad "a shard that lacks is told" "$(grep -o '[0-9]* windows of the sweep' "$d/joined.html")"; fi
sed 's/"windows": 1/"windows": -1/' "$d/s3/result.json" >"$d/hostile.json"
cli report "$d/s1/result.json" "$d/hostile.json" -o "$d/no.html"
expect "a shard with windows that can't be" 1 "hostile.json: 'windows': found -1, expected a whole number from 1 to "
cp "$d/s1/result.json" "$d/copy.json"
cli report "$d/s1/result.json" "$d/s2/result.json" "$d/copy.json" -o "$d/no.html"
expect "the same shard twice" 1 "copy.json: found the same result as in .*s1/result.json, expected each once"
cli report "$d/one/result.json" "$d/one/result.json" -o "$d/no.html"
expect "the same sweep twice" 1 "one/result.json: found the same result as in .*one/result.json, expected each once"
sed 's/"hz": /"hz":  /' "$d/s1/result.json" >"$d/again.json"
cli report "$d/s2/result.json" "$d/s1/result.json" "$d/again.json" -o "$d/no.html"
expect "a shard's points in another file" 1 "again.json: found a point \(prompt 1\) that .*s1/result.json has, expected each in one shard"

echo '{"kind": "laws text", "points": [' >"$d/cut.json"
cli report "$d/cut.json" -o "$d/no.html"
expect "a result that is cut short" 1 'cut.json: line 2: found the end, expected a value$'
echo '{"a": 1}' >"$d/none.json"
cli report "$d/none.json" -o "$d/no.html"
expect "a file that is no result" 1 'none.json: found no "kind", expected the result.json of laws or paper$'
for bare in '{"kind": "paper"}' '{"kind": "paper", "steps": []}' '{"kind": "paper", "steps": 3, "text": null}'; do
    echo "$bare" >"$d/bare.json"
    cli report "$d/bare.json" -o "$d/no.html"
    expect "no result: $bare" 1 "bare.json: found 'paper' without steps, expected the result.json of laws or paper$"
done
cli report "$d/nothing.json" -o "$d/no.html"
expect "a file that is not there" 1 'nothing.json'
cli report
expect "report: no file" 2 'found 0 arguments'
cli report "$d/one/result.json" -o "$d/no/folder.html"
expect "report: no such folder" 1 'no/folder.html'
if [ ! -e "$d/no.html" ]; then ok "a failure leaves no page"; else bad "a failure leaves no page" "there is one"; fi

# The protocol: models that do not see fail their step alone.
cli synth --mmproj --shape tiny-qwen2-vl:F16 -o "$d/p1.gguf"
blind="general.architecture': found 'llama', expected one with vision"
protocol() {
    cli paper --pair "$d/m.gguf" "$d/m2.gguf" --vlm-pair "$d/m.gguf" "$d/m2.gguf" --mmproj "$d/p1.gguf" "$d/p1.gguf" --device "$d/device" --energy none \
        -t 1 --minutes 0.05 -o "$d/paper" "$@"
}
protocol
if [ "$cli_rc" -eq 1 ] && grep -q "^pictures .*$blind" "$cli_out" && grep -q '^prompts  *done' "$cli_out"; then ok "paper: a step that fails is a line, and status 1"
else bad "paper: a step that fails is a line, and status 1" "$cli_rc: $(tr '\n' '|' <"$cli_out") $(tail -n 1 "$cli_err")"; fi
alone "paper: the rest is a page" "$d/paper/report.html"
if grep -q 'class="missing">pictures: .*expected one with vision' "$d/paper/report.html" && grep -q 'published, Raspberry Pi 5' "$d/paper/report.html" &&
    grep -q 'id="tokens"' "$d/paper/report.html" && ! grep -q 'id="pixels"' "$d/paper/report.html"; then ok "paper: with that line, prompts and the published"
else bad "paper: with that line, prompts and the published" "they are not there"; fi
before=$(digest "$d/paper/result.json" "$d/paper/report.html" "$d/paper/text/points.jsonl")
protocol
if [ "$before" = "$(digest "$d/paper/result.json" "$d/paper/report.html" "$d/paper/text/points.jsonl")" ]; then ok "paper: the same again"
else bad "paper: the same again" "it differs"; fi
cli report "$d/paper/result.json" "$d/other.json" -o "$d/joined.html"
expect "paper and sweep are joined" 0

# How right the answers are: of each model with its interval, their difference, and what is published.
cli synth --shape tiny-bert:F16 -o "$d/judge.gguf"
protocol --judge "$d/judge.gguf"
if grep -q '^prompts  *done' "$cli_out" && grep -q 'id="answers"' "$d/paper/report.html" && grep -q '<svg.*Semantic accuracy of the answers' "$d/paper/report.html" &&
    grep -Eq '<th>semantic accuracy</th><td>-?[0-9.]+ % \(-?[0-9.]+ % to -?[0-9.]+ %\)</td>' "$d/paper/report.html" &&
    grep -Eq '<th>semantic accuracy</th><td>[^0-9<]*[0-9.]+ points \([^0-9<]*[0-9.]+ to [^0-9<]*[0-9.]+\)</td>' "$d/paper/report.html" &&
    grep -q 'Published, Raspberry Pi 5: semantic accuracy 77.0 % of Llama-3.1-8B and 90.8 % of Gilda' "$d/paper/report.html"; then ok "paper --judge: accuracies, their difference, and the published ones"
else bad "paper --judge: accuracies, their difference, and the published ones" "$(grep -o '<th>semantic accuracy</th>.*' "$d/paper/report.html" | head -n 1) $(tail -n 1 "$cli_err")"; fi
if grep -q 'hartree paper .*--judge .*judge.gguf' "$d/paper/report.html"; then ok "... and its command says so"; else bad "... and its command says so" "it does not"; fi

# Killed in the middle of its prompts, it goes on.
rm -rf "$d/paper"
# shellcheck disable=SC2086
${RUN:-} "$HARTREE" paper --pair "$d/m.gguf" "$d/m2.gguf" --vlm-pair "$d/m.gguf" "$d/m2.gguf" --mmproj "$d/p1.gguf" "$d/p1.gguf" --device "$d/device" \
    --energy none -t 1 --minutes 0.05 -o "$d/paper" >/dev/null 2>&1 </dev/null &
pid=$! tries=0
windows() { grep -c '"kind": "window".*}$' "$d/paper/text/points.jsonl"; }
while { [ ! -e "$d/paper/text/points.jsonl" ] || [ "$(windows)" -lt 2 ]; } && [ $tries -lt 600 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
kill -KILL $pid
wait $pid 2>/dev/null
had=$(windows)
frozen=$(digest "$d/paper/text/predictions.json")
if [ ! -e "$d/paper/report.html" ]; then ok "killed: no page yet"; else bad "killed: no page yet" "there is one"; fi
protocol
if [ "$had" -ge 2 ] && grep -q '^prompts  *done' "$cli_out" && [ "$frozen" = "$(digest "$d/paper/text/predictions.json")" ] &&
    grep -q "; $((10 - had)) window" "$cli_err" && [ -e "$d/paper/report.html" ]; then ok "killed: it goes on"
else bad "killed: it goes on" "had $had; $(grep -h window "$cli_err" | head -n 1)"; fi

if [ -w /dev/full ]; then
    cli report "$d/one/result.json" --json -o "$d/again.html"
    ${RUN:-} "$HARTREE" report "$d/one/result.json" -o "$d/again.html" --json >/dev/full 2>"$cli_err"
    cli_rc=$?
    expect "report: stdout is full" 1
fi
cli paper --pair "$d/m.gguf"
expect "paper: half a pair" 2 'pair: found one value, expected A B'
cli paper --mmproj a b
expect "paper: towers alone" 2 'found --mmproj alone, expected --vlm-pair A B beside it'
mkdir "$d/beside"
cli paper --vlm-pair "$d/beside/a.gguf" "$d/beside/b.gguf" -o "$d/beside/paper"
expect "paper: no tower beside the models" 1 'beside/a.gguf: found 0 files \*mmproj\*.gguf beside it, expected one, or --mmproj'
cli synth --shape tiny-qwen2-vl:F16 -o "$d/beside/a.gguf"
cli synth --mmproj --shape tiny-qwen2-vl:F16 -o "$d/beside/mmproj-a.gguf"
cli paper --pair "$d/m.gguf" "$d/m2.gguf" --vlm-pair "$d/beside/a.gguf" "$d/beside/a.gguf" --device "$d/device" --energy none -t 1 --minutes 0.05 -o "$d/beside/paper"
expect_out "paper: the tower beside the models" '^pictures +done'
touch "$d/beside/b-mmproj.gguf"
cli paper --vlm-pair "$d/beside/a.gguf" "$d/beside/a.gguf" -o "$d/beside/other"
expect "paper: two towers beside the models" 1 'a.gguf: found 2 files'
if [ ! -e "$d/beside/other" ]; then ok "... and nothing is begun"; else bad "... and nothing is begun" "there is a folder"; fi
cli_done
