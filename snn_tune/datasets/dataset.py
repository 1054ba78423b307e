"""What every data set gives to training: three parts of one source of samples, and what they are made of."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snn_tune.datasets.events import EventBatch, Events, Ints


@dataclass(frozen=True)
class Analog:
    """Analog channels, each frame held for `repeats` steps.

    Attributes:
        values: (N, frames, channels), float32.
        repeats: steps for each frame.
    """

    values: NDArray[np.float32]
    repeats: int

    def __len__(self) -> int:
        return len(self.values)

    @property
    def nb_steps(self) -> int:
        return self.values.shape[1] * self.repeats

    def batch(self, samples: Ints) -> Tensor:
        """(B, steps, channels) of these samples, in this order."""
        return torch.from_numpy(self.values[samples].repeat(self.repeats, axis=1))


@dataclass(frozen=True)
class Part:
    """Training, validation or test part: some samples of a source, and their classes.

    Attributes:
        source: the packed samples; parts may share one.
        samples: which of them, (n,) integers.
        labels: the class of each, (n,) int64.
    """

    source: Events | Analog
    samples: Ints
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.samples)

    def batch(self, where: Ints) -> tuple[EventBatch | Tensor, Tensor]:
        """Input and classes of the samples at these places of the part."""
        return self.source.batch(self.samples[where]), torch.from_numpy(self.labels[where])


@dataclass(frozen=True)
class Dataset:
    """A data set at one number of time steps.

    Attributes:
        nb_inputs: input units, or channels of analog data.
        fingerprint: hash of the content and of the settings that made these parts from it (not of nb_steps).
        files: sha256 of each file that it was read from, by name.
    """

    train: Part
    valid: Part
    test: Part
    nb_inputs: int
    nb_classes: int
    nb_steps: int
    fingerprint: str
    files: dict[str, str] = field(default_factory=dict)

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
