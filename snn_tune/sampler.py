"""What to try next, from what is known so far: Optuna's samplers over a study's space."""

import random
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from snn_tune.axis import Axis, Choice, Range
from snn_tune.errors import UserError
from snn_tune.finding import Finding
from snn_tune.parameters import Parameters
from snn_tune.study import Study

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


class Sampler:
    """Proposes combinations; the same seed and findings, in the same order, give the same proposals.

    Args:
        study: its search is "random" or "optuna".
    """

    def __init__(self, study: Study) -> None:
        self.study, self.space = study, study.space
        self.metrics = study.search.directions
        ways = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
        directions = [ways[way] for way in self.metrics.values()]
        self.optuna = optuna.create_study(sampler=_sampler(study), directions=directions)
        self.learned: set[Parameters] = set()
        self._asked: dict[Parameters, list[optuna.Trial]] = {}
        self._left: list[Parameters] | None = None

    def ask(self) -> Parameters:
        """A combination, perhaps one that is known already, or asked for: `tell` or `forget` it as often."""
        while True:
            trial = self.optuna.ask()
            chosen = self.space.combination(partial(_suggested, trial))
            with suppress(UserError):  # values that do not go together
                parameters = self.study.parameters(chosen)
                self._asked.setdefault(parameters, []).append(trial)
                return parameters
            self.optuna.tell(trial, state=TrialState.FAIL)

    def tell(self, finding: Finding) -> bool:
        """Learn from a trial that is over, asked for or not; False if its combination lies outside the space."""
        parameters = finding.trial.parameters
        chosen = self.space.place(parameters.model_dump())
        if chosen is None:
            return False
        self.learned.add(parameters)
        values = finding.values(self.metrics)
        state = TrialState.COMPLETE if values else TrialState.PRUNED
        is_accuracy = list(self.metrics) == ["best_valid_accuracy"]
        history = dict(enumerate(finding.history, 1)) if is_accuracy else {}
        if trial := self._taken(parameters):
            for epoch, accuracy in history.items():
                trial.report(accuracy, epoch)
            self.optuna.tell(trial, values, state)
        else:
            distributions = {name: distribution(self.space[name]) for name in chosen}
            values_inside = {name: inside(self.space[name], value) for name, value in chosen.items()}
            self.optuna.add_trial(
                create_trial(
                    state=state,
                    values=values,
                    params=values_inside,
                    distributions=distributions,
                    intermediate_values=history,
                )
            )
        return True

    def forget(self, parameters: Parameters) -> None:
        """What was asked for, the last time, comes to nothing."""
        if trial := self._taken(parameters):
            self.optuna.tell(trial, state=TrialState.FAIL)

    def _taken(self, parameters: Parameters) -> optuna.Trial | None:
        asked = self._asked.get(parameters)
        return asked.pop() if asked else None

    def untried(self, known: Callable[[Parameters], bool]) -> Parameters | None:
        """One of the combinations that are not known, drawn at random; None if there is none left.

        What was known once is not asked about again.
        """
        left = self.study.possible() if self._left is None else self._left
        self._left = left = [cell for cell in left if not known(cell)]
        return random.Random(len(left)).choice(left) if left else None


def _sampler(study: Study) -> BaseSampler:
    if study.search.method == "random":
        return RandomSampler(seed=study.search.seed)
    conditional = any(axis.condition for axis in study.space.values())
    return TPESampler(seed=study.search.seed, multivariate=True, group=conditional)


def distribution(axis: Axis) -> BaseDistribution:
    """Numbers in order are places on their axis, so that what is near is learned together."""
    what = axis.what
    if isinstance(what, Range):
        if what.step is not None:
            return IntDistribution(int(what.low), int(what.high), step=what.step)
        return FloatDistribution(what.low, what.high, log=what.log)
    last = len(what.values) - 1
    return IntDistribution(0, last) if _ordered(what) else CategoricalDistribution(range(last + 1))


def _ordered(what: Choice) -> bool:
    numbers = [value for value in what.values if isinstance(value, int | float) and not isinstance(value, bool)]
    return len(numbers) == len(what.values) and numbers in (sorted(numbers), sorted(numbers, reverse=True))


def _suggested(trial: optuna.Trial, name: str, axis: Axis) -> Any:
    kind = distribution(axis)
    if isinstance(kind, FloatDistribution):
        return trial.suggest_float(name, kind.low, kind.high, log=kind.log)
    if isinstance(kind, IntDistribution):
        number = trial.suggest_int(name, kind.low, kind.high, step=kind.step)
        return axis.what.values[number] if isinstance(axis.what, Choice) else number
    return axis.values[trial.suggest_categorical(name, range(len(axis.values)))]


def inside(axis: Axis, value: Any) -> Any:
    """A value as Optuna's distribution of this axis has it."""
    return axis.what.values.index(value) if isinstance(axis.what, Choice) else value
