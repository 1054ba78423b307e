"""What the study's run in MLflow is to show, of grids and of searches, from stores as runs leave them."""

from pathlib import Path

import pytest
from logged import log, planted
from small import study
from test_space import searched

from snn_tune import analysis
from snn_tune.analysis.outcome import outcome
from snn_tune.trial import Ending, Trial


def ended(trial: Trial) -> tuple | None:
    """The widest trials are best; one fails, one is pruned, one never begins."""
    if trial.parameters.nb_hidden == 1:
        return None
    if trial.parameters.nb_hidden in (2, 3):
        return [], Ending({2: "failed", 3: "pruned"}[trial.parameters.nb_hidden])
    return planted(lambda one: one.parameters.nb_hidden / 10)(trial)


AXES = {"nb_hidden": [1, 2, 3, 4, 5], "nb_steps": [20]}
COUNTS = {"finished": 2, "pruned": 1, "diverged": 0, "failed": 1, "to_run": 1}


def test_of_a_grid(tmp_path: Path) -> None:
    found = outcome(analysis.analyse("small", log(study(grid=AXES), tmp_path, ended)), tmp_path)
    assert found.best == {"best_valid_accuracy": 0.5, "best_test_accuracy": 0.5}
    assert found.counts == COUNTS
    heads, _, first, *_ = found.table.splitlines()
    assert [cell.strip() for cell in heads.split("|")[1:4]] == ["optimal combinations", r"nb\_hidden", "train %"]
    assert [cell.strip().partition(" ")[0] for cell in first.split("|")[2:6]] == ["5+", "50.00", "50.00", "50.00"]
    assert "- trials finished: 2/5" in found.table


def test_of_a_search(tmp_path: Path) -> None:
    what = searched(AXES, samples=10)
    found = outcome(analysis.analyse("small", log(what, tmp_path, ended)), tmp_path)
    assert found.best == {"best_valid_accuracy": 0.5, "best_test_accuracy": 0.5}
    assert found.counts == COUNTS | {"to_run": 1}
    assert r"| nb\_hidden=5" in found.table.replace("\u00a0", " ").replace("|  ", "| ")


@pytest.mark.parametrize("what", [study(), searched(AXES)], ids=["grid", "search"])
def test_where_nothing_has_run(what: object, tmp_path: Path) -> None:
    found = outcome(analysis.analyse("small", log(what, tmp_path, lambda _: None)), tmp_path)
    assert (found.best, found.best_key) == ({}, "")
    assert found.counts["finished"] == 0
    assert "no trial has finished with a validation accuracy yet" in found.table
