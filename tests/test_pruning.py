"""Which trials are stopped, and that Ray's own ASHA would stop the same."""

from math import isclose
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ray.tune.schedulers import TrialScheduler
from ray.tune.schedulers.async_hyperband import _Bracket
from small import study

from snn_tune.finding import DIGITS, Finding
from snn_tune.pruning import PATIENCE, REDUCTION, Asha, Hopeless, Pruning, Silent, pruning
from snn_tune.scoring import SILENT
from snn_tune.study_tables import override
from snn_tune.trial import Epoch

TRIALS = study().trials("data")
accuracies = st.integers(0, 10).map(lambda tenths: tenths / 10)  # many are equal


def epoch(number: int, accuracy: float = 0.5, spikes: float = 1.0) -> Epoch:
    return Epoch(number, {"valid_accuracy": accuracy, "spikes_per_neuron": spikes})


def curve(*accuracies: float, first: int = 1) -> list[Epoch]:
    return [epoch(number, accuracy) for number, accuracy in enumerate(accuracies, first)]


@pytest.mark.parametrize(
    ("nb_epochs", "rungs"),
    [
        (1, []),
        (2, [1]),
        (3, [1]),
        (9, [1, 3]),
        (27, [1, 3, 9]),
        (30, [1, 3, 10]),
        (100, [4, 11, 33]),
        (200, [7, 22, 67]),
    ],
)
def test_rungs_are_a_third_of_the_epochs_and_a_third_of_that(nb_epochs: int, rungs: list[int]) -> None:
    assert sorted(Asha(nb_epochs).rungs) == rungs


@given(st.lists(st.tuples(st.integers(0, 19), st.floats(0, 1) | accuracies), max_size=80))
def test_ray_s_own_asha_stops_the_same_trials_once_three_have_come(steps: list[tuple[int, float]]) -> None:
    """Trials come on by an epoch each in a random order. Ours lets the first three of a rung go on, Ray's only one."""
    ours, rays = Asha(27), _Bracket(min_t=1, max_t=27, reduction_factor=REDUCTION, s=0)
    reached: dict[str, int] = {}
    stopped: set[str] = set()
    for number, value in steps:
        key, accuracy = str(number), round(value, DIGITS)
        if key in stopped:
            continue
        reached[key] = at = reached.get(key, 0) + 1
        nb_before = len(ours.rungs.get(at, {}))
        reason = ours.enter(key, at, accuracy)
        decision = rays.on_result(_RaysTrial(key), at, accuracy)
        if nb_before >= REDUCTION:
            assert bool(reason) == (decision == TrialScheduler.STOP)
        else:
            assert not reason
        if reason:
            stopped.add(key)
    for milestone, entries in rays._rungs:
        if milestone in ours.rungs:
            assert ours.rungs[milestone] == entries


class _RaysTrial:
    def __init__(self, key: str) -> None:
        self.trial_id = key


def test_the_best_third_of_those_that_came_before_goes_on() -> None:
    asha = Asha(9)
    assert [asha.enter(key, 1, accuracy) for key, accuracy in (("a", 0.3), ("b", 0.1), ("c", 0.2))] == ["", "", ""]
    assert asha.enter("d", 1, 0.2) == "ASHA: validation accuracy 20.00%, of 4 trials here the best third has 23.33%"
    assert asha.enter("e", 1, 0.3) == ""
    assert asha.enter("e", 2, 0.0) == ""  # no rung


@given(st.lists(accuracies, min_size=1, max_size=12), st.lists(st.integers(1, 12), max_size=5), st.booleans())
def test_epochs_that_are_reported_again_change_nothing(values: list[float], cuts: list[int], lost: bool) -> None:
    """A trial reports in parts; after its worker was lost all from the first epoch on."""
    once, again = (Pruning([Silent(), Hopeless(10, 100, 12)], Asha(12)) for _ in range(2))
    for rules in (once, again):
        for number, level in enumerate((0.2, 0.5, 0.9)):
            rules.stops(str(number), curve(*[level] * 12))
    course = curve(*values)
    for one in course:
        once.stops("key", [one])
    start = 0
    for cut in sorted(cuts):
        again.stops("key", course[0 if lost else start : cut])
        start = min(cut, len(course))
    again.stops("key", course)
    again.stops("key", course)
    assert again.verdicts == once.verdicts
    assert again.asha is not None
    assert once.asha is not None
    assert again.asha.rungs == once.asha.rungs


def test_a_trial_that_goes_on_is_not_judged_again_where_it_has_been() -> None:
    """It was the best of three when it came to the rung; better ones have come since."""
    history = [0.3, 0.3, 0.3, 0.3]
    earlier = [Finding(TRIALS[0], "interrupted", history=history)]
    earlier += [Finding(trial, "finished", history=[0.9] * 9) for trial in TRIALS[1:4]]
    again = Pruning(asha=Asha(9))
    again.enter_all(earlier)
    assert not again.stops(TRIALS[0].key, curve(*history))
    assert again.stops("another", curve(*history))


def test_a_history_from_the_store_ties_with_the_accuracies_of_a_worker() -> None:
    accuracy = 2 / 3
    stored = round(accuracy, DIGITS)
    assert stored > accuracy
    rules = Pruning(asha=Asha(3))
    rules.enter_all(Finding(trial, "finished", history=[stored]) for trial in TRIALS[:3])
    assert not rules.stops("key", curve(accuracy))


def test_silent_is_for_some_epochs_in_a_row() -> None:
    silent = Pruning([Silent()])
    quiet = [epoch(number, spikes=0.0) for number in range(1, PATIENCE)]
    assert not silent.stops("a", quiet)
    assert not silent.stops("a", [epoch(PATIENCE, spikes=2 * SILENT)])
    more = [epoch(number, spikes=0.0) for number in range(PATIENCE + 1, 2 * PATIENCE + 1)]
    assert not silent.stops("a", more[:-1])
    assert silent.stops("a", more)
    assert silent.verdicts["a"] == f"judged at epoch {2 * PATIENCE}: silent for {PATIENCE} epochs"
    assert not silent.stops("b", quiet)


@pytest.mark.parametrize(("nb_epochs", "patience"), [(10, PATIENCE), (100, 20)])
def test_hopeless_is_who_has_never_been_above_chance(nb_epochs: int, patience: int) -> None:
    rule = Hopeless(nb_classes=10, nb_valid=900, nb_epochs=nb_epochs)
    assert isclose(rule.least, 0.13)
    rules = Pruning([rule])
    assert not rules.stops("chance", curve(*[0.12] * (patience - 1)))
    assert rules.stops("chance", curve(*[0.12] * patience))
    assert "hopeless: validation accuracy 12.00% at most" in rules.verdicts["chance"]
    assert not rules.stops("once", curve(0.14, *[0.05] * 99))
    assert not rules.stops("late", curve(*[0.1] * (patience - 1), 0.2, *[0.1] * 50))


def test_a_study_gets_the_rules_that_it_asks_for(tmp_path: Path) -> None:
    data = study().data.load(20, tmp_path)
    plain = pruning(study(), data)
    assert (plain.rules, plain.rungs) == ([], frozenset())
    varied = override(study(), {"nb_epochs": [9, 27]}, search={"scheduler": "asha", "early_stop": True})
    rules = pruning(varied, data)
    assert [type(rule).__name__ for rule in rules.rules] == ["Silent", "Hopeless", "Asha"]
    assert rules.rungs == {1, 3, 9}
    ranged = override(study(), {"nb_epochs": "int(9, 27)"}, search={"method": "random", "scheduler": "asha"})
    assert pruning(ranged, data).rungs == {1, 3, 9}
