"""Ray's callbacks as events of our trials: one has begun, has trained some epochs, has ended."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from ray import tune

from snn_tune.errors import UserError, one_line, why
from snn_tune.stopping import GentleStop
from snn_tune.trial import Ending, Epoch, Trial

log = logging.getLogger("snn_tune")
STOPPED = "the search was stopped"
MOST_SHOWN = 10  # lines that workers say


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
