"""The decomposition, on tables whose effects are known."""

from itertools import product
from math import isnan, nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from snn_tune.analysis import words
from snn_tune.analysis.effects import effects
from snn_tune.axis import axis
from snn_tune.space import Space


def space(axes):
    return Space({name: axis(name, values) for name, values in axes.items()}, {})


def table(axes, valid, **columns):
    """A trial for each cell, in grid order."""
    frame = pd.DataFrame(list(product(*axes.values())), columns=list(axes))
    return frame.assign(best_valid_accuracy=valid, **({"state": "finished", "seed": 0} | columns))


def shares(found):
    return {effect.names: effect.share for effect in found.effects}


def test_planted_effects_and_one_interaction_come_back_exactly():
    axes = {"a": [1, 2, 3], "b": [10, 20], "c": [0.1, 0.2, 0.3, 0.4], "d": ["x", "y"]}
    of_a, of_b, of_c = {1: -0.1, 2: 0.0, 3: 0.1}, {10: -0.05, 20: 0.05}, {0.1: 0.03, 0.2: -0.01, 0.3: -0.03, 0.4: 0.01}
    of_ab = {
        (1, 10): 0.02,
        (1, 20): -0.02,
        (2, 10): 0.0,
        (2, 20): 0.0,
        (3, 10): -0.02,
        (3, 20): 0.02,
    }  # rows, columns: 0
    valid = [0.6 + of_a[a] + of_b[b] + of_c[c] + of_ab[a, b] for a, b, c, _ in product(*axes.values())]
    found = effects(table(axes, valid), space(axes))
    planted = {("a",): 0.02 / 3, ("b",): 0.0025, ("c",): 0.0005, ("a", "b"): 0.0016 / 6}
    assert found.kind == "variance"
    assert found.variance == pytest.approx(sum(planted.values()))
    assert found.variance == pytest.approx(np.var(valid))
    expected = dict.fromkeys(shares(found), 0.0) | {names: v / sum(planted.values()) for names, v in planted.items()}
    assert shares(found) == pytest.approx(expected, abs=1e-12)
    assert [effect.names for effect in found.effects[:4]] == [("a",), ("b",), ("c",), ("a", "b")]
    assert {effect.order for effect in found.effects} == {1, 2, 3, 4}
    assert len(found.effects) == 15


def test_two_by_two_by_two_by_hand():
    # Yates: contrasts of (1), c, b, bc, a, ac, ab, abc; the variance of each effect is (contrast / 8)^2.
    valid = [0.50, 0.54, 0.60, 0.60, 0.70, 0.70, 0.88, 0.84]
    signs = {"a": [-1] * 4 + [1] * 4, "b": [-1, -1, 1, 1] * 2, "c": [-1, 1] * 4}
    axes = {"a": [0, 1], "b": [0, 1], "c": [0, 1]}
    found = effects(table(axes, valid), space(axes))
    contrasts = {("a",): 0.88, ("b",): 0.48, ("c",): 0.0, ("a", "b"): 0.16, ("a", "c"): -0.08, ("b", "c"): -0.08}
    contrasts[("a", "b", "c")] = 0.0
    for names, contrast in contrasts.items():
        sign = np.prod([signs[name] for name in names], axis=0)
        assert sign @ valid == pytest.approx(contrast, abs=1e-12)
    squares = {names: (contrast / 8) ** 2 for names, contrast in contrasts.items()}
    assert found.variance == pytest.approx(np.var(valid))
    assert shares(found) == pytest.approx({n: s / sum(squares.values()) for n, s in squares.items()}, abs=1e-12)


def test_what_seeds_differ_by_is_a_share_of_its_own():
    axes = {"a": [1, 2], "b": [1, 2]}
    low, high = (table(axes, np.array([0.5, 0.5, 0.7, 0.7]) + d, seed=d) for d in (-0.1, 0.1))
    found = effects(pd.concat([low, high]), space(axes))
    assert shares(found) == pytest.approx({("a",): 0.5, (): 0.5, ("b",): 0.0, ("a", "b"): 0.0}, abs=1e-12)
    assert found.effects[0].label == "seeds"
    p = {effect.names: effect.p for effect in found.effects}
    assert p["a",] < 1e-9  # the same in both seeds
    assert p["b",] == 1
    assert isnan(p[()])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=8, max_size=8), min_size=2, max_size=5))
def test_of_two_values_the_p_is_that_of_the_seeds_own_differences(valid):
    """An F test against the seeds of one degree of freedom is the t test of their differences."""
    axes = {"a": [1, 2], "b": [1, 2, 3, 4]}
    found = effects(pd.concat(table(axes, one, seed=seed) for seed, one in enumerate(valid)), space(axes))
    by_seed = np.array(valid).reshape(-1, 2, 4).mean(axis=2)
    differences = by_seed[:, 1] - by_seed[:, 0]
    assume(np.ptp(differences) > 1e-3)
    p = {effect.names: effect.p for effect in found.effects}
    alone = stats.ttest_1samp(differences, 0).pvalue
    assert alone * (1 - 1e-6) <= p["a",] <= min(3 * alone, 1) + 1e-9  # after Holm, of three effects


def test_unequal_numbers_of_seeds_count_each_cell_once():
    axes = {"a": [1, 2]}
    frame = pd.DataFrame(
        {"a": [1, 1, 2], "seed": [0, 1, 0], "best_valid_accuracy": [0.5, 0.7, 0.8], "state": "finished"}
    )
    found = effects(frame, space(axes))  # means 0.6 and 0.8: variance 0.01; within 0.01 and 0: 0.005
    assert shares(found) == pytest.approx({("a",): 2 / 3, (): 1 / 3})
    assert all(isnan(effect.p) for effect in found.effects)


