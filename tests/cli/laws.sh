#!/bin/sh
# laws.sh - laws text: a sweep of a tiny model, interrupted, killed, sharded and joined; wrong words; a full disk.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache" # the user's own profile stays as it is
cli synth --shape tiny-llama:Q4_K_M -o "$d/m.gguf"
expect "a model to sweep" 0
cli synth --shape tiny-llama:Q8_0 --seed 2 -o "$d/m2.gguf"
expect "a second one" 0
cli calibrate --quick -t 1 -o "$d/device"
expect "a device to predict with" 0

# sweep ARGUMENTS...: short windows of the tiny model
sweep() { cli laws text -m "$d/m.gguf" --device "$d/device" -t 1 --energy none --hz 100 --window 0.05 "$@"; }
windows() { grep -c '"kind": "window".*}$' "$1/points.jsonl" 2>/dev/null; } # whole lines
digest() { sha256sum "$1" 2>/dev/null | cut -d' ' -f1; }

sweep --points 1,4,8,12 --gen 5 -r 2 -o "$d/whole"
expect_out "a sweep prints its table" '^ +P12 +[0-9]+ +[0-9]+ '
if grep -q "predictions frozen, sha256 $(digest "$d/whole/predictions.json"); 8 windows" "$cli_err"; then ok "the hash is said before, and is the file's"
else bad "the hash is said before, and is the file's" "$(head -n 1 "$cli_err")"; fi
if [ "$(windows "$d/whole")" -eq 8 ] && [ "$(wc -l <"$d/whole/points.csv")" -eq 5 ] && [ "$(wc -l <"$d/whole/law.csv")" -eq 6 ]; then ok "its folder holds windows, points and law"
else bad "its folder holds windows, points and law" "$(echo "$d/whole"/*)"; fi
if grep -q '^set xlabel .prompt tokens' "$d/whole/time.gp" && [ ! -e "$d/whole/energy.gp" ]; then ok "plots of what is known"
else bad "plots of what is known" "$(echo "$d/whole"/*)"; fi
if command -v gnuplot >/dev/null; then
    if grep -q '</svg>' "$d/whole/time.svg" && grep -q '</svg>' "$d/whole/ram_auc.svg"; then ok "gnuplot draws them"; else bad "gnuplot draws them" "no whole SVG"; fi
else echo "skip gnuplot draws them: it is not here"; fi

# Again: nothing is measured, nothing frozen is touched, and the result is the same.
before=$(digest "$d/whole/points.jsonl")$(digest "$d/whole/predictions.json")$(digest "$d/whole/result.json")
sweep --points 1,4,8,12 --gen 5 -r 2 -o "$d/whole" --json
expect "a finished sweep" 0 'all windows are measured'
after=$(digest "$d/whole/points.jsonl")$(digest "$d/whole/predictions.json")$(digest "$d/whole/result.json")
if [ "$before" = "$after" ] && cmp -s "$cli_out" "$d/whole/result.json"; then ok "a finished sweep is read, not run"; else bad "a finished sweep is read, not run" "files changed"; fi
expect_out "JSON has the fit, its intervals and no joule" '"energy_kind": "none".*"predicted_s": [0-9.e-]+, "interval95_s": \[null, null\], "error".*"energy_j": null.*"fit": \{"a0": [-0-9.e]+, .*"ci95": \{"a0": \[.*"mape": [0-9.e-]+, "bias": '

sweep --points 1,4,8,12 --gen 6 -r 2 -o "$d/whole"
expect "other settings in the same folder" 1 'points.jsonl: found windows of other settings.* \("gen": 5, here "gen": 6\): name another folder'
if [ "$after" = "$(digest "$d/whole/points.jsonl")$(digest "$d/whole/predictions.json")$(digest "$d/whole/result.json")" ]; then ok "... leave it as it was"; else bad "... leave it as it was" "files changed"; fi
cp "$d/whole/predictions.json" "$d/frozen"
echo >>"$d/whole/predictions.json"
sweep --points 1,4,8,12 --gen 5 -r 2 -o "$d/whole"
expect "predictions that were changed since" 1 'whole/predictions.json: found sha256 .* that the windows were measured under'
mv "$d/frozen" "$d/whole/predictions.json"
sweep --points 1,8 --gen 2 -r 1 -o "$d/whole" --restart
expect_out "--restart takes other settings" '^  *P8 '
if [ "$(windows "$d/whole")" -eq 2 ]; then ok "... and forgets the windows"; else bad "... and forgets the windows" "$(windows "$d/whole")"; fi

