"""The thesis's findings held against trials whose means are known."""

from itertools import product

import pandas as pd
import pytest
from scipy import stats

from snn_tune.analysis.claims import Judged, judge, lines
from snn_tune.claim import Claim

AXES = {"nb_hidden": [100, 200], "scale": [10.0, 20.0, 30.0], "nb_steps": [50, 100, 150], "regularizer": [0.1, 1.0]}


def trials(**changed: object) -> pd.DataFrame:
    """Train accuracy: 2 points more for 200 units, there with a wobble at scale 20; run time: steps times units."""
    rows = []
    for place, (nb_hidden, scale, nb_steps, regularizer) in enumerate(product(*AXES.values())):
        wobble = {50: 0.005, 100: -0.005, 150: 0.0}[nb_steps] * (scale == 20.0)
        train = 0.9 + (0.02 + wobble) * (nb_hidden == 200)
        row = {"key": str(place), "state": "finished", "activity": "", "device": "cpu", "kernel": "cpu", "threads": "1"}
        row |= {"trials_beside": "2", "seed": 0, "nb_hidden": nb_hidden, "scale": scale, "nb_steps": nb_steps}
        row |= {"regularizer": regularizer}
        row |= {"best_train_accuracy": train, "best_valid_accuracy": 0.9, "best_test_accuracy": 0.1}
        rows.append(row | {"run_time_s": nb_steps * nb_hidden / 100.0, "spikes_per_neuron": 1.0})
    return pd.DataFrame(rows).assign(**changed)


def verdict(order: str, of: str = "train_accuracy", frame: pd.DataFrame | None = None) -> Judged:
    (one,) = judge([Claim(says="so", of=of, order=order)], trials() if frame is None else frame, AXES)
    return one


@pytest.mark.parametrize(
    ("of", "order", "expected"),
    [
        ("train_accuracy", "nb_hidden: 200 > 100", "agrees"),
        ("train_accuracy", "nb_hidden: 100 > 200", "disagrees"),
        ("train_accuracy", "scale: 20 > 10", "cannot tell"),
        ("train_accuracy", "scale: 20 = 10", "agrees"),
        ("train_accuracy", "nb_hidden: 100 = 200", "disagrees"),
        ("train_accuracy", "nb_hidden: 100 = 300", "cannot tell"),  # not in the grid
        ("test_accuracy", "nb_hidden: 100 is 10 %", "agrees"),
        ("test_accuracy", "nb_hidden: 100 is 50 %", "disagrees"),
        ("run_time", "nb_steps: 150 > 100 > 50", "agrees"),
        ("run_time", "nb_steps: 150 > 50 > 100", "in part"),
        ("run_time", "scale: 10 = 20 = 30", "agrees"),
        ("run_time", "nb_steps: 100 = 50", "disagrees"),
        ("train_accuracy", "nb_hidden: 200 > 100, 100 > 200", "in part"),
    ],
)
def test_the_verdict_follows_from_the_intervals(of: str, order: str, expected: str) -> None:
    assert verdict(order, of).verdict == expected


def test_figures_are_differences_with_their_intervals() -> None:
    one = verdict("nb_hidden: 200 > 100")
    assert one.steps[0].difference == pytest.approx(0.02)
    assert one.figures.startswith("200 > 100: +2.00 (+")
    assert one.figures.endswith(", p below 0.001")
    low, high = one.steps[0].interval.low, one.steps[0].interval.high
    assert low < 0.02 < high
    assert verdict("nb_steps: 100 > 50", "run_time").figures.startswith("100 > 50: +75.0 s (+")
    assert verdict("scale: 10 > 5").figures == "not in this grid"
    assert verdict("nb_steps: 100 > 50", "run_time", trials(run_time_s=float("nan"))).figures == "100 > 50: -"


