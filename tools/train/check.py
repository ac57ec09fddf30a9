#!/usr/bin/env python3
# check.py - holds this folder's arithmetic to the engine's: tokens of texts, logits of a random language model and of two made
# of cores, embeddings of a random tower, and logits of a random vision-language model about a picture. Ends with 1 where they
# differ.
# SPDX-License-Identifier: MIT
import dataclasses
import os
import subprocess
import sys
import tempfile

import jax
import jax.numpy as jnp
import numpy as np

import bpe
import export
import gguf
import heal
import model
import pictures
import train
import world

TOLERANCE = 1e-3
TEXTS = ["A red car is in the near lane on the left. How many cars are there?", "  Two  blanks,\n\nlines;\tand 123 numbers_ 4x",
         "it's we'll they'd I'M x're 'tis", "naïve café → 日本 🙂", "", " ", "\n", "...!?--(a)[b]{c}"]


def hartree(*args):
    return subprocess.run([world.HARTREE, *args], stdout=subprocess.PIPE, check=True).stdout


def rounded(params):
    """As the file has them: matrices in F16."""
    return {k: jnp.asarray(w if w.ndim == 1 else w.astype(np.float16).astype(np.float32)) for k, w in params.items()}


def shaken(params, seed):
    """Norms and biases that are not 1 and 0, so that a missing one shows."""
    rng = np.random.default_rng(seed)
    return {k: w + (0.1 * rng.standard_normal(w.shape).astype(np.float32) if w.ndim == 1 else 0) for k, w in params.items()}


def compare(what, ours, theirs):
    worst = float(np.abs(np.asarray(ours) - theirs).max())
    print(f"{what}: largest difference {worst:.2e} of values to {np.abs(theirs).max():.1f}")
    return worst <= TOLERANCE


def check_tokens(vocab, path):
    ok = True
    for text in TEXTS:
        theirs = [int(i) for i in hartree("tokenize", "-m", path, "--special", text).split()]
        ours = vocab.encode(text)
        if ours != theirs:
            print(f"tokens of {text!r}: found {ours}, the engine has {theirs}")
            ok = False
    print(f"tokens: {len(TEXTS)} texts")
    return ok


def check_text(folder, vocab):
    c = dataclasses.replace(model.LLAMA, n_vocab=len(vocab.tokens))
    params, path = shaken(model.text_init(c, 5), 6), os.path.join(folder, "lm.gguf")
    export.write_text(path, c, params, vocab, "check", "random")
    text = "<|im_start|>user\nA red car is on the left. What is on the left?<|im_end|>\n<|im_start|>assistant\n"
    ids = np.array([vocab.encode(text)], np.int32)
    hartree("logits", "-q", "-m", path, "-p", text, "--all", "--exact", "-o", path + ".f32")
    theirs = np.fromfile(path + ".f32", np.float32).reshape(-1, c.n_vocab)
    p = rounded(params)
    place = jnp.broadcast_to(jnp.arange(ids.shape[1]), (3, *ids.shape))
    rows = model.text_forward(c, p, p["token_embd.weight"][ids], place, jnp.ones(ids.shape, jnp.int32))
    return check_tokens(vocab, path) and compare("llama", model.text_logits(p, rows)[0], theirs)


