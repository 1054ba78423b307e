"""What a search tries, in which order, when it has enough, and what a later start makes of it."""

from collections.abc import Iterable
from dataclasses import replace
from math import exp, log
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import DATA, Simulation
from test_space import searched

from snn_tune.finding import Finding
from snn_tune.parameters import Parameters
from snn_tune.study import Study
from snn_tune.study_tables import override
from snn_tune.trial import Trial

SMALL = {"nb_hidden": [5, 10, 20, 40], "scale": [10.0, 20.0, 40.0]}  # 12 combinations
WIDE = {"nb_hidden": "int(5, 500)", "scale": "loguniform(1, 100)", "reset": ["zero", "subtract"]}
METHODS = pytest.mark.parametrize("method", ["random", "optuna"])


def search(space: dict[str, Any], method: str = "optuna", nb_epochs: int = 9, **settings: Any) -> Study:
    return override(searched(space, method, **settings), {}, nb_epochs=nb_epochs)


def curve(parameters: Parameters, epoch: int) -> float:
    """Wider is better, 20 is the best scale, and no two are equal."""
    best = 1 - abs(log(parameters.scale / 20)) / 10 - 1 / parameters.nb_hidden
    return best * (1 - exp(-epoch / 3))


def keys(found: Iterable[Finding]) -> list[str]:
    return [one.trial.key for one in found]


def check(study: Study, simulation: Simulation, nb_samples: int) -> None:
    """That many trials in places 1, 2, ..., each in the space; nothing was trained twice."""
    mine = simulation.mine()
    assert [int(one.marks[study.search_mark]) for one in mine] == list(range(1, nb_samples + 1))
    assert all(study.space.place(one.trial.parameters.model_dump()) for one in mine)
    assert len(simulation.ran) == len(set(simulation.ran))


@METHODS
@pytest.mark.parametrize("scheduler", ["none", "asha"])
def test_a_search_tries_as_many_as_were_asked_for_each_once(method: str, scheduler: str) -> None:
    study = search(WIDE, method, samples=30, scheduler=scheduler)
    simulation = Simulation(study, curve).run()
    check(study, simulation, 30)
    states = {one.state for one in simulation.mine()}
    assert states == ({"finished", "pruned"} if scheduler == "asha" else {"finished"})
    for one in simulation.mine():
        assert len(one.history) == 9 if one.state == "finished" else len(one.history) in (1, 3)
        assert one.values(study.search.directions) is None or one.state == "finished"


@METHODS
def test_the_same_search_proposes_the_same(method: str) -> None:
    study = search(WIDE, method, samples=25, scheduler="asha")
    assert Simulation(study, curve).run().ran == Simulation(study, curve).run().ran
    other = override(study, {}, search={"seed": 1})
    assert Simulation(other, curve).run().ran != Simulation(study, curve).run().ran


@METHODS
def test_a_space_with_fewer_combinations_is_tried_whole_and_that_is_said(method: str) -> None:
    study = search(SMALL, method, samples=50)
    simulation = Simulation(study, curve)
    assert simulation.proposals.opening() == [f"12 samples: 0 done; to run: 12 to propose ({method})"]
    check(study, simulation.run(), 12)
    said = ["there are no more than 12 combinations in the space"]
    assert simulation.proposals.closing() == said
    again = Simulation(study, curve, simulation.store()).run()
    assert again.ran == []
    assert (again.proposals.opening(), again.proposals.closing()) == (["12 samples: 12 done"], said)


def test_one_combination_is_a_space_too() -> None:
    for space in (
        {"nb_hidden": [5]},
        {"recurrent": [False], "init_scale_recurrent": "uniform(0.1, 1) if recurrent = true"},
    ):
        study = search(space, samples=3)
        simulation = Simulation(study, curve).run()
        check(study, simulation, 1)
        assert simulation.proposals.closing() == ["there are no more than 1 combination in the space"]


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["random", "optuna"]),
    st.sampled_from(["none", "asha"]),
    st.sampled_from([SMALL, WIDE]),
    st.lists(st.integers(1, 60), max_size=4),
)
def test_killed_at_any_moment_and_typed_again_it_holds_what_was_asked_for(
    method: str, scheduler: str, space: dict[str, Any], kills: list[int]
) -> None:
    study = search(space, method, samples=10, scheduler=scheduler)
    kept: list[Finding] = []
    for nb_epochs in kills:
        earlier = Simulation(study, curve, kept).run(nb_epochs)
        over = [one.trial.key for one in kept if one.state in ("finished", "pruned")]
        assert not set(over) & set(earlier.ran)
        kept = earlier.store()
    interrupted = [one.trial.key for one in kept if one.state == "interrupted"]
    last = Simulation(study, curve, kept).run()
    assert last.ran[: len(interrupted)] == interrupted
    check(study, last, 10)
    assert {one.state for one in last.mine()} <= {"finished", "pruned"}
    assert not Simulation(study, curve, last.store()).run().ran


