"""The choice of a combination, on grids small enough to work out by hand."""

from itertools import product
from math import isnan, nan

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_tune.analysis.combination import mark
from snn_tune.analysis.optimum import optimum

TWO_BY_THREE = {"a": [1, 2], "b": [10, 20, 30]}


def grid(axes, valid, **columns):
    """A finished trial for each cell, in grid order; other columns as given, a list or one value for all."""
    trials = pd.DataFrame(list(product(*axes.values())), columns=list(axes))
    defaults = {"state": "finished", "activity": "", "seed": 0, "run_time_s": 60.0}
    return trials.assign(best_valid_accuracy=valid, **(defaults | columns))


def chosen(trials, axes, **known):
    return optimum(trials, axes, **known).chosen.parameters


# Differences of a=2 to a=1 are 0.03, -0.01, 0.01: mean 0.01, deviation 0.02, standard error 0.02 / sqrt(3) = 0.0115.
TIED = [0.50, 0.70, 0.90, 0.53, 0.69, 0.91]


@pytest.mark.parametrize(("time_1", "time_2", "expected"), [(40, 50, 1), (50, 40, 2), (50, 50, 2)])
def test_within_one_paired_standard_error_the_faster_value_wins(time_1, time_2, expected):
    trials = grid(TWO_BY_THREE, TIED, run_time_s=[time_1] * 3 + [time_2] * 3)
    assert chosen(trials, TWO_BY_THREE)["a"] == expected
    worse = optimum(trials, TWO_BY_THREE).marginals["a"][0]
    assert worse.nb_pairs == 3
    assert worse.worse_by == pytest.approx(0.01)
    assert worse.standard_error == pytest.approx(0.02 / 3**0.5)


def test_beyond_one_paired_standard_error_the_better_value_wins():
    # Differences 0.03, 0.00, 0.015: mean 0.015, deviation 0.015, standard error 0.00866.
    trials = grid(TWO_BY_THREE, [0.50, 0.70, 0.90, 0.53, 0.70, 0.915], run_time_s=[1] * 3 + [99] * 3)
    assert chosen(trials, TWO_BY_THREE)["a"] == 2


def test_spread_over_the_other_parameters_does_not_count():
    # Always better by 0.01 in a grid that spreads over 0.4: an unpaired standard error would be 0.16.
    trials = grid(TWO_BY_THREE, [0.50, 0.70, 0.90, 0.51, 0.71, 0.91], run_time_s=[1] * 3 + [99] * 3)
    assert chosen(trials, TWO_BY_THREE)["a"] == 2


def test_worse_by_exactly_one_standard_error_is_as_good():
    # Differences 0 and 0.08: mean 0.04, standard error 0.04. As floats the mean is the larger, in the last digit.
    axes = {"a": [1, 2], "b": [10, 20]}
    trials = grid(axes, [0.60, 0.10, 0.60, 0.18], run_time_s=[1, 1, 99, 99])
    assert chosen(trials, axes)["a"] == 1


def test_one_pair_has_no_standard_error_and_the_better_mean_wins():
    trials = grid(
        TWO_BY_THREE, TIED, run_time_s=[1] * 3 + [99] * 3, state=["finished"] * 3 + ["finished"] + ["failed"] * 2
    )
    found = optimum(trials, TWO_BY_THREE)  # a=1: mean 0.70 over three cells; a=2: 0.53 over one
    assert found.chosen.parameters["a"] == 1
    assert found.marginals["a"][1].nb_pairs == 1
    assert isnan(found.marginals["a"][1].standard_error)
    axes = {"a": [1, 2], "b": [10]}
    assert chosen(grid(axes, [0.5, 0.50001], run_time_s=[1, 99]), axes)["a"] == 2


def test_pairs_have_the_same_seed():
    axes = {"a": [1, 2]}
    low, high = grid(axes, [0.5, 0.6], seed=0), grid(axes, [0.7, 0.8], seed=1)
    trials = pd.concat([low, high], ignore_index=True).assign(run_time_s=[1, 99, 1, 99])
    found = optimum(trials, axes)
    assert found.chosen.parameters == {"a": 2}  # better by 0.1 for each seed; across seeds it would be -0.1 to 0.3
    assert found.chosen.nb_seeds == 2
    assert found.marginals["a"][0].nb_pairs == 2
    alone = trials.assign(seed=[0, 1, 2, 3])
    assert optimum(alone, axes).marginals["a"][0].nb_pairs == 0


def test_a_cell_counts_once_however_many_seeds_it_has():
    trials = pd.DataFrame({"a": [1, 1, 1, 2], "seed": [0, 1, 2, 0], "best_valid_accuracy": [0.6, 0.6, 0.9, 0.5]})
    found = optimum(trials.assign(state="finished"), {"a": [1, 2]})
    assert found.grid_mean.valid_accuracy == pytest.approx((0.7 + 0.5) / 2)
    assert (found.grid_mean.nb_cells, found.grid_mean.nb_trials) == (2, 4)
    assert found.best.nb_seeds == 3
    assert found.best.scores.valid_accuracy == pytest.approx(0.7)


