#!/bin/sh
# see.sh - the scene and see commands: pictures drawn, read, clamped; wrong words, broken files, outputs that cannot be written.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"

cli scene -s 3 --size 512x360 -o "$d/a.ppm"
expect_out "scene" 'a.ppm: 512x360 pixels, seed 3, (day|evening|night), [0-9]+ objects$'
cli scene --seed 3 --size 512x360 --json -o "$d/b.ppm"
expect_out "scene --json" '^\{"seed": 3, "width": 512, "height": 360, "time": "[a-z]+", "objects": \[\{"kind": "[a-z ]+", "colour": "[a-z]+".*"box": \[[0-9]+, [0-9]+, [0-9]+, [0-9]+\]\}.*\]\}$'
if cmp -s "$d/a.ppm" "$d/b.ppm"; then ok "same seed, same bytes"; else bad "same seed, same bytes" "the files differ"; fi
cli scene -o "$d/c.jpg"
expect "scene: no JPEG" 2 "ends in .png or .ppm"
cli scene
expect "scene: no output" 2 "found none of -o, --json and --show"
cli scene --show
expect "scene --show: no terminal" 1 "^hartree scene: --show: found no terminal with colours, expected one, or -o FILE"
cli scene --show --size 512x360 -o "$d/shown.ppm"
expect "scene --show: no terminal, but a file" 0 "^hartree scene: --show: found no terminal with colours, drew nothing there"
cli scene --show --json
expect "scene --show: and JSON" 2 "found both --show and --json"
if command -v script >/dev/null && [ -z "${RUN:-}" ]; then
    NO_COLOR='' TERM=xterm script -qec "'$HARTREE' scene --show --size 560x392" /dev/null >"$cli_out" </dev/null
    drawn=$(grep -o '▀' "$cli_out" | wc -l)
    if [ "$drawn" -eq 2240 ]; then ok "scene --show: 80 x 28 characters"; else bad "scene --show: 80 x 28 characters" "$drawn"; fi
else echo "skip scene --show on a terminal: no script(1), or a wrapper"; fi
cli scene --json
expect_out "scene --json without a picture" '^\{"seed": 1, "width": 1024, "height": 720, .*\}$'
cli scene -s 2 --count 2 --size 512x360 --json -o "$d/n%d-%d.ppm"
expect_out "scene --count" '^\{"seed": 3, "width": 512, '
if [ "$(wc -l <"$cli_out")" -eq 2 ] && [ -f "$d/n2-%d.ppm" ] && cmp -s "$d/a.ppm" "$d/n3-%d.ppm"; then ok "scene --count: a line and a file a seed"
else bad "scene --count: a line and a file a seed" "$(wc -l <"$cli_out") lines, $(ls "$d")"; fi
cli scene --count 2 -o "$d/c.ppm"
expect "scene --count: one name for all" 2 "expected a %d in it"
cli scene --count 0 --json
expect "scene --count: none" 2 "count"
cli scene --json --size 9000x20
expect "scene --json: a size beyond all" 1 "size: found 9000x20"
cli scene --size 10 -o "$d/c.ppm"
expect "scene: no size" 2 "found '10', expected WxH"
cli scene --size 9000x20 -o "$d/c.ppm"
expect "scene: a size beyond all" 1 "size: found 9000x20"
cli scene -o "$d/no/c.ppm"
expect "scene: a folder that is not there" 1 "No such file"

