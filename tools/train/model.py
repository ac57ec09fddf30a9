# model.py - the two architectures in JAX, with the engine's arithmetic: a decoder (llama, or qwen2vl with M-RoPE) and the
# vision tower of Qwen2-VL. Parameters are one dict a model, named and shaped as the GGUF's tensors (rows are outputs), so that
# exporting is writing them down; check.py holds an export's logits to `hartree logits --exact`.
# SPDX-License-Identifier: MIT
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class Text:
    arch: str  # "llama" or "qwen2vl"
    n_vocab: int
    n_embd: int = 256
    n_layer: int = 4
    n_head: int = 4
    n_head_kv: int = 2
    n_ff: int = 512
    context: int = 4096
    eps: float = 1e-6
    rope_base: float = 300.0
    sections: tuple = ()  # pairs that turn by time, row and column

    @property
    def head_dim(self):
        return self.n_embd // self.n_head


@dataclass(frozen=True)
class Tower:
    n_embd: int = 128
    n_layer: int = 4
    n_head: int = 4
    n_ff: int = 512
    n_out: int = 256
    eps: float = 1e-6
    patch: int = 14
    merge: int = 2
    # Pixels come as parts of 255; these centre the painter's colours.
    mean: tuple = (0.5, 0.5, 0.5)
    std: tuple = (0.25, 0.25, 0.25)


# Places in a picture differ by a few tens, so the slowest pairs must still turn visibly over that: hence the small rope base.
# Both models have it, so that the one with vision can begin as the other.
LLAMA = Text("llama", 1024)
QWEN2VL = Text("qwen2vl", 1024, sections=(8, 10, 14))
TOWER = Tower()


def matrix(rng, n_out, n_in, scale=1.0):
    return (rng.standard_normal((n_out, n_in)) * scale / np.sqrt(n_in)).astype(np.float32)


def zeros(n):
    return np.zeros(n, np.float32)


def ones(n):
    return np.ones(n, np.float32)


def text_init(c, seed):
    rng = np.random.default_rng(seed)
    kv, small = c.n_head_kv * c.head_dim, 1 / np.sqrt(2 * c.n_layer)
    p = {"token_embd.weight": matrix(rng, c.n_vocab, c.n_embd, 0.5), "output_norm.weight": ones(c.n_embd)}
    for i in range(c.n_layer):
        b = f"blk.{i}."
        p[b + "attn_norm.weight"] = ones(c.n_embd)
        for name, n in (("q", c.n_embd), ("k", kv), ("v", kv)):
            p[b + f"attn_{name}.weight"] = matrix(rng, n, c.n_embd)
            if c.sections:
                p[b + f"attn_{name}.bias"] = zeros(n)
        p[b + "attn_output.weight"] = matrix(rng, c.n_embd, c.n_embd, small)
        p[b + "ffn_norm.weight"] = ones(c.n_embd)
        p[b + "ffn_gate.weight"] = matrix(rng, c.n_ff, c.n_embd)
        p[b + "ffn_up.weight"] = matrix(rng, c.n_ff, c.n_embd)
        p[b + "ffn_down.weight"] = matrix(rng, c.n_embd, c.n_ff, small)
    return p


def tower_init(c, seed):
    rng = np.random.default_rng(seed)
    n, merged, small = c.n_embd, c.n_embd * c.merge**2, 1 / np.sqrt(2 * c.n_layer)
    p = {"v.patch_embd": matrix(rng, n, 3 * c.patch**2)}  # the two temporal kernels together
    for i in range(c.n_layer):
        b = f"v.blk.{i}."
        for name, n_out, n_in, scale in (("attn_q", n, n, 1), ("attn_k", n, n, 1), ("attn_v", n, n, 1),
                                         ("attn_out", n, n, small), ("ffn_up", c.n_ff, n, 1), ("ffn_down", n, c.n_ff, small)):
            p[f"{b}{name}.weight"], p[f"{b}{name}.bias"] = matrix(rng, n_out, n_in, scale), zeros(n_out)
        for name in ("ln1", "ln2"):
            p[f"{b}{name}.weight"], p[f"{b}{name}.bias"] = ones(n), zeros(n)
    p["v.post_ln.weight"], p["v.post_ln.bias"] = ones(n), zeros(n)
    p["mm.0.weight"], p["mm.0.bias"] = matrix(rng, merged, merged), zeros(merged)
    p["mm.2.weight"], p["mm.2.bias"] = matrix(rng, c.n_out, merged), zeros(c.n_out)
    return p


