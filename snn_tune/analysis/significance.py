"""Which differences between the values of a parameter are real, and which may be noise."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import isnan, nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr

from snn_tune.analysis.cells import Axes, by_draw, highest, mean_scores, nb_seeds, pairs, scored
from snn_tune.analysis.formats import number, p_value

ALPHA = 0.05
_AS_GOOD = 5e-5  # would be told as 0.00 points
_DRAWS = 19_999
_AT_A_TIME = 2_000_000  # signs, or sums of comparisons: 16 MB
_ROUNDING = 1e-9  # the same differences, added up in another order, are as far


@dataclass(frozen=True)
class Comparison:
    """One value of a parameter against its best.

    Attributes:
        worse_by: mean over the pairs of the best value's validation accuracy less this one's, a fraction.
        nb_seeds: that the pairs are of.
        p: see `p_values`; NaN of the best itself and without a pair.
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
        least = 0.0 if seeds > 1 else max(2.0 ** (1 - len(difference)), 1 / (_DRAWS + 1))
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


def p_values(differences: list[pd.Series]) -> list[float]:
    """Two-sided p-values of mean differences of pairs that differ in one parameter.

    Of several seeds: Student's t of the means of each draw of initial weights (`cells.by_draw`). Of one seed:
    `sign_flip` of the pairs, which holds for this seed alone.

    Args:
        differences: of each comparison, indexed by the other parameters and `seed`; NaN where a trial lacks.

    Returns:
        One for each comparison, NaN without a pair.
    """
    several = [nb_seeds(one) > 1 for one in differences]
    flipped = iter(sign_flip(np.array([one for one, many in zip(differences, several, strict=True) if not many])))
    return [
        student_p(by_draw(one).to_numpy()) if many else next(flipped)
        for one, many in zip(differences, several, strict=True)
    ]


def student_p(means: np.ndarray) -> float:
    """Two-sided, that draws of one normal with mean 0 have such a mean, or a farther one; of two values or more."""
    mean, error = abs(means.mean()), means.std(ddof=1) / sqrt(len(means))
    return 2 * float(stdtr(len(means) - 1, -mean / error)) if error > _ROUNDING else float(mean <= _ROUNDING)


def sign_flip(differences: np.ndarray) -> list[float]:
    """Two-sided p-values of paired differences: how often their sum is as far from 0 when their signs are drawn.

    If two values of a parameter do the same, either of a pair might as well be the other's (Fisher 1935): that holds
    for accuracies whatever their distribution. Student's t would need normal differences, which networks that are
    silent, or all at 100 %, do not have; Wilcoxon's ranks would test another thing than the mean that is chosen by, and
    leave out the pairs that are equal. All signs are tried up to 14 pairs, else 19,999 drawn, always the same.

    Args:
        differences: (comparisons, pairs); NaN where a pair lacks one of its trials.

    Returns:
        One for each comparison, NaN without a pair.
    """
    if not differences.size:
        return [nan] * len(differences)
    nb_pairs = differences.shape[1]
    exact = 2**nb_pairs <= _DRAWS
    known, observed = np.nan_to_num(differences), np.abs(np.nansum(differences, axis=1))
    as_far = np.zeros(len(differences))
    most = max(_AT_A_TIME // max(*differences.shape, 1), 1)
    for signs in _all_signs(nb_pairs, most) if exact else _drawn_signs(nb_pairs, most):
        as_far += (np.abs(signs @ known.T) >= observed - _ROUNDING).sum(axis=0)
    p = as_far / 2**nb_pairs if exact else (as_far + 1) / (_DRAWS + 1)  # what was observed is a draw, too
    return [float(one) for one in np.where(np.isnan(differences).all(axis=1), nan, p)]


def _all_signs(nb_pairs: int, most: int) -> Iterator[np.ndarray]:
    for first in range(0, 2**nb_pairs, most):
        numbers = np.arange(first, min(first + most, 2**nb_pairs))[:, None]
        yield 1.0 - 2.0 * (numbers >> np.arange(nb_pairs) & 1)


def _drawn_signs(nb_pairs: int, most: int) -> Iterator[np.ndarray]:
    """A few at a time, since there may be thousands of pairs."""
    draw, left = np.random.default_rng(0), _DRAWS
    while left:
        now = min(left, most)
        yield 1.0 - 2.0 * draw.integers(2, size=(now, nb_pairs), dtype=np.int8)
        left -= now


def holm(p: list[float]) -> list[float]:
    """p-values corrected for how many they are (Holm 1979); NaN stays, and does not count."""
    order = sorted((i for i, value in enumerate(p) if not isnan(value)), key=lambda i: p[i])
    corrected, largest = [nan] * len(p), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min((len(order) - rank) * p[i], 1.0))
        corrected[i] = largest
    return corrected


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
        return ["real is said of the networks of one seed: --seeds 3 tells whether others' are alike"]
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
