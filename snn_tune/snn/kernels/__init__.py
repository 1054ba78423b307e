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


@cache
def load(name: str) -> ModuleType:
    """The kernel of that name, imported when it is first needed: a machine without Triton has all but `gpu`.

    Raises:
        ImportError: it needs a library that this machine lacks.
    """
    return import_module(f"snn_tune.snn.kernels.{name}")


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


def plan(name: str, device: str, nb_hidden: int, recurrent: bool, precision: Precision) -> Choice:
    """The same for a float32 network of this size on "cpu" or "cuda"; the device need not be there."""
    where = "cpu" if device == "cpu" else "meta"
    v = torch.empty((), device=where).expand(nb_hidden, nb_hidden) if recurrent else None  # its shape, no memory
    return decide(name, torch.empty(1, nb_hidden, device=where), v, precision=precision)


def check_precision(name: str, device: str, precision: Precision) -> None:
    """Raise a UserError if what computes has no such precision: its results would be kept under another's key."""
    choice = plan(name, device, 1, False, precision)
    if precision != "exact" and choice.kernel == "reference":
        has = {"truncated": "the cpu kernel", "bf16": "--kernel gpu, on a GPU,"}[precision]
        raise UserError(f"precision = '{precision}': here it would be computed exactly; {has} has it, or take 'exact'")


def foresee(name: str, device: str, sizes: Collection[tuple[int, bool, Precision]]) -> str:
    """What a study is told of its kernel before it starts: the line of `fallback`.

    Raises:
        UserError: the kernel needs a GPU, or lacks a precision.
    """
    if name == "gpu" and device == "cpu":
        raise UserError("--kernel gpu: there is no GPU here; take auto or cpu")
    for precision in {precision for _, _, precision in sizes}:
        check_precision(name, device, precision)
    return fallback(name, device, sizes)


def fallback(name: str, device: str, sizes: Iterable[tuple[int, bool, Precision]]) -> str:
    """One line for the screen if the reference computes some of these networks in place of that kernel, or "".

    Args:
        sizes: of each network the number of hidden units, whether it is recurrent, and the precision.
    """
    sentences = [plan(name, device, *size).fallback for size in sizes]
    some = [sentence for sentence in sentences if sentence]
    return f"{some[0]} ({len(some)} of {len(sentences)} combinations)" if some else ""


def _describe(weights: Tensor, v: Tensor | None, *constants: float | Tensor) -> str:
    device = "cuda" if weights.is_meta else weights.device.type
    kind = "units" if v is None else "recurrent units"
    learned = any(isinstance(constant, Tensor) and constant.requires_grad for constant in constants)
    return f"{weights.dtype} on {device}, {weights.shape[-1]} {kind}" + ", gradients of their constants" * learned
