"""The ledger: what the store holds of each trial, read once at a start; the state says whether it is over."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mlflow.entities import Run

from snn_tune.collection import no_collection
from snn_tune.tracking.store import Store, is_study, trial_key
from snn_tune.trial import OVER, Trial
from snn_tune.wording import count, done

# How a trial's end is written: MLflow has no other word for a run that ended as it should; what else we know is a tag.
STATUS = dict.fromkeys(OVER, "FINISHED") | {"interrupted": "KILLED"}


@dataclass
class Entry:
    """A trial's run.

    Attributes:
        epoch: the last one that it holds metrics of.
        started: when, in milliseconds since 1970.
        scored: whether it holds the metrics that a trial ends with.
    """

    run_id: str
    state: str
    epoch: int
    started: int
    scored: bool = False

    @property
    def over(self) -> bool:
        return self.state in OVER

    @property
    def worth(self) -> tuple[bool, int, int]:
        """Of two runs of one trial, the one worth more is kept: over, then more epochs, then older."""
        return self.over, self.epoch, -self.started


class Ledger:
    """A study's trials by key, one run for each: of two runs of one trial the lesser is deleted.

    Args:
        store: where the study is kept; all of its runs are read, once.

    Attributes:
        nb_deleted: second runs that were found and deleted.

    Raises:
        UserError: the store does not answer.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.entries: dict[str, Entry] = {}
        with no_collection():  # MLflow makes fifty objects of a run: looked at over and over, they take thrice the time
            self.nb_deleted = self._enter(store.runs())

    def refresh(self, key: str) -> None:
        """Look up one trial again, after an answer of the store was lost."""
        found = list(self.store.runs(f"tags.key = '{key}'"))
        self.entries.pop(key, None)
        self.nb_deleted += self._enter(found)

    def clear(self) -> None:
        """Soft-delete all trials."""
        self.store.delete(entry.run_id for entry in self.entries.values())
        self.entries.clear()

    def missing(self, trials: list[Trial]) -> list[Trial]:
        """The trials that are not over."""
        return [trial for trial in trials if self._standing(trial) != "done"]

    def summary(self, trials: list[Trial]) -> str:
        """`81 trials: 40 done (12 pruned); to run: 2 continued, 1 tried again, 38 new`."""
        found = Counter(map(self._standing, trials))
        pruned = sum(self._standing(trial) == "done" and self.entries[trial.key].state == "pruned" for trial in trials)
        to_run = [f"{found[what]} {what}" for what in ("continued", "tried again", "new") if found[what]]
        over = done(found["done"], pruned)
        return f"{count(len(trials), 'trial')}: {over}" + (f"; to run: {', '.join(to_run)}" if to_run else "")

    def _standing(self, trial: Trial) -> str:
        entry = self.entries.get(trial.key)
        if entry is None:
            return "new"
        return "done" if entry.over else "tried again" if entry.state == "failed" else "continued"

    def _enter(self, runs: Iterable[Run]) -> int:
        """Keep the best run of each trial, and the oldest parent; delete the others. Returns how many those were."""
        parents: list[tuple[int, str]] = []
        lesser: list[str] = []
        for run in runs:
            if is_study(run):
                parents.append((run.info.start_time, run.info.run_id))
            elif key := trial_key(run):
                entry, other = _entry(run), self.entries.get(key)
                if other:
                    entry, other = sorted((entry, other), key=lambda one: one.worth, reverse=True)
                    lesser.append(other.run_id)
                self.entries[key] = entry
        self.store.delete([*lesser, *(run_id for _, run_id in sorted(parents)[1:])])
        return len(lesser)


def state_of(run: Run) -> str:
    """What became of the trial of this run; one whose end was not written to the last still runs."""
    state = str(run.data.tags.get("state", "running"))
    return "running" if state in OVER and run.info.status != "FINISHED" else state


def _entry(run: Run) -> Entry:
    return Entry(
        run_id=run.info.run_id,
        state=state_of(run),
        epoch=max((metric.step for metric in run.data._metric_objs), default=0),  # `metrics` has no steps
        started=run.info.start_time,
        scored="best_epoch" in run.data.metrics,
    )
