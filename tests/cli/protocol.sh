#!/bin/sh
# protocol.sh - paper where something lacks: no gnuplot, no meter, one core, no memory for a model, no room on the disk; and killed
# at any moment, it goes on to the same result. SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache"
cli synth --shape tiny-llama:Q4_K_M -o "$d/m.gguf"
cli synth --shape tiny-llama:Q8_0 --seed 2 -o "$d/m2.gguf"
cli synth --mmproj --shape tiny-qwen2-vl:F16 -o "$d/p1.gguf"
cli calibrate --quick -t 1 -o "$d/device"
expect "a device" 0

blind='expected one with vision'

# paper_of FOLDER ARGUMENTS...: prompts alone, as models that do not see fail their step at once
paper_of() {
    folder=$1
    shift
    cli paper --vlm-pair "$d/m.gguf" "$d/m2.gguf" --mmproj "$d/p1.gguf" "$d/p1.gguf" --minutes 0.05 -o "$folder" "$@"
}
# rest NAME FOLDER STEP LINE: the step (and the pictures') failed with such a line, which is on the page, too; the rest
# was done: the page has the paper's figures
rest() {
    if [ "$cli_rc" -eq 1 ] && grep -Eq "^$3  *.*$4" "$cli_out" && grep -Eq "class=\"missing\">$3: .*$4" "$2/report.html" &&
        grep -q 'id="paper"' "$2/report.html" && grep -q "^the paper's figures  *done" "$cli_out"; then ok "$1"
    else bad "$1" "status $cli_rc: $(tr '\n' '|' <"$cli_out") $(tail -n 1 "$cli_err")"; fi
}

