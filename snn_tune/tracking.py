"""MLflow: a study's parent run, and under it one run for each trial, written as trials begin, report and end."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from mlflow.utils.validation import MAX_TAG_VAL_LENGTH

from snn_tune.errors import UserError
from snn_tune.store import Store, is_study, trial_key
from snn_tune.study import Study
from snn_tune.trial import Ending, Epoch, Trial, decays

# How a trial's end is written: MLflow has no other word for a run that ended as it should; what else we know is a tag.
STATUS = {"finished": "FINISHED", "pruned": "FINISHED", "diverged": "FINISHED", "interrupted": "KILLED"}
OVER = frozenset(state for state, status in STATUS.items() if status == "FINISHED")
KIND = {"mlflow.experimentKind": "custom_model_development"}  # the UI opens on training runs, not on language models


class Tracker(Store):
    """Writes to a study's experiment; makes it, and the database, where there is none.

    Args:
        uri: any MLflow tracking URI.
        artifacts: folder of the artifacts of a local database; a server keeps them where it likes.
        shared_tags: put on every run of this start.
    """

    def __init__(self, study: Study, uri: str, artifacts: Path, shared_tags: dict[str, str]) -> None:
        self.resolved = json.dumps(study.tables())
        if len(self.resolved) > MAX_TAG_VAL_LENGTH:
            most = f"{len(self.resolved):,} characters as JSON, more than the {MAX_TAG_VAL_LENGTH:,} that MLflow keeps"
            raise UserError(f"study '{study.name}' is too long ({most}); shorten its description or its axes")
        super().__init__(study.name, uri, create=True)
        if self.experiment is None:
            location = (artifacts.resolve() / study.name).as_uri() if uri.startswith("sqlite:") else None
            self.ask(lambda: self.client.create_experiment(study.name, artifact_location=location, tags=KIND))
            self.experiment = self.ask(lambda: self.client.get_experiment_by_name(study.name))
        self.study, self.shared_tags = study, shared_tags
        self.run_ids: dict[str, str] = {}
        self._epochs: dict[str, int] = {}
        self.parent_id = self.ask(self._open_parent)

    def states(self) -> dict[str, str]:
        """The state of each trial that has a run, by key."""
        return {trial_key(run): run.data.tags.get("state", "") for run in self.runs() if trial_key(run)}

    def delete(self, keys: Collection[str]) -> None:
        """Soft-delete the runs of these trials."""
        doomed = [run.info.run_id for run in self.runs() if trial_key(run) in keys]
        self.ask(lambda: [self.client.delete_run(run_id) for run_id in doomed])

    def begun(self, trial: Trial) -> None:
        """A trial starts; or starts again after its worker was lost, and then its run goes on."""
        if trial.key in self.run_ids:
            return
        tags = {
            MLFLOW_PARENT_RUN_ID: self.parent_id,
            "role": "trial",
            "key": trial.key,
            "lineage": trial.lineage,
            "state": "running",
            **self.shared_tags,
        }
        run = self.client.create_run(self._experiment_id, tags=tags, run_name=self._name(trial))
        self.run_ids[trial.key] = run.info.run_id
        alpha, beta = decays(trial.parameters, self.study.data.repeats(trial.parameters.nb_steps))
        values = trial.parameters.model_dump() | {"alpha": alpha, "beta": beta, "seed": trial.seed}
        self._log(trial, params=[Param(name, str(value)) for name, value in values.items()])

    def epochs(self, trial: Trial, epochs: list[Epoch]) -> None:
        """Metrics of one or more epochs; each epoch is written once, also where a lost worker's trial starts again."""
        new = [epoch for epoch in epochs if epoch.epoch > self._epochs.get(trial.key, 0)]
        if new:
            self._log(trial, metrics=[metric for epoch in new for metric in _metrics(epoch, epoch.epoch)])
            self._epochs[trial.key] = new[-1].epoch

    def ended(self, trial: Trial, ending: Ending) -> None:
        """The trial is over: its scores, files, tags and status."""
        run_id = self.run_ids[trial.key]
        for file in ending.files:
            self.client.log_artifact(run_id, file)
        tags = {"state": ending.state, "reason": ending.reason, "activity": ending.activity} | ending.tags
        self._log(
            trial,
            metrics=_metrics(ending, self._epochs.get(trial.key, 0)),
            tags=[RunTag(name, value) for name, value in tags.items() if value],
        )
        self.client.set_terminated(run_id, STATUS.get(ending.state, "FAILED"))

    def close(self, status: str) -> None:
        """End the parent run: FINISHED or KILLED."""
        self.ask(lambda: self.client.set_terminated(self.parent_id, status))

    @property
    def _experiment_id(self) -> str:
        return str(self.experiment.experiment_id)

    def _log(self, trial: Trial, **what: Any) -> None:
        self.client.log_batch(self.run_ids[trial.key], **what)

    def _name(self, trial: Trial) -> str:
        values = [f"{axis}={getattr(trial.parameters, axis)}" for axis in self.study.grid]
        return " ".join([*values, f"seed={trial.seed}"])

    def _open_parent(self) -> str:
        """The study's parent run, found or made; it keeps this start's resolved study."""
        tags = {
            "role": "study",
            "study": self.resolved,
            "mlflow.note.content": self.study.description,
            **self.shared_tags,
        }
        found = next(filter(is_study, self.runs()), None)
        run = found or self.client.create_run(self._experiment_id, run_name=self.study.name)
        self.client.log_batch(run.info.run_id, tags=[RunTag(name, value) for name, value in tags.items()])
        self.client.update_run(run.info.run_id, status="RUNNING")
        return str(run.info.run_id)


def _metrics(of: Epoch | Ending, step: int) -> list[Metric]:
    return [Metric(name, value, of.time_ms, step) for name, value in of.metrics.items()]
