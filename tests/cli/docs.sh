#!/bin/sh
# docs.sh - every command line of README.md and docs/*.md, in order. A line of hartree's is run, on small models of random weights
# that stand in for the files it names; a sweep that needs minutes in short, with windows of 10 ms (of pictures, and all of paper, in
# make check); one whose comment says that it needs something else (a board, a meter, hours) has only its words parsed. Of make
# the targets have to be there, of tools/ the program. Other programs are left alone, but have to be known here.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
top=$(cd "$(dirname "$0")/../.." && pwd)
program=$(cd "$(dirname "$HARTREE")" && pwd)/$(basename "$HARTREE")
mkdir "$cli_dir/bin" "$cli_dir/stand-in"
export XDG_CACHE_HOME="$cli_dir/cache"

# The program as the lines see it: one thread, as the profile below has; of a line that is only parsed the words up to "--", and
# --help behind them, which is printed once all before it was right.
cat >"$cli_dir/bin/hartree" <<'END'
#!/bin/sh
n=$# threads=1 open=1
[ "$1 ${2:-}" = "bench kernels" ] && threads=
for a in "$@"; do
    case $a in -t | --threads | --threads=*) threads= ;; esac
    [ "$a" = -- ] && break
done
[ "${1:-}" = help ] && threads=
if [ "$PARSE" ]; then unset HARTREE_KERNEL; end=--help; else end=${threads:+-t1}; fi
for a in "$@"; do
    if [ "$a" = -- ] && [ $open ]; then
        open=
        [ "$end" = --help ] && set -- "$@" --help
        [ "$end" = -t1 ] && set -- "$@" -t 1
    fi
    set -- "$@" "$a"
done
shift $n
case "$HURRY ${1:-} ${2:-}" in
"1 laws "*) set -- "$@" -r 1 --window 0.01 --hz 200 ;;
"1 paper "*) set -- "$@" --minutes 0.05 ;;
esac
[ $open ] && [ "$end" = --help ] && set -- "$@" --help
[ $open ] && [ "$end" = -t1 ] && set -- "$@" -t 1
exec $RUN "$PROGRAM" "$@"
END
chmod +x "$cli_dir/bin/hartree"

# Commands as FILE:LINE<TAB>TEXT: of blocks that are indented by four (after an empty line) or fenced as sh, and begin with one. A
# line that ends in a backslash goes on, a loop goes on to its end. "BAD" before the text: not a program that is known here.
commands_of() {
    awk '
    function put(text) { printf "%s:%d\t%s\n", FILENAME, at, text }
    function one(text) {
        sub(/^ +/, "", text)
        if (held != "") text = held (loop ? "; " : " ") text
        else at = FNR
        held = ""
        if (sub(/ *\\$/, "", text)) { held = text; return }
        if (text ~ /^for / && text !~ /done( .*)?$/) { loop = 1; held = text; sub(/; do; /, "; do ", held); return }
        loop = 0
        if (text !~ known) { if (!first) put("BAD " text); else skip = 1; first = 0; return }
        first = 0
        put(text)
    }
    BEGIN { known = "^([A-Z_]+=[^ ]+ )*((\\./)?hartree|make|tools/[a-z-]+|build/[^ ]+|for|sudo|scp|ssh|cat|sed|echo|head|python3|vcgencmd|git|parallel|srun|sbatch|\\. |#)( |$)" }
    FNR == 1 { block = fence = skip = 0; blank = 1; held = "" }
    /^ *```/ { fence = !fence; sh = $0 ~ /```sh/; first = 1; skip = 0; next }
    fence { if (sh) one($0); next }
    /^ *$/ { blank = 1; block = 0; next }
    /^    / && (block || blank) { if (!block) { first = 1; skip = 0 } block = 1; blank = 0; if (!skip) one($0); next }
    { block = blank = 0 }
    ' "$@"
}

# stand_ins LINE: what it reads and nobody has made yet: models, towers, profiles, texts.
stand_ins() {
    case $1 in *'laws image'* | *--image*) model=vision ;; *) model=model ;; esac
    left=0 # words that are files of this kind
    # shellcheck disable=SC2086
    set -f -- $1
    set +f
    for word; do
        case $word in
        *.gguf | *.profile | *.device | *.txt)
            case $word in *minilm*) [ "$made" = text ] || made=encoder ;; esac
            if [ $left -gt 0 ] && [ ! -e "$word" ]; then
                mkdir -p "$(dirname "$word")"
                cp "$cli_dir/stand-in/$made" "$word"
            fi ;;
        esac
        left=$((left - 1))
        case $word in
        -m | info | quantize) made=$model left=1 ;;
        --pair) made=model left=2 ;;
        --vlm-pair) made=vision left=2 ;;
        --judge) made=encoder left=1 ;;
        --mmproj) made=tower left=2 ;;
        --device) made=profile left=1 ;;
        -f | --calib | --check) made=text left=1 ;;
        esac
    done
}

