"""Intervals, against their formulas worked out by hand."""

from math import isnan, nan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from snn_tune.intervals import accuracy, newcombe, student, wilson


def test_wilson_by_hand() -> None:
    # 8 of 10, z² = 3.8415: (0.8 + 0.19207 ± 1.96 sqrt(0.016 + 0.0096037)) / 1.38415.
    found = wilson(0.8, 10)
    assert (found.low, found.high) == pytest.approx((0.49016, 0.94332), abs=1e-5)
    assert found.of == "samples"


@pytest.mark.parametrize(("right", "nb_samples"), [(0, 20), (13, 20), (20, 20), (8953, 10_000)])
def test_wilson_is_scipys(right: int, nb_samples: int) -> None:
    for level in (0.95, 0.6827):
        theirs = stats.binomtest(right, nb_samples).proportion_ci(level, "wilson")
        found = wilson(right / nb_samples, nb_samples, level)
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(st.integers(1, 5000), st.data())
def test_wilson_holds_the_fraction_and_stays_within_0_and_1(nb_samples: int, data: st.DataObject) -> None:
    share = data.draw(st.integers(0, nb_samples)) / nb_samples
    found = wilson(share, nb_samples)
    assert -1e-12 <= found.low <= share + 1e-12
    assert share - 1e-12 <= found.high <= 1 + 1e-12
    assert found.high - found.low > 0


def test_student_by_hand() -> None:
    # Mean 0.8, deviation 0.1, standard error 0.1 / sqrt(3); t(2) is 4.3027.
    found = student([0.7, 0.8, 0.9])
    assert (found.low, found.high) == pytest.approx(
        (0.8 - 4.3027 * 0.1 / sqrt(3), 0.8 + 4.3027 * 0.1 / sqrt(3)), abs=1e-5
    )
    assert student([0.7, 0.8, 0.9, nan]) == found
    assert isnan(student([0.7, nan]).low)


def test_an_accuracy_has_seeds_before_samples_and_never_leaves_0_and_1() -> None:
    assert accuracy([0.8], 100) == wilson(0.8, 100)
    assert accuracy([0.8, nan], 100) == wilson(0.8, 100)
    assert accuracy([0.7, 0.8, 0.9], 100).of == "seeds"
    assert accuracy([0.7, 0.8, 0.9], 100).high == 1.0
    for nothing in (accuracy([], 100), accuracy([nan], 100), accuracy([0.8], None)):
        assert isnan(nothing.low)
        assert nothing.of == ""


def test_newcombe_is_his_own_example() -> None:
    # Newcombe (1998), table II, contrast (a): 56/70 and 48/80 by method 10.
    found = newcombe(56 / 70, 70, 48 / 80, 80)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
