#!/bin/sh
# energy.sh - --energy of all commands that have it: a log that grows meanwhile, a meter that is pulled out, none, and wrong words.
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

# Without a meter no command calls a joule measured, as text, JSON or table: of a profile that prices none, and of one that does.
unmeasured() { # NAME PATTERN FILE...: a line like it is in the first file, and in none a measured joule
    what=$1 want=$2 first=$3
    shift 2
    found=$(grep -Ehi -e '[0-9] [mkM]?J measured|kind": "measured"|"measured_j": [0-9]|^(energy|joules) +([0-9].*)?measured( by|$)|,measured,' "$@")
    if [ "$cli_rc" -ne 0 ]; then bad "$what" "exit status $cli_rc: $(head -n 1 "$cli_err")"
    elif [ "$found" ]; then bad "$what" "found '$found'"
    elif grep -Eq -e "$want" "$first"; then ok "$what"
    else bad "$what" "found '$(grep -Ei 'energy|joule' "$first" | cut -c1-300)', expected /$want/"; fi
}
cli synth --shape tiny-qwen2-vl -o "$d/v.gguf"
cli synth --mmproj --shape tiny-qwen2-vl -o "$d/p.gguf"
for device in "$d/device" rpi5; do
    if [ $device = rpi5 ]; then kind=modelled by=', modelled' joules='[0-9.e-]+' source='profile [^"]*' text='[0-9.e-]+ J modelled by profile .*'
    else kind=none by='' joules=null source=none text='not measured'; fi
    cli run -m "$m" --device $device -p "the cat" -n 2 --temp 0 --energy none -t 1
    unmeasured "run, no meter$by: text" "^energy +$text$" "$cli_err" "$cli_out"
    cli run -m "$m" --device $device -p "the cat" -n 2 --temp 0 --energy none -t 1 --json
    unmeasured "run, no meter$by: JSON" "\"energy\": \{\"joules\": $joules, \"kind\": \"$kind\", \"source\": \"$source\"\}" "$cli_out" "$cli_err"
    cli measure -m "$m" --device $device --prompt 3 --gen 2 -r 1 --energy none -t 1
    unmeasured "measure, no meter$by: text" '^measured +[0-9]' "$cli_out" "$cli_err"
    cli measure -m "$m" --device $device --prompt 3 --gen 2 -r 1 --energy none -t 1 --json
    unmeasured "measure, no meter$by: JSON" "\"energy_j\": $joules, .*\"energy_kind\": \"$kind\".*\"measured_j\": null, \"error_j\": null, \"energy\": \{\"joules\": null, \"kind\": \"none\", \"source\": \"none\"\}" \
        "$cli_out" "$cli_err"
    cli laws text -m "$m" --device $device -t 1 --points 1,2,3 --gen 2 -r 1 --hz 100 --window 0.05 --energy none -o "$d/laws-$kind"
    unmeasured "laws text, no meter$by: text and tables" "^energy +$kind$" "$cli_out" "$cli_err" "$d/laws-$kind"/*.csv
    unmeasured "laws text, no meter$by: JSON" "\"energy_kind\": \"$kind\", .*\"energy_j\": $joules, \"energy_net_j\": null, " "$d/laws-$kind/result.json"
    if awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "energy_j" || $i == "energy_net_j") at[i] } NR > 1 { for (i in at) if ($i != "") bad = 1 } END { exit bad || NR != 4 || length(at) != 2 }' "$d/laws-$kind/points.csv"; then
        ok "laws text, no meter$by: no joules among what was measured"
    else bad "laws text, no meter$by: no joules among what was measured" "$(tail -n 1 "$d/laws-$kind/points.csv")"; fi
    cli laws image -m "$d/v.gguf" --mmproj "$d/p.gguf" --device $device -t 1 --image 512x360 --edges 100,200,300 --gen 2 -r 1 --hz 100 --window 0.02 --energy none --json
    unmeasured "laws image, no meter$by: JSON" "\"energy_kind\": \"$kind\", .*\"energy_j\": $joules, \"energy_net_j\": null, " "$cli_out" "$cli_err"
done
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
    cli measure -m "$m" --device "$d/device" -t 1 --prompt 500 --gen 100 -r 40 --energy "csv:$d/power.csv" --json
    watts='s/.*"measured_s": \([0-9.e-]*\), .*"measured_j": \([0-9.e-]*\), .*"joules": \([0-9.e-]*\), "kind": "measured".*/\1 \2 \3/p'
    if sed -n "$watts" "$cli_out" | awk '$3 < 39.99 * $2 || $3 > 40.01 * $2 || $2 < 3 * $1 || $2 > 8 * $1 { bad = 1 } END { exit bad || NR != 1 }'; then ok "measure: five watts, a run and all"
    else bad "measure: five watts, a run and all" "$(sed -n "$watts" "$cli_out") $(head -n 1 "$cli_err")"; fi
    cli measure -m "$m" --device "$d/device" -t 1 --prompt 2 --gen 1 -r 1 --energy "csv:$d/power.csv" --json
    if [ "$cli_rc" -eq 1 ] && grep -q -e '--energy: csv power.csv: log: found [0-9]* readings' "$cli_err" && grep -q '"measured_j": null, "error_j": null, "energy": {"joules": null, "kind": "none"' "$cli_out"; then ok "measure: too short for this meter, after its times"
    else bad "measure: too short for this meter, after its times" "$cli_rc $(cat "$cli_err")"; fi
    cli laws text -m "$m" --device "$d/device" -t 1 --points 1,5,9,14,19 --gen 3 -r 1 --hz 100 --window 0.6 --energy "csv:$d/power.csv" -o "$d/sweep"
    expect "laws: a sweep with a meter" 0
    if sed 1d "$d/sweep/energy.csv" | awk -F, '$8 < 4.99 * $6 || $8 > 5.01 * $6 || $7 < 4.99 || $7 > 5.01 || $9 != "measured" { bad = 1 } END { exit bad || NR != 5 }'; then ok "laws: five watts in every window and idle"
    else bad "laws: five watts in every window and idle" "$(cut -d, -f1-9 "$d/sweep/energy.csv" | tr '\n' '|')"; fi
    cli fit "$d/sweep/energy.csv" --device "$d/device" -o "$d/fitted"
    expect_out "laws: ... go into a profile" '^energy.idle +(5|5\.00[0-9]*|4\.99[0-9]*) '
    cli run -m "$m" --device "$d/device" -p "the cat" -n 2 --temp 0 -t 1 -q --energy "csv:$d/power.csv"
    expect "run: too short for this meter, after its text" 1 '--energy: csv power.csv: log: found [0-9]+ readings in the window'
    if [ -s "$cli_out" ]; then ok "run: the text is printed all the same"; else bad "run: the text is printed all the same" "nothing on stdout"; fi
    cli scene --size 1024x720 -o "$d/a.ppm"
    cli run -m "$d/v.gguf" --mmproj "$d/p.gguf" --image "$d/a.ppm,$d/a.ppm" --device "$d/device" -p "the cat" -n 2 --temp 0 --ignore-eos -t 1 --json \
        --energy "csv:$d/power.csv"
    seen='s/.*"load_s": [0-9.e-]*, "vision_s": \([0-9.e-]*\), "prefill_s": \([0-9.e-]*\), "decode_s": \([0-9.e-]*\), .*"joules": \([0-9.e-]*\), "kind": "measured".*/\1 \2 \3 \4/p'
    if sed -n "$seen" "$cli_out" | awk '$4 < 4.9 * ($1 + $2 + $3) { bad = 1 } END { exit bad || NR != 1 }'; then ok "run: joules are those of its pictures, too"
    else bad "run: joules are those of its pictures, too" "$(sed -n "$seen" "$cli_out") $(head -n 1 "$cli_err")"; fi
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
