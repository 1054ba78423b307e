"""Two studies compared: the second less the first, for each combination that both have, and overall."""

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from snn_tune.analysis.cells import ACCURACIES, GROUP, largest_group, measured
from snn_tune.analysis.intervals import LEVEL, Interval, newcombe, student
from snn_tune.analysis.significance import sign_flip
from snn_tune.analysis.trials import StudyTrials
from snn_tune.trial import Parameters


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
    both = [_scored(one, names) for one in (first, second)]
    planned = [set(_combinations(one.frame, names)) for one in (first, second)]
    known = [{key: rows for key, rows in scored.groupby("combination", sort=False)} for scored in both]
    common = [key for key in known[0] if key in known[1]]
    samples = first.samples, second.samples
    table = pd.DataFrame([_row(names, key, known[0][key], known[1][key], samples) for key in common])
    if common:
        order = table["difference_valid_accuracy"].abs().sort_values(ascending=False, kind="stable").index
        table = table.loc[order].reset_index(drop=True)
    counts = {
        "common": len(common),
        "only_first": len(planned[0] - planned[1]),
        "only_second": len(planned[1] - planned[0]),
        "not_scored": len(planned[0] & planned[1]) - len(common),
    }
    ratio = _run_time_ratio(table, both) if common else nan
    return Comparison(names, table, _overall(table), counts, _differing(first, second, names), ratio)


def _combinations(frame: pd.DataFrame, names: list[str]) -> list[tuple[Any, ...]]:
    return list(frame[names].itertuples(index=False, name=None)) if len(frame) else []


def _scored(trials: StudyTrials, names: list[str]) -> pd.DataFrame:
    known = measured(trials.frame)
    known["combination"] = pd.Series(_combinations(trials.frame, names), index=known.index, dtype=object)
    known = known[(known["state"] == "finished") & known["valid_accuracy"].notna()].copy()
    _, outside = largest_group(known)
    known.loc[outside, "run_time_s"] = nan
    return known


def _row(
    names: list[str],
    combination: tuple[Any, ...],
    first: pd.DataFrame,
    second: pd.DataFrame,
    samples: tuple[dict[str, int], dict[str, int]],
) -> dict[str, Any]:
    row = dict(zip(names, combination, strict=True)) | {"first_seeds": len(first), "second_seeds": len(second)}
    for name in ACCURACIES:
        over = [of.get(f"nb_{name.removesuffix('_accuracy')}") for of in samples]
        values = [one.set_index("seed")[name].dropna() for one in (first, second)]
        difference, interval = _difference(*values, *over)
        row |= {f"first_{name}": values[0].mean(), f"second_{name}": values[1].mean(), f"difference_{name}": difference}
        row |= {f"low_{name}": interval.low, f"high_{name}": interval.high, f"interval_of_{name}": interval.of}
    return row | {"first_run_time_s": first["run_time_s"].mean(), "second_run_time_s": second["run_time_s"].mean()}


def _difference(
    first: pd.Series, second: pd.Series, nb_first: int | None, nb_second: int | None
) -> tuple[float, Interval]:
    by_seed = (second - first).dropna()
    if len(by_seed) > 1:
        return float(by_seed.mean()), student(by_seed)
    difference = float(second.mean() - first.mean())
    if len(first) > 1 and len(second) > 1:
        ends = stats.ttest_ind(second, first, equal_var=False).confidence_interval(LEVEL)
        return difference, Interval(float(ends.low), float(ends.high), "seeds")
    if len(first) and len(second) and nb_first and nb_second:
        return difference, newcombe(float(second.mean()), nb_second, float(first.mean()), nb_first)
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


def _run_time_ratio(table: pd.DataFrame, both: list[pd.DataFrame]) -> float:
    groups = [largest_group(one)[0] for one in both]
    ratios = (table["second_run_time_s"] / table["first_run_time_s"]).dropna()
    alike = groups[0] == groups[1] and len(ratios) and (ratios > 0).all()
    return float(np.exp(np.log(ratios).mean())) if alike else nan


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