def of_seeds(*more_by_200_units: float) -> pd.DataFrame:
    """Those trials with a seed for each of these, which are added to the train accuracy of 200 units."""
    frames = [trials(seed=seed) for seed in range(len(more_by_200_units))]
    for frame, more in zip(frames, more_by_200_units, strict=True):
        frame["best_train_accuracy"] += more * (frame["nb_hidden"] == 200)
    return pd.concat(frames, ignore_index=True)


def test_accuracies_of_several_seeds_are_judged_by_how_their_initial_weights_differ() -> None:
    assert verdict("nb_hidden: 200 > 100", frame=of_seeds(0.0, 0.001, 0.002)).verdict == "agrees"
    one = verdict("nb_hidden: 200 > 100", frame=of_seeds(-0.01, -0.02, 0.06))  # 1, 0 and 8 points: 54 pairs, no order
    assert one.verdict == "cannot tell"
    (step,) = one.steps
    assert (step.difference, step.interval.of) == (pytest.approx(0.03), "draws")
    assert step.p == pytest.approx(stats.ttest_1samp([0.01, 0.0, 0.08], 0).pvalue)
    assert (step.interval.low, step.interval.high) == pytest.approx((0.03 - 0.10828, 0.03 + 0.10828), abs=1e-5)
    assert verdict("nb_hidden: 200 > 100", "run_time", of_seeds(-0.01, -0.02, 0.06)).verdict == "agrees"


def test_p_values_are_corrected_for_how_many_there_are() -> None:
    claims = [Claim(says="so", of="train_accuracy", order=order) for order in ("scale: 20 > 10", "scale: 20 > 30")]
    (alone,) = judge(claims[:1], trials(), AXES)
    together = judge([*claims, *claims], trials(), AXES)
    assert together[0].steps[0].p == pytest.approx(min(4 * alone.steps[0].p, 1))


def test_values_that_are_alike_by_the_mean_alone_are_not_told() -> None:
    frame = trials()
    frame.loc[(frame["scale"] == 20.0) & (frame["nb_steps"] == 50), "best_test_accuracy"] += 0.2
    frame.loc[(frame["scale"] == 20.0) & (frame["nb_steps"] == 100), "best_test_accuracy"] -= 0.2
    assert verdict("scale: 20 = 10", "test_accuracy", frame).verdict == "cannot tell"


def test_times_of_another_machine_and_trials_that_did_not_finish_do_not_count() -> None:
    frame = trials()
    frame.loc[0, ["device", "run_time_s"]] = ["another", 1e6]
    frame.loc[1, "state"], frame.loc[1, "best_train_accuracy"] = "failed", 0.0
    assert verdict("nb_steps: 150 > 100 > 50", "run_time", frame).verdict == "agrees"
    assert verdict("nb_hidden: 200 > 100", frame=frame).steps[0].difference == pytest.approx(0.02)
    assert verdict("nb_hidden: 200 > 100", frame=trials(state="failed")).verdict == "cannot tell"


def test_a_line_has_the_verdict_of_each_measure() -> None:
    claims = [
        Claim(says="so", of="accuracy", order=order) for order in ("nb_hidden: 200 > 100", "nb_hidden: 100 > 200")
    ]
    assert lines(judge(claims, trials(), AXES)) == [
        "thesis: so: train agrees, test cannot tell",
        "thesis: so: train disagrees, test cannot tell",
    ]


def test_a_grid_of_one_axis_is_judged_by_its_seeds() -> None:
    frame = pd.concat([trials(scale=10.0, nb_steps=50).assign(seed=seed) for seed in range(8)])
    frame = frame.groupby(["nb_hidden", "seed"], as_index=False).first()
    claims = [Claim(says="so", of="train_accuracy", order="nb_hidden: 200 > 100")]
    (one,) = judge(claims, frame, {"nb_hidden": [100, 200]})
    assert one.steps[0].difference == pytest.approx(0.02)
    assert one.verdict == "agrees"
    (one,) = judge(claims, frame[frame["seed"] == 0], {"nb_hidden": [100, 200]})
    assert one.verdict == "cannot tell"  # of one pair
