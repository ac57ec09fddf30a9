#!/bin/sh
# account.sh - predict, measure, calibrate and bench model: what they print, and wrong words.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache" # the user's own profile stays as it is
n='-?[0-9][-+.e0-9]*'

cli synth --shape tiny-llama:Q4_K_M -o "$d/m.gguf"
expect "a model to account for" 0

# The first prediction measures the machine, says so, and keeps the profile; the second finds it.
cli predict -m "$d/m.gguf" --prompt 7 --gen 3
if [ "$cli_rc" -eq 0 ] && grep -q 'no profile of this machine yet' "$cli_err"; then ok "predict: measures a machine without a profile"; else bad "predict: measures a machine without a profile" "$(head -n 3 "$cli_err")"; fi
cp "$cli_out" "$d/first"
cli predict -m "$d/m.gguf" --prompt 7 --gen 3
expect_out "predict: phases and ops" "^decode +ffn_down +$n M? *$n [kM]B"
if cmp -s "$cli_out" "$d/first" && [ "$(cat "$cli_err")" = "hartree predict: a quick profile: no interval; run 'hartree calibrate'" ]; then ok "predict: the profile is kept, and the same run has the same hash"
else bad "predict: the profile is kept, and the same run has the same hash" "$(diff "$cli_out" "$d/first" | head -n 3 | tr '\n' '|')$(cat "$cli_err")"; fi
cli predict --shape llama-3.1-8b:Q4_K_M --prompt 10 --gen 2 --json
expect_out "predict --json" "^\{\"model\": \"llama-3.1-8b[^\"]*\", \"device\": \".*\"weight_bytes\": 4912[0-9]*, \"weight_bytes_per_token\": 4617[0-9]*, \
\"kv_bytes\": 1572864, .*\"energy_j\": null, .*\"energy_kind\": \"none\", .*\"interval95_s\": \[null, null\], .*\"sha256\": \"[0-9a-f]{64}\", .*\"rows\": \[\{"
cli predict --shape llama-3.1-8b:Q4_K_M --by type --json
expect_out "predict --by type" '"rows": \[\{"layer": null, "op": null, "phase": null, "type": "Q4_K", '
cli predict --shape llama-3.1-8b --by layer,phase
expect_out "predict --by layer,phase" "^prefill +31 +$n G"

cli measure -m "$d/m.gguf" --prompt 7 --gen 3 -r 2
expect_out "measure: FLOPs are those counted" 'exactly as predicted$'
cli measure -m "$d/m.gguf" --prompt 1 --gen 1 -r 1 --kv q8_0 --json
expect_out "measure --json" "\"flops_counted\": [0-9]+, \"repeats\": 1, \"measured_s\": $n, .*\"error\": -?$n, \"unattributed_s\": $n, .*\"rows\": .*\"measured_s\": "

# Energy terms take metered runs, so no calibration drops them in silence: nor one that is made because a profile is of another build.
cached=$(echo "$d"/cache/hartree/device-*)
{ sed 's/^build = .*/build = of yesterday/' "$cached" && echo 'energy.idle = 3.5 # W, fitted by hand'; } >"$d/older" && mv "$d/older" "$cached"
cli predict -m "$d/m.gguf" --prompt 7 --gen 3
if [ "$cli_rc" -eq 0 ] && grep -q 'measuring this machine anew' "$cli_err" && grep -q '^energy.idle = 3.5 # W, fitted by hand$' "$cached" && grep -q '^build = [0-9]' "$cached" && grep -q '^build = of yesterday$' "$cached.old"; then
    ok "predict: a profile that is measured anew keeps its energy terms"
