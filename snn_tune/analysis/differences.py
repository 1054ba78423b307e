"""How far any two values of a parameter are apart, by each measure."""

from dataclasses import dataclass
from itertools import combinations
from math import nan
from typing import Any

import pandas as pd

from snn_tune.analysis.cells import ACCURACIES, TIME, Axes, by_draw, comparable, nb_seeds, pairs
from snn_tune.analysis.paired_tests import holm, p_values
from snn_tune.intervals import Interval, student

MEASURES = (*ACCURACIES, TIME, "spikes_per_neuron")
COLUMNS = dict.fromkeys(("parameter", "first", "second", "measure"), object)
COLUMNS |= dict.fromkeys(("difference", "low", "high", "p", "p_corrected"), float)


@dataclass(frozen=True)
class Difference:
    """Of pairs of trials that differ in one parameter alone.

    Attributes:
        mean: fractions, seconds, or spikes; NaN without a pair.
        interval: of accuracies and spikes of several seeds Student's over the draws of initial weights, else over the
            pairs.
        p: two-sided, of Student's t of the same draws, else of sign flips of the pairs.
    """

    mean: float
    interval: Interval
    p: float


def difference(paired: pd.Series, measure: str) -> Difference:
    """From the differences of the pairs, indexed as `cells.pairs` has them.

    Run times are a machine's noise, not the initial weights': each pair counts.
    """
    return _difference(paired, measure, p_values([paired.dropna()], each_pair=measure == TIME)[0])


def differences(trials: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """A row for any two values of each parameter and each measure: the first value less the second.

    Args:
        trials, axes: as `optimum` takes them.

    Returns:
        parameter, first, second, measure, difference, low, high (95 %), p, and p_corrected: after Holm, over all rows
        of its measure.
    """
    cells = comparable(trials, axes)
    rows = []
    for measure in MEASURES:
        found = [one for name in axes for one in _of(cells, name, axes, measure)]
        corrected = holm([row["p"] for row in found])
        rows += [row | {"p_corrected": p} for row, p in zip(found, corrected, strict=True)]
    columns = {name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in COLUMNS.items()}
    return pd.DataFrame(columns)


def _of(cells: pd.DataFrame, name: str, axes: Axes, measure: str) -> list[dict[str, Any]]:
    table = pairs(cells, name, axes, measure)
    both = list(combinations(range(table.shape[1]), 2))
    paired = [table[i] - table[j] for i, j in both]
    found = []
    for (i, j), one, p in zip(both, paired, p_values(paired, each_pair=measure == TIME), strict=True):  # p all at once
        of = _difference(one, measure, p)
        found.append(
            {"parameter": name, "first": axes[name][i], "second": axes[name][j], "measure": measure}
            | {"difference": of.mean, "low": of.interval.low, "high": of.interval.high, "p": of.p}
        )
    return found


def _difference(paired: pd.Series, measure: str, p: float) -> Difference:
    over_draws = measure != TIME and nb_seeds(paired) > 1
    sample = (by_draw(paired) if over_draws else paired.dropna()).to_numpy(dtype=float)
    mean = float(sample.mean()) if len(sample) else nan
    return Difference(mean, student(sample, "draws" if over_draws else "pairs"), p)
