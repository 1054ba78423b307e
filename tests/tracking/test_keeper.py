"""What a start holds of a study's store: what an earlier one left there, and what a refused one leaves."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from small import study

from snn_tune.errors import UserError
from snn_tune.tracking import lease
from snn_tune.tracking.describe import describe_study
from snn_tune.tracking.keeper import Keeper
from snn_tune.tracking.tracker import Tracker
from snn_tune.trial import Ending, Epoch, Trial

TRIALS = study().trials("data")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "SETTLE_S", 0.0)


@pytest.fixture
def keeper(tmp_path: Path) -> Callable[[], Keeper]:
    """Makes one for each start."""

    def make() -> Keeper:
        console = Console(file=io.StringIO(), width=500)
        return Keeper("small", f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path, console)

    return make


def parent(keeper: Keeper) -> tuple[str, str]:
    run = keeper.store.client.get_run(keeper.lease.parent_id)
    return run.info.status, run.data.tags.get("study", "")


def finish(tracker: Tracker, trial: Trial) -> None:
    tracker.begun(trial)
    tracker.epochs(trial, [Epoch(1, {"valid_accuracy": 0.5})])
    tracker.epochs(trial, [Epoch(2, {"valid_accuracy": 0.75})])
    tracker.ended(trial, Ending("finished"))


def test_a_refused_start_leaves_the_study_s_run_as_it_was(keeper: Callable[[], Keeper]) -> None:
    with pytest.raises(UserError, match="no such data"), keeper() as refused:
        raise UserError("no such data")
    assert parent(refused) == ("SCHEDULED", "")
    with keeper() as first:
        describe_study(first.store, first.lease.parent_id, study(), {})
        first.open(fresh=False)
        assert parent(first)[0] == "RUNNING"
    kept = parent(first)
    assert kept[0] == "FINISHED"
    with pytest.raises(UserError, match="no such data"), keeper() as refused:
        raise UserError("no such data")
    assert parent(refused) == kept
    with pytest.raises(KeyboardInterrupt), keeper() as stopped:
        stopped.open(fresh=False)
        raise KeyboardInterrupt
    assert parent(stopped)[0] == "KILLED"


def test_a_damaged_journal_is_kept_aside_and_what_is_whole_in_it_delivered(
    keeper: Callable[[], Keeper], tmp_path: Path
) -> None:
    killed = keeper()
    tracker = Tracker(study(), killed.lease.parent_id, {}, killed.journal.append)
    for trial in TRIALS[:3]:
        finish(tracker, trial)
    path = killed.journal.path
    killed.close()
    lines = path.read_bytes().splitlines(keepends=True)
    lines[5] = b"garbage\n"  # the second trial's first epoch
    path.write_bytes(b"".join(lines))
    with keeper() as again:
        again.open(fresh=False)
    assert again.ledger.missing(TRIALS) == [TRIALS[1], TRIALS[3]]
    assert again.ledger.entries[TRIALS[1].key].epoch == 0
    (kept,) = path.parent.iterdir()
    assert kept == path.with_suffix(".damaged")
    told = f"1 damaged line in a journal, kept as {kept}: the trials in them run again"
    assert told in again.console.file.getvalue()
    with keeper() as third:
        third.open(fresh=False)
    assert "damaged" not in third.console.file.getvalue()


def test_a_lease_that_is_lost_while_earlier_results_are_delivered_keeps_them(keeper: Callable[[], Keeper]) -> None:
    killed = keeper()
    finish(Tracker(study(), killed.lease.parent_id, {}, killed.journal.append), TRIALS[0])
    killed.close()
    with pytest.raises(UserError, match="^another driver runs this study now$"), keeper() as slept:
        slept.lease.lost = True
        slept.open(fresh=False)
    with keeper() as again:
        again.open(fresh=False)
    assert again.ledger.missing(TRIALS) == TRIALS[1:]


def test_journals_of_another_store_are_told_of(keeper: Callable[[], Keeper], tmp_path: Path) -> None:
    other = tmp_path / "journal" / "small" / "1-2.parent.jsonl"
    other.parent.mkdir(parents=True)
    other.write_text("something")
    with keeper() as start:
        start.open(fresh=False)
    assert f"1 journal in {other.parent}: of another tracking store, or" in start.console.file.getvalue()
    assert list(other.parent.iterdir()) == [other]