# No gnuplot, and no meter: an empty folder is all there is to look for programs in.
mkdir "$d/none"
saved=$PATH
case $HARTREE in /*) ;; *) HARTREE=$(pwd)/$HARTREE ;; esac
# shellcheck disable=SC2123 # it is meant: nothing is to be found
PATH=$d/none
paper_of "$d/plain" --pair "$d/m.gguf" "$d/m2.gguf" --device "$d/device" -t 1 --energy none
PATH=$saved
rest "no vision models: a line, and the rest" "$d/plain" pictures "$blind"
if grep -q 'no plots: gnuplot is not here' "$cli_err" && [ -e "$d/plain/text/time.gp" ] && [ ! -e "$d/plain/text/time.svg" ] &&
    grep -q '^prompts  *done' "$cli_out" && grep -q '</svg>' "$d/plain/report.html"; then ok "no gnuplot: a line, scripts, and the page has its figures"
else bad "no gnuplot: a line, scripts, and the page has its figures" "$(grep plots "$cli_err") $(echo "$d/plain/text"/*)"; fi
if [ -s "$d/plain/paper.json" ] && [ -z "$(find "$d/plain/paper.json" -newer "$d/plain/text/points.jsonl")" ]; then ok "the paper's figures are frozen before the first prompt"
else bad "the paper's figures are frozen before the first prompt" "$(ls -l "$d/plain")"; fi
if grep -q 'class=note>meter: nothing here measures joules' "$d/plain/report.html" && grep -q 'not known: no meter was read' "$d/plain/report.html"; then ok "no meter: a line, and no joules"
else bad "no meter: a line, and no joules" "$(grep -o 'meter[^<]*' "$d/plain/report.html" | head -n 1)"; fi
# Even the least plan takes longer than 3 s: one line says so before the first window, and it is done.
if [ "$(grep -c 'even the least plan takes' "$cli_err")" -eq 1 ] &&
    sed '/predictions frozen/q' "$cli_err" | grep -Eq 'even the least plan takes [0-9.]+ s by the predictions, expected at most 2\.52 s of --minutes 0\.05: it goes on'; then ok "too few minutes: a line before the first window"
else bad "too few minutes: a line before the first window" "$(grep -n 'least plan\|frozen' "$cli_err" | tr '\n' '|')"; fi
paper_of "$d/metered" --pair "$d/m.gguf" "$d/m2.gguf" --device "$d/device" -t 1 --energy "csv:$d/no.csv"
expect "a meter that was asked for and is not there: nothing is begun" 1 'no.csv: No such file'
if [ ! -e "$d/metered" ]; then ok "... and no folder made"; else bad "... and no folder made" "there is one"; fi

# Wrong words are seen before the machine is calibrated, and what lies in the folder is left alone.
kept=$(cat "$d/plain/result.json" "$d/plain/report.html" | sha256sum)
paper_of "$d/plain" --pair "$d/m2.gguf" "$d/m.gguf" --device "$d/device" -t 1 --energy none
if [ "$cli_rc" -eq 1 ] && tail -n 1 "$cli_err" | grep -Eq 'text/points.jsonl: found windows of other settings, .*: name another folder, or --restart$'; then ok "another pair in a folder that is done: refused"
else bad "another pair in a folder that is done: refused" "status $cli_rc: $(tail -n 1 "$cli_err")"; fi
if [ "$kept" = "$(cat "$d/plain/result.json" "$d/plain/report.html" | sha256sum)" ]; then ok "... and its page is as it was"; else bad "... and its page is as it was" "it is another"; fi
for wrong in "--pair $d/m.gguf $d/gone.gguf" "--pair $d/m.gguf $d/m2.gguf --answers $d/gone.tsv" "--pair $d/m.gguf $d/m2.gguf --judge $d/gone.gguf" "--questions $d/gone.tsv"; do
    # shellcheck disable=SC2086
    paper_of "$d/wrong" $wrong --energy none
    expect "paper ${wrong##*--}: refused at once" 1 'gone.[a-z]*: .*No such file'
    if [ ! -e "$d/wrong" ] && ! grep -q calibration "$cli_err"; then ok "... before anything is done"; else bad "... before anything is done" "$(head -n 1 "$cli_err")"; fi
done

# Answers that can't be kept: the step failed, and its windows are on the page all the same. Forgotten, all is measured anew.
printf '1\tOne.\n19\tTwo.\n' >"$d/references"
mkdir -p "$d/unkept/text/answers.tsv"
paper_of "$d/unkept" --pair "$d/m.gguf" "$d/m2.gguf" --answers "$d/references" --device "$d/device" -t 1 --energy none
rest "a sweep that fell short: a line, and what was measured of it" "$d/unkept" prompts 'answers.tsv: '
if grep -q 'Time of a prompt and its answer' "$d/unkept/report.html"; then ok "... is on the page"; else bad "... is on the page" "no figure of it"; fi
rmdir "$d/unkept/text/answers.tsv"
windows=$(sha256sum <"$d/unkept/text/points.jsonl")
paper_of "$d/unkept" --pair "$d/m.gguf" "$d/m2.gguf" --answers "$d/references" --device "$d/device" -t 1 --energy none
if grep -q '^prompts  *done' "$cli_out" && [ "$windows" = "$(sha256sum <"$d/unkept/text/points.jsonl")" ]; then ok "... and the same command goes on from there"; else bad "... and the same command goes on from there" "$(head -n 1 "$cli_err")"; fi
paper_of "$d/unkept" --pair "$d/m.gguf" "$d/m2.gguf" --answers "$d/references" --device "$d/device" -t 1 --energy none --restart
if grep -q '^prompts  *done' "$cli_out" && [ "$windows" != "$(sha256sum <"$d/unkept/text/points.jsonl")" ]; then ok "--restart measures anew"; else bad "--restart measures anew" "$(head -n 1 "$cli_err")"; fi

# One core: of the machine's own threads there is one.
if command -v taskset >/dev/null && [ -z "${RUN:-}" ]; then
    taskset -c 0 "$HARTREE" paper --pair "$d/m.gguf" "$d/m2.gguf" --vlm-pair "$d/m.gguf" "$d/m2.gguf" --mmproj "$d/p1.gguf" "$d/p1.gguf" --device "$d/device" \
        --minutes 0.2 --energy none -o "$d/core" >"$cli_out" 2>"$cli_err" </dev/null
    cli_rc=$?
    rest "one core: the rest is done" "$d/core" pictures "$blind"
    if grep -q '^prompts  *done' "$cli_out" && grep -q '; 1 threads' "$d/core/report.html"; then ok "... by one thread"; else bad "... by one thread" "$(grep -o '[0-9]* threads' "$d/core/report.html" | head -n 1)"; fi
    if grep -q 'least plan' "$cli_err"; then bad "minutes enough: no such line" "$(grep 'least plan' "$cli_err")"; else ok "minutes enough: no such line"; fi
else echo "skip one core: no taskset here"; fi

# A model larger than the memory: a file of a tebibyte that takes no room.
cp "$d/m.gguf" "$d/huge.gguf"
if truncate -s 1T "$d/huge.gguf" 2>/dev/null; then
    paper_of "$d/huge" --pair "$d/huge.gguf" "$d/m2.gguf" --device "$d/device" -t 1 --energy none
    rest "a model that does not fit: a line, and the rest" "$d/huge" prompts 'huge.gguf: found [0-9.]+ GB of memory to be had, expected 1209.5 for the model'
else echo "skip a model that does not fit: no files of a tebibyte here"; fi

# A disk without room for the models that paper makes: the page is made all the same. Then there is none for anything.
if [ -z "${RUN:-}" ] && unshare -rm true 2>/dev/null && mkdir "$d/disk" && unshare -rm mount -t tmpfs -o size=4m none "$d/disk" 2>/dev/null; then
    cat >"$d/small_disk" <<END
mount -t tmpfs -o size=4m none "$d/disk" || exit 9
"$HARTREE" paper --vlm-pair "$d/m.gguf" "$d/m2.gguf" --mmproj "$d/p1.gguf" "$d/p1.gguf" --minutes 0.05 --device "$d/device" -t 1 --energy none \
    -o "$d/disk/paper" >"$cli_out" 2>"$cli_err" </dev/null
echo \$? >"$d/rc"
mkdir "$d/saved" && cp "$d/disk/paper/report.html" "$d/saved"
find "$d/disk" -name '*partial*' >"$d/left"
head -c 8000000 /dev/zero >"$d/disk/filler" 2>/dev/null
"$HARTREE" report "$d/plain/result.json" -o "$d/disk/page.html" >/dev/null 2>"$d/full_err"
echo \$? >"$d/full_rc"
ls "$d/disk" >"$d/full_left"
END
    unshare -rm sh "$d/small_disk"
    cli_rc=$(cat "$d/rc")
    rest "a full disk: a line, and the rest" "$d/saved" prompts 'text-a.gguf: .*[Nn]o space left'
    if [ ! -s "$d/left" ]; then ok "... and nothing half-written"; else bad "... and nothing half-written" "$(cat "$d/left")"; fi
    if [ "$(cat "$d/full_rc")" -eq 1 ] && grep -q 'page.html: cannot write: No space left' "$d/full_err" && [ "$(wc -l <"$d/full_err")" -eq 1 ] &&
        ! grep -q page "$d/full_left"; then ok "report on a full disk: one line, and no page"
    else bad "report on a full disk: one line, and no page" "$(cat "$d/full_rc" "$d/full_err" "$d/full_left" | tr '\n' '|')"; fi
else echo "skip a full disk: no file system of one's own can be mounted here"; fi
# A limit on the size of files stands for such a disk where none can be mounted.
(
    ulimit -f 2048
    paper_of "$d/limited" --device "$d/device" -t 1 --energy none
    rest "a full disk, by a limit: a line, and the rest" "$d/limited" prompts 'text-a.gguf: .*cannot write: File too large'
    exit $cli_failed
) || cli_failed=1

if [ -n "${HARTREE_SLOW:-}" ]; then
# Killed at random moments: it goes on, and the result is the same apart from what was measured.
masked() { # numbers, known or not, and what follows from measured ones
    sed -e 's/"machine": {[^}]*}//' -e 's/null/0/g' -e 's/-\{0,1\}[0-9][0-9]*\(\.[0-9]*\)\{0,1\}\(e[-+]\{0,1\}[0-9]*\)\{0,1\}/N/g' -e 's/\(true\|false\)/B/g' "$1"
}
seed=${SEED:-$$}
echo "killed at moments of SEED=$seed"
for signal in KILL TERM INT KILL TERM; do
    # shellcheck disable=SC2086
    ${RUN:-} "$HARTREE" paper --pair "$d/m.gguf" "$d/m2.gguf" --vlm-pair "$d/m.gguf" "$d/m2.gguf" --mmproj "$d/p1.gguf" "$d/p1.gguf" --minutes 0.05 \
        --device "$d/device" -t 1 --energy none -o "$d/killed" >"$cli_out" 2>"$cli_err" </dev/null &
    pid=$!
    seed=$(((seed * 1103515 + 12345) % 2147483))
    sleep "$((seed % 3)).$((seed / 7 % 10))"
    kill -s $signal $pid 2>/dev/null
    wait $pid 2>/dev/null
    rc=$?
    case $signal:$rc in
    KILL:137 | TERM:1 | TERM:143 | INT:1 | INT:130) ;; # caught, but for the first milliseconds
    *) [ -e "$d/killed/report.html" ] || bad "killed by $signal: its status" "found $rc: $(tail -n 1 "$cli_err")" ;;
    esac
    if [ -n "$(find "$d/killed" -name '*partial*' 2>/dev/null)" ] && [ $signal != KILL ]; then bad "killed by $signal: nothing half-written" "$(find "$d/killed" -name '*partial*')"; fi
done
paper_of "$d/killed" --pair "$d/m.gguf" "$d/m2.gguf" --device "$d/device" -t 1 --energy none
rest "killed five times: it goes on to its end" "$d/killed" pictures "$blind"
if cmp -s "$d/killed/text/predictions.json" "$d/plain/text/predictions.json" &&
    [ "$(sed -n 's/.*"model": \([01]\), "point": \([0-9]*\), "repeat": \([0-9]*\),.*/\1 \2 \3/p' "$d/killed/text/points.jsonl" | sort -u | wc -l)" -eq 10 ] &&
    [ "$(grep -c '"kind": "window".*}$' "$d/killed/text/points.jsonl")" -eq 10 ]; then ok "... each window once, under the same predictions"
