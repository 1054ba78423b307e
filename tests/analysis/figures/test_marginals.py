"""Means by value: the numbers, their intervals, and what they say."""

from itertools import product
from math import nan, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from snn_tune.analysis.figures import marginals
from snn_tune.analysis.figures.drawing import Drawing
from snn_tune.analysis.optimum import optimum
from snn_tune.analysis.significance import significance

AXES = {"a": [10, 20], "b": [1, 2, 3, 4, 5, 6, 7], "reset": ["zero"]}


def trials() -> pd.DataFrame:
    """a 20 is better by 0.1, give or take what depends on b; b has no effect; a 20 takes twice as long."""
    frame = pd.DataFrame(list(product(*AXES.values())), columns=list(AXES))
    gain = 0.1 + 0.01 * (frame["b"] - 4)
    accuracy = 0.5 + gain.where(frame["a"] == 20, 0.0)
    measures = {f"best_{part}_accuracy": accuracy for part in ("train", "valid", "test")}
    ran = {"state": "finished", "seed": 0, "run_time_s": frame["a"] / 10.0, "device": "cpu"}
    return frame.assign(key=[str(i) for i in frame.index], spikes_per_neuron=1.0, **measures, **ran)


def drawn(frame: pd.DataFrame, axes: dict = AXES) -> dict[str, Drawing]:
    drawings = marginals.draw(frame, axes, optimum(frame, axes), significance(frame, axes))
    return {drawing.name: drawing for drawing in drawings}


def test_a_parameter_of_one_value_has_no_figure() -> None:
    assert list(drawn(trials())) == ["mean_by_a", "mean_by_b"]
    assert not drawn(trials().iloc[:1])
    assert not drawn(trials().assign(state="failed"))


def test_means_and_intervals() -> None:
    numbers = drawn(trials())["mean_by_a"].numbers
    assert list(numbers["a"]) == [10, 20]
    assert list(numbers["mean_valid_accuracy"]) == pytest.approx([0.5, 0.6])
    assert list(numbers["mean_run_time_s"]) == pytest.approx([1.0, 2.0])
    # Seven pairs whose differences spread evenly from 0.07 to 0.13: within a pair each value is half of it from the
    # pair's mean, and Morey's correction for two values is sqrt(2).
    deviation = np.std(0.1 + 0.01 * np.arange(-3, 4), ddof=1)
    half = stats.t.ppf(0.975, 6) * deviation / sqrt(2) / sqrt(7)
    assert list(numbers["half_valid_accuracy"]) == pytest.approx([half, half])
    assert list(numbers["half_run_time_s"]) == pytest.approx([0, 0])


def test_run_times_are_of_one_group_of_machines() -> None:
    frame = trials()
    frame.loc[0, ["device", "run_time_s"]] = ["gpu", 1000.0]
    assert drawn(frame)["mean_by_a"].numbers["mean_run_time_s"].max() == 2.0


def test_it_says_what_differs_and_what_may_be_noise() -> None:
    of_a, of_b = (drawn(trials())[name].says for name in ("mean_by_a", "mean_by_b"))
    assert "a 20 has the best mean validation accuracy, 60.00 %" in of_a
    assert "2.0 s at 20, 2.0 times as long" in of_a
    assert "cannot be told from noise" in of_b
    assert "The run time hardly depends on it." in of_b
    assert "nan" not in of_a + of_b


def test_values_without_a_trial_and_missing_measures_are_gaps() -> None:
    frame = trials().assign(best_test_accuracy=nan, run_time_s=nan)
    numbers = drawn(frame[frame["b"] != 3])["mean_by_b"].numbers
    assert numbers["mean_valid_accuracy"].isna().tolist() == [False, False, True, False, False, False, False]
    assert numbers["mean_test_accuracy"].isna().all()
