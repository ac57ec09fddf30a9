#!/usr/bin/env python3
# train.py - trains the models of the traffic world: a stage at a time, in the order of README.md.
# Every stage goes on from its last checkpoint in the work folder (--work) and ends at its number of steps.
# SPDX-License-Identifier: MIT
import argparse
import functools
import os
import pickle
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

import bpe
import guide
import model
import pictures
import world

# ---- Checkpoints ----

def save(path, state):
    with open(path + ".new", "wb") as f:
        pickle.dump(jax.tree.map(np.asarray, state), f)
    os.replace(path + ".new", path)


def load(path):
    with open(path, "rb") as f:
        return pickle.load(f)


def run(work, name, init, step, batches, steps, peak, first=0, warm=50, every=100):
    """Goes on from the checkpoint NAME to step `steps`. The rate rises over `warm` steps, and from step `first` on it falls to
    nothing in a line.
    `batches` (from step on) yields what `step(params, optimiser, rate, batch)` takes; that gives new ones and figures."""
    path = os.path.join(work, name + ".ckpt")
    if os.path.exists(path):
        state = load(path)
    else:
        params = init()
        state = {"params": params, "optimiser": model.optimiser_init(params), "step": 0}
    params, opt, at = state["params"], state["optimiser"], int(state["step"])
    if at < steps:
        print(f"{name}: from step {at} to {steps}", flush=True)
    start, sums, n = time.time(), {}, 0
    for batch in batches(at) if at < steps else ():
        rate = peak * min(1.0, (at + 1) / warm) * max(0.0, 1 - (at - first) / (steps - first))
        params, opt, figures = step(params, opt, rate, batch)
        at, n = at + 1, n + 1
        for k, v in figures.items():
            sums[k] = sums.get(k, 0.0) + v
        if at % 50 == 0 or at == steps:
            print(f"{name} {at}/{steps} " + " ".join(f"{k} {float(v) / n:.4f}" for k, v in sums.items())
                  + f" {(time.time() - start) / n:.2f} s a step", flush=True)
            start, sums, n = time.time(), {}, 0
        if at % every == 0 or at == steps:
            save(path, {"params": params, "optimiser": opt, "step": at})
        if at == steps:
            break
    return params


# ---- Vocabulary ----

def make_vocab(work, _):
    """BPE merges from the texts that the models learn, and a little plain English, so that other texts are short too."""
    rng = np.random.default_rng(1)
    texts = []
    for s in world.scenes(1, 3000):
        texts.append("".join(p.text for p in world.document(s, rng)))
        texts.append(world.summary(s, s["objects"]))
    for part in bpe.SPECIALS:
        texts = [t.replace(part, "") for t in texts]
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        with open(os.path.join(world.ROOT, name)) as f:
            texts.append(f.read())
    vocab = bpe.Tokenizer(bpe.train(texts, model.LLAMA.n_vocab))
    vocab.save(os.path.join(work, "vocab.json"))
    print(f"vocab: {len(vocab.tokens)} tokens, {sum(len(vocab.encode(t)) for t in texts)} in {sum(map(len, texts))} bytes")


def vocab_of(work):
    return bpe.Tokenizer.load(os.path.join(work, "vocab.json"))


# ---- The language model ----

# What a token counts that is no answer: which facts come next can't be known, so that their gradient is mostly noise.
OTHER = 0.03


def encode_parts(vocab, parts, told=None):
    """Of a document the ids, what each counts as something to predict, and its marks (guide.py). `told`: the objects by their
    bits in the marks, where no part tells of them."""
    ids, weights, marks = [], [], []
    told = told or [o for p in parts if not p.answer for o in p.objects]
    facts = 0
    for n, p in enumerate(parts):
        e = vocab.encode(p.text)
        about = sum(1 << i for i, o in enumerate(told) if any(o is x for x in p.objects)) if p.answer else 0
        m = np.zeros((len(e), guide.MARKS), np.int32)
        m[:, guide.SENTENCE] = n - p.answer  # an answer comes right after its question
        if not p.answer:
            m[:, guide.WORDS] = guide.mark([vocab.tokens[i] for i in e], p.text, not p.objects)
            if p.objects:
                m[-1, guide.FACTS], facts = 1 << facts, facts + 1
        else:
            m[:-1, guide.ASKS], m[:-1, guide.ABOUT] = 1, about
            marks[-1][-1, guide.ASKS], marks[-1][-1, guide.ABOUT] = 1, about
        ids += e
        weights += [1.0 if p.answer else OTHER] * len(e)
        marks.append(m)
    return ids, [0.0] + weights[1:], np.concatenate(marks)


