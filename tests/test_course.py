"""A training that is cut and continued ends as the one that was not, bit for bit, but for its times."""

import io
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_training import DATA, PARAMETERS, analog, same

from snn_tune.course import State, Trained
from snn_tune.datasets.dataset import Dataset
from snn_tune.parameters import Parameters
from snn_tune.training import Outcome, fit
from snn_tune.trial import Epoch

EVENTS = cache(lambda: DATA.load(30, None))
ANALOG = cache(analog)

CHANGES = st.fixed_dictionaries(
    {
        "optimizer": st.sampled_from(["adamax", "adam"]),
        "recurrent": st.booleans(),
        "reset": st.sampled_from(["zero", "subtract"]),
        "class_weights": st.sampled_from(["equal", "balanced"]),
        "nb_hidden": st.sampled_from([20, (11, 6)]),
        "dropout": st.sampled_from([0.0, 0.3]),
        "time_constants": st.sampled_from(["shared", "drawn", "trained"]),
        "lr": st.sampled_from([1e-3, 1e-2, 1e-1]),  # the highest: the best epoch is seldom the last
    }
)


def through_a_file(state: State) -> State:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def train(parameters: Parameters, data: Dataset, start: State | None = None) -> tuple[list[Epoch], Outcome, State]:
    """Epochs, outcome, and the state before the outcome, which puts the best weights into the network."""
    results = fit(parameters, 1, data, start=start)
    trained = [next(results) for _ in range(parameters.nb_epochs)]
    state = trained[-1].snapshot()
    (outcome,) = results
    return epochs(trained), outcome, state


def epochs(trained: list[Trained]) -> list[Epoch]:
    return [result.epoch for result in trained]


def equal(first: Any, second: Any) -> bool:
    """Bit for bit; not the epochs, which hold times."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        names = first.keys() - {"epochs"}
        return names == second.keys() - {"epochs"} and all(equal(first[name], second[name]) for name in names)
    return first == second


@settings(max_examples=25, deadline=None)
@given(changes=CHANGES, on_analog=st.booleans(), cuts=st.sets(st.integers(1, 5), min_size=1, max_size=3))
def test_cut_anywhere_and_continued_is_uncut(changes: dict, on_analog: bool, cuts: set[int]) -> None:
    data = ANALOG() if on_analog else EVENTS()
    parameters = PARAMETERS.model_copy(
        update=changes | {"nb_epochs": 5, "nb_steps": data.nb_steps, "units_per_channel": 8}
    )
    whole, outcome, state = train(parameters, data)
    start: State | None = None
    known: list[Epoch] = []
    for cut in sorted(cuts):
        results = fit(parameters, 1, data, start=start)
        trained = [next(results) for _ in range(cut)]
        assert epochs(trained)[: len(known)] == known  # as they were, with the times that they took
        known, start = epochs(trained), through_a_file(trained[-1].snapshot())
    again, continued, ended = train(parameters, data, start)
    assert again[: len(known)] == known
    assert same((again, continued), (whole, outcome))
    assert equal(ended, state)
    assert continued.metrics["run_time_s"] == pytest.approx(sum(epoch.metrics["epoch_time_s"] for epoch in again))


@pytest.mark.parametrize("lr", [1e-3, 0.3])
def test_more_epochs_from_a_shorter_trial_are_a_longer_trial(lr: float) -> None:
    short, long = (PARAMETERS.model_copy(update={"lr": lr, "nb_epochs": nb_epochs}) for nb_epochs in (3, 7))
    start = through_a_file(train(short, EVENTS())[2])
    again, outcome, state = train(long, EVENTS(), start)
    whole, expected, end = train(long, EVENTS())
    assert same((again, outcome), (whole, expected))
    assert equal(state, end)


def test_a_state_stays_as_it_was_taken_and_may_be_used_twice() -> None:
    parameters = PARAMETERS.model_copy(update={"nb_epochs": 4})
    results = fit(parameters, 1, EVENTS())
    next(results)
    start = next(results).snapshot()
    before = through_a_file(start)
    list(results)
    first, second = (train(parameters, EVENTS(), start) for _ in range(2))
    assert equal(start, before)
    assert len(start["epochs"]) == 2
    assert same(first[:2], second[:2])


def test_a_trial_whose_epochs_are_all_there_is_only_scored() -> None:
    whole, expected, start = train(PARAMETERS, EVENTS())
    again, outcome, _ = train(PARAMETERS, EVENTS(), start)
    assert again == whole
    assert same((again, outcome), (whole, expected))


def test_a_state_that_is_too_long_or_of_another_network_is_refused() -> None:
    _, _, start = train(PARAMETERS, EVENTS())
    with pytest.raises(ValueError, match="has 6 epochs, more than nb_epochs = 2"):
        next(fit(PARAMETERS.model_copy(update={"nb_epochs": 2}), 1, EVENTS(), start=start))
    with pytest.raises(RuntimeError, match="size mismatch"):
        next(fit(PARAMETERS.model_copy(update={"nb_hidden": 7}), 1, EVENTS(), start=start))
