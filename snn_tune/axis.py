"""An axis of the search space: the values of a parameter that varies, written alike in a study file and after --set.

[50, 100, 200]                      these values
uniform(0.0, 0.5)                   any number between the two
loguniform(1e-4, 1e-2)              the same, evenly by order of magnitude
int(50, 400), int(76, 228, 76)      a whole number, both ends included; in steps
loguniform(0.02, 1.0) if recurrent = true
[1, 2, 3] if reset = zero, subtract    only where another parameter has one of these values; else it has its default
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from snn_tune.errors import UserError

EXAMPLES = "a list with at least one value, or uniform(a, b), loguniform(a, b) or int(a, b)"
RANGE = re.compile(r"(?P<kind>uniform|loguniform|int)\s*\((?P<ends>[^()]*)\)")
LIST = re.compile(r"\[(?P<values>.*)\]", re.DOTALL)
CONDITION = re.compile(r"(?P<what>.*?)\s+if\s+(?P<name>\w+)\s*=\s*(?P<values>.+)", re.DOTALL)
LARGEST = 2**53  # up to it whole numbers are floats, too


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: tuple[Any, ...]

    def __contains__(self, value: Any) -> bool:
        return value in self.values

    def ends(self) -> tuple[Any, ...]:
        return self.values


@dataclass(frozen=True)
class Range:
    """A number from low to high, both included; a whole one, in steps, if `step`."""

    low: float
    high: float
    log: bool = False
    step: int | None = None

    def __contains__(self, value: Any) -> bool:
        on_step = self.step is None or (value - self.low) % self.step == 0
        return not isinstance(value, bool | str) and self.low <= value <= self.high and on_step

    def ends(self) -> tuple[Any, ...]:
        """What has to be valid for all of it to be."""
        return self.low, self.high


@dataclass(frozen=True)
class Axis:
    """One parameter.

    Attributes:
        written: as in the study file.
        condition: another parameter, and its values with which this one counts.
    """

    written: Any
    what: Choice | Range
    condition: tuple[str, tuple[Any, ...]] | None = None

    @property
    def values(self) -> Sequence[Any]:
        """All of them, in order; those of a range in steps, too.

        Raises:
            ValueError: they cannot be counted.
        """
        if isinstance(self.what, Choice):
            return self.what.values
        if self.what.step is None:
            raise ValueError(f"{self.written} has no list of values")
        return range(int(self.what.low), int(self.what.high) + 1, self.what.step)


def axis(name: str, written: Any) -> Axis:
    """An axis as a study file has it, a list or a text.

    Raises:
        UserError: it is none of the ways to write one.
    """
    what, condition = written, None
    if isinstance(written, str) and (match := CONDITION.fullmatch(written.strip())):
        what, condition = match["what"], (match["name"], tuple(_values(match["values"])))
    if isinstance(what, str) and (match := RANGE.fullmatch(what.strip())):
        return Axis(written, _range(name, written, match["kind"], match["ends"]), condition)
    if isinstance(what, str) and (match := LIST.fullmatch(what.strip())):
        what = _values(match["values"])
    if not isinstance(what, list) or not what:
        raise UserError(f"{name} = {written!r}: must be {EXAMPLES}")
    return Axis(written, Choice(tuple(tuple(one) if isinstance(one, list) else one for one in what)), condition)


def typed(text: str) -> Any:
    """What is typed after `--set NAME=`, as a study file would have it."""
    what, found, condition = text.partition(" if ")
    if "(" in what:
        return text.strip()
    return f"[{what.strip()}] if {condition.strip()}" if found else _values(what)


def _values(text: str) -> list[Any]:
    """`50, 100` and the like: TOML, or with bare words."""
    try:
        return list(_toml(f"[{text}]"))
    except (ValueError, RecursionError):
        return [_value(part.strip()) for part in text.split(",")]


def _value(text: str) -> Any:
    try:
        return _toml(text)
    except (ValueError, RecursionError):
        return text


def _toml(text: str) -> Any:
    if set(text) & set("\n#"):  # there would be more in it than a value
        raise ValueError("no value")
    return tomllib.loads(f"value = {text}")["value"]


def _range(name: str, written: str, kind: str, ends: str) -> Range:
    numbers = _values(ends)
    whole = kind == "int"
    fits = all(isinstance(one, int if whole else int | float) and not isinstance(one, bool) for one in numbers)
    if not fits or len(numbers) not in ((2, 3) if whole else (2,)) or not all(abs(one) < LARGEST for one in numbers):
        raise UserError(f"{name} = {written}: must be {kind}(a, b) of two {'whole ' * whole}numbers")
    low, high = numbers[:2]
    if low >= high or (kind == "loguniform" and low <= 0) or (whole and len(numbers) == 3 and numbers[2] < 1):
        wants = "a above 0, " * (kind == "loguniform") + "a below b" + ", and a step of 1 or more" * whole
        raise UserError(f"{name} = {written}: must have {wants}")
    step = numbers[2] if len(numbers) == 3 else 1
    if whole:
        return Range(low, high - (high - low) % step, step=step)
    return Range(float(low), float(high), log=kind == "loguniform")
