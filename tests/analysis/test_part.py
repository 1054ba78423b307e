"""A part of a grid is analysed as if it were all of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small import study
from stored import keep, open_store

from snn_tune.analysis import analyse
from snn_tune.analysis.__main__ import main
from snn_tune.analysis.part import Part, titled, typed
from snn_tune.errors import UserError
from snn_tune.study import Thesis
from snn_tune.study_tables import override

TWO_SEEDS = study(budget={"seeds": 2})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Of two seeds the second is the better, of nb_hidden 10; and one trial is of no part of the study."""
    store = open_store(TWO_SEEDS, tmp_path)
    for trial in TWO_SEEDS.trials("data"):
        keep(store, trial, 0.5 + trial.parameters.nb_hidden / 50 + 0.01 * trial.seed)
    keep(store, override(TWO_SEEDS, {"nb_hidden": [7]}).trials("data")[0], 0.9)
    return tmp_path


@pytest.mark.parametrize(
    ("part", "nb_trials", "mean"),
    [
        (Part(), 8, 0.655),
        (Part({"nb_hidden": [10]}), 4, 0.705),
        (Part(seeds=1), 4, 0.65),
        (Part({"nb_hidden": [5], "nb_steps": [20]}, seeds=1), 1, 0.6),
    ],
)
def test_only_its_trials_count_and_no_others_are_called_strange(
    root: Path, part: Part, nb_trials: int, mean: float
) -> None:
    found = analyse("small", f"sqlite:///{root / 'mlflow.db'}", part)
    whole = json.loads(found.as_json())
    assert whole["trials"]["finished"] == len(found.trials.frame) == nb_trials
    assert found.trials.frame["best_valid_accuracy"].mean() == pytest.approx(mean)
    assert whole["others"] == 1


def test_it_says_which_part_it_is_and_leaves_the_whole_report_alone(root: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["small", "--root", str(root), "--set", "nb_hidden=10", "--seeds", "1"]) == 0
    assert capsys.readouterr().out.startswith("small nb_hidden=10 seeds=1: optimal combinations")
    (folder,) = (root / "reports").iterdir()
    assert folder.name == "small_nb_hidden=10_seeds=1"
    page = (folder / "index.html").read_text()
    assert "<title>small nb_hidden=10 seeds=1" in page
    assert "python -m snn_tune.analysis small --set nb_hidden=10 --seeds 1</code>" in page


def test_where_no_study_has_such_a_part_it_is_an_error(root: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(root), str(root), "--set", "nb_hiden=10"]) == 2
    assert "small does not vary it (did you mean 'nb_hidden'?)" in capsys.readouterr().err


def test_parts_of_two_studies_are_compared(root: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["small", "small", "--root", str(root), "--set", "nb_hidden=10"]) == 0
    printed = capsys.readouterr().out
    assert "only in small nb_hidden=10: 0" in printed
    assert "small_nb_hidden=10_vs_small_nb_hidden=10" in printed


@pytest.mark.parametrize(
    ("axes", "seeds", "message"),
    [
        ({"nb_hiden": [5]}, None, r"--set nb_hiden: small does not vary it \(did you mean 'nb_hidden'\?\)"),
        ({"lr": [1e-3]}, None, "--set lr: small does not vary it; it varies nb_hidden, nb_steps"),
        ({"nb_hidden": [5, 7]}, None, "--set nb_hidden=7: small has 5, 10"),
        ({"nb_hidden": "int(5, 10)"}, None, "a part of a grid is some of its values"),
        ({}, 3, "--seeds 3: small was run with 2"),
    ],
)
def test_what_the_grid_has_not_is_refused(axes: dict, seeds: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Part(axes, seeds).of(TWO_SEEDS)


def test_a_value_that_all_trials_share_restricts_nothing() -> None:
    assert Part({"lr": [2.0]}).of(TWO_SEEDS) is TWO_SEEDS
    assert Part({"nb_hidden": [10, 5, 10], "nb_steps": [30.0, 20]}, seeds=2).of(TWO_SEEDS) is TWO_SEEDS


def test_one_part_has_one_name() -> None:
    for axes in ({"nb_steps": [20], "nb_hidden": [10]}, {"nb_hidden": [10.0, 10], "nb_steps": [20]}):
        part = Part(axes, seeds=1).of(TWO_SEEDS)
        assert titled(part, TWO_SEEDS) == "small nb_hidden=10 nb_steps=20 seeds=1"
        assert typed(part, TWO_SEEDS) == "small --set nb_hidden=10 --set nb_steps=20 --seeds 1"


def test_the_thesis_stays_out_of_a_part_without_its_combination(tmp_path: Path) -> None:
    optimum = {"nb_hidden": "10+", "nb_steps": "25", "scale": "10.0", "regularizer": "0.0", "train_accuracy": 0.9}
    what = replace(TWO_SEEDS, thesis=Thesis(**optimum))
    store = open_store(what, tmp_path)
    for trial in what.trials("data"):
        keep(store, trial, 0.6)
    shown = {
        str(axes): analyse("small", store.uri, Part(axes)).tables.thesis is not None
        for axes in ({}, {"nb_hidden": [10]}, {"nb_steps": [20]}, {"nb_hidden": [5]})
    }
    assert list(shown.values()) == [True, True, True, False]  # 25 steps are not in the whole grid either


def test_finalists_stay_with_the_part_that_they_lie_in(tmp_path: Path) -> None:
    what = override(TWO_SEEDS, {}, search={"confirm": 1, "confirm_seeds": 2})
    store = open_store(what, tmp_path)
    for trial in what.trials("data"):
        keep(store, trial, 0.5 + trial.parameters.nb_hidden / 50)
    best = what.parameters({"nb_hidden": 10, "nb_steps": 20})
    for seed in (2, 3):
        keep(store, what.trial(best, seed, "data"), 0.6, **{what.confirm_mark: "1"})
    for part, nb in ((Part(), 1), (Part({"nb_hidden": [10]}), 1), (Part({"nb_hidden": [5]}), 0), (Part(seeds=1), 1)):
        found = analyse("small", store.uri, part)
        assert [one.nb_seeds for one in found.finalists] == [2] * nb
        assert found.trials.others == 0


def test_of_a_search_there_are_no_parts() -> None:
    searched = override(study(), {}, search={"method": "random", "samples": 2})
    with pytest.raises(UserError, match="small is a search"):
        Part({"nb_hidden": [5]}).of(searched)


def test_a_condition_stays() -> None:
    """Where an axis does not count, its trials have the default; the part's are the same ones."""
    whole = override(study(), {"recurrent": [True, False], "init_scale_recurrent": "[0.1, 0.2] if recurrent = true"})
    some = Part({"init_scale_recurrent": [0.2]}).of(whole)
    keys = {trial.key for trial in whole.trials("data")}
    assert len(keys) == 4 * 3
    assert len(some.trials("data")) == 4 * 2
    assert {trial.key for trial in some.trials("data")} < keys
