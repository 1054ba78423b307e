"""Packed spikes: what a data set of events looks like in memory, and the batches made from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snn_tune.datasets.by_unit import ByUnit, by_unit
from snn_tune.datasets.packed import Packed

Ints = NDArray[np.integer]
UNITS, COUNTS = (torch.uint16, torch.int32), (torch.uint8, torch.float32)


@dataclass(frozen=True, eq=False)
class Events(Packed):
    """Spikes of N samples as one bag of events for each sample and step, ordered by sample, step and unit.

    Attributes:
        unit: input unit of each event, (E,) uint16; int32 where there are more units.
        count: spikes of that unit in that step, (E,) uint8; float32 where one is larger, or no whole number.
        bags: where the events of sample n and step t start, at `n T + t`; (N T + 1,) int64.
        nb_steps, nb_units: T and the number of input units.

    The arrays are checked once, here: compiled code tests no index, so they must not be written to afterwards.

    Raises:
        ValueError: the arrays do not fit each other.
    """

    unit: Tensor
    count: Tensor
    bags: Tensor
    nb_steps: int
    nb_units: int

    def __post_init__(self) -> None:
        kinds = (self.unit.dtype, self.count.dtype, self.bags.dtype)
        if not (kinds[0] in UNITS and kinds[1] in COUNTS and kinds[2] == torch.int64):
            raise ValueError(f"unit, count and bags must be of {UNITS}, {COUNTS} and torch.int64; they are of {kinds}")
        if not all(array.ndim == 1 and array.is_contiguous() for array in (self.unit, self.count, self.bags)):
            raise ValueError("unit, count and bags must be contiguous, of one dimension")
        if self.bags.device.type == "cpu":  # what is on a GPU came from here
            self._check()

    def _check(self) -> None:
        unit, bags = self.unit.numpy(), self.bags.numpy()
        if self.nb_steps < 1 or not len(bags) or len(bags) % self.nb_steps != 1 % self.nb_steps:
            raise ValueError(f"bags must be a multiple of nb_steps = {self.nb_steps}, and one; they are {len(bags)}")
        if bags[0] != 0 or (bags[1:] < bags[:-1]).any() or not bags[-1] == len(unit) == len(self.count):
            raise ValueError("bags must rise from 0 to the number of events, and each event have a unit and a count")
        if len(unit) and not 0 <= unit.min() <= unit.max() < self.nb_units:
            raise ValueError(f"unit must be 0 to {self.nb_units - 1}; it is {unit.min()} to {unit.max()}")

    def __len__(self) -> int:
        return (len(self.bags) - 1) // self.nb_steps

    @cached_property
    def by_unit(self) -> ByUnit:
        """The same in a second order, made when it is first asked for; neither pickled nor moved."""
        return by_unit(self.unit, self.count, self.bags, self.nb_steps, self.nb_units)

    def batch(self, samples: Tensor) -> "EventBatch":
        """These samples, (B,) int64, in this order."""
        return EventBatch(self, samples)


class Bags(NamedTuple):
    """Events as `torch.nn.functional.embedding_bag` takes them; those of bag i start at `offsets[i]`."""

    units: Tensor  # (E,) int32
    counts: Tensor  # (E,) float32
    offsets: Tensor  # (B T + 1,) int32


@dataclass(frozen=True, eq=False)
class EventBatch:
    """Some samples of a data set: nothing is copied, kernels read the events where they lie.

    Attributes:
        samples: which, (B,) int64, on the device of the events.
    """

    events: Events
    samples: Tensor

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, part: slice) -> "EventBatch":
        return EventBatch(self.events, self.samples[part])

    @property
    def nb_steps(self) -> int:
        return self.events.nb_steps

    def bags(self) -> Bags:
        """A copy of the batch's events, in its order."""
        events, shape = self.events, (len(self.events), self.nb_steps)
        starts = events.bags[:-1].view(shape)[self.samples].flatten()
        lengths = events.bags[1:].view(shape)[self.samples].flatten() - starts
        offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        of = torch.arange(int(offsets[-1]), device=starts.device) + (starts - offsets[:-1]).repeat_interleave(lengths)
        return Bags(events.unit[of].int(), events.count[of].float(), offsets.int())


class Packer:
    """Builds `Events` from raw spikes, chunk by chunk, so that no raw copy of a whole set is ever held."""

    chunk_samples = 256  # of each `add`: what bounds the memory for sorting

    def __init__(self, nb_steps: int, nb_units: int) -> None:
        self.nb_steps, self.nb_units = nb_steps, nb_units
        self._lengths: list[Ints] = []
        self._units: list[Ints] = []
        self._counts: list[NDArray[Any]] = []

    def add(self, nb_samples: int, sample: Ints, step: Ints, unit: Ints) -> None:
        """Append a chunk of samples, about `chunk_samples` of them.

        Args:
            nb_samples: samples in this chunk, also those without a spike.
            sample, step, unit: one entry for each spike, in any order; sample counts from 0 in this chunk.
        """
        cell = (sample.astype(np.int64) * self.nb_steps + step) * self.nb_units + unit
        cell.sort()  # faster than counting in a dense array where few cells hold a spike
        first = np.flatnonzero(np.diff(cell, prepend=-1))
        counts = np.diff(first, append=len(cell))
        bag, units = np.divmod(cell[first], self.nb_units)
        self._lengths.append(np.bincount(bag, minlength=nb_samples * self.nb_steps).astype(np.int32))
        self._units.append(units.astype(np.uint16 if self.nb_units <= 1 << 16 else np.int32))
        self._counts.append(counts.astype(np.uint8 if counts.max(initial=1) < 256 else np.float32))

    def events(self) -> Events:
        """All chunks as one. Empties the packer as it goes, to hold each array once."""
        bags = np.zeros(sum(map(len, self._lengths)) + 1, np.int64)
        np.cumsum(_drain(self._lengths), out=bags[1:])
        unit, count = torch.from_numpy(_drain(self._units)), torch.from_numpy(_drain(self._counts))
        return Events(unit, count, torch.from_numpy(bags), self.nb_steps, self.nb_units)


def _drain(chunks: list[NDArray[Any]]) -> NDArray[Any]:
    joined = np.concatenate(chunks)
    chunks.clear()
    return joined
