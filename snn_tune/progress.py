"""What a person sees while a study runs: a live line on a terminal, plain lines elsewhere."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from snn_tune.trial import Ending, Epoch, Trial, label, now_ms

PLAIN_EVERY_S = 10.0
MOST_NAMED = 4  # parameters


class ProgressLine:
    """Counts trials and epochs as they come in, and shows them.

    Args:
        axes: names of the parameters that tell trials apart.
        nb_epochs: epochs that all trials of this start have to train, those of their checkpoints left out.
        done: trials that were over before.
    """

    def __init__(self, console: Console, axes: list[str], total: int, done: int, nb_epochs: int) -> None:
        self.console, self.axes, self.total, self.nb_epochs = console, axes, total, nb_epochs
        self.done, self.failed = done, 0
        self.running: set[str] = set()
        self.reached: dict[str, int] = {}  # the last epoch of each trial
        self.epochs_done = 0  # by this start: a trial that goes on reports those of earlier ones, too
        self.best, self.best_trial = -1.0, ""
        self.started, self.started_ms = time.monotonic(), now_ms()
        self._printed = float("-inf")
        self._live: Progress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> "ProgressLine":
        if self.console.is_terminal:
            bar = BarColumn(
                bar_width=max(8, min(30, self.console.width - 90))
            )  # what a narrow terminal cuts is the end
            columns = bar, MofNCompleteColumn(), TextColumn("{task.description}")
            # What libraries print goes to the log, not above the bar.
            self._live = Progress(
                *columns, console=self.console, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._task = self._live.add_task("starting", total=self.total, completed=self.done)
            self._live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._live:
            self._live.stop()

    def begun(self, trial: Trial) -> None:
        self.running.add(trial.key)
        self._show()

    def epochs(self, trial: Trial, epochs: list[Epoch]) -> None:
        new = [epoch for epoch in epochs if epoch.epoch > self.reached.get(trial.key, 0)]
        if new:
            self.reached[trial.key] = new[-1].epoch
            self.epochs_done += sum(epoch.time_ms >= self.started_ms for epoch in new)
        self._show()

    def ended(self, trial: Trial, ending: Ending) -> None:
        self.running.discard(trial.key)
        if ending.state != "interrupted":  # what it did not train is not to come
            self.nb_epochs -= trial.parameters.nb_epochs - self.reached.get(trial.key, 0)
        if ending.state == "failed":
            self.failed += 1
            self.console.print(f"failed: {self._name(trial)}: {ending.reason}")
        elif ending.state != "interrupted":
            self.done += 1
        if ending.metrics.get("best_valid_accuracy", -1.0) > self.best:
            self.best, self.best_trial = ending.metrics["best_valid_accuracy"], self._name(trial)
        self._show(last=not self.running and self.done + self.failed >= self.total)

    def adopted(self, trial: Trial) -> None:
        """One of the trials was known already."""
        self.done += 1
        self.nb_epochs -= trial.parameters.nb_epochs
        self._show()

    def line(self) -> str:
        """`3 running, 0 failed, about 2 min left, best validation 91.20% (nb_hidden=100 ...)`."""
        parts = [f"{len(self.running)} running, {self.failed} failed"]
        done, total = self.epochs_done, self.nb_epochs
        if done and done * 50 >= total:  # before, it would be a guess from how long workers take to start
            left = (time.monotonic() - self.started) / done * max(0, total - done)
            parts.append(f"about {duration(left)} left")
        if self.best_trial:
            parts.append(f"best validation {self.best:.2%} ({self.best_trial})")
        return ", ".join(parts)

    def _name(self, trial: Trial) -> str:
        few = label(trial.parameters, self.axes[:MOST_NAMED]) + " ..." * (len(self.axes) > MOST_NAMED)
        return few or f"seed={trial.seed}"

    def _show(self, last: bool = False) -> None:
        if self._live:
            self._live.update(self._task, completed=self.done, description=self.line())
        elif last or time.monotonic() - self._printed > self._pause():
            self._printed = time.monotonic()
            self.console.print(f"{self.done}/{self.total} done, {self.line()}")

    def _pause(self) -> float:
        """Seconds between plain lines: more of them at first, so that a long study fills no log."""
        return max(PLAIN_EVERY_S, (time.monotonic() - self.started) / 30)


def duration(seconds: float) -> str:
    """`45 s`, `12 min` or `3 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
