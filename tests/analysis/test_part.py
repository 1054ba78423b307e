"""A part of a grid is analysed as if it were all of it."""

import json
from pathlib import Path

import pytest
from small import study
from stored import keep, open_store

from snn_tune.analysis import analyse
from snn_tune.analysis.__main__ import main
from snn_tune.analysis.part import Part
from snn_tune.errors import UserError
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
    assert "<title>small nb_hidden=10 seeds=1" in (folder / "index.html").read_text()


def test_parts_of_two_studies_are_compared(root: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["small", "small", "--root", str(root), "--set", "nb_hidden=10"]) == 0
    assert "small_vs_small_nb_hidden=10" in capsys.readouterr().out


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
