"""What looking up 10,000 finished trials costs, in a database that MLflow made and reads."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient
from small import study

from snn_tune.tracking.store import writable

pytestmark = pytest.mark.slow

NB_TRIALS = 10_000
LOOK_UP = r"""
import pathlib, re, sys, time
from snn_tune.tracking.ledger import Ledger
from snn_tune.tracking.store import Store
start = time.process_time()  # other programs of this machine do not count
ledger = Ledger(Store("small", sys.argv[1]))
done = sum(entry.over and entry.epoch == 30 for entry in ledger.entries.values())
status = pathlib.Path("/proc/self/status").read_text()  # getrusage has what the process that began this one took, too
memory = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
print(f"{done} done, {time.process_time() - start:.1f} s, {memory:.0f} MB")
"""


def fill(path: Path, client: MlflowClient, experiment_id: str) -> None:
    """One run as a real trial leaves it, by MLflow; the others are copies of its rows, which takes seconds."""
    trial = study().trials("data")[0]
    tags = {"role": "trial", "key": "0", "lineage": trial.lineage, "state": "finished"}
    tags |= {f"tag_{number}": "x" * 100 for number in range(15)}
    run_id = client.create_run(experiment_id).info.run_id
    client.log_batch(
        run_id,
        [Metric(f"metric_{number}", 0.5, 1, step) for number in range(13) for step in range(1, 31)],
        [Param(name, str(value)) for name, value in trial.parameters.model_dump().items()],
        [RunTag(*item) for item in tags.items()],
    )
    client.set_terminated(run_id)
    with sqlite3.connect(path) as database:
        for table in ("runs", "params", "tags", "latest_metrics"):
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            wanted = ", ".join("printf('%032d', n)" if name == "run_uuid" else name for name in columns)
            database.execute(
                f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT {NB_TRIALS - 1}) "
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {wanted} FROM {table}, numbers WHERE run_uuid = ?",
                (run_id,),
            )
        database.execute("UPDATE tags SET value = run_uuid WHERE key = 'key'")


def test_ten_thousand_finished_trials_are_looked_up_within_20_s_and_1_gb(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    store = writable("small", f"sqlite:///{path}", tmp_path / "artifacts")
    fill(path, store.client, store.experiment_id)
    printed = subprocess.run(
        [sys.executable, "-c", LOOK_UP, store.uri], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    print(printed)
    nb_done, seconds, memory = re.match(r"(\d+) done, ([\d.]+) s, (\d+) MB", printed).groups()
    assert int(nb_done) == NB_TRIALS
    assert float(seconds) < 20
    assert int(memory) < 1000