$RUN "$program" synth --shape tiny-llama:Q4_K_M -o "$cli_dir/stand-in/model" >/dev/null 2>&1 &&
    $RUN "$program" synth --shape tiny-qwen2-vl:F16 -o "$cli_dir/stand-in/vision" >/dev/null 2>&1 &&
    $RUN "$program" synth --shape tiny-bert:F16 -o "$cli_dir/stand-in/encoder" >/dev/null 2>&1 &&
    $RUN "$program" synth --mmproj --shape tiny-qwen2-vl:F16 -o "$cli_dir/stand-in/tower" >/dev/null 2>&1 &&
    $RUN "$program" calibrate --quick -t 1 >"$cli_dir/stand-in/profile" 2>/dev/null || bad "stand-ins" "could not be made"
for _ in 1 2 3 4 5 6 7 8; do cat "$top/README.md"; done >"$cli_dir/stand-in/text"

export PARSE='' HURRY='' PROGRAM="$program" RUN PATH="$cli_dir/bin:$PATH"
cd "$top" || exit 1
for doc in README.md docs/*.md; do
    work=$cli_dir/$(basename "$doc" .md)
    mkdir "$work"
    ln -s "$cli_dir/bin/hartree" "$work/hartree"
    ln -s "$top/demo" "$work/demo"
    commands_of "$doc" >"$cli_dir/lines"
    while IFS='	' read -r place line; do
        name="$place: $line"
        word=$(printf '%s\n' "$line" | sed 's/^\([A-Z_]*=[^ ]* \)*//; s/ .*//')
        case $word in
        BAD) bad "$place" "found '${line#BAD }', expected a command that docs.sh knows" ;;
        hartree | ./hartree | for)
            PARSE='' HURRY=''
            case $line in
            *'laws text '*'# '*'minutes'* | *'laws image '*'# '*'minutes'* | *'hartree paper '*'# '*'minutes'*)
                case $line in
                *'needs the '* | *'needs a '* | *--full*) PARSE=1 ;;
                *'laws text '*) HURRY=1 ;;
                *) if [ -n "${HARTREE_SLOW:-}" ]; then HURRY=1; else PARSE=1; fi ;; # half a minute each
                esac ;;
            *'# '*'needs '*) PARSE=1 ;;
            esac
            folder=$work
            if [ "$HURRY" ]; then # one of its own: other sweeps of the page may have the same
                folder=$(mktemp -d "$work/XXXXXX")
                ln -s "$cli_dir/bin/hartree" "$folder/hartree"
            fi
            (cd "$folder" && stand_ins "$line" && timeout -k 5 60 sh -c "$line") >"$cli_out" 2>"$cli_err" </dev/null
            cli_rc=$?
            if [ $cli_rc -eq 124 ] || [ $cli_rc -eq 137 ]; then bad "$name" "took more than a minute; '# needs minutes' would have it parsed alone"
            elif [ $cli_rc -ne 0 ]; then bad "$name" "exit status $cli_rc: $(head -n 1 "$cli_err")"
            else ok "$name"; fi ;;
        make)
            missing=
            for target in $(printf '%s\n' "$line" | sed 's/#.*//; s/&&.*//; s/^make//; s/[A-Z]*=[^ ]*//g; s/ -j[0-9]*//g'); do
                grep -q "^$target:" Makefile || missing=$target
            done
            if [ -z "$missing" ]; then ok "$name"; else bad "$name" "no target '$missing'"; fi ;;
        tools/*) if [ -x "$word" ]; then ok "$name"; else bad "$name" "no program $word"; fi ;;
        esac
    done <"$cli_dir/lines"
done

# Within sentences: `hartree WORD` is a command, and an option that is named is one of some command's.
for c in $($RUN "$program" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    echo "hartree $c"
    $RUN "$program" help "$c" | sed -n 's/^ .*  *\(--[a-z0-9-]*\).*/\1/p'
done | sort -u >"$cli_dir/words"
unknown=$(grep -oh '`\(\./\)\?hartree [a-z]\+\|`[^`]*`' README.md CONTRIBUTING.md ARCHITECTURE.md docs/*.md |
    grep -v '^`\(sbatch\|#SBATCH\|make\|tools\|gcc\|pip\|apt\|\(sudo\)\)' | grep -o 'hartree [a-z]\+\|--[a-z][a-z0-9-]*' | sort -u |
    grep -vxF -f "$cli_dir/words" | grep -vx -e 'hartree CMD' | tr '\n' ' ')
if [ -z "$unknown" ]; then ok "commands and options within sentences"; else bad "commands and options within sentences" "not known: $unknown"; fi
cli_done
