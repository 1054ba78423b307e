"""The table of optimal combinations (thesis, tables 2-4), and the lines below it, as text."""

import re
from dataclasses import dataclass
from math import isnan, nan, prod
from typing import Any

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from snn_tune.analysis.cells import ACCURACIES, Axes, Scores, on_grid
from snn_tune.analysis.optimum import Combination, Optimum, gain
from snn_tune.trial import as_text

_WIDE = 110  # columns of a terminal that holds four parameters and the labels without wrapping
_SHORT = ("train", "valid", "test")  # ACCURACIES, as the table heads them


@dataclass(frozen=True)
class Row:
    """A label; a text for each parameter; accuracies as fractions in the order of ACCURACIES; seconds. NaN: none."""

    label: str
    parameters: dict[str, str]
    accuracies: tuple[float, ...]
    run_time_s: float


def rows(found: Optimum, axes: Axes, thesis: dict[str, Any] | None) -> list[Row]:
    """The chosen and the best combination, the thesis's own row (a cell of the grid or not), and the grid's means."""
    found_rows, mean_rows = [], []
    if found.chosen and found.best:
        found_rows = [
            _combination_row("marginal means", found.chosen),
            _combination_row("best single", found.best),
        ]
        mean_rows = [
            _row(f"mean of all {found.grid_mean.nb_cells}", found.grid_mean),
            _row(f"mean of {found.learned.nb_cells} learned", found.learned),
        ]
    return [*found_rows, *([_thesis_row(thesis, axes)] if thesis else []), *mean_rows]


def _row(label: str, scores: Scores, parameters: dict[str, str] | None = None) -> Row:
    return Row(label, parameters or {}, tuple(getattr(scores, name) for name in ACCURACIES), scores.run_time_s)


def _combination_row(label: str, combination: Combination) -> Row:
    texts = {name: number(value) + combination.marks[name] for name, value in combination.parameters.items()}
    seeds = f", {combination.nb_seeds} seeds" if combination.nb_seeds > 1 else ""
    return _row(label + (seeds if combination.was_run else ": not run"), combination.scores, texts)


def _thesis_row(thesis: dict[str, Any], axes: Axes) -> Row:
    measures = [nan if thesis.get(name) is None else float(thesis[name]) for name in (*ACCURACIES, "run_time_s")]
    texts = {name: number(thesis[name]) for name in axes if name in thesis}
    return Row("thesis", texts, tuple(measures[:-1]), measures[-1])


def number(value: Any) -> str:
    """A parameter's value as text: 1e-6 for 1e-06, 80.0 for 80.0, at most six digits; other types as str has them."""
    if isinstance(value, bool) or not isinstance(value, float):
        return as_text(value)
    text = repr(float(value))
    text = text if len(text) <= 8 else f"{value:.6g}"
    return re.sub(r"e(-?)\+?0*", r"e\1", text)


def percent(fraction: float) -> str:
    return "-" if isnan(fraction) else f"{100 * fraction:.2f}"


def seconds(time_s: float) -> str:
    return "-" if isnan(time_s) else f"{time_s:.1f} s" if time_s < 1000 else f"{time_s:.0f} s"


def counts(trials: pd.DataFrame, axes: Axes, others: int) -> dict[str, int]:
    """How many trials of the grid are in which state, and `not_of_this_study`: `others` and those off the grid.

    A cell (or a seed of it) without a row is `missing`, as are rows in that state.
    """
    placed = on_grid(trials, axes)
    states = placed["state"].value_counts().to_dict()
    nb_seeds = max(placed.loc[placed["seed"] != "", "seed"].nunique(), 1)
    nb_there = len(placed[["cell", "seed"]].drop_duplicates())
    absent = max(prod(map(len, axes.values())) * nb_seeds - nb_there, 0)
    finished = placed[placed["state"] == "finished"]
    known = ("finished", "pruned", "diverged", "failed", "running", "interrupted")
    return {
        "total": len(placed) + absent,
        **{state: states.get(state, 0) for state in known},
        "missing": states.get("missing", 0) + absent,
        **{activity: int((finished["activity"] == activity).sum()) for activity in ("silent", "saturated")},
        "not_of_this_study": others + len(trials) - len(placed),
    }


def lines(found: Optimum, count: dict[str, int], samples: dict[str, int]) -> list[str]:
    """What the table is over, in a sentence each; what is left out is always said."""
    over = ", ".join(f"{name} {samples[f'nb_{name}']:,}" for name in _SHORT if f"nb_{name}" in samples)
    return [
        *_trials(count),
        *([f"samples that each accuracy is over: {over}"] if over else []),
        *(_gains(found) if found.chosen else ["no trial has finished with a validation accuracy yet"]),
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


def _gains(found: Optimum) -> list[str]:
    """Nothing where the chosen combination was not run, or nothing learned."""
    assert found.chosen is not None
    text = []
    for of, mean in {"all {}": found.grid_mean, "the {} that learned": found.learned}.items():
        points = gain(found.chosen.scores, mean)
        if not isnan(points["valid_accuracy"]):
            signed = [f"{s} {100 * v:+.2f}" for s, v in zip(_SHORT, points.values(), strict=True) if not isnan(v)]
            text.append(f"marginal means, over {of.format(mean.nb_cells)}: {', '.join(signed)} points")
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


def rich_table(title: str, table: list[Row], parameters: list[str], width: int) -> Table:
    """The rows, for a terminal or a file of this width in characters: only labels wrap."""
    wide = width >= _WIDE
    headings = [f"{name} %" if wide else f"{name}\n%" for name in _SHORT]
    out = Table(
        title=Text(title),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0) if wide else 0,
    )
    out.add_column("")
    for heading in (*parameters, *headings, "run time" if wide else "run\ntime"):
        out.add_column(Text(heading), justify="right", no_wrap=True)
    for row in table:
        values = [row.parameters.get(name, "-") if row.parameters else "" for name in parameters]
        cells = [row.label, *values, *map(percent, row.accuracies), seconds(row.run_time_s)]
        out.add_row(*map(Text, cells))
    return out
