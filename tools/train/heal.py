#!/usr/bin/env python3
# heal.py - trains the cores of a compressed model on what the whole one learnt from: texts, or pictures and questions. `hartree
# compress --core-type F16` fits each matrix alone to what it was given; here all of them together, and what stayed whole, learn
# to answer again, at the same number of parameters. Layers are low-rank in identity gauge, as `compress` makes them by default
# (docs/mpo.md).
# SPDX-License-Identifier: MIT
import argparse
import functools
import hashlib
import os
import sys

import jax
import jax.numpy as jnp
import numpy as np

import export
import gguf
import model
import pictures
import train
import world

# Batches that no training has drawn; of pictures other questions about the same.
FIRST_BATCH = 100_000
SHARED = {"attn_q": "attn_qkv", "attn_k": "attn_qkv", "attn_v": "attn_qkv", "ffn_gate": "ffn_gate_up", "ffn_up": "ffn_gate_up"}


def split(tensors):
    """(parameters, layers): what is trained, and of each factorised layer its cores' names, the rows of its left core that are
    stored, those that are the identity's, and the columns where these are 1."""
    params, layers = {}, {}
    for name, w in tensors.items():
        if name.endswith(".pivot"):
            continue
        params[name] = np.asarray(w, np.float32).reshape(-1, w.shape[-1]) if w.ndim > 1 else np.asarray(w, np.float32)
        if not name.endswith(".mpo.0"):
            if ".mpo." in name and not name.endswith(".mpo.1"):
                raise SystemExit(f"tensor '{name}': expected layers of two cores and nothing else")
            continue
        prefix = name[:-len(".mpo.0")]
        block, matrix = prefix.rsplit(".", 1)
        right = next(k for k in (f"{prefix}.mpo.1", f"{block}.{SHARED.get(matrix)}.mpo.1") if k in tensors)
        pivot = tensors.get(name + ".pivot", np.full(w.shape[-1], -1, np.int32))
        columns = np.flatnonzero(pivot >= 0)
        identity = pivot[columns]
        rows = np.setdiff1d(np.arange(params[name].shape[0] + len(identity)), identity)
        layers[prefix + ".weight"] = name, right, rows, identity, columns
    if not layers:
        raise SystemExit("found no factorised layer, expected a file that `hartree compress` wrote")
    return params, layers


def whole(params, layers):
    """Matrices by name, of cores and others."""
    p = {k: w for k, w in params.items() if ".mpo." not in k}
    for name, (left, right, rows, identity, columns) in layers.items():
        u = jnp.zeros((len(rows) + len(identity), params[left].shape[1])).at[rows].set(params[left])
        p[name] = u.at[identity, columns].set(1) @ params[right]
    return p


def language_loss(work, vocab):
    """(loss of whole matrices and a batch, batches from a step on, what else the loss reads and is trained)"""
    lm = train.load(os.path.join(work, "lm.ckpt"))["params"]
    return (lambda p, *batch: train.lm_loss(model.LLAMA, p, *batch),
            lambda at: train.lm_batches(vocab, 320, 8, FIRST_BATCH + at),
            {k: w for k, w in lm.items() if k.startswith("guide.")})


def vision_loss(work, vocab):
    """The same of the text model of a pair. Its tower stays as it is."""
    known = export.vision_params(work)
    tower = {k: jnp.asarray(w) for k, w in known.items() if k.startswith(("v.", "mm."))}
    prompt = tuple(vocab.encode(train.PROMPT[0]))
    # The export has folded the adapter into the tower, so that it is fixed, too.
    adapter = {k: jnp.asarray(w) for k, w in known.items() if k.startswith("adapter.")}

    def loss(p, pixels, *rest):
        seen = model.tower_forward(model.TOWER, tower, pixels)
        return train.vlm_loss(prompt, {**p, **adapter}, seen, *rest)

    painted = lambda clamp: pictures.load(work, clamp)[0]
    return (loss, lambda at: train.vlm_batches(work, vocab, painted, 4, FIRST_BATCH + at),
            {k: w for k, w in known.items() if k.startswith("place.")})


def loss_of(path):
    losses = {"llama": language_loss, "qwen2vl": vision_loss}
    kind = gguf.architecture(path)
    if kind not in losses:
        raise SystemExit(f"{path}: architecture: found {kind}, expected {' or '.join(losses)}")
    return losses[kind]


def heal(work, compressed, to, steps):
    tensors = gguf.read(compressed)
    params, layers = split(tensors)
    shapes = {k: tensors[k].shape for k in params}  # cores keep the shapes that the file has
    loss, batches, others = loss_of(compressed)(work, train.vocab_of(work))
    params.update(others)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(p, opt, rate, *batch):
        (value, figures), g = jax.value_and_grad(lambda p: loss(whole(p, layers), *batch), has_aux=True)(p)
        p, opt = model.optimiser_update(p, g, opt, rate, decay=0.0)
        return p, opt, {"loss": value, **figures}

    # Another compressed file's cores are another training.
    with open(compressed, "rb") as f:
        name = os.path.splitext(os.path.basename(to))[0] + "-" + hashlib.sha256(f.read()).hexdigest()[:12]
    params = train.run(work, name, lambda: jax.tree.map(jnp.asarray, params), lambda p, o, rate, b: step(p, o, rate, *b),
                       batches, steps, 2e-3)
    gguf.rewrite(compressed, to, {k: np.asarray(params[k]).reshape(shape) for k, shape in shapes.items()})


def main():
    a = argparse.ArgumentParser(description="Trains the cores of a compressed model.")
    a.add_argument("model", help="what `hartree compress --core-type F16` made of traffic-lm-f16.gguf or traffic-vlm-f16.gguf")
    a.add_argument("-o", "--output", required=True, help="the file to write; its name begins the checkpoint's")
    a.add_argument("--work", default=world.WORK, help="folder of vocabulary and checkpoints (default build/train)")
    a.add_argument("--steps", type=int, default=400)
    o = a.parse_args()
    heal(o.work, o.model, o.output, o.steps)


if __name__ == "__main__":
    sys.exit(main())
