"""95 % intervals of an accuracy: over seeds where there are several, else from the samples that it is over."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan, nan, sqrt
from statistics import NormalDist

import numpy as np
from scipy.special import stdtrit

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """Fractions; NaN where nothing is known.

    Attributes:
        of: what it is over: "seeds", "samples", "combinations" or, of nothing, "".
    """

    low: float = nan
    high: float = nan
    of: str = ""


def accuracy(values: Iterable[float], nb_samples: int | None) -> Interval:
    """Of a mean accuracy.

    With two seeds or more it is Student's over them: how much another training differs, on these samples. With one it
    is Wilson's over the samples: how much the same network differs on other samples. Neither holds the other's noise.

    Args:
        values: a fraction for each seed; NaN counts as none.
        nb_samples: that each is over; None where that is not known.
    """
    finite = [value for value in values if not isnan(value)]
    if len(finite) > 1:
        over_seeds = student(finite)
        return Interval(max(over_seeds.low, 0.0), min(over_seeds.high, 1.0), "seeds")
    return wilson(finite[0], nb_samples) if finite and nb_samples else Interval()


def student(values: Iterable[float], of: str = "seeds") -> Interval:
    """Of a mean: mean ± t(n - 1) s / sqrt(n), the values taken as draws of one normal; unknown with fewer than two."""
    finite = np.array([value for value in values if not isnan(value)])
    if len(finite) < 2:
        return Interval()
    half = float(stdtrit(len(finite) - 1, (1 + LEVEL) / 2)) * float(finite.std(ddof=1)) / sqrt(len(finite))
    return Interval(float(finite.mean()) - half, float(finite.mean()) + half, of)


def wilson(fraction: float, nb_samples: int, level: float = LEVEL) -> Interval:
    """Of a fraction of samples (Wilson 1927): it has a width also where all are right, and never leaves 0 to 1."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    spread = z * sqrt(fraction * (1 - fraction) / nb_samples + (z / (2 * nb_samples)) ** 2)
    middle, whole = fraction + z**2 / (2 * nb_samples), 1 + z**2 / nb_samples
    return Interval(max((middle - spread) / whole, 0.0), min((middle + spread) / whole, 1.0), "samples")


def newcombe(first: float, nb_first: int, second: float, nb_second: int) -> Interval:
    """Of first - second, fractions of two independent sets of samples (Newcombe 1998, method 10).

    On the same samples the two go up and down together: then it is too wide rather than too narrow.
    """
    one, other = wilson(first, nb_first), wilson(second, nb_second)
    below = sqrt((first - one.low) ** 2 + (other.high - second) ** 2)
    above = sqrt((one.high - first) ** 2 + (second - other.low) ** 2)
    return Interval(first - second - below, first - second + above, "samples")
