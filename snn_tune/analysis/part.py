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

    def of(self, study: Study) -> Study:
        """The study of this part alone; the same one where nothing is left out.

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
            wanted = _values(name, given)
            if name in axes:
                axes[name] = _some(study, name, wanted)
            elif any(study.base.get(name) != value for value in wanted):  # what all trials share may be named
                near = near_match(name, axes) or f"; it varies {', '.join(axes)}"
                raise UserError(f"--set {name}: {study.name} does not vary it{near}")
        budget = study.budget.model_copy(update={"seeds": seeds})
        part = replace(study, space=replace(study.space, axes=axes), budget=budget)
        return part if restrictions(part, study) else study


WHOLE = Part()


def restrictions(part: Study, whole: Study) -> dict[str, str]:
    """What a part is restricted to: values by parameter, as they are typed, and seeds; nothing of the whole."""
    told = {
        name: ",".join(map(number, axis.values))
        for name, axis in part.space.items()
        if whole.search.method == "grid" and axis.values != whole.space[name].values
    }
    return told | ({"seeds": str(part.budget.seeds)} if part.budget.seeds != whole.budget.seeds else {})


def titled(part: Study, whole: Study) -> str:
    """`fashion_mnist regularizer=1e-6 seeds=1`."""
    return " ".join([whole.name, *(f"{name}={value}" for name, value in restrictions(part, whole).items())])


def typed(part: Study, whole: Study) -> str:
    """The same as the arguments of `python -m snn_tune.analysis`."""
    options = restrictions(part, whole)
    texts = [f"--seeds {value}" if name == "seeds" else f"--set {name}={value}" for name, value in options.items()]
    return " ".join([whole.name, *texts])


def _values(name: str, given: Any) -> tuple[Any, ...]:
    wanted = axis(name, given)
    if not isinstance(wanted.what, Choice) or wanted.condition:
        raise UserError(f"--set {name}={given}: a part of a grid is some of its values")
    return wanted.what.values


def _some(study: Study, name: str, wanted: tuple[Any, ...]) -> Axis:
    """The study's axis with these of its values alone, in its order."""
    whole = study.space[name]
    for value in wanted:
        if value not in whole.values:
            has = ", ".join(map(number, whole.values))
            raise UserError(f"--set {name}={number(value)}: {study.name} has {has}")
    values = tuple(value for value in whole.values if value in wanted)
    condition = f" if {whole.condition[0]} = {', '.join(map(number, whole.condition[1]))}" if whole.condition else ""
    written = f"[{', '.join(map(number, values))}]{condition}" if condition else list(values)
    return replace(whole, written=written, what=Choice(values))