else bad "... each window once, under the same predictions" "$(grep -c '"kind": "window"' "$d/killed/text/points.jsonl") windows"; fi
masked "$d/killed/result.json" >"$d/one"
masked "$d/plain/result.json" >"$d/other"
if cmp -s "$d/one" "$d/other"; then ok "... the same result apart from what was measured"
else bad "... the same result apart from what was measured" "$(tr ',' '\n' <"$d/one" >"$d/one.lines"; tr ',' '\n' <"$d/other" | diff - "$d/one.lines" | head -n 4 | tr '\n' '|')"; fi

# Killed while it makes a model: the half of it is not taken for one.
# shellcheck disable=SC2086
${RUN:-} "$HARTREE" paper --vlm-pair "$d/m.gguf" "$d/m2.gguf" --mmproj "$d/p1.gguf" "$d/p1.gguf" --minutes 0.05 --device "$d/device" -t 1 --energy none \
    -o "$d/making" >"$cli_out" 2>"$cli_err" </dev/null &
pid=$!
until [ -n "$(find "$d/making" -name 'text-a.gguf.partial*' 2>/dev/null)" ] || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
kill -KILL $pid 2>/dev/null
wait $pid 2>/dev/null
if [ ! -e "$d/making/models/text-a.gguf" ]; then ok "killed while it makes a model: there is none"; else bad "killed while it makes a model: there is none" "found one"; fi
paper_of "$d/making" --device "$d/device" -t 1 --energy none
cp "$cli_out" "$d/making.out"
rest "... and it goes on to its end" "$d/making" pictures "$blind"
cli synth --shape L=8,D=512,H=8,KV=2,F=1536,V=4096,tied:Q4_K_M --seed 1 -o "$d/made.gguf"
if grep -q '^prompts  *done' "$d/making.out" && cmp -s "$d/made.gguf" "$d/making/models/text-a.gguf"; then ok "... with the model that it was to be"; else bad "... with the model that it was to be" "it is another"; fi

