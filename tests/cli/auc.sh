#!/bin/sh
# auc.sh - `hartree auc -- COMMAND`: the command's streams and status are its own, the result stands where it is said to.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # the inner shell expands these
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"

if [ ! -r /proc/self/stat ]; then
    echo "skip auc: not on this system"
    exit 0
fi
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder" "$cli_dir"' EXIT

# quick ARGUMENTS...: no idle, no meter
quick() { cli auc --idle 0 --energy none "$@"; }
# line NAME FILE PATTERN: some line of the file is like it
line() { if grep -Eq -e "$3" "$2"; then ok "$1"; else bad "$1" "found '$(head -n 4 "$2" | tr '\n' '|')', expected /$3/"; fi; }
# same NAME FILE TEXT: the file holds just this text
same() { if printf '%b' "$3" | cmp -s - "$2"; then ok "$1"; else bad "$1" "$(head -n 4 "$2" | tr '\n' '|')"; fi; }
# holds NAME COMMAND...: it succeeds
holds() { name=$1; shift; if "$@"; then ok "$name"; else bad "$name" "not so: $*"; fi; }

quick -- sh -c 'echo out; echo err >&2; read -r x || echo "end of input"'
expect "status 0" 0
same "stdout is the command's alone" "$cli_out" 'out\nend of input\n'
line "stderr begins with the command's" "$cli_err" '^err$'
line "text result" "$cli_err" '^cpu_auc  +[0-9.]+ core-s \+- [0-9.]+'
line "text: without idle the machine's is not known" "$cli_err" '^machine  - core-s'
line "text: no joules without a meter" "$cli_err" '^energy   not measured$'

quick --json -- sh -c 'printf "no end of line"'
tail -n 1 "$cli_out" >"$folder/last"
line "--json is the last line of stdout" "$folder/last" '^\{"time_s": [0-9.e-]+, "cpu_auc": [0-9.e-]+, .*"idle": \{"before": null, "after": null\}.*"energy": \{"joules": null, "kind": "none", "source": "none"\}.*"samples": [0-9]+.*"status": 0, "signal": 0, "left_running": false\}$'
line "after the command's own" "$cli_out" '^no end of line$'
same "--json: nothing on stderr" "$cli_err" ''

cli auc --idle 0.5 --hz 50 --energy none --json --result "$folder/r" -o "$folder/s.csv" -- sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'
expect "--result and -o" 0
same "--result: nothing on stdout" "$cli_out" ''
line "--result" "$folder/r" '"idle": \{"before": \{"time_s": 0\.[5-9][0-9]*, "cores": [0-9.e-]+, .*"after": \{"time_s": 0\.'
line "idle: how busy" "$folder/r" '"before": \{"time_s": [0-9.]+, "cores": [0-9.e-]+, "busy": [0-9.e-]+'
line "memory is known" "$folder/r" '"ram_auc": [0-9.e]+, "ram_auc_pss": ([0-9.e]+|null), "peak_rss_bytes": [0-9]+'
line "CSV: names" "$folder/s.csv" '^time_s,cpu_s,rss_bytes,pss_bytes,processes,'
holds "CSV: time and CPU time never fall" awk -F, 'NR > 1 && (NF != 10 || $1 + 0 < t || $2 + 0 < c) { bad = 1 }
    { t = $1 + 0; c = $2 + 0 } END { exit bad || NR < 20 }' "$folder/s.csv"
holds "no unfinished file" [ "$(ls "$folder")" = "$(printf 'last\nr\ns.csv')" ]

cli auc --idle 0.3 --hz 50 --energy none -- true
line "text: the idle level" "$cli_err" '^idle     [0-9.]+ cores and [0-9.]+ GB used before'
i=0 zeros=0
while [ $i -lt 8 ]; do
    quick --json -- true
    grep -Eq '"ram_auc": 0,|"ram_auc_pss": 0,|"peak_rss_bytes": 0,' "$cli_out" && zeros=$((zeros + 1))
    i=$((i + 1))
done
holds "too short to be seen is null, never 0" [ $zeros -eq 0 ]
quick -- sh -c 'exit 3'
expect "the command's status" 3
line "said in the result" "$cli_err" '^time .*, exit status 3$'
quick -- sh -c 'kill -TERM $$'
expect "ended by a signal" 143
line "the signal in the result" "$cli_err" '^time .*, ended by signal 15$'
quick --json -- sh -c 'kill -9 $$'
expect "killed" 137
line "JSON of a killed command" "$cli_out" '"status": 137, "signal": 9'
quick -- no-such-command-here
expect "no such command" 127 "^hartree auc: no-such-command-here: No such file or directory$"
quick -o "$folder/none.csv" --result "$folder/none" -- /etc/passwd
expect "no program" 126 "^hartree auc: /etc/passwd: Permission denied$"
holds "no file of a run that was none" [ "$(ls "$folder")" = "$(printf 'last\nr\ns.csv')" ]

quick --result "$folder/r" -- sh -c 'yes | head -n 1'
expect "a closed pipe ends a command as ever" 0
same "its output" "$cli_out" 'y\n'
same "SIGPIPE is as by default" "$cli_err" ''
# shellcheck disable=SC2086
(trap '' CHLD; ${RUN:-} "$HARTREE" auc --idle 0 --energy none --result "$folder/r" -- sh -c 'exit 5')
cli_rc=$?
expect "under a parent that ignores SIGCHLD" 5
quick -- sh -c 'sleep 2 >/dev/null 2>&1 &'
line "a process left behind is said" "$cli_err" '^time .*, but something that it started still runs$'

# SIGINT to hartree alone reaches the command, which ends as it likes; the result is printed. A background job of a
# script starts with SIGINT ignored, so SIGTERM stands for both there.
# shellcheck disable=SC2086
${RUN:-} "$HARTREE" auc --idle 0 --energy none --result "$folder/sig" -- \
    sh -c 'trap "echo caught; exit 7" TERM; echo ready; while :; do sleep 0.05; done' >"$cli_out" 2>"$cli_err" &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do grep -q ready "$cli_out" && break; sleep 0.2; done
kill -TERM $pid
wait $pid
cli_rc=$?
expect "a signal is passed on" 7
line "and the command had it" "$cli_out" '^caught$'
line "the result of an interrupted command" "$folder/sig" 'exit status 7'
: >"$cli_out" # no word of the command before
# shellcheck disable=SC2086
${RUN:-} "$HARTREE" auc --idle 0 --energy none -o "$folder/hup.csv" -- sh -c 'echo ready; exec sleep 20' >"$cli_out" 2>"$cli_err" &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do grep -q ready "$cli_out" && break; sleep 0.2; done
kill -HUP $pid
wait $pid
cli_rc=$?
expect "a hangup ends the command" 129
holds "and leaves whole samples" [ -s "$folder/hup.csv" ]
# shellcheck disable=SC2086
${RUN:-} "$HARTREE" auc --idle 30 --energy none -- touch "$folder/ran" >"$cli_out" 2>"$cli_err" &
pid=$!
sleep 0.5
kill -TERM $pid
wait $pid
cli_rc=$?
expect "interrupted before it began" 1 '^hartree auc: interrupted before the command was started$'
holds "and did not begin" [ ! -e "$folder/ran" ]

cli auc
expect "no command" 2 "found 0 arguments, expected"
cli auc --hz 0 -- true
expect "no samples" 2 "--hz: found '0', expected a number from 0.1 to 1000"
cli auc --energy sun -- true
expect "no such meter" 2 "^hartree auc: --energy: "
cli auc --result /nonexistent/r -- true
expect "a result that can't be written" 1 "/nonexistent/r"
cli_done
