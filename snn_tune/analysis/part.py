"""A part of a grid, analysed as if it were all of it: some values of its parameters, its first seeds."""

from dataclasses import dataclass, field, replace
from typing import Any

from snn_tune.analysis.formats import number
from snn_tune.axis import Axis, Choice, axis
from snn_tune.errors import UserError, near_match
from snn_tune.study import Study


@dataclass(frozen=True)
class Part:
    """The whole grid by default.

    Attributes:
        axes: values by parameter, as `run_options.parse_axes` has them.
        seeds: how many, from the first.
    """

    axes: dict[str, Any] = field(default_factory=dict)
    seeds: int | None = None

    def __str__(self) -> str:
        """`regularizer=1e-6 seeds=1`, "" of the whole."""
        texts = [f"{name}={','.join(map(number, _values(name, given)))}" for name, given in self.axes.items()]
        return " ".join([*texts, *([] if self.seeds is None else [f"seeds={self.seeds}"])])

    def of(self, study: Study) -> Study:
        """The study of this part alone.

        Raises:
            UserError: the study is a search, or its grid lacks a parameter, a value or a seed.
        """
        if not self.axes and self.seeds is None:
            return study
        if study.search.method != "grid":
            raise UserError(f"{study.name} is a search: --set and --seeds take a part of a grid")
        seeds = study.budget.seeds if self.seeds is None else self.seeds
        if seeds > study.budget.seeds:
            raise UserError(f"--seeds {seeds}: {study.name} was run with {study.budget.seeds}")
        axes = dict(study.space.axes)
        for name, given in self.axes.items():
            axes[name] = _some(study, name, _values(name, given))
        budget = study.budget.model_copy(update={"seeds": seeds})
        return replace(study, space=replace(study.space, axes=axes), budget=budget)


WHOLE = Part()


def _values(name: str, given: Any) -> tuple[Any, ...]:
    wanted = axis(name, given)
    if not isinstance(wanted.what, Choice) or wanted.condition:
        raise UserError(f"--set {name}={given}: a part of a grid is some of its values")
    return wanted.what.values


def _some(study: Study, name: str, wanted: tuple[Any, ...]) -> Axis:
    """The study's axis with these of its values alone, in its order."""
    if name not in study.space:
        near = near_match(name, study.space) or f"; it varies {', '.join(study.space)}"
        raise UserError(f"--set {name}: {study.name} does not vary it{near}")
    whole = study.space[name]
    for value in wanted:
        if value not in whole.values:
            has = ", ".join(map(number, whole.values))
            raise UserError(f"--set {name}={number(value)}: {study.name} has {has}")
    return replace(whole, what=Choice(tuple(value for value in whole.values if value in wanted)))
