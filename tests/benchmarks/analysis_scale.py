"""How the analysis of a study grows with its trials: time and peak memory, each in a process of its own.

The stores are MLflow's own database with one trial written by MLflow and copied as rows, 200 epochs of six metrics
each; parameters, keys, scores and curves are those of a full grid. `load` reads the store; `analyse` does that again
and makes all tables; `write` writes their files; the page is timed where it is asked for. CPU is what the last two
took of a processor: the better measure where others share the machine. The peak holds the imports.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from snn_tune.provenance import device_name
from snn_tune.study import Study
from snn_tune.study_tables import build
from snn_tune.tracking import curve
from snn_tune.tracking.store import writable
from snn_tune.trial import Trial

EPOCHS = 200
EACH_EPOCH = ("train_accuracy", "train_loss", "valid_accuracy", "valid_loss", "spikes_per_neuron", "epoch_time_s")
SAMPLES = {"nb_train": 54_000, "nb_valid": 6_000, "nb_test": 10_000}
MEASURE = """
import resource, sys, time
from pathlib import Path
from snn_tune import analysis
from snn_tune.analysis.trials import load
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
uri, folder, with_page = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "page"
start = time.monotonic()
trials = load("scale", uri)
loaded, memory = time.monotonic() - start, peak()
del trials
start, cpu = time.monotonic(), time.process_time()
found = analysis.analyse("scale", uri)
analysed = time.monotonic() - start
found.write(folder)
written = time.monotonic() - start - analysed
cpu = time.process_time() - cpu
page = ""
if with_page:
    from snn_tune.analysis import page as pages
    start = time.monotonic()
    pages.write(found, uri, folder)
    page = f"{time.monotonic() - start:.1f}"
