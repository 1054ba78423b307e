"""A search beyond the grid: which trial is next, what of it is known already, and when there are enough."""

import hashlib
import json
from collections.abc import Callable

from snn_tune.finding import Finding
from snn_tune.pruning import Pruning
from snn_tune.sampler import Sampler
from snn_tune.study import Study
from snn_tune.trial import Ending, Epoch, Parameters, Trial

TRIES = 100  # proposals that are all known, before one that is not is looked for otherwise
MOST_TRIES = 3000
OVER = ("finished", "pruned", "diverged")


def search_id(study: Study) -> str:
    """Names what decides the proposals; another number of samples, or more time, is the same search."""
    tables = study.tables() | {"description": "", "thesis": None}
    tables["search"] = study.search.model_dump(exclude={"samples", "time_budget", "confirm", "confirm_seeds"})
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()[:8]


class Proposals:
    """The trials of one search. It is told of their course, as a listener.

    Args:
        data: fingerprint of the data.
        known: all trials of the study, in the order in which they began.
        elsewhere: trials of other studies to begin from.
        adopt: told of a trial that was run before and is now one of this search too, and of its marks.
        pruning: its rungs get the earlier trials of this search.
    """

    def __init__(
        self,
        study: Study,
        data: str,
        known: list[Finding],
        elsewhere: list[Finding],
        adopt: Callable[[Trial, dict[str, str]], None],
        pruning: Pruning,
    ) -> None:
        self.study, self.data, self.adopt = study, data, adopt
        self.mark = f"search.{search_id(study)}"
        self.known = {found.trial.key: found for found in known}
        mine = [found for found in known if self.mark in found.marks]
        self.mine = {found.trial.key: int(found.marks[self.mark]) for found in mine}
        self.waiting = [found.trial for found in mine if found.state not in OVER]
        self.nb_adopted = 0
        self.exhausted = False
        self.sampler = Sampler(study)
        self._histories: dict[str, dict[int, float]] = {}
        others = [*elsewhere, *(found for found in known if found.state == "finished" and self.mark not in found.marks)]
        others = others if study.search.warm_start else []
        self.nb_warm = sum(map(self.sampler.tell, others))
        self.nb_outside = len(others) - self.nb_warm
        for found in mine:
            if found.state in OVER:
                self.sampler.tell(found)
                pruning.enter(found.trial.key, found.history)

    def propose(self) -> Trial | None:
        """The next trial to run; None when the search has as many as were asked for, or there are no more."""
        while len(self.mine) < self.study.search.samples:
            parameters = self._new()
            if parameters is None:
                self.exhausted = True
                return None
            trial = Trial(parameters, 0, self.data)
            found = self.known.get(trial.key)
            self.mine[trial.key] = max(self.mine.values(), default=0) + 1
            if found is None or found.state not in OVER:
                return trial
            self.nb_adopted += 1
            self.adopt(trial, self.marks(trial))
            self._learn(found)
        return None

    def marks(self, trial: Trial) -> dict[str, str]:
        """The tag that says which search a trial belongs to, with its number in that."""
        return {self.mark: str(self.mine[trial.key])} if trial.key in self.mine else {}

    def begun(self, trial: Trial) -> None:
        """Nothing is known yet."""

    def epochs(self, trial: Trial, epochs: list[Epoch]) -> None:
        history = self._histories.setdefault(trial.key, {})
        history |= {epoch.epoch: epoch.metrics["valid_accuracy"] for epoch in epochs}

    def ended(self, trial: Trial, ending: Ending) -> None:
        history = self._histories.pop(trial.key, {})
        metrics = ending.metrics | ({"spikes_per_neuron": ending.spikes} if ending.spikes is not None else {})
        found = Finding(trial, ending.state, metrics, [history[epoch] for epoch in sorted(history)])
        if ending.state in OVER:
            self.known[trial.key] = found
            self._learn(found)
        else:
            self.sampler.forget(trial.parameters)

    def _learn(self, found: Finding) -> None:
        if found.trial.parameters in self.sampler.learned:
            self.sampler.forget(found.trial.parameters)
        else:
            self.sampler.tell(found)

    def _new(self) -> Parameters | None:
        """A combination that this search has not had; None if there is none."""
        for tried in range(MOST_TRIES):
            parameters = self.sampler.ask()
            if Trial(parameters, 0, self.data).key not in self.mine:
                return parameters
            self.sampler.forget(parameters)
            if tried >= TRIES and self.study.space.countable:
                had = {cell for cell in self.study.cells() if Trial(cell, 0, self.data).key in self.mine}
                return self.sampler.untried(had)
        return None
