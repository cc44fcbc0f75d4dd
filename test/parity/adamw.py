"""Figures for kernels.test.ts: torch.optim.AdamW on 13 weights, with gradients clipped or not.

python test/parity/adamw.py > test/parity/figures/adamw.json
"""

import json

import torch

CASES = [
    dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, max_norm=None),
    dict(lr=5e-2, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.0, max_norm=1.0),
    dict(lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.5, max_norm=0.1),
]


def run(case):
    torch.manual_seed(1)
    w = torch.nn.Parameter(torch.randn(13))
    start = w.detach().tolist()
    # Sizes far apart, and one weight that never gets a gradient.
    spread = 10.0 ** torch.linspace(-6, 1, 13)
    spread[5] = 0
    optimizer = torch.optim.AdamW(
        [w], lr=case["lr"], betas=case["betas"], eps=case["eps"], weight_decay=case["weight_decay"]
    )
    steps = []
    for _ in range(8):
        gradient = torch.randn(13) * spread
        w.grad = gradient.clone()
        norm = None
        if case["max_norm"] is not None:
            norm = torch.nn.utils.clip_grad_norm_([w], case["max_norm"]).item()
        optimizer.step()
        state = optimizer.state[w]
        steps.append(
            dict(
                gradient=gradient.tolist(),
                norm=norm,
                weights=w.detach().tolist(),
                exp_avg=state["exp_avg"].tolist(),
                exp_avg_sq=state["exp_avg_sq"].tolist(),
            )
        )
    return dict(
        lr=case["lr"],
        beta1=case["betas"][0],
        beta2=case["betas"][1],
        epsilon=case["eps"],
        weight_decay=case["weight_decay"],
        max_norm=case["max_norm"],
        start=start,
        steps=steps,
    )


print(json.dumps(dict(torch=torch.__version__, cases=[run(case) for case in CASES])))