def pack(documents, n, rows):
    """Documents into rows of n tokens, each into the first row that has room: ids, segments from 1 on (-1: nothing there),
    weights, marks."""
    ids, segments, weights = np.zeros((rows, n), np.int32), np.full((rows, n), -1, np.int32), np.zeros((rows, n), np.float32)
    marks = np.zeros((rows, n, guide.MARKS), np.int32)
    used, segment = [0] * rows, 0
    for t, w, m in documents:
        row = next((r for r in range(rows) if used[r] + len(t) <= n), None)
        if row is None:
            continue
        at = slice(used[row], used[row] + len(t))
        segment += 1
        ids[row, at], segments[row, at], weights[row, at], marks[row, at] = t, segment, w, m
        used[row] += len(t)
    return ids, segments, weights, marks


def most_at(step):
    """Texts of two or three facts come first: who has learnt to look one up there finds it among more."""
    return min(world.MOST, 3 + step // 100)


HARDER_FROM = 1200


def lm_batches(vocab, n, rows, at):
    """Scenes are new in every batch; batch `at` is the same whatever came before it."""
    per_batch = rows * n // 110
    while True:
        rng = np.random.default_rng([2, at])
        facts = world.scenes(1 + at * per_batch, per_batch)
        weights = world.HARDER if at >= HARDER_FROM else world.WEIGHTS
        yield pack((encode_parts(vocab, world.document(s, rng, most_at(at), weights)) for s in facts), n, rows)
        at += 1


# What attention's places count beside the answers.
GUIDED = 0.1


def lm_loss(c, p, ids, segments, weights, marks):
    place = jnp.broadcast_to(jnp.arange(ids.shape[1]), (3, *ids.shape))
    inner = []
    rows = model.text_forward(c, p, p["token_embd.weight"][ids], place, segments, inner)
    logits = model.text_logits(p, rows[:, :-1])
    nll = jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, ids[:, 1:, None], -1)[..., 0]
    w = weights[:, 1:]
    answer = w == 1.0
    right = (jnp.argmax(logits, -1) == ids[:, 1:]) & answer
    gathering, looking = guide.loss(inner, marks, segments)
    telling = guide.telling(p, inner, ids, marks, segments)
    loss = jnp.sum(nll * w) / jnp.sum(w) + GUIDED * (gathering + looking + telling)
    return loss, {"answer_nll": jnp.sum(nll * answer) / jnp.sum(answer), "gathering": gathering, "looking": looking,
                  "telling": telling,
                  "answer_tokens": jnp.sum(right) / jnp.sum(answer)}


@functools.partial(jax.jit, static_argnums=(0,), donate_argnums=(1, 2))
def lm_step(c, p, opt, rate, *batch):
    (loss, figures), g = jax.value_and_grad(lm_loss, argnums=1, has_aux=True)(c, p, *batch)
    p, opt = model.optimiser_update(p, g, opt, rate)
    return p, opt, {"loss": loss, **figures}


# The rate falls to nothing three times, from step to step and from so much.
LM_FALLS = ((0, HARDER_FROM, 5e-3), (HARDER_FROM, 1700, 2.5e-3), (1700, 2200, 2.5e-3))



def lm_init(c):
    return jax.tree.map(jnp.asarray, {**model.text_init(c, 3), **guide.init(np.random.default_rng(4), c.n_embd)})


