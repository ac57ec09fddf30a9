# guide.py - where attention should look. A question can be answered once the model finds the sentence that tells of its object,
# and finds it by the words that the sentence and the question share. Those places are known, since the texts are made here, so
# training may say so: the heads below are held to them as well as to the answers, and the rows at the ends of facts to telling
# their words. What becomes of what is found, and all other heads, are learnt from the answers alone. Without this the same
# model needs many times the texts (README.md).
# SPDX-License-Identifier: MIT
import re

import jax
import jax.numpy as jnp

import world

# Layer whose heads gather a sentence's words at its end, and at the tokens from which an answer is told; the heads of the next
# layer look from there to the ends of the facts that the answer takes.
GATHER, LOOK_UP = 1, 2
LOOKING = (0, 1)
# Of each sort of words, the head that gathers them.
COLOUR, KIND, ROW, PLACE, SECOND, ASKED = range(6)
HEAD = {COLOUR: 0, KIND: 1, ROW: 2, PLACE: 2, SECOND: 3, ASKED: 3}

COLOURS = re.compile(r"\b(?:" + "|".join(world.COLOURS) + r")\b")
SORTS = {KIND: re.compile(r"\b(?:cars?|bus(?:es)?|bicycles?|person|people|traffic lights?|vehicle|" + "|".join(world.SIGNS)
                          + r")\b"),
         ROW: re.compile(r"\b(?:" + "|".join(world.ROWS) + r")\b"),
         PLACE: re.compile(r"\b(?:left|right|middle(?! lane))\b"),
         ASKED: re.compile(r"^\W*(?:What colour|How many|\w+)|\b(?:rider|shirt|hat|time|show|sign)\b")}


def words(text, question):
    """(sort, first character, end) of the words by which sentences are found. A second colour is a hat's or a rider's."""
    for n, m in enumerate(COLOURS.finditer(text)):
        yield (SECOND if n else COLOUR), m.start(), m.end()
    for sort, pattern in SORTS.items():
        if question or sort != ASKED:
            for m in pattern.finditer(text):
                yield sort, m.start(), m.end()


def mark(tokens, text, question):
    """For each token (a string) of a sentence the sorts of words that it is a part of, as bits."""
    bits, ends, at = [0] * len(tokens), [], 0
    for t in tokens:
        at += len(t)
        ends.append(at)
    for sort, first, end in words(text, question):
        for i, e in enumerate(ends):
            if e > first and e - len(tokens[i]) < end:
                bits[i] |= 1 << sort
    return bits


# Columns of a token's marks: the sentence it stands in (an answer stands in its question's), sorts of words as bits, the facts
# that end here, or that a picture's token shows, as bits, whether an answer's token comes next, and the facts that it takes, as
# bits.
SENTENCE, WORDS, FACTS, ASKS, ABOUT = range(5)
MARKS = 5


def seen(marks, segments):
    """What a row sees (batch, n, n), and of that its own sentence."""
    i = jnp.arange(marks.shape[1])
    before = (i[None, :] <= i[:, None]) & ((segments[:, None, :] == 0) | (segments[:, :, None] == segments[:, None, :]))
    return before, before & (marks[:, :, None, SENTENCE] == marks[:, None, :, SENTENCE])


def loss(inner, marks, segments):
    """What heads miss of where they should look, gathering and looking up: the mean of -log of their weight there. inner: as
    text_forward fills it; marks (batch, n, MARKS); segments as for text_forward."""
    at = lambda column: marks[..., column]
    before, same = seen(marks, segments)
    gathers = ((at(FACTS) != 0) | (at(ASKS) != 0)) & (segments > 0)

    def missed(weights, there, of):
        counted = of & jnp.any(there, -1)
        nll = -jnp.log(jnp.sum(weights * there, -1) + 1e-6)
        return jnp.sum(nll * counted), jnp.sum(counted)

    total, count = 0.0, 1.0
    for sort, head in HEAD.items():
        there = same & ((at(WORDS)[:, None, :] >> sort) & 1 > 0)
        t, c = missed(inner[GATHER][0][:, head], there, gathers)
        total, count = total + t, count + c
    gathering = total / count
    told = before & ((at(ABOUT)[:, :, None] & at(FACTS)[:, None, :]) != 0)
    found = [missed(inner[LOOK_UP][0][:, head], told, at(ASKS) != 0) for head in LOOKING]
    looking = sum(t for t, _ in found) / (1.0 + sum(c for _, c in found))
    return gathering, looking


def init(rng, n_embd):
    """Of each sort of words what reads it off the row at a fact's end; no part of the model."""
    return {f"guide.{sort}.weight": (rng.standard_normal((n_embd, n_embd)) / n_embd**0.5).astype("float32") for sort in HEAD}


# Facts that a row of a batch tells at most: in 320 tokens of documents with six objects and a time at most, nine were seen.
MOST_FACTS = 32


def telling(p, inner, ids, marks, segments):
    """The mean over facts of -log of the probability of their words, read off the row at the end after the layer that gathers.
    Heads that look at the right words are not enough: left and right were both found and stored alike."""
    at = lambda column: marks[..., column]
    ends = (at(FACTS) != 0) & (segments > 0)
    row = jnp.argsort(~ends, 1)[:, :MOST_FACTS]  # stable: ends come first
    _, same = seen(marks, segments)
    same, told = (jnp.take_along_axis(a, row[..., None], 1) for a in (same, inner[GATHER][1]))
    ends = jnp.take_along_axis(ends, row, 1)
    total, count = 0.0, 1.0
    for sort in HEAD:
        there = same & ((at(WORDS)[:, None, :] >> sort) & 1 > 0)
        # A word's first token tells it; of two words of a sort, as a kind and a sign's name, the last.
        first = there & ~jnp.pad(there, ((0, 0), (0, 0), (1, 0)))[:, :, :-1]
        last = jnp.max(jnp.where(first, jnp.arange(ids.shape[1]), -1), -1)
        word = jnp.take_along_axis(ids, jnp.maximum(last, 0), 1)
        logits = (told @ p[f"guide.{sort}.weight"].T) @ p["token_embd.weight"].T
        nll = jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, word[..., None], -1)[..., 0]
        counted = ends & (last >= 0)
        total, count = total + jnp.sum(nll * counted), count + jnp.sum(counted)
    return total / count
