"""Spikes forward, the gradient of a fast sigmoid backward (Zenke and Ganguli 2018; thesis, equations 11 and 12)."""

from typing import Any

import torch
from torch import Tensor

THRESHOLD = 1.0


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, membrane: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(membrane)
        ctx.scale = scale
        return (membrane > THRESHOLD).to(membrane.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None]:
        (membrane,) = ctx.saved_tensors
        return grads[0] / (ctx.scale * (membrane - THRESHOLD).abs() + 1.0) ** 2, None


def spike(membrane: Tensor, scale: float) -> Tensor:
    """1 where the membrane is above the threshold, else 0 (a membrane of exactly 1 does not fire).

    Backward: `grad / (scale * |membrane - 1| + 1)^2`.

    Args:
        membrane: any shape, threshold 1, rest 0.
        scale: slope of the surrogate gradient, > 0.
    """
    return _Spike.apply(membrane, scale)
