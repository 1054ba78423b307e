"""The kernels: ways to compute the same network. `reference` is the one that the others must agree with."""

import warnings
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Literal

from torch import Tensor

from snn_tune.errors import UserError, near_match

CHOICES = ("auto", "reference", "cpu", "gpu")
Precision = Literal["exact", "truncated", "bf16"]


class KernelFallbackWarning(UserWarning):
    """The kernel that was asked for does not cover this network, and the reference computes it."""


def check(name: str) -> None:
    """Raise a UserError, with the near match, if no kernel has that name."""
    if name not in CHOICES:
        raise UserError(f"kernel '{name}' is not known{near_match(name, CHOICES)}; choose from {', '.join(CHOICES)}")


@cache
def load(name: str) -> ModuleType:
    """The kernel of that name, imported when it is first needed: a machine without Triton has all but `gpu`.

    Raises:
        ImportError: it needs a library that this machine lacks.
    """
    return import_module(f"snn_tune.snn.kernels.{name}")


def choose(name: str, weights: Tensor, v: Tensor | None = None, *constants: float | Tensor) -> str:
    """Which kernel computes units with these weights, or this input current: `auto` is the fastest proven one.

    Warns:
        KernelFallbackWarning: the kernel of that name does not cover them, so the reference does.

    Raises:
        UserError: no kernel has that name.
    """
    check(name)
    # The gpu kernel has not run on a GPU yet: only who asks for it gets it.
    wanted = ("reference" if weights.is_cuda else "cpu") if name == "auto" else name
    if wanted == "reference":
        return wanted
    try:
        if load(wanted).covers(weights, v, *constants):
            return wanted
        reason = f"does not cover {weights.dtype} on {weights.device}, this width, or gradients of its constants"
    except ImportError as error:
        reason = f"cannot be loaded ({error})"
    if name != "auto":
        warnings.warn(f"the {name} kernel {reason}; the reference computes it", KernelFallbackWarning, stacklevel=2)
    return "reference"
