"""Figures for ops.test.ts: value and gradients of every op, in float64, checked against finite differences.

python test/parity/op_figures.py

A case is a name, its inputs and what PyTorch computes; op-cases.ts has the same names and what Luthier computes. Inputs
are made by values.py from the case's and the input's names: `f` uniform in [-1, 1), `pos` in [0.5, 1.5), `ids(n)` whole
numbers below n, `bool` 0 or 1. The gradients are those of Σ y · w with fixed random w.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from values import uniform

INFINITY = 1e9


def f(*shape):
    return dict(kind="float", shape=list(shape))


def pos(*shape):
    return dict(kind="positive", shape=list(shape))


def ids(n, *shape):
    return dict(kind="ids", n=n, shape=list(shape))


def boolean(*shape):
    return dict(kind="bool", shape=list(shape))


def make(case, name, spec):
    size = math.prod(spec["shape"])
    u = uniform(f"{case}/{name}", size)
    if spec["kind"] == "float":
        values = torch.from_numpy(u.astype(np.float32)).double()
    elif spec["kind"] == "positive":
        values = torch.from_numpy((1 + u / 2).astype(np.float32)).double()
    elif spec["kind"] == "ids":
        values = torch.from_numpy(np.floor((u + 1) / 2 * spec["n"]).astype(np.int64))
    else:
        values = torch.from_numpy(u > 0)
    return values.reshape(spec["shape"])


def layer_norm(x, gamma, beta):
    return F.layer_norm(x, x.shape[-1:], gamma, beta, 1e-5)


def rotary(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def int32(x):
    return (x + 2**31) % 2**32 - 2**31


def hashed(x):
    """A permutation of 32 bits (Wellons 2018)."""
    x ^= x >> 16
    x = x * 0x21F0AAAD % 2**32
    x ^= x >> 15
    x = x * 0xD35A2D97 % 2**32
    return x ^ (x >> 15)


def dropout_scales(words, columns=9, rate=0.25):
    places = torch.tensor([hashed(~j % 2**32) for j in range(columns)])
    square = int32(int32(words + places) ** 2)
    folded = int32(square + torch.div(square, 2**16, rounding_mode="trunc"))
    kept = int32(folded**2) >= round(rate * 2**32) - 2**31
    return kept / (1 - rate)


def attention(q, k, v, bias=None, mask=None):
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    p = torch.softmax(scores if bias is None else scores + bias, -1)
    return (p if mask is None else p * mask / 0.8) @ v


def causal(q, k, v, bias=None):
    """The last query stands where the last key does."""
    T, S = q.shape[-2], k.shape[-2]
    ahead = torch.triu(torch.full((T, S), -math.inf, dtype=q.dtype), diagonal=1 + S - T)
    return attention(q, k, v, ahead if bias is None else bias + ahead)


def cross_entropy(smoothing):
    return lambda logits, labels, weights: (
        F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing) * weights
    ).sum()


def focal(gamma, weight=None):
    """Lin et al. 2017: (1 - p)^γ times the cross entropy, `weights` a row's, or those of classes as torch averages them."""

    def loss(logits, labels, weights):
        p = torch.softmax(logits, -1)[torch.arange(len(labels)), labels]
        each = (1 - p) ** gamma * F.cross_entropy(logits, labels, reduction="none")
        of_rows = weights[labels] / weights[labels].sum() if weight == "by class" else weights
        return (each * of_rows).sum()

    return loss


def binary_focal(gamma):
    """As torchvision.ops.sigmoid_focal_loss without alpha."""

    def loss(logits, targets, weights):
        t = targets.double()
        p = torch.sigmoid(logits)
        p_t = p * t + (1 - p) * (1 - t)
        each = F.binary_cross_entropy_with_logits(logits, t, reduction="none") * (1 - p_t) ** gamma
        return (each.sum(-1) * weights).sum()

    return loss


