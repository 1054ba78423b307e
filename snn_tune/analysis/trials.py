"""The trials of a study, read from MLflow into one table."""

import json
from dataclasses import dataclass

import pandas as pd
from mlflow.entities import Run

from snn_tune.errors import UserError, near_match, without_password
from snn_tune.finding import Finding
from snn_tune.study import Study
from snn_tune.study_tables import build
from snn_tune.tracking.ledger import state_of
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
            parameters, METRICS (NaN where absent) and TAGS ("" where absent).
        findings: of a search in place of that; of a grid too, where the best of it were run again.
        others: trials of the experiment that this study does not hold.
        samples: samples that each accuracy is over: train, valid, test.
    """

    study: Study
    frame: pd.DataFrame
    findings: list[Finding]
    others: int
    samples: dict[str, int]
    nb_classes: int


def load(name: str, uri: str) -> StudyTrials:
    """Read a study's trials.

    Raises:
        UserError: the store does not answer, or holds no such study; with the near match among those that it holds.
    """
    store = Store(name, uri)
    runs = list(store.runs())
    parent = next(filter(is_study, runs), None)
    if parent is None or "study" not in parent.data.tags:
        held = {other.name for other in store.experiments()} - {name}
        mend = near_match(name, held) or f"; run them with: python -m snn_tune.run {name}"
        raise UserError(f"there are no trials of '{name}' in {without_password(uri)}{mend}")
    tags = parent.data.tags
    study = build(name, json.loads(tags["study"]))
    by_key = {trial_key(run): run for run in runs if trial_key(run)}
    grid = study.search.method == "grid"
    findings = [found for run in by_key.values() if (found := finding(run))] if not grid or study.search.confirm else []
    trials = study.trials(tags["data_fingerprint"]) if grid else []
    others = len(by_key.keys() - {trial.key for trial in trials})
    frame = pd.DataFrame([_row(trial, by_key.get(trial.key)) for trial in trials])
    return StudyTrials(study, frame, findings, others, json.loads(tags["samples"]), int(tags["nb_classes"]))


def _row(trial: Trial, run: Run | None) -> dict[str, object]:
    tags = run.data.tags if run else {}
    metrics = run.data.metrics if run else {}
    return {
        "key": trial.key,
        "state": state_of(run) if run else "missing",
        "seed": trial.seed,
        **trial.parameters.model_dump(),
        **{name: metrics.get(name, float("nan")) for name in METRICS},
        **{name: tags.get(name, "") for name in TAGS},
    }
