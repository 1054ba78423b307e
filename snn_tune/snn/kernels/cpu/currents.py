"""Events to the currents of a layer, between other PyTorch code: a PyTorch function with a backward of its own."""

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
    result: Tensor = _Currents.apply(w, batch)
    return result


class _Currents(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, w: Tensor, batch: EventBatch) -> Tensor:
        weights = memory.matrix(w)
        rows = memory.aligned(len(batch) * batch.nb_steps, weights.shape[1])
        _forward(weights, *input_events(batch), batch.nb_steps, rows)
        ctx.batch, ctx.shape = batch, w.shape
        return torch.from_numpy(rows)[:, : w.shape[1]].unflatten(0, (len(batch), batch.nb_steps))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (nb_inputs, width), batch = ctx.shape, ctx.batch
        grad_w = memory.aligned(nb_inputs, memory.padded(width))
        inputs, chosen = input_events(batch)
        block = Block(
            memory.aligned(SAMPLES * (batch.nb_steps + 1), memory.padded(width)),
            np.zeros(SAMPLES, np.int64),
            memory.by_unit(most_events(inputs, chosen, batch.nb_steps, SAMPLES), nb_inputs),
        )
        _backward(block, inputs, chosen, batch.nb_steps, grads[0].contiguous().numpy(), grad_w)
        return torch.from_numpy(np.ascontiguousarray(grad_w[:, :width])), None


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
