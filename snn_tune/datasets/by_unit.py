"""The second order of a data set's events, by sample and unit: the gradient of input weights sums in it."""

from typing import NamedTuple

import torch
from torch import Tensor

CHUNK = 256  # samples sorted at a time: what bounds the memory for sorting


class ByUnit(NamedTuple):
    """The same E events of N samples, ordered by sample, unit and step.

    Attributes:
        steps: of each event, (E,); uint8, or uint16, or int32, the first that holds T - 1.
        counts: spikes of each event, (E,), of the type that they had.
        starts: where the events of a sample's units start, and the last ends, counted from the sample's first;
            (N, units + 1) int32.
    """

    steps: Tensor
    counts: Tensor
    starts: Tensor


def by_unit(unit: Tensor, count: Tensor, bags: Tensor, nb_steps: int, nb_units: int) -> ByUnit:
    """Put events in this order, where they lie; arguments as `Events`."""
    nb_samples = (len(bags) - 1) // nb_steps
    narrow = torch.uint8 if nb_steps <= 1 << 8 else torch.uint16 if nb_steps <= 1 << 16 else torch.int32
    found = ByUnit(
        torch.empty_like(unit, dtype=narrow),
        torch.empty_like(count),
        unit.new_empty(nb_samples, nb_units + 1, dtype=torch.int32),
    )
    units = torch.arange(nb_units + 1, device=bags.device)
    for first in range(0, nb_samples, CHUNK):
        own = bags[first * nb_steps : (first + CHUNK) * nb_steps + 1]
        here = slice(int(own[0]), int(own[-1]))
        bag = torch.repeat_interleave(own.diff().int(), output_size=here.stop - here.start)
        cell, order = (bag // nb_steps * nb_units + unit[here].int()).sort(stable=True)
        found.steps[here] = (bag % nb_steps)[order].to(narrow)
        found.counts[here] = count[here][order]
        firsts = own[:-1:nb_steps] - own[0]
        edges = torch.arange(len(firsts), device=bags.device)[:, None] * nb_units + units
        found.starts[first : first + CHUNK] = torch.searchsorted(cell, edges.int()) - firsts[:, None]
    return found