else bad "predict: a profile that is measured anew keeps its energy terms" "$(head -n 2 "$cli_err" | tr '\n' '|')$(grep -c . "$cached") lines"; fi
sed 's/^build = .*/build = of yesterday/' "$cached" >"$d/device"
cli predict -m "$d/m.gguf" --prompt 7 --gen 3 --device "$d/device"
if [ "$cli_rc" -eq 0 ] && grep -q 'files/device: found rates of this machine by another build' "$cli_err"; then ok "predict: says that a profile is of another build"
else bad "predict: says that a profile is of another build" "$(head -n 2 "$cli_err" | tr '\n' '|')"; fi
echo junk >"$d/device"
cli calibrate --quick -t 1 -o "$d/device"
if grep -q "^hartree calibrate: no energy terms of what was there are kept: .*files/device: line 1: found 'junk'" "$cli_err"; then ok "calibrate: says what it can't keep"
else bad "calibrate: says what it can't keep" "$(head -n 2 "$cli_err" | tr '\n' '|')"; fi
expect_out "calibrate -o" "^linear.q4_K.decode.1 = $n # FLOP/s, measured"
expect_out "calibrate: the pace of its moment" "^pace.decode.1 = $n # s, measured"
expect_out "calibrate: how many rows are few" "^linear.q4_K.few = [0-9]+ # 1, assumed"
if cmp -s "$cli_out" "$d/device"; then ok "calibrate: the file is what was printed"; else bad "calibrate: the file is what was printed" "they differ"; fi
cli predict -m "$d/m.gguf" --device "$d/device" -t 2
expect_out "predict: threads that were not measured" 'no time: the device profile lacks .*\.2; .*calibrate -t 2. measures it$'
sed 's,^stage.1 = .*,stage.1 = 5 # s\, measured,' "$d/device" >"$d/bad"
cli predict -m "$d/m.gguf" --device "$d/bad"
expect "predict: a profile out of range" 1 'files/bad: line [0-9]+: stage.1: found 5, expected 0 to 1 s$'
cli predict -m "$d/m.gguf" --device "$d/none"
expect "predict: no such profile" 1 'files/none: '
cli calibrate --quick -t 1 -o "$d/none/device"
expect "calibrate: an output that can't be written" 1 'none/device'

cli predict --shape llama-3.1-8b:Q4_K_M --device rpi5
expect_out "predict --device rpi5: on its cores" '^device     Raspberry Pi 5 .*, 4 threads$'
expect "predict --device rpi5: says nothing else" 0
# What another machine takes does not depend on the kernels of the one that asks: prompts of as many rows as are few to some.
printed=0
for isa in scalar avx2 avx512 neon dotprod i8mm; do
    cli_with HARTREE_ISA=$isa predict --shape llama-3.1-8b:Q4_K_M --device rpi5 --prompt 5 --gen 3 --law --json
    [ "$cli_rc" -eq 0 ] || continue # not of this CPU
    printed=$((printed + 1))
    if [ $isa = scalar ]; then cp "$cli_out" "$d/by_scalar"; fi
    cmp -s "$cli_out" "$d/by_scalar" || bad "predict --device rpi5: with $isa kernels here" "$(head -c 300 "$cli_out")"
done
if [ $printed -ge 1 ]; then ok "predict --device rpi5: the same whatever kernels this machine has ($printed kinds)"; else bad "predict --device rpi5: the same whatever kernels this machine has" "no kind of kernels ran"; fi
cli predict --shape llama-3.1-8b:Q4_K_M --device m2 -t 1 --json
expect_out "predict --device m2 -t 1" '"device": "Apple M2 .*", "threads": 1, .*"energy_kind": "modelled"'
cli predict --shape llama-3.1-8b:Q4_K_M --device rpi
expect "predict: unknown device" 1 "found 'rpi', expected the path of a profile, or one of this, m2, rpi5$"
sed 's,^read_peak.1 = .*,read_peak.1 = 1e6 # B/s\, measured,' "$d/device" >"$d/bad"
cli predict -m "$d/m.gguf" --device "$d/bad"
expect "predict: a profile that contradicts itself" 1 'files/bad: line [0-9]+: read_bandwidth.1: found .*, expected at most read_peak.1 = 1e\+06$'

