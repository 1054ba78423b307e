"""Which differences between the values of a parameter are real, and which may be noise."""

from dataclasses import dataclass
from itertools import combinations
from math import isnan, nan
from typing import Any

import pandas as pd

from snn_tune.analysis.cells import Axes, highest, mean_scores, nb_seeds, pairs, scored
from snn_tune.analysis.formats import number, p_value
from snn_tune.analysis.paired_tests import DRAWS, holm, p_values

ALPHA = 0.05
_AS_GOOD = 5e-5  # would be told as 0.00 points


@dataclass(frozen=True)
class Comparison:
    """One value of a parameter against its best.

    Attributes:
        worse_by: mean over the pairs of the best value's validation accuracy less this one's, a fraction.
        nb_seeds: that the pairs are of.
        p: see `paired_tests.p_values`; NaN of the best itself and without a pair.
        corrected: p after Holm, over all pairs of values of all parameters.
        can_tell: whether so many pairs could have a corrected p below ALPHA at all.
    """

    value: Any
    best: Any
    worse_by: float
    nb_pairs: int
    nb_seeds: int
    p: float
    corrected: float
    can_tell: bool

    @property
    def is_real(self) -> bool:
        return self.corrected < ALPHA  # False of NaN

    @property
    def judged(self) -> str:
        """ "real", "noise" (it may be), "unknown" (too few pairs to tell), or "" of the best itself."""
        if self.value == self.best:
            return ""
        return "real" if self.is_real else "noise" if self.can_tell else "unknown"


def significance(trials: pd.DataFrame, axes: Axes) -> dict[str, list[Comparison]]:
    """For each parameter, each value against the one with the best mean validation accuracy (`optimum`'s columns).

    Any two values of any parameter are compared and corrected for: the best was picked among them by the same numbers,
    so that comparisons with it alone would be too few to correct for.
    """
    cells = scored(trials, axes)
    paired = {name: pairs(cells, name, axes) for name in axes}
    p: dict[tuple[str, int, int], float] = {}
    for name, table in paired.items():
        both = list(combinations(range(table.shape[1]), 2))
        tested = p_values([table[i] - table[j] for i, j in both])
        p |= {(name, *two): one for two, one in zip(both, tested, strict=True)}
    corrected = dict(zip(p, holm(list(p.values())), strict=True))
    nb_tests = sum(not isnan(one) for one in p.values())

    def compare(name: str, best: int, i: int) -> Comparison:
        difference = (paired[name][best] - paired[name][i]).dropna()
        seeds = nb_seeds(difference)
        least = 0.0 if seeds > 1 else max(2.0 ** (1 - len(difference)), 1 / (DRAWS + 1))
        two = name, min(i, best), max(i, best)
        return Comparison(
            value=axes[name][i],
            best=axes[name][best],
            worse_by=float(difference.mean()) if len(difference) else nan,
            nb_pairs=len(difference),
            nb_seeds=seeds,
            p=p.get(two, nan),
            corrected=corrected.get(two, nan),
            can_tell=least * nb_tests < ALPHA,
        )

    best = {name: _best(cells, name, axes) for name in axes}
    return {name: [compare(name, best[name], i) for i in range(len(axes[name]))] for name in axes}


def _best(cells: pd.DataFrame, name: str, axes: Axes) -> int:
    return highest([mean_scores(cells[cells[name] == i]) for i in range(len(axes[name]))])


def verdict(name: str, compared: list[Comparison]) -> str:
    """A sentence: which differences to the best value are real, and which may be noise."""
    others = [one for one in compared if one.value != one.best and one.nb_pairs]
    if not others:
        return f"{name}: nothing to compare"
    ranked = sorted(others, key=lambda one: one.worse_by)
    return f"{name}: {number(ranked[0].best)} has the best mean; " + "; ".join(map(_words, ranked))


def of_one_seed(compared: dict[str, list[Comparison]]) -> list[str]:
    """What one seed leaves open, where something was called real of it."""
    real = [one for values in compared.values() for one in values if one.is_real]
    if any(one.nb_seeds == 1 for one in real):
        return ["real is said of the networks of one seed: run with --seeds 3 to see whether others' are alike"]
    return []


def _words(one: Comparison) -> str:
    if abs(one.worse_by) < _AS_GOOD and not one.is_real:
        return f"{number(one.value)} is as good"
    way = (
        f"worse by {100 * one.worse_by:.2f}"
        if one.worse_by >= 0
        else f"better in its pairs by {-100 * one.worse_by:.2f}"
    )
    judged = {
        "real": f"real (p {p_value(one.corrected)})",
        "noise": f"may be noise (p {p_value(one.corrected)})",
        "unknown": f"cannot be told from noise with {one.nb_pairs} pair{'s' * (one.nb_pairs != 1)}",
    }[one.judged]
    return f"{number(one.value)} {way} points: {judged}"
