"""Ray Tune as an executor: run these trials, each once, as many at a time as fit, and tell the listeners."""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

# A trial's MLflow run is its log; Ctrl-C is handled by `stopping`.
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")

from ray import tune
from ray.tune.search import Searcher

from snn_tune import last_words
from snn_tune.cluster import PerTrial
from snn_tune.errors import UserError, one_line, why
from snn_tune.files import naming
from snn_tune.pruning import Pruning
from snn_tune.stopping import GentleStop
from snn_tune.trainable import Job, TrialTrainable
from snn_tune.trial import Ending, Epoch, Trial

log = logging.getLogger("snn_tune")
STOPPED = "the search was stopped"
MOST_SHOWN = 10  # lines that workers say
Propose = Callable[[], Trial | None]
LOST_WORKERS = 3  # times that a trial is started again after its worker or machine was lost


class Listener(Protocol):
    """Told of each trial's course."""

    def begun(self, trial: Trial) -> None: ...
    def epochs(self, trial: Trial, epochs: list[Epoch]) -> None: ...
    def ended(self, trial: Trial, ending: Ending) -> None: ...


@dataclass
class Relay(tune.Callback):
    """Ray's callbacks as events of our trials. What a listener raises is kept: Ray would end the whole search."""

    left: dict[str, Trial]
    listeners: Iterable[Listener]
    stop: GentleStop

    def __post_init__(self) -> None:
        self.running = self.stop.running
        self.troubles: list[str] = []
        self._nb_shown = 0

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        ours = self._ours(trial)
        if not self.stop.asked:  # else it was waiting, and ends before it has begun
            self.running[ours.key] = ours
            self._tell("begun", ours)

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any) -> None:
        self.tell_user(result["said"])
        ours = self._ours(trial)
        if ours.key in self.running and result["epochs"]:
            self._tell("epochs", ours, result["epochs"])
        if "ending" in result:
            self._end(ours, result["ending"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        ours = self._ours(trial)
        reason = self.stop.pruning.verdicts.get(ours.key)  # it may also have ended by itself, and been told
        self._end(ours, Ending("pruned", reason) if reason else Ending("interrupted", STOPPED))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        cause = getattr(trial.get_pickled_error(), "cause", None)  # what the worker itself raised
        reason = str(cause) if isinstance(cause, UserError) else f"its worker was lost: {why(trial.get_error())}"
        self._end(self._ours(trial), Ending("failed", reason))

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles its callbacks for a restore, which we never do."""
        return {}

    def close(self) -> None:
        """The search is over: whatever still runs does not go on, and what could not begin has failed."""
        for trial in list(self.running.values()):
            self._end(trial, Ending("interrupted", STOPPED))
        for key, trial in {} if self.stop.asked else dict(self.left).items():
            self.running[key] = trial
            self._tell("begun", trial)
            self._end(trial, Ending("failed", "no worker lived long enough to begin it"))

    def tell_user(self, lines: list[str]) -> None:
        """Show what workers say, the first lines of it: where a disk is full, every trial says so."""
        for line in lines:
            log.warning("%s", line)
            self._nb_shown += 1
            if self._nb_shown <= MOST_SHOWN:
                self.stop.say(line if self._nb_shown < MOST_SHOWN else f"{line}; more of this is in the log")

    def _ours(self, trial: Any) -> Trial:
        ours: Trial = trial.config["trial"]
        return ours

    def _end(self, trial: Trial, ending: Ending) -> None:
        if self.running.pop(trial.key, None):
            self.left.pop(trial.key, None)
            self._tell("ended", trial, ending)

    def _tell(self, event: str, *what: Any) -> None:
        with self.stop.shielded():
            for listener in self.listeners:
                try:
                    getattr(listener, event)(*what)
                except Exception as error:
                    log.exception("%s was not told of %s", type(listener).__name__, event)
                    self.troubles.append(f"the {type(listener).__name__} failed: {one_line(error)}")


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
