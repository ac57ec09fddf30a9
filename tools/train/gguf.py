# gguf.py - writes GGUF files (version 3, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): F16 matrices, F32 vectors.
# SPDX-License-Identifier: MIT
import os
import struct

import numpy as np

U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
TYPE_F32, TYPE_F16 = 0, 1
ALIGNMENT = 32


def string(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def value(v):
    """A value with its type, by Python's: bool, int (u32), float (f32), str, and lists of these (integers as i32)."""
    if isinstance(v, bool):
        return struct.pack("<I?", BOOL, v)
    if isinstance(v, int):
        return struct.pack("<II", U32, v)
    if isinstance(v, float):
        return struct.pack("<If", F32, v)
    if isinstance(v, str):
        return struct.pack("<I", STRING) + string(v)
    head = lambda kind: struct.pack("<IIQ", ARRAY, kind, len(v))
    if isinstance(v[0], str):
        return head(STRING) + b"".join(map(string, v))
    if isinstance(v[0], float):
        return head(F32) + struct.pack(f"<{len(v)}f", *v)
    return head(I32) + struct.pack(f"<{len(v)}i", *v)


def padding(n):
    return b"\0" * (-n % ALIGNMENT)


def write(path, metadata, tensors):
    """metadata: key -> value; tensors: name -> array, whose last index is the fastest as in ne[0]. One dimension is kept as
    F32, more are rounded to F16."""
    arrays = {k: np.ascontiguousarray(w, np.float32 if w.ndim == 1 else np.float16) for k, w in tensors.items()}
    for k, w in arrays.items():
        if not np.isfinite(w).all():
            raise SystemExit(f"{path}: tensor '{k}': found a value beyond F16's, expected finite ones")
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(arrays), len(metadata))
    for k, v in metadata.items():
        head += string(k) + value(v)
    at = 0
    for k, w in arrays.items():
        kind = TYPE_F32 if w.ndim == 1 else TYPE_F16
        head += string(k) + struct.pack(f"<I{w.ndim}QIQ", w.ndim, *reversed(w.shape), kind, at)
        at += w.nbytes + len(padding(w.nbytes))
    with open(path + ".new", "wb") as f:
        f.write(head + padding(len(head)))
        for w in arrays.values():
            f.write(w.tobytes() + padding(w.nbytes))
    os.replace(path + ".new", path)
