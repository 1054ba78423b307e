"""The kernels: ways to compute the same network. `reference` is the one that the others must agree with."""

from types import ModuleType

from snn_tune.errors import UserError, near_match
from snn_tune.snn.kernels import cpu, reference

KERNELS: dict[str, ModuleType] = {"reference": reference, "cpu": cpu}
CHOICES = ("auto", *KERNELS)


def choose(name: str) -> ModuleType:
    """The kernel of this name; `auto` takes the fastest that this machine has.

    Raises:
        UserError: no kernel has that name.
    """
    if name == "auto":
        return reference
    if name not in KERNELS:
        raise UserError(f"kernel '{name}' is not known{near_match(name, CHOICES)}; choose from {', '.join(CHOICES)}")
    return KERNELS[name]
