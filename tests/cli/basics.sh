#!/bin/sh
# basics.sh - what every command shares: help, options, values, errors in one line, standard streams.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"

cli
expect "no command: status 2" 2
cli version
expect_out "version" '^hartree +[0-9]+\.[0-9]+'
expect_out "version: ISAs" '^ISAs built +scalar'
expect_out "version: libraries" '^libzstd +([0-9.]+|no)$'
cli version --json
expect_out "version --json" '^\{"version": "[0-9.]+", "compiler": ".*", "isas_built": \["scalar".*"libzstd": "[^"]+"\}$'
cli --version
expect_out "--version" '^hartree '

cli help
expect_out "help lists the commands" '^  version '
cli --help
expect_out "--help" '^commands:'
cli -h
expect_out "-h" '^commands:'
cli help version
expect_out "help CMD" '^usage: hartree version'
cli version --help
expect_out "CMD --help" '^  -t, --threads N '
cli version -h
expect_out "CMD -h" '^usage: hartree version'
# Every command explains itself: a summary, a usage line, and a sentence for each option.
broken=
for c in $($RUN "$HARTREE" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    cli help "$c"
    { [ "$cli_rc" -eq 0 ] && grep -q "^usage: hartree $c " "$cli_out" && ! grep -Eq '^ +(-[a-z]+, )?--[a-z-]+( [A-Z|a-z0-9_]+)?$' "$cli_out"; } ||
        broken="$broken $c"
done
if [ -z "$broken" ]; then ok "every command's help"; else bad "every command's help" "not so:$broken"; fi

cli verison
expect "unknown command, nearest" 2 "^hartree: unknown command 'verison', did you mean 'version'\?"
cli vers
expect "a command's beginning is no command" 2 "did you mean 'version'\?"
cli zzzzzz
expect "unknown command" 2 "^hartree: unknown command 'zzzzzz' \(see 'hartree help'\)"
cli help verison
expect "help for an unknown command" 2 "did you mean 'version'\?"
cli help version version
expect "help: a command without kinds" 2 "found 'version', expected no further argument: version has no kinds"
cli help laws
cp "$cli_out" "$cli_dir/laws"
cli help laws text
if [ "$cli_rc" -eq 0 ] && cmp -s "$cli_out" "$cli_dir/laws"; then ok "help COMMAND KIND is the command's"; else bad "help COMMAND KIND is the command's" "$cli_rc: $(head -n 1 "$cli_err")"; fi
cli help bench layr
expect "help: a kind that is none, nearest" 2 "found 'layr', expected kernels\|layer\|model; did you mean 'layer'\?"
cli help laws text image
expect "help takes a command and its kind" 2 "found 'image', expected no further argument"

cli version --jsom
expect "unknown option, nearest" 2 "^hartree version: unknown option '--jsom', did you mean '--json'\? \(see 'hartree help version'\)"
cli version --jsom=3
expect "unknown option with a value" 2 "unknown option '--jsom', did you mean '--json'"
cli version -json
expect "one dash too few" 2 "did you mean '--json'"
cli version -x
expect "unknown short option" 2 "unknown option '-x'"
cli version surplus
expect "surplus argument" 2 "found 'surplus', expected \[--json\]"
cli version -- --json
expect "-- ends the options" 2 "found '--json', expected \[--json\]"
cli version "$(printf 'two\nlines\033[31m')"
expect "an error stays one line" 2 "found 'two\?lines\?\[31m'"

cli version -t
expect "missing value" 2 "--threads: found no value, expected N"
cli version -t --json
expect "an option is no value" 2 "--threads: found no value"
cli version --json=yes
expect "a flag takes no value" 2 "--json: found a value 'yes', expected none"
for v in 0 1025 -1 2x '' ' 2' 0x2 1.5 1e1 nan 99999999999999999999; do
    cli version -t "$v"
    expect "-t '$v'" 2 "--threads: found '$v', expected a whole number from 1 to 1024"
done
cli version --threads=1024 --json
expect_out "--name=value" '^\{'
cli version -t 0x -t 3
expect "each value is checked" 2 "found '0x'"
cli version -t 3 -t 4 -q -v
expect "a repeated option" 0

cli_with HARTREE_ISA=nonsense version
expect "HARTREE_ISA unknown" 2 "^hartree: HARTREE_ISA: found 'nonsense', expected one of scalar"
cli_with HARTREE_ISA=nonsense help bench
expect_out "help is there all the same" '^hartree bench - '
cli_with HARTREE_KERNEL=nonsense help bench
expect_out "and with a kernel of none" '^hartree bench - '
cli_with HARTREE_ISA=scalar version
expect_out "HARTREE_ISA=scalar" '^ISA in use scalar$'
cli_with HARTREE_KERNEL=nonsense version
expect "HARTREE_KERNEL unknown" 2 "^hartree: HARTREE_KERNEL: found 'nonsense', expected op:isa"

if [ -w /dev/full ]; then
    $RUN "$HARTREE" version >/dev/full 2>"$cli_err"
    cli_rc=$?
    expect "full disk on stdout" 1 '^hartree version: stdout: No space left on device$'
else
    echo "skip full disk on stdout: no /dev/full"
fi
$RUN "$HARTREE" version >&- 2>"$cli_err"
cli_rc=$?
expect "closed stdout" 1 '^hartree version: stdout: Bad file descriptor$'
{ $RUN "$HARTREE" help version 2>"$cli_err"; echo $? >"$cli_out"; } | :
# `:` may end before or after the program writes; before is a broken pipe, and neither is a signal
read -r cli_rc <"$cli_out"
case $cli_rc in
0) ok "closed pipe" ;;
*) expect "closed pipe" 1 '^hartree help: stdout: Broken pipe$' ;;
esac
cli_done
