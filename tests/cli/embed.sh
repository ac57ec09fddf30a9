#!/bin/sh
# embed.sh - embed and similarity on a made-up encoder, the converter, laws with a judge; and MiniLM where it is at hand.
# SPDX-License-Identifier: MIT
set -u
# shellcheck source=tests/cli/lib
. "$(dirname "$0")/lib"
d=$cli_dir/files
mkdir "$d"
export XDG_CACHE_HOME="$d/cache"
cli synth --shape tiny-bert:F16 -o "$d/m"
expect "an encoder" 0
cli synth --shape tiny-llama:Q4_K_M -o "$d/llama"
expect "a decoder" 0

# ---- embed ----
cli embed -m "$d/m" "water of the town" 'a "quoted" one'
expect_out "embed prints a line of JSON a text" '^\{"text": "a \\"quoted\\" one", "tokens": [0-9]+, "cut": 0, "embedding": \[-?0\.[0-9]+, .*\]\}$'
if [ "$(wc -l <"$cli_out")" -eq 2 ] && [ "$(head -n 1 "$cli_out" | tr ',' '\n' | grep -c .)" -eq 195 ]; then ok "... with all 192 numbers"
else bad "... with all 192 numbers" "$(wc -l <"$cli_out") lines"; fi
cp "$cli_out" "$d/words"
printf 'water of the town\r\na "quoted" one' >"$d/lines"
cli embed -m "$d/m" -f "$d/lines" -o "$d/out"
if [ "$cli_rc" -eq 0 ] && [ ! -s "$cli_out" ] && cmp -s "$d/words" "$d/out"; then ok "lines of a file, into a file, are the same"
else bad "lines of a file, into a file, are the same" "status $cli_rc"; fi
i=0
while [ $i -lt 400 ]; do printf 'water, '; i=$((i + 1)); done >"$d/long"
cli embed -m "$d/m" -f "$d/long"
expect "a text too long is cut, and a note says so" 0 '^hartree embed: text 1: found 802 tokens, read the first 512$'
expect_out "... and so does the line" '"tokens": 512, "cut": 290,'
cli embed -m "$d/m" ''
expect_out "an empty text is its marks" '"text": "", "tokens": 2, '
cli embed -m "$d/m"
expect "no text" 2 'found no text, expected TEXT or -f FILE'
cli embed -m "$d/m" -f "$d/lines" more
expect "both" 2 'found both TEXT and -f'
cli embed -m "$d/llama" water
expect "embed of a decoder" 1 "found 'llama', expected an encoder"
cli embed -m "$d/m" -f "$d/none"
expect "no such file" 1 'none: '
cli embed -m "$d/m" water -o "$d/none/out"
expect "no such folder" 1 'none/out'

# ---- similarity ----
cli similarity -m "$d/m" "the water" "The WATER!"
expect_out "similarity is one number" '^0\.[0-9]{7}$'
cli similarity -m "$d/m" "the water" "The  WATER"
expect_out "... 1 of the same words" '^1\.0000000$'
printf 'the water\tThe WATER!\nenergy\tenergy\n' >"$d/pairs"
cli similarity -m "$d/m" -f "$d/pairs"
if [ "$(sed -n 2p "$cli_out")" = 1.0000000 ] && [ "$(wc -l <"$cli_out")" -eq 2 ]; then ok "pairs of a file, a line each"; else bad "pairs of a file, a line each" "$(cat "$cli_out" "$cli_err")"; fi
cli similarity -m "$d/m" -f "$d/pairs" --json
expect_out "... as JSON" '^\{"similarity": (1|0\.9999)[0-9.e-]*, "tokens_a": 3, "tokens_b": 3\}$'
printf 'energy\tenergy\nno tab\n' >"$d/pairs"
cli similarity -m "$d/m" -f "$d/pairs"
expect "a line without a tab" 1 'pairs: line 2: found no tab, expected two texts'
cli similarity -m "$d/m" water
expect "one text" 2 'found 1 text, expected A and B'

# ---- What makes text refuses an encoder ----
for command in "run -q -p x -n 2" "ppl -f $d/lines" "logits -p x -o $d/x" "bench model"; do
    # shellcheck disable=SC2086
    cli $command -m "$d/m"
    expect "${command%% *} of an encoder" 1 "found 'bert', an encoder, which makes no text"
