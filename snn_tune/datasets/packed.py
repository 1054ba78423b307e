"""Arrays of samples that go everywhere as they are: to another process without a copy, to a GPU once."""

import dataclasses
import warnings
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor


class Packed:
    """A dataclass of tensors. Pickled, they are NumPy arrays, which Ray's object store lets all processes share."""

    def to(self, device: torch.device | str) -> Self:
        """The same on another device; itself where it is there already."""
        moved = {name: value.to(device) for name, value in self._fields().items() if isinstance(value, Tensor)}
        same = all(tensor is getattr(self, name) for name, tensor in moved.items())
        return self if same else dataclasses.replace(self, **moved)  # type: ignore[type-var]

    @property
    def nbytes(self) -> int:
        return sum(value.nbytes for value in self._fields().values() if isinstance(value, Tensor))

    def _fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    def __reduce__(self) -> tuple[Any, ...]:
        values = [value.numpy() if isinstance(value, Tensor) else value for value in self._fields().values()]
        return _unpack, (type(self), *values)


def _unpack(kind: type[Packed], *values: Any) -> Packed:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")  # nor does anyone write to it
        return kind(*(torch.from_numpy(value) if isinstance(value, np.ndarray) else value for value in values))
