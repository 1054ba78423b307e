"""What every data set gives to training: three parts of one source of samples, and what they are made of."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snn_tune.datasets.events import EventBatch, Events, Ints
from snn_tune.datasets.packed import Packed

Inputs = EventBatch | Tensor


@dataclass(frozen=True, eq=False)
class Analog(Packed):
    """Analog channels, each frame held for `repeats` steps.

    Attributes:
        values: (N, frames, channels), float32.
        repeats: steps for each frame.
    """

    values: Tensor
    repeats: int

    def __len__(self) -> int:
        return len(self.values)

    @property
    def nb_steps(self) -> int:
        return self.values.shape[1] * self.repeats

    def batch(self, samples: Tensor) -> Tensor:
        """(B, steps, channels) of these samples, in this order."""
        return self.values[samples].repeat_interleave(self.repeats, dim=1)


@dataclass(frozen=True, eq=False)
class Part(Packed):
    """Training, validation or test part: some samples of a source, and their classes.

    Attributes:
        source: the packed samples; parts may share one.
        samples: which of them, (n,) int64.
        labels: the class of each, (n,) int64.
    """

    source: Events | Analog
    samples: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.samples)

    def batches(self, size: int, order: Ints | None = None) -> Iterator[tuple[Inputs, Tensor]]:
        """Input and classes of all samples, `size` at a time; the last batch may be smaller.

        Args:
            order: places of the part, (n,); by default as they are. They go to the part's device at once.
        """
        samples, labels = self.samples, self.labels
        if order is not None:
            places = torch.from_numpy(order).to(labels.device)
            samples, labels = samples[places], labels[places]
        for some, classes in zip(samples.split(size), labels.split(size), strict=True):
            yield self.source.batch(some), classes


def take(source: Events | Analog, labels: Ints, places: Ints) -> Part:
    """The samples at these places of a source with these labels."""
    return Part(source, torch.from_numpy(places), torch.from_numpy(labels[places]))


class Samples(NamedTuple):
    """What one file holds: its samples, and the class of each, (N,), where it says so."""

    source: Events | Analog
    labels: NDArray[np.int64] | None


@dataclass(frozen=True)
class Dataset:
    """A data set at one number of time steps.

    Attributes:
        nb_inputs: input units, or channels of analog data.
        fingerprint: hash of the content and of the settings that made these parts from it (not of nb_steps).
        files: sha256 of each file that it was read from, by name.
        remark: what has to be said of it wherever its results are shown, or "".
        table: the [data] table; with `measured`, all that it takes to bring another file to the same form.
        measured: what was measured of the training part and scales all parts, by name.
    """

    train: Part
    valid: Part
    test: Part
    nb_inputs: int
    nb_classes: int
    nb_steps: int
    fingerprint: str
    files: dict[str, str] = field(default_factory=dict)
    remark: str = ""
    table: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, list[float]] = field(default_factory=dict)

    def to(self, device: torch.device | str) -> "Dataset":
        """The same on another device; parts that share a source share its copy."""
        parts = self.train, self.valid, self.test
        sources = {id(part.source): part.source.to(device) for part in parts}
        train, valid, test = (replace(part, source=sources[id(part.source)]).to(device) for part in parts)
        return replace(self, train=train, valid=valid, test=test)

    @property
    def analog(self) -> bool:
        return isinstance(self.train.source, Analog)

    @property
    def repeats(self) -> int:
        """Steps for each frame of the recording: the time step is the study's `dt` divided by this."""
        source = self.train.source
        return source.repeats if isinstance(source, Analog) else 1


def stratified(labels: Ints, fraction: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split places 0..n-1 so that each class gives the same fraction (rounded) to the second part.

    Returns:
        The places of the first and of the second part, each ascending.
    """
    rng = np.random.default_rng(seed)
    second = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        second[members[: round(fraction * len(members))]] = True
    return np.flatnonzero(~second), np.flatnonzero(second)
