"""The trials of a study, read from MLflow into one table."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

import pandas as pd

from snn_tune.analysis.part import WHOLE, Part
from snn_tune.collection import no_collection
from snn_tune.errors import UserError, near_match, without_password
from snn_tune.finding import Finding
from snn_tune.study import Study
from snn_tune.study_tables import build
from snn_tune.tracking import curve
from snn_tune.tracking.ledger import state_of
from snn_tune.tracking.past import finding
from snn_tune.tracking.store import Store, trial_key
from snn_tune.trial import Trial

METRICS = (
    *(f"best_{part}_accuracy" for part in ("train", "valid", "test")),
    *("train_accuracy", "valid_accuracy", "test_accuracy", "best_epoch", "run_time_s", "spikes_per_neuron"),
)
TAGS = ("activity", "reason", "device", "kernel", "threads", "trials_beside")


@dataclass(frozen=True)
class StudyTrials:
    """A study as it was last started, or a part of its grid, and its trials.

    Attributes:
        whole: the study of which `study` may be a part.
        frame: a row for each trial that the study stands for: key, state ("missing" where none has run), seed, its
            parameters, METRICS (NaN where absent) and TAGS ("" where absent). Of a search, its trials as proposed.
        findings: of a search in place of that; of a grid too, where the best of it were run again.
        others: trials of the experiment that this study does not hold.
        samples: samples that each accuracy is over: train, valid, test.
        origin: tags of the study's parent run: data, versions, command.
        run_ids: of the trials in the store, by key.
        histories: of these, validation accuracy by epoch as JSON.
    """

    study: Study
    whole: Study
    frame: pd.DataFrame
    findings: list[Finding]
    others: int
    samples: dict[str, int]
    nb_classes: int
    origin: dict[str, str]
    run_ids: dict[str, str]
    histories: dict[str, str]


def load(name: str, uri: str, part: Part = WHOLE) -> StudyTrials:
    """Read a study's trials, or those of a part of its grid.

    Raises:
        UserError: the store does not answer, or holds no such study; with the near match among those that it holds. Or
            the study has no such part.
    """
    store = Store(name, uri)
    parent = store.parent()
    if parent is None or "study" not in parent.data.tags:
        held = {other.name for other in store.experiments()} - {name}
        mend = near_match(name, held) or f"; run them with: python -m snn_tune.run {name}"
        raise UserError(f"there are no trials of '{name}' in {without_password(uri)}{mend}")
    tags = parent.data.tags
    whole = build(name, json.loads(tags["study"]))
    study = part.of(whole)
    grid = study.search.method == "grid"
    with no_collection():
        known = {run.key: run for run in _runs(store, with_finding=not grid or study.search.confirm > 0)}
    findings = [run.finding for run in known.values() if run.finding]
    data = tags["data_fingerprint"]
    listed = study.trials(data) if grid else [one.trial for one in of_search(study, findings)]
    by_key = {trial.key: trial for trial in listed}
    held = set(by_key) if study is whole else {trial.key for trial in whole.trials(data)}
    again = {one.trial.key for one in findings if whole.confirm_mark in one.marks}
    return StudyTrials(
        study,
        whole,
        frame=pd.DataFrame([_row(key, trial, known.get(key)) for key, trial in by_key.items()]),
        findings=findings,
        others=len(known.keys() - held - again),
        samples=json.loads(tags["samples"]),
        nb_classes=int(tags["nb_classes"]),
        origin=tags,
        run_ids={key: run.run_id for key, run in known.items()},
        histories={key: run.history for key, run in known.items()},
    )


@dataclass(frozen=True)
class _Known:
    """What is kept of a trial's run: MLflow's own objects take ten times the memory."""

    key: str
    run_id: str
    history: str
    columns: dict[str, object]
    finding: Finding | None


def _runs(store: Store, with_finding: bool) -> Iterator[_Known]:
    for run in store.runs():
        if key := trial_key(run):
            tags, metrics = run.data.tags, run.data.metrics
            columns = {name: metrics.get(name, nan) for name in METRICS} | {name: tags.get(name, "") for name in TAGS}
            found = finding(run) if with_finding else None
            yield _Known(key, run.info.run_id, curve.text(tags), {"state": state_of(run), **columns}, found)


def of_search(study: Study, findings: list[Finding]) -> list[Finding]:
    """Those of the study's search, in the order in which they were proposed."""
    mine = [one for one in findings if study.search_mark in one.marks]
    return sorted(mine, key=lambda one: int(one.marks[study.search_mark]))


def _row(key: str, trial: Trial, known: _Known | None) -> dict[str, object]:
    absent = {"state": "missing", **dict.fromkeys(METRICS, nan), **dict.fromkeys(TAGS, "")}
    columns = known.columns if known else absent
    parameters = trial.parameters.model_dump()
    return {"key": key, "state": columns["state"], "seed": trial.seed, **parameters, **columns}
