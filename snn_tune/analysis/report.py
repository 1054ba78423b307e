"""The report of a study's optimal combination: printed, and written as CSV and JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.text import Text

from snn_tune.analysis import gains, records, unfinished
from snn_tune.analysis.cells import Axes, learned, scored
from snn_tune.analysis.formats import number
from snn_tune.analysis.gains import Gain
from snn_tune.analysis.lines import counts, lines
from snn_tune.analysis.optimum import Optimum, optimum
from snn_tune.analysis.significance import Comparison, of_one_seed, significance, verdict
from snn_tune.analysis.strict import strict
from snn_tune.analysis.table import Row, rich_table, rows
from snn_tune.files import write_whole


@dataclass(frozen=True)
class Tables:
    """What is printed and written of a study.

    Attributes:
        rows: of the printed table.
        lines: below it.
        verdicts: a sentence for each parameter that varies: which differences between its values are real.
        significance: what those are worded from.
        gains: of the combination chosen by marginal means, by "all" or "learned" cells and accuracy.
        counts: trials by state; see `lines.counts`.
        samples: nb_train, nb_valid, nb_test: samples that each accuracy is over.
    """

    title: str
    axes: Axes
    rows: list[Row]
    lines: list[str]
    verdicts: list[str]
    optimum: Optimum
    significance: dict[str, list[Comparison]]
    gains: dict[str, dict[str, Gain]]
    counts: dict[str, int]
    samples: dict[str, int]
    thesis: dict[str, Any] | None
    trials: pd.DataFrame

    @property
    def best_key(self) -> str:
        """Key of the trial with the best validation accuracy in the best single cell; "" where none has finished."""
        if self.optimum.best is None:
            return ""
        there = self.trials[self.trials["state"] == "finished"]
        for name, value in self.optimum.best.parameters.items():
            there = there[[found == value for found in there[name]]]
        return str(there["key"].iloc[int(np.nanargmax(there["best_valid_accuracy"]))])

    def show(self, console: Console) -> None:
        """Print the table and its lines; plain text where the console is no terminal."""
        console.print(rich_table(self.title, self.rows, _varied(self.axes), console.width))
        console.print()
        fixed = [f"{name} {number(values[0])}" for name, values in self.axes.items() if len(values) == 1]
        same = [f"the same in all trials: {', '.join(fixed)}"] if fixed else []
        for line in [*same, *self.lines, *self.verdicts]:
            console.print(Text(line))

    def write(self, folder: Path) -> list[Path]:
        """Write optimum.csv, optimum.json, trials.csv, marginals.csv; accuracies as fractions. Each is whole or absent.

        Returns:
            The paths written.
        """
        contents = {
            "optimum.csv": records.optimum(self.rows, self.axes).to_csv(index=False),
            "optimum.json": self.as_json() + "\n",
            "trials.csv": self.trials.to_csv(index=False),
            "marginals.csv": records.marginals(self.optimum, self.significance).to_csv(index=False),
        }
        return [write_whole(folder / name, [content.encode()]) for name, content in contents.items()]

    def as_json(self) -> str:
        """The tables as strict JSON: null where there is no number."""
        return json.dumps(strict(self.summary()), indent=2, allow_nan=False, ensure_ascii=False)

    def summary(self) -> dict[str, Any]:
        """What is in the JSON; NaN where there is no number."""
        found = self.optimum
        means = {"all": found.grid_mean, "learned": found.learned}
        return {
            "title": self.title,
            "axes": self.axes,
            "chosen": records.combination(found.chosen),
            "best": records.combination(found.best),
            "fastest_within_one_error": records.combination(found.fastest),
            "fewest_spikes_within_one_error": records.combination(found.fewest_spikes),
            "marginals": {name: [asdict(one) for one in values] for name, values in found.marginals.items()},
            "significance": {name: [asdict(one) for one in values] for name, values in self.significance.items()},
            "verdicts": self.verdicts,
            "thesis": self.thesis,
            "grid_mean": {of: asdict(mean) for of, mean in means.items()},
            "gain": {of: {name: one.gain for name, one in gained.items()} for of, gained in self.gains.items()} or None,
            "gain_intervals": {
                of: {name: asdict(one.interval) for name, one in gained.items()} for of, gained in self.gains.items()
            },
            "trials": self.counts,
            "lines": self.lines,
            "samples": self.samples,
            "run_times": {"group": found.run_time_group, "nb_other_groups": found.nb_other_groups},
            "nb_unscored": found.nb_unscored,
            "nb_without": found.nb_without,
        }


def tables(
    trials: pd.DataFrame,
    axes: Axes,
    *,
    title: str,
    samples: dict[str, int] | None,
    nb_classes: int | None,
    thesis: dict[str, Any] | None,
    others: int = 0,
    nb_cells: int | None = None,
) -> Tables:
    """Analyse the trials of a grid (columns: `optimum.optimum`).

    Args:
        samples: nb_train, nb_valid, nb_test: samples that each accuracy is over.
        nb_classes: with samples' nb_valid, tells the cells that learned from chance.
        thesis: its own row: a text (with its mark) for each parameter, accuracies as fractions; a cell or not.
        others: trials of the same experiment that are not of this study, for the count.
        nb_cells: of the grid, for the count (`lines.counts`).

    Raises:
        ValueError: trials lacks `state` or a parameter.
    """
    samples = samples or {}
    found = optimum(trials, axes, nb_classes=nb_classes, samples=samples)
    count = counts(trials, axes, others, nb_cells)
    gained = _gains(trials, axes, found, nb_classes, samples)
    below = [*lines(found, count, samples, gained), *unfinished.listed(trials, _varied(axes))]
    compared = significance(trials, axes)
    verdicts = [verdict(name, compared[name]) for name in _varied(axes)] if found.chosen else []
    verdicts += of_one_seed(compared)
    table = rows(found, axes, thesis)
    return Tables(title, axes, table, below, verdicts, found, compared, gained, count, samples, thesis, trials)


def _varied(axes: Axes) -> list[str]:
    return [name for name, values in axes.items() if len(values) > 1]


def _gains(
    trials: pd.DataFrame, axes: Axes, found: Optimum, nb_classes: int | None, samples: dict[str, int]
) -> dict[str, dict[str, Gain]]:
    if found.chosen is None:
        return {}
    cells = scored(trials, axes)
    own = pd.Series(True, index=cells.index)
    for name, value in found.chosen.parameters.items():
        own &= cells[name] == axes[name].index(value)
    over = {"all": cells, "learned": learned(cells, nb_classes, samples.get("nb_valid"))}
    return {of: gains.gains(cells[own], others, samples) for of, others in over.items()}