cli see --image "$d/a.ppm"
expect_out "see" '^in 512x360 -> 504x364 -> 936 patches -> 234 tokens \(clamp tokens:8\.\.4096\)$'
cli see --image "$d/a.ppm" --clamp edge:256 --pixels "$d/a.rgb"
expect_out "see --clamp --pixels" '^in 512x360 -> 280x196 -> 280 patches -> 70 tokens \(clamp edge:256\)$'
if [ "$(wc -c <"$d/a.rgb")" -eq $((280 * 196 * 3)) ]; then ok "raw pixels"; else bad "raw pixels" "$(wc -c <"$d/a.rgb") bytes"; fi
cli see --image "$d/a.ppm" --clamp box:200x200,stretch --patch 16 --merge 1 --json
expect_out "see --json" '^\{"in": \[512, 360\], "resized": \[208, 144\], "inner": \[0, 0, 208, 144\], "grid": \[13, 9\], "patches": 117, "tokens": 117, "clamp": "box:200x200,stretch", "decode_s": [0-9.e-]+, "resize_s": [0-9.e-]+, "flops": null, "weight_bytes": null, "peak_memory_bytes": null, "predicted_prepare_s": null, "predicted_s": null, "encode_s": null, "time_s": null\}$'
cli see --size 2048x1440 --clamp edge:1024
expect_out "see --size" '^in 2048x1440 -> 1036x728 -> 3848 patches -> 962 tokens \(clamp edge:1024\)$'
cli see --size 2048x1440 --clamp llama.cpp-2025 --json
expect_out "see --size --json" '"tokens": 962, "clamp": "edge:1024,stretch", "decode_s": null, "resize_s": null, "flops": null, .*"time_s": null\}$'
# shellcheck disable=SC2086
${RUN:-} "$HARTREE" see --image - <"$d/a.ppm" >"$cli_out" 2>"$cli_err"
cli_rc=$?
expect_out "see: stdin" '^in 512x360 '

# The tower: a small one, on a machine whose rates are known, so that nothing has to be measured here.
cli synth --mmproj --shape tiny-qwen2-vl:F16 --json -o "$d/mmproj.gguf"
expect_out "synth --mmproj" '"shape": "tiny-qwen2-vl", "type": "F16", .*"tensors": 56\}$'
cli synth --mmproj --shape tiny-qwen3-vl -o "$d/x.gguf"
expect "synth --mmproj: no such tower" 2 "vision shape: found 'tiny-qwen3-vl', expected one of qwen2-vl-2b"
printf 'name = m\nisa = i\ndate = d\ncores = 2 # 1, assumed\nllc = 1e6 # B, assumed\nexponent = 1 # 1, assumed\nnoise = 0 # 1, assumed\n' >"$d/device"
for t in 1 2; do
    printf '%s.%s = 1e10 # B/s, assumed\n' read_bandwidth $t read_peak $t vector.patches.prefill $t vector.grid_angles.prefill $t \
        vector.layer_norm.prefill $t vector.act.prefill $t vector.add.prefill $t vector.rope.prefill $t vector.store.prefill $t
    printf '%s.%s = 1e10 # FLOP/s, assumed\n' linear.f16.decode $t linear.f16.prefill $t attend.f16.prefill $t
    printf 'stage.%s = 1e-6 # s, assumed\n' $t