def test_silent_networks_count_and_failed_ones_make_a_grid_incomplete():
    axes = {"a": list(range(6)), "b": [0, 1]}
    frame = table(axes, [0.1] * 6 + [0.8] * 6, activity=["silent"] * 6 + [""] * 6)
    assert effects(frame, space(axes)).kind == "variance"
    for change in ({"state": "failed"}, {"best_valid_accuracy": nan}, {"best_valid_accuracy": float("inf")}):
        broken = frame.copy()
        for column, value in change.items():
            broken.loc[3, column] = value
        found = effects(broken, space(axes))
        assert found.kind == "importance"
        assert found.label.startswith("Optuna's importances (PED-ANOVA) from 11 trials, not all combinations")
        assert "uncertain: the best tenth are 2 trials" in found.label
        assert sum(effect.share for effect in found.effects) == pytest.approx(1)
        assert {effect.names for effect in found.effects} == {("a",), ("b",)}


def test_what_does_not_vary_is_told_last_in_the_order_of_the_space():
    fixed = {name: [1] for name in "fedcb"}
    axes = fixed | {"a": list(range(12))}
    found = effects(table(axes, np.arange(12) / 20).assign(state=["failed"] + ["finished"] * 11), space(axes))
    assert [effect.names for effect in found.effects] == [("a",), *((name,) for name in fixed)]


def test_importances_find_the_parameter_that_matters_in_a_conditional_space():
    draw = np.random.default_rng(0)
    written = {"lr": "loguniform(1e-4, 1e-1)", "nb_hidden": "int(5, 100)", "recurrent": [True, False]}
    written |= {"init_scale_recurrent": "uniform(0.1, 1.0) if recurrent = true"}
    lr, recurrent = 10 ** draw.uniform(-4, -1, 200), draw.integers(2, size=200) == 1
    frame = pd.DataFrame({"lr": lr, "nb_hidden": draw.integers(5, 101, 200), "recurrent": recurrent})
    frame["init_scale_recurrent"] = np.where(recurrent, draw.uniform(0.1, 1.0, 200), 0.2)
    frame = frame.assign(state="finished", best_valid_accuracy=1 - np.abs(np.log10(lr) + 2) / 4)
    frame.loc[199, "lr"] = 5.0  # outside the space
    found = effects(frame, space(written))
    assert found.kind == "importance"
    assert "from 199 trials" in found.label
    assert "uncertain" not in found.label
    assert found.effects[0].names == ("lr",)
    assert found.effects[0].share > 0.6


@pytest.mark.parametrize(
    ("frame", "label"),
    [
        (pd.DataFrame(), "no trial has finished with a validation accuracy yet"),
        (table({"a": [1, 2]}, 0.5, state="failed"), "no trial has finished with a validation accuracy yet"),
        (table({"a": [1, 2]}, nan), "no trial has finished with a validation accuracy yet"),
        (table({"a": [1, 2]}, 0.1), "nothing to explain: all 2 combinations have the same validation accuracy"),
        (table({"a": [1, 2]}, [0.5, 0.6]).iloc[:1], "nothing to explain: there is one trial"),
        (
            table({"a": [1, 2]}, [0.5, 0.6]).iloc[[0, 0, 0]],
            "nothing to explain: all 3 trials have the same validation accuracy",
        ),
    ],
)
def test_little_or_nothing_to_explain(frame, label):
    found = effects(frame, space({"a": [1, 2]}))
    assert (found.kind, found.label, found.effects) == ("", label, [])


def test_too_few_trials_for_importances():
    axes = {"a": list(range(12))}
    found = effects(table(axes, np.arange(12) / 20).iloc[:9], space(axes))
    assert found.label == "too few trials for importances: 9 of the space have finished, 10 are needed"
    assert found.effects == []


def test_one_value_on_an_axis_has_no_effect():
    axes = {"a": [1, 2], "b": [7]}
    found = effects(table(axes, [0.5, 0.6]), space(axes))
    assert shares(found) == pytest.approx({("a",): 1.0})
    assert effects(table({"b": [7]}, [0.5]), space({"b": [7]})).label == "nothing to explain: there is one combination"


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(1, 3), st.data())
def test_shares_are_not_negative_and_add_up_to_1_for_any_full_grid(sizes, nb_seeds, data):
    axes = {f"p{i}": list(range(size)) for i, size in enumerate(sizes)}
    nb = int(np.prod(sizes))
    accuracy = st.lists(st.integers(0, 1000).map(lambda n: n / 1000), min_size=nb, max_size=nb)
    valid = [data.draw(accuracy) for _ in range(nb_seeds)]
    frame = pd.concat([table(axes, one, seed=seed) for seed, one in enumerate(valid)])
    found = effects(frame, space(axes))
    assert found.variance == pytest.approx(np.var(valid), abs=1e-12)  # of all trials: cells have equally many
    if found.kind:
        assert all(effect.share >= 0 for effect in found.effects)
        assert sum(effect.share for effect in found.effects) == pytest.approx(1)
        assert all(isnan(effect.p) or 0 <= effect.p <= 1 for effect in found.effects)
    else:
        assert np.ptp(valid) == 0


def test_what_could_not_be_tested_is_not_called_noise():
    axes = {"a": [1, 2], "b": [1, 2]}
    first, second = table(axes, [0.1, 0.2, 0.5, 0.6]), table(axes, [0.15, 0.16, 0.52, 0.63], seed=1)
    assert "Seeds alone may explain" in words.effects(effects(pd.concat([first, second]), space(axes)))
    uneven = effects(pd.concat([first, second[1:]]), space(axes))
    assert all(isnan(one.p) for one in uneven.effects)
    assert words.effects(uneven).endswith("What seeds alone may explain could not be tested.")