def check_cores(folder, vocab, config, loss):
    """What `compress` writes, read back as heal.py trains it."""
    c = dataclasses.replace(config, n_vocab=len(vocab.tokens), n_layer=2)
    path, small, text = (os.path.join(folder, file) for file in ("whole.gguf", "cores.gguf", "text.txt"))
    export.write_text(path, c, shaken(model.text_init(c, 11), 12), vocab, "check", "random")
    if heal.loss_of(path) is not loss:
        print(f"{c}: healed by {heal.loss_of(path).__name__}, expected {loss.__name__}")
        return False
    with open(text, "w") as f:
        f.write("A red car is on the left. " * 200)
    made = subprocess.run([world.HARTREE, "compress", "-q", "-m", path, "-o", small, "--ratio", "0.5", "--uniform", "--calib",
                           text, "--core-type", "F16"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if "OpenBLAS" in made.stderr:
        print(f"cores: not checked, {made.stderr.strip()}")
        return True
    made.check_returncode()
    params, layers = heal.split(gguf.read(small))
    p = heal.whole({k: jnp.asarray(w) for k, w in params.items()}, layers)
    ids = np.array([vocab.encode("What colour is the car?")], np.int32)
    hartree("logits", "-q", "-m", small, "-p", "What colour is the car?", "--all", "--exact", "-o", small + ".f32")
    place = jnp.broadcast_to(jnp.arange(ids.shape[1]), (3, *ids.shape))
    rows = model.text_forward(c, p, p["token_embd.weight"][ids], place, jnp.ones(ids.shape, jnp.int32))
    again = small + ".again"
    gguf.rewrite(small, again, {k: w for k, w in gguf.read(small).items() if ".mpo." in k})
    with open(small, "rb") as a, open(again, "rb") as b:
        same = a.read() == b.read()
    if not same:
        print("cores: written back, the file differs")
    theirs = np.fromfile(small + ".f32", np.float32).reshape(-1, c.n_vocab)
    return compare(f"cores of {gguf.architecture(small)}", model.text_logits(p, rows)[0], theirs) and same


def check_vision(folder, vocab):
    c = dataclasses.replace(model.QWEN2VL, n_vocab=len(vocab.tokens))
    text, tower = shaken(model.text_init(c, 7), 8), shaken(model.tower_init(model.TOWER, 9), 10)
    path, mmproj = os.path.join(folder, "vlm.gguf"), os.path.join(folder, "mmproj.gguf")
    export.write_text(path, c, text, vocab, "check", "random")
    export.write_tower(mmproj, model.TOWER, tower, 290 * 784, "check", "random")
    picture = os.path.join(folder, "p.ppm")
    hartree("scene", "-q", "--size", "196x140", "-o", picture)
    pixels = pictures.read_ppm(picture)[None]
    hartree("see", "-q", "--mmproj", mmproj, "--image", picture, "-o", picture + ".f32")
    p = rounded(tower)
    seen = model.tower_forward(model.TOWER, p, pixels)
    ok = compare("tower", seen[0], np.fromfile(picture + ".f32", np.float32).reshape(-1, c.n_embd))

    question = "What colour is the bus?"
    hartree("logits", "-q", "-m", path, "--mmproj", mmproj, "--image", picture, "-p", question, "--all", "--exact", "-o",
            path + ".f32")
    theirs = np.fromfile(path + ".f32", np.float32).reshape(-1, c.n_vocab)
    p = rounded(text)
    before, after = ([vocab.ids[t]] for t in ("<|vision_start|>", "<|vision_end|>"))
    after += vocab.encode(question)
    embed = lambda ids: p["token_embd.weight"][np.array(ids)]
    x = jnp.concatenate([embed(before), seen[0], embed(after)])[None]
    place = train.places(len(before), 7, 5, len(after))[:, None]
    rows = model.text_forward(c, p, x, place, jnp.ones(x.shape[:2], jnp.int32))
    return compare("qwen2vl", model.text_logits(p, rows)[0], theirs) and ok


def main():
    jax.config.update("jax_default_matmul_precision", "highest")
    rng = np.random.default_rng(1)
    texts = [t.replace("<|im_start|>", "").replace("<|im_end|>", "")
             for s in world.scenes(1, 200) for t in (p.text for p in world.document(s, rng))]
    vocab = bpe.Tokenizer(bpe.train(texts, 600))
    with tempfile.TemporaryDirectory() as folder:
        ok = all([check_text(folder, vocab), check_cores(folder, vocab, model.LLAMA, heal.language_loss),
                  check_cores(folder, vocab, model.QWEN2VL, heal.vision_loss), check_vision(folder, vocab)])
    print("equal" if ok else f"different: expected at most {TOLERANCE}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