def segment_sum(n):
    return lambda x, ids: torch.zeros(n, *x.shape[1:], dtype=x.dtype).index_add(0, ids, x)


def where(condition, t, e):
    return torch.where(condition, t, e)


B = dict(a=f(3, 1, 5), b=f(4, 1))
UNARY = [("odd length", (7,)), ("size 1", (1,)), ("a scalar", ())]

CASES = {
    # Arithmetic, with broadcasting on both sides.
    "add: broadcast": (B, lambda a, b: a + b),
    "sub: broadcast": (B, lambda a, b: a - b),
    "mul: broadcast": (B, lambda a, b: a * b),
    "div: broadcast": (dict(a=f(3, 1, 5), b=pos(4, 1)), lambda a, b: a / b),
    # tfjs-core's gradients of these three do not add up over broadcast axes; it throws.
    "maximum: broadcast": (B, torch.maximum),
    "minimum: broadcast": (B, torch.minimum),
    "squaredDifference: broadcast": (B, lambda a, b: (a - b) ** 2),
    "maximum": (dict(a=f(3, 5), b=f(3, 5)), torch.maximum),
    "minimum": (dict(a=f(3, 5), b=f(3, 5)), torch.minimum),
    "squaredDifference": (dict(a=f(3, 5), b=f(3, 5)), lambda a, b: (a - b) ** 2),
    "pow: broadcast": (dict(a=pos(3, 1, 5), b=f(4, 1)), lambda a, b: a**b),
    "add: size 1 and a scalar": (dict(a=f(1), b=f()), lambda a, b: a + b),
    "addN": (dict(a=f(2, 3), b=f(2, 3), c=f(2, 3)), lambda a, b, c: a + b + c),
    # Elementwise.
    **{
        f"{name}: {how}": (dict(x=kind(*shape)), function)
        for name, kind, function in [
            ("abs", f, torch.abs), ("neg", f, torch.neg), ("exp", f, torch.exp), ("erf", f, torch.erf),
            ("sin", f, torch.sin), ("cos", f, torch.cos), ("tanh", f, torch.tanh), ("sigmoid", f, torch.sigmoid),
            ("relu", f, torch.relu), ("square", f, torch.square), ("log", pos, torch.log), ("sqrt", pos, torch.sqrt),
            ("rsqrt", pos, torch.rsqrt), ("reciprocal", pos, torch.reciprocal), ("gelu", f, F.gelu),
        ]
        for how, shape in UNARY
    },
    "gelu: far from 0": (dict(x=f(9)), lambda x: F.gelu(x * 12)),
    # Without gradients.
    "floor": (dict(x=f(7)), lambda x: torch.floor(x * 5)),
    "comparisons": (
        dict(a=f(3, 1), b=f(4)),
        lambda a, b: (a > b).double() + 2 * (a >= b).double() + 4 * (a < b).double() + 8 * (a <= b).double(),
    ),
    "equal": (dict(a=ids(3, 5, 1), b=ids(3, 7)), lambda a, b: (a == b).double()),
    "logic": (
        dict(a=boolean(5, 1), b=boolean(4)),
        lambda a, b: (a & b).double() + 2 * (a | b).double() + 4 * (~b).double(),
    ),
    "argMax": (dict(x=f(5, 3)), lambda x: x.argmax(-1).double() + 10 * x.argmax(0)[0].double()),
    "fill and likes": (dict(x=f(2, 3)), lambda x: torch.full((2, 3), 2.5, dtype=x.dtype) + 1),
    "where: broadcast condition": (dict(condition=boolean(4, 1), t=f(4, 3), e=f(4, 3)), where),
    # Reductions.
    "sum: all": (dict(x=f(3, 4, 5)), lambda x: x.sum()),
    "sum: inner axis, kept": (dict(x=f(3, 4, 5)), lambda x: x.sum(-1, keepdim=True)),
    "sum: outer axes": (dict(x=f(3, 4, 5)), lambda x: x.sum((0, 1))),
    "sum: of size 1": (dict(x=f(3, 1)), lambda x: x.sum(1)),
    "mean: middle axis": (dict(x=f(3, 4, 5)), lambda x: x.mean(1)),
    "mean: all": (dict(x=f(7)), lambda x: x.mean()),
    "max: inner axis": (dict(x=f(3, 7)), lambda x: x.amax(-1)),
    "max: all, kept": (dict(x=f(3, 7)), lambda x: x.amax((0, 1), keepdim=True)),
    "softmax: odd length": (dict(x=f(3, 7)), lambda x: torch.softmax(x * 5, -1)),
    "softmax: size 1": (dict(x=f(3, 1)), lambda x: torch.softmax(x, -1)),
    "logSoftmax": (dict(x=f(3, 7)), lambda x: torch.log_softmax(x * 5, -1)),
    # Shapes.
    "reshape and expandDims": (dict(x=f(3, 4)), lambda x: (x.reshape(2, 6)[:, None, :]) * torch.arange(3)[None, :, None]),
    "transpose": (dict(x=f(2, 3, 4, 5)), lambda x: x.permute(0, 2, 1, 3)),
    "broadcastTo": (dict(x=f(3, 1)), lambda x: x.expand(2, 3, 4)),
    "tile": (dict(x=f(2, 3)), lambda x: x.repeat(2, 3)),
    "concat: uneven": (dict(a=f(2, 1), b=f(2, 4), c=f(2, 3)), lambda a, b, c: torch.cat([a, b, c], 1)),
    "split: uneven": (dict(x=f(2, 7)), lambda x: x[:, :2].sum(1) + 2 * x[:, 2:3].sum(1) + 3 * x[:, 3:].prod(1)),
    "split: even": (dict(x=f(6, 2)), lambda x: x[:3] * x[3:]),
    "slice": (dict(x=f(4, 5)), lambda x: x[1:3, 2:]),
    "pad": (dict(x=f(2, 3)), lambda x: F.pad(x, (2, 0, 1, 3), value=0.5)),
    "cast": (dict(x=f(5), mask=boolean(5)), lambda x, mask: x * mask.double()),
    # Indices, repeated ones.
    "gather: rows": (dict(table=f(5, 3), ids=ids(5, 11)), lambda table, ids: table[ids]),
    "gather: columns": (dict(table=f(3, 5), ids=ids(5, 4)), lambda table, ids: table[:, ids]),
    "unsortedSegmentSum": (dict(x=f(11, 3), ids=ids(4, 11)), segment_sum(4)),
    "embedding: repeated ids": (dict(table=f(6, 4), ids=ids(6, 13)), lambda table, ids: table[ids]),
    "embedding: one row, one id": (dict(table=f(1, 3), ids=ids(1, 1)), lambda table, ids: table[ids]),
    # Products.
    **{
        f"matMul: {'aᵀ' if ta else 'a'}·{'bᵀ' if tb else 'b'} · {alpha}": (
            dict(a=f(2, *((4, 3) if ta else (3, 4))), b=f(2, *((5, 4) if tb else (4, 5)))),
            lambda a, b, ta=ta, tb=tb, alpha=alpha: alpha
            * ((a.transpose(-1, -2) if ta else a) @ (b.transpose(-1, -2) if tb else b)),
        )
        for ta in (False, True)
        for tb in (False, True)
        for alpha in (1, 0.5)
    },
    "matMul: size 1": (dict(a=f(1, 1), b=f(1, 1)), lambda a, b: a @ b),
    "tf.matMul: stacks, transposed": (dict(a=f(2, 3, 4), b=f(2, 5, 4)), lambda a, b: a @ b.transpose(-1, -2)),
    "linear": (dict(x=f(7, 5), weight=f(3, 5), bias=f(3)), F.linear),
    "linear: one row, one output": (dict(x=f(1, 5), weight=f(1, 5), bias=f(1)), F.linear),
    # Layers.
    "layerNorm": (dict(x=f(5, 7), gamma=f(7), beta=f(7)), layer_norm),
    "layerNorm: one row, width 3": (dict(x=f(1, 3), gamma=f(3), beta=f(3)), layer_norm),
    "layerNorm: three axes": (dict(x=f(2, 3, 5), gamma=f(5), beta=f(5)), layer_norm),
    "rmsNorm": (dict(x=f(2, 3, 5), gamma=f(5)), lambda x, gamma: F.rms_norm(x, (5,), gamma, 1e-5)),
    "rotary": (dict(x=f(2, 3, 6), cos=f(2, 3, 3), sin=f(2, 3, 3)), rotary),
    "rotary: the same angles for all": (dict(x=f(2, 3, 6), cos=f(1, 3, 3), sin=f(1, 3, 3)), rotary),
    "swiGlu": (dict(gate=f(5, 7), x=f(5, 7)), lambda gate, x: F.silu(gate) * x),
    "dropoutScales": (dict(words=ids(2**31 - 1, 5, 1)), dropout_scales),
    "scaledSquare": (dict(x=f(5, 7), factor=f()), lambda x, factor: (x * factor) ** 2),
    "rowNorms": (dict(x=f(5, 7)), lambda x: x.norm(dim=-1)),
    "headDots": (dict(a=f(2, 5, 3, 4), b=f(2, 5, 3, 4)), lambda a, b: (a * b).sum(-1).transpose(1, 2)),
    "dropout": (dict(x=f(5, 7), mask=boolean(5, 7)), lambda x, mask: x * mask / (1 - 0.25)),
    "attention": (dict(q=f(2, 3, 5, 4), k=f(2, 3, 5, 4), v=f(2, 3, 5, 4)), attention),
    "attention: other keys, bias, dropout": (
        dict(q=f(1, 2, 3, 4), k=f(1, 2, 5, 4), v=f(1, 2, 5, 4), bias=f(1, 1, 3, 5), mask=boolean(1, 2, 3, 5)),
        attention,
    ),
    "attention: hidden keys": (
        dict(q=f(1, 2, 3, 4), k=f(1, 2, 5, 4), v=f(1, 2, 5, 4), hidden=boolean(1, 1, 3, 5)),
        lambda q, k, v, hidden: attention(q, k, v, hidden.double() * -INFINITY),
    ),
    "attention: causal": (dict(q=f(2, 3, 5, 4), k=f(2, 3, 5, 4), v=f(2, 3, 5, 4)), causal),
    "attention: causal, fewer queries than keys, a bias for each head": (
        dict(q=f(2, 3, 2, 4), k=f(2, 3, 5, 4), v=f(2, 3, 5, 4), bias=f(3, 2, 5)), causal
    ),
    "attention: turned": (dict(q=f(2, 3, 5, 4), k=f(2, 3, 5, 4), v=f(2, 3, 5, 4)), attention),
    "attention: turned, other keys, some hidden, dropout": (
        dict(
            q=f(2, 2, 3, 4), k=f(2, 2, 5, 4), v=f(2, 2, 5, 4), hidden=boolean(1, 1, 3, 5), mask=boolean(2, 2, 3, 5)
        ),
        lambda q, k, v, hidden, mask: attention(q, k, v, hidden.double() * -INFINITY, mask),
    ),
    "attention: turned, causal, fewer queries than keys": (
        dict(q=f(2, 3, 2, 4), k=f(2, 3, 5, 4), v=f(2, 3, 5, 4)), causal
    ),
    "attention: one token": (dict(q=f(1, 1, 1, 2), k=f(1, 1, 1, 2), v=f(1, 1, 1, 2)), attention),
    "crossEntropy": (dict(logits=f(5, 3), labels=ids(3, 5), weights=pos(5)), cross_entropy(0.0)),
    "crossEntropy: smoothed": (dict(logits=f(5, 3), labels=ids(3, 5), weights=pos(5)), cross_entropy(0.1)),
    # Ours are weights of rows: w[label] / Σ w, which the case makes of the labels; `weights` here is a weight a class.
    "crossEntropy: weighted by class": (
        dict(logits=f(5, 3), labels=ids(3, 5), weights=pos(3)),
        lambda logits, labels, weights: F.cross_entropy(logits, labels, weight=weights),
    ),
    "crossEntropy: weighted by class and smoothed": (
        dict(logits=f(5, 3), labels=ids(3, 5), weights=pos(3)),
        lambda logits, labels, weights: F.cross_entropy(logits, labels, weight=weights, label_smoothing=0.1),
    ),
    "crossEntropy: two classes, one row": (dict(logits=f(1, 2), labels=ids(2, 1), weights=pos(1)), cross_entropy(0.0)),
    "focalLoss: gamma 2": (dict(logits=f(5, 3), labels=ids(3, 5), weights=pos(5)), focal(2)),
    "focalLoss: gamma 0.5, sure and unsure": (
        dict(logits=f(5, 3), labels=ids(3, 5), weights=pos(5)),
        lambda logits, labels, weights: focal(0.5)(logits * 8, labels, weights),
    ),
    "focalLoss: weighted by class": (dict(logits=f(5, 3), labels=ids(3, 5), weights=pos(3)), focal(2, "by class")),
    "binaryFocalLoss: gamma 2": (dict(logits=f(5, 3), targets=boolean(5, 3), weights=pos(5)), binary_focal(2)),
    "binaryFocalLoss: gamma 0.5, sure and unsure": (
        dict(logits=f(5, 3), targets=boolean(5, 3), weights=pos(5)),
        lambda logits, targets, weights: binary_focal(0.5)(logits * 8, targets, weights),
    ),
}

