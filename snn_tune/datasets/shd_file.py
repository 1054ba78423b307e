"""A file of SHD: HDF5, laid out as the official ones."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from snn_tune import hdf5
from snn_tune.datasets import folder
from snn_tune.datasets.dataset import Samples
from snn_tune.datasets.events import Events, Packer
from snn_tune.datasets.folder import DataFile
from snn_tune.errors import UserError

NB_UNITS: Final = 700
NB_CLASSES: Final = 20
MAX_BYTES = 1 << 30  # the official training file unpacked has about 260 MB
MAX_SAMPLES = 100_000
ROWS = 64  # recordings read at once: some 500,000 spikes


@dataclass(frozen=True)
class Recordings:
    """One file's recordings.

    Attributes:
        labels, speakers: of each recording, (N,) int64.
        content: sha256 of all that was read, the same however the file was packed.
    """

    events: Events
    labels: NDArray[np.int64]
    speakers: NDArray[np.int64]
    content: bytes


def recordings(file: DataFile, nb_steps: int, max_time: float) -> Recordings:
    """All of a file, its spikes sorted into the steps that `max_time` (s) is divided into; later spikes are left out.

    Raises:
        UserError: the file is not whole, or not laid out as the official ones.
    """
    with _opened(file) as h5:
        events, content = _events(h5, nb_steps, max_time)
        label, speaker = _labels(h5, len(events)), _whole_numbers(h5, "extra/speaker", len(events))
    content += label.tobytes() + speaker.tobytes()
    return Recordings(events, label, speaker, hashlib.sha256(content).digest())


def samples(file: DataFile, nb_steps: int, max_time: float) -> Samples:
    """The same without speakers; labels may be absent."""
    with _opened(file) as h5:
        events, _ = _events(h5, nb_steps, max_time)
        return Samples(events, _labels(h5, len(events)) if "labels" in h5 else None)


@contextmanager
def _opened(file: DataFile) -> Iterator[h5py.File]:
    """The file, open; whatever is wrong with it becomes one line that names it."""
    path = folder.plain(file, MAX_BYTES)
    try:
        with h5py.File(path, "r", locking=False) as h5:  # network folders often cannot lock
            yield h5
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as err:  # h5py has no error of its own
        raise UserError(f"{file.path}: not a whole SHD file: {str(err).strip().splitlines()[0]}") from err


def _labels(h5: h5py.File, nb_samples: int) -> NDArray[np.int64]:
    label = _whole_numbers(h5, "labels", nb_samples)
    if label.min() < 0 or label.max() >= NB_CLASSES:
        raise ValueError(f"a label outside 0..{NB_CLASSES - 1}")
    return label


def _whole_numbers(h5: h5py.File, name: str, nb_samples: int) -> NDArray[np.int64]:
    values = _dataset(h5, name, "ui")
    if len(values) != nb_samples:
        raise ValueError(f"{nb_samples} spikes/times, but {len(values)} {name}")
    return values[:].astype(np.int64)


def _events(h5: h5py.File, nb_steps: int, max_time: float) -> tuple[Events, bytes]:
    """All spikes, and a hash of them as they were read."""
    times, units = _dataset(h5, "spikes/times", "f", vlen=True), _dataset(h5, "spikes/units", "ui", vlen=True)
    nb_samples = len(times)
    if not 0 < nb_samples <= MAX_SAMPLES or len(units) != nb_samples:
        raise ValueError(f"{nb_samples} spikes/times, {len(units)} spikes/units; at most {MAX_SAMPLES}")
    packer = Packer(nb_steps, NB_UNITS)
    hashes = [hashlib.sha256() for _ in range(3)]  # apart, so that the result knows nothing of the rows read at once
    rows = min(ROWS, packer.chunk_samples)
    for start in range(0, nb_samples, rows):
        length, time, unit = _spikes(times, units, slice(start, start + rows))
        for sha, array in zip(hashes, (length, time, unit), strict=True):
            sha.update(array.tobytes())
        position = time.astype(np.float64) / max_time * nb_steps  # float16 would be too coarse, and overflow
        inside = position < nb_steps
        sample = np.repeat(np.arange(len(length)), length)
        packer.add(len(length), sample[inside], position[inside].astype(np.int64), unit[inside])
    return packer.events(), b"".join(sha.digest() for sha in hashes)


def _spikes(
    times: h5py.Dataset, units: h5py.Dataset, where: slice
) -> tuple[NDArray[np.int64], NDArray[np.floating], NDArray[np.integer]]:
    """Spikes of each of these recordings, and the times (s) and units of them all, joined."""
    time, unit = times[where], units[where]
    lengths = np.array([len(one) for one in time])
    if (lengths != [len(one) for one in unit]).any():
        raise ValueError("a recording with more spikes/times than spikes/units, or fewer")
    time, unit = (
        np.concatenate(rows).astype(h5py.check_vlen_dtype(dataset.dtype), copy=False)
        for rows, dataset in ((time, times), (unit, units))
    )
    if not (time >= 0).all():  # NaN neither
        raise ValueError("a spike time that is negative or not a number")
    if unit.min(initial=0) < 0 or unit.max(initial=0) >= NB_UNITS:
        raise ValueError(f"a unit outside 0..{NB_UNITS - 1}")
    return lengths, time, unit


def _dataset(h5: h5py.File, name: str, kinds: str, vlen: bool = False) -> h5py.Dataset:
    """A one-dimensional data set of one of these kinds of numbers."""
    node = hdf5.dataset(h5, name)
    if node.ndim != 1:
        raise ValueError(f"{name} is not a one-dimensional data set")
    dtype = h5py.check_vlen_dtype(node.dtype) if vlen else node.dtype
    if dtype is None or np.dtype(dtype).kind not in kinds:
        raise ValueError(f"{name} is of type {node.dtype}")
    return node
