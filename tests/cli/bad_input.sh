#!/bin/sh
# bad_input.sh - files, values and surroundings that no command may trust: one line on stderr, the right status, nothing on stdout,
# nothing half-written. What belongs to one command alone (info, synth, quantize) is in its own script.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d" "$d/cache"
export XDG_CACHE_HOME="$d/cache"

# refuse NAME STATUS PATTERN: as expect; and nothing was printed
refuse() {
    if [ -s "$cli_out" ]; then bad "$1" "found '$(head -c 60 "$cli_out" | head -n 1)' on stdout, expected nothing"; else expect "$@"; fi
}
left() { # NAME: none of what failed may leave an output or a part of one
    found=$(find "$d" -name 'out*')
    if [ -z "$found" ]; then ok "$1"; else bad "$1" "found $found"; fi
}
# A GGUF piece by piece; the text may hold printf's escapes.
text() { # LENGTH TEXT
    printf '\'"$(printf %o "$1")"'\0\0\0\0\0\0\0'"$2"
}
header() { # TENSORS VALUES, each up to 255
    printf 'GGUF\3\0\0\0\'"$(printf %o "$1")"'\0\0\0\0\0\0\0\'"$(printf %o "$2")"'\0\0\0\0\0\0\0'
}

m=$d/m.gguf
cli synth --shape L=2,D=64,H=4,KV=2,F=96,V=320:Q8_0 -o "$m"
expect "a model to start from" 0
cli calibrate --quick --json # so that no later command measures the machine first
expect_out "a profile of this machine" '^\{'

# ---- Files that are no models, or not the one they say ----

: >"$d/empty.gguf"
head -c 5000 "$m" >"$d/header.gguf" # in the vocabulary
head -c 100000 "$m" >"$d/data.gguf"  # in the weights
head -c 5000 /dev/zero >"$d/zeros.gguf"
printf 'GGUF\3\0\0\0\0\0\0\0\0\0\0\20\0\0\0\0\0\0\0\20' >"$d/counts.gguf"
LC_ALL=C sed 's/llama/lmaxa/g' "$m" >"$d/arch.gguf"
LC_ALL=C sed 's/blk\.1\.ffn_up\.weight/blk.1.ffn_xx.weight/' "$m" >"$d/missing.gguf"
LC_ALL=C sed -e 's/blk\.1\.attn_q\.weight/blk.1.attn_x.weight/' -e 's/blk\.1\.attn_k\.weight/blk.1.attn_q.weight/' \
    -e 's/blk\.1\.attn_x\.weight/blk.1.attn_k.weight/' "$m" >"$d/shape.gguf"
{
    header 1 1; text 20 general.architecture; printf '\10\0\0\0'; text 5 llama
    text 17 token_embd.weight; printf '\2\0\0\0\0\1\0\0\0\0\0\0\2\0\0\0\0\0\0\0\20\0\0\0\0\0\0\0\0\0\0\0'
} >"$d/type.gguf"
{
    header 0 3; text 20 tokenizer.ggml.model; printf '\10\0\0\0'; text 4 gpt2
    text 18 tokenizer.ggml.pre; printf '\10\0\0\0'; text 5 gpt-2
    text 21 tokenizer.ggml.tokens; printf '\11\0\0\0\10\0\0\0\2\0\0\0\0\0\0\0'; text 1 a; text 1 b
} >"$d/merges.gguf"
{
    header 0 3; text 8 split.no; printf '\2\0\0\0\0\0'; text 11 split.count; printf '\2\0\0\0\3\0'
    text 19 split.tensors.count; printf '\5\0\0\0\0\0\0\0'
} >"$d/part-00001-of-00003.gguf"
printf '\050\265\057\375garbage and more of it, all of it no zstd' >"$d/bad.gguf.zst"
while read -r file pattern; do
    cli run -q -m "$d/$file" -p x -n 1
    refuse "run of $file" 1 "$pattern"
    cli predict -m "$d/$file"
    case $file in
    data.gguf) expect "predict of $file, whose header is whole" 0 ;;
    merges.gguf) refuse "predict of $file" 1 "found nothing, expected" ;;
    *) refuse "predict of $file" 1 "$pattern" ;;
    esac
