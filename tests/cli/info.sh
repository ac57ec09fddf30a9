#!/bin/sh
# info.sh - `hartree info` on a file made here, byte by byte, and on broken ones.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"

# A string of fewer than 256 bytes, as GGUF has it; the text may hold printf's escapes.
text() { # LENGTH TEXT
    printf '\'"$(printf %o "$1")"'\0\0\0\0\0\0\0'"$2"
}
model() { # VERSION
    printf 'GGUF\'"$1"'\0\0\0\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0' # one tensor, three values
    text 20 general.architecture; printf '\10\0\0\0'; text 5 llama
    text 17 llama.block_count; printf '\4\0\0\0\1\0\0\0'
    text 12 general.name; printf '\10\0\0\0'; text 9 'a\033[31mb\012\0' # 9 bytes: colour, a newline, a NUL
    text 9 blk.0.f32; printf '\2\0\0\0\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
}
g=$cli_dir/small.gguf
model 3 >"$g"
size=$(wc -c <"$g")
while [ $((size % 32)) -ne 0 ]; do printf '\0' >>"$g"; size=$((size + 1)); done
cp "$g" "$cli_dir/cut.gguf"
printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >>"$g"

cli info "$g"
expect_out "info: architecture" '^architecture  llama$'
expect_out "info: metadata" '^  llama.block_count  *u32  *1$'
expect_out "info: layers" '^blk.0  *1  *6  *24 B  *F32$'
expect_out "info: control characters are escaped" '^name          a\\x1b\[31mb\\n\\x00$'
cli info --tensors "$g"
expect_out "info --tensors" '^blk.0.f32  *F32  *24 B  .*\[3, 2\]$'
cli info --json "$g"
expect_out "info --json" '^\{"architecture": "llama", "name": "a\\u001b\[31mb\\n\\u0000", "file_bytes": [0-9]+, .*"parameters": 6, "layers": 1, "hparams": \{"block_count": 1\}, "types": \{"F32": \{"tensors": 1, "bytes": 24\}\}, "tensors": \[\{"name": "blk.0.f32", "type": "F32", "shape": \[3, 2\], "bytes": 24, "offset": [0-9]+\}\]\}$'

cli info "$cli_dir/cut.gguf"
expect "info of a cut file says so" 0 '^hartree info: .*cut.gguf: tensor data: found 24 bytes fewer than expected'
head -c 100 "$g" >"$cli_dir/header.gguf"
cli info "$cli_dir/header.gguf"
expect "info of a cut header" 1 '^hartree info: .*header.gguf: metadata .* found .* expected '
model 1 >"$cli_dir/old.gguf"
cli info "$cli_dir/old.gguf"
expect "info of GGUF version 1" 1 'old.gguf: header: found GGUF version 1'
cli info "$cli_dir"
expect "info of a directory" 1 'found a directory, expected a GGUF file'
: >"$cli_dir/empty.gguf"
cli info "$cli_dir/empty.gguf"
expect "info of an empty file" 1 'found an empty file'
cli info "$cli_dir/none.gguf"
expect "info of a missing file" 1 'none.gguf: cannot open: No such file'
cli info
expect "info without a file" 2
cli info "$g" "$g"
expect "info of two files" 2
cli_done
