"""Searches from start to end through Ray and MLflow, with a stand-in for training; read by MLflow's own client."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import standin
from harness import check_run, check_searched, database
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from ray import cloudpickle
from small import study
from test_search import start

from snn_tune import analysis
from snn_tune.errors import UserError
from snn_tune.sampler import Sampler
from snn_tune.study import Study
from snn_tune.study_tables import override
from snn_tune.trial import Parameters

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


def test_a_search_that_prunes_and_more_samples_later(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    settings = {"method": "optuna", "scheduler": "asha", "confirm": 2, "confirm_seeds": 2}
    first = override(study(base={"lr": 0.02}, grid={"nb_steps": [20]}, budget={"nb_epochs": 9}), {
        "nb_hidden": "int(1, 1000)", "recurrent": [True, False]}, search=settings | {"samples": 10})  # fmt: skip
    start(tmp_path, first)
    check_searched(database(tmp_path), first)
    before = states(tmp_path)
    assert set(before.values()) == {"finished", "pruned"}
    screen = capfd.readouterr().out
    assert "10 samples: 0 done; to run: 10 to propose (optuna)" in screen
    assert "10/10 done, 0 running, 0 failed" in screen
    assert "the best 2 again, with 2 other seeds each: 4 trials: 0 done; to run: 4 new" in screen
    analysis.print_and_write("small", tmp_path, None, analysis.Console(width=120))
    screen = capfd.readouterr().out
    assert "trials of this search: 10 (10 asked for): " in screen
    assert "winner's curse: the best was chosen by " in screen

    more = override(first, {}, search={"samples": 14})
    start(tmp_path, more)
    assert "14 samples: 10 done; to run: 4 to propose (optuna)" in capfd.readouterr().out
    after = states(tmp_path)
    assert before.items() <= after.items()
    mine = [run for run in trials(tmp_path)[1] if more.search_mark in run.data.tags]
    assert len(mine) == 14


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
    assert "2 samples were known from earlier trials, and not run again" in screen
    assert "there are no more than 6 combinations in the space" in screen
    _, found = trials(tmp_path)
    assert sorted(int(run.data.tags[faulty.search_mark]) for run in found) == [1, 2, 3, 4, 5, 6]
    told = sorted((run.data.tags["state"], run.info.status) for run in found)
    assert told == [("diverged", "FINISHED")] * 2 + [("failed", "FAILED")] * 2 + [("finished", "FINISHED")] * 2
    assert before.items() <= states(tmp_path).items()

    start(tmp_path, faulty)
    assert "6 samples: 4 done; to run: 2 continued" in capfd.readouterr().out
    assert states(tmp_path) == {run.info.run_id: run.data.tags["state"] for run in found}


def test_the_time_is_up_and_the_next_start_goes_on(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    long = searched(WIDE, nb_epochs=60, epoch_s=0.05, samples=500, time_budget="12s", confirm=2)
    began = time.monotonic()
    start(tmp_path, long)
    assert time.monotonic() - began < 60
    screen = capfd.readouterr().out
    assert "the time budget is used up: the running trials save their state" in screen
    assert "again, with" not in screen
    before = states(tmp_path)
    assert set(before.values()) <= {"finished", "interrupted"}
    assert "interrupted" in before.values()
    analysis.print_and_write("small", tmp_path, None, analysis.Console(width=120))
    assert f"trials of this search: {len(before)} (500 asked for)" in capfd.readouterr().out
    start(tmp_path, override(long, {}, search={"time_budget": "1h", "samples": len(before), "confirm": 0}))
    after = states(tmp_path)
    assert after.keys() == before.keys()
    assert set(after.values()) == {"finished"}
    client, found = trials(tmp_path)
    for run in found:
        check_run(client, run)


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


def test_a_grid_finishes_what_asha_pruned_when_it_no_longer_prunes(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    grid = study(base={"lr": 0.02}, grid={"nb_hidden": list(range(1, 13)), "nb_steps": [20]}, budget={"nb_epochs": 9})
    start(tmp_path, override(grid, {}, search={"scheduler": "asha"}))
    before = states(tmp_path)
    nb_pruned = list(before.values()).count("pruned")
    assert nb_pruned
    assert nb_pruned + list(before.values()).count("finished") == 12
    client, found = trials(tmp_path)
    for run in found:
        check_run(client, run)
    capfd.readouterr()
    start(tmp_path, grid)
    assert f"12 trials: {12 - nb_pruned} done; to run: {nb_pruned} continued" in capfd.readouterr().out
    client, found = trials(tmp_path)
    assert {run.info.run_id: run.data.tags["state"] for run in found} == dict.fromkeys(before, "finished")
    for run in found:
        check_run(client, run)
