#!/usr/bin/env python3
# export.py - GGUF files of what was trained: `export.py lm|vlm [--work W] -o FOLDER` writes F16 files and, by `hartree
# quantize`, the Q4_K_M of the language model's weights; a tower stays F16.
# SPDX-License-Identifier: MIT
import argparse
import os
import subprocess
import sys

import numpy as np

import bpe
import gguf
import model
import pictures
import train
import world

TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
            "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")

NORMAL, CONTROL = 1, 3
MAX_TOKENS = 290


def about(name, description):
    return {"general.name": name, "general.description": description, "general.license": "mit"}


def text_metadata(c, vocab, name, description):
    a = c.arch
    m = {"general.architecture": a, **about(name, description),
         f"{a}.block_count": c.n_layer, f"{a}.context_length": c.context, f"{a}.embedding_length": c.n_embd,
         f"{a}.feed_forward_length": c.n_ff, f"{a}.attention.head_count": c.n_head,
         f"{a}.attention.head_count_kv": c.n_head_kv, f"{a}.attention.layer_norm_rms_epsilon": c.eps,
         f"{a}.rope.freq_base": c.rope_base, f"{a}.rope.dimension_count": c.head_dim, f"{a}.vocab_size": c.n_vocab}
    if c.sections:
        m[f"{a}.rope.dimension_sections"] = [*c.sections, 0]
    m.update({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.tokens": vocab.tokens,
              "tokenizer.ggml.token_type": [CONTROL if t in bpe.SPECIALS else NORMAL for t in vocab.tokens],
              "tokenizer.ggml.merges": [" ".join(pair) for pair in vocab.merges],
              "tokenizer.ggml.eos_token_id": vocab.ids["<|im_end|>"],
              "tokenizer.ggml.padding_token_id": vocab.ids["<|endoftext|>"],
              "tokenizer.ggml.add_bos_token": False, "tokenizer.chat_template": TEMPLATE})
    return m


def tower_metadata(c, max_pixels, name, description):
    v = "clip.vision."
    return {"general.architecture": "clip", **about(name, description), "clip.has_vision_encoder": True,
            "clip.projector_type": "qwen2vl_merger", v + "image_size": 560, v + "patch_size": c.patch,
            v + "spatial_merge_size": c.merge, v + "embedding_length": c.n_embd, v + "block_count": c.n_layer,
            v + "attention.head_count": c.n_head, v + "attention.layer_norm_epsilon": c.eps,
            v + "feed_forward_length": c.n_ff, v + "projection_dim": c.n_out, v + "image_mean": [*c.mean],
            v + "image_std": [*c.std], v + "image_max_pixels": max_pixels}


def tower_tensors(c, p):
    """The two temporal kernels take half of what was trained as one each: both see the same still picture."""
    half = p["v.patch_embd"].reshape(c.n_embd, 3, c.patch, c.patch) / 2
    return {"v.patch_embd.weight": half, "v.patch_embd.weight.1": half, **{k: w for k, w in p.items() if k != "v.patch_embd"}}


def write_text(path, c, params, vocab, name, description):
    gguf.write(path, text_metadata(c, vocab, name, description), params)


def write_tower(path, c, params, max_pixels, name, description):
    gguf.write(path, tower_metadata(c, max_pixels, name, description), tower_tensors(c, params))


def quantised(path, to):
    subprocess.run([world.HARTREE, "quantize", "-q", path, to, "Q4_K_M"], check=True)


# What only training has.
TRAINED_WITH = ("head.", "adapter.", "place.", "guide.")


def params_of(work, name):
    return {k: np.asarray(w) for k, w in train.load(os.path.join(work, name + ".ckpt"))["params"].items()}


def without(params):
    return {k: w for k, w in params.items() if not k.startswith(TRAINED_WITH)}


def export_lm(work, folder):
    path = os.path.join(folder, "traffic-lm-f16.gguf")
    write_text(path, model.LLAMA, without(params_of(work, "lm")), train.vocab_of(work), "Traffic LM",
               "Reads texts about street scenes and answers questions about them; trained on generated texts alone.")
    quantised(path, os.path.join(folder, "traffic-lm-q4_k_m.gguf"))


def vision_params(work):
    """Of stage `joint`, or where that has not run, of `tower` and `vlm`."""
    joint = os.path.exists(os.path.join(work, "joint.ckpt"))
    return params_of(work, "joint") if joint else {**params_of(work, "tower"), **params_of(work, "vlm")}


def export_vlm(work, folder):
    p = vision_params(work)
    tower = {k: w for k, w in p.items() if k.startswith(("v.", "mm."))}
    text = {k: w for k, w in without(p).items() if k not in tower}
    tower["mm.2.bias"] = p["adapter.weight"] @ tower["mm.2.bias"] + p["adapter.bias"]
    tower["mm.2.weight"] = p["adapter.weight"] @ tower["mm.2.weight"]
    path = os.path.join(folder, "traffic-vlm-f16.gguf")
    write_text(path, model.QWEN2VL, text, train.vocab_of(work), "Traffic VLM",
               "Answers questions about pictures of street scenes; trained on painted ones alone.")
    quantised(path, os.path.join(folder, "traffic-vlm-q4_k_m.gguf"))
    # A little above the size that it was trained at, so that a picture of any size comes to that grid at most.
    write_tower(os.path.join(folder, "traffic-mmproj-f16.gguf"), model.TOWER, tower, MAX_TOKENS * pictures.SIDE**2,
                "Traffic VLM's tower", "Sees pictures of street scenes for Traffic VLM.")


EXPORTS = {"lm": export_lm, "vlm": export_vlm}


def main():
    a = argparse.ArgumentParser(description="Writes GGUF files of the trained models.")
    a.add_argument("model", choices=EXPORTS)
    a.add_argument("--work", default=world.WORK, help="folder of vocabulary and checkpoints (default build/train)")
    a.add_argument("-o", "--output", required=True, help="folder for the files")
    o = a.parse_args()
    os.makedirs(o.output, exist_ok=True)
    EXPORTS[o.model](o.work, o.output)


if __name__ == "__main__":
    sys.exit(main())
