"""The best single cells of a grid: by validation accuracy, and those that are as good and cost less."""

from math import sqrt

import pandas as pd

from snn_tune.analysis.cells import ROUNDING, Axes
from snn_tune.analysis.combination import Combination, combination
from snn_tune.intervals import wilson

_ONE_ERROR = 0.6827  # level of an interval of one standard error to either side


def best(scored: pd.DataFrame, axes: Axes, samples: dict[str, int]) -> Combination | None:
    """The cell of the best mean validation accuracy, then of the lowest run time, then the first in grid order."""
    cells = _cells(scored, axes).sort_values(["valid_accuracy", "run_time_s", "cell"], ascending=[False, True, True])
    return _first(cells, scored, axes, samples)


def cheapest(scored: pd.DataFrame, axes: Axes, cost: str, samples: dict[str, int]) -> Combination | None:
    """The cell with the lowest cost among those within one standard error of the best; None where none has a cost.

    That is the one-standard-error rule (Breiman et al. 1984): what is not told from the best by its own noise is as
    good, and of those the cheapest is wanted. A ratio of accuracy to cost would choose networks that learned nothing,
    since they are the fastest. The standard error is that of the best cell's mean over its seeds; with one seed that of
    a fraction of samples, by Wilson, which is not 0 where all of them are right.

    Args:
        cost: "run_time_s" or "spikes_per_neuron".
    """
    cells = _cells(scored, axes)
    if cells.empty:
        return None
    top = cells.sort_values("valid_accuracy", ascending=False, kind="stable").iloc[0]
    own = scored[scored["cell"] == top["cell"]]["valid_accuracy"]
    least = top["valid_accuracy"] - _error(own, samples.get("nb_valid")) - ROUNDING
    good = cells[cells["valid_accuracy"] >= least]
    in_order = good[good[cost].notna()].sort_values([cost, "valid_accuracy", "cell"], ascending=[True, False, True])
    return _first(in_order, scored, axes, samples)


def _error(values: pd.Series, nb_samples: int | None) -> float:
    """One standard error downwards of the mean over seeds."""
    if len(values) > 1:
        return float(values.std()) / sqrt(len(values))
    mean = float(values.iloc[0])
    return mean - wilson(mean, nb_samples, _ONE_ERROR).low if nb_samples else 0.0


def _cells(scored: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    measures = ["valid_accuracy", "run_time_s", "spikes_per_neuron"]
    cells = scored.groupby("cell")[[*axes, *measures]].mean().reset_index()
    return cells.assign(valid_accuracy=cells["valid_accuracy"].round(12))  # see ROUNDING


def _first(cells: pd.DataFrame, scored: pd.DataFrame, axes: Axes, samples: dict[str, int]) -> Combination | None:
    if cells.empty:
        return None
    return combination(scored, axes, {name: int(cells[name].iloc[0]) for name in axes}, samples)
