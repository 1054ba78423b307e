"""What becomes of trials, told to MLflow by way of a journal: one run for each."""

from collections.abc import Callable
from typing import Any

from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from snn_tune.parameters import decays
from snn_tune.study import Study
from snn_tune.tracking import curve
from snn_tune.tracking.names import run_name
from snn_tune.trial import Ending, Epoch, Trial, as_text, now_ms


class Tracker:
    """Turns the course of trials into records of what MLflow is to hold. Writes nothing itself, so it is never slow.

    Args:
        study_run: the study's parent run.
        shared_tags: put on every run of this start.
        keep: takes the records, a trial's in the order of its events.
        marks: more tags, by key: which searches a trial belongs to. It may grow.
        data: an input of every run, see `data_input`.
    """

    def __init__(
        self,
        study: Study,
        study_run: str,
        shared_tags: dict[str, str],
        keep: Callable[[dict[str, Any]], None],
        marks: dict[str, dict[str, str]] | None = None,
        data: dict[str, str] | None = None,
    ) -> None:
        self.study, self.study_run, self.shared_tags, self.keep, self.data = study, study_run, shared_tags, keep, data
        self.marks = {} if marks is None else marks
        self._begun: set[str] = set()
        self._history: dict[str, dict[int, float]] = {}

    def begun(self, trial: Trial) -> None:
        """A trial starts; or starts again after its worker was lost, and then its run just goes on."""
        if trial.key in self._begun:
            return
        self._begun.add(trial.key)
        tags = {
            MLFLOW_PARENT_RUN_ID: self.study_run,
            "role": "trial",
            "key": trial.key,
            "lineage": trial.lineage,
            "state": "running",
            "reason": "",  # of an earlier failure
            **self.shared_tags,
            **self.marks.get(trial.key, {}),
            **({"network": trial.network} if trial.network else {}),
        }
        alpha, beta = decays(trial.parameters, self.study.data.repeats(trial.parameters.nb_steps))
        params = trial.parameters.model_dump() | {"alpha": alpha, "beta": beta, "seed": trial.seed}
        params = {name: as_text(value) for name, value in params.items()}
        name = run_name(self.study, trial, self.marks.get(trial.key, {}))
        self._keep(trial, "begun", time=now_ms(), name=name, tags=tags, params=params, data=self.data)

    def epochs(self, trial: Trial, epochs: list[Epoch]) -> None:
        """Metrics of one or more epochs; those that the store holds already may be among them."""
        if epochs:
            history = self._history.setdefault(trial.key, {})
            history |= {epoch.epoch: epoch.metrics.get("valid_accuracy", 0.0) for epoch in epochs}
            values = [(epoch.epoch, epoch.time_ms, epoch.metrics) for epoch in epochs]
            self._keep(trial, "epochs", epochs=values, tags=curve.tags(history))

    def ended(self, trial: Trial, ending: Ending) -> None:
        """The trial is over: its scores, files, tags and status."""
        self._history.pop(trial.key, None)
        tags = {"state": ending.state, "reason": ending.reason, "activity": ending.activity} | ending.tags
        tags = {name: value for name, value in tags.items() if value}
        self._keep(
            trial,
            "ended",
            time=ending.time_ms,
            state=ending.state,
            tags=tags,
            metrics=ending.metrics,
            files=ending.files,
        )

    def mark(self, trial: Trial, tags: dict[str, str]) -> None:
        """A trial that is over is part of something new."""
        self._keep(trial, "marked", tags=tags)

    def _keep(self, trial: Trial, event: str, **what: Any) -> None:
        self.keep({"key": trial.key, "event": event, **what})
