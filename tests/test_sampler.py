"""What is asked of Optuna and told to it."""

from typing import Any

import pytest
from optuna.trial import TrialState
from test_space import searched

from snn_tune.finding import Finding
from snn_tune.parameters import Parameters
from snn_tune.sampler import Sampler
from snn_tune.trial import Trial


def found(parameters: Parameters, state: str = "finished", **metrics: float) -> Finding:
    return Finding(Trial(parameters, 0, "data"), state, metrics, [0.25, 0.5])


def states(sampler: Sampler) -> list[TrialState]:
    return [trial.state for trial in sampler.optuna.trials]


def test_what_is_asked_for_is_told_once() -> None:
    sampler = Sampler(searched({"nb_hidden": "int(5, 500)"}))
    first, second = sampler.ask(), sampler.ask()
    assert sampler.tell(found(first, best_valid_accuracy=0.75))
    sampler.forget(second)
    assert states(sampler) == [TrialState.COMPLETE, TrialState.FAIL]
    assert sampler.optuna.best_value == 0.75
    assert sampler.optuna.trials[0].intermediate_values == {1: 0.25, 2: 0.5}
    sampler.forget(second)  # and nothing more
    assert len(states(sampler)) == 2


def test_a_combination_that_runs_is_still_known_to_run_when_it_is_proposed_again() -> None:
    sampler = Sampler(searched({"nb_hidden": [5]}))
    parameters = sampler.ask()
    assert sampler.ask() == parameters
    sampler.forget(parameters)
    assert states(sampler) == [TrialState.RUNNING, TrialState.FAIL]
    sampler.tell(found(parameters, best_valid_accuracy=0.5))
    assert states(sampler) == [TrialState.COMPLETE, TrialState.FAIL]


@pytest.mark.parametrize("method", ["random", "optuna"])
@pytest.mark.parametrize("asked", [True, False])
def test_what_has_not_finished_is_pruned_to_optuna(method: str, asked: bool) -> None:
    study = searched({"nb_hidden": "int(5, 500)"}, method)
    for state, metrics in (
        ("pruned", {"best_valid_accuracy": 0.9}),
        ("diverged", {}),
        ("finished", {"best_valid_accuracy": float("nan")}),
    ):
        sampler = Sampler(study)
        parameters = sampler.ask() if asked else study.parameters({"nb_hidden": 7})
        sampler.tell(found(parameters, state, **metrics))
        assert states(sampler) == [TrialState.PRUNED]
        assert sampler.optuna.trials[0].intermediate_values == {1: 0.25, 2: 0.5}


@pytest.mark.parametrize(
    ("objectives", "values"), [(["run_time"], [3.0]), (["accuracy", "run_time"], [0.5, 3.0]), (["spikes:max"], [7.0])]
)
def test_objectives_are_the_metrics_that_they_name(objectives: list[str], values: list[float]) -> None:
    study = searched({"nb_hidden": "int(5, 500)"}, objectives=objectives)
    sampler = Sampler(study)
    finding = found(sampler.ask(), best_valid_accuracy=0.5, run_time_s=3.0, spikes_per_neuron=7.0)
    sampler.tell(finding)
    (trial,) = sampler.optuna.trials
    assert trial.values == values
    assert trial.intermediate_values == {}  # accuracies, which would be taken for the objective's


@pytest.mark.parametrize(
    ("space", "inside"),
    [
        ({"scale": "int(1, 100)"}, {"scale": 7.0}),  # a whole number for a parameter that is none
        ({"nb_hidden": [5]}, {"nb_hidden": 5}),
        ({"scale": [40.0, 20.0, 10.0]}, {"scale": 10.0}),
        ({"reset": ["subtract", "zero"]}, {"reset": "zero"}),
        ({"recurrent": [True, False]}, {"recurrent": True}),
        ({"units_per_channel": "int(8, 64, 8)"}, {"units_per_channel": 64}),
        ({"lr": "loguniform(1e-4, 1e-2)"}, {"lr": 1e-4}),
    ],
)
def test_what_lies_in_the_space_is_learned_and_what_does_not_is_not(
    space: dict[str, Any], inside: dict[str, Any]
) -> None:
    study = searched(space, "optuna")
    sampler = Sampler(study)
    assert sampler.tell(found(study.parameters(inside), best_valid_accuracy=0.5))
    outside = study.parameters(inside).model_copy(update={"tau_mem": 1.0})
    assert not sampler.tell(found(outside, best_valid_accuracy=0.5))
    assert sampler.learned == {study.parameters(inside)}
    for _ in range(15):  # TPE takes over after ten
        sampler.tell(found(sampler.ask(), best_valid_accuracy=0.5))


def test_what_has_not_been_tried_is_found() -> None:
    study = searched({"nb_hidden": [5, 10], "recurrent": [True, False]})
    sampler, known = Sampler(study), set()
    while cell := sampler.untried(known.__contains__):
        assert cell not in known
        known.add(cell)
    assert known == set(study.cells())


@pytest.mark.parametrize("method", ["random", "optuna"])
def test_values_that_do_not_go_together_are_not_tried(method: str) -> None:
    study = searched({"nb_hidden": [5, [10, 20]], "nb_layers": [1, 2, 3]}, method)
    assert len(study.space.combinations()) == 6
    assert len(study.possible()) == study.nb_samples == 4
    sampler, known = Sampler(study), set()
    for _ in range(40):
        known.add(sampler.ask())
    while cell := sampler.untried(known.__contains__):
        known.add(cell)
    assert known == set(study.possible())
