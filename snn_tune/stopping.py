"""The user stops a search: the first time gently, so that no epoch is lost; the second time at once."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any

from ray import tune

from snn_tune import interrupt
from snn_tune.pruning import Pruning
from snn_tune.trial import Trial

WAIT_S = 30.0  # for an epoch to end: a trial reports, and can stop, at the first end of an epoch after two seconds


class GentleStop(tune.Stopper, AbstractContextManager["GentleStop"]):
    """Within it the first SIGINT or SIGTERM has each trial stop at its next report; the second is a KeyboardInterrupt.

    It is also Ray's stopper: a trial stops as `pruning` says, and all of them when the time is up.

    Args:
        say: tells the user.
        time_s: from now, until all stop.

    Attributes:
        running: trials that run, by key, kept by the caller; without any, or after `WAIT_S`, the search is over.
        asked: whether to stop.
        time_is_up: whether that is why.
    """

    def __init__(
        self, say: Callable[[str], None], pruning: Pruning | None = None, time_s: float = float("inf")
    ) -> None:
        self.say, self.pruning = say, pruning or Pruning()
        self._end = time.monotonic() + time_s
        self.time_is_up = False
        self.running: dict[str, Trial] = {}
        self.asked = False
        self._said = self._shielded = self._now = False
        self._until = float("inf")
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "GentleStop":
        interrupt.check()
        if threading.current_thread() is threading.main_thread():  # no other thread may
            self._before = {which: signal.signal(which, self._on_signal) for which in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for which, handler in self._before.items():
            signal.signal(which, handler)

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether this trial stops at this report."""
        stops = self.pruning.stops(result["key"], result["epochs"])  # one that has ended is compared with, too
        return "ending" not in result and (self.asked or stops)

    def stop_all(self) -> bool:
        """Whether all stop, and none starts. Ray asks this several times a second."""
        if not self.asked and time.monotonic() > self._end:
            self.asked = self.time_is_up = self._said = True
            self._until = time.monotonic() + WAIT_S
            self.say("the time budget is used up: the running trials save their state")
        if self.asked and not self._said:  # not in the handler, which may come while something else is printed
            self._said = True
            self.say("stopping: the running trials save their state; once more to stop now")
        return self.asked and (not self.running or time.monotonic() > self._until)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Within it the second signal waits, but not the third: a store that is left amid a write stays locked."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False
        if self._now:
            self._now = False
            raise KeyboardInterrupt

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles it for a restore, which we never do."""
        return {}

    def _on_signal(self, which: int, frame: FrameType | None) -> None:
        if not self.asked:
            self.asked, self._until = True, time.monotonic() + WAIT_S
        elif self._shielded and not self._now:
            self._now = True
        else:
            raise KeyboardInterrupt
