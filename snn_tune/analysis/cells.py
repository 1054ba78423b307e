"""The cells of a grid: its finished trials, their scores, and which of their run times can be compared."""

from collections import Counter
from dataclasses import dataclass
from math import nan, sqrt
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from snn_tune.study import Study

Axes = dict[str, list[Any]]
ROUNDING = 1e-12  # means of the same numbers, added up in another order, are equal
TIME = "run_time_s"
ACCURACIES = ("train_accuracy", "valid_accuracy", "test_accuracy")
DRAWN_BY = ("seed", "nb_hidden", "units_per_channel")  # what decides the numbers that initial weights are made of
GROUP = ("device", "kernel", "threads", "trials_beside")
MEASURES = {f"best_{name}": name for name in ACCURACIES} | {name: name for name in (TIME, "spikes_per_neuron")}


@dataclass(frozen=True)
class Scores:
    """Means over cells, each the mean of its seeds. Accuracies are fractions; NaN where no trial has a value."""

    nb_cells: int
    nb_trials: int
    train_accuracy: float
    valid_accuracy: float
    test_accuracy: float
    run_time_s: float
    spikes_per_neuron: float


def levels(study: Study) -> Axes:
    """The values of each axis of a grid, and after them the default that a trial has where the axis does not count."""
    cells = study.cells() if any(axis.condition for axis in study.space.values()) else []
    return {
        name: list(dict.fromkeys([*values, *(getattr(cell, name) for cell in cells)]))
        for name, values in study.grid.items()
    }


def on_grid(trials: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The trials of the grid, in grid order, measures as finite floats or NaN.

    A parameter's column holds the place of the value on its axis; `cell` numbers the combinations in grid order.
    """
    lacking = [name for name in ("state", *axes) if name not in trials.columns]
    if lacking and len(trials):
        raise ValueError(f"trials has no column {lacking[0]!r}")
    placed = measured(trials)
    placed["cell"] = 0
    inside = pd.Series(True, index=placed.index)
    for name, values in axes.items():
        place = {value: i for i, value in enumerate(values)}
        placed[name] = [place.get(value, -1) for value in trials.get(name, [])]
        placed["cell"] = placed["cell"] * len(values) + placed[name]
        inside &= placed[name] >= 0
    return placed[inside].sort_values(["cell", "seed", "key"], kind="stable", ignore_index=True)


def measured(trials: pd.DataFrame) -> pd.DataFrame:
    """State, activity, GROUP, seed and key of the trials as texts ("" where absent), measures as finite or NaN."""
    trials = trials.reset_index(drop=True)
    texts = trials.reindex(columns=["state", "activity", *GROUP, "seed", "key"]).astype(object).fillna("").astype(str)
    for column, name in MEASURES.items():
        given = trials[column] if column in trials.columns else pd.Series(nan, index=trials.index)
        numbers = pd.to_numeric(given, errors="coerce").astype(float)
        texts[name] = numbers.where(np.isfinite(numbers))
    return texts


def scored(trials: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The trials of the grid that finished with a validation accuracy, as `on_grid` has them."""
    placed = on_grid(trials, axes)
    return placed[(placed["state"] == "finished") & placed["valid_accuracy"].notna()].copy()


def pairs(scored: pd.DataFrame, name: str, axes: Axes, measure: str = "valid_accuracy") -> pd.DataFrame:
    """A measure of the trials that differ in this parameter alone, with the same seed.

    A row for each setting of the other parameters and seed, a column for each place on the axis; NaN where there is no
    trial.
    """
    others = [other for other in axes if other != name]
    table = scored.pivot_table(index=[*others, "seed"], columns=name, values=measure)
    return table.reindex(columns=range(len(axes[name])))


Paired = TypeVar("Paired", pd.Series, pd.DataFrame)


def by_draw(paired: Paired) -> Paired:
    """The mean over the pairs (as `pairs` has them; whole rows) of each draw of initial weights; of one seed the pairs.

    Networks of equal size and seed begin with the same weights: they do well or badly together, and are no evidence of
    what others would do.
    """
    whole = paired.dropna()
    if nb_seeds(whole) < 2:
        return whole
    return whole.groupby(level=[name for name in whole.index.names if name in DRAWN_BY]).mean()


def nb_seeds(paired: pd.Series | pd.DataFrame) -> int:
    """Seeds that have a whole row."""
    return int(paired.dropna().index.get_level_values("seed").nunique())


def mean_scores(scored: pd.DataFrame) -> Scores:
    """The mean over cells, each the mean of its trials."""
    cells = scored.groupby("cell")[list(MEASURES.values())].mean()
    return Scores(len(cells), len(scored), *(float(mean) for mean in cells.mean()))


def highest(scores: list[Scores]) -> int:
    """Place of the best mean validation accuracy, the first of equals."""
    return max(range(len(scores)), key=lambda i: np.nan_to_num(scores[i].valid_accuracy, nan=-1.0))


def largest_group(scored: pd.DataFrame) -> tuple[dict[str, str], pd.Series]:
    """The GROUP that timed most trials (the first by name of equals), and which timed trials are of another."""
    groups = pd.Series(list(zip(*(scored[name] for name in GROUP), strict=True)), index=scored.index, dtype=object)
    timed = scored[TIME].notna()
    sizes = Counter(groups[timed])
    if not sizes:
        return {}, timed
    largest = min(sizes, key=lambda group: (-sizes[group], group))
    return dict(zip(GROUP, largest, strict=True)), timed & pd.Series([g != largest for g in groups], index=groups.index)


def comparable(trials: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """As `scored`, run times of the largest group alone."""
    cells = scored(trials, axes)
    cells.loc[largest_group(cells)[1], TIME] = nan
    return cells


def learned(scored: pd.DataFrame, nb_classes: int | None, nb_valid: int | None) -> pd.DataFrame:
    """Cells of which every seed spiked and beat chance by three binomial standard errors (of what is known of it)."""
    chance = 1 / nb_classes if nb_classes else -1.0
    margin = 3 * sqrt(chance * (1 - chance) / nb_valid) if nb_classes and nb_valid else 0.0
    learned = (scored["activity"] != "silent") & (scored["valid_accuracy"] > chance + margin)
    return scored[learned.groupby(scored["cell"]).transform("all")]
