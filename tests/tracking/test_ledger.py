"""The ledger: one run for each trial, what is to run, and what a longer training may start from."""

import time
from pathlib import Path

import pytest
from small import study

from snn_tune.tracking.ledger import Ledger
from snn_tune.tracking.store import Store, writable
from snn_tune.trial import Trial

TRIALS = study().trials("data")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return writable("small", f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")


def put(store: Store, trial: Trial, state: str, epoch: int = 0, status: str = "", **tags: str) -> str:
    """A run of this trial. The default status is the one that belongs to the state."""
    tags = {"role": "trial", "key": trial.key, "lineage": trial.lineage, "state": state} | tags
    run_id = store.client.create_run(store.experiment_id, tags=tags).info.run_id
    for step in range(1, epoch + 1):
        store.client.log_metric(run_id, "valid_accuracy", 0.5, step=step)
    usual = {"finished": "FINISHED", "diverged": "FINISHED", "pruned": "FINISHED", "failed": "FAILED"}
    store.client.set_terminated(run_id, status or usual.get(state, "KILLED"))
    return run_id


def live(store: Store) -> set[str]:
    return {run.info.run_id for run in store.runs()}


def test_what_is_not_over_is_to_run_and_counted_by_what_happens_to_it(store: Store) -> None:
    states = "finished", "diverged", "pruned", "failed", "interrupted", "running"
    trials = study(grid={"nb_hidden": list(range(1, 9)), "nb_steps": [20]}).trials("data")
    for trial, state in zip(trials, states, strict=False):
        put(store, trial, state, epoch=2)
    put(store, trials[6], "finished", status="RUNNING")  # killed before its end was written to the last
    ledger = Ledger(store)
    assert ledger.summary(trials) == "8 trials: 3 done (1 pruned); to run: 3 continued, 1 tried again, 1 new"
    assert ledger.missing(trials) == trials[3:]
    assert ledger.entries[trials[0].key].epoch == 2
    assert ledger.summary(trials[:3]) == "3 trials: 3 done (1 pruned)"
    assert ledger.summary(trials[:1]) == "1 trial: 1 done"


@pytest.mark.parametrize(
    ("best", "other"),
    [
        ({"state": "finished", "epoch": 1}, {"state": "running", "epoch": 2}),
        ({"state": "running", "epoch": 2}, {"state": "failed", "epoch": 1}),
        ({"state": "running"}, {"state": "running"}),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_of_two_runs_of_a_trial_the_best_stays(store: Store, best: dict, other: dict, first: bool) -> None:
    if first or best == other:  # alike: the older one
        kept = put(store, TRIALS[0], **best)
        time.sleep(0.01)
        put(store, TRIALS[0], **other)
    else:
        put(store, TRIALS[0], **other)
        kept = put(store, TRIALS[0], **best)
    third = put(store, TRIALS[1], "finished")
    ledger = Ledger(store)
    assert ledger.nb_deleted == 1
    assert live(store) == {kept, third} == {entry.run_id for entry in ledger.entries.values()}


def test_of_two_parents_the_older_stays(store: Store) -> None:
    old, _ = (
        store.client.create_run(store.experiment_id, start_time=when, tags={"role": "study"}).info.run_id
        for when in (1, 2)
    )
    assert Ledger(store).nb_deleted == 0
    assert live(store) == {old}


def test_a_cleared_ledger_leaves_no_live_run(store: Store) -> None:
    put(store, TRIALS[0], "finished")
    ledger = Ledger(store)
    ledger.clear()
    assert live(store) == set()
    assert ledger.summary(TRIALS) == "4 trials: 0 done; to run: 4 new"