done <<END
empty.gguf empty.gguf: found an empty file, expected a GGUF file
. : found a directory, expected a GGUF file
none.gguf none.gguf: cannot open: No such file
header.gguf header.gguf: .* found .* expected
data.gguf data.gguf: tensor data: found [0-9]+ bytes, expected [0-9]+
zeros.gguf zeros.gguf: header: found bytes 00 00 00 00, expected "GGUF"
counts.gguf counts.gguf: header: found [0-9]+ metadata values, expected at most
arch.gguf arch.gguf: metadata 'general.architecture': found 'lmaxa', expected one of llama
missing.gguf tensor 'blk.1.ffn_up.weight': found nothing, expected \[64, 96\]
shape.gguf tensor 'blk.1.attn_q.weight': found \[64, 32, 1\], expected \[64, 64\]
type.gguf type.gguf: tensor 'token_embd.weight': found type [A-Z0-9_]+, expected a supported one
merges.gguf merges.gguf: metadata 'general.architecture': found nothing, expected
part-00001-of-00003.gguf part-00002-of-00003.gguf: cannot open: No such file .*part 2 of 3
bad.gguf.zst bad.gguf.zst: .*
END
cli tokenize -m "$d/merges.gguf" x
refuse "a vocabulary without merges" 1 "merges.gguf: metadata 'tokenizer.ggml.merges': found nothing.* expected an array"
if command -v zstd >/dev/null; then
    zstd -q -o "$d/whole.gguf.zst" "$m"
    cli run -q -m "$d/whole.gguf.zst" -p x -n 1
    if [ "$cli_rc" -eq 0 ]; then # built with libzstd
        head -c 60000 "$d/whole.gguf.zst" >"$d/cut.gguf.zst"
        cli run -q -m "$d/cut.gguf.zst" -p x -n 1
        refuse "a truncated .zst" 1 "cut.gguf.zst: .*found .*expected"
    fi
fi
mkfifo "$d/pipe"
cli info "$d/pipe"
refuse "a pipe as a model" 1 "pipe: found a device or pipe, expected a GGUF file"
cp "$m" "$d/hole.gguf"
dd if=/dev/zero of="$d/hole.gguf" bs=1 count=0 seek=100000000000 2>/dev/null
cli run -q -m "$d/hole.gguf" -p x -n 1
expect "a hundred gigabytes of hole after a model" 0
rm "$d/hole.gguf"
if [ "$(id -u)" -ne 0 ]; then
    cp "$m" "$d/secret.gguf"
    chmod 000 "$d/secret.gguf"
    cli info "$d/secret.gguf"
    refuse "an unreadable file" 1 "secret.gguf: cannot open: Permission denied"
else
    echo "skip an unreadable file: root reads everything"
fi

# ---- Prompts and texts ----

cli run -q -m "$m" -p 'more words than the context holds' -c 4
refuse "a prompt longer than the context" 1 "prompt: found [0-9]+ tokens, expected at most 4"
cli run -m "$m" -p x -c 1000000000
refuse "a context that memory does not hold" 1 "context of 1000000000 tokens: found [0-9]+ MB free, expected [0-9]+ MB"
bad_bytes=$(printf 'a\377\376b\200\360\237')
cli run -q -m "$m" -p "$bad_bytes" -n 2
expect "bad UTF-8 in -p" 0
printf 'a\377\000b\200\360\237' >"$d/bytes"
cli run -q -m "$m" -f "$d/bytes" -n 2
expect "bad UTF-8 and a NUL in -f" 0
cli run -q -m "$m" -f "$d/bytes" -n 2 --chat --chat-format chatml
refuse "a NUL in a message" 1 "prompt: found a NUL byte at byte 2, expected none"
cli run -q -m "$m" -f "$d" -n 2
refuse "a folder as a prompt" 1 "files: found a directory, expected a file"
cli run -q -m "$m" -f "$d/none" -n 2
refuse "a prompt that is not there" 1 "none: cannot open: No such file"
cli run -q -m "$m" -p '' -n 2
expect "an empty prompt is the BOS alone" 0
cli run -q -m "$m" -p x -n 0
expect "nothing to generate" 0
# shellcheck disable=SC2086
echo x | ${RUN:-} "$HARTREE" run -q -m "$m" -f - -n 2 --json >"$cli_out" 2>"$cli_err"
cli_rc=$?
expect_out "a prompt from stdin" '"prompt_tokens": [2-9]'
cli run -q -m "$m"
refuse "no prompt" 2 "found no text, expected -p TEXT or -f FILE"
cli run -q -m "$m" -p x -f "$d/bytes"
refuse "two prompts" 2 "found both -p and -f"
cli run -q -m "$m" -p x --chat
refuse "chat without a template" 1 "metadata 'tokenizer.chat_template': found nothing, expected --chat-format with one of"
cli run -q -m "$m" -p x --chat --chat-format lama3
refuse "a misspelt chat format" 2 "--chat-format: unknown 'lama3', did you mean 'llama3'\?"
cli run -q -m "$m" -p x --chat --chat-format zzzzzzzz
refuse "an unknown chat format" 2 "chat format: found zzzzzzzz, expected --chat-format with one of"
cli ppl -m "$m" -p short
refuse "a text shorter than a chunk" 1 "text: found [0-9]+ tokens, expected at least one chunk of 512"
cli detokenize -m "$m" 1 320
refuse "an id outside the vocabulary" 1 "found 320 at place 1, expected 0 to 319"
cli detokenize -m "$m" -5
refuse "an id below 0" 1 "found -5 at place 0, expected 0 to 319"
cli detokenize -m "$m" 12x
refuse "an id that is no number" 2 "found '12x', expected numbers between blanks or commas"
cli logits -m "$m" --tokens 1,320 -o "$d/out"
refuse "logits of an id outside the vocabulary" 1 "token ids: found 320 at place 1, expected 0 to 319"
cli logits -m "$m" --tokens 99999999999999999999 -o "$d/out"
refuse "logits of an id beyond any number" 1 "token ids: found 99999999999999999999 at place 0, expected 0 to 319"
for ids in '' ' ' ',' 1,x 1,,2 '1,' ,1; do
    cli logits -m "$m" --tokens "$ids" -o "$d/out"
    refuse "logits of ids '$ids'" 2 "(token ids|--tokens): found .*, expected"
