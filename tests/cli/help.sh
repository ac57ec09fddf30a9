#!/bin/sh
# help.sh - the manual page and the shells' completions: complete, clean for the programs that read them, and used by bash.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
commands=$($RUN "$HARTREE" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')

for c in $commands; do
    echo "$c"
    $RUN "$HARTREE" help "$c" | sed -n 's/^  *\(-[a-z]*, \)\{0,1\}\(--[a-z0-9-]*\).*/\2/p'
done | sort -u >"$cli_dir/words"

# every_word NAME: each command, and each option of each, stands in $cli_out
every_word() {
    missing=$(sed -e 's/\\-/-/g' -e 's/ -l / --/g' "$cli_out" | awk '
        NR == FNR { words[$1] = 1; next }
        { n = split($0, found, /[^a-z0-9-]+/); for (i = 1; i <= n; i++) delete words[found[i]] }
        END { for (w in words) print w }' "$cli_dir/words" - | tr '\n' ' ')
    if [ -z "$missing" ]; then ok "$1"; else bad "$1" "not there:$missing"; fi
}

cli help --man
expect_out "help --man" '^\.TH HARTREE 1 "" "hartree [0-9.]+"'
every_word "the manual page has every command and option"
cp "$cli_out" "$cli_dir/hartree.1"
if awk 'length > 200' "$cli_dir/hartree.1" | grep -q .; then bad "the page's lines are filled" "$(awk 'length > 200' "$cli_dir/hartree.1" | head -n 1)"
else ok "the page's lines are filled"; fi
if command -v groff >/dev/null; then
    groff -man -Tutf8 -ww -b "$cli_dir/hartree.1" >"$cli_dir/page" 2>"$cli_err"
    if [ ! -s "$cli_err" ] && grep -q '0 done, 1 failed' "$cli_dir/page"; then ok "groff reads the page without a warning"
    else bad "groff reads the page without a warning" "$(head -n 3 "$cli_err" | tr '\n' '|')"; fi
else echo "skip groff reads the page: no groff"; fi
if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning "$cli_dir/hartree.1" >"$cli_err" 2>&1
    if grep -Eqv 'missing date' "$cli_err"; then bad "mandoc reads the page without a warning" "$(head -n 3 "$cli_err" | tr '\n' '|')"
    else ok "mandoc reads the page without a warning"; fi
else echo "skip mandoc reads the page: no mandoc"; fi

for shell in bash zsh fish; do
    cli help --completion $shell
    expect_out "help --completion $shell" '^# Completion of hartree [0-9.]+'
    every_word "the completion of $shell has every command and option"
    cp "$cli_out" "$cli_dir/completion.$shell"
    if ! command -v $shell >/dev/null; then echo "skip $shell reads its completion: no $shell"
    elif $shell -n "$cli_dir/completion.$shell" 2>"$cli_err"; then ok "$shell reads its completion"
    else bad "$shell reads its completion" "$(head -n 1 "$cli_err")"; fi
done

# completes NAME WANTED WORD...: what bash offers at the end of the words, sorted; WANTED is a pattern of the whole
completes() {
    name=$1 want=$2
    shift 2
    got=$(cd "$cli_dir/some" && bash -c '
        . "$1"
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _hartree
        printf "%s\n" "${COMPREPLY[@]}"' bash "$cli_dir/completion.bash" "$@" | sort | tr '\n' ' ')
    if printf '%s' "$got" | grep -Eqx -e "$want"; then ok "$name"; else bad "$name" "found '$got', expected '$want'"; fi
}
if command -v bash >/dev/null; then
    mkdir "$cli_dir/some"
    : >"$cli_dir/some/a model.gguf"
    completes "bash completes a command" 'predict ' hartree pred
    completes "bash completes an option" '--seed --system ' hartree run --s
    completes "bash knows an option's words" 'f16 f32 ' hartree run --kv f
    completes "bash knows them behind =" 'f16 f32 ' hartree run --kv = f
    completes "bash knows them right behind =" 'f16 f32 q8_0 ' hartree run --kv =
    completes "bash offers files" 'a model.gguf ' hartree run -m 'a m'
    completes "bash offers files as arguments" 'a model.gguf ' hartree info ''
    completes "bash offers no file for a number" ' *' hartree run -n ''
    completes "bash knows the kinds of a command" 'kernels ' hartree bench ke
    completes "bash completes help's commands" 'version ' hartree help ver
    completes "bash offers nothing for an unknown command" ' *' hartree nonsense --s
else echo "skip bash completes: no bash"; fi
if command -v fish >/dev/null; then
    for line in "pred=predict" "run --se=--seed" "run --kv f1=f16" "bench ke=kernels"; do
        got=$(fish --no-config -c "source '$cli_dir/completion.fish'; complete -C 'hartree ${line%%=*}'" 2>&1 | head -n 1 | cut -f 1)
        if [ "$got" = "${line#*=}" ]; then ok "fish completes '${line%%=*}'"; else bad "fish completes '${line%%=*}'" "found '$got'"; fi
    done
else echo "skip fish completes: no fish"; fi

cli help --completion csh
expect "an unknown shell" 2 "--completion: found 'csh', expected bash\|zsh\|fish"
cli help run --man
expect "one thing at a time" 2 'found more than one of COMMAND, --man and --completion'
cli bench kernel
expect "a command's kind, nearest" 2 "found 'kernel', expected kernels\|layer\|model; did you mean 'kernels'\?"
cli run --kv
expect "a choice without its word" 2 '--kv: found no value, expected '
cli version --help=3
expect "--help takes no value" 2 "--help: found a value '3', expected none"
cli_done
