"""The table of optimal combinations (thesis, tables 2-4), as text."""

from dataclasses import dataclass, field
from math import nan
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from snn_tune.analysis.cells import ACCURACIES, Axes, Scores
from snn_tune.analysis.combination import Combination
from snn_tune.analysis.formats import between, number, percent, points, seconds
from snn_tune.analysis.optimum import Optimum
from snn_tune.intervals import Interval

_WIDE = 122  # columns of a terminal that holds four parameters and the labels without wrapping
_ROOMY = 100  # that holds the intervals and the spikes, too
_SHORT = ("train", "valid", "test")  # ACCURACIES, as the table heads them


@dataclass(frozen=True)
class Row:
    """One row; NaN where there is none.

    Attributes:
        parameters: a text for each.
        accuracies: fractions, in the order of ACCURACIES; with `is_difference` differences of them.
        intervals: of the accuracies; of a mean of many combinations none is given.
    """

    label: str
    parameters: dict[str, str]
    accuracies: tuple[float, ...]
    run_time_s: float
    spikes_per_neuron: float = nan
    intervals: tuple[Interval, ...] = field(default=(Interval(),) * 3)
    is_difference: bool = False


def rows(found: Optimum, axes: Axes, thesis: dict[str, Any] | None) -> list[Row]:
    """The chosen and the best combinations, the thesis's own row (a cell of the grid or not), and the grid's means."""
    singles = {
        "marginal means": found.chosen,
        "best single": found.best,
        "fastest within 1 s.e.": found.fastest,
        "fewest spikes within 1 s.e.": found.fewest_spikes,
    }
    of_thesis = _thesis_rows(thesis, axes, found.chosen) if thesis else []
    means = {"mean of all {}": found.grid_mean, "mean of {} learned": found.learned} if found.chosen else {}
    return [
        *(_combination_row(label, one) for label, one in singles.items() if one),
        *of_thesis,
        *(_row(label.format(mean.nb_cells), mean) for label, mean in means.items()),
    ]


def _row(label: str, scores: Scores) -> Row:
    accuracies = tuple(getattr(scores, name) for name in ACCURACIES)
    return Row(label, {}, accuracies, scores.run_time_s, scores.spikes_per_neuron)


def _combination_row(label: str, one: Combination) -> Row:
    seeds = f", {one.nb_seeds} seeds" if one.nb_seeds > 1 else ""
    texts = {name: number(value) + one.marks[name] for name, value in one.parameters.items()}
    intervals = tuple(one.intervals[name] for name in ACCURACIES)
    row = _row(label + (seeds if one.was_run else ": not run"), one.scores)
    return Row(row.label, texts, row.accuracies, row.run_time_s, row.spikes_per_neuron, intervals)


def _thesis_rows(thesis: dict[str, Any], axes: Axes, chosen: Combination | None) -> list[Row]:
    """Its own, and by how much the combination chosen by marginal means is above it."""
    accuracies = tuple(nan if thesis.get(name) is None else float(thesis[name]) for name in ACCURACIES)
    texts = {name: number(thesis[name]) for name in axes if name in thesis}
    own = Row("thesis", texts, accuracies, nan if thesis.get("run_time_s") is None else float(thesis["run_time_s"]))
    if chosen is None:
        return [own]
    above = tuple(getattr(chosen.scores, name) - one for name, one in zip(ACCURACIES, accuracies, strict=True))
    return [own, Row("marginal means less thesis", {}, above, nan, is_difference=True)]


def rich_table(title: str, table: list[Row], parameters: list[str], width: int) -> Table:
    """The rows, for a terminal or a file of this width in characters: only labels wrap.

    In 100 columns or more each accuracy has its interval below it, and the spikes are there.
    """
    wide, roomy = width >= _WIDE, width >= _ROOMY
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
    last = ["run time" if wide else "run\ntime", *(["spikes"] if roomy else [])]
    for heading in (*parameters, *headings, *last):
        out.add_column(Text(heading), justify="right", no_wrap=True)
    for row in table:
        values = [row.parameters.get(name, "-") if row.parameters else "" for name in parameters]
        cells = [row.label, *values, *accuracies(row, roomy), *costs(row)[: len(last)]]
        out.add_row(*map(Text, cells))
    return out


def accuracies(row: Row, with_intervals: bool) -> list[str]:
    """The texts of its three cells; an interval is a second line."""
    texts = [points(one) if row.is_difference else percent(one) for one in row.accuracies]
    if not with_intervals:
        return texts
    return [f"{text}\n{between(one)}".rstrip() for text, one in zip(texts, row.intervals, strict=True)]


def costs(row: Row) -> list[str]:
    """Run time and spikes, as texts."""
    if row.is_difference:
        return ["", ""]
    spikes = row.spikes_per_neuron
    return [seconds(row.run_time_s), "-" if spikes != spikes else f"{spikes:.2f}"]
