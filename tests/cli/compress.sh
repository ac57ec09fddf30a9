#!/bin/sh
# compress.sh - the compress command: what it writes, that it runs, wrong usage, bad inputs, going on where it was interrupted.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
cli synth --shape L=2,D=256,H=4,KV=2,F=384,V=300:F16 -o "$d/in"
expect "a model to start from" 0

cli help compress
tr '\n' ' ' <"$cli_out" >"$cli_dir/help"
if grep -q 'in OUT\.survey' "$cli_dir/help" && grep -q 'in OUT\.work' "$cli_dir/help"; then ok "help: both files that go on"; else bad "help: both files that go on" "not named"; fi
cli compress
expect "no arguments" 2
cli compress -m "$d/in" -o "$d/x"
expect "neither ratio nor rank" 2 "expected one of --ratio R and --rank K"
cli compress -m "$d/in" -o "$d/x" --ratio 0.5 --rank 32
expect "both ratio and rank" 2 "expected one of --ratio R and --rank K"
cli compress -m "$d/in" -o "$d/x" --ratio 2
expect "a ratio above 1" 2
cli compress -m "$d/in" -o "$d/x" --ratio 0.5 --core-type Q9
expect "an unknown type" 2 "unknown type 'Q9'"

cli version
if grep -q '^openblas *no$' "$cli_out"; then
    cli compress -m "$d/in" -o "$d/x" --ratio 0.5
    expect "without OpenBLAS" 1 "found no OpenBLAS .*, expected it: install libopenblas0|found a static build, expected one that can open OpenBLAS"
    cli_done
fi

cli compress -m "$d/in" -o "$d/out" --ratio 0.6 -c 64 --tokens 256
expect_out "compress: a row a matrix" '^blk\.1\.ffn_down +(svd|dense) +[0-9]+ +[0-9.]+ +[0-9]+$'
expect_out "compress: no more parameters than asked for" '^parameters in scope: [0-9]+, before [0-9]+: 0\.(5[0-9]*|60*); ([4-9]|10)\.[0-9]+ bits for each of those before$'
cli run -m "$d/out" -p "a word" -n 3 --temp 0
expect "the output runs" 0
cli info "$d/out"
expect_out "info knows the cores" 'attn_qkv|mpo'
if [ "$(ls -A "$d" | tr '\n' ' ')" = "in out " ]; then ok "work and survey are gone"; else bad "work and survey are gone" "found $(ls -A "$d" | tr '\n' ' ')"; fi

cli compress -m "$d/in" -o "$d/json" --rank 64 --scope ffn --core-type F16 -c 64 --tokens 128 --json
expect_out "compress --json" '"ratio": 0\.[0-9]+, "parameters_before": 589824, "parameters_after": [0-9]+, "bytes_before": [0-9]+, "bytes_after": [0-9]+, "block_bits": [0-9.]+, "calibration": "bundled text 1", "calibration_sha256": "616135b5594ffa358a10a5d543359ce5d4f82796ff44525e8ba23c311b3d02bb", "tensors": \[\{"name": "blk\.0\.ffn_gate", "structure": "svd", "spec": "o=384x1 i=1x256 r=1,64,1 gauge=0", "rank": 64, "rel_error": 0\.[0-9]+'
cli compress -m "$d/in" -o "$d/plain" --ratio 0.6 --plain --no-gauge --separate -c 64 --tokens 128
expect_out "compress: without metric, gauge and joint core" '^blk\.0\.attn_k +svd'
cli compress -m "$d/in" -o "$d/one" --ratio 0.6 --survey "$d/survey" -c 64 --tokens 128
expect "a survey that is kept" 0
cli compress -m "$d/in" -o "$d/two" --ratio 0.8 --survey "$d/survey" -c 64 --tokens 128 --sequential
expect "the same for another ratio, layer by layer" 0
if [ -s "$d/survey" ] && [ ! -e "$d/two.survey" ]; then ok "the survey stays"; else bad "the survey stays" "found none"; fi

cli compress -m "$d/in" -o "$d/mpo" --ratio 0.5 --structure mpo --split 4 --scope ffn -c 64 --tokens 128
expect_out "compress: other factors" '^blk\.0\.ffn_up +mpo +[0-9]+ +0\.[0-9]+'
cli compress -m "$d/in" -o "$d/mpo" --ratio 0.5 --structure mpo --sites 3 --scope attn -c 64 --tokens 128
expect_out "compress: three cores" '^blk\.1\.attn_q +mpo +[0-9]+ +0\.[0-9]+'
cli run -m "$d/mpo" -p "a word" -n 3 --temp 0
expect "three cores run" 0
cli compress -m "$d/in" -o "$d/x" --ratio 0.5 --split 4
expect "factors without --structure mpo" 2 "expected --structure mpo"
cli compress -m "$d/in" -o "$d/x" --ratio 0.5 --structure mpo --split 5
expect "factors that do not divide" 1 "expected multiples of 5"

