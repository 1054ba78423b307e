"""Two drivers of one study, and one that sleeps through its lease."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import harness
import pytest
from harness import check_whole, database, driver

from snn_tune.files import held

pytestmark = pytest.mark.slow


def test_of_two_drivers_at_once_one_runs_and_the_other_names_it(tmp_path: Path) -> None:
    processes = [driver(tmp_path) for _ in range(2)]
    printed = [process.communicate(timeout=120)[0] for process in processes]
    codes = [process.returncode for process in processes]
    assert sorted(codes) == [0, 2], printed
    winner, loser = codes.index(0), codes.index(2)
    assert f"error: small is being run by process {processes[winner].pid} on {os.uname().nodename}, " in printed[loser]
    check_whole(database(tmp_path))


def test_a_root_is_run_for_one_store_at_a_time(tmp_path: Path) -> None:
    trials = tmp_path / "trials" / "small"
    trials.mkdir(parents=True)
    with held(trials, "http://another.store", ""):
        process = driver(tmp_path)
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 2, printed
    mend = "wait for it, or name another --root or --storage"
    assert f"error: {trials} is held by http://another.store; {mend}" in printed


def test_a_driver_that_sleeps_is_replaced_and_stops_when_it_wakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNN_TUNE_TEST_PATIENCE_S", "3")
    monkeypatch.setenv("SNN_TUNE_TEST_EPOCH_S", "0.2")  # it rarely writes: what was on its way, nobody can call back
    monkeypatch.setattr(harness, "EPOCH_S", 0.2)
    sleeper = driver(tmp_path)
    while not list((tmp_path / "trials").glob("*/*/")):
        time.sleep(0.05)
    put_to_sleep(sleeper, tmp_path / "mlflow.db")
    second = driver(tmp_path)
    printed, _ = second.communicate(timeout=120)
    assert second.returncode == 0, printed
    assert "gave none: this command takes its place" in printed
    sleeper.send_signal(signal.SIGCONT)
    printed, _ = sleeper.communicate(timeout=60)
    assert sleeper.returncode == 2, printed
    assert "error: stopped: small was taken over by another driver, which has ended since" in printed, printed
    check_whole(database(tmp_path))


def put_to_sleep(process: subprocess.Popen, path: Path) -> None:
    """Not within a write: then the database itself keeps the second driver out."""
    while True:
        process.send_signal(signal.SIGSTOP)
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as database, contextlib.suppress(sqlite3.Error):
            database.execute("BEGIN IMMEDIATE")
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