done >>"$d/device"
cli see --mmproj "$d/mmproj.gguf" --image "$d/a.ppm" --device "$d/device" -t 2 --clamp edge:256 -o "$d/a.f32" --json
expect_out "see --mmproj" '"grid": \[10, 7\], "patches": 280, "tokens": 70, "clamp": "edge:256", .*"flops": 301486080, .*"predicted_prepare_s": null, "predicted_s": 0\.[0-9]+, "encode_s": [0-9.e-]+, "time_s": [0-9.e-]+\}$'
if [ "$(wc -c <"$d/a.f32")" -eq $((70 * 256 * 4)) ]; then ok "rows of embeddings"; else bad "rows of embeddings" "$(wc -c <"$d/a.f32") bytes"; fi
cli see --mmproj "$d/mmproj.gguf" --image "$d/a.ppm" --device "$d/device" -t 1 --clamp edge:256 -o "$d/b.f32"
expect_out "see --mmproj: the cost beside the picture" '^301\.5 MFLOP, [1-9][0-9.]* [kM]B beside [1-9][0-9.]* [kM]B of weights, [1-9][0-9.]* [num]?s predicted, [1-9][0-9.]* [num]?s taken$'
if cmp -s "$d/a.f32" "$d/b.f32"; then ok "any number of threads, same embeddings"; else bad "any number of threads, same embeddings" "the files differ"; fi
if [ "$(wc -l <"$cli_err")" -eq 1 ] && grep -Eq '/a\.ppm: in 512x360 .* -> 280 patches -> .*; 301\.5 MFLOP, .* of weights, [0-9.]+ [num]?s predicted$' "$cli_err"; then ok "... which is said before, too"; else bad "... which is said before, too" "$(cat "$cli_err")"; fi
cli see --mmproj "$d/mmproj.gguf" --size 512x360 --device rpi5 -t 1 --json
expect_out "see --size: a profile that knows what reading and resizing take" '"predicted_prepare_s": (null|0\.[0-9]+), "predicted_s": [0-9.]+, "encode_s": null, "time_s": null\}$'
{ cat "$d/device" && printf 'picture.open = 1e-4 # s, assumed\npicture.pixel = 1e-8 # s, assumed\npicture.output = 1e-8 # s, assumed\npicture.tap = 1e-9 # s, assumed\n'; } >"$d/prepares"
cli see --mmproj "$d/mmproj.gguf" --size 28x28 --clamp none --device "$d/prepares" -t 1 --json
expect_out "see: what reading and resizing are predicted to take" '"predicted_prepare_s": 0\.00010784, '
cli see --mmproj "$d/mmproj.gguf" --size 2048x1440 --device "$d/device" -t 1
expect_out "see --mmproj --size" ' predicted$'
cli see --mmproj "$d/mmproj.gguf" --image "$d/a.ppm" --device "$d/device" -t 1 --max-time 0.001
expect "see --max-time" 1 "a.ppm: picture of 936 patches: found [0-9.]+ s predicted, expected at most 0.001 s; a clamp makes it smaller"
grep -v act.prefill "$d/device" >"$d/lacks"
cli see --mmproj "$d/mmproj.gguf" --image "$d/a.ppm" --device "$d/lacks" -t 1 --max-time 9
expect "see --max-time: not known" 1 "found no time predicted for want of the device's vector.act.prefill.1, expected one to hold to 9 s"
cli predict --shape tiny-qwen2-vl:F16 --mmproj "$d/mmproj.gguf" --image 2048x1440 --clamp edge:1024 --device "$d/device" -t 1 --prompt 8 --json
expect_out "predict --image" '"prompt": 970, .*"image": "2048x1440", "clamp": "edge:1024", .*"flops_vision": [0-9]+, .*"vision_s": 2?[0-9.]+, .*"phase": "vision"'
cli predict --shape tiny-llama:F16 --mmproj "$d/mmproj.gguf" --image 10x10 --device "$d/device" -t 1
expect "predict --image: a model without vision" 1 "found 'llama', expected one with vision"
cli synth --mmproj --shape probe-qwen2-vl -o "$d/wide.gguf"
cli predict --shape tiny-qwen2-vl:F16 --mmproj "$d/wide.gguf" --image 10x10 --device "$d/device" -t 1
expect "predict --image: a tower of another width" 1 "wide.gguf: found embeddings of 64, expected 256"
cli predict --shape tiny-qwen2-vl:F16 --image 10x10 --clamp egde:5
expect "predict --image: a wrong clamp" 2 "clamp: found 'egde:5'"
cli predict --shape tiny-llama:F16 --image 10x10
expect "predict --image: no tower of that name" 1 "vision shape: found 'tiny-llama', expected one of"
cli predict --shape tiny-llama:F16 --mmproj "$d/mmproj.gguf"
expect "predict --mmproj: no picture" 2 "--mmproj: found no picture"

cli see --mmproj "$d/a.ppm" --image "$d/a.ppm"
expect "see --mmproj: no GGUF" 1 "a.ppm: header"
cli see --mmproj "$d/mmproj.gguf" --image "$d/a.ppm" --patch 14
expect "see: a patch of its own and the mmproj's" 2 "found both --mmproj and --patch"
cli see --image "$d/a.ppm" -o "$d/x"
expect "see -o: no embeddings" 2 "-o: found no embeddings"

