"""Two studies compared: the second less the first, for each combination that both have, and overall."""

from collections.abc import Collection
from dataclasses import dataclass
from math import isnan, nan
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from snn_tune.analysis.cells import ACCURACIES, GROUP, largest_group, measured
from snn_tune.analysis.paired_tests import sign_flip
from snn_tune.analysis.trials import StudyTrials
from snn_tune.intervals import LEVEL, Interval, newcombe, student
from snn_tune.parameters import Parameters

Combination = tuple[Any, ...]


@dataclass(frozen=True)
class Overall:
    """Mean difference of an accuracy over the common combinations; p by the sign-flip test of them."""

    difference: float
    interval: Interval
    p: float
    nb_combinations: int


@dataclass(frozen=True)
class Comparison:
    """What two studies have in common, and what not.

    Attributes:
        names: the parameters that vary in either.
        table: a row for each common combination: those, and for each accuracy `first_`, `second_`, `difference_`,
            `low_`, `high_` and `interval_of_` it; the largest difference in validation accuracy first.
        overall: by accuracy.
        counts: combinations that are common, of one study alone, or not scored in one of them.
        differing: what is the same in all trials of each, but not in both: first, second.
        run_time_ratio: geometric mean of second / first over the common combinations; NaN unless timed alike.
    """

    names: list[str]
    table: pd.DataFrame
    overall: dict[str, Overall]
    counts: dict[str, int]
    differing: dict[str, tuple[str, str]]
    run_time_ratio: float


def compare(first: StudyTrials, second: StudyTrials) -> Comparison:
    """Match the combinations of two studies by the parameters that vary in either.

    The difference of a combination is that of its seeds: where both have two seeds or more in common the mean of the
    differences seed by seed, with Student's interval; else that of the means, with Welch's interval where both have
    several seeds, and Newcombe's from the samples where not. Each interval stands alone: of a hundred some five miss.
    """
    names = list(dict.fromkeys([*first.study.space, *second.study.space]))
    one, other = (_scored(trials, names) for trials in (first, second))
    planned = [set(_combinations(trials.frame, names)) for trials in (first, second)]
    common = [combination for combination in one if combination in other]
    samples = first.samples, second.samples
    rows = [dict(zip(names, at, strict=True)) | _measures(one[at], other[at], *samples) for at in common]
    rows.sort(key=lambda row: -abs(row["difference_valid_accuracy"]))
    table = pd.DataFrame(rows)
    counts = {
        "common": len(common),
        "only_first": len(planned[0] - planned[1]),
        "only_second": len(planned[1] - planned[0]),
        "not_scored": len(planned[0] & planned[1]) - len(common),
    }
    differing = _differing(first, second, names)
    alike = not set(GROUP) & set(differing)
    ratio = _run_time_ratio(table) if common and alike else nan
    return Comparison(names, table, _overall(table), counts, differing, ratio)


def _combinations(frame: pd.DataFrame, names: list[str]) -> list[Combination]:
    return list(frame[names].itertuples(index=False, name=None)) if len(frame) else []


def _scored(trials: StudyTrials, names: list[str]) -> dict[Combination, list[dict[str, Any]]]:
    """The measures of the trials of each combination that have finished with a score; run times of one group alone."""
    known = measured(trials.frame)
    usable = (known["state"] == "finished") & known["valid_accuracy"].notna()
    _, outside = largest_group(known[usable])
    known.loc[outside.index[outside], "run_time_s"] = nan
    found: dict[Combination, list[dict[str, Any]]] = {}
    for combination, record, use in zip(
        _combinations(trials.frame, names), known.to_dict("records"), usable, strict=True
    ):
        if use:
            found.setdefault(combination, []).append({str(name): value for name, value in record.items()})
    return found


def _measures(
    first: list[dict[str, Any]], second: list[dict[str, Any]], samples: dict[str, int], others: dict[str, int]
) -> dict[str, Any]:
    """The columns of one combination's row, from its trials in the two studies."""
    row: dict[str, Any] = {"first_seeds": len(first), "second_seeds": len(second)}
    for name in ACCURACIES:
        part = f"nb_{name.removesuffix('_accuracy')}"
        one, other = _by_seed(first, name), _by_seed(second, name)
        difference, interval = _difference(one, other, samples.get(part), others.get(part))
        row |= {f"first_{name}": _mean(one.values()), f"second_{name}": _mean(other.values())}
        row |= {f"difference_{name}": difference, f"low_{name}": interval.low, f"high_{name}": interval.high}
        row[f"interval_of_{name}"] = interval.of
    times = {"first_run_time_s": first, "second_run_time_s": second}
    return row | {name: _mean(_by_seed(trials, "run_time_s").values()) for name, trials in times.items()}


def _by_seed(trials: list[dict[str, Any]], name: str) -> dict[str, float]:
    return {trial["seed"]: trial[name] for trial in trials if not isnan(trial[name])}


def _mean(values: Collection[float]) -> float:
    return fmean(values) if values else nan


def _difference(
    first: dict[str, float], second: dict[str, float], nb_first: int | None, nb_second: int | None
) -> tuple[float, Interval]:
    by_seed = [second[seed] - first[seed] for seed in first if seed in second]
    if len(by_seed) > 1:
        return fmean(by_seed), student(by_seed)
    one, other = list(first.values()), list(second.values())
    difference = _mean(other) - _mean(one)
    if len(one) > 1 and len(other) > 1:
        from scipy import stats  # takes most of a second: only where it is needed

        ends = stats.ttest_ind(other, one, equal_var=False).confidence_interval(LEVEL)
        return difference, Interval(float(ends.low), float(ends.high), "seeds")
    if one and other and nb_first and nb_second:
        return difference, newcombe(fmean(other), nb_second, fmean(one), nb_first)
    return difference, Interval()


def _overall(table: pd.DataFrame) -> dict[str, Overall]:
    found = {}
    for name in ACCURACIES if len(table) else ():
        differences = table[f"difference_{name}"].dropna()
        interval = student(differences, "combinations")
        if len(differences) == 1:
            only = table.loc[differences.index[0]]
            interval = Interval(only[f"low_{name}"], only[f"high_{name}"], only[f"interval_of_{name}"])
        (p,) = sign_flip(differences.to_numpy()[None])
        found[name] = Overall(float(differences.mean()), interval, p, len(differences))
    return found


def _run_time_ratio(table: pd.DataFrame) -> float:
    ratios = (table["second_run_time_s"] / table["first_run_time_s"]).dropna()
    return float(np.exp(np.log(ratios).mean())) if len(ratios) and (ratios > 0).all() else nan


def _differing(first: StudyTrials, second: StudyTrials, names: list[str]) -> dict[str, tuple[str, str]]:
    """Data, network, machines and fixed parameters."""

    def told(one: StudyTrials) -> dict[str, str]:
        finished = measured(one.frame)
        finished = finished[finished["state"] == "finished"]
        group, _ = largest_group(finished)
        tags = {"dataset": one.origin.get("dataset", ""), "data": one.origin.get("data_fingerprint", "")[:12]}
        fixed = {
            name: str(one.frame[name].iloc[0])
            for name in Parameters.model_fields
            if name not in names and len(one.frame)
        }
        return tags | {"network": one.study.network} | fixed | {name: group.get(name, "") for name in GROUP}

    one, other = told(first), told(second)
    return {name: (one[name], other[name]) for name in one if name in other and one[name] != other[name]}
