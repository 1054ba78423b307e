"""p-values of paired differences: by hand, and against SciPy."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from snn_tune.analysis import paired_tests
from snn_tune.analysis.paired_tests import holm, sign_flip, student_p


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04: times 4, 3, 2, 1 is 0.04, 0.06, 0.06, 0.04, and none is below the one before.
    assert holm([0.04, 0.01, nan, 0.03, 0.02]) == pytest.approx([0.06, 0.04, nan, 0.06, 0.06], nan_ok=True)
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_is_between_p_and_bonferroni(p: list[float]) -> None:
    corrected = holm(p)
    for one, other in zip(p, corrected, strict=True):
        assert min(one, 1) <= other <= min(len(p) * one, 1) + 1e-12
    assert [corrected[i] for i in np.argsort(p, kind="stable")] == sorted(corrected)


def test_sign_flip_by_hand() -> None:
    # Of the 8 signs of 1, 2, 3 two are as far from 0 as 6; of 1, 2, -3 all as far as 0; of 1, 2, 0 four as far as 3.
    assert sign_flip(np.array([[1, 2, 3], [1, 2, -3], [1, 2, nan], [nan, nan, nan]])) == pytest.approx(
        [2 / 8, 1.0, 4 / 8, nan], nan_ok=True
    )
    assert sign_flip(np.empty((0, 5))) == []
    assert isnan(sign_flip(np.empty((1, 0)))[0])


@pytest.mark.parametrize("nb_pairs", [2, 9, 14, 15, 40])
def test_sign_flip_is_scipys_permutation_test(nb_pairs: int) -> None:
    differences = np.random.default_rng(nb_pairs).integers(-3, 5, nb_pairs) / 100
    (p,) = sign_flip(differences[None])
    theirs = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=19_999, rng=1)
    assert p == pytest.approx(theirs.pvalue, rel=1e-9 if nb_pairs <= 14 else 0.15)


def test_pairs_without_a_difference_are_rarely_called_real() -> None:
    noise = np.random.default_rng(0).normal(size=(400, 30))
    assert 0.02 < np.mean(np.array(sign_flip(noise)) < 0.05) < 0.09


@pytest.mark.parametrize("nb_pairs", [5, 20])
def test_in_small_pieces_the_p_values_are_the_same(nb_pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(0).integers(-3, 5, (30, nb_pairs)) / 100
    whole = sign_flip(differences)
    monkeypatch.setattr(paired_tests, "_AT_A_TIME", 300)  # ten signs at a time
    assert sign_flip(differences) == pytest.approx(whole, abs=0.02 if nb_pairs > 14 else 1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=9))
def test_students_p_is_scipys(means: list[float]) -> None:
    assume(np.std(means) > 1e-6)
    assert student_p(np.array(means)) == pytest.approx(stats.ttest_1samp(means, 0).pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("mean", "p"), [(0.0, 1.0), (0.25, 0.0)])
def test_of_seeds_that_are_all_alike_any_difference_is_real(mean: float, p: float) -> None:
    assert student_p(np.array([mean, mean])) == p