def test_a_random_search_tries_the_same_whether_or_not_it_is_killed() -> None:
    study = search(WIDE, "random", samples=20)
    undisturbed = keys(Simulation(study, curve).run().mine())
    kept = Simulation(study, curve).run(60).store()
    kept = Simulation(study, curve, kept).run(40).store()
    assert keys(Simulation(study, curve, kept).run().mine()) == undisturbed


@METHODS
def test_more_samples_only_add_and_fewer_take_none_away(method: str) -> None:
    study = search(WIDE, method, samples=8)
    first = Simulation(study, curve).run()
    more = Simulation(override(study, {}, search={"samples": 14}), curve, first.store()).run()
    assert keys(more.mine())[:8] == keys(first.mine())
    assert len(more.ran) == 6
    fewer = Simulation(override(study, {}, search={"samples": 3}), curve, more.store())
    assert (fewer.proposals.total, fewer.proposals.nb_over) == (14, 14)
    assert fewer.proposals.opening()[0] == "14 samples: 14 done"
    assert fewer.run().ran == []
    cut = Simulation(study, curve).run(40)  # what an earlier start left goes on, however few are asked for
    fewer = Simulation(override(study, {}, search={"samples": 1}), curve, cut.store())
    nb_left = len(fewer.proposals.waiting)
    assert nb_left == 2
    assert fewer.proposals.total == fewer.proposals.nb_over + nb_left == len(cut.mine())
    assert len(fewer.run().ran) == nb_left


def test_a_failed_trial_is_a_sample_and_the_next_start_tries_it_again() -> None:
    study = search(WIDE, samples=10)
    first = Simulation(
        study, curve, ends=lambda parameters: "failed" if parameters.nb_hidden > 250 else "finished"
    ).run()
    check(study, first, 10)
    failed = [one.trial.key for one in first.mine() if one.state == "failed"]
    assert failed
    again = Simulation(study, curve, first.store()).run()
    assert again.ran == failed
    assert {one.state for one in again.mine()} == {"finished"}


@METHODS
@pytest.mark.parametrize(
    "objectives", [["accuracy"], ["run_time"], ["accuracy", "run_time"], ["accuracy", "run_time", "spikes"]]
)
def test_several_objectives_conditions_pruned_and_diverged_trials_are_learned_from(
    method: str, objectives: list[str]
) -> None:
    space = {
        "nb_hidden": "int(5, 500)",
        "scale": [10.0, 20.0, 40.0],
        "recurrent": [True, False],
        "init_scale_recurrent": "loguniform(0.02, 1.0) if recurrent = true",
    }
    study = search(space, method, samples=40, scheduler="asha", objectives=objectives)

    def ends(parameters: Parameters) -> str:
        return "diverged" if not parameters.recurrent and parameters.scale == 40 else "finished"

    first = Simulation(study, curve, ends=ends).run(150)
    again = Simulation(study, curve, first.store(), ends=ends).run()
    check(study, again, 40)
    states = [trial.state.name for trial in again.proposals.sampler.optuna.trials]
    over = [one.state for one in again.mine()]
    assert states.count("COMPLETE") == over.count("finished") > 0
    assert states.count("PRUNED") == over.count("pruned") + over.count("diverged")
    assert states.count("RUNNING") == 0


def told_by(
    study: Study, nb_hidden: Iterable[int], *, data: str = DATA, state: str = "finished", **more: Any
) -> list[Finding]:
    """Trials of another study, of these widths."""
    cells = [study.parameters({"nb_hidden": width, "scale": 20.0} | more) for width in nb_hidden]
    metrics = {"best_valid_accuracy": 0.5, "run_time_s": 1.0}
    return [Finding(Trial(cell, 0, data), state, metrics, [0.5] * 9) for cell in cells]