done
cli predict -m "$d/m" --gen 3
expect "predict of an encoder that is to generate" 1 'none generated of an encoder'
cli predict --shape minilm-l6 --json
expect_out "predict of an encoder" '"prompt": 512, "gen": 0, .*"flops": [0-9.e+]+, .*"flops_decode": 0,'

# ---- The converter, on a model of a few numbers ----
if command -v python3 >/dev/null; then
    mkdir -p "$d/tiny/1_Pooling"
    python3 - "$d/tiny" <<'PY'
import json, struct, sys
d, n, width, layers, ff = sys.argv[1], 40, 16, 2, 24
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "water", "##s", "town"] + ["[unused%d]" % i for i in range(n - 8)]
json.dump({"model_type": "bert", "hidden_act": "gelu", "vocab_size": n, "hidden_size": width, "num_hidden_layers": layers,
           "num_attention_heads": 2, "intermediate_size": ff, "max_position_embeddings": 20, "layer_norm_eps": 1e-12,
           "type_vocab_size": 2}, open(d + "/config.json", "w"))
json.dump({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, open(d + "/1_Pooling/config.json", "w"))
open(d + "/vocab.txt", "w").write("\n".join(words) + "\n")
shapes = {"embeddings.position_ids": ("I64", [1, 20]), "pooler.dense.weight": ("F32", [width, width])}
def put(name, *shape): shapes[name] = ("F32", list(shape))
def norm(name): put(name + ".weight", width), put(name + ".bias", width)
def dense(name, a, b): put(name + ".weight", b, a), put(name + ".bias", b)
put("embeddings.word_embeddings.weight", n, width), put("embeddings.position_embeddings.weight", 20, width)
put("embeddings.token_type_embeddings.weight", 2, width), norm("embeddings.LayerNorm")
for i in range(layers):
    p = "encoder.layer.%d." % i
    for r in "query", "key", "value": dense(p + "attention.self." + r, width, width)
    dense(p + "attention.output.dense", width, width), norm(p + "attention.output.LayerNorm")
    dense(p + "intermediate.dense", width, ff), dense(p + "output.dense", ff, width), norm(p + "output.LayerNorm")
head, data = {"__metadata__": {}}, b""
for name, (dtype, shape) in shapes.items():
    count = 1
    for s in shape: count *= s
    start = len(data)
    data += bytes(8 * count) if dtype == "I64" else struct.pack("<%df" % count, *[((i * 7919 + len(name)) % 101 - 50) / 50 for i in range(count)])
    head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, len(data)]}
