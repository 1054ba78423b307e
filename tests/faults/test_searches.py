"""A search that is killed, stopped or made larger: as many distinct trials as were asked for, each once."""

import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.slow

SPACE = ("--set", "nb_hidden=int(5,40)", "--set", "lr=loguniform(1e-3,1e-1)", "--set", "nb_steps=25")
SEARCH = ("--search", "optuna", "--scheduler", "asha", "--epochs", "9")


def command(root: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "snn_tune.run", "randman", "--root", str(root), *SPACE, *SEARCH, *more]


def finish(root: Path, *more: str) -> str:
    done = subprocess.run(command(root, *more), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def runs(root: Path, mark: str) -> list[Run]:
    """The runs of trials that carry a mark of this kind, by MLflow's own client."""
    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    found = client.search_runs([client.get_experiment_by_name("randman").experiment_id], max_results=5000)
    return [run for run in found if any(name.startswith(mark) for name in run.data.tags)]


def check(root: Path, nb_samples: int) -> None:
    """So many live runs, each of another key, over, with each epoch once."""
    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    searched = runs(root, "search.")
    assert len({run.data.tags["key"] for run in searched}) == len(searched) == nb_samples
    for run in searched:
        state, history = run.data.tags["state"], json.loads(run.data.tags["valid_history"])
        assert (run.info.status, state in ("finished", "pruned")) == ("FINISHED", True)
        steps = [metric.step for metric in client.get_metric_history(run.info.run_id, "valid_accuracy")]
        assert sorted(steps) == list(range(1, len(history) + 1))
        assert (state == "finished") == (len(history) == 9) == ("best_valid_accuracy" in run.data.metrics)
        assert state == "finished" or run.data.tags["reason"].startswith(f"judged at epoch {len(history)}: ASHA")
    marks = {name for run in searched for name in run.data.tags if name.startswith("search.")}
    places = sorted(int(run.data.tags[mark]) for run in searched for mark in marks if mark in run.data.tags)
    assert places == list(range(1, nb_samples + 1))


def test_killed_and_typed_again_it_holds_what_was_asked_for_and_grows(tmp_path: Path) -> None:
    process = subprocess.Popen(command(tmp_path, "--samples", "30"), stdout=subprocess.PIPE, text=True)
    while not (tmp_path / "mlflow.db").exists() or len(runs(tmp_path, "search.")) < 4:
        assert process.poll() is None
        time.sleep(0.2)
    time.sleep(random.Random(0).random())
    process.kill()
    process.communicate()
    printed = finish(tmp_path, "--samples", "30")
    assert "30 samples: 0 done" not in printed
    check(tmp_path, 30)
    assert "trials of this search: 30 of 30" in printed
    assert re.search(r"30 samples: 30 done( \(\d+ pruned\))?\n", finish(tmp_path, "--samples", "30"))
    printed = finish(tmp_path, "--samples", "32", "--confirm", "2", "--seeds", "2")
    assert re.search(r"32 samples: 30 done( \(\d+ pruned\))?; to run: 2 to propose \(optuna\)", printed)
    check(tmp_path, 32)
    assert len(runs(tmp_path, "confirm.")) == 4
    assert "winner's curse" in printed


def test_the_clock_ends_it_cleanly_with_the_table(tmp_path: Path) -> None:
    slow = ("--epochs", "3000", "--scheduler", "none", "--samples", "4", "--time-budget", "12s")
    started = time.monotonic()
    printed = finish(tmp_path, *slow)
    assert time.monotonic() - started < 60
    assert "the time budget is used up: the running trials save their state" in printed
    assert "trials of this search: 2 of 4: 0 finished, 2 interrupted" in printed
    assert "to run: 2 continued, 2 to propose" in finish(tmp_path, *slow)
