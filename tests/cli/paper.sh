#!/bin/sh
# paper.sh - the paper command: its lines and table, one machine, wrong words.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache"
n='-?[0-9][-+.e0-9]*'

cli paper --predict --json
expect_out "paper --predict --json" "^\{\"figure\": \"llm_throughput\", \"device\": \"rpi5\", \"unit\": \"ratio\", \"published\": 2.6, \"predicted\": $n, \
\"interval95\": \[$n, $n\], \"inside\": (true|false), \"deviation\": $n, \"missing\": (null|\".*\"), \"note\": (null|\".*\"), \"sha256\": \"[0-9a-f]{64}\"\}$"
expect_out "paper: a figure that is not explained" '"device": "m2", .*"inside": false, "deviation": .*, "missing": ".*holds if .*"'
expect_out "paper: a figure that can't be predicted" '"llm_semantic_accuracy_original", .*"published": 0.77, "predicted": null, "interval95": \[null, null\], "inside": null, .*"note": "not predicted'
expect_out "paper: a figure of no machine" '"vlm_tower_tflop_1024x720", "device": null, .*"published": null, "predicted": 7\.3'
if [ "$(wc -l <"$cli_out")" -eq 38 ]; then ok "paper: a line a figure"; else bad "paper: a line a figure" "$(wc -l <"$cli_out") lines"; fi
cp "$cli_out" "$d/first"
cli paper --predict --json
if cmp -s "$cli_out" "$d/first" && [ ! -s "$cli_err" ]; then ok "paper: the same again"; else bad "paper: the same again" "$(head -n 1 "$cli_err")"; fi
hash=$(sed -n '1s/.*"sha256": "\([0-9a-f]*\)".*/\1/p' "$d/first")
cli paper --predict
expect_out "paper: a table with the hash" "^sha256     $hash$"
expect_out "paper: the inputs are listed" '^ANSWER_RATIO +log-even 0.8 to 1.25  .*not stated, assumed$'
expect_out "paper: how many come close" '^of [0-9]+ published figures that are predicted, [0-9]+ come within 10 %, [0-9]+ lie inside$'
cli paper --predict --device m2
expect_out "paper: one machine" '^m2 '
if grep -q rpi5 "$cli_out"; then bad "paper: that one alone" "rpi5 is there too"; else ok "paper: that one alone"; fi

# A profile of one's own: predicted, with nothing published beside it.
cli calibrate --quick -o "$d/own"
cli paper --predict --device "$d/own" --json
expect_out "paper: another machine" '"llm_throughput", .*"published": null, "predicted": [0-9]'
expect_out "paper: no powers, no joules" '"llm_wh_run_original", .*"predicted": null, .*"note": "not predicted: the profile lacks'

cli paper --predict --device rpi6
expect "paper: unknown device" 1 "found 'rpi6', expected the path of a profile, or one of this, m2, rpi5$"
cli paper --predict surplus
expect "paper: a surplus word" 2 'found '
cli_done
