"""Ray Tune as an executor: run these trials, each once, as many at a time as fit, and tell the listeners."""

import logging
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

# A trial's MLflow run is its log; Ctrl-C is handled by the command line; a reused worker may clean up for a minute.
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
os.environ.setdefault("TUNE_FUNCTION_THREAD_TIMEOUT_S", "60")

from ray import tune

from snn_tune.cluster import PerTrial
from snn_tune.errors import one_line
from snn_tune.trainable import Job, train_trial
from snn_tune.trial import Ending, Epoch, Trial

log = logging.getLogger("snn_tune")
LOST_WORKERS = 3  # times that a trial is started again after its worker or machine was lost


class Listener(Protocol):
    """Told of each trial's course."""

    def begun(self, trial: Trial) -> None: ...
    def epochs(self, trial: Trial, epochs: list[Epoch]) -> None: ...
    def ended(self, trial: Trial, ending: Ending) -> None: ...


@dataclass
class Relay(tune.Callback):
    """Ray's callbacks as events of our trials. What a listener raises is kept: Ray would end the whole search."""

    trials: dict[str, Trial]
    listeners: Iterable[Listener]

    def __post_init__(self) -> None:
        self.running: dict[str, Trial] = {}
        self.troubles: list[str] = []

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        ours = self._ours(trial)
        self.running[ours.key] = ours
        self._tell("begun", ours)

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any) -> None:
        self._tell("epochs", self._ours(trial), result["epochs"])
        if "ending" in result:
            self._end(self._ours(trial), result["ending"])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self._end(self._ours(trial), Ending("failed", f"its worker was lost: {one_line(trial.get_error())}"))

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles its callbacks for a restore, which we never do."""
        return {}

    def stop(self) -> None:
        """The search is over: whatever still runs does not go on."""
        for trial in list(self.running.values()):
            self._end(trial, Ending("interrupted", "the search was stopped"))

    def _ours(self, trial: Any) -> Trial:
        return self.trials[trial.config["trial"]]

    def _end(self, trial: Trial, ending: Ending) -> None:
        if self.running.pop(trial.key, None):
            self._tell("ended", trial, ending)

    def _tell(self, event: str, *what: Any) -> None:
        for listener in self.listeners:
            try:
                getattr(listener, event)(*what)
            except Exception as error:
                log.exception("%s was not told of %s", type(listener).__name__, event)
                self.troubles.append(one_line(error))


def execute(
    job: Job, listeners: Iterable[Listener], per_trial: PerTrial, max_concurrent: int | None, records: Path
) -> list[str]:
    """Run every trial of the job.

    Args:
        records: folder for what Ray writes as it goes, of this study and store; removed at the end.

    Returns:
        What went wrong in telling the listeners.

    Raises:
        KeyboardInterrupt: the user stopped it; the listeners have been told.
    """
    relay = Relay(job.trials, listeners)
    records = records.resolve() / str(time.time_ns())
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(train_trial, job=job), {"cpu": per_trial.cpus, "gpu": per_trial.gpus}),
        param_space={"trial": tune.grid_search(list(job.trials))},
        tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=max_concurrent),
        run_config=tune.RunConfig(
            name=records.name,
            storage_path=str(records.parent),
            callbacks=[relay],
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=LOST_WORKERS),
        ),
    )
    try:
        tuner.fit()
    finally:
        relay.stop()
        shutil.rmtree(records.parent, ignore_errors=True)  # what an earlier start left when it was killed, too
    return relay.troubles