# Killed once in each of its stages that the above does not reach (report.sh kills it in the midst of prompts), and on to its end;
# then whole by the same profile.
cli synth --shape tiny-qwen2-vl:Q8_0 -o "$d/v1.gguf"
cli synth --shape tiny-qwen2-vl:F16 --seed 2 -o "$d/v2.gguf"
mkdir "$d/staged" "$d/unkilled"
protocol() { # FOLDER: in it, so that both runs have the same paths
    cd "$1" || exit 1
    # shellcheck disable=SC2086
    exec ${RUN:-} "$HARTREE" paper --pair "$d/m.gguf" "$d/m2.gguf" --vlm-pair "$d/v1.gguf" "$d/v2.gguf" --mmproj "$d/p1.gguf" "$d/p1.gguf" --minutes 0.05 -t 1 \
        --energy none -o paper >"$cli_out" 2>"$cli_err" </dev/null
}
windows() { sed -n '/"kind": "window".*}$/p' "$d/staged/paper/$1/points.jsonl" 2>/dev/null | wc -l; }
# shellcheck disable=SC2317 # they are conditions
calibrates() { grep -q calibration "$cli_err" && sleep 0.5; }
there() { [ -e "$d/staged/paper/$1" ]; }
# shellcheck disable=SC2317
measured() { [ "$(windows "$1")" -ge "$2" ]; }
killed_when() { # STAGE CONDITION...: as soon as that command succeeds
    stage=$1
    shift
    : >"$cli_err"
    (protocol "$d/staged") &
    pid=$!
    until "$@" || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    rc=$?
    if [ $rc -eq 137 ]; then ok "killed in its $stage"; else bad "killed in its $stage" "status $rc: $(tail -n 1 "$cli_err")"; fi
}
killed_when calibration calibrates
if ! there device.profile; then ok "... with no profile yet"; else bad "... with no profile yet" "there is one"; fi
killed_when "first prompt" there text/points.jsonl
killed_when "first picture" there image/points.jsonl
killed_when pictures measured image 4
had=$(windows image)
(protocol "$d/staged")
cli_rc=$?
expect_out "killed in every stage: it goes on to its end" '^pictures  *done$'
if [ "$had" -ge 4 ] && [ "$(windows text)" -eq 10 ] && [ "$(windows image)" -eq 30 ] && [ "$(sed -n 's/.*"model": \([01]\), "point": \([0-9]*\), .*/\1 \2/p' "$d/staged/paper/image/points.jsonl" | sort -u | wc -l)" -eq 30 ]; then ok "... each window once"
else bad "... each window once" "had $had, $(windows text) and $(windows image)"; fi
rm "$d/staged/paper/report.html" # as if it was killed between its last two files
frozen=$(cat "$d/staged/paper/result.json" "$d/staged/paper/text/predictions.json" | sha256sum)
(protocol "$d/staged")
if [ -e "$d/staged/paper/report.html" ] && [ "$(cat "$d/staged/paper/result.json" "$d/staged/paper/text/predictions.json" | sha256sum)" = "$frozen" ]; then ok "... and killed before its page it writes that alone"
else bad "... and killed before its page it writes that alone" "$(tail -n 1 "$cli_err")"; fi
mkdir "$d/unkilled/paper"
cp "$d/staged/paper/device.profile" "$d/unkilled/paper"
(protocol "$d/unkilled")
for s in text image; do
    if cmp -s "$d/staged/paper/$s/predictions.json" "$d/unkilled/paper/$s/predictions.json"; then ok "... the same predictions as unkilled, $s"; else bad "... the same predictions as unkilled, $s" "they differ"; fi
done
if [ -z "$(find "$d/unkilled/paper/image/predictions.json" "$d/unkilled/paper/paper.json" -newer "$d/unkilled/paper/text/points.jsonl")" ]; then ok "... all frozen before the first prompt"
else bad "... all frozen before the first prompt" "$(ls -l --full-time "$d/unkilled/paper/image/predictions.json" "$d/unkilled/paper/text/points.jsonl")"; fi
masked "$d/staged/paper/result.json" >"$d/one"
masked "$d/unkilled/paper/result.json" >"$d/other"
if cmp -s "$d/one" "$d/other"; then ok "... the same result apart from what was measured"
else bad "... the same result apart from what was measured" "$(tr ',' '\n' <"$d/one" >"$d/one.lines"; tr ',' '\n' <"$d/other" | diff - "$d/one.lines" | head -n 4 | tr '\n' '|')"; fi
else echo "skip killed at random moments and in every stage: HARTREE_SLOW is not set"; fi
cli_done
