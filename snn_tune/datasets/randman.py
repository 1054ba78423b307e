"""randman: classes of spike trains on smooth random manifolds, generated from a seed (Zenke and Vogels 2021)."""

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from snn_tune.datasets import spike_list
from snn_tune.datasets.dataset import Dataset, Samples, take
from snn_tune.datasets.events import Packer
from snn_tune.datasets.source import DataSource

Floats = NDArray[np.float64]


class Randman(DataSource):
    """Each class is a manifold: a smooth random function from points in [0, 1]^dim_manifold to spike times.

    Every unit spikes `nb_spikes` times in every sample; the class shows in how the times hang together.

    Attributes:
        dim_manifold: dimensions of each manifold.
        smoothness: alpha of the paper, the fall-off `1 / n^alpha` of the spectrum; higher is smoother.
        jitter: standard deviation of noise on each spike time, as a part of the recording.
        seed: draws manifolds and samples.
    """

    name: Literal["randman"]
    nb_inputs: int = Field(50, ge=1, le=10_000)
    nb_classes: int = Field(10, ge=2, le=1000)
    nb_spikes: int = Field(1, ge=1, le=100)
    dim_manifold: int = Field(2, ge=1, le=100)
    smoothness: float = Field(2.0, ge=1, le=100)
    jitter: float = Field(0.0, ge=0, le=1)
    nb_train: int = Field(1000, ge=1, le=1_000_000)
    nb_valid: int = Field(500, ge=1, le=1_000_000)
    nb_test: int = Field(500, ge=1, le=1_000_000)
    seed: int = Field(0, ge=0)

    def load(self, nb_steps: int, data_dir: Path) -> Dataset:
        """Generate the three parts, drawn apart; spike times in [0, 1) become steps. No file is read."""
        times, labels = self._samples()
        packer = Packer(nb_steps, self.nb_inputs)
        spikes = np.minimum((times * nb_steps).astype(np.int64), nb_steps - 1)
        for start in range(0, len(labels), packer.chunk_samples):
            sample, unit, which = np.indices(spikes[start : start + packer.chunk_samples].shape)
            packer.add(int(sample.max()) + 1, sample.ravel(), spikes[start + sample, unit, which].ravel(), unit.ravel())
        events = packer.events()
        train, valid, test = np.split(np.arange(len(labels)), np.cumsum([self.nb_train, self.nb_valid]))
        digest = hashlib.sha256(self.model_dump_json().encode() + times.tobytes() + labels.tobytes())
        return Dataset(
            train=take(events, labels, train),
            valid=take(events, labels, valid),
            test=take(events, labels, test),
            nb_inputs=self.nb_inputs,
            nb_classes=self.nb_classes,
            nb_steps=nb_steps,
            fingerprint=digest.hexdigest(),
            table=self.model_dump(),
        )

    def read(self, path: Path, nb_steps: int, measured: dict[str, list[float]]) -> Samples:
        """Read an .npz file, see `spike_list.read`; its times are parts of the recording, 0 to 1."""
        return spike_list.read(path, nb_steps, self.nb_inputs, self.nb_classes, max_time=1.0)

    def _samples(self) -> tuple[Floats, NDArray[np.int64]]:
        """Spike times in [0, 1), (samples, units, spikes), and labels."""
        nb_samples = self.nb_train + self.nb_valid + self.nb_test
        rng = np.random.default_rng(self.seed)
        labels = rng.permutation(np.arange(nb_samples) % self.nb_classes)
        times = np.empty((nb_samples, self.nb_inputs, self.nb_spikes))
        for label in range(self.nb_classes):
            members = np.flatnonzero(labels == label)
            for which in range(self.nb_spikes):
                points = rng.random((len(members), self.dim_manifold))
                times[members, :, which] = smooth_manifold(points, self.nb_inputs, self.smoothness, rng)
        if self.jitter:
            times += self.jitter * rng.standard_normal(times.shape)
        return times.clip(0.0, np.nextafter(1.0, 0.0)), labels.astype(np.int64)


def smooth_manifold(points: Floats, nb_units: int, smoothness: float, rng: np.random.Generator) -> Floats:
    """Spike times of these points on a newly drawn manifold, scaled to [0, 1] for each unit.

    Unit i is a product over the manifold's dimensions d of
    `sum_n a_ind / (n + 1)^smoothness sin(2 pi (n b_ind x_d + c_ind))`, with a, b, c uniform in [0, 1).

    Args:
        points: (samples, dimensions), in [0, 1].

    Returns:
        (samples, units).
    """
    nb_waves = int(np.ceil(1e-3 ** (-1.0 / smoothness)))  # waves weaker than 1e-3 are left out
    frequency = np.arange(1, nb_waves)
    amplitude = 1.0 / (frequency + 1) ** smoothness
    a, b, c = rng.random((3, nb_units, points.shape[1], len(frequency)))
    values = np.ones((len(points), nb_units))
    for d in range(points.shape[1]):
        x = points[:, d, None]
        values *= sum(
            amplitude[n] * a[:, d, n] * np.sin(2 * np.pi * (frequency[n] * b[:, d, n] * x + c[:, d, n]))
            for n in range(len(frequency))
        )
    low, high = values.min(axis=0, initial=np.inf), values.max(axis=0, initial=-np.inf)
    return (values - low) / np.maximum(high - low, 1e-12)
