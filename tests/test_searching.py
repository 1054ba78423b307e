"""Searches from start to end through Ray and MLflow, with a stand-in for training; read by MLflow's own client."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import standin
from harness import check_run, database
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from ray import cloudpickle
from small import study
from test_search import start

from snn_tune.errors import UserError
from snn_tune.parameters import Parameters
from snn_tune.sampler import Sampler
from snn_tune.study import Study
from snn_tune.study_tables import override

cloudpickle.register_pickle_by_value(standin)
pytestmark = pytest.mark.slow

WIDE = {"nb_hidden": "int(1, 1000)", "init_scale": "loguniform(0.01, 1.0)", "nb_steps": [20]}


def searched(axes: dict[str, Any], nb_epochs: int = 9, epoch_s: float = 0.02, **settings: Any) -> Study:
    short = study(base={"lr": epoch_s}, grid={"nb_steps": [20]}, budget={"nb_epochs": nb_epochs})
    return override(short, axes, search={"method": "random"} | settings)


def trials(root: Path) -> tuple[MlflowClient, list[Run]]:
    client = MlflowClient(database(root))
    experiment = client.get_experiment_by_name("small")
    return client, list(client.search_runs([experiment.experiment_id], "tags.role = 'trial'"))


def states(root: Path) -> dict[str, str]:
    """By run."""
    return {run.info.run_id: run.data.tags["state"] for run in trials(root)[1]}


def test_failed_trials_are_tried_again_and_known_ones_adopted(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    grid = study(grid={"nb_hidden": [5, 10], "nb_steps": [20]})
    start(tmp_path, grid)
    before = states(tmp_path)
    axes = {"nb_hidden": [5, 10], "nb_steps": [20], "regularizer": [0.0, 13.0, 14.0]}
    faulty = override(grid, axes, search={"method": "random", "samples": 20})
    capfd.readouterr()
    start(tmp_path, faulty)
    screen = capfd.readouterr().out
    assert "6 samples: 0 done; to run: 6 to propose (random)" in screen
    assert "4/6 done, 0 running, 2 failed" in screen
    assert "2 samples known from earlier trials, and not run again" in screen
    assert "there are no more than 6 combinations in the space" in screen
    _, found = trials(tmp_path)
    assert sorted(int(run.data.tags[faulty.search_mark]) for run in found) == [1, 2, 3, 4, 5, 6]
    told = sorted((run.data.tags["state"], run.info.status) for run in found)
    assert told == [("diverged", "FINISHED")] * 2 + [("failed", "FAILED")] * 2 + [("finished", "FINISHED")] * 2
    assert before.items() <= states(tmp_path).items()

    start(tmp_path, faulty)
    assert "6 samples: 4 done; to run: 2 continued" in capfd.readouterr().out
    assert states(tmp_path) == {run.info.run_id: run.data.tags["state"] for run in found}


def test_a_search_is_stopped_and_goes_on(tmp_path: Path) -> None:
    slow = searched(WIDE, nb_epochs=40, epoch_s=0.1, method="optuna", samples=4)

    def stop_amid_a_trial() -> None:
        while not list(tmp_path.glob("trials/*/*/*.checkpoint")):
            time.sleep(0.2)
        time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_amid_a_trial, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path, slow)
    before = states(tmp_path)
    assert "interrupted" in before.values()
    assert set(before.values()) <= {"finished", "interrupted"}
    start(tmp_path, slow)
    client, found = trials(tmp_path)
    assert sorted(int(run.data.tags[slow.search_mark]) for run in found) == [1, 2, 3, 4]
    assert before.keys() <= states(tmp_path).keys()
    for run in found:
        check_run(client, run)


def test_a_sampler_that_fails_is_one_line_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    what, ask, asked = searched(WIDE, samples=6), Sampler.ask, []

    def fails_later(sampler: Sampler) -> Parameters:
        asked.append(sampler)
        if len(asked) > 3:
            raise ZeroDivisionError("no\nluck")
        return ask(sampler)

    monkeypatch.setattr(Sampler, "ask", fails_later)
    with pytest.raises(UserError) as error:
        start(tmp_path, what)
    assert str(error.value).startswith("no more trials could be proposed: no luck")
    assert "\n" not in str(error.value)
    assert list(states(tmp_path).values()) == ["finished"] * 3
    monkeypatch.setattr(Sampler, "ask", ask)
    start(tmp_path, what)
    assert list(states(tmp_path).values()) == ["finished"] * 6
