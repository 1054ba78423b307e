"""From the costs of a few networks to an epoch, a trial and the whole study."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn_tune.bench.cost import Cost
from snn_tune.bench.plan import Plan, Way, kind
from snn_tune.bench.workers import Measured
from snn_tune.parameters import Parameters
from snn_tune.study import Study


@dataclass(frozen=True)
class Result:
    """A kernel's figures for a study.

    Attributes:
        epoch_s: a pass over the training part with the middle configuration.
        speedup: the reference's epoch_s on the same device over this; None where it was not measured.
        spikes_per_s: input spikes taken in by that pass, in training.
        study_s: all trials of the study, `at_once` of them at a time.
    """

    way: Way
    measured: Measured
    epoch_s: float
    speedup: float | None
    spikes_per_s: float
    at_once: int
    study_s: float


def results(plan: Plan, measured: dict[Way, Measured], at_once: dict[Way, int]) -> list[Result]:
    epochs = {way: found.costs[0].train_s * plan.samples["train"] for way, found in measured.items()}

    def result(way: Way) -> Result:
        slow = epochs.get(Way("reference", way.device))
        return Result(
            way,
            measured[way],
            epochs[way],
            slow / epochs[way] if slow else None,
            plan.spikes / measured[way].costs[0].train_s,
            at_once[way],
            study_seconds(plan.study, plan.cells, measured[way], plan.samples, at_once[way]),
        )

    return [result(way) for way in measured]


def study_seconds(
    study: Study, cells: list[Parameters], measured: Measured, samples: dict[str, int], at_once: int
) -> float:
    """The trials' seconds, as they are while `at_once` train beside each other, shared among those.

    A trial trains and validates each epoch, and at its end scores train, validation and, twice, test. Not in it: the
    start of Ray, some seconds, and what each trial spends on reports.
    """
    train, score = (Model(cells, [getattr(each, name) for each in measured.costs]) for name in ("train_s", "score_s"))
    trials = [
        cell.nb_epochs * (samples["train"] * train(cell) + samples["valid"] * score(cell))
        + (samples["train"] + samples["valid"] + 2 * samples["test"]) * score(cell)
        for cell in study.cells()
    ] * study.budget.seeds
    return measured.crowding * max(sum(trials) / min(at_once, len(trials)), *trials)


class Model:
    """Seconds for a sample of any cell: `a + b T + c H + d T H + e T P`, through all that was measured.

    T steps, H hidden units, P pairs of them, of a layer or of two that follow each other (H^2 in a single layer): work
    for each step, each unit and step, each pair of units and step. One fit for each `kind` of network; whatever else a
    study varies (scale, regularizer, lr, ...) is taken to cost nothing.
    """

    def __init__(self, cells: list[Parameters], seconds: list[float]) -> None:
        self.largest = np.ones(5)
        rows = np.stack([self._row(cell) for cell in cells])
        self.largest = rows.max(axis=0)
        self.fits = {}
        for each in set(map(kind, cells)):
            of = [index for index, cell in enumerate(cells) if kind(cell) == each]
            self.fits[each] = np.linalg.lstsq(rows[of] / self.largest, np.array(seconds)[of], rcond=None)[0]

    def __call__(self, cell: Parameters) -> float:
        return float(self._row(cell) @ self.fits[kind(cell)])

    def _row(self, cell: Parameters) -> NDArray[np.float64]:
        steps, units = cell.nb_steps, sum(cell.hidden)
        pairs = sum(one * one for one in cell.hidden) + sum(one * next for one, next in pairwise(cell.hidden))
        return np.array([1.0, steps, units, steps * units, steps * pairs]) / self.largest


def costs_by_cell(cells: list[Parameters], costs: list[Cost]) -> list[dict[str, Any]]:
    """What was measured, for JSON."""
    names = ("nb_hidden", "nb_layers", "nb_steps", "recurrent", "dropout", "time_constants")
    return [{name: getattr(cell, name) for name in names} | vars(each) for cell, each in zip(cells, costs, strict=True)]
