"""By how much a combination is better than the mean of others, with its interval."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from snn_tune.analysis.cells import ACCURACIES
from snn_tune.intervals import Interval, accuracy, student


@dataclass(frozen=True)
class Gain:
    """Of one accuracy, a fraction; NaN where the combination, or the others, have none."""

    gain: float
    interval: Interval


def gains(own: pd.DataFrame, others: pd.DataFrame, samples: dict[str, int]) -> dict[str, Gain]:
    """Gain of a cell over the mean of cells, each the mean of its seeds, by accuracy.

    The interval is Student's over the seeds' own gains, where two seeds or more have all of the cells: a seed's gain is
    its accuracy less the mean over the cells with that seed, so that what is common to all cells drops out. Else it is
    that of the combination's own accuracy (`intervals.accuracy`) less the mean, which is taken as known; noise of the
    samples that is common to both does not drop out then, which makes it too wide rather than too narrow.
    A combination chosen by validation is flattered there; the gain on test is not.

    Args:
        own: trials of the cell, as of `cells.scored`.
        others: trials of the cells whose mean it is held against, itself among them or not.
        samples: nb_train, nb_valid, nb_test: that each accuracy is over.
    """
    return {name: _gain(own, others, name, samples.get(f"nb_{name.removesuffix('_accuracy')}")) for name in ACCURACIES}


def _gain(own: pd.DataFrame, others: pd.DataFrame, name: str, nb_samples: int | None) -> Gain:
    table = others.pivot_table(index="seed", columns="cell", values=name)
    mine = own.groupby("seed")[name].mean()
    mean = float(table.mean().mean()) if table.size else np.nan
    whole = table.dropna().mean(axis=1)
    by_seed = (mine - whole).dropna()
    gain = float(mine.mean()) - mean if len(mine) else np.nan
    if len(by_seed) > 1:
        around, off = student(by_seed), gain - float(by_seed.mean())  # off where a seed lacks some of the cells
        return Gain(gain, Interval(around.low + off, around.high + off, around.of))
    around = accuracy(mine, nb_samples)
    return Gain(gain, Interval(around.low - mean, around.high - mean, around.of if gain == gain else ""))
