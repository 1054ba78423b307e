"""Packed spikes: what a data set of events looks like in memory, and the batches made from it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snn_tune.datasets.batching import gather

Ints = NDArray[np.integer]


@dataclass(frozen=True)
class EventBatch:
    """Spikes of B samples as one bag of events for each sample and step, ordered by sample, step and unit.

    Attributes:
        unit: input unit of each event, (E,) int32.
        count: spikes of that unit in that step, (E,) float32.
        bags: where the events of sample b and step t start, at `b * T + t`; (B * T + 1,) int32.
        nb_steps: T.
    """

    unit: Tensor
    count: Tensor
    bags: Tensor
    nb_steps: int

    def __len__(self) -> int:
        return (len(self.bags) - 1) // self.nb_steps

    def to(self, device: torch.device) -> "EventBatch":
        return EventBatch(self.unit.to(device), self.count.to(device), self.bags.to(device), self.nb_steps)


@dataclass(frozen=True)
class Events:
    """Spikes of N samples, ordered by sample, step and unit, at most one event for each of these.

    Attributes:
        offsets: where the events of a sample start, (N + 1,) int64.
        step, unit: when and where, (E,), the smallest unsigned type that holds them.
        count: spikes that fell together, (E,), at least 1.
        nb_steps, nb_units: the ranges of step and unit.
    """

    offsets: Ints
    step: Ints
    unit: Ints
    count: Ints
    nb_steps: int
    nb_units: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def nbytes(self) -> int:
        return self.offsets.nbytes + self.step.nbytes + self.unit.nbytes + self.count.nbytes

    def batch(self, samples: Ints) -> EventBatch:
        """The events of these samples, in this order.

        Raises:
            IndexError: there is no such sample; none counts from the end, as compiled code tests no index.
        """
        samples = np.asarray(samples, np.int64)
        if len(samples) and not 0 <= samples.min() <= samples.max() < len(self):
            raise IndexError(f"samples must be 0 to {len(self) - 1}; they are {samples.min()} to {samples.max()}")
        nb_events = int((self.offsets[samples + 1] - self.offsets[samples]).sum())
        units, counts = np.empty(nb_events, np.int32), np.empty(nb_events, np.float32)
        bags = np.empty(len(samples) * self.nb_steps + 1, np.int32)
        packed = self.offsets, self.step, self.unit, self.count
        gather(*packed, samples, self.nb_steps, units, counts, bags)
        return EventBatch(torch.from_numpy(units), torch.from_numpy(counts), torch.from_numpy(bags), self.nb_steps)


class Packer:
    """Builds `Events` from raw spikes, chunk by chunk, so that no raw copy of a whole set is ever held."""

    chunk_samples = 256  # of each `add`: what bounds the memory for sorting

    def __init__(self, nb_steps: int, nb_units: int) -> None:
        self.nb_steps, self.nb_units = nb_steps, nb_units
        self._lengths: list[Ints] = []
        self._steps: list[Ints] = []
        self._units: list[Ints] = []
        self._counts: list[Ints] = []

    def add(self, nb_samples: int, sample: Ints, step: Ints, unit: Ints) -> None:
        """Append a chunk of samples, about `chunk_samples` of them.

        Args:
            nb_samples: samples in this chunk, also those without a spike.
            sample, step, unit: one entry for each spike, in any order; sample counts from 0 in this chunk.
        """
        sample_cells = self.nb_steps * self.nb_units
        cell = (sample.astype(np.int64) * self.nb_steps + step) * self.nb_units + unit
        cell.sort()  # faster than counting in a dense array where few cells hold a spike
        first = np.flatnonzero(np.diff(cell, prepend=-1))
        counts = np.diff(first, append=len(cell))
        cell = cell[first]
        sample, rest = np.divmod(cell, sample_cells)
        self._lengths.append(np.bincount(sample, minlength=nb_samples))
        self._steps.append((rest // self.nb_units).astype(np.min_scalar_type(self.nb_steps - 1)))
        self._units.append((rest % self.nb_units).astype(np.min_scalar_type(self.nb_units - 1)))
        self._counts.append(counts.astype(np.min_scalar_type(counts.max(initial=1))))

    def events(self) -> Events:
        """All chunks as one. Empties the packer as it goes, to hold each array once."""
        offsets = np.concatenate([[0], *self._lengths]).cumsum()
        return Events(
            offsets.astype(np.int64),
            _drain(self._steps),
            _drain(self._units),
            _drain(self._counts),
            self.nb_steps,
            self.nb_units,
        )


def _drain(chunks: list[Ints]) -> Ints:
    joined = np.concatenate(chunks)
    chunks.clear()
    return joined