def test_run_times_count_within_the_largest_group_alone():
    # a=1 is better but tied. On the CPU a=2 is faster (80 s against 100 s); with the GPU's 1 s, a=1 would seem to be.
    valid = [0.53, 0.69, 0.91, 0.50, 0.70, 0.90]
    trials = grid(TWO_BY_THREE, valid, run_time_s=[100, 100, 1, 80, 80, 80], device=["cpu", "cpu", "gpu"] + ["cpu"] * 3)
    found = optimum(trials.assign(threads="1"), TWO_BY_THREE)
    assert found.chosen.parameters["a"] == 2
    assert found.run_time_group == {"device": "cpu", "kernel": "", "threads": "1", "trials_beside": ""}
    assert found.nb_other_groups == 1
    assert found.grid_mean.run_time_s == pytest.approx((2 * 100 + 3 * 80) / 5)
    assert found.best.parameters == {"a": 1, "b": 30}
    assert isnan(found.best.scores.run_time_s)
    assert found.nb_without == {"train_accuracy": 6, "test_accuracy": 6, "spikes_per_neuron": 6}


def test_a_best_value_without_a_comparable_run_time_stays():
    axes = {"a": [1, 2], "b": [10, 20, 30, 40]}
    valid = [0.53, 0.69, 0.91, 0.80, 0.50, 0.70, 0.90, 0.80]
    trials = grid(axes, valid, device=["gpu"] * 3 + ["tpu"] + ["cpu"] * 4, run_time_s=50.0)
    assert chosen(trials, axes)["a"] == 1


def test_the_chosen_cell_may_not_have_been_run():
    axes = {"a": [1, 2], "b": [10, 20]}  # means: a 0.65, 0.9; b 0.7, 0.8; the cell (2, 20) failed
    trials = grid(axes, [0.5, 0.8, 0.9, nan], state=["finished"] * 3 + ["failed"])
    found = optimum(trials, axes)
    assert found.chosen.parameters == {"a": 2, "b": 20}
    assert not found.chosen.was_run
    assert isnan(found.chosen.scores.valid_accuracy)
    assert found.best.parameters == {"a": 2, "b": 10}
    assert found.best.was_run


def test_only_finished_trials_with_a_finite_accuracy_count():
    axes = {"a": [1, 2, 3, 4, 5]}
    states = ["finished", "diverged", "pruned", "finished", "finished"]
    found = optimum(grid(axes, [0.5, 0.99, 0.98, nan, float("inf")], state=states), axes)
    assert found.chosen.parameters == found.best.parameters == {"a": 1}
    assert found.grid_mean.valid_accuracy == 0.5
    assert found.nb_unscored == 2


def test_trials_off_the_grid_do_not_count():
    trials = pd.concat([grid({"a": [1, 2]}, [0.5, 0.6]), grid({"a": [7, nan]}, [0.9, 0.95])], ignore_index=True)
    assert optimum(trials, {"a": [1, 2]}).best.parameters == {"a": 2}


def test_best_single_ties_by_run_time_then_grid_order():
    axes = {"a": [3, 1, 2]}
    assert optimum(grid(axes, 0.5, run_time_s=[5, 4, 4]), axes).best.parameters == {"a": 1}
    assert optimum(grid(axes, 0.5, run_time_s=[nan, 4, 4]), axes).best.parameters == {"a": 1}
    assert optimum(grid(axes, [0.5, 0.6, 0.5], run_time_s=[1, 9, 1]), axes).best.parameters == {"a": 1}


def test_means_of_all_cells_and_of_those_that_learned():
    # Chance 0.1, of 100 samples: standard error 0.03, so that more than 0.19 is learned.
    axes = {"a": [1, 2, 3, 4, 5, 6]}
    activity = ["silent", "", "", "", "", "silent"]
    trials = grid(axes, [0.10, 0.15, 0.18, 0.50, 0.70, 0.40], activity=activity, best_train_accuracy=0.8)
    found = optimum(trials, axes, nb_classes=10, samples={"nb_valid": 100})
    assert found.learned.nb_cells == 2
    assert found.learned.valid_accuracy == pytest.approx(0.60)
    assert found.grid_mean.valid_accuracy == pytest.approx(2.03 / 6)
    assert isnan(found.grid_mean.test_accuracy)
    assert optimum(trials, axes, nb_classes=10).learned.nb_cells == 4  # beside chance itself nothing is known
    assert optimum(trials, axes).learned.nb_cells == 4  # all but the silent


def test_a_cell_learned_if_every_seed_of_it_did():
    trials = pd.concat([grid({"a": [1, 2]}, [0.5, 0.6], seed=seed) for seed in (0, 1)], ignore_index=True)
    trials["activity"] = ["", "", "silent", ""]
    assert optimum(trials, {"a": [1, 2]}).learned.valid_accuracy == 0.6


