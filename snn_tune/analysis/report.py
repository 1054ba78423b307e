"""The report of a study's optimal combination: printed, and written as CSV and JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.text import Text

from snn_tune.analysis.cells import ACCURACIES, Axes
from snn_tune.analysis.optimum import Combination, Optimum, gain, optimum
from snn_tune.analysis.strict import strict
from snn_tune.analysis.table import Row, counts, lines, number, rich_table, rows
from snn_tune.files import write_whole


@dataclass(frozen=True)
class Tables:
    """What is printed and written of a study.

    Attributes:
        rows: of the printed table.
        lines: below it.
        counts: trials by state; see `table.counts`.
        samples: nb_train, nb_valid, nb_test: samples that each accuracy is over.
    """

    title: str
    axes: Axes
    rows: list[Row]
    lines: list[str]
    optimum: Optimum
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
        varied = [name for name, values in self.axes.items() if len(values) > 1]
        console.print(rich_table(self.title, self.rows, varied, console.width))
        console.print()
        fixed = [f"{name} {number(values[0])}" for name, values in self.axes.items() if len(values) == 1]
        for line in [*([f"the same in all trials: {', '.join(fixed)}"] if fixed else []), *self.lines]:
            console.print(Text(line))

    def write(self, folder: Path) -> list[Path]:
        """Write optimum.csv, optimum.json, trials.csv, marginals.csv; accuracies as fractions. Each is whole or absent.

        Returns:
            The paths written.
        """
        contents = {
            "optimum.csv": _optimum(self).to_csv(index=False),
            "optimum.json": self.as_json() + "\n",
            "trials.csv": self.trials.to_csv(index=False),
            "marginals.csv": _marginals(self.optimum).to_csv(index=False),
        }
        return [write_whole(folder / name, [content.encode()]) for name, content in contents.items()]

    def as_json(self) -> str:
        """The tables as strict JSON: null where there is no number."""
        return json.dumps(strict(_summary(self)), indent=2, allow_nan=False, ensure_ascii=False)


def tables(
    trials: pd.DataFrame,
    axes: Axes,
    *,
    title: str,
    samples: dict[str, int] | None,
    nb_classes: int | None,
    thesis: dict[str, Any] | None,
    others: int = 0,
) -> Tables:
    """Analyse the trials of a grid (columns: `optimum.optimum`).

    Args:
        samples: nb_train, nb_valid, nb_test: samples that each accuracy is over.
        nb_classes: with samples' nb_valid, tells the cells that learned from chance.
        thesis: its own row: a text (with its mark) for each parameter, accuracies as fractions; a cell or not.
        others: trials of the same experiment that are not of this study, for the count.

    Raises:
        ValueError: trials lacks `state` or a parameter.
    """
    samples = samples or {}
    found = optimum(trials, axes, nb_classes=nb_classes, nb_valid=samples.get("nb_valid"))
    count = counts(trials, axes, others)
    below = lines(found, count, samples)
    return Tables(title, axes, rows(found, axes, thesis), below, found, count, samples, thesis, trials)


def _optimum(tables: Tables) -> pd.DataFrame:
    columns = ["row", *tables.axes, *ACCURACIES, "run_time_s"]
    parameters = [[row.parameters.get(name, "") for name in tables.axes] for row in tables.rows]
    values = [
        [row.label, *texts, *row.accuracies, row.run_time_s] for row, texts in zip(tables.rows, parameters, strict=True)
    ]
    return pd.DataFrame(values, columns=columns)


def _marginals(found: Optimum) -> pd.DataFrame:
    """One row for each parameter and value; `standard_error` is of `worse_by`, the paired difference to the best."""
    records = []
    for name, marginals in found.marginals.items():
        for marginal in marginals:
            scores = marginal.scores
            records.append(
                {
                    "parameter": name,
                    "value": marginal.value,
                    "chosen": found.chosen is not None and found.chosen.parameters[name] == marginal.value,
                    "n": scores.nb_trials,
                    "nb_cells": scores.nb_cells,
                    **{f"mean_{accuracy}": getattr(scores, accuracy) for accuracy in ACCURACIES},
                    "worse_by": marginal.worse_by,
                    "standard_error": marginal.standard_error,
                    "nb_pairs": marginal.nb_pairs,
                    "mean_run_time_s": scores.run_time_s,
                }
            )
    return pd.DataFrame(records, dtype=object)  # an axis of whole numbers stays one beside an axis of fractions


def _summary(tables: Tables) -> dict[str, Any]:
    found = tables.optimum
    means = {"all": found.grid_mean, "learned": found.learned}
    return {
        "title": tables.title,
        "axes": tables.axes,
        "chosen": _combination(found.chosen),
        "best": _combination(found.best),
        "marginals": {name: [asdict(one) for one in values] for name, values in found.marginals.items()},
        "thesis": tables.thesis,
        "grid_mean": {of: asdict(mean) for of, mean in means.items()},
        "gain": {of: gain(found.chosen.scores, mean) for of, mean in means.items()} if found.chosen else None,
        "trials": tables.counts,
        "samples": tables.samples,
        "run_times": {"group": found.run_time_group, "nb_other_groups": found.nb_other_groups},
        "nb_unscored": found.nb_unscored,
        "nb_without": found.nb_without,
    }


def _combination(combination: Combination | None) -> dict[str, Any] | None:
    return asdict(combination) | {"was_run": combination.was_run} if combination else None
