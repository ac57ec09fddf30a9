# gguf.py - writes GGUF files (version 3, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): F16 matrices, F32 vectors;
# and reads and changes the tensors of such files.
# SPDX-License-Identifier: MIT
import os
import struct

import numpy as np

U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
TYPE_F32, TYPE_F16 = 0, 1
TYPE_I32 = 26
DTYPES = {TYPE_F32: np.float32, TYPE_F16: np.float16, TYPE_I32: np.int32}
# Bytes of a scalar of metadata by its type: u8, i8, u16, i16, u32, i32, f32, bool, u64, i64, f64.
SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
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


class Reader:
    """What a file holds, from its bytes: for files of this project's own making, in the types of DTYPES."""

    def __init__(self, data):
        self.data, self.at, self.texts = data, 0, {}  # texts: the metadata's strings
        magic, version, self.n_tensors, n_metadata = self.take("4sIQQ")
        if (magic, version) != (b"GGUF", 3):
            raise SystemExit(f"found {magic} of version {version}, expected GGUF, 3")
        for _ in range(n_metadata):
            name, kind = self.text(), self.take("I")
            if kind == STRING:
                self.texts[name] = self.text()
            else:
                self.skip(kind)

    def take(self, form):
        out = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return out if len(out) > 1 else out[0]

    def text(self):
        n = self.take("Q")
        self.at += n
        return self.data[self.at - n:self.at].decode()

    def skip(self, kind):
        if kind == STRING:
            self.text()
        elif kind == ARRAY:
            of, n = self.take("IQ")
            for _ in range(n):
                self.skip(of)
        else:
            self.at += SCALARS[kind]

    def places(self):
        """name -> (type, shape with the fastest index last, where its bytes begin); once"""
        found = {}
        for _ in range(self.n_tensors):
            name, dims = self.text(), self.take("I")
            shape = [self.take("Q") for _ in range(dims)][::-1]
            kind, at = self.take("IQ")
            if kind not in DTYPES:
                raise SystemExit(f"tensor '{name}': found type {kind}, expected F32, F16 or I32")
            found[name] = kind, shape, at
        start = self.at + len(padding(self.at))
        return {k: (kind, shape, start + at) for k, (kind, shape, at) in found.items()}


def read(path):
    """name -> array, as `write` takes them."""
    with open(path, "rb") as f:
        data = f.read()
    return {k: np.frombuffer(data, DTYPES[kind], int(np.prod(shape)), at).reshape(shape)
            for k, (kind, shape, at) in Reader(data).places().items()}


def architecture(path):
    """What the file says of itself; None where it is silent."""
    with open(path, "rb") as f:
        return Reader(f.read()).texts.get("general.architecture")


def rewrite(path, to, tensors):
    """The file `path` with other numbers in some of its tensors; shapes and types stay."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    places = Reader(bytes(data)).places()
    for name, w in tensors.items():
        kind, shape, at = places[name]
        if list(w.shape) != shape:
            raise SystemExit(f"{path}: tensor '{name}': found {shape}, expected {list(w.shape)}")
        w = np.ascontiguousarray(w, DTYPES[kind])
        if not np.isfinite(w).all():
            raise SystemExit(f"{path}: tensor '{name}': found a value beyond its type's, expected finite ones")
        data[at:at + w.nbytes] = w.tobytes()
    with open(to + ".new", "wb") as f:
        f.write(data)
    os.replace(to + ".new", to)
