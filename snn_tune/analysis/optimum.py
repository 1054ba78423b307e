"""The optimal combination of a grid of trials: the thesis's choice by marginal means as a rule, and the best cell."""

from dataclasses import dataclass
from math import isnan, nan, sqrt
from typing import Any

import pandas as pd

from snn_tune.analysis import single
from snn_tune.analysis.cells import (
    MEASURES,
    ROUNDING,
    Axes,
    Scores,
    highest,
    largest_group,
    learned,
    mean_scores,
    on_grid,
    pairs,
)
from snn_tune.analysis.combination import Combination, combination


@dataclass(frozen=True)
class Marginal:
    """One value of one parameter: its marginal mean, and what the pairs say against the best value of that parameter.

    A pair is two trials that differ in this parameter alone, with the same seed, both scored.

    Attributes:
        worse_by: mean over the pairs of the best value's validation accuracy less this one's; NaN without a pair.
        standard_error: of `worse_by`; NaN with fewer than two pairs.
    """

    value: Any
    scores: Scores
    worse_by: float
    standard_error: float
    nb_pairs: int


@dataclass(frozen=True)
class Optimum:
    """What a grid of trials says.

    Attributes:
        chosen: by marginal means; may be a cell that was not run. None while no trial has a score, as is `best`.
        best: the single cell with the best mean validation accuracy.
        fastest, fewest_spikes: the cheapest cells within one standard error of the best, see `single.cheapest`; None
            also where no such cell has that measure.
        learned: mean over the cells of which every seed learned.
        run_time_group: the one group of machines whose run times count, as its GROUP columns; {} without run times.
        nb_other_groups: scored trials whose run time was left out, as of another group.
        nb_without: scored trials that lack a measure, by measure; only those that do.
        nb_unscored: trials finished without a finite validation accuracy, hence left out.
    """

    chosen: Combination | None
    best: Combination | None
    fastest: Combination | None
    fewest_spikes: Combination | None
    marginals: dict[str, list[Marginal]]
    grid_mean: Scores
    learned: Scores
    run_time_group: dict[str, str]
    nb_other_groups: int
    nb_without: dict[str, int]
    nb_unscored: int


def optimum(
    trials: pd.DataFrame, axes: Axes, *, nb_classes: int | None = None, samples: dict[str, int] | None = None
) -> Optimum:
    """Choose by marginal means, find the best cell, and take the means to hold them against.

    Args:
        trials: one row a trial. Needed: `state` and every parameter; only finished trials with a finite
            `best_valid_accuracy` count. Other columns may lack.
        axes: the values of each parameter. Trials elsewhere are left out.
        nb_classes: with samples' nb_valid, tells what learned from chance.
        samples: nb_train, nb_valid, nb_test: samples that each accuracy is over, for intervals.

    Raises:
        ValueError: trials lacks a column that is needed.
    """
    samples = samples or {}
    finished = on_grid(trials, axes).query("state == 'finished'")
    scored = finished[finished["valid_accuracy"].notna()].copy()
    nb_without = {name: int(scored[name].isna().sum()) for name in MEASURES.values()}
    group, outside = largest_group(scored)
    scored.loc[outside, "run_time_s"] = nan
    marginals = {name: _marginals(scored, name, axes) for name in axes}
    return Optimum(
        chosen=_chosen(scored, axes, marginals, samples),
        best=single.best(scored, axes, samples),
        fastest=single.cheapest(scored, axes, "run_time_s", samples),
        fewest_spikes=single.cheapest(scored, axes, "spikes_per_neuron", samples),
        marginals=marginals,
        grid_mean=mean_scores(scored),
        learned=mean_scores(learned(scored, nb_classes, samples.get("nb_valid"))),
        run_time_group=group,
        nb_other_groups=int(outside.sum()),
        nb_without={name: count for name, count in nb_without.items() if count},
        nb_unscored=len(finished) - len(scored),
    )


def choose(marginals: list[Marginal]) -> int | None:
    """Place on the axis of the fastest value that is not worse than the best by more than one paired standard error.

    A value without a comparable run time never takes the best one's place, and where the best has none it stays.
    """
    ran = [i for i, marginal in enumerate(marginals) if marginal.scores.nb_cells]
    if not ran:
        return None
    best = highest([marginal.scores for marginal in marginals])
    if isnan(marginals[best].scores.run_time_s):
        return best

    def as_good(marginal: Marginal) -> bool:
        within = marginal.worse_by <= marginal.standard_error + ROUNDING  # False without a standard error
        return within or marginal.scores.valid_accuracy >= marginals[best].scores.valid_accuracy - ROUNDING

    timed = [i for i in ran if as_good(marginals[i]) and not isnan(marginals[i].scores.run_time_s)]
    return min(timed, key=lambda i: (marginals[i].scores.run_time_s, -marginals[i].scores.valid_accuracy))


def _marginals(scored: pd.DataFrame, name: str, axes: Axes) -> list[Marginal]:
    scores = [mean_scores(scored[scored[name] == i]) for i in range(len(axes[name]))]
    paired = pairs(scored, name, axes)
    best = paired[highest(scores)]
    return [Marginal(axes[name][i], scores[i], *_paired(best, paired[i])) for i in range(len(scores))]


def _paired(best: pd.Series, other: pd.Series) -> tuple[float, float, int]:
    """Mean difference over the rows that both have, its standard error, and how many rows that is."""
    difference = (best - other).dropna()
    return float(difference.mean()), float(difference.std() / sqrt(max(len(difference), 1))), len(difference)


def _chosen(
    scored: pd.DataFrame, axes: Axes, marginals: dict[str, list[Marginal]], samples: dict[str, int]
) -> Combination | None:
    if scored.empty:
        return None
    places = {name: choose(values) or 0 for name, values in marginals.items()}
    return combination(scored, axes, places, samples)