def rms_norm(x, w, eps):
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + eps) * w


def layer_norm(x, w, b, eps):
    x = x - jnp.mean(x, -1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + eps) * w + b


def turn(x, angles, interleaved):
    """Rotates the pairs of each head: neighbours, or an element and the one half a head further."""
    cos, sin = jnp.cos(angles)[..., None, :], jnp.sin(angles)[..., None, :]
    if interleaved:
        a, b = x[..., 0::2], x[..., 1::2]
        return jnp.stack([a * cos - b * sin, a * sin + b * cos], -1).reshape(x.shape)
    a, b = jnp.split(x, 2, -1)
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], -1)


def text_angles(c, place):
    """place: (3, batch, rows) of time, row and column -> (batch, rows, head_dim / 2)"""
    pairs = c.head_dim // 2
    freq = c.rope_base ** (-np.arange(pairs) / pairs)
    sections = c.sections or (pairs, 0, 0)
    which = np.repeat(np.arange(3), sections)
    return jnp.moveaxis(place, 0, -1)[..., which] * freq.astype(np.float32)


def attend(q, k, v, mask):
    """q (batch, n, heads, d), k and v (batch, m, kv heads, d), mask (batch, n, m) or None -> rows, and what they looked at as
    weights (batch, heads, n, m)."""
    b, n, heads, d = q.shape
    kv = k.shape[2]
    q = q.reshape(b, n, kv, heads // kv, d) / np.sqrt(d).astype(np.float32)
    scores = jnp.einsum("bngrd,bmgd->bgrnm", q, k)
    if mask is not None:
        scores = jnp.where(mask[:, None, None], scores, -1e30)
    weights = jax.nn.softmax(scores, -1)
    out = jnp.einsum("bgrnm,bmgd->bngrd", weights, v)
    return out.reshape(b, n, heads * d), weights.reshape(b, heads, n, -1)


def text_forward(c, p, x, place, segment, inner=None):
    """Rows of embeddings x (batch, n, n_embd) -> normed rows for the output. A row sees those before it of its own segment and
    of segment 0, what all segments begin with. A list `inner` gets of each layer what attention
    looked at (batch, heads, n, n) and the rows after it."""
    b, n, _ = x.shape
    angles = text_angles(c, place)
    i = jnp.arange(n)
    mask = (i[None, :] <= i[:, None]) & ((segment[:, None, :] == 0) | (segment[:, None, :] == segment[:, :, None]))
    neighbours = c.arch == "llama"
    for layer in range(c.n_layer):
        l = f"blk.{layer}."
        h = rms_norm(x, p[l + "attn_norm.weight"], c.eps)
        q, k, v = (h @ p[l + f"attn_{m}.weight"].T + (p[l + f"attn_{m}.bias"] if c.sections else 0) for m in "qkv")
        q = turn(q.reshape(b, n, c.n_head, -1), angles, neighbours)
        k = turn(k.reshape(b, n, c.n_head_kv, -1), angles, neighbours)
        a, weights = attend(q, k, v.reshape(b, n, c.n_head_kv, -1), mask)
        x = x + a @ p[l + "attn_output.weight"].T
        h = rms_norm(x, p[l + "ffn_norm.weight"], c.eps)
        h = jax.nn.silu(h @ p[l + "ffn_gate.weight"].T) * (h @ p[l + "ffn_up.weight"].T)
        x = x + h @ p[l + "ffn_down.weight"].T
        if inner is not None:
            inner.append((weights, x))
    return rms_norm(x, p["output_norm.weight"], c.eps)


def text_logits(p, rows):
    return rows @ p["token_embd.weight"].T


def patches(c, pixels):
    """uint8 (batch, height, width, 3) -> (batch, patches, 588), a merged token's patches together; and their rows, columns."""
    b, h, w, _ = pixels.shape
    s, m = c.patch, c.merge
    gy, gx = h // (s * m), w // (s * m)
    x = (pixels.astype(jnp.float32) / 255 - np.array(c.mean, np.float32)) / np.array(c.std, np.float32)
    x = x.reshape(b, gy, m, s, gx, m, s, 3).transpose(0, 1, 4, 2, 5, 7, 3, 6).reshape(b, gy * gx * m * m, 3 * s * s)
    y, x_ = np.mgrid[0:gy * m, 0:gx * m]
    order = lambda a: a.reshape(gy, m, gx, m).transpose(0, 2, 1, 3).reshape(-1)
    return x, order(y), order(x_)


def quick_gelu(x):
    return x * jax.nn.sigmoid(1.702 * x)


def tower_forward(c, p, pixels):
    """uint8 (batch, height, width, 3), sides multiples of 28 -> (batch, tokens, n_out)"""
    x, row, column = patches(c, pixels)
    b, n, _ = x.shape
    d = c.n_embd // c.n_head
    freq = (10000.0 ** (-np.arange(d // 4) / (d // 4))).astype(np.float32)
    angles = jnp.asarray(np.concatenate([row[:, None] * freq, column[:, None] * freq], -1))[None]
    x = x @ p["v.patch_embd"].T
    for layer in range(c.n_layer):
        linear = lambda h, name: h @ p[f"v.blk.{layer}.{name}.weight"].T + p[f"v.blk.{layer}.{name}.bias"]
        norm = lambda name: layer_norm(x, p[f"v.blk.{layer}.{name}.weight"], p[f"v.blk.{layer}.{name}.bias"], c.eps)
        h = norm("ln1")
        q, k, v = (linear(h, f"attn_{m}").reshape(b, n, c.n_head, d) for m in "qkv")
        x = x + linear(attend(turn(q, angles, False), turn(k, angles, False), v, None)[0], "attn_out")
        x = x + linear(quick_gelu(linear(norm("ln2"), "ffn_up")), "ffn_down")
    x = layer_norm(x, p["v.post_ln.weight"], p["v.post_ln.bias"], c.eps).reshape(b, n // c.merge**2, -1)
    h = jax.nn.gelu(x @ p["mm.0.weight"].T + p["mm.0.bias"], approximate=True)
    return h @ p["mm.2.weight"].T + p["mm.2.bias"]


# ---- Optimiser ----

def by_muon(name, w):
    """Matrices within blocks; embeddings, norms, biases and heads go by Adam."""
    return w.ndim == 2 and "blk." in name


def orthogonal(g):
    """The nearest matrix with equal singular values, roughly: five Newton-Schulz steps with the coefficients of Muon (K. Jordan
    et al., 2024, https://kellerjordan.github.io/posts/muon/)."""
    x = g if g.shape[0] <= g.shape[1] else g.T
    x = x / (jnp.linalg.norm(x) + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x if g.shape[0] <= g.shape[1] else x.T


def optimiser_init(p):
    return {"m": {k: jnp.zeros_like(w) for k, w in p.items()},
            "v": {k: jnp.zeros_like(w) for k, w in p.items() if not by_muon(k, w)}, "step": jnp.zeros((), jnp.int32)}


def optimiser_update(p, g, s, rate, decay=0.02, b1=0.9, b2=0.98, momentum=0.95):
    """One step of Muon for the blocks' matrices (scaled to Adam's step, Liu et al. 2025, arXiv 2502.16982) and of Adam for the
    rest, with the gradient's norm cut to 1; matrices decay."""
    norm = jnp.sqrt(sum(jnp.sum(x * x) for x in g.values()))
    cut = jnp.minimum(1.0, 1.0 / (norm + 1e-9))
    step = s["step"] + 1
    t = step.astype(jnp.float32)
    new, m, v = {}, {}, {}
    for k, w in p.items():
        d = g[k] * cut
        if by_muon(k, w):
            m[k] = momentum * s["m"][k] + (1 - momentum) * d
            change = orthogonal(momentum * m[k] + (1 - momentum) * d) * (0.2 * np.sqrt(max(w.shape)))
        else:
            m[k] = b1 * s["m"][k] + (1 - b1) * d
            v[k] = b2 * s["v"][k] + (1 - b2) * d * d
            change = m[k] / (1 - b1**t) / (jnp.sqrt(v[k] / (1 - b2**t)) + 1e-8)
        new[k] = w - rate * (change + (decay * w if w.ndim > 1 else 0))
    return new, {"m": m, "v": v, "step": step}
