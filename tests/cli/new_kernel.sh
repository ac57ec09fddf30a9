#!/bin/sh
# A kernel file copied under a new tag is built, listed, tested and pinned with nothing else edited; a wrong one is caught.
# Works in a copy of the tree with the objects already built, so that only what must is compiled.
# SPDX-License-Identifier: MIT
: "${B:?set by make}"
copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/$B"
for f in *; do
    case $f in build | hartree | models) ;; *) cp -a "$f" "$copy/" ;; esac
done
cp -a "$B/." "$copy/$B/"
cd "$copy" || exit 1

# check NAME STATUS: prints the result line; on failure the end of the log.
check() {
    if [ "$2" -eq 0 ]; then echo "ok new_kernel_$1"; else echo "FAIL new_kernel_$1: $(tail -n 3 log | tr '\n' ' ')"; fi
}

# variant TAG SED: writes kernels/f32_add_scalar_TAG.c, and builds.
variant() {
    sed -e "s/f32_add_scalar/f32_add_scalar_$1/; s/f32_add, scalar/f32_add, scalar_$1/; $2" kernels/f32_add_scalar.c >"kernels/f32_add_scalar_$1.c"
    make "$B/hartree" "$B/tests/kernels" >log 2>&1
}

variant copy ''
check built $?
$RUN "$B/hartree" bench kernels f32_add --list >log 2>&1
grep -q '^f32_add *scalar_copy *$' log
check listed_not_bound $?
HARTREE_KERNEL=f32_add:scalar_copy $RUN "$B/hartree" bench kernels f32_add --list >log 2>&1
grep -q '^f32_add *scalar_copy *bound' log
check pinned $?
$RUN "$B/tests/kernels" >log 2>&1
grep -q '^ok f32_add_scalar_copy$' log
check tested $?

variant wrong 's/+=/-=/'
$RUN "$B/tests/kernels" >tested 2>&1
grep '^FAIL f32_add' tested >log
grep -q '^FAIL f32_add_scalar_wrong: ' log
check wrong_fails $?
$RUN "$B/hartree" bench kernels f32_add >log 2>&1
[ $? -eq 1 ] && grep -q '^f32_add *scalar_wrong .*WRONG' log
check wrong_not_timed $?

rm kernels/f32_add_scalar_wrong.c kernels/f32_add_scalar_copy.c
make "$B/hartree" >log 2>&1 && $RUN "$B/hartree" bench kernels f32_add --list >log 2>&1 && ! grep -q scalar_ log
check removed $?
