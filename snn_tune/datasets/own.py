"""A data set of the user's own: a function that returns the spikes and the classes of each part."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, PrivateAttr

from snn_tune.datasets.dataset import Dataset, Part, take
from snn_tune.datasets.events import Events, Packer
from snn_tune.datasets.source import DataSource
from snn_tune.errors import UserError

PARTS = ("train", "valid", "test")
Load = Callable[[], Mapping[str, tuple[Any, ArrayLike]]]


class Own(DataSource):
    """Spikes from a function; the study's other settings are those of any data set.

    The function takes nothing and returns, for "train", "valid" and "test", a pair: the events, as three arrays of one
    length (sample, counted from 0 in its part; time, in the unit of `max_time`; unit), and the class of each sample.

    Attributes:
        max_time: length of a sample; it is cut into nb_steps bins, and later events go nowhere.
    """

    name: Literal["own"] = "own"
    nb_inputs: int = Field(ge=1)
    nb_classes: int = Field(ge=2)
    max_time: float = Field(default=1.0, gt=0)
    _function: Load | None = PrivateAttr(None)

    @classmethod
    def of(cls, function: Load, *, nb_inputs: int, nb_classes: int, max_time: float = 1.0) -> "Own":
        own = cls(nb_inputs=nb_inputs, nb_classes=nb_classes, max_time=max_time)
        own._function = function
        return own

    def load(self, nb_steps: int, data_dir: Path) -> Dataset:
        """Call the function, once, and bin what it returns.

        Raises:
            UserError: there is none, since the study comes from a file; or what it returns does not fit.
        """
        parts = self._parts
        digest = hashlib.sha256(self.model_dump_json().encode())
        for name in PARTS:
            for array in parts[name]:
                digest.update(np.ascontiguousarray(array).tobytes())
        train, valid, test = (self._part(nb_steps, *parts[name]) for name in PARTS)
        return Dataset(train, valid, test, self.nb_inputs, self.nb_classes, nb_steps, digest.hexdigest())

    @cached_property
    def _parts(self) -> dict[str, tuple[NDArray[Any], ...]]:
        if self._function is None:
            raise UserError("[data] name = 'own': its function is in a Python program: run that, see the README")
        returned = self._function()
        if not isinstance(returned, Mapping) or set(returned) != set(PARTS):
            raise UserError(f"data: {_name(self._function)} must return a dict of {', '.join(PARTS)}")
        return {name: self._checked(name, *_pair(name, returned[name])) for name in PARTS}

    def _checked(self, part: str, events: Any, labels: Any) -> tuple[NDArray[Any], ...]:
        """sample, time, unit and label as arrays.

        Raises:
            UserError: they do not fit each other.
        """
        try:
            sample, time, unit = (np.asarray(column) for column in events)
            label = np.asarray(labels)
        except (ValueError, TypeError):
            raise UserError(f"data: {part}: events must be three arrays: sample, time, unit") from None
        lengths = {len(column) if column.ndim == 1 else -1 for column in (sample, time, unit)}
        if len(lengths) > 1 or -1 in lengths or label.ndim != 1 or not len(label):
            raise UserError(f"data: {part}: sample, time and unit must be of one length, and label one for each sample")
        for name, column, end in (
            ("sample", sample, len(label)),
            ("unit", unit, self.nb_inputs),
            ("label", label, self.nb_classes),
        ):
            if not np.issubdtype(column.dtype, np.integer) and column.size:
                raise UserError(f"data: {part}: {name} must be whole numbers; it is {column.dtype}")
            if column.size and not 0 <= column.min() <= column.max() < end:
                raise UserError(f"data: {part}: {name} must be 0 to {end - 1}; it is {column.min()} to {column.max()}")
        time = time.astype(float)
        if not np.isfinite(time).all() or (time < 0).any():
            raise UserError(f"data: {part}: time must be 0 or more, in the unit of max_time")
        order = np.argsort(sample, kind="stable")
        return sample[order].astype(np.int64), time[order], unit[order].astype(np.int64), label.astype(np.int64)

    def _part(self, nb_steps: int, sample: Any, time: Any, unit: Any, label: Any) -> Part:
        return take(self._events(nb_steps, len(label), sample, time, unit), label, np.arange(len(label)))

    def _events(self, nb_steps: int, nb_samples: int, sample: Any, time: Any, unit: Any) -> Events:
        step = np.floor(time / self.max_time * nb_steps).astype(np.int64)
        inside = step < nb_steps
        sample, step, unit = sample[inside], step[inside], unit[inside]
        packer = Packer(nb_steps, self.nb_inputs)
        for first in range(0, nb_samples, packer.chunk_samples):
            last = min(first + packer.chunk_samples, nb_samples)
            some = slice(*np.searchsorted(sample, [first, last]))
            packer.add(last - first, sample[some] - first, step[some], unit[some])
        return packer.events()


def _pair(part: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise UserError(f"data: {part}: must be a pair: events, labels")
    return value[0], value[1]


def _name(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)
