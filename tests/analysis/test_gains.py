"""The gain of a combination over a mean, and its interval."""

from math import isnan

import pandas as pd
import pytest
from test_optimum import grid

from snn_tune.analysis.cells import scored
from snn_tune.analysis.gains import gains
from snn_tune.analysis.report import tables
from snn_tune.intervals import student, wilson

AXES = {"a": [1, 2, 3]}


def gain_of(trials, cell=2, **samples):
    cells = scored(trials, AXES)
    return gains(cells[cells["cell"] == cell], cells, samples)


def test_with_one_seed_it_is_the_samples():
    found = gain_of(grid(AXES, [0.5, 0.6, 0.7]), nb_valid=100)["valid_accuracy"]
    around = wilson(0.7, 100)
    assert found.gain == pytest.approx(0.1)
    assert (found.interval.low, found.interval.high) == pytest.approx((around.low - 0.6, around.high - 0.6))
    assert found.interval.of == "samples"
    assert isnan(gain_of(grid(AXES, [0.5, 0.6, 0.7]))["valid_accuracy"].interval.low)


def test_over_seeds_what_is_common_to_all_cells_drops_out():
    seeds = [grid(AXES, [0.5 + d, 0.6 + d, 0.7 + 2 * d], seed=seed) for seed, d in enumerate((-0.03, 0.0, 0.03))]
    found = gain_of(pd.concat(seeds), nb_valid=100)["valid_accuracy"]
    expected = student([0.08, 0.1, 0.12])  # a seed's own: 0.7 + 2d less the mean 0.6 + 4d/3
    assert found.gain == pytest.approx(0.1)
    assert (found.interval.low, found.interval.high) == pytest.approx((expected.low, expected.high))
    assert found.interval.of == "seeds"


def test_a_seed_that_lacks_a_cell_is_in_the_gain_and_not_in_the_interval():
    seeds = [grid(AXES, [0.5, 0.6, 0.7 + d], seed=seed) for seed, d in enumerate((-0.03, 0.03, 0.3))]
    seeds[2].loc[0, "state"] = "failed"
    found = gain_of(pd.concat(seeds))["valid_accuracy"]
    assert found.gain == pytest.approx(0.8 - (0.5 + 0.6 + 0.8) / 3)
    width = student([0.08, 0.12])
    assert found.interval.high - found.interval.low == pytest.approx(width.high - width.low)
    assert (found.interval.high + found.interval.low) / 2 == pytest.approx(found.gain)


def test_what_was_not_run_or_not_measured_has_none():
    trials = grid(AXES, [0.5, 0.6, 0.7], state=["finished", "finished", "failed"])
    for found in (gain_of(trials, nb_valid=100)["valid_accuracy"], gain_of(trials, 1, nb_test=10)["test_accuracy"]):
        assert isnan(found.gain)
        assert isnan(found.interval.low)
        assert found.interval.of == ""
    nothing = gain_of(grid(AXES, [0.5, 0.6, 0.7], state="failed"), nb_valid=100)
    assert all(isnan(found.gain) for found in nothing.values())


def test_gain_over_all_cells_and_over_those_that_learned():
    # Chance 0.1, of 100 samples: standard error 0.03, so that more than 0.19 is learned.
    axes = {"a": [1, 2, 3, 4, 5, 6]}
    activity = ["silent", "", "", "", "", "silent"]
    trials = grid(axes, [0.10, 0.15, 0.18, 0.50, 0.70, 0.40], activity=activity, best_train_accuracy=0.8)
    gain = tables(trials, axes, title="", samples={"nb_valid": 100}, nb_classes=10, thesis=None).summary()["gain"]
    assert gain["learned"]["valid_accuracy"] == pytest.approx(0.70 - 0.60)
    assert gain["all"]["valid_accuracy"] == pytest.approx(0.70 - 2.03 / 6)
    assert gain["all"]["train_accuracy"] == pytest.approx(0)
    assert isnan(gain["all"]["test_accuracy"])
