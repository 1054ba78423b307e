"""A layer alone, between other PyTorch code: currents in, spikes and membranes out, and back."""

from typing import Any, NamedTuple

from snn_tune.compiled import entry, inlined
from snn_tune.snn.kernels.cpu.dense import product
from snn_tune.snn.kernels.cpu.sparse import ByUnit, Counts, Floats, Trains, add_bag, add_weight_gradient, sort_by_unit
from snn_tune.snn.kernels.cpu.units import Units, list_spikes, step, step_back


class Layer(NamedTuple):
    """Units, weights and the memory of a block of samples; without recurrence `v` and `back` have no rows."""

    units: Units
    v: Floats  # (hidden, hidden)
    back: Floats  # its transpose
    rows: Floats  # (samples (steps + 1), hidden): currents, then membranes, then gradients of currents
    grads: Floats  # the same of spikes
    syn: Floats  # (samples, hidden)
    mem: Floats
    first: Counts  # (samples,): the bag of each sample's first step
    spikes: Trains
    order: ByUnit


@inlined
def take(rows: Any, values: Any, first: int, samples: int) -> None:
    """Samples `first` on of an array (B, T, H) into the rows of a block."""
    steps, width = values.shape[1:]
    for m in range(samples):
        for t in range(steps):
            for u in range(width):
                rows[m * (steps + 1) + t, u] = values[first + m, t, u]


@inlined
def _list_all(layer: Layer, samples: int, steps: int) -> None:
    """The spikes of the membranes in a block's rows."""
    stride, end = layer.rows.shape[1], 0
    for bag in range(samples * steps):
        end = list_spikes(stride, layer.rows, (bag + bag // steps) * stride, layer.spikes.unit, end)
        layer.spikes.bags[bag + 1] = end


@entry
def forward(layer: Layer, current: Any, spikes: Any, membrane: Any) -> None:
    """Fill spikes, zeros before, and membrane from current; (B, T, H) each."""
    steps, width = current.shape[1:]
    stride = layer.rows.shape[1]
    for first in range(0, len(current), len(layer.syn)):
        samples = min(len(layer.syn), len(current) - first)
        take(layer.rows, current, first, samples)
        layer.syn[:] = 0.0
        layer.mem[:] = 0.0
        end = 0
        for m in range(samples):
            for t in range(steps):
                bag, row = m * steps + t, m * (steps + 1) + t
                if t > 0 and len(layer.v) > 0:
                    add_bag(layer.v, layer.spikes, bag - 1, layer.rows, row * stride)
                step(layer.units, layer.syn, layer.mem, m * stride, layer.rows, row * stride)
                start, end = end, list_spikes(stride, layer.rows, row * stride, layer.spikes.unit, end)
                layer.spikes.bags[bag + 1] = end
                for e in range(start, end):
                    spikes[first + m, t, layer.spikes.unit[e]] = 1.0
                for u in range(width):
                    membrane[first + m, t, u] = layer.rows[row, u]


@entry
def backward(layer: Layer, membrane: Any, grad_spikes: Any, grad_membrane: Any, grad_current: Any, grad_v: Any) -> None:
    """Fill grad_current, and add to grad_v, from the gradients of spikes and membrane."""
    steps, width = membrane.shape[1:]
    stride = layer.rows.shape[1]
    long = (steps + 1) * stride
    for first in range(0, len(membrane), len(layer.syn)):
        samples = min(len(layer.syn), len(membrane) - first)
        take(layer.rows, membrane, first, samples)
        take(layer.grads, grad_spikes, first, samples)
        _list_all(layer, samples, steps)
        layer.syn[:] = 0.0
        layer.mem[:] = 0.0
        for m in range(samples):
            layer.rows[m * (steps + 1) + steps] = 0.0
        for t in range(steps - 1, -1, -1):
            if len(layer.v) > 0:
                at = t * stride
                product(
                    samples, layer.rows, at + stride, long, layer.back, layer.grads, at, long, layer.grads, at, long
                )
            for m in range(samples):
                at = m * long + t * stride
                step_back(layer.units, layer.syn, layer.mem, m * stride, layer.grads, at, layer.rows, at)
                for u in range(width):
                    layer.mem[m, u] += grad_membrane[first + m, t, u]
        for m in range(samples):
            for t in range(steps):
                for u in range(width):
                    grad_current[first + m, t, u] = layer.rows[m * (steps + 1) + t, u]
        if len(layer.v) > 0:
            nb_active = sort_by_unit(layer.spikes, layer.first, samples, steps, 1, layer.order)
            add_weight_gradient(layer.rows, 0, layer.order, nb_active, grad_v)
