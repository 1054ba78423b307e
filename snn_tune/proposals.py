"""A search beyond the grid: which trial is next, what of it is known already, and when there are enough."""

from collections.abc import Callable

from snn_tune.finding import Finding
from snn_tune.known import Known
from snn_tune.parameters import Parameters
from snn_tune.pruning import Pruning
from snn_tune.sampler import Sampler
from snn_tune.study import Study
from snn_tune.trial import OVER, Ending, Epoch, Trial
from snn_tune.wording import count, done

TRIES = 20  # proposals that are all known, before one that is not is looked for otherwise
MOST_TRIES = 1000


class Proposals:
    """The trials of one search. It is told of their course, as a listener.

    Args:
        data: fingerprint of the data.
        known: all trials of the study; told of what happens before this is.
        elsewhere: trials of other studies to begin from.
        marks: filled with the tags of the trials that are new in this search, by key.
        adopt: told of a trial that was run before and is now one of this search too, and of its marks.
        pruning: its rungs get the earlier trials of this search.

    Attributes:
        mine: the place of each trial of this search in the order of proposals, by key.
        waiting: those that an earlier start left unfinished.
        total: how many there are at the end; where the space has fewer than were asked for, that many.
    """

    def __init__(
        self,
        study: Study,
        data: str,
        known: Known,
        elsewhere: list[Finding],
        marks: dict[str, dict[str, str]],
        adopt: Callable[[Trial, dict[str, str]], None],
        pruning: Pruning,
    ) -> None:
        self.study, self.data, self.marks, self.adopt = study, data, marks, adopt
        self.mark = study.search_mark
        self.known = known
        self.pruning = pruning
        mine = [found for found in known.values() if self.mark in found.marks]
        self.mine = {found.trial.key: int(found.marks[self.mark]) for found in mine}
        self.waiting = [found.trial for found in mine if found.state not in OVER]
        self.nb_over = len(mine) - len(self.waiting)
        self.nb_pruned = sum(found.state == "pruned" for found in mine)
        self.total = max(len(mine), study.nb_samples)
        self.nb_adopted = 0
        self.exhausted = False
        self.sampler = Sampler(study)
        others = [found for found in [*elsewhere, *known.values()] if self._informs(found)]
        self.nb_warm = sum(map(self.sampler.tell, others))
        self.nb_outside = len(others) - self.nb_warm
        over = [found for found in mine if found.state in OVER]
        for found in over:
            self.sampler.tell(found)
        pruning.enter_all(mine)

    def propose(self) -> Trial | None:
        """The next trial to run; None when the search has as many as were asked for, or there are no more."""
        while len(self.mine) < self.study.search.samples:
            parameters = self._new()
            if parameters is None:
                self.exhausted = True
                return None
            trial = self._trial(parameters)
            found = self.known.get(trial.key)
            self.mine[trial.key] = max(self.mine.values(), default=0) + 1
            self.marks[trial.key] = {self.mark: str(self.mine[trial.key])}
            if found is None or found.state not in OVER:
                return trial
            self.nb_adopted += 1
            self.adopt(trial, self.marks[trial.key])
            self.pruning.enter_all([found])
            self._learn(found)
        return None

    def opening(self) -> list[str]:
        """What this start begins from."""
        new = self.total - len(self.mine)
        to_run = [f"{len(self.waiting)} continued"] * bool(self.waiting)
        to_run += [f"{new} to propose ({self.study.search.method})"] * bool(new)
        over = done(self.nb_over, self.nb_pruned)
        lines = [f"{count(self.total, 'sample')}: {over}" + "; to run: " * bool(to_run) + ", ".join(to_run)]
        if self.nb_warm or self.nb_outside:
            outside = f"; {self.nb_outside} more lie outside the space" * bool(self.nb_outside)
            lines.append(f"warm start: from {count(self.nb_warm, 'finished trial')} of {self.study.data.name}{outside}")
        return lines

    def closing(self) -> list[str]:
        """What the user should know of how it ended."""
        known = f"{count(self.nb_adopted, 'sample')} known from earlier trials, and not run again"
        all_of_it = f"there are no more than {count(len(self.mine), 'combination')} in the space"
        fewer = self.exhausted or len(self.mine) == self.total < self.study.search.samples
        return [known] * bool(self.nb_adopted) + [all_of_it] * fewer

    def begun(self, trial: Trial) -> None:
        """Nothing is known yet."""

    def epochs(self, trial: Trial, epochs: list[Epoch]) -> None:
        """`known` keeps them."""

    def ended(self, trial: Trial, ending: Ending) -> None:
        if ending.state in OVER:
            self._learn(self.known[trial.key])
        else:
            self.sampler.forget(trial.parameters)

    def _learn(self, found: Finding) -> None:
        if found.trial.parameters in self.sampler.learned:
            self.sampler.forget(found.trial.parameters)
        else:
            self.sampler.tell(found)

    def _informs(self, found: Finding) -> bool:
        """Whether the search begins from this trial, which is none of its own."""
        ours = found.trial.data == self.data and found.trial.network == self.study.network
        again = any(mark.startswith("confirm.") for mark in found.marks)  # one of the best: too many of them, told all
        new = found.state == "finished" and self.mark not in found.marks
        return self.study.search.warm_start and ours and new and not again

    def _trial(self, parameters: Parameters) -> Trial:
        return self.study.trial(parameters, 0, self.data)

    def _new(self) -> Parameters | None:
        """A combination that this search has not had; None if there is none."""
        for tried in range(MOST_TRIES + len(self.mine)):  # a random sampler begins with those of the earlier starts
            parameters = self.sampler.ask()
            if self._trial(parameters).key not in self.mine:
                return parameters
            self.sampler.forget(parameters)
            if tried >= TRIES and self.study.space.countable:
                return self.sampler.untried(lambda cell: self._trial(cell).key in self.mine)
        return None