cli compress -m "$d/out" -o "$d/x" --ratio 0.5
expect "a model that is factorised" 1 "found nothing, expected a matrix: a model that is factorised stays as it is"
cli compress -m "$d/in" -o "$d/in" --ratio 0.5
expect "OUT is the model" 1 "in: found a file of the model that is read, expected another"
cli compress -m "$d/in" -o "$d/x" --ratio 0.5 --core-type Q4_K
expect "gauged cores of few bits" 1 "found gauged cores of type Q4_K, expected one of 8 bits or more"
cli compress -m "$d/in" -o "$d/x" --rank 50
expect "a rank that no block divides" 1 "found rank 50, expected a multiple of 32 for Q8_0"
cli compress -m "$d/in" -o "$d/x" --ratio 0.02
expect "a ratio that no rank has, before the survey" 1 'ratio: found 0.02, expected at least 0\.[0-9]+, which is that of the least ranks'
cli compress -m "$d/in" -o "$d/x" --ratio 0.02 --uniform
expect "... nor of one rank for all" 1 'ratio: found 0.02, expected at least'
cli compress -m "$d/in" -o "$d/own" --rank 64 --scope ffn -c 32 --tokens 64 --calib "$0"
expect_out "compress: a text of one's own, by its digest" "^calibration: .*compress.sh, sha256 $(sha256sum "$0" | cut -d' ' -f1)\$"
rm -f "$d/own"
printf 'too short' >"$d/short"
cli compress -m "$d/in" -o "$d/x" --ratio 0.5 --calib "$d/short"
expect "a text shorter than a sequence" 1 "expected at least one sequence of 512"
cli compress -m "$d/in" -o "$d/x" --ratio 0.5 --calib "$d/none"
expect "no such text" 1 "none: .*No such file"
cli compress -m "$d/in" -o "$d/short" --ratio 0.5 --check "$d/short"
expect "OUT is a text that is read" 1 "short: found a file that is read, expected another"
cli compress -m "$d/in" -o "$d/x" --ratio 0.5 --check "$d/none"
expect "no such text to check on" 1 "none: .*No such file"
if [ ! -e "$d/x" ]; then ok "found before the work"; else bad "found before the work" "x is there"; fi
cli compress -m "$d/in" -o "$d/no/x" --ratio 0.5
expect "a folder that is not there" 1 "No such file"
head -c 300000 "$d/in" >"$d/cut"
cli compress -m "$d/cut" -o "$d/x" --ratio 0.5
expect "a truncated model" 1 "cut: "
rm -f "$d"/x.* "$d/cut" "$d/short"

# Work that is not whole is begun anew or gone on with, never trusted; a file that is someone's is never written over.
printf 'no work file' >"$d/again.work"
cli compress -m "$d/in" -o "$d/again" --ratio 0.6 -c 64 --tokens 256
expect "OUT.work is someone's file" 1 "again.work: found a file of another kind"
if [ "$(cat "$d/again.work")" = 'no work file' ]; then ok "it is left alone"; else bad "it is left alone" "it was written over"; fi
cp "$d/in" "$d/in.copy"
cli compress -m "$d/in" -o "$d/y" --ratio 0.6 --survey "$d/in" -c 64 --tokens 256
expect "--survey is the model" 1 "in: found a file of another kind"
if cmp -s "$d/in" "$d/in.copy"; then ok "the model is left alone"; else bad "the model is left alone" "it was written over"; fi
if [ ! -e "$d/y.work" ]; then ok "work without a record is removed"; else bad "work without a record is removed" "it is there"; fi
cli compress -m "$d/in" -o "$d/y" --ratio 0.6 --survey "$d/kept" -c 64 --tokens 128
expect "a survey is kept" 0
cli compress -m "$d/in" -o "$d/y" --ratio 0.6 --survey "$d/kept" -c 64 --tokens 256
expect "... and not begun anew for other options" 1 "kept: found what was made of another model, text or options"
rm -f "$d"/y*
printf 'hartree work 2 and no more' >"$d/again.work"
cli compress -m "$d/in" -o "$d/again" --ratio 0.6 -c 64 --tokens 256
expect "a strange work file" 0
if cmp -s "$d/out" "$d/again"; then ok "the same settings, the same bytes"; else bad "the same settings, the same bytes" "they differ"; fi
cli_done