# Memory holds the file's metadata and the tokenizer's tables, too: of 60,000 tokens more than the strings, and not much more.
cli synth --shape L=1,D=64,H=4,KV=2,F=64,V=60000:F32 -o "$d/words.gguf"
cli predict -m "$d/words.gguf" --device "$d/device" -t 1 -p 20 -n 3 --json
peak=$(sed -n 's/.*"peak_memory_bytes": \([0-9]*\).*/\1/p' "$cli_out")
header=$(($(wc -c <"$d/words.gguf") - $(sed -n 's/.*"weight_bytes": \([0-9]*\).*/\1/p' "$cli_out")))
cli laws text -m "$d/words.gguf" --device "$d/device" -t 1 --energy none --hz 100 --window 0.05 --lengths 20 --gen 3 -r 1 -o "$d/words"
expect "a sweep of a model with many words" 0
if awk -F, -v peak="$peak" -v header="$header" 'NR > 1 { beside = $20 / $11 - peak } END { exit !(header > 6e5 && beside > 2 * header && beside < 8 * header) }' "$d/words/points.csv"; then ok "... counts its vocabulary's memory"
else bad "... counts its vocabulary's memory" "header $header, peak $peak, $(cut -d, -f11,20 "$d/words/points.csv" | tail -n 1)"; fi

# The machine's pace: of a profile whose work took a microsecond, this machine is thousands of times slower now.
sed 's/^\(pace\.[a-z]*\.1\) = [^ ]*/\1 = 1e-6/' "$d/device" >"$d/fast"
sweep --device "$d/fast" --points 4 --gen 3 -r 1 --window 1.5 --json
expect_out "pace: the same work is compared with the profile's" '"pace_prefill": [0-9]{2,}[0-9.e+]*, "pace_decode": [0-9]{2,}[0-9.e+]*, "paced_s": [0-9.]*e-'
sed 's/^\(pace\.[a-z]*\.1\) = [^ ]*/\1 = 1/' "$d/device" >"$d/slow"
sweep --device "$d/slow" --points 4 --gen 3 -r 1 --json
expect_out "... but not where it would take as long as the windows" '"pace_prefill": null, "pace_decode": null, "paced_s": null'
grep -v '^pace' "$d/device" >"$d/without"
sweep --device "$d/without" --points 4 --gen 3 -r 1
expect_out "... nor of a profile without it" '^ +P4 '
if grep -q '^pace' "$cli_out"; then bad "... which prints none" "$(grep '^pace' "$cli_out")"; else ok "... which prints none"; fi