def test_a_search_begins_from_trials_of_other_studies_that_lie_in_its_space() -> None:
    study = search({"nb_hidden": "int(5, 100)", "scale": [10.0, 20.0]}, samples=5)
    inside, outside = told_by(study, [5, 50, 100]), told_by(study, [101, 500])
    simulation = Simulation(study, curve, elsewhere=[*inside, *outside])
    assert simulation.proposals.opening()[1:] == [
        "warm start: from 3 finished trials of randman; 2 more lie outside the space"
    ]
    check(study, simulation.run(), 5)
    cold = Simulation(override(study, {}, search={"warm_start": False}), curve, elsewhere=inside)
    assert len(cold.proposals.opening()) == 1
    assert cold.proposals.sampler.learned == set()


def test_nothing_is_learned_from_other_data_another_network_or_the_same_combination_again() -> None:
    study = search({"nb_hidden": "int(5, 100)", "scale": [10.0, 20.0]}, samples=5)
    other_data = told_by(study, [5], data="other")
    pruned = told_by(study, [6], state="pruned")
    network = [replace(one, trial=replace(one.trial, network="Mine-1234")) for one in told_by(study, [7])]
    confirmed = [
        replace(one, trial=replace(one.trial, seed=3), marks={"confirm.x": "1"}) for one in told_by(study, [8])
    ]
    simulation = Simulation(study, curve, earlier=[*other_data, *pruned, *network, *confirmed])
    assert (simulation.proposals.nb_warm, simulation.proposals.nb_outside) == (0, 0)


@METHODS
def test_trials_of_the_study_s_grid_are_adopted_and_not_run_again(method: str) -> None:
    study = search(SMALL, method, samples=12)
    grid = [
        Finding(Trial(cell, 0, DATA), "finished", {"best_valid_accuracy": curve(cell, 9)}, [0.5] * 9)
        for cell in study.cells()
        if cell.nb_hidden > 5
    ]
    simulation = Simulation(study, curve, grid).run()
    check(study, simulation, 12)
    assert len(simulation.ran) == 3
    assert "9 samples known from earlier trials, and not run again" in simulation.proposals.closing()
    again = Simulation(study, curve, simulation.store())
    assert again.proposals.opening() == ["12 samples: 12 done"]


def test_the_rungs_are_rebuilt_from_earlier_trials_of_the_search_and_from_adopted_ones() -> None:
    study = search(SMALL, samples=12, scheduler="asha")
    first = Simulation(study, curve).run(30)
    again = Simulation(study, curve, first.store())
    assert first.pruning.asha is not None
    assert again.pruning.asha is not None
    assert again.pruning.asha.rungs == first.pruning.asha.rungs
    grid = [replace(one, marks={}) for one in first.store() if one.state == "finished"]
    adopting = Simulation(study, curve, grid).run()
    assert adopting.pruning.asha is not None
    assert {one.trial.key for one in grid} <= adopting.pruning.asha.rungs[1].keys()


PLANTED = {"nb_hidden": 120, "scale": 30.0, "lr": 3e-3, "regularizer": 1e-4}
FULL = {
    "nb_hidden": [30, 60, 90, 120, 150, 180],
    "scale": [5.0, 10.0, 20.0, 30.0, 60.0, 120.0],
    "lr": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2],
    "regularizer": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1],
}


def hill(parameters: Parameters, epoch: int) -> float:
    """Falls with the distance from the planted optimum, in steps of each axis; learning takes some epochs."""
    steps = [FULL[name].index(getattr(parameters, name)) - FULL[name].index(best) for name, best in PLANTED.items()]
    return exp(-sum(step**2 for step in steps) / 20) * (1 - exp(-epoch / 8))


@pytest.mark.parametrize("seed", range(5))
def test_tpe_with_asha_finds_a_planted_optimum_in_a_fraction_of_the_grid_s_epochs(seed: int) -> None:
    nb_epochs = 27
    study = search(FULL, nb_epochs=nb_epochs, samples=120, scheduler="asha", seed=seed)
    simulation = Simulation(study, hill).run()
    finished = [one for one in simulation.mine() if one.state == "finished"]
    best = max(finished, key=lambda one: one.metrics["best_valid_accuracy"])
    whole_grid = len(study.cells()) * nb_epochs
    assert {name: getattr(best.trial.parameters, name) for name in PLANTED} == PLANTED
    assert simulation.found[best.trial.key] < simulation.nb_epochs < whole_grid / 20
