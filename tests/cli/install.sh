#!/bin/sh
# install.sh - make install: what it puts there runs on its own, from any folder, without -m; make uninstall takes it away again.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
top=$(cd "$(dirname "$0")/../.." && pwd)
stage=$cli_dir/stage
if [ -n "${RUN:-}" ]; then
    echo "skip make install: a cross build"
    cli_done
fi
# make_quietly TARGET: with the variables of the make that runs the tests, if one does
make_quietly() {
    make -s -C "$top" "$1" PREFIX=/opt/h DESTDIR="$stage" >"$cli_out" 2>"$cli_err" </dev/null
    cli_rc=$?
}
make_quietly install
expect "make install" 0
HARTREE=$stage/opt/h/bin/hartree
cd "$cli_dir" || exit 1
unset XDG_DATA_HOME
cli predict --prompt 4 --gen 2 --device rpi5 -t 1
expect_out "installed: the demo model is found" '^model +Traffic LM'
cli predict --image 56x56 --prompt 4 --gen 2 --device rpi5 -t 1
expect_out "installed: the vision model and its tower, too" '^model +Traffic VLM'
missing=
for f in man/man1/hartree.1 bash-completion/completions/hartree zsh/site-functions/_hartree fish/vendor_completions.d/hartree.fish \
    hartree/traffic-lm-compressed-q8_0.gguf hartree/traffic-vlm-compressed-q8_0.gguf; do
    [ -s "$stage/opt/h/share/$f" ] || missing="$missing $f"
done
if [ -z "$missing" ]; then ok "... manual, completions and the compressed pair"; else bad "... manual, completions and the compressed pair" "found no$missing"; fi
make_quietly uninstall
expect "make uninstall" 0
left=$(find "$stage" -type f)
if [ -z "$left" ]; then ok "... leaves no file"; else bad "... leaves no file" "$(echo "$left" | head -n 3 | tr '\n' ' ')"; fi
cli_done
