"""Events, or spikes, to the currents of a layer, between other PyTorch code: a function with a backward of its own."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from snn_tune.compiled import entry
from snn_tune.datasets.events import EventBatch
from snn_tune.snn.kernels.cpu import memory
from snn_tune.snn.kernels.cpu.batch import input_events, most_events
from snn_tune.snn.kernels.cpu.checks import check_events
from snn_tune.snn.kernels.cpu.layer_entries import take
from snn_tune.snn.kernels.cpu.sparse import (
    ByUnit,
    Counts,
    Floats,
    Trains,
    add_weight_gradient,
    sort_by_unit,
    sum_bags,
)

SAMPLES = 4  # of a block: few, so that its rows stay in L2


class Block(NamedTuple):
    """The memory of a block of samples on the way back."""

    rows: Floats  # (samples (steps + 1), units): gradients of currents
    first: Counts  # (samples,): the bag of each sample's first step
    order: ByUnit


def currents(batch: EventBatch, w: Tensor) -> Tensor:
    """Sum over the events of each step of count w[unit], (B, T, H), for float32 weights (inputs, H) on the CPU.

    Raises:
        ValueError: the events are of another number of units.
    """
    check_events(batch, len(w))
    result: Tensor = _Currents.apply(w, None, *input_events(batch), batch.nb_steps)
    return result


def spike_currents(spikes: Tensor, w: Tensor) -> Tensor:
    """`spikes @ w`, (B, T, H), of spikes (B, T, units) that are mostly 0; float32 on the CPU.

    Raises:
        ValueError: the spikes are of another number of units, or another type.
    """
    nb_samples, steps, nb_units = spikes.shape
    if nb_units != len(w) or spikes.dtype != w.dtype:
        raise ValueError(f"spikes must be {w.dtype} of {len(w)} units, as w is; they are {spikes.dtype} of {nb_units}")
    rows = spikes.detach().contiguous().view(-1, nb_units).numpy()
    trains = memory.trains(int(np.count_nonzero(rows)), len(rows))
    _list(rows, trains)
    result: Tensor = _Currents.apply(w, spikes, trains, np.arange(nb_samples), steps)
    return result


class _Currents(torch.autograd.Function):
    """Of samples `chosen` of the inputs; `spikes` are the same inputs, where they have a gradient."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, spikes: Tensor | None, inputs: Trains, chosen: Any, steps: int) -> Tensor:
        weights = memory.matrix(w)
        rows = memory.aligned(len(chosen) * steps, weights.shape[1])
        _forward(weights, inputs, chosen, steps, rows)
        ctx.save_for_backward(None if spikes is None else w)
        ctx.inputs, ctx.shape = (inputs, chosen, steps), w.shape
        return torch.from_numpy(rows)[:, : w.shape[1]].unflatten(0, (len(chosen), steps))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (w,), (nb_units, width), (inputs, chosen, steps) = ctx.saved_tensors, ctx.shape, ctx.inputs
        grad, grad_w = grads[0].contiguous(), None
        if ctx.needs_input_grad[0]:
            grad_w = _weight_gradient(inputs, chosen, steps, grad, nb_units)[:, :width].contiguous()
        grad_spikes = grad @ w.T if ctx.needs_input_grad[1] else None
        return grad_w, grad_spikes, None, None, None


def _weight_gradient(inputs: Trains, chosen: Any, steps: int, grad: Tensor, nb_units: int) -> Tensor:
    width = memory.padded(grad.shape[2])
    grad_w = memory.aligned(nb_units, width)
    block = Block(
        memory.aligned(SAMPLES * (steps + 1), width),
        np.zeros(SAMPLES, np.int64),
        memory.by_unit(most_events(inputs, chosen, steps, SAMPLES), nb_units),
    )
    _backward(block, inputs, chosen, steps, grad.numpy(), grad_w)
    return torch.from_numpy(grad_w)


@entry
def _list(spikes: Any, trains: Trains) -> None:
    """Fill the trains, a bag for each row, with what is not 0."""
    end = 0
    for row in range(len(spikes)):
        for unit in range(spikes.shape[1]):
            if spikes[row, unit] != 0.0:
                trains.unit[end] = unit
                trains.counts[end] = spikes[row, unit]
                end += 1
        trains.bags[row + 1] = end


@entry
def _forward(w: Any, inputs: Trains, chosen: Any, steps: int, rows: Any) -> None:
    """Fill rows, one for each step of each sample."""
    for n in range(len(chosen)):
        first = chosen[n] * steps
        sum_bags(w, inputs, first, first + steps, rows, n * steps * w.shape[1], w.shape[1])


@entry
def _backward(block: Block, inputs: Trains, chosen: Any, steps: int, grad: Any, grad_w: Any) -> None:
    """Add to grad_w from the gradient of the currents, (B, T, H)."""
    for start in range(0, len(chosen), len(block.first)):
        samples = min(len(block.first), len(chosen) - start)
        for m in range(samples):
            block.first[m] = chosen[start + m] * steps
        take(block.rows, grad, start, samples)
        nb_active = sort_by_unit(inputs, block.first, samples, steps, 0, block.order)
        add_weight_gradient(block.rows, 0, block.order, nb_active, grad_w)
