"""The best single cells, and the cheapest that are as good."""

from math import nan

import pandas as pd
import pytest
from test_optimum import grid

from snn_tune.analysis.cells import scored
from snn_tune.analysis.single import best, cheapest

AXES = {"a": [1, 2, 3, 4]}


def chosen(trials, cost="run_time_s", **samples):
    found = cheapest(scored(trials, AXES), AXES, cost, samples)
    return found.parameters["a"] if found else None


@pytest.mark.parametrize(("nb_valid", "expected"), [(100, 2), (400, 3), (100_000, 4)])
def test_with_one_seed_within_one_binomial_standard_error_of_the_best(nb_valid, expected):
    # Of 0.90: 0.030 with 100 samples, 0.015 with 400, 0.001 with 100,000.
    trials = grid(AXES, [0.80, 0.875, 0.89, 0.90], run_time_s=[1, 2, 3, 4])
    assert chosen(trials, nb_valid=nb_valid) == expected
    assert best(scored(trials, AXES), AXES, {}).parameters == {"a": 4}


def test_with_several_seeds_within_one_standard_error_over_them():
    # The best: 0.88, 0.90, 0.92: standard error 0.0115.
    seeds = [grid(AXES, [0.80, 0.885, 0.889, 0.90 + d], run_time_s=[1, 2, 3, 4], seed=d) for d in (-0.02, 0.0, 0.02)]
    assert chosen(pd.concat(seeds), nb_valid=10) == 3


def test_where_all_samples_are_right_the_error_is_not_0():
    trials = grid(AXES, [0.90, 0.996, 1.0, 1.0], run_time_s=[1, 2, 4, 3])
    assert chosen(trials, nb_valid=100) == 2
    assert chosen(trials) == 4  # without the number of samples only equals are as good


def test_of_equal_costs_the_better_then_the_first_and_what_has_no_cost_is_none():
    trials = grid(AXES, [0.90, 0.90, 0.899, 0.5], run_time_s=[2, 2, 2, 1], spikes_per_neuron=[nan, 3, 2, 1])
    assert chosen(trials, nb_valid=100) == 1
    assert chosen(trials, "spikes_per_neuron", nb_valid=100) == 3
    assert chosen(trials.assign(spikes_per_neuron=nan), "spikes_per_neuron", nb_valid=100) is None
    assert chosen(trials.assign(state="failed")) is None
    assert best(scored(trials.assign(state="failed"), AXES), AXES, {}) is None
