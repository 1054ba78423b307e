"""A search: exactly as many distinct trials as were asked for, none twice, and what is known is not run again."""

import math
from collections.abc import Iterable

import pytest
from small import study

from snn_tune.confirm import best, new_trials, ranked
from snn_tune.finding import Finding
from snn_tune.known import Known
from snn_tune.proposals import Proposals
from snn_tune.pruning import Asha, Pruning
from snn_tune.study import Study
from snn_tune.study_tables import override
from snn_tune.trial import Ending, Epoch, Parameters, Trial

WIDE = {"nb_hidden": "int(5, 50)", "lr": "loguniform(1e-3, 1e-1)", "nb_steps": [20, 30]}


def searching(axes: dict | None = None, **search: object) -> Study:
    return override(study(), WIDE if axes is None else axes, search={"method": "optuna", "samples": 12} | search)


def proposals(
    study: Study, known: Known, elsewhere: Iterable[Finding] = (), pruning: Pruning | None = None
) -> Proposals:
    adopted: list[Trial] = []
    found = Proposals(
        study, "data", known, list(elsewhere), lambda trial, _: adopted.append(trial), pruning or Pruning()
    )
    found.adopted = adopted  # type: ignore[attr-defined]
    return found


def quality(parameters: Parameters) -> float:
    return 1 - abs(math.log10(parameters.lr) + 2) / 2 - abs(parameters.nb_hidden - 20) / 100


def train(trial: Trial, known: Known, search: Proposals, state: str = "finished") -> None:
    value = quality(trial.parameters)
    epochs = [Epoch(1, {"valid_accuracy": value, "spikes_per_neuron": 1.0})]
    metrics = {
        "best_valid_accuracy": value,
        "best_test_accuracy": value,
        "run_time_s": float(trial.parameters.nb_hidden),
    }
    for listener in (known, search):
        listener.begun(trial)
        listener.epochs(trial, epochs)
        listener.ended(trial, Ending(state, metrics=metrics if state == "finished" else {}))


def run(search: Proposals, known: Known, at_most: int = 1000) -> list[Trial]:
    trials = []
    while len(trials) < at_most and (trial := search.propose()):
        trials.append(trial)
        train(trial, known, search)
    return trials


@pytest.mark.parametrize("method", ["random", "optuna"])
@pytest.mark.parametrize("objectives", [["accuracy:max"], ["accuracy:max", "run_time:min"]])
def test_as_many_distinct_trials_as_were_asked_for(method: str, objectives: list[str]) -> None:
    known = Known()
    trials = run(proposals(searching(method=method, objectives=objectives), known), known)
    assert len(trials) == len({trial.key for trial in trials}) == 12


def test_a_space_that_is_exhausted_is_said_to_be() -> None:
    known, small = Known(), searching({"nb_hidden": [5, 10], "nb_steps": [20, 30], "lr": [0.1, 0.01]})
    search = proposals(small, known)
    assert len(run(search, known)) == 8
    assert search.closing() == ["there are no more than 8 combinations in the space"]


def test_killed_and_typed_again_it_goes_on_to_the_same_number() -> None:
    known = Known()
    first = proposals(searching(), known)
    begun = run(first, known, at_most=5)
    waiting = first.propose()
    assert waiting
    stored = [Finding(f.trial, f.state, f.metrics, f.history, first.marks[f.trial.key]) for f in known.values()]
    stored.append(Finding(waiting, "interrupted", marks=first.marks[waiting.key]))
    again = Known(stored)
    second = proposals(searching(), again)
    assert second.waiting == [waiting]
    assert second.opening()[0] == "12 samples: 5 done; to run: 1 continued, 6 to propose (optuna)"
    train(waiting, again, second)
    trials = [*begun, waiting, *run(second, again)]
    assert len({trial.key for trial in trials}) == len(trials) == 12
    assert sorted(second.mine.values()) == list(range(1, 13))


def test_what_is_known_from_elsewhere_in_the_study_is_adopted_and_not_run() -> None:
    small = searching({"nb_hidden": [5, 10], "nb_steps": [20, 30], "lr": [0.1]}, samples=4)
    cells = small.cells()
    known = Known(
        Finding(Trial(cell, 0, "data"), "finished", {"best_valid_accuracy": 0.5}, [0.5]) for cell in cells[:3]
    )
    search = proposals(small, known)
    assert [trial.parameters for trial in run(search, known)] == cells[3:]
    assert len(search.adopted) == search.nb_adopted == 3  # type: ignore[attr-defined]
    assert search.nb_warm == 3
    assert len(search.mine) == 4


def test_a_warm_start_learns_from_what_lies_in_the_space_and_counts_the_rest() -> None:
    wide = searching()
    inside = wide.probes()[0]
    outside = inside.model_copy(update={"batch_size": 99})
    earlier = [Finding(Trial(cell, 0, "data"), "finished", {"best_valid_accuracy": 0.5}) for cell in (inside, outside)]
    search = proposals(wide, Known(), earlier)
    assert (search.nb_warm, search.nb_outside) == (1, 1)
    assert "warm start: from 1 finished trials of randman; 1 more lie outside the space" in search.opening()
    assert proposals(searching(warm_start=False), Known(), earlier).nb_warm == 0


def test_the_rungs_are_rebuilt_from_earlier_trials() -> None:
    wide, asha = searching(), Asha(9)
    mark = wide.search_mark
    trial = Trial(wide.probes()[0], 0, "data")
    proposals(wide, Known([Finding(trial, "pruned", {}, [0.1, 0.2, 0.3], {mark: "1"})]), pruning=Pruning(asha=asha))
    assert asha.rungs == {1: {trial.key: 0.1}, 3: {trial.key: 0.3}}


def test_tpe_finds_a_planted_optimum_sooner_than_chance() -> None:
    found = {}
    for method in ("random", "optuna"):
        tops = []
        for seed in range(5):
            known = Known()
            trials = run(proposals(searching(method=method, seed=seed, samples=40), known), known)
            tops.append(max(quality(trial.parameters) for trial in trials))
        found[method] = sum(tops) / 5
    assert found["optuna"] > found["random"]
    assert found["optuna"] > 0.97


def test_the_best_are_confirmed_with_seeds_that_did_not_choose_them() -> None:
    wide = override(searching(), {}, search={"confirm": 2, "confirm_seeds": 3})
    cells = [cell for cell in wide.probes() if cell.nb_steps == 20][:3]
    scores = (0.9, 0.8, 0.7)
    found = [
        Finding(Trial(cell, 0, "data"), "finished", {"best_valid_accuracy": score})
        for cell, score in zip(cells, scores, strict=True)
    ]
    chosen = best([*found, Finding(Trial(cells[0], 9, "data"), "pruned", {"best_valid_accuracy": 1.0})], 2)
    assert chosen == dict(zip(cells[:2], scores, strict=False))
    trials = new_trials(wide, chosen, "data")
    assert [trial.seed for trial in trials] == [1, 1, 2, 2, 3, 3]
    again = [
        Finding(trial, "finished", {"best_valid_accuracy": value, "best_test_accuracy": value})
        for trial, value in zip(trials, (0.7, 0.8, 0.72, 0.8, 0.74, 0.8), strict=True)
    ]
    first, second = ranked(chosen, again)
    assert (first.parameters, first.valid) == (cells[1], (pytest.approx(0.8), pytest.approx(0.0)))
    assert second.curse == pytest.approx(0.18)
    assert second.valid[1] == pytest.approx(4.303 * 0.02 / math.sqrt(3), rel=1e-3)
