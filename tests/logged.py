"""Studies in a store of their own, written as a start of a study writes them: real training, or numbers on demand."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from snn_tune import search, training
from snn_tune.files import write_whole
from snn_tune.study import Study
from snn_tune.tracking.describe import describe_study
from snn_tune.tracking.journal import Record
from snn_tune.tracking.ledger import Ledger
from snn_tune.tracking.store import writable
from snn_tune.tracking.tracker import Tracker
from snn_tune.tracking.writer import Writer
from snn_tune.trial import Ending, Epoch, Trial

GROUP = {"device": "a processor", "kernel": "reference", "threads": "1", "trials_beside": "1"}
Course = tuple[list[Epoch], Ending | None]
METRICS = ("train_accuracy", "train_loss", "valid_accuracy", "valid_loss", "spikes_per_neuron", "epoch_time_s")


def log(study: Study, root: Path, course: Callable[[Trial], Course | None]) -> str:
    """Log what `course` says of each trial (None: it never began) and return the address of the store."""
    uri = f"sqlite:///{root / 'mlflow.db'}"
    store = writable(study.name, uri, root / "artifacts")
    data = study.data.load(study.steps[0], root)
    tags = search._tags(study, data)
    parent = store.client.create_run(store.experiment_id, tags={"role": "study"}).info.run_id
    describe_study(store, parent, study, tags)
    records: list[Record] = []
    searched = study.search.method != "grid"
    listed = [study.trial(cell, 0, data.fingerprint) for cell in study.possible()] if searched else []
    trials = listed or study.trials(data.fingerprint)
    marks = {trial.key: {study.search_mark: str(place)} for place, trial in enumerate(trials)} if searched else {}
    tracker = Tracker(study, parent, tags, records.append, marks)
    writer = Writer(Ledger(store), lambda: True)
    for trial in trials:
        if (told := course(trial)) is not None:
            epochs, ending = told
            tracker.begun(trial)
            tracker.epochs(trial, epochs)
            if ending:
                tracker.ended(trial, ending)
            writer.write(trial.key, records)
            records.clear()
    return uri


def planted(accuracy: Callable[[Trial], float], **metrics: Any) -> Callable[[Trial], Course]:
    """A course of three epochs that ends with this accuracy; run time 1 s, one spike a unit."""

    def course(trial: Trial) -> Course:
        value = accuracy(trial)
        epochs = [Epoch(number, dict.fromkeys(METRICS, value * number / 3)) for number in (1, 2, 3)]
        best = {f"best_{part}_accuracy": value for part in ("train", "valid", "test")}
        last = {"best_epoch": 3.0, "run_time_s": 1.0, "spikes_per_neuron": 1.0, "test_accuracy": value}
        return epochs, Ending("finished", metrics=best | last | metrics, tags=GROUP)

    return course


def trained(study: Study, root: Path) -> Callable[[Trial], Course]:
    """A course that is a real training, with the evidence that it leaves."""

    def course(trial: Trial) -> Course:
        data = study.data.load(trial.parameters.nb_steps, root)
        *found, outcome = training.fit(trial.parameters, trial.seed, data, kernel="reference")
        assert isinstance(outcome, training.Outcome)
        epochs = [one.epoch for one in found if isinstance(one, training.Trained)]
        files = (evidence_file(root / trial.key, outcome.evidence),)
        return epochs, Ending(outcome.state, outcome.reason, outcome.activity, outcome.metrics, files, GROUP)

    return course


def evidence_file(folder: Path, arrays: dict[str, Any]) -> str:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return str(write_whole(folder / "evidence.npz", [buffer.getvalue()]))
