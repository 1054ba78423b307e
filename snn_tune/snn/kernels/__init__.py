"""The kernels: ways to compute the same network. `reference` is the one that the others must agree with."""

import warnings
from types import ModuleType

from torch import Tensor

from snn_tune.errors import UserError, near_match
from snn_tune.snn.kernels import cpu, reference

KERNELS: dict[str, ModuleType] = {"reference": reference, "cpu": cpu}
CHOICES = ("auto", *KERNELS)


class KernelFallbackWarning(UserWarning):
    """The kernel that was asked for does not cover this network, and the reference computes it."""


def check(name: str) -> None:
    """Raise a UserError, with the near match, if no kernel has that name."""
    if name not in CHOICES:
        raise UserError(f"kernel '{name}' is not known{near_match(name, CHOICES)}; choose from {', '.join(CHOICES)}")


def choose(name: str, weights: Tensor, v: Tensor | None = None, *constants: float | Tensor) -> str:
    """The name of the kernel that computes units with these weights or input current: `auto` is the fastest that can.

    Warns:
        KernelFallbackWarning: the kernel of that name does not cover them, so the reference does.

    Raises:
        UserError: no kernel has that name.
    """
    check(name)
    if name == "reference" or cpu.covers(weights, v, *constants):
        return "reference" if name == "reference" else "cpu"
    if name != "auto":
        what = f"{weights.dtype} on {weights.device}, or gradients of alpha, beta or input_gain"
        warnings.warn(
            f"the {name} kernel does not cover {what}; the reference does", KernelFallbackWarning, stacklevel=2
        )
    return "reference"