# stopped SIGNAL FOLDER: a sweep that is sent a signal as soon as it has two windows; leaves its status in cli_rc
stopped() {
    mkdir -p "$2"
    # shellcheck disable=SC2086
    ${RUN:-} "$HARTREE" laws text -m "$d/m.gguf" --device "$d/device" -t 1 --energy none --hz 100 --window 0.3 --points 1,5,9,13,17 \
        --gen 5 -r 2 -o "$2" >"$cli_out" 2>"$cli_err" </dev/null &
    pid=$! tries=0
    while [ ! -e "$2/points.jsonl" ] || [ "$(windows "$2")" -lt 2 ] && [ $tries -lt 300 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    kill -s "$1" $pid
    wait $pid 2>/dev/null
    cli_rc=$?
}
# resumed NAME FOLDER: the same sweep goes on: what was there stays, and the rest comes
resumed() {
    had=$(windows "$2") frozen=$(digest "$2/predictions.json")
    sed '$d' "$2/points.jsonl" >"$d/begun"
    cli laws text -m "$d/m.gguf" --device "$d/device" -t 1 --energy none --hz 100 --window 0.3 --points 1,5,9,13,17 --gen 5 -r 2 -o "$2"
    expect_out "$1: the same command goes on" '^ +P17 '
    if grep -q "; $((10 - had)) windows to measure" "$cli_err" && [ "$(windows "$2")" -eq 10 ] && [ "$frozen" = "$(digest "$2/predictions.json")" ] &&
        head -n "$(wc -l <"$d/begun")" "$2/points.jsonl" | cmp -s - "$d/begun"; then ok "$1: ... with what it had, $had of 10"
    else bad "$1: ... with what it had, $had of 10" "$(head -n 1 "$cli_err") $(windows "$2")"; fi
}
# A shell without job control starts background processes with SIGINT ignored, but the program catches it again.
stopped INT "$d/int"
if [ "$cli_rc" -eq 1 ] && grep -q 'interrupted with [0-9]* windows to go.*the same command goes on' "$cli_err"; then ok "interrupted: one line says what is left"
else bad "interrupted: one line says what is left" "status $cli_rc: $(tail -n 1 "$cli_err")"; fi
resumed interrupted "$d/int"
if [ "$(sed 1d "$d/int/energy.csv" | cut -d, -f1 | sort -u | wc -l)" -eq 2 ] && [ "$(grep -c ',none,' "$d/int/energy.csv")" -eq 10 ]; then ok "interrupted: two sessions, and no joule that nobody measured"
else bad "interrupted: two sessions, and no joule that nobody measured" "$(cut -c1-80 "$d/int/energy.csv" | tr '\n' '|')"; fi
stopped KILL "$d/kill"
printf '{"kind": "window", "model": 0, "poi' >>"$d/kill/points.jsonl"
resumed killed "$d/kill"

# Shards, each in a folder, come to the same points as the whole.
for i in 1 2 3; do sweep --points 2,6,10,14,18 --gen 3 -r 2 -o "$d/shard$i" --shard $i/3; done
expect "a shard" 0
sweep --points 2,6,10,14,18 --gen 3 -r 2 --join "$d/shard1" --join "$d/shard2"
expect_out "a shard that is not there is told" '^missing +2 windows'
sweep --points 2,6,10,14,18 --gen 3 -r 2 --join "$d/shard1" --join "$d/shard2" --join "$d/shard3" -o "$d/joined"
expect "shards joined" 0
if [ "$(cut -d, -f1-7 "$d/joined/points.csv" | grep -c ',3,2,')" -eq 5 ] && cmp -s "$d/joined/predictions.json" "$d/shard2/predictions.json" &&
    [ "$(grep '^1,.*,6,' "$d/joined/points.csv")" = "$(grep '^1,.*,6,' "$d/shard2/points.csv")" ]; then ok "joined shards have the whole's points and the shards' figures"
else bad "joined shards have the whole's points and the shards' figures" "$(cut -d, -f1-7 "$d/joined/points.csv" | tr '\n' ' ')"; fi

# Joules from a journal to a profile: 7 W in the windows and 5 W idle, as if a meter had said so. Shard 1 was killed: no idle after.
for i in 1 2 3; do
    mkdir "$d/metered$i"
    awk -v kill=$i '/idle after/ && kill == 1 { next }
        /idle/ { sub(/"watts": null/, "\"watts\": 5") }
        /window_s/ { split($0, a, "\"window_s\": "); sub(/"energy_j": null/, sprintf("\"energy_j\": %.17g", 7 * a[2])) }
        { print }' "$d/shard$i/points.jsonl" >"$d/metered$i/points.jsonl"
done
sweep --points 2,6,10,14,18 --gen 3 -r 2 --join "$d/metered1" --join "$d/metered2" --join "$d/metered3" -o "$d/metered"
expect "metered shards joined" 0
log=$d/metered/energy.csv
if [ "$(sed 1d "$log" | cut -d, -f1 | sort | uniq -c | awk '{ printf "%s ", $1 }' | tr ' ' '\n' | sort | tr -d '\n')" = 244 ] &&
    sed 1d "$log" | awk -F, '$8 < 6.999999 * $6 || $8 > 7.000001 * $6 || $7 != 5 || $9 != "measured" || $3 != 1 { bad = 1 } END { exit bad || NR != 10 }'; then ok "energy.csv: a line a window, by session, gross joules"
else bad "energy.csv: a line a window, by session, gross joules" "$(cut -d, -f1-9 "$log" | tr '\n' '|')"; fi
tokens=$(sed -n 2p "$log" | cut -d, -f4)
flops=$(sed -n 2p "$log" | awk -F, '{ for (i = 11; i < NF; i++) sum += $i; printf "%.17g", sum }')
cli predict -m "$d/m.gguf" --device "$d/device" -t 1 --prompt $((tokens - 3)) --gen 3 --json
if awk -v counted="$flops" '{ split($0, a, "\"flops\": "); exit !(a[2] + 0 > 0 && a[2] + 0 >= counted && counted > 0.99 * a[2]) }' "$cli_out"; then ok "energy.csv: the work of one pass"
else bad "energy.csv: the work of one pass" "$flops FLOPs of $tokens tokens: $(cut -c1-300 "$cli_out")"; fi
cli fit "$log" --device "$d/device" -o "$d/fitted" --json
expect_out "fit reads energy.csv" '"runs": 10, "runs_without_energy": 0, "sessions": 3, "terms": \[\{"term": "energy.idle", "value": 5, .*"term": "energy.active", "value": (2|2\.0000[0-9]*|1\.9999[0-9]*), '
cli predict -m "$d/m.gguf" --device "$d/fitted" -t 1 --prompt 100 --gen 3 --json
expect_out "... and predict then says joules" '"energy_j": [0-9.e-]+, "energy_kind": "modelled"'
cli fit "$d/joined/energy.csv" --device "$d/device" -o "$d/fitted"
expect "fit: a sweep without a meter" 1 'found no metered run \(10 without joules\)'
sweep --points 2,6,10,14 --gen 3 -r 2 --join "$d/shard1"
expect "a shard of another sweep" 1 'shard1/points.jsonl: found windows of other settings.*: give the options, models'
sweep --points 2,6 --join "$d/nowhere"
expect "a shard's folder that is not there" 1 'nowhere/points.jsonl: '

# A pair
sweep -m "$d/m2.gguf" --lengths 30,60,90,120 --gen 4 -r 1 -o "$d/pair" --json
expect_out "a pair has ratios" '"second": \{"model": .*"ratios": \{"time": \{"ratio": [0-9.]+, "ci95": \[[0-9.]+, [0-9.]+\], "predicted": [0-9.]+'
if [ "$(sed -n 's/.*"model": \([01]\), "point".*/\1/p' "$d/pair/points.jsonl" | tr -d '\n')" = 01100110 ]; then ok "a pair takes turns: A B, B A"
else bad "a pair takes turns: A B, B A" "$(sed -n 's/.*"model": \([01]\), "point".*/\1/p' "$d/pair/points.jsonl" | tr -d '\n')"; fi

# Questions beside the prompts: asked once, whatever the points are; of shards by one, and joined as if all had been there.
printf 'What colour is the bus?\tRed.\nWhere is it?\tIn the near lane.\nHow many cars are there?\tTwo.\n' >"$d/questions"
sweep -m "$d/m2.gguf" --lengths 30,60 --gen 2 -r 1 --answers "$d/questions" -o "$d/asked" --json
expect_out "questions beside prompts" '"exact_accuracy": [01], "exact_accuracy_ci95": \[[0-9.e-]+, [0-9.e-]+\], "answers": 3, "questions": \[\{"question": "What colour is the bus\?", "answer": ".*", "reference": "Red\.", "semantic_accuracy": null, "exact": [01]\}, .*"accuracy_difference": '
if [ "$(head -n 1 "$d/asked/accuracy.csv")" = model,name,question,semantic_accuracy,exact ] && [ "$(wc -l <"$d/asked/accuracy.csv")" -eq 7 ] && grep -q 'questions beside the prompts' "$d/asked/report.html"; then ok "... in accuracy.csv and on the page"
else bad "... in accuracy.csv and on the page" "$(head -n 2 "$d/asked/accuracy.csv" | tr '\n' '|')"; fi
answers=$(digest "$d/asked/answers.tsv")
sweep -m "$d/m2.gguf" --lengths 30,60 --gen 2 -r 1 --answers "$d/questions" -o "$d/asked"
if [ "$cli_rc" -eq 0 ] && [ "$answers" = "$(digest "$d/asked/answers.tsv")" ] && ! grep -q 'to make' "$cli_err"; then ok "... and kept"; else bad "... and kept" "$(head -n 1 "$cli_err")"; fi
for i in 1 2; do sweep -m "$d/m2.gguf" --lengths 30,60 --gen 2 -r 1 --answers "$d/questions" -o "$d/asked$i" --shard $i/2; done
cli report "$d/asked2/result.json" "$d/asked1/result.json" -o "$d/asked.html"
expect "a sweep with questions in shards is joined" 0
asked() { grep -A 12 '>questions beside the prompts' "$1"; }
if [ "$(asked "$d/asked.html")" = "$(asked "$d/asked/report.html")" ] && [ -n "$(asked "$d/asked.html")" ]; then ok "... to the same answers"; else bad "... to the same answers" "$(asked "$d/asked.html" | head -n 3)"; fi
sweep --lengths 30,60 --gen 2 -r 1 --judge "$d/m.gguf"
expect "a judge of prompts by their length has nothing to judge" 2 'found --lengths without --answers'
printf '1\tOne.\n' >"$d/numbered"
sweep --lengths 30,60 --gen 2 -r 1 --answers "$d/numbered"
expect "references of prompts that the sweep does not have" 1 'found prompts by their length'
printf 'prompt\tanswer\n1\tOne.\n' >"$d/numbered"
sweep --points 1 --gen 2 -r 1 --answers "$d/numbered"
expect "references below a head are no questions" 1 "line 2: found a prompt's number after a first line that has none"
printf '20\tOne.\n' >"$d/numbered"
sweep --points 1 --gen 2 -r 1 --answers "$d/numbered"
expect "a reference of no prompt" 1 "found '20.One.', expected a prompt's number"

# A disk that is full: a limit on the size of files stands for it.
(
    ulimit -f 24
    sweep --points 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19 --gen 2 -r 3 -o "$d/full"
    expect "a full disk" 1
    if grep -q 'full/.*: cannot write: ' "$cli_err" && [ -z "$(find "$d/full" -name '*partial*')" ]; then ok "a full disk gets a line, and nothing half-written stays"
    else bad "a full disk gets a line, and nothing half-written stays" "$(cat "$cli_err") $(echo "$d/full"/*)"; fi
    exit $cli_failed
) || cli_failed=1
echo "no folder" >"$d/file"
sweep --points 1 -o "$d/file"
expect "a folder that is a file" 1 'files/file: cannot make the folder'
mkdir -p "$d/odd" && ln -s /dev/null "$d/odd/points.jsonl"
sweep --points 1 -o "$d/odd"
expect "a journal that is no file" 1 'odd/points.jsonl: found no regular file'

cli laws txet
expect "laws: unknown sweep" 2 "found 'txet', expected text"
sweep --points 20
expect "laws: no such prompt" 2 "found '20'"
sweep --points 3,3
expect "laws: a prompt twice" 2 'points: found 3 twice'
sweep --points 3 --lengths 30
expect "laws: prompts and lengths" 2 'found both --points and --lengths'
for w in 0/3 4/3 x 1/0 1/3x 4294967297/4294967298 1/+3; do
    sweep --shard "$w"
    expect "laws: shard $w" 2 "shard: found '$(printf %s "$w" | sed 's/+/\\+/')', expected I/N"
done
sweep -m "$d/m.gguf" -m "$d/m.gguf"
expect "laws: three models" 2 'found 3 models'
sweep -m "$d/nothing.gguf"
expect "laws: no such model" 1 'nothing.gguf: '
cli laws text -m "$d/m.gguf" --energy solar
expect "laws: unknown meter" 2 'solar'
cli predict --shape llama-3.2-1b:Q4_K_M --device "$d/device" -t 1 --prompt 256 --gen 8 --law
expect_out "predict --law: coefficients and where they come from" '^a2 +[0-9.e-]+ s/token\^2$'
cli predict --shape llama-3.2-1b:Q4_K_M --device "$d/device" -t 1 --prompt 256 --gen 8 --law --json
expect_out "predict --law --json" '"law": \{"a0": [-0-9.e]+, "a1": [0-9.e-]+, "a2": .*"terms": \[\{"op": .*"rate": "linear.q4_K.prefill.1", "rate_value": [0-9.e]+, "time_s": \{"a0": '
cli predict --shape llama-3.2-1b:Q4_K_M --device "$d/device" -t 1 --prompt 3 --gen 8 --law
expect "predict --law: too short" 1 'law: found prompts of 2 to 3 tokens'
: >"$d/empty"
sweep --points 1 --gen 2 -r 1 --answers "$d/empty"
expect "answers to no prompt are refused before the sweep" 1 'empty'
printf '1\tf\0o\n' >"$d/nul"
sweep --points 1 --gen 2 -r 1 --answers "$d/nul"
expect "answers with a NUL byte are refused" 1 'nul'
for r in '' ' ' '\n' '...'; do # prompt 2 is not in the sweep, and its line is as wrong
    printf '1\tOne.\n2\t%s\n' "$r" >"$d/blank"
    sweep --points 1 --gen 2 -r 1 --answers "$d/blank"
    expect "an answer without a word is refused" 1 "blank: line 2: found '.*' as the answer, expected one of at least a word"
done
cli_done
