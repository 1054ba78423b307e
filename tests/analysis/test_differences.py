"""Any two values of a parameter, by each measure."""

import io
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_optimum import grid

from snn_tune.analysis.differences import COLUMNS, MEASURES, differences
from snn_tune.analysis.significance import significance

AXES = {"nb_hidden": [10, 20, 30], "b": [0.5, 1.0]}


def trials(nb_seeds: int) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    frames = [grid(AXES, draw.uniform(0.5, 0.6, 6), seed=seed) for seed in range(nb_seeds)]
    of_units = [n / 100 for n, _ in product(*AXES.values())] * nb_seeds
    whole = pd.concat(frames, ignore_index=True)
    return whole.assign(
        best_train_accuracy=draw.uniform(0.5, 0.6, len(whole)) + of_units,
        run_time_s=[100.0 * n for n in of_units],
        spikes_per_neuron=draw.uniform(1, 2, len(whole)),
    )


def row(table: pd.DataFrame, name: str, measure: str, first: float, second: float) -> pd.Series:
    chosen = (table["parameter"] == name) & (table["measure"] == measure)
    (one,) = table[chosen & (table["first"] == first) & (table["second"] == second)].index
    return table.loc[one]


def test_each_measure_of_any_two_values_by_hand() -> None:
    given = trials(3)
    table = differences(given, AXES)
    assert len(table) == len(MEASURES) * (3 + 1)
    found = row(table, "nb_hidden", "train_accuracy", 10, 30)
    by_seed = given.pivot_table(index="seed", columns="nb_hidden", values="best_train_accuracy")
    test = stats.ttest_1samp(by_seed[10] - by_seed[30], 0)
    assert found["difference"] == pytest.approx((by_seed[10] - by_seed[30]).mean())
    assert (found["low"], found["high"]) == pytest.approx(tuple(test.confidence_interval()))
    assert found["p"] == pytest.approx(test.pvalue)
    of_b = row(table, "b", "spikes_per_neuron", 0.5, 1.0)
    by_draw = given.pivot_table(index=["seed", "nb_hidden"], columns="b", values="spikes_per_neuron")
    assert of_b["p"] == pytest.approx(stats.ttest_1samp(by_draw[0.5] - by_draw[1.0], 0).pvalue)
    time = row(table, "nb_hidden", "run_time_s", 20, 30)
    assert time["difference"] == pytest.approx(-10.0)
    assert time["p"] == pytest.approx(2 / 2**6)  # six pairs of one sign: each counts, as of no accuracy
    told = table.dropna(subset=["p"])
    assert (told["p_corrected"] >= told["p"]).all()


@pytest.mark.parametrize("nb_seeds", [1, 3])
def test_validation_is_judged_as_on_the_screen(nb_seeds: int) -> None:
    given = trials(nb_seeds)
    table = differences(given, AXES)
    for name, compared in significance(given, AXES).items():
        for one in compared:
            if one.value != one.best:
                found = row(table, name, "valid_accuracy", *sorted((one.value, one.best)))
                assert (found["p"], found["p_corrected"]) == pytest.approx((one.p, one.corrected))
                assert abs(found["difference"]) == pytest.approx(abs(one.worse_by))


def test_times_of_another_machine_do_not_count() -> None:
    given = trials(1).assign(device=["a"] * 5 + ["b"])
    given.loc[5, "run_time_s"] = 1e6
    assert row(differences(given, AXES), "nb_hidden", "run_time_s", 20, 30)["difference"] == pytest.approx(-10.0)


@pytest.mark.parametrize("given", [pd.DataFrame(), grid({"a": [1]}, [0.5])])
def test_nothing_to_tell(given: pd.DataFrame) -> None:
    table = differences(given, {"a": [1]})
    assert table.empty
    assert list(pd.read_csv(io.StringIO(table.to_csv(index=False)))) == list(COLUMNS)


def test_a_value_is_written_as_it_is() -> None:
    lines = differences(trials(1), AXES).to_csv(index=False).splitlines()
    assert [line.split(",")[:3] for line in lines[1:5:3]] == [["nb_hidden", "10", "20"], ["b", "0.5", "1.0"]]
