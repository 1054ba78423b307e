"""Which differences are real: planted ones are found, noise is called noise."""

from itertools import product
from math import isnan, nan

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_optimum import grid

from snn_tune.analysis.optimum import optimum
from snn_tune.analysis.significance import of_one_seed, significance, verdict

AXES = {"a": [1, 2, 3], "b": list(range(10))}


def planted() -> pd.DataFrame:
    """a=3 is best, a=1 worse by 0.1 in each pair; a=2 by 0.01 in half of them, and better by as much in the others."""
    of_a = {1: lambda b: -0.1, 2: lambda b: 0.01 * (-1) ** b - 0.0001, 3: lambda b: 0.0}
    return grid(AXES, [0.8 + of_a[a](b) for a, b in product(*AXES.values())])


def test_a_planted_difference_is_real_and_noise_is_called_noise() -> None:
    found = significance(planted(), AXES)["a"]
    low, middle, best = found
    assert (best.value, best.best, best.nb_pairs) == (3, 3, 10)
    assert isnan(best.p)
    assert low.worse_by == pytest.approx(0.1)
    assert low.p == pytest.approx(2 / 1024)  # all ten have one sign
    assert (low.judged, middle.judged, best.judged) == ("unknown", "unknown", "")  # of 48 comparisons, with ten pairs


def test_holm_is_over_all_pairs_of_values_of_all_parameters() -> None:
    axes = {"a": [1, 2], "b": [0, 1, 2], "c": list(range(8))}
    trials = grid(axes, [0.5 + 0.1 * a + 0.001 * c for a, _, c in product(*axes.values())])
    found = significance(trials, axes)
    worse = found["a"][0]
    assert worse.nb_pairs == 24
    assert worse.p == pytest.approx(1 / 20_000)  # never drawn
    assert worse.corrected == pytest.approx((1 + 3 + 28) / 20_000)
    assert worse.judged == "real"
    assert found["b"][1].judged == "noise"
    assert found["b"][1].p == 1.0
    assert [one.nb_pairs for one in found["c"]] == [6] * 8
    assert not found["c"][0].can_tell  # six pairs have no p below 1/32
    assert verdict("a", found["a"]) == "a: 2 has the best mean; 1 worse by 10.00 points: real (p 0.0016)"
    assert "7 worse by" not in verdict("c", found["c"])
    assert "cannot be told from noise with 6 pairs" in verdict("c", found["c"])
    assert verdict("b", found["b"]) == "b: 0 has the best mean; 1 is as good; 2 is as good"


def test_several_seeds_are_tested_by_their_means() -> None:
    """What all networks of a seed have in common is no evidence for another seed."""
    of_seeds = [0.06, 0.0, 0.03]
    frames = [
        grid(AXES, [0.5 + more * (a == 3) for a, _ in product(*AXES.values())], seed=seed)
        for seed, more in enumerate(of_seeds)
    ]
    low, middle, best = significance(pd.concat(frames), AXES)["a"]
    assert best.value == 3
    for one in (low, middle):
        assert (one.nb_pairs, one.nb_seeds) == (30, 3)
        assert one.worse_by == pytest.approx(0.03)
        assert one.p == pytest.approx(stats.ttest_1samp(of_seeds, 0).pvalue)
        assert one.judged == "noise"
    assert of_one_seed({"a": [low, middle, best]}) == []
    (alone, _, _) = significance(frames[0], {"a": [1, 2, 3], "b": AXES["b"]})["a"]
    assert alone.nb_seeds == 1


def test_networks_that_begin_with_other_weights_count_apart() -> None:
    """As many draws as seeds times numbers of units; of the units themselves, as many as seeds."""
    axes = {"nb_hidden": [10, 20], "b": [0, 1], "c": [1, 2, 3]}
    frames = [grid(axes, np.random.default_rng(seed).uniform(size=12), seed=seed) for seed in range(2)]
    found = significance(pd.concat(frames), axes)
    values = np.stack([frame["best_valid_accuracy"] for frame in frames]).reshape(2, 2, 2, 3)
    of_b, of_units = values[:, :, 1] - values[:, :, 0], values[:, 1] - values[:, 0]
    expected = {"b": of_b.mean(axis=2).ravel(), "nb_hidden": of_units.mean(axis=(1, 2))}
    for name, means in expected.items():
        (worse,) = (one for one in found[name] if one.value != one.best)
        assert worse.p == pytest.approx(stats.ttest_1samp(means, 0).pvalue)


def test_what_is_real_of_one_seed_is_told_to_be_of_one() -> None:
    axes = {"a": [1, 2], "b": list(range(12))}
    trials = grid(axes, [0.5 + 0.1 * a + 0.0001 * b for a, b in product(*axes.values())])
    (line,) = of_one_seed(significance(trials, axes))
    assert line.startswith("real is said of the networks of one seed")
    several = pd.concat([trials, trials.assign(seed=1)])
    assert significance(several, axes)["a"][0].is_real
    assert of_one_seed(significance(several, axes)) == []


def test_the_same_pairs_and_best_value_as_the_choice() -> None:
    trials = planted()
    marginals, found = optimum(trials, AXES).marginals["a"], significance(trials, AXES)["a"]
    for marginal, one in zip(marginals, found, strict=True):
        assert (one.value, one.nb_pairs) == (marginal.value, marginal.nb_pairs)
        assert one.worse_by == pytest.approx(marginal.worse_by)


def test_a_value_whose_pairs_are_better_than_the_bests_is_told_so() -> None:
    trials = grid({"a": [1, 2], "b": [1, 2]}, [0.9, 0.3, 0.8, 0.5], state=["finished"] * 3 + ["failed"])
    text = verdict("a", significance(trials, {"a": [1, 2], "b": [1, 2]})["a"])
    assert (
        text == "a: 2 has the best mean; 1 better in its pairs by 10.00 points: cannot be told from noise with 1 pair"
    )


@pytest.mark.parametrize("trials", [pd.DataFrame(), grid({"a": [1, 2]}, nan), grid({"a": [1, 2]}, [0.5, 0.6]).iloc[:1]])
def test_nothing_to_compare(trials: pd.DataFrame) -> None:
    found = significance(trials, {"a": [1, 2]})
    assert verdict("a", found["a"]) == "a: nothing to compare"


def test_one_value_has_nothing_to_be_compared_with() -> None:
    found = significance(grid({"a": [1, 2], "b": [3]}, [0.5, 0.6]), {"a": [1, 2], "b": [3]})
    assert verdict("b", found["b"]) == "b: nothing to compare"