text = json.dumps(head).encode()
open(d + "/model.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data)
PY
    for kind in f32 f16; do
        if tools/convert-minilm "$d/tiny" "$d/tiny.gguf" $kind 2>"$d/why"; then cli embed -m "$d/tiny.gguf" "Waters of town"; else cli_rc=9; fi
        expect_out "a converted model of $kind embeds" '"tokens": 6, '
    done
    cli info "$d/tiny.gguf" --json
    expect_out "... and is pooled as it says" '"architecture": "bert", "name": "tiny"'
    head -c 3000 "$d/tiny/model.safetensors" >"$d/short" && mv "$d/short" "$d/tiny/model.safetensors"
    if ! tools/convert-minilm "$d/tiny" "$d/x.gguf" 2>"$d/why" && [ "$(wc -l <"$d/why")" -eq 1 ] && [ ! -e "$d/x.gguf" ]; then ok "a file cut short is one line, and leaves nothing"
    else bad "a file cut short is one line, and leaves nothing" "$(cat "$d/why")"; fi
else echo "skip the converter: no python3"; fi

# ---- laws with a judge ----
cli calibrate --quick -t 1 -o "$d/device"
expect "a device to predict with" 0
cli synth --shape tiny-llama:Q8_0 --seed 2 -o "$d/other"
expect "a second decoder" 0
laws() { cli laws text -m "$d/llama" -m "$d/other" --device "$d/device" -t 1 --energy none --hz 100 --window 0.05 -r 1 --gen 6 "$@"; }
laws --points 1,2,3 --judge "$d/m" -o "$d/laws"
expect_out "laws scores answers" '^semantic +-?[0-9.]+ % \(-?[0-9.]+ % to -?[0-9.]+ %\) of 3 answers$'
expect_out "... and the difference of a pair" '^semantic +[+-][0-9.]+ % \([+-][0-9.]+ % to [+-][0-9.]+ %\) of 3 answers$'
if [ "$(wc -l <"$d/laws/answers.tsv")" -eq 7 ] && [ "$(wc -l <"$d/laws/accuracy.csv")" -eq 7 ]; then ok "... keeps them"; else bad "... keeps them" "$(ls "$d/laws")"; fi
cp "$d/laws/answers.tsv" "$d/kept"
sed -i '4,$d' "$d/laws/answers.tsv"
if grep -q -- ' --judge [^ ]*/m -o again' "$d/laws/report.html"; then ok "the page's command has the judge"; else bad "the page's command has the judge" "$(grep -o 'hartree laws text.*' "$d/laws/report.html")"; fi
laws --points 1,2,3 --judge "$d/m" -o "$d/laws" --json
expect_out "... as JSON" '"semantic_accuracy": -?[0-9.e-]+, "semantic_accuracy_ci95": \[-?[0-9.e-]+, -?[0-9.e-]+\], "exact_accuracy": 0, .*"accuracy_difference": \{"semantic": -?[0-9.e-]+, .*"judge": "tiny-bert:F16"'
if cmp -s "$d/kept" "$d/laws/answers.tsv"; then ok "answers that are missing are made, the same ones"; else bad "answers that are missing are made, the same ones" "$(wc -l <"$d/laws/answers.tsv") lines"; fi
tab=$(printf '\t')
sed -n "s/^1${tab}2${tab}/2${tab}/p" "$d/kept" >"$d/references"
laws --points 2,3 --answers "$d/references" --json
expect_out "references of one's own, by their words" '"exact_accuracy": 1, .*"answers": 1, .*"judge": null'
echo "20${tab}x" >"$d/references"
laws --points 2,3 --answers "$d/references"
expect "a reference to no prompt" 1 "references: line 1: found '20${tab}?.*', expected a prompt's number"
laws --points 1,2,3 --judge "$d/llama"
expect "a judge that is no encoder" 1 "found 'llama', expected an encoder"
laws --lengths 5,6,7 --judge "$d/m"
expect "prompts without references" 2 '--judge: found --lengths'
printf 'answers\tabc\n' >"$d/laws/answers.tsv"
laws --points 1,2,3 --judge "$d/m" -o "$d/laws"
if [ "$cli_rc" -eq 1 ] && tail -n 1 "$cli_err" | grep -q 'answers.tsv: found answers of other settings'; then ok "answers of another sweep"; else bad "answers of another sweep" "$(cat "$cli_err")"; fi

# ---- MiniLM against the reference ----
shared=${HARTREE_SHARED:-../shared}/oracle/real minilm=${HARTREE_MODELS:-../models}/minilm-l6
if [ -e "$shared/minilm.json" ] && [ -d "$minilm" ] && command -v python3 >/dev/null; then
    tools/convert-minilm "$minilm" "$d/minilm.gguf" f16 2>"$d/why" || bad "MiniLM converts" "$(cat "$d/why")"
    python3 -c 'import json, sys
for s in json.load(open(sys.argv[1] + "/minilm.json"))["sentences"]: sys.stdout.write(s["text"] + "\0")' "$shared" >"$d/texts"
    # shellcheck disable=SC2086
    xargs -0 ${RUN:-} "$HARTREE" embed -q -m "$d/minilm.gguf" -- <"$d/texts" >"$d/out"
    if python3 - "$shared" "$d/out" <<'PY'
import json, struct, sys
want = json.load(open(sys.argv[1] + "/minilm.json"))["sentences"]
data = open(sys.argv[1] + "/minilm.emb.f32", "rb").read()
got = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8", newline="\n").read().rstrip("\n").split("\n")]
worst, tokens = 1, len(got) == len(want)
for i, (g, w) in enumerate(zip(got, want)):
    reference = struct.unpack_from("<384f", data, 4 * 384 * i)
    worst = min(worst, sum(a * b for a, b in zip(g["embedding"], reference)))
    tokens = tokens and g["tokens"] == len(w["ids"])
print("worst cosine %.7f of %d texts, token counts %s" % (worst, len(got), "agree" if tokens else "differ"), file=sys.stderr)
sys.exit(not (tokens and worst > 0.9999))
PY
    then ok "MiniLM's embeddings within 1e-4 of the reference"; else bad "MiniLM's embeddings within 1e-4 of the reference" "see above"; fi
else echo "skip MiniLM: no reference data or no model here"; fi
cli_done
