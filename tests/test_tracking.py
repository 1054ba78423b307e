"""What is written to MLflow, read back with MLflow's own client; and what is said of a store that cannot be used."""

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from small import study

from snn_tune.errors import UserError
from snn_tune.store import Store
from snn_tune.tracking import Tracker
from snn_tune.trial import Ending, Epoch, Trial

TRIALS = study().trials("data")


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def tracker(uri: str, tmp_path: Path) -> Tracker:
    return Tracker(study(), uri, tmp_path / "artifacts", {"dataset": "randman"})


def finish(tracker: Tracker, trial: Trial, state: str = "finished", **more: object) -> None:
    tracker.begun(trial)
    tracker.epochs(trial, [Epoch(1, {"valid_accuracy": 0.5}), Epoch(2, {"valid_accuracy": 0.75})])
    tracker.ended(trial, Ending(state, metrics={"best_epoch": 2.0}, **more))


def test_a_trial_is_one_nested_run_with_each_epoch_once(tracker: Tracker, uri: str) -> None:
    trial = TRIALS[0]
    tracker.begun(trial)
    tracker.epochs(trial, [Epoch(1, {"valid_accuracy": 0.5}), Epoch(2, {"valid_accuracy": 0.75})])
    tracker.begun(trial)  # its worker was lost, and it starts again from the first epoch
    tracker.epochs(trial, [Epoch(1, {"valid_accuracy": 0.5})])
    tracker.epochs(trial, [Epoch(2, {"valid_accuracy": 0.75}), Epoch(3, {"valid_accuracy": 1.0})])
    tracker.ended(
        trial, Ending("finished", activity="silent", metrics={"best_epoch": 3.0}, tags={"kernel": "reference"})
    )
    client = MlflowClient(uri)
    run = client.get_run(tracker.run_ids[trial.key])
    history = client.get_metric_history(run.info.run_id, "valid_accuracy")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.5), (2, 0.75), (3, 1.0)]
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.parentRunId"] == tracker.parent_id
    expected = {"key": trial.key, "lineage": trial.lineage, "state": "finished", "activity": "silent",
                "kernel": "reference", "dataset": "randman"}  # fmt: skip
    assert expected.items() <= run.data.tags.items()
    assert run.data.params["nb_hidden"] == "5"


@pytest.mark.parametrize(
    ("state", "status"),
    [("finished", "FINISHED"), ("diverged", "FINISHED"), ("failed", "FAILED"), ("interrupted", "KILLED")],
)
def test_states_as_mlflow_says_them(tracker: Tracker, uri: str, state: str, status: str) -> None:
    finish(tracker, TRIALS[0], state, reason="because")
    run = MlflowClient(uri).get_run(tracker.run_ids[TRIALS[0].key])
    assert (run.info.status, run.data.tags["state"], run.data.tags["reason"]) == (status, state, "because")
    assert tracker.states() == {TRIALS[0].key: state}


def test_the_parent_run_is_found_again_and_keeps_the_last_study(tracker: Tracker, uri: str, tmp_path: Path) -> None:
    finish(tracker, TRIALS[0])
    tracker.close("FINISHED")
    other = Tracker(study(budget={"nb_epochs": 9}), uri, tmp_path / "artifacts", {})
    assert other.parent_id == tracker.parent_id
    parent = MlflowClient(uri).get_run(other.parent_id)
    assert '"nb_epochs": 9' in parent.data.tags["study"]
    assert parent.info.status == "RUNNING"
    assert other.states() == {TRIALS[0].key: "finished"}


def test_files_become_artifacts_and_deleted_runs_are_gone(tracker: Tracker, uri: str, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"weights")
    finish(tracker, TRIALS[0], files=(str(tmp_path / "model.pt"),))
    finish(tracker, TRIALS[1])
    client = MlflowClient(uri)
    assert [file.path for file in client.list_artifacts(tracker.run_ids[TRIALS[0].key])] == ["model.pt"]
    tracker.delete({TRIALS[0].key})
    assert tracker.states() == {TRIALS[1].key: "finished"}


def test_a_store_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no tracking database .*nothing.db"):
        Store("small", f"sqlite:///{tmp_path / 'nothing.db'}")
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"this is no database, and long enough to be looked at" * 20)
    with pytest.raises(UserError, match="damaged.db cannot be used .*not a database"):
        Store("small", f"sqlite:///{damaged}")
    with pytest.raises(UserError, match="the tracking store http://127.0.0.1:9 cannot be used"):
        Store("small", "http://127.0.0.1:9")
