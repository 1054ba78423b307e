"""The best of a search, run again with seeds that had no part in choosing them: the best of many looks too good."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, nan
from statistics import fmean

import numpy as np

from snn_tune.finding import Finding
from snn_tune.intervals import student
from snn_tune.parameters import Parameters
from snn_tune.study import Study
from snn_tune.trial import Trial

SCORE = "best_valid_accuracy"


@dataclass(frozen=True)
class Finalist:
    """One of the best combinations.

    Attributes:
        chosen_by: the validation accuracy that it was chosen by.
        valid, test: mean accuracies over the new seeds, each with the half width of its 95 % interval (Student's t).
        nb_seeds: new ones that have finished.
    """

    parameters: Parameters
    chosen_by: float
    valid: tuple[float, float]
    test: tuple[float, float]
    nb_seeds: int

    @property
    def curse(self) -> float:
        """The winner's curse: by how much the accuracy that it was chosen by is too high."""
        return self.chosen_by - self.valid[0]


def best(found: Iterable[Finding], how_many: int) -> dict[Parameters, float]:
    """The combinations with the highest mean validation accuracy, best first, and that."""
    scores: defaultdict[Parameters, list[float]] = defaultdict(list)
    for one in found:
        if one.state == "finished" and np.isfinite(one.metrics.get(SCORE, nan)):
            scores[one.trial.parameters].append(one.metrics[SCORE])
    means = {parameters: float(np.mean(values)) for parameters, values in scores.items()}
    in_order = sorted(means.items(), key=lambda item: (-item[1], item[0].model_dump_json()))  # ties: always the same
    return dict(in_order[:how_many])


def new_trials(study: Study, chosen: Iterable[Parameters], data: str) -> list[Trial]:
    """Each combination with seeds that the study has not used, one round of seeds after the other."""
    first = study.budget.seeds
    seeds = range(first, first + study.search.confirm_seeds)
    combinations = list(chosen)
    return [study.trial(parameters, seed, data) for seed in seeds for parameters in combinations]


def ranked(chosen: dict[Parameters, float], found: Iterable[Finding]) -> list[Finalist]:
    """The finalists by mean validation accuracy over the new seeds; those without any come last."""
    by_combination: defaultdict[Parameters, list[Finding]] = defaultdict(list)
    for one in found:
        if one.state == "finished" and one.trial.parameters in chosen:
            by_combination[one.trial.parameters].append(one)
    finalists = [
        Finalist(parameters, score, _interval(again, SCORE), _interval(again, "best_test_accuracy"), len(again))
        for parameters, score in chosen.items()
        for again in [by_combination[parameters]]
    ]
    return sorted(finalists, key=lambda one: -np.nan_to_num(one.valid[0], nan=-1.0))


def _interval(found: list[Finding], name: str) -> tuple[float, float]:
    values = [value for one in found if isfinite(value := one.metrics.get(name, nan))]
    around = student(values)
    return (fmean(values) if values else nan), (around.high - around.low) / 2
