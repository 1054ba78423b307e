"""The other kinds of figures: their numbers are those that they were given, and they say what is in them."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small import study
from writers import write_braille

from snn_tune import training
from snn_tune.analysis.effects import Effect, Effects
from snn_tune.analysis.figures import confusion, interactions, network, scatter, searched, shares, style
from snn_tune.analysis.pareto import pareto
from snn_tune.evidence import read
from snn_tune.study import Study
from snn_tune.study_tables import build, override


def evidence(of: Study, folder: Path) -> network.Arrays:
    """What a trained network really leaves."""
    trial = of.trials("data")[0]
    data = of.data.load(trial.parameters.nb_steps, folder)
    *_, outcome = training.fit(trial.parameters, 0, data, kernel="reference")
    np.savez_compressed(folder / "evidence.npz", **outcome.evidence)
    return read(folder / "evidence.npz")


def analog() -> Study:
    base = {"nb_hidden": 8, "lr": 1e-2, "batch_size": 100, "tau_mem": 2e-2, "tau_syn": 1e-2, "scale": 20.0}
    tables = {"data": {"name": "tbl"}, "base": base | {"regularizer": 0.0}, "grid": {"nb_steps": [76]}}
    return build("analog", tables | {"budget": {"nb_epochs": 1}})


@pytest.mark.parametrize("kind", ["events", "analog"])
def test_the_network_at_work(kind: str, tmp_path: Path) -> None:
    if kind == "analog":
        write_braille(tmp_path)
    kept = evidence(study() if kind == "events" else analog(), tmp_path)
    drawing = network.draw(kept)
    numbers = drawing.numbers
    counts = numbers.groupby("what").size()
    assert counts["spikes"] == kept["spikes"].sum()
    assert counts["membrane"] == kept["membrane"].size
    assert counts["input"] == (len(kept["input_unit"]) if kind == "events" else kept["input"].size)
    assert counts.get("encoded", 0) == (kept["encoded"].sum() if kind == "analog" else 0)
    assert set(numbers["sample"]) <= set(kept["sample"])
    assert set(numbers.loc[numbers["what"] == "membrane", "unit"]) == set(kept["traced"])
    one = numbers[numbers["what"] == "membrane"].iloc[5]
    sample, unit = list(kept["sample"]).index(one["sample"]), list(kept["traced"]).index(one["unit"])
    assert one["value"] == pytest.approx(float(kept["membrane"][sample, int(one["step"]), unit]))
    rows = 4 if kind == "analog" else 3
    assert len(drawing.figure.axes) == rows * len(kept["spikes"])
    assert f"The {kept['spikes'].shape[2]} hidden units spike" in drawing.says
    drawing.write(tmp_path / "figures")
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".svg", ".png", ".csv"}


def test_many_spikes_are_an_image_and_few_are_vectors(tmp_path: Path) -> None:
    kept = evidence(study(), tmp_path)
    few = network.draw(kept).write(tmp_path / "few")
    every = network.draw(kept | {"spikes": np.ones((3, 200, 300), bool)}).write(tmp_path / "every")
    assert "<image" not in few
    assert every.count("<image") == 3
    assert len(every) < 20 * len(few)


def test_a_confusion_matrix() -> None:
    counts = np.array([[8, 2, 0], [0, 10, 0], [0, 0, 0]])
    drawing = confusion.draw(counts)
    assert drawing.numbers["count"].sum() == 20
    assert drawing.numbers.query("true == 0 and predicted == 1")["count"].item() == 2
    assert "reads 18 of 20 test samples right (90.00 %)" in drawing.says
    assert "class 0 read as 1: 2 of 10 samples" in drawing.says
    assert (
        confusion.draw(np.eye(40, dtype=int)).says == "The best network reads 40 of 40 test samples right (100.00 %)."
    )
    confusion.draw(np.zeros((2, 2), int))


def combinations(nb: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "a": range(nb),
            "key": [str(i) for i in range(nb)],
            "state": "finished",
            "best_valid_accuracy": np.linspace(0.5, 0.9, nb),
            "run_time_s": 1 + rng.random(nb),
            "spikes_per_neuron": rng.random(nb),
        }
    )


def test_the_pareto_front(tmp_path: Path) -> None:
    found = pareto(combinations(30), ["a"])
    drawing = scatter.draw(found)
    assert drawing is not None
    assert drawing.numbers["on_front"].sum() == len(found.front)
    assert f"The Pareto front has {len(found.front)} of 30 combinations" in drawing.says
    assert "the most accurate has 90.00 %" in drawing.says
    assert scatter.draw(pareto(combinations(0), ["a"])) is None
    assert scatter.draw(pareto(combinations(3).drop(columns=["run_time_s", "spikes_per_neuron"]), ["a"])) is None
    many = scatter.draw(pareto(combinations(5000), ["a"]))
    assert many is not None
    assert len(many.write(tmp_path)) < 400_000


def test_shares_and_interactions() -> None:
    effects = [Effect(("a",), 0.5), Effect(("a", "b"), 0.25), Effect(("b",), 0.125), Effect(("a", "b", "c"), 0.125)]
    drawing = shares.draw(Effects("variance", "shares of the variance over all 8 combinations", effects, 1.0))
    assert drawing is not None
    assert list(drawing.numbers["share"]) == [0.5, 0.25, 0.125, 0.125]
    assert "a has the largest, 50.0 %" in drawing.says
    assert "parameters alone make 62.5 %, pairs 25.0 % (most of all a x b)" in drawing.says
    assert shares.draw(Effects("", "too few", [])) is None
    frame = pd.DataFrame({"a": [1, 1, 2, 2], "b": ["x", "y"] * 2, "best_valid_accuracy": [0.5, 0.6, 0.7, 0.9]})
    found = interactions.draw(frame.assign(state="finished"), {"a": [1, 2], "b": ["x", "y"]}, effects[1:2])
    assert list(found.numbers["mean_valid_accuracy"]) == pytest.approx([0.5, 0.6, 0.7, 0.9])
    assert "The strongest interaction of two is a x b with 25.0 % of the variance" in found.says


def test_a_search() -> None:
    space = {"nb_hidden": "int(5, 100)", "lr": "loguniform(1e-4, 1.0)", "recurrent": [True, False]}
    space |= {"dropout": "uniform(0.0, 0.5) if recurrent = true"}
    of = override(study(), space, search={"method": "random", "samples": 6})
    frame = pd.DataFrame(
        {
            "key": list("abcdef"),
            "nb_hidden": [5, 10, 20, 40, 80, 100],
            "lr": [1e-4, 1e-3, 1e-2, 0.1, 0.5, 1.0],
            "recurrent": [True, False] * 3,
            "dropout": [0.1, 0.0, 0.3, 0.0, 0.5, 0.0],
            "nb_steps": 20,
            "state": ["pruned"] + ["finished"] * 5,
            "best_valid_accuracy": [0.99, 0.3, 0.5, 0.4, 0.7, 0.6],
        }
    )
    course, slices = searched.course(frame), searched.slices(frame, of)
    assert course is not None
    assert course.numbers["best_so_far"].tolist()[1:] == [0.3, 0.5, 0.5, 0.7, 0.7]
    assert course.says == "The best of 5 finished trials, 70.00 %, was proposed as number 5 of 6."
    assert slices is not None
    assert "The best 2 trials of 5 have" in slices.says
    assert "nb_hidden 80 to 100" in slices.says
    places = slices.figure.axes[[panel.get_xlabel() for panel in slices.figure.axes].index("dropout")]
    assert len(places.lines[0].get_xdata()) == 2  # those that finished and are recurrent
    with style.styled():
        text = style.as_svg(slices.figure)
    assert not re.search(r"mathdefault|nan", text)
    assert searched.course(frame.iloc[:1]) is None
    assert searched.course(pd.DataFrame()) is None
    assert searched.slices(pd.DataFrame(), of) is None


def test_a_searchs_best_values_are_told_of_trials_in_which_they_count() -> None:
    space = {"nb_hidden": [100, 200, [200, 100]], "recurrent": [True, False]}
    of = override(study(), space | {"dropout": "uniform(0.1, 0.5) if recurrent = true"}, search={"method": "random"})
    frame = pd.DataFrame(
        {
            "key": list("abc"),
            "nb_hidden": pd.Series([100, 200, (200, 100)], dtype=object),
            "recurrent": [True, False, True],
            "dropout": [0.3, 0.0, 0.2],
            "nb_steps": 20,
            "state": "finished",
            "best_valid_accuracy": [0.9, 0.8, 0.1],
        }
    )
    slices = searched.slices(frame, of)
    assert slices is not None
    assert "nb_hidden 100 to 200" in slices.says
    assert "dropout 0.3" in slices.says
    assert "0 to 0.3" not in slices.says
