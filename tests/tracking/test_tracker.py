"""What becomes of a trial, as records and then in MLflow, read back with MLflow's own client."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from small import study
from test_describe import TAGS, check_data

from snn_tune.tracking import data_input
from snn_tune.tracking.describe import describe_study
from snn_tune.tracking.fence import NotHeldError
from snn_tune.tracking.journal import Record
from snn_tune.tracking.ledger import Ledger
from snn_tune.tracking.store import Store, writable
from snn_tune.tracking.tracker import Tracker
from snn_tune.tracking.writer import Writer
from snn_tune.trial import Ending, Epoch, Trial

TRIALS = study().trials("data")
FIRST, SECOND = Epoch(1, {"valid_accuracy": 0.5}), Epoch(2, {"valid_accuracy": 0.75})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return writable("small", f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")


def parent(store: Store) -> str:
    return store.client.create_run(store.experiment_id, tags={"role": "study"}).info.run_id


class Start:
    """One start of the study: what its tracker keeps is written when it is asked for."""

    def __init__(self, store: Store, held: Callable[[], bool] = lambda: True) -> None:
        self.records: list[Record] = []
        self.ledger = Ledger(store)
        self.writer = Writer(self.ledger, held)
        data = data_input.description(study().data, TAGS)
        self.tracker = Tracker(study(), "parent", {"dataset": "randman"}, self.records.append, data=data)

    def write(self, one_by_one: bool = False) -> None:
        by_key: dict[str, list[Record]] = {}
        for record in self.records:
            by_key.setdefault(record["key"], []).append(record)
        for key, records in by_key.items():
            for part in [[record] for record in records] if one_by_one else [records]:
                self.writer.write(key, part)

    def run(self, trial: Trial) -> Run:
        return self.ledger.store.client.get_run(self.ledger.entries[trial.key].run_id)


def finish(start: Start, trial: Trial, state: str = "finished", **more: object) -> None:
    start.tracker.begun(trial)
    start.tracker.epochs(trial, [FIRST, SECOND])
    start.tracker.ended(trial, Ending(state, metrics={"best_epoch": 2.0}, **more))


@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize("times", [1, 2])
def test_a_trial_is_one_nested_run_with_each_epoch_once(store: Store, one_by_one: bool, times: int) -> None:
    start, trial = Start(store), TRIALS[0]
    start.tracker.begun(trial)
    start.tracker.epochs(trial, [FIRST, SECOND])
    start.tracker.begun(trial)  # its worker was lost, and it starts again from the first epoch
    start.tracker.epochs(trial, [FIRST])
    start.tracker.epochs(trial, [Epoch(2, {"valid_accuracy": 0.75}, time_ms=5), Epoch(3, {"valid_accuracy": 1.0})])
    ending = Ending("finished", activity="silent", metrics={"best_epoch": 3.0}, tags={"kernel": "reference"})
    start.tracker.ended(trial, ending)
    for _ in range(times):
        start.write(one_by_one)
    run = start.run(trial)
    history = store.client.get_metric_history(run.info.run_id, "valid_accuracy")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.5), (2, 0.75), (3, 1.0)]
    assert history[1].timestamp == SECOND.time_ms
    assert len(store.client.get_metric_history(run.info.run_id, "best_epoch")) == 1
    assert (run.info.status, run.info.end_time) == ("FINISHED", ending.time_ms)
    expected = {"key": trial.key, "lineage": trial.lineage, "state": "finished", "activity": "silent",
                "kernel": "reference", "dataset": "randman", "mlflow.parentRunId": "parent"}  # fmt: skip
    assert expected.items() <= run.data.tags.items()
    assert run.data.params["nb_hidden"] == "5"
    assert run.info.run_name == "h5 t20 #0"
    (found,) = run.inputs.dataset_inputs
    check_data(found)


@pytest.mark.parametrize(
    ("state", "status"),
    [("finished", "FINISHED"), ("diverged", "FINISHED"), ("failed", "FAILED"), ("interrupted", "KILLED")],
)
def test_states_as_mlflow_says_them(store: Store, state: str, status: str) -> None:
    start = Start(store)
    finish(start, TRIALS[0], state, reason="because")
    start.write()
    run = start.run(TRIALS[0])
    assert (run.info.status, run.data.tags["state"], run.data.tags["reason"]) == (status, state, "because")
    assert Ledger(store).entries == start.ledger.entries


def test_a_trial_that_was_interrupted_goes_on_in_its_run(store: Store) -> None:
    start = Start(store)
    start.tracker.begun(TRIALS[0])
    start.tracker.epochs(TRIALS[0], [FIRST, SECOND])
    start.tracker.ended(TRIALS[0], Ending("interrupted", "the search was stopped"))
    start.write()
    again = Start(store)
    again.tracker.begun(TRIALS[0])
    again.write()
    assert again.run(TRIALS[0]).info.status == "RUNNING"
    again.tracker.epochs(TRIALS[0], [FIRST, Epoch(2, {"valid_accuracy": 0.75}, time_ms=5)])  # trained a second time
    again.tracker.epochs(TRIALS[0], [Epoch(3, {"valid_accuracy": 1.0})])
    again.tracker.ended(TRIALS[0], Ending("finished"))
    again.write()
    run = again.run(TRIALS[0])
    assert run.info.run_id == start.ledger.entries[TRIALS[0].key].run_id
    assert (run.info.status, run.data.tags["state"], run.data.tags["reason"]) == ("FINISHED", "finished", "")
    history = store.client.get_metric_history(run.info.run_id, "valid_accuracy")
    assert [metric.step for metric in history] == [1, 2, 3]


def test_an_end_that_is_told_again_by_another_machine_counts_once(store: Store) -> None:
    first, trial = Start(store), TRIALS[0]
    finish(first, trial)
    first.write()
    run_id = first.run(trial).info.run_id
    store.client.update_run(run_id, status="RUNNING")  # it was killed before it had said so, its journal lost
    second = Start(store)
    assert second.ledger.missing([trial]) == [trial]
    second.tracker.begun(trial)
    second.tracker.epochs(trial, [FIRST, SECOND])
    second.tracker.ended(trial, Ending("finished", metrics={"best_epoch": 2.0}, time_ms=5))
    second.write()
    assert second.run(trial).info.status == "FINISHED"
    assert len(store.client.get_metric_history(run_id, "best_epoch")) == 1


@pytest.mark.parametrize("nb_calls", range(4))
def test_a_driver_whose_lease_is_lost_amid_a_trial_writes_no_more(store: Store, nb_calls: int) -> None:
    held = iter([True] * nb_calls)
    slept, second = Start(store, lambda: next(held, False)), Start(store)
    finish(slept, TRIALS[0])
    with pytest.raises(NotHeldError):
        slept.write()
    second.ledger.refresh(TRIALS[0].key)
    finish(second, TRIALS[0])
    second.write()
    run = second.run(TRIALS[0])
    assert (run.info.status, run.data.tags["state"]) == ("FINISHED", "finished")
    for name, steps in (("valid_accuracy", [1, 2]), ("best_epoch", [2])):
        assert [value.step for value in store.client.get_metric_history(run.info.run_id, name)] == steps
    assert len(list(store.runs("tags.role = 'trial'"))) == 1


def test_a_long_history_is_written_in_parts(store: Store) -> None:
    start = Start(store)
    start.tracker.begun(TRIALS[0])
    start.tracker.epochs(TRIALS[0], [Epoch(number, {"a": 0.5, "b": float("nan")}) for number in range(1, 1001)])
    start.write()
    history = store.client.get_metric_history(start.run(TRIALS[0]).info.run_id, "a")
    assert sorted(metric.step for metric in history) == list(range(1, 1001))


def test_files_become_artifacts_and_go(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "trials" / "model.pt"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    start = Start(store)
    finish(start, TRIALS[0], files=(str(file),))
    start.write()
    run_id = start.run(TRIALS[0]).info.run_id
    assert [artifact.path for artifact in store.client.list_artifacts(run_id)] == ["model.pt"]
    assert not file.parent.exists()


def test_results_whose_run_was_deleted_are_refused_and_a_new_start_makes_another(store: Store) -> None:
    start = Start(store)
    start.tracker.begun(TRIALS[0])
    start.write()
    store.client.delete_run(start.ledger.entries[TRIALS[0].key].run_id)
    start.writer.write(TRIALS[0].key, [{"key": TRIALS[0].key, "event": "epochs", "epochs": [(1, 5, {"a": 1.0})]}])
    assert start.writer.refused.keys() == {TRIALS[0].key}
    start.write()  # the whole of it
    assert start.run(TRIALS[0]).info.lifecycle_stage == "active"


def test_a_creation_whose_answer_was_lost_makes_no_second_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    start, create = Start(store), store.client.create_run
    finish(start, TRIALS[0])

    def answer_lost(*what: object) -> None:
        create(*what)
        raise ConnectionError("no answer")

    monkeypatch.setattr(store.client, "create_run", answer_lost)
    with pytest.raises(ConnectionError):
        start.write()
    monkeypatch.setattr(store.client, "create_run", create)
    start.write()
    assert [run.info.status for run in store.runs()] == ["FINISHED"]


def test_the_parent_run_keeps_the_last_study(store: Store, tmp_path: Path) -> None:
    run_id = parent(store)
    describe_study(store, run_id, study(), {})
    store.client.set_terminated(run_id, "KILLED")
    describe_study(store, run_id, study(budget={"nb_epochs": 9}), {"dataset": "randman"})
    run = MlflowClient(store.uri).get_run(run_id)
    assert '"nb_epochs": 9' in run.data.tags["study"]
    assert run.info.status == "RUNNING"
