"""Numbers that Python and TypeScript (values.ts) make alike, so that weights need not be stored."""

import re

import numpy as np


def seed_of(name: str) -> int:
    """FNV-1a, 32 bits."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def uniform(name: str, n: int) -> np.ndarray:
    """n numbers in [-1, 1): MurmurHash3's finaliser over a Weyl sequence that starts at the name's hash."""
    with np.errstate(over="ignore"):
        x = np.arange(n, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed_of(name))
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x85EBCA6B)
        x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2147483648.0 - 1.0


def weight(name: str, shape, deviation: float) -> np.ndarray:
    """A BERT parameter, float32: uniform of the given standard deviation; biases and gains not at 0 and 1."""
    values = uniform(name, int(np.prod(shape)))
    if re.search(r"(LayerNorm|norm|ln_\w)\.weight$", name):
        values = 1.0 + 0.2 * values
    elif name.endswith("bias"):
        values = 0.1 * values
    else:
        values = (1.7320508 * deviation) * values
    return values.astype(np.float32).reshape(shape)
