"""What Ray Tune runs: a worker, which trains one trial after the other."""

import logging

from ray import tune

from snn_tune import last_words
from snn_tune.trial import Trial
from snn_tune.trial_reports import Job, Report, reports

log = logging.getLogger("snn_tune")


class TrialTrainable(tune.Trainable):
    """A worker, which runs one trial after the other: `reports`, one at each step, closed when Ray stops the trial.

    Ray waits for a class to close, but not for a function's thread: that one's last checkpoint could be cut short.
    """

    def setup(self, config: dict[str, Trial], job: Job) -> None:
        self.job, self.said = job, _Said()
        log.addHandler(self.said)
        self._begin(config["trial"])

    def step(self) -> Report:
        return next(self.reports) | {"key": self.key, "said": self.said.taken()}

    def reset_config(self, config: dict[str, Trial]) -> bool:
        self.reports.close()
        self._begin(config["trial"])
        return True

    def _begin(self, trial: Trial) -> None:
        self.key, self.reports = trial.key, reports(trial, self.job)

    def cleanup(self) -> None:
        self.reports.close()
        last_words.leave(self.said.taken())


class _Said(logging.Handler):
    """What the log of a worker says, to be said in the driver's."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def taken(self) -> list[str]:
        lines, self.lines = self.lines, []
        return lines
