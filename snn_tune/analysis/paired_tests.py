"""How likely paired differences are by chance: Student's t, sign flips, and Holm's correction for many of them."""

from collections.abc import Iterator
from math import isnan, nan, sqrt

import numpy as np
import pandas as pd
from scipy.special import stdtr

from snn_tune.analysis.cells import by_draw, nb_seeds

DRAWS = 19_999  # of signs, where they are not all tried
_AT_A_TIME = 2_000_000  # signs, or sums of comparisons: 16 MB
_ROUNDING = 1e-9  # the same differences, added up in another order, are as far


def p_values(differences: list[pd.Series], each_pair: bool = False) -> list[float]:
    """Two-sided p-values of mean differences of pairs that differ in one parameter.

    Of several seeds: Student's t of the means of each draw of initial weights (`cells.by_draw`). Of one seed:
    `sign_flip` of the pairs, which holds for this seed alone.

    Args:
        differences: of each comparison, indexed by the other parameters and `seed`; NaN where a trial lacks.
        each_pair: of several seeds, too, sign flips of the pairs.

    Returns:
        One for each comparison, NaN without a pair.
    """
    several = [not each_pair and nb_seeds(one) > 1 for one in differences]
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
    exact = 2**nb_pairs <= DRAWS
    known, observed = np.nan_to_num(differences), np.abs(np.nansum(differences, axis=1))
    as_far = np.zeros(len(differences))
    most = max(_AT_A_TIME // max(*differences.shape, 1), 1)
    for signs in _all_signs(nb_pairs, most) if exact else _drawn_signs(nb_pairs, most):
        as_far += (np.abs(signs @ known.T) >= observed - _ROUNDING).sum(axis=0)
    p = as_far / 2**nb_pairs if exact else (as_far + 1) / (DRAWS + 1)  # what was observed is a draw, too
    return [float(one) for one in np.where(np.isnan(differences).all(axis=1), nan, p)]


def _all_signs(nb_pairs: int, most: int) -> Iterator[np.ndarray]:
    for first in range(0, 2**nb_pairs, most):
        numbers = np.arange(first, min(first + most, 2**nb_pairs))[:, None]
        yield 1.0 - 2.0 * (numbers >> np.arange(nb_pairs) & 1)


def _drawn_signs(nb_pairs: int, most: int) -> Iterator[np.ndarray]:
    """A few at a time, since there may be thousands of pairs."""
    draw, left = np.random.default_rng(0), DRAWS
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