cli predict --shape L=32,D=4096,H=32,KV=8,HD=128,F=14336,V=128256:Q4_K_M --device rpi5 --prompt 10 --gen 2 --json
expect_out "predict: a shape of numbers" '"weight_bytes": 4912[0-9]*, "weight_bytes_per_token": 4617[0-9]*, "kv_bytes": 1572864,'
expect "predict: says what it assumed of it" 0 "assumed: a llama's ops"
cli predict --shape gilda-3.2b --device rpi5 --prompt 10 --gen 2
expect "predict: says what a bundled shape assumes" 0 'gilda-3.2b: assumed: weights of F16, .*3.2 B parameters'
cli predict --shape L=32,D=4096,H=32,kv=8,F=14336,V=128256
expect "predict: a wrong key, nearest" 2 "found 'kv=8', did you mean 'KV'"
cli predict --shape L=32,D=4096,H=30,KV=8,F=14336,V=128256
expect "predict: an impossible shape" 2 'H: found 30, expected a multiple of KV=8'
cli predict --shape L=1024,D=1048576,H=4096,KV=4096,HD=512,F=4194304,V=16777216:F32 --device rpi5 --prompt 2147483647 --ubatch 2147483647 --gen 1 --json
expect_out "predict: the largest shape of all has finite numbers" "\"weight_bytes\": $n, .*\"peak_memory_bytes\": $n"

cli bench model -m "$d/m.gguf" -p 5,6 -n 0 -t 1,2 -r 2
expect_out "bench model" '^\| .* \|       2 \| +pp6 \| +[0-9.]+ ± [0-9.]+ \|$'
cli bench model -m "$d/m.gguf" -p 0 -n 3 -t 1 -r 2 --json
expect_out "bench model --json" "^\[\{\"model\": \".*\", \"size_bytes\": [0-9]+, \"params\": 3544832, \"isa\": \"[a-z0-9]+\", \"threads\": 1, \"test\": \"tg3\", \
\"tps_avg\": $n, \"tps_stddev\": $n, \"runs\": \[$n, $n\]\}\]$"

cli bench model -m "$d/m.gguf" -p 4 -n 2 -d 7 -t 1 -r 1
expect_out "bench model at a depth" '\| +tg2 @ d7 \| +[0-9.]+ '

cli predict --shape llama-3.1-9b
expect "predict: unknown shape" 2 "llama-3.1-9b.*llama-3.1-8b"
cli predict --shape llama-3.1-8b -m "$d/m.gguf"
expect "predict: a shape and a file" 2 'found both --shape and -m'
cli predict -m "$d/m.gguf" --by colour
expect "predict: unknown --by" 2 "found 'colour', expected layer, op, type or phase"
cli predict -m "$d/m.gguf" --prompt 0
expect "predict: no prompt" 2 "found '0'"
cli bench model "$d/m.gguf"
expect "bench model: a surplus word" 2 'found '
cli measure -m "$d/nothing.gguf"
expect "measure: no such model" 1 'nothing.gguf: '
cli predict --shape llama-3.1-8b:F16 --prompt 131073 --gen 1 --device rpi5
if grep -q "131074 tokens are more than the 131072" "$cli_err" && grep -q 'memory needed, the device has 17.18 GB' "$cli_err"; then ok "predict: beyond context and memory"; else bad "predict: beyond context and memory" "$(head -n 2 "$cli_err" | tr '\n' '|')"; fi
expect_out "predict: bundled intervals of seconds and joules" 'above idle; 95 %: .*J to '
head -c 1000000 "$d/m.gguf" >"$d/cut.gguf"
cli predict -m "$d/cut.gguf" --device rpi5 --prompt 2 --gen 1
if [ "$cli_rc" -eq 0 ] && grep -q 'the file is cut short' "$cli_err"; then ok "predict: a file cut short"; else bad "predict: a file cut short" "$(head -n 1 "$cli_err")"; fi
cli_done
