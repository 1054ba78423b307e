"""What a layer takes: a current, recurrent weights, and constants of its units; all else is refused by its name."""

from numbers import Real
from typing import Any

import torch
from torch import Tensor


def check(current: Tensor, units: str, v: Tensor | None = None, **constants: float | Tensor) -> None:
    """Raise a ValueError that names the argument of another kind, type, device or shape than the layer takes.

    Args:
        current: (batch, steps, units), floats; the others are of its type and on its device.
        units: what its last dimension counts, in words.
        v: (units, units).
        constants: by name, a number or (units,) each.
    """
    if not _dense(current) or not current.is_floating_point():
        raise ValueError(f"current must be a dense tensor of floats; it is {_kind(current)}")
    if current.ndim != 3 or 0 in current.shape:
        raise ValueError(f"current must be (batch, steps, {units}), none of them 0; it is {tuple(current.shape)}")
    nb_units = current.shape[2]
    if v is not None:
        _check("v", v, current, [(nb_units, nb_units)], f"({nb_units}, {nb_units}), units by units of current")
    for name, value in constants.items():
        if not isinstance(value, Real):
            _check(name, value, current, [(), (nb_units,)], f"a number or ({nb_units},), one for each unit")


def _check(name: str, value: Any, current: Tensor, shapes: list[tuple[int, ...]], what: str) -> None:
    if not _dense(value) or value.shape not in shapes:
        raise ValueError(f"{name} must be {what}; it is {_kind(value)}")
    if (value.dtype, value.device) != (current.dtype, current.device):
        raise ValueError(f"{name} must be {current.dtype} on {current.device} as current; it is {_kind(value)}")


def _dense(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided


def _kind(value: Any) -> str:
    """Shape, type and place of a tensor, never its values; a number or a text as it is; of all else the type."""
    if isinstance(value, Tensor):
        sparse = "" if _dense(value) else "sparse "
        return f"{tuple(value.shape)}, {sparse}{value.dtype} on {value.device}"
    return repr(value) if isinstance(value, str | complex | None) else f"of type {type(value).__name__}"
