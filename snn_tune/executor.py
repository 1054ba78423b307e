"""Ray Tune as an executor: run these trials, each once, as many at a time as fit, and tell the listeners."""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A trial's MLflow run is its log; Ctrl-C is handled by `stopping`.
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")

from ray import tune
from ray.tune.search import Searcher

from snn_tune import last_words
from snn_tune.cluster import PerTrial
from snn_tune.errors import one_line
from snn_tune.files import naming
from snn_tune.pruning import Pruning
from snn_tune.relay import Listener, Relay
from snn_tune.stopping import GentleStop
from snn_tune.trainable import TrialTrainable
from snn_tune.trial import Trial
from snn_tune.trial_reports import Job

log = logging.getLogger("snn_tune")
Propose = Callable[[], Trial | None]
LOST_WORKERS = 3  # times that a trial is started again after its worker or machine was lost


class Feed(Searcher):
    """Gives Ray one trial after the other: those that wait, then those that are proposed."""

    def __init__(self, relay: Relay, propose: Propose) -> None:
        super().__init__()
        self.relay, self.propose = relay, propose
        self.waiting = list(relay.left.values())

    def suggest(self, trial_id: str) -> Any:
        trial = self.waiting.pop(0) if self.waiting else None if self.relay.stop.asked else self._proposed()
        if trial is None:
            return Searcher.FINISHED
        self.relay.left[trial.key] = trial
        return {"trial": trial}

    def _proposed(self) -> Trial | None:
        try:
            return self.propose()
        except Exception as error:  # Ray would end the whole search
            log.exception("nothing more was proposed")
            self.relay.troubles.append(f"no more trials could be proposed: {one_line(error)}")
            return None

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """The listeners are told."""

    def save_to_dir(self, *_: Any, **__: Any) -> None:
        """Nothing is saved: see `__getstate__`."""

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles its searchers for a restore, which we never do."""
        return {}


@dataclass(frozen=True)
class Work:
    """What is to run: first these trials, then those that `propose` gives until it gives None."""

    trials: list[Trial]
    propose: Propose = lambda: None
    pruning: Pruning = field(default_factory=Pruning)


def execute(
    job: Job,
    work: Work,
    listeners: Iterable[Listener],
    per_trial: PerTrial,
    at_once: int,
    records: Path,
    say: Callable[[str], None],
    time_s: float = float("inf"),
) -> list[str]:
    """Run all of the work, or what there is time for.

    Args:
        at_once: trials that run or ask for room, which is what an autoscaler makes room for. They ask no longer when
            this process is gone; `request_resources` would, and machines would stay for nobody.
        records: folder for what Ray writes as it goes, of this study and store; removed at the end.
        say: tells the user a line.
        time_s: until the running trials are stopped.

    Returns:
        What went wrong in telling the listeners, or in proposing.

    Raises:
        KeyboardInterrupt: the user stopped it; the listeners have been told.
    """
    stop = GentleStop(say, work.pruning, time_s)
    relay = Relay({trial.key: trial for trial in work.trials}, listeners, stop)
    with stop:
        try:
            for attempt in range(1 + LOST_WORKERS):
                if (relay.left or not attempt) and not stop.asked:
                    with naming(records):  # a full disk stops Ray, too, amid its own lines
                        _tuner(job, relay, work.propose, per_trial, at_once, records.resolve()).fit()
                    relay.tell_user(last_words.taken())
        except BaseException:
            stop.asked = True
            raise
        finally:
            relay.close()
            shutil.rmtree(records, ignore_errors=True)  # what an earlier start left when it was killed, too
    if stop.asked and not stop.time_is_up:
        raise KeyboardInterrupt
    return relay.troubles


def _tuner(job: Job, relay: Relay, propose: Propose, per_trial: PerTrial, at_once: int, records: Path) -> tune.Tuner:
    """Of what is left: Ray itself does not try a trial again whose worker is lost before it begins."""
    trainable = tune.with_parameters(TrialTrainable, job=job)
    return tune.Tuner(
        tune.with_resources(trainable, {"cpu": per_trial.cpus, "gpu": per_trial.gpus}),
        tune_config=tune.TuneConfig(
            search_alg=Feed(relay, propose),
            num_samples=-1,
            reuse_actors=True,
            max_concurrent_trials=at_once,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name=str(time.time_ns()),
            storage_path=str(records),
            stop=relay.stop,
            callbacks=[relay],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # ours are none of Ray's
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=LOST_WORKERS),
        ),
    )