assert len(found.effects.effects) > 2
assert len(found.trials.frame) == int(sys.argv[4])
print(f"{loaded:.1f} {analysed:.1f} {written:.1f} {cpu:.1f} {memory:.0f} {peak():.0f} {page}")
"""


def study(nb_trials: int) -> Study:
    """A grid of ten values on as many axes as it takes."""
    axes = {
        "nb_hidden": list(range(10, 110, 10)),
        "scale": [10.0 * n for n in range(1, 11)],
        "regularizer": [10.0**-n for n in range(1, 11)],
        "lr": [n / 1000 for n in range(1, 11)],
    }
    nb_axes = round(np.log10(nb_trials))
    base = {"nb_steps": 100, "batch_size": 100, "tau_mem": 1e-2, "tau_syn": 5e-3}
    base |= {name: values[0] for name, values in list(axes.items())[nb_axes:]}
    grid = dict(list(axes.items())[:nb_axes])
    return build("scale", {"data": {"name": "randman"}, "base": base, "grid": grid, "budget": {"nb_epochs": EPOCHS}})


def fill(path: Path, nb_trials: int) -> str:
    """A database of a whole study; returns its address."""
    what = study(nb_trials)
    store = writable("scale", f"sqlite:///{path}", path.parent / "artifacts")
    tags = {"role": "study", "study": json.dumps(what.tables()), "data_fingerprint": "data", "nb_classes": "10"}
    tags |= {"samples": json.dumps(SAMPLES), "dataset": "randman"}
    store.client.create_run(store.experiment_id, tags=tags)
    trials = what.trials("data")
    first = _template(store.client, store.experiment_id, trials[0])
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous = off")
        _copy(database, first, nb_trials)
        _vary(database, trials, first)
    return store.uri


def _template(client: MlflowClient, experiment: str, trial: Trial) -> str:
    run_id = str(client.create_run(experiment).info.run_id)
    names = {"key": trial.key, "lineage": trial.lineage, "state": "finished", "role": "trial", "dataset": "randman"}
    names |= {"device": "cpu", "kernel": "cpu", "threads": "1", "trials_beside": "2", "valid_history": "[]"}
    names |= {"data_fingerprint": "data", "versions": "x" * 100, "command": "x" * 100}
    params = trial.parameters.model_dump() | {"seed": trial.seed}
    for epoch in range(1, EPOCHS + 1):
        client.log_batch(run_id, [Metric(name, 0.5, 1, epoch) for name in EACH_EPOCH])
    last = [f"best_{part}_accuracy" for part in ("train", "valid", "test")] + [
        "test_accuracy",
        "best_epoch",
        "run_time_s",
    ]
    client.log_batch(
        run_id,
        [Metric(name, 0.5, 1, EPOCHS) for name in last],
        [Param(name, str(value)) for name, value in params.items()],
        [RunTag(*item) for item in names.items()],
    )
    client.set_terminated(run_id)
    return run_id


def _copy(database: sqlite3.Connection, run_id: str, nb_trials: int) -> None:
    """All copies of a row in turn, which for metrics is the order of their keys: another takes five times as long."""
    for table in ("runs", "params", "tags", "latest_metrics", "metrics"):
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        wanted = ", ".join("printf('%032d', n)" if name == "run_uuid" else name for name in columns)
        database.execute(
            f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT {nb_trials - 1}) "
            f"INSERT INTO {table} ({', '.join(columns)}) "
            f"SELECT {wanted} FROM {table} CROSS JOIN numbers WHERE run_uuid = ?",
            (run_id,),
        )


def _vary(database: sqlite3.Connection, trials: list[Trial], first: str) -> None:
    """Each copy has its own parameters, key, scores and curve."""
    draw = np.random.default_rng(0)
    accuracy = draw.uniform(0.5, 0.99, len(trials)).round(4)
    ids = [first, *(f"{n:032d}" for n in range(1, len(trials)))]
    for run_id, trial, value, place in zip(ids, trials, accuracy, count(), strict=False):
        history = value * (1 - np.exp(-np.arange(1, EPOCHS + 1) / 30))
        tags = {"key": trial.key, "lineage": trial.lineage} | curve.tags(dict(enumerate(history.tolist(), 1)))
        database.executemany(
            "UPDATE tags SET value = ? WHERE run_uuid = ? AND key = ?", [(v, run_id, k) for k, v in tags.items()]
        )
        params = trial.parameters.model_dump()
        varied = [(str(params[name]), run_id, name) for name in ("nb_hidden", "scale", "regularizer", "lr")]
        database.executemany("UPDATE params SET value = ? WHERE run_uuid = ? AND key = ?", varied)
        scores = {"best_valid_accuracy": value, "best_test_accuracy": value - 0.01, "run_time_s": 1.0 + place % 97}
        database.executemany(
            "UPDATE latest_metrics SET value = ? WHERE run_uuid = ? AND key = ?",
            [(float(v), run_id, k) for k, v in scores.items()],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[100, 1_000, 10_000], help="trials: powers of ten")
    parser.add_argument("--page", action="store_true", help="the page, too")
    options = parser.parse_args()
    print(f"{device_name('cpu')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {EPOCHS} epochs a trial")
    widths = {
        "trials": 8,
        "load s": 9,
        "analyse s": 11,
        "write s": 9,
        "CPU s": 8,
        "load MB": 9,
        "peak MB": 9,
        "page s": 8,
    }
    print("".join(f"{head:>{width}}" for head, width in widths.items()) + f"{'store MB':>10}")
    for nb_trials in options.sizes:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "mlflow.db"
            uri = fill(path, nb_trials)
            what = [uri, folder, "page" if options.page else "", str(nb_trials)]
            done = subprocess.run([sys.executable, "-c", MEASURE, *what], capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr)
            numbers = done.stdout.rstrip("\n").split(" ")
            columns = [f"{nb_trials:,}", *numbers]
            size = path.stat().st_size / 1e6
            texts = [f"{text:>{width}}" for text, width in zip(columns, widths.values(), strict=True)]
            print("".join(texts) + f"{size:>10,.0f}", flush=True)


if __name__ == "__main__":
    main()
