"""One step of a layer of current-based LIF units, forward and backward, sixteen units at a time."""

from typing import Any, NamedTuple

import numpy as np

from snn_tune.compiled import inlined
from snn_tune.snn.kernels.cpu.sparse import Floats
from snn_tune.snn.kernels.cpu.vector import (
    LANES,
    bits_above,
    fma,
    lane_sum,
    load,
    lowest_bit,
    magnitude,
    splat,
    store,
    where_above,
    zeros,
)

ONE = np.float32(1.0)


class Units(NamedTuple):
    """What the units of a layer compute; arrays of one value for each unit."""

    alpha: Floats
    beta: Floats
    gain: Floats
    carry: np.float32  # what a spike leaves of the membrane above threshold: 0 for reset = "zero", 1 for "subtract"
    scale: np.float32


@inlined
def step(units: Units, syn: Any, mem: Any, state: int, rows: Any, at: int) -> None:
    """Take in the current at rows[at:], and leave there the membrane that decides the spikes of this step.

    mem' = beta mem + gain syn            where mem <= 1
         = carry (beta mem + gain syn - 1)      mem > 1
    syn' = alpha syn + current
    """
    one = splat(ONE, zeros(LANES))
    carry = splat(units.carry, one)
    for u in range(0, len(units.alpha), LANES):
        m, i = load(mem, state + u, one), load(syn, state + u, one)
        leaked = fma(load(units.beta, u, one), m, load(units.gain, u, one) * i)
        store(mem, state + u, where_above(m, one, carry * (leaked - one), leaked))
        store(syn, state + u, fma(load(units.alpha, u, one), i, load(rows, at + u, one)))
        store(rows, at + u, m)


@inlined
def not_finite(width: int, syn: Any, mem: Any, state: int) -> Any:
    """NaN if a unit's state is NaN or infinite, else 0."""
    total = zeros(LANES)
    for u in range(0, width, LANES):
        m, i = load(mem, state + u, total), load(syn, state + u, total)
        total = total + ((m - m) + (i - i))
    return lane_sum(total)


@inlined
def list_spikes(width: int, rows: Any, at: int, spikes: Any, end: int) -> int:
    """Append the units whose membrane at rows[at:] is above 1 to a list that ends at `end`; returns its new end.

    Sixteen comparisons make one integer, and its bits are the spikes.
    """
    one = splat(ONE, zeros(LANES))
    for u in range(0, width, LANES):
        fired = bits_above(load(rows, at + u, one), one)
        while fired != 0:
            spikes[np.uint64(end)] = u + lowest_bit(fired)
            end += 1
            fired &= fired - np.uint64(1)
    return end


@inlined
def step_back(
    units: Units, grad_syn: Any, grad_mem: Any, state: int, grad_spikes: Any, spikes_at: int, rows: Any, at: int
) -> None:
    """Replace the membrane at rows[at:] by the gradient of that step's current.

    d current = d syn'
    d mem     = beta kept d mem' + d spikes / (scale |mem - 1| + 1)^2     kept = 1 where mem <= 1, else carry
    d syn     = alpha d syn' + gain kept d mem'
    """
    one = splat(ONE, zeros(LANES))
    carry, scale = splat(units.carry, one), splat(units.scale, one)
    for u in range(0, len(units.alpha), LANES):
        m, grad = load(rows, at + u, one), load(grad_syn, state + u, one)
        kept = where_above(m, one, carry, one) * load(grad_mem, state + u, one)
        slope = fma(scale, magnitude(m - one), one)
        arriving = load(grad_spikes, spikes_at + u, one) / (slope * slope)
        store(rows, at + u, grad)
        store(grad_mem, state + u, fma(load(units.beta, u, one), kept, arriving))
        store(grad_syn, state + u, fma(load(units.alpha, u, one), grad, load(units.gain, u, one) * kept))
