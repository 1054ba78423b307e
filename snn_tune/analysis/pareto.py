"""What no other is better than in everything: the Pareto front, of any trials and of a study's combinations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from snn_tune.analysis.cells import largest_group, measured

WAYS = {"valid_accuracy": "max", "run_time_s": "min", "spikes_per_neuron": "min"}


@dataclass(frozen=True)
class Front:
    """The combinations of a study that have all of the objectives, means over seeds.

    Attributes:
        points: a row for each: its parameters, the objectives, test_accuracy, nb_seeds, and whether it is on_front; by
            validation accuracy, the best first.
        objectives: "max" or "min" by column; those that no trial has are left out.
        group: the machines whose run times count.
        nb_left_out: combinations that lack an objective, or were timed on other machines.
    """

    points: pd.DataFrame
    objectives: dict[str, str]
    group: dict[str, str]
    nb_left_out: int

    @property
    def front(self) -> pd.DataFrame:
        """The points that no other is at least as good as in each objective, and better in one."""
        return self.points[self.points["on_front"]].drop(columns="on_front").reset_index(drop=True)


def front(values: np.ndarray, ways: Sequence[str]) -> list[int]:
    """Rows that no other is at least as good as in each column, and better in one; the best by the first column first.

    Args:
        values: (rows, objectives), finite.
        ways: "max" or "min" of each column.
    """
    better = values * [1 if way == "max" else -1 for way in ways]
    # In this order nobody is beaten by one that comes later.
    order = np.lexsort(-better.T[::-1])
    kept: list[int] = []
    for row in order:
        ahead = better[kept]
        if not ((ahead >= better[row]).all(axis=1) & (ahead > better[row]).any(axis=1)).any():
            kept.append(int(row))
    return kept


def pareto(trials: pd.DataFrame, names: list[str]) -> Front:
    """The front of a study's combinations.

    Args:
        trials: as of `optimum.optimum`.
        names: the parameters that vary.
    """
    known = measured(trials)
    parameters = trials.reset_index(drop=True)[names] if len(trials) else pd.DataFrame(columns=names)
    scored = (known["state"] == "finished") & known["valid_accuracy"].notna()
    known, parameters = known[scored], parameters[scored]
    group, outside = largest_group(known)
    known.loc[outside, "run_time_s"] = np.nan
    ways = {name: way for name, way in WAYS.items() if known[name].notna().any()} or WAYS
    rows = pd.concat([parameters, known[list(dict.fromkeys([*ways, "test_accuracy"]))]], axis=1).assign(nb_seeds=1)
    points = _means(rows, names) if len(rows) else rows
    whole = points.dropna(subset=list(ways))
    whole = whole.sort_values("valid_accuracy", ascending=False, kind="stable", ignore_index=True)
    on = front(whole[list(ways)].to_numpy(dtype=float), list(ways.values()))
    return Front(whole.assign(on_front=whole.index.isin(on)), ways, group, len(points) - len(whole))


def _means(rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Over the seeds of each combination."""
    how = {column: "sum" if column == "nb_seeds" else "mean" for column in rows.columns if column not in names}
    if not names:
        return rows.agg(how).to_frame().T
    return rows.groupby(names, sort=False).agg(how).reset_index()
