"""What a study found, on its run in MLflow: the table as its description, metrics, the report, the best network."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Metric, Run
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from snn_tune.errors import one_line, without_password
from snn_tune.study import Study
from snn_tune.tracking import logged_model
from snn_tune.tracking.data_input import digest
from snn_tune.tracking.describe import NOTE, note
from snn_tune.tracking.store import Store
from snn_tune.trial import now_ms

FOLDER = "report"  # among the run's artifacts

log = logging.getLogger("snn_tune")


@dataclass(frozen=True)
class Outcome:
    """What the study's run is to show.

    Attributes:
        table: in Markdown.
        best: accuracies of the best trial, by metric.
        best_key: its key, "" where there is none.
        counts: trials by what became of them.
        folder: of the report; its files, and those of figures/, become artifacts.
    """

    study: Study
    table: str
    best: Mapping[str, float]
    best_key: str
    counts: Mapping[str, int]
    folder: Path


def publish(outcome: Outcome, uri: str) -> list[str]:
    """Put it there, in place of what an earlier start put there.

    Returns:
        Lines for the screen where the store does not take it; it is in the report's folder in any case.
    """
    try:
        store = Store(outcome.study.name, uri)
        parent = store.parent()
        if parent is not None:
            _publish(outcome, store, parent)
    except Exception as error:  # MLflow lets through whatever its database, its server or the network raise
        log.exception("the report was not published")
        again = "the same command puts it there"
        return [f"the report is not complete in {without_password(uri)} ({one_line(error):.80}): {again}"]
    return []


def _publish(outcome: Outcome, store: Store, parent: Run) -> None:
    run_id = parent.info.run_id
    store.client.set_tag(run_id, NOTE, note(outcome.study, parent.data.tags, outcome.table))
    model_id = ""
    try:
        _replace_files(store, parent, outcome.folder)
        model_id = logged_model.keep(store, run_id, outcome.folder / "best.pt", outcome.best_key)
    finally:  # a store that takes no files has the numbers
        store.client.log_batch(run_id, _metrics(outcome, parent.data.tags, model_id))


def _metrics(outcome: Outcome, tags: Mapping[str, str], model_id: str) -> list[Metric]:
    now = now_ms()
    of_best = (
        {"model_id": model_id, "dataset_name": tags["dataset"], "dataset_digest": digest(tags)} if model_id else {}
    )
    metrics = [Metric(name, value, now, 0, **of_best) for name, value in outcome.best.items()]
    return metrics + [Metric(f"trials_{state}", number, now, 0) for state, number in outcome.counts.items()]


def _replace_files(store: Store, parent: Run, folder: Path) -> None:
    """The report's files as artifacts; then those that an earlier report had and this one has not are deleted."""
    run_id, wanted = parent.info.run_id, set()
    for sub in ("", "figures"):
        for file in sorted((folder / sub).glob("[!.]*")):
            if file.is_file():
                path = "/".join(filter(None, [FOLDER, sub]))
                store.client.log_artifact(run_id, str(file), path)
                wanted.add(f"{path}/{file.name}")
    there = [
        file.path
        for path in (FOLDER, f"{FOLDER}/figures")
        for file in store.client.list_artifacts(run_id, path)
        if not file.is_dir
    ]
    for path in set(there) - wanted:
        get_artifact_repository(parent.info.artifact_uri, store.uri).delete_artifacts(path)
