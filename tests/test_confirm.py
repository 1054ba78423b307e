"""Which of a search's combinations are run again, and how they rank."""

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from small import study

from snn_tune import confirm
from snn_tune.analysis.confirmed import lines
from snn_tune.finding import Finding
from snn_tune.study_tables import override
from snn_tune.trial import Trial

CELLS = study().cells()
results = st.lists(
    st.tuples(
        st.integers(0, len(CELLS) - 1),
        st.sampled_from(["finished", "finished", "pruned", "diverged", "failed", "interrupted"]),
        st.none() | st.integers(0, 8).map(lambda eighths: eighths / 8) | st.just(nan),
    ),
    max_size=30,
)


def finding(cell: int, state: str, score: float | None, seed: int = 0) -> Finding:
    metrics = {} if score is None else {"best_valid_accuracy": score, "best_test_accuracy": score / 2}
    return Finding(Trial(CELLS[cell], seed, "data"), state, metrics)


@given(results, st.integers(1, 5))
def test_the_best_are_those_with_the_highest_mean_of_what_finished(
    results: list[tuple[int, str, float | None]], how_many: int
) -> None:
    chosen = confirm.best([finding(*one) for one in results], how_many)
    scores: dict[int, list[float]] = {}
    for cell, state, score in results:
        if state == "finished" and score is not None and not isnan(score):
            scores.setdefault(cell, []).append(score)
    assert len(chosen) == min(how_many, len(scores))
    assert list(chosen.values()) == sorted(chosen.values(), reverse=True)
    for parameters, mean in chosen.items():
        assert mean == pytest.approx(np.mean(scores[CELLS.index(parameters)]))
    left = [np.mean(values) for cell, values in scores.items() if CELLS[cell] not in chosen]
    assert all(mean <= min(chosen.values(), default=inf) for mean in left)


def test_other_seeds_are_none_of_the_study_s() -> None:
    more = override(study(), {}, seeds=2)
    more = override(more, {}, search={"confirm": 2, "confirm_seeds": 3})
    trials = confirm.new_trials(more, CELLS[:2], "data")
    assert [(trial.parameters, trial.seed) for trial in trials] == [
        (cell, seed) for seed in (2, 3, 4) for cell in CELLS[:2]
    ]
    assert not {trial.key for trial in trials} & {trial.key for trial in more.trials("data")}


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), max_size=20))
def test_finalists_rank_by_their_new_seeds_alone(results: list[tuple[int, float]]) -> None:
    chosen = {CELLS[0]: 0.9, CELLS[1]: 0.8, CELLS[2]: 0.7}
    found = [finding(cell, "finished", score, seed) for seed, (cell, score) in enumerate(results)]
    ranked = confirm.ranked(chosen, [*found, finding(0, "diverged", None), finding(1, "pruned", 0.0)])
    assert {one.parameters for one in ranked} == set(chosen)
    means = [one.valid[0] for one in ranked]
    assert means == sorted(means, key=lambda mean: -1 if isnan(mean) else mean, reverse=True)
    for one in ranked:
        scores = [score for cell, score in results if CELLS[cell] == one.parameters]
        assert one.nb_seeds == len(scores)
        assert one.chosen_by == chosen[one.parameters]
        if scores:
            assert one.curse == pytest.approx(one.chosen_by - np.mean(scores))
            assert one.test[0] == pytest.approx(np.mean(scores) / 2)
        if len(scores) > 1 and np.std(scores) > 1e-6:
            low, high = stats.t.interval(0.95, len(scores) - 1, np.mean(scores), stats.sem(scores))
            assert one.valid[1] == pytest.approx((high - low) / 2)
        elif len(scores) < 2:
            assert isnan(one.valid[1])


def test_the_winner_s_curse_is_told_of_those_that_ran_again() -> None:
    chosen = {CELLS[0]: 0.9, CELLS[1]: 0.8}
    assert lines(confirm.ranked(chosen, [])) == ["no finalist has finished with another seed yet"]
    (line,) = lines(
        confirm.ranked(chosen, [finding(1, "finished", score, seed) for seed, score in enumerate((0.7, 0.8))])
    )
    assert "nan" not in line
    assert "+5.00 points; mean of 1 finalists +5.00 points" in line


def test_a_trial_without_a_finite_score_is_in_no_mean() -> None:
    without = Finding(finding(0, "finished", 0.0).trial, "finished", {"best_valid_accuracy": 0.5})
    found = [finding(0, "finished", 0.7, 1), finding(0, "finished", nan, 2), without]
    (one,) = confirm.ranked({CELLS[0]: 0.9}, found)
    assert one.valid[0] == pytest.approx(0.6)
    assert one.test[0] == pytest.approx(0.35)