def train_lm(work, steps):
    vocab, c = vocab_of(work), model.LLAMA
    for first, end, peak in ((0, steps, 5e-3),) if steps else LM_FALLS:
        run(work, "lm", lambda: lm_init(c),
            lambda p, a, rate, b: lm_step(c, p, a, rate, *b), lambda at: lm_batches(vocab, 320, 8, at), end, peak, first)


# Scenes of texts.txt: after those of every stage's texts, before the painted ones.
TEXTS_FIRST, TEXTS = 50_000_000, 600


def make_texts(work, _):
    """What the language model reads, as one file: what `hartree compress --calib` fits to."""
    rng = np.random.default_rng(12)
    path = os.path.join(work, "texts.txt")
    with open(path, "w") as f:
        for s in world.scenes(TEXTS_FIRST, TEXTS):
            f.write("".join(p.text for p in world.document(s, rng)) + "\n")
    print(f"texts: {os.path.getsize(path)} bytes")


# ---- The tower ----

def make_pictures(work, _):
    for clamp, count in pictures.CLAMPS.items():
        pictures.paint(work, clamp, count)
        print(f"pictures: {count} of {clamp} tokens at most", flush=True)


# Cuts of whole pictures: attention's cost grows with the square of their tokens, and what an object is depends on what is near.
# Each is laid around one of the picture's objects: most of a street is empty.
CUT = (8, 6)
CUTS_A_BATCH = 12
# A batch is of one clamp: how often of which.
CUT_CLAMPS = {280: 0.6, 200: 0.12, 140: 0.1, 96: 0.1, 64: 0.08}


