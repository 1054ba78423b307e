"""One combination of a grid: its values, whether they are at the edge, and its scores with their intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from snn_tune.analysis.cells import ACCURACIES, Axes, Scores, mean_scores
from snn_tune.intervals import Interval, accuracy


@dataclass(frozen=True)
class Combination:
    """One cell of the grid.

    Attributes:
        marks: for each parameter "+" at the highest value of its numeric axis, "-" at the lowest, else "".
        intervals: of each accuracy, see `intervals.accuracy`.
    """

    parameters: dict[str, Any]
    marks: dict[str, str]
    scores: Scores
    intervals: dict[str, Interval]

    @property
    def nb_seeds(self) -> int:
        return self.scores.nb_trials

    @property
    def was_run(self) -> bool:
        """Whether a trial of it finished with a score; without one the scores are NaN."""
        return self.nb_seeds > 0


def combination(scored: pd.DataFrame, axes: Axes, places: dict[str, int], samples: dict[str, int]) -> Combination:
    """The cell at these places of the axes; `samples` as of `optimum.optimum`."""
    here = pd.Series(True, index=scored.index)
    for name, place in places.items():
        here &= scored[name] == place
    own = scored[here]
    parameters = {name: axes[name][place] for name, place in places.items()}
    marks = {name: mark(parameters[name], axes[name]) for name in axes}
    over = {name: samples.get(f"nb_{name.removesuffix('_accuracy')}") for name in ACCURACIES}
    intervals = {name: accuracy(own[name], over[name]) for name in ACCURACIES}
    return Combination(parameters, marks, mean_scores(own), intervals)


def mark(value: Any, axis: list[Any]) -> str:
    """ "+" at the highest value of a numeric axis, "-" at the lowest; "" elsewhere, and where nothing was varied."""
    numeric = all(isinstance(other, int | float | np.number) and not isinstance(other, bool) for other in axis)
    if not numeric or len(axis) < 2:
        return ""
    return "+" if value == max(axis) else "-" if value == min(axis) else ""
