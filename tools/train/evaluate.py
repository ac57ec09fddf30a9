#!/usr/bin/env python3
# evaluate.py - how many answers about held-out scenes are right, by category, asked through the program itself: one
# `hartree run --chat --temp 0` a question, about a text or, with --mmproj, about a picture. An answer counts if it is
# the very words.
# SPDX-License-Identifier: MIT
import argparse
import collections
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np

import world

# What the models are held to: categories together, the least share that must be right. Counts are of up to four.
BOUNDS = {"text": {"all": 0.95}, "picture": {"colour and kind": 0.95, "counts and places": 0.85}}
GROUPS = {"colour": "colour and kind", "kind": "colour and kind", "light": "colour and kind", "count": "counts and places",
          "place": "counts and places"}


def few(category, truth):
    """The category, but that counts above four are one of their own."""
    return "count above 4" if category == "count" and truth not in ("None.", "One.", "Two.", "Three.", "Four.") else category


def wilson(right, n, z=1.96):
    """95 % interval of a share (Wilson 1927)."""
    p, d = right / n, 1 + z * z / n
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (p + z * z / (2 * n) - half) / d, (p + z * z / (2 * n) + half) / d


def answer(o, prompt, picture):
    command = [world.HARTREE, "run", "-q", "--json", "--chat", "--temp", "0", "-n", "48", "-m", o.model, "--device", "rpi5",
               "--energy", "none", "-p", prompt]
    if picture:
        command += ["--mmproj", o.mmproj, "--image", picture] + (["--clamp", o.clamp] if o.clamp else [])
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)["text"]


def asked_of(scene, o, folder):
    """(category, prompt, right answer, picture) of a scene. Texts tell two to six of its objects."""
    rng = np.random.default_rng([9, scene["seed"]])
    if o.mmproj or o.list == "pictures":
        picture = os.path.join(folder, f"{scene['seed']}.ppm")
        for category, q, a, _ in world.draw_questions(scene, scene["objects"], rng, o.questions):
            yield category, q, a, picture
        return
    objects = world.some(scene, rng)
    text = "".join(p.text for p in world.facts(scene, objects, rng))
    for category, q, a, _ in world.draw_questions(scene, objects, rng, o.questions, text.startswith("It is")):
        yield category, f"{text} {q}", a, None


def main():
    a = argparse.ArgumentParser(description="Asks a model about held-out scenes.")
    a.add_argument("model", nargs="?")
    a.add_argument("--mmproj", help="the model's tower: questions are about pictures")
    a.add_argument("--clamp", help="as for `hartree run`")
    a.add_argument("--size", default="560x392", help="of the pictures (default 560x392)")
    a.add_argument("--scenes", type=int, default=100)
    a.add_argument("--questions", type=int, default=6, help="a scene (default 6)")
    a.add_argument("--show", action="store_true", help="wrong answers on stderr")
    a.add_argument("--json", action="store_true")
    a.add_argument("--list", choices=("texts", "pictures"), help="ask nobody: print the questions and their answers. About "
                   "texts as `hartree laws text --answers` reads them (demo/text-questions.tsv is of --scenes 20); about pictures "
                   "with the scene's seed and the group before them (demo/picture-questions.tsv is of --scenes 40)")
    o = a.parse_args()
    if o.list:
        for scene in world.scenes(world.HELD_OUT, o.scenes, o.size, None):
            for category, prompt, truth, _ in asked_of(scene, o, ""):
                category = few(category, truth)
                of = "" if o.list == "texts" else f"{scene['seed']}\t{GROUPS.get(category, category)}\t"
                print(f"{of}{prompt}\t{truth}")
        return 0
    if not o.model:
        a.error("found no model, expected a file")
    right, n = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for scene in world.scenes(world.HELD_OUT, o.scenes, o.size, os.path.join(folder, "%d.ppm") if o.mmproj else None):
            for category, prompt, truth, picture in asked_of(scene, o, folder):
                category = few(category, truth)
                said = answer(o, prompt, picture)
                if o.show and said != truth:
                    print(f"{scene['seed']} {category}: {prompt.split('. ')[-1]} {truth} found {said!r}", file=sys.stderr)
                for key in {category, GROUPS.get(category, category), "all"}:
                    n[key] += 1
                    right[key] += said == truth
    bounds = BOUNDS["picture" if o.mmproj else "text"]
    rows = [{"category": k, "asked": n[k], "share": right[k] / n[k], "interval95": wilson(right[k], n[k]),
             "bound": bounds.get(k)} for k in sorted(n)]
    good = all(r["bound"] is None or r["share"] >= r["bound"] for r in rows)
    if o.json:
        print(json.dumps({"model": o.model, "clamp": o.clamp, "size": o.size, "scenes": o.scenes, "good": good, "rows": rows}))
    else:
        for r in rows:
            lo, hi = r["interval95"]
            bound = f"  expected {r['bound']:.0%}" if r["bound"] else ""
            print(f"{r['category']:18} {r['share']:6.1%} of {r['asked']:4}  ({lo:.1%} to {hi:.1%}){bound}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