def cut_around(scene, width, height, rng):
    """Left and top, in pixels, of a cut that has the middle of one of a scene's objects in it, anywhere in it."""
    x, y, w, h = scene["objects"][rng.integers(len(scene["objects"]))]["box"]
    corner = []
    for middle, cut, size in ((x + w // 2, CUT[0] * pictures.SIDE, width), (y + h // 2, CUT[1] * pictures.SIDE, height)):
        low, high = max(0, middle - cut + 1), min(size - cut, middle)
        corner.append(int(rng.integers(low, high + 1)) if low <= high else min(max(low, 0), size - cut))
    return corner


def cut_batches(work, at):
    data = {c: pictures.load(work, c) for c in CUT_CLAMPS}
    nx, ny = CUT
    while True:
        rng = np.random.default_rng([4, at])
        pixels, facts = data[rng.choice(list(CUT_CLAMPS), p=list(CUT_CLAMPS.values()))]
        _, height, width, _ = pixels.shape
        batch, labels = [], []
        for i in rng.integers(len(facts), size=CUTS_A_BATCH):
            x, y = cut_around(facts[i], width, height, rng)
            batch.append(pixels[i, y:y + ny * 28, x:x + nx * 28])
            labels.append(pictures.labels(facts[i], x, y, nx, ny).reshape(nx * ny, -1))
        yield np.stack(batch), np.stack(labels)
        at += 1


def head_sizes():
    """Outputs of the labels' heads: a slice a label, and how many in all."""
    sizes = {"cover": pictures.N}
    for name, classes in pictures.CLASSES.items():
        sizes[name] = classes * pictures.LABELS[name]
    ends = np.cumsum(list(sizes.values()))
    return {name: slice(int(e - n), int(e)) for (name, n), e in zip(sizes.items(), ends)}, int(ends[-1])


def tower_init():
    heads, n = head_sizes()
    p = model.tower_init(model.TOWER, 5)
    p["head.weight"], p["head.bias"] = model.matrix(np.random.default_rng(6), n, model.TOWER.n_out), model.zeros(n)
    return jax.tree.map(jnp.asarray, p)


def label_loss(p, seen, labels):
    """Of each label the mean over tokens where there is something to tell."""
    heads, _ = head_sizes()
    out = seen @ p["head.weight"].T + p["head.bias"]
    label = {name: labels[..., at].astype(jnp.int32) for name, at in pictures.AT.items()}
    whole = label["ignore"][..., 0] == 0
    cover, covered = out[..., heads["cover"]], label["cover"]
    figures = {"cover": jnp.mean(jax.nn.softplus(cover) - covered * cover)}
    for name, classes in pictures.CLASSES.items():
        o = out[..., heads[name]].reshape(*out.shape[:-1], -1, classes)
        known = (label[name] >= 0) & whole[..., None]
        truth = jnp.maximum(label[name], 0)
        nll = jax.nn.logsumexp(o, -1) - jnp.take_along_axis(o, truth[..., None], -1)[..., 0]
        asked = known & (truth > 0) if name == "count" else known
        figures[name] = jnp.sum(nll * known) / (jnp.sum(asked) + 1)
        figures[name + "_right"] = jnp.sum((jnp.argmax(o, -1) == truth) & asked) / (jnp.sum(asked) + 1e-3)
    return sum(v for k, v in figures.items() if not k.endswith("_right")), figures


def tower_loss(p, pixels, labels):
    return label_loss(p, model.tower_forward(model.TOWER, p, pixels), labels)


@functools.partial(jax.jit, donate_argnums=(0, 1))
def tower_step(p, opt, rate, pixels, labels):
    (loss, figures), g = jax.value_and_grad(tower_loss, has_aux=True)(p, pixels, labels)
    p, opt = model.optimiser_update(p, g, opt, rate)
    return p, opt, {"loss": loss, **figures}


def train_tower(work, steps):
    run(work, "tower", tower_init, lambda p, o, rate, b: tower_step(p, o, rate, *b), lambda at: cut_batches(work, at),
        steps or 4000, 3e-3)


# ---- The vision-language model ----

def places(before, nx, ny, after):
    """Time, row and column of a prompt's rows, (3, rows): `before` tokens, a picture of ny rows of nx, `after` tokens. Text
    turns by one number in all three; after a picture it goes on by the longer side."""
    first = np.arange(before)
    row, column = np.divmod(np.arange(nx * ny), nx)
    last = before + max(nx, ny) + np.arange(after)
    return np.concatenate([np.stack([first] * 3), np.stack([np.full(nx * ny, before), before + row, before + column]),
                           np.stack([last] * 3)], 1)


# What the tower makes of a picture is computed once: the text model then learns from it alone, at a part of the cost. One
# picture of SEEN_OF will do: with sixteen questions each and more there is little to learn from the others.
SEEN_AT_ONCE, SEEN_OF = 4, 2


def see_pictures(work, _):
    params = {k: jnp.asarray(w) for k, w in load(os.path.join(work, "tower.ckpt"))["params"].items()}
    see = jax.jit(lambda p, pixels: model.tower_forward(model.TOWER, p, pixels))
    for clamp in pictures.CLAMPS:
        pixels, _facts = pictures.load(work, clamp)
        pixels = pixels[:max(1, len(pixels) // SEEN_OF)]
        path = os.path.join(work, f"seen-{clamp}.npy")
        out = None
        for i in range(0, len(pixels), SEEN_AT_ONCE):
            rows = np.asarray(see(params, pixels[i:i + SEEN_AT_ONCE]), np.float16)
            if out is None:
                out = np.lib.format.open_memmap(path + ".new", "w+", np.float16, (len(pixels), *rows.shape[1:]))
            out[i:i + SEEN_AT_ONCE] = rows
        out.flush()
        os.replace(path + ".new", path)
        print(f"seen: {len(pixels)} of {clamp} tokens at most", flush=True)


def vlm_init(work):
    """The language model's weights, turned for the other rope: pairs of neighbours become elements half a head apart. Before
    the text stands a linear layer on the tower's outputs, which the export folds into the tower's last."""
    c, lm = model.QWEN2VL, load(os.path.join(work, "lm.ckpt"))["params"]
    p = model.text_init(c, 7)
    for k in p:
        if k in lm:
            p[k] = lm[k]
        if k.endswith(("attn_q.weight", "attn_k.weight")):
            heads = p[k].reshape(-1, c.head_dim // 2, 2, c.n_embd)
            p[k] = heads.transpose(0, 2, 1, 3).reshape(-1, c.n_embd)
    seen = np.load(os.path.join(work, f"seen-{max(pictures.CLAMPS)}.npy"), mmap_mode="r")[:16].astype(np.float32)
    scale = np.sqrt(np.mean(p["token_embd.weight"]**2) / np.mean(seen**2))
    p["adapter.weight"] = np.eye(c.n_embd, dtype=np.float32) * scale
    p["adapter.bias"] = model.zeros(c.n_embd)
    p["place.weight"] = model.matrix(np.random.default_rng(8), 3, c.n_embd)
    return {k: jnp.asarray(w) for k, w in p.items()}


PROMPT = ("<|im_start|>user\n<|vision_start|>", "<|vision_end|>")
# Tokens after a picture, and questions that share them: each is asked of the picture alone.
ASKED, QUESTIONS = 304, 16
VLM_CLAMPS = {280: 0.55, 200: 0.13, 140: 0.12, 96: 0.08, 64: 0.07, 40: 0.05}


def branches(vocab, scene, rng):
    """ids, segments, offsets, weights and marks of ASKED rows after a picture: what closes it (segment 0), then a segment a
    question."""
    ids, segments, weights = np.zeros(ASKED, np.int32), np.full(ASKED, -1, np.int32), np.zeros(ASKED, np.float32)
    used, offsets, marks = 1, np.zeros(ASKED, np.int32), np.zeros((ASKED, guide.MARKS), np.int32)
    ids[0], segments[0] = vocab.ids[PROMPT[1]], 0
    for n, (_, q, a, objects) in enumerate(world.draw_questions(scene, scene["objects"], rng, QUESTIONS)):
        both, w, m = encode_parts(vocab, [world.Part(f"{q}<|im_end|>\n<|im_start|>assistant\n"),
                                          world.Part(f"{a}<|im_end|>", True, objects)], scene["objects"])
        if used + len(both) > ASKED:
            break
        at = slice(used, used + len(both))
        ids[at], segments[at], offsets[at], marks[at] = both, n + 1, np.arange(1, len(both) + 1), m
        weights[at] = [float(x == 1) for x in w]
        used += len(both)
    return ids, segments, offsets, weights, marks


def vlm_batches(work, vocab, pictures_of, rows, at):
    """Of one clamp each: (pictures, what their tokens show as bits of objects, ids, segments, places, weights, marks). Pictures
    are taken from the array `pictures_of(clamp)`."""
    data = {c: (pictures_of(c), pictures.load(work, c)[1]) for c in VLM_CLAMPS}
    before = len(vocab.encode(PROMPT[0]))
    while True:
        rng = np.random.default_rng([8, at])
        clamp = rng.choice(list(VLM_CLAMPS), p=list(VLM_CLAMPS.values()))
        array, facts = data[clamp]
        (nx, ny), _ = pictures.clamped(clamp)
        # Small pictures are cheap: as many as take about as long.
        chosen = rng.integers(len(array), size=rows * 3 // 2 if nx * ny < 100 else rows)
        ids, segments, offsets, weights, marks = map(np.stack, zip(*(branches(vocab, facts[i], rng) for i in chosen)))
        shown = np.stack([pictures.shown(facts[i], nx, ny) for i in chosen])
        place = places(before, nx, ny, 1)
        text = place[:, -1:, None] + offsets.T[None]  # (3, ASKED, rows)
        place = np.concatenate([np.repeat(place[:, None, :-1], len(chosen), 1), text.transpose(0, 2, 1)], 2)
        yield array[chosen], shown, ids, segments, place, weights, marks
        at += 1


def vlm_loss(prompt, p, seen, shown, ids, segments, place, weights, marks):
    c, rows = model.QWEN2VL, ids.shape[0]
    embed = p["token_embd.weight"]
    before = jnp.broadcast_to(embed[np.array(prompt)], (rows, len(prompt), c.n_embd))
    x = jnp.concatenate([before, seen.astype(jnp.float32) @ p["adapter.weight"].T + p["adapter.bias"], embed[ids]], 1)
    shared = x.shape[1] - ids.shape[1]
    all_segments = jnp.concatenate([jnp.zeros((rows, shared), segments.dtype), segments], 1)
    inner = []
    out = model.text_forward(c, p, x, place, all_segments, inner)[:, shared:-1]
    of_picture = jnp.zeros((rows, shared, guide.MARKS), marks.dtype).at[:, len(prompt):, guide.FACTS].set(shown)
    gathering, looking = guide.loss(inner, jnp.concatenate([of_picture, marks], 1), all_segments)
    # Before a picture's tokens are looked up each must know where it stands: nothing but rope says so, and the tower does not.
    thirds = inner[guide.GATHER][1][:, len(prompt):shared] @ p["place.weight"].T
    third = 3 * (place[2, :, len(prompt):shared] - len(prompt)) // (1 + jnp.max(place[2, :, len(prompt):shared] - len(prompt)))
    standing = jnp.mean(jax.nn.logsumexp(thirds, -1) - jnp.take_along_axis(thirds, third[..., None], -1)[..., 0])
    logits, w, truth = model.text_logits(p, out), weights[:, 1:], ids[:, 1:]
    nll = jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, truth[..., None], -1)[..., 0]
    of = jax.nn.one_hot(segments[:, 1:] - 1, QUESTIONS)
    asked = jnp.max(of * w[..., None], 1)
    wrong = jnp.max(of * (w * (jnp.argmax(logits, -1) != truth))[..., None], 1)
    loss = jnp.sum(nll * w) / jnp.sum(w)
    return loss + GUIDED * (gathering + looking + standing), {
        "loss": loss, "gathering": gathering, "looking": looking, "standing": standing,
        "answers": jnp.sum(asked * (1 - wrong)) / jnp.sum(asked)}


def joint_loss(prompt, p, pixels, *rest):
    return vlm_loss(prompt, p, model.tower_forward(model.TOWER, p, pixels), *rest)


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=(2, 3))
def vlm_step(loss, prompt, p, opt, rate, *batch):
    (_, figures), g = jax.value_and_grad(loss, argnums=1, has_aux=True)(prompt, p, *batch)
    p, opt = model.optimiser_update(p, g, opt, rate)
    return p, opt, figures


def train_vlm(work, steps):
    vocab = vocab_of(work)
    prompt = tuple(vocab.encode(PROMPT[0]))
    seen_of = lambda clamp: np.load(os.path.join(work, f"seen-{clamp}.npy"), mmap_mode="r")
    run(work, "vlm", lambda: vlm_init(work), lambda p, o, rate, b: vlm_step(vlm_loss, prompt, p, o, rate, *b),
        lambda at: vlm_batches(work, vocab, seen_of, 4, at), steps or 2000, 2e-3)


def joint_init(work):
    """Both parts as they were trained, without the labels' heads."""
    tower, text = (load(os.path.join(work, name + ".ckpt"))["params"] for name in ("tower", "vlm"))
    return {k: jnp.asarray(w) for k, w in {**tower, **text}.items() if not k.startswith("head.")}


def train_joint(work, steps):
    vocab = vocab_of(work)
    prompt = tuple(vocab.encode(PROMPT[0]))
    run(work, "joint", lambda: joint_init(work), lambda p, o, rate, b: vlm_step(joint_loss, prompt, p, o, rate, *b),
        lambda at: vlm_batches(work, vocab, lambda clamp: pictures.load(work, clamp)[0], 4, at), steps or 500, 5e-4)


STAGES = {"vocab": make_vocab, "lm": train_lm, "texts": make_texts, "pictures": make_pictures, "tower": train_tower,
          "see": see_pictures, "vlm": train_vlm, "joint": train_joint}


def main():
    a = argparse.ArgumentParser(description="Trains the models of the traffic world, a stage at a time.")
    a.add_argument("stage", choices=STAGES)
    a.add_argument("--work", default=world.WORK, help="folder of vocabulary, checkpoints and pictures (default build/train)")
    a.add_argument("--steps", type=int, default=0, help="steps of the stage (default: those of the README)")
    o = a.parse_args()
    os.makedirs(o.work, exist_ok=True)
    STAGES[o.stage](o.work, o.steps)


if __name__ == "__main__":
    sys.exit(main())
