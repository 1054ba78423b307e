"""What a table of a grid is over, in sentences; what is left out is always said."""

from math import isnan, prod

import pandas as pd

from snn_tune.analysis.cells import Axes, on_grid
from snn_tune.analysis.formats import from_to, points
from snn_tune.analysis.gains import Gain
from snn_tune.analysis.optimum import Optimum

SHORT = {"train_accuracy": "train", "valid_accuracy": "valid", "test_accuracy": "test"}


def counts(trials: pd.DataFrame, axes: Axes, others: int, nb_cells: int | None = None) -> dict[str, int]:
    """How many trials of the grid are in which state, and `not_of_this_study`: `others` and those off the grid.

    A cell (or a seed of it) without a row is `missing`, as are rows in that state. `nb_cells` is how many cells the
    grid has, where an axis does not count in all of them; else they are the product of its axes.
    """
    placed = on_grid(trials, axes)
    states = placed["state"].value_counts().to_dict()
    nb_seeds = max(placed.loc[placed["seed"] != "", "seed"].nunique(), 1)
    nb_there = len(placed[["cell", "seed"]].drop_duplicates())
    nb_cells = prod(map(len, axes.values())) if nb_cells is None else nb_cells
    absent = max(nb_cells * nb_seeds - nb_there, 0)
    finished = placed[placed["state"] == "finished"]
    known = ("finished", "pruned", "diverged", "failed", "running", "interrupted")
    return {
        "total": len(placed) + absent,
        **{state: states.get(state, 0) for state in known},
        "missing": states.get("missing", 0) + absent,
        **{activity: int((finished["activity"] == activity).sum()) for activity in ("silent", "saturated")},
        "not_of_this_study": others + len(trials) - len(placed),
    }


def lines(
    found: Optimum, count: dict[str, int], samples: dict[str, int], gains: dict[str, dict[str, Gain]]
) -> list[str]:
    """What the table is over, in a sentence each; what is left out is always said."""
    over = ", ".join(f"{name} {samples[f'nb_{name}']:,}" for name in SHORT.values() if f"nb_{name}" in samples)
    return [
        *_trials(count),
        *([f"samples that each accuracy is over: {over}"] if over else []),
        *(_gains(found, gains) if found.chosen else ["no trial has finished with a validation accuracy yet"]),
        *_left_out(found),
    ]


def _trials(count: dict[str, int]) -> list[str]:
    always = ("diverged", "failed", "missing")
    others = [f"{count[s]} {s}" for s in (*always, "pruned", "running", "interrupted") if s in always or count[s]]
    return [
        f"trials finished: {count['finished']}/{count['total']} "
        f"({count['silent']} silent, {count['saturated']} saturated)",
        f"not finished: {', '.join(others)}; not of this study: {count['not_of_this_study']}",
    ]


def _gains(found: Optimum, gains: dict[str, dict[str, Gain]]) -> list[str]:
    """Nothing where the chosen combination was not run, or nothing learned."""
    over = {"all": f"all {found.grid_mean.nb_cells}", "learned": f"the {found.learned.nb_cells} that learned"}
    text = []
    for of, those in over.items():
        known = {SHORT[name]: one for name, one in gains[of].items() if not isnan(one.gain)}
        if "valid" in known:
            each = [f"{name} {points(one.gain)}{from_to(one.interval)}" for name, one in known.items()]
            text.append(f"marginal means, over {those}: {', '.join(each)} points")
    return text


def _left_out(found: Optimum) -> list[str]:
    text = []
    if found.nb_unscored:
        text.append(f"left out: {found.nb_unscored} finished without a validation accuracy")
    for name, nb in found.nb_without.items():
        text.append(f"left out of the mean {name}: {nb} finished without it")
    if found.nb_other_groups:
        group = ", ".join(f"{name} {value or '?'}" for name, value in found.run_time_group.items())
        text.append(f"run times: only of {group}; those of {found.nb_other_groups} other trials are left out")
    uneven = [name for name, values in found.marginals.items() if len({v.scores.nb_cells for v in values}) > 1]
    if uneven and found.chosen:
        text.append(f"marginal means are over unequal numbers of cells: {', '.join(uneven)}")
    return text
