#!/bin/sh
# energy.sh - --energy of run and auc: a log that grows meanwhile, a meter that is pulled out, none, and wrong words.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache"
m=$d/m.gguf
writer=
log() { # FILE: five watts, some 50 times a second, in the background
    echo "time,power" >"$1"
    (while :; do
        echo "$(date +%s.%N),5" >>"$1"
        sleep 0.02
    done) &
    writer=$!
    sleep 0.2
}

cli synth --shape tiny-llama:Q4_K_M -o "$m"
cli calibrate --quick -t 1 -o "$d/device"
cli run -m "$m" --device "$d/device" -p "the cat" -n 2 --energy none -t 1
if grep -q '^energy  *not measured$' "$cli_err"; then ok "run without a meter: no joule"; else bad "run without a meter: no joule" "$(grep energy "$cli_err")"; fi
cli run -m "$m" -p x --energy wattmeter
expect "run: a word that is no source" 2 "--energy: found 'wattmeter', expected an energy source: auto, rapl, perf, pmic, hwmon, battery, csv:FILE or none"
cli run -m "$m" -p x --energy "csv:$d/none.csv"
expect "run: a log that is not there" 1 '--energy: .*none.csv: No such file'
printf 'a,b,c\n1,2,3\n' >"$d/wrong.csv"
cli auc --energy "csv:$d/wrong.csv" -- true
expect "auc: a log without the columns" 1 "found the columns 'a,b,c', expected a time"
cli auc --energy battery -- true
if [ "$cli_rc" -ne 0 ]; then expect "auc: no battery that discharges" 1 '--energy: .*(found|No such file)'; else ok "auc: a battery that discharges"; fi

case $(date +%s.%N) in
*[!0-9.]*) echo "skip energy of a growing log: date prints no nanoseconds" ;;
*)
    trap '[ -z "$writer" ] || kill "$writer"; rm -rf "$cli_dir"' EXIT
    log "$d/power.csv"
    cli auc --idle 0.5 --energy "csv:$d/power.csv" --json -- sleep 1
    joules=$(sed -n 's/.*"joules": \([0-9.]*\), "kind": "measured", "source": "csv power.csv".*/\1/p' "$cli_out" | cut -c1-1)
    case $joules in
    [45]) ok "auc: five watts for a second" ;;
    *) bad "auc: five watts for a second" "$(tail -n 1 "$cli_out" | cut -c1-300) $(head -n 1 "$cli_err")" ;;
    esac
    cli run -m "$m" --device "$d/device" -p "the cat" -n 2 --temp 0 -t 1 -q --energy "csv:$d/power.csv"
    expect "run: too short for this meter, after its text" 1 '--energy: csv power.csv: log: found [0-9]+ readings in the window'
    if [ -s "$cli_out" ]; then ok "run: the text is printed all the same"; else bad "run: the text is printed all the same" "nothing on stdout"; fi
    (sleep 1; kill "$writer") 2>/dev/null &
    puller=$!
    cli auc --idle 0 --energy "csv:$d/power.csv" --json -- sleep 2
    if grep -q '"joules": null, "kind": "none"' "$cli_out" && grep -q 'was the meter lost' "$cli_err"; then ok "auc: a meter pulled out gives no joules, and a line"
    else bad "auc: a meter pulled out gives no joules, and a line" "$(head -n 1 "$cli_err")"; fi
    wait "$puller"
    writer=
    ;;
esac
cli_done
