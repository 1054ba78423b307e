"""A grid's trials held against what somebody else found: they agree, they disagree, or they cannot tell."""

from dataclasses import dataclass, replace
from itertools import groupby
from math import isnan, nan
from typing import Any

import pandas as pd

from snn_tune.analysis.cells import TIME, Axes, comparable, pairs
from snn_tune.analysis.differences import difference
from snn_tune.analysis.formats import from_to, number, p_value, percent, points
from snn_tune.analysis.paired_tests import holm
from snn_tune.analysis.significance import ALPHA
from snn_tune.claim import Claim, Relation
from snn_tune.intervals import Interval

SHORT = {"train_accuracy": "train", "test_accuracy": "test", TIME: "run time"}
SAME_ACCURACY, SAME_TIME = 0.01, 0.05  # what still counts as alike: a point; a 20th of the mean run time
HOW = (
    "Each difference, in points or seconds, is the mean over the pairs of trials that differ in this parameter alone, "
    "with the same seed. Of accuracies of several seeds its interval is Student's over the draws of initial weights, "
    "one for each seed and number of hidden units; of all else over the pairs. Of one seed it says nothing about "
    "another's. One value is higher than another where Student's t of the draws, or sign flips of the pairs of one "
    f"seed and of run times, say so (p below {ALPHA}, after Holm for all such differences here). Two are alike where "
    f"the interval lies within {100 * SAME_ACCURACY:.0f} point, or {100 * SAME_TIME:.0f} % of their mean run time, and "
    "are not where it lies wholly beyond."
)


@dataclass(frozen=True)
class Step:
    """One value against another, or against the level that is named.

    Attributes:
        text: `300 > 200`, as it is claimed.
        difference: a fraction, or seconds; NaN without a pair.
        p: of a difference that is to be above 0, corrected; else NaN.
        agrees: None where it cannot be told.
    """

    text: str
    difference: float
    interval: Interval
    p: float = nan
    agrees: bool | None = None


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
        """`300 > 200: +0.64 (+0.20 to +1.08), p 0.002`, in points or seconds."""
        return "; ".join(f"{step.text}: {self._difference(step)}" for step in self.steps) or "not in this grid"

    def record(self) -> dict[str, str]:
        """For CSV and JSON."""
        named = {"claim": self.claim.says, "order": self.claim.order, "measure": self.measure}
        return named | {"verdict": self.verdict, "figures": self.figures}

    def _difference(self, step: Step) -> str:
        p = "" if isnan(step.p) else f", p {p_value(step.p)}"
        if self.measure != TIME:
            return f"{points(step.difference)}{from_to(step.interval)}{p}"
        low, high = step.interval.low, step.interval.high
        ends = "" if isnan(low) else f" ({low:+.1f} to {high:+.1f})"
        return "-" if isnan(step.difference) else f"{step.difference:+.1f} s{ends}{p}"


def judge(claims: list[Claim], trials: pd.DataFrame, axes: Axes) -> list[Judged]:
    """Each claim by each of its measures. Run times count where they are of the machine that timed most trials."""
    cells = comparable(trials, axes)
    judged = [_judge(claim, measure, cells, axes) for claim in claims for measure in claim.measures]
    corrected = iter(holm([step.p for one in judged for step in one.steps]))
    return [replace(one, steps=[_settled(step, next(corrected)) for step in one.steps]) for one in judged]


def lines(judged: list[Judged]) -> list[str]:
    """A line for each claim, its verdict by each measure."""
    return [
        f"thesis: {claim.says}: " + ", ".join(f"{SHORT[one.measure]} {one.verdict}" for one in those)
        for claim, those in groupby(judged, key=lambda one: one.claim)
    ]


def _judge(claim: Claim, measure: str, cells: pd.DataFrame, axes: Axes) -> Judged:
    axis = axes.get(claim.parameter, [])
    named = {value for one in claim.relations for value in (one.first, one.second) if value is not None}
    if cells.empty or not named <= set(axis):
        return Judged(claim, measure, [])
    table = pairs(cells, claim.parameter, axes, measure)
    return Judged(claim, measure, [_step(one, measure, table, axis) for one in claim.relations])


def _step(claimed: Relation, measure: str, table: pd.DataFrame, axis: list[Any]) -> Step:
    values = [axis.index(value) for value in (claimed.first, claimed.second) if value is not None]
    sign = " > " if claimed.higher else " = "
    text = sign.join(number(axis[i]) for i in values)
    if claimed.second is None:
        text, paired = f"{text} is {percent(claimed.level)} %", table[values[0]] - claimed.level
    else:
        paired = table[values[0]] - table[values[1]]
    one = difference(paired, measure)
    found = Step(text, one.mean, one.interval)
    if claimed.higher:
        return replace(found, p=one.p)
    margin = SAME_TIME * float(table[values].mean().mean()) if measure == TIME else SAME_ACCURACY
    return replace(found, agrees=_alike(found.interval, margin))


def _alike(interval: Interval, margin: float) -> bool | None:
    if -margin < interval.low and interval.high < margin:
        return True
    return False if interval.low > margin or interval.high < -margin else None


def _settled(step: Step, p: float) -> Step:
    """An order's step with its corrected p, and what that says."""
    if isnan(p):
        return step
    return replace(step, p=p, agrees=step.difference > 0 if p < ALPHA else None)
