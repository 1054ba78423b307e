"""A data set of the user's own: a function that returns the spikes and the classes of each part."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, PrivateAttr

from snn_tune.datasets import spike_list
from snn_tune.datasets.dataset import Dataset, Part, Samples, take
from snn_tune.datasets.source import DataSource
from snn_tune.datasets.spike_list import SpikeList
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
            for array in (parts[name].sample, parts[name].time, parts[name].unit, parts[name].label):
                digest.update(np.ascontiguousarray(array).tobytes())
        train, valid, test = (self._part(nb_steps, parts[name]) for name in PARTS)
        return Dataset(
            train,
            valid,
            test,
            self.nb_inputs,
            self.nb_classes,
            nb_steps,
            digest.hexdigest(),
            table=self.model_dump(),
        )

    def read(self, path: Path, nb_steps: int, measured: dict[str, list[float]]) -> Samples:
        """Read an .npz file, see `spike_list.read`."""
        return spike_list.read(path, nb_steps, self.nb_inputs, self.nb_classes, self.max_time)

    @cached_property
    def _parts(self) -> dict[str, SpikeList]:
        if self._function is None:
            raise UserError("[data] name = 'own': its function is in a Python program: run that, see the README")
        returned = self._function()
        if not isinstance(returned, Mapping) or set(returned) != set(PARTS):
            raise UserError(f"data: {_name(self._function)} must return a dict of {', '.join(PARTS)}")
        pairs = {name: _pair(name, returned[name]) for name in PARTS}
        return {
            name: spike_list.checked(f"data: {name}", events, labels, self.nb_inputs, self.nb_classes)
            for name, (events, labels) in pairs.items()
        }

    def _part(self, nb_steps: int, spikes: SpikeList) -> Part:
        assert spikes.label is not None
        events = spikes.events(nb_steps, self.nb_inputs, self.max_time)
        return take(events, spikes.label, np.arange(spikes.nb_samples))


def _pair(part: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise UserError(f"data: {part}: must be a pair: events, labels")
    return value[0], [] if value[1] is None else value[1]


def _name(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)
