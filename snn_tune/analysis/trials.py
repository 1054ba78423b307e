"""The trials of a study, read from MLflow into one table."""

import json
from dataclasses import dataclass

import pandas as pd
from mlflow.entities import Run

from snn_tune.errors import UserError, near_match, without_password
from snn_tune.finding import Finding
from snn_tune.study import Study
from snn_tune.study_tables import build
from snn_tune.tracking.past import finding
from snn_tune.tracking.store import Store, is_study, trial_key
from snn_tune.trial import Trial

METRICS = (
    *(f"best_{part}_accuracy" for part in ("train", "valid", "test")),
    *("train_accuracy", "valid_accuracy", "test_accuracy", "best_epoch", "run_time_s", "spikes_per_neuron"),
)
TAGS = ("activity", "reason", "device", "kernel", "threads", "trials_beside")


@dataclass(frozen=True)
class StudyTrials:
    """A study as it was last started, and its trials.

    Attributes:
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
    frame: pd.DataFrame
    findings: list[Finding]
    others: int
    samples: dict[str, int]
    nb_classes: int
    origin: dict[str, str]
    run_ids: dict[str, str]
    histories: dict[str, str]


def load(name: str, uri: str) -> StudyTrials:
    """Read a study's trials.

    Raises:
        UserError: the store does not answer, or holds no such study; with the near match among those that it holds.
    """
    store = Store(name, uri)
    runs = list(store.runs())
    parent = next(filter(is_study, runs), None)
    if parent is None or "study" not in parent.data.tags:
        held = {other.name for other in store.ask(store.client.search_experiments)} - {name}
        mend = near_match(name, held) or f"; run them with: python -m snn_tune.run {name}"
        raise UserError(f"there are no trials of '{name}' in {without_password(uri)}{mend}")
    tags = parent.data.tags
    study = build(name, json.loads(tags["study"]))
    by_key = {trial_key(run): run for run in runs if trial_key(run)}
    grid = study.search.method == "grid"
    findings = [found for run in by_key.values() if (found := finding(run))] if not grid or study.search.confirm else []
    trials = study.trials(tags["data_fingerprint"]) if grid else []
    others = len(by_key.keys() - {trial.key for trial in trials})
    listed = trials if grid else [one.trial for one in of_search(study, findings)]
    return StudyTrials(
        study,
        frame=pd.DataFrame([_row(trial, by_key.get(trial.key)) for trial in listed]),
        findings=findings,
        others=others,
        samples=json.loads(tags["samples"]),
        nb_classes=int(tags["nb_classes"]),
        origin=tags,
        run_ids={key: run.info.run_id for key, run in by_key.items()},
        histories={key: run.data.tags.get("valid_history", "[]") for key, run in by_key.items()},
    )


def of_search(study: Study, findings: list[Finding]) -> list[Finding]:
    """Those of the study's search, in the order in which they were proposed."""
    mine = [one for one in findings if study.search_mark in one.marks]
    return sorted(mine, key=lambda one: int(one.marks[study.search_mark]))


def _row(trial: Trial, run: Run | None) -> dict[str, object]:
    tags = run.data.tags if run else {}
    metrics = run.data.metrics if run else {}
    return {
        "key": trial.key,
        "state": tags.get("state", "missing"),
        "seed": trial.seed,
        **trial.parameters.model_dump(),
        **{name: metrics.get(name, float("nan")) for name in METRICS},
        **{name: tags.get(name, "") for name in TAGS},
    }