cli see
expect "see: nothing to see" 2 "found neither, expected --image FILE or --size WxH"
cli see --image x --size 1x1
expect "see: both" 2 "found both"
cli see --size 1x1 --pixels "$d/x"
expect "see: pixels of a size" 2 "found no picture"
cli see --size 1x
expect "see: a wrong size" 2 "found '1x', expected WxH"
cli see --image "$d/a.ppm" --clamp edge:0
expect "see: a clamp out of range" 2 "clamp: found 'edge:0', expected numbers from 1"
cli see --image "$d/a.ppm" --clamp egde:5
expect "see: a wrong clamp" 2 "clamp: found 'egde:5', expected none, edge:N"
cli see --image "$d/a.ppm" --patch 0
expect "see: a wrong patch" 2 "--patch: found '0'"
cli see --size 8x8 --clamp hf
expect "see: what the rule refuses" 1 "clamp hf: found 8x8"
cli see --image "$d/none.png"
expect "see: a file that is not there" 1 "none.png: cannot open"
cli see --image "$d"
expect "see: a folder" 1 "directory"
printf '\377\330\377\340 JFIF' >"$d/photo.jpg"
cli see --image "$d/photo.jpg"
expect "see: a JPEG says how to convert it" 1 "photo.jpg: found a JPEG file, expected PNG, PPM or PGM: convert it first, as by 'magick"
head -c 5000 "$d/a.ppm" >"$d/cut.ppm"
cli see --image "$d/cut.ppm"
expect "see: cut short" 1 "cut.ppm: PPM: byte .*cut short"
cli see --image "$d/a.ppm" --pixels "$d/no/x"
expect "see: pixels nowhere" 1 "No such file"
if [ -w /dev/full ]; then
    cli see --image "$d/a.ppm" --pixels /dev/full
    expect "see: a full disk" 1 "^hartree see: /dev/full: .*[Nn]o space left"
    cli see --mmproj "$d/mmproj.gguf" --image "$d/a.ppm" --device "$d/device" -t 1 --clamp edge:256 -o /dev/full -q
    expect "see -o: a full disk" 1 "^hartree see: /dev/full: .*[Nn]o space left"
    cli scene -o "/dev/full"
    expect "scene: a name without an end" 2 "ends in .png or .ppm"
fi

case $($RUN "$HARTREE" version | sed -n 's/^libpng *//p') in
no)
    cli scene -o "$d/a.png"
    expect "scene: no PNG without libpng" 2 "this build has no libpng"
    ;;
*)
    cli scene -s 3 --size 512x360 -o "$d/a.png"
    expect_out "scene: PNG" 'a.png: 512x360'
    cli see --image "$d/a.png" --clamp edge:256 --pixels "$d/b.rgb"
    if cmp -s "$d/a.rgb" "$d/b.rgb"; then ok "PNG and PPM give the same pixels"; else bad "PNG and PPM give the same pixels" "they differ"; fi
    head -c 9000 "$d/a.png" >"$d/cut.png"
    cli see --image "$d/cut.png"
    expect "see: a PNG cut short" 1 "cut.png: PNG: byte 9000: .*cut short"
    ;;
esac
case $(ls -A "$d") in
*partial*) bad "nothing half-written is left" "found one" ;;
*) ok "nothing half-written is left" ;;
esac
# The figure of docs/clamp.md is what this program says.
top=$(cd "$(dirname "$0")/../.." && pwd)
if [ -n "${RUN:-}" ] || ! command -v python3 >/dev/null; then echo "skip docs/clamp.svg drawn anew: no python3, or a wrapper"
elif ! HARTREE="$HARTREE" "$top/tools/clamp-figure" "$d/clamp.svg" 2>"$cli_err"; then bad "docs/clamp.svg drawn anew" "$(tail -n 1 "$cli_err")"
elif cmp -s "$d/clamp.svg" "$top/docs/clamp.svg"; then ok "docs/clamp.svg drawn anew"
else bad "docs/clamp.svg drawn anew" "another picture"; fi
# What is read is not written over.
before=$(sha256sum <"$d/a.ppm")
cli see --image "$d/a.ppm" --pixels "$d/a.ppm"
expect "see: the pixels are not written over the picture" 1 'a.ppm'
if [ "$(sha256sum <"$d/a.ppm")" = "$before" ]; then ok "... which stays"; else bad "... which stays" "other bytes"; fi
cli_done
