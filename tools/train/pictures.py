# pictures.py - painted scenes for training: each as the engine would see it under one of the clamps below, with what stands in
# which of its tokens. `train.py pictures` paints them once into the work folder.
# SPDX-License-Identifier: MIT
import json
import math
import os
import re
import shutil

import numpy as np

import world

SIDE = 28  # pixels of a token
FULL = (560, 392)

# Scenes to learn from begin here, a range a clamp; the texts' own begin at 1.
FIRST_SEED = 100_000_000
SEEDS_A_CLAMP = 10_000_000


def clamped(max_tokens, size=FULL):
    """The grid (columns, rows) that `--clamp tokens:..max_tokens` gives a picture of `size`, and the size that it is resized to
    within it; the rest stays black (vision/clamp.h)."""
    w, h = size
    nx, ny = w // SIDE, h // SIDE
    if nx * ny > max_tokens:
        b = math.sqrt(w * h / (max_tokens * SIDE * SIDE))
        nx, ny = max(1, int(w / b / SIDE)), max(1, int(h / b / SIDE))
    s = min(nx * SIDE / w, ny * SIDE / h)
    return (nx, ny), (min(math.ceil(w * s), nx * SIDE), min(math.ceil(h * s), ny * SIDE))


# Clamps that the models see, and how many pictures are painted for each.
CLAMPS = {280: 4000, 200: 1000, 140: 1000, 96: 1000, 64: 1000, 40: 1000}


def read_ppm(path):
    """A binary PPM as `hartree scene` writes it: (height, width, 3) of bytes."""
    with open(path, "rb") as f:
        data = f.read()
    head = re.match(rb"P6\n(\d+) (\d+)\n255\n", data)
    if not head:
        raise SystemExit(f"{path}: found no PPM of bytes, expected one as `hartree scene` writes it")
    width, height = map(int, head.groups())
    return np.frombuffer(data, np.uint8, height * width * 3, head.end()).reshape(height, width, 3)


def first_seed(max_tokens):
    return FIRST_SEED + SEEDS_A_CLAMP * sorted(CLAMPS).index(max_tokens)


def paint(work, max_tokens, count):
    """Adds scenes to a clamp's files until there are `count`: NAME.u8, the pictures, and NAME.jsonl, their facts."""
    (nx, ny), (w, h) = clamped(max_tokens)
    name, step = os.path.join(work, f"pictures-{max_tokens}"), 100
    have = sum(1 for _ in open(name + ".jsonl")) if os.path.exists(name + ".jsonl") else 0
    folder = name + ".tmp"
    os.makedirs(folder, exist_ok=True)
    left, top = (nx * SIDE - w) // 2, (ny * SIDE - h) // 2
    for at in range(have, count, step):
        facts = world.scenes(first_seed(max_tokens) + at, min(step, count - at), f"{w}x{h}", os.path.join(folder, "%d.ppm"))
        canvas = np.zeros((len(facts), ny * SIDE, nx * SIDE, 3), np.uint8)
        for i, scene in enumerate(facts):
            path = os.path.join(folder, f"{scene['seed']}.ppm")
            canvas[i, top:top + h, left:left + w] = read_ppm(path)
            os.remove(path)
            for o in scene["objects"]:
                o["box"][0] += left
                o["box"][1] += top
        with open(name + ".u8", "r+b" if have or at else "wb") as f:
            f.seek(at * canvas[0].nbytes)  # over what a stop between the two files may have left
            f.write(canvas.tobytes())
        with open(name + ".jsonl", "a") as f:
            f.writelines(json.dumps(scene) + "\n" for scene in facts)
    shutil.rmtree(folder)


def load(work, max_tokens):
    """Pictures (n, height, width, 3), mapped, and their scenes."""
    (nx, ny), _ = clamped(max_tokens)
    name = os.path.join(work, f"pictures-{max_tokens}")
    with open(name + ".jsonl") as f:
        facts = [json.loads(line) for line in f]
    return np.memmap(name + ".u8", np.uint8, "r", shape=(len(facts), ny * SIDE, nx * SIDE, 3)), facts


# ---- What a token holds ----

# A token's labels, a column each. A kind's object belongs to the token with its middle, or, of a light or a sign, with what is
# at the top of its post.
N = len(world.KINDS)
LABELS = {"cover": N, "count": N, "colour": N, "row": N, "hat": 1, "rider": 1, "sign": 1, "ignore": 1}
CLASSES = {"count": 3, "colour": len(world.COLOURS), "row": len(world.ROWS), "hat": len(world.COLOURS) + 1,
           "rider": len(world.COLOURS), "sign": len(world.SIGNS)}
AT = {}
for _name, _n in LABELS.items():
    AT[_name] = slice(sum(s.stop - s.start for s in AT.values()), sum(s.stop - s.start for s in AT.values()) + _n)
N_LABELS = sum(LABELS.values())


def middle(o, left, top, nx, ny):
    """Row and column of the token that an object belongs to, in a cut of nx x ny tokens at pixel (left, top)."""
    x, y, w, h = o["box"]
    post = o["kind"] in ("traffic light", "sign")
    return min(ny - 1, int(y - top + h * (0.12 if post else 0.5)) // SIDE), min(nx - 1, (x - left + w // 2) // SIDE)


def shown(scene, nx, ny):
    """For each token of a whole picture its objects as bits."""
    out = np.zeros((ny, nx), np.int32)
    for i, o in enumerate(scene["objects"]):
        out[middle(o, 0, 0, nx, ny)] |= 1 << i
    return out.reshape(-1)


def labels(scene, left, top, nx, ny):
    """Labels (ny, nx, N_LABELS) of a cut of nx x ny tokens at pixel (left, top). -1: nothing to tell there."""
    out = np.full((ny, nx, N_LABELS), -1, np.int8)
    for name in ("cover", "count", "ignore"):
        out[..., AT[name]] = 0
    for o in scene["objects"]:
        x, y, w, h = o["box"]
        x, y = x - left, y - top
        c0, c1 = max(0, (x + 1) // SIDE), min(nx - 1, (x + w - 2) // SIDE)
        r0, r1 = max(0, (y + 1) // SIDE), min(ny - 1, (y + h - 2) // SIDE)
        if c0 > c1 or r0 > r1:
            continue
        k = world.KINDS.index(o["kind"])
        out[r0:r1 + 1, c0:c1 + 1, AT["cover"].start + k] = 1
        if x < -2 or y < -2 or x + w > nx * SIDE + 2 or y + h > ny * SIDE + 2:  # cut off: what it is may not be seen
            out[r0:r1 + 1, c0:c1 + 1, AT["ignore"]] = 1
            continue
        token = out[middle(o, left, top, nx, ny)]
        n = token[AT["count"].start + k]
        token[AT["count"].start + k] = min(n + 1, CLASSES["count"] - 1)
        known = n == 0  # of two of a kind in one token nothing more is asked
        token[AT["row"].start + k] = world.ROWS.index(o["row"]) if known else -1
        token[AT["colour"].start + k] = world.COLOURS.index(o["colour"]) if known else -1
        if o["kind"] == "person":
            token[AT["hat"]] = (world.COLOURS.index(o["hat"]) + 1 if o["hat"] else 0) if known else -1
        if o["kind"] == "bicycle":
            token[AT["rider"]] = world.COLOURS.index(o["rider"]) if known else -1
        if o["kind"] == "sign":
            token[AT["sign"]] = world.SIGNS.index(o["sign"]) if known else -1
    return out
