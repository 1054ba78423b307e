"""A search without Ray and without training: real proposals and stopping rules, and a curve in place of a network."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from snn_tune.finding import Finding
from snn_tune.known import Known
from snn_tune.parameters import Parameters
from snn_tune.proposals import Proposals
from snn_tune.pruning import Asha, Pruning
from snn_tune.study import Study
from snn_tune.trial import OVER, Ending, Epoch, Trial

DATA = "data"
Curve = Callable[[Parameters, int], float]  # validation accuracy after an epoch


class Simulation:
    """One start of a search, whose two workers train an epoch in turn.

    Args:
        earlier: what the store has of this study.
        elsewhere: of others.
        ends: state in which a trial ends.

    Attributes:
        ran: keys of the trials that it trained, in the order in which they began.
        nb_epochs: that it trained.
        found: when each trial ended, in epochs trained until then.
    """

    def __init__(
        self,
        study: Study,
        curve: Curve,
        earlier: Iterable[Finding] = (),
        elsewhere: Iterable[Finding] = (),
        ends: Callable[[Parameters], str] = lambda _: "finished",
        workers: int = 2,
    ) -> None:
        self.study, self.curve, self.ends, self.workers = study, curve, ends, workers
        asha = Asha(study.budget.nb_epochs) if study.search.scheduler == "asha" else None
        self.known, self.pruning = Known(earlier), Pruning(asha=asha)
        self.marks = {found.trial.key: dict(found.marks) for found in self.known.values()}
        self.proposals = Proposals(study, DATA, self.known, list(elsewhere), {}, self._mark, self.pruning)
        self.ran: list[str] = []
        self.nb_epochs = 0
        self.found: dict[str, int] = {}

    def run(self, most_epochs: float = float("inf")) -> "Simulation":
        """To its end, or until it is killed."""
        waiting, running = deque(self.proposals.waiting), deque[tuple[Trial, int]]()
        while True:
            while len(running) < self.workers and (trial := waiting.popleft() if waiting else self.proposals.propose()):
                self._begin(trial)
                known = self.known.get(trial.key)
                reached = min(len(known.history) if known else 0, trial.parameters.nb_epochs - 1)
                self._report(trial, range(1, reached + 1))
                running.append((trial, reached))
            if not running or self.nb_epochs >= most_epochs:
                break
            trial, reached = running.popleft()
            if state := self._train(trial, reached + 1):
                self._end(trial, state)
            else:
                running.append((trial, reached + 1))
        for trial, _ in running:
            self._end(trial, "interrupted")
        return self

    def store(self) -> list[Finding]:
        """What the next start finds in the store."""
        return [replace(found, marks=self.marks.get(found.trial.key, {})) for found in self.known.values()]

    def mine(self) -> list[Finding]:
        """The trials of this search, in order."""
        mark = self.study.search_mark
        return sorted((one for one in self.store() if mark in one.marks), key=lambda one: int(one.marks[mark]))

    def _begin(self, trial: Trial) -> None:
        self.ran.append(trial.key)
        self._mark(trial, self.proposals.marks.get(trial.key, {}))
        self.known.begun(trial)

    def _train(self, trial: Trial, number: int) -> str:
        """One epoch more. Returns the state that the trial ends in, or ""."""
        self.nb_epochs += 1
        last, stops = number == trial.parameters.nb_epochs, self._report(trial, [number])
        return self.ends(trial.parameters) if last else "pruned" if stops else ""

    def _report(self, trial: Trial, numbers: Iterable[int]) -> bool:
        values = {number: self.curve(trial.parameters, number) for number in numbers}
        epochs = [
            Epoch(number, {"valid_accuracy": value, "spikes_per_neuron": 1.0}) for number, value in values.items()
        ]
        self.known.epochs(trial, epochs)
        return self.pruning.stops(trial.key, epochs)

    def _end(self, trial: Trial, state: str) -> None:
        best = {"best_valid_accuracy": self.curve(trial.parameters, trial.parameters.nb_epochs)}
        metrics = best | {"run_time_s": float(trial.parameters.nb_hidden)} if state == "finished" else {}
        ending = Ending(state, metrics=metrics)
        self.known.ended(trial, ending)
        self.proposals.ended(trial, ending)
        if state in OVER:
            self.found[trial.key] = self.nb_epochs

    def _mark(self, trial: Trial, marks: dict[str, str]) -> None:
        self.marks.setdefault(trial.key, {}).update(marks)
