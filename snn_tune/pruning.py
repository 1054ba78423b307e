"""Which trials are stopped before their last epoch: those behind others (ASHA), silent ones, hopeless ones."""

from collections.abc import Callable, Iterable, Sequence
from math import sqrt

import numpy as np

from snn_tune.datasets.dataset import Dataset
from snn_tune.finding import DIGITS, Finding
from snn_tune.scoring import SILENT
from snn_tune.study import Study
from snn_tune.trial import Epoch

REDUCTION = 3  # of the trials that come to a rung, one in so many goes on
NB_RUNGS = 3  # at most, a factor of REDUCTION apart, the last one a factor before the end
PATIENCE = 5  # epochs: a silent network may wake up, and one at chance may begin to learn
Rule = Callable[[str, Epoch], str]


class Pruning:
    """Judges each trial by its epochs, in their order, as they come in.

    Attributes:
        rungs: epochs at which trials are compared: they should report there.
        verdicts: why a trial stops, by key.
    """

    def __init__(self, rules: Sequence[Rule] = (), asha: "Asha | None" = None) -> None:
        self.rules: list[Rule] = [*rules, *([asha] if asha else [])]
        self.asha, self.rungs = asha, frozenset(asha.rungs if asha else ())
        self.verdicts: dict[str, str] = {}
        self._reached: dict[str, int] = {}

    def stops(self, key: str, epochs: Sequence[Epoch]) -> bool:
        """Whether the trial of this key stops at one of these epochs; those that it has reported before don't count."""
        for epoch in epochs:
            if epoch.epoch > self._reached.get(key, 0) and key not in self.verdicts:
                self._reached[key] = epoch.epoch
                if reason := next(filter(None, (rule(key, epoch) for rule in self.rules)), ""):
                    self.verdicts[key] = f"judged at epoch {epoch.epoch}: {reason}"
        return key in self.verdicts

    def enter_all(self, earlier: Iterable[Finding]) -> None:
        """Trials of earlier starts: others are compared with them, and they are not judged again where they went on."""
        for found in earlier:
            for epoch, accuracy in enumerate(found.history, 1):
                if self.asha:
                    self.asha.enter(found.trial.key, epoch, accuracy)


class Asha:
    """Asynchronous successive halving (Li et al. 2020, algorithm 2 in its stopping form, as Ray Tune has it).

    A trial that comes to a rung goes on if its validation accuracy is among the best third of those that came before;
    the first three always do.

    Args:
        nb_epochs: of the longest trial.
    """

    def __init__(self, nb_epochs: int) -> None:
        epochs = {round(nb_epochs / REDUCTION**power) for power in range(1, NB_RUNGS + 1)}
        self.rungs: dict[int, dict[str, float]] = {epoch: {} for epoch in sorted(epochs) if 0 < epoch < nb_epochs}

    def __call__(self, key: str, epoch: Epoch) -> str:
        return self.enter(key, epoch.epoch, epoch.metrics["valid_accuracy"])

    def enter(self, key: str, epoch: int, accuracy: float) -> str:
        """A trial has come to an epoch. Returns why it stops, or "" ."""
        rung = self.rungs.get(epoch, {key: accuracy})
        if key in rung:
            return ""
        others, accuracy = list(rung.values()), round(accuracy, DIGITS)
        rung[key] = accuracy
        cutoff = float(np.percentile(others, 100 * (1 - 1 / REDUCTION))) if len(others) >= REDUCTION else accuracy
        if accuracy >= cutoff:
            return ""
        return f"ASHA: validation accuracy {accuracy:.2%}, of {len(rung)} trials here the best third has {cutoff:.2%}"


class Silent:
    """A network whose hidden units have not spiked for some epochs."""

    def __init__(self) -> None:
        self.epochs: dict[str, int] = {}

    def __call__(self, key: str, epoch: Epoch) -> str:
        silent = epoch.metrics["spikes_per_neuron"] < SILENT
        self.epochs[key] = self.epochs.get(key, 0) + 1 if silent else 0
        return f"silent for {PATIENCE} epochs" if self.epochs[key] >= PATIENCE else ""


class Hopeless:
    """A network that has never been above chance, by three binomial standard errors, in a fifth of its epochs.

    Args:
        nb_epochs: of the longest trial.
    """

    def __init__(self, nb_classes: int, nb_valid: int, nb_epochs: int) -> None:
        chance = 1 / nb_classes
        self.least = chance + 3 * sqrt(chance * (1 - chance) / nb_valid)
        self.patience = max(PATIENCE, nb_epochs // 5)
        self.best: dict[str, float] = {}

    def __call__(self, key: str, epoch: Epoch) -> str:
        best = self.best[key] = max(self.best.get(key, 0.0), epoch.metrics["valid_accuracy"])
        if epoch.epoch < self.patience or best >= self.least:
            return ""
        return f"hopeless: validation accuracy {best:.2%} at most, of a chance of about {self.least:.2%}"


def pruning(study: Study, data: Dataset) -> Pruning:
    """What the study's search asks for."""
    nb_epochs = max(study.grid.get("nb_epochs", [study.budget.nb_epochs]))
    rules: list[Rule] = []
    if study.search.early_stop:
        rules += [Silent(), Hopeless(data.nb_classes, len(data.valid), nb_epochs)]
    return Pruning(rules, Asha(nb_epochs) if study.search.scheduler == "asha" else None)
