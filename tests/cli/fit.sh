#!/bin/sh
# fit.sh - energy terms from logs of metered runs, and a prediction's joules from them.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache"
n='-?[0-9][-+.e0-9]*'

cat >"$d/device" <<END
name = a board
isa = scalar
date = 2026-01-01
cores = 4 # 1, assumed
llc = 2e6 # B, assumed
exponent = 1 # 1, assumed
noise = 0.01 # 1, assumed
read_bandwidth.1 = 6e9 # B/s, measured
read_peak.1 = 6e9 # B/s, measured
stage.1 = 1e-6 # s, measured
END

# log DEVICE KIND VARIED: 6 sessions of 5 runs; joules = 5 T + 2e-10 Q + 4e-11 W, a little off; not VARIED: decoding alone
log() {
    awk -v device="$1" -v kind="$2" -v varied="$3" 'BEGIN {
        print "session,device,threads,tokens,file_bytes,time_s,idle_w,energy_j,energy_kind,bytes,flops.linear.q4_K"
        for (s = 0; s < 6; s++) for (k = 0; k < 5; k++) {
            threads = varied ? 1 + (s + k) % 4 : 4
            prompt = varied ? 100 * (k + 1) * (s % 3 + 1) : 0; gen = 20 + 7 * ((3 * s + k) % 5)
            q = 5e8 * (gen + int((prompt + 511) / 512)); w = 1e9 * (prompt + gen)
            t = q / (4e9 + 2e9 * threads) + (varied ? w / (1e10 * threads) : 0)
            e = (5 * t + 2e-10 * q + 4e-11 * w) * (1 + 0.004 * ((7 * s + 3 * k) % 5 - 2))
            printf "s%d,%s,%d,%d,%.9g,%.9g,3,%.9g,%s,%.9g,%.9g\n", s, device, threads, prompt + gen, q, t, e, kind, q, w
        }
    }'
}
log "a board" measured 1 >"$d/log.csv"
log "a board" measured 0 >"$d/decode.csv"
log "a board" modelled 1 >"$d/modelled.csv"
log "a board" none 1 >"$d/none.csv"
log "another board" measured 1 >"$d/another.csv"
cut -d, -f1-5,7- "$d/log.csv" >"$d/columns.csv"

cli fit "$d/log.csv" --device "$d/device" -o "$d/fitted" --gain-error 0.01
expect "fit" 0 '^hartree fit: written to .*/fitted$'
expect_out "fit: terms with intervals" "^energy.byte +(1.9|2|2.0)[0-9]*e-10 +$n +$n +J/B +$n$"
expect_out "fit: held out by sessions, beside the baselines" "^held out +MAPE [01].[0-9]+ % .*; skill against constant \+0\.[0-9]+ .*, linear \+0.* file_bytes \+0"
expect_out "fit: condition" "^condition +$n$"
expect_out "fit: interval" '^interval +about 95 % of predictions within [01]\.[0-9]+ % \(cross-conformal'
if grep -Eq "^energy.active.high95 = $n # W, fitted 20..-..-.., 30 runs in 6 sessions, condition $n$" "$d/fitted" &&
    grep -Eq '^energy.gain_error = 0.01 # 1, assumed$' "$d/fitted" && grep -q '^read_peak.1 = ' "$d/fitted"; then
    ok "fit: the profile keeps its rates and gets the terms"
else bad "fit: the profile keeps its rates and gets the terms" "$(grep energy "$d/fitted" | head -n 3 | tr '\n' '|')"; fi
cp "$d/fitted" "$d/again"
cli fit "$d/log.csv" --device "$d/again" --gain-error 0.01 --json
expect_out "fit --json" "^\{\"device\": \"a board\", \"runs\": 30, \"runs_without_energy\": 0, \"sessions\": 6, \"terms\": \[\{\"term\": \"energy.idle\", \"value\": 3, \"unit\": \"W\", \
\"ci95\": \[3, 3\], .*\"vif\": null, .*\"held_out\": \{\"n\": 30, .*\"skill\": \{\"constant\": 0\.[0-9]+, .*\"interval95\": $n, \"gain_error\": 0.01, \"resamples\": 2000, \"seed\": 1\}$"
if cmp -s "$d/fitted" "$d/again"; then ok "fit: goes back where it was read, and is the same each time"
else bad "fit: goes back where it was read, and is the same each time" "$(diff "$d/fitted" "$d/again" | head -n 3 | tr '\n' '|')"; fi
cli fit "$d/decode.csv" --device "$d/device" -o "$d/decode"
expect_out "fit: terms that can't be told apart are merged, and it says so" "^energy.byte +0 +- +- .* merged into energy.active$"
expect_out "fit: no gain error, no interval of predictions" '^gain error .*not given'
cp "$d/decode" "$d/kept"
cli fit "$d/decode.csv" --device "$d/device" -o "$d/decode" --strict
expect "fit --strict: refused by name" 1 'found a condition number of .*, expected at most 30: energy.active, energy.byte, energy.linear.q4_K rise and fall together'
cli fit "$d/columns.csv" --device "$d/device" -o "$d/decode"
expect "fit: a missing column" 1 'columns.csv: line 1: found no column time_s, expected'
cli fit "$d/modelled.csv" --device "$d/device" -o "$d/decode"
expect "fit: modelled joules" 1 'modelled.csv: line 2: energy_kind: found modelled joules, expected measured ones'
cli fit "$d/none.csv" --device "$d/device" -o "$d/decode"
expect "fit: no joules" 1 'found no metered run \(30 without joules\)'
cli fit "$d/another.csv" --device "$d/device" -o "$d/decode"
expect "fit: another device's log" 1 "found runs of 'another board', expected 'a board'"
cli fit "$d/log.csv" "$d/another.csv" --device "$d/device" -o "$d/decode"
expect "fit: logs of two devices" 1 "another.csv: line 2: device: found 'another board', expected 'a board'"
cp "$d/log.csv" "$d/copy.csv"
cli fit "$d/log.csv" "$d/copy.csv" --device "$d/device" -o "$d/decode"
expect "fit: the same runs twice" 1 "copy.csv: session 's0': found the run of .* s and .* J in another log too, expected each once"
sed 's/^s\([0-9]\)/t\1/' "$d/log.csv" >"$d/others.csv"
cli fit "$d/log.csv" "$d/others.csv" --device "$d/device" -o "$d/others" --json
expect_out "fit: two logs" '"runs": 60, "runs_without_energy": 0, "sessions": 12,'
cli fit "$d/log.csv" --device "$d/device" -o "$d/nowhere/decode"
expect "fit: an output that can't be written" 1 'nowhere/decode'
cli fit "$d/log.csv" --device rpi5
expect "fit: a bundled profile is not written to" 1 'rpi5: found a bundled profile, expected -o FILE'
cli fit "$d/nothing.csv" --device "$d/device" -o "$d/decode"
expect "fit: no such log" 1 'nothing.csv: '
if cmp -s "$d/decode" "$d/kept"; then ok "fit: what failed wrote nothing"; else bad "fit: what failed wrote nothing" "the profile changed"; fi
cli fit --device "$d/device"
expect "fit: no log" 2
cli fit "$d/log.csv" --gain-error 2
expect "fit: a gain error beyond 1" 2 "found '2', expected a number from 0 to 1"

before=$(sha256sum <"$d/log.csv")
cli fit "$d/log.csv" --device "$d/device" -o "$d/log.csv"
expect "fit: the profile is not written over a log" 1 'log.csv'
if [ "$(sha256sum <"$d/log.csv")" = "$before" ]; then ok "... which stays"; else bad "... which stays" "other bytes"; fi
cli_done
