"""Where a whole trial's time goes, in a real study on real data, and what two trials at a time do to it.

Runs each study's middle configuration with several seeds through Ray and MLflow, as `python -m snn_tune.run` does: one
trial at a time, then two. Parts of an epoch are scaled to the study's number of epochs. Needs SNN_TUNE_DATA.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import stopwatch
import torch
from stopwatch import FEEDING, PER_TRIAL, REPORTING

from snn_tune import search, training
from snn_tune.bench.plan import measured_cells
from snn_tune.datasets.source import data_folder
from snn_tune.provenance import device_name
from snn_tune.study import Study
from snn_tune.study_file import read
from snn_tune.study_tables import override

BETWEEN = "between trials: Ray, MLflow, files"
OVERHEAD = (FEEDING, REPORTING, BETWEEN)
Record = dict[str, Any]


def keep(folder: str, record: Record) -> None:
    Path(folder, f"{record['pid']}-{record['began']}.json").write_text(json.dumps(record))


def run(study: Study, at_once: int) -> tuple[list[Record], float]:
    """What each trial recorded, in order; and seconds from the command to the first trial."""
    with tempfile.TemporaryDirectory() as folder, silent():
        options = search.Options(root=Path(folder, "runs"), data_dir=data_folder(), max_concurrent=at_once)
        started = time.time()
        search.run(study, options, fit=partial(stopwatch.fit, partial(keep, folder)))
        records = [json.loads(path.read_text()) for path in Path(folder).glob("*.json")]
    records.sort(key=lambda record: record["began"])
    return records, records[0]["began"] - started


@contextmanager
def silent() -> Iterator[None]:
    """The study's own lines are not wanted here."""
    saved = os.dup(1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(saved, 1)
            os.close(saved)


def workers(records: list[Record]) -> list[list[Record]]:
    """The trials of each process that ran more than one, in order."""
    each = [[record for record in records if record["pid"] == pid] for pid in {record["pid"] for record in records}]
    return [trials for trials in each if len(trials) > 1]


def rate(records: list[Record]) -> float:
    """Trials a second: of each worker from its first beginning to its last, so that no start and no end is in it."""
    return sum((len(trials) - 1) / (trials[-1]["began"] - trials[0]["began"]) for trials in workers(records))


def whole_trial(records: list[Record], epochs: int, nb_epochs: int) -> dict[str, float]:
    """Median seconds of each part, in a trial of so many epochs; a worker's first trial is left out, it warms up."""
    later = [trial for trials in workers(records) for trial in trials[1:]]
    names = dict.fromkeys(name for trial in later for name in trial["parts"])
    parts = {name: median(trial["parts"].get(name, 0.0) for trial in later) for name in names}
    scaled = {name: s if name in PER_TRIAL else s * nb_epochs / epochs for name, s in parts.items()}
    gaps = [after["began"] - before["ended"] for trials in workers(records) for before, after in pairwise(trials)]
    return scaled | {BETWEEN: median(gaps)}


def epochs_for(study: Study, seconds: float) -> int:
    """Epochs that take about so long; compiles what is not compiled yet."""
    cell = study.cells()[0].model_copy(update={"nb_epochs": 2})
    data = study.data.load(cell.nb_steps, data_folder())
    training.compile_kernel(cell, data, "auto")
    first, _, _ = training.fit(cell, 0, data)
    assert isinstance(first, training.Trained)
    return max(2, min(study.budget.nb_epochs, round(seconds / first.epoch.metrics["epoch_time_s"])))


def show(name: str, nb_trials: int, seconds: float) -> None:
    study = read(name)
    middle = measured_cells(study)[0]
    study = override(study, {axis: [getattr(middle, axis)] for axis in study.grid})
    epochs = epochs_for(study, seconds)
    alone, start_s = run(override(study, {}, epochs, nb_trials), 1)
    beside, _ = run(override(study, {}, epochs, 2 * nb_trials), 2)
    parts = whole_trial(alone, epochs, middle.nb_epochs)
    total = sum(parts.values())
    print(f"\n{name}: {middle.nb_hidden} hidden units, {middle.nb_steps} steps; {nb_trials} trials of {epochs} epochs,")
    print(f"shown as one of {middle.nb_epochs} epochs; the first began {start_s:.1f} s after the command")
    for part, part_s in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"  {part:40}{part_s:10.2f} s{100 * part_s / total:8.2f} %")
    overhead = sum(parts.get(part, 0.0) for part in OVERHEAD) / total
    print(f"  {'data feeding, reporting, Ray and MLflow':40}{overhead * total:10.2f} s{100 * overhead:8.2f} %")
    lengths = [median(each["ended"] - each["began"] for each in records) for records in (alone, beside)]
    print(f"  two at a time: {rate(beside) / rate(alone):.2f} times the rate of one; ", end="")
    print(f"a trial takes {lengths[0]:.2f} s alone, {lengths[1]:.2f} s beside another", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", nargs="*", default=["fashion_mnist", "shd", "tbl"])
    parser.add_argument("--trials", type=int, default=4, help="of each worker; the first warms up")
    parser.add_argument("--seconds", type=float, default=6.0, help="that a trial trains, about")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{device_name('cpu')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; one thread a trial")
    for name in options.study:
        if absent := read(name).data.absent(data_folder()):
            print(f"\n{name} is left out: no {', '.join(absent)} in {data_folder()}; set SNN_TUNE_DATA")
        else:
            show(name, options.trials, options.seconds)


if __name__ == "__main__":
    main()