done

# ---- Values ----

while read -r args; do
    # shellcheck disable=SC2086
    cli run -m "$m" -p x $args
    refuse "run $args" 2 "^hartree run: .*(found|unknown option) '.*(, expected .*|, did you mean '.*'\?) \(see 'hartree help run'\)$"
done <<END
-t 0
-t 100000
-n -1
-n 99999999999999999999
-c 0
-c 4294967296
-b 0
-b -4294967295
--temp -1
--temp nan
--temp 1e999
--top-p 2
--repeat-last-n 2000000
--kv q8
--tmep 1
--energy rappel
END
cli run -m
refuse "-m without a file" 2 "--model: found no value, expected FILE"
cli predict -m "$m" --prompt 2147483647 --gen 2147483647
refuse "a prediction of billions of steps" 1 "prediction: found [0-9]+ steps, expected at most 1048576"
cli predict --shape llama-9
refuse "predict: an unknown shape" 2 "--shape: .*found 'llama-9', expected"
cli measure -m "$m" --prompt 2147483647 --gen 2147483647
refuse "a measurement that memory does not hold" 1 "context of 4294967294 tokens: found [0-9]+ MB free"
cli bench model -m "$m" -p 2147483647 -n 0
refuse "a bench that memory does not hold" 1 "context of 2147483647 tokens: found [0-9]+ MB free"
cli bench model -m "$m" -p 0 -n 0
refuse "a bench of nothing" 2 "found only lengths of 0, expected a test"
cli synth --shape L=1000000,D=64,H=4,KV=2,F=96,V=320 -o "$d/out"
refuse "a million layers" 2 "L: found '1000000', expected 1 to 1024"

# ---- Surroundings ----