@pytest.mark.parametrize(
    ("value", "axis", "expected"),
    [
        (3, [1, 2, 3], "+"),
        (1, [1, 2, 3], "-"),
        (2, [1, 2, 3], ""),
        (1e-6, [1e-4, 1e-5, 1e-6], "-"),  # by size, in whatever order the axis lists them
        (100.0, [80, 100.0], "+"),
        (5, [5], ""),
        ("zero", ["subtract", "zero"], ""),
        (True, [False, True], ""),
    ],
)
def test_marks(value, axis, expected):
    assert mark(value, axis) == expected


def test_values_may_be_words_and_switches():
    axes = {"reset": ["zero", "subtract"], "recurrent": [False, True], "dt": [1e-3]}
    found = optimum(grid(axes, [0.5, 0.6, 0.7, 0.9]), axes)
    assert found.chosen.parameters == {"reset": "subtract", "recurrent": True, "dt": 1e-3}
    assert set(found.chosen.marks.values()) == {""}


def test_one_trial_and_none():
    axes = {"a": [1, 2], "b": [10, 20]}
    found = optimum(grid(axes, [0.5, 0.6, 0.7, 0.8]).iloc[1:2], axes)
    assert repr(found.chosen) == repr(found.best)  # NaN is not equal to itself
    assert found.chosen.parameters == {"a": 1, "b": 20}
    nothing = [pd.DataFrame(), grid(axes, nan), grid(axes, 0.5, state="running")]
    for trials in nothing:
        found = optimum(trials, axes)
        assert found.chosen is None
        assert found.best is None
        assert found.grid_mean.nb_cells == 0
        assert isnan(found.grid_mean.valid_accuracy)
    assert optimum(grid(axes, 0.5).iloc[:1], {}).chosen.parameters == {}


def test_a_parameter_that_the_trials_lack_is_named():
    with pytest.raises(ValueError, match="'b'"):
        optimum(grid({"a": [1]}, 0.5), {"a": [1], "b": [2]})


@st.composite
def partial_grids(draw):
    """A grid of some trials in any state, some without measures, on two kinds of device."""
    axes = {"a": [3, 1, 2], "b": [True, False]}
    cells = [(*cell, seed) for cell in product(*axes.values()) for seed in (0, 1)]
    rows = draw(st.lists(st.sampled_from(cells), unique=True))
    accuracy = st.integers(0, 1000).map(lambda n: n / 1000) | st.just(nan)
    columns = {
        "state": st.sampled_from(["finished", "finished", "finished", "failed", "diverged", "missing"]),
        "activity": st.sampled_from(["", "silent"]),
        "best_valid_accuracy": accuracy,
        "best_test_accuracy": accuracy,
        "run_time_s": st.floats(1, 100) | st.just(nan),
        "device": st.sampled_from(["cpu", "gpu"]),
    }
    trials = pd.DataFrame(rows, columns=[*axes, "seed"])
    values = {name: draw(st.lists(value, min_size=len(rows), max_size=len(rows))) for name, value in columns.items()}
    return trials.assign(**values), axes


@settings(deadline=None, max_examples=60)
@given(partial_grids(), st.randoms(use_true_random=False))
def test_any_grid_gives_values_of_its_axes_in_whatever_order_the_trials_come(given_grid, random):
    trials, axes = given_grid
    found = optimum(trials, axes, nb_classes=2, samples={"nb_valid": 50})
    scored = trials[(trials["state"] == "finished") & trials["best_valid_accuracy"].notna()]
    assert (found.chosen is None) == scored.empty
    if found.chosen:
        assert all(scored[name].eq(value).any() for name, value in found.chosen.parameters.items())
        cells = scored.groupby(list(axes))["best_valid_accuracy"].mean()
        assert found.best.scores.valid_accuracy == pytest.approx(cells.max())
        assert found.learned.nb_cells <= found.grid_mean.nb_cells == len(cells)
    order = list(trials.index)
    random.shuffle(order)
    assert repr(optimum(trials.loc[order], axes, nb_classes=2, samples={"nb_valid": 50})) == repr(found)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, 400), min_size=3, max_size=3, unique=True),
    st.lists(st.integers(0, 400), min_size=3, max_size=3, unique=True),
    st.lists(st.floats(1, 100), min_size=9, max_size=9),
)
def test_where_effects_add_up_the_standard_error_is_0_and_the_best_value_is_chosen(of_a, of_b, times):
    axes = {"a": [1, 2, 3], "b": [10, 20, 30]}
    trials = grid(axes, [(a + b) / 1000 for a, b in product(of_a, of_b)], run_time_s=times)
    assert chosen(trials, axes) == {"a": 1 + of_a.index(max(of_a)), "b": 10 + 10 * of_b.index(max(of_b))}
