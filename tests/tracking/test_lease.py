"""The lease: one driver for each study, whoever dies, sleeps or starts at the same second."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from snn_tune.errors import UserError
from snn_tune.tracking import lease as lease_module
from snn_tune.tracking.holder import Holder
from snn_tune.tracking.lease import Lease
from snn_tune.tracking.store import Store, writable


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("BEAT_S", 0.3), ("EXPIRY_S", 4.0), ("SETTLE_S", 0.3)):
        monkeypatch.setattr(lease_module, name, seconds)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return writable("small", f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")


@pytest.fixture
def said() -> list[str]:
    return []


def nothing(*_: object) -> None: ...


def running(store: Store, *more: object) -> Lease:
    lease = Lease(store, *more)
    lease.start()
    return lease


def another(monkeypatch: pytest.MonkeyPatch, **fields: object) -> None:
    """The next driver of this test is another process, perhaps of another machine."""
    monkeypatch.setattr(lease_module, "Holder", lambda **given: Holder(**({} if given else fields) | given))


def test_the_second_driver_names_the_first_and_stops(store: Store, said: list[str]) -> None:
    first = running(store, said.append, nothing)
    with pytest.raises(UserError, match=f"small is being run by {first.me}; wait for it, or stop it"):
        Lease(store, said.append, nothing)
    assert said == [f"small is held by {first.me}: waiting up to 4 s for a sign of life"]
    first.close()
    Lease(store, said.append, nothing).close()
    assert len(said) == 1
    assert len(list(store.runs("tags.role = 'study'"))) == 1


def test_a_beat_that_finds_the_lease_given_back_stops_nothing(store: Store, said: list[str]) -> None:
    lease = Lease(store, nothing, said.append)
    lease.close()
    lease._seen = 0  # so that it asks the store
    assert not lease.held()
    assert said == []
    assert not lease.lost


def test_a_dead_process_of_this_machine_is_replaced_at_once(
    store: Store, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    time.sleep(0.5)  # it is not waited for: a zombie, as the child of a program that still runs
    another(monkeypatch, pid=dead.pid, began="5")
    Lease(store, said.append, nothing)
    monkeypatch.undo()
    Lease(store, said.append, nothing).close()
    dead.wait()
    assert said == []


def test_a_process_number_that_was_taken_again_is_not_its_holder() -> None:
    assert Holder(began="5").gone
    assert not Holder().gone
    assert not Holder(host="elsewhere", began="5").gone


def test_a_silent_driver_of_another_machine_is_replaced_and_stops_when_it_wakes(
    store: Store, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons: list[str] = []
    another(monkeypatch, host="elsewhere")
    sleeper = Lease(store, said.append, reasons.append)  # its machine sleeps: no beat
    another(monkeypatch)
    second = Lease(store, said.append, nothing)
    assert said == [
        f"small is held by {sleeper.me}: waiting up to 4 s for a sign of life",
        f"{sleeper.me} gave none: this command takes its place",
    ]
    assert second.held()
    assert not sleeper.held()
    assert reasons == [f"small was taken over by {second.me}"]
    sleeper.close()
    assert second.held()
    second.close()


def test_of_many_that_start_at_once_exactly_one_wins(tmp_path: Path, said: list[str]) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    ready, taken, refused = threading.Barrier(4), [], []

    def start() -> None:
        ready.wait()
        try:
            taken.append(running(writable("small", uri, tmp_path / "artifacts"), said.append, nothing))
        except UserError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    assert refused == [f"small is being run by {taken[0].me}; wait for it, or stop it"] * 3
    store = Store("small", uri)
    assert [run.info.run_id for run in store.runs()] == [taken[0].parent_id]
    taken[0].close()


def test_a_store_that_goes_away_ends_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reasons: list[str] = []
    lease = running(store, nothing, reasons.append)
    with monkeypatch.context() as away:
        away.setattr(store.client, "search_runs", lambda *_, **__: 1 / 0)
        time.sleep(1)
    time.sleep(0.5)
    assert lease.held()
    assert reasons == []
    lease.close()
