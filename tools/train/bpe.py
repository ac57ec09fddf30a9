# bpe.py - a small byte-level BPE tokenizer: trained here, written into the GGUF, and read by the engine's own (pre-tokenizer
# "gpt-2"). `make-vocab` in train.py keeps it as JSON; what both make of a text is compared by check.py.
# SPDX-License-Identifier: MIT
import collections
import json
import re

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]

# The pattern of GPT-2, with letters and numbers as `re` knows them: the same on every text in ASCII.
WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def byte_letters():
    """GPT-2's letters for bytes: printable ones stand for themselves, the rest for letters from 256 on."""
    keep = [*range(ord("!"), ord("~") + 1), *range(0xa1, 0xad), *range(0xae, 0x100)]
    letters, next_ = {b: chr(b) for b in keep}, 256
    for b in range(256):
        if b not in letters:
            letters[b], next_ = chr(next_), next_ + 1
    return letters


LETTERS = byte_letters()


def spelt(word):
    return [LETTERS[b] for b in word.encode()]


def train(texts, n_vocab):
    """Merges of the commonest pairs, until bytes, merges and specials make n_vocab tokens. Ties go to the lesser pair."""
    words = collections.Counter(w for t in texts for w in WORDS.findall(t))
    words = [(spelt(w), n) for w, n in sorted(words.items())]
    merges = []
    while len(merges) < n_vocab - 256 - len(SPECIALS):
        pairs = collections.Counter()
        for symbols, n in words:
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += n
        if not pairs:
            raise SystemExit(f"bpe: found words for {len(merges)} merges, expected more text")
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        for symbols, _ in words:
            i = 0
            while i + 1 < len(symbols):
                if (symbols[i], symbols[i + 1]) == best:
                    symbols[i:i + 2] = [best[0] + best[1]]
                i += 1
    return merges


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.tokens = [LETTERS[b] for b in range(256)] + [a + b for a, b in self.merges] + SPECIALS
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.special = re.compile("(" + "|".join(map(re.escape, SPECIALS)) + ")")
        self.known = {}
        if len(self.ids) != len(self.tokens):
            raise SystemExit("bpe: found a token twice, expected each once")

    def word(self, w):
        if w not in self.known:
            symbols = spelt(w)
            while len(symbols) > 1:
                ranks = [self.rank.get(p, len(self.rank)) for p in zip(symbols, symbols[1:])]
                i = min(range(len(ranks)), key=ranks.__getitem__)
                if ranks[i] == len(self.rank):
                    break
                symbols[i:i + 2] = [symbols[i] + symbols[i + 1]]
            self.known[w] = [self.ids[s] for s in symbols]
        return self.known[w]

    def encode(self, text):
        ids = []
        for part in self.special.split(text):
            if part in self.ids and part in SPECIALS:
                ids.append(self.ids[part])
            else:
                for w in WORDS.findall(part):
                    ids += self.word(w)
        return ids

    def decode(self, ids):
        bytes_of = {letter: b for b, letter in LETTERS.items()}
        out = b""
        for i in ids:
            t = self.tokens[i]
            out += t.encode() if t in SPECIALS else bytes(bytes_of[c] for c in t)
        return out.decode(errors="replace")

    def save(self, path):
        with open(path, "w") as f:
            json.dump(self.merges, f)

    @classmethod
    def load(cls, path):
        with open(path) as f:
            return cls(json.load(f))
