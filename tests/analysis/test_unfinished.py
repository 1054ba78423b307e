"""What did not end as it should is told by name."""

from itertools import product

import pandas as pd

from snn_tune.analysis.unfinished import listed

AXES = {"a": [1, 2, 3], "b": [1e-6, 1e-4]}


def trials(**columns):
    return pd.DataFrame(list(product(*AXES.values())), columns=list(AXES)).assign(**{"state": "finished"} | columns)


def test_failed_diverged_and_pruned_ones_with_their_reasons():
    states = ["failed", "finished", "diverged", "pruned", "interrupted", "missing"]
    reasons = ["out of memory", "", "loss not finite in epoch 3", "", "", ""]
    assert listed(trials(state=states, reason=reasons), list(AXES)) == [
        "failed: a=1 b=1e-6 (out of memory)",
        "diverged: a=2 b=1e-6 (loss not finite in epoch 3)",
        "pruned: a=2 b=0.0001",
        "interrupted: a=3 b=1e-6",
    ]


def test_of_many_the_first_and_how_many_more():
    seeds = pd.concat([trials(state="failed", seed=seed) for seed in (0, 1)])
    (line,) = listed(seeds, list(AXES))
    assert line == "failed: a=1 b=1e-6 seed=0, a=1 b=0.0001 seed=0, a=2 b=1e-6 seed=0, and 9 more (trials.csv)"


def test_silent_networks_by_the_value_that_silences_them():
    assert listed(trials(activity=["", "silent"] * 3), list(AXES)) == ["silent: all 3 with b 0.0001"]
    some = trials(activity=["silent", "silent", "", "silent", "saturated", "silent"])
    assert listed(some, list(AXES)) == ["silent: all 2 with a 1; all 3 with b 0.0001", "saturated: a=3 b=1e-6"]
    assert listed(trials(activity="silent")[:2], list(AXES)) == ["silent: a=1 b=1e-6, a=1 b=0.0001"]


def test_nothing_to_tell():
    assert listed(trials(), list(AXES)) == []
    assert listed(pd.DataFrame(), list(AXES)) == []
    assert listed(trials(state="failed")[:1], []) == ["failed: the combination"]
