"""Kill -9 at random moments: the same command typed again finishes the study, as if nothing had happened."""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import standin
from harness import NB_TRIALS, check_whole, database, descendants, driver, finish, grid
from mlflow.tracking import MlflowClient
from rich.console import Console

from snn_tune.course import Trained
from snn_tune.datasets.dataset import Dataset
from snn_tune.study import Study
from snn_tune.tracking import lease
from snn_tune.tracking.describe import describe_study
from snn_tune.tracking.keeper import Keeper
from snn_tune.tracking.tracker import Tracker
from snn_tune.training import Outcome
from snn_tune.trial import Ending, Trial

pytestmark = pytest.mark.slow

SEEDS = range(int(os.environ.get("SNN_TUNE_FAULT_SEEDS", "1")))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_driver_is_killed(seed: int, tmp_path: Path) -> None:
    moments = random.Random(seed)
    for _ in range(1 + seed % 2):
        process = driver(tmp_path)
        time.sleep(moments.uniform(3, 15))
        process.kill()
        process.communicate()
    assert f"{NB_TRIALS} trials: " in finish(tmp_path)
    check_whole(database(tmp_path))


def test_more_epochs_are_killed(tmp_path: Path) -> None:
    finish(tmp_path)
    process = driver(tmp_path, nb_epochs=12)
    while not list((tmp_path / "trials").glob("*/*/*-12.checkpoint")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    last = grid().trials(grid().data.load(20, tmp_path).fingerprint)[-1]  # has not begun again
    damaged = tmp_path / "trials" / "small" / last.key / f"{last.lineage}-3.checkpoint"
    damaged.write_bytes(b"garbage")
    printed = finish(tmp_path, nb_epochs=12)
    assert f"starts anew: not used are {damaged}: it is damaged" in printed
    check_whole(database(tmp_path), grid(), grid(12))
    assert sorted(trained(database(tmp_path), grid(12)))[-2:] == [9, 12]


def trained(uri: str, what: Study) -> list[int]:
    """How many epochs the last worker of each trial trained."""
    client = MlflowClient(uri)
    found = client.search_runs([client.get_experiment_by_name("small").experiment_id], "tags.role = 'trial'")
    longer = [run for run in found if run.data.params["nb_epochs"] == str(what.budget.nb_epochs)]
    return [int(np.load(client.download_artifacts(run.info.run_id, "evidence.npz"))["trained"]) for run in longer]


def test_a_worker_is_killed(tmp_path: Path) -> None:
    process = driver(tmp_path)
    while not (workers := descendants(process.pid, "ray::TrialTrain")):
        time.sleep(0.1)
    os.kill(workers[0], signal.SIGKILL)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    check_whole(database(tmp_path))


def train(root: Path, what: Study) -> None:
    """All of a driver but Ray: trials one after the other, with a stand-in for training."""
    data = what.data.load(20, root)
    tags = {"data_fingerprint": data.fingerprint}
    console = Console(file=(root / "said").open("a"))
    with Keeper(what.name, database(root), root, console) as keeper:
        describe_study(keeper.store, keeper.lease.parent_id, what, tags)
        keeper.open(fresh=False)
        tracker = Tracker(what, keeper.lease.parent_id, tags, keeper.keep)
        for trial in keeper.ledger.missing(what.trials(data.fingerprint)):
            train_one(root / "trials" / trial.key, trial, data, tracker)


def train_one(folder: Path, trial: Trial, data: Dataset, tracker: Tracker) -> None:
    tracker.begun(trial)
    folder.mkdir(parents=True, exist_ok=True)
    for result in standin.fit(trial.parameters, trial.seed, data, device="cpu", kernel="cpu"):
        if isinstance(result, Trained):
            tracker.epochs(trial, [result.epoch])
        elif isinstance(result, Outcome):
            files = folder / "model.pt", folder / "evidence.npz"
            for file in files:
                file.write_bytes(b"result")
            tracker.ended(trial, Ending(result.state, metrics=result.metrics, files=tuple(map(str, files))))


def test_a_driver_without_ray_is_killed_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "SETTLE_S", 0.1)
    context, moments = multiprocessing.get_context("fork"), random.Random(0)
    nb_kills = 0
    for attempt in range(60):
        process = context.Process(target=train, args=(tmp_path, grid()))
        process.start()
        process.join(timeout=moments.uniform(0.3, 0.7 + attempt / 10))  # in the end long enough
        if process.exitcode is None:
            os.kill(process.pid, signal.SIGKILL)
            nb_kills += 1
        process.join()
        if process.exitcode == 0:
            break
    assert process.exitcode == 0
    assert nb_kills > 3
    check_whole(database(tmp_path))