printf 'name = x\nllc = lots # B, measured\n' >"$d/profile"
cli predict -m "$m" --device "$d/profile"
refuse "a profile of nonsense" 1 "profile: line 2: llc: found 'lots', expected a number"
printf 'name = x\033[31m\n' >"$d/profile"
cli predict -m "$m" --device "$d/profile"
refuse "a profile whose name is a control sequence" 1 "profile: line 1: name: found a byte 1b, expected printable text"
cli predict -m "$m" --device "$m"
refuse "a model as a profile" 1 "m.gguf: line 1: found a NUL byte, expected text"
cli_with XDG_CACHE_HOME=/dev/null/x calibrate --quick
refuse "a cache that cannot be made" 1 "/dev/null/x: cannot make the folder: Not a directory"
cli calibrate --quick -o /nonexistent/out
refuse "a profile where nothing can be" 1 "/nonexistent/out: cannot create .*No such file"
cli_with HARTREE_KERNEL=q4_K_dot:none run -m "$m" -p x
refuse "HARTREE_KERNEL of no kernel" 2 "^hartree: HARTREE_KERNEL: .*found .*expected"
if [ -w /dev/full ]; then
    for command in "run -q -n 2 -p x" "run -q -n 2 -p x --json" "run -q --echo -n 2 -p x" "ppl -c 4 --chunks 1 -f $m" \
        "tokenize x" "predict -q" "bench model -p 1 -n 1 -r 1" "measure -q --prompt 2 --gen 2 -r 1"; do
        # shellcheck disable=SC2086
        ${RUN:-} "$HARTREE" $command -m "$m" >/dev/full 2>"$cli_err" </dev/null
        cli_rc=$?
        expect "a full stdout: ${command%% -f*}" 1 "^hartree [a-z]+: stdout: (No space left on device|could not be written)$"
    done
    for all in "" --all; do
        # shellcheck disable=SC2086
        cli logits -m "$m" -p x $all -o /dev/full
        refuse "a full disk: logits $all" 1 "/dev/full: cannot write: No space left on device"
    done
fi
# 512-byte blocks: no file may grow beyond 20 kB.
limited() {
    # shellcheck disable=SC2086
    (ulimit -f 40 && exec ${RUN:-} "$HARTREE" "$@" >"$cli_out" 2>"$cli_err" </dev/null)
    cli_rc=$?
}
limited synth --shape tiny-llama -o "$d/out"
refuse "a limit on files: synth" 1 "out: .*cannot write: File too large"
limited quantize "$m" "$d/out" F16
refuse "a limit on files: quantize" 1 "out: .*cannot write: File too large"
limited logits -m "$m" -p "$(head -c 200 "$0")" --all -o "$d/out"
refuse "a limit on files: logits" 1 "out: cannot write: File too large"

# ---- Interruption ----

# interrupt STATUS NAME PATTERN ARGUMENTS...: SIGINT after a second; the status, and a line on stderr
interrupt() {
    status=$1 name=$2 pattern=$3
    shift 3
    # shellcheck disable=SC2086
    ${RUN:-} "$HARTREE" "$@" >"$cli_out" 2>"$cli_err" </dev/null &
    pid=$!
    sleep 1
    kill -INT "$pid"
    wait "$pid"
    cli_rc=$?
    if ! grep -Eq "$pattern" "$cli_err"; then bad "$name" "found '$(head -n 2 "$cli_err")', expected /$pattern/"; else expect "$name" "$status"; fi
}
interrupt 0 "interrupted: run" 'stopped by interrupt' run -m "$m" -p x -n 100000 --ignore-eos --json
cli_rc=0
expect_out "interrupted: run's JSON" '"stop": "interrupt"'
i=0
while [ $i -lt 200 ]; do i=$((i + 1)); cat "$0"; done >"$d/long"
interrupt 1 "interrupted: logits" 'interrupted' logits -m "$m" -f "$d/long" -o "$d/out" -t 1
interrupt 1 "interrupted: synth" 'out: interrupted' synth --shape gemma-3-4b:Q4_K_M -o "$d/out"
left "nothing is left of what failed"

# ---- JSON is JSON ----

if command -v python3 >/dev/null; then
    printf '%s\n' "$(head -c 3000 "$0")" >"$d/text"
    while read -r args; do
        # shellcheck disable=SC2086
        cli $args --json
        if [ "$cli_rc" -ne 0 ]; then bad "JSON of ${args%% *}" "exit status $cli_rc: $(head -n 1 "$cli_err")"
        elif ! python3 -m json.tool <"$cli_out" >/dev/null 2>"$cli_err"; then bad "JSON of ${args%% *}" "$(tail -n 1 "$cli_err")"
        else ok "JSON of ${args%% *}"; fi
    done <<END
version
info $m
tokenize -m $m -f $d/bytes
detokenize -m $m 255 254 3 4
run -m $m -f $d/bytes -n 8 --ignore-eos
ppl -m $m -f $d/text -c 16 --chunks 2
predict -m $m
measure -m $m --prompt 4 --gen 2 -r 1
bench model -m $m -p 4 -n 2 -r 2
bench kernels f32_add
quantize $m $d/q Q4_0
synth --shape L=1,D=64,H=4,KV=2,F=96,V=320 -o $d/s
END
else
    echo "skip JSON is JSON: no python3"
fi
cli_done