FOCAL = [case for case in CASES if "ocalLoss" in case]

# Gradients that a case does not ask for: of functions that have none, and inputs that are no parameters.
NO_GRADIENT = {
    "maximum: broadcast": "ab", "minimum: broadcast": "ab", "squaredDifference: broadcast": "ab",
    "rotary": ["cos", "sin"], "rotary: the same angles for all": ["cos", "sin"],
    "floor": "x", "comparisons": "ab", "argMax": "x", "fill and likes": "x",
    **{case: ["weights"] for case in FOCAL},
    "crossEntropy": ["weights"], "crossEntropy: weighted by class": ["weights"], "crossEntropy: weighted by class and smoothed": ["weights"], "crossEntropy: smoothed": ["weights"], "crossEntropy: two classes, one row": ["weights"],
}


def rounded(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().flatten().tolist()]


def figures_of(case, inputs, function):
    values = {name: make(case, name, spec) for name, spec in inputs.items()}
    without = NO_GRADIENT.get(case, [])
    wanted = [name for name, v in values.items() if v.dtype == torch.float64 and name not in without]
    for name in wanted:
        values[name].requires_grad_(True)
    y = function(*values.values())
    result = dict(inputs=inputs, shape=list(y.shape), y=rounded(y), gradients={})
    if wanted:
        of = lambda *some: function(*{**values, **dict(zip(wanted, some))}.values())
        torch.autograd.gradcheck(of, [values[name] for name in wanted], eps=1e-6, atol=1e-6, rtol=1e-5)
        w = torch.from_numpy(uniform(f"{case}/w", y.numel()).astype(np.float32)).double().reshape(y.shape)
        (y * w).sum().backward()
        result["gradients"] = {name: rounded(values[name].grad) for name in wanted}
    return result


if __name__ == "__main__":
    cases = {case: figures_of(case, inputs, function) for case, (inputs, function) in CASES.items()}
    file = pathlib.Path(__file__).parent / "figures" / "ops.json"
    file.write_text(json.dumps(dict(made_with=f"torch {torch.__version__}", cases=cases), separators=(",", ":")))
    print(len(cases), "cases")
