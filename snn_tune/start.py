"""One start of a study: its grid or its search, then the best of it again, each run to the end."""

import time
from collections.abc import Iterable
from functools import cached_property

from snn_tune import checkpoint, confirm
from snn_tune.errors import UserError
from snn_tune.executor import Work, execute
from snn_tune.jobs import Jobs
from snn_tune.known import Known
from snn_tune.progress import ProgressLine
from snn_tune.proposals import Proposals
from snn_tune.pruning import pruning
from snn_tune.relay import Listener
from snn_tune.study import Study
from snn_tune.tracking import past
from snn_tune.tracking.data_input import description
from snn_tune.tracking.keeper import Keeper
from snn_tune.tracking.tracker import Tracker
from snn_tune.trial import Trial
from snn_tune.wording import count


class Start:
    """Everything that a start has, and what it does with it.

    Args:
        jobs: what its trials run with.
        tags: on every run of this start.
        told: a line for the screen before anything is trained, or "".
    """

    def __init__(self, study: Study, jobs: Jobs, keeper: Keeper, tags: dict[str, str], told: str) -> None:
        self.study, self.jobs, self.options, self.first, self.told = study, jobs, jobs.options, jobs.first, told
        self.keeper, self.console, self.ledger = keeper, keeper.console, keeper.ledger
        self.marks: dict[str, dict[str, str]] = {}
        data = description(study.data, tags)
        self.tracker = Tracker(study, keeper.lease.parent_id, tags, keeper.keep, self.marks, data)
        self.nb_failed = 0
        self.ends = time.monotonic() + (study.search.budget_s or float("inf"))
        self.progress: ProgressLine | None = None

    @cached_property
    def known(self) -> Known:
        """What the store has of this study, read when it is first needed."""
        return Known(past.of_study(self.keeper.store))

    @property
    def time_left(self) -> float:
        """Seconds of the time budget."""
        return self.ends - time.monotonic()

    def run(self, grid: list[Trial]) -> int:
        """Run what is missing of the study.

        Args:
            grid: its trials, where it is a grid.

        Returns:
            How many trials failed.
        """
        searched = self._search() if self.study.search.method != "grid" else self._grid(grid)
        if self.study.search.confirm and self.time_left > 0:
            self._confirm(searched)
        if self.nb_failed:
            self.console.print(
                f"{count(self.nb_failed, 'trial')} failed: the error.txt of each is with its run, what Ray says in "
                f"{self.options.log(self.study)}; {self.keeper.again} tries again"
            )
        return self.nb_failed

    def _grid(self, trials: list[Trial]) -> set[str]:
        """The trials of a grid. Returns their keys."""
        rules = pruning(self.study, self.first)
        keys = {trial.key for trial in trials}
        if rules.asha:
            rules.enter_all(found for found in self.known.values() if found.trial.key in keys)
        if self.study.search.confirm:
            self.known  # noqa: B018  before they run: it is told of them
        self.console.print(self.ledger.summary(trials))
        missing = self.ledger.missing(trials)
        self._execute(Work(missing, pruning=rules), len(trials), len(missing))
        return keys

    def _search(self) -> set[str]:
        """The trials of a search, as many as were asked for. Returns their keys."""
        settings, rules = self.study.search, pruning(self.study, self.first)
        others = past.elsewhere(self.keeper.store, self.first.fingerprint) if settings.warm_start else []
        data = self.first.fingerprint
        proposals = Proposals(self.study, data, self.known, others, self.marks, self._adopt, rules)
        for line in proposals.opening():
            self.console.print(line)
        work = Work(proposals.waiting, proposals.propose, rules)
        self._execute(work, proposals.total, proposals.total - proposals.nb_over, [proposals])
        for line in proposals.closing():
            self.console.print(line)
        return set(proposals.mine)

    def _adopt(self, trial: Trial, marks: dict[str, str]) -> None:
        """A trial that was proposed is over already."""
        self.tracker.mark(trial, marks)
        if self.progress:
            self.progress.adopted(trial)

    def _confirm(self, searched: set[str]) -> None:
        """The best combinations again, with other seeds."""
        chosen = confirm.best((self.known[key] for key in searched if key in self.known), self.study.search.confirm)
        if not chosen:
            return
        trials = confirm.new_trials(self.study, chosen, self.first.fingerprint)
        places = {parameters: str(place) for place, parameters in enumerate(chosen, 1)}
        for trial in trials:
            self.marks[trial.key] = {self.study.confirm_mark: places[trial.parameters]}
        missing = self.ledger.missing(trials)
        again = f"the best {len(chosen)} again, with {self.study.search.confirm_seeds} other seeds each"
        self.console.print(f"{again}: {self.ledger.summary(trials)}")
        for trial in trials:
            if trial not in missing:
                self.tracker.mark(trial, self.marks[trial.key])
        self._execute(Work(missing), len(trials), len(missing))

    def _execute(self, work: Work, total: int, nb_left: int, more: Iterable[Listener] = ()) -> None:
        """Run the work and show how far it is; nothing where nothing is left, or no time.

        Args:
            total, nb_left: the trials that are done at its end, and how many of them are not done yet.
            more: listeners beside the usual ones.
        """
        if not nb_left or self.time_left <= 0:
            return
        if self.told:
            self.console.print(self.told)
            self.told = ""
        study, cells = self.study, [trial.parameters for trial in work.trials]
        self.jobs.compile((cells or study.probes())[0], self.console.print)
        proposed = bool(more)
        steps = {cell.nb_steps for cell in cells} | (set(study.steps) if proposed else set())
        job = self.jobs.of(work, nb_left, steps)
        reached = sum(checkpoint.reached(trial, job.lineages.get(trial.lineage, ())) for trial in work.trials)
        nb_proposed = nb_left - len(work.trials)
        nb_epochs = sum(cell.nb_epochs for cell in cells) + nb_proposed * study.budget.nb_epochs - reached
        records = self.options.root / "ray" / study.name / self.keeper.lease.parent_id
        known = [self.known] if "known" in self.__dict__ else []
        with ProgressLine(self.console, list(study.grid), total, total - nb_left, nb_epochs) as progress:
            self.progress = progress
            listeners: list[Listener] = [self.tracker, *known, *more, progress]
            say, at_once = self.console.print, self.jobs.at_once(proposed)
            troubles = execute(job, work, listeners, self.jobs.per_trial, at_once, records, say, self.time_left)
        self.nb_failed += progress.failed
        if troubles:
            raise UserError(
                f"{troubles[0]}"
                + f"; and {len(troubles) - 1} more of this" * (len(troubles) > 1)
                + f": {self.options.log(study)} has it all; type {self.keeper.again} for what is missing"
            )
