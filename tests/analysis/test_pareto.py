"""The Pareto front, of any rows and of a study's combinations."""

from math import nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_optimum import grid

from snn_tune.analysis.pareto import front, pareto

AXES = {"a": [1, 2], "b": [10, 20]}
rows = st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=15)


@given(rows)
def test_a_front_has_who_is_not_beaten_and_all_of_them(rows: list[tuple[int, int, int]]) -> None:
    values = np.array(rows, dtype=float).reshape(-1, 3)
    found = front(values, ["max", "min", "min"])
    better = values * [1, -1, -1]
    for i, one in enumerate(better):
        beaten = any((other >= one).all() and (other > one).any() for other in better)
        assert (i in found) != beaten
    assert [values[i, 0] for i in found] == sorted((values[i, 0] for i in found), reverse=True)


def test_a_combination_is_the_mean_of_its_seeds() -> None:
    low, high = (grid(AXES, [0.5, 0.6, 0.7, 0.8], run_time_s=[1, 2, 3, 4], seed=s) for s in (0, 1))
    high["best_valid_accuracy"] += [0.2, 0, 0, 0]
    found = pareto(pd.concat([low, high], ignore_index=True), ["a", "b"])
    assert found.objectives == {"valid_accuracy": "max", "run_time_s": "min"}  # spikes were not measured
    assert found.front[["a", "b"]].to_numpy().tolist() == [[2, 20], [2, 10], [1, 10]]  # 0.6 in 2 s is beaten by 1 s
    assert found.front["valid_accuracy"].tolist() == pytest.approx([0.8, 0.7, 0.6])
    assert found.front["nb_seeds"].tolist() == [2, 2, 2]
    assert len(found.points) == 4


def test_run_times_count_within_one_group_and_what_lacks_a_measure_is_counted() -> None:
    trials = grid(AXES, [0.5, 0.6, 0.7, 0.8], run_time_s=[4, 3, 2, 0.1], device=["cpu"] * 3 + ["gpu"])
    trials["spikes_per_neuron"] = [1.0, nan, 1.0, 1.0]
    found = pareto(trials, ["a", "b"])
    assert found.group["device"] == "cpu"
    assert found.nb_left_out == 2  # the gpu's, and the one without spikes
    assert found.front[["a", "b"]].to_numpy().tolist() == [[2, 10]]


def test_a_searchs_combinations_need_no_axes() -> None:
    trials = pd.DataFrame(
        {
            "lr": [0.0123, 0.0456, 0.0789],
            "nb_hidden": [(200, 100), 5, 5],
            "state": ["finished", "finished", "pruned"],
            "best_valid_accuracy": [0.9, 0.8, 0.99],
            "run_time_s": [9.0, 1.0, 0.1],
        }
    )
    found = pareto(trials, ["lr", "nb_hidden"]).front
    assert found["nb_hidden"].tolist() == [(200, 100), 5]


@pytest.mark.parametrize("trials", [pd.DataFrame(), grid(AXES, nan), grid(AXES, 0.5, state="failed")])
def test_no_trial_no_front(trials: pd.DataFrame) -> None:
    found = pareto(trials, ["a", "b"])
    assert found.front.empty
    assert found.nb_left_out == 0


def test_one_trial_and_no_axis() -> None:
    trials = grid({"a": [1]}, [0.5])
    assert len(pareto(trials, ["a"]).front) == 1
    assert len(pareto(trials, []).front) == 1
    seeds = pd.concat([trials, grid({"a": [1]}, [0.7], seed=1)], ignore_index=True)
    front = pareto(seeds, []).front
    assert front[["valid_accuracy", "nb_seeds"]].to_numpy().tolist() == [[pytest.approx(0.6), 2]]


def test_ten_thousand_rows_of_which_many_are_on_the_front() -> None:
    x = np.linspace(0, 1, 10_000)
    assert len(front(np.stack([x, x**2], axis=1), ["max", "min"])) == 10_000
