"""A study's trials held against what somebody else found: they agree, they disagree, or they cannot tell."""

from dataclasses import dataclass
from itertools import pairwise
from math import isnan, nan

import pandas as pd

from snn_tune.analysis.cells import Axes, largest_group, scored
from snn_tune.analysis.formats import from_to, number, percent, points
from snn_tune.claim import Claim, place
from snn_tune.intervals import Interval, student

TIME = "run_time_s"
SHORT = {"train_accuracy": "train", "test_accuracy": "test", TIME: "run time"}
SAME_ACCURACY, SAME_TIME = 0.01, 0.05  # what still counts as alike: a point; a 20th of the mean run time
HOW = (
    "Each difference is the mean over the pairs of cells that differ in this parameter alone, with Student's interval "
    "over them. An order agrees where all of its intervals are above 0, and disagrees where none is and one is below; "
    f"values are alike where the interval lies within {100 * SAME_ACCURACY:.0f} point, or {100 * SAME_TIME:.0f} % of "
    "the mean run time."
)


@dataclass(frozen=True)
class Step:
    """One value against the next, or against the level that is named.

    Attributes:
        text: `300 > 200`, as it is claimed.
        difference: mean over the pairs of cells that differ in this parameter alone, each the mean of its seeds: a
            fraction, or seconds.
        interval: Student's over these pairs.
        agrees: None where the interval does not tell.
    """

    text: str
    difference: float
    interval: Interval
    agrees: bool | None


@dataclass(frozen=True)
class Judged:
    """A claim by one measure; without steps where the grid lacks a value that it names."""

    claim: Claim
    measure: str
    steps: list[Step]

    @property
    def verdict(self) -> str:
        """`agrees`, `disagrees`, `in part` (some steps agree, others do not or cannot be told) or `cannot tell`."""
        told = [step.agrees for step in self.steps]
        if told and all(told):
            return "agrees"
        return "in part" if any(told) else "disagrees" if False in told else "cannot tell"

    @property
    def figures(self) -> str:
        """`300 > 200: +0.64 (+0.20 to +1.08)`, in points or seconds."""
        return "; ".join(f"{step.text}: {self._difference(step)}" for step in self.steps) or "not in this grid"

    def record(self) -> dict[str, str]:
        """For CSV and JSON."""
        named = {"claim": self.claim.says, "order": self.claim.order, "measure": self.measure}
        return named | {"verdict": self.verdict, "figures": self.figures}

    def _difference(self, step: Step) -> str:
        if self.measure != TIME:
            return f"{points(step.difference)}{from_to(step.interval)}"
        low, high = step.interval.low, step.interval.high
        return f"{step.difference:+.1f} s" + ("" if isnan(low) else f" ({low:+.1f} to {high:+.1f})")


def judge(claims: list[Claim], trials: pd.DataFrame, axes: Axes) -> list[Judged]:
    """Each claim by each of its measures. Run times count where they are of the machine that timed most trials."""
    cells = scored(trials, axes)
    _, others = largest_group(cells)
    cells.loc[others, TIME] = nan
    return [_judge(claim, measure, cells, axes) for claim in claims for measure in claim.measures]


def lines(judged: list[Judged]) -> list[str]:
    """A line for each claim, its verdict by each measure."""
    claims = {one.claim.says: [other for other in judged if other.claim == one.claim] for one in judged}
    return [
        f"thesis: {says}: " + ", ".join(f"{SHORT[one.measure]} {one.verdict}" for one in those)
        for says, those in claims.items()
    ]


def _judge(claim: Claim, measure: str, cells: pd.DataFrame, axes: Axes) -> Judged:
    name = claim.parameter
    places = [place(axes.get(name, []), value) for value in claim.values]
    if None in places or cells.empty:
        return Judged(claim, measure, [])
    rest = [other for other in axes if other != name]
    means = cells.pivot_table(index=rest or "state", columns=name, values=measure).reindex(columns=places)
    values = [number(axes[name][i]) for i in places if i is not None]
    if claim.level is not None:
        difference = means[places[0]] - claim.level
        return Judged(claim, measure, [_alike(f"{values[0]} is {percent(claim.level)} %", difference, SAME_ACCURACY)])
    margin = SAME_TIME * float(means.mean().mean()) if measure == TIME else SAME_ACCURACY
    steps = []
    for (one, other), (i, j) in zip(pairwise(values), pairwise(places), strict=True):
        difference = means[i] - means[j]
        steps.append(
            _alike(f"{one} = {other}", difference, margin) if claim.alike else _higher(f"{one} > {other}", difference)
        )
    return Judged(claim, measure, steps)


def _higher(text: str, differences: pd.Series) -> Step:
    found = student(differences, "combinations")
    return Step(text, float(differences.mean()), found, True if found.low > 0 else False if found.high < 0 else None)


def _alike(text: str, differences: pd.Series, margin: float) -> Step:
    found = student(differences, "combinations")
    inside, outside = -margin < found.low and found.high < margin, found.low > margin or found.high < -margin
    return Step(text, float(differences.mean()), found, True if inside else False if outside else None)
