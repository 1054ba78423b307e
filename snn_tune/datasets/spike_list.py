"""Spikes as a list, one entry each: what a user's function returns and an .npz file holds, checked and binned."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snn_tune.datasets import folder
from snn_tune.datasets.dataset import Samples
from snn_tune.datasets.events import Events, Packer
from snn_tune.errors import UserError, one_line

MAX_BYTES = 4 << 30  # of an .npz file once unpacked
COLUMNS = ("sample", "time", "unit")


@dataclass(frozen=True)
class SpikeList:
    """Spikes, ordered by sample.

    Attributes:
        sample, time, unit: of each spike; samples and units count from 0.
        nb_samples: also those without a spike.
        label: class of each sample, where it is known.
    """

    sample: NDArray[np.int64]
    time: NDArray[np.float64]
    unit: NDArray[np.int64]
    nb_samples: int
    label: NDArray[np.int64] | None

    def events(self, nb_steps: int, nb_inputs: int, max_time: float) -> Events:
        """Cut `max_time`, in the unit of the times, into steps; later spikes go nowhere."""
        step = np.floor(self.time / max_time * nb_steps).astype(np.int64)
        inside = step < nb_steps
        sample, step, unit = self.sample[inside], step[inside], self.unit[inside]
        packer = Packer(nb_steps, nb_inputs)
        for first in range(0, self.nb_samples, packer.chunk_samples):
            last = min(first + packer.chunk_samples, self.nb_samples)
            some = slice(*np.searchsorted(sample, [first, last]))
            packer.add(last - first, sample[some] - first, step[some], unit[some])
        return packer.events()


def checked(where: object, columns: Any, label: ArrayLike | None, nb_inputs: int, nb_classes: int) -> SpikeList:
    """A list from sample, time and unit; without labels the last sample is the last that spikes.

    Raises:
        UserError: they do not fit each other; it begins with `where`.
    """
    try:
        sample, time, unit = (np.asarray(column) for column in columns)
        known = None if label is None else np.asarray(label)
    except (ValueError, TypeError):
        raise UserError(f"{where}: events must be three arrays: sample, time, unit") from None
    lengths = {len(column) if column.ndim == 1 else -1 for column in (sample, time, unit)}
    if len(lengths) > 1 or -1 in lengths or (known is not None and (known.ndim != 1 or not len(known))):
        raise UserError(f"{where}: sample, time and unit must be of one length, and label one for each sample")
    if known is None and not len(sample):
        raise UserError(f"{where}: has neither spikes nor labels, so no samples")
    limits = {"sample": (sample, None if known is None else len(known)), "unit": (unit, nb_inputs)}
    limits |= {} if known is None else {"label": (known, nb_classes)}
    for name, (column, end) in limits.items():
        if not np.issubdtype(column.dtype, np.integer) and column.size:
            raise UserError(f"{where}: {name} must be whole numbers; it is {column.dtype}")
        if column.size and (column.min() < 0 or (end is not None and column.max() >= end)):
            allowed = "0 or more" if end is None else f"0 to {end - 1}"
            raise UserError(f"{where}: {name} must be {allowed}; it is {column.min()} to {column.max()}")
    if not np.issubdtype(time.dtype, np.number) or np.iscomplexobj(time):
        raise UserError(f"{where}: time must be numbers; it is {time.dtype}")
    time = time.astype(float)
    if not np.isfinite(time).all() or (time < 0).any():
        raise UserError(f"{where}: time must be 0 or more, in the unit of max_time")
    nb_samples = int(sample.max()) + 1 if known is None else len(known)
    if known is None and nb_samples > 1_000_000:
        raise UserError(f"{where}: sample goes up to {nb_samples - 1}; at most 1,000,000 samples at once")
    order = np.argsort(sample, kind="stable")
    ints = None if known is None else known.astype(np.int64)
    return SpikeList(sample[order].astype(np.int64), time[order], unit[order].astype(np.int64), nb_samples, ints)


def read(path: Path, nb_steps: int, nb_inputs: int, nb_classes: int, max_time: float) -> Samples:
    """Samples of an .npz file with the arrays sample, time, unit and, where classes are known, label.

    Raises:
        UserError: the file is missing or damaged, or its arrays do not fit.
    """
    folder.named(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise UserError(f"{path}: holds more than the {MAX_BYTES:,} bytes that this file may have")
        with np.load(path, allow_pickle=False) as arrays:
            if absent := [name for name in COLUMNS if name not in arrays]:
                raise UserError(f"{path}: has no array {absent[0]}; it needs sample, time, unit, and may have label")
            columns = [arrays[name] for name in COLUMNS]
            label = arrays.get("label")
    except (OSError, EOFError, ValueError, MemoryError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not an .npz file of spikes ({one_line(error)})") from error
    found = checked(path, columns, label, nb_inputs, nb_classes)
    return Samples(found.events(nb_steps, nb_inputs, max_time), found.label)
