"""The search space: all parameters that vary, and which combinations of their values there are."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import product
from math import prod
from typing import Any

from snn_tune.axis import Axis, Choice
from snn_tune.errors import UserError

MOST_COUNTED = 20_000


@dataclass(frozen=True)
class Space(Mapping[str, Axis]):
    """The axes by name; `others` has the values of the parameters that do not vary."""

    axes: dict[str, Axis]
    others: Mapping[str, Any]

    def __getitem__(self, name: str) -> Axis:
        return self.axes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.axes)

    def __len__(self) -> int:
        return len(self.axes)

    @property
    def is_grid(self) -> bool:
        return all(isinstance(axis.what, Choice) for axis in self.values())

    @property
    def countable(self) -> bool:
        """Whether the combinations are so few that they can be gone through."""
        whole = all(isinstance(axis.what, Choice) or axis.what.step is not None for axis in self.values())
        return whole and prod(len(axis.values) for axis in self.values()) <= MOST_COUNTED

    @property
    def table(self) -> str:
        """What its table is called in a study file."""
        return "grid" if self.is_grid and not any(axis.condition for axis in self.values()) else "space"

    def combination(self, pick: Callable[[str, Axis], Any]) -> dict[str, Any]:
        """A value of each axis that counts, picked after those that its condition asks for; in the axes' order."""
        chosen: dict[str, Any] = {}
        for name in self._order:
            condition = self[name].condition
            if condition is None or chosen.get(condition[0], self.others.get(condition[0])) in condition[1]:
                chosen[name] = pick(name, self[name])
        return {name: chosen[name] for name in self if name in chosen}

    def combinations(self) -> list[dict[str, Any]]:
        """All of them, each once; the last axis varies fastest.

        Raises:
            ValueError: they cannot be counted.
        """
        every = product(*(axis.values for axis in self.values()))
        chosen = (self.those_that_count(dict(zip(self, values, strict=True))) for values in every)
        return [dict(items) for items in dict.fromkeys(tuple(one.items()) for one in chosen)]

    def those_that_count(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """These values without those whose condition does not hold."""
        return self.combination(lambda name, _: values[name])

    def place(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The combination that these values of all parameters are, or None if they lie outside the space."""
        inside = self.those_that_count(values)
        rest = {name: value for name, value in self.others.items() if name not in inside}
        fits = all(value in self[name].what for name, value in inside.items())
        return inside if fits and all(values[name] == value for name, value in rest.items()) else None

    @cached_property
    def _order(self) -> list[str]:
        asks = {name: [axis.condition[0]] if axis.condition else [] for name, axis in self.items()}
        return [name for name in TopologicalSorter(asks).static_order() if name in self.axes]

    def check(self) -> None:
        """Raise a UserError if conditions ask for each other."""
        try:
            self._order  # noqa: B018
        except CycleError as error:
            raise UserError(f"{', '.join(error.args[1])}: the conditions ask for each other") from None
