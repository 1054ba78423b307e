"""The kernels: ways to compute the same network. `reference` is the one that the others must agree with."""

import warnings
from collections.abc import Collection, Iterable
from functools import cache
from importlib import import_module
from numbers import Real
from types import ModuleType
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from snn_tune.errors import UserError, near_match

CHOICES = ("auto", "reference", "cpu", "gpu")
# "exact" is float32 everywhere, and all that the reference has. Faster, and part of a trial's key: "truncated", of the
# cpu kernel (cpu/truncated.py), and "bf16", of the gpu kernel (gpu/layer.py).
Precision = Literal["exact", "truncated", "bf16"]


class KernelFallbackWarning(UserWarning):
    """The kernel that was asked for does not cover this network, and the reference computes it."""


def check(name: str) -> None:
    """Raise a UserError, with the near match, if no kernel has that name."""
    if name not in CHOICES:
        raise UserError(
            f"kernel '{name}' is not known{near_match(str(name), CHOICES)}; choose from {', '.join(CHOICES)}"
        )


def check_units(reset: str, scale: float) -> None:
    """Raise a ValueError if no unit resets so, or has such a surrogate."""
    if reset not in ("zero", "subtract"):
        raise ValueError(f"reset must be 'zero' or 'subtract'; it is {reset!r}")
    if not (isinstance(scale, Real) and scale > 0):
        raise ValueError(f"scale must be above 0; it is {scale!r}")


class Shape(NamedTuple):
    """What decides how a network is computed.

    Attributes:
        hidden: units of each hidden layer.
        time_constants: as `snn_tune.snn.time_constants.Kind`.
        dropout: whether units are silenced while it trains.
    """

    hidden: tuple[int, ...]
    recurrent: bool
    precision: Precision = "exact"
    time_constants: str = "shared"
    dropout: bool = False

    @property
    def extras(self) -> set[str]:
        """What it has beside one layer whose units share their constants."""
        has = {"layers": len(self.hidden) > 1, self.time_constants: True, "dropout": self.dropout}
        return {name for name, there in has.items() if there} - {"shared"}


@cache
def load(name: str) -> ModuleType:
    """The kernel of that name, imported when it is first needed: a machine without Triton has all but `gpu`.

    Raises:
        ImportError: it needs a library that this machine lacks.
    """
    return import_module(f"snn_tune.snn.kernels.{name}")


def by_one_call(kernel: str, shape: Shape) -> bool:
    """Whether this kernel trains such a network by one call; else its layers are computed one by one."""
    return shape.extras <= load(kernel).EXTRAS


class Choice(NamedTuple):
    """Which kernel computes, and why it is not the one that was asked for: "", or a sentence."""

    kernel: str
    fallback: str


def choose(
    name: str, weights: Tensor, v: Tensor | None = None, *constants: float | Tensor, precision: Precision = "exact"
) -> str:
    """Which kernel computes units with these weights, or this input current: `auto` is the fastest proven one.

    Warns:
        KernelFallbackWarning: the kernel of that name does not cover them, so the reference does.

    Raises:
        UserError: no kernel has that name.
    """
    kernel, fallback = decide(name, weights, v, *constants, precision=precision)
    if fallback:
        warnings.warn(fallback, KernelFallbackWarning, stacklevel=2)
    return kernel


def decide(
    name: str, weights: Tensor, v: Tensor | None = None, *constants: float | Tensor, precision: Precision = "exact"
) -> Choice:
    """The same without a warning. Tensors on "meta" stand for tensors on a GPU."""
    check(name)
    # The gpu kernel has not run on a GPU yet: only who asks for it gets it.
    wanted = ("cpu" if weights.device.type == "cpu" else "reference") if name == "auto" else name
    if wanted == "reference":
        told = f"on a GPU, auto takes the reference, which has no precision '{precision}': see --kernel gpu"
        return Choice(wanted, told if name == "auto" and precision != "exact" else "")
    try:
        if precision not in load(wanted).PRECISIONS:
            name, reason = wanted, f"has no precision '{precision}'"  # asked for by name, so it is told
        elif load(wanted).covers(weights, v, *constants):
            return Choice(wanted, "")
        else:
            reason = f"does not cover {_describe(weights, v, *constants)}"
    except ImportError as error:
        reason = f"cannot be loaded ({error})"
    return Choice("reference", "" if name == "auto" else f"the {name} kernel {reason}; the reference computes it")


def plan(name: str, device: str, shape: Shape) -> Choice:
    """The same for a float32 network of this shape on "cpu" or "cuda"; the device need not be there.

    Of a network that is computed by layer it is the kernel of all layers, or "reference" if that computes one of them.
    """
    where = "cpu" if device == "cpu" else "meta"
    name = "cpu" if name == "auto" and device == "cpu" else name  # as if asked for by name: what it lacks is told
    constant = torch.empty(1, device=where, requires_grad=shape.time_constants == "trained")

    def layer(nb_units: int) -> Choice:
        v = torch.empty((), device=where).expand(nb_units, nb_units) if shape.recurrent else None  # no memory
        return decide(name, torch.empty(1, nb_units, device=where), v, constant, precision=shape.precision)

    return min(map(layer, shape.hidden), key=lambda choice: choice.kernel != "reference")


def check_precision(name: str, device: str, precision: Precision) -> None:
    """Raise a UserError if what computes has no such precision: its results would be kept under another's key."""
    choice = plan(name, device, Shape((1,), False, precision))
    if precision != "exact" and choice.kernel == "reference":
        has = {"truncated": "the cpu kernel", "bf16": "--kernel gpu, on a GPU,"}[precision]
        raise UserError(f"precision = '{precision}': here it would be computed exactly; {has} has it, or take 'exact'")


def foresee(name: str, device: str, shapes: Collection[Shape]) -> str:
    """What a study is told of its kernel before it starts: the line of `fallback`.

    Raises:
        UserError: the kernel needs a GPU, or lacks a precision.
    """
    if name == "gpu" and device == "cpu":
        raise UserError("--kernel gpu: there is no GPU here; take auto or cpu")
    for precision in {shape.precision for shape in shapes}:
        check_precision(name, device, precision)
    return fallback(name, device, shapes)


def fallback(name: str, device: str, shapes: Iterable[Shape]) -> str:
    """One line for the screen on those of the networks that are not computed by one call of that kernel, or ""."""
    choices = [(plan(name, device, shape), shape) for shape in shapes]
    others = [choice.fallback for choice, _ in choices if choice.fallback]
    chosen = [(choice.kernel, shape) for choice, shape in choices if choice.kernel != "reference"]
    by_layer = [kernel for kernel, shape in chosen if not by_one_call(kernel, shape)]
    told = [(others[0], len(others))] if others else []
    told += [(f"the {by_layer[0]} kernel goes layer by layer", len(by_layer))] if by_layer else []
    return "; ".join(f"{what} ({number} of {len(choices)} combinations)" for what, number in told)


def _describe(weights: Tensor, v: Tensor | None, *constants: float | Tensor) -> str:
    device = "cuda" if weights.is_meta else weights.device.type
    kind = "units" if v is None else "recurrent units"
    learned = any(isinstance(constant, Tensor) and constant.requires_grad for constant in constants)
    return f"{weights.dtype} on {device}, {weights.shape[-1]} {kind}" + ", gradients of their constants" * learned
