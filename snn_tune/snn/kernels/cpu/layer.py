"""`cuba_lif` on this kernel: a PyTorch function with a backward of its own."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from snn_tune.snn.kernels.cpu import layer_entries, memory
from snn_tune.snn.kernels.cpu.layer_entries import Layer
from snn_tune.snn.kernels.cpu.units import Units


def cuba_lif(
    current: Tensor,
    v: Tensor | None,
    *,
    alpha: float | Tensor,
    beta: float | Tensor,
    scale: float,
    reset: str,
    input_gain: float | Tensor,
) -> tuple[Tensor, Tensor]:
    """Current-based leaky integrate-and-fire units; arguments and equations as `reference.cuba_lif`.

    Raises:
        ValueError: this kernel does not cover it.
    """
    if not covers(current, v, alpha, beta, input_gain):
        raise ValueError(
            "the cpu kernel takes float32 tensors on the CPU, and gives no gradient of alpha, beta or input_gain; "
            f"current is {current.dtype} on {current.device}"
        )
    units = memory.units(current.shape[2], alpha, beta, input_gain, reset, scale)
    spikes, membrane = _CubaLIF.apply(current, v, units)
    return spikes, membrane


def covers(current: Tensor, v: Tensor | None, *constants: float | Tensor) -> bool:
    """Whether this kernel computes it: float32 on the CPU, and no gradient of alpha, beta or the gain."""
    tensors = [tensor for tensor in (current, v) if tensor is not None]
    plain = all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)
    return plain and not any(isinstance(constant, Tensor) and constant.requires_grad for constant in constants)


class _CubaLIF(torch.autograd.Function):
    """Keeps the membrane alone for backward: the spikes are where it is above 1."""

    @staticmethod
    def forward(ctx: Any, current: Tensor, v: Tensor | None, units: Units) -> tuple[Tensor, Tensor]:
        spikes, membrane = torch.zeros_like(current), torch.empty_like(current)
        arrays = (tensor.numpy() for tensor in (current.contiguous(), spikes, membrane))
        layer_entries.forward(_layer(units, v, current.shape[1]), *arrays)
        ctx.save_for_backward(membrane, v)
        ctx.units = units
        return spikes, membrane

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, None]:
        membrane, v = ctx.saved_tensors
        grad_current = torch.empty_like(membrane)
        layer = _layer(ctx.units, v, membrane.shape[1])
        grad_v = np.zeros_like(layer.v)
        arrays = (tensor.contiguous().numpy() for tensor in (membrane, *grads))
        layer_entries.backward(layer, *arrays, grad_current.numpy(), grad_v)
        return grad_current, None if v is None else torch.from_numpy(grad_v[:, : len(v)].copy()), None


def _layer(units: Units, v: Tensor | None, steps: int) -> Layer:
    width = len(units.alpha)
    weights = torch.zeros(0, width) if v is None else v.detach()
    back = memory.matrix(weights if v is None else weights.T)
    samples = memory.samples_of_block(back, steps)
    nb_spikes = samples * steps * width
    rows = samples * (steps + 1), width
    return Layer(
        units,
        memory.matrix(weights),
        back,
        memory.aligned(*rows),
        memory.aligned(*rows),
        memory.aligned(samples, width),
        memory.aligned(samples, width),
        np.arange(samples) * steps,
        memory.trains(nb_spikes, samples * steps),
        memory.by_unit(nb_spikes, width),
    )
