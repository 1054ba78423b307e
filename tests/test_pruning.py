"""Which trials stop early: ASHA as Ray Tune has it, silent networks and hopeless ones."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from ray.tune.schedulers.async_hyperband import _Bracket

from snn_tune.pruning import PATIENCE, REDUCTION, Asha, Hopeless, Pruning, Silent
from snn_tune.trial import Epoch


def epoch(number: int, accuracy: float = 0.5, spikes: float = 1.0) -> Epoch:
    return Epoch(number, {"valid_accuracy": accuracy, "spikes_per_neuron": spikes})


@given(st.lists(st.lists(st.integers(0, 100), min_size=9, max_size=9), min_size=1, max_size=12))
def test_asha_decides_as_ray_s_once_a_rung_has_three(curves: list[list[int]]) -> None:
    ours, rays = Asha(10), _Bracket(1, 9, REDUCTION, 0)
    ours.rungs = {1: {}, 3: {}, 9: {}}
    for key, curve in enumerate(curves):
        for number, accuracy in enumerate(curve, 1):
            few = len(ours.rungs.get(number, ())) < REDUCTION
            stops = bool(ours(str(key), epoch(number, accuracy)))
            verdict = rays.on_result(SimpleNamespace(trial_id=key), number, accuracy)
            assert stops == (verdict == "STOP") or (few and not stops)


def test_the_rungs_are_a_factor_apart_and_before_the_end() -> None:
    assert list(Asha(100).rungs) == [4, 11, 33]
    assert list(Asha(2).rungs) == [1]
    assert not Asha(1).rungs


def test_epochs_that_are_reported_again_count_once() -> None:
    asha = Asha(27)
    pruning = Pruning(asha=asha)
    curve = [epoch(number, 0.1 * number) for number in range(1, 4)]
    assert not pruning.stops("a", curve)
    assert not pruning.stops("a", curve)
    assert {rung: len(entered) for rung, entered in asha.rungs.items()} == {1: 1, 3: 1, 9: 0}
    for key in "bc":
        pruning.stops(key, [epoch(1, 0.5)])
    assert pruning.stops("d", [epoch(1, 0.05)])
    assert pruning.verdicts["d"].startswith("stopped at epoch 1: ASHA: validation accuracy 5.00%, of 4 trials")


def test_silent_and_hopeless_networks_stop_with_the_reason() -> None:
    pruning = Pruning([Silent(), Hopeless(10, 500, 20)])
    assert not pruning.stops("quiet", [epoch(number, spikes=0.0) for number in range(1, PATIENCE)])
    assert pruning.stops("quiet", [epoch(PATIENCE, spikes=0.0)])
    assert pruning.verdicts["quiet"] == "stopped at epoch 5: silent for 5 epochs"
    assert not pruning.stops("late", [epoch(1, 0.1), epoch(2, 0.3), *(epoch(n, 0.1) for n in range(3, 9))])
    assert pruning.stops("lost", [epoch(n, 0.11) for n in range(1, 9)])
    assert "hopeless: validation accuracy 11.00% at most" in pruning.verdicts["lost"]
