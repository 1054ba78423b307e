"""What a search found."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from small import study

from snn_tune.analysis.found import found, pareto
from snn_tune.finding import Finding
from snn_tune.study_tables import override
from snn_tune.trial import Trial

SEARCH = {"method": "random", "samples": 6, "objectives": ["accuracy", "run_time"]}
STUDY = override(study(), {"nb_hidden": "int(5, 100)", "recurrent": [True, False], "nb_steps": [20]}, search=SEARCH)
WAYS = {"best_valid_accuracy": "max", "run_time_s": "min"}
scores = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


def finding(place: int, accuracy: float, run_time: float, state: str = "finished") -> Finding:
    parameters = STUDY.parameters({"nb_hidden": 5 + place, "nb_steps": 20, "recurrent": True})
    metrics = {"best_valid_accuracy": accuracy, "run_time_s": run_time}
    return Finding(Trial(parameters, 0, "data"), state, metrics, [0.5] * 3, {STUDY.search_mark: str(place)})


@given(scores)
def test_a_pareto_set_has_who_is_not_beaten_and_all_of_them(scores: list[tuple[int, int]]) -> None:
    findings = [finding(place, *score) for place, score in enumerate(scores, 1)]
    unfinished = [finding(99, 100.0, 0.0, "pruned"), finding(98, float("nan"), 0.0)]
    front = pareto([*findings, *unfinished], WAYS)
    for one in findings:
        accuracy, run_time = one.metrics["best_valid_accuracy"], one.metrics["run_time_s"]
        beaten = any(
            other[0] >= accuracy and other[1] <= run_time and other != (accuracy, run_time) for other in scores
        )
        assert (one in front) != beaten
    assert not any(one in front for one in unfinished)
    accuracies = [one.metrics["best_valid_accuracy"] for one in front]
    assert accuracies == sorted(accuracies, reverse=True)


@pytest.mark.parametrize("way", ["max", "min"])
def test_with_one_objective_it_is_the_best(way: str) -> None:
    findings = [finding(place, accuracy, 1.0) for place, accuracy in enumerate((0.5, 0.75, 0.25), 1)]
    (best,) = pareto(findings, {"best_valid_accuracy": way})
    assert best.metrics["best_valid_accuracy"] == (0.75 if way == "max" else 0.25)


def test_pruned_trials_are_counted_and_in_no_ranking() -> None:
    findings = [
        finding(1, 0.5, 2.0),
        finding(2, 0.99, 0.1, "pruned"),
        finding(3, 0.6, 3.0),
        finding(4, 0.99, 0.1, "interrupted"),
        Finding(finding(5, 0.9, 0.1).trial, "finished", {"best_valid_accuracy": 0.99}),  # of another search
    ]
    result = found(STUDY, list(reversed(findings)))
    assert [one.marks[STUDY.search_mark] for one in result.trials] == ["1", "2", "3", "4"]
    assert result.best == [findings[2], findings[0]]
    assert result.pareto == [findings[2], findings[0]]
    assert result.lines() == ["trials of this search: 4 of 6: 2 finished, 1 pruned, 1 interrupted"]
    rows = json.loads(result.as_json())
    assert [row["nb_hidden"] for row in rows["best"]] == [8, 6]
    assert all(row["best_test_accuracy"] is None for row in rows["best"])
    console = Console(file=io.StringIO(), width=100)
    result.show(console)
    assert "Pareto set of accuracy:max, run_time:min" in console.file.getvalue()
    assert "99.00" not in console.file.getvalue()


def test_nothing_found_yet() -> None:
    result = found(STUDY, [])
    assert result.lines() == [
        "trials of this search: 0 of 6: 0 finished",
        "no trial has finished with a validation accuracy yet",
    ]
    assert json.loads(result.as_json())["best"] == []
    result.show(Console(file=io.StringIO()))


def test_its_files_have_a_row_for_each_trial(tmp_path: Path) -> None:
    csv, _ = found(STUDY, [finding(1, 0.5, 2.0), finding(2, 0.9, 0.1, "pruned")]).write(tmp_path)
    header, *rows = csv.read_text().splitlines()
    assert header.startswith("sample,key,state,epochs,nb_hidden,nb_steps,recurrent,best_train_accuracy")
    assert [row.split(",")[2:4] for row in rows] == [["finished", "3"], ["pruned", "3"]]
